/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/record.h"

#include "base/le.h"

void record_encode(const struct record *r, struct buf *out)
{
        uint8_t f[RECORD_FIXED] = { 0 };

        assert(r->type > 0 && r->type < RECORD_TYPE_END);
        assert((r->hash == RECORD_HASH_KNOWN) == (r->reason == RECORD_REASON_NONE));
        assert(r->link.n <= UINT16_MAX && r->xattrs.n <= UINT16_MAX);
        f[0] = 1;
        f[1] = (uint8_t)r->type;
        f[2] = (uint8_t)r->hash;
        f[3] = (uint8_t)r->reason;
        le_put(f + 4, r->mode, 4);
        le_put(f + 8, r->uid, 4);
        le_put(f + 12, r->gid, 4);
        le_put(f + 16, r->nlink, 4);
        le_put(f + 20, r->flags, 4);
        le_put(f + 24, r->size, 8);
        le_put(f + 32, (uint64_t)r->mtime_ns, 8);
        le_put(f + 40, (uint64_t)r->ctime_ns, 8);
        le_put(f + 48, (uint64_t)r->btime_ns, 8);
        le_put(f + 56, r->ino, 8);
        le_put(f + 64, r->dev, 8);
        le_put(f + 72, r->rdev, 8);
        le_put(f + 80, r->link.n, 2);
        le_put(f + 82, r->xattrs.n, 2);
        f[84] = (uint8_t)r->xattr_status;
        buf_put(out, span_of(f, sizeof f));
        if (r->hash == RECORD_HASH_KNOWN)
                buf_put(out, span_of(r->sha256, RECORD_HASH));
        buf_put(out, r->link);
        if (r->xattrs.n) {
                buf_put(out, span_of(r->xattr_digest, RECORD_HASH));
                buf_put(out, r->xattrs);
        }
}

/* Names end with a NUL each, are not empty and ascend. */
static bool names_ok(struct span s)
{
        struct span last = SPAN_NONE;

        while (s.n) {
                const uint8_t *end = memchr(s.p, 0, s.n);
                struct span name;

                if (!end || end == s.p)
                        return false;
                name = span_of(s.p, (size_t)(end - s.p));
                if (last.p && span_cmp(last, name) >= 0)
                        return false;
                last = name;
                s = span_from(s, name.n + 1);
        }
        return true;
}

static int check_enums(const uint8_t *f, struct err *err)
{
        if (f[0] != 1)
                return err_set(err, -EBADMSG, "record version %u is not known", f[0]);
        if (f[1] == 0 || f[1] >= RECORD_TYPE_END)
                return err_set(err, -EBADMSG, "record type %u is not known", f[1]);
        if (f[2] == 0 || f[2] >= RECORD_HASH_END)
                return err_set(err, -EBADMSG, "record hash status %u is not known", f[2]);
        if (f[3] >= RECORD_REASON_END || (f[2] == RECORD_HASH_KNOWN) != (f[3] == 0))
                return err_set(err, -EBADMSG, "record reason %u does not fit hash status %u", f[3],
                               f[2]);
        if (f[84] >= RECORD_XATTRS_END || f[85] || f[86] || f[87])
                return err_set(err, -EBADMSG, "record bytes 84 to 87 are not as they must be");
        return 0;
}

int record_decode(struct span s, struct record *ret, struct err *err)
{
        struct record r = { 0 };
        const uint8_t *f = s.p, *p;
        size_t link_n, names_n, want = RECORD_FIXED;
        int rc;

        if (s.n < RECORD_FIXED)
                return err_set(err, -EBADMSG, "record of %zu bytes is too short", s.n);
        rc = check_enums(f, err);
        if (rc)
                return rc;
        r.type = f[1];
        r.hash = f[2];
        r.reason = f[3];
        r.mode = (uint32_t)le_get(f + 4, 4);
        r.uid = (uint32_t)le_get(f + 8, 4);
        r.gid = (uint32_t)le_get(f + 12, 4);
        r.nlink = (uint32_t)le_get(f + 16, 4);
        r.flags = (uint32_t)le_get(f + 20, 4);
        r.size = le_get(f + 24, 8);
        r.mtime_ns = (int64_t)le_get(f + 32, 8);
        r.ctime_ns = (int64_t)le_get(f + 40, 8);
        r.btime_ns = (int64_t)le_get(f + 48, 8);
        r.ino = le_get(f + 56, 8);
        r.dev = le_get(f + 64, 8);
        r.rdev = le_get(f + 72, 8);
        link_n = le_get(f + 80, 2);
        names_n = le_get(f + 82, 2);
        r.xattr_status = f[84];
        want += r.hash == RECORD_HASH_KNOWN ? RECORD_HASH : 0;
        want += link_n + names_n + (names_n ? RECORD_HASH : 0);
        if (s.n != want)
                return err_set(err, -EBADMSG, "record of %zu bytes where its fields need %zu", s.n,
                               want);
        if (r.mode > 07777 || r.flags & ~(uint32_t)RECORD_FLAGS_ALL)
                return err_set(err, -EBADMSG, "record mode or flags out of range");
        p = f + RECORD_FIXED;
        if (r.hash == RECORD_HASH_KNOWN) {
                memcpy(r.sha256, p, RECORD_HASH);
                p += RECORD_HASH;
        }
        r.link = span_of(p, link_n);
        p += link_n;
        if (names_n) {
                memcpy(r.xattr_digest, p, RECORD_HASH);
                r.xattrs = span_of(p + RECORD_HASH, names_n);
                if (!names_ok(r.xattrs))
                        return err_set(err, -EBADMSG, "record attribute names are not in order");
        }
        *ret = r;
        return 0;
}

