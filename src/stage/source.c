#include "stage/source.h"

#include <string.h>

#include "base/bulk.h"
#include "setup/agree.h"
#include "stage/network_file.h"
#include "stage/writing.h"

enum { METADATA = 1 << 18 }; /* bytes of an ensemble file beside its configurations */

/* ---- who makes what */

static size_t first_tile_of(const nnsm_layout *l, int generator)
{
    return l->tiles * (size_t)generator / (size_t)l->ranks;
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
    source->first_tile = first_tile_of(layout, rank);
    source->own = first_tile_of(layout, rank + 1) - source->first_tile;
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

/* ---- the ensemble */

/* What is measured of a configuration. */
typedef enum { ENERGY, MAGNETIZATION, ORDER, QUANTITIES } quantity;

static double measure(const nnsm_run *run, quantity what, const int8_t *s)
{
    return what == ENERGY          ? nnsm_model_energy(&run->model, s) / (double)run->lattice.sites
           : what == MAGNETIZATION ? nnsm_run_magnetization(run, s)
                                   : nnsm_model_order(&run->model, s);
}

/* Of all that a generator keeps, tile by tile, into the ensemble's order. */
static void sort_in(const nnsm_layout *l, int generator, const double *values, double *all, size_t configurations)
{
    size_t first = first_tile_of(l, generator), end = first_tile_of(l, generator + 1);
    for (size_t t = first; t < end; t++)
        for (size_t k = 0; k < l->snapshots; k++)
            for (size_t lane = 0; lane < NNSM_CHUNK; lane++, values++) {
                size_t index = (k * l->tiles + t) * NNSM_CHUNK + lane;
                if (index < configurations)
                    all[index] = *values;
            }
}

/* One quantity of the ensemble, in its order, on the group's first rank. part: in, of what this generator keeps;
 * scratch afterwards; all: out there. Collective on group. */
static void gather(const nnsm_source *source, double *part, double *all)
{
    const nnsm_layout *l = &source->layout;
    size_t rows = l->snapshots * NNSM_CHUNK;
    int rank;
    NNSM_MPI(MPI_Comm_rank(source->group, &rank));
    if (rank != 0)
        NNSM_MPI(MPI_Ssend(part, (int)(source->own * rows), MPI_DOUBLE, 0, 0, source->group));
    for (int g = 0; g < l->ranks && rank == 0; g++) {
        size_t count = (first_tile_of(l, g + 1) - first_tile_of(l, g)) * rows;
        if (g != 0)
            NNSM_MPI(MPI_Recv(part, (int)count, MPI_DOUBLE, g, 0, source->group, MPI_STATUS_IGNORE));
        sort_in(l, g, part, all, (size_t)source->run->config->generate.configurations);
    }
}

/* part: [QUANTITIES], of what every rank keeps. Of the whole ensemble, by the group's first rank, which alone has room
 * for every configuration's numbers. Collective on group. */
static nnsm_status summarise(const nnsm_source *source, double *const part[], nnsm_summary *summary, nnsm_error *error)
{
    const nnsm_config *c = source->run->config;
    size_t n = (size_t)c->generate.configurations;
    double *all[QUANTITIES] = {NULL};
    nnsm_status status = NNSM_OK;
    int rank;
    NNSM_MPI(MPI_Comm_rank(source->group, &rank));
    *summary = (nnsm_summary){0};
    for (int q = 0; q < QUANTITIES && rank == 0 && !status; q++)
        status = part[q] ? NNSM_BULK(&all[q], n, c->run.scratch, "ensemble energies", error) : NNSM_OK;
    status = nnsm_agree(source->group, status, error);
    for (int q = 0; q < QUANTITIES && !status; q++)
        if (part[q])
            gather(source, part[q], all[q]);
    if (!status && rank == 0)
        status = nnsm_summarise(source->run, all[ENERGY], all[MAGNETIZATION], all[ORDER], n, (size_t)c->generate.chains,
                                c->generate.temperature, summary, error);
    for (int q = 0; q < QUANTITIES; q++)
        nnsm_bulk_release(all[q]);
    NNSM_MPI(MPI_Bcast(summary, (int)sizeof *summary, MPI_BYTE, 0, source->group));
    return nnsm_agree(source->group, status, error);
}

static nnsm_ensemble_header header_of(const nnsm_run *run)
{
    nnsm_ensemble_header header = {.configurations = (size_t)run->config->generate.configurations,
                                   .sites = run->lattice.sites,
                                   .dimensions = run->lattice.dimensions,
                                   .temperature = run->config->generate.temperature,
                                   .chains = run->config->generate.chains,
                                   .alphabet = run->alphabet};
    memcpy(header.extent, run->lattice.extent, sizeof header.extent);
    return header;
}

/* A chunk of an own tile. part: [QUANTITIES] of [own][snapshots][NNSM_CHUNK], or NULL. */
static void measure_chunk(const nnsm_source *source, uint64_t chunk, double *const part[])
{
    const nnsm_layout *l = &source->layout;
    size_t t = (size_t)(chunk % l->tiles) - source->first_tile;
    size_t at = (t * l->snapshots + (size_t)(chunk / l->tiles)) * NNSM_CHUNK;
    const int8_t *rows = nnsm_source_rows(source, chunk);
    for (int q = 0; q < QUANTITIES; q++)
        for (size_t lane = 0; lane < NNSM_CHUNK && part[q]; lane++)
            part[q][at + lane] = measure(source->run, (quantity)q, rows + lane * source->run->lattice.sites);
}

/* Every chunk is measured and written while it is in the cache; and ranks that write one file, which wait for each
 * other there, seldom do both at the same time. A rank that passes its rows on, whose writer waits for them, has
 * measured all before. */
static void put_rows(const nnsm_source *source, nnsm_writing *writing, double *const part[])
{
    const nnsm_layout *l = &source->layout;
    uint64_t chunks = l->snapshots * l->tiles;
    bool passes = writing->writer[writing->rank] != writing->rank;
    for (uint64_t chunk = 0; chunk < chunks && passes; chunk++)
        if (nnsm_layout_owner(l, chunk) == writing->rank)
            measure_chunk(source, chunk, part);
    for (uint64_t chunk = 0; chunk < chunks; chunk++) {
        int owner = nnsm_layout_owner(l, chunk);
        bool mine = owner == writing->rank;
        if (mine && !passes)
            measure_chunk(source, chunk, part);
        nnsm_writing_put(writing, owner, (size_t)chunk * NNSM_CHUNK, NNSM_CHUNK,
                         mine ? nnsm_source_rows(source, chunk) : NULL);
    }
    nnsm_writing_push(writing);
}

/* The numbers of the ensemble behind its rows, which go to the disk at the same time. */
static nnsm_status describe(const nnsm_source *source, double *const part[], nnsm_h5 *h5, nnsm_summary *summary,
                            nnsm_error *error)
{
    nnsm_status status = summarise(source, part, summary, error);
    if (!status && h5->file >= 0) {
        nnsm_summary_write(h5, summary);
        nnsm_system_write(h5, source->run);
        nnsm_provenance_write(h5, source->run);
        nnsm_h5_settle(h5);
        status = h5->status;
    }
    return nnsm_agree(source->group, status, error);
}

static nnsm_status write_file(const nnsm_source *source, double *const part[], nnsm_summary *summary, int64_t *checksum,
                              nnsm_error *error)
{
    nnsm_run *run = source->run;
    nnsm_writing writing;
    char path[NNSM_RUN_PATH];
    int rank;
    NNSM_MPI(MPI_Comm_rank(source->group, &rank));
    nnsm_run_path(run, NNSM_FILE_ENSEMBLE, path);
    nnsm_ensemble_header header = header_of(run);
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    if (rank == 0 && nnsm_h5_create(&h5, path, nnsm_ensemble_bytes(&header) + METADATA, error) == NNSM_OK)
        nnsm_ensemble_define(&h5, &header);
    nnsm_status status = nnsm_writing_open(&writing, source->group, &h5, path, &header, NNSM_CHUNK, error);
    if (!status) {
        put_rows(source, &writing, part);
        status = describe(source, part, &h5, summary, error);
    }
    status = nnsm_writing_close(&writing, status, error);
    if (status && !h5.status)
        h5.status = status; /* nothing is published */
    nnsm_status written = nnsm_h5_finish(&h5);
    *checksum = (int64_t)h5.checksum;
    NNSM_MPI(MPI_Bcast(checksum, 1, MPI_INT64_T, 0, source->group));
    return status ? status : nnsm_agree(source->group, written, error);
}

nnsm_status nnsm_source_finish(nnsm_source *source, nnsm_summary *summary, int64_t *checksum, nnsm_error *error)
{
    const nnsm_layout *l = &source->layout;
    size_t most = (l->tiles + (size_t)l->ranks - 1) / (size_t)l->ranks * l->snapshots * NNSM_CHUNK;
    bool wanted[QUANTITIES] = {true, true, nnsm_summary_orders(source->run)};
    double *part[QUANTITIES] = {NULL};
    nnsm_status status = NNSM_OK;
    for (int q = 0; q < QUANTITIES && !status; q++)
        if (wanted[q])
            status = NNSM_BULK(&part[q], most, source->run->config->run.scratch, "ensemble energies", error);
    status = nnsm_agree(source->group, status, error);
    if (!status)
        status = write_file(source, part, summary, checksum, error);
    for (int q = 0; q < QUANTITIES; q++)
        nnsm_bulk_release(part[q]);
    return status;
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
