/* The same table at every rank count: the fixed-tree sum, and one rank's failure reaching all. */
#include "check.h"
#include "stage/reduction.h"

#include <mpi.h>
#include <string.h>

#include "setup/agree.h"

enum { COUNT = 1000 };

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

static void sums_are_the_fixed_tree_at_any_rank_count(void **state)
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
        nnsm_reduction *reduction;
        nnsm_slices slices;
        nnsm_error error;
        float expected[COUNT], all[COUNT] = {0};
        size_t first, end;
        double waited = 0;
        tree(0, shards[k], expected);
        /* slices of the vector in equal parts, and all on the last rank */
        size_t starts[17] = {0};
        starts[workers] = COUNT;
        assert_int_equal(nnsm_slices_create(&slices, comm, shards[k], COUNT, k % 2 ? starts : NULL, &error), NNSM_OK);
        assert_int_equal(nnsm_reduction_create(&reduction, &slices, &error), NNSM_OK);
        for (int repeat = 0; repeat < 3; repeat++) {
            const float *sum = nnsm_reduction_sum(reduction, shard_vector, NULL, &waited);
            nnsm_slices_own(&slices, &first, &end);
            memcpy(all + first, sum, (end - first) * sizeof *sum);
            nnsm_slices_share(&slices, all, &waited);
            assert_memory_equal(all, expected, sizeof expected);
        }
        nnsm_reduction_destroy(reduction);
        nnsm_slices_destroy(&slices);
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_are_the_fixed_tree_at_any_rank_count),
        cmocka_unit_test(one_rank_s_failure_reaches_all),
    };
    (void)MPI_Init(&argc, &argv);
    int failed = cmocka_run_group_tests(tests, NULL, NULL), worst = 0;
    (void)MPI_Allreduce(&failed, &worst, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    (void)MPI_Finalize();
    return worst;
}
