/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_rollback.c - assay api rollback: back to a version that was deployed before. */
#include <stdlib.h>

#include "command/api_group.h"
#include "command/api_served.h"

struct rollback_options {
        const char *registry, *reason;
};

static const struct option_spec rollback_specs[] = {
        API_REGISTRY_OPTION(struct rollback_options),
        { "reason", 'r', OPTION_TEXT, offsetof(struct rollback_options, reason), "TEXT",
          "why; required" },
        { 0 },
};

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

static enum status rollback(struct api_registry *x, const char *reason, struct registry_live *live)
{
        struct registry_record *r = x->record;
        struct err err = { 0 };
        enum status status;
        int rc;

        api_registry_begin(x, "rollback");
        rc = judge(x, live, &err);
        if (rc == 1)
                return api_served_report(x, "is deployed already:", false);
        status = api_registry_end(x, rc, &err);
        if (status != STATUS_GOOD)
                return status;
        r->kind = REGISTRY_ROLLED_BACK;
        memcpy(r->reason, reason, strlen(reason) + 1);
        status = api_registry_act(x);
        return status == STATUS_GOOD ? api_served_report(x, "rolled back to", true) : status;
}

static enum status run(struct invocation *in)
{
        const struct rollback_options *o = in->options;
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
                status = rollback(&x, o->reason, live);
        api_registry_close(&x);
        registry_live_done(live);
        free(live);
        return status;
}

const struct command command_api_rollback = {
        .name = "rollback",
        .operands = "API [VERSION]",
        .about = "have gateways serve a version again that was deployed before",
        .help = "To the version before, or to VERSION.  It needs no approval but the one that it was\n"
                "deployed with then, and the entry says which.",
        .options = rollback_specs,
        .options_size = sizeof(struct rollback_options),
        .min_operands = 1,
        .max_operands = 2,
        .run = run,
};
