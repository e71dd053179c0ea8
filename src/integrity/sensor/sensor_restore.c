/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_restore_priv.h"

#include "base/text.h"
#include "crypto/seal.h"
#include "integrity/sensor/sensor_trusted.h"
#include "loop/log.h"
#include "sys/io.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum {
        PATH_BYTES = 1 << 20,
        POINTS_BYTES = 256 * 1024,
};

/* ---- life ---- */

static void init_bufs(struct restores *r)
{
        r->path = r->moved = r->scratch = r->scratch2 = BUF_INIT(PATH_BYTES);
        r->good = r->judged = BUF_INIT(RECORD_MAX);
        r->log = BUF_INIT(2 * PATH_BYTES);
        r->points = BUF_INIT(POINTS_BYTES);
        restore_task_init(&r->task);
}

int restore_init(struct sensor *s, struct err *err)
{
        const struct quarantine_limits limits = { 0 };
        struct restores *r = calloc(1, sizeof *r);
        int rc;

        if (!r)
                return err_set(err, -ENOMEM, "out of memory for putting back");
        s->restores = r;
        r->sensor = s;
        r->log_fd = -1;
        r->rebase = true;
        init_bufs(r);
        rc = restore_places_new(&r->places, err);
        if (rc == 0)
                rc = quarantine_open(s->state.io, s->state.dirfd, &limits, &r->quarantine, err);
        if (rc == 0)
                rc = observer_new(&r->tools.observer, err);
        if (rc == 0)
                rc = hands_new(&r->tools.hands, err);
        if (rc == 0)
                watch_set_hands(s->watch, s->hands, r->tools.hands);
        if (rc == 0)
                rc = restore_load(r, err);
        r->tools.content = s->content;
        r->tools.quarantine = r->quarantine;
        return rc;
}

void restore_done(struct sensor *s)
{
        struct restores *r = s->restores;

        if (!r)
                return;
        restore_call_done(r);
        restore_task_done(&r->task);
        observer_free(r->tools.observer);
        if (s->watch)
                watch_set_hands(s->watch, NULL, NULL);
        hands_free(r->tools.hands);
        quarantine_free(r->quarantine);
        restore_places_free(r->places);
        fd_close(&r->log_fd);
        buf_done(&r->path);
        buf_done(&r->good);
        buf_done(&r->judged);
        buf_done(&r->moved);
        buf_done(&r->scratch);
        buf_done(&r->scratch2);
        buf_done(&r->log);
        buf_done(&r->points);
        free(r);
        s->restores = NULL;
}

/* ---- what is wanted ---- */

void restore_keep_later(struct restores *r, struct restore_place *p, bool keep)
{
        r->keeps -= (p->flags & RESTORE_KEEP) != 0;
        p->flags &= ~(unsigned)RESTORE_KEEP;
        p->flags |= keep ? RESTORE_KEEP : 0u;
        r->keeps += keep;
}

void restore_drop(struct restores *r, struct restore_place *p)
{
        restore_keep_later(r, p, false);
        r->temps -= p->temp[0] != '\0' && r->temps > 0;
        restore_remember(r, RESTORE_OP_FORGOTTEN, restore_place_path(p), SPAN_NONE);
        restore_places_drop(r->places, p);
}

void restore_settled(struct restores *r, struct restore_place *p)
{
        int64_t now = sensor_mono(r->sensor);

        restore_place_unwant(r->places, p);
        p->temp[0] = '\0';
        (void)!restore_place_set_moved(p, SPAN_NONE); /* frees only */
        if (p->flags & RESTORE_EXPLAINED) {
                restore_remember(r, RESTORE_OP_ENDED, restore_place_path(p), SPAN_NONE);
                return;
        }
        if (!restore_place_recent(p, now)) {
                restore_drop(r, p);
                return;
        }
        restore_remember(r, RESTORE_OP_FORGOTTEN, restore_place_path(p), SPAN_NONE);
        p->flags &= ~(unsigned)RESTORE_HAS_GOOD; /* the table has it again */
}

/* Who did it: in whose lane it waits, and whether it is a package transaction's own. */
struct author {
        uint32_t uid;
        bool packaged;
};

