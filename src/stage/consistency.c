#include "stage/consistency.h"

#include "base/memory.h"

nnsm_status nnsm_consistency_create(nnsm_consistency *consistency, const nnsm_run *run, nnsm_error *error)
{
    const nnsm_windowing *w = &run->windowing;
    *consistency = (nnsm_consistency){0};
    if (!w->window.sites || w->latent || w->values.count != 2 || !nnsm_window_overlaps(&w->window))
        return NNSM_OK;
    nnsm_status status = nnsm_preimage_create(&consistency->filter, &w->window, error);
    if (status == NNSM_USAGE)
        return NNSM_OK;
    if (!status)
        status = NNSM_NEW(&consistency->counts, w->window.sites, "filter of windows", error);
    nnsm_windowing_uppers(w, &run->alphabet, consistency->upper);
    return status;
}

void nnsm_consistency_destroy(nnsm_consistency *consistency)
{
    nnsm_preimage_destroy(consistency->filter);
    nnsm_release(consistency->counts);
    *consistency = (nnsm_consistency){0};
}

bool nnsm_consistency_holds(const nnsm_consistency *consistency, const nnsm_run *run, const int8_t *states)
{
    const nnsm_consistency *c = consistency;
    bool two = run->alphabet.count == 2;
    if (!c->filter)
        return true;
    for (size_t b = 0; b < run->windowing.window.sites; b++)
        c->counts[b] = c->upper[two ? states[b] > 0 : states[b]];
    return nnsm_preimage_find(c->filter, c->counts, NULL) != NNSM_PREIMAGES_NONE;
}
