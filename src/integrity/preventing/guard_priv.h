/* SPDX-License-Identifier: Apache-2.0 */
/* guard_priv.h - the parts of execution control to each other.  Floor 3.
 *
 *   guard.c        processes, table, marks
 *   guard_known.c  contents that became known by an explained change
 *   guard_say.c    entries and status */
#ifndef INTEGRITY_GUARD_PRIV_H
#define INTEGRITY_GUARD_PRIV_H

#include "integrity/preventing/guard.h"
#include "integrity/preventing/guard_notice.h"
#include "integrity/sensor/sensor_priv.h"

#include <limits.h>
#include <sys/types.h>

enum guard_state { GUARD_OFF, GUARD_FILES, GUARD_MARKS, GUARD_UP, GUARD_WAIT };

enum {
        GUARD_NODES = 2048, /* looked at in one turn */
        GUARD_KNOWN_MAX = 65536,
        GUARD_SAY_BURST = 200, /* entries of executions in GUARD_SAY_S; the rest is counted */
        GUARD_SAY_S = 10,
        GUARD_WHY_MAX = 128,
};

struct guard {
        enum guard_state state;
        struct guard_shared *shared;
        int table_fd, sock, known_fd;
        pid_t handler, watchdog; /* 0: none */
        int handler_fd, watchdog_fd;
        struct loop_source *handler_source, *sock_source, *timer;
        char program[PATH_MAX];

        struct buf cursor, path;
        bool fresh;        /* the pair began and is not up yet */
        bool again;        /* the walk is to be made once more */
        int64_t began_ns;  /* monotonic, of the pair; also when the next one is due */
        int64_t lapsed_ns; /* wall; 0: nothing lapsed */
        unsigned failures; /* in a row */
        uint64_t dirs, no_room, unmarked;
        char why[GUARD_WHY_MAX]; /* why it is not up */

        uint8_t (*known)[RECORD_HASH];
        size_t n_known, max_known;

        int64_t say_since_ns;
        unsigned said;
        uint64_t unsaid;
};

/* ---- guard_known.c ---- */

MUST_USE int guard_known_open(struct sensor *s, struct err *err);
bool guard_is_known(const struct guard *g, const uint8_t sha256[RECORD_HASH]);
void guard_know(struct sensor *s, const uint8_t sha256[RECORD_HASH]);

/* ---- guard_say.c ---- */

/* integrity.guard; from_ns, until_ns 0: none. */
MUST_USE int guard_say(struct sensor *s, const char *event, const char *reason, int64_t from_ns,
                       int64_t until_ns);
/* integrity.execution */
MUST_USE int guard_say_execution(struct sensor *s, const struct guard_notice *x);
MUST_USE int guard_say_rest(struct sensor *s);

#endif
