/* The plan of a sum over ranks: what one rank sends another expects, ranges are cut and joined whole, and on powers of
 * two it is recursive halving. */
#include "check.h"
#include "stage/tree.h"

#include <string.h>

enum { MOST = 70 };

static nnsm_tree tree[MOST];

static void plan(size_t shards, int ranks)
{
    nnsm_error error;
    for (int q = 0; q < ranks; q++)
        assert_int_equal(nnsm_tree_create(&tree[q], shards, q, ranks, &error), NNSM_OK);
}

static void forget(int ranks)
{
    for (int q = 0; q < ranks; q++)
        nnsm_tree_destroy(&tree[q]);
}

static const nnsm_join *find(int rank, size_t middle)
{
    for (size_t j = 0; j < tree[rank].joins; j++)
        if (tree[rank].join[j].middle == middle)
            return &tree[rank].join[j];
    return NULL;
}

/* The piece of `from` in a list; there must be one at most. */
static const nnsm_piece *piece_of(const nnsm_piece *piece, size_t count, int from)
{
    const nnsm_piece *found = NULL;
    for (size_t i = 0; i < count; i++)
        if (piece[i].rank == from) {
            assert_null(found);
            found = &piece[i];
        }
    return found;
}

static void every_message_has_two_ends(int ranks)
{
    size_t sent = 0, expected = 0;
    for (int q = 0; q < ranks; q++)
        for (size_t j = 0; j < tree[q].joins; j++)
            for (int s = 0; s < 2; s++) {
                const nnsm_join *join = &tree[q].join[j];
                expected += join->side[s].ins;
                for (size_t i = 0; i < join->side[s].outs; i++) {
                    const nnsm_piece *out = &join->side[s].out[i];
                    const nnsm_join *other = find(out->rank, join->middle);
                    assert_non_null(other);
                    const nnsm_piece *in = piece_of(other->side[s].in, other->side[s].ins, q);
                    assert_non_null(in);
                    assert_true(in->first == out->first && in->end == out->end);
                    sent++;
                }
            }
    assert_int_equal(sent, expected);
}

/* Of either part of a join a rank has, or gets, every slice of its range exactly once. */
static void ranges_become_whole(int ranks)
{
    for (int q = 0; q < ranks; q++)
        for (size_t j = 0; j < tree[q].joins; j++)
            for (int s = 0; s < 2; s++) {
                const nnsm_join *join = &tree[q].join[j];
                const nnsm_side *side = &join->side[s];
                for (size_t slice = join->first; slice < join->end; slice++) {
                    size_t times = side->mine && slice >= side->first && slice < side->end;
                    for (size_t i = 0; i < side->ins; i++)
                        times += slice >= side->in[i].first && slice < side->in[i].end;
                    assert_int_equal(times, 1);
                }
            }
}

static void slices_end_on_all_ranks(int ranks)
{
    bool taken[MOST] = {false};
    for (int q = 0; q < ranks; q++) {
        int slice = tree[0].slice[q];
        assert_true(slice >= 0 && slice < ranks && !taken[slice] && tree[q].slice[q] == slice);
        taken[slice] = true;
        if (!tree[q].joins)
            continue;
        const nnsm_join *root = &tree[q].join[tree[q].joins - 1];
        assert_true(root->low == 0 && root->high == tree[q].shards);
        assert_true(root->first == (size_t)slice && root->end == (size_t)slice + 1);
    }
}

/* Down a join of a tree of ranks: what a member of one part sent up comes back. Joins of a height at once. received:
 * slices of a rank. */
static void go_down(int ranks, int height, bool has[MOST][MOST], int *received)
{
    static bool before[MOST][MOST];
    memcpy(before, has, sizeof before);
    for (int q = 0; q < ranks; q++)
        for (size_t j = 0; j < tree[q].joins; j++)
            for (int s = 0; s < 2 && tree[q].join[j].height == height; s++) {
                const nnsm_side *side = &tree[q].join[j].side[s];
                for (size_t i = 0; i < side->outs; i++)
                    for (size_t slice = side->out[i].first; slice < side->out[i].end; slice++) {
                        assert_true(before[side->out[i].rank][slice]);
                        has[q][slice] = true;
                        received[q]++;
                    }
            }
}

/* Down a tree of ranks, from the slices that all sums end with, every rank gets every slice, and few of them twice. */
static void results_reach_all_ranks(void **state)
{
    static bool has[MOST][MOST];
    (void)state;
    for (int ranks = 1; ranks <= MOST; ranks++) {
        int received[MOST] = {0};
        plan((size_t)ranks, ranks);
        memset(has, 0, sizeof has);
        for (int q = 0; q < ranks; q++) {
            assert_int_equal(tree[q].own, 1);
            has[q][tree[q].slice[q]] = true;
        }
        for (int height = 7; height > 0; height--)
            go_down(ranks, height, has, received);
        for (int q = 0; q < ranks; q++)
            assert_true(received[q] <= ranks + ranks / 4);
        for (int q = 0; q < ranks; q++)
            for (int k = 0; k < ranks; k++)
                assert_true(has[q][k]);
        forget(ranks);
    }
}

static void plans_of_all_ranks_fit_together(void **state)
{
    (void)state;
    for (size_t shards = 1; shards <= MOST; shards += shards < 20 ? 1 : 7)
        for (int ranks = 1; ranks <= (int)shards; ranks++) {
            plan(shards, ranks);
            every_message_has_two_ends(ranks);
            ranges_become_whole(ranks);
            slices_end_on_all_ranks(ranks);
            forget(ranks);
        }
}

static void powers_of_two_halve_with_neighbours(void **state)
{
    (void)state;
    for (int ranks = 2, rounds = 1; ranks <= 64; ranks *= 2, rounds++) {
        plan(64, ranks);
        for (int q = 0; q < ranks; q++) {
            size_t sent = 0;
            assert_int_equal(tree[q].joins, rounds);
            assert_int_equal(nnsm_tree_messages(&tree[q]), 2 * rounds);
            for (int j = 0; j < rounds; j++)
                for (int s = 0; s < 2; s++)
                    for (size_t i = 0; i < tree[q].join[j].side[s].outs; i++) {
                        const nnsm_piece *out = &tree[q].join[j].side[s].out[i];
                        assert_int_equal(out->rank, q ^ (1 << j));
                        assert_int_equal(out->end - out->first, ranks >> (j + 1));
                        sent += out->end - out->first;
                    }
            assert_int_equal(sent, ranks - 1);
        }
        forget(ranks);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plans_of_all_ranks_fit_together),
        cmocka_unit_test(results_reach_all_ranks),
        cmocka_unit_test(powers_of_two_halve_with_neighbours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
