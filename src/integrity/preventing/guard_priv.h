/* SPDX-License-Identifier: Apache-2.0 */
/* guard_priv.h - the parts of execution control to each other.  Floor 3.
 *
 *   guard.c        the two processes, and what is to be done next
 *   guard_mark.c   which files are known, and what is asked about
 *   guard_hear.c   what the handler tells
 *   guard_ran.c    what was executed while nobody was asked
 *   guard_known.c  contents that became known by an explained change
 *   guard_say.c    entries and status */
#ifndef INTEGRITY_GUARD_PRIV_H
#define INTEGRITY_GUARD_PRIV_H

#include "integrity/preventing/guard.h"
#include "integrity/preventing/guard_notice.h"
#include "integrity/preventing/saying.h"
#include "integrity/sensor/sensor_priv.h"

#include <limits.h>
#include <sys/types.h>

enum guard_state { GUARD_OFF, GUARD_FILES, GUARD_MARKS, GUARD_UP, GUARD_WAIT };

enum {
        GUARD_NODES = 2048, /* looked at in one turn */
        GUARD_KNOWN_MAX = 65536,
        GUARD_WHY_MAX = 128,
        GUARD_FS_MAX = 64,       /* filesystems marked as a whole */
        GUARD_ENTERED_MS = 2000, /* since when a directory without a mark may have been used */
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
        bool filled;       /* the table has all files */
        bool full;         /* it has no room for more */
        bool placed;       /* the handler was told of filesystems and bases */
        bool useful;       /* one was ready, in this sensor's life */
        bool fresh;        /* the pair began and is not up yet */
        bool again;        /* the walk is to be made once more */
        int64_t began_ns;  /* monotonic, of the pair; also when the next one is due */
        int64_t lapsed_ns; /* wall; 0: nothing lapsed */
        int64_t ready_ns;  /* wall, when filesystems and bases counted; 0: they do not yet */
        int64_t up_ns;     /* monotonic */
        int64_t cleared_ns;
        unsigned failures; /* in a row */
        uint64_t dirs, no_room, unmarked;
        char why[GUARD_WHY_MAX]; /* why it is not up */

        uint64_t fs[GUARD_FS_MAX], no_fs; /* no_fs: that could not be marked */
        size_t n_fs;
        char no_fs_why[GUARD_WHY_MAX];
        struct guard_order order;

        int64_t ran_ns; /* monotonic: what was executed since then is to be looked at; 0: nothing */

        uint8_t (*known)[RECORD_HASH];
        size_t n_known, max_known, n_kept; /* in the file */

        struct saying saying;
        uint64_t unsaid;
};

/* All that the handler is to know once more; it goes on with what it knows. */
void guard_say_anew(struct guard *g);

/* ---- guard_mark.c ---- */

enum guard_verdict guard_verdict_of(const struct guard *g, const struct table_node *n,
                                    const struct record *r);
void guard_put_file(struct guard *g, const struct guard_file *f, enum guard_verdict v,
                    uint64_t place);
void guard_note_file(struct sensor *s, const struct table_node *n, const struct record *r);
/* NULL: any file may be executed there.  Leaves the node's path in path. */
const struct watch_profile *guard_profile_of(struct sensor *s, const struct table_node *n,
                                             struct buf *path);
/* -EAGAIN: the handler has orders enough; the same again later. */
MUST_USE int guard_note_node(struct sensor *s, struct table_node *n);
MUST_USE int guard_say_places(struct sensor *s);

/* ---- guard_hear.c ---- */

void guard_on_notices(void *ctx, unsigned events);
/* Is there room for one more entry of an execution?  If not, it was counted. */
bool guard_may_say(struct sensor *s, pid_t pid);

/* ---- guard_ran.c ---- */

/* Executions may have gone unasked since this moment, monotonic. */
void guard_ran_since(struct sensor *s, int64_t from_ns);
MUST_USE int guard_ran_work(struct sensor *s);

/* ---- guard_known.c ---- */

MUST_USE int guard_known_open(struct sensor *s, struct err *err);
bool guard_is_known(const struct guard *g, const uint8_t sha256[RECORD_HASH]);
void guard_know(struct sensor *s, const uint8_t sha256[RECORD_HASH]);
/* Into the file, once their entries are on their way. */
void guard_known_keep(struct sensor *s);

/* ---- guard_say.c ---- */

/* integrity.guard; from_ns, until_ns 0: none. */
MUST_USE int guard_say(struct sensor *s, const char *event, const char *reason, int64_t from_ns,
                       int64_t until_ns);
/* integrity.execution */
struct guard_execution {
        const char *decision, *reason;
        const char *alert; /* NULL: none */
        struct span path;
        pid_t pid;
        int64_t since_ns; /* monotonic, since when it is this process; 0: it is now */
        bool ended;
        const struct table_node *node; /* its content is what was executed; NULL: not known */
};
MUST_USE int guard_say_execution(struct sensor *s, const struct guard_execution *x);
/* What the handler tells of. */
MUST_USE int guard_say_asked(struct sensor *s, const struct guard_notice *x);
MUST_USE int guard_say_rest(struct sensor *s);

#endif
