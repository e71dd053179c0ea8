/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c - assay verify: judge a whole ledger; one proof is in verify_one.c.
 *
 * SECURITY: everything read here may be a stranger's; ledger/verify/verify.h judges it, and what is
 * printed of it is made safe. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/commands.h"
#include "command/ledger/ledger_group.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/verify/verify_command.h"
#include "command/verify/verify_given.h"
#include "command/verify/wal_check.h"
#include "ledger/signing/signer.h"
#include "ledger/verify/verify.h"
#include "sys/io.h"
#include "wire/json.h"

static const struct option_spec verify_specs[] = {
        { "key", 'k', OPTION_TEXTS, offsetof(struct verify_command_options, keys), "VKEY",
          "the ledger's verifier key; a cosigner's key given beside it must have signed too" },
        { "earlier", 'e', OPTION_TEXTS, offsetof(struct verify_command_options, earlier), "FILE",
          "a checkpoint kept from before: the ledger must go on from it; repeatable" },
        { "successor", 's', OPTION_TEXTS, offsetof(struct verify_command_options, successors),
          "DIR",
          "the ledger that succeeded it, and then the next one: judged under the key that the one "
          "before names; repeatable" },
        { "ca", 0, OPTION_TEXT, offsetof(struct verify_command_options, ca), "FILE",
          "certificates (PEM) of the time-stamping authority, to judge the stamps" },
        { "proof", 'p', OPTION_TEXT, offsetof(struct verify_command_options, proof), "FILE",
          "check this .tlog-proof instead of a ledger" },
        { "entry", 0, OPTION_TEXT, offsetof(struct verify_command_options, entry), "FILE",
          "the entry that the proof is for" },
        { 0 },
};

enum { VKEY_TEXT_MAX = 4096 };

/* ---- keys ---- */

int verify_parse_keys(const struct option_texts *texts, struct verify_keys *ret, struct err *err)
{
        for (size_t i = 0; i < texts->n; i++) {
                int status = verifier_parse(span_str(texts->at[i]), &ret->at[i], err);

                if (status < 0)
                        return err_wrap(err, "--key");
        }
        ret->n = texts->n;
        return 0;
}

/* The key that lies beside the ledger: good enough for its own host. */
static int own_key(const char *dir, struct verify_keys *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(VKEY_TEXT_MAX);
        int status = ledger_put_vkey(dir, &text, err);

        if (status == 0)
                status = verifier_parse(buf_span(&text), &ret->at[0], err);
        if (status < 0)
                return status;
        ret->n = 1;
        ret->own = true;
        return 0;
}

/* ---- the ledger ---- */

/* *ret is what was found, when there is a judgement. */
static enum status judge(struct judging *j, const struct verify_options *o,
                         const struct verify_keys *keys, struct verify_result *ret)
{
        int64_t started = clock_mono(j->in->clock);
        struct err err = { 0 };
        int status;

        progress_start(&j->progress, j->in->clock, "hashing entries");
        j->pass = VERIFY_HASH;
        status = verify_log(o, ret, &err);
        progress_stop(&j->progress);
        if (status < 0)
                return complain(j->in, status == -EINVAL ? STATUS_USAGE : STATUS_UNSURE, "%s",
                                err_text(&err));
        return verify_show(j, ret, keys, clock_mono(j->in->clock) - started);
}

/* The other half of our own ledger, which only its owner can read. */
static void check_private(const char *dir, const struct clock *clock, struct private_half *ret)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int status = reader_open(dir, &r, &ret->err);

        ret->checked = true;
        if (status == 0)
                status = wal_check(dir, &r, &ret->wal, &ret->err);
        if (status == 0)
                status = vault_check(dir, &r, clock, ret->wal.waiting, &ret->vault, &ret->err);
        ret->status = status == 0          ? STATUS_GOOD
                      : status == -EBADMSG ? STATUS_PROBLEM
                                           : STATUS_UNSURE;
}

