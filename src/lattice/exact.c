#include "lattice/exact.h"

#include <assert.h>
#include <math.h>

#include "lattice/exact_states.h"
#include "lattice/jet.h"

/* acosh(a) for a > 1. */
static jet arc_cosh(jet a)
{
    double root = sqrt(a.value * a.value - 1);
    return compose(a, acosh(a.value), 1 / root, -a.value / (root * root * root));
}

/* log(exp(a) + exp(b)); what is smaller by more than exp(300) is left out. */
static jet log_sum(jet a, jet b)
{
    if (b.value > a.value)
        return log_sum(b, a);
    if (!(b.value - a.value > -300))
        return a;
    return add(a, logarithm(add(constant(1), exponential(add(b, scale(-1, a))))));
}

/* log of prod_r [2 cosh(m g_r / 2)] + prod_r [2 sinh(m g_r / 2)] over the r of one parity: every factor is
 * exp(m |g| / 2) (1 +- t), t = exp(-m |g|). Above T_c g_0 < 0 makes the second product negative; the two then nearly
 * cancel, so their sum S and difference D are built side by side from terms that are all positive:
 * S' = S + t D, D' = D + t S. */
static jet log_products(const jet *gamma, int count, double m)
{
    jet exponent = constant(0), sum = constant(2), difference = constant(0);
    bool negative = false;
    for (int r = 0; r < count; r++) {
        bool below = gamma[r].value < 0; /* only gamma_0 changes sign, at T_c */
        jet positive = scale(below ? -1 : 1, gamma[r]), tail = exponential(scale(-m, positive));
        jet next = add(sum, multiply(tail, difference));
        exponent = add(exponent, scale(m / 2, positive));
        difference = add(difference, multiply(tail, sum));
        sum = next;
        negative = negative != below;
    }
    jet pair = negative ? difference : sum;
    return pair.value > 1e-140 ? add(exponent, logarithm(pair)) : constant(-INFINITY);
}

/* B. Kaufman, Phys. Rev. 76, 1232 (1949), in the notation of Ferdinand and Fisher, Phys. Rev. 185, 832 (1969), Eq. 2.3:
 *   Z = 1/2 (2 sinh 2K)^(mn/2) [ prod 2cosh(m g_{2r+1}/2) + prod 2sinh(m g_{2r+1}/2)
 *                              + prod 2cosh(m g_{2r}/2)   + prod 2sinh(m g_{2r}/2) ],  r = 0 ... n-1,
 *   cosh g_l = cosh 2K coth 2K - cos(l pi / n),  g_0 = 2K + ln tanh K,  K = beta J. */
static jet kaufman(int m, int n, double coupling, double beta)
{
    enum { MAX_EXTENT = 4096 };
    assert(n <= MAX_EXTENT);
    jet b = {beta, 1, 0}, k = scale(coupling, b), k2 = scale(2, k);
    jet growing = exponential(k2), falling = exponential(scale(-1, k2));
    jet sinh2 = scale(0.5, add(growing, scale(-1, falling))), cosh2 = scale(0.5, add(growing, falling));
    jet log_sinh2 = logarithm(sinh2);
    jet ratio = multiply(multiply(cosh2, cosh2), exponential(scale(-1, log_sinh2)));
    jet odd[MAX_EXTENT], even[MAX_EXTENT];
    for (int r = 0; r < n; r++) {
        odd[r] = arc_cosh(add(ratio, constant(-cos((2 * r + 1) * M_PI / n))));
        if (r)
            even[r] = arc_cosh(add(ratio, constant(-cos(2 * r * M_PI / n))));
    }
    jet tanh_k = multiply(add(growing, constant(-1)), exponential(scale(-1, logarithm(add(growing, constant(1))))));
    even[0] = add(k2, logarithm(tanh_k));
    jet pairs = log_sum(log_products(odd, n, m), log_products(even, n, m));
    return add(add(pairs, constant(-log(2))), scale(0.5 * m * n, add(log_sinh2, constant(log(2)))));
}

