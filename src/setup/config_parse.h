/* config_parse.h: what the parts of the configuration's reader share. Private to config*.c. */
#ifndef NNSM_SETUP_CONFIG_PARSE_H
#define NNSM_SETUP_CONFIG_PARSE_H

#include <libconfig.h>

#include "setup/config_schema.h"

/* Where a value was given, for messages. */
typedef struct {
    const char *file;
    unsigned line;   /* 0: nowhere in the file, so a default */
    const char *set; /* the --set that gave it; NULL: the file did */
} nnsm_place;

typedef struct {
    const char *path;
    const char *set; /* the --set that is being read; NULL: the file is */
    nnsm_config *config;
    nnsm_error *error;
    nnsm_place places[NNSM_CONFIG_KEYS]; /* of every key */
} nnsm_reader;

/* Where the setting s that is being read stands; s may be NULL. */
nnsm_place nnsm_place_of(const nnsm_reader *reader, const config_setting_t *s);
/* A key was given, not left to its default. */
bool nnsm_place_given(const nnsm_place *place);

/* Fail with NNSM_USAGE and "where: message". */
nnsm_status nnsm_refuse_at(const nnsm_reader *reader, nnsm_place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The file of the reader as a string that whose last line ends with a line feed; *text belongs to the caller, also
 * after a failure (may be NULL). Refused: what is no regular file, more than 1 MB, NUL bytes. */
nnsm_status nnsm_load_text(const nnsm_reader *reader, char **text);

/* Refuse, with its line, what libconfig would read wrongly or not survive: @include, open quotes and comments, whole
 * numbers that it would cut, deep nesting, settings without end. Everything else is left to its grammar. */
nnsm_status nnsm_scan_text(const nnsm_reader *reader, const char *text);

/* Read the value s of a key into the configuration: type, range and choice are checked. */
nnsm_status nnsm_read_value(const nnsm_reader *reader, const config_setting_t *s, const nnsm_key *key);

/* Take text as it is for a key of kind NNSM_KEY_TEXT. */
nnsm_status nnsm_read_text(const nnsm_reader *reader, const nnsm_key *key, const char *text);

/* The failure for a group (name = "") or a key that the schema does not know, with the nearest that it knows. */
nnsm_status nnsm_refuse_unknown(const nnsm_reader *reader, const config_setting_t *s, const char *group,
                                const char *name);

/* Of two keys that contradict each other, the place to look at: what --set changed last, else a line of the file. */
nnsm_place nnsm_place_either(const nnsm_reader *reader, const char *a, const char *b);

/* Contradictions between keys; those of the group window. */
nnsm_status nnsm_config_check(const nnsm_reader *reader);
nnsm_status nnsm_config_check_window(const nnsm_reader *reader);

#endif
