/* SPDX-License-Identifier: Apache-2.0 */
/* assay-recorder - writes this host's ledger.  Options only; the work is in recorder/. */
#include "bin/daemon.h"
#include "loop/log.h"
#include "recorder/command.h"
#include "recorder/recorder.h"
#include "sys/sysclock.h"

#include <stdio.h>
#include <unistd.h>

static const struct option_spec specs[] = {
        { "host", 0, OPTION_TEXT, offsetof(struct recorder_options, host), "NAME",
          "of this host in the entries; by default what the kernel calls it" },
        { "origin", 0, OPTION_TEXT, offsetof(struct recorder_options, origin), "NAME",
          "of a ledger that is made now: a URL without its scheme" },
        { 0 },
};

int main(int argc, char **argv)
{
        struct recorder_options o = { .clock = &sysclock };
        struct daemon_options d;
        char host[65] = "";
        int status;

        if (!daemon_options("assay-recorder", argc, argv, (struct option_set){ specs, &o }, &d,
                            &status))
                return status;
        o.state = d.state;
        o.run = d.run;
        o.keep_user = d.keep_user;
        if (!o.host) {
                if (gethostname(host, sizeof host - 1) < 0) {
                        perror("assay-recorder: gethostname");
                        return 3;
                }
                o.host = host;
        }
        log_init(LOG_LEVEL_INFO);
        switch (recorder_run(&o)) {
        case 0:
                return 0;
        case 1:
                return RECORDER_SUCCEEDED;
        default:
                return 1;
        }
}
