/* SPDX-License-Identifier: Apache-2.0 */
/* attempts.h - who tried to change what is denied.  Floor 3.
 *
 * A refused call leaves no notice of fanotify's.  Where the kernel lets us, an eBPF program tells
 * of it (sys/attempt.h); it is loaded at the start, while there are rights to, and only where a
 * profile denies, for it is at the end of every system call.  Else attempts are not seen, and the
 * status says why.
 *
 * Inode flags that were changed (chattr(1)) make no notice either: while the program is there, it
 * tells of them, and the file is looked at.
 *
 * Not seen in any case: what io_uring is asked to do, calls of 32-bit programs, a write through a
 * mapping (a signal, not an error).  A path is the call's argument as it stood when the call had
 * ended, put behind the directory it began at; links on the way are not followed. */
#ifndef INTEGRITY_ATTEMPTS_H
#define INTEGRITY_ATTEMPTS_H

#include "base/base.h"
#include "base/err.h"

struct attempts;
struct json_writer;
struct sensor;
struct watchset;

/* Before rights are given away.  Only memory fails it. */
MUST_USE int attempts_open(const struct watchset *w, struct attempts **ret, struct err *err);
struct attempts *attempts_free(struct attempts *a); /* NULL is fine */
DEFINE_CLEANUP(struct attempts, attempts_free)

/* The sensor's part; s->o.attempts is borrowed for its life. */
MUST_USE int attempts_start(struct sensor *s, struct err *err);
void attempts_stop(struct sensor *s);
/* Every few seconds: those that were not told one by one. */
MUST_USE int attempts_tick(struct sensor *s);
/* Member "attempts" of the status. */
void attempts_put_status(const struct sensor *s, struct json_writer *w);

#endif
