/* SPDX-License-Identifier: Apache-2.0 */
/* systemd's timers (systemd.timer(5)): when, what they start, and what that executes. */
#include "state/tables.h"
#include "state/units/units.h"

#include <stdlib.h>

static const struct state_column columns[] = {
        { "alias_of", STATE_TEXT, 0, "the timer that this is another name of" },
        { "drop_ins", STATE_LIST, 0, "files that add to it" },
        { "executes", STATE_LIST, 0, "ExecStart=... of what it starts, secrets masked" },
        { "instances", STATE_LIST, 0, "of a template: those that are enabled" },
        { "name", STATE_TEXT, STATE_KEY, "name of the timer" },
        { "path", STATE_TEXT, 0, "its file, the one that counts" },
        { "persistent", STATE_BOOL, 0, "what was missed while the host was down is made up for" },
        { "random_delay", STATE_TEXT, 0, "put off by up to so much" },
        { "schedule", STATE_LIST, 0, "OnCalendar=..., OnBootSec=..." },
        { "starts", STATE_TEXT, 0, "the unit that it starts" },
        { "state", STATE_TEXT, 0, "enabled, disabled, static, masked... (systemctl is-enabled)" },
        { "user", STATE_TEXT, 0, "user that this is executed as" },
        { "wanted_by", STATE_LIST, 0, "units that start it with them" },
};

static const struct state_source sources[] = { UNITS_SOURCES };

static const char *const schedule_keys[] = {
        "OnCalendar",    "OnActiveSec",      "OnBootSec",
        "OnStartupSec",  "OnUnitActiveSec",  "OnUnitInactiveSec",
        "OnClockChange", "OnTimezoneChange", NULL
};
static const char *const exec_keys[] = { "ExecCondition", "ExecStartPre", "ExecStart",
                                         "ExecStartPost", NULL };

static void put_started(struct state_out *out, const struct units *u, const struct unit *x,
                        struct unit *started)
{
        struct buf name = BUF_INIT(STATE_ROW_MAX);
        struct span user;

        unit_put_started(&name, x, "Timer", "Unit", ".service");
        state_text(out, "starts", buf_span(&name));
        if (units_named(u, buf_span(&name), started) && started->n) {
                unit_put_list(out, "executes", started, "Service", exec_keys);
                user = unit_value(started, "Service", "User");
                if (unit_says_yes(started, "Service", "DynamicUser"))
                        state_str(out, "user", "dynamic");
                else
                        state_text(out, "user", user.n ? user : SPAN("root"));
        }
        buf_done(&name);
}

static int put(struct state_out *out, const struct units *u, const struct unit *x,
               struct unit *started)
{
        struct span delay = unit_value(x, "Timer", "RandomizedDelaySec");
        int rc;

        state_begin(out);
        unit_put_common(out, u, x);
        unit_put_instances(out, "instances", u, x);
        if (x->n && !x->alias_of.n) {
                unit_put_list(out, "schedule", x, "Timer", schedule_keys);
                state_bool(out, "persistent", unit_says_yes(x, "Timer", "Persistent"));
                if (delay.n)
                        state_text(out, "random_delay", delay);
                put_started(out, u, x, started);
        }
        rc = state_end(out);
        return rc == 0 ? unit_fault_if_cut(out, x) : rc;
}

static int read_timers(struct state_in *in, struct state_out *out, struct err *err)
{
        struct unit *x = malloc(2 * sizeof(*x));
        struct units u = { 0 };
        int rc = x ? units_load(in, out, &u) : -ENOMEM;

        while (rc == 0 && units_next(&u, ".timer", x))
                rc = put(out, &u, x, x + 1);
        units_done(&u);
        free(x);
        if (rc < 0 && !out->failed)
                return err_sys(err, rc, "units");
        return out->failed;
}

const struct state_table state_timers = {
        .name = "timers",
        .alert = "added state executes user path drop_ins",
        .about = "systemd's timers",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 30,
        .read = read_timers,
};
