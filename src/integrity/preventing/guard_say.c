/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "integrity/preventing/guard_priv.h"
#include "wire/entry.h"
#include "wire/json.h"

static void begin(struct sensor *s, struct json_writer *w, const char *kind)
{
        buf_clear(&s->skeleton);
        entry_begin(w, &s->skeleton, kind, sensor_wall(s));
}

int guard_say(struct sensor *s, const char *event, const char *reason, int64_t from_ns,
              int64_t until_ns)
{
        struct guard *g = s->guard;
        struct json_writer w;

        begin(s, &w, "integrity.guard");
        json_member_u64(&w, "directories", g->dirs);
        json_member_text(&w, "event", event);
        json_member_u64(&w, "files",
                        g->shared ? atomic_load_explicit(&g->shared->files, memory_order_relaxed)
                                  : 0);
        if (from_ns)
                json_member_time(&w, "from", from_ns);
        if (reason && *reason)
                json_member_text(&w, "reason", reason);
        if (until_ns)
                json_member_time(&w, "until", until_ns);
        json_end_object(&w);
        json_end_object(&w);
        return tell_made(s, NULL);
}

static const char *reason_of(uint32_t what)
{
        switch (what) {
        case GUARD_WAS_REFUSED:
                return "its content is not what is trusted";
        case GUARD_WAS_UNREAD_REFUSED:
                return "it was new or changed, and not read in time; the profile is strict";
        default:
                return "it was new or changed, and not read in time";
        }
}

static void put_digest(struct json_writer *w, const struct table_node *n)
{
        char hex[2 * RECORD_HASH + 1];
        struct record r;

        if (!n || record_decode(table_record(n), &r, NULL) < 0 || r.hash != RECORD_HASH_KNOWN)
                return;
        text_hex(span_of(r.sha256, RECORD_HASH), hex);
        json_member_text(w, "sha256", hex);
}

/* Who it was then; it may have ended, or execute something else by now. */
static struct who *author(struct sensor *s, const struct guard_execution *x)
{
        uint64_t since = (uint64_t)x->since_ns;
        struct who *who;

        if (since == 0)
                return command_who(s, x->pid, -1);
        who_reading(s->who);
        who_read(s->who, &since, true);
        who = who_of(s->who, x->pid, -1, x->ended);
        if (who)
                who_ref(who);
        who_batch_end(s->who);
        return who;
}

int guard_say_execution(struct sensor *s, const struct guard_execution *x)
{
        const struct watch_profile *p = watchset_profile(s->o.watch, x->path);
        struct span path = span_of(x->path.p, MIN_OF(x->path.n, (size_t)WATCH_PATH_MAX));
        struct who *who = author(s, x);
        struct json_writer w;
        int rc;

        begin(s, &w, "integrity.execution");
        json_member_text(&w, "decision", x->decision);
        if (path.n)
                json_put_bytes(&w, "path", path);
        if (p)
                json_member_string(&w, "profile", p->name);
        json_member_text(&w, "reason", x->reason);
        put_digest(&w, x->node);
        json_end_object(&w);
        json_put_key(&w, "who");
        who_put(&w, who, NULL, 0, "the process could not be looked at");
        json_end_object(&w);
        rc = tell_made(s, who);
        if (rc == 0 && x->alert)
                rc = why_alert_event(s, x->alert, x->path, who, x->reason);
        who_unref(who);
        return rc;
}

int guard_say_asked(struct sensor *s, const struct guard_notice *x)
{
        bool allowed = x->what == GUARD_WAS_UNREAD_ALLOWED;
        struct table_node *n = table_by_inode(s->table, x->file.dev, x->file.ino, NULL);
        struct span path = span_of(x->path, x->path_n);
        struct buf *known = &s->guard->path;
        struct record r;

        if (n && (record_decode(table_record(n), &r, NULL) < 0 || r.ctime_ns != x->file.ctime_ns))
                n = NULL; /* not the file any more that was asked for */
        buf_clear(known);
        if (n && path.n == 0) { /* too long for the kernel to tell */
                table_path(n, known);
                path = buf_status(known) < 0 ? path : buf_span(known);
        }
        return guard_say_execution(
                s, &(struct guard_execution){ .decision = allowed ? "allowed" : "refused",
                                              .reason = reason_of(x->what),
                                              .alert = allowed ? NULL : "execution refused",
                                              .path = path,
                                              .pid = x->pid,
                                              .node = n });
}

/* Those that found no room among the entries. */
int guard_say_rest(struct sensor *s)
{
        struct guard *g = s->guard;
        uint64_t n = g->unsaid;
        struct json_writer w;

        g->unsaid = 0;
        begin(s, &w, "integrity.execution");
        json_member_u64(&w, "count", n);
        json_member_text(&w, "decision", "more");
        json_member_text(&w, "reason", "too many to be told one by one");
        json_end_object(&w);
        json_end_object(&w);
        return tell_made(s, NULL);
}

void guard_put_status(const struct sensor *s, struct json_writer *w)
{
        static const char *const words[] = { "off", "starting", "starting", "up", "waiting" };
        const struct guard *g = s->guard;
        const struct guard_shared *x;

        if (!g || g->state == GUARD_OFF)
                return;
        x = g->shared;
        json_put_key(w, "execute");
        json_begin_object(w);
        json_member_u64(w, "answered", atomic_load_explicit(&x->answered, memory_order_relaxed));
        json_member_u64(w, "directories", g->dirs);
        json_member_u64(w, "files", atomic_load_explicit(&x->files, memory_order_relaxed));
        json_member_u64(w, "filesystems", g->n_fs - MIN_OF(g->no_fs, (uint64_t)g->n_fs));
        json_member_u64(w, "let_through",
                        atomic_load_explicit(&x->let_through, memory_order_relaxed));
        json_member_u64(w, "lost", atomic_load_explicit(&x->lost, memory_order_relaxed));
        if (g->no_fs)
                json_member_text(w, "no_filesystem", g->no_fs_why);
        json_member_u64(w, "no_room", g->no_room);
        if (g->handler)
                json_member_u64(w, "pid", (uint64_t)g->handler);
        json_member_u64(w, "refused", atomic_load_explicit(&x->refused, memory_order_relaxed));
        json_member_text(w, "state", words[g->state]);
        json_member_u64(w, "unmarked", g->unmarked);
        if (g->watchdog)
                json_member_u64(w, "watchdog", (uint64_t)g->watchdog);
        if (g->why[0])
                json_member_text(w, "why", g->why);
        json_end_object(w);
}
