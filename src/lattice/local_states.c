/* local_states.c: local operators on sites with more than two values: a basis of them, and their values by look-up. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "lattice/local_states.h"

/* One function of the state of a site, or, symmetric, of two sites: sums of a_k b_k over powers of the values; of
 * labels 1 where the label is `label`, or where two are the same. */
typedef struct {
    int order;
    int power[2];       /* numbers: v_i^p v_j^q + v_i^q v_j^p, without the second where p = q */
    int label;          /* labels, order 1 */
    const char *suffix; /* of the name */
} function;

enum { MOST_FUNCTIONS = NNSM_MAX_VALUES + 4, HIGHEST_POWER = 4 };

static double evaluate(const function *f, const nnsm_alphabet *alphabet, int i, int j)
{
    if (alphabet->labels)
        return f->order == 1 ? i == f->label : i == j;
    double a = alphabet->value[i], b = alphabet->value[j];
    if (f->order == 1)
        return pow(a, f->power[0]);
    double value = pow(a, f->power[0]) * pow(b, f->power[1]);
    return f->power[0] == f->power[1] ? value : value + pow(a, f->power[1]) * pow(b, f->power[0]);
}

/* Odd functions are those that value -> -value changes; basis->field says whether they are wanted. */
static size_t list_functions(const nnsm_basis *basis, const nnsm_alphabet *alphabet, function *list)
{
    static const char *const power_suffix[] = {"", "", " v^2", " v^3", " v^4"};
    size_t count = 0;
    if (alphabet->labels) { /* the frequencies of all labels add up to one: the first is left out */
        for (int k = 1; k < alphabet->count && basis->field; k++)
            list[count++] = (function){.order = 1, .label = k, .suffix = NULL};
        list[count++] = (function){.order = 2, .suffix = ""};
        return count;
    }
    for (int p = 1; p < alphabet->count && p <= HIGHEST_POWER; p++) /* powers beyond q - 1 are no new functions */
        if (p % 2 == 0 || basis->field)
            list[count++] = (function){.order = 1, .power = {p}, .suffix = power_suffix[p]};
    list[count++] = (function){.order = 2, .power = {1, 1}, .suffix = ""};
    if (basis->triples)
        list[count++] = (function){.order = 2, .power = {2, 1}, .suffix = " v^2 v"};
    if (basis->quadruples)
        list[count++] = (function){.order = 2, .power = {2, 2}, .suffix = " v^2 v^2"};
    return count;
}

/* Every class of the lattice's sites and pairs once for each function of its order. */
typedef struct {
    size_t classes, terms;
    nnsm_operator *class;
    int32_t (*site)[NNSM_TERM_SITES];
    int32_t *class_of;
    double *table;
} copies;

static void copy_class(const nnsm_operators *from, size_t c, size_t first, const function *f,
                       const nnsm_alphabet *alphabet, copies *to)
{
    size_t q = (size_t)alphabet->count;
    nnsm_operator *class = &to->class[to->classes];
    *class = from->class[c];
    if (f->suffix)
        (void)snprintf(class->name, sizeof class->name, "%.30s%s", from->class[c].name, f->suffix);
    else
        (void)snprintf(class->name, sizeof class->name, "%.20s label %d", from->class[c].name,
                       (int)alphabet->value[f->label]);
    for (size_t i = 0; i < q; i++)
        for (size_t j = 0; j < q; j++)
            to->table[(to->classes * q + i) * q + j] = evaluate(f, alphabet, (int)i, (int)j);
    for (size_t t = 0; t < from->class[c].terms; t++) {
        memcpy(to->site[to->terms], from->site[first + t], sizeof *to->site);
        to->class_of[to->terms++] = (int32_t)to->classes;
    }
    to->classes++;
}

static nnsm_status make_copies(const nnsm_operators *from, size_t functions, const function *list,
                               const nnsm_alphabet *alphabet, copies *to, nnsm_error *error)
{
    size_t q = (size_t)alphabet->count, most = from->classes * functions, terms = from->terms * functions, first = 0;
    if (terms > 1u << 24)
        return nnsm_fail(error, NNSM_USAGE, "%zu terms of local operators are more than 2^24; lower couplings.range",
                         terms);
    nnsm_status status = NNSM_NEW(&to->class, most, "local operators", error);
    if (!status)
        status = nnsm_allocate((void **)&to->site, terms, sizeof *to->site, "local operators", error);
    if (!status)
        status = NNSM_NEW(&to->class_of, terms, "local operators", error);
    if (!status)
        status = NNSM_NEW(&to->table, most * q * q, "local operators", error);
    for (size_t c = 0; c < from->classes && !status; first += from->class[c++].terms)
        for (size_t f = 0; f < functions; f++)
            if (list[f].order == from->class[c].order)
                copy_class(from, c, first, &list[f], alphabet, to);
    return status;
}

nnsm_status nnsm_operators_create_states(nnsm_operators *operators, const nnsm_lattice *lattice,
                                         const nnsm_basis *basis, const nnsm_alphabet *alphabet, nnsm_error *error)
{
    function list[MOST_FUNCTIONS];
    size_t functions = list_functions(basis, alphabet, list);
    nnsm_basis shapes = {.field = basis->field || !alphabet->labels,
                         .range = basis->range,
                         .translation = basis->translation,
                         .point_group = basis->point_group};
    nnsm_operators plain = {0};
    copies to = {0};
    *operators = (nnsm_operators){0};
    if (basis->m2)
        return nnsm_fail(error, NNSM_USAGE,
                         "couplings.basis: \"m2\" is an operator of sites of two values, not of %d; remove it",
                         (int)alphabet->count);
    nnsm_status status = nnsm_operators_create(&plain, lattice, &shapes, error);
    if (!status)
        status = make_copies(&plain, functions, list, alphabet, &to, error);
    if (!status)
        status = nnsm_operators_assemble(operators, plain.sites, to.classes, to.class, to.terms,
                                         (const int32_t(*)[NNSM_TERM_SITES])to.site, to.class_of, error);
    if (!status) {
        operators->values = alphabet->count;
        operators->table = to.table;
        to.table = NULL;
    }
    nnsm_release(to.class);
    nnsm_release(to.site);
    nnsm_release(to.class_of);
    nnsm_release(to.table);
    nnsm_operators_destroy(&plain);
    return status;
}

double nnsm_operators_value_states(const nnsm_operators *operators, size_t class, size_t first, const int8_t *states)
{
    size_t q = (size_t)operators->values;
    const double *table = operators->table + class * q * q;
    double sum = 0;
    for (size_t t = first; t < first + operators->class[class].terms; t++) {
        const int32_t *site = operators->site[t];
        size_t j = site[1] < 0 ? 0 : (size_t)states[site[1]];
        sum += table[(size_t)states[site[0]] * q + j];
    }
    return sum;
}
