#include "lattice/multispin.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/vector.h"

enum {
    CHAINS = NNSM_MULTISPIN_CHAINS,
    DEGREE = 2 * NNSM_MAX_DIMENSIONS, /* most neighbours of a site */
    GROUP = 8,                        /* sites that may be updated at once: the widest vector of words */
    EAGER = 12,                       /* bits that are always drawn: then one of 64 words has an undecided chain */
    BITS = 32,                        /* of r_c */
    BLOCKS = GROUP * EAGER / 2,       /* blocks of 128 random bits for the eager bits of a group */
    RARE = 2 * (DEGREE + 1),
};
#define LATER 0x80000000u /* index of the first block of the bits that are not eager */

/* How sites with `degree` neighbours accept. The threshold is `usual` but in few cases: there the bits of `differs` are
 * the other way round. A case is a number of unlike neighbours and, in a field, the spin. */
typedef struct {
    int rare;
    uint32_t usual;
    uint64_t usual_bit[BITS]; /* all bits of a word or none, highest bit of the threshold first */
    struct {
        int unlike;
        uint64_t up, down; /* all bits where the case holds for this spin, else none */
        uint32_t differs;
        uint64_t differs_bit[BITS];
    } rarely[RARE];
} acceptance;

/* Sites that are not neighbours of each other and have equally many neighbours. Lanes from `sites` on are not used. */
typedef struct {
    int sites, degree;
    int32_t site[GROUP], neighbours[DEGREE][GROUP];
} group;

struct nnsm_multispin {
    size_t sites;
    nnsm_rng_key key;
    uint32_t first_chain;
    uint32_t threshold[DEGREE + 1][2][DEGREE + 1]; /* 2^32 a by number of neighbours, spin (1: up), unlike neighbours */
    acceptance of_degree[DEGREE + 1];
    uint64_t *word; /* [sites] */
    group *groups;  /* [sites], of which `count` are used; in checkerboard order */
    size_t count;
};

static void fill_thresholds(nnsm_multispin *m, const nnsm_ising *model, double temperature, double accepted)
{
    for (int degree = 0; degree <= DEGREE; degree++)
        for (int up = 0; up < 2; up++)
            for (int unlike = 0; unlike <= degree; unlike++) {
                double change = 2 * (model->coupling * (degree - 2 * unlike) + model->field * (2 * up - 1));
                m->threshold[degree][up][unlike] =
                    (uint32_t)(0x1p32 * accepted * (change > 0 ? exp(-change / temperature) : 1));
            }
}

/* The most frequent threshold is the usual one. */
static void fill_acceptance(acceptance *a, int degree, uint32_t (*threshold)[DEGREE + 1])
{
    int most = 0;
    for (int i = 0; i < 2 * (degree + 1); i++) {
        uint32_t candidate = threshold[i & 1][i >> 1];
        int alike = 0;
        for (int j = 0; j < 2 * (degree + 1); j++)
            alike += threshold[j & 1][j >> 1] == candidate;
        if (alike > most) {
            most = alike;
            a->usual = candidate;
        }
    }
    for (int unlike = 0; unlike <= degree; unlike++)
        for (int up = 0; up < 2; up++) {
            uint32_t differs = threshold[up][unlike] ^ a->usual;
            bool either = threshold[0][unlike] == threshold[1][unlike];
            if (!differs || (either && up))
                continue;
            a->rarely[a->rare].unlike = unlike;
            a->rarely[a->rare].up = up || either ? UINT64_MAX : 0;
            a->rarely[a->rare].down = !up || either ? UINT64_MAX : 0;
            a->rarely[a->rare++].differs = differs;
        }
    for (int bit = 0; bit < BITS; bit++) {
        a->usual_bit[bit] = -(uint64_t)(a->usual >> (BITS - 1 - bit) & 1);
        for (int k = 0; k < a->rare; k++)
            a->rarely[k].differs_bit[bit] = -(uint64_t)(a->rarely[k].differs >> (BITS - 1 - bit) & 1);
    }
}

