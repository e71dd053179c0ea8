/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_prove.c - assay prove: a .tlog-proof of one entry, with the values its reader may show. */
#include "base/text.h"
#include "command/commands.h"
#include "command/log/reader.h"
#include "command/log/view.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/verify/proof_writer.h"
#include "wire/json.h"
#include "wire/tlogproof.h"

struct prove_options {
        struct option_texts disclose;
        bool disclose_all;
        const char *output, *entry;
};

static const struct option_spec prove_specs[] = {
        { "disclose", 'd', OPTION_TEXTS, offsetof(struct prove_options, disclose), "NAME",
          "put the value of this field into the proof (\"who.user\"); repeatable" },
        { "disclose-all", 0, OPTION_FLAG, offsetof(struct prove_options, disclose_all), NULL,
          "put in every value the vault still has" },
        { "output", 'o', OPTION_TEXT, offsetof(struct prove_options, output), "FILE",
          "write there instead of to standard output" },
        { "entry", 0, OPTION_TEXT, offsetof(struct prove_options, entry), "FILE",
          "write the entry's bytes, too: what assay verify --entry wants" },
        { 0 },
};

/* Newest first: what one wants a proof of is rarely old. */
static int find_id(const struct invocation *in, struct reader *r, struct span id, uint64_t *ret,
                   struct err *err)
{
        struct progress p;
        int status = -ENOENT;

        progress_start(&p, in->clock, "looking for the entry");
        for (uint64_t n = reader_size(r); n-- > 0 && status == -ENOENT;) {
                struct span bytes;
                struct entry e;

                progress_set(&p, reader_size(r) - n, reader_size(r));
                status = reader_entry(r, n, &bytes, err);
                if (status == -ENODATA)
                        break;
                if (status == 0)
                        status = json_check(bytes, err);
                if (status < 0)
                        break;
                status = entry_parse(bytes, &e, NULL) == 0 && e.id.n && span_eq(e.id, id) ? 0
                                                                                          : -ENOENT;
                if (status == 0)
                        *ret = n;
        }
        progress_stop(&p);
        if (status == -ENOENT || status == -ENODATA)
                return err_set(err, -ERANGE, "there is no entry \"%.*s\"", (int)id.n, id.p);
        return status;
}

static int find_entry(const struct invocation *in, struct reader *r, const char *word,
                      uint64_t *ret, struct err *err)
{
        if (text_to_u64(span_str(word), ret) == 0)
                return 0;
        return find_id(in, r, span_str(word), ret, err);
}

static bool is_wanted(const struct prove_options *o, struct span name)
{
        for (size_t i = 0; i < o->disclose.n; i++)
                if (span_eq_str(name, o->disclose.at[i]))
                        return true;
        return o->disclose_all;
}

/* A name that was asked for and is not there must not go unsaid. */
static int check_names(const struct prove_options *o, const struct view *v, struct err *err)
{
        for (size_t i = 0; i < o->disclose.n; i++) {
                size_t n = 0;

                while (n < v->n_disclosed &&
                       !span_eq_str(v->disclosed[n].parsed.name, o->disclose.at[i]))
                        n++;
                if (n == v->n_disclosed)
                        return err_set(err, -ENOENT,
                                       "entry %llu: the vault has no value \"%s\" for it%s",
                                       (unsigned long long)v->index, o->disclose.at[i],
                                       view_count_hidden(v) ? " (erased?)" : "");
        }
        return 0;
}

static int put_disclosures(const char *dir, const struct prove_options *o, struct reader *r,
                           uint64_t index, struct buf *out, struct err *err)
{
        CLEANUP(secrets_done) struct secrets s = { 0 };
        CLEANUP(view_done) struct view v;
        struct span bytes;
        int status;

        view_init(&v);
        status = secrets_open(dir, &s, err);
        if (status == 0)
                status = reader_entry(r, index, &bytes, err);
        if (status == 0)
                status = view_open(&v, index, bytes, err);
        if (status == 0)
                status = view_disclose(&v, s.vault, err);
        if (status == 0)
                status = check_names(o, &v, err);
        for (size_t i = 0; status == 0 && i < v.n_disclosed; i++) {
                if (!is_wanted(o, v.disclosed[i].parsed.name))
                        continue;
                buf_put(out, v.disclosed[i].raw);
                buf_put_byte(out, '\n');
        }
        return status;
}

