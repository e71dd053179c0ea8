/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "fleet/courier_priv.h"
#include "loop/log.h"
#include "loop/role.h"
#include "sys/io.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
        QUEUE_BYTES = 4 << 20, /* of entries that wait in memory; the others wait in the ledger */
        SCAN_TURN = 4096,      /* entries looked at before the uplink is heard again */
        KEEP_STEP = 4096,      /* entries passed over until the cursor is written */
        FIRST_RETRY_MS = 1000,
        LOCK_MS = 200,
        REPORT_MS = 250,
        AGAIN_S = 40, /* between two starts of all for one: fewer than a supervisor puts up with */
};

/* A busy ledger that has nothing for this sink is no news each time. */
static bool is_news(const struct courier *k)
{
        return k->news || (k->reported != k->cursor.next &&
                           courier_now(k) - k->report_ns >= REPORT_MS * NS_PER_MS);
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
        if (k->lost)
                return 0;
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

/* By the wall clock of before, which may have been set since: never less than nothing, and never
 * so long that more than being told hangs on it. */
static int64_t been_down_ns(const struct courier *k)
{
        int64_t most = (int64_t)k->c->down_after_s * NS_PER_S;

        if (!k->cursor.down_since_ns)
                return 0;
        return MIN_OF(MAX_OF(clock_wall(k->o->clock) - k->cursor.down_since_ns, 0), most);
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
        if (first)
                k->down_ns = courier_now(k) - been_down_ns(k);
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
        k->retry_ns = courier_now(k) + k->retry_ms * NS_PER_MS;
        set_state(k, COURIER_DOWN);
}

/* Is it down for so long that the ledger should know? */
static void consider_down(struct courier *k)
{
        struct err err = { 0 };

        if (k->state != COURIER_DOWN || !k->cursor.down_since_ns || k->cursor.told ||
            courier_now(k) - k->down_ns < (int64_t)k->c->down_after_s * NS_PER_S)
                return;
        if (courier_tell_down(k) < 0)
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
                k->retry_ns = courier_now(k) + FIRST_RETRY_MS * NS_PER_MS;
                if (k->cursor.told && courier_tell_up(k) < 0)
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

        if (k->n || (!down && !k->cursor.down_since_ns) || (!down && courier_now(k) < k->retry_ns))
                return 0;
        return come_up(k, err); /* it was not the sink, or the ledger takes entries again */
}

/* ---- reading ---- */

static void push(struct courier *k, struct message *m)
{
        if (k->n == 0)
                k->first_ns = courier_now(k);
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
        k->first_ns = courier_now(k);
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
        int rc = courier_tell_missed(k, gap);

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

/* When the queue may go; INT64_MAX: there is nothing.  A full one goes at once: whoever makes a
 * flood holds nothing back that comes behind it. */
static int64_t due(const struct courier *k)
{
        int64_t at = k->first_ns;

        if (k->n == 0)
                return INT64_MAX;
        if (has_room(k)) {
                at += (int64_t)k->c->gather_s * NS_PER_S;
                if (k->sent_ns)
                        at = MAX_OF(at, k->sent_ns + (int64_t)k->c->every_s * NS_PER_S);
        }
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
                rc = courier_tell_refused(k, m, err_text(why));
                if (rc < 0)
                        return err_sys(err, rc, "cannot tell the ledger what was refused");
        }
        k->cursor.refused++;
        pop(k, 1);
        return come_up(k, err);
}

/* Some of those whom a sink is for did not take it: told before the cursor goes past, and once. */
static int tell_partly(struct courier *k, struct err *err)
{
        const char *note = k->sink->note;
        int rc;

        if (!*note || strcmp(note, k->partly) == 0)
                return 0;
        log_event(LOG_LEVEL_ERROR, "uplink.partly", log_str("sink", k->c->name),
                  log_u64("index", k->queue[0]->index), log_str("error", note));
        rc = courier_tell_refused(k, k->queue[0], note);
        if (rc < 0)
                return err_sys(err, rc, "cannot tell the ledger who refused it");
        snprintf(k->partly, sizeof k->partly, "%s", note);
        return 0;
}

static int deliver(struct courier *k, struct err *err)
{
        size_t n = MIN_OF(k->n, sink_batch(k->c)), done = 0;
        struct err why = { 0 };
        int rc;

        rc = sink_deliver(k->sink, k->queue, n, &done, &why);
        if (done && tell_partly(k, err) < 0)
                return err->code;
        if (done && !*k->sink->note)
                *k->partly = '\0';
        k->cursor.delivered += done;
        pop(k, done);
        if (done) {
                k->last_wall_ns = clock_wall(k->o->clock);
                k->sent_ns = courier_now(k);
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
        if (k->state == COURIER_DOWN && courier_now(k) < k->retry_ns)
                return 0;
        if (k->lost)
                return err_set(err, -EINVAL, "%s", k->unusable);
        if (k->unkept)
                rc = keep(k, err);
        if (rc == 0)
                rc = read_on(k, ret_more, err);
        if (rc == 0 && *k->unusable) /* it has its place, so that what comes meanwhile waits */
                return err_set(err, -EINVAL, "%s", k->unusable);
        if (rc == 0 && due(k) <= courier_now(k)) {
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
                left = (due(k) - courier_now(k) + NS_PER_MS - 1) / NS_PER_MS;
                ms = MAX_OF(MIN_OF(ms, left), 0);
        }
        return (int)ms;
}

/* What cannot be mended from here is, by a new start of all; not so often that this ends. */
static bool goes_on(const struct courier *k)
{
        return !k->orphan && !(k->broken && courier_now(k) - k->started_ns >= AGAIN_S * NS_PER_S);
}

/* Whatever comes from now on is for the sink, also a new one: before it is said to be there, and
 * not when it is looked at first. */
static void take_place(struct courier *k)
{
        struct err err = { 0 };
        bool more;

        if (!k->lost && read_on(k, &more, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.place", log_str("sink", k->c->name),
                          log_err(&err));
}

static void serve(struct courier *k)
{
        take_place(k);
        courier_report(k);
        while (goes_on(k)) {
                struct err err = { 0 };
                uint64_t nothing = 0;
                bool more = false;
                int rc = turn(k, &more, &err);

                if (rc < 0 && !k->orphan)
                        go_down(k, &err);
                k->broken = k->broken || rc == -EOWNERDEAD;
                consider_down(k);
                if (is_news(k))
                        courier_report(k);
                courier_hear(k, wait_ms(k, more), &nothing);
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
                courier_hear(k, LOCK_MS, &nothing);
                if (k->orphan)
                        return -EPIPE;
        }
        return 0;
}

/* Without a good cursor nobody knows what the sink has had: it is down, and the others are not. */
static void find_place(struct courier *k)
{
        struct err err = { 0 };
        int rc = cursor_load(k->own_fd, &k->cursor, &err);

        k->lost = rc < 0 && rc != -ENOENT;
        if (k->lost) {
                k->cursor = (struct cursor){ 0 };
                snprintf(k->unusable, sizeof k->unusable, "%s", err_text(&err));
        }
        k->kept = k->cursor;
        tail_init(&k->tail, k->o->state, k->cursor.origin, k->cursor.next, k->c->history);
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
        if (rc == 0)
                find_place(k);
        return rc;
}

int courier_run(const struct courier_options *o)
{
        struct courier *k = calloc(1, sizeof *k);
        struct err err = { 0 };
        bool broken;
        int rc;

        if (!k)
                return 1;
        signal(SIGTERM, SIG_IGN); /* the uplink says when: a delivery is not torn */
        signal(SIGINT, SIG_IGN);
        signal(SIGHUP, SIG_IGN);
        k->o = o;
        k->c = o->config;
        k->own_fd = k->lock_fd = k->tail.watch = -1;
        k->started_ns = courier_now(k);
        rc = start(k, &err);
        if (rc == 0)
                serve(k);
        else if (rc != -EPIPE)
                log_event(LOG_LEVEL_ERROR, "uplink.courier", log_str("sink", o->config->name),
                          log_err(&err));
        pop(k, k->n);
        tail_done(&k->tail);
        broken = k->broken;
        k->sink = sink_free(k->sink);
        fd_close(&k->lock_fd);
        fd_close(&k->own_fd);
        free(k);
        return broken || (rc < 0 && rc != -EPIPE) ? 1 : 0;
}
