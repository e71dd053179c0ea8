/* SPDX-License-Identifier: Apache-2.0 */
/* watchset.h - which paths are watched.  Floor 3, pure.
 *
 * Text form, one rule a line: an absolute path is watched with everything below it, "!path" leaves
 * a path and everything below it out.  Blank lines and lines that begin with # are skipped.  The
 * longest rule that covers a path decides, so a part of what was left out can be watched again.
 * Paths are bytes: no quoting, no patterns, no "." or ".." or doubled slash.
 *
 * SECURITY: the text comes from root's own configuration. */
#ifndef INTEGRITY_WATCHSET_H
#define INTEGRITY_WATCHSET_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        WATCH_RULES_MAX = 1024,
        WATCH_PATH_MAX = 4095,
        WATCH_TEXT_MAX = 1 << 20,
};

struct watch_rule {
        struct span path; /* owned by the set */
        bool exclude;
};

struct watchset {
        struct watch_rule *rules; /* ascending by path, each path once */
        size_t n;
};

/* Add one rule.  -EINVAL: not a clean absolute path; -EEXIST: the path has the other rule already;
 * -E2BIG: too many.  The same rule twice is fine. */
MUST_USE int watchset_add(struct watchset *w, struct span path, bool exclude, struct err *err);

/* Add every line; errors begin with `name` and the line's number.  On failure w holds the rules of
 * the lines before. */
MUST_USE int watchset_parse(struct watchset *w, const char *name, struct span text,
                            struct err *err);

/* What `assay` watches when nothing was chosen. */
MUST_USE int watchset_add_defaults(struct watchset *w, struct err *err);

void watchset_done(struct watchset *w);

/* The text form again, rules in order: the same set gives the same bytes. */
void watchset_print(const struct watchset *w, struct buf *out);

/* Is this absolute path watched? */
bool watchset_covers(const struct watchset *w, struct span path);

/* Does any rule speak of something below dir?  If not, what holds for dir holds for all of it. */
bool watchset_divides(const struct watchset *w, struct span dir);

/* Is rule i the place to begin a walk: watched, while the directory it is in is not? */
bool watchset_begins(const struct watchset *w, size_t i);

/* Is path equal to or below top? */
bool path_within(struct span path, struct span top);

#endif
