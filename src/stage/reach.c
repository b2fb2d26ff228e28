#include "stage/reach.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/pseudo_search.h"

enum { MOST_CLASSES = 1024 }; /* their Hessian takes seconds to solve */

typedef struct {
    nnsm_run *run;
    nnsm_operators operators;
    nnsm_samples data;
    nnsm_pseudo *pseudo;
    double *extent, *coupling, *error; /* [classes] */
} stage;

bool nnsm_reach_wanted(const nnsm_config *config)
{
    return config->network.kind == NNSM_CONFIG_FRONTIER && config->network.reach == 0;
}

double nnsm_reach_of(const nnsm_config *config, const nnsm_reach_choice *choice)
{
    return choice->reach > 0 ? choice->reach : config->network.reach > 0 ? config->network.reach : 1;
}

/* ---- operators */

/* The richest basis that there is room for; without classes where there is none. */
static nnsm_status create_operators(stage *s, nnsm_error *error)
{
    static const struct {
        double range;
        bool cells;
    } choices[] = {{NNSM_REACH_LONGEST, true},  {2.25, true},  {1.5, true},
                   {NNSM_REACH_LONGEST, false}, {2.25, false}, {1.5, false}};
    const nnsm_config *c = s->run->config;
    const nnsm_lattice *l = &s->run->lattice;
    const nnsm_alphabet *alphabet = &s->run->alphabet;
    bool odd = !c->train.spin_flip && (alphabet->count == 2 || !c->train.permutation);
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        nnsm_basis basis = {.field = odd,
                            .range = fmin(choices[i].range, nnsm_lattice_diameter(l)),
                            .triples = choices[i].cells && odd,
                            .quadruples = choices[i].cells,
                            .translation = c->train.translation,
                            .point_group = c->train.translation && c->train.point_group};
        nnsm_status status = alphabet->count > 2
                                 ? nnsm_operators_create_states(&s->operators, l, &basis, alphabet, error)
                                 : nnsm_operators_create(&s->operators, l, &basis, error);
        if (status == NNSM_FAILURE || (!status && s->operators.classes <= MOST_CLASSES))
            return status;
        nnsm_operators_destroy(&s->operators);
        s->operators = (nnsm_operators){0};
    }
    return NNSM_OK;
}

static nnsm_status allocate(stage *s, double temperature, nnsm_error *error)
{
    nnsm_status status = create_operators(s, error);
    size_t k = s->operators.classes;
    double **arrays[] = {&s->extent, &s->coupling, &s->error};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !status && k; i++)
        status = NNSM_NEW(arrays[i], k, "reach", error);
    if (!status && k)
        status = nnsm_pseudo_create(&s->pseudo, &s->operators, temperature, error);
    return nnsm_agree(s->run->world, status, error);
}

static void destroy(stage *s)
{
    nnsm_samples_destroy(&s->data);
    nnsm_pseudo_destroy(s->pseudo);
    nnsm_release(s->extent);
    nnsm_release(s->coupling);
    nnsm_release(s->error);
    nnsm_operators_destroy(&s->operators);
}

/* ---- couplings */

static nnsm_status fit(stage *s, double temperature, bool *found, nnsm_error *error)
{
    *found = false;
    nnsm_status status = allocate(s, temperature, error);
    if (status || !s->operators.classes)
        return status;
    status = nnsm_samples_read(&s->data, s->run, temperature, SIZE_MAX, "no reach is chosen", error);
    nnsm_pseudo_search search = {s->run, s->pseudo, &s->operators, &s->data, NULL};
    if (!status && s->data.configurations)
        status = nnsm_pseudo_search_run(&search, s->coupling, s->error, found, error);
    for (size_t c = 0; c < s->operators.classes && !status && *found; c++)
        s->extent[c] = nnsm_operator_extent(&s->operators, &s->run->lattice, c);
    return status;
}

/* ---- the choice */

