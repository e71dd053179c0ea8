/* SPDX-License-Identifier: Apache-2.0 */
/* media.h - Content-Type: RFC 9110, 8.3.1.  Floor 3, pure.
 *
 * A type, parameters each of which has a token or quotes without a backslash, charset once.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_MEDIA_H
#define GATEWAY_MEDIA_H

#include "base/arena.h"

struct media_type {
        struct span type; /* in lower case, without parameters */
        bool utf8;        /* charset is not there or is utf-8 */
};

/* Borrows from value where that is in lower case, else from arena.  -EINVAL: it is none; -ENOMEM.
 */
MUST_USE int media_type_read(struct span value, struct arena *arena, struct media_type *ret);

#endif
