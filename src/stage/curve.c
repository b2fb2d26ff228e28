#include "stage/curve.h"

#include "base/memory.h"
#include "stage/starts.h"

static const struct {
    const char *name, *units, *description;
} observable_text[NNSM_OBSERVABLES] = {
    {"abs_magnetization", "1",
     "<|m|>, m = sum of the values / N; of labels (q n - N) / (q N - N), n sites having the most frequent of q"},
    {"magnetization", "1", "<m>"},
    {"magnetization2", "1", "<m^2>"},
    {"magnetization4", "1", "<m^4>"},
    {"energy", "energy per site", "energy of the known model"},
    {"learned_energy", "energy per site", "H of the Hamiltonian that was scanned; learned: -T0 log p"},
    {"heat_capacity", "k_B per site", "(<H^2> - <H>^2) / (N T^2) of the Hamiltonian that was scanned"},
    {"susceptibility", "1 / energy", "N (<m^2> - <|m|>^2) / T, behind windows with N sites below them"},
    {"binder", "1", "1 - <m^4> / (3 <m^2>^2)"},
    {"order_parameter", "1",
     "staggered |m|; Baxter-Wu: rms of sublattices; potts: (q max n - N) / (q N - N); clock: |sum exp(2 pi i s / q)| / "
     "N"},
    {"free_energy", "energy per site", "F(T) - F(T0), F = -T ln Z"},
    {"entropy", "k_B per site", "S = (<H> - F) / T, absolute"},
};

const char *nnsm_observable_name(nnsm_observable observable)
{
    return observable_text[observable].name;
}

const char *nnsm_observable_units(nnsm_observable observable)
{
    return observable_text[observable].units;
}

const char *nnsm_observable_description(nnsm_observable observable)
{
    return observable_text[observable].description;
}

nnsm_status nnsm_curve_create(nnsm_curve *curve, size_t temperatures, size_t walkers, double proposals_per_second,
                              nnsm_error *error)
{
    *curve =
        (nnsm_curve){.temperatures = temperatures, .walkers = walkers, .proposals_per_second = proposals_per_second};
    nnsm_status status = NNSM_NEW(&curve->cell, temperatures * NNSM_OBSERVABLES, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->by_start, temperatures * NNSM_STARTS, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->acceptance, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->exchange_rate, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->surrogate_scale, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->regenerated, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->evaluated, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->unscreened, temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->moved, NNSM_MOVES * temperatures, "results", error);
    if (!status)
        status = NNSM_NEW(&curve->round_trips, walkers, "results", error);
    return status;
}

void nnsm_curve_destroy(nnsm_curve *curve)
{
    nnsm_release(curve->cell);
    nnsm_release(curve->by_start);
    nnsm_release(curve->acceptance);
    nnsm_release(curve->exchange_rate);
    nnsm_release(curve->surrogate_scale);
    nnsm_release(curve->regenerated);
    nnsm_release(curve->evaluated);
    nnsm_release(curve->unscreened);
    nnsm_release(curve->moved);
    nnsm_release(curve->round_trips);
    nnsm_release(curve->free_energy);
    *curve = (nnsm_curve){0};
}
