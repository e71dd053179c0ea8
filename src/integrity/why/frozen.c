/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/frozen.h"

#include "base/hash.h"
#include "base/line.h"
#include "base/text.h"

#include <stdlib.h>

enum { BUCKETS_MIN = 256 };

struct frozen {
        struct frozen_file **bucket, **by_ino, **all;
        size_t n_buckets, n, max;
};

int frozen_new(struct frozen **ret, struct err *err)
{
        struct frozen *f = calloc(1, sizeof *f);

        if (f) {
                f->bucket = calloc(BUCKETS_MIN, sizeof(struct frozen_file *));
                f->by_ino = calloc(BUCKETS_MIN, sizeof(struct frozen_file *));
        }
        if (!f || !f->bucket || !f->by_ino) {
                frozen_free(f);
                return err_set(err, -ENOMEM, "out of memory for the list of flags");
        }
        f->n_buckets = BUCKETS_MIN;
        *ret = f;
        return 0;
}

struct frozen *frozen_free(struct frozen *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n; i++)
                free(f->all[i]);
        free(f->all);
        free(f->bucket);
        free(f->by_ino);
        free(f);
        return NULL;
}

size_t frozen_count(const struct frozen *f)
{
        return f->n;
}

struct frozen_file *frozen_at(const struct frozen *f, size_t at)
{
        assert(at < f->n);
        return f->all[at];
}

static struct frozen_file **bucket_of(const struct frozen *f, struct span path)
{
        return &f->bucket[hash_add(HASH_BEGIN, path) & (f->n_buckets - 1)];
}

struct frozen_file *frozen_find(const struct frozen *f, struct span path)
{
        struct frozen_file *x = *bucket_of(f, path);

        while (x && !span_eq(frozen_path(x), path))
                x = x->next;
        return x;
}

static struct frozen_file **inode_bucket(const struct frozen *f, uint64_t ino)
{
        return &f->by_ino[(ino * 0x9e3779b97f4a7c15 >> 32) & (f->n_buckets - 1)];
}

struct frozen_file *frozen_by_inode(const struct frozen *f, uint64_t ino,
                                    const struct frozen_file *after)
{
        struct frozen_file *x = after ? after->ino_next : *inode_bucket(f, ino);

        while (x && x->ino != ino)
                x = x->ino_next;
        return x;
}

static void know_inode(struct frozen *f, struct frozen_file *x, uint64_t ino)
{
        struct frozen_file **bucket = inode_bucket(f, ino);

        x->ino = ino;
        x->ino_next = *bucket;
        *bucket = x;
}

static void forget_inode(struct frozen *f, const struct frozen_file *x)
{
        struct frozen_file **at = inode_bucket(f, x->ino);

        while (*at != x)
                at = &(*at)->ino_next;
        *at = x->ino_next;
}

static int grow(struct frozen *f)
{
        size_t max = f->max ? 2 * f->max : BUCKETS_MIN;
        struct frozen_file **all, **bucket, **by_ino;

        if (f->n < f->max)
                return 0;
        all = realloc(f->all, max * sizeof(struct frozen_file *));
        if (!all)
                return -ENOMEM;
        f->all = all;
        bucket = calloc(max, sizeof(struct frozen_file *));
        by_ino = calloc(max, sizeof(struct frozen_file *));
        if (!bucket || !by_ino) {
                free(bucket);
                free(by_ino);
                return -ENOMEM;
        }
        free(f->bucket);
        free(f->by_ino);
        f->bucket = bucket;
        f->by_ino = by_ino;
        f->n_buckets = f->max = max;
        for (size_t i = 0; i < f->n; i++) {
                bucket = bucket_of(f, frozen_path(all[i]));
                all[i]->next = *bucket;
                *bucket = all[i];
                know_inode(f, all[i], all[i]->ino);
        }
        return 0;
}

int frozen_add(struct frozen *f, struct span path, uint64_t ino, uint64_t born_ns,
               uint64_t until_ns)
{
        struct frozen_file *x = frozen_find(f, path), **bucket;
        int rc;

        if (!x && f->n == FROZEN_MAX)
                return -ENOSPC;
        if (!x && path.n > FROZEN_PATH_MAX)
                return -ENAMETOOLONG;
        if (!x) {
                rc = grow(f);
                x = rc < 0 ? NULL : calloc(1, sizeof *x + path.n);
                if (!x)
                        return -ENOMEM;
                x->path_n = path.n;
                memcpy(x->path, path.p, path.n);
                x->at = f->n;
                f->all[f->n++] = x;
                bucket = bucket_of(f, path);
                x->next = *bucket;
                *bucket = x;
        } else {
                forget_inode(f, x);
        }
        know_inode(f, x, ino);
        x->born_ns = born_ns;
        x->until_ns = until_ns;
        x->lifting = false;
        return 0;
}

