/* SPDX-License-Identifier: Apache-2.0 */
/* uplink.h - assay-uplink: alerts of this host to where people see them.  Floor 3.
 *
 *   ledger's files --> courier, one a sink --> journal, syslog, a program, mail
 *                          |    ^
 *                  reports |    | what is durable
 *                          v    |
 *                         uplink --> recorder: which sink is down, up again, has refused or missed
 *
 * As root it reads deliver.yaml through assay-job and starts the couriers (and, for a program, the
 * process that runs it as nobody); then it gives its rights away, and a courier that dies takes the
 * whole down with it, to be started again.  Every courier goes on where its cursor is. */
#ifndef FLEET_UPLINK_H
#define FLEET_UPLINK_H

#include "base/base.h"
#include "base/clock.h"

#include <sys/types.h>

enum { UPLINK_AGAIN = 75 }; /* ended to be started again: deliver.yaml is to be read anew */

struct uplink_options {
        const char *state;  /* holds ledger/; uplink/ in it is ours */
        const char *run;    /* recorder.sock, uplink.status */
        const char *config; /* may have deliver.yaml */
        const char *host;
        uid_t as; /* 0: the service user */
        bool keep_user;
        const struct clock *clock;
};

/* 0 after SIGTERM or SIGINT, UPLINK_AGAIN after SIGHUP; anything else has been said in the log. */
MUST_USE int uplink_run(const struct uplink_options *o);

#endif
