/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/trusted_entry.h"

#include "base/text.h"
#include "integrity/who/who.h"
#include "wire/entry.h"

#include <stdio.h>

enum { ARGS_MAX = 16 * 1024 }; /* of an entry */

static void end_entry(struct json_writer *w, const struct who *who, const char *unknown)
{
        json_end_object(w);
        if (who || unknown) {
                json_put_key(w, "who");
                who_put(w, who, NULL, 0, unknown);
        }
        json_end_object(w);
}

static void put_root(struct json_writer *w, const char *key, const struct hash *h)
{
        char hex[2 * HASH_LEN + 1];

        text_hex(span_of(h->b, HASH_LEN), hex);
        json_member_text(w, key, hex);
}

/* Safe texts as a list, as many as fit; the last item says how many do not. */
struct texts {
        struct json_writer *w;
        struct buf safe;
        size_t bytes, left_out;
};

static void texts_put(struct texts *t, const char *prefix, struct span s)
{
        buf_clear(&t->safe);
        buf_put_str(&t->safe, prefix);
        text_put_safe(&t->safe, s);
        t->bytes += t->safe.n;
        if (buf_status(&t->safe) == 0 && t->bytes <= BASELINE_PATHS_TOLD)
                json_put_string(t->w, buf_span(&t->safe));
        else
                t->left_out++;
}

static void texts_end(struct texts *t)
{
        char more[48];

        if (t->left_out) {
                snprintf(more, sizeof more, "and %zu more", t->left_out);
                json_put_string(t->w, span_str(more));
        }
        json_end_array(t->w);
        buf_done(&t->safe);
}

static void put_selected(struct json_writer *w, const char *key, struct span paths)
{
        struct texts t = { .w = w, .safe = BUF_INIT(4 * SNAPSHOT_PATH_MAX) };

        if (paths.n == 0)
                return;
        json_put_key(w, key);
        json_begin_array(w);
        while (paths.n) {
                size_t n = strnlen((const char *)paths.p, paths.n);

                texts_put(&t, "", span_of(paths.p, n));
                paths = span_from(paths, n + 1);
        }
        texts_end(&t);
}

void baseline_put(const struct baseline_facts *f, struct buf *out)
{
        bool counts = f->comment.n || f->added || f->changed || f->removed;
        struct json_writer w;

        entry_begin(&w, out, "integrity.baseline", f->wall_ns);
        if (counts)
                json_member_u64(&w, "added", f->added);
        json_member_u64(&w, "bytes", f->sums.bytes);
        if (counts)
                json_member_u64(&w, "changed", f->changed);
        if (f->comment.n)
                json_member_string(&w, "comment", f->comment);
        json_member_u64(&w, "files", f->sums.files);
        if (f->kept + f->not_kept) {
                json_member_u64(&w, "kept", f->kept);
                json_member_u64(&w, "not_kept", f->not_kept);
        }
        watchset_put_patterns(f->watch, &w, "paths");
        if (f->previous)
                put_root(&w, "previous_root", f->previous);
        json_member_text(&w, "reason", f->reason);
        if (counts)
                json_member_u64(&w, "removed", f->removed);
        put_root(&w, "root", f->root);
        put_selected(&w, "selected", f->selected);
        json_member_u64(&w, "skipped", f->sums.skipped);
        json_member_int(&w, "took_ns", f->took_ns);
        json_member_u64(&w, "unreadable", f->sums.unreadable);
        end_entry(&w, f->who, NULL);
}

void baseline_put_again(struct span entry, int64_t wall_ns, struct buf *out)
{
        static const char *const members[] = { "bytes",  "files", "kept",    "not_kept",  "paths",
                                               "reason", "root",  "skipped", "unreadable" };
        struct json_value what, v;
        struct json_writer w;

        entry_begin(&w, out, "integrity.baseline", wall_ns);
        for (size_t i = 0; i < ARRAY_LEN(members); i++) {
                if (strcmp(members[i], "reason") == 0) {
                        json_member_text(&w, members[i], "succeeded");
                } else if (json_get_path(json_value_of(entry), "what", &what) &&
                           json_get(what, members[i], &v)) {
                        json_put_key(&w, members[i]);
                        json_put_raw(&w, v.raw);
                }
        }
        end_entry(&w, NULL, NULL);
}

void baseline_unrecorded(const struct hash *root, char out[BASELINE_UNRECORDED_MAX])
{
        char hex[2 * HASH_LEN + 1];

        text_hex(span_of(root->b, HASH_LEN), hex);
        snprintf(out, BASELINE_UNRECORDED_MAX,
                 BASELINE_UNRECORDED
                 "%s, nor of any other: the ledger "
                 "is not the one that it was told, or the baseline came from elsewhere; nothing is "
                 "put back from it",
                 hex);
}

void command_put(const struct command_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.command", f->wall_ns);
        if (f->args.raw.n > 2 && f->args.raw.n <= ARGS_MAX) {
                json_put_key(&w, "arguments");
                json_put_raw(&w, f->args.raw);
        } else if (f->args.raw.n > ARGS_MAX) {
                json_member_u64(&w, "arguments_bytes", f->args.raw.n);
        }
        if (f->error) {
                CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * ERR_TEXT_MAX);

                text_put_safe(&safe, span_str(f->error));
                json_member_string(&w, "error", buf_span(&safe));
        }
        json_member_text(&w, "state", f->state);
        if (f->took_ns >= 0)
                json_member_int(&w, "took_ns", f->took_ns);
        json_member_text(&w, "verb", f->verb);
        end_entry(&w, f->who, f->who ? NULL : f->unknown);
}

void reread_put(const struct reread_facts *f, struct buf *out)
{
        struct json_writer w;

        entry_begin(&w, out, "integrity.reread", f->wall_ns);
        json_member_u64(&w, "bytes", f->bytes);
        json_member_u64(&w, "files", f->files);
        json_member_u64(&w, "found", f->found);
        json_member_time(&w, "from", f->from_ns);
        json_member_u64(&w, "period_s", f->period_s);
        json_member_u64(&w, "unread", f->unread);
        json_member_time(&w, "until", f->wall_ns);
        end_entry(&w, NULL, NULL);
}
