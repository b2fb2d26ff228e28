#include <math.h>

#include "base/memory.h"
#include "nnsm/metropolis.h"

nnsm_status nnsm_ladders_create(nnsm_ladders *ladders, size_t temperatures, const double *temperature, size_t walkers,
                                nnsm_error *error)
{
    *ladders = (nnsm_ladders){.temperatures = temperatures, .walkers = walkers};
    size_t chains = temperatures * walkers;
    nnsm_status status = NNSM_NEW(&ladders->beta, temperatures, "replica exchange", error);
    if (!status)
        status = NNSM_NEW(&ladders->chain_at, chains, "replica exchange", error);
    if (!status)
        status = NNSM_NEW(&ladders->temperature_of, chains, "replica exchange", error);
    if (!status)
        status = NNSM_NEW(&ladders->extreme, chains, "replica exchange", error);
    if (!status)
        status = NNSM_NEW(&ladders->attempted, temperatures, "replica exchange", error);
    if (!status)
        status = NNSM_NEW(&ladders->exchanged, temperatures, "replica exchange", error);
    if (!status)
        status = NNSM_NEW(&ladders->round_trips, walkers, "replica exchange", error);
    if (status) {
        nnsm_ladders_destroy(ladders);
        return status;
    }
    for (size_t t = 0; t < temperatures; t++)
        ladders->beta[t] = 1 / temperature[t];
    for (size_t c = 0; c < chains; c++) {
        ladders->chain_at[c] = (int32_t)c;
        ladders->temperature_of[c] = (int32_t)(c / walkers);
    }
    return NNSM_OK;
}

void nnsm_ladders_destroy(nnsm_ladders *ladders)
{
    if (!ladders)
        return;
    nnsm_release(ladders->beta);
    nnsm_release(ladders->chain_at);
    nnsm_release(ladders->temperature_of);
    nnsm_release(ladders->extreme);
    nnsm_release(ladders->attempted);
    nnsm_release(ladders->exchanged);
    nnsm_release(ladders->round_trips);
    *ladders = (nnsm_ladders){0};
}

/* A round trip ends when a chain that saw the last temperature is back at the first one. */
static void count_round_trips(nnsm_ladders *l, size_t walker)
{
    int32_t first = l->chain_at[walker], last = l->chain_at[(l->temperatures - 1) * l->walkers + walker];
    if (l->extreme[first] == 2)
        l->round_trips[walker]++;
    l->extreme[first] = 1;
    if (l->extreme[last] == 1)
        l->extreme[last] = 2;
}

void nnsm_ladders_exchange(nnsm_ladders *ladders, size_t first, size_t end, nnsm_rng_key key, uint32_t stream,
                           uint32_t attempt, const double *energy)
{
    nnsm_ladders *l = ladders;
    for (size_t w = first; w < end && l->temperatures > 1; w++) {
        for (size_t t = attempt % 2; t + 1 < l->temperatures; t += 2) {
            int32_t *a = &l->chain_at[t * l->walkers + w], *b = &l->chain_at[(t + 1) * l->walkers + w];
            double exponent = (l->beta[t] - l->beta[t + 1]) * (energy[*a] - energy[*b]);
            uint32_t random[4];
            nnsm_rng_block(key, NNSM_RNG_EXCHANGE, stream + (uint32_t)w, attempt, (uint32_t)t, random);
            l->attempted[t]++;
            if (exponent < 0 && random[0] * 0x1p-32 >= exp(exponent))
                continue;
            int32_t swap = *a;
            *a = *b;
            *b = swap;
            l->temperature_of[*a] = (int32_t)t;
            l->temperature_of[*b] = (int32_t)t + 1;
            l->exchanged[t]++;
        }
        count_round_trips(l, w);
    }
}
