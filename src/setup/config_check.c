/* config_check.c: contradictions between keys, and names that the schema does not know. */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "setup/config_parse.h"

/* ---- unknown names */

enum { LONGEST = 64 };

/* Levenshtein distance of short words. */
static int distance(const char *a, const char *b)
{
    int row[LONGEST + 1];
    size_t na = strlen(a), nb = strlen(b);
    if (na > LONGEST || nb > LONGEST)
        return LONGEST;
    for (size_t j = 0; j <= nb; j++)
        row[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        int diagonal = row[0];
        row[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            int other = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < other ? change : other;
        }
    }
    return row[nb];
}

/* A right key in a wrong group is a likelier slip than several wrong letters. */
static int key_distance(const nnsm_key *key, const char *group, const char *name)
{
    int groups = distance(group, key->group), names = distance(name, key->name);
    return names == 0 ? groups > 0 : names + groups;
}

static nnsm_status refuse_key(const nnsm_reader *reader, nnsm_place place, const char *group, const char *name)
{
    const nnsm_key *best = nnsm_config_keys;
    for (size_t k = 1; k < nnsm_config_key_count; k++)
        if (key_distance(&nnsm_config_keys[k], group, name) < key_distance(best, group, name))
            best = &nnsm_config_keys[k];
    return nnsm_refuse_at(reader, place, "unknown key %.100s.%.100s; did you mean %s.%s?", group, name, best->group,
                          best->name);
}

nnsm_status nnsm_refuse_unknown(const nnsm_reader *reader, const config_setting_t *s, const char *group,
                                const char *name)
{
    nnsm_place place = nnsm_place_of(reader, s);
    const char *best = nnsm_config_groups[0].name;
    if (*name)
        return refuse_key(reader, place, group, name);
    for (size_t k = 0; k < nnsm_config_key_count; k++) /* a key outside its group */
        if (strcmp(nnsm_config_keys[k].name, group) == 0)
            return nnsm_refuse_at(reader, place, "unknown group %.100s; did you mean %s : { %s = ..; };?", group,
                                  nnsm_config_keys[k].group, group);
    for (size_t g = 1; g < nnsm_config_group_count; g++)
        if (distance(group, nnsm_config_groups[g].name) < distance(group, best))
            best = nnsm_config_groups[g].name;
    return nnsm_refuse_at(reader, place, "unknown group %.100s; did you mean %s?", group, best);
}

/* ---- contradictions */

nnsm_place nnsm_place_either(const nnsm_reader *reader, const char *a, const char *b)
{
    const nnsm_place *first = &reader->places[nnsm_config_find(a)], *second = &reader->places[nnsm_config_find(b)];
    if (second->set && !first->set)
        return *second;
    return nnsm_place_given(first) ? *first : *second;
}

#define REFUSE(reader, a, b, ...) nnsm_refuse_at(reader, nnsm_place_either(reader, a, b), __VA_ARGS__)

enum { LONGEST_NAME = 200 }; /* names of files have at most 255 characters on every file system we know */

static nnsm_status check_name(const nnsm_reader *r, const char *name)
{
    if (strlen(name) > LONGEST_NAME)
        return REFUSE(r, "run.name", "run.name",
                      "run.name has %zu characters; shorten it to at most %d: it is part of file names", strlen(name),
                      LONGEST_NAME);
    bool good = name[0] && name[0] != '.';
    for (const char *c = name; *c; c++)
        good = good && (isalnum((unsigned char)*c) || strchr("._-", *c));
    if (good)
        return NNSM_OK;
    return REFUSE(r, "run.name", "run.name",
                  "run.name = \"%.100s\": use letters, digits, '.', '_' and '-', and no leading '.'", name);
}

static nnsm_status check_system(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (!c->system.dimensions)
        return REFUSE(r, "system.lattice", "system.lattice", "system.lattice is empty; give 1 to 3 extents");
    for (int a = 0; a < c->system.dimensions && c->system.boundary == 0; a++)
        if (c->system.lattice[a] < 2)
            return REFUSE(r, "system.lattice", "system.boundary",
                          "system.lattice: a periodic extent must be at least 2, not %d; drop it or take boundary = "
                          "\"open\"",
                          c->system.lattice[a]);
    return NNSM_OK;
}