void frozen_remove(struct frozen *f, struct frozen_file *x)
{
        struct frozen_file **at = bucket_of(f, frozen_path(x));

        while (*at != x)
                at = &(*at)->next;
        *at = x->next;
        forget_inode(f, x);
        f->all[x->at] = f->all[--f->n];
        f->all[x->at]->at = x->at;
        free(x);
}

/* ---- writing ---- */

static void put_path(struct span path, struct buf *out)
{
        text_put_base64(out, path);
        buf_put_byte(out, '\n');
}

void frozen_put_set(const struct frozen_file *x, struct buf *out)
{
        buf_printf(out, "+ %llu %llu %llu ", (unsigned long long)x->ino,
                   (unsigned long long)x->born_ns, (unsigned long long)x->until_ns);
        put_path(frozen_path(x), out);
}

void frozen_put_lifting(struct span path, struct buf *out)
{
        buf_put_str(out, "~ ");
        put_path(path, out);
}

void frozen_put_gone(struct span path, struct buf *out)
{
        buf_put_str(out, "- ");
        put_path(path, out);
}

void frozen_print(const struct frozen *f, struct buf *out)
{
        buf_put_str(out, FROZEN_HEAD);
        for (size_t i = 0; i < f->n; i++) {
                frozen_put_set(f->all[i], out);
                if (f->all[i]->lifting)
                        frozen_put_lifting(frozen_path(f->all[i]), out);
        }
}

/* ---- reading ---- */

/* Up to the next blank. */
static bool next_word(struct span *line, struct span *ret)
{
        const uint8_t *blank = line->n ? memchr(line->p, ' ', line->n) : NULL;

        if (!blank)
                return false;
        *ret = span_of(line->p, (size_t)(blank - line->p));
        *line = span_from(*line, ret->n + 1);
        return true;
}

static bool next_number(struct span *line, uint64_t *ret)
{
        struct span word;

        return next_word(line, &word) && text_to_u64(word, ret) == 0;
}

static bool path_ok(struct span path)
{
        return path.n > 1 && path.n <= FROZEN_PATH_MAX && path.p[0] == '/' &&
               path.p[path.n - 1] != '/' && !memchr(path.p, 0, path.n);
}

/* 1: the line is none of ours. */
static int take_line(struct frozen *f, struct span line, struct buf *path)
{
        uint64_t ino = 0, born = 0, until = 0;
        struct frozen_file *x;
        struct span sign;
        uint8_t *room;
        size_t n;

        if (!next_word(&line, &sign) || sign.n != 1 || !strchr("+~-", sign.p[0]))
                return 1;
        if (sign.p[0] == '+' && (!next_number(&line, &ino) || !next_number(&line, &born) ||
                                 !next_number(&line, &until)))
                return 1;
        buf_clear(path);
        if (line.n > text_base64_len(FROZEN_PATH_MAX))
                return 1;
        room = line.n ? buf_extend(path, line.n) : NULL;
        if (!room)
                return line.n ? -ENOMEM : 1;
        if (text_from_base64(line, room, line.n, &n) < 0 || !path_ok(span_of(room, n)))
                return 1;
        if (sign.p[0] == '+')
                return frozen_add(f, span_of(room, n), ino, born, until);
        x = frozen_find(f, span_of(room, n));
        if (!x)
                return 1; /* a flag that was never ours */
        if (sign.p[0] == '~')
                x->lifting = true;
        else
                frozen_remove(f, x);
        return 0;
}

int frozen_parse(struct frozen *f, struct span text, bool *ret_torn, struct err *err)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(2 * FROZEN_PATH_MAX);
        struct span head = SPAN(FROZEN_HEAD), rest = text, one;
        int rc = 0;

        *ret_torn = text.n < head.n && span_starts(head, text); /* the first line itself */
        if (*ret_torn)
                return 0;
        if (!span_starts(text, head))
                return err_set(err, -EBADMSG, FROZEN_FILE ":1: no list of flags");
        rest = span_from(rest, head.n);
        for (size_t line = 2; rest.n; line++) {
                *ret_torn = !line_next(&rest, &one);
                if (*ret_torn)
                        return 0;
                rc = take_line(f, one, &path);
                if (rc > 0)
                        return err_set(err, -EBADMSG, FROZEN_FILE ":%zu: not a line of it", line);
                if (rc < 0)
                        return err_sys(err, rc, FROZEN_FILE ":%zu", line);
        }
        return 0;
}
