/* SPDX-License-Identifier: Apache-2.0 */
/* trusted_entry.h - entries about what is trusted: integrity.baseline, and integrity.command for
 * who asked.  Floor 3, pure.
 *
 * Kinds and fields are those of wire/kind_table.c. */
#ifndef INTEGRITY_TRUSTED_ENTRY_H
#define INTEGRITY_TRUSTED_ENTRY_H

#include "base/base.h"
#include "base/buf.h"
#include "integrity/trusted/baseline.h"
#include "integrity/watching/watchset.h"
#include "wire/json.h"

struct who;

enum { BASELINE_PATHS_TOLD = 16 * 1024 }; /* bytes of paths in one entry */

struct baseline_facts {
        int64_t wall_ns, took_ns;
        struct baseline_sums sums;
        const struct hash *root;
        const struct hash *previous; /* NULL: there was none */
        const struct watchset *watch;
        const char *reason; /* first, accepted, replaced, extended, reduced or configured */
        /* What an administrator accepted; all zero: nobody did. */
        uint64_t added, changed, removed;
        struct span comment;  /* why, UTF-8; empty: not said */
        struct span selected; /* the paths, each with its NUL; empty: everything that differed */
        /* Content that is to be had again: of those that are to be kept. */
        uint64_t kept, not_kept;
        const struct who *who; /* NULL: nobody, the sensor itself */
};
void baseline_put(const struct baseline_facts *f, struct buf *out);

/* The same baseline for a ledger that succeeded the one which has `entry` of it (canonical JSON,
 * checked; with or without what the recorder adds): reason "succeeded", and nobody's act. */
void baseline_put_again(struct span entry, int64_t wall_ns, struct buf *out);

/* What the alert says of a baseline that the ledger has no entry of, nor of any other: in
 * who.unknown of integrity.change.  Of one root it is always the same, by which it is known again.
 */
#define BASELINE_UNRECORDED "the ledger has no entry of this baseline, root "
enum { BASELINE_UNRECORDED_MAX = 320 };
void baseline_unrecorded(const struct hash *root, char out[BASELINE_UNRECORDED_MAX]);

struct command_facts {
        int64_t wall_ns, took_ns; /* took_ns negative: it has only begun */
        const char *verb;
        struct json_value args;
        const char *state;     /* begun, done, failed, refused */
        const char *error;     /* NULL: none */
        const struct who *who; /* NULL with unknown */
        const char *unknown;
};
void command_put(const struct command_facts *f, struct buf *out);

/* integrity.reread: all content of a period's files was read again. */
struct reread_facts {
        int64_t wall_ns, from_ns;
        uint64_t period_s, files, bytes, found, unread;
};
void reread_put(const struct reread_facts *f, struct buf *out);

#endif
