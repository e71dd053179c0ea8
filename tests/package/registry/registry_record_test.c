/* SPDX-License-Identifier: Apache-2.0 */
/* Records as they are in files and entries: what is read is what is written, and fits the table of
 * kinds. */
#include "package/registry/registry_record.h"

#include "wire/kind.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define HASH  "abababababababababababababababababababababababababababababababab"
#define ID    "1212121212121212121212121212121212121212"
#define TIME  "2026-11-21T18:00:00.000000000Z"
#define FROM  "{\"by\":1000,\"from\":12,\"kind\":"
#define WHERE "\"origin\":\"h.example/log\",\"sensitive\":"
#define WHAT  ",\"time\":\"" TIME "\",\"what\":"
#define BOTH                                                                                       \
        "[[\"person:anna\",\"what.approver\",\"anna\"],[\"person:bert\",\"what.author\",\"bert\"]]"

static const char *const good[] = {
        FROM "\"api.approved\",\"note\":\"a\\n\"," WHERE
             "[[\"person:anna\",\"what.approver\",\"anna\"]]" WHAT
             "{\"api\":\"accounts\",\"approval\":\"" HASH "\",\"change\":\"CHG-7\",\"key\":"
             "\"4331fb9a\",\"sha256\":\"" HASH "\",\"until\":\"" TIME "\",\"version\":\"1\"}}\n",
        FROM "\"api.deployed\"," WHERE BOTH WHAT "{\"api\":\"accounts\",\"approval\":\"" HASH
             "\",\"approver_key\":\"4331fb9a\","
             "\"change\":\"CHG-7\",\"commit\":\"" ID "\",\"generation\":2,\"previous\":\"0.9\","
             "\"previous_sha256\":\"" HASH "\",\"repository\":\"services\",\"sha256\":\"" HASH
             "\",\"version\":\"1\"}}\n",
        /* the first one, and approved by nobody whose name is known */
        FROM "\"api.deployed\"," WHERE "[]" WHAT "{\"api\":\"accounts\",\"approval\":\"" HASH
             "\",\"approver_key\":\"4331fb9a\","
             "\"change\":\"CHG-7\",\"commit\":\"" ID "\",\"generation\":1,\"repository\":"
             "\"services\",\"sha256\":\"" HASH "\",\"version\":\"1\"}}\n",
        FROM
        "\"api.pushed\"," WHERE
        "[[\"person:bert\",\"what.author\",\"bert\"],[\"signer:b@x\",\"what.signer\",\"b@x\"]]" WHAT
        "{\"api\":\"accounts\",\"builder_key\":\"015195bf\",\"commit\":\"" ID
        "\",\"directory\":\"\",\"key\":\"SHA256:x\",\"on\":[\"refs/heads/b\"],"
        "\"repository\":\"services\",\"sha256\":\"" HASH "\",\"sources\":5,\"tips\":["
        "[\"refs/heads/a\",\"" ID "\"],[\"refs/heads/b\",\"" ID "\"]],\"version\":\"1\"}}\n",
        FROM "\"api.refused\"," WHERE "[]" WHAT
             "{\"act\":\"push\",\"detail\":\"x\",\"reason\":\"file\"}}\n",
        FROM
        "\"api.refused\"," WHERE "[]" WHAT
        "{\"act\":\"push\",\"api\":\"accounts\",\"branch\":\"refs/heads/main\",\"commit\":\"" ID
        "\",\"detail\":\"x\",\"path_b64\":\"/w==\",\"reason\":\"source\",\"signed\":\"none\","
        "\"tip\":\"" ID "\"}}\n",
        FROM "\"api.rolled_back\"," WHERE "[]" WHAT
             "{\"api\":\"accounts\",\"approved_in\":1,\"generation\":3,\"previous\":\"2\","
             "\"previous_sha256\":\"" HASH "\",\"reason\":\"slow\",\"sha256\":\"" HASH
             "\",\"version\":\"1\"}}\n",
        FROM "\"api.withdrawn\"," WHERE "[]" WHAT
             "{\"api\":\"accounts\",\"generation\":4,\"previous\":\"1\",\"previous_sha256\":\"" HASH
             "\",\"reason\":\"over\"}}\n",
};

static struct registry_record *read_one(const char *text)
{
        struct registry_record *r = malloc(sizeof *r);
        struct err err = { 0 };

        assert_non_null(r);
        memset(r, 0x55, sizeof *r);
        if (registry_record_read(span_str(text), r, &err) < 0)
                fail_msg("%s: %s", text, err_text(&err));
        return r;
}

static void goes_both_ways(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(REGISTRY_RECORD_MAX);
                struct registry_record *r = read_one(good[i]);

                registry_record_put(r, &out);
                assert_string_equal(buf_cstr(&out), good[i]);
                free(r);
        }
}

