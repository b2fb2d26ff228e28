#include "nnsm/self_learning.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "base/vector_math.h"
#include "sampler/cluster.h"
#include "sampler/heat_bath.h"
#include "sampler/surrogate.h"

struct nnsm_self_learning {
    nnsm_surrogate surrogate;
    size_t sites, temperatures;
    double *beta, *scale;  /* [temperatures] */
    int *palindromes;      /* [temperatures] */
    uint32_t *threshold;   /* [temperatures][classes] of the clusters */
    nnsm_tile hamiltonian; /* evaluates proposals */
    nnsm_tile walk;        /* the surrogate's own, for heat-bath updates of spins */
    nnsm_heat_bath bath;   /* of more than two values */
    bool states;           /* that is what the sites have */
    nnsm_clusters clusters;
    nnsm_words words;
    uint32_t *proposal;     /* [sites] */
    int8_t *lanes;          /* [sites][NNSM_TILE] the same of more than two values */
    int8_t *configurations; /* [NNSM_TILE][sites] of the proposal */
    double *values;         /* [classes][NNSM_TILE] */
};

typedef struct {
    nnsm_self_learning *sampler;
    uint32_t *spins; /* [sites] */
    int8_t *lanes;   /* [sites][NNSM_TILE] instead, of more than two values */
    double energy[NNSM_TILE], surrogate[NNSM_TILE];
} chains;

/* ---- creation */

static nnsm_status create_parts(nnsm_self_learning *s, const nnsm_local *local, const double *uncertainty,
                                nnsm_error *error)
{
    nnsm_status status = nnsm_surrogate_create(&s->surrogate, local, uncertainty, error);
    size_t classes = s->surrogate.operators.classes;
    if (!status)
        status = NNSM_NEW(&s->beta, s->temperatures, "self-learning", error);
    if (!status)
        status = NNSM_NEW(&s->scale, s->temperatures, "self-learning", error);
    if (!status)
        status = NNSM_NEW(&s->palindromes, s->temperatures, "self-learning", error);
    if (!status)
        status = NNSM_NEW(&s->threshold, s->temperatures * classes, "self-learning", error);
    if (!status)
        status = NNSM_NEW(&s->proposal, s->sites, "self-learning", error);
    if (!status)
        status = NNSM_NEW(&s->configurations, NNSM_TILE * s->sites, "self-learning", error);
    if (!status)
        status = NNSM_NEW(&s->values, classes * NNSM_TILE, "self-learning", error);
    if (!status && s->surrogate.kind == NNSM_CLUSTERS)
        status = nnsm_clusters_create(&s->clusters, &s->surrogate.local, error);
    if (!status && s->states)
        status = NNSM_NEW(&s->lanes, s->sites * NNSM_TILE, "self-learning", error);
    if (!status && s->states)
        status = nnsm_heat_bath_create(&s->bath, &s->surrogate.local, error);
    else if (!status && s->surrogate.kind == NNSM_HEAT_BATH)
        status = nnsm_local_tile_create(&s->walk, &s->surrogate.local, error);
    return status;
}

nnsm_status nnsm_self_learning_create(nnsm_self_learning **out, const nnsm_local *surrogate, const double *uncertainty,
                                      size_t temperatures, const double *beta, nnsm_tile *hamiltonian,
                                      nnsm_error *error)
{
    *out = NULL;
    nnsm_self_learning *s = NULL;
    nnsm_status status = NNSM_NEW(&s, 1, "self-learning", error);
    if (status)
        return status;
    s->sites = surrogate->operators->sites;
    s->temperatures = temperatures;
    s->states = surrogate->operators->values > 0;
    status = create_parts(s, surrogate, uncertainty, error);
    if (status) {
        nnsm_self_learning_destroy(s);
        return status;
    }
    memcpy(s->beta, beta, temperatures * sizeof *beta);
    for (size_t t = 0; t < temperatures; t++)
        nnsm_self_learning_set(s, t, 1, 1);
    s->hamiltonian = *hamiltonian;
    *hamiltonian = (nnsm_tile){0};
    *out = s;
    return NNSM_OK;
}

