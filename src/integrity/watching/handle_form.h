/* SPDX-License-Identifier: Apache-2.0 */
/* handle_form.h - where the handles of a filesystem have the number of the inode.  Floor 3, pure.
 *
 * A handle is the filesystem's own affair.  But it has the number of its inode in it somewhere, and
 * that can be seen by opening some: from then on a handle need not be opened to know that nothing
 * is known of its file.  Opening costs milliseconds where the file is gone and its inode has to be
 * read from a disk first. */
#ifndef INTEGRITY_HANDLE_FORM_H
#define INTEGRITY_HANDLE_FORM_H

#include "base/base.h"
#include "sys/dirwalk.h"

enum { HANDLE_FORM_SURE = 8 }; /* different files that have agreed */

struct handle_form {
        int32_t type; /* of handles that it is about, as their length n */
        uint32_t n, at, width;
        unsigned agreed;
        uint64_t dev, ino; /* of the filesystem; of the last one */
};

/* This handle was opened, and leads to (dev, ino).  What disagrees begins anew. */
void handle_form_learn(struct handle_form *f, const struct fs_handle *h, uint64_t dev,
                       uint64_t ino);
/* The inode of a handle, once that is sure for handles like this. */
bool handle_form_inode(const struct handle_form *f, const struct fs_handle *h, uint64_t *ret_dev,
                       uint64_t *ret_ino);

#endif
