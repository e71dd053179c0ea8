/* SPDX-License-Identifier: Apache-2.0 */
/* when.h - points in time as people type them.  Floor 3. */
#ifndef COMMAND_WHEN_H
#define COMMAND_WHEN_H

#include "base/base.h"
#include "base/err.h"

/* Understands, with now_ns for the relative ones and the local time zone where none is given:
 *   2026-11-25T18:00:00.5Z, 2026-11-25T18:00:00+01:00   RFC 3339
 *   2026-11-25, 2026-11-25 18:00, 2026-11-25 18:00:30   local; a T will do for the blank
 *   18:00, 18:00:30                                     today, local
 *   now, today, yesterday                               the last two begin at local midnight
 *   90s, 30m, 2h, 3d, 1w                                that long ago
 * -EINVAL with the forms there are. */
MUST_USE int when_parse(const char *text, int64_t now_ns, int64_t *ret_wall_ns, struct err *err);
/* The same of a time that is to come: 12h, 3d and so on are from now.  -EINVAL also for one that is
 * over. */
MUST_USE int when_until(const char *text, int64_t now_ns, int64_t *ret_wall_ns, struct err *err);

#endif
