/* SPDX-License-Identifier: Apache-2.0 */
/* What was read, compared with what is stored, told entry by entry, and stored when the last one is
 * in the ledger. */
#include "monitor/monitor_priv.h"

#include "loop/log.h"
#include "monitor/monitor_entry.h"
#include "state/rows/row.h"
#include "state/rows/since.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { SKELETON_MAX = 64 * 1024 };

/* ---- entries of no table ---- */

static int queue(struct monitor *m, struct span skeleton)
{
        struct out_entry *x;

        if (m->n_out >= MONITOR_OUT_MAX) { /* the recorder is away for long */
                m->lost++;
                return 0;
        }
        x = calloc(1, sizeof *x);
        if (!x)
                return -ENOMEM;
        x->skeleton = BUF_INIT(SKELETON_MAX);
        buf_put(&x->skeleton, skeleton);
        if (m->out_last)
                m->out_last->next = x;
        else
                m->out_first = x;
        m->out_last = x;
        m->n_out++;
        return 0;
}

static void queue_skeleton(struct monitor *m)
{
        if (buf_status(&m->skeleton) < 0 || queue(m, buf_span(&m->skeleton)) < 0)
                log_event(LOG_LEVEL_ERROR, "monitor.memory");
}

static struct buf *fresh(struct buf *b)
{
        buf_clear(b);
        return b;
}

void tell_trouble(struct monitor *m, struct watched *w, const char *event, const char *why)
{
        char text[MONITOR_PROBLEM_MAX];

        snprintf(text, sizeof text, "%s", why ? why : "");
        if (strcmp(text, w->problem) == 0)
                return;
        memcpy(w->problem, text, sizeof text);
        if (why)
                log_event(LOG_LEVEL_WARNING, "monitor.trouble", log_str("table", w->name),
                          log_str("why", text));
        state_trouble_put(w->name, clock_wall(m->o.clock), event, why ? text : NULL,
                          fresh(&m->skeleton));
        queue_skeleton(m);
}

void tell_monitor(struct monitor *m, const char *event, const char *reason)
{
        const char *names[PLANS_MAX];
        struct state_monitor_facts f = { .wall_ns = clock_wall(m->o.clock),
                                         .event = event,
                                         .reason = reason,
                                         .config = m->config.from,
                                         .digest = m->config.digest,
                                         .tables = names,
                                         .n = m->n };

        for (size_t i = 0; i < m->n; i++)
                names[i] = m->at[i].name;
        state_monitor_put(&f, fresh(&m->skeleton));
        queue_skeleton(m);
}

/* ---- a batch ---- */

static void next_name(const struct watched *w, char out[STATE_NAME_MAX + sizeof STORED_NEXT])
{
        snprintf(out, STATE_NAME_MAX + sizeof STORED_NEXT, "%s" STORED_NEXT, w->name);
}

static uint64_t count_differences(const struct batch *b)
{
        struct rows_walk walk = b->walk;
        struct span old, new;
        uint64_t n = 0;

        while (rows_next(&walk, &old, &new) != ROWS_END)
                n++;
        return n;
}

/* The table that was told rests. */
static void end_batch(struct monitor *m)
{
        struct watched *w = m->now;

        rows_done(&m->batch.old);
        rows_done(&m->rows);
        m->batch = (struct batch){ 0 };
        rows_init(&m->batch.old);
        m->now = NULL;
        m->step = STEP_IDLE;
        monitor_rest(m, w);
}

static int write_next(struct monitor *m, struct err *err)
{
        char name[STATE_NAME_MAX + sizeof STORED_NEXT];

        next_name(m->now, name);
        return stored_write(m->o.io, m->dirfd, name, &m->batch.head, &m->rows, err);
}

