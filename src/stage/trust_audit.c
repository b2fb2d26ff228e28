/* trust_audit.c: is H as symmetric as the lattice? The network is not: it takes the sites in an order, and learns a
 * symmetry only as far as data and augmentation show it. What H(g s) - H(s) is on samples of its own is an error of H
 * where the system has the symmetry; where it has not, it is physics. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "lattice/symmetry.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/trust.h"

static const uint32_t ancestral_stream = 1u << 31; /* the first of the samples of ancestral.c */

enum { TILES = 16, COPIES = 8, SUMS = 2 + 2 * NNSM_AUDITS };

typedef struct {
    nnsm_run *run;
    nnsm_tile tile, sampler;
    nnsm_symmetry *group[NNSM_AUDITS]; /* NULL where the lattice has it not */
    nnsm_symmetry *claimed;            /* all that train.augment names */
    size_t copy[COPIES];               /* elements of it, the identity first: their mean is the averaged H */
    int8_t *sample, *image, *moved;    /* [NNSM_TILE][sites] */
    double sums[TILES][SUMS];          /* H, H^2; of every kind, squared residuals of H and of its average */
} audit;

/* What the values of the sites allow is examined: a spin flip, or permutations of labels. */
static nnsm_status create_group(audit *a, nnsm_audit_kind kind, nnsm_error *error)
{
    const nnsm_alphabet *alphabet = &a->run->alphabet;
    bool values = kind == NNSM_AUDIT_FLIP;
    if (kind == NNSM_AUDIT_TRANSLATION && !a->run->lattice.periodic)
        return NNSM_OK;
    if (values && alphabet->count > 2 && !alphabet->labels && !nnsm_alphabet_symmetric(alphabet))
        return NNSM_OK;
    nnsm_status status = nnsm_symmetry_create(&a->group[kind], &a->run->lattice, kind == NNSM_AUDIT_TRANSLATION,
                                              kind == NNSM_AUDIT_POINT_GROUP, values && !alphabet->labels, error);
    if (!status)
        status = nnsm_symmetry_set_alphabet(a->group[kind], alphabet, values && alphabet->labels, error);
    return status;
}

static nnsm_status create(audit *a, const nnsm_learned *learned, nnsm_error *error)
{
    const nnsm_config *c = a->run->config;
    const nnsm_lattice *l = &a->run->lattice;
    size_t bytes = NNSM_TILE * l->sites;
    nnsm_status status = nnsm_learned_tile_create(&a->tile, learned, error);
    if (!status)
        status = nnsm_learned_tile_create(&a->sampler, learned, error);
    for (int k = 0; k < NNSM_AUDITS && !status; k++)
        status = create_group(a, (nnsm_audit_kind)k, error);
    if (!status)
        status = nnsm_symmetry_create(&a->claimed, l, c->train.translation && l->periodic, c->train.point_group,
                                      c->train.spin_flip, error);
    if (!status)
        status = nnsm_symmetry_set_alphabet(a->claimed, &a->run->alphabet, c->train.permutation, error);
    if (!status)
        status = NNSM_NEW(&a->sample, bytes, "trust", error);
    if (!status)
        status = NNSM_NEW(&a->image, bytes, "trust", error);
    if (!status)
        status = NNSM_NEW(&a->moved, bytes, "trust", error);
    if (!status) {
        nnsm_rng_sequence draw = nnsm_rng_sequence_start(a->run->key, NNSM_RNG_AUDIT, 0, 0);
        for (size_t j = 1; j < COPIES; j++)
            a->copy[j] = nnsm_rng_below(&draw, (uint32_t)nnsm_symmetry_count(a->claimed));
    }
    return nnsm_agree(a->run->world, status, error);
}

static void destroy(audit *a)
{
    nnsm_tile_destroy(&a->tile);
    nnsm_tile_destroy(&a->sampler);
    for (int k = 0; k < NNSM_AUDITS; k++)
        nnsm_symmetry_destroy(a->group[k]);
    nnsm_symmetry_destroy(a->claimed);
    nnsm_release(a->sample);
    nnsm_release(a->image);
    nnsm_release(a->moved);
}

