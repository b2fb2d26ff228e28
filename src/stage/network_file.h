/* network_file.h: the whole network file: weights, training history, what is known of ensemble and model. Local. */
#ifndef NNSM_STAGE_NETWORK_FILE_H
#define NNSM_STAGE_NETWORK_FILE_H

#include "stage/system_file.h"
#include "stage/trained.h"

/* History as data sets below /training, with floor_nll as attribute; also used by the results file. */
void nnsm_history_write(nnsm_h5 *h5, const nnsm_history *history);

/* Configuration, seed, versions, machine, below /provenance. */
void nnsm_provenance_write(nnsm_h5 *h5, const nnsm_run *run);

/* checksum: out, of the file. */
nnsm_status nnsm_network_file_write(const nnsm_run *run, const nnsm_trained *trained, const char *path,
                                    int64_t *checksum, nnsm_error *error);

/* Read `path`, the run's own network: fills *trained, and of the run what is known from it: checksums of the network
 * and its ensemble, levels, windows, and lattice and model where the configuration has no `system`. The caller has
 * probed the file (io/probe.h). NNSM_DATA where it is damaged or contradicts the configuration. */
nnsm_status nnsm_network_file_read(nnsm_run *run, const char *path, nnsm_trained *trained, nnsm_error *error);

/* The same for another network, which the run takes nothing from; only a file of ours, with an intact seal. */
nnsm_status nnsm_network_file_read_apart(const char *path, nnsm_trained *trained, nnsm_error *error);

#endif
