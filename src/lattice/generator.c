#include <math.h>

#include "base/memory.h"
#include "base/vector.h"
#include "lattice/generator_state.h"

enum { CHAINS = NNSM_GENERATOR_CHAINS };
_Static_assert((int)NNSM_GENERATOR_CHAINS == (int)NNSM_MULTISPIN_CHAINS, "a tile is a word");

static void random_start(nnsm_generator *g)
{
    uint32_t random[4 * CHAINS];
    for (size_t i = 0; i < g->sites; i++) {
        nnsm_rng_blocks(g->key, NNSM_RNG_GENERATE_START, g->first_chain, CHAINS, 0, (uint32_t)i, random);
        for (size_t c = 0; c < CHAINS; c++)
            g->spins[i * CHAINS + c] = random[c] >> 31 ? 1 : -1;
    }
}

/* All but the Metropolis updates of the Ising model: a byte a site and chain. */
static nnsm_status prepare_bytes(nnsm_generator *g, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&g->spins, (g->sites + 1) * CHAINS, "generator", error);
    if (!status)
        status = NNSM_NEW(&g->stack, g->sites, "generator", error);
    if (!status)
        status = NNSM_NEW(&g->in_cluster, g->sites, "generator", error);
    if (!status && g->states)
        status = nnsm_generator_states_prepare(g, error);
    if (!status && g->local)
        status = nnsm_generator_local_prepare(g, error);
    if (status)
        return status;
    if (g->states)
        nnsm_generator_states_start(g);
    else
        random_start(g);
    return NNSM_OK;
}

static nnsm_status start(nnsm_generator **out, nnsm_generator start, nnsm_error *error)
{
    nnsm_generator *g = NULL;
    *out = NULL;
    if (start.algorithm == NNSM_STATES_HEAT_BATH && !start.states)
        return nnsm_fail(error, NNSM_USAGE,
                         "the heat bath is for sites of several states; take generate.algorithm = "
                         "\"metropolis\"");
    nnsm_status status = NNSM_NEW(&g, 1, "generator", error);
    if (status)
        return status;
    *g = start;
    if (!g->states && !g->local && g->algorithm == NNSM_METROPOLIS)
        status = nnsm_multispin_create(&g->multispin, g->model, g->temperature, NNSM_GENERATOR_ACCEPTED, g->key,
                                       g->first_chain, error);
    else
        status = prepare_bytes(g, error);
    if (status) {
        nnsm_generator_destroy(g);
        return status;
    }
    *out = g;
    return NNSM_OK;
}

nnsm_status nnsm_generator_create(nnsm_generator **out, const nnsm_ising *model, double temperature,
                                  nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain, nnsm_error *error)
{
    return start(out,
                 (nnsm_generator){.model = model,
                                  .sites = model->lattice->sites,
                                  .temperature = temperature,
                                  .algorithm = algorithm,
                                  .key = key,
                                  .first_chain = first_chain},
                 error);
}

nnsm_status nnsm_generator_create_local(nnsm_generator **out, const nnsm_local *local, double temperature,
                                        nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain,
                                        nnsm_error *error)
{
    return start(out,
                 (nnsm_generator){.local = local,
                                  .sites = local->operators->sites,
                                  .temperature = temperature,
                                  .algorithm = algorithm,
                                  .key = key,
                                  .first_chain = first_chain},
                 error);
}

nnsm_status nnsm_generator_create_states(nnsm_generator **out, const nnsm_multistate *states, double temperature,
                                         nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain,
                                         nnsm_error *error)
{
    return start(out,
                 (nnsm_generator){.states = states,
                                  .sites = states->lattice->sites,
                                  .temperature = temperature,
                                  .algorithm = algorithm,
                                  .key = key,
                                  .first_chain = first_chain},
                 error);
}

nnsm_status nnsm_generator_create_model(nnsm_generator **out, const nnsm_model *model, double temperature,
                                        nnsm_algorithm algorithm, nnsm_rng_key key, uint32_t first_chain,
                                        nnsm_error *error)
{
    if (model->multistate)
        return nnsm_generator_create_states(out, &model->states, temperature, algorithm, key, first_chain, error);
    return model->nearest
               ? nnsm_generator_create(out, &model->ising, temperature, algorithm, key, first_chain, error)
               : nnsm_generator_create_local(out, &model->local, temperature, algorithm, key, first_chain, error);
}

