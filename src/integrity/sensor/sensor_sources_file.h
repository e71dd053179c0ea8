/* SPDX-License-Identifier: Apache-2.0 */
/* sensor_sources_file.h - reading what nobody but root may have written.  Floor 3. */
#ifndef INTEGRITY_SENSOR_SOURCES_FILE_H
#define INTEGRITY_SENSOR_SOURCES_FILE_H

#include "base/base.h"
#include "base/err.h"

/* All of a file of at most max bytes; *ret is the caller's to free.  Links are not followed.
 * -EACCES: no file, or others than root and the caller may write it; -E2BIG; -ENOMEM. */
MUST_USE int lists_read_file(int dirfd, const char *path, size_t max, uint8_t **ret, size_t *ret_n,
                             struct err *err);

#endif
