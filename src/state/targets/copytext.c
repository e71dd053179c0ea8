/* SPDX-License-Identifier: Apache-2.0 */
#include "state/targets/copytext.h"

#include "state/reading/fields.h"
#include "state/targets/answer.h"

static int unescape(struct span s, struct buf *out)
{
        static const char letters[] = "bfnrtv", means[] = "\b\f\n\r\t\v";

        for (size_t i = 0; i < s.n; i++) {
                const char *at;

                if (s.p[i] != '\\') {
                        buf_put_byte(out, s.p[i]);
                        continue;
                }
                if (++i == s.n)
                        return -EBADMSG;
                at = s.p[i] ? strchr(letters, s.p[i]) : NULL;
                if (!at && s.p[i] != '\\')
                        return -EBADMSG;
                buf_put_byte(out, at ? (uint8_t)means[at - letters] : '\\');
        }
        return 0;
}

/* -EBADMSG: not such a line. */
static int parse(struct span line, struct copy_line *l)
{
        size_t at[COPY_FIELDS_MAX], end[COPY_FIELDS_MAX];
        bool null[COPY_FIELDS_MAX];
        struct span field;
        int rc = 0;

        buf_clear(&l->text);
        for (l->n = 0; rc == 0; l->n++) {
                const uint8_t *tab = line.n ? memchr(line.p, '\t', line.n) : NULL;

                if (l->n == COPY_FIELDS_MAX)
                        return -EBADMSG;
                field = span_of(line.p, tab ? (size_t)(tab - line.p) : line.n);
                null[l->n] = span_eq_str(field, "\\N");
                at[l->n] = l->text.n;
                if (!null[l->n])
                        rc = unescape(field, &l->text);
                end[l->n] = l->text.n;
                if (!tab) {
                        l->n++;
                        break;
                }
                line = span_from(line, field.n + 1);
        }
        if (rc == 0)
                rc = buf_status(&l->text);
        for (size_t i = 0; i < l->n && rc == 0; i++)
                l->field[i] = null[i] ? SPAN_NONE
                                      : span_of(l->text.p ? l->text.p + at[i] : (const uint8_t *)"",
                                                end[i] - at[i]);
        return rc;
}

static int read_lines(const struct answer *a, copy_fn *fn, void *ctx, struct copy_line *l,
                      struct err *err)
{
        struct field_lines lines = { .rest = a->part.bytes };
        struct span line;
        bool ended = false;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                if (ended || parse(line, l) < 0)
                        return err_set(err, -EBADMSG, "the server's answer, line %u: not as asked",
                                       (unsigned)lines.number);
                ended = l->n == 1 && span_eq_str(l->field[0], "end");
                if (!ended)
                        rc = fn(ctx, l);
                if (rc < 0)
                        err_sys(err, rc, "the server's answer, line %u", (unsigned)lines.number);
        }
        if (rc == 0 && !ended)
                return err_set(err, -EIO, "the server's answer has no end");
        return rc;
}

int copy_read(struct state_in *in, copy_fn *fn, void *ctx, struct err *err)
{
        struct copy_line l = { .text = BUF_INIT(COPY_LINE_MAX) };
        struct answer a;
        int rc = answer_open(in, &a, err);

        if (rc == 0)
                rc = read_lines(&a, fn, ctx, &l, err);
        buf_done(&l.text);
        return rc;
}

void copy_put_items(struct state_out *o, const char *column, struct span field)
{
        struct span item;

        while (field_cut(&field, 0x1f, &item))
                state_item(o, column, item);
}
