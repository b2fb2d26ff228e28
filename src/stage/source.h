/* source.h: the Monte Carlo generators of a run, spread over ranks, and the ensemble they leave.
 *
 * Chunk number k * tiles + t holds snapshot k of the 64 chains of tile t; configuration index = chunk * 64 + lane, so
 * the order of the ensemble depends on no rank count. All own tiles advance together in bounded slices, so that a rank
 * can look around between two of them; a round is done when every own tile has made its snapshot. */
#ifndef NNSM_STAGE_SOURCE_H
#define NNSM_STAGE_SOURCE_H

#include "lattice/generator.h"
#include "stage/state.h"
#include "stage/summary.h"

enum {
    NNSM_CHUNK = NNSM_GENERATOR_CHAINS,
    NNSM_RUN_AHEAD = 12, /* chunks a generator may have under way to one trainer, that this one has not begun to take */
    NNSM_RECEIVES = 4,   /* chunks that a trainer may have begun to take */
    NNSM_RING = NNSM_RUN_AHEAD + NNSM_RECEIVES + 3, /* rounds beyond the ensemble (a stream's) that are remembered */
};

/* Where the tiles live: generator g, of `ranks`, is rank `first + g` of the world. */
typedef struct {
    size_t tiles;     /* of the run */
    size_t snapshots; /* rounds that the ensemble keeps */
    size_t ring;      /* rounds remembered beyond them: NNSM_RING for a stream, else 0 */
    int first, ranks;
} nnsm_layout;

nnsm_layout nnsm_layout_make(const nnsm_config *config, int first, int ranks);
/* About what the generators' state takes in a checkpoint. Local. */
size_t nnsm_layout_bytes(const nnsm_layout *layout, size_t sites);
/* The first tile of a generator, or, of the number after the last one, their end. Local. */
size_t nnsm_layout_first_tile(const nnsm_layout *layout, int generator);
/* The generator that makes a chunk. Local. */
int nnsm_layout_owner(const nnsm_layout *layout, uint64_t chunk);

typedef struct {
    nnsm_run *run;
    nnsm_layout layout;
    MPI_Comm group;         /* the generator ranks */
    size_t first_tile, own; /* tiles of this rank */
    uint64_t *rounds;       /* [own] snapshots that a tile has made */
    uint64_t made;          /* the least of them; without tiles: all there could be */
    uint32_t slice;         /* updates a step */
    nnsm_generator **tile;  /* [own] */
    int8_t *kept;           /* [own][snapshots][NNSM_CHUNK][sites] the ensemble's part of this rank */
    int8_t *ring;           /* [own][ring][NNSM_CHUNK][sites] */
} nnsm_source;

/* Collective on group. */
nnsm_status nnsm_source_create(nnsm_source *source, nnsm_run *run, const nnsm_layout *layout, MPI_Comm group,
                               nnsm_error *error);
void nnsm_source_destroy(nnsm_source *source);

/* One slice of updates of all own tiles, about 0.1 s. Local. */
void nnsm_source_advance(nnsm_source *source);

/* The rows of a chunk of an own tile that is made and remembered: [NNSM_CHUNK][sites], borrowed. Local. */
const int8_t *nnsm_source_rows(const nnsm_source *source, uint64_t chunk);

/* Measure and write the ensemble when all kept chunks are made. *summary and the file's *checksum are the same on all
 * ranks of the group. Collective on group. */
nnsm_status nnsm_source_finish(nnsm_source *source, nnsm_summary *summary, int64_t *checksum, nnsm_error *error);

/* ---- saving and restoring */

/* What all ranks know of the generators while a checkpoint passes by. */
typedef struct {
    int64_t *made, *updates; /* [tiles] */
    int8_t *rows;            /* [NNSM_CHUNK][sites] */
} nnsm_ledger;

nnsm_status nnsm_ledger_create(nnsm_ledger *ledger, const nnsm_layout *layout, size_t sites, nnsm_error *error);
void nnsm_ledger_destroy(nnsm_ledger *ledger);

/* Called on all ranks for every kept chunk that is restored. rows: [NNSM_CHUNK][sites]. */
typedef void nnsm_chunk_visitor(void *context, uint64_t chunk, const int8_t *rows);

/* Save or restore below /generate: every tile's chains, and the chunks that are made. source: NULL on ranks that do not
 * generate; visit: may be NULL. Collective on run->world. */
void nnsm_source_state(nnsm_source *source, const nnsm_layout *layout, nnsm_ledger *ledger, nnsm_state *state,
                       nnsm_chunk_visitor *visit, void *context);

#endif
