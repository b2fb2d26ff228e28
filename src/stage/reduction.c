#include "stage/reduction.h"

#include "base/memory.h"
#include "made/kernels.h"
#include "setup/agree.h"

static const char *const what = "gradient reduction";

struct nnsm_reduction {
    const nnsm_tree *tree; /* the same for all pieces */
    size_t count, pieces;
    nnsm_relay *relay;    /* [pieces] */
    size_t *missing;      /* [pieces] floats that the last shard has not told of */
    size_t messages;      /* of a piece, at most */
    MPI_Request *request; /* [pieces][messages]; MPI_REQUEST_NULL where none is under way */
    float **own;          /* [tree.own][count] sums of own nodes */
    size_t levels;
    float **scratch; /* [levels][count] right branches below own nodes */
    /* of a run */
    const nnsm_producer *producer;
    const nnsm_consumer *consumer;
};

/* ---- creation */

static size_t height_of(const nnsm_range *node)
{
    size_t height = 0;
    for (size_t width = 1; width < node->high - node->low; width *= 2)
        height++;
    return height;
}

static nnsm_status allocate(nnsm_reduction *r, const nnsm_slices *sums, const nnsm_slices *results, nnsm_error *error)
{
    const nnsm_tree *tree = r->tree;
    for (size_t i = 0; i < tree->own; i++)
        r->levels = height_of(&tree->node[i]) > r->levels ? height_of(&tree->node[i]) : r->levels;
    nnsm_status status = NNSM_NEW(&r->own, tree->own, what, error);
    if (!status)
        status = NNSM_NEW(&r->scratch, r->levels, what, error);
    if (!status)
        status = NNSM_NEW(&r->missing, r->pieces, what, error);
    if (!status)
        status = NNSM_NEW(&r->relay, r->pieces, what, error);
    if (!status)
        status = NNSM_NEW(&r->request, r->pieces * r->messages, what, error);
    for (size_t l = 0; l < r->levels && !status; l++)
        status = NNSM_NEW(&r->scratch[l], r->count, what, error);
    for (size_t i = 0; i < tree->own && !status; i++)
        status = NNSM_NEW(&r->own[i], r->count, what, error);
    for (size_t k = 0; k < r->pieces && !status; k++)
        status = nnsm_relay_create(&r->relay[k], &sums[k], &results[k], r->own, r->request + k * r->messages, error);
    return status;
}

nnsm_status nnsm_reduction_create(nnsm_reduction **out, size_t pieces, const nnsm_slices *sums,
                                  const nnsm_slices *results, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, what, error);
    if (!status) {
        const nnsm_span *last = &sums[pieces - 1].span;
        **out = (nnsm_reduction){
            .tree = &sums->tree, .count = last->first + last->count, .pieces = pieces, .messages = sums->messages};
        status = allocate(*out, sums, results, error);
    }
    status = nnsm_agree(sums->comm, status, error);
    if (status) {
        nnsm_reduction_destroy(*out);
        *out = NULL;
    }
    return status;
}

void nnsm_reduction_destroy(nnsm_reduction *reduction)
{
    nnsm_reduction *r = reduction;
    if (!r)
        return;
    for (size_t k = 0; r->relay && k < r->pieces; k++)
        nnsm_relay_destroy(&r->relay[k]);
    for (size_t i = 0; r->own && i < r->tree->own; i++)
        nnsm_release(r->own[i]);
    for (size_t l = 0; r->scratch && l < r->levels; l++)
        nnsm_release(r->scratch[l]);
    nnsm_release(r->relay);
    nnsm_release(r->own);
    nnsm_release(r->scratch);
    nnsm_release(r->missing);
    nnsm_release(r->request);
    nnsm_release(r);
}

/* ---- shards */

/* Own shards [low, high), summed in `vector`. */
static void compute(nnsm_reduction *r, size_t low, size_t high, size_t level, float *vector)
{
    if (high - low == 1) {
        r->producer->compute(r->producer->context, low, vector, NULL);
        return;
    }
    size_t middle = nnsm_tree_middle(low, high);
    compute(r, low, middle, level + 1, vector);
    compute(r, middle, high, level + 1, r->scratch[level]);
    nnsm_kernel_add(vector, r->scratch[level], r->count);
}

/* Of an own node all shards but the last one: the left branches on the way to it. Returns where its vector goes. */
static float *compute_but_last(nnsm_reduction *r, size_t node)
{
    size_t low = r->tree->node[node].low, high = r->tree->node[node].high;
    float *vector = r->own[node];
    for (size_t level = 0; high - low > 1; level++) {
        size_t middle = nnsm_tree_middle(low, high);
        compute(r, low, middle, level + 1, vector);
        vector = r->scratch[level];
        low = middle;
    }
    return vector;
}

/* The last node's last shard has told of a piece: add it to those left branches, from the lowest up. */
static void add_last(nnsm_reduction *r, const nnsm_span *span)
{
    size_t node = r->tree->own - 1, low = r->tree->node[node].low, high = r->tree->node[node].high, levels = 0;
    for (; high - low > 1; low = nnsm_tree_middle(low, high))
        levels++;
    for (size_t level = levels; level-- > 0;)
        nnsm_kernel_add((level ? r->scratch[level - 1] : r->own[node]) + span->first, r->scratch[level] + span->first,
                        span->count);
}

/* ---- pieces */

static size_t common(const nnsm_span *span, size_t first, size_t end)
{
    size_t low = first > span->first ? first : span->first;
    size_t high = end < span->first + span->count ? end : span->first + span->count;
    return low < high ? high - low : 0;
}

/* The last shard tells: start what is complete, and see to what is under way. */
static void hear(void *context, size_t first, size_t end)
{
    nnsm_reduction *r = context;
    for (size_t k = 0; k < r->pieces; k++) {
        const nnsm_span *span = &r->relay[k].sums->span;
        size_t told = common(span, first, end);
        r->missing[k] -= told;
        if (told && !r->missing[k]) {
            add_last(r, span);
            nnsm_relay_start(&r->relay[k], r->consumer);
        } else
            nnsm_relay_advance(&r->relay[k]);
    }
}

static void complete(nnsm_reduction *r)
{
    int index = 0;
    while (index != MPI_UNDEFINED) {
        NNSM_MPI(MPI_Waitany((int)(r->pieces * r->messages), r->request, &index, MPI_STATUS_IGNORE));
        if (index != MPI_UNDEFINED)
            nnsm_relay_advance(&r->relay[(size_t)index / r->messages]);
    }
}

void nnsm_reduction_run(nnsm_reduction *reduction, const nnsm_producer *producer, const nnsm_consumer *consumer)
{
    nnsm_reduction *r = reduction;
    const nnsm_tree *tree = r->tree;
    const nnsm_listener listener = {hear, r};
    size_t last = tree->own - 1;
    r->producer = producer;
    r->consumer = consumer;
    for (size_t k = 0; k < r->pieces; k++)
        r->missing[k] = r->relay[k].sums->span.count;
    for (size_t i = 0; i < last; i++)
        compute(r, tree->node[i].low, tree->node[i].high, 0, r->own[i]);
    float *vector = compute_but_last(r, last);
    producer->compute(producer->context, tree->node[last].high - 1, vector, &listener);
    complete(r);
}
