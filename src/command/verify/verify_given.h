/* SPDX-License-Identifier: Apache-2.0 */
/* verify_given.h - all that an invocation of assay verify names.  Floor 3.
 *
 * It is opened, and what is no ledger read, before anything is judged: whoever is root then gives
 * his rights away, and could open nothing any more. */
#ifndef COMMAND_VERIFY_VERIFY_GIVEN_H
#define COMMAND_VERIFY_VERIFY_GIVEN_H

#include "command/command.h"
#include "command/log/open_source.h"
#include "ledger/verify/verify.h"

enum { VERIFY_PLACES_MAX = 1 + OPTION_TEXTS_MAX };

struct verify_given {
        /* The ledger, and those that succeeded it. */
        struct opened place[VERIFY_PLACES_MAX];
        struct err failed[VERIFY_PLACES_MAX]; /* code 0: that place is open */
        size_t n;
        uint8_t *authorities; /* PEM */
        size_t authorities_n;
        struct buf earlier_text;
        struct verify_earlier earlier[OPTION_TEXTS_MAX];
        size_t n_earlier;
};

/* first is the ledger's name; the names stay borrowed.  A place that cannot be opened is told by
 * failed when its turn comes, but for the first. */
MUST_USE int verify_given_open(const struct invocation *in, const char *first,
                               struct verify_given *ret, struct err *err);
void verify_given_done(struct verify_given *g); /* fine on a zeroed one */

/* Before anything of these ledgers is read, which may be strangers' (lesser.h). */
MUST_USE int verify_given_lesser(const struct verify_given *g, struct err *err);

#endif
