/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/cursor.h"

#include "base/text.h"
#include "wire/fact.h"

#include <stdlib.h>

#define FILE_NAME "cursor"

enum { CURSOR_MAX = 4096 };

void cursor_put(const struct cursor *c, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "delivered", c->delivered);
        if (c->down_since_ns) {
                json_member_u64(&w, "down_index", c->down_index);
                json_member_text(&w, "down_origin", c->down_origin);
                json_member_time(&w, "down_since", c->down_since_ns);
        }
        json_member_u64(&w, "missed", c->missed);
        json_member_u64(&w, "next", c->next);
        json_member_text(&w, "origin", c->origin);
        json_member_u64(&w, "refused", c->refused);
        if (c->down_since_ns)
                json_member_bool(&w, "told", c->told);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void get_origin(struct fact *f, const char *key, char out[NOTE_NAME_MAX + 1])
{
        fact_text(f, key, out, NOTE_NAME_MAX);
        if (!f->missing && *out && !note_name_ok(span_str(out)))
                f->missing = key;
}

static void get_down(struct fact *f, struct cursor *c)
{
        char time[TEXT_TIME_LEN + 1];

        c->down_index = fact_number(f, "down_index", JSON_INT_MAX);
        get_origin(f, "down_origin", c->down_origin);
        fact_text(f, "down_since", time, TEXT_TIME_LEN);
        if (!f->missing &&
            (text_to_time(span_str(time), &c->down_since_ns) < 0 || c->down_since_ns <= 0))
                f->missing = "down_since";
        c->told = fact_bool(f, "told");
}

int cursor_parse(struct span text, struct cursor *ret, struct err *err)
{
        struct cursor c = { 0 };
        struct fact f;
        int status;

        if (text.n == 0 || text.p[text.n - 1] != '\n')
                return err_set(err, -EBADMSG, "does not end with a newline");
        text.n--;
        if (json_check(text, err) < 0)
                return err_set(err, -EBADMSG, "is no object: %s", err ? err->text : "");
        f = fact_of(text);
        get_origin(&f, "origin", c.origin);
        c.next = fact_number(&f, "next", JSON_INT_MAX);
        c.delivered = fact_number(&f, "delivered", JSON_INT_MAX);
        c.refused = fact_number(&f, "refused", JSON_INT_MAX);
        c.missed = fact_number(&f, "missed", JSON_INT_MAX);
        if (fact_has(&f, "down_since"))
                get_down(&f, &c);
        status = fact_status(&f, err);
        if (status == 0)
                *ret = c;
        return status;
}

int cursor_load(int dirfd, struct cursor *ret, struct err *err)
{
        uint8_t *text;
        size_t n;
        int status;

        status = io_read_file(&io_kernel, dirfd, FILE_NAME, CURSOR_MAX, &text, &n, err);
        if (status < 0)
                return status;
        status = cursor_parse(span_of(text, n), ret, err);
        free(text);
        return status < 0 ? err_wrap(err, FILE_NAME) : 0;
}

int cursor_store(int dirfd, const struct io *io, const struct cursor *c, struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(CURSOR_MAX);

        cursor_put(c, &out);
        if (buf_status(&out) < 0)
                return err_sys(err, buf_status(&out), FILE_NAME);
        return io_replace_file(io, dirfd, FILE_NAME, dirfd, 0600, buf_span(&out), err);
}
