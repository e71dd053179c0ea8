/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of paths as their header file shows them, and lists that are none. */
#include "wire/pathlist.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define A   "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define ID  "fc667df9abc950aea50c4f9420e4832eb8de5b85"
#define SIG "\u2014 deploy.example.org AAAAAAAA\n"
#define HEAD(entries)                                                                              \
        "assay path list v1\n"                                                                     \
        "{\"body\":\"" A "\",\"commit\":\"" ID "\",\"entries\":" entries                           \
        ",\"expires\":\"2026-12-01T00:00:00.000000000Z\",\"hosts\":[\"web1\",\"web2\"],"           \
        "\"issued\":\"2026-11-25T18:00:00.000000000Z\","                                           \
        "\"maps\":[{\"at\":\"/etc\",\"sub\":\"etc\"},{\"at\":\"/\",\"sub\":\"\"}],"                \
        "\"on\":[\"refs/heads/main\"],\"origin\":\"infra\",\"signed\":\"good\","                   \
        "\"signer\":\"SHA256:x\"}\n"
#define FILE_(path) "{\"mode\":420,\"path\":\"" path "\",\"sha256\":\"" A "\"}\n"
#define LINK(path)  "{\"path\":\"" path "\",\"target\":\"../x\"}\n"

static int parse(const char *file, struct pathlist *l, struct err *err)
{
        int r = pathlist_split(span_str(file), l, err);

        return r < 0 ? r : pathlist_parse(l, err);
}

static const char good[] = HEAD("4") "\n" SIG SIG FILE_("/etc/a") FILE_("/etc/a-b")
        LINK("/etc/a/l") "{\"mode\":493,\"path_b64\":\"L2V0Yy//\",\"sha256\":\"" A "\"}\n";

