/* order.c: the orders in which the network takes the sites. */
#include "made/network.h"

/* Coordinates of site i, row-major. */
static void coordinates(int32_t site, int dimensions, const int *extent, int *coordinate)
{
    for (int a = dimensions - 1; a >= 0; a--) {
        coordinate[a] = site % extent[a];
        site /= extent[a];
    }
}

/* Boustrophedon: an axis runs backwards when the sum of the slower coordinates is odd, so that neighbours in the order
 * are neighbours on the lattice. */
static int32_t snake_site(int32_t index, int dimensions, const int *extent)
{
    int coordinate[NNSM_MAX_DIMENSIONS];
    coordinates(index, dimensions, extent, coordinate);
    int32_t site = 0;
    int slower = 0; /* parity of the slower coordinates as they are counted, not as they are visited */
    for (int a = 0; a < dimensions; a++) {
        int c = slower % 2 ? extent[a] - 1 - coordinate[a] : coordinate[a];
        slower = slower * extent[a] + coordinate[a];
        site = site * extent[a] + c;
    }
    return site;
}

static void fill_checkerboard(int dimensions, const int *extent, int32_t count, int32_t *sites)
{
    size_t next = 0;
    for (int parity = 0; parity < 2; parity++)
        for (int32_t i = 0; i < count; i++) {
            int coordinate[NNSM_MAX_DIMENSIONS], sum = 0;
            coordinates(i, dimensions, extent, coordinate);
            for (int a = 0; a < dimensions; a++)
                sum += coordinate[a];
            if (sum % 2 == parity)
                sites[next++] = i;
        }
}

void nnsm_order_fill(nnsm_order order, int dimensions, const int *extent, uint64_t seed, int32_t *sites)
{
    int32_t count = 1;
    for (int a = 0; a < dimensions; a++)
        count *= extent[a];
    for (int32_t i = 0; i < count; i++)
        sites[i] = order == NNSM_SNAKE ? snake_site(i, dimensions, extent) : i;
    if (order == NNSM_CHECKERBOARD)
        fill_checkerboard(dimensions, extent, count, sites);
    if (order == NNSM_RANDOM) {
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(nnsm_rng_key_from_seed(seed), NNSM_RNG_ORDER, 0, 0);
        for (int32_t i = count - 1; i > 0; i--) {
            int32_t j = (int32_t)nnsm_rng_below(&draw, (uint32_t)i + 1), swap = sites[i];
            sites[i] = sites[j];
            sites[j] = swap;
        }
    }
}
