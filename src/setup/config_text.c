/* config_text.c: the text of a configuration before libconfig sees it.
 *
 * libconfig 1.5 ends the program on a read error, takes the rest of a file for granted when a quote or a comment is not
 * closed, cuts whole numbers to 32 bits without a word, and compares every name with all others of its group. So the
 * file is read here, and what it would do wrong with the text is refused first, with the line. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "setup/config_parse.h"

enum { MOST_BYTES = 1000000, MOST_SETTINGS = 1000, MOST_NESTED = 16 };

/* ---- the file */

#define UNREADABLE(reader, reason)                                                                                     \
    nnsm_fail((reader)->error, NNSM_USAGE, "%.400s: cannot read the configuration: %s", (reader)->path, reason)

/* Non-blocking, so that a FIFO without a writer is refused instead of waited for. -1 on failure. */
static int open_regular(const nnsm_reader *r)
{
    struct stat about;
    char reason[128];
    int file = open(r->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file < 0 || fstat(file, &about)) {
        (void)snprintf(reason, sizeof reason, "%.80s; check the path", strerror(errno));
        (void)UNREADABLE(r, reason);
    } else if (S_ISDIR(about.st_mode))
        (void)UNREADABLE(r, "Is a directory; give a file in it");
    else if (!S_ISREG(about.st_mode))
        (void)UNREADABLE(r, "it is a pipe, socket or device; write it to a file and give that");
    else
        return file;
    if (file >= 0)
        (void)close(file);
    return -1;
}

/* All bytes into text, which has room for one more than allowed; -1 on a read error. */
static ssize_t read_bytes(int file, char *text)
{
    ssize_t length = 0, got = 1;
    while (got && length <= MOST_BYTES) {
        got = read(file, text + length, (size_t)(MOST_BYTES + 1 - length));
        if (got < 0 && errno != EINTR)
            return -1;
        length += got > 0 ? got : 0;
    }
    return length;
}

/* A last line gets its line feed: libconfig knows a comment only by the line feed after it. */
static nnsm_status read_whole_file(const nnsm_reader *r, int file, char *text)
{
    ssize_t length = read_bytes(file, text);
    if (length < 0)
        return UNREADABLE(r, strerror(errno));
    if (length > MOST_BYTES)
        return UNREADABLE(r, "it has more than 1 MB; is it a configuration?");
    if (memchr(text, '\0', (size_t)length))
        return UNREADABLE(r, "it has NUL bytes; save it as plain text (UTF-8)");
    if (length && text[length - 1] != '\n')
        text[length++] = '\n';
    text[length] = '\0';
    return NNSM_OK;
}

nnsm_status nnsm_load_text(const nnsm_reader *reader, char **text)
{
    int file = open_regular(reader);
    *text = NULL;
    if (file < 0)
        return NNSM_USAGE;
    *text = malloc(MOST_BYTES + 2);
    nnsm_status status = *text ? read_whole_file(reader, file, *text) : UNREADABLE(reader, "out of memory");
    (void)close(file);
    return status;
}

/* ---- what libconfig would do wrong */

typedef struct {
    const nnsm_reader *reader;
    const char *at;
    unsigned line;
    int nested, settings;
} scanner;

#define REFUSE(scan, line_of_it, ...)                                                                                  \
    nnsm_refuse_at((scan)->reader, (nnsm_place){(scan)->reader->path, line_of_it, (scan)->reader->set}, __VA_ARGS__)

static void skip_to(scanner *s, const char *end)
{
    for (; s->at < end; s->at++)
        s->line += *s->at == '\n';
}

static nnsm_status skip_quoted(scanner *s)
{
    const char *end = s->at + 1;
    while (*end && *end != '"')
        end += *end == '\\' && (end[1] == '\\' || end[1] == '"') ? 2 : 1;
    if (!*end)
        return REFUSE(s, s->line, "the quote that opens here is not closed; add a \" where the text ends");
    skip_to(s, end + 1);
    return NNSM_OK;
}

static nnsm_status skip_comment(scanner *s)
{
    const char *end = strstr(s->at + 2, "*/");
    if (!end)
        return REFUSE(s, s->line, "the comment that opens here is not closed; add a */");
    skip_to(s, end + 2);
    return NNSM_OK;
}

static const char *end_of_digits(const char *c)
{
    while (isdigit((unsigned char)*c))
        c++;
    return c;
}

/* Behind the fraction and the exponent; c itself when neither is there. */
static const char *end_of_real(const char *c)
{
    if (*c == '.')
        c = end_of_digits(c + 1);
    const char *exponent = c + 1 + (c[0] && (c[1] == '+' || c[1] == '-'));
    return (*c == 'e' || *c == 'E') && isdigit((unsigned char)*exponent) ? end_of_digits(exponent) : c;
}

static nnsm_status check_number(scanner *s)
{
    const char *first = s->at, *end = end_of_digits(first);
    bool hexadecimal = first[0] == '0' && (first[1] == 'x' || first[1] == 'X') && isxdigit((unsigned char)first[2]);
    if (hexadecimal)
        for (end = first + 2; isxdigit((unsigned char)*end);)
            end++;
    else if (end_of_real(end) > end) {
        s->at = end_of_real(end);
        bool digits = end > first || isdigit((unsigned char)first[1]);
        return digits ? NNSM_OK : REFUSE(s, s->line, "a point without digits is not a number");
    }
    s->at = end;
    errno = 0;
    unsigned long long value = strtoull(first, NULL, hexadecimal ? 16 : 10);
    if (errno || value > INT64_MAX)
        return REFUSE(s, s->line, "the number %.*s has too many digits", (int)(end - first < 60 ? end - first : 60),
                      first);
    if (value > INT_MAX && *end != 'L')
        return REFUSE(s, s->line, "a whole number as large as %.*s needs an L behind it: %.*sL", (int)(end - first),
                      first, (int)(end - first), first);
    return NNSM_OK;
}

/* Brackets, settings and includes: what is one character. */
static nnsm_status check_mark(scanner *s)
{
    char c = *s->at;
    s->nested += strchr("([{", c) ? 1 : (strchr(")]}", c) ? -1 : 0);
    s->settings += c == '=' || c == ':';
    if (s->nested > MOST_NESTED)
        return REFUSE(s, s->line, "brackets are nested %d deep; is one not closed?", s->nested);
    if (s->settings > MOST_SETTINGS)
        return REFUSE(s, s->line, "more than %d settings; is it a configuration?", MOST_SETTINGS);
    if (strncmp(s->at, "@include", 8) == 0)
        return REFUSE(s, s->line, "@include is not supported; put all groups into this file");
    skip_to(s, s->at + 1);
    return NNSM_OK;
}

static nnsm_status check_token(scanner *s)
{
    unsigned char c = (unsigned char)*s->at;
    if (c == '"')
        return skip_quoted(s);
    if (c == '/' && s->at[1] == '*')
        return skip_comment(s);
    if (isdigit(c) || c == '.')
        return check_number(s);
    if (c == '#' || (c == '/' && s->at[1] == '/'))
        s->at += strcspn(s->at, "\n");
    else if (isalpha(c))
        while (isalnum((unsigned char)*s->at) || (*s->at && strchr("*_-", *s->at)))
            s->at++;
    else
        return check_mark(s);
    return NNSM_OK;
}

nnsm_status nnsm_scan_text(const nnsm_reader *reader, const char *text)
{
    scanner s = {.reader = reader, .at = text, .line = 1};
    nnsm_status status = NNSM_OK;
    while (*s.at && !status)
        status = check_token(&s);
    return status;
}
