#include "stage/network_file.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/network_file.h"
#include "made/made_file.h"
#include "setup/provenance.h"

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

void nnsm_provenance_write(nnsm_h5 *h5, const nnsm_run *run)
{
    nnsm_provenance p;
    char text[NNSM_CONFIG_WRITTEN];
    nnsm_provenance_collect(&p);
    (void)nnsm_config_write(run->config, text, sizeof text);
    nnsm_h5_set_text(h5, "/provenance", "config", text);
    nnsm_h5_set_integer(h5, "/provenance", "seed", run->config->run.seed);
    nnsm_h5_set_integer(h5, "/provenance", "ranks", run->ranks);
    nnsm_h5_set_text(h5, "/provenance", "version", p.version);
    nnsm_h5_set_text(h5, "/provenance", "commit", p.commit);
    nnsm_h5_set_text(h5, "/provenance", "date", p.date);
    nnsm_h5_set_text(h5, "/provenance", "host", p.host);
    nnsm_h5_set_text(h5, "/provenance", "mpi", p.mpi);
    nnsm_h5_set_text(h5, "/provenance", "openblas", p.blas);
    nnsm_h5_set_text(h5, "/provenance", "openblas_core", p.blas_core);
    nnsm_h5_set_text(h5, "/provenance", "kernels_of_ranks", run->kernels);
    nnsm_h5_set_text(h5, "/provenance", "hdf5", p.hdf5);
    nnsm_h5_set_text(h5, "/provenance", "libconfig", p.libconfig);
}

nnsm_status nnsm_network_file_write(const nnsm_run *run, const nnsm_trained *trained, const char *path,
                                    int64_t *checksum, nnsm_error *error)
{
    nnsm_h5 h5;
    if (nnsm_h5_create(&h5, path, 0, error) == NNSM_OK) {
        nnsm_network_write(&trained->network, &h5);
        nnsm_history_write(&h5, &trained->history);
        nnsm_summary_write(&h5, &trained->summary);
        nnsm_reach_write(&h5, &trained->reach);
        nnsm_h5_set_integer(&h5, "/ensemble", "checksum", trained->ensemble);
        nnsm_system_write(&h5, run);
        nnsm_windowing_write(&h5, &run->windowing);
        nnsm_provenance_write(&h5, run);
    }
    nnsm_status status = nnsm_h5_finish(&h5);
    *checksum = (int64_t)h5.checksum;
    return status;
}

static nnsm_status adopt(nnsm_run *run, nnsm_h5 *h5, nnsm_network_shape a)
{
    bool stated = run->config && run->config->generate.given; /* no configuration: the file is only looked at */
    if (run->model_known && run->lattice.periodic != a.periodic)
        return nnsm_h5_fail(h5, "its lattice is %s; correct system.boundary", a.periodic ? "periodic" : "open");
    if (nnsm_system_adopt(h5, run, a.dimensions, a.extent, a.periodic))
        return h5->status;
    if (stated && a.temperature != run->config->generate.temperature)
        return nnsm_h5_fail(h5, "its temperature is %g, generate.temperature is %g; correct the configuration",
                            a.temperature, run->config->generate.temperature);
    if (run->model_known && !nnsm_alphabet_equal(&a.alphabet, &run->alphabet))
        return nnsm_h5_fail(h5, "the values of its sites are not those of the model; correct the configuration");
    run->alphabet = a.alphabet;
    return NNSM_OK;
}

static nnsm_status adopt_windows(nnsm_run *run, nnsm_h5 *h5)
{
    nnsm_windowing windowing;
    nnsm_error error;
    nnsm_windowing_read(h5, &windowing);
    if (!h5->status && nnsm_run_adopt_windows(run, &windowing, &error))
        return nnsm_h5_fail(h5, "%s", error.message);
    return h5->status;
}

/* What goes with a network that has been read from the file. */
static void read_rest(nnsm_h5 *h5, nnsm_trained *trained)
{
    read_history(h5, &trained->history);
    nnsm_summary_read(h5, &trained->summary);
    if (nnsm_h5_has_attribute(h5, "/ensemble", "checksum"))
        trained->ensemble = nnsm_h5_get_integer(h5, "/ensemble", "checksum");
    if (nnsm_h5_has_attribute(h5, "/provenance", "config"))
        nnsm_h5_get_text(h5, "/provenance", "config", trained->origin, sizeof trained->origin);
}

nnsm_status nnsm_network_file_read(nnsm_run *run, const char *path, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_h5 h5;
    *trained = (nnsm_trained){0};
    if (nnsm_h5_open(&h5, path, NNSM_H5_CHECK, NNSM_NETWORK_KIND, error) == NNSM_OK &&
        nnsm_network_read(&trained->network, &h5) == NNSM_OK && adopt_windows(run, &h5) == NNSM_OK &&
        adopt(run, &h5, nnsm_network_shape_of(&trained->network)) == NNSM_OK)
        read_rest(&h5, trained);
    run->levels = trained->summary.levels;
    run->trained_on = trained->ensemble;
    run->network = (int64_t)h5.checksum;
    return nnsm_h5_finish(&h5);
}

nnsm_status nnsm_network_file_read_apart(const char *path, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_h5 h5;
    *trained = (nnsm_trained){0};
    if (nnsm_h5_open(&h5, path, NNSM_H5_OWN, NNSM_NETWORK_KIND, error) == NNSM_OK &&
        nnsm_network_read(&trained->network, &h5) == NNSM_OK)
        read_rest(&h5, trained);
    return nnsm_h5_finish(&h5);
}
