/* nnsm/multistate.h: models of sites with several states, and bonds between nearest neighbours,
 *
 *     E(s) = sum_<ij> bond(s_i, s_j) + sum_i site(s_i),  bond symmetric, k_B = 1:
 *
 *   potts        E = - J sum_<ij> delta(s_i, s_j) - h sum_i delta(s_i, 0),  s = 0 ... q - 1
 *                (F. Y. Wu, Rev. Mod. Phys. 54, 235 (1982))
 *   clock        E = - J sum_<ij> cos(2 pi (s_i - s_j) / q) - h sum_i cos(2 pi s_i / q),  s = 0 ... q - 1
 *   blume_capel  E = - J sum_<ij> s_i s_j + D sum_i s_i^2 - h sum_i s_i,  s = -1, 0, 1
 *                (M. Blume, Phys. Rev. 141, 517 (1966); H. W. Capel, Physica 32, 966 (1966))
 *
 * Configurations hold states as nnsm/alphabet.h has them; a level is a state's number 0 ... q - 1 in rising order of
 * the values, also where there are two. Bonds are counted as in nnsm/lattice.h. All functions are local. */
#ifndef NNSM_MULTISTATE_H
#define NNSM_MULTISTATE_H

#include "nnsm/alphabet.h"
#include "nnsm/hamiltonian.h"

typedef enum { NNSM_POTTS, NNSM_CLOCK, NNSM_BLUME_CAPEL } nnsm_multistate_kind;

/* Plain data. */
typedef struct {
    nnsm_multistate_kind kind;
    const nnsm_lattice *lattice;                   /* borrowed */
    nnsm_alphabet alphabet;                        /* labels 0 ... q - 1, or -1 0 1 */
    double coupling, crystal_field, field;         /* J, D, h, energy */
    double bond[NNSM_MAX_VALUES][NNSM_MAX_VALUES]; /* energy of two levels side by side */
    double site[NNSM_MAX_VALUES];                  /* energy of a level */
} nnsm_multistate;

/* states: q, 2 to NNSM_MAX_VALUES, 3 for blume_capel; crystal_field is looked at for blume_capel only. NNSM_USAGE for
 * other numbers of states. */
nnsm_status nnsm_multistate_create(nnsm_multistate *model, const nnsm_lattice *lattice, nnsm_multistate_kind kind,
                                   int states, double coupling, double crystal_field, double field, nnsm_error *error);

static inline int nnsm_level(int count, int8_t state)
{
    return count == 2 ? state > 0 : state;
}

static inline int8_t nnsm_level_state(int count, int level)
{
    return (int8_t)(count == 2 ? 2 * level - 1 : level);
}

/* Total energy. states: in, [sites]. */
double nnsm_multistate_energy(const nnsm_multistate *model, const int8_t *states);

/* E(s with `state` at `site`) - E(s). */
double nnsm_multistate_change(const nnsm_multistate *model, const int8_t *states, size_t site, int8_t state);

/* Order parameter, 0 to 1: potts (q max_k n_k / N - 1) / (q - 1), n_k sites of state k; clock
 * |sum_i exp(2 pi i s_i / q)| / N; blume_capel |sum_i s_i| / N. */
double nnsm_multistate_order(const nnsm_multistate *model, const int8_t *states);

/* A map of levels that leaves every bond energy what it is and is its own inverse, as clusters are built from, among
 * those that move `level` (clock: may move it) the one of number `choice`, below nnsm_multistate_reflections:
 * potts: exchange of two labels; clock: k -> (choice - k) mod q; blume_capel: s -> -s. image: out, [q]. */
int nnsm_multistate_reflections(const nnsm_multistate *model);
void nnsm_multistate_reflect(const nnsm_multistate *model, int level, int choice, int8_t *image);

/* A tile of chains under E; `model` is borrowed. As nnsm_ising_tile_create. */
nnsm_status nnsm_multistate_tile_create(nnsm_tile *out, const nnsm_multistate *model, nnsm_error *error);

#endif
