/* SPDX-License-Identifier: Apache-2.0 */
/* logins.h - the records of utmp(5): who is logged in, and from where.  Floor 1.
 *
 * The layout is the C library's struct utmp.  A record is what a login program said, so it is a
 * weaker witness than a socket; the name of the host in it is text of anybody's and is not read.
 *
 * SECURITY: the file is written by every program of group utmp. */
#ifndef SYS_LOGINS_H
#define SYS_LOGINS_H

#include "base/base.h"
#include "base/err.h"
#include "sys/sockdiag.h"

enum {
        LOGINS_LINE_MAX = 32,
        LOGINS_USER_MAX = 32,
        LOGINS_MAX = 16384, /* records read of one file */
};

struct login_record {
        int32_t pid;    /* of the login program, above 0 */
        int64_t sec;    /* since 1970 */
        uint8_t line_n; /* bytes of line, "pts/3"; no NUL in it */
        uint8_t line[LOGINS_LINE_MAX];
        uint8_t user_n; /* bytes of user; no NUL in it */
        uint8_t user[LOGINS_USER_MAX];
        struct sock_addr addr; /* without a port; family 0: none, a local login */
};

/* Bytes of a record. */
size_t logins_record_size(void);

/* One record: 1 and *ret when somebody logged in by it, 0 when it is of another type, -EBADMSG for
 * one that cannot be.  n is logins_record_size().  Pure. */
MUST_USE int logins_decode(const uint8_t *p, size_t n, struct login_record *ret);

/* false: enough. */
typedef bool logins_fn(void *ctx, const struct login_record *r);

/* Every login in a file such as /run/utmp, in its order; records that cannot be are passed over.
 * -ENOENT: no such file, which is how hosts without it look. */
MUST_USE int logins_each(const char *path, logins_fn *fn, void *ctx, struct err *err);

#endif
