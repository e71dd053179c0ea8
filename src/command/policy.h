/* SPDX-License-Identifier: Apache-2.0 */
/* policy.h - a written retention policy: a file of which one line counts.  Floor 3, pure.
 *
 *   keep: 400d
 *
 * at the beginning of a line, with a number and d, w or h.  Everything else in the file is for
 * people (YAML, as all of Assay's configuration; its digest goes into the ledger whole). */
#ifndef COMMAND_POLICY_H
#define COMMAND_POLICY_H

#include "base/base.h"
#include "base/err.h"

/* -EINVAL: there is no such line, or two, or it cannot be read; the line is named. */
MUST_USE int policy_keep(struct span file, int64_t *ret_ns, struct err *err);

#endif
