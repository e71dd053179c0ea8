/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/courier.h"

#include "base/le.h"
#include "base/text.h"
#include "fleet/cursor.h"
#include "fleet/sink.h"
#include "fleet/tail.h"
#include "loop/log.h"
#include "loop/role.h"
#include "sys/io.h"
#include "sys/sock.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

enum courier_state { COURIER_UNTRIED, COURIER_UP, COURIER_DOWN };

static const char *const state_name[] = { "untried", "up", "down" };

enum {
        QUEUE_MAX = 512,
        QUEUE_BYTES = 4 << 20, /* of entries that wait in memory; the others wait in the ledger */
        SCAN_TURN = 4096,      /* entries looked at before the uplink is heard again */
        KEEP_STEP = 4096,      /* entries passed over until the cursor is written */
        LOOK_MS = 1000,        /* at the ledger, where nothing tells of news */
        FIRST_RETRY_MS = 1000,
        TELL_MS = 10000, /* for the ledger to have what is told */
        LOCK_MS = 200,
        REPORT_MS = 250,
};

struct courier {
        const struct courier_options *o;
        const struct deliver_sink *c;
        int own_fd, lock_fd;
        struct tail tail;
        struct cursor cursor, kept; /* as it is, as the file has it */
        struct sink *sink;
        char unusable[ERR_TEXT_MAX]; /* why the sink cannot be used at all; "": it can */
        struct message *queue[QUEUE_MAX];
        size_t n, bytes;
        enum courier_state state;
        char error[ERR_TEXT_MAX];
        int64_t first_ns; /* monotonic: when the oldest of the queue was read */
        int64_t sent_ns;  /* the last delivery */
        int64_t last_wall_ns;
        int64_t retry_ns, retry_ms;
        uint64_t reported; /* the position the uplink knows */
        int64_t report_ns;
        uint64_t told; /* id of what was told last */
        bool unkept;   /* the cursor could not be written */
        bool news;     /* the uplink does not know yet */
        bool orphan;   /* the uplink has gone */
};

static int64_t now(const struct courier *k)
{
        return clock_mono(k->o->clock);
}

/* ---- what is said to the uplink ---- */

/* Words that may have been cut within a character. */
static void put_words(struct json_writer *w, const char *key, const char *text)
{
        char words[ERR_TEXT_MAX];
        size_t at;

        snprintf(words, sizeof words, "%s", text);
        while (!text_is_utf8(span_str(words), &at))
                words[at] = '?';
        json_member_text(w, key, words);
}

static void put_sink(const struct courier *k, struct buf *out)
{
        const struct cursor *c = &k->cursor;
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "sink");
        json_begin_object(&w);
        json_member_u64(&w, "behind", k->n ? tail_behind(&k->tail) + k->n : tail_behind(&k->tail));
        json_member_u64(&w, "delivered", c->delivered);
        if (k->state == COURIER_DOWN)
                put_words(&w, "error", k->error);
        if (k->last_wall_ns)
                json_member_time(&w, "last", k->last_wall_ns);
        json_member_u64(&w, "missed", c->missed);
        json_member_text(&w, "name", k->c->name);
        json_member_u64(&w, "next", c->next);
        json_member_text(&w, "origin", c->origin);
        json_member_u64(&w, "refused", c->refused);
        if (c->down_since_ns)
                json_member_time(&w, "since", c->down_since_ns);
        json_member_text(&w, "state", state_name[k->state]);
        json_member_text(&w, "type", deliver_type_name[k->c->type]);
        json_member_u64(&w, "waiting", k->n);
        json_end_object(&w);
        json_end_object(&w);
}

static void report(struct courier *k)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COURIER_PACKET_MAX);
        int rc;

        put_sink(k, &out);
        rc = buf_status(&out) == 0 ? sock_send(k->o->control, buf_span(&out)) : 0;
        k->orphan = k->orphan || rc == -EPIPE || rc == -ECONNRESET;
        k->news = rc == -EAGAIN;
        k->reported = k->cursor.next;
        k->report_ns = now(k);
}

/* A busy ledger that has nothing for this sink is no news each time. */
static bool is_news(const struct courier *k)
{
        return k->news ||
               (k->reported != k->cursor.next && now(k) - k->report_ns >= REPORT_MS * NS_PER_MS);
}

