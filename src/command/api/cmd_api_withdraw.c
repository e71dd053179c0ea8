/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_withdraw.c - assay api withdraw: have gateways serve an API no more. */
#include <stdio.h>

#include "command/api/api_group.h"
#include "command/api/api_served.h"

static int judge(struct api_registry *x, struct registry_live *live, struct err *err)
{
        const char *api = x->in->operands[0];
        int rc = package_api_ok(span_str(api)) ? registry_live(&x->r, live, err)
                                               : err_set(err, -EINVAL, "no name of an API");

        if (rc < 0)
                return rc;
        snprintf(x->record->api, sizeof x->record->api, "%s", api);
        if (!registry_live_api(live, api))
                return registry_refuse(x->record, REGISTRY_NOT_DEPLOYED, err, "%s is not deployed",
                                       api);
        registry_set_next(x->record, live);
        return 0;
}

static enum status run(struct invocation *in)
{
        static const struct api_change withdraw = {
                .act = "withdraw",
                .done = "withdrawn",
                .kind = REGISTRY_WITHDRAWN,
                .judge = judge,
        };

        return api_served_run(in, &withdraw);
}

const struct command command_api_withdraw = {
        .name = "withdraw",
        .operands = "API",
        .about = "have gateways serve an API no more",
        .help = "Its packages stay; assay api rollback has it served again.",
        .options = api_reason_specs,
        .options_size = sizeof(struct api_reason_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