/* One dimension: transfer matrix T(s, s') = exp(K s s' + b h (s + s') / 2), eigenvalues
 *   lambda = exp(K) cosh(bh) +- sqrt(exp(2K) sinh^2(bh) + exp(-2K)). */
static jet chain(const nnsm_ising *model, double beta)
{
    jet b = {beta, 1, 0}, k = scale(model->coupling, b), h = scale(model->field, b);
    jet up = exponential(h), down = exponential(scale(-1, h));
    jet cosh_h = scale(0.5, add(up, down)), sinh_h = scale(0.5, add(up, scale(-1, down)));
    jet growing = exponential(k),
        root2 = add(multiply(multiply(growing, growing), multiply(sinh_h, sinh_h)), exponential(scale(-2, k)));
    jet root = exponential(scale(0.5, logarithm(root2)));
    jet centre = multiply(growing, cosh_h), large = add(centre, root), small = add(centre, scale(-1, root));
    double n = (double)model->lattice->sites;
    jet log_large = logarithm(large);
    jet ratio = multiply(small, exponential(scale(-1, log_large)));
    if (model->lattice->periodic) { /* Z = large^N (1 + ratio^N) */
        double p = pow(ratio.value, n), p1 = n * pow(ratio.value, n - 1), p2 = n * (n - 1) * pow(ratio.value, n - 2);
        return add(scale(n, log_large), logarithm(add(constant(1), compose(ratio, p, p1, p2))));
    }
    /* Open: Z = v^T T^(N-1) v, v = exp(bh s / 2); with w(+-) = the weights of v on the two eigenvectors,
     * w = (v.v +- (v^T (T - centre) v) / root) / 2. */
    jet overlap =
        add(multiply(multiply(growing, sinh_h), add(up, scale(-1, down))), scale(2, exponential(scale(-1, k))));
    overlap = multiply(overlap, exponential(scale(-1, logarithm(root))));
    jet sum = add(up, down), w_large = scale(0.5, add(sum, overlap)),
        w_small = scale(0.5, add(sum, scale(-1, overlap)));
    double p = pow(ratio.value, n - 1), p1 = n > 1 ? (n - 1) * pow(ratio.value, n - 2) : 0,
           p2 = n > 2 ? (n - 1) * (n - 2) * pow(ratio.value, n - 3) : 0;
    return add(scale(n - 1, log_large), logarithm(add(w_large, multiply(w_small, compose(ratio, p, p1, p2)))));
}

/* All q^N configurations: ln Z and the moments of E, whose cumulants are the derivatives in beta. */
static jet enumerate(double (*energy_of)(const void *, const int8_t *), const void *hamiltonian, int states,
                     size_t sites, double beta)
{
    int8_t spins[32];
    double lowest = 0, all = pow(states, (double)sites);
    for (int pass = 0; pass < 2; pass++) {
        double z = 0, z1 = 0, z2 = 0, minimum = 0;
        for (uint32_t number = 0; number < all; number++) {
            uint32_t rest = number;
            for (size_t i = 0; i < sites; i++, rest /= (uint32_t)states)
                spins[i] = nnsm_level_state(states, (int)(rest % (uint32_t)states));
            double energy = energy_of(hamiltonian, spins), weight = exp(-beta * (energy - lowest));
            minimum = energy < minimum ? energy : minimum;
            z += weight;
            z1 += weight * energy;
            z2 += weight * energy * energy;
        }
        if (pass)
            return (jet){log(z) - beta * lowest, -z1 / z, z2 / z - z1 / z * (z1 / z)};
        lowest = minimum;
    }
    return constant(0);
}

static double ising_energy(const void *model, const int8_t *spins)
{
    return nnsm_ising_energy(model, spins);
}

static double model_energy(const void *model, const int8_t *states)
{
    return nnsm_model_energy(model, states);
}

enum { ENUMERATED_SITES = 20, KAUFMAN_EXTENT = 4096 };

static bool is_enumerable(int states, size_t sites)
{
    return sites <= ENUMERATED_SITES && pow(states, (double)sites) <= 1 << ENUMERATED_SITES;
}