/* Keys of sites with several states, and the heat bath, which is theirs. */
static nnsm_status check_states(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    int model = c->system.model;
    bool labels = model == NNSM_CONFIG_POTTS || model == NNSM_CONFIG_CLOCK, capel = model == NNSM_CONFIG_BLUME_CAPEL;
    if (!labels && c->system.states != 3) /* the default; blume_capel has 3 */
        return REFUSE(r, "system.states", "system.model",
                      "system.states belongs to model = \"potts\" and \"clock\"; remove it");
    if (!capel && c->system.crystal_field != 0)
        return REFUSE(r, "system.crystal_field", "system.model",
                      "system.crystal_field belongs to model = \"blume_capel\"; remove it");
    if (c->couplings.enabled && c->couplings.m2 && (capel || (labels && c->system.states != 2)))
        return REFUSE(r, "couplings.basis", "system.model",
                      "couplings.basis: \"m2\" is an operator of sites of two values, not of %d; remove it",
                      (int)c->system.states);
    if (!labels && !capel && c->generate.given && c->generate.algorithm == NNSM_CONFIG_HEAT_BATH)
        return REFUSE(r, "generate.algorithm", "system.model",
                      "generate.algorithm: the heat bath is for potts, blume_capel and clock; take \"metropolis\"");
    return NNSM_OK;
}

/* Keys that belong to other models, or to other lattices. */
static nnsm_status check_model(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    char name[64];
    nnsm_choice_word(nnsm_config_keys[nnsm_config_find("system.model")].choices, c->system.model, name);
    bool ising = c->system.model == NNSM_CONFIG_ISING, triangular = c->system.model == NNSM_CONFIG_BAXTER_WU;
    if (!ising && (c->system.next_nearest != 0 || c->system.plaquette != 0 || c->system.axes))
        return REFUSE(r, "system.model",
                      c->system.axes                ? "system.anisotropy"
                      : c->system.next_nearest != 0 ? "system.next_nearest"
                                                    : "system.plaquette",
                      "system: anisotropy, next_nearest and plaquette belong to model = \"ising\", not to \"%s\"; "
                      "remove them",
                      name);
    if (c->system.axes && c->system.axes != c->system.dimensions)
        return REFUSE(r, "system.anisotropy", "system.lattice",
                      "system.anisotropy has %d values, the lattice %d axes; give one an axis", c->system.axes,
                      c->system.dimensions);
    if (triangular && c->system.dimensions != 2)
        return REFUSE(r, "system.model", "system.lattice",
                      "system.model = \"baxter_wu\" lives on a lattice of two dimensions, not %d; change the lattice",
                      c->system.dimensions);
    for (int a = 0; a < c->system.dimensions && triangular && c->system.boundary == 0; a++)
        if (c->system.lattice[a] % 3)
            return REFUSE(
                r, "system.lattice", "system.model",
                "system.lattice: the three sublattices of baxter_wu fit a periodic extent of %d or %d, not %d",
                c->system.lattice[a] / 3 * 3 + (c->system.lattice[a] < 3 ? 3 : 0),
                c->system.lattice[a] / 3 * 3 + (c->system.lattice[a] < 3 ? 6 : 3), c->system.lattice[a]);
    if (c->system.plaquette != 0 && c->system.dimensions == 1)
        return REFUSE(r, "system.plaquette", "system.lattice", "system.plaquette: a chain has no squares; set it to 0");
    if (c->system.next_nearest != 0 && c->system.dimensions == 1 && c->system.lattice[0] < 3)
        return REFUSE(r, "system.next_nearest", "system.lattice",
                      "system.next_nearest: a chain of %d sites has no next-nearest neighbours; set it to 0",
                      c->system.lattice[0]);
    if (c->generate.given && c->generate.algorithm == NNSM_CONFIG_WOLFF && (triangular || c->system.plaquette != 0))
        return REFUSE(r, "generate.algorithm", triangular ? "system.model" : "system.plaquette",
                      "generate.algorithm: Wolff clusters grow through pairs, not through products of %d spins; take "
                      "\"metropolis\"",
                      triangular ? 3 : 4);
    return NNSM_OK;
}

/* Do two axes of the same length have different couplings? Then exchanging them is no symmetry. */
static bool axes_differ(const nnsm_config *c)
{
    for (int a = 0; a < c->system.dimensions; a++)
        for (int b = 0; b < a; b++)
            if (c->system.lattice[a] == c->system.lattice[b] &&
                c->system.coupling * c->system.anisotropy[a] != c->system.coupling * c->system.anisotropy[b])
                return true;
    return false;
}

/* All exchanges of up to 5 labels, cyclic ones of more (lattice/symmetry.h): those of 4 and 5 are no symmetry of clock.
 */
