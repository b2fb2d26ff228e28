#include "stage/samples.h"

#include <math.h>
#include <string.h>

#include "base/bulk.h"
#include "base/memory.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/opening.h"
#include "stage/rounds.h"

void nnsm_samples_destroy(nnsm_samples *samples)
{
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        nnsm_bulk_release(samples->configuration[b]);
    *samples = (nnsm_samples){0};
}

static bool is_own(const nnsm_run *run, size_t block)
{
    return block % (size_t)run->ranks == (size_t)run->rank;
}

static nnsm_status allocate(nnsm_samples *samples, const nnsm_run *run, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    for (size_t b = 0; b < NNSM_BLOCKS && !status; b++)
        if (is_own(run, b))
            status = NNSM_BULK(&samples->configuration[b], samples->rows[b] * run->lattice.sites,
                               run->config->run.scratch, "samples", error);
    return nnsm_agree(run->world, status, error);
}

nnsm_status nnsm_samples_create(nnsm_samples *samples, const nnsm_run *run, size_t rows, nnsm_error *error)
{
    *samples = (nnsm_samples){.configurations = rows * NNSM_BLOCKS};
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        samples->rows[b] = rows;
    return allocate(samples, run, error);
}

/* ---- the ensemble */

/* Chains are interleaved in an ensemble. */
size_t nnsm_samples_block(const nnsm_ensemble_header *header, size_t index)
{
    size_t n = header->configurations, chains = header->chains > 0 ? (size_t)header->chains : 1;
    chains = chains <= n ? chains : 1; /* as in evidence and summary */
    if (chains >= NNSM_BLOCKS)
        return index % chains * NNSM_BLOCKS / chains;
    return (size_t)((double)index / (double)n * NNSM_BLOCKS);
}

/* Is it the ensemble of the network in use, as far as checksums tell? What the run's windows made names its source. */
static nnsm_status check_origin(const nnsm_run *run, const char *path, nnsm_h5 *h5, bool *same)
{
    const nnsm_config *c = run->config;
    nnsm_windowing theirs = {0};
    int64_t checksum = (int64_t)h5->checksum;
    bool made = run->windowing.window.sites && !(c->ensemble.given && strcmp(path, c->ensemble.file) == 0);
    if (made)
        nnsm_windowing_read(h5, &theirs);
    checksum = made ? theirs.source : checksum;
    *same = !run->trained_on || checksum == run->trained_on;
    return h5->status;
}

/* Does it belong to the network? A line in the log where not. */
static nnsm_status judge_file(nnsm_run *run, const char *path, double temperature, const char *without, nnsm_h5 *h5,
                              nnsm_ensemble_header *header, bool *fits, nnsm_error *error)
{
    bool same = true;
    *fits = nnsm_run_has_lattice(run, header->dimensions, header->extent) && header->temperature == temperature;
    nnsm_status status = nnsm_agree(run->world, check_origin(run, path, h5, &same), error);
    if (!status && *fits && !same) {
        nnsm_warn(&run->log,
                  "%.400s is not the ensemble that the network was trained on, its checksum differs: %s. Restore that "
                  "file, or train anew",
                  path, without);
        *fits = false;
        return NNSM_OK;
    }
    if (!status && *fits)
        status = nnsm_find_states(run, h5, header, NNSM_VOTE_SAMPLES, error);
    *fits = *fits && nnsm_alphabet_equal(&header->alphabet, &run->alphabet);
    if (!status && !*fits)
        nnsm_say(&run->log, "%.400s is of another lattice, temperature or alphabet than the network: %s", path,
                 without);
    return status;
}

/* A file that is there and cannot be read stops the run: a fault that passes would change its results unnoticed. */
static nnsm_status advise(const char *without, nnsm_status status, nnsm_error *error)
{
    nnsm_error first = *error;
    return status == NNSM_DATA
               ? nnsm_fail(error, status, "%.800s; or move the file away: %.120s", first.message, without)
               : status;
}

