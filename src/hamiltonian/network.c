#include "hamiltonian/network_file.h"

#include <string.h>

#include "made/frontier_file.h"
#include "made/made_file.h"

void nnsm_network_destroy(nnsm_network *network)
{
    nnsm_made_destroy(network->dense);
    nnsm_frontier_destroy(network->frontier);
    *network = (nnsm_network){0};
}

nnsm_network_shape nnsm_network_shape_of(const nnsm_network *network)
{
    nnsm_network_shape shape = {.sites = 1};
    if (network->dense) {
        const nnsm_architecture *a = nnsm_made_architecture(network->dense);
        shape.dimensions = a->dimensions;
        shape.periodic = a->periodic;
        shape.temperature = a->temperature;
        shape.alphabet = a->alphabet;
        for (int i = 0; i < NNSM_MAX_DIMENSIONS; i++)
            shape.extent[i] = a->extent[i];
    } else {
        const nnsm_frontier_architecture *a = nnsm_frontier_architecture_of(network->frontier);
        shape.dimensions = a->dimensions;
        shape.periodic = a->periodic;
        shape.temperature = a->temperature;
        shape.alphabet = a->alphabet;
        for (int i = 0; i < NNSM_MAX_DIMENSIONS; i++)
            shape.extent[i] = a->extent[i];
    }
    for (int i = 0; i < shape.dimensions; i++)
        shape.sites *= (size_t)shape.extent[i];
    return shape;
}

float *nnsm_network_parameters(nnsm_network *network, size_t *count)
{
    return network->dense ? nnsm_made_parameters(network->dense, count)
                          : nnsm_frontier_parameters(network->frontier, count);
}

nnsm_status nnsm_network_workspace_create(nnsm_network_workspace *out, const nnsm_network *network, size_t rows,
                                          nnsm_error *error)
{
    *out = (nnsm_network_workspace){0};
    return network->dense ? nnsm_made_workspace_create(&out->dense, network->dense, rows, error)
                          : nnsm_frontier_workspace_create(&out->frontier, network->frontier, rows, error);
}

void nnsm_network_workspace_destroy(nnsm_network_workspace *workspace)
{
    nnsm_made_workspace_destroy(workspace->dense);
    nnsm_frontier_workspace_destroy(workspace->frontier);
    *workspace = (nnsm_network_workspace){0};
}

void nnsm_network_log_probability(const nnsm_network *network, nnsm_network_workspace *workspace,
                                  const int8_t *configurations, size_t count, double *log_probability)
{
    if (network->dense)
        nnsm_made_log_probability(network->dense, workspace->dense, configurations, count, log_probability);
    else
        nnsm_frontier_log_probability(network->frontier, workspace->frontier, configurations, count, log_probability);
}

nnsm_status nnsm_network_learned(nnsm_learned **out, const nnsm_network *network, nnsm_error *error)
{
    return network->dense ? nnsm_learned_create(out, network->dense, error)
                          : nnsm_learned_create_frontier(out, network->frontier, error);
}

/* ---- files */

void nnsm_network_write(const nnsm_network *network, nnsm_h5 *h5)
{
    if (network->dense)
        nnsm_made_write(network->dense, h5);
    else
        nnsm_frontier_write(network->frontier, h5);
}

nnsm_status nnsm_network_read(nnsm_network *out, nnsm_h5 *h5)
{
    char kind[32] = "dense"; /* files of version 0.1 do not say */
    *out = (nnsm_network){0};
    if (nnsm_h5_has_attribute(h5, "/", "network"))
        nnsm_h5_get_text(h5, "/", "network", kind, sizeof kind);
    if (!h5->status && strcmp(kind, "dense") == 0)
        return nnsm_made_read(&out->dense, h5);
    if (!h5->status && strcmp(kind, "frontier") == 0)
        return nnsm_frontier_read(&out->frontier, h5);
    return nnsm_h5_fail(h5, "attribute network is '%s', which this version does not know", kind);
}

nnsm_status nnsm_network_save(const nnsm_network *network, const char *path, nnsm_error *error)
{
    nnsm_h5 h5;
    if (nnsm_h5_create(&h5, path, 0, error) == NNSM_OK)
        nnsm_network_write(network, &h5);
    return nnsm_h5_finish(&h5);
}

nnsm_status nnsm_network_open(nnsm_network *out, const char *path, nnsm_error *error)
{
    nnsm_h5 h5;
    *out = (nnsm_network){0};
    if (nnsm_h5_open(&h5, path, NNSM_H5_CHECK, NNSM_NETWORK_KIND, error) == NNSM_OK)
        (void)nnsm_network_read(out, &h5);
    return nnsm_h5_finish(&h5);
}
