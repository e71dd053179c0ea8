/* SPDX-License-Identifier: Apache-2.0 */
/* journal.c - see journal.h.
 *
 *   journal_put() -> coming --(there is room)--> sent[], the feed's order --(all answered)--> over
 *                       `--------------(too late, the recorder is away)--------------------> over
 *   journal_tell() -> sent[], where there is room, else told
 *
 * What is one thing goes into the feed at once, so that there is no half of it while that is full.
 * Acknowledgements come in the order in which entries were put, so whose it is needs no table.
 * Callbacks run from `over` at the end of a turn, when the feed is not at work. */
#include "nginx/journal.h"

#include <fcntl.h>
#include <stdlib.h>

#include <ngx_event.h>

#include "ledger/feed/feed.h"
#include "ledger/writer/ledger.h"
#include "loop/role.h"

enum { BEAT_MS = 1000, CONNECT_MS = 1000 };

struct journal {
        struct feed *feed;
        ngx_connection_t *connection; /* of a duplicate of the feed's descriptor, or NULL */
        ngx_event_t turn, again, late, beat;
        ngx_queue_t coming, over, told;
        size_t n_told;                              /* bytes of it */
        struct journal_waiter *sent[LEDGER_WINDOW]; /* NULL: nobody waits */
        size_t first, n_sent, n_waiting;
        bool said_away; /* in the log, for this absence */
        bool gave_up;   /* on somebody, and nothing was answered since */
        struct err why;
};

static void end_of_turn(struct journal *j)
{
        if (!j->turn.posted) {
                ngx_post_event(&j->turn, &ngx_posted_events);
        }
}

/* ---- who waits ---- */

static enum record_fate fate_of(const struct journal_waiter *w)
{
        if (!w->refused && w->n_answered == w->records->n)
                return RECORD_DONE;
        if (w->n_put == 0)
                return RECORD_NOTHING;
        return w->n_put < w->records->n || w->last_refused ? RECORD_PARTLY : RECORD_PERHAPS;
}

static void is_over(struct journal *j, struct journal_waiter *w, bool refused)
{
        w->refused = w->refused || refused;
        w->place = JOURNAL_OVER;
        ngx_queue_insert_tail(&j->over, &w->queue);
        end_of_turn(j);
}

/* One more of his entries is answered; refused: why, or 0. */
static void answer_first(struct journal *j, int refused)
{
        struct journal_waiter *w = j->sent[j->first];

        assert(j->n_sent > 0);
        j->gave_up = false;
        j->first = (j->first + 1) % LEDGER_WINDOW;
        j->n_sent--;
        if (!w)
                return;
        w->refused = w->refused || refused;
        w->limited = w->limited || refused == -EDQUOT;
        if (++w->n_answered < w->records->n)
                return;
        w->last_refused = refused != 0;
        is_over(j, w, false);
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        struct journal *j = ctx;

        (void)seq;
        (void)index;
        answer_first(j, 0);
}

static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        struct journal *j = ctx;
        ngx_str_t words = { text.n, (u_char *)(uintptr_t)text.p };

        (void)seq;
        ngx_log_error(NGX_LOG_ERR, j->turn.log, -code, "assay: the recorder refuses an entry: %V",
                      &words);
        answer_first(j, code ? code : -EPROTO);
}

static void detach(struct journal *j, const struct journal_waiter *w)
{
        for (size_t i = 0; i < j->n_sent; i++)
                if (j->sent[(j->first + i) % LEDGER_WINDOW] == w)
                        j->sent[(j->first + i) % LEDGER_WINDOW] = NULL;
}

/* ---- handing over ---- */

/* False: there is no room now. */
static bool put_one(struct journal *j, struct journal_waiter *owner, const struct record *r,
                    bool *ret_refused)
{
        struct err err = { 0 };
        uint64_t seq;
        int rc = feed_put(j->feed, r->skeleton, r->fields, r->n_fields, &seq, &err);

        if (rc == -EAGAIN)
                return false;
        if (rc < 0) { /* it fits no message, or there is no memory */
                ngx_log_error(NGX_LOG_ERR, j->turn.log, 0, "assay: %s", err_text(&err));
                *ret_refused = true;
                return true;
        }
        j->sent[(j->first + j->n_sent++) % LEDGER_WINDOW] = owner;
        return true;
}

/* More than ever fit at once go as they can. */
static bool is_room_for(const struct journal *j, const struct journal_waiter *w)
{
        return w->n_put > 0 || j->n_sent == 0 || j->n_sent + w->records->n <= LEDGER_WINDOW;
}

