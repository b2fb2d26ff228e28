/* frontier_geometry.h: which sites every output of a frontier network sees, and which outputs look alike. Local. */
#ifndef NNSM_MADE_FRONTIER_GEOMETRY_H
#define NNSM_MADE_FRONTIER_GEOMETRY_H

#include "nnsm/frontier.h"

typedef struct {
    int32_t *sites; /* [F] of the output's fit, -1 in a slot for which it has none */
    size_t fit;
} nnsm_frontier_position;

typedef struct {
    int32_t *positions, *slots; /* [count] */
    size_t count;
} nnsm_frontier_seen;

struct nnsm_frontier {
    nnsm_frontier_architecture architecture;
    size_t sites, fits;
    int32_t *order, *position;      /* [sites] site at a position, and back */
    nnsm_frontier_position *output; /* [sites] by position */
    nnsm_fit *fit;                  /* [fits] */
    int32_t **members;              /* [fits][members] positions */
    nnsm_frontier_seen *seen;       /* [sites] by site */
    size_t fitted, parameters;
    float *weights; /* [parameters] of all fits, one after the other: `fitted` weights, then signs */
};

/* nnsm_frontier_create, for an architecture that a file claims: NNSM_USAGE, before memory is taken for them, where all
 * units together have more than `most_weights` weights w. */
nnsm_status nnsm_frontier_create_within(nnsm_frontier **out, const nnsm_frontier_architecture *architecture,
                                        size_t most_weights, nnsm_error *error);

/* The shortest way from one site to another, d: out, [NNSM_MAX_DIMENSIONS], entries beyond the dimensions untouched. */
void nnsm_frontier_displacement(const nnsm_frontier_architecture *architecture, int32_t from, int32_t to, int *d);

/* The displacement of a slot of a fit from the output, d: as above. */
void nnsm_frontier_slot(const nnsm_frontier *frontier, size_t fit, size_t slot, int *d);

/* From order and position: the frontier of every output within the horizon, nearest sites first, and its size. sizes:
 * out, [sites]. */
nnsm_status nnsm_frontier_find(nnsm_frontier *frontier, size_t *sizes, nnsm_error *error);

/* Which fit every output belongs to; frontiers that share one are arranged in the same slots, of which an output may
 * leave some empty. sizes: in, frontiers; out, slots. */
nnsm_status nnsm_frontier_share(nnsm_frontier *frontier, size_t *sizes, nnsm_error *error);

#endif