/* All its entries are in the ledger. */
static void finish(struct monitor *m)
{
        char name[STATE_NAME_MAX + sizeof STORED_NEXT];
        struct watched *w = m->now;
        int rc;

        next_name(w, name);
        rc = m->o.io->rename(m->o.io->ctx, m->dirfd, name, w->name);
        if (rc == 0)
                rc = m->o.io->fsync(m->o.io->ctx, m->dirfd);
        if (rc < 0) { /* told again, when it is compared with what is stored */
                log_event(LOG_LEVEL_ERROR, "monitor.store", log_str("table", w->name),
                          log_int("error", rc));
                w->has_look = w->has_gathered = false;
        } else {
                w->known = true;
                w->head = m->batch.head;
                w->rows = m->rows.n;
        }
        w->read = true;
        end_batch(m);
}

void tell_queue(struct monitor *m)
{
        queue_skeleton(m);
}

void tell_begin(struct monitor *m)
{
        alert_begin(m);
        m->step = STEP_TELL;
        tell_pump(m);
}

/* What is stored of m->now, into the batch.  The reason for a baseline, or NULL. */
static const char *load_stored(struct monitor *m, struct stored_head *ret)
{
        struct watched *w = m->now;
        struct err err = { 0 };
        int rc = stored_read(m->o.io, m->dirfd, w->name, w->table, ret, &m->batch.old, &err);

        if (rc == 0)
                return NULL;
        if (rc == -ENOENT)
                return "first";
        log_event(LOG_LEVEL_WARNING, "monitor.stored", log_str("table", w->name), log_err(&err));
        return rc == -ESTALE ? "columns" : "lost";
}

static void tell_sample(struct monitor *m)
{
        struct watched *w = m->now;

        capacity_put(w->name, clock_wall(m->o.clock), &m->rows, fresh(&m->skeleton));
        queue_skeleton(m);
}

/* Nothing to tell, but what is kept may have to be written anew. */
static void store_silently(struct monitor *m)
{
        struct watched *w = m->now;
        struct err err = { 0 };

        if (stored_write(m->o.io, m->dirfd, w->name, &m->batch.head, &m->rows, &err) < 0) {
                log_event(LOG_LEVEL_ERROR, "monitor.store", log_err(&err));
                w->has_look = w->has_gathered = false;
        } else {
                w->known = true;
                w->head = m->batch.head;
        }
        w->rows = m->rows.n;
        w->read = true;
        end_batch(m);
}

/* No row differs in what counts. */
static void tell_nothing(struct monitor *m, const struct stored_head *before)
{
        struct watched *w = m->now;
        struct batch *b = &m->batch;

        b->head.changed_ns = before->changed_ns;
        if (memcmp(before->digest, b->head.digest, SHA256_LEN) != 0 ||
            before->faults != b->head.faults) {
                store_silently(m);
                return;
        }
        w->known = w->read = true;
        w->head = *before;
        w->rows = m->rows.n;
        end_batch(m);
}

/* The lane goes on with others; the table stays busy. */
static void take_lane(struct monitor *m, struct lane *l)
{
        m->now = l->now;
        m->rows = l->rows;
        m->faults = l->faults;
        m->since_ns = m->now->looked_ns;
        m->now->looked_ns = l->wall_ns;
        rows_init(&l->rows);
        l->now = NULL;
        l->step = LANE_IDLE;
        monitor_wake(m);
}

void tell_rows(struct monitor *m, struct lane *l)
{
        struct batch *b = &m->batch;
        struct stored_head before = { 0 };
        struct watched *w;

        take_lane(m, l);
        w = m->now;
        *b = (struct batch){ 0 };
        rows_init(&b->old);
        b->baseline = load_stored(m, &before);
        rows_keep_since(&m->rows, &b->old, w->table, clock_wall(m->o.clock));
        b->walk = (struct rows_walk){ .table = w->table, .old = &b->old, .new = &m->rows };
        b->head.faults = m->faults;
        b->head.changed_ns = clock_wall(m->o.clock);
        stored_columns(w->table, b->head.columns);
        if (rows_digest(&m->rows, b->head.digest) < 0) {
                log_event(LOG_LEVEL_ERROR, "monitor.memory");
                w->has_look = w->has_gathered = false;
                end_batch(m);
                return;
        }
        if (w->table->flags & STATE_SAMPLES) {
                tell_sample(m);
                store_silently(m);
                return;
        }
        b->head.n = b->baseline ? 1 : count_differences(b);
        if (b->head.n == 0) {
                tell_nothing(m, &before);
        } else {
                w->head = before;
                cause_then_tell(m);
        }
}