static struct author author_of(const struct sensor *s, const struct change *c)
{
        struct author a = { .packaged = package_did(s, c) };

        if (c->who && c->who->has & WHO_HAS_UID)
                a.uid = c->who->euid;
        else
                a.uid = c->is ? c->is->uid : c->was->uid; /* nobody was seen */
        return a;
}

static struct restore_place *make_place(struct restores *r, struct span path, uint32_t uid)
{
        struct restore_place *p = restore_places_find(r->places, path);

        return p || !restore_places_room(r->places, uid) ? p : restore_places_make(r->places, path);
}

/* What is at path is not good any more: what the table still has was, unless that is known better.
 */
static int deviates(struct restores *r, struct span path, struct span moved_to,
                    const struct author *by)
{
        struct sensor *s = r->sensor;
        struct restore_place *p = make_place(r, path, by->uid);
        int64_t now = sensor_mono(s);
        struct table_node *n;
        struct span good = SPAN_NONE;
        int rc = 0;

        if (!p)
                return restore_tell_not(r, path, "limit",
                                        SPAN("more paths are not as they should be than are "
                                             "remembered"),
                                        0);
        if (!(p->flags & RESTORE_HAS_GOOD)) {
                n = table_find(s->table, path);
                if (n && n->record && !restore_places_none_below(r->places, path))
                        good = table_record(n);
                rc = restore_place_set_good(p, good, false);
                if (rc == 0)
                        restore_remember_place(r, p);
        }
        if (rc == 0 && moved_to.n && !(p->flags & RESTORE_WANTED))
                rc = restore_place_set_moved(p, moved_to);
        if (rc < 0)
                return rc;
        if (!(p->flags & RESTORE_WANTED))
                restore_remember(r, RESTORE_OP_WANTED, path, SPAN_NONE);
        restore_place_want(r->places, p, by->uid, now, MAX_OF(now, p->rest_ns));
        p->flags &= ~(unsigned)RESTORE_PACKAGED;
        p->flags |= by->packaged ? RESTORE_PACKAGED : 0u;
        return 0;
}

/* A state that is not the baseline's, and good. */
static int explained(struct restores *r, struct span path, const struct record *is)
{
        CLEANUP(buf_done) struct buf state = BUF_INIT(RECORD_MAX);
        struct restore_place *p = restore_places_make(r->places, path);
        bool keep = is && is->type == RECORD_FILE && is->hash == RECORD_HASH_KNOWN &&
                    !content_has(r->sensor->content, is->sha256);
        int rc;

        if (!p) {
                log_event(LOG_LEVEL_WARNING, "sensor.restore_forgets", log_bytes("path", path));
                return 0;
        }
        if (is)
                record_encode(is, &state);
        rc = buf_status(&state) < 0 ? buf_status(&state)
                                    : restore_place_set_good(p, buf_span(&state), true);
        if (rc < 0)
                return rc;
        restore_remember_place(r, p);
        if (p->flags & RESTORE_WANTED) {
                restore_place_unwant(r->places, p);
                restore_remember(r, RESTORE_OP_ENDED, path, SPAN_NONE);
        }
        restore_keep_later(r, p, keep);
        return 0;
}

/* A directory was renamed: what was below it may not come back with it. */
static int deviate_below(struct restores *r, struct span dir, const struct author *by)
{
        struct table_node *top = table_find(r->sensor->table, dir);
        int rc = 0;

        for (struct table_node *n = top ? table_next(top, top) : NULL; n && rc == 0;
             n = table_next(top, n)) {
                if (!n->record)
                        continue;
                buf_clear(&r->scratch);
                table_path(n, &r->scratch);
                rc = buf_status(&r->scratch);
                if (rc == 0)
                        rc = deviates(r, buf_span(&r->scratch), SPAN_NONE, by);
        }
        return rc;
}

