/* SPDX-License-Identifier: Apache-2.0 */
/* erasures.h - subjects that are erased beside those that an entry says are.  Floor 3.
 *
 * Each subject once, however many entries speak of it: 32 bytes of memory or less a subject from a
 * thousand on, so half a gigabyte for all that a vault may know. */
#ifndef COMMAND_VERIFY_ERASURES_H
#define COMMAND_VERIFY_ERASURES_H

#include "base/base.h"
#include "base/err.h"
#include "crypto/siphash.h"
#include "wire/entry.h"

struct erasures {
        struct erasure *at; /* open addressing */
        size_t n, cap;
        uint32_t most;
        uint64_t untold; /* that are gone, and nothing says so */
        uint8_t key[SIPHASH_KEY];
};

/* Beyond `most` subjects -E2BIG, and what is there stays. */
void erasures_init(struct erasures *e, uint32_t most);
void erasures_done(struct erasures *e);

/* Entry index, in ascending order, speaks of a subject that is gone; an entry says that it is.
 * What is no id is nobody's. */
MUST_USE int erasures_gone(struct erasures *e, struct span id, uint64_t index, struct err *err);
MUST_USE int erasures_told(struct erasures *e, struct span id, struct err *err);
/* Is it known to be gone? */
bool erasures_is_gone(const struct erasures *e, struct span id);

/* The first entry that speaks of one that is gone and of which nothing is told. */
bool erasures_untold(const struct erasures *e, uint64_t *ret_index,
                     char ret_id[ENTRY_SUBJECT_LEN + 1]);

#endif
