/* SPDX-License-Identifier: Apache-2.0 */
/* audit_event.h - refused calls, put together from records of the kernel's audit.  Floor 1, pure.
 *
 * One call makes several records, each a message of its own, that begin with the same time and
 * serial number and end with AUDIT_EOE; those of other calls stand in between:
 *
 *   1300  audit(1795695700.871:187116): arch=c000003e syscall=87 success=no exit=-1 a0=.. a3=..
 *         items=2 ppid=.. pid=27527 auid=.. ... comm="python3" exe=".." key=".."
 *   1337  audit(...): oflag=01 mode=00 resolve=0x0                               of openat2(2)
 *   1307  audit(...): cwd="/root"
 *   1302  audit(...): item=0 name="den/" inode=13181496 dev=fe:00 ... nametype=PARENT ...
 *   1302  audit(...): item=1 name=64656E2F776520697264 inode=.. dev=fe:00 ... nametype=DELETE ...
 *   1320  audit(...):
 *
 * (kernel/auditsc.c, audit_log_exit().)  Numbers are decimal but arch, a0-a3, dev (hexadecimal) and
 * oflag (octal).  A name is in quotes, or in upper-case hexadecimal digits where it has a blank, a
 * quote or a byte that is not printable ASCII, or (null).
 *
 * What they do not say: at which descriptor a relative name begins (a PARENT has the working
 * directory's name then, though its own inode); the name that a call wanted to make by open(2), and
 * the second of rename(2).  So where there is an inode, that is what is meant.
 *
 * Any record can be lost or late.  At most AUDIT_EVENTS_OPEN calls wait for their end; one more, or
 * the end of its time, ends the oldest with what there is of it.
 *
 * SECURITY: names are any bytes a process likes; what the kernel writes around them it does not
 * choose.  Nothing is trusted: a record that is not of this form is counted and left. */
#ifndef SYS_AUDIT_EVENT_H
#define SYS_AUDIT_EVENT_H

#include "base/base.h"
#include "base/err.h"
#include "sys/attempt.h"

enum {
        AUDIT_EVENTS_OPEN = 64,
        AUDIT_EVENT_ITEMS = 8,
        AUDIT_EVENT_BYTES = 40960, /* of one call's names */
        AUDIT_EVENT_WAIT_MS = 2000,
};

struct audit_events;

MUST_USE int audit_events_new(struct audit_events **ret, struct err *err);
struct audit_events *audit_events_free(struct audit_events *e); /* NULL is fine */
DEFINE_CLEANUP(struct audit_events, audit_events_free)

/* path is empty where only a->file and a->dir say what it was; else absolute.  a->incomplete: its
 * last name is missing, or a record.  Negative: stop, and return it. */
typedef int audit_attempt_fn(void *ctx, const struct attempt *a, struct span path);

/* One record; tells of the calls that it ends.  -ENOMEM, or what each returned. */
MUST_USE int audit_events_take(struct audit_events *e, unsigned type, struct span text,
                               int64_t now_ns, audit_attempt_fn *each, void *ctx);
/* Those that have waited too long. */
MUST_USE int audit_events_expire(struct audit_events *e, int64_t now_ns, audit_attempt_fn *each,
                                 void *ctx);
/* Records that were no such thing, and refused calls of which none of the names came. */
uint64_t audit_events_lost(const struct audit_events *e);

#endif
