/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_verify.c - assay verify: judge a whole ledger; one proof is in verify_one.c.
 *
 * SECURITY: everything read here may be a stranger's; ledger/verify.h judges it, and what is
 * printed of it is made safe. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/commands.h"
#include "command/ledger_group.h"
#include "command/open_source.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/verify_command.h"
#include "command/wal_check.h"
#include "ledger/signer.h"
#include "ledger/verify.h"
#include "sys/io.h"
#include "wire/json.h"

static const struct option_spec verify_specs[] = {
        { "key", 'k', OPTION_TEXTS, offsetof(struct verify_command_options, keys), "VKEY",
          "the ledger's verifier key; a cosigner's key given beside it must have signed too" },
        { "earlier", 'e', OPTION_TEXTS, offsetof(struct verify_command_options, earlier), "FILE",
          "a checkpoint kept from before: the ledger must go on from it; repeatable" },
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

struct private_half {
        bool checked;
        enum status status;
        struct wal_check wal;
        struct err err;
};

struct judging {
        const struct invocation *in;
        struct progress progress;
        enum verify_pass pass;
        struct buf reports; /* JSON items */
        uint64_t n_reports;
        struct private_half private;
};

static const char *const severity_word[] = {
        [VERIFY_DAMAGE] = "damage",
        [VERIFY_UNKNOWN] = "unknown",
        [VERIFY_WARNING] = "warning",
        [VERIFY_NOTE] = "note",
};

static const enum style severity_style[] = {
        [VERIFY_DAMAGE] = STYLE_BAD,
        [VERIFY_UNKNOWN] = STYLE_WARN,
        [VERIFY_WARNING] = STYLE_WARN,
        [VERIFY_NOTE] = STYLE_DIM,
};

static void put_report_json(struct judging *j, const struct verify_report *r)
{
        struct json_writer w;

        if (j->n_reports)
                buf_put_byte(&j->reports, ',');
        json_writer_init(&w, &j->reports);
        json_begin_object(&w);
        if (r->index != VERIFY_NOWHERE)
                json_member_u64(&w, "index", r->index);
        json_member_text(&w, "issue", verify_issue_name(r->issue));
        if (r->offset != VERIFY_NOWHERE)
                json_member_u64(&w, "offset", r->offset);
        if (r->path)
                command_put_json_text(&w, "path", r->path);
        json_member_text(&w, "severity", severity_word[verify_severity(r->issue)]);
        command_put_json_text(&w, "text", r->text);
        json_end_object(&w);
}

static void on_report(void *ctx, const struct verify_report *r)
{
        struct judging *j = ctx;
        CLEANUP(buf_done) struct buf line = BUF_INIT(64 * 1024);
        enum verify_severity severity = verify_severity(r->issue);

        if (j->in->json) {
                put_report_json(j, r);
        } else if (r->issue == VERIFY_NOT_A_LOG) { /* nothing was judged: no verdict either */
                progress_stop(&j->progress);
                complain(j->in, STATUS_UNSURE, "%s", r->text);
        } else {
                progress_stop(&j->progress);
                screen_put(&j->in->out, &line, severity_style[severity], severity_word[severity]);
                buf_put_str(&line, ": ");
                text_put_safe(&line, span_str(r->text));
                buf_put_byte(&line, '\n');
                /* The status says it even when nobody can read the line. */
                (void)!screen_flush(&j->in->out, &line);
        }
        j->n_reports++;
}

static void on_progress(void *ctx, enum verify_pass pass, uint64_t done, uint64_t total)
{
        struct judging *j = ctx;

        if (pass != j->pass) {
                progress_stop(&j->progress);
                progress_start(&j->progress, j->in->clock,
                               pass == VERIFY_HASH ? "hashing entries" : "reading entries");
                j->pass = pass;
        }
        progress_set(&j->progress, done, total);
}

static enum status status_of(enum verdict v)
{
        switch (v) {
        case VERDICT_PASS:
                return STATUS_GOOD;
        case VERDICT_FAIL:
                return STATUS_PROBLEM;
        default:
                return STATUS_UNSURE;
        }
}

static const char *const verdict_word[] = {
        [VERDICT_PASS] = "GOOD",
        [VERDICT_FAIL] = "DAMAGED",
        [VERDICT_UNKNOWN] = "NOT SURE",
};

static const enum style verdict_style[] = {
        [VERDICT_PASS] = STYLE_GOOD,
        [VERDICT_FAIL] = STYLE_BAD,
        [VERDICT_UNKNOWN] = STYLE_WARN,
};

void verify_put_number(struct buf *out, const char *before, uint64_t n, const char *one,
                       const char *many)
{
        buf_put_str(out, before);
        screen_put_count(out, n);
        buf_printf(out, " %s", n == 1 ? one : many);
}

static void put_checked(struct buf *out, const struct verify_result *r, int64_t took_ns)
{
        verify_put_number(out, "", r->entries, "entry", "entries");
        verify_put_number(out, " in ", r->bundles, "bundle", "bundles");
        verify_put_number(out, ", ", r->tiles, "tile", "tiles");
        verify_put_number(out, ", ", r->signatures, "signature", "signatures");
        if (r->runs)
                verify_put_number(out, ", ", r->runs, "run", "runs");
        buf_put_str(out, ", ");
        screen_put_bytes(out, r->bytes);
        buf_put_str(out, ", in ");
        screen_put_duration(out, took_ns);
        if (took_ns > 0 && r->entries > 1000) {
                buf_put_str(out, " (");
                screen_put_count(out, (uint64_t)((double)r->entries * 1e9 / (double)took_ns));
                buf_put_str(out, " entries a second)");
        }
}

static void put_extras(struct buf *out, const struct verify_result *r)
{
        if (r->rotations)
                verify_put_number(out, "\nrotations  ", r->rotations, "key rotation followed",
                                  "key rotations followed");
        if (r->earlier)
                verify_put_number(out, "\nearlier    ", r->earlier,
                                  "checkpoint: the ledger goes on from it",
                                  "checkpoints: the ledger goes on from them");
        if (r->stamps) {
                verify_put_number(out, "\nstamps     ", r->stamps_judged, "judged of ",
                                  "judged of ");
                screen_put_count(out, r->stamps);
        }
        if (r->entries_pruned)
                verify_put_number(out, "\npruned     ", r->entries_pruned,
                                  "entry could not be hashed again",
                                  "entries could not be hashed again");
        if (r->entries_free)
                verify_put_number(out, "\nfree       ", r->entries_free,
                                  "entry without an envelope: no sequence to check",
                                  "entries without an envelope: no sequence to check");
        if (!r->listed)
                buf_put_str(out, "\nfiles      could not be listed: unexpected files go unseen");
}

static void put_text(const struct invocation *in, const struct verify_result *r,
                     const struct verify_keys *keys, int64_t took_ns, struct buf *out)
{
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);

        screen_put(&in->out, out, verdict_style[r->verdict], verdict_word[r->verdict]);
        if (*r->origin) {
                buf_put_str(out, "  ");
                text_put_safe(out, span_str(r->origin));
                verify_put_number(out, ", ", r->size, "entry", "entries");
                text_put_base64(&root, span_of(r->root.b, HASH_LEN));
                buf_printf(out, "\nroot       %s", buf_cstr(&root));
        }
        if (*r->vkey)
                buf_printf(out, "\nkey        %s", r->vkey);
        if (*r->vkey && keys->own)
                buf_put_str(out, "\n           (this host's own; an auditor gives the key he was "
                                 "told with --key)");
        buf_put_str(out, "\nchecked    ");
        put_checked(out, r, took_ns);
        put_extras(out, r);
        buf_put_byte(out, '\n');
}

