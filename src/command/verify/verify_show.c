/* SPDX-License-Identifier: Apache-2.0 */
/* verify_show.c - what assay verify says, for people and for programs.
 *
 * SECURITY: what is shown may be a stranger's; it is made safe. */
#include <inttypes.h>
#include <stdio.h>

#include "base/line.h"
#include "base/text.h"
#include "command/verify/verify_command.h"
#include "wire/json.h"

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

void verify_on_report(void *ctx, const struct verify_report *r)
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
        j->shown[r->issue]++;
}

void verify_on_checkpoint(void *ctx, struct span note)
{
        struct judging *j = ctx;

        buf_put(&j->note, note);
}

/* Two checkpoints that exclude each other convict the log whose key signed both: of the one that
 * was kept there is a file, the other one may be taken back. */
static void put_evidence(const struct judging *j, const struct verify_result *r, struct buf *out)
{
        struct span rest = buf_span(&j->note), line;

        if (!r->count[VERIFY_FORK] && !r->count[VERIFY_ROLLBACK])
                return;
        if (r->count[VERIFY_SIGNATURE_BAD] || r->count[VERIFY_SIGNATURE_MISSING] || !j->note.n)
                return;
        buf_put_str(out, "evidence   keep the checkpoint that is judged here beside the other one: "
                         "its key signed both\n\n");
        while (rest.n) {
                line_next(&rest, &line);
                text_put_safe(out, line);
                buf_put_byte(out, '\n');
        }
}

/* What verification counted and no longer told one by one. */
static void put_untold(const struct judging *j, const struct verify_result *r, struct buf *out)
{
        for (unsigned i = 0; i < VERIFY_ISSUES; i++) {
                enum verify_severity severity = verify_severity(i);

                if (r->count[i] <= j->shown[i] || i == VERIFY_FILE_BEYOND)
                        continue;
                screen_put(&j->in->out, out, severity_style[severity], severity_word[severity]);
                verify_put_number(out, ": and ", r->count[i] - j->shown[i],
                                  "more of this kind: ", "more of this kind: ");
                buf_printf(out, "%s\n", verify_issue_name(i));
        }
}

void verify_on_progress(void *ctx, enum verify_pass pass, uint64_t done, uint64_t total)
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

const char *verify_word(enum status s)
{
        return s == STATUS_GOOD ? "good" : s == STATUS_PROBLEM ? "damaged" : "unknown";
}

/* Of both halves. */
static void put_verdict(const struct judging *j, enum status s, struct buf *out)
{
        screen_put(&j->in->out, out,
                   s == STATUS_GOOD      ? STYLE_GOOD
                   : s == STATUS_PROBLEM ? STYLE_BAD
                                         : STYLE_WARN,
                   s == STATUS_GOOD      ? "GOOD"
                   : s == STATUS_PROBLEM ? "DAMAGED"
                                         : "NOT SURE");
}

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
        if (r->succeeds) {
                buf_put_str(out, "\nsucceeds   ");
                text_put_safe(out, span_str(r->previous.origin));
                verify_put_number(out, ", which had ", r->previous.size,
                                  "entry: each names the other", "entries: each names the other");
        }
        if (r->next.there) {
                buf_put_str(out, "\nnext       ");
                text_put_safe(out, span_str(r->next.origin));
                buf_put_str(out, " goes on from it");
        }
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

static void put_text(const struct judging *j, const struct verify_result *r,
                     const struct verify_keys *keys, int64_t took_ns, struct buf *out)
{
        CLEANUP(buf_done) struct buf root = BUF_INIT(64);

        put_untold(j, r, out);
        put_verdict(j, verify_worse(status_of(r->verdict), j->private.status), out);
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
enum status verify_worse(enum status a, enum status b)
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
        if (p->wal.ahead)
                json_member_u64(w, "ahead", p->wal.ahead);
        json_member_u64(w, "batches", p->wal.batches);
        json_member_u64(w, "bytes", p->wal.bytes);
        json_member_u64(w, "entries", p->wal.entries);
        if (p->vault.checked)
                json_member_u64(w, "erased", p->vault.erased);
        if (p->status != STATUS_GOOD)
                command_put_json_text(w, "error", err_text(&p->err));
        if (p->vault.checked) {
                json_member_u64(w, "sealed", p->vault.entries);
                json_member_u64(w, "values", p->vault.values);
        }
        json_member_u64(w, "waiting", p->wal.waiting);
        json_end_object(w);
}

