/* config.c: reading the configuration through its schema. */
#include "setup/config.h"

#include <ctype.h>
#include <libconfig.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "setup/config_schema.h"

/* Where a value stands, for messages. */
typedef struct {
    const char *file; /* NULL: --set */
    const char *setting;
    nnsm_error *error;
} place;

__attribute__((format(printf, 3, 4))) static nnsm_status refuse(const place *p, const config_setting_t *s,
                                                                const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (!p->file)
        return nnsm_fail(p->error, NNSM_USAGE, "--set %.200s: %s", p->setting, text);
    if (!s)
        return nnsm_fail(p->error, NNSM_USAGE, "%.200s: %s", p->file, text);
    return nnsm_fail(p->error, NNSM_USAGE, "%.200s:%u: %s", p->file, (unsigned)config_setting_source_line(s), text);
}

/* ---- unknown names */

/* Levenshtein distance, short words. */
static int distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
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

static nnsm_status unknown_key(const place *p, const config_setting_t *s, const char *group, const char *name)
{
    char full[256], best[160] = "", candidate[160];
    int nearest = 1 << 20;
    (void)snprintf(full, sizeof full, "%.100s%s%.100s", group, *name ? "." : "", name);
    for (size_t k = 0; k < nnsm_config_key_count; k++) {
        const nnsm_key *key = &nnsm_config_keys[k];
        (void)snprintf(candidate, sizeof candidate, "%s%s%s", key->group, *name ? "." : "", *name ? key->name : "");
        int d = distance(full, candidate) + 2 * (*name && distance(name, key->name) > distance(full, candidate));
        if (d < nearest) {
            nearest = d;
            (void)snprintf(best, sizeof best, "%s", candidate);
        }
    }
    return refuse(p, s, "unknown %s %s; did you mean %s?", *name ? "key" : "group", full, best);
}

/* ---- values */

static nnsm_status number(const place *p, const config_setting_t *s, const nnsm_key *key, bool whole, double *value)
{
    int type = config_setting_type(s);
    if (type == CONFIG_TYPE_INT)
        *value = (double)config_setting_get_int(s);
    else if (type == CONFIG_TYPE_INT64)
        *value = (double)config_setting_get_int64(s);
    else if (type == CONFIG_TYPE_FLOAT && (!whole || config_setting_get_float(s) == floor(config_setting_get_float(s))))
        *value = config_setting_get_float(s);
    else
        return refuse(p, s, "%s.%s must be a%s number", key->group, key->name, whole ? " whole" : "");
    if (!(*value >= key->minimum && *value <= key->maximum))
        return refuse(p, s, "%s.%s = %g is out of range; from %g to %g", key->group, key->name, *value, key->minimum,
                      key->maximum);
    return NNSM_OK;
}

static nnsm_status read_text(const place *p, const config_setting_t *s, const nnsm_key *key, char *to)
{
    const char *text = config_setting_get_string(s);
    if (!text || strlen(text) >= NNSM_CONFIG_TEXT)
        return refuse(p, s, "%s.%s must be a text in quotes, of less than %d characters", key->group, key->name,
                      NNSM_CONFIG_TEXT);
    memset(to, 0, NNSM_CONFIG_TEXT);
    memcpy(to, text, strlen(text));
    return NNSM_OK;
}

static nnsm_status read_choice(const place *p, const config_setting_t *s, const nnsm_key *key, int *index)
{
    const char *text = config_setting_get_string(s);
    *index = text ? nnsm_choice_find(key->choices, text) : -1;
    if (*index < 0)
        return refuse(p, s, "%s.%s must be one of %s", key->group, key->name, key->choices);
    return NNSM_OK;
}

static bool is_list(const config_setting_t *s)
{
    int type = config_setting_type(s);
    return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
}

