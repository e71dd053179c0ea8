/* SPDX-License-Identifier: Apache-2.0 */
/* walk.h - the entries of a published ledger that somebody wants, in order, and those that come.
 * Floor 3.
 *
 * Which of them are wanted is found by going back from the end, so a short look at a long ledger is
 * short.  Memory does not grow with the ledger.  What cannot be read is told in its place and
 * counted; the rest is shown nevertheless. */
#ifndef COMMAND_LOG_WALK_H
#define COMMAND_LOG_WALK_H

#include "command/command.h"
#include "command/log/filter.h"
#include "command/log/reader.h"
#include "command/log/view.h"
#include "command/places.h"

/* The options that every command with a walk has. */
struct walk_options {
        struct option_texts kinds, paths, actors;
        const char *since, *until;
        struct option_u64 limit;
        bool follow;
};
/* Rows of an option table; type has a member of struct walk_options. */
#define WALK_OPTION_SPECS(type, member)                                                               \
        { "kind",       'k',                                                                          \
          OPTION_TEXTS, offsetof(type, member.kinds),                                                 \
          "GLOB",       "only kinds that match (\"integrity.*\"); repeatable" },                      \
                { "path",       'p',                                                                  \
                  OPTION_TEXTS, offsetof(type, member.paths),                                         \
                  "GLOB",       "only changes of paths that match (\"/etc/*\"); repeatable" },        \
                { "actor",      'a',                                                                  \
                  OPTION_TEXTS, offsetof(type, member.actors),                                        \
                  "WHO",        "only by this user name, uid, subject, program or pid; repeatable" }, \
                { "since",     's',                                                                   \
                  OPTION_TEXT, offsetof(type, member.since),                                          \
                  "TIME",      "only from then on: 2h, today, \"2026-11-25 18:00\", RFC 3339" },      \
        {                                                                                             \
                "until", 'u', OPTION_TEXT, offsetof(type, member.until), "TIME",                      \
                        "only before then"                                                            \
        }

struct walk {
        const struct invocation *in;
        const struct walk_options *o;
        char dir[PLACES_PATH_MAX];
        uint64_t limit; /* only so many, the newest; 0: all */
        uint64_t from;  /* only from this index on */
        bool bind;      /* prove each bundle against the checkpoint's root */
        bool seal;      /* the vault only for what the filter has to know */
        bool quiet;     /* say nothing of a succession */
        /* Append the entry in view to out.  Negative: end, and say so. */
        int (*show)(struct walk *w);
        void *ctx; /* show()'s own */

        struct reader reader;
        struct secrets secrets;
        struct filter filter;
        struct view view;
        struct buf out;
        uint64_t damaged; /* entries that could not be shown */
        uint64_t lost;    /* entries with values that the vault should have */
        bool pruned;      /* older ones are not there any more */
        struct {          /* of the damaged: a run of them in one bundle, not told yet; n 0: none */
                uint64_t first, n;
                struct err err;
        } bad;
        unsigned missing; /* bundles that are not there, in a row */
};

/* Set up dir, filter and the rest from o, which stays borrowed.  Usage errors are told: not
 * STATUS_GOOD. */
enum status walk_init(struct walk *w, const struct invocation *in, const struct walk_options *o);
void walk_done(struct walk *w);

/* Open the ledger; key as for reader_open_any().  What is wrong with it is told: not STATUS_GOOD.
 */
enum status walk_open(struct walk *w, const struct note_vkey *key);

/* All that is there, oldest first or newest first.  -EPIPE: whoever read has gone.  Other negative
 * values are of standard output, or of show(). */
MUST_USE int walk_past(struct walk *w, bool newest_first);
/* What comes, until interrupted. */
enum status walk_follow(struct walk *w);

/* Of what was shown until now: STATUS_PROBLEM where something was damaged or lost. */
enum status walk_status(const struct walk *w);
void walk_say_lost(const struct walk *w);
/* What standard output, or show(), failed with; that nobody reads any more is no failure. */
enum status walk_complain(const struct walk *w, int status);

#endif
