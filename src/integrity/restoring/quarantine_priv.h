/* SPDX-License-Identifier: Apache-2.0 */
/* quarantine_priv.h - quarantine.c (what is put away) and quarantine_read.c (what is there) to each
 * other.  Floor 3. */
#ifndef INTEGRITY_QUARANTINE_PRIV_H
#define INTEGRITY_QUARANTINE_PRIV_H

#include "integrity/restoring/quarantine.h"

/* The names in a directory, in no order, until fn returns something else than 0. */
typedef int quarantine_name_fn(void *ctx, const char *name);
MUST_USE int quarantine_each_name(int dirfd, quarantine_name_fn *fn, void *ctx);

#endif