static nnsm_status read_list(const place *p, const config_setting_t *s, const nnsm_key *key, char *at)
{
    int count = is_list(s) ? config_setting_length(s) : -1;
    nnsm_status status = NNSM_OK;
    if (count < 0 || count > key->limit)
        return refuse(p, s, "%s.%s must be a list of at most %d values", key->group, key->name, key->limit);
    if (key->kind == NNSM_KEY_FLAGS)
        memset(at, 0, (size_t)key->limit * sizeof(bool));
    else {
        memset(at, 0, (size_t)key->limit * sizeof(int));
        memcpy(at - sizeof(int), &count, sizeof count);
    }
    for (int i = 0; i < count && !status; i++) {
        const config_setting_t *element = config_setting_get_elem(s, (unsigned)i);
        double value = 0;
        int index = 0;
        if (key->kind == NNSM_KEY_FLAGS) {
            status = read_choice(p, element, key, &index);
            if (!status)
                ((bool *)at)[index] = true;
        } else {
            status = number(p, element, key, true, &value);
            ((int *)at)[i] = (int)value;
        }
    }
    return status;
}

static nnsm_status read_range(const place *p, const config_setting_t *s, const nnsm_key *key, nnsm_config *config)
{
    static const char *const names[] = {"from", "to", "step"};
    double value[3];
    nnsm_status status = NNSM_OK;
    for (int i = 0; i < 3 && !status; i++) {
        const config_setting_t *member = config_setting_get_member(s, names[i]);
        if (!member || config_setting_length(s) != 3)
            return refuse(p, s, "%s.%s must be { from; to; step } or a list", key->group, key->name);
        status = number(p, member, key, false, &value[i]);
    }
    if (status)
        return status;
    double steps = floor((value[1] - value[0]) / value[2] + 1e-9);
    if (!(steps >= 0 && steps < key->limit))
        return refuse(p, s, "%s.%s: from, to and step must give 1 to %d temperatures", key->group, key->name,
                      key->limit);
    config->scan.temperatures_count = (int)steps + 1;
    for (int i = 0; i <= (int)steps; i++)
        config->scan.temperatures[i] = value[0] + i * value[2];
    return NNSM_OK;
}

static nnsm_status read_temperatures(const place *p, const config_setting_t *s, const nnsm_key *key,
                                     nnsm_config *config)
{
    memset(config->scan.temperatures, 0, sizeof config->scan.temperatures);
    if (config_setting_type(s) == CONFIG_TYPE_GROUP)
        return read_range(p, s, key, config);
    int count = is_list(s) ? config_setting_length(s) : 0;
    if (count < 1 || count > key->limit)
        return refuse(p, s, "%s.%s must be { from; to; step } or a list of 1 to %d temperatures", key->group, key->name,
                      key->limit);
    for (int i = 0; i < count; i++) {
        nnsm_status status =
            number(p, config_setting_get_elem(s, (unsigned)i), key, false, &config->scan.temperatures[i]);
        if (status)
            return status;
        if (i && config->scan.temperatures[i] <= config->scan.temperatures[i - 1])
            return refuse(p, s, "%s.%s must rise strictly", key->group, key->name);
    }
    config->scan.temperatures_count = count;
    return NNSM_OK;
}

static nnsm_status read_value(const place *p, const config_setting_t *s, const nnsm_key *key, nnsm_config *config)
{
    char *at = (char *)config + key->offset;
    double value = 0;
    int index = 0;
    nnsm_status status = NNSM_OK;
    switch (key->kind) {
    case NNSM_KEY_BOOLEAN:
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
            return refuse(p, s, "%s.%s must be true or false", key->group, key->name);
        *(bool *)at = config_setting_get_bool(s) != 0;
        return NNSM_OK;
    case NNSM_KEY_INTEGER:
    case NNSM_KEY_INT:
        status = number(p, s, key, true, &value);
        if (!status && key->kind == NNSM_KEY_INT)
            *(int *)at = (int)value;
        else if (!status)
            *(int64_t *)at = config_setting_type(s) == CONFIG_TYPE_INT64 ? config_setting_get_int64(s) : (int64_t)value;
        return status;
    case NNSM_KEY_REAL:
        status = number(p, s, key, false, &value);
        *(double *)at = value;
        return status;
    case NNSM_KEY_TEXT:
        return read_text(p, s, key, at);
    case NNSM_KEY_CHOICE:
        status = read_choice(p, s, key, &index);
        *(int *)at = index;
        return status;
    case NNSM_KEY_INTS:
    case NNSM_KEY_FLAGS:
        return read_list(p, s, key, at);
    case NNSM_KEY_TEMPERATURES:
        return read_temperatures(p, s, key, config);
    }
    return NNSM_OK;
}