/* Where there is a file to use: its header; else header->configurations = 0. without: what is done then. */
static nnsm_status open_file(nnsm_run *run, double temperature, const char *without, nnsm_h5 *h5,
                             nnsm_ensemble_header *header, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_status status = NNSM_OK;
    bool there = false, fits = false;
    nnsm_run_data_path(run, path);
    if (run->rank == 0)
        status = nnsm_h5_exists(path, &there, error);
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&there, 1, MPI_C_BOOL, 0, run->world));
    if (!status && there) {
        status = nnsm_open_configurations(run, path, h5, header, error);
        if (!status)
            status = judge_file(run, path, temperature, without, h5, header, &fits, error);
        status = advise(without, status, error);
    }
    if (!fits)
        header->configurations = 0;
    return status;
}

/* Rows on their way from the ranks that read them to those that keep them. */
typedef struct {
    nnsm_run *run;
    nnsm_h5 *h5;
    const nnsm_ensemble_header *header;
    nnsm_samples *samples;
    size_t filled[NNSM_BLOCKS]; /* rows that the blocks have before a round, of all ranks */
    int8_t *own, *packed;       /* [round's block][sites], as read and by blocks */
    MPI_Datatype row;
    MPI_Request *message; /* [messages] */
    int messages;
} passer;

/* Count in the rows that follow those which filled the blocks so far. Returns whether any is wanted. */
static bool take(const passer *p, size_t first, size_t count, size_t *filled)
{
    bool wanted = false;
    for (size_t r = 0; r < count; r++) {
        size_t b = nnsm_samples_block(p->header, first + r);
        bool room = filled[b] < p->samples->rows[b];
        filled[b] += room;
        wanted = wanted || room;
    }
    return wanted;
}

static nnsm_status read_block(void *context, const nnsm_round *round, nnsm_error *error)
{
    passer *p = context;
    size_t filled[NNSM_BLOCKS];
    (void)error; /* h5's */
    memcpy(filled, p->filled, sizeof filled);
    (void)take(p, round->begin, round->first - round->begin, filled);
    if (take(p, round->first, round->count, filled))
        nnsm_ensemble_read_rows(p->h5, p->header, round->first, round->count, p->own);
    return p->h5->status;
}

/* The rows of each block together, from filled[b] to p->filled[b] in it: in their place where this rank keeps it, else
 * packed and sent to the one that does. */
static void send_rows(passer *p, const nnsm_round *round, const size_t *filled)
{
    size_t sites = p->header->sites, done[NNSM_BLOCKS] = {0};
    int8_t *to[NNSM_BLOCKS], *next = p->packed;
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        to[b] = is_own(p->run, b) ? p->samples->configuration[b] + filled[b] * sites : next;
        next += is_own(p->run, b) ? 0 : (p->filled[b] - filled[b]) * sites;
    }
    for (size_t r = 0; r < round->count; r++) {
        size_t b = nnsm_samples_block(p->header, round->first + r);
        if (filled[b] + done[b] < p->filled[b])
            memcpy(to[b] + done[b]++ * sites, p->own + r * sites, sites);
    }
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        if (done[b] && !is_own(p->run, b))
            NNSM_MPI_PROMPT(MPI_Isend(to[b], (int)done[b], p->row, (int)(b % (size_t)p->run->ranks), (int)b,
                                      p->run->world, &p->message[p->messages++]));
}

static void receive_rows(passer *p, int rank, const size_t *filled)
{
    for (size_t b = 0; b < NNSM_BLOCKS; b++)
        if (is_own(p->run, b) && p->filled[b] > filled[b])
            NNSM_MPI_PROMPT(MPI_Irecv(p->samples->configuration[b] + filled[b] * p->header->sites,
                                      (int)(p->filled[b] - filled[b]), p->row, rank, (int)b, p->run->world,
                                      &p->message[p->messages++]));
}

