/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/pace.h"
#include "integrity/trusted/scan_priv.h"
#include "integrity/watching/watchset_same.h"

#include <stdlib.h>

enum {
        RESULT_MAX = 512 << 20,   /* bytes of results of one job */
        PATH_MAX_BYTES = 1 << 20, /* a tree can be deeper than PATH_MAX */
        PATH_DEEP = 1 << 19,      /* and is not entered below this */
};

/* ---- the owner's part ---- */

static void job_done(struct pool_job *p);
static void pump(struct scan *s);

static void fail(struct scan *s, int rc)
{
        if (s->rc == 0)
                s->rc = rc;
}

static void todo_push(struct scan *s, struct scan_todo t)
{
        if (s->n_todo == s->max_todo) {
                size_t max = s->max_todo ? s->max_todo * 2 : 256;
                struct scan_todo *p = realloc(s->todo, max * sizeof *p);

                if (!p) {
                        buf_done(&t.names);
                        fail(s, -ENOMEM);
                        return;
                }
                s->todo = p;
                s->max_todo = max;
        }
        s->todo[s->n_todo++] = t;
}

static void push_dir(struct scan *s, struct table_node *n)
{
        todo_push(s, (struct scan_todo){ .dir = n, .list = true, .content = s->flags & SCAN_DEEP });
}

static void say_unreadable(struct scan *s, struct table_node *n, int error)
{
        int rc = s->ops->unreadable(s->ctx, n, error);

        s->counts.unreadable++;
        if (rc < 0)
                fail(s, rc);
}

/* What could not be seen is not missing. */
static void keep_known(struct scan *s, struct table_node *n, int error)
{
        for (struct table_node *x = n; x; x = table_next(n, x))
                x->epoch = s->epoch;
        say_unreadable(s, n, error);
}

/* Each directory costs the length of its path: somewhere a tree that only wants to be deep must
 * end. */
static bool too_deep(struct scan *s, struct table_node *n)
{
        buf_clear(&s->path);
        table_path(n, &s->path);
        return buf_status(&s->path) < 0 || s->path.n > PATH_DEEP;
}

static void enter(struct scan *s, struct table_node *n, const struct record *is)
{
        struct record up;
        bool edge = n->mark & TABLE_ROOT;
        int rc = 1;

        if (too_deep(s, n)) {
                keep_known(s, n, -ENAMETOOLONG);
                return;
        }

        if (!edge && (n->parent->record_n == 0 ||
                      record_decode(table_record(n->parent), &up, NULL) < 0 || up.dev != is->dev))
                edge = true;
        if (edge)
                rc = s->ops->mount(s->ctx, n, is);
        if (rc < 0)
                fail(s, rc);
        else if (rc > 0)
                push_dir(s, n);
}

/* Not watched itself: walked through, and kept in the table for the events in it. */
static void enter_way(struct scan *s, struct table_node *n, const struct record *is)
{
        int rc;

        n->epoch = s->epoch;
        if (too_deep(s, n)) {
                keep_known(s, n, -ENAMETOOLONG);
                return;
        }
        n->mark |= TABLE_WAY;
        rc = s->ops->mount(s->ctx, n, is);
        if (rc < 0)
                fail(s, rc);
        else if (rc > 0)
                push_dir(s, n);
}

/* One name's state against the table's. */
static void compare(struct scan *s, struct scan_job *j, struct table_node *n, struct span encoded,
                    const struct table_handle *h, struct buf *ret_again)
{
        struct record is, was;
        bool known = n->record_n > 0;
        int rc = 0;

        if (record_decode(encoded, &is, NULL) < 0 ||
            (known && record_decode(table_record(n), &was, NULL) < 0)) {
                fail(s, -EBADMSG); /* both are our own bytes */
                return;
        }
        if (!j->content && !(known && record_same_stat(&was, &is))) {
                buf_put(ret_again, span_of(n->name, n->name_n));
                buf_put_byte(ret_again, 0);
                return;
        }
        n->epoch = s->epoch;
        s->counts.files++;
        if (j->content && !(known && span_eq(encoded, table_record(n))))
                rc = s->ops->differs(s->ctx, n, &is, encoded);
        if (rc == 0 && is.type != RECORD_DIR &&
            n->record_n) /* a directory's comes when it is listed */
                rc = table_keep_handle(s->table, n, h, known && record_same_file(&was, &is));
        if (rc < 0)
                fail(s, rc);
        else if (is.type == RECORD_DIR)
                enter(s, n, &is);
}

