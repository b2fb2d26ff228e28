/* config_value.c: one value of the configuration: its type, range and choice. */
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "setup/config_parse.h"

nnsm_place nnsm_place_of(const nnsm_reader *reader, const config_setting_t *s)
{
    nnsm_place place = {.file = reader->path, .set = reader->set};
    if (s && !reader->set)
        place.line = config_setting_source_line(s);
    return place;
}

bool nnsm_place_given(const nnsm_place *place)
{
    return place->set || place->line;
}

nnsm_status nnsm_refuse_at(const nnsm_reader *reader, nnsm_place place, const char *format, ...)
{
    char text[768];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (place.set)
        return nnsm_fail(reader->error, NNSM_USAGE, "--set %.200s: %s", place.set, text);
    if (!place.line)
        return nnsm_fail(reader->error, NNSM_USAGE, "%.200s: %s", place.file, text);
    return nnsm_fail(reader->error, NNSM_USAGE, "%.200s:%u: %s", place.file, place.line, text);
}

#define REFUSE(reader, s, ...) nnsm_refuse_at(reader, nnsm_place_of(reader, s), __VA_ARGS__)

/* What a user wrote, into text ([80]), for messages about a wrong type. */
static const char *found(const config_setting_t *s, char *text)
{
    enum { FOUND = 80 };
    switch (config_setting_type(s)) {
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        (void)snprintf(text, FOUND, "the number %lld", config_setting_get_int64(s));
        break;
    case CONFIG_TYPE_FLOAT:
        (void)snprintf(text, FOUND, "the number %.15g", config_setting_get_float(s));
        break;
    case CONFIG_TYPE_STRING:
        (void)snprintf(text, FOUND, "the text \"%.60s\"", config_setting_get_string(s));
        break;
    case CONFIG_TYPE_BOOL:
        (void)snprintf(text, FOUND, "%s", config_setting_get_bool(s) ? "true" : "false");
        break;
    case CONFIG_TYPE_GROUP:
        (void)snprintf(text, FOUND, "a group { ... }");
        break;
    default:
        (void)snprintf(text, FOUND, "a list of %d", config_setting_length(s));
    }
    return text;
}

static nnsm_status wrong_type(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, const char *wanted)
{
    char text[80];
    return REFUSE(r, s, "%s.%s must be %s, not %s", key->group, key->name, wanted, found(s, text));
}

static nnsm_status read_real(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, double *value)
{
    int type = config_setting_type(s);
    if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
        *value = (double)config_setting_get_int64(s);
    else if (type == CONFIG_TYPE_FLOAT)
        *value = config_setting_get_float(s);
    else
        return wrong_type(r, s, key, "a number");
    if (!(*value >= key->minimum && *value <= key->maximum))
        return REFUSE(r, s, "%s.%s = %.15g is out of range; from %g to %g", key->group, key->name, *value, key->minimum,
                      key->maximum);
    return NNSM_OK;
}

/* A real without a fraction is accepted: 1e6 is how a physicist writes a million. */
static nnsm_status read_whole(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, int64_t *value)
{
    double real = 0;
    int type = config_setting_type(s);
    bool whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
    if (!whole && !(type == CONFIG_TYPE_FLOAT && config_setting_get_float(s) == floor(config_setting_get_float(s))))
        return wrong_type(r, s, key, "a whole number");
    nnsm_status status = read_real(r, s, key, &real);
    if (!status)
        *value = whole ? config_setting_get_int64(s) : (int64_t)real;
    return status;
}

static nnsm_status put_text(const nnsm_reader *r, nnsm_place place, const nnsm_key *key, const char *text)
{
    char *to = (char *)r->config + key->offset;
    if (strlen(text) >= NNSM_CONFIG_TEXT)
        return nnsm_refuse_at(r, place, "%s.%s has %zu characters; shorten it to at most %d", key->group, key->name,
                              strlen(text), NNSM_CONFIG_TEXT - 1);
    memset(to, 0, NNSM_CONFIG_TEXT);
    memcpy(to, text, strlen(text));
    return NNSM_OK;
}

