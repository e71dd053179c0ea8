/* SPDX-License-Identifier: Apache-2.0 */
/* api_served.c - see api_served.h. */
#include "command/api/api_served.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"

static void put_json(const struct registry_record *r, bool is_new, struct buf *out)
{
        static const uint8_t none[PACKAGE_HASH];
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_text(&w, "api", r->api);
        json_member_u64(&w, "generation", r->generation);
        json_member_bool(&w, "new", is_new);
        if (r->previous[0])
                json_member_text(&w, "previous", r->previous);
        if (memcmp(r->sha256, none, sizeof none) != 0)
                api_registry_put_hash(&w, "sha256", r->sha256);
        if (r->version[0])
                json_member_text(&w, "version", r->version);
        json_end_object(&w);
}

/* is_new: something has changed. */
static enum status report(const struct api_registry *x, const char *what, bool is_new)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct registry_record *r = x->record;

        if (x->in->json) {
                put_json(r, is_new, &out);
        } else {
                buf_printf(&out, "%s %s%s%s", what, r->api, r->version[0] ? " " : "", r->version);
                if (r->previous[0])
                        buf_printf(&out, " (before: %s)", r->previous);
                buf_printf(&out, ", generation %" PRIu64, r->generation);
        }
        buf_put_byte(&out, '\n');
        return command_print(x->in, &out, STATUS_GOOD);
}

enum status api_served_change(struct api_registry *x, const struct api_change *c,
                              const char *reason, struct registry_live *live)
{
        struct err err = { 0 };
        enum status status;
        int rc;

        api_registry_begin(x, c->act);
        rc = c->judge(x, live, &err);
        if (rc == 1)
                return report(x, "is deployed already:", false);
        status = api_registry_end(x, rc, &err);
        if (status != STATUS_GOOD)
                return status;
        x->record->kind = c->kind;
        if (reason)
                memcpy(x->record->reason, reason, strlen(reason) + 1);
        status = api_registry_act(x);
        return status == STATUS_GOOD ? report(x, c->done, true) : status;
}

const struct option_spec api_reason_specs[] = {
        API_REGISTRY_OPTION(struct api_reason_options),
        { "reason", 'r', OPTION_TEXT, offsetof(struct api_reason_options, reason), "TEXT",
          "why; required" },
        { 0 },
};

enum status api_served_run(const struct invocation *in, const struct api_change *c)
{
        const struct api_reason_options *o = in->options;
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
                status = api_served_change(&x, c, o->reason, live);
        api_registry_close(&x);
        registry_live_done(live);
        free(live);
        return status;
}
