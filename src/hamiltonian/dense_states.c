#include "hamiltonian/dense_states.h"

#include <string.h>

#include "base/memory.h"
#include "made/tile_kernels.h"

enum { T = NNSM_TILE };

void nnsm_dense_states_set(nnsm_dense_states *states, size_t position, size_t chain, int8_t value)
{
    size_t width = states->rows.learned->made->width;
    states->s[position * T + chain] = states->s_new[position * T + chain] = (float)value;
    for (size_t k = 0; k < width; k++)
        states->rows.x[(position * width + k) * T + chain] = (float)((size_t)value == k);
}

void nnsm_dense_states_load(nnsm_dense_states *states, const int8_t *configurations)
{
    const nnsm_made *made = states->rows.learned->made;
    states->count = 0;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < T; c++)
            nnsm_dense_states_set(states, p, c, configurations[c * made->sites + (size_t)made->order[p]]);
}

void nnsm_dense_states_read(const nnsm_dense_states *states, int8_t *configurations)
{
    const nnsm_made *made = states->rows.learned->made;
    for (size_t p = 0; p < made->sites; p++)
        for (size_t c = 0; c < T; c++)
            configurations[c * made->sites + (size_t)made->order[p]] = (int8_t)states->s[p * T + c];
}

void nnsm_dense_states_look(const nnsm_dense_states *states, size_t site, int8_t *out)
{
    const float *s = states->s + (size_t)states->rows.learned->made->position[site] * T;
    for (size_t c = 0; c < T; c++)
        out[c] = (int8_t)s[c];
}

void nnsm_dense_states_arrange(nnsm_dense_states *states, const nnsm_update *update)
{
    nnsm_dense_states *t = states;
    const nnsm_made *made = t->rows.learned->made;
    size_t width = made->width;
    for (size_t i = 0; i < t->count; i++)
        memcpy(t->s_new + t->update[i].position * T, t->s + t->update[i].position * T, T * sizeof *t->s);
    t->count = update->count;
    for (size_t i = 0; i < update->count; i++) {
        size_t position = (size_t)made->position[update->site[i]], at = i;
        float *step = t->step + i * width * T, *s_new = t->s_new + position * T;
        const float *s = t->s + position * T;
        for (size_t c = 0; c < T; c++)
            s_new[c] = (float)update->state[i][c];
        for (size_t k = 0; k < width; k++)
            for (size_t c = 0; c < T; c++)
                step[k * T + c] = (float)(s_new[c] == (float)k) - (float)(s[c] == (float)k);
        for (; at > 0 && t->update[at - 1].position > position; at--)
            t->update[at] = t->update[at - 1];
        t->update[at] = (nnsm_dense_step){position, step};
    }
}

bool nnsm_dense_states_accept(nnsm_dense_states *states, const uint32_t *accept)
{
    nnsm_dense_states *t = states;
    nnsm_dense_rows *r = &t->rows;
    size_t first = t->update[0].position;
    uint32_t any = 0;
    for (size_t c = 0; c < T; c++)
        any |= accept[c];
    if (!any)
        return false;
    nnsm_dense_rows_accept(r, t->update, t->count, accept);
    nnsm_tile_select(accept, r->term_new + first * T, r->learned->made->sites - first, r->term + first * T);
    for (size_t i = 0; i < t->count; i++) {
        size_t position = t->update[i].position;
        nnsm_tile_select(accept, t->s_new + position * T, 1, t->s + position * T);
    }
    return true;
}

nnsm_status nnsm_dense_states_create(nnsm_dense_states *states, const nnsm_learned *learned, nnsm_error *error)
{
    nnsm_dense_states *t = states;
    size_t states_size = learned->made->sites * T;
    *t = (nnsm_dense_states){.count = 0};
    nnsm_status status = nnsm_dense_rows_create(&t->rows, learned, error);
    if (!status)
        status = NNSM_NEW(&t->s, states_size, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->s_new, states_size, "chains of a scan", error);
    if (!status)
        status = NNSM_NEW(&t->step, NNSM_UPDATE_SITES * learned->made->width * T, "chains of a scan", error);
    if (status)
        nnsm_dense_states_destroy(t);
    return status;
}

void nnsm_dense_states_destroy(nnsm_dense_states *states)
{
    nnsm_dense_rows_destroy(&states->rows);
    nnsm_release(states->s);
    nnsm_release(states->s_new);
    nnsm_release(states->step);
    *states = (nnsm_dense_states){.count = 0};
}