static void choose(const stage *s, nnsm_reach_choice *choice)
{
    size_t k = s->operators.classes;
    choice->configurations = s->data.configurations;
    choice->tests =
        nnsm_reach_search(s->extent, s->coupling, s->error, k, NNSM_BLOCKS, NNSM_MOST_REACHES, choice->test);
    for (size_t i = 0; i < choice->tests; i++)
        memcpy(choice->strongest[i], s->operators.class[choice->test[i].strongest].name, NNSM_OPERATOR_NAME);
    choice->reach = choice->test[choice->tests - 1].reach;
}

static void report(nnsm_run *run, const nnsm_reach_choice *choice)
{
    for (size_t i = 0; i < choice->tests; i++) {
        const nnsm_reach_test *t = &choice->test[i];
        if (t->operators)
            nnsm_say(&run->log, "reach: beyond %.4g: %zu operators, strongest %s at %.1f sigma, p = %.2g", t->reach,
                     t->operators, choice->strongest[i], t->sigma, t->p);
    }
    nnsm_say(&run->log, "reach: %.4g lattice spacings, from the couplings of %zu configurations at level %g",
             choice->reach, choice->configurations, NNSM_REACH_LEVEL);
    if (choice->test[choice->tests - 1].p < NNSM_REACH_LEVEL)
        nnsm_warn(&run->log,
                  "reach: that is the %d. that was examined, and couplings beyond it stand out; no more are. If the "
                  "interaction reaches farther, state network.reach",
                  NNSM_MOST_REACHES);
    if (!choice->test[choice->tests - 1].operators)
        nnsm_warn(&run->log,
                  "reach: couplings stand out up to %.4g, the longest that were examined; if the interaction reaches "
                  "farther, state network.reach",
                  choice->reach);
}

nnsm_status nnsm_stage_reach(nnsm_run *run, double temperature, nnsm_reach_choice *choice, nnsm_error *error)
{
    stage s = {.run = run};
    bool found = false;
    *choice = (nnsm_reach_choice){0};
    if (!nnsm_reach_wanted(run->config))
        return NNSM_OK;
    nnsm_status status = fit(&s, temperature, &found, error);
    if (!status && found) {
        choose(&s, choice);
        report(run, choice);
    } else if (!status) {
        choice->reach = 1;
        nnsm_warn(&run->log, "reach: %s; nearest neighbours are taken, state network.reach if that is not so",
                  s.operators.classes ? "the data determine no couplings (too few or frozen configurations)"
                                      : "without translations in train.augment this lattice has too many couplings to "
                                        "examine");
    }
    destroy(&s);
    return status;
}

void nnsm_reach_write(nnsm_h5 *h5, const nnsm_reach_choice *choice)
{
    double reach[NNSM_MOST_REACHES], p[NNSM_MOST_REACHES], sigma[NNSM_MOST_REACHES], operators[NNSM_MOST_REACHES];
    for (size_t i = 0; i < choice->tests; i++) {
        reach[i] = choice->test[i].reach;
        p[i] = choice->test[i].p;
        sigma[i] = choice->test[i].sigma;
        operators[i] = (double)choice->test[i].operators;
    }
    if (!choice->tests)
        return;
    nnsm_h5_write_doubles(h5, "/reach/reach", 1, &choice->tests, reach, "lattice spacings",
                          "examined in this order; the last one is the network's");
    nnsm_h5_write_doubles(h5, "/reach/p", 1, &choice->tests, p, "1",
                          "probability of couplings as large beyond it by chance, Bonferroni");
    nnsm_h5_write_doubles(h5, "/reach/sigma", 1, &choice->tests, sigma, "1", "largest of them over its error");
    nnsm_h5_write_doubles(h5, "/reach/operators", 1, &choice->tests, operators, "1", "how many there are");
    nnsm_h5_set_double(h5, "/reach", "level", NNSM_REACH_LEVEL);
    nnsm_h5_set_integer(h5, "/reach", "configurations", (int64_t)choice->configurations);
}
