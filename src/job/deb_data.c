/* SPDX-License-Identifier: Apache-2.0 */
/* The job "deb": data.tar, the files that dpkg unpacks. */
#include "job/deb.h"

#include "base/le.h"
#include "base/text.h"

#include <stdlib.h>

/* ---- files so far, by path: what a hard link is the same as ---- */

struct known {
        size_t path_at; /* into names */
        uint32_t path_n;
        uint32_t next; /* of the same bucket, plus one */
        uint32_t mode;
        int64_t uid, gid;
        size_t user_at, group_at; /* terminated, into names */
        uint64_t size;
        char hex[2 * SHA256_LEN + 1];
};

struct table {
        struct known *known;
        uint32_t n, cap;
        uint32_t *buckets; /* index plus one */
        uint32_t n_buckets;
        struct buf names;
};

enum { BUCKETS = 65536, KNOWN_FIRST = 256 };

/* By SHA-256, so that nobody finds names for one bucket. */
static uint32_t bucket_of(const struct table *t, struct span path)
{
        uint8_t hash[SHA256_LEN];

        sha256(path, hash);
        return le_get32(hash) % t->n_buckets;
}

static struct span path_of(const struct table *t, const struct known *k)
{
        return span_of(t->names.p + k->path_at, k->path_n);
}

/* The latest of that path, or NULL. */
static const struct known *find(const struct table *t, struct span path)
{
        uint32_t at = t->known ? t->buckets[bucket_of(t, path)] : 0;

        while (at && !span_eq(path_of(t, &t->known[at - 1]), path))
                at = t->known[at - 1].next;
        return at ? &t->known[at - 1] : NULL;
}

static int table_init(struct table *t, size_t names_max)
{
        *t = (struct table){ .n_buckets = BUCKETS, .names = BUF_INIT(names_max) };
        t->buckets = calloc(t->n_buckets, sizeof *t->buckets);
        return t->buckets ? 0 : -ENOMEM;
}

static void table_done(struct table *t)
{
        free(t->buckets);
        free(t->known);
        buf_done(&t->names);
}

static int make_room(struct table *t)
{
        uint32_t cap = t->cap ? 2 * t->cap : KNOWN_FIRST; /* entries have a ceiling far below */
        struct known *p;

        if (t->n < t->cap)
                return 0;
        p = realloc(t->known, cap * sizeof *p);
        if (!p)
                return -ENOMEM;
        t->known = p;
        t->cap = cap;
        return 0;
}

static size_t keep_name(struct table *t, const char *s)
{
        size_t at = t->names.n;

        buf_put(&t->names, span_of(s, strlen(s) + 1));
        return at;
}

/* Most files have the owners of the one before. */
static size_t keep_owner(struct table *t, const char *s, size_t before)
{
        if (t->n > 0 && strcmp((const char *)t->names.p + before, s) == 0)
                return before;
        return keep_name(t, s);
}

/* ---- an entry ---- */

struct entry {
        const char *type;
        uint32_t mode;
        int64_t uid, gid;
        const char *user, *group;
        uint64_t size;
        char hex[2 * SHA256_LEN + 1]; /* "" but for files */
        const char *target;           /* of a symbolic link */
        char link[DEB_PATH_MAX + 2];  /* "" but for hard links */
        int64_t major, minor;
        bool device;
};

static int remember(struct table *t, struct span path, const struct entry *e)
{
        struct known k = { .path_n = (uint32_t)path.n,
                           .mode = e->mode,
                           .uid = e->uid,
                           .gid = e->gid,
                           .size = e->size };
        uint32_t *bucket = &t->buckets[bucket_of(t, path)];
        const struct known *last;
        int r = make_room(t);

        if (r < 0)
                return r;
        last = t->n ? &t->known[t->n - 1] : NULL;
        k.user_at = keep_owner(t, e->user, last ? last->user_at : 0);
        k.group_at = keep_owner(t, e->group, last ? last->group_at : 0);
        k.path_at = t->names.n;
        buf_put(&t->names, path);
        r = buf_status(&t->names);
        if (r < 0)
                return r;
        memcpy(k.hex, e->hex, sizeof k.hex);
        k.next = *bucket;
        t->known[t->n++] = k;
        *bucket = t->n;
        return 0;
}