void nnsm_self_learning_destroy(nnsm_self_learning *sampler)
{
    nnsm_self_learning *s = sampler;
    if (!s)
        return;
    nnsm_tile_destroy(&s->hamiltonian);
    nnsm_tile_destroy(&s->walk);
    nnsm_clusters_destroy(&s->clusters);
    nnsm_heat_bath_destroy(&s->bath);
    nnsm_surrogate_destroy(&s->surrogate);
    nnsm_release(s->beta);
    nnsm_release(s->scale);
    nnsm_release(s->palindromes);
    nnsm_release(s->threshold);
    nnsm_release(s->proposal);
    nnsm_release(s->lanes);
    nnsm_release(s->configurations);
    nnsm_release(s->values);
    nnsm_release(s);
}

nnsm_proposals nnsm_self_learning_kind(const nnsm_self_learning *sampler)
{
    return sampler->surrogate.kind;
}

void nnsm_self_learning_describe(const nnsm_self_learning *sampler, char *text, size_t size)
{
    int used =
        snprintf(text, size, "%s of ", nnsm_self_learning_kind(sampler) == NNSM_CLUSTERS ? "clusters" : "single sites");
    if ((size_t)used < size)
        nnsm_surrogate_describe(&sampler->surrogate, text + used, size - (size_t)used);
}

void nnsm_self_learning_set(nnsm_self_learning *sampler, size_t temperature, double scale, int palindromes)
{
    nnsm_self_learning *s = sampler;
    size_t classes = s->surrogate.operators.classes;
    s->scale[temperature] = scale;
    s->palindromes[temperature] = palindromes;
    for (size_t c = 0; c < classes; c++)
        s->threshold[temperature * classes + c] =
            nnsm_clusters_threshold(s->beta[temperature] * scale * s->surrogate.coupling[c]);
}

/* ---- a tile */

