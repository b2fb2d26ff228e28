#include "stage/source.h"

#include <string.h>

#include "base/bulk.h"
#include "setup/agree.h"

/* ---- who makes what */

size_t nnsm_layout_first_tile(const nnsm_layout *layout, int generator)
{
    return layout->tiles * (size_t)generator / (size_t)layout->ranks;
}

nnsm_layout nnsm_layout_make(const nnsm_config *config, int first, int ranks)
{
    size_t chains = (size_t)config->generate.chains, n = (size_t)config->generate.configurations;
    return (nnsm_layout){.tiles = chains / NNSM_CHUNK,
                         .snapshots = (n + chains - 1) / chains,
                         .ring = config->train.data == NNSM_CONFIG_STREAM ? NNSM_RING : 0,
                         .first = first,
                         .ranks = ranks};
}

size_t nnsm_layout_bytes(const nnsm_layout *layout, size_t sites)
{
    return layout->tiles * ((1 + layout->ring + layout->snapshots) * NNSM_CHUNK * sites + 2 * sizeof(int64_t));
}

int nnsm_layout_owner(const nnsm_layout *layout, uint64_t chunk)
{
    size_t tile = (size_t)(chunk % layout->tiles);
    return (int)(((tile + 1) * (size_t)layout->ranks - 1) / layout->tiles); /* the last one that begins no later */
}

/* ---- creation */

/* About 0.1 s: 4e7 spin updates of Metropolis; a Wolff cluster costs up to twenty times as much a site. The same on all
 * ranks. */
static uint32_t choose_slice(const nnsm_source *source)
{
    const nnsm_layout *l = &source->layout;
    double most = (double)((l->tiles + (size_t)l->ranks - 1) / (size_t)l->ranks);
    double cost = most * NNSM_CHUNK * (double)source->run->lattice.sites;
    if (source->run->config->generate.algorithm == NNSM_CONFIG_WOLFF)
        cost *= 20;
    double updates = 4e7 / cost;
    return updates < 1 ? 1 : updates > 1e6 ? 1000000 : (uint32_t)updates;
}

nnsm_status nnsm_source_create(nnsm_source *source, nnsm_run *run, const nnsm_layout *layout, MPI_Comm group,
                               nnsm_error *error)
{
    const nnsm_config *c = run->config;
    int rank;
    NNSM_MPI(MPI_Comm_rank(group, &rank));
    *source = (nnsm_source){.run = run, .layout = *layout, .group = group};
    source->first_tile = nnsm_layout_first_tile(layout, rank);
    source->own = nnsm_layout_first_tile(layout, rank + 1) - source->first_tile;
    source->slice = choose_slice(source);
    size_t chunk = NNSM_CHUNK * run->lattice.sites;
    nnsm_status status = NNSM_NEW(&source->tile, source->own, "generators", error);
    if (!status)
        status = NNSM_NEW(&source->rounds, source->own, "generators", error);
    if (!status)
        status = NNSM_BULK(&source->kept, source->own * layout->snapshots * chunk, c->run.scratch, "ensemble", error);
    if (!status)
        status = NNSM_BULK(&source->ring, source->own * layout->ring * chunk, c->run.scratch, "ensemble", error);
    for (size_t t = 0; t < source->own && !status; t++)
        status = nnsm_generator_create_model(&source->tile[t], &run->model, c->generate.temperature,
                                             (nnsm_algorithm)c->generate.algorithm, run->key,
                                             (uint32_t)((source->first_tile + t) * NNSM_CHUNK), error);
    if (!status && !source->own)
        source->made = UINT64_MAX;
    return nnsm_agree(group, status, error);
}

void nnsm_source_destroy(nnsm_source *source)
{
    for (size_t t = 0; source->tile && t < source->own; t++)
        nnsm_generator_destroy(source->tile[t]);
    nnsm_release(source->tile);
    nnsm_release(source->rounds);
    nnsm_bulk_release(source->kept);
    nnsm_bulk_release(source->ring);
    *source = (nnsm_source){0};
}

/* ---- making chunks */

