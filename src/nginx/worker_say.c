/* SPDX-License-Identifier: Apache-2.0 */
/* worker_say.c - how a worker fares, for gateway.status and for the shared memory.  Floor 4, in
 * nginx. */
#include "nginx/worker_priv.h"

#include <fcntl.h>

#include "base/clock.h"
#include "loop/presence.h"
#include "loop/role.h"
#include "sys/io.h"
#include "wire/json.h"

/* Opened by the master, who may write there; locked while nginx lives. */
static struct presence presence = { .fd = -1 };

int worker_open_status(const struct settings *s, struct err *err)
{
        CLEANUP_FD int run_fd = open((const char *)s->run.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (run_fd < 0)
                return err_sys(err, -errno, "%s", (const char *)s->run.data);
        return presence_open(run_fd, role_of(ROLE_GATEWAY)->name, worker_now_ns(), &presence, err);
}

bool worker_status_is_open(void)
{
        return presence.fd >= 0;
}

/* What is deployed and not served; 0 and *ret_why NULL: there is none. */
static uint64_t refused_of(const struct own *o, const char **ret_why)
{
        uint64_t number = 0;

        *ret_why = NULL;
        if (o->not_served[0]) {
                *ret_why = o->not_served;
                return o->not_served_number;
        }
        return live_refused(o->live, &number, ret_why) ? number : 0;
}

void worker_say(struct worker *w)
{
        const struct own *o = CONTAINER_OF(w, struct own, w);
        const char *refused, *away;
        struct meters_worker said = {
                .waiting = (uint32_t)journal_waiting(w->journal),
                .connected = journal_works(w->journal, &away) && !journal_late(w->journal),
                .generation = w->serving ? w->serving->generation->number : 0,
                .loaded_s = o->loaded_s,
                .refused = refused_of(o, &refused),
                .tokens = jwt_memory_count(w->gateway.keys.memory),
        };

        said.fault = refused ? o->fault : METERS_NO_FAULT;
        meters_say(w->meters, (uint32_t)ngx_process_slot, &said, (int64_t)ngx_current_msec);
}

/* Reasons for which calls were refused in the last hour, with how often. */
static void put_refused(struct json_writer *w, const struct meters_past *past)
{
        json_put_key(w, "refused");
        json_begin_array(w);
        for (int r = REFUSED_NOT + 1; r < REFUSED_REASONS; r++) {
                if (!past->refusals[r])
                        continue;
                json_begin_array(w);
                json_put_string(w, span_str(refusal_about((enum refusal_reason)r)->name));
                json_put_u64(w, past->refusals[r]);
                json_end_array(w);
        }
        json_end_array(w);
}

/* How long calls waited for the recorder in the last minute or two. */
static void put_wait(struct json_writer *w, const struct meters_histogram *h)
{
        uint64_t n = meters_count(h);
        int64_t most_ns = meters_within_ns(h, 99);

        json_put_key(w, "wait");
        json_begin_object(w);
        json_member_u64(w, "calls", n);
        json_member_u64(w, "mean_us", n ? h->sum_ns / n / NS_PER_US : 0);
        if (most_ns < INT64_MAX)
                json_member_int(w, "most_us", most_ns / NS_PER_US); /* of 99 in 100 */
        json_end_object(w);
}

static uint64_t count_waiting(const struct meters_worker *workers, uint32_t n, uint64_t *ret_oldest)
{
        uint64_t waiting = 0;

        *ret_oldest = n ? UINT64_MAX : 0;
        for (uint32_t i = 0; i < n; i++) {
                waiting += workers[i].waiting;
                *ret_oldest = MIN_OF(*ret_oldest, workers[i].generation);
        }
        return waiting;
}

/* Of this worker: generation, not_served, recorder; of all of them the rest. */
static void put_more(const struct own *o, struct buf *out)
{
        struct meters_worker workers[METERS_WORKERS_MAX];
        uint32_t n = meters_workers(o->w.meters, (int64_t)ngx_current_msec, workers);
        uint64_t oldest, waiting = count_waiting(workers, n, &oldest);
        struct meters_past past;
        struct json_writer w;
        const char *why;

        meters_past(o->w.meters, ngx_time(), &past);
        (void)refused_of(o, &why);
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_int(&w, "generation",
                        o->w.serving ? (int64_t)o->w.serving->generation->number : 0);
        json_member_bool(&w, "locked", o->locked);
        if (why)
                json_member_text(&w, "not_served", why);
        json_member_u64(&w, "oldest", oldest);
        if (!journal_works(o->w.journal, &why))
                json_member_text(&w, "recorder", why);
        else if (journal_late(o->w.journal))
                json_member_text(&w, "recorder", "it does not answer");
        put_refused(&w, &past);
        put_wait(&w, &past.wait);
        json_member_u64(&w, "waiting", waiting);
        json_member_u64(&w, "workers", n);
        json_end_object(&w);
}

void worker_say_status(struct own *o, bool anyway)
{
        CLEANUP(buf_done) struct buf more = BUF_INIT(4096);
        uint64_t generation = o->w.serving ? o->w.serving->generation->number : 0;
        struct err err = { 0 };
        const char *why;
        bool works = journal_works(o->w.journal, &why) && !journal_late(o->w.journal);

        if (presence.fd < 0 || ngx_worker != 0 ||
            (!anyway && works == o->said_works && generation == o->said_generation))
                return;
        o->said_works = works;
        o->said_generation = generation;
        put_more(o, &more);
        if (buf_status(&more) < 0 ||
            presence_say(&presence, &o->sandbox, buf_span(&more), &err) < 0)
                ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "assay: gateway.status: %s",
                              err_text(&err));
}
