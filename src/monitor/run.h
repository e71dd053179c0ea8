/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - the life of the process assay-monitor.  Floor 3. */
#ifndef MONITOR_RUN_H
#define MONITOR_RUN_H

#include "base/clock.h"

#include <stdbool.h>

struct monitor_run_options {
        const struct clock *clock;
        const char *state, *run;   /* directories */
        const char *config;        /* directory */
        const char *root;          /* before the paths of all sources; "" */
        const char *const *tables; /* ended by NULL; NULL: all */
        bool keep_user;
};

/* Until SIGTERM or SIGINT; SIGHUP: monitor_reload().  0, or a negative errno, logged. */
int monitor_run(const struct monitor_run_options *o);

#endif
