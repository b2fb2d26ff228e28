/* h5.h: HDF5 files written whole or not at all, and read with every size checked.
 *
 * A file is written under PATH.part, sealed with a checksum (io/seal.h), flushed to the disk and renamed, so that PATH
 * is never half-written. Calls after the first failure do nothing and the failure is returned by nnsm_h5_finish, so
 * that a writer reads as a list of contents. Intermediate groups are made as needed. Local: one rank writes, but for
 * what it leaves to others (io/ensemble_rows.h). */
#ifndef NNSM_IO_H5_H
#define NNSM_IO_H5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "io/h5_disk.h"
#include "nnsm/error.h"

enum { NNSM_H5_PATH = 4096, NNSM_H5_RANK = 8 };

typedef struct {
    hid_t file;
    bool writing;
    nnsm_status status;
    nnsm_error *error;  /* the caller's; filled at the first failure */
    uint64_t checksum;  /* of a file that was opened (checked) or finished */
    hid_t held;         /* a data set that is read in pieces, kept open for its chunk cache; 0: none */
    nnsm_h5_disk *disk; /* of a file that is written, until it is finished; NULL else */
    char path[NNSM_H5_PATH];
} nnsm_h5;

/* ---- files */

/* Is there a file? NNSM_DATA where that cannot be told: a file that is there must not pass for none. */
nnsm_status nnsm_h5_exists(const char *path, bool *there, nnsm_error *error);

/* Begin PATH.part, for about `bytes` bytes (0: few): that the directory can be written and has the room (quotas too) is
 * found out now. Missing directories are not made. */
nnsm_status nnsm_h5_create(nnsm_h5 *h5, const char *path, size_t bytes, nnsm_error *error);

/* Name of the file that a writer of PATH writes, before it is whole. part: out, of NNSM_H5_PATH + 8 bytes. */
void nnsm_h5_part_name(const char *path, char *part);

/* OWN: only a file of ours, with an intact seal. CHECK: one without a seal is opened too; somebody else made it, and
 * the caller has probed it (io/probe.h). CHECKED: as CHECK, but somebody has just looked at the
 * seal, and h5.checksum is 0. */
typedef enum { NNSM_H5_OWN, NNSM_H5_CHECK, NNSM_H5_CHECKED } nnsm_h5_trust;

/* Open for reading and check that the root attribute `kind` is the expected one (NULL: anything). NNSM_DATA for what is
 * missing, torn, damaged or of another kind. */
nnsm_status nnsm_h5_open(nnsm_h5 *h5, const char *path, nnsm_h5_trust trust, const char *kind, nnsm_error *error);

/* Write what HDF5 has of a file, and close it there; others may still write what was left to them, and only
 * nnsm_h5_finish may follow, which else does the same first. */
void nnsm_h5_settle(nnsm_h5 *h5);

/* Close; for writers: flush to disk and rename, or remove the part file when something failed. Returns the status of
 * everything since create or open. Safe to call on an h5 whose create or open failed. */
nnsm_status nnsm_h5_finish(nnsm_h5 *h5);

/* Record a failure found by the caller (a value that makes no sense); the status is NNSM_DATA or NNSM_FAILURE. */
nnsm_status nnsm_h5_fail(nnsm_h5 *h5, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- writing */

/* A whole data set of doubles, with its unit and a description. sizes: [rank]. */
void nnsm_h5_write_doubles(nnsm_h5 *h5, const char *name, int rank, const size_t *sizes, const double *values,
                           const char *units, const char *description);
void nnsm_h5_write_floats(nnsm_h5 *h5, const char *name, int rank, const size_t *sizes, const float *values,
                          const char *units, const char *description);
/* Texts of at most `width` bytes, padded with NUL. texts: in, [count][width]. */
void nnsm_h5_write_texts(nnsm_h5 *h5, const char *name, size_t count, size_t width, const char *texts,
                         const char *description);
/* Attributes of an object (a group is created if it does not exist). */
void nnsm_h5_set_text(nnsm_h5 *h5, const char *object, const char *name, const char *value);
void nnsm_h5_set_doubles(nnsm_h5 *h5, const char *object, const char *name, size_t count, const double *values);
void nnsm_h5_set_double(nnsm_h5 *h5, const char *object, const char *name, double value);
void nnsm_h5_set_integers(nnsm_h5 *h5, const char *object, const char *name, size_t count, const int64_t *values);
void nnsm_h5_set_integer(nnsm_h5 *h5, const char *object, const char *name, int64_t value);

/* ---- data sets in pieces: made first, then written or read span by span; type is that of `values` */

typedef enum { NNSM_H5_BYTES, NNSM_H5_FLOATS, NNSM_H5_DOUBLES, NNSM_H5_INTEGERS /* 64 bits */ } nnsm_h5_type;
size_t nnsm_h5_type_size(nnsm_h5_type type);
void nnsm_h5_span_define(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t count);
void nnsm_h5_span_write(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t first, size_t count,
                        const void *values);
void nnsm_h5_span_read(nnsm_h5 *h5, const char *name, nnsm_h5_type type, size_t first, size_t count, void *values);

/* ---- reading: a missing or wrongly shaped object is a failure, unless asked for with nnsm_h5_has first */

bool nnsm_h5_has(nnsm_h5 *h5, const char *object);
bool nnsm_h5_has_attribute(nnsm_h5 *h5, const char *object, const char *name);
/* Sizes of a data set; returns its rank, 0 on failure. sizes: out, [NNSM_H5_RANK]. A data set that claims more than its
 * storage can hold is a failure, so that memory may be taken for what is returned. */
int nnsm_h5_sizes(nnsm_h5 *h5, const char *name, size_t *sizes);
/* The data set must have exactly `count` elements. values: out, [count]. */
void nnsm_h5_read_doubles(nnsm_h5 *h5, const char *name, size_t count, double *values);
void nnsm_h5_read_floats(nnsm_h5 *h5, const char *name, size_t count, float *values);
/* The data set must have `count` texts. texts: out, [count][width], each ended by a NUL. */
void nnsm_h5_read_texts(nnsm_h5 *h5, const char *name, size_t count, size_t width, char *texts);
void nnsm_h5_get_text(nnsm_h5 *h5, const char *object, const char *name, char *value, size_t size);
double nnsm_h5_get_double(nnsm_h5 *h5, const char *object, const char *name);
/* At most `limit` values; return how many there are, 0 on failure. */
size_t nnsm_h5_get_doubles(nnsm_h5 *h5, const char *object, const char *name, size_t limit, double *values);
size_t nnsm_h5_get_integers(nnsm_h5 *h5, const char *object, const char *name, size_t limit, int64_t *values);
int64_t nnsm_h5_get_integer(nnsm_h5 *h5, const char *object, const char *name);

#endif
