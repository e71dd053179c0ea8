/* SPDX-License-Identifier: Apache-2.0 */
/* peer.c - connections: who is let in, what is read from them, what they hear.
 *
 *   accept --HELLO, admitted--> OPEN --closed, rule broken--> CLOSING --end of turn--> gone
 *      `---------anything else-------------------------------------^
 *
 * SECURITY: reads packets of any local user until the credentials are judged, which is first. */
#include "base/text.h"
#include "loop/log.h"
#include "recorder/recorder_priv.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        MAX_INFLIGHT = LEDGER_WINDOW,
        HELLO_MS = 3000,
        TURNED_AWAY_S = 60, /* they are told of at most this often */
        PLACES_FOR_ROOT = 16,
        PLACES_FOR_OTHERS = 16,
        PLACES_TO_ADMINISTER = 32,
        PLACES_A_USER = 64,
};

void peer_clean_words(char *text)
{
        size_t at;

        while (!text_is_utf8(span_str(text), &at))
                text[at] = '?';
}

void peer_hide_words(const char *text, char ret[ERR_TEXT_MAX])
{
        const char *first = strchr(text, '"'), *last = strrchr(text, '"');

        if (first)
                snprintf(ret, ERR_TEXT_MAX, "%.*s\"...%s", (int)(first - text), text,
                         last == first ? "" : last);
        else
                snprintf(ret, ERR_TEXT_MAX, "%s", text);
}

/* ---- answers ---- */

static struct answer *new_answer(struct peer *p)
{
        if (p->n_answers == ANSWERS_MAX) {
                peer_close(p, true, "it does not read its acknowledgements");
                return NULL;
        }
        return &p->answer[p->n_answers++];
}

void peer_answer(struct peer *p, uint64_t seq, uint64_t index)
{
        /* Not with one of another commit, which is over earlier. */
        struct answer *last = p->n_answers > p->n_begun ? &p->answer[p->n_answers - 1] : NULL;

        if (last && last->n && last->seq + last->n == seq && last->index + last->n == index) {
                last->n++;
                return;
        }
        last = new_answer(p);
        if (last)
                *last = (struct answer){ .seq = seq, .index = index, .n = 1 };
}

void peer_refuse(struct peer *p, uint64_t seq, int code, const char *text)
{
        struct answer *a = new_answer(p);

        if (a)
                *a = (struct answer){ .seq = seq,
                                      .code = code,
                                      .text = strdup(text) }; /* or NULL */
}

static int send_message(struct peer *p)
{
        int rc = buf_status(&p->r->out);

        return rc < 0 ? rc : sock_send(p->fd, buf_span(&p->r->out));
}

/* The ranges from answer `from` on as one ACK; *ret_n answers go with it. */
static int send_acks(struct peer *p, size_t from, size_t *ret_n)
{
        struct buf *out = &p->r->out;
        size_t n = 0, at;

        while (from + n < p->n_durable && p->answer[from + n].n)
                n++;
        buf_clear(out);
        at = msg_begin(out, MSG_ACK);
        msg_put_u16(out, (uint16_t)n);
        for (size_t i = from; i < from + n; i++) {
                msg_put_u64(out, p->answer[i].seq);
                msg_put_u64(out, p->answer[i].index);
                msg_put_u32(out, p->answer[i].n);
        }
        msg_end(out, at);
        *ret_n = n;
        return send_message(p);
}

static int send_nak(struct peer *p, const struct answer *a)
{
        struct buf *out = &p->r->out;
        size_t at;

        buf_clear(out);
        at = msg_begin(out, MSG_NAK);
        msg_put_u64(out, a->seq);
        msg_put_u32(out, (uint32_t)-a->code);
        msg_put_bytes16(out, span_str(a->text ? a->text : strerror(-a->code)));
        msg_end(out, at);
        return send_message(p);
}

