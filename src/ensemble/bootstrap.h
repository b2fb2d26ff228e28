/* bootstrap.h: the data that a member of an ensemble of networks sees: a sample with replacement of the data at hand
 * (Efron, Ann. Statist. 7, 1 (1979)). What is drawn is whole Markov chains, since configurations of one chain depend on
 * each other (an ensemble that is one series: stretches of it). A gradient shard draws among its own rows, which stay
 * with their rank: a stratified bootstrap. About 1 - 1/e = 63 % of the chains are in a sample. The same in every epoch
 * and on any number of ranks. Local, cannot fail. */
#ifndef NNSM_ENSEMBLE_BOOTSTRAP_H
#define NNSM_ENSEMBLE_BOOTSTRAP_H

#include "ensemble/partition.h"
#include "nnsm/rng.h"

enum { NNSM_BOOTSTRAP_STRETCHES = 64 };

/* Rows of a shard, some more than once and some not at all, into order: out, [nnsm_partition_rows(shard)]. chains: of
 * the ensemble, interleaved; 1: one series. key: of the member. */
void nnsm_bootstrap_rows(const nnsm_partition *partition, size_t chains, nnsm_rng_key key, size_t shard,
                         uint32_t *order);

#endif
