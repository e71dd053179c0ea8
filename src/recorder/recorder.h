/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.h - the process that writes this host's ledger, and nothing else does.  Floor 3.
 *
 * Local writers connect to one seqpacket socket and are known by their credentials; each may write
 * only the kinds it owns.  All entries that arrive in one turn of the loop become one batch, one
 * fdatasync, then the acknowledgements.  Publishing runs in a worker.  Readers open the files; the
 * recorder never reads an entry back for anybody. */
#ifndef RECORDER_RECORDER_H
#define RECORDER_RECORDER_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"

#include <sys/types.h>

enum {
        RECORDER_BACKLOG_DEFAULT = 256 * 1024 * 1024,
        RECORDER_SILENCE_DEFAULT_S = 60,
};

struct recorder_options {
        const char *state;      /* holds ledger/ and ledger.private/ */
        const char *run;        /* for recorder.sock and recorder.status */
        const char *host;       /* name in the entries */
        const char *origin;     /* of a ledger made now; NULL: assay.invalid/<host> */
        uint32_t segment_bytes; /* 0: the default */
        uint64_t backlog_bytes; /* of the log, not published, then writers are held; 0: the default
                                 */
        uint32_t silence_s;     /* of a writer, then it is missed; 0: the default */
        uint32_t subjects;      /* that the vault may know; 0: VAULT_SUBJECTS_MAX */
        uint32_t newcomers; /* of them that a caller may make in an hour; 0: NEWCOMERS_DEFAULT */
        uid_t uplink;       /* the uplink's user where assay-net is none; 0: assay-net */
        uid_t gateway;      /* the gateways' where assay-gw is none; 0: assay-gw */
        unsigned expect;    /* bits of signs_role(): missed if they are never heard at all */
        bool keep_user;     /* stay who we are; root and our own user are let in as any role */
        const struct clock *clock;
};

/* The bit of a role that sends signs of life; 0: there is none of that name. */
unsigned signs_role(struct span name);

/* Until SIGTERM or SIGINT: 0.  Its ledger was succeeded: 1.  Anything else has been said in the
 * log: a negative errno. */
MUST_USE int recorder_run(const struct recorder_options *o);

#endif
