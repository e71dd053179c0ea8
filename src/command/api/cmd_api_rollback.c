/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_rollback.c - assay api rollback: back to a version that was deployed before. */
#include "command/api/api_group.h"
#include "command/api/api_served.h"

/* 1: it is what is served. */
static int judge(struct api_registry *x, struct registry_live *live, struct err *err)
{
        const struct invocation *in = x->in;
        const char *api = in->operands[0], *version = in->n_operands > 1 ? in->operands[1] : NULL;
        const struct live_api *now;
        int rc =
                package_api_ok(span_str(api)) && (!version || package_version_ok(span_str(version)))
                        ? registry_live(&x->r, live, err)
                        : err_set(err, -EINVAL, "no name of an API, or no version");

        if (rc == 0)
                rc = registry_judge_rollback(&x->r, api, version, live, x->record, err);
        if (rc < 0)
                return rc;
        now = registry_live_api(live, api);
        if (now && memcmp(now->sha256, x->record->sha256, PACKAGE_HASH) == 0) {
                x->record->generation = live->generation;
                x->record->previous[0] = '\0';
                return 1;
        }
        return registry_judge_open(&x->r, &x->config, x->record, err);
}

static enum status run(struct invocation *in)
{
        static const struct api_change rollback = {
                .act = "rollback",
                .done = "rolled back to",
                .kind = REGISTRY_ROLLED_BACK,
                .judge = judge,
        };

        return api_served_run(in, &rollback);
}

const struct command command_api_rollback = {
        .name = "rollback",
        .operands = "API [VERSION]",
        .about = "have gateways serve a version again that was deployed before",
        .help = "To the version before, or to VERSION.  It needs no approval but the one that it was\n"
                "deployed with then, and the entry says which.",
        .options = api_reason_specs,
        .options_size = sizeof(struct api_reason_options),
        .min_operands = 1,
        .max_operands = 2,
        .run = run,
};
