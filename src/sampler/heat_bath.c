#include "sampler/heat_bath.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { T = NNSM_TILE };

static const int8_t nobody[T] = {0}; /* second state of the terms of one site */

nnsm_status nnsm_heat_bath_create(nnsm_heat_bath *bath, const nnsm_local *local, nnsm_error *error)
{
    const nnsm_operators *o = local->operators;
    size_t square = (size_t)(o->values * o->values);
    *bath = (nnsm_heat_bath){.operators = o, .values = (size_t)o->values};
    nnsm_status status = NNSM_NEW(&bath->weight, o->classes * square, "self-learning", error);
    for (size_t i = 0; i < o->classes * square && !status; i++)
        bath->weight[i] = -local->coupling[i / square] * o->table[i];
    return status;
}

void nnsm_heat_bath_destroy(nnsm_heat_bath *bath)
{
    nnsm_release(bath->weight);
    *bath = (nnsm_heat_bath){0};
}

void nnsm_heat_bath_energy(const nnsm_heat_bath *bath, const int8_t *states, double *energy)
{
    const nnsm_operators *o = bath->operators;
    size_t q = bath->values;
    memset(energy, 0, T * sizeof *energy);
    for (size_t k = 0; k < o->terms; k++) {
        const double *w = bath->weight + (size_t)o->class_of[k] * q * q;
        const int8_t *a = states + (size_t)o->site[k][0] * T,
                     *b = o->site[k][1] < 0 ? nobody : states + o->site[k][1] * T;
        for (size_t c = 0; c < T; c++)
            energy[c] += w[(size_t)a[c] * q + (size_t)b[c]];
    }
}

/* field: out, [T][values], energy of the terms that hold the site with each value there; tables are symmetric. */
static void find_field(const nnsm_heat_bath *bath, const int8_t *states, size_t site, double *field)
{
    const nnsm_operators *o = bath->operators;
    size_t q = bath->values;
    memset(field, 0, T * q * sizeof *field);
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++) {
        const int32_t *pair = o->site[o->touching[k]];
        const double *w = bath->weight + (size_t)o->class_of[o->touching[k]] * q * q;
        const int8_t *other = pair[1] < 0 ? nobody : states + (size_t)((size_t)pair[0] == site ? pair[1] : pair[0]) * T;
        for (size_t c = 0; c < T; c++)
            for (size_t v = 0; v < q; v++)
                field[c * q + v] += pair[1] < 0 ? w[v * q] : w[(size_t)other[c] * q + v];
    }
}

/* The value at which the rising sum of exp(-strength field) passes a share of the whole, in (0, 1). */
static int8_t draw(const double *field, size_t values, double strength, double share)
{
    double weight[NNSM_MAX_VALUES], least = field[0], sum = 0;
    for (size_t v = 1; v < values; v++)
        least = fmin(least, field[v]);
    for (size_t v = 0; v < values; v++)
        sum += weight[v] = exp(strength * (least - field[v]));
    size_t v = 0;
    for (double left = share * sum - weight[0]; left >= 0 && v + 1 < values; left -= weight[v])
        v++;
    return (int8_t)v;
}

void nnsm_heat_bath_walk(const nnsm_heat_bath *bath, nnsm_rng_key key, uint32_t stream, uint32_t step,
                         const double *strength, const int *palindromes, int8_t *states, int32_t *changes)
{
    size_t sites = bath->operators->sites;
    double field[T * NNSM_MAX_VALUES];
    uint32_t random[4 * T], draws = 0;
    int most = 0;
    for (size_t c = 0; c < T; c++)
        most = palindromes[c] > most ? palindromes[c] : most;
    for (int n = 0; n < most; n++)
        for (size_t i = 0; i < 2 * sites; i++, draws++) {
            size_t site = i < sites ? i : 2 * sites - 1 - i;
            int8_t *own = states + site * T;
            if (draws % 4 == 0)
                nnsm_rng_blocks(key, NNSM_RNG_HEAT_BATH, stream, T, step, draws / 4, random);
            find_field(bath, states, site, field);
            for (size_t c = 0; c < T; c++) {
                if (n >= palindromes[c])
                    continue;
                int8_t next = draw(field + c * bath->values, bath->values, strength[c],
                                   (random[draws % 4 * T + c] + 0.5) * 0x1p-32);
                changes[c] += next != own[c];
                own[c] = next;
            }
        }
}
