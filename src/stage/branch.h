/* branch.h: one Hamiltonian scanned over all temperatures: groups of chains, from their start to their curve.
 *
 * The learned Hamiltonian is a branch of a scan, and so are the true model and the distilled Hamiltonian. Independent
 * chains may get more temperatures later; those start as a group of their own. Groups run one after the other. */
#ifndef NNSM_STAGE_BRANCH_H
#define NNSM_STAGE_BRANCH_H

#include "stage/ancestral.h"
#include "stage/chains.h"
#include "stage/checkpoint.h"
#include "stage/starts.h"

enum { NNSM_MOST_GROUPS = 32 };

typedef struct nnsm_branch nnsm_branch;
struct nnsm_branch {
    const char *name, *title; /* in the checkpoint, in the log */
    nnsm_stage stage;
    uint32_t stream; /* random stream of its first chain */
    nnsm_tile_maker *make;
    const void *hamiltonian;
    nnsm_proposer proposer;         /* local NULL: single flips */
    nnsm_screen screen;             /* of single flips */
    const nnsm_learned *regenerate; /* the network, which is the Hamiltonian: redraw suffixes; NULL: do not */
    nnsm_judges judges;             /* other Hamiltonians for common samples; count 0 with tile NULL: none are kept */
    nnsm_curve *curve;              /* for the results; borrowed, as are the next two */
    nnsm_run *run;
    const nnsm_starts *starts;  /* the first configurations */
    nnsm_tile *sampler;         /* of the network, for them too */
    const nnsm_branch *learned; /* the branch of -T0 log p, maybe itself */
    double temperature;         /* T0 of the network */
    int64_t groups;
    nnsm_chains group[NNSM_MOST_GROUPS];
    nnsm_witness ancestral; /* the Hamiltonian's energies of the ancestral samples, once there are any */
    double rate;            /* proposals a second on all ranks */
};

void nnsm_branch_destroy(nnsm_branch *branch);

/* A group for the temperatures of the configuration that no group has. NNSM_USAGE after NNSM_MOST_GROUPS. Collective,
 * as is all below but where it says otherwise. */
nnsm_status nnsm_branch_complete(nnsm_branch *branch, nnsm_error *error);

/* T0 is one more neighbour of the chains' temperatures, now that the ancestral samples there are drawn. Local. */
void nnsm_branch_anchor(nnsm_branch *branch);

/* Writes a checkpoint of the whole scan, and stops where asked to. */
typedef nnsm_status nnsm_branch_saver(void *context, nnsm_request request, nnsm_error *error);

/* All groups up to the last sweep at which they may be saved, with a vote between two steps. *swept: in and out, counts
 * sweeps. */
nnsm_status nnsm_branch_run(nnsm_branch *branch, nnsm_branch_saver *save, void *context, uint32_t *swept,
                            nnsm_error *error);

/* From there to the last sweep. */
void nnsm_branch_finish(nnsm_branch *branch);

/* Fills the curve. NNSM_FAILURE when an energy is not finite. */
nnsm_status nnsm_branch_evaluate(nnsm_branch *branch, nnsm_error *error);

/* ---- saving and restoring (branch_state.c) */

/* About how many bytes. Local. */
size_t nnsm_branch_bytes(const nnsm_branch *branch);
void nnsm_branch_save(nnsm_branch *branch, nnsm_state *state);
nnsm_status nnsm_branch_restore(nnsm_branch *branch, nnsm_state *state, nnsm_error *error);

/* A group at these temperatures in the place `number`, which is free or unused: self-learning chains where there
 * is a proposer, or single flips. */
nnsm_status nnsm_branch_group(nnsm_branch *branch, int64_t number, size_t temperatures, const double *temperature,
                              bool single_flips, nnsm_error *error);

#endif
