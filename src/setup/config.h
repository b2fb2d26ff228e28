/* config.h: the configuration of a run: one declared schema, one const struct.
 *
 * The schema (config_schema.c) states for every key its type, default, range or choices, unit and one line of help. It
 * drives parsing (libconfig), `--set section.key=value`, the errors for unknown keys (file, line, nearest known key),
 * the documentation table and the echo of the resolved configuration. Only config*.c see libconfig. */
#ifndef NNSM_SETUP_CONFIG_H
#define NNSM_SETUP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "nnsm/error.h"

enum { NNSM_CONFIG_TEXT = 512, NNSM_CONFIG_LIST = 16, NNSM_CONFIG_TEMPERATURES = 1024 };
enum { NNSM_CONFIG_WRITTEN = 65536 }; /* room for what nnsm_config_write writes */

/* Choices are stored as their position in the list of the schema, which is the order of these enums. */
typedef enum {
    NNSM_CONFIG_ISING,
    NNSM_CONFIG_SPIN_GLASS,
    NNSM_CONFIG_BAXTER_WU,
    NNSM_CONFIG_POTTS,
    NNSM_CONFIG_BLUME_CAPEL,
    NNSM_CONFIG_CLOCK
} nnsm_config_model;
typedef enum { NNSM_CONFIG_METROPOLIS, NNSM_CONFIG_WOLFF, NNSM_CONFIG_HEAT_BATH } nnsm_config_algorithm;
typedef enum { NNSM_CONFIG_SITES, NNSM_CONFIG_WINDOWS } nnsm_config_seen;
typedef enum { NNSM_CONFIG_DECONVOLVE, NNSM_CONFIG_PLAIN, NNSM_CONFIG_MASKED } nnsm_config_route;
typedef enum { NNSM_CONFIG_DENSE, NNSM_CONFIG_FRONTIER } nnsm_config_network;
typedef enum { NNSM_CONFIG_FIXED, NNSM_CONFIG_STREAM } nnsm_config_data;
typedef enum { NNSM_CONFIG_ANCESTRAL, NNSM_CONFIG_ENSEMBLE } nnsm_config_source;
typedef enum { NNSM_CONFIG_CONSTANT, NNSM_CONFIG_COSINE } nnsm_config_schedule;
typedef enum { NNSM_CONFIG_SINGLE_FLIPS, NNSM_CONFIG_SELF_LEARNING } nnsm_config_sampler;