/* Found damage outweighs doubt, and doubt good news. */
static enum status worse(enum status a, enum status b)
{
        if (a == STATUS_PROBLEM || b == STATUS_PROBLEM)
                return STATUS_PROBLEM;
        return a == STATUS_GOOD ? b : a;
}

static void put_private_json(struct json_writer *w, const struct private_half *p)
{
        if (!p->checked)
                return;
        json_put_key(w, "private");
        json_begin_object(w);
        json_member_u64(w, "batches", p->wal.batches);
        json_member_u64(w, "bytes", p->wal.bytes);
        json_member_u64(w, "entries", p->wal.entries);
        if (p->status != STATUS_GOOD)
                command_put_json_text(w, "error", err_text(&p->err));
        json_member_u64(w, "waiting", p->wal.waiting);
        json_end_object(w);
}

static void put_json(const struct judging *j, const struct verify_result *r,
                     const struct verify_keys *keys, int64_t took_ns, struct buf *out)
{
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);
        const struct {
                const char *key;
                uint64_t value;
        } numbers[] = {
                { "bundles", r->bundles },           { "bytes", r->bytes },
                { "earlier", r->earlier },           { "entries", r->entries },
                { "entries_free", r->entries_free }, { "entries_pruned", r->entries_pruned },
        };
        const struct {
                const char *key;
                uint64_t value;
        } more[] = {
                { "rotations", r->rotations },   { "runs", r->runs },
                { "signatures", r->signatures }, { "size", r->size },
                { "stamps", r->stamps },         { "stamps_judged", r->stamps_judged },
                { "tiles", r->tiles },           { "took_ns", (uint64_t)took_ns },
        };
        struct json_writer w;

        text_put_base64(&root, span_of(r->root.b, HASH_LEN));
        json_writer_init(&w, out);
        json_begin_object(&w);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
                json_member_u64(&w, numbers[i].key, numbers[i].value);
        json_member_bool(&w, "listed", r->listed);
        command_put_json_text(&w, "origin", r->origin);
        json_member_bool(&w, "own_key", keys->own);
        put_private_json(&w, &j->private);
        json_put_key(&w, "reports");
        json_begin_array(&w);
        if (j->reports.n)
                json_put_raw(&w, buf_span(&j->reports));
        json_end_array(&w);
        json_member_string(&w, "root", buf_span(&root));
        for (size_t i = 0; i < ARRAY_LEN(more); i++)
                json_member_u64(&w, more[i].key, more[i].value);
        json_put_key(&w, "verdict");
        switch (worse(status_of(r->verdict), j->private.status)) {
        case STATUS_GOOD:
                json_put_string(&w, SPAN("good"));
                break;
        case STATUS_PROBLEM:
                json_put_string(&w, SPAN("damaged"));
                break;
        default:
                json_put_string(&w, SPAN("unknown"));
        }
        command_put_json_text(&w, "vkey", r->vkey);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* Checkpoints kept from before, all of them in one buf. */
