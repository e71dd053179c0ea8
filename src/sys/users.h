/* SPDX-License-Identifier: Apache-2.0 */
/* users.h - names of users and groups through the C library's name service.  Floor 1.
 *
 * The name service loads plug-ins and may ask a network: never in a sealed process, and not in a
 * handler of the loop. */
#ifndef SYS_USERS_H
#define SYS_USERS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* -ENOENT: no such user.  ret_gid may be NULL. */
MUST_USE int users_find(const char *name, uid_t *ret_uid, gid_t *ret_gid);
MUST_USE int users_find_group(const char *name, gid_t *ret);

/* Append the name, any bytes but NUL.  -ENOENT: none. */
MUST_USE int users_put_name(struct buf *b, uid_t uid);
MUST_USE int users_put_group(struct buf *b, gid_t gid);

/* A system user and a group of the same name, without login, password or home: nothing is done when
 * it exists.  Runs useradd(8); needs root.  -ENOENT: no useradd here. */
MUST_USE int users_create(const char *name, struct err *err);

#endif
