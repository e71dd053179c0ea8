/* SPDX-License-Identifier: Apache-2.0 */
/* verify_files.c - what each file of a published log is, by its name.  Files that the checkpoint's
 * size demands are read by the hash pass; superseded partials, rotations and stamps are remembered
 * here. */
#include "ledger/verify/verify_priv.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

/* Room for one more; false: out of memory, verification ends. */
static bool grow(struct verify *v, void **array, size_t n, size_t *cap, size_t each)
{
        size_t want = *cap ? *cap * 2 : 64, bytes;
        void *p;

        if (n < *cap)
                return true;
        p = size_mul(want, each, &bytes) ? realloc(*array, bytes) : NULL;
        if (!p) {
                v->failed = err_set(v->err, -ENOMEM, "verify: no memory to remember %zu files", n);
                return false;
        }
        *array = p;
        *cap = want;
        return true;
}

static void too_many(struct verify *v, const char *path, size_t max)
{
        verify_say(v, VERIFY_UNREADABLE, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                   "%s: not judged, more than %zu files of its sort", path, max);
}

/* ---- tiles ---- */

static void add_stale(struct verify *v, struct tile t, const char *path)
{
        if (v->n_stale == VERIFY_STALE_MAX) {
                too_many(v, path, VERIFY_STALE_MAX);
                return;
        }
        if (grow(v, (void **)&v->stale, v->n_stale, &v->cap_stale, sizeof *v->stale))
                v->stale[v->n_stale++] = t;
}

static int by_place(const void *a, const void *b)
{
        const struct tile *x = a, *y = b;

        if (x->level != y->level)
                return x->level < y->level ? -1 : 1;
        if (x->n != y->n)
                return x->n < y->n ? -1 : 1;
        return (x->width > y->width) - (x->width < y->width);
}

static void tile_file(struct verify *v, struct tile t, const char *path)
{
        uint64_t size = v->checkpoint.size, full = tile_full_count(size, t.level);
        unsigned partial = tile_partial_width(size, t.level);

        if (t.n > full || (t.n == full && t.width > partial)) {
                if (v->beyond++ == 0 || by_place(&t, &v->first_beyond) < 0)
                        v->first_beyond = t;
        } else if (t.width < TILE_WIDTH && (t.n < full || t.width != partial)) {
                add_stale(v, t, path);
        }
}

