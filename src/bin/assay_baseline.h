/* SPDX-License-Identifier: Apache-2.0 */
/* assay_baseline.h - the commands below assay baseline to each other.  Floor 4. */
#ifndef BIN_ASSAY_BASELINE_H
#define BIN_ASSAY_BASELINE_H

#include "command/command.h"

extern const struct command baseline_show, baseline_create, baseline_accept;

/* Ask the running sensor to take or accept one and say what came of it; operands are paths. */
enum status baseline_ask(struct invocation *in, const char *verb, const char *reason,
                         const char *done);

/* Why the trusted state could not be read, and what helps. */
enum status baseline_unreadable(const struct invocation *in, const struct err *err);

/* assay_check.c: what differs from the baseline now, without reading what looks unchanged. */
enum status check_differences(struct invocation *in);

#endif
