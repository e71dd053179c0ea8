/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - one entry as one line for people.  Floor 3.
 *
 * SECURITY: everything out of an entry goes through text_put_safe(). */
#ifndef COMMAND_LOG_LINE_H
#define COMMAND_LOG_LINE_H

#include "base/base.h"
#include "base/buf.h"
#include "command/log/view.h"
#include "command/screen.h"

/* Append time, what happened in words, by whom and why; ends with a newline.  Kinds without words
 * of their own show their members by name. */
void line_put(const struct screen *s, const struct view *v, struct buf *out);
/* The same without the time, the padding and the newline: "modified /etc/hosts  by root ...". */
void line_put_text(const struct screen *s, const struct view *v, struct buf *out);

#endif
