/* placing.h: which chain of a scan stands in which tile, and which rank has it.
 *
 * Replica exchange stays within a walker's ladder of temperatures. Walkers are divided into blocks whose chains fill
 * tiles of their own, as many blocks as there can be without one more tile, so this does not depend on the ranks; ranks
 * are divided into groups, each with whole blocks. Within a group the ladders exchange, between groups nothing needs to
 * be known while the chains run. Chain t * walkers + w is the one that starts at temperature t in ladder w; its place
 * is tile * NNSM_TILE + its number in the tile. Places beyond the last chain of a block are empty: those chains only
 * fill the tile. */
#ifndef NNSM_STAGE_PLACING_H
#define NNSM_STAGE_PLACING_H

#include <stdint.h>

#include "nnsm/hamiltonian.h"

typedef struct {
    size_t temperatures, walkers, tiles, blocks;
    int32_t *place_of; /* [temperatures * walkers] */
    int32_t *chain_of; /* [tiles * NNSM_TILE], -1: empty */
    size_t groups;
    size_t *first_tile; /* [ranks + 1] tiles of rank q are first_tile[q] ... first_tile[q + 1] - 1 */
    /* of this rank */
    size_t group, group_rank, group_ranks;
    size_t first_walker, end_walker; /* whose ladders its group exchanges */
} nnsm_placing;

/* Tiles of so many chains. */
size_t nnsm_placing_tiles(size_t temperatures, size_t walkers);

/* Local. */
nnsm_status nnsm_placing_create(nnsm_placing *placing, size_t temperatures, size_t walkers, int rank, int ranks,
                                nnsm_error *error);
void nnsm_placing_destroy(nnsm_placing *placing);

#endif
