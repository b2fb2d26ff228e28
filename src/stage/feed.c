#include "stage/feed.h"

#include <limits.h>
#include <string.h>

#include "base/bulk.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"

enum { TAGS = 32768, AT_ONCE = 64 /* chunks taken between two votes */ };

/* ---- pool */

nnsm_status nnsm_pool_create(nnsm_pool *pool, const nnsm_partition *partition, size_t sites, int rank, int ranks,
                             const char *scratch, nnsm_error *error)
{
    size_t own = 0;
    *pool = (nnsm_pool){.partition = *partition, .sites = sites};
    for (size_t p = 0; p < partition->pieces; p++)
        own += nnsm_partition_owner(partition, p, ranks) == rank ? nnsm_partition_rows(partition, p) : 0;
    nnsm_status status = NNSM_NEW(&pool->piece, partition->pieces, "training data", error);
    if (!status)
        status = NNSM_BULK(&pool->rows, own * sites, scratch, "training data", error);
    int8_t *next = pool->rows;
    for (size_t p = 0; p < partition->pieces && !status; p++)
        if (nnsm_partition_owner(partition, p, ranks) == rank) {
            pool->piece[p] = next;
            next += nnsm_partition_rows(partition, p) * sites;
        }
    return status;
}

void nnsm_pool_destroy(nnsm_pool *pool)
{
    nnsm_bulk_release(pool->rows);
    nnsm_release(pool->piece);
    *pool = (nnsm_pool){0};
}

/* One piece from one rank to one other. */
static void move_piece(const nnsm_pool *from, int source, nnsm_pool *to, int target, size_t piece, MPI_Comm comm)
{
    int rank;
    NNSM_MPI(MPI_Comm_rank(comm, &rank));
    size_t left = nnsm_partition_rows(&to->partition, piece) * to->sites, done = 0;
    if (rank == source && rank == target)
        memcpy(to->piece[piece], from->piece[piece], left);
    else
        for (; done < left; done += INT_MAX / 2) { /* MPI counts are int */
            int part = left - done < INT_MAX / 2 ? (int)(left - done) : INT_MAX / 2;
            if (rank == source)
                NNSM_MPI(MPI_Send(from->piece[piece] + done, part, MPI_SIGNED_CHAR, target, 0, comm));
            if (rank == target)
                NNSM_MPI(MPI_Recv(to->piece[piece] + done, part, MPI_SIGNED_CHAR, source, 0, comm, MPI_STATUS_IGNORE));
        }
}

void nnsm_pool_move(const nnsm_pool *from, int from_ranks, nnsm_pool *to, int to_ranks, MPI_Comm comm)
{
    for (size_t p = 0; p < to->partition.pieces; p++)
        move_piece(from, nnsm_partition_owner(&to->partition, p, from_ranks), to,
                   nnsm_partition_owner(&to->partition, p, to_ranks), p, comm);
}

void nnsm_pool_deal(const nnsm_pool *from, nnsm_pool *to, const int *first, int groups, MPI_Comm comm)
{
    for (size_t p = 0; p < to->partition.pieces; p++)
        for (int g = 0; g < groups; g++)
            move_piece(from, nnsm_partition_owner(&to->partition, p, first[groups]), to,
                       first[g] + nnsm_partition_owner(&to->partition, p, first[g + 1] - first[g]), p, comm);
}

void nnsm_pool_store(nnsm_pool *pool, uint64_t first, size_t rows, uint64_t limit, const int8_t *configurations)
{
    size_t piece, row;
    for (size_t i = 0; i < rows && first + i < limit; i++) {
        nnsm_partition_locate(&pool->partition, first + i, &piece, &row);
        if (pool->piece[piece])
            memcpy(pool->piece[piece] + row * pool->sites, configurations + i * pool->sites, pool->sites);
    }
}

void nnsm_pool_state(nnsm_pool *pool, const nnsm_partition *partition, size_t sites, int ranks, uint64_t received,
                     nnsm_state *state)
{
    static const char name[] = "/pool/configurations";
    size_t first = 0;
    nnsm_state_define(state, name, NNSM_H5_BYTES, (partition->training + partition->validation) * sites);
    for (size_t p = 0; p < partition->pieces; p++) {
        size_t size = nnsm_partition_rows(partition, p) * sites;
        nnsm_state_piece(state, name, NNSM_H5_BYTES, first, size, nnsm_partition_owner(partition, p, ranks),
                         pool->piece ? pool->piece[p] : NULL);
        first += size;
    }
    for (uint64_t i = 0; i < received && i < partition->configurations && !state->writing && pool->piece; i++) {
        size_t piece, row;
        nnsm_partition_locate(partition, i, &piece, &row);
        if (pool->piece[piece])
            nnsm_state_sites(state, "training data", pool->piece[piece] + row * sites, sites);
    }
}

