/* second.c: a second ensemble, at another temperature, tests the prediction: observables predicted from the first
 * against those measured in it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/samples.h"
#include "stage/second_file.h"
#include "stage/trust.h"

/* A p-value below which it is a warning: beyond 3.9 sigma. */
static const double contradicts = 1e-4;

typedef struct {
    nnsm_h5 h5; /* rank 0 reads */
    nnsm_ensemble_header header;
    nnsm_tile tile;
    int8_t *slab;                          /* [nnsm_samples_slab + NNSM_TILE][sites] */
    double sum[NNSM_BLOCKS][NNSM_SECONDS]; /* on rank 0 */
    double count[NNSM_BLOCKS];
} second;

/* ---- measuring, on rank 0 */

static void add(const nnsm_run *run, second *s, size_t first, size_t count)
{
    size_t sites = run->lattice.sites;
    double h[NNSM_TILE], n = (double)sites;
    for (size_t r = count; r < count + NNSM_TILE; r++) /* a tile is always full */
        memcpy(s->slab + r * sites, s->slab, sites);
    for (size_t from = 0; from < count; from += NNSM_TILE) {
        s->tile.methods->load(s->tile.state, s->slab + from * sites);
        s->tile.methods->energy(s->tile.state, h);
        for (size_t i = 0; i < NNSM_TILE && from + i < count; i++) {
            const int8_t *spins = s->slab + (from + i) * sites;
            size_t b = nnsm_samples_block(&s->header, first + from + i);
            s->sum[b][NNSM_SECOND_M] += fabs(nnsm_run_magnetization(run, spins));
            s->sum[b][NNSM_SECOND_E] += run->model_known ? nnsm_model_energy(&run->model, spins) / n : 0;
            s->sum[b][NNSM_SECOND_H] += h[i] / n;
            s->count[b]++;
        }
    }
}

static nnsm_status measure(nnsm_run *run, second *s, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    size_t most = nnsm_samples_slab(run->lattice.sites);
    for (size_t first = 0; first < s->header.configurations && !status; first += most) {
        size_t left = s->header.configurations - first, count = left < most ? left : most;
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_SECOND, run->world);
        if (request > NNSM_CHECKPOINT)
            return nnsm_checkpoint_stop(run, request, error);
        if (run->rank == 0) {
            nnsm_ensemble_read_rows(&s->h5, &s->header, first, count, s->slab);
            status = s->h5.status;
            if (!status)
                add(run, s, first, count);
        }
        status = nnsm_agree(run->world, status, error);
    }
    return status;
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
    size_t sites = run->lattice.sites;
    if (!run->config->trust.compare[0])
        return NNSM_OK;
    nnsm_status status = nnsm_agree(run->world, NNSM_NEW(&s, 1, "second ensemble", error), error);
    if (status)
        return status;
    s->h5.file = H5I_INVALID_HID;
    status = NNSM_NEW(&s->slab, (nnsm_samples_slab(sites) + NNSM_TILE) * sites, "second ensemble", error);
    if (!status)
        status = nnsm_learned_tile_create(&s->tile, learned, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_second_open(run, &s->h5, &s->header, error);
    if (!status)
        status = measure(run, s, error);
    if (!status) {
        trust->second.temperature = s->header.temperature;
        trust->second.position = nnsm_second_position(run->config, s->header.temperature);
        trust->second.configurations = s->header.configurations;
        compare(run, s, scanned, trust);
        NNSM_MPI(MPI_Bcast(&trust->second, (int)sizeof trust->second, MPI_BYTE, 0, run->world));
    }
    (void)nnsm_h5_finish(&s->h5);
    nnsm_tile_destroy(&s->tile);
    nnsm_release(s->slab);
    nnsm_release(s);
    return status;
}

const char *nnsm_second_name(size_t row)
{
    static const char *const name[NNSM_SECONDS] = {"abs_magnetization", "energy", "own_hamiltonian"};
    return name[row];
}
