/* ensemble_cut.h: some configurations of an ensemble file as a file of its own, with all that the file says of itself.
 * Local. */
#ifndef NNSM_IO_ENSEMBLE_CUT_H
#define NNSM_IO_ENSEMBLE_CUT_H

#include <stddef.h>

#include "nnsm/error.h"

/* The caller has probed `from` (io/probe.h). About `count` configurations, in pieces that are spread evenly over the
 * file `from`, into the file `to`, whole or not at all; numbers and attributes as they are, without compression. there:
 * out, how many `from` has. NNSM_DATA where it cannot be read, NNSM_FAILURE where `to` cannot be written. */
nnsm_status nnsm_ensemble_cut(const char *from, const char *to, size_t count, size_t *there, nnsm_error *error);

#endif
