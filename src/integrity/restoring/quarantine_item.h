/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine_item.h - one item's file in the quarantine.  Floor 3, pure.
 *
 * A canonical JSON object, members always these:
 *
 *   {"at":"2026-11-21T18:00:00.000000000Z","id":"<16 hex digits>","moment":false,
 *    "path":"/etc/hosts","reason":"changed","record":"<base64 of a record, see record.h>"}
 *
 * A path that is not UTF-8 is path_b64.  Where a file's content is not kept whole, "kept" between
 * id and moment says what is, and why no more:
 *
 *   {"extents":[[0,4096],[1048576,512]],"how":"data","sha256":"<64 hex digits>","why":"..."}
 *
 * extents, from and how many bytes, lie one after the other in the content of that SHA-256.
 *
 * SECURITY: only root can write these files; the reader trusts nothing in them all the same. */
#ifndef INTEGRITY_QUARANTINE_ITEM_H
#define INTEGRITY_QUARANTINE_ITEM_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "integrity/restoring/quarantine_part.h"
#include "integrity/trusted/record.h"

enum {
        QUARANTINE_ID = 16,
        QUARANTINE_REASON_MAX = 23,
        QUARANTINE_WHY_MAX = 159,
        QUARANTINE_ITEM_MAX = 8 << 20, /* bytes of one as text: a path may be a mebibyte */
};

enum quarantine_kept {
        QUARANTINE_WHOLE,
        QUARANTINE_DATA,    /* all but its holes */
        QUARANTINE_PART,    /* the first of its data */
        QUARANTINE_NOTHING, /* of the content; its record is here all the same */
        QUARANTINE_KEPT_END,
};
const char *quarantine_kept_name(enum quarantine_kept k);

struct quarantine_item {
        char id[QUARANTINE_ID + 1];
        int64_t at_ns; /* wall */
        bool moment;   /* it was being written: the content is of one moment */
        enum quarantine_kept kept;
        struct quarantine_part part;      /* DATA and PART */
        char why[QUARANTINE_WHY_MAX + 1]; /* it is not whole; UTF-8, "" where it is */
        char reason[QUARANTINE_REASON_MAX + 1];
        struct span path;
        struct record record;
        struct span encoded; /* the record's bytes */
};

bool quarantine_is_id(struct span s);
void quarantine_item_print(const struct quarantine_item *i, struct buf *out);
/* scratch gets what is not in the text as it is (cleared first); spans of *ret point there.
 * -EBADMSG and the member. */
MUST_USE int quarantine_item_parse(struct span json, struct buf *scratch,
                                   struct quarantine_item *ret, struct err *err);

#endif
