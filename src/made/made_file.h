/* made_file.h: the network's part of a network file, for stages that add to it. Local. */
#ifndef NNSM_MADE_MADE_FILE_H
#define NNSM_MADE_MADE_FILE_H

#include "io/h5.h"
#include "nnsm/made.h"

#define NNSM_NETWORK_KIND "nnsm network"

/* Versions of network files. Frontier networks before 5 shared fits among outputs otherwise: they are not read. */
enum {
    NNSM_NETWORK_SPINS = 1,  /* dense, two values a site */
    NNSM_NETWORK_STATES = 2, /* dense, more of them */
    NNSM_NETWORK_MASKED = 4, /* dense, only sums that windows can have */
    NNSM_NETWORK_FRONTIER = 5
};

/* What all network kinds write and read: attributes of the root. extent: [NNSM_MAX_DIMENSIONS]. */
void nnsm_made_write_lattice(nnsm_h5 *h5, const char *network, double temperature, int dimensions, const int *extent,
                             bool periodic, const nnsm_alphabet *alphabet, int version);
void nnsm_made_read_lattice(nnsm_h5 *h5, double *temperature, int *dimensions, int *extent, bool *periodic,
                            nnsm_alphabet *alphabet);
void nnsm_made_write_order(nnsm_h5 *h5, nnsm_order order, uint64_t seed);
nnsm_order nnsm_made_read_order(nnsm_h5 *h5, uint64_t *seed);

/* Write architecture and weights into an open file; failures stay in h5. */
void nnsm_made_write(const nnsm_made *made, nnsm_h5 *h5);

/* Read them back from an open file of kind NNSM_NETWORK_KIND. The caller owns *out (NULL on failure). */
nnsm_status nnsm_made_read(nnsm_made **out, nnsm_h5 *h5);

#endif
