/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/sensor_deep.h"

#include "integrity/sensor/sensor_priv.h"
#include "integrity/sensor/sensor_trusted.h"
#include "integrity/trusted/deep_position.h"
#include "integrity/trusted/trusted_entry.h"
#include "loop/log.h"
#include "sys/io.h"

#include <stdlib.h>

enum {
        PIECE = 4 << 20,       /* read at once */
        FILE_COST = 64 * 1024, /* what a file costs beside its bytes */
        BATCH = 256,           /* files found at once */
        VISIT = 8192,          /* nodes looked at for them */
        BATCH_BYTES = 4 << 20,
        TRIES = 3,
        BUSY = 16, /* places that wait: the background stays behind */
        LATER_MS = 200,
        SUSPECT_MS = 1500, /* in which an event, and the author with it, may still come */
        KEEP_S = 300,      /* the place on disk is at most so old */
        FASTER = 4,        /* when it is late */
        PERCENT = 95,      /* of the period: the rest is for delays */
};

struct lane {
        uint64_t period_s;
        uint64_t total; /* cost of a pass, as it was when it began */
        uint64_t done, files, bytes, found, unread;
        int64_t began_wall_ns, due_ns; /* due: monotonic */
        struct buf at;                 /* the last path that was read */
        struct buf batch;              /* paths to come, each with its NUL */
        size_t next;                   /* of batch */
        uint64_t passes;
};

struct deep {
        struct sensor *sensor;
        const struct watchset *watch; /* that the lanes are of */
        struct lane lane[DEEP_LANES];
        size_t n;
        bool begun;
        int64_t kept_ns;

        /* The file under way. */
        struct pool_job job;
        struct lane *now; /* NULL: none */
        struct observer *observer;
        atomic_uint_fast64_t read;
        uint64_t counted;        /* of read */
        struct buf path, before; /* before: its record when it was begun */
        bool in_worker, resumed;
        bool suspect; /* it differs: an event may be on its way */
        unsigned tries;
        int rc;
};

static uint64_t period_of(const struct sensor *s, const struct watch_profile *p)
{
        if (p && p->deep_s)
                return p->deep_s;
        return s->o.deep_s ? s->o.deep_s : DEEP_PERIOD_S;
}

static struct lane *lane_of(struct deep *d, uint64_t period_s)
{
        for (size_t i = 0; i < d->n; i++)
                if (d->lane[i].period_s >= period_s)
                        return &d->lane[i];
        return d->n ? &d->lane[d->n - 1] : NULL;
}

/* ---- making and ending ---- */

int deep_init(struct sensor *s, struct err *err)
{
        struct deep *d = calloc(1, sizeof *d);
        int rc;

        if (!d)
                return err_set(err, -ENOMEM, "out of memory for the background scan");
        s->deep = d;
        d->sensor = s;
        d->path = BUF_INIT(DEEP_PATH_MAX);
        d->before = BUF_INIT(RECORD_MAX);
        rc = observer_new(&d->observer, err);
        if (rc == 0)
                observer_set_counter(d->observer, &d->read);
        return rc;
}

static void free_lanes(struct deep *d)
{
        for (size_t i = 0; i < d->n; i++) {
                buf_done(&d->lane[i].at);
                buf_done(&d->lane[i].batch);
        }
        d->n = 0;
}

void deep_done(struct sensor *s)
{
        struct deep *d = s->deep;

        if (!d)
                return;
        free_lanes(d);
        observer_free(d->observer);
        buf_done(&d->path);
        buf_done(&d->before);
        free(d);
        s->deep = NULL;
}

bool deep_rests(const struct sensor *s)
{
        return !s->deep->in_worker;
}

/* Periods of all profiles, each once, ascending; more than there are lanes share the last. */
static void add_period(struct deep *d, uint64_t period_s)
{
        size_t i = 0;

        while (i < d->n && d->lane[i].period_s < period_s)
                i++;
        if ((i < d->n && d->lane[i].period_s == period_s) || d->n == DEEP_LANES)
                return;
        memmove(&d->lane[i + 1], &d->lane[i], (d->n - i) * sizeof d->lane[0]);
        d->lane[i] = (struct lane){ .period_s = period_s,
                                    .at = BUF_INIT(DEEP_PATH_MAX),
                                    .batch = BUF_INIT(BATCH_BYTES) };
        d->n++;
}

static uint64_t cost_of(const struct record *r)
{
        return FILE_COST + r->size;
}

static bool is_read(const struct record *r)
{
        return r->type == RECORD_FILE || r->type == RECORD_LINK || r->type == RECORD_DIR;
}

