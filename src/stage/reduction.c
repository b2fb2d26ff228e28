#include "stage/reduction.h"

#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "made/kernels.h"
#include "setup/agree.h"

enum { SLICE_GRAIN = 16 }; /* slices begin on cache lines */

static const char *const what = "gradient reduction";

/* ---- slices */

static void cut(nnsm_slices *s, const size_t *starts)
{
    size_t ranks = (size_t)s->tree.ranks, grains = (s->count + SLICE_GRAIN - 1) / SLICE_GRAIN;
    for (size_t k = 0; k <= ranks; k++) {
        size_t at = starts ? starts[k] : grains * k / ranks * SLICE_GRAIN;
        s->cut[k] = (int)(at < s->count ? at : s->count);
    }
    for (size_t q = 0; q < ranks; q++) {
        s->starts[q] = s->cut[s->tree.slice[q]];
        s->counts[q] = s->cut[s->tree.slice[q] + 1] - s->starts[q];
    }
}

nnsm_status nnsm_slices_create(nnsm_slices *slices, MPI_Comm comm, size_t shards, size_t count, const size_t *starts,
                               nnsm_error *error)
{
    int rank, ranks;
    NNSM_MPI(MPI_Comm_rank(comm, &rank));
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    *slices = (nnsm_slices){.comm = comm, .count = count};
    nnsm_status status = nnsm_tree_create(&slices->tree, shards, rank, ranks, error);
    if (!status)
        status = NNSM_NEW(&slices->cut, ranks + 1, what, error);
    if (!status)
        status = NNSM_NEW(&slices->counts, ranks, what, error);
    if (!status)
        status = NNSM_NEW(&slices->starts, ranks, what, error);
    if (!status)
        status = NNSM_NEW(&slices->request, nnsm_tree_messages(&slices->tree), what, error);
    if (!status)
        cut(slices, starts);
    return nnsm_agree(comm, status, error);
}

void nnsm_slices_destroy(nnsm_slices *slices)
{
    nnsm_tree_destroy(&slices->tree);
    nnsm_release(slices->cut);
    nnsm_release(slices->counts);
    nnsm_release(slices->starts);
    nnsm_release(slices->request);
    *slices = (nnsm_slices){.comm = MPI_COMM_NULL};
}

void nnsm_slices_own(const nnsm_slices *slices, size_t *first, size_t *end)
{
    int rank = slices->tree.rank;
    *first = (size_t)slices->starts[rank];
    *end = *first + (size_t)slices->counts[rank];
}

/* ---- messages: pieces of a side of a join; vector: where slice `base` begins */

static int tag_of(const nnsm_join *join, int side)
{
    return 2 * (int)join->middle + side;
}

static int floats(const nnsm_slices *s, const nnsm_piece *piece)
{
    return s->cut[piece->end] - s->cut[piece->first];
}

static void send_pieces(const nnsm_slices *s, const nnsm_piece *piece, size_t count, const float *vector, size_t base,
                        int tag, int *requests)
{
    for (size_t i = 0; i < count; i++)
        if (floats(s, &piece[i]))
            NNSM_MPI(MPI_Isend(vector + (s->cut[piece[i].first] - s->cut[base]), floats(s, &piece[i]), MPI_FLOAT,
                               piece[i].rank, tag, s->comm, &s->request[(*requests)++]));
}

static void receive_pieces(const nnsm_slices *s, const nnsm_piece *piece, size_t count, float *vector, size_t base,
                           int tag, int *requests)
{
    for (size_t i = 0; i < count; i++)
        if (floats(s, &piece[i]))
            NNSM_MPI(MPI_Irecv(vector + (s->cut[piece[i].first] - s->cut[base]), floats(s, &piece[i]), MPI_FLOAT,
                               piece[i].rank, tag, s->comm, &s->request[(*requests)++]));
}

