#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/pseudo_kernels.h"
#include "hamiltonian/pseudo_state.h"

/* ---- which classes touch a site */

/* Marks the classes of a site in `mark` by its number + 1 and lists them, rising; returns how many. */
static size_t classes_of(const nnsm_operators *o, size_t site, int32_t *mark, int32_t *list)
{
    size_t count = 0;
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++)
        mark[o->class_of[o->touching[k]]] = (int32_t)site + 1;
    for (size_t c = 0; c < o->classes; c++)
        if (mark[c] == (int32_t)site + 1 || o->class[c].order == 0)
            list[count++] = (int32_t)c;
    return count;
}

static nnsm_status allocate_tables(nnsm_pseudo *p, int32_t **mark, int32_t **list, nnsm_error *error)
{
    const nnsm_operators *o = p->operators;
    nnsm_status status = NNSM_NEW(&p->group, o->sites, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->group_of, o->sites, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->place, o->first[o->sites], "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(mark, o->classes, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(list, o->classes, "pseudo-likelihood", error);
    /* A group has no more classes than its first site has terms, and those of order 0. */
    size_t room = o->first[o->sites];
    for (size_t c = 0; c < o->classes; c++)
        room += o->class[c].order == 0 ? o->sites : 0;
    return status ? status : NNSM_NEW(&p->list, room, "pseudo-likelihood", error);
}

static size_t find_group(nnsm_pseudo *p, const int32_t *list, size_t count, size_t *used)
{
    for (size_t g = 0; g < p->groups; g++)
        if (p->group[g].count == count && memcmp(p->list + p->group[g].first, list, count * sizeof *list) == 0)
            return g;
    memcpy(p->list + *used, list, count * sizeof *list);
    p->group[p->groups] = (nnsm_site_group){.count = count, .first = *used, .hessian = p->sums};
    *used += count;
    p->sums += count * count;
    p->largest = count > p->largest ? count : p->largest;
    return p->groups++;
}

static nnsm_status group_sites(nnsm_pseudo *p, nnsm_error *error)
{
    const nnsm_operators *o = p->operators;
    int32_t *mark = NULL, *list = NULL;
    size_t used = 0;
    nnsm_status status = allocate_tables(p, &mark, &list, error);
    p->sums = o->classes + 1;
    for (size_t i = 0; i < o->sites && !status; i++) {
        size_t count = classes_of(o, i, mark, list), g = find_group(p, list, count, &used);
        p->group_of[i] = (int32_t)g;
        for (size_t k = 0; k < count; k++)
            mark[list[k]] = (int32_t)k; /* for a moment: the place of a class */
        for (size_t k = o->first[i]; k < o->first[i + 1]; k++)
            p->place[k] = mark[o->class_of[o->touching[k]]];
        for (size_t k = 0; k < count; k++)
            mark[list[k]] = 0;
    }
    nnsm_release(mark);
    nnsm_release(list);
    return status;
}

nnsm_status nnsm_pseudo_create(nnsm_pseudo **out, const nnsm_operators *operators, double temperature,
                               nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "pseudo-likelihood", error);
    if (status)
        return status;
    nnsm_pseudo *p = *out;
    p->operators = operators;
    p->beta = 1 / temperature;
    status = group_sites(p, error);
    if (!status)
        status = NNSM_NEW(&p->spins, operators->sites * NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->total, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->weight, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->pull, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->angle, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->feature, p->largest * NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->panel, p->largest * NNSM_LANES, "pseudo-likelihood", error);
    if (!status && operators->values)
        status = nnsm_pseudo_states_create(&p->states, (size_t)operators->values, p->largest, error);
    if (!status)
        status = nnsm_pseudo_newton_create(&p->search, p, error);
    if (status) {
        nnsm_pseudo_destroy(p);
        *out = NULL;
    }
    return status;
}

void nnsm_pseudo_destroy(nnsm_pseudo *pseudo)
{
    if (!pseudo)
        return;
    void *blocks[] = {pseudo->group,  pseudo->group_of, pseudo->list,  pseudo->place,   pseudo->spins, pseudo->total,
                      pseudo->weight, pseudo->pull,     pseudo->angle, pseudo->feature, pseudo->panel};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        nnsm_release(blocks[i]);
    nnsm_pseudo_states_destroy(&pseudo->states);
    nnsm_pseudo_newton_destroy(&pseudo->search);
    nnsm_release(pseudo);
}

