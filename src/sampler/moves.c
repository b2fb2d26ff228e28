#include "nnsm/moves.h"

#include "sampler/decide.h"

nnsm_move_space nnsm_move_space_make(const nnsm_lattice *lattice, int values)
{
    nnsm_move_space space = {.lattice = lattice, .values = values};
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++)
        space.box[a] = lattice->extent[a] > 1 ? 2 : 1;
    return space;
}

/* Places of a box along an axis. */
static int places(const nnsm_move_space *space, int axis)
{
    return space->lattice->extent[axis] + (space->lattice->periodic ? 0 : space->box[axis] - 1);
}

size_t nnsm_move_proposals(const nnsm_move_space *space, nnsm_move move)
{
    size_t count = 1;
    for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++)
        count *= (size_t)(move == NNSM_MOVE_PATCH ? places(space, a) : space->lattice->extent[a]);
    return count;
}

/* Sites of box number `index`: it begins at coordinates from 0 (open: from 1 - box) on. */
static void box_sites(const nnsm_move_space *space, size_t index, nnsm_update *update)
{
    const nnsm_lattice *l = space->lattice;
    int begin[NNSM_MAX_DIMENSIONS], boxes = space->box[0] * space->box[1] * space->box[2];
    for (int a = NNSM_MAX_DIMENSIONS; a-- > 0;) {
        begin[a] = (int)(index % (size_t)places(space, a)) - (l->periodic ? 0 : space->box[a] - 1);
        index /= (size_t)places(space, a);
    }
    update->count = 0;
    for (int b = 0; b < boxes; b++) {
        int within[] = {b / (space->box[1] * space->box[2]), b / space->box[2] % space->box[1], b % space->box[2]};
        size_t site = 0;
        bool inside = true;
        for (int a = 0; a < NNSM_MAX_DIMENSIONS; a++) {
            int x = begin[a] + within[a];
            x = l->periodic ? x % l->extent[a] : x;
            inside = inside && x >= 0 && x < l->extent[a];
            site = site * (size_t)l->extent[a] + (size_t)x;
        }
        if (inside)
            update->site[update->count++] = site;
    }
}

/* New states from the present ones; possible: out, [NNSM_TILE], all ones where no site would leave its values. */
static void choose(const nnsm_move_space *space, nnsm_move move, const uint32_t *random, nnsm_update *update,
                   uint32_t *possible)
{
    for (size_t c = 0; c < NNSM_TILE; c++) {
        /* single: 1 ... values - 1 states on, around the end */
        int others = (int)(((uint64_t)random[c] * (uint64_t)(space->values - 1)) >> 32);
        int step = move == NNSM_MOVE_SINGLE ? 1 + others : random[c] >> 31 ? 1 : -1;
        bool good = true;
        for (size_t i = 0; i < update->count && move != NNSM_MOVE_SINGLE; i++)
            good = good && update->state[i][c] + step >= 0 && update->state[i][c] + step < space->values;
        for (size_t i = 0; i < update->count && good; i++)
            update->state[i][c] = (int8_t)((update->state[i][c] + step) % space->values);
        possible[c] = good ? UINT32_MAX : 0;
    }
}

void nnsm_move_sweep(nnsm_tile *tile, const nnsm_move_space *space, nnsm_move move, nnsm_rng_key key, uint32_t stream,
                     uint32_t sweep, const double *beta, int64_t *accepted)
{
    uint32_t random[4 * NNSM_TILE], possible[NNSM_TILE], accept[NNSM_TILE];
    double change[NNSM_TILE];
    nnsm_update update = {.count = 1};
    size_t proposals = nnsm_move_proposals(space, move);
    for (size_t i = 0; i < proposals; i++) {
        if (i % 2 == 0)
            nnsm_rng_blocks(key, NNSM_RNG_MOVES, stream, NNSM_TILE, sweep, (uint32_t)(i / 2), random);
        const uint32_t *words = random + i % 2 * 2 * NNSM_TILE;
        update.site[0] = i;
        if (move == NNSM_MOVE_PATCH)
            box_sites(space, i, &update);
        for (size_t k = 0; k < update.count; k++)
            tile->methods->look(tile->state, update.site[k], update.state[k]);
        choose(space, move, words, &update, possible);
        tile->methods->propose(tile->state, &update, change);
        nnsm_decide(change, beta, words + NNSM_TILE, accept);
        for (size_t c = 0; c < NNSM_TILE; c++)
            accept[c] &= possible[c];
        tile->methods->settle(tile->state, &update, accept);
        for (size_t c = 0; c < NNSM_TILE; c++)
            accepted[c] += accept[c] & 1;
    }
}
