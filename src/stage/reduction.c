#include "stage/reduction.h"

#include <string.h>

#include "base/memory.h"
#include "base/timer.h"
#include "base/vector.h"
#include "ensemble/partition.h"
#include "setup/agree.h"

enum { SLICE_GRAIN = 16 }; /* slices begin on cache lines */

/* ---- slices */

nnsm_status nnsm_slices_create(nnsm_slices *slices, MPI_Comm comm, size_t count, const size_t *starts,
                               nnsm_error *error)
{
    int ranks;
    size_t grains = (count + SLICE_GRAIN - 1) / SLICE_GRAIN;
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    *slices = (nnsm_slices){.comm = comm, .count = count};
    nnsm_status status = NNSM_NEW(&slices->counts, ranks, "gradient reduction", error);
    if (!status)
        status = NNSM_NEW(&slices->starts, ranks, "gradient reduction", error);
    for (int q = 0; q < ranks && !status; q++) {
        size_t first = starts ? starts[q] : grains * (size_t)q / (size_t)ranks * SLICE_GRAIN;
        size_t end = starts ? starts[q + 1] : grains * ((size_t)q + 1) / (size_t)ranks * SLICE_GRAIN;
        end = end < count ? end : count;
        slices->starts[q] = (int)first;
        slices->counts[q] = (int)(end - first);
    }
    return nnsm_agree(comm, status, error);
}

void nnsm_slices_destroy(nnsm_slices *slices)
{
    nnsm_release(slices->counts);
    nnsm_release(slices->starts);
    *slices = (nnsm_slices){.comm = MPI_COMM_NULL};
}

void nnsm_slices_own(const nnsm_slices *slices, size_t *first, size_t *end)
{
    int rank;
    NNSM_MPI(MPI_Comm_rank(slices->comm, &rank));
    *first = (size_t)slices->starts[rank];
    *end = *first + (size_t)slices->counts[rank];
}

void nnsm_slices_share(const nnsm_slices *slices, float *vector, double *waited)
{
    double since = nnsm_seconds();
    NNSM_MPI(MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, vector, slices->counts, slices->starts, MPI_FLOAT,
                            slices->comm));
    *waited += nnsm_seconds() - since;
}

/* ---- the tree */

/* A node of the tree: the shards [low, high). */
typedef struct {
    size_t low, high;
    int owner;    /* rank whose shards contain it, while its parent's are not all that rank's */
    float *slice; /* my slice of its sum; where the owner is me: into the whole vector */
    float *whole; /* own nodes: [count] */
} node;

struct nnsm_reduction {
    MPI_Comm comm;
    int rank, ranks;
    size_t shards, count, nodes, levels;
    node *node;      /* [nodes] all maximal nodes of all ranks, in shard order */
    float **scratch; /* [levels][count] right branches of own nodes */
    float *received; /* [nodes][slice] */
    MPI_Request *request;
    const int *counts, *starts; /* [ranks] slices */
};

static size_t middle_of(size_t low, size_t high)
{
    size_t half = 1;
    while (2 * half < high - low)
        half *= 2;
    return low + half;
}

static int owner_of(const nnsm_reduction *r, size_t shard)
{
    nnsm_partition partition = {.shards = r->shards};
    return nnsm_partition_owner(&partition, shard, r->ranks);
}

/* List the maximal nodes that lie within one rank's shards. */
static void list_nodes(nnsm_reduction *r, size_t low, size_t high)
{
    int first = owner_of(r, low), last = owner_of(r, high - 1);
    if (first == last) {
        r->node[r->nodes++] = (node){.low = low, .high = high, .owner = first};
        return;
    }
    size_t middle = middle_of(low, high);
    list_nodes(r, low, middle);
    list_nodes(r, middle, high);
}

