/* state.h: saving and restoring what a run is made of, by one description for both directions.
 *
 * A stage describes its state once, as a list of nnsm_state_* calls; the same list writes a checkpoint or reads one, so
 * the two cannot drift apart. What is spread over ranks passes through rank 0, which alone touches the file: a full
 * disk is then one rank's failure, agreed on at the end, and never a rank that waits in a collective write. All
 * functions are collective on run->world; on failure they keep communicating and nnsm_state_finish returns it. What was
 * read may be used only after nnsm_state_agree or nnsm_state_finish said that all is well. */
#ifndef NNSM_STAGE_STATE_H
#define NNSM_STAGE_STATE_H

#include "io/h5.h"
#include "stage/run.h"

typedef struct {
    nnsm_run *run;
    bool writing;
    nnsm_h5 h5; /* open on rank 0; path and status everywhere */
    nnsm_error error;
    nnsm_status status;
    int8_t *block; /* what passes through rank 0 */
} nnsm_state;

/* Begin to write, or open for reading, on rank 0; bytes: about how many will be written. Failures are agreed on.
 * Collective on run->world. */
nnsm_status nnsm_state_create(nnsm_state *state, nnsm_run *run, const char *path, size_t bytes, nnsm_error *error);
nnsm_status nnsm_state_open(nnsm_state *state, nnsm_run *run, const char *path, const char *kind, nnsm_error *error);

/* Is a data set there? The same answer on all ranks. */
bool nnsm_state_has(nnsm_state *state, const char *name);

/* A data set in pieces: its size, then piece after piece in the same order on all ranks. Reading, a data set of another
 * size is a failure. */
void nnsm_state_define(nnsm_state *state, const char *name, nnsm_h5_type type, size_t count);
/* values: [count], written from rank `owner`, read to it; EVERYBODY: written from rank 0, read to all. */
enum { NNSM_EVERYBODY = -1 };
void nnsm_state_piece(nnsm_state *state, const char *name, nnsm_h5_type type, size_t first, size_t count, int owner,
                      void *values);

/* A whole data set that is the same on all ranks. */
void nnsm_state_values(nnsm_state *state, const char *name, nnsm_h5_type type, size_t count, void *values);

/* Items of `size` values, of which every rank owns a number: the first ranks the first ones. values: [own][size]. */
void nnsm_state_items(nnsm_state *state, const char *name, nnsm_h5_type type, size_t own, size_t size, void *values);

/* What was read makes no sense, on this rank at least: nnsm_state_agree or nnsm_state_finish tells all. Local. */
void nnsm_state_impossible(nnsm_state *state, const char *what);

/* Configurations were read: other bytes than states of the run's alphabet make no sense. sites: [count]. Local. */
void nnsm_state_sites(nnsm_state *state, const char *what, const int8_t *sites, size_t count);

/* All is well so far? */
nnsm_status nnsm_state_agree(nnsm_state *state, nnsm_error *error);

/* Close, and publish what was written. */
nnsm_status nnsm_state_finish(nnsm_state *state, nnsm_error *error);

#endif
