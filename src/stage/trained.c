#include "stage/trained.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/network_file.h"
#include "stage/training.h"

nnsm_status nnsm_history_create(nnsm_history *history, size_t epochs, nnsm_error *error)
{
    *history = (nnsm_history){.floor = NAN};
    double **arrays[] = {&history->train_nll, &history->validation_nll, &history->kl, &history->learning_rate,
                         &history->seconds};
    nnsm_status status = NNSM_OK;
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i], epochs, "training history", error);
    return status;
}

static void nnsm_history_destroy(nnsm_history *history)
{
    nnsm_release(history->train_nll);
    nnsm_release(history->validation_nll);
    nnsm_release(history->kl);
    nnsm_release(history->learning_rate);
    nnsm_release(history->seconds);
    *history = (nnsm_history){0};
}

void nnsm_trained_destroy(nnsm_trained *trained)
{
    nnsm_network_destroy(&trained->network);
    nnsm_history_destroy(&trained->history);
    *trained = (nnsm_trained){0};
}

static nnsm_status create_dense(const nnsm_config *c, uint64_t seed, const nnsm_lattice *lattice,
                                const nnsm_alphabet *alphabet, const nnsm_window *masked, double temperature,
                                nnsm_made **out, nnsm_error *error)
{
    nnsm_architecture a = {.dimensions = lattice->dimensions,
                           .periodic = lattice->periodic,
                           .layers = (size_t)c->network.layers,
                           .direct = c->network.direct,
                           .activation = (nnsm_activation)c->network.activation,
                           .order = (nnsm_order)c->network.order,
                           .order_seed = (uint64_t)c->run.seed,
                           .temperature = temperature,
                           .alphabet = *alphabet};
    memcpy(a.extent, lattice->extent, sizeof a.extent);
    a.windows.given = masked != NULL;
    for (int i = 0; i < NNSM_MAX_DIMENSIONS && masked; i++) {
        a.windows.periodic = masked->periodic != 0;
        a.windows.size[i] = masked->size[i];
        a.windows.stride[i] = masked->stride[i];
    }
    for (size_t l = 0; l < a.layers; l++)
        a.hidden[l] = (size_t)c->network.hidden[l];
    nnsm_status status = nnsm_made_create(out, &a, error);
    if (!status)
        nnsm_made_initialize(*out, nnsm_rng_key_from_seed(seed));
    return status;
}

static nnsm_status create_frontier(const nnsm_config *c, uint64_t seed, double reach, const nnsm_lattice *lattice,
                                   const nnsm_alphabet *alphabet, double temperature, nnsm_frontier **out,
                                   nnsm_error *error)
{
    nnsm_frontier_architecture a = {.dimensions = lattice->dimensions,
                                    .periodic = lattice->periodic,
                                    .order = (nnsm_order)c->network.order,
                                    .order_seed = (uint64_t)c->run.seed,
                                    .reach = reach,
                                    .horizon = c->network.horizon,
                                    .units = (size_t)c->network.units,
                                    .seed = seed,
                                    .odd = c->train.spin_flip && alphabet->count == 2,
                                    .share = c->train.translation,
                                    .temperature = temperature,
                                    .alphabet = *alphabet};
    memcpy(a.extent, lattice->extent, sizeof a.extent);
    return nnsm_frontier_create(out, &a, error);
}

nnsm_status nnsm_network_create(nnsm_network *out, const nnsm_config *config, uint64_t seed, double reach,
                                const nnsm_lattice *lattice, const nnsm_alphabet *alphabet, const nnsm_window *masked,
                                double temperature, nnsm_error *error)
{
    *out = (nnsm_network){0};
    return config->network.kind == NNSM_CONFIG_DENSE
               ? create_dense(config, seed, lattice, alphabet, masked, temperature, &out->dense, error)
               : create_frontier(config, seed, reach, lattice, alphabet, temperature, &out->frontier, error);
}

uint64_t nnsm_member_seed(const nnsm_config *config, size_t member)
{
    return (uint64_t)config->run.seed + member * UINT64_C(0x9e3779b97f4a7c15); /* far from the seeds that users take */
}