static int parity_of(const nnsm_lattice *lattice, size_t site)
{
    int sum = 0;
    for (int a = NNSM_MAX_DIMENSIONS - 1; a >= 0; a--) {
        sum += (int)(site % (size_t)lattice->extent[a]);
        site /= (size_t)lattice->extent[a];
    }
    return sum % 2;
}

/* Whether site i may be updated at once with the members of g. */
static bool fits(const group *g, const nnsm_lattice *lattice, size_t i, int degree)
{
    if (g->sites == GROUP || g->degree != degree)
        return false;
    for (int k = 0; k < g->sites; k++)
        for (int d = 0; d < 2 * lattice->dimensions; d++)
            if (lattice->neighbours[i * 2 * (size_t)lattice->dimensions + (size_t)d] == g->site[k])
                return false;
    return true;
}

static void fill_groups(nnsm_multispin *m, const nnsm_lattice *lattice)
{
    size_t most = 2 * (size_t)lattice->dimensions;
    for (int parity = 0; parity < 2; parity++)
        for (size_t i = 0; i < lattice->sites; i++) {
            int degree = 0;
            int32_t there[DEGREE];
            for (size_t d = 0; d < most; d++)
                if (lattice->neighbours[i * most + d] >= 0)
                    there[degree++] = lattice->neighbours[i * most + d];
            if (parity_of(lattice, i) != parity)
                continue;
            if (!m->count || !fits(&m->groups[m->count - 1], lattice, i, degree))
                m->groups[m->count++].degree = degree;
            group *g = &m->groups[m->count - 1];
            g->site[g->sites] = (int32_t)i;
            for (int d = 0; d < degree; d++)
                g->neighbours[d][g->sites] = there[d];
            g->sites++;
        }
}

nnsm_status nnsm_multispin_create(nnsm_multispin **out, const nnsm_ising *model, double temperature, double accepted,
                                  nnsm_rng_key key, uint32_t first_chain, nnsm_error *error)
{
    nnsm_multispin *m = NULL;
    size_t sites = model->lattice->sites;
    *out = NULL;
    nnsm_status status = NNSM_NEW(&m, 1, "generator", error);
    if (status)
        return status;
    *m = (nnsm_multispin){.sites = sites, .key = key, .first_chain = first_chain};
    status = NNSM_NEW(&m->word, sites, "generator", error);
    if (!status)
        status = NNSM_NEW(&m->groups, sites, "generator", error);
    if (status) {
        nnsm_multispin_destroy(m);
        return status;
    }
    fill_thresholds(m, model, temperature, accepted);
    for (int degree = 0; degree <= DEGREE; degree++)
        fill_acceptance(&m->of_degree[degree], degree, m->threshold[degree]);
    fill_groups(m, model->lattice);
    for (size_t i = 0; i < sites; i++) {
        uint32_t random[4];
        nnsm_rng_block(key, NNSM_RNG_GENERATE_START, first_chain, 0, (uint32_t)i, random);
        m->word[i] = random[0] | (uint64_t)random[1] << 32;
    }
    *out = m;
    return NNSM_OK;
}

void nnsm_multispin_destroy(nnsm_multispin *multispin)
{
    if (!multispin)
        return;
    nnsm_release(multispin->word);
    nnsm_release(multispin->groups);
    nnsm_release(multispin);
}

/* Word `bit` of the bits of a site that are not eager: two a block. */
static uint64_t later_bits(const nnsm_multispin *m, uint32_t update, int32_t site, int bit)
{
    uint32_t random[4], at = (uint32_t)(bit - EAGER);
    uint32_t index = LATER + (uint32_t)site * ((BITS - EAGER) / 2) + at / 2;
    nnsm_rng_block(m->key, NNSM_RNG_GENERATE, m->first_chain, update, index, random);
    return random[at % 2 * 2] | (uint64_t)random[at % 2 * 2 + 1] << 32;
}

/* The eager bits of group `at`. */
static inline __attribute__((always_inline)) void eager_bits(const nnsm_multispin *m, uint32_t update, size_t at,
                                                             uint64_t eager[EAGER][GROUP])
{
    uint32_t random[4 * BLOCKS];
    nnsm_rng_run(m->key, NNSM_RNG_GENERATE, m->first_chain, update, (uint32_t)(at * BLOCKS), BLOCKS, random);
    for (int bit = 0; bit < EAGER; bit++)
        for (int i = 0; i < GROUP; i++)
            eager[bit][i] = random[2 * (bit * GROUP + i)] | (uint64_t)random[2 * (bit * GROUP + i) + 1] << 32;
}

