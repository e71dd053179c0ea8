/* SPDX-License-Identifier: Apache-2.0 */
/* feed.c - queue, send, have acknowledgements heard, send again. */
#include "ledger/feed/feed_priv.h"

#include "base/clock.h"
#include "sys/sock.h"
#include "sys/sysclock.h"
#include "wire/json.h"
#include "wire/msg.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

enum {
        DEFAULT_BYTES = 8 * 1024 * 1024,
        ITEM_HEADER = 8, /* the sequence, put in when it is sent */
        APPEND_HEADER = MSG_HEADER + 8 + 2,
        REPLY_MAX = MSG_MAX,
};

int feed_new(const struct feed_options *o, struct feed **ret, struct err *err)
{
        struct feed *f;

        if (strlen(o->socket) >= sizeof f->socket || strlen(o->proc) >= sizeof f->proc)
                return err_set(err, -ENAMETOOLONG, "%s: too long for a socket's path", o->socket);
        f = calloc(1, sizeof *f);
        if (f)
                f->in = malloc(MSG_MAX);
        if (!f || !f->in) {
                free(f);
                return err_sys(err, -ENOMEM, "feed");
        }
        snprintf(f->socket, sizeof f->socket, "%s", o->socket);
        snprintf(f->proc, sizeof f->proc, "%s", o->proc);
        f->o = *o;
        f->o.socket = f->socket;
        f->o.proc = f->proc;
        if (!f->o.max_bytes)
                f->o.max_bytes = DEFAULT_BYTES;
        f->out = BUF_WIPED(MSG_MAX);
        f->fd = -1;
        f->first_seq = 1;
        f->max_inflight = LEDGER_WINDOW;
        *ret = f;
        return 0;
}

struct feed *feed_free(struct feed *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < f->n; i++)
                item_done(&f->item[(f->first + i) % LEDGER_WINDOW]);
        fd_close(&f->fd);
        buf_done(&f->out);
        free(f->in);
        free(f);
        return NULL;
}

static void disconnect(struct feed *f)
{
        fd_close(&f->fd);
        f->greeting = false;
        f->n_sent = 0; /* all of it goes out again */
        f->again = 0;
        f->want_write = false;
        f->beat_ns = 0;
}

/* ---- connecting ---- */

static int wait_for(int fd, short events, int64_t deadline_ns)
{
        int64_t left = (deadline_ns - clock_mono(&sysclock)) / NS_PER_MS;
        struct pollfd p = { .fd = fd, .events = events };
        int r;

        if (left < 0)
                return -ETIMEDOUT;
        r = poll(&p, 1, (int)MIN_OF(left + 1, (int64_t)60000));
        if (r < 0)
                return errno == EINTR ? 0 : -errno;
        return 0;
}

static int64_t deadline_after(int timeout_ms)
{
        return clock_mono(&sysclock) + timeout_ms * NS_PER_MS;
}

static int say_hello(struct feed *f, uint64_t resume_run, struct err *err)
{
        size_t at;
        int r;

        buf_clear(&f->out);
        at = msg_begin(&f->out, MSG_HELLO);
        msg_put_bytes8(&f->out, span_str(f->proc));
        msg_put_u64(&f->out, resume_run);
        msg_end(&f->out, at);
        r = buf_status(&f->out);
        if (r == 0)
                r = sock_send(f->fd, buf_span(&f->out));
        return r < 0 ? err_sys(err, r, "%s: hello", f->socket) : 0;
}

static int hear_one(struct feed *f, int64_t deadline_ns, struct err *err)
{
        size_t n;
        int r;

        for (;;) {
                r = sock_recv(f->fd, f->in, MSG_MAX, &n);
                if (r == 0 && n == 0)
                        return err_set(err, -EPIPE, "%s: the recorder closed the connection",
                                       f->socket);
                if (r == 0)
                        return feed_hear(f, span_of(f->in, n), err);
                if (r != -EAGAIN)
                        return err_sys(err, r, "%s", f->socket);
                r = wait_for(f->fd, POLLIN, deadline_ns);
                if (r < 0)
                        return err_sys(err, r, "%s: no answer", f->socket);
        }
}

int feed_greet(struct feed *f, uint64_t resume_run, struct err *err)
{
        int r;

        disconnect(f);
        f->stopped = 0;
        r = sock_connect(f->socket, &f->fd, err);
        if (r == 0)
                r = sock_set_room(f->fd, MSG_MAX);
        if (r == 0)
                r = say_hello(f, resume_run, err);
        f->greeting = r == 0;
        if (r < 0) {
                disconnect(f);
                if (err && err->code == 0)
                        err_sys(err, r, "%s", f->socket);
        }
        return r;
}

int feed_connect(struct feed *f, uint64_t resume_run, int timeout_ms, struct err *err)
{
        int64_t deadline = deadline_after(timeout_ms);
        int r = feed_greet(f, resume_run, err);

        while (r == 0 && f->greeting) /* a STOPPED may come first */
                r = hear_one(f, deadline, err);
        if (r < 0)
                disconnect(f);
        return r;
}

