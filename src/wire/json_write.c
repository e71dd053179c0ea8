/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/json.h"

#include "base/text.h"
#include "wire/json_scan.h"

void json_put_escape(struct buf *out, uint8_t c)
{
        static const char digits[] = "0123456789abcdef", short_of[] = "btn?fr";
        uint8_t text[6] = { '\\', c };
        size_t n = 2;

        assert(c < ' ' || c == '"' || c == '\\');
        if (c >= '\b' && c <= '\r' && c != '\v') {
                text[1] = (uint8_t)short_of[c - '\b'];
        } else if (c < ' ') {
                memcpy(text + 1, "u00", 3);
                text[4] = (uint8_t)digits[c >> 4];
                text[5] = (uint8_t)digits[c & 15];
                n = 6;
        }
        buf_put(out, span_of(text, n));
}

/* As most texts are: without an escape, and ASCII. */
static bool is_plain(struct span s)
{
        const uint8_t *end = s.n ? s.p + s.n : s.p;

        return json_scan_plain(s.p, end) == end;
}

static uint8_t *copy(uint8_t *to, struct span s)
{
        if (s.n)
                memcpy(to, s.p, s.n);
        return to + s.n;
}

static void put_plain(struct buf *out, struct span s)
{
        uint8_t *at = buf_extend(out, s.n + 2);

        if (!at)
                return;
        *at++ = '"';
        at = copy(at, s);
        *at = '"';
}

static void put_escaped(struct buf *out, struct span utf8)
{
        const uint8_t *p = utf8.p, *end = p + utf8.n, *plain = p;

        buf_put_byte(out, '"');
        for (;;) {
                p = json_scan_plain(p, end);
                if (p < end && *p >= 0x80) {
                        p++;
                        continue;
                }
                buf_put(out, span_of(plain, (size_t)(p - plain)));
                if (p == end)
                        break;
                json_put_escape(out, *p++);
                plain = p;
        }
        buf_put_byte(out, '"');
}

void json_put_quoted(struct buf *out, struct span utf8)
{
        if (is_plain(utf8))
                put_plain(out, utf8);
        else
                put_escaped(out, utf8);
}

void json_writer_init(struct json_writer *w, struct buf *out)
{
        *w = (struct json_writer){ .out = out };
}

/* Once the buf has failed its content says nothing, so order is no longer judged. */
static bool failed(const struct json_writer *w)
{
        return buf_status(w->out) < 0;
}

static bool in_object(const struct json_writer *w)
{
        return w->depth > 0 && w->level[w->depth - 1].object;
}

static bool behind_key(const struct json_writer *w)
{
        return w->out->n > 0 && w->out->p[w->out->n - 1] == ':';
}

static void before_value(struct json_writer *w)
{
        if (in_object(w)) {
                assert(failed(w) || behind_key(w));
        } else {
                assert(w->depth > 0 || !w->need_comma); /* one value in all */
                if (w->need_comma)
                        buf_put_byte(w->out, ',');
        }
        w->need_comma = true;
}

static void begin(struct json_writer *w, bool object)
{
        before_value(w);
        assert(w->depth < JSON_DEPTH_MAX);
        w->level[w->depth].object = object;
        w->level[w->depth].key_n = 0;
        w->depth++;
        w->need_comma = false;
        buf_put_byte(w->out, object ? '{' : '[');
}

static void end(struct json_writer *w, bool object)
{
        assert(w->depth > 0 && in_object(w) == object);
        assert(!object || failed(w) || !behind_key(w));
        w->depth--;
        w->need_comma = true;
        buf_put_byte(w->out, object ? '}' : ']');
}

void json_begin_object(struct json_writer *w)
{
        begin(w, true);
}

void json_end_object(struct json_writer *w)
{
        end(w, true);
}

void json_begin_array(struct json_writer *w)
{
        begin(w, false);
}

void json_end_array(struct json_writer *w)
{
        end(w, false);
}

