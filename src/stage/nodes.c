#include "stage/nodes.h"

#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"

/* More chains than this tell little more of autocorrelations. */
enum { MOST_CHAINS = 8 };

/* What all ranks know of a node, in numbers. */
enum { KNOWN = offsetof(nnsm_node, deviation) / sizeof(double) };

static size_t record_size(const nnsm_nodes *n)
{
    return (NNSM_NODE_COLUMNS + NNSM_ROUTES) * n->size;
}

size_t nnsm_nodes_find(const nnsm_nodes *nodes, size_t t)
{
    return nodes->extra && t >= nodes->start ? t + 1 : t;
}

bool nnsm_nodes_own(const nnsm_nodes *nodes, size_t node)
{
    return (nodes->extra && node == nodes->start) || nodes->keeper[node] == nodes->run->rank;
}

double *nnsm_nodes_fluctuations(const nnsm_nodes *nodes, size_t node, nnsm_route route)
{
    return nodes->node[node].deviation + (NNSM_NODE_COLUMNS + (size_t)route) * nodes->size;
}

/* ---- where they are */

static void place(nnsm_nodes *n, double temperature0)
{
    const nnsm_config *c = n->run->config;
    size_t temperatures = (size_t)c->scan.temperatures_count;
    n->extra = true;
    for (size_t t = 0; t < temperatures; t++) {
        bool same = nnsm_same_temperature(c->scan.temperatures[t], temperature0);
        n->start += c->scan.temperatures[t] < temperature0 && !same;
        n->extra = n->extra && !same;
    }
    n->count = temperatures + n->extra;
}

static nnsm_status allocate(nnsm_nodes *n, const nnsm_chains *group, size_t groups, nnsm_error *error)
{
    const nnsm_config *c = n->run->config;
    size_t own = n->extra, t;
    nnsm_status status = NNSM_NEW(&n->keeper, n->count, "free energy", error);
    for (int k = 0; k < c->scan.temperatures_count && !status; k++) {
        const nnsm_chains *chains = nnsm_chains_find(group, groups, c->scan.temperatures[k], &t);
        int *keeper = &n->keeper[nnsm_nodes_find(n, (size_t)k)];
        *keeper = nnsm_chains_keeper(chains, t);
        own += *keeper == n->run->rank;
    }
    if (!status)
        status = NNSM_NEW(&n->node, n->count, "free energy", error);
    if (!status)
        status = NNSM_NEW(&n->known, n->count * KNOWN, "free energy", error);
    if (!status)
        status = NNSM_NEW(&n->record, (own + 1) * record_size(n), "free energy", error);
    for (size_t r = 0; r < NNSM_ROUTES && !status; r++)
        status = NNSM_NEW(&n->log_partition[r], n->count, "free energy", error);
    if (status)
        return status;
    n->passed = n->record + own * record_size(n);
    for (size_t i = 0, next = 0; i < n->count; i++)
        if (nnsm_nodes_own(n, i))
            n->node[i].deviation = n->record + next++ * record_size(n);
    return NNSM_OK;
}

nnsm_status nnsm_nodes_create(nnsm_nodes *nodes, const nnsm_run *run, const nnsm_chains *group, size_t groups,
                              double temperature0, size_t batches, nnsm_error *error)
{
    nnsm_nodes *n = nodes;
    *n = (nnsm_nodes){.run = run, .rows.batches = batches};
    /* Every chain of every group has made the same number of measurements; some rank may hold no series. */
    int64_t bins = group[0].own_temperatures ? (int64_t)nnsm_series_bins(group[0].series[0]) : 0;
    NNSM_MPI(MPI_Allreduce(MPI_IN_PLACE, &bins, 1, MPI_INT64_T, MPI_MAX, run->world));
    n->rows.bins = (size_t)bins;
    n->rows.chains = group[0].walkers < MOST_CHAINS ? group[0].walkers : MOST_CHAINS;
    n->size = nnsm_rows_count(&n->rows);
    place(n, temperature0);
    nnsm_status status = allocate(n, group, groups, error);
    if (!status && n->extra)
        n->node[n->start].temperature = temperature0;
    return nnsm_agree(run->world, status, error);
}

void nnsm_nodes_destroy(nnsm_nodes *nodes)
{
    nnsm_release(nodes->keeper);
    nnsm_release(nodes->node);
    nnsm_release(nodes->known);
    nnsm_release(nodes->record);
    for (size_t r = 0; r < NNSM_ROUTES; r++)
        nnsm_release(nodes->log_partition[r]);
    *nodes = (nnsm_nodes){0};
}

/* ---- measuring */

