/* SPDX-License-Identifier: Apache-2.0 */
/* session_keep.h - sessions over a restart of the sensor.  Floor 3.
 *
 * A file of its state directory names the sessions of logins that processes belong to, and these
 * processes.  It holds for one boot, so it is not synced; it has addresses in clear, and goes with
 * the next boot's first start. */
#ifndef INTEGRITY_SESSION_KEEP_H
#define INTEGRITY_SESSION_KEEP_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct sessions;

enum {
        SESSION_BOOT_LEN = 36, /* of /proc/sys/kernel/random/boot_id */
        SESSION_KEEP_MAX = 4 << 20,
};

/* The file's bytes; boot is SESSION_BOOT_LEN long.  Sessions that do not fit are left out. */
void sessions_put(struct sessions *s, struct span boot, struct buf *out);

/* Behind sessions_begin().  Processes that are not what they were, and what is known better by now,
 * are passed over.  -ESTALE: of another boot.  -EBADMSG: damaged; nothing was taken.  -ENOMEM. */
MUST_USE int sessions_take(struct sessions *s, struct span boot, struct span bytes,
                           struct err *err);

/* The file itself: "sessions" in dirfd.  Writing does nothing when nothing is new since the last
 * time, unless it is the last. */
MUST_USE int sessions_recall(struct sessions *s, int dirfd, struct err *err);
MUST_USE int sessions_keep(struct sessions *s, int dirfd, bool last, struct err *err);

#endif
