/* SPDX-License-Identifier: Apache-2.0 */
/* sysclock.h - the kernel's clock.  Floor 1. */
#ifndef SYS_SYSCLOCK_H
#define SYS_SYSCLOCK_H

#include "base/clock.h"

extern const struct clock sysclock;

#endif
