/* probe.c: read everything in a file that we would read, in a process that may crash (setup/probe.h). */
#include "base/memory.h"
#include "command/command.h"
#include "io/ensemble_file.h"
#include "nnsm/network.h"

static void read_all(nnsm_h5 *h5)
{
    enum { BLOCK = 1024 };
    nnsm_ensemble_header header;
    int8_t *rows = NULL;
    nnsm_ensemble_read_header(h5, &header);
    if (h5->status || NNSM_NEW(&rows, BLOCK * header.sites, "probe", h5->error))
        return;
    for (size_t first = 0; first < header.configurations && !h5->status; first += BLOCK) {
        size_t left = header.configurations - first;
        nnsm_ensemble_read_rows(h5, &header, first, left < BLOCK ? left : BLOCK, rows);
    }
    nnsm_release(rows);
}

nnsm_status nnsm_command_probe(const char *path, nnsm_error *error)
{
    nnsm_h5 h5;
    nnsm_network network;
    if (nnsm_h5_open(&h5, path, NNSM_H5_CHECK, NULL, error) == NNSM_OK && nnsm_h5_has(&h5, "/configurations")) {
        read_all(&h5);
        return nnsm_h5_finish(&h5);
    }
    (void)nnsm_h5_finish(&h5);
    nnsm_status status = nnsm_network_open(&network, path, error);
    nnsm_network_destroy(&network);
    return status;
}
