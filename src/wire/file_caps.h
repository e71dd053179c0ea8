/* SPDX-License-Identifier: Apache-2.0 */
/* file_caps.h - capabilities of an executable as the kernel shows them in the extended attribute
 * security.capability.  Floor 1, pure.
 *
 * Little-endian (struct vfs_ns_cap_data, include/uapi/linux/capability.h):
 *
 *   off len
 *    0   4  revision << 24 | 1 when what is gained is effective at once
 *    4   8  permitted, inheritable: capabilities 0 to 31
 *   12   8  the same for 32 to 63; from revision 2 on
 *   20   4  root of the user namespace they hold in; revision 3
 *
 * SECURITY: the bytes come from files that anybody may own. */
#ifndef WIRE_FILE_CAPS_H
#define WIRE_FILE_CAPS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

struct file_caps {
        uint64_t permitted, inheritable; /* bit n: capability n */
        bool effective;
        uint32_t root; /* 0: of the host itself */
};

/* -EBADMSG and what. */
MUST_USE int file_caps_decode(struct span value, struct file_caps *ret, struct err *err);

/* Appends cap_to_text(3)'s form: "cap_net_raw=ep", "cap_chown=eip cap_kill=ei", "=ep" for all; "="
 * when there are none.  Capabilities without a name are numbers; a root that is not 0 follows:
 * "cap_net_raw=ep root=100000". */
void file_caps_put_text(const struct file_caps *c, struct buf *out);

#endif
