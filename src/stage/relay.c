#include "stage/relay.h"

#include <string.h>

#include "base/memory.h"
#include "made/kernels.h"
#include "setup/agree.h"

static const char *const what = "gradient reduction";

nnsm_status nnsm_relay_create(nnsm_relay *relay, const nnsm_slices *sums, const nnsm_slices *results, float *const *own,
                              MPI_Request *request, nnsm_error *error)
{
    nnsm_relay *e = relay;
    const nnsm_tree *tree = &sums->tree;
    *e = (nnsm_relay){.sums = sums, .results = results, .messages.request = request};
    for (size_t i = 0; i < sums->messages; i++)
        request[i] = MPI_REQUEST_NULL;
    nnsm_status status = NNSM_NEW(&e->own, tree->own, what, error);
    if (!status)
        status = NNSM_NEW(&e->joined, tree->joins, what, error);
    for (size_t i = 0; i < tree->own && !status; i++)
        e->own[i] = (nnsm_part){tree->node[i].low, tree->node[i].high, own[i] + sums->span.first, {NULL, NULL}};
    for (size_t j = 0; j < tree->joins && !status; j++) {
        const nnsm_join *join = &tree->join[j];
        e->joined[j] = (nnsm_part){.low = join->low, .high = join->high};
        for (int k = 0; k < 2 && !status; k++)
            if (join->side[k].ins)
                status = NNSM_NEW(&e->joined[j].buffer[k], sums->cut[join->end] - sums->cut[join->first], what, error);
    }
    return status;
}

void nnsm_relay_destroy(nnsm_relay *relay)
{
    nnsm_relay *e = relay;
    for (size_t j = 0; e->joined && j < e->sums->tree.joins; j++)
        for (int k = 0; k < 2; k++)
            nnsm_release(e->joined[j].buffer[k]);
    nnsm_release(e->own);
    nnsm_release(e->joined);
    *e = (nnsm_relay){0};
}

/* ---- up */

static float *find_sum(const nnsm_relay *e, const nnsm_side *side)
{
    for (size_t i = 0; i < e->sums->tree.own; i++)
        if (e->own[i].low == side->low && e->own[i].high == side->high)
            return e->own[i].sum;
    for (size_t j = 0; j < e->sums->tree.joins; j++)
        if (e->joined[j].low == side->low && e->joined[j].high == side->high)
            return e->joined[j].sum;
    return NULL;
}

/* Start the joins of the next height. */
static void climb(nnsm_relay *e)
{
    const nnsm_tree *tree = &e->sums->tree;
    e->messages.count = 0;
    for (e->first = e->end; e->end < tree->joins && tree->join[e->end].height == tree->join[e->first].height;
         e->end++) {
        const nnsm_join *join = &tree->join[e->end];
        float *const sum[2] = {find_sum(e, &join->side[0]), find_sum(e, &join->side[1])};
        nnsm_slices_send_up(e->sums, join, sum, e->joined[e->end].buffer, &e->messages);
    }
}

/* The slices that stay, of one side: where they are, or beside those that came. */
static float *stay(const nnsm_relay *e, const nnsm_join *join, int k, float *buffer)
{
    const nnsm_side *side = &join->side[k];
    const int *at = e->sums->cut;
    if (!side->mine)
        return buffer;
    float *sum = find_sum(e, side);
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
static void add(nnsm_relay *e, const nnsm_join *join, nnsm_part *joined)
{
    const int *at = e->sums->cut;
    float *left = stay(e, join, 0, joined->buffer[0]), *right = stay(e, join, 1, joined->buffer[1]);
    nnsm_kernel_add(left, right, (size_t)(at[join->end] - at[join->first]));
    joined->sum = left;
}

/* ---- and down */

static void turn_round(nnsm_relay *e)
{
    const nnsm_tree *tree = &e->sums->tree;
    e->consumer->use(e->consumer->context, e->sums->span.number,
                     tree->joins ? e->joined[tree->joins - 1].sum : e->own[0].sum);
    e->first = e->results->down.joins;
    e->state = e->consumer->result ? NNSM_RELAY_DOWN : NNSM_RELAY_OVER;
}

static void descend(nnsm_relay *e)
{
    e->messages.count = 0;
    if (e->first == 0)
        e->state = NNSM_RELAY_OVER;
    else
        nnsm_slices_send_down(e->results, &e->results->down.join[--e->first],
                              e->consumer->result + e->results->span.first, &e->messages);
}

/* ---- step by step */

void nnsm_relay_start(nnsm_relay *relay, const nnsm_consumer *consumer)
{
    nnsm_relay *e = relay;
    e->consumer = consumer;
    e->state = NNSM_RELAY_UP;
    e->end = 0;
    climb(e);
    nnsm_relay_advance(e);
}

static bool arrived(nnsm_relay *e)
{
    int all = 1;
    NNSM_MPI_PROMPT(MPI_Testall(e->messages.count, e->messages.request, &all, MPI_STATUSES_IGNORE));
    return all;
}

void nnsm_relay_advance(nnsm_relay *relay)
{
    nnsm_relay *e = relay;
    while (e->state != NNSM_RELAY_OVER && arrived(e)) {
        if (e->state == NNSM_RELAY_UP) {
            for (size_t j = e->first; j < e->end; j++)
                add(e, &e->sums->tree.join[j], &e->joined[j]);
            climb(e);
            if (e->first == e->sums->tree.joins)
                turn_round(e);
        }
        if (e->state == NNSM_RELAY_DOWN)
            descend(e);
    }
}
