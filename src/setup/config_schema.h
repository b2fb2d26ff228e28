/* config_schema.h: the declared keys of the configuration: the only place that knows them. Private to config*.c. */
#ifndef NNSM_SETUP_CONFIG_SCHEMA_H
#define NNSM_SETUP_CONFIG_SCHEMA_H

#include "setup/config.h"

enum { NNSM_CONFIG_KEYS = 96 }; /* room for the keys of the schema */

typedef enum {
    NNSM_KEY_BOOLEAN,      /* bool */
    NNSM_KEY_INTEGER,      /* int64_t */
    NNSM_KEY_INT,          /* int */
    NNSM_KEY_REAL,         /* double */
    NNSM_KEY_TEXT,         /* char [NNSM_CONFIG_TEXT] */
    NNSM_KEY_CHOICE,       /* int: position in choices */
    NNSM_KEY_INTS,         /* int []; the number of them at offset - sizeof(int) */
    NNSM_KEY_REALS,        /* double []; the number of them in system.axes; 1 beyond it */
    NNSM_KEY_NUMBERS,      /* double []; the number of them, an int64_t, just before it */
    NNSM_KEY_FLAGS,        /* bool [], one a choice */
    NNSM_KEY_TEMPERATURES, /* double []; the number of them in scan.temperatures_count */
} nnsm_key_kind;

typedef struct {
    const char *group, *name;
    nnsm_key_kind kind;
    size_t offset;
    const char *value; /* default as libconfig text; NULL: required when its group is given */
    double minimum, maximum;
    int limit;           /* most values of a list */
    const char *choices; /* separated by '|' */
    const char *units, *help;
    nnsm_affects affects;
} nnsm_key;

typedef struct {
    const char *name;
    size_t given; /* offset of a bool that says whether the group is there; SIZE_MAX: none */
} nnsm_group;

extern const nnsm_key nnsm_config_keys[];
extern const size_t nnsm_config_key_count;
extern const nnsm_group nnsm_config_groups[];
extern const size_t nnsm_config_group_count;

/* Position of the key "group.name" in the schema, which must have it. */
size_t nnsm_config_find(const char *full);

/* Position of a word in a list separated by '|'; -1 if it is not there. */
int nnsm_choice_find(const char *choices, const char *word);
/* Word number `index` of the list into text ([64]). */
void nnsm_choice_word(const char *choices, int index, char *text);

#endif
