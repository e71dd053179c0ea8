/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf.h - an entry as an event of the Open Cybersecurity Schema Framework (schema.ocsf.io).
 * Floor 1, pure.
 *
 * What becomes of an entry:
 *   - its kind names the class (wire/kind_table.c), its row in wire/ocsf_kinds.c the activity, the
 *     severity and what else is its own; wire/ocsf_class.c has what a class's events share;
 *   - a field that the schema has a place for goes there; what is not said there exactly as the
 *     entry has it is also in `unmapped`, under its own name: nothing is lost;
 *   - what explains a change, the address a session came from, and the place in the ledger (origin,
 *     index, leaf hash) are `enrichments`; metadata.uid is "<origin>#<index>";
 *   - a sensitive field is there if its disclosure is handed in, else its digest is (unmapped._sd);
 *   - an entry of no known kind is a Base Event, all of it in `unmapped`; without a time it is of
 *     the epoch.
 * The event is one line of canonical JSON and depends on nothing but the input. */
#ifndef WIRE_OCSF_H
#define WIRE_OCSF_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/entry.h"
#include "wire/kind.h"
#include "wire/tile.h"

/* The schema's version, which an event names. */
#define OCSF_VERSION "1.9.0-dev"

enum { OCSF_DISCLOSED_MAX = 64 };

struct ocsf_input {
        const char *origin; /* of the ledger */
        uint64_t index;
        struct span leaf;          /* its leaf hash, TILE_HASH bytes */
        struct span bytes;         /* passed json_check() */
        const struct entry *entry; /* entry_read() of them */
        const struct kind *kind;   /* NULL: unknown */
        const struct disclosure *disclosed;
        size_t n_disclosed;  /* at most OCSF_DISCLOSED_MAX */
        struct span message; /* for people, UTF-8; empty: none */
        struct span sha256;  /* of bytes: they go in as raw_data; empty: they do not */
};

/* Keeps what it has worked out about each kind. */
struct ocsf;
MUST_USE int ocsf_new(struct ocsf **ret, struct err *err);
struct ocsf *ocsf_free(struct ocsf *o);
DEFINE_CLEANUP(struct ocsf, ocsf_free)

/* Append the event, without a newline.  -ENOMEM, -E2BIG: out has what it had. */
MUST_USE int ocsf_put(struct ocsf *o, const struct ocsf_input *in, struct buf *out,
                      struct err *err);

#endif
