/* cluster.h: Swendsen-Wang steps of 32 chains at once, for pair couplings of any range and sign, and fields.
 *
 * Under exp(K), K = sum_b K_b s_i s_j + sum_i L_i s_i, a bond b whose term is positive (K_b s_i s_j > 0) is closed with
 * probability 1 - exp(-2 |K_b|), a site whose field term is positive is tied to a ghost spin with 1 - exp(-2 |L_i|).
 * Clusters that hold no tied site are then flipped with probability 1/2 each (Fortuin and Kasteleyn 1972; Swendsen and
 * Wang 1987; Coniglio et al. 1989 for the ghost). Given the bonds, a flip and its reverse are equally likely, and each
 * bond pattern is as likely from one end of a step as exp(K) demands: a step is reversible, and so is a sequence of
 * equal steps. Against Wolff's single clusters: a step always decides about all sites, whatever the temperature, so
 * that no number of steps needs tuning, and all chains of a tile share the bookkeeping of one.
 *
 * Bonds are drawn for all chains by comparing random words with the binary digits of the 32 probabilities, highest
 * first, until no chain is undecided: about 9 words a bond, exact to 2^-32. A cluster is known by the largest label
 * among its sites, which sweeps over the bonds, back and forth, spread until nothing changes (16 x 16 at T_c: 12
 * sweeps; following the clusters of 32 chains with a queue took ten times as long, since the chains reach a site at
 * different moments). Which clusters flip follows from a hash of that label, random for each chain and step: flips must
 * not depend on the spins, but need not be independent. All functions are local. */
#ifndef NNSM_SAMPLER_CLUSTER_H
#define NNSM_SAMPLER_CLUSTER_H

#include "hamiltonian/lanes.h"

typedef struct {
    const nnsm_operators *operators; /* borrowed; classes of order 1 and 2 only */
    bool *negative;                  /* [classes] the coupling favours -1 */
    uint32_t (*plane)[32];           /* [classes] digits of the probabilities */
    size_t bonds;
    int32_t *bond;               /* [bonds] terms of order 2, in independent levels */
    int32_t (*ends)[2];          /* [bonds] their sites */
    uint32_t *closed;            /* [terms] chains whose bond is closed; of a field's term: whose site is tied */
    int8_t (*joined)[NNSM_TILE]; /* [bonds] the same of the bonds, all bits of a chain's number set where closed */
    int8_t (*label)[NNSM_TILE];  /* [sites] */
} nnsm_clusters;

/* coupling: in, [classes]; only signs matter here. On failure *clusters is zeroed. */
nnsm_status nnsm_clusters_create(nnsm_clusters *clusters, const nnsm_local *local, nnsm_error *error);
void nnsm_clusters_destroy(nnsm_clusters *clusters);

/* 2^32 (1 - exp(-2 |strength|)), for nnsm_clusters_set. */
uint32_t nnsm_clusters_threshold(double strength);

/* Probabilities of a class in the chains; threshold: in, [NNSM_TILE]. */
void nnsm_clusters_set(nnsm_clusters *clusters, size_t class, const uint32_t *threshold);

/* One step. spins: in and out, [sites]. */
void nnsm_clusters_update(nnsm_clusters *clusters, nnsm_words *random, uint32_t *spins);

#endif