/* Wait for a packet of the uplink, and take it: the id that is durable. */
static void hear(struct courier *k, int timeout_ms, uint64_t *ret_id)
{
        struct pollfd p[] = { { .fd = k->o->control, .events = POLLIN },
                              { .fd = k->tail.watch, .events = POLLIN } };
        uint8_t packet[8];
        size_t n = 0;
        int rc;

        if (poll(p, 2, timeout_ms) <= 0)
                return;
        if (p[1].revents)
                tail_drain(&k->tail);
        if (!p[0].revents)
                return;
        rc = sock_recv(k->o->control, packet, sizeof packet, &n);
        if (rc == 0 && n == sizeof packet)
                *ret_id = le_get64(packet);
        else if (rc != -EAGAIN)
                k->orphan = true;
}

/* The ledger has it before anything hangs on it.  -ETIMEDOUT: not yet, so again later. */
static int tell(struct courier *k, const char *kind, struct span what)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COURIER_PACKET_MAX);
        int64_t until = now(k) + TELL_MS * NS_PER_MS;
        uint64_t heard = 0;
        struct json_writer w;
        int rc;

        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_member_u64(&w, "id", ++k->told);
        json_member_text(&w, "kind", kind);
        json_member_raw(&w, "what", what);
        json_end_object(&w);
        rc = buf_status(&out) == 0 ? sock_send(k->o->control, buf_span(&out)) : -E2BIG;
        while (rc == 0 && heard != k->told && !k->orphan && now(k) < until)
                hear(k, LOOK_MS, &heard);
        return rc < 0 ? rc : heard == k->told ? 0 : -ETIMEDOUT;
}

static void begin_what(struct json_writer *w, struct buf *out)
{
        json_writer_init(w, out);
        json_begin_object(w);
}

static int tell_down(struct courier *k)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;

        begin_what(&w, &what);
        json_member_u64(&w, "index", k->cursor.down_index);
        json_member_text(&w, "origin", k->cursor.down_origin);
        put_words(&w, "reason", k->error);
        json_member_text(&w, "severity", "high");
        json_member_time(&w, "since", k->cursor.down_since_ns);
        json_member_text(&w, "sink", k->c->name);
        json_member_text(&w, "type", deliver_type_name[k->c->type]);
        json_end_object(&w);
        return tell(k, "alert.sink_down", buf_span(&what));
}

static int tell_up(struct courier *k)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;

        begin_what(&w, &what);
        json_member_u64(&w, "from", k->cursor.down_index);
        json_member_text(&w, "from_origin", k->cursor.down_origin);
        json_member_text(&w, "origin", k->cursor.origin);
        json_member_time(&w, "since", k->cursor.down_since_ns);
        json_member_text(&w, "sink", k->c->name);
        json_member_text(&w, "type", deliver_type_name[k->c->type]);
        json_member_u64(&w, "until", k->cursor.next);
        json_end_object(&w);
        return tell(k, "alert.sink_up", buf_span(&what));
}

static int tell_refused(struct courier *k, const struct message *m, const struct err *why)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;

        begin_what(&w, &what);
        json_member_u64(&w, "index", m->index);
        json_member_text(&w, "origin", m->origin);
        put_words(&w, "reason", err_text(why));
        json_member_text(&w, "severity", "high");
        json_member_text(&w, "sink", k->c->name);
        json_end_object(&w);
        return tell(k, "alert.refused", buf_span(&what));
}

static int tell_missed(struct courier *k, const struct tail_item *gap)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;

        begin_what(&w, &what);
        json_member_u64(&w, "from", gap->index);
        json_member_text(&w, "origin", gap->origin);
        put_words(&w, "reason", gap->reason);
        json_member_text(&w, "severity", "high");
        json_member_text(&w, "sink", k->c->name);
        if (gap->until)
                json_member_u64(&w, "until", gap->until);
        json_end_object(&w);
        return tell(k, "alert.missed", buf_span(&what));
}

/* ---- the cursor ---- */

/* Behind what was accepted: at the first that waits, or where reading is. */
static void place(struct courier *k)
{
        const struct message *first = k->n ? k->queue[0] : NULL;

        k->cursor.next = first ? first->index : k->tail.next;
        memcpy(k->cursor.origin, first ? first->origin : k->tail.origin, sizeof k->cursor.origin);
}

