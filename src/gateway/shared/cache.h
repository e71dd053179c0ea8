/* SPDX-License-Identifier: Apache-2.0 */
/* cache.h - answers of back-ends, in memory that all workers share and nowhere else.  Floor 3,
 * pure: the owner has the memory (locked into RAM, left out of dumps) and its lock.
 *
 * Kept is what the back-end said, before masks: who asks is asked about again, and masked for, and
 * recorded, on every hit.  A key is SHA-256 of generation, API, operation, the request to the
 * back-end and the caller, or with `by: rights` of the caller's groups and claims.
 *
 * A log of records in a ring with an index of rows: what is overwritten is gone.  Bytes that are
 * given up are zeroed: of records that are overwritten, replaced, or found to be over.  A record
 * has how often its places had been erased when it was stored: when one was since, it is over.
 *
 * What is in the memory was written by a process that may have been killed in the midst of it:
 *   1. every record has its place, its key and a checksum, and what does not agree is no hit;
 *   2. who changes anything but a count says so before and after: whoever comes upon a change that
 *      was begun and never ended erases all;
 *   3. bytes that cannot be read as the log they should be are erased, all of them.
 *
 *   offset    size  in the byte order of the machine
 *        0       8  "ASCACHE3"
 *        8       8  bytes of all of it
 *       16      16  key of the index's hash
 *       32      32  head and tail of the log, counted from its beginning for ever; whether a change
 *                   was begun; zero
 *       64      56  counts
 *      128     512  how often each source was erased
 *      640          index: rows of eight of 16 bytes: tag, place of the record
 *                   ring: records, each a header of 112 bytes, media type, body; up to 16 bytes */
#ifndef GATEWAY_CACHE_H
#define GATEWAY_CACHE_H

#include "base/base.h"

enum { CACHE_MIN = 1 << 20, CACHE_SKEW_MS = 1000, CACHE_SOURCES = 64 };

struct cache;
/* bytes: all that it may use, CACHE_MIN at least (asserted).  In zeroed memory, aligned for any
 * type; key: 16 random bytes. */
struct cache *cache_init(void *memory, size_t bytes, const uint8_t key[16]);
/* What is there already, from before; NULL: it is none, or one of another size. */
struct cache *cache_again(void *memory, size_t bytes);

struct cache_answer {
        uint16_t status;
        struct span media, body;
        int64_t stored_ns, until_ns;
        uint64_t sources; /* a bit of each place that it may be from; not set by cache_find() */
};
/* Each with the lock held.  Find copies into buf of max bytes: false: not there, over, or it does
 * not fit.  Over is also what was stored more than CACHE_SKEW_MS from now: the clock went back. */
bool cache_find(struct cache *c, const uint8_t key[32], int64_t now_ns, uint8_t *buf, size_t max,
                struct cache_answer *ret);
/* What is larger than an eighth of the cache is not kept, nor what is over as it is stored.  An
 * answer with the same key is replaced. */
void cache_keep(struct cache *c, const uint8_t key[32], const struct cache_answer *a);
/* Zeroes what is over, of some that are looked at; again and again, it looks at all.  *from: where
 * it goes on, 0 at first. */
void cache_sweep(struct cache *c, int64_t now_ns, uint64_t *from);
/* All of it, zeroed: at stop, at deployment.  Takes as long as there is much in it. */
void cache_erase(struct cache *c);
/* Only what is from one of these places: it is over at once, however much it is. */
void cache_erase_of(struct cache *c, uint64_t sources);
/* Grows whenever something of these places is erased, or all is. */
uint64_t cache_erased(const struct cache *c, uint64_t sources);

struct cache_counts {
        uint64_t hits, misses, kept;
        uint64_t erased;      /* times that all or some was */
        uint64_t overwritten; /* before they were over */
        uint64_t damaged; /* records that did not agree, and times that all was erased for 2, 3 */
        size_t used;
};
void cache_counts(const struct cache *c, struct cache_counts *ret);

#endif
