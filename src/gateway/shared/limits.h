/* SPDX-License-Identifier: Apache-2.0 */
/* limits.h - how often a caller may call an operation, in memory that all workers share.  Floor 3,
 * pure: the owner has the memory and its lock.
 *
 * Rate: the generic cell rate algorithm, `rate` in `per_s`, `burst` at once; the time between two
 * calls is rounded up to whole nanoseconds, so it is never exceeded.  Quota: so many in a window of
 * quota_s, windows beginning at whole multiples of it since 1970 (UTC).  A call that the one lets
 * pass and the other does not takes nothing of either.  A key is SHA-256 of API, operation and
 * caller, so no name is in the memory.
 *
 * A table of rows of eight: where a row is full the slot goes whose limits have long been free
 * again, else the one that is freest; limits_evicted() counts those that were not free (somebody
 * then has a fresh start: the size of the table is the ceiling of how many callers are told apart).
 * Rows are chosen by a keyed hash: nobody can aim at another's row.
 *
 * What is in the memory was written by a process that may have been killed in the midst of it: a
 * slot whose checksum is wrong is free, so that any bytes behind the header are a table that works,
 * at worst for a few callers wrongly.
 *
 *   offset  size  header
 *        0     8  "ASLIMIT1"
 *        8     4  rows, in the byte order of the machine like all that follows
 *       16    16  key of the hash
 *       32     8  slots that were taken from somebody
 *       64        rows of eight slots of 64 bytes, each with its CRC-32C in the last four */
#ifndef GATEWAY_LIMITS_H
#define GATEWAY_LIMITS_H

#include "base/base.h"
#include "package/config/config.h"

enum {
        LIMITS_ROW = 8,
        LIMITS_LOOK = 2048,
        LIMITS_SKEW_MS = 1000, /* by how much the clocks of two workers may differ: nginx reads its
                                  clock once a turn */
};

struct limits;
/* How many callers and operations fit: slots is rounded up to whole rows, at least one. */
size_t limits_bytes(uint32_t slots);
/* In zeroed memory of that many bytes, aligned for any type; key: 16 random bytes. */
struct limits *limits_init(void *memory, uint32_t slots, const uint8_t key[16]);
/* What is there already, from before; NULL: it is none, or one of another size. */
struct limits *limits_again(void *memory, size_t bytes);

struct limits_answer {
        enum { LIMITS_PASS, LIMITS_RATE, LIMITS_QUOTA } what; /* of two the one that takes longer */
        int64_t again_ns; /* how long until it may pass: for Retry-After */
};
/* The lock is held.  now_ns: since 1970; a clock that went back by more than LIMITS_SKEW_MS leaves
 * of a burst what was left, lets nobody wait for longer than one period and LIMITS_SKEW_MS, and
 * gives nobody a new quota. */
struct limits_answer limits_take(struct limits *l, const uint8_t key[32],
                                 const struct config_limit *limit, int64_t now_ns);
uint64_t limits_evicted(const struct limits *l);

struct limits_use {
        uint64_t slots, used; /* used: of LIMITS_LOOK rows at most, taken for all */
        uint64_t evicted;
};
/* No lock is needed: what somebody writes in the meantime may count as either. */
void limits_use(const struct limits *l, int64_t now_ns, struct limits_use *ret);

/* The limit that holds for this operation; NULL: none. */
const struct config_limit *limits_of(const struct config *c, struct span operation);

#endif
