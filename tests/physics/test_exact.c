/* The exact solutions against the values of the literature and against enumeration. */
#include "check.h"
#include "lattice/exact.h"

static const struct {
    double temperature, log_partition, energy, heat_capacity, entropy;
} table[] = {
    /* 16 x 16, Kaufman 1949, computed independently in extended precision */
    {1.5, 1.34166973, -1.951116573, 0.19727454, 0.04092534774},
    {2.0, 1.028500822, -1.745530669, 0.72550877, 0.1557354875},
    {2.269185, 0.9321964036, -1.453065324, 1.4987043, 0.2918496167},
    {2.3, 0.9237545637, -1.406067926, 1.544921, 0.312420683},
    {2.5, 0.8798001826, -1.131317984, 1.0649769, 0.4272729889},
    {3.0, 0.8158879889, -0.8176893679, 0.40433257, 0.5433248663},
    {4.0, 0.7591064852, -0.5572728327, 0.17119161, 0.619788277},
};

static void kaufman_reproduces_the_table(void **state)
{
    (void)state;
    nnsm_lattice lattice;
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){16, 16}, true, NULL), NNSM_OK);
    nnsm_ising model = {&lattice, 1, 0};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        nnsm_thermodynamics t = nnsm_exact_thermodynamics(&model, table[i].temperature);
        check_close(t.log_partition, table[i].log_partition, 1e-9);
        check_close(t.energy, table[i].energy, 1e-9);
        check_close(t.heat_capacity, table[i].heat_capacity, 1e-7);
        check_close(t.entropy, table[i].entropy, 1e-9);
    }
    nnsm_lattice_destroy(&lattice);
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){4, 4}, true, NULL), NNSM_OK);
    nnsm_thermodynamics t = nnsm_exact_thermodynamics(&model, 2.5);
    check_close(t.log_partition, 0.910068314, 1e-9);
    check_close(t.energy, -1.379116482, 1e-9);
    check_close(t.heat_capacity, 0.81251523, 1e-7);
    check_close(t.entropy, 0.3584217211, 1e-9);
    nnsm_lattice_destroy(&lattice);
}

/* Onsager's energy a site of the infinite lattice (Phys. Rev. 65, 117 (1944)), u = -coth 2K [1 + 2/pi (2 tanh^2 2K - 1)
 * K(k)], k = 2 sinh 2K / cosh^2 2K; the elliptic integral by the arithmetic-geometric mean. */
static double onsager_energy(double temperature)
{
    double k2 = 2 / temperature, k = 2 * sinh(k2) / (cosh(k2) * cosh(k2)), a = 1, b = sqrt(1 - k * k);
    while (fabs(a - b) > 1e-15) {
        double mean = (a + b) / 2;
        b = sqrt(a * b);
        a = mean;
    }
    return -(1 + 2 / M_PI * (2 * tanh(k2) * tanh(k2) - 1) * M_PI / (2 * a)) / tanh(k2);
}

/* Where the correlation length (2.1 at T = 3) is far below the extent, the finite lattice is the infinite one. */
static void large_hot_lattices_are_onsagers(void **state)
{
    (void)state;
    static const int extents[] = {48, 64, 128, 512};
    static const double temperatures[] = {3, 3.7, 4, 6, 10, 1000};
    for (size_t i = 0; i < 4; i++) {
        nnsm_lattice lattice;
        assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){extents[i], extents[i]}, true, NULL), NNSM_OK);
        nnsm_ising model = {&lattice, 1, 0};
        for (size_t k = 0; k < 6; k++) {
            double t = temperatures[k], step = 1e-4 * t;
            nnsm_thermodynamics exact = nnsm_exact_thermodynamics(&model, t);
            double slope = (onsager_energy(t + step) - onsager_energy(t - step)) / (2 * step);
            check_close(exact.energy, onsager_energy(t), 1e-10);
            check_close(exact.heat_capacity, slope, 1e-7);
            check_close(exact.entropy, exact.log_partition + exact.energy / t, 1e-12);
        }
        nnsm_lattice_destroy(&lattice);
    }
}

