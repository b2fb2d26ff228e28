#include "stage/screening.h"

#include <math.h>

#include "base/memory.h"

bool nnsm_screening_possible(const nnsm_run *run, const nnsm_network *network, const nnsm_couplings *couplings)
{
    return couplings->present && network->dense && run->alphabet.count == 2;
}

/* A flip changes, twice, the share of about a site of what the couplings leave of H: a deviation of 2 sqrt(rest^2 / N). */
double nnsm_screening_missed(const nnsm_run *run, const nnsm_couplings *couplings, double temperature)
{
    return 2 * couplings->residual / sqrt((double)run->lattice.sites) / temperature;
}

nnsm_status nnsm_screening_create(nnsm_screening *screening, const nnsm_couplings *couplings, size_t tiles,
                                  nnsm_error *error)
{
    nnsm_screening *s = screening;
    *s = (nnsm_screening){.tiles = tiles};
    nnsm_status status = nnsm_surrogate_create(&s->surrogate, &couplings->projected, couplings->error, error);
    if (status || s->surrogate.kind == NNSM_NO_PROPOSALS)
        return status;
    status = NNSM_NEW(&s->tile, tiles, "scan", error);
    for (size_t t = 0; t < tiles && !status; t++)
        status = nnsm_local_tile_create(&s->tile[t], &s->surrogate.local, error);
    if (status)
        nnsm_screening_destroy(s);
    return status;
}

void nnsm_screening_destroy(nnsm_screening *screening)
{
    nnsm_screening *s = screening;
    for (size_t t = 0; s->tile && t < s->tiles; t++)
        nnsm_tile_destroy(&s->tile[t]);
    nnsm_release(s->tile);
    nnsm_surrogate_destroy(&s->surrogate);
    *s = (nnsm_screening){0};
}

bool nnsm_screening_at(const nnsm_screening *screening, uint32_t sweep)
{
    return screening->tile && sweep % NNSM_WHOLE_SWEEPS != 0;
}

/* Numbers below `end` that are multiples. */
static uint32_t multiples(uint32_t end)
{
    return (end + NNSM_WHOLE_SWEEPS - 1) / NNSM_WHOLE_SWEEPS;
}

uint32_t nnsm_screening_whole(uint32_t first, uint32_t last)
{
    return multiples(last) - multiples(first);
}
