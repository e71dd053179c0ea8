/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/baseline.h"

#include "base/text.h"
#include "integrity/trusted/content.h"
#include "sys/io.h"
#include "sys/names.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { PREFIX = 9, DIGITS = 16 }; /* "baseline." and the beginning of a root */

STATIC_ASSERT((int)BASELINE_NAME_MAX > PREFIX + DIGITS, "names fit");

static void earlier_name(const struct hash *root, char out[BASELINE_NAME_MAX])
{
        memcpy(out, "baseline.", PREFIX);
        text_hex(span_of(root->b, DIGITS / 2), out + PREFIX);
}

static bool is_earlier(const char *name)
{
        uint8_t root[DIGITS / 2];

        return strncmp(name, "baseline.", PREFIX) == 0 &&
               text_from_hex(span_str(name + PREFIX), root, sizeof root) == 0;
}

/* ---- those that are here ---- */

struct names {
        struct baseline_name *at;
        size_t n, max;
};

static int newest_first(const void *a, const void *b)
{
        const struct baseline_name *x = a, *y = b;

        return (y->head.taken_ns > x->head.taken_ns) - (y->head.taken_ns < x->head.taken_ns);
}

static int add_earlier(void *ctx, int dirfd, const char *name)
{
        struct names *l = ctx;
        struct baseline_name *p;

        if (!is_earlier(name))
                return 0;
        if (l->n == l->max) {
                size_t max = l->max ? 2 * l->max : 8;

                p = realloc(l->at, max * sizeof *p);
                if (!p)
                        return -ENOMEM;
                l->at = p;
                l->max = max;
        }
        memcpy(l->at[l->n].name, name, PREFIX + DIGITS + 1);
        l->n++;
        return 0;
}

/* Earlier ones, newest first; what cannot be read comes last, as if it were the oldest. */
static int list_earlier(const struct io *io, int dirfd, struct names *l)
{
        int rc = names_each(dirfd, ".", add_earlier, l);

        for (size_t i = 0; i < l->n && rc == 0; i++)
                if (snapshot_read_head(io, dirfd, l->at[i].name, NULL, &l->at[i].head, NULL) < 0)
                        l->at[i].head = (struct snapshot_head){ .taken_ns = INT64_MIN };
        if (rc == 0 && l->n)
                qsort(l->at, l->n, sizeof *l->at, newest_first);
        return rc;
}

int baseline_list(const struct io *io, int dirfd, struct baseline_name ret[BASELINE_EARLIER + 1],
                  size_t *ret_n, struct err *err)
{
        struct snapshot_head now;
        struct names l = { 0 };
        int rc = snapshot_read_head(io, dirfd, "baseline", NULL, &now, err);

        if (rc < 0)
                return rc;
        rc = list_earlier(io, dirfd, &l);
        if (rc == 0) {
                snprintf(ret[0].name, BASELINE_NAME_MAX, "baseline");
                ret[0].head = now;
                *ret_n = 1;
        }
        for (size_t i = 0; i < l.n && rc == 0 && *ret_n <= BASELINE_EARLIER; i++)
                if (!hash_eq(&l.at[i].head.root, &now.root)) /* accepted, and taken back since */
                        ret[(*ret_n)++] = l.at[i];
        free(l.at);
        return rc < 0 ? err_sys(err, rc, "baselines") : 0;
}

/* ---- one after the other ---- */

/* Under its own name beside, and no more of those than are kept. */
static int keep_earlier(const struct io *io, int dirfd, struct err *err)
{
        char name[BASELINE_NAME_MAX];
        struct snapshot_head was;
        struct names l = { 0 };
        int rc = snapshot_read_head(io, dirfd, "baseline", NULL, &was, err);

        if (rc == -ENOENT || rc == -EBADMSG) /* none, or none that could serve */
                return 0;
        if (rc < 0)
                return rc;
        earlier_name(&was.root, name);
        rc = io->link(io->ctx, dirfd, "baseline", name);
        if (rc == -EPERM || rc == -EOPNOTSUPP || rc == -EMLINK)
                return 0; /* a filesystem without links: then there are no earlier ones */
        if (rc == 0 || rc == -EEXIST)
                rc = list_earlier(io, dirfd, &l);
        for (size_t i = BASELINE_EARLIER; i < l.n && rc == 0; i++)
                rc = io->unlink(io->ctx, dirfd, l.at[i].name);
        free(l.at);
        return rc < 0 ? err_sys(err, rc, "%s", name) : 0;
}

