/* trust_support.c: the energies that were seen in training: the range of H over the ensemble. What a network makes of
 * configurations outside of it, it never had to get right. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/ancestral.h"
#include "stage/checkpoint.h"
#include "stage/samples.h"
#include "stage/trust.h"

enum { MOST_ROWS = 320 }; /* of a block: 20480 configurations are enough for the tails */

/* H of the first rows of a block of this rank. */
static void evaluate_block(nnsm_tile *tile, size_t sites, const int8_t *configuration, size_t rows, int8_t *padded,
                           double *energy)
{
    double found[NNSM_TILE];
    for (size_t first = 0; first < rows; first += NNSM_TILE) {
        size_t count = rows - first < NNSM_TILE ? rows - first : NNSM_TILE;
        for (size_t r = 0; r < NNSM_TILE; r++) /* a tile is always full */
            memcpy(padded + r * sites, configuration + (first + (r < count ? r : 0)) * sites, sites);
        tile->methods->load(tile->state, padded);
        tile->methods->energy(tile->state, found);
        memcpy(energy + first, found, count * sizeof *energy);
    }
}

/* All blocks, of which every rank has one in a row of as many; energies of a block stand at block * MOST_ROWS. */
static nnsm_status evaluate(nnsm_run *run, nnsm_tile *tile, const nnsm_samples *data, int8_t *padded, double *energy,
                            nnsm_error *error)
{
    for (size_t first = 0; first < NNSM_BLOCKS; first += (size_t)run->ranks) {
        size_t b = first + (size_t)run->rank;
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_SUPPORT, run->world);
        if (request > NNSM_CHECKPOINT)
            return nnsm_checkpoint_stop(run, request, error);
        if (b < NNSM_BLOCKS)
            evaluate_block(tile, run->lattice.sites, data->configuration[b], data->rows[b], padded,
                           energy + b * MOST_ROWS);
    }
    return NNSM_OK;
}

static int rising(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Sorts. */
static void range(nnsm_trust *trust, double *energy, size_t count)
{
    size_t tail = (size_t)(NNSM_SUPPORT_TAIL * (double)count);
    qsort(energy, count, sizeof *energy, rising);
    trust->low = energy[tail];
    trust->high = energy[count - 1 - tail];
    trust->seen = (double)count;
}

/* Blocks that are not full leave gaps, which are closed. */
static size_t close_gaps(const nnsm_samples *data, double *energy)
{
    size_t count = 0;
    for (size_t b = 0; b < NNSM_BLOCKS; b++) {
        memmove(energy + count, energy + b * MOST_ROWS, data->rows[b] * sizeof *energy);
        count += data->rows[b];
    }
    return count;
}

nnsm_status nnsm_trust_seen(nnsm_run *run, const nnsm_learned *learned, const nnsm_scanned *scanned, double temperature,
                            nnsm_trust *trust, nnsm_error *error)
{
    nnsm_samples data;
    nnsm_tile tile = {0};
    int8_t *padded = NULL;
    double *energy = NULL;
    size_t most = (size_t)NNSM_BLOCKS * MOST_ROWS, ancestral = scanned->reweighted.samples;
    most = most > ancestral ? most : ancestral;
    nnsm_status status =
        nnsm_samples_read(&data, run, temperature, MOST_ROWS, "/trust/support compares with ancestral samples", error);
    trust->from_ensemble = data.configurations > 0;
    if (!status) {
        status = NNSM_NEW(&energy, most, "trust", error);
        if (!status)
            status = NNSM_NEW(&padded, NNSM_TILE * run->lattice.sites, "trust", error);
        if (!status)
            status = nnsm_learned_tile_create(&tile, learned, error);
        status = nnsm_agree(run->world, status, error);
    }
    if (!status && trust->from_ensemble)
        status = evaluate(run, &tile, &data, padded, energy, error);
    if (!status && trust->from_ensemble) {
        nnsm_share(run->world, NNSM_BLOCKS * MOST_ROWS, energy);
        range(trust, energy, close_gaps(&data, energy));
    } else if (!status) {
        for (size_t i = 0; i < ancestral; i++)
            energy[i] = scanned->reweighted.sample[i][NNSM_REWEIGHTED_H];
        range(trust, energy, ancestral);
    }
    nnsm_tile_destroy(&tile);
    nnsm_release(padded);
    nnsm_release(energy);
    nnsm_samples_destroy(&data);
    return status;
}
