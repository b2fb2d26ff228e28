/* The configuration: what is read, what is filled in, what is refused and with which words, what is written back. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/config.h"

#define RUN "run : { name = \"x\"; };\n"
#define SYSTEM "system : { lattice = [8, 8]; };\n"
#define GENERATE "generate : { temperature = 2.5; };\n"
#define WHOLE RUN SYSTEM GENERATE

enum { MOST_SETTINGS = 4, WRITTEN = 65536 };

/* Read `size` bytes as a file, with `count` --set. */
static nnsm_status read_bytes(nnsm_config *config, nnsm_error *error, const void *bytes, size_t size,
                              const char *const *settings, size_t count)
{
    char path[] = "/tmp/nnsm_config_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_true(write(file, bytes, size) == (ssize_t)size);
    (void)close(file);
    nnsm_status status = nnsm_config_read(config, path, settings, count, error);
    (void)unlink(path);
    return status;
}

/* Read `text` as a file, with up to two --set (NULL: none). */
static nnsm_status read_text(nnsm_config *config, nnsm_error *error, const char *text, const char *a, const char *b)
{
    const char *settings[MOST_SETTINGS] = {a, b};
    return read_bytes(config, error, text, strlen(text), settings, a ? (b ? 2 : 1) : 0);
}

static void accept(nnsm_config *config, const char *text, const char *a, const char *b)
{
    nnsm_error error = {0};
    if (read_text(config, &error, text, a, b))
        fail_msg("refused: %s", error.message);
}

/* Refused with a usage error whose message contains both words. */
static void refuse_set(const char *text, const char *set, const char *where, const char *what)
{
    nnsm_config config;
    nnsm_error error = {0};
    assert_int_equal(read_text(&config, &error, text, set, NULL), NNSM_USAGE);
    if (!strstr(error.message, where) || !strstr(error.message, what))
        fail_msg("\"%s\" lacks \"%s\" or \"%s\"", error.message, where, what);
}

static void refuse(const char *text, const char *where, const char *what)
{
    refuse_set(text, NULL, where, what);
}

/* ---- what is read */

static void test_defaults(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE, NULL, NULL);
    assert_string_equal(c.run.output, "results");
    assert_true(c.run.seed == 1 && c.run.progress == 5);
    assert_true(c.system.model == 0 && c.system.boundary == 0 && c.system.coupling == 1 && c.system.field == 0);
    assert_true(c.generate.configurations == 60000 && c.generate.algorithm == NNSM_CONFIG_METROPOLIS);
    assert_true(c.generate.chains == 512 && c.generate.thermalization == 1000 && c.generate.interval == 50);
    assert_true(c.network.layers == 2 && c.network.hidden[0] == 180 && c.network.hidden[1] == 120);
    assert_true(c.network.direct && c.network.order == 0 && c.network.activation == 0 && !c.network.file[0]);
    assert_true(c.train.data == NNSM_CONFIG_FIXED && c.train.epochs == 60 && c.train.batch == 469);
    assert_true(c.train.shards_per_batch == 8 && c.train.learning_rate == 1e-3 && c.train.validation == 0.05);
    assert_true(c.train.schedule == NNSM_CONFIG_COSINE && c.train.patience == 0);
    assert_false(c.train.translation || c.train.point_group || c.train.spin_flip);
    assert_true(c.scan.sampler == NNSM_CONFIG_SELF_LEARNING && c.scan.walkers == 8 && c.scan.sweeps == 4000 &&
                c.scan.thermalization == 400);
    assert_true(c.scan.exchange && c.scan.exchange_interval == 1 && c.scan.reference && c.teams.generators == 0);
    assert_int_equal(c.scan.temperatures_count, 31);
    assert_true(c.scan.temperatures[7] == 1.0 + 7 * 0.1);
}

static void test_groups_may_be_left_out(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN, NULL, NULL);
    assert_false(c.system.given || c.generate.given || c.ensemble.given);
    accept(&c, RUN "ensemble : { file = \"data.h5\"; };", NULL, NULL);
    assert_true(c.ensemble.given && !c.system.given);
}

static void test_ints_are_reals_and_round_reals_are_ints(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "system : { lattice = [4, 6, 8]; coupling = 2; }; generate : { temperature = 3; };",
           "generate.configurations=1e5", NULL);
    assert_true(c.system.coupling == 2 && c.generate.temperature == 3 && c.generate.configurations == 100000);
    assert_true(c.system.dimensions == 3 && c.system.lattice[2] == 8);
}

static void test_arrays_and_lists_are_alike(void **state)
{
    (void)state;
    nnsm_config a, b;
    accept(&a, WHOLE "network : { hidden = [5, 7]; }; train : { augment = [\"spin_flip\", \"translation\"]; };", NULL,
           NULL);
    accept(&b, WHOLE "network : { hidden = (5, 7); }; train : { augment = (\"spin_flip\", \"translation\"); };", NULL,
           NULL);
    assert_memory_equal(&a, &b, sizeof a);
    assert_true(a.train.translation && !a.train.point_group && a.train.spin_flip && a.network.hidden[1] == 7);
    accept(&a, WHOLE "network : { hidden = (); };", NULL, NULL);
    assert_int_equal(a.network.layers, 0);
}

