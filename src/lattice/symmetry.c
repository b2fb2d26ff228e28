#include "lattice/symmetry.h"

#include <string.h>

#include "base/memory.h"

struct nnsm_symmetry {
    const nnsm_lattice *lattice;
    size_t shifts, points, flips;     /* numbers of operations of each kind; flips: of the values */
    int8_t (*value)[NNSM_MAX_VALUES]; /* [flips] new state of a state; NULL: spins, flip 1 changes their sign */
    size_t length;                    /* of a row, along the fastest axis in use, where sites are contiguous */
    int32_t *point;                   /* [points][rows][2][length]: the site that lands on a site, every row twice */
};

static void coordinates(const nnsm_lattice *lattice, size_t site, int *c)
{
    for (int a = NNSM_MAX_DIMENSIONS - 1; a >= 0; a--) {
        c[a] = (int)(site % (size_t)lattice->extent[a]);
        site /= (size_t)lattice->extent[a];
    }
}

static int32_t site_at(const nnsm_lattice *lattice, const int *c)
{
    return (int32_t)((c[0] * lattice->extent[1] + c[1]) * lattice->extent[2] + c[2]);
}

static int last_axis(const nnsm_lattice *lattice)
{
    int last = NNSM_MAX_DIMENSIONS - 1;
    while (last > 0 && lattice->extent[last] == 1)
        last--;
    return last;
}

/* One element: axis a of the image is axis permutation[a] of the source, reversed where bit a of mirror is set. Returns
 * false where it permutes axes of different extent or reverses an unused axis. */
static bool build_point(const nnsm_symmetry *symmetry, const int *permutation, int mirror, int32_t *map)
{
    const nnsm_lattice *lattice = symmetry->lattice;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++) {
        bool used = a < lattice->dimensions;
        if (lattice->extent[permutation[a]] != lattice->extent[a] || (used != (permutation[a] < lattice->dimensions)) ||
            (!used && (mirror >> a & 1)) || (!used && permutation[a] != a))
            return false;
    }
    for (size_t i = 0; i < lattice->sites; i++) {
        int to[NNSM_MAX_DIMENSIONS], from[NNSM_MAX_DIMENSIONS];
        coordinates(lattice, i, to);
        for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++)
            from[permutation[a]] = mirror >> a & 1 ? lattice->extent[a] - 1 - to[a] : to[a];
        size_t at = i + i / symmetry->length * symmetry->length; /* beside rows that stand there twice */
        map[at] = map[at + symmetry->length] = site_at(lattice, from);
    }
    return true;
}

static nnsm_status build_points(nnsm_symmetry *symmetry, bool all, nnsm_error *error)
{
    static const int permutations[6][NNSM_MAX_DIMENSIONS] = {{0, 1, 2}, {1, 0, 2}, {0, 2, 1},
                                                             {2, 1, 0}, {1, 2, 0}, {2, 0, 1}};
    size_t sites = symmetry->lattice->sites;
    size_t most = all ? (size_t[]){1, 2, 8, 48}[symmetry->lattice->dimensions] : 1;
    nnsm_status status = NNSM_NEW(&symmetry->point, 2 * most * sites, "symmetry tables", error);
    if (status)
        return status;
    for (int p = 0; p < (all ? 6 : 1); p++)
        for (int mirror = 0; mirror < (all ? 8 : 1); mirror++)
            symmetry->points +=
                build_point(symmetry, permutations[p], mirror, symmetry->point + symmetry->points * 2 * sites);
    return NNSM_OK;
}

nnsm_status nnsm_symmetry_create(nnsm_symmetry **out, const nnsm_lattice *lattice, bool translation, bool point_group,
                                 bool spin_flip, nnsm_error *error)
{
    *out = NULL;
    if (translation && !lattice->periodic)
        return nnsm_fail(error, NNSM_USAGE, "an open lattice has no translation symmetry; remove \"translation\"");
    nnsm_symmetry *symmetry = NULL;
    nnsm_status status = NNSM_NEW(&symmetry, 1, "symmetry", error);
    if (status)
        return status;
    symmetry->lattice = lattice;
    symmetry->length = (size_t)lattice->extent[last_axis(lattice)];
    symmetry->shifts = translation ? lattice->sites : 1;
    symmetry->flips = spin_flip ? 2 : 1;
    status = build_points(symmetry, point_group, error);
    if (status)
        nnsm_symmetry_destroy(symmetry);
    else
        *out = symmetry;
    return status;
}

