#include "setup/stop.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/timer.h"
#include "setup/agree.h"

static const double first_guess = 5;   /* cost of a checkpoint before one was measured */
static const double end_margin = 5;    /* mpirun takes 1 to 3 s to come down */
static const double file_interval = 1; /* seconds between looks at the stop file: shared file systems are slow */
static const double most_share = 0.02; /* of the run time that checkpoints may take */

/* Votes at one place come twice as seldom where all ranks had them within the first, and as often as can be again where
 * one rank took longer than the second. */
static const double quick_votes = 0.02, slow_votes = 0.1;
enum { MOST_CALLS = 8 };

static volatile sig_atomic_t caught; /* the signal that was seen, 0: none */

static void note(int signal_number)
{
    caught = signal_number;
}

void nnsm_stop_install(void)
{
    static const int signals[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
        if (signals[i] == SIGINT)
            action.sa_flags |= (int)SA_RESETHAND;
        (void)sigemptyset(&action.sa_mask);
        (void)sigaction(signals[i], &action, NULL);
    }
    (void)signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error of write, which we report */
}

/* The job's end on our clock. */
static double find_job_end(void)
{
    const char *text = getenv("SLURM_JOB_END_TIME");
    if (!text || atoll(text) <= 0)
        text = getenv("NNSM_END_TIME");
    if (!text || atoll(text) <= 0)
        return INFINITY;
    return nnsm_seconds() + difftime((time_t)atoll(text), time(NULL));
}

void nnsm_stop_create(nnsm_stop *stop, bool root, double interval, double time_limit, const char *file)
{
    double now = nnsm_seconds();
    *stop = (nnsm_stop){.root = root,
                        .interval = interval,
                        .next = now + interval,
                        .limit = time_limit > 0 ? now + time_limit : INFINITY,
                        .job_end = find_job_end(),
                        .looked = now - file_interval,
                        .polled = now,
                        .last = NNSM_VOTE_START,
                        .voted = NNSM_VOTE_START,
                        .calls = 1,
                        .last_cost = first_guess};
    (void)snprintf(stop->file, sizeof stop->file, "%s", file);
}

static bool file_exists(nnsm_stop *stop, double now)
{
    if (now - stop->looked < file_interval)
        return false;
    stop->looked = now;
    return access(stop->file, F_OK) == 0;
}

/* A step ended `ago` seconds ago, the next one begins now. */
static void end_step(nnsm_stop *stop, nnsm_vote where, double ago)
{
    double now = nnsm_seconds();
    if (now - ago - stop->polled > stop->longest.seconds)
        stop->longest = (nnsm_step){now - ago - stop->polled, (int)stop->last, (int)where};
    stop->polled = now;
    stop->last = where;
}

nnsm_request nnsm_stop_poll(nnsm_stop *stop, nnsm_vote where)
{
    end_step(stop, where, 0);
    double now = stop->polled;
    if (caught)
        return (nnsm_request)(NNSM_STOP_SIGNAL + caught);
    if (!stop->root)
        return NNSM_GO_ON;
    if (file_exists(stop, now))
        return NNSM_STOP_FILE;
    if (now + 3 * (stop->last_cost + stop->longest.seconds) + end_margin > stop->job_end)
        return NNSM_STOP_JOB_END;
    if (now > stop->limit)
        return NNSM_STOP_TIME_LIMIT;
    return now >= stop->next ? NNSM_CHECKPOINT : NNSM_GO_ON;
}

bool nnsm_stop_vote_most(nnsm_stop *stop, nnsm_vote where, MPI_Comm comm, nnsm_request *request, int *most)
{
    bool same = where == stop->voted;
    *request = NNSM_GO_ON;
    if (same && stop->left > 0) {
        stop->left--;
        return false;
    }
    double since = nnsm_seconds() - stop->polled;
    stop->voted = where;
    int all[3] = {(int)nnsm_stop_poll(stop, where), (since > quick_votes) + (since > slow_votes), *most};
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, all, 3, MPI_INT, MPI_MAX, comm));
    if (!same || all[1] == 2)
        stop->calls = 1;
    else if (all[1] == 0 && stop->calls < MOST_CALLS)
        stop->calls *= 2;
    stop->left = stop->calls - 1;
    *request = (nnsm_request)all[0];
    *most = all[2];
    return true;
}

nnsm_request nnsm_stop_vote(nnsm_stop *stop, nnsm_vote where, MPI_Comm comm)
{
    nnsm_request request;
    int none = 0;
    (void)nnsm_stop_vote_most(stop, where, comm, &request, &none);
    return request;
}

void nnsm_stop_saved(nnsm_stop *stop, double seconds, bool saved)
{
    stop->last_cost = seconds;
    stop->cost += seconds;
    stop->voted = NNSM_VOTE_SAVED;
    stop->checkpoints += saved;
    end_step(stop, NNSM_VOTE_SAVED, seconds);
    stop->next = stop->polled + fmax(stop->interval, seconds / most_share);
}

void nnsm_stop_share_longest(nnsm_stop *stop, nnsm_vote where, MPI_Comm comm)
{
    struct {
        double seconds;
        int rank;
    } longest;
    end_step(stop, where, 0);
    longest.seconds = stop->longest.seconds;
    NNSM_MPI(MPI_Comm_rank(comm, &longest.rank));
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &longest, 1, MPI_DOUBLE_INT, MPI_MAXLOC, comm));
    NNSM_MPI(MPI_Bcast(&stop->longest, (int)sizeof stop->longest, MPI_BYTE, longest.rank, comm));
}

const char *nnsm_stop_longest(const nnsm_stop *stop, char *text)
{
    static const char *const names[] = {
        [NNSM_VOTE_START] = "the start",
        [NNSM_VOTE_GENERATE] = "generating",
        [NNSM_VOTE_WINDOW] = "windows",
        [NNSM_VOTE_READ] = "reading the training data",
        [NNSM_VOTE_TRAIN] = "training",
        [NNSM_VOTE_SAMPLES] = "reading the ensemble",
        [NNSM_VOTE_COUPLINGS] = "couplings",
        [NNSM_VOTE_ANCESTRAL] = "ancestral samples",
        [NNSM_VOTE_SCAN] = "the scan",
        [NNSM_VOTE_EVALUATE] = "evaluating the scan",
        [NNSM_VOTE_TRUST] = "common samples",
        [NNSM_VOTE_SUPPORT] = "energies seen in training",
        [NNSM_VOTE_AUDIT] = "the audit of symmetries",
        [NNSM_VOTE_SECOND] = "the second ensemble",
        [NNSM_VOTE_BENCH] = "a round of the benchmark",
        [NNSM_VOTE_SAVED] = "a checkpoint",
        [NNSM_VOTE_RESULTS] = "the results",
        [NNSM_VOTE_END] = "the end",
    };
    (void)snprintf(text, NNSM_STOP_STEP, "from %s to %s", names[stop->longest.from], names[stop->longest.to]);
    return text;
}

const char *nnsm_stop_reason(nnsm_request request, char *text)
{
    static const char *const reasons[] = {"", "", "the time limit", "the coming end of the job", "the stop file"};
    if (request < NNSM_STOP_SIGNAL)
        (void)snprintf(text, NNSM_STOP_REASON, "%s", reasons[request]);
    else
        (void)snprintf(text, NNSM_STOP_REASON, "SIG%s", sigabbrev_np((int)request - NNSM_STOP_SIGNAL));
    return text;
}

void nnsm_stop_obeyed(const nnsm_stop *stop)
{
    (void)unlink(stop->file);
}
