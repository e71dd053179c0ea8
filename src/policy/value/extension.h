/* SPDX-License-Identifier: Apache-2.0 */
/* extension.h - the formats of decimal, ipaddr, datetime and duration, one file each.  Floor 2,
 * pure.
 *
 * Source: the Cedar language reference, "Extension types" and "Functions"; RFC 80 of Cedar for
 * datetime and duration.  The parsers leave *ret as it was when they answer -EINVAL; what is
 * printed they read back as the same value. */
#ifndef POLICY_EXTENSION_H
#define POLICY_EXTENSION_H

#include "policy/value/value.h"

/* -?[0-9]+.[0-9]{1,4}, in ten-thousandths. */
MUST_USE int cedar_decimal_parse(struct span text, int64_t *ret, struct err *err);
void cedar_decimal_print(int64_t v, struct buf *out);

/* An IPv4 address of four numbers without leading zeros or an IPv6 address of hexadecimal groups
 * (none spelled as IPv4, no zone); a prefix may follow: a slash and a number without leading
 * zeros.  Bits behind the prefix stay what they are. */
MUST_USE int cedar_ip_parse(struct span text, struct cedar_ip *ret, struct err *err);
void cedar_ip_print(const struct cedar_ip *ip, struct buf *out);
int cedar_ip_cmp(const struct cedar_ip *a, const struct cedar_ip *b);
/* Each asks whether all addresses of a range are: 127.0.0.0/8 or ::1; 224.0.0.0/4 or ff00::/8; of
 * `range`.  An address of one family is in no range of the other. */
bool cedar_ip_is_loopback(const struct cedar_ip *ip);
bool cedar_ip_is_multicast(const struct cedar_ip *ip);
bool cedar_ip_in_range(const struct cedar_ip *ip, const struct cedar_ip *range);

/* YYYY-MM-DD, alone or before Thh:mm:ss, then maybe .SSS, then Z or +hhmm or -hhmm: milliseconds
 * since 1970 in UTC.  No leap seconds. */
MUST_USE int cedar_datetime_parse(struct span text, int64_t *ret, struct err *err);
/* Whether that spelling reaches t: the years 0000 to 9999. */
bool cedar_datetime_has_spelling(int64_t t);
void cedar_datetime_print(int64_t t, struct buf *out);
/* The start of its day; -EOVERFLOW: 64 bits do not reach that. */
MUST_USE int cedar_datetime_date(int64_t t, int64_t *ret);
/* Milliseconds since the start of its day. */
int64_t cedar_datetime_time(int64_t t);

/* -?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?, at least one of them, in milliseconds. */
MUST_USE int cedar_duration_parse(struct span text, int64_t *ret, struct err *err);
void cedar_duration_print(int64_t v, struct buf *out);

#endif
