#include "ensemble/symmetry_test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "statistics/student.h"

/* ---- families of differences */

typedef struct {
    const nnsm_census *census;
    size_t blocks;
    nnsm_symmetry_test *test;
    double smallest; /* p of one difference */
    /* scratch of pooled families */
    double *mean, *variance; /* [sites] */
    double *profile;         /* [blocks][longest extent] */
} family;

static const char *const feature_name[] = {"values", "bonds along axis 1", "bonds along axis 2", "bonds along axis 3"};

static const int32_t *sums(const family *f, size_t block, size_t feature)
{
    return f->census->site + (block * f->census->features + feature) * f->census->lattice->sites;
}

/* One difference: its mean over blocks against the variance of a block. */
static void judge(family *f, double mean, double variance, const char *format, const char *what, int where)
{
    double b = (double)f->blocks, size = fabs(mean);
    f->test->size++;
    if (!(size > 1e-12)) /* rounding */
        return;
    double t = variance > 0 ? mean / sqrt(variance / b) : INFINITY, p = nnsm_student_p(t, b - 1);
    if (p > f->smallest || (p == f->smallest && fabs(t) <= fabs(f->test->t)))
        return;
    f->smallest = p;
    f->test->t = t;
    (void)snprintf(f->test->of, sizeof f->test->of, format, what, where);
}

/* value: [blocks], of one difference. */
static void moments(const double *value, size_t blocks, double *mean, double *variance)
{
    double sum = 0, square = 0;
    for (size_t b = 0; b < blocks; b++)
        sum += value[b];
    *mean = sum / (double)blocks;
    for (size_t b = 0; b < blocks; b++)
        square += (value[b] - *mean) * (value[b] - *mean);
    *variance = square / (double)(blocks - 1);
}

static void judge_alone(family *f, const double *value, const char *format, const char *what, int where)
{
    double mean, variance;
    moments(value, f->blocks, &mean, &variance);
    judge(f, mean, variance, format, what, where);
}

/* What a symmetry does to the feature of a site. */
typedef struct {
    const int32_t *map; /* [sites]: the site that takes its place; -1: none */
    size_t image;       /* the feature that it becomes */
    double sign;        /* -1: minus the image is expected */
} image;

/* Differences site by site, with the variance pooled over sites as a lower bound. */
static void judge_sites(family *f, size_t feature, image g)
{
    size_t n = f->census->lattice->sites, counted = 0;
    double pooled = 0, value[NNSM_CENSUS_BLOCKS];
    for (size_t i = 0; i < n; i++) {
        for (size_t b = 0; b < f->blocks && g.map[i] >= 0; b++)
            value[b] = ((double)sums(f, b, feature)[i] - g.sign * (double)sums(f, b, g.image)[g.map[i]]) /
                       (double)f->census->rows[b];
        f->mean[i] = f->variance[i] = 0;
        if (g.map[i] < 0 || (g.map[i] == (int32_t)i && g.image == feature && g.sign > 0))
            continue;
        moments(value, f->blocks, &f->mean[i], &f->variance[i]);
        pooled += f->variance[i];
        counted++;
    }
    pooled /= counted ? (double)counted : 1;
    for (size_t i = 0; i < n; i++)
        judge(f, f->mean[i], fmax(f->variance[i], pooled), "%s at site %d", feature_name[feature], (int)i);
}

static int coordinate(const nnsm_lattice *l, size_t site, int axis)
{
    for (int a = l->dimensions - 1; a > axis; a--)
        site /= (size_t)l->extent[a];
    return (int)(site % (size_t)l->extent[axis]);
}

static size_t stride(const nnsm_lattice *l, int axis)
{
    size_t step = 1;
    for (int a = l->dimensions - 1; a > axis; a--)
        step *= (size_t)l->extent[a];
    return step;
}

/* Means over the other axes, a configuration and a site, into f->profile [blocks][extent]. */
static void make_profile(family *f, size_t feature, int axis, double *profile)
{
    const nnsm_lattice *l = f->census->lattice;
    size_t length = (size_t)l->extent[axis];
    memset(profile, 0, f->blocks * length * sizeof *profile);
    for (size_t b = 0; b < f->blocks; b++) {
        double unit = (double)length / (double)l->sites / (double)f->census->rows[b];
        for (size_t i = 0; i < l->sites; i++)
            profile[b * length + (size_t)coordinate(l, i, axis)] += (double)sums(f, b, feature)[i] * unit;
    }
}

/* ---- the symmetries */

