/* late.h: a network file system may show a file that another node has just made some seconds late. */
#ifndef NNSM_BASE_LATE_H
#define NNSM_BASE_LATE_H

#include <stdbool.h>

enum { NNSM_LATE = 60 /* s that are waited */ };

/* All zero at first. */
typedef struct {
    double since;
    bool told;
} nnsm_late;

/* Is it worth looking for a file again? True after a tenth of a second, in which its directory was opened, so that the
 * system looks at what is there now; false after NNSM_LATE seconds. After five there is a line on the standard error.
 * Local. */
bool nnsm_late_again(nnsm_late *late, const char *path);

#endif
