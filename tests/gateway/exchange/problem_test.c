/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "../called.h"
#include "../called_yaml.h"
#include "wire/tree.h"

enum { SHOWN_MAX = 4096 };

static const char call_id[] = "01JD8Z3R9M0000000000000000";

static int open_package(void **state)
{
        *state = called_package(CALLED_OPENAPI, CALLED_GATEWAY, CALLED_BACKEND);
        return 0;
}

static int close_package(void **state)
{
        called_package_free(*state);
        return 0;
}

static const char *show(const struct reply *r, struct buf *out)
{
        buf_clear(out);
        for (uint32_t i = 0; i < r->n_headers; i++) {
                buf_put(out, r->headers[i].name);
                buf_put_str(out, ": ");
                buf_put(out, r->headers[i].value);
                buf_put_str(out, "\n");
        }
        return buf_cstr(out);
}

#define ALL "content-type: application/problem+json\ncache-control: no-store\n"
#define BODY(status, title)                                                                        \
        "{\"instance\":\"urn:assay:call:01JD8Z3R9M0000000000000000\",\"status\":" status           \
        ",\"title\":\"" title "\",\"type\":\"about:blank\"}"

static void callers_are_told_little(void **state)
{
        static const struct {
                enum refusal_reason reason;
                const char *operation; /* NULL: no route */
                unsigned allowed;
                int64_t again_ns;
                uint16_t status;
                const char *headers, *body;
        } table[] = {
                { REFUSED_TARGET, NULL, 0, 0, 400, ALL, BODY("400", "Malformed request") },
                { REFUSED_BODY, "putPart", 0, 0, 400, ALL, BODY("400", "Malformed request") },
                { REFUSED_NO_CREDENTIAL, "getPart", 0, 0, 401,
                  ALL "www-authenticate: Bearer realm=\"parts\"\n",
                  BODY("401", "Not authenticated") },
                { REFUSED_CREDENTIAL, "putPart", 0, 0, 401,
                  ALL "www-authenticate: Bearer realm=\"parts\"\n"
                      "www-authenticate: Basic realm=\"parts\", charset=\"UTF-8\"\n",
                  BODY("401", "Not authenticated") },
                { REFUSED_CREDENTIAL, "getList", 0, 0, 401, ALL, BODY("401", "Not authenticated") },
                { REFUSED_CREDENTIAL, NULL, 0, 0, 401, ALL, BODY("401", "Not authenticated") },
                { REFUSED_POLICY, "getPart", 0, 0, 403, ALL, BODY("403", "Not allowed") },
                { REFUSED_PATH, NULL, 0, 0, 404, ALL, BODY("404", "Not found") },
                { REFUSED_METHOD, "", 1u << API_GET | 1u << API_HEAD | 1u << API_DELETE, 0, 405,
                  ALL "allow: GET, HEAD, DELETE\n", BODY("405", "Method not allowed") },
                { REFUSED_METHOD, NULL, 0, 0, 405,
                  ALL "allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\n",
                  BODY("405", "Method not allowed") },
                { REFUSED_RATE, "getPart", 0, 1, 429, ALL "retry-after: 1\n",
                  BODY("429", "Too many requests") },
                { REFUSED_RATE, "getPart", 0, 2000000000, 429, ALL "retry-after: 2\n",
                  BODY("429", "Too many requests") },
                { REFUSED_QUOTA, "getPart", 0, 2000000001, 429, ALL "retry-after: 3\n",
                  BODY("429", "Too many requests") },
                { REFUSED_QUOTA, "getPart", 0, INT64_MAX, 429, ALL "retry-after: 9223372037\n",
                  BODY("429", "Too many requests") },
                { REFUSED_RECORDER, NULL, 0, 0, 503, ALL "retry-after: 1\n",
                  BODY("503", "Service unavailable") },
                { REFUSED_BACKEND_TIME, "getPart", 0, -1, 504, ALL,
                  BODY("504", "Gateway timeout") },
        };
        CLEANUP(buf_done) struct buf shown = BUF_INIT(SHOWN_MAX);
        struct package *p = *state;

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 16);
                struct refusal refusal = { .reason = table[i].reason, .text = "secret" };
                struct route route = { .package = p, .allowed = table[i].allowed };
                struct reply reply;
                struct tree t;

                if (table[i].operation && *table[i].operation) {
                        route.operation = api_operation(p->api, span_str(table[i].operation));
                        assert_non_null(route.operation);
                }
                assert_int_equal(problem_reply(&refusal, call_id,
                                               table[i].operation ? &route : NULL,
                                               table[i].again_ns, &arena, &reply),
                                 0);
                assert_int_equal(reply.status, table[i].status);
                assert_string_equal(show(&reply, &shown), table[i].headers);
                assert_true(span_eq_str(reply.body, table[i].body));
                assert_int_equal(tree_read(reply.body, &arena, &t, NULL), 0);
        }
}

/* Each reason has a reply. */
static void all_reasons_have_one(void **state)
{
        for (int r = REFUSED_NOT + 1; r < REFUSED_REASONS; r++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 16);
                struct refusal refusal = { .reason = (enum refusal_reason)r };
                struct reply reply;

                assert_int_equal(problem_reply(&refusal, call_id, NULL, 0, &arena, &reply), 0);
                assert_true(reply.body.n > 0);
                /* what two servers could part in other places: RFC 9112, 6.3 */
                assert_int_equal(reply.close, r == REFUSED_FRAMING || r == REFUSED_HEADER);
        }
}

static void there_is_one_without_memory(void **state)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(SHOWN_MAX);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 16);
        struct tree t;

        assert_int_equal(problem_no_memory.status, 503);
        assert_true(problem_no_memory.close); /* of a request that may not have been looked at */
        assert_string_equal(show(&problem_no_memory, &shown), ALL "retry-after: 1\n");
        assert_int_equal(tree_read(problem_no_memory.body, &arena, &t, NULL), 0);
        assert_int_equal(tree_get(&t, "status")->number, 503);
}

static void no_memory_is_told(void **state)
{
        struct package *p = *state;
        struct route route = { .package = p, .operation = api_operation(p->api, SPAN("putPart")) };
        struct refusal refusal = { .reason = REFUSED_CREDENTIAL };
        struct reply reply;
        size_t max;
        int rc = -ENOMEM;

        for (max = 0; rc == -ENOMEM; max += 16) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);

                rc = problem_reply(&refusal, call_id, &route, 0, &arena, &reply);
        }
        assert_int_equal(rc, 0);
        assert_true(max > 256);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(callers_are_told_little),
                cmocka_unit_test(all_reasons_have_one),
                cmocka_unit_test(there_is_one_without_memory),
                cmocka_unit_test(no_memory_is_told),
        };

        return cmocka_run_group_tests(tests, open_package, close_package);
}