static void put_key(struct json_writer *w, struct span key, struct span suffix)
{
        const size_t n = key.n + suffix.n, comma = w->need_comma;
        struct span now, before;
        uint8_t *at;

        assert(in_object(w) && json_key_ok(key));
        assert(failed(w) || !behind_key(w));
        w->need_comma = false;
        at = buf_extend(w->out, comma + n + sizeof "\"\":" - 1);
        if (!at)
                return;
        if (comma)
                *at++ = ',';
        *at++ = '"';
        now = span_of(at, n);
        at = copy(copy(at, key), suffix);
        *at++ = '"';
        *at = ':';
        assert(w->out->n <= UINT32_MAX);
        before = span_of(w->out->p + w->level[w->depth - 1].key_at, w->level[w->depth - 1].key_n);
        assert(span_cmp(before, now) < 0);
        w->level[w->depth - 1].key_at = (uint32_t)(now.p - w->out->p);
        w->level[w->depth - 1].key_n = (uint32_t)n;
}

void json_put_key(struct json_writer *w, const char *key)
{
        put_key(w, span_str(key), SPAN_NONE);
}

void json_put_raw(struct json_writer *w, struct span checked_value)
{
        before_value(w);
        buf_put(w->out, checked_value);
}

void json_put_null(struct json_writer *w)
{
        json_put_raw(w, SPAN("null"));
}

void json_put_bool(struct json_writer *w, bool v)
{
        json_put_raw(w, v ? SPAN("true") : SPAN("false"));
}

void json_put_int(struct json_writer *w, int64_t v)
{
        char text[1 + TEXT_U64_MAX + 1] = "-";
        size_t minus = v < 0;

        assert(v <= JSON_INT_MAX && v >= -JSON_INT_MAX);
        json_put_raw(w, span_of(text, minus + text_u64((uint64_t)(v < 0 ? -v : v), text + minus)));
}

void json_put_u64(struct json_writer *w, uint64_t v)
{
        char text[TEXT_U64_MAX + 1];
        struct span s = span_of(text, text_u64(v, text));

        if (v > JSON_INT_MAX)
                json_put_string(w, s);
        else
                json_put_raw(w, s);
}

void json_put_string(struct json_writer *w, struct span s)
{
        const bool plain = is_plain(s);

        assert(plain || text_is_utf8(s, NULL));
        before_value(w);
        if (plain)
                put_plain(w->out, s);
        else
                put_escaped(w->out, s);
}

void json_put_bytes(struct json_writer *w, const char *key, struct span s)
{
        if (text_is_utf8(s, NULL)) {
                put_key(w, span_str(key), SPAN_NONE);
                before_value(w);
                json_put_quoted(w->out, s);
                return;
        }
        put_key(w, span_str(key), SPAN("_b64"));
        before_value(w);
        buf_put_byte(w->out, '"');
        text_put_base64(w->out, s);
        buf_put_byte(w->out, '"');
}

void json_member_string(struct json_writer *w, const char *key, struct span utf8)
{
        json_put_key(w, key);
        json_put_string(w, utf8);
}

void json_member_u64(struct json_writer *w, const char *key, uint64_t v)
{
        json_put_key(w, key);
        json_put_u64(w, v);
}

void json_member_int(struct json_writer *w, const char *key, int64_t v)
{
        json_put_key(w, key);
        json_put_int(w, v);
}

void json_member_bool(struct json_writer *w, const char *key, bool v)
{
        json_put_key(w, key);
        json_put_bool(w, v);
}

void json_member_raw(struct json_writer *w, const char *key, struct span checked_value)
{
        json_put_key(w, key);
        json_put_raw(w, checked_value);
}

void json_member_text(struct json_writer *w, const char *key, const char *utf8)
{
        json_member_string(w, key, span_str(utf8));
}

void json_member_time(struct json_writer *w, const char *key, int64_t wall_ns)
{
        char t[TEXT_TIME_LEN + 1];

        text_time(wall_ns, t);
        json_member_text(w, key, t);
}