static void test_a_large_seed_is_exact(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, "run : { name = \"x\"; seed = 1234567890123456789L; };", NULL, NULL);
    assert_true(c.run.seed == 1234567890123456789);
}

/* ---- temperatures */

static void test_a_range_includes_its_end(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "scan : { temperatures = { from = 0.1; to = 0.7; step = 0.1; }; };", NULL, NULL);
    assert_int_equal(c.scan.temperatures_count, 7);
    check_close(c.scan.temperatures[6], 0.7, 1e-12);
    accept(&c, RUN "scan : { temperatures = { from = 1; to = 2.9; step = 1; }; };", NULL, NULL);
    assert_int_equal(c.scan.temperatures_count, 2);
    accept(&c, RUN "scan : { temperatures = { from = 2; to = 2; step = 0.0001; }; };", NULL, NULL);
    assert_int_equal(c.scan.temperatures_count, 1);
    accept(&c, RUN "scan : { temperatures = { from = 999999.0000000005; to = 1e6; step = 1; }; };", NULL, NULL);
    assert_true(c.scan.temperatures_count == 2 && c.scan.temperatures[1] == 1e6); /* and does not pass it */
}

static void test_a_list_of_temperatures(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "scan : { temperatures = (1, 2.25, 3); };", NULL, NULL);
    assert_int_equal(c.scan.temperatures_count, 3);
    assert_true(c.scan.temperatures[0] == 1 && c.scan.temperatures[1] == 2.25 && c.scan.temperatures[3] == 0);
}

static void test_bad_temperatures(void **state)
{
    (void)state;
    refuse(RUN "scan : { temperatures = [2.0, 2.0]; };", ":2: ", "rise strictly");
    refuse(RUN "scan : { temperatures = [2.0, 2.000000001]; };", ":2: ", "rise strictly");
    refuse(RUN "scan : { temperatures = [0.0, 2.0]; };", ":2: ", "out of range");
    refuse(RUN "scan : { temperatures = []; };", ":2: ", "empty");
    refuse(RUN "scan : { temperatures = 2.0; };", ":2: ", "{ from = ..; to = ..; step = ..; }");
    refuse(RUN "scan : { temperatures = { from = 1.0; to = 2.0; }; };", ":2: ", "just these three");
    refuse(RUN "scan : { temperatures = { from = 1.0; to = 2.0; step = 0; }; };", ":2: ", "scan.temperatures.step = 0");
    refuse(RUN "scan : { temperatures = { from = 2.0; to = 1.0; step = 0.1; }; };", ":2: ", "1 to 1024 temperatures");
    refuse(RUN "scan : { temperatures = { from = 1.0; to = 2.0; step = 1e-4; }; };", ":2: ", "1 to 1024");
}

/* ---- --set */

static void test_set_wins_over_the_file_and_the_last_wins(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE "train : { epochs = 3; };", "train.epochs=4", "train.epochs=5");
    assert_int_equal(c.train.epochs, 5);
}

static void test_set_replaces_lists(void **state)
{
    (void)state;
    nnsm_config c, expected;
    accept(&c, WHOLE "network : { hidden = [1, 2, 3]; };", "network.hidden=[9]", "scan.temperatures=[1.5]");
    accept(&expected, WHOLE "network : { hidden = [9]; }; scan : { temperatures = [1.5]; };", NULL, NULL);
    assert_memory_equal(&c, &expected, sizeof c);
}

static void test_set_takes_bare_words(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE, "run.output=some/where", "network.activation=tanh");
    assert_string_equal(c.run.output, "some/where");
    assert_int_equal(c.network.activation, 1);
    accept(&c, WHOLE, "network.direct=false", "network.file=");
    assert_false(c.network.direct);
}

static void test_set_takes_a_text_as_it_is(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE, "run.name=2007", "run.output=true");
    assert_string_equal(c.run.name, "2007");
    assert_string_equal(c.run.output, "true");
    accept(&c, WHOLE, "run.name = 1e3", "run.output=a # \\\"b; @include");
    assert_string_equal(c.run.name, "1e3");
    assert_string_equal(c.run.output, "a # \\\"b; @include");
    accept(&c, WHOLE, "run.name=\"2007\"", "run.output= \"a b\" \"c\"");
    assert_string_equal(c.run.name, "2007");
    assert_string_equal(c.run.output, "a bc");
    refuse_set(WHOLE, "run.name=\"2007", "--set run.name=\"2007: ", "quote that opens here is not closed");
    refuse_set(WHOLE, "run.name=[2007]", "--set run.name=[2007]: ", "use letters, digits");
    refuse("run : { name = 2007; };", ":1: ", "run.name must be a text in quotes");
}

static void test_set_takes_a_long_list(void **state)
{
    (void)state;
    static char set[64 + 24 * NNSM_CONFIG_TEMPERATURES];
    nnsm_config c;
    int n = snprintf(set, sizeof set, "scan.temperatures=(");
    for (int i = 0; i < NNSM_CONFIG_TEMPERATURES; i++)
        n += snprintf(set + n, sizeof set - (size_t)n, "%s%.17g", i ? "," : "", 1 + i / 700.);
    (void)snprintf(set + n, sizeof set - (size_t)n, ")");
    accept(&c, RUN, set, NULL);
    assert_true(c.scan.temperatures_count == NNSM_CONFIG_TEMPERATURES && c.scan.temperatures[1023] == 1 + 1023 / 700.);
}