/* Closed to whoever asks, or not there: who has a key can give it. */
static enum status no_key(const struct invocation *in, struct source *source, const struct err *why)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);

        if (source->read(source, "checkpoint", &note, NULL) == -ENOENT)
                return complain(in, STATUS_UNSURE,
                                "there is no ledger to judge: %s has no checkpoint", source->name);
        return complain(in,
                        why->code == -EMFILE || why->code == -ENFILE ? STATUS_UNSURE : STATUS_USAGE,
                        "--key VKEY is missing, and the ledger's own key cannot be read: %s",
                        err_text(why));
}

static struct verify_options options_of(struct judging *j, const struct verify_given *given,
                                        size_t place, const struct verify_keys *keys)
{
        return (struct verify_options){
                .source = given->place[place].source,
                .keys = keys->at,
                .n_keys = keys->n,
                .authorities = span_of(given->authorities, given->authorities_n),
                .on_report = verify_on_report,
                .on_checkpoint = verify_on_checkpoint,
                .on_progress = verify_on_progress,
                .ctx = j,
        };
}

/* A directory's source reads nothing yet. */
static enum status find_key(const struct invocation *in, const char *dir,
                            struct verify_given *given, struct verify_keys *keys)
{
        struct opened *o = &given->place[0];
        struct err why = { 0 }, err = { 0 };

        if (keys->n > 0 || own_key(dir, keys, &why) == 0)
                return STATUS_GOOD;
        if (open_read(o, &err) < 0)
                return complain_err(in, &err);
        return no_key(in, o->source, &why);
}

static enum status verify_first(struct invocation *in, struct verify_given *given,
                                struct verify_keys *keys, struct buf *documents,
                                struct verify_result *ret)
{
        struct judging j = { .in = in,
                             .reports = BUF_INIT(COMMAND_OUTPUT_MAX / 2),
                             .note = BUF_INIT(NOTE_MAX),
                             .documents = documents };
        const char *dir = given->place[0].name;
        struct verify_options options;
        struct err err = { 0 };
        enum status result;

        if (verify_given_lesser(given, &err) < 0)
                return complain_err(in, &err);
        result = find_key(in, dir, given, keys);
        if (result != STATUS_GOOD)
                return result;
        if (keys->own)
                check_private(dir, in->clock, &j.private);
        if (open_read(&given->place[0], &err) < 0)
                return complain_err(in, &err);
        options = options_of(&j, given, 0, keys);
        options.earlier = given->earlier;
        options.n_earlier = given->n_earlier;
        options.is_log = keys->own;
        result = judge(&j, &options, keys, ret);
        buf_done(&j.reports);
        buf_done(&j.note);
        if (j.private.status != STATUS_GOOD)
                return verify_worse(result, complain(in, j.private.status, "%s.private: %s", dir,
                                                     err_text(&j.private.err)));
        return result;
}

/* ---- those that succeeded it ---- */

/* Cosigners stay; the log's key is the one that the ledger before names. */
static int follow_key(const struct verify_result *before, struct verify_keys *keys, struct err *err)
{
        struct note_vkey next;
        int status;

        if (!before->next.there)
                return err_set(err, -EBADMSG,
                               "%s does not end with an entry ledger.succeeded: nothing goes on "
                               "from it",
                               before->origin);
        status = verifier_parse(span_str(before->next.vkey), &next, err);
        if (status < 0)
                return err_wrap(err, "the key that %s names", before->origin);
        for (size_t i = 0; i < keys->n; i++)
                if (keys->at[i].alg == NOTE_ED25519)
                        keys->at[i] = next;
        keys->own = false;
        return 0;
}

static enum status verify_successor(struct invocation *in, struct verify_given *given, size_t place,
                                    struct verify_keys *keys, struct buf *documents,
                                    struct verify_result *last)
{
        struct judging j = { .in = in,
                             .reports = BUF_INIT(COMMAND_OUTPUT_MAX / 2),
                             .note = BUF_INIT(NOTE_MAX),
                             .documents = documents };
        struct verify_result found = { 0 };
        struct verify_options options;
        struct err err = given->failed[place];
        enum status result;

