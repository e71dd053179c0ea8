/* SPDX-License-Identifier: Apache-2.0 */
/* policy_names.h - entities that policies name.  Floor 2, pure. */
#ifndef PACKAGE_POLICY_NAMES_H
#define PACKAGE_POLICY_NAMES_H

#include "package/policies/policy_reach.h"

/* Errors: operations, tags, data classes and APIs that there are none of.  Warnings: groups that
 * nothing puts a caller in, policies of the same @id.  -ENOMEM. */
MUST_USE int policy_check_names(const struct policy_reach *r);

#endif