static void test_set_creates_a_group(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN, "system.lattice=[4,4]", "generate.temperature=2");
    assert_true(c.system.given && c.generate.given && c.generate.chains == 512);
    refuse_set(RUN, "generate.interval=2", "generate.temperature is missing", "add it");
}

static void test_bad_set(void **state)
{
    (void)state;
    refuse_set(WHOLE, "train.epochs", "--set train.epochs: ", "write section.key=value");
    refuse_set(WHOLE, "epochs=3", "--set epochs=3: ", "write section.key=value");
    refuse_set(WHOLE, "train.epochs=3;x=4", "--set train.epochs=3;x=4: ", "cannot be read");
    refuse_set(WHOLE, "train.epochs=many",
               "--set train.epochs=many: ", "must be a whole number, not the text \"many\"");
    refuse_set(WHOLE, "train.epoch=3", "--set train.epoch=3: ", "did you mean train.epochs?");
    refuse_set(WHOLE, "trains.epochs=3", "--set trains", "unknown group trains; did you mean train?");
    refuse_set(WHOLE, "scan.temperatures=[1, 2.5]",
               "--set scan.temperatures=[1, 2.5]: ", "cannot be read (mismatched element type in array)");
    refuse_set(WHOLE, "train.epochs=3\n", "--set train.epochs=3", "on one line");
    refuse_set(WHOLE, "run.output=a\n@include \"/tmp\"", "--set run.output=a", "on one line");
    refuse_set(WHOLE, "train.epochs=3 /*", "--set train.epochs=3 /*: ", "comment that opens here is not closed");
    refuse_set(WHOLE, "train.epochs=4294967299", "--set", "needs an L behind it: 4294967299L");
    refuse_set(WHOLE, "scan.temperatures=((((((((((((((((((1", "--set", "nested 17 deep");
    refuse_set(WHOLE, "train.batch=60000", "--set train.batch=60000: ", "lower it");
}

/* ---- files that cannot be read */

static void test_missing_file(void **state)
{
    (void)state;
    nnsm_config c;
    nnsm_error error = {0};
    assert_int_equal(nnsm_config_read(&c, "/nowhere/x.cfg", NULL, 0, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "/nowhere/x.cfg: cannot read the configuration: No such file"));
}

static void test_a_directory_is_not_a_file(void **state)
{
    (void)state;
    nnsm_config c;
    nnsm_error error = {0};
    assert_int_equal(nnsm_config_read(&c, "/tmp", NULL, 0, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "/tmp: cannot read the configuration: Is a directory"));
}

static void test_a_fifo_or_a_device_is_not_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/nnsm_config_XXXXXX";
    nnsm_config c;
    nnsm_error error = {0};
    int file = mkstemp(path);
    assert_true(file >= 0);
    (void)close(file);
    (void)unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: a reader that waits hangs the test */
    assert_int_equal(nnsm_config_read(&c, path, NULL, 0, &error), NNSM_USAGE);
    (void)unlink(path);
    assert_non_null(strstr(error.message, "it is a pipe, socket or device"));
    assert_int_equal(nnsm_config_read(&c, "/dev/zero", NULL, 0, &error), NNSM_USAGE);
    assert_non_null(strstr(error.message, "/dev/zero: cannot read the configuration: it is a pipe, socket or device"));
}

static void test_files_that_are_no_text(void **state)
{
    (void)state;
    enum { LIMIT = 1000000 };
    static char bytes[LIMIT + 1];
    nnsm_config c;
    nnsm_error error = {0};
    assert_int_equal(read_bytes(&c, &error, RUN "\0" SYSTEM, sizeof RUN + sizeof SYSTEM, NULL, 0), NNSM_USAGE);
    assert_non_null(strstr(error.message, "it has NUL bytes"));
    memset(bytes, '\n', sizeof bytes);
    memcpy(bytes, RUN, sizeof RUN - 1);
    assert_int_equal(read_bytes(&c, &error, bytes, LIMIT + 1, NULL, 0), NNSM_USAGE);
    assert_non_null(strstr(error.message, "more than 1 MB"));
    assert_int_equal(read_bytes(&c, &error, bytes, LIMIT, NULL, 0), NNSM_OK);
}

static void test_includes_are_refused(void **state)
{
    (void)state;
    refuse(RUN "@include \"/tmp\"\n", ":2: ", "@include is not supported; put all groups into this file");
    refuse(RUN "train : {\n\t @include\t\"/tmp/more.cfg\"\n};", ":3: ", "@include is not supported");
    nnsm_config c; /* but not where it is only text */
    accept(&c, RUN "# @include \"/tmp\"\n/*\n@include \"/tmp\"\n*/ // @include", NULL, NULL);
    accept(&c, "run : { name = \"x\"; output = \"\\\\\\\"\n@include \\\"/tmp\\\"\"; };", NULL, NULL);
    assert_string_equal(c.run.output, "\\\"\n@include \"/tmp\"");
}

