#include "stage/tree.h"

#include "base/memory.h"
#include "ensemble/partition.h"

static const char *const what = "gradient reduction";

size_t nnsm_tree_middle(size_t low, size_t high)
{
    size_t half = 1;
    while (2 * half < high - low)
        half *= 2;
    return low + half;
}

static int height_of(size_t shards)
{
    int height = 0;
    for (size_t width = 1; width < shards; width *= 2)
        height++;
    return height;
}

static int owner_of(const nnsm_tree *t, size_t shard)
{
    nnsm_partition partition = {.shards = t->shards};
    return nnsm_partition_owner(&partition, shard, t->ranks);
}

/* ---- members of a node: ranks in the order of their ranges */

typedef struct {
    int *rank;
    size_t count;
} members;

/* Where range k of `count` begins. */
static size_t cut(const nnsm_tree *t, size_t k, size_t count)
{
    return k * (size_t)t->ranks / count;
}

/* By the middles (2 i + 1) / (2 count) of their ranges. shared: the rank with shards on both sides, or -1; it keeps its
 * place on the left. */
static members merge(members left, members right, int shared, int *into)
{
    members all = {into, 0};
    for (size_t i = 0, j = 0; i < left.count || j < right.count;) {
        bool first = j == right.count || (i < left.count && (2 * i + 1) * right.count <= (2 * j + 1) * left.count);
        int rank = first ? left.rank[i++] : right.rank[j++];
        if (first || rank != shared)
            all.rank[all.count++] = rank;
    }
    return all;
}

static bool find(members m, int rank, size_t *position)
{
    for (*position = 0; *position < m.count; ++*position)
        if (m.rank[*position] == rank)
            return true;
    return false;
}

/* ---- joins */

/* What of [first, end) lies in the ranges of others. out, at most m.count pieces; NULL: only count them. */
static size_t overlaps(const nnsm_tree *t, members m, size_t first, size_t end, nnsm_piece *out)
{
    size_t count = 0;
    for (size_t k = 0; k < m.count; k++) {
        size_t low = cut(t, k, m.count), high = cut(t, k + 1, m.count);
        low = low < first ? first : low;
        high = high > end ? end : high;
        if (low >= high || m.rank[k] == t->rank)
            continue;
        if (out)
            out[count] = (nnsm_piece){m.rank[k], low, high};
        count++;
    }
    return count;
}

static nnsm_status fill_side(const nnsm_tree *t, const nnsm_join *join, nnsm_side *side, members before, members after,
                             nnsm_error *error)
{
    size_t position;
    nnsm_status status = NNSM_OK;
    side->mine = find(before, t->rank, &position);
    if (side->mine) {
        side->first = cut(t, position, before.count);
        side->end = cut(t, position + 1, before.count);
        side->outs = overlaps(t, after, side->first, side->end, NULL);
        status = NNSM_NEW(&side->out, side->outs, what, error);
        if (!status)
            (void)overlaps(t, after, side->first, side->end, side->out);
    }
    side->ins = overlaps(t, before, join->first, join->end, NULL);
    if (!status)
        status = NNSM_NEW(&side->in, side->ins, what, error);
    if (!status)
        (void)overlaps(t, before, join->first, join->end, side->in);
    return status;
}

static nnsm_status add_join(nnsm_tree *t, size_t low, size_t high, members left, members right, members all,
                            nnsm_error *error)
{
    size_t position, middle = nnsm_tree_middle(low, high);
    if (!find(all, t->rank, &position))
        return NNSM_OK;
    nnsm_join *join = &t->join[t->joins++];
    *join = (nnsm_join){.low = low,
                        .middle = middle,
                        .high = high,
                        .height = height_of(high - low),
                        .first = cut(t, position, all.count),
                        .end = cut(t, position + 1, all.count),
                        .side = {{.low = low, .high = middle}, {.low = middle, .high = high}}};
    nnsm_status status = fill_side(t, join, &join->side[0], left, all, error);
    return status ? status : fill_side(t, join, &join->side[1], right, all, error);
}

