/* SPDX-License-Identifier: Apache-2.0 */
/* replay_ledgers.h - the ledgers that recorded calls are read from.  Floor 3.
 *
 * Those that somebody names, and before each of them the one that it succeeded: its first entry
 * cites origin, size and root of that.  By these it is known, among the named ones or beside it, as
 * NAME.1, NAME.2 and so on.  One that is cited by a ledger whose checkpoint was signed needs no
 * signature of its own: the other's is over its root.
 *
 * SECURITY: entries are other people's bytes. */
#ifndef COMMAND_REPLAY_LEDGERS_H
#define COMMAND_REPLAY_LEDGERS_H

#include "command/command.h"
#include "command/log/reader.h"
#include "wire/json.h"

enum { REPLAY_LEDGERS_MAX = 128 };

/* Of the calls of one ledger. */
struct replay_tally {
        uint64_t calls, same, otherwise, open;
};

struct replay_ledger {
        struct replay_ledger *before; /* that it succeeded; NULL: none, or it is not here */
        bool goes_on;                 /* another one here succeeds it */
        bool is_signed;
        bool is_taken;           /* has its place in the order */
        bool cites;              /* a ledger before it */
        struct checkpoint cited; /* of that; without extensions */
        bool has_time;
        int64_t opened_ns; /* its first entry */
        struct reader reader;
        struct replay_tally tally;
        char name[]; /* as it was given, or where it was found */
};

struct replay_ledgers {
        struct replay_ledger *at[REPLAY_LEDGERS_MAX]; /* each behind the one that it succeeded */
        uint32_t n;
};

/* Open them; keys empty: signatures are not judged.  -EEXIST: one of them is there twice; -E2BIG:
 * there are more than REPLAY_LEDGERS_MAX; what the reader of any of them says.  ret is to be done
 * with in any case. */
MUST_USE int replay_ledgers_open(const char *const *names, size_t n, const struct note_vkey *keys,
                                 size_t n_keys, struct replay_ledgers *ret, struct err *err);
void replay_ledgers_done(struct replay_ledgers *l); /* fine on a zeroed one */

/* A row of each, and one of all where there are several. */
void replay_ledgers_put(const struct replay_ledgers *l, const struct screen *s, struct buf *out);
/* "ledgers": [...] */
void replay_ledgers_put_json(const struct replay_ledgers *l, struct json_writer *w);

#endif
