#include "stage/common.h"

#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/chains.h"

static size_t round_size(const nnsm_common *common, const nnsm_chains *chains)
{
    return chains->walkers * common->columns;
}

nnsm_status nnsm_common_create(nnsm_common *common, const nnsm_chains *chains, nnsm_judges judges, nnsm_error *error)
{
    int doubles = (int)(sizeof(nnsm_measurement) / sizeof(double)), ranks = chains->run->ranks;
    size_t least = (NNSM_COMMON_SAMPLES + chains->walkers - 1) / chains->walkers;
    *common = (nnsm_common){
        .judges = judges, .columns = NNSM_COMMON_H + 1 + judges.count, .capacity = 2 * least, .stride = 1};
    size_t rows = chains->own_temperatures * common->capacity * round_size(common, chains);
    nnsm_status status = NNSM_NEW(&common->rows, rows + 1, "common samples", error);
    if (!status)
        status = NNSM_NEW(&common->energy, chains->tiles * NNSM_TILE * judges.count + 1, "common samples", error);
    if (!status)
        status = NNSM_NEW(&common->counts, ranks, "common samples", error);
    if (!status)
        status = NNSM_NEW(&common->starts, ranks, "common samples", error);
    for (int r = 0; r < ranks && !status; r++) {
        common->counts[r] = chains->counts[r] / doubles * (int)judges.count;
        common->starts[r] = chains->starts[r] / doubles * (int)judges.count;
    }
    return status;
}

void nnsm_common_destroy(nnsm_common *common)
{
    nnsm_release(common->rows);
    nnsm_release(common->energy);
    nnsm_release(common->counts);
    nnsm_release(common->starts);
    *common = (nnsm_common){0};
}

/* H_k of all chains, on all ranks. */
static void judge(nnsm_common *s, const nnsm_chains *c)
{
    double energy[NNSM_TILE];
    for (size_t t = 0; t < c->own; t++)
        for (size_t k = 0; k < s->judges.count; k++) {
            nnsm_tile *tile = &s->judges.tile[k];
            tile->methods->load(tile->state, c->configurations + t * NNSM_TILE * c->run->lattice.sites);
            tile->methods->energy(tile->state, energy);
            for (size_t i = 0; i < NNSM_TILE; i++)
                s->energy[((c->first_tile + t) * NNSM_TILE + i) * s->judges.count + k] = energy[i];
        }
    double since = nnsm_seconds();
    NNSM_MPI(
        MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, s->energy, s->counts, s->starts, MPI_DOUBLE, c->run->world));
    nnsm_run_waited(c->run, c->stage, since);
}

static void keep(nnsm_common *s, const nnsm_chains *c)
{
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            double *row = s->rows + (t * s->capacity + s->rounds) * round_size(s, c) + w * s->columns;
            row[NNSM_COMMON_M] = c->all[chain].magnetization;
            row[NNSM_COMMON_E] = c->all[chain].energy / (double)c->run->lattice.sites;
            row[NNSM_COMMON_ORDER] = c->all[chain].order;
            row[NNSM_COMMON_H] = c->all[chain].hamiltonian;
            memcpy(row + NNSM_COMMON_H + 1, s->energy + chain * s->judges.count, s->judges.count * sizeof *row);
        }
    s->rounds++;
}

/* Only rounds at multiples of twice the stride stay: the first, the third, ... */
static void thin(nnsm_common *s, const nnsm_chains *c)
{
    size_t size = round_size(s, c);
    for (size_t t = 0; t < c->own_temperatures; t++) {
        double *rows = s->rows + t * s->capacity * size;
        for (size_t round = 1; 2 * round < s->rounds; round++)
            memcpy(rows + round * size, rows + 2 * round * size, size * sizeof *rows);
    }
    s->rounds = (s->rounds + 1) / 2;
    s->stride *= 2;
}

void nnsm_common_add(nnsm_common *common, nnsm_chains *chains)
{
    if (common->measured % common->stride == 0 && common->rounds == common->capacity)
        thin(common, chains);
    if (common->measured++ % common->stride)
        return;
    judge(common, chains);
    keep(common, chains);
}

const double *nnsm_common_rows(const nnsm_common *common, const nnsm_chains *chains, size_t own_temperature)
{
    return common->rows + own_temperature * common->capacity * round_size(common, chains);
}
