/* SPDX-License-Identifier: Apache-2.0 */
/* The accounts of passwd(5): name:password:uid:gid:comment:home:shell.  What stands in the field of
 * the password is told only as what sort of thing it is. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

enum { NAME, PASSWORD, UID, GID, COMMENT, HOME, SHELL, FIELDS };

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
        struct span f[FIELDS];
        uint64_t uid, gid;

        if (!field_split(line, ':', f, FIELDS) || f[NAME].n == 0)
                return state_fault(out, p, number, "not seven fields and a name");
        if (!field_number(f[UID], &uid) || !field_number(f[GID], &gid) || uid > UINT32_MAX ||
            gid > UINT32_MAX)
                return state_fault(out, p, number, "user or group is no number");
        state_begin(out);
        state_text(out, "name", f[NAME]);
        state_str(out, "password", password_of(f[PASSWORD]));
        state_u64(out, "uid", uid);
        state_u64(out, "gid", gid);
        state_text(out, "comment", f[COMMENT]);
        state_text(out, "home", f[HOME]);
        state_text(out, "shell", f[SHELL]);
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
