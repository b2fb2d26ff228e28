#include "hamiltonian/pseudo_likelihood.h"

#include <cblas.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/pseudo_kernels.h"
#include "hamiltonian/pseudo_states.h"

/* Sites that the same classes touch. */
typedef struct {
    size_t count;   /* classes */
    size_t first;   /* into list */
    size_t hessian; /* into the sums */
} site_group;

/* What Newton's method needs; made with the object, so that a collective search cannot fail on one rank alone. */
typedef struct {
    const nnsm_pseudo *pseudo;
    nnsm_pseudo_sum *sum;
    void *context;
    size_t classes;
    double *total, *pulls, *step, *trial, *matrix;
    nnsm_normal normal;
} newton;

struct nnsm_pseudo {
    const nnsm_operators *operators;
    double beta;
    size_t groups, largest, sums;
    site_group *group;
    int32_t *group_of;         /* [sites] */
    int32_t *list;             /* classes of the groups, rising */
    int32_t *place;            /* [touching] a term's class in the list of the site's group */
    int8_t *spins;             /* [sites][NNSM_LANES] */
    int32_t *total;            /* [NNSM_LANES] sum of the spins */
    float *weight;             /* [NNSM_LANES] square root of the curvature */
    float *pull;               /* [NNSM_LANES] */
    float *angle;              /* [NNSM_LANES] 2 beta s h */
    int32_t *feature;          /* [largest][NNSM_LANES] s dO/ds in whole numbers */
    double *panel;             /* [largest][NNSM_LANES] the same times the square root of the curvature */
    nnsm_pseudo_states states; /* more than two values */
    newton search;
};

/* ---- which classes touch a site */

/* Marks the classes of a site in `mark` by its number + 1 and lists them, rising; returns how many. */
static size_t classes_of(const nnsm_operators *o, size_t site, int32_t *mark, int32_t *list)
{
    size_t count = 0;
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++)
        mark[o->class_of[o->touching[k]]] = (int32_t)site + 1;
    for (size_t c = 0; c < o->classes; c++)
        if (mark[c] == (int32_t)site + 1 || o->class[c].order == 0)
            list[count++] = (int32_t)c;
    return count;
}

static nnsm_status allocate_tables(nnsm_pseudo *p, int32_t **mark, int32_t **list, nnsm_error *error)
{
    const nnsm_operators *o = p->operators;
    nnsm_status status = NNSM_NEW(&p->group, o->sites, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->group_of, o->sites, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->place, o->first[o->sites], "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(mark, o->classes, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(list, o->classes, "pseudo-likelihood", error);
    /* A group has no more classes than its first site has terms, and those of order 0. */
    size_t room = o->first[o->sites];
    for (size_t c = 0; c < o->classes; c++)
        room += o->class[c].order == 0 ? o->sites : 0;
    return status ? status : NNSM_NEW(&p->list, room, "pseudo-likelihood", error);
}

static size_t find_group(nnsm_pseudo *p, const int32_t *list, size_t count, size_t *used)
{
    for (size_t g = 0; g < p->groups; g++)
        if (p->group[g].count == count && memcmp(p->list + p->group[g].first, list, count * sizeof *list) == 0)
            return g;
    memcpy(p->list + *used, list, count * sizeof *list);
    p->group[p->groups] = (site_group){.count = count, .first = *used, .hessian = p->sums};
    *used += count;
    p->sums += count * count;
    p->largest = count > p->largest ? count : p->largest;
    return p->groups++;
}

static nnsm_status group_sites(nnsm_pseudo *p, nnsm_error *error)
{
    const nnsm_operators *o = p->operators;
    int32_t *mark = NULL, *list = NULL;
    size_t used = 0;
    nnsm_status status = allocate_tables(p, &mark, &list, error);
    p->sums = o->classes + 1;
    for (size_t i = 0; i < o->sites && !status; i++) {
        size_t count = classes_of(o, i, mark, list), g = find_group(p, list, count, &used);
        p->group_of[i] = (int32_t)g;
        for (size_t k = 0; k < count; k++)
            mark[list[k]] = (int32_t)k; /* for a moment: the place of a class */
        for (size_t k = o->first[i]; k < o->first[i + 1]; k++)
            p->place[k] = mark[o->class_of[o->touching[k]]];
        for (size_t k = 0; k < count; k++)
            mark[list[k]] = 0;
    }
    nnsm_release(mark);
    nnsm_release(list);
    return status;
}

static nnsm_status newton_create(newton *n, const nnsm_pseudo *pseudo, nnsm_error *error)
{
    size_t k = pseudo->operators->classes;
    *n = (newton){.pseudo = pseudo, .classes = k};
    nnsm_status status = nnsm_normal_create(&n->normal, k, error);
    if (!status)
        status = NNSM_NEW(&n->total, pseudo->sums, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&n->pulls, NNSM_BLOCKS * k, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&n->step, k, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&n->trial, k, "pseudo-likelihood", error);
    return status ? status : NNSM_NEW(&n->matrix, k * k, "pseudo-likelihood", error);
}

static void newton_destroy(newton *n)
{
    nnsm_normal_destroy(&n->normal);
    nnsm_release(n->total);
    nnsm_release(n->pulls);
    nnsm_release(n->step);
    nnsm_release(n->trial);
    nnsm_release(n->matrix);
}

nnsm_status nnsm_pseudo_create(nnsm_pseudo **out, const nnsm_operators *operators, double temperature,
                               nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, "pseudo-likelihood", error);
    if (status)
        return status;
    nnsm_pseudo *p = *out;
    p->operators = operators;
    p->beta = 1 / temperature;
    status = group_sites(p, error);
    if (!status)
        status = NNSM_NEW(&p->spins, operators->sites * NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->total, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->weight, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->pull, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->angle, NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->feature, p->largest * NNSM_LANES, "pseudo-likelihood", error);
    if (!status)
        status = NNSM_NEW(&p->panel, p->largest * NNSM_LANES, "pseudo-likelihood", error);
    if (!status && operators->values)
        status = nnsm_pseudo_states_create(&p->states, (size_t)operators->values, p->largest, error);
    if (!status)
        status = newton_create(&p->search, p, error);
    if (status) {
        nnsm_pseudo_destroy(p);
        *out = NULL;
    }
    return status;
}

