/* pseudo_state.h: what pseudo_likelihood.c (sums over the data) and pseudo_newton.c (their maximum) share. */
#ifndef NNSM_HAMILTONIAN_PSEUDO_STATE_H
#define NNSM_HAMILTONIAN_PSEUDO_STATE_H

#include "hamiltonian/pseudo_likelihood.h"
#include "hamiltonian/pseudo_states.h"

/* Sites that the same classes touch. */
typedef struct {
    size_t count;   /* classes */
    size_t first;   /* into list */
    size_t hessian; /* into the sums */
} nnsm_site_group;

/* What Newton's method needs; made with the object, so that a collective search cannot fail on one rank alone. */
typedef struct {
    const nnsm_pseudo *pseudo;
    nnsm_pseudo_sum *sum;
    void *context;
    size_t classes;
    double *total, *pulls, *step, *trial, *matrix;
    nnsm_normal normal;
} nnsm_newton;

struct nnsm_pseudo {
    const nnsm_operators *operators;
    double beta;
    size_t groups, largest, sums;
    nnsm_site_group *group;
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
    nnsm_newton search;
};

static inline double nnsm_pseudo_unit_of(const nnsm_operators *o, int32_t class)
{
    return o->class[class].order ? 1 : 2 / (double)o->sites;
}

/* pseudo is borrowed, and has its groups. The caller owns what is in *newton. Local. */
nnsm_status nnsm_pseudo_newton_create(nnsm_newton *newton, const nnsm_pseudo *pseudo, nnsm_error *error);
void nnsm_pseudo_newton_destroy(nnsm_newton *newton);

#endif
