#include "nnsm/model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "lattice/orbit.h"
#include "nnsm/rng.h"

enum { AXES = NNSM_MAX_DIMENSIONS, MOST_SHAPES = 16 };

static const char *const names[] = {"ising", "spin_glass", "baxter_wu", "potts", "blume_capel", "clock"};

const char *nnsm_model_name(nnsm_model_kind kind)
{
    return names[kind];
}

bool nnsm_model_named(const char *name, nnsm_model_kind *kind)
{
    for (int k = 0; k < (int)(sizeof names / sizeof *names); k++)
        if (strcmp(name, names[k]) == 0) {
            *kind = (nnsm_model_kind)k;
            return true;
        }
    return false;
}

/* ---- the terms of a model: shapes that are carried to every site */

typedef struct {
    int class; /* in classes; a spin glass's bonds with the sign - belong to the next one */
    int order;
    int offset[NNSM_TERM_SITES][AXES];
    int axis; /* of a bond, for its sign */
} shape;

typedef struct {
    const nnsm_lattice *lattice;
    const nnsm_model_parameters *parameters;
    size_t shapes, classes, terms;
    shape shape[MOST_SHAPES];
    nnsm_operator class[MOST_SHAPES + 1];
    double coupling[MOST_SHAPES + 1];
    int32_t (*site)[NNSM_TERM_SITES];
    int32_t *class_of;
} builder;

static int add_class(builder *b, double coupling, int order, double distance, const char *name)
{
    nnsm_operator *c = &b->class[b->classes];
    *c = (nnsm_operator){.order = order, .distance = distance};
    (void)snprintf(c->name, sizeof c->name, "%s", name);
    b->coupling[b->classes] = coupling;
    return (int)b->classes++;
}

static shape *add_shape(builder *b, int class)
{
    shape *s = &b->shape[b->shapes++];
    *s = (shape){.class = class, .order = b->class[class].order};
    return s;
}

static bool isotropic(const nnsm_model_parameters *p, int dimensions)
{
    for (int a = 1; a < dimensions; a++)
        if (p->anisotropy[a] != p->anisotropy[0])
            return false;
    return true;
}

/* "pair (1,0)": a displacement of `step` along axis a and, if b is another axis, along b. */
static void pair_name(const nnsm_lattice *l, int a, int b, int step, char *name)
{
    int d[AXES] = {0};
    size_t used = (size_t)snprintf(name, NNSM_OPERATOR_NAME, "pair ");
    d[a] = d[b] = step;
    for (int k = 0; k < l->dimensions; k++)
        used += (size_t)snprintf(name + used, NNSM_OPERATOR_NAME - used, "%s%d", k ? "," : "(", d[k]);
    (void)snprintf(name + used, NNSM_OPERATOR_NAME - used, ")");
}

static void add_neighbours(builder *b)
{
    const nnsm_model_parameters *p = b->parameters;
    const nnsm_lattice *l = b->lattice;
    bool alike = isotropic(p, l->dimensions);
    char name[NNSM_OPERATOR_NAME];
    int class = -1;
    if (p->kind == NNSM_MODEL_SPIN_GLASS) {
        class = add_class(b, p->coupling, 2, 1, "bonds +J");
        (void)add_class(b, -p->coupling, 2, 1, "bonds -J");
    }
    for (int a = 0; a < l->dimensions; a++) {
        pair_name(l, a, a, 1, name);
        if (p->kind == NNSM_MODEL_ISING && (class < 0 || !alike))
            class = add_class(b, p->coupling * p->anisotropy[a], 2, 1, name);
        shape *s = add_shape(b, class);
        s->offset[1][a] = 1;
        s->axis = a;
    }
}

/* Pairs along the diagonals of unit squares, or over two sites of a chain. */
static void add_next_neighbours(builder *b)
{
    const nnsm_lattice *l = b->lattice;
    char name[NNSM_OPERATOR_NAME];
    bool chain = l->dimensions == 1;
    pair_name(l, 0, chain ? 0 : 1, chain ? 2 : 1, name);
    int class = add_class(b, b->parameters->next_nearest, 2, chain ? 2 : sqrt(2), name);
    if (chain)
        add_shape(b, class)->offset[1][0] = 2;
    for (int a = 0; a < l->dimensions; a++)
        for (int c = a + 1; c < l->dimensions; c++)
            for (int side = 1; side >= -1; side -= 2) {
                shape *s = add_shape(b, class);
                s->offset[1][a] = 1;
                s->offset[1][c] = side;
            }
}

static void add_plaquettes(builder *b)
{
    int class = add_class(b, b->parameters->plaquette, 4, 0, "plaquette");
    for (int a = 0; a < b->lattice->dimensions; a++)
        for (int c = a + 1; c < b->lattice->dimensions; c++) {
            shape *s = add_shape(b, class);
            s->offset[1][a] = s->offset[2][c] = s->offset[3][a] = s->offset[3][c] = 1;
        }
}

