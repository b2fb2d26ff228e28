/* operator_rows.h: operators of many configurations, a row each; of spins 32 at a time, as bits (lanes.h). Local. */
#ifndef NNSM_HAMILTONIAN_OPERATOR_ROWS_H
#define NNSM_HAMILTONIAN_OPERATOR_ROWS_H

#include "nnsm/hamiltonian.h"
#include "nnsm/local.h"

typedef struct {
    const nnsm_operators *operators; /* borrowed */
    uint32_t *words;                 /* [sites] */
    double *columns;                 /* [classes][NNSM_TILE] */
} nnsm_operator_rows;

nnsm_status nnsm_operator_rows_create(nnsm_operator_rows *rows, const nnsm_operators *operators, nnsm_error *error);
void nnsm_operator_rows_destroy(nnsm_operator_rows *rows);

/* O_c of up to NNSM_TILE configurations, the same numbers as those of nnsm_operators_values. configurations: in,
 * [count][sites]; values: out, [count][classes]. */
void nnsm_operator_rows_values(nnsm_operator_rows *rows, const int8_t *configurations, size_t count, double *values);

#endif
