/* nodes.h: the temperatures of a scan, and T0, as nodes of free energies (statistics/free_energy.h) on all ranks.
 *
 * Values are known to all ranks. Fluctuations are many numbers: those of a temperature stay on the rank that keeps its
 * series. ln Z goes outwards from T0, so where two neighbours are on different ranks, the fluctuations of the one that
 * is nearer to T0, and those of its ln Z, go to the rank of the other one, and no further. */
#ifndef NNSM_STAGE_NODES_H
#define NNSM_STAGE_NODES_H

#include "stage/chains.h"
#include "statistics/free_energy.h"

typedef struct {
    const nnsm_run *run;
    nnsm_rows rows;
    size_t size;     /* of fluctuations, nnsm_rows_count */
    size_t count;    /* the scan's temperatures, and T0 where it is none of them */
    size_t start;    /* the position of T0 */
    bool extra;      /* T0 is no temperature of the scan: all ranks have its node */
    int *keeper;     /* [count] the rank that has the fluctuations; of an extra T0 without meaning */
    nnsm_node *node; /* [count] */
    double *known;   /* [count] their values, on the way to all ranks */
    double *record;  /* [own + 1][columns + routes][size] fluctuations: of values, then of ln Z by every route */
    double *passed;  /* the last record: a neighbour's, received */
    nnsm_log_partition *log_partition[NNSM_ROUTES]; /* [count] */
} nnsm_nodes;

/* Nodes for all temperatures of the configuration. group: [groups] all chains under one Hamiltonian. batches: of
 * ancestral samples. Also after a failure it must be destroyed. Collective. */
nnsm_status nnsm_nodes_create(nnsm_nodes *nodes, const nnsm_run *run, const nnsm_chains *group, size_t groups,
                              double temperature0, size_t batches, nnsm_error *error);
void nnsm_nodes_destroy(nnsm_nodes *nodes);

/* The node of temperature t of the configuration. */
size_t nnsm_nodes_find(const nnsm_nodes *nodes, size_t t);

/* Whether this rank has a node's fluctuations. */
bool nnsm_nodes_own(const nnsm_nodes *nodes, size_t node);

/* Measure the nodes of the scan's temperatures. Collective. */
void nnsm_nodes_measure(nnsm_nodes *nodes, const nnsm_chains *group, size_t groups);

/* Afterwards, where T0 is an extra node: measure it from the ancestral samples, looking back at whoever looks at it.
 * energy, log_weight: in, [samples], of nnsm_node_sample. Local. */
void nnsm_nodes_anchor(nnsm_nodes *nodes, size_t samples, const double *energy, const double *log_weight);

/* ln Z by both routes, values on all ranks, fluctuations where nodes are. All nodes must be measured. start: ln Z(T0);
 * deviation: in, [size] its fluctuations. Collective. */
void nnsm_nodes_walk(nnsm_nodes *nodes, double start, const double *deviation);

/* [size] fluctuations of ln Z of a node that this rank has. */
double *nnsm_nodes_fluctuations(const nnsm_nodes *nodes, size_t node, nnsm_route route);

#endif
