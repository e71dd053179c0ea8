/* SPDX-License-Identifier: Apache-2.0 */
/* certificate.h - what one certificate of X.509 says (RFC 5280), read by OpenSSL.  Floor 2, pure
 * but for memory. */
#ifndef STATE_CERTIFICATE_H
#define STATE_CERTIFICATE_H

#include "base/base.h"
#include "base/buf.h"

/* Before rights are given up: OpenSSL reads its configuration on first use, and a process without
 * rights opens nothing.  It then works without one. */
void certificate_prepare(void);

enum { CERTIFICATE_NAME_MAX = 4096 }; /* bytes of a name; a longer one is no certificate to us */

struct certificate {
        size_t size; /* bytes of the certificate; behind it something else may follow */
        struct buf subject, issuer, serial, signature, key_type;
        int64_t not_before_s, not_after_s; /* since 1970 */
        int bits;                          /* of the key; 0: not known */
        bool ca, self_signed;
};

/* NULL and *ret, which certificate_done() ends; or why it is none, *ret untouched.  Each name it is
 * for goes to fn: "DNS:x", "IP:192.0.2.7", "email:x", "URI:x". */
const char *certificate_read(struct span der, struct certificate *ret,
                             void (*fn)(void *ctx, struct span name), void *ctx);
void certificate_done(struct certificate *c);

#endif
