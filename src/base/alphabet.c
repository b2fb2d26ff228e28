#include "nnsm/alphabet.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

nnsm_alphabet nnsm_alphabet_spins(void)
{
    return (nnsm_alphabet){.count = 2, .value = {-1, 1}};
}

nnsm_status nnsm_alphabet_create(nnsm_alphabet *alphabet, size_t count, const int64_t *values, bool labels,
                                 nnsm_error *error)
{
    *alphabet = (nnsm_alphabet){.labels = labels};
    if (count < 2 || count > NNSM_MAX_VALUES)
        return nnsm_fail(error, NNSM_USAGE, "alphabet of %zu values; it needs 2 to %d", count, NNSM_MAX_VALUES);
    for (size_t i = 0; i < count; i++) {
        if (values[i] < INT32_MIN || values[i] > INT32_MAX)
            return nnsm_fail(error, NNSM_USAGE, "alphabet value %" PRId64 " is beyond 32 bits", values[i]);
        int at = alphabet->count;
        while (at > 0 && alphabet->value[at - 1] > values[i])
            at--;
        if (at > 0 && alphabet->value[at - 1] == values[i])
            return nnsm_fail(error, NNSM_USAGE, "alphabet value %" PRId64 " is given twice", values[i]);
        memmove(alphabet->value + at + 1, alphabet->value + at,
                (size_t)(alphabet->count - at) * sizeof *alphabet->value);
        alphabet->value[at] = (int32_t)values[i];
        alphabet->count++;
    }
    return NNSM_OK;
}

bool nnsm_alphabet_state(const nnsm_alphabet *alphabet, int64_t value, int8_t *state)
{
    for (int k = 0; k < alphabet->count; k++)
        if (alphabet->value[k] == value) {
            *state = (int8_t)(alphabet->count == 2 ? 2 * k - 1 : k);
            return true;
        }
    return false;
}

bool nnsm_alphabet_equal(const nnsm_alphabet *a, const nnsm_alphabet *b)
{
    return a->count == b->count && a->labels == b->labels && memcmp(a->value, b->value, sizeof a->value) == 0;
}

bool nnsm_alphabet_shifted(const nnsm_alphabet *alphabet)
{
    return alphabet->count == 2 && !alphabet->labels && alphabet->value[0] != -alphabet->value[1];
}

bool nnsm_alphabet_symmetric(const nnsm_alphabet *alphabet)
{
    for (int k = 0; k < alphabet->count; k++)
        if (alphabet->value[k] != -alphabet->value[alphabet->count - 1 - k])
            return false;
    return !alphabet->labels;
}

double nnsm_alphabet_order(const nnsm_alphabet *alphabet, size_t sites, const int8_t *states)
{
    int64_t count[NNSM_MAX_VALUES] = {0}, most = 0, total = 0;
    if (alphabet->count == 2) {
        int64_t sum = 0;
        for (size_t i = 0; i < sites; i++)
            sum += states[i];
        count[0] = ((int64_t)sites - sum) / 2;
        count[1] = ((int64_t)sites + sum) / 2;
    } else
        for (size_t i = 0; i < sites; i++)
            count[states[i]]++;
    for (int k = 0; k < alphabet->count; k++) {
        most = count[k] > most ? count[k] : most;
        total += count[k] * alphabet->value[k];
    }
    if (alphabet->labels)
        return ((double)(alphabet->count * most) / (double)sites - 1) / (alphabet->count - 1);
    return (double)total / (double)sites;
}

void nnsm_alphabet_text(const nnsm_alphabet *alphabet, char *text, size_t size)
{
    size_t used = 0;
    for (int k = 0; k < alphabet->count && used < size; k++)
        used += (size_t)snprintf(text + used, size - used, k ? " %d" : "%d", (int)alphabet->value[k]);
}
