/* SPDX-License-Identifier: Apache-2.0 */
/* ocsf_value.c - what fills an attribute out of one field.
 *
 * SECURITY: values are other people's; a text stays the JSON string it was, bytes that are no UTF-8
 * are made safe. */
#include "base/clock.h"
#include "base/text.h"
#include "wire/ocsf_priv.h"

/* ---- constants ---- */

static void put_literal(struct buf *out, const char *text)
{
        json_put_quoted(out, span_str(text));
}

OCSF_PUT(const)
{
        if (row->text)
                put_literal(e->out, row->text);
        else
                buf_printf(e->out, "%d", row->number);
        return OCSF_PARTLY;
}

OCSF_PUT(true)
{
        buf_put(e->out, SPAN("true"));
        return OCSF_PARTLY;
}

/* ---- text ---- */

static bool put_base64_bytes(struct span text, struct buf *out)
{
        uint8_t *p = buf_extend(out, text.n);
        size_t n;

        if (!p)
                return false;
        out->n -= text.n;
        if (text_from_base64(text, p, text.n, &n) < 0)
                return false;
        out->n += n;
        return true;
}

/* In scratch: the bytes, then the same made safe. */
/* Its text, base64 undone and made safe, in scratch. */
static bool text_of(struct ocsf_event *e, const struct ocsf_value *v, struct span *ret)
{
        struct buf *b = ocsf_scratch(e);
        struct span text;
        size_t n;

        if (!v->b64) {
                if (!json_value_text(v->json, b))
                        return false;
                *ret = buf_span(b);
                return buf_status(b) == 0;
        }
        if (!json_value_plain(v->json, &text) || !put_base64_bytes(text, b))
                return false;
        n = b->n;
        if (!buf_extend(b, 4 * n)) /* so that the bytes stay where they are */
                return false;
        b->n = n;
        text_put_safe(b, span_of(b->p, n));
        *ret = span_from(buf_span(b), n);
        return buf_status(b) == 0;
}

OCSF_PUT(text)
{
        struct span text;

        if (!v && row->text) {
                put_literal(e->out, row->text);
                return OCSF_PARTLY;
        }
        if (!v || v->json.type != JSON_STRING)
                return OCSF_NOTHING;
        if (!v->b64) {
                buf_put(e->out, v->json.raw);
                return OCSF_EXACTLY;
        }
        if (!text_of(e, v, &text))
                return OCSF_NOTHING;
        json_put_quoted(e->out, text);
        return OCSF_PARTLY;
}

OCSF_PUT(base)
{
        struct span text, name;

        if (!v || !text_of(e, v, &text)) {
                if (!row->text)
                        return OCSF_NOTHING;
                put_literal(e->out, row->text);
                return OCSF_PARTLY;
        }
        name = text;
        for (size_t i = 0; i + 1 < text.n; i++)
                if (text.p[i] == '/')
                        name = span_from(text, i + 1);
        json_put_quoted(e->out, name);
        return OCSF_PARTLY;
}

/* ---- numbers ---- */

OCSF_PUT(as_is)
{
        buf_put(e->out, v->json.raw);
        return OCSF_EXACTLY;
}

/* One above 2^53 stands in the entry as text, and stays in unmapped. */
OCSF_PUT(int)
{
        if (v->json.type != JSON_INT)
                return OCSF_NOTHING;
        buf_put(e->out, v->json.raw);
        return OCSF_EXACTLY;
}

OCSF_PUT(string)
{
        if (v->json.type == JSON_STRING) {
                buf_put(e->out, v->json.raw);
                return OCSF_EXACTLY;
        }
        if (v->json.type != JSON_INT)
                return OCSF_NOTHING;
        buf_put_byte(e->out, '"');
        buf_put(e->out, v->json.raw);
        buf_put_byte(e->out, '"');
        return OCSF_EXACTLY;
}

static enum ocsf_said put_ms(struct buf *out, int64_t ns)
{
        if (ns < 0)
                return OCSF_NOTHING; /* the schema has no time before 1970 */
        buf_printf(out, "%lld", (long long)(ns / NS_PER_MS));
        return OCSF_PARTLY;
}

OCSF_PUT(ms)
{
        struct span text;
        int64_t ns;

        if (!json_value_plain(v->json, &text) || text_to_time(text, &ns) < 0)
                return OCSF_NOTHING;
        return put_ms(e->out, ns);
}

OCSF_PUT(octal)
{
        struct span text;
        unsigned n = 0;

        if (!json_value_plain(v->json, &text) || text.n == 0 || text.n > 6)
                return OCSF_NOTHING;
        for (size_t i = 0; i < text.n; i++) {
                if (text.p[i] < '0' || text.p[i] > '7')
                        return OCSF_NOTHING;
                n = n * 8 + (text.p[i] - '0');
        }
        buf_printf(e->out, "%u", n);
        return OCSF_PARTLY;
}

/* ---- words ---- */

static const struct ocsf_word *word_of(const struct ocsf_event *e, const struct ocsf_row *row,
                                       const struct ocsf_value *v)
{
        const struct ocsf_word *w = row->words;
        struct span text;

        if (!v && row->text)
                v = ocsf_find(e, row->text);
        if (!v || v->b64 || !json_value_plain(v->json, &text))
                text = SPAN_NONE;
        while (w->from && !span_eq_str(text, w->from))
                w++;
        return w;
}

OCSF_PUT(word)
{
        buf_printf(e->out, "%d", word_of(e, row, v)->id);
        return OCSF_PARTLY;
}

/* Of 99 the word itself, unless that says no more than 99 does. */
OCSF_PUT(caption)
{
        const struct ocsf_word *w = word_of(e, row, v);
        struct span text;

        if (w->caption)
                put_literal(e->out, w->caption);
        else if (v && json_value_plain(v->json, &text) && text.n && !span_eq_str(text, "Other"))
                buf_put(e->out, v->json.raw);
        else
                put_literal(e->out, "Unspecified");
        return OCSF_PARTLY;
}

OCSF_PUT(listed)
{
        const struct ocsf_word *w = row->words;
        struct span text;

        if (!v || !json_value_plain(v->json, &text))
                return OCSF_NOTHING;
        while (w->from && !span_eq_str(text, w->from))
                w++;
        return w->from ? ocsf_put_text(e, row, v) : OCSF_NOTHING;
}

/* ---- lists ---- */

static bool is_all_text(struct json_value list)
{
        struct json_iter it = json_iter_of(list);
        struct json_value v;

        while (json_next(&it, NULL, &v))
                if (v.type != JSON_STRING)
                        return false;
        return true;
}

OCSF_PUT(named)
{
        struct json_value item;
        struct json_iter it;
        bool first = true;

        if (v->json.type != JSON_ARRAY || !is_all_text(v->json))
                return OCSF_NOTHING;
        buf_put_byte(e->out, '[');
        for (it = json_iter_of(v->json); json_next(&it, NULL, &item); first = false) {
                buf_put(e->out, first ? SPAN("{\"name\":") : SPAN(",{\"name\":"));
                buf_put(e->out, item.raw);
                buf_printf(e->out, ",\"type\":\"%s\"}", row->text);
        }
        buf_put_byte(e->out, ']');
        return OCSF_EXACTLY;
}