/* The members of a tree over ranks [first, end), one shard each. spare: as large as into. */
static members order(int first, int end, int *into, int *spare)
{
    if (end - first == 1) {
        into[0] = first;
        return (members){into, 1};
    }
    int middle = (int)nnsm_tree_middle((size_t)first, (size_t)end), half = middle - first;
    members left = order(first, middle, spare, into), right = order(middle, end, spare + half, into + half);
    return merge(left, right, -1, into);
}

/* Plan the node [low, high): its members into `into`, with room for them. spare: as large, for the nodes below. */
static nnsm_status plan(nnsm_tree *t, size_t low, size_t high, int *into, int *spare, members *all, nnsm_error *error)
{
    int first = owner_of(t, low), last = owner_of(t, high - 1);
    if (first == last) {
        if (first == t->rank)
            t->node[t->own++] = (nnsm_range){low, high};
        into[0] = first;
        *all = (members){into, 1};
        return NNSM_OK;
    }
    size_t middle = nnsm_tree_middle(low, high);
    int before = owner_of(t, middle - 1), shared = before == owner_of(t, middle) ? before : -1;
    size_t half = (size_t)(before - first + 1);
    members left, right;
    nnsm_status status = plan(t, low, middle, spare, into, &left, error);
    if (!status)
        status = plan(t, middle, high, spare + half, into + half, &right, error);
    if (status)
        return status;
    *all = merge(left, right, shared, into);
    if (high - low == t->shards)
        for (int q = 0; q < t->ranks; q++) /* the root: the order of the tree of ranks */
            into[t->slice[q]] = q;
    return add_join(t, low, high, left, right, *all, error);
}

static void sort_by_height(nnsm_tree *t)
{
    for (size_t i = 1; i < t->joins; i++)
        for (size_t j = i; j > 0 && t->join[j].height < t->join[j - 1].height; j--) {
            nnsm_join swap = t->join[j];
            t->join[j] = t->join[j - 1];
            t->join[j - 1] = swap;
        }
}

nnsm_status nnsm_tree_create(nnsm_tree *tree, size_t shards, int rank, int ranks, nnsm_error *error)
{
    nnsm_tree *t = tree;
    int *list[2] = {NULL, NULL}; /* of members, by turns */
    members all = {0};
    size_t most = 2 * (size_t)height_of(shards) + 2; /* a rank's shards are a range: two nodes of a height */
    *t = (nnsm_tree){.rank = rank, .ranks = ranks, .shards = shards};
    nnsm_status status = NNSM_NEW(&t->node, most, what, error);
    if (!status)
        status = NNSM_NEW(&t->join, most, what, error);
    if (!status)
        status = NNSM_NEW(&t->slice, ranks, what, error);
    /* a rank with shards on both sides takes one place more, at most once a height */
    for (int i = 0; i < 2 && !status; i++)
        status = NNSM_NEW(&list[i], (size_t)ranks + most, what, error);
    if (!status)
        all = order(0, ranks, list[0], list[1]);
    for (size_t k = 0; k < all.count; k++)
        t->slice[all.rank[k]] = (int)k;
    if (!status)
        status = plan(t, 0, shards, list[0], list[1], &all, error);
    sort_by_height(t);
    nnsm_release(list[0]);
    nnsm_release(list[1]);
    return status;
}

void nnsm_tree_destroy(nnsm_tree *tree)
{
    for (size_t j = 0; j < tree->joins; j++)
        for (int s = 0; s < 2; s++) {
            nnsm_release(tree->join[j].side[s].out);
            nnsm_release(tree->join[j].side[s].in);
        }
    nnsm_release(tree->node);
    nnsm_release(tree->join);
    nnsm_release(tree->slice);
    *tree = (nnsm_tree){0};
}

size_t nnsm_tree_messages(const nnsm_tree *tree)
{
    size_t messages = 0;
    for (size_t j = 0; j < tree->joins; j++)
        for (int s = 0; s < 2; s++)
            messages += tree->join[j].side[s].outs + tree->join[j].side[s].ins;
    return messages;
}
