/* SPDX-License-Identifier: Apache-2.0 */
/* assay-recorder - writes this host's ledger.  Options only; the work is in recorder/. */
#include "loop/log.h"
#include "recorder/command.h"
#include "recorder/recorder.h"
#include "sys/sysclock.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void usage(FILE *f)
{
        fputs("usage: assay-recorder [--state DIR] [--run DIR] [--host NAME] [--origin NAME]\n"
              "                      [--keep-user]\n"
              "Started by \"assay up\" or by systemd; see assay-recorder(8).\n",
              f);
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "state", required_argument, NULL, 's' },
                { "run", required_argument, NULL, 'r' },
                { "host", required_argument, NULL, 'h' },
                { "origin", required_argument, NULL, 'o' },
                { "keep-user", no_argument, NULL, 'k' },
                { "help", no_argument, NULL, 'H' },
                { "version", no_argument, NULL, 'V' },
                { NULL, 0, NULL, 0 },
        };
        struct recorder_options o = { .state = "/var/lib/assay",
                                      .run = "/run/assay",
                                      .clock = &sysclock };
        char host[65] = "";
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 's':
                        o.state = optarg;
                        break;
                case 'r':
                        o.run = optarg;
                        break;
                case 'h':
                        o.host = optarg;
                        break;
                case 'o':
                        o.origin = optarg;
                        break;
                case 'k':
                        o.keep_user = true;
                        break;
                case 'H':
                        usage(stdout);
                        return 0;
                case 'V':
                        puts("assay-recorder " ASSAY_VERSION);
                        return 0;
                default:
                        usage(stderr);
                        return 2;
                }
        }
        if (optind != argc) {
                fprintf(stderr, "assay-recorder: unexpected argument \"%s\"\n", argv[optind]);
                return 2;
        }
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
