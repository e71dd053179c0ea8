/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_hold.c - assay ledger hold: a legal hold keeps a subject's values from erasure. */
#include "command/ledger/ledger_group.h"
#include "command/running/admin.h"
#include "wire/json.h"

struct hold_options {
        const char *reason;
        bool lift;
};

static const struct option_spec hold_specs[] = {
        { "reason", 'r', OPTION_TEXT, offsetof(struct hold_options, reason), "TEXT",
          "why, kept in the ledger; required" },
        { "lift", 0, OPTION_FLAG, offsetof(struct hold_options, lift), NULL,
          "lift the hold instead of setting it" },
        { 0 },
};

static enum status run(struct invocation *in)
{
        const struct hold_options *o = in->options;
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (!o->reason)
                return complain(in, STATUS_USAGE, "--reason TEXT is missing");
        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "reason", o->reason);
        command_put_json_text(&w, "state", o->lift ? "lifted" : "set");
        command_put_json_text(&w, "subject", in->operands[0]);
        json_end_object(&w);
        return admin_run(in, "hold", buf_span(&args), o->lift ? "hold lifted" : "hold set");
}

const struct command command_ledger_hold = {
        .name = "hold",
        .operands = "LABEL|ID",
        .about = "set or lift a legal hold on a subject of this host's ledger",
        .help = "While it is set, assay erase refuses the subject.",
        .options = hold_specs,
        .options_size = sizeof(struct hold_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
