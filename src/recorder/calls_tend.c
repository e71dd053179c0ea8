/* SPDX-License-Identifier: Apache-2.0 */
/* calls_tend.c - open calls that nobody is going to tell the outcome of get api.unknown. */
#include "loop/log.h"
#include "recorder/recorder_priv.h"

enum { AT_ONCE = 256 }; /* of one look, so that writers do not wait for all */

/* A run that the ledger has forgotten is answered with a new one. */
static bool may_come_back(void *ctx, uint64_t run)
{
        const struct recorder *r = ctx;

        for (int role = 0; role <= ROLE_KEYS; role++)
                if (ledger_last_seq(r->ledger, recorder_wal_run(run, (enum role_id)role)) > 0)
                        return true;
        return false;
}

void calls_tend(struct recorder *r)
{
        int64_t now = clock_mono(r->clock);
        const struct call *call;
        const char *reason;
        unsigned n = 0;

        while (n < AT_ONCE && !r->full && !r->stop_code &&
               (call = calls_due(&r->calls, now, r->silence_ns, &reason))) {
                if (own_unknown(r, call, reason) < 0)
                        break; /* it stays open: later, or after a restart */
                calls_close(&r->calls, call);
                n++;
        }
        if (n)
                log_event(LOG_LEVEL_WARNING, "recorder.unknown", log_u64("calls", n),
                          log_u64("open", r->calls.n));
        calls_forget(&r->calls, may_come_back, r);
}

int calls_close_all(struct recorder *r, struct err *err)
{
        const struct call *call;
        int rc;

        while ((call = calls_any(&r->calls))) {
                rc = own_unknown(r, call, "succeeded");
                if (rc < 0)
                        return err_set(err, rc, "%u calls are open: %s", r->calls.n, strerror(-rc));
                calls_close(&r->calls, call);
        }
        return 0;
}
