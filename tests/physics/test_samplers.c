/* All samplers on one trained network of each kind, against enumeration of its 512 states under p^(T0 / T): single
 * flips, screened or not, self-learning, regenerated suffixes, alone and mixed, with and without exchange, and
 * reweighted samples. */
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "nnsm/metropolis.h"
#include "nnsm/model.h"
#include "nnsm/network.h"
#include "nnsm/regenerate.h"
#include "nnsm/self_learning.h"
#include "stage/learner.h"
#include "stage/reweighting.h"

enum { SITES = 9, STATES = 512, TEMPERATURES = 4, WALKERS = 8, TILES = 1200 };
static const double temperature[TEMPERATURES] = {1.6, 2.0, 2.5, 4.0}, t0 = 2.5; /* below, at, above T0 */

typedef struct {
    nnsm_lattice lattice;
    nnsm_model model;
    nnsm_network network;
    nnsm_learned *learned;
    double hamiltonian[STATES]; /* -T0 log p of all states */
} world;

static void spell(uint32_t k, int8_t *s)
{
    for (size_t i = 0; i < SITES; i++)
        s[i] = k >> i & 1 ? 1 : -1;
}

static uint32_t number_of(const int8_t *s)
{
    uint32_t k = 0;
    for (size_t i = 0; i < SITES; i++)
        k |= (uint32_t)(s[i] > 0) << i;
    return k;
}

/* ---- training, on exact samples of the model */

static void draw_rows(const double *cumulative, nnsm_rng_sequence *random, size_t rows, int8_t *s)
{
    for (size_t r = 0; r < rows; r++) {
        double u = nnsm_rng_uniform(random);
        uint32_t k = 0;
        while (k + 1 < STATES && cumulative[k] < u)
            k++;
        spell(k, s + r * SITES);
    }
}

static void train(world *w)
{
    enum { ROWS = 512, BATCHES = 200 };
    static nnsm_config config = {.network = {.units = 16, .ridge = 1e-4}, .train = {.learning_rate = 5e-3}};
    nnsm_learner learner;
    nnsm_network_workspace workspace;
    nnsm_error error;
    double cumulative[STATES], sum = 0, noise;
    int8_t *rows = malloc(ROWS * SITES);
    assert_non_null(rows);
    for (uint32_t k = 0; k < STATES; k++) {
        int8_t s[SITES];
        spell(k, s);
        cumulative[k] = sum += exp(-nnsm_model_energy(&w->model, s) / t0);
    }
    for (uint32_t k = 0; k < STATES; k++)
        cumulative[k] /= sum;
    config.network.kind = w->network.dense ? NNSM_CONFIG_DENSE : NNSM_CONFIG_FRONTIER;
    assert_int_equal(nnsm_learner_create(&learner, &w->network, &config, (double)ROWS * BATCHES, NULL), NNSM_OK);
    assert_int_equal(nnsm_network_workspace_create(&workspace, &w->network, ROWS, NULL), NNSM_OK);
    nnsm_rng_sequence random = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(71), NNSM_RNG_TEST, 0, 0);
    for (uint64_t step = 0; step < BATCHES; step++) {
        float *sums = calloc(learner.count[nnsm_learner_wants(&learner)], sizeof *sums);
        assert_non_null(sums);
        draw_rows(cumulative, &random, ROWS, rows);
        (void)nnsm_learner_sum(&learner, &workspace, rows, ROWS, sums, NULL);
        if (nnsm_learner_step(&learner, sums, 0, learner.count[NNSM_VECTOR_PARAMETERS], ROWS, step,
                              config.train.learning_rate, &noise, &error))
            fail_msg("%s", error.message);
        nnsm_learner_advance(&learner, ROWS, noise);
        free(sums);
    }
    nnsm_learner_publish(&learner);
    nnsm_learner_destroy(&learner);
    nnsm_network_workspace_destroy(&workspace);
    free(rows);
}

