/* ensemble_read.c: shape and alphabet of a user's file, and its values as states. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/ensemble_file.h"
#include "io/ensemble_values.h"

#define DATA_SET NNSM_ENSEMBLE_SET
enum { MOST_SITES = 1 << 24 };

size_t nnsm_ensemble_block(const nnsm_ensemble_header *header)
{
    size_t most = header->sites < NNSM_ENSEMBLE_BLOCK ? NNSM_ENSEMBLE_BLOCK / header->sites : 1;
    if (most >= header->chunk)
        most -= most % header->chunk;
    else if (header->chunk <= NNSM_ENSEMBLE_CACHE / header->sites)
        most = header->chunk;
    return header->configurations < most ? header->configurations : most;
}

/* ---- shape */

static bool read_extent(nnsm_h5 *h5, nnsm_ensemble_header *header, int rank, const size_t *sizes)
{
    if (rank < 2 || rank > 4)
        (void)nnsm_h5_fail(h5,
                           DATA_SET " has %d dimensions; it needs 2 to 4 dimensions: configuration, then 1 to 3 of "
                                    "the lattice",
                           rank);
    else if (sizes[0] < 2)
        (void)nnsm_h5_fail(h5,
                           DATA_SET " has %zu configuration%s in its first dimension; a distribution is learned "
                                    "from at least 2, better from thousands",
                           sizes[0], sizes[0] == 1 ? "" : "s");
    for (int a = 0; a < rank - 1 && !h5->status; a++) {
        if (sizes[a + 1] < 1 || sizes[a + 1] > MOST_SITES || header->sites * sizes[a + 1] > MOST_SITES)
            (void)nnsm_h5_fail(h5, "lattice extent %zu of " DATA_SET " is out of range; a lattice has 1 to %d sites",
                               sizes[a + 1], MOST_SITES);
        header->extent[a] = (int)sizes[a + 1];
        header->sites *= sizes[a + 1];
    }
    header->configurations = sizes[0];
    header->dimensions = rank - 1;
    return !h5->status;
}

/* Where an attribute stands: at the data set or else at the root; NULL: nowhere. */
static const char *place_of(nnsm_h5 *h5, const char *attribute)
{
    return nnsm_h5_has_attribute(h5, DATA_SET, attribute) ? DATA_SET
           : nnsm_h5_has_attribute(h5, "/", attribute)    ? "/"
                                                          : NULL;
}

static void read_temperature(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    const char *where = place_of(h5, "temperature");
    if (!where) {
        (void)nnsm_h5_fail(h5, "attribute temperature is missing, at " DATA_SET " and at the root; add the temperature "
                               "at which the data were taken");
        return;
    }
    header->temperature = nnsm_h5_get_double(h5, where, "temperature");
    if (!h5->status && !(header->temperature > 0 && isfinite(header->temperature)))
        (void)nnsm_h5_fail(h5, "attribute temperature is %g; it must be positive and finite", header->temperature);
}

static void read_boundary(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    char text[16];
    const char *where = place_of(h5, "boundary");
    if (!where)
        return;
    nnsm_h5_get_text(h5, where, "boundary", text, sizeof text);
    header->periodic = strcmp(text, "open") != 0;
    if (!h5->status && header->periodic && strcmp(text, "periodic") != 0)
        (void)nnsm_h5_fail(h5, "attribute boundary is \"%s\"; it must be \"periodic\" or \"open\"", text);
}

void nnsm_ensemble_read_shape(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    size_t sizes[NNSM_H5_RANK];
    *header = (nnsm_ensemble_header){.sites = 1, .extent = {1, 1, 1}, .chains = 1, .chunk = 1, .periodic = true};
    int rank = nnsm_h5_sizes(h5, DATA_SET, sizes);
    if (!rank || !read_extent(h5, header, rank, sizes))
        return;
    read_temperature(h5, header);
    const char *where = place_of(h5, "chains");
    if (where)
        header->chains = nnsm_h5_get_integer(h5, where, "chains");
    read_boundary(h5, header);
    (void)nnsm_ensemble_numbers(h5, header);
}

/* ---- alphabet */

void nnsm_ensemble_read_alphabet(nnsm_h5 *h5, nnsm_ensemble_header *header)
{
    int64_t values[NNSM_MAX_VALUES];
    nnsm_error error;
    if (h5->status)
        return;
    if (header->real) {
        (void)nnsm_h5_fail(h5, DATA_SET " holds floating-point numbers; say how they become levels, with "
                                        "ensemble.thresholds (as [0.0]) or ensemble.levels (as 2)");
        return;
    }
    const char *where = place_of(h5, "values");
    if (!where)
        return;
    bool labels = nnsm_h5_has_attribute(h5, where, "labels") && nnsm_h5_get_integer(h5, where, "labels") != 0;
    size_t count = nnsm_h5_get_integers(h5, where, "values", NNSM_MAX_VALUES, values);
    if (!h5->status && nnsm_alphabet_create(&header->alphabet, count, values, labels, &error))
        (void)nnsm_h5_fail(h5, "attribute values: %s", error.message);
}

