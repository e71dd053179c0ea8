/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/restoring/restore_entry.h"

#include "base/text.h"
#include "integrity/trusted/change_state.h"
#include "integrity/who/who.h"
#include "wire/entry.h"
#include "wire/json.h"

enum { DETAIL_MAX = 4096 };

static void put_profile(struct json_writer *w, const struct watch_profile *p)
{
        if (p)
                json_member_string(w, "profile", p->name);
}

/* Words that may have come with a name in them. */
static void put_words(struct json_writer *w, const char *key, struct span text)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(4 * DETAIL_MAX);

        if (text.n == 0)
                return;
        text_put_safe(&b, span_of(text.p, MIN_OF(text.n, (size_t)DETAIL_MAX)));
        json_member_string(w, key, buf_span(&b));
}

static void put_who(struct json_writer *w, bool by_command, const struct who *who)
{
        if (!by_command)
                return;
        json_put_key(w, "who");
        who_put(w, who, NULL, 0, "the process could not be looked at");
}

/* ---- integrity.restored ---- */

static void put_ids(struct json_writer *w, const struct restore_task *t)
{
        struct span rest = buf_span(&t->taken), path, record;
        struct restore_taken x;
        char more[32];

        if (t->n_taken == 0)
                return;
        json_put_key(w, "quarantine");
        json_begin_array(w);
        for (unsigned i = 0; i < RESTORE_IDS_TOLD && restore_next_taken(&rest, &x, &path, &record);
             i++)
                json_put_string(w, span_str(x.id[0] ? x.id : "not kept"));
        if (t->n_taken > RESTORE_IDS_TOLD) {
                struct buf b = BUF_INIT(sizeof more);

                buf_printf(&b, "and %u more", t->n_taken - RESTORE_IDS_TOLD);
                json_put_string(w, buf_span(&b));
                buf_done(&b);
        }
        json_end_array(w);
}

static void put_now(struct json_writer *w, const struct restore_task *t, bool type)
{
        char hex[2 * RECORD_HASH + 1];
        struct record r;

        if (t->now.n == 0 || record_decode(buf_span(&t->now), &r, NULL) < 0)
                return;
        text_hex(span_of(r.sha256, RECORD_HASH), hex);
        if (type)
                json_member_text(w, "type", record_type_name(r.type));
        else if (r.hash == RECORD_HASH_KNOWN)
                json_member_text(w, "sha256", hex);
}

static const char *act_word(const struct restore_task *t)
{
        return t->moved && (t->act == RESTORE_NOTHING || t->act == RESTORE_ATTRIBUTES)
                       ? "renamed"
                       : restore_act_name(t->act);
}

void restored_put(const struct restored_facts *f, struct buf *out)
{
        const struct restore_task *t = f->task;
        struct json_writer w;

        entry_begin(&w, out, "integrity.restored", f->wall_ns);
        json_member_text(&w, "act", act_word(t));
        if (f->baseline)
                json_member_text(&w, "baseline", f->baseline);
        json_member_text(&w, "by", f->by_command ? "command" : "profile");
        if (t->bytes)
                json_member_u64(&w, "bytes", t->bytes);
        if (t->moved && t->moved_to.n <= DETAIL_MAX)
                json_put_bytes(&w, "from", t->moved_to);
        put_words(&w, "holders", buf_span(&t->holders));
        if (t->left)
                change_put_differs(&w, "left", t->left);
        put_words(&w, "note", span_str(t->note));
        if (t->others)
                json_member_u64(&w, "others", t->others);
        json_put_bytes(&w, "path", f->path);
        put_profile(&w, f->profile);
        if (t->differs)
                change_put_differs(&w, "put_back", t->differs);
        put_ids(&w, t);
        put_now(&w, t, false);
        if (f->took_ns > 0)
                json_member_int(&w, "took_ns", f->took_ns);
        put_now(&w, t, true);
        json_end_object(&w);
        put_who(&w, f->by_command, f->who);
        json_end_object(&w);
}

/* ---- the others ---- */

void not_restored_put(const struct not_restored_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.not_restored", f->wall_ns);
        if (f->again_ns)
                json_member_time(&w, "again", f->again_ns);
        json_member_text(&w, "by", f->by_command ? "command" : "profile");
        put_words(&w, "detail", f->detail);
        json_put_bytes(&w, "path", f->path);
        put_profile(&w, f->profile);
        json_member_text(&w, "reason", f->reason);
        json_end_object(&w);
        put_who(&w, f->by_command, f->who);
        json_end_object(&w);
}

/* What is kept of the content, where that is not all. */
static void put_kept(struct json_writer *w, const struct restore_taken *x)
{
        char hex[2 * sizeof x->sha256 + 1];

        if (x->kept == QUARANTINE_WHOLE)
                return;
        json_member_text(w, "kept", quarantine_kept_name((enum quarantine_kept)x->kept));
        if (x->kept != QUARANTINE_NOTHING) {
                text_hex(span_of(x->sha256, sizeof x->sha256), hex);
                json_member_u64(w, "kept_bytes", x->bytes);
                json_member_text(w, "kept_sha256", hex);
        }
        put_words(w, "kept_why", span_str(x->why));
}

void quarantined_put(const struct quarantined_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.quarantined", f->wall_ns);
        if (f->item->id[0])
                json_member_text(&w, "id", f->item->id);
        put_kept(&w, f->item);
        if (f->item->moment)
                json_member_bool(&w, "moment", true);
        json_put_bytes(&w, "path", f->path);
        put_profile(&w, f->profile);
        json_member_text(&w, "reason", f->item->reason);
        change_put_state(&w, "state_", f->record, NULL, CHANGE_ALL);
        json_end_object(&w);
        json_end_object(&w);
}

void incident_put(const struct incident_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.incident", f->wall_ns);
        json_member_text(&w, "action", f->action);
        json_member_u64(&w, "count", f->count);
        put_words(&w, "detail", f->detail);
        json_put_bytes(&w, "path", f->path);
        put_profile(&w, f->profile);
        if (f->until_ns)
                json_member_time(&w, "until", f->until_ns);
        if (f->window_s)
                json_member_u64(&w, "window_s", f->window_s);
        json_end_object(&w);
        json_end_object(&w);
}

const char *not_restored_reason(enum restore_result result, int code)
{
        if (result == RESTORE_PARENT)
                return "parent";
        switch (code) {
        case -ETIMEDOUT:
        case -EUSERS:
                return "stalled";
        case -ENODATA:
        case -EBADMSG:
        case -ENOTSUP:
                return "content";
        case -EFBIG:
                return "evidence";
        case -ENOSPC:
        case -EDQUOT:
                return "room";
        default:
                return "error";
        }
}
