/* local_generator.c: Monte Carlo updates of any local Hamiltonian, one vector lane a chain.
 *
 * Metropolis visits the sites in lattice order. The fields of a model with several couplings take too many values for a
 * table of acceptances, so exp is evaluated, in float: with its vector form that costs no more than reading a table.
 * Wolff clusters grow through every satisfied pair term with 1 - exp(-2 |J| / T), whatever range and sign; fields enter
 * by accepting the flip with min(1, exp(-2 sum_cluster h_i s_i / T)). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "base/vector_math.h"
#include "lattice/generator_state.h"

enum { CHAINS = NNSM_GENERATOR_CHAINS };

nnsm_status nnsm_generator_local_prepare(nnsm_generator *g, nnsm_error *error)
{
    const nnsm_operators *o = g->local->operators;
    for (size_t c = 0; c < o->classes && g->algorithm == NNSM_WOLFF; c++)
        if (o->class[c].order != 1 && o->class[c].order != 2 && g->local->coupling[c] != 0)
            return nnsm_fail(error, NNSM_USAGE,
                             "Wolff clusters grow through pairs, and the model has \"%s\"; take generate.algorithm = "
                             "\"metropolis\"",
                             o->class[c].name);
    nnsm_status status = NNSM_NEW(&g->join, o->classes, "generator", error);
    if (!status)
        status = nnsm_local_plan_create(&g->plan, g->local, error);
    for (size_t c = 0; c < o->classes && !status; c++)
        g->join[c] = 1 - exp(-2 * fabs(g->local->coupling[c]) / g->temperature);
    return status;
}

/* One site in all chains; accepted where random / 2^32 < 0.95 min(1, exp(-2 s field / T)). */
static inline __attribute__((always_inline)) void visit_site(nnsm_generator *g, size_t site,
                                                             const uint32_t *restrict random)
{
    const nnsm_local_plan *p = &g->plan;
    int8_t *restrict s = g->spins + site * CHAINS;
    float field[CHAINS] = {0}, beta2 = (float)(2 / g->temperature), own = (float)(2 * p->m2 / (double)p->sites);
    for (size_t k = p->first[site]; k < p->first[site + 1]; k++) {
        int8_t sum[CHAINS];
        float coupling = (float)p->group[k].coupling;
        nnsm_local_group_sum(p, &p->group[k], g->spins, CHAINS, sum);
        for (size_t c = 0; c < CHAINS; c++)
            field[c] += coupling * (float)sum[c];
    }
    if (p->m2 != 0)
        for (size_t c = 0; c < CHAINS; c++)
            field[c] += own * (float)(g->total[c] - s[c]);
    for (size_t c = 0; c < CHAINS; c++) {
        float exponent = -beta2 * (float)s[c] * field[c];
        float probability = (float)NNSM_GENERATOR_ACCEPTED * nnsm_exp_negative(exponent < 0.f ? exponent : 0.f);
        int32_t flip = ((float)random[c] + 0.5f) * 0x1p-32f < probability ? 2 * s[c] : 0;
        s[c] = (int8_t)(s[c] - flip);
        g->total[c] -= flip;
    }
}

static void count_totals(nnsm_generator *g)
{
    memset(g->total, 0, sizeof g->total);
    for (size_t i = 0; i < g->sites; i++)
        for (size_t c = 0; c < CHAINS; c++)
            g->total[c] += g->spins[i * CHAINS + c];
}

NNSM_MULTIVERSION
static void sweep_kernel(nnsm_generator *g)
{
    uint32_t random[4 * CHAINS];
    for (size_t i = 0; i < g->sites; i++) {
        if (i % 4 == 0)
            nnsm_rng_blocks(g->key, NNSM_RNG_GENERATE, g->first_chain, CHAINS, g->updates, (uint32_t)(i / 4), random);
        visit_site(g, i, random + i % 4 * CHAINS);
    }
}

void nnsm_generator_local_sweep(nnsm_generator *g)
{
    if (g->plan.m2 != 0)
        count_totals(g);
    sweep_kernel(g);
}

/* Adds the neighbours of site i that join; returns h_i s_i. */
static double grow(nnsm_generator *g, size_t chain, size_t i, size_t *count, nnsm_rng_sequence *draw)
{
    const nnsm_operators *o = g->local->operators;
    int8_t here = g->spins[i * CHAINS + chain];
    double field = 0;
    for (size_t k = o->first[i]; k < o->first[i + 1]; k++) {
        const int32_t *site = o->site[o->touching[k]];
        int32_t class = o->class_of[o->touching[k]];
        if (o->class[class].order == 1) {
            field += g->local->coupling[class] * here;
            continue;
        }
        size_t j = (size_t)(site[0] == (int32_t)i ? site[1] : site[0]);
        if (g->in_cluster[j] || g->local->coupling[class] * here * g->spins[j * CHAINS + chain] <= 0 ||
            nnsm_rng_uniform(draw) >= g->join[class])
            continue;
        g->in_cluster[j] = 1;
        g->stack[(*count)++] = (int32_t)j;
    }
    return field;
}

void nnsm_generator_local_wolff(nnsm_generator *g, size_t chain)
{
    size_t count = 1;
    double total = 0;
    nnsm_rng_sequence draw =
        nnsm_rng_sequence_start(g->key, NNSM_RNG_WOLFF, g->first_chain + (uint32_t)chain, g->updates);
    g->stack[0] = (int32_t)nnsm_rng_below(&draw, (uint32_t)g->sites);
    g->in_cluster[g->stack[0]] = 1;
    for (size_t next = 0; next < count; next++)
        total += grow(g, chain, (size_t)g->stack[next], &count, &draw);
    bool flip = nnsm_rng_uniform(&draw) < exp(-2 * total / g->temperature);
    for (size_t next = 0; next < count; next++) {
        int8_t *s = &g->spins[(size_t)g->stack[next] * CHAINS + chain];
        g->in_cluster[g->stack[next]] = 0;
        *s = (int8_t)(flip ? -*s : *s);
    }
}
