/* SPDX-License-Identifier: Apache-2.0 */
/* unanswered.h - what to say when a process of this host does not answer, and what helps.  Floor 3.
 */
#ifndef COMMAND_RUNNING_UNANSWERED_H
#define COMMAND_RUNNING_UNANSWERED_H

#include "base/base.h"
#include "base/err.h"

/* *err says why its socket could not be reached; who is "sensor" or "recorder".  Returns err's
 * code, or code where err is NULL. */
int unanswered(const char *who, int code, struct err *err);

#endif
