#include "stage/opening.h"

#include <string.h>

#include "base/memory.h"
#include "io/identity.h"
#include "io/probe.h"
#include "setup/agree.h"
#include "stage/rounds.h"

nnsm_status nnsm_agree_on_file(const nnsm_run *run, const char *path, nnsm_error *error)
{
    nnsm_identity identity = {0};
    nnsm_status status = run->rank == 0 ? nnsm_identity_of(path, &identity, error) : NNSM_OK;
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&identity, (int)sizeof identity, MPI_BYTE, 0, run->world));
    if (!status && run->rank != 0)
        status = nnsm_identity_check(path, &identity, error);
    return nnsm_agree(run->world, status, error);
}

nnsm_status nnsm_open_configurations(nnsm_run *run, const char *path, nnsm_h5 *h5, nnsm_ensemble_header *header,
                                     nnsm_error *error)
{
    nnsm_probed *probed = &run->probed[strcmp(path, run->config->trust.compare) == 0];
    uint64_t checksum = 0;
    *h5 = (nnsm_h5){.file = H5I_INVALID_HID};
    *header = (nnsm_ensemble_header){0};
    nnsm_status status = run->rank == 0 ? nnsm_probe_once(path, probed, &checksum, error) : NNSM_OK;
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&checksum, 1, MPI_UINT64_T, 0, run->world));
    if (!status)
        status = nnsm_agree_on_file(run, path, error);
    if (!status)
        status = nnsm_h5_open(h5, path, NNSM_H5_CHECKED, NULL, error);
    h5->checksum = checksum;
    if (!status) {
        nnsm_ensemble_read_shape(h5, header);
        status = h5->status;
    }
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(header, (int)sizeof *header, MPI_BYTE, 0, run->world));
    return status;
}

/* ---- the values that occur */

typedef struct {
    nnsm_h5 *h5;
    const nnsm_ensemble_header *header;
    nnsm_occurring found;
} finder;

static nnsm_status find_work(void *context, const nnsm_round *round, nnsm_error *error)
{
    finder *f = context;
    (void)error; /* h5's */
    nnsm_ensemble_find(f->h5, f->header, round->first, round->count, &f->found);
    return f->h5->status;
}

/* Those of all ranks; the alphabet orders them, so it does not matter who found which. */
static void merge(const nnsm_run *run, nnsm_occurring *found, nnsm_occurring *all)
{
    int bytes = (int)sizeof *all;
    NNSM_MPI(MPI_Allgather(found, bytes, MPI_BYTE, all, bytes, MPI_BYTE, run->world));
    found->count = 0;
    for (int r = 0; r < run->ranks; r++) {
        nnsm_occurring_add(found, (size_t)(all[r].count < NNSM_MAX_VALUES ? all[r].count : NNSM_MAX_VALUES),
                           all[r].value);
        if (all[r].count > NNSM_MAX_VALUES)
            found->count = NNSM_MAX_VALUES + 1;
    }
}

nnsm_status nnsm_find_values(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_vote vote,
                             nnsm_error *error)
{
    finder f = {.h5 = h5, .header = header};
    nnsm_occurring *all = NULL;
    nnsm_ensemble_read_alphabet(h5, header);
    nnsm_status status = nnsm_agree(run->world, h5->status, error);
    if (status || header->alphabet.count)
        return status;
    status = nnsm_agree(run->world, NNSM_NEW(&all, (size_t)run->ranks, "values of an ensemble", error), error);
    if (!status)
        status = nnsm_rounds(run, header, &(nnsm_round_methods){.work = find_work, .vote = vote}, &f, error);
    if (!status) {
        merge(run, &f.found, all);
        nnsm_ensemble_adopt(h5, header, &f.found);
        status = nnsm_agree(run->world, h5->status, error);
    }
    nnsm_release(all);
    return status;
}

nnsm_status nnsm_find_states(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_vote vote,
                             nnsm_error *error)
{
    if (!run->levels.count)
        return nnsm_find_values(run, h5, header, vote, error);
    header->levels = run->levels;
    header->alphabet = nnsm_levels_alphabet(&run->levels);
    return NNSM_OK;
}
