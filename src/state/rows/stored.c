/* SPDX-License-Identifier: Apache-2.0 */
#include "state/rows/stored.h"

#include "base/text.h"
#include "state/rows/row.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

enum { HEAD_MAX = 1024, FORM = 1 };

void stored_columns(const struct state_table *t, uint8_t ret[SHA256_LEN])
{
        struct buf b = BUF_INIT(64 * 1024);

        for (size_t i = 0; i < t->n_columns; i++)
                buf_printf(&b, "%s %d %u\n", t->columns[i].name, (int)t->columns[i].type,
                           t->columns[i].flags);
        assert(buf_status(&b) == 0);
        sha256(buf_span(&b), ret);
        buf_done(&b);
}

static void put_digest(struct json_writer *w, const char *key, const uint8_t d[SHA256_LEN])
{
        char hex[2 * SHA256_LEN + 1];

        text_hex(span_of(d, SHA256_LEN), hex);
        json_member_text(w, key, hex);
}

/* A file's table: its name without STORED_NEXT. */
static struct span table_of(const char *file)
{
        struct span s = span_str(file), next = span_str(STORED_NEXT);

        if (s.n > next.n && span_eq(span_from(s, s.n - next.n), next))
                s.n -= next.n;
        return s;
}

static void put_head(const char *name, const struct stored_head *h, const struct rows *r,
                     struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_int(&w, "assay_state", FORM);
        json_member_time(&w, "changed", h->changed_ns);
        put_digest(&w, "columns", h->columns);
        put_digest(&w, "digest", h->digest);
        json_member_u64(&w, "faults", h->faults);
        json_member_u64(&w, "rows", r->n);
        json_member_string(&w, "table", table_of(name));
        if (h->run) {
                json_put_key(&w, "told");
                json_begin_object(&w);
                json_member_u64(&w, "first", h->first);
                json_member_u64(&w, "n", h->n);
                json_member_u64(&w, "run", h->run);
                json_end_object(&w);
        }
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

int stored_write(const struct io *io, int dirfd, const char *name, const struct stored_head *h,
                 const struct rows *r, struct err *err)
{
        struct buf b = BUF_INIT(ROWS_BYTES_MAX + HEAD_MAX);
        int rc;

        put_head(name, h, r, &b);
        for (size_t i = 0; i < r->n; i++)
                buf_put(&b, span_of(r->text.p + r->at[i].row, r->at[i].row_n + 1));
        rc = buf_status(&b);
        rc = rc < 0 ? err_sys(err, rc, "table %s", name)
                    : io_replace_file(io, dirfd, name, dirfd, 0600, buf_span(&b), err);
        buf_done(&b);
        return rc;
}

/* ---- reading ---- */

static bool get_digest(struct json_value o, const char *key, uint8_t ret[SHA256_LEN])
{
        struct json_value v;
        struct span text;

        return json_get(o, key, &v) && json_value_plain(v, &text) &&
               text_from_hex(text, ret, SHA256_LEN) == 0;
}

static bool get_u64(struct json_value o, const char *path, uint64_t *ret)
{
        struct json_value v;
        struct span text;
        int64_t n;

        if (!json_get_path(o, path, &v))
                return false;
        if (json_value_int(v, &n) && n >= 0) {
                *ret = (uint64_t)n;
                return true;
        }
        return json_value_plain(v, &text) && text_to_u64(text, ret) == 0;
}

static bool get_head(struct json_value o, const char *name, struct stored_head *ret,
                     uint64_t *ret_rows)
{
        struct json_value v;
        struct span text;
        uint64_t form;

        *ret = (struct stored_head){ 0 };
        if (!get_u64(o, "assay_state", &form) || form != FORM || !json_get(o, "changed", &v) ||
            !json_value_plain(v, &text) || text_to_time(text, &ret->changed_ns) < 0 ||
            !get_digest(o, "columns", ret->columns) || !get_digest(o, "digest", ret->digest) ||
            !get_u64(o, "faults", &ret->faults) || !get_u64(o, "rows", ret_rows) ||
            !json_get(o, "table", &v) || !json_value_plain(v, &text) ||
            !span_eq(text, table_of(name)))
                return false;
        return !json_get(o, "told", &v) ||
               (get_u64(o, "told.first", &ret->first) && get_u64(o, "told.n", &ret->n) &&
                get_u64(o, "told.run", &ret->run));
}

static int read_rows(const struct state_table *t, struct span rest, uint64_t n, struct rows *ret,
                     struct err *err)
{
        for (uint64_t i = 0; i < n; i++) {
                const uint8_t *end = rest.n ? memchr(rest.p, '\n', rest.n) : NULL;
                struct span row = span_of(rest.p, end ? (size_t)(end - rest.p) : 0);
                int rc = end ? json_check(row, err) : err_set(err, -EBADMSG, "cut");

                if (rc == 0)
                        rc = state_row_check(t, json_value_of(row), err);
                if (rc == 0)
                        rc = rows_add(ret, t, json_value_of(row));
                if (rc < 0)
                        return rc == -ENOMEM ? rc : -EBADMSG;
                rest = span_from(rest, row.n + 1);
        }
        return rest.n ? err_set(err, -EBADMSG, "bytes behind the last row") : 0;
}

static int parse(const struct state_table *t, const char *name, struct span all,
                 struct stored_head *ret, struct rows *ret_rows, struct err *err)
{
        const uint8_t *end = all.n ? memchr(all.p, '\n', all.n) : NULL;
        struct span head = span_of(all.p, end ? (size_t)(end - all.p) : 0);
        uint8_t columns[SHA256_LEN], digest[SHA256_LEN];
        uint64_t n;
        int rc;

        if (!end || json_check(head, NULL) < 0 || !get_head(json_value_of(head), name, ret, &n))
                return err_set(err, -EBADMSG, "not the head of a table");
        stored_columns(t, columns);
        if (memcmp(columns, ret->columns, SHA256_LEN) != 0)
                return err_set(err, -ESTALE, "a table of other columns");
        rc = read_rows(t, span_from(all, head.n + 1), n, ret_rows, err);
        if (rc < 0)
                return rc;
        rows_sort(ret_rows);
        rc = rows_digest(ret_rows, digest);
        if (rc == 0 && memcmp(digest, ret->digest, SHA256_LEN) != 0)
                rc = err_set(err, -EBADMSG, "rows that do not make its digest");
        return rc;
}

int stored_read(const struct io *io, int dirfd, const char *name, const struct state_table *t,
                struct stored_head *ret, struct rows *ret_rows, struct err *err)
{
        char file[STATE_NAME_MAX + sizeof STORED_NEXT];
        struct stored_head h = { 0 };
        uint8_t *bytes = NULL;
        size_t n = 0;
        int rc;

        snprintf(file, sizeof file, "%s", name);
        rc = io_read_file(io, dirfd, file, ROWS_BYTES_MAX + HEAD_MAX, &bytes, &n, err);
        if (rc < 0)
                return rc;
        rc = parse(t, name, span_of(bytes, n), &h, ret_rows, err);
        free(bytes);
        if (rc < 0)
                rows_done(ret_rows);
        if (rc < 0 && err)
                err_wrap(err, "table %s", name);
        if (rc < 0)
                return rc;
        *ret = h;
        return 0;
}
