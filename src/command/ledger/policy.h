/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - a written retention policy, retention.yaml(5): may this entry go?  Floor 3.
 *
 * The file is read here and parsed by assay-job; the digest is of exactly the bytes it parsed. */
#ifndef COMMAND_LEDGER_POLICY_H
#define COMMAND_LEDGER_POLICY_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "crypto/sha256.h"
#include "loop/conffile.h"
#include "wire/retention_fact.h"

enum { POLICY_FILE_MAX = 1 << 20 };

struct policy {
        const char *name; /* without directories; of the path that was given */
        uint8_t digest[SHA256_LEN];
        bool has_base;
        struct retention_fact base;
        struct retention_fact *rules; /* kinds, classes and holds, as they were told */
        size_t n_rules;
        struct conffile_faults faults;
};

void policy_init(struct policy *p);
void policy_done(struct policy *p);

/* -EINVAL: there are faults; err has the first one. */
MUST_USE int policy_load(const char *path, const struct clock *clock, struct policy *p,
                         struct err *err);
/* One fact of the job; ctx is the policy. */
int policy_take(void *ctx, struct span json);

/* Whether the policy wants an entry of this kind ("" when it has none) and OCSF class (0: none)
 * kept; *ret_why is what says so. */
bool policy_keeps(const struct policy *p, struct span kind, unsigned class_uid, int64_t wall_ns,
                  int64_t now_ns, const struct retention_fact **ret_why);
/* "keep 400d", "class 1008: 800d, line 7", "session.*: 730d, line 6", "hold "case 17", line 12". */
void policy_put_why(const struct retention_fact *why, struct buf *out);

#endif
