/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/quarantine_item.h"

#include "base/text.h"
#include "wire/json.h"

bool quarantine_is_id(struct span s)
{
        uint8_t raw[QUARANTINE_ID / 2];

        return s.n == QUARANTINE_ID && text_from_hex(s, raw, sizeof raw) == 0;
}

const char *quarantine_kept_name(enum quarantine_kept k)
{
        static const char *const names[QUARANTINE_KEPT_END] = {
                [QUARANTINE_WHOLE] = "whole",
                [QUARANTINE_DATA] = "data",
                [QUARANTINE_PART] = "part",
                [QUARANTINE_NOTHING] = "nothing",
        };

        return names[k];
}

static void put_kept(struct json_writer *w, const struct quarantine_item *i)
{
        char hex[2 * SHA256_LEN + 1];

        if (i->kept == QUARANTINE_WHOLE)
                return;
        text_hex(span_of(i->part.sha256, SHA256_LEN), hex);
        json_put_key(w, "kept");
        json_begin_object(w);
        json_put_key(w, "extents");
        json_begin_array(w);
        for (unsigned k = 0; k < i->part.n; k++) {
                json_begin_array(w);
                json_put_u64(w, i->part.extent[k].at);
                json_put_u64(w, i->part.extent[k].bytes);
                json_end_array(w);
        }
        json_end_array(w);
        json_member_text(w, "how", quarantine_kept_name(i->kept));
        json_member_text(w, "sha256", hex);
        json_member_text(w, "why", i->why);
        json_end_object(w);
}

void quarantine_item_print(const struct quarantine_item *i, struct buf *out)
{
        CLEANUP(buf_done) struct buf base64 = BUF_INIT(text_base64_len(RECORD_MAX));
        struct json_writer w;

        text_put_base64(&base64, i->encoded);
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_time(&w, "at", i->at_ns);
        json_member_text(&w, "id", i->id);
        put_kept(&w, i);
        json_member_bool(&w, "moment", i->moment);
        json_put_bytes(&w, "path", i->path);
        json_member_text(&w, "reason", i->reason);
        json_member_string(&w, "record", buf_span(&base64));
        json_end_object(&w);
        if (buf_status(&base64) < 0)
                out->status = buf_status(&base64);
}

/* ---- reading ---- */

static int wrong(struct err *err, const char *member)
{
        return err_set(err, -EBADMSG, "the item's %s is not as it must be", member);
}

/* A short text, terminated. */
static bool get_text(struct json_value o, const char *key, char *out, size_t max)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(max);
        struct json_value v;

        if (!json_get(o, key, &v) || !json_value_text(v, &b) || buf_status(&b) < 0 ||
            (b.n && memchr(b.p, 0, b.n)))
                return false;
        if (b.n)
                memcpy(out, b.p, b.n);
        out[b.n] = '\0';
        return true;
}

/* base64 of a member behind what scratch has: its place there, for scratch may move. */
static bool get_base64(struct json_value o, const char *key, struct buf *scratch, size_t *ret_at,
                       size_t *ret_n)
{
        struct json_value v;
        struct span text;
        uint8_t *to;

        if (!json_get(o, key, &v) || !json_value_plain(v, &text))
                return false;
        *ret_at = scratch->n;
        to = buf_extend(scratch, text.n);
        if (!to || text_from_base64(text, to, text.n, ret_n) < 0)
                return false;
        scratch->n = *ret_at + *ret_n;
        return true;
}

static bool get_path(struct json_value o, struct buf *scratch, size_t *ret_n)
{
        struct json_value v;
        size_t at;

        if (!json_get(o, "path", &v))
                return get_base64(o, "path_b64", scratch, &at, ret_n) &&
                       !text_is_utf8(span_of(scratch->p, *ret_n), NULL);
        if (!json_value_text(v, scratch) || buf_status(scratch) < 0)
                return false;
        *ret_n = scratch->n;
        return true;
}

/* An offset or a length: a decimal string where it is more than an integer of ours holds. */
static bool get_u64(struct json_value v, uint64_t *ret)
{
        struct span text;
        int64_t n;

        if (json_value_int(v, &n)) {
                *ret = (uint64_t)MAX_OF(n, 0);
                return n >= 0;
        }
        return json_value_plain(v, &text) && text_to_u64(text, ret) == 0;
}

