/* source_finish.c: the ensemble that a source has made: measured, written, summed up. */
#include <string.h>

#include "base/bulk.h"
#include "setup/agree.h"
#include "stage/network_file.h"
#include "stage/source.h"
#include "stage/writing.h"

enum { METADATA = 1 << 18 }; /* bytes of an ensemble file beside its configurations */

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
    size_t first = nnsm_layout_first_tile(l, generator), end = nnsm_layout_first_tile(l, generator + 1);
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
        size_t count = (nnsm_layout_first_tile(l, g + 1) - nnsm_layout_first_tile(l, g)) * rows;
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
 * other there, need not do both at the same time. A rank that passes its rows on, whose writer waits for them, has
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
