/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/sensor/control.h"

#include "base/le.h"
#include "base/text.h"
#include "loop/loop.h"
#include "sys/io.h"
#include "wire/msg.h"

#include <stdlib.h>

enum {
        PART_ROOM = 1 << 20, /* bytes that wait for a peer: more parts are left out */
        OUT_MAX = 2 << 20,   /* and answers */
};

struct control_peer {
        struct control *control;
        struct control_peer *next;
        struct loop_source *source;
        int fd;
        struct sock_cred cred;
        struct control_call *call; /* NULL: idle */
        struct buf out;            /* u32 length and packet each */
        size_t sent;               /* of out */
        bool closing;              /* when all is sent */
        bool handling;             /* its own handler runs, and looks after it at the end */
};

struct control {
        struct loop *loop;
        const struct control_ops *ops;
        void *ctx;
        uid_t uid;
        int fd;
        struct loop_source *source;
        struct control_peer *peers;
        unsigned n_peers;
        uint8_t packet[MSG_MAX];
};

/* ---- peers ---- */

static void peer_free(struct control_peer *p)
{
        struct control_peer **at = &p->control->peers;

        while (*at != p)
                at = &(*at)->next;
        *at = p->next;
        p->control->n_peers--;
        if (p->call)
                p->call->peer = NULL;
        loop_remove(p->source);
        fd_close(&p->fd);
        buf_done(&p->out);
        free(p);
}

static int send_some(struct control_peer *p)
{
        while (p->sent < p->out.n) {
                size_t n = le_get32(p->out.p + p->sent);
                int rc = sock_send(p->fd, span_of(p->out.p + p->sent + 4, n));

                if (rc < 0)
                        return rc == -EAGAIN ? 0 : rc;
                p->sent += 4 + n;
        }
        buf_clear(&p->out);
        p->sent = 0;
        return 0;
}

/* Send what can be sent; false when the peer is gone then. */
static bool peer_work(struct control_peer *p)
{
        unsigned want = p->call || p->closing ? 0u : LOOP_READ;

        if (send_some(p) < 0 || (p->closing && p->out.n == 0)) {
                peer_free(p);
                return false;
        }
        if (p->out.n)
                want |= LOOP_WRITE;
        if (loop_set_events(p->source, want) < 0) {
                peer_free(p);
                return false;
        }
        return true;
}

static void put_packet(struct control_peer *p, enum msg_type type, int code, struct span body)
{
        size_t at = p->out.n, begun;

        le_append(&p->out, 0, 4);
        begun = msg_begin(&p->out, type);
        if (type == MSG_REPLY)
                msg_put_u32(&p->out, (uint32_t)-code);
        msg_put_bytes32(&p->out, body);
        msg_end(&p->out, begun);
        if (buf_status(&p->out) == 0)
                le_put32(p->out.p + at, (uint32_t)(p->out.n - at - 4));
        else
                p->closing = true; /* it does not read what it asked for */
}

/* ---- what they ask ---- */

static struct control_call *call_new(struct control_peer *p, struct span verb, struct span args)
{
        struct control_call *c = calloc(1, sizeof *c);

        if (!c)
                return NULL;
        c->peer = p;
        c->cred = p->cred;
        c->pidfd = sock_peer_pidfd(p->fd);
        memcpy(c->verb, verb.p, MIN_OF(verb.n, (size_t)CONTROL_VERB_MAX));
        c->args = BUF_INIT(MSG_MAX);
        buf_put(&c->args, args);
        if (buf_status(&c->args) < 0) {
                buf_done(&c->args);
                fd_close(&c->pidfd);
                free(c);
                return NULL;
        }
        return c;
}

static void call_free(struct control_call *c)
{
        if (c->peer)
                c->peer->call = NULL;
        fd_close(&c->pidfd);
        buf_done(&c->args);
        free(c);
}

static void fail_peer(struct control_peer *p, int code, const char *text)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(4 * ERR_TEXT_MAX);
        CLEANUP(buf_done) struct buf safe = BUF_INIT(4 * ERR_TEXT_MAX);
        struct json_writer w;

        text_put_safe(&safe, span_str(text));
        json_writer_init(&w, &body);
        json_begin_object(&w);
        json_member_string(&w, "error", buf_span(&safe));
        json_end_object(&w);
        put_packet(p, MSG_REPLY, code, buf_span(&body));
}

/* -EBADMSG: the peer does not speak our language. */
static int take_packet(struct control_peer *p, struct span packet)
{
        struct err err = { 0 };
        struct span verb, args;
        struct msg_reader m;
        enum msg_type type;

        if (msg_open(packet, &m, &type, &err) < 0 || type != MSG_COMMAND)
                return -EBADMSG;
        verb = msg_get_bytes8(&m);
        args = msg_get_bytes32(&m);
        if (msg_close(&m) < 0)
                return -EBADMSG;
        if (verb.n == 0 || verb.n > CONTROL_VERB_MAX || !text_is_utf8(verb, NULL) ||
            memchr(verb.p, 0, verb.n)) {
                fail_peer(p, -EINVAL, "that is no command");
                return 0;
        }
        if (json_check(args, &err) < 0) {
                fail_peer(p, -EINVAL, err_text(&err));
                return 0;
        }
        p->call = call_new(p, verb, args);
        if (!p->call)
                fail_peer(p, -ENOMEM, "out of memory");
        else
                p->control->ops->command(p->control->ctx, p->call);
        return 0;
}

