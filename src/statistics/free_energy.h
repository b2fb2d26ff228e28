/* free_energy.h: ln Z along a list of temperatures from measurements at each of them, with errors.
 *
 * Two independent routes from one temperature ("node") to the next:
 * - acceptance ratios (bennett.h): exact but for statistics;
 * - integration: d ln Z / d beta = -<H>, the cubic Hermite rule with the slopes d<H>/d beta = -var H,
 *       ln Z_b / Z_a = -h (<H>_a + <H>_b) / 2 - h^2 (var_b H - var_a H) / 12,   h = beta_b - beta_a,
 *   whose error is compared with that of the quintic through a third node.
 * The routes start at a node whose ln Z is known and go outwards; where there is no link there is no number beyond.
 *
 * Errors: every measured mean comes with its fluctuations about the mean, one number a time bin of a chain (a "row"),
 * and an estimate's fluctuations are those of its means, weighted by derivatives. The Gamma method on the sum then sees
 * what is correlated: the same chain in two links and in <H>, and chains of neighbouring temperatures that exchange
 * configurations. Independent samples (of an anchor) have rows of their own, a batch each.
 * All functions are local; none can fail. */
#ifndef NNSM_STATISTICS_FREE_ENERGY_H
#define NNSM_STATISTICS_FREE_ENERGY_H

#include "statistics/bennett.h"
#include "statistics/series.h"

/* [chains][bins] rows of Markov chains, then [batches] of independent samples. Where there are more walkers than
 * `chains`, walker w counts in chain w % chains. */
typedef struct {
    size_t chains, bins, batches;
} nnsm_rows;

size_t nnsm_rows_count(const nnsm_rows *rows);

/* One standard error of an estimate with these fluctuations; deviation: in, [rows]. */
double nnsm_rows_error(const nnsm_rows *rows, const double *deviation);

/* What is measured at a temperature. */
enum { NNSM_NODE_H, NNSM_NODE_VARIANCE, NNSM_NODE_DOWN, NNSM_NODE_UP, NNSM_NODE_COLUMNS };

typedef struct {
    double temperature;
    double target[2], middle[2];     /* where Bennett's functions look (0: nowhere), and their H* */
    double value[NNSM_NODE_COLUMNS]; /* <H>, <H^2> - <H>^2, ln <f> down, ln <f> up (NaN: nowhere) */
    double *deviation;               /* [NNSM_NODE_COLUMNS][rows], fluctuations of value; borrowed; NULL: elsewhere */
} nnsm_node;

/* Value and fluctuations from the series of one temperature's walkers. quantity: in, where they hold H, H^2, f down and
 * f up. target and middle must be set; deviation must be zero. */
void nnsm_node_measure(nnsm_node *node, const nnsm_rows *rows, nnsm_series *const *walkers, size_t count,
                       const size_t *quantity);

/* The same from independent samples of a distribution that differs from exp(-H / T) / Z by the weights exp(log_weight)
 * (NULL: by nothing). energy, log_weight: in, [samples], a multiple of rows->batches. */
void nnsm_node_sample(nnsm_node *node, const nnsm_rows *rows, size_t samples, const double *energy,
                      const double *log_weight);

/* ln <exp(x)> over independent samples, its fluctuations in the rows of the batches (deviation: out, [rows]; the others
 * are set to zero) and the effective number of samples (sum w)^2 / sum w^2. */
double nnsm_log_mean(const nnsm_rows *rows, size_t samples, const double *x, double *deviation, double *effective);

/* Two nodes further apart than this have too little in common. An overlap (least mean of f of the two) of 0.03 is the
 * usual limit (Klimovich, Shirts, Mobley, J. Comput.-Aided Mol. Des. 29, 397 (2015)); Gaussian energies whose means are
 * 4 standard deviations apart have it. An integration over such a step is no better; nor one where a third node changes
 * ln Z by more than 0.5. */
#define NNSM_LEAST_OVERLAP 0.03
#define NNSM_MOST_APART 4.0
#define NNSM_MOST_SYSTEMATIC 0.5

typedef enum {
    NNSM_BY_RATIOS,      /* acceptance ratios; integration where two nodes do not look at each other (chains apart) */
    NNSM_BY_INTEGRATION, /* integration alone */
    NNSM_ROUTES
} nnsm_route;

typedef struct {
    bool known;
    double value;      /* ln Z */
    double systematic; /* estimated errors of the integrations on the way */
    double overlap;    /* least mean of f of the link towards the start; 0.5 at the start, NaN for an integration */
} nnsm_log_partition;

/* ln Z of all nodes, sorted by rising temperature, outwards from node `start`, whose out[start] is given. Needs no
 * fluctuations. out: in and out, [count]. */
void nnsm_log_partitions(const nnsm_node *nodes, size_t count, size_t start, nnsm_route route, nnsm_log_partition *out);

/* From the fluctuations of ln Z of node `from` to those of its neighbour `to`; both nodes must have theirs. Where the
 * link is not known they mean nothing. deviation: in and out, [rows]. */
void nnsm_log_partition_step(const nnsm_node *nodes, size_t from, size_t to, const nnsm_rows *rows, nnsm_route route,
                             double *deviation);

#endif