static void create(world *w, bool frontier)
{
    nnsm_architecture dense = {.dimensions = 2,
                               .extent = {3, 3, 1},
                               .periodic = true,
                               .layers = 1,
                               .hidden = {16},
                               .direct = true,
                               .order = NNSM_SNAKE,
                               .temperature = t0};
    nnsm_frontier_architecture local = {.dimensions = 2,
                                        .extent = {3, 3, 1},
                                        .periodic = true,
                                        .order = NNSM_SNAKE,
                                        .reach = 1,
                                        .units = 16,
                                        .seed = 5,
                                        .temperature = t0};
    nnsm_model_parameters ising = {.coupling = 0.6, .anisotropy = {1, 1, 1}, .field = 0.1};
    nnsm_network_workspace workspace;
    *w = (world){.learned = NULL};
    assert_int_equal(nnsm_lattice_create(&w->lattice, 2, (int[]){3, 3}, true, NULL), NNSM_OK);
    assert_int_equal(nnsm_model_create(&w->model, &w->lattice, &ising, NULL), NNSM_OK);
    if (frontier)
        assert_int_equal(nnsm_frontier_create(&w->network.frontier, &local, NULL), NNSM_OK);
    else {
        assert_int_equal(nnsm_made_create(&w->network.dense, &dense, NULL), NNSM_OK);
        nnsm_made_initialize(w->network.dense, nnsm_rng_key_from_seed(72));
    }
    train(w);
    assert_int_equal(nnsm_network_learned(&w->learned, &w->network, NULL), NNSM_OK);
    assert_int_equal(nnsm_network_workspace_create(&workspace, &w->network, 1, NULL), NNSM_OK);
    double kl = 0, sum = 0;
    for (uint32_t k = 0; k < STATES; k++) {
        int8_t s[SITES];
        spell(k, s);
        nnsm_network_log_probability(&w->network, &workspace, s, 1, &w->hamiltonian[k]);
        w->hamiltonian[k] *= -t0;
        double weight = exp(-nnsm_model_energy(&w->model, s) / t0);
        sum += weight;
        kl += weight * (-nnsm_model_energy(&w->model, s) / t0 + w->hamiltonian[k] / t0);
    }
    print_message("%s network: KL %.4f nats\n", frontier ? "frontier" : "dense", kl / sum - log(sum));
    assert_true(kl / sum - log(sum) < 0.05); /* it was trained */
    nnsm_network_workspace_destroy(&workspace);
}

static void destroy(world *w)
{
    nnsm_learned_destroy(w->learned);
    nnsm_network_destroy(&w->network);
    nnsm_model_destroy(&w->model);
    nnsm_lattice_destroy(&w->lattice);
}

/* ---- chains */

typedef struct {
    const char *name;
    bool flips, screened, self_learning, regenerate, exchange;
    uint32_t steps;
    double beta_factor; /* 1, or what makes a rule wrong */
} moves;

static double boltzmann_p(const world *w, double t, const double *count)
{
    double weight[STATES];
    for (size_t k = 0; k < STATES; k++)
        weight[k] = exp(-w->hamiltonian[k] / t);
    return check_visits_p(weight, count, STATES);
}

typedef struct {
    nnsm_tile tile, sampler, screen;
    nnsm_self_learning *proposer;
    nnsm_regenerator *regenerator;
    double beta[TEMPERATURES], regenerated[TEMPERATURES];
} machine;

