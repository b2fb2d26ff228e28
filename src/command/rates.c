#include "command/rates.h"

#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "lattice/generator.h"
#include "nnsm/metropolis.h"
#include "nnsm/moves.h"
#include "stage/reach.h"
#include "stage/shard_rate.h"
#include "stage/trained.h"
#include "stage/windowing.h"

static nnsm_status measure_generator(const nnsm_model *model, const nnsm_config *c, nnsm_rates *r, nnsm_error *error)
{
    nnsm_generator *generator;
    nnsm_status status =
        nnsm_generator_create_model(&generator, model, c->generate.temperature, (nnsm_algorithm)c->generate.algorithm,
                                    nnsm_rng_key_from_seed(1), 0, error);
    if (status)
        return status;
    double start = nnsm_seconds(), seconds;
    uint32_t updates = 0;
    do {
        nnsm_generator_advance(generator, 1);
        updates++;
        seconds = nnsm_seconds() - start;
    } while (seconds < 0.1);
    r->flips = updates * (double)NNSM_GENERATOR_CHAINS / seconds; /* updates of one chain a second */
    nnsm_generator_destroy(generator);
    return NNSM_OK;
}

static nnsm_status measure_training(nnsm_network *network, const nnsm_config *c, double draws, nnsm_rates *r,
                                    nnsm_error *error)
{
    nnsm_learner learner;
    (void)nnsm_network_parameters(network, &r->parameters);
    nnsm_status status = nnsm_learner_create(&learner, network, c, draws, error);
    const size_t *floats = learner.count;
    r->kept = (double)(floats[NNSM_VECTOR_PARAMETERS] + floats[NNSM_VECTOR_MEMORY_1] + floats[NNSM_VECTOR_MEMORY_2]);
    r->sums = (double)nnsm_learner_most_sums(&learner);
    r->hessians = draws > 0 ? nnsm_learner_hessian_draws(c, draws) / draws : 0;
    if (!status)
        status = nnsm_shard_rate(&learner, NNSM_VECTOR_GRADIENT, 0.2, &r->gradient, error);
    r->hessian = r->gradient;
    if (!status && r->hessians > 0)
        status = nnsm_shard_rate(&learner, NNSM_VECTOR_HESSIAN, 0.2, &r->hessian, error);
    nnsm_learner_destroy(&learner);
    return status;
}

/* A sweep is a proposal of every site, or, self-learning, one evaluation of the network. */
static nnsm_status measure_scan(const nnsm_network *network, const nnsm_lattice *lattice, const nnsm_config *c,
                                nnsm_rates *r, nnsm_error *error)
{
    nnsm_learned *learned = NULL;
    nnsm_tile tile = {0};
    int8_t *spins = NULL;
    nnsm_network_shape shape = nnsm_network_shape_of(network);
    bool several = shape.alphabet.count > 2; /* no couplings, which would propose */
    r->spins = !several;
    bool self_learning = c->scan.sampler == NNSM_CONFIG_SELF_LEARNING && !several;
    nnsm_move_space space = nnsm_move_space_make(lattice, shape.alphabet.count);
    size_t sites = nnsm_network_shape_of(network).sites;
    nnsm_rng_key key = nnsm_rng_key_from_seed(1);
    double beta[NNSM_TILE];
    int64_t accepted[NNSM_TILE] = {0};
    nnsm_status status = nnsm_network_learned(&learned, network, error);
    if (!status)
        status = nnsm_learned_tile_create(&tile, learned, error);
    if (!status)
        status = NNSM_NEW(&spins, NNSM_TILE * sites, "measurement", error);
    if (!status) {
        for (size_t i = 0; i < NNSM_TILE; i++)
            beta[i] = 1 / nnsm_network_shape_of(network).temperature;
        nnsm_learned_sample(&tile, key, 0, spins);
        double start = nnsm_seconds(), seconds;
        uint32_t sweep = 0;
        do {
            if (self_learning)
                tile.methods->refresh(tile.state);
            else if (several)
                nnsm_move_sweep(&tile, &space, NNSM_MOVE_SINGLE, key, 0, sweep, beta, accepted);
            else
                nnsm_metropolis_sweep(&tile, key, 0, sweep, beta, accepted);
            if (c->scan.regenerate) {
                nnsm_learned_redraw(&tile, key, 0, sweep, sites / 2, spins);
                tile.methods->load(tile.state, spins);
            }
            sweep++;
            seconds = nnsm_seconds() - start;
        } while (seconds < 0.2);
        r->sweeps = NNSM_TILE / (seconds / sweep + nnsm_rates_beside(sites) * NNSM_TILE);
    }
    nnsm_tile_destroy(&tile);
    nnsm_learned_destroy(learned);
    nnsm_release(spins);
    return status;
}

/* Lattice and alphabet of the network: the sums themselves where windows are not undone, else those of the sites. */
static nnsm_status see(const nnsm_lattice *lattice, const nnsm_config *c, nnsm_lattice *seen, nnsm_alphabet *alphabet,
                       nnsm_window *masked, nnsm_error *error)
{
    nnsm_window w = {0};
    nnsm_alphabet values = *alphabet;
    nnsm_status status = NNSM_OK;
    memset(masked, 0, sizeof *masked);
    if (c->window.given)
        status = nnsm_config_window(c, lattice->dimensions, lattice->extent, &w, error);
    if (status || !w.sites || (nnsm_window_overlaps(&w) && c->window.route == NNSM_CONFIG_DECONVOLVE))
        return status ? status
                      : nnsm_lattice_create(seen, lattice->dimensions, lattice->extent, lattice->periodic, error);
    if (c->window.route == NNSM_CONFIG_MASKED)
        *masked = w;
    status = nnsm_window_alphabet(&w, &values, alphabet, error);
    return status ? status : nnsm_lattice_create(seen, w.dimensions, w.extent, w.periodic != 0, error);
}

static nnsm_status measure_network(const nnsm_config *c, const nnsm_plan_data *data, nnsm_lattice *seen, nnsm_rates *r,
                                   nnsm_error *error)
{
    nnsm_network network = {0};
    nnsm_alphabet alphabet = data->alphabet;
    nnsm_window masked = {0};
    double draws = data->configurations * (1 - c->train.validation) * (double)c->train.epochs;
    nnsm_status status = see(&data->lattice, c, seen, &alphabet, &masked, error);
    r->sites = seen->sites;
    if (!status)
        status = nnsm_network_create(&network, c, 1, nnsm_reach_of(c, &(nnsm_reach_choice){0}), seen, &alphabet,
                                     masked.sites ? &masked : NULL, 1, error);
    if (!status)
        status = measure_training(&network, c, draws, r, error);
    if (!status)
        status = measure_scan(&network, seen, c, r, error);
    nnsm_network_destroy(&network);
    return status;
}

nnsm_status nnsm_rates_measure(const nnsm_config *config, const nnsm_plan_data *data, nnsm_rates *rates,
                               nnsm_error *error)
{
    const nnsm_config *c = config;
    nnsm_model model = {0};
    nnsm_lattice seen = {0};
    nnsm_status status = NNSM_OK;
    *rates = (nnsm_rates){0};
    if (c->generate.given) {
        nnsm_model_parameters parameters = nnsm_run_parameters(c);
        status = nnsm_model_create(&model, &data->lattice, &parameters, error);
        if (!status)
            status = measure_generator(&model, c, rates, error);
        nnsm_model_destroy(&model);
    }
    if (!status)
        status = measure_network(c, data, &seen, rates, error);
    nnsm_lattice_destroy(&seen);
    return status;
}
