/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/record_text.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "wire/acl.h"
#include "wire/file_caps.h"

#include <linux/magic.h>

static const char *const part_names[RECORD_PARTS] = {
        [RECORD_FLAGS] = "flags", [RECORD_ACL] = "acl",     [RECORD_ACL_DEFAULT] = "acl_default",
        [RECORD_CAPS] = "caps",   [RECORD_LABEL] = "label", [RECORD_XATTRS] = "xattrs",
};

static const char *const known_names[] = {
        [RECORD_KNOWN] = "known",
        [RECORD_UNSUPPORTED] = "unsupported",
        [RECORD_UNREADABLE] = "unreadable",
        [RECORD_SKIPPED] = "skipped",
};

static const char *const flag_names[RECORD_FLAGS_COUNT] = {
        "immutable", "append", "verity", "encrypted", "compressed", "nodump",
};

const uint8_t record_flags_by_name[RECORD_FLAGS_COUNT] = { 1, 4, 3, 0, 5, 2 };

const char *record_part_name(enum record_part p)
{
        return part_names[p];
}

const char *record_known_name(enum record_known k)
{
        return known_names[k];
}

const char *record_flag_name(unsigned bit)
{
        return flag_names[bit];
}

/* Those of <linux/magic.h>, and what is not there: xfs, zfs, vfat, exfat, bcachefs, fuse, cifs. */
static const struct {
        uint32_t magic;
        const char *name;
} filesystems[] = {
        { EXT4_SUPER_MAGIC, "ext4" },
        { 0x58465342, "xfs" },
        { BTRFS_SUPER_MAGIC, "btrfs" },
        { TMPFS_MAGIC, "tmpfs" },
        { OVERLAYFS_SUPER_MAGIC, "overlay" },
        { 0x2fc12fc1, "zfs" },
        { 0xca451a4e, "bcachefs" },
        { F2FS_SUPER_MAGIC, "f2fs" },
        { SQUASHFS_MAGIC, "squashfs" },
        { EROFS_SUPER_MAGIC_V1, "erofs" },
        { NFS_SUPER_MAGIC, "nfs" },
        { 0xfe534d42, "smb2" },
        { 0xff534d42, "cifs" },
        { FUSE_SUPER_MAGIC, "fuse" },
        { MSDOS_SUPER_MAGIC, "vfat" },
        { 0x2011bab0, "exfat" },
        { ISOFS_SUPER_MAGIC, "iso9660" },
        { RAMFS_MAGIC, "ramfs" },
        { V9FS_MAGIC, "9p" },
        { CEPH_SUPER_MAGIC, "ceph" },
        { REISERFS_SUPER_MAGIC, "reiserfs" },
        { 0x3153464a, "jfs" },
        { HUGETLBFS_MAGIC, "hugetlbfs" },
        { DEVPTS_SUPER_MAGIC, "devpts" },
};

void record_put_fs(uint32_t fs, struct buf *out)
{
        for (size_t i = 0; i < ARRAY_LEN(filesystems); i++) {
                if (filesystems[i].magic == fs) {
                        buf_put_str(out, filesystems[i].name);
                        return;
                }
        }
        if (fs)
                buf_printf(out, "0x%08x", fs);
        else
                buf_put_str(out, "unknown");
}

/* Not those whose server has a clock of its own, and those that keep no such time. */
bool record_tells_when(const struct record *r)
{
        static const uint32_t magics[] = { EXT4_SUPER_MAGIC,      0x58465342 /* xfs */,
                                           BTRFS_SUPER_MAGIC,     TMPFS_MAGIC,
                                           OVERLAYFS_SUPER_MAGIC, 0x2fc12fc1 /* zfs */,
                                           F2FS_SUPER_MAGIC,      0xca451a4e /* bcachefs */ };

        for (size_t i = 0; i < ARRAY_LEN(magics); i++)
                if (magics[i] == r->fs)
                        return true;
        return false;
}

/* ---- values ---- */

static void put_digest(struct span value, const uint8_t *digest, struct buf *out)
{
        uint8_t made[SHA256_LEN];
        char hex[2 * SHA256_LEN + 1];

        if (!digest) {
                sha256(value, made);
                digest = made;
        }
        text_hex(span_of(digest, SHA256_LEN), hex);
        buf_printf(out, "sha256:%s", hex);
}

static void put_acl(const struct record_attr *a, struct buf *out)
{
        size_t entries = acl_entries(a->n);

        if (!a->digest && entries <= RECORD_ACL_SHOWN && acl_put_text(a->value, out, NULL) == 0)
                return;
        buf_printf(out, "%zu entries, ", entries);
        put_digest(a->value, a->digest, out);
}

static void put_caps(const struct record_attr *a, struct buf *out)
{
        struct file_caps c;

        if (!a->digest && file_caps_decode(a->value, &c, NULL) == 0) {
                file_caps_put_text(&c, out);
                return;
        }
        buf_printf(out, "%u bytes, ", a->n);
        put_digest(a->value, a->digest, out);
}

/* The kernel's labels end with a NUL, most of the time. */
static void put_label(const struct record_attr *a, struct buf *out)
{
        struct span s = a->value;

        if (a->digest) {
                buf_printf(out, "%u bytes, ", a->n);
                put_digest(s, a->digest, out);
                return;
        }
        if (s.n && s.p[s.n - 1] == 0)
                s.n--;
        text_put_safe(out, s);
}

void record_put_attr(const struct record_attr *a, struct buf *out)
{
        if (a->part == RECORD_CAPS)
                put_caps(a, out);
        else if (a->part == RECORD_LABEL)
                put_label(a, out);
        else
                put_acl(a, out);
}

/* ---- whole parts ---- */

static void put_flags(uint32_t flags, struct buf *out)
{
        const char *blank = "";

        for (unsigned i = 0; i < RECORD_FLAGS_COUNT; i++) {
                unsigned bit = record_flags_by_name[i];

                if (!(flags & 1u << bit))
                        continue;
                buf_printf(out, "%s%s", blank, flag_names[bit]);
                blank = " ";
        }
        if (!flags)
                buf_put_str(out, "none");
}

static void put_names(const struct record *r, struct buf *out)
{
        struct span rest = r->attrs;
        struct record_attr a;
        const char *blank = "";

        while (record_next_attr(&rest, &a)) {
                if (a.part != RECORD_XATTRS)
                        continue;
                buf_put_str(out, blank);
                if (a.name.n)
                        text_put_safe(out, a.name);
                else
                        buf_printf(out, "%u of them", a.n);
                blank = " ";
        }
        if (blank[0] == '\0')
                buf_put_str(out, "none");
}

void record_put_part(const struct record *r, enum record_part p, struct buf *out)
{
        struct record_attr a;

        if (r->known[p] != RECORD_KNOWN)
                buf_put_str(out, known_names[r->known[p]]);
        else if (p == RECORD_FLAGS)
                put_flags(r->flags, out);
        else if (p == RECORD_XATTRS)
                put_names(r, out);
        else if (record_attr(r, p, &a))
                record_put_attr(&a, out);
        else
                buf_put_str(out, "none");
}