static void test_inversion(family *f, int32_t *map)
{
    const nnsm_lattice *l = f->census->lattice;
    double value[NNSM_CENSUS_BLOCKS];
    for (size_t i = 0; i < l->sites; i++)
        map[i] = (int32_t)i;
    judge_sites(f, 0, (image){map, 0, -1});
    for (size_t b = 0; b < f->blocks; b++) {
        double sum = 0;
        for (size_t i = 0; i < l->sites; i++)
            sum += sums(f, b, 0)[i];
        value[b] = sum / (double)l->sites / (double)f->census->rows[b];
    }
    judge_alone(f, value, "mean of the %s", "values", 0);
    for (int a = 0; a < l->dimensions; a++) {
        for (size_t b = 0; b < f->blocks; b++)
            value[b] = (double)(f->census->scalar[b][2 * a] + f->census->scalar[b][2 * a + 1]) / (double)l->sites /
                       (double)f->census->rows[b];
        judge_alone(f, value, "%s along axis %d", "products of three", a + 1);
    }
}

/* Modes of the profile along the axis: slow gradients, and alternation; and single layers: an edge. */
static void judge_profile(family *f, size_t feature, int axis)
{
    size_t length = (size_t)f->census->lattice->extent[axis];
    double value[NNSM_CENSUS_BLOCKS], pooled = 0;
    make_profile(f, feature, axis, f->profile);
    for (size_t k = 1; k <= length / 2; k++)
        for (int odd = 0; odd < (2 * k == length ? 1 : 2); odd++) {
            for (size_t b = 0; b < f->blocks; b++) {
                value[b] = 0;
                for (size_t x = 0; x < length; x++) {
                    double angle = 2 * M_PI * (double)(k * x % length) / (double)length;
                    value[b] += f->profile[b * length + x] * (odd ? sin(angle) : cos(angle)) / (double)length;
                }
            }
            judge_alone(f, value, "mode of the %s, wave number %d", feature_name[feature], (int)k);
        }
    for (size_t x = 0; x < length; x++) {
        for (size_t b = 0; b < f->blocks; b++) {
            double mean = 0;
            for (size_t y = 0; y < length; y++)
                mean += f->profile[b * length + y] / (double)length;
            value[b] = f->profile[b * length + x] - mean;
        }
        moments(value, f->blocks, &f->mean[x], &f->variance[x]);
        pooled += f->variance[x] / (double)length;
    }
    for (size_t x = 0; x < length; x++)
        judge(f, f->mean[x], fmax(f->variance[x], pooled), "%s in layer %d", feature_name[feature], (int)x);
}

/* A site against the mean of its line along the axis. */
static void judge_lines(family *f, size_t feature, int axis)
{
    const nnsm_lattice *l = f->census->lattice;
    size_t step = stride(l, axis), length = (size_t)l->extent[axis];
    double pooled = 0, value[NNSM_CENSUS_BLOCKS], line[NNSM_CENSUS_BLOCKS];
    for (size_t start = 0; start < l->sites; start++) {
        if (coordinate(l, start, axis))
            continue;
        for (size_t b = 0; b < f->blocks; b++) {
            line[b] = 0;
            for (size_t x = 0; x < length; x++)
                line[b] += sums(f, b, feature)[start + x * step] / (double)length;
        }
        for (size_t i = start, x = 0; x < length; x++, i += step) {
            for (size_t b = 0; b < f->blocks; b++)
                value[b] = ((double)sums(f, b, feature)[i] - line[b]) / (double)f->census->rows[b];
            moments(value, f->blocks, &f->mean[i], &f->variance[i]);
            pooled += f->variance[i] / (double)l->sites;
        }
    }
    for (size_t i = 0; i < l->sites; i++)
        judge(f, f->mean[i], fmax(f->variance[i], pooled), "%s at site %d", feature_name[feature], (int)i);
}

static void test_translation(family *f, int axis)
{
    for (size_t feature = 0; feature < f->census->features; feature++) {
        judge_profile(f, feature, axis);
        judge_lines(f, feature, axis);
    }
}

/* Site x becomes L - 1 - x; a bond along the axis, named by its first site, L - 2 - x. */
static void reflect(const nnsm_lattice *l, int axis, int offset, int32_t *map)
{
    int length = l->extent[axis];
    for (size_t i = 0; i < l->sites; i++) {
        int x = coordinate(l, i, axis), y = length - 1 - offset - x;
        if (y < 0)
            y = l->periodic ? y + length : -1;
        map[i] = y < 0 ? -1 : (int32_t)i + (int32_t)stride(l, axis) * (y - x);
    }
}

