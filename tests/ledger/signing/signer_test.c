/* SPDX-License-Identifier: Apache-2.0 */
/* Other people's signatures: C2SP's example, Tessera's checkpoints, Sunlight's witnesses. */
#include "ledger/signing/signer.h"

#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char tessera_vkey[] =
        "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

static void parse_key(const char *vkey, struct note_vkey *ret)
{
        struct err err = { 0 };

        if (verifier_parse(span_str(vkey), ret, &err))
                fail_msg("%s", err.text);
}

/* c2sp.org/signed-note, its example */
static void c2sp_example(void **state)
{
        static const char note_text[] =
                "This is an example message.\n\n"
                "\xe2\x80\x94 example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1E"
                "RYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n";
        struct note_vkey k;
        struct note n;

        parse_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", &k);
        assert_int_equal(note_parse(SPAN(note_text), &n, NULL), 0);
        assert_int_equal(verifier_check(&k, &n, NULL, NULL), 0);
        assert_true(span_eq_str(n.text, "This is an example message.\n"));
        parse_key(tessera_vkey, &k);
        assert_int_equal(verifier_check(&k, &n, NULL, NULL), -ENOENT);
}

/* The key of golang.org/x/mod's documentation, secret half included. */
static void go_example(void **state)
{
        /* PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz */
        static const char text[] = "If you think cryptography is the answer to your problem,\n"
                                   "then you don't know what your problem is.\n";
        static const char want[] =
                "\xe2\x80\x94 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2"
                "pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        CLEANUP(signer_freep) struct signer *s = NULL;
        uint8_t seed[1 + ED25519_SEED];
        size_t n;

        assert_int_equal(text_from_base64(SPAN("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"),
                                          seed, sizeof seed, &n),
                         0);
        assert_int_equal(n, sizeof seed);
        assert_int_equal(signer_new(SPAN("PeterNeumann"), NOTE_ED25519, seed + 1, &s, NULL), 0);
        assert_int_equal(signer_sign(s, SPAN(text), 0, &out, NULL), 0);
        assert_string_equal(buf_cstr(&out), want);
}

static const char *data_file(const char *path, struct buf *out)
{
        const char *data = getenv("ASSAY_DATA");
        char full[4096];
        uint8_t *at;
        FILE *f;

        if (!data)
                return NULL;
        snprintf(full, sizeof full, "%s/tlog/%s", data, path);
        f = fopen(full, "rb");
        if (!f)
                fail_msg("%s", full);
        buf_clear(out);
        at = buf_extend(out, 65536);
        assert_non_null(at);
        out->n = fread(at, 1, 65536, f);
        fclose(f);
        return buf_cstr(out);
}

static void tessera_checkpoints(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
        struct checkpoint c;
        struct note_vkey k;
        char path[64];

        parse_key(tessera_vkey, &k);
        for (unsigned size = 0; size <= 16; size++) {
                snprintf(path, sizeof path,
                         size < 16 ? "tessera/checkpoint.%u" : "tessera/checkpoint", size);
                if (!data_file(path, &b)) {
                        print_message("SKIPPED tessera_checkpoints: ASSAY_DATA is not set\n");
                        skip();
                }
                assert_int_equal(verifier_open_checkpoint(&k, buf_span(&b), &c, NULL), 0);
                assert_string_equal(c.origin, "example.com/log/testdata");
                assert_int_equal(c.size, MIN_OF(size, 15u));
                /* Every single-byte change is refused, wherever it is. */
                for (size_t i = 0; i < b.n; i++) {
                        b.p[i] ^= 0x01;
                        assert_int_not_equal(verifier_open_checkpoint(&k, buf_span(&b), &c, NULL),
                                             0);
                        b.p[i] ^= 0x01;
                }
        }
        print_message("17 checkpoints, each byte of each flipped\n");
}

static void sunlight_cosignatures(void **state)
{
        static const struct {
                const char *file, *vkey;
        } rows[] = {
                { "sunlight/witness/000de184301123b9278c086a7d9f68c9577e83872224c197058fd90784ea9706/"
                  "checkpoint",
                  "witness.example.org+b8a2cf20+BFLN3yikSfFkVAJtrnh/CiY3Zozkoy7clp+P7XB28qUN" },
                { "sunlight/witness2/88ad7a28caeb0b2aa890fdf0304c2fcaf59fca2ee140134ff8c1300bac493482/"
                  "checkpoint",
                  "witness2.example.org+2e55b896+BIZ7fpceQWd60IfqQeS9IAnmNOCZjMDne8lZuguz/bi9" },
        };
        CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct note_vkey k;
                struct checkpoint c;
                struct note n;
                uint64_t seconds = 0;
                uint8_t *digit;

                if (!data_file(rows[i].file, &b)) {
                        print_message("SKIPPED sunlight_cosignatures: ASSAY_DATA is not set\n");
                        skip();
                }
                parse_key(rows[i].vkey, &k);
                assert_int_equal(k.alg, NOTE_COSIGNATURE_V1);
                assert_int_equal(note_parse(buf_span(&b), &n, NULL), 0);
                assert_int_equal(verifier_check(&k, &n, &seconds, NULL), 0);
                assert_int_equal(seconds, 0x69546780);
                assert_int_equal(checkpoint_parse(n.text, &c, NULL), 0);
                assert_int_equal(c.size, 300);
                digit = memchr(b.p, '3', b.n); /* the size is covered */
                assert_non_null(digit);
                *digit = '4';
                assert_int_equal(note_parse(buf_span(&b), &n, NULL), 0);
                assert_int_equal(verifier_check(&k, &n, &seconds, NULL), -EBADMSG);
        }
}

