/* SPDX-License-Identifier: Apache-2.0 */
/* package_entry.h - entries of package transactions: integrity.package.  Floor 3, pure. */
#ifndef INTEGRITY_PACKAGE_ENTRY_H
#define INTEGRITY_PACKAGE_ENTRY_H

#include "base/base.h"
#include "base/buf.h"

struct package;
struct who;

struct package_facts {
        int64_t wall_ns;
        const char *id;                /* of the transaction */
        const char *event;             /* begun, resumed, package, ended */
        const char *digest;            /* of begun, resumed: in hexadecimal; NULL: none */
        const struct package *package; /* of event package */
        uint64_t packages, is_signed;  /* how many; of begun and ended, of ended */
        bool uncounted;                /* of ended: nobody was there to see how many */
        uint64_t explained, unexplained;
        const char *reason;    /* how it ended; NULL but of ended */
        const struct who *who; /* who began it, of begun; NULL: not known */
};
void package_put(const struct package_facts *f, struct buf *out);

#endif
