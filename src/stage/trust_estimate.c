/* trust_estimate.c: from the common samples of one temperature to the observables under every Hamiltonian. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "stage/trust.h"
#include "statistics/reweight.h"

/* Means that the observables are functions of. */
enum { ABS_M, M, M2, M4, E, ORDER, OWN_H, H, HH, QUANTITIES };

typedef struct {
    double sites, magnetic_sites, temperature;
    const nnsm_scanned *scanned;
    size_t t;
} context;

/* Observables per site from means. change: (F_k(T) - F_0(T)) / N. */
static void observables(const context *c, const double *x, double change, double *out)
{
    double n = c->sites, free_energy = c->scanned->learned.cell[c->t * NNSM_OBSERVABLES + NNSM_FREE_ENERGY].mean;
    out[NNSM_ABS_MAGNETIZATION] = x[ABS_M];
    out[NNSM_MAGNETIZATION] = x[M];
    out[NNSM_MAGNETIZATION2] = x[M2];
    out[NNSM_MAGNETIZATION4] = x[M4];
    out[NNSM_ENERGY] = x[E];
    out[NNSM_LEARNED_ENERGY] = x[H] / n;
    out[NNSM_HEAT_CAPACITY] = (x[HH] - x[H] * x[H]) / (n * c->temperature * c->temperature);
    out[NNSM_SUSCEPTIBILITY] = c->magnetic_sites * (x[M2] - x[ABS_M] * x[ABS_M]) / c->temperature;
    out[NNSM_BINDER] = 1 - x[M4] / (3 * x[M2] * x[M2]);
    out[NNSM_ORDER] = x[ORDER];
    out[NNSM_FREE_ENERGY] = free_energy + change;
    out[NNSM_ENTROPY] = (x[H] / n - free_energy - change) / c->temperature;
    out[NNSM_TRUST_OWN_H] = x[OWN_H] / n;
}

/* <H^2> - <H>^2 loses digits where H is large against its fluctuations: H_k enters relative to H_0's first value, and
 * shift puts the mean right afterwards. */
static void fill(const double *rows, size_t samples, size_t columns, size_t k, double temperature, double *d, double *x)
{
    for (size_t i = 0; i < samples; i++) {
        const double *row = rows + i * columns;
        double m = row[NNSM_COMMON_M], own = row[NNSM_COMMON_H] - rows[NNSM_COMMON_H],
               h = row[NNSM_COMMON_H + k] - rows[NNSM_COMMON_H + k];
        double values[QUANTITIES] = {fabs(m), m, m * m, m * m * m * m, row[NNSM_COMMON_E], row[NNSM_COMMON_ORDER],
                                     own,     h, h * h};
        memcpy(x + i * QUANTITIES, values, sizeof values);
        d[i] = (row[NNSM_COMMON_H + k] - row[NNSM_COMMON_H]) / temperature;
    }
}

static void estimate(const context *c, const nnsm_reweight *sums, const double *first, size_t left_out, double *out)
{
    double mean[NNSM_REWEIGHT_MOST];
    double change = -c->temperature * nnsm_reweight_means(sums, left_out, mean) / c->sites;
    mean[OWN_H] += first[0];
    double variance = mean[HH] - mean[H] * mean[H];
    mean[H] += first[1];
    mean[HH] = variance + mean[H] * mean[H];
    observables(c, mean, change, out);
    out[NNSM_HEAT_CAPACITY] = variance / (c->sites * c->temperature * c->temperature);
}

