/* SPDX-License-Identifier: Apache-2.0 */
/* run.h - the sensor's process: configuration, rights, loop.  Floor 3. */
#ifndef INTEGRITY_RUN_H
#define INTEGRITY_RUN_H

#include "base/base.h"
#include "base/clock.h"
#include "integrity/sensor/sensor.h"
#include "integrity/trusted/pace.h"
#include "integrity/who/procsource.h"

struct sensor_run_options {
        const char *state;        /* holds sensor/ */
        const char *run;          /* has recorder.sock; for sensor.status */
        const char *config;       /* may have watch.yaml */
        const char *const *watch; /* paths, "!path" leaves out; ended by NULL.  NULL: as
                                     configured, else the defaults */
        enum procsource_kind who; /* the best source of authors to try */
        uint64_t deep_s;          /* all content is read again within; 0: a day */
        uint64_t poll_s;          /* where marks do not see everything; 0: 30 */
        struct pace_limits pace;  /* of scans */
        bool keep_user;
        enum sensor_past past;
        struct hash past_root;
        struct span past_entry;
        bool past_told, past_before;
        enum sensor_file sessions;
        bool ledger_whole, info_unsure;
        struct span told, info_past, contents_told; /* as in sensor.h */
        struct late_past *late_past;
        const struct clock *clock;
};

/* Until SIGTERM or SIGINT: 0.  Anything else has been said in the log: a negative errno. */
MUST_USE int sensor_run(const struct sensor_run_options *o);

#endif
