/* SPDX-License-Identifier: Apache-2.0 */
/* The expected bytes, hash, keys and signatures were made by a program in another language, by what
 * file.h and c2sp.org/signed-note say. */
#include "package/file.h"

#include "base/le.h"
#include "base/text.h"
#include "crypto/sha256.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../alloc_fail.h"

#define API_HASH   "459335be7dc4f4a7607bb3747f95e15b9ac6d74bd212550fd84a8eddaed1c0ad"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SECTIONS                                                                                   \
        "\"sections\":[[\"api\",10,\"" API_HASH "\"],"                                             \
        "[\"schema.cedarschema\",12,"                                                              \
        "\"1b8cd07f72ccffb5815b0afe887b9e1226ac0284a045a1b1843dd6d2a794f2a1\"],"                   \
        "[\"policy.cedar\",35,"                                                                    \
        "\"094667e0f9ca827fa6155e4945ce8a7b60b85458a5afad9f025de61b3e243c52\"],"                   \
        "[\"entities.json\",2,"                                                                    \
        "\"4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945\"]]"
#define SOURCES                                                                                    \
        "\"sources\":[[\"backend.yaml\",18,"                                                       \
        "\"9e739feeedd9e6c222d225638ec79a1f69649d4113aa18c26ed739e52008e584\"],"                   \
        "[\"openapi.yaml\",15,"                                                                    \
        "\"f39db8e8ede3dc2457c613e2a304e6d478f6e5ec660e4746464f41e76ac77006\"],"                   \
        "[\"policies/a.cedar\",0,\"" EMPTY_HASH "\"]]"
#define MANIFEST                                                                                   \
        "{\"api\":\"accounts\",\"format\":1," SECTIONS "," SOURCES ",\"version\":\"1.4.0\"}"
#define CONTENT                                                                                    \
        "{\"api\":{}}entity Api;\npermit(principal,action,resource);\n[]"                          \
        "unix: /run/a.sock\nopenapi: 3.1.0\n"
#define BODY_HASH "06ebf3e3c60ab2d50b70bc6943c8f70aa1c156efd38c0e8ba806f467c12236a2"
#define NOTE_TEXT "assay package\naccounts\n1.4.0\n" BODY_HASH "\n"
#define DASH      "\xe2\x80\x94 "
#define LINE_A                                                                                     \
        DASH "release.example TvEnhJDgB4Z6lR/+6EfiZfehAq13ztwvGUBo8nBaSKDdH9tIxMYoqbXlmBSFDGtY6MF" \
             "muJIApuipYngg95kEuxcFuAg=\n"
#define LINE_B                                                                                     \
        DASH "second.example FtVnY22203SVVsJun8eIgBtTpaXhKOYYD49RlVREg/ftiuFpAapTfEXZ9McliI70bQNI" \
             "jPI1kCc/1XN1s78EShvQcQE=\n"
#define NOTE NOTE_TEXT "\n" LINE_A LINE_B

static const struct span vkeys[] = {
        SPAN_INIT("release.example+4ef12784+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"),
        SPAN_INIT("second.example+16d56763+AXm1Vi6P5lT5QHixEuipi6eQH4U65pW+1+DjkQutBJZk"),
        SPAN_INIT("third.example+33e9ccb7+AUPNwCPSLV+eEH0aBpNFfTXR0Q630hxyEZL1b13kBmXT"),
};

static const struct package_source sources[] = {
        { SPAN_INIT("backend.yaml"), SPAN_INIT("unix: /run/a.sock\n") },
        { SPAN_INIT("openapi.yaml"), SPAN_INIT("openapi: 3.1.0\n") },
        { SPAN_INIT("policies/a.cedar"), SPAN_INIT("") },
};

static const struct package_file accounts = {
        .api = SPAN_INIT("accounts"),
        .version = SPAN_INIT("1.4.0"),
        .section = { SPAN_INIT("{\"api\":{}}"), SPAN_INIT("entity Api;\n"),
                     SPAN_INIT("permit(principal,action,resource);\n"), SPAN_INIT("[]") },
        .sources = sources,
        .n_sources = ARRAY_LEN(sources),
};

