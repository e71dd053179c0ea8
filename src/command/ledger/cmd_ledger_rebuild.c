/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_rebuild.c - assay ledger rebuild: tiles and bundles again, from what is left. */
#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "command/verify/verify_command.h"

static void put_json(const struct checkpoint *c, uint64_t files, const char *root, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "files", files);
        json_member_text(&w, "origin", c->origin);
        json_member_text(&w, "root", root);
        json_member_u64(&w, "size", c->size);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_text(const struct checkpoint *c, uint64_t files, const char *root, struct buf *out)
{
        buf_printf(out, "WHOLE  %s", c->origin);
        verify_put_number(out, ", ", c->size, "entry", "entries");
        buf_printf(out, "\nroot   %s", root);
        verify_put_number(out, "\nmade   ", files, "file", "files");
        buf_put_byte(out, '\n');
}

static enum status run(struct invocation *in)
{
        CLEANUP(writing_done) struct writing writing = { 0 };
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        uint64_t files;
        int status;

        status = places_ledger_or(in, 0, dir, &err);
        if (status == 0)
                status = writing_rebuild(dir, &writing, &err);
        if (status == 0)
                status = reader_open(dir, &r, &err);
        if (status < 0)
                return complain_err(in, &err);
        files = publisher_files_made(writing.publisher);
        text_put_base64(&root, span_of(r.checkpoint.root.b, HASH_LEN));
        if (in->json)
                put_json(&r.checkpoint, files, buf_cstr(&root), &out);
        else
                put_text(&r.checkpoint, files, buf_cstr(&root), &out);
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_ledger_rebuild = {
        .name = "rebuild",
        .operands = "[DIR]",
        .about = "make missing tiles and bundles again",
        .help = "Reads every bundle and the write-ahead log, holds their root against the last signed\n"
                "checkpoint, and only then makes the tiles and bundles that are missing.  A file that\n"
                "is there and wrong is named and left alone: keep it as evidence, move it away, and\n"
                "ask again.  Bundles are made again as far as the write-ahead log still has their\n"
                "entries; older ones have to come from a mirror or a backup.  Nobody may be writing\n"
                "to the ledger.  Without DIR, this host's ledger.",
        .max_operands = 1,
        .run = run,
};
