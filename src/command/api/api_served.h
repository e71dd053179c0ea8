/* SPDX-License-Identifier: Apache-2.0 */
/* api_served.h - what gateways serve from here on, as deploy, rollback and withdraw say it.  Floor
 * 3. */
#ifndef COMMAND_API_API_SERVED_H
#define COMMAND_API_API_SERVED_H

#include "command/api/api_registry.h"

/* How what is served is changed. */
struct api_change {
        const char *act;  /* "rollback" */
        const char *done; /* "rolled back to", before the API and its version */
        enum registry_act_kind kind;
        /* Fills x->record for the act, and live.  1: it is what is served already. */
        int (*judge)(struct api_registry *x, struct registry_live *live, struct err *err);
};

/* Judge, record, change, and say "deployed accounts 1.4.0 (before: 1.3.9), generation 12".  reason:
 * at most REGISTRY_REASON_MAX bytes; NULL: the act has none. */
enum status api_served_change(struct api_registry *x, const struct api_change *c,
                              const char *reason, struct registry_live *live);

/* ---- commands that have a reason, and no other options ---- */

struct api_reason_options {
        const char *registry, *reason;
};
extern const struct option_spec api_reason_specs[];

/* All of such a command. */
enum status api_served_run(const struct invocation *in, const struct api_change *c);

#endif