static void take_way(struct scan *s, struct table_node *n, const struct scan_result *x,
                     struct span encoded)
{
        struct record is;

        if (x->error)
                keep_known(s, n, x->error);
        else if (record_decode(encoded, &is, NULL) < 0)
                fail(s, -EBADMSG);
        else
                enter_way(s, n, &is);
}

static void take_result(struct scan *s, struct scan_job *j, const uint8_t *p,
                        const struct scan_result *x, struct buf *ret_again)
{
        struct span name = span_of(p, x->name_n);
        struct table_handle h = { .fsid = x->fsid,
                                  .type = x->handle_type,
                                  .n = (uint8_t)x->handle_n };
        struct table_node *n = table_make_child(s->table, j->dir, name);

        if (!n) {
                fail(s, -ENOMEM);
                return;
        }
        if (x->way) {
                take_way(s, n, x, span_of(p + x->name_n, x->record_n));
                return;
        }
        if (x->error) {
                keep_known(s, n, x->error);
                return;
        }
        memcpy(h.b, p + x->name_n + x->record_n, h.n);
        compare(s, j, n, span_of(p + x->name_n, x->record_n), &h, ret_again);
}

/* The result at *at, and *at moves on; NULL at the end. */
static const uint8_t *next_result(const struct scan_job *j, size_t *at, struct scan_result *ret)
{
        const uint8_t *p = j->results.p + *at;

        if (*at == j->results.n)
                return NULL;
        memcpy(ret, p, sizeof *ret);
        *at += sizeof *ret + ret->name_n + ret->record_n + ret->handle_n;
        return p + sizeof *ret;
}

/* Three readers go ahead of the one that compares, each this far before the next. */
enum { AHEAD = 6, HINTS = TABLE_HINT_RECORD + 1 };

static void expect(struct scan *s, const struct scan_job *j, size_t at[HINTS], size_t before)
{
        struct scan_result x;

        for (size_t i = 0; i < HINTS; i++) {
                const uint8_t *p = before >= i * AHEAD ? next_result(j, &at[i], &x) : NULL;

                if (p)
                        table_expect(s->table, j->dir, span_of(p, x.name_n), (enum table_hint)i);
        }
}

static void take_results(struct scan *s, struct scan_job *j)
{
        struct buf again = BUF_INIT(SCAN_NAMES_MAX);
        size_t at = 0, ahead[HINTS] = { 0 };
        struct scan_result x;
        const uint8_t *p;

        for (size_t i = 0; i < HINTS * AHEAD; i++)
                expect(s, j, ahead, i);
        while (s->rc == 0 && (p = next_result(j, &at, &x))) {
                expect(s, j, ahead, HINTS * AHEAD);
                take_result(s, j, p, &x, &again);
        }
        if (buf_status(&again) < 0)
                fail(s, buf_status(&again));
        if (again.n)
                todo_push(s, (struct scan_todo){ .dir = j->dir, .names = again, .content = true });
        else
                buf_done(&again);
}

static void take_job(struct scan *s, struct scan_job *j)
{
        int rc = 0;

        if (j->status == -ENOENT || j->status == -ENOTDIR || j->status == -ELOOP)
                return; /* no longer there, or no longer a directory: what was below it is missing
                         */
        if (j->status == -ENOMEM || j->status == -E2BIG) {
                fail(s, j->status);
                return;
        }
        if (j->status < 0) {
                keep_known(s, j->dir, j->status);
                return;
        }
        take_results(s, j);
        if (j->long_names)
                say_unreadable(s, j->dir, -ENAMETOOLONG);
        if (j->list) {
                s->counts.directories++;
                rc = table_set_handle(s->table, j->dir, j->handle.n ? &j->handle : NULL);
                if (s->ops->listed && s->rc == 0 && rc == 0)
                        rc = s->ops->listed(s->ctx, j->dir);
                if (rc < 0)
                        fail(s, rc);
                if (j->names.n) {
                        todo_push(s, (struct scan_todo){ .dir = j->dir,
                                                         .names = j->names,
                                                         .content = j->content });
                        j->names = BUF_INIT(SCAN_NAMES_MAX);
                }
        }
}

static void job_done(struct pool_job *p)
{
        struct scan_job *j = CONTAINER_OF(p, struct scan_job, job);
        struct scan *s = j->scan;

        s->busy--;
        if (s->rc == 0)
                take_job(s, j);
        j->next_free = s->free_jobs;
        s->free_jobs = j;
        pump(s);
}