/* The fields of "sensitive" are what the vault gets. */
static void fits_its_kind(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(good); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(REGISTRY_RECORD_MAX);
                CLEANUP(buf_done) struct buf what = BUF_INIT(REGISTRY_RECORD_MAX);
                CLEANUP(buf_done) struct buf secret = BUF_INIT(REGISTRY_RECORD_MAX);
                static const struct span fields[] = { SPAN_INIT("what.approver"),
                                                      SPAN_INIT("what.author"),
                                                      SPAN_INIT("what.signer") };
                struct registry_record *r = read_one(good[i]);
                struct err err = { 0 };

                registry_record_put_what(r, &what);
                registry_record_put_sensitive(r, &secret);
                buf_printf(&out, "{\"k\":\"%s\",\"t\":\"" TIME "\",\"v\":1,\"what\":%s}",
                           registry_act_entry(r->kind), buf_cstr(&what));
                if (kind_check(buf_span(&out), "recorder", NULL, 0, &err) < 0)
                        fail_msg("%s: %s", buf_cstr(&out), err_text(&err));
                for (size_t k = 0; k < ARRAY_LEN(fields); k++)
                        if (strstr(buf_cstr(&secret), (const char *)fields[k].p))
                                assert_int_equal(
                                        kind_check(buf_span(&out), "recorder", &fields[k], 1, &err),
                                        0);
                free(r);
        }
}

static void signers_of_any_bytes(void **state)
{
        static const struct {
                const char *signer, *sensitive;
        } t[] = {
                { "\xff",
                  "[[\"signer:sha256:a8100ae6aa1940d0b663bb31cd466142ebbdbd5187131b92d9381898"
                  "7832eb89\",\"what.signer_b64\",\"/w==\"]]" },
                { "a\"b",
                  "[[\"signer:sha256:39a012772dd5c3accbc56923093422896d41ac882e3cd66914bc584c"
                  "7aac966f\",\"what.signer\",\"a\\\"b\"]]" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(REGISTRY_RECORD_MAX);
                CLEANUP(buf_done) struct buf whole = BUF_INIT(REGISTRY_RECORD_MAX);
                struct registry_record *r = read_one(good[3]), *again;

                r->author[0] = '\0';
                snprintf(r->signer, sizeof r->signer, "%s", t[i].signer);
                registry_record_put_sensitive(r, &out);
                assert_string_equal(buf_cstr(&out), t[i].sensitive);
                registry_record_put(r, &whole);
                again = read_one(buf_cstr(&whole));
                assert_string_equal(again->signer, t[i].signer);
                free(again);
                free(r);
        }
}

static void refuses(void **state)
{
#define OF(kind, what) FROM "\"" kind "\"," WHERE "[]" WHAT what "}\n"
#define REFUSED        "{\"act\":\"push\",\"detail\":\"x\",\"reason\":\"file\"}"
        static const struct {
                const char *text, *says;
        } t[] = {
                { "", "newline" },
                { "{}", "newline" },
                { "{}\n", "kind" },
                { "x\n", "byte 0" },
                { OF("api.other", REFUSED), "kind" },
                { OF("api.refused", "[]"), "what" },
                { OF("api.refused", "{}"), "what: fact: act" },
                { OF("api.refused", "{\"act\":\"a-very-long-one-indeed\",\"detail\":\"x\","
                                    "\"reason\":\"x\"}"),
                  "act" },
                { OF("api.withdrawn", "{\"api\":\"../x\",\"generation\":1,\"previous\":\"1\","
                                      "\"previous_sha256\":\"" HASH "\",\"reason\":\"x\"}"),
                  "api" },
                { OF("api.rolled_back",
                     "{\"api\":\"a\",\"approved_in\":1,\"generation\":2,"
                     "\"reason\":\"x\",\"sha256\":\"" HASH "\",\"version\":\"../1\"}"),
                  "version" },
                { OF("api.withdrawn", "{\"api\":\"a\",\"generation\":-1,\"previous\":\"1\","
                                      "\"previous_sha256\":\"" HASH "\",\"reason\":\"x\"}"),
                  "generation" },
                { OF("api.withdrawn", "{\"api\":\"a\",\"generation\":1,\"previous\":\"1\","
                                      "\"previous_sha256\":\"ab\",\"reason\":\"x\"}"),
                  "previous_sha256" },
                { FROM "\"api.refused\",\"origin\":\"h\"" WHAT REFUSED "}\n", "sensitive" },
                { FROM "\"api.refused\",\"origin\":\"h\",\"sensitive\":{}" WHAT REFUSED "}\n",
                  "sensitive" },
                { FROM "\"api.refused\",\"origin\":\"h\",\"sensitive\":[0]" WHAT REFUSED "}\n",
                  "sensitive" },
                { FROM "\"api.refused\",\"origin\":\"h\",\"sensitive\":[[\"a\",\"b\",\"c\"]]" WHAT
                          REFUSED "}\n",
                  "sensitive" },
                { FROM "\"api.refused\"," WHERE "[],\"time\":\"now\",\"what\":" REFUSED "}\n",
                  "time" },
                { FROM "\"api.refused\"," WHERE "[],\"what\":" REFUSED "}\n", "time" },
        };
        struct registry_record *r = calloc(1, sizeof *r);

        r->from = 99;
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct err err = { 0 };

                if (registry_record_read(span_str(t[i].text), r, &err) != -EBADMSG ||
                    !strstr(err_text(&err), t[i].says))
                        fail_msg("%s: %s, wanted %s", t[i].text, err_text(&err), t[i].says);
                assert_int_equal(r->from, 99);
        }
        free(r);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(goes_both_ways),
                cmocka_unit_test(fits_its_kind),
                cmocka_unit_test(signers_of_any_bytes),
                cmocka_unit_test(refuses),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
