/* frontier.c: creation, looking. */
#include "nnsm/frontier.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "made/frontier_geometry.h"
#include "made/frontier_units.h"
#include "made/network.h"

/* ---- fits */

/* room: weights of units that may still be made; in and out. */
static nnsm_status make_fit(nnsm_frontier *f, size_t index, const size_t *sizes, size_t *room, nnsm_error *error)
{
    nnsm_fit *fit = &f->fit[index];
    size_t representative = SIZE_MAX, next = 0;
    for (size_t p = 0; p < f->sites; p++)
        fit->members += f->output[p].fit == index;
    nnsm_status status = NNSM_NEW(&f->members[index], fit->members, "frontier", error);
    for (size_t p = 0; p < f->sites && !status; p++)
        if (f->output[p].fit == index) {
            f->members[index][next++] = (int32_t)p;
            representative = representative == SIZE_MAX ? p : representative;
        }
    if (status)
        return status;
    fit->frontier = sizes[representative];
    fit->units = nnsm_frontier_units(&f->architecture, fit->frontier);
    fit->outputs = (size_t)f->architecture.alphabet.count - 1;
    fit->inputs = fit->frontier * fit->outputs;
    if (fit->units * fit->inputs > *room)
        return nnsm_fail(error, NNSM_USAGE, "frontier network: more units than there are weights of units");
    if (nnsm_fit_dimension(fit) > NNSM_MOST_FITTED)
        return nnsm_fail(error, NNSM_USAGE,
                         "frontier network: a conditional of %d values, %zu frontier sites and %zu units has %zu "
                         "coefficients, more than %d; lower network.units or network.reach, or take network.kind = "
                         "\"dense\"",
                         (int)f->architecture.alphabet.count, fit->frontier, fit->units, nnsm_fit_dimension(fit),
                         NNSM_MOST_FITTED);
    *room -= fit->units * fit->inputs;
    status = NNSM_NEW(&fit->w, fit->units * fit->inputs, "frontier units", error);
    if (!status)
        status = NNSM_NEW(&fit->offset, fit->units, "frontier units", error);
    if (!status)
        nnsm_frontier_draw(f, index, (size_t)f->members[index][fit->members / 2], fit);
    return status;
}

/* ---- creation */

static nnsm_status list_seen(nnsm_frontier *f, const size_t *sizes, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    for (size_t p = 0; p < f->sites; p++)
        for (size_t i = 0; i < sizes[p]; i++)
            if (f->output[p].sites[i] >= 0)
                f->seen[f->output[p].sites[i]].count++;
    for (size_t s = 0; s < f->sites && !status; s++) {
        status = NNSM_NEW(&f->seen[s].positions, f->seen[s].count, "frontier", error);
        if (!status)
            status = NNSM_NEW(&f->seen[s].slots, f->seen[s].count, "frontier", error);
        f->seen[s].count = 0;
    }
    for (size_t p = 0; p < f->sites && !status; p++)
        for (size_t i = 0; i < sizes[p]; i++) {
            if (f->output[p].sites[i] < 0)
                continue;
            nnsm_frontier_seen *s = &f->seen[f->output[p].sites[i]];
            s->positions[s->count] = (int32_t)p;
            s->slots[s->count++] = (int32_t)i;
        }
    return status;
}

static nnsm_status lay_out_weights(nnsm_frontier *f, nnsm_error *error)
{
    size_t signs = 0;
    for (size_t i = 0; i < f->fits; i++) {
        f->parameters += nnsm_fit_dimension(&f->fit[i]);
        signs += f->fit[i].frontier;
    }
    f->fitted = f->parameters;
    f->parameters += signs;
    nnsm_status status = NNSM_NEW(&f->weights, f->parameters, "frontier weights", error);
    float *next = f->weights, *sign = f->weights + f->fitted;
    for (size_t i = 0; i < f->fits && !status; i++) {
        f->fit[i].weights = next;
        f->fit[i].sign = sign;
        next += nnsm_fit_dimension(&f->fit[i]);
        sign += f->fit[i].frontier;
    }
    for (size_t i = f->fitted; i < f->parameters && !status; i++)
        f->weights[i] = 1;
    return status;
}

static nnsm_status build(nnsm_frontier *f, size_t room, nnsm_error *error)
{
    const nnsm_frontier_architecture *a = &f->architecture;
    size_t *sizes = NULL;
    nnsm_status status = NNSM_NEW(&f->order, f->sites, "frontier", error);
    if (!status)
        status = NNSM_NEW(&f->position, f->sites, "frontier", error);
    if (!status)
        status = NNSM_NEW(&f->output, f->sites, "frontier", error);
    if (!status)
        status = NNSM_NEW(&f->seen, f->sites, "frontier", error);
    if (!status)
        status = NNSM_NEW(&sizes, f->sites, "frontier", error);
    if (!status) {
        nnsm_order_fill(a->order, a->dimensions, a->extent, a->order_seed, f->order);
        for (size_t p = 0; p < f->sites; p++)
            f->position[f->order[p]] = (int32_t)p;
        status = nnsm_frontier_find(f, sizes, error);
    }
    if (!status)
        status = nnsm_frontier_share(f, sizes, error);
    if (!status)
        status = NNSM_NEW(&f->fit, f->fits, "frontier", error);
    if (!status)
        status = NNSM_NEW(&f->members, f->fits, "frontier", error);
    for (size_t i = 0; i < f->fits && !status; i++)
        status = make_fit(f, i, sizes, &room, error);
    if (!status)
        status = lay_out_weights(f, error);
    if (!status)
        status = list_seen(f, sizes, error);
    nnsm_release(sizes);
    return status;
}

