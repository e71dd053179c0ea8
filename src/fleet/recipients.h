/* SPDX-License-Identifier: Apache-2.0 */
/* recipients.h - who of a mail's recipients has taken it (RFC 5321, 3.3).  Floor 3, pure.
 *
 * A server answers for each of them.  One that does not exist any more, or whose box is full, must
 * not keep the others from their mail, and they need not get it again because of him:
 *
 *            2xx                  5xx, or 4xx for longer than RECIPIENT_PATIENCE_S
 *   HAS <----------- WAITS -----------------------------------------------> REFUSED
 *                    |   ^
 *                    '---' 4xx
 *
 * It counts only where somebody has it; else it is the server that does not work. */
#ifndef FLEET_RECIPIENTS_H
#define FLEET_RECIPIENTS_H

#include "base/base.h"
#include "base/buf.h"
#include "wire/deliver_fact.h"

enum { RECIPIENT_PATIENCE_S = 600, RECIPIENT_WORDS_MAX = 160 };

enum recipient_state { RECIPIENT_WAITS, RECIPIENT_HAS, RECIPIENT_REFUSED };

struct recipients {
        const struct deliver_sink *sink;
        int64_t began_ns; /* monotonic: the first try of this mail */
        enum recipient_state state[DELIVER_TO_MAX];
        unsigned reply[DELIVER_TO_MAX];                      /* of this try; 0: none yet */
        char words[DELIVER_TO_MAX][RECIPIENT_WORDS_MAX + 1]; /* of a reply that refuses, safe */
        int asked; /* whose reply comes next; -1: nobody's */
};

/* Another mail. */
void recipients_begin(struct recipients *r, const struct deliver_sink *sink, int64_t now_ns);
/* Try again: forgets the replies, not who has it. */
void recipients_try(struct recipients *r);

/* A line of the dialogue: ours, the server's. */
void recipients_sent(struct recipients *r, struct span line);
void recipients_heard(struct recipients *r, struct span line);

/* What came of the try; taken: the server has taken the mail. */
void recipients_settle(struct recipients *r, bool taken, int64_t now_ns);
size_t recipients_count(const struct recipients *r, enum recipient_state state);
/* "old@example.com: 550 no such user, and ..." of those in this state; "" when there are none. */
void recipients_put(const struct recipients *r, enum recipient_state state, struct buf *out);

#endif
