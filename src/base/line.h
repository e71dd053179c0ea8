/* SPDX-License-Identifier: Apache-2.0 */
/* line.h - a text taken line by line.  Floor 0, pure. */
#ifndef BASE_LINE_H
#define BASE_LINE_H

#include <string.h>

#include "base/base.h"

/* Takes the first line off *rest, which is not empty.  Whether a newline ended it, which is in
 * neither of the two then; else all that was left is the line. */
static inline bool line_next(struct span *rest, struct span *ret_line)
{
        const uint8_t *end = memchr(rest->p, '\n', rest->n);

        *ret_line = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);
        *rest = span_from(*rest, ret_line->n + 1);
        return end != NULL;
}

#endif
