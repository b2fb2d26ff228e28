/* bench_report.c: what was measured: a table for people, a JSON file for programs. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "setup/blas.h"
#include "setup/provenance.h"
#include "stage/bench.h"

/* A core type this much slower than the fastest is worth a warning; measurements differ by less. */
static const double slower = 0.9;
/* Below this share of the processors' time somebody else had the rest. */
static const double busy = 0.9;

/* The core type in use; NULL when its child failed. */
static const nnsm_core *own_core(const nnsm_bench *b, const nnsm_provenance *p)
{
    for (size_t i = 0; i < b->core_count; i++)
        if (strcmp(b->cores[i].name, p->blas_core) == 0)
            return &b->cores[i];
    return NULL;
}

static double effective_rate(const nnsm_bench *b)
{
    return b->sampler ? nnsm_bench_rate(&b->part[NNSM_BENCH_SELF_LEARNING]) / (2 * b->tau) : NAN;
}

/* ---- the table */

/* 1.23e8 is "123 M". text: out, [16]. */
static const char *si(double value, char *text)
{
    static const char prefix[] = " kMGT";
    size_t p = 0;
    while (value >= 1000 && p + 2 < sizeof prefix) {
        value /= 1000;
        p++;
    }
    (void)snprintf(text, 16, "%.4g %c", value, prefix[p]);
    return text;
}

static void print_part(const nnsm_bench *b, nnsm_bench_name name)
{
    const nnsm_bench_part *part = &b->part[name];
    char rate[16], shares[64] = "", imbalance[16] = "";
    double dense, needed;
    nnsm_bench_fractions(b, name, &dense, &needed);
    if (!isnan(dense))
        (void)snprintf(shares, sizeof shares, "%9.1f %% %7.1f %%", 100 * dense, 100 * needed);
    if (b->run->ranks > 1)
        (void)snprintf(imbalance, sizeof imbalance, "%.3f", part->imbalance);
    nnsm_say(&b->run->log, "%-22s %10s%-18s %-6s %5.1f %% %9s %s", part->title, si(nnsm_bench_rate(part), rate),
             part->units, part->together ? "job" : "rank", 100 * part->spread, imbalance, shares);
}

static void print_cores(nnsm_bench *b, const nnsm_provenance *p)
{
    nnsm_log *log = &b->run->log;
    char text[512] = "", rate[16];
    for (size_t i = 0; i < b->core_count; i++)
        (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s %sF/s", i ? ", " : "", b->cores[i].name,
                       si(b->cores[i].rate, rate));
    nnsm_say(log, "OpenBLAS core %s; of those that run here: %s", p->blas_core, text);
    const nnsm_core *own = own_core(b, p);
    if (own && own->rate < slower * b->cores[0].rate)
        nnsm_warn(log, "%s the kernels of %s: %.2f of the speed of those of %s",
                  nnsm_blas_forced() ? "OPENBLAS_CORETYPE forces" : "OpenBLAS takes", own->name,
                  own->rate / b->cores[0].rate, b->cores[0].name);
}

static void print_messages(const nnsm_bench *b)
{
    char rate[16];
    for (int k = 0; k < NNSM_BENCH_MESSAGES && b->run->ranks > 1; k++) {
        const nnsm_bench_line *l = &b->line[k];
        const nnsm_bench_part *largest = &b->message[k][NNSM_BENCH_SIZES - 1];
        nnsm_say(&b->run->log, "%-22s %8.2f us + n / %sB/s, residual %.0f %%; 8 bytes %.2f us, %zu kB %.0f us",
                 largest->title, 1e6 * l->latency, si(1 / l->slope, rate), 100 * l->residual,
                 1e6 * b->message[k][0].seconds, b->message_size[NNSM_BENCH_SIZES - 1] / 1000, 1e6 * largest->seconds);
    }
}