void peer_send_answers(struct peer *p)
{
        size_t done = 0, n;
        int rc = 0;

        while (done < p->n_durable && rc == 0) {
                n = 1;
                rc = p->answer[done].n ? send_acks(p, done, &n) : send_nak(p, &p->answer[done]);
                for (size_t i = done; rc == 0 && i < done + n; i++)
                        free(p->answer[i].text);
                if (rc == 0)
                        done += n;
        }
        p->n_answers -= done;
        p->n_begun -= done;
        p->n_durable -= done;
        memmove(p->answer, p->answer + done, p->n_answers * sizeof *p->answer);
        p->unsent = rc == -EAGAIN;
        if (rc < 0 && rc != -EAGAIN)
                peer_close(p, false, "%s", strerror(-rc));
        else
                peer_listen(p);
}

/* Whoever administers is heard all the same. */
static bool is_held(const struct peer *p)
{
        return p->r->held && p->state == PEER_OPEN && p->role != ROLE_ADMIN;
}

void peer_listen(struct peer *p)
{
        unsigned events = (is_held(p) ? 0 : LOOP_READ) | (p->unsent ? LOOP_WRITE : 0);

        if (p->source && loop_set_events(p->source, events) < 0)
                peer_close(p, false, "epoll failed");
}

void peer_send_stopped(struct peer *p, int code, const char *text)
{
        struct buf *out = &p->r->out;
        size_t at;
        int rc;

        buf_clear(out);
        at = msg_begin(out, MSG_STOPPED);
        msg_put_u32(out, (uint32_t)-code);
        msg_put_bytes16(out, span_str(text));
        msg_end(out, at);
        rc = send_message(p);
        /* A peer too slow for this one line would wait for ever: it has to come again. */
        if (rc < 0)
                peer_close(p, false, "it did not take a notice: %s", strerror(-rc));
}

void peer_reply(struct peer *p, int code, struct span body)
{
        struct buf *out = &p->r->out;
        size_t at;
        int rc;

        buf_clear(out);
        at = msg_begin(out, MSG_REPLY);
        msg_put_u32(out, (uint32_t)-code);
        msg_put_bytes32(out, body);
        msg_end(out, at);
        rc = send_message(p);
        if (rc < 0)
                peer_close(p, false, "it did not take a reply: %s", strerror(-rc));
}

/* ---- leaving ---- */

void peer_close(struct peer *p, bool violation, const char *fmt, ...)
{
        va_list ap;

        if (p->state == PEER_CLOSING)
                return;
        va_start(ap, fmt);
        vsnprintf(p->why, sizeof p->why, fmt, ap);
        va_end(ap);
        peer_clean_words(p->why);
        p->violation = violation;
        p->state = PEER_CLOSING;
        p->source = loop_remove(p->source);
}

static void peer_free(struct peer *p)
{
        loop_remove(p->source);
        fd_close(&p->fd);
        for (size_t i = 0; i < p->n_answers; i++)
                free(p->answer[i].text);
        free(p);
}

static void say_gone(struct recorder *r, struct peer *p)
{
        log_event(p->violation ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
                  p->violation ? "recorder.violation" : "recorder.gone",
                  log_str("proc", p->run ? role_of(p->role)->name : "?"), log_u64("run", p->run),
                  log_int("uid", p->cred.uid), log_int("pid", p->cred.pid),
                  log_str("reason", p->why));
        /* The assay command comes and goes; what it does is recorded by itself. */
        if (p->violation || (p->run && p->role != ROLE_ADMIN))
                own_peer(r, p, p->violation ? "violation" : "gone", false);
        signs_gone(p);
        if (p->calls)
                calls_left(&r->calls, p->run, p->farewell.said, clock_mono(r->clock));
}

