/* partition.h: which configuration of an ensemble serves where in training. Depends on no rank count.
 *
 * The first `validation` configurations are held out, in tiles of NNSM_VALIDATION_ROWS. The others, in the order of the
 * ensemble, are cut into batches; position p of a batch belongs to gradient shard p mod shards. A configuration stays
 * with its shard for good: later epochs shuffle the order within every shard. The pieces that ranks own are the shards,
 * numbered from 0, and after them the validation tiles. Local, cannot fail. */
#ifndef NNSM_ENSEMBLE_PARTITION_H
#define NNSM_ENSEMBLE_PARTITION_H

#include <stddef.h>
#include <stdint.h>

enum { NNSM_VALIDATION_ROWS = 64 };

typedef struct {
    size_t configurations, validation, training; /* validation + training = configurations */
    size_t batch, batches;                       /* configurations a full batch; batches an epoch */
    size_t shards, tiles, pieces;
} nnsm_partition;

nnsm_partition nnsm_partition_make(size_t configurations, double validation_fraction, size_t batch, size_t shards);

/* Rows of a piece. */
size_t nnsm_partition_rows(const nnsm_partition *partition, size_t piece);

/* Piece and row of configuration `index`; indices beyond the ensemble wrap to the training part (a stream's next
 * epoch). */
void nnsm_partition_locate(const nnsm_partition *partition, uint64_t index, size_t *piece, size_t *row);

/* Index in the ensemble of a row of a gradient shard: the inverse of nnsm_partition_locate. */
size_t nnsm_partition_index(const nnsm_partition *partition, size_t shard, size_t row);

/* Rows [first, first + count) of shard that make up its part of a batch. */
void nnsm_partition_batch(const nnsm_partition *partition, size_t shard, size_t batch, size_t *first, size_t *count);

/* Largest part of a batch that a shard can have: the padded size of its products. */
size_t nnsm_partition_shard_rows(const nnsm_partition *partition);

/* The rank, of `ranks`, that owns a piece. Ranks beyond the number of shards own nothing. */
int nnsm_partition_owner(const nnsm_partition *partition, size_t piece, int ranks);

#endif
