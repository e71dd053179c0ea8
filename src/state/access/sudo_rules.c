/* SPDX-License-Identifier: Apache-2.0 */
/* Who may run what as whom: sudoers(5), "SUDOERS FILE FORMAT" and "Including other files".
 *
 * A row is a rule (one user specification, and of its commands those that share tags, options and
 * whom they run as), an alias, or a default.  In a rule the lists have their aliases resolved; its
 * key is what stands in the file.  Files are read in the order and as often as they are included.
 * The last rule that fits decides: the order is told as lines, which are loose. */
#include "state/access/sudo_entry.h"
#include "state/access/sudoers.h"
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

enum {
        DEPTH_MAX = 16,               /* of includes */
        FILES_MAX = 500,              /* read in one reading, each as often as it is included */
        BYTES_MAX = 32 * 1024 * 1024, /* of them */
};

static const struct state_column columns[] = {
        { "commands", STATE_LIST, 0, "what may be run; ! before what may not" },
        { "file", STATE_TEXT, STATE_KEY, "where it stands" },
        { "groups", STATE_LIST, 0, "groups it may be run as" },
        { "hosts", STATE_LIST, 0, "hosts on which it holds" },
        { "kind", STATE_TEXT, STATE_KEY,
          "rule, defaults, user_alias, runas_alias, host_alias or cmnd_alias" },
        { "line", STATE_INT, STATE_LOOSE, "where in the file" },
        { "members", STATE_LIST, 0, "what an alias stands for, as written" },
        { "name", STATE_TEXT, STATE_KEY, "users as written; an alias; whom defaults are for" },
        { "nopasswd", STATE_BOOL, 0, "no password is asked for" },
        { "options", STATE_LIST, 0, "CWD=, ROLE=, TIMEOUT=, NOTAFTER= and others" },
        { "run_as", STATE_LIST, 0, "users it may be run as" },
        { "spec", STATE_TEXT, STATE_KEY,
          "of a rule hosts, (run as) and commands as written; the "
          "name of a default" },
        { "tags", STATE_LIST, 0, "NOPASSWD, SETENV, NOEXEC and others that hold" },
        { "users", STATE_LIST, 0, "users, %groups and +netgroups" },
        { "value", STATE_TEXT, 0, "of a default: on, off, a text; += and -= before it" },
};

static const struct state_source sources[] = {
        { STATE_FILE, 0, "/etc/sudoers" },
        { STATE_FILES, STATE_FOLLOW, "/etc/sudoers.d/*" },
};

/* ---- files ---- */

static int read_part(struct sudo_reading *r, const struct state_part *p, unsigned depth);

static bool is_directive(struct span line, const char *word)
{
        size_t n = strlen(word);

        return line.n > n && (line.p[0] == '@' || line.p[0] == '#') &&
               span_eq_str(span_of(line.p + 1, n - 1), word + 1) &&
               (line.p[n] == ' ' || line.p[n] == '\t');
}

/* A path from the directory of the file it stands in, without "\\" before blanks. */
static bool take_path(struct sudo_reading *r, struct sudoers *s, struct buf *path)
{
        struct span word;

        sudoers_skip(s);
        if (!(s->rest.n && s->rest.p[0] == '"' ? sudoers_word(s, &word)
                                               : sudo_take_run(s, " \t\r\n", &word)))
                return false;
        if (word.p[0] != '/')
                buf_put(path,
                        span_of(r->part->name.p, r->part->name.n - field_base(r->part->name).n));
        for (size_t i = 0; i < word.n; i++)
                if (word.p[i] != '\\')
                        buf_put_byte(path, word.p[i]);
        return buf_status(path) == 0;
}

static bool is_in(struct span dir, struct span path)
{
        struct span base;

        while (dir.n > 1 && dir.p[dir.n - 1] == '/')
                dir.n--;
        if (!span_starts(path, dir) || path.n <= dir.n + 1 || path.p[dir.n] != '/')
                return false;
        base = span_from(path, dir.n + 1);
        return !memchr(base.p, '/', base.n) && !memchr(base.p, '.', base.n) &&
               base.p[base.n - 1] != '~';
}