void peer_sweep(struct recorder *r)
{
        struct peer **link = &r->peers, *p;

        while ((p = *link)) {
                if (p->state != PEER_CLOSING) {
                        link = &p->next;
                        continue;
                }
                *link = p->next;
                r->n_peers--;
                if (r->command.peer == p)
                        r->command.peer = NULL;
                act_forget_peer(r, p);
                say_gone(r, p);
                peer_free(p);
        }
}

void peer_drop_all(struct recorder *r)
{
        while (r->peers) {
                struct peer *p = r->peers;

                r->peers = p->next;
                r->n_peers--;
                peer_free(p);
        }
}

/* ---- coming ---- */

/* Root is root: it may take the part of the processes that run as root whoever we are. */
static bool admitted(struct recorder *r, struct span proc, uid_t uid, enum role_id *ret)
{
        static const enum role_id of_root[] = { ROLE_SENSOR, ROLE_MONITOR, ROLE_ADMIN };
        const struct role *role;

        if (role_admits(&r->users, ROLE_RECORDER, proc, uid, ret))
                return true;
        role = uid == 0 ? role_by_name(proc) : NULL;
        for (size_t i = 0; role && i < ARRAY_LEN(of_root); i++)
                if (role_of(of_root[i]) == role) {
                        *ret = of_root[i];
                        return true;
                }
        return false;
}

static struct peer *peer_of_run(struct recorder *r, uint64_t run)
{
        struct peer *p = r->peers;

        while (p && (p->run != run || p->state != PEER_OPEN))
                p = p->next;
        return p;
}

/* A run is known when the ledger holds something of it: it may go on where it was. */
static bool may_resume(struct recorder *r, struct peer *p, uint64_t run)
{
        struct peer *old;

        if (run == 0 || ledger_last_seq(r->ledger, recorder_wal_run(run, p->role)) == 0)
                return false;
        old = peer_of_run(r, run);
        if (old) {
                signs_moved(old, p);
                peer_close(old, false, "its run goes on over another connection");
        }
        return true;
}

static bool run_in_use(void *ctx, uint64_t wal_run)
{
        struct recorder *r = ctx;

        return wal_run == recorder_wal_run(r->run, ROLE_RECORDER) || peer_of_run(r, wal_run >> 4);
}

/* Lives of the recorder that are over: nobody resumes those. */
static bool run_not_over(void *ctx, uint64_t wal_run)
{
        struct recorder *r = ctx;

        return (wal_run & 15) != ROLE_RECORDER ||
               wal_run == recorder_wal_run(r->run, ROLE_RECORDER);
}

bool recorder_begin_run(struct recorder *r, uint64_t wal_run)
{
        return ledger_begin_run(r->ledger, wal_run, run_not_over, r) ||
               ledger_begin_run(r->ledger, wal_run, run_in_use, r);
}

static void send_welcome(struct peer *p)
{
        struct buf *out = &p->r->out;
        size_t at;
        int rc;

        buf_clear(out);
        at = msg_begin(out, MSG_WELCOME);
        msg_put_u64(out, p->run);
        msg_put_u64(out, p->last);
        msg_put_u32(out, MAX_INFLIGHT);
        msg_put_bytes8(out, span_str(p->r->host));
        msg_end(out, at);
        rc = send_message(p);
        if (rc < 0)
                peer_close(p, false, "it did not take its welcome: %s", strerror(-rc));
}

static void turn_away(struct recorder *r, const struct sock_cred *cred)
{
        r->turned_away++;
        r->turned_away_uid = cred->uid;
}

/* They hold a place for as long as they like and say nothing: not so many that no writer of root's
 * gets in. */
static unsigned administrators(const struct recorder *r)
{
        unsigned n = 0;

        for (const struct peer *p = r->peers; p; p = p->next)
                n += p->state == PEER_OPEN && p->role == ROLE_ADMIN;
        return n;
}

