/* SPDX-License-Identifier: Apache-2.0 */
/* trust_walk.c - the signed ledger, backwards.  See trust.h. */
#include "command/verify/trust.h"

#include "command/verify/trust_chain.h"

/* 1: fn wants no more, or it was enough. */
static int walk_one(struct trust_chain *c, uint64_t most, trust_walk_fn *fn, void *ctx,
                    struct err *err)
{
        struct span bytes;
        int rc = 0;

        for (uint64_t n = reader_size(&c->reader); n > 0 && rc == 0; n--) {
                if (most-- == 0)
                        return 1;
                rc = trust_chain_entry(c, n - 1, &bytes, err);
                if (rc == 0 && !fn(ctx, bytes))
                        return 1;
        }
        return rc == -ENODATA ? 1 : rc; /* what was pruned proves nothing any more */
}

int trust_walk(const struct invocation *in, uint64_t most, trust_walk_fn *fn, void *ctx,
               struct err *err)
{
        CLEANUP(trust_chain_done) struct trust_chain c = { 0 };
        int rc = trust_chain_open(in, true, &c, err);

        if (rc == 0)
                rc = walk_one(&c, most, fn, ctx, err);
        return MIN_OF(rc, 0);
}

int trust_walk_back(const struct invocation *in, unsigned ledgers, trust_walk_fn *fn, void *ctx,
                    struct err *err)
{
        CLEANUP(trust_chain_done) struct trust_chain c = { 0 };
        int rc = trust_chain_open(in, true, &c, err);

        if (rc == 0)
                rc = walk_one(&c, UINT64_MAX, fn, ctx, err);
        while (rc == 0 && c.depth < ledgers) {
                rc = trust_chain_before(&c, err);
                if (rc <= 0)
                        break;
                rc = walk_one(&c, UINT64_MAX, fn, ctx, err);
        }
        return MIN_OF(rc, 0);
}