int restore_seen(struct sensor *s, const struct change *c)
{
        struct restores *r = s->restores;
        bool bad = c->why->state == WHY_UNEXPLAINED;
        struct author by;
        int rc = 0;

        if (!c->profile || c->profile->mode != WATCH_RESTORE || (!c->was && !c->is))
                return 0;
        if (!bad) {
                mounted_trust(s, c->path);
                if (c->from.n)
                        rc = explained(r, c->from, NULL);
                return rc < 0 ? rc : explained(r, c->path, c->is);
        }
        if (c->existed && !c->was)
                return restore_tell_not(r, c->path, "unknown",
                                        SPAN("it was changed before it was known"), 0);
        by = author_of(s, c);
        if (c->from.n)
                rc = deviates(r, c->from, c->path, &by);
        if (rc == 0 && c->from.n && c->is && c->is->type == RECORD_DIR)
                rc = deviate_below(r, c->from, &by);
        return rc < 0 ? rc : deviates(r, c->path, SPAN_NONE, &by);
}

/* ---- tasks ---- */

struct hands *restore_hands(const struct sensor *s)
{
        return s->restores ? s->restores->tools.hands : NULL;
}

bool restore_is_hand(const struct sensor *s, pid_t pid)
{
        return hands_has(s->hands, pid) ||
               (s->restores && hands_has(s->restores->tools.hands, pid));
}

bool restore_active(const struct sensor *s)
{
        return s->restores->kind != RESTORE_IDLE;
}

/* The name beside: in the same directory. */
static bool is_beside(const struct restores *r, struct span path)
{
        const uint8_t *slash = memrchr(r->path.p, '/', r->path.n);
        size_t n = (size_t)(slash - r->path.p) + 1, temp_n = strlen(r->task.temp);

        return path.n == n + temp_n && memcmp(path.p, r->path.p, n) == 0 &&
               memcmp(path.p + n, r->task.temp, temp_n) == 0;
}

bool restore_holds(const struct sensor *s, struct span path)
{
        const struct restores *r = s->restores;

        if (r->kind == RESTORE_IDLE || r->kind == RESTORE_KEEPING)
                return false;
        return path_within(path, buf_span(&r->path)) || is_beside(r, path) ||
               (r->moved.n && path_within(path, buf_span(&r->moved)));
}

bool restore_may_begin(struct restores *r, struct span path)
{
        return !look_in_flight(r->sensor, path);
}

static void make_temp(char out[RESTORE_TEMP])
{
        uint8_t raw[8];
        char hex[2 * sizeof raw + 1];

        random_bytes(raw, sizeof raw);
        text_hex(span_of(raw, sizeof raw), hex);
        snprintf(out, RESTORE_TEMP, ".assay-%s", hex);
}

/* An explained state whose content is not kept yet: read it, if it still is that. */
static void run_keep(struct restores *r)
{
        observer_keep(r->tools.observer, r->sensor->content, r->keep_max);
        restore_observe(&r->tools, buf_span(&r->path));
        observer_keep(r->tools.observer, NULL, 0);
}

static void job_run(struct pool_job *j)
{
        struct restores *r = CONTAINER_OF(j, struct restores, job);

        switch (r->kind) {
        case RESTORE_KEEPING:
                run_keep(r);
                break;
        case RESTORE_SWEEP:
                r->task.result = restore_sweep_temp(&r->tools, &r->task, &r->task.err) < 0
                                         ? RESTORE_FAILED
                                         : RESTORE_DONE;
                break;
        default:
                restore_run(&r->tools, &r->task);
                break;
        }
}

static void job_done(struct pool_job *j)
{
        struct restores *r = CONTAINER_OF(j, struct restores, job);

        r->tools.wait_ms = HANDS_LITTLE; /* from here on it is the loop that waits */
        restore_begin(&r->tools, NULL);
        if (restore_finish(r) < 0)
                r->sensor->failed = -ENOMEM;
        r->tools.wait_ms = 0;
        if (r->task.freeze && !r->task.frozen)
                deny_unannounce(r->sensor, buf_span(&r->path));
        r->kind = RESTORE_IDLE;
}

static int copy_to(struct buf *to, struct span from)
{
        buf_clear(to);
        buf_put(to, from);
        return buf_status(to);
}