/* ---- chunks */

/* How many configurations of a chunk, below `limit`, are one trainer's; their rows are packed into `to` (may be NULL).
 */
static size_t pack(const nnsm_partition *partition, uint64_t chunk, uint64_t limit, int trainers, int trainer,
                   size_t sites, const int8_t *rows, int8_t *to)
{
    size_t piece, row, count = 0;
    for (size_t lane = 0; lane < NNSM_CHUNK && chunk * NNSM_CHUNK + lane < limit; lane++) {
        nnsm_partition_locate(partition, chunk * NNSM_CHUNK + lane, &piece, &row);
        if (nnsm_partition_owner(partition, piece, trainers) != trainer)
            continue;
        if (to)
            memcpy(to + count * sites, rows + lane * sites, sites);
        count++;
    }
    return count;
}

/* Put a packed message into the pool. */
static void unpack(nnsm_feed *feed, uint64_t chunk, const int8_t *packed)
{
    nnsm_pool *pool = feed->pool;
    size_t piece, row, used = 0;
    for (size_t lane = 0; lane < NNSM_CHUNK && chunk * NNSM_CHUNK + lane < feed->limit; lane++) {
        nnsm_partition_locate(&pool->partition, chunk * NNSM_CHUNK + lane, &piece, &row);
        if (nnsm_partition_owner(&pool->partition, piece, feed->trainers) == feed->me)
            memcpy(pool->piece[piece] + row * pool->sites, packed + used++ * pool->sites, pool->sites);
    }
}

static int8_t *place(const nnsm_feed *feed, uint64_t chunk)
{
    return feed->buffer + chunk % NNSM_RECEIVES * NNSM_CHUNK * feed->pool->sites;
}

/* A message of this size needs the sender's attention, which it gives between two slices of its work: nobody waits for
 * it here, and several are under way so that one attention serves them all. */
static void begin_to_receive(nnsm_feed *feed)
{
    size_t sites = feed->pool->sites;
    for (feed->begun = feed->begun > feed->next ? feed->begun : feed->next;
         feed->begun < feed->next + NNSM_RECEIVES && feed->begun * NNSM_CHUNK < feed->limit; feed->begun++) {
        int here, from = feed->layout.first + nnsm_layout_owner(&feed->layout, feed->begun);
        MPI_Request *request = &feed->request[feed->begun % NNSM_RECEIVES];
        MPI_Message message;
        size_t count =
            pack(&feed->pool->partition, feed->begun, feed->limit, feed->trainers, feed->me, sites, NULL, NULL);
        *request = MPI_REQUEST_NULL;
        if (!count)
            continue;
        NNSM_MPI_PROMPT(MPI_Improbe(from, (int)(feed->begun % TAGS), feed->link, &here, &message, MPI_STATUS_IGNORE));
        if (!here)
            return;
        NNSM_MPI_PROMPT(MPI_Imrecv(place(feed, feed->begun), (int)(count * sites), MPI_SIGNED_CHAR, &message, request));
    }
}

/* Take chunk `next` if it has arrived. */
static bool receive(nnsm_feed *feed)
{
    int here = 0;
    begin_to_receive(feed);
    if (feed->next < feed->begun)
        NNSM_MPI_PROMPT(MPI_Test(&feed->request[feed->next % NNSM_RECEIVES], &here, MPI_STATUS_IGNORE));
    if (here)
        unpack(feed, feed->next, place(feed, feed->next));
    return here;
}

/* Take chunk `next` of the own generators if it is made. */
static bool take(nnsm_feed *feed)
{
    if (feed->next / feed->layout.tiles >= feed->source->made)
        return false;
    nnsm_pool_store(feed->pool, feed->next * NNSM_CHUNK, NNSM_CHUNK, feed->limit,
                    nnsm_source_rows(feed->source, feed->next));
    return true;
}

bool nnsm_feed_has(const nnsm_feed *feed, uint64_t upto)
{
    return feed->next * NNSM_CHUNK >= (upto < feed->limit ? upto : feed->limit);
}

void nnsm_feed_poll(nnsm_feed *feed, uint64_t needed, uint64_t bound)
{
    /* Chunks wholly below the bound, and those that are needed. */
    int taken = 0;
    while (taken < AT_ONCE && !nnsm_feed_has(feed, feed->limit) &&
           ((feed->next + 1) * NNSM_CHUNK <= bound || !nnsm_feed_has(feed, needed))) {
        if (!(feed->source ? take(feed) : receive(feed)))
            break;
        feed->next++;
        taken++;
    }
    if (feed->source && taken < AT_ONCE && !nnsm_feed_has(feed, needed))
        nnsm_source_advance(feed->source);
}

