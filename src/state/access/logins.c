/* SPDX-License-Identifier: Apache-2.0 */
/* Who is logged in: the sessions of systemd-logind, with what sd-login(3) tells of them, and the
 * records of utmp(5) for which there is no such session.  What is no person's is left out: jobs of
 * cron, a user's manager, sessions of which only processes are left. */
#include "sys/logins.h"

#include "base/clock.h"
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <stdlib.h>

enum { SESSIONS_MAX = 4096 };

static const struct state_column columns[] = {
        { "from", STATE_TEXT, 0, "address or name of where they come from; none: from here" },
        { "line", STATE_TEXT, STATE_KEY, "terminal; empty: none" },
        { "pid", STATE_INT, 0, "process that leads it" },
        { "service", STATE_TEXT, 0, "by which they came: sshd, login, ..." },
        { "session", STATE_TEXT, STATE_KEY, "as loginctl names it; empty: only utmp knows it" },
        { "since", STATE_TIME, 0, "when it began" },
        { "type", STATE_TEXT, 0, "tty, x11, wayland, ..." },
        { "user", STATE_TEXT, STATE_KEY, "name of the account" },
};

static const struct state_source sources[] = {
        { STATE_FILES, 0, "/run/systemd/sessions/*" },
        { STATE_FILE, 0, "/run/utmp" },
};

struct session {
        struct span user, from, service, line, type, class, state;
        uint64_t leader, since_us;
};

struct sessions {
        struct session at[SESSIONS_MAX];
        size_t n;
};

static const struct {
        const char *key;
        size_t at;
} texts[] = {
        { "USER", offsetof(struct session, user) },
        { "REMOTE_HOST", offsetof(struct session, from) },
        { "SERVICE", offsetof(struct session, service) },
        { "TTY", offsetof(struct session, line) },
        { "TYPE", offsetof(struct session, type) },
        { "CLASS", offsetof(struct session, class) },
        { "STATE", offsetof(struct session, state) },
};

static void take(struct session *s, struct span key, struct span value)
{
        for (size_t i = 0; i < ARRAY_LEN(texts); i++)
                if (span_eq_str(key, texts[i].key))
                        memcpy((char *)s + texts[i].at, &value, sizeof value);
        if (span_eq_str(key, "LEADER") && !field_number(value, &s->leader))
                s->leader = 0;
        if (span_eq_str(key, "REALTIME") && !field_number(value, &s->since_us))
                s->since_us = 0;
}

static struct session read_session(const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct session s = { .leader = 0 };
        struct span line, key;

        while (field_line(&lines, &line))
                if (field_cut(&line, '=', &key))
                        take(&s, key, line);
        return s;
}

static bool is_a_login(const struct session *s)
{
        return (s->class.n == 0 || span_starts(s->class, SPAN("user"))) &&
               !span_eq_str(s->state, "closing");
}

static void put_known(struct state_out *out, const char *column, struct span text)
{
        if (text.n)
                state_text(out, column, text);
}

static int put_session(struct state_out *out, const struct state_part *p, struct sessions *all)
{
        struct session s = read_session(p);

        if (s.user.n == 0)
                return state_fault(out, p, 0, "a session of nobody");
        if (!is_a_login(&s))
                return 0;
        if (all->n < SESSIONS_MAX)
                all->at[all->n++] = s;
        state_begin(out);
        state_text(out, "session", field_base(p->name));
        state_text(out, "user", s.user);
        state_text(out, "line", s.line);
        put_known(out, "from", s.from);
        put_known(out, "service", s.service);
        put_known(out, "type", s.type);
        if (s.leader)
                state_u64(out, "pid", s.leader);
        if (s.since_us && s.since_us < INT64_MAX / NS_PER_US)
                state_time(out, "since", (int64_t)s.since_us * NS_PER_US);
        return state_end(out);
}

/* ---- utmp ---- */

static bool is_known(const struct sessions *all, const struct login_record *r)
{
        struct span line = span_of(r->line, r->line_n);

        for (size_t i = 0; i < all->n; i++)
                if (all->at[i].leader == (uint64_t)r->pid ||
                    (line.n && span_eq(all->at[i].line, line)))
                        return true;
        return false;
}

static int put_record(struct state_out *out, const struct login_record *r)
{
        struct buf from = BUF_INIT(64);
        int rc;

        sock_addr_put(&from, &r->addr);
        state_begin(out);
        state_str(out, "session", "");
        state_text(out, "user", span_of(r->user, r->user_n));
        state_text(out, "line", span_of(r->line, r->line_n));
        put_known(out, "from", buf_span(&from));
        state_int(out, "pid", r->pid);
        if (r->sec > 0 && r->sec < INT64_MAX / NS_PER_S)
                state_time(out, "since", r->sec * NS_PER_S);
        rc = state_end(out);
        state_memory(out, &from);
        buf_done(&from);
        return rc;
}

static int read_utmp(struct state_out *out, const struct state_part *p, const struct sessions *all)
{
        size_t size = logins_record_size();
        struct span rest = p->bytes;
        struct login_record r;
        int rc = 0;

        for (uint32_t n = 1; rest.n >= size && n <= LOGINS_MAX && rc == 0; n++) {
                int is = logins_decode(rest.p, size, &r);

                if (is < 0)
                        rc = state_fault(out, p, n, "a record that cannot be");
                else if (is > 0 && !is_known(all, &r))
                        rc = put_record(out, &r);
                rest = span_from(rest, size);
        }
        if (rc == 0 && rest.n)
                rc = state_fault(out, p, 0, "more records than are read, or a part of one");
        return rc;
}

static bool is_session_file(const struct state_part *p)
{
        static const struct span ref = SPAN_INIT(".ref");

        return p->bytes.n &&
               !(p->name.n > ref.n && span_eq(span_from(p->name, p->name.n - ref.n), ref));
}

static int read_all(struct state_in *in, struct state_out *out, struct sessions *all)
{
        struct state_part p;
        int rc = 0;

        while (rc == 0 && state_next(in, &p)) {
                if (!state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        continue;
                if (span_eq_str(p.name, "/run/utmp"))
                        rc = read_utmp(out, &p, all);
                else if (is_session_file(&p))
                        rc = put_session(out, &p, all);
        }
        return rc < 0 ? rc : out->failed;
}

static int read_logins(struct state_in *in, struct state_out *out, struct err *err)
{
        struct sessions *all = calloc(1, sizeof *all);
        int rc = all ? read_all(in, out, all) : -ENOMEM;

        (void)err;
        free(all);
        return rc;
}

const struct state_table state_logins = {
        .name = "logins",
        .about = "who is logged in now, and from where",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .flags = STATE_PERSONAL,
        .subject = "user",
        .subject_column = "user",
        .read = read_logins,
};
