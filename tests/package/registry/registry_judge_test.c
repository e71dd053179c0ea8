/* SPDX-License-Identifier: Apache-2.0 */
/* What may be pushed, approved, deployed and gone back to, by tables; what is refused says why, in
 * the entry without a name of anybody. */
#include "package/registry/registry_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "registry_fixture.h"

#include "crypto/sha256.h"

/* Keys of these seeds, their ids computed by a program in another language. */
enum { CI = 1, ANNA = 2, BERT = 3, CARL = 4 };
#define CI_KEY   "ci+015195bf+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c"
#define ANNA_KEY "anna+4331fb9a+AYE5dw6ofRdfVqNUZsNMfszLjYqRtO43ol32D1uPybOU"
#define CARL_KEY "carl+9d44eb91+AcqTrBcFGHBx1nuDx/8O/oEI6OxFMFdddyaHkzPb2r58"

#define NOW 1796148000000000000 /* 2026-12-01T18:00:00Z */

struct fact {
        enum registry_fact_kind kind;
        const char *name, *of, *value;
};

static const struct fact usual[] = {
        { REGISTRY_REPOSITORY, "services", "", "/srv/git/services.git" },
        { REGISTRY_PROTECTED, "services", "", "refs/heads/main" },
        { REGISTRY_API, "services", "accounts", "services/accounts" },
        { REGISTRY_API, "services", "top", "" },
        { REGISTRY_API, "others", "cards", "cards" },
        { REGISTRY_BUILDER, "build server", "", CI_KEY },
        { REGISTRY_APPROVER, "anna", "", ANNA_KEY },
        { REGISTRY_AUTHOR, "bert", "", "bert@example.org" },
        { REGISTRY_AUTHOR, "bert", "", "SHA256:bert" },
};

static void add_facts(struct registry_config *c, const struct fact *f, size_t n)
{
        for (size_t i = 0; i < n; i++) {
                struct registry_fact one = { .kind = f[i].kind };

                snprintf(one.name, sizeof one.name, "%s", f[i].name);
                snprintf(one.of, sizeof one.of, "%s", f[i].of);
                snprintf(one.value, sizeof one.value, "%s", f[i].value);
                assert_int_equal(registry_config_add(c, &one), 0);
        }
}

static void usual_config(struct registry_config *c)
{
        registry_config_init(c);
        add_facts(c, usual, ARRAY_LEN(usual));
}

static struct signer *signer_of(const char *name, uint8_t seed)
{
        uint8_t bytes[ED25519_SEED];
        struct signer *s = NULL;

        memset(bytes, seed, sizeof bytes);
        assert_int_equal(signer_new(span_str(name), NOTE_ED25519, bytes, &s, NULL), 0);
        return s;
}

/* NULL word: it was good.  No name of anybody may be in the words of an entry. */
static void check(const char *what, int rc, const struct registry_record *r, const struct err *err,
                  const char *word)
{
        static const char *const names[] = { "anna", "bert", "carl", "example.org" };

        if ((rc == 0) != (word == NULL) || (rc < 0 && rc != -EKEYREJECTED))
                fail_msg("%s: %d %s, wanted %s", what, rc, err_text(err), word ? word : "good");
        if (!word)
                return;
        if (strcmp(r->reason, word) != 0 || r->kind != REGISTRY_REFUSED)
                fail_msg("%s: %s, wanted %s", what, r->reason, word);
        assert_true(r->detail[0] && err->text[0]);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strstr(r->detail, names[i]))
                        fail_msg("%s: \"%s\" names somebody", what, r->detail);
}

static void the_keys_are_these(void **state)
{
        static const struct {
                const char *name, *vkey, *id;
                uint8_t seed;
        } t[] = { { "ci", CI_KEY, "015195bf", CI },
                  { "anna", ANNA_KEY, "4331fb9a", ANNA },
                  { "carl", CARL_KEY, "9d44eb91", CARL } };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(signer_freep) struct signer *s = signer_of(t[i].name, t[i].seed);
                CLEANUP(buf_done) struct buf text = BUF_INIT(NOTE_MAX);
                char id[REGISTRY_KEY_MAX + 1];
                struct note_vkey key;

                signer_vkey(s, &key);
                note_vkey_put(&text, &key);
                assert_string_equal(buf_cstr(&text), t[i].vkey);
                registry_key_id(t[i].vkey, id);
                assert_string_equal(id, t[i].id);
        }
}

/* ---- packages ---- */

