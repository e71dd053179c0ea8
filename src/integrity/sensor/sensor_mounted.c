/* SPDX-License-Identifier: Apache-2.0 */
/* What a mount did to what is watched: its entry, and the name of it in the changes that a scan
 * then finds.
 *
 * Everything that changed between two readings of the list is one act, and has one id. */
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"

#include "base/text.h"
#include "loop/log.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <stdio.h>

enum {
        TOLD_MAX = 32, /* of one reading; more are counted */
        CAUSES_BYTES = 256 * 1024,
        TEXT_BYTES = 512,  /* of one text in an entry, before it is escaped */
        BRIEF_BYTES = 128, /* in the words of an alert */
        MOUNTER_TEXT = 1024,
};

static const char by_scan[] = "found by a scan after a mount; integrity.mount has who mounted",
                  by_showing[] =
                          "shown again by an unmount; integrity.mount has who unmounted, and "
                          "nobody saw who changed it while it was hidden";

/* Before the words of a cause. */
enum { CAUSE_CAME = 1, CAUSE_WENT };

struct telling {
        struct sensor *s;
        char id[MOUNTED_ID_MAX + 1];
        uint64_t n;
        int64_t wall_ns;
};

/* ---- the entry ---- */

/* Only what is known, escaped and cut. */
static void put_text(struct json_writer *w, const char *name, struct span text)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * TEXT_BYTES);

        if (text.n == 0)
                return;
        text_put_safe(&safe, span_of(text.p, MIN_OF(text.n, (size_t)TEXT_BYTES)));
        json_member_string(w, name, buf_span(&safe));
}

static int tell(const struct telling *t, const struct mount_texts *m, const char *event,
                uint64_t count)
{
        struct sensor *s = t->s;
        CLEANUP(buf_done) struct buf unknown = BUF_INIT(MOUNTER_TEXT);
        struct who *who = mounter_of(s, &unknown);
        struct json_writer w;

        buf_clear(&s->skeleton);
        entry_begin(&w, &s->skeleton, "integrity.mount", t->wall_ns);
        if (count)
                json_member_u64(&w, "count", count);
        json_member_text(&w, "event", event);
        if (m) {
                put_text(&w, "fs_options", m->super);
                put_text(&w, "fstype", m->type);
        }
        json_member_text(&w, "id", t->id);
        if (m) {
                put_text(&w, "options", m->options);
                json_put_bytes(&w, "path", tell_path(s, m->point));
                put_text(&w, "root", m->root);
                put_text(&w, "source", m->source);
        }
        json_end_object(&w);
        json_put_key(&w, "who");
        who_put(&w, who, NULL, 0, buf_cstr(&unknown));
        json_end_object(&w);
        return tell_made(s, who);
}

/* ---- what it leads to ---- */

static void put_brief(struct buf *out, const char *before, struct span text)
{
        buf_put_str(out, before);
        text_put_safe(out, span_of(text.p, MIN_OF(text.n, (size_t)BRIEF_BYTES)));
}

/* Where, its id, which of the two it is with what to say of it, each ended by a NUL.  One without
 * room leads to changes that do not name it. */
static void keep(const struct telling *t, const struct mount_texts *m, bool gone)
{
        CLEANUP(buf_done) struct buf one = BUF_INIT(CAUSES_BYTES);
        struct buf *causes = &t->s->mounted.causes;

        buf_put(&one, m->point);
        buf_put_byte(&one, 0);
        buf_put_str(&one, t->id);
        buf_put_byte(&one, 0);
        buf_put_byte(&one, gone ? CAUSE_WENT : CAUSE_CAME);
        put_brief(&one, "", m->type);
        put_brief(&one, " ", m->source);
        if (!span_eq_str(m->root, "/"))
                put_brief(&one, ", of it ", m->root);
        put_brief(&one, gone ? ", is no longer mounted at " : ", was mounted at ", m->point);
        buf_put_byte(&one, 0);
        if (buf_status(&one) == 0 && one.n <= causes->max - causes->n)
                buf_put(causes, buf_span(&one));
}

void mounted_name(const struct sensor *s, struct change *c)
{
        struct span rest = buf_span(&s->mounted.causes);
        size_t nearest = 0;

        if (c->who)
                return;
        while (rest.n) {
                struct span point = span_str((const char *)rest.p), id, how;

                rest = span_from(rest, point.n + 1);
                id = span_str((const char *)rest.p);
                rest = span_from(rest, id.n + 1);
                how = span_str((const char *)rest.p);
                rest = span_from(rest, how.n + 1);
                if (!path_within(c->path, point) || point.n < nearest)
                        continue;
                nearest = point.n;
                c->mount = (const char *)id.p;
                c->mount_how = (const char *)how.p + 1;
                c->unknown = how.p[0] == CAUSE_WENT ? by_showing : by_scan;
        }
}

