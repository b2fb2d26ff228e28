/* rounds.h: all configurations of a file, read once, by all ranks at the same time.
 *
 * The file is cut into blocks that depend on it alone (nnsm_ensemble_block); in every round rank r takes the block
 * `round * ranks + r`. Results are the same bits on any number of ranks as long as they depend on the blocks, and not
 * on who read them. Who does not depend on the blocks either may choose their size. Between two rounds all ranks vote
 * whether to stop. */
#ifndef NNSM_STAGE_ROUNDS_H
#define NNSM_STAGE_ROUNDS_H

#include "io/ensemble_file.h"
#include "stage/run.h"

typedef struct {
    size_t begin, end;   /* configurations of this round, of all ranks */
    size_t first, count; /* those of this rank; count = 0: none */
    size_t block;        /* configurations of a full block */
} nnsm_round;

/* The rank that has read a configuration of the round. */
static inline int nnsm_round_rank(const nnsm_round *round, size_t index)
{
    return (int)((index - round->begin) / round->block);
}

/* work: local, may fail. exchange: collective, after all ranks have worked without a failure; may be NULL. */
typedef struct {
    nnsm_status (*work)(void *context, const nnsm_round *round, nnsm_error *error);
    void (*exchange)(void *context, const nnsm_round *round);
    nnsm_vote vote; /* where the ranks vote */
    size_t block;   /* configurations of a block; 0: nnsm_ensemble_block */
} nnsm_round_methods;

/* The round that starts at configuration `begin`, in blocks of `block`. Local. */
nnsm_round nnsm_round_make(const nnsm_run *run, const nnsm_ensemble_header *header, size_t block, size_t begin);

/* Work through the file. NNSM_UNFINISHED, with nothing saved, when asked to stop. Collective on run->world. */
nnsm_status nnsm_rounds(nnsm_run *run, const nnsm_ensemble_header *header, const nnsm_round_methods *methods,
                        void *context, nnsm_error *error);

#endif
