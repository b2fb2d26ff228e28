#include "made/frontier_workspace.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/frontier_kernels.h"

enum { GRAIN = 64, MOST_COLUMNS = 512 };

/* ---- workspace */

nnsm_status nnsm_frontier_workspace_create(nnsm_frontier_workspace **out, const nnsm_frontier *frontier, size_t rows,
                                           nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "training workspace", error);
    if (status)
        return status;
    nnsm_frontier_workspace *w = *out;
    size_t p = 0, inputs = 0, rows_of_panels = 0,
           k = (size_t)nnsm_frontier_architecture_of(frontier)->alphabet.count - 1;
    for (size_t f = 0; f < nnsm_frontier_fits(frontier); f++) {
        const nnsm_fit *fit = nnsm_frontier_look(frontier, f);
        size_t here = nnsm_fit_features(fit), own = nnsm_fit_panels(fit) * NNSM_PANEL_ROWS;
        p = here > p ? here : p;
        inputs = fit->inputs > inputs ? fit->inputs : inputs;
        rows_of_panels = own > rows_of_panels ? own : rows_of_panels;
    }
    w->columns = (rows + GRAIN - 1) / GRAIN * GRAIN;
    w->columns = w->columns < MOST_COLUMNS ? w->columns : MOST_COLUMNS;
    struct {
        float **array;
        size_t count;
    } arrays[] = {{&w->spins, nnsm_frontier_sites(frontier) * w->columns},
                  {&w->x, p * w->columns},
                  {&w->product, p * p},
                  {&w->raw, k * p},
                  {&w->o, k * w->columns},
                  {&w->residual, k * w->columns},
                  {&w->root, w->columns},
                  {&w->loss, w->columns},
                  {&w->q, k > 1 ? k * w->columns : 0},
                  {&w->scaled, k > 1 ? p * w->columns : 0},
                  {&w->panels, k > 1 ? 0 : rows_of_panels * (inputs + 1)},
                  {&w->gathered, k > 1 ? 0 : (inputs + 1) * NNSM_TILE},
                  {&w->h, k > 1 ? 0 : rows_of_panels * NNSM_TILE},
                  {&w->lanes, k > 1 ? 0 : p * NNSM_SUM_LANES},
                  {&w->part, k * p}};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status; i++)
        status = NNSM_NEW(arrays[i].array, arrays[i].count, "training workspace", error);
    if (!status)
        status = NNSM_NEW(&w->sum, k * p, "training workspace", error);
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
    float *arrays[] = {workspace->spins,    workspace->x,      workspace->product,  workspace->raw,  workspace->o,
                       workspace->residual, workspace->root,   workspace->loss,     workspace->part, workspace->q,
                       workspace->scaled,   workspace->panels, workspace->gathered, workspace->h,    workspace->lanes};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        nnsm_release(arrays[i]);
    nnsm_release(workspace->sum);
    nnsm_release(workspace);
}

void nnsm_frontier_load(nnsm_frontier_workspace *w, size_t sites, const int8_t *configurations, size_t count)
{
    enum { SQUARE = 32 };
    for (size_t s0 = 0; s0 < sites; s0 += SQUARE)
        for (size_t c0 = 0; c0 < w->columns; c0 += SQUARE)
            for (size_t s = s0; s < s0 + SQUARE && s < sites; s++)
                for (size_t c = c0; c < c0 + SQUARE; c++)
                    w->spins[s * w->columns + c] = configurations[(c < count ? c : 0) * sites + s];
}

/* ---- features of one output */

/* Frontier spins times their signs (0: not known yet, 1). */
static void gather_spins(nnsm_frontier_workspace *w, size_t frontier, const int32_t *sites, const float *sign)
{
    size_t n = w->columns;
    for (size_t i = 0; i < frontier; i++) {
        float *x = w->x + i * n;
        if (sites[i] < 0) {
            memset(x, 0, n * sizeof *x);
            continue;
        }
        memcpy(x, w->spins + (size_t)sites[i] * n, n * sizeof *x);
        if (sign[i] < 0)
            for (size_t c = 0; c < n; c++)
                x[c] = -x[c];
    }
}

