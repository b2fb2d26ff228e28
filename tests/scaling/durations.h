/* durations.h: in a simulation, computation is replaced by the time that it takes, and nothing else is.
 *
 * The linker directs the calls below (--wrap) from the program's own stages to durations.c, where the rank sleeps for
 * what `nnsm bench` measured. All simulated ranks live in one process: large vectors, which nobody reads here, are one
 * and the same memory. */
#ifndef NNSM_SCALING_DURATIONS_H
#define NNSM_SCALING_DURATIONS_H

#include <stddef.h>

#include "nnsm/error.h"

enum { NNSM_TOLD = 24 };

/* Seconds. */
typedef struct {
    double gradient; /* of a shard of a batch */
    double add;      /* a float of a vector, for the sums of the tree and all else that training does */
    double sweep;    /* of a tile of chains, or a self-learning proposal, with its measurement */
    /* the gradient by layers: floats first ... end - 1 are final so long after those before them */
    struct {
        size_t first, end;
        double seconds;
    } told[NNSM_TOLD];
    size_t layers;
} nnsm_durations;

/* Read lines "name seconds", "layer first end seconds" in the order of the backward pass, and "# comment"; NNSM_DATA
 * where one is missing. From then on computation takes that long. */
nnsm_status nnsm_durations_read(const char *path, nnsm_error *error);

/* Allocations of so many bytes and more are shared; 0, as at the start: compute as ever, in no time. */
void nnsm_durations_use(size_t shared_from);

#endif
