/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sensor - sees every change to what this host watches.  Options only; the work is in
 * integrity/. */
#include "integrity/run.h"
#include "loop/log.h"
#include "sys/sysclock.h"

#include <getopt.h>
#include <stdio.h>

enum { WATCH_MAX = 256 };

static void usage(FILE *f)
{
        fputs("usage: assay-sensor [--state DIR] [--run DIR] [--config DIR] [--watch PATH]...\n"
              "                    [--keep-user]\n"
              "Started by \"assay up\" or by systemd; see assay-sensor(8).\n",
              f);
}

int main(int argc, char **argv)
{
        static const struct option options[] = {
                { "state", required_argument, NULL, 's' },
                { "run", required_argument, NULL, 'r' },
                { "config", required_argument, NULL, 'c' },
                { "watch", required_argument, NULL, 'w' },
                { "keep-user", no_argument, NULL, 'k' },
                { "help", no_argument, NULL, 'H' },
                { "version", no_argument, NULL, 'V' },
                { NULL, 0, NULL, 0 },
        };
        struct sensor_run_options o = { .state = "/var/lib/assay",
                                        .run = "/run/assay",
                                        .config = "/etc/assay",
                                        .clock = &sysclock };
        const char *watch[WATCH_MAX + 1] = { NULL };
        size_t n = 0;
        int c;

        while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (c) {
                case 's':
                        o.state = optarg;
                        break;
                case 'r':
                        o.run = optarg;
                        break;
                case 'c':
                        o.config = optarg;
                        break;
                case 'w':
                        if (n == WATCH_MAX) {
                                fprintf(stderr, "assay-sensor: more than %d --watch\n", WATCH_MAX);
                                return 2;
                        }
                        watch[n++] = optarg;
                        o.watch = watch;
                        break;
                case 'k':
                        o.keep_user = true;
                        break;
                case 'H':
                        usage(stdout);
                        return 0;
                case 'V':
                        puts("assay-sensor " ASSAY_VERSION);
                        return 0;
                default:
                        usage(stderr);
                        return 2;
                }
        }
        if (optind != argc) {
                fprintf(stderr, "assay-sensor: unexpected argument \"%s\"\n", argv[optind]);
                return 2;
        }
        log_init(LOG_LEVEL_INFO);
        return sensor_run(&o) == 0 ? 0 : 1;
}
