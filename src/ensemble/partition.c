#include "ensemble/partition.h"

nnsm_partition nnsm_partition_make(size_t configurations, double validation_fraction, size_t batch, size_t shards)
{
    nnsm_partition p = {.configurations = configurations, .batch = batch, .shards = shards};
    p.validation = (size_t)(validation_fraction * (double)configurations);
    p.training = configurations - p.validation;
    p.batches = (p.training + batch - 1) / batch;
    p.tiles = (p.validation + NNSM_VALIDATION_ROWS - 1) / NNSM_VALIDATION_ROWS;
    p.pieces = p.shards + p.tiles;
    return p;
}

/* How many of the positions 0 ... positions - 1 belong to a shard. */
static size_t members(const nnsm_partition *p, size_t positions, size_t shard)
{
    return positions > shard ? (positions - shard + p->shards - 1) / p->shards : 0;
}

void nnsm_partition_batch(const nnsm_partition *partition, size_t shard, size_t batch, size_t *first, size_t *count)
{
    size_t start = batch * partition->batch, left = partition->training - start;
    *first = batch * members(partition, partition->batch, shard);
    *count = members(partition, left < partition->batch ? left : partition->batch, shard);
}

size_t nnsm_partition_rows(const nnsm_partition *partition, size_t piece)
{
    size_t first, count;
    if (piece >= partition->shards) {
        size_t left = partition->validation - (piece - partition->shards) * NNSM_VALIDATION_ROWS;
        return left < NNSM_VALIDATION_ROWS ? left : NNSM_VALIDATION_ROWS;
    }
    nnsm_partition_batch(partition, piece, partition->batches - 1, &first, &count);
    return first + count;
}

void nnsm_partition_locate(const nnsm_partition *partition, uint64_t index, size_t *piece, size_t *row)
{
    if (index < partition->validation) {
        *piece = partition->shards + (size_t)index / NNSM_VALIDATION_ROWS;
        *row = (size_t)index % NNSM_VALIDATION_ROWS;
        return;
    }
    size_t sample = (size_t)((index - partition->validation) % partition->training), first, count;
    size_t position = sample % partition->batch;
    *piece = position % partition->shards;
    nnsm_partition_batch(partition, *piece, sample / partition->batch, &first, &count);
    *row = first + position / partition->shards;
}

size_t nnsm_partition_index(const nnsm_partition *partition, size_t shard, size_t row)
{
    size_t own = members(partition, partition->batch, shard), batch = row / own, within = row % own;
    return partition->validation + batch * partition->batch + within * partition->shards + shard;
}

size_t nnsm_partition_shard_rows(const nnsm_partition *partition)
{
    return members(partition, partition->batch, 0);
}

int nnsm_partition_owner(const nnsm_partition *partition, size_t piece, int ranks)
{
    size_t workers = (size_t)ranks < partition->shards ? (size_t)ranks : partition->shards;
    return piece < partition->shards ? (int)(piece * workers / partition->shards)
                                     : (int)((piece - partition->shards) % workers);
}