/* ---- sending */

nnsm_status nnsm_sender_create(nnsm_sender *sender, const nnsm_source *source, const nnsm_partition *partition,
                               MPI_Comm link, int trainers, uint64_t limit, nnsm_error *error)
{
    size_t slots = (size_t)trainers * NNSM_RUN_AHEAD;
    *sender =
        (nnsm_sender){.source = source, .partition = partition, .link = link, .trainers = trainers, .limit = limit};
    nnsm_status status = NNSM_NEW(&sender->buffer, slots * NNSM_CHUNK * source->run->lattice.sites, "messages", error);
    if (!status)
        status = NNSM_NEW(&sender->request, slots, "messages", error);
    for (size_t i = 0; i < slots && !status; i++)
        sender->request[i] = MPI_REQUEST_NULL;
    return status;
}

void nnsm_sender_destroy(nnsm_sender *sender)
{
    nnsm_release(sender->buffer);
    nnsm_release(sender->request);
    *sender = (nnsm_sender){0};
}

/* The first own chunk from `next` on. */
static uint64_t next_own(const nnsm_sender *s)
{
    size_t tiles = s->source->layout.tiles, tile = (size_t)(s->next % tiles), first = s->source->first_tile;
    if (tile < first)
        return s->next + (first - tile);
    return tile < first + s->source->own ? s->next : s->next + (tiles - tile) + first;
}

/* Are all configurations up to the limit on their way? */
static bool is_done(const nnsm_sender *sender)
{
    return !sender->source->own || next_own(sender) * NNSM_CHUNK >= sender->limit;
}

bool nnsm_sender_progress(nnsm_sender *sender)
{
    nnsm_sender *s = sender;
    size_t sites = s->source->run->lattice.sites, turn = (size_t)(s->turn % NNSM_RUN_AHEAD);
    uint64_t chunk = next_own(s);
    int free = 1;
    if (is_done(s) || chunk / s->source->layout.tiles >= s->source->made)
        return false;
    for (int r = 0; r < s->trainers && free; r++)
        NNSM_MPI_PROMPT(MPI_Test(&s->request[(size_t)r * NNSM_RUN_AHEAD + turn], &free, MPI_STATUS_IGNORE));
    if (!free)
        return false;
    for (int r = 0; r < s->trainers; r++) {
        size_t slot = (size_t)r * NNSM_RUN_AHEAD + turn;
        int8_t *to = s->buffer + slot * NNSM_CHUNK * sites;
        size_t count =
            pack(s->partition, chunk, s->limit, s->trainers, r, sites, nnsm_source_rows(s->source, chunk), to);
        if (count) /* synchronous: done means received, which bounds the run-ahead */
            NNSM_MPI_PROMPT(MPI_Issend(to, (int)(count * sites), MPI_SIGNED_CHAR, r, (int)(chunk % TAGS), s->link,
                                       &s->request[slot]));
    }
    s->next = chunk + 1;
    s->turn++;
    return true;
}

static bool still_receiving(nnsm_feed *feed)
{
    int done = 1;
    for (uint64_t chunk = feed->next; chunk < feed->begun && done; chunk++)
        NNSM_MPI_PROMPT(MPI_Test(&feed->request[chunk % NNSM_RECEIVES], &done, MPI_STATUS_IGNORE));
    return !done;
}

/* All messages of all senders are received when a barrier that they enter after their last one is passed. */
void nnsm_feed_drain(nnsm_feed *feed, nnsm_sender *sender)
{
    MPI_Request barrier = MPI_REQUEST_NULL;
    size_t most = NNSM_CHUNK * feed->run->lattice.sites;
    for (int entered = 0, passed = 0, here; !passed;) {
        MPI_Status status;
        if (still_receiving(feed))
            continue;
        NNSM_MPI_PROMPT(MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, feed->link, &here, &status));
        if (here)
            NNSM_MPI(MPI_Recv(feed->buffer, (int)most, MPI_SIGNED_CHAR, status.MPI_SOURCE, status.MPI_TAG, feed->link,
                              MPI_STATUS_IGNORE));
        if (!entered) {
            entered = 1;
            if (sender)
                NNSM_MPI_PROMPT(
                    MPI_Testall(sender->trainers * NNSM_RUN_AHEAD, sender->request, &entered, MPI_STATUSES_IGNORE));
            if (entered)
                NNSM_MPI_PROMPT(MPI_Ibarrier(feed->link, &barrier));
        } else
            NNSM_MPI_PROMPT(MPI_Test(&barrier, &passed, MPI_STATUS_IGNORE));
    }
}
