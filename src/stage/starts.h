/* starts.h: where the chains of a scan begin, and whether their results still know it.
 *
 * The walkers of a temperature start in turn from the data, ordered (all sites of their highest value), and random (all
 * values of a site equally probable; sums in windows: those of random sites, so that overlapping ones have a preimage).
 * Replica exchange stays within a walker's ladder: what a temperature's walkers of one start have measured comes from
 * that start alone. A scan that has forgotten its starts finds the same means from all of them; the pull
 *
 *   max over |m|, H / N and pairs of starts of |mean_a - mean_b| / (E sqrt(1 / walkers_a + 1 / walkers_b))
 *
 * says whether it has; E is the error of one walker's mean by the fluctuations within walkers (Gamma method, deviations
 * from the walker's own mean, squares averaged over all walkers). The error that a curve carries counts differences
 * between walkers too: where one of three random walkers is stuck, it grows and hides that no ordered one ever is.
 * "Data" are configurations of the run's ensemble, evenly spread over its file; where there is no
 * such file, as in a scan of a network alone, ancestral samples of the network, its own idea of them. */
#ifndef NNSM_STAGE_STARTS_H
#define NNSM_STAGE_STARTS_H

#include "io/h5.h"
#include "stage/chains.h"

typedef enum { NNSM_START_DATA, NNSM_START_ORDERED, NNSM_START_RANDOM, NNSM_STARTS } nnsm_start;

/* A difference of more sigma is one that chance does not make in any of some hundred comparisons. */
#define NNSM_START_LIMIT 5.0
#define NNSM_START_MOST 1000.0 /* written for this and more, also where nothing moves */

/* What the first configurations are made of; the same on all ranks. */
typedef struct nnsm_starts {
    const nnsm_run *run;
    size_t picks;   /* configurations of the ensemble; 0: there is none */
    int8_t *picked; /* [picks][sites] states */
    int8_t *below;  /* [sites below windows] scratch, where the network works on the windows */
} nnsm_starts;

/* temperature: T0 of the network. Collective on run->world. */
nnsm_status nnsm_starts_create(nnsm_starts *starts, nnsm_run *run, double temperature, nnsm_error *error);
void nnsm_starts_destroy(nnsm_starts *starts);

/* The start of a walker. */
static inline nnsm_start nnsm_start_of(size_t walker)
{
    return (nnsm_start)(walker % NNSM_STARTS);
}

/* The first configuration of a chain of that walker; random numbers of stream `stream`. states: in, an ancestral sample
 * of the network; out, the start; [sites]. Local. */
void nnsm_starts_make(const nnsm_starts *starts, size_t walker, uint32_t stream, int8_t *states);

/* Means by start of one temperature whose series this rank keeps; out: [NNSM_STARTS], NaN where no walker has it.
 * Local. */
void nnsm_starts_evaluate(const nnsm_chains *chains, size_t t, nnsm_by_start *out);

/* Says how far the starts agree, and warns where the scan depends on them; `what` names the scan. Local. */
void nnsm_starts_report(nnsm_run *run, const nnsm_curve *curve, const char *what);

/* Below `group`/starts: means and errors by start, the pull, where it is too large. */
void nnsm_starts_write(nnsm_h5 *h5, const nnsm_curve *curve, const char *group);

#endif
