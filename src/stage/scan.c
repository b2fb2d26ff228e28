#include "stage/scan.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/chains.h"

/* Random streams: chains of the learned scan count from 0, those of the reference and of the ancestral samples from
 * here. */
static const uint32_t reference_stream = 1u << 30, ancestral_stream = 1u << 31;
enum { ANCESTRAL_TILES = 640 }; /* 20480 ancestral samples for the distribution at T0 */

static const struct {
    const char *name, *units, *description;
} observable_text[NNSM_OBSERVABLES] = {
    {"abs_magnetization", "1", "<|m|>, m = sum of the spins / N"},
    {"magnetization", "1", "<m>"},
    {"magnetization2", "1", "<m^2>"},
    {"magnetization4", "1", "<m^4>"},
    {"energy", "energy per site", "energy of the known model"},
    {"learned_energy", "energy per site", "H = -T0 log p"},
    {"heat_capacity", "k_B per site", "(<H^2> - <H>^2) / (N T^2) of the Hamiltonian that was scanned"},
    {"susceptibility", "1 / energy", "N (<m^2> - <|m|>^2) / T"},
    {"binder", "1", "1 - <m^4> / (3 <m^2>^2)"},
};

const char *nnsm_observable_name(nnsm_observable observable)
{
    return observable_text[observable].name;
}

const char *nnsm_observable_units(nnsm_observable observable)
{
    return observable_text[observable].units;
}

const char *nnsm_observable_description(nnsm_observable observable)
{
    return observable_text[observable].description;
}

void nnsm_curve_destroy(nnsm_curve *curve)
{
    nnsm_release(curve->cell);
    nnsm_release(curve->acceptance);
    nnsm_release(curve->exchange_rate);
    nnsm_release(curve->round_trips);
    *curve = (nnsm_curve){0};
}

void nnsm_scanned_destroy(nnsm_scanned *scanned)
{
    nnsm_curve_destroy(&scanned->learned);
    nnsm_curve_destroy(&scanned->reference);
    nnsm_release(scanned->ancestral);
    *scanned = (nnsm_scanned){0};
}

/* ---- ancestral samples: the distribution at T0, and the entropy of the learned Hamiltonian */

/* [ANCESTRAL_TILES][2]: sums of -log p and of its square over a tile's samples, this rank's tiles only. */
static void sample_tiles(nnsm_run *run, nnsm_tile *tile, const nnsm_trained *trained, int8_t *configurations,
                         double (*sums)[2], double *histogram)
{
    double energy[NNSM_TILE];
    double temperature = nnsm_made_architecture(trained->made)->temperature;
    for (int t = run->rank; t < ANCESTRAL_TILES; t += run->ranks) {
        nnsm_learned_sample(tile, run->key, ancestral_stream + (uint32_t)t * NNSM_TILE, configurations);
        tile->methods->energy(tile->state, energy);
        for (size_t c = 0; c < NNSM_TILE; c++) {
            const int8_t *s = configurations + c * run->lattice.sites;
            sums[t][0] += energy[c] / temperature;
            sums[t][1] += energy[c] / temperature * energy[c] / temperature;
            if (trained->summary.bins)
                histogram[nnsm_summary_bin(&trained->summary,
                                           nnsm_ising_energy(&run->model, s) / (double)run->lattice.sites)] += 1;
        }
    }
}

static nnsm_status sample_distribution(nnsm_run *run, const nnsm_learned *learned, const nnsm_trained *trained,
                                       nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_tile tile = {0};
    int8_t *configurations = NULL;
    double(*sums)[2] = NULL, samples = (double)ANCESTRAL_TILES * NNSM_TILE, mean = 0, square = 0;
    nnsm_status status = nnsm_learned_tile_create(&tile, learned, error);
    if (!status)
        status = NNSM_NEW(&configurations, NNSM_TILE * run->lattice.sites, "ancestral samples", error);
    if (!status)
        status = nnsm_allocate((void **)&sums, ANCESTRAL_TILES, sizeof *sums, "ancestral samples", error);
    if (!status)
        status = NNSM_NEW(&scanned->ancestral, NNSM_HISTOGRAM_BINS, "ancestral samples", error);
    status = nnsm_agree(run->world, status, error);
    if (!status) {
        sample_tiles(run, &tile, trained, configurations, sums, scanned->ancestral);
        /* One rank's entries are not zero, counts are whole numbers: the order of the sums cannot matter. */
        NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, sums, 2 * ANCESTRAL_TILES, MPI_DOUBLE, MPI_SUM, run->world));
        NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, scanned->ancestral, NNSM_HISTOGRAM_BINS, MPI_DOUBLE, MPI_SUM, run->world));
        for (int t = 0; t < ANCESTRAL_TILES; t++) {
            mean += sums[t][0] / samples;
            square += sums[t][1] / samples;
        }
        scanned->ancestral_nll = mean;
        scanned->ancestral_nll_error = sqrt(fmax(square - mean * mean, 0) / samples);
    }
    nnsm_tile_destroy(&tile);
    nnsm_release(configurations);
    nnsm_release(sums);
    return status;
}

