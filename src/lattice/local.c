#include "nnsm/local.h"

#include <string.h>

#include "base/memory.h"
#include "lattice/local_states.h"
#include "lattice/orbit.h"

/* ---- from terms to tables */

/* Sites rising, distinct, as many as the order of the class. */
static bool normalise(const int32_t *in, int order, size_t sites, int32_t *out)
{
    for (int k = 0; k < NNSM_TERM_SITES; k++)
        out[k] = k < order ? in[k] : -1;
    nnsm_orbit_sort(out, order);
    for (int k = 0; k < order; k++)
        if (out[k] < 0 || (size_t)out[k] >= sites || (k && out[k] == out[k - 1]))
            return false;
    return true;
}

static nnsm_status allocate(nnsm_operators *o, size_t touches, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&o->class, o->classes, "local operators", error);
    if (!status)
        status = nnsm_allocate((void **)&o->site, o->terms, sizeof *o->site, "local operators", error);
    if (!status)
        status = NNSM_NEW(&o->class_of, o->terms, "local operators", error);
    if (!status)
        status = NNSM_NEW(&o->first, o->sites + 2, "local operators", error);
    if (!status)
        status = NNSM_NEW(&o->touching, touches, "local operators", error);
    return status;
}

/* Which terms hold a site. The table of starts is filled one place late and moves down as the lists fill up. */
static void index_sites(nnsm_operators *o)
{
    for (size_t t = 0; t < o->terms; t++)
        for (int k = 0; k < NNSM_TERM_SITES && o->site[t][k] >= 0; k++)
            o->first[o->site[t][k] + 2]++;
    for (size_t i = 2; i < o->sites + 2; i++)
        o->first[i] += o->first[i - 1];
    for (size_t t = 0; t < o->terms; t++)
        for (int k = 0; k < NNSM_TERM_SITES && o->site[t][k] >= 0; k++)
            o->touching[o->first[o->site[t][k] + 1]++] = (int32_t)t;
}

/* Terms in the order of their classes, otherwise as they came. */
static nnsm_status place_terms(nnsm_operators *o, const int32_t (*site)[NNSM_TERM_SITES], const int32_t *class_of,
                               nnsm_error *error)
{
    size_t *next = NULL;
    nnsm_status status = NNSM_NEW(&next, o->classes + 1, "local operators", error);
    for (size_t c = 0; c < o->classes && !status; c++)
        next[c + 1] = next[c] + o->class[c].terms;
    for (size_t t = 0; t < o->terms && !status; t++) {
        int32_t c = class_of[t];
        size_t to = next[c]++;
        o->class_of[to] = c;
        if (!normalise(site[t], o->class[c].order, o->sites, o->site[to]))
            status = nnsm_fail(error, NNSM_USAGE, "term %zu of \"%s\" must hold %d distinct sites below %zu", t,
                               o->class[c].name, o->class[c].order, o->sites);
    }
    nnsm_release(next);
    return status;
}

nnsm_status nnsm_operators_assemble(nnsm_operators *operators, size_t sites, size_t classes, const nnsm_operator *class,
                                    size_t terms, const int32_t (*site)[NNSM_TERM_SITES], const int32_t *class_of,
                                    nnsm_error *error)
{
    nnsm_operators o = {.sites = sites, .classes = classes, .terms = terms};
    size_t touches = 0;
    *operators = (nnsm_operators){0};
    for (size_t c = 0; c < classes; c++)
        if (class[c].order < 0 || class[c].order > NNSM_TERM_SITES)
            return nnsm_fail(error, NNSM_USAGE, "\"%s\": products of %d spins; from 1 to %d are possible",
                             class[c].name, class[c].order, NNSM_TERM_SITES);
    for (size_t t = 0; t < terms; t++) {
        if (class_of[t] < 0 || (size_t)class_of[t] >= classes || class[class_of[t]].order == 0)
            return nnsm_fail(error, NNSM_USAGE, "term %zu has no class of products", t);
        touches += (size_t) class[class_of[t]].order;
    }
    nnsm_status status = allocate(&o, touches, error);
    if (!status) {
        memcpy(o.class, class, classes * sizeof *class);
        for (size_t c = 0; c < classes; c++)
            o.class[c].terms = 0;
        for (size_t t = 0; t < terms; t++)
            o.class[class_of[t]].terms++;
        status = place_terms(&o, site, class_of, error);
    }
    if (status) {
        nnsm_operators_destroy(&o);
        return status;
    }
    index_sites(&o);
    *operators = o;
    return NNSM_OK;
}