static int read_earlier(const struct option_texts *files, struct buf *text,
                        struct verify_earlier ret[OPTION_TEXTS_MAX], struct err *err)
{
        size_t at[OPTION_TEXTS_MAX + 1] = { 0 };

        for (size_t i = 0; i < files->n; i++) {
                uint8_t *p;
                size_t n;
                int status =
                        io_read_file(&io_kernel, AT_FDCWD, files->at[i], NOTE_MAX, &p, &n, err);

                if (status < 0)
                        return err_wrap(err, "--earlier");
                buf_put(text, span_of(p, n));
                free(p);
                at[i + 1] = text->n;
        }
        for (size_t i = 0; i < files->n; i++)
                ret[i] = (struct verify_earlier){
                        .name = files->at[i],
                        .bytes = span_of(text->p + at[i], at[i + 1] - at[i]),
                };
        return buf_status(text);
}

static enum status judge(struct judging *j, const struct verify_options *o,
                         const struct verify_keys *keys)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        int64_t started = clock_mono(j->in->clock), took;
        struct verify_result result = { 0 };
        struct err err = { 0 };
        int status;

        progress_start(&j->progress, j->in->clock, "hashing entries");
        j->pass = VERIFY_HASH;
        status = verify_log(o, &result, &err);
        progress_stop(&j->progress);
        if (status < 0)
                return complain(j->in, status == -EINVAL ? STATUS_USAGE : STATUS_UNSURE, "%s",
                                err_text(&err));
        if (result.count[VERIFY_NOT_A_LOG] && !j->in->json)
                return STATUS_UNSURE;
        took = clock_mono(j->in->clock) - started;
        if (j->in->json)
                put_json(j, &result, keys, took, &out);
        else
                put_text(j->in, &result, keys, took, &out);
        return command_print(j->in, &out, status_of(result.verdict));
}

