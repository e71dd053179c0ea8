/* SPDX-License-Identifier: Apache-2.0 */
/* deny_flag.h - setting flags, and taking off those that are ours, with or without a sensor.
 * Floor 3.
 *
 * Who sets a flag waits for whoever writes to the file, or reads it in some ways, and who looks for
 * a name for whoever has its directory: so hands do that (hands.h; NULL: it is waited for).
 * -ETIMEDOUT: it is kept locked, and may be done yet; -EUSERS: too much is, and nothing was done.
 */
#ifndef INTEGRITY_DENY_FLAG_H
#define INTEGRITY_DENY_FLAG_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/record.h"

struct frozen_file;
struct fs_stat;
struct hands;

/* Open what is at path, which is name in dirfd, for looking and for its flags: no link is followed.
 * A descriptor, or a negative errno. */
MUST_USE int deny_flag_open(struct hands *h, struct span path, int dirfd, const char *name);
/* As inodeflag_set_immutable() of what is open and at path. */
MUST_USE int deny_flag_put(struct hands *h, struct span path, int fd, bool immutable);
/* Was one of these not done at path, and has not come back? */
bool deny_flag_waits(struct hands *h, struct span path);

/* What statx(2) says of a path without a link in it. */
MUST_USE int deny_flag_stat(struct hands *h, struct span path, struct fs_stat *ret);

/* The state of this file, if it is the one that was frozen; and the same with its flag off.
 * -ENOENT: nothing is there, or its filesystem is not mounted; -ESTALE: another file is. */
MUST_USE int deny_flag_look(struct hands *h, const struct frozen_file *x, struct record *ret);
MUST_USE int deny_flag_clear(struct hands *h, const struct frozen_file *x, struct record *ret);

/* Without a sensor: all flags of the list in this state directory, which is written anew with what
 * is left.  fn is called for each that stays, with why. */
struct deny_flag_sums {
        uint64_t lifted, missing, failed;
};
typedef void deny_flag_fn(void *ctx, struct span path, int error);
MUST_USE int deny_flag_clear_all(int dirfd, deny_flag_fn *fn, void *ctx, struct deny_flag_sums *ret,
                                 struct err *err);

#endif
