/* SPDX-License-Identifier: Apache-2.0 */
/* memfile.h - bytes for a program that runs as somebody else, as a file that has no name.  Floor 1.
 */
#ifndef SYS_MEMFILE_H
#define SYS_MEMFILE_H

#include "base/base.h"
#include "base/err.h"

#include <sys/types.h>

/* A descriptor of a sealed file with these bytes, which belongs to this user and is nobody else's
 * to read, so that the user may open it again as /dev/fd/N; the caller's to close.  uid (uid_t)-1:
 * who this runs as.  Another one takes CAP_SETUID; for the moment of its making, this thread alone
 * has that user's rights on files. */
MUST_USE int memfile_new(struct span bytes, uid_t uid, struct err *err);

#endif
