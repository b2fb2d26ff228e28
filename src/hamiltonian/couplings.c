#include "hamiltonian/couplings.h"

#include <cblas.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

nnsm_status nnsm_projection_create(nnsm_projection *projection, const nnsm_operators *operators, nnsm_error *error)
{
    size_t k = operators->classes;
    *projection = (nnsm_projection){.operators = operators, .classes = k};
    nnsm_status status = nnsm_normal_create(&projection->normal, k, error);
    if (!status)
        status = NNSM_NEW(&projection->coupling, k, "couplings", error);
    if (!status)
        status = NNSM_NEW(&projection->mean, k, "couplings", error);
    if (!status)
        status = NNSM_NEW(&projection->matrix, k * k, "couplings", error);
    if (!status)
        status = NNSM_NEW(&projection->values, NNSM_TILE * k, "couplings", error);
    if (!status)
        status = nnsm_operator_rows_create(&projection->rows, operators, error);
    return status;
}

void nnsm_projection_destroy(nnsm_projection *projection)
{
    nnsm_normal_destroy(&projection->normal);
    nnsm_release(projection->coupling);
    nnsm_release(projection->mean);
    nnsm_release(projection->matrix);
    nnsm_release(projection->values);
    nnsm_operator_rows_destroy(&projection->rows);
    *projection = (nnsm_projection){0};
}

/* O of every sample; rows beyond `count` are zero, so that products have one shape. */
static void evaluate(nnsm_projection *p, const int8_t *configurations, size_t count)
{
    nnsm_operator_rows_values(&p->rows, configurations, count, p->values);
    memset(p->values + count * p->classes, 0, (NNSM_TILE - count) * p->classes * sizeof *p->values);
}

/* ---- first pass: n, sum H, [classes] sum O, [classes] sum O H, [classes][classes] sum O O (lower triangle) */

size_t nnsm_projection_moments(const nnsm_projection *projection)
{
    return 2 + projection->classes * (2 + projection->classes);
}

void nnsm_projection_add(nnsm_projection *projection, const int8_t *configurations, const double *energy, size_t count,
                         double *moments)
{
    nnsm_projection *p = projection;
    size_t k = p->classes;
    double *sum = moments + 2, *product = sum + k, *square = product + k;
    evaluate(p, configurations, count);
    for (size_t r = 0; r < count; r++) {
        const double *o = p->values + r * k;
        double h = energy[r];
        moments[0] += 1;
        moments[1] += h;
        for (size_t c = 0; c < k; c++) {
            sum[c] += o[c];
            product[c] += o[c] * h;
        }
    }
    cblas_dsyrk(CblasRowMajor, CblasLower, CblasTrans, (int)k, NNSM_TILE, 1, p->values, (int)k, 1, square, (int)k);
}

void nnsm_projection_solve(nnsm_projection *projection, const double *moments)
{
    nnsm_projection *p = projection;
    size_t k = p->classes;
    double n = moments[0];
    const double *sum = moments + 2, *product = sum + k, *square = product + k;
    p->samples = n;
    p->mean_energy = moments[1] / n;
    for (size_t c = 0; c < k; c++) {
        p->mean[c] = sum[c] / n;
        p->coupling[c] = -(product[c] - sum[c] * p->mean_energy);
        for (size_t d = 0; d <= c; d++)
            p->matrix[c * k + d] = square[c * k + d] - sum[c] * sum[d] / n;
        /* What rounding leaves of an operator that does not vary is no variance. */
        if (p->matrix[c * k + c] <= 1e-12 * square[c * k + c])
            p->matrix[c * k + c] = 0;
    }
    nnsm_normal_factorize(&p->normal, p->matrix);
    nnsm_normal_solve(&p->normal, p->coupling);
    p->constant = p->mean_energy;
    for (size_t c = 0; c < k; c++)
        p->constant += p->coupling[c] * p->mean[c];
}

/* ---- second pass */

void nnsm_projection_pull(nnsm_projection *projection, const int8_t *configurations, const double *energy, size_t count,
                          double *pull)
{
    nnsm_projection *p = projection;
    size_t k = p->classes;
    evaluate(p, configurations, count);
    for (size_t r = 0; r < count; r++) {
        const double *o = p->values + r * k;
        double deviation = energy[r] - p->mean_energy, rest = deviation;
        for (size_t c = 0; c < k; c++)
            rest += p->coupling[c] * (o[c] - p->mean[c]);
        for (size_t c = 0; c < k; c++)
            pull[c] -= (o[c] - p->mean[c]) * rest;
        pull[k] += rest * rest;
        pull[k + 1] += deviation * deviation;
    }
}