static nnsm_status check_permutation(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    bool clock = c->system.model == NNSM_CONFIG_CLOCK && c->system.states != 4 && c->system.states != 5;
    if (c->train.permutation && c->system.model != NNSM_CONFIG_POTTS && !clock)
        return REFUSE(r, "train.augment", "system.model",
                      "train.augment: the values of this model's sites cannot be exchanged at will; remove "
                      "\"permutation\"");
    if (c->train.permutation && c->system.field != 0)
        return REFUSE(r, "train.augment", "system.field",
                      "train.augment: a field tells one label from the others; remove \"permutation\" or the field");
    return NNSM_OK;
}

/* A symmetry that the model lacks would teach the network a wrong Hamiltonian. */
static nnsm_status check_symmetries(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (c->train.translation && c->system.boundary != 0)
        return REFUSE(r, "train.augment", "system.boundary",
                      "train.augment: an open lattice has no translations; remove \"translation\"");
    if (c->train.spin_flip && c->system.field != 0)
        return REFUSE(r, "train.augment", "system.field",
                      "train.augment: a field breaks the spin flip; remove \"spin_flip\" or the field");
    if (c->train.spin_flip && (c->system.model == NNSM_CONFIG_POTTS || c->system.model == NNSM_CONFIG_CLOCK))
        return REFUSE(r, "train.augment", "system.model",
                      "train.augment: the states of potts and clock are labels, which have no sign; %s",
                      c->system.model == NNSM_CONFIG_POTTS && c->system.field == 0
                          ? "take \"permutation\" instead of \"spin_flip\""
                          : "remove \"spin_flip\"");
    if (c->train.spin_flip && c->system.model == NNSM_CONFIG_BAXTER_WU)
        return REFUSE(r, "train.augment", "system.model",
                      "train.augment: products of three spins break the spin flip; remove \"spin_flip\"");
    if ((c->train.translation || c->train.point_group) && c->system.model == NNSM_CONFIG_SPIN_GLASS)
        return REFUSE(r, "train.augment", "system.model",
                      "train.augment: the random bonds of a spin glass leave no symmetry of the lattice; remove \"%s\"",
                      c->train.translation ? "translation" : "point_group");
    if (c->train.point_group && c->system.model == NNSM_CONFIG_BAXTER_WU)
        return REFUSE(
            r, "train.augment", "system.model",
            "train.augment: the diagonal of the triangular lattice is not among the reflections of the square; "
            "remove \"point_group\"");
    if (c->train.point_group && axes_differ(c))
        return REFUSE(r, "train.augment", "system.anisotropy",
                      "train.augment: axes of equal length with different couplings cannot be exchanged; remove "
                      "\"point_group\"");
    return check_permutation(r);
}

static nnsm_status check_levels(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (c->ensemble.cuts && c->ensemble.levels)
        return REFUSE(r, "ensemble.levels", "ensemble.thresholds",
                      "ensemble.thresholds and ensemble.levels exclude each other: thresholds given, or equal shares? "
                      "remove one");
    if (c->ensemble.levels == 1)
        return REFUSE(r, "ensemble.levels", "ensemble.levels",
                      "ensemble.levels = 1 leaves nothing to learn; take 2 or more, or 0 for the values as they are");
    for (int64_t i = 1; i < c->ensemble.cuts; i++)
        if (c->ensemble.thresholds[i] <= c->ensemble.thresholds[i - 1])
            return REFUSE(r, "ensemble.thresholds", "ensemble.thresholds",
                          "ensemble.thresholds must rise strictly, but %.15g comes after %.15g",
                          c->ensemble.thresholds[i], c->ensemble.thresholds[i - 1]);
    return NNSM_OK;
}

static nnsm_status check_data(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (c->generate.given && c->ensemble.given)
        return REFUSE(r, "ensemble.file", "generate.temperature",
                      "generate and ensemble exclude each other: is the data made or measured? remove one");
    if (c->generate.given && !c->system.given)
        return REFUSE(r, "generate.temperature", "generate.temperature",
                      "generate needs a system; add system : { lattice = [...]; };");
    if (c->generate.given && c->generate.chains % 64)
        return REFUSE(r, "generate.chains", "generate.chains",
                      "generate.chains = %d is not a multiple of 64; take %d or %d", c->generate.chains,
                      c->generate.chains / 64 * 64, c->generate.chains / 64 * 64 + 64);
    double rounds = ceil((double)c->generate.configurations / c->generate.chains);
    if (c->generate.given && c->train.data == NNSM_CONFIG_STREAM)
        rounds *= (double)c->train.epochs;
    if (c->generate.given && (double)c->generate.thermalization + rounds * (double)c->generate.interval > 4e9)
        return REFUSE(r, "generate.interval", "generate.thermalization",
                      "generate: a chain would need more than 4e9 updates; lower generate.interval or raise "
                      "generate.chains");
    if (c->train.data == NNSM_CONFIG_STREAM && !c->generate.given)
        return REFUSE(r, "train.data", "train.data",
                      "train.data = \"stream\" needs a generate group; add one or take \"fixed\"");
    return NNSM_OK;
}

