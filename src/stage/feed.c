#include "stage/feed.h"

#include <limits.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"

enum { TAGS = 32768, RUN_AHEAD = 16 }; /* chunks a generator may have under way to one trainer */

/* ---- pool */

nnsm_status nnsm_pool_create(nnsm_pool *pool, const nnsm_partition *partition, size_t sites, int rank, int ranks,
                             nnsm_error *error)
{
    *pool = (nnsm_pool){.partition = *partition, .sites = sites};
    nnsm_status status = NNSM_NEW(&pool->piece, partition->pieces, "training data", error);
    for (size_t p = 0; p < partition->pieces && !status; p++)
        if (nnsm_partition_owner(partition, p, ranks) == rank)
            status = NNSM_NEW(&pool->piece[p], nnsm_partition_rows(partition, p) * sites, "training data", error);
    return status;
}

void nnsm_pool_destroy(nnsm_pool *pool)
{
    for (size_t p = 0; pool->piece && p < pool->partition.pieces; p++)
        nnsm_release(pool->piece[p]);
    nnsm_release(pool->piece);
    *pool = (nnsm_pool){0};
}

void nnsm_pool_move(const nnsm_pool *from, int from_ranks, nnsm_pool *to, int to_ranks, MPI_Comm comm)
{
    int rank;
    NNSM_MPI(MPI_Comm_rank(comm, &rank));
    for (size_t p = 0; p < to->partition.pieces; p++) {
        int source = nnsm_partition_owner(&to->partition, p, from_ranks);
        int target = nnsm_partition_owner(&to->partition, p, to_ranks);
        size_t left = nnsm_partition_rows(&to->partition, p) * to->sites, done = 0;
        if (rank == source && rank == target)
            memcpy(to->piece[p], from->piece[p], left);
        else
            for (; done < left; done += INT_MAX / 2) { /* MPI counts are int */
                int part = left - done < INT_MAX / 2 ? (int)(left - done) : INT_MAX / 2;
                if (rank == source)
                    NNSM_MPI(MPI_Send(from->piece[p] + done, part, MPI_SIGNED_CHAR, target, 0, comm));
                if (rank == target)
                    NNSM_MPI(MPI_Recv(to->piece[p] + done, part, MPI_SIGNED_CHAR, source, 0, comm, MPI_STATUS_IGNORE));
            }
    }
}

/* ---- chunks */

/* Whether configuration `index` is needed, and by which trainer. */
static bool wanted(const nnsm_partition *partition, uint64_t index, uint64_t limit, int trainers, int *owner,
                   size_t *piece, size_t *row)
{
    if (index >= limit)
        return false;
    nnsm_partition_locate(partition, index, piece, row);
    *owner = nnsm_partition_owner(partition, *piece, trainers);
    return true;
}

/* Put the rows of a chunk that belong here into the pool; packed: the chunk holds only those rows. */
static void store(nnsm_feed *feed, uint64_t chunk, const int8_t *rows, bool packed)
{
    nnsm_pool *pool = feed->pool;
    size_t piece, row, used = 0;
    int owner = -1;
    for (size_t lane = 0; lane < NNSM_CHUNK; lane++) {
        if (!wanted(&pool->partition, chunk * NNSM_CHUNK + lane, feed->limit, feed->trainers, &owner, &piece, &row) ||
            owner != feed->me)
            continue;
        memcpy(pool->piece[piece] + row * pool->sites, rows + (packed ? used : lane) * pool->sites, pool->sites);
        used++;
    }
}

static size_t rows_for(const nnsm_partition *partition, uint64_t chunk, uint64_t limit, int trainers, int trainer)
{
    size_t piece, row, count = 0;
    int owner = -1;
    for (size_t lane = 0; lane < NNSM_CHUNK; lane++)
        count +=
            wanted(partition, chunk * NNSM_CHUNK + lane, limit, trainers, &owner, &piece, &row) && owner == trainer;
    return count;
}

static nnsm_status read_chunk(nnsm_feed *feed, nnsm_error *error)
{
    size_t first = (size_t)feed->next * NNSM_CHUNK, left = feed->header->configurations - first;
    nnsm_ensemble_read_rows(feed->file, feed->header, first, left < NNSM_CHUNK ? left : NNSM_CHUNK, feed->buffer);
    store(feed, feed->next, feed->buffer, false);
    if (feed->file->status)
        *error = *feed->file->error;
    return feed->file->status;
}