static const char *const type_names[RECORD_TYPE_END] = {
        [RECORD_FILE] = "file",   [RECORD_DIR] = "dir",       [RECORD_LINK] = "link",
        [RECORD_FIFO] = "fifo",   [RECORD_SOCKET] = "socket", [RECORD_CHAR] = "char",
        [RECORD_BLOCK] = "block",
};

static const char *const hash_names[RECORD_HASH_END] = {
        [RECORD_HASH_KNOWN] = "known",
        [RECORD_HASH_UNREADABLE] = "unreadable",
        [RECORD_HASH_SKIPPED] = "skipped",
};

static const char *const reason_names[RECORD_REASON_END] = {
        [RECORD_REASON_NONE] = "none",
        [RECORD_REASON_NOT_A_FILE] = "not a regular file",
        [RECORD_REASON_DENIED] = "permission denied",
        [RECORD_REASON_IO] = "input/output error",
        [RECORD_REASON_BUSY] = "leased or locked by another process",
        [RECORD_REASON_CHANGING] = "kept changing while it was read",
        [RECORD_REASON_NO_MEMORY] = "out of memory",
};

const char *const record_field_name[RECORD_F_COUNT] = {
        "type",  "mode",   "uid",  "gid",    "size",   "mtime", "inode",
        "links", "target", "rdev", "sha256", "xattrs", "flags",
};

const char *record_type_name(enum record_type t)
{
        return type_names[t];
}

const char *record_hash_name(enum record_hash h)
{
        return hash_names[h];
}

const char *record_reason_name(enum record_reason r)
{
        return reason_names[r];
}

bool record_same_file(const struct record *a, const struct record *b)
{
        return a->dev == b->dev && a->ino == b->ino && a->btime_ns == b->btime_ns &&
               a->type == b->type;
}

bool record_same_stat(const struct record *a, const struct record *b)
{
        return record_same_file(a, b) && a->mode == b->mode && a->uid == b->uid &&
               a->gid == b->gid && a->nlink == b->nlink && a->flags == b->flags &&
               a->size == b->size && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns &&
               a->rdev == b->rdev;
}

unsigned record_diff(const struct record *a, const struct record *b)
{
        bool dir = a->type == RECORD_DIR && b->type == RECORD_DIR;
        unsigned d = 0;

        d |= a->type != b->type ? RECORD_F_TYPE : 0;
        d |= a->mode != b->mode ? RECORD_F_MODE : 0;
        d |= a->uid != b->uid ? RECORD_F_UID : 0;
        d |= a->gid != b->gid ? RECORD_F_GID : 0;
        d |= !dir && a->size != b->size ? RECORD_F_SIZE : 0;
        d |= !dir && a->mtime_ns != b->mtime_ns ? RECORD_F_MTIME : 0;
        d |= a->ino != b->ino || a->btime_ns != b->btime_ns ? RECORD_F_INODE : 0;
        d |= !dir && a->nlink != b->nlink ? RECORD_F_LINKS : 0;
        d |= !span_eq(a->link, b->link) ? RECORD_F_LINK : 0;
        d |= a->rdev != b->rdev ? RECORD_F_RDEV : 0;
        if (a->hash != b->hash || memcmp(a->sha256, b->sha256, RECORD_HASH) != 0)
                d |= RECORD_F_SHA256;
        if (a->xattr_status != b->xattr_status || !span_eq(a->xattrs, b->xattrs) ||
            memcmp(a->xattr_digest, b->xattr_digest, RECORD_HASH) != 0)
                d |= RECORD_F_XATTRS;
        d |= a->flags != b->flags ? RECORD_F_FLAGS : 0;
        return d;
}