static bool get_extent(struct json_value pair, struct quarantine_part *p)
{
        struct json_value part[2]; /* where, how many bytes */
        uint64_t end = p->n ? p->extent[p->n - 1].at + p->extent[p->n - 1].bytes : 0;

        if (p->n == QUARANTINE_EXTENTS_MAX || !json_value_items(pair, part, ARRAY_LEN(part)) ||
            !get_u64(part[0], &p->extent[p->n].at) || !get_u64(part[1], &p->extent[p->n].bytes))
                return false;
        if (p->extent[p->n].at < end || p->extent[p->n].at > INT64_MAX ||
            p->extent[p->n].bytes == 0 || p->extent[p->n].bytes > QUARANTINE_PART_MAX - p->bytes)
                return false;
        p->bytes += p->extent[p->n++].bytes;
        return true;
}

static bool get_kept(struct json_value o, struct quarantine_item *i)
{
        char how[16], hex[2 * SHA256_LEN + 1];
        struct json_value kept, list, pair;
        struct json_iter it;

        if (!json_get(o, "kept", &kept))
                return true; /* whole */
        if (kept.type != JSON_OBJECT || !json_get(kept, "extents", &list) ||
            list.type != JSON_ARRAY || !get_text(kept, "how", how, sizeof how - 1) ||
            !get_text(kept, "sha256", hex, sizeof hex - 1) ||
            !get_text(kept, "why", i->why, QUARANTINE_WHY_MAX) ||
            text_from_hex(span_str(hex), i->part.sha256, SHA256_LEN) < 0)
                return false;
        for (int k = QUARANTINE_DATA; k < QUARANTINE_KEPT_END; k++)
                if (strcmp(how, quarantine_kept_name((enum quarantine_kept)k)) == 0)
                        i->kept = (enum quarantine_kept)k;
        for (it = json_iter_of(list); json_next(&it, NULL, &pair);)
                if (!get_extent(pair, &i->part))
                        return false;
        i->part.all = i->kept == QUARANTINE_DATA;
        return i->kept != QUARANTINE_WHOLE;
}

static bool is_path(struct span p)
{
        return p.n && p.p[0] == '/' && !memchr(p.p, 0, p.n);
}

int quarantine_item_parse(struct span json, struct buf *scratch, struct quarantine_item *ret,
                          struct err *err)
{
        struct quarantine_item i = { 0 };
        size_t path_n = 0, record_at = 0, record_n = 0;
        struct json_value o, v;
        char time[TEXT_TIME_LEN + 1];

        buf_clear(scratch);
        if (json_check(json, err) < 0)
                return err ? err_wrap(err, "the item"), -EBADMSG : -EBADMSG;
        o = json_value_of(json);
        if (!get_text(o, "at", time, TEXT_TIME_LEN) || text_to_time(span_str(time), &i.at_ns) < 0)
                return wrong(err, "at");
        if (!get_text(o, "id", i.id, QUARANTINE_ID) || !quarantine_is_id(span_str(i.id)))
                return wrong(err, "id");
        if (!get_kept(o, &i))
                return wrong(err, "kept");
        if (!json_get(o, "moment", &v) || (v.type != JSON_TRUE && v.type != JSON_FALSE))
                return wrong(err, "moment");
        i.moment = v.type == JSON_TRUE;
        if (!get_text(o, "reason", i.reason, QUARANTINE_REASON_MAX))
                return wrong(err, "reason");
        if (!get_path(o, scratch, &path_n))
                return buf_status(scratch) == -ENOMEM ? -ENOMEM : wrong(err, "path");
        if (!get_base64(o, "record", scratch, &record_at, &record_n))
                return buf_status(scratch) == -ENOMEM ? -ENOMEM : wrong(err, "record");
        i.path = span_of(scratch->p, path_n);
        i.encoded = span_of(scratch->p + record_at, record_n);
        if (!is_path(i.path))
                return wrong(err, "path");
        if (record_decode(i.encoded, &i.record, err) < 0)
                return err ? err_wrap(err, "the item's record") : -EBADMSG;
        *ret = i;
        return 0;
}