/* ---- what a crash left ---- */

int tell_left_over(struct monitor *m, uint64_t *ret_run, struct err *err)
{
        char name[STATE_NAME_MAX + sizeof STORED_NEXT];

        *ret_run = 0;
        for (size_t i = 0; i < m->n; i++) {
                struct watched *w = &m->at[i];
                struct stored_head h;
                int rc;

                next_name(w, name);
                rows_done(&m->rows);
                rc = *ret_run ? -ENOENT
                              : stored_read(m->o.io, m->dirfd, name, w->table, &h, &m->rows, NULL);
                if (rc == -ENOMEM)
                        return err_set(err, rc, "out of memory");
                if (rc == 0 && h.run) {
                        m->now = w;
                        w->busy = true;
                        m->batch.head = h;
                        *ret_run = h.run;
                        continue;
                }
                rc = m->o.io->unlink(m->o.io->ctx, m->dirfd, name); /* of use to nobody */
                if (rc < 0 && rc != -ENOENT)
                        return err_sys(err, rc, "%s", name);
        }
        if (!*ret_run)
                rows_done(&m->rows);
        return 0;
}

int tell_resume(struct monitor *m, struct err *err)
{
        struct batch *b = &m->batch;
        struct stored_head h = b->head, before = { 0 };

        m->last_seq = feed_held(m->feed);
        if (!m->now)
                return 0;
        rows_init(&b->old);
        b->baseline = load_stored(m, &before);
        b->walk = (struct rows_walk){ .table = m->now->table, .old = &b->old, .new = &m->rows };
        m->now->head = before;
        (void)cause_find(m);
        h.n = b->baseline ? 1 : count_differences(b);
        if (feed_run(m->feed) == h.run)
                b->skip = MIN_OF(feed_held(m->feed) - h.first + 1, h.n);
        h.run = feed_run(m->feed);
        h.first = feed_held(m->feed) + 1 - b->skip;
        b->head = h;
        m->step = STEP_TELL;
        if (!b->skip) /* none of it was told, so its alert may not be either */
                alert_begin(m);
        log_event(LOG_LEVEL_INFO, "monitor.goes_on", log_str("table", m->now->name),
                  log_u64("entries", h.n), log_u64("in_ledger", b->skip));
        return write_next(m, err);
}

/* ---- handing over ---- */

static int put(struct monitor *m, const struct feed_field *field)
{
        struct err err = { 0 };
        uint64_t seq = 0;
        int rc = buf_status(&m->skeleton);

        if (rc == 0)
                rc = feed_put(m->feed, buf_span(&m->skeleton), field, field ? 1 : 0, &seq, &err);
        if (rc == 0) {
                m->last_seq = seq;
                m->entries++;
        } else if (rc != -EAGAIN) {
                log_event(LOG_LEVEL_ERROR, "monitor.refused", log_err(&err));
                m->refused++;
        }
        return rc;
}

static int put_difference(struct monitor *m, struct span old, struct span new)
{
        struct state_difference d = { .table = m->now->table,
                                      .name = m->now->name,
                                      .wall_ns = m->batch.head.changed_ns,
                                      .head = &m->batch.head,
                                      .previous = m->now->head.digest,
                                      .causes = &m->causes,
                                      .alert = alert_of(m, old, new),
                                      .old = old,
                                      .new = new };
        CLEANUP(buf_done) struct buf subject = BUF_INIT(4 * STATE_ROW_MAX);
        struct feed_field field = { .name = SPAN("what.row") };

        state_difference_put(&d, fresh(&m->skeleton));
        if (!(m->now->table->flags & STATE_PERSONAL))
                return put(m, NULL);
        state_difference_subject(&d, &subject);
        state_difference_value(&d, fresh(&m->field));
        field.subject = buf_span(&subject);
        field.value = buf_span(&m->field);
        return put(m, &field);
}