/* Move as many names as one job takes. */
static void take_names(struct scan_todo *t, struct buf *to)
{
        size_t max = t->content ? SCAN_CHUNK_CONTENT : SCAN_CHUNK_STAT;
        size_t from = t->at;

        for (size_t n = 0; n < max && t->at < t->names.n; n++)
                t->at += strlen((char *)t->names.p + t->at) + 1;
        buf_put(to, span_of(t->names.p + from, t->at - from));
}

static void start_job(struct scan *s, struct scan_job *j)
{
        struct scan_todo *t = &s->todo[s->n_todo - 1];

        buf_clear(&j->path);
        buf_clear(&j->names);
        buf_clear(&j->results);
        j->dir = t->dir;
        j->list = t->list;
        j->content = t->content;
        j->keep = t->content && s->flags & SCAN_KEEP && s->content;
        table_path(t->dir, &j->path);
        if (!t->list)
                take_names(t, &j->names);
        if (buf_status(&j->path) < 0 || buf_status(&j->names) < 0)
                fail(s, -ENOMEM);
        watch_at_path(s->watch, buf_span(&j->path), &j->at);
        j->divided = watch_at_divides(s->watch, &j->at) || !watch_at_rule(s->watch, &j->at);
        if (t->list || t->at == t->names.n) {
                buf_done(&t->names);
                s->n_todo--;
        }
}

static bool begins(const struct scan *s, size_t i, struct span *ret_base)
{
        return watchset_begins(s->watch, i, ret_base) &&
               !(s->before && watchset_same_below(s->watch, s->before, *ret_base));
}

static void collect_missing(struct scan *s)
{
        size_t n = 0, max = 0;

        for (size_t i = 0; i < s->watch->n; i++) {
                struct table_node *top, *x;
                struct span base;

                if (!begins(s, i, &base))
                        continue;
                top = table_find(s->table, base);
                for (x = top; x; x = table_next(top, x)) {
                        struct table_node **p;

                        if (x->epoch == s->epoch || !(x->record || x->mark & TABLE_WAY))
                                continue;
                        if (n == max) {
                                max = max ? max * 2 : 256;
                                p = realloc(s->missing, max * sizeof(struct table_node *));
                                if (!p) {
                                        fail(s, -ENOMEM);
                                        return;
                                }
                                s->missing = p;
                        }
                        s->missing[n++] = x;
                }
        }
        s->n_missing = n; /* in order of the walk: a directory before what is below it */
}

struct table_node *scan_next_missing(struct scan *s)
{
        while (s->n_missing > 0) {
                struct table_node *n = s->missing[--s->n_missing];

                if (n->record)
                        return n;
                n->mark &= (uint8_t)~TABLE_WAY; /* a directory on a way is nobody's news */
                table_drop_record(s->table, n);
        }
        free(s->missing);
        s->missing = NULL;
        return NULL;
}

/* Start what can be started; say when all is done.  Jobs of a pool without workers finish inside
 * pool_submit(), so this may come back to itself. */
static void pump(struct scan *s)
{
        if (s->pumping)
                return;
        s->pumping = true;
        while (s->rc == 0 && !s->held && s->n_todo && s->free_jobs) {
                struct scan_job *j = s->free_jobs;

                s->free_jobs = j->next_free;
                start_job(s, j);
                s->busy++;
                if (pool_submit(s->pool, &j->job) == 0)
                        continue;
                /* The pool is full of the owner's other jobs: begin this directory again later. */
                s->busy--;
                todo_push(s, (struct scan_todo){ .dir = j->dir,
                                                 .names = j->names,
                                                 .list = j->list,
                                                 .content = j->content });
                j->names = BUF_INIT(SCAN_NAMES_MAX);
                j->next_free = s->free_jobs;
                s->free_jobs = j;
                break;
        }
        s->pumping = false;
        if (!s->running || s->busy || (s->rc == 0 && s->n_todo))
                return;
        s->running = false;
        while (s->n_todo)
                buf_done(&s->todo[--s->n_todo].names);
        if (s->rc == 0)
                collect_missing(s);
        s->ops->finished(s->ctx, s->rc);
}

void scan_hold(struct scan *s, bool held)
{
        s->held = held;
        if (!held)
                pump(s);
}

int scan_mark(const struct watchset *w, struct table *t)
{
        for (size_t i = 0; i < w->n; i++) {
                struct table_node *n;
                struct span base;

                if (!watchset_begins(w, i, &base))
                        continue;
                n = table_make(t, base);
                if (!n)
                        return -ENOMEM;
                n->mark |= watchset_covers(w, base) ? TABLE_ROOT : TABLE_ABOVE;
                for (struct table_node *up = n->parent; up; up = up->parent)
                        up->mark |= TABLE_ABOVE;
        }
        return 0;
}

