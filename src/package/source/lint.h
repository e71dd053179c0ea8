/* SPDX-License-Identifier: Apache-2.0 */
/* lint.h - what is wrong with the sources of a package, each with its place.  Floor 2, pure.
 *
 * Readers go on after a fault, so that one run tells all of them; whoever builds asks at the end
 * whether there was an error. */
#ifndef PACKAGE_LINT_H
#define PACKAGE_LINT_H

#include "base/arena.h"
#include "package/source/source.h"

enum {
        LINT_FAULTS_MAX = 200, /* kept; more are counted */
        LINT_TEXT_MAX = 400,
        LINT_MEMORY_MAX = 1 << 20,
};

enum lint_level {
        LINT_ERROR,   /* nothing is built */
        LINT_WARNING, /* it can be built, and is probably not what was meant */
};

struct lint_fault {
        enum lint_level level;
        struct span file;        /* "openapi.yaml" */
        struct source_mark mark; /* line 0: of the file as a whole */
        struct span text;        /* one line of UTF-8, no full stop, not made safe to show */
};

struct lint {
        struct arena arena;
        struct span file;                      /* that faults are of from now on */
        struct lint_fault at[LINT_FAULTS_MAX]; /* in order of finding */
        uint32_t n, more;
        uint32_t errors, warnings; /* all of them */
};

void lint_init(struct lint *l);
void lint_done(struct lint *l);

/* mark NULL: of the whole file.  Texts are cut at LINT_TEXT_MAX, on a character; bytes that are no
 * UTF-8, as a span that "%.*s" cut has, are left out. */
void lint_error(struct lint *l, const struct source_mark *mark, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
void lint_warning(struct lint *l, const struct source_mark *mark, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

/* By file, line and column; those of a place in order of finding. */
void lint_sort(struct lint *l);

#endif
