/* SPDX-License-Identifier: Apache-2.0 */
/* replay_judged.h - the packages that have judged recorded calls, out of a registry.  Floor 3.
 *
 * An entry has the SHA-256 of the package, which is its name in the registry: what is found is that
 * one and no other, whoever keeps the registry. */
#ifndef COMMAND_API_REPLAY_JUDGED_H
#define COMMAND_API_REPLAY_JUDGED_H

#include "command/command.h"
#include "package/package.h"
#include "package/registry/registry.h"

enum { REPLAY_JUDGED_KEPT = 16 }; /* in memory at a time */

struct replay_judged {
        struct registry registry;
        bool is_open;
        struct replay_judge {
                bool taken;
                uint8_t sha256[PACKAGE_HASH];
                uint8_t *bytes;
                struct package *package; /* NULL: it is not there, or cannot be read */
        } at[REPLAY_JUDGED_KEPT];
        unsigned next;
};

/* path NULL: the usual registry, of which it does not matter whether it is there. */
MUST_USE int replay_judged_open(const struct invocation *in, const char *path,
                                struct replay_judged *ret, struct err *err);
void replay_judged_done(struct replay_judged *j); /* fine on a zeroed one */

/* Its document, until the next call; NULL: it is not at hand. */
const struct api *replay_judged_by(struct replay_judged *j, const uint8_t sha256[PACKAGE_HASH]);

#endif