static const struct package_source sources[] = {
        { SPAN_INIT("a.yaml"), SPAN_INIT("a") },
        { SPAN_INIT("b/c.cedar"), SPAN_INIT("") },
        { SPAN_INIT("d"), SPAN_INIT("dd") },
};

struct made {
        struct buf bytes;
        struct arena arena;
        struct package_file file;
};

static void make_package(struct made *m, const char *api, const char *signer, uint8_t seed)
{
        struct package_file f = { .api = span_str(api),
                                  .version = SPAN("1"),
                                  .sources = sources,
                                  .n_sources = ARRAY_LEN(sources) };

        *m = (struct made){ .bytes = BUF_INIT(1 << 16), .arena = ARENA_INIT(1 << 20) };
        for (int i = 0; i < PACKAGE_SECTIONS; i++)
                f.section[i] = SPAN("x");
        assert_int_equal(package_file_put(&m->bytes, &f, NULL), 0);
        assert_int_equal(package_file_read(buf_span(&m->bytes), &m->arena, &m->file, NULL), 0);
        if (signer) {
                CLEANUP(signer_freep) struct signer *s = signer_of(signer, seed);
                CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);

                assert_int_equal(package_file_sign(&m->file, s, &note, NULL), 0);
                buf_put(&m->bytes, buf_span(&note));
        }
        assert_int_equal(package_file_read(buf_span(&m->bytes), &m->arena, &m->file, NULL), 0);
}

static void made_done(struct made *m)
{
        buf_done(&m->bytes);
        arena_done(&m->arena);
}

