/* SPDX-License-Identifier: Apache-2.0 */
/* message.h - an entry on its way to a sink: what it says in one line, how bad it is, for whom it
 * is.  Floor 3, process assay-uplink.
 *
 * Only what stands in the leaf goes out: the process cannot open the vault.
 *
 * SECURITY: entries hold paths and words that any user of the host chose; the line has them escaped
 * (text_put_safe), and formats with a syntax of their own escape again. */
#ifndef FLEET_MESSAGE_H
#define FLEET_MESSAGE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/err.h"
#include "wire/deliver_fact.h"
#include "wire/entry.h"
#include "wire/note.h"

enum { MESSAGE_TEXT_MAX = 1024, MESSAGE_JSON_MAX = ENTRY_MAX + 16 * 1024 };

struct message {
        uint64_t index;
        char origin[NOTE_NAME_MAX + 1];
        uint8_t *bytes; /* the entry's, as the ledger has them */
        size_t n;
        struct entry entry; /* points into them */
        enum deliver_severity severity;
        int64_t wall_ns; /* 0: it does not say */
        char text[MESSAGE_TEXT_MAX + 1];
};

/* Copies bytes.  -EINVAL: no object; -ENOMEM. */
MUST_USE int message_new(const char *origin, uint64_t index, struct span bytes,
                         struct message **ret, struct err *err);
struct message *message_free(struct message *m); /* NULL is fine; returns NULL */

/* Does this sink get it?  A trial goes to all; what is said of a sink does not go to it. */
bool message_is_for(const struct message *m, const struct deliver_sink *s);
/* Is it something that the uplink itself has told of a sink? */
bool message_is_own(const struct message *m);

/* {"entry":{...},"index":4711,"kind":"alert.raised","origin":"...","severity":"high","sink":"x",
 *  "text":"..."} without a newline. */
void message_put_json(const struct message *m, const char *sink, struct buf *out);

#endif
