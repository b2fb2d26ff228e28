#include "stage/network_file.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/made_file.h"

void nnsm_history_write(nnsm_h5 *h5, const nnsm_history *history)
{
    size_t n = history->epochs;
    double *epoch = NULL;
    nnsm_error error;
    if (!n)
        return;
    if (NNSM_NEW(&epoch, n, "training history", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
        return;
    }
    for (size_t e = 0; e < n; e++)
        epoch[e] = (double)(e + 1);
    nnsm_h5_write_doubles(h5, "/training/epoch", 1, &n, epoch, "1", "epoch");
    nnsm_h5_write_doubles(h5, "/training/train_nll", 1, &n, history->train_nll, "nats a configuration",
                          "mean -log p over the epoch's training batches, as they were trained");
    nnsm_h5_write_doubles(h5, "/training/validation_nll", 1, &n, history->validation_nll, "nats a configuration",
                          "mean -log p over the held-out configurations after the epoch");
    if (!isnan(history->floor)) {
        nnsm_h5_write_doubles(h5, "/training/kl", 1, &n, history->kl, "nats a configuration",
                              "mean log p_true - log p over the held-out configurations");
        nnsm_h5_set_double(h5, "/training", "floor_nll", history->floor);
    }
    nnsm_h5_write_doubles(h5, "/training/learning_rate", 1, &n, history->learning_rate, "1",
                          "learning rate at the start of the epoch");
    nnsm_h5_write_doubles(h5, "/training/seconds", 1, &n, history->seconds, "s", "wall time of the epoch");
    nnsm_release(epoch);
}

static void read_history(nnsm_h5 *h5, nnsm_history *history)
{
    size_t sizes[NNSM_H5_RANK];
    nnsm_error error;
    *history = (nnsm_history){.floor = NAN};
    if (!nnsm_h5_has(h5, "/training/epoch") || !nnsm_h5_sizes(h5, "/training/epoch", sizes))
        return;
    if (sizes[0] > 10000000 || nnsm_history_create(history, sizes[0], &error)) {
        (void)nnsm_h5_fail(h5, "/training is too large");
        return;
    }
    history->epochs = sizes[0];
    nnsm_h5_read_doubles(h5, "/training/train_nll", sizes[0], history->train_nll);
    nnsm_h5_read_doubles(h5, "/training/validation_nll", sizes[0], history->validation_nll);
    nnsm_h5_read_doubles(h5, "/training/learning_rate", sizes[0], history->learning_rate);
    nnsm_h5_read_doubles(h5, "/training/seconds", sizes[0], history->seconds);
    if (nnsm_h5_has(h5, "/training/kl")) {
        nnsm_h5_read_doubles(h5, "/training/kl", sizes[0], history->kl);
        history->floor = nnsm_h5_get_double(h5, "/training", "floor_nll");
    }
}

void nnsm_system_write(nnsm_h5 *h5, const nnsm_run *run)
{
    int64_t extent[NNSM_MAX_DIMENSIONS];
    if (!run->model_known)
        return;
    for (int a = 0; a < run->lattice.dimensions; a++)
        extent[a] = run->lattice.extent[a];
    nnsm_h5_set_text(h5, "/system", "model", "ising");
    nnsm_h5_set_integers(h5, "/system", "lattice", (size_t)run->lattice.dimensions, extent);
    nnsm_h5_set_double(h5, "/system", "coupling", run->model.coupling);
    nnsm_h5_set_double(h5, "/system", "field", run->model.field);
    nnsm_h5_set_text(h5, "/system", "boundary", run->lattice.periodic ? "periodic" : "open");
}

nnsm_status nnsm_network_file_write(const nnsm_run *run, const nnsm_trained *trained, const char *path,
                                    int64_t *checksum, nnsm_error *error)
{
    nnsm_h5 h5;
    if (nnsm_h5_create(&h5, path, 0, error) == NNSM_OK) {
        nnsm_made_write(trained->made, &h5);
        nnsm_history_write(&h5, &trained->history);
        nnsm_summary_write(&h5, &trained->summary);
        nnsm_system_write(&h5, run);
    }
    nnsm_status status = nnsm_h5_finish(&h5);
    *checksum = (int64_t)h5.checksum;
    return status;
}

/* The lattice of the network becomes the run's; a `system` in the configuration must agree with it. */
static nnsm_status adopt_lattice(nnsm_run *run, nnsm_h5 *h5, const nnsm_architecture *a)
{
    nnsm_error error;
    char model[32];
    if (run->model_known) {
        if (run->lattice.dimensions != a->dimensions || memcmp(run->lattice.extent, a->extent, sizeof a->extent) != 0 ||
            run->lattice.periodic != a->periodic)
            return nnsm_h5_fail(h5, "its lattice is not the one of system.lattice in the configuration");
        return NNSM_OK;
    }
    if (nnsm_lattice_create(&run->lattice, a->dimensions, a->extent, a->periodic, &error))
        return nnsm_h5_fail(h5, "%s", error.message);
    if (!nnsm_h5_has(h5, "/system"))
        return h5->status;
    nnsm_h5_get_text(h5, "/system", "model", model, sizeof model);
    run->model = (nnsm_ising){&run->lattice, nnsm_h5_get_double(h5, "/system", "coupling"),
                              nnsm_h5_get_double(h5, "/system", "field")};
    run->model_known = strcmp(model, "ising") == 0;
    return h5->status;
}

nnsm_status nnsm_network_file_read(nnsm_run *run, const char *path, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_h5 h5;
    *trained = (nnsm_trained){0};
    if (nnsm_h5_open(&h5, path, NNSM_H5_CHECK, NNSM_NETWORK_KIND, error) == NNSM_OK &&
        nnsm_made_read(&trained->made, &h5) == NNSM_OK &&
        adopt_lattice(run, &h5, nnsm_made_architecture(trained->made)) == NNSM_OK) {
        read_history(&h5, &trained->history);
        nnsm_summary_read(&h5, &trained->summary);
    }
    run->network = (int64_t)h5.checksum;
    return nnsm_h5_finish(&h5);
}
