/* stop.h: why and when a run writes a checkpoint or stops cleanly.
 *
 * A rank wants to stop when it got SIGUSR1, SIGTERM, SIGINT or SIGHUP; rank 0 also when the stop file exists, the time
 * limit is reached, or the job's end (SLURM_JOB_END_TIME, else NNSM_END_TIME, seconds since the epoch) comes nearer
 * than the measured time of a checkpoint and of the longest step ask for; and it wants a checkpoint when the interval
 * is over. Only some ranks may see a signal, so between two steps the ranks vote, and all take the same decision. Under
 * mpirun a SIGTERM is followed by SIGKILL within two seconds: there the last checkpoint is what survives. */
#ifndef NNSM_SETUP_STOP_H
#define NNSM_SETUP_STOP_H

#include <mpi.h>
#include <stdbool.h>

#include "nnsm/error.h"

/* In rising order of importance: the vote takes the largest. */
typedef enum {
    NNSM_GO_ON,
    NNSM_CHECKPOINT,
    NNSM_STOP_TIME_LIMIT,
    NNSM_STOP_JOB_END,
    NNSM_STOP_FILE,
    NNSM_STOP_SIGNAL, /* + the signal's number */
} nnsm_request;

/* Where a vote stands. The time between two of them is a step, in which nobody listens. */
typedef enum {
    NNSM_VOTE_START, /* of the run; no vote */
    NNSM_VOTE_GENERATE,
    NNSM_VOTE_WINDOW, /* laying or undoing windows */
    NNSM_VOTE_READ,   /* the ensemble, to train on it */
    NNSM_VOTE_TRAIN,
    NNSM_VOTE_SAMPLES, /* reading the ensemble, to compare with it */
    NNSM_VOTE_COUPLINGS,
    NNSM_VOTE_ANCESTRAL,
    NNSM_VOTE_SCAN,
    NNSM_VOTE_EVALUATE, /* the scan */
    NNSM_VOTE_TRUST,
    NNSM_VOTE_SUPPORT, /* energies seen in training */
    NNSM_VOTE_AUDIT,
    NNSM_VOTE_SECOND,
    NNSM_VOTE_BENCH,
    NNSM_VOTE_SAVED,   /* a checkpoint; no vote */
    NNSM_VOTE_RESULTS, /* no vote */
    NNSM_VOTE_END,     /* of the run; no vote */
} nnsm_vote;

typedef struct {
    double seconds;
    int from, to; /* nnsm_vote */
} nnsm_step;

enum { NNSM_STOP_PATH = 2048 };

typedef struct {
    bool root;       /* this rank looks at clocks and files */
    double interval; /* seconds between checkpoints */
    double next;     /* when the next one is due, nnsm_seconds() */
    double limit;    /* when the time limit is reached; INFINITY: never */
    double job_end;  /* when the job ends; INFINITY: not known */
    double looked;   /* when the stop file was last looked for */
    double polled;   /* when this rank last asked */
    nnsm_vote last;  /* and where */
    /* Of nnsm_stop_vote, the same on all ranks: calls for one vote and left before the next, and where the last one
     * was. */
    int calls, left;
    nnsm_vote voted;
    nnsm_step longest;
    double last_cost, cost;
    int checkpoints;
    char file[NNSM_STOP_PATH];
} nnsm_stop;

/* Install the signal handlers; once in a program. A second SIGINT ends the program at once. Local. */
void nnsm_stop_install(void);

/* time_limit in seconds from now, 0: none. file: the stop file. Local. */
void nnsm_stop_create(nnsm_stop *stop, bool root, double interval, double time_limit, const char *file);

/* What this rank wants now. Local. */
nnsm_request nnsm_stop_poll(nnsm_stop *stop, nnsm_vote where);

/* What all ranks of comm do: the most important of their wishes. Of calls that follow each other quickly at one place
 * only every second, fourth or eighth is a vote; the others return NNSM_GO_ON and wait for nobody, so all ranks must
 * make the same calls. Where steps become long all at once, as many as seven may pass before that is noticed.
 * Collective. */
nnsm_request nnsm_stop_vote(nnsm_stop *stop, nnsm_vote where, MPI_Comm comm);

/* The same; whether it was a vote. *request: out. *most: in, a number of this rank, at least 0; out, after a vote, the
 * largest of all ranks. */
bool nnsm_stop_vote_most(nnsm_stop *stop, nnsm_vote where, MPI_Comm comm, nnsm_request *request, int *most);

/* The step under way ends here, and the longest one of all ranks becomes that of each. Collective. */
void nnsm_stop_share_longest(nnsm_stop *stop, nnsm_vote where, MPI_Comm comm);

/* Which one that is, for a message: "from X to Y". text: out, [NNSM_STOP_STEP]. Local. */
enum { NNSM_STOP_STEP = 96 };
const char *nnsm_stop_longest(const nnsm_stop *stop, char *text);

/* A checkpoint took `seconds`: the next one is due an interval later, and never sooner than 50 times its cost. saved:
 * its file is there; else only the time counts. Local. */
void nnsm_stop_saved(nnsm_stop *stop, double seconds, bool saved);

/* Why, for a message: "SIGUSR1", "the stop file", ... text: out, [NNSM_STOP_REASON]. Local. */
enum { NNSM_STOP_REASON = 64 };
const char *nnsm_stop_reason(nnsm_request request, char *text);

/* Remove a stop file that was obeyed. Local; root only. */
void nnsm_stop_obeyed(const nnsm_stop *stop);

#endif
