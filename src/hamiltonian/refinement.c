#include "hamiltonian/refinement.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/relevance.h"

nnsm_status nnsm_refinement_create(nnsm_refinement *refinement, const nnsm_operators *operators, double temperature,
                                   nnsm_error *error)
{
    size_t k = operators->classes;
    *refinement = (nnsm_refinement){.operators = operators, .classes = k, .temperature = temperature};
    nnsm_status status = nnsm_normal_create(&refinement->normal, k, error);
    if (!status)
        status = NNSM_NEW(&refinement->mean, k, "couplings", error);
    if (!status)
        status = NNSM_NEW(&refinement->matrix, k * k, "couplings", error);
    if (!status)
        status = NNSM_NEW(&refinement->values, NNSM_TILE * k, "couplings", error);
    if (!status)
        status = NNSM_NEW(&refinement->step, k, "couplings", error);
    if (!status)
        status = nnsm_operator_rows_create(&refinement->rows, operators, error);
    return status;
}

void nnsm_refinement_destroy(nnsm_refinement *refinement)
{
    nnsm_normal_destroy(&refinement->normal);
    nnsm_release(refinement->mean);
    nnsm_release(refinement->matrix);
    nnsm_release(refinement->values);
    nnsm_release(refinement->step);
    nnsm_operator_rows_destroy(&refinement->rows);
    *refinement = (nnsm_refinement){0};
}

/* ---- sums */

/* Values of the configurations from `first` on, a tile of them; returns how many. */
static size_t evaluate(nnsm_refinement *r, const int8_t *configurations, size_t first, size_t count)
{
    size_t rows = count - first < NNSM_TILE ? count - first : NNSM_TILE;
    nnsm_operator_rows_values(&r->rows, configurations + first * r->operators->sites, rows, r->values);
    return rows;
}

void nnsm_refinement_add_data(nnsm_refinement *refinement, const int8_t *configurations, size_t count, double *sums)
{
    nnsm_refinement *r = refinement;
    for (size_t i = 0; i < count; i += NNSM_TILE)
        for (size_t row = 0, rows = evaluate(r, configurations, i, count); row < rows; row++)
            for (size_t c = 0; c < r->classes; c++)
                sums[c] += r->values[row * r->classes + c];
}

void nnsm_refinement_data(nnsm_refinement *refinement, const double *sums, double configurations)
{
    for (size_t c = 0; c < refinement->classes; c++)
        refinement->mean[c] = sums[c] / configurations;
}

size_t nnsm_refinement_sums(const nnsm_refinement *refinement)
{
    return 2 + refinement->classes * (1 + refinement->classes);
}

/* One configuration with these values and H - H_0. */
static void add_row(nnsm_refinement *r, const double *coupling, const double *values, double rest, double *sums)
{
    size_t k = r->classes;
    double *mean = sums + 2, *square = mean + k;
    for (size_t c = 0; c < k; c++)
        rest += coupling[c] * values[c]; /* H - H_J */
    double w = exp(rest / r->temperature);
    sums[0] += w;
    sums[1] += w * w;
    for (size_t c = 0; c < k; c++) {
        double x = w * (values[c] - r->mean[c]); /* about the data's means, which keeps the digits */
        mean[c] += x;
        for (size_t d = 0; d <= c; d++)
            square[c * k + d] += x * (values[d] - r->mean[d]);
    }
}

void nnsm_refinement_add(nnsm_refinement *refinement, const double *coupling, double constant,
                         const int8_t *configurations, const double *energy, size_t count, double *sums)
{
    nnsm_refinement *r = refinement;
    for (size_t i = 0; i < count; i += NNSM_TILE)
        for (size_t row = 0, rows = evaluate(r, configurations, i, count); row < rows; row++)
            add_row(r, coupling, r->values + row * r->classes, energy[i + row] - constant, sums);
}

/* ---- the step */

