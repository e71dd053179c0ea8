/* SPDX-License-Identifier: Apache-2.0 */
/* observe_attrs.c - access lists, capabilities, labels and other extended attributes.
 *
 * SECURITY: names and values are hostile bytes; nothing here interprets them. */
#include "integrity/trusted/content.h"
#include "integrity/trusted/observe_priv.h"

#include <stdlib.h>
#include <sys/vfs.h>

enum { USES_MAX = 64 }; /* where mount ids come again, so that a new filesystem is soon noticed */

static const char *const part_attr[RECORD_PARTS] = {
        [RECORD_ACL] = "system.posix_acl_access",
        [RECORD_ACL_DEFAULT] = "system.posix_acl_default",
        [RECORD_CAPS] = "security.capability",
        [RECORD_LABEL] = "security.selinux",
};

const char *observe_part_attr(enum record_part p)
{
        return part_attr[p];
}

static enum record_part part_of(const char *name)
{
        for (unsigned i = 0; i < RECORD_PARTS; i++)
                if (part_attr[i] && strcmp(name, part_attr[i]) == 0)
                        return (enum record_part)i;
        return RECORD_XATTRS;
}

/* ---- the filesystem ---- */

static void learn_fs(struct observer *o, int fd, const struct fs_stat *st)
{
        struct observe_fs *f = &o->fs;
        struct statfs s;

        if (f->valid && f->dev_major == st->dev_major && f->dev_minor == st->dev_minor &&
            f->mnt_id == st->mnt_id && (st->has & FS_HAS_UNIQUE_MNT_ID || f->uses++ < USES_MAX))
                return;
        *f = (struct observe_fs){ .valid = true,
                                  .dev_major = st->dev_major,
                                  .dev_minor = st->dev_minor,
                                  .mnt_id = st->mnt_id };
        f->magic = fstatfs(fd, &s) == 0 ? (uint32_t)s.f_type : 0;
}

/* Does the filesystem have this at all?  Where it has, an attribute that is not listed is one that
 * is not there. */
static bool fs_has(struct observer *o, int fd, enum record_part p)
{
        enum observe_has *has = &o->fs.has[p];

        if (*has == OBSERVE_NOT_ASKED) {
                buf_clear(&o->value);
                *has = fs_xattr_get(fd, part_attr[p], &o->value) == -EOPNOTSUPP ? OBSERVE_HAS_NOT
                                                                                : OBSERVE_HAS;
        }
        return *has == OBSERVE_HAS;
}

/* Only a directory has a default list; both kinds of list are one support. */
static bool has_part(struct observer *o, int fd, enum record_part p)
{
        switch (p) {
        case RECORD_ACL:
        case RECORD_ACL_DEFAULT:
                return o->r.type != RECORD_LINK && fs_has(o, fd, RECORD_ACL);
        case RECORD_XATTRS:
                return fs_has(o, fd, RECORD_CAPS) || fs_has(o, fd, RECORD_LABEL);
        default:
                return fs_has(o, fd, p);
        }
}

/* ---- the list of names ---- */

static int name_cmp(const void *a, const void *b)
{
        const char *x = *(const char *const *)a, *y = *(const char *const *)b;
        enum record_part p = part_of(x), q = part_of(y);

        return p != q ? (p > q) - (p < q) : strcmp(x, y);
}

/* Puts o->names in the order of a record; returns how many, or a negative errno. */
static int sort_names(struct observer *o)
{
        size_t n = 0;

        for (size_t at = 0; at < o->names.n; at += strlen((char *)o->names.p + at) + 1) {
                if (n == o->order_max) {
                        size_t max = o->order_max ? o->order_max * 2 : 16;
                        const char **p = realloc(o->order, max * sizeof(const char *));

                        if (!p)
                                return -ENOMEM;
                        o->order = p;
                        o->order_max = max;
                }
                o->order[n++] = (char *)o->names.p + at;
        }
        if (n)
                qsort(o->order, n, sizeof(const char *), name_cmp);
        return (int)n;
}

/* ---- values ---- */

