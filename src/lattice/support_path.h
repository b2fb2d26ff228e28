/* support_path.h: one configuration of a chain and what the stream of support.h says along it, kept so that a change of
 * a few sums follows the rows of windows that it touches and no more: the trellis is remembered where a row begins, and
 * once it is again what it was, so is all that comes behind.
 *
 * A stream only does the work: it may serve many paths. Local; only create can fail. */
#ifndef NNSM_LATTICE_SUPPORT_PATH_H
#define NNSM_LATTICE_SUPPORT_PATH_H

#include "lattice/support.h"

typedef struct {
    const nnsm_support *support; /* borrowed */
    bool inside;                 /* is the configuration in the support? */
    int8_t *upper;               /* [windows] its sums */
    uint32_t *allowed;           /* [windows]; 0 where it is outside */
    float *belief;               /* [windows][beliefs] */
    int32_t *edges;              /* [rows][strips] of the trellis remembered; 0: too many */
    int32_t *graph;              /* [rows][strips][room] its levels, edges by node, and targets */
    uint64_t *set;               /* [rows][strips][most edges][words] */
    size_t room, most_edges;
} nnsm_support_path;

nnsm_status nnsm_support_path_create(nnsm_support_path *path, const nnsm_support *support, nnsm_error *error);
void nnsm_support_path_destroy(nnsm_support_path *path);

/* upper: in, [windows]. Returns inside. */
bool nnsm_support_path_load(nnsm_support_path *path, nnsm_support_stream *stream, const int8_t *upper);

/* What would be if the sums were `upper`, which differ from the path's between windows first and last. allowed, belief:
 * out, as of the path, filled for windows from ... to - 1; the others are as they are. False where it is outside. */
bool nnsm_support_path_try(const nnsm_support_path *path, nnsm_support_stream *stream, const int8_t *upper,
                           size_t first, size_t last, uint32_t *allowed, float *belief, size_t *from, size_t *to);

/* Let it be so, where it is inside. */
void nnsm_support_path_accept(nnsm_support_path *path, nnsm_support_stream *stream, const int8_t *upper, size_t first,
                              size_t last);

#endif