static void close_stranger(struct peer *p, struct span proc)
{
        const struct role *role = role_by_name(proc);

        if (role)
                peer_close(p, true, "user %u may not speak as %s", (unsigned)p->cred.uid,
                           role->name);
        else
                peer_close(p, true, "user %u may not speak as \"%.*s\"", (unsigned)p->cred.uid,
                           (int)MIN_OF(proc.n, (size_t)32), (const char *)proc.p);
}

static void hear_hello(struct peer *p, struct msg_reader *m)
{
        struct recorder *r = p->r;
        struct span proc = msg_get_bytes8(m);
        uint64_t resume = msg_get_u64(m);
        bool resumed;

        if (msg_close(m) < 0) {
                peer_close(p, true, "malformed hello: %s", err_text(m->err));
                return;
        }
        if (!admitted(r, proc, p->cred.uid, &p->role)) {
                close_stranger(p, proc);
                return;
        }
        if (p->role == ROLE_ADMIN && administrators(r) == PLACES_TO_ADMINISTER) {
                turn_away(r, &p->cred);
                peer_close(p, false, "%d administer already", PLACES_TO_ADMINISTER);
                return;
        }
        if (p->role == ROLE_GATEWAY && !r->calls_known) {
                turn_away(r, &p->cred);
                peer_close(p, false, "which calls are open is not known: %s",
                           r->calls_why[0] ? r->calls_why : "the log is not published");
                return;
        }
        resumed = may_resume(r, p, resume);
        /* A welcome says what is held: what its old connection has just sent is not, yet. */
        if (resumed && recorder_commit(r) < 0)
                return;
        p->run = resumed ? resume : ++r->last_run;
        p->last = resumed ? ledger_last_seq(r->ledger, recorder_wal_run(p->run, p->role)) : 0;
        p->begun = p->durable = p->last;
        p->state = PEER_OPEN;
        /* Never refused: there are more places for runs than for peers.  An administrator writes
         * nothing and needs none, which is left to writers who come again. */
        if (p->role != ROLE_ADMIN && !recorder_begin_run(r, recorder_wal_run(p->run, p->role))) {
                peer_close(p, false, "too many runs");
                return;
        }
        if (p->role == ROLE_GATEWAY && calls_met(&r->calls, p->run) < 0) {
                peer_close(p, false, "no memory");
                return;
        }
        p->calls = p->role == ROLE_GATEWAY;
        log_event(LOG_LEVEL_INFO, "recorder.peer", log_str("proc", role_of(p->role)->name),
                  log_u64("run", p->run), log_int("uid", p->cred.uid), log_int("pid", p->cred.pid));
        if (p->role != ROLE_ADMIN)
                own_peer(r, p, "connected", resumed);
        if (r->stop_code)
                return;
        send_welcome(p);
        peer_listen(p);
        if (r->full && p->state == PEER_OPEN)
                peer_send_stopped(p, -ENOSPC, "the disk is full");
}

static void hear(struct peer *p, struct span packet)
{
        struct err err = { 0 };
        enum msg_type type;
        struct msg_reader m;

        if (msg_open(packet, &m, &type, &err) < 0) {
                peer_close(p, true, "malformed message: %s", err_text(&err));
                return;
        }
        if (p->state == PEER_NEW && type == MSG_HELLO)
                hear_hello(p, &m);
        else if (p->state == PEER_OPEN && type == MSG_APPEND && p->role != ROLE_ADMIN)
                admit_message(p, &m);
        else if (p->state == PEER_OPEN && type == MSG_BEAT && p->role != ROLE_ADMIN &&
                 msg_close(&m) == 0)
                signs_beat(p);
        else if (p->state == PEER_OPEN && type == MSG_BYE && p->role != ROLE_ADMIN)
                signs_farewell(p, &m);
        else if (p->state == PEER_OPEN && type == MSG_COMMAND && p->role == ROLE_ADMIN)
                command_take(p, &m);
        else
                peer_close(p, true, "a message of type %d is not for it to send", type);
}

