/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/verify/verify.h"

#include "../testlog.h"
#include "ledger/read/tree.h"
#include "ledger/signing/signer.h"
#include "wire/tlogproof.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Two disclosures as in RFC 9901; the digests in the entry are from `printf '%s' D | openssl dgst
 * -sha256 -binary | basenc --base64url`.
 *   ["s1","who.user","alice"]   ["s2","who.addr",7] */
static const char alice[] = "WyJzMSIsIndoby51c2VyIiwiYWxpY2UiXQ";
static const char seven[] = "WyJzMiIsIndoby5hZGRyIiw3XQ";
static const char entry_text[] =
        "{\"_sd\":[\"ZjsdXmmC60oggVQGaQ7neZTnsbqR-R6gN-Jw2pw7dWo\",\"f7Hl5VmQil0jqbNGVZl5D0FRGIfDi-UdrVMv7sKJsjg\"],\"id\":\"x\",\"k\":\"a.b\",\"v\":1}";

struct shown {
        unsigned n;
        char text[2][64];
};

static void show(void *ctx, const struct verify_disclosure *d)
{
        struct shown *s = ctx;

        assert_true(s->n < 2);
        snprintf(s->text[s->n++], sizeof s->text[0], "%.*s=%.*s", (int)d->name.n,
                 (const char *)d->name.p, (int)d->value.raw.n, (const char *)d->value.raw.p);
}

struct fixture {
        struct testlog log;
        struct note_vkey key;
        struct buf note;
        struct span entry;
        struct tlog_proof proof;
};

static int setup(void **state)
{
        static struct fixture f;
        struct source *src = NULL;
        struct tree *t = NULL;

        f = (struct fixture){ .note = BUF_INIT(4096) };
        testlog_new(&f.log, "t.example/log");
        testlog_fill(&f.log, 400);
        testlog_add(&f.log, SPAN(entry_text));
        testlog_fill(&f.log, 299);
        testlog_publish(&f.log, 700);
        testlog_note(&f.log, 700, &f.note);
        assert_int_equal(verifier_parse(span_str(f.log.vkey), &f.key, NULL), 0);
        assert_int_equal(source_dir(f.log.fd, "x", &src, NULL), 0);
        assert_int_equal(tree_new(src, 700, 16, &t, NULL), 0);
        f.proof.index = 400;
        assert_int_equal(tree_prove_inclusion(t, 400, f.proof.hash, &f.proof.n, NULL), 0);
        f.proof.checkpoint = buf_span(&f.note);
        f.entry = SPAN(entry_text);
        tree_free(t);
        source_free(src);
        *state = &f;
        return 0;
}

static int teardown(void **state)
{
        struct fixture *f = *state;

        buf_done(&f->note);
        testlog_done(&f->log);
        return 0;
}

static int judge(const struct fixture *f, const struct tlog_proof *p, struct span entry,
                 struct shown *shown, struct verify_proof_result *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(TLOG_PROOF_MAX);
        struct verify_proof_options o = {
                .entry = entry, .keys = &f->key, .n_keys = 1, .on_disclosure = show, .ctx = shown
        };

        tlog_proof_put(&file, p);
        assert_int_equal(buf_status(&file), 0);
        o.proof = buf_span(&file);
        return verify_proof(&o, ret, err);
}

static void good_proof(void **state)
{
        struct fixture *f = *state;
        struct verify_proof_result r;
        struct shown shown = { 0 };

        assert_int_equal(judge(f, &f->proof, f->entry, &shown, &r, NULL), 0);
        assert_int_equal(r.index, 400);
        assert_int_equal(r.checkpoint.size, 700);
        assert_int_equal(r.signatures, 1);
        assert_int_equal(r.hidden, 2);
        assert_int_equal(shown.n, 0);
}

static void disclosed_values(void **state)
{
        struct fixture *f = *state;
        struct tlog_proof p = f->proof;
        struct verify_proof_result r;
        struct shown shown = { 0 };
        char extra[128];

        p.has_extra = true;
        p.extra = span_of(extra, (size_t)snprintf(extra, sizeof extra, "%s\n%s\n", alice, seven));
        assert_int_equal(judge(f, &p, f->entry, &shown, &r, NULL), 0);
        assert_int_equal(r.disclosures, 2);
        assert_int_equal(r.hidden, 0);
        assert_string_equal(shown.text[0], "who.user=\"alice\"");
        assert_string_equal(shown.text[1], "who.addr=7");
        shown.n = 0;
        p.extra = SPAN(seven); /* one alone, without a newline */
        assert_int_equal(judge(f, &p, f->entry, &shown, &r, NULL), 0);
        assert_int_equal(r.hidden, 1);
        assert_int_equal(shown.n, 1);
}

static void refused_disclosures(void **state)
{
        static const char *const extra[] = {
                "WyJzMSIsIndoby51c2VyIiwiYWxpY2YiXQ",     /* alicf */
                "WyJzMSIsIndoby51c2VyIiwiYWxpY2UiXQ\n\n", /* an empty line */
                "WyJzMSIsIndoby51c2VyIiwiYWxpY2UiXQ=",
                "WyJzMSIsIndoby51c2VyIiwiYWxpY2UiXQ\nWyJzMSIsIndoby51c2VyIiwiYWxpY2UiXQ\n",
                "\n",
        };
        struct fixture *f = *state;
        struct verify_proof_result r = { .index = 77 };

        for (size_t i = 0; i < ARRAY_LEN(extra); i++) {
                struct tlog_proof p = f->proof;
                struct shown shown = { 0 };
                struct err err = { 0 };

                p.has_extra = true;
                p.extra = span_str(extra[i]);
                if (judge(f, &p, f->entry, &shown, &r, &err) != -EBADMSG)
                        fail_msg("row %zu accepted", i);
                assert_non_null(strstr(err.text, "disclosure "));
                assert_int_equal(r.index, 77);
        }
}

static void refused_proofs(void **state)
{
        struct fixture *f = *state;
        struct verify_proof_result r;
        struct shown shown = { 0 };
        struct tlog_proof p;
        struct err err;
        char other[sizeof entry_text];

        for (size_t i = 0; i < f->proof.n; i++) {
                p = f->proof;
                p.hash[i].b[i] ^= 4;
                assert_int_equal(judge(f, &p, f->entry, &shown, &r, &err), -EBADMSG);
                assert_non_null(strstr(err.text, "another root"));
        }
        p = f->proof;
        p.index = 401;
        assert_int_equal(judge(f, &p, f->entry, &shown, &r, &err), -EBADMSG);
        p.index = 700;
        assert_int_equal(judge(f, &p, f->entry, &shown, &r, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "not below size"));
        p = f->proof;
        p.n--;
        assert_int_equal(judge(f, &p, f->entry, &shown, &r, &err), -EBADMSG);
        memcpy(other, entry_text, sizeof other);
        other[sizeof other - 3] ^= 1;
        assert_int_equal(judge(f, &f->proof, span_of(other, sizeof other - 1), &shown, &r, &err),
                         -EBADMSG);
}

static void flipped_checkpoint(void **state)
{
        struct fixture *f = *state;
        struct verify_proof_result r;
        struct shown shown = { 0 };

        for (size_t i = 0; i < f->note.n; i++) {
                f->note.p[i] ^= 1;
                if (judge(f, &f->proof, f->entry, &shown, &r, NULL) != -EBADMSG)
                        fail_msg("byte %zu", i);
                f->note.p[i] ^= 1;
        }
        assert_int_equal(judge(f, &f->proof, f->entry, &shown, &r, NULL), 0);
}

static void strangers_key(void **state)
{
        static const uint8_t seed[32] = { 8 };
        struct fixture f = *(struct fixture *)*state;
        struct verify_proof_result r;
        struct shown shown = { 0 };
        struct err err;
        char vkey[256];

        testlog_vkey("t.example/log", 0x01, seed, vkey);
        assert_int_equal(verifier_parse(span_str(vkey), &f.key, NULL), 0);
        assert_int_equal(judge(&f, &f.proof, f.entry, &shown, &r, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "no signature of t.example/log"));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_proof),          cmocka_unit_test(disclosed_values),
                cmocka_unit_test(refused_disclosures), cmocka_unit_test(refused_proofs),
                cmocka_unit_test(flipped_checkpoint),  cmocka_unit_test(strangers_key),
        };

        return cmocka_run_group_tests(tests, setup, teardown);
}