/* Temperature t of a group, where its series are. */
static void measure(const nnsm_nodes *n, const nnsm_chains *chains, size_t t, nnsm_node *node)
{
    static const size_t quantity[NNSM_NODE_COLUMNS] = {NNSM_SERIES_H, NNSM_SERIES_HH, NNSM_SERIES_DOWN, NNSM_SERIES_UP};
    node->temperature = chains->temperature[t];
    for (int d = NNSM_DOWN; d <= NNSM_UP; d++)
        (void)nnsm_bennett_target(&chains->bennett, t, d, &node->target[d], &node->middle[d]);
    nnsm_node_measure(node, &n->rows, chains->series + (t - chains->first_temperature) * chains->walkers,
                      chains->walkers, quantity);
}

void nnsm_nodes_measure(nnsm_nodes *nodes, const nnsm_chains *group, size_t groups)
{
    nnsm_nodes *n = nodes;
    const nnsm_config *c = n->run->config;
    size_t t;
    memset(n->known, 0, n->count * KNOWN * sizeof *n->known);
    for (int k = 0; k < c->scan.temperatures_count; k++) {
        const nnsm_chains *chains = nnsm_chains_find(group, groups, c->scan.temperatures[k], &t);
        size_t i = nnsm_nodes_find(n, (size_t)k);
        if (!nnsm_nodes_own(n, i))
            continue;
        measure(n, chains, t, &n->node[i]);
        memcpy(n->known + i * KNOWN, &n->node[i], KNOWN * sizeof *n->known);
    }
    nnsm_share(n->run->world, n->count * KNOWN, n->known);
    for (int k = 0; k < c->scan.temperatures_count; k++) {
        size_t i = nnsm_nodes_find(n, (size_t)k);
        memcpy(&n->node[i], n->known + i * KNOWN, KNOWN * sizeof *n->known);
    }
}

void nnsm_nodes_anchor(nnsm_nodes *nodes, size_t samples, const double *energy, const double *log_weight)
{
    nnsm_node *n = &nodes->node[nodes->start];
    if (!nodes->extra)
        return;
    for (int d = NNSM_DOWN; d <= NNSM_UP; d++) {
        if (d == NNSM_UP ? nodes->start + 1 == nodes->count : nodes->start == 0)
            continue;
        const nnsm_node *neighbour = d == NNSM_UP ? n + 1 : n - 1;
        n->target[d] = neighbour->temperature;
        n->middle[d] = neighbour->middle[!d];
    }
    nnsm_node_sample(n, &nodes->rows, samples, energy, log_weight);
}

/* ---- ln Z */

/* From one node to its neighbour, where that one is. All ranks take all steps in one order, so none waits for another
 * in a circle. */
static void step(nnsm_nodes *n, size_t from, size_t to)
{
    nnsm_node *node = n->node;
    bool here = node[from].deviation != NULL;
    if (here && !(n->extra && from == n->start) && n->keeper[to] != n->run->rank)
        NNSM_MPI(MPI_Send(node[from].deviation, (int)record_size(n), MPI_DOUBLE, n->keeper[to], 0, n->run->world));
    if (n->keeper[to] != n->run->rank)
        return;
    if (!here) {
        NNSM_MPI(
            MPI_Recv(n->passed, (int)record_size(n), MPI_DOUBLE, n->keeper[from], 0, n->run->world, MPI_STATUS_IGNORE));
        node[from].deviation = n->passed;
    }
    for (nnsm_route r = 0; r < NNSM_ROUTES; r++) {
        double *deviation = nnsm_nodes_fluctuations(n, to, r);
        memcpy(deviation, nnsm_nodes_fluctuations(n, from, r), n->size * sizeof *deviation);
        nnsm_log_partition_step(node, from, to, &n->rows, r, deviation);
    }
    if (!here)
        node[from].deviation = NULL;
}

void nnsm_nodes_walk(nnsm_nodes *nodes, double start, const double *deviation)
{
    nnsm_nodes *n = nodes;
    for (nnsm_route r = 0; r < NNSM_ROUTES; r++) {
        n->log_partition[r][n->start] = (nnsm_log_partition){true, start, 0, 0.5};
        nnsm_log_partitions(n->node, n->count, n->start, r, n->log_partition[r]);
        if (nnsm_nodes_own(n, n->start))
            memcpy(nnsm_nodes_fluctuations(n, n->start, r), deviation, n->size * sizeof *deviation);
    }
    for (size_t i = n->start; i + 1 < n->count; i++)
        step(n, i, i + 1);
    for (size_t i = n->start; i > 0; i--)
        step(n, i, i - 1);
}
