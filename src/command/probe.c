/* probe.c: read everything in a file that we would read, in a process that may crash (io/probe.h). */
#include "command/command.h"
#include "io/ensemble_file.h"
#include "stage/network_file.h"

/* A nnsm_value_user: to have read them is enough. */
static void drop(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, const int64_t *whole,
                 const double *real, void *context)
{
    (void)h5, (void)header, (void)first, (void)count, (void)whole, (void)real, (void)context;
}

static void read_ensemble(nnsm_h5 *h5, nnsm_run *run)
{
    nnsm_ensemble_header header;
    nnsm_ensemble_read_shape(h5, &header);
    if (!header.real)
        nnsm_ensemble_read_alphabet(h5, &header);
    if (h5->status || nnsm_system_adopt(h5, run, header.dimensions, header.extent, header.periodic))
        return;
    nnsm_ensemble_pass(h5, &header, 0, header.configurations, drop, NULL);
}

nnsm_status nnsm_command_probe(const char *path, nnsm_error *error)
{
    nnsm_h5 h5;
    nnsm_run run = {0};
    nnsm_trained trained = {0};
    (void)nnsm_info_print(path, false, error);
    bool ensemble =
        nnsm_h5_open(&h5, path, NNSM_H5_CHECKED, NULL, error) == NNSM_OK && nnsm_h5_has(&h5, "/configurations");
    if (ensemble)
        read_ensemble(&h5, &run);
    nnsm_status status = nnsm_h5_finish(&h5);
    if (!ensemble)
        status = nnsm_network_file_read(&run, path, &trained, error);
    nnsm_trained_destroy(&trained);
    nnsm_run_forget_windows(&run);
    nnsm_model_destroy(&run.model);
    nnsm_lattice_destroy(&run.lattice);
    return status;
}
