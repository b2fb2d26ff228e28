/* frontier_sums.c: the hot part of fitting a frontier network: gradients and Hessians over draws.
 *
 * Configurations are turned into columns, [site][column], so that every quantity of an output is a row over the columns
 * of a block. Gradients are summed with the raw features (spins, tanh h, 1) and turned into those of the standardised
 * ones afterwards; a Hessian of raw features would lose its digits (tanh h is nearly linear for small h), so there the
 * standardised features are formed. */
#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "base/vector_math.h"
#include "made/frontier_fit.h"

enum { GRAIN = 64, MOST_COLUMNS = 512 };

struct nnsm_frontier_workspace {
    size_t columns;
    float *spins;                             /* [sites][columns] */
    float *x;                                 /* [D][columns] features of one output */
    float *product;                           /* [D][D] */
    float *raw;                               /* [D] coefficients of the raw features */
    double *sum;                              /* [D] */
    const float *y;                           /* [columns] spins of the output, in `spins` */
    float *o, *residual, *root, *loss, *part; /* [columns], [columns], [columns], [columns], [D] */
};

static size_t dimension(const nnsm_fit *fit)
{
    return fit->frontier + fit->units + 1;
}

/* ---- workspace */

nnsm_status nnsm_frontier_workspace_create(nnsm_frontier_workspace **out, const nnsm_frontier *frontier, size_t rows,
                                           nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "training workspace", error);
    if (status)
        return status;
    nnsm_frontier_workspace *w = *out;
    size_t d = 0;
    for (size_t f = 0; f < nnsm_frontier_fits(frontier); f++) {
        size_t here = dimension(nnsm_frontier_look(frontier, f));
        d = here > d ? here : d;
    }
    w->columns = (rows + GRAIN - 1) / GRAIN * GRAIN;
    w->columns = w->columns < MOST_COLUMNS ? w->columns : MOST_COLUMNS;
    struct {
        float **array;
        size_t count;
    } arrays[] = {{&w->spins, nnsm_frontier_sites(frontier) * w->columns},
                  {&w->x, d * w->columns},
                  {&w->product, d * d},
                  {&w->raw, d},
                  {&w->o, w->columns},
                  {&w->residual, w->columns},
                  {&w->root, w->columns},
                  {&w->loss, w->columns},
                  {&w->part, d}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i].array, arrays[i].count, "training workspace", error);
    if (!status)
        status = NNSM_NEW(&w->sum, d, "training workspace", error);
    if (status) {
        nnsm_frontier_workspace_destroy(w);
        *out = NULL;
    }
    return status;
}

void nnsm_frontier_workspace_destroy(nnsm_frontier_workspace *workspace)
{
    if (!workspace)
        return;
    float *arrays[] = {workspace->spins,    workspace->x,    workspace->product, workspace->raw, workspace->o,
                       workspace->residual, workspace->root, workspace->loss,    workspace->part};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_release(workspace->sum);
    nnsm_release(workspace);
}

/* Rows into columns, a square at a time; columns beyond count repeat the first and count for nothing. */
static void load(nnsm_frontier_workspace *w, size_t sites, const int8_t *configurations, size_t count)
{
    enum { SQUARE = 32 };
    for (size_t s0 = 0; s0 < sites; s0 += SQUARE)
        for (size_t c0 = 0; c0 < w->columns; c0 += SQUARE)
            for (size_t s = s0; s < s0 + SQUARE && s < sites; s++)
                for (size_t c = c0; c < c0 + SQUARE; c++)
                    w->spins[s * w->columns + c] = configurations[(c < count ? c : 0) * sites + s];
}

/* ---- one output */

/* Frontier spins times their signs (0: not known yet, 1). */
static void gather_spins(nnsm_frontier_workspace *w, size_t frontier, const int32_t *sites, const float *sign)
{
    size_t n = w->columns;
    for (size_t i = 0; i < frontier; i++) {
        const float *from = w->spins + (size_t)sites[i] * n;
        float *x = w->x + i * n;
        memcpy(x, from, n * sizeof *x);
        if (sign[i] < 0)
            for (size_t c = 0; c < n; c++)
                x[c] = -x[c];
    }
}

/* Frontier spins, h without offset, ones; y: the spins of the output. */
static void gather(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t member,
                   const float *sign)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    const int32_t *sites;
    size_t position = nnsm_frontier_member(frontier, index, member, &sites), n = w->columns;
    int f = (int)fit->frontier, u = (int)fit->units, columns = (int)n;
    float *ones = w->x + (fit->frontier + fit->units) * n;
    gather_spins(w, fit->frontier, sites, sign);
    if (u)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, u, columns, f, 1.f, fit->w, f, w->x, columns, 0.f,
                    w->x + fit->frontier * n, columns);
    for (size_t i = 0; i < n; i++)
        ones[i] = 1.f;
    w->y = w->spins + (size_t)nnsm_frontier_order(frontier)[position] * n;
}

NNSM_MULTIVERSION
static void saturate(float *restrict h, float offset, float coefficient, float *restrict o, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float t = nnsm_tanh(h[i] + offset);
        h[i] = t;
        o[i] += coefficient * t;
    }
}