/* ---- groups */

static const nnsm_key *find_key(const char *group, const char *name)
{
    for (size_t k = 0; k < nnsm_config_key_count; k++)
        if (strcmp(nnsm_config_keys[k].group, group) == 0 && strcmp(nnsm_config_keys[k].name, name) == 0)
            return &nnsm_config_keys[k];
    return NULL;
}

static const nnsm_group *find_group(const char *name)
{
    for (size_t g = 0; g < nnsm_config_group_count; g++)
        if (strcmp(nnsm_config_groups[g].name, name) == 0)
            return &nnsm_config_groups[g];
    return NULL;
}

static void mark_given(nnsm_config *config, const nnsm_group *group)
{
    if (group->given != SIZE_MAX)
        *(bool *)((char *)config + group->given) = true;
}

/* set: [keys], which keys were given. */
static nnsm_status read_file(const place *p, const config_setting_t *root, nnsm_config *config, bool *set)
{
    for (int g = 0; g < config_setting_length(root); g++) {
        const config_setting_t *section = config_setting_get_elem(root, (unsigned)g);
        const nnsm_group *group = find_group(config_setting_name(section));
        if (!group)
            return unknown_key(p, section, config_setting_name(section), "");
        if (config_setting_type(section) != CONFIG_TYPE_GROUP)
            return refuse(p, section, "%s must be a group: %s : { ... };", group->name, group->name);
        mark_given(config, group);
        for (int i = 0; i < config_setting_length(section); i++) {
            const config_setting_t *s = config_setting_get_elem(section, (unsigned)i);
            const nnsm_key *key = find_key(group->name, config_setting_name(s));
            if (!key)
                return unknown_key(p, s, group->name, config_setting_name(s));
            nnsm_status status = read_value(p, s, key, config);
            if (status)
                return status;
            set[key - nnsm_config_keys] = true;
        }
    }
    return NNSM_OK;
}

/* Parse "value = TEXT;" with libconfig's own grammar; a bare word becomes a text. */
static bool parse_value(config_t *holder, const char *text)
{
    char line[2 * NNSM_CONFIG_TEXT];
    int length = snprintf(line, sizeof line, "value = %s;", text);
    if (length < (int)sizeof line && config_read_string(holder, line) == CONFIG_TRUE)
        return true;
    length = snprintf(line, sizeof line, "value = \"%s\";", text);
    return length < (int)sizeof line && !strpbrk(text, "\"\\") && config_read_string(holder, line) == CONFIG_TRUE;
}

static nnsm_status apply_setting(const char *setting, nnsm_config *config, bool *set, nnsm_error *error)
{
    place p = {NULL, setting, error};
    char group_name[64] = "", name[64] = "";
    int used = 0;
    if (sscanf(setting, " %63[A-Za-z0-9_] . %63[A-Za-z0-9_] =%n", group_name, name, &used) != 2 || !used)
        return refuse(&p, NULL, "write section.key=value");
    const nnsm_group *group = find_group(group_name);
    const nnsm_key *key = find_key(group_name, name);
    if (!key || !group)
        return unknown_key(&p, NULL, group_name, group ? name : "");
    config_t holder;
    config_init(&holder);
    nnsm_status status = NNSM_USAGE;
    if (!parse_value(&holder, setting + used) || config_setting_length(config_root_setting(&holder)) != 1)
        (void)refuse(&p, NULL, "the value cannot be read");
    else {
        mark_given(config, group);
        status = read_value(&p, config_lookup(&holder, "value"), key, config);
        set[key - nnsm_config_keys] = true;
    }
    config_destroy(&holder);
    return status;
}

static nnsm_status fill_defaults(const place *p, nnsm_config *config, const bool *set)
{
    for (size_t k = 0; k < nnsm_config_key_count; k++) {
        const nnsm_key *key = &nnsm_config_keys[k];
        const nnsm_group *group = find_group(key->group);
        bool given = group->given == SIZE_MAX || *(bool *)((char *)config + group->given);
        if (set[k] || !given)
            continue;
        if (!key->value)
            return refuse(p, NULL, "%s.%s is missing (%s); add it", key->group, key->name, key->help);
        config_t holder;
        config_init(&holder);
        (void)parse_value(&holder, key->value);
        nnsm_status status = read_value(p, config_lookup(&holder, "value"), key, config);
        config_destroy(&holder);
        if (status)
            return status;
    }
    return NNSM_OK;
}

