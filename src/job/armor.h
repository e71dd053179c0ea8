/* SPDX-License-Identifier: Apache-2.0 */
/* armor.h - public keys as apt finds them, binary or in ASCII, to what gpgv reads.  Floor 3, pure.
 * RFC 4880, section 6.2. */
#ifndef JOB_ARMOR_H
#define JOB_ARMOR_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

/* Append the packets of s to out: s itself where it is binary, else what its "PUBLIC KEY BLOCK"s
 * hold.  -EBADMSG: a block without end, of no base64, or whose checksum does not hold; or s is
 * neither.  An empty s is no key and fine. */
MUST_USE int armor_put_keys(struct span s, struct buf *out, struct err *err);

#endif
