#include "stage/writing.h"

#include "base/memory.h"
#include "setup/agree.h"

/* Who sees the file; the same on all ranks. Returns whether all do. */
static bool look(nnsm_writing *w, bool sees, int ranks)
{
    bool all = true;
    NNSM_MPI(MPI_Allgather(&sees, 1, MPI_C_BOOL, w->sees, 1, MPI_C_BOOL, w->group));
    for (int r = 0; r < ranks; r++)
        all = all && w->sees[r];
    return all;
}

nnsm_status nnsm_writing_open(nnsm_writing *writing, MPI_Comm group, nnsm_h5 *h5, const char *path,
                              const nnsm_ensemble_header *header, size_t most, nnsm_error *error)
{
    nnsm_writing *w = writing;
    nnsm_ensemble_place place = {0};
    int ranks;
    *w = (nnsm_writing){.group = group, .rows.descriptor = -1};
    NNSM_MPI(MPI_Comm_rank(group, &w->rank));
    NNSM_MPI(MPI_Comm_size(group, &ranks));
    nnsm_status status = NNSM_NEW(&w->sees, (size_t)ranks, "ensemble", error);
    if (w->rank == 0 && !status) {
        nnsm_ensemble_offer(h5, header, &place);
        status = h5->status;
    }
    status = nnsm_agree(group, status, error);
    if (status)
        return status;
    NNSM_MPI(MPI_Bcast(&place, (int)sizeof place, MPI_BYTE, 0, group));
    if (!look(w, nnsm_ensemble_rows_open(&w->rows, path, header, &place), ranks) && w->rank == 0)
        status = NNSM_NEW(&w->passing, most * header->sites, "ensemble", error);
    if (w->rank == 0 && !w->sees[0] && !status)
        status = nnsm_h5_fail(h5, "its part file is gone, or cannot be opened again; does another run write there?");
    return nnsm_agree(group, status, error);
}

void nnsm_writing_put(nnsm_writing *writing, int owner, size_t first, size_t count, const int8_t *states)
{
    nnsm_writing *w = writing;
    int writer = w->sees[owner] ? owner : 0, size = (int)(count * w->rows.header->sites);
    if (w->rank == owner && w->rank != writer) /* synchronous: rows must not pile up at the writer */
        NNSM_MPI(MPI_Ssend(states, size, MPI_SIGNED_CHAR, writer, 0, w->group));
    if (w->rank == writer && w->rank != owner)
        NNSM_MPI(MPI_Recv(w->passing, size, MPI_SIGNED_CHAR, owner, 0, w->group, MPI_STATUS_IGNORE));
    if (w->rank == writer)
        nnsm_ensemble_rows_write(&w->rows, first, count, w->rank == owner ? states : w->passing);
}

nnsm_status nnsm_writing_close(nnsm_writing *writing, nnsm_error *error)
{
    nnsm_status status = nnsm_ensemble_rows_close(&writing->rows, error);
    nnsm_release(writing->sees);
    nnsm_release(writing->passing);
    return nnsm_agree(writing->group, status, error);
}
