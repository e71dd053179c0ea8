/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of passwd(5): name:password:uid:gid:comment:home:shell.  What stands in the field of
 * the password is told only as what sort of thing it is. */
#include "state/reading/account_line.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "comment", STATE_TEXT, 0, "full name and what else it says" },
        { "gid", STATE_INT, 0, "first group" },
        { "home", STATE_TEXT, 0, "home directory" },
        { "name", STATE_TEXT, STATE_KEY, "name of the account" },
        { "password", STATE_TEXT, 0, "where its password is: shadow, none, locked or here" },
        { "shell", STATE_TEXT, 0, "program of a login" },
        { "uid", STATE_INT, 0, "number of the account" },
};

static const struct state_source sources[] = { { STATE_FILE, 0, "/etc/passwd" } };

static const char *password_of(struct span s)
{
        if (s.n == 0)
                return "none";
        if (span_eq_str(s, "x"))
                return "shadow";
        return s.p[0] == '*' || s.p[0] == '!' ? "locked" : "here";
}

static int put(struct state_out *out, const struct state_part *p, struct span line, uint32_t number)
{
        struct account_user u;
        const char *why = account_user(line, &u);

        if (why)
                return *why ? state_fault(out, p, number, "%s", why) : 0;
        state_begin(out);
        state_text(out, "name", u.name);
        state_str(out, "password", password_of(u.password));
        state_u64(out, "uid", u.uid);
        state_u64(out, "gid", u.gid);
        state_text(out, "comment", u.comment);
        state_text(out, "home", u.home);
        state_text(out, "shell", u.shell);
        return state_end(out);
}

static int read_users(struct state_in *in, struct state_out *out, struct err *err)
{
        (void)err;
        return state_each_line(in, out, STATE_MUST_BE, put);
}

const struct state_table state_users = {
        .name = "users",
        .alert = "yes",
        .about = "accounts of this host",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .flags = STATE_PERSONAL,
        .subject = "user",
        .subject_column = "name",
        .read = read_users,
};
