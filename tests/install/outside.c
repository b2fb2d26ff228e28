/* outside.c NETWORK: load a network file and print H = -T0 log p of the all-up and a striped configuration. */
#include <stdio.h>
#include <stdlib.h>

#include <nnsm/network.h>

int main(int argc, char **argv)
{
    nnsm_error error;
    nnsm_network network;
    nnsm_network_workspace workspace;
    if (argc != 2 || nnsm_network_open(&network, argv[1], &error) != NNSM_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? error.message : "usage: outside NETWORK");
        return 1;
    }
    nnsm_network_shape shape = nnsm_network_shape_of(&network);
    size_t sites = shape.sites;
    int8_t *spins = malloc(2 * sites);
    double log_p[2];
    if (!spins || nnsm_network_workspace_create(&workspace, &network, 2, &error) != NNSM_OK)
        return 1;
    for (size_t i = 0; i < sites; i++) {
        spins[i] = 1;
        spins[sites + i] = i % 2 ? 1 : -1;
    }
    nnsm_network_log_probability(&network, &workspace, spins, 2, log_p);
    printf("%.4f %.4f\n", -shape.temperature * log_p[0], -shape.temperature * log_p[1]);
    nnsm_network_workspace_destroy(&workspace);
    nnsm_network_destroy(&network);
    free(spins);
    return 0;
}
