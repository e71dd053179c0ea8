/* SPDX-License-Identifier: Apache-2.0 */
/* call_text.h - strings of a request that are more than strings to Cedar.  Floor 2, pure.
 * SECURITY: reads hostile bytes. */
#ifndef PACKAGE_CALL_TEXT_H
#define PACKAGE_CALL_TEXT_H

#include "policy/value/value.h"

/* A date-time of RFC 3339 in milliseconds since 1970, UTC; digits of the fraction behind the third
 * are cut off.  false: it is none, or a leap second, for which there is no such number. */
MUST_USE bool call_time(struct span text, int64_t *ret);

/* One address, of IPv4 as RFC 2673 spells it (four numbers) or of IPv6 as RFC 4291 does, its last
 * 32 bits maybe as IPv4.  false: it is none. */
MUST_USE bool call_address(struct span text, struct cedar_ip *ret);

#endif
