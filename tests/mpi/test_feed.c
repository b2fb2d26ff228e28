/* A trainer never waits for a chunk: while the generator works, and gives its messages no attention, the trainer looks
 * at what there is and comes back; and nothing is lost. On one rank there are no messages. */
#include "check_mpi.h"
#include "stage/feed.h"

#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/timer.h"

enum { SITES = 256, CHUNKS = 7, ROWS = CHUNKS * NNSM_CHUNK - 10 }; /* 16 kB a chunk: no message that is simply there */

static int8_t spin(size_t row, size_t site)
{
    return (row * 31 + site * 7) % 5 < 2 ? -1 : 1;
}

/* Rank 1, outside of MPI: has rank 0 come back? It would never, if it waited for us. */
static bool came_back(const char *sign)
{
    double since = nnsm_seconds();
    while (access(sign, F_OK) != 0 && nnsm_seconds() - since < 20)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return access(sign, F_OK) == 0;
}

static void send_while_working(const char *sign, MPI_Comm link)
{
    static int8_t rows[CHUNKS * NNSM_CHUNK][SITES];
    MPI_Request request[CHUNKS];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < SITES; i++)
            rows[r][i] = spin(r, i);
    for (int k = 0; k < CHUNKS; k++) {
        int count = k < CHUNKS - 1 ? NNSM_CHUNK : ROWS - k * NNSM_CHUNK;
        (void)MPI_Issend(rows[k * NNSM_CHUNK], count * SITES, MPI_SIGNED_CHAR, 0, k, link, &request[k]);
    }
    bool back = came_back(sign);
    (void)MPI_Waitall(CHUNKS, request, MPI_STATUSES_IGNORE);
    assert_true(back);
}

static void receive_and_look_around(const char *sign, MPI_Comm link)
{
    nnsm_error error;
    nnsm_pool pool;
    nnsm_run run = {.lattice.sites = SITES};
    nnsm_partition partition = nnsm_partition_make(ROWS, 0.2, 50, 3);
    assert_int_equal(nnsm_pool_create(&pool, &partition, SITES, 0, 1, "", &error), NNSM_OK);
    nnsm_feed feed = {.run = &run,
                      .pool = &pool,
                      .layout = {.tiles = 1, .first = 1, .ranks = 1},
                      .link = link,
                      .trainers = 1,
                      .limit = ROWS,
                      .buffer = malloc(NNSM_RECEIVES * NNSM_CHUNK * SITES)};
    assert_non_null(feed.buffer);
    while (!feed.begun)
        nnsm_feed_poll(&feed, ROWS, ROWS);
    for (int i = 0; i < 1000; i++)
        nnsm_feed_poll(&feed, ROWS, ROWS);
    FILE *file = fopen(sign, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    while (!nnsm_feed_has(&feed, ROWS))
        nnsm_feed_poll(&feed, ROWS, ROWS);
    for (size_t r = 0; r < ROWS; r++) {
        size_t piece, row;
        nnsm_partition_locate(&partition, r, &piece, &row);
        for (size_t i = 0; i < SITES; i++)
            assert_int_equal(pool.piece[piece][row * SITES + i], spin(r, i));
    }
    assert_int_equal(unlink(sign), 0);
    free(feed.buffer);
    nnsm_pool_destroy(&pool);
}

static void a_trainer_comes_back_while_the_generator_works(void **state)
{
    (void)state;
    int rank, ranks, number = (int)getpid();
    char sign[64];
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    (void)MPI_Bcast(&number, 1, MPI_INT, 0, MPI_COMM_WORLD);
    (void)snprintf(sign, sizeof sign, "test_feed.%d.sign", number);
    if (rank == 0 && ranks > 1)
        receive_and_look_around(sign, MPI_COMM_WORLD);
    if (rank == 1)
        send_while_working(sign, MPI_COMM_WORLD);
}

CHECK_MPI_MAIN(cmocka_unit_test(a_trainer_comes_back_while_the_generator_works))
