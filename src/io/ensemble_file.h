/* ensemble_file.h: ensembles on disk: /configurations int8 [n, L1, L2, ...], attributes temperature, values, chains,
 * and labels where the values are names. The file holds values, memory holds states (nnsm/alphabet.h). */
#ifndef NNSM_IO_ENSEMBLE_FILE_H
#define NNSM_IO_ENSEMBLE_FILE_H

#include "io/h5.h"
#include "nnsm/alphabet.h"

#define NNSM_ENSEMBLE_KIND "nnsm ensemble"

typedef struct {
    size_t configurations, sites;
    int dimensions;
    int extent[3];
    double temperature;
    int64_t chains;         /* interleaved independent chains; 1 where the file does not say */
    nnsm_alphabet alphabet; /* the attribute, or where there is none the values that occur */
} nnsm_ensemble_header;

/* Make the data set in an open file. */
void nnsm_ensemble_define(nnsm_h5 *h5, const nnsm_ensemble_header *header);

/* Write configurations from row `first` on; those beyond the ensemble's end are dropped. rows: in,
 * [count][sites] states. */
void nnsm_ensemble_write_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                              const int8_t *rows);

/* Check an open file's data set and attributes, before any memory is taken for it. */
void nnsm_ensemble_read_header(nnsm_h5 *h5, nnsm_ensemble_header *header);

/* How many configurations to read at a time, so that they take 16 MB or are one. */
size_t nnsm_ensemble_block(const nnsm_ensemble_header *header);

/* rows: out, [count][sites] states; a value that the alphabet does not have is an error. */
void nnsm_ensemble_read_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, int8_t *rows);

#endif
