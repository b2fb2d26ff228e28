/* config.c: reading the configuration through its schema: the file, then --set, then the defaults. */
#include "setup/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

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

/* Only a file that can be read reaches libconfig: its scanner ends the program on a read error, as of a directory. */
static FILE *open_file(const char *path, nnsm_error *error)
{
    struct stat about;
    FILE *stream = fopen(path, "r");
    if (stream && fstat(fileno(stream), &about) == 0 && S_ISDIR(about.st_mode)) {
        (void)fclose(stream);
        stream = NULL;
        errno = EISDIR;
    }
    if (!stream)
        (void)nnsm_fail(error, NNSM_USAGE, "%.400s: cannot read the configuration: %s; check the path", path,
                        strerror(errno));
    return stream;
}

static nnsm_status read_groups(nnsm_reader *r, const config_t *file)
{
    nnsm_status status = NNSM_OK;
    const config_setting_t *root = config_root_setting(file);
    for (int g = 0; g < config_setting_length(root) && !status; g++)
        status = read_group(r, config_setting_get_elem(root, (unsigned)g));
    return status;
}

/* `file` stays alive after this: the places of the keys point into it. */
static nnsm_status read_file(nnsm_reader *r, config_t *file)
{
    FILE *stream = open_file(r->path, r->error);
    if (!stream)
        return NNSM_USAGE;
    int parsed = config_read(file, stream);
    (void)fclose(stream);
    if (parsed != CONFIG_TRUE) {
        const char *included = config_error_file(file), *text = config_error_text(file);
        return nnsm_fail(r->error, NNSM_USAGE, "%.400s:%d: %s; look for a missing ';', quote or bracket just before",
                         included ? included : r->path, config_error_line(file), text ? text : "not a configuration");
    }
    return read_groups(r, file);
}

/* ---- values given as text: --set and the defaults */

/* "value = TEXT;" in libconfig's own grammar; what that does not accept is taken as a bare word. */
static bool parse_value(config_t *holder, const char *text)
{
    char line[16384]; /* room for a long list of temperatures */
    int length = snprintf(line, sizeof line, "value = %s;", text);
    if (length < (int)sizeof line && config_read_string(holder, line) == CONFIG_TRUE)
        return true;
    length = snprintf(line, sizeof line, "value = \"%s\";", text);
    return length < (int)sizeof line && !strpbrk(text, "\"\\") && config_read_string(holder, line) == CONFIG_TRUE;
}

static nnsm_status read_as_text(const nnsm_reader *r, const nnsm_key *key, const char *text)
{
    config_t holder;
    config_init(&holder);
    nnsm_status status;
    if (!parse_value(&holder, text) || config_setting_length(config_root_setting(&holder)) != 1)
        status = nnsm_refuse_at(r, nnsm_place_of(r, NULL),
                                "the value cannot be read; write it as in a file, quoted for the shell");
    else
        status = nnsm_read_value(r, config_lookup(&holder, "value"), key);
    config_destroy(&holder);
    return status;
}

static nnsm_status apply_setting(nnsm_reader *r, const char *setting)
{
    char group_name[64] = "", name[64] = "";
    int used = 0;
    r->set = setting;
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

nnsm_status nnsm_config_read(nnsm_config *config, const char *path, const char *const *settings, size_t count,
                             nnsm_error *error)
{
    nnsm_reader reader = {.path = path, .config = config, .error = error};
    config_t file;
    for (size_t k = 0; k < nnsm_config_key_count; k++)
        reader.places[k].file = path;
    memset(config, 0, sizeof *config); /* padding too: it is sent and compared as bytes */
    config_init(&file);
    nnsm_status status = read_file(&reader, &file);
    for (size_t i = 0; i < count && !status; i++)
        status = apply_setting(&reader, settings[i]);
    if (!status)
        status = fill_defaults(&reader);
    if (!status)
        status = nnsm_config_check(&reader);
    config_destroy(&file);
    return status;
}

nnsm_status nnsm_config_read_text(nnsm_config *config, const char *text, const char *name, nnsm_error *error)
{
    nnsm_reader reader = {.path = name, .config = config, .error = error};
    config_t holder;
    for (size_t k = 0; k < nnsm_config_key_count; k++)
        reader.places[k].file = name;
    memset(config, 0, sizeof *config);
    config_init(&holder);
    nnsm_status status = NNSM_OK;
    if (config_read_string(&holder, text) != CONFIG_TRUE)
        status = nnsm_fail(error, NNSM_USAGE, "%.400s: not a configuration", name);
    if (!status)
        status = read_groups(&reader, &holder);
    if (!status)
        status = fill_defaults(&reader);
    config_destroy(&holder);
    return status;
}