void nnsm_refinement_step(nnsm_refinement *refinement, const double *sums, double *coupling)
{
    nnsm_refinement *r = refinement;
    size_t k = r->classes;
    double n = sums[0];
    const double *mean = sums + 2, *square = mean + k;
    r->effective = n * n / sums[1];
    for (size_t c = 0; c < k; c++) {
        r->values[c] = -mean[c] / n; /* <O>_data - <O>_J */
        for (size_t d = 0; d <= c; d++)
            r->matrix[c * k + d] = square[c * k + d] / n - mean[c] * mean[d] / (n * n);
    }
    nnsm_normal_factorize(&r->normal, r->matrix);
    nnsm_normal_solve(&r->normal, r->values);
    for (size_t c = 0; c < k; c++) {
        r->step[c] = r->temperature * r->values[c];
        coupling[c] += r->step[c];
    }
}

double nnsm_refinement_moved(const nnsm_refinement *refinement, const double *error)
{
    double moved = 0;
    for (size_t c = 0; c < refinement->classes; c++)
        if (nnsm_normal_determined(&refinement->normal, c))
            moved = fmax(moved, fabs(refinement->step[c]) / error[c]);
    return moved;
}

void nnsm_refinement_errors(nnsm_refinement *refinement, const size_t *rows, const double *table, double *error)
{
    nnsm_refinement *r = refinement;
    size_t k = r->classes;
    double n = 0;
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        n += (double)rows[b];
    memset(error, 0, k * sizeof *error);
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        for (size_t c = 0; c < k; c++)
            r->values[c] = (table[b * k + c] - (double)rows[b] * r->mean[c]) / n;
        nnsm_normal_solve(&r->normal, r->values);
        for (size_t c = 0; c < k; c++)
            error[c] += r->values[c] * r->values[c] * NNSM_BLOCKS / (NNSM_BLOCKS - 1);
    }
    for (size_t c = 0; c < k; c++) {
        memset(r->values, 0, k * sizeof *r->values);
        r->values[c] = 1;
        nnsm_normal_solve(&r->normal, r->values);
        error[c] =
            nnsm_normal_determined(&r->normal, c) ? r->temperature * sqrt(error[c] + r->values[c] / r->effective) : NAN;
    }
}

/* C gives the form of the covariance, C^-1; the errors, which know of correlated configurations and of the samples' own
 * noise, its size: the mean over operators, since each of them has the noise of few blocks. */
static double size_of(nnsm_refinement *r, const double *error_of)
{
    double sum = 0;
    for (size_t i = 0; i < r->normal.rank; i++) {
        size_t c = r->normal.kept[i];
        memset(r->values, 0, r->classes * sizeof *r->values);
        r->values[c] = 1;
        nnsm_normal_solve(&r->normal, r->values);
        sum += error_of[c] * error_of[c] / r->values[c];
    }
    return sum / (double)r->normal.rank;
}

nnsm_status nnsm_refinement_relevant(nnsm_refinement *refinement, const double *error_of, double *coupling,
                                     nnsm_error *error)
{
    nnsm_refinement *r = refinement;
    size_t k = r->classes, rank = r->normal.rank;
    const size_t *kept = r->normal.kept;
    double *precision = NULL, size;
    if (rank == 0 || rank > NNSM_MOST_RELEVANCE || !((size = size_of(r, error_of)) > 0))
        return NNSM_OK;
    nnsm_status status = NNSM_NEW(&precision, rank * rank, "couplings", error);
    for (size_t i = 0; i < rank && !status; i++) {
        for (size_t j = 0; j < rank; j++) {
            size_t a = kept[i] > kept[j] ? kept[i] : kept[j], b = kept[i] > kept[j] ? kept[j] : kept[i];
            precision[i * rank + j] = r->matrix[a * k + b] / size;
        }
        r->values[i] = coupling[kept[i]];
    }
    if (!status)
        status = nnsm_relevance(precision, rank, r->values, error);
    for (size_t i = 0; i < rank && !status; i++)
        coupling[kept[i]] = r->values[i];
    nnsm_release(precision);
    return status;
}
