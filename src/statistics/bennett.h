/* bennett.h: Bennett's acceptance ratio between neighbouring temperatures (C. H. Bennett, J. Comput. Phys. 22, 245
 * (1976), Eq. 7): for two temperatures a and b of one Hamiltonian, and any constant H*,
 *     ln Z_b / Z_a = ln <f_ab>_a - ln <f_ba>_b - (1/T_b - 1/T_a) H*,
 *     f_ab(s) = 1 / (1 + exp((1/T_b - 1/T_a) (H(s) - H*))).
 * The error is least where both means are equal; H* = (<H>_a + <H>_b) / 2 is that to leading order. H* must be chosen
 * before the measurement, so that the f are ordinary measured quantities with ordinary errors: <H> of both comes from
 * the thermalization. A mean of f is also the overlap of the two distributions: 1/2 where they are the same.
 *
 * The temperatures of one set of chains and one more, the anchor T0, from which independent samples exist: it stands
 * between its neighbours as if it were one of the set, so f of both look towards it. All functions are local. */
#ifndef NNSM_STATISTICS_BENNETT_H
#define NNSM_STATISTICS_BENNETT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nnsm/error.h"

typedef struct {
    size_t temperatures;
    const double *temperature; /* [temperatures], rising; borrowed */
    double anchor;             /* T0; 0: none */
    double anchor_energy;      /* <H> there */
    double *centre;            /* [temperatures] <H> of the measurements that choose H* */
    int64_t centred;           /* how many those were */
} nnsm_bennett;

enum { NNSM_DOWN, NNSM_UP }; /* towards the next lower, the next higher temperature */

nnsm_status nnsm_bennett_create(nnsm_bennett *bennett, size_t temperatures, const double *temperature,
                                nnsm_error *error);
void nnsm_bennett_destroy(nnsm_bennett *bennett);

/* One more measurement for H*. energy: in, [temperatures] H, a mean over walkers where there are several. */
void nnsm_bennett_centre(nnsm_bennett *bennett, const double *energy);

/* The temperature towards which temperature t looks, and H*; false: there is none in that direction. */
bool nnsm_bennett_target(const nnsm_bennett *bennett, size_t t, int direction, double *temperature, double *middle);

/* f between temperature `from`, where H is `energy`, and `to`. */
double nnsm_bennett_function(double from, double to, double middle, double energy);

/* f of temperature t towards both sides, 0 where there is nothing. f: out, [2], NNSM_DOWN and NNSM_UP. */
void nnsm_bennett_functions(const nnsm_bennett *bennett, size_t t, double energy, double *f);

/* Whether two temperatures are the same but for the rounding of from + i step. */
bool nnsm_same_temperature(double a, double b);

#endif
