/* multistate_generator.c: Monte Carlo updates of sites with several states (nnsm/multistate.h), one vector lane a
 * chain.
 *
 * A visit counts the neighbours of every level by comparing bytes, and gets from the counts the energy of the site in
 * all of its levels at once: that vectorises, where looking energies up by level would not. Sites are visited in
 * lattice order. Metropolis: one of the other levels is proposed, accepted with 0.95 min(1, exp(-dE / T)). Heat bath: a
 * level is drawn with its conditional probability. Wolff: a cluster is carried over by a reflection R that leaves all
 * bond energies what they are (U. Wolff, Phys. Rev. Lett. 62, 361 (1989); for the Potts antiferromagnet J.-S. Wang, R.
 * H. Swendsen, R. Kotecky, Phys. Rev. Lett. 63, 109 (1989)). It grows from a random site through bonds that would cost
 * c = bond(R a, b) - bond(a, b) > 0 if only one end moved, with 1 - exp(-c / T); site energies enter by accepting the
 * cluster with min(1, exp(-dE_sites / T)). Reflections of blume_capel leave s = 0 alone, so that an update there is a
 * heat-bath sweep and then a cluster. */
#include <math.h>

#include "base/memory.h"
#include "base/vector.h"
#include "base/vector_math.h"
#include "lattice/generator_state.h"

enum { CHAINS = NNSM_GENERATOR_CHAINS, LEVELS = NNSM_MAX_VALUES, NO_LEVEL = -1 };

static void fill_table(nnsm_generator *g)
{
    const nnsm_multistate *m = g->states;
    int q = m->alphabet.count;
    for (int a = 0; a < q; a++) {
        g->table->site[a] = (float)(m->site[a] / g->temperature);
        for (int b = 0; b < q; b++) {
            g->table->bond[a][b] = (float)(m->bond[a][b] / g->temperature);
            for (int c = 0; c < q; c++)
                g->table->join[a][b][c] = 1 - exp(-fmax(0, m->bond[b][c] - m->bond[a][c]) / g->temperature);
        }
    }
}

nnsm_status nnsm_generator_states_prepare(nnsm_generator *g, nnsm_error *error)
{
    const nnsm_lattice *l = g->states->lattice;
    size_t degree = 2 * (size_t)l->dimensions;
    nnsm_status status = NNSM_NEW(&g->neighbours, g->sites * degree, "generator", error);
    if (!status)
        status = NNSM_NEW(&g->table, 1, "generator", error);
    if (status)
        return status;
    for (size_t i = 0; i < g->sites * degree; i++)
        g->neighbours[i] = l->neighbours[i] >= 0 ? l->neighbours[i] : (int32_t)l->sites;
    fill_table(g);
    for (size_t c = 0; c < CHAINS; c++)
        g->spins[g->sites * CHAINS + c] = NO_LEVEL;
    return NNSM_OK;
}

void nnsm_generator_states_start(nnsm_generator *g)
{
    uint32_t random[4 * CHAINS];
    uint64_t q = (uint64_t)g->states->alphabet.count;
    for (size_t i = 0; i < g->sites; i++) {
        nnsm_rng_blocks(g->key, NNSM_RNG_GENERATE_START, g->first_chain, CHAINS, 0, (uint32_t)i, random);
        for (size_t c = 0; c < CHAINS; c++)
            g->spins[i * CHAINS + c] = (int8_t)(random[c] * q >> 32);
    }
}

void nnsm_generator_states_read(const nnsm_generator *g, int8_t *configurations)
{
    int q = g->states->alphabet.count;
    for (size_t i = 0; i < g->sites; i++)
        for (size_t c = 0; c < CHAINS; c++)
            configurations[c * g->sites + i] = nnsm_level_state(q, g->spins[i * CHAINS + c]);
}

void nnsm_generator_states_resume(nnsm_generator *g, const int8_t *configurations)
{
    const nnsm_alphabet *a = &g->states->alphabet;
    for (size_t i = 0; i < g->sites; i++)
        for (size_t c = 0; c < CHAINS; c++) {
            int8_t state = configurations[c * g->sites + i];
            g->spins[i * CHAINS + c] = (int8_t)(nnsm_alphabet_holds(a, state) ? nnsm_level(a->count, state) : 0);
        }
}

/* ---- sweeps */

/* E / T of a site in every level, in all chains. energy: out, [q][CHAINS]. */
static inline __attribute__((always_inline)) void site_energies(const nnsm_generator *g, size_t site, int q,
                                                                float (*restrict energy)[CHAINS])
{
    const nnsm_state_table *table = g->table;
    size_t degree = 2 * (size_t)g->states->lattice->dimensions;
    for (int k = 0; k < q; k++)
        for (size_t c = 0; c < CHAINS; c++)
            energy[k][c] = table->site[k];
    for (int b = 0; b < q; b++) {
        int8_t count[CHAINS] = {0};
        float number[CHAINS];
        for (size_t d = 0; d < degree; d++) {
            const int8_t *t = g->spins + (size_t)g->neighbours[site * degree + d] * CHAINS;
            for (size_t c = 0; c < CHAINS; c++)
                count[c] = (int8_t)(count[c] + (t[c] == b));
        }
        for (size_t c = 0; c < CHAINS; c++)
            number[c] = (float)count[c];
        for (int k = 0; k < q; k++) {
            float bond = table->bond[k][b];
            for (size_t c = 0; c < CHAINS && bond != 0; c++)
                energy[k][c] += bond * number[c];
        }
    }
}