size_t nnsm_pseudo_sums(const nnsm_pseudo *pseudo)
{
    return pseudo->sums;
}

/* ---- one site of NNSM_LANES configurations */

/* (sum s)^2 / N changes by -4 s (sum s - s) / N: s dO/ds = 2 (s sum s - 1) / N; here without the factor 2 / N. */
static void long_ranged(const nnsm_pseudo *p, size_t site, int32_t *feature)
{
    const int8_t *s = p->spins + site * NNSM_LANES;
    for (size_t l = 0; l < NNSM_LANES; l++)
        feature[l] = s[l] * p->total[l] - 1;
}

static void add_states(nnsm_pseudo *p, size_t site, const double *coupling, bool hessian, size_t count, double *sums)
{
    const nnsm_site_group *g = &p->group[p->group_of[site]];
    nnsm_pseudo_site at = {p->operators, site,    g->count, p->list + g->first, p->place, p->spins,
                           count,        p->beta, coupling};
    nnsm_pseudo_states_add(&p->states, &at, sums, &sums[p->operators->classes], hessian ? sums + g->hessian : NULL);
}

static void add_site(nnsm_pseudo *p, size_t site, const double *coupling, bool hessian, size_t count, double *sums)
{
    const nnsm_operators *o = p->operators;
    const nnsm_site_group *g = &p->group[p->group_of[site]];
    const int32_t *list = p->list + g->first;
    int16_t sum[NNSM_LANES] = {0};
    memset(p->angle, 0, NNSM_LANES * sizeof *p->angle);
    for (size_t k = o->first[site], end = o->first[site + 1]; k < end; k++) { /* terms of a class are neighbours */
        nnsm_lanes_add_term(p->spins, o->site[o->touching[k]], sum);
        if (k + 1 == end || p->place[k + 1] != p->place[k])
            nnsm_lanes_take(sum, p->feature + (size_t)p->place[k] * NNSM_LANES);
    }
    for (size_t k = 0; k < g->count; k++) {
        if (o->class[list[k]].order == 0)
            long_ranged(p, site, p->feature + k * NNSM_LANES);
        nnsm_lanes_add_angle(p->feature + k * NNSM_LANES,
                             (float)(2 * p->beta * coupling[list[k]] * nnsm_pseudo_unit_of(o, list[k])), p->angle);
    }
    nnsm_lanes_conditionals(p->angle, count, p->pull, p->weight, &sums[o->classes]);
    for (size_t k = 0; k < g->count; k++) {
        double unit = 2 * p->beta * nnsm_pseudo_unit_of(o, list[k]);
        sums[list[k]] += unit * (double)nnsm_lanes_weigh(p->feature + k * NNSM_LANES, p->pull);
        if (hessian)
            nnsm_lanes_scale(p->feature + k * NNSM_LANES, p->weight, p->panel + k * NNSM_LANES);
    }
    int n = (int)g->count;
    if (hessian && n) /* in units of the features; assemble() brings in the rest */
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, NNSM_LANES, 1, p->panel, NNSM_LANES, 1,
                    sums + g->hessian, n);
}

void nnsm_pseudo_add(nnsm_pseudo *pseudo, const double *coupling, bool hessian, const int8_t *configurations,
                     size_t count, double *sums)
{
    nnsm_pseudo *p = pseudo;
    size_t sites = p->operators->sites;
    for (size_t first = 0; first < count; first += NNSM_LANES) {
        size_t rows = count - first < NNSM_LANES ? count - first : NNSM_LANES;
        memset(p->spins, 0, sites * NNSM_LANES);
        memset(p->total, 0, NNSM_LANES * sizeof *p->total);
        for (size_t r = 0; r < rows; r++) {
            const int8_t *s = configurations + (first + r) * sites;
            for (size_t i = 0; i < sites; i++) {
                p->spins[i * NNSM_LANES + r] = s[i];
                p->total[r] += s[i];
            }
        }
        for (size_t i = 0; i < sites; i++)
            (p->operators->values ? add_states : add_site)(p, i, coupling, hessian, rows, sums);
    }
}