/* Plain data: copied between ranks byte by byte. */
typedef struct {
    struct {
        char name[NNSM_CONFIG_TEXT];   /* no default: required; letters, digits, '.', '_', '-' only */
        char output[NNSM_CONFIG_TEXT]; /* directory */
        int64_t seed;
        double progress;                /* seconds between progress lines */
        double time_limit;              /* seconds until a clean stop; 0: none */
        char scratch[NNSM_CONFIG_TEXT]; /* directory for configurations; empty: they are kept in memory */
    } run;
    struct {
        bool given; /* the group is present: the model is known */
        int model;  /* nnsm_config_model */
        int dimensions;
        int lattice[3];
        int boundary; /* 0 = periodic, 1 = open */
        double coupling, field;
        int axes;             /* couplings given in anisotropy: 0 or one an axis */
        double anisotropy[3]; /* in units of coupling; 1 where none is given */
        double next_nearest, plaquette;
        int64_t disorder;     /* seed of the bonds of a spin glass */
        int states;           /* of potts and clock */
        double crystal_field; /* of blume_capel */
    } system;
    struct {
        bool given;
        double temperature;
        int64_t configurations;
        int algorithm;          /* nnsm_config_algorithm */
        int chains;             /* rounded by nobody: must be a multiple of 64 */
        int64_t thermalization; /* updates (sweeps or clusters) before the first kept configuration */
        int64_t interval;       /* updates between kept configurations of a chain */
    } generate;
    struct {
        bool given;
        char file[NNSM_CONFIG_TEXT]; /* the user's measured ensemble, instead of generate */
        int64_t cuts;                /* number of thresholds; 0: none are given */
        double thresholds[31];       /* rising; NNSM_MAX_VALUES - 1 */
        int64_t levels;              /* of equal shares; 0: values as they are, or by the thresholds */
    } ensemble;
    struct {
        bool given; /* the network sees sums over windows of the data, or is told that it does */
        int sizes;  /* 1, for all axes alike, or one an axis */
        int size[3];
        int strides; /* 0: as size */
        int stride[3];
        bool periodic;
        int data;  /* nnsm_config_seen: what ensemble.file holds */
        int route; /* nnsm_config_route, of windows that overlap */
        int values_count;
        int values[2]; /* of the sites below, where data are windows and their file does not say it */
    } window;
    struct {
        int kind;       /* nnsm_config_network */
        int64_t units;  /* of a frontier network's conditional */
        double horizon; /* how far a frontier is seen, in lattice spacings; 0: all of it */
        double reach;   /* of the interaction, in lattice spacings; 0: from the data */
        double ridge;
        int layers; /* number of hidden layers, 0 allowed */
        int hidden[NNSM_CONFIG_LIST];
        bool direct;
        int order;                   /* 0 raster, 1 snake, 2 checkerboard, 3 random */
        int activation;              /* 0 relu, 1 tanh */
        char file[NNSM_CONFIG_TEXT]; /* network file for `scan`; empty: the run's own */
    } network;
    struct {
        int data; /* nnsm_config_data */
        int64_t epochs;
        int64_t batch;
        int64_t shards_per_batch;
        double learning_rate;
        int schedule;      /* nnsm_config_schedule */
        double validation; /* fraction of the ensemble held out: its first configurations */
        int64_t patience;  /* epochs without a better held-out likelihood before an early stop; 0: never */
        bool translation, point_group, spin_flip, permutation; /* from the list train.augment */
    } train;
    struct {
        int temperatures_count;
        double temperatures[NNSM_CONFIG_TEMPERATURES]; /* strictly increasing */
        int sampler;                                   /* nnsm_config_sampler */
        int64_t walkers;                               /* chains a temperature */
        int64_t sweeps, thermalization;
        bool exchange;
        int64_t exchange_interval;     /* sweeps between exchange attempts */
        bool single, neighbour, patch; /* from the list scan.moves; none: chosen from the alphabet */
        bool regenerate;               /* redraw a suffix of every chain before each sweep */
        bool reference;                /* also scan the true model where it is known */
        bool distilled;                /* also scan the distilled Hamiltonian */
    } scan;
    struct {
        bool enabled;
        bool field, pairs, triples, quadruples, m2; /* from the list couplings.basis */
        double range;                               /* of the pairs */
        bool per_bond;
        int source;      /* nnsm_config_source */
        int64_t samples; /* rounded up to full blocks */
    } couplings;
    struct {
        int64_t networks;               /* of the ensemble that tells the spread; 1: only the run's own */
        char compare[NNSM_CONFIG_TEXT]; /* file of a second ensemble; empty: none */
    } trust;
    struct {
        int64_t generators; /* ranks that generate while the others train; 0: chosen from rates in stage/generators.c */
    } teams;
    struct {
        double interval; /* seconds between checkpoints */
    } checkpoint;
} nnsm_config;

/* What a key has an influence on; a run goes on from a checkpoint as far as nothing that matters has changed. */
typedef enum { NNSM_AFFECTS_NOTHING, NNSM_AFFECTS_DATA, NNSM_AFFECTS_NETWORK, NNSM_AFFECTS_SCAN } nnsm_affects;

/* Read `path`, apply `settings` ("section.key=value", `count` of them, in order), fill defaults, check types, ranges,
 * choices and contradictions. On failure NNSM_USAGE with file, line, key and advice, *config undefined. Local. */
nnsm_status nnsm_config_read(nnsm_config *config, const char *path, const char *const *settings, size_t count,
                             nnsm_error *error);

/* The resolved configuration as libconfig text that reads back to the same struct. Writes at most `size` bytes with the
 * final NUL; returns the length needed without it. Groups that were not given are left out. Local. */
size_t nnsm_config_write(const nnsm_config *config, char *text, size_t size);

/* Read back what nnsm_config_write wrote; `name` stands for the file in messages. Local. */
nnsm_status nnsm_config_read_text(nnsm_config *config, const char *text, const char *name, nnsm_error *error);

/* The keys that have an influence on `affects` and differ, as "group.key = OLD, now NEW; ..." into text ([size]).
 * Returns how many. Local. */
size_t nnsm_config_differences(const nnsm_config *before, const nnsm_config *now, nnsm_affects affects, char *text,
                               size_t size);

/* The documentation table in Markdown: | key | default | range or choices | unit | meaning |. Local. */
void nnsm_config_document(FILE *stream);

#endif
