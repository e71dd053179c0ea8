/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sensor - sees every change to what this host watches.  Options only; the work is in
 * integrity/. */
#include "bin/daemon.h"
#include "integrity/sensor/run.h"
#include "loop/log.h"
#include "sys/sysclock.h"

#include <stdio.h>

struct options {
        const char *config;
        const char *who;
        struct option_texts watch;
        struct option_u64 deep, rate;
};

static const struct option_spec specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct options, config), "DIR",
          "may have watch.yaml (/etc/assay)" },
        { "deep", 0, OPTION_U64, offsetof(struct options, deep), "SECONDS",
          "read all content again within, where no profile says otherwise (86400)" },
        { "rate", 0, OPTION_U64, offsetof(struct options, rate), "BYTES",
          "read at most so many bytes a second while scanning (no limit)" },
        { "watch", 'w', OPTION_TEXTS, offsetof(struct options, watch), "PATH",
          "watch this instead of what is configured; \"!PATH\" leaves out; repeatable" },
        { "who", 0, OPTION_TEXT, offsetof(struct options, who), "SOURCE",
          "learn authors by ebpf, connector or proc at best (ebpf)" },
        { 0 },
};

int main(int argc, char **argv)
{
        struct options own = { .config = "/etc/assay", .who = "ebpf" };
        struct sensor_run_options o = { .clock = &sysclock };
        struct daemon_options d;
        int status;

        if (!daemon_options("assay-sensor", argc, argv, (struct option_set){ specs, &own }, &d,
                            &status))
                return status;
        o.state = d.state;
        o.run = d.run;
        o.keep_user = d.keep_user;
        o.config = own.config;
        o.watch = own.watch.n ? own.watch.at : NULL;
        o.deep_s = own.deep.value;
        o.pace.bytes_per_s = own.rate.value;
        log_init(LOG_LEVEL_INFO);
        if (procsource_by_name(own.who, &o.who) < 0) {
                fprintf(stderr, "assay-sensor: --who %s: not ebpf, connector or proc\n", own.who);
                return 2;
        }
        return sensor_run(&o) == 0 ? 0 : 1;
}