void nnsm_generator_destroy(nnsm_generator *generator)
{
    if (!generator)
        return;
    nnsm_release(generator->spins);
    nnsm_multispin_destroy(generator->multispin);
    nnsm_release(generator->neighbours);
    nnsm_release(generator->stack);
    nnsm_release(generator->in_cluster);
    nnsm_local_plan_destroy(&generator->plan);
    nnsm_release(generator->join);
    nnsm_release(generator->table);
    nnsm_release(generator);
}

/* Grow a cluster from a random site of chain c, through bonds with probability 1 - exp(-2 J s_i s_j / T), and flip it
 * with min(1, exp(-2 h sum s / T)). */
static void wolff_update(nnsm_generator *g, size_t c)
{
    const nnsm_lattice *lattice = g->model->lattice;
    size_t degree = 2 * (size_t)lattice->dimensions, count = 1;
    double join = 1 - exp(-2 * fabs(g->model->coupling) / g->temperature), total;
    int sign = g->model->coupling > 0 ? 1 : -1;
    nnsm_rng_sequence draw = nnsm_rng_sequence_start(g->key, NNSM_RNG_WOLFF, g->first_chain + (uint32_t)c, g->updates);
    g->stack[0] = (int32_t)nnsm_rng_below(&draw, (uint32_t)lattice->sites);
    g->in_cluster[g->stack[0]] = 1;
    total = g->spins[(size_t)g->stack[0] * CHAINS + c];
    for (size_t next = 0; next < count; next++) {
        size_t i = (size_t)g->stack[next];
        for (size_t d = 0; d < degree; d++) {
            int32_t j = lattice->neighbours[i * degree + d];
            if (j < 0 || sign * g->spins[i * CHAINS + c] * g->spins[(size_t)j * CHAINS + c] < 0 || g->in_cluster[j] ||
                nnsm_rng_uniform(&draw) >= join)
                continue;
            g->in_cluster[j] = 1;
            total += g->spins[(size_t)j * CHAINS + c];
            g->stack[count++] = j;
        }
    }
    bool flip = nnsm_rng_uniform(&draw) < exp(-2 * g->model->field * total / g->temperature);
    for (size_t next = 0; next < count; next++) {
        int8_t *s = &g->spins[(size_t)g->stack[next] * CHAINS + c];
        g->in_cluster[g->stack[next]] = 0;
        *s = (int8_t)(flip ? -*s : *s);
    }
}

void nnsm_generator_advance(nnsm_generator *generator, uint32_t updates)
{
    void (*wolff)(nnsm_generator *, size_t) = generator->local ? nnsm_generator_local_wolff : wolff_update;
    for (uint32_t u = 0; u < updates; u++, generator->updates++)
        if (generator->multispin)
            nnsm_multispin_sweep(generator->multispin, generator->updates);
        else if (generator->states)
            nnsm_generator_states_update(generator);
        else if (generator->algorithm == NNSM_METROPOLIS)
            nnsm_generator_local_sweep(generator);
        else
            for (size_t c = 0; c < CHAINS; c++)
                wolff(generator, c);
}

void nnsm_generator_read(const nnsm_generator *generator, int8_t *configurations)
{
    size_t sites = generator->sites;
    if (generator->multispin) {
        nnsm_multispin_read(generator->multispin, configurations);
        return;
    }
    if (generator->states) {
        nnsm_generator_states_read(generator, configurations);
        return;
    }
    for (size_t i = 0; i < sites; i++)
        for (size_t c = 0; c < CHAINS; c++)
            configurations[c * sites + i] = generator->spins[i * CHAINS + c];
}

uint32_t nnsm_generator_updates(const nnsm_generator *generator)
{
    return generator->updates;
}

void nnsm_generator_resume(nnsm_generator *generator, const int8_t *configurations, uint32_t updates)
{
    size_t sites = generator->sites;
    generator->updates = updates;
    if (generator->multispin) {
        nnsm_multispin_write(generator->multispin, configurations);
        return;
    }
    if (generator->states) {
        nnsm_generator_states_resume(generator, configurations);
        return;
    }
    for (size_t i = 0; i < sites; i++)
        for (size_t c = 0; c < CHAINS; c++)
            generator->spins[i * CHAINS + c] = configurations[c * sites + i] > 0 ? 1 : -1;
}