NNSM_MULTIVERSION
static void standardize(float *restrict h, float offset, float kappa, float inverse, float coefficient,
                        float *restrict o, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float x = h[i] + offset, z = (nnsm_tanh(x) - kappa * x) * inverse;
        h[i] = z;
        o[i] += coefficient * z;
    }
}

/* residual = q(+1) - (1 + y) / 2, root^2 = q (1 - q), loss = log(1 + exp(-y o)). */
NNSM_MULTIVERSION
static void likelihood(const float *restrict o, const float *restrict y, float *restrict residual, float *restrict root,
                       float *restrict loss, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float e = nnsm_exp_negative(o[i] < 0.f ? o[i] : -o[i]), q = 1.f / (1.f + e);
        float up = o[i] < 0.f ? 1.f - q : q;
        residual[i] = up - (y[i] > 0.f ? 1.f : 0.f);
        root[i] = sqrtf(q * (1.f - q));
        loss[i] = nnsm_softplus(-y[i] * o[i]);
    }
}

/* Logits to residuals and losses of the columns that count; returns the sum of the losses. */
static double evaluate(nnsm_frontier_workspace *w, size_t count)
{
    double sum = 0;
    likelihood(w->o, w->y, w->residual, w->root, w->loss, w->columns);
    for (size_t i = count; i < w->columns; i++)
        w->residual[i] = w->root[i] = 0.f;
    for (size_t i = 0; i < count; i++)
        sum += w->loss[i];
    return sum;
}

/* w->sum += X residual. */
static void add_gradient(nnsm_frontier_workspace *w, size_t d)
{
    cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)d, (int)w->columns, 1.f, w->x, (int)w->columns, w->residual, 1, 0.f,
                w->part, 1);
    for (size_t i = 0; i < d; i++)
        w->sum[i] += w->part[i];
}

/* ---- one fit, one block of columns */

/* theta z in terms of the raw features: b_u = theta_u / sigma_u, a_f = theta_f - sum_u b_u kappa_u w_uf, ... */
static void raw_coefficients(const nnsm_fit *fit, const float *parameters, float *raw)
{
    size_t f = fit->frontier, u = fit->units;
    const float *kappa = parameters + f + u + 1, *inverse = kappa + u;
    double constant = parameters[f + u];
    for (size_t k = 0; k < u; k++) {
        raw[f + k] = parameters[f + k] * inverse[k];
        constant -= (double)raw[f + k] * kappa[k] * fit->offset[k];
    }
    for (size_t i = 0; i < f; i++) {
        double a = parameters[i];
        for (size_t k = 0; k < u; k++)
            a -= (double)raw[f + k] * kappa[k] * fit->w[k * f + i];
        raw[i] = (float)a;
    }
    raw[f + u] = (float)constant;
}

static void linear_part(nnsm_frontier_workspace *w, size_t f, const float *a, float constant)
{
    for (size_t i = 0; i < w->columns; i++)
        w->o[i] = constant;
    if (f)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)f, (int)w->columns, 1.f, w->x, (int)w->columns, a, 1, 1.f, w->o, 1);
}

/* Logits of one output by coefficients of the raw features; tanh h stays in the workspace. */
static void logits(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t member,
                   const float *raw, const float *sign)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t f = fit->frontier, u = fit->units;
    gather(frontier, w, index, member, sign);
    linear_part(w, f, raw, raw[f + u]);
    for (size_t k = 0; k < u; k++)
        saturate(w->x + (f + k) * w->columns, fit->offset[k], raw[f + k], w->o, w->columns);
}

static double fit_gradient(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                           const float *parameters, size_t count, float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t f = fit->frontier, u = fit->units, d = dimension(fit);
    const float *kappa = parameters + d, *inverse = kappa + u;
    double nll = 0;
    memset(w->sum, 0, d * sizeof *w->sum);
    raw_coefficients(fit, parameters, w->raw);
    for (size_t member = 0; member < fit->members; member++) {
        logits(frontier, w, index, member, w->raw, inverse + u);
        nll += evaluate(w, count);
        add_gradient(w, d);
    }
    for (size_t k = 0; k < u; k++) {
        double along = fit->offset[k] * w->sum[f + u];
        for (size_t i = 0; i < f; i++)
            along += fit->w[k * f + i] * w->sum[i];
        w->sum[f + k] = (w->sum[f + k] - kappa[k] * along) * inverse[k];
    }
    for (size_t i = 0; i < d; i++)
        sums[i] += (float)w->sum[i];
    return nll;
}

