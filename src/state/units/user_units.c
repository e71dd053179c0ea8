/* SPDX-License-Identifier: Apache-2.0 */
/* What starts with a user's login by his own systemd (user@.service), or with the host where he
 * lingers (loginctl(1)): unit files, drop-ins and links of systemd.unit(5)'s user mode, a file a
 * row.  Which of two files of one name counts is each user's own matter and not told. */
#include "state/reading/account_line.h"
#include "state/reading/fields.h"
#include "state/reading/index.h"
#include "state/tables.h"
#include "state/units/units.h"

#include <stdlib.h>
#include <sys/stat.h>

static const struct state_column columns[] = {
        { "executes", STATE_LIST, 0, "ExecStart=... and the like, secrets masked" },
        { "kind", STATE_TEXT, 0, "unit, drop_in, wanted (what starts it), link, linger" },
        { "mode", STATE_INT, 0, "permissions of the file, as a decimal number" },
        { "owner", STATE_INT, 0, "uid that owns the file" },
        { "path", STATE_TEXT, STATE_KEY, "the file" },
        { "target", STATE_TEXT, 0, "where it leads, of a link" },
        { "triggers", STATE_LIST, 0, "of a timer, socket or path: what starts it" },
        { "unit", STATE_TEXT, 0, "the unit that it is, adds to or starts" },
        { "user", STATE_TEXT, 0, "whose home it is in, or who lingers; absent: every user's" },
};

static const struct state_source sources[] = {
        { STATE_FILE, 0, "/etc/passwd" },
        { STATE_HOME_TREES, STATE_OTHERS, ".config/systemd/user" },
        { STATE_HOME_TREES, STATE_OTHERS, ".config/systemd/user.control" },
        { STATE_HOME_TREES, STATE_OTHERS, ".local/share/systemd/user" },
        { STATE_TREE, 0, "/etc/systemd/user" },
        { STATE_TREE, 0, "/etc/xdg/systemd/user" },
        { STATE_TREE, 0, "/run/systemd/user" },
        { STATE_TREE, 0, "/usr/local/lib/systemd/user" },
        { STATE_TREE, 0, "/usr/local/share/systemd/user" },
        { STATE_TREE, 0, "/usr/lib/systemd/user" },
        { STATE_TREE, 0, "/usr/share/systemd/user" },
        { STATE_FILES, STATE_NAMES, "/var/lib/systemd/linger/*" },
};

static const char *const exec_keys[] = { "ExecCondition", "ExecStartPre", "ExecStart",
                                         "ExecStartPost", "ExecReload",   "ExecStop",
                                         "ExecStopPre",   "ExecStopPost", NULL };
static const struct {
        const char *section;
        const char *keys[10];
} triggers[] = {
        { "Timer",
          { "OnCalendar", "OnActiveSec", "OnBootSec", "OnStartupSec", "OnUnitActiveSec",
            "OnUnitInactiveSec", "OnClockChange", "OnTimezoneChange" } },
        { "Socket",
          { "ListenStream", "ListenDatagram", "ListenSequentialPacket", "ListenFIFO",
            "ListenSpecial", "ListenNetlink", "ListenMessageQueue", "ListenUSBFunction" } },
        { "Path",
          { "PathExists", "PathExistsGlob", "PathChanged", "PathModified", "DirectoryNotEmpty" } },
};

/* ---- whose it is ---- */

static void read_homes(struct span passwd, struct index *ret)
{
        struct field_lines lines = { .rest = passwd };
        struct account_user u;
        struct span line;

        while (field_line(&lines, &line))
                if (!account_user(line, &u))
                        index_add(ret, account_home(u.home), u.name);
}

/* What is before "/.config/..."; NULL: it is in no home. */
static struct span home_of(struct span path)
{
        static const char *const dirs[] = { "/.config/systemd", "/.local/share/systemd" };
        const uint8_t *at;

        for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
                if ((at = memmem(path.p, path.n, dirs[i], strlen(dirs[i]))))
                        return span_of(path.p, (size_t)(at - path.p));
        for (size_t i = 0; i < 2; i++) { /* a link on the way */
                struct span tail = i ? SPAN("/.local") : SPAN("/.config");

                for (size_t cut = 0; cut < 2; cut++) {
                        struct span front = path;

                        if (cut)
                                front.n -= field_base(path).n + 1;
                        if (front.n >= tail.n && span_eq(span_from(front, front.n - tail.n), tail))
                                return span_of(path.p, front.n - tail.n);
                }
        }
        return SPAN_NONE;
}

static void put_user(struct state_out *out, const struct index *homes, struct span path)
{
        struct span home = home_of(path), user;

        if (!home.p)
                return;
        home = account_home(home);
        user = index_value(homes, home);
        state_text(out, "user", user.n ? user : field_base(home));
}

/* ---- what it is ---- */

/* Behind one of the directories of units; empty: it is a link on the way to one. */
static struct span below_dir(struct span path)
{
        static const char *const dirs[] = { "/systemd/user/", "/systemd/user.control/" };
        const uint8_t *at;

