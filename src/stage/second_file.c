#include "stage/second_file.h"

#include "setup/agree.h"
#include "stage/opening.h"
#include "stage/samples.h"
#include "statistics/bennett.h"

size_t nnsm_second_position(const nnsm_config *config, double temperature)
{
    int t = 0;
    while (t < config->scan.temperatures_count && !nnsm_same_temperature(config->scan.temperatures[t], temperature))
        t++;
    return (size_t)t;
}

/* At another temperature some values of the network may not occur. */
static void adopt_alphabet(const nnsm_run *run, nnsm_ensemble_header *header)
{
    int8_t state;
    bool within = header->alphabet.labels == run->alphabet.labels;
    for (int k = 0; k < header->alphabet.count; k++)
        within = within && nnsm_alphabet_state(&run->alphabet, header->alphabet.value[k], &state);
    if (within)
        header->alphabet = run->alphabet;
}

static nnsm_status check_lattice(const nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header)
{
    if (!nnsm_run_has_lattice(run, header->dimensions, header->extent))
        return nnsm_h5_fail(h5, "trust.compare: its lattice is not that of the network%s",
                            run->windowing.latent         ? "; behind windows that are undone it must hold the sites"
                            : run->windowing.window.sites ? "; behind windows it must hold the sums"
                                                          : "");
    return NNSM_OK;
}

static nnsm_status check_rest(const nnsm_run *run, nnsm_h5 *h5, const nnsm_ensemble_header *header, nnsm_error *error)
{
    const nnsm_config *c = run->config;
    if (!nnsm_alphabet_equal(&header->alphabet, &run->alphabet))
        return nnsm_h5_fail(h5, "trust.compare: the values of its sites are not those of the network");
    if (header->configurations < 2 * NNSM_BLOCKS)
        return nnsm_h5_fail(h5, "trust.compare: %zu configurations are too few for an error; %d are the least",
                            header->configurations, 2 * NNSM_BLOCKS);
    if (nnsm_second_position(c, header->temperature) == (size_t)c->scan.temperatures_count)
        return nnsm_fail(error, NNSM_USAGE,
                         "trust.compare: %.400s is at T = %g, which is not scanned; add it to scan.temperatures",
                         c->trust.compare, header->temperature);
    return NNSM_OK;
}

nnsm_status nnsm_second_open(nnsm_run *run, nnsm_h5 *h5, nnsm_ensemble_header *header, nnsm_error *error)
{
    nnsm_status status = nnsm_open_configurations(run, run->config->trust.compare, h5, header, error);
    if (!status)
        status = nnsm_agree(run->world, check_lattice(run, h5, header), error); /* before all of it is looked at */
    if (!status)
        status = nnsm_find_states(run, h5, header, NNSM_VOTE_SECOND, error);
    if (status)
        return status;
    adopt_alphabet(run, header);
    return nnsm_agree(run->world, check_rest(run, h5, header, error), error);
}