static int keep(struct courier *k, struct err *err)
{
        int rc;

        place(k);
        rc = cursor_store(k->own_fd, &io_kernel, &k->cursor, err);
        k->unkept = rc < 0;
        if (rc < 0)
                return err_wrap(err, "the cursor cannot be written, so nothing more is delivered");
        k->kept = k->cursor;
        return 0;
}

/* ---- up and down ---- */

static void set_state(struct courier *k, enum courier_state state)
{
        assert(state != COURIER_UNTRIED);
        k->news = k->news || k->state != state;
        k->state = state;
}

static void go_down(struct courier *k, const struct err *why)
{
        bool first = k->state != COURIER_DOWN;
        struct err err = { 0 };

        if (first || strcmp(k->error, err_text(why)) != 0)
                log_event(LOG_LEVEL_WARNING, "uplink.sink_down", log_str("sink", k->c->name),
                          log_err(why));
        k->news = k->news || strcmp(k->error, err_text(why)) != 0;
        snprintf(k->error, sizeof k->error, "%s", err_text(why));
        if (!k->cursor.down_since_ns) {
                place(k);
                k->cursor.down_since_ns = MAX_OF(clock_wall(k->o->clock), 1);
                k->cursor.down_index = k->cursor.next;
                memcpy(k->cursor.down_origin, k->cursor.origin, sizeof k->cursor.origin);
                k->cursor.told = false;
                if (keep(k, &err) < 0)
                        log_event(LOG_LEVEL_WARNING, "uplink.cursor", log_str("sink", k->c->name),
                                  log_err(&err));
        }
        k->retry_ms =
                first ? FIRST_RETRY_MS : MIN_OF(2 * k->retry_ms, (int64_t)k->c->retry_max_s * 1000);
        k->retry_ns = now(k) + k->retry_ms * NS_PER_MS;
        set_state(k, COURIER_DOWN);
}

/* Is it down for so long that the ledger should know? */
static void consider_down(struct courier *k)
{
        int64_t since = k->cursor.down_since_ns;
        struct err err = { 0 };

        if (k->state != COURIER_DOWN || !since || k->cursor.told ||
            clock_wall(k->o->clock) - since < (int64_t)k->c->down_after_s * NS_PER_S)
                return;
        if (tell_down(k) < 0)
                return;
        k->cursor.told = true;
        if (keep(k, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.cursor", log_str("sink", k->c->name),
                          log_err(&err));
}

/* It takes entries, and whoever was told that it does not is told so. */
static int come_up(struct courier *k, struct err *err)
{
        set_state(k, COURIER_UP);
        k->news = true;
        place(k);
        if (k->cursor.down_since_ns) {
                k->retry_ns = now(k) + FIRST_RETRY_MS * NS_PER_MS;
                if (k->cursor.told && tell_up(k) < 0)
                        return keep(k, err); /* settle() tells it later */
                log_event(LOG_LEVEL_INFO, "uplink.sink_up", log_str("sink", k->c->name));
                k->cursor.down_since_ns = 0;
        }
        return keep(k, err);
}

/* What hangs in the air although nothing waits to be delivered. */
static int settle(struct courier *k, struct err *err)
{
        bool down = k->state == COURIER_DOWN;

        if (k->n || (!down && !k->cursor.down_since_ns) || (!down && now(k) < k->retry_ns))
                return 0;
        return come_up(k, err); /* it was not the sink, or the ledger takes entries again */
}

/* ---- reading ---- */

static void push(struct courier *k, struct message *m)
{
        if (k->n == 0)
                k->first_ns = now(k);
        k->queue[k->n++] = m;
        k->bytes += m->n;
        k->news = true;
}

static void pop(struct courier *k, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                k->bytes -= k->queue[i]->n;
                message_free(k->queue[i]);
        }
        k->n -= n;
        memmove(k->queue, k->queue + n, k->n * sizeof(struct message *));
        k->first_ns = now(k);
}

/* A trial or what else is for the sink goes in; what is no entry at all is for nobody. */
static int take_entry(struct courier *k, const struct tail_item *item, struct err *err)
{
        struct message *m = NULL;
        int rc = message_new(item->origin, item->index, item->entry, &m, err);

        if (rc == -ENOMEM)
                return rc;
        if (rc < 0)
                return 0;
        if (message_is_for(m, k->c))
                push(k, m);
        else
                message_free(m);
        return 0;
}