        if (follow_key(last, keys, &err) < 0)
                return complain(in, STATUS_PROBLEM, "%s", err_text(&err));
        if (err.code < 0 || open_read(&given->place[place], &err) < 0)
                return complain_err(in, &err);
        options = options_of(&j, given, place, keys);
        options.predecessor = last;
        options.is_log = true; /* the one before says so */
        result = judge(&j, &options, keys, &found);
        buf_done(&j.reports);
        buf_done(&j.note);
        *last = found;
        return result;
}

/* One document, whatever became of the ledgers. */
static enum status print_documents(const struct invocation *in, const struct buf *documents,
                                   enum status result)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(documents->max + COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (buf_status(documents) < 0)
                return complain(in, STATUS_UNSURE, "more to say than fits into one document");
        if (documents->n == 0)
                return result; /* nothing was judged: the complaint is all there is */
        json_writer_init(&w, &out);
        json_begin_object(&w);
        if (in->complaint && in->complaint->n)
                json_member_string(&w, "error", buf_span(in->complaint));
        json_put_key(&w, "ledgers");
        json_begin_array(&w);
        json_put_raw(&w, buf_span(documents));
        json_end_array(&w);
        json_member_text(&w, "verdict", verify_word(result));
        json_end_object(&w);
        buf_put_byte(&out, '\n');
        return command_print(in, &out, result);
}

static enum status verify_all(struct invocation *in, struct verify_given *given,
                              struct verify_keys *keys)
{
        CLEANUP(buf_done)
        struct buf documents = BUF_INIT(VERIFY_PLACES_MAX * (size_t)COMMAND_OUTPUT_MAX);
        struct buf *several = in->json && given->n > 1 ? &documents : NULL;
        struct verify_result last = { 0 };
        enum status result = verify_first(in, given, keys, several, &last);

        for (size_t i = 1; i < given->n && *last.origin; i++)
                result = verify_worse(result, verify_successor(in, given, i, keys, several, &last));
        return several ? print_documents(in, several, result) : result;
}

static enum status verify_ledgers(struct invocation *in)
{
        const struct verify_command_options *o = in->options;
        CLEANUP(verify_given_done) struct verify_given given = { 0 };
        struct verify_keys keys = { 0 };
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };

        if (places_ledger_or(in, 0, dir, &err) < 0 || verify_given_open(in, dir, &given, &err) < 0)
                return complain_err(in, &err);
        if (verify_parse_keys(&o->keys, &keys, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        return verify_all(in, &given, &keys);
}

/* ---- the command ---- */

static enum status run(struct invocation *in)
{
        const struct verify_command_options *o = in->options;

        return o->proof || o->entry ? verify_one(in) : verify_ledgers(in);
}

const struct command command_verify = {
        .name = "verify",
        .operands = "[DIR | ARCHIVE | URL]",
        .about = "re-read every byte of a ledger and judge it; or check one proof",
        .help = "Reads a ledger from its directory, from a tar archive of one (plain or packed with\n"
                "gzip, bzip2, xz or zstd), or from a web server (http:// or https://).  Hashes every entry again,\n"
                "compares every tile, the root and the signatures, then reads the entries: well\n"
                "formed, no gap in any writer's sequence, times in order.  Says what it checked,\n"
                "each kind of damage with its place, and what could not be judged.\n"
                "\n"
                "Without an operand, this host's own ledger, under its own key.\n"
                "\n"
                "A ledger that was succeeded names the next one and its key; --successor follows;\n"
                "with --json, \"ledgers\" then has what is said of each, \"verdict\" that of all.\n"
                "\n"
                "With --proof, --key and --entry: is this entry in that ledger, and are the values\n"
                "that came with the proof the ones it was made with?  The entry's bytes are those\n"
                "of assay log --json.",
        .options = verify_specs,
        .options_size = sizeof(struct verify_command_options),
        .max_operands = 1,
        .run = run,
};
