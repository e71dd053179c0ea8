/* SPDX-License-Identifier: Apache-2.0 */
/* open_source.h - a published ledger by the name a person gives it: directory, archive or URL.
 * Floor 3. */
#ifndef COMMAND_LOG_OPEN_SOURCE_H
#define COMMAND_LOG_OPEN_SOURCE_H

#include "base/base.h"
#include "base/err.h"
#include "ledger/read/source.h"

enum place_sort { PLACE_NONE, PLACE_DIRECTORY, PLACE_ARCHIVE, PLACE_URL };

struct opened {
        enum place_sort sort;
        const char *name; /* borrowed until there is a source */
        int fd;           /* of a directory or an archive */
        int room;         /* what an archive is unpacked into */
        struct source *source;
};

/* Nothing of it is read yet. */
MUST_USE int open_place(const char *name, struct opened *ret, struct err *err);
/* Then its source is there.  Takes no right but that of reading below a directory. */
MUST_USE int open_read(struct opened *o, struct err *err);

void opened_done(struct opened *o); /* fine on a zeroed one */

#endif