static void test_nothing_is_left_open(void **state)
{
    (void)state;
    refuse(RUN "\ntrain : { data = \"fixed; };\n" SYSTEM, ":3: ", "the quote that opens here is not closed");
    refuse(RUN "\"\\\"\\\\\\\"", ":2: ", "the quote that opens here is not closed");
    refuse(RUN "\n/* train : { };\n" SYSTEM, ":3: ", "the comment that opens here is not closed");
    refuse(RUN "/*/", ":2: ", "the comment that opens here is not closed");
    refuse(RUN "train : {\n", ":2: ", "syntax error");
    refuse("run : {", ":1: ", "syntax error");
}

static void test_numbers_are_never_cut(void **state)
{
    (void)state;
    refuse(RUN "train : { epochs = 4294967299; };", ":2: ", "needs an L behind it: 4294967299L");
    refuse(RUN "network : { hidden = [8,\n 0x100000008]; };", ":3: ", "needs an L behind it: 0x100000008L");
    refuse(RUN "system : { coupling = 0xFFFFFFFFFFFFFFFFL; };", ":2: ", "has too many digits");
    refuse(RUN "system : { coupling = 99999999999999999999; };", ":2: ", "has too many digits");
    refuse(RUN "train : { validation = .; };", ":2: ", "a point without digits");
    refuse(RUN "train : { validation = -.e5; };", ":2: ", "a point without digits");
    nnsm_config c;
    accept(&c, RUN "system : { lattice = [3]; coupling = 0.12345678901234567890; field = 1234567890123e-8; };", NULL,
           NULL);
    assert_true(c.system.coupling == 0.12345678901234567890 && c.system.field == 12345.67890123);
    accept(&c, RUN "train : { epochs = 0x10; };", "run.seed=12345678901L", NULL);
    assert_true(c.train.epochs == 16 && c.run.seed == 12345678901);
}

static void test_text_without_end_is_refused_soon(void **state)
{
    (void)state;
    static char text[400000];
    memset(text, '(', sizeof text - 1);
    memcpy(text, RUN "a = ", sizeof RUN + 3);
    refuse(text, ":2: ", "nested 17 deep");
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        (void)snprintf(text + i, sizeof text - i, "a:1\n");
    refuse(text, ":1001: ", "more than 1000 settings");
}

static void test_syntax_errors_have_a_line(void **state)
{
    (void)state;
    refuse(RUN "train : {\n batch 3; };", ":3: ", "syntax error");
    refuse(RUN RUN, ":2: ", "duplicate");
    refuse("\x01\x02\xff", ":1: ", "syntax error");
}

static void test_an_empty_file_lacks_a_name(void **state)
{
    (void)state;
    refuse("", "/tmp/nnsm_config_", "run.name is missing");
}

/* ---- names */

static void test_unknown_names_get_the_nearest(void **state)
{
    (void)state;
    refuse(WHOLE "train : {\n  batchs = 3; };", ":5: ", "unknown key train.batchs; did you mean train.batch?");
    refuse(WHOLE "trian : { };", ":4: ", "unknown group trian; did you mean train?");
    refuse(WHOLE "train : { seed = 3; };", ":4: ", "did you mean run.seed?");
    refuse("seed = 3;", ":1: ", "did you mean run : { seed = ..; };?");
    refuse("train = 3;", ":1: ", "train must be a group");
}

static void test_required_keys(void **state)
{
    (void)state;
    refuse(SYSTEM, "run.name", "is missing");
    refuse(RUN "system : { };", "system.lattice", "is missing");
    refuse(RUN SYSTEM "generate : { };", "generate.temperature", "is missing");
    refuse(RUN "ensemble : { };", "ensemble.file", "is missing");
}

static void test_run_names(void **state)
{
    (void)state;
    refuse("run : { name = \"a/b\"; };", ":1: ", "use letters, digits");
    refuse("run : { name = \".a\"; };", ":1: ", "no leading '.'");
    refuse("run : { name = \"\"; };", ":1: ", "run.name = \"\"");
    refuse("run : { name = \"\xc3\xa4\"; };", ":1: ", "use letters");
    char text[256], name[202];
    nnsm_config c;
    memset(name, 'a', 201);
    name[201] = '\0';
    (void)snprintf(text, sizeof text, "run : { name = \"%s\"; };", name);
    refuse(text, ":1: ", "run.name has 201 characters; shorten it to at most 200");
    name[200] = '\0';
    (void)snprintf(text, sizeof text, "run : { name = \"%s\"; };", name);
    accept(&c, text, NULL, NULL);
}

/* ---- types, ranges, choices */

