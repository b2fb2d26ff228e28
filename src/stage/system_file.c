#include "stage/system_file.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static bool alike(const nnsm_model_parameters *p, int dimensions)
{
    for (int a = 0; a < dimensions; a++)
        if (p->anisotropy[a] != 1)
            return false;
    return true;
}

/* For readers: the program makes them again from the seed. */
static void write_bonds(nnsm_h5 *h5, const nnsm_run *run)
{
    const nnsm_lattice *l = &run->lattice;
    size_t axes = (size_t)l->dimensions, sizes[] = {l->sites, axes};
    double *bond = NULL;
    nnsm_error error;
    if (NNSM_NEW(&bond, l->sites * axes, "bonds", &error)) {
        (void)nnsm_h5_fail(h5, "%s", error.message);
        return;
    }
    for (size_t i = 0; i < l->sites; i++)
        for (size_t a = 0; a < axes; a++)
            if (l->neighbours[i * 2 * axes + 2 * a] >= 0)
                bond[i * axes + a] = nnsm_model_bond(&run->model.parameters, i, (int)a);
    nnsm_h5_write_doubles(h5, "/system/bonds", 2, sizes, bond, "energy",
                          "[site][axis] J of the bond to the next site along the axis; 0 beyond an open edge");
    nnsm_release(bond);
}

void nnsm_system_write(nnsm_h5 *h5, const nnsm_run *run)
{
    const nnsm_model_parameters *p = &run->model.parameters;
    size_t dimensions = (size_t)run->lattice.dimensions;
    int64_t extent[NNSM_MAX_DIMENSIONS];
    if (!run->model_known)
        return;
    for (size_t a = 0; a < dimensions; a++)
        extent[a] = run->lattice.extent[a];
    nnsm_h5_set_text(h5, "/system", "model", nnsm_model_name(p->kind));
    nnsm_h5_set_integers(h5, "/system", "lattice", dimensions, extent);
    nnsm_h5_set_double(h5, "/system", "coupling", p->coupling);
    nnsm_h5_set_double(h5, "/system", "field", p->field);
    nnsm_h5_set_text(h5, "/system", "boundary", run->lattice.periodic ? "periodic" : "open");
    if (!alike(p, run->lattice.dimensions))
        nnsm_h5_set_doubles(h5, "/system", "anisotropy", dimensions, p->anisotropy);
    if (p->next_nearest != 0)
        nnsm_h5_set_double(h5, "/system", "next_nearest", p->next_nearest);
    if (p->plaquette != 0)
        nnsm_h5_set_double(h5, "/system", "plaquette", p->plaquette);
    if (run->model.multistate)
        nnsm_h5_set_integer(h5, "/system", "states", run->alphabet.count);
    if (p->kind == NNSM_MODEL_BLUME_CAPEL)
        nnsm_h5_set_double(h5, "/system", "crystal_field", p->crystal_field);
    if (p->kind == NNSM_MODEL_SPIN_GLASS) {
        nnsm_h5_set_integer(h5, "/system", "disorder", p->disorder);
        write_bonds(h5, run);
    }
}

static double optional(nnsm_h5 *h5, const char *name)
{
    return nnsm_h5_has_attribute(h5, "/system", name) ? nnsm_h5_get_double(h5, "/system", name) : 0;
}

static void check_ranges(nnsm_h5 *h5, const nnsm_model_parameters *p)
{
    const double values[] = {p->coupling,      p->field,         p->next_nearest,  p->plaquette,
                             p->anisotropy[0], p->anisotropy[1], p->anisotropy[2], p->crystal_field};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (!h5->status && !(fabs(values[i]) <= 1e6))
            (void)nnsm_h5_fail(h5, "a coupling of its /system, %g, is out of range", values[i]);
}

static void read_states(nnsm_h5 *h5, nnsm_model_parameters *p)
{
    int64_t states = nnsm_h5_get_integer(h5, "/system", "states");
    if (!h5->status && (states < 2 || states > NNSM_MAX_VALUES))
        (void)nnsm_h5_fail(h5, "/system has %lld states; a site has 2 to %d", (long long)states, NNSM_MAX_VALUES);
    p->states = h5->status ? 0 : (int)states;
}