/* The bytes of a file with this manifest. */
static void put_file(struct buf *out, const char *manifest, const char *content, const char *note)
{
        buf_clear(out);
        buf_put_str(out, "assay package 1\n");
        le_append(out, strlen(manifest), 4);
        buf_put_str(out, manifest);
        buf_put_str(out, content);
        buf_put_str(out, note);
        assert_int_equal(buf_status(out), 0);
}

/* As it lies in a mapping of just its size. */
static int read_copy(struct span s, struct package_file *ret, struct err *err)
{
        static struct arena arena = ARENA_INIT(1 << 20);
        static uint8_t *copy;

        arena_done(&arena);
        free(copy);
        copy = malloc(s.n ? s.n : 1);
        assert_non_null(copy);
        memcpy(copy, s.p, s.n);
        return package_file_read(span_of(copy, s.n), &arena, ret, err);
}

static void a_package_has_these_bytes(void **state)
{
        CLEANUP(buf_done) struct buf want = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
        char hex[2 * PACKAGE_HASH + 1];
        struct package_file f;

        (void)state;
        put_file(&want, MANIFEST, CONTENT, "");
        assert_int_equal(package_file_put(&out, &accounts, NULL), 0);
        assert_true(span_eq(buf_span(&out), buf_span(&want)));
        assert_int_equal(read_copy(buf_span(&out), &f, NULL), 0);
        assert_true(span_eq_str(f.api, "accounts") && span_eq_str(f.version, "1.4.0"));
        for (unsigned i = 0; i < PACKAGE_SECTIONS; i++)
                assert_true(span_eq(f.section[i], accounts.section[i]));
        assert_int_equal(f.n_sources, ARRAY_LEN(sources));
        for (unsigned i = 0; i < ARRAY_LEN(sources); i++)
                assert_true(span_eq(f.sources[i].path, sources[i].path) &&
                            span_eq(f.sources[i].text, sources[i].text));
        assert_true(span_eq(f.body, buf_span(&want)) && f.note.n == 0);
        text_hex(span_of(f.sha256, PACKAGE_HASH), hex);
        assert_string_equal(hex, BODY_HASH);
}

/* Puts `with` where `find` stands, once, in the manifest. */
static void edit(const char *find, const char *with, struct buf *out)
{
        const char *at = strstr(MANIFEST, find);

        assert_non_null(at);
        buf_put(out, span_of(MANIFEST, (size_t)(at - MANIFEST)));
        buf_put_str(out, with);
        buf_put_str(out, at + strlen(find));
}

