/* pseudo_states.h: one site's part of the pseudo-likelihood where it has more than two values: its conditional given
 * all others is a softmax, P(v) = exp(beta sum_c J_c f_cv) / sum_w exp(beta sum_c J_c f_cw), where f_cv is what the
 * terms of class c that hold the site add up to with v in its place. The loss is -log P(s), its pull -dL/dJ_c = beta
 * (f_cs - <f_c>), its curvature beta^2 cov(f_c, f_d). Local, cannot fail but in create. */
#ifndef NNSM_HAMILTONIAN_PSEUDO_STATES_H
#define NNSM_HAMILTONIAN_PSEUDO_STATES_H

#include "nnsm/local.h"

typedef struct {
    size_t values;
    float *feature; /* [classes][values][NNSM_LANES] */
    float *share;   /* [values][NNSM_LANES] P */
    float *mean;    /* [NNSM_LANES] */
    double *panel;  /* [classes][NNSM_LANES] */
} nnsm_pseudo_states;

/* classes: the most that touch one site. */
nnsm_status nnsm_pseudo_states_create(nnsm_pseudo_states *states, size_t values, size_t classes, nnsm_error *error);
void nnsm_pseudo_states_destroy(nnsm_pseudo_states *states);

/* A site, its classes, and configurations side by side. */
typedef struct {
    const nnsm_operators *operators;
    size_t site, classes;
    const int32_t *list;  /* [classes] that touch the site */
    const int32_t *place; /* [touching] a term's class in that list */
    const int8_t *states; /* [sites][NNSM_LANES] */
    size_t count;         /* configurations among the lanes */
    double beta;
    const double *coupling; /* [all classes] */
} nnsm_pseudo_site;

/* Adds to pull [all classes], *loss and, where it is not NULL, hessian ([classes][classes] of the list, lower triangle,
 * without beta^2). */
void nnsm_pseudo_states_add(nnsm_pseudo_states *states, const nnsm_pseudo_site *site, double *pull, double *loss,
                            double *hessian);

#endif