static void pass_round(void *context, const nnsm_round *round)
{
    passer *p = context;
    size_t first = round->begin, filled[NNSM_BLOCKS];
    p->messages = 0;
    for (int r = 0; first < round->end; r++) {
        size_t count = round->end - first < round->block ? round->end - first : round->block;
        memcpy(filled, p->filled, sizeof filled);
        (void)take(p, first, count, p->filled);
        if (r == p->run->rank)
            send_rows(p, round, filled);
        else
            receive_rows(p, r, filled);
        first += count;
    }
    NNSM_MPI(MPI_Waitall(p->messages, p->message, MPI_STATUSES_IGNORE));
}

/* As many rounds as with the blocks that the file is best read in, but all ranks read about as much, in whole chunks;
 * rows go where they go, in whatever blocks. end: in, at least 1. */
static size_t even_block(const nnsm_run *run, const nnsm_ensemble_header *header, size_t end)
{
    size_t most = nnsm_ensemble_block(header), ranks = (size_t)run->ranks, chunk = header->chunk;
    size_t rounds = (end + most * ranks - 1) / (most * ranks), block = (end + rounds * ranks - 1) / (rounds * ranks);
    block += (chunk - block % chunk) % chunk;
    return block < most ? block : most;
}

/* All ranks read the file together (rounds.h), but for parts of which nobody wants a row. end: of the wanted ones. */
static nnsm_status pass_rows(nnsm_samples *samples, nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header,
                             size_t end, nnsm_error *error)
{
    nnsm_ensemble_header cut = *header;
    passer p = {.run = run, .h5 = h5, .header = header, .samples = samples};
    size_t block = even_block(run, header, end), bytes = block * header->sites;
    nnsm_round_methods methods = {
        .work = read_block, .exchange = pass_round, .vote = NNSM_VOTE_SAMPLES, .block = block};
    size_t messages = 2 * NNSM_BLOCKS + (size_t)run->ranks; /* sent, and received from all ranks into each own block */
    cut.configurations = end;
    NNSM_MPI(MPI_Type_contiguous((int)header->sites, MPI_SIGNED_CHAR, &p.row));
    NNSM_MPI(MPI_Type_commit(&p.row));
    nnsm_status status = NNSM_NEW(&p.own, bytes, "samples", error);
    if (!status)
        status = NNSM_NEW(&p.packed, bytes, "samples", error);
    if (!status)
        status = NNSM_NEW(&p.message, messages, "samples", error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_rounds(run, &cut, &methods, &p, error);
    nnsm_release(p.own);
    nnsm_release(p.packed);
    nnsm_release(p.message);
    NNSM_MPI(MPI_Type_free(&p.row));
    return status;
}

/* Rows of every block, `most` at most, and their number. Returns the end of all. */
static size_t count_rows(nnsm_samples *samples, const nnsm_ensemble_header *header, size_t most)
{
    size_t end = 0;
    for (size_t i = 0; i < header->configurations; i++) {
        size_t b = nnsm_samples_block(header, i);
        bool wanted = samples->rows[b] < most;
        samples->rows[b] += wanted;
        samples->configurations += wanted;
        end = wanted ? i + 1 : end;
    }
    return end;
}

nnsm_status nnsm_samples_read(nnsm_samples *samples, nnsm_run *run, double temperature, size_t most,
                              const char *without, nnsm_error *error)
{
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    nnsm_ensemble_header header = {0};
    *samples = (nnsm_samples){0};
    nnsm_status status = open_file(run, temperature, without, &h5, &header, error);
    if (!status && header.configurations) {
        size_t end = count_rows(samples, &header, most);
        status = allocate(samples, run, error);
        if (!status)
            status = pass_rows(samples, run, &h5, &header, end, error);
    }
    (void)nnsm_h5_finish(&h5);
    return status;
}

nnsm_status nnsm_samples_pick(nnsm_run *run, double temperature, size_t *picks, int8_t *rows, nnsm_error *error)
{
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    nnsm_ensemble_header header = {0};
    nnsm_status status =
        open_file(run, temperature, "walkers start from ancestral samples in its place", &h5, &header, error);
    size_t n = status ? 0 : header.configurations;
    *picks = n < *picks ? n : *picks;
    for (size_t i = 0; i < *picks && run->rank == 0; i++)
        nnsm_ensemble_read_rows(&h5, &header, (2 * i + 1) * n / (2 * *picks), 1, rows + i * header.sites);
    if (*picks)
        status = nnsm_agree(run->world, h5.status, error);
    if (*picks && !status)
        NNSM_MPI(MPI_Bcast(rows, (int)(*picks * header.sites), MPI_SIGNED_CHAR, 0, run->world));
    (void)nnsm_h5_finish(&h5);
    return status;
}

/* ---- sums */

/* What blocks contribute, on its way into rank 0's sums. Those of one round are computed while those of the round
 * before are on their way: ranks that are not equally fast in every block need not wait for each other in every one. */
typedef struct {
    nnsm_run *run;
    size_t blocks, size, columns;
    double *buffer; /* [3][size]: of the even and the odd rounds, and received */
    double *total, *table;
    MPI_Request sent[2];
} collector;

static double *sums_of(const collector *c, size_t round)
{
    return c->buffer + round % 2 * c->size;
}

/* This rank's block of a round. */
static void compute(collector *c, size_t round, nnsm_block_function *function, void *context)
{
    double *sums = sums_of(c, round);
    size_t block = round * (size_t)c->run->ranks + (size_t)c->run->rank;
    if (block >= c->blocks)
        return;
    NNSM_MPI(MPI_Wait(&c->sent[round % 2], MPI_STATUS_IGNORE));
    memset(sums, 0, c->size * sizeof *sums);
    function(context, block, sums);
    if (c->run->rank != 0) /* synchronous: no more than two are ever under way */
        NNSM_MPI_PROMPT(MPI_Issend(sums, (int)c->size, MPI_DOUBLE, 0, 0, c->run->world, &c->sent[round % 2]));
}

/* All blocks of a round, in their order, on rank 0. */
static void collect(const collector *c, size_t round)
{
    size_t ranks = (size_t)c->run->ranks, first = round * ranks;
    for (size_t q = 0; q < ranks && first + q < c->blocks && c->run->rank == 0; q++) {
        double *sums = q == 0 ? sums_of(c, round) : c->buffer + 2 * c->size;
        if (q > 0)
            NNSM_MPI(MPI_Recv(sums, (int)c->size, MPI_DOUBLE, (int)q, 0, c->run->world, MPI_STATUS_IGNORE));
        for (size_t i = 0; i < c->size; i++)
            c->total[i] += sums[i];
        memcpy(c->table + (first + q) * c->columns, sums, c->columns * sizeof *sums);
    }
}

nnsm_status nnsm_samples_sum(nnsm_run *run, size_t blocks, nnsm_block_function *function, void *context, size_t size,
                             double *total, size_t columns, double *table, nnsm_error *error)
{
    collector c = {run, blocks, size, columns, NULL, total, table, {MPI_REQUEST_NULL, MPI_REQUEST_NULL}};
    size_t round = 0, ranks = (size_t)run->ranks;
    nnsm_request request = NNSM_GO_ON;
    nnsm_status status = nnsm_agree(run->world, NNSM_NEW(&c.buffer, 3 * size, "sums over samples", error), error);
    memset(total, 0, size * sizeof *total);
    for (; round * ranks < blocks && !status; round++) {
        request = nnsm_stop_vote(&run->stop, NNSM_VOTE_COUPLINGS, run->world);
        if (request > NNSM_CHECKPOINT)
            break;
        compute(&c, round, function, context);
        if (round > 0)
            collect(&c, round - 1);
    }
    if (round > 0)
        collect(&c, round - 1);
    NNSM_MPI(MPI_Waitall(2, c.sent, MPI_STATUSES_IGNORE));
    nnsm_release(c.buffer);
    if (request > NNSM_CHECKPOINT)
        status = nnsm_checkpoint_stop(run, request, error);
    if (status)
        return status;
    NNSM_MPI(MPI_Bcast(total, (int)size, MPI_DOUBLE, 0, run->world));
    if (columns)
        NNSM_MPI(MPI_Bcast(table, (int)(blocks * columns), MPI_DOUBLE, 0, run->world));
    return NNSM_OK;
}