void nnsm_pseudo_destroy(nnsm_pseudo *pseudo)
{
    if (!pseudo)
        return;
    void *blocks[] = {pseudo->group,  pseudo->group_of, pseudo->list,  pseudo->place,   pseudo->spins, pseudo->total,
                      pseudo->weight, pseudo->pull,     pseudo->angle, pseudo->feature, pseudo->panel};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        nnsm_release(blocks[i]);
    nnsm_pseudo_states_destroy(&pseudo->states);
    newton_destroy(&pseudo->search);
    nnsm_release(pseudo);
}

size_t nnsm_pseudo_sums(const nnsm_pseudo *pseudo)
{
    return pseudo->sums;
}

/* ---- one site of NNSM_LANES configurations */

/* (sum s)^2 / N changes by -4 s (sum s - s) / N: s dO/ds = 2 (s sum s - 1) / N; here without the factor 2 / N. */
static void long_ranged(const nnsm_pseudo *p, size_t site, int32_t *feature)
{
    const int8_t *s = p->spins + site * NNSM_LANES;
    for (size_t l = 0; l < NNSM_LANES; l++)
        feature[l] = s[l] * p->total[l] - 1;
}

static double unit_of(const nnsm_operators *o, int32_t class)
{
    return o->class[class].order ? 1 : 2 / (double)o->sites;
}

static void add_states(nnsm_pseudo *p, size_t site, const double *coupling, bool hessian, size_t count, double *sums)
{
    const site_group *g = &p->group[p->group_of[site]];
    nnsm_pseudo_site at = {p->operators, site,    g->count, p->list + g->first, p->place, p->spins,
                           count,        p->beta, coupling};
    nnsm_pseudo_states_add(&p->states, &at, sums, &sums[p->operators->classes], hessian ? sums + g->hessian : NULL);
}

