/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's services, sockets and paths (systemd.service(5), systemd.socket(5), systemd.path(5)):
 * what they execute, as whom, and what starts them.  Which of them have processes is what the tree
 * of control groups says; there is none where systemd does not run. */
#include "state/tables.h"
#include "state/units/units.h"

#include <stdlib.h>

static const struct state_column columns[] = {
        { "alias_of", STATE_TEXT, 0, "the unit that this is another name of" },
        { "drop_ins", STATE_LIST, 0, "files that add to it" },
        { "executes", STATE_LIST, 0, "ExecStart=... and the like, secrets masked" },
        { "group", STATE_TEXT, 0, "group that it is executed as, where it says one" },
        { "instances", STATE_LIST, 0, "of a template: those that are enabled" },
        { "name", STATE_TEXT, STATE_KEY, "name of the unit" },
        { "path", STATE_TEXT, 0, "its file, the one that counts" },
        { "running", STATE_BOOL, 0, "of an enabled service that is to stay: has it processes" },
        { "running_now", STATE_BOOL, STATE_LOOSE, "has it processes at this moment" },
        { "starts", STATE_TEXT, 0, "of a socket or path: the unit that it starts" },
        { "state", STATE_TEXT, 0, "enabled, disabled, static, masked... (systemctl is-enabled)" },
        { "triggers", STATE_LIST, 0, "of a socket or path: what starts it, ListenStream=..." },
        { "user", STATE_TEXT, 0, "user that it is executed as; dynamic: one of its own" },
        { "wanted_by", STATE_LIST, 0, "units that start it with them" },
};

static const struct state_source sources[] = {
        UNITS_SOURCES,
        { STATE_KERNELS, 0, "/sys/fs/cgroup/*.slice/*.service/cgroup.events" },
        { STATE_KERNELS, 0, "/sys/fs/cgroup/*.slice/*.slice/*.service/cgroup.events" },
        { STATE_KERNELS, 0, "/sys/fs/cgroup/unified/*.slice/*.service/cgroup.events" },
        { STATE_KERNELS, 0, "/sys/fs/cgroup/unified/*.slice/*.slice/*.service/cgroup.events" },
};

static const char *const exec_keys[] = { "ExecCondition", "ExecStartPre", "ExecStart",
                                         "ExecStartPost", "ExecReload",   "ExecStop",
                                         "ExecStopPre",   "ExecStopPost", NULL };
static const char *const listen_keys[] = {
        "ListenStream",       "ListenDatagram",    "ListenSequentialPacket",
        "ListenFIFO",         "ListenSpecial",     "ListenNetlink",
        "ListenMessageQueue", "ListenUSBFunction", NULL
};
static const char *const path_keys[] = { "PathExists",   "PathExistsGlob",    "PathChanged",
                                         "PathModified", "DirectoryNotEmpty", NULL };

static void put_user(struct state_out *out, const struct unit *x, const char *section)
{
        struct span user = unit_value(x, section, "User");
        struct span group = unit_value(x, section, "Group");

        if (unit_says_yes(x, section, "DynamicUser"))
                state_str(out, "user", "dynamic");
        else if (user.n)
                state_text(out, "user", user);
        else
                state_str(out, "user", "root");
        if (group.n)
                state_text(out, "group", group);
}

/* Something else starts it when it is wanted, so it may end when it is not. */
static bool is_started_on_demand(const struct units *u, const struct unit *x)
{
        static const char *const by[] = { ".socket", ".path", ".timer" };
        struct span stem = span_of(x->name.p, x->name.n - strlen(".service"));
        bool found = false;

        for (size_t i = 0; i < ARRAY_LEN(by); i++) {
                struct buf name = BUF_INIT(STATE_ROW_MAX);

                buf_put(&name, stem);
                buf_put_str(&name, by[i]);
                found |= index_has(&u->files, buf_span(&name));
                buf_done(&name);
        }
        return found;
}

static bool is_to_stay(const struct units *u, const struct unit *x)
{
        return strcmp(x->state, "enabled") == 0 &&
               !span_eq_str(unit_value(x, "Service", "Type"), "oneshot") &&
               !is_started_on_demand(u, x);
}

static void put_service(struct state_out *out, const struct units *u, const struct unit *x)
{
        enum unit_running running = unit_running(u, x);

        unit_put_list(out, "executes", x, "Service", exec_keys);
        put_user(out, x, "Service");
        if (running == UNIT_UNKNOWN)
                return;
        state_bool(out, "running_now", running == UNIT_RUNNING);
        if (is_to_stay(u, x))
                state_bool(out, "running", running == UNIT_RUNNING);
}

static void put_starter(struct state_out *out, const struct unit *x, const char *section)
{
        bool socket = strcmp(section, "Socket") == 0;
        bool each = socket && unit_says_yes(x, section, "Accept");
        struct buf starts = BUF_INIT(STATE_ROW_MAX);

        unit_put_started(&starts, x, section, socket ? "Service" : "Unit",
                         each ? "@.service" : ".service");
        state_text(out, "starts", buf_span(&starts));
        buf_done(&starts);
        unit_put_list(out, "triggers", x, section, socket ? listen_keys : path_keys);
        unit_put_list(out, "executes", x, section, exec_keys);
}

static int put_all(struct state_out *out, struct units *u, struct unit *x, const char *suffix)
{
        bool service = strcmp(suffix, ".service") == 0;
        int rc = 0;

        while (rc == 0 && units_next(u, suffix, x)) {
                state_begin(out);
                unit_put_common(out, u, x);
                unit_put_instances(out, "instances", u, x);
                if (x->n && !x->alias_of.n && service)
                        put_service(out, u, x);
                else if (x->n && !x->alias_of.n)
                        put_starter(out, x, strcmp(suffix, ".path") == 0 ? "Path" : "Socket");
                rc = state_end(out);
                if (rc == 0)
                        rc = unit_fault_if_cut(out, x);
        }
        return rc;
}

static int read_services(struct state_in *in, struct state_out *out, struct err *err)
{
        static const char *const suffixes[] = { ".service", ".socket", ".path" };
        struct unit *x = malloc(sizeof(*x));
        struct units u = { 0 };
        int rc = x ? units_load(in, out, &u) : -ENOMEM;

        for (size_t i = 0; i < ARRAY_LEN(suffixes) && rc == 0; i++)
                rc = put_all(out, &u, x, suffixes[i]);
        units_done(&u);
        free(x);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "units");
        return out->failed;
}

const struct state_table state_services = {
        .name = "services",
        .alert = "added state executes user group path drop_ins",
        .about = "systemd's services, sockets and paths",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 10,
        .read = read_services,
};
