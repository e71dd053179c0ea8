/* SPDX-License-Identifier: Apache-2.0 */
/* scan_job.c - what a worker does of a scan: list, look, read. */
#include "integrity/trusted/pace.h"
#include "integrity/trusted/scan_priv.h"
#include "sys/io.h"

static void put_result(struct scan_job *j, const char *name, size_t name_n, int error, bool way,
                       const struct record *r, const struct table_handle *h)
{
        struct scan_result x = { .error = error, .way = way, .name_n = (uint32_t)name_n };

        buf_clear(&j->encoded);
        if (error == 0) {
                record_encode(r, &j->encoded);
                x.record_n = (uint32_t)j->encoded.n;
                x.handle_n = h->n;
                x.handle_type = h->type;
                x.fsid = h->fsid;
        }
        if (buf_status(&j->encoded) < 0) {
                j->status = -ENOMEM;
                return;
        }
        buf_put(&j->results, span_of(&x, sizeof x));
        buf_put(&j->results, span_of(name, name_n));
        buf_put(&j->results, buf_span(&j->encoded));
        if (x.handle_n)
                buf_put(&j->results, span_of(h->b, h->n));
}

/* The set does not change while a scan runs, so a worker may ask it: what is not watched is neither
 * read nor looked at. */
static bool job_wants(struct scan_job *j, struct span name, const struct watch_rule **ret_rule,
                      bool *ret_way)
{
        const struct watchset *w = j->scan->watch;

        *ret_way = false;
        if (!j->divided) {
                *ret_rule = watch_at_rule(w, &j->at);
                return true;
        }
        watch_at_name(w, &j->at, name, &j->name_at);
        *ret_rule = watch_at_rule(w, &j->name_at);
        if (*ret_rule)
                return true;
        *ret_way = watch_at_leads(w, &j->name_at);
        return *ret_way;
}

static void job_keep(struct scan_job *j, const struct watch_rule *rule)
{
        const struct watch_profile *p = rule ? j->scan->watch->profiles[rule->profile] : NULL;

        if (p && p->keep)
                observer_keep(j->observer, j->scan->content, p->max_size);
        else
                observer_keep(j->observer, NULL, 0);
}

static void job_one(struct scan_job *j, int fd, const char *name, size_t name_n)
{
        const struct watch_rule *rule = NULL;
        struct table_handle h = { .n = 0 };
        struct record r;
        bool way;
        int rc;

        if (!job_wants(j, span_of(name, name_n), &rule, &way))
                return;
        if (j->scan->pace)
                pace_take(j->scan->pace, 0, 1);
        if (j->keep)
                job_keep(j, rule);
        if (j->content && !way)
                rc = observe(j->observer, fd, name, &r, &h);
        else
                rc = observe_stat(fd, name, &r, &h);
        if (way && rc == 0 && r.type == RECORD_LINK) { /* leads elsewhere: known for what it is */
                way = false;
                rc = observe(j->observer, fd, name, &r, &h);
        }
        if (rc != -ENOENT && !(way && rc == 0 && r.type != RECORD_DIR))
                put_result(j, name, name_n, rc, way, &r, &h);
}

static bool is_ended(const struct scan_job *j)
{
        return atomic_load_explicit(&j->scan->ended, memory_order_relaxed);
}

static void job_list(struct scan_job *j, int fd)
{
        size_t n = 0, chunk = j->content ? SCAN_CHUNK_CONTENT : SCAN_CHUNK_STAT;
        struct dir_entry e;
        int rc = 0;

        if (observe_handle(fd, &j->handle) < 0)
                j->handle.n = 0;
        dir_reader_init(&j->reader, fd);
        while (!is_ended(j) && (rc = dir_read(&j->reader, &e)) > 0) {
                if (e.name_n > TABLE_NAME_MAX)
                        j->long_names = true;
                else if (n++ < chunk)
                        job_one(j, fd, e.name, e.name_n);
                else
                        buf_put(&j->names, span_of(e.name, e.name_n + 1));
        }
        if (rc < 0)
                j->status = rc;
}

void scan_job_run(struct pool_job *p)
{
        struct scan_job *j = CONTAINER_OF(p, struct scan_job, job);
        CLEANUP_FD int fd = observe_open_dir(buf_span(&j->path));

        j->status = fd < 0 ? fd : 0;
        j->long_names = false;
        if (fd < 0)
                return;
        if (j->list)
                job_list(j, fd);
        else
                for (size_t at = 0; at < j->names.n && !is_ended(j);) {
                        const char *name = (char *)j->names.p + at;
                        size_t n = strlen(name);

                        job_one(j, fd, name, n);
                        at += n + 1;
                }
        if (j->status == 0 && buf_status(&j->names) < 0)
                j->status = buf_status(&j->names);
        if (j->status == 0 && buf_status(&j->results) < 0)
                j->status = buf_status(&j->results);
}
