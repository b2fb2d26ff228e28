/* Where the chains of a scan stand, for many shapes and numbers of ranks. */
#include "check.h"
#include "stage/chains.h"

static const size_t temperatures[] = {1, 2, 7, 13, 16, 31, 32, 33, 64, 100}, walkers[] = {1, 2, 3, 8, 12, 32};
enum {
    TEMPERATURES = sizeof temperatures / sizeof *temperatures,
    WALKERS = sizeof walkers / sizeof *walkers,
    MOST_RANKS = 70
};

static void each_shape(void (*examine)(size_t t, size_t w, int ranks))
{
    for (size_t i = 0; i < TEMPERATURES; i++)
        for (size_t j = 0; j < WALKERS; j++)
            for (int ranks = 1; ranks <= MOST_RANKS; ranks++)
                examine(temperatures[i], walkers[j], ranks);
}

/* A place for every chain, in no more tiles than there must be, the same for any number of ranks. */
static void examine_places(size_t t, size_t w, int ranks)
{
    nnsm_placing one, many;
    size_t chains = t * w, empty = 0;
    assert_int_equal(nnsm_placing_create(&one, t, w, 0, 1, NULL), NNSM_OK);
    assert_int_equal(nnsm_placing_create(&many, t, w, ranks - 1, ranks, NULL), NNSM_OK);
    assert_int_equal(one.tiles, (chains + NNSM_TILE - 1) / NNSM_TILE);
    assert_int_equal(many.tiles, one.tiles);
    assert_memory_equal(one.place_of, many.place_of, chains * sizeof *one.place_of);
    for (size_t place = 0; place < one.tiles * NNSM_TILE; place++) {
        int32_t chain = one.chain_of[place];
        empty += chain < 0;
        if (chain >= 0)
            assert_int_equal(one.place_of[chain], place);
    }
    assert_int_equal(empty, one.tiles * NNSM_TILE - chains);
    nnsm_placing_destroy(&one);
    nnsm_placing_destroy(&many);
}

/* The tiles of a group's ranks hold the chains of its walkers and no others, and no rank has more tiles than it must.
 */
static void examine_groups(size_t t, size_t w, int ranks)
{
    size_t next_walker = 0, next_rank = 0;
    for (int rank = 0; rank < ranks; rank++) {
        nnsm_placing p;
        assert_int_equal(nnsm_placing_create(&p, t, w, rank, ranks, NULL), NNSM_OK);
        size_t first = (size_t)rank - p.group_rank, end = first + p.group_ranks;
        assert_true(p.first_tile[rank + 1] - p.first_tile[rank] <= (p.tiles + (size_t)ranks - 1) / (size_t)ranks);
        if (p.group_rank == 0) { /* groups follow each other */
            assert_int_equal(first, next_rank);
            assert_int_equal(p.first_walker, next_walker);
            next_rank = end;
            next_walker = p.end_walker;
        }
        for (size_t place = p.first_tile[first] * NNSM_TILE; place < p.first_tile[end] * NNSM_TILE; place++)
            if (p.chain_of[place] >= 0) {
                size_t walker = (size_t)p.chain_of[place] % w;
                assert_true(walker >= p.first_walker && walker < p.end_walker);
            }
        for (size_t chain = 0; chain < t * w; chain++)
            if (chain % w >= p.first_walker && chain % w < p.end_walker)
                assert_in_range(p.place_of[chain], p.first_tile[first] * NNSM_TILE, p.first_tile[end] * NNSM_TILE - 1);
        nnsm_placing_destroy(&p);
    }
    assert_int_equal(next_rank, ranks);
    assert_int_equal(next_walker, w);
}

static void every_chain_has_a_place(void **state)
{
    (void)state;
    each_shape(examine_places);
}

static void groups_have_whole_ladders_and_fair_shares(void **state)
{
    (void)state;
    each_shape(examine_groups);
}

/* What is gained: as on the paper's scan, where every rank of up to eight has ladders of its own. */
static void ladders_need_no_neighbours_where_they_fit(void **state)
{
    (void)state;
    for (int ranks = 1; ranks <= 8; ranks++) {
        nnsm_placing p;
        assert_int_equal(nnsm_placing_create(&p, 31, 8, ranks - 1, ranks, NULL), NNSM_OK);
        assert_int_equal(p.blocks, 8);
        assert_int_equal(p.groups, ranks);
        assert_int_equal(p.group_ranks, 1);
        nnsm_placing_destroy(&p);
    }
}

/* A temperature's series are kept by one rank, and looked for there. */
static void examine_keeper(size_t t, size_t w, int ranks)
{
    nnsm_run run = {.ranks = ranks};
    nnsm_chains chains = {.run = &run, .temperatures = t, .walkers = w};
    size_t keeps[MOST_RANKS] = {0};
    for (size_t k = 0; k < t; k++) {
        run.rank = nnsm_chains_keeper(&chains, k);
        assert_true(run.rank >= 0 && run.rank < ranks);
        assert_true(nnsm_chains_own(&chains, k));
        assert_int_equal(k, t * (size_t)run.rank / (size_t)ranks + keeps[run.rank]++); /* in a row */
    }
    for (size_t r = 0; r < (size_t)ranks; r++)
        assert_int_equal(keeps[r], t * (r + 1) / (size_t)ranks - t * r / (size_t)ranks);
}

static void series_are_where_they_are_looked_for(void **state)
{
    (void)state;
    each_shape(examine_keeper);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_chain_has_a_place),
        cmocka_unit_test(groups_have_whole_ladders_and_fair_shares),
        cmocka_unit_test(ladders_need_no_neighbours_where_they_fit),
        cmocka_unit_test(series_are_where_they_are_looked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
