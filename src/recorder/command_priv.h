/* SPDX-License-Identifier: Apache-2.0 */
/* command_priv.h - an administrator's commands, shared by command.c (arguments, promises, the
 * table), command_vault.c (hold, erase) and command_log.c (the rest).
 *
 * A command that changes something leaves a promise first: its arguments in pending/<verb>.  Then
 * comes the entry, then the act, then the promise goes.  One that is found at the start is run
 * again, so an entry is never the only thing that happened. */
#ifndef RECORDER_COMMAND_PRIV_H
#define RECORDER_COMMAND_PRIV_H

#include "base/text.h"
#include "recorder/command.h"
#include "recorder/recorder_priv.h"

enum { COMMAND_TEXT_MAX = 1024, COMMAND_REPLY_MAX = 16 * 1024 };

/* Members of the arguments; -EINVAL names one that is missing. */
MUST_USE int command_get_text(struct json_value args, const char *key, struct buf *ret,
                              struct err *err);
MUST_USE int command_get_u64(struct json_value args, const char *key, uint64_t *ret,
                             struct err *err);

/* A member of args, which the caller promises by name, into the entry as it is. */
void command_copy(struct own_entry *e, struct json_value args, const char *key);
/* The entry that makes it so; by may be NULL: we go on with what was asked before a restart. */
MUST_USE int command_commit(struct recorder *r, struct own_entry *e, const struct peer *by,
                            struct err *err);

MUST_USE int command_write_note(struct recorder *r, const char *path, struct span note,
                                struct err *err);
MUST_USE int command_promise(struct recorder *r, const char *verb, struct span args,
                             struct err *err);
MUST_USE int command_keep(struct recorder *r, const char *verb, struct err *err);

/* A verb: p is who asks, NULL when a promise is kept after a restart; members of the reply into w.
 */
typedef int command_run_fn(struct recorder *r, struct peer *p, struct json_value args,
                           struct json_writer *w, struct err *err);

command_run_fn command_status, command_publish, command_rotate, command_stamp, command_test,
        command_succeed;                       /* command_log.c */
command_run_fn command_api;                    /* command_api.c */
command_run_fn command_hold;                   /* command_vault.c */
extern const struct act_ops command_erase_ops; /* command_vault.c */
extern const struct act_ops command_prune_ops; /* command_prune.c */

/* Say how it ended: to the log, and to p unless it is NULL.  body is whole when rc is 0. */
void command_answer(struct recorder *r, struct peer *p, const char *verb, int rc,
                    const struct buf *body, const struct err *err);

/* A rotation's promise is keys/log.next: ledger/publish/publisher.h. */
MUST_USE int command_resume_rotation(struct recorder *r, struct err *err);

#endif
