/* ensemble_values.h: what ensemble_values.c and ensemble_read.c share. Private to them. */
#ifndef NNSM_IO_ENSEMBLE_VALUES_H
#define NNSM_IO_ENSEMBLE_VALUES_H

#include "io/ensemble_file.h"

enum { NNSM_ENSEMBLE_CACHE = 256 << 20 }; /* most bytes of chunks that are kept */

/* Look at the type and the storage of the data set: header->real and ->chunk. False, with the failure recorded, where
 * it holds no numbers that can be read. */
bool nnsm_ensemble_numbers(nnsm_h5 *h5, nnsm_ensemble_header *header);

#endif
