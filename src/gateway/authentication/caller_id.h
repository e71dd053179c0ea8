/* SPDX-License-Identifier: Apache-2.0 */
/* caller_id.h - what callers may be called.  Floor 3, pure.
 *
 * All callers of a package are one type, so an id means the same caller whichever identity says it.
 * Whom nobody has verified is "unverified:<user>" in the group "unverified"; no verified caller may
 * be called so, and no token puts anybody into that group.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_CALLER_ID_H
#define GATEWAY_CALLER_ID_H

#include "package/call/caller.h"

/* 1 to CALLER_TEXT_MAX bytes of UTF-8 without control characters. */
bool caller_text_fits(struct span text);
/* The same of a verified caller's id: it does not begin with CALLER_UNVERIFIED. */
bool caller_id_fits(struct span id);
/* ... of a group that a token says: it is not CALLER_UNVERIFIED_GROUP. */
bool caller_group_fits(struct span group);

#endif
