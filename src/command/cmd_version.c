/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_version.c - assay version. */
#include "command/commands.h"
#include "wire/json.h"

static enum status run(struct invocation *in)
{
        struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;
        enum status status;

        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_string(&w, "version", SPAN(ASSAY_VERSION));
                json_end_object(&w);
                buf_put_byte(&out, '\n');
        } else {
                buf_put_str(&out, "assay " ASSAY_VERSION "\n");
        }
        status = command_print(in, &out, STATUS_GOOD);
        buf_done(&out);
        return status;
}

const struct command command_version = {
        .name = "version",
        .operands = "",
        .about = "print the version",
        .run = run,
};