static void build(machine *m, const world *w, const moves *v)
{
    *m = (machine){.proposer = NULL};
    for (size_t t = 0; t < TEMPERATURES; t++)
        m->beta[t] = v->beta_factor / temperature[t];
    assert_int_equal(nnsm_learned_tile_create(&m->sampler, w->learned, NULL), NNSM_OK);
    assert_int_equal(nnsm_regenerator_create(&m->regenerator, w->learned, NULL), NNSM_OK);
    assert_int_equal(
        (v->screened ? nnsm_learned_screened_tile_create : nnsm_learned_tile_create)(&m->tile, w->learned, NULL),
        NNSM_OK);
    assert_int_equal(nnsm_local_tile_create(&m->screen, &w->model.local, NULL), NNSM_OK);
    if (v->self_learning) { /* the first tile evaluates, the second one holds the chains */
        assert_int_equal(
            nnsm_self_learning_create(&m->proposer, &w->model.local, NULL, TEMPERATURES, m->beta, &m->tile, NULL),
            NNSM_OK);
        assert_int_equal(nnsm_self_learning_tile_create(&m->tile, m->proposer, NULL), NNSM_OK);
    }
}

static void step_chains(machine *m, const moves *v, nnsm_rng_key key, uint32_t tile, uint32_t step, nnsm_ladders *l)
{
    int64_t flipped[NNSM_TILE] = {0}, redrawn[NNSM_TILE] = {0}, passed[NNSM_TILE] = {0};
    double beta[NNSM_TILE], energy[NNSM_TILE];
    nnsm_self_learning_record record;
    for (size_t c = 0; c < NNSM_TILE; c++)
        beta[c] = m->beta[l->temperature_of[c]];
    if (v->regenerate)
        nnsm_regenerate(m->regenerator, &m->tile, key, tile * NNSM_TILE, step, beta, redrawn);
    for (size_t c = 0; c < NNSM_TILE; c++)
        m->regenerated[l->temperature_of[c]] += (double)redrawn[c];
    if (v->self_learning)
        nnsm_self_learning_step(&m->tile, key, tile * NNSM_TILE, step, l->temperature_of, &record);
    if (v->screened) {
        int8_t s[NNSM_TILE * SITES];
        m->tile.methods->read(m->tile.state, s);
        m->screen.methods->load(m->screen.state, s);
        nnsm_screened_sweep(&m->tile, &m->screen, key, tile * NNSM_TILE, step, beta, passed, flipped);
    }
    if (v->flips)
        nnsm_metropolis_sweep(&m->tile, key, tile * NNSM_TILE, step, beta, flipped);
    m->tile.methods->energy(m->tile.state, energy);
    if (v->exchange)
        nnsm_ladders_exchange(l, 0, l->walkers, key, tile * WALKERS, step, energy);
}

/* End states of TILES * 32 chains, WALKERS a temperature and tile, after v->steps from samples of the network; the
 * smallest p of a chi-square over the temperatures. regenerated: out, acceptance of suffixes, may be NULL. */
static double smallest_p(const world *w, const moves *v, double *regenerated)
{
    static double count[TEMPERATURES][STATES];
    machine m;
    double least = 1;
    nnsm_rng_key key = nnsm_rng_key_from_seed(73);
    memset(count, 0, sizeof count);
    build(&m, w, v);
    for (uint32_t t = 0; t < TILES; t++) {
        nnsm_ladders ladders;
        int8_t s[NNSM_TILE * SITES];
        double energy[NNSM_TILE];
        assert_int_equal(nnsm_ladders_create(&ladders, TEMPERATURES, temperature, WALKERS, NULL), NNSM_OK);
        nnsm_learned_sample(&m.sampler, key, t * NNSM_TILE, s);
        m.tile.methods->load(m.tile.state, s);
        for (uint32_t step = 0; step < v->steps; step++)
            step_chains(&m, v, key, t, step, &ladders);
        m.tile.methods->read(m.tile.state, s);
        m.tile.methods->energy(m.tile.state, energy);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            uint32_t k = number_of(s + c * SITES);
            check_close(energy[c], w->hamiltonian[k], 1e-3);
            count[ladders.temperature_of[c]][k]++;
        }
        nnsm_ladders_destroy(&ladders);
    }
    for (size_t t = 0; t < TEMPERATURES; t++) {
        least = fmin(least, boltzmann_p(w, temperature[t], count[t]));
        if (regenerated)
            regenerated[t] = m.regenerated[t] / ((double)TILES * WALKERS * v->steps);
    }
    print_message("  %-42s smallest p %.3g\n", v->name, least);
    nnsm_tile_destroy(&m.tile);
    nnsm_tile_destroy(&m.screen);
    nnsm_self_learning_destroy(m.proposer);
    nnsm_regenerator_destroy(m.regenerator);
    nnsm_tile_destroy(&m.sampler);
    return least;
}

