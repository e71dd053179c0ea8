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

#define SESSION_KEEP_FILE "sessions"

bool sessions_are_of_this_boot(struct span bytes);
/* What the file holds, of this boot; 0 as well when it is of another. */
MUST_USE int sessions_recall(struct sessions *s, struct span bytes, struct err *err);
/* What is to be in it: 1; 0 when nothing is new since the last time, unless all is wanted. */
MUST_USE int sessions_keep(struct sessions *s, bool all, struct buf *out, struct err *err);
MUST_USE int sessions_write(int dirfd, struct span bytes, struct err *err);

#endif
