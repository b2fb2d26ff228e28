#include "stage/writing.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"

/* The ranks that can write, on the node of the first rank, write for themselves, and for the others in turns. opened:
 * can this rank? Returns whether it writes for others. */
static bool share_out(nnsm_writing *w, bool opened, int ranks)
{
    int mine = opened ? w->rank : -1, next = ranks - 1, writers = 0;
    bool passes = false;
    NNSM_MPI(MPI_Allgather(&mine, 1, MPI_INT, w->writer, 1, MPI_INT, w->group));
    for (int r = 0; r < ranks; r++)
        writers += w->writer[r] >= 0;
    for (int r = 0; r < ranks && writers; r++) {
        if (w->writer[r] >= 0)
            continue;
        do
            next = (next + 1) % ranks;
        while (w->writer[next] != next);
        w->writer[r] = next;
        passes = passes || next == w->rank;
    }
    return passes;
}

/* Is this rank on the node of the group's first one? */
static bool is_near(const nnsm_writing *w)
{
    MPI_Comm node;
    int first = w->rank;
    NNSM_MPI(MPI_Comm_split_type(w->group, MPI_COMM_TYPE_SHARED, w->rank, MPI_INFO_NULL, &node));
    NNSM_MPI(MPI_Bcast(&first, 1, MPI_INT, 0, node));
    NNSM_MPI(MPI_Comm_free(&node));
    return first == 0;
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
    nnsm_status status = NNSM_NEW(&w->writer, (size_t)ranks, "ensemble", error);
    if (w->rank == 0 && !status) {
        nnsm_ensemble_offer(h5, &place);
        status = h5->status;
    }
    status = nnsm_agree(group, status, error);
    if (status)
        return status;
    NNSM_MPI(MPI_Bcast(&place, (int)sizeof place, MPI_BYTE, 0, group));
    w->rows.header = header;
    int code = is_near(w) ? nnsm_ensemble_rows_open(&w->rows, path, header, &place) : ENOENT;
    bool elsewhere = code == ENOENT || code == ESTALE; /* another node, or a file system or mount of this rank's own */
    if (share_out(w, !code, ranks))
        status = NNSM_NEW(&w->passing, most * header->sites, "ensemble", error);
    if (code && !elsewhere && !status)
        status = nnsm_fail(error, NNSM_FAILURE, "%.400s: cannot be opened: %s", w->rows.part, strerror(code));
    if (elsewhere && w->rank == 0 && !status)
        status =
            nnsm_fail(error, NNSM_FAILURE, "%.400s: was removed or replaced while the run writes to it", w->rows.part);
    return nnsm_agree(group, status, error);
}

void nnsm_writing_put(nnsm_writing *writing, int owner, size_t first, size_t count, const int8_t *states)
{
    nnsm_writing *w = writing;
    int writer = w->writer[owner], size = (int)(count * w->rows.header->sites);
    if (w->rank == owner && w->rank != writer) /* synchronous: rows must not pile up at the writer */
        NNSM_MPI(MPI_Ssend(states, size, MPI_SIGNED_CHAR, writer, 0, w->group));
    if (w->rank == writer && w->rank != owner)
        NNSM_MPI(MPI_Recv(w->passing, size, MPI_SIGNED_CHAR, owner, 0, w->group, MPI_STATUS_IGNORE));
    if (w->rank == writer)
        nnsm_ensemble_rows_write(&w->rows, first, count, w->rank == owner ? states : w->passing);
}

void nnsm_writing_push(nnsm_writing *writing)
{
    nnsm_ensemble_rows_push(&writing->rows);
}

nnsm_status nnsm_writing_close(nnsm_writing *writing, nnsm_status status, nnsm_error *error)
{
    nnsm_error ours;
    nnsm_status written = nnsm_ensemble_rows_close(&writing->rows, !status, &ours);
    nnsm_release(writing->writer);
    nnsm_release(writing->passing);
    if (!status && written)
        *error = ours;
    return status ? status : nnsm_agree(writing->group, written, error);
}
