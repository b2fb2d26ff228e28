/* network_file.h: a network of any kind in an open network file, for stages that add to it. Local. */
#ifndef NNSM_HAMILTONIAN_NETWORK_FILE_H
#define NNSM_HAMILTONIAN_NETWORK_FILE_H

#include "io/h5.h"
#include "nnsm/network.h"

/* Write architecture and weights into an open file; failures stay in h5. */
void nnsm_network_write(const nnsm_network *network, nnsm_h5 *h5);

/* Read them back from an open file of kind NNSM_NETWORK_KIND. The caller owns *out (zeroed on failure). */
nnsm_status nnsm_network_read(nnsm_network *out, nnsm_h5 *h5);

#endif