/* Entries that are gone: the ledger says so before the cursor goes past them. */
static int take_gap(struct courier *k, const struct tail_item *gap, struct err *err)
{
        int rc = tell_missed(k, gap);

        if (rc < 0)
                return err_sys(err, rc, "cannot tell the ledger what was missed");
        log_event(LOG_LEVEL_ERROR, "uplink.missed", log_str("sink", k->c->name),
                  log_str("origin", gap->origin), log_u64("from", gap->index),
                  log_u64("until", gap->until), log_str("reason", gap->reason));
        k->cursor.missed += gap->until > gap->index ? gap->until - gap->index : 1;
        k->news = true;
        return k->n ? 0 : keep(k, err);
}

static bool has_room(const struct courier *k)
{
        return k->n < MIN_OF(sink_batch(k->c), (size_t)QUEUE_MAX) && k->bytes < QUEUE_BYTES;
}

/* What the ledger has, as far as there is room. */
static int read_on(struct courier *k, bool *ret_more, struct err *err)
{
        struct tail_item item;
        int found = TAIL_NOTHING;

        for (unsigned i = 0; i < SCAN_TURN && has_room(k); i++) {
                uint64_t next = k->tail.next;
                char origin[NOTE_NAME_MAX + 1];
                int rc = 0;

                memcpy(origin, k->tail.origin, sizeof origin);
                found = tail_next(&k->tail, &item, err);
                if (found <= 0)
                        break;
                rc = found == TAIL_ENTRY ? take_entry(k, &item, err) : take_gap(k, &item, err);
                if (rc < 0) { /* the same again */
                        bool whole = k->tail.whole;

                        tail_done(&k->tail);
                        tail_init(&k->tail, k->o->state, origin, next, whole);
                        return rc;
                }
        }
        *ret_more = found > 0 && has_room(k);
        place(k);
        if (strcmp(k->cursor.origin, k->kept.origin) != 0 ||
            k->cursor.next >= k->kept.next + KEEP_STEP)
                return keep(k, err);
        return found < 0 ? found : 0;
}

/* ---- delivering ---- */

/* When the queue may go; INT64_MAX: there is nothing. */
static int64_t due(const struct courier *k)
{
        int64_t at = k->first_ns + (int64_t)k->c->gather_s * NS_PER_S;

        if (k->n == 0)
                return INT64_MAX;
        if (!has_room(k))
                at = k->first_ns;
        if (k->sent_ns)
                at = MAX_OF(at, k->sent_ns + (int64_t)k->c->every_s * NS_PER_S);
        return k->state == COURIER_DOWN ? MAX_OF(at, k->retry_ns) : at;
}

/* A program said that it will never take this one. */
static int pass_over(struct courier *k, const struct err *why, struct err *err)
{
        const struct message *m = k->queue[0];
        int rc;

        log_event(LOG_LEVEL_ERROR, "uplink.refused", log_str("sink", k->c->name),
                  log_u64("index", m->index), log_err(why));
        if (!message_is_own(m)) { /* else two sinks that refuse would tell of each other for ever */
                rc = tell_refused(k, m, why);
                if (rc < 0)
                        return err_sys(err, rc, "cannot tell the ledger what was refused");
        }
        k->cursor.refused++;
        pop(k, 1);
        return come_up(k, err);
}

static int deliver(struct courier *k, struct err *err)
{
        size_t n = MIN_OF(k->n, sink_batch(k->c)), done = 0;
        struct err why = { 0 };
        int rc;

        rc = sink_deliver(k->sink, k->queue, n, &done, &why);
        if (rc == 0)
                done = n;
        k->cursor.delivered += done;
        pop(k, done);
        if (done) {
                k->last_wall_ns = clock_wall(k->o->clock);
                k->sent_ns = now(k);
        }
        if (rc == -EBADMSG && k->n)
                return pass_over(k, &why, err);
        if (done && rc < 0 && keep(k, err) < 0)
                return err->code;
        if (rc < 0) {
                *err = why;
                err->code = rc;
                return rc;
        }
        return come_up(k, err);
}

/* ---- the process ---- */

