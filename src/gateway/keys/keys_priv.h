/* SPDX-License-Identifier: Apache-2.0 */
/* keys_priv.h - what the files of assay-keys share.  Floor 3.
 *
 *   keys.c         coming up, looking at what is deployed, fetching, going down
 *   keys_wanted.c  which urls, and when (pure)
 *   keys_fetch.c   libcurl
 *   keys_open.c    what it needs rights for
 *   keys_set.c     one set: its file, what was fetched
 *   keys_sweep.c   files of sets that nothing names any more
 *   keys_tell.c    what the ledger shall have, and the status file
 *
 * One set:
 *
 *            due                answer, the same          entry is durable
 *   IDLE ----------> FETCHING --------------------> IDLE <------------------ WAITS
 *                       |  answer, another set                                 ^
 *                       `------------------------------------------------------'
 *                          (a fetch that fails: IDLE, and sooner due)
 *
 * While it waits for the ledger it is not fetched, and gateways have what was there before. */
#ifndef GATEWAY_KEYS_PRIV_H
#define GATEWAY_KEYS_PRIV_H

#include "gateway/authentication/jwks.h"
#include "gateway/keys/keys.h"
#include "gateway/keys/keys_fetch.h"
#include "ledger/feed/feed.h"
#include "loop/loop.h"
#include "loop/notify.h"
#include "loop/presence.h"
#include "package/registry/registry_config.h"
#include "sys/io.h"

#include <limits.h>

enum keys_tell { TELL_NOTHING, TELL_CHANGED, TELL_FAILING, TELL_GOOD };

struct keys_set {
        struct keys *of;
        struct keys_wanted wanted;
        struct keys_time time;
        struct keys_fetch *fetch; /* NULL: none runs */
        bool have;                /* there is a file, as follows */
        uint8_t digest[JWKS_DIGEST];
        uint32_t n_keys, n_left_out;
        int64_t good_ns;  /* wall: when it was had last; 0: never */
        int64_t since_ns; /* wall: of the first failure in a row; 0: none */
        bool told;        /* that it fails, with an entry */
        char why[256];    /* of the last failure; "" */
        /* What was fetched and waits for the ledger. */
        struct buf fresh; /* n 0: nothing */
        uint8_t fresh_digest[JWKS_DIGEST];
        uint32_t n_fresh, n_fresh_left_out;
        enum keys_tell tell;
};

struct keys {
        const struct keys_options *o;
        char registry[PATH_MAX], own[PATH_MAX], recorder[PATH_MAX];
        struct registry_config config;
        struct span vkeys[REGISTRY_KEYS_MAX];
        size_t n_vkeys;
        uint8_t *ca;
        size_t n_ca;
        int registry_fd, own_fd, ask_fd;
        uid_t gateway; /* whose questions are heard, besides root's */
        struct live *live;
        struct keys_fetcher *fetcher;
        struct keys_wanted *wanted;           /* KEYS_URLS_MAX: what is deployed now */
        struct keys_set *sets[KEYS_URLS_MAX]; /* ascending by name */
        uint32_t n, n_left_out;
        int64_t swept_ns; /* monotonic; 0: not yet */
        struct loop *loop;
        struct loop_source *tick, *ask;
        struct loop_sender asked; /* whose signal ends it */
        struct notify notify;
        struct presence presence;
        struct sandbox_state sandbox;
        /* keys_tell.c's */
        struct feed *feed;
        uint64_t run; /* that the recorder gave us; 0: none yet */
        struct loop_source *feed_source;
        struct keys_set *telling; /* whose entry is under way: one at a time */
        uint64_t told_seq;        /* of it; 0: nothing is */
        enum keys_tell told_what;
        uint64_t n_asked, n_ignored; /* questions */
        int64_t status_ns;           /* monotonic */
        bool status_due;
};

/* ---- keys_open.c ---- */

/* While we are root, where we are: registry.yaml, authorities, directories, the socket. */
MUST_USE int keys_open(struct keys *k, struct err *err);
void keys_close(struct keys *k);

/* ---- keys_set.c ---- */

MUST_USE int keys_set_new(struct keys *k, const struct keys_wanted *w, struct keys_set **ret);
struct keys_set *keys_set_free(struct keys_set *s);
/* What was fetched, or why not. */
void keys_set_take(struct keys_set *s, int r, struct span body, const struct err *err);
/* Its entry is durable, so it is what gateways get. */
void keys_set_put(struct keys_set *s);

/* ---- keys_sweep.c ---- */

/* What is deployed is known: other sets go a day after they were had last. */
void keys_sweep(const struct keys *k);

/* ---- keys_tell.c ---- */

MUST_USE int keys_tell_open(struct keys *k, struct err *err);
void keys_tell_done(struct keys *k);
/* Something is to be told, or the recorder may be back. */
void keys_tell(struct keys *k);
/* Every second: connection, signs of life, status. */
void keys_tell_tick(struct keys *k);
/* A set that goes is nobody's to tell. */
void keys_tell_forget(struct keys *k, const struct keys_set *s);

#endif
