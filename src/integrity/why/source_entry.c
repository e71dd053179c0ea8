/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/source_entry.h"

#include "base/text.h"
#include "integrity/who/who.h"
#include "wire/entry.h"

enum { LIST_BYTES = 8 * 1024 }; /* of maps, or of keys, in one entry */

/* A list that goes on longer than an entry can be ends with how many more there are. */
static bool fits(struct json_writer *w, size_t n, size_t left, size_t *room)
{
        CLEANUP(buf_done) struct buf more = BUF_INIT(64);

        if (n <= *room) {
                *room -= n;
                return true;
        }
        buf_printf(&more, "and %zu more", left);
        json_put_string(w, buf_span(&more));
        return false;
}

static void put_maps(const struct pathlist_header *h, struct json_writer *w)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(8 * (PATHLIST_PATH_MAX + 1));
        size_t room = LIST_BYTES;

        json_put_key(w, "maps");
        json_begin_array(w);
        for (size_t i = 0; i < h->n_maps; i++) {
                buf_clear(&b);
                text_put_safe(&b, span_str(h->map[i].sub));
                buf_put_byte(&b, '=');
                text_put_safe(&b, span_str(h->map[i].at));
                if (!fits(w, b.n, h->n_maps - i, &room))
                        break;
                json_put_string(w, buf_span(&b));
        }
        json_end_array(w);
}

static void put_hosts(const struct pathlist_header *h, struct json_writer *w)
{
        if (h->n_hosts == 0)
                return;
        json_put_key(w, "hosts");
        json_begin_array(w);
        for (size_t i = 0; i < h->n_hosts; i++)
                json_put_string(w, span_str(h->host[i]));
        json_end_array(w);
}

static void put_on(const struct pathlist_header *h, struct json_writer *w)
{
        json_put_key(w, "on");
        json_begin_array(w);
        for (size_t i = 0; i < h->n_on; i++)
                json_put_string(w, span_str(h->on[i]));
        json_end_array(w);
}

static void put_keys(const struct source_keys *keys, struct json_writer *w)
{
        size_t room = LIST_BYTES;

        json_put_key(w, "keys");
        json_begin_array(w);
        for (size_t i = 0; i < keys->n; i++) {
                char text[SOURCE_KEY_TEXT];

                source_key_text(&keys->key[i], text);
                if (!fits(w, strlen(text), keys->n - i, &room))
                        break;
                json_put_string(w, span_str(text));
        }
        json_end_array(w);
}

static void put_digest(const uint8_t *digest, struct json_writer *w)
{
        char hex[2 * SOURCE_DIGEST + 1];

        text_hex(span_of(digest, SOURCE_DIGEST), hex);
        json_member_text(w, "list", hex);
}

/* Members ascend: the two with a list of their own in the middle are either's. */
static void put_members(const struct source *s, const struct source_facts *f, struct json_writer *w)
{
        const struct pathlist_header *h = s ? &s->list.header : NULL;
        const uint8_t *digest = s ? s->digest : f ? f->digest : NULL;
        char key[SOURCE_KEY_TEXT];

        if (h)
                json_member_text(w, "commit", h->commit);
        if (f && f->detail)
                json_member_text(w, "detail", f->detail);
        if (h)
                json_member_u64(w, "entries", h->entries);
        if (f)
                json_member_text(w, "event", f->event);
        if (h) {
                json_member_time(w, "expires", h->expires_ns);
                put_hosts(h, w);
                json_member_time(w, "issued", h->issued_ns);
                source_key_text(&s->key, key);
                json_member_text(w, "key", key);
        }
        if (f && f->keys)
                put_keys(f->keys, w);
        if (digest)
                put_digest(digest, w);
        if (!h)
                return;
        put_maps(h, w);
        put_on(h, w);
        json_member_text(w, "origin", h->origin);
        json_member_text(w, "signed", signature_status_name(h->signing));
}

void source_members_put(const struct source *s, struct json_writer *w)
{
        put_members(s, NULL, w);
}

void source_entry_put(const struct source_facts *f, struct buf *out)
{
        struct json_writer w;

        buf_clear(out);
        entry_begin(&w, out, "integrity.source", f->wall_ns);
        put_members(f->source, f, &w);
        json_end_object(&w);
        if (f->who) {
                json_put_key(&w, "who");
                who_put(&w, f->who, NULL, 0, NULL);
        }
        json_end_object(&w);
}
