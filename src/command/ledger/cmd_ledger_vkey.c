/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_vkey.c - assay ledger vkey: the key others check the ledger with. */
#include "command/ledger/ledger_group.h"
#include "command/places.h"
#include "wire/json.h"
#include "wire/note.h"

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(NOTE_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        char dir[PLACES_PATH_MAX];
        struct json_writer w;
        struct err err = { 0 };
        int status;

        status = places_ledger_or(in, 0, dir, &err);
        if (status == 0)
                status = ledger_put_vkey(dir, &vkey, &err);
        if (status < 0)
                return complain_err(in, &err);
        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_string(&w, "vkey", buf_span(&vkey));
                json_end_object(&w);
        } else {
                buf_put(&out, buf_span(&vkey));
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_ledger_vkey = {
        .name = "vkey",
        .operands = "[DIR]",
        .about = "print the verifier key",
        .help = "Reads the ledger's own key, so only its owner may ask.  Without DIR, of this host's\n"
                "ledger.",
        .max_operands = 1,
        .run = run,
};
