#include "stage/convergence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stage/screening.h"

void nnsm_warn_of_range(nnsm_run *run, double temperature)
{
    const nnsm_config *c = run->config;
    double low = c->scan.temperatures[0], high = c->scan.temperatures[c->scan.temperatures_count - 1];
    if (temperature < low || temperature > high)
        nnsm_warn(&run->log,
                  "the scan from %g to %g does not hold the ensemble's temperature %g; are the units of "
                  "scan.temperatures right?",
                  low, high, temperature);
}

void nnsm_list_temperature(char *text, size_t size, double temperature)
{
    size_t used = strlen(text);
    if (used + 40 < size)
        (void)snprintf(text + used, size - used, "%s%g", used ? ", " : "", temperature);
    else if (used && text[used - 1] != '.')
        (void)snprintf(text + used, size - used, " ...");
}

void nnsm_warn_of_convergence(nnsm_run *run, const nnsm_curve *curve, const char *what)
{
    enum { TEXT = 200 };
    char apart[TEXT] = "", slow[TEXT] = "", gaps[TEXT] = "";
    const nnsm_config *c = run->config;
    int64_t trips = 0;
    for (size_t t = 0; t < curve->temperatures; t++) {
        const nnsm_cell *m = &curve->cell[t * NNSM_OBSERVABLES + NNSM_ABS_MAGNETIZATION];
        const nnsm_cell *h = &curve->cell[t * NNSM_OBSERVABLES + NNSM_LEARNED_ENERGY];
        const nnsm_cell *o = &curve->cell[t * NNSM_OBSERVABLES + NNSM_ORDER];
        if (m->rhat > 1.05 || h->rhat > 1.05 || (nnsm_summary_orders(run) && o->rhat > 1.05))
            nnsm_list_temperature(apart, TEXT, c->scan.temperatures[t]);
        if (isnan(m->error) || 50 * m->tau > (double)c->scan.sweeps * (double)c->scan.walkers)
            nnsm_list_temperature(slow, TEXT, c->scan.temperatures[t]);
        if (c->scan.exchange && !curve->self_learning && t + 1 < curve->temperatures && curve->exchange_rate[t] < 0.05)
            nnsm_list_temperature(gaps, TEXT, c->scan.temperatures[t]);
    }
    for (size_t w = 0; w < curve->walkers; w++)
        trips += curve->round_trips[w];
    if (apart[0])
        nnsm_warn(&run->log, "%s: walkers disagree (R-hat above 1.05) at T = %s; raise scan.sweeps or thermalization",
                  what, apart);
    if (slow[0])
        nnsm_warn(&run->log, "%s: too few sweeps for an error at T = %s; raise scan.sweeps", what, slow);
    if (gaps[0])
        nnsm_warn(&run->log, "%s: hardly any exchange from T = %s to the next; take smaller steps there", what, gaps);
    if (c->scan.exchange && !curve->self_learning && curve->temperatures > 1 && !trips)
        nnsm_warn(&run->log, "%s: no replica went from one end to the other and back; raise scan.sweeps", what);
}

void nnsm_warn_of_screen(nnsm_run *run, const nnsm_curve *curve, const char *what)
{
    static const double least = 0.8, sigmas = 4; /* of a count whose events are not quite independent */
    const nnsm_config *c = run->config;
    uint32_t first = (uint32_t)c->scan.thermalization, last = first + (uint32_t)c->scan.sweeps;
    double flips = (double)nnsm_screening_whole(first, last) * (double)c->scan.walkers * (double)run->lattice.sites;
    char where[200] = "";
    for (size_t t = 0; t < curve->temperatures; t++) {
        double counted = sqrt(curve->unscreened[t] * flips); /* NaN: there is no screen */
        if (counted > sigmas && curve->acceptance[t] < least * curve->unscreened[t] * (1 - sigmas / counted))
            nnsm_list_temperature(where, sizeof where, c->scan.temperatures[t]);
    }
    if (where[0])
        nnsm_warn(
            &run->log,
            "%s: at T = %s the couplings, which screen the flips, reject a fifth or more of what the network would "
            "accept: results hold, correlations are longer; raise scan.sweeps",
            what, where);
}

/* The chains against the reweighted ancestral samples: their largest difference, and a warning where it is more than
 * chance allows. */
void nnsm_check_against_samples(nnsm_run *run, const nnsm_scanned *scanned)
{
    enum { TEXT = 200 };
    static const nnsm_observable observable[NNSM_REWEIGHTED] = {NNSM_ABS_MAGNETIZATION, NNSM_ENERGY,
                                                                NNSM_LEARNED_ENERGY};
    char apart[TEXT] = "";
    const nnsm_curve *curve = &scanned->learned;
    double worst = 0, n = (double)run->lattice.sites;
    int reached = 0;
    for (size_t t = 0; t < curve->temperatures; t++) {
        double here = 0;
        for (int o = 0; o < NNSM_REWEIGHTED; o++) {
            const nnsm_cell *cell = &curve->cell[t * NNSM_OBSERVABLES + observable[o]];
            double unit = o == NNSM_REWEIGHTED_H ? n : 1;
            here = fmax(here,
                        fabs(nnsm_reweighted_pull(&scanned->reweighted, t, o, cell->mean * unit, cell->error * unit)));
        }
        reached += scanned->reweighted.effective[t] >= NNSM_LEAST_EFFECTIVE;
        worst = fmax(worst, here);
        if (here > 4)
            nnsm_list_temperature(apart, TEXT, run->config->scan.temperatures[t]);
    }
    if (reached)
        nnsm_say(&run->log,
                 "scan: reweighted ancestral samples reach %d temperatures; the chains differ by %.1f sigma "
                 "at most",
                 reached, worst);
    if (apart[0])
        nnsm_warn(&run->log, "scan: chains and reweighted ancestral samples disagree by more than 4 sigma at T = %s",
                  apart);
}

void nnsm_check_against_data(nnsm_run *run, const nnsm_summary *data, const nnsm_scanned *scanned)
{
    static const char *const names[] = {"|m|", "E/N"};
    const nnsm_reweighted *r = &scanned->reweighted;
    const double theirs[2][2] = {{data->magnetization, data->magnetization_error}, {data->energy, data->energy_error}};
    char text[200] = "";
    double worst = 0;
    for (int o = NNSM_REWEIGHTED_M; o <= NNSM_REWEIGHTED_E; o++) {
        double sum = 0, square = 0, n = (double)r->samples;
        if (isnan(theirs[o][0]) || isnan(theirs[o][1]))
            continue;
        for (size_t i = 0; i < r->samples; i++) {
            sum += r->sample[i][o] / n;
            square += r->sample[i][o] * r->sample[i][o] / n;
        }
        double error = sqrt(fmax(square - sum * sum, 0) / n), both = hypot(error, theirs[o][1]);
        double pull = fabs(sum - theirs[o][0]) / fmax(both, 1e-12);
        size_t used = strlen(text);
        (void)snprintf(text + used, sizeof text - used, "%s%s %.4f, of the data %.4f, %.1f sigma", used ? "; " : "",
                       names[o], sum, theirs[o][0], pull);
        worst = fmax(worst, pull);
    }
    if (worst > 4)
        nnsm_warn(&run->log,
                  "scan: the network is not at the distribution of its data: %s; more train.epochs, or another network",
                  text);
    else if (text[0])
        nnsm_say(&run->log, "scan: samples of the network at T0: %s", text);
}
