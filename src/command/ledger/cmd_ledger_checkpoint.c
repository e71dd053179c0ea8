/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_checkpoint.c - assay ledger checkpoint: the published, signed checkpoint. */
#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "wire/json.h"

static void put_json(const struct reader *r, struct buf *out)
{
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);
        struct json_writer w;

        text_put_base64(&root, span_of(r->checkpoint.root.b, HASH_LEN));
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "note", buf_span(&r->note));
        json_member_text(&w, "origin", r->checkpoint.origin);
        json_member_string(&w, "root", buf_span(&root));
        json_member_u64(&w, "size", r->checkpoint.size);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status run(struct invocation *in)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        int status;

        status = places_ledger_or(in, 0, dir, &err);
        if (status == 0)
                status = reader_open_apart(dir, NULL, &r, &err);
        if (status < 0)
                return complain_err(in, &err);
        if (in->json)
                put_json(&r, &out);
        else
                buf_put(&out, buf_span(&r.note));
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_ledger_checkpoint = {
        .name = "checkpoint",
        .operands = "[DIR]",
        .about = "print the published checkpoint",
        .help = "As it is published: origin, size, root and signatures.  Its signatures are judged\n"
                "by assay verify.  Without DIR, of this host's ledger.",
        .max_operands = 1,
        .run = run,
};