static void packages(void **state)
{
        static const struct {
                const char *what, *api, *repository, *signer;
                uint8_t seed;
                const char *word, *directory;
        } t[] = {
                { "as it should be", "accounts", "services", "ci", CI, NULL, "services/accounts" },
                { "at the top", "top", "services", "ci", CI, NULL, "" },
                { "of another repository", "cards", "services", "ci", CI, "repository", "" },
                { "of no repository", "none", "services", "ci", CI, "repository", "" },
                { "of a repository that is none", "accounts", "none", "ci", CI, "repository", "" },
                { "not signed", "accounts", "services", NULL, 0, "builder", NULL },
                { "signed by an approver", "accounts", "services", "anna", ANNA, "builder", NULL },
                { "signed with a key of that name", "accounts", "services", "ci", CARL, "builder",
                  NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct registry_record *r = calloc(1, sizeof *r);
                struct registry_config c;
                struct err err = { 0 };
                struct made m;
                int rc;

                usual_config(&c);
                make_package(&m, t[i].api, t[i].signer, t[i].seed);
                rc = registry_judge_package(&c, &m.file, t[i].repository, r, &err);
                check(t[i].what, rc, r, &err, t[i].word);
                assert_string_equal(r->api, t[i].api);
                assert_memory_equal(r->sha256, m.file.sha256, PACKAGE_HASH);
                if (t[i].directory)
                        assert_string_equal(r->directory, t[i].directory);
                if (!t[i].word) {
                        assert_string_equal(r->builder_key, "015195bf");
                        assert_int_equal(r->sources, 3);
                }
                made_done(&m);
                registry_config_done(&c);
                free(r);
        }
}

/* ---- commits ---- */

#define ID  "1212121212121212121212121212121212121212"
#define OLD "3434343434343434343434343434343434343434"

static void commits(void **state)
{
        static const struct {
                const char *what;
                struct registry_commit commit;
                const char *word;
        } t[] = {
                { "as it should be",
                  { .tip = { { "refs/heads/main", ID, true } },
                    .had = { true },
                    .n_tips = 1,
                    .signing = SIGNATURE_GOOD,
                    .signer = "bert@example.org" },
                  NULL },
                { "by a fingerprint",
                  { .tip = { { "refs/heads/main", ID, true } },
                    .had = { true },
                    .n_tips = 1,
                    .signing = SIGNATURE_GOOD,
                    .signer = "SHA256:bert" },
                  NULL },
                { "on the second branch",
                  { .tip = { { "refs/heads/a", ID, false }, { "refs/heads/b", ID, true } },
                    .had = { true, true },
                    .n_tips = 2,
                    .signing = SIGNATURE_GOOD,
                    .signer = "bert@example.org" },
                  NULL },
                { "a branch that is gone",
                  { .tip = { { "refs/heads/a", "", false }, { "refs/heads/b", ID, true } },
                    .past = { OLD, "" },
                    .had = { false, true },
                    .n_tips = 2,
                    .signing = SIGNATURE_GOOD,
                    .signer = "bert@example.org" },
                  NULL },
                { "on none",
                  { .tip = { { "refs/heads/main", ID, false } },
                    .had = { true },
                    .n_tips = 1,
                    .signing = SIGNATURE_GOOD,
                    .signer = "bert@example.org" },
                  "branch" },
                { "no branches at all",
                  { .signing = SIGNATURE_GOOD, .signer = "bert@example.org" },
                  "branch" },
                { "rewound",
                  { .tip = { { "refs/heads/main", ID, true } },
                    .past = { OLD },
                    .n_tips = 1,
                    .signing = SIGNATURE_GOOD,
                    .signer = "bert@example.org" },
                  "rewound" },
                { "another one was rewound",
                  { .tip = { { "refs/heads/a", ID, true }, { "refs/heads/b", ID, false } },
                    .past = { "", OLD },
                    .had = { true, false },
                    .n_tips = 2,
                    .signing = SIGNATURE_GOOD,
                    .signer = "bert@example.org" },
                  "rewound" },
#define SIGNED(status)                                                                             \
        { .tip = { { "refs/heads/main", ID, true } },                                              \
          .had = { true },                                                                         \
          .n_tips = 1,                                                                             \
          .signing = (status),                                                                     \
          .signer = "bert@example.org" }
                { "not signed", SIGNED(SIGNATURE_NONE), "signature" },
                { "badly", SIGNED(SIGNATURE_BAD), "signature" },
                { "by somebody", SIGNED(SIGNATURE_NO_KEY), "signature" },
                { "long ago", SIGNED(SIGNATURE_EXPIRED), "signature" },
                { "too late", SIGNED(SIGNATURE_KEY_EXPIRED), "signature" },
                { "revoked", SIGNED(SIGNATURE_KEY_REVOKED), "signature" },
                { "weak", SIGNED(SIGNATURE_WEAK), "signature" },
                { "by no author",
                  { .tip = { { "refs/heads/main", ID, true } },
                    .had = { true },
                    .n_tips = 1,
                    .signing = SIGNATURE_GOOD,
                    .signer = "Bert@example.org" },
                  "author" },
                { "by nobody",
                  { .tip = { { "refs/heads/main", ID, true } },
                    .had = { true },
                    .n_tips = 1,
                    .signing = SIGNATURE_GOOD },
                  "author" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct registry_record *r = calloc(1, sizeof *r);
                struct registry_config c;
                struct err err = { 0 };
                int rc;

                usual_config(&c);
                rc = registry_judge_commit(&c, &t[i].commit, r, &err);
                check(t[i].what, rc, r, &err, t[i].word);
                if (rc == 0) {
                        assert_string_equal(r->author, "bert");
                        assert_string_equal(r->signer, t[i].commit.signer);
                        assert_int_equal(r->n_tips, t[i].commit.n_tips);
                } else if (strcmp(r->reason, "rewound") == 0) {
                        assert_string_equal(r->tip, OLD);
                        assert_true(r->branch[0]);
                }
                registry_config_done(&c);
                free(r);
        }
}

/* ---- sources ---- */

static void are_the_commits(void **state)
{
        static const struct {
                const char *what;
                struct {
                        const char *path, *text;
                        bool odd;
                } file[4];
                size_t n;
                const char *path; /* that is refused */
        } t[] = {
                { "the same, in another order",
                  { { "d", "dd", false }, { "a.yaml", "a", false }, { "b/c.cedar", "", false } },
                  3,
                  NULL },
                { "nothing", { { "", "", false } }, 0, "a.yaml" },
                { "one less", { { "a.yaml", "a", false }, { "d", "dd", false } }, 2, "b/c.cedar" },
                { "the last one less",
                  { { "a.yaml", "a", false }, { "b/c.cedar", "", false } },
                  2,
                  "d" },
                { "one more",
                  { { "a.yaml", "a", false },
                    { "b/c.cedar", "", false },
                    { "c", "", false },
                    { "d", "dd", false } },
                  4,
                  "c" },
                { "one more at the end",
                  { { "a.yaml", "a", false },
                    { "b/c.cedar", "", false },
                    { "d", "dd", false },
                    { "e", "", false } },
                  4,
                  "e" },
                { "another text",
                  { { "a.yaml", "b", false }, { "b/c.cedar", "", false }, { "d", "dd", false } },
                  3,
                  "a.yaml" },
                { "another length",
                  { { "a.yaml", "a", false }, { "b/c.cedar", "", false }, { "d", "ddd", false } },
                  3,
                  "d" },
                { "a link",
                  { { "a.yaml", "a", false }, { "b/c.cedar", "", true }, { "d", "dd", false } },
                  3,
                  "b/c.cedar" },
                { "twice",
                  { { "a.yaml", "a", false },
                    { "a.yaml", "a", false },
                    { "b/c.cedar", "", false },
                    { "d", "dd", false } },
                  4,
                  "a.yaml" },
                { "another case",
                  { { "A.yaml", "a", false }, { "b/c.cedar", "", false }, { "d", "dd", false } },
                  3,
                  "A.yaml" },
        };
        struct package_file f = { .sources = sources, .n_sources = ARRAY_LEN(sources) };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct registry_record *r = calloc(1, sizeof *r);
                struct registry_source file[4];
                struct err err = { 0 };
                int rc;

                for (size_t k = 0; k < t[i].n; k++) {
                        file[k] = (struct registry_source){ .path = t[i].file[k].path,
                                                            .odd = t[i].file[k].odd,
                                                            .size = strlen(t[i].file[k].text) };
                        sha256(span_str(t[i].file[k].text), file[k].sha256);
                }
                rc = registry_judge_sources(&f, file, t[i].n, r, &err);
                check(t[i].what, rc, r, &err, t[i].path ? "source" : NULL);
                assert_string_equal(r->path, t[i].path ? t[i].path : "");
                free(r);
        }
}

/* ---- approvals ---- */

static struct registry_record *what_was_pushed(void)
{
        struct registry_record *p = a_push("1");

        snprintf(p->builder_key, sizeof p->builder_key, "015195bf");
        return p;
}

static void approvals(void **state)
{
        static const struct {
                const char *what, *signer;
                uint8_t seed;
                struct {
                        const char *api, *version;
                        int hash;
                        int64_t until;
                } says;                       /* NULL, 0: as it should be */
                struct fact more[3], instead; /* facts besides; of this kind these alone */
                size_t n_more;
                int64_t later; /* than NOW */
                const char *word;
        } t[] = {
                { "as it should be", "anna", ANNA, { 0 }, { { 0 } }, { 0 }, 0, 0, NULL },
                { "the last moment", "anna", ANNA, { 0 }, { { 0 } }, { 0 }, 0, 9, NULL },
                { "too late", "anna", ANNA, { 0 }, { { 0 } }, { 0 }, 0, 10, "expired" },
                { "much too late",
                  "anna",
                  ANNA,
                  { 0 },
                  { { 0 } },
                  { 0 },
                  0,
                  INT64_C(1) << 60,
                  "expired" },
                { "by nobody who may", "carl", CARL, { 0 }, { { 0 } }, { 0 }, 0, 0, "approver" },
                { "by the builder", "ci", CI, { 0 }, { { 0 } }, { 0 }, 0, 0, "approver" },
                { "with another key of that name",
                  "anna",
                  CARL,
                  { 0 },
                  { { 0 } },
                  { 0 },
                  0,
                  0,
                  "approver" },
                { "of another API",
                  "anna",
                  ANNA,
                  { "cards", NULL, 0, 0 },
                  { { 0 } },
                  { 0 },
                  0,
                  0,
                  "approval" },
                { "of another version",
                  "anna",
                  ANNA,
                  { NULL, "2", 0, 0 },
                  { { 0 } },
                  { 0 },
                  0,
                  0,
                  "approval" },
                { "of another package",
                  "anna",
                  ANNA,
                  { NULL, NULL, 7, 0 },
                  { { 0 } },
                  { 0 },
                  0,
                  0,
                  "approval" },
                { "the approver is the author",
                  "carl",
                  CARL,
                  { 0 },
                  { { REGISTRY_APPROVER, "bert", "", CARL_KEY } },
                  { 0 },
                  1,
                  0,
                  "separation" },
                { "the approver has built it",
                  "carl",
                  CARL,
                  { 0 },
                  { { REGISTRY_APPROVER, "build server", "", CARL_KEY } },
                  { 0 },
                  1,
                  0,
                  "separation" },
                { "a builder with an id like this one's",
                  "carl",
                  CARL,
                  { 0 },
                  { { REGISTRY_APPROVER, "carl", "", CARL_KEY },
                    { REGISTRY_BUILDER, "carl", "", "carl+015195bf+x" } },
                  { 0 },
                  2,
                  0,
                  "separation" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(signer_freep) struct signer *s = signer_of(t[i].signer, t[i].seed);
                CLEANUP(buf_done) struct buf note = BUF_INIT(APPROVAL_MAX);
                struct registry_record *pushed = what_was_pushed(), *r = calloc(1, sizeof *r);
                struct approval a = { .change = "CHG-7", .until_ns = NOW + 10 };
                struct registry_config c;
                struct err err = { 0 };
                struct place p;
                int rc;

                place_new(&p);
                registry_config_init(&c);
                add_facts(&c, t[i].more, t[i].n_more);
                add_facts(&c, usual, ARRAY_LEN(usual));
                snprintf(a.api, sizeof a.api, "%s", t[i].says.api ? t[i].says.api : "accounts");
                snprintf(a.version, sizeof a.version, "%s",
                         t[i].says.version ? t[i].says.version : "1");
                memcpy(a.sha256, pushed->sha256, PACKAGE_HASH);
                a.sha256[5] ^= (uint8_t)t[i].says.hash;
                assert_int_equal(approval_sign(&a, s, &note, NULL), 0);
                rc = registry_judge_approval(&p.r, &c, pushed, buf_span(&note), NOW + t[i].later, r,
                                             &err);
                check(t[i].what, rc, r, &err, t[i].word);
                if (rc == 0) {
                        assert_string_equal(r->approver, "anna");
                        assert_string_equal(r->approver_key, "4331fb9a");
                        assert_string_equal(r->author, "bert");
                        assert_string_equal(r->change, "CHG-7");
                        assert_memory_equal(r->approval, a.digest, PACKAGE_HASH);
                }
                registry_config_done(&c);
                place_done(&p);
                free(pushed);
                free(r);
        }
}

/* Who was forgotten in registry.yaml since cannot be told from the approver. */
static void people_who_are_gone(void **state)
{
        static const struct {
                const char *what;
                struct fact facts[3];
                const char *word;
        } t[] = {
                { "the author",
                  { { REGISTRY_BUILDER, "build server", "", CI_KEY },
                    { REGISTRY_APPROVER, "anna", "", ANNA_KEY },
                    { REGISTRY_AUTHOR, "x", "", "x" } },
                  "author" },
                { "the builder",
                  { { REGISTRY_BUILDER, "x", "", CARL_KEY },
                    { REGISTRY_APPROVER, "anna", "", ANNA_KEY },
                    { REGISTRY_AUTHOR, "bert", "", "bert@example.org" } },
                  "builder" },
                { "the approver",
                  { { REGISTRY_BUILDER, "build server", "", CI_KEY },
                    { REGISTRY_APPROVER, "x", "", CARL_KEY },
                    { REGISTRY_AUTHOR, "bert", "", "bert@example.org" } },
                  "approver" },
                { "the author has another name since",
                  { { REGISTRY_BUILDER, "build server", "", CI_KEY },
                    { REGISTRY_APPROVER, "anna", "", ANNA_KEY },
                    { REGISTRY_AUTHOR, "anna", "", "bert@example.org" } },
                  "separation" },
                { "the approver was the author then",
                  { { REGISTRY_BUILDER, "build server", "", CI_KEY },
                    { REGISTRY_APPROVER, "bert", "", ANNA_KEY },
                    { REGISTRY_AUTHOR, "robert", "", "bert@example.org" } },
                  "separation" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct registry_record *pushed = what_was_pushed(), *r = calloc(1, sizeof *r);
                struct registry_config c;
                struct err err = { 0 };
                int rc;

                registry_config_init(&c);
                add_facts(&c, t[i].facts, ARRAY_LEN(t[i].facts));
                rc = registry_judge_approver(&c, pushed, ANNA_KEY, r, &err);
                check(t[i].what, rc, r, &err, t[i].word);
                registry_config_done(&c);
                free(pushed);
                free(r);
        }
}

/* Whoever signs it as well does not make it another one. */
static void an_approval_is_good_once(void **state)
{
        CLEANUP(signer_freep) struct signer *anna = signer_of("anna", ANNA);
        CLEANUP(signer_freep) struct signer *carl = signer_of("carl", CARL);
        CLEANUP(buf_done) struct buf note = BUF_INIT(APPROVAL_MAX);
        struct registry_record *pushed = what_was_pushed(), *r = calloc(1, sizeof *r);
        struct approval a = { "accounts", "1", { 0 }, "CHG-7", NOW + 10, { 0 } };
        struct registry_record *d = a_deployment(1, "1");
        struct registry_config c;
        struct err err = { 0 };
        const char *text;
        struct place p;
        int rc;

        usual_config(&c);
        place_new(&p);
        memcpy(a.sha256, pushed->sha256, PACKAGE_HASH);
        assert_int_equal(approval_sign(&a, anna, &note, NULL), 0);
        rc = registry_judge_approval(&p.r, &c, pushed, buf_span(&note), NOW, r, &err);
        check("the first time", rc, r, &err, NULL);
        memcpy(d->approval, r->approval, PACKAGE_HASH);
        act(&p, d);
        act(&p, a_deployment(2, "2"));
        rc = registry_judge_approval(&p.r, &c, pushed, buf_span(&note), NOW, r, &err);
        check("the second time", rc, r, &err, "used");
        text = buf_cstr(&note);
        assert_int_equal(signer_sign(carl,
                                     span_of(note.p, (size_t)(strstr(text, "\n\n") - text) + 1), 0,
                                     &note, NULL),
                         0);
        rc = registry_judge_approval(&p.r, &c, pushed, buf_span(&note), NOW, r, &err);
        check("with another signature", rc, r, &err, "used");
        place_done(&p);
        registry_config_done(&c);
        free(pushed);
        free(r);
}

/* ---- going back ---- */

enum { DEPLOY = 'd', BACK = 'b', WITHDRAW = 'w' };

static void going_back(void **state)
{
        static const struct {
                const char *days; /* "d1 d2 b1 w" */
                const char *to;   /* NULL: the one before */
                const char *want; /* NULL: it is refused */
                uint64_t approved_in;
        } t[] = {
                { "", NULL, NULL, 0 },
                { "d1", NULL, NULL, 0 },
                { "d1", "1", "1", 1 },
                { "d1", "2", NULL, 0 },
                { "d1 d2", NULL, "1", 1 },
                { "d1 d2", "1", "1", 1 },
                { "d1 d2 d3 b2", NULL, "1", 1 },
                { "d1 d2 d3 b2 b1", NULL, NULL, 0 },
                { "d1 d2 d3 b2 b1", "3", "3", 3 },
                { "d1 d2 d3 b1 b3", NULL, "1", 1 },
                { "d1 d2 b1 d3", NULL, "1", 1 },
                { "d1 d2 d1", NULL, "2", 2 },
                { "d1 d2 d1", "1", "1", 3 },
                { "d1 w", NULL, "1", 1 },
                { "d1 d2 w", NULL, "2", 2 },
                { "d1 d2 w b2", NULL, "1", 1 },
                { "d1 d2 w", "1", "1", 1 },
                { "w", NULL, NULL, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct registry_live *live = malloc(sizeof *live);
                struct registry_record *r = calloc(1, sizeof *r);
                struct err err = { 0 };
                uint64_t generation = 0;
                struct place p;
                int rc;

                place_new(&p);
                for (const char *d = t[i].days; *d; d += strcspn(d, " "), d += *d == ' ') {
                        char version[2] = { *d == WITHDRAW ? '\0' : d[1], '\0' };

                        generation++;
                        act(&p, *d == DEPLOY ? a_deployment(generation, version)
                                : *d == BACK ? a_rollback(generation, version, 1)
                                             : a_withdrawal(generation));
                }
                assert_int_equal(registry_live(&p.r, live, NULL), 0);
                rc = registry_judge_rollback(&p.r, "accounts", t[i].to, live, r, &err);
                check(t[i].days, rc, r, &err, t[i].want ? NULL : "never_deployed");
                if (rc == 0) {
                        assert_string_equal(r->version, t[i].want);
                        assert_int_equal(r->generation, generation + 1);
                        if (r->approved_in != t[i].approved_in)
                                fail_msg("%s: approved in %u", t[i].days, (unsigned)r->approved_in);
                }
                registry_live_done(live);
                place_done(&p);
                free(live);
                free(r);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_keys_are_these),
                cmocka_unit_test(packages),
                cmocka_unit_test(commits),
                cmocka_unit_test(are_the_commits),
                cmocka_unit_test(approvals),
                cmocka_unit_test(people_who_are_gone),
                cmocka_unit_test(an_approval_is_good_once),
                cmocka_unit_test(going_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