static void other_manifests_are_refused(void **state)
{
        static const struct {
                const char *find, *with, *says;
        } rows[] = {
                { "{\"api\"", " {\"api\"", "manifest: byte 0" },
                { "\"format\":1", "\"format\": 1", "manifest: byte 27: blank" },
                { "\"format\":1", "\"format\":2", "manifest: format: not 1" },
                { "\"format\":1", "\"format\":\"1\"", "manifest: format: not 1" },
                { "\"format\":1,", "", "manifest: member sections: not this one here" },
                { "\"format\":1", "\"fizz\":0,\"format\":1", "member fizz: not this one here" },
                { "\"version\":\"1.4.0\"", "\"version\":\"1.4.0\",\"w\":1", "member w: not this" },
                { ",\"version\":\"1.4.0\"", "", "manifest: a member is missing" },
                { "\"accounts\"", "\"Accounts\"", "manifest: api: no name" },
                { "\"accounts\"", "7", "manifest: api: no name" },
                { "\"1.4.0\"", "\".4.0\"", "manifest: version: none" },
                { "\"1.4.0\"", "null", "manifest: version: none" },
                { SECTIONS, "\"sections\":{}", "manifest: sections: no list" },
                { SECTIONS, "\"sections\":[]", "section api: missing" },
                { "[\"api\",10,\"" API_HASH "\"],", "", "section schema.cedarschema: not this" },
                { "[\"api\",10", "[\"app\",10", "section app: not this one here" },
                { "[\"api\",10", "[\"api\",\"10\"", "sections: not [name, size, SHA-256]" },
                { "[\"api\",10", "[\"api\",-1", "sections: not [name, size, SHA-256]" },
                { "[\"api\",10,", "[\"api\",", "sections: not [name, size, SHA-256]" },
                { "[\"api\",10,", "[\"api\",10,0,", "sections: not [name, size, SHA-256]" },
                { "[\"api\",10,", "[10,\"api\",", "sections: not [name, size, SHA-256]" },
                { "[\"api\",10,\"" API_HASH "\"]", "7", "sections: not [name, size, SHA-256]" },
                { "459335be", "459335BE", "sections: not [name, size, SHA-256]" },
                { "c0ad\"", "c0\"", "sections: not [name, size, SHA-256]" },
                { "459335be", "459335bf", "section api: its SHA-256 is another" },
                { "[\"api\",10", "[\"api\",9", "section api: its SHA-256 is another" },
                { "[\"api\",10", "[\"api\",11", "section api: its SHA-256 is another" },
                { "[\"api\",10", "[\"api\",113", "section api: the file ends within it" },
                { "[\"api\",10", "[\"api\",9007199254740991", "api: the file ends within it" },
                { "b945\"]]", "b945\"],[\"x\",0,\"" EMPTY_HASH "\"]]", "section x: not this one" },
                { SOURCES, "\"sources\":1", "manifest: sources: no list" },
                { SOURCES, "\"sources\":[1]", "manifest: sources: not [path, size, SHA-256]" },
                { SOURCES, "\"sources\":[]", "signatures: " },
                { "\"backend.yaml\"", "\"../backend.yaml\"", "source ../backend.yaml: its path" },
                { "\"backend.yaml\"", "\"p.yaml\"", "source openapi.yaml: not in order of paths" },
                { "\"backend.yaml\"", "\"openapi.yaml\"", "source openapi.yaml: not in order" },
                { "9e739fee", "9e739fef", "source backend.yaml: its SHA-256 is another" },
                { "\"policies/a.cedar\",0", "\"policies/a.cedar\",1", "a.cedar: the file ends" },
        };
        CLEANUP(buf_done) struct buf manifest = BUF_INIT(1 << 16), file = BUF_INIT(1 << 20);
        struct package_file f;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };

                buf_clear(&manifest);
                edit(rows[i].find, rows[i].with, &manifest);
                put_file(&file, buf_cstr(&manifest), CONTENT, "");
                if (read_copy(buf_span(&file), &f, &err) != -EBADMSG ||
                    !strstr(err.text, rows[i].says))
                        fail_msg("%s -> %s: %d, %s", rows[i].find, rows[i].with, err.code,
                                 err.text);
        }
}