static void own_signatures(void **state)
{
        static const uint8_t seed[ED25519_SEED] = { 1 }, seed2[ED25519_SEED] = { 2 };
        static const char text[] = "o.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n";
        CLEANUP(signer_freep) struct signer *log = NULL, *witness = NULL, *stranger = NULL;
        CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
        struct note_vkey log_key, witness_key, stranger_key;
        struct checkpoint c;
        struct note n;
        struct err err;
        uint64_t seconds = 7;

        assert_int_equal(signer_new(SPAN("o.example"), NOTE_ED25519, seed, &log, NULL), 0);
        assert_int_equal(signer_new(SPAN("w.example"), NOTE_COSIGNATURE_V1, seed2, &witness, NULL),
                         0);
        assert_int_equal(signer_new(SPAN("o.example"), NOTE_ED25519, seed2, &stranger, NULL), 0);
        signer_vkey(log, &log_key);
        signer_vkey(witness, &witness_key);
        signer_vkey(stranger, &stranger_key);
        buf_put_str(&b, text);
        buf_put_byte(&b, '\n');
        assert_int_equal(signer_sign(log, SPAN(text), 5, &b, NULL), 0);
        assert_int_equal(signer_sign(witness, SPAN(text), 1700000000, &b, NULL), 0);
        assert_int_equal(note_parse(buf_span(&b), &n, NULL), 0);
        assert_int_equal(n.n_sigs, 2);
        assert_int_equal(verifier_check(&log_key, &n, &seconds, NULL), 0);
        assert_int_equal(seconds, 0);
        assert_int_equal(verifier_check(&witness_key, &n, &seconds, NULL), 0);
        assert_int_equal(seconds, 1700000000);
        assert_int_equal(verifier_check(&stranger_key, &n, &seconds, NULL), -ENOENT);
        assert_int_equal(verifier_open_checkpoint(&log_key, buf_span(&b), &c, NULL), 0);
        /* The same name with another key ID is a stranger and ignored, also when it comes first. */
        buf_clear(&b);
        buf_put_str(&b, text);
        buf_put_byte(&b, '\n');
        assert_int_equal(signer_sign(stranger, SPAN(text), 0, &b, NULL), 0);
        assert_int_equal(signer_sign(log, SPAN(text), 0, &b, NULL), 0);
        assert_int_equal(verifier_open_checkpoint(&log_key, buf_span(&b), &c, NULL), 0);
        /* A good signature does not make up for a bad one of the same key, in either order. */
        note_put_sig(&b, SPAN("o.example"), log_key.keyid,
                     SPAN("0123456789012345678901234567890123456789012345678901234567890123"));
        assert_int_equal(verifier_open_checkpoint(&log_key, buf_span(&b), &c, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "does not hold"));
        /* A log key only speaks for its own origin. */
        buf_clear(&b);
        buf_put_str(&b, "p.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n");
        assert_int_equal(signer_sign(log, span_of(b.p, b.n - 1), 0, &b, NULL), 0);
        assert_int_equal(verifier_open_checkpoint(&log_key, buf_span(&b), &c, &err), -EBADMSG);
        assert_non_null(strstr(err.text, "origin p.example"));
}

static void refused_keys(void **state)
{
        static const uint8_t seed[ED25519_SEED] = { 1 };
        struct signer *s = NULL;
        struct note_vkey k;
        struct err err;

        /* key ID off by one bit */
        assert_int_equal(verifier_parse(SPAN("example.com/log/testdata+33d7b497+"
                                             "AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"),
                                        &k, &err),
                         -EBADMSG);
        assert_non_null(strstr(err.text, "33d7b496"));
        /* the same key under another name */
        assert_int_equal(verifier_parse(SPAN("example.com/log/testdatb+33d7b496+"
                                             "AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"),
                                        &k, NULL),
                         -EBADMSG);
        assert_int_equal(verifier_parse(SPAN("n+00000000+/wEC"), &k, NULL), -EPROTONOSUPPORT);
        assert_int_equal(signer_new(SPAN("a b"), NOTE_ED25519, seed, &s, NULL), -EINVAL);
        assert_int_equal(signer_new(SPAN("ab"), NOTE_ML_DSA_44, seed, &s, NULL), -EPROTONOSUPPORT);
        assert_null(s);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(c2sp_example),        cmocka_unit_test(go_example),
                cmocka_unit_test(tessera_checkpoints), cmocka_unit_test(sunlight_cosignatures),
                cmocka_unit_test(own_signatures),      cmocka_unit_test(refused_keys),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
