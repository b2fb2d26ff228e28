#include "nnsm/hamiltonian.h"

void nnsm_tile_destroy(nnsm_tile *tile)
{
    if (!tile)
        return;
    if (tile->state)
        tile->methods->destroy(tile->state);
    *tile = (nnsm_tile){0};
}
