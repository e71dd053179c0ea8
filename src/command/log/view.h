/* SPDX-License-Identifier: Apache-2.0 */
/* view.h - one entry as a reader sees it: its members, and the sensitive values he may see.
 * Floor 3.
 *
 * SECURITY: entries are other people's bytes.  view_open() checks them; what is put into a line
 * goes through text_put_safe(). */
#ifndef COMMAND_LOG_VIEW_H
#define COMMAND_LOG_VIEW_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "ledger/vault/vault.h"
#include "wire/entry.h"
#include "wire/kind.h"

struct view_members;

struct view {
        uint64_t index;
        struct span bytes; /* borrowed */
        struct entry entry;
        const struct kind *kind; /* NULL when unknown */
        bool has_time;
        int64_t wall_ns;

        struct {
                struct span raw; /* into text: the disclosure as it is in the vault */
                struct buf scratch;
                struct disclosure parsed;
        } disclosed[VAULT_FIELDS_MAX];
        size_t n_disclosed;
        bool asked_vault; /* what is not disclosed now is not in it */
        bool erased;      /* and a subject of the entry was erased */
        struct buf text;
        struct view_members *members; /* of what, who and why, as far as they were asked for */
};

void view_init(struct view *v);
void view_done(struct view *v);

/* View bytes (borrowed until the next open).  -EINVAL: not a restricted-JCS object. */
MUST_USE int view_open(struct view *v, uint64_t index, struct span bytes, struct err *err);

/* Take the entry's sensitive values from the vault; those whose digest is not in the leaf are not
 * taken (-EBADMSG, after all others). */
MUST_USE int view_disclose(struct view *v, struct vault *vault, struct err *err);
/* One of them. */
MUST_USE int view_take(struct view *v, struct span disclosure, struct err *err);

/* Digests in the leaf without a disclosure here. */
size_t view_count_hidden(const struct view *v);

enum field_state {
        FIELD_ABSENT,
        FIELD_CLEAR,     /* in the leaf */
        FIELD_DISCLOSED, /* from the vault */
        FIELD_SEALED,    /* there may be a value, which this reader cannot see */
        FIELD_ERASED,    /* if there was one, it is gone for good */
        FIELD_MISSING,   /* the same, and nobody erased it */
};

/* The value at a dotted path; a text that is not UTF-8 is found under <path>_b64.  Sensitive fields
 * without a disclosure are SEALED, ERASED or MISSING when the leaf has a digest for one.  *ret is
 * set for CLEAR and DISCLOSED. */
enum field_state view_field(const struct view *v, const char *path, struct json_value *ret);

/* Its text: strings without quotes, base64 undone for <path>_b64, all else as written.  Appends
 * nothing when the state is not CLEAR or DISCLOSED.  The bytes are not safe for a terminal. */
enum field_state view_text(const struct view *v, const char *path, struct buf *out);
bool view_int(const struct view *v, const char *path, int64_t *ret);

#endif
