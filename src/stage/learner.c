#include "stage/learner.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/kernels.h"

/* Draws of a Newton step, and of the one whose Hessian is frozen, unless the whole training is short. */
static const double newton_draws = 8192, freeze_draws = 65536;
/* A Newton step that began with less noise than this ends at the solution, as far as its draws can tell. */
static const double converged_noise = 10;
enum { MOST_NEWTON_STEPS = 20, FORESEEN_NEWTON_STEPS = 4 };
/* Floats: of a piece at least; pieces begin on cache lines. */
enum { LEAST_PIECE = 1 << 15, PIECE_GRAIN = 16 };

/* ---- creation */

static nnsm_status create_frontier(nnsm_learner *l, nnsm_error *error)
{
    nnsm_frontier_layout *layout = &l->layout;
    nnsm_status status = nnsm_frontier_layout_create(layout, l->network->frontier, error);
    if (status)
        return status;
    l->count[NNSM_VECTOR_PARAMETERS] = layout->parameters[layout->fits];
    l->count[NNSM_VECTOR_MEMORY_1] = layout->factor[layout->fits];
    l->count[NNSM_VECTOR_MEMORY_2] = l->count[NNSM_VECTOR_HESSIAN] = layout->hessian[layout->fits];
    l->count[NNSM_VECTOR_GRADIENT] = layout->gradient[layout->fits];
    for (int v = 0; v < NNSM_VECTORS; v++)
        if (l->count[v] > INT_MAX) /* the counts of MPI messages */
            return nnsm_fail(error, NNSM_USAGE,
                             "network: training it takes vectors of %zu numbers, more than 2^31: take fewer units, a "
                             "network.horizon, or translation in train.augment, which lets outputs share fits",
                             l->count[v]);
    return NNSM_NEW(&l->parameters, l->count[NNSM_VECTOR_PARAMETERS], "training", error);
}

nnsm_status nnsm_learner_create(nnsm_learner *learner, nnsm_network *network, const nnsm_config *config, double draws,
                                nnsm_error *error)
{
    nnsm_learner *l = learner;
    nnsm_status status = NNSM_OK;
    *l = (nnsm_learner){.network = network, .config = config, .draws = draws};
    if (network->dense) {
        size_t count;
        l->parameters = nnsm_made_parameters(network->dense, &count);
        for (int v = 0; v < NNSM_VECTORS; v++)
            l->count[v] = count;
    } else
        status = create_frontier(l, error);
    for (int m = 0; m < 2 && !status; m++)
        status = NNSM_NEW(&l->memory[m], l->count[NNSM_VECTOR_MEMORY_1 + m], "optimiser", error);
    return status;
}

void nnsm_learner_destroy(nnsm_learner *learner)
{
    nnsm_learner *l = learner;
    if (l->network && !l->network->dense)
        nnsm_release(l->parameters);
    nnsm_release(l->memory[0]);
    nnsm_release(l->memory[1]);
    nnsm_frontier_layout_destroy(&l->layout);
    *l = (nnsm_learner){0};
}

static const size_t *offsets_of(const nnsm_learner *l, nnsm_vector vector)
{
    switch (vector) {
    case NNSM_VECTOR_PARAMETERS:
        return l->layout.parameters;
    case NNSM_VECTOR_MEMORY_1:
        return l->layout.factor;
    case NNSM_VECTOR_GRADIENT:
        return l->layout.gradient;
    default:
        return l->layout.hessian;
    }
}

/* Fits are shared out by the size of their factors, which is what a step of theirs costs. */
bool nnsm_learner_cut(const nnsm_learner *learner, nnsm_vector vector, int ranks, size_t *starts)
{
    const nnsm_learner *l = learner;
    size_t fits = l->layout.fits, f = 0;
    if (l->network->dense)
        return false;
    const size_t *at = offsets_of(l, vector), *cost = l->layout.factor;
    for (int q = 0; q < ranks; q++) {
        while (f < fits && (double)(cost[f] + cost[f + 1]) * ranks < 2.0 * q * (double)cost[fits])
            f++;
        starts[q] = at[f];
    }
    starts[ranks] = at[fits];
    return true;
}

/* ---- sums */

/* Weights in equal pieces that are worth messages of their own; the biases, known at last, are another. */
size_t nnsm_learner_pieces(const nnsm_learner *learner, size_t *starts)
{
    starts[0] = 0;
    if (!learner->network->dense)
        return 1;
    size_t weights = nnsm_made_first_bias(learner->network->dense), pieces = weights / LEAST_PIECE;
    if (pieces < 2)
        return 1;
    pieces = pieces < NNSM_MOST_PIECES - 1 ? pieces : NNSM_MOST_PIECES - 1;
    for (size_t k = 1; k < pieces; k++)
        starts[k] = weights / PIECE_GRAIN * k / pieces * PIECE_GRAIN;
    starts[pieces] = weights;
    return pieces + 1;
}

nnsm_vector nnsm_learner_wants(const nnsm_learner *learner)
{
    return learner->network->dense || learner->phase == NNSM_PHASE_AVERAGE ? NNSM_VECTOR_GRADIENT : NNSM_VECTOR_HESSIAN;
}

