#include "stage/common_samples.h"

#include <string.h>

#include "base/memory.h"
#include "stage/chains.h"

static size_t round_size(const nnsm_common *common, const nnsm_chains *chains)
{
    return chains->walkers * common->columns;
}

/* Energies of the network's first samples, the same whenever they are drawn. */
static nnsm_status take_fingerprint(nnsm_common *s, const nnsm_run *run, nnsm_tile *sampler, nnsm_error *error)
{
    static const uint32_t stream = 1u << 31; /* of the ancestral samples */
    double energy[NNSM_TILE];
    int8_t *sample = NULL;
    nnsm_status status = NNSM_NEW(&sample, NNSM_TILE * run->lattice.sites, "common samples", error);
    if (status)
        return status;
    nnsm_learned_sample(sampler, run->key, stream, sample);
    for (size_t k = 0; k < s->judges.count; k++) {
        s->judges.tile[k].methods->load(s->judges.tile[k].state, sample);
        s->judges.tile[k].methods->energy(s->judges.tile[k].state, energy);
        for (size_t i = 0; i < NNSM_TILE; i++)
            s->fingerprint[k] += energy[i];
    }
    nnsm_release(sample);
    return NNSM_OK;
}

nnsm_status nnsm_common_create(nnsm_common *common, const nnsm_chains *chains, nnsm_judges judges, nnsm_tile *sampler,
                               nnsm_error *error)
{
    nnsm_common *s = common;
    const nnsm_config *config = chains->run->config;
    size_t planned = (size_t)(config->scan.sweeps / config->scan.exchange_interval);
    *s = (nnsm_common){.judges = judges, .columns = NNSM_COMMON_H + 1 + judges.count, .stride = 1};
    s->least = (NNSM_COMMON_SAMPLES + chains->walkers - 1) / chains->walkers;
    s->least = s->least > NNSM_COMMON_ROUNDS ? s->least : NNSM_COMMON_ROUNDS;
    s->capacity = 2 * s->least;
    while (planned / (2 * s->stride) >= s->least)
        s->stride *= 2;
    size_t rows = chains->own_temperatures * s->capacity * round_size(s, chains);
    nnsm_status status = NNSM_NEW(&s->rows, rows + 1, "common samples", error);
    if (!status)
        status = NNSM_NEW(&s->energy, chains->tiles * chains->most_slots * NNSM_TILE * judges.count + 1,
                          "common samples", error);
    if (!status)
        status = NNSM_NEW(&s->fingerprint, judges.count + 1, "common samples", error);
    return status ? status : take_fingerprint(s, chains->run, sampler, error);
}

void nnsm_common_destroy(nnsm_common *common)
{
    nnsm_release(common->rows);
    nnsm_release(common->energy);
    nnsm_release(common->fingerprint);
    *common = (nnsm_common){0};
}

void nnsm_common_forget(nnsm_common *common)
{
    common->rounds = 0;
    common->stride = 1;
    common->measured = 0;
}

/* Room of a tile for the judged ones of the measurements that are gathered at once. */
static size_t most_judged(const nnsm_chains *c, uint32_t stride)
{
    return (c->slots + stride - 1) / stride;
}

void nnsm_common_judge(nnsm_common *common, const nnsm_chains *chains)
{
    nnsm_common *s = common;
    const nnsm_chains *c = chains;
    double energy[NNSM_TILE];
    /* The stride may double before this one's turn: then it is not kept after all. */
    if ((s->measured + s->pending++) % s->stride)
        return;
    size_t round = s->judged++, most = most_judged(c, s->stride);
    for (size_t t = 0; t < c->own; t++)
        for (size_t k = 0; k < s->judges.count; k++) {
            nnsm_tile *tile = &s->judges.tile[k];
            tile->methods->load(tile->state, c->configurations + t * NNSM_TILE * c->run->lattice.sites);
            tile->methods->energy(tile->state, energy);
            double *to = s->energy + ((c->first_tile + t) * most + round) * NNSM_TILE * s->judges.count;
            for (size_t i = 0; i < NNSM_TILE; i++)
                to[i * s->judges.count + k] = energy[i];
        }
}

void nnsm_common_gather(nnsm_common *common, nnsm_chains *chains)
{
    nnsm_common *s = common;
    if (s->judged)
        nnsm_chains_gather(chains, most_judged(chains, s->stride) * NNSM_TILE * s->judges.count, s->energy);
    s->judged = s->added = 0;
    s->judged_stride = s->stride;
    s->pending = 0;
}

/* round: which of the judged ones. */
static void keep(nnsm_common *s, const nnsm_chains *c, size_t slot, size_t round)
{
    size_t most = most_judged(c, s->judged_stride);
    for (size_t t = 0; t < c->own_temperatures; t++)
        for (size_t w = 0; w < c->walkers; w++) {
            size_t chain = (size_t)c->ladders.chain_at[(c->first_temperature + t) * c->walkers + w];
            size_t place = (size_t)c->placing.place_of[chain], tile = place / NNSM_TILE;
            double *row = s->rows + (t * s->capacity + s->rounds) * round_size(s, c) + w * s->columns;
            row[NNSM_COMMON_M] = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_M);
            row[NNSM_COMMON_E] = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_E) / (double)c->run->lattice.sites;
            row[NNSM_COMMON_ORDER] = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_ORDER);
            row[NNSM_COMMON_H] = nnsm_chains_measured(c, slot, chain, NNSM_MEASURED_H);
            memcpy(row + NNSM_COMMON_H + 1,
                   s->energy + ((tile * most + round) * NNSM_TILE + place % NNSM_TILE) * s->judges.count,
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
    nnsm_common *s = common;
    size_t round = s->added;
    s->added += s->measured % s->judged_stride == 0;
    if (s->measured % s->stride == 0 && s->rounds == s->capacity)
        thin(s, chains);
    if (s->measured++ % s->stride == 0)
        keep(s, chains, slot, round);
}

const double *nnsm_common_rows(const nnsm_common *common, const nnsm_chains *chains, size_t own_temperature)
{
    return common->rows + own_temperature * common->capacity * round_size(common, chains);
}
