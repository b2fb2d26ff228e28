/* nnsm/metropolis.h: single-flip Metropolis on any Hamiltonian of tiles, and replica exchange between temperatures.
 *
 * One sweep proposes every site once, in lattice order, in all 32 chains of a tile; acceptance
 * NNSM_MOST_ACCEPTED min(1, exp(-dH / T)): an ordered sweep that accepts everything, as at high temperature, would flip
 * the whole lattice and never change E.
 *
 * Screened flips (delayed acceptance: Christen and Fox, J. Comput. Graph. Stat. 14, 795 (2005)) ask a cheap Hamiltonian
 * G first: a flip passes with NNSM_MOST_ACCEPTED min(1, exp(-dG / T)), and only then H is evaluated, and the flip
 * accepted with min(1, exp(-(dH - dG) / T)). Since exp(-G / T) obeys detailed balance with the first factor, exp(-H /
 * T) does with both, whatever G is; a bad G only rejects what H alone would accept. Where G is close to H, as with
 * couplings read off H, nearly every flip that passes is accepted, and the others cost next to nothing.
 *
 * Replica exchange (Hukushima and Nemoto 1996) swaps the temperatures of two chains, not their configurations, with
 * min(1, exp((1/T_a - 1/T_b)(H_a - H_b))); a ladder links one chain a temperature, walkers are independent ladders.
 * Random numbers belong to the chain, so tiles can live on any rank. All functions are local. */
#ifndef NNSM_METROPOLIS_H
#define NNSM_METROPOLIS_H

#include "nnsm/hamiltonian.h"

#define NNSM_MOST_ACCEPTED 0.95f

/* One sweep of a tile. stream: random stream of its first chain; sweep: number of this sweep; beta: in, [NNSM_TILE]
 * inverse temperatures; accepted: in and out, [NNSM_TILE], counts accepted flips. */
void nnsm_metropolis_sweep(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t sweep, const double *beta,
                           int64_t *accepted);

/* The same, screened. screen: a tile under G, with the same configurations before and afterwards. passed: in and out,
 * [NNSM_TILE], counts flips for which H was evaluated. */
void nnsm_screened_sweep(nnsm_tile *tile, nnsm_tile *screen, nnsm_rng_key key, uint32_t stream, uint32_t sweep,
                         const double *beta, int64_t *passed, int64_t *accepted);

typedef struct {
    size_t temperatures, walkers;
    double *beta;            /* [temperatures] inverse temperatures, any order but monotonic */
    int32_t *chain_at;       /* [temperatures][walkers] chain that is at a temperature now */
    int32_t *temperature_of; /* [chains] */
    int8_t *extreme;         /* [chains] end of the ladder visited last: 1 first, 2 last temperature, 0 none yet */
    int64_t *attempted;      /* [temperatures - 1] */
    int64_t *exchanged;      /* [temperatures - 1] */
    int64_t *round_trips;    /* [walkers] first to last temperature and back */
} nnsm_ladders;

/* temperature: in, [temperatures]. Chain t * walkers + w starts at temperature t in ladder w. */
nnsm_status nnsm_ladders_create(nnsm_ladders *ladders, size_t temperatures, const double *temperature, size_t walkers,
                                nnsm_error *error);
void nnsm_ladders_destroy(nnsm_ladders *ladders);

/* Attempt number `attempt` in the ladders of walkers first ... end - 1: even pairs, then odd pairs, alternating.
 * stream: random stream of walker 0. energy: in, [chains] H of these ladders' chains. A decision depends on nothing
 * else, so whoever knows the energies of a ladder takes the same ones, without a message. */
void nnsm_ladders_exchange(nnsm_ladders *ladders, size_t first, size_t end, nnsm_rng_key key, uint32_t stream,
                           uint32_t attempt, const double *energy);

#endif
