/* ensemble_file.h: ensembles on disk: /configurations [n, L1, L2, ...], attributes temperature, values, chains, and
 * labels where the values are names. The file holds values, memory holds states (nnsm/alphabet.h).
 *
 * We write int8, contiguous. We read integers, enumerations (h5py's booleans) and bit fields of up to 64 bits, signed
 * or not, of either byte order, in chunks and through filters; floating-point numbers only as levels
 * (base/levels.h). Numbers arrive in memory as the file has them, so that HDF5 converts, clips and rounds nothing
 * behind our back. Only the data set and a temperature (there or at the root) must be there. All functions are local.
 */
#ifndef NNSM_IO_ENSEMBLE_FILE_H
#define NNSM_IO_ENSEMBLE_FILE_H

#include "base/levels.h"
#include "io/h5.h"
#include "nnsm/alphabet.h"

#define NNSM_ENSEMBLE_KIND "nnsm ensemble"
#define NNSM_ENSEMBLE_SET "/configurations"

typedef struct {
    size_t configurations, sites;
    int dimensions;
    int extent[3];
    double temperature;
    int64_t chains;         /* interleaved independent chains; 1 where the file does not say */
    nnsm_alphabet alphabet; /* the attribute, or where there is none the values that occur; that of the levels */
    nnsm_levels levels;     /* count > 0: values become levels */
    size_t chunk;           /* configurations that HDF5 can only read together; 1 where it does not matter */
    bool real;              /* the file has floating-point numbers */
    bool periodic;          /* attribute boundary, "periodic" (also where there is none) or "open" */
} nnsm_ensemble_header;

/* ---- writing */

/* Make the data set in an open file, without its rows (io/ensemble_rows.h). */
void nnsm_ensemble_define(nnsm_h5 *h5, const nnsm_ensemble_header *header);

/* Bytes of a value in a file of ours, int8 where the values fit, else int32; and of all configurations. */
size_t nnsm_ensemble_width(const nnsm_alphabet *alphabet);
size_t nnsm_ensemble_bytes(const nnsm_ensemble_header *header);

/* ---- reading */

/* Check an open file's data set and attributes, before any memory is taken for it; everything but the alphabet. */
void nnsm_ensemble_read_shape(nnsm_h5 *h5, nnsm_ensemble_header *header);

/* The alphabet that the file declares; count = 0 where it does not. Floating-point numbers are refused. */
void nnsm_ensemble_read_alphabet(nnsm_h5 *h5, nnsm_ensemble_header *header);

/* Different values of some data, as far as an alphabet can have them. */
typedef struct {
    int64_t count; /* NNSM_MAX_VALUES + 1: more than an alphabet can have */
    int64_t value[NNSM_MAX_VALUES];
} nnsm_occurring;

/* Add the values that occur in rows to those found before; values: in, [count]. */
void nnsm_ensemble_find(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                        nnsm_occurring *found);
void nnsm_occurring_add(nnsm_occurring *found, size_t count, const int64_t *values);

/* The values that occur become the alphabet; a file with one value, or too many, is refused with advice. */
void nnsm_ensemble_adopt(nnsm_h5 *h5, nnsm_ensemble_header *header, const nnsm_occurring *found);

/* How many configurations to read at a time, so that their states take so many bytes or are one chunk. */
enum { NNSM_ENSEMBLE_BLOCK = 1 << 20 };
size_t nnsm_ensemble_block(const nnsm_ensemble_header *header);

/* rows: out, [count][sites] states; a value that the alphabet does not have, or that is no number, is an error. */
void nnsm_ensemble_read_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, int8_t *rows);

/* Values of rows, piece by piece: `whole` for integers, else `real`; [count][sites]. NaN and infinities are refused. */
typedef void nnsm_value_user(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                             const int64_t *whole, const double *real, void *context);
void nnsm_ensemble_pass(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                        nnsm_value_user *use, void *context);

/* Select rows of the file's data space; returns the selection's own space, of the same rank, or HDF5 copies site by
 * site. To be closed. */
hid_t nnsm_ensemble_select(const nnsm_ensemble_header *header, hid_t space, size_t first, size_t count);

#endif