/* Where round `round` of own tile `t` is remembered; NULL: nowhere. */
static int8_t *place(const nnsm_source *source, size_t t, uint64_t round)
{
    const nnsm_layout *l = &source->layout;
    size_t size = NNSM_CHUNK * source->run->lattice.sites;
    if (round < l->snapshots)
        return source->kept + (t * l->snapshots + (size_t)round) * size;
    return l->ring ? source->ring + (t * l->ring + (size_t)(round % l->ring)) * size : NULL;
}

/* Updates of a chain when it has made a round's snapshot. */
static uint64_t updates_after(const nnsm_source *source, uint64_t round)
{
    const nnsm_config *c = source->run->config;
    return (uint64_t)c->generate.thermalization + round * (uint64_t)c->generate.interval;
}

static void count_rounds(nnsm_source *source)
{
    source->made = source->own ? source->rounds[0] : UINT64_MAX;
    for (size_t t = 1; t < source->own; t++)
        source->made = source->rounds[t] < source->made ? source->rounds[t] : source->made;
}

void nnsm_source_advance(nnsm_source *source)
{
    uint64_t target = updates_after(source, source->made);
    for (size_t t = 0; t < source->own; t++) {
        if (source->rounds[t] > source->made) /* restored from a rank that was ahead */
            continue;
        uint64_t left = target - nnsm_generator_updates(source->tile[t]);
        nnsm_generator_advance(source->tile[t], left < source->slice ? (uint32_t)left : source->slice);
        if (left > source->slice)
            continue;
        if (place(source, t, source->made))
            nnsm_generator_read(source->tile[t], place(source, t, source->made));
        source->rounds[t]++;
    }
    count_rounds(source);
}

const int8_t *nnsm_source_rows(const nnsm_source *source, uint64_t chunk)
{
    return place(source, (size_t)(chunk % source->layout.tiles) - source->first_tile, chunk / source->layout.tiles);
}

/* ---- saving and restoring */

nnsm_status nnsm_ledger_create(nnsm_ledger *ledger, const nnsm_layout *layout, size_t sites, nnsm_error *error)
{
    *ledger = (nnsm_ledger){0};
    nnsm_status status = NNSM_NEW(&ledger->made, layout->tiles, "checkpoint", error);
    if (!status)
        status = NNSM_NEW(&ledger->updates, layout->tiles, "checkpoint", error);
    if (!status)
        status = NNSM_NEW(&ledger->rows, NNSM_CHUNK * sites, "checkpoint", error);
    return status;
}

void nnsm_ledger_destroy(nnsm_ledger *ledger)
{
    nnsm_release(ledger->made);
    nnsm_release(ledger->updates);
    nnsm_release(ledger->rows);
    *ledger = (nnsm_ledger){0};
}

/* Between the snapshots that a chain has made and the next one? Nothing is restored from tables that cannot be. */
static bool tables_possible(const nnsm_config *c, const nnsm_layout *l, const nnsm_ledger *ledger)
{
    int64_t first = c->generate.thermalization, interval = c->generate.interval, most = (INT64_C(1) << 32) / interval;
    for (size_t t = 0; t < l->tiles; t++) {
        int64_t made = ledger->made[t], updates = ledger->updates[t];
        if (made < 0 || made > most || updates < 0 || updates > UINT32_MAX || updates > first + made * interval ||
            (made > 0 && updates < first + (made - 1) * interval))
            return false;
    }
    return true;
}

static void tables(const nnsm_source *source, const nnsm_layout *l, nnsm_ledger *ledger, nnsm_state *state)
{
    size_t bytes = l->tiles * sizeof *ledger->made;
    memset(ledger->made, 0, bytes);
    memset(ledger->updates, 0, bytes);
    for (size_t t = 0; source && t < source->own; t++) {
        ledger->made[source->first_tile + t] = (int64_t)source->rounds[t];
        ledger->updates[source->first_tile + t] = nnsm_generator_updates(source->tile[t]);
    }
    int count = (int)l->tiles;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, ledger->made, count, MPI_INT64_T, MPI_SUM, state->run->world));
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, ledger->updates, count, MPI_INT64_T, MPI_SUM, state->run->world));
    nnsm_state_values(state, "/generate/made", NNSM_H5_INTEGERS, l->tiles, ledger->made);
    nnsm_state_values(state, "/generate/updates", NNSM_H5_INTEGERS, l->tiles, ledger->updates);
    if (state->writing || tables_possible(state->run->config, l, ledger))
        return;
    nnsm_state_impossible(state, "generation");
    memset(ledger->made, 0, bytes);
    memset(ledger->updates, 0, bytes);
}