static int turn(struct courier *k, bool *ret_more, struct err *err)
{
        int rc = 0;

        /* Not past what a full disk keeps us from remembering. */
        if (k->state == COURIER_DOWN && now(k) < k->retry_ns)
                return 0;
        if (*k->unusable)
                return err_set(err, -EINVAL, "%s", k->unusable);
        if (k->unkept)
                rc = keep(k, err);
        if (rc == 0)
                rc = read_on(k, ret_more, err);
        if (rc == 0 && due(k) <= now(k)) {
                rc = deliver(k, err);
                *ret_more = true; /* there was no room for it */
        }
        return rc == 0 ? settle(k, err) : rc;
}

static int wait_ms(const struct courier *k, bool more)
{
        int64_t ms = LOOK_MS, left;

        if (more)
                return 0;
        if (k->reported != k->cursor.next)
                ms = REPORT_MS;
        if (k->n) {
                left = (due(k) - now(k) + NS_PER_MS - 1) / NS_PER_MS;
                ms = MAX_OF(MIN_OF(ms, left), 0);
        }
        return (int)ms;
}

static void serve(struct courier *k)
{
        report(k);
        while (!k->orphan) {
                struct err err = { 0 };
                uint64_t nothing = 0;
                bool more = false;

                if (turn(k, &more, &err) < 0 && !k->orphan)
                        go_down(k, &err);
                consider_down(k);
                if (is_news(k))
                        report(k);
                hear(k, wait_ms(k, more), &nothing);
        }
        /* What was passed over need not be looked at again. */
        if (k->state != COURIER_DOWN)
                (void)!keep(k, NULL);
}

/* One courier a sink: the last one may be in the middle of a delivery. */
static int lock(struct courier *k, struct err *err)
{
        static const char name[] = "lock";
        uint64_t nothing = 0;

        k->lock_fd = openat(k->own_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (k->lock_fd < 0)
                return err_sys(err, -errno, "%s", name);
        while (flock(k->lock_fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return err_sys(err, -errno, "%s", name);
                hear(k, LOCK_MS, &nothing);
                if (k->orphan)
                        return -EPIPE;
        }
        return 0;
}

static int find_place(struct courier *k, struct err *err)
{
        int rc = cursor_load(k->own_fd, &k->cursor, err);

        if (rc < 0 && rc != -ENOENT)
                return rc;
        k->kept = k->cursor;
        tail_init(&k->tail, k->o->state, k->cursor.origin, k->cursor.next, k->c->history);
        return 0;
}

static int give_up_rights(struct courier *k, struct err *err)
{
        struct role_paths paths = {
                .state = k->o->own, .ledger = k->o->state, .as = k->o->as, .group = k->o->group
        };
        struct sandbox_state st;
        int rc = role_enter(ROLE_COURIER, &paths, k->o->keep_user ? ROLE_KEEP_USER : 0, &st, err);

        /* Not before: becoming another user undoes it. */
        if (rc == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                rc = err_sys(err, -errno, "parent");
        return rc;
}

static int start(struct courier *k, struct err *err)
{
        struct err why = { 0 };
        int rc = 0;

        if (sink_open(k->c, k->o->host, k->o->clock, k->o->runner, &k->sink, &why) < 0)
                snprintf(k->unusable, sizeof k->unusable, "%s", err_text(&why));
        k->own_fd = open(k->o->own, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (k->own_fd < 0)
                return err_sys(err, -errno, "%s", k->o->own);
        rc = give_up_rights(k, err);
        if (rc == 0)
                rc = lock(k, err);
        return rc == 0 ? find_place(k, err) : rc;
}

int courier_run(const struct courier_options *o)
{
        struct courier *k = calloc(1, sizeof *k);
        struct err err = { 0 };
        int rc;

        if (!k)
                return 1;
        signal(SIGTERM, SIG_IGN); /* the uplink says when: a delivery is not torn */
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        k->o = o;
        k->c = o->config;
        k->own_fd = k->lock_fd = k->tail.watch = -1;
        rc = start(k, &err);
        if (rc == 0)
                serve(k);
        else if (rc != -EPIPE)
                log_event(LOG_LEVEL_ERROR, "uplink.courier", log_str("sink", o->config->name),
                          log_err(&err));
        pop(k, k->n);
        tail_done(&k->tail);
        k->sink = sink_free(k->sink);
        fd_close(&k->lock_fd);
        fd_close(&k->own_fd);
        free(k);
        return rc == 0 || rc == -EPIPE ? 0 : 1;
}