/* False where the file's model is none that we know. */
static bool read_parameters(nnsm_h5 *h5, int dimensions, nnsm_model_parameters *p, bool *periodic)
{
    char model[32] = "", boundary[16] = "";
    *p = (nnsm_model_parameters){.anisotropy = {1, 1, 1}};
    nnsm_h5_get_text(h5, "/system", "model", model, sizeof model);
    nnsm_h5_get_text(h5, "/system", "boundary", boundary, sizeof boundary);
    *periodic = strcmp(boundary, "open") != 0;
    p->coupling = nnsm_h5_get_double(h5, "/system", "coupling");
    p->field = nnsm_h5_get_double(h5, "/system", "field");
    p->next_nearest = optional(h5, "next_nearest");
    p->plaquette = optional(h5, "plaquette");
    p->crystal_field = optional(h5, "crystal_field");
    if (nnsm_h5_has_attribute(h5, "/system", "disorder"))
        p->disorder = nnsm_h5_get_integer(h5, "/system", "disorder");
    if (nnsm_h5_has_attribute(h5, "/system", "states"))
        read_states(h5, p);
    if (nnsm_h5_has_attribute(h5, "/system", "anisotropy") &&
        nnsm_h5_get_doubles(h5, "/system", "anisotropy", NNSM_MAX_DIMENSIONS, p->anisotropy) != (size_t)dimensions)
        (void)nnsm_h5_fail(h5, "/system anisotropy must have one value an axis");
    check_ranges(h5, p);
    return nnsm_model_named(model, &p->kind);
}

static void describe(const nnsm_model_parameters *p, char *text, size_t size)
{
    size_t used = (size_t)snprintf(text, size, "%s with coupling %g", nnsm_model_name(p->kind), p->coupling);
    if (p->anisotropy[0] != 1 || p->anisotropy[1] != 1 || p->anisotropy[2] != 1)
        used += (size_t)snprintf(text + used, size - used, " (%g, %g, %g)", p->anisotropy[0], p->anisotropy[1],
                                 p->anisotropy[2]);
    if (p->next_nearest != 0)
        used += (size_t)snprintf(text + used, size - used, ", next-nearest %g", p->next_nearest);
    if (p->plaquette != 0)
        used += (size_t)snprintf(text + used, size - used, ", plaquette %g", p->plaquette);
    if (p->kind == NNSM_MODEL_POTTS || p->kind == NNSM_MODEL_CLOCK)
        used += (size_t)snprintf(text + used, size - used, ", %d states", p->states);
    if (p->kind == NNSM_MODEL_BLUME_CAPEL)
        used += (size_t)snprintf(text + used, size - used, ", crystal field %g", p->crystal_field);
    if (p->kind == NNSM_MODEL_SPIN_GLASS)
        used += (size_t)snprintf(text + used, size - used, ", disorder %lld", (long long)p->disorder);
    (void)snprintf(text + used, size - used, " and field %g", p->field);
}

/* Does the file's model contradict the run's? */
static void compare(nnsm_h5 *h5, const nnsm_model *model, const nnsm_model_parameters *theirs, bool periodic)
{
    enum { TEXT = 256 };
    const nnsm_model_parameters *ours = &model->parameters;
    char file[TEXT], system[TEXT];
    bool same = ours->kind == theirs->kind && ours->coupling == theirs->coupling && ours->field == theirs->field &&
                ours->next_nearest == theirs->next_nearest && ours->plaquette == theirs->plaquette;
    for (int a = 0; a < model->lattice->dimensions; a++)
        same = same && ours->anisotropy[a] == theirs->anisotropy[a];
    if (ours->kind == NNSM_MODEL_SPIN_GLASS)
        same = same && ours->disorder == theirs->disorder;
    if (ours->kind == NNSM_MODEL_POTTS || ours->kind == NNSM_MODEL_CLOCK)
        same = same && ours->states == theirs->states;
    if (ours->kind == NNSM_MODEL_BLUME_CAPEL)
        same = same && ours->crystal_field == theirs->crystal_field;
    if (!same) {
        describe(theirs, file, sizeof file);
        describe(ours, system, sizeof system);
        (void)nnsm_h5_fail(h5, "its model is %s, system is %s; correct the configuration", file, system);
    } else if (model->lattice->periodic != periodic)
        (void)nnsm_h5_fail(h5, "its boundary is %s; correct system.boundary", periodic ? "periodic" : "open");
}

nnsm_status nnsm_system_adopt(nnsm_h5 *h5, nnsm_run *run, int dimensions, const int *extent, bool periodic)
{
    nnsm_error error;
    nnsm_model_parameters theirs;
    bool there = nnsm_h5_has(h5, "/system");
    bool named = there && read_parameters(h5, dimensions, &theirs, &periodic);
    if (h5->status)
        return h5->status;
    if (run->model_known) {
        if (!nnsm_run_has_lattice(run, dimensions, extent))
            return nnsm_h5_fail(h5, "its lattice is not the one of system.lattice in the configuration");
        if (there && !named)
            return nnsm_h5_fail(h5, "its model is none that this program knows; correct the configuration");
        if (there)
            compare(h5, &run->model, &theirs, periodic);
        return h5->status;
    }
    nnsm_lattice_destroy(&run->lattice); /* that of a file which was read before */
    if (nnsm_lattice_create(&run->lattice, dimensions, extent, periodic, &error) ||
        (named && nnsm_model_create(&run->model, &run->lattice, &theirs, &error)))
        return nnsm_h5_fail(h5, "%s", error.message);
    run->model_known = named;
    if (named)
        run->alphabet = run->model.alphabet;
    return h5->status;
}