static nnsm_status allocate(nnsm_reduction *r, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(&r->node, r->shards, "gradient reduction", error);
    if (status)
        return status;
    list_nodes(r, 0, r->shards);
    for (size_t width = 1; width < r->shards; width *= 2)
        r->levels++;
    size_t slice = (size_t)r->counts[r->rank];
    status = NNSM_NEW(&r->received, r->nodes * slice, "gradient reduction", error);
    if (!status)
        status = NNSM_NEW(&r->request, r->nodes * (size_t)(r->ranks + 1), "gradient reduction", error);
    if (!status)
        status = NNSM_NEW(&r->scratch, r->levels, "gradient reduction", error);
    for (size_t l = 0; l < r->levels && !status; l++)
        status = NNSM_NEW(&r->scratch[l], r->count, "gradient reduction", error);
    for (size_t i = 0; i < r->nodes && !status; i++) {
        r->node[i].slice = r->received + i * slice;
        if (r->node[i].owner == r->rank) {
            status = NNSM_NEW(&r->node[i].whole, r->count, "gradient reduction", error);
            r->node[i].slice = r->node[i].whole + r->starts[r->rank];
        }
    }
    return status;
}

nnsm_status nnsm_reduction_create(nnsm_reduction **out, const nnsm_slices *slices, size_t shards, nnsm_error *error)
{
    MPI_Comm comm = slices->comm;
    nnsm_status status = NNSM_NEW(out, 1, "gradient reduction", error);
    if (!status) {
        nnsm_reduction *r = *out;
        r->comm = comm;
        r->shards = shards;
        r->count = slices->count;
        r->counts = slices->counts;
        r->starts = slices->starts;
        NNSM_MPI(MPI_Comm_rank(comm, &r->rank));
        NNSM_MPI(MPI_Comm_size(comm, &r->ranks));
        status = allocate(r, error);
    }
    status = nnsm_agree(comm, status, error);
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
    for (size_t i = 0; r->node && i < r->nodes; i++)
        nnsm_release(r->node[i].whole);
    for (size_t l = 0; r->scratch && l < r->levels; l++)
        nnsm_release(r->scratch[l]);
    nnsm_release(r->node);
    nnsm_release(r->scratch);
    nnsm_release(r->received);
    nnsm_release(r->request);
    nnsm_release(r);
}

NNSM_MULTIVERSION
static void add_into(float *restrict sum, const float *restrict term, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] += term[i];
}

static void compute(nnsm_reduction *r, size_t low, size_t high, size_t level, float *vector,
                    nnsm_shard_function *function, void *context)
{
    if (high - low == 1) {
        function(context, low, vector);
        return;
    }
    size_t middle = middle_of(low, high);
    compute(r, low, middle, level + 1, vector, function, context);
    compute(r, middle, high, level + 1, r->scratch[level], function, context);
    add_into(vector, r->scratch[level], r->count);
}

/* The tree above the listed nodes, on my slice; sums are left in the leftmost node's memory. */
static float *combine(nnsm_reduction *r, size_t low, size_t high)
{
    for (size_t i = 0; i < r->nodes; i++)
        if (r->node[i].low == low && r->node[i].high == high)
            return r->node[i].slice;
    size_t middle = middle_of(low, high);
    float *left = combine(r, low, middle);
    add_into(left, combine(r, middle, high), (size_t)r->counts[r->rank]);
    return left;
}

const float *nnsm_reduction_sum(nnsm_reduction *reduction, nnsm_shard_function *function, void *context, double *waited)
{
    nnsm_reduction *r = reduction;
    int requests = 0;
    for (size_t i = 0; i < r->nodes; i++)
        if (r->node[i].owner != r->rank)
            NNSM_MPI(MPI_Irecv(r->node[i].slice, r->counts[r->rank], MPI_FLOAT, r->node[i].owner, (int)i, r->comm,
                               &r->request[requests++]));
    for (size_t i = 0; i < r->nodes; i++) {
        if (r->node[i].owner != r->rank)
            continue;
        compute(r, r->node[i].low, r->node[i].high, 0, r->node[i].whole, function, context);
        for (int q = 0; q < r->ranks; q++)
            if (q != r->rank)
                NNSM_MPI(MPI_Isend(r->node[i].whole + r->starts[q], r->counts[q], MPI_FLOAT, q, (int)i, r->comm,
                                   &r->request[requests++]));
    }
    double since = nnsm_seconds();
    NNSM_MPI(MPI_Waitall(requests, r->request, MPI_STATUSES_IGNORE));
    *waited += nnsm_seconds() - since;
    return combine(r, 0, r->shards);
}