static nnsm_thermodynamics per_site(jet log_z, double beta, double n)
{
    nnsm_thermodynamics t = {log_z.value / n, -log_z.first / n, beta * beta * log_z.second / n, 0};
    t.entropy = t.log_partition + beta * t.energy;
    return t;
}

static bool has_kaufman(const nnsm_ising *model)
{
    const nnsm_lattice *l = model->lattice;
    bool bipartite = l->extent[0] % 2 == 0 && l->extent[1] % 2 == 0;
    return l->dimensions == 2 && l->periodic && model->field == 0 && l->extent[0] <= KAUFMAN_EXTENT &&
           l->extent[1] <= KAUFMAN_EXTENT && (model->coupling > 0 || (model->coupling < 0 && bipartite));
}

bool nnsm_exact_available(const nnsm_ising *model)
{
    return has_kaufman(model) || model->lattice->dimensions == 1 || model->lattice->sites <= ENUMERATED_SITES;
}

nnsm_thermodynamics nnsm_exact_thermodynamics(const nnsm_ising *model, double temperature)
{
    assert(nnsm_exact_available(model));
    const nnsm_lattice *lattice = model->lattice;
    double beta = 1 / temperature;
    jet log_z = has_kaufman(model) ? kaufman(lattice->extent[0], lattice->extent[1], fabs(model->coupling), beta)
                : lattice->dimensions == 1 ? chain(model, beta)
                                           : enumerate(ising_energy, model, 2, lattice->sites, beta);
    return per_site(log_z, beta, (double)lattice->sites);
}

/* Several states that are Ising models in disguise, without field: Potts of 2 states has J / 2 and an energy of - J / 2
 * a bond besides; clock of 2 has J; clock of 4 is two independent ones of J / 2, cos (pi (k - k') / 2) = (s s' + t t')
 * / 2 for the signs s, t of the components along the diagonals. 0: none. */
static int as_ising(const nnsm_multistate *m, nnsm_ising *ising, double *bond)
{
    int q = m->alphabet.count;
    bool potts = m->kind == NNSM_POTTS && q == 2, clock = m->kind == NNSM_CLOCK && (q == 2 || q == 4);
    *ising = (nnsm_ising){m->lattice, potts || q == 4 ? m->coupling / 2 : m->coupling, 0};
    *bond = potts ? -m->coupling / 2 : 0;
    return m->field == 0 && (potts || clock) && has_kaufman(ising) ? (clock && q == 4 ? 2 : 1) : 0;
}

static nnsm_thermodynamics disguised(const nnsm_ising *ising, int copies, double bond, double temperature)
{
    const nnsm_lattice *l = ising->lattice;
    nnsm_thermodynamics t = nnsm_exact_thermodynamics(ising, temperature);
    double shift = l->dimensions * bond; /* periodic: so many bonds a site */
    return (nnsm_thermodynamics){copies * t.log_partition - shift / temperature, copies * t.energy + shift,
                                 copies * t.heat_capacity, copies * t.entropy};
}

bool nnsm_exact_model_available(const nnsm_model *model)
{
    const nnsm_lattice *l = model->lattice;
    nnsm_ising ising;
    double bond;
    if (model->nearest)
        return nnsm_exact_available(&model->ising);
    return is_enumerable(model->alphabet.count, l->sites) ||
           (model->multistate && (l->dimensions == 1 || as_ising(&model->states, &ising, &bond)));
}

nnsm_thermodynamics nnsm_exact_model(const nnsm_model *model, double temperature)
{
    double beta = 1 / temperature, n = (double)model->lattice->sites, bond;
    nnsm_ising ising;
    assert(nnsm_exact_model_available(model));
    if (model->nearest)
        return nnsm_exact_thermodynamics(&model->ising, temperature);
    if (model->multistate && model->lattice->dimensions == 1)
        return per_site(nnsm_exact_chain(&model->states, beta), beta, n);
    int copies = model->multistate ? as_ising(&model->states, &ising, &bond) : 0;
    if (copies)
        return disguised(&ising, copies, bond, temperature);
    return per_site(enumerate(model_energy, model, model->alphabet.count, model->lattice->sites, beta), beta, n);
}
