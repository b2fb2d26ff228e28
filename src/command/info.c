/* info.c: what is in a file of ours, for a person; and --version, --help. */
#include <stdio.h>
#include <string.h>

#include "command/command.h"
#include "io/probe.h"
#include "nnsm/network.h"
#include "setup/provenance.h"
#include "stage/checkpoint.h"
#include "stage/couplings.h"
#include "stage/trust.h"

void nnsm_print_extent(int dimensions, const int *extent)
{
    for (int a = 0; a < dimensions; a++)
        (void)printf(a ? " x %d" : "%d", extent[a]);
}

static void print_dense(const nnsm_made *made)
{
    const nnsm_architecture *a = nnsm_made_architecture(made);
    (void)printf("hidden");
    for (size_t l = 0; l < a->layers; l++)
        (void)printf(" %zu", a->hidden[l]);
    (void)printf("%s, %s direct connections", a->layers ? "" : " none", a->direct ? "with" : "without");
}

static nnsm_status print_network(const char *path, nnsm_error *error)
{
    nnsm_network network;
    size_t count;
    nnsm_status status = nnsm_network_open(&network, path, error);
    if (status)
        return status;
    nnsm_network_shape shape = nnsm_network_shape_of(&network);
    (void)nnsm_network_parameters(&network, &count);
    (void)printf("%s: %s network on ", path, network.dense ? "dense" : "frontier");
    nnsm_print_extent(shape.dimensions, shape.extent);
    (void)printf(" %s sites, T0 = %g, ", shape.periodic ? "periodic" : "open", shape.temperature);
    if (network.dense)
        print_dense(network.dense);
    else
        (void)printf("reach %g, %zu units an output", nnsm_frontier_architecture_of(network.frontier)->reach,
                     nnsm_frontier_architecture_of(network.frontier)->units);
    char values[16 * NNSM_MAX_VALUES];
    nnsm_alphabet_text(&shape.alphabet, values, sizeof values);
    (void)printf(", %zu parameters, %s %s\n", count, shape.alphabet.labels ? "labels" : "values", values);
    nnsm_network_destroy(&network);
    return NNSM_OK;
}

static nnsm_status print_results(nnsm_h5 *h5)
{
    char name[256], commit[64], date[64];
    size_t sizes[NNSM_H5_RANK] = {0};
    nnsm_h5_get_text(h5, "/", "name", name, sizeof name);
    nnsm_h5_get_text(h5, "/provenance", "commit", commit, sizeof commit);
    nnsm_h5_get_text(h5, "/provenance", "date", date, sizeof date);
    (void)nnsm_h5_sizes(h5, "/scan/temperature", sizes);
    if (!h5->status)
        (void)printf("%s: results of %s, %zu temperatures%s, commit %s, %s\n", h5->path, name, sizes[0],
                     nnsm_h5_has(h5, "/scan/true") ? ", with the true model" : "", commit, date);
    if (nnsm_h5_has(h5, "/couplings"))
        nnsm_couplings_print(h5);
    if (!h5->status && nnsm_h5_has(h5, "/trust"))
        nnsm_trust_print(h5);
    return h5->status;
}

static void print_windows(nnsm_h5 *h5)
{
    nnsm_windowing w;
    char text[256], several[NNSM_WINDOWING_TEXT];
    nnsm_windowing_read(h5, &w);
    if (h5->status || !w.window.sites)
        return;
    nnsm_windowing_text(&w, text, sizeof text);
    (void)printf("  seen through windows of %s%s\n", text,
                 w.latent   ? "; these were undone"
                 : w.masked ? "; only sums that have a preimage are known"
                            : "");
    nnsm_windowing_several_text(&w, several, sizeof several);
    if (w.configurations)
        (void)printf("  of %lld configurations of sums %lld have no preimage, %s\n", (long long)w.configurations,
                     (long long)w.none, several);
}

nnsm_status nnsm_info_print(const char *path, bool look, nnsm_error *error)
{
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    char kind[64] = "";
    if (nnsm_h5_open(&h5, path, NNSM_H5_CHECKED, NULL, error) == NNSM_OK && nnsm_h5_has_attribute(&h5, "/", "kind"))
        nnsm_h5_get_text(&h5, "/", "kind", kind, sizeof kind);
    if (!h5.status && strcmp(kind, "nnsm results") == 0)
        (void)print_results(&h5);
    else if (!h5.status && strcmp(kind, "nnsm network") != 0 && strcmp(kind, "nnsm checkpoint") != 0)
        (void)nnsm_info_ensemble(&h5, look, error);
    if (!h5.status && strcmp(kind, "nnsm checkpoint") != 0)
        print_windows(&h5);
    nnsm_status status = nnsm_h5_finish(&h5);
    if (!status && strcmp(kind, "nnsm checkpoint") == 0)
        return nnsm_checkpoint_info(path, error);
    return !status && strcmp(kind, "nnsm network") == 0 ? print_network(path, error) : status;
}

nnsm_status nnsm_command_info(const char *path, nnsm_error *error)
{
    nnsm_status status = nnsm_probe(path, NULL, error);
    return status ? status : nnsm_info_print(path, true, error);
}

void nnsm_command_version(void)
{
    nnsm_provenance p;
    nnsm_provenance_collect(&p);
    (void)printf("nnsm %s, commit %s\n%s\n%s, core %s\nHDF5 %s\nlibconfig %s\n", p.version, p.commit, p.mpi, p.blas,
                 p.blas_core, p.hdf5, p.libconfig);
}

void nnsm_command_help(const char *topic)
{
    if (topic && strcmp(topic, "config") == 0) {
        nnsm_config_document(stdout);
        return;
    }
    (void)puts(
        "nnsm: learn the Hamiltonian of a system from configurations at one temperature, predict all others\n\n"
        "  nnsm run CONFIG [--set section.key=value ...]   generate, train, scan; under mpirun with any ranks\n"
        "  nnsm generate | train | scan CONFIG [--set ...] one stage, from and to files\n"
        "  nnsm window CONFIG [--set ...]                  block spins of an ensemble; overlapping windows undone\n"
        "    The same command goes on where a stopped or killed run left off; --fresh starts anew.\n"
        "  nnsm check CONFIG [--ranks n] [--set ...]       validate, print the plan, run nothing\n"
        "  nnsm bench CONFIG [--seconds s] [--set ...]     how fast the parts of such a run are here; also under "
        "mpirun\n"
        "  nnsm info FILE                                  what is in an ensemble, network or results file\n"
        "  nnsm --version | --help | --help config         versions; this; all configuration keys\n\n"
        "Exit codes: 0 done; 2 usage or configuration; 3 input data; 4 output, lock or run-time failure;\n"
        "85 stopped cleanly and unfinished: run the same command again.");
}
