/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of a network device, as one of its commands prints it: a row for each line,
 * with the lines it stands below as its section.  Below is what is indented further (IOS, EOS,
 * Junos with braces, FortiOS), or what begins with the same words (Junos and VyOS as "set" lines).
 * Lines that only close a section, and empty ones, are none.
 *
 * SECURITY: passwords, keys and communities are told only as (hidden). */
#include "base/text.h"
#include "crypto/sha256.h"
#include "state/reading/fields.h"
#include "state/reading/settings.h"
#include "state/rows/row.h"
#include "state/tables.h"
#include "state/targets/answer.h"

#include <stdlib.h>
#include <strings.h>

enum { DEPTH_MAX = 24, SECTION_MAX = 3072, TEXT_MAX = 2048, SET_WORDS = 2, LINES_MAX = 200000 };

static const struct state_column columns[] = {
        { "after", STATE_TEXT, 0, "the line before it in its section: order may decide" },
        { "line", STATE_TEXT, STATE_KEY, "the line, without its indentation; secrets hidden" },
        { "number", STATE_INT, STATE_KEY, "which of those that are the same in that section" },
        { "section", STATE_TEXT, STATE_KEY, "the lines it stands below, with \" / \" between" },
};

static const struct state_setting settings[] = {
        { "command", SETTING_TEXT, true, NULL, "what prints the configuration" },
        { "end", SETTING_TEXT, false, NULL, "a pattern of the last line" },
        { "host", SETTING_TEXT, true, NULL, "the device's name or address" },
        { "host_key", SETTING_TEXT, true, NULL, "its host key: the sort, a blank, the key" },
        { "ignore", SETTING_TEXTS, false, NULL, "a pattern of lines that change by themselves" },
        { "key_file", SETTING_FILE, true, NULL, "our private key" },
        { "port", SETTING_PORT, false, NULL, "its port" },
        { "user", SETTING_TEXT, true, NULL, "who to log in as" },
};

static bool is_key_char(uint8_t c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               memchr("+/=-@._", c, 7);
}

/* "ssh-ed25519 AAAA...": it becomes words of a command, so nothing else may be in it. */
static const char *settings_wrong(const struct state_value *v, size_t n,
                                  const struct state_value **ret_at)
{
        const struct state_value *key = state_value_of(v, n, "host_key");
        size_t blanks = 0;

        for (size_t i = 0; i < key->value.n; i++) {
                uint8_t c = key->value.p[i];

                blanks += c == ' ';
                if (c != ' ' && !is_key_char(c))
                        blanks = 9;
        }
        *ret_at = key;
        return blanks == 1 ? NULL
                           : "a sort of key, a blank and the key should stand here, as "
                             "ssh-keyscan(1) prints them";
}

/* ---- patterns: * any bytes, ? one ---- */

/* Without recursion: the last star is the only one to come back to. */
static bool fits(struct span pattern, struct span s)
{
        size_t p = 0, i = 0, star = SIZE_MAX, from = 0;

        while (i < s.n) {
                if (p < pattern.n && pattern.p[p] == '*') {
                        star = p++;
                        from = i;
                } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == s.p[i])) {
                        p++;
                        i++;
                } else if (star != SIZE_MAX) {
                        p = star + 1;
                        i = ++from;
                } else {
                        return false;
                }
        }
        while (p < pattern.n && pattern.p[p] == '*')
                p++;
        return p == pattern.n;
}

static bool is_ignored(struct span given, struct span line)
{
        struct span key, value;

        while (state_given_next(&given, &key, &value))
                if (span_eq_str(key, "ignore") && fits(value, line))
                        return true;
        return false;
}

/* ---- secrets ---- */

