/* config.c: reading the configuration through its schema: the file, then --set, then the defaults. */
#include "setup/config.h"

#include <stdlib.h>
#include <string.h>

#include "setup/config_parse.h"

static const nnsm_group *find_group(const char *name)
{
    for (size_t g = 0; g < nnsm_config_group_count; g++)
        if (strcmp(nnsm_config_groups[g].name, name) == 0)
            return &nnsm_config_groups[g];
    return NULL;
}

static const nnsm_key *find_key(const char *group, const char *name)
{
    for (size_t k = 0; k < nnsm_config_key_count; k++)
        if (strcmp(nnsm_config_keys[k].group, group) == 0 && strcmp(nnsm_config_keys[k].name, name) == 0)
            return &nnsm_config_keys[k];
    return NULL;
}

static void mark_given(nnsm_config *config, const nnsm_group *group)
{
    if (group->given != SIZE_MAX)
        *(bool *)((char *)config + group->given) = true;
}

static bool is_given(const nnsm_config *config, const char *name)
{
    const nnsm_group *group = find_group(name);
    return group->given == SIZE_MAX || *(const bool *)((const char *)config + group->given);
}

/* ---- the file */

static nnsm_status read_group(nnsm_reader *r, const config_setting_t *section)
{
    const nnsm_group *group = find_group(config_setting_name(section));
    if (!group)
        return nnsm_refuse_unknown(r, section, config_setting_name(section), "");
    if (config_setting_type(section) != CONFIG_TYPE_GROUP)
        return nnsm_refuse_at(r, nnsm_place_of(r, section), "%s must be a group: %s : { ... };", group->name,
                              group->name);
    mark_given(r->config, group);
    for (int i = 0; i < config_setting_length(section); i++) {
        const config_setting_t *s = config_setting_get_elem(section, (unsigned)i);
        const nnsm_key *key = find_key(group->name, config_setting_name(s));
        if (!key)
            return nnsm_refuse_unknown(r, s, group->name, config_setting_name(s));
        nnsm_status status = nnsm_read_value(r, s, key);
        if (status)
            return status;
        r->places[key - nnsm_config_keys] = nnsm_place_of(r, s);
    }
    return NNSM_OK;
}

static nnsm_status parse_text(nnsm_reader *r, config_t *file, const char *text)
{
    nnsm_status status = nnsm_scan_text(r, text);
    if (status || config_read_string(file, text) == CONFIG_TRUE)
        return status;
    int lines = 0, line = config_error_line(file); /* at the end of the file: the line after the last */
    for (const char *c = text; *c; c++)
        lines += *c == '\n';
    const char *reason = config_error_text(file);
    return nnsm_fail(r->error, NNSM_USAGE, "%.400s:%d: %s; look for a missing ';', quote or bracket just before",
                     r->path, line < lines ? line : lines, reason ? reason : "not a configuration");
}

static nnsm_status read_groups(nnsm_reader *r, const config_t *file)
{
    nnsm_status status = NNSM_OK;
    const config_setting_t *root = config_root_setting(file);
    for (int g = 0; !status && g < config_setting_length(root); g++)
        status = read_group(r, config_setting_get_elem(root, (unsigned)g));
    return status;
}

/* ---- values given as text: --set and the defaults */

/* "value = TEXT;" into holder, with `quote` around TEXT; false: not in libconfig's grammar, or out of memory. */
static bool parse_value(config_t *holder, const char *quote, const char *text)
{
    char *line = NULL;
    bool parsed = asprintf(&line, "value = %s%s%s;\n", quote, text, quote) >= 0 &&
                  config_read_string(holder, line) == CONFIG_TRUE &&
                  config_setting_length(config_root_setting(holder)) == 1;
    free(line);
    return parsed;
}

