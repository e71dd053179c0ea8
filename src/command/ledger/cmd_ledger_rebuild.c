/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_rebuild.c - assay ledger rebuild: tiles and bundles again, from what is left. */
#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/verify/verify_command.h"
#include "ledger/signing/signer.h"

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

/* ---- is it whole then? ---- */

struct looking {
        const struct invocation *in;
        struct progress progress;
        uint64_t wrong;
};

static void on_report(void *ctx, const struct verify_report *r)
{
        struct looking *l = ctx;

        if (verify_severity(r->issue) != VERIFY_DAMAGE)
                return;
        l->wrong++;
        progress_stop(&l->progress);
        complain(l->in, STATUS_PROBLEM, "%s", r->text);
}

static void on_progress(void *ctx, enum verify_pass pass, uint64_t done, uint64_t total)
{
        progress_set(&((struct looking *)ctx)->progress, done, total);
}

/* What no checkpoint of today wants was not looked at while the rest was made: verify judges that,
 * too, and what it calls damage is not whole. */
static int look(const struct invocation *in, const char *dir, int public_fd, uint64_t *ret_wrong,
                struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
        CLEANUP(source_freep) struct source *source = NULL;
        struct looking l = { .in = in };
        struct verify_result result;
        struct note_vkey key;
        struct verify_options o = { .keys = &key,
                                    .n_keys = 1,
                                    .passes = VERIFY_HASH,
                                    .is_log = true,
                                    .on_report = on_report,
                                    .on_progress = on_progress,
                                    .ctx = &l };
        int status = ledger_put_vkey(dir, &text, err);

        if (status == 0)
                status = verifier_parse(buf_span(&text), &key, err);
        if (status == 0)
                status = source_dir(public_fd, dir, &source, err);
        if (status < 0)
                return status;
        o.source = source;
        progress_start(&l.progress, in->clock, "hashing entries");
        status = verify_log(&o, &result, err);
        progress_stop(&l.progress);
        *ret_wrong = l.wrong;
        return status;
}

/* ---- the command ---- */

static enum status run(struct invocation *in)
{
        CLEANUP(writing_done) struct writing writing = { 0 };
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        uint64_t files, wrong = 0;
        int status;

        status = places_ledger_or(in, 0, dir, &err);
        if (status == 0)
                status = writing_rebuild(dir, &writing, &err);
        if (status == 0)
                status = reader_open(dir, &r, &err);
        if (status == 0)
                status = look(in, dir, writing.public_fd, &wrong, &err);
        if (status < 0)
                return complain_err(in, &err);
        if (wrong)
                return STATUS_PROBLEM;
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
                "is there and wrong, one of an earlier size too, is named and left alone: keep it as\n"
                "evidence, move it away, and ask again.  Bundles are made again as far as the write-ahead log still has their\n"
                "entries; older ones have to come from a mirror or a backup.  Nobody may be writing\n"
                "to the ledger.  Without DIR, this host's ledger.",
        .max_operands = 1,
        .run = run,
};
