/* nnsm/frontier.h: a network whose conditionals see only the frontier of their output, through fixed saturating units.
 *
 * Sites are taken in an order. The frontier of the output at position p are the visited sites (positions < p) within
 * the reach of the interaction of the connected region of unvisited sites that holds the output's; by the Markov
 * property the conditional of a model with that reach depends on nothing else. Its logit is o_p = c + sum_f a_f x_f +
 * sum_u b_u tanh(h_u),   h_u = e_u + sum_f w_uf x_f,   x_f = sigma_f s_f, and log p(s) = -sum_p log(1 + exp(-s_p o_p)).
 * The units' weights w (and offsets e, zero where the spin flip is a symmetry) are fixed: products of neighbouring
 * frontier spins, then random ones of geometric shape in the distance from the output. The signs sigma are those of
 * the correlation of s_f with the output's spin: antiferromagnets and spin glasses look like ferromagnets to the units
 * (Toulouse's gauge). a, b, c are fitted: each conditional is a convex logistic regression. Outputs whose frontiers
 * look alike share one fit. All functions are local. */
#ifndef NNSM_FRONTIER_H
#define NNSM_FRONTIER_H

#include "nnsm/made.h"

typedef struct {
    int dimensions;
    int extent[NNSM_MAX_DIMENSIONS]; /* unused entries are 1 */
    bool periodic;
    nnsm_order order;
    uint64_t order_seed;
    double reach;           /* of the interaction, in lattice spacings: 1 nearest neighbours, 1.5 diagonals too */
    size_t units;           /* of a conditional, at most; small frontiers get fewer */
    uint64_t seed;          /* of the units */
    bool odd;               /* the spin flip is a symmetry: no offsets, no constants */
    bool share;             /* outputs with like frontiers share a fit (lattice translations are a symmetry) */
    double temperature;     /* T0 of the ensemble it learns */
    nnsm_alphabet alphabet; /* of the sites, two values; zeroed: -1 and +1 */
} nnsm_frontier_architecture;

/* One fit: all that its outputs share. */
typedef struct {
    size_t members;  /* outputs */
    size_t frontier; /* sites F of the frontier */
    size_t units;    /* U */
    float *w;        /* [U][F] */
    float *offset;   /* [U] e */
    float *weights;  /* [F + U + 1] a, b, c: what is fitted */
    float *sign;     /* [F] sigma, -1 or +1; 1 until the data have said */
} nnsm_fit;

typedef struct nnsm_frontier nnsm_frontier;

/* Geometry and units; fitted weights are zero (p uniform). NNSM_USAGE for impossible sizes. The caller owns *out. */
nnsm_status nnsm_frontier_create(nnsm_frontier **out, const nnsm_frontier_architecture *architecture,
                                 nnsm_error *error);
void nnsm_frontier_destroy(nnsm_frontier *frontier);

const nnsm_frontier_architecture *nnsm_frontier_architecture_of(const nnsm_frontier *frontier);
size_t nnsm_frontier_sites(const nnsm_frontier *frontier);
/* order[p] is the site at position p; [sites], borrowed. */
const int32_t *nnsm_frontier_order(const nnsm_frontier *frontier);

size_t nnsm_frontier_fits(const nnsm_frontier *frontier);
/* A fit, to read or to change its weights. Borrowed. */
nnsm_fit *nnsm_frontier_fit(nnsm_frontier *frontier, size_t fit);
const nnsm_fit *nnsm_frontier_look(const nnsm_frontier *frontier, size_t fit);
/* Position of member number `member` of a fit, and its frontier: sites in the order of the fit's weights, borrowed. */
size_t nnsm_frontier_member(const nnsm_frontier *frontier, size_t fit, size_t member, const int32_t **sites);

/* The output at a position: the number of its fit, and its frontier. */
size_t nnsm_frontier_output(const nnsm_frontier *frontier, size_t position, const int32_t **sites);

/* The outputs that see a site: positions and the site's slot in their frontiers; returns how many. Borrowed. */
size_t nnsm_frontier_seen_by(const nnsm_frontier *frontier, size_t site, const int32_t **positions,
                             const int32_t **slots);

/* The fitted weights of all fits, then their signs, as one vector of *count floats, borrowed. */
float *nnsm_frontier_parameters(nnsm_frontier *frontier, size_t *count);

/* Scratch for batches; products have one shape for `rows` configurations a batch. */
typedef struct nnsm_frontier_workspace nnsm_frontier_workspace;
nnsm_status nnsm_frontier_workspace_create(nnsm_frontier_workspace **out, const nnsm_frontier *frontier, size_t rows,
                                           nnsm_error *error);
void nnsm_frontier_workspace_destroy(nnsm_frontier_workspace *workspace);

/* log p of each configuration. configurations: in, [count][sites], -1 or +1; log_probability: out, [count]. */
void nnsm_frontier_log_probability(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace,
                                   const int8_t *configurations, size_t count, double *log_probability);

#endif
