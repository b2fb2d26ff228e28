/* second.c: a second ensemble, at another temperature, tests the prediction: observables predicted from the first
 * against those measured in it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/rounds.h"
#include "stage/samples.h"
#include "stage/second_file.h"
#include "stage/trust.h"

/* A p-value below which it is a warning: beyond 3.9 sigma. */
static const double contradicts = 1e-4;

typedef struct {
    double value[NNSM_SECONDS];
} record;

typedef struct {
    nnsm_run *run;
    nnsm_h5 h5;
    nnsm_ensemble_header header;
    nnsm_tile tile;
    int8_t *rows;                          /* [round's block + NNSM_TILE][sites] */
    record *own, *passing;                 /* [round's block] */
    double sum[NNSM_BLOCKS][NNSM_SECONDS]; /* on rank 0 */
    double count[NNSM_BLOCKS];
} second;

/* ---- measuring, by all ranks in rounds */

static nnsm_status work(void *context, const nnsm_round *round, nnsm_error *error)
{
    second *s = context;
    const nnsm_run *run = s->run;
    size_t sites = run->lattice.sites, count = round->count;
    double h[NNSM_TILE], n = (double)sites;
    (void)error; /* h5's */
    nnsm_ensemble_read_rows(&s->h5, &s->header, round->first, count, s->rows);
    if (s->h5.status)
        return s->h5.status;
    for (size_t r = count; r < count + NNSM_TILE; r++) /* a tile is always full */
        memcpy(s->rows + r * sites, s->rows, sites);
    for (size_t from = 0; from < count; from += NNSM_TILE) {
        s->tile.methods->load(s->tile.state, s->rows + from * sites);
        s->tile.methods->energy(s->tile.state, h);
        for (size_t i = 0; i < NNSM_TILE && from + i < count; i++) {
            const int8_t *spins = s->rows + (from + i) * sites;
            double *value = s->own[from + i].value;
            value[NNSM_SECOND_M] = fabs(nnsm_run_magnetization(run, spins));
            value[NNSM_SECOND_E] = run->model_known ? nnsm_model_energy(&run->model, spins) / n : 0;
            value[NNSM_SECOND_H] = h[i] / n;
        }
    }
    return NNSM_OK;
}

/* In the order of the file, whoever measured. */
static void add(second *s, size_t first, size_t count, const record *records)
{
    for (size_t r = 0; r < count; r++) {
        size_t b = nnsm_samples_block(&s->header, first + r);
        for (size_t q = 0; q < NNSM_SECONDS; q++)
            s->sum[b][q] += records[r].value[q];
        s->count[b]++;
    }
}

static void collect(void *context, const nnsm_round *round)
{
    second *s = context;
    MPI_Comm world = s->run->world;
    if (s->run->rank != 0 && round->count)
        NNSM_MPI(MPI_Ssend(s->own, (int)(round->count * NNSM_SECONDS), MPI_DOUBLE, 0, 0, world));
    size_t first = round->begin;
    for (int r = 0; s->run->rank == 0 && first < round->end; r++) {
        size_t count = round->end - first < round->block ? round->end - first : round->block;
        if (r > 0)
            NNSM_MPI(MPI_Recv(s->passing, (int)(count * NNSM_SECONDS), MPI_DOUBLE, r, 0, world, MPI_STATUS_IGNORE));
        add(s, first, count, r > 0 ? s->passing : s->own);
        first += count;
    }
}

static nnsm_status measure(second *s, const nnsm_learned *learned, nnsm_error *error)
{
    const nnsm_round_methods methods = {.work = work, .exchange = collect, .vote = NNSM_VOTE_SECOND};
    size_t block = nnsm_ensemble_block(&s->header);
    nnsm_status status = nnsm_learned_tile_create(&s->tile, learned, error);
    if (!status)
        status = NNSM_NEW(&s->rows, (block + NNSM_TILE) * s->run->lattice.sites, "second ensemble", error);
    if (!status)
        status = NNSM_NEW(&s->own, block, "second ensemble", error);
    if (!status)
        status = NNSM_NEW(&s->passing, block, "second ensemble", error);
    status = nnsm_agree(s->run->world, status, error);
    return status ? status : nnsm_rounds(s->run, &s->header, &methods, s, error);
}