void nnsm_occurring_add(nnsm_occurring *found, size_t count, const int64_t *values)
{
    for (size_t i = 0; i < count && found->count <= NNSM_MAX_VALUES; i++) {
        int64_t k = 0;
        while (k < found->count && found->value[k] != values[i])
            k++;
        if (k < found->count)
            continue;
        if (k < NNSM_MAX_VALUES)
            found->value[k] = values[i];
        found->count++;
    }
}

/* A nnsm_value_user. */
static void find(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, const int64_t *whole,
                 const double *real, void *context)
{
    (void)h5, (void)first, (void)real;
    if (whole)
        nnsm_occurring_add(context, count * header->sites, whole);
}

void nnsm_ensemble_find(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count,
                        nnsm_occurring *found)
{
    nnsm_ensemble_pass(h5, header, first, count, find, found);
}

void nnsm_ensemble_adopt(nnsm_h5 *h5, nnsm_ensemble_header *header, const nnsm_occurring *found)
{
    nnsm_error error;
    if (h5->status)
        return;
    bool labels = nnsm_h5_has_attribute(h5, DATA_SET, "labels") && nnsm_h5_get_integer(h5, DATA_SET, "labels") != 0;
    if (found->count > NNSM_MAX_VALUES)
        (void)nnsm_h5_fail(h5,
                           DATA_SET " has more than %d different values; cut them into levels by ensemble.thresholds "
                                    "or ensemble.levels",
                           NNSM_MAX_VALUES);
    else if (found->count == 1)
        (void)nnsm_h5_fail(h5,
                           "every site of every configuration has the value %" PRId64 ": there is nothing to learn; is "
                           "this the right data set, and was it written?",
                           found->value[0]);
    else if (!h5->status && nnsm_alphabet_create(&header->alphabet, (size_t)found->count, found->value, labels, &error))
        (void)nnsm_h5_fail(h5, "%s", error.message);
}

/* ---- states */

enum { TABLE = 256, NO_STATE = -128 };

typedef struct {
    int8_t *rows;        /* moves on */
    bool small;          /* the values fit into the table */
    int64_t lowest;      /* value of its first entry */
    int8_t state[TABLE]; /* of lowest + i, or NO_STATE */
} translation;

static void prepare(translation *t, const nnsm_alphabet *alphabet)
{
    t->lowest = alphabet->value[0];
    t->small = (int64_t)alphabet->value[alphabet->count - 1] - t->lowest < TABLE;
    memset(t->state, NO_STATE, sizeof t->state);
    for (int k = 0; k < alphabet->count && t->small; k++)
        (void)nnsm_alphabet_state(alphabet, alphabet->value[k], &t->state[alphabet->value[k] - t->lowest]);
}

static bool translate(const nnsm_alphabet *alphabet, const translation *t, int64_t value, int8_t *state)
{
    if (!t->small)
        return nnsm_alphabet_state(alphabet, value, state);
    uint64_t at = (uint64_t)value - (uint64_t)t->lowest;
    *state = at < TABLE ? t->state[at] : NO_STATE;
    return *state != NO_STATE;
}

static void bad_value(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t row, size_t site, int64_t value)
{
    char text[16 * NNSM_MAX_VALUES];
    nnsm_alphabet_text(&header->alphabet, text, sizeof text);
    (void)nnsm_h5_fail(h5, "configuration %zu has the value %" PRId64 "; the values of a site are %s (site %zu)", row,
                       value, text, site);
}

/* A nnsm_value_user. */
static void to_states(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, const int64_t *whole,
                      const double *real, void *context)
{
    translation *t = context;
    const nnsm_levels *levels = &header->levels;
    size_t values = count * header->sites;
    bool two = levels->count == 2;
    for (size_t i = 0; i < values && levels->count; i++) {
        int k = nnsm_levels_find(levels, whole ? (double)whole[i] : real[i]);
        t->rows[i] = (int8_t)(two ? 2 * k - 1 : k);
    }
    for (size_t i = 0; i < values && !levels->count && !h5->status; i++)
        if (!translate(&header->alphabet, t, whole[i], &t->rows[i]))
            bad_value(h5, header, first + i / header->sites, i % header->sites, whole[i]);
    t->rows += values;
}

void nnsm_ensemble_read_rows(nnsm_h5 *h5, const nnsm_ensemble_header *header, size_t first, size_t count, int8_t *rows)
{
    translation t = {.rows = rows};
    prepare(&t, &header->alphabet);
    nnsm_ensemble_pass(h5, header, first, count, to_states, &t);
}
