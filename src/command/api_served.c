/* SPDX-License-Identifier: Apache-2.0 */
/* api_served.c - see api_served.h. */
#include "command/api_served.h"

#include <inttypes.h>

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

enum status api_served_report(const struct api_registry *x, const char *what, bool is_new)
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
