/* SPDX-License-Identifier: Apache-2.0 */
/* bpf.h - our programs in the kernel, and what they tell.  Floor 1, over libbpf.
 *
 * An object of bpf/ is built into this library, so what runs in the kernel is what this program was
 * built with.  Each object has one ring, named "ring", and its global data begins with a count of
 * the records that found no room in it.  Loading takes rights (CAP_BPF and CAP_PERFMON, or
 * CAP_SYS_ADMIN) and the bpf system call; reading takes neither. */
#ifndef SYS_BPF_H
#define SYS_BPF_H

#include "base/base.h"
#include "base/err.h"

enum bpf_object_id {
        BPF_PROCESS, /* records of bpf/process.h */
        BPF_ATTEMPT, /* of bpf/attempt.h; tells nothing before its map "calls" is filled */
};

struct bpf;

/* Load and attach all programs of the object.  The error's text is the reason, for people: what
 * this kernel lacks, or what it refused.  -EOPNOTSUPP: also in a process namespace that is not the
 * host's, since the programs tell the host's numbers of processes. */
MUST_USE int bpf_open(enum bpf_object_id id, struct bpf **ret, struct err *err);
struct bpf *bpf_free(struct bpf *b); /* detaches; NULL is fine */
DEFINE_CLEANUP(struct bpf, bpf_free)

/* An element of an array that the object has; takes the same rights as opening it. */
MUST_USE int bpf_set(struct bpf *b, const char *map, uint32_t key, struct span value);

/* Readable when there is something to read that should be; for the rest look again after a while.
 */
int bpf_fd(const struct bpf *b);
/* Pass on each record that was written before the call; one that returns below 0 ends it, and is
 * returned. */
MUST_USE int bpf_read(struct bpf *b, int (*each)(void *ctx, struct span record), void *ctx);
/* Records lost since it was opened. */
uint64_t bpf_lost(const struct bpf *b);

/* The object as it was built in. */
struct span bpf_bytes(enum bpf_object_id id);

#endif