static double fit_hessian(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                          const float *parameters, size_t count, float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t f = fit->frontier, u = fit->units, d = dimension(fit);
    const float *kappa = parameters + d, *inverse = kappa + u;
    double nll = 0;
    memset(w->sum, 0, d * sizeof *w->sum);
    for (size_t member = 0; member < fit->members; member++) {
        gather(frontier, w, index, member, inverse + u);
        linear_part(w, f, parameters, parameters[f + u]);
        for (size_t k = 0; k < u; k++)
            standardize(w->x + (f + k) * w->columns, fit->offset[k], kappa[k], inverse[k], parameters[f + k], w->o,
                        w->columns);
        nll += evaluate(w, count);
        add_gradient(w, d);
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i < w->columns; i++)
                w->x[k * w->columns + i] *= w->root[i];
        cblas_ssyrk(CblasRowMajor, CblasLower, CblasNoTrans, (int)d, (int)w->columns, 1.f, w->x, (int)w->columns, 0.f,
                    w->product, (int)d);
        for (size_t k = 0; k < d; k++)
            for (size_t i = 0; i <= k; i++)
                sums[d + k * (k + 1) / 2 + i] += w->product[k * d + i];
    }
    for (size_t i = 0; i < d; i++)
        sums[i] += (float)w->sum[i];
    return nll;
}

/* Correlations of the outputs with their frontiers. */
static void fit_signs(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t count,
                      float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    for (size_t member = 0; member < fit->members; member++) {
        const int32_t *sites;
        size_t position = nnsm_frontier_member(frontier, index, member, &sites);
        const float *y = w->spins + (size_t)nnsm_frontier_order(frontier)[position] * w->columns;
        for (size_t i = 0; i < fit->frontier; i++)
            sums[i] += cblas_sdot((int)count, y, 1, w->spins + (size_t)sites[i] * w->columns, 1);
    }
}

/* Moments of the output in the middle of the fit; the others look the same. */
static void fit_moments(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                        const float *parameters, size_t count, float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t u = fit->units;
    gather(frontier, w, index, fit->members / 2, parameters + dimension(fit) + 2 * u);
    for (size_t k = 0; k < u; k++) {
        const float *h = w->x + (fit->frontier + k) * w->columns;
        double hh = 0, tt = 0, ht = 0;
        for (size_t i = 0; i < count; i++) {
            double x = h[i] + fit->offset[k], t = nnsm_tanh((float)x);
            hh += x * x;
            tt += t * t;
            ht += x * t;
        }
        sums[k] += (float)hh;
        sums[u + k] += (float)tt;
        sums[2 * u + k] += (float)ht;
    }
}

double nnsm_frontier_sums(const nnsm_frontier *frontier, const nnsm_frontier_layout *layout,
                          nnsm_frontier_workspace *workspace, nnsm_fit_sums kind, const float *parameters,
                          const int8_t *configurations, size_t count, float *sums)
{
    nnsm_frontier_workspace *w = workspace;
    size_t sites = nnsm_frontier_sites(frontier);
    const size_t *at = kind == NNSM_FIT_GRADIENT ? layout->gradient : layout->hessian;
    double nll = 0;
    memset(sums, 0, at[layout->fits] * sizeof *sums);
    for (size_t first = 0; first < count; first += w->columns) {
        size_t rows = count - first < w->columns ? count - first : w->columns;
        load(w, sites, configurations + first * sites, rows);
        for (size_t f = 0; f < layout->fits; f++) {
            const float *theta = parameters + layout->parameters[f];
            if (kind == NNSM_FIT_SIGNS)
                fit_signs(frontier, w, f, rows, sums + at[f]);
            else if (kind == NNSM_FIT_MOMENTS)
                fit_moments(frontier, w, f, theta, rows, sums + at[f]);
            else if (kind == NNSM_FIT_HESSIAN)
                nll += fit_hessian(frontier, w, f, theta, rows, sums + at[f]);
            else
                nll += fit_gradient(frontier, w, f, theta, rows, sums + at[f]);
        }
    }
    return nll;
}

/* ---- log p, and into the network */

void nnsm_frontier_log_probability(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace,
                                   const int8_t *configurations, size_t count, double *log_probability)
{
    nnsm_frontier_workspace *w = workspace;
    size_t sites = nnsm_frontier_sites(frontier);
    for (size_t first = 0; first < count; first += w->columns) {
        size_t rows = count - first < w->columns ? count - first : w->columns;
        load(w, sites, configurations + first * sites, rows);
        memset(log_probability + first, 0, rows * sizeof *log_probability);
        for (size_t index = 0; index < nnsm_frontier_fits(frontier); index++)
            for (size_t member = 0; member < nnsm_frontier_look(frontier, index)->members; member++) {
                const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
                logits(frontier, w, index, member, fit->weights, fit->sign);
                (void)evaluate(w, rows);
                for (size_t r = 0; r < rows; r++)
                    log_probability[first + r] -= w->loss[r];
            }
    }
}

void nnsm_frontier_apply(nnsm_frontier *frontier, const nnsm_frontier_layout *layout, const float *parameters)
{
    for (size_t index = 0; index < layout->fits; index++) {
        nnsm_fit *fit = nnsm_frontier_fit(frontier, index);
        const float *own = parameters + layout->parameters[index], *sign = own + dimension(fit) + 2 * fit->units;
        raw_coefficients(fit, own, fit->weights);
        for (size_t i = 0; i < fit->frontier; i++)
            fit->sign[i] = sign[i] < 0 ? -1.f : 1.f; /* 0: not known yet */
    }
}
