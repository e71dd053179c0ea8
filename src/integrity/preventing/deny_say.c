/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "integrity/preventing/deny_priv.h"
#include "wire/entry.h"
#include "wire/json.h"

enum { NAME_BYTES = 512, SAFE_BYTES = 4 * NAME_BYTES };

void deny_name(struct deny_names *x, struct span path)
{
        if (x->n++ >= DENY_NAMED)
                return;
        buf_put(&x->text, span_of(path.p, MIN_OF(path.n, (size_t)NAME_BYTES)));
        buf_put_byte(&x->text, 0);
}

void deny_forget_names(struct deny_names *x)
{
        x->n = 0;
        buf_clear(&x->text);
}

static void put_paths(struct json_writer *w, const struct deny_names *x)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(SAFE_BYTES);
        struct span rest = buf_span(&x->text);

        json_put_key(w, "paths");
        json_begin_array(w);
        while (rest.n) {
                size_t n = strnlen((const char *)rest.p, rest.n);

                buf_clear(&safe);
                text_put_safe(&safe, span_of(rest.p, n));
                json_put_string(w, buf_span(&safe));
                rest = span_from(rest, n + 1);
        }
        json_end_array(w);
}

int deny_say(struct sensor *s, const char *event, const struct deny_names *names,
             const char *reason, int64_t until_ns)
{
        struct json_writer w;

        buf_clear(&s->skeleton);
        entry_begin(&w, &s->skeleton, "integrity.deny", sensor_wall(s));
        json_member_text(&w, "event", event);
        if (names) {
                json_member_u64(&w, "files", names->n);
                put_paths(&w, names);
        }
        if (reason)
                json_member_text(&w, "reason", reason);
        if (until_ns)
                json_member_time(&w, "until", until_ns);
        json_end_object(&w);
        json_end_object(&w);
        return tell_made(s, NULL);
}

int deny_say_path(struct sensor *s, const char *event, struct span path, const char *reason,
                  int64_t until_ns)
{
        struct deny_names one = { .text = BUF_INIT(NAME_BYTES + 1) };
        int rc;

        deny_name(&one, path);
        rc = deny_say(s, event, &one, reason, until_ns);
        buf_done(&one.text);
        return rc;
}

/* [path, "no flag: 12 files alerted instead", why] */
static void put_filesystems(struct json_writer *w, const struct deny *d)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(SAFE_BYTES + 4 * WATCH_PATH_MAX);

        json_put_key(w, "deny_not");
        json_begin_array(w);
        for (size_t i = 0; i < d->n_fs; i++) {
                json_begin_array(w);
                buf_clear(&text);
                text_put_safe(&text, buf_span(&d->fs[i].path));
                json_put_string(w, buf_span(&text));
                buf_clear(&text);
                buf_printf(&text, "%llu alerted only", (unsigned long long)d->fs[i].files);
                json_put_string(w, buf_span(&text));
                json_put_string(w, span_str(d->fs[i].why));
                json_end_array(w);
        }
        json_end_array(w);
}

size_t deny_frozen(const struct sensor *s)
{
        return s->deny ? frozen_count(s->deny->frozen) : 0;
}

void deny_put_status(const struct sensor *s, struct json_writer *w)
{
        const struct deny *d = s->deny;

        if (!d || (!d->any && frozen_count(d->frozen) == 0 && !d->broken))
                return;
        json_put_key(w, "deny");
        json_begin_object(w);
        if (d->broken)
                json_member_text(w, "broken", "its list of flags cannot be kept: none is set");
        json_member_u64(w, "foreign", d->last_foreign);
        json_member_u64(w, "frozen", frozen_count(d->frozen));
        json_member_u64(w, "stalled", d->last_stalled);
        json_member_bool(w, "suspended", d->suspended);
        json_member_u64(w, "unable", d->last_unable);
        json_member_u64(w, "withheld", d->last_withheld);
        json_member_bool(w, "working", d->step != DENY_REST || d->wanted);
        json_end_object(w);
        if (d->n_fs)
                put_filesystems(w, d);
}
