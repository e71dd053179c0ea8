/* SPDX-License-Identifier: Apache-2.0 */
/* attempt_calls.h - the system calls of this architecture that change a file, and which of their
 * arguments says what; for the eBPF program and for audit rules.  Floor 1, pure. */
#ifndef SYS_ATTEMPT_CALLS_H
#define SYS_ATTEMPT_CALLS_H

#include "base/base.h"

struct attempt_call; /* bpf/attempt.h; its op is an enum attempt_op */

/* One after the other: NULL after the last. */
const struct attempt_call *attempt_call_at(size_t i, uint32_t *ret_number);
/* NULL: none of them. */
const struct attempt_call *attempt_call_of(uint32_t number);

#endif
