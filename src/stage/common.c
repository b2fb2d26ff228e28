#include "stage/common.h"

#include <string.h>

#include "base/memory.h"
#include "stage/chains.h"

static size_t round_size(const nnsm_common *common, const nnsm_chains *chains)
{
    return chains->walkers * common->columns;
}

nnsm_status nnsm_common_create(nnsm_common *common, const nnsm_chains *chains, nnsm_judges judges, nnsm_error *error)
{
    size_t least = (NNSM_COMMON_SAMPLES + chains->walkers - 1) / chains->walkers;
    *common = (nnsm_common){
        .judges = judges, .columns = NNSM_COMMON_H + 1 + judges.count, .capacity = 2 * least, .stride = 1};
    size_t rows = chains->own_temperatures * common->capacity * round_size(common, chains);
    nnsm_status status = NNSM_NEW(&common->rows, rows + 1, "common samples", error);
    if (!status)
        status = NNSM_NEW(&common->energy, chains->tiles * chains->most_slots * NNSM_TILE * judges.count + 1,
                          "common samples", error);
    return status;
}

void nnsm_common_destroy(nnsm_common *common)
{
    nnsm_release(common->rows);
    nnsm_release(common->energy);
    *common = (nnsm_common){0};
}

void nnsm_common_judge(nnsm_common *common, const nnsm_chains *chains)
{
    nnsm_common *s = common;
    const nnsm_chains *c = chains;
    double energy[NNSM_TILE];
    /* The stride may double before this one's turn: then it is not kept after all. */
    if ((s->measured + c->filled) % s->stride)
        return;
    s->judged = true;
    for (size_t t = 0; t < c->own; t++)
        for (size_t k = 0; k < s->judges.count; k++) {
            nnsm_tile *tile = &s->judges.tile[k];
            tile->methods->load(tile->state, c->configurations + t * NNSM_TILE * c->run->lattice.sites);
            tile->methods->energy(tile->state, energy);
            double *to = s->energy + ((c->first_tile + t) * c->slots + c->filled) * NNSM_TILE * s->judges.count;
            for (size_t i = 0; i < NNSM_TILE; i++)
                to[i * s->judges.count + k] = energy[i];
        }
}

void nnsm_common_gather(nnsm_common *common, nnsm_chains *chains)
{
    if (common->judged)
        nnsm_chains_gather(chains, chains->slots * NNSM_TILE * common->judges.count, common->energy);
    common->judged = false;
}

static void keep(nnsm_common *s, const nnsm_chains *c, size_t slot)
{
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            size_t place = (size_t)c->placing.place_of[chain], tile = place / NNSM_TILE;
            const nnsm_measurement *m = nnsm_chains_measured(c, slot, chain);
            double *row = s->rows + (t * s->capacity + s->rounds) * round_size(s, c) + w * s->columns;
            row[NNSM_COMMON_M] = m->magnetization;
            row[NNSM_COMMON_E] = m->energy / (double)c->run->lattice.sites;
            row[NNSM_COMMON_ORDER] = m->order;
            row[NNSM_COMMON_H] = m->hamiltonian;
            memcpy(row + NNSM_COMMON_H + 1,
                   s->energy + ((tile * c->slots + slot) * NNSM_TILE + place % NNSM_TILE) * s->judges.count,
                   s->judges.count * sizeof *row);
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

void nnsm_common_add(nnsm_common *common, const nnsm_chains *chains, size_t slot)
{
    if (common->measured % common->stride == 0 && common->rounds == common->capacity)
        thin(common, chains);
    if (common->measured++ % common->stride == 0)
        keep(common, chains, slot);
}

const double *nnsm_common_rows(const nnsm_common *common, const nnsm_chains *chains, size_t own_temperature)
{
    return common->rows + own_temperature * common->capacity * round_size(common, chains);
}
