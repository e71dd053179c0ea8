/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_change_key.c - assay change key: a key that signs lists of paths. */
#include "command/change/change_list.h"
#include "ledger/signing/keys.h"
#include "wire/json.h"
#include "wire/note.h"

#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int make_key(const char *name, const char *path, struct note_vkey *ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *s = NULL;
        CLEANUP_FD int dir = -1;
        char *dir_part = strdup(path), *base_part = strdup(path);
        int r = dir_part && base_part ? 0 : err_sys(err, -ENOMEM, "%s", path);

        if (r == 0) {
                dir = open(dirname(dir_part), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (dir < 0)
                        r = err_sys(err, -errno, "%s", path);
        }
        if (r == 0)
                r = keys_generate_file(dir, &io_kernel, basename(base_part), span_str(name), err);
        if (r == 0)
                r = keys_load_file(dir, &io_kernel, basename(base_part), &s, err);
        if (r == 0)
                signer_vkey(s, ret);
        free(dir_part);
        free(base_part);
        return r;
}

static enum status run(struct invocation *in)
{
        CLEANUP(buf_done) struct buf vkey_text = BUF_INIT(NOTE_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct note_vkey vkey;
        struct json_writer w;
        struct err err = { 0 };

        if (make_key(in->operands[0], in->operands[1], &vkey, &err) < 0)
                return complain_err(in, &err);
        note_vkey_put(&vkey_text, &vkey);
        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_string(&w, "vkey", buf_span(&vkey_text));
                json_end_object(&w);
        } else {
                buf_put(&out, buf_span(&vkey_text));
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

const struct command command_change_key = {
        .name = "key",
        .operands = "NAME FILE",
        .about = "make a key that signs lists of paths, and print its public half",
        .help = "FILE gets the private key, readable by its owner alone, and must not be there yet.\n"
                "NAME is who signs, like deploy.example.org.  What is printed is the verifier key:\n"
                "hosts that are to believe its lists need it.",
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
