#include "stage/foresee.h"

#include "setup/agree.h"
#include "stage/moves.h"
#include "stage/second_file.h"

nnsm_status nnsm_foresee_scan(nnsm_run *run, nnsm_error *error)
{
    nnsm_h5 h5;
    nnsm_ensemble_header header;
    nnsm_move_list moves;
    if (run->foreseen)
        return NNSM_OK;
    nnsm_status status = nnsm_agree(run->world, nnsm_move_list_choose(&moves, run, error), error);
    if (!status && run->config->trust.compare[0]) {
        status = nnsm_second_open(run, &h5, &header, error);
        (void)nnsm_h5_finish(&h5);
    }
    run->foreseen = !status;
    return status;
}
