/* SPDX-License-Identifier: Apache-2.0 */
/* trust_walk.c - the signed ledger, backwards.  See trust.h. */
#include "command/verify/trust.h"

#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/places.h"

int trust_walk(const struct invocation *in, uint64_t most, trust_walk_fn *fn, void *ctx,
               struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        CLEANUP(reader_done) struct reader r = { 0 };
        char dir[PLACES_PATH_MAX];
        struct note_vkey key;
        struct span bytes;
        int rc = places_ledger(in, dir, err);

        if (rc == 0)
                rc = ledger_put_vkey(dir, &text, err);
        if (rc == 0)
                rc = note_vkey_parse(buf_span(&text), &key, err);
        if (rc == 0)
                rc = reader_open_any(dir, &key, &r, err);
        for (uint64_t n = rc == 0 ? reader_size(&r) : 0; n > 0 && rc == 0 && most > 0;
             n--, most--) {
                rc = reader_bind(&r, n - 1, err);
                if (rc == 0)
                        rc = reader_entry(&r, n - 1, &bytes, err);
                if (rc == 0 && !fn(ctx, bytes))
                        break;
        }
        return rc == -ENODATA ? 0 : rc;
}