nnsm_status nnsm_frontier_create(nnsm_frontier **out, const nnsm_frontier_architecture *architecture, nnsm_error *error)
{
    return nnsm_frontier_create_within(out, architecture, SIZE_MAX, error);
}

nnsm_status nnsm_frontier_create_within(nnsm_frontier **out, const nnsm_frontier_architecture *architecture,
                                        size_t most_weights, nnsm_error *error)
{
    const nnsm_frontier_architecture *a = architecture;
    *out = NULL;
    double sites = 1;
    bool good = a->dimensions >= 1 && a->dimensions <= NNSM_MAX_DIMENSIONS && a->temperature > 0 && a->reach >= 1 &&
                a->reach <= 16 && a->units <= 4096 && a->alphabet.count <= NNSM_MAX_VALUES &&
                (a->horizon == 0 || a->horizon >= a->reach);
    for (int axis = 0; axis < a->dimensions && good; axis++) {
        good = a->extent[axis] >= 1;
        sites *= a->extent[axis];
    }
    if (!good || sites > 1 << 20)
        return nnsm_fail(error, NNSM_USAGE,
                         "frontier network: 1 to 3 dimensions, at most 2^20 sites, reach from 1 to 16, horizon 0 or at "
                         "least the reach, at most 4096 units, positive temperature");
    nnsm_status status = NNSM_NEW(out, 1, "frontier network", error);
    if (status)
        return status;
    (*out)->architecture = *a;
    if (!a->alphabet.count)
        (*out)->architecture.alphabet = nnsm_alphabet_spins();
    (*out)->architecture.odd = a->odd && (*out)->architecture.alphabet.count == 2;
    (*out)->sites = (size_t)sites;
    status = build(*out, most_weights, error);
    if (status) {
        nnsm_frontier_destroy(*out);
        *out = NULL;
    }
    return status;
}

void nnsm_frontier_destroy(nnsm_frontier *frontier)
{
    nnsm_frontier *f = frontier;
    if (!f)
        return;
    for (size_t i = 0; i < f->sites; i++) {
        if (f->output)
            nnsm_release(f->output[i].sites);
        if (f->seen) {
            nnsm_release(f->seen[i].positions);
            nnsm_release(f->seen[i].slots);
        }
    }
    for (size_t i = 0; i < f->fits; i++) {
        if (f->members)
            nnsm_release(f->members[i]);
        if (f->fit) {
            nnsm_release(f->fit[i].w);
            nnsm_release(f->fit[i].offset);
        }
    }
    nnsm_release(f->order);
    nnsm_release(f->position);
    nnsm_release(f->output);
    nnsm_release(f->seen);
    nnsm_release(f->fit);
    nnsm_release(f->members);
    nnsm_release(f->weights);
    nnsm_release(f);
}

/* ---- looking */

const nnsm_frontier_architecture *nnsm_frontier_architecture_of(const nnsm_frontier *frontier)
{
    return &frontier->architecture;
}

size_t nnsm_frontier_sites(const nnsm_frontier *frontier)
{
    return frontier->sites;
}

const int32_t *nnsm_frontier_order(const nnsm_frontier *frontier)
{
    return frontier->order;
}

size_t nnsm_frontier_fits(const nnsm_frontier *frontier)
{
    return frontier->fits;
}

nnsm_fit *nnsm_frontier_fit(nnsm_frontier *frontier, size_t fit)
{
    return &frontier->fit[fit];
}

const nnsm_fit *nnsm_frontier_look(const nnsm_frontier *frontier, size_t fit)
{
    return &frontier->fit[fit];
}

float *nnsm_frontier_parameters(nnsm_frontier *frontier, size_t *count)
{
    *count = frontier->parameters;
    return frontier->weights;
}

size_t nnsm_frontier_member(const nnsm_frontier *frontier, size_t fit, size_t member, const int32_t **sites)
{
    size_t p = (size_t)frontier->members[fit][member];
    *sites = frontier->output[p].sites;
    return p;
}

size_t nnsm_frontier_output(const nnsm_frontier *frontier, size_t position, const int32_t **sites)
{
    *sites = frontier->output[position].sites;
    return frontier->output[position].fit;
}

size_t nnsm_frontier_seen_by(const nnsm_frontier *frontier, size_t site, const int32_t **positions,
                             const int32_t **slots)
{
    *positions = frontier->seen[site].positions;
    *slots = frontier->seen[site].slots;
    return frontier->seen[site].count;
}