/* Of each kind all there were, told one by one or not. */
static void put_counts(const struct verify_result *r, struct json_writer *w)
{
        const char *names[VERIFY_ISSUES];
        uint64_t counts[VERIFY_ISSUES];
        size_t n = 0, at;

        for (unsigned i = 0; i < VERIFY_ISSUES; i++) {
                if (!r->count[i])
                        continue;
                for (at = n++; at > 0 && strcmp(names[at - 1], verify_issue_name(i)) > 0; at--) {
                        names[at] = names[at - 1];
                        counts[at] = counts[at - 1];
                }
                names[at] = verify_issue_name(i);
                counts[at] = r->count[i];
        }
        json_put_key(w, "counts");
        json_begin_object(w);
        for (size_t i = 0; i < n; i++)
                json_member_u64(w, names[i], counts[i]);
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
        };
        struct json_writer w;

        text_put_base64(&root, span_of(r->root.b, HASH_LEN));
        json_writer_init(&w, out);
        json_begin_object(&w);
        for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
                if (strcmp(numbers[i].key, "earlier") == 0) {
                        if (j->note.n)
                                json_member_string(&w, "checkpoint", buf_span(&j->note));
                        put_counts(r, &w);
                }
                json_member_u64(&w, numbers[i].key, numbers[i].value);
        }
        json_member_bool(&w, "listed", r->listed);
        if (r->next.there)
                command_put_json_text(&w, "next", r->next.origin);
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
        if (r->succeeds)
                command_put_json_text(&w, "succeeds", r->previous.origin);
        json_member_u64(&w, "tiles", r->tiles);
        json_member_u64(&w, "took_ns", (uint64_t)took_ns);
        json_member_text(&w, "verdict",
                         verify_word(verify_worse(status_of(r->verdict), j->private.status)));
        command_put_json_text(&w, "vkey", r->vkey);
        json_end_object(&w);
}

/* Why it is not good is complained of. */
static void put_private(const struct judging *j, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(COMMAND_OUTPUT_MAX);
        const struct private_half *p = &j->private;
        static const char ahead[] =
                "signed, whose checkpoint a crash held up: the next start has it";

        if (!p->checked || p->status != STATUS_GOOD)
                return;
        verify_put_number(&text, "private    ", p->wal.entries, "entry", "entries");
        verify_put_number(&text, " in ", p->wal.batches, "batch", "batches");
        buf_put_str(&text, " of the log as it was written, ");
        screen_put_bytes(&text, p->wal.bytes);
        buf_put_str(&text, ": as published");
        if (p->wal.waiting)
                verify_put_number(&text, ", ", p->wal.waiting, "not yet", "not yet");
        if (p->wal.ahead)
                verify_put_number(&text, ", ", p->wal.ahead, ahead, ahead);
        if (p->wal.unfinished)
                buf_put_str(&text, "; the last batch is unfinished");
        buf_put_byte(&text, '\n');
        if (p->vault.entries) {
                verify_put_number(&text, "sealed     ", p->vault.values, "value", "values");
                verify_put_number(&text, " of ", p->vault.entries, "entry", "entries");
                verify_put_number(&text, ", ", p->vault.erased, "erased", "erased");
                buf_put_byte(&text, '\n');
        }
        (void)!screen_wrap_lines(&j->in->out, &text, VERIFY_LABEL_COLUMNS);
        buf_put(out, buf_span(&text));
}

enum status verify_show(const struct judging *j, const struct verify_result *r,
                        const struct verify_keys *keys, int64_t took_ns)
{
        enum status status = verify_worse(status_of(r->verdict), j->private.status);
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);

        if (r->count[VERIFY_NOT_A_LOG] && !j->in->json)
                return STATUS_UNSURE;
        if (!j->in->json) {
                put_text(j, r, keys, took_ns, &out);
                (void)!screen_wrap_lines(&j->in->out, &out, VERIFY_LABEL_COLUMNS);
                put_evidence(j, r, &out);
                put_private(j, &out);
                return command_print(j->in, &out, status);
        }
        put_json(j, r, keys, took_ns, &out);
        if (j->documents) {
                if (j->documents->n)
                        buf_put_byte(j->documents, ',');
                buf_put(j->documents, buf_span(&out));
                return buf_status(&out) < 0 ? STATUS_UNSURE : status;
        }
        buf_put_byte(&out, '\n');
        return command_print(j->in, &out, status);
}