int restore_look(struct restores *r)
{
        struct sensor *s = r->sensor;
        struct err err = { 0 };
        int rc = quarantine_look(r->quarantine, &err);
        const char *detail = rc < 0 ? err_text(&err) : "it is made again, and empty";
        bool news = rc == 1 || (rc < 0 && !r->gone);
        CLEANUP(buf_done) struct buf path = BUF_INIT(PATH_BYTES);

        r->gone = rc < 0;
        if (!news)
                return 0;
        log_event(LOG_LEVEL_ERROR, "sensor.quarantine_removed", log_str("then", detail));
        buf_printf(&path, "%s/quarantine", s->o.state_dir);
        return why_alert_event(s, "quarantine removed", buf_span(&path), NULL, detail);
}

int restore_submit(struct restores *r, enum restore_kind kind, struct restore_place *p,
                   struct span path, struct span good)
{
        struct sensor *s = r->sensor;
        struct table_node *n = table_find(s->table, path);
        const struct watch_profile *profile = watchset_profile(s->o.watch, path);
        struct restore_task *t = &r->task;
        bool fresh = kind == RESTORE_PUT || kind == RESTORE_COMMAND;
        int rc = fresh && p->temp[0] ? -EAGAIN : restore_look(r);

        if (rc == 0)
                rc = copy_to(&r->path, path);
        if (rc == 0)
                rc = copy_to(&r->good, good);
        if (rc == 0)
                rc = copy_to(&r->judged, n ? table_record(n) : SPAN_NONE);
        if (rc == 0)
                rc = copy_to(&r->moved, span_of(p->moved_to, p->moved_to_n));
        if (rc < 0)
                return rc;
        restore_task_clear(t);
        t->path = buf_span(&r->path);
        t->good = buf_span(&r->good);
        t->judged = buf_span(&r->judged);
        t->moved_to = buf_span(&r->moved);
        t->fields = profile ? profile->attributes : UINT_MAX;
        t->insist = (kind == RESTORE_COMMAND ? r->call.tries : p->tries) >= RESTORE_INSIST;
        t->freeze = kind == RESTORE_PUT &&
                    restore_place_recent(p, sensor_mono(s)) + 1 >= RESTORE_THRICE &&
                    deny_announce(s, path) == 0;
        t->discard = kind != RESTORE_COMMAND || r->call.discard;
        t->late = p->flags & RESTORE_LATE;
        t->alone = p->flags & RESTORE_RACED && kind != RESTORE_COMMAND;
        r->tools.key = p->hash;
        r->tools.group = p->lane;
        t->wall_ns = sensor_wall(s);
        r->keep_max = profile ? profile->max_size : 0;
        if (kind == RESTORE_SWEEP) {
                memcpy(t->temp, p->temp, sizeof t->temp);
        } else if (kind != RESTORE_KEEPING) {
                make_temp(t->temp);
                memcpy(p->temp, t->temp, sizeof p->temp);
                restore_remember(r, RESTORE_OP_TEMP, path, span_str(t->temp));
        }
        r->job = (struct pool_job){ .run = job_run, .done = job_done };
        r->kind = kind;
        rc = pool_submit(s->o.pool, &r->job);
        if (rc < 0)
                r->kind = RESTORE_IDLE; /* the pool is full: at a later turn */
        return rc;
}

/* ---- status ---- */

void restore_put_status(const struct sensor *s, struct json_writer *w)
{
        const struct restores *r = s->restores;

        json_put_key(w, "restore");
        json_begin_object(w);
        json_member_u64(w, "failed", r->failed);
        json_member_u64(w, "incidents", r->incidents);
        json_member_u64(w, "restored", r->restored);
        restore_put_stalled(r, w);
        json_member_u64(w, "waiting", restore_places_wanted(r->places));
        json_end_object(w);
}

void restore_put_quarantine(const struct sensor *s, struct json_writer *w)
{
        struct quarantine_use u = quarantine_use(s->restores->quarantine);

        json_put_key(w, "quarantine");
        json_begin_object(w);
        json_member_u64(w, "bytes", u.bytes);
        json_member_u64(w, "bytes_max", u.bytes_max);
        json_member_u64(w, "items", u.items);
        json_member_u64(w, "items_max", u.items_max);
        json_end_object(w);
}