static void add_site(nnsm_pseudo *p, size_t site, const double *coupling, bool hessian, size_t count, double *sums)
{
    const nnsm_operators *o = p->operators;
    const site_group *g = &p->group[p->group_of[site]];
    const int32_t *list = p->list + g->first;
    memset(p->feature, 0, g->count * NNSM_LANES * sizeof *p->feature);
    memset(p->angle, 0, NNSM_LANES * sizeof *p->angle);
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++)
        nnsm_lanes_add_term(p->spins, o->site[o->touching[k]], p->feature + (size_t)p->place[k] * NNSM_LANES);
    for (size_t k = 0; k < g->count; k++) {
        if (o->class[list[k]].order == 0)
            long_ranged(p, site, p->feature + k * NNSM_LANES);
        nnsm_lanes_add_angle(p->feature + k * NNSM_LANES,
                             (float)(2 * p->beta * coupling[list[k]] * unit_of(o, list[k])), p->angle);
    }
    nnsm_lanes_conditionals(p->angle, count, p->pull, p->weight, &sums[o->classes]);
    for (size_t k = 0; k < g->count; k++) {
        double unit = 2 * p->beta * unit_of(o, list[k]);
        sums[list[k]] += unit * (double)nnsm_lanes_weigh(p->feature + k * NNSM_LANES, p->pull);
        if (hessian)
            nnsm_lanes_scale(p->feature + k * NNSM_LANES, p->weight, p->panel + k * NNSM_LANES);
    }
    int n = (int)g->count;
    if (hessian && n) /* in units of the features; assemble() brings in the rest */
        cblas_dsyrk(CblasRowMajor, CblasLower, CblasNoTrans, n, NNSM_LANES, 1, p->panel, NNSM_LANES, 1,
                    sums + g->hessian, n);
}

void nnsm_pseudo_add(nnsm_pseudo *pseudo, const double *coupling, bool hessian, const int8_t *configurations,
                     size_t count, double *sums)
{
    nnsm_pseudo *p = pseudo;
    size_t sites = p->operators->sites;
    for (size_t first = 0; first < count; first += NNSM_LANES) {
        size_t rows = count - first < NNSM_LANES ? count - first : NNSM_LANES;
        memset(p->spins, 0, sites * NNSM_LANES);
        memset(p->total, 0, NNSM_LANES * sizeof *p->total);
        for (size_t r = 0; r < rows; r++) {
            const int8_t *s = configurations + (first + r) * sites;
            for (size_t i = 0; i < sites; i++) {
                p->spins[i * NNSM_LANES + r] = s[i];
                p->total[r] += s[i];
            }
        }
        for (size_t i = 0; i < sites; i++)
            (p->operators->values ? add_states : add_site)(p, i, coupling, hessian, rows, sums);
    }
}

/* ---- Newton's method */

/* The Hessian of all classes from the groups' blocks; `scale` makes up for the part of the data it was taken from. */
static void assemble(newton *n, double scale)
{
    const nnsm_pseudo *p = n->pseudo;
    double unit = (p->operators->values ? 1 : 4) * p->beta * p->beta * scale; /* spins change by 2 */
    memset(n->matrix, 0, n->classes * n->classes * sizeof *n->matrix);
    for (size_t g = 0; g < p->groups; g++) {
        const site_group *s = &p->group[g];
        const int32_t *list = p->list + s->first;
        for (size_t i = 0; i < s->count; i++)
            for (size_t j = 0; j <= i; j++)
                n->matrix[(size_t)list[i] * n->classes + (size_t)list[j]] += unit * unit_of(p->operators, list[i]) *
                                                                             unit_of(p->operators, list[j]) *
                                                                             n->total[s->hessian + i * s->count + j];
    }
    nnsm_normal_factorize(&n->normal, n->matrix);
}

/* Sums over the first blocks, scaled up to all of the data. */
static nnsm_status evaluate(newton *n, const double *coupling, size_t part, bool hessian, nnsm_error *error)
{
    nnsm_pseudo_request request = {coupling, part, hessian, n->total, n->pulls};
    nnsm_status status = n->sum(n->context, &request, error);
    for (size_t c = 0; c <= n->classes; c++)
        n->total[c] *= (double)part;
    return status;
}

/* step = A^-1 times the pull. Returns their product: the squared distance to the minimum in units of the noise. */
static double find_step(newton *n)
{
    double decrement = 0;
    memcpy(n->step, n->total, n->classes * sizeof *n->step);
    nnsm_normal_solve(&n->normal, n->step);
    for (size_t c = 0; c < n->classes; c++)
        decrement += n->step[c] * n->total[c];
    return decrement;
}

