/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_group.h - the commands below assay ledger, and what they share.  Floor 3. */
#ifndef COMMAND_LEDGER_LEDGER_GROUP_H
#define COMMAND_LEDGER_LEDGER_GROUP_H

#include "command/command.h"
#include "ledger/publish/publisher.h"
#include "ledger/writer/ledger.h"
#include "wire/json.h"

extern const struct command command_ledger_init;
extern const struct command command_ledger_append;
extern const struct command command_ledger_checkpoint;
extern const struct command command_ledger_vkey;
extern const struct command command_ledger_proof;
extern const struct command command_ledger_rotate;
extern const struct command command_ledger_succeed;
extern const struct command command_ledger_prune;
extern const struct command command_ledger_stamp;
extern const struct command command_ledger_hold;
extern const struct command command_ledger_rebuild;

/* A ledger opened for writing by a command: no recorder holds it. */
struct writing {
        int public_fd, private_fd;
        struct ledger *ledger;
        struct vault *vault; /* NULL: the ledger has none */
        struct publisher *publisher;
        int lock_fd; /* of writing_rebuild() */
};

/* -EWOULDBLOCK with the text when a recorder or another command has it. */
MUST_USE int writing_open(const char *dir, const struct clock *clock, struct writing *ret,
                          struct err *err);
/* The published tree made whole from bundles and WAL, as the ledger's owner where root asks; only
 * the publisher is open then, so nothing can be appended.  -EWOULDBLOCK as above. */
MUST_USE int writing_rebuild(const char *dir, struct writing *ret, struct err *err);
void writing_done(struct writing *w); /* fine on a zeroed one */
/* Publish everything that is durable. */
MUST_USE int writing_publish(struct writing *w, struct err *err);

/* An entry about the ledger itself, as the recorder would write it, without src: begin, put the
 * members of "what" in order, then end, which appends and commits it. */
struct own_entry {
        struct buf text;
        struct json_writer w;
};
void own_entry_begin(struct own_entry *e, const char *kind, const struct clock *clock);
MUST_USE int own_entry_end(struct own_entry *e, struct writing *w, struct err *err);

/* Append the vkey of the ledger in dir to out, from its private key. */
MUST_USE int ledger_put_vkey(const char *dir, struct buf *out, struct err *err);

#endif
