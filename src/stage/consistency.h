/* consistency.h: can a configuration of overlapping windows be the image of any sites? Asked of what a network that
 * works on the windows themselves samples (window.route = "plain"); below the windows every configuration is one. */
#ifndef NNSM_STAGE_CONSISTENCY_H
#define NNSM_STAGE_CONSISTENCY_H

#include "lattice/preimage.h"
#include "stage/run.h"

typedef struct {
    nnsm_preimage *filter; /* NULL: the question does not arise, or the filter cannot answer it for these windows */
    int32_t upper[NNSM_MAX_VALUES]; /* upper sites in a window, by its value's place in the alphabet of the run */
    int32_t *counts;                /* [windows] */
} nnsm_consistency;

/* Local, as all of them. */
nnsm_status nnsm_consistency_create(nnsm_consistency *consistency, const nnsm_run *run, nnsm_error *error);
void nnsm_consistency_destroy(nnsm_consistency *consistency);

/* False where the configuration ([sites] states) has no preimage for sure. */
bool nnsm_consistency_holds(const nnsm_consistency *consistency, const nnsm_run *run, const int8_t *states);

#endif
