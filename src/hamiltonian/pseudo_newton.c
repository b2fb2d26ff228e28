/* pseudo_newton.c: the maximum of the pseudo-likelihood by Newton's method (pseudo_likelihood.h). */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "hamiltonian/pseudo_state.h"

nnsm_status nnsm_pseudo_newton_create(nnsm_newton *newton, const nnsm_pseudo *pseudo, nnsm_error *error)
{
    nnsm_newton *n = newton;
    size_t k = pseudo->operators->classes;
    *n = (nnsm_newton){.pseudo = pseudo, .classes = k};
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

void nnsm_pseudo_newton_destroy(nnsm_newton *newton)
{
    nnsm_newton *n = newton;
    nnsm_normal_destroy(&n->normal);
    nnsm_release(n->total);
    nnsm_release(n->pulls);
    nnsm_release(n->step);
    nnsm_release(n->trial);
    nnsm_release(n->matrix);
}

/* The Hessian of all classes from the groups' blocks; `scale` makes up for the part of the data it was taken from. */
static void assemble(nnsm_newton *n, double scale)
{
    const nnsm_pseudo *p = n->pseudo;
    double unit = (p->operators->values ? 1 : 4) * p->beta * p->beta * scale; /* spins change by 2 */
    memset(n->matrix, 0, n->classes * n->classes * sizeof *n->matrix);
    for (size_t g = 0; g < p->groups; g++) {
        const nnsm_site_group *s = &p->group[g];
        const int32_t *list = p->list + s->first;
        for (size_t i = 0; i < s->count; i++)
            for (size_t j = 0; j <= i; j++)
                n->matrix[(size_t)list[i] * n->classes + (size_t)list[j]] +=
                    unit * nnsm_pseudo_unit_of(p->operators, list[i]) * nnsm_pseudo_unit_of(p->operators, list[j]) *
                    n->total[s->hessian + i * s->count + j];
    }
    nnsm_normal_factorize(&n->normal, n->matrix);
}

/* Sums over the first blocks, scaled up to all of the data. */
static nnsm_status evaluate(nnsm_newton *n, const double *coupling, size_t part, bool hessian, nnsm_error *error)
{
    nnsm_pseudo_request request = {coupling, part, hessian, n->total, n->pulls};
    nnsm_status status = n->sum(n->context, &request, error);
    for (size_t c = 0; c <= n->classes; c++)
        n->total[c] *= (double)part;
    return status;
}

/* step = A^-1 times the pull. Returns their product: the squared distance to the minimum in units of the noise. */
static double find_step(nnsm_newton *n)
{
    double decrement = 0;
    memcpy(n->step, n->total, n->classes * sizeof *n->step);
    nnsm_normal_solve(&n->normal, n->step);
    for (size_t c = 0; c < n->classes; c++)
        decrement += n->step[c] * n->total[c];
    return decrement;
}

/* The largest |J_c f_c| in units of the temperature, of couplings or of their steps, and which class has it. */
static double find_largest(const nnsm_newton *n, const double *coupling, size_t *class)
{
    const nnsm_operators *o = n->pseudo->operators;
    size_t square = (size_t)(o->values * o->values);
    double all = 0;
    *class = 0;
    for (size_t c = 0; c < n->classes; c++) {
        double function = o->values ? 0 : 1;
        for (size_t i = 0; i < square; i++)
            function = fmax(function, fabs(o->table[c * square + i]));
        double size = fabs(coupling[c]) * function * n->pseudo->beta;
        *class = size > all ? c : *class;
        all = fmax(all, size);
    }
    return all;
}

static double largest(const nnsm_newton *n, const double *coupling)
{
    size_t class;
    return find_largest(n, coupling, &class);
}

size_t nnsm_pseudo_fastest(const nnsm_pseudo *pseudo)
{
    size_t class;
    (void)find_largest(&pseudo->search, pseudo->search.step, &class);
    return class;
}

/* Newton's steps from J = 0 with a fresh Hessian each, halved while they do not lower L. Ends with the sums at the new
 * J. Where conditionals are certain in the data, L falls towards infinite couplings; that shows in two ways before
 * rounding ends the search somewhere. The Hessian loses the rank that it had at J = 0. And near a minimum the decrement
 * falls as its square, towards one at infinity by a factor of e, with steps of the same length again and again. */
static nnsm_status descend(nnsm_newton *n, double *coupling, size_t part, bool *converged, nnsm_error *error)
{
    enum { STEPS = 40, HALVINGS = 20 };
    double before = INFINITY;
    size_t rank = 0;
    memset(coupling, 0, n->classes * sizeof *coupling);
    nnsm_status status = evaluate(n, coupling, part, true, error);
    *converged = false;
    for (int i = 0; i < STEPS && !status && !*converged; i++) {
        double loss = n->total[n->classes], length = 1;
        assemble(n, (double)part);
        double decrement = find_step(n);
        bool near = decrement < 1e-3, small = largest(n, n->step) < 0.01;
        rank = i == 0 ? n->normal.rank : rank;
        if (!isfinite(decrement) || n->normal.rank < rank || (near && !small && decrement > before / 10))
            return NNSM_OK;
        before = decrement;
        for (int half = 0; half < HALVINGS && !status; half++, length /= 2) {
            for (size_t c = 0; c < n->classes; c++)
                n->trial[c] = coupling[c] + length * n->step[c];
            status = evaluate(n, n->trial, part, true, error);
            if (n->total[n->classes] <= loss * (1 + 1e-6))
                break;
        }
        memcpy(coupling, n->trial, n->classes * sizeof *coupling);
        *converged = near && small; /* the distance is squared by this last step */
    }
    return status;
}

/* From a minimum over a part to that over all: the Hessian is known well enough, every step gains orders of magnitude.
 */
static nnsm_status polish(nnsm_newton *n, double *coupling, bool *converged, nnsm_error *error)
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
static bool is_maximum(const nnsm_newton *n, const double *coupling)
{
    return n->total[n->classes] >= M_LN2 && largest(n, coupling) < 1e4;
}

nnsm_status nnsm_pseudo_maximise(nnsm_pseudo *pseudo, size_t configurations, nnsm_pseudo_sum *sum, void *context,
                                 double *coupling, double *error_bars, bool *converged, nnsm_error *error)
{
    nnsm_newton *n = &pseudo->search;
    size_t part = choose_part(pseudo, configurations);
    n->sum = sum;
    n->context = context;
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
