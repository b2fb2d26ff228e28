#include "setup/config_schema.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#define AT(group, field) offsetof(nnsm_config, group.field)

const nnsm_group nnsm_config_groups[] = {
    {"run", SIZE_MAX},
    {"system", AT(system, given)},
    {"generate", AT(generate, given)},
    {"ensemble", AT(ensemble, given)},
    {"window", AT(window, given)},
    {"network", SIZE_MAX},
    {"train", SIZE_MAX},
    {"scan", SIZE_MAX},
    {"couplings", SIZE_MAX},
    {"trust", SIZE_MAX},
    {"teams", SIZE_MAX},
    {"checkpoint", SIZE_MAX},
};
const size_t nnsm_config_group_count = sizeof nnsm_config_groups / sizeof *nnsm_config_groups;

/* clang-format off */
const nnsm_key nnsm_config_keys[] = {
    {"run", "name", NNSM_KEY_TEXT, AT(run, name), NULL, 0, 0, 0, NULL, "", "name of the run; its files are OUTPUT/NAME.*", NNSM_AFFECTS_NOTHING},
    {"run", "output", NNSM_KEY_TEXT, AT(run, output), "\"results\"", 0, 0, 0, NULL, "", "directory of the results", NNSM_AFFECTS_NOTHING},
    {"run", "seed", NNSM_KEY_INTEGER, AT(run, seed), "1", 0, 9e18, 0, NULL, "", "seed of all random numbers", NNSM_AFFECTS_DATA},
    {"run", "progress", NNSM_KEY_REAL, AT(run, progress), "5.0", 0, 1e6, 0, NULL, "s", "least time between progress lines", NNSM_AFFECTS_NOTHING},
    {"run", "time_limit", NNSM_KEY_REAL, AT(run, time_limit), "0.0", 0, 1e9, 0, NULL, "s", "stop cleanly, to be continued, after so long; 0: never", NNSM_AFFECTS_NOTHING},
    {"run", "scratch", NNSM_KEY_TEXT, AT(run, scratch), "\"\"", 0, 0, 0, NULL, "", "directory on a local disk for configurations that do not fit into memory; empty: in memory", NNSM_AFFECTS_NOTHING},
    {"system", "model", NNSM_KEY_CHOICE, AT(system, model), "\"ising\"", 0, 0, 0, "ising|spin_glass|baxter_wu|potts|blume_capel|clock", "", "model that makes the data (see Models)", NNSM_AFFECTS_DATA},
    {"system", "lattice", NNSM_KEY_INTS, AT(system, lattice), NULL, 1, 1 << 20, 3, NULL, "sites", "extents of the lattice, 1 to 3 of them", NNSM_AFFECTS_DATA},
    {"system", "boundary", NNSM_KEY_CHOICE, AT(system, boundary), "\"periodic\"", 0, 0, 0, "periodic|open", "", "boundary condition", NNSM_AFFECTS_DATA},
    {"system", "coupling", NNSM_KEY_REAL, AT(system, coupling), "1.0", -1e6, 1e6, 0, NULL, "energy", "J in E = -J sum s s - h sum s (others: see Models); below 0: antiferromagnet", NNSM_AFFECTS_DATA},
    {"system", "anisotropy", NNSM_KEY_REALS, AT(system, anisotropy), "()", -1e6, 1e6, 3, NULL, "coupling", "ising: J of every axis in units of coupling, as (1, 0.5); () for axes alike", NNSM_AFFECTS_DATA},
    {"system", "next_nearest", NNSM_KEY_REAL, AT(system, next_nearest), "0.0", -1e6, 1e6, 0, NULL, "energy", "ising: J2 of next-nearest neighbours, sqrt 2 apart (chain: 2)", NNSM_AFFECTS_DATA},
    {"system", "plaquette", NNSM_KEY_REAL, AT(system, plaquette), "0.0", -1e6, 1e6, 0, NULL, "energy", "ising: K of the four spins around a unit square", NNSM_AFFECTS_DATA},
    {"system", "field", NNSM_KEY_REAL, AT(system, field), "0.0", -1e6, 1e6, 0, NULL, "energy", "h in E = -J sum s s - h sum s (others: see Models)", NNSM_AFFECTS_DATA},
    {"system", "disorder", NNSM_KEY_INTEGER, AT(system, disorder), "1", 0, 9e18, 0, NULL, "", "spin_glass: seed of the signs of the bonds", NNSM_AFFECTS_DATA},
    {"system", "states", NNSM_KEY_INT, AT(system, states), "3", 2, 32, 0, NULL, "", "potts, clock: states of a site", NNSM_AFFECTS_DATA},
    {"system", "crystal_field", NNSM_KEY_REAL, AT(system, crystal_field), "0.0", -1e6, 1e6, 0, NULL, "energy", "blume_capel: D in + D sum s s", NNSM_AFFECTS_DATA},
    {"generate", "temperature", NNSM_KEY_REAL, AT(generate, temperature), NULL, 1e-3, 1e6, 0, NULL, "energy / k_B", "temperature T0 of the ensemble", NNSM_AFFECTS_DATA},
    {"generate", "configurations", NNSM_KEY_INTEGER, AT(generate, configurations), "60000", 2, 1e9, 0, NULL, "", "configurations of the ensemble", NNSM_AFFECTS_DATA},
    {"generate", "algorithm", NNSM_KEY_CHOICE, AT(generate, algorithm), "\"metropolis\"", 0, 0, 0, "metropolis|wolff|heat_bath", "", "Monte Carlo update: single sites, clusters, or single sites by the heat bath (several states)", NNSM_AFFECTS_DATA},
    {"generate", "chains", NNSM_KEY_INT, AT(generate, chains), "512", 64, 1 << 20, 0, NULL, "", "independent Markov chains, a multiple of 64", NNSM_AFFECTS_DATA},
    {"generate", "thermalization", NNSM_KEY_INTEGER, AT(generate, thermalization), "1000", 0, 1e9, 0, NULL, "updates", "sweeps (Wolff: clusters) of a chain before the first kept configuration", NNSM_AFFECTS_DATA},
    {"generate", "interval", NNSM_KEY_INTEGER, AT(generate, interval), "50", 1, 1e9, 0, NULL, "updates", "sweeps (Wolff: clusters) between kept configurations of a chain", NNSM_AFFECTS_DATA},
    {"ensemble", "file", NNSM_KEY_TEXT, AT(ensemble, file), NULL, 0, 0, 0, NULL, "", "HDF5 file of measured configurations, instead of generate", NNSM_AFFECTS_NOTHING},
    {"ensemble", "thresholds", NNSM_KEY_NUMBERS, AT(ensemble, thresholds), "()", -1e300, 1e300, 31, NULL, "", "cut a continuous signal into levels at these values, as (-0.5, 0.5); () for none", NNSM_AFFECTS_DATA},
    {"ensemble", "levels", NNSM_KEY_INTEGER, AT(ensemble, levels), "0", 0, 32, 0, NULL, "", "cut a continuous signal into so many levels of equal shares; 0: values as they are", NNSM_AFFECTS_DATA},
    {"window", "size", NNSM_KEY_INTS, AT(window, size), NULL, 1, 1 << 20, 3, NULL, "sites", "block spins: extent of the windows whose sums are seen, one for all axes or one each", NNSM_AFFECTS_NETWORK},
    {"window", "stride", NNSM_KEY_INTS, AT(window, stride), "()", 1, 1 << 20, 3, NULL, "sites", "distance between windows; (): their size, so that they do not overlap", NNSM_AFFECTS_NETWORK},
    {"window", "periodic", NNSM_KEY_BOOLEAN, AT(window, periodic), "false", 0, 0, 0, NULL, "", "windows go around the lattice; else they lie within it", NNSM_AFFECTS_NETWORK},
    {"window", "data", NNSM_KEY_CHOICE, AT(window, data), "\"sites\"", 0, 0, 0, "sites|windows", "", "what ensemble.file holds: sites, that windows are laid on, or the sums in windows", NNSM_AFFECTS_NETWORK},
    {"window", "route", NNSM_KEY_CHOICE, AT(window, route), "\"deconvolve\"", 0, 0, 0, "deconvolve|plain|masked", "", "overlapping windows: undo them and learn on the sites, learn on the sums as if any were possible, or on sums of which only those with a preimage are", NNSM_AFFECTS_NETWORK},
    {"window", "values", NNSM_KEY_INTS, AT(window, values), "(-1, 1)", -1e6, 1e6, 2, NULL, "", "data are windows: the two values of a site, where the file does not say them", NNSM_AFFECTS_NETWORK},
    {"network", "kind", NNSM_KEY_CHOICE, AT(network, kind), "\"dense\"", 0, 0, 0, "dense|frontier", "", "masked dense layers (MADE), or saturating units on each output's frontier", NNSM_AFFECTS_NETWORK},
    {"network", "reach", NNSM_KEY_REAL, AT(network, reach), "0.0", 0, 16, 0, NULL, "lattice spacings", "frontier: how far the interaction reaches; 1 nearest neighbours, 1.5 diagonals too; 0: chosen by a test on the data", NNSM_AFFECTS_NETWORK},
    {"network", "horizon", NNSM_KEY_REAL, AT(network, horizon), "0.0", 0, 1e6, 0, NULL, "lattice spacings", "frontier, large lattices: sites of it that are farther from the output are left out; several correlation lengths; 0: none", NNSM_AFFECTS_NETWORK},
    {"network", "units", NNSM_KEY_INTEGER, AT(network, units), "128", 0, 4096, 0, NULL, "units", "frontier: saturating units of a conditional", NNSM_AFFECTS_NETWORK},
    {"network", "ridge", NNSM_KEY_REAL, AT(network, ridge), "1e-4", 0, 1, 0, NULL, "", "frontier: ridge on the units' coefficients, a draw", NNSM_AFFECTS_NETWORK},
    {"network", "hidden", NNSM_KEY_INTS, AT(network, hidden), "[180, 120]", 1, 1 << 20, NNSM_CONFIG_LIST, NULL, "units", "widths of the hidden layers; () for none", NNSM_AFFECTS_NETWORK},
    {"network", "direct", NNSM_KEY_BOOLEAN, AT(network, direct), "true", 0, 0, 0, NULL, "", "direct connections from inputs to outputs", NNSM_AFFECTS_NETWORK},
    {"network", "order", NNSM_KEY_CHOICE, AT(network, order), "\"raster\"", 0, 0, 0, "raster|snake|checkerboard|random", "", "order in which the network takes the sites", NNSM_AFFECTS_NETWORK},
    {"network", "activation", NNSM_KEY_CHOICE, AT(network, activation), "\"relu\"", 0, 0, 0, "relu|tanh", "", "activation of the hidden units", NNSM_AFFECTS_NETWORK},
    {"network", "file", NNSM_KEY_TEXT, AT(network, file), "\"\"", 0, 0, 0, NULL, "", "network file for nnsm scan; empty: the run's own", NNSM_AFFECTS_NOTHING},
    {"train", "data", NNSM_KEY_CHOICE, AT(train, data), "\"fixed\"", 0, 0, 0, "fixed|stream", "", "train on the ensemble again and again, or on new configurations only", NNSM_AFFECTS_NETWORK},
    {"train", "epochs", NNSM_KEY_INTEGER, AT(train, epochs), "60", 1, 1e6, 0, NULL, "", "passes over the ensemble", NNSM_AFFECTS_NETWORK},
    {"train", "batch", NNSM_KEY_INTEGER, AT(train, batch), "469", 1, 1e7, 0, NULL, "configurations", "configurations of a mini-batch", NNSM_AFFECTS_NETWORK},
    {"train", "shards_per_batch", NNSM_KEY_INTEGER, AT(train, shards_per_batch), "8", 1, 1024, 0, NULL, "", "gradient shards of a mini-batch: the most ranks that can train", NNSM_AFFECTS_NETWORK},
    {"train", "learning_rate", NNSM_KEY_REAL, AT(train, learning_rate), "1e-3", 1e-12, 1e3, 0, NULL, "", "Adam's learning rate at the start", NNSM_AFFECTS_NETWORK},
    {"train", "schedule", NNSM_KEY_CHOICE, AT(train, schedule), "\"cosine\"", 0, 0, 0, "constant|cosine", "", "learning rate over the training", NNSM_AFFECTS_NETWORK},
    {"train", "validation", NNSM_KEY_REAL, AT(train, validation), "0.05", 0, 0.5, 0, NULL, "", "share of the ensemble held out: its first configurations", NNSM_AFFECTS_NETWORK},
    {"train", "patience", NNSM_KEY_INTEGER, AT(train, patience), "0", 0, 1e6, 0, NULL, "epochs", "stop after so many epochs without a better held-out likelihood; 0: never", NNSM_AFFECTS_NETWORK},
    {"train", "augment", NNSM_KEY_FLAGS, AT(train, translation), "()", 0, 0, 4, "translation|point_group|spin_flip|permutation", "", "symmetries of the system, applied at random to every sample; spin_flip: value to -value, permutation: of labels", NNSM_AFFECTS_NETWORK},
    {"scan", "temperatures", NNSM_KEY_TEMPERATURES, AT(scan, temperatures), "{ from = 1.0; to = 4.0; step = 0.1; }", 1e-3, 1e6, NNSM_CONFIG_TEMPERATURES, NULL, "energy / k_B", "temperatures to predict: { from; to; step } or a list", NNSM_AFFECTS_SCAN},
    {"scan", "sampler", NNSM_KEY_CHOICE, AT(scan, sampler), "\"self_learning\"", 0, 0, 0, "metropolis|self_learning", "", "how a chain moves: single flips, screened by the couplings where these are good enough, or proposals of the couplings (single flips where those are not accepted)", NNSM_AFFECTS_SCAN},
    {"scan", "walkers", NNSM_KEY_INTEGER, AT(scan, walkers), "8", 1, 1024, 0, NULL, "", "chains a temperature", NNSM_AFFECTS_SCAN},
    {"scan", "sweeps", NNSM_KEY_INTEGER, AT(scan, sweeps), "4000", 1, 4e9, 0, NULL, "sweeps", "measured sweeps of a chain; self_learning: proposals", NNSM_AFFECTS_SCAN},
    {"scan", "thermalization", NNSM_KEY_INTEGER, AT(scan, thermalization), "400", 0, 1e8, 0, NULL, "sweeps", "sweeps or proposals of a chain before the measurement; the surrogate's scale is learned there", NNSM_AFFECTS_SCAN},
    {"scan", "exchange", NNSM_KEY_BOOLEAN, AT(scan, exchange), "true", 0, 0, 0, NULL, "", "replica exchange between neighbouring temperatures", NNSM_AFFECTS_SCAN},
    {"scan", "exchange_interval", NNSM_KEY_INTEGER, AT(scan, exchange_interval), "1", 1, 1e6, 0, NULL, "sweeps", "sweeps between measurements and exchange attempts", NNSM_AFFECTS_SCAN},
    {"scan", "moves", NNSM_KEY_FLAGS, AT(scan, single), "()", 0, 0, 3, "single|neighbour|patch", "", "moves of sites with more than two values, sweep by sweep in turn: to any value, to a neighbouring one, a box of 2 sites an axis one value up or down; (): single, of numbers neighbour too", NNSM_AFFECTS_SCAN},
    {"scan", "regenerate", NNSM_KEY_BOOLEAN, AT(scan, regenerate), "false", 0, 0, 0, NULL, "", "before every sweep or proposal under the learned Hamiltonian redraw the last sites of the network's order, from a random one on, by its conditionals", NNSM_AFFECTS_SCAN},
    {"scan", "reference", NNSM_KEY_BOOLEAN, AT(scan, reference), "true", 0, 0, 0, NULL, "", "scan the true model too, where it is known", NNSM_AFFECTS_SCAN},
    {"scan", "distilled", NNSM_KEY_BOOLEAN, AT(scan, distilled), "true", 0, 0, 0, NULL, "", "scan the distilled Hamiltonian too; raw minus distilled estimates the systematic error", NNSM_AFFECTS_SCAN},
    {"couplings", "enabled", NNSM_KEY_BOOLEAN, AT(couplings, enabled), "true", 0, 0, 0, NULL, "", "read the couplings of the learned Hamiltonian, and fit them to the data by pseudo-likelihood; without them there is no distilled scan, and nothing proposes or screens flips", NNSM_AFFECTS_SCAN},
    {"couplings", "basis", NNSM_KEY_FLAGS, AT(couplings, field), "(\"field\", \"pairs\", \"triples\", \"quadruples\")", 0, 0, 5, "field|pairs|triples|quadruples|m2", "", "operators; field and triples are left out where train.augment has spin_flip; m2 is for two values", NNSM_AFFECTS_SCAN},
    {"couplings", "range", NNSM_KEY_REAL, AT(couplings, range), "3.0", 1, 1e6, 0, NULL, "lattice spacings", "longest pair, cut at the largest distance of the lattice", NNSM_AFFECTS_SCAN},
    {"couplings", "per_bond", NNSM_KEY_BOOLEAN, AT(couplings, per_bond), "false", 0, 0, 0, NULL, "", "a coupling for every bond and site; else means over translations, and over the point group where train.augment has it", NNSM_AFFECTS_SCAN},
    {"couplings", "source", NNSM_KEY_CHOICE, AT(couplings, source), "\"ancestral\"", 0, 0, 0, "ancestral|ensemble", "", "configurations that the Hamiltonian is projected on: samples of the network, or the ensemble", NNSM_AFFECTS_SCAN},
    {"couplings", "samples", NNSM_KEY_INTEGER, AT(couplings, samples), "20480", 64, 1e8, 0, NULL, "", "how many; at least four an operator are taken. Fewer than some times the configurations add noise of their own", NNSM_AFFECTS_SCAN},
    {"trust", "networks", NNSM_KEY_INTEGER, AT(trust, networks), "1", 1, 64, 0, NULL, "", "networks on bootstrap samples of the data, whose spread is an error; 1: only the run's own", NNSM_AFFECTS_SCAN},
    {"trust", "compare", NNSM_KEY_TEXT, AT(trust, compare), "\"\"", 0, 0, 0, NULL, "", "HDF5 file of configurations at another temperature of the scan, to test the prediction on; empty: none", NNSM_AFFECTS_SCAN},
    {"teams", "generators", NNSM_KEY_INTEGER, AT(teams, generators), "0", 0, 1e6, 0, NULL, "ranks", "ranks that generate while the others train; 0: chosen from the work of both; all of them, before they train, where that takes no longer", NNSM_AFFECTS_NOTHING},
    {"checkpoint", "interval", NNSM_KEY_REAL, AT(checkpoint, interval), "60.0", 0.001, 1e6, 0, NULL, "s", "time between checkpoints; longer where they would take more than 2 % of it", NNSM_AFFECTS_NOTHING},
};
/* clang-format on */
const size_t nnsm_config_key_count = sizeof nnsm_config_keys / sizeof *nnsm_config_keys;
static_assert(sizeof nnsm_config_keys / sizeof *nnsm_config_keys <= NNSM_CONFIG_KEYS, "enlarge NNSM_CONFIG_KEYS");