void nnsm_symmetry_destroy(nnsm_symmetry *symmetry)
{
    if (!symmetry)
        return;
    nnsm_release(symmetry->point);
    nnsm_release(symmetry->value);
    nnsm_release(symmetry);
}

/* Permutation number `index` of count! in the factorial number system; 0 is the identity. */
static void permute(size_t index, int count, int8_t *to)
{
    int8_t left[NNSM_MAX_VALUES];
    size_t factor = 1;
    for (int k = 0; k < count; k++) {
        left[k] = (int8_t)k;
        factor *= k ? (size_t)k : 1;
    }
    for (int k = 0, remain = count; k < count; k++, remain--) {
        size_t digit = index / factor;
        to[k] = left[digit];
        memmove(left + digit, left + digit + 1, (size_t)remain - 1 - digit);
        index %= factor;
        factor /= remain > 1 ? (size_t)(remain - 1) : 1;
    }
}

nnsm_status nnsm_symmetry_set_alphabet(nnsm_symmetry *symmetry, const nnsm_alphabet *alphabet, bool permutation,
                                       nnsm_error *error)
{
    int count = alphabet->count;
    bool all = count <= NNSM_ALL_PERMUTATIONS;
    if (permutation && !alphabet->labels)
        return nnsm_fail(error, NNSM_USAGE,
                         "the values of the sites are numbers, not labels, and cannot be exchanged; remove "
                         "\"permutation\", or give the configurations the attribute labels = 1");
    if (count > 2 && symmetry->flips > 1 && !nnsm_alphabet_symmetric(alphabet))
        return nnsm_fail(error, NNSM_USAGE, "the values of the sites are not symmetric about 0; remove \"spin_flip\"");
    if (permutation) {
        symmetry->flips = (size_t)count;
        for (int k = 2; all && k < count; k++)
            symmetry->flips *= (size_t)k;
    }
    if (count == 2)
        return NNSM_OK;
    nnsm_status status =
        nnsm_allocate((void **)&symmetry->value, symmetry->flips, sizeof *symmetry->value, "symmetry tables", error);
    for (size_t f = 0; f < symmetry->flips && !status; f++)
        for (int k = 0; k < count; k++)
            symmetry->value[f][k] = (int8_t)(permutation ? (k + (int)f) % count : f ? count - 1 - k : k);
    for (size_t f = 0; f < symmetry->flips && !status && permutation && all; f++)
        permute(f, count, symmetry->value[f]);
    return status;
}

size_t nnsm_symmetry_count(const nnsm_symmetry *symmetry)
{
    return symmetry->shifts * symmetry->points * symmetry->flips;
}

/* One row after the other; a shift along the row only takes another part of it, of those that are there twice. */
void nnsm_symmetry_apply(const nnsm_symmetry *symmetry, size_t element, const int8_t *restrict in, int8_t *restrict out)
{
    const nnsm_lattice *lattice = symmetry->lattice;
    if (!element) {
        memcpy(out, in, lattice->sites);
        return;
    }
    size_t shift = element % symmetry->shifts, rest = element / symmetry->shifts, point = rest % symmetry->points;
    size_t flip = rest / symmetry->points, length = symmetry->length;
    int sign = flip && !symmetry->value ? -1 : 1, by[NNSM_MAX_DIMENSIONS], c[NNSM_MAX_DIMENSIONS];
    int last = last_axis(lattice);
    coordinates(lattice, shift, by);
    memcpy(c, by, sizeof c);
    c[last] = 0;
    const int32_t *from = symmetry->point + point * 2 * lattice->sites + (length - (size_t)by[last]);
    for (size_t row = 0; row < lattice->sites; row += length, from += 2 * length) {
        int8_t *to = out + site_at(lattice, c);
#pragma GCC unroll 8
        for (size_t i = 0; i < length; i++)
            to[i] = (int8_t)(sign * in[from[i]]);
        for (int a = last - 1; a >= 0; a--) { /* where the next row goes */
            c[a] = c[a] + 1 < lattice->extent[a] ? c[a] + 1 : 0;
            if (c[a] != by[a])
                break;
        }
    }
    for (size_t i = 0; symmetry->value && i < lattice->sites; i++)
        out[i] = symmetry->value[flip][out[i]];
}