static void warn_if_disturbed(nnsm_bench *b)
{
    double least = 1;
    for (int p = 0; p < NNSM_BENCH_PARTS; p++)
        if (b->part[p].call && !b->part[p].together)
            least = fmin(least, b->part[p].busy);
    if (least < busy)
        nnsm_warn(&b->run->log,
                  "ranks had only %.0f %% of a processor's time at worst: others use it, or there are more ranks than "
                  "cores; rates of kernels are in processor time, all others suffer",
                  100 * least);
}

enum { PROPOSALS = 256 };

/* What proposes, which depends on how well the benchmark's network has learned. text: out, [PROPOSALS]. */
static const char *proposals(const nnsm_bench *b, char *text)
{
    nnsm_self_learning_describe(b->sampler, text, PROPOSALS);
    return text;
}

void nnsm_bench_print(nnsm_bench *bench)
{
    nnsm_bench *b = bench;
    nnsm_provenance p;
    char rate[16], text[PROPOSALS];
    nnsm_provenance_collect(&p);
    print_cores(b, &p);
    nnsm_say(&b->run->log, "%-22s %10s%-18s %-6s %7s %9s %11s %9s", "part", "rate ", "a second", "of a", "spread",
             b->run->ranks > 1 ? "max/mean" : "", "peak, dense", "needed");
    for (int n = 0; n < NNSM_BENCH_PARTS; n++)
        if (b->part[n].call)
            print_part(b, (nnsm_bench_name)n);
    if (b->sampler)
        nnsm_say(
            &b->run->log,
            "self-learning at T0 = %g by %s: %.3f accepted, tau of |m| %.2f proposals, %seffective samples a second",
            b->trained.summary.temperature, proposals(b, text), b->acceptance, b->tau, si(effective_rate(b), rate));
    if (!isnan(b->evaluated))
        nnsm_say(&b->run->log, "screened flips at the scan's temperatures: the network is asked for %.3f of them",
                 b->evaluated);
    print_messages(b);
    warn_if_disturbed(b);
}

/* ---- the file */

typedef struct {
    FILE *file;
    bool first; /* nothing was written yet in this object */
} json;

static void key(json *j, const char *name)
{
    (void)fprintf(j->file, "%s\n\"%s\": ", j->first ? "" : ",", name);
    j->first = false;
}

static void open_object(json *j, const char *name)
{
    if (name)
        key(j, name);
    (void)fputc('{', j->file);
    j->first = true;
}

static void close_object(json *j)
{
    (void)fputc('}', j->file);
    j->first = false;
}

static void value(json *j, double x)
{
    if (isfinite(x))
        (void)fprintf(j->file, "%.10g", x);
    else
        (void)fputs("null", j->file);
}

static void number(json *j, const char *name, double x)
{
    key(j, name);
    value(j, x);
}

/* Our texts have no control characters but line feeds. */
static void text(json *j, const char *name, const char *content)
{
    key(j, name);
    (void)fputc('"', j->file);
    for (; *content; content++)
        if (*content == '\n')
            (void)fputs("\\n", j->file);
        else
            (void)fprintf(j->file, *content == '"' || *content == '\\' ? "\\%c" : "%c", *content);
    (void)fputc('"', j->file);
}

static void list(json *j, const char *name, size_t count, const double *values)
{
    key(j, name);
    for (size_t i = 0; i < count; i++) {
        (void)fputs(i ? ", " : "[", j->file);
        value(j, values[i]);
    }
    (void)fputc(']', j->file);
}