/* The way of the sums, backwards: from every join its slices go to where they came from. */
static void share_by_tree(const nnsm_slices *s, float *vector)
{
    for (size_t j = s->tree.joins; j-- > 0;) {
        const nnsm_join *join = &s->tree.join[j];
        int requests = 0;
        for (int k = 0; k < 2; k++)
            receive_pieces(s, join->side[k].out, join->side[k].outs, vector, 0, tag_of(join, k), &requests);
        for (int k = 0; k < 2; k++)
            send_pieces(s, join->side[k].in, join->side[k].ins, vector, 0, tag_of(join, k), &requests);
        NNSM_MPI(MPI_Waitall(requests, s->request, MPI_STATUSES_IGNORE));
    }
}

/* A rank whose shards are several nodes would get slices on several ways. */
void nnsm_slices_share(const nnsm_slices *slices, float *vector, double *waited)
{
    double since = nnsm_seconds();
    if (slices->tree.single)
        share_by_tree(slices, vector);
    else
        NNSM_MPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, vector, slices->counts, slices->starts, MPI_FLOAT,
                                slices->comm));
    *waited += nnsm_seconds() - since;
}

/* ---- the reduction */

/* What this rank has of a node's sum: slices of it. */
typedef struct {
    size_t low, high;
    float *sum;
    float *buffer[2]; /* of a join: slices of its left and right part that come from others, NULL where none do */
} part;

struct nnsm_reduction {
    const nnsm_slices *slices;
    size_t levels;
    part *own;       /* [tree.own] whole vectors */
    part *joined;    /* [tree.joins] */
    float **scratch; /* [levels][count] right branches below own nodes */
};

static size_t largest_own(const nnsm_tree *tree)
{
    size_t largest = 1;
    for (size_t i = 0; i < tree->own; i++)
        largest = tree->node[i].high - tree->node[i].low > largest ? tree->node[i].high - tree->node[i].low : largest;
    return largest;
}

static nnsm_status allocate(nnsm_reduction *r, nnsm_error *error)
{
    const nnsm_slices *s = r->slices;
    const nnsm_tree *tree = &s->tree;
    nnsm_status status = NNSM_NEW(&r->own, tree->own, what, error);
    if (!status)
        status = NNSM_NEW(&r->joined, tree->joins, what, error);
    for (size_t width = 1; width < largest_own(tree); width *= 2)
        r->levels++;
    if (!status)
        status = NNSM_NEW(&r->scratch, r->levels, what, error);
    for (size_t l = 0; l < r->levels && !status; l++)
        status = NNSM_NEW(&r->scratch[l], s->count, what, error);
    for (size_t i = 0; i < tree->own && !status; i++) {
        r->own[i] = (part){.low = tree->node[i].low, .high = tree->node[i].high};
        status = NNSM_NEW(&r->own[i].sum, s->count, what, error);
    }
    for (size_t j = 0; j < tree->joins && !status; j++) {
        const nnsm_join *join = &tree->join[j];
        r->joined[j] = (part){.low = join->low, .high = join->high};
        for (int k = 0; k < 2 && !status; k++)
            if (join->side[k].ins)
                status = NNSM_NEW(&r->joined[j].buffer[k], s->cut[join->end] - s->cut[join->first], what, error);
    }
    return status;
}

nnsm_status nnsm_reduction_create(nnsm_reduction **out, const nnsm_slices *slices, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(out, 1, what, error);
    if (!status) {
        (*out)->slices = slices;
        status = allocate(*out, error);
    }
    status = nnsm_agree(slices->comm, status, error);
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
    for (size_t i = 0; r->own && i < r->slices->tree.own; i++)
        nnsm_release(r->own[i].sum);
    for (size_t j = 0; r->joined && j < r->slices->tree.joins; j++)
        for (int k = 0; k < 2; k++)
            nnsm_release(r->joined[j].buffer[k]);
    for (size_t l = 0; r->scratch && l < r->levels; l++)
        nnsm_release(r->scratch[l]);
    nnsm_release(r->own);
    nnsm_release(r->joined);
    nnsm_release(r->scratch);
    nnsm_release(r);
}

