/* SPDX-License-Identifier: Apache-2.0 */
/* attempts.h - who tried to change what is denied.  Floor 3.
 *
 * A refused call leaves no notice of fanotify's.  Who tells of it, the first that this kernel lets
 * us have, taken at the start while there are rights to, and only where a profile denies:
 *
 *   ebpf    a program at the end of every system call (sys/attempt.h)
 *   audit   rules of the kernel's audit for the denied places (sys/audit.h)
 *
 * Else attempts are not seen, and the status says why.
 *
 * Inode flags that were changed (chattr(1)) make no notice either: the program tells of them, and
 * the file is looked at.
 *
 * A path is that of the file which the call was at, by whatever name (attempts_where.c); where
 * nobody could say which that was, the call's argument as it stood when the call had ended.
 *
 * Not seen in any case: what io_uring is asked to do, calls of 32-bit programs, a write through a
 * mapping (a signal, not an error).  By audit besides: writes and truncations of a file that was
 * open before it was denied, inode flags, and the name of what open(2) was to make or rename(2) was
 * to lead to. */
#ifndef INTEGRITY_ATTEMPTS_H
#define INTEGRITY_ATTEMPTS_H

#include "base/base.h"
#include "base/err.h"

struct attempts;
struct json_writer;
struct sensor;
struct watchset;

/* Before rights are given away.  no_ebpf: why that is not to be tried; NULL: it is.  Only memory
 * fails it. */
MUST_USE int attempts_open(const struct watchset *w, const char *no_ebpf, struct attempts **ret,
                           struct err *err);
struct attempts *attempts_free(struct attempts *a); /* NULL is fine */
DEFINE_CLEANUP(struct attempts, attempts_free)

/* The sensor's part; s->o.attempts is borrowed for its life. */
MUST_USE int attempts_start(struct sensor *s, struct err *err);
void attempts_stop(struct sensor *s);
/* What is watched has become something else. */
void attempts_watch(struct sensor *s);
/* Every few seconds: those that were not told one by one. */
MUST_USE int attempts_tick(struct sensor *s);
/* Member "attempts" of the status. */
void attempts_put_status(const struct sensor *s, struct json_writer *w);

#endif
