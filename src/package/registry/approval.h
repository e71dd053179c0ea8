/* SPDX-License-Identifier: Apache-2.0 */
/* approval.h - that a version of an API may be deployed, signed by who may say so.  Floor 2, pure.
 *
 * A signed note (wire/note.h) whose text is
 *
 *   assay deployment
 *   accounts                                API
 *   1.4.0                                   version
 *   <64 hex>                                SHA-256 of the package (package/file.h)
 *   CHG-4711                                id of the change that it is for
 *   2026-12-01T18:00:00.000000000Z          the first moment at which it says nothing more
 *
 * It is good for one deployment; the SHA-256 of the text names it, whoever and however many have
 * signed.  SECURITY: approval_read() reads hostile bytes. */
#ifndef PACKAGE_APPROVAL_H
#define PACKAGE_APPROVAL_H

#include "base/buf.h"
#include "base/err.h"
#include "package/file.h"

enum {
        APPROVAL_CHANGE_MAX = 128,
        APPROVAL_MAX = 4096, /* of the whole note */
        APPROVAL_API_MAX = 63,
};

struct approval {
        char api[APPROVAL_API_MAX + 1];
        char version[PACKAGE_VERSION_MAX + 1];
        uint8_t sha256[PACKAGE_HASH];
        char change[APPROVAL_CHANGE_MAX + 1];
        int64_t until_ns;
        uint8_t digest[PACKAGE_HASH]; /* of the text */
};

/* UTF-8, no control characters, no blank at its ends, 1 to APPROVAL_CHANGE_MAX bytes. */
bool approval_change_ok(struct span change);

/* Appends the note with one signature; a->digest is set.  -EINVAL: a member that is none; -ENOMEM.
 */
MUST_USE int approval_sign(struct approval *a, const struct signer *signer, struct buf *out,
                           struct err *err);

/* What it says; signatures are not judged.  -EBADMSG and what. */
MUST_USE int approval_read(struct span note, struct approval *ret, struct err *err);

/* Signed by one of these keys ("name+hash+base64")?  *ret_key: the first such.  -ENOKEY: by none of
 * them; -EBADMSG: a signature of one of them does not hold. */
MUST_USE int approval_verify(struct span note, const struct span *vkeys, size_t n, size_t *ret_key,
                             struct err *err);

#endif