/* A value in libconfig's own grammar; a bare word that it does not accept is a text. */
static nnsm_status read_as_value(const nnsm_reader *r, const nnsm_key *key, const char *text)
{
    config_t holder;
    config_init(&holder);
    nnsm_status status = nnsm_scan_text(r, text);
    bool parsed = !status && (parse_value(&holder, "", text) ||
                              (!strpbrk(text, "\"\\;()[]{}") && parse_value(&holder, "\"", text)));
    const char *reason = config_error_text(&holder);
    if (parsed)
        status = nnsm_read_value(r, config_lookup(&holder, "value"), key);
    else if (!status)
        status = nnsm_refuse_at(r, nnsm_place_of(r, NULL),
                                "the value cannot be read (%s); write it as in a file, quoted for the shell",
                                reason ? reason : "more than one");
    config_destroy(&holder);
    return status;
}

/* A text stands as it is, be it 2007 or true, unless it is in quotes. */
static nnsm_status read_as_text(const nnsm_reader *r, const nnsm_key *key, const char *text)
{
    text += strspn(text, " \t");
    if (key->kind == NNSM_KEY_TEXT && *text != '"')
        return nnsm_read_text(r, key, text);
    return read_as_value(r, key, text);
}

static nnsm_status apply_setting(nnsm_reader *r, const char *setting)
{
    char group_name[64] = "", name[64] = "";
    int used = 0;
    r->set = setting;
    if (strpbrk(setting, "\r\n"))
        return nnsm_refuse_at(r, nnsm_place_of(r, NULL), "write section.key=value on one line");
    if (sscanf(setting, " %63[A-Za-z0-9_*-] . %63[A-Za-z0-9_*-] =%n", group_name, name, &used) != 2 || !used)
        return nnsm_refuse_at(r, nnsm_place_of(r, NULL), "write section.key=value");
    const nnsm_group *group = find_group(group_name);
    const nnsm_key *key = find_key(group_name, name);
    if (!key || !group)
        return nnsm_refuse_unknown(r, NULL, group_name, group ? name : "");
    mark_given(r->config, group);
    r->places[key - nnsm_config_keys] = nnsm_place_of(r, NULL);
    return read_as_text(r, key, setting + used);
}

static nnsm_status fill_defaults(nnsm_reader *r)
{
    nnsm_status status = NNSM_OK;
    r->set = NULL;
    for (size_t k = 0; k < nnsm_config_key_count && !status; k++) {
        const nnsm_key *key = &nnsm_config_keys[k];
        if (nnsm_place_given(&r->places[k]) || !is_given(r->config, key->group))
            continue;
        if (!key->value)
            return nnsm_refuse_at(r, nnsm_place_of(r, NULL), "%s.%s is missing (%s); add it", key->group, key->name,
                                  key->help);
        r->places[k] = nnsm_place_of(r, NULL);
        status = read_as_text(r, key, key->value);
    }
    return status;
}

/* The text of a configuration, then --set, then the defaults. */
static nnsm_status resolve(nnsm_reader *r, const char *text, const char *const *settings, size_t count)
{
    config_t file; /* stays alive until the end: the places of the keys point into it */
    for (size_t k = 0; k < nnsm_config_key_count; k++)
        r->places[k].file = r->path;
    memset(r->config, 0, sizeof *r->config); /* padding too: it is sent and compared as bytes */
    config_init(&file);
    nnsm_status status = parse_text(r, &file, text);
    if (!status)
        status = read_groups(r, &file);
    for (size_t i = 0; i < count && !status; i++)
        status = apply_setting(r, settings[i]);
    if (!status)
        status = fill_defaults(r);
    if (!status)
        status = nnsm_config_check(r);
    config_destroy(&file);
    return status;
}

nnsm_status nnsm_config_read(nnsm_config *config, const char *path, const char *const *settings, size_t count,
                             nnsm_error *error)
{
    nnsm_reader reader = {.path = path, .config = config, .error = error};
    char *text = NULL;
    nnsm_status status = nnsm_load_text(&reader, &text);
    if (!status)
        status = resolve(&reader, text, settings, count);
    free(text);
    return status;
}

nnsm_status nnsm_config_read_text(nnsm_config *config, const char *text, const char *name, nnsm_error *error)
{
    nnsm_reader reader = {.path = name, .config = config, .error = error};
    return resolve(&reader, text, NULL, 0);
}
