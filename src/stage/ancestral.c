#include "stage/ancestral.h"

#include <math.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/consistency.h"

static const uint32_t ancestral_stream = 1u << 31; /* random streams of the scan's chains lie below */

/* [NNSM_ANCESTRAL_TILES][2]: sums of -log p and of its square over a tile's samples, this rank's tiles only. A vote a
 * tile: a stop loses the samples. */
static nnsm_status sample_tiles(nnsm_run *run, nnsm_tile *tile, const nnsm_trained *trained, int8_t *configurations,
                                double (*sums)[2], const nnsm_consistency *consistency, nnsm_scanned *scanned,
                                nnsm_witness *const *witnesses, size_t count, nnsm_error *error)
{
    double energy[NNSM_TILE];
    double temperature = nnsm_network_shape_of(&trained->network).temperature;
    for (int first = 0, t = run->rank; first < NNSM_ANCESTRAL_TILES; first += run->ranks, t += run->ranks) {
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_ANCESTRAL, run->world);
        if (request > NNSM_CHECKPOINT)
            return nnsm_checkpoint_stop(run, request, error);
        if (t >= NNSM_ANCESTRAL_TILES)
            continue;
        nnsm_learned_sample(tile, run->key, ancestral_stream + (uint32_t)t * NNSM_TILE, configurations);
        tile->methods->energy(tile->state, energy);
        for (size_t i = 0; i < count; i++) {
            witnesses[i]->tile.methods->load(witnesses[i]->tile.state, configurations);
            witnesses[i]->tile.methods->energy(witnesses[i]->tile.state, witnesses[i]->energy + t * NNSM_TILE);
        }
        for (size_t c = 0; c < NNSM_TILE; c++) {
            const int8_t *s = configurations + c * run->lattice.sites;
            double *values = scanned->reweighted.sample[(size_t)t * NNSM_TILE + c];
            values[NNSM_REWEIGHTED_M] = fabs(nnsm_run_magnetization(run, s));
            values[NNSM_REWEIGHTED_E] =
                run->model_known ? nnsm_model_energy(&run->model, s) / (double)run->lattice.sites : 0;
            values[NNSM_REWEIGHTED_H] = energy[c];
            scanned->inconsistent += !nnsm_consistency_holds(consistency, run, s);
            sums[t][0] += energy[c] / temperature;
            sums[t][1] += energy[c] / temperature * energy[c] / temperature;
            if (trained->summary.bins)
                scanned->ancestral[nnsm_summary_bin(&trained->summary, values[NNSM_REWEIGHTED_E])] += 1;
        }
    }
    return NNSM_OK;
}

nnsm_status nnsm_ancestral_sample(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                                  nnsm_scanned *scanned, nnsm_witness *const *witnesses, size_t count,
                                  nnsm_error *error)
{
    nnsm_tile tile = {0};
    int8_t *configurations = NULL;
    nnsm_consistency consistency = {0};
    double(*sums)[2] = NULL, samples = (double)NNSM_ANCESTRAL_TILES * NNSM_TILE, mean = 0, square = 0;
    nnsm_status status = nnsm_learned_tile_create(&tile, learned, error);
    if (!status)
        status = NNSM_NEW(&configurations, NNSM_TILE * run->lattice.sites, "ancestral samples", error);
    if (!status)
        status = nnsm_allocate((void **)&sums, NNSM_ANCESTRAL_TILES, sizeof *sums, "ancestral samples", error);
    if (!status)
        status = NNSM_NEW(&scanned->ancestral, NNSM_HISTOGRAM_BINS, "ancestral samples", error);
    if (!status)
        status = nnsm_reweighted_create(&scanned->reweighted, NNSM_ANCESTRAL_SAMPLES,
                                        (size_t)run->config->scan.temperatures_count, error);
    if (!status)
        status = nnsm_consistency_create(&consistency, run, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status =
            sample_tiles(run, &tile, trained, configurations, sums, &consistency, scanned, witnesses, count, error);
    if (!status) {
        nnsm_share(run->world, 2 * NNSM_ANCESTRAL_TILES, &sums[0][0]);
        if (nnsm_window_overlaps(&run->windowing.window) && !run->windowing.latent && !consistency.filter)
            scanned->inconsistent = NAN; /* nobody can tell */
        /* Counts, whole numbers: the order of these sums cannot matter either. */
        NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &scanned->inconsistent, 1, MPI_DOUBLE, MPI_SUM, run->world));
        NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, scanned->ancestral, NNSM_HISTOGRAM_BINS, MPI_DOUBLE, MPI_SUM, run->world));
        nnsm_share(run->world, NNSM_ANCESTRAL_SAMPLES * NNSM_REWEIGHTED, &scanned->reweighted.sample[0][0]);
        nnsm_reweighted_evaluate(&scanned->reweighted, nnsm_network_shape_of(&trained->network).temperature,
                                 run->config->scan.temperatures);
        for (size_t i = 0; i < count; i++)
            nnsm_share(run->world, NNSM_ANCESTRAL_SAMPLES, witnesses[i]->energy);
        for (int t = 0; t < NNSM_ANCESTRAL_TILES; t++) {
            mean += sums[t][0] / samples;
            square += sums[t][1] / samples;
        }
        scanned->ancestral_nll = mean;
        scanned->ancestral_nll_error = sqrt(fmax(square - mean * mean, 0) / samples);
    }
    nnsm_consistency_destroy(&consistency);
    nnsm_tile_destroy(&tile);
    nnsm_release(configurations);
    nnsm_release(sums);
    return status;
}