/* True: all of his are handed over, or will not be.  He is in no queue. */
static bool hand_over(struct journal *j, struct journal_waiter *w)
{
        bool refused = false;

        if (!is_room_for(j, w))
                return false;
        while (w->n_put < w->records->n && !refused) {
                if (!put_one(j, w, &w->records->at[w->n_put], &refused))
                        return false;
                w->n_put += !refused;
        }
        w->place = JOURNAL_SENT;
        if (refused) { /* without it the rest is worth nothing */
                detach(j, w);
                is_over(j, w, true);
        }
        return true;
}

/* One entry for which nobody waits; points into itself. */
struct told {
        ngx_queue_t queue;
        size_t n;
        struct record record;
        u_char bytes[];
};

static u_char *keep(u_char *p, struct span *s)
{
        u_char *end = ngx_cpymem(p, s->p, s->n);

        s->p = p;
        return end;
}

static bool keep_told(struct journal *j, const struct record *r)
{
        size_t n = sizeof(struct told) + r->skeleton.n;
        struct told *t;
        u_char *p;

        for (uint32_t i = 0; i < r->n_fields; i++)
                n += r->fields[i].subject.n + r->fields[i].name.n + r->fields[i].value.n;
        t = j->n_told + n <= JOURNAL_TOLD_MAX ? malloc(n) : NULL;
        if (!t)
                return false;
        t->n = n;
        t->record = *r;
        p = keep(t->bytes, &t->record.skeleton);
        for (uint32_t i = 0; i < r->n_fields; i++) {
                p = keep(p, &t->record.fields[i].subject);
                p = keep(p, &t->record.fields[i].name);
                p = keep(p, &t->record.fields[i].value);
        }
        ngx_queue_insert_tail(&j->told, &t->queue);
        j->n_told += n;
        return true;
}

static void drop_told(struct journal *j, struct told *t)
{
        ngx_queue_remove(&t->queue);
        j->n_told -= t->n;
        ngx_explicit_memzero(t, t->n); /* sensitive values, in clear */
        free(t);
}

/* False: there is no room for all of them now. */
static bool hand_over_told(struct journal *j)
{
        bool refused = false; /* the log has it */

        while (!ngx_queue_empty(&j->told)) {
                struct told *t = ngx_queue_data(ngx_queue_head(&j->told), struct told, queue);

                if (!put_one(j, NULL, &t->record, &refused))
                        return false;
                drop_told(j, t);
        }
        return true;
}

/* Out of the queue; NULL: nobody is in it. */
static struct journal_waiter *take_first(ngx_queue_t *queue)
{
        ngx_queue_t *first = ngx_queue_head(queue);

        if (first == queue)
                return NULL;
        assert(first->next && first->prev); /* a ring */
        ngx_queue_remove(first);
        return ngx_queue_data(first, struct journal_waiter, queue);
}

static void hand_over_all(struct journal *j)
{
        struct journal_waiter *w;

        if (!hand_over_told(j))
                return;
        while ((w = take_first(&j->coming)))
                if (!hand_over(j, w)) {
                        ngx_queue_insert_head(&j->coming, &w->queue);
                        return;
                }
}

bool journal_works(const struct journal *j, const char **ret_why)
{
        bool works = feed_fd(j->feed) >= 0 && !feed_stopped(j->feed);

        if (!works)
                *ret_why = feed_stopped(j->feed) ? "the recorder takes no entries for now"
                                                 : err_text(&j->why);
        return works;
}

bool journal_late(const struct journal *j)
{
        return j->gave_up && feed_pending(j->feed) > 0;
}

size_t journal_waiting(const struct journal *j)
{
        return j->n_waiting;
}

void journal_put(struct journal *j, struct journal_waiter *w)
{
        const char *why;

        assert(w->place == JOURNAL_NOWHERE && w->records->n > 0);
        w->refused = w->last_refused = w->limited = false;
        w->n_put = w->n_answered = 0;
        w->since = ngx_current_msec;
        j->n_waiting++;
        if (!w->patient && (!journal_works(j, &why) || journal_late(j))) {
                is_over(j, w, true);
                return;
        }
        w->place = JOURNAL_COMING;
        ngx_queue_insert_tail(&j->coming, &w->queue);
        if (!j->late.timer_set)
                ngx_add_timer(&j->late, JOURNAL_WAIT_MS / 3);
        end_of_turn(j);
}