static void test_wrong_types_say_what_was_found(void **state)
{
    (void)state;
    refuse("run : { name = 3; };", ":1: ", "run.name must be a text in quotes, not the number 3");
    refuse(WHOLE "train : { epochs = 1.5; };", ":4: ", "train.epochs must be a whole number, not the number 1.5");
    refuse(WHOLE "train : { epochs = \"5\"; };", ":4: ", "not the text \"5\"");
    refuse(WHOLE "train : { epochs = { }; };", ":4: ", "not a group");
    refuse(WHOLE "train : { validation = true; };", ":4: ", "must be a number, not true");
    refuse(WHOLE "network : { direct = 1; };", ":4: ", "must be true or false, not the number 1");
    refuse(WHOLE "network : { hidden = 5; };", ":4: ", "must be a list of whole numbers");
    refuse(WHOLE "network : { hidden = (5, \"a\"); };", ":4: ", "must be a whole number, not the text \"a\"");
    refuse(WHOLE "train : { augment = \"spin_flip\"; };", ":4: ", "must be a list of texts");
}

static void test_ranges_are_stated(void **state)
{
    (void)state;
    refuse(WHOLE "train : { validation = 0.6; };", ":4: ", "train.validation = 0.6 is out of range; from 0 to 0.5");
    refuse(WHOLE "train : { shards_per_batch = 1025; };", ":4: ", "from 1 to 1024");
    refuse(WHOLE "scan : { walkers = 0; };", ":4: ", "from 1 to 1024");
    refuse(WHOLE "train : { epochs = 99999999999999L; };", ":4: ", "out of range");
    refuse(WHOLE "train : { epochs = 1e300; };", ":4: ", "out of range");
    refuse(WHOLE "network : { hidden = [0]; };", ":4: ", "network.hidden = 0 is out of range");
    refuse(RUN "system : { lattice = [2, 2, 2, 2]; };", ":2: ", "at most 3");
    refuse(WHOLE "generate : { chains = 100; };", ":4: ", "duplicate");
    refuse_set(WHOLE, "generate.chains=100", "--set", "not a multiple of 64; take 64 or 128");
}

static void test_long_texts_are_refused(void **state)
{
    (void)state;
    char text[2 * NNSM_CONFIG_TEXT], name[NNSM_CONFIG_TEXT + 1];
    nnsm_config c;
    memset(name, 'a', sizeof name - 1);
    name[NNSM_CONFIG_TEXT] = '\0';
    (void)snprintf(text, sizeof text, "run : { name = \"%s\"; };", name);
    refuse(text, ":1: ", "shorten it to at most 511");
    (void)snprintf(text, sizeof text, "run : { name = \"x\"; output = \"%s\"; };", name + 1);
    accept(&c, text, NULL, NULL);
}

static void test_choices_are_listed(void **state)
{
    (void)state;
    refuse(WHOLE "network : { order = \"zigzag\"; };",
           ":4: ", "network.order must be one of raster|snake|checkerboard|random, not the text \"zigzag\"");
    refuse(WHOLE "train : { augment = [\"spin_flip\", \"gauge\"]; };",
           ":4: ", "one of translation|point_group|spin_flip");
    refuse(WHOLE "network : { order = \"\"; };", ":4: ", "one of raster");
}

/* ---- contradictions */

static void test_where_the_data_come_from(void **state)
{
    (void)state;
    refuse(RUN GENERATE, ":2: ", "generate needs a system");
    refuse(WHOLE "ensemble : { file = \"a\"; };", ":4: ", "exclude each other");
    refuse(RUN "train : { data = \"stream\"; };", ":2: ", "needs a generate group");
}

static void test_symmetries_must_be_ones_of_the_system(void **state)
{
    (void)state;
    refuse(RUN "system : { lattice = [4, 4]; boundary = \"open\"; };\ntrain : { augment = [\"translation\"]; };",
           ":3: ", "remove \"translation\"");
    refuse(RUN "system : { lattice = [4, 4]; field = 0.5; };\ntrain : { augment = [\"spin_flip\"]; };",
           ":3: ", "a field breaks the spin flip");
    refuse_set(WHOLE "train : { augment = [\"spin_flip\"]; };", "system.field=1",
               "--set system.field=1: ", "a field breaks");
    refuse(RUN "system : { model = \"baxter_wu\"; lattice = [6, 6]; };\ntrain : { augment = [\"spin_flip\"]; };",
           ":3: ", "products of three spins break the spin flip");
    refuse(RUN "system : { model = \"baxter_wu\"; lattice = [6, 6]; };\ntrain : { augment = [\"point_group\"]; };",
           ":3: ", "remove \"point_group\"");
    refuse(RUN "system : { model = \"potts\"; lattice = [6, 6]; };\ntrain : { augment = [\"spin_flip\"]; };",
           ":3: ", "take \"permutation\" instead");
    refuse(RUN "system : { model = \"potts\"; lattice = [6, 6]; field = 1; };\n"
               "train : { augment = [\"permutation\"]; };",
           ":3: ", "a field tells one label from the others");
    refuse(RUN "system : { model = \"clock\"; lattice = [6, 6]; states = 4; };\n"
               "train : { augment = [\"permutation\"]; };",
           ":3: ", "cannot be exchanged at will");
    refuse(RUN "system : { model = \"blume_capel\"; lattice = [6, 6]; };\ntrain : { augment = [\"permutation\"]; };",
           ":3: ", "cannot be exchanged at will");
    refuse(RUN "system : { model = \"clock\"; lattice = [6, 6]; };\ntrain : { augment = [\"spin_flip\"]; };",
           ":3: ", "labels, which have no sign");
    refuse(RUN "system : { model = \"spin_glass\"; lattice = [6, 6]; };\ntrain : { augment = [\"translation\"]; };",
           ":3: ", "remove \"translation\"");
    refuse(RUN "system : { model = \"spin_glass\"; lattice = [6, 6]; };\ntrain : { augment = [\"point_group\"]; };",
           ":3: ", "remove \"point_group\"");
    refuse(RUN "system : { lattice = [4, 4]; anisotropy = (1, 0.5); };\ntrain : { augment = [\"point_group\"]; };",
           ":3: ", "cannot be exchanged");
}

