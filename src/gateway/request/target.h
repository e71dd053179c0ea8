/* SPDX-License-Identifier: Apache-2.0 */
/* target.h - the target of a request, read strictly, and one written for the back-end.  Floor 3,
 * pure.
 *
 * Source: RFC 9112, "origin-form"; RFC 3986.  Anything that two servers could read differently is
 * refused.  In a path: what is no pchar, ";", an empty segment but for the last one, "." and ".."
 * as a segment, and, escaped, / \ ; % ? # . and controls (package/openapi/openapi_path.c refuses
 * the same in a document), so that no escape hides what would be looked at.  In a query: \ " < > as
 * they are, a name that is empty, controls but tab, CR and LF; "+" is a blank, "&" separates
 * (nothing between two is nothing), a name without "=" has an empty value, ";" is a character, and
 * so is what browsers leave as it is: [ ] { } | ^ `.  In both: a "%" without two hexadecimal
 * digits, bytes that are not visible ASCII, text that is no UTF-8 once unescaped, a fragment, and
 * what is more than below.  Absolute-form, authority-form and "*" are refused.
 *
 * SECURITY: hostile bytes. */
#ifndef GATEWAY_TARGET_H
#define GATEWAY_TARGET_H

#include "base/arena.h"
#include "base/buf.h"
#include "gateway/exchange/refusal.h"

enum { TARGET_MAX = 8192, TARGET_SEGMENTS_MAX = 64, TARGET_PAIRS_MAX = 256 };

struct target_pair {
        struct span name, value; /* unescaped; no name is empty */
};

/* "/a/b": a, b.  "/a/": a and the slash.  "/": no segment and the slash. */
struct target {
        struct span segments[TARGET_SEGMENTS_MAX]; /* unescaped; none is empty */
        uint32_t n_segments;
        bool slash;                                 /* at the end */
        struct target_pair pairs[TARGET_PAIRS_MAX]; /* in their order */
        uint32_t n_pairs;
};

/* Borrows from raw where nothing was escaped, else from arena; what is behind n_segments and
 * n_pairs is not touched, on failure ret holds anything.  -EACCES with REFUSED_TARGET; -ENOMEM. */
MUST_USE int target_read(struct span raw, struct arena *arena, struct target *ret,
                         struct refusal *refusal);

/* One segment, one name or value, escaped: everything but the unreserved characters. */
void target_put_segment(struct buf *out, struct span text);
void target_put_query(struct buf *out, struct span text);
/* A word of a document's path, spelled as documents do: "things:batch" keeps its colon.  All but
 * pchar and ";" is escaped. */
void target_put_word(struct buf *out, struct span text);

#endif
