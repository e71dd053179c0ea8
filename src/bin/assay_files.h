/* SPDX-License-Identifier: Apache-2.0 */
/* assay_files.h - states of files and what differs between them, for people and for programs.
 * Floor 4. */
#ifndef BIN_ASSAY_FILES_H
#define BIN_ASSAY_FILES_H

#include "base/buf.h"
#include "command/screen.h"
#include "integrity/trusted/record.h"

/* "changed  /etc/hosts  size 220→245 ...": was NULL: created; is NULL: deleted. */
void files_put_line(const struct screen *s, struct span path, const struct record *was,
                    const struct record *is, unsigned differs, struct buf *out);

/* The same as a JSON object {"change","differs","is","path","was"}; states have the members of
 * wire/kind_table.c. */
void files_put_json(struct span path, const struct record *was, const struct record *is,
                    unsigned differs, struct buf *out);

/* All of one state, an attribute a line. */
void files_put_state(const struct screen *s, const struct record *r, struct buf *out);
/* As a JSON object. */
void files_put_state_json(const struct record *r, struct buf *out);

#endif