void nnsm_operators_destroy(nnsm_operators *operators)
{
    if (!operators)
        return;
    nnsm_release(operators->class);
    nnsm_release(operators->site);
    nnsm_release(operators->class_of);
    nnsm_release(operators->first);
    nnsm_release(operators->touching);
    nnsm_release(operators->table);
    *operators = (nnsm_operators){0};
}

/* ---- values */

/* Sum of the products of `count` terms, exact. */
static int64_t sum_products(const int32_t (*site)[NNSM_TERM_SITES], size_t count, int order, const int8_t *spins)
{
    int64_t sum = 0;
    if (order == 2)
        for (size_t t = 0; t < count; t++)
            sum += spins[site[t][0]] * spins[site[t][1]];
    else
        for (size_t t = 0; t < count; t++) {
            int product = spins[site[t][0]];
            for (int k = 1; k < order; k++)
                product *= spins[site[t][k]];
            sum += product;
        }
    return sum;
}

static int64_t total(const nnsm_operators *o, const int8_t *spins)
{
    int64_t sum = 0;
    for (size_t i = 0; i < o->sites; i++)
        sum += spins[i];
    return sum;
}

void nnsm_operators_values(const nnsm_operators *operators, const int8_t *spins, double *values)
{
    const nnsm_operators *o = operators;
    const int32_t(*site)[NNSM_TERM_SITES] = (const int32_t(*)[NNSM_TERM_SITES])o->site;
    size_t first = 0;
    for (size_t c = 0; c < o->classes && o->values; first += o->class[c++].terms)
        values[c] = nnsm_operators_value_states(o, c, first, spins);
    for (size_t c = 0; c < o->classes && !o->values; site += o->class[c++].terms) {
        if (o->class[c].order) {
            values[c] = (double)sum_products(site, o->class[c].terms, o->class[c].order, spins);
            continue;
        }
        double sum = (double)total(o, spins);
        values[c] = sum * sum / (double)o->sites;
    }
}

/* Product of all spins of term t: what flipping one of them changes by -2. */
static int product_of(const nnsm_operators *o, const int8_t *spins, size_t t)
{
    int product = 1;
    for (int k = 0; k < NNSM_TERM_SITES && o->site[t][k] >= 0; k++)
        product *= spins[o->site[t][k]];
    return product;
}

/* ((M - 2 s)^2 - M^2) / N. */
static double flip_m2(const nnsm_operators *o, const int8_t *spins, size_t site)
{
    return 4 * (1 - (double)spins[site] * (double)total(o, spins)) / (double)o->sites;
}

void nnsm_operators_flip(const nnsm_operators *operators, const int8_t *spins, size_t site, double *change)
{
    const nnsm_operators *o = operators;
    for (size_t c = 0; c < o->classes; c++)
        change[c] = o->class[c].order ? 0 : flip_m2(o, spins, site);
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++)
        change[o->class_of[o->touching[k]]] -= 2 * product_of(o, spins, (size_t)o->touching[k]);
}

double nnsm_local_energy(const nnsm_local *local, const int8_t *spins)
{
    const nnsm_operators *o = local->operators;
    const int32_t(*site)[NNSM_TERM_SITES] = (const int32_t(*)[NNSM_TERM_SITES])o->site;
    double energy = 0;
    size_t first = 0;
    for (size_t c = 0; c < o->classes && o->values; first += o->class[c++].terms)
        energy -= local->coupling[c] * nnsm_operators_value_states(o, c, first, spins);
    for (size_t c = 0; c < o->classes && !o->values; site += o->class[c++].terms) {
        double sum = (double)(o->class[c].order ? sum_products(site, o->class[c].terms, o->class[c].order, spins)
                                                : total(o, spins));
        energy -= local->coupling[c] * (o->class[c].order ? sum : sum * sum / (double)o->sites);
    }
    return energy;
}

double nnsm_local_flip_change(const nnsm_local *local, const int8_t *spins, size_t site)
{
    const nnsm_operators *o = local->operators;
    double change = 0;
    for (size_t c = 0; c < o->classes; c++)
        if (!o->class[c].order && local->coupling[c] != 0)
            change -= local->coupling[c] * flip_m2(o, spins, site);
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++) {
        size_t t = (size_t)o->touching[k];
        change += 2 * local->coupling[o->class_of[t]] * product_of(o, spins, t);
    }
    return change;
}