static void test_symmetries_that_a_model_keeps(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "system : { model = \"baxter_wu\"; lattice = [6, 6]; }; train : { augment = [\"translation\"]; };",
           NULL, NULL);
    accept(&c, RUN "system : { model = \"spin_glass\"; lattice = [6, 6]; }; train : { augment = [\"spin_flip\"]; };",
           NULL, NULL);
    accept(&c,
           RUN "system : { model = \"blume_capel\"; lattice = [6, 6]; crystal_field = 1; };"
               "train : { augment = [\"translation\", \"point_group\", \"spin_flip\"]; };",
           NULL, NULL);
    accept(&c,
           RUN "system : { model = \"potts\"; lattice = [6, 6]; }; train : { augment = [\"translation\", "
               "\"point_group\", \"permutation\"]; };",
           NULL, NULL);
    accept(&c,
           RUN "system : { model = \"clock\"; states = 6; lattice = [6, 6]; };"
               "train : { augment = [\"permutation\"]; };",
           NULL, NULL);
    /* Axes of other lengths are never exchanged; equal couplings may be. */
    accept(&c, RUN "system : { lattice = [4, 6]; anisotropy = (1, 0.5); }; train : { augment = [\"point_group\"]; };",
           NULL, NULL);
    accept(&c,
           RUN "system : { lattice = [4, 4, 8]; anisotropy = [2, 2, 1]; }; train : { augment = [\"point_group\"]; };",
           NULL, NULL);
}

static void test_models(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "system : { lattice = [4, 4]; };", NULL, NULL);
    assert_true(c.system.model == NNSM_CONFIG_ISING && c.system.axes == 0 && c.system.disorder == 1);
    check_close(c.system.anisotropy[0] + c.system.anisotropy[1] + c.system.anisotropy[2], 3, 0);
    accept(&c, RUN "system : { lattice = [4, 4]; anisotropy = (1, -0.5); next_nearest = 0.3; plaquette = 1; };", NULL,
           NULL);
    assert_int_equal(c.system.axes, 2);
    check_close(c.system.anisotropy[1], -0.5, 0);
    check_close(c.system.next_nearest, 0.3, 0);
    check_close(c.system.plaquette, 1, 0);
    accept(&c, RUN "system : { model = \"spin_glass\"; lattice = [4, 4]; disorder = 7; };", NULL, NULL);
    assert_int_equal(c.system.disorder, 7);
    refuse(RUN "system : { model = \"spin_glass\"; lattice = [4, 4];\n next_nearest = 0.3; };",
           ":2: ", "belong to model = \"ising\"");
    refuse_set(RUN "system : { model = \"baxter_wu\"; lattice = [6, 6]; };", "system.anisotropy=[1,2]",
               "--set system.anisotropy", "belong to model = \"ising\"");
    refuse(RUN "system : { lattice = [4, 4]; anisotropy = [1]; };", ":2: ", "1 values, the lattice 2 axes");
    refuse(RUN "system : { lattice = [4, 4]; anisotropy = 2; };", ":2: ", "must be a list of numbers");
    refuse(RUN "system : { lattice = [4, 4]; anisotropy = [1, 2, 3, 4]; };", ":2: ", "at most 3");
    refuse(RUN "system : { lattice = [6, 7]; model = \"baxter_wu\"; };", ":2: ", "extent of 6 or 9, not 7");
    refuse(RUN "system : { lattice = [6]; model = \"baxter_wu\"; };", ":2: ", "two dimensions, not 1");
    accept(&c, RUN "system : { lattice = [6, 7]; model = \"baxter_wu\"; boundary = \"open\"; };", NULL, NULL);
    refuse(RUN "system : { lattice = [6]; plaquette = 1; };", ":2: ", "a chain has no squares");
    refuse(RUN "system : { lattice = [2]; next_nearest = 1; };", ":2: ", "no next-nearest");
}