/* One site of which the eager bits left chains undecided. -> the chains that accept. */
static uint64_t decide_later(const nnsm_multispin *m, uint32_t update, int32_t site, const acceptance *a,
                             const uint64_t rarely[RARE], uint64_t undecided)
{
    uint64_t below = 0;
    for (int bit = EAGER; bit < BITS && undecided; bit++) {
        uint64_t threshold = a->usual_bit[bit], random = later_bits(m, update, site, bit);
        for (int k = 0; k < a->rare; k++)
            threshold ^= rarely[k] & a->rarely[k].differs_bit[bit];
        below |= undecided & ~random & threshold;
        undecided &= ~(random ^ threshold);
    }
    return below;
}

#define LANES 8
#include "lattice/multispin_group.h"
#define LANES 4
#include "lattice/multispin_group.h"
#define LANES 2
#include "lattice/multispin_group.h"

static inline __attribute__((always_inline)) void update_group(nnsm_multispin *m, uint32_t update, const group *g,
                                                               int degree, const uint64_t (*eager)[GROUP], int lanes)
{
    for (int first = 0; first < g->sites; first += lanes)
        if (lanes == 8)
            update_8(m, update, g, first, degree, eager);
        else if (lanes == 4)
            update_4(m, update, g, first, degree, eager);
        else
            update_2(m, update, g, first, degree, eager);
}

NNSM_MULTIVERSION
void nnsm_multispin_sweep(nnsm_multispin *m, uint32_t update)
{
    uint64_t eager[EAGER][GROUP];
    int floats = nnsm_register_floats(), lanes = floats == 16 ? 8 : floats == 8 ? 4 : 2;
    for (size_t at = 0; at < m->count; at++) {
        const group *g = &m->groups[at];
        eager_bits(m, update, at, eager);
        /* The degree of the square lattice is known to the compiler. */
        if (g->degree == 4)
            update_group(m, update, g, 4, (const uint64_t(*)[GROUP])eager, lanes);
        else
            update_group(m, update, g, g->degree, (const uint64_t(*)[GROUP])eager, lanes);
    }
}

void nnsm_multispin_sweep_reference(nnsm_multispin *m, uint32_t update)
{
    uint64_t eager[EAGER][GROUP];
    for (size_t at = 0; at < m->count; at++) {
        const group *g = &m->groups[at];
        eager_bits(m, update, at, eager);
        for (int i = 0; i < g->sites; i++)
            for (int c = 0; c < CHAINS; c++) {
                int spin = (int)(m->word[g->site[i]] >> c & 1), unlike = 0;
                uint32_t random = 0;
                for (int d = 0; d < g->degree; d++)
                    unlike += (int)(m->word[g->neighbours[d][i]] >> c & 1) != spin;
                for (int bit = 0; bit < BITS; bit++) {
                    uint64_t bits = bit < EAGER ? eager[bit][i] : later_bits(m, update, g->site[i], bit);
                    random = random << 1 | (uint32_t)(bits >> c & 1);
                }
                if (random < m->threshold[g->degree][spin][unlike])
                    m->word[g->site[i]] ^= (uint64_t)1 << c;
            }
    }
}

void nnsm_multispin_read(const nnsm_multispin *m, int8_t *configurations)
{
    for (size_t c = 0; c < CHAINS; c++)
        for (size_t i = 0; i < m->sites; i++)
            configurations[c * m->sites + i] = (int8_t)(2 * (int)(m->word[i] >> c & 1) - 1);
}

void nnsm_multispin_write(nnsm_multispin *m, const int8_t *configurations)
{
    for (size_t i = 0; i < m->sites; i++)
        m->word[i] = 0;
    for (size_t c = 0; c < CHAINS; c++)
        for (size_t i = 0; i < m->sites; i++)
            m->word[i] |= (uint64_t)(configurations[c * m->sites + i] > 0) << c;
}