static void add_triangles(builder *b)
{
    int class = add_class(b, b->parameters->coupling, 3, 0, "triangles");
    for (int side = 1; side >= -1; side -= 2) {
        shape *s = add_shape(b, class);
        s->offset[1][0] = s->offset[2][1] = side;
    }
}

static void list_shapes(builder *b)
{
    const nnsm_model_parameters *p = b->parameters;
    if (p->field != 0)
        (void)add_shape(b, add_class(b, p->field, 1, 0, "field"));
    if (p->kind == NNSM_MODEL_BAXTER_WU)
        add_triangles(b);
    else
        add_neighbours(b);
    if (p->kind == NNSM_MODEL_ISING && p->next_nearest != 0)
        add_next_neighbours(b);
    if (p->kind == NNSM_MODEL_ISING && p->plaquette != 0)
        add_plaquettes(b);
}

/* The sign of a bond belongs to its site and axis; the seed is the system's, not the run's: runs with other seeds, or
 * at other temperatures, are about the same glass. */
static bool is_negative(const nnsm_model_parameters *p, size_t site, int axis)
{
    uint32_t random[4];
    nnsm_rng_block(nnsm_rng_key_from_seed((uint64_t)p->disorder), NNSM_RNG_DISORDER, (uint32_t)site, (uint32_t)axis, 0,
                   random);
    return random[0] >> 31;
}

double nnsm_model_bond(const nnsm_model_parameters *parameters, size_t site, int axis)
{
    return is_negative(parameters, site, axis) ? -parameters->coupling : parameters->coupling;
}

static int sign_class(const builder *b, size_t site, const shape *s)
{
    bool signs = b->parameters->kind == NNSM_MODEL_SPIN_GLASS && s->order == 2;
    return s->class + (signs && is_negative(b->parameters, site, s->axis));
}

static void list_terms(builder *b)
{
    for (size_t k = 0; k < b->shapes; k++)
        for (size_t i = 0; i < b->lattice->sites; i++) {
            const shape *s = &b->shape[k];
            int x[AXES];
            bool inside = true;
            nnsm_site_coordinates(b->lattice, (int32_t)i, x);
            for (int j = 0; j < s->order; j++) {
                b->site[b->terms][j] = nnsm_site_carry(b->lattice, x, s->offset[j]);
                inside = inside && b->site[b->terms][j] >= 0;
            }
            if (inside)
                b->class_of[b->terms++] = sign_class(b, i, s);
        }
}

static nnsm_status build(nnsm_model *model, nnsm_error *error)
{
    builder b = {.lattice = model->lattice, .parameters = &model->parameters};
    list_shapes(&b);
    size_t room = b.shapes * model->lattice->sites;
    nnsm_status status = nnsm_allocate((void **)&b.site, room, sizeof *b.site, "model", error);
    if (!status)
        status = NNSM_NEW(&b.class_of, room, "model", error);
    if (!status)
        status = NNSM_NEW(&model->coupling, b.classes, "model", error);
    if (!status) {
        list_terms(&b);
        memcpy(model->coupling, b.coupling, b.classes * sizeof *b.coupling);
        status = nnsm_operators_assemble(&model->operators, model->lattice->sites, b.classes, b.class, b.terms,
                                         (const int32_t(*)[NNSM_TERM_SITES])b.site, b.class_of, error);
    }
    nnsm_release(b.site);
    nnsm_release(b.class_of);
    return status;
}

/* ---- order parameters */

/* Antiferromagnetic axes whose two sublattices fit the boundary. */
static bool staggered(const nnsm_model *model, bool *axis)
{
    const nnsm_model_parameters *p = &model->parameters;
    const nnsm_lattice *l = model->lattice;
    bool any = false, axial = p->kind == NNSM_MODEL_ISING || p->kind == NNSM_MODEL_BLUME_CAPEL;
    for (int a = 0; a < l->dimensions && axial; a++) {
        axis[a] = p->coupling * p->anisotropy[a] < 0;
        any = any || axis[a];
        if (axis[a] && l->periodic && l->extent[a] % 2)
            return false;
    }
    return any;
}

static nnsm_status make_sublattices(nnsm_model *model, nnsm_error *error)
{
    bool axis[AXES] = {false}, triangular = model->parameters.kind == NNSM_MODEL_BAXTER_WU;
    if (!triangular && !staggered(model, axis))
        return NNSM_OK;
    nnsm_status status = NNSM_NEW(&model->sublattice, model->lattice->sites, "model", error);
    for (size_t i = 0; i < model->lattice->sites && !status; i++) {
        int x[AXES], steps = 0;
        nnsm_site_coordinates(model->lattice, (int32_t)i, x);
        for (int a = 0; a < AXES; a++)
            steps += axis[a] ? x[a] : 0;
        model->sublattice[i] = (int8_t)(triangular ? (x[0] + 2 * x[1]) % 3 : steps % 2 ? -1 : 1);
    }
    return status;
}