/* Of every frontier site its q - 1 indicators, about their mean 1 / q. */
static void gather_states(nnsm_frontier_workspace *w, const nnsm_fit *fit, const int32_t *sites, const float *sign)
{
    size_t n = w->columns, outputs = fit->outputs;
    float mean = 1.f / (float)(outputs + 1);
    for (size_t i = 0; i < fit->frontier; i++) {
        if (sites[i] < 0) {
            memset(w->x + i * outputs * n, 0, outputs * n * sizeof *w->x);
            continue;
        }
        const float *from = w->spins + (size_t)sites[i] * n;
        float up = sign[i] < 0 ? mean - 1.f : 1.f - mean, down = sign[i] < 0 ? mean : -mean;
        for (size_t k = 0; k < outputs; k++) {
            float *x = w->x + (i * outputs + k) * n, value = (float)(k + 1);
            for (size_t c = 0; c < n; c++)
                x[c] = from[c] == value ? up : down;
        }
    }
}

void nnsm_frontier_gather(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t member,
                          const float *sign)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    const int32_t *sites;
    size_t position = nnsm_frontier_member(frontier, index, member, &sites), n = w->columns;
    int f = (int)fit->inputs, u = (int)fit->units, columns = (int)n;
    float *ones = w->x + (fit->inputs + fit->units) * n;
    if (fit->outputs > 1)
        gather_states(w, fit, sites, sign);
    else
        gather_spins(w, fit->frontier, sites, sign);
    if (u)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, u, columns, f, 1.f, fit->w, f, w->x, columns, 0.f,
                    w->x + fit->inputs * n, columns);
    for (size_t i = 0; i < n; i++)
        ones[i] = 1.f;
    w->y = w->spins + (size_t)nnsm_frontier_order(frontier)[position] * n;
}

void nnsm_frontier_raw(const nnsm_fit *fit, const float *theta, const float *kappa, float *raw)
{
    size_t f = fit->inputs, u = fit->units;
    const float *inverse = kappa + u;
    double constant = theta[f + u];
    for (size_t k = 0; k < u; k++) {
        raw[f + k] = theta[f + k] * inverse[k];
        constant -= (double)raw[f + k] * kappa[k] * fit->offset[k];
    }
    for (size_t i = 0; i < f; i++) {
        double a = theta[i];
        for (size_t k = 0; k < u; k++)
            a -= (double)raw[f + k] * kappa[k] * fit->w[k * f + i];
        raw[i] = (float)a;
    }
    raw[f + u] = (float)constant;
}

/* ---- what comes before the fit */

/* Sum of x y, x the values scaled to -1 ... 1; of labels, of 1 where they are the same, less 1 / q. */
static double correlate(const nnsm_alphabet *alphabet, const float *x, const float *y, size_t count)
{
    double low = alphabet->value[0], high = alphabet->value[alphabet->count - 1], sum = 0;
    for (size_t i = 0; i < count; i++) {
        double a = (2.0 * alphabet->value[(int)x[i]] - high - low) / (high - low);
        double b = (2.0 * alphabet->value[(int)y[i]] - high - low) / (high - low);
        sum += alphabet->labels ? (x[i] == y[i] ? 1.0 : 0.0) - 1.0 / alphabet->count : a * b;
    }
    return sum;
}

void nnsm_frontier_fit_signs(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t count,
                             float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    const nnsm_alphabet *alphabet = &nnsm_frontier_architecture_of(frontier)->alphabet;
    for (size_t member = 0; member < fit->members; member++) {
        const int32_t *sites;
        size_t position = nnsm_frontier_member(frontier, index, member, &sites);
        const float *y = w->spins + (size_t)nnsm_frontier_order(frontier)[position] * w->columns;
        for (size_t i = 0; i < fit->frontier; i++) {
            if (sites[i] < 0)
                continue;
            const float *x = w->spins + (size_t)sites[i] * w->columns;
            sums[i] += fit->outputs > 1 ? (float)correlate(alphabet, x, y, count) : cblas_sdot((int)count, y, 1, x, 1);
        }
    }
}

void nnsm_frontier_fit_moments(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index,
                               const float *parameters, size_t count, float *sums)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t u = fit->units, asked = nnsm_fit_moments_of(fit);
    for (size_t i = 0; i < asked; i++) {
        size_t member = i * fit->members / asked;
        nnsm_frontier_gather(frontier, w, index, member, parameters + nnsm_fit_dimension(fit) + 2 * u);
        for (size_t k = 0; k < u; k++) {
            const float *h = w->x + (fit->inputs + k) * w->columns;
            double moment[3];
            nnsm_frontier_moments(h, fit->offset[k], count, moment);
            for (size_t m = 0; m < 3; m++)
                sums[m * u + k] += (float)moment[m];
        }
    }
}
