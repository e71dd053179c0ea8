/* SPDX-License-Identifier: Apache-2.0 */
/* feed_hear.c - what the recorder answers.
 *
 * SECURITY: reads the recorder's messages; a malformed one ends the connection. */
#include "ledger/feed/feed_priv.h"

#include "wire/json.h"
#include "wire/msg.h"

static uint64_t pop(struct feed *f)
{
        struct item *i = &f->item[f->first];

        f->bytes -= i->n;
        item_done(i);
        f->first = (f->first + 1) % LEDGER_WINDOW;
        f->n--;
        if (f->n_sent > 0)
                f->n_sent--;
        f->acked = f->first_seq;
        return f->first_seq++;
}

/* May the recorder answer this sequence now?  *ret_known: it did so before. */
static bool is_due(const struct feed *f, uint64_t seq, bool *ret_known)
{
        *ret_known = seq > 0 && seq < f->first_seq && seq <= f->again;
        return *ret_known ||
               (seq == f->first_seq && f->n > 0 && (f->n_sent > 0 || seq <= f->again));
}

static int hear_ack(struct feed *f, struct msg_reader *m, struct err *err)
{
        uint16_t ranges = msg_get_u16(m);

        for (uint16_t k = 0; k < ranges && !m->failed; k++) {
                uint64_t seq = msg_get_u64(m), index = msg_get_u64(m);
                uint32_t n = msg_get_u32(m);

                for (uint32_t i = 0; i < n && !m->failed; i++) {
                        bool known;

                        if (!is_due(f, seq + i, &known))
                                return err_set(err, -EPROTO,
                                               "sequence %llu acknowledged out of turn",
                                               (unsigned long long)(seq + i));
                        if (known)
                                continue;
                        pop(f);
                        if (f->o.on_ack)
                                f->o.on_ack(f->o.ctx, seq + i, index + i);
                }
        }
        return msg_close(m);
}

static int hear_nak(struct feed *f, struct msg_reader *m, struct err *err)
{
        uint64_t seq = msg_get_u64(m);
        uint32_t code = msg_get_u32(m);
        struct span text = msg_get_bytes16(m);
        int r = msg_close(m);
        bool known;

        if (r < 0)
                return r;
        if (!is_due(f, seq, &known))
                return err_set(err, -EPROTO, "sequence %llu refused out of turn",
                               (unsigned long long)seq);
        if (known)
                return 0;
        pop(f);
        if (f->o.on_nak)
                f->o.on_nak(f->o.ctx, seq, -(int)(code & INT32_MAX), text);
        return 0;
}

static int hear_reply(struct feed *f, struct msg_reader *m)
{
        uint32_t code = msg_get_u32(m);
        struct span body = msg_get_bytes32(m);
        int r = msg_close(m);

        if (r < 0 || !f->reply)
                return r;
        f->replied = true;
        f->reply_code = -(int)(code & INT32_MAX);
        buf_put(f->reply, body);
        f->reply = NULL;
        return 0;
}

static int hear_stopped(struct feed *f, struct msg_reader *m)
{
        uint32_t code = msg_get_u32(m);

        msg_get_bytes16(m);
        if (msg_close(m) < 0)
                return -EBADMSG;
        /* What arrived meanwhile was dropped, and nobody can tell which: send all of it again. */
        if (f->stopped && code == 0 && f->n_sent > 0) {
                f->again = f->first_seq + f->n_sent - 1;
                f->n_sent = 0;
        }
        f->stopped = -(int)(code & INT32_MAX);
        return 0;
}

static int hear_welcome(struct feed *f, struct msg_reader *m, struct err *err)
{
        uint64_t run = msg_get_u64(m), last = msg_get_u64(m);
        uint32_t inflight = msg_get_u32(m);
        struct span host = msg_get_bytes8(m);
        int r = msg_close(m);

        if (r < 0)
                return r;
        if (run == 0 || inflight == 0 || !entry_host_ok(host))
                return err_set(err, -EPROTO, "the recorder's welcome makes no sense");
        if (run != f->run || f->n == 0) { /* a process that resumes goes on after what is held */
                f->first_seq = last + 1;  /* what is queued goes out under the new run */
                f->acked = last;
        }
        f->greeting = false;
        f->run = run;
        f->held = last;
        f->max_inflight = (uint32_t)MIN_OF(inflight, (uint32_t)LEDGER_WINDOW);
        memcpy(f->host, host.p, host.n);
        f->host[host.n] = '\0';
        return 0;
}

int feed_hear(struct feed *f, struct span packet, struct err *err)
{
        enum msg_type type;
        struct msg_reader m;
        int r;

        r = msg_open(packet, &m, &type, err);
        if (r < 0)
                return r;
        if ((type == MSG_WELCOME) != f->greeting && type != MSG_STOPPED)
                return err_set(err, -EPROTO, "an unexpected message of type %d", type);
        switch (type) {
        case MSG_WELCOME:
                return hear_welcome(f, &m, err);
        case MSG_ACK:
                return hear_ack(f, &m, err);
        case MSG_NAK:
                return hear_nak(f, &m, err);
        case MSG_REPLY:
                return hear_reply(f, &m);
        case MSG_STOPPED:
                return hear_stopped(f, &m);
        default:
                return err_set(err, -EPROTO, "an unexpected message of type %d", type);
        }
}