static void other_bytes_around_it_are_refused(void **state)
{
        static const struct {
                struct span in;
                const char *says;
        } heads[] = {
                { SPAN_INIT(""), "it is empty, and no package" },
                { SPAN_INIT("assay package 1"), "no package that assay api build has made" },
                { SPAN_INIT("assay package 2\n\0\0\0\0"), "a package of another format than 1" },
                { SPAN_INIT("\x7f"
                            "ELF, and more than the 16"),
                  "no package that assay api build" },
                { SPAN_INIT("assay package 1\n\0\0\0"), "ends within its head" },
                { SPAN_INIT("assay package 1\n\0\0\0\0"), "manifest: byte 0" },
                { SPAN_INIT("assay package 1\n\3\0\0\0{}"), "manifest: longer" },
                { SPAN_INIT("assay package 1\n\xff\xff\xff\xff{}"), "manifest: longer" },
                { SPAN_INIT("assay package 1\n\2\0\0\0[]"), "manifest: byte 0" },
                { SPAN_INIT("assay package 1\n\2\0\0\0{}"), "manifest: a member is missing" },
        };
        static const struct {
                const char *note, *says;
        } tails[] = {
                { "\n", "signatures: " },
                { "x", "signatures: " },
                { NOTE_TEXT, "signatures: " },
                { NOTE_TEXT "\n", "signatures: " },
                { NOTE_TEXT LINE_A, "signatures: " },
                { NOTE "\n", "signatures: " },
                { NOTE "x", "signatures: " },
        };
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        struct package_file f;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
                struct err err = { 0 };

                assert_int_equal(read_copy(heads[i].in, &f, &err), -EBADMSG);
                assert_non_null(strstr(err.text, heads[i].says));
        }
        for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
                struct err err = { 0 };

                put_file(&file, MANIFEST, CONTENT, tails[i].note);
                assert_int_equal(read_copy(buf_span(&file), &f, &err), -EBADMSG);
                assert_non_null(strstr(err.text, tails[i].says));
        }
        put_file(&file, MANIFEST, CONTENT, "");
        for (size_t n = 0; n < file.n; n++)
                assert_int_equal(read_copy(span_of(file.p, n), &f, NULL), -EBADMSG);
}

/* Sixty-four megabytes that nobody reads: the ceiling is asked first. */
static void ceilings_hold(void **state)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
        uint8_t *zeros = calloc(1, PACKAGE_FILE_MAX + 1);
        struct package_source many[PACKAGE_SOURCES_MAX + 1] = { 0 };
        struct package_file f = accounts;
        struct err err = { 0 };
        struct arena arena = ARENA_INIT(1);

        (void)state;
        assert_non_null(zeros);
        assert_int_equal(package_file_read(span_of(zeros, PACKAGE_FILE_MAX + 1), &arena, &f, &err),
                         -EBADMSG);
        assert_string_equal(err.text, "more than 64 MiB");
        f.section[PACKAGE_API] = span_of(zeros, PACKAGE_FILE_MAX - NOTE_MAX);
        assert_int_equal(package_file_put(&out, &f, &err), -E2BIG);
        f = accounts;
        f.sources = many;
        f.n_sources = ARRAY_LEN(many);
        assert_int_equal(package_file_put(&out, &f, &err), -E2BIG);
        assert_int_equal(out.n, 0);
        out.max = 20;
        assert_int_equal(package_file_put(&out, &accounts, &err), -E2BIG);
        free(zeros);
}