/* H of a tile of configurations, and its mean over their copies. */
static void evaluate(audit *a, const int8_t *configurations, double *h, double *average)
{
    size_t sites = a->run->lattice.sites;
    double energy[NNSM_TILE];
    memset(average, 0, NNSM_TILE * sizeof *average);
    for (size_t j = 0; j < COPIES; j++) {
        for (size_t i = 0; i < NNSM_TILE; i++)
            nnsm_symmetry_apply(a->claimed, a->copy[j], configurations + i * sites, a->moved + i * sites);
        a->tile.methods->load(a->tile.state, a->moved);
        a->tile.methods->energy(a->tile.state, energy);
        for (size_t i = 0; i < NNSM_TILE; i++)
            average[i] += energy[i] / COPIES;
        if (j == 0)
            memcpy(h, energy, sizeof energy);
    }
}

static void examine(audit *a, size_t tile)
{
    size_t sites = a->run->lattice.sites;
    double h[NNSM_TILE], average[NNSM_TILE], moved_h[NNSM_TILE], moved_average[NNSM_TILE], *sums = a->sums[tile];
    nnsm_learned_sample(&a->sampler, a->run->key, ancestral_stream + (uint32_t)(tile * NNSM_TILE), a->sample);
    evaluate(a, a->sample, h, average);
    for (size_t i = 0; i < NNSM_TILE; i++) {
        sums[0] += h[i];
        sums[1] += h[i] * h[i];
    }
    for (size_t k = 0; k < NNSM_AUDITS; k++) {
        size_t count = a->group[k] ? nnsm_symmetry_count(a->group[k]) : 1;
        if (count < 2)
            continue;
        nnsm_rng_sequence draw =
            nnsm_rng_sequence_start(a->run->key, NNSM_RNG_AUDIT, (uint32_t)(1 + k), (uint32_t)tile);
        for (size_t i = 0; i < NNSM_TILE; i++)
            nnsm_symmetry_apply(a->group[k], 1 + nnsm_rng_below(&draw, (uint32_t)count - 1), a->sample + i * sites,
                                a->image + i * sites);
        evaluate(a, a->image, moved_h, moved_average);
        for (size_t i = 0; i < NNSM_TILE; i++) {
            sums[2 + 2 * k] += (moved_h[i] - h[i]) * (moved_h[i] - h[i]);
            sums[3 + 2 * k] += (moved_average[i] - average[i]) * (moved_average[i] - average[i]);
        }
    }
}

static void conclude(const audit *a, nnsm_trust *trust)
{
    const nnsm_config *c = a->run->config;
    const bool claimed[NNSM_AUDITS] = {a->run->alphabet.labels ? c->train.permutation : c->train.spin_flip,
                                       c->train.translation, c->train.point_group};
    double total[SUMS] = {0}, n = (double)TILES * NNSM_TILE;
    for (size_t t = 0; t < TILES; t++)
        for (size_t i = 0; i < SUMS; i++)
            total[i] += a->sums[t][i] / n;
    double deviation = sqrt(fmax(total[1] - total[0] * total[0], 0));
    for (size_t k = 0; k < NNSM_AUDITS; k++) {
        bool there = a->group[k] && nnsm_symmetry_count(a->group[k]) > 1;
        trust->audit[k] = (nnsm_audit){there, claimed[k] && there, sqrt(total[2 + 2 * k]) / deviation,
                                       nnsm_symmetry_count(a->claimed) > 1 ? sqrt(total[3 + 2 * k]) / deviation : NAN};
    }
}

nnsm_status nnsm_trust_audit(nnsm_run *run, const nnsm_learned *learned, nnsm_trust *trust, nnsm_error *error)
{
    audit a = {.run = run};
    nnsm_status status = create(&a, learned, error);
    for (size_t first = 0; first < TILES && !status; first += (size_t)run->ranks) {
        nnsm_request request = nnsm_stop_vote(&run->stop, NNSM_VOTE_AUDIT, run->world);
        if (request > NNSM_CHECKPOINT)
            status = nnsm_checkpoint_stop(run, request, error);
        else if (first + (size_t)run->rank < TILES)
            examine(&a, first + (size_t)run->rank);
    }
    if (!status) {
        nnsm_share(run->world, TILES * SUMS, &a.sums[0][0]);
        conclude(&a, trust);
    }
    destroy(&a);
    return status;
}
