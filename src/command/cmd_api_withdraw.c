/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_withdraw.c - assay api withdraw: have gateways serve an API no more. */
#include <stdio.h>
#include <stdlib.h>

#include "command/api_group.h"
#include "command/api_served.h"

struct withdraw_options {
        const char *registry, *reason;
};

static const struct option_spec withdraw_specs[] = {
        API_REGISTRY_OPTION(struct withdraw_options),
        { "reason", 'r', OPTION_TEXT, offsetof(struct withdraw_options, reason), "TEXT",
          "why; required" },
        { 0 },
};

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

static enum status withdraw(struct api_registry *x, const char *reason, struct registry_live *live)
{
        struct err err = { 0 };
        enum status status;

        api_registry_begin(x, "withdraw");
        status = api_registry_end(x, judge(x, live, &err), &err);
        if (status != STATUS_GOOD)
                return status;
        x->record->kind = REGISTRY_WITHDRAWN;
        memcpy(x->record->reason, reason, strlen(reason) + 1);
        status = api_registry_act(x);
        return status == STATUS_GOOD ? api_served_report(x, "withdrawn", true) : status;
}

static enum status run(struct invocation *in)
{
        const struct withdraw_options *o = in->options;
        struct registry_live *live;
        struct api_registry x;
        enum status status;

        if (!o->reason || !api_registry_text_ok(o->reason, REGISTRY_REASON_MAX))
                return complain(in, STATUS_USAGE,
                                "--reason TEXT is missing, or not 1 to %d bytes on one line",
                                REGISTRY_REASON_MAX);
        live = calloc(1, sizeof *live);
        if (!live)
                return complain(in, STATUS_UNSURE, "out of memory");
        status = api_registry_open(in, o->registry, API_REGISTRY_CHANGE, &x);
        if (status == STATUS_GOOD)
                status = withdraw(&x, o->reason, live);
        api_registry_close(&x);
        registry_live_done(live);
        free(live);
        return status;
}

const struct command command_api_withdraw = {
        .name = "withdraw",
        .operands = "API",
        .about = "have gateways serve an API no more",
        .help = "Its packages stay; assay api rollback has it served again.",
        .options = withdraw_specs,
        .options_size = sizeof(struct withdraw_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