nnsm_status nnsm_trust_estimate(nnsm_trust *trust, size_t t, double temperature, double temperature0, double sites,
                                double magnetic_sites, const double *rows, size_t samples, const nnsm_scanned *scanned,
                                nnsm_error *error)
{
    enum { Q = NNSM_TRUST_QUANTITIES, B = NNSM_REWEIGHT_BLOCKS };
    context c = {sites, magnetic_sites, temperature, scanned, t};
    nnsm_reweight own, sums;
    double *d = NULL, *x = NULL, base[B + 1][Q], under[Q], change[Q][B + 1];
    size_t columns = NNSM_COMMON_H + trust->hamiltonians;
    nnsm_status status = NNSM_NEW(&d, samples, "trust", error);
    if (!status)
        status = NNSM_NEW(&x, samples * QUANTITIES, "trust", error);
    for (size_t k = 0; k < trust->hamiltonians && !status; k++) {
        double first[2] = {rows[NNSM_COMMON_H], rows[NNSM_COMMON_H + k]};
        bool distilled = k == trust->networks;
        fill(rows, samples, columns, k, temperature, d, x);
        nnsm_reweight_sums(k ? &sums : &own, samples, d, QUANTITIES, x);
        trust->effective[k * trust->temperatures + t] = k ? sums.effective : own.effective;
        bool reached = trust->effective[k * trust->temperatures + t] >= NNSM_TRUST_EFFECTIVE;
        for (size_t b = 0; b <= B; b++) {
            estimate(&c, k ? &sums : &own, first, b, k ? under : base[b]);
            for (size_t q = 0; q < Q; q++)
                change[q][b] = k ? under[q] - base[b][q] : 0;
        }
        for (size_t q = 0; q < Q; q++) {
            const nnsm_cell *cell = &scanned->learned.cell[t * NNSM_OBSERVABLES];
            double at = q == NNSM_TRUST_OWN_H ? cell[NNSM_LEARNED_ENERGY].mean : cell[q].mean, shift = 0;
            /* The distilled H has no constant, and a Z(T0) of its own. */
            if (distilled && q == NNSM_LEARNED_ENERGY)
                shift = trust->constant / sites;
            else if (distilled && q == NNSM_FREE_ENERGY)
                shift = temperature0 * scanned->distilled.log_partition;
            trust->value[(k * Q + q) * trust->temperatures + t] = reached ? at + change[q][B] + shift : NAN;
            if (distilled) {
                trust->cell[t * Q + q].systematic = reached ? -change[q][B] - shift : NAN;
                trust->cell[t * Q + q].systematic_error = reached ? nnsm_reweight_jackknife(change[q]) : NAN;
            }
        }
    }
    nnsm_release(d);
    nnsm_release(x);
    return status;
}

/* ---- all temperatures together */

static void members_spread(const nnsm_trust *trust, size_t q, size_t t, nnsm_trust_cell *cell)
{
    double mean = 0, square = 0, n = (double)trust->networks - 1;
    const double *value = trust->value + q * trust->temperatures + t;
    size_t stride = NNSM_TRUST_QUANTITIES * trust->temperatures;
    for (size_t k = 1; k < trust->networks; k++)
        mean += value[k * stride] / n;
    for (size_t k = 1; k < trust->networks; k++)
        square += (value[k * stride] - mean) * (value[k * stride] - mean);
    cell->spread = n > 1 ? sqrt(square / (n - 1)) : NAN;
    cell->shift = n > 0 ? mean - value[0] : NAN;
}

/* Two scans that are long enough tell the difference better than common samples do. */
static void compare_scans(const nnsm_trust *trust, const nnsm_scanned *scanned, size_t observable, size_t t,
                          double sites, nnsm_trust_cell *cell)
{
    const nnsm_cell *raw = &scanned->learned.cell[t * NNSM_OBSERVABLES + observable];
    const nnsm_cell *distilled = &scanned->distilled.cell[t * NNSM_OBSERVABLES + observable];
    double constant = observable == NNSM_LEARNED_ENERGY ? trust->constant / sites : 0;
    double error = hypot(raw->error, distilled->error);
    if (cell->systematic_error <= error)
        return;
    cell->systematic = raw->mean - distilled->mean - constant;
    cell->systematic_error = error;
}

void nnsm_trust_total(nnsm_trust *trust, const nnsm_scanned *scanned, double sites)
{
    for (size_t t = 0; t < trust->temperatures; t++)
        for (size_t q = 0; q < NNSM_TRUST_QUANTITIES; q++) {
            nnsm_trust_cell *cell = &trust->cell[t * NNSM_TRUST_QUANTITIES + q];
            size_t observable = q == NNSM_TRUST_OWN_H ? NNSM_LEARNED_ENERGY : q;
            cell->statistical = scanned->learned.cell[t * NNSM_OBSERVABLES + observable].error;
            members_spread(trust, q, t, cell);
            if (!trust->distilled)
                cell->systematic = cell->systematic_error = NAN;
            else if (q != NNSM_TRUST_OWN_H)
                compare_scans(trust, scanned, observable, t, sites, cell);
            double spread = trust->networks > 1 ? cell->spread : 0,
                   systematic = trust->distilled ? cell->systematic : 0;
            cell->total = sqrt(cell->statistical * cell->statistical + spread * spread + systematic * systematic);
        }
}
