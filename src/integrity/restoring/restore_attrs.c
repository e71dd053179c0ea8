/* SPDX-License-Identifier: Apache-2.0 */
/* restore_attrs.c - a file gets its attributes back.
 *
 * In this order, for each takes something of those before it away: owner, lists and extended
 * attributes, mode, times; inode flags when all else is done. */
#include "integrity/restoring/restore_disk_priv.h"

#include "crypto/sha256.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/observe_priv.h"
#include "sys/fsput.h"
#include "sys/io.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 255 };

static int call(struct restorer *r, struct hand_ask a)
{
        return restore_call(r, a, NULL);
}

/* A value of which the record has the digest only, out of the store. */
static int stored_value(struct restorer *r, const uint8_t digest[RECORD_HASH], struct buf *out)
{
        CLEANUP_FD int fd = memfd_create("value", MFD_CLOEXEC);
        struct stat st;
        uint8_t *p;
        int rc = fd < 0 ? -errno : content_copy(r->content, digest, fd, NULL);

        if (rc == 0 && fstat(fd, &st) < 0)
                rc = -errno;
        if (rc < 0)
                return rc;
        if (st.st_size > OBSERVE_VALUE_MAX)
                return -E2BIG;
        p = buf_extend(out, (size_t)st.st_size);
        if (!p)
                return st.st_size ? buf_status(out) : 0;
        return pread(fd, p, (size_t)st.st_size, 0) == st.st_size ? 0 : -EIO;
}

static bool attr_name(const struct record_attr *a, char name[NAME_MAX_BYTES + 1])
{
        const char *part = observe_part_attr(a->part);

        if (part) {
                memcpy(name, part, strlen(part) + 1);
                return true;
        }
        if (a->name.n == 0 || a->name.n > NAME_MAX_BYTES)
                return false; /* more of them than are kept apart */
        memcpy(name, a->name.p, a->name.n);
        name[a->name.n] = '\0';
        return true;
}

/* Is the value there this one already?  Then it needs no right to be set. */
static bool has_value(int fd, const char *name, struct span value, struct buf *scratch)
{
        buf_clear(scratch);
        return fs_xattr_get(fd, name, scratch) == 0 && span_eq(buf_span(scratch), value);
}

static int put_one(struct restorer *r, int fd, const struct record_attr *a)
{
        CLEANUP(buf_done) struct buf is = BUF_INIT(OBSERVE_VALUE_MAX);
        char name[NAME_MAX_BYTES + 1];
        struct span value = a->value;
        int rc;

        if (!attr_name(a, name))
                return -ENOTSUP;
        if (a->digest) {
                r->value = BUF_INIT(OBSERVE_VALUE_MAX);
                rc = stored_value(r, a->digest, &r->value);
                value = buf_span(&r->value);
        } else {
                rc = 0;
        }
        if (rc == 0 && !has_value(fd, name, value, &is))
                rc = call(r,
                          (struct hand_ask){
                                  .act = HAND_XATTR_SET, .fd = fd, .name = name, .value = value });
        if (a->digest)
                buf_done(&r->value);
        return rc;
}

static enum record_part part_of(const char *name)
{
        for (unsigned i = 0; i < RECORD_PARTS; i++) {
                const char *part = observe_part_attr((enum record_part)i);

                if (part && strcmp(part, name) == 0)
                        return (enum record_part)i;
        }
        return RECORD_XATTRS;
}

static bool is_wanted(const struct record *good, enum record_part p, const char *name)
{
        struct span rest = good->attrs;
        struct record_attr a;

        while (record_next_attr(&rest, &a))
                if (a.part == p &&
                    (p != RECORD_XATTRS || a.name.n == 0 || span_eq_str(a.name, name)))
                        return true;
        return false;
}

/* What it has and should not have.  A label is the system's to give: where none is known, the one
 * that is there stays. */
static unsigned remove_others(struct restorer *r, int fd, const struct record *good)
{
        CLEANUP(buf_done) struct buf names = BUF_INIT(OBSERVE_VALUE_MAX);
        unsigned left = 0;

        if (fs_xattr_list(fd, &names) < 0)
                return 0;
        for (size_t at = 0; at < names.n; at += strlen((char *)names.p + at) + 1) {
                const char *name = (char *)names.p + at;
                enum record_part p = part_of(name);
                int rc;

                if (good->known[p] != RECORD_KNOWN || p == RECORD_LABEL || is_wanted(good, p, name))
                        continue;
                rc = call(r, (struct hand_ask){ .act = HAND_XATTR_REMOVE, .fd = fd, .name = name });
                if (rc < 0 && rc != -ENODATA)
                        left |= record_part_field(p);
        }
        return left;
}

static unsigned put_attrs(struct restorer *r, int fd, const struct record *good)
{
        struct span rest = good->attrs;
        unsigned left = remove_others(r, fd, good);
        struct record_attr a;

        while (record_next_attr(&rest, &a))
                if (put_one(r, fd, &a) < 0)
                        left |= record_part_field(a.part);
        return left;
}

unsigned restore_attrs(struct restorer *r, int fd, const struct record *good)
{
        unsigned left = 0;
        struct fs_stat st;

        if (fs_stat_fd(fd, &st) < 0 ||
            ((st.uid != good->uid || st.gid != good->gid) &&
             call(r, (struct hand_ask){
                             .act = HAND_CHOWN, .fd = fd, .a = good->uid, .b = good->gid }) < 0))
                left |= RECORD_F_UID | RECORD_F_GID;
        left |= put_attrs(r, fd, good);
        if (good->type != RECORD_LINK &&
            call(r, (struct hand_ask){ .act = HAND_CHMOD, .fd = fd, .a = good->mode }) < 0)
                left |= RECORD_F_MODE;
        if (good->type != RECORD_DIR &&
            call(r, (struct hand_ask){ .act = HAND_MTIME, .fd = fd, .a = good->mtime_ns }) < 0)
                left |= RECORD_F_MTIME;
        return left;
}

/* Those of a record that can be set. */
static unsigned to_attr(uint32_t flags)
{
        return (flags & RECORD_IMMUTABLE ? FS_ATTR_IMMUTABLE : 0u) |
               (flags & RECORD_APPEND ? FS_ATTR_APPEND : 0u) |
               (flags & RECORD_NODUMP ? FS_ATTR_NODUMP : 0u);
}

static bool has_no_flags(int rc)
{
        return rc == -ENOTTY || rc == -EOPNOTSUPP || rc == -ENOSYS || rc == -EINVAL;
}

unsigned restore_flags(struct restorer *r, int fd, const struct record *good)
{
        const unsigned all = FS_ATTR_IMMUTABLE | FS_ATTR_APPEND | FS_ATTR_NODUMP;
        unsigned want = to_attr(good->flags);
        int rc;

        if (good->known[RECORD_FLAGS] != RECORD_KNOWN ||
            (good->type != RECORD_FILE && good->type != RECORD_DIR))
                return 0;
        rc = restore_flags_change(r, fd, all & ~want, want, NULL);
        return rc < 0 && (want || !has_no_flags(rc)) ? RECORD_F_FLAGS : 0;
}

int restore_lift(struct restorer *r, int fd, unsigned *ret_had)
{
        const unsigned hard = FS_ATTR_IMMUTABLE | FS_ATTR_APPEND;
        unsigned had = 0;
        int rc = restore_flags_change(r, fd, hard, 0, &had);

        *ret_had = rc == 0 ? had & hard : 0;
        return has_no_flags(rc) ? 0 : rc;
}
