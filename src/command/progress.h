/* SPDX-License-Identifier: Apache-2.0 */
/* progress.h - a bar on standard error while long work runs; nothing at all in a pipe.  Floor 3. */
#ifndef COMMAND_PROGRESS_H
#define COMMAND_PROGRESS_H

#include "base/base.h"
#include "base/clock.h"
#include "command/screen.h"

struct progress {
        struct screen screen;
        const struct clock *clock;
        const char *what; /* "checking entries" */
        int64_t started_ns;
        int64_t drawn_ns;
        bool shown;
};

/* Nothing is drawn during the first moment, so that short work leaves no flicker. */
void progress_start(struct progress *p, const struct clock *clock, const char *what);
/* total 0: not known. */
void progress_set(struct progress *p, uint64_t done, uint64_t total);
/* The same of files and of what is read of them: the bar is of bytes where their total is known.
 * Shows both, and how fast. */
void progress_set_files(struct progress *p, uint64_t files, uint64_t total_files, uint64_t bytes,
                        uint64_t total_bytes);
/* Take the line away. */
void progress_stop(struct progress *p);

#endif
