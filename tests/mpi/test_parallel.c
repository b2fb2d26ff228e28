/* The same table at every rank count: the fixed-tree sum, and one rank's failure reaching all. */
#include "check_mpi.h"
#include "stage/reduction.h"

#include <mpi.h>
#include <string.h>
#include <time.h>

#include "setup/agree.h"

enum { COUNT = 1000, PIECES = 6, PORTION = 37 };

/* Shard vectors whose float sum depends on the order of addition. */
static void shard_vector(void *context, size_t shard, float *vector)
{
    (void)context;
    for (size_t i = 0; i < COUNT; i++)
        vector[i] = sinf((float)(i + 1) * (float)(shard + 1)) * (shard % 3 ? 1.f : 1e4f);
}

/* The tree on paper: left part the largest power of two below the number of shards. */
static void tree(size_t low, size_t high, float *out)
{
    float right[COUNT];
    if (high - low == 1) {
        shard_vector(NULL, low, out);
        return;
    }
    size_t half = 1;
    while (2 * half < high - low)
        half *= 2;
    tree(low, low + half, out);
    tree(low + half, high, right);
    for (size_t i = 0; i < COUNT; i++)
        out[i] += right[i];
}

/* A shard as a backward pass makes it: in portions from the end on, nothing final before it is told of, some ranks
 * slower than others. What has not been told of is no number. */
static void produce(void *context, size_t shard, float *vector, const nnsm_listener *listener)
{
    float whole[COUNT];
    int rank;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    shard_vector(context, shard, whole);
    for (size_t i = 0; i < COUNT; i++)
        vector[i] = NAN;
    for (size_t end = COUNT, portion = 0, first; end > 0; end = first, portion++) {
        const struct timespec pause = {0, (long)((portion * 5 + shard * 3 + (size_t)rank * 7) % 11) * 20000};
        first = end > PORTION ? end - PORTION : 0;
        memcpy(vector + first, whole + first, (end - first) * sizeof *whole);
        if (!listener)
            continue;
        listener->tell(listener->context, first, end);
        (void)nanosleep(&pause, NULL);
    }
}

typedef struct {
    const nnsm_slices *slices; /* [pieces] */
    size_t used[PIECES];
    float all[COUNT];
} sums;

static void keep(void *context, size_t piece, const float *sum)
{
    sums *s = context;
    size_t first, end;
    nnsm_slices_own(&s->slices[piece], &first, &end);
    memcpy(s->all + first, sum, (end - first) * sizeof *sum);
    s->used[piece]++;
}

/* The vector in `pieces` pieces, each cut into equal slices or, when `lopsided`, all on the last rank. */
static void check_sum(MPI_Comm comm, size_t shards, size_t pieces, bool lopsided)
{
    nnsm_reduction *reduction;
    nnsm_slices slices[PIECES];
    nnsm_error error;
    float expected[COUNT];
    int workers;
    (void)MPI_Comm_size(comm, &workers);
    tree(0, shards, expected);
    for (size_t k = 0; k < pieces; k++) {
        size_t first = COUNT * k * k / (pieces * pieces), end = COUNT * (k + 1) * (k + 1) / (pieces * pieces);
        size_t starts[17] = {0};
        starts[workers] = end - first;
        assert_int_equal(nnsm_slices_create(&slices[k], comm, shards, (nnsm_span){k, first, end - first},
                                            lopsided ? starts : NULL, &error),
                         NNSM_OK);
    }
    assert_int_equal(nnsm_reduction_create(&reduction, pieces, slices, slices, &error), NNSM_OK);
    for (int repeat = 0; repeat < 3; repeat++) {
        sums s = {.slices = slices};
        nnsm_reduction_run(reduction, &(nnsm_producer){NULL, produce}, &(nnsm_consumer){&s, keep, s.all});
        assert_memory_equal(s.all, expected, sizeof expected);
        for (size_t k = 0; k < pieces; k++)
            assert_int_equal(s.used[k], 1);
    }
    nnsm_reduction_destroy(reduction);
    for (size_t k = 0; k < pieces; k++)
        nnsm_slices_destroy(&slices[k]);
}

static void sums_are_the_fixed_tree_at_any_rank_count_in_any_pieces(void **state)
{
    (void)state;
    static const size_t shards[] = {1, 2, 5, 7, 8, 13, 16};
    int rank, ranks;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (size_t k = 0; k < 7; k++) {
        int workers = ranks < (int)shards[k] ? ranks : (int)shards[k];
        MPI_Comm comm;
        (void)MPI_Comm_split(MPI_COMM_WORLD, rank < workers ? 0 : MPI_UNDEFINED, rank, &comm);
        if (comm == MPI_COMM_NULL)
            continue;
        for (size_t pieces = 1; pieces <= PIECES; pieces += PIECES - 1)
            for (int lopsided = 0; lopsided < 2; lopsided++)
                check_sum(comm, shards[k], pieces, lopsided);
        (void)MPI_Comm_free(&comm);
    }
}

static void one_rank_s_failure_reaches_all(void **state)
{
    (void)state;
    int rank, ranks;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int culprit = 0; culprit < ranks; culprit++) {
        nnsm_error error = {0};
        char expected[64];
        (void)snprintf(expected, sizeof expected, "rank %d cannot", culprit);
        nnsm_status mine = rank == culprit ? nnsm_fail(&error, NNSM_DATA, "rank %d cannot", rank) : NNSM_OK;
        assert_int_equal(nnsm_agree(MPI_COMM_WORLD, mine, &error), NNSM_DATA);
        assert_string_equal(error.message, expected);
    }
    nnsm_error error;
    assert_int_equal(nnsm_agree(MPI_COMM_WORLD, NNSM_OK, &error), NNSM_OK);
}

CHECK_MPI_MAIN(cmocka_unit_test(sums_are_the_fixed_tree_at_any_rank_count_in_any_pieces),
               cmocka_unit_test(one_rank_s_failure_reaches_all))
