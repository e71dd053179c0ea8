/* SPDX-License-Identifier: Apache-2.0 */
/* account_line.h - lines of passwd(5), group(5) and shadow(5), as the C library takes them.  Floor
 * 2, pure.
 *
 * It is not as strict as the manuals: "evil::0:0" is an account with all rights and without a
 * password.  So these go by what the C library does (glibc, nss_files; the tests ask it): blanks
 * before a line are none of it, a NUL ends it, what is missing at its end is empty, the last field
 * has the rest with its colons, and a number may have blanks, zeros and a sign before it. */
#ifndef STATE_ACCOUNT_LINE_H
#define STATE_ACCOUNT_LINE_H

#include "base/base.h"

struct account_user {
        struct span name, password, comment, home, shell;
        uint32_t uid, gid;
};

struct account_group {
        struct span name, members;
        uint32_t gid;
};

enum account_days {
        DAYS_CHANGED,
        DAYS_MIN,
        DAYS_MAX_AGE,
        DAYS_WARN,
        DAYS_INACTIVE,
        DAYS_EXPIRES,
        ACCOUNT_DAYS
};

struct account_shadow {
        struct span name, password;
        int64_t days[ACCOUNT_DAYS]; /* -1: none */
};

/* NULL, or why it is none; "" for an empty line and a comment. */
MUST_USE const char *account_user(struct span line, struct account_user *ret);
MUST_USE const char *account_group(struct span line, struct account_group *ret);
MUST_USE const char *account_shadow(struct span line, struct account_shadow *ret);

/* The next member of a group; false: there are no more. */
bool account_member(struct span *members, struct span *ret);

/* A home without the slashes at either end; empty: the root.  A daemon's directory is the root, and
 * so what begins with no slash is below it, too. */
struct span account_home(struct span home);

#endif