static nnsm_status read_text(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key)
{
    const char *text = config_setting_get_string(s);
    return text ? put_text(r, nnsm_place_of(r, s), key, text) : wrong_type(r, s, key, "a text in quotes");
}

nnsm_status nnsm_read_text(const nnsm_reader *reader, const nnsm_key *key, const char *text)
{
    return put_text(reader, nnsm_place_of(reader, NULL), key, text);
}

static nnsm_status read_choice(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, int *index)
{
    char wanted[160];
    const char *text = config_setting_get_string(s);
    *index = text ? nnsm_choice_find(key->choices, text) : -1;
    if (*index >= 0)
        return NNSM_OK;
    (void)snprintf(wanted, sizeof wanted, "one of %s", key->choices);
    return wrong_type(r, s, key, wanted);
}

static bool is_list(const config_setting_t *s)
{
    int type = config_setting_type(s);
    return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
}

static nnsm_status check_list(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, const char *form)
{
    if (!is_list(s))
        return wrong_type(r, s, key, form);
    if (config_setting_length(s) > key->limit)
        return REFUSE(r, s, "%s.%s has %d values; at most %d are possible", key->group, key->name,
                      config_setting_length(s), key->limit);
    return NNSM_OK;
}

static nnsm_status read_ints(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, char *at)
{
    nnsm_status status = check_list(r, s, key, "a list of whole numbers [.., ..]");
    int count = status ? 0 : config_setting_length(s);
    memset(at, 0, (size_t)key->limit * sizeof(int));
    for (int i = 0; i < count && !status; i++) {
        int64_t value = 0;
        status = read_whole(r, config_setting_get_elem(s, (unsigned)i), key, &value);
        ((int *)at)[i] = (int)value;
    }
    memcpy(at - sizeof(int), &count, sizeof count);
    return status;
}

static nnsm_status read_flags(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, bool *flags)
{
    nnsm_status status = check_list(r, s, key, "a list of texts [\"..\", \"..\"]");
    memset(flags, 0, (size_t)key->limit * sizeof *flags);
    for (int i = 0; !status && i < config_setting_length(s); i++) {
        int index = 0;
        status = read_choice(r, config_setting_get_elem(s, (unsigned)i), key, &index);
        if (!status)
            flags[index] = true;
    }
    return status;
}

/* from, to and step into value[3]. A step may be smaller than the smallest temperature. */
static nnsm_status read_range_members(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key,
                                      double value[3])
{
    static const char *const names[] = {"temperatures.from", "temperatures.to", "temperatures.step"};
    for (int i = 0; i < 3; i++) {
        const config_setting_t *member = config_setting_get_member(s, strchr(names[i], '.') + 1);
        if (!member || config_setting_length(s) != 3)
            return REFUSE(r, s, "%s.%s must be a list or { from = ..; to = ..; step = ..; } with just these three",
                          key->group, key->name);
        nnsm_key part = *key;
        part.name = names[i];
        part.minimum = i == 2 ? 1e-9 : key->minimum;
        nnsm_status status = read_real(r, member, &part, &value[i]);
        if (status)
            return status;
    }
    return NNSM_OK;
}

static nnsm_status read_range(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key)
{
    double value[3];
    nnsm_status status = read_range_members(r, s, key, value);
    if (status)
        return status;
    double steps = floor((value[1] - value[0]) / value[2] + 1e-9); /* `to` belongs to it despite rounding */
    if (!(steps >= 0 && steps < key->limit))
        return REFUSE(r, s, "%s.%s: from %g to %g in steps of %g must give 1 to %d temperatures", key->group, key->name,
                      value[0], value[1], value[2], key->limit);
    r->config->scan.temperatures_count = (int)steps + 1;
    for (int i = 0; i <= (int)steps; i++)
        r->config->scan.temperatures[i] = fmin(value[0] + i * value[2], value[1]);
    return NNSM_OK;
}

