/* Votes whether to stop: the same calls are votes on all ranks, quick ones are thinned out and long ones are not, and
 * what one rank wants reaches all of them at the same call. */
#include "check_mpi.h"
#include "setup/stop.h"

#include <stdbool.h>
#include <time.h>

enum { CALLS = 200, MOST_BETWEEN = 7 };

static int rank_of(void)
{
    int rank;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    return rank;
}

/* One call; was it a vote? All ranks must say the same. */
static bool call(nnsm_stop *stop, nnsm_vote where, nnsm_request *request)
{
    int most = rank_of(), ranks;
    bool vote = nnsm_stop_vote_most(stop, where, MPI_COMM_WORLD, request, &most);
    int all[4] = {vote, -vote, (int)*request, -(int)*request};
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    (void)MPI_Allreduce(MPI_IN_PLACE, all, 4, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
    assert_int_equal(all[0], -all[1]);
    assert_int_equal(all[2], -all[3]);
    assert_int_equal(most, vote ? ranks - 1 : rank_of());
    return vote;
}

static void start(nnsm_stop *stop)
{
    nnsm_stop_create(stop, rank_of() == 0, 1e9, 0, "test_vote.no.such.file");
}

static void quick_calls_are_thinned_out_on_all_ranks_alike(void **state)
{
    (void)state;
    nnsm_stop stop;
    nnsm_request request;
    int between = 0, skipped = 0;
    start(&stop);
    assert_true(call(&stop, NNSM_VOTE_SCAN, &request));
    for (int i = 0; i < CALLS; i++) {
        between = call(&stop, NNSM_VOTE_SCAN, &request) ? 0 : between + 1;
        skipped += between > 0;
        assert_true(between <= MOST_BETWEEN);
        assert_int_equal(request, NNSM_GO_ON);
    }
    assert_true(skipped > 0);
    assert_true(call(&stop, NNSM_VOTE_TRUST, &request)); /* another place */
    assert_true(call(&stop, NNSM_VOTE_SCAN, &request));
    while (call(&stop, NNSM_VOTE_SCAN, &request)) /* a checkpoint between */
        continue;
    nnsm_stop_saved(&stop, 0.001, true);
    assert_true(call(&stop, NNSM_VOTE_SCAN, &request));
}

static void a_slow_rank_brings_all_votes_back(void **state)
{
    (void)state;
    nnsm_stop stop;
    nnsm_request request;
    int ranks, between = 0;
    start(&stop);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    for (int i = 0; i < CALLS; i++)
        (void)call(&stop, NNSM_VOTE_SCAN, &request);
    do {
        if (rank_of() == ranks - 1)
            (void)nanosleep(&(struct timespec){.tv_nsec = 150000000}, NULL);
        assert_true(between++ <= MOST_BETWEEN);
    } while (!call(&stop, NNSM_VOTE_SCAN, &request));
    assert_true(call(&stop, NNSM_VOTE_SCAN, &request));
}

static void a_wish_reaches_all_ranks_at_one_call(void **state)
{
    (void)state;
    nnsm_stop stop;
    nnsm_request request = NNSM_GO_ON;
    int calls = 0;
    start(&stop);
    for (int i = 0; i < CALLS; i++)
        (void)call(&stop, NNSM_VOTE_SCAN, &request);
    if (rank_of() == 0)
        stop.limit = 0;
    while (request == NNSM_GO_ON && calls++ <= MOST_BETWEEN)
        (void)call(&stop, NNSM_VOTE_SCAN, &request);
    assert_int_equal(request, NNSM_STOP_TIME_LIMIT);
}

CHECK_MPI_MAIN(cmocka_unit_test(quick_calls_are_thinned_out_on_all_ranks_alike),
               cmocka_unit_test(a_slow_rank_brings_all_votes_back),
               cmocka_unit_test(a_wish_reaches_all_ranks_at_one_call))
