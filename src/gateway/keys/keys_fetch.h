/* SPDX-License-Identifier: Apache-2.0 */
/* keys_fetch.h - key sets over https, by libcurl within the loop.  Floor 3.
 *
 * A fetch is one GET on a connection of its own, to an address that is given and nowhere else.  200
 * is an answer and nothing else is: no redirect is followed.  No name is looked up, no proxy asked,
 * no cookie kept, no credential sent. */
#ifndef GATEWAY_KEYS_FETCH_H
#define GATEWAY_KEYS_FETCH_H

#include "base/err.h"
#include "gateway/keys/keys_wanted.h"
#include "loop/loop.h"

enum {
        KEYS_CONNECT_S = 5, /* of which TLS is a part */
        KEYS_TOTAL_S = 15,
        KEYS_AT_ONCE = 8,
};

struct keys_fetcher;
struct keys_fetch;
/* r 0: body is all of the answer, valid during the call.  Else err says why, in words that are safe
 * to show: -ETIMEDOUT, -E2BIG (more than max), -EIO and others. */
typedef void keys_fetched_fn(void *ctx, int r, struct span body, const struct err *err);

/* ca: PEM, borrowed; empty: the system's authorities only.  Call it before rights are given away:
 * libcurl and OpenSSL read their configuration. */
MUST_USE int keys_fetcher_new(struct span ca, size_t max, struct keys_fetcher **ret,
                              struct err *err);
/* What still runs is cancelled.  Before the loop is freed. */
struct keys_fetcher *keys_fetcher_free(struct keys_fetcher *f);
MUST_USE int keys_fetcher_attach(struct keys_fetcher *f, struct loop *l, const struct clock *clock,
                                 struct err *err);

/* -EBUSY: KEYS_AT_ONCE run; -EINVAL: no url that can be fetched.  done is called once, later. */
MUST_USE int keys_fetch_start(struct keys_fetcher *f, const struct keys_wanted *w,
                              keys_fetched_fn *done, void *ctx, struct keys_fetch **ret,
                              struct err *err);
/* done is not called any more.  NULL is fine; returns NULL. */
struct keys_fetch *keys_fetch_cancel(struct keys_fetch *x);

#endif