static void write_head(json *j, const nnsm_bench *b)
{
    nnsm_provenance p;
    char config[NNSM_CONFIG_WRITTEN];
    nnsm_provenance_collect(&p);
    (void)nnsm_config_write(b->asked, config, sizeof config);
    text(j, "kind", "nnsm bench");
    number(j, "version", 1);
    text(j, "name", b->asked->run.name);
    text(j, "date", p.date);
    text(j, "host", p.host);
    text(j, "commit", p.commit);
    text(j, "mpi", p.mpi);
    text(j, "config", config);
    text(j, "openblas_core", p.blas_core);
    text(j, "kernels_of_ranks", b->run->kernels);
    text(j, "openblas_fastest", b->core_count ? b->cores[0].name : "");
    text(j, "openblas_forced", nnsm_blas_forced() ? nnsm_blas_forced() : "");
    open_object(j, "openblas_cores");
    for (size_t i = 0; i < b->core_count; i++)
        number(j, b->cores[i].name, b->cores[i].rate);
    close_object(j);
    number(j, "ranks", b->run->ranks);
    number(j, "rounds", NNSM_BENCH_ROUNDS);
}

/* What a model of a whole run needs to know of it. */
static void write_shapes(json *j, const nnsm_bench *b)
{
    const nnsm_config *c = b->asked;
    size_t parameters;
    (void)nnsm_network_parameters((nnsm_network *)&b->trained.network, &parameters);
    double configurations = c->generate.given ? (double)c->generate.configurations : (double)b->in_file;
    double draws = configurations * (1 - c->train.validation) * (double)c->train.epochs;
    open_object(j, "run");
    number(j, "sites", (double)b->run->lattice.sites);
    number(j, "parameters", (double)parameters);
    number(j, "floats_of_a_gradient", (double)b->training.learner.count[NNSM_VECTOR_GRADIENT]);
    number(j, "floats_of_a_hessian", (double)b->training.learner.count[NNSM_VECTOR_HESSIAN]);
    number(j, "generated", c->generate.given);
    number(j, "configurations", configurations);
    number(j, "chains", c->generate.chains);
    number(j, "generate_thermalization", (double)c->generate.thermalization);
    number(j, "interval", (double)c->generate.interval);
    number(j, "chains_of_a_tile", NNSM_GENERATOR_CHAINS);
    number(j, "epochs", (double)c->train.epochs);
    number(j, "batch", (double)c->train.batch);
    number(j, "shards", (double)c->train.shards_per_batch);
    number(j, "validation", c->train.validation);
    number(j, "hessian_draws", nnsm_learner_hessian_draws(c, draws));
    number(j, "temperatures", c->scan.temperatures_count);
    number(j, "walkers", (double)c->scan.walkers);
    number(j, "sweeps", (double)c->scan.sweeps);
    number(j, "scan_thermalization", (double)c->scan.thermalization);
    number(j, "exchange_interval", (double)c->scan.exchange_interval);
    number(j, "chains_of_a_scan_tile", NNSM_TILE);
    number(j, "period", nnsm_chains_period(&b->run->lattice));
    number(j, "bytes_of_a_measurement",
           sizeof(double) * (nnsm_summary_orders(b->run) ? NNSM_MEASURED_SCANNED : NNSM_MEASURED_ALWAYS));
    number(j, "measurements_at_once", (double)nnsm_chains_slots(&b->chains));
    number(j, "self_learning", b->chains.sampler != NULL);
    if (b->sampler) {
        char proposing[PROPOSALS];
        text(j, "proposals", proposals(b, proposing));
    }
    number(j, "networks", (double)c->trust.networks);
    number(j, "temperature", b->trained.summary.temperature);
    close_object(j);
}

static void write_part(json *j, const nnsm_bench *b, nnsm_bench_name name)
{
    const nnsm_bench_part *p = &b->part[name];
    double dense, needed;
    nnsm_bench_fractions(b, name, &dense, &needed);
    open_object(j, p->name);
    text(j, "title", p->title);
    number(j, "rate", nnsm_bench_rate(p));
    text(j, "units", p->units);
    text(j, "of", p->together ? "job" : "rank");
    number(j, "seconds", p->seconds);
    number(j, "work", p->work);
    number(j, "calls", p->calls);
    number(j, "spread", p->spread);
    number(j, "imbalance", p->imbalance);
    number(j, "busy", p->busy);
    list(j, "rounds", NNSM_BENCH_ROUNDS, p->round);
    number(j, "peak_dense", dense);
    number(j, "peak_needed", needed);
    close_object(j);
}

