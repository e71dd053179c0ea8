/* SPDX-License-Identifier: Apache-2.0 */
/* What runs by the clock: crontab(5) of the host (with a user in each line) and of users (without),
 * the directories of run-parts(8), anacrontab(5), and the jobs of at(1), of which the name tells
 * when: a queue's letter, five hexadecimal digits of the number, eight of the minute since 1970.
 *
 * cron reads a file of /etc/cron.d only if its name is of letters, digits, '_' and '-', root owns
 * it and nobody else may write it, and one of a user's only if nobody else may even read it; none
 * of these if its last line does not end.  run-parts runs what has such a name and may be run. */
#include "base/clock.h"
#include "state/reading/fields.h"
#include "state/reading/mask.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <ctype.h>
#include <sys/stat.h>

static const struct state_column columns[] = {
        { "active", STATE_BOOL, 0,
          "cron takes it: name, owner and mode are right, and its last line ends" },
        { "command", STATE_TEXT, STATE_KEY,
          "what is run, known secrets left out; a variable's name" },
        { "file", STATE_TEXT, STATE_KEY, "where it stands" },
        { "kind", STATE_TEXT, STATE_KEY,
          "system, user, directory, anacron, at; variable: of what follows it in its file" },
        { "line", STATE_INT, STATE_LOOSE, "and its line" },
        { "next", STATE_TIME, 0, "of a job of at: when" },
        { "schedule", STATE_TEXT, 0, "minute hour day month weekday, @reboot, daily, ..." },
        { "user", STATE_TEXT, 0, "who runs it; of a job of at #uid" },
        { "value", STATE_TEXT, 0, "of PATH, SHELL, MAILTO and others that hold no secret" },
};

enum { SCHEDULE_WORDS = 5, WORD_MAX = 256 };

#define SPOOL    "/var/spool/cron/"
#define CRONTABS SPOOL "crontabs/"

static const struct state_source sources[] = {
        { STATE_FILE, 0, "/etc/crontab" },
        { STATE_FILES, STATE_FOLLOW, "/etc/cron.d/*" },
        { STATE_FILES, STATE_OTHERS, CRONTABS "*" },
        { STATE_FILE, 0, "/etc/anacrontab" },
        { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/etc/cron.hourly/*" },
        { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/etc/cron.daily/*" },
        { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/etc/cron.weekly/*" },
        { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/etc/cron.monthly/*" },
        { STATE_FILES, STATE_FOLLOW | STATE_NAMES, "/etc/cron.yearly/*" },
        { STATE_FILES, STATE_NAMES | STATE_OTHERS, SPOOL "atjobs/*" },
};

/* A crontab and how its lines are made. */
struct crontab {
        const char *kind;
        struct span user; /* of every line; empty: each names its own */
        bool active;
};

static void begin(struct state_out *out, const struct state_part *p, const char *kind, bool active)
{
        state_begin(out);
        state_text(out, "file", p->name);
        state_str(out, "kind", kind);
        state_bool(out, "active", active);
}

/* ---- variables ---- */

static bool is_harmless(struct span name)
{
        static const char *const names[] = {
                "PATH",    "SHELL", "MAILTO", "MAILFROM", "HOME",         "LOGNAME",
                "CRON_TZ", "TZ",    "LANG",   "LC_ALL",   "RANDOM_DELAY", "START_HOURS_RANGE"
        };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(name, names[i]))
                        return true;
        return false;
}

static struct span unquoted(struct span s)
{
        s = field_trim(s);
        if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
                return span_of(s.p + 1, s.n - 2);
        return s;
}

/* NAME = value, before any blank but those around '='.  A schedule never begins like that. */
static bool cut_variable(struct span line, struct span *ret_name, struct span *ret_value)
{
        const uint8_t *at = memchr(line.p, '=', line.n);
        struct span name;

        if (!at)
                return false;
        name = unquoted(span_of(line.p, (size_t)(at - line.p)));
        if (name.n == 0 || (!isalpha(name.p[0]) && name.p[0] != '_'))
                return false;
        for (size_t i = 0; i < name.n; i++)
                if (!isalnum(name.p[i]) && name.p[i] != '_')
                        return false;
        *ret_name = name;
        *ret_value = unquoted(span_from(line, (size_t)(at - line.p) + 1));
        return true;
}

static int put_variable(struct state_out *out, const struct state_part *p, const struct crontab *c,
                        uint32_t number, struct span name, struct span value)
{
        begin(out, p, "variable", c->active);
        state_text(out, "command", name);
        state_u64(out, "line", number);
        if (c->user.n)
                state_text(out, "user", c->user);
        if (is_harmless(name))
                state_text(out, "value", value);
        return state_end(out);
}

/* ---- lines ---- */

/* The first n words, as one text with a blank between.  Of a word as much as a row has room for:
 * cron reads lists of any length. */
static bool cut_words(struct span *line, unsigned n, struct buf *out)
{
        struct span word;

        for (unsigned i = 0; i < n; i++) {
                if (!field_word(line, &word))
                        return false;
                if (i)
                        buf_put_byte(out, ' ');
                buf_put(out, span_of(word.p, MIN_OF(word.n, (size_t)WORD_MAX)));
                if (word.n > WORD_MAX)
                        buf_put_str(out, "...");
        }
        return true;
}

/* *, 1-5, mon, with commas and steps. */
static bool is_schedule(struct span s)
{
        if (s.n && s.p[0] == '@')
                return s.n > 1;
        for (size_t i = 0; i < s.n; i++)
                if (!isalnum(s.p[i]) && (s.p[i] == 0 || !strchr("*,-/ ~?.", s.p[i])))
                        return false;
        return s.n > 0 && (isdigit(s.p[0]) || s.p[0] == '*');
}

static int put_line(struct state_out *out, const struct state_part *p, const struct crontab *c,
                    uint32_t number, struct span line)
{
        bool anacron = strcmp(c->kind, "anacron") == 0, fine;
        struct buf schedule = BUF_INIT(SCHEDULE_WORDS * (WORD_MAX + 4));
        struct span user = c->user, name, value;
        int rc;

        if (cut_variable(line, &name, &value))
                return put_variable(out, p, c, number, name, value);
        /* anacron: period delay name; else five fields, or one that begins with '@' */
        fine = cut_words(&line,
                         anacron            ? 3
                         : line.p[0] == '@' ? 1
                                            : SCHEDULE_WORDS,
                         &schedule) &&
               buf_status(&schedule) == 0 && (anacron || is_schedule(buf_span(&schedule))) &&
               (user.n || field_word(&line, &user));
        line = field_trim(line);
        if (fine && line.n) {
                begin(out, p, c->kind, c->active);
                state_text(out, "schedule", buf_span(&schedule));
                state_text(out, "user", user);
                state_u64(out, "line", number);
                mask_text(out, "command", line);
                rc = state_end(out);
        } else {
                rc = state_fault(out, p, number, "neither a time and a command nor a variable");
        }
        state_memory(out, &schedule);
        buf_done(&schedule);
        return rc;
}

static int read_crontab(struct state_out *out, const struct state_part *p, const struct crontab *c)
{
        struct field_lines lines = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                line = field_trim(line);
                if (line.n && line.p[0] != '#')
                        rc = put_line(out, p, c, lines.number, line);
        }
        return rc;
}

