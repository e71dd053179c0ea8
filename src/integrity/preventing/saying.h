/* SPDX-License-Identifier: Apache-2.0 */
/* saying.h - how many notices of one sort are told one by one, of each user's.  Floor 3, pure.
 *
 * What was refused costs whoever tries it nothing, and an entry is an entry: so there are some of
 * each user's in a while, and the rest is counted.  Users share lanes, by their numbers; root has
 * one of his own, in which nobody else's stand before his. */
#ifndef INTEGRITY_SAYING_H
#define INTEGRITY_SAYING_H

#include "base/base.h"

#include <sys/types.h>

struct procsource;

enum {
        SAYING_S = 10,
        SAYING_ROOT = 200, /* in SAYING_S, of root's, and of those of whom nobody knows */
        SAYING_USERS = 50, /* of those in one lane */
        SAYING_LANES = 16,
};

struct saying {
        int64_t since_ns; /* monotonic; zeros at first */
        unsigned said[SAYING_LANES];
};

/* One more of this user's: is it told by itself? */
bool saying_may(struct saying *s, uint32_t uid, int64_t now_ns);
/* Is the while over?  Then another one may begin. */
bool saying_is_over(const struct saying *s, int64_t now_ns);
void saying_anew(struct saying *s, int64_t now_ns);

/* The real user of a process, which may have ended, as far as the cache knows him: whoever runs a
 * set-uid program is who he is.  0: root, or not known. */
uint32_t saying_user(struct procsource *processes, pid_t pid);

#endif