/* The other half of our own ledger, which only its owner can read. */
static void check_private(const char *dir, struct private_half *ret)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int status = reader_open(dir, &r, &ret->err);

        ret->checked = true;
        if (status == 0)
                status = wal_check(dir, &r, &ret->wal, &ret->err);
        ret->status = status == 0          ? STATUS_GOOD
                      : status == -EBADMSG ? STATUS_PROBLEM
                                           : STATUS_UNSURE;
}

static enum status print_private(const struct invocation *in, const char *dir,
                                 const struct private_half *p)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);

        if (p->status != STATUS_GOOD)
                return complain(in, p->status, "%s.private: %s", dir, err_text(&p->err));
        if (in->json)
                return STATUS_GOOD;
        verify_put_number(&out, "private    ", p->wal.entries, "entry", "entries");
        verify_put_number(&out, " in ", p->wal.batches, "batch", "batches");
        buf_put_str(&out, " of the log as it was written, ");
        screen_put_bytes(&out, p->wal.bytes);
        buf_put_str(&out, ": as published");
        if (p->wal.waiting)
                verify_put_number(&out, ", ", p->wal.waiting, "not yet", "not yet");
        if (p->wal.unfinished)
                buf_put_str(&out, "; the last batch is unfinished");
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

static enum status no_key(const struct invocation *in, struct source *source, const struct err *why)
{
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);

        if (source->read(source, "checkpoint", &note, NULL) == -ENOENT)
                return complain(in, STATUS_UNSURE, "there is no ledger: %s has no checkpoint",
                                source->name);
        return complain(in, STATUS_USAGE,
                        "--key VKEY is missing, and the ledger's own key cannot be read: %s",
                        err_text(why));
}

static enum status verify_ledger(struct invocation *in)
{
        const struct verify_command_options *o = in->options;
        CLEANUP(opened_done) struct opened opened = { 0 };
        CLEANUP(buf_done) struct buf earlier_text = BUF_INIT(OPTION_TEXTS_MAX * NOTE_MAX);
        struct verify_earlier earlier[OPTION_TEXTS_MAX];
        struct judging j = { .in = in, .reports = BUF_INIT(COMMAND_OUTPUT_MAX / 2) };
        struct verify_keys keys = { 0 };
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        enum status result;

        if (places_ledger_or(in, 0, dir, &err) < 0 || open_source(dir, &opened, &err) < 0)
                return complain_err(in, &err);
        if (verify_parse_keys(&o->keys, &keys, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (keys.n == 0 && own_key(dir, &keys, &err) < 0)
                return no_key(in, opened.source, &err);
        if (read_earlier(&o->earlier, &earlier_text, earlier, &err) < 0)
                return complain_err(in, &err);
        if (keys.own)
                check_private(dir, &j.private);
        result = judge(&j,
                       &(struct verify_options){
                               .source = opened.source,
                               .keys = keys.at,
                               .n_keys = keys.n,
                               .ca_file = o->ca,
                               .earlier = earlier,
                               .n_earlier = o->earlier.n,
                               .is_log = keys.own,
                               .on_report = on_report,
                               .on_progress = on_progress,
                               .ctx = &j,
                       },
                       &keys);
        buf_done(&j.reports);
        return keys.own ? worse(result, print_private(in, dir, &j.private)) : result;
}

/* ---- the command ---- */

static enum status run(struct invocation *in)
{
        const struct verify_command_options *o = in->options;

        return o->proof || o->entry ? verify_one(in) : verify_ledger(in);
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
                "With --proof, --key and --entry: is this entry in that ledger, and are the values\n"
                "that came with the proof the ones it was made with?  The entry's bytes are those\n"
                "of assay log --json.",
        .options = verify_specs,
        .options_size = sizeof(struct verify_command_options),
        .max_operands = 1,
        .run = run,
};
