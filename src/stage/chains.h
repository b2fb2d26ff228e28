/* chains.h: all chains of a scan, as tiles spread over the ranks, and the measurements they make. */
#ifndef NNSM_STAGE_CHAINS_H
#define NNSM_STAGE_CHAINS_H

#include "nnsm/metropolis.h"
#include "stage/scan.h"

/* What is measured of a chain; products are formed when it enters a series. */
typedef struct {
    double magnetization, energy, hamiltonian; /* m; E of the known model; H: all of one configuration, m per site */
} nnsm_measurement;

enum { NNSM_SERIES_QUANTITIES = 7 }; /* |m|, m, m^2, m^4, E/N, H, H^2 */

typedef struct {
    nnsm_run *run;
    nnsm_stage stage;
    size_t temperatures, walkers, tiles, first_tile, own;
    uint32_t stream;                            /* random stream of chain 0 */
    nnsm_tile *tile;                            /* [own] */
    nnsm_ladders ladders;                       /* the same on every rank */
    int64_t *accepted;                          /* [temperatures] on this rank */
    nnsm_measurement *all;                      /* [tiles * NNSM_TILE], gathered */
    double *energy;                             /* [tiles * NNSM_TILE] H, for the exchange */
    int *counts, *starts;                       /* [ranks] of the gather, in doubles */
    int8_t *configurations;                     /* [NNSM_TILE][sites] */
    size_t first_temperature, own_temperatures; /* whose series this rank keeps */
    nnsm_series **series;                       /* [own_temperatures][walkers] */
} nnsm_chains;

/* tile: [own] tiles made and loaded by the caller, who keeps owning them. Collective on run->world. */
nnsm_status nnsm_chains_create(nnsm_chains *chains, nnsm_run *run, nnsm_stage stage, nnsm_tile *tile, uint32_t stream,
                               nnsm_error *error);
void nnsm_chains_destroy(nnsm_chains *chains);

/* Tiles of a scan and which of them a rank owns. */
size_t nnsm_chains_tiles(const nnsm_config *config);
void nnsm_chains_share(const nnsm_config *config, int rank, int ranks, size_t *first, size_t *own);

/* Thermalization and measured sweeps, with exchange where configured. Collective. */
void nnsm_chains_run(nnsm_chains *chains);

/* Observables of all temperatures on rank 0. Collective. */
nnsm_status nnsm_chains_evaluate(nnsm_chains *chains, nnsm_curve *curve, nnsm_error *error);

#endif
