/* SPDX-License-Identifier: Apache-2.0 */
/* deny_flag.h - taking off the flags that are ours, with or without a sensor.  Floor 3. */
#ifndef INTEGRITY_DENY_FLAG_H
#define INTEGRITY_DENY_FLAG_H

#include "base/base.h"
#include "base/err.h"
#include "integrity/trusted/record.h"

struct frozen_file;

/* Open for looking and for its flags: no link is followed, nothing waited for.  A descriptor, or a
 * negative errno. */
MUST_USE int deny_flag_open(int dirfd, const char *name);

/* Take the flag off this file, if it is the one that was frozen.  *ret is its state afterwards.
 * -ENOENT: nothing is there, or its filesystem is not mounted; -ESTALE: another file is. */
MUST_USE int deny_flag_clear(const struct frozen_file *x, struct record *ret);

/* Without a sensor: all flags of the list in this state directory, which is written anew with what
 * is left.  fn is called for each that stays, with why. */
struct deny_flag_sums {
        uint64_t lifted, missing, failed;
};
typedef void deny_flag_fn(void *ctx, struct span path, int error);
MUST_USE int deny_flag_clear_all(int dirfd, deny_flag_fn *fn, void *ctx, struct deny_flag_sums *ret,
                                 struct err *err);

#endif
