/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - which entries a reader wants to see.  Floor 3. */
#ifndef COMMAND_LOG_FILTER_H
#define COMMAND_LOG_FILTER_H

#include "base/base.h"
#include "command/log/view.h"
#include "loop/options.h"

/* All that are given must hold; within one, any of its values. */
struct filter {
        struct option_texts kinds; /* globs on k: "integrity.*" */
        struct option_texts
                paths; /* globs on what.path and the place it was moved to; * crosses / */
        struct option_texts actors; /* user name, uid, login, subject id, process name or id */
        bool has_since, has_until;
        int64_t since_ns, until_ns; /* since <= t < until; entries without a time never match */
};

bool filter_match(const struct filter *f, const struct view *r);
/* Whether view_disclose() is needed before filter_match(). */
bool filter_needs_values(const struct filter *f);

#endif
