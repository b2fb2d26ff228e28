#include "ensemble/census.h"

#include <string.h>

#include "base/memory.h"

const int nnsm_census_pair[NNSM_CENSUS_PAIRS][2] = {{0, 1}, {0, 2}, {1, 2}};

/* Partners of a site, in this order: +a of every axis; +2a and +3a of every axis; a+b and a-b of every pair. */
static size_t step_table(int d)
{
    return (size_t)d;
}

static size_t diagonal_table(int d)
{
    return (size_t)(3 * d);
}

static int pairs_of(int d)
{
    return d * (d - 1) / 2;
}

static int32_t walk(const nnsm_lattice *l, int32_t site, int axis, int steps)
{
    int d = l->dimensions;
    for (; steps > 0 && site >= 0; steps--)
        site = l->neighbours[site * 2 * d + 2 * axis];
    for (; steps < 0 && site >= 0; steps++)
        site = l->neighbours[site * 2 * d + 2 * axis + 1];
    return site;
}

static void fill_tables(nnsm_census *c)
{
    const nnsm_lattice *l = c->lattice;
    int d = l->dimensions;
    size_t n = l->sites;
    for (size_t i = 0; i < n; i++) {
        for (int a = 0; a < d; a++) {
            c->partner[(size_t)a * n + i] = walk(l, (int32_t)i, a, 1);
            c->partner[(step_table(d) + (size_t)(2 * a)) * n + i] = walk(l, (int32_t)i, a, 2);
            c->partner[(step_table(d) + (size_t)(2 * a) + 1) * n + i] = walk(l, (int32_t)i, a, 3);
        }
        for (int p = 0; p < pairs_of(d); p++) {
            int32_t next = walk(l, (int32_t)i, nnsm_census_pair[p][0], 1);
            c->partner[(diagonal_table(d) + (size_t)(2 * p)) * n + i] = walk(l, next, nnsm_census_pair[p][1], 1);
            c->partner[(diagonal_table(d) + (size_t)(2 * p) + 1) * n + i] = walk(l, next, nnsm_census_pair[p][1], -1);
        }
    }
}

nnsm_status nnsm_census_create(nnsm_census *census, const nnsm_lattice *lattice, const nnsm_alphabet *alphabet,
                               nnsm_error *error)
{
    int d = lattice->dimensions;
    size_t tables = diagonal_table(d) + (size_t)(2 * pairs_of(d)), n = lattice->sites;
    *census = (nnsm_census){.lattice = lattice, .count = alphabet->count, .features = (size_t)(1 + d)};
    nnsm_status status = NNSM_NEW(&census->value, n + 1, "census", error);
    if (!status)
        status = NNSM_NEW(&census->partner, tables * n, "census", error);
    if (!status && n <= NNSM_CENSUS_SITES)
        status = NNSM_NEW(&census->site, nnsm_census_size(census), "census", error);
    if (status) {
        nnsm_census_destroy(census);
        return status;
    }
    fill_tables(census);
    for (size_t k = 0; k < tables * n; k++)
        census->partner[k] = census->partner[k] < 0 ? (int32_t)n : census->partner[k];
    return NNSM_OK;
}

void nnsm_census_destroy(nnsm_census *census)
{
    nnsm_release(census->site);
    nnsm_release(census->partner);
    nnsm_release(census->value);
    *census = (nnsm_census){0};
}

size_t nnsm_census_size(const nnsm_census *census)
{
    return NNSM_CENSUS_BLOCKS * census->features * census->lattice->sites;
}

static void take_values(nnsm_census *c, const int8_t *states)
{
    if (c->count == 2)
        memcpy(c->value, states, c->lattice->sites);
    for (size_t i = 0; i < c->lattice->sites && c->count > 2; i++)
        c->value[i] = (int8_t)(2 * states[i] - (c->count - 1));
}

/* sum of v_i v_j, or with far of v_i v_j v_far. */
static int64_t products(const nnsm_census *c, const int32_t *j, const int32_t *far)
{
    const int8_t *v = c->value;
    int64_t sum = 0;
    for (size_t i = 0; i < c->lattice->sites; i++)
        sum += v[i] * v[j[i]] * (far ? v[far[i]] : 1);
    return sum;
}

void nnsm_census_add(nnsm_census *census, size_t block, const int8_t *states)
{
    nnsm_census *c = census;
    int d = c->lattice->dimensions;
    size_t n = c->lattice->sites;
    take_values(c, states);
    c->rows[block]++;
    int32_t *site = c->site + block * c->features * n;
    const int8_t *v = c->value;
    for (size_t i = 0; i < n; i++)
        site[i] += v[i];
    for (size_t i = 0; i < n && c->count > 2; i++)
        c->states[block][states[i]]++;
    for (int a = 0; a < d; a++) {
        const int32_t *next = c->partner + (size_t)a * n, *step = c->partner + (step_table(d) + (size_t)(2 * a)) * n;
        int32_t *bond = site + (size_t)(1 + a) * n;
        for (size_t i = 0; i < n; i++)
            bond[i] += v[i] * v[next[i]];
        c->scalar[block][2 * a] += products(c, next, step + n);
        c->scalar[block][2 * a + 1] += products(c, step, step + n);
    }
    for (int p = 0; p < pairs_of(d); p++) {
        const int32_t *diagonal = c->partner + (diagonal_table(d) + (size_t)(2 * p)) * n;
        c->scalar[block][2 * NNSM_MAX_DIMENSIONS + 2 * p] += products(c, diagonal, NULL);
        c->scalar[block][2 * NNSM_MAX_DIMENSIONS + 2 * p + 1] += products(c, diagonal + n, NULL);
    }
}

double nnsm_census_bonds(nnsm_census *census, const int8_t *states)
{
    size_t n = census->lattice->sites, d = (size_t)census->lattice->dimensions;
    int64_t sum = 0;
    take_values(census, states);
    for (size_t a = 0; a < d; a++)
        sum += products(census, census->partner + a * n, NULL);
    return (double)sum / (double)(n * d);
}

void nnsm_census_merge(nnsm_census *census, size_t blocks)
{
    nnsm_census *c = census;
    size_t each = NNSM_CENSUS_BLOCKS / blocks, size = c->features * c->lattice->sites;
    for (size_t b = 0; b < NNSM_CENSUS_BLOCKS && each > 1; b++) {
        size_t to = b / each;
        if (b == to * each) { /* the first of those that are merged: it moves */
            memmove(c->site + to * size, c->site + b * size, size * sizeof *c->site);
            memmove(c->scalar[to], c->scalar[b], sizeof c->scalar[b]);
            memmove(c->states[to], c->states[b], sizeof c->states[b]);
            c->rows[to] = c->rows[b];
            continue;
        }
        for (size_t i = 0; i < size; i++)
            c->site[to * size + i] += c->site[b * size + i];
        for (size_t k = 0; k < NNSM_CENSUS_SCALARS; k++)
            c->scalar[to][k] += c->scalar[b][k];
        for (size_t k = 0; k < NNSM_MAX_VALUES; k++)
            c->states[to][k] += c->states[b][k];
        c->rows[to] += c->rows[b];
    }
    for (size_t b = blocks; b < NNSM_CENSUS_BLOCKS; b++) {
        memset(c->site + b * size, 0, size * sizeof *c->site);
        memset(c->scalar[b], 0, sizeof c->scalar[b]);
        memset(c->states[b], 0, sizeof c->states[b]);
        c->rows[b] = 0;
    }
}
