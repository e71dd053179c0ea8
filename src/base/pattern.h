/* SPDX-License-Identifier: Apache-2.0 */
/* pattern.h - patterns of absolute paths, as configuration spells them.  Floor 0.
 *
 *   /etc/ssh               that path and everything below it
 *   ?                      one byte of a name
 *   *                      any number of bytes of a name, none included
 *   [abc] [a-z] [!a-z]     one byte that is, or is not, among these; "]" may come first
 *   **                     alone between slashes: any number of directories, none included
 *
 * Nothing but a pattern's own "/" stands for a slash, and a dot at the front of a name is a byte as
 * any other.  There is no escape: a name with a star in it is written [*].  A pattern that ends
 * with "**" means what ends with "*": all below a directory, but not the directory.
 *
 * SECURITY: patterns may come from a process that has read a foreign format. */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        PATTERN_MAX = 4095,     /* bytes */
        PATTERN_PART_MAX = 255, /* bytes between two slashes */
        PATTERN_PARTS_MAX = 64,
};

enum pattern_kind {
        PATTERN_LITERAL,
        PATTERN_GLOB, /* with ?, * or [] */
        PATTERN_ANY,  /* "*" */
        PATTERN_DEEP, /* "**" */
};

struct pattern_part {
        enum pattern_kind kind;
        struct span text;
};

/* How much a pattern says, compared member by member: see pattern_rank_cmp(). */
struct pattern_rank {
        unsigned literals; /* parts without wildcards */
        unsigned parts;    /* parts that are not "**" */
        unsigned bytes;    /* in the other parts, bytes that are no wildcard */
};

struct pattern {
        struct pattern_part part[PATTERN_PARTS_MAX];
        size_t n; /* 0: "/" */
        struct pattern_rank rank;
};

/* Parts of *ret point into text.  -EINVAL: *ret_at is the first byte that does not fit, err says
 * why.  "/" alone is a pattern; a slash at the end, an empty part, "." and ".." are not. */
MUST_USE int pattern_parse(struct span text, struct pattern *ret, size_t *ret_at, struct err *err);

/* Appends a pattern that fits this path alone, and what is below it. */
void pattern_put_literal(struct buf *out, struct span path);

/* Does a name of a directory fit the part?  PATTERN_DEEP fits every name. */
bool pattern_part_fits(const struct pattern_part *part, struct span name);

/* Is an absolute path the pattern's, or below one that is?  The path is clean: no doubled slash,
 * none at its end. */
bool pattern_covers(const struct pattern *p, struct span path);

/* Negative: a says less than b. */
int pattern_rank_cmp(const struct pattern_rank *a, const struct pattern_rank *b);

/* Is there a path that both cover? */
bool pattern_meets(const struct pattern *a, const struct pattern *b);

/* Does a cover all that b covers?  Wildcards of b are only compared with the same ones, "*" and
 * "**", so that false may be wrong; true never is. */
bool pattern_includes(const struct pattern *a, const struct pattern *b);

#endif
