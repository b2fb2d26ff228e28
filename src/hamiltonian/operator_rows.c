#include "hamiltonian/operator_rows.h"

#include "base/memory.h"
#include "hamiltonian/lanes.h"

nnsm_status nnsm_operator_rows_create(nnsm_operator_rows *rows, const nnsm_operators *operators, nnsm_error *error)
{
    *rows = (nnsm_operator_rows){.operators = operators};
    nnsm_status status = NNSM_NEW(&rows->words, operators->sites, "couplings", error);
    if (!status)
        status = NNSM_NEW(&rows->columns, operators->classes * NNSM_TILE, "couplings", error);
    return status;
}

void nnsm_operator_rows_destroy(nnsm_operator_rows *rows)
{
    nnsm_release(rows->words);
    nnsm_release(rows->columns);
    *rows = (nnsm_operator_rows){0};
}

void nnsm_operator_rows_values(nnsm_operator_rows *rows, const int8_t *configurations, size_t count, double *values)
{
    const nnsm_operators *o = rows->operators;
    if (o->values || count < NNSM_TILE) {
        for (size_t r = 0; r < count; r++)
            nnsm_operators_values(o, configurations + r * o->sites, values + r * o->classes);
        return;
    }
    nnsm_lanes_pack(configurations, o->sites, rows->words);
    nnsm_lanes_values(o, rows->words, rows->columns);
    for (size_t r = 0; r < NNSM_TILE; r++)
        for (size_t c = 0; c < o->classes; c++)
            values[r * o->classes + c] = rows->columns[c * NNSM_TILE + r];
}