static void names_are_judged(void **state)
{
        static const struct {
                bool (*ok)(struct span);
                struct span name;
                bool want;
        } rows[] = {
                { package_api_ok, SPAN_INIT("a"), true },
                { package_api_ok, SPAN_INIT("a-9"), true },
                { package_api_ok, SPAN_INIT(""), false },
                { package_api_ok, SPAN_INIT("9a"), false },
                { package_api_ok, SPAN_INIT("-a"), false },
                { package_api_ok, SPAN_INIT("a_b"), false },
                { package_api_ok, SPAN_INIT("a/b"), false },
                { package_api_ok, SPAN_INIT("aA"), false },
                { package_api_ok, SPAN_INIT("a\0"), false },
                { package_version_ok, SPAN_INIT("1"), true },
                { package_version_ok, SPAN_INIT("v1.4.0-rc.1+build_7"), true },
                { package_version_ok, SPAN_INIT(""), false },
                { package_version_ok, SPAN_INIT("-1"), false },
                { package_version_ok, SPAN_INIT(".."), false },
                { package_version_ok, SPAN_INIT("1 4"), false },
                { package_version_ok, SPAN_INIT("1/4"), false },
                { package_version_ok, SPAN_INIT("1\n"), false },
                { package_version_ok, SPAN_INIT("1\0"), false },
                { package_path_ok, SPAN_INIT("a"), true },
                { package_path_ok, SPAN_INIT("a/.b/c..d"), true },
                { package_path_ok, SPAN_INIT("\xc3\xa9"), true },
                { package_path_ok, SPAN_INIT(""), false },
                { package_path_ok, SPAN_INIT("/a"), false },
                { package_path_ok, SPAN_INIT("a/"), false },
                { package_path_ok, SPAN_INIT("a//b"), false },
                { package_path_ok, SPAN_INIT("."), false },
                { package_path_ok, SPAN_INIT("a/./b"), false },
                { package_path_ok, SPAN_INIT("a/.."), false },
                { package_path_ok, SPAN_INIT("a\nb"), false },
                { package_path_ok, SPAN_INIT("a\x7f"), false },
                { package_path_ok, SPAN_INIT("a\0b"), false },
                { package_path_ok, SPAN_INIT("a\\b"), false },
                { package_path_ok, SPAN_INIT("a\"b"), false },
                { package_path_ok, SPAN_INIT("\xff"), false },
        };
        static const struct {
                bool (*ok)(struct span);
                size_t max;
        } longest[] = { { package_api_ok, 63 },
                        { package_version_ok, PACKAGE_VERSION_MAX },
                        { package_path_ok, PACKAGE_PATH_MAX } };
        uint8_t text[PACKAGE_PATH_MAX + 1];

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++)
                if (rows[i].ok(rows[i].name) != rows[i].want)
                        fail_msg("row %zu", i);
        memset(text, 'a', sizeof text);
        for (size_t i = 0; i < ARRAY_LEN(longest); i++) {
                assert_true(longest[i].ok(span_of(text, longest[i].max)));
                assert_false(longest[i].ok(span_of(text, longest[i].max + 1)));
        }
}

static void what_is_no_package_is_not_written(void **state)
{
        static const struct package_source unordered[] = { { SPAN_INIT("b"), SPAN_INIT("") },
                                                           { SPAN_INIT("a"), SPAN_INIT("") } },
                                           twice[] = { { SPAN_INIT("b"), SPAN_INIT("") },
                                                       { SPAN_INIT("b"), SPAN_INIT("") } },
                                           up[] = { { SPAN_INIT("../b"), SPAN_INIT("") } };
        static const struct {
                struct package_file f;
                const char *says;
        } rows[] = {
                { { .api = SPAN_INIT("A"), .version = SPAN_INIT("1") }, "api: " },
                { { .api = SPAN_INIT("a"), .version = SPAN_INIT("") }, "version: " },
                { { .api = SPAN_INIT("a"),
                    .version = SPAN_INIT("1"),
                    .sources = unordered,
                    .n_sources = 2 },
                  "source a: not in order" },
                { { .api = SPAN_INIT("a"),
                    .version = SPAN_INIT("1"),
                    .sources = twice,
                    .n_sources = 2 },
                  "source b: not in order" },
                { { .api = SPAN_INIT("a"),
                    .version = SPAN_INIT("1"),
                    .sources = up,
                    .n_sources = 1 },
                  "source 1: " },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20);
                struct err err = { 0 };

                assert_int_equal(package_file_put(&out, &rows[i].f, &err), -EINVAL);
                assert_non_null(strstr(err.text, rows[i].says));
                assert_int_equal(out.n, 0);
        }
}

/* ---- signatures ---- */

/* The keys of the vkeys above: seeds 0, 1, 2, ... from `first` on. */
static struct signer *key(const char *name, enum note_alg alg, uint8_t first)
{
        struct signer *s = NULL;
        uint8_t seed[ED25519_SEED];

        for (unsigned i = 0; i < sizeof seed; i++)
                seed[i] = (uint8_t)(first + i);
        assert_int_equal(signer_new(span_str(name), alg, seed, &s, NULL), 0);
        return s;
}