/* What NNSM_KEY_INTS and NNSM_KEY_FLAGS rely on. */
static_assert(AT(system, lattice) == AT(system, dimensions) + sizeof(int), "the count stands before the list");
static_assert(AT(network, hidden) == AT(network, layers) + sizeof(int), "the count stands before the list");
static_assert(AT(ensemble, thresholds) == AT(ensemble, cuts) + sizeof(int64_t), "the count stands before the list");
static_assert(AT(window, size) == AT(window, sizes) + sizeof(int), "the count stands before the list");
static_assert(AT(window, stride) == AT(window, strides) + sizeof(int), "the count stands before the list");
static_assert(AT(window, values) == AT(window, values_count) + sizeof(int), "the count stands before the list");
static_assert(AT(couplings, m2) == AT(couplings, field) + 4 * sizeof(bool), "flags stand in a row");
static_assert(AT(train, permutation) == AT(train, translation) + 3 * sizeof(bool), "flags stand in a row");
static_assert(AT(scan, patch) == AT(scan, single) + 2 * sizeof(bool), "flags stand in a row");

size_t nnsm_config_find(const char *full)
{
    for (size_t k = 0; k < nnsm_config_key_count; k++) {
        size_t group = strlen(nnsm_config_keys[k].group);
        if (strncmp(full, nnsm_config_keys[k].group, group) == 0 && full[group] == '.' &&
            strcmp(full + group + 1, nnsm_config_keys[k].name) == 0)
            return k;
    }
    assert(false && "not a key of the schema");
    return 0;
}

void nnsm_choice_word(const char *choices, int index, char *text)
{
    for (; index > 0 && choices; index--) {
        choices = strchr(choices, '|');
        choices = choices ? choices + 1 : NULL;
    }
    size_t length = choices ? strcspn(choices, "|") : 0;
    length = length < 63 ? length : 63;
    memcpy(text, choices ? choices : "", length);
    text[length] = '\0';
}

int nnsm_choice_find(const char *choices, const char *word)
{
    char text[64];
    for (int i = 0;; i++) {
        nnsm_choice_word(choices, i, text);
        if (!text[0])
            return -1;
        if (strcmp(text, word) == 0)
            return i;
    }
}