/* Configurations of states side by side, and back. */
static void into_lanes(const int8_t *configurations, size_t sites, int8_t *lanes)
{
    for (size_t i = 0; i < sites; i++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            lanes[i * NNSM_TILE + c] = configurations[c * sites + i];
}

static void out_of_lanes(const int8_t *lanes, size_t sites, int8_t *configurations)
{
    for (size_t i = 0; i < sites; i++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            configurations[c * sites + i] = lanes[i * NNSM_TILE + c];
}

static void unpack(const nnsm_self_learning *s, const uint32_t *spins, const int8_t *lanes, int8_t *configurations)
{
    if (s->states)
        out_of_lanes(lanes, s->sites, configurations);
    else
        nnsm_lanes_unpack(spins, s->sites, configurations);
}

static void surrogate_energy(nnsm_self_learning *s, const uint32_t *spins, const int8_t *lanes, double *energy)
{
    if (s->states) {
        nnsm_heat_bath_energy(&s->bath, lanes, energy);
        return;
    }
    nnsm_lanes_values(&s->surrogate.operators, spins, s->values);
    memset(energy, 0, NNSM_TILE * sizeof *energy);
    for (size_t k = 0; k < s->surrogate.operators.classes; k++)
        for (size_t c = 0; c < NNSM_TILE; c++)
            energy[c] -= s->surrogate.coupling[k] * s->values[k * NNSM_TILE + c];
}

static void refresh(void *state)
{
    chains *t = state;
    nnsm_self_learning *s = t->sampler;
    unpack(s, t->spins, t->lanes, s->configurations);
    s->hamiltonian.methods->load(s->hamiltonian.state, s->configurations);
    s->hamiltonian.methods->energy(s->hamiltonian.state, t->energy);
    surrogate_energy(s, t->spins, t->lanes, t->surrogate);
}

static void load(void *state, const int8_t *configurations)
{
    chains *t = state;
    if (t->sampler->states)
        into_lanes(configurations, t->sampler->sites, t->lanes);
    else
        nnsm_lanes_pack(configurations, t->sampler->sites, t->spins);
    refresh(state);
}

static void energy(const void *state, double *out)
{
    memcpy(out, ((const chains *)state)->energy, NNSM_TILE * sizeof *out);
}

static void read_out(const void *state, int8_t *configurations)
{
    const chains *t = state;
    unpack(t->sampler, t->spins, t->lanes, configurations);
}

static void destroy(void *state)
{
    chains *t = state;
    nnsm_release(t->spins);
    nnsm_release(t->lanes);
    nnsm_release(t);
}

static const nnsm_tile_methods methods = {
    .load = load, .energy = energy, .refresh = refresh, .read = read_out, .destroy = destroy};

nnsm_status nnsm_self_learning_tile_create(nnsm_tile *out, nnsm_self_learning *sampler, nnsm_error *error)
{
    *out = (nnsm_tile){0};
    chains *t = NULL;
    nnsm_status status = NNSM_NEW(&t, 1, "chains of a scan", error);
    if (!status)
        status = sampler->states ? NNSM_NEW(&t->lanes, sampler->sites * NNSM_TILE, "chains of a scan", error)
                                 : NNSM_NEW(&t->spins, sampler->sites, "chains of a scan", error);
    if (status) {
        nnsm_release(t);
        return status;
    }
    t->sampler = sampler;
    *out = (nnsm_tile){&methods, t, sampler->sites};
    return NNSM_OK;
}

/* ---- proposals */

static void propose_clusters(nnsm_self_learning *s, nnsm_rng_key key, uint32_t stream, uint32_t step,
                             const int32_t *temperature)
{
    size_t classes = s->surrogate.operators.classes;
    for (size_t k = 0; k < classes; k++) {
        uint32_t threshold[NNSM_TILE];
        for (size_t c = 0; c < NNSM_TILE; c++)
            threshold[c] = s->threshold[(size_t)temperature[c] * classes + k];
        nnsm_clusters_set(&s->clusters, k, threshold);
    }
    nnsm_words_start(&s->words, key, NNSM_RNG_CLUSTER, stream, step);
    for (int n = 0; n < NNSM_CLUSTER_STEPS; n++)
        nnsm_clusters_update(&s->clusters, &s->words, s->proposal);
}

/* Flip with the conditional probability 1 / (1 + exp(dG / T)), strength = a / T; 0 in chains that have done enough. */
NNSM_MULTIVERSION
static void heat_bath(const double *restrict change, const double *restrict strength, const uint32_t *restrict random,
                      const uint32_t *restrict active, uint32_t *restrict flip, int32_t *restrict flips)
{
    for (size_t c = 0; c < NNSM_TILE; c++) {
        float x = (float)(strength[c] * change[c]), e = nnsm_exp_negative(x < 0.f ? x : -x);
        float probability = (x < 0.f ? 1.f : e) / (1.f + e);
        flip[c] = ((float)random[c] + 0.5f) * 0x1p-32f < probability ? active[c] : 0u;
        flips[c] += (int32_t)(flip[c] & 1);
    }
}

typedef struct {
    double strength[NNSM_TILE];
    uint32_t random[4 * NNSM_TILE], active[NNSM_TILE];
    uint32_t draws;
} walk_state;

static void update_site(nnsm_self_learning *s, nnsm_rng_key key, uint32_t stream, uint32_t step, walk_state *w,
                        size_t site, int32_t *flips)
{
    double change[NNSM_TILE];
    uint32_t flip[NNSM_TILE];
    if (w->draws % 4 == 0)
        nnsm_rng_blocks(key, NNSM_RNG_HEAT_BATH, stream, NNSM_TILE, step, w->draws / 4, w->random);
    s->walk.methods->change(s->walk.state, site, NNSM_ALL_CHAINS, change);
    heat_bath(change, w->strength, w->random + w->draws % 4 * NNSM_TILE, w->active, flip, flips);
    s->walk.methods->commit(s->walk.state, site, flip);
    w->draws++;
}

static void propose_walk(nnsm_self_learning *s, nnsm_rng_key key, uint32_t stream, uint32_t step,
                         const int32_t *temperature, int32_t *flips)
{
    walk_state w = {.draws = 0};
    int most = 0;
    for (size_t c = 0; c < NNSM_TILE; c++) {
        w.strength[c] = s->beta[temperature[c]] * s->scale[temperature[c]];
        most = s->palindromes[temperature[c]] > most ? s->palindromes[temperature[c]] : most;
    }
    nnsm_lanes_unpack(s->proposal, s->sites, s->configurations);
    s->walk.methods->load(s->walk.state, s->configurations);
    for (int n = 0; n < most; n++) {
        for (size_t c = 0; c < NNSM_TILE; c++)
            w.active[c] = n < s->palindromes[temperature[c]] ? UINT32_MAX : 0;
        for (size_t i = 0; i < s->sites; i++)
            update_site(s, key, stream, step, &w, i, flips);
        for (size_t i = s->sites; i-- > 0;)
            update_site(s, key, stream, step, &w, i, flips);
    }
    s->walk.methods->read(s->walk.state, s->configurations);
    nnsm_lanes_pack(s->configurations, s->sites, s->proposal);
}

static void propose_states(nnsm_self_learning *s, nnsm_rng_key key, uint32_t stream, uint32_t step,
                           const int32_t *temperature, int32_t *changes)
{
    double strength[NNSM_TILE];
    int palindromes[NNSM_TILE];
    for (size_t c = 0; c < NNSM_TILE; c++) {
        strength[c] = s->beta[temperature[c]] * s->scale[temperature[c]];
        palindromes[c] = s->palindromes[temperature[c]];
    }
    nnsm_heat_bath_walk(&s->bath, key, stream, step, strength, palindromes, s->lanes, changes);
}

/* ---- acceptance */

/* The chains that accept; a Hamiltonian that is not finite is never accepted. */
static uint32_t decide(const nnsm_self_learning *s, const chains *t, const double *proposed, const double *surrogate,
                       const int32_t *temperature, const uint32_t *random)
{
    uint32_t accept = 0;
    for (size_t c = 0; c < NNSM_TILE; c++) {
        double a = s->scale[temperature[c]];
        double change = (proposed[c] - t->energy[c]) - a * (surrogate[c] - t->surrogate[c]);
        double exponent = -s->beta[temperature[c]] * change;
        if (exponent >= 0 || (random[c] + 0.5) * 0x1p-32 < exp(exponent))
            accept |= 1u << c;
    }
    return accept;
}

void nnsm_self_learning_step(nnsm_tile *tile, nnsm_rng_key key, uint32_t stream, uint32_t step,
                             const int32_t *temperature, nnsm_self_learning_record *record)
{
    chains *t = tile->state;
    nnsm_self_learning *s = t->sampler;
    double proposed[NNSM_TILE], surrogate[NNSM_TILE];
    uint32_t random[4 * NNSM_TILE];
    memset(record->flips, 0, sizeof record->flips);
    if (s->states)
        memcpy(s->lanes, t->lanes, s->sites * NNSM_TILE);
    else
        memcpy(s->proposal, t->spins, s->sites * sizeof *s->proposal);
    if (s->states)
        propose_states(s, key, stream, step, temperature, record->flips);
    else if (s->surrogate.kind == NNSM_CLUSTERS)
        propose_clusters(s, key, stream, step, temperature);
    else if (s->surrogate.kind == NNSM_HEAT_BATH)
        propose_walk(s, key, stream, step, temperature, record->flips);
    surrogate_energy(s, s->proposal, s->lanes, surrogate);
    unpack(s, s->proposal, s->lanes, s->configurations);
    s->hamiltonian.methods->load(s->hamiltonian.state, s->configurations);
    s->hamiltonian.methods->energy(s->hamiltonian.state, proposed);
    nnsm_rng_blocks(key, NNSM_RNG_SELF_LEARNING, stream, NNSM_TILE, step, 0, random);
    uint32_t accept = decide(s, t, proposed, surrogate, temperature, random);
    for (size_t i = 0; i < s->sites && !s->states; i++)
        t->spins[i] = (t->spins[i] & ~accept) | (s->proposal[i] & accept);
    for (size_t i = 0; i < s->sites * NNSM_TILE && s->states; i++)
        t->lanes[i] = accept >> i % NNSM_TILE & 1 ? s->lanes[i] : t->lanes[i];
    for (size_t c = 0; c < NNSM_TILE; c++) {
        bool accepted = accept >> c & 1;
        t->energy[c] = accepted ? proposed[c] : t->energy[c];
        t->surrogate[c] = accepted ? surrogate[c] : t->surrogate[c];
        record->surrogate[c] = t->surrogate[c];
        record->accepted[c] = accepted;
    }
}