static void on_peer(void *ctx, unsigned events)
{
        struct control_peer *p = ctx;
        struct control *c = p->control;
        size_t n;
        int rc = 0;

        if (events & LOOP_HANGUP) {
                peer_free(p);
                return;
        }
        if (events & LOOP_READ && !p->call && !p->closing) {
                rc = sock_recv(p->fd, c->packet, sizeof c->packet, &n);
                if (rc == 0 && n == 0)
                        rc = -EPIPE;
                p->handling = true;
                if (rc == 0)
                        rc = take_packet(p, span_of(c->packet, n));
                p->handling = false;
        }
        if (rc < 0 && rc != -EAGAIN)
                peer_free(p);
        else
                (void)!peer_work(p);
}

/* ---- coming in ---- */

static void let_in(struct control *c, int fd, const struct sock_cred *cred)
{
        struct control_peer *p = calloc(1, sizeof *p);
        struct err err = { 0 };

        if (!p) {
                fd_close(&fd);
                return;
        }
        p->control = c;
        p->fd = fd;
        p->cred = *cred;
        p->out = BUF_INIT(OUT_MAX);
        (void)!sock_set_room(fd, MSG_MAX);
        if (loop_add_fd(c->loop, fd, LOOP_READ, on_peer, p, &p->source, &err) < 0) {
                fd_close(&p->fd);
                free(p);
                return;
        }
        p->next = c->peers;
        c->peers = p;
        c->n_peers++;
}

static void on_listen(void *ctx, unsigned events)
{
        struct control *c = ctx;
        struct sock_cred cred;
        int fd;

        (void)events;
        while (sock_accept(c->fd, &fd, &cred) == 0) {
                if (cred.uid == c->uid && c->n_peers < CONTROL_PEERS) {
                        let_in(c, fd, &cred);
                        continue;
                }
                fd_close(&fd);
                if (cred.uid != c->uid && c->ops->stranger)
                        c->ops->stranger(c->ctx, &cred);
        }
}

int control_new(struct loop *loop, int fd, uid_t uid, const struct control_ops *ops, void *ctx,
                struct control **ret, struct err *err)
{
        CLEANUP(control_freep) struct control *c = calloc(1, sizeof *c);
        int rc;

        if (!c) {
                fd_close(&fd);
                return err_set(err, -ENOMEM, "out of memory for the control socket");
        }
        c->loop = loop;
        c->ops = ops;
        c->ctx = ctx;
        c->uid = uid;
        c->fd = fd;
        rc = loop_add_fd(loop, fd, LOOP_READ, on_listen, c, &c->source, err);
        if (rc < 0)
                return rc;
        *ret = c;
        c = NULL;
        return 0;
}

struct control *control_free(struct control *c)
{
        if (!c)
                return NULL;
        while (c->peers)
                peer_free(c->peers);
        loop_remove(c->source);
        fd_close(&c->fd);
        free(c);
        return NULL;
}

/* ---- arguments and answers ---- */

int control_get_text(const struct control_call *c, const char *key, struct buf *ret,
                     struct err *err)
{
        size_t begun = ret->n;
        struct json_value v;

        if (!json_get(control_args(c), key, &v) || !json_value_text(v, ret) || ret->n == begun)
                return err_set(err, -EINVAL, "\"%s\" is missing", key);
        return buf_status(ret) < 0 ? err_set(err, -EINVAL, "\"%s\" is too long", key) : 0;
}

bool control_get_flag(const struct control_call *c, const char *key)
{
        struct json_value v;

        return json_get(control_args(c), key, &v) && v.type == JSON_TRUE;
}

void control_part(struct control_call *c, struct span object)
{
        struct control_peer *p = c->peer;

        if (!p || p->closing || p->out.n > PART_ROOM)
                return;
        put_packet(p, MSG_PART, 0, object);
        if (!p->handling)
                (void)!peer_work(p);
}

static void answered(struct control_call *c)
{
        struct control_peer *p = c->peer;

        call_free(c);
        if (p && !p->handling)
                (void)!peer_work(p);
}

void control_reply(struct control_call *c, struct span object)
{
        if (c->peer)
                put_packet(c->peer, MSG_REPLY, 0, object);
        answered(c);
}

void control_fail(struct control_call *c, int code, const char *text)
{
        if (c->peer)
                fail_peer(c->peer, code, text);
        answered(c);
}
