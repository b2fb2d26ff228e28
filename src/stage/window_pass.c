#include "stage/window_pass.h"

#include <math.h>

#include "base/memory.h"
#include "lattice/preimage.h"
#include "lattice/support.h"
#include "setup/agree.h"
#include "stage/rounds.h"

/* A configuration of 16 x 16 takes 40 us to undo: a quarter of what reading alone would bear keeps a step short. */
enum { SHORTER = 4 };

/* Counts of a round, of all ranks. */
enum { NONE, SEVERAL, UNDECIDED, UNCOUNTED, COUNTS };

enum { DOUBLINGS = 1025 }; /* log2 of the numbers of preimages, of the range of double */

typedef struct {
    nnsm_run *run;
    nnsm_h5 *source;
    const nnsm_ensemble_header *header;
    nnsm_window_plan *plan;
    nnsm_writing *blocks, *latent; /* open where the plan writes them */
    nnsm_window_failures *failures;
    nnsm_preimage *filter; /* NULL: windows are not undone */
    nnsm_support *support; /* of a masked network, by which its data must be possible too */
    nnsm_support_stream *stream;
    uint32_t *allowed;                       /* [windows] */
    int8_t *rows, *block_rows, *latent_rows; /* [block][sites] */
    int32_t *counts;                         /* [windows] */
    uint64_t found[COUNTS], first[2];        /* of this rank's block: counts; first without preimage, and undecided */
    uint64_t doublings[DOUBLINGS];           /* configurations by log2 of their number of preimages, rounded down */
} pass;

/* ---- a block of this rank */

/* Every configuration of sums back to sites. upper sums go through counts. */
static void undo(pass *p, size_t first, size_t count)
{
    const nnsm_window *w = &p->plan->windowing.window;
    for (size_t r = 0; r < count; r++) {
        const int8_t *block = p->block_rows + r * w->sites;
        for (size_t b = 0; b < w->sites; b++)
            p->counts[b] = p->plan->upper[p->plan->sums.count == 2 ? block[b] > 0 : block[b]];
        int8_t *latent = p->stream ? NULL : p->latent_rows + r * w->sites_below;
        nnsm_preimages found = nnsm_preimage_find(p->filter, p->counts, latent);
        if (p->stream && found != NNSM_PREIMAGES_NONE && !nnsm_support_follow(p->stream, block, p->allowed, NULL))
            found = NNSM_PREIMAGES_UNDECIDED;
        if (found == NNSM_PREIMAGES_NONE && !p->found[NONE]++)
            p->first[0] = first + r;
        if (found == NNSM_PREIMAGES_UNDECIDED && !p->found[UNDECIDED]++)
            p->first[1] = first + r;
        p->found[SEVERAL] += found == NNSM_PREIMAGES_SEVERAL;
        if (found != NNSM_PREIMAGES_ONE && found != NNSM_PREIMAGES_SEVERAL)
            continue;
        p->found[UNCOUNTED] += !nnsm_preimage_counted(p->filter);
        p->doublings[(size_t)fmin(floor(log2(nnsm_preimage_count(p->filter))), DOUBLINGS - 1)]++;
    }
}

/* Sums of sites, or measured sums, whose own alphabet may lack some. */
static void to_blocks(pass *p, size_t count)
{
    const nnsm_window *w = &p->plan->windowing.window;
    bool sites = p->run->config->window.data == NNSM_CONFIG_SITES;
    for (size_t r = 0; r < count && sites; r++)
        nnsm_window_apply(w, &p->plan->windowing.values, &p->plan->sums, p->rows + r * w->sites_below,
                          p->block_rows + r * w->sites);
    for (size_t i = 0; i < count * w->sites && !sites; i++)
        (void)nnsm_alphabet_state(&p->plan->sums, nnsm_alphabet_value(&p->header->alphabet, p->rows[i]),
                                  &p->block_rows[i]);
}

/* What this rank failed to write in the round before is everybody's now. */
static nnsm_status work(void *context, const nnsm_round *round, nnsm_error *error)
{
    pass *p = context;
    const nnsm_ensemble_rows *failed = p->blocks->rows.status ? &p->blocks->rows : &p->latent->rows;
    if (failed->status) {
        *error = failed->error;
        return failed->status;
    }
    nnsm_ensemble_read_rows(p->source, p->header, round->first, round->count, p->rows);
    if (p->source->status)
        return p->source->status;
    to_blocks(p, round->count);
    if (p->filter)
        undo(p, round->first, round->count);
    return NNSM_OK;
}

/* ---- what all ranks have found */

static void add_up(pass *p, const nnsm_round *round)
{
    nnsm_windowing *w = &p->plan->windowing;
    bool known = w->none > 0, undecided = p->failures->undecided > 0;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, p->found, COUNTS, MPI_UINT64_T, MPI_SUM, p->run->world));
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, p->first, 2, MPI_UINT64_T, MPI_MIN, p->run->world));
    w->configurations += (int64_t)(round->end - round->begin);
    w->none += (int64_t)p->found[NONE];
    w->several += (int64_t)p->found[SEVERAL];
    w->uncounted += (int64_t)p->found[UNCOUNTED];
    p->failures->undecided += p->found[UNDECIDED];
    if (!known && p->found[NONE])
        p->failures->first = p->first[0];
    else if (!known && !undecided && p->found[UNDECIDED])
        p->failures->first = p->first[1];
    for (int i = 0; i < COUNTS; i++)
        p->found[i] = 0;
    p->first[0] = p->first[1] = UINT64_MAX;
}

