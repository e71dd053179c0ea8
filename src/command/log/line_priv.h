/* SPDX-License-Identifier: Apache-2.0 */
/* line_priv.h - what line.c (phrases), line_change.c (changes of files), line_state.c (rows of the
 * host's state) and line_api.c (calls) share.  Floor 3. */
#ifndef COMMAND_LOG_LINE_PRIV_H
#define COMMAND_LOG_LINE_PRIV_H

#include "command/log/line.h"

enum { LINE_FIELD_MAX = 64, LINE_TEXT_MAX = 128 * 1024 };

static inline bool line_is_readable(enum field_state state)
{
        return state == FIELD_CLEAR || state == FIELD_DISCLOSED;
}

/* A field's value in the form of a phrase ("digest"); false when there is none to be read. */
bool line_put_value(const struct screen *s, const struct view *v, const char *path, const char *as,
                    struct buf *out);
void line_put_phrase(const struct screen *s, const struct view *v, enum style style,
                     const char *phrase, struct buf *out);
void line_put_author(const struct screen *s, const struct view *v, struct buf *out);

/* What follows the path of an integrity.change. */
void line_put_change(const struct screen *s, const struct view *v, struct buf *out);

/* What follows the table of a state.change. */
void line_put_state(const struct screen *s, const struct view *v, struct buf *out);

/* What follows the words of a call: data it writes and reads, findings, by whom. */
void line_put_call(const struct screen *s, const struct view *v, struct buf *out);

#endif
