/* SPDX-License-Identifier: Apache-2.0 */
/* alert.h - unexplained changes folded into alerts: one act, one alert.  Floor 3, pure.
 *
 * An act is what one actor - one command of a session, of a service, of a login's program - does in
 * one profile for one cause without a long pause.  Its first change raises the alert; later ones
 * only count, until it has been quiet for ALERT_QUIET_S or has lasted ALERT_LONG_S:
 *
 *            alert.raised     alert.updated (worse, or ten times as many)   alert.updated (quiet)
 *   change ------------> OPEN ------------------------------------------> gone
 *                         ^ |
 *                         '-' change: counted, its path kept among the first
 *
 * Bounded: when ALERTS_MAX are open, the one that was quiet longest ends early.  The folding is not
 * kept over a restart: an alert that was open then has no last entry, and the changes found at
 * start are an act of their own.  That nobody has explained it yet is: late_past.h.
 *
 * Entries are those of wire/kind_table.c. */
#ifndef INTEGRITY_ALERT_H
#define INTEGRITY_ALERT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct alerts;
struct change;

enum {
        ALERTS_MAX = 128,
        ALERT_QUIET_S = 60,
        ALERT_LONG_S = 600,
        ALERT_KEY_MAX = 255,
        ALERT_PATHS_MAX = 32, /* the first ones are named */
        ALERT_PATH_BYTES = 512,
        ALERT_ID_MAX = 40,
};

enum alert_severity { ALERT_HIGH, ALERT_CRITICAL };

MUST_USE int alerts_new(struct alerts **ret, struct err *err);
struct alerts *alerts_free(struct alerts *a);
DEFINE_CLEANUP(struct alerts, alerts_free)

/* What an alert is raised for, besides the change. */
struct alert_cause {
        struct span actor;  /* who it is, as one text; longer than ALERT_KEY_MAX is cut */
        struct span cause;  /* what else has to be the same; may be empty */
        struct span detail; /* why nothing explains it, UTF-8; may be empty */
        const char *word;   /* what happened, where it is no change of a file; NULL: as it says */
        enum alert_severity severity;
        int64_t now_ns; /* monotonic */
};

/* An unexplained change.  out is cleared, and gets the entry that is now to be told; nothing when
 * it was counted.  ALERT_RAISED has an author, whose values go with it.  ret_id gets the alert's
 * id.  Call alerts_end() first, until it says false. */
enum alert_news { ALERT_COUNTED, ALERT_RAISED, ALERT_UPDATED };
enum alert_news alerts_add(struct alerts *a, const struct change *c,
                           const struct alert_cause *cause, struct buf *out,
                           char ret_id[ALERT_ID_MAX + 1]);

/* Ends one that is quiet, has lasted too long or has to make room; all of them when at_once. out is
 * cleared and gets its last entry, if there is one to tell: an alert of a single change needs none.
 * False: none is left to end. */
bool alerts_end(struct alerts *a, int64_t now_ns, int64_t wall_ns, bool at_once, struct buf *out);

/* What comes from now on is another act: this one was explained.  False: none of this id is open.
 */
bool alerts_close(struct alerts *a, const char *id);

size_t alerts_open(const struct alerts *a);

const char *alert_severity_name(enum alert_severity s);

#endif
