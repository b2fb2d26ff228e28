/* relay.h: the way of one piece of a vector through a step of training: the sums of own nodes up the tree (tree.h),
 * a step of every rank on its slice of the whole sum, the results down again.
 *
 * Nothing here waits: a relay goes as far as messages have arrived, so that several are under way at once, beside
 * computation. Local, but for what the messages are: all ranks start the same relays. */
#ifndef NNSM_STAGE_RELAY_H
#define NNSM_STAGE_RELAY_H

#include "stage/slices.h"

/* What a rank makes of its slice of a piece's sum, and the vector whose slices go to all ranks then; NULL: none do. */
typedef struct {
    void *context;
    void (*use)(void *context, size_t piece, const float *sum);
    float *result;
} nnsm_consumer;

/* What this rank has of a node's sum: slices of it. */
typedef struct {
    size_t low, high;
    float *sum;
    float *buffer[2]; /* of a join: slices of its left and right part that come from others, NULL where none do */
} nnsm_part;

typedef enum { NNSM_RELAY_OVER, NNSM_RELAY_UP, NNSM_RELAY_DOWN } nnsm_relay_state;

typedef struct {
    const nnsm_slices *sums, *results; /* borrowed */
    nnsm_part *own;                    /* [tree.own] the piece of whole vectors */
    nnsm_part *joined;                 /* [tree.joins] */
    nnsm_relay_state state;
    size_t first, end; /* joins under way, all of one height; down: those from `first` on are done, of another tree */
    nnsm_messages messages;
    const nnsm_consumer *consumer;
} nnsm_relay;

/* own: in, [tree.own] vectors that will hold the sums of own nodes; request: [sums->messages]. Both are
 * borrowed, as are the cuts of sums and of results. NNSM_FAILURE without memory; may be destroyed then, too. */
nnsm_status nnsm_relay_create(nnsm_relay *relay, const nnsm_slices *sums, const nnsm_slices *results, float *const *own,
                              MPI_Request *request, nnsm_error *error);
void nnsm_relay_destroy(nnsm_relay *relay);

/* The sums of own nodes are there, and free to be overwritten. The consumer is borrowed until the relay is over. */
void nnsm_relay_start(nnsm_relay *relay, const nnsm_consumer *consumer);

/* Go as far as possible without waiting. A relay that is not over has requests then. */
void nnsm_relay_advance(nnsm_relay *relay);

#endif
