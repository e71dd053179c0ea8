/* SPDX-License-Identifier: Apache-2.0 */
/* How sshd is set, from itself: what `sshd -T` tells, sshd(8), a keyword in lower case and its
 * value a line; and what sshd_config(5) sets inside Match, which -T leaves out.  A setting that is
 * told in several lines is one row with several values. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <ctype.h>

enum { SETTING_MAX = 64 };

static const struct state_column columns[] = {
        { "file", STATE_TEXT, STATE_KEY, "of a setting inside Match: where it stands" },
        { "line", STATE_INT, STATE_LOOSE, "and its line" },
        { "scope", STATE_TEXT, STATE_KEY, "of whom: all, or what follows Match" },
        { "setting", STATE_TEXT, STATE_KEY, "keyword of sshd_config(5), in lower case" },
        { "values", STATE_LIST, 0, "what it is set to" },
};

static const char program[] = "/usr/sbin/sshd -T";

static const struct state_source sources[] = {
        { STATE_PROGRAM, STATE_AS_ROOT, program },
        { STATE_FILE, 0, "/etc/ssh/sshd_config" },
        { STATE_FILES, STATE_FOLLOW, "/etc/ssh/sshd_config.d/*.conf" },
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

/* ---- Match ---- */

/* A keyword and its arguments, with blanks or one '=' between. */
static struct span arguments(struct span line)
{
        line = field_trim(line);
        if (line.n && line.p[0] == '=')
                line = field_trim(span_from(line, 1));
        return line;
}

static bool cut_keyword(struct span *line, struct setting *ret)
{
        size_t n = 0;

        *line = field_trim(*line);
        while (n < line->n && isalnum(line->p[n]))
                n++;
        if (!lower(span_of(line->p, n), ret))
                return false;
        *line = arguments(span_from(*line, n));
        return true;
}

static int read_config(struct state_out *out, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line, scope = SPAN_NONE;
        struct setting s;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                line = field_trim(line);
                if (line.n == 0 || line.p[0] == '#' || !cut_keyword(&line, &s))
                        continue; /* sshd itself tells what it does not understand */
                if (span_eq_str(setting_span(&s), "match")) {
                        scope = line;
                        continue;
                }
                if (scope.n == 0)
                        continue;
                begin(out, &s, p->name, scope);
                state_u64(out, "line", lines.number);
                put_value(out, &s, line);
                rc = state_end(out);
        }
        return rc;
}

static int read_sshd(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
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
                else if (installed)
                        rc = read_config(out, &p);
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