static void test_reflection(family *f, int axis, int32_t *map)
{
    const nnsm_lattice *l = f->census->lattice;
    double value[NNSM_CENSUS_BLOCKS];
    for (size_t feature = 0; feature < f->census->features; feature++) {
        reflect(l, axis, feature == (size_t)axis + 1, map);
        judge_sites(f, feature, (image){map, feature, 1});
        if (feature == (size_t)axis + 1)
            continue;
        make_profile(f, feature, axis, f->profile);
        for (int x = 0; x < l->extent[axis] / 2; x++) {
            for (size_t b = 0; b < f->blocks; b++) {
                const double *p = f->profile + b * (size_t)l->extent[axis];
                value[b] = p[x] - p[l->extent[axis] - 1 - x];
            }
            judge_alone(f, value, "%s in layer %d", feature_name[feature], x);
        }
    }
    for (int k = 0; k < NNSM_CENSUS_SCALARS; k += 2) { /* pairs of mirror images */
        const int *pair = k < 2 * NNSM_MAX_DIMENSIONS ? NULL : nnsm_census_pair[k / 2 - NNSM_MAX_DIMENSIONS];
        if (pair ? pair[0] != axis && pair[1] != axis : k / 2 != axis)
            continue;
        for (size_t b = 0; b < f->blocks; b++)
            value[b] = (double)(f->census->scalar[b][k] - f->census->scalar[b][k + 1]) / (double)l->sites /
                       (double)f->census->rows[b];
        judge_alone(f, value, pair ? "%s, pair %d of axes" : "%s along axis %d",
                    pair ? "the two diagonals" : "products of three",
                    pair ? k / 2 - NNSM_MAX_DIMENSIONS + 1 : axis + 1);
    }
}

static void test_exchange(family *f, const int axis[2], int32_t *map)
{
    const nnsm_lattice *l = f->census->lattice;
    double value[NNSM_CENSUS_BLOCKS];
    for (size_t i = 0; i < l->sites; i++) {
        int x = coordinate(l, i, axis[0]), y = coordinate(l, i, axis[1]);
        map[i] = (int32_t)i + (int32_t)stride(l, axis[0]) * (y - x) + (int32_t)stride(l, axis[1]) * (x - y);
    }
    for (size_t feature = 0; feature < f->census->features; feature++) {
        size_t to = feature == (size_t)axis[0] + 1   ? (size_t)axis[1] + 1
                    : feature == (size_t)axis[1] + 1 ? (size_t)axis[0] + 1
                                                     : feature;
        judge_sites(f, feature, (image){map, to, 1});
        if (to < feature)
            continue;
        double sum[NNSM_CENSUS_BLOCKS] = {0};
        for (size_t b = 0; b < f->blocks; b++) {
            for (size_t i = 0; i < l->sites; i++)
                sum[b] += (double)sums(f, b, feature)[i] - (double)sums(f, b, to)[i];
            value[b] = sum[b] / (double)l->sites / (double)f->census->rows[b];
        }
        if (to != feature)
            judge_alone(f, value, "%s and %d", feature_name[feature], axis[1] + 1);
        make_profile(f, feature, axis[0], f->profile);
        make_profile(f, to, axis[1], f->profile + NNSM_CENSUS_BLOCKS * (size_t)l->extent[axis[0]]);
        for (int x = 0; x < l->extent[axis[0]]; x++) {
            for (size_t b = 0; b < f->blocks; b++)
                value[b] = f->profile[b * (size_t)l->extent[axis[0]] + (size_t)x] -
                           f->profile[(NNSM_CENSUS_BLOCKS + b) * (size_t)l->extent[axis[0]] + (size_t)x];
            judge_alone(f, value, "%s in layer %d", feature_name[feature], x);
        }
    }
    for (size_t b = 0; b < f->blocks; b++)
        value[b] = (double)(f->census->scalar[b][2 * axis[0]] + f->census->scalar[b][2 * axis[0] + 1] -
                            f->census->scalar[b][2 * axis[1]] - f->census->scalar[b][2 * axis[1] + 1]) /
                   (double)l->sites / (double)f->census->rows[b];
    judge_alone(f, value, "%s along axis %d", "products of three", axis[0] + 1);
}

/* All labels are equally frequent. */
static void test_permutation(family *f, const nnsm_alphabet *alphabet)
{
    double value[NNSM_CENSUS_BLOCKS], q = (double)alphabet->count;
    for (int k = 0; k < alphabet->count; k++) {
        for (size_t b = 0; b < f->blocks; b++)
            value[b] =
                (double)f->census->states[b][k] / (double)f->census->lattice->sites / (double)f->census->rows[b] -
                1 / q;
        judge_alone(f, value, "the %s %d", "share of label", (int)alphabet->value[k]);
    }
}