static void test_models_of_several_states(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "system : { model = \"potts\"; lattice = [4, 4]; };", NULL, NULL);
    assert_true(c.system.model == NNSM_CONFIG_POTTS && c.system.states == 3);
    accept(&c, RUN "system : { model = \"clock\"; lattice = [4]; states = 16; };" GENERATE,
           "generate.algorithm=heat_bath", NULL);
    assert_true(c.system.model == NNSM_CONFIG_CLOCK && c.system.states == 16);
    assert_int_equal(c.generate.algorithm, NNSM_CONFIG_HEAT_BATH);
    accept(&c, RUN "system : { model = \"blume_capel\"; lattice = [4, 4]; crystal_field = -0.5; };" GENERATE,
           "generate.algorithm=wolff", NULL);
    assert_int_equal(c.system.model, NNSM_CONFIG_BLUME_CAPEL);
    check_close(c.system.crystal_field, -0.5, 0);
    refuse(RUN "system : { model = \"potts\"; lattice = [4, 4]; states = 1; };", ":2: ", "out of range");
    refuse(RUN "system : { model = \"potts\"; lattice = [4, 4]; states = 33; };", ":2: ", "out of range");
    refuse(RUN "system : { lattice = [4, 4]; states = 4; };", ":2: ", "belongs to model = \"potts\" and \"clock\"");
    refuse(RUN "system : { model = \"blume_capel\"; lattice = [4, 4]; states = 4; };", ":2: ", "belongs to model");
    refuse(RUN "system : { model = \"potts\"; lattice = [4, 4];\n crystal_field = 1; };",
           ":3: ", "belongs to model = \"blume_capel\"");
    refuse(RUN "system : { model = \"clock\"; lattice = [4, 4];\n next_nearest = 1; };",
           ":2: ", "belong to model = \"ising\", not to \"clock\"");
    refuse_set(RUN "system : { lattice = [4, 4]; };" GENERATE, "generate.algorithm=heat_bath",
               "--set generate.algorithm", "take \"metropolis\"");
}

static void test_clusters_grow_through_pairs(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, RUN "system : { lattice = [6, 6]; next_nearest = 0.3; field = 1; };" GENERATE,
           "generate.algorithm=wolff", NULL);
    refuse_set(RUN "system : { lattice = [6, 6]; plaquette = 1; };" GENERATE, "generate.algorithm=wolff",
               "--set generate.algorithm", "products of 4 spins; take \"metropolis\"");
    refuse_set(RUN "system : { lattice = [6, 6]; model = \"baxter_wu\"; };" GENERATE, "generate.algorithm=wolff",
               "--set generate.algorithm", "products of 3 spins");
}

static void test_a_basis_has_operators(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE, NULL, NULL);
    assert_true(c.couplings.enabled && c.couplings.field && c.couplings.pairs && c.couplings.triples);
    assert_true(c.couplings.quadruples && !c.couplings.m2 && !c.couplings.per_bond);
    refuse(RUN "couplings : { basis = []; };", ":2: ", "couplings.basis has no operator;");
    refuse(RUN "train : { augment = [\"spin_flip\"]; };\ncouplings : { basis = [\"field\", \"triples\"]; };",
           ":3: ", "that the symmetries of train.augment allow");
    refuse(RUN "system : { model = \"potts\"; lattice = [6, 6]; };\ntrain : { augment = [\"permutation\"]; };\n"
               "couplings : { basis = [\"field\"]; };",
           ":4: ", "that the symmetries of train.augment allow");
    refuse(RUN "couplings : { range = 0.5; };", ":2: ", "couplings.range");
    accept(&c, RUN "couplings : { basis = [\"m2\"]; source = \"ensemble\"; };", NULL, NULL);
    assert_true(c.couplings.m2 && !c.couplings.pairs && c.couplings.source == NNSM_CONFIG_ENSEMBLE);
    accept(&c, RUN "couplings : { basis = []; enabled = false; };", NULL, NULL);
}

static void test_a_spread_needs_networks_and_data(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE, NULL, NULL);
    assert_true(c.trust.networks == 1 && !c.trust.compare[0]);
    accept(&c, RUN "trust : { networks = 3; compare = \"other.h5\"; };", NULL, NULL);
    assert_true(c.trust.networks == 3);
    assert_string_equal(c.trust.compare, "other.h5");
    refuse(RUN "trust : { networks = 2; };", ":2: ", "has no spread");
    refuse(RUN "trust : { networks = 65; };", ":2: ", "trust.networks");
    refuse(RUN "system : { lattice = [4, 4]; };\ngenerate : { temperature = 2.5; };\ntrain : { data = \"stream\"; };\n"
               "trust : { networks = 3; };",
           ":5: ", "a stream has no data to take bootstrap samples of");
}

static void test_lattices(void **state)
{
    (void)state;
    nnsm_config c;
    refuse(RUN "system : { lattice = [8, 1]; };", ":2: ", "at least 2");
    refuse(RUN "system : { lattice = []; };", ":2: ", "give 1 to 3 extents");
    accept(&c, RUN "system : { lattice = [8, 1]; boundary = \"open\"; };", NULL, NULL);
}

static void test_batches(void **state)
{
    (void)state;
    refuse(WHOLE "train : { batch = 57001; };", ":4: ", "57001 is more than the 57000 configurations");
    refuse(WHOLE "train : { batch = 7; };", ":4: ", "shards_per_batch = 8 is more than train.batch = 7");
    nnsm_config c;
    accept(&c, WHOLE "train : { batch = 57000; };", NULL, NULL);
}

/* ---- what is written */

static void check_round_trip(const nnsm_config *config)
{
    static char text[WRITTEN];
    nnsm_config again;
    size_t length = nnsm_config_write(config, text, sizeof text);
    assert_true(length < sizeof text && length == strlen(text));
    accept(&again, text, NULL, NULL);
    assert_memory_equal(config, &again, sizeof again);
}

