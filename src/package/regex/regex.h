/* SPDX-License-Identifier: Apache-2.0 */
/* regex.h - regular expressions of JSON Schema, searched for in hostile strings.  Floor 2.
 *
 * Source: ECMA-262, "Patterns", in Unicode mode and without flags; JSON Schema draft 2020-12,
 * section 6.4.  A pattern is read here character by character, whatever PCRE2 would take otherwise
 * is spelled out for it (regex_read.c), and PCRE2's interpreter does the search.  Not supported,
 * and refused: back-references, properties but general categories, look-behind of no fixed length,
 * flags within.  Taken beyond Unicode mode: a backslash before any ASCII punctuation.
 *
 * What a search costs is counted, not timed, so that a value is refused everywhere or nowhere: each
 * thing that is tried is one, and moving by 8 bytes as well.  PCRE2 reports them as callouts. */
#ifndef PACKAGE_REGEX_H
#define PACKAGE_REGEX_H

#include "base/buf.h"
#include "base/err.h"

enum {
        REGEX_MAX = 4096, /* bytes of a pattern */
        REGEX_NEST_MAX = 100,
        REGEX_REPEAT_MAX = 65535,
        REGEX_HEAP_MAX = 4096, /* KiB that a search may take to find its way back */
};

/* The pattern as PCRE2 wants it, appended.  -EINVAL: "character 5: ..."; -ENOMEM, -E2BIG. */
MUST_USE int regex_read(struct span pattern, struct buf *out, struct err *err);

struct regex;
/* -EINVAL as above, -ENOMEM. */
MUST_USE int regex_new(struct span pattern, struct regex **ret, struct err *err);
struct regex *regex_free(struct regex *r);
DEFINE_CLEANUP(struct regex, regex_free)

/* What searches work in: one at a time. */
struct regex_space;
MUST_USE int regex_space_new(struct regex_space **ret);
struct regex_space *regex_space_free(struct regex_space *s);
DEFINE_CLEANUP(struct regex_space, regex_space_free)

/* 1: it is somewhere in s, 0: it is not.  *left: what may be tried; it is reduced.  -E2BIG: more
 * would have to be tried, or to be remembered; -EINVAL: s is not UTF-8; -ENOMEM. */
MUST_USE int regex_search(const struct regex *r, struct regex_space *space, struct span s,
                          uint64_t *left);

#endif
