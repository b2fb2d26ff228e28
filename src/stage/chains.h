/* chains.h: the chains of a scan under one Hamiltonian, as tiles spread over the ranks, and the measurements they make.
 */
#ifndef NNSM_STAGE_CHAINS_H
#define NNSM_STAGE_CHAINS_H

#include "nnsm/metropolis.h"
#include "nnsm/regenerate.h"
#include "stage/common_samples.h"
#include "stage/moves.h"
#include "stage/placing.h"
#include "stage/scale.h"
#include "stage/scan.h"
#include "stage/screening.h"
#include "stage/state.h"
#include "statistics/bennett.h"

/* What is measured of a chain; products are formed when it enters a series. */
typedef enum {
    NNSM_MEASURED_H, /* of one configuration, all of it */
    NNSM_MEASURED_M, /* per site */
    NNSM_MEASURED_E, /* of the known model */
    NNSM_MEASURED_ALWAYS,
    NNSM_MEASURED_ORDER = NNSM_MEASURED_ALWAYS, /* the known model's order parameter, where that is not |m| */
    NNSM_MEASURED_SCANNED,
    NNSM_MEASURED_SURROGATE =
        NNSM_MEASURED_SCANNED, /* while self-learning chains learn: H_s, and of the last proposal */
    NNSM_MEASURED_ACCEPTED,    /* 0 or 1 */
    NNSM_MEASURED_FLIPS,       /* nnsm_scale_sums */
    NNSM_MEASURED_LEARNING
} nnsm_measured;

/* |m|, m, m^2, m^4, E/N, H, H^2, Bennett's functions towards the next lower and higher temperature, order parameter */
enum {
    NNSM_SERIES_H = 5,
    NNSM_SERIES_HH,
    NNSM_SERIES_DOWN,
    NNSM_SERIES_UP,
    NNSM_SERIES_ORDER,
    NNSM_SERIES_QUANTITIES,
};

/* Rows of nnsm_chains.collected. */
enum {
    NNSM_COUNT_ACCEPTED,
    NNSM_COUNT_REGENERATED,
    NNSM_COUNT_PASSED,
    NNSM_COUNT_WHOLE,
    NNSM_COUNT_MOVES,
    NNSM_COUNTS = NNSM_COUNT_MOVES + NNSM_MOVES
};

typedef struct nnsm_chains {
    nnsm_run *run;
    size_t temperatures, walkers, tiles, first_tile, own;
    double *temperature;                        /* [temperatures], rising */
    uint32_t stream;                            /* random stream of chain 0 */
    uint32_t sweep;                             /* sweeps done */
    uint32_t attempt;                           /* exchange attempts done */
    nnsm_tile *tile;                            /* [own] */
    nnsm_self_learning *sampler;                /* NULL: single flips */
    nnsm_scale scale;                           /* of its surrogate */
    bool clusters_only;                         /* as of nnsm_proposer */
    nnsm_self_learning_record *done;            /* [own] by the last step */
    nnsm_screening screening;                   /* of single flips */
    nnsm_move_list moves;                       /* of sites with more than two values */
    nnsm_regenerator *regenerator;              /* NULL: no suffixes are redrawn */
    nnsm_placing placing;                       /* where the chains are */
    MPI_Comm group;                             /* ranks that share ladders; null: all ranks do, or none */
    nnsm_ladders ladders;                       /* the same on every rank, as of what was settled last */
    nnsm_ladders ahead;                         /* as of now, of this group's walkers */
    int64_t *accepted;                          /* [temperatures] on this rank */
    int64_t *regenerated;                       /* [temperatures] accepted suffixes on this rank */
    int64_t *passed;                            /* [temperatures] flips for which H was evaluated, of those screened */
    int64_t *whole;                             /* [temperatures] of `accepted`, those that were not screened */
    int64_t *moved;                             /* [NNSM_MOVES][temperatures] accepted of a move on this rank */
    int64_t *collected;                         /* [NNSM_COUNTS][temperatures] all of these on all ranks */
    double *all;                                /* [tiles][slots][columns][NNSM_TILE], gathered */
    size_t most_slots, slots, filled;           /* measurements that are gathered at once: room; now; so far */
    size_t columns;                             /* of these, of nnsm_measured: the first ones */
    uint32_t *slot_sweep;                       /* [slots] after which sweep */
    double *energy;                             /* [temperatures * walkers] H of a chain, for the exchange */
    double *place_energy;                       /* [tiles * NNSM_TILE] the same, of this group, where they are */
    nnsm_bennett bennett;                       /* the same on every rank; its anchor is set by the scan */
    double *walker_mean;                        /* [temperatures] H, a mean over walkers */
    int *counts, *starts;                       /* [ranks] of a gather */
    int8_t *configurations;                     /* [own][NNSM_TILE][sites] */
    uint32_t *words;                            /* [sites] a tile's spins as bits */
    double *products;                           /* [classes][NNSM_TILE] of the known model */
    size_t first_temperature, own_temperatures; /* whose series this rank keeps */
    nnsm_series **series;                       /* [own_temperatures][walkers] */
    nnsm_common common;                         /* capacity 0: none are kept */
    int64_t *numbers;                           /* [2 chains] the ladders, on the way to a file */
    double *packed;                             /* [own_temperatures][walkers][nnsm_series_doubles] */
} nnsm_chains;

/* Makes one tile under the Hamiltonian that is scanned. Local. */
typedef nnsm_status nnsm_tile_maker(nnsm_tile *tile, const void *hamiltonian, nnsm_error *error);