/* ---- contradictions between keys */

static nnsm_status check_name(const place *p, const char *name)
{
    bool good = name[0] && name[0] != '.';
    for (const char *c = name; *c; c++)
        good = good && (isalnum((unsigned char)*c) || strchr("._-", *c));
    return good ? NNSM_OK
                : refuse(p, NULL, "run.name = \"%.100s\": use letters, digits, '.', '_' and '-', and no leading '.'",
                         name);
}

static nnsm_status check_system(const place *p, const nnsm_config *c)
{
    if (!c->system.dimensions)
        return refuse(p, NULL, "system.lattice needs 1 to 3 extents");
    for (int a = 0; a < c->system.dimensions && c->system.boundary == 0; a++)
        if (c->system.lattice[a] < 2)
            return refuse(p, NULL, "system.lattice: a periodic extent must be at least 2");
    if (c->train.translation && c->system.boundary != 0)
        return refuse(p, NULL, "train.augment: an open lattice has no translations; remove \"translation\"");
    if (c->train.spin_flip && c->system.field != 0)
        return refuse(p, NULL, "train.augment: a field breaks the spin flip; remove \"spin_flip\" or the field");
    return NNSM_OK;
}

static nnsm_status check(const place *p, const nnsm_config *c)
{
    nnsm_status status = check_name(p, c->run.name);
    if (!status && c->system.given)
        status = check_system(p, c);
    if (status)
        return status;
    if (c->generate.given && c->ensemble.given)
        return refuse(p, NULL, "generate and ensemble exclude each other: is the data made or measured? remove one");
    if (c->generate.given && !c->system.given)
        return refuse(p, NULL, "generate needs a system; add system : { lattice = [...]; };");
    if (c->generate.given && c->generate.chains % 64)
        return refuse(p, NULL, "generate.chains = %d is not a multiple of 64", c->generate.chains);
    if (c->train.data == NNSM_CONFIG_STREAM && !c->generate.given)
        return refuse(p, NULL, "train.data = \"stream\" needs a generate group");
    if (c->train.data == NNSM_CONFIG_STREAM && c->train.patience)
        return refuse(p, NULL, "train.patience: a stream cannot overfit; set it to 0 or train.data to \"fixed\"");
    if (c->train.shards_per_batch > c->train.batch)
        return refuse(p, NULL, "train.shards_per_batch = %lld is more than train.batch = %lld",
                      (long long)c->train.shards_per_batch, (long long)c->train.batch);
    if (c->generate.given && (double)c->train.batch > (double)c->generate.configurations * (1 - c->train.validation))
        return refuse(p, NULL, "train.batch = %lld is more than the configurations that are not held out; lower it",
                      (long long)c->train.batch);
    if (c->scan.exchange_interval > c->scan.sweeps)
        return refuse(p, NULL, "scan.exchange_interval is more than scan.sweeps: nothing would be measured");
    return NNSM_OK;
}

nnsm_status nnsm_config_read(nnsm_config *config, const char *path, const char *const *settings, size_t count,
                             nnsm_error *error)
{
    place p = {path, NULL, error};
    config_t file;
    bool set[128] = {0};
    memset(config, 0, sizeof *config);
    FILE *stream = fopen(path, "r");
    if (!stream)
        return nnsm_fail(error, NNSM_USAGE, "%.400s: cannot read the configuration; does the file exist?", path);
    config_init(&file);
    nnsm_status status;
    if (config_read(&file, stream) != CONFIG_TRUE)
        status = nnsm_fail(error, NNSM_USAGE, "%.400s:%d: %s", path, config_error_line(&file),
                           config_error_text(&file) ? config_error_text(&file) : "not a configuration");
    else
        status = read_file(&p, config_root_setting(&file), config, set);
    (void)fclose(stream);
    config_destroy(&file);
    for (size_t i = 0; i < count && !status; i++)
        status = apply_setting(settings[i], config, set, error);
    if (!status)
        status = fill_defaults(&p, config, set);
    if (!status)
        status = check(&p, config);
    return status;
}
