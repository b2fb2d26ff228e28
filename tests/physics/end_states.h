/* end_states.h: where chains of self-learning Monte Carlo end, against the distribution p^(T0/T) by enumeration. */
#ifndef NNSM_TESTS_END_STATES_H
#define NNSM_TESTS_END_STATES_H

#include "check.h"
#include "nnsm/metropolis.h"
#include "nnsm/self_learning.h"

#include <string.h>

enum { END_TEMPERATURES = 4, END_MOST_SITES = 9, END_MOST_STATES = 729 };
static const double end_temperature[END_TEMPERATURES] = {1.2, 1.8, 2.5, 4.0}; /* T0 = 2.5: below, at, above */

/* A network whose states are enumerated. */
typedef struct {
    const nnsm_learned *learned;
    size_t sites, states, values; /* states = values^sites */
    const double *hamiltonian;    /* [states]; the state of number k has digit i, to the base of values, at site i */
    uint32_t tiles, steps;
} end_subject;

typedef struct {
    const char *name;
    nnsm_proposals kind;
    double scale, beta_factor; /* beta_factor: 1, or what makes the rule wrong */
    bool exchange;
} end_variant;

static inline size_t end_number(const end_subject *w, const int8_t *s)
{
    size_t k = 0;
    for (size_t i = w->sites; i-- > 0;)
        k = k * w->values + (w->values == 2 ? s[i] > 0 : (size_t)s[i]);
    return k;
}

static inline double end_boltzmann_p(const end_subject *w, double t, const double *count)
{
    double weight[END_MOST_STATES];
    for (size_t k = 0; k < w->states; k++)
        weight[k] = exp(-(w->hamiltonian[k] - w->hamiltonian[0]) / t);
    return check_visits_p(weight, count, w->states);
}

/* A tile's steps from samples of the network; where its chains end is counted. Returns how many proposals were
 * accepted. */
static inline double end_run(const end_subject *w, const nnsm_local *surrogate, bool exchange, uint32_t number,
                             nnsm_tile *sampler, nnsm_tile *tile, double count[][END_MOST_STATES])
{
    const nnsm_rng_key key = nnsm_rng_key_from_seed(34);
    nnsm_ladders ladders;
    nnsm_self_learning_record record;
    int8_t states[NNSM_TILE * END_MOST_SITES];
    double energy[NNSM_TILE], accepted = 0;
    assert_int_equal(nnsm_ladders_create(&ladders, END_TEMPERATURES, end_temperature, 8, NULL), NNSM_OK);
    nnsm_learned_sample(sampler, key, number * NNSM_TILE, states);
    tile->methods->load(tile->state, states);
    for (uint32_t step = 0; step < w->steps; step++) {
        nnsm_self_learning_step(tile, key, number * NNSM_TILE, step, ladders.temperature_of, &record);
        for (size_t c = 0; c < NNSM_TILE; c++)
            accepted += record.accepted[c];
        tile->methods->energy(tile->state, energy);
        if (exchange)
            nnsm_ladders_exchange(&ladders, 0, ladders.walkers, key, number * 8, step, energy);
    }
    tile->methods->read(tile->state, states);
    for (size_t c = 0; c < NNSM_TILE; c++) {
        size_t k = end_number(w, states + c * w->sites);
        check_close(energy[c], w->hamiltonian[k], 1e-4);
        check_close(record.surrogate[c], nnsm_local_energy(surrogate, states + c * w->sites), 1e-9);
        count[ladders.temperature_of[c]][k]++;
    }
    nnsm_ladders_destroy(&ladders);
    return accepted;
}

/* End states of tiles * 32 chains, 8 a temperature and tile, after `steps` proposals, which are ten times what the
 * slowest chains need: a surrogate that is wrong leaves some waiting long. The smallest p of a chi-square over the
 * temperatures. */
static inline double end_smallest_p(const end_subject *w, const nnsm_local *surrogate, const end_variant *v)
{
    static double count[END_TEMPERATURES][END_MOST_STATES];
    nnsm_tile hamiltonian, sampler, tile;
    nnsm_self_learning *s;
    double beta[END_TEMPERATURES], accepted = 0, least = 1;
    memset(count, 0, sizeof count);
    for (size_t t = 0; t < END_TEMPERATURES; t++)
        beta[t] = v->beta_factor / end_temperature[t];
    assert_int_equal(nnsm_learned_tile_create(&sampler, w->learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_learned_tile_create(&hamiltonian, w->learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_self_learning_create(&s, surrogate, NULL, END_TEMPERATURES, beta, &hamiltonian, NULL),
                     NNSM_OK);
    assert_int_equal(nnsm_self_learning_kind(s), v->kind);
    for (size_t t = 0; t < END_TEMPERATURES; t++)
        nnsm_self_learning_set(s, t, v->scale * (1 + 0.1 * (double)t), 1 + (int)t % 3);
    assert_int_equal(nnsm_self_learning_tile_create(&tile, s, NULL), NNSM_OK);
    for (uint32_t t = 0; t < w->tiles; t++)
        accepted += end_run(w, surrogate, v->exchange, t, &sampler, &tile, count);
    for (size_t t = 0; t < END_TEMPERATURES; t++)
        least = fmin(least, end_boltzmann_p(w, end_temperature[t], count[t]));
    print_message("%s: acceptance %.3f, smallest p %.3g\n", v->name, accepted / w->steps / w->tiles / NNSM_TILE, least);
    nnsm_tile_destroy(&tile);
    nnsm_self_learning_destroy(s);
    nnsm_tile_destroy(&sampler);
    return least;
}

#endif
