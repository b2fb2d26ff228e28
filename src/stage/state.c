#include "stage/state.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"

enum { BLOCK_BYTES = 4 << 20 };

static nnsm_status start(nnsm_state *s, nnsm_run *run, bool writing, const char *path, const char *kind, size_t bytes,
                         nnsm_error *error)
{
    *s = (nnsm_state){.run = run, .writing = writing, .h5 = {.file = H5I_INVALID_HID}};
    nnsm_status status = NNSM_NEW(&s->block, BLOCK_BYTES, "checkpoint", error);
    if (!status && run->rank == 0) {
        status =
            writing ? nnsm_h5_create(&s->h5, path, bytes, error) : nnsm_h5_open(&s->h5, path, NNSM_H5_OWN, kind, error);
    }
    status = nnsm_agree(run->world, status, error);
    s->h5.error = &s->error; /* whatever happens from here on is told at the end */
    (void)snprintf(s->h5.path, sizeof s->h5.path, "%s", path);
    if (status) {
        s->h5.status = status; /* nothing is published */
        (void)nnsm_h5_finish(&s->h5);
        nnsm_release(s->block);
    }
    return status;
}

nnsm_status nnsm_state_create(nnsm_state *state, nnsm_run *run, const char *path, size_t bytes, nnsm_error *error)
{
    return start(state, run, true, path, NULL, bytes, error);
}

nnsm_status nnsm_state_open(nnsm_state *state, nnsm_run *run, const char *path, const char *kind, nnsm_error *error)
{
    return start(state, run, false, path, kind, 0, error);
}

bool nnsm_state_has(nnsm_state *state, const char *name)
{
    int there = state->run->rank == 0 && nnsm_h5_has(&state->h5, name);
    NNSM_MPI(MPI_Bcast(&there, 1, MPI_INT, 0, state->run->world));
    return there != 0;
}

void nnsm_state_define(nnsm_state *state, const char *name, nnsm_h5_type type, size_t count)
{
    size_t sizes[NNSM_H5_RANK] = {0};
    if (state->run->rank != 0 || !count)
        return;
    if (state->writing)
        nnsm_h5_span_define(&state->h5, name, type, count);
    else if (nnsm_h5_sizes(&state->h5, name, sizes) != 1 || sizes[0] != count)
        (void)nnsm_h5_fail(&state->h5, "data set %s has %zu values where %zu are expected", name, sizes[0], count);
}

/* One block: at most BLOCK_BYTES. */
static void move(nnsm_state *s, const char *name, nnsm_h5_type type, size_t first, size_t count, int owner,
                 int8_t *values)
{
    MPI_Comm world = s->run->world;
    int rank = s->run->rank, bytes = (int)(count * nnsm_h5_type_size(type));
    bool mine = rank == 0 && (owner == 0 || owner == NNSM_EVERYBODY);
    int8_t *here = mine ? values : s->block;
    if (s->writing && owner > 0 && rank == owner)
        NNSM_MPI(MPI_Send(values, bytes, MPI_BYTE, 0, 0, world));
    if (s->writing && owner > 0 && rank == 0)
        NNSM_MPI(MPI_Recv(here, bytes, MPI_BYTE, owner, 0, world, MPI_STATUS_IGNORE));
    if (s->writing && rank == 0)
        nnsm_h5_span_write(&s->h5, name, type, first, count, here);
    if (s->writing)
        return;
    if (rank == 0) {
        memset(here, 0, (size_t)bytes); /* what a failed read leaves is harmless */
        nnsm_h5_span_read(&s->h5, name, type, first, count, here);
    }
    if (owner == NNSM_EVERYBODY)
        NNSM_MPI(MPI_Bcast(values, bytes, MPI_BYTE, 0, world));
    else if (owner > 0 && rank == 0)
        NNSM_MPI(MPI_Send(here, bytes, MPI_BYTE, owner, 0, world));
    else if (owner > 0 && rank == owner)
        NNSM_MPI(MPI_Recv(values, bytes, MPI_BYTE, 0, 0, world, MPI_STATUS_IGNORE));
}

void nnsm_state_piece(nnsm_state *state, const char *name, nnsm_h5_type type, size_t first, size_t count, int owner,
                      void *values)
{
    size_t size = nnsm_h5_type_size(type), most = BLOCK_BYTES / size;
    for (size_t done = 0; done < count; done += most) {
        size_t part = count - done < most ? count - done : most;
        move(state, name, type, first + done, part, owner, values ? (int8_t *)values + done * size : NULL);
    }
}

void nnsm_state_values(nnsm_state *state, const char *name, nnsm_h5_type type, size_t count, void *values)
{
    nnsm_state_define(state, name, type, count);
    nnsm_state_piece(state, name, type, 0, count, NNSM_EVERYBODY, values);
}

void nnsm_state_items(nnsm_state *state, const char *name, nnsm_h5_type type, size_t own, size_t size, void *values)
{
    uint64_t before = 0, mine = own, total = 0;
    MPI_Comm world = state->run->world;
    NNSM_MPI(MPI_Allreduce(&mine, &total, 1, MPI_UINT64_T, MPI_SUM, world));
    nnsm_state_define(state, name, type, total * size);
    for (int r = 0; r < state->run->ranks; r++) {
        uint64_t share = own;
        NNSM_MPI(MPI_Bcast(&share, 1, MPI_UINT64_T, r, world));
        nnsm_state_piece(state, name, type, before * size, share * size, r, values);
        before += share;
    }
}

void nnsm_state_impossible(nnsm_state *state, const char *what)
{
    (void)nnsm_h5_fail(&state->h5, "its %s cannot be; start anew with --fresh", what);
}

void nnsm_state_sites(nnsm_state *state, const char *what, const int8_t *sites, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!nnsm_alphabet_holds(&state->run->alphabet, sites[i])) {
            nnsm_state_impossible(state, what);
            return;
        }
}

nnsm_status nnsm_state_agree(nnsm_state *state, nnsm_error *error)
{
    nnsm_status status = state->h5.status;
    if (status)
        *error = state->error;
    return nnsm_agree(state->run->world, status, error);
}

nnsm_status nnsm_state_finish(nnsm_state *state, nnsm_error *error)
{
    if (state->run->rank == 0)
        (void)nnsm_h5_finish(&state->h5);
    nnsm_release(state->block);
    return nnsm_state_agree(state, error);
}
