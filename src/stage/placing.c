#include "stage/placing.h"

#include "base/memory.h"

/* Part number k of so many equal parts of a whole begins here. */
static size_t part(size_t whole, size_t k, size_t parts)
{
    return whole * k / parts;
}

static size_t tiles_of(size_t chains)
{
    return (chains + NNSM_TILE - 1) / NNSM_TILE;
}

/* Tiles of the blocks from first to end - 1. */
static size_t tiles_of_blocks(size_t temperatures, size_t walkers, size_t blocks, size_t first, size_t end)
{
    size_t tiles = 0;
    for (size_t b = first; b < end; b++)
        tiles += tiles_of(temperatures * (part(walkers, b + 1, blocks) - part(walkers, b, blocks)));
    return tiles;
}

size_t nnsm_placing_tiles(size_t temperatures, size_t walkers)
{
    return tiles_of(temperatures * walkers);
}

static size_t count_blocks(size_t temperatures, size_t walkers)
{
    size_t blocks = walkers;
    while (tiles_of_blocks(temperatures, walkers, blocks, 0, blocks) > nnsm_placing_tiles(temperatures, walkers))
        blocks--;
    return blocks;
}

/* Tiles of the rank that has most, with so many groups. */
static size_t most_tiles(const nnsm_placing *p, size_t groups, size_t ranks)
{
    size_t most = 0;
    for (size_t g = 0; g < groups; g++) {
        size_t own = part(ranks, g + 1, groups) - part(ranks, g, groups);
        size_t tiles = tiles_of_blocks(p->temperatures, p->walkers, p->blocks, part(p->blocks, g, groups),
                                       part(p->blocks, g + 1, groups));
        size_t share = (tiles + own - 1) / own;
        most = share > most ? share : most;
    }
    return most;
}

/* As many as leave no rank with more than it would have in one group of all. */
static size_t count_groups(const nnsm_placing *p, size_t ranks)
{
    size_t groups = ranks < p->blocks ? ranks : p->blocks;
    while (most_tiles(p, groups, ranks) > (p->tiles + ranks - 1) / ranks)
        groups--;
    return groups;
}

static void place_chains(nnsm_placing *p)
{
    for (size_t place = 0; place < p->tiles * NNSM_TILE; place++)
        p->chain_of[place] = -1;
    for (size_t b = 0, tile = 0; b < p->blocks; b++) {
        size_t first = part(p->walkers, b, p->blocks), count = part(p->walkers, b + 1, p->blocks) - first;
        for (size_t i = 0; i < p->temperatures * count; i++) {
            size_t chain = i / count * p->walkers + first + i % count, place = tile * NNSM_TILE + i;
            p->place_of[chain] = (int32_t)place;
            p->chain_of[place] = (int32_t)chain;
        }
        tile += tiles_of(p->temperatures * count);
    }
}

static void share_tiles(nnsm_placing *p, size_t rank, size_t ranks)
{
    for (size_t g = 0, tile = 0; g < p->groups; g++) {
        size_t first_block = part(p->blocks, g, p->groups), end_block = part(p->blocks, g + 1, p->groups);
        size_t first = part(ranks, g, p->groups), own = part(ranks, g + 1, p->groups) - first;
        size_t tiles = tiles_of_blocks(p->temperatures, p->walkers, p->blocks, first_block, end_block);
        for (size_t q = 0; q < own; q++)
            p->first_tile[first + q] = tile + part(tiles, q, own);
        tile += tiles;
        if (rank < first || rank >= first + own)
            continue;
        p->group = g;
        p->group_rank = rank - first;
        p->group_ranks = own;
        p->first_walker = part(p->walkers, first_block, p->blocks);
        p->end_walker = part(p->walkers, end_block, p->blocks);
    }
    p->first_tile[ranks] = p->tiles;
}

nnsm_status nnsm_placing_create(nnsm_placing *placing, size_t temperatures, size_t walkers, int rank, int ranks,
                                nnsm_error *error)
{
    nnsm_placing *p = placing;
    *p = (nnsm_placing){.temperatures = temperatures, .walkers = walkers};
    p->tiles = nnsm_placing_tiles(temperatures, walkers);
    p->blocks = count_blocks(temperatures, walkers);
    p->groups = count_groups(p, (size_t)ranks);
    nnsm_status status = NNSM_NEW(&p->place_of, temperatures * walkers, "scan", error);
    if (!status)
        status = NNSM_NEW(&p->chain_of, p->tiles * NNSM_TILE, "scan", error);
    if (!status)
        status = NNSM_NEW(&p->first_tile, (size_t)ranks + 1, "scan", error);
    if (status) {
        nnsm_placing_destroy(p);
        return status;
    }
    place_chains(p);
    share_tiles(p, (size_t)rank, (size_t)ranks);
    return NNSM_OK;
}

void nnsm_placing_destroy(nnsm_placing *placing)
{
    nnsm_release(placing->place_of);
    nnsm_release(placing->chain_of);
    nnsm_release(placing->first_tile);
    *placing = (nnsm_placing){0};
}
