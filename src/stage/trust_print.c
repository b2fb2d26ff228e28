/* trust_print.c: /trust of a results file, for a person. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "stage/trust.h"

/* Columns of one observable: the curve, its total error, and the parts of that. */
enum { MEAN, TOTAL, STATISTICAL, SPREAD, SYSTEMATIC, PARTS };
static const char *const part[PARTS] = {"", "total", "statistical", "spread", "systematic"};

/* parts: out, [PARTS][n]. */
static void read_parts(nnsm_h5 *h5, const char *observable, size_t n, double *parts)
{
    char path[96];
    (void)snprintf(path, sizeof path, "/scan/learned/%s/mean", observable);
    nnsm_h5_read_doubles(h5, path, n, parts);
    for (int i = TOTAL; i < PARTS; i++) {
        (void)snprintf(path, sizeof path, "/trust/%s/%s", observable, part[i]);
        nnsm_h5_read_doubles(h5, path, n, parts + (size_t)i * n);
    }
}

static void print_number(const char *format, double value)
{
    if (isfinite(value))
        (void)printf(format, value);
    else
        (void)printf(" %8s", "-");
}

static void print_row(double temperature, double support, const double *m, const double *e, size_t n, size_t t)
{
    (void)printf("  %8.4g %8.2f", temperature, support);
    for (int observable = 0; observable < 2; observable++) {
        const double *x = observable ? e : m;
        (void)printf("  ");
        for (size_t i = 0; i < PARTS; i++)
            print_number(i == SYSTEMATIC ? " %+8.4f" : " %8.4f", x[i * n + t]);
    }
    (void)printf("\n");
}

/* Rows in the order of the file; of many temperatures every k-th, and the last one. */
static void print_errors(nnsm_h5 *h5, size_t n, double *columns)
{
    enum { MOST_ROWS = 40 };
    double *temperature = columns, *support = columns + n, *m = columns + 2 * n, *e = m + PARTS * n;
    bool known = nnsm_h5_has(h5, "/trust/energy");
    size_t every = (n + MOST_ROWS - 1) / MOST_ROWS;
    nnsm_h5_read_doubles(h5, "/scan/temperature", n, temperature);
    nnsm_h5_read_doubles(h5, "/trust/support", n, support);
    read_parts(h5, "abs_magnetization", n, m);
    read_parts(h5, known ? "energy" : "learned_energy", n, e);
    int64_t networks = nnsm_h5_get_integer(h5, "/trust", "networks");
    if (h5->status)
        return;
    if (networks > 1)
        (void)printf("  how far to believe: spread of %lld networks on bootstrap samples of the data\n",
                     (long long)networks - 1);
    else
        (void)printf("  how far to believe: one network, no spread (trust.networks); the totals lack the noise of the "
                     "data\n");
    (void)printf("  %8s %8s   %8s %8s %8s %8s %8s   %8s %8s %8s %8s %8s\n", "T", "support", "|m|", "+-", "chains",
                 "spread", "-distil", known ? "E/N" : "H/N", "+-", "chains", "spread", "-distil");
    for (size_t t = 0; t < n; t++)
        if (t % every == 0 || t + 1 == n)
            print_row(temperature[t], support[t], m, e, n, t);
}

static void print_audit(nnsm_h5 *h5)
{
    enum { WIDTH = 16 };
    char names[NNSM_AUDITS][WIDTH] = {""};
    size_t sizes[NNSM_H5_RANK] = {0};
    double residual[NNSM_AUDITS], averaged[NNSM_AUDITS], claimed[NNSM_AUDITS];
    if (!nnsm_h5_has(h5, "/trust/symmetry") || nnsm_h5_sizes(h5, "/trust/symmetry/residual", sizes) != 1)
        return;
    size_t n = sizes[0] < NNSM_AUDITS ? sizes[0] : NNSM_AUDITS;
    nnsm_h5_read_texts(h5, "/trust/symmetry/name", n, WIDTH, names[0]);
    nnsm_h5_read_doubles(h5, "/trust/symmetry/residual", n, residual);
    nnsm_h5_read_doubles(h5, "/trust/symmetry/averaged", n, averaged);
    nnsm_h5_read_doubles(h5, "/trust/symmetry/claimed", n, claimed);
    for (size_t k = 0; k < n && !h5->status; k++) {
        (void)printf("  H under %-12s changes by %.4f of its standard deviation (rms)", names[k], residual[k]);
        if (isfinite(averaged[k]))
            (void)printf(", averaged over 8 copies by %.4f", averaged[k]);
        (void)printf("%s\n", claimed[k] != 0 ? "" : "; not named in train.augment");
    }
}

static void print_second(nnsm_h5 *h5)
{
    static const char *const column[] = {"predicted", "predicted_error", "measured", "measured_error", "p"};
    char path[96];
    double value[5];
    if (!nnsm_h5_has(h5, "/trust/second"))
        return;
    double temperature = nnsm_h5_get_double(h5, "/trust/second", "temperature");
    int64_t configurations = nnsm_h5_get_integer(h5, "/trust/second", "configurations");
    if (!h5->status)
        (void)printf("  second ensemble: %lld configurations at T = %g\n", (long long)configurations, temperature);
    for (size_t r = 0; r < NNSM_SECONDS && !h5->status; r++) {
        (void)snprintf(path, sizeof path, "/trust/second/%s", nnsm_second_name(r));
        if (!nnsm_h5_has(h5, path))
            continue;
        for (size_t i = 0; i < 5; i++) {
            (void)snprintf(path, sizeof path, "/trust/second/%s/%s", nnsm_second_name(r), column[i]);
            nnsm_h5_read_doubles(h5, path, 1, &value[i]);
        }
        if (!h5->status)
            (void)printf("    %-20s predicted %9.5f +- %.5f, measured %9.5f +- %.5f: p = %.3g\n", nnsm_second_name(r),
                         value[0], value[1], value[2], value[3], value[4]);
    }
}

void nnsm_trust_print(nnsm_h5 *h5)
{
    size_t sizes[NNSM_H5_RANK] = {0};
    double *columns = NULL;
    if (nnsm_h5_sizes(h5, "/scan/temperature", sizes) != 1)
        return;
    nnsm_status status = NNSM_NEW(&columns, sizes[0] * (2 + 2 * PARTS), "trust", h5->error);
    if (status && !h5->status)
        h5->status = status;
    if (!status) {
        print_errors(h5, sizes[0], columns);
        print_audit(h5);
        print_second(h5);
    }
    nnsm_release(columns);
}
