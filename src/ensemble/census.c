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

static size_t tables_of(int d)
{
    return diagonal_table(d) + (size_t)(2 * pairs_of(d));
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

/* partner: out, [tables][sites]; `sites`, where a zero stands, for none. */
static void find_partners(const nnsm_lattice *l, int32_t *partner)
{
    int d = l->dimensions;
    size_t n = l->sites;
    for (size_t i = 0; i < n; i++) {
        for (int a = 0; a < d; a++) {
            partner[(size_t)a * n + i] = walk(l, (int32_t)i, a, 1);
            partner[(step_table(d) + (size_t)(2 * a)) * n + i] = walk(l, (int32_t)i, a, 2);
            partner[(step_table(d) + (size_t)(2 * a) + 1) * n + i] = walk(l, (int32_t)i, a, 3);
        }
        for (int p = 0; p < pairs_of(d); p++) {
            int32_t next = walk(l, (int32_t)i, nnsm_census_pair[p][0], 1);
            partner[(diagonal_table(d) + (size_t)(2 * p)) * n + i] = walk(l, next, nnsm_census_pair[p][1], 1);
            partner[(diagonal_table(d) + (size_t)(2 * p) + 1) * n + i] = walk(l, next, nnsm_census_pair[p][1], -1);
        }
    }
    for (size_t k = 0; k < tables_of(d) * n; k++)
        partner[k] = partner[k] < 0 ? (int32_t)n : partner[k];
}

/* Sites in a row whose partners are in a row, too, those of a table by themselves. runs: out, NULL: they are only
 * counted. */
static size_t find_runs(const nnsm_lattice *l, const int32_t *partner, size_t tables, nnsm_census_run *runs)
{
    size_t count = 0;
    for (size_t k = 0, end; k < tables * l->sites; k = end) {
        for (end = k + 1; end % l->sites && partner[end] == partner[k] + (int32_t)(end - k);)
            end++;
        if (runs)
            runs[count] = (nnsm_census_run){(int32_t)k, partner[k], (int32_t)(end - k)};
        count++;
    }
    return count;
}

static nnsm_status make_runs(nnsm_census *c, nnsm_error *error)
{
    int32_t *partner = NULL;
    const nnsm_lattice *l = c->lattice;
    size_t tables = tables_of(l->dimensions);
    nnsm_status status = NNSM_NEW(&partner, tables * l->sites, "census", error);
    if (!status) {
        find_partners(l, partner);
        c->runs = find_runs(l, partner, tables, NULL);
        c->runs_of_bonds = find_runs(l, partner, (size_t)l->dimensions, NULL);
        status = NNSM_NEW(&c->run, c->runs, "census", error);
    }
    if (!status)
        (void)find_runs(l, partner, tables, c->run);
    nnsm_release(partner);
    return status;
}

nnsm_status nnsm_census_create(nnsm_census *census, const nnsm_lattice *lattice, const nnsm_alphabet *alphabet,
                               nnsm_error *error)
{
    int d = lattice->dimensions;
    size_t n = lattice->sites;
    *census = (nnsm_census){.lattice = lattice, .count = alphabet->count, .features = (size_t)(1 + d)};
    nnsm_status status = NNSM_NEW(&census->value, n + 1, "census", error);
    if (!status)
        status = NNSM_NEW(&census->moved, tables_of(d) * n, "census", error);
    if (!status)
        status = make_runs(census, error);
    if (!status && n <= NNSM_CENSUS_SITES)
        status = NNSM_NEW(&census->site, nnsm_census_size(census), "census", error);
    if (status)
        nnsm_census_destroy(census);
    return status;
}

void nnsm_census_destroy(nnsm_census *census)
{
    nnsm_release(census->site);
    nnsm_release(census->run);
    nnsm_release(census->value);
    nnsm_release(census->moved);
    *census = (nnsm_census){0};
}

size_t nnsm_census_size(const nnsm_census *census)
{
    return NNSM_CENSUS_BLOCKS * census->features * census->lattice->sites;
}

/* Most runs of a thin lattice are of a site or two. */
static void move(nnsm_census *c, size_t first, size_t end)
{
    enum { SHORT = 8 };
    for (const nnsm_census_run *r = c->run + first; r < c->run + end; r++)
        if (r->count >= SHORT)
            memcpy(c->moved + r->to, c->value + r->from, (size_t)r->count);
        else
            for (int32_t i = 0; i < r->count; i++)
                c->moved[r->to + i] = c->value[r->from + i];
}

void nnsm_census_look(nnsm_census *census, const int8_t *states)
{
    nnsm_census *c = census;
    c->states_seen = states;
    for (size_t i = 0; i < c->lattice->sites; i++)
        c->value[i] = c->count == 2 ? states[i] : (int8_t)(2 * states[i] - (c->count - 1));
    move(c, 0, c->runs_of_bonds);
}

/* sum of u_i v_i, and of u_i v_i w_i. */
static int64_t products(size_t sites, const int8_t *u, const int8_t *v)
{
    int64_t sum = 0;
    for (size_t i = 0; i < sites; i++)
        sum += u[i] * v[i];
    return sum;
}

static int64_t triple_products(size_t sites, const int8_t *u, const int8_t *v, const int8_t *w)
{
    int64_t sum = 0;
    for (size_t i = 0; i < sites; i++)
        sum += u[i] * v[i] * w[i];
    return sum;
}

void nnsm_census_add(nnsm_census *census, size_t block)
{
    nnsm_census *c = census;
    int d = c->lattice->dimensions;
    size_t n = c->lattice->sites;
    int32_t *site = c->site + block * c->features * n;
    const int8_t *v = c->value;
    move(c, c->runs_of_bonds, c->runs);
    c->rows[block]++;
    for (size_t i = 0; i < n; i++)
        site[i] += v[i];
    for (size_t i = 0; i < n && c->count > 2; i++)
        c->states[block][c->states_seen[i]]++;
    for (int a = 0; a < d; a++) {
        const int8_t *next = c->moved + (size_t)a * n, *second = c->moved + (step_table(d) + (size_t)(2 * a)) * n;
        int32_t *bond = site + (size_t)(1 + a) * n;
        for (size_t i = 0; i < n; i++)
            bond[i] += v[i] * next[i];
        c->scalar[block][2 * a] += triple_products(n, v, next, second + n);
        c->scalar[block][2 * a + 1] += triple_products(n, v, second, second + n);
    }
    for (int p = 0; p < pairs_of(d); p++) {
        const int8_t *diagonal = c->moved + (diagonal_table(d) + (size_t)(2 * p)) * n;
        c->scalar[block][2 * NNSM_MAX_DIMENSIONS + 2 * p] += products(n, v, diagonal);
        c->scalar[block][2 * NNSM_MAX_DIMENSIONS + 2 * p + 1] += products(n, v, diagonal + n);
    }
}

double nnsm_census_bonds(const nnsm_census *census)
{
    size_t n = census->lattice->sites, d = (size_t)census->lattice->dimensions;
    int64_t sum = 0;
    for (size_t a = 0; a < d; a++)
        sum += products(n, census->value, census->moved + a * n);
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
