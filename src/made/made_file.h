/* made_file.h: the network's part of a network file, for stages that add to it. Local. */
#ifndef NNSM_MADE_MADE_FILE_H
#define NNSM_MADE_MADE_FILE_H

#include "io/h5.h"
#include "nnsm/made.h"

#define NNSM_NETWORK_KIND "nnsm network"

/* Write architecture and weights into an open file; failures stay in h5. */
void nnsm_made_write(const nnsm_made *made, nnsm_h5 *h5);

/* Read them back from an open file of kind NNSM_NETWORK_KIND. The caller owns *out (NULL on failure). */
nnsm_status nnsm_made_read(nnsm_made **out, nnsm_h5 *h5);

#endif
