/* SPDX-License-Identifier: Apache-2.0 */
/* acl.h - POSIX access control lists as the kernel shows them in the extended attributes
 * system.posix_acl_access and system.posix_acl_default.  Floor 1, pure.
 *
 * Little-endian (include/uapi/linux/posix_acl_xattr.h):
 *
 *   off len
 *    0   4  version, 2
 *    then entries of 8 bytes until the end:
 *    0   2  tag: 1 owner, 2 user, 4 owning group, 8 group, 16 mask, 32 others
 *    2   2  permissions: 4 read, 2 write, 1 execute
 *    4   4  id of a user or group; meaningless for the other tags
 *
 * SECURITY: the bytes come from files that anybody may own. */
#ifndef WIRE_ACL_H
#define WIRE_ACL_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum { ACL_HEADER = 4, ACL_ENTRY = 8 };

/* How many entries a value of n bytes has. */
static inline size_t acl_entries(size_t n)
{
        return n < ACL_HEADER ? 0 : (n - ACL_HEADER) / ACL_ENTRY;
}

/* Appends the entries in their order as acl_to_text(3) names them, numbers for names, commas
 * between: "user::rw-,user:1000:rw-,group::r--,mask::rw-,other::r--".  -EBADMSG and where; out has
 * then what it had. */
MUST_USE int acl_put_text(struct span value, struct buf *out, struct err *err);

#endif
