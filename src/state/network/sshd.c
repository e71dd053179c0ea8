/* SPDX-License-Identifier: Apache-2.0 */
/* How sshd is set, from itself: what `sshd -T` tells, sshd(8), a keyword in lower case and its
 * value a line; and what sshd_config(5) sets inside Match, which -T leaves out.  A setting that is
 * told in several lines is one row with several values.
 *
 * What a Match governs ends with its file, but goes on in a file that is included within it. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <ctype.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>

enum {
        SETTING_MAX = 64,
        DEPTH_MAX = 16,  /* of includes, sshd's own */
        FILES_MAX = 500, /* read in one reading, each as often as it is included */
};

static const struct state_column columns[] = {
        { "file", STATE_TEXT, STATE_KEY, "of a setting inside Match: where it stands" },
        { "line", STATE_INT, STATE_LOOSE, "and its line" },
        { "scope", STATE_TEXT, STATE_KEY,
          "of whom: all, or what follows Match; of one within another both" },
        { "setting", STATE_TEXT, STATE_KEY, "keyword of sshd_config(5), in lower case" },
        { "values", STATE_LIST, 0, "what it is set to" },
};

static const char program[] = "/usr/sbin/sshd -T";

#define CONFIG "/etc/ssh/sshd_config"
#define MORE   "/etc/ssh/sshd_config.d"

static const struct state_source sources[] = {
        { STATE_PROGRAM, STATE_AS_ROOT, program },
        { STATE_FILE, 0, CONFIG },
        { STATE_FILES, STATE_FOLLOW, MORE "/*" },
};

struct setting {
        char name[SETTING_MAX];
        size_t n;
};

static bool lower(struct span word, struct setting *ret)
{
        if (word.n == 0 || word.n >= sizeof ret->name)
                return false;
        for (size_t i = 0; i < word.n; i++) {
                if (!isalnum(word.p[i]))
                        return false;
                ret->name[i] = (char)tolower(word.p[i]);
        }
        ret->n = word.n;
        return true;
}

static struct span setting_span(const struct setting *s)
{
        return span_of(s->name, s->n);
}

/* SetEnv's values may be anything. */
static void put_value(struct state_out *out, const struct setting *s, struct span value)
{
        const uint8_t *at = memchr(value.p, '=', value.n);
        struct buf b = BUF_INIT(STATE_ROW_MAX);

        if (span_eq_str(setting_span(s), "setenv") && at) {
                buf_put(&b, span_of(value.p, (size_t)(at - value.p)));
                buf_put_str(&b, "=***");
                value = buf_span(&b);
        }
        state_item(out, "values", value);
        state_memory(out, &b);
        buf_done(&b);
}

static void begin(struct state_out *out, const struct setting *s, struct span file,
                  struct span scope)
{
        state_begin(out);
        state_text(out, "file", file);
        state_text(out, "scope", scope);
        state_text(out, "setting", setting_span(s));
        state_no_items(out, "values");
}

static int read_program(struct state_out *out, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct setting now = { .n = 0 }, next;
        struct span line, word;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                if (!field_word(&line, &word))
                        continue;
                if (!lower(word, &next)) {
                        rc = state_fault(out, p, lines.number, "no setting");
                        continue;
                }
                if (!span_eq(setting_span(&next), setting_span(&now))) {
                        rc = now.n ? state_end(out) : 0;
                        now = next;
                        begin(out, &now, SPAN(""), SPAN("all"));
                }
                put_value(out, &now, field_trim(line));
        }
        return rc == 0 && now.n ? state_end(out) : rc;
}

/* ---- Match, Include ---- */

struct reading {
        const struct state_in *in;
        struct state_out *out;
        unsigned files;
};

/* Where in the files a walk is. */
struct place {
        const struct state_part *part;
        struct span scope; /* empty: all */
        unsigned depth;
};

static bool is_blank(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\r';
}

/* A NUL ends a line for sshd, and takes the line's end with it: the next one belongs to it. */
static bool next_line(struct field_lines *lines, struct buf *joined, struct span *ret)
{
        const uint8_t *nul;
        struct span line;

        if (!field_line(lines, &line))
                return false;
        *ret = line;
        if (line.n == 0 || !memchr(line.p, 0, line.n))
                return true;
        buf_clear(joined);
        do {
                while (line.n && is_blank(line.p[0]))
                        line = span_from(line, 1);
                nul = line.n ? memchr(line.p, 0, line.n) : NULL;
                buf_put(joined, nul ? span_of(line.p, (size_t)(nul - line.p)) : line);
        } while (nul && field_line(lines, &line));
        *ret = buf_span(joined);
        return true;
}

/* A word, which may be in quotes; a keyword may have a '=' behind it, and one in front. */
static bool cut_word(struct span *s, bool keyword, struct span *ret)
{
        bool quoted;
        size_t n;

        *s = field_trim(*s);
        if (keyword && s->n && s->p[0] == '=')
                *s = field_trim(span_from(*s, 1));
        quoted = s->n && s->p[0] == '"';
        *s = span_from(*s, quoted);
        for (n = 0; n < s->n; n++)
                if (quoted ? s->p[n] == '"' : is_blank(s->p[n]) || (keyword && s->p[n] == '='))
                        break;
        *ret = span_of(s->p, n);
        *s = field_trim(span_from(*s, n + quoted));
        if (keyword && s->n && s->p[0] == '=')
                *s = field_trim(span_from(*s, 1));
        return n > 0 || quoted;
}