/* Mean over all, and its error from the blocks by how far each pulls it. */
static void measured(const second *s, size_t row, double *mean, double *error)
{
    double total = 0, count = 0, square = 0;
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        total += s->sum[b][row];
        count += s->count[b];
    }
    *mean = total / count;
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        double pull = (s->sum[b][row] - s->count[b] * *mean) / count;
        square += pull * pull;
    }
    *error = sqrt(square * NNSM_BLOCKS / (NNSM_BLOCKS - 1));
}

/* ---- comparing */

static void compare(nnsm_run *run, const second *s, const nnsm_scanned *scanned, nnsm_trust *trust)
{
    static const struct {
        int observable, quantity;
    } source[NNSM_SECONDS] = {{NNSM_ABS_MAGNETIZATION, NNSM_ABS_MAGNETIZATION},
                              {NNSM_ENERGY, NNSM_ENERGY},
                              {NNSM_LEARNED_ENERGY, NNSM_TRUST_OWN_H}};
    nnsm_second *out = &trust->second;
    for (size_t r = 0; r < NNSM_SECONDS; r++) {
        nnsm_second_row *row = &out->row[r];
        row->predicted = scanned->learned.cell[out->position * NNSM_OBSERVABLES + (size_t)source[r].observable].mean;
        row->predicted_error = trust->cell[out->position * NNSM_TRUST_QUANTITIES + (size_t)source[r].quantity].total;
        measured(s, r, &row->measured, &row->measured_error);
        double z = (row->predicted - row->measured) / hypot(row->predicted_error, row->measured_error);
        row->p = erfc(fabs(z) / M_SQRT2);
        if (r == NNSM_SECOND_E && !run->model_known)
            continue;
        char text[256];
        (void)snprintf(text, sizeof text,
                       "the ensemble at T = %g: %s predicted %.5f +- %.5f, measured %.5f +- %.5f, p = %.3g",
                       out->temperature, nnsm_second_name(r), row->predicted, row->predicted_error, row->measured,
                       row->measured_error, row->p);
        if (row->p < contradicts)
            nnsm_warn(&run->log, "trust: %s: they contradict each other", text);
        else
            nnsm_say(&run->log, "trust: %s", text);
    }
}

nnsm_status nnsm_second_compare(nnsm_run *run, const nnsm_learned *learned, const nnsm_scanned *scanned,
                                nnsm_trust *trust, nnsm_error *error)
{
    second *s = NULL;
    if (!run->config->trust.compare[0])
        return NNSM_OK;
    nnsm_status status = nnsm_agree(run->world, NNSM_NEW(&s, 1, "second ensemble", error), error);
    if (status)
        return status;
    s->run = run;
    s->h5.file = H5I_INVALID_HID;
    status = nnsm_second_open(run, &s->h5, &s->header, error);
    if (!status)
        status = measure(s, learned, error);
    if (!status) {
        trust->second.temperature = s->header.temperature;
        trust->second.position = nnsm_second_position(run->config, s->header.temperature);
        trust->second.configurations = s->header.configurations;
        compare(run, s, scanned, trust);
        NNSM_MPI(MPI_Bcast(&trust->second, (int)sizeof trust->second, MPI_BYTE, 0, run->world));
    }
    (void)nnsm_h5_finish(&s->h5);
    nnsm_tile_destroy(&s->tile);
    nnsm_release(s->rows);
    nnsm_release(s->own);
    nnsm_release(s->passing);
    nnsm_release(s);
    return status;
}

const char *nnsm_second_name(size_t row)
{
    static const char *const name[NNSM_SECONDS] = {"abs_magnetization", "energy", "own_hamiltonian"};
    return name[row];
}