static void test_good(void **state)
{
        static struct pathlist l;
        static struct pathlist_entry e;
        struct buf b = BUF_INIT(1 << 16);
        struct err err = { 0 };
        struct span rest;
        struct note note;

        if (parse(good, &l, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal(l.header.origin, "infra");
        assert_string_equal(l.header.commit, ID);
        assert_true(l.header.expires_ns == 1796083200000000000 && l.header.entries == 4);
        assert_true(l.header.n_maps == 2 && strcmp(l.header.map[0].at, "/etc") == 0);
        assert_true(l.header.n_on == 1 && strcmp(l.header.on[0], "refs/heads/main") == 0);
        assert_true(l.header.n_hosts == 2 && strcmp(l.header.host[1], "web2") == 0);
        assert_true(l.header.signing == SIGNATURE_GOOD && l.header.body[0] == 0xca);
        assert_string_equal(l.header.signer, "SHA256:x");
        assert_int_equal(note_parse(l.note, &note, &err), 0);
        assert_int_equal(note.n_sigs, 2);
        /* the same bytes again */
        pathlist_put_text(&b, &l.header);
        assert_true(span_eq(buf_span(&b), note.text));
        buf_clear(&b);
        for (rest = l.body; pathlist_next(&rest, &e);)
                pathlist_put_entry(&b, &e);
        assert_true(span_eq(buf_span(&b), l.body));
        buf_done(&b);
}

static void test_find(void **state)
{
        static const struct {
                const char *path;
                bool there, link;
        } wanted[] = {
                { "/etc/a", true, false },  { "/etc/a-b", true, false },
                { "/etc/a/l", true, true }, { "/etc/\xff", true, false },
                { "/etc", false, false },   { "/etc/a-", false, false },
                { "/zzz", false, false },   { "/", false, false },
                { "", false, false },
        };
        static struct pathlist l;
        static struct pathlist_entry e;

        assert_int_equal(parse(good, &l, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
                assert_int_equal(pathlist_find(&l, wanted[i].path, &e), wanted[i].there);
                if (wanted[i].there)
                        assert_true(strcmp(e.path, wanted[i].path) == 0 &&
                                    e.link == wanted[i].link);
        }
        assert_int_equal(parse(HEAD("0") "\n" SIG, &l, NULL), 0);
        assert_false(pathlist_find(&l, "/etc/a", &e));
}

static void test_below(void **state)
{
        static const struct {
                const char *dir;
                bool there;
        } wanted[] = {
                { "/", true },     { "/etc", true },      { "/etc/a", true },
                { "/et", false },  { "/etc/a-b", false }, { "/etc/a/l", false },
                { "/zzz", false }, { "/a", false },       { "/etc/a-", false },
        };
        static struct pathlist l;
        static struct pathlist_entry e;

        assert_int_equal(parse(good, &l, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
                size_t n = strlen(wanted[i].dir);

                print_message("%s\n", wanted[i].dir);
                assert_int_equal(pathlist_below(&l, wanted[i].dir, &e), wanted[i].there);
                if (wanted[i].there && n > 1)
                        assert_true(strncmp(e.path, wanted[i].dir, n) == 0 && e.path[n] == '/');
        }
        assert_int_equal(parse(HEAD("0") "\n" SIG, &l, NULL), 0);
        assert_false(pathlist_below(&l, "/", &e));
}

static void test_hosts(void **state)
{
        static struct pathlist l;
        static struct pathlist_header all;

        assert_int_equal(parse(good, &l, NULL), 0);
        assert_true(pathlist_is_for(&l.header, SPAN("web1")));
        assert_true(pathlist_is_for(&l.header, SPAN("web2")));
        assert_false(pathlist_is_for(&l.header, SPAN("web")));
        assert_false(pathlist_is_for(&l.header, SPAN("")));
        assert_true(pathlist_is_for(&all, SPAN("web3")));
}

/* Each of many is found, and nothing between them. */
static void test_find_many(void **state)
{
        static struct pathlist l;
        static struct pathlist_entry e = { .mode = 0644 };
        struct buf b = BUF_INIT(1 << 20);
        char path[64];

        for (int i = 0; i < 1000; i++) {
                snprintf(e.path, sizeof e.path, "/%03d%.*s", i, i % 40,
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
                pathlist_put_entry(&b, &e);
        }
        l.body = buf_span(&b);
        for (int i = 0; i < 1000; i++) {
                snprintf(path, sizeof path, "/%03d%.*s", i, i % 40,
                         "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
                assert_true(pathlist_find(&l, path, &e));
                assert_string_equal(e.path, path);
                snprintf(path, sizeof path, "/%03dy", i);
                assert_false(pathlist_find(&l, path, &e));
        }
        buf_done(&b);
}

static const struct {
        const char *name, *file, *why;
} bad[] = {
        { "nothing", "", "not one" },
        { "another version", "assay path list v2\n{}\n\n" SIG, "not one" },
        { "no header", "assay path list v1\n", "no header" },
        { "no empty line", HEAD("0") SIG, "no empty line" },
        { "signature without end", HEAD("0") "\n\u2014 deploy.example.org AAAA", "no end" },
        { "header that is none", "assay path list v1\n{ }\n\n" SIG, "line 2" },
        { "header without members", "assay path list v1\n{}\n\n" SIG, "line 2: fact: origin" },
        { "fewer than said", HEAD("2") "\n" SIG FILE_("/a"), "1 entries where 2 are said" },
        { "more than said", HEAD("1") "\n" SIG FILE_("/a") FILE_("/b"), "2 entries where 1" },
        { "out of order", HEAD("2") "\n" SIG FILE_("/b") FILE_("/a"), "entry 2 is out of order" },
        { "twice", HEAD("2") "\n" SIG FILE_("/a") FILE_("/a"), "entry 2 is out of order" },
        { "one has no end",
          HEAD("1") "\n" SIG "{\"mode\":420,\"path\":\"/a\",\"sha256\":\"" A "\"}",
          "entry 1 has no end" },
        { "not canonical", HEAD("1") "\n" SIG "{\"path\":\"/a\", \"target\":\"x\"}\n", "entry 1" },
        { "relative", HEAD("1") "\n" SIG FILE_("etc/a"), "entry 1: fact: path" },
        { "dots", HEAD("1") "\n" SIG FILE_("/etc/../a"), "entry 1: fact: path" },
        { "slash at the end", HEAD("1") "\n" SIG FILE_("/etc/"), "entry 1: fact: path" },
        { "the root", HEAD("1") "\n" SIG FILE_("/"), "entry 1: fact: path" },
        { "link to nothing", HEAD("1") "\n" SIG "{\"path\":\"/a\",\"target\":\"\"}\n",
          "entry 1: fact: target" },
        { "neither file nor link", HEAD("1") "\n" SIG "{\"path\":\"/a\"}\n",
          "entry 1: fact: target" },
        { "a mode and no hash",
          HEAD("1") "\n" SIG "{\"mode\":420,\"path\":\"/a\",\"target\":\"x\"}\n",
          "entry 1: fact: target" },
        { "mode with more than permissions",
          HEAD("1") "\n" SIG "{\"mode\":33188,\"path\":\"/a\",\"sha256\":\"" A "\"}\n",
          "entry 1: fact: mode" },
        { "text between", HEAD("1") "\n" SIG "x\n" FILE_("/a"), "entry 1" },
};

static void test_bad(void **state)
{
        static struct pathlist l;

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                struct err err = { 0 };

                print_message("%s\n", bad[i].name);
                assert_int_equal(parse(bad[i].file, &l, &err), -EBADMSG);
                if (!strstr(err.text, bad[i].why))
                        fail_msg("%s", err.text);
        }
}

/* Each member of the header, spoilt. */
static void test_bad_headers(void **state)
{
        static const struct {
                const char *from, *to;
        } changes[] = {
                { "\"body\":\"ca", "\"body\":\"CA" },
                { "\"commit\":\"fc", "\"commit\":\"xx" },
                { "\"commit\":\"fc", "\"commit\":\"" },
                { "2026-12-01", "2026-13-01" },
                { "\"issued\":\"2026-11-25T18", "\"issued\":\"2026-11-25 18" },
                { "\"at\":\"/etc\"", "\"at\":\"etc\"" },
                { "\"sub\":\"etc\"", "\"sub\":\"/etc\"" },
                { "\"sub\":\"etc\"", "\"sub\":\"..\"" },
                { "[\"refs/heads/main\"]", "[7]" },
                { "[\"refs/heads/main\"]", "{}" },
                { "[\"web1\",\"web2\"]", "[]" },
                { "[\"web1\",\"web2\"]", "\"web1\"" },
                { "\"web1\"", "\"web 1\"" },
                { "\"signed\":\"good\"", "\"signed\":\"fine\"" },
                { "\"origin\":\"infra\"", "\"origin\":null" },
                { "\"entries\":0", "\"entries\":500001" },
        };
        static const char head[] = HEAD("0") "\n" SIG;
        static struct pathlist l;
        char text[2048];

        assert_int_equal(parse(head, &l, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
                const char *at = strstr(head, changes[i].from);
                struct err err = { 0 };

                print_message("%s\n", changes[i].to);
                assert_non_null(at);
                snprintf(text, sizeof text, "%.*s%s%s", (int)(at - head), head, changes[i].to,
                         at + strlen(changes[i].from));
                assert_int_equal(parse(text, &l, &err), -EBADMSG);
        }
}

static void test_memory(void **state)
{
        static struct pathlist_entry e = { .path = "/a", .mode = 0644 };

        for (size_t nth = 1;; nth++) {
                struct buf b = BUF_INIT(1 << 16);
                int r;

                alloc_fail_nth = nth;
                pathlist_put_entry(&b, &e);
                alloc_fail_nth = 0;
                r = buf_status(&b);
                buf_done(&b);
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),        cmocka_unit_test(test_find),
                cmocka_unit_test(test_find_many),   cmocka_unit_test(test_below),
                cmocka_unit_test(test_hosts),       cmocka_unit_test(test_bad),
                cmocka_unit_test(test_bad_headers), cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
