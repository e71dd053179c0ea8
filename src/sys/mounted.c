/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/mounted.h"

#include <limits.h>
#include <mntent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

enum { LINE_MAX_HERE = 4 * PATH_MAX };

static bool is_ours(const char *type)
{
        static const char *const types[] = {
                "bcachefs", "btrfs",   "exfat",    "ext2",  "ext3", "ext4", "f2fs", "jfs", "nilfs2",
                "ntfs3",    "overlay", "reiserfs", "tmpfs", "udf",  "vfat", "xfs",  "zfs",
        };

        for (size_t i = 0; i < ARRAY_LEN(types); i++)
                if (strcmp(types[i], type) == 0)
                        return true;
        return false;
}

static int tell(const char *root, const struct mntent *e, mounted_fn *fn, void *ctx)
{
        struct mounted m = { .source = e->mnt_fsname, .at = e->mnt_dir, .type = e->mnt_type };
        char full[PATH_MAX];
        struct statvfs v;
        struct stat st;

        if ((size_t)snprintf(full, sizeof full, "%s%s", root, e->mnt_dir) >= sizeof full ||
            lstat(full, &st) < 0 || !S_ISDIR(st.st_mode) || statvfs(full, &v) < 0)
                return 0; /* hidden by another mount, or gone since */
        m.dev = st.st_dev;
        m.size = (uint64_t)v.f_blocks * v.f_frsize;
        m.used = (uint64_t)(v.f_blocks - v.f_bfree) * v.f_frsize;
        m.available = (uint64_t)v.f_bavail * v.f_frsize;
        m.inodes = v.f_files;
        m.inodes_free = v.f_ffree;
        m.read_only = v.f_flag & ST_RDONLY;
        m.nosuid = v.f_flag & ST_NOSUID;
        return fn(ctx, &m);
}

int mounted_each(const char *root, const char *list, mounted_fn *fn, void *ctx)
{
        char line[LINE_MAX_HERE], path[PATH_MAX];
        struct mntent e;
        FILE *f;
        int rc = 0;

        if ((size_t)snprintf(path, sizeof path, "%s%s", root, list) >= sizeof path)
                return -ENAMETOOLONG;
        f = setmntent(path, "re");
        if (!f)
                return -errno;
        for (int i = 0; i < MOUNTED_MAX && rc == 0; i++) {
                if (!getmntent_r(f, &e, line, sizeof line))
                        break;
                if (is_ours(e.mnt_type))
                        rc = tell(root, &e, fn, ctx);
        }
        endmntent(f);
        return rc;
}