static nnsm_status read_temperature_list(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key)
{
    double *to = r->config->scan.temperatures;
    nnsm_status status = check_list(r, s, key, "a list of temperatures or { from = ..; to = ..; step = ..; }");
    int count = status ? 0 : config_setting_length(s);
    if (!status && !count)
        return REFUSE(r, s, "%s.%s is empty; give at least one temperature", key->group, key->name);
    for (int i = 0; i < count && !status; i++)
        status = read_real(r, config_setting_get_elem(s, (unsigned)i), key, &to[i]);
    r->config->scan.temperatures_count = count;
    return status;
}

static nnsm_status read_temperatures(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key)
{
    double *to = r->config->scan.temperatures;
    memset(to, 0, sizeof r->config->scan.temperatures);
    nnsm_status status =
        config_setting_type(s) == CONFIG_TYPE_GROUP ? read_range(r, s, key) : read_temperature_list(r, s, key);
    for (int i = 1; i < r->config->scan.temperatures_count && !status; i++)
        if (to[i] - to[i - 1] < 1e-9 * to[i - 1]) /* the same, as nnsm_same_temperature says */
            status = REFUSE(r, s, "%s.%s must rise strictly, but %.15g comes after %.15g", key->group, key->name, to[i],
                            to[i - 1]);
    return status;
}

static nnsm_status read_reals(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, double *to)
{
    nnsm_status status = check_list(r, s, key, "a list of numbers [.., ..]");
    int count = status ? 0 : config_setting_length(s);
    for (int i = 0; i < key->limit; i++)
        to[i] = 1;
    for (int i = 0; i < count && !status; i++)
        status = read_real(r, config_setting_get_elem(s, (unsigned)i), key, &to[i]);
    r->config->system.axes = count;
    return status;
}

static nnsm_status read_numbers(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, char *at)
{
    nnsm_status status = check_list(r, s, key, "a list of numbers (.., ..)");
    int64_t count = status ? 0 : config_setting_length(s);
    double *to = (double *)at;
    memset(to, 0, (size_t)key->limit * sizeof *to);
    for (int64_t i = 0; i < count && !status; i++)
        status = read_real(r, config_setting_get_elem(s, (unsigned)i), key, &to[i]);
    memcpy(at - sizeof count, &count, sizeof count);
    return status;
}

static nnsm_status read_scalar(const nnsm_reader *r, const config_setting_t *s, const nnsm_key *key, char *at)
{
    int64_t whole = 0;
    if (key->kind == NNSM_KEY_REAL)
        return read_real(r, s, key, (double *)at);
    if (key->kind == NNSM_KEY_BOOLEAN) {
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
            return wrong_type(r, s, key, "true or false");
        *(bool *)at = config_setting_get_bool(s) != 0;
        return NNSM_OK;
    }
    nnsm_status status = read_whole(r, s, key, &whole);
    if (key->kind == NNSM_KEY_INT)
        *(int *)at = (int)whole;
    else
        *(int64_t *)at = whole;
    return status;
}

nnsm_status nnsm_read_value(const nnsm_reader *reader, const config_setting_t *s, const nnsm_key *key)
{
    char *at = (char *)reader->config + key->offset;
    switch (key->kind) {
    case NNSM_KEY_TEXT:
        return read_text(reader, s, key);
    case NNSM_KEY_CHOICE:
        return read_choice(reader, s, key, (int *)at);
    case NNSM_KEY_INTS:
        return read_ints(reader, s, key, at);
    case NNSM_KEY_REALS:
        return read_reals(reader, s, key, (double *)at);
    case NNSM_KEY_NUMBERS:
        return read_numbers(reader, s, key, at);
    case NNSM_KEY_FLAGS:
        return read_flags(reader, s, key, (bool *)at);
    case NNSM_KEY_TEMPERATURES:
        return read_temperatures(reader, s, key);
    default:
        return read_scalar(reader, s, key, at);
    }
}