double nnsm_learner_sum(const nnsm_learner *learner, nnsm_network_workspace *workspace, const int8_t *configurations,
                        size_t count, float *sums, const nnsm_listener *listener)
{
    const nnsm_learner *l = learner;
    if (l->network->dense)
        return nnsm_made_gradient_by_layers(l->network->dense, workspace->dense, configurations, count, sums, listener);
    nnsm_fit_sums kind = l->phase == NNSM_PHASE_SIGNS     ? NNSM_FIT_SIGNS
                         : l->phase == NNSM_PHASE_MOMENTS ? NNSM_FIT_MOMENTS
                         : l->phase == NNSM_PHASE_AVERAGE ? NNSM_FIT_GRADIENT
                                                          : NNSM_FIT_HESSIAN;
    double sum = nnsm_frontier_sums(l->network->frontier, &l->layout, workspace->frontier, kind, l->parameters,
                                    configurations, count, sums);
    if (listener)
        listener->tell(listener->context, 0, l->count[nnsm_learner_wants(l)]);
    return sum;
}

/* ---- steps */

static void step_dense(nnsm_learner *l, const float *sums, size_t first, size_t end, double draws, uint64_t step,
                       double rate)
{
    double correction_1 = 1 - pow(0.9, (double)(step + 1)), correction_2 = 1 - pow(0.999, (double)(step + 1));
    nnsm_kernel_adam(l->parameters + first, l->memory[0] + first, l->memory[1] + first, sums, end - first,
                     1.f / (float)draws, (float)(rate / correction_1), (float)(1 / sqrt(correction_2)));
}

/* Draws that a phase waits for, of those of the whole training. */
static double phase_draws(uint64_t phase, double draws)
{
    return phase == NNSM_PHASE_FREEZE ? fmin(freeze_draws, draws / 4) : fmin(newton_draws, draws / 32);
}

static double needed(const nnsm_learner *l)
{
    return phase_draws(l->phase, l->draws);
}

double nnsm_learner_hessian_draws(const nnsm_config *config, double draws)
{
    double batch = (double)config->train.batch;
    if (config->network.kind != NNSM_CONFIG_FRONTIER)
        return 0;
    double newton = ceil(phase_draws(NNSM_PHASE_NEWTON, draws) / batch) * batch;
    double freeze = ceil(phase_draws(NNSM_PHASE_FREEZE, draws) / batch) * batch;
    return fmin(draws, FORESEEN_NEWTON_STEPS * newton + freeze);
}

/* Draws that the start of the average counts for: half of what it was made of. Its noise would allow for all of them,
 * but it has a bias, too, of second order in the few draws that its Newton steps saw: couplings as a whole come out too
 * small. Twice as many, and the energy of a 6 x 6 network lay 0.0018 a site above that of its data instead of 0.0010,
 * whatever the number of configurations, ridge or batch (328 thousand draws; test_learner). */
static double start_draws(const nnsm_learner *l)
{
    return fmin(freeze_draws, l->draws / 4) / 2;
}

static nnsm_status step_fit(nnsm_learner *l, size_t f, const float *sums, double draws, double *noise,
                            nnsm_error *error)
{
    const nnsm_frontier_layout *at = &l->layout;
    const nnsm_fit *fit = nnsm_frontier_look(l->network->frontier, f);
    const nnsm_fit_options options = {nnsm_frontier_architecture_of(l->network->frontier)->odd,
                                      l->config->network.ridge};
    float *parameters = l->parameters + at->parameters[f], *factor = l->memory[0] + at->factor[f];
    float *memory = l->memory[1] + at->hessian[f];
    size_t floats = at->hessian[f + 1] - at->hessian[f];
    double all = (double)l->gathered + draws, own = 0;
    nnsm_status status = NNSM_OK;
    if (l->phase == NNSM_PHASE_AVERAGE)
        return nnsm_fit_average(fit, &options, sums, draws, draws / (all + start_draws(l)), factor, parameters, error);
    for (size_t i = 0; i < floats; i++)
        memory[i] += sums[i];
    if (all < needed(l))
        return NNSM_OK;
    if (l->phase == NNSM_PHASE_SIGNS)
        nnsm_fit_orient(fit, memory, all, parameters);
    else if (l->phase == NNSM_PHASE_MOMENTS)
        nnsm_fit_standardize(fit, memory, all, parameters);
    else
        status = nnsm_fit_newton(fit, &options, memory, all, parameters, factor, &own, error);
    *noise = fmax(*noise, own);
    memset(memory, 0, floats * sizeof *memory);
    return status;
}

nnsm_status nnsm_learner_step(nnsm_learner *learner, const float *sums, size_t first, size_t end, double draws,
                              uint64_t step, double rate, double *noise, nnsm_error *error)
{
    nnsm_learner *l = learner;
    nnsm_status status = NNSM_OK;
    *noise = 0;
    if (l->network->dense) {
        step_dense(l, sums, first, end, draws, step, rate);
        return NNSM_OK;
    }
    const size_t *at = offsets_of(l, nnsm_learner_wants(l));
    size_t begin = SIZE_MAX;
    for (size_t f = 0; f < l->layout.fits && !status; f++) {
        if (l->layout.parameters[f] < first || l->layout.parameters[f] >= end)
            continue;
        begin = begin == SIZE_MAX ? at[f] : begin;
        status = step_fit(l, f, sums + (at[f] - begin), draws, noise, error);
    }
    return status;
}

void nnsm_learner_advance(nnsm_learner *learner, double draws, double noise)
{
    nnsm_learner *l = learner;
    if (l->network->dense)
        return;
    l->gathered += (uint64_t)draws;
    if (l->phase == NNSM_PHASE_AVERAGE || (double)l->gathered < needed(l))
        return;
    l->gathered = 0;
    if (l->phase != NNSM_PHASE_NEWTON)
        l->phase++;
    else if (++l->newton == MOST_NEWTON_STEPS || noise < converged_noise)
        l->phase = NNSM_PHASE_FREEZE;
}

void nnsm_learner_publish(nnsm_learner *learner)
{
    if (learner->network->frontier)
        nnsm_frontier_apply(learner->network->frontier, &learner->layout, learner->parameters);
}
