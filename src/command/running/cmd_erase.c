/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_erase.c - assay erase subject: destroy one subject's sensitive values, and say so. */
#include "command/commands.h"
#include "command/running/admin.h"
#include "wire/json.h"

struct erase_options {
        const char *basis;
        const char *policy;
};

static const struct option_spec erase_specs[] = {
        { "basis", 'b', OPTION_TEXT, offsetof(struct erase_options, basis), "TEXT",
          "the legal basis, kept in the ledger; required" },
        { "policy", 'p', OPTION_TEXT, offsetof(struct erase_options, policy), "FILE",
          "the written policy that asks for it; its name and digest are kept; required" },
        { 0 },
};

static enum status run_subject(struct invocation *in)
{
        const struct erase_options *o = in->options;
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;
        struct err err = { 0 };

        if (!o->basis || !o->policy)
                return complain(in, STATUS_USAGE, "--basis TEXT and --policy FILE are both needed");
        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "basis", o->basis);
        if (admin_put_policy(&w, o->policy, &err) < 0)
                return complain_err(in, &err);
        command_put_json_text(&w, "subject", in->operands[0]);
        json_end_object(&w);
        return admin_run(in, "erase", buf_span(&args), "erased");
}

static const struct command erase_subject = {
        .name = "subject",
        .operands = "LABEL|ID",
        .about = "destroy the sensitive values of one subject for good",
        .help = "The subject is named by its label (\"uid:1000\", \"user:alice\") or its id as it is\n"
                "in the ledger.  Its key and its sealed values are destroyed; entries, tiles and\n"
                "proofs stay as they are, and an entry ledger.erasure says what was done, when, by\n"
                "whom and why.  A legal hold forbids it.",
        .options = erase_specs,
        .options_size = sizeof(struct erase_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run_subject,
};

static const struct command *const erase_commands[] = { &erase_subject, NULL };

const struct command command_erase = {
        .name = "erase",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "erase the sensitive values of a subject",
        .sub = erase_commands,
};
