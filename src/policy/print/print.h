/* SPDX-License-Identifier: Apache-2.0 */
/* print.h - Cedar policies to text.  Floor 2, pure.
 *
 * Printing what was parsed and parsing that again gives the same policies, the same comments in the
 * same order; printing twice gives the same text.  Only a link is read back as a policy of its
 * own. */
#ifndef POLICY_PRINT_H
#define POLICY_PRINT_H

#include "base/buf.h"
#include "policy/ast/ast.h"

struct cedar_print_style {
        uint32_t width;  /* columns, 80 when 0 */
        uint32_t indent; /* blanks a level, 2 when 0 */
};

/* All of them, comments kept, an empty line between policies.  buf_status(out) tells failure. */
void cedar_print(const struct cedar_policies *all, struct cedar_print_style style, struct buf *out);

/* One expression, on one line; of a long one as many of its words as come to `most` bytes or a
 * little more. */
void cedar_print_expr(const struct cedar_expr *e, size_t most, struct buf *out);

/* `"..."` and `A::"..."` with Cedar's escapes. */
void cedar_print_string(struct span s, struct buf *out);
void cedar_print_uid(const struct cedar_uid *uid, struct buf *out);

#endif
