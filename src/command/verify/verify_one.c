/* SPDX-License-Identifier: Apache-2.0 */
/* verify_one.c - assay verify --proof: is this entry in that ledger, and with these values?
 *
 * SECURITY: proof and entry are a stranger's files; ledger/verify/verify.h judges them. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/verify/verify_command.h"
#include "ledger/verify/verify.h"
#include "sys/io.h"
#include "wire/entry.h"
#include "wire/json.h"
#include "wire/tlogproof.h"

struct proving {
        const struct invocation *in;
        struct buf values; /* JSON items or lines */
        size_t n;
};

static void on_disclosure(void *ctx, const struct verify_disclosure *d)
{
        struct proving *p = ctx;

        if (p->in->json) {
                buf_put_str(&p->values, p->n ? ",{\"name\":" : "{\"name\":");
                json_put_quoted(&p->values, d->name);
                buf_put_str(&p->values, ",\"value\":");
                buf_put(&p->values, d->value.raw);
                buf_put_byte(&p->values, '}');
        } else {
                buf_put_str(&p->values, "disclosed  ");
                text_put_safe(&p->values, d->name);
                buf_put_str(&p->values, " = ");
                text_put_safe(&p->values, d->value.raw);
                buf_put_byte(&p->values, '\n');
        }
        p->n++;
}

static void put_proof_json(const struct proving *p, const struct verify_proof_result *r,
                           struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "disclosed");
        json_begin_array(&w);
        if (p->values.n)
                json_put_raw(&w, buf_span(&p->values));
        json_end_array(&w);
        json_member_u64(&w, "hidden", r->hidden);
        json_member_u64(&w, "index", r->index);
        command_put_json_text(&w, "origin", r->checkpoint.origin);
        json_member_u64(&w, "signatures", r->signatures);
        json_member_u64(&w, "size", r->checkpoint.size);
        json_member_text(&w, "verdict", "good");
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_refusal_json(const struct err *err, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        command_put_json_text(&w, "error", err_text(err));
        json_member_text(&w, "verdict", "damaged");
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static void put_proof_text(const struct proving *p, const struct verify_proof_result *r,
                           struct buf *out)
{
        screen_put(&p->in->out, out, STYLE_GOOD, "GOOD");
        buf_printf(out, "  entry %" PRIu64 " of ", r->index);
        text_put_safe(out, span_str(r->checkpoint.origin));
        verify_put_number(out, ", which had ", r->checkpoint.size, "entry", "entries");
        verify_put_number(out, "; ", r->signatures, "signature", "signatures");
        buf_put_byte(out, '\n');
        buf_put(out, buf_span(&p->values));
        if (r->hidden)
                verify_put_number(out, "hidden     ", r->hidden, "value was not disclosed\n",
                                  "values were not disclosed\n");
}

/* A line from a file of lines: its newline is not the entry's. */
static struct span without_newline(struct span s)
{
        return s.n && s.p[s.n - 1] == '\n' ? span_of(s.p, s.n - 1) : s;
}

static enum status judge_proof(struct invocation *in, const struct verify_keys *keys,
                               struct span proof, struct span entry)
{
        struct proving p = { .in = in, .values = BUF_INIT(COMMAND_OUTPUT_MAX / 2) };
        struct verify_proof_options o = {
                .proof = proof,
                .entry = without_newline(entry),
                .keys = keys->at,
                .n_keys = keys->n,
                .on_disclosure = on_disclosure,
                .ctx = &p,
        };
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct verify_proof_result r;
        struct err err = { 0 };
        enum status result;

        if (verify_proof(&o, &r, &err) < 0) {
                result = complain(in, err.code == -ENOMEM ? STATUS_UNSURE : STATUS_PROBLEM, "%s",
                                  err_text(&err));
                if (in->json && result == STATUS_PROBLEM) {
                        put_refusal_json(&err, &out);
                        result = command_print(in, &out, result);
                }
        } else {
                if (in->json)
                        put_proof_json(&p, &r, &out);
                else
                        put_proof_text(&p, &r, &out);
                result = command_print(in, &out, STATUS_GOOD);
        }
        buf_done(&p.values);
        return result;
}

enum status verify_one(struct invocation *in)
{
        const struct verify_command_options *o = in->options;
        uint8_t *proof = NULL, *entry = NULL;
        size_t proof_n, entry_n;
        struct verify_keys keys = { 0 };
        struct err err = { 0 };
        enum status result;

        if (!o->proof || !o->entry || o->keys.n == 0 || in->n_operands > 0)
                return complain(in, STATUS_USAGE,
                                "a proof wants --proof FILE --key VKEY --entry FILE, and no DIR");
        if (verify_parse_keys(&o->keys, &keys, &err) < 0)
                return complain(in, STATUS_USAGE, "%s", err_text(&err));
        if (io_read_given(o->proof, TLOG_PROOF_MAX, &proof, &proof_n, &err) < 0 ||
            io_read_given(o->entry, ENTRY_MAX + 1, &entry, &entry_n, &err) < 0)
                result = complain(in, STATUS_UNSURE, "%s", err_text(&err));
        else
                result = judge_proof(in, &keys, span_of(proof, proof_n), span_of(entry, entry_n));
        free(proof);
        free(entry);
        return result;
}