/* The level whose share of sum_k exp(-E_k / T) a random number falls into. */
static inline __attribute__((always_inline)) void heat_bath(nnsm_generator *g, size_t site, int q,
                                                            const uint32_t *restrict random)
{
    int8_t *restrict s = g->spins + site * CHAINS;
    float weight[LEVELS][CHAINS], least[CHAINS], total[CHAINS] = {0};
    site_energies(g, site, q, weight);
    for (size_t c = 0; c < CHAINS; c++)
        least[c] = weight[0][c];
    for (int k = 1; k < q; k++)
        for (size_t c = 0; c < CHAINS; c++)
            least[c] = weight[k][c] < least[c] ? weight[k][c] : least[c];
    for (int k = 0; k < q; k++)
        for (size_t c = 0; c < CHAINS; c++) {
            total[c] += nnsm_exp_negative(least[c] - weight[k][c]);
            weight[k][c] = total[c]; /* running sums */
        }
    for (size_t c = 0; c < CHAINS; c++) {
        total[c] *= ((float)random[c] + 0.5f) * 0x1p-32f;
        s[c] = 0;
    }
    for (int k = 0; k < q - 1; k++)
        for (size_t c = 0; c < CHAINS; c++)
            s[c] = (int8_t)(s[c] + (weight[k][c] <= total[c]));
}

/* One random number u serves both: the whole part of u (q - 1) proposes, its fraction accepts. */
static inline __attribute__((always_inline)) void metropolis(nnsm_generator *g, size_t site, int q,
                                                             const uint32_t *restrict random)
{
    int8_t *restrict s = g->spins + site * CHAINS;
    float energy[LEVELS][CHAINS], change[CHAINS] = {0}, fraction[CHAINS];
    int8_t proposal[CHAINS];
    site_energies(g, site, q, energy);
    for (size_t c = 0; c < CHAINS; c++) {
        uint64_t product = (uint64_t)random[c] * (uint64_t)(q - 1);
        int level = s[c] + 1 + (int)(product >> 32);
        proposal[c] = (int8_t)(level >= q ? level - q : level);
        fraction[c] = ((float)(uint32_t)product + 0.5f) * 0x1p-32f;
    }
    for (int k = 0; k < q; k++)
        for (size_t c = 0; c < CHAINS; c++) {
            float e = energy[k][c];
            change[c] += (proposal[c] == k ? e : 0.f) - (s[c] == k ? e : 0.f);
        }
    for (size_t c = 0; c < CHAINS; c++) {
        float chance = (float)NNSM_GENERATOR_ACCEPTED * nnsm_exp_negative(change[c] > 0.f ? -change[c] : 0.f);
        s[c] = fraction[c] < chance ? proposal[c] : s[c];
    }
}

NNSM_MULTIVERSION
static void sweep_kernel(nnsm_generator *g)
{
    uint32_t random[4 * CHAINS];
    int q = g->states->alphabet.count;
    for (size_t i = 0; i < g->sites; i++) {
        if (i % 4 == 0)
            nnsm_rng_blocks(g->key, NNSM_RNG_GENERATE, g->first_chain, CHAINS, g->updates, (uint32_t)(i / 4), random);
        if (g->algorithm == NNSM_METROPOLIS)
            metropolis(g, i, q, random + i % 4 * CHAINS);
        else
            heat_bath(g, i, q, random + i % 4 * CHAINS);
    }
}

/* ---- clusters */

/* Adds the neighbours of site i that join. */
static void grow(nnsm_generator *g, size_t chain, size_t i, const int8_t *image, size_t *count, nnsm_rng_sequence *draw)
{
    size_t degree = 2 * (size_t)g->states->lattice->dimensions;
    int8_t here = g->spins[i * CHAINS + chain];
    const double *join = g->table->join[here][image[here]];
    for (size_t d = 0; d < degree; d++) {
        int32_t j = g->states->lattice->neighbours[i * degree + d];
        if (j < 0 || g->in_cluster[j])
            continue;
        double chance = join[g->spins[(size_t)j * CHAINS + chain]];
        if (chance <= 0 || nnsm_rng_uniform(draw) >= chance)
            continue;
        g->in_cluster[j] = 1;
        g->stack[(*count)++] = j;
    }
}

static void cluster(nnsm_generator *g, size_t chain)
{
    const nnsm_multistate *m = g->states;
    size_t count = 1;
    double change = 0;
    int8_t image[LEVELS];
    nnsm_rng_sequence draw =
        nnsm_rng_sequence_start(g->key, NNSM_RNG_WOLFF, g->first_chain + (uint32_t)chain, g->updates);
    g->stack[0] = (int32_t)nnsm_rng_below(&draw, (uint32_t)g->sites);
    g->in_cluster[g->stack[0]] = 1;
    nnsm_multistate_reflect(m, g->spins[(size_t)g->stack[0] * CHAINS + chain],
                            (int)nnsm_rng_below(&draw, (uint32_t)nnsm_multistate_reflections(m)), image);
    for (size_t next = 0; next < count; next++) {
        int8_t here = g->spins[(size_t)g->stack[next] * CHAINS + chain];
        change += m->site[image[here]] - m->site[here];
        grow(g, chain, (size_t)g->stack[next], image, &count, &draw);
    }
    bool accept = nnsm_rng_uniform(&draw) < exp(-change / g->temperature);
    for (size_t next = 0; next < count; next++) {
        int8_t *s = &g->spins[(size_t)g->stack[next] * CHAINS + chain];
        g->in_cluster[g->stack[next]] = 0;
        *s = accept ? image[*s] : *s;
    }
}

void nnsm_generator_states_update(nnsm_generator *g)
{
    if (g->algorithm != NNSM_WOLFF || g->states->kind == NNSM_BLUME_CAPEL)
        sweep_kernel(g);
    for (size_t c = 0; c < CHAINS && g->algorithm == NNSM_WOLFF; c++)
        cluster(g, c);
}
