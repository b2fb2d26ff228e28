#include "lattice/exact_states.h"

enum { MOST = NNSM_MAX_VALUES };

/* A matrix times exp(exponent): powers of T neither overflow nor vanish. */
typedef struct {
    int size;
    double exponent;
    jet entry[MOST][MOST];
} matrix;

/* out must be neither a nor b. */
static void product(const matrix *a, const matrix *b, matrix *out)
{
    double largest = 0;
    *out = (matrix){.size = a->size};
    for (int i = 0; i < a->size; i++)
        for (int j = 0; j < a->size; j++) {
            for (int k = 0; k < a->size; k++)
                out->entry[i][j] = add(out->entry[i][j], multiply(a->entry[i][k], b->entry[k][j]));
            largest = fmax(largest, out->entry[i][j].value);
        }
    for (int i = 0; i < a->size; i++)
        for (int j = 0; j < a->size; j++)
            out->entry[i][j] = scale(1 / largest, out->entry[i][j]);
    out->exponent = a->exponent + b->exponent + log(largest);
}

/* base^power by squaring; base is spoilt. */
static matrix raise(matrix *base, size_t power)
{
    matrix result = {.size = base->size}, next;
    for (int i = 0; i < base->size; i++)
        result.entry[i][i] = constant(1);
    for (; power; power /= 2) {
        if (power % 2) {
            product(&result, base, &next);
            result = next;
        }
        product(base, base, &next);
        *base = next;
    }
    return result;
}

/* Energies are counted from the least: entries are at most 1. */
static matrix transfer(const nnsm_multistate *m, double beta, double *least)
{
    int q = m->alphabet.count;
    matrix t = {.size = q};
    *least = INFINITY;
    for (int pass = 0; pass < 2; pass++)
        for (int a = 0; a < q; a++)
            for (int b = 0; b < q; b++) {
                double energy = m->bond[a][b] + (m->site[a] + m->site[b]) / 2;
                *least = fmin(*least, energy);
                t.entry[a][b] = exponential((jet){-beta * (energy - *least), *least - energy, 0});
            }
    return t;
}

jet nnsm_exact_chain(const nnsm_multistate *model, double beta)
{
    const nnsm_lattice *l = model->lattice;
    int q = model->alphabet.count;
    size_t steps = l->periodic ? l->sites : l->sites - 1;
    double least;
    matrix t = transfer(model, beta, &least), power = raise(&t, steps);
    jet z = constant(0);
    for (int a = 0; a < q; a++)
        for (int b = 0; b < q; b++) {
            double ends = (model->site[a] + model->site[b]) / 2;
            if (!l->periodic)
                z = add(z, multiply(power.entry[a][b], exponential((jet){-beta * ends, -ends, 0})));
            else if (a == b)
                z = add(z, power.entry[a][b]);
        }
    jet shift = scale(-(double)steps * least, (jet){beta, 1, 0});
    return add(add(logarithm(z), constant(power.exponent)), shift);
}
