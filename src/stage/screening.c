#include "stage/screening.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "nnsm/metropolis.h"

/* More is missed: flips are rejected in vain. More pass: with one evaluation costing 1.6 times what it costs where all
 * chains are evaluated side by side (dense_chains_tile.c, dense_tile.c), nothing is gained. */
static const double most_missed = 0.5, most_passing = 0.6;

bool nnsm_screening_possible(const nnsm_run *run, const nnsm_network *network, const nnsm_couplings *couplings)
{
    return couplings->present && network->dense && run->alphabet.count == 2;
}

/* A flip changes, twice, about a site's share of what the couplings leave of H: a deviation of 2 sqrt(rest^2 / N), and
 * somewhat more where that is made of products of many spins. */
static double missed_in_a_flip(const nnsm_run *run, const nnsm_couplings *couplings)
{
    return 2 * couplings->residual / sqrt((double)run->lattice.sites);
}

/* Share of accepted flips of chains under the surrogate, spread over the temperatures, from random configurations. */
static nnsm_status find_passing(nnsm_screening *s, const nnsm_run *run, size_t temperatures, const double *temperature,
                                nnsm_error *error)
{
    enum { SWEEPS = 64, STREAM = 7 << 28 }; /* of which the second half counts; no other chains have this stream */
    size_t sites = run->lattice.sites;
    nnsm_tile tile = {0};
    int8_t *spins = NULL;
    double beta[NNSM_TILE], share = 0;
    nnsm_status status = nnsm_local_tile_create(&tile, &s->surrogate.local, error);
    if (!status)
        status = NNSM_NEW(&spins, NNSM_TILE * sites, "scan", error);
    if (!status) {
        nnsm_rng_sequence random = nnsm_rng_sequence_start(run->key, NNSM_RNG_SCAN, STREAM, SWEEPS);
        for (size_t i = 0; i < NNSM_TILE * sites; i++)
            spins[i] = nnsm_rng_uniform(&random) < 0.5 ? -1 : 1;
        tile.methods->load(tile.state, spins);
        for (size_t i = 0; i < NNSM_TILE; i++)
            beta[i] = 1 / temperature[i * temperatures / NNSM_TILE];
        for (uint32_t sweep = 0; sweep < SWEEPS; sweep++) {
            int64_t accepted[NNSM_TILE] = {0};
            nnsm_metropolis_sweep(&tile, run->key, STREAM, sweep, beta, accepted);
            for (size_t i = 0; i < NNSM_TILE && sweep >= SWEEPS / 2; i++)
                share += (double)accepted[i];
        }
        s->passing = share / (NNSM_TILE * (double)sites * (SWEEPS - SWEEPS / 2));
    }
    nnsm_tile_destroy(&tile);
    nnsm_release(spins);
    return status;
}

static nnsm_status decide(nnsm_screening *s, const nnsm_run *run, const nnsm_couplings *couplings, size_t temperatures,
                          const double *temperature, nnsm_error *error)
{
    nnsm_status status = nnsm_surrogate_create(&s->surrogate, &couplings->projected, couplings->error, error);
    s->lowest = temperature[0];
    s->missed = missed_in_a_flip(run, couplings) / s->lowest;
    s->verdict = s->missed > most_missed ? NNSM_SCREEN_MISSES : NNSM_SCREENED;
    if (!status && s->surrogate.kind == NNSM_NO_PROPOSALS)
        s->verdict = NNSM_SCREEN_EMPTY;
    if (status || s->verdict != NNSM_SCREENED)
        return status;
    status = find_passing(s, run, temperatures, temperature, error);
    if (s->passing > most_passing)
        s->verdict = NNSM_SCREEN_PASSES;
    return status;
}

nnsm_status nnsm_screening_create(nnsm_screening *screening, const nnsm_run *run, const nnsm_couplings *couplings,
                                  size_t temperatures, const double *temperature, size_t tiles, nnsm_error *error)
{
    nnsm_screening *s = screening;
    *s = (nnsm_screening){.tiles = tiles};
    nnsm_status status = decide(s, run, couplings, temperatures, temperature, error);
    if (!status && s->verdict == NNSM_SCREENED)
        status = NNSM_NEW(&s->tile, tiles, "scan", error);
    for (size_t t = 0; s->tile && t < tiles && !status; t++)
        status = nnsm_local_tile_create(&s->tile[t], &s->surrogate.local, error);
    if (status)
        nnsm_screening_destroy(s);
    return status;
}

void nnsm_screening_destroy(nnsm_screening *screening)
{
    nnsm_screening *s = screening;
    for (size_t t = 0; s->tile && t < s->tiles; t++)
        nnsm_tile_destroy(&s->tile[t]);
    nnsm_release(s->tile);
    nnsm_surrogate_destroy(&s->surrogate);
    *s = (nnsm_screening){0};
}

void nnsm_screening_describe(const nnsm_screening *screening, char *text, size_t size)
{
    const nnsm_screening *s = screening;
    char classes[200];
    nnsm_surrogate_describe(&s->surrogate, classes, sizeof classes);
    if (s->verdict == NNSM_SCREENED)
        (void)snprintf(text, size, "screened by %s", classes);
    else if (s->verdict == NNSM_SCREEN_EMPTY)
        (void)snprintf(text, size, "not screened: no coupling stands out of its error");
    else if (s->verdict == NNSM_SCREEN_MISSES)
        (void)snprintf(text, size, "not screened: the couplings miss about %.2g T in a flip at T = %g", s->missed,
                       s->lowest);
    else
        (void)snprintf(text, size, "not screened: %.2f of them would pass", s->passing);
}

bool nnsm_screening_at(const nnsm_screening *screening, uint32_t sweep)
{
    return screening->tile && sweep % NNSM_WHOLE_SWEEPS != 0;
}

/* Numbers below `end` that are multiples. */
static uint32_t multiples(uint32_t end)
{
    return (end + NNSM_WHOLE_SWEEPS - 1) / NNSM_WHOLE_SWEEPS;
}

uint32_t nnsm_screening_whole(uint32_t first, uint32_t last)
{
    return multiples(last) - multiples(first);
}
