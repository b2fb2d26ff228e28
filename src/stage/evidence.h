/* evidence.h: what the configurations of a file themselves say of their worth: how correlated they are along the file,
 * repeated configurations, sites that never change, symmetries that they contradict. */
#ifndef NNSM_STAGE_EVIDENCE_H
#define NNSM_STAGE_EVIDENCE_H

#include "ensemble/symmetry_test.h"
#include "io/ensemble_file.h"
#include "stage/run.h"
#include "stage/summary.h"

/* A training that augments by a symmetry is refused where the data contradict it with a smaller p. */
static const double nnsm_evidence_refused = 1e-6;

/* Plain data, the same on all ranks. */
typedef struct {
    double tau_magnetization, tau_bonds; /* of |m| and the mean nearest-neighbour product, in kept configurations of a
                                            chain; NaN: chains too short to tell */
    double effective;                    /* independent configurations */
    int64_t configurations, distinct;    /* different ones, by their hash */
    int64_t constant_sites;
    int64_t rare, rare_value,
        values;          /* of more than two values the rarest: how often it and all occur in what is used */
    int64_t alternating; /* configurations so far apart are alike, nearer ones are not: chains that the file does not
                            state; 0: nothing of the kind */
    int64_t used;        /* configurations that the tests looked at; 0: the lattice is too large for them */
    int64_t blocks, count;
    nnsm_symmetry_test test[NNSM_TESTS];
} nnsm_evidence;

/* What is kept of one configuration; plain data. */
typedef struct {
    double energy, magnetization, order; /* of summary.h */
    double bonds;                        /* mean nearest-neighbour product */
    uint64_t hash;
} nnsm_record;

typedef struct {
    nnsm_run *run;
    const nnsm_ensemble_header *header;
    nnsm_census census;
    size_t every;             /* rounds of chains that the tests look at: one in so many */
    nnsm_record *record;      /* rank 0: [configurations] */
    int8_t *lowest, *highest; /* [sites], states seen so far */
} nnsm_observer;

/* run and header are borrowed. NNSM_FAILURE without memory, agreed on. Collective on run->world. */
nnsm_status nnsm_observer_create(nnsm_observer *observer, nnsm_run *run, const nnsm_ensemble_header *header,
                                 nnsm_error *error);
void nnsm_observer_destroy(nnsm_observer *observer);

/* Look at configurations first, first + 1, ... of the file. rows: in, [count][sites] states; records: out, [count].
 * Local. */
void nnsm_observer_see(nnsm_observer *observer, size_t first, size_t count, const int8_t *rows, nnsm_record *records);

/* When all have seen all and rank 0 has all records: the summary and the evidence, on all ranks. A failure on rank 0
 * only is agreed on. Collective on run->world. */
nnsm_status nnsm_observer_conclude(nnsm_observer *observer, nnsm_summary *summary, nnsm_evidence *evidence,
                                   nnsm_error *error);

/* NNSM_DATA where the data contradict a symmetry of train.augment, or are all identical. Local, the same on all ranks.
 */
nnsm_status nnsm_evidence_check(const nnsm_evidence *evidence, const nnsm_config *config, const char *path,
                                nnsm_error *error);

/* Warn of what makes an ensemble worth less than it looks. */
void nnsm_evidence_warn(nnsm_run *run, const nnsm_evidence *evidence);

/* All of it, for a person, on standard output. Local. */
void nnsm_evidence_print(const nnsm_evidence *evidence);

#endif
