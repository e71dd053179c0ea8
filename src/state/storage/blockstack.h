/* SPDX-License-Identifier: Apache-2.0 */
/* blockstack.h - which block device lies on which, as /sys/block says, and what of that is
 * encrypted.  Floor 2, pure; for the table "encryption".
 *
 *   <disk>/dev            "254:0"             <disk>/<partition>/dev   "254:1"
 *   <disk>/dm/name        "vg-root"           <disk>/dm/uuid           "CRYPT-LUKS2-<uuid>-<name>"
 *   <disk>/slaves/<name>  what it lies on     <disk>/loop/backing_file a file that it lies in
 * (Documentation/ABI/stable/sysfs-block, testing/sysfs-block-dm of the kernel; the uuid is made by
 * cryptsetup, LVM and multipath, each with a word of its own in front.) */
#ifndef STATE_BLOCKSTACK_H
#define STATE_BLOCKSTACK_H

#include "base/base.h"
#include "state/reading/bundle.h"

enum { BLOCK_DEVICES_MAX = 2048, BLOCK_EDGES_MAX = 4096, BLOCK_DEPTH_MAX = 16 };

enum block_verdict {
        BLOCK_PLAIN,
        BLOCK_ENCRYPTED,
        BLOCK_MEMORY,  /* zram */
        BLOCK_UNKNOWN, /* within a file */
};

struct block_device {
        struct span name, dev;        /* "dm-0", "254:0" */
        struct span dm_name, dm_uuid; /* empty: no device of the mapper */
        struct span file;             /* a loop's */
        int crypt;                    /* where the encryption is, itself or below; -1 */
        size_t edge, n_edges;         /* to what it lies on */
        enum block_verdict verdict;
};

struct block_edge {
        struct span above, below;
        int above_at, below_at; /* -1: no such device */
};

struct block_stack {
        struct block_device *at; /* ascending by name once it is judged */
        size_t n;
        struct block_edge *edge; /* ascending by what is above */
        size_t n_edges;
        bool cut; /* there were more than fit */
};

/* Takes what it needs of a bundle, which stays the caller's and has to stay; judges each device.
 * -ENOMEM. */
MUST_USE int block_stack_read(struct block_stack *s, struct state_in in);
void block_stack_done(struct block_stack *s);

/* -1: none. */
int block_by_dev(const struct block_stack *s, struct span dev);
/* "/dev/sda1", "/dev/mapper/vg-root". */
int block_by_path(const struct block_stack *s, struct span path);
/* What a device lies on: a device, or -1.  Of several the first, or the first that is in the
 * clear. */
int block_below(const struct block_stack *s, int device);

#endif
