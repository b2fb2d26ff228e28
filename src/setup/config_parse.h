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

/* Read the value s of a key into the configuration: type, range and choice are checked. */
nnsm_status nnsm_read_value(const nnsm_reader *reader, const config_setting_t *s, const nnsm_key *key);

/* The failure for a group (name = "") or a key that the schema does not know, with the nearest that it knows. */
nnsm_status nnsm_refuse_unknown(const nnsm_reader *reader, const config_setting_t *s, const char *group,
                                const char *name);

/* Contradictions between keys. */
nnsm_status nnsm_config_check(const nnsm_reader *reader);

#endif
