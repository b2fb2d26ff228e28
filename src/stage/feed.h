/* feed.h: the stream of numbered chunks of configurations from where they arise to the pieces that train on them.
 *
 * Chunk number k * tiles + t holds snapshot k of the 64 chains of tile t; configuration index = chunk * 64 + lane, so
 * the order of the ensemble depends on no rank count. A chunk comes from this rank's own generators (one rank plays
 * every part in turn), from another rank (MPI), or from an ensemble file. */
#ifndef NNSM_STAGE_FEED_H
#define NNSM_STAGE_FEED_H

#include "ensemble/partition.h"
#include "io/ensemble_file.h"
#include "lattice/generator.h"
#include "stage/run.h"
#include "stage/summary.h"

enum { NNSM_CHUNK = NNSM_GENERATOR_CHAINS };

/* ---- the generators of one rank: tiles first_tile ... first_tile + own - 1 of the run's chains */

typedef struct {
    nnsm_run *run;
    MPI_Comm group;                           /* the generator ranks */
    size_t tiles, first_tile, own, snapshots; /* snapshots: rounds that the ensemble keeps */
    nnsm_generator **tile;                    /* [own] */
    int8_t *kept;                             /* [own][snapshots][NNSM_CHUNK][sites] the ensemble's part of this rank */
    int8_t *passing;                          /* [NNSM_CHUNK][sites] a chunk beyond the ensemble (stream) */
} nnsm_source;

/* Collective on group. */
nnsm_status nnsm_source_create(nnsm_source *source, nnsm_run *run, MPI_Comm group, nnsm_error *error);
void nnsm_source_destroy(nnsm_source *source);

/* The rank, of `ranks` generators, that makes a chunk. Local. */
int nnsm_source_owner(size_t tiles, uint64_t chunk, int ranks);

/* Make chunk `chunk` of an own tile; a tile's chunks are made in order. Returns [NNSM_CHUNK][sites], borrowed until the
 * next call. Local. */
const int8_t *nnsm_source_chunk(nnsm_source *source, uint64_t chunk);

/* Measure and write the ensemble when all kept chunks are made. *summary is the same on all ranks of the group.
 * Collective on group. */
nnsm_status nnsm_source_finish(nnsm_source *source, nnsm_summary *summary, nnsm_error *error);

/* ---- the pieces of training data that a rank owns */

typedef struct {
    nnsm_partition partition;
    size_t sites;
    int8_t **piece; /* [pieces], NULL where another rank owns it; [rows][sites] */
} nnsm_pool;

nnsm_status nnsm_pool_create(nnsm_pool *pool, const nnsm_partition *partition, size_t sites, int rank, int ranks,
                             nnsm_error *error);
void nnsm_pool_destroy(nnsm_pool *pool);

/* Move the pieces of `from`, spread over the first `from_ranks` ranks of comm, to `to`, spread over to_ranks.
 * Collective. */
void nnsm_pool_move(const nnsm_pool *from, int from_ranks, nnsm_pool *to, int to_ranks, MPI_Comm comm);

/* ---- the consumer's side */

typedef struct {
    nnsm_run *run;
    nnsm_pool *pool;
    nnsm_source *source; /* chunks are made here, or NULL */
    MPI_Comm link;       /* all ranks: trainers first, then generators; for remote chunks */
    int trainers, generators, me;
    nnsm_h5 *file; /* chunks are read here, or NULL */
    const nnsm_ensemble_header *header;
    size_t tiles;
    uint64_t next;  /* next chunk to take */
    uint64_t limit; /* configurations that will come */
    int8_t *buffer; /* [NNSM_CHUNK][sites] */
} nnsm_feed;

/* Take chunks until all configurations below index `upto` are in the pool. Local, or receives from generators. */
nnsm_status nnsm_feed_take(nnsm_feed *feed, uint64_t upto, nnsm_error *error);

/* Take what has arrived already, but no configuration at or beyond index `bound`. */
void nnsm_feed_poll(nnsm_feed *feed, uint64_t bound);

/* The generators' side of remote chunks: make and send all chunks up to `limit` configurations; at most a few are under
 * way at once (bounded run-ahead). */
nnsm_status nnsm_feed_send_all(nnsm_source *source, const nnsm_partition *partition, MPI_Comm link, int trainers,
                               uint64_t limit, nnsm_error *error);

#endif
