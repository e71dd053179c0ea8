/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/watching/watch_entry.h"

#include "base/text.h"
#include "integrity/trusted/record.h"
#include "integrity/watching/watchset_same.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        PART_BYTES = 24 * 1024, /* of lists, in one entry; a pattern, escaped, is shorter */
        ENTRY_BYTES = 61440,
        ITEMS_BYTES = 64 << 20,
};

/* ---- items of the lists ---- */

enum list { ADDED, CHANGED, REMOVED, LISTS };

/* One after the other in a buf: a byte for the list, then the text with its NUL. */
struct items {
        struct buf text;
};

static void begin_item(struct items *x, enum list list, struct span profile)
{
        buf_put_byte(&x->text, (uint8_t)list);
        text_put_safe(&x->text, profile);
        buf_put_str(&x->text, ": ");
}

static void end_item(struct items *x)
{
        buf_put_byte(&x->text, 0);
}

static void put_rules(struct items *x, enum list list, const struct watchset *of,
                      const struct watchset *but)
{
        for (size_t i = 0; i < of->n; i++) {
                const struct watch_rule *r = &of->rules[i];

                if (r->profile == WATCH_PROFILES_MAX || (but && watchset_has_rule(but, of, r)))
                        continue; /* Assay's own, or the same as before */
                begin_item(x, list, of->profiles[r->profile]->name);
                buf_put_str(&x->text, r->exclude ? "!" : "");
                text_put_safe(&x->text, r->text);
                end_item(x);
        }
}

static void put_attributes(struct buf *out, uint32_t set)
{
        const char *comma = "";

        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (set >> i & 1) {
                        buf_printf(out, "%s%s", comma, record_field_name[i]);
                        comma = ", ";
                }
}

static void put_owners(struct buf *out, const struct watch_profile *p)
{
        for (size_t i = 0; i < p->n_owners; i++) {
                buf_put_str(out, i ? ", " : "");
                text_put_safe(out, p->owners[i]);
        }
}

/* Each setting that is another one, as "name: mode alert -> log". */
static void put_settings(struct items *x, const struct watch_profile *was,
                         const struct watch_profile *is)
{
        struct buf *b = &x->text;

        if (was->mode != is->mode) {
                begin_item(x, CHANGED, is->name);
                buf_printf(b, "mode %s -> %s", watch_mode_name(was->mode),
                           watch_mode_name(is->mode));
                end_item(x);
        }
        if (was->attributes != is->attributes) {
                begin_item(x, CHANGED, is->name);
                buf_put_str(b, "attributes ");
                put_attributes(b, was->attributes);
                buf_put_str(b, " -> ");
                put_attributes(b, is->attributes);
                end_item(x);
        }
        if (was->keep != is->keep || was->max_size != is->max_size) {
                begin_item(x, CHANGED, is->name);
                buf_printf(b, "keep %s, %llu bytes -> %s, %llu bytes", was->keep ? "true" : "false",
                           (unsigned long long)was->max_size, is->keep ? "true" : "false",
                           (unsigned long long)is->max_size);
                end_item(x);
        }
        if (was->is_volatile != is->is_volatile) {
                begin_item(x, CHANGED, is->name);
                buf_printf(b, "volatile %s", is->is_volatile ? "false -> true" : "true -> false");
                end_item(x);
        }
        if (was->deep_s != is->deep_s) {
                begin_item(x, CHANGED, is->name);
                buf_printf(b, "deep %llu s -> %llu s", (unsigned long long)was->deep_s,
                           (unsigned long long)is->deep_s);
                end_item(x);
        }
        if (was->execute != is->execute) {
                begin_item(x, CHANGED, is->name);
                buf_printf(b, "execute %s -> %s", watch_execute_name(was->execute),
                           watch_execute_name(is->execute));
                end_item(x);
        }
        if (!watchset_same_owners(was, is)) {
                begin_item(x, CHANGED, is->name);
                buf_put_str(b, "owners ");
                put_owners(b, was);
                buf_put_str(b, " -> ");
                put_owners(b, is);
                end_item(x);
        }
        if (!span_eq(was->about, is->about)) {
                begin_item(x, CHANGED, is->name);
                buf_put_str(b, "description");
                end_item(x);
        }
}

