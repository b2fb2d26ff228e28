/* reweight.h: means under a Hamiltonian H_k from samples that were drawn under another, H_0, at the same temperature
 * (Ferrenberg and Swendsen, Phys. Rev. Lett. 61, 2635 (1988)). With d = (H_k - H_0) / T and w = exp(-d)
 *     <x>_k = <w x>_0 / <w>_0,   F_k - F_0 = -T ln <w>_0,   n_eff = (sum w)^2 / sum w^2.
 * Both Hamiltonians see the same samples, so the difference <x>_k - <x>_0 has far less noise than two independent
 * simulations would leave it, as long as n_eff is not small. Samples come in the order of time; blocks of it, each long
 * against the correlations, give the errors (jackknife). All functions are local. */
#ifndef NNSM_STATISTICS_REWEIGHT_H
#define NNSM_STATISTICS_REWEIGHT_H

#include <stddef.h>

enum { NNSM_REWEIGHT_BLOCKS = 16, NNSM_REWEIGHT_MOST = 16 /* quantities */ };

/* Sums over the samples, block by block. */
typedef struct {
    size_t quantities;
    double samples;
    double smallest;  /* of d: weights are exp(smallest - d), at most 1 */
    double effective; /* n_eff */
    double weight[NNSM_REWEIGHT_BLOCKS], count[NNSM_REWEIGHT_BLOCKS];
    double sum[NNSM_REWEIGHT_BLOCKS][NNSM_REWEIGHT_MOST];
} nnsm_reweight;

/* d: in, [samples]; x: in, [samples][quantities], quantities at most NNSM_REWEIGHT_MOST; samples at least
 * NNSM_REWEIGHT_BLOCKS. */
void nnsm_reweight_sums(nnsm_reweight *sums, size_t samples, const double *d, size_t quantities, const double *x);

/* Means without block `left_out` (NNSM_REWEIGHT_BLOCKS: of all). mean: out, [quantities]. Returns ln <w>_0 of the same
 * samples. */
double nnsm_reweight_means(const nnsm_reweight *sums, size_t left_out, double *mean);

/* Standard error of an estimate from its values without each block. values: in, [NNSM_REWEIGHT_BLOCKS]. */
double nnsm_reweight_jackknife(const double *values);

#endif
