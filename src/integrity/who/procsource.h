/* SPDX-License-Identifier: Apache-2.0 */
/* procsource.h - what the cache of processes is fed from.  Floor 3.
 *
 *   ebpf        each fork, exec and exit, with who it is: nothing that runs is missed
 *   connector   the same without who; that is read from /proc, if it lives long enough
 *   proc        no events: /proc is read when somebody asks
 *
 * The best one that this kernel gives is taken, and proves itself with a process begun for it.  Why
 * the better ones were refused is kept, for status and entries. */
#ifndef INTEGRITY_PROCSOURCE_H
#define INTEGRITY_PROCSOURCE_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

#include <sys/types.h>

struct procs;
struct procsource;

enum procsource_kind { PROCSOURCE_EBPF, PROCSOURCE_CONNECTOR, PROCSOURCE_PROC };

const char *procsource_name(enum procsource_kind k);
/* -EINVAL: no such name. */
MUST_USE int procsource_by_name(const char *name, enum procsource_kind *ret);

/* best: the first to try.  Before rights are given away, and before there are threads: it forks.
 * The clock must be that of CLOCK_BOOTTIME.  Only memory fails it. */
MUST_USE int procsource_open(enum procsource_kind best, const struct clock *clock,
                             struct procsource **ret, struct err *err);
struct procsource *procsource_free(struct procsource *s); /* NULL is fine */
DEFINE_CLEANUP(struct procsource, procsource_free)

enum procsource_kind procsource_kind(const struct procsource *s);
/* "ebpf: <reason>; connector: <reason>" of those that were tried in vain; "": none. */
const char *procsource_refused(const struct procsource *s);
struct procs *procsource_procs(const struct procsource *s);
/* Readable when there is something to pull; -1: there never is.  What comes soon after that may
 * come without a word: pull again PROCSOURCE_AGAIN_MS later, until nothing has come. */
enum { PROCSOURCE_AGAIN_MS = 25 };
int procsource_fd(const struct procsource *s);

/* Read who is here already.  To be called once, after opening. */
void procsource_seed(struct procsource *s);
/* Take over all events that wait: afterwards the cache knows everything up to the call.  Did any
 * come? */
bool procsource_pull(struct procsource *s);
/* Every few seconds: forget the old, look for what losses have hidden. */
void procsource_tick(struct procsource *s);
/* Read the process from /proc, whole or but for its executable and place, into the cache.  pidfd
 * may be -1.  -ESRCH: it is gone. */
struct proc_info;
MUST_USE int procsource_look(struct procsource *s, pid_t pid, int pidfd, bool whole,
                             const struct proc_info **ret);

#endif
