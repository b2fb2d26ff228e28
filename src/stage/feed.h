/* feed.h: the stream of numbered chunks of configurations from where they arise to the pieces that train on them.
 *
 * A chunk comes from this rank's own generators (one rank plays every part in turn) or from another rank by
 * non-blocking messages with bounded run-ahead. Neither side ever waits in a message: both look around between two
 * steps. */
#ifndef NNSM_STAGE_FEED_H
#define NNSM_STAGE_FEED_H

#include "ensemble/partition.h"
#include "io/ensemble_file.h"
#include "stage/source.h"

/* ---- the pieces of training data that a rank owns */

typedef struct {
    nnsm_partition partition;
    size_t sites;
    int8_t *rows;   /* of all own pieces, bulk */
    int8_t **piece; /* [pieces], NULL where another rank owns it; [rows][sites] */
} nnsm_pool;

/* scratch: run.scratch. */
nnsm_status nnsm_pool_create(nnsm_pool *pool, const nnsm_partition *partition, size_t sites, int rank, int ranks,
                             const char *scratch, nnsm_error *error);
void nnsm_pool_destroy(nnsm_pool *pool);

/* Move the pieces of `from`, spread over the first `from_ranks` ranks of comm, to `to`, spread over to_ranks.
 * Collective. */
void nnsm_pool_move(const nnsm_pool *from, int from_ranks, nnsm_pool *to, int to_ranks, MPI_Comm comm);

/* Copy the pieces of `from`, spread over all ranks of comm, to every group of ranks: `to`, spread over its ranks. Group
 * g is the ranks first[g] ... first[g + 1] - 1 of comm. Collective. */
void nnsm_pool_deal(const nnsm_pool *from, nnsm_pool *to, const int *first, int groups, MPI_Comm comm);

/* Put those of `rows` configurations that belong here where they belong; the first has index `first` in the ensemble,
 * and those from `limit` on are not wanted. Local. */
void nnsm_pool_store(nnsm_pool *pool, uint64_t first, size_t rows, uint64_t limit, const int8_t *configurations);

/* Save or restore the pieces, which the first `ranks` ranks own, below /pool. pool: zeroed on ranks without one.
 * received: configurations that must be there when they are restored. Collective on run->world. */
void nnsm_pool_state(nnsm_pool *pool, const nnsm_partition *partition, size_t sites, int ranks, uint64_t received,
                     nnsm_state *state);

/* ---- the consumer's side */

typedef struct {
    nnsm_run *run;
    nnsm_pool *pool;
    nnsm_source *source; /* chunks are made here, or NULL */
    nnsm_layout layout;  /* of the generators */
    MPI_Comm link;       /* all ranks: trainers first, then generators; for remote chunks */
    int trainers, me;
    uint64_t next;  /* next chunk to take */
    uint64_t begun; /* chunks from `next` up to this one are being received */
    uint64_t limit; /* configurations that will come */
    int8_t *buffer; /* [NNSM_RECEIVES][NNSM_CHUNK][sites] */
    MPI_Request request[NNSM_RECEIVES];
} nnsm_feed;

/* Take what is there, but no configuration at or beyond index `bound`; own generators work one slice when what is
 * `needed` is not there yet. Local, does not wait. */
void nnsm_feed_poll(nnsm_feed *feed, uint64_t needed, uint64_t bound);

/* Are all configurations below index `upto` (or the limit) in the pool? */
bool nnsm_feed_has(const nnsm_feed *feed, uint64_t upto);

/* ---- the generators' side */

typedef struct {
    const nnsm_source *source;
    const nnsm_partition *partition;
    MPI_Comm link;
    int trainers;
    uint64_t next;  /* chunk of any rank; the next one to send is the first own one from here */
    uint64_t limit; /* configurations to send in all */
    uint64_t turn;
    int8_t *buffer; /* [trainers][NNSM_RUN_AHEAD][NNSM_CHUNK][sites] */
    MPI_Request *request;
} nnsm_sender;

/* source and partition are borrowed. NNSM_FAILURE without memory. Local. */
nnsm_status nnsm_sender_create(nnsm_sender *sender, const nnsm_source *source, const nnsm_partition *partition,
                               MPI_Comm link, int trainers, uint64_t limit, nnsm_error *error);
void nnsm_sender_destroy(nnsm_sender *sender);

/* Start sending what is made, as far as earlier messages have been received. Returns true when it did something. Local,
 * does not wait. */
bool nnsm_sender_progress(nnsm_sender *sender);

/* Receive and drop what is still under way, on all ranks of link; sender: NULL on trainers. Collective. */
void nnsm_feed_drain(nnsm_feed *feed, nnsm_sender *sender);

#endif
