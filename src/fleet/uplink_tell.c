/* SPDX-License-Identifier: Apache-2.0 */
#include "base/le.h"
#include "base/text.h"
#include "fleet/courier.h"
#include "fleet/uplink_priv.h"
#include "loop/log.h"
#include "sys/io.h"
#include "sys/sock.h"
#include "wire/entry.h"

#include <stdio.h>
#include <stdlib.h>

enum {
        CONNECT_MS = 5000,
        TICK_MS = 1000,
        STATUS_S = 5,
        SOON_MS = 100, /* from news to the status file */
        READY_S = 10,  /* for a sink whose last courier is still at work; its place it has */
};

/* ---- status ---- */

static void put_status(const struct uplink *u, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "config");
        json_begin_object(&w);
        json_member_bool(&w, "exists", u->config.exists);
        if (*u->refused)
                json_member_text(&w, "refused", u->refused);
        json_end_object(&w);
        json_put_key(&w, "sinks");
        json_begin_array(&w);
        for (size_t i = 0; i < u->config.n; i++)
                if (u->sinks[i].said.n)
                        json_put_raw(&w, buf_span(&u->sinks[i].said));
        json_end_array(&w);
        json_end_object(&w);
}

static void say_status(void *ctx)
{
        struct uplink *u = ctx;
        CLEANUP(buf_done) struct buf out = BUF_INIT(PRESENCE_MAX);
        struct err err = { 0 };

        u->status_due = false;
        if (!u->ready)
                return;
        u->status_ns = clock_mono(u->o->clock);
        put_status(u, &out);
        if (buf_status(&out) == 0 &&
            presence_say(&u->presence, &u->sandbox, buf_span(&out), &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.status", log_err(&err));
}

/* Whoever begins something when we are there must be able to rely on every sink. */
void tell_ready(struct uplink *u)
{
        bool waits = false;

        for (size_t i = 0; i < u->config.n; i++)
                waits = waits || !u->sinks[i].heard;
        if (u->ready || (waits && clock_mono(u->o->clock) - u->begun_ns < READY_S * NS_PER_S))
                return;
        u->ready = true;
        (void)!notify_send(&u->notify, "READY=1");
        say_status(u);
}

void tell_status_soon(struct uplink *u)
{
        if (u->status_due)
                return;
        u->status_due = true;
        loop_timer_set(u->status, clock_mono(u->o->clock) + SOON_MS * NS_PER_MS);
}

/* ---- telling the ledger ---- */

static void on_feed(void *ctx, unsigned events);

static int watch_feed(struct uplink *u)
{
        unsigned want = LOOP_READ | (feed_wants_write(u->feed) ? LOOP_WRITE : 0u);

        if (!feed_connected(u->feed)) {
                u->feed_source = loop_remove(u->feed_source);
                return 0;
        }
        if (u->feed_source)
                return loop_set_events(u->feed_source, want);
        return loop_add_fd(u->loop, feed_fd(u->feed), want, on_feed, u, &u->feed_source, NULL);
}

static void put_one(struct uplink *u, struct tell *t)
{
        CLEANUP(buf_done) struct buf skeleton = BUF_INIT(ENTRY_MAX);
        struct err err = { 0 };
        struct json_writer w;
        struct json_iter it;
        struct json_value v;
        struct span key;
        char name[64];

        entry_begin(&w, &skeleton, buf_cstr(&t->kind), clock_wall(u->o->clock));
        for (it = json_iter_of(json_value_of(buf_span(&t->what))); json_next(&it, &key, &v);) {
                snprintf(name, sizeof name, "%.*s", (int)key.n, (const char *)key.p);
                json_member_raw(&w, name, v.raw);
        }
        json_end_object(&w);
        json_end_object(&w);
        if (buf_status(&skeleton) < 0 ||
            feed_put(u->feed, buf_span(&skeleton), NULL, 0, &t->seq, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.tell", log_err(&err));
        else
                t->put = true;
}

/* What waits goes to the recorder once there is one. */
static void pump(struct uplink *u)
{
        struct err err = { 0 };

        for (size_t i = 0; i <= DELIVER_SINKS_MAX && feed_run(u->feed); i++)
                if (u->tell[i].active && !u->tell[i].put)
                        put_one(u, &u->tell[i]);
        if (feed_connected(u->feed) && feed_work(u->feed, &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.recorder_gone", log_err(&err));
        if (watch_feed(u) < 0)
                loop_stop(u->loop, 1);
}

static void on_feed(void *ctx, unsigned events)
{
        (void)events;
        pump(ctx);
}

/* The one thing of a kind that a sink has to say, until it is durable; said again it is the same.
 */
void tell_of(struct uplink *u, size_t i, uint64_t id, struct span kind, struct span what)
{
        struct tell *t = &u->tell[i];
        bool same =
                t->active && span_eq(buf_span(&t->kind), kind) && span_eq(buf_span(&t->what), what);

        t->id = id;
        if (same)
                return;
        buf_done(&t->kind);
        buf_done(&t->what);
        t->kind = BUF_INIT(64);
        t->what = BUF_INIT(COURIER_PACKET_MAX);
        buf_put(&t->kind, kind);
        buf_put(&t->what, what);
        t->put = false;
        t->active = buf_status(&t->kind) == 0 && buf_status(&t->what) == 0;
        pump(u);
}

static void keep_mark(struct uplink *u)
{
        struct err err = { 0 };

        if (io_replace_file(&io_kernel, u->own_fd, "told", u->own_fd, 0600, span_str(u->mark),
                            &err) < 0)
                log_event(LOG_LEVEL_WARNING, "uplink.told", log_err(&err));
}

static void settled(struct uplink *u, uint64_t seq)
{
        uint8_t packet[8];

        for (size_t i = 0; i <= DELIVER_SINKS_MAX; i++) {
                struct tell *t = &u->tell[i];

                if (!t->active || !t->put || t->seq != seq)
                        continue;
                t->active = t->put = false;
                if (i == OWN) {
                        keep_mark(u);
                        continue;
                }
                le_put64(packet, t->id);
                (void)!sock_send(u->sinks[i].fd, span_of(packet, sizeof packet));
        }
}

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        (void)index;
        settled(ctx, seq);
}

/* It would be refused again; the recorder has noted that it was. */
static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        log_event(LOG_LEVEL_ERROR, "uplink.refused_entry", log_u64("seq", seq),
                  log_int("code", code), log_bytes("text", text));
        settled(ctx, seq);
}

/* A new run counts anew: what was put and is not durable is put again. */
static void connect_feed(struct uplink *u)
{
        uint64_t before = feed_run(u->feed);
        struct err err = { 0 };

        if (feed_connected(u->feed) || feed_connect(u->feed, before, CONNECT_MS, &err) < 0)
                return;
        log_event(LOG_LEVEL_INFO, "uplink.connected", log_u64("run", feed_run(u->feed)));
        if (before && feed_run(u->feed) != before) {
                uint64_t seq = feed_held(u->feed);

                for (size_t i = 0; i <= DELIVER_SINKS_MAX; i++)
                        if (u->tell[i].active && u->tell[i].put)
                                u->tell[i].seq = ++seq;
        }
        pump(u);
}

static void on_tick(void *ctx)
{
        struct uplink *u = ctx;

        connect_feed(u);
        feed_beat(u->feed);
        if (clock_mono(u->o->clock) - u->status_ns >= STATUS_S * NS_PER_S)
                tell_status_soon(u);
        tell_ready(u);
        loop_timer_set(u->tick, clock_mono(u->o->clock) + TICK_MS * NS_PER_MS);
}

/* What is delivered where is told once, and when it changes. */
static void tell_sinks(struct uplink *u)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;
        uint8_t *told = NULL;
        size_t n = 0;
        bool same;

        if (io_read_file(&io_kernel, u->own_fd, "told", sizeof u->mark, &told, &n, NULL) < 0)
                n = 0;
        same = span_eq_str(span_of(told, n), u->mark);
        free(told);
        if (same)
                return;
        json_writer_init(&w, &what);
        json_begin_object(&w);
        if (*u->mark)
                json_member_text(&w, "config", u->mark);
        if (*u->refused)
                json_member_text(&w, "refused", u->refused);
        json_put_key(&w, "sinks");
        json_begin_array(&w);
        for (size_t i = 0; i < u->config.n; i++) {
                json_begin_array(&w);
                json_put_string(&w, span_str(u->config.sinks[i].name));
                json_put_string(&w, span_str(deliver_type_name[u->config.sinks[i].type]));
                json_end_array(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        tell_of(u, OWN, 0, SPAN("alert.sinks"), buf_span(&what));
}

/* ---- all of it ---- */

int tell_open(struct uplink *u, struct err *err)
{
        struct feed_options f = {
                .socket = u->socket, .proc = "uplink", .on_ack = on_ack, .on_nak = on_nak, .ctx = u
        };
        int rc = loop_add_timer(u->loop, on_tick, u, &u->tick, err);

        if (rc == 0)
                rc = loop_add_timer(u->loop, say_status, u, &u->status, err);
        return rc == 0 ? feed_new(&f, &u->feed, err) : rc;
}

void tell_begin(struct uplink *u)
{
        u->begun_ns = clock_mono(u->o->clock);
        tell_sinks(u);
        on_tick(u);
}

void tell_done(struct uplink *u)
{
        for (size_t i = 0; i <= DELIVER_SINKS_MAX; i++) {
                buf_done(&u->tell[i].kind);
                buf_done(&u->tell[i].what);
        }
        u->feed_source = loop_remove(u->feed_source);
        u->feed = feed_free(u->feed);
        u->tick = loop_remove(u->tick);
        u->status = loop_remove(u->status);
}
