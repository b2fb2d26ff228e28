/* common_samples.h: common samples: configurations of the learned Hamiltonian's chains, under every Hamiltonian that
 * the data allow. The trust stage (trust.h) reweights them.
 *
 * While the chains of H_0 are scanned, every stride-th measurement (a round) is kept, with H_k of the same
 * configurations. The stride is such that the planned scan has `least` rounds or more, and less than twice as many.
 * When a scan that is extended leaves no room for more, every second round is dropped and the stride doubles: what is
 * kept spreads evenly over the scan. */
#ifndef NNSM_STAGE_COMMON_SAMPLES_H
#define NNSM_STAGE_COMMON_SAMPLES_H

#include "nnsm/hamiltonian.h"

struct nnsm_chains;

/* A temperature, at least, where there are as many measurements; rounds, at least, for blocks of time. */
enum { NNSM_COMMON_SAMPLES = 2048, NNSM_COMMON_ROUNDS = 16 };

/* One sample: columns of the table below. */
enum { NNSM_COMMON_M, NNSM_COMMON_E, NNSM_COMMON_ORDER, NNSM_COMMON_H /* and on: of all Hamiltonians */ };

/* The Hamiltonians but the chains' own; tiles are borrowed, one serves all chains of a rank. */
typedef struct {
    nnsm_tile *tile; /* [count] */
    size_t count;
} nnsm_judges;

typedef struct {
    nnsm_judges judges;
    double *fingerprint; /* [judges] of what the Hamiltonians are: their energies of a few configurations */
    size_t columns;
    size_t least;            /* rounds that are wanted */
    size_t capacity, rounds; /* there is room for; kept */
    uint32_t stride;         /* measurements from one round to the next, a power of two */
    uint32_t measured;       /* measurements so far */
    uint32_t pending;        /* measurements that are not gathered yet */
    size_t judged;           /* rounds of them that are judged */
    size_t added;            /* of the rounds that were judged and gathered, those gone through */
    uint32_t judged_stride;  /* the stride of these */
    double *energy;          /* [chains->tiles][most judged][NNSM_TILE][judges] of these */
    double *rows;            /* [own temperatures][capacity][walkers][columns] */
} nnsm_common;

/* For the chains of a group, whose other parts must be there. sampler: a tile of the network, for configurations to
 * tell Hamiltonians apart. Local. */
nnsm_status nnsm_common_create(nnsm_common *common, const struct nnsm_chains *chains, nnsm_judges judges,
                               nnsm_tile *sampler, nnsm_error *error);
void nnsm_common_destroy(nnsm_common *common);

/* Forget all rounds: their Hamiltonians are no longer the ones there are. Local. */
void nnsm_common_forget(nnsm_common *common);

/* With a measurement of this rank's chains, before its slot is filled: H_k of their configurations, where it may be
 * kept. Local. */
void nnsm_common_judge(nnsm_common *common, const struct nnsm_chains *chains);

/* With the gather of measurements. Collective on the run's world. */
void nnsm_common_gather(nnsm_common *common, struct nnsm_chains *chains);

/* A gathered measurement: keep it, where it is the turn. Local. */
void nnsm_common_add(nnsm_common *common, const struct nnsm_chains *chains, size_t slot);

/* Samples of one of this rank's temperatures, in the order of time: [rounds * walkers][columns]. Local. */
const double *nnsm_common_rows(const nnsm_common *common, const struct nnsm_chains *chains, size_t own_temperature);

#endif