static void receive_chunk(nnsm_feed *feed)
{
    size_t count = rows_for(&feed->pool->partition, feed->next, feed->limit, feed->trainers, feed->me);
    int from = feed->trainers + nnsm_source_owner(feed->tiles, feed->next, feed->generators);
    if (!count)
        return;
    NNSM_MPI(MPI_Recv(feed->buffer, (int)(count * feed->pool->sites), MPI_SIGNED_CHAR, from, (int)(feed->next % TAGS),
                      feed->link, MPI_STATUS_IGNORE));
    store(feed, feed->next, feed->buffer, true);
}

nnsm_status nnsm_feed_take(nnsm_feed *feed, uint64_t upto, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    upto = upto < feed->limit ? upto : feed->limit;
    for (; feed->next * NNSM_CHUNK < upto && !status; feed->next++) {
        if (feed->file)
            status = read_chunk(feed, error);
        else if (feed->source)
            store(feed, feed->next, nnsm_source_chunk(feed->source, feed->next), false);
        else {
            double since = nnsm_seconds();
            receive_chunk(feed);
            nnsm_run_waited(feed->run, NNSM_STAGE_TRAIN, since);
        }
    }
    return status;
}

void nnsm_feed_poll(nnsm_feed *feed, uint64_t bound)
{
    if (feed->file || feed->source)
        return;
    for (; (feed->next + 1) * NNSM_CHUNK <= bound && feed->next * NNSM_CHUNK < feed->limit; feed->next++) {
        int here = 1, from = feed->trainers + nnsm_source_owner(feed->tiles, feed->next, feed->generators);
        if (rows_for(&feed->pool->partition, feed->next, feed->limit, feed->trainers, feed->me))
            NNSM_MPI(MPI_Iprobe(from, (int)(feed->next % TAGS), feed->link, &here, MPI_STATUS_IGNORE));
        if (!here)
            return;
        receive_chunk(feed);
    }
}

/* Pack and start sending one chunk to one trainer; the slot's earlier message must be done first. */
static void send_chunk(const nnsm_partition *partition, MPI_Comm link, int trainers, int trainer, uint64_t chunk,
                       uint64_t limit, size_t sites, const int8_t *rows, int8_t *slot, MPI_Request *request)
{
    size_t count = 0, piece, row;
    int owner = -1;
    NNSM_MPI(MPI_Wait(request, MPI_STATUS_IGNORE));
    for (size_t lane = 0; lane < NNSM_CHUNK; lane++)
        if (wanted(partition, chunk * NNSM_CHUNK + lane, limit, trainers, &owner, &piece, &row) && owner == trainer)
            memcpy(slot + count++ * sites, rows + lane * sites, sites);
    if (count)
        NNSM_MPI(MPI_Issend(slot, (int)(count * sites), MPI_SIGNED_CHAR, trainer, (int)(chunk % TAGS), link, request));
}

nnsm_status nnsm_feed_send_all(nnsm_source *source, const nnsm_partition *partition, MPI_Comm link, int trainers,
                               uint64_t limit, nnsm_error *error)
{
    size_t sites = source->run->lattice.sites, slots = (size_t)trainers * RUN_AHEAD;
    int8_t *buffer = NULL;
    MPI_Request *request = NULL;
    nnsm_status status = NNSM_NEW(&buffer, slots * NNSM_CHUNK * sites, "messages", error);
    if (!status)
        status = NNSM_NEW(&request, slots, "messages", error);
    status = nnsm_agree(link, status, error); /* with the trainers' nnsm_agree before their first chunk */
    for (size_t i = 0; i < slots && !status; i++)
        request[i] = MPI_REQUEST_NULL;
    uint64_t rounds = (limit + source->tiles * NNSM_CHUNK - 1) / (source->tiles * NNSM_CHUNK), turn = 0;
    for (uint64_t k = 0; k < rounds && !status; k++)
        for (size_t t = 0; t < source->own; t++, turn++) {
            uint64_t chunk = k * source->tiles + source->first_tile + t;
            if (chunk * NNSM_CHUNK >= limit)
                continue;
            const int8_t *rows = nnsm_source_chunk(source, chunk);
            for (int r = 0; r < trainers; r++) {
                size_t slot = (size_t)r * RUN_AHEAD + (size_t)(turn % RUN_AHEAD);
                send_chunk(partition, link, trainers, r, chunk, limit, sites, rows, buffer + slot * NNSM_CHUNK * sites,
                           &request[slot]);
            }
        }
    if (!status)
        NNSM_MPI(MPI_Waitall((int)slots, request, MPI_STATUSES_IGNORE));
    nnsm_release(buffer);
    nnsm_release(request);
    return status;
}
