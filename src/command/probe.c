/* probe.c: read everything in a file that we would read, in a process that may crash (setup/probe.h). */
#include "base/memory.h"
#include "command/command.h"
#include "io/ensemble_file.h"
#include "stage/network_file.h"

static void read_ensemble(nnsm_h5 *h5, nnsm_run *run)
{
    nnsm_ensemble_header header;
    int8_t *rows = NULL;
    nnsm_ensemble_read_header(h5, &header);
    if (h5->status || nnsm_system_adopt(h5, run, header.dimensions, header.extent, true) ||
        NNSM_NEW(&rows, nnsm_ensemble_block(&header) * header.sites, "probe", h5->error))
        return;
    size_t block = nnsm_ensemble_block(&header);
    for (size_t first = 0; first < header.configurations && !h5->status; first += block) {
        size_t left = header.configurations - first;
        nnsm_ensemble_read_rows(h5, &header, first, left < block ? left : block, rows);
    }
    nnsm_release(rows);
}

nnsm_status nnsm_command_probe(const char *path, nnsm_error *error)
{
    nnsm_h5 h5;
    nnsm_run run = {0};
    nnsm_trained trained = {0};
    (void)nnsm_info_print(path, error);
    bool ensemble =
        nnsm_h5_open(&h5, path, NNSM_H5_CHECK, NULL, error) == NNSM_OK && nnsm_h5_has(&h5, "/configurations");
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