static double staggered_magnetization(const nnsm_model *model, const int8_t *spins)
{
    int64_t sum = 0;
    for (size_t i = 0; i < model->lattice->sites; i++)
        sum += nnsm_alphabet_value(&model->alphabet, spins[i]) * model->sublattice[i];
    return fabs((double)sum) / (double)model->lattice->sites;
}

static double three_sublattices(const nnsm_model *model, const int8_t *spins)
{
    int64_t sum[3] = {0}, count[3] = {0};
    double square = 0;
    for (size_t i = 0; i < model->lattice->sites; i++) {
        sum[model->sublattice[i]] += spins[i];
        count[model->sublattice[i]]++;
    }
    for (int k = 0; k < 3; k++)
        square += count[k] ? (double)(sum[k] * sum[k]) / (3 * (double)(count[k] * count[k])) : 0;
    return sqrt(square);
}

double nnsm_model_order(const nnsm_model *model, const int8_t *spins)
{
    if (!model->sublattice)
        return model->multistate ? nnsm_multistate_order(&model->states, spins)
                                 : fabs(nnsm_magnetization(model->lattice, spins));
    return model->parameters.kind == NNSM_MODEL_BAXTER_WU ? three_sublattices(model, spins)
                                                          : staggered_magnetization(model, spins);
}

bool nnsm_model_has_order(const nnsm_model *model)
{
    return model->sublattice || (model->multistate && model->alphabet.labels);
}

/* ---- models */

static nnsm_status make_multistate(nnsm_model *model, nnsm_error *error)
{
    const nnsm_model_parameters *p = &model->parameters;
    bool spins = p->kind == NNSM_MODEL_BLUME_CAPEL;
    nnsm_multistate_kind kind = spins ? NNSM_BLUME_CAPEL : p->kind == NNSM_MODEL_POTTS ? NNSM_POTTS : NNSM_CLOCK;
    nnsm_status status = nnsm_multistate_create(&model->states, model->lattice, kind, spins ? 3 : p->states,
                                                p->coupling, p->crystal_field, p->field, error);
    model->alphabet = model->states.alphabet;
    return status;
}

static nnsm_status check(const nnsm_model *model, nnsm_error *error)
{
    const nnsm_model_parameters *p = &model->parameters;
    const nnsm_lattice *l = model->lattice;
    if (p->kind == NNSM_MODEL_BAXTER_WU && l->dimensions != 2)
        return nnsm_fail(error, NNSM_USAGE, "baxter_wu lives on a lattice of two dimensions, not %d", l->dimensions);
    for (int a = 0; a < 2 && p->kind == NNSM_MODEL_BAXTER_WU && l->periodic; a++)
        if (l->extent[a] % 3)
            return nnsm_fail(error, NNSM_USAGE,
                             "baxter_wu: a periodic extent must be a multiple of 3 for its three sublattices, not %d",
                             l->extent[a]);
    if (p->kind == NNSM_MODEL_ISING && p->plaquette != 0 && l->dimensions == 1)
        return nnsm_fail(error, NNSM_USAGE, "a chain has no plaquettes");
    if (p->kind == NNSM_MODEL_ISING && p->next_nearest != 0 && l->dimensions == 1 && l->periodic && l->extent[0] == 2)
        return nnsm_fail(error, NNSM_USAGE, "a periodic chain of 2 sites has no next-nearest neighbours");
    return NNSM_OK;
}

nnsm_status nnsm_model_create(nnsm_model *model, const nnsm_lattice *lattice, const nnsm_model_parameters *parameters,
                              nnsm_error *error)
{
    const nnsm_model_parameters *p = parameters;
    *model = (nnsm_model){.parameters = *p, .lattice = lattice, .alphabet = nnsm_alphabet_spins()};
    model->multistate = p->kind >= NNSM_MODEL_POTTS;
    model->ising = (nnsm_ising){lattice, p->coupling * p->anisotropy[0], p->field};
    model->nearest =
        p->kind == NNSM_MODEL_ISING && p->next_nearest == 0 && p->plaquette == 0 && isotropic(p, lattice->dimensions);
    nnsm_status status = check(model, error);
    if (!status)
        status = model->multistate ? make_multistate(model, error) : build(model, error);
    if (!status)
        status = make_sublattices(model, error);
    if (status) {
        nnsm_model_destroy(model);
        return status;
    }
    model->local = (nnsm_local){&model->operators, model->coupling};
    return NNSM_OK;
}

void nnsm_model_destroy(nnsm_model *model)
{
    if (!model)
        return;
    nnsm_operators_destroy(&model->operators);
    nnsm_release(model->coupling);
    nnsm_release(model->sublattice);
    *model = (nnsm_model){0};
}

double nnsm_model_energy(const nnsm_model *model, const int8_t *spins)
{
    if (model->multistate)
        return nnsm_multistate_energy(&model->states, spins);
    return model->nearest ? nnsm_ising_energy(&model->ising, spins) : nnsm_local_energy(&model->local, spins);
}