static void compute(nnsm_reduction *r, size_t low, size_t high, size_t level, float *vector,
                    nnsm_shard_function *function, void *context)
{
    if (high - low == 1) {
        function(context, low, vector);
        return;
    }
    size_t middle = nnsm_tree_middle(low, high);
    compute(r, low, middle, level + 1, vector, function, context);
    compute(r, middle, high, level + 1, r->scratch[level], function, context);
    nnsm_kernel_add(vector, r->scratch[level], r->slices->count);
}

static float *find_part(const nnsm_reduction *r, size_t low, size_t high)
{
    for (size_t i = 0; i < r->slices->tree.own; i++)
        if (r->own[i].low == low && r->own[i].high == high)
            return r->own[i].sum;
    for (size_t j = 0; j < r->slices->tree.joins; j++)
        if (r->joined[j].low == low && r->joined[j].high == high)
            return r->joined[j].sum;
    return NULL;
}

static void start(nnsm_reduction *r, const nnsm_join *join, const part *joined, int *requests)
{
    const nnsm_slices *s = r->slices;
    for (int k = 0; k < 2; k++)
        receive_pieces(s, join->side[k].in, join->side[k].ins, joined->buffer[k], join->first, tag_of(join, k),
                       requests);
    for (int k = 0; k < 2; k++) {
        const nnsm_side *side = &join->side[k];
        if (side->mine)
            send_pieces(s, side->out, side->outs, find_part(r, side->low, side->high), side->first, tag_of(join, k),
                        requests);
    }
}

/* The slices that stay, of one side: where they are, or beside those that came. */
static float *stay(const nnsm_reduction *r, const nnsm_join *join, int k, float *buffer)
{
    const nnsm_side *side = &join->side[k];
    const int *at = r->slices->cut;
    if (!side->mine)
        return buffer;
    float *sum = find_part(r, side->low, side->high);
    size_t first = side->first > join->first ? side->first : join->first;
    size_t end = side->end < join->end ? side->end : join->end;
    if (!buffer)
        return sum + (at[join->first] - at[side->first]);
    if (first < end)
        memcpy(buffer + (at[first] - at[join->first]), sum + (at[first] - at[side->first]),
               (size_t)(at[end] - at[first]) * sizeof *sum);
    return buffer;
}

/* Left plus right, in either's place: a sum of two does not depend on their order. */
static void finish(nnsm_reduction *r, const nnsm_join *join, part *joined)
{
    const int *at = r->slices->cut;
    float *left = stay(r, join, 0, joined->buffer[0]), *right = stay(r, join, 1, joined->buffer[1]);
    nnsm_kernel_add(left, right, (size_t)(at[join->end] - at[join->first]));
    joined->sum = left;
}

const float *nnsm_reduction_sum(nnsm_reduction *reduction, nnsm_shard_function *function, void *context, double *waited)
{
    nnsm_reduction *r = reduction;
    const nnsm_tree *tree = &r->slices->tree;
    for (size_t i = 0; i < tree->own; i++)
        compute(r, r->own[i].low, r->own[i].high, 0, r->own[i].sum, function, context);
    double since = nnsm_seconds();
    for (size_t j = 0, end; j < tree->joins; j = end) {
        int requests = 0;
        for (end = j; end < tree->joins && tree->join[end].height == tree->join[j].height; end++)
            start(r, &tree->join[end], &r->joined[end], &requests);
        NNSM_MPI(MPI_Waitall(requests, r->slices->request, MPI_STATUSES_IGNORE));
        for (size_t i = j; i < end; i++)
            finish(r, &tree->join[i], &r->joined[i]);
    }
    *waited += nnsm_seconds() - since;
    return tree->joins ? r->joined[tree->joins - 1].sum : r->own[0].sum;
}
