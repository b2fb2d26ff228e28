#include "made/operations.h"

#include "made/network.h"

/* Entries of a matrix that are not masked, from column `first` of the rows that reach it. */
static double entries(const nnsm_staircase *m, size_t first)
{
    double sum = 0;
    for (size_t r = 0; r < m->rows; r++)
        sum += m->extent[r] > first ? (double)(m->extent[r] - first) : 0;
    return sum;
}

/* Entries in column `first` and the `width - 1` after it. */
static double entries_of_inputs(const nnsm_staircase *m, size_t first, size_t width)
{
    return entries(m, first) - entries(m, first + width);
}

static void add(nnsm_operations *sum, const nnsm_staircase *m, double times)
{
    sum->dense += times * (double)m->rows * (double)m->columns;
    sum->needed += times * entries(m, 0);
}

/* All matrices: `inputs` times those that multiply the inputs, `inner` times the others. */
static nnsm_operations weigh(const nnsm_made *made, double inputs, double inner)
{
    nnsm_operations sum = {0};
    const nnsm_architecture *a = &made->architecture;
    for (size_t l = 0; l < a->layers; l++)
        add(&sum, &made->hidden[l], l ? inner : inputs);
    if (a->layers)
        add(&sum, &made->output, inner);
    if (a->direct)
        add(&sum, &made->direct, inputs);
    return sum;
}

nnsm_operations nnsm_made_forward_operations(const nnsm_made *made)
{
    return weigh(made, 2, 2);
}

nnsm_operations nnsm_made_gradient_operations(const nnsm_made *made)
{
    return weigh(made, 4, 6);
}

nnsm_operations nnsm_made_flip_operations(const nnsm_made *made)
{
    const nnsm_architecture *a = &made->architecture;
    double needed = 0;
    for (size_t p = 0; p < made->sites; p++) {
        size_t input = p * made->width;
        if (a->layers)
            needed += entries_of_inputs(&made->hidden[0], input, made->width);
        for (size_t l = 1; l < a->layers; l++)
            needed += entries(&made->hidden[l], nnsm_made_first_unit(made, l - 1, p));
        if (a->layers)
            needed += entries(&made->output, nnsm_made_first_unit(made, a->layers - 1, p));
        if (a->direct)
            needed += entries_of_inputs(&made->direct, input, made->width);
    }
    return (nnsm_operations){nnsm_made_forward_operations(made).dense, 2 * needed / (double)made->sites};
}