/* The rows of every rank, of which states are this one's. */
static void put(const pass *p, const nnsm_round *round, nnsm_writing *writing, const int8_t *states)
{
    size_t first = round->begin;
    for (int r = 0; first < round->end; r++) {
        size_t count = round->end - first < round->block ? round->end - first : round->block;
        nnsm_writing_put(writing, r, first, count, r == p->run->rank ? states : NULL);
        first += count;
    }
}

static void exchange(void *context, const nnsm_round *round)
{
    pass *p = context;
    if (p->filter)
        add_up(p, round);
    if (p->plan->write_blocks)
        put(p, round, p->blocks, p->block_rows);
    if (p->plan->write_latent && !p->plan->windowing.none && !p->failures->undecided)
        put(p, round, p->latent, p->latent_rows);
}

/* The median of log2 of the numbers of preimages, once all rounds are over. */
static void find_median(pass *p)
{
    uint64_t total = 0, below = 0;
    int64_t *median = &p->plan->windowing.doublings;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, p->doublings, DOUBLINGS, MPI_UINT64_T, MPI_SUM, p->run->world));
    for (int k = 0; k < DOUBLINGS; k++)
        total += p->doublings[k];
    for (*median = 0; *median < DOUBLINGS - 1; ++*median) {
        below += p->doublings[*median];
        if (2 * below > total || !total)
            break;
    }
}

/* ---- all of them */

static nnsm_status create_filter(pass *p, nnsm_error *error)
{
    if (!p->plan->filter)
        return NNSM_OK;
    const nnsm_windowing *w = &p->plan->windowing;
    nnsm_status status = nnsm_preimage_create(&p->filter, &w->window, error);
    if (!status && w->masked)
        status = nnsm_support_create(&p->support, &w->window, error);
    if (!status && w->masked)
        status = nnsm_support_stream_create(&p->stream, p->support, error);
    if (!status && w->masked)
        status = NNSM_NEW(&p->allowed, w->window.sites, "windows", error);
    if (status == NNSM_USAGE)
        return p->plan->filter == 2 ? NNSM_OK : nnsm_h5_fail(p->source, "%s", error->message);
    return status;
}

static nnsm_status allocate(pass *p, size_t block, nnsm_error *error)
{
    const nnsm_window *w = &p->plan->windowing.window;
    nnsm_status status = create_filter(p, error);
    if (!status)
        status = NNSM_NEW(&p->rows, block * p->header->sites, "windows", error);
    if (!status)
        status = NNSM_NEW(&p->block_rows, block * w->sites, "windows", error);
    if (!status)
        status = NNSM_NEW(&p->counts, w->sites, "windows", error);
    if (!status && p->filter && !p->stream)
        status = NNSM_NEW(&p->latent_rows, block * w->sites_below, "windows", error);
    return status;
}

/* How the file is cut into blocks: sites below may be many more. */
static nnsm_ensemble_header cut_of(const nnsm_ensemble_header *header, const nnsm_window_plan *plan)
{
    nnsm_ensemble_header cut = *header;
    size_t below = plan->windowing.window.sites_below;
    cut.sites = SHORTER * (header->sites > below ? header->sites : below);
    return cut;
}

size_t nnsm_window_pass_block(const nnsm_ensemble_header *header, const nnsm_window_plan *plan)
{
    nnsm_ensemble_header cut = cut_of(header, plan);
    return nnsm_ensemble_block(&cut);
}

nnsm_status nnsm_window_pass(nnsm_run *run, nnsm_h5 *source, const nnsm_ensemble_header *header, nnsm_window_plan *plan,
                             nnsm_writing *blocks, nnsm_writing *latent, nnsm_window_failures *failures,
                             nnsm_error *error)
{
    pass p = {run, source, header, plan, blocks, latent, failures, .filter = NULL};
    nnsm_round_methods methods = {.work = work, .exchange = exchange, .vote = NNSM_VOTE_WINDOW};
    nnsm_ensemble_header cut = cut_of(header, plan);
    p.first[0] = p.first[1] = UINT64_MAX;
    *failures = (nnsm_window_failures){0};
    nnsm_status status = nnsm_agree(run->world, allocate(&p, nnsm_ensemble_block(&cut), error), error);
    if (!status)
        status = nnsm_rounds(run, &cut, &methods, &p, error);
    if (!status && plan->filter)
        find_median(&p);
    nnsm_preimage_destroy(p.filter);
    nnsm_support_stream_destroy(p.stream);
    nnsm_support_destroy(p.support);
    nnsm_release(p.allowed);
    nnsm_release(p.rows);
    nnsm_release(p.block_rows);
    nnsm_release(p.latent_rows);
    nnsm_release(p.counts);
    return status;
}
