/* learner.h: what a training needs to know of its network's kind: what is summed over gradient shards in a step, what
 * the owner of a slice makes of the sums, and what must be remembered between steps.
 *
 * Dense: the sum is the gradient, the step Adam's (Kingma and Ba 2015), the memory its two moments; slices are cut
 * anywhere. Frontier (made/frontier_fit.h): signs and moments of the units first, then gradients with Hessians for
 * Newton steps, until those are only noise; then gradients, averaged with the last Hessian's factor. Its memory is the
 * factor and the sums since the last step; slices hold whole fits. Local; the trainer moves the data. */
#ifndef NNSM_STAGE_LEARNER_H
#define NNSM_STAGE_LEARNER_H

#include "made/frontier_fit.h"
#include "nnsm/network.h"
#include "setup/config.h"
#include "stage/slices.h"

/* Vectors that are spread over ranks. Dense ones are all of one size. */
typedef enum {
    NNSM_VECTOR_PARAMETERS,
    NNSM_VECTOR_MEMORY_1, /* Adam's first moment, or factors */
    NNSM_VECTOR_MEMORY_2, /* Adam's second moment, or sums so far */
    NNSM_VECTOR_GRADIENT, /* sums of a step */
    NNSM_VECTOR_HESSIAN,  /* sums of a step that has Hessians, or moments, too */
    NNSM_VECTORS
} nnsm_vector;

/* What a frontier network is busy with. */
typedef enum {
    NNSM_PHASE_SIGNS,
    NNSM_PHASE_MOMENTS,
    NNSM_PHASE_NEWTON,
    NNSM_PHASE_FREEZE,
    NNSM_PHASE_AVERAGE
} nnsm_phase;

typedef struct {
    nnsm_network *network;       /* borrowed */
    const nnsm_config *config;   /* borrowed */
    size_t count[NNSM_VECTORS];  /* floats of each */
    float *parameters;           /* dense: the network's own */
    float *memory[2];            /* valid on the owners' slices */
    nnsm_frontier_layout layout; /* frontier */
    double draws;                /* frontier: that the whole training will see */
    /* the same on all ranks that train */
    uint64_t phase, newton; /* nnsm_phase; Newton steps done */
    uint64_t gathered;      /* draws in memory[1], or, in the last phase, averaged over */
} nnsm_learner;

/* draws: configurations that the training will see in all, repetitions counted. */
nnsm_status nnsm_learner_create(nnsm_learner *learner, nnsm_network *network, const nnsm_config *config, double draws,
                                nnsm_error *error);
void nnsm_learner_destroy(nnsm_learner *learner);

/* How many of the `draws` of a whole training are foreseen to want Hessians; 0 for a dense network. They do until the
 * average begins, which the data decide: four Newton steps were seen where the network describes them. */
double nnsm_learner_hessian_draws(const nnsm_config *config, double draws);

/* Where the slices of `ranks` ranks begin; starts: out, [ranks + 1]. Returns false when any cut will do. */
bool nnsm_learner_cut(const nnsm_learner *learner, nnsm_vector vector, int ranks, size_t *starts);

/* Which sums the next step wants: NNSM_VECTOR_GRADIENT or NNSM_VECTOR_HESSIAN. */
nnsm_vector nnsm_learner_wants(const nnsm_learner *learner);

/* Floats of the larger of them. */
static inline size_t nnsm_learner_most_sums(const nnsm_learner *learner)
{
    const size_t *count = learner->count;
    bool hessian = count[NNSM_VECTOR_HESSIAN] > count[NNSM_VECTOR_GRADIENT];
    return count[hessian ? NNSM_VECTOR_HESSIAN : NNSM_VECTOR_GRADIENT];
}

/* The pieces that vectors and sums go in while they are summed and shared out: where they begin, `starts`, out,
 * [NNSM_MOST_PIECES]. Returns their number. A frontier network's vectors are one piece. */
size_t nnsm_learner_pieces(const nnsm_learner *learner, size_t *starts);

/* The sums over some configurations, and of -log p. sums: out, [count[nnsm_learner_wants]]; listener: who is told of
 * them, and that their parameters may change, as they become final; NULL: nobody. */
double nnsm_learner_sum(const nnsm_learner *learner, nnsm_network_workspace *workspace, const int8_t *configurations,
                        size_t count, float *sums, const nnsm_listener *listener);

/* One step of the slice that begins at `first` (in parameters), from the slice of the sums of `draws` configurations.
 * step: number of this one; rate: Adam's. noise: out, largest Newton decrement in units of the draws' noise, 0 where
 * there is none. NNSM_FAILURE when a fit has no solution. */
nnsm_status nnsm_learner_step(nnsm_learner *learner, const float *sums, size_t first, size_t end, double draws,
                              uint64_t step, double rate, double *noise, nnsm_error *error);

/* After the step of all slices: what comes next. noise: the largest of all slices. */
void nnsm_learner_advance(nnsm_learner *learner, double draws, double noise);

/* parameters into the network. */
void nnsm_learner_publish(nnsm_learner *learner);

#endif
