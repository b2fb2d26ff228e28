#include "stage/load.h"

#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/rounds.h"

typedef struct {
    nnsm_run *run;
    nnsm_h5 *h5;
    const nnsm_ensemble_header *header;
    nnsm_pool *pool;
    nnsm_observer observer;
    int8_t *rows, *sent, *received; /* [block][sites]; [block][sites]; as many as a round brings */
    nnsm_record *records;           /* [block] */
    int *counts, *places;           /* [4][ranks], [2][ranks]: of configurations to and from other ranks */
    MPI_Datatype row, record;
} loader;

/* Whose is a configuration? */
static int owner_of(const loader *l, size_t index)
{
    size_t piece, row;
    nnsm_partition_locate(&l->pool->partition, index, &piece, &row);
    return nnsm_partition_owner(&l->pool->partition, piece, l->run->ranks);
}

/* The most configurations that any round brings to this rank. */
static size_t most_received(const loader *l)
{
    size_t most = 1;
    for (size_t begin = 0; begin < l->header->configurations;) {
        nnsm_round round = nnsm_round_make(l->run, l->header, nnsm_ensemble_block(l->header), begin);
        size_t count = 0;
        for (size_t i = begin; i < round.end; i++)
            count += owner_of(l, i) == l->run->rank;
        most = count > most ? count : most;
        begin = round.end;
    }
    return most;
}

static nnsm_status allocate(loader *l, nnsm_error *error)
{
    size_t sites = l->header->sites, block = nnsm_ensemble_block(l->header), ranks = (size_t)l->run->ranks;
    nnsm_status status = NNSM_NEW(&l->rows, block * sites, "configurations", error);
    if (!status)
        status = NNSM_NEW(&l->records, block, "configurations", error);
    if (!status)
        status = NNSM_NEW(&l->counts, 4 * ranks, "configurations", error);
    if (!status)
        status = NNSM_NEW(&l->places, 2 * ranks, "configurations", error);
    if (!status && l->pool)
        status = NNSM_NEW(&l->sent, block * sites, "configurations", error);
    if (!status && l->pool)
        status = NNSM_NEW(&l->received, most_received(l) * sites, "configurations", error);
    return status;
}

static nnsm_status read_block(void *context, const nnsm_round *round, nnsm_error *error)
{
    loader *l = context;
    (void)error; /* h5's */
    nnsm_ensemble_read_rows(l->h5, l->header, round->first, round->count, l->rows);
    if (!l->h5->status)
        nnsm_observer_see(&l->observer, round->first, round->count, l->rows, l->records);
    return l->h5->status;
}

/* Rows to their owners, in the order of the file. */
static void distribute(loader *l, const nnsm_round *round)
{
    int ranks = l->run->ranks, *out = l->counts, *in = out + ranks, *to = l->places, *from = to + ranks;
    size_t sites = l->header->sites;
    int *used = l->counts + 2 * ranks;
    memset(l->counts, 0, 4 * (size_t)ranks * sizeof *l->counts);
    for (size_t i = round->begin; i < round->end; i++) {
        int reader = nnsm_round_rank(round, i), owner = owner_of(l, i);
        out[owner] += reader == l->run->rank;
        in[reader] += owner == l->run->rank;
    }
    for (int r = 0; r < ranks; r++) {
        to[r] = r ? to[r - 1] + out[r - 1] : 0;
        from[r] = r ? from[r - 1] + in[r - 1] : 0;
    }
    for (size_t i = 0; i < round->count; i++) {
        int owner = owner_of(l, round->first + i);
        memcpy(l->sent + (size_t)(to[owner] + used[owner]++) * sites, l->rows + i * sites, sites);
    }
    NNSM_MPI(MPI_Alltoallv(l->sent, out, to, l->row, l->received, in, from, l->row, l->run->world));
    const int8_t *next = l->received; /* readers come in the order of their blocks */
    for (size_t i = round->begin; i < round->end; i++)
        if (owner_of(l, i) == l->run->rank) {
            nnsm_pool_store(l->pool, i, 1, l->header->configurations, next);
            next += sites;
        }
}

static void exchange(void *context, const nnsm_round *round)
{
    loader *l = context;
    int ranks = l->run->ranks, *count = l->counts, *place = l->places;
    for (int r = 0; r < ranks; r++) {
        size_t begin = round->begin + (size_t)r * round->block, end = begin + round->block;
        begin = begin < round->end ? begin : round->end;
        end = end < round->end ? end : round->end;
        count[r] = (int)(end - begin);
        place[r] = (int)(begin - round->begin);
    }
    NNSM_MPI(MPI_Gatherv(l->records, (int)round->count, l->record,
                         l->observer.record ? l->observer.record + round->begin : NULL, count, place, l->record, 0,
                         l->run->world));
    if (l->pool)
        distribute(l, round);
}

nnsm_status nnsm_load(nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header, nnsm_pool *pool,
                      nnsm_summary *summary, nnsm_evidence *evidence, nnsm_error *error)
{
    loader l = {.run = run, .h5 = h5, .header = header, .pool = pool};
    nnsm_round_methods methods = {.work = read_block, .exchange = exchange, .vote = NNSM_VOTE_READ};
    NNSM_MPI(MPI_Type_contiguous((int)header->sites, MPI_SIGNED_CHAR, &l.row));
    NNSM_MPI(MPI_Type_commit(&l.row));
    NNSM_MPI(MPI_Type_contiguous((int)sizeof(nnsm_record), MPI_BYTE, &l.record));
    NNSM_MPI(MPI_Type_commit(&l.record));
    nnsm_status status = nnsm_agree(run->world, allocate(&l, error), error);
    if (!status)
        status = nnsm_observer_create(&l.observer, run, header, error);
    if (!status)
        status = nnsm_rounds(run, header, &methods, &l, error);
    if (!status)
        status = nnsm_observer_conclude(&l.observer, summary, evidence, error);
    nnsm_observer_destroy(&l.observer);
    nnsm_release(l.rows);
    nnsm_release(l.sent);
    nnsm_release(l.received);
    nnsm_release(l.records);
    nnsm_release(l.counts);
    nnsm_release(l.places);
    NNSM_MPI(MPI_Type_free(&l.row));
    NNSM_MPI(MPI_Type_free(&l.record));
    return status;
}
