/* nnsm/network.h: a network of any kind: what scans, trainers and files need to know of it.
 *
 * Kinds: the dense MADE (nnsm/made.h) and the frontier network (nnsm/frontier.h). Both take the sites
 * in an order, have logits of a site that depend on earlier sites only, and so a normalised p; H(s) = -T0 log p(s).
 * Local. */
#ifndef NNSM_NETWORK_H
#define NNSM_NETWORK_H

#include "nnsm/frontier.h"
#include "nnsm/hamiltonian.h"
#include "nnsm/made.h"

/* Exactly one member is there; both NULL: no network. Owned. */
typedef struct {
    nnsm_made *dense;
    nnsm_frontier *frontier;
} nnsm_network;

/* Accepts a zeroed network, and zeroes it. */
void nnsm_network_destroy(nnsm_network *network);

typedef struct {
    int dimensions;
    int extent[NNSM_MAX_DIMENSIONS]; /* unused entries are 1 */
    bool periodic;
    size_t sites;
    double temperature; /* T0 */
    nnsm_alphabet alphabet;
} nnsm_network_shape;

nnsm_network_shape nnsm_network_shape_of(const nnsm_network *network);

/* All fitted weights as one vector of *count floats, borrowed; the layout is fixed by the architecture. */
float *nnsm_network_parameters(nnsm_network *network, size_t *count);

/* Scratch for batches of up to `rows` configurations. */
typedef struct {
    nnsm_made_workspace *dense;
    nnsm_frontier_workspace *frontier;
} nnsm_network_workspace;

nnsm_status nnsm_network_workspace_create(nnsm_network_workspace *out, const nnsm_network *network, size_t rows,
                                          nnsm_error *error);
void nnsm_network_workspace_destroy(nnsm_network_workspace *workspace);

/* log p of each configuration. configurations: in, [count][sites], states; count at most the workspace's rows. */
void nnsm_network_log_probability(const nnsm_network *network, nnsm_network_workspace *workspace,
                                  const int8_t *configurations, size_t count, double *log_probability);

/* H = -T0 log p for tiles; the network is borrowed and must not change. */
nnsm_status nnsm_network_learned(nnsm_learned **out, const nnsm_network *network, nnsm_error *error);

/* Network file (HDF5, see README): write to a temporary name and rename; read with every size checked.
 * Errors: NNSM_FAILURE (cannot write), NNSM_DATA (missing, foreign or damaged file). */
nnsm_status nnsm_network_save(const nnsm_network *network, const char *path, nnsm_error *error);
nnsm_status nnsm_network_open(nnsm_network *out, const char *path, nnsm_error *error);

#endif
