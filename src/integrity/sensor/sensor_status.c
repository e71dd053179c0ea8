/* SPDX-License-Identifier: Apache-2.0 */
/* What the sensor says of itself: its entries in the ledger, and its status file. */
#include "integrity/sensor/sensor_deep.h"
#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_restore.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/who/session.h"

#include "base/text.h"
#include "integrity/trusted/record_text.h"
#include "loop/loop.h"
#include "sys/silent.h"
#include "wire/json.h"

#include <stdio.h>

enum {
        PLACES_MAX = 32, /* filesystems named in one entry */
        REASON_BYTES = 256,
        PATHS_MAX = 24, /* patterns named in the status */
};

/* ---- entries ---- */

static bool is_fallback(const struct watch_fs *fs)
{
        return fs->scope != WATCH_FILESYSTEM || fs->polled;
}

static int tell_state(struct sensor *s, const char *event, const char *reason, struct who *asked)
{
        struct sensor_facts f = { .wall_ns = sensor_wall(s),
                                  .event = event,
                                  .reason = reason,
                                  .files = table_count(s->table),
                                  .config = s->o.config,
                                  .who = procsource_name(procsource_kind(s->o.processes)),
                                  .who_refused = procsource_refused(s->o.processes),
                                  .asked = asked,
                                  .after_gap = s->found.source != STATE_NONE };
        struct sensor_place marks[PLACES_MAX], fallbacks[PLACES_MAX];
        const struct watch_fs *fs;

        for (size_t i = 0; (fs = watch_fs_at(s->watch, i)); i++) {
                struct sensor_place p = { fs->path, watch_how(fs), fs->why };

                if (is_fallback(fs) && f.n_fallbacks < PLACES_MAX)
                        fallbacks[f.n_fallbacks++] = p;
                else if (!is_fallback(fs) && f.n_marks < PLACES_MAX)
                        marks[f.n_marks++] = p;
                else
                        f.n_more++;
        }
        f.marks = marks;
        f.fallbacks = fallbacks;
        s->watch_told = watch_version(s->watch);
        s->fallbacks_told = f.n_fallbacks;
        if (s->found.damage[0])
                f.detail = s->found.damage;
        buf_clear(&s->skeleton);
        sensor_put(&f, &s->skeleton);
        return tell_made(s, asked);
}

int status_tell(struct sensor *s, const char *event, const char *reason)
{
        return tell_state(s, event, reason, NULL);
}

/* systemd asks for somebody whom nobody names; a shell's kill is the shell's. */
int status_tell_stopped(struct sensor *s, const struct loop_sender *asked)
{
        struct who *who = asked->pid ? who_of(s->who, asked->pid, -1, false) : NULL;

        return tell_state(s, "stopped",
                          asked->pid == 1 ? "asked to, by the system's manager" : "asked to", who);
}

/* What it believes is on no disk: a kill makes it tell again what it had told, without the author.
 */
static int broken_news(struct sensor *s)
{
        char reason[REASON_BYTES];

        s->broken_told = s->state.broken;
        if (!s->state.broken)
                return status_tell(s, "watching", NULL);
        snprintf(reason, sizeof reason, "what it knows cannot be kept: %.200s", s->state.why);
        return status_tell(s, "degraded", reason);
}

int status_news(struct sensor *s)
{
        char reason[REASON_BYTES];
        const struct watch_fs *fs, *last = NULL;
        size_t n = 0;

        if (s->broken_told != s->state.broken)
                return broken_news(s);
        if (s->watch_told == watch_version(s->watch))
                return 0;
        for (size_t i = 0; (fs = watch_fs_at(s->watch, i)); i++) {
                if (!is_fallback(fs))
                        continue;
                last = fs;
                n++;
        }
        if (n <= s->fallbacks_told)
                return status_tell(s, "watching", NULL);
        snprintf(reason, sizeof reason, "%s: %s", watch_how(last), last->why);
        return status_tell(s, "degraded", reason);
}

/* ---- the status file ---- */

static void put_filesystems(struct json_writer *w, const struct sensor *s)
{
        struct buf b = BUF_INIT(4 * WATCH_PATH_MAX);
        const struct watch_fs *fs;

        json_put_key(w, "filesystems");
        json_begin_array(w);
        for (size_t i = 0; i < PLACES_MAX && (fs = watch_fs_at(s->watch, i)); i++) {
                buf_clear(&b);
                text_put_safe(&b, span_of(fs->path.p, MIN_OF(fs->path.n, (size_t)WATCH_PATH_MAX)));
                json_begin_array(w);
                json_put_string(w, buf_span(&b));
                buf_clear(&b);
                record_put_fs(fs->magic, &b);
                buf_printf(&b, ", by %s", watch_how(fs));
                json_put_string(w, buf_span(&b));
                if (silent_at(fs->path))
                        json_put_string(w, SPAN("does not answer: nothing is seen there"));
                else if (fs->why)
                        json_put_string(w, span_str(fs->why));
                json_end_array(w);
        }
        json_end_array(w);
        buf_done(&b);
}

