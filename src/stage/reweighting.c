#include "stage/reweighting.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"

nnsm_status nnsm_reweighted_create(nnsm_reweighted *reweighted, size_t samples, size_t temperatures, nnsm_error *error)
{
    nnsm_reweighted *r = reweighted;
    *r = (nnsm_reweighted){.samples = samples, .temperatures = temperatures};
    nnsm_status status = nnsm_allocate((void **)&r->sample, samples, sizeof *r->sample, "ancestral samples", error);
    if (!status)
        status = NNSM_NEW(&r->effective, temperatures, "ancestral samples", error);
    if (!status)
        status = nnsm_allocate((void **)&r->mean, temperatures, sizeof *r->mean, "ancestral samples", error);
    if (!status)
        status = nnsm_allocate((void **)&r->error, temperatures, sizeof *r->error, "ancestral samples", error);
    return status;
}

void nnsm_reweighted_destroy(nnsm_reweighted *reweighted)
{
    nnsm_release(reweighted->sample);
    nnsm_release(reweighted->effective);
    nnsm_release(reweighted->mean);
    nnsm_release(reweighted->error);
    *reweighted = (nnsm_reweighted){0};
}

static void evaluate_one(nnsm_reweighted *r, size_t t, double beta_change)
{
    double largest = -INFINITY, total = 0, square = 0, sum[NNSM_REWEIGHTED] = {0}, variance[NNSM_REWEIGHTED] = {0};
    for (size_t i = 0; i < r->samples; i++)
        largest = fmax(largest, -beta_change * r->sample[i][NNSM_REWEIGHTED_H]);
    for (size_t i = 0; i < r->samples; i++) {
        double w = exp(-beta_change * r->sample[i][NNSM_REWEIGHTED_H] - largest);
        total += w;
        square += w * w;
        for (int o = 0; o < NNSM_REWEIGHTED; o++)
            sum[o] += w * r->sample[i][o];
    }
    for (size_t i = 0; i < r->samples; i++) {
        double w = exp(-beta_change * r->sample[i][NNSM_REWEIGHTED_H] - largest);
        for (int o = 0; o < NNSM_REWEIGHTED; o++) {
            double d = r->sample[i][o] - sum[o] / total;
            variance[o] += w * w * d * d;
        }
    }
    r->effective[t] = total * total / square;
    bool reached = r->effective[t] >= NNSM_LEAST_EFFECTIVE;
    for (int o = 0; o < NNSM_REWEIGHTED; o++) {
        r->mean[t][o] = reached ? sum[o] / total : NAN;
        r->error[t][o] = reached ? sqrt(variance[o]) / total : NAN;
    }
}

void nnsm_reweighted_evaluate(nnsm_reweighted *reweighted, double temperature0, const double *temperature)
{
    for (size_t t = 0; t < reweighted->temperatures; t++)
        evaluate_one(reweighted, t, 1 / temperature[t] - 1 / temperature0);
}

double nnsm_reweighted_pull(const nnsm_reweighted *reweighted, size_t t, int observable, double mean, double error)
{
    double sigma = hypot(reweighted->error[t][observable], error);
    double pull = (mean - reweighted->mean[t][observable]) / sigma;
    return isfinite(pull) ? pull : 0;
}

void nnsm_reweighted_write(nnsm_h5 *h5, const nnsm_reweighted *reweighted, bool model_known, double sites)
{
    static const struct {
        const char *name, *units;
    } text[NNSM_REWEIGHTED] = {
        {"abs_magnetization", "1"}, {"energy", "energy per site"}, {"learned_energy", "energy per site"}};
    double column[2][NNSM_CONFIG_TEMPERATURES];
    const nnsm_reweighted *r = reweighted;
    for (int o = 0; o < NNSM_REWEIGHTED; o++) {
        char path[96];
        for (size_t t = 0; t < r->temperatures; t++) {
            column[0][t] = r->mean[t][o] / (o == NNSM_REWEIGHTED_H ? sites : 1);
            column[1][t] = r->error[t][o] / (o == NNSM_REWEIGHTED_H ? sites : 1);
        }
        for (int k = 0; k < 2 && (o != NNSM_REWEIGHTED_E || model_known); k++) {
            (void)snprintf(path, sizeof path, "/scan/reweighted/%s/%s", text[o].name, k ? "error" : "mean");
            nnsm_h5_write_doubles(h5, path, 1, &r->temperatures, column[k], text[o].units,
                                  "ancestral samples at T0 with weights p^(T0/T - 1); NaN where n_eff is too small");
        }
    }
    nnsm_h5_write_doubles(h5, "/scan/reweighted/effective_samples", 1, &r->temperatures, r->effective, "1",
                          "n_eff = (sum w)^2 / sum w^2");
    nnsm_h5_set_integer(h5, "/scan/reweighted", "samples", (int64_t)r->samples);
    nnsm_h5_set_integer(h5, "/scan/reweighted", "least_effective_samples", NNSM_LEAST_EFFECTIVE);
}