/* What proposes for self-learning chains; borrowed, the same on all ranks. */
typedef struct {
    const nnsm_local *local;
    const double *uncertainty; /* [classes] or NULL */
    bool fit;                  /* learn the scale; false: H is the surrogate itself */
    bool clusters_only;        /* H is as cheap as the surrogate: single sites would propose what single flips do */
} nnsm_proposer;

/* What may screen single flips; couplings NULL: nothing. Borrowed, the same on all ranks. */
typedef struct {
    const nnsm_couplings *couplings;
    nnsm_tile_maker *make; /* the tiles under the Hamiltonian then */
} nnsm_screen;

/* Chains at these temperatures, not started yet. proposer NULL: single flips, screened where that is of use. Collective
 * on run->world. */
nnsm_status nnsm_chains_create(nnsm_chains *chains, nnsm_run *run, size_t temperatures, const double *temperature,
                               uint32_t stream, nnsm_tile_maker *make, const void *hamiltonian,
                               const nnsm_proposer *proposer, const nnsm_screen *screen, nnsm_error *error);
void nnsm_chains_destroy(nnsm_chains *chains);

/* From now on a suffix of every chain is redrawn from the network before each sweep or proposal (nnsm/regenerate.h);
 * for chains under -T0 log p of `learned`, which is borrowed. Local. */
nnsm_status nnsm_chains_regenerate(nnsm_chains *chains, const nnsm_learned *learned, nnsm_error *error);

/* From now on measurements are kept together with their energies under other Hamiltonians (common_samples.h). Local. */
nnsm_status nnsm_chains_judge(nnsm_chains *chains, nnsm_judges judges, nnsm_tile *sampler, nnsm_error *error);

/* Tiles of that many temperatures. */
size_t nnsm_chains_tiles(const nnsm_config *config, size_t temperatures);

/* Give every chain its first configuration, by the start of its walker (starts.h), from the random stream `stream` +
 * chain. starts NULL: all are
 * ancestral samples of the network. sampler: a tile of it. Local. */
struct nnsm_starts;
void nnsm_chains_start(nnsm_chains *chains, const struct nnsm_starts *starts, nnsm_tile *sampler, uint32_t stream);

/* Give the tiles what is in `configurations`. Local. */
void nnsm_chains_load(nnsm_chains *chains);

/* Sweeps between two evaluations from scratch: after one of them a chain's state is its configuration and nothing else,
 * and there, only, it may be saved. */
uint32_t nnsm_chains_period(const nnsm_lattice *lattice);

/* The last sweep up to `last` at which these chains may be saved: for self-learning chains any. */
uint32_t nnsm_chains_last_saved(const nnsm_chains *chains, uint32_t last);

/* Sweeps until the next multiple of the period, or until `last`, which is not reached yet: thermalization and measured
 * sweeps, with exchange where configured; self-learning chains stop at the end of thermalization too. Measurements are
 * recorded when there is no more room for them, and at these two ends. Collective. */
void nnsm_chains_step(nnsm_chains *chains, uint32_t last);

/* ---- measurements (chains_measure.c) */

/* How many measurements there is room for before they must be gathered. Local. */
size_t nnsm_chains_slots(const nnsm_chains *chains);

/* Measure own chains after this sweep, and exchange temperatures where configured; end: the sweep before which all will
 * be recorded in any case. Collective on the group, and on run->world when the slots are full. */
void nnsm_chains_measure(nnsm_chains *chains, uint32_t sweep, uint32_t end);

/* Record what was measured since the last time: until then series, ladders, common samples and what a sampler learns
 * are behind. Collective on run->world. */
void nnsm_chains_settle(nnsm_chains *chains);

/* In between: a gathered measurement; 0 where it was not made. Local. */
double nnsm_chains_measured(const nnsm_chains *chains, size_t slot, size_t chain, nnsm_measured column);

/* Values of all tiles, `size` of each, from the rank that has it to all. Collective on run->world. */
void nnsm_chains_gather(nnsm_chains *chains, size_t size, double *values);

/* Self-learning does not work here: no proposals, none by clusters where only those are wanted, or a thermalization
 * that ended below NNSM_LEAST_ACCEPTANCE. The same on all ranks. */
bool nnsm_chains_rejected(const nnsm_chains *chains);

/* Save or restore below `group`; before they are saved, what was measured is settled. Collective. */
void nnsm_chains_state(nnsm_chains *chains, const char *group, nnsm_state *state);

/* Which of these groups of chains has a temperature, equal but for the rounding of from + i step, and its position
 * there; NULL: none. Local. */
const nnsm_chains *nnsm_chains_find(const nnsm_chains *group, size_t groups, double temperature, size_t *t);

/* The rank that keeps the series of a temperature (its position in chains->temperature), and whether it is this one.
 * Local. */
int nnsm_chains_keeper(const nnsm_chains *chains, size_t t);
bool nnsm_chains_own(const nnsm_chains *chains, size_t t);

/* The most temperatures that any rank keeps. Local. */
size_t nnsm_chains_most_kept(const nnsm_chains *chains);

/* Observables of one such temperature into a row of the curve. accepted counts only after nnsm_chains_collect. Local.
 */
void nnsm_chains_evaluate(const nnsm_chains *chains, size_t t, nnsm_cell *cells);

/* The counts of all ranks into collected. Collective. */
void nnsm_chains_collect(nnsm_chains *chains);

#endif
