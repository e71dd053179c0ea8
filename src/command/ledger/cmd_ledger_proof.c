/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_proof.c - assay ledger proof: a .tlog-proof without any disclosure. */
#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "wire/json.h"
#include "wire/tlogproof.h"

static void put_json(struct span proof, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "proof", proof);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status run(struct invocation *in)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf proof = BUF_INIT(TLOG_PROOF_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };
        uint64_t index;
        int status;

        if (text_to_u64(span_str(in->operands[1]), &index) < 0)
                return complain(in, STATUS_USAGE, "\"%s\" is not an index", in->operands[1]);
        status = reader_open_apart(in->operands[0], NULL, &r, &err);
        if (status == 0)
                status = reader_prove(&r, index, SPAN_NONE, &proof, &err);
        if (status < 0)
                return complain_err(in, &err);
        if (!in->json)
                return command_print(in, &proof, STATUS_GOOD);
        put_json(buf_span(&proof), &out);
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_ledger_proof = {
        .name = "proof",
        .operands = "DIR INDEX",
        .about = "print a .tlog-proof that the entry is in the ledger",
        .help = "From the published tiles alone.  assay prove does the same for this host's ledger\n"
                "and can put in the values of sensitive fields.",
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
