/* SPDX-License-Identifier: Apache-2.0 */
/* schema_format.h - whether a string is of a format.  Floor 2, pure.
 *
 * Sources: RFC 3339 (date-time, date, time; duration: its appendix A), RFC 5321 section 4.1.2
 * (email: Mailbox in ASCII, without General-address-literal), RFC 1123 section 2.1 (hostname; what
 * an "xn--" label encodes is not looked at), RFC 2673 section 3.2 (ipv4), RFC 4291 section 2.2
 * (ipv6, without zone), RFC 3986 (uri: "URI"), RFC 9562 section 4 (uuid), RFC 4648 section 4
 * (byte). */
#ifndef PACKAGE_SCHEMA_FORMAT_H
#define PACKAGE_SCHEMA_FORMAT_H

#include "package/schema/schema.h"

/* true also for those formats that are of numbers. */
bool schema_format_fits(enum api_format f, struct span text);

#endif
