/* multispin_group.h: the update of LANES sites of a group, whose words fill one register. Included by multispin.c once
 * for each length of register, as GCC keeps vectors that are longer in memory. Defines update_LANES. */
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define WORDS JOIN(words_, LANES)
#define UPDATE JOIN(update_, LANES)

typedef uint64_t WORDS __attribute__((vector_size(LANES * sizeof(uint64_t))));

/* Sites first ... first + LANES - 1. */
static inline __attribute__((always_inline)) void UPDATE(nnsm_multispin *m, uint32_t update, const group *g, int first,
                                                         int degree, const uint64_t (*eager)[GROUP])
{
    const acceptance *a = &m->of_degree[degree];
    WORDS spin = {0}, ones = {0}, twos = {0}, fours = {0}, rarely[RARE], below = {0}, undecided = ~below;
    for (int i = 0; i < LANES; i++)
        spin[i] = m->word[g->site[first + i]];
    for (int d = 0; d < degree; d++) { /* count the unlike neighbours */
        WORDS unlike = {0};
        for (int i = 0; i < LANES; i++)
            unlike[i] = m->word[g->neighbours[d][first + i]];
        unlike ^= spin;
        WORDS carry = ones & unlike;
        ones ^= unlike;
        fours ^= twos & carry;
        twos ^= carry;
    }
    for (int k = 0; k < a->rare; k++) {
        int n = a->rarely[k].unlike;
        rarely[k] = (n & 1 ? ones : ~ones) & (n & 2 ? twos : ~twos) & (n & 4 ? fours : ~fours) &
                    ((spin & a->rarely[k].up) | (~spin & a->rarely[k].down));
    }
    for (int bit = 0; bit < EAGER; bit++) {
        WORDS threshold = a->usual_bit[bit] - (WORDS){0}, random;
        memcpy(&random, eager[bit] + first, sizeof random);
        for (int k = 0; k < a->rare; k++)
            threshold ^= rarely[k] & a->rarely[k].differs_bit[bit];
        below |= undecided & ~random & threshold;
        undecided &= ~(random ^ threshold);
    }
    for (int i = 0; i < LANES && first + i < g->sites; i++) {
        uint64_t flips = below[i];
        if (undecided[i]) {
            uint64_t cases[RARE];
            for (int k = 0; k < a->rare; k++)
                cases[k] = rarely[k][i];
            flips |= decide_later(m, update, g->site[first + i], a, cases, undecided[i]);
        }
        m->word[g->site[first + i]] = spin[i] ^ flips;
    }
}

#undef JOIN_
#undef JOIN
#undef WORDS
#undef UPDATE
#undef LANES
