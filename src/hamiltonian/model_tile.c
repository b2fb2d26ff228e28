#include "nnsm/model.h"

nnsm_status nnsm_model_tile_create(nnsm_tile *out, const nnsm_model *model, nnsm_error *error)
{
    if (model->multistate)
        return nnsm_multistate_tile_create(out, &model->states, error);
    return model->nearest ? nnsm_ising_tile_create(out, &model->ising, error)
                          : nnsm_local_tile_create(out, &model->local, error);
}
