/* SPDX-License-Identifier: Apache-2.0 */
/* loose.h - git's loose objects, read more strictly than libgit2 1.5 does: that one does not end on
 * an object that is cut, and overruns on one that is longer than it says.  Floor 3.
 *
 *   objects/<2 hex digits>/<38 hex digits>: one zlib stream (RFC 1950) and nothing behind it, of
 *   "<type> <decimal size>\0" and as many bytes: type is commit, tree, blob or tag */
#ifndef JOB_LOOSE_H
#define JOB_LOOSE_H

#include "base/base.h"
#include "base/err.h"

#include <git2.h>

enum { LOOSE_HEADER_MAX = 32 };

struct loose {
        git_object_t type;
        size_t size;
        size_t header; /* bytes before the content */
};

/* -EBADMSG: no such object. */
MUST_USE int loose_header(struct span packed, struct loose *ret);
/* out has l->size bytes.  -EBADMSG: another size than it says, cut, or bytes behind; -ENOMEM. */
MUST_USE int loose_content(struct span packed, const struct loose *l, uint8_t *out);

/* Of an objects directory; libgit2 frees it.  Objects of more than max bytes are not read, but for
 * their headers.  0 or a code of libgit2. */
MUST_USE int loose_backend(const char *objects, size_t max, git_odb_backend **ret);

#endif