static void put_config(struct json_writer *w, const struct sensor *s)
{
        const struct config *c = s->o.config;
        CLEANUP(buf_done) struct buf b = BUF_INIT(4 * WATCH_PATH_MAX + 1);
        char hex[2 * CONFIG_DIGEST + 1];

        json_put_key(w, "config");
        json_begin_object(w);
        text_put_safe(&b, span_str(c->from));
        json_member_string(w, "from", buf_span(&b));
        if (s->o.refused[0]) {
                buf_clear(&b);
                text_put_safe(&b, span_str(s->o.refused));
                json_member_string(w, "refused", buf_span(&b));
        }
        if (c->has_digest) {
                text_hex(span_of(c->digest, CONFIG_DIGEST), hex);
                json_member_text(w, "sha256", hex);
        }
        json_end_object(w);
}

/* [name, mode, how many patterns] */
static void put_profiles(struct json_writer *w, const struct sensor *s)
{
        const struct watchset *set = s->o.watch;
        char patterns[32];
        size_t n;

        json_put_key(w, "profiles");
        json_begin_array(w);
        for (size_t p = 0; p < set->n_profiles; p++) {
                n = 0;
                for (size_t i = 0; i < set->n; i++)
                        n += set->rules[i].profile == p && !set->rules[i].exclude;
                snprintf(patterns, sizeof patterns, "%zu %s", n, n == 1 ? "pattern" : "patterns");
                json_begin_array(w);
                json_put_string(w, set->profiles[p]->name);
                json_put_string(w, span_str(watch_mode_name(set->profiles[p]->mode)));
                json_put_string(w, span_str(patterns));
                json_end_array(w);
        }
        json_end_array(w);
}

/* Where they are few, as on a command line. */
static void put_paths(struct json_writer *w, const struct sensor *s)
{
        struct buf b = BUF_INIT(4 * WATCH_PATH_MAX + 1);

        json_put_key(w, "paths");
        json_begin_array(w);
        for (size_t i = 0; i < s->o.watch->n; i++) {
                if (s->o.watch->rules[i].exclude)
                        continue;
                buf_clear(&b);
                text_put_safe(&b, s->o.watch->rules[i].text);
                json_put_string(w, buf_span(&b));
        }
        json_end_array(w);
        buf_done(&b);
}

/* Where authors come from. */
static void put_who(struct json_writer *w, const struct sensor *s)
{
        struct procs_counts c = procs_counts(procsource_procs(s->o.processes));
        const char *refused = procsource_refused(s->o.processes);
        struct sessions_counts logins;

        who_logins(s->who, &logins);
        json_member_text(w, "who", procsource_name(procsource_kind(s->o.processes)));
        json_member_u64(w, "who_events", c.events);
        json_member_u64(w, "who_known", c.living + c.ended);
        json_member_u64(w, "who_logins", logins.read);
        json_member_u64(w, "who_logins_forgotten", logins.forgotten);
        json_member_u64(w, "who_logins_missed", logins.missed);
        json_member_u64(w, "who_lost", c.lost);
        if (*refused)
                json_member_text(w, "who_refused", refused);
}

void status_rest(struct sensor *s)
{
        struct sensor_shown now = { .acked = s->acked,
                                    .files = table_count(s->table),
                                    .frozen = deny_frozen(s) };

        if (!s->o.rested || s->phase != SENSOR_LIVE || dirty_count(s->dirty) ||
            s->n_out + feed_pending(s->feed) ||
            (now.acked == s->shown.acked && now.files == s->shown.files &&
             now.frozen == s->shown.frozen))
                return;
        s->shown = now;
        s->o.rested(s->o.changed_ctx);
}

void sensor_put_status(const struct sensor *s, struct buf *out)
{
        struct watch_counts c = watch_counts(s->watch);
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        why_put_status(s, &w);
        attempts_put_status(s, &w);
        trusted_put_status(s, &w);
        if (s->state.broken)
                json_member_text(&w, "broken", s->state.why);
        json_member_u64(&w, "changes", s->changes);
        put_config(&w, s);
        deep_put_status(s, &w);
        deny_put_status(s, &w);
        json_member_u64(&w, "events", c.events);
        guard_put_status(s, &w);
        json_member_u64(&w, "files", table_count(s->table));
        put_filesystems(&w, s);
        fold_put_status(s, &w);
        json_member_u64(&w, "ignored", c.ignored);
        json_member_u64(&w, "linked", c.links);
        json_member_u64(&w, "lists", lists_known(s)->n);
        json_member_u64(&w, "mounts_unseen", s->mounted.unseen);
        json_member_u64(&w, "outside", c.outside);
        json_member_u64(&w, "overflows", c.overflows);
        json_member_u64(&w, "own", c.own);
        if (s->was_live && s->o.watch->n_profiles == 1 && s->o.watch->n <= PATHS_MAX)
                put_paths(&w, s);
        json_member_u64(&w, "pending", s->n_out + feed_pending(s->feed));
        if (s->was_live) /* nothing is watched before the first scan has ended */
                put_profiles(&w, s);
        restore_put_quarantine(s, &w);
        json_member_u64(&w, "refused", s->refused);
        restore_put_status(s, &w);
        json_member_u64(&w, "unexplained", s->unexplained);
        json_member_u64(&w, "waiting", dirty_count(s->dirty));
        put_who(&w, s);
        json_end_object(&w);
}
