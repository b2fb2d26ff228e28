/* config_write.c: the resolved configuration as text, and the documentation of its keys. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "setup/config_schema.h"

typedef struct {
    char *text;
    size_t size, length;
} buffer;

__attribute__((format(printf, 2, 3))) static void put(buffer *b, const char *format, ...)
{
    char piece[2 * NNSM_CONFIG_TEXT];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    for (int i = 0; i < length && i < (int)sizeof piece - 1; i++, b->length++)
        if (b->length + 1 < b->size)
            b->text[b->length] = piece[i];
    if (b->size)
        b->text[b->length < b->size ? b->length : b->size - 1] = '\0';
}

/* The shortest decimal that reads back to the same double, always with a point or an exponent. */
static void put_real(buffer *b, double value)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    put(b, "%s%s", text, strpbrk(text, ".e") ? "" : ".0");
}

static void put_quoted(buffer *b, const char *text)
{
    put(b, "\"");
    for (; *text; text++)
        put(b, strchr("\"\\", *text) ? "\\%c" : "%c", *text);
    put(b, "\"");
}

static void put_list(buffer *b, const nnsm_config *config, const nnsm_key *key, const char *at)
{
    char word[64];
    int count = key->limit, written = 0;
    if (key->kind == NNSM_KEY_INTS)
        memcpy(&count, at - sizeof(int), sizeof count);
    if (key->kind == NNSM_KEY_REALS)
        count = config->system.axes;
    if (key->kind == NNSM_KEY_NUMBERS)
        count = (int)*(const int64_t *)(at - sizeof(int64_t));
    if (key->kind == NNSM_KEY_TEMPERATURES)
        count = config->scan.temperatures_count;
    put(b, "(");
    for (int i = 0; i < count; i++) {
        if (key->kind == NNSM_KEY_FLAGS && !((const bool *)at)[i])
            continue;
        put(b, written++ ? ", " : "");
        if (key->kind == NNSM_KEY_INTS)
            put(b, "%d", ((const int *)at)[i]);
        else if (key->kind == NNSM_KEY_TEMPERATURES || key->kind == NNSM_KEY_REALS || key->kind == NNSM_KEY_NUMBERS)
            put_real(b, ((const double *)at)[i]);
        else {
            nnsm_choice_word(key->choices, i, word);
            put_quoted(b, word);
        }
    }
    put(b, ")");
}

static void put_value(buffer *b, const nnsm_config *config, const nnsm_key *key)
{
    const char *at = (const char *)config + key->offset;
    char word[64];
    switch (key->kind) {
    case NNSM_KEY_BOOLEAN:
        put(b, "%s", *(const bool *)at ? "true" : "false");
        break;
    case NNSM_KEY_INTEGER:
        put(b, "%lld%s", (long long)*(const int64_t *)at, llabs(*(const int64_t *)at) > 2147483647 ? "L" : "");
        break;
    case NNSM_KEY_INT:
        put(b, "%d", *(const int *)at);
        break;
    case NNSM_KEY_REAL:
        put_real(b, *(const double *)at);
        break;
    case NNSM_KEY_TEXT:
        put_quoted(b, at);
        break;
    case NNSM_KEY_CHOICE:
        nnsm_choice_word(key->choices, *(const int *)at, word);
        put_quoted(b, word);
        break;
    case NNSM_KEY_INTS:
    case NNSM_KEY_REALS:
    case NNSM_KEY_NUMBERS:
    case NNSM_KEY_FLAGS:
    case NNSM_KEY_TEMPERATURES:
        put_list(b, config, key, at);
        break;
    }
}

size_t nnsm_config_write(const nnsm_config *config, char *text, size_t size)
{
    buffer b = {text, size, 0};
    for (size_t g = 0; g < nnsm_config_group_count; g++) {
        const nnsm_group *group = &nnsm_config_groups[g];
        if (group->given != SIZE_MAX && !*(const bool *)((const char *)config + group->given))
            continue;
        put(&b, "%s : {", group->name);
        for (size_t k = 0; k < nnsm_config_key_count; k++)
            if (strcmp(nnsm_config_keys[k].group, group->name) == 0) {
                put(&b, " %s = ", nnsm_config_keys[k].name);
                put_value(&b, config, &nnsm_config_keys[k]);
                put(&b, ";");
            }
        put(&b, " };\n");
    }
    return b.length;
}

size_t nnsm_config_differences(const nnsm_config *before, const nnsm_config *now, nnsm_affects affects, char *text,
                               size_t size)
{
    enum { VALUE = 32768 };
    static const int shown = 60; /* characters of a value in the message */
    char was[VALUE], is[VALUE];
    size_t count = 0;
    buffer all = {text, size, 0};
    put(&all, "%s", "");
    for (size_t k = 0; k < nnsm_config_key_count; k++) {
        const nnsm_key *key = &nnsm_config_keys[k];
        buffer old = {was, VALUE, 0}, new = {is, VALUE, 0};
        if (key->affects != affects)
            continue;
        put_value(&old, before, key);
        put_value(&new, now, key);
        if (strcmp(was, is) != 0)
            put(&all, "%s%s.%s = %.*s, now %.*s", count++ ? "; " : "", key->group, key->name, shown, was, shown, is);
    }
    return count;
}

void nnsm_config_document(FILE *stream)
{
    (void)fprintf(stream, "| key | default | range or choices | unit | meaning |\n|---|---|---|---|---|\n");
    for (size_t k = 0; k < nnsm_config_key_count; k++) {
        const nnsm_key *key = &nnsm_config_keys[k];
        char range[256] = "";
        if (key->choices) {
            size_t n = 0;
            for (const char *c = key->choices; *c && n + 4 < sizeof range; c++)
                n += (size_t)snprintf(range + n, sizeof range - n, *c == '|' ? ", " : "%c", *c);
        } else if (key->maximum > key->minimum)
            (void)snprintf(range, sizeof range, "%g to %g", key->minimum, key->maximum);
        (void)fprintf(stream, "| `%s.%s` | %s%s%s | %s | %s | %s |\n", key->group, key->name, key->value ? "`" : "",
                      key->value ? key->value : "required", key->value ? "`" : "", range, key->units, key->help);
    }
}