bool feed_connected(const struct feed *f)
{
        return f->fd >= 0 && !f->greeting;
}

uint64_t feed_run(const struct feed *f)
{
        return f->run;
}

uint64_t feed_held(const struct feed *f)
{
        return f->held;
}

struct span feed_host(const struct feed *f)
{
        return span_str(f->host);
}

int feed_stopped(const struct feed *f)
{
        return f->stopped;
}

size_t feed_pending(const struct feed *f)
{
        return f->n;
}

int feed_fd(const struct feed *f)
{
        return f->fd;
}

bool feed_wants_write(const struct feed *f)
{
        return f->want_write;
}

/* ---- putting ---- */

static int encode(struct span skeleton, const struct feed_field *fields, size_t n_fields,
                  struct item *ret, struct err *err)
{
        struct buf b = BUF_WIPED(MSG_MAX - APPEND_HEADER - ITEM_HEADER);
        size_t room = 4 + skeleton.n + 1;
        int r;

        if (n_fields > MSG_FIELDS_MAX)
                return err_set(err, -E2BIG, "%zu sensitive fields, at most %d", n_fields,
                               MSG_FIELDS_MAX);
        for (size_t i = 0; i < n_fields; i++)
                room += 2 + fields[i].subject.n + 1 + fields[i].name.n + 4 + fields[i].value.n;
        if (buf_extend(&b, room)) /* at once, not piece by piece */
                buf_clear(&b);
        msg_put_bytes32(&b, skeleton);
        msg_put_u8(&b, (uint8_t)n_fields);
        for (size_t i = 0; i < n_fields; i++) {
                msg_put_bytes16(&b, fields[i].subject);
                msg_put_bytes8(&b, fields[i].name);
                msg_put_bytes32(&b, fields[i].value);
        }
        r = buf_status(&b);
        if (r < 0) {
                buf_done(&b);
                return err_sys(err, r, "an entry of %zu bytes", skeleton.n);
        }
        ret->bytes = b.p; /* taken over */
        ret->n = b.n;
        return 0;
}

int feed_put(struct feed *f, struct span skeleton, const struct feed_field *fields, size_t n_fields,
             uint64_t *ret_seq, struct err *err)
{
        struct item item;
        int r;

        if (f->n == LEDGER_WINDOW)
                return err_set(err, -EAGAIN, "%d entries wait for the recorder", LEDGER_WINDOW);
        r = encode(skeleton, fields, n_fields, &item, err);
        if (r < 0)
                return r;
        if (f->n > 0 && f->bytes + item.n > f->o.max_bytes) {
                item_done(&item);
                return err_set(err, -EAGAIN, "%zu bytes wait for the recorder", f->bytes);
        }
        f->item[(f->first + f->n) % LEDGER_WINDOW] = item;
        f->bytes += item.n;
        *ret_seq = f->first_seq + f->n++;
        return 0;
}

/* ---- working ---- */

/* As many unsent items as one message takes; returns how many. */
static size_t fill_message(struct feed *f)
{
        size_t n = 0, at, count_at;

        buf_clear(&f->out);
        at = msg_begin(&f->out, MSG_APPEND);
        msg_put_u64(&f->out, f->acked);
        count_at = f->out.n;
        msg_put_u16(&f->out, 0);
        while (f->n_sent + n < MIN_OF(f->n, (size_t)f->max_inflight) && n < MSG_ENTRIES_MAX) {
                const struct item *i = &f->item[(f->first + f->n_sent + n) % LEDGER_WINDOW];

                if (f->out.n + ITEM_HEADER + i->n > MSG_MAX)
                        break;
                msg_put_u64(&f->out, f->first_seq + f->n_sent + n);
                buf_put(&f->out, span_of(i->bytes, i->n));
                n++;
        }
        f->out.p[count_at] = (uint8_t)n;
        f->out.p[count_at + 1] = (uint8_t)(n >> 8);
        msg_end(&f->out, at);
        return n;
}

static int send_some(struct feed *f, struct err *err)
{
        size_t n;
        int r;

        f->want_write = false;
        while (!f->stopped && !f->greeting && f->n_sent < MIN_OF(f->n, (size_t)f->max_inflight)) {
                n = fill_message(f);
                r = buf_status(&f->out);
                if (r < 0)
                        return err_sys(err, r, "message");
                assert(n > 0);
                r = sock_send(f->fd, buf_span(&f->out));
                buf_wipe(&f->out); /* sent, or made anew */
                if (r == -EAGAIN) {
                        f->want_write = true;
                        return 0;
                }
                if (r < 0)
                        return err_sys(err, r == -ECONNRESET ? -EPIPE : r, "%s", f->socket);
                f->n_sent += n;
        }
        return 0;
}