static void sum_up(struct deep *d)
{
        struct sensor *s = d->sensor;
        struct table_node *top = table_root(s->table);
        struct record r;

        for (size_t i = 0; i < d->n; i++)
                d->lane[i].total = 0;
        for (struct table_node *n = top; n; n = table_next(top, n)) {
                struct lane *l;

                if (!n->record || record_decode(table_record(n), &r, NULL) < 0 || !is_read(&r))
                        continue;
                buf_clear(&s->path2);
                table_path(n, &s->path2);
                l = lane_of(d, period_of(s, watchset_profile(s->o.watch, buf_span(&s->path2))));
                if (l)
                        l->total += cost_of(&r);
        }
}

static void begin_pass(struct deep *d, struct lane *l)
{
        struct sensor *s = d->sensor;

        l->began_wall_ns = sensor_wall(s);
        l->done = l->files = l->bytes = l->found = l->unread = 0;
        l->due_ns = sensor_mono(s);
        buf_clear(&l->at);
        buf_clear(&l->batch);
        l->next = 0;
        sum_up(d);
}

static void take_position(struct deep *d, const struct deep_position *p)
{
        for (size_t i = 0; i < d->n; i++) {
                struct lane *l = &d->lane[i];

                if (l->period_s != p->period_s)
                        continue;
                l->began_wall_ns = p->began_ns;
                l->done = p->done;
                l->files = p->files;
                l->bytes = p->bytes;
                l->found = p->found;
                l->unread = p->unread;
                buf_clear(&l->at);
                buf_put(&l->at, p->path);
        }
}

static void read_position(struct deep *d)
{
        struct sensor *s = d->sensor;
        struct deep_position p[DEEP_LANES];
        struct err err = { 0 };
        uint8_t *bytes = NULL;
        size_t n = 0, n_bytes = 0;
        int rc = io_read_file(s->state.io, s->state.dirfd, "deep", DEEP_POSITION_MAX, &bytes,
                              &n_bytes, &err);

        if (rc == 0)
                rc = deep_position_get(span_of(bytes, n_bytes), p, &n, &err);
        for (size_t i = 0; i < n && rc == 0; i++)
                take_position(d, &p[i]);
        free(bytes);
        if (rc < 0 && rc != -ENOENT)
                log_event(LOG_LEVEL_WARNING, "sensor.deep", log_err(&err));
}