/* ---- the tests */

static const moves wrong = {"suffixes, beta wrong by a tenth", .regenerate = true, .steps = 60, .beta_factor = 0.9};

static void every_sampler_reaches_the_learned_distribution(void **state)
{
    (void)state;
    static const moves all[] = {
        {"single flips", .flips = true, .steps = 60, .beta_factor = 1},
        {"single flips, exchange", .flips = true, .exchange = true, .steps = 60, .beta_factor = 1},
        {"screened flips", .screened = true, .steps = 60, .beta_factor = 1},
        {"suffixes, screened flips, exchange", .regenerate = true, .screened = true, .exchange = true, .steps = 30,
         .beta_factor = 1},
        {"self-learning", .self_learning = true, .steps = 30, .beta_factor = 1},
        {"self-learning, exchange", .self_learning = true, .exchange = true, .steps = 30, .beta_factor = 1},
        {"suffixes", .regenerate = true, .steps = 60, .beta_factor = 1},
        {"suffixes, exchange", .regenerate = true, .exchange = true, .steps = 60, .beta_factor = 1},
        {"suffixes, single flips, exchange", .regenerate = true, .flips = true, .exchange = true, .steps = 30,
         .beta_factor = 1},
        {"suffixes, self-learning, exchange", .regenerate = true, .self_learning = true, .exchange = true, .steps = 20,
         .beta_factor = 1},
    };
    for (int frontier = 0; frontier < 2; frontier++) {
        world w;
        create(&w, frontier);
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            assert_true(smallest_p(&w, &all[i], NULL) > 1e-4);
        assert_true(smallest_p(&w, &wrong, NULL) < 1e-4); /* it would be noticed */
        destroy(&w);
    }
}

static void suffixes_are_always_accepted_at_the_data_s_temperature(void **state)
{
    (void)state;
    static const moves v = {"suffixes", .regenerate = true, .steps = 60, .beta_factor = 1};
    for (int frontier = 0; frontier < 2; frontier++) {
        world w;
        double acceptance[TEMPERATURES];
        create(&w, frontier);
        (void)smallest_p(&w, &v, acceptance);
        print_message("  acceptance %.3f %.3f %.6f %.3f\n", acceptance[0], acceptance[1], acceptance[2], acceptance[3]);
        check_close(acceptance[2], 1, 0);
        for (size_t t = 0; t < TEMPERATURES; t++)
            assert_true(acceptance[t] > 0.2 && (t == 2 || acceptance[t] < 0.99));
        destroy(&w);
    }
}

/* Prefixes stay, suffixes follow the conditionals: redrawing everything gives the ancestral distribution. */
static void prefixes_are_kept(void **state)
{
    (void)state;
    for (int frontier = 0; frontier < 2; frontier++) {
        world w;
        nnsm_tile tile;
        create(&w, frontier);
        const int32_t *order = frontier ? nnsm_frontier_order(w.network.frontier) : nnsm_made_order(w.network.dense);
        assert_int_equal(nnsm_learned_tile_create(&tile, w.learned, NULL), NNSM_OK);
        for (uint32_t from = 0; from <= SITES; from++) {
            int8_t before[NNSM_TILE * SITES], after[NNSM_TILE * SITES];
            double energy[NNSM_TILE];
            size_t moved = 0;
            nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(74), 0, before);
            memcpy(after, before, sizeof before);
            nnsm_learned_redraw(&tile, nnsm_rng_key_from_seed(75), 0, from, from, after);
            tile.methods->energy(tile.state, energy);
            for (size_t c = 0; c < NNSM_TILE; c++) {
                check_close(energy[c], w.hamiltonian[number_of(after + c * SITES)], 1e-4);
                for (size_t p = 0; p < SITES; p++) {
                    bool same = before[c * SITES + (size_t)order[p]] == after[c * SITES + (size_t)order[p]];
                    assert_true(same || p >= from);
                    moved += !same;
                }
            }
            assert_true(from == SITES ? moved == 0 : moved > 0);
        }
        nnsm_tile_destroy(&tile);
        destroy(&w);
    }
}

