/* SPDX-License-Identifier: Apache-2.0 */
/* RFC 9901 leaves the spelling of the JSON open; here it is canonical, so a disclosure has one
 * spelling and whoever holds salt, name and value can make it again.  Both digest alike: the digest
 * is over the base64url text.  SECURITY: disclosure_parse() reads hostile bytes. */
#include "wire/entry.h"

#include "base/text.h"

void disclosure_put(struct buf *out, struct span salt, struct span name, struct span value)
{
        size_t at = out->n, n, encoded;

        buf_put_byte(out, '[');
        json_put_quoted(out, salt);
        buf_put_byte(out, ',');
        json_put_quoted(out, name);
        buf_put_byte(out, ',');
        buf_put(out, value);
        buf_put_byte(out, ']');
        n = out->n - at;
        encoded = text_base64url_len(n);
        if (!buf_extend(out, encoded))
                return;
        /* There is room now, so the text does not move while it is encoded behind itself. */
        out->n -= encoded;
        text_put_base64url(out, span_of(out->p + at, n));
        memmove(out->p + at, out->p + at + n, encoded);
        out->n -= n;
}

static bool is_base64url(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                uint8_t c = s.p[i], lower = c | 0x20;

                if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '-' &&
                    c != '_')
                        return false;
        }
        return s.n > 0;
}

static int decode(struct span s, struct buf *scratch, struct err *err)
{
        size_t n;
        uint8_t *p;

        buf_clear(scratch);
        p = buf_extend(scratch, s.n / 4 * 3 + 2);
        if (!p)
                return err_set(err, buf_status(scratch), "no room for a disclosure of %zu bytes",
                               s.n);
        if (text_from_base64url(s, p, scratch->n, &n) < 0)
                return err_set(err, -EBADMSG, "the disclosure is not base64url");
        scratch->n = n;
        return 0;
}

int disclosure_parse(struct span s, struct buf *scratch, struct disclosure *ret, struct err *err)
{
        struct json_value item[3];
        struct disclosure d;
        int r;

        r = decode(s, scratch, err);
        if (r < 0)
                return r;
        if (json_check_value(buf_span(scratch), err) < 0) {
                err_wrap(err, "the disclosure is not canonical");
                if (err)
                        err->code = -EBADMSG;
                return -EBADMSG;
        }
        if (scratch->p[0] != '[')
                return err_set(err, -EBADMSG, "the disclosure is not an array");
        if (!json_value_items(json_value_of(buf_span(scratch)), item, ARRAY_LEN(item)))
                return err_set(err, -EBADMSG, "the disclosure does not have three items");
        if (!json_value_plain(item[0], &d.salt) || !is_base64url(d.salt))
                return err_set(err, -EBADMSG, "the disclosure's salt is not base64url text");
        if (!json_value_plain(item[1], &d.name) || d.name.n == 0)
                return err_set(err, -EBADMSG, "the disclosure's name is not plain text");
        d.value = item[2];
        *ret = d;
        return 0;
}
