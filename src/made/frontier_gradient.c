/* frontier_gradient.c: gradients and log p of outputs of two values, 32 columns at a time: what a tile makes of an
 * output stays in the first caches. Gradients are summed with the raw features (spins, tanh h, 1) and turned into those
 * of the standardised ones afterwards. */
#include <string.h>

#include "made/frontier_kernels.h"
#include "made/frontier_workspace.h"

enum { T = NNSM_TILE, L = NNSM_SUM_LANES };

/* One output on the columns first ... first + T - 1: w->gathered its spins and a one, w->h its tanh h, w->residual and
 * w->loss. b: coefficients of tanh h. */
static void evaluate(const nnsm_frontier *frontier, nnsm_frontier_workspace *w, size_t index, size_t member,
                     size_t first, const float *b)
{
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    const int32_t *sites;
    size_t position = nnsm_frontier_member(frontier, index, member, &sites);
    const float *y = w->spins + (size_t)nnsm_frontier_order(frontier)[position] * w->columns + first;
    for (size_t f = 0; f < fit->frontier; f++)
        if (sites[f] < 0)
            memset(w->gathered + f * T, 0, T * sizeof *w->gathered);
        else
            memcpy(w->gathered + f * T, w->spins + (size_t)sites[f] * w->columns + first, T * sizeof *w->gathered);
    for (size_t c = 0; c < T; c++)
        w->gathered[fit->frontier * T + c] = 1.f;
    nnsm_panels_full(w->panels, nnsm_fit_panels(fit), fit->frontier + 1, w->gathered, w->h);
    nnsm_frontier_saturate(w->h, b, fit->units, w->o);
    nnsm_frontier_likelihood(w->o, y, T, w->residual, w->root, w->loss);
}

/* Columns of a tile that count. */
static size_t counted(size_t count, size_t first)
{
    return count <= first ? 0 : count - first < T ? count - first : T;
}

double nnsm_frontier_fit_gradient(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace, size_t index,
                                  const float *parameters, size_t count, float *sums)
{
    nnsm_frontier_workspace *w = workspace;
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    size_t f = fit->frontier, u = fit->units, d = nnsm_fit_features(fit);
    const float *kappa = parameters + d, *inverse = kappa + u, *sign = inverse + u;
    double nll = 0;
    memset(w->lanes, 0, d * L * sizeof *w->lanes);
    memset(w->sum, 0, d * sizeof *w->sum);
    nnsm_frontier_raw(fit, parameters, kappa, w->raw);
    nnsm_fit_pack(fit, w->raw, sign, w->panels);
    for (size_t member = 0; member < fit->members; member++)
        for (size_t first = 0; first < count; first += T) {
            evaluate(frontier, w, index, member, first, w->raw + f);
            for (size_t c = 0; c < counted(count, first); c++)
                nll += w->loss[c];
            for (size_t c = counted(count, first); c < T; c++)
                w->residual[c] = 0.f;
            nnsm_frontier_correlate(w->gathered, f, w->residual, w->lanes);
            nnsm_frontier_correlate(w->h, u, w->residual, w->lanes + f * L);
            nnsm_frontier_correlate(w->gathered + f * T, 1, w->residual, w->lanes + (f + u) * L);
        }
    for (size_t i = 0; i < d * L; i++)
        w->sum[i / L] += i / L < f && sign[i / L] < 0 ? -w->lanes[i] : w->lanes[i];
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

void nnsm_frontier_fit_losses(const nnsm_frontier *frontier, nnsm_frontier_workspace *workspace, size_t index,
                              size_t count, double *log_probability)
{
    nnsm_frontier_workspace *w = workspace;
    const nnsm_fit *fit = nnsm_frontier_look(frontier, index);
    nnsm_fit_pack(fit, fit->weights, fit->sign, w->panels);
    for (size_t member = 0; member < fit->members; member++)
        for (size_t first = 0; first < count; first += T) {
            evaluate(frontier, w, index, member, first, fit->weights + fit->frontier);
            for (size_t c = 0; c < counted(count, first); c++)
                log_probability[first + c] -= w->loss[c];
        }
}