static void readable(void *ctx, unsigned events)
{
        struct peer *p = ctx;
        struct recorder *r = p->r;
        int n;

        if (events & LOOP_WRITE)
                peer_send_answers(p);
        if (p->state == PEER_CLOSING || r->stop_code || (is_held(p) && !(events & LOOP_HANGUP)))
                return;
        n = sock_batch_recv(r->packets, p->fd);
        if (n == 0)
                signs_left(p);
        else if (n < 0 && n != -EAGAIN)
                peer_close(p, false, "%s", strerror(-n));
        if (n > 0)
                signs_heard(p);
        for (int i = 0; i < n && p->state != PEER_CLOSING && !r->stop_code; i++) {
                struct span packet;

                if (sock_batch_get(r->packets, (unsigned)i, &packet) < 0)
                        peer_close(p, true, "a packet above %d bytes", MSG_MAX);
                else
                        hear(p, packet);
        }
}

/* Whoever says nothing must not keep a place from those who would. */
static void drop_silent(struct recorder *r, int64_t now)
{
        for (struct peer *p = r->peers; p; p = p->next)
                if (p->state == PEER_NEW && now - p->since_ns > HELLO_MS * NS_PER_MS) {
                        turn_away(r, &p->cred);
                        peer_close(p, false, "it did not say who it is");
                }
}

void peer_tend(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);

        drop_silent(r, now);
        if (r->turned_away != r->turned_away_said) {
                log_event(LOG_LEVEL_WARNING, "recorder.turned_away",
                          log_u64("connections", r->turned_away - r->turned_away_said),
                          log_int("uid", r->turned_away_uid), log_int("peers", r->n_peers));
                r->turned_away_said = r->turned_away;
        }
        if (r->turned_away == 0 ||
            (r->turned_away_ns && now - r->turned_away_ns < TURNED_AWAY_S * NS_PER_S))
                return;
        r->turned_away_ns = now;
        if (own_turned_away(r) == 0) /* else they are told with those that come */
                r->turned_away = r->turned_away_said = 0;
}

/* Places are kept for root, whose processes watch and administer, and for the others; of these no
 * user gets all. */
static bool has_room(const struct recorder *r, uid_t uid)
{
        unsigned same = 0;

        for (const struct peer *p = r->peers; p; p = p->next)
                same += p->cred.uid == uid;
        if (uid == 0)
                return r->n_peers < RECORDER_PEERS_MAX &&
                       same < RECORDER_PEERS_MAX - PLACES_FOR_OTHERS;
        return r->n_peers < RECORDER_PEERS_MAX - PLACES_FOR_ROOT && same < PLACES_A_USER;
}

/* Nobody who has no role at all takes up a place. */
static bool has_a_role(const struct recorder *r, uid_t uid)
{
        if (uid == 0)
                return true;
        for (enum role_id id = 0; id < ROLE_COUNT; id++)
                if (r->users.of[id].known && r->users.of[id].uid == uid &&
                    role_of(ROLE_RECORDER)->peers & 1u << id)
                        return true;
        return false;
}

void peer_accept(struct recorder *r)
{
        struct err err = { 0 };
        struct sock_cred cred;
        struct peer *p;
        int fd;

        if (sock_accept(r->listen_fd, &fd, &cred) < 0)
                return;
        if (!has_a_role(r, cred.uid) || !has_room(r, cred.uid)) {
                turn_away(r, &cred);
                fd_close(&fd);
                return;
        }
        p = calloc(1, sizeof *p);
        if (!p) {
                fd_close(&fd);
                return;
        }
        p->r = r;
        p->fd = fd;
        p->cred = cred;
        p->since_ns = clock_mono(r->clock);
        if (sock_set_room(fd, MSG_MAX) < 0 ||
            loop_add_fd(r->loop, fd, LOOP_READ, readable, p, &p->source, &err) < 0) {
                peer_free(p);
                return;
        }
        p->next = r->peers;
        r->peers = p;
        r->n_peers++;
}
