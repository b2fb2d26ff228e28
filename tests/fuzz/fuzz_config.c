/* fuzz_config.c: the configuration under mutated files and --set (libFuzzer).
 *
 * The input is a file; each "\n--set " in it begins a setting that reaches to the next. What must hold besides the
 * sanitizers: a refusal is NNSM_USAGE with a message, and its line, if it has one, is a line of the file; what is
 * accepted is written as text that reads back to the same bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "setup/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MOST_SETTINGS = 8, WRITTEN = 65536 };
static const char mark[] = "\n--set ";

#define REQUIRE(condition, error)                                                                                      \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            (void)fprintf(stderr, "violated: %s\n%s\n", #condition, (error)->message);                                 \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* Read `text` as a file without a name. */
static nnsm_status read_bytes(nnsm_config *config, const void *text, size_t size, const char *const *settings,
                              size_t count, nnsm_error *error)
{
    char path[64];
    int file = memfd_create("fuzz.cfg", MFD_CLOEXEC);
    if (file < 0 || write(file, text, size) != (ssize_t)size)
        abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    nnsm_status status = nnsm_config_read(config, path, settings, count, error);
    (void)close(file);
    return status;
}

/* Lines of the file, the last one with or without its line feed; an empty file has one. */
static long lines_of(const char *text, size_t size)
{
    long lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n' || i + 1 == size;
    return lines ? lines : 1;
}

static void check_refusal(const nnsm_error *error, const char *text, size_t size)
{
    int digits = 0;
    long line = 0;
    REQUIRE(error->status == NNSM_USAGE && error->message[0], error);
    REQUIRE(memchr(error->message, '\0', sizeof error->message), error);
    REQUIRE(strncmp(error->message, "--set ", 6) == 0 || strncmp(error->message, "/proc/self/fd/", 14) == 0, error);
    if (sscanf(error->message, "/proc/self/fd/%*d:%ld:%n", &line, &digits) == 1 && digits)
        REQUIRE(line >= 1 && line <= lines_of(text, size), error);
}

static void check_round_trip(const nnsm_config *config)
{
    static char text[WRITTEN];
    static nnsm_config again;
    nnsm_error error = {0};
    size_t length = nnsm_config_write(config, text, sizeof text);
    REQUIRE(length < sizeof text && length == strlen(text), &error);
    REQUIRE(read_bytes(&again, text, length, NULL, 0, &error) == NNSM_OK, &error);
    REQUIRE(memcmp(config, &again, sizeof again) == 0, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static nnsm_config config;
    const char *settings[MOST_SETTINGS];
    nnsm_error error = {0};
    size_t count = 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    char *next = memmem(text, size, mark, sizeof mark - 1);
    size_t bytes = next ? (size_t)(next - text) + 1 : size;
    while (next && count < MOST_SETTINGS) {
        *next = '\0';
        settings[count++] = next += sizeof mark - 1;
        next = strstr(next, mark);
    }
    if (count)
        text[bytes - 1] = '\n';
    if (read_bytes(&config, text, bytes, settings, count, &error) == NNSM_OK)
        check_round_trip(&config);
    else
        check_refusal(&error, text, bytes);
    free(text);
    return 0;
}
