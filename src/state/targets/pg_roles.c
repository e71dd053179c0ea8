/* SPDX-License-Identifier: Apache-2.0 */
/* Roles of a PostgreSQL server, as monitor/pg_roles.sql asks for them.  Of a password only its sort
 * ever leaves the server. */
#include "base/text.h"
#include "state/reading/fields.h"
#include "state/rows/sorted.h"
#include "state/tables.h"
#include "state/targets/copytext.h"
#include "state/targets/pg_settings.h"

#include <stdlib.h>

static const struct state_column columns[] = {
        { "bypass_row_security", STATE_BOOL, 0, "policies of rows do not bind it" },
        { "connection_limit", STATE_INT, 0, "at most so many connections; -1: any number" },
        { "create_database", STATE_BOOL, 0, "may make databases" },
        { "create_role", STATE_BOOL, 0, "may make roles" },
        { "inherit", STATE_BOOL, 0, "has the rights of the roles it is in without asking" },
        { "login", STATE_BOOL, 0, "may connect" },
        { "member_of", STATE_LIST, 0, "roles it is in; (admin): may let others in" },
        { "name", STATE_TEXT, STATE_KEY, "name of the role" },
        { "password", STATE_TEXT, 0, "none, md5, scram-sha-256 or other; absent: not ours to see" },
        { "replication", STATE_BOOL, 0, "may copy the whole server" },
        { "settings", STATE_LIST, 0, "what is set for it, where for one database with its name" },
        { "superuser", STATE_BOOL, 0, "is bound by nothing" },
        { "valid_until", STATE_TEXT, 0, "when its password ends: a time, or infinity" },
};

/* password: 'password', name, sort.  role: as the script has it. */
enum { TAG, NAME, SORT, PASSWORD_FIELDS };
enum {
        SUPER = 2,
        INHERIT,
        CREATE_ROLE,
        CREATE_DATABASE,
        LOGIN,
        REPLICATION,
        BYPASS,
        LIMIT,
        VALID,
        MEMBER_OF,
        SETTINGS,
        ROLE_FIELDS
};

struct password {
        uint32_t name_at, name_n;
        char sort[16];
};

struct reading {
        struct state_out *out;
        struct buf names;
        struct password *at; /* sorted by name before the first role */
        size_t n, max;
        bool sorted;
};

static struct span name_of(const struct reading *r, const struct password *p)
{
        return span_of(r->names.p + p->name_at, p->name_n);
}

static int add_password(struct reading *r, const struct copy_line *l)
{
        struct password *p;

        if (l->n != PASSWORD_FIELDS || r->sorted)
                return -EBADMSG;
        if (r->n == r->max) {
                size_t max = r->max ? 2 * r->max : 64;

                p = max > STATE_ROWS_MAX * 2 ? NULL : realloc(r->at, max * sizeof *p);
                if (!p)
                        return -ENOMEM;
                r->at = p;
                r->max = max;
        }
        p = &r->at[r->n++];
        *p = (struct password){ .name_at = (uint32_t)r->names.n,
                                .name_n = (uint32_t)l->field[NAME].n };
        buf_put(&r->names, l->field[NAME]);
        memcpy(p->sort, l->field[SORT].p, MIN_OF(l->field[SORT].n, sizeof p->sort - 1));
        return buf_status(&r->names);
}

static int by_name(const void *a, const void *b, void *ctx)
{
        struct span x = name_of(ctx, a), y = name_of(ctx, b);
        int rc = memcmp(x.p, y.p, MIN_OF(x.n, y.n));

        return rc ? rc : x.n < y.n ? -1 : x.n > y.n;
}

static const char *find_password(const struct reading *r, struct span name)
{
        size_t low = 0, high = r->n;

        while (low < high) {
                size_t mid = low + (high - low) / 2;
                struct span at = name_of(r, &r->at[mid]);
                int c = memcmp(at.p, name.p, MIN_OF(at.n, name.n));

                if (c == 0 && at.n == name.n)
                        return r->at[mid].sort;
                if (c < 0 || (c == 0 && at.n < name.n))
                        low = mid + 1;
                else
                        high = mid;
        }
        return NULL;
}

static int put_limit(struct state_out *out, struct span s)
{
        bool minus = s.n && s.p[0] == '-';
        uint64_t n;

        if (!field_number(span_from(s, minus), &n) || n > INT32_MAX)
                return -EBADMSG;
        state_int(out, "connection_limit", minus ? -(int64_t)n : (int64_t)n);
        return 0;
}

static int put_role(struct reading *r, const struct copy_line *l)
{
        static const struct {
                unsigned field;
                const char *column;
        } flags[] = {
                { SUPER, "superuser" },
                { INHERIT, "inherit" },
                { CREATE_ROLE, "create_role" },
                { CREATE_DATABASE, "create_database" },
                { LOGIN, "login" },
                { REPLICATION, "replication" },
                { BYPASS, "bypass_row_security" },
        };
        const char *password;

        if (l->n != ROLE_FIELDS || l->field[NAME].n == 0)
                return -EBADMSG;
        if (!r->sorted && r->n)
                qsort_r(r->at, r->n, sizeof *r->at, by_name, r);
        r->sorted = true;
        state_begin(r->out);
        state_text(r->out, "name", l->field[NAME]);
        for (size_t i = 0; i < ARRAY_LEN(flags); i++)
                state_bool(r->out, flags[i].column, span_eq_str(l->field[flags[i].field], "t"));
        if (put_limit(r->out, l->field[LIMIT]) < 0)
                return -EBADMSG;
        if (l->field[VALID].n)
                state_text(r->out, "valid_until", l->field[VALID]);
        password = find_password(r, l->field[NAME]);
        if (password)
                state_str(r->out, "password", password);
        copy_put_items(r->out, "member_of", l->field[MEMBER_OF]);
        copy_put_items(r->out, "settings", l->field[SETTINGS]);
        return state_end(r->out);
}

static int take(void *ctx, const struct copy_line *l)
{
        if (span_eq_str(l->field[TAG], "password"))
                return add_password(ctx, l);
        return span_eq_str(l->field[TAG], "role") ? put_role(ctx, l) : -EBADMSG;
}

static int read_roles(struct state_in *in, struct state_out *out, struct err *err)
{
        struct reading r = { .out = out, .names = BUF_INIT(BUNDLE_FILE_MAX) };
        int rc = copy_read(in, take, &r, err);

        if (rc == 0 && out->rows == 0)
                rc = err_set(err, -EIO, "the server shows no role");
        buf_done(&r.names);
        free(r.at);
        return rc;
}

const struct state_table state_pg_roles = {
        .name = "pg_roles",
        .alert = "yes",
        .about = "roles of a PostgreSQL server and their memberships",
        STATE_COLUMNS(columns),
        STATE_SETTINGS(pg_settings),
        .every_s = 300,
        .flags = STATE_PERSONAL,
        .subject = "user",
        .subject_column = "name",
        .read = read_roles,
};