static double magnetization_of(const int8_t *s)
{
    int sum = 0;
    for (size_t i = 0; i < SITES; i++)
        sum += s[i];
    return fabs(sum / (double)SITES);
}

/* Means of |m| and H, all of which samples of the network, reweighted, must give within 4 sigma where they are worth
 * enough. */
static void reweighted_samples_agree(void **state)
{
    (void)state;
    for (int frontier = 0; frontier < 2; frontier++) {
        world w;
        nnsm_tile tile;
        nnsm_reweighted r;
        create(&w, frontier);
        assert_int_equal(nnsm_learned_tile_create(&tile, w.learned, NULL), NNSM_OK);
        assert_int_equal(nnsm_reweighted_create(&r, 640 * NNSM_TILE, TEMPERATURES, NULL), NNSM_OK);
        for (uint32_t k = 0; k < 640; k++) {
            int8_t s[NNSM_TILE * SITES];
            double energy[NNSM_TILE];
            nnsm_learned_sample(&tile, nnsm_rng_key_from_seed(76), k * NNSM_TILE, s);
            tile.methods->energy(tile.state, energy);
            for (size_t c = 0; c < NNSM_TILE; c++) {
                r.sample[k * NNSM_TILE + c][NNSM_REWEIGHTED_M] = magnetization_of(s + c * SITES);
                r.sample[k * NNSM_TILE + c][NNSM_REWEIGHTED_H] = energy[c];
            }
        }
        nnsm_reweighted_evaluate(&r, t0, temperature);
        for (size_t t = 0; t < TEMPERATURES; t++) {
            double sum = 0, m = 0, h = 0;
            for (uint32_t k = 0; k < STATES; k++) {
                int8_t s[SITES];
                double weight = exp(-w.hamiltonian[k] / temperature[t]);
                spell(k, s);
                sum += weight;
                m += weight * magnetization_of(s);
                h += weight * w.hamiltonian[k];
            }
            print_message("  T = %g: %.0f effective samples, |m| off by %.1f sigma, H by %.1f\n", temperature[t],
                          r.effective[t], (r.mean[t][NNSM_REWEIGHTED_M] - m / sum) / r.error[t][NNSM_REWEIGHTED_M],
                          (r.mean[t][NNSM_REWEIGHTED_H] - h / sum) / r.error[t][NNSM_REWEIGHTED_H]);
            assert_true(r.effective[t] >= NNSM_LEAST_EFFECTIVE);
            check_close(r.mean[t][NNSM_REWEIGHTED_M], m / sum, 4 * r.error[t][NNSM_REWEIGHTED_M]);
            check_close(r.mean[t][NNSM_REWEIGHTED_H], h / sum, 4 * r.error[t][NNSM_REWEIGHTED_H]);
        }
        nnsm_reweighted_destroy(&r);
        nnsm_tile_destroy(&tile);
        destroy(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sampler_reaches_the_learned_distribution),
        cmocka_unit_test(suffixes_are_always_accepted_at_the_data_s_temperature),
        cmocka_unit_test(prefixes_are_kept),
        cmocka_unit_test(reweighted_samples_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
