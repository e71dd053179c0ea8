/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/record.h"

#include "base/le.h"
#include "integrity/trusted/record_priv.h"

enum { VERSION = 2 };

static unsigned put_known(const struct record *r)
{
        unsigned bits = 0;

        for (unsigned i = 0; i < RECORD_PARTS; i++)
                bits |= (unsigned)(r->known[i] & 3) << (2 * i);
        return bits;
}

void record_encode(const struct record *r, struct buf *out)
{
        uint8_t f[RECORD_FIXED] = { 0 };

        assert(r->type > 0 && r->type < RECORD_TYPE_END);
        assert((r->hash == RECORD_HASH_KNOWN) == (r->reason == RECORD_REASON_NONE));
        assert(r->link.n <= RECORD_LINK_MAX && r->attrs.n <= RECORD_ATTRS_MAX);
        f[0] = VERSION;
        f[1] = (uint8_t)r->type;
        f[2] = (uint8_t)r->hash;
        f[3] = (uint8_t)r->reason;
        le_put(f + 4, r->mode, 2);
        le_put(f + 6, put_known(r), 2);
        le_put(f + 8, r->uid, 4);
        le_put(f + 12, r->gid, 4);
        le_put(f + 16, r->nlink, 4);
        le_put(f + 20, r->flags, 4);
        le_put(f + 24, r->fs, 4);
        le_put(f + 28, r->link.n, 2);
        le_put(f + 30, r->attrs.n, 2);
        le_put(f + 32, r->size, 8);
        le_put(f + 40, (uint64_t)r->mtime_ns, 8);
        le_put(f + 48, (uint64_t)r->ctime_ns, 8);
        le_put(f + 56, (uint64_t)r->btime_ns, 8);
        le_put(f + 64, r->ino, 8);
        le_put(f + 72, r->dev, 8);
        le_put(f + 80, r->rdev, 8);
        buf_put(out, span_of(f, sizeof f));
        if (r->hash == RECORD_HASH_KNOWN)
                buf_put(out, span_of(r->sha256, RECORD_HASH));
        buf_put(out, r->link);
        buf_put(out, r->attrs);
}

static int check_enums(const uint8_t *f, struct err *err)
{
        if (f[0] != VERSION)
                return err_set(err, -EBADMSG, "record version %u is not known", f[0]);
        if (f[1] == 0 || f[1] >= RECORD_TYPE_END)
                return err_set(err, -EBADMSG, "record type %u is not known", f[1]);
        if (f[2] == 0 || f[2] >= RECORD_HASH_END)
                return err_set(err, -EBADMSG, "record hash status %u is not known", f[2]);
        if (f[3] >= RECORD_REASON_END || (f[2] == RECORD_HASH_KNOWN) != (f[3] == 0))
                return err_set(err, -EBADMSG, "record reason %u does not fit hash status %u", f[3],
                               f[2]);
        if (le_get(f + 6, 2) >> (2 * RECORD_PARTS))
                return err_set(err, -EBADMSG, "record bytes 6 and 7 name parts that are not");
        return 0;
}

static void get_fixed(const uint8_t *f, struct record *r)
{
        r->type = f[1];
        r->hash = f[2];
        r->reason = f[3];
        r->mode = (uint32_t)le_get(f + 4, 2);
        for (unsigned i = 0; i < RECORD_PARTS; i++)
                r->known[i] = (uint8_t)(le_get(f + 6, 2) >> (2 * i) & 3);
        r->uid = le_get32(f + 8);
        r->gid = le_get32(f + 12);
        r->nlink = le_get32(f + 16);
        r->flags = le_get32(f + 20);
        r->fs = le_get32(f + 24);
        r->size = le_get64(f + 32);
        r->mtime_ns = (int64_t)le_get64(f + 40);
        r->ctime_ns = (int64_t)le_get64(f + 48);
        r->btime_ns = (int64_t)le_get64(f + 56);
        r->ino = le_get64(f + 64);
        r->dev = le_get64(f + 72);
        r->rdev = le_get64(f + 80);
}

int record_decode(struct span s, struct record *ret, struct err *err)
{
        struct record r = { 0 };
        const uint8_t *p;
        size_t link_n, attrs_n, hash_n;
        int rc;

        if (s.n < RECORD_FIXED)
                return err_set(err, -EBADMSG, "record of %zu bytes is too short", s.n);
        rc = check_enums(s.p, err);
        if (rc)
                return rc;
        get_fixed(s.p, &r);
        link_n = le_get(s.p + 28, 2);
        attrs_n = le_get(s.p + 30, 2);
        hash_n = r.hash == RECORD_HASH_KNOWN ? RECORD_HASH : 0;
        if (s.n != RECORD_FIXED + hash_n + link_n + attrs_n)
                return err_set(err, -EBADMSG, "record of %zu bytes where its fields need %zu", s.n,
                               RECORD_FIXED + hash_n + link_n + attrs_n);
        if (r.mode > 07777 || r.flags & ~(uint32_t)RECORD_FLAGS_ALL)
                return err_set(err, -EBADMSG, "record mode or flags out of range");
        if (link_n > RECORD_LINK_MAX || attrs_n > RECORD_ATTRS_MAX)
                return err_set(err, -EBADMSG, "record of %zu bytes is too long", s.n);
        p = s.p + RECORD_FIXED;
        if (hash_n)
                memcpy(r.sha256, p, RECORD_HASH);
        r.link = span_of(p + hash_n, link_n);
        r.attrs = span_of(p + hash_n + link_n, attrs_n);
        if (attrs_n && !record_attrs_ok(&r))
                return err_set(err, -EBADMSG, "record attributes are not as they must be");
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
        [RECORD_REASON_TOO_LARGE] = "larger than what is read of one file",
        [RECORD_REASON_SPARSE] = "large, and hardly more than holes",
};

const char *const record_field_name[RECORD_F_COUNT] = {
        "type", "mode",   "uid",    "gid",   "size", "mtime",       "inode", "links", "target",
        "rdev", "sha256", "xattrs", "flags", "acl",  "acl_default", "caps",  "label", "fstype",
};

static const enum record_field part_fields[RECORD_PARTS] = {
        [RECORD_FLAGS] = RECORD_F_FLAGS,
        [RECORD_ACL] = RECORD_F_ACL,
        [RECORD_ACL_DEFAULT] = RECORD_F_ACL_DEFAULT,
        [RECORD_CAPS] = RECORD_F_CAPS,
        [RECORD_LABEL] = RECORD_F_LABEL,
        [RECORD_XATTRS] = RECORD_F_XATTRS,
};

enum record_field record_part_field(enum record_part p)
{
        return part_fields[p];
}

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

void record_keep_rights(struct record *r)
{
        r->size = r->dev = r->rdev = 0;
        r->mtime_ns = r->ctime_ns = r->btime_ns = 0;
        r->nlink = r->fs = 0;
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
        d |= a->flags != b->flags ? RECORD_F_FLAGS : 0;
        for (unsigned i = 0; i < RECORD_PARTS; i++)
                d |= !record_same_part(a, b, (enum record_part)i) ? part_fields[i] : 0;
        d |= a->fs != b->fs ? RECORD_F_FS : 0;
        return d;
}
