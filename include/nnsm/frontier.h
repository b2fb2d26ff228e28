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
 * look alike share one fit.
 *
 * Of q > 2 values the conditional is a softmax over the values (multinomial logistic regression, as convex):
 *     q(s = k) = exp(o_k) / sum_j exp(o_j),   o_0 = 0,   o_k = c_k + sum_i a_ki x_i + sum_u b_ku tanh(h_u),
 * with q - 1 inputs a frontier site, x = sigma_f (1[s_f = v] - 1 / q), v = 1 ... q - 1, and h_u = e_u + sum_i w_ui x_i
 * = e_u + sum_f w_uf sigma_f g_u(s_f): every unit looks at the values through a function g_u of mean zero
 * (made/frontier_units.h).
 *
 * With a horizon, sites of the frontier that are farther than that from the output are left out, and outputs in
 * different rows may share a fit. A frontier then has a size that does not grow with the lattice. What is lost should
 * fall off as correlations do, exp(-horizon / xi) of the correlation length xi at T0; it is not measured. All functions
 * are local. */
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
    double horizon;         /* how far a frontier is seen, in lattice spacings; 0: all of it */
    size_t units;           /* of a conditional, at most; small frontiers get fewer */
    uint64_t seed;          /* of the units */
    bool odd;               /* two values: the spin flip is a symmetry: no offsets, no constants */
    bool share;             /* outputs with like frontiers share a fit (lattice translations are a symmetry) */
    double temperature;     /* T0 of the ensemble it learns */
    nnsm_alphabet alphabet; /* of the sites; zeroed: -1 and +1 */
} nnsm_frontier_architecture;

/* One fit: all that its outputs share. */
typedef struct {
    size_t members;  /* outputs */
    size_t frontier; /* sites F of the frontier */
    size_t units;    /* U */
    size_t inputs;   /* I: F; of q > 2 values F (q - 1) */
    size_t outputs;  /* K: 1; of q > 2 values q - 1 */
    float *w;        /* [U][I] */
    float *offset;   /* [U] e */
    float *weights;  /* [K][I + U + 1] a, b, c: what is fitted */
    float *sign;     /* [F] sigma, -1 or +1; 1 until the data have said */
} nnsm_fit;

typedef struct nnsm_frontier nnsm_frontier;

/* Features of a fit: inputs, units, constant. */
static inline size_t nnsm_fit_features(const nnsm_fit *fit)
{
    return fit->inputs + fit->units + 1;
}

/* What is fitted: a coefficient a feature and output. */
static inline size_t nnsm_fit_dimension(const nnsm_fit *fit)
{
    return fit->outputs * nnsm_fit_features(fit);
}

/* Geometry and units; fitted weights are zero (p uniform). NNSM_USAGE for impossible sizes, or where a conditional
 * would have more than NNSM_MOST_FITTED coefficients: a fit's Hessian has their number squared. The caller owns *out.
 */
enum { NNSM_MOST_FITTED = 8192 };
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

/* log p of each configuration. configurations: in, [count][sites], states; log_probability: out, [count]. */
void nnsm_frontier_log_probability(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace,
                                   const int8_t *configurations, size_t count, double *log_probability);

#endif