/* The rounds that a stream remembers, the latest ones. */
static void check_ring(const nnsm_source *source, size_t t, nnsm_state *state)
{
    const nnsm_layout *l = &source->layout;
    uint64_t made = source->rounds[t], first = made > l->ring ? made - l->ring : 0;
    for (uint64_t round = first < l->snapshots ? l->snapshots : first; l->ring && round < made; round++)
        nnsm_state_sites(state, "stream", place(source, t, round), NNSM_CHUNK * state->run->lattice.sites);
}

/* The chains as they stand now, which may be between two snapshots. */
static void chains(nnsm_source *source, const nnsm_layout *l, nnsm_ledger *ledger, nnsm_state *state)
{
    size_t size = NNSM_CHUNK * state->run->lattice.sites;
    nnsm_state_define(state, "/generate/spins", NNSM_H5_BYTES, l->tiles * size);
    nnsm_state_define(state, "/generate/ring", NNSM_H5_BYTES, l->tiles * l->ring * size);
    for (size_t tile = 0; tile < l->tiles; tile++) {
        int owner = l->first + nnsm_layout_owner(l, tile);
        bool mine = state->run->rank == owner;
        size_t t = mine ? tile - source->first_tile : 0;
        if (mine && state->writing)
            nnsm_generator_read(source->tile[t], ledger->rows);
        nnsm_state_piece(state, "/generate/spins", NNSM_H5_BYTES, tile * size, size, owner, ledger->rows);
        if (mine && !state->writing) {
            nnsm_state_sites(state, "chains", ledger->rows, size);
            nnsm_generator_resume(source->tile[t], ledger->rows, (uint32_t)ledger->updates[tile]);
            source->rounds[t] = (uint64_t)ledger->made[tile];
        }
        nnsm_state_piece(state, "/generate/ring", NNSM_H5_BYTES, tile * l->ring * size, l->ring * size, owner,
                         mine ? source->ring + t * l->ring * size : NULL);
        if (mine && !state->writing)
            check_ring(source, t, state);
    }
    if (source && !state->writing)
        count_rounds(source);
}

void nnsm_source_state(nnsm_source *source, const nnsm_layout *layout, nnsm_ledger *ledger, nnsm_state *state,
                       nnsm_chunk_visitor *visit, void *context)
{
    static const char name[] = "/generate/configurations";
    const nnsm_layout *l = layout;
    size_t size = NNSM_CHUNK * state->run->lattice.sites;
    tables(source, l, ledger, state);
    chains(source, l, ledger, state);
    nnsm_state_define(state, name, NNSM_H5_BYTES, l->snapshots * l->tiles * size);
    for (uint64_t chunk = 0; chunk < l->snapshots * l->tiles; chunk++) {
        int owner = l->first + nnsm_layout_owner(l, chunk);
        bool mine = state->run->rank == owner;
        if (ledger->made[chunk % l->tiles] <= (int64_t)(chunk / l->tiles))
            continue;
        int8_t *rows = mine ? place(source, (size_t)(chunk % l->tiles) - source->first_tile, chunk / l->tiles) : NULL;
        if (state->writing) {
            nnsm_state_piece(state, name, NNSM_H5_BYTES, chunk * size, size, owner, rows);
            continue;
        }
        nnsm_state_piece(state, name, NNSM_H5_BYTES, chunk * size, size, NNSM_EVERYBODY, ledger->rows);
        nnsm_state_sites(state, "configurations", ledger->rows, size);
        if (mine)
            memcpy(rows, ledger->rows, size);
        if (visit)
            visit(context, chunk, ledger->rows);
    }
}