static void keys_sign_one_after_the_other(void **state)
{
        CLEANUP(signer_freep) struct signer *a = key("release.example", NOTE_ED25519, 0);
        CLEANUP(signer_freep) struct signer *b = key("second.example", NOTE_ED25519, 1);
        CLEANUP(signer_freep) struct signer *c = key("witness", NOTE_COSIGNATURE_V1, 1);
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20), out = BUF_INIT(1 << 20);
        struct package_file f;
        struct err err = { 0 };

        (void)state;
        put_file(&file, MANIFEST, CONTENT, "");
        assert_int_equal(read_copy(buf_span(&file), &f, NULL), 0);
        assert_int_equal(package_file_sign(&f, c, &out, &err), -EINVAL);
        assert_int_equal(package_file_sign(&f, a, &out, &err), 0);
        assert_string_equal(buf_cstr(&out), NOTE_TEXT "\n" LINE_A);
        put_file(&file, MANIFEST, CONTENT, NOTE_TEXT "\n" LINE_A);
        assert_int_equal(read_copy(buf_span(&file), &f, NULL), 0);
        assert_int_equal(package_file_sign(&f, a, &out, &err), -EEXIST);
        buf_clear(&out);
        assert_int_equal(package_file_sign(&f, b, &out, &err), 0);
        assert_string_equal(buf_cstr(&out), NOTE);
        f.sha256[0] ^= 1;
        assert_int_equal(package_file_sign(&f, b, &out, &err), -EBADMSG);
}

static void a_note_has_an_end(void **state)
{
        CLEANUP(signer_freep) struct signer *a = key("release.example", NOTE_ED25519, 0);
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX), file = BUF_INIT(1 << 20);
        struct package_file f;
        struct err err = { 0 };

        (void)state;
        buf_put_str(&note, NOTE_TEXT "\n");
        for (unsigned i = 0; i < NOTE_SIGS_MAX; i++)
                buf_put_str(&note, LINE_B);
        put_file(&file, MANIFEST, CONTENT, buf_cstr(&note));
        assert_int_equal(read_copy(buf_span(&file), &f, NULL), 0);
        assert_int_equal(package_file_sign(&f, a, &note, &err), -E2BIG);
}

static void signatures_are_judged(void **state)
{
        static const struct span none[] = { SPAN_INIT("rubbish") }, ledger[] = {
                SPAN_INIT("witness+76d92acc+"
                          "BHm1Vi6P5lT5QHixEuipi6eQH4U65pW+1+DjkQutBJZk")
        };
        static const struct {
                const char *note;
                const struct span *keys;
                size_t n;
                int want;
                size_t key;
                const char *says;
        } rows[] = {
                { NOTE, vkeys, 3, 0, 0, NULL },
                { NOTE, vkeys + 1, 2, 0, 0, NULL },
                { NOTE_TEXT "\n" LINE_B, vkeys, 3, 0, 1, NULL },
                { NOTE_TEXT "\n" LINE_B LINE_A, vkeys, 3, 0, 0, NULL },
                { NOTE, vkeys + 2, 1, -ENOKEY, 0, "by a key that is trusted" },
                { NOTE, NULL, 0, -ENOKEY, 0, "by a key that is trusted" },
                { "", vkeys, 3, -ENOKEY, 0, "not signed" },
                { "assay package\naccount\n1.4.0\n" BODY_HASH "\n\n" LINE_A, vkeys, 3, -EBADMSG, 0,
                  "of another package" },
                { "assay package\naccounts\n1.4.1\n" BODY_HASH "\n\n" LINE_A, vkeys, 3, -EBADMSG, 0,
                  "of another package" },
                { "assay package\naccounts\n1.4.0\n" API_HASH "\n\n" LINE_A, vkeys, 3, -EBADMSG, 0,
                  "of another package" },
                /* the first one's signature under the second one's name and key ID */
                { NOTE_TEXT "\n" DASH "second.example FtVnY5DgB4Z6lR/+6EfiZfehAq13ztwvGUBo8nBaSKDdH"
                            "9tIxMYoqbXlmBSFDGtY6MFmuJIApuipYngg95kEuxcFuAg=\n",
                  vkeys, 3, -EBADMSG, 0, "does not hold" },
                /* a good one beside it */
                { NOTE_TEXT "\n" LINE_A DASH
                            "second.example FtVnY5DgB4Z6lR/+6EfiZfehAq13ztwvGUBo8nBaSKDdH"
                            "9tIxMYoqbXlmBSFDGtY6MFmuJIApuipYngg95kEuxcFuAg=\n",
                  vkeys, 3, -EBADMSG, 0, "does not hold" },
                { NOTE, none, 1, -EBADMSG, 0, "vkey" },
                { NOTE, ledger, 1, -EPROTONOSUPPORT, 0, "Ed25519" },
        };
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct err err = { 0 };
                struct package_file f;
                size_t found = 99;
                int r;

                put_file(&file, MANIFEST, CONTENT, rows[i].note);
                assert_int_equal(read_copy(buf_span(&file), &f, &err), 0);
                r = package_file_verify(&f, rows[i].keys, rows[i].n, &found, &err);
                if (r != rows[i].want || (rows[i].says && !strstr(err.text, rows[i].says)))
                        fail_msg("row %zu: %d %s", i, r, err.text);
                assert_int_equal(found, r == 0 ? rows[i].key : 99);
        }
}

