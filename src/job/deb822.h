/* SPDX-License-Identifier: Apache-2.0 */
/* deb822.h - the "Field: value" paragraphs of Debian's control files, indexes and sources, line by
 * line as bytes arrive.  Floor 3.  deb-control(5), deb822(5).
 *
 *   Package: hello          a field; its name ends at the first colon
 *   Description: greets     a value has no blanks around it
 *    more of it             a line that starts with a blank goes on with the field before it
 *                           a line without anything else ends a paragraph */
#ifndef JOB_DEB822_H
#define JOB_DEB822_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"

enum {
        DEB822_LINE_MAX = 16 * 1024, /* what is longer is cut, and says so */
        DEB822_FIELD_MAX = 128,      /* bytes of a name */
};

struct deb822_line {
        struct span field; /* name, as written */
        struct span text;
        uint64_t number; /* of the line, from 1 */
        bool more;       /* not the field's first line */
        bool cut;
};

/* Either may stop the reading with a negative code. */
typedef int deb822_line_fn(void *ctx, const struct deb822_line *line, struct err *err);
typedef int deb822_end_fn(void *ctx, struct err *err); /* a paragraph with at least one field */

struct deb822 {
        deb822_line_fn *on_line;
        deb822_end_fn *on_end;
        void *ctx;
        bool comments; /* lines that start with '#' are no lines */
        struct buf line;
        bool cut;
        uint64_t number;
        char field[DEB822_FIELD_MAX];
        size_t field_n; /* 0: between paragraphs */
};

void deb822_init(struct deb822 *d, deb822_line_fn *on_line, deb822_end_fn *on_end, void *ctx);
void deb822_done(struct deb822 *d);

/* The next bytes, cut anywhere; then the end, which ends the last line and paragraph.  -EBADMSG and
 * the number of a line that is none of the above. */
MUST_USE int deb822_feed(struct deb822 *d, struct span bytes, struct err *err);
MUST_USE int deb822_finish(struct deb822 *d, struct err *err);

/* Names of fields do not care about case. */
bool deb822_is(struct span field, const char *name);
/* Without blanks and tabs at both ends. */
struct span deb822_trim(struct span s);
/* The next word of *rest, which is taken off; false at the end. */
bool deb822_word(struct span *rest, struct span *ret);

#endif
