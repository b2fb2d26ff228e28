/* Sums over blocks of samples: on any number of ranks, more than blocks too, the bits of the blocks added in their
 * order, whoever is late; and after a stop in the middle no message is left. */
#include "check_mpi.h"
#include "stage/samples.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_SIZE = 20000, COLUMNS = 2 }; /* 160 kB: no message that is simply there */

typedef struct {
    nnsm_run *run;
    size_t size, blocks;
    bool dawdle, stop;
} work;

static double value(size_t block, size_t i)
{
    return sin((double)(block * 1000 + i)) * exp2((double)(block * 7 % 40));
}

static void add(void *context, size_t block, double *sums)
{
    work *w = context;
    assert_true(block < w->blocks);
    for (size_t i = 0; i < w->size; i++) {
        assert_true(sums[i] == 0);
        sums[i] = value(block, i);
    }
    if (w->dawdle && block % 3 == 0)
        (void)nanosleep(&(struct timespec){.tv_nsec = (long)(block % 5) * 1000000}, NULL);
    if (w->stop) { /* so slow that every call is a vote */
        (void)nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
        w->run->stop.limit = block > 0 ? 0 : w->run->stop.limit;
    }
}

static nnsm_status sum(work *w, double *total, double *table)
{
    nnsm_error error;
    return nnsm_samples_sum(w->run, w->blocks, add, w, w->size, total, COLUMNS, table, &error);
}

static nnsm_run make_run(const nnsm_config *config)
{
    nnsm_run run = {.config = config, .world = MPI_COMM_WORLD};
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &run.rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &run.ranks);
    nnsm_stop_create(&run.stop, run.rank == 0, 1e9, 0, "test_sums.no.such.file");
    return run;
}

static void check(work *w)
{
    double *total = malloc(MOST_SIZE * sizeof *total), table[NNSM_BLOCKS * COLUMNS];
    assert_non_null(total);
    assert_int_equal(sum(w, total, table), NNSM_OK);
    for (size_t i = 0; i < w->size; i++) {
        double expected = 0;
        for (size_t b = 0; b < w->blocks; b++)
            expected += value(b, i);
        assert_true(total[i] == expected);
    }
    for (size_t b = 0; b < w->blocks; b++)
        for (size_t k = 0; k < COLUMNS; k++)
            assert_true(table[b * COLUMNS + k] == value(b, k));
    free(total);
}

static void sums_have_the_bits_of_one_order(void **state)
{
    (void)state;
    static const size_t blocks[] = {1, 2, 5, NNSM_BLOCKS}, sizes[] = {2, 7, MOST_SIZE};
    static const nnsm_config config;
    nnsm_run run = make_run(&config);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check(&(work){&run, sizes[k], blocks[i], k % 2 == 0, false});
}

static void after_a_stop_nothing_is_left(void **state)
{
    (void)state;
    static const nnsm_config config;
    nnsm_run run = make_run(&config);
    double *total = malloc(MOST_SIZE * sizeof *total), table[NNSM_BLOCKS * COLUMNS];
    assert_non_null(total);
    assert_int_equal(sum(&(work){&run, MOST_SIZE, NNSM_BLOCKS, false, true}, total, table), NNSM_UNFINISHED);
    free(total);
    run = make_run(&config);
    check(&(work){&run, MOST_SIZE, NNSM_BLOCKS, false, false});
}

CHECK_MPI_MAIN(cmocka_unit_test(sums_have_the_bits_of_one_order), cmocka_unit_test(after_a_stop_nothing_is_left))