void journal_tell(struct journal *j, const struct records *records)
{
        bool refused = false;

        for (uint32_t i = 0; i < records->n; i++)
                if ((!ngx_queue_empty(&j->told) || !put_one(j, NULL, &records->at[i], &refused)) &&
                    !keep_told(j, &records->at[i]))
                        ngx_log_error(NGX_LOG_ERR, j->turn.log, 0,
                                      "assay: no room for an entry nobody waits for");
        end_of_turn(j);
}

enum record_fate journal_forget(struct journal *j, struct journal_waiter *w)
{
        struct records rest;

        if (w->place == JOURNAL_NOWHERE)
                return RECORD_DONE;
        if (w->place != JOURNAL_SENT) {
                ngx_queue_remove(&w->queue);
        }
        detach(j, w);
        if (w->place == JOURNAL_COMING) {
                rest = (struct records){ w->records->at + w->n_put, w->records->n - w->n_put };
                journal_tell(j, &rest);
                w->n_put = w->records->n;
        }
        w->place = JOURNAL_NOWHERE;
        j->n_waiting--;
        return fate_of(w);
}

static void call_back(struct journal *j)
{
        struct journal_waiter *w;

        while ((w = take_first(&j->over))) {
                w->place = JOURNAL_NOWHERE;
                j->n_waiting--;
                w->done(w, fate_of(w));
        }
}

/* ---- too late ---- */

static void give_up_coming(struct journal *j)
{
        struct journal_waiter *w;

        while (!ngx_queue_empty(&j->coming)) {
                w = ngx_queue_data(ngx_queue_head(&j->coming), struct journal_waiter, queue);
                if (ngx_current_msec - w->since < JOURNAL_WAIT_MS)
                        return;
                ngx_queue_remove(&w->queue);
                detach(j, w);
                j->gave_up = true;
                is_over(j, w, true);
        }
}

/* They stay in the feed: what was sent may be in the ledger. */
static void give_up_sent(struct journal *j)
{
        struct journal_waiter *w;

        for (size_t i = 0; i < j->n_sent; i++) {
                w = j->sent[(j->first + i) % LEDGER_WINDOW];
                if (!w || w->place != JOURNAL_SENT)
                        continue;
                if (ngx_current_msec - w->since < JOURNAL_WAIT_MS)
                        return;
                detach(j, w);
                j->gave_up = true;
                is_over(j, w, true);
        }
}

/* Holds up the end of a worker that is asked to stop while somebody waits. */
static void on_late(ngx_event_t *ev)
{
        struct journal *j = ev->data;

        give_up_sent(j);
        give_up_coming(j);
        if (j->n_waiting > 0)
                ngx_add_timer(&j->late, JOURNAL_WAIT_MS / 3);
}

/* ---- the connection ---- */

static void say_away(struct journal *j)
{
        if (j->said_away)
                return;
        j->said_away = true;
        ngx_log_error(NGX_LOG_ERR, j->turn.log, 0,
                      "assay: calls are not served until the recorder is back: %s",
                      err_text(&j->why));
}

static void disconnect(struct journal *j)
{
        if (j->connection)
                ngx_close_connection(j->connection);
        j->connection = NULL;
        say_away(j);
        if (!j->again.timer_set)
                ngx_add_timer(&j->again, JOURNAL_AGAIN_MS);
}

/* Is something there to be heard?  All of it will be: the loop says so once. */
static bool take_readable(const struct journal *j)
{
        ngx_event_t *read = j->connection ? j->connection->read : NULL;
        bool ready = !read || read->ready;

        if (read)
                read->ready = 0;
        return ready;
}

/* Room is waited for only where there is none: of a socket like this one the system tells each time
 * the recorder takes a message from it, which would wake this worker twice for each. */
static void watch_room(struct journal *j)
{
        ngx_event_t *write = j->connection ? j->connection->write : NULL;
        bool wanted = feed_wants_write(j->feed);
        ngx_int_t rc;

        if (!write || wanted == write->active)
                return;
        rc = wanted ? ngx_add_event(write, NGX_WRITE_EVENT, NGX_CLEAR_EVENT)
                    : ngx_del_event(write, NGX_WRITE_EVENT, NGX_CLEAR_EVENT);
        if (rc == NGX_ERROR) {
                (void)err_set(&j->why, -EIO, "recorder: room in its socket cannot be waited for");
                disconnect(j);
        }
}