/* ---- files ---- */

static bool is_plain_name(struct span name)
{
        for (size_t i = 0; i < name.n; i++)
                if (!isalnum(name.p[i]) && name.p[i] != '_' && name.p[i] != '-')
                        return false;
        return name.n > 0;
}

static int put_script(struct state_out *out, const struct state_part *p, struct span period)
{
        begin(out, p, "directory",
              S_ISREG(p->mode) && p->mode & 0111 && is_plain_name(field_base(p->name)));
        state_text(out, "schedule", period);
        state_str(out, "user", "root");
        state_text(out, "command", p->name);
        return state_end(out);
}

static bool from_hex(struct span s, uint64_t *ret)
{
        uint64_t v = 0;

        for (size_t i = 0; i < s.n; i++) {
                if (!isxdigit(s.p[i]))
                        return false;
                v = v * 16 +
                    (uint64_t)(isdigit(s.p[i]) ? s.p[i] - '0' : (s.p[i] | 0x20) - 'a' + 10);
        }
        *ret = v;
        return s.n > 0;
}

/* qNNNNNMMMMMMMM.  Others, such as the file that counts, are no jobs. */
static int put_at(struct state_out *out, const struct state_part *p)
{
        struct span name = field_base(p->name);
        struct buf user = BUF_INIT(32);
        uint64_t minute, job;
        int rc;

        if (!S_ISREG(p->mode) || name.n != 14 || !from_hex(span_of(name.p + 1, 5), &job) ||
            !from_hex(span_from(name, 6), &minute))
                return 0;
        begin(out, p, "at", name.p[0] != '=' && p->mode & 0100);
        buf_printf(&user, "#%u", p->uid);
        state_text(out, "user", buf_span(&user));
        state_text(out, "command", p->name);
        if (minute <= INT64_MAX / (60 * NS_PER_S))
                state_time(out, "next", (int64_t)minute * 60 * NS_PER_S);
        rc = state_end(out);
        state_memory(out, &user);
        buf_done(&user);
        return rc;
}

static struct span dir_of(struct span path)
{
        return span_of(path.p, path.n - field_base(path).n);
}

static int read_part(struct state_out *out, const struct state_part *p)
{
        static const struct span periodic = SPAN_INIT("/etc/cron.");
        struct span dir = dir_of(p->name), base = field_base(p->name);
        struct crontab c = { .kind = "system", .active = true };

        if (span_eq_str(dir, SPOOL "atjobs/"))
                return put_at(out, p);
        if (span_eq_str(dir, CRONTABS)) {
                c.kind = "user";
                c.user = base;
                c.active = (p->mode & 07777) == 0600;
        } else if (span_eq_str(p->name, "/etc/anacrontab")) {
                c.kind = "anacron";
                c.user = SPAN("root");
        } else if (span_eq_str(dir, "/etc/cron.d/")) {
                c.active = is_plain_name(base) && p->uid == 0 && !(p->mode & 022);
        } else if (span_starts(dir, periodic) && dir.n > periodic.n + 1) {
                return put_script(out, p, span_of(dir.p + periodic.n, dir.n - periodic.n - 1));
        }
        if (strcmp(c.kind, "anacron") != 0 && p->size <= p->bytes.n) /* else it was cut */
                c.active = c.active && p->bytes.n && p->bytes.p[p->bytes.n - 1] == '\n';
        return read_crontab(out, p, &c);
}

static int read_cron(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                bool spool = span_starts(p.name, SPAN(SPOOL));

                if (!state_readable(out, &p, spool ? STATE_ONE_OF_MANY : STATE_MAY_BE_ABSENT) ||
                    S_ISDIR(p.mode))
                        continue;
                rc = read_part(out, &p);
                if (rc == 0 && span_starts(p.name, SPAN(CRONTABS)))
                        rc = state_fault_if_cut(out, &p);
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_cron = {
        .name = "cron",
        .alert = "yes",
        .about = "commands that run by the clock: cron, anacron, at",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .flags = STATE_PERSONAL,
        .read = read_cron,
};
