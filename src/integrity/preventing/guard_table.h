/* SPDX-License-Identifier: Apache-2.0 */
/* guard_table.h - what may be executed, in memory that the sensor writes and the guard reads.
 * Floor 3, pure.
 *
 *   sensor --file as it was read, verdict--> slot --file as it is now--> guard: yes, no, stale
 *
 * One writer and one reader in two processes, no lock: a slot has a sequence, odd while it is
 * written.  The reader tries a few times and then does not know; it never waits.  A file is known
 * by device and inode, and is the one that was read if its times and size are the same.  What is
 * let through because nobody asks for more at its path is so at that path only: a directory that is
 * moved changes no time of what is in it.
 *
 * The header carries signs of life (CLOCK_MONOTONIC, ns), by which each process sees whether the
 * others run. */
#ifndef INTEGRITY_GUARD_TABLE_H
#define INTEGRITY_GUARD_TABLE_H

#include "base/base.h"

#include <stdatomic.h>

enum {
        GUARD_SLOTS = 1 << 16,
        GUARD_FILES_MAX = GUARD_SLOTS / 4 * 3, /* more find no room: they are not known */
        GUARD_PROBES_MAX = 64,
};

enum guard_verdict {
        GUARD_STALE, /* not known, or another file by now */
        GUARD_ALLOW,
        GUARD_REFUSE,
};

struct guard_file {
        uint64_t dev, ino, size; /* dev: major << 32 | minor */
        int64_t mtime_ns, ctime_ns;
};

struct guard_slot {
        _Atomic uint64_t seq; /* 0: free */
        _Atomic uint64_t dev, ino, size, mtime_ns, ctime_ns, verdict;
        _Atomic uint64_t place; /* guard_place(); 0: any */
};

struct guard_shared {
        _Atomic int64_t handler_ns, watchdog_ns, sensor_ns; /* last sign of life */
        _Atomic uint64_t answered, refused, let_through;    /* by the handler, since it began */
        _Atomic uint64_t lost;                              /* its notices that found no room */
        _Atomic uint64_t files;
        uint64_t seed; /* of places; set before there is a reader */
        struct guard_slot slot[GUARD_SLOTS];
};

/* A path as a number that is not 0. */
uint64_t guard_place(const struct guard_shared *g, struct span path);

/* place 0: wherever it is met.  -ENOSPC: it is full; GUARD_STALE cannot be put. */
MUST_USE int guard_put(struct guard_shared *g, const struct guard_file *f,
                       enum guard_verdict verdict, uint64_t place);
/* *ret_place: where this holds; 0: anywhere. */
enum guard_verdict guard_find(const struct guard_shared *g, const struct guard_file *f,
                              uint64_t *ret_place);
/* Forget all. */
void guard_clear(struct guard_shared *g);

#endif