/* Direct sum over all states with ln Z only; derivatives by the definition of the moments. */
static nnsm_thermodynamics by_enumeration(const nnsm_ising *model, double temperature)
{
    size_t sites = model->lattice->sites;
    double z = 0, e1 = 0, e2 = 0;
    int8_t s[32];
    for (uint32_t k = 0; k < 1u << sites; k++) {
        for (size_t i = 0; i < sites; i++)
            s[i] = k >> i & 1 ? 1 : -1;
        double e = nnsm_ising_energy(model, s), w = exp(-e / temperature);
        z += w;
        e1 += w * e;
        e2 += w * e * e;
    }
    double n = (double)sites, u = e1 / z;
    return (nnsm_thermodynamics){log(z) / n, u / n, (e2 / z - u * u) / (temperature * temperature) / n,
                                 (log(z) + u / temperature) / n};
}

static void solutions_agree_with_enumeration(void **state)
{
    (void)state;
    static const struct {
        int dimensions, extent[3];
        bool periodic;
        double coupling, field;
    } cases[] = {
        {2, {2, 2}, true, 1, 0},  {2, {3, 3}, true, 1, 0},    {2, {4, 4}, true, 1, 0},    {2, {3, 5}, true, 1, 0},
        {2, {4, 2}, true, -1, 0}, {2, {4, 4}, true, -0.7, 0}, {1, {9}, true, 1, 0},       {1, {9}, true, 1, 0.3},
        {1, {8}, true, -1, -0.4}, {1, {9}, true, -1, 0.2},    {1, {10}, false, 1, 0},     {1, {7}, false, -0.8, 0.3},
        {1, {3}, true, -1, 0},    {2, {3, 3}, true, -1, 0.2}, {2, {3, 4}, false, 1, 0.1}, {3, {2, 2, 2}, true, 1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (double temperature = 0.8; temperature < 5; temperature *= 1.7) {
            nnsm_lattice lattice;
            assert_int_equal(
                nnsm_lattice_create(&lattice, cases[i].dimensions, cases[i].extent, cases[i].periodic, NULL), NNSM_OK);
            nnsm_ising model = {&lattice, cases[i].coupling, cases[i].field};
            assert_true(nnsm_exact_available(&model));
            nnsm_thermodynamics exact = nnsm_exact_thermodynamics(&model, temperature);
            nnsm_thermodynamics sum = by_enumeration(&model, temperature);
            check_close(exact.log_partition, sum.log_partition, 1e-10);
            check_close(exact.energy, sum.energy, 1e-9);
            check_close(exact.heat_capacity, sum.heat_capacity, 1e-8);
            check_close(exact.entropy, sum.entropy, 1e-9);
            nnsm_lattice_destroy(&lattice);
        }
}

static void critical_point_and_large_lattices_are_no_special_case(void **state)
{
    (void)state;
    nnsm_lattice lattice;
    assert_int_equal(nnsm_lattice_create(&lattice, 2, (int[]){1024, 1024}, true, NULL), NNSM_OK);
    nnsm_ising model = {&lattice, 1, 0};
    double critical = 2 / log(1 + sqrt(2));
    /* Onsager: u(T_c) = -sqrt(2) in the infinite lattice; the finite one differs by order 1/L. */
    check_close(nnsm_exact_thermodynamics(&model, critical).energy, -sqrt(2), 2e-3);
    check_close(nnsm_exact_thermodynamics(&model, 1.0).energy, -1.99715, 1e-4);
    nnsm_lattice_destroy(&lattice);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kaufman_reproduces_the_table),
        cmocka_unit_test(large_hot_lattices_are_onsagers),
        cmocka_unit_test(solutions_agree_with_enumeration),
        cmocka_unit_test(critical_point_and_large_lattices_are_no_special_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
