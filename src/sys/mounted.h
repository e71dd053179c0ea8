/* SPDX-License-Identifier: Apache-2.0 */
/* mounted.h - filesystems that are mounted, and how full each is (getmntent(3), statvfs(3)).
 * Floor 1. */
#ifndef SYS_MOUNTED_H
#define SYS_MOUNTED_H

#include "base/base.h"

enum { MOUNTED_MAX = 1024 }; /* lines that are looked at */

struct mounted {
        const char *source, *at, *type; /* valid during the call */
        uint64_t dev;                   /* st_dev */
        uint64_t size, used, available; /* bytes; available to others than root */
        uint64_t inodes, inodes_free;   /* 0, 0: it has no fixed number */
        bool read_only, nosuid;
};

/* Negative: stop and return it. */
typedef int mounted_fn(void *ctx, const struct mounted *m);

/* Each filesystem of this machine's own disks and memory in the list (/proc/self/mounts), below
 * root; one that is mounted several times is told as often.  Filesystems over a network or of a
 * process are left out: asking one whose other end is gone would wait for ever.  So are images that
 * nobody can write, which are full by nature.  Negative errno: the list cannot be read. */
MUST_USE int mounted_each(const char *root, const char *list, mounted_fn *fn, void *ctx);

#endif