/* A walk begins at a name in a directory that is not watched. */
static void begin_at(struct scan *s, struct span path)
{
        struct buf names = BUF_INIT(SCAN_NAMES_MAX);
        struct table_node *n = table_find(s->table, path);

        assert(n);
        if (n == table_root(s->table)) { /* "/" has no name to be seen under */
                push_dir(s, n);
                return;
        }
        buf_put(&names, table_name(n));
        buf_put_byte(&names, 0);
        if (buf_status(&names) < 0)
                fail(s, buf_status(&names));
        todo_push(s, (struct scan_todo){
                             .dir = n->parent, .names = names, .content = s->flags & SCAN_DEEP });
}

void scan_begin(struct scan *s, unsigned flags)
{
        assert(!s->running && !s->busy);
        s->flags = flags;
        s->rc = 0;
        s->epoch++;
        s->running = true;
        s->counts = (struct scan_counts){ 0 };
        atomic_store_explicit(&s->read, 0, memory_order_relaxed);
        s->n_missing = 0;
        fail(s, scan_mark(s->watch, s->table));
        for (size_t i = s->watch->n; i-- > 0 && s->rc == 0;) {
                struct span base;

                if (begins(s, i, &base))
                        begin_at(s, base);
        }
        pump(s);
}

void scan_set_before(struct scan *s, const struct watchset *before)
{
        s->before = before;
}

void scan_set_content(struct scan *s, struct content *c)
{
        s->content = c;
}

void scan_set_calls(struct scan *s, const struct observe_calls *calls)
{
        for (int i = 0; i < SCAN_JOBS; i++)
                observer_set_calls(s->jobs[i]->observer, calls);
}

void scan_set_pace(struct scan *s, struct pace *p)
{
        s->pace = p;
        for (int i = 0; i < SCAN_JOBS; i++)
                observer_set_pace(s->jobs[i]->observer, p);
}

void scan_end(struct scan *s)
{
        atomic_store_explicit(&s->ended, true, memory_order_relaxed);
        if (s->pace)
                pace_end(s->pace);
        fail(s, -ECANCELED);
}

bool scan_running(const struct scan *s)
{
        return s->running;
}

struct scan_counts scan_counts(const struct scan *s)
{
        struct scan_counts c = s->counts;

        c.bytes = atomic_load_explicit(&s->read, memory_order_relaxed);
        return c;
}

int scan_new(const struct watchset *w, struct table *t, struct pool *pool,
             const struct scan_ops *ops, void *ctx, struct scan **ret, struct err *err)
{
        struct scan *s = calloc(1, sizeof *s);
        int rc = s ? 0 : -ENOMEM;

        for (int i = 0; i < SCAN_JOBS && rc == 0; i++) {
                struct scan_job *j = calloc(1, sizeof *j);

                if (!j || observer_new(&j->observer, err) < 0) {
                        free(j);
                        rc = -ENOMEM;
                        break;
                }
                j->scan = s;
                observer_set_counter(j->observer, &s->read);
                observer_set_ended(j->observer, &s->ended);
                j->job = (struct pool_job){ .run = scan_job_run, .done = job_done };
                j->path = BUF_INIT(PATH_MAX_BYTES);
                j->names = BUF_INIT(SCAN_NAMES_MAX);
                j->results = BUF_INIT(RESULT_MAX);
                j->encoded = BUF_INIT(RECORD_MAX);
                j->next_free = s->free_jobs;
                s->free_jobs = s->jobs[i] = j;
        }
        if (rc) {
                scan_free(s);
                return err_set(err, rc, "out of memory for a scan");
        }
        s->watch = w;
        s->table = t;
        s->pool = pool;
        s->ops = ops;
        s->ctx = ctx;
        s->path = BUF_INIT(PATH_MAX_BYTES);
        *ret = s;
        return 0;
}

struct scan *scan_free(struct scan *s)
{
        if (!s)
                return NULL;
        assert(s->busy == 0);
        for (int i = 0; i < SCAN_JOBS; i++) {
                struct scan_job *j = s->jobs[i];

                if (!j)
                        continue;
                observer_free(j->observer);
                buf_done(&j->path);
                buf_done(&j->names);
                buf_done(&j->results);
                buf_done(&j->encoded);
                free(j);
        }
        while (s->n_todo)
                buf_done(&s->todo[--s->n_todo].names);
        free(s->todo);
        free(s->missing);
        buf_done(&s->path);
        free(s);
        return NULL;
}
