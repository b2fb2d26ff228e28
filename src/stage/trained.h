/* trained.h: what training leaves: network, history, what is known of the ensemble. */
#ifndef NNSM_STAGE_TRAINED_H
#define NNSM_STAGE_TRAINED_H

#include "lattice/window.h"
#include "nnsm/network.h"
#include "stage/reach.h"
#include "stage/summary.h"

/* History of a training, one entry an epoch; NaN where a quantity is not known. Nats a configuration. */
typedef struct {
    size_t epochs; /* done */
    double floor;  /* entropy of the data's distribution where it is exactly known */
    double *train_nll, *validation_nll, *kl, *learning_rate, *seconds; /* [config epochs] */
} nnsm_history;

nnsm_status nnsm_history_create(nnsm_history *history, size_t epochs, nnsm_error *error);

/* Everything that training leaves, and that a scan needs; the same on all ranks. */
typedef struct {
    nnsm_network network;
    nnsm_history history;
    nnsm_summary summary;
    nnsm_reach_choice reach;          /* of a frontier network, where the data chose it */
    int64_t ensemble;                 /* checksum of the file it was trained on; 0: not known */
    char origin[NNSM_CONFIG_WRITTEN]; /* configuration of the run that made a network which was read; else empty */
} nnsm_trained;

void nnsm_trained_destroy(nnsm_trained *trained);

/* A fresh network of the configuration's kind; reach: of a frontier network; masked: windows
 * whose sums it works on, NULL: none. The caller owns it. Local. */
nnsm_status nnsm_network_create(nnsm_network *out, const nnsm_config *config, uint64_t seed, double reach,
                                const nnsm_lattice *lattice, const nnsm_alphabet *alphabet, const nnsm_window *masked,
                                double temperature, nnsm_error *error);

/* The seed of a member of an ensemble of networks; 0 is the run's own. Local. */
uint64_t nnsm_member_seed(const nnsm_config *config, size_t member);

/* A fresh network of the configuration and trained->reach for the run's lattice at temperature T0, the same on all
 * ranks, and an empty history. Collective on run->world. */
nnsm_status nnsm_trained_create(nnsm_run *run, size_t member, double temperature, nnsm_trained *trained,
                                nnsm_error *error);

/* How far training came, for nnsm_trained_conclude; see training.h. */
struct nnsm_training;

/* The end of the stage. All well: rank 0's weights and history to all ranks, the network file, a checkpoint. Diverged:
 * the last good network into a file of its own, named in the message. `status` is what training returned on all ranks,
 * and comes back. Collective on run->world. */
nnsm_status nnsm_trained_conclude(nnsm_run *run, nnsm_trained *trained, const struct nnsm_training *training,
                                  nnsm_status status, nnsm_error *error);

#endif
