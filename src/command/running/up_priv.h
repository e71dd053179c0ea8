/* SPDX-License-Identifier: Apache-2.0 */
/* up_priv.h - an assay up that runs; shared by cmd_up.c and up_show.c. */
#ifndef COMMAND_RUNNING_UP_PRIV_H
#define COMMAND_RUNNING_UP_PRIV_H

#include "command/places.h"
#include "command/running/supervise.h"
#include "command/running/up_places.h"
#include "wire/json.h"

enum up_state { UP_RECORDER, UP_SENSOR, UP_UP, UP_WRITERS_STOP, UP_RECORDER_STOPS };

/* Those that write to the recorder; the sensor is the first.  The uplink begins with it, so that
 * nothing it raises comes too early to be delivered. */
enum { SENSOR, UPLINK, MONITOR, KEYS, GATEWAY, WRITERS };

struct up {
        const struct invocation *in;
        enum up_state state;
        struct loop *loop;
        struct up_users users;
        char uplink_id[16], gateway_id[16];
        char registry[PLACES_PATH_MAX]; /* registry.yaml: with it there are keys to fetch ... */
        char gateway_conf[PLACES_PATH_MAX],
                gateway_prefix[PLACES_PATH_MAX]; /* ... and, with this
                                                    one, APIs to serve */
        struct child recorder, writer[WRITERS];
        bool begun[WRITERS]; /* once */
        struct child *children[1 + WRITERS];
        struct supervisor supervisor;
        struct loop_source *look;
        char recorder_path[PLACES_PATH_MAX], writer_path[WRITERS][PLACES_PATH_MAX];
        int run_fd;
        bool others;      /* were started */
        int64_t begun_ns; /* the sensor */
        enum status result;
};

/* Up: where the ledger is, who runs as whom, what to type next. */
void up_show_start(const struct up *u);
/* The sensor has begun: what it said of itself. */
void up_show_watching(const struct up *u, struct json_value state);
/* This writer begins, later than the others. */
void up_show_begun(const struct up *u, size_t writer);

#endif
