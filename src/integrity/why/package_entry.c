/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_entry.h"

#include "base/text.h"
#include "integrity/who/who.h"
#include "integrity/why/package.h"
#include "wire/entry.h"
#include "wire/json.h"

enum { SAFE_MAX = 4 * PACKAGE_PATH_MAX };

/* Words of jobs and of Releases: escaped.  Absent when there are none. */
static void put_safe(struct json_writer *w, const char *key, const char *text)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(SAFE_MAX);

        if (!text || !*text)
                return;
        text_put_safe(&safe, span_str(text));
        json_member_string(w, key, buf_span(&safe));
}

/* Members up to "event", which stands between them. */
static void put_before(struct json_writer *w, const struct package *x)
{
        json_member_text(w, "action", package_action_name(x->action));
        put_safe(w, "arch", x->arch);
        put_safe(w, "chain", x->chain);
        put_safe(w, "chain_reason", x->reason);
        put_safe(w, "codename", x->codename);
}

static void put_file(struct json_writer *w, const struct package *x)
{
        json_put_bytes(w, "file", span_str(x->path));
        json_member_u64(w, "files", x->files);
}

static void put_names(struct json_writer *w, const struct package *x)
{
        put_safe(w, "name", x->name);
        put_safe(w, "new_version", x->to);
        put_safe(w, "old_version", x->from);
}

static void put_after(struct json_writer *w, const struct package *x)
{
        char hex[2 * sizeof x->sha256 + 1];

        put_safe(w, "release", x->release);
        if (x->has_hash) {
                text_hex(span_of(x->sha256, sizeof x->sha256), hex);
                json_member_text(w, "sha256", hex);
        }
        put_safe(w, "suite", x->suite);
        if (x->trusted_anyway)
                json_member_bool(w, "trusted_anyway", true);
        if (x->has_file)
                json_member_u64(w, "watched", x->watched);
        put_safe(w, "why", x->why);
}

static void put_package(struct json_writer *w, const struct package_facts *f)
{
        const struct package *x = f->package;

        put_before(w, x);
        json_member_text(w, "event", f->event);
        if (x->expired)
                json_member_bool(w, "expired", true);
        if (x->has_file)
                put_file(w, x);
        put_safe(w, "fingerprint", x->fingerprint);
        json_member_text(w, "id", f->id);
        json_member_bool(w, "listed", x->listed);
        put_names(w, x);
        put_after(w, x);
}

static void put_whole(struct json_writer *w, const struct package_facts *f)
{
        bool counted = f->reason && !f->uncounted;

        if (f->digest)
                json_member_text(w, "digest", f->digest);
        json_member_text(w, "event", f->event);
        if (counted)
                json_member_u64(w, "explained", f->explained);
        json_member_text(w, "id", f->id);
        json_member_u64(w, "packages", f->packages);
        if (f->reason)
                json_member_text(w, "reason", f->reason);
        if (counted) {
                json_member_u64(w, "signed", f->is_signed);
                json_member_u64(w, "unexplained", f->unexplained);
        }
}

void package_put(const struct package_facts *f, struct buf *out)
{
        struct json_writer w;

        buf_clear(out);
        entry_begin(&w, out, "integrity.package", f->wall_ns);
        if (f->package)
                put_package(&w, f);
        else
                put_whole(&w, f);
        json_end_object(&w);
        if (f->who) {
                json_put_key(&w, "who");
                who_put(&w, f->who, NULL, 0, NULL);
        }
        json_end_object(&w);
}