/* A value of which the record has only the digest: it could not be put back from there. */
static void keep_value(struct observer *o)
{
        uint8_t digest[RECORD_HASH];

        if (!o->content)
                return;
        sha256(buf_span(&o->value), digest);
        (void)!content_keep_value(o->content, buf_span(&o->value), digest); /* else not kept */
}

struct others {
        size_t begun; /* where they begin in o->attrs */
        uint32_t n;
};

/* The digest over all of them goes on in o->hash, for there may be too many to keep apart. */
static void put_other(struct observer *o, struct others *x, const char *name)
{
        uint8_t digest[RECORD_HASH];

        if (x->n++ == 0) {
                x->begun = o->attrs.n;
                sha256_begin(o->hash);
        }
        sha256(buf_span(&o->value), digest);
        sha256_add(o->hash, span_of(name, strlen(name) + 1));
        sha256_add(o->hash, span_of(digest, sizeof digest));
        if (o->attrs.n - x->begun <= RECORD_XATTRS_MAX)
                record_put_xattr(&o->attrs, span_str(name), digest);
        keep_value(o);
}

static void end_others(struct observer *o, const struct others *x)
{
        uint8_t digest[RECORD_HASH];

        if (x->n == 0 || buf_status(&o->attrs) < 0)
                return;
        sha256_end(o->hash, digest);
        if (o->attrs.n - x->begun <= RECORD_XATTRS_MAX)
                return;
        o->attrs.n = x->begun;
        record_put_many(&o->attrs, x->n, digest);
}

/* An attribute that went since the list was made has changed the file's ctime, which is compared
 * at the end. */
static void put_values(struct observer *o, int fd, int n)
{
        struct others others = { 0 };

        for (int i = 0; i < n; i++) {
                enum record_part p = part_of(o->order[i]);
                int rc;

                buf_clear(&o->value);
                rc = fs_xattr_get(fd, o->order[i], &o->value);
                if (rc == -ENODATA)
                        continue;
                if (rc < 0)
                        o->r.known[p] = RECORD_UNREADABLE;
                else if (p == RECORD_XATTRS)
                        put_other(o, &others, o->order[i]);
                else
                        record_put_value(&o->attrs, p, buf_span(&o->value));
                if (rc == 0 && p != RECORD_XATTRS && o->value.n > RECORD_VALUE_MAX)
                        keep_value(o);
        }
        end_others(o, &others);
        if (o->r.known[RECORD_XATTRS] == RECORD_UNREADABLE && others.n)
                o->attrs.n = others.begun; /* some of them are not all of them */
}

static void set_known(struct observer *o, enum record_known k)
{
        for (unsigned i = RECORD_ACL; i < RECORD_PARTS; i++)
                o->r.known[i] = (uint8_t)k;
        o->r.attrs = SPAN_NONE;
}

static bool is_listed(const struct observer *o, int n, enum record_part p)
{
        for (int i = 0; i < n; i++)
                if (part_of(o->order[i]) == p)
                        return true;
        return false;
}

void observe_attrs(struct observer *o, int fd, const struct fs_stat *st)
{
        int rc, n = 0;

        buf_clear(&o->names);
        buf_clear(&o->attrs);
        learn_fs(o, fd, st);
        o->r.fs = o->fs.magic;
        set_known(o, RECORD_KNOWN);
        rc = fs_xattr_list(fd, &o->names);
        if (rc >= 0)
                rc = n = sort_names(o);
        if (rc < 0) {
                set_known(o, rc == -EOPNOTSUPP ? RECORD_UNSUPPORTED : RECORD_UNREADABLE);
                return;
        }
        for (unsigned i = RECORD_ACL; i < RECORD_PARTS; i++)
                if (!is_listed(o, n, (enum record_part)i) && !has_part(o, fd, (enum record_part)i))
                        o->r.known[i] = RECORD_UNSUPPORTED;
        put_values(o, fd, n);
        if (buf_status(&o->attrs) < 0)
                set_known(o, RECORD_UNREADABLE);
        else
                o->r.attrs = buf_span(&o->attrs);
}
