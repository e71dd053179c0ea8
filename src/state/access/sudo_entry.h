/* SPDX-License-Identifier: Apache-2.0 */
/* sudo_entry.h - one entry of sudoers(5), a rule, aliases or defaults, to rows of sudo_rules.
 * Floor 2, pure but for memory. */
#ifndef STATE_SUDO_ENTRY_H
#define STATE_SUDO_ENTRY_H

#include "state/access/sudoers.h"
#include "state/rows/row.h"

struct sudo_reading {
        const struct state_in *in;
        struct state_out *out; /* NULL: aliases are only collected */
        struct sudoers_aliases aliases;
        unsigned files;
        size_t bytes;
        const struct state_part *part;
};

/* What is at s, which is no comment and no include; s is at the end of its line then. */
MUST_USE int sudo_read_entry(struct sudo_reading *r, struct sudoers *s);
/* Bytes before one of ends, a backslash and what is behind it together.  False: none. */
bool sudo_take_run(struct sudoers *s, const char *ends, struct span *ret);
/* As state_fault(), when rows are told. */
MUST_USE int sudo_fault(struct sudo_reading *r, uint32_t line, const char *what);

#endif
