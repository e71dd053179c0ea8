/* SPDX-License-Identifier: Apache-2.0 */
/* newcomers.h - how many new subjects one caller may make the vault know in an hour.  Floor 3.
 *
 * An intent makes its object a subject before a back-end can say that there is none of that id.  So
 * that no caller uses up what all gateways may have, what an entry of a gateway makes new counts
 * for the caller whom it names (the subject of who.user, or for whom it was sent: values of a body
 * come before their intent, and are the object's): so many in each hour of UTC.  Beyond it entries
 * of his that would make another one are refused with -EDQUOT; those that speak of known ones are
 * taken as ever, and so are other callers'.  Entries that name nobody (calls that need no
 * credential) count together, with NEWCOMERS_TOGETHER times as many.
 *
 * api.denied is taken in any case: it speaks of the caller and his network, never of an object.
 *
 * A table of rows of eight, which a keyed hash picks: where a row is full whoever has made fewest
 * gives way, and begins anew.  A restart of the recorder forgets all.
 *
 * SECURITY: labels are what callers ask about. */
#ifndef RECORDER_NEWCOMERS_H
#define RECORDER_NEWCOMERS_H

#include "crypto/siphash.h"
#include "ledger/vault/vault.h"

enum {
        NEWCOMERS_DEFAULT = 10000,
        NEWCOMERS_TOGETHER = 10,
        NEWCOMERS_ROWS = 1024,
        NEWCOMERS_ROW = 8,
};

struct newcomer {
        uint64_t who; /* hash of the label */
        uint32_t hour, n;
};

struct newcomers {
        uint32_t most;      /* of one caller in an hour */
        uint32_t told;      /* the last hour that the log has */
        uint64_t n_refused; /* entries */
        uint8_t key[SIPHASH_KEY];
        struct newcomer row[NEWCOMERS_ROWS][NEWCOMERS_ROW];
};

/* most: 0: the default. */
void newcomers_init(struct newcomers *all, uint32_t most);

/* Of this caller in this hour (since 1970): how many more may be new, and that some were made.
 * who: SPAN_NONE: nobody is named. */
uint32_t newcomers_left(const struct newcomers *all, struct span who, uint32_t hour);
void newcomers_count(struct newcomers *all, struct span who, uint32_t hour, uint32_t made);

/* An entry of a gateway, and what of it is sealed. */
struct newcomers_entry {
        struct span id, skeleton;
        const struct vault_field *fields;
        size_t n;
        struct span for_whom; /* where no field names its caller */
        int64_t wall_ns;
};

/* vault_seal() of it, with at most so many subjects in all.  -EDQUOT: its caller has made as many
 * new ones as he may; one of two may have been made all the same. */
MUST_USE int newcomers_seal(struct newcomers *all, struct vault *v, uint32_t most_subjects,
                            const struct newcomers_entry *e, struct vault_sealed *ret,
                            struct buf *rows, struct err *err);

#endif