        for (size_t i = 0; i < ARRAY_LEN(dirs); i++)
                if ((at = memmem(path.p, path.n, dirs[i], strlen(dirs[i]))))
                        return span_from(path, (size_t)(at - path.p) + strlen(dirs[i]));
        return SPAN_NONE;
}

static bool ends_with(struct span s, const char *tail)
{
        size_t n = strlen(tail);

        return s.n > n && memcmp(s.p + s.n - n, tail, n) == 0;
}

static bool is_unit(struct span name)
{
        static const char *const types[] = { ".service", ".socket", ".path",  ".timer",
                                             ".target",  ".mount",  ".slice", ".automount",
                                             ".scope",   ".device", ".swap" };

        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (ends_with(name, types[i]))
                        return true;
        return false;
}

/* Its kind and the unit that it is about; NULL: systemd does not look at it. */
static const char *kind_of(const struct state_part *p, struct span *ret_unit)
{
        static const char *const pulls[] = { ".wants", ".requires", ".upholds" };
        struct span rest = below_dir(p->name), dir;

        if (rest.n == 0) {
                *ret_unit = SPAN_NONE;
                return S_ISLNK(p->mode) ? "link" : NULL;
        }
        *ret_unit = rest;
        if (!memchr(rest.p, '/', rest.n))
                return is_unit(rest) ? "unit" : S_ISLNK(p->mode) ? "link" : NULL;
        (void)!field_cut(&rest, '/', &dir);
        *ret_unit = rest;
        if (memchr(rest.p, '/', rest.n))
                return NULL;
        for (size_t i = 0; i < ARRAY_LEN(pulls); i++)
                if (ends_with(dir, pulls[i]))
                        return "wanted";
        if (!ends_with(dir, ".d") || !ends_with(rest, ".conf"))
                return NULL;
        *ret_unit = span_of(dir.p, dir.n - 2);
        return "drop_in";
}

static void put_content(struct state_out *out, const struct state_part *p, struct unit *x)
{
        static const char *const runs[] = { "Service", "Socket" };

        unit_read_file(p, x);
        for (size_t i = 0; i < ARRAY_LEN(runs); i++)
                unit_put_list(out, "executes", x, runs[i], exec_keys);
        for (size_t i = 0; i < ARRAY_LEN(triggers); i++)
                unit_put_list(out, "triggers", x, triggers[i].section, triggers[i].keys);
}

static void begin(struct state_out *out, const struct state_part *p, const char *kind)
{
        state_begin(out);
        state_text(out, "path", p->name);
        state_str(out, "kind", kind);
        state_u64(out, "owner", p->uid);
        if (!S_ISLNK(p->mode))
                state_u64(out, "mode", p->mode & 07777);
}

static int put_file(struct state_out *out, const struct state_part *p, const struct index *homes,
                    struct unit *x)
{
        struct span unit;
        const char *kind = S_ISDIR(p->mode) ? NULL : kind_of(p, &unit);
        int rc;

        if (!kind)
                return 0;
        begin(out, p, kind);
        put_user(out, homes, p->name);
        if (unit.n)
                state_text(out, "unit", unit);
        if (S_ISLNK(p->mode))
                state_text(out, "target", p->bytes);
        else if (S_ISREG(p->mode))
                put_content(out, p, x);
        rc = state_end(out);
        if (rc == 0 && S_ISREG(p->mode))
                rc = unit_fault_if_cut(out, x);
        return rc == 0 && home_of(p->name).p ? state_fault_if_cut(out, p) : rc;
}

static int put(struct state_out *out, const struct state_part *p, const struct index *homes,
               struct unit *x)
{
        const struct span linger = SPAN("/var/lib/systemd/linger/");

        if (p->status == ENOENT || !state_readable(out, p, STATE_ONE_OF_MANY))
                return 0;
        if (!span_starts(p->name, linger))
                return put_file(out, p, homes, x);
        begin(out, p, "linger");
        state_text(out, "user", span_from(p->name, linger.n));
        return state_end(out);
}

static int read_user_units(struct state_in *in, struct state_out *out, struct err *err)
{
        struct unit *x = malloc(sizeof(*x));
        struct index homes = INDEX_INIT;
        struct state_part p;
        int rc = x ? 0 : -ENOMEM;

        if (rc == 0 && state_next(in, &p) && state_readable(out, &p, STATE_MUST_BE))
                read_homes(p.bytes, &homes);
        if (rc == 0)
                rc = index_sort(&homes);
        while (rc == 0 && state_next(in, &p))
                rc = put(out, &p, &homes, x);
        index_done(&homes);
        free(x);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "user units");
        return out->failed;
}

const struct state_table state_user_units = {
        .name = "user_units",
        .alert = "added executes triggers target",
        .about = "unit files of users' own systemd, and who lingers",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 10,
        .flags = STATE_PERSONAL,
        .subject = "user",
        .subject_column = "user",
        .read = read_user_units,
};