static bool is_word(struct span s, const char *word)
{
        return s.n == strlen(word) && strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* A word behind which what follows is secret. */
static bool before_secret(struct span s)
{
        static const char *const words[] = {
                "password",
                "passwd",
                "secret",
                "community",
                "pre-shared-key",
                "psk",
                "key-string",
                "ascii-key",
                "hexadecimal-key",
                "encrypted-password",
                "plaintext-password",
                "authentication-key",
                "auth-key",
                "private-key",
                "wpa-psk",
                "passphrase",
                "psksecret",
                "key-chain-secret",
                "snmp-community",
                "auth-password",
                "priv-password",
                "simple-password",
                "md5-key",
                "message-digest-key",
                "shared-secret",
                "radius-key",
                "tacacs-key",
                "auth-pwd",
                "priv-pwd",
                "enc-password",
                "private-key-passphrase",
                "server-key",
        };

        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (is_word(s, words[i]))
                        return true;
        return false;
}

/* What looks like a hash or an encoded secret, wherever it stands: $1$..., $9$..., ENC... */
static bool looks_secret(struct span s)
{
        if (s.n && s.p[0] == '"')
                s = span_from(s, 1);
        return s.n > 8 && s.p[0] == '$' && memchr(s.p + 1, '$', MIN_OF(s.n - 1, (size_t)12));
}

/* "key 7 0822455D0A16" or "key SECRET", behind the name of a server or by itself; "key 1" and "key
 * chain NAME" only name one. */
static bool is_key_of_server(struct span word, struct span first, struct span rest)
{
        struct span one, two;
        uint64_t n;

        if (!is_word(word, "key") || !field_word(&rest, &one))
                return false;
        if (is_word(first, "tacacs-server") || is_word(first, "radius-server"))
                return true;
        return first.n == 0 && field_number(one, &n) == field_word(&rest, &two);
}

static void put_line(struct buf *out, struct span line)
{
        struct span rest = line, word, first = SPAN_NONE;

        while (field_word(&rest, &word)) {
                bool hide = before_secret(word) || is_key_of_server(word, first, rest);

                if (out->n)
                        buf_put_byte(out, ' ');
                if (looks_secret(word)) {
                        buf_put_str(out, "(hidden)");
                        continue;
                }
                buf_put(out, word);
                if (hide && field_trim(rest).n) {
                        buf_put_str(out, " (hidden)");
                        return;
                }
                if (!first.n)
                        first = word;
        }
}

/* ---- sections ---- */

/* How far a line is in; a tab counts as one. */
static size_t indentation(struct span line)
{
        size_t n = 0;

        while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t'))
                n++;
        return n;
}

static bool is_nothing(struct span line)
{
        static const char *const closing[] = { "",  "!",    "#",   "}",    "};",
                                               "]", "exit", "end", "next", "quit" };

        for (size_t i = 0; i < ARRAY_LEN(closing); i++)
                if (span_eq_str(line, closing[i]))
                        return true;
        return false;
}

struct level {
        size_t indent, path_n; /* path_n: of the path that leads to what is below */
        struct buf before;     /* the last line at this level */
};

/* Of one line: what names it, for a look at which came before. */
struct seen {
        uint8_t digest[16];
        uint32_t place, number;
};

struct device {
        struct state_out *out;
        struct span given;
        struct level level[DEPTH_MAX];
        size_t depth; /* levels in use; the last is where the line at hand stands */
        struct buf path, section, line;
        struct seen *seen;
        uint32_t n;  /* lines so far */
        bool counts; /* the first of two walks: only note */
};

static void put_step(struct buf *path, struct span line)
{
        if (line.n && line.p[line.n - 1] == '{')
                line = field_trim(span_of(line.p, line.n - 1));
        if (path->n + line.n + 3 > SECTION_MAX)
                return; /* deeper ones are shown as here */
        if (path->n)
                buf_put_str(path, " / ");
        buf_put(path, line);
}

/* The level of a line that is in so far: below the last line, or one that is open. */
static struct level *enter(struct device *d, size_t indent)
{
        struct level *l;

        while (d->depth > 1 && indent < d->level[d->depth - 1].indent)
                d->depth--;
        l = &d->level[d->depth - 1];
        if (indent > l->indent && l->before.n && d->depth < DEPTH_MAX) {
                d->path.n = l->path_n;
                put_step(&d->path, buf_span(&l->before));
                l = &d->level[d->depth++];
                l->indent = indent;
                l->path_n = d->path.n;
                buf_clear(&l->before);
        }
        d->path.n = l->path_n;
        return l;
}

/* "set a b c": below a b. */
static void set_section(struct device *d)
{
        struct span rest = buf_span(&d->line), word;

        buf_clear(&d->section);
        for (int i = 0; i <= SET_WORDS && field_word(&rest, &word); i++) {
                if (i == 0)
                        continue;
                if (d->section.n)
                        buf_put_byte(&d->section, ' ');
                buf_put(&d->section, word);
        }
}

/* ---- lines ---- */

static void note(struct device *d, struct seen *ret)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(SECTION_MAX + 2 * TEXT_MAX);
        uint8_t digest[SHA256_LEN];

        buf_put(&b, buf_span(&d->section));
        buf_put_byte(&b, '\n');
        buf_put(&b, buf_span(&d->line));
        sha256(buf_span(&b), digest);
        *ret = (struct seen){ .place = d->n };
        memcpy(ret->digest, digest, sizeof ret->digest);
}

static int put_row(struct device *d, const struct level *l)
{
        state_begin(d->out);
        state_text(d->out, "section", buf_span(&d->section));
        state_text(d->out, "line", buf_span(&d->line));
        state_int(d->out, "number", d->seen[d->n].number + 1);
        if (l->before.n)
                state_text(d->out, "after", buf_span(&l->before));
        return state_end(d->out);
}

