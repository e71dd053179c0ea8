/* SPDX-License-Identifier: Apache-2.0 */
/* audit.h - the kernel's audit: rules of our own, and the records it hands to who listens.
 * Floor 1, over netlink (linux/audit.h; audit-netlink(7) does not exist, kernel/audit.c does).
 *
 * We listen in the multicast group, as journald does: an audit daemon keeps its own connection and
 * loses nothing by us.  It writes what our rules make into its log, under the key AUDIT_OUR_KEY.
 * Where there is no such daemon the kernel prints some of it as well, ten lines in five seconds.
 *
 * Where auditing was off (and nobody's daemon is there) it is turned on, and off again at the end.
 * The kernel does not look at processes that were begun before it was on for the first time.
 *
 * Rules that a killed process of ours has left are known by their key and taken away at the next
 * start. */
#ifndef SYS_AUDIT_H
#define SYS_AUDIT_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <linux/audit.h>

#if defined(__x86_64__)
#define AUDIT_NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define AUDIT_NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#define AUDIT_NATIVE_ARCH 0 /* nothing is told */
#endif

#define AUDIT_OUR_KEY "assay-denied"

enum {
        AUDIT_PLACES_MAX = 16, /* more: the whole machine, because each rule costs each call */
        AUDIT_RULES_A_PLACE = 3,
        AUDIT_RULE_MAX = 1040 + 4096 + 64, /* bytes of one */
        AUDIT_RECORD_MAX = 16 * 1024,
};

/* Where refused calls are to be told of: absolute paths of directories, and of files, which need
 * not be there. */
struct audit_places {
        struct span at[AUDIT_PLACES_MAX];
        size_t n; /* 0: everywhere */
};

struct audit;

/* Needs CAP_AUDIT_CONTROL, CAP_AUDIT_READ, the host's own namespaces.  A rule must be told of once
 * it is added, or this fails.  The error's text is the reason, for people.  places is not kept. */
MUST_USE int audit_open(const struct audit_places *places, struct audit **ret, struct err *err);
struct audit *audit_free(struct audit *a); /* takes our rules away; NULL is fine */
DEFINE_CLEANUP(struct audit, audit_free)

/* Rules for these places instead.  Needs CAP_AUDIT_CONTROL. */
MUST_USE int audit_watch(struct audit *a, const struct audit_places *places, struct err *err);
/* Every few seconds: when somebody has changed the audit's configuration, or a place was not there,
 * see that it is on and that our rules are there.  Failing: attempts are not told of, and why. */
MUST_USE int audit_keep(struct audit *a, struct err *err);

int audit_fd(const struct audit *a);
/* Pass on records that wait, some hundreds at most; text without what the kernel puts behind. */
typedef int audit_record_fn(void *ctx, unsigned type, struct span text);
MUST_USE int audit_read(struct audit *a, audit_record_fn *each, void *ctx);
/* Moments at which there was no room for more of them here, and records that the kernel says it
 * had lost since we began when audit_keep() last asked, on their way to us or to an audit daemon.
 */
uint64_t audit_lost(const struct audit *a);
/* Was auditing off before, so that older processes are not looked at? */
bool audit_was_off(const struct audit *a);

/* The which-th rule for a place (SPAN_NONE: everywhere), as it is sent: linux/audit.h, struct
 * audit_rule_data.  without: calls of this process are not told of.  Pure. */
void audit_put_rule(struct buf *b, unsigned which, struct span place, bool is_dir,
                    uint32_t without);
/* Has the rule our key? */
bool audit_is_ours(struct span rule);

#endif
