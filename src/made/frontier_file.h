/* frontier_file.h: a frontier network's part of a network file. Local. */
#ifndef NNSM_MADE_FRONTIER_FILE_H
#define NNSM_MADE_FRONTIER_FILE_H

#include "io/h5.h"
#include "nnsm/frontier.h"

/* Write architecture, units and weights into an open file; failures stay in h5. */
void nnsm_frontier_write(nnsm_frontier *frontier, nnsm_h5 *h5);

/* Read them back. The caller owns *out (NULL on failure). */
nnsm_status nnsm_frontier_read(nnsm_frontier **out, nnsm_h5 *h5);

#endif
