/* SPDX-License-Identifier: Apache-2.0 */
/* open_source.h - a published ledger by the name a person gives it: directory, archive or URL.
 * Floor 3. */
#ifndef COMMAND_LOG_OPEN_SOURCE_H
#define COMMAND_LOG_OPEN_SOURCE_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/source.h"

struct opened {
        int fd; /* of a directory */
        struct source *source;
};

MUST_USE int open_source(const char *name, struct opened *ret, struct err *err);
void opened_done(struct opened *o); /* fine on a zeroed one */

#endif
