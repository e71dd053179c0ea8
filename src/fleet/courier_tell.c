/* SPDX-License-Identifier: Apache-2.0 */
#include "base/le.h"
#include "base/text.h"
#include "fleet/courier_priv.h"
#include "sys/sock.h"

#include <poll.h>
#include <stdio.h>

static const char *const state_name[] = { "untried", "up", "down" };

enum { TELL_MS = 10000 /* for the ledger to have what is told */ };

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

void courier_report(struct courier *k)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COURIER_PACKET_MAX);
        int rc;

        put_sink(k, &out);
        rc = buf_status(&out) == 0 ? sock_send(k->o->control, buf_span(&out)) : 0;
        k->orphan = k->orphan || rc == -EPIPE || rc == -ECONNRESET;
        k->news = rc == -EAGAIN;
        k->reported = k->cursor.next;
        k->report_ns = courier_now(k);
}

/* Wait for a packet of the uplink, and take it: the id that is durable. */
void courier_hear(struct courier *k, int timeout_ms, uint64_t *ret_id)
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
        int64_t until = courier_now(k) + TELL_MS * NS_PER_MS;
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
        while (rc == 0 && heard != k->told && !k->orphan && courier_now(k) < until)
                courier_hear(k, LOOK_MS, &heard);
        return rc < 0 ? rc : heard == k->told ? 0 : -ETIMEDOUT;
}

static void begin_what(struct json_writer *w, struct buf *out)
{
        json_writer_init(w, out);
        json_begin_object(w);
}

int courier_tell_down(struct courier *k)
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

int courier_tell_up(struct courier *k)
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

int courier_tell_refused(struct courier *k, const struct message *m, const char *why)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(COURIER_PACKET_MAX);
        struct json_writer w;

        begin_what(&w, &what);
        json_member_u64(&w, "index", m->index);
        json_member_text(&w, "origin", m->origin);
        put_words(&w, "reason", why);
        json_member_text(&w, "severity", "high");
        json_member_text(&w, "sink", k->c->name);
        json_end_object(&w);
        return tell(k, "alert.refused", buf_span(&what));
}

int courier_tell_missed(struct courier *k, const struct tail_item *gap)
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
