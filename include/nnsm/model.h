/* nnsm/model.h: the known models that make data, behind one interface.
 *
 *   ising       E = - sum_a J_a sum_<ij> along axis a s_i s_j - J2 sum_next-nearest s_i s_j
 *                   - K sum_unit squares s s s s - h sum_i s_i
 *   spin_glass  E = - sum_<ij> J_ij s_i s_j - h sum_i s_i, J_ij = +-J with equal chances (Toulouse's frustrated +-J
 * model) baxter_wu   E = - J sum_triangles s_i s_j s_k - h sum_i s_i on the triangular lattice (Baxter and Wu, Phys.
 * Rev. Lett. 31, 1294 (1973)), as a square lattice with one diagonal: up triangles r, r + (1,0), r + (0,1), down
 *               triangles r, r - (1,0), r - (0,1)
 *   potts, blume_capel, clock: sites of several states, E in nnsm/multistate.h
 *
 * s = -1 or +1 of the first three, k_B = 1. Next-nearest neighbours are sqrt 2 apart, on a chain 2. Bonds are counted
 * per site and direction: where a periodic extent is 2 they join the same sites twice. All functions are local. */
#ifndef NNSM_MODEL_H
#define NNSM_MODEL_H

#include "nnsm/ising.h"
#include "nnsm/local.h"
#include "nnsm/multistate.h"

typedef enum {
    NNSM_MODEL_ISING,
    NNSM_MODEL_SPIN_GLASS,
    NNSM_MODEL_BAXTER_WU,
    NNSM_MODEL_POTTS,
    NNSM_MODEL_BLUME_CAPEL,
    NNSM_MODEL_CLOCK
} nnsm_model_kind;

/* Plain data. next_nearest, plaquette and anisotropy belong to NNSM_MODEL_ISING, disorder to the spin glass, states to
 * potts and clock, crystal_field to blume_capel. */
typedef struct {
    nnsm_model_kind kind;
    double coupling;                        /* J, energy */
    double anisotropy[NNSM_MAX_DIMENSIONS]; /* J_a / J of every axis; 1 where axes are alike */
    double next_nearest, plaquette, field;  /* J2, K, h, energy */
    int64_t disorder;                       /* seed of the signs of the bonds */
    int states;                             /* q */
    double crystal_field;                   /* D, energy */
} nnsm_model_parameters;

typedef struct {
    nnsm_model_parameters parameters;
    const nnsm_lattice *lattice; /* borrowed */
    bool nearest;                /* the plain Ising model below is all: it has its own fast code */
    nnsm_ising ising;
    bool multistate; /* one of nnsm/multistate.h, below; not in the local form */
    nnsm_multistate states;
    nnsm_alphabet alphabet; /* of the sites */
    nnsm_local local;       /* every model of spins in this form; points to the two next members */
    nnsm_operators operators;
    double *coupling;
    /* [sites] of the order parameter where it is not |m|: signs of a staggered magnetization, or numbers 0, 1, 2 of the
     * sublattices of a triangular lattice; NULL: |m| */
    int8_t *sublattice;
} nnsm_model;

/* Name in configurations and files, and back: false for a name that is none. */
const char *nnsm_model_name(nnsm_model_kind kind);
bool nnsm_model_named(const char *name, nnsm_model_kind *kind);

/* model must stay where it is until nnsm_model_destroy. NNSM_USAGE for what does not fit the lattice. On failure *model
 * is zeroed. */
nnsm_status nnsm_model_create(nnsm_model *model, const nnsm_lattice *lattice, const nnsm_model_parameters *parameters,
                              nnsm_error *error);
void nnsm_model_destroy(nnsm_model *model);

/* Total energy. spins: in, [sites] states (nnsm/alphabet.h), here and below. */
double nnsm_model_energy(const nnsm_model *model, const int8_t *spins);

/* J_ij of the bond of a spin glass from a site forward along an axis. */
double nnsm_model_bond(const nnsm_model_parameters *parameters, size_t site, int axis);

/* The order parameter of one configuration, not negative: |sum_i epsilon_i s_i| / N, epsilon = -1 on every other site
 * along antiferromagnetic axes; Baxter-Wu: sqrt((m_A^2 + m_B^2 + m_C^2) / 3) of the sublattice magnetizations, as for
 * example in arXiv:2205.01494; potts and clock: nnsm_multistate_order; else |m|. */
double nnsm_model_order(const nnsm_model *model, const int8_t *spins);

/* Is the order parameter another than |m|? */
bool nnsm_model_has_order(const nnsm_model *model);

/* A tile under the model. */
nnsm_status nnsm_model_tile_create(nnsm_tile *out, const nnsm_model *model, nnsm_error *error);

#endif