int baseline_place(const struct io *io, int dirfd, const struct hash *root, struct span note,
                   struct err *err)
{
        char name[BASELINE_NAME_MAX];
        int rc;

        rc = io_replace_file(io, dirfd, "baseline.note", dirfd, 0600, note, err);
        if (rc == 0)
                rc = keep_earlier(io, dirfd, err);
        if (rc == 0)
                rc = snapshot_place(io, dirfd, "baseline", err);
        if (rc < 0)
                return rc;
        earlier_name(root, name); /* what is trusted (again) is not an earlier one */
        (void)!io->unlink(io->ctx, dirfd, name);
        return 0;
}

static bool is_of(struct span note, const struct hash *root)
{
        char hex[2 * HASH_LEN + 1];
        struct json_value v;
        struct span text;

        text_hex(span_of(root->b, HASH_LEN), hex);
        return json_check(note, NULL) == 0 && json_get_path(json_value_of(note), "what.root", &v) &&
               json_value_plain(v, &text) && span_eq_str(text, hex);
}

int baseline_note(const struct io *io, int dirfd, struct buf *ret, struct err *err)
{
        struct snapshot_head head;
        uint8_t *p = NULL;
        size_t n = 0;
        bool told = true;
        int rc = io_read_file(io, dirfd, "baseline.note", BASELINE_NOTE_MAX, &p, &n, err);

        if (rc == 0 && snapshot_read_head(io, dirfd, "baseline", NULL, &head, NULL) == 0)
                told = !is_of(span_of(p, n), &head.root);
        if (rc == 0 && !told)
                buf_put(ret, span_of(p, n));
        free(p);
        if (rc < 0 && rc != -ENOENT)
                return rc;
        (void)!io->unlink(io->ctx, dirfd, "baseline.new");
        if (told)
                baseline_told(io, dirfd);
        if (buf_status(ret) < 0)
                return err_sys(err, buf_status(ret), "baseline.note");
        return !told;
}

void baseline_told(const struct io *io, int dirfd)
{
        (void)!io->unlink(io->ctx, dirfd, "baseline.note"); /* told twice is no harm */
}

/* ---- content ---- */

void baseline_mark(struct content_sweep *s, const struct record *r)
{
        struct span rest = r->attrs;
        struct record_attr a;

        if (r->hash == RECORD_HASH_KNOWN)
                content_sweep_mark(s, r->sha256);
        while (record_next_attr(&rest, &a))
                if (a.digest)
                        content_sweep_mark(s, a.digest);
}

static int mark_all(const struct io *io, int dirfd, const char *name, struct content_sweep *s,
                    struct err *err)
{
        CLEANUP(snapshot_closep) struct snapshot_reader *r = NULL;
        struct span path, record;
        struct record rec;
        int rc = snapshot_open(io, dirfd, name, NULL, &r, err);

        if (rc < 0)
                return rc;
        while ((rc = snapshot_next(r, &path, &record, err)) > 0)
                if (record_decode(record, &rec, err) == 0)
                        baseline_mark(s, &rec);
        return rc;
}

/* A list of changes, as baseline_put_change() makes it. */
static void mark_list(struct span list, struct content_sweep *s)
{
        struct span path, is;
        struct record r;

        while (baseline_next_change(&list, &path, &is))
                if (is.n && record_decode(is, &r, NULL) == 0)
                        baseline_mark(s, &r);
}

int baseline_sweep(const struct io *io, int dirfd, struct content *c, struct span also,
                   uint64_t *ret_removed, struct err *err)
{
        CLEANUP(content_sweep_freep) struct content_sweep *s = NULL;
        struct names l = { 0 };
        int rc;

        if (content_counts(c).files == 0) {
                *ret_removed = 0;
                return 0;
        }
        rc = content_sweep_begin(c, &s, err);
        if (rc == 0)
                rc = mark_all(io, dirfd, "baseline", s, err);
        if (rc == 0)
                rc = names_each(dirfd, ".", add_earlier, &l);
        for (size_t i = 0; i < l.n && rc == 0; i++) {
                rc = mark_all(io, dirfd, l.at[i].name, s, err);
                rc = rc == -EBADMSG ? 0 : rc; /* nothing can be put back from it any more */
        }
        free(l.at);
        if (rc < 0)
                return rc;
        mark_list(also, s);
        *ret_removed = content_sweep_end(s);
        s = NULL;
        return 0;
}
