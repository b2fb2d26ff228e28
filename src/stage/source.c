/* source.c: the Monte Carlo generators of one rank, and the ensemble they leave. */
#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/feed.h"

static size_t first_tile_of(size_t tiles, int rank, int ranks)
{
    return tiles * (size_t)rank / (size_t)ranks;
}

int nnsm_source_owner(size_t tiles, uint64_t chunk, int ranks)
{
    size_t tile = (size_t)(chunk % tiles);
    for (int r = ranks - 1; r > 0; r--)
        if (tile >= first_tile_of(tiles, r, ranks))
            return r;
    return 0;
}

nnsm_status nnsm_source_create(nnsm_source *source, nnsm_run *run, MPI_Comm group, nnsm_error *error)
{
    const nnsm_config *c = run->config;
    int rank, ranks;
    NNSM_MPI(MPI_Comm_rank(group, &rank));
    NNSM_MPI(MPI_Comm_size(group, &ranks));
    *source = (nnsm_source){.run = run, .group = group};
    source->tiles = (size_t)c->generate.chains / NNSM_CHUNK;
    source->first_tile = first_tile_of(source->tiles, rank, ranks);
    source->own = first_tile_of(source->tiles, rank + 1, ranks) - source->first_tile;
    source->snapshots =
        ((size_t)c->generate.configurations + (size_t)c->generate.chains - 1) / (size_t)c->generate.chains;
    size_t chunk = NNSM_CHUNK * run->lattice.sites;
    nnsm_status status = NNSM_NEW(&source->tile, source->own, "generators", error);
    if (!status)
        status = NNSM_NEW(&source->kept, source->own * source->snapshots * chunk, "ensemble", error);
    if (!status)
        status = NNSM_NEW(&source->passing, chunk, "ensemble", error);
    for (size_t t = 0; t < source->own && !status; t++)
        status = nnsm_generator_create(&source->tile[t], &run->model, c->generate.temperature,
                                       c->generate.algorithm == NNSM_CONFIG_WOLFF ? NNSM_WOLFF : NNSM_METROPOLIS,
                                       run->key, (uint32_t)((source->first_tile + t) * NNSM_CHUNK), error);
    return nnsm_agree(group, status, error);
}

void nnsm_source_destroy(nnsm_source *source)
{
    for (size_t t = 0; source->tile && t < source->own; t++)
        nnsm_generator_destroy(source->tile[t]);
    nnsm_release(source->tile);
    nnsm_release(source->kept);
    nnsm_release(source->passing);
    *source = (nnsm_source){0};
}

const int8_t *nnsm_source_chunk(nnsm_source *source, uint64_t chunk)
{
    const nnsm_config *c = source->run->config;
    size_t tile = (size_t)(chunk % source->tiles) - source->first_tile, snapshot = (size_t)(chunk / source->tiles);
    size_t size = NNSM_CHUNK * source->run->lattice.sites;
    int8_t *to =
        snapshot < source->snapshots ? source->kept + (tile * source->snapshots + snapshot) * size : source->passing;
    int64_t updates = snapshot ? c->generate.interval : c->generate.thermalization;
    nnsm_generator_advance(source->tile[tile], (uint32_t)updates);
    nnsm_generator_read(source->tile[tile], to);
    return to;
}

/* E/N and m of all configurations of the ensemble, on every rank of the group, in the ensemble's order. */
static void measure(const nnsm_source *source, double *energy, double *magnetization, size_t configurations)
{
    const nnsm_run *run = source->run;
    size_t sites = run->lattice.sites;
    for (size_t t = 0; t < source->own; t++)
        for (size_t k = 0; k < source->snapshots; k++)
            for (size_t lane = 0; lane < NNSM_CHUNK; lane++) {
                size_t index = (k * source->tiles + source->first_tile + t) * NNSM_CHUNK + lane;
                const int8_t *s = source->kept + ((t * source->snapshots + k) * NNSM_CHUNK + lane) * sites;
                if (index >= configurations)
                    continue;
                energy[index] = nnsm_ising_energy(&run->model, s) / (double)sites;
                magnetization[index] = nnsm_magnetization(&run->lattice, s);
            }
    /* Every entry is zero on all ranks but one, so the order of the sum cannot matter. */
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, energy, (int)configurations, MPI_DOUBLE, MPI_SUM, source->group));
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, magnetization, (int)configurations, MPI_DOUBLE, MPI_SUM, source->group));
}

static nnsm_status summarise(const nnsm_source *source, nnsm_summary *summary, nnsm_error *error)
{
    const nnsm_config *c = source->run->config;
    size_t n = (size_t)c->generate.configurations;
    double *energy = NULL, *magnetization = NULL;
    nnsm_status status = NNSM_NEW(&energy, n, "ensemble energies", error);
    if (!status)
        status = NNSM_NEW(&magnetization, n, "ensemble energies", error);
    status = nnsm_agree(source->group, status, error);
    if (!status) {
        measure(source, energy, magnetization, n);
        status = nnsm_summarise(source->run, energy, magnetization, n, (size_t)c->generate.chains,
                                c->generate.temperature, summary, error);
    }
    nnsm_release(energy);
    nnsm_release(magnetization);
    return nnsm_agree(source->group, status, error);
}

static nnsm_status write_file(const nnsm_source *source, const nnsm_summary *summary, nnsm_error *error)
{
    nnsm_run *run = source->run;
    char path[NNSM_RUN_PATH];
    int rank;
    NNSM_MPI(MPI_Comm_rank(source->group, &rank));
    nnsm_run_path(run, NNSM_FILE_ENSEMBLE, path);
    nnsm_ensemble_header header = {.configurations = (size_t)run->config->generate.configurations,
                                   .sites = run->lattice.sites,
                                   .dimensions = run->lattice.dimensions,
                                   .temperature = run->config->generate.temperature,
                                   .chains = run->config->generate.chains};
    memcpy(header.extent, run->lattice.extent, sizeof header.extent);
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    size_t chunk_rows = 2048; /* the file is allocated in whole chunks; metadata is small */
    nnsm_status status =
        rank != 0 ? NNSM_OK
                  : nnsm_h5_reserve(path, (header.configurations + chunk_rows) * header.sites + (1 << 18), error);
    status = nnsm_agree(source->group, status, error);
    if (status)
        return status;
    status = nnsm_h5_create(&h5, path, source->group, error);
    if (nnsm_agree(source->group, status, error) == NNSM_OK) {
        nnsm_ensemble_define(&h5, &header);
        nnsm_summary_write(&h5, summary);
        /* All ranks write as often as the one with the most tiles: the calls are collective. */
        int ranks;
        NNSM_MPI(MPI_Comm_size(source->group, &ranks));
        size_t rounds = (source->tiles + (size_t)ranks - 1) / (size_t)ranks;
        for (size_t t = 0; t < rounds; t++)
            nnsm_ensemble_write_blocks(
                &h5, &header, (source->first_tile + t) * NNSM_CHUNK, source->tiles * NNSM_CHUNK,
                t < source->own ? source->snapshots : 0, NNSM_CHUNK,
                t < source->own ? source->kept + t * source->snapshots * NNSM_CHUNK * header.sites : source->kept);
    }
    status = nnsm_agree(source->group, h5.status, error);
    h5.status = status; /* a failure elsewhere keeps the file from being published */
    status = nnsm_h5_finish(&h5);
    return nnsm_agree(source->group, status, error);
}

nnsm_status nnsm_source_finish(nnsm_source *source, nnsm_summary *summary, nnsm_error *error)
{
    nnsm_status status = summarise(source, summary, error);
    return status ? status : write_file(source, summary, error);
}
