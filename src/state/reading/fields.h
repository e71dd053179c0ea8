/* SPDX-License-Identifier: Apache-2.0 */
/* fields.h - lines, words and fields, for readers of tables.  Floor 2, pure. */
#ifndef STATE_FIELDS_H
#define STATE_FIELDS_H

#include "base/base.h"
#include "base/buf.h"
#include "base/text.h"

/* Up to sep, which is taken off *s with it; false at the end. */
bool field_cut(struct span *s, char sep, struct span *ret);
/* The next line without its end, and its number from 1 on. */
struct field_lines {
        struct span rest;
        uint32_t number;
};
bool field_line(struct field_lines *l, struct span *ret);
/* The next run of bytes that are neither blank nor tab. */
bool field_word(struct span *s, struct span *ret);
/* Without blanks, tabs and a carriage return at either end. */
struct span field_trim(struct span s);
/* Exactly n fields with sep between them. */
bool field_split(struct span s, char sep, struct span *fields, size_t n);
/* Behind its last slash; what it is behind a prefix, or all of it. */
struct span field_base(struct span path);
/* A decimal number as others write it: leading zeros are fine, signs are not. */
bool field_number(struct span s, uint64_t *ret);
/* "Sat, 11 Jul 2026 09:57:13 UTC" (RFC 5322, in UTC) to ns since 1970; false for any other form. */
bool field_date(struct span s, int64_t *ret_wall_ns);
/* Undoes text_put_safe(), as builtins write their fields.  Appends. */
void field_put_raw(struct buf *out, struct span safe);

#endif