static int read_config(struct reading *r, const struct place *at);

/* NUL-terminated; false: it does not fit, or has one itself. */
static bool to_string(const char *before, struct span s, char out[BUNDLE_NAME_MAX])
{
        int n = snprintf(out, BUNDLE_NAME_MAX, "%s%.*s", before, (int)MIN_OF(s.n, (size_t)PATH_MAX),
                         s.n ? (const char *)s.p : "");

        return n < BUNDLE_NAME_MAX && (size_t)n == strlen(before) + s.n;
}

/* All that fit, in the order of their names: so they are gathered. */
static int include_pattern(struct reading *r, const struct place *at, uint32_t number,
                           struct span word)
{
        static const struct span dir = SPAN_INIT(MORE "/");
        bool absolute = word.n && word.p[0] == '/';
        struct state_in in = *r->in;
        char pattern[BUNDLE_NAME_MAX], name[BUNDLE_NAME_MAX];
        struct place inner = { .scope = at->scope, .depth = at->depth + 1 };
        struct state_part p;
        struct span path;
        int rc = 0;

        if (!to_string(absolute ? "" : "/etc/ssh/", word, pattern))
                return state_fault(r->out, at->part, number, "includes what is too long");
        path = span_str(pattern);
        if (!span_starts(path, dir) || memchr(path.p + dir.n, '/', path.n - dir.n))
                return state_fault(r->out, at->part, number,
                                   "includes what is not in " MORE ", and is not read");
        state_again(&in);
        while (rc == 0 && state_next(&in, &p)) {
                if (!span_starts(p.name, dir) || p.status || !to_string("", p.name, name) ||
                    fnmatch(pattern, name, FNM_PATHNAME | FNM_PERIOD) != 0)
                        continue;
                inner.part = &p;
                rc = read_config(r, &inner);
        }
        return rc;
}

static int include(struct reading *r, const struct place *at, uint32_t number, struct span words)
{
        struct span word;
        int rc = 0;

        while (rc == 0 && words.n && cut_word(&words, false, &word))
                rc = include_pattern(r, at, number, word);
        return rc;
}

static int put_setting(struct reading *r, const struct place *at, const struct setting *s,
                       uint32_t number, struct span value)
{
        begin(r->out, s, at->part->name, at->scope);
        state_u64(r->out, "line", number);
        put_value(r->out, s, value);
        return state_end(r->out);
}

static void match(const struct place *outer, struct span what, struct buf *scope,
                  struct place *here)
{
        buf_clear(scope);
        if (outer->scope.n) {
                buf_put(scope, outer->scope);
                buf_put_str(scope, "; ");
        }
        buf_put(scope, what);
        here->scope = buf_span(scope);
}

static int read_config(struct reading *r, const struct place *at)
{
        struct field_lines lines = { .rest = at->part->bytes };
        struct buf scope = BUF_INIT(STATE_ROW_MAX), joined = BUF_INIT(BUNDLE_FILE_MAX);
        struct span line, word;
        struct place here = *at;
        struct setting s;
        int rc = 0;

        if (at->depth > DEPTH_MAX || ++r->files > FILES_MAX)
                return state_fault(r->out, at->part, 0, "more includes than are read");
        while (rc == 0 && next_line(&lines, &joined, &line)) {
                line = field_trim(line);
                if (line.n == 0 || line.p[0] == '#' || !cut_word(&line, true, &word) ||
                    !lower(word, &s))
                        continue; /* sshd itself tells what it does not understand */
                if (span_eq_str(setting_span(&s), "match"))
                        match(at, line, &scope, &here);
                else if (span_eq_str(setting_span(&s), "include"))
                        rc = include(r, &here, lines.number, line);
                else if (here.scope.n)
                        rc = put_setting(r, &here, &s, lines.number, line);
        }
        state_memory(r->out, &scope);
        state_memory(r->out, &joined);
        buf_done(&scope);
        buf_done(&joined);
        return rc;
}

static int read_sshd(struct state_in *in, struct state_out *out, struct err *err)
{
        const struct state_in all = *in;
        struct reading r = { .in = &all, .out = out };
        struct state_part p;
        struct place at = { .part = &p };
        bool installed = false;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                bool is_program = span_eq_str(p.name, program);

                if (!state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        continue;
                installed |= is_program;
                if (is_program)
                        rc = read_program(out, &p);
                else if (installed && span_eq_str(p.name, CONFIG))
                        rc = read_config(&r, &at);
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_sshd = {
        .name = "sshd",
        .alert = "yes",
        .about = "settings of the SSH server that are in force",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 60,
        .flags = STATE_PERSONAL, /* AllowUsers, Match User */
        .read = read_sshd,
};
