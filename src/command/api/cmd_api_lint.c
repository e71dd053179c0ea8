/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_lint.c - assay api lint: is this directory a package? */
#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_package.h"

static void put_good(const struct invocation *in, const struct api_built *b, struct buf *out)
{
        CLEANUP(buf_done) struct buf title = BUF_INIT(TABLE_CELL_MAX);

        api_package_put_title(&b->file, &title);
        buf_put(out, buf_span(&title));
        buf_put_str(out, ": ");
        screen_put(&in->out, out, STYLE_GOOD, "good");
        buf_printf(out, ", %u file%s, %s\n", (unsigned)b->file.n_sources,
                   b->file.n_sources == 1 ? "" : "s",
                   b->lint.warnings ? "no errors" : "no errors and no warnings");
}

static void put_json(const struct api_built *b, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        if (b->whole)
                json_member_string(&w, "api", b->file.api);
        api_put_faults_json(b, &w);
        if (b->whole)
                json_member_string(&w, "version", b->file.version);
        json_member_u64(&w, "warnings", b->lint.warnings);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        static struct api_built b; /* too large for a stack */
        struct err err = { 0 };
        enum status status;

        if (api_build_dir(in->operands[0], in->clock, &b, &err) < 0)
                return complain_err(in, &err);
        if (in->json)
                put_json(&b, &out);
        else
                api_put_faults(in, &b, in->operands[0], &out);
        if (!in->json && b.whole)
                put_good(in, &b, &out);
        status = command_print(in, &out, b.whole ? STATUS_GOOD : STATUS_PROBLEM);
        api_built_done(&b);
        return status;
}

const struct command command_api_lint = {
        .name = "lint",
        .operands = "DIR",
        .about = "is this directory a package, and what is to be changed in it?",
        .help = "All faults of all files in one run, each with its line and column.  An error keeps the\n"
                "package from being built; a warning is probably not what was meant.  What files there\n"
                "are, and what is in them, is in assay-api(1).  Nothing is written.",
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