/* ---- one Hamiltonian */

typedef nnsm_status tile_maker(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error);

static nnsm_status make_learned(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_learned_tile_create(tile, hamiltonian, error);
}

static nnsm_status make_reference(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error)
{
    return nnsm_ising_tile_create(tile, hamiltonian, error);
}

/* starts: [own tiles][NNSM_TILE][sites]. */
static nnsm_status scan_hamiltonian(nnsm_run *run, nnsm_stage stage, tile_maker *make, const void *hamiltonian,
                                    const int8_t *starts, uint32_t stream, nnsm_curve *curve, nnsm_error *error)
{
    size_t first, own, size = NNSM_TILE * run->lattice.sites;
    nnsm_tile *tile = NULL;
    nnsm_chains chains = {0};
    nnsm_chains_share(run->config, run->rank, run->ranks, &first, &own);
    nnsm_run_begin(run, stage);
    double start = nnsm_seconds();
    nnsm_status status = NNSM_NEW(&tile, own, "scan", error);
    for (size_t t = 0; t < own && !status; t++) {
        status = make(&tile[t], hamiltonian, error);
        if (!status)
            tile[t].methods->load(tile[t].state, starts + t * size);
    }
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_chains_create(&chains, run, stage, tile, stream, error);
    if (!status) {
        nnsm_chains_run(&chains);
        status = nnsm_chains_evaluate(&chains, curve, error);
    }
    double sweeps = (double)(run->config->scan.sweeps + run->config->scan.thermalization);
    curve->proposals_per_second = sweeps * (double)curve->temperatures * (double)curve->walkers *
                                  (double)run->lattice.sites / (nnsm_seconds() - start);
    if (!status)
        nnsm_say(&run->log, "%s: %.2f million proposals a second on all ranks",
                 stage == NNSM_STAGE_SCAN ? "scan" : "reference", curve->proposals_per_second * 1e-6);
    if (chains.run)
        nnsm_chains_destroy(&chains);
    for (size_t t = 0; tile && t < own; t++)
        nnsm_tile_destroy(&tile[t]);
    nnsm_release(tile);
    nnsm_run_end(run, stage);
    return status;
}

/* Ancestral samples for all own chains. */
static nnsm_status make_starts(nnsm_run *run, const nnsm_learned *learned, int8_t **starts, nnsm_error *error)
{
    size_t first, own, size = NNSM_TILE * run->lattice.sites;
    nnsm_tile tile = {0};
    nnsm_chains_share(run->config, run->rank, run->ranks, &first, &own);
    nnsm_status status = NNSM_NEW(starts, own * size, "scan", error);
    if (!status)
        status = nnsm_learned_tile_create(&tile, learned, error);
    for (size_t t = 0; t < own && !status; t++)
        nnsm_learned_sample(&tile, run->key, (uint32_t)((first + t) * NNSM_TILE), *starts + t * size);
    nnsm_tile_destroy(&tile);
    return status;
}

nnsm_status nnsm_stage_scan(nnsm_run *run, const nnsm_trained *trained, nnsm_scanned *scanned, nnsm_error *error)
{
    nnsm_learned *learned = NULL;
    int8_t *starts = NULL;
    *scanned = (nnsm_scanned){0};
    nnsm_status status = nnsm_learned_create(&learned, trained->made, error);
    if (!status)
        status = make_starts(run, learned, &starts, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = sample_distribution(run, learned, trained, scanned, error);
    if (!status)
        status = scan_hamiltonian(run, NNSM_STAGE_SCAN, make_learned, learned, starts, 0, &scanned->learned, error);
    if (!status && run->model_known && run->config->scan.reference)
        status = scan_hamiltonian(run, NNSM_STAGE_REFERENCE, make_reference, &run->model, starts, reference_stream,
                                  &scanned->reference, error);
    nnsm_learned_destroy(learned);
    nnsm_release(starts);
    return status;
}
