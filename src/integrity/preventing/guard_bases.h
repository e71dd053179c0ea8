/* SPDX-License-Identifier: Apache-2.0 */
/* guard_bases.h - below which directories it matters what is executed.  Floor 3, pure.
 *
 * The beginnings of the patterns of those profiles, up to their first wildcard: what is below none
 * of them is of no such profile, so a comparison of bytes answers for nearly all of a host.  Below
 * one it may be, and whoever knows the patterns is asked.
 *
 * Memory is the caller's and fixed; more than fits, and it matters everywhere. */
#ifndef INTEGRITY_GUARD_BASES_H
#define INTEGRITY_GUARD_BASES_H

#include "base/base.h"

enum { GUARD_BASES_MAX = 256, GUARD_BASES_TEXT = 64 * 1024 };

enum guard_asks { GUARD_ASKS_NOTHING, GUARD_ASKS_KNOWN, GUARD_ASKS_STRICT };

struct guard_bases {
        size_t n, used;
        enum guard_asks everywhere; /* where there was no room for more */
        struct {
                uint32_t at, n;
                enum guard_asks asks;
        } of[GUARD_BASES_MAX];
        uint8_t text[GUARD_BASES_TEXT];
};

void guard_bases_clear(struct guard_bases *b);
/* An absolute path, itself included.  Of two for one path the stricter counts. */
void guard_bases_add(struct guard_bases *b, struct span path, enum guard_asks asks);
/* The strictest: for what no path is known of. */
enum guard_asks guard_bases_most(const struct guard_bases *b);
/* What the longest one asks that the path is, or is below. */
enum guard_asks guard_bases_find(const struct guard_bases *b, struct span path);

#endif
