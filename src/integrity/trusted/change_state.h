/* SPDX-License-Identifier: Apache-2.0 */
/* change_state.h - one state of a file as members of a JSON object: in entries, and in what
 * `assay check --json` prints.  Floor 3, pure.
 *
 * Members are those that wire/kind_table.c lists for a state.  One that is absent, though asked
 * for, says that there is none (no list, no label); what is not known is named in "unknown". */
#ifndef INTEGRITY_CHANGE_STATE_H
#define INTEGRITY_CHANGE_STATE_H

#include "integrity/trusted/record.h"

struct json_writer;

enum {
        CHANGE_ALL = (1u << RECORD_F_COUNT) - 1,
        CHANGE_XATTRS_MAX = 4096, /* bytes of names and digests of one state */
};

/* Put those members of r whose bit of enum record_field is in want, their keys behind prefix, and
 * always the hash.  Where other is given, of the other extended attributes only those in which r
 * differs from it. */
void change_put_state(struct json_writer *w, const char *prefix, const struct record *r,
                      const struct record *other, unsigned want);

/* The names of a set of enum record_field. */
void change_put_differs(struct json_writer *w, const char *name, unsigned differs);

#endif
