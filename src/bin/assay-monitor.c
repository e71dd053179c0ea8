/* SPDX-License-Identifier: Apache-2.0 */
/* assay-monitor - tables of this host's state: accounts, packages, services, ports and the rest.
 * Options only; the work is in monitor/. */
#include "bin/daemon.h"
#include "loop/log.h"
#include "monitor/run.h"
#include "sys/sysclock.h"

struct options {
        const char *config;
        const char *root;
        struct option_texts table;
};

static const struct option_spec specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct options, config), "DIR",
          "has state.yaml (/etc/assay)" },
        { "root", 0, OPTION_TEXT, offsetof(struct options, root), "DIR",
          "look below this directory, which is not /: an image, a test" },
        { "table", 't', OPTION_TEXTS, offsetof(struct options, table), "NAME",
          "look at this table alone; repeatable" },
        { 0 },
};

int main(int argc, char **argv)
{
        struct options own = { .config = "/etc/assay", .root = "" };
        struct monitor_run_options o = { .clock = &sysclock };
        struct daemon_options d;
        int status;

        if (!daemon_options("assay-monitor", argc, argv, (struct option_set){ specs, &own }, &d,
                            &status))
                return status;
        o.state = d.state;
        o.run = d.run;
        o.keep_user = d.keep_user;
        o.config = own.config;
        o.root = own.root;
        o.tables = own.table.n ? own.table.at : NULL;
        log_init(LOG_LEVEL_INFO);
        return monitor_run(&o) == 0 ? 0 : 1;
}
