/* samples.h: configurations in NNSM_BLOCKS blocks that are independent of each other, shared out over the ranks, and
 * sums over them that are the same bits on any number of ranks: block b is worked on by rank b mod ranks, and rank 0
 * adds the blocks in their order. */
#ifndef NNSM_STAGE_SAMPLES_H
#define NNSM_STAGE_SAMPLES_H

#include "hamiltonian/couplings.h"
#include "io/ensemble_file.h"
#include "stage/run.h"

typedef struct {
    size_t configurations;              /* of all blocks */
    size_t rows[NNSM_BLOCKS];           /* configurations of a block */
    int8_t *configuration[NNSM_BLOCKS]; /* [rows][sites] of own blocks; else NULL */
} nnsm_samples;

void nnsm_samples_destroy(nnsm_samples *samples);

/* The block that a configuration of an ensemble belongs to. Local. */
size_t nnsm_samples_block(const nnsm_ensemble_header *header, size_t index);

/* Room for blocks of equal size. Collective on run->world. */
nnsm_status nnsm_samples_create(nnsm_samples *samples, const nnsm_run *run, size_t rows, nnsm_error *error);

/* The ensemble of the run, of a block the first `most` rows: ensemble.file or the run's own. Independent chains are
 * kept together in a block; one series is cut in time. samples->configurations = 0, and a line in the log, where there
 * is none that belongs to a network of this lattice and temperature, or it is not the one that the network was trained
 * on (run->trained_on); without: for that line, what is done then. Collective on run->world. */
nnsm_status nnsm_samples_read(nnsm_samples *samples, nnsm_run *run, double temperature, size_t most,
                              const char *without, nnsm_error *error);

/* Adds what block `block` contributes to sums, which are zero at first. Local. */
typedef void nnsm_block_function(void *context, size_t block, double *sums);

/* Some configurations of that ensemble, evenly spread over its file. *picks: in, most; out, how many, 0 where there is
 * none that belongs to the network. rows: out, [*picks][sites] states, the same on all ranks. Collective on run->world.
 */
nnsm_status nnsm_samples_pick(nnsm_run *run, double temperature, size_t *picks, int8_t *rows, nnsm_error *error);

/* Sums over the first `blocks` blocks into total [size], and the first `columns` sums of every block into table, rows
 * of `columns`; on all ranks. Between two rounds all ranks vote: NNSM_UNFINISHED, with nothing saved, when they are
 * asked to stop. Collective on run->world. */
nnsm_status nnsm_samples_sum(nnsm_run *run, size_t blocks, nnsm_block_function *function, void *context, size_t size,
                             double *total, size_t columns, double *table, nnsm_error *error);

#endif