static nnsm_status check_train(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    /* What nnsm_partition_make leaves for training, with its rounding. */
    double most = (double)c->generate.configurations - floor(c->train.validation * (double)c->generate.configurations);
    if (c->train.data == NNSM_CONFIG_STREAM && c->train.patience)
        return REFUSE(r, "train.patience", "train.data",
                      "train.patience: a stream cannot overfit; set it to 0 or train.data to \"fixed\"");
    if (c->train.patience &&
        (c->generate.given ? (double)c->generate.configurations - most : c->train.validation) < 1e-9)
        return REFUSE(r, "train.patience", "train.validation",
                      "train.patience needs held-out configurations; raise train.validation or set patience to 0");
    if (c->train.shards_per_batch > c->train.batch)
        return REFUSE(r, "train.shards_per_batch", "train.batch",
                      "train.shards_per_batch = %lld is more than train.batch = %lld; lower it",
                      (long long)c->train.shards_per_batch, (long long)c->train.batch);
    if (c->generate.given && (double)c->train.batch > most)
        return REFUSE(r, "train.batch", "generate.configurations",
                      "train.batch = %lld is more than the %.0f configurations that are not held out; lower it",
                      (long long)c->train.batch, most);
    if (c->scan.exchange_interval > c->scan.sweeps)
        return REFUSE(r, "scan.exchange_interval", "scan.sweeps",
                      "scan.exchange_interval is more than scan.sweeps: nothing would be measured; lower it");
    return NNSM_OK;
}

static nnsm_status check_reach(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (c->network.reach > 0 && c->network.reach < 1)
        return REFUSE(r, "network.reach", "network.reach",
                      "network.reach = %g: nearest neighbours are 1 apart; take 1 or more, or 0 to choose it from the "
                      "data",
                      c->network.reach);
    double least = c->network.reach > 0 ? c->network.reach : 3; /* the longest that a test on the data chooses */
    if (c->network.horizon > 0 && c->network.horizon < least)
        return REFUSE(r, "network.horizon", "network.reach",
                      "network.horizon = %g is shorter than the interaction; give several correlation lengths, or 0",
                      c->network.horizon);
    if (c->network.kind == NNSM_CONFIG_FRONTIER && c->network.reach == 0 && c->train.data == NNSM_CONFIG_STREAM)
        return REFUSE(
            r, "network.reach", "train.data",
            "network.reach = 0: a stream has no data to choose it from before the training; state it, or take "
            "train.data = \"fixed\"");
    return NNSM_OK;
}

static nnsm_status check_couplings(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    bool odd = (c->couplings.field || c->couplings.triples) && !c->train.spin_flip && !c->train.permutation;
    if (c->couplings.enabled && !odd && !c->couplings.pairs && !c->couplings.quadruples && !c->couplings.m2)
        return REFUSE(r, "couplings.basis", "train.augment",
                      "couplings.basis has no operator%s; name some, or set couplings.enabled to false",
                      c->couplings.field || c->couplings.triples ? " that the symmetries of train.augment allow" : "");
    return NNSM_OK;
}

static nnsm_status check_trust(const nnsm_reader *r)
{
    const nnsm_config *c = r->config;
    if (c->trust.networks > 1 && c->train.data == NNSM_CONFIG_STREAM)
        return REFUSE(r, "trust.networks", "train.data",
                      "trust.networks: a stream has no data to take bootstrap samples of; take train.data = \"fixed\" "
                      "or trust.networks = 1");
    if (c->trust.networks == 2)
        return REFUSE(r, "trust.networks", "trust.networks",
                      "trust.networks = 2: one network beside the run's own has no spread; take 1, or 3 and more");
    return NNSM_OK;
}

nnsm_status nnsm_config_check(const nnsm_reader *reader)
{
    nnsm_status status = check_name(reader, reader->config->run.name);
    if (!status && reader->config->system.given)
        status = check_system(reader);
    if (!status && reader->config->system.given)
        status = check_states(reader);
    if (!status && reader->config->system.given)
        status = check_model(reader);
    if (!status && reader->config->system.given)
        status = check_symmetries(reader);
    if (!status)
        status = check_data(reader);
    if (!status && reader->config->window.given)
        status = nnsm_config_check_window(reader);
    if (!status)
        status = check_levels(reader);
    if (!status)
        status = check_train(reader);
    if (!status)
        status = check_reach(reader);
    if (!status)
        status = check_couplings(reader);
    return status ? status : check_trust(reader);
}