void nnsm_projection_errors(nnsm_projection *projection, const double *pulls, double *error)
{
    nnsm_projection *p = projection;
    size_t k = p->classes;
    double rest = 0, total = 0, free = p->samples - (double)p->normal.rank - 1;
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        rest += pulls[b * (k + 2) + k];
        total += pulls[b * (k + 2) + k + 1];
    }
    p->r2 = total > 0 ? 1 - rest / total : NAN;
    p->residual = free > 0 ? sqrt(rest / free) : NAN;
    nnsm_block_errors(&p->normal, pulls, k + 2, (double)NNSM_BLOCKS / (NNSM_BLOCKS - 1) * p->samples / free, error);
}

void nnsm_block_errors(nnsm_normal *normal, const double *pulls, size_t stride, double f, double *error)
{
    size_t k = normal->size;
    double *moved = normal->moved;
    memset(error, 0, k * sizeof *error);
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        memcpy(moved, pulls + b * stride, k * sizeof *moved);
        nnsm_normal_solve(normal, moved);
        for (size_t c = 0; c < k; c++)
            error[c] += moved[c] * moved[c];
    }
    for (size_t c = 0; c < k; c++)
        error[c] = nnsm_normal_determined(normal, c) && f > 0 ? sqrt(f * error[c]) : NAN;
}

/* ---- the truth */

typedef struct {
    int32_t site[NNSM_TERM_SITES];
    int32_t class, of_model;
    double coupling;
} known_term;

static int compare_terms(const void *a, const void *b)
{
    const known_term *x = a, *y = b;
    for (int i = 0; i < NNSM_TERM_SITES; i++)
        if (x->site[i] != y->site[i])
            return x->site[i] < y->site[i] ? -1 : 1;
    if (x->of_model != y->of_model)
        return x->of_model - y->of_model;
    return (x->class > y->class) - (x->class < y->class);
}

static size_t list_terms(const nnsm_operators *operators, const double *coupling, known_term *list)
{
    for (size_t t = 0; t < operators->terms; t++) {
        memcpy(list[t].site, operators->site[t], sizeof list[t].site);
        list[t].class = operators->class_of[t];
        list[t].of_model = coupling != NULL;
        list[t].coupling = coupling ? coupling[operators->class_of[t]] : 0;
    }
    return operators->terms;
}

/* Terms [first, end) hold the same sites, the basis' first: share the model's coupling out among them. */
static void match_terms(known_term *list, size_t first, size_t end, const nnsm_operators *basis, double *truth,
                        double *missing)
{
    double coupling = 0;
    size_t own = 0;
    for (size_t t = first; t < end; t++) {
        own += !list[t].of_model;
        coupling += list[t].coupling;
    }
    if (!own)
        *missing = fmax(*missing, fabs(coupling));
    for (size_t t = first; t < first + own; t++) {
        list[t].coupling = coupling / (double)own;
        truth[list[t].class] += list[t].coupling / (double)basis->class[list[t].class].terms;
    }
}

static void match_long_ranged(const nnsm_operators *basis, const nnsm_local *model, double *truth, double *missing)
{
    for (size_t m = 0; m < model->operators->classes; m++) {
        bool found = model->operators->class[m].order != 0;
        for (size_t c = 0; c < basis->classes && !found; c++)
            if (basis->class[c].order == 0) {
                truth[c] += model->coupling[m];
                found = true;
            }
        if (!found)
            *missing = fmax(*missing, fabs(model->coupling[m]));
    }
}

nnsm_status nnsm_couplings_truth(const nnsm_operators *basis, const nnsm_local *model, double *truth, double *missing,
                                 nnsm_error *error)
{
    known_term *list = NULL;
    double largest = 0;
    for (size_t c = 0; c < model->operators->classes; c++)
        largest = fmax(largest, fabs(model->coupling[c]));
    nnsm_status status = NNSM_NEW(&list, basis->terms + model->operators->terms, "true couplings", error);
    if (status)
        return status;
    size_t count = list_terms(basis, NULL, list);
    count += list_terms(model->operators, model->coupling, list + count);
    qsort(list, count, sizeof *list, compare_terms);
    memset(truth, 0, basis->classes * sizeof *truth);
    *missing = 0;
    for (size_t first = 0, end = 0; first < count; first = end) {
        while (end < count && memcmp(list[end].site, list[first].site, sizeof list[first].site) == 0)
            end++;
        match_terms(list, first, end, basis, truth, missing);
    }
    for (size_t t = 0; t < count; t++)
        if (!list[t].of_model)
            *missing = fmax(*missing, fabs(list[t].coupling - truth[list[t].class]));
    match_long_ranged(basis, model, truth, missing);
    if (*missing < 1e-12 * largest)
        *missing = 0; /* rounding of the means */
    nnsm_release(list);
    return NNSM_OK;
}
