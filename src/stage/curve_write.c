/* curve_write.c: the observables of one Hamiltonian, in an open results file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "stage/curve.h"
#include "stage/moves.h"
#include "stage/starts.h"
#include "stage/thermodynamics.h"

static void write_column(nnsm_h5 *h5, const nnsm_curve *curve, const char *group, nnsm_observable o, const char *what,
                         size_t member)
{
    double column[NNSM_CONFIG_TEMPERATURES];
    char name[128], text[160];
    for (size_t t = 0; t < curve->temperatures; t++)
        memcpy(&column[t], (const char *)&curve->cell[t * NNSM_OBSERVABLES + o] + member, sizeof(double));
    (void)snprintf(name, sizeof name, "%s/%s/%s", group, nnsm_observable_name(o), what);
    (void)snprintf(text, sizeof text, "%s of %s", what, nnsm_observable_description(o));
    bool value = strcmp(what, "mean") == 0 || strcmp(what, "error") == 0;
    nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, column,
                          value                      ? nnsm_observable_units(o)
                          : strcmp(what, "tau") == 0 ? "sweeps"
                                                     : "1",
                          text);
}

/* Cross-checks, and the anchor. */
static void write_free_energy(nnsm_h5 *h5, const nnsm_curve *curve, const char *group)
{
    char name[128];
    const char *units, *description;
    for (int k = 0; k < NNSM_F_COLUMNS; k++) {
        const char *column = nnsm_free_energy_column_text((nnsm_free_energy_column)k, &units, &description);
        (void)snprintf(name, sizeof name, "%s/free_energy/%s", group, column);
        nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, curve->free_energy + (size_t)k * curve->temperatures,
                              units, description);
    }
    (void)snprintf(name, sizeof name, "%s/free_energy", group);
    nnsm_h5_set_double(h5, name, "log_partition_T0", curve->log_partition);
    nnsm_h5_set_double(h5, name, "log_partition_T0_error", curve->log_partition_error);
    nnsm_h5_set_double(h5, name, "effective_samples_T0", curve->anchor_samples);
    nnsm_h5_set_text(h5, name, "log_partition_T0_meaning",
                     "ln Z(T0) / N, by ancestral samples of the network reweighted to this Hamiltonian");
}

/* A number a temperature, unless all of them are NaN. */
static void write_share(nnsm_h5 *h5, const nnsm_curve *curve, const char *group, const char *what, const double *share,
                        const char *description)
{
    char name[128];
    (void)snprintf(name, sizeof name, "%s/%s", group, what);
    for (size_t t = 0; t < curve->temperatures; t++)
        if (!isnan(share[t])) {
            nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, share, "1", description);
            return;
        }
}

/* Of moves of every kind. */
static void write_shares(nnsm_h5 *h5, const nnsm_run *run, const nnsm_curve *curve, const char *group)
{
    char what[64];
    write_share(h5, curve, group, "acceptance", curve->acceptance,
                "share of accepted flips; where surrogate_scale is a number, of self-learning proposals");
    write_share(
        h5, curve, group, "evaluated", curve->evaluated,
        "share of the screened flips that the couplings let pass, for which H was evaluated; NaN: not screened");
    write_share(h5, curve, group, "unscreened_acceptance", curve->unscreened,
                "share of accepted flips in the sweeps without a screen; NaN: no screen, or no such sweep");
    write_share(h5, curve, group, "regeneration_acceptance", curve->regenerated,
                "share of accepted suffixes redrawn from the network, one before every sweep or proposal");
    for (int m = 0; m < NNSM_MOVES && run->alphabet.count > 2; m++) {
        (void)snprintf(what, sizeof what, "move_acceptance/%s", nnsm_move_name((nnsm_move)m));
        write_share(h5, curve, group, what, curve->moved + (size_t)m * curve->temperatures,
                    "share of accepted moves of this kind");
    }
}

void nnsm_curve_write(nnsm_h5 *h5, const nnsm_run *run, const nnsm_curve *curve, const char *group, bool learned)
{
    char name[128];
    double trips[1024];
    size_t pairs = curve->temperatures - 1;
    for (int o = 0; o < NNSM_OBSERVABLES; o++) {
        if ((o == NNSM_ENERGY && !run->model_known) || (o == NNSM_LEARNED_ENERGY && !learned) ||
            (o == NNSM_ORDER && !nnsm_summary_orders(run)))
            continue;
        write_column(h5, curve, group, (nnsm_observable)o, "mean", offsetof(nnsm_cell, mean));
        write_column(h5, curve, group, (nnsm_observable)o, "error", offsetof(nnsm_cell, error));
        if (o >= NNSM_FREE_ENERGY)
            continue;
        write_column(h5, curve, group, (nnsm_observable)o, "tau", offsetof(nnsm_cell, tau));
        write_column(h5, curve, group, (nnsm_observable)o, "rhat", offsetof(nnsm_cell, rhat));
    }
    write_free_energy(h5, curve, group);
    write_shares(h5, run, curve, group);
    (void)snprintf(name, sizeof name, "%s/surrogate_scale", group);
    nnsm_h5_write_doubles(h5, name, 1, &curve->temperatures, curve->surrogate_scale, "1",
                          "a(T) of the surrogate a H_s in self-learning Monte Carlo; NaN: single flips");
    nnsm_h5_set_text(h5, group, "sampler",
                     curve->self_learning == curve->temperatures ? "self_learning"
                     : curve->self_learning                      ? "self_learning, metropolis where it was rejected"
                                                                 : "metropolis");
    if (curve->self_learning)
        nnsm_h5_set_text(h5, group, "proposals", curve->proposals);
    (void)snprintf(name, sizeof name, "%s/exchange_rate", group);
    if (pairs)
        nnsm_h5_write_doubles(h5, name, 1, &pairs, curve->exchange_rate, "1",
                              "share of accepted exchanges of temperature i with i + 1");
    for (size_t w = 0; w < curve->walkers; w++)
        trips[w] = (double)curve->round_trips[w];
    (void)snprintf(name, sizeof name, "%s/round_trips", group);
    nnsm_h5_write_doubles(h5, name, 1, &curve->walkers, trips, "1",
                          "trips of replicas from the first to the last temperature and back, by ladder");
    nnsm_starts_write(h5, curve, group);
}