static int hear_some(struct feed *f, struct err *err)
{
        size_t n;
        int r;

        for (;;) {
                r = sock_recv(f->fd, f->in, MSG_MAX, &n);
                if (r == -EAGAIN)
                        return 0;
                if (r < 0)
                        return err_sys(err, r == -ECONNRESET ? -EPIPE : r, "%s", f->socket);
                if (n == 0)
                        return err_set(err, -EPIPE, "%s: the recorder closed the connection",
                                       f->socket);
                r = feed_hear(f, span_of(f->in, n), err);
                if (r < 0)
                        return r;
        }
}

static int do_some(struct feed *f, bool hear, struct err *err)
{
        int r = 0;

        if (f->fd < 0)
                return err_set(err, -EPIPE, "%s: not connected", f->socket);
        if (hear)
                r = hear_some(f, err);
        if (r == 0)
                r = send_some(f, err);
        if (r < 0)
                disconnect(f);
        return r;
}

int feed_work(struct feed *f, struct err *err)
{
        return do_some(f, true, err);
}

int feed_send(struct feed *f, struct err *err)
{
        return do_some(f, false, err);
}

int feed_flush(struct feed *f, int timeout_ms, struct err *err)
{
        int64_t deadline = deadline_after(timeout_ms);
        int r;

        while (f->n > 0) {
                r = feed_work(f, err);
                if (r < 0)
                        return r;
                if (f->n == 0)
                        break;
                r = wait_for(f->fd, (short)(POLLIN | (f->want_write ? POLLOUT : 0)), deadline);
                if (r < 0)
                        return err_sys(err, r, "%s: %zu entries wait", f->socket, f->n);
        }
        return 0;
}

/* ---- signs of life ---- */

/* Where the socket is full there is more than a sign of life on its way. */
void feed_beat(struct feed *f)
{
        int64_t now = clock_mono(&sysclock);
        size_t at;

        if (!feed_connected(f) || (f->beat_ns && now - f->beat_ns < MSG_BEAT_S * NS_PER_S))
                return;
        buf_clear(&f->out);
        at = msg_begin(&f->out, MSG_BEAT);
        msg_end(&f->out, at);
        if (buf_status(&f->out) == 0 && sock_send(f->fd, buf_span(&f->out)) == 0)
                f->beat_ns = now;
}

void feed_bye(struct feed *f, bool again, pid_t pid, uid_t uid)
{
        size_t at;

        if (!feed_connected(f))
                return;
        buf_clear(&f->out);
        at = msg_begin(&f->out, MSG_BYE);
        msg_put_u8(&f->out, again ? MSG_BYE_AGAIN : MSG_BYE_STOP);
        msg_put_u32(&f->out, (uint32_t)pid);
        msg_put_u32(&f->out, uid);
        msg_end(&f->out, at);
        if (buf_status(&f->out) == 0)
                (void)!sock_send(f->fd, buf_span(&f->out)); /* unsaid it alerts: rather that */
}

/* ---- commands ---- */

static int send_command(struct feed *f, const char *verb, struct span args, int64_t deadline,
                        struct err *err)
{
        size_t at;
        int r;

        buf_clear(&f->out);
        at = msg_begin(&f->out, MSG_COMMAND);
        msg_put_bytes8(&f->out, span_str(verb));
        msg_put_bytes32(&f->out, args);
        msg_end(&f->out, at);
        r = buf_status(&f->out);
        while (r == 0) {
                r = sock_send(f->fd, buf_span(&f->out));
                if (r != -EAGAIN)
                        break;
                r = wait_for(f->fd, POLLOUT, deadline);
        }
        buf_wipe(&f->out);
        return r < 0 ? err_sys(err, r, "%s: %s", f->socket, verb) : 0;
}

int feed_command(struct feed *f, const char *verb, struct span args, int timeout_ms,
                 struct buf *ret, struct err *err)
{
        int64_t deadline = deadline_after(timeout_ms);
        size_t begun = ret->n;
        struct json_value error;
        int r;

        if (!feed_connected(f))
                return err_set(err, -EPIPE, "%s: not connected", f->socket);
        f->reply = ret;
        f->replied = false;
        r = send_command(f, verb, args, deadline, err);
        while (r == 0 && !f->replied)
                r = hear_one(f, deadline, err);
        f->reply = NULL;
        if (r < 0) {
                disconnect(f);
                return r;
        }
        if (buf_status(ret) < 0)
                return err_sys(err, buf_status(ret), "%s: reply", verb);
        r = json_check(span_from(buf_span(ret), begun), err);
        if (r < 0)
                return err_wrap(err, "%s: reply", verb), -EPROTO;
        if (f->reply_code < 0) {
                CLEANUP(buf_done) struct buf text = BUF_INIT(ERR_TEXT_MAX);

                if (json_get(json_value_of(span_from(buf_span(ret), begun)), "error", &error))
                        json_value_text(error, &text);
                return err_set(err, f->reply_code, "%s", buf_cstr(&text));
        }
        return 0;
}