/* A log that grew since its checkpoint was read has many: one line for all. */
static void say_beyond(struct verify *v)
{
        char path[TILE_PATH_MAX];

        if (v->beyond == 0)
                return;
        tile_path(v->first_beyond, path);
        if (v->beyond == 1)
                verify_say(v, VERIFY_FILE_BEYOND, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: reaches past the checkpoint's size, no signature covers it", path);
        else
                verify_say(v, VERIFY_FILE_BEYOND, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%llu files reach past the checkpoint's size, no signature covers them; "
                           "the first is %s",
                           (unsigned long long)v->beyond, path);
        v->result->count[VERIFY_FILE_BEYOND] = v->beyond;
}

size_t verify_stale_of(const struct verify *v, int level, uint64_t n, const struct tile **ret)
{
        const struct tile key = { .level = level, .n = n };
        size_t lo = 0, hi = v->n_stale, mid;

        *ret = NULL;
        if (hi == 0)
                return 0;
        while (lo < hi) {
                mid = lo + (hi - lo) / 2;
                if (by_place(&v->stale[mid], &key) < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        *ret = v->stale + lo;
        for (hi = lo; hi < v->n_stale && v->stale[hi].n == n && v->stale[hi].level == level; hi++)
                ;
        return hi - lo;
}

/* ---- rotations and stamps ---- */

/* It is written before its checkpoint is, so that one may be about to come. */
static void say_ahead(struct verify *v, uint64_t size)
{
        char path[64];

        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)size);
        verify_say(v, VERIFY_ROTATION_AHEAD, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                   "%s: the checkpoint has size %llu: either the key is being changed, or that was "
                   "cut off and what next writes to the log finishes it, or the log went back",
                   path, (unsigned long long)v->checkpoint.size);
}

static void add_rotation(struct verify *v, uint64_t size)
{
        if (v->n_rotation == VERIFY_ROTATIONS_MAX)
                too_many(v, "rotation", VERIFY_ROTATIONS_MAX);
        else if (grow(v, (void **)&v->rotation, v->n_rotation, &v->cap_rotation,
                      sizeof *v->rotation))
                v->rotation[v->n_rotation++] = (struct verify_rotation){ .at.size = size };
}

static bool is_rotation(struct span name, uint64_t *ret_size)
{
        return text_to_u64(name, ret_size) == 0 && *ret_size > 0;
}

static bool rotation_file(struct verify *v, struct span name)
{
        uint64_t size;

        if (!is_rotation(name, &size))
                return false;
        if (size > v->checkpoint.size)
                say_ahead(v, size);
        else
                add_rotation(v, size);
        return true;
}

static struct verify_rotation *find_rotation(struct verify *v, uint64_t size)
{
        for (size_t i = 0; i < v->n_rotation; i++)
                if (v->rotation[i].at.size == size)
                        return &v->rotation[i];
        return NULL;
}

/* The entries that prune left; a source without a list shows its rotations nowhere else. */
static void read_kept(struct verify *v)
{
        struct rotation_kept k = { 0 };
        struct verify_rotation *at;
        struct span rest;
        int r;

        if (verify_read(v, ROTATION_KEPT_PATH, &v->kept))
                return;
        rest = buf_span(&v->kept);
        while ((r = rotation_kept_next(&rest, k.size, &k)) > 0 && !v->failed) {
                if (!find_rotation(v, k.size))
                        add_rotation(v, k.size);
                at = find_rotation(v, k.size);
                if (at)
                        at->kept = k.entry;
                if (k.size > v->checkpoint.size)
                        r = -EBADMSG;
                if (!at || r < 0)
                        break;
        }
        if (r < 0)
                verify_say(v, VERIFY_ROTATION, ROTATION_KEPT_PATH, v->kept.n - rest.n,
                           VERIFY_NOWHERE,
                           ROTATION_KEPT_PATH ": byte %zu: not the size and entry of a rotation, "
                                              "in order and within the log",
                           v->kept.n - rest.n);
}

/* <size>.note or <size>.tsr. */
static bool is_stamp(struct span name, struct verify_stamp *ret)
{
        struct verify_stamp s = { 0 };

        s.note = name.n > 5 && span_eq_str(span_from(name, name.n - 5), ".note");
        s.reply = name.n > 4 && span_eq_str(span_from(name, name.n - 4), ".tsr");
        if ((!s.note && !s.reply) ||
            text_to_u64(span_of(name.p, name.n - (s.note ? 5 : 4)), &s.at.size))
                return false;
        *ret = s;
        return true;
}

/* Pairs are joined once all are known. */
static bool stamp_file(struct verify *v, struct span name)
{
        struct verify_stamp s;

        if (!is_stamp(name, &s))
                return false;
        if (v->n_stamp == VERIFY_STAMPS_MAX)
                too_many(v, "stamp", VERIFY_STAMPS_MAX);
        else if (grow(v, (void **)&v->stamp, v->n_stamp, &v->cap_stamp, sizeof *v->stamp))
                v->stamp[v->n_stamp++] = s;
        return true;
}

static int rotation_by_size(const void *a, const void *b)
{
        const struct verify_rotation *x = a, *y = b;

        return (x->at.size > y->at.size) - (x->at.size < y->at.size);
}

static int stamp_by_size(const void *a, const void *b)
{
        const struct verify_stamp *x = a, *y = b;

        return (x->at.size > y->at.size) - (x->at.size < y->at.size);
}

static void join_stamps(struct verify *v)
{
        size_t n = 0;

        for (size_t i = 0; i < v->n_stamp; i++)
                if (n && v->stamp[n - 1].at.size == v->stamp[i].at.size) {
                        v->stamp[n - 1].note |= v->stamp[i].note;
                        v->stamp[n - 1].reply |= v->stamp[i].reply;
                } else {
                        v->stamp[n++] = v->stamp[i];
                }
        v->n_stamp = n;
}

/* ---- all ---- */

/* What a writer has not yet renamed, or a crash left: the name of a file of the log and ".tmp". */
static bool is_temporary(struct span path)
{
        struct span suffix = SPAN(".tmp"), name;
        struct verify_stamp s;
        uint64_t size;
        struct tile t;

        if (path.n <= suffix.n || !span_eq(span_from(path, path.n - suffix.n), suffix))
                return false;
        name = span_of(path.p, path.n - suffix.n);
        return tile_parse(name, &t) == 0 || span_eq_str(name, "checkpoint") ||
               span_eq_str(name, "pruned") || span_eq_str(name, ROTATION_KEPT_PATH) ||
               (span_starts(name, SPAN("rotation/")) && is_rotation(span_from(name, 9), &size)) ||
               (span_starts(name, SPAN("stamp/")) && is_stamp(span_from(name, 6), &s));
}

static int one_file(void *ctx, const char *path)
{
        struct span p = span_str(path);
        struct verify *v = ctx;
        struct tile t;

        if (span_eq_str(p, "checkpoint") || span_eq_str(p, "pruned") ||
            span_eq_str(p, ROTATION_KEPT_PATH))
                return v->failed;
        if (tile_parse(p, &t) == 0)
                tile_file(v, t, path);
        else if (is_temporary(p))
                verify_say(v, VERIFY_FILE_TEMPORARY, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: a file being written, or left by a crash; not part of the log",
                           path);
        else if (!(span_starts(p, SPAN("rotation/")) && rotation_file(v, span_from(p, 9))) &&
                 !(span_starts(p, SPAN("stamp/")) && stamp_file(v, span_from(p, 6))))
                verify_say(v, VERIFY_FILE_UNEXPECTED, path, VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: unexpected file, no part of a log", path);
        return v->failed;
}

static void sort(void *array, size_t n, size_t each, int (*by)(const void *, const void *))
{
        if (n)
                qsort(array, n, each, by);
}

void verify_files(struct verify *v)
{
        struct source *s = v->o->source;
        struct err err = { 0 };
        int r;

        r = s->list(s, one_file, v, &err);
        if (v->failed)
                return;
        if (r == -EOPNOTSUPP)
                verify_say(v, VERIFY_NOT_LISTED, "", VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s cannot be listed: only the files that size %llu demands are read; "
                           "others, and stamps, go unseen",
                           s->name, (unsigned long long)v->checkpoint.size);
        else if (r)
                verify_say(v, VERIFY_UNREADABLE, "", VERIFY_NOWHERE, VERIFY_NOWHERE,
                           "%s: listing stopped: %s", s->name, err_text(&err));
        v->result->listed = r == 0;
        v->unlisted = r == -EOPNOTSUPP;
        read_kept(v);
        if (v->failed)
                return;
        say_beyond(v);
        sort(v->stale, v->n_stale, sizeof *v->stale, by_place);
        sort(v->rotation, v->n_rotation, sizeof *v->rotation, rotation_by_size);
        sort(v->stamp, v->n_stamp, sizeof *v->stamp, stamp_by_size);
        join_stamps(v);
}
