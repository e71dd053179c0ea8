/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/fact.h"

#include "base/text.h"

struct fact fact_of(struct span json)
{
        return (struct fact){ .object = json_value_of(json) };
}

struct span fact_kind(const struct fact *f)
{
        struct span s = SPAN_NONE;
        struct json_value v;

        if (json_get(f->object, "fact", &v) && json_value_plain(v, &s))
                return s;
        return SPAN_NONE;
}

bool fact_has(const struct fact *f, const char *key)
{
        struct json_value v;

        return json_get(f->object, key, &v);
}

void fact_miss(struct fact *f, const char *key)
{
        if (!f->missing)
                f->missing = key;
}

int fact_status(const struct fact *f, struct err *err)
{
        return f->missing ? err_set(err, -EBADMSG, "fact: %s", f->missing) : 0;
}

bool fact_copy(struct json_value v, char *out, size_t max)
{
        struct buf b = { .p = (uint8_t *)out, .cap = max, .max = max }; /* never grows */
        bool good = json_value_text(v, &b) && buf_status(&b) == 0 && !memchr(out, '\0', b.n);

        out[good ? b.n : 0] = '\0';
        return good;
}

void fact_maybe_text(struct fact *f, const char *key, char *out, size_t max)
{
        struct json_value v;

        out[0] = '\0';
        if (json_get(f->object, key, &v) && !fact_copy(v, out, max))
                fact_miss(f, key);
}

void fact_text(struct fact *f, const char *key, char *out, size_t max)
{
        if (!fact_has(f, key))
                fact_miss(f, key);
        fact_maybe_text(f, key, out, max);
}

void fact_bytes(struct fact *f, const char *key, const char *key_b64, char *out, size_t max)
{
        struct json_value v;
        struct span text;
        size_t n;

        if (!json_get(f->object, key_b64, &v)) {
                fact_text(f, key, out, max);
                return;
        }
        out[0] = '\0';
        if (fact_has(f, key) || !json_value_plain(v, &text) ||
            text_from_base64(text, (uint8_t *)out, max, &n) < 0 || memchr(out, '\0', n)) {
                fact_miss(f, key);
                n = 0;
        }
        out[n] = '\0';
}

uint64_t fact_number(struct fact *f, const char *key, uint64_t max)
{
        struct json_value v;
        int64_t n;

        if (json_get(f->object, key, &v) && json_value_int(v, &n) && n >= 0 && (uint64_t)n <= max)
                return (uint64_t)n;
        fact_miss(f, key);
        return 0;
}

bool fact_bool(struct fact *f, const char *key)
{
        struct json_value v;

        if (json_get(f->object, key, &v) && (v.type == JSON_TRUE || v.type == JSON_FALSE))
                return v.type == JSON_TRUE;
        fact_miss(f, key);
        return false;
}

void fact_hex(struct fact *f, const char *key, uint8_t *out, size_t n)
{
        struct json_value v;
        struct span s;

        if (!json_get(f->object, key, &v) || !json_value_plain(v, &s) ||
            text_from_hex(s, out, n) < 0)
                fact_miss(f, key);
}

void fact_data(struct fact *f, const char *key, uint8_t *out, size_t max, size_t *ret_n)
{
        struct json_value v;
        struct span s;

        if (!json_get(f->object, key, &v) || !json_value_plain(v, &s) ||
            text_from_base64(s, out, max, ret_n) < 0)
                fact_miss(f, key);
}

void fact_put_data(struct json_writer *w, const char *key, struct span data)
{
        struct buf b = BUF_INIT(text_base64_len(data.n));

        text_put_base64(&b, data);
        json_put_key(w, key);
        if (buf_status(&b) < 0)
                w->out->status = buf_status(&b); /* as if it had failed there */
        else
                json_put_string(w, buf_span(&b));
        buf_done(&b);
}

int fact_enum(struct fact *f, const char *key, const char *const *names, int n)
{
        struct json_value v;
        struct span s;

        if (json_get(f->object, key, &v) && json_value_plain(v, &s))
                for (int i = 0; i < n; i++)
                        if (span_eq_str(s, names[i]))
                                return i;
        fact_miss(f, key);
        return 0;
}
