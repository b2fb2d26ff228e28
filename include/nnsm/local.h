/* nnsm/local.h: products of spins on a lattice, grouped in classes, and the Hamiltonians that are linear in them,
 *     E(s) = - sum_c J_c O_c(s),   O_c(s) = sum over the terms t of class c of prod_{i in t} s_i,
 * s_i = -1 or +1, k_B = 1, so that J > 0 favours alignment. A class of order 0 is the long-ranged operator
 * O = (sum_i s_i)^2 / N. Known models, projections of a learned Hamiltonian (couplings) and the surrogates of
 * self-learning Monte Carlo are all of this form. On sites of more than two values (nnsm/alphabet.h) the terms of a
 * class have functions of one or two states in the place of products, which are looked up: O_c(s) = sum_t f_c(s_i),
 * sum_t f_c(s_i, s_j),  f_c symmetric: powers of the values, products of values; of labels, one where a site has a
 * label, or where two sites have the same. All functions are local. */
#ifndef NNSM_LOCAL_H
#define NNSM_LOCAL_H

#include "nnsm/hamiltonian.h"
#include "nnsm/lattice.h"

enum { NNSM_TERM_SITES = 4, NNSM_OPERATOR_NAME = 48 };

/* One class: all that shares a coupling. */
typedef struct {
    char name[NNSM_OPERATOR_NAME]; /* "field", "pair (1,0)", "pair 12-13", "plaquette", "m^2", ... */
    int order;                     /* spins in a product, 1 to NNSM_TERM_SITES; 0: m^2 */
    double distance;               /* of a pair, in lattice spacings, to the nearest image; 0 otherwise */
    size_t terms;
} nnsm_operator;

/* A basis. Terms are sorted by class; a term holds distinct sites, rising, -1 beyond its order. nnsm_operators_create
 * gives every product once, also where two periodic bonds join the same sites; assembled terms may repeat. */
typedef struct {
    size_t sites, classes, terms;
    nnsm_operator *class;             /* [classes], owned, as is all below */
    int32_t (*site)[NNSM_TERM_SITES]; /* [terms] */
    int32_t *class_of;                /* [terms] */
    size_t *first;                    /* [sites + 1] into touching */
    int32_t *touching;                /* terms that hold a site: touching[first[i]] ... touching[first[i + 1] - 1] */
    int values;                       /* 0: products of spins; else states of a site, more than 2 */
    double *table;                    /* [classes][values][values] f_c; of one site: the same for all second states */
} nnsm_operators;

/* Which products a basis has. */
typedef struct {
    bool field;       /* single spins */
    double range;     /* pairs up to this distance, to 1e-3: 1.414 is sqrt 2; 0: none */
    bool triples;     /* three-spin products inside a cell of 2^d sites (chain: 3 neighbours) */
    bool quadruples;  /* four-spin products in a cell of 2 x 3 sites (chain: 4 neighbours, cube: 2^3) */
    bool m2;          /* (sum s)^2 / N */
    bool translation; /* terms that a translation carries into each other share a class; on open lattices too */
    bool point_group; /* the same for reflections and permutations of axes */
} nnsm_basis;

/* Build the basis, classes sorted by order, distance and shape, m^2 last; symmetries that are false leave every orbit
 * apart (both false: one class a bond or a site). NNSM_USAGE when the lattice is too small for the range or there would
 * be more than 2^24 terms. On failure *operators is zeroed. */
nnsm_status nnsm_operators_create(nnsm_operators *operators, const nnsm_lattice *lattice, const nnsm_basis *basis,
                                  nnsm_error *error);
/* The same for sites of more than two values: pairs up to basis->range; for numbers products v_i v_j, with triples also
 * v_i^2 v_j + v_i v_j^2, with quadruples v_i^2 v_j^2; single sites v, v^2, ... up to v^4, odd powers only with field
 * (all that a site can tell, up to five values); for labels delta(s_i, s_j), and with field a class a label but the
 * first. NNSM_USAGE also for m2, which is not
 * there. */
nnsm_status nnsm_operators_create_states(nnsm_operators *operators, const nnsm_lattice *lattice,
                                         const nnsm_basis *basis, const nnsm_alphabet *alphabet, nnsm_error *error);
/* From explicit terms (models): site: in, [terms][NNSM_TERM_SITES], class_of: in, [terms]; class: in, [classes] with
 * name, order, distance. All are copied. */
nnsm_status nnsm_operators_assemble(nnsm_operators *operators, size_t sites, size_t classes, const nnsm_operator *class,
                                    size_t terms, const int32_t (*site)[NNSM_TERM_SITES], const int32_t *class_of,
                                    nnsm_error *error);
void nnsm_operators_destroy(nnsm_operators *operators);

/* O_c of one configuration. spins: in, [sites], states where there are more than two; values: out, [classes]. */
void nnsm_operators_values(const nnsm_operators *operators, const int8_t *spins, double *values);

/* O_c(s with `site` flipped) - O_c(s); spins only, as nnsm_local_flip_change. change: out, [classes]. */
void nnsm_operators_flip(const nnsm_operators *operators, const int8_t *spins, size_t site, double *change);

typedef struct {
    const nnsm_operators *operators; /* borrowed */
    const double *coupling;          /* [classes] J, energy; borrowed */
} nnsm_local;

double nnsm_local_energy(const nnsm_local *local, const int8_t *spins);
double nnsm_local_flip_change(const nnsm_local *local, const int8_t *spins, size_t site);

/* A tile of chains under E; `local` is borrowed. As nnsm_ising_tile_create. */
nnsm_status nnsm_local_tile_create(nnsm_tile *out, const nnsm_local *local, nnsm_error *error);

#endif