/* As assay log --json prints it. */
static int write_entry(struct proof_writer *w, struct reader *r, uint64_t index, struct err *err)
{
        CLEANUP(buf_done) struct buf line = BUF_INIT(ENTRY_MAX + 1);
        struct span bytes;
        int status = reader_entry(r, index, &bytes, err);

        if (status < 0)
                return status;
        buf_put(&line, bytes);
        buf_put_byte(&line, '\n');
        status = buf_status(&line);
        return status < 0 ? err_sys(err, status, "entry %llu", (unsigned long long)index)
                          : proof_writer_put(w, PROOF_FILE_ENTRY, false, buf_span(&line), err);
}

static void put_json(const struct prove_options *o, const struct reader *r, uint64_t index,
                     struct span proof, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        if (o->entry)
                command_put_json_text(&w, "entry", o->entry);
        json_member_u64(&w, "index", index);
        json_member_text(&w, "origin", r->checkpoint.origin);
        if (o->output) {
                command_put_json_text(&w, "output", o->output);
        } else {
                json_member_string(&w, "proof", proof);
        }
        json_member_u64(&w, "size", r->checkpoint.size);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status hand_out(const struct invocation *in, struct proof_writer *w,
                            const struct reader *r, uint64_t index, bool secret, struct buf *proof)
{
        const struct prove_options *o = in->options;
        CLEANUP(buf_done) struct buf text = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (o->output && proof_writer_put(w, PROOF_FILE_PROOF, secret, buf_span(proof), &err) < 0)
                return complain_err(in, &err);
        if (in->json)
                put_json(o, r, index, buf_span(proof), &text);
        else if (!o->output)
                return command_print(in, proof, STATUS_GOOD);
        return command_print(in, &text, STATUS_GOOD);
}

static enum status run(struct invocation *in)
{
        const struct prove_options *o = in->options;
        CLEANUP(proof_writer_done) struct proof_writer w = { .path = { o->output, o->entry } };
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX);
        CLEANUP(buf_done) struct buf proof = BUF_INIT(TLOG_PROOF_MAX);
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        uint64_t index = 0;
        int status;

        if (!*in->operands[0])
                return complain(in, STATUS_USAGE, "an empty word names no entry");
        status = places_ledger_or(in, 1, dir, &err);
        if (status == 0)
                status = proof_writer_start(&w, &err);
        if (status == 0)
                status = reader_open_apart(dir, NULL, &r, &err);
        if (status == 0)
                status = find_entry(in, &r, in->operands[0], &index, &err);
        if (status == 0 && (o->disclose_all || o->disclose.n > 0))
                status = put_disclosures(dir, o, &r, index, &extra, &err);
        if (status == 0)
                status = buf_status(&extra);
        if (status == 0)
                status = reader_prove(&r, index, buf_span(&extra), &proof, &err);
        if (status == 0 && o->entry)
                status = write_entry(&w, &r, index, &err);
        if (status < 0)
                return complain_err(in, &err);
        return hand_out(in, &w, &r, index, extra.n > 0, &proof);
}

const struct command command_prove = {
        .name = "prove",
        .operands = "INDEX|ID [DIR | ARCHIVE | URL]",
        .about = "write a proof that an entry is in the ledger, for someone else to check",
        .help = "The proof is a C2SP .tlog-proof file: the path from the entry to the root, and the\n"
                "signed checkpoint.  Its reader needs the entry's bytes (--entry), the ledger's\n"
                "verifier key, and no access to this host:\n"
                "\n"
                "  assay verify --proof FILE --key VKEY --entry FILE\n"
                "\n"
                "DIR is a ledger's directory; an archive or a URL will do.  Without it, this host's\n"
                "ledger.",
        .options = prove_specs,
        .options_size = sizeof(struct prove_options),
        .min_operands = 1,
        .max_operands = 2,
        .run = run,
};
