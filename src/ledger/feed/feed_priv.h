/* SPDX-License-Identifier: Apache-2.0 */
/* feed_priv.h - a feed's inside, shared by feed.c (queueing, sending) and feed_hear.c.
 *
 * Items leave the queue in order and only at their ACK or NAK:
 *
 *   [ acknowledged ... | sent, waiting | not sent ]
 *                      ^ first         ^ first + n_sent */
#ifndef LEDGER_FEED_PRIV_H
#define LEDGER_FEED_PRIV_H

#include "base/buf.h"
#include "ledger/feed/feed.h"
#include "ledger/writer/ledger.h"
#include "wire/entry.h"

#include <stdlib.h>

struct item {
        uint8_t *bytes; /* an entry of an APPEND message, without its sequence */
        size_t n;
};

struct feed {
        char socket[108];
        char proc[32];
        struct feed_options o;
        int fd;
        bool greeting; /* hello was said, and there was no welcome yet */
        uint64_t run, held;
        char host[ENTRY_HOST_MAX + 1];
        uint32_t max_inflight;
        int stopped;

        uint64_t first_seq; /* of item[first] */
        struct item item[LEDGER_WINDOW];
        size_t first, n, n_sent;
        size_t bytes; /* of all items */
        uint64_t acked;
        uint64_t again; /* up to here sent before a stop, and after: may be answered twice */

        struct buf out;
        uint8_t *in; /* MSG_MAX */
        bool want_write;
        int64_t beat_ns; /* when the last one was sent; 0: none over this connection */

        struct buf *reply; /* of the command in flight */
        int reply_code;
        bool replied;
};

/* Sensitive values, in clear until the recorder seals them. */
static inline void item_done(struct item *i)
{
        explicit_bzero(i->bytes, i->n);
        free(i->bytes);
        *i = (struct item){ 0 };
}

/* feed_hear.c: one packet.  While greeting nothing but a welcome may come, or a notice that it
 * stopped.  -EPROTO and others: the connection is worth nothing any more. */
MUST_USE int feed_hear(struct feed *f, struct span packet, struct err *err);

#endif
