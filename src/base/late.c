#include "base/late.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/host.h"
#include "base/timer.h"

static const double silent = 5; /* s */

bool nnsm_late_again(nnsm_late *late, const char *path)
{
    char host[64], parent[4096];
    double now = nnsm_seconds();
    late->since = late->since > 0 ? late->since : now;
    if (now - late->since > NNSM_LATE)
        return false;
    if (now - late->since > silent && !late->told) {
        nnsm_host_name(host, sizeof host);
        (void)fprintf(stderr, "%s does not see %s yet as the node of rank 0 does; waiting for it, %d s at most\n", host,
                      path, NNSM_LATE);
        late->told = true;
    }
    (void)snprintf(parent, sizeof parent, "%s", path);
    int directory = open(dirname(parent), O_RDONLY | O_DIRECTORY);
    if (directory >= 0)
        (void)close(directory);
    (void)nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    return true;
}