static bool is_gathered(struct span dir)
{
        while (dir.n > 1 && dir.p[dir.n - 1] == '/')
                dir.n--;
        return span_eq_str(dir, "/etc/sudoers.d");
}

static int include_all(struct sudo_reading *r, uint32_t line, struct span dir, unsigned depth)
{
        struct state_in in = *r->in;
        struct state_part p;
        int rc = 0;

        if (!is_gathered(dir))
                return sudo_fault(r, line, "includes a directory that is not /etc/sudoers.d");
        state_again(&in);
        while (rc == 0 && state_next(&in, &p))
                if (is_in(dir, p.name))
                        rc = read_part(r, &p, depth + 1);
        return rc;
}

static int include(struct sudo_reading *r, struct sudoers *s, bool all, unsigned depth)
{
        struct buf path = BUF_INIT(BUNDLE_NAME_MAX);
        uint32_t line = s->line;
        struct state_part p;
        int rc;

        s->rest = span_from(s->rest, strlen(all ? "@includedir" : "@include"));
        if (!take_path(r, s, &path))
                rc = sudo_fault(r, line, "includes nothing");
        else if (depth >= DEPTH_MAX)
                rc = sudo_fault(r, line, "includes too deep");
        else if (all)
                rc = include_all(r, line, buf_span(&path), depth);
        else if (!state_part_named(r->in, buf_span(&path), &p))
                rc = sudo_fault(r, line, "includes a file that is not below /etc/sudoers.d");
        else
                rc = read_part(r, &p, depth + 1);
        if (r->out)
                state_memory(r->out, &path);
        buf_done(&path);
        return rc;
}

static int read_line(struct sudo_reading *r, struct sudoers *s, unsigned depth)
{
        /* '#' too: before it is taken for a comment */
        while (s->rest.n && (s->rest.p[0] == ' ' || s->rest.p[0] == '\t'))
                s->rest = span_from(s->rest, 1);
        if (is_directive(s->rest, "@includedir"))
                return include(r, s, true, depth);
        if (is_directive(s->rest, "@include"))
                return include(r, s, false, depth);
        if (sudoers_at_end(s))
                return 0;
        return sudo_read_entry(r, s);
}

static int read_part(struct sudo_reading *r, const struct state_part *p, unsigned depth)
{
        const struct state_part *outer = r->part;
        struct sudoers s = { .rest = p->bytes, .line = 1 };
        int rc = 0;

        if (r->out && !state_readable(r->out, p, depth ? STATE_MUST_BE : STATE_MAY_BE_ABSENT))
                return 0;
        r->bytes += p->bytes.n;
        if (++r->files > FILES_MAX || r->bytes > BYTES_MAX)
                return r->files == FILES_MAX + 1 ? sudo_fault(r, 0, "more files than are read") : 0;
        r->part = p;
        do
                rc = read_line(r, &s, depth);
        while (rc == 0 && sudoers_next_line(&s));
        r->part = outer;
        return rc;
}

static int read_sudo_rules(struct state_in *in, struct state_out *out, struct err *err)
{
        struct sudo_reading r = { .in = in };
        struct state_part first;
        int rc = 0;

        (void)err;
        if (!state_next(in, &first))
                return 0;
        r.part = &first;
        rc = read_part(&r, &first, 0);
        sudoers_aliases_sort(&r.aliases);
        r.out = out;
        r.files = 0;
        r.bytes = 0;
        if (rc == 0)
                rc = read_part(&r, &first, 0);
        sudoers_aliases_done(&r.aliases);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_sudo_rules = {
        .name = "sudo_rules",
        .alert = "yes",
        .about = "who may run what as whom by sudo",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .flags = STATE_PERSONAL,
        .read = read_sudo_rules,
};
