/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* walk.h - the way from a file up to the root, as the programs put it into their records: each
 * part's name with its NUL, the last one first.
 *
 * One turn is a function that the kernel's own loop calls (Linux 5.17): the verifier looks at it
 * once and not in each of its turns. */
#ifndef BPF_WALK_H
#define BPF_WALK_H

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

enum {
        WALK_PARTS = 64,    /* and mounts crossed */
        WALK_BYTES = 4096,  /* of all names at most */
        WALK_PART = 256,    /* a name and its NUL */
        WALK_DATA = 0x4000, /* bytes of the caller's data */
        WALK_MASK = 0x1fff, /* offsets in it: 8191 + 4096 is still inside */
};

/* data and at lie in a map: what the verifier knows of at is then the same in every turn. */
struct walk {
        __u8 *data; /* WALK_DATA of them */
        __u32 *at;  /* where the next name goes */
        __u32 begin;
        struct vfsmount *mnt;
        struct dentry *d;
        bool whole; /* up to the root; else the first parts are missing */
};

/* Append a name with its NUL; false: not readable, or empty. */
static __always_inline bool walk_put(__u8 *data, __u32 *at, const void *name)
{
        long n = bpf_probe_read_kernel_str(&data[*at & WALK_MASK], WALK_PART, name);

        if (n <= 1)
                return false;
        *at += n;
        return true;
}

/* 1: this was the last. */
static long walk_up(__u32 i, struct walk *w)
{
        struct dentry *d = w->d, *parent = BPF_CORE_READ(d, d_parent);
        struct vfsmount *mnt = w->mnt;

        if (*w->at - w->begin >= WALK_BYTES - WALK_PART)
                return 1;
        if (d == BPF_CORE_READ(mnt, mnt_root)) {
                struct mount *m = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
                struct mount *up = BPF_CORE_READ(m, mnt_parent);

                w->whole = up == m;
                w->d = BPF_CORE_READ(m, mnt_mountpoint);
                w->mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);
                return w->whole;
        }
        if (!walk_put(w->data, w->at, BPF_CORE_READ(d, d_name.name)))
                return 1;
        w->whole = d == parent; /* a file of no directory, such as a memfd, is its own root */
        w->d = parent;
        return w->whole;
}

/* Puts the names behind *at; false: not all of them. */
static __always_inline bool walk_path(__u8 *data, __u32 *at, struct vfsmount *mnt, struct dentry *d)
{
        struct walk w = { .data = data, .at = at, .begin = *at, .mnt = mnt, .d = d };

        bpf_loop(WALK_PARTS, walk_up, &w, 0);
        return w.whole;
}

#endif
