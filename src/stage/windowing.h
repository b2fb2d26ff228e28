/* windowing.h: what a run knows of the windows that its data were seen through: the instrument, stated by the user, and
 * what the filter (lattice/preimage.h) found of that statement in the data.
 *
 * It stands as attributes of /window in ensembles of windows or undone from windows, in networks and in results. */
#ifndef NNSM_STAGE_WINDOWING_H
#define NNSM_STAGE_WINDOWING_H

#include "io/h5.h"
#include "lattice/window.h"
#include "setup/config.h"

enum { NNSM_WINDOWING_TEXT = 128 };

/* Plain data: copied between ranks byte by byte. */
typedef struct {
    nnsm_window window;                    /* sites = 0: there are none, and all below is 0 */
    nnsm_alphabet values;                  /* of the sites below */
    int64_t latent;                        /* 1: network and scan work on the sites below; 0: on the windows */
    int64_t masked;                        /* 1: on windows, and only on sums that have a preimage */
    int64_t source;                        /* checksum of the file that the windows were laid on or read from */
    int64_t configurations, none, several; /* of the data that the filter saw (0: it was not asked), without a preimage,
                                              with more than one */
    int64_t uncounted, doublings; /* configurations whose preimages were too many to count; the median of log2 of their
                                     number over all configurations, rounded down, a lower bound where uncounted > 0 */
} nnsm_windowing;

/* Size or stride along an axis, of which the configuration has one for all or one each. Local. */
int nnsm_config_window_size(const nnsm_config *config, int axis);
int nnsm_config_window_stride(const nnsm_config *config, int axis);

/* The windows of the configuration on a lattice of those extents. Local. */
nnsm_status nnsm_config_window(const nnsm_config *config, int dimensions, const int *below, nnsm_window *window,
                               nnsm_error *error);

/* The windows of a masked network, or NULL. Local. */
static inline const nnsm_window *nnsm_windowing_masked(const nnsm_windowing *windowing)
{
    return windowing->masked ? &windowing->window : NULL;
}

/* "2 x 2, stride 1 x 1, open, on 16 x 16: 15 x 15 windows". Local. */
void nnsm_windowing_text(const nnsm_windowing *windowing, char *text, size_t size);

/* "12 (0.1 %) with several; half of all have at least 2^0". Local. */
void nnsm_windowing_several_text(const nnsm_windowing *windowing, char *text, size_t size);

/* Are windows undone, and has more than one configuration in a hundred several preimages? Always taking the same one
 * then shows in the law of the sites that the network learns, which is no longer the one of the data's sites. Local. */
static inline bool nnsm_windowing_ambiguous(const nnsm_windowing *windowing)
{
    return windowing->latent && 100 * windowing->several > windowing->configurations;
}

/* How many sites of a window have the upper of their two values, by the place of its sum in an alphabet. upper: out,
 * [NNSM_MAX_VALUES]. Local. */
void nnsm_windowing_uppers(const nnsm_windowing *windowing, const nnsm_alphabet *sums, int32_t *upper);

/* Attributes of /window; nothing where there are no windows. */
void nnsm_windowing_write(nnsm_h5 *h5, const nnsm_windowing *windowing);

/* Zeroed where the file has no /window; what cannot be is a failure of h5. */
void nnsm_windowing_read(nnsm_h5 *h5, nnsm_windowing *windowing);

#endif
