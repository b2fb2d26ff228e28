/* outside.c NETWORK: load a network file and print H = -T0 log p of the all-up and a striped configuration. */
#include <stdio.h>
#include <stdlib.h>

#include <nnsm/made.h>

int main(int argc, char **argv)
{
    nnsm_error error;
    nnsm_made *made;
    nnsm_made_workspace *workspace;
    if (argc != 2 || nnsm_made_open(&made, argv[1], &error) != NNSM_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? error.message : "usage: outside NETWORK");
        return 1;
    }
    size_t sites = nnsm_made_sites(made);
    int8_t *spins = malloc(2 * sites);
    double log_p[2], temperature = nnsm_made_architecture(made)->temperature;
    if (!spins || nnsm_made_workspace_create(&workspace, made, 2, &error) != NNSM_OK)
        return 1;
    for (size_t i = 0; i < sites; i++) {
        spins[i] = 1;
        spins[sites + i] = i % 2 ? 1 : -1;
    }
    nnsm_made_log_probability(made, workspace, spins, 2, log_p);
    printf("%.4f %.4f\n", -temperature * log_p[0], -temperature * log_p[1]);
    nnsm_made_workspace_destroy(workspace);
    nnsm_made_destroy(made);
    free(spins);
    return 0;
}