nnsm_status nnsm_trained_create(nnsm_run *run, size_t member, double temperature, nnsm_trained *trained,
                                nnsm_error *error)
{
    nnsm_status status = nnsm_network_create(&trained->network, run->config, nnsm_member_seed(run->config, member),
                                             nnsm_reach_of(run->config, &trained->reach), &run->lattice, &run->alphabet,
                                             nnsm_windowing_masked(&run->windowing), temperature, error);
    if (!status)
        status = nnsm_history_create(&trained->history, (size_t)run->config->train.epochs, error);
    return nnsm_agree(run->world, status, error);
}

static nnsm_status save_last_good(nnsm_run *run, nnsm_trained *trained, const nnsm_training *training,
                                  nnsm_error *error)
{
    char path[NNSM_RUN_PATH], before[NNSM_MESSAGE_LENGTH];
    nnsm_error failure;
    nnsm_run_path(run, NNSM_FILE_LAST_GOOD, path);
    memcpy(before, error->message, sizeof before);
    if (run->rank == 0 && nnsm_network_file_write(run, trained, path, &(int64_t){0}, &failure) == NNSM_OK)
        (void)nnsm_fail(error, NNSM_FAILURE, "%.600s; the network after epoch %zu is in %.300s", before,
                        (size_t)training->good, path);
    return NNSM_FAILURE;
}

static void share(nnsm_run *run, nnsm_trained *trained)
{
    size_t count, epochs = (size_t)run->config->train.epochs;
    float *parameters = nnsm_network_parameters(&trained->network, &count);
    nnsm_history *h = &trained->history;
    uint64_t done = h->epochs;
    NNSM_MPI(MPI_Bcast(parameters, (int)count, MPI_FLOAT, 0, run->world));
    NNSM_MPI(MPI_Bcast(&done, 1, MPI_UINT64_T, 0, run->world));
    NNSM_MPI(MPI_Bcast(&h->floor, 1, MPI_DOUBLE, 0, run->world));
    h->epochs = done;
    double *arrays[] = {h->train_nll, h->validation_nll, h->kl, h->learning_rate, h->seconds};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        NNSM_MPI(MPI_Bcast(arrays[i], (int)epochs, MPI_DOUBLE, 0, run->world));
}

nnsm_status nnsm_trained_conclude(nnsm_run *run, nnsm_trained *trained, const struct nnsm_training *training,
                                  nnsm_status status, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    double seconds = 0;
    nnsm_state state;
    if (status && training->diverged && training->good)
        status = save_last_good(run, trained, training, error);
    if (status)
        return nnsm_agree(run->world, status, error);
    share(run, trained);
    trained->ensemble = run->trained_on = run->ensemble;
    nnsm_run_path(run, NNSM_FILE_NETWORK, path);
    if (run->rank == 0)
        status = nnsm_network_file_write(run, trained, path, &run->network, error);
    status = nnsm_agree(run->world, status, error);
    if (status)
        return status;
    for (size_t e = 0; e < trained->history.epochs; e++)
        seconds += trained->history.seconds[e];
    nnsm_say(&run->log, "train: %zu epochs, %.0f thousand configurations a second on all ranks",
             trained->history.epochs,
             1e-3 * (double)trained->summary.configurations * (1 - run->config->train.validation) *
                 (double)trained->history.epochs / seconds);
    size_t last = trained->history.epochs;
    if (last && trained->history.kl[last - 1] < -0.5)
        nnsm_warn(&run->log,
                  "the network is better than the true model could be (KL = %g): the data are not those of system at "
                  "this temperature",
                  trained->history.kl[last - 1]);
    NNSM_MPI(MPI_Bcast(&run->network, 1, MPI_INT64_T, 0, run->world));
    run->resume.step = (int64_t)training->step;
    (void)nnsm_checkpoint_begin(run, &state, NNSM_AT_SCAN, 0);
    return nnsm_checkpoint_end(run, &state, NNSM_CHECKPOINT, error);
}
