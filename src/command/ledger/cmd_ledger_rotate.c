/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_rotate.c - assay ledger rotate: a new signing key, vouched for by the old one. */
#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/running/admin.h"
#include "ledger/signing/keys.h"
#include "wire/json.h"

struct rotate_options {
        const char *reason;
};

static const struct option_spec rotate_specs[] = {
        { "reason", 'r', OPTION_TEXT, offsetof(struct rotate_options, reason), "TEXT",
          "why, kept in the ledger; required" },
        { 0 },
};

static int vkey_of(int private_fd, const char *file, struct note_vkey *ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *key = NULL;
        int status = keys_load(private_fd, &io_kernel, file, &key, err);

        if (status == 0)
                signer_vkey(key, ret);
        return status;
}

static int record(const struct invocation *in, struct writing *w, const struct note_vkey *old,
                  struct span vkey, struct err *err)
{
        const struct rotate_options *o = in->options;
        char keyid[2 * NOTE_KEYID + 1];
        struct own_entry e;

        text_hex(span_of(old->keyid, NOTE_KEYID), keyid);
        own_entry_begin(&e, "ledger.key_rotated", in->clock);
        command_put_json_text(&e.w, "old_keyid", keyid);
        command_put_json_text(&e.w, "reason", o->reason);
        json_member_string(&e.w, "vkey", vkey);
        return own_entry_end(&e, w, err);
}

/* A key that a crash left behind is used now. */
static int new_key(struct writing *w, struct note_vkey *old, struct note_vkey *new, struct err *err)
{
        int status = vkey_of(w->private_fd, "log", old, err);

        if (status == 0)
                status = keys_generate(w->private_fd, &io_kernel, "log.next",
                                       span_str(ledger_origin(w->ledger)), err);
        if (status == 0 || status == -EEXIST)
                status = vkey_of(w->private_fd, "log.next", new, err);
        return status;
}

static int rotate(const struct invocation *in, struct writing *w, struct buf *vkey, struct err *err)
{
        struct note_vkey old, new;
        int status;

        /* A change that was cut off behind its entry is finished first: that key is spoken for. */
        status = writing_publish(w, err);
        if (status == 0)
                status = new_key(w, &old, &new, err);
        if (status == 0)
                status = publisher_await_rotation(w->publisher, err);
        if (status < 0)
                return status;
        note_vkey_put(vkey, &new);
        status = record(in, w, &old, buf_span(vkey), err);
        if (status < 0)
                return status;
        status = writing_publish(w, err);
        if (status < 0)
                err_wrap(err, "the entry is durable and the next command that writes finishes the "
                              "change");
        return status;
}

static enum status rotate_dir(const struct invocation *in)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(NOTE_MAX);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer json;
        struct err err = { 0 };
        int status;

        status = writing_open(in->operands[0], in->clock, &w, &err);
        if (status == 0)
                status = rotate(in, &w, &vkey, &err);
        if (status < 0)
                return complain_err(in, &err);
        if (in->json) {
                json_writer_init(&json, &out);
                json_begin_object(&json);
                json_member_string(&json, "vkey", buf_span(&vkey));
                json_end_object(&json);
        } else {
                buf_put(&out, buf_span(&vkey));
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

static enum status rotate_host(const struct invocation *in)
{
        const struct rotate_options *o = in->options;
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "reason", o->reason);
        json_end_object(&w);
        return admin_run(in, "rotate", buf_span(&args), "rotated");
}

static enum status run(struct invocation *in)
{
        const struct rotate_options *o = in->options;

        if (!o->reason)
                return complain(in, STATUS_USAGE, "--reason TEXT is missing");
        return in->n_operands ? rotate_dir(in) : rotate_host(in);
}

const struct command command_ledger_rotate = {
        .name = "rotate",
        .operands = "[DIR]",
        .about = "sign with a new key from now on, and print its verifier key",
        .help = "The change is an entry, and one checkpoint carries both signatures: whoever has the\n"
                "old verifier key can follow (assay verify does).  Without DIR, this host's running\n"
                "recorder changes its key; with DIR, a ledger that no recorder holds.  Once the entry\n"
                "is in the ledger the change happens: where it was cut off, whatever writes to the\n"
                "ledger next finishes it, and this command then changes the key once more.",
        .options = rotate_specs,
        .options_size = sizeof(struct rotate_options),
        .max_operands = 1,
        .run = run,
};