static void work(struct journal *j)
{
        int rc;

        if (feed_fd(j->feed) < 0)
                return;
        rc = take_readable(j) ? feed_work(j->feed, &j->why) : feed_send(j->feed, &j->why);
        if (rc < 0) {
                disconnect(j);
                return;
        }
        watch_room(j);
        if (j->said_away && feed_connected(j->feed) && !feed_stopped(j->feed)) {
                j->said_away = false;
                ngx_log_error(NGX_LOG_NOTICE, j->turn.log, 0, "assay: the recorder is back");
        }
}

static void on_turn(ngx_event_t *ev)
{
        struct journal *j = ev->data;
        size_t n;

        hand_over_all(j);
        work(j);
        n = j->n_sent;
        hand_over_all(j); /* answers made room */
        if (j->n_sent > n)
                end_of_turn(j); /* and what was handed over goes out */
        call_back(j);
}

static void on_io(ngx_event_t *ev)
{
        const ngx_connection_t *c = ev->data;

        end_of_turn(c->data);
}

/* nginx closes the descriptors of its connections, so it gets one of its own. */
static int watch(struct journal *j)
{
        ngx_connection_t *c;
        int fd = fcntl(feed_fd(j->feed), F_DUPFD_CLOEXEC, 0);

        if (fd < 0)
                return err_sys(&j->why, -errno, "recorder");
        c = ngx_get_connection(fd, j->turn.log);
        if (!c) {
                close(fd);
                return err_set(&j->why, -EMFILE, "worker_connections are not enough");
        }
        c->data = j;
        c->read->handler = c->write->handler = on_io;
        c->read->log = c->write->log = j->turn.log;
        j->connection = c;
        if (ngx_add_event(c->read, NGX_READ_EVENT, NGX_CLEAR_EVENT) == NGX_ERROR)
                return err_set(&j->why, -EIO, "recorder: its descriptor cannot be watched");
        return 0;
}

static void on_again(ngx_event_t *ev)
{
        struct journal *j = ev->data;
        int rc = feed_greet(j->feed, feed_run(j->feed), &j->why);

        if (rc == 0)
                rc = watch(j);
        if (rc < 0)
                disconnect(j);
}

static void on_beat(ngx_event_t *ev)
{
        struct journal *j = ev->data;

        feed_beat(j->feed);
        ngx_add_timer(&j->beat, BEAT_MS);
}

/* ---- beginning, end ---- */

static void init_event(struct journal *j, ngx_event_t *ev, ngx_event_handler_pt handler,
                       bool cancelable, ngx_log_t *log)
{
        ev->data = j;
        ev->handler = handler;
        ev->log = log;
        ev->cancelable = cancelable;
}

int journal_new(const char *socket, ngx_log_t *log, struct journal **ret, struct err *err)
{
        struct journal *j = calloc(1, sizeof(*j));
        struct feed_options o = { .socket = socket,
                                  .proc = role_of(ROLE_GATEWAY)->name,
                                  .on_ack = on_ack,
                                  .on_nak = on_nak,
                                  .ctx = j };
        int rc;

        if (!j)
                return err_sys(err, -ENOMEM, "journal");
        rc = feed_new(&o, &j->feed, err);
        if (rc < 0) {
                free(j);
                return rc;
        }
        ngx_queue_init(&j->coming);
        ngx_queue_init(&j->over);
        ngx_queue_init(&j->told);
        init_event(j, &j->turn, on_turn, true, log);
        init_event(j, &j->again, on_again, true, log);
        init_event(j, &j->late, on_late, false, log);
        init_event(j, &j->beat, on_beat, true, log);
        if (feed_connect(j->feed, 0, CONNECT_MS, &j->why) < 0 || watch(j) < 0)
                disconnect(j);
        ngx_add_timer(&j->beat, BEAT_MS);
        *ret = j;
        return 0;
}

struct journal *journal_free(struct journal *j, bool again)
{
        ngx_event_t *const events[] = { &j->again, &j->late, &j->beat };

        hand_over_all(j);
        work(j);
        feed_bye(j->feed, again, getpid(), getuid());
        for (size_t i = 0; i < ARRAY_LEN(events); i++)
                if (events[i]->timer_set)
                        ngx_del_timer(events[i]);
        if (j->turn.posted) {
                ngx_delete_posted_event(&j->turn);
        }
        if (j->connection)
                ngx_close_connection(j->connection);
        while (!ngx_queue_empty(&j->told))
                drop_told(j, ngx_queue_data(ngx_queue_head(&j->told), struct told, queue));
        feed_free(j->feed);
        free(j);
        return NULL;
}
