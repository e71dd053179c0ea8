/* SPDX-License-Identifier: Apache-2.0 */
/* daemon.h - command lines of the processes that "assay up" and systemd start.  Floor 4. */
#ifndef BIN_DAEMON_H
#define BIN_DAEMON_H

#include "command/places.h"
#include "loop/options.h"

/* What each of them takes. */
struct daemon_options {
        const char *state, *run;
        bool keep_user;
};

/* First, so that nothing else has been opened yet: begin the program (sys/program.h).  Then fill
 * ret, which gets its defaults here, and own's target.  true: go on.  false: end with
 * *ret_status; --help, --version or what is wrong has been printed. */
MUST_USE bool daemon_options(const char *name, int argc, char **argv, struct option_set own,
                             struct daemon_options *ret, int *ret_status);

#endif
