/* ensemble_file.h: ensembles on disk: /configurations int8 [n, L1, L2, ...], attributes temperature, values, chains. */
#ifndef NNSM_IO_ENSEMBLE_FILE_H
#define NNSM_IO_ENSEMBLE_FILE_H

#include "io/h5.h"

#define NNSM_ENSEMBLE_KIND "nnsm ensemble"

typedef struct {
    size_t configurations, sites;
    int dimensions;
    int extent[3];
    double temperature;
    int64_t chains; /* interleaved independent chains; 1 where the file does not say */
} nnsm_ensemble_header;

/* Make the data set in an open parallel file. Collective. */
void nnsm_ensemble_define(nnsm_h5 *h5, const nnsm_ensemble_header *header);

/* Write blocks of `block` configurations that start at row first, first + stride, ...; rows beyond the ensemble's end
 * are dropped. rows: in, [blocks][block][sites]. blocks may be 0 on a rank that has nothing. Collective. */
void nnsm_ensemble_write_blocks(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t stride,
                                size_t blocks, size_t block, const int8_t *rows);

/* Check an open file's data set and attributes, before any memory is taken for it. */
void nnsm_ensemble_read_header(nnsm_h5 *h5, nnsm_ensemble_header *header);

/* rows: out, [count][sites], checked to be -1 or +1. */
void nnsm_ensemble_read_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, int8_t *rows);

#endif
