/* SPDX-License-Identifier: Apache-2.0 */
/* uplink_priv.h - what the files of assay-uplink share.  Floor 3.
 *
 *   uplink.c           coming up, going down
 *   uplink_places.c    its directories, which a user without rights owns
 *   uplink_couriers.c  the processes of the sinks, and what they say
 *   uplink_tell.c      what the ledger shall have, and the status file */
#ifndef FLEET_UPLINK_PRIV_H
#define FLEET_UPLINK_PRIV_H

#include "base/buf.h"
#include "crypto/sha256.h"
#include "fleet/deliver_config.h"
#include "fleet/uplink.h"
#include "ledger/feed/feed.h"
#include "loop/loop.h"
#include "loop/notify.h"
#include "loop/presence.h"

#include <limits.h>

enum {
        SINK_SAID_MAX = 3072, /* of one sink, in the status file */
        OWN = DELIVER_SINKS_MAX,
};

/* Something that the ledger shall have; one at a time from each. */
struct tell {
        bool active, put;
        uint64_t id;  /* the courier's name for it */
        uint64_t seq; /* once it was put */
        struct buf kind, what;
};

struct served {
        struct uplink *u;
        const struct deliver_sink *config;
        char own[PATH_MAX];
        pid_t courier, runner; /* 0: none */
        int fd;                /* to the courier */
        struct loop_source *source;
        struct buf said; /* its last word on how it fares */
        bool heard;      /* that is its own, so it has its place in the ledger */
};

struct uplink {
        const struct uplink_options *o;
        struct deliver_config config;
        char file[PATH_MAX], own[PATH_MAX], socket[PATH_MAX];
        char refused[ERR_TEXT_MAX];    /* what is wrong with the file; "": nothing */
        char mark[2 * SHA256_LEN + 1]; /* of the configuration, for the file `told` */
        gid_t group; /* who may read the ledger; 0: not known, then it has to be anybody */
        int own_fd;
        struct served sinks[DELIVER_SINKS_MAX];
        struct tell tell[DELIVER_SINKS_MAX + 1]; /* each sink's, and ours */
        struct loop *loop;
        struct feed *feed;
        struct loop_source *feed_source, *tick, *status;
        bool status_due;
        bool ready;               /* and has said so */
        int64_t begun_ns;         /* monotonic */
        int64_t status_ns;        /* when it was said last, monotonic */
        struct loop_sender asked; /* whose signal ends it */
        struct notify notify;
        struct presence presence;
        struct sandbox_state sandbox;
};

/* ---- uplink_places.c ---- */

/* <state>/uplink and a directory in it for each sink, theirs whom we become.  While we are root. */
MUST_USE int places_make(struct uplink *u, struct err *err);

/* ---- uplink_couriers.c ---- */

MUST_USE int couriers_start(struct uplink *u, struct err *err);
MUST_USE int couriers_listen(struct uplink *u, struct err *err);
/* A delivery that has begun may end; one that does not is made again later. */
void couriers_stop(struct uplink *u);

/* ---- uplink_tell.c ---- */

MUST_USE int tell_open(struct uplink *u, struct err *err);
/* Begin with what is delivered where, told once and when it changes. */
void tell_begin(struct uplink *u);
/* The one thing that a sink (by its number) has to say, until it is durable. */
void tell_of(struct uplink *u, size_t i, uint64_t id, struct span kind, struct span what);
void tell_done(struct uplink *u);
/* Says that we are there once every sink has its place in the ledger. */
void tell_ready(struct uplink *u);
/* The status file is written soon. */
void tell_status_soon(struct uplink *u);

#endif
