/* SPDX-License-Identifier: Apache-2.0 */
/* record_text.h - the parts of a record as text, for entries and for people.  Floor 3, pure.
 *
 * All that is appended is UTF-8 without control characters: hostile bytes are made safe here. */
#ifndef INTEGRITY_RECORD_TEXT_H
#define INTEGRITY_RECORD_TEXT_H

#include "integrity/trusted/record.h"

enum {
        RECORD_TEXT_MAX = 8192, /* of one list, set of capabilities or label */
        RECORD_ACL_SHOWN = 64,  /* entries of a list; of a longer one its number and digest */
};

const char *record_part_name(enum record_part p);   /* "acl_default" */
const char *record_known_name(enum record_known k); /* "unsupported" */
const char *record_flag_name(unsigned bit);         /* "immutable"; names ascend with the bits */

/* Bits of enum record_flags by ascending name. */
extern const uint8_t record_flags_by_name[RECORD_FLAGS_COUNT];

/* "ext4"; "0x1234abcd" for those without a name here, "unknown" for 0. */
void record_put_fs(uint32_t fs, struct buf *out);
/* Is its ctime, on such a filesystem, the moment of its last change by the clock of this machine?
 */
bool record_tells_when(const struct record *r);

/* A list "user::rw-,user:1000:rw-,...", capabilities "cap_net_raw=ep", a label.  What is too long,
 * or is not what its name says, is told by its length and SHA-256. */
void record_put_attr(const struct record_attr *a, struct buf *out);

/* The same of a part of r in words, whatever is known: "none", "unreadable" too.  Flags with blanks
 * between; other attributes as their names. */
void record_put_part(const struct record *r, enum record_part p, struct buf *out);

#endif
