#include "sampler/surrogate.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static const double standard_errors = 3, least_pair = 0.02, least_other = 0.05, most_frustrated = 0.1;

/* ---- which classes */

/* Standard deviation of a class's function over all states of its sites alike: 1 for products of spins. */
static double width(const nnsm_operators *o, size_t class)
{
    size_t square = (size_t)(o->values * o->values);
    double mean = 0, variance = 0;
    for (size_t i = 0; i < square; i++)
        mean += o->table[class * square + i] / (double)square;
    for (size_t i = 0; i < square; i++)
        variance += pow(o->table[class * square + i] - mean, 2) / (double)square;
    return o->values ? sqrt(variance) : 1;
}

static double weight(const nnsm_local *local, size_t class)
{
    const nnsm_operator *c = &local->operators->class[class];
    double terms = c->order ? (double)c->terms : (double)local->operators->sites;
    return fabs(local->coupling[class]) * width(local->operators, class) *
           sqrt(terms / (double)local->operators->sites);
}

static void choose(const nnsm_local *local, const double *uncertainty, bool *keep)
{
    const nnsm_operators *o = local->operators;
    double largest = 0;
    for (size_t c = 0; c < o->classes; c++) {
        double noise = uncertainty ? standard_errors * uncertainty[c] : 0;
        keep[c] = fabs(local->coupling[c]) > noise; /* false also for NaN: an undetermined coupling */
        largest = keep[c] ? fmax(largest, weight(local, c)) : largest;
    }
    for (size_t c = 0; c < o->classes; c++) {
        bool simple = o->class[c].order == 1 || o->class[c].order == 2;
        keep[c] = keep[c] && weight(local, c) >= (simple ? least_pair : least_other) * largest;
    }
}

/* The functions of the kept classes, of more than two values. */
static nnsm_status copy_tables(nnsm_surrogate *s, const nnsm_operators *o, const bool *keep, nnsm_error *error)
{
    size_t square = (size_t)(o->values * o->values), classes = 0;
    nnsm_status status = NNSM_NEW(&s->operators.table, s->operators.classes * square, "surrogate", error);
    for (size_t c = 0; c < o->classes && !status; c++)
        if (keep[c])
            memcpy(s->operators.table + classes++ * square, o->table + c * square, square * sizeof *o->table);
    s->operators.values = status ? 0 : o->values;
    return status;
}

static nnsm_status reduce(nnsm_surrogate *s, const nnsm_local *local, const bool *keep, nnsm_operator *class,
                          int32_t (*site)[NNSM_TERM_SITES], int32_t *class_of, nnsm_error *error)
{
    const nnsm_operators *o = local->operators;
    size_t classes = 0, terms = 0, t = 0;
    for (size_t c = 0; c < o->classes; c++) {
        size_t end = t + o->class[c].terms;
        for (; t < end; t++)
            if (keep[c]) {
                memcpy(site[terms], o->site[t], sizeof *site);
                class_of[terms++] = (int32_t)classes;
            }
        if (keep[c]) {
            s->coupling[classes] = local->coupling[c];
            class[classes++] = o->class[c];
        }
    }
    nnsm_status status = nnsm_operators_assemble(&s->operators, o->sites, classes, class, terms,
                                                 (const int32_t(*)[NNSM_TERM_SITES])site, class_of, error);
    return status || !o->values ? status : copy_tables(s, o, keep, error);
}

/* ---- frustration: bonds from the strongest to the weakest tie sites together, with their relative sign, in trees; a
 * bond inside a tree is satisfied or not. The ghost spin of the fields is site number `sites`. */

typedef struct {
    double strength;
    size_t term;
} bond;

static int stronger_first(const void *a, const void *b)
{
    const bond *x = a, *y = b;
    if (x->strength != y->strength)
        return x->strength > y->strength ? -1 : 1;
    return x->term < y->term ? -1 : 1;
}

/* Root of a site; sign: out, of the site relative to the root. */
static int32_t find(const int32_t *parent, const int8_t *sign, int32_t site, int *product)
{
    for (*product = 1; parent[site] != site; site = parent[site])
        *product *= sign[site];
    return site;
}