/* A profile that is new is told with what it is set to, against one that is set to nothing. */
static void put_profiles(struct items *x, const struct watchset *before, const struct watchset *now)
{
        static const struct watch_profile plain = { .mode = WATCH_LOG,
                                                    .attributes = (1u << RECORD_F_COUNT) - 1 };

        for (size_t i = 0; i < now->n_profiles; i++) {
                const struct watch_profile *is = now->profiles[i];
                const struct watch_profile *was =
                        before ? watchset_same_name(before, is->name) : NULL;
                struct watch_profile fresh = plain;

                fresh.about = is->about;
                if (!was || !watchset_same_profile(is, was))
                        put_settings(x, was ? was : &fresh, is);
        }
        for (size_t i = 0; before && i < before->n_profiles; i++) {
                if (watchset_same_name(now, before->profiles[i]->name))
                        continue;
                begin_item(x, REMOVED, before->profiles[i]->name);
                buf_put_str(&x->text, "profile");
                end_item(x);
        }
}

/* ---- entries ---- */

static void put_list(struct json_writer *w, struct span items, enum list list, const char *key)
{
        bool any = false;

        while (items.n) {
                size_t n = strlen((const char *)items.p + 1);

                if (items.p[0] == list) {
                        if (!any) {
                                json_put_key(w, key);
                                json_begin_array(w);
                        }
                        any = true;
                        json_put_string(w, span_of(items.p + 1, n));
                }
                items = span_from(items, n + 2);
        }
        if (any)
                json_end_array(w);
}

static void put_entry(const struct watch_facts *f, struct span items, unsigned part, bool last,
                      struct buf *out)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * PATH_MAX);
        char hex[2 * CONFIG_DIGEST + 1];
        struct json_writer w;

        text_hex(span_of(f->config->digest, CONFIG_DIGEST), hex);
        text_put_safe(&safe, span_str(f->config->from));
        entry_begin(&w, out, "integrity.watch", f->wall_ns);
        put_list(&w, items, ADDED, "added");
        put_list(&w, items, CHANGED, "changed");
        if (f->config->has_digest)
                json_member_text(&w, "config", hex);
        json_member_string(&w, "config_from", buf_span(&safe));
        if (f->dropped && part == 1)
                json_member_u64(&w, "dropped", f->dropped);
        json_member_text(&w, "event", f->event);
        if (!last || part > 1) {
                json_member_bool(&w, "last", last);
                json_member_int(&w, "part", part);
        }
        if (f->reason) {
                buf_clear(&safe);
                text_put_safe(&safe, span_str(f->reason));
                json_member_string(&w, "reason", buf_span(&safe));
        }
        put_list(&w, items, REMOVED, "removed");
        json_end_object(&w);
        json_end_object(&w);
}

/* As many items as fit one part. */
static size_t part_len(struct span items)
{
        size_t n = 0;

        while (n < items.n) {
                size_t item = strlen((const char *)items.p + n + 1) + 2;

                if (n && n + item > PART_BYTES)
                        break;
                n += item;
        }
        return n;
}

int watch_entries(const struct watch_facts *f, watch_tell_fn *tell, void *ctx)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(ENTRY_BYTES);
        struct items x = { .text = BUF_INIT(ITEMS_BYTES) };
        const struct watchset *now = &f->config->set;
        struct span rest;
        int rc;

        if (strcmp(f->event, "refused") != 0) {
                put_rules(&x, ADDED, now, f->before);
                put_profiles(&x, f->before, now);
                if (f->before)
                        put_rules(&x, REMOVED, f->before, now);
        }
        rc = buf_status(&x.text);
        rest = buf_span(&x.text);
        for (unsigned part = 1; rc == 0 && (part == 1 || rest.n); part++) {
                size_t n = part_len(rest);

                buf_clear(&out);
                put_entry(f, span_of(rest.p, n), part, n == rest.n, &out);
                rc = buf_status(&out) < 0 ? buf_status(&out) : tell(ctx, buf_span(&out));
                rest = span_from(rest, n);
        }
        buf_done(&x.text);
        return rc;
}