/* The largest |J_c f_c| in units of the temperature, of couplings or of their steps. */
static double largest(const newton *n, const double *coupling)
{
    const nnsm_operators *o = n->pseudo->operators;
    size_t square = (size_t)(o->values * o->values);
    double all = 0;
    for (size_t c = 0; c < n->classes; c++) {
        double function = o->values ? 0 : 1;
        for (size_t i = 0; i < square; i++)
            function = fmax(function, fabs(o->table[c * square + i]));
        all = fmax(all, fabs(coupling[c]) * function * n->pseudo->beta);
    }
    return all;
}

/* Newton's steps with a fresh Hessian each, halved while they do not lower L. Ends with the sums at the new J. */
static nnsm_status descend(newton *n, double *coupling, size_t part, bool *converged, nnsm_error *error)
{
    enum { STEPS = 40, HALVINGS = 20 };
    nnsm_status status = evaluate(n, coupling, part, true, error);
    *converged = false;
    for (int i = 0; i < STEPS && !status && !*converged; i++) {
        double loss = n->total[n->classes], length = 1;
        assemble(n, (double)part);
        double decrement = find_step(n);
        if (!isfinite(decrement))
            return NNSM_OK;
        for (int half = 0; half < HALVINGS && !status; half++, length /= 2) {
            for (size_t c = 0; c < n->classes; c++)
                n->trial[c] = coupling[c] + length * n->step[c];
            status = evaluate(n, n->trial, part, true, error);
            if (n->total[n->classes] <= loss * (1 + 1e-6))
                break;
        }
        memcpy(coupling, n->trial, n->classes * sizeof *coupling);
        /* The distance is squared by this last step; towards a minimum at infinity steps stay long. */
        *converged = decrement < 1e-3 && largest(n, n->step) < 0.01;
    }
    return status;
}

/* From a minimum over a part to that over all: the Hessian is known well enough, every step gains orders of magnitude.
 */
static nnsm_status polish(newton *n, double *coupling, bool *converged, nnsm_error *error)
{
    enum { STEPS = 12 };
    nnsm_status status = NNSM_OK;
    *converged = false;
    for (int i = 0; i < STEPS && !status && !*converged; i++) {
        status = evaluate(n, coupling, 1, false, error);
        *converged = find_step(n) < 1e-6;
        for (size_t c = 0; c < n->classes && !*converged; c++)
            coupling[c] += n->step[c];
    }
    return status;
}

/* Blocks for the Hessian: enough for each of its numbers to be good to a few percent. */
static size_t choose_part(const nnsm_pseudo *p, size_t configurations)
{
    double views = (double)configurations * (double)p->operators->sites / (double)p->groups;
    size_t part = 16;
    while (part > 1 && views / (double)part < 1000 * (double)p->largest)
        part /= 2;
    return part;
}

/* Where sites follow from the others (frozen data, sums in windows that overlap around a lattice) the likelihood rises
 * towards infinite couplings; the pull there vanishes in rounding, and steps end somewhere. A loss below log 2 says
 * that every value in the data is more probable than all others of its site together: then more of these couplings are
 * more likely still. And ratios of probabilities beyond exp(10^4) are not told by data. */
static bool is_maximum(const newton *n, const double *coupling)
{
    return n->total[n->classes] >= M_LN2 && largest(n, coupling) < 1e4;
}

nnsm_status nnsm_pseudo_maximise(nnsm_pseudo *pseudo, size_t configurations, nnsm_pseudo_sum *sum, void *context,
                                 double *coupling, double *error_bars, bool *converged, nnsm_error *error)
{
    newton *n = &pseudo->search;
    size_t part = choose_part(pseudo, configurations);
    n->sum = sum;
    n->context = context;
    memset(coupling, 0, n->classes * sizeof *coupling);
    nnsm_status status = descend(n, coupling, part, converged, error);
    if (!status && part > 1 && *converged)
        status = polish(n, coupling, converged, error);
    if (!status && part > 1 && !*converged)
        status = descend(n, coupling, 1, converged, error);
    *converged = *converged && is_maximum(n, coupling);
    if (!status)
        nnsm_block_errors(&n->normal, n->pulls, n->classes, (double)NNSM_BLOCKS / (NNSM_BLOCKS - 1), error_bars);
    for (size_t c = 0; c < n->classes && !status; c++)
        if (!*converged || !nnsm_normal_determined(&n->normal, c))
            coupling[c] = error_bars[c] = NAN;
    return status;
}