static int take_line(struct device *d, struct span raw)
{
        struct span line = field_trim(raw);
        struct level *l;
        int rc = 0;

        if (is_nothing(line))
                return 0;
        if (is_ignored(d->given, line))
                return 0;
        if (line.n > TEXT_MAX)
                line.n = TEXT_MAX;
        buf_clear(&d->line);
        put_line(&d->line, line);
        l = enter(d, indentation(raw));
        buf_clear(&d->section);
        buf_put(&d->section, buf_span(&d->path));
        if (span_starts(line, SPAN("set ")) && d->path.n == 0)
                set_section(d);
        if (d->counts)
                note(d, &d->seen[d->n]);
        else
                rc = put_row(d, l);
        buf_clear(&l->before);
        buf_put(&l->before, buf_span(&d->line));
        d->n++;
        return rc;
}

static int walk(struct device *d, struct span text, struct err *err)
{
        struct field_lines lines = { .rest = text };
        struct span line;
        int rc = 0;

        d->depth = 1;
        d->n = 0;
        d->path.n = d->level[0].path_n = d->level[0].indent = 0;
        buf_clear(&d->level[0].before);
        while (rc == 0 && field_line(&lines, &line)) {
                if (d->n == LINES_MAX)
                        return err_set(err, -E2BIG, "more than %d lines", LINES_MAX);
                rc = take_line(d, line);
        }
        return rc < 0 ? err_sys(err, rc, "the device's configuration") : 0;
}

static int by_digest(const void *a, const void *b)
{
        const struct seen *x = a, *y = b;
        int rc = memcmp(x->digest, y->digest, sizeof x->digest);

        return rc ? rc : x->place < y->place ? -1 : 1;
}

static int by_place(const void *a, const void *b)
{
        const struct seen *x = a, *y = b;

        return x->place < y->place ? -1 : 1;
}

static void number_same(struct device *d)
{
        if (d->n == 0)
                return;
        qsort(d->seen, d->n, sizeof *d->seen, by_digest);
        for (uint32_t i = 1; i < d->n; i++)
                if (memcmp(d->seen[i].digest, d->seen[i - 1].digest, sizeof d->seen->digest) == 0)
                        d->seen[i].number = d->seen[i - 1].number + 1;
        qsort(d->seen, d->n, sizeof *d->seen, by_place);
}

/* ---- the answer ---- */

/* Some devices close without a status: what ends as it should is whole all the same. */
static int check_end(const struct answer *a, struct span last, struct err *err)
{
        enum { NO_STATUS = BUNDLE_PROGRAM_FAILED + 255 };
        struct span end = state_given(a->given, "end");

        if (a->status && (a->status != NO_STATUS || !end.n))
                return answer_failed(a, err);
        if (end.n && !fits(end, last))
                return a->status
                               ? answer_failed(a, err)
                               : err_set(err, -EIO, "the configuration does not end as it should");
        return 0;
}

static size_t count_lines(struct span s)
{
        size_t n = 1;

        for (size_t i = 0; i < s.n; i++)
                n += s.p[i] == '\n';
        return n;
}

/* What the last line is that says anything, a closing one included. */
static struct span last_line(struct span text)
{
        struct field_lines lines = { .rest = text };
        struct span line, last = SPAN_NONE;

        while (field_line(&lines, &line))
                if (field_trim(line).n)
                        last = field_trim(line);
        return last;
}

static int read_text(struct device *d, const struct answer *a, struct err *err)
{
        int rc = check_end(a, last_line(a->part.bytes), err);

        if (rc < 0)
                return rc;
        d->given = a->given;
        d->counts = true;
        d->seen = calloc(MIN_OF(count_lines(a->part.bytes), (size_t)LINES_MAX), sizeof *d->seen);
        if (!d->seen)
                return err_set(err, -ENOMEM, "out of memory");
        rc = walk(d, a->part.bytes, err);
        if (rc < 0)
                return rc;
        if (d->n == 0)
                return err_set(err, -EIO, "the device printed no configuration");
        number_same(d);
        d->counts = false;
        return walk(d, a->part.bytes, err);
}

static int read_device(struct state_in *in, struct state_out *out, struct err *err)
{
        struct device d = { .out = out,
                            .path = BUF_INIT(2 * SECTION_MAX),
                            .section = BUF_INIT(2 * SECTION_MAX),
                            .line = BUF_INIT(4 * TEXT_MAX) };
        struct answer a;
        int rc = answer_parts(in, &a, err);

        for (size_t i = 0; i < DEPTH_MAX; i++)
                d.level[i].before = BUF_INIT(4 * TEXT_MAX);
        if (rc == 0)
                rc = read_text(&d, &a, err);
        for (size_t i = 0; i < DEPTH_MAX; i++)
                buf_done(&d.level[i].before);
        buf_done(&d.path);
        buf_done(&d.section);
        buf_done(&d.line);
        free(d.seen);
        return rc;
}

const struct state_table state_device = {
        .name = "device",
        .alert = "yes",
        .about = "lines of a network device's configuration",
        STATE_COLUMNS(columns),
        STATE_SETTINGS(settings),
        .settings_wrong = settings_wrong,
        .every_s = 900,
        .read = read_device,
};