void mounted_forget(struct sensor *s)
{
        buf_clear(&s->mounted.causes);
}

/* ---- what came ---- */

struct span mounted_foreign(const struct sensor *s, struct span path)
{
        struct span rest = buf_span(&s->mounted.foreign), found = SPAN_NONE;

        while (rest.n) {
                struct span point = span_str((const char *)rest.p);

                rest = span_from(rest, point.n + 1);
                if (path_within(path, point) && point.n > found.n)
                        found = point;
        }
        return found;
}

void mounted_rebase(struct sensor *s, bool (*fn)(void *ctx, struct span point), void *ctx)
{
        struct buf *b = &s->mounted.foreign;
        struct span rest = buf_span(b);
        size_t kept = 0;

        while (rest.n) {
                struct span point = span_str((const char *)rest.p);
                bool keep = fn(ctx, point);

                rest = span_from(rest, point.n + 1);
                if (keep) {
                        memmove(b->p + kept, point.p, point.n + 1);
                        kept += point.n + 1;
                }
        }
        b->n = kept;
}

static bool is_another(void *ctx, struct span point)
{
        return !span_eq(*(struct span *)ctx, point);
}

void mounted_trust(struct sensor *s, struct span path)
{
        mounted_rebase(s, is_another, &path);
}

/* Without room it is put back into: that is what was trusted there, at least. */
static void came(struct sensor *s, struct span point)
{
        struct buf *b = &s->mounted.foreign;

        mounted_trust(s, point);
        if (point.n + 1 > b->max - b->n)
                return;
        buf_put(b, point);
        buf_put_byte(b, 0);
}

static void went(struct sensor *s, struct span point)
{
        mounted_trust(s, point);
        restore_unmounted(s, point);
}

/* ---- all of a reading ---- */

static int on_difference(void *ctx, const struct mount_texts *m, bool gone)
{
        struct telling *t = ctx;

        t->s->mounted.untold--;
        if (!mounts_matter(t->s, m->point))
                return 0;
        if (!gone)
                came(t->s, m->point);
        else
                went(t->s, m->point);
        if (t->n++ >= TOLD_MAX)
                return 0;
        keep(t, m, gone);
        return tell(t, m, gone ? "unmounted" : "mounted", 0);
}

static struct telling new_act(struct sensor *s, int64_t wall_ns)
{
        struct telling t = { .s = s, .wall_ns = wall_ns };

        snprintf(t.id, sizeof t.id, "%llx-%llu", (unsigned long long)wall_ns / NS_PER_MS,
                 (unsigned long long)++s->mounted.number);
        return t;
}

int mounted_tell(struct sensor *s, int64_t wall_ns)
{
        struct telling t = new_act(s, wall_ns);
        int rc;

        rc = mountlist_compare(&s->mounted.was, &s->mounted.is, on_difference, &t);
        if (rc == 0 && t.n > TOLD_MAX)
                rc = tell(&t, NULL, "more", t.n - TOLD_MAX);
        return rc < 0 ? rc : t.n > 0;
}

/* Each mount and each unmount is a notice, and a difference between two readings unless the other
 * came before the second.  Where the kernel gives no notices it says that the list has changed: if
 * it then is what it was, there was one at least. */
int mounted_tell_unseen(struct sensor *s, int64_t wall_ns, bool same)
{
        const bool counted = s->mounter.fd >= 0 && !s->mounted.uncounted;
        const uint64_t n = s->mounted.untold > 1 ? (uint64_t)s->mounted.untold / 2 : 0;
        struct telling t;

        s->mounted.untold = 0;
        if (counted ? n == 0 : !same && !s->mounted.uncounted)
                return 0;
        s->mounted.uncounted = false;
        s->mounted.unseen += counted ? n : 1;
        t = new_act(s, wall_ns);
        return tell(&t, NULL, "unseen", counted ? n : 0);
}

int mounted_tell_unread(struct sensor *s, const char *why)
{
        char reason[ERR_TEXT_MAX + 64];

        if (s->mounted.unread == (why != NULL))
                return 0;
        s->mounted.unread = why != NULL;
        if (!why)
                return status_tell(s, "watching", "the list of mounts is read again");
        snprintf(reason, sizeof reason, "the list of mounts cannot be read: %s", why);
        return status_tell(s, "degraded", reason);
}

void mounted_init(struct sensor *s)
{
        s->mounted.was = s->mounted.is = MOUNTLIST_INIT;
        s->mounted.causes = s->mounted.foreign = BUF_INIT(CAUSES_BYTES);
}

void mounted_done(struct sensor *s)
{
        mountlist_done(&s->mounted.was);
        mountlist_done(&s->mounted.is);
        buf_done(&s->mounted.causes);
        buf_done(&s->mounted.foreign);
}
