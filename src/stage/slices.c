#include "stage/slices.h"

#include "base/memory.h"
#include "setup/agree.h"

enum { SLICE_GRAIN = 16 }; /* slices begin on cache lines */

static const char *const what = "gradient reduction";

static void cut(nnsm_slices *s, const size_t *starts)
{
    size_t ranks = (size_t)s->tree.ranks, count = s->span.count, grains = (count + SLICE_GRAIN - 1) / SLICE_GRAIN;
    for (size_t k = 0; k <= ranks; k++) {
        size_t at = starts ? starts[k] : grains * k / ranks * SLICE_GRAIN;
        s->cut[k] = (int)(at < count ? at : count);
    }
}

nnsm_status nnsm_slices_create(nnsm_slices *slices, MPI_Comm comm, size_t shards, nnsm_span span, const size_t *starts,
                               nnsm_error *error)
{
    int rank, ranks;
    NNSM_MPI(MPI_Comm_rank(comm, &rank));
    NNSM_MPI(MPI_Comm_size(comm, &ranks));
    *slices = (nnsm_slices){.comm = comm, .span = span};
    nnsm_status status = nnsm_tree_create(&slices->tree, shards, rank, ranks, error);
    if (!status)
        status = nnsm_tree_create(&slices->down, (size_t)ranks, rank, ranks, error);
    size_t up = nnsm_tree_messages(&slices->tree), down = nnsm_tree_messages(&slices->down);
    slices->messages = up > down ? up : down;
    if (!status)
        status = NNSM_NEW(&slices->cut, ranks + 1, what, error);
    if (!status)
        status = NNSM_NEW(&slices->request, slices->messages, what, error);
    if (!status)
        cut(slices, starts);
    return nnsm_agree(comm, status, error);
}

void nnsm_slices_destroy(nnsm_slices *slices)
{
    nnsm_tree_destroy(&slices->tree);
    nnsm_tree_destroy(&slices->down);
    nnsm_release(slices->cut);
    nnsm_release(slices->request);
    *slices = (nnsm_slices){.comm = MPI_COMM_NULL};
}

void nnsm_slices_own(const nnsm_slices *slices, size_t *first, size_t *end)
{
    int slice = slices->tree.slice[slices->tree.rank];
    *first = slices->span.first + (size_t)slices->cut[slice];
    *end = slices->span.first + (size_t)slices->cut[slice + 1];
}

/* ---- messages: pieces of a side of a join; vector: where slice `base` begins */

/* Of two trees: a tag may go up and down between the same two ranks, but up first at both ends, and MPI keeps the
 * order. */
static int tag_of(const nnsm_slices *s, const nnsm_join *join, int side)
{
    return 2 * (int)(s->span.number * s->tree.shards + join->middle) + side;
}

static int floats(const nnsm_slices *s, const nnsm_piece *piece)
{
    return s->cut[piece->end] - s->cut[piece->first];
}

static void send_pieces(const nnsm_slices *s, const nnsm_piece *piece, size_t count, const float *vector, size_t base,
                        int tag, nnsm_messages *m)
{
    for (size_t i = 0; i < count; i++)
        if (floats(s, &piece[i]))
            NNSM_MPI_PROMPT(MPI_Isend(vector + (s->cut[piece[i].first] - s->cut[base]), floats(s, &piece[i]), MPI_FLOAT,
                                      piece[i].rank, tag, s->comm, &m->request[m->count++]));
}

static void receive_pieces(const nnsm_slices *s, const nnsm_piece *piece, size_t count, float *vector, size_t base,
                           int tag, nnsm_messages *m)
{
    for (size_t i = 0; i < count; i++)
        if (floats(s, &piece[i]))
            NNSM_MPI_PROMPT(MPI_Irecv(vector + (s->cut[piece[i].first] - s->cut[base]), floats(s, &piece[i]), MPI_FLOAT,
                                      piece[i].rank, tag, s->comm, &m->request[m->count++]));
}

void nnsm_slices_send_up(const nnsm_slices *slices, const nnsm_join *join, float *const *sum, float *const *buffer,
                         nnsm_messages *messages)
{
    const nnsm_slices *s = slices;
    for (int k = 0; k < 2; k++)
        receive_pieces(s, join->side[k].in, join->side[k].ins, buffer[k], join->first, tag_of(s, join, k), messages);
    for (int k = 0; k < 2; k++)
        if (join->side[k].mine)
            send_pieces(s, join->side[k].out, join->side[k].outs, sum[k], join->side[k].first, tag_of(s, join, k),
                        messages);
}

void nnsm_slices_send_down(const nnsm_slices *slices, const nnsm_join *join, float *piece, nnsm_messages *messages)
{
    const nnsm_slices *s = slices;
    for (int k = 0; k < 2; k++)
        receive_pieces(s, join->side[k].out, join->side[k].outs, piece, 0, tag_of(s, join, k), messages);
    for (int k = 0; k < 2; k++)
        send_pieces(s, join->side[k].in, join->side[k].ins, piece, 0, tag_of(s, join, k), messages);
}

/* ---- all at once */

void nnsm_slices_share(const nnsm_slices *slices, float *vector)
{
    const nnsm_slices *s = slices;
    float *piece = vector + s->span.first;
    for (size_t j = s->down.joins; j-- > 0;) {
        nnsm_messages messages = {.request = s->request};
        nnsm_slices_send_down(s, &s->down.join[j], piece, &messages);
        NNSM_MPI(MPI_Waitall(messages.count, messages.request, MPI_STATUSES_IGNORE));
    }
}
