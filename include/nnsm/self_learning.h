/* nnsm/self_learning.h: self-learning Monte Carlo (Liu, Qi, Meng and Fu, Phys. Rev. B 95, 041101 (2017)): proposals of
 * a cheap surrogate, accepted under the Hamiltonian that is meant.
 *
 * The surrogate H_s = - sum_c J_c O_c is a local Hamiltonian (couplings read off the learned one, or a model), reduced
 * to what matters: a class stays when |J_c| exceeds 3 standard errors and |J_c| sqrt(terms / sites) is at least 0.02
 * (pairs and fields; others 0.05) of the largest. From s a step proposes s' by a sequence of updates that is reversible
 * for G = a(T) H_s at the chain's temperature, evaluates H(s') (one forward pass for the 32 chains of a tile), and
 * accepts with
 *     min(1, exp(-[(H - G)(s') - (H - G)(s)] / T)).
 * With proposal probabilities q that obey exp(-G(s) / T) q(s -> s') = exp(-G(s') / T) q(s' -> s) this is the
 * Metropolis-Hastings rule for exp(-H / T): exact for any surrogate; a bad one is only accepted seldom. What was left
 * out of H_s is in the correction.
 *
 * Proposals. Pairs and fields alone, and not frustrated: Swendsen-Wang steps (sampler/cluster.h), each reversible for
 * G, hence a sequence of equal steps too. Otherwise (products of three and more spins, m^2, or pairs of which more than
 * a tenth by weight cannot be satisfied together: there clusters percolate without moving anything): heat-bath updates
 * of single sites in lattice order and back again. One heat-bath update K_i is reversible (it redraws a spin from its
 * conditional), and the palindrome K_1 K_2 .. K_N K_N .. K_2 K_1 is its own reverse, where an ordered sweep alone is
 * not. Metropolis updates would not do: at high temperature the way back would undo the way there.
 *
 * Sites of more than two values (a surrogate of their operators, nnsm_operators_create_states) have the heat bath
 * alone: a site is redrawn from its conditional over all values, in the same palindromes. The weight of a class above
 * is then also multiplied by the standard deviation of its function over all states of its sites.
 *
 * Temperatures are referred to by their position in the list given at creation; a(T) and the number of palindromes are
 * set per temperature. Random numbers belong to the tile's first chain and the lane: tiles can live on any rank. A
 * chain's state is its configuration and nothing else, after every step: loading what was read gives the same bits.
 * All functions are local. */
#ifndef NNSM_SELF_LEARNING_H
#define NNSM_SELF_LEARNING_H

#include "nnsm/local.h"

typedef struct nnsm_self_learning nnsm_self_learning;

typedef enum {
    NNSM_NO_PROPOSALS, /* no coupling stands out of its error */
    NNSM_CLUSTERS,
    NNSM_HEAT_BATH
} nnsm_proposals;

enum { NNSM_CLUSTER_STEPS = 3, NNSM_MOST_PALINDROMES = 8 };

/* surrogate: in, copied as far as it is kept; uncertainty: in, [classes], standard errors of its couplings, or NULL:
 * all known. beta: in, [temperatures], inverse temperatures, copied. hamiltonian: a tile under the Hamiltonian that is
 * meant, used for its load and energy only; taken over on success, and destroyed with *out. Scales begin at 1. Errors:
 * memory. The caller owns *out. */
nnsm_status nnsm_self_learning_create(nnsm_self_learning **out, const nnsm_local *surrogate, const double *uncertainty,
                                      size_t temperatures, const double *beta, nnsm_tile *hamiltonian,
                                      nnsm_error *error);
void nnsm_self_learning_destroy(nnsm_self_learning *sampler);

nnsm_proposals nnsm_self_learning_kind(const nnsm_self_learning *sampler);

/* How it proposes, and the classes that were kept: "clusters of pair (1,0), field", "single sites of plaquette". text:
 * out, [size]. Local. */
void nnsm_self_learning_describe(const nnsm_self_learning *sampler, char *text, size_t size);

/* a(T) > 0, and palindromes a proposal (1 to NNSM_MOST_PALINDROMES; of no effect on clusters). */
void nnsm_self_learning_set(nnsm_self_learning *sampler, size_t temperature, double scale, int palindromes);

/* A tile of chains for nnsm_self_learning_step: load, energy, refresh and read as of any tile; change and commit are
 * NULL, since its chains move as a whole. sampler is borrowed. */
nnsm_status nnsm_self_learning_tile_create(nnsm_tile *out, nnsm_self_learning *sampler, nnsm_error *error);

/* What a step did in each chain, and H_s (a = 1) of its configuration now. */
typedef struct {
    double surrogate[NNSM_TILE];
    int32_t flips[NNSM_TILE]; /* single sites changed on the way to the proposal; clusters: 0 */
    bool accepted[NNSM_TILE];
} nnsm_self_learning_record;

/* One proposal in all chains of a tile made by nnsm_self_learning_tile_create. stream: random stream of its first
 * chain; step: number of this step; temperature: in, [NNSM_TILE], positions. record: out. */
void nnsm_self_learning_step(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t step,
                             const int32_t *temperature, nnsm_self_learning_record *record);

#endif