static void test_round_trip(void **state)
{
    (void)state;
    nnsm_config c;
    accept(&c, WHOLE, NULL, NULL);
    check_round_trip(&c);
    accept(&c, RUN, NULL, NULL);
    check_round_trip(&c);
    accept(&c, RUN "ensemble : { file = \"a \\\"b\\\" \\\\c %d \\n d\\t\\x01 e\\r\\n\"; }; network : { hidden = []; };",
           "train.augment=[\"point_group\",\"spin_flip\"]", "run.seed=1234567890123456789L");
    check_round_trip(&c);
    accept(&c, RUN "system : { lattice = [3, 3, 3]; coupling = -0.0; field = 0.1; boundary = \"open\"; };",
           "scan.temperatures={from=0.1;to=0.9;step=0.001;}", "train.learning_rate=2.2250738585072014e-7");
    check_round_trip(&c);
    accept(&c, RUN "system : { lattice = [3, 3, 3]; anisotropy = (1, -0.1, 2); next_nearest = 0.3; };",
           "system.disorder=9007199254740993L", NULL);
    check_round_trip(&c);
    assert_true(c.system.disorder == 9007199254740993);
}

static void test_reals_are_short(void **state)
{
    (void)state;
    char text[WRITTEN];
    nnsm_config c;
    accept(&c, WHOLE, "system.coupling=0.1", "system.field=1e6");
    (void)nnsm_config_write(&c, text, sizeof text);
    assert_non_null(strstr(text, "coupling = 0.1;"));
    assert_non_null(strstr(text, "field = 1e+06;"));
}

static void test_write_reports_the_length_and_keeps_the_bounds(void **state)
{
    (void)state;
    char text[64];
    nnsm_config c;
    accept(&c, WHOLE, NULL, NULL);
    memset(text, '#', sizeof text);
    size_t length = nnsm_config_write(&c, text, 10);
    assert_true(length > sizeof text && strlen(text) == 9 && text[10] == '#');
    assert_true(nnsm_config_write(&c, NULL, 0) == length);
}

static void test_the_table_has_every_key(void **state)
{
    (void)state;
    static const char *const keys[] = {"run.name",      "system.lattice",    "ensemble.file",
                                       "train.augment", "scan.temperatures", "teams.generators"};
    char *text = NULL, word[64];
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    nnsm_config_document(stream);
    (void)fclose(stream);
    for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
        (void)snprintf(word, sizeof word, "\n| `%s` | ", keys[k]);
        assert_non_null(strstr(text, word));
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_groups_may_be_left_out),
        cmocka_unit_test(test_ints_are_reals_and_round_reals_are_ints),
        cmocka_unit_test(test_arrays_and_lists_are_alike),
        cmocka_unit_test(test_a_large_seed_is_exact),
        cmocka_unit_test(test_a_range_includes_its_end),
        cmocka_unit_test(test_a_list_of_temperatures),
        cmocka_unit_test(test_bad_temperatures),
        cmocka_unit_test(test_set_wins_over_the_file_and_the_last_wins),
        cmocka_unit_test(test_set_replaces_lists),
        cmocka_unit_test(test_set_takes_bare_words),
        cmocka_unit_test(test_set_takes_a_text_as_it_is),
        cmocka_unit_test(test_set_takes_a_long_list),
        cmocka_unit_test(test_set_creates_a_group),
        cmocka_unit_test(test_bad_set),
        cmocka_unit_test(test_missing_file),
        cmocka_unit_test(test_a_directory_is_not_a_file),
        cmocka_unit_test(test_a_fifo_or_a_device_is_not_a_file),
        cmocka_unit_test(test_files_that_are_no_text),
        cmocka_unit_test(test_includes_are_refused),
        cmocka_unit_test(test_nothing_is_left_open),
        cmocka_unit_test(test_numbers_are_never_cut),
        cmocka_unit_test(test_text_without_end_is_refused_soon),
        cmocka_unit_test(test_syntax_errors_have_a_line),
        cmocka_unit_test(test_an_empty_file_lacks_a_name),
        cmocka_unit_test(test_unknown_names_get_the_nearest),
        cmocka_unit_test(test_required_keys),
        cmocka_unit_test(test_run_names),
        cmocka_unit_test(test_wrong_types_say_what_was_found),
        cmocka_unit_test(test_ranges_are_stated),
        cmocka_unit_test(test_long_texts_are_refused),
        cmocka_unit_test(test_choices_are_listed),
        cmocka_unit_test(test_where_the_data_come_from),
        cmocka_unit_test(test_symmetries_must_be_ones_of_the_system),
        cmocka_unit_test(test_a_basis_has_operators),
        cmocka_unit_test(test_a_spread_needs_networks_and_data),
        cmocka_unit_test(test_symmetries_that_a_model_keeps),
        cmocka_unit_test(test_models),
        cmocka_unit_test(test_models_of_several_states),
        cmocka_unit_test(test_clusters_grow_through_pairs),
        cmocka_unit_test(test_lattices),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_reals_are_short),
        cmocka_unit_test(test_write_reports_the_length_and_keeps_the_bounds),
        cmocka_unit_test(test_the_table_has_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