static int put_entry(struct deb *d, const struct entry *e, struct err *err)
{
        struct json_writer *w = job_out_begin(d->out);
        int r;

        json_member_text(w, "fact", "file");
        json_member_int(w, "gid", e->gid);
        json_put_bytes(w, "group", span_str(e->group));
        if (e->link[0])
                json_put_bytes(w, "link", span_str(e->link));
        if (e->device) {
                json_member_int(w, "major", e->major);
                json_member_int(w, "minor", e->minor);
        }
        json_member_u64(w, "mode", e->mode);
        json_put_bytes(w, "path", span_str(d->path));
        if (e->hex[0]) {
                json_member_text(w, "sha256", e->hex);
                json_member_u64(w, "size", e->size);
        }
        if (e->target)
                json_put_bytes(w, "target", span_str(e->target));
        json_member_text(w, "type", e->type);
        json_member_int(w, "uid", e->uid);
        json_put_bytes(w, "user", span_str(e->user));
        r = job_out_end(d->out);
        if (r < 0)
                return err_sys(err, r, "fact of entry %u", d->entries);
        d->files++;
        return 0;
}

static const char *or_empty(const char *s)
{
        return s ? s : "";
}

static int take_owner(struct deb *d, struct archive_entry *a, struct entry *e, struct err *err)
{
        e->mode = archive_entry_perm(a);
        e->uid = archive_entry_uid(a);
        e->gid = archive_entry_gid(a);
        e->user = or_empty(archive_entry_uname(a));
        e->group = or_empty(archive_entry_gname(a));
        if (e->uid < 0 || e->gid < 0 || e->uid >= UINT32_MAX || e->gid >= UINT32_MAX)
                return err_set(err, -EBADMSG, "entry %u is of nobody possible", d->entries);
        return 0;
}

static int read_hard_link(struct deb *d, struct table *t, struct entry *e, const char *to,
                          struct err *err)
{
        char path[sizeof d->path];
        const struct known *k;
        int r;

        memcpy(path, d->path, sizeof path);
        r = deb_set_path(d, to, err);
        if (r < 0)
                return r;
        memcpy(e->link, d->path, sizeof e->link);
        memcpy(d->path, path, sizeof path);
        k = find(t, span_str(e->link));
        if (!k)
                return err_set(err, -EBADMSG, "entry %u is a link to none before it", d->entries);
        e->type = "file";
        e->mode = k->mode;
        e->uid = k->uid;
        e->gid = k->gid;
        e->user = (const char *)t->names.p + k->user_at;
        e->group = (const char *)t->names.p + k->group_at;
        e->size = k->size;
        memcpy(e->hex, k->hex, sizeof e->hex);
        return put_entry(d, e, err);
}

static int read_file(struct deb *d, struct unpack *u, struct table *t, struct entry *e,
                     struct err *err)
{
        int r;

        if (archive_entry_sparse_reset(u->entry) > 0)
                return err_set(err, -EBADMSG, "entry %u has holes", d->entries);
        e->type = "file";
        r = deb_hash(d, u, 0, &e->size, e->hex, err);
        if (r < 0)
                return r;
        r = remember(t, span_str(d->path), e);
        if (r < 0)
                return err_sys(err, r, "entry %u", d->entries);
        return put_entry(d, e, err);
}

static int read_other(struct deb *d, struct unpack *u, struct entry *e, struct err *err)
{
        switch (archive_entry_filetype(u->entry)) {
        case AE_IFDIR:
                e->type = "dir";
                break;
        case AE_IFLNK:
                e->type = "symlink";
                e->target = archive_entry_symlink(u->entry);
                if (!e->target || !*e->target || strlen(e->target) > DEB_PATH_MAX)
                        return err_set(err, -EBADMSG, "entry %u is a link to nothing", d->entries);
                break;
        case AE_IFIFO:
                e->type = "fifo";
                break;
        case AE_IFCHR:
        case AE_IFBLK:
                e->type = archive_entry_filetype(u->entry) == AE_IFCHR ? "char" : "block";
                e->device = true;
                e->major = (int64_t)archive_entry_rdevmajor(u->entry) & UINT32_MAX;
                e->minor = (int64_t)archive_entry_rdevminor(u->entry) & UINT32_MAX;
                break;
        default:
                return err_set(err, -EBADMSG, "entry %u is of no type dpkg knows", d->entries);
        }
        return put_entry(d, e, err);
}

static int read_entry(struct deb *d, struct unpack *u, struct table *t, struct err *err)
{
        const char *to = archive_entry_hardlink(u->entry);
        struct entry e = { 0 };
        int r = take_owner(d, u->entry, &e, err);

        if (r < 0)
                return r;
        if (to)
                return read_hard_link(d, t, &e, to, err);
        if (archive_entry_filetype(u->entry) == AE_IFREG)
                return read_file(d, u, t, &e, err);
        return read_other(d, u, &e, err);
}

int deb_read_data(struct deb *d, struct unpack *u, struct err *err)
{
        struct table t;
        int r = table_init(&t, d->limits->names);

        if (r < 0)
                return err_sys(err, r, "data");
        while ((r = deb_next(d, u, err)) > 0) {
                r = read_entry(d, u, &t, err);
                if (r < 0)
                        break;
        }
        table_done(&t);
        return r;
}