static int put_next(struct monitor *m)
{
        struct batch *b = &m->batch;
        struct rows_walk before = b->walk;
        struct state_baseline base = { .table = m->now->table,
                                       .name = m->now->name,
                                       .wall_ns = b->head.changed_ns,
                                       .reason = b->baseline,
                                       .head = &b->head,
                                       .rows = m->rows.n };
        struct span old, new;
        int rc;

        if (b->baseline) {
                state_baseline_put(&base, fresh(&m->skeleton));
                return b->told < b->skip ? 0 : put(m, NULL);
        }
        if (rows_next(&b->walk, &old, &new) == ROWS_END)
                return -ENODATA;
        rc = b->told < b->skip ? 0 : put_difference(m, old, new);
        if (rc == -EAGAIN)
                b->walk = before;
        return rc;
}

/* A batch begins when all before it is in the ledger, so that its sequences have no hole. */
static bool start_batch(struct monitor *m)
{
        struct batch *b = &m->batch;
        struct err err = { 0 };

        if (b->head.run)
                return true;
        if (m->out_first || feed_pending(m->feed) || !feed_run(m->feed))
                return false;
        b->head.run = feed_run(m->feed);
        b->head.first = m->last_seq + 1;
        if (write_next(m, &err) == 0)
                return true;
        /* Evidence first: it is told, and told again when it cannot be stored in the end. */
        log_event(LOG_LEVEL_ERROR, "monitor.store", log_err(&err));
        return true;
}

static void pump_batch(struct monitor *m)
{
        struct batch *b = &m->batch;
        int rc = 0;

        if (!start_batch(m))
                return;
        while (b->told < b->head.n && rc != -EAGAIN) {
                rc = put_next(m);
                if (rc == -ENODATA)
                        b->head.n = b->told;
                else if (rc != -EAGAIN)
                        b->told++;
        }
        if (b->told == b->head.n && feed_pending(m->feed) == 0)
                finish(m);
}

/* There is room again for what there was none. */
static void tell_lost(struct monitor *m)
{
        char text[MONITOR_PROBLEM_MAX];

        snprintf(text, sizeof text,
                 "the recorder was away: %llu entries of trouble, samples and the monitor itself",
                 (unsigned long long)m->lost);
        m->lost = 0;
        tell_monitor(m, "lost", text);
}

void tell_pump(struct monitor *m)
{
        /* Nothing comes between the entries of a batch. */
        while (m->out_first && !(m->step == STEP_TELL && m->batch.head.run)) {
                struct out_entry *x = m->out_first;

                buf_clear(&m->skeleton);
                buf_put(&m->skeleton, buf_span(&x->skeleton));
                if (put(m, NULL) == -EAGAIN)
                        break;
                m->out_first = x->next;
                if (!m->out_first)
                        m->out_last = NULL;
                m->n_out--;
                buf_done(&x->skeleton);
                free(x);
        }
        if (m->lost && m->n_out < MONITOR_OUT_MAX)
                tell_lost(m);
        if (m->step == STEP_TELL)
                pump_batch(m);
}

/* The recorder began a new run: what waits goes out under other sequences. */
void tell_renumbered(struct monitor *m)
{
        struct batch *b = &m->batch;
        uint64_t waits = feed_pending(m->feed);
        struct err err = { 0 };

        m->last_seq = feed_held(m->feed) + waits;
        if (m->step != STEP_TELL || !b->head.run)
                return;
        b->head.run = feed_run(m->feed);
        b->head.first = feed_held(m->feed) + 1 - (b->told - waits);
        if (write_next(m, &err) < 0)
                log_event(LOG_LEVEL_ERROR, "monitor.store", log_err(&err));
}

void tell_on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        struct monitor *m = ctx;

        m->refused++;
        log_event(LOG_LEVEL_ERROR, "monitor.refused", log_u64("seq", seq), log_int("code", code),
                  log_bytes("text", text));
}

void tell_done(struct monitor *m)
{
        while (m->out_first) {
                struct out_entry *x = m->out_first;

                m->out_first = x->next;
                buf_done(&x->skeleton);
                free(x);
        }
        rows_done(&m->batch.old);
        rows_done(&m->rows);
}
