/* SPDX-License-Identifier: Apache-2.0 */
/* verify_proof.c - one .tlog-proof against pinned keys and an entry's own bytes. */
#include "ledger/verify/verify_priv.h"

#include "base/text.h"
#include "crypto/sha256.h"
#include "ledger/signing/signer.h"
#include "wire/tlogproof.h"

#include <string.h>

enum { SCRATCH_MAX = 256 * 1024 };

static void node(const struct hash *l, const struct hash *r, struct hash *out)
{
        sha256_node(l->b, r->b, out->b);
}

/* The log key's checkpoint, and every cosigner's word on it. */
static int check_signatures(const struct verify_proof_options *o, struct span bytes,
                            struct verify_proof_result *r, struct err *err)
{
        const struct note_vkey *log = NULL;
        struct note note;
        int status;

        for (size_t i = 0; i < o->n_keys; i++)
                if (o->keys[i].alg == NOTE_ED25519) {
                        if (log)
                                return err_set(err, -EINVAL, "verify: two log keys");
                        log = &o->keys[i];
                }
        if (!log)
                return err_set(err, -EINVAL, "verify: none of the keys is a log's");
        status = verifier_open_checkpoint(log, bytes, &r->checkpoint, err);
        if (status)
                return status == -ENOENT
                               ? err_set(err, -EBADMSG,
                                         "checkpoint: no signature of %s, it is another log's "
                                         "or of another key",
                                         log->name)
                               : status;
        r->checkpoint.extensions = SPAN_NONE;
        r->signatures = 1;
        status = note_parse(bytes, &note, err);
        for (size_t i = 0; !status && i < o->n_keys; i++) {
                if (&o->keys[i] == log)
                        continue;
                status = verifier_check(&o->keys[i], &note, NULL, err);
                r->signatures += status == 0;
        }
        return status == -ENOENT ? err_set(err, -EBADMSG, "checkpoint: %s", err_text(err)) : status;
}

/* ---- disclosures ---- */

static bool in_sd(struct json_value sd, const char digest[ENTRY_DIGEST_LEN])
{
        struct json_iter it;
        struct json_value item;
        struct span text;

        if (!sd.raw.n || sd.type != JSON_ARRAY)
                return false;
        for (it = json_iter_of(sd); json_next(&it, NULL, &item);)
                if (json_value_plain(item, &text) &&
                    span_eq(text, span_of(digest, ENTRY_DIGEST_LEN)))
                        return true;
        return false;
}

static uint64_t count_items(struct json_value sd)
{
        struct json_iter it;
        struct json_value item;
        uint64_t n = 0;

        if (!sd.raw.n || sd.type != JSON_ARRAY)
                return 0;
        for (it = json_iter_of(sd); json_next(&it, NULL, &item);)
                n++;
        return n;
}

static int one_disclosure(const struct verify_proof_options *o, struct json_value sd,
                          struct span line, size_t number, struct buf *scratch, struct err *err)
{
        char digest[ENTRY_DIGEST_LEN + 1];
        struct buf b = BUF_INIT(sizeof digest);
        uint8_t raw[SHA256_LEN];
        struct disclosure d;
        struct err why = { 0 };
        int r;

        sha256(line, raw);
        text_put_base64url(&b, span_of(raw, sizeof raw));
        memcpy(digest, buf_cstr(&b), sizeof digest);
        buf_done(&b);
        if (!in_sd(sd, digest))
                return err_set(err, -EBADMSG,
                               "disclosure %zu: its digest %s is not in the entry's _sd", number,
                               digest);
        r = disclosure_parse(line, scratch, &d, &why);
        if (r)
                return err_set(err, r, "disclosure %zu: %s", number, err_text(&why));
        if (o->on_disclosure)
                o->on_disclosure(o->ctx, &(struct verify_disclosure){ d.name, d.value });
        return 0;
}

/* Has this line come before it in extra? */
static bool repeated(struct span extra, struct span line)
{
        struct span earlier;

        while (extra.p < line.p) {
                const uint8_t *nl = memchr(extra.p, '\n', extra.n);

                earlier = span_of(extra.p, (size_t)(nl - extra.p));
                if (span_eq(earlier, line))
                        return true;
                extra = span_from(extra, earlier.n + 1);
        }
        return false;
}

/* One base64url disclosure a line; the last newline may be missing. */
static int check_disclosures(const struct verify_proof_options *o, struct span extra,
                             struct verify_proof_result *r, struct err *err)
{
        CLEANUP(buf_done) struct buf scratch = BUF_INIT(SCRATCH_MAX);
        const struct span all = extra;
        struct entry e;
        struct span line;
        const uint8_t *nl;
        int status;

        status = json_check(o->entry, err);
        if (!status)
                status = entry_parse(o->entry, &e, err);
        if (status) /* any bytes can be an entry; only disclosures need it well formed */
                return extra.n ? err_set(err, -EBADMSG, "entry: %s", err_text(err)) : 0;
        r->hidden = count_items(e.sd);
        while (extra.n) {
                nl = memchr(extra.p, '\n', extra.n);
                line = span_of(extra.p, nl ? (size_t)(nl - extra.p) : extra.n);
                extra = span_from(extra, line.n + (nl != NULL));
                status = one_disclosure(o, e.sd, line, (size_t)++r->disclosures, &scratch, err);
                if (status)
                        return status;
                if (r->disclosures > r->hidden || repeated(all, line))
                        return err_set(err, -EBADMSG, "disclosure %zu: is there twice",
                                       (size_t)r->disclosures);
        }
        r->hidden -= r->disclosures;
        return 0;
}

int verify_proof(const struct verify_proof_options *o, struct verify_proof_result *ret,
                 struct err *err)
{
        CLEANUP(buf_done) struct buf extra = BUF_INIT(TLOG_PROOF_EXTRA_MAX);
        struct verify_proof_result r = { 0 };
        struct tlog_proof p;
        struct hash leaf;
        int status;

        status = tlog_proof_parse(o->proof, &extra, &p, err);
        if (!status)
                status = check_signatures(o, p.checkpoint, &r, err);
        if (status)
                return status;
        r.index = p.index;
        sha256_leaf(o->entry, leaf.b);
        status = proof_check_inclusion(p.index, r.checkpoint.size, &leaf, p.hash, p.n,
                                       &r.checkpoint.root, node, err);
        if (!status)
                status = check_disclosures(o, p.extra, &r, err);
        if (!status)
                *ret = r;
        return status;
}