static void run_test(family *f, const nnsm_alphabet *alphabet, nnsm_symmetry_test *test, int32_t *map)
{
    f->test = test;
    f->smallest = 2;
    if (f->blocks < NNSM_TEST_LEAST) {
        test->p = NAN;
        return;
    }
    if (test->kind == NNSM_TEST_INVERSION)
        test_inversion(f, map);
    else if (test->kind == NNSM_TEST_PERMUTATION)
        test_permutation(f, alphabet);
    else if (test->kind == NNSM_TEST_TRANSLATION)
        test_translation(f, test->axis[0]);
    else if (test->kind == NNSM_TEST_REFLECTION)
        test_reflection(f, test->axis[0], map);
    else
        test_exchange(f, test->axis, map);
    test->p = fmin(1, f->smallest * test->size);
}

static size_t list_tests(const nnsm_lattice *l, const nnsm_alphabet *alphabet, nnsm_symmetry_test *tests)
{
    size_t count = 0;
    if (nnsm_alphabet_symmetric(alphabet) || alphabet->count == 2) /* 0 1 become -1 1 */
        tests[count++] = (nnsm_symmetry_test){.kind = NNSM_TEST_INVERSION};
    if (alphabet->labels && alphabet->count > 2)
        tests[count++] = (nnsm_symmetry_test){.kind = NNSM_TEST_PERMUTATION};
    for (int a = 0; a < l->dimensions && l->periodic; a++)
        tests[count++] = (nnsm_symmetry_test){.kind = NNSM_TEST_TRANSLATION, .axis = {a}};
    for (int a = 0; a < l->dimensions; a++)
        if (l->extent[a] > 1)
            tests[count++] = (nnsm_symmetry_test){.kind = NNSM_TEST_REFLECTION, .axis = {a}};
    for (int a = 0; a < l->dimensions; a++)
        for (int b = a + 1; b < l->dimensions; b++)
            if (l->extent[a] == l->extent[b] && l->extent[a] > 1)
                tests[count++] = (nnsm_symmetry_test){.kind = NNSM_TEST_EXCHANGE, .axis = {a, b}};
    return count;
}

size_t nnsm_symmetry_tests(nnsm_census *census, const nnsm_alphabet *alphabet, size_t blocks, nnsm_symmetry_test *tests,
                           nnsm_status *status, nnsm_error *error)
{
    const nnsm_lattice *l = census->lattice;
    family f = {.census = census, .blocks = blocks};
    int32_t *map = NULL;
    size_t longest = 1, count = list_tests(l, alphabet, tests);
    for (int a = 0; a < l->dimensions; a++)
        longest = (size_t)l->extent[a] > longest ? (size_t)l->extent[a] : longest;
    *status = NNSM_NEW(&f.mean, l->sites, "symmetry tests", error);
    if (!*status)
        *status = NNSM_NEW(&f.variance, l->sites, "symmetry tests", error);
    if (!*status)
        *status = NNSM_NEW(&f.profile, 2 * NNSM_CENSUS_BLOCKS * longest, "symmetry tests", error);
    if (!*status)
        *status = NNSM_NEW(&map, l->sites, "symmetry tests", error);
    if (!*status && blocks >= NNSM_TEST_LEAST)
        nnsm_census_merge(census, blocks);
    for (size_t k = 0; k < count && !*status; k++)
        run_test(&f, alphabet, &tests[k], map);
    nnsm_release(f.mean);
    nnsm_release(f.variance);
    nnsm_release(f.profile);
    nnsm_release(map);
    return count;
}

const char *nnsm_symmetry_test_name(const nnsm_symmetry_test *test, char *text)
{
    enum { NAME = 48 };
    if (test->kind == NNSM_TEST_INVERSION || test->kind == NNSM_TEST_PERMUTATION)
        (void)snprintf(text, NAME, "%s",
                       test->kind == NNSM_TEST_INVERSION ? "value inversion" : "permutation of labels");
    else if (test->kind == NNSM_TEST_EXCHANGE)
        (void)snprintf(text, NAME, "exchange of axes %d and %d", test->axis[0] + 1, test->axis[1] + 1);
    else
        (void)snprintf(text, NAME, "%s %d",
                       test->kind == NNSM_TEST_TRANSLATION ? "translation along axis" : "reflection of axis",
                       test->axis[0] + 1);
    return text;
}
