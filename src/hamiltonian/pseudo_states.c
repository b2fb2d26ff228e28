#include "hamiltonian/pseudo_states.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"
#include "base/vector_math.h"
#include "hamiltonian/pseudo_kernels.h"

nnsm_status nnsm_pseudo_states_create(nnsm_pseudo_states *states, size_t values, size_t classes, nnsm_error *error)
{
    *states = (nnsm_pseudo_states){.values = values};
    nnsm_status status = NNSM_NEW(&states->feature, classes * values * NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&states->share, values * NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&states->mean, NNSM_LANES, "pseudo-likelihood", error);
    return status ? status : NNSM_NEW(&states->panel, classes * NNSM_LANES, "pseudo-likelihood", error);
}

void nnsm_pseudo_states_destroy(nnsm_pseudo_states *states)
{
    nnsm_release(states->feature);
    nnsm_release(states->share);
    nnsm_release(states->mean);
    nnsm_release(states->panel);
    *states = (nnsm_pseudo_states){0};
}

/* ---- passes over the lanes */

/* f_v += table[v][other], for all v. */
static void add_term(const double *table, size_t values, const int8_t *other, float *feature)
{
    for (size_t v = 0; v < values; v++)
        for (size_t l = 0; l < NNSM_LANES; l++)
            feature[v * NNSM_LANES + l] += (float)table[v * values + (size_t)other[l]];
}

NNSM_MULTIVERSION
static void add_scaled(const float *restrict feature, float factor, size_t count, float *restrict out)
{
    for (size_t i = 0; i < count; i++)
        out[i] += factor * feature[i];
}

/* Scores into probabilities, 0 in lanes beyond count; -log of the own one into *loss. */
static void normalize(float *share, size_t values, const int8_t *own, size_t count, double *loss)
{
    for (size_t l = 0; l < NNSM_LANES; l++) {
        float top = share[l], total = 0, here = share[(size_t)own[l] * NNSM_LANES + l];
        for (size_t v = 1; v < values; v++)
            top = share[v * NNSM_LANES + l] > top ? share[v * NNSM_LANES + l] : top;
        for (size_t v = 0; v < values; v++)
            total += share[v * NNSM_LANES + l] = nnsm_exp_negative(share[v * NNSM_LANES + l] - top);
        for (size_t v = 0; v < values; v++)
            share[v * NNSM_LANES + l] *= l < count ? 1.f / total : 0.f;
        *loss += l < count ? (double)(top + nnsm_log_above_one(total) - here) : 0;
    }
}

NNSM_MULTIVERSION
static void find_mean(const float *restrict feature, const float *restrict share, size_t values, float *restrict mean)
{
    memset(mean, 0, NNSM_LANES * sizeof *mean);
    for (size_t v = 0; v < values; v++)
        for (size_t l = 0; l < NNSM_LANES; l++)
            mean[l] += share[v * NNSM_LANES + l] * feature[v * NNSM_LANES + l];
}

NNSM_MULTIVERSION
static void center(float *restrict feature, const float *restrict mean, size_t values)
{
    for (size_t v = 0; v < values; v++)
        for (size_t l = 0; l < NNSM_LANES; l++)
            feature[v * NNSM_LANES + l] -= mean[l];
}

NNSM_MULTIVERSION
static void weigh(const float *restrict feature, const float *restrict share, double *restrict out)
{
    for (size_t l = 0; l < NNSM_LANES; l++)
        out[l] = (double)(feature[l] * sqrtf(share[l]));
}

/* ---- one site */

static void find_features(nnsm_pseudo_states *s, const nnsm_pseudo_site *at)
{
    static const int8_t nobody[NNSM_LANES] = {0};
    const nnsm_operators *o = at->operators;
    size_t q = s->values;
    memset(s->feature, 0, at->classes * q * NNSM_LANES * sizeof *s->feature);
    for (size_t k = o->first[at->site]; k < o->first[at->site + 1]; k++) {
        const int32_t *pair = o->site[o->touching[k]];
        size_t other = (size_t)((size_t)pair[0] == at->site ? pair[1] : pair[0]);
        add_term(o->table + (size_t)o->class_of[o->touching[k]] * q * q, q,
                 pair[1] < 0 ? nobody : at->states + other * NNSM_LANES,
                 s->feature + (size_t)at->place[k] * q * NNSM_LANES);
    }
}

void nnsm_pseudo_states_add(nnsm_pseudo_states *states, const nnsm_pseudo_site *site, double *pull, double *loss,
                            double *hessian)
{
    nnsm_pseudo_states *s = states;
    const int8_t *own = site->states + site->site * NNSM_LANES;
    size_t q = s->values, block = q * NNSM_LANES;
    find_features(s, site);
    memset(s->share, 0, block * sizeof *s->share);
    for (size_t k = 0; k < site->classes; k++)
        add_scaled(s->feature + k * block, (float)(site->beta * site->coupling[site->list[k]]), block, s->share);
    normalize(s->share, q, own, site->count, loss);
    for (size_t k = 0; k < site->classes; k++) {
        double sum = 0;
        find_mean(s->feature + k * block, s->share, q, s->mean);
        center(s->feature + k * block, s->mean, q);
        for (size_t l = 0; l < site->count; l++)
            sum += (double)s->feature[k * block + (size_t)own[l] * NNSM_LANES + l];
        pull[site->list[k]] += site->beta * sum;
    }
    int n = (int)site->classes;
    for (size_t v = 0; v < q && hessian && n; v++) {
        for (size_t k = 0; k < site->classes; k++)
            weigh(s->feature + k * block + v * NNSM_LANES, s->share + v * NNSM_LANES, s->panel + k * NNSM_LANES);
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, NNSM_LANES, 1, s->panel, NNSM_LANES, 1, hessian, n);
    }
}