/* All bits of all bytes, with both keys trusted. */
static void each_flipped_bit_is_noticed(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        struct package_file f;
        size_t found;

        (void)state;
        put_file(&file, MANIFEST, CONTENT, NOTE);
        assert_int_equal(read_copy(buf_span(&file), &f, NULL), 0);
        assert_int_equal(package_file_verify(&f, vkeys, 2, &found, NULL), 0);
        for (size_t bit = 0; bit < 8 * file.n; bit++) {
                file.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (read_copy(buf_span(&file), &f, NULL) == 0 &&
                    package_file_verify(&f, vkeys, 1, &found, NULL) == 0 &&
                    package_file_verify(&f, vkeys + 1, 1, &found, NULL) == 0)
                        fail_msg("byte %zu, bit %zu: not noticed", bit / 8, bit % 8);
                file.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
}

static void memory_may_fail(void **state)
{
        CLEANUP(signer_freep) struct signer *c = key("third.example", NOTE_ED25519, 2);
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        struct package_file f;
        size_t found;

        (void)state;
        put_file(&file, MANIFEST, CONTENT, NOTE);
        for (size_t nth = 1, done = 0; !done; nth++) {
                struct arena arena = ARENA_INIT(1 << 20);
                int r;

                alloc_fail_nth = nth;
                r = package_file_read(buf_span(&file), &arena, &f, NULL);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                assert_int_equal(r, done ? 0 : -ENOMEM);
                arena_done(&arena);
        }
        assert_int_equal(read_copy(buf_span(&file), &f, NULL), 0);
        for (size_t nth = 1, done = 0; !done; nth++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 20), again = BUF_INIT(1 << 20);
                struct err err = { 0 };
                int put, sign, verify;

                alloc_fail_nth = nth;
                put = package_file_put(&again, &accounts, &err);
                sign = package_file_sign(&f, c, &out, &err);
                verify = package_file_verify(&f, vkeys, 2, &found, &err);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                assert_true(put == 0 || put == -ENOMEM);
                assert_true(sign == 0 || sign == -ENOMEM);
                assert_true(verify == 0 || verify == -ENOMEM);
                if (done)
                        assert_true(put == 0 && sign == 0 && verify == 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_package_has_these_bytes),
                cmocka_unit_test(other_manifests_are_refused),
                cmocka_unit_test(other_bytes_around_it_are_refused),
                cmocka_unit_test(ceilings_hold),
                cmocka_unit_test(names_are_judged),
                cmocka_unit_test(what_is_no_package_is_not_written),
                cmocka_unit_test(keys_sign_one_after_the_other),
                cmocka_unit_test(a_note_has_an_end),
                cmocka_unit_test(signatures_are_judged),
                cmocka_unit_test(each_flipped_bit_is_noticed),
                cmocka_unit_test(memory_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