static double broken_share(const nnsm_local *local, bond *bonds, int32_t *parent, int8_t *sign, int32_t *size)
{
    const nnsm_operators *o = local->operators;
    double total = 0, broken = 0;
    size_t count = 0;
    for (size_t i = 0; i <= o->sites; i++) {
        parent[i] = (int32_t)i;
        size[i] = 1;
    }
    for (size_t t = 0; t < o->terms; t++)
        if (o->class[o->class_of[t]].order == 1 || o->class[o->class_of[t]].order == 2)
            bonds[count++] = (bond){fabs(local->coupling[o->class_of[t]]), t};
    qsort(bonds, count, sizeof *bonds, stronger_first);
    for (size_t b = 0; b < count; b++) {
        size_t t = bonds[b].term;
        bool field = o->class[o->class_of[t]].order == 1;
        int a, c, wanted = local->coupling[o->class_of[t]] > 0 ? 1 : -1;
        int32_t x = find(parent, sign, o->site[t][0], &a);
        int32_t y = find(parent, sign, field ? (int32_t)o->sites : o->site[t][1], &c);
        total += bonds[b].strength;
        if (x == y) {
            broken += a * c == wanted ? 0 : bonds[b].strength;
            continue;
        }
        int32_t small = size[x] < size[y] ? x : y, large = small == x ? y : x;
        parent[small] = large;
        sign[small] = (int8_t)(a * c * wanted);
        size[large] += size[small];
    }
    return total > 0 ? broken / total : 0;
}

nnsm_status nnsm_surrogate_frustration(const nnsm_local *local, double *share, nnsm_error *error)
{
    bond *bonds = NULL;
    int32_t *parent = NULL, *size = NULL;
    int8_t *sign = NULL;
    nnsm_status status = NNSM_NEW(&bonds, local->operators->terms, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&parent, local->operators->sites + 1, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&size, local->operators->sites + 1, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&sign, local->operators->sites + 1, "surrogate", error);
    if (!status)
        *share = broken_share(local, bonds, parent, sign, size);
    nnsm_release(bonds);
    nnsm_release(parent);
    nnsm_release(size);
    nnsm_release(sign);
    return status;
}

/* ---- creation */

static nnsm_status choose_kind(nnsm_surrogate *s, nnsm_error *error)
{
    double frustration = 0;
    bool simple = !s->operators.values; /* clusters are made of spins */
    for (size_t c = 0; c < s->operators.classes; c++)
        simple = simple && (s->operators.class[c].order == 1 || s->operators.class[c].order == 2);
    nnsm_status status = simple ? nnsm_surrogate_frustration(&s->local, &frustration, error) : NNSM_OK;
    s->kind = simple && frustration <= most_frustrated ? NNSM_CLUSTERS : NNSM_HEAT_BATH;
    if (!s->operators.classes)
        s->kind = NNSM_NO_PROPOSALS;
    return status;
}

nnsm_status nnsm_surrogate_create(nnsm_surrogate *surrogate, const nnsm_local *local, const double *uncertainty,
                                  nnsm_error *error)
{
    const nnsm_operators *o = local->operators;
    bool *keep = NULL;
    nnsm_operator *class = NULL;
    int32_t(*site)[NNSM_TERM_SITES] = NULL, *class_of = NULL;
    *surrogate = (nnsm_surrogate){0};
    nnsm_status status = NNSM_NEW(&surrogate->coupling, o->classes, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&keep, o->classes, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&class, o->classes, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&site, o->terms, "surrogate", error);
    if (!status)
        status = NNSM_NEW(&class_of, o->terms, "surrogate", error);
    if (!status) {
        choose(local, uncertainty, keep);
        status = reduce(surrogate, local, keep, class, site, class_of, error);
    }
    surrogate->local = (nnsm_local){&surrogate->operators, surrogate->coupling};
    if (!status)
        status = choose_kind(surrogate, error);
    nnsm_release(keep);
    nnsm_release(class);
    nnsm_release(site);
    nnsm_release(class_of);
    if (status)
        nnsm_surrogate_destroy(surrogate);
    return status;
}

void nnsm_surrogate_destroy(nnsm_surrogate *surrogate)
{
    nnsm_operators_destroy(&surrogate->operators);
    nnsm_release(surrogate->coupling);
    *surrogate = (nnsm_surrogate){0};
}

void nnsm_surrogate_describe(const nnsm_surrogate *surrogate, char *text, size_t size)
{
    const nnsm_operators *o = &surrogate->operators;
    size_t used = 0;
    text[0] = '\0';
    for (size_t c = 0; c < o->classes && used + NNSM_OPERATOR_NAME + 8 < size; c++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", c ? ", " : "", o->class[c].name);
    if (used && used + NNSM_OPERATOR_NAME + 8 >= size)
        (void)snprintf(text + used, size - used, ", ...");
}
