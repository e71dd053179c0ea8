/* SPDX-License-Identifier: Apache-2.0 */
/* api_served.h - what gateways serve from here on, as deploy, rollback and withdraw say it.  Floor
 * 3. */
#ifndef COMMAND_API_SERVED_H
#define COMMAND_API_SERVED_H

#include "command/api_registry.h"

/* "deployed accounts 1.4.0 (before: 1.3.9), generation 12"; is_new: something has changed. */
enum status api_served_report(const struct api_registry *x, const char *what, bool is_new);

#endif