static void write_message(json *j, const nnsm_bench *b, nnsm_bench_message kind)
{
    double size[NNSM_BENCH_SIZES], seconds[NNSM_BENCH_SIZES], spread[NNSM_BENCH_SIZES];
    for (int s = 0; s < NNSM_BENCH_SIZES; s++) {
        size[s] = (double)b->message_size[s];
        seconds[s] = b->message[kind][s].seconds;
        spread[s] = b->message[kind][s].spread;
    }
    open_object(j, b->message[kind][0].name);
    list(j, "bytes", NNSM_BENCH_SIZES, size);
    list(j, "seconds", NNSM_BENCH_SIZES, seconds);
    list(j, "spread", NNSM_BENCH_SIZES, spread);
    number(j, "latency", b->line[kind].latency);
    number(j, "seconds_a_byte", b->line[kind].slope);
    number(j, "residual", b->line[kind].residual);
    close_object(j);
}

/* Of a shard's gradient: entries first ... end - 1 are there so many seconds after those before them in the list. */
static void write_layers(json *j, const nnsm_bench *b)
{
    double first[sizeof b->layer / sizeof *b->layer], end[sizeof b->layer / sizeof *b->layer];
    double seconds[sizeof b->layer / sizeof *b->layer];
    for (size_t l = 0; l < b->layers; l++) {
        first[l] = (double)b->layer[l].first;
        end[l] = (double)b->layer[l].end;
        seconds[l] = b->layer[l].seconds;
    }
    open_object(j, "layers");
    list(j, "first", b->layers, first);
    list(j, "end", b->layers, end);
    list(j, "seconds", b->layers, seconds);
    close_object(j);
}

static void write_all(json *j, const nnsm_bench *b)
{
    open_object(j, NULL);
    write_head(j, b);
    write_shapes(j, b);
    open_object(j, "parts");
    for (int n = 0; n < NNSM_BENCH_PARTS; n++)
        if (b->part[n].call)
            write_part(j, b, (nnsm_bench_name)n);
    close_object(j);
    write_layers(j, b);
    number(j, "evaluated", b->evaluated);
    open_object(j, "self_learning");
    number(j, "acceptance", b->acceptance);
    number(j, "tau", b->tau);
    number(j, "effective_samples_per_second", effective_rate(b));
    close_object(j);
    open_object(j, "messages");
    for (int k = 0; k < NNSM_BENCH_MESSAGES; k++)
        write_message(j, b, (nnsm_bench_message)k);
    close_object(j);
    close_object(j);
    (void)fputc('\n', j->file);
}

nnsm_status nnsm_bench_write(const nnsm_bench *bench, nnsm_error *error)
{
    nnsm_run named = *bench->run;
    char path[NNSM_RUN_PATH], part[NNSM_RUN_PATH + 8];
    named.config = bench->asked;
    nnsm_run_path(&named, NNSM_FILE_BENCH, path);
    (void)snprintf(part, sizeof part, "%s.part", path);
    json j = {.file = fopen(part, "w"), .first = true};
    if (!j.file)
        return nnsm_fail(error, NNSM_FAILURE, "%.400s: %s", part, strerror(errno));
    write_all(&j, bench);
    bool good = fflush(j.file) == 0 && !ferror(j.file) && fsync(fileno(j.file)) == 0;
    int code = errno;
    good = fclose(j.file) == 0 && good;
    if (good && rename(part, path) == 0) {
        nnsm_say(&bench->run->log, "bench: %s", path);
        return NNSM_OK;
    }
    code = good ? errno : code;
    (void)unlink(part);
    return nnsm_fail(error, NNSM_FAILURE, "%.400s: %s; make room, or choose another run.output", path, strerror(code));
}