static void keep_position(struct deep *d)
{
        struct sensor *s = d->sensor;
        struct deep_position p[DEEP_LANES];
        struct buf b = BUF_INIT(DEEP_POSITION_MAX);
        struct err err = { 0 };

        for (size_t i = 0; i < d->n; i++) {
                const struct lane *l = &d->lane[i];

                p[i] = (struct deep_position){ .period_s = l->period_s,
                                               .began_ns = l->began_wall_ns,
                                               .done = l->done,
                                               .files = l->files,
                                               .bytes = l->bytes,
                                               .found = l->found,
                                               .unread = l->unread,
                                               .path = buf_span(&l->at) };
        }
        deep_position_put(p, d->n, &b);
        if (buf_status(&b) < 0 || io_replace_file(s->state.io, s->state.dirfd, "deep",
                                                  s->state.dirfd, 0600, buf_span(&b), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "sensor.deep", log_err(&err));
        buf_done(&b);
        d->kept_ns = sensor_mono(s);
}

void deep_begin(struct sensor *s)
{
        struct deep *d = s->deep;

        assert(!d->in_worker);
        if (d->begun)
                keep_position(d); /* lanes with the same period find it again */
        observe_abandon(d->observer);
        d->now = NULL;
        d->watch = s->o.watch;
        free_lanes(d);
        for (size_t i = 0; i < s->o.watch->n_profiles; i++)
                add_period(d, period_of(s, s->o.watch->profiles[i]));
        for (size_t i = 0; i < d->n; i++) {
                d->lane[i].began_wall_ns = sensor_wall(s);
                d->lane[i].due_ns = sensor_mono(s);
        }
        read_position(d);
        sum_up(d);
        d->begun = true;
        d->kept_ns = sensor_mono(s);
}

void deep_stop(struct sensor *s)
{
        struct deep *d = s->deep;

        if (d->begun)
                keep_position(d);
}

/* ---- the next file ---- */

/* Find more paths behind the last one.  0: there are none, the pass is over. */
static bool fill_batch(struct deep *d, struct lane *l)
{
        struct sensor *s = d->sensor;
        struct span from = l->at.n ? buf_span(&l->at) : SPAN("/");
        struct table_node *n = table_after(s->table, from);
        struct record r;
        unsigned found = 0;

        buf_clear(&l->batch);
        l->next = 0;
        for (unsigned i = 0; n && found < BATCH; n = table_next_sorted(n), i++) {
                if (i >= VISIT && found == 0) { /* nothing of this lane here: go on another time */
                        buf_clear(&l->at);
                        table_path(n, &l->at);
                        return true;
                }
                if (i >= VISIT)
                        break;
                if (!n->record || record_decode(table_record(n), &r, NULL) < 0 || !is_read(&r))
                        continue;
                buf_clear(&s->path2);
                table_path(n, &s->path2);
                if (buf_status(&s->path2) < 0 ||
                    lane_of(d, period_of(s, watchset_profile(s->o.watch, buf_span(&s->path2)))) !=
                            l)
                        continue;
                buf_put(&l->batch, buf_span(&s->path2));
                buf_put_byte(&l->batch, 0);
                found++;
        }
        if (buf_status(&l->batch) < 0)
                buf_clear(&l->batch);
        return found > 0;
}

static int end_pass(struct deep *d, struct lane *l)
{
        struct sensor *s = d->sensor;
        struct reread_facts f = { .wall_ns = sensor_wall(s),
                                  .from_ns = l->began_wall_ns,
                                  .period_s = l->period_s,
                                  .files = l->files,
                                  .bytes = l->bytes,
                                  .found = l->found,
                                  .unread = l->unread };
        int rc;

        l->passes++;
        buf_clear(&s->skeleton);
        reread_put(&f, &s->skeleton);
        rc = tell_made(s, NULL);
        log_event(LOG_LEVEL_INFO, "sensor.reread", log_u64("files", l->files),
                  log_u64("bytes", l->bytes), log_u64("found", l->found));
        begin_pass(d, l);
        keep_position(d);
        return rc;
}

/* When what is done now should have been done, but not much sooner than from now on. */
static int64_t due_of(const struct sensor *s, const struct lane *l, uint64_t cost)
{
        double period = (double)l->period_s * (double)NS_PER_S * PERCENT / 100;
        double per_cost = l->total ? period / (double)l->total : period;
        double since = (double)(sensor_wall(s) - l->began_wall_ns);
        double ahead = per_cost * (double)l->done - since;
        double least = per_cost * (double)cost / FASTER;

        ahead = MIN_OF(MAX_OF(ahead, least), period);
        return sensor_mono(s) + (int64_t)ahead;
}

static void split(struct span path, struct span *ret_dir, char name[TABLE_NAME_MAX + 1])
{
        const uint8_t *slash = memrchr(path.p, '/', path.n);
        size_t dir_n = (size_t)(slash - path.p), n = path.n - dir_n - 1;

        *ret_dir = span_of(path.p, MAX_OF(dir_n, (size_t)1));
        n = MIN_OF(n, (size_t)TABLE_NAME_MAX);
        memcpy(name, slash + 1, n);
        name[n] = '\0';
        if (n == 0)
                memcpy(name, ".", 2); /* "/" itself */
}

/* ---- in a worker ---- */

static void job_run(struct pool_job *p)
{
        struct deep *d = CONTAINER_OF(p, struct deep, job);
        char name[TABLE_NAME_MAX + 1];
        CLEANUP_FD int fd = -1;
        struct span dir;

        split(buf_span(&d->path), &dir, name);
        fd = observe_open_dir(dir);
        if (fd < 0) {
                observe_abandon(d->observer);
                d->rc = fd;
                return;
        }
        d->rc = d->resumed ? observe_resume(d->observer, fd, name)
                           : observe_begin(d->observer, fd, name);
        if (d->rc == 0)
                d->rc = observe_more(d->observer, PIECE);
        if (d->rc > 0)
                observe_pause(d->observer);
}

/* ---- what was read ---- */

/* 1: it differs, and that is new: look again before it is told. */
static int compare(struct deep *d, struct lane *l)
{
        struct sensor *s = d->sensor;
        struct table_node *n = table_find(s->table, buf_span(&d->path));
        struct record is;
        int rc;

        if (!n || !n->record || !span_eq(table_record(n), buf_span(&d->before)))
                return 0; /* gone or changed since it was begun, which was told */
        observe_result(d->observer, &is, NULL);
        buf_clear(&s->encoded);
        record_encode(&is, &s->encoded);
        if (buf_status(&s->encoded) < 0)
                return buf_status(&s->encoded);
        if (span_eq(buf_span(&s->encoded), table_record(n)))
                return 0;
        if (!d->suspect)
                return 1;
        rc = scan_difference(s, n, &is, buf_span(&s->encoded), "deep",
                             "found by the background scan: no event told of it");
        l->found += rc > 0;
        return MIN_OF(rc, 0);
}

static void count(struct deep *d, struct lane *l, bool whole)
{
        uint64_t read = atomic_load_explicit(&d->read, memory_order_relaxed);
        uint64_t new = read - d->counted;

        d->counted = read;
        l->bytes += new;
        l->done += new;
        l->files += whole;
        l->done += whole ? FILE_COST : 0;
        l->due_ns = due_of(d->sensor, l, new + (whole ? FILE_COST : 0));
}

/* On with the next one. */
static void leave(struct deep *d, struct lane *l)
{
        buf_clear(&l->at);
        buf_put(&l->at, buf_span(&d->path));
        d->now = NULL;
        d->resumed = d->suspect = false;
        d->tries = 0;
}

static void job_done(struct pool_job *p)
{
        struct deep *d = CONTAINER_OF(p, struct deep, job);
        struct sensor *s = d->sensor;
        struct lane *l = d->now;
        int rc = 0;

        d->in_worker = false;
        if (d->rc == -EAGAIN && ++d->tries < TRIES) {
                d->resumed = false;
                count(d, l, false);
                return;
        }
        count(d, l, d->rc <= 0);
        if (d->rc > 0) {
                d->resumed = true;
                return;
        }
        if (d->rc == 0 && s->phase == SENSOR_LIVE)
                rc = compare(d, l);
        if (rc > 0) {
                d->suspect = true;
                d->resumed = false;
                l->due_ns = sensor_mono(s) + SUSPECT_MS * NS_PER_MS;
                return;
        }
        if (d->rc < 0 && d->rc != -ENOENT && d->rc != -ENOTDIR && d->rc != -ELOOP)
                l->unread++;
        leave(d, l);
        if (rc < 0)
                s->failed = rc;
}

/* ---- turns ---- */

static struct lane *most_due(struct deep *d)
{
        struct lane *l = NULL;

        for (size_t i = 0; i < d->n; i++)
                if (d->lane[i].total && (!l || d->lane[i].due_ns < l->due_ns))
                        l = &d->lane[i];
        return d->now ? d->now : l;
}

static bool may_work(const struct sensor *s)
{
        return s->phase == SENSOR_LIVE && !s->loss_next && out_room(s) && !trusted_busy(s) &&
               dirty_count(s->dirty) < BUSY;
}

static int begin_file(struct deep *d, struct lane *l)
{
        const char *path;

        if (l->next >= l->batch.n && !fill_batch(d, l))
                return end_pass(d, l);
        if (l->batch.n == 0)
                return 0; /* none of this lane so far */
        path = (const char *)l->batch.p + l->next;
        l->next += strlen(path) + 1;
        buf_clear(&d->path);
        buf_put(&d->path, span_str(path));
        d->now = l;
        d->resumed = d->suspect = false;
        d->tries = 0;
        return buf_status(&d->path);
}

/* What the table has of the file when it is begun. */
static bool take_before(struct deep *d)
{
        struct table_node *n = table_find(d->sensor->table, buf_span(&d->path));

        buf_clear(&d->before);
        if (n && n->record)
                buf_put(&d->before, table_record(n));
        return d->before.n > 0 && buf_status(&d->before) == 0;
}

int deep_work(struct sensor *s)
{
        struct deep *d = s->deep;
        int64_t now = sensor_mono(s);
        struct lane *l;
        int rc = 0;

        if (d->in_worker || (!d->begun && s->phase != SENSOR_LIVE))
                return 0;
        if (d->watch != s->o.watch)
                deep_begin(s);
        if (now - d->kept_ns > KEEP_S * NS_PER_S) {
                keep_position(d);
                sum_up(d);
        }
        l = most_due(d);
        if (!l || now < l->due_ns)
                return 0;
        if (!may_work(s)) {
                l->due_ns = now + LATER_MS * NS_PER_MS;
                return 0;
        }
        if (!d->now)
                rc = begin_file(d, l);
        if (rc < 0 || !d->now)
                return rc;
        if (!d->resumed && !take_before(d)) {
                leave(d, l);
                return 0;
        }
        d->job = (struct pool_job){ .run = job_run, .done = job_done };
        d->in_worker = pool_submit(s->o.pool, &d->job) == 0;
        if (!d->in_worker)
                l->due_ns = now + LATER_MS * NS_PER_MS;
        return 0;
}

int64_t deep_due(const struct sensor *s)
{
        struct lane *l = s->deep->begun && !s->deep->in_worker ? most_due(s->deep) : NULL;

        return l ? l->due_ns : -1;
}

void deep_put_status(const struct sensor *s, struct json_writer *w)
{
        const struct deep *d = s->deep;

        if (!d || !d->begun)
                return;
        json_put_key(w, "deep");
        json_begin_array(w);
        for (size_t i = 0; i < d->n; i++) {
                const struct lane *l = &d->lane[i];

                json_begin_object(w);
                json_member_u64(w, "bytes", l->bytes);
                json_member_u64(w, "files", l->files);
                json_member_u64(w, "found", l->found);
                json_member_u64(w, "passes", l->passes);
                json_member_u64(w, "percent",
                                l->total ? MIN_OF(100u, l->done * 100 / l->total) : 0);
                json_member_u64(w, "period_s", l->period_s);
                json_end_object(w);
        }
        json_end_array(w);
}
