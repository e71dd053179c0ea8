/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../../chance.h"
#include "route_world.h"

enum { APIS_MAX = 4 };

/* Operations as "GET /a/{x}", one behind the other, parted by blanks. */
struct api_spec {
        const char *name, *base, *operations;
};

static struct span cut_word(struct span *rest)
{
        const uint8_t *end = rest->n ? memchr(rest->p, ' ', rest->n) : NULL;
        struct span word = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);

        *rest = span_from(*rest, word.n + 1);
        return word;
}

static struct world_api *make_api(const struct api_spec *spec)
{
        struct world_api *w = calloc(1, sizeof *w);
        struct span rest = span_str(spec->operations);

        assert_non_null(w);
        while (rest.n > 0) {
                enum api_method method = api_method_of(cut_word(&rest));

                assert_true(method < API_METHODS);
                assert_true(world_add(w, method, cut_word(&rest)));
        }
        world_serve(w, spec->name, spec->base);
        return w;
}

static void make_apis(const struct api_spec *specs, struct generation *g)
{
        for (*g = (struct generation){ 0 }; g->n < APIS_MAX && specs[g->n].name; g->n++)
                g->package[g->n] = &make_api(&specs[g->n])->package;
}

static void free_apis(struct generation *g)
{
        while (g->n > 0)
                free(CONTAINER_OF(g->package[--g->n], struct world_api, package));
}

/* ---- which operation ---- */

struct find_case {
        enum api_method method;
        const char *target;
        const char *api, *path; /* path NULL: refused; api NULL: below none */
        const char *values;     /* "[v][w]" */
        enum refusal_reason reason;
        const char *allowed; /* "GET HEAD" */
};

static void check_found(const struct find_case *c, const struct route *found)
{
        char values[256] = "", allowed[256] = "";
        size_t n = 0;

        for (uint32_t i = 0; i < found->n_values; i++)
                n += (size_t)snprintf(values + n, sizeof values - n, "[%.*s]",
                                      (int)found->values[i].n, (const char *)found->values[i].p);
        n = 0;
        for (unsigned m = 0; m < API_METHODS; m++)
                if (found->allowed >> m & 1)
                        n += (size_t)snprintf(allowed + n, sizeof allowed - n, "%s%s", n ? " " : "",
                                              api_method_name((enum api_method)m));
        assert_int_equal(found->package == NULL, c->api == NULL);
        if (c->api)
                assert_true(span_eq_str(found->package->config.name, c->api));
        assert_int_equal(found->operation == NULL, c->path == NULL);
        if (c->path)
                assert_true(span_eq_str(found->operation->id, c->path));
        assert_string_equal(values, c->values);
        assert_string_equal(allowed, c->allowed);
}

static void find_all(const struct api_spec *specs, const struct find_case *table, size_t n)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct router *r = NULL;
        struct generation g;
        struct err err = { 0 };

        make_apis(specs, &g);
        if (router_new(&g, &r, &err) < 0)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < n; i++) {
                struct refusal refusal = { 0 };
                struct target t;
                struct route found;
                int rc;

                assert_int_equal(target_read(span_str(table[i].target), &arena, &t, &refusal), 0);
                memset(&found, 0xa5, sizeof found);
                rc = router_find(r, table[i].method, &t, &found, &refusal);
                if (rc != (table[i].reason ? -EACCES : 0) || refusal.reason != table[i].reason)
                        fail_msg("%s: %d, %d", table[i].target, rc, (int)refusal.reason);
                check_found(&table[i], &found);
        }
        router_free(r);
        free_apis(&g);
}

static void words_win_segment_by_segment(void **state)
{
        static const struct api_spec specs[] = {
                { "a", "",
                  "GET / GET /a GET /a/ POST /a GET /a/{x} GET /a/b/{y} GET /a/{x}/c GET /a/b/d "
                  "DELETE /a/{x} HEAD /h GET /h OPTIONS /o GET /{p}/{q}/{r}/{s} GET /v1.0/x:y" },
                { NULL, NULL, NULL },
        };
        static const struct find_case table[] = {
                /* of package/model/model.h */
                { API_GET, "/a/b/c", "a", "/a/b/{y}", "[c]", 0, "GET HEAD" },
                { API_GET, "/a/z/c", "a", "/a/{x}/c", "[z]", 0, "GET HEAD" },
                { API_GET, "/a/b/d", "a", "/a/b/d", "", 0, "GET HEAD" },
                { API_GET, "/a/b", "a", "/a/{x}", "[b]", 0, "GET HEAD DELETE" },
                { API_GET, "/a/bb/c", "a", "/a/{x}/c", "[bb]", 0, "GET HEAD" },
                { API_GET, "/a/b/c/d", "a", "/{p}/{q}/{r}/{s}", "[a][b][c][d]", 0, "GET HEAD" },
                { API_GET, "/", "a", "/", "", 0, "GET HEAD" },
                { API_GET, "/a", "a", "/a", "", 0, "GET HEAD POST" },
                { API_GET, "/a/", "a", "/a/", "", 0, "GET HEAD" },
                { API_GET, "/a/b%20c?x=1", "a", "/a/{x}", "[b c]", 0, "GET HEAD DELETE" },
                { API_GET, "/v1.0/x:y", "a", "/v1.0/x:y", "", 0, "GET HEAD" },
                /* the path is found before the method is looked at */
                { API_POST, "/a", "a", "/a", "", 0, "GET HEAD POST" },
                { API_POST, "/a/", "a", NULL, "", REFUSED_METHOD, "GET HEAD" },
                { API_DELETE, "/a/b/c", "a", NULL, "[c]", REFUSED_METHOD, "GET HEAD" },
                { API_PUT, "/a/b", "a", NULL, "[b]", REFUSED_METHOD, "GET HEAD DELETE" },
                { API_HEAD, "/a", "a", "/a", "", 0, "GET HEAD POST" },
                { API_HEAD, "/h", "a", "/h", "", 0, "GET HEAD" },
                { API_HEAD, "/o", "a", NULL, "", REFUSED_METHOD, "OPTIONS" },
                { API_OPTIONS, "/a", "a", NULL, "", REFUSED_METHOD, "GET HEAD POST" },
                /* none */
                { API_GET, "/b", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/A", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/b/", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/z/d", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/b/c/", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/b/c/d/e", "a", NULL, "", REFUSED_PATH, "" },
        };

        find_all(specs, table, ARRAY_LEN(table));
}

/* Who does not look at the case would take these for others. */
static void letters_of_another_case_are_refused(void **state)
{
        static const struct api_spec specs[] = {
                { "a", "",
                  "GET /a/{x} GET /a/admin GET /a/b/D GET /a/{x}/d GET /a/{x}/{y} GET /a/b/{y}/e "
                  "GET /A/c" },
                { NULL, NULL, NULL },
        };
        static const struct find_case table[] = {
                { API_GET, "/a/admin", "a", "/a/admin", "", 0, "GET HEAD" },
                { API_GET, "/a/administrator", "a", "/a/{x}", "[administrator]", 0, "GET HEAD" },
                { API_GET, "/a/Admin", "a", NULL, "", REFUSED_PATH, "" },
                { API_POST, "/a/ADMIN", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/ADMIN/x", "a", "/a/{x}/{y}", "[ADMIN][x]", 0, "GET HEAD" },
                { API_GET, "/a/b/d", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/B/d", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/b/D", "a", "/a/b/D", "", 0, "GET HEAD" },
                { API_GET, "/a/z/d", "a", "/a/{x}/d", "[z]", 0, "GET HEAD" },
                { API_GET, "/a/z/D", "a", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/a/B/x", "a", "/a/{x}/{y}", "[B][x]", 0, "GET HEAD" },
                { API_GET, "/a/c", "a", "/a/{x}", "[c]", 0, "GET HEAD" },
                { API_GET, "/A/c", "a", "/A/c", "", 0, "GET HEAD" },
                { API_GET, "/A/x", "a", NULL, "", REFUSED_PATH, "" },
        };

        find_all(specs, table, ARRAY_LEN(table));
}

static void the_longest_base_has_all_below_it(void **state)
{
        static const struct api_spec specs[] = {
                { "bank", "/bank", "GET /x GET /{v}/accounts GET / GET /v1" },
                { "bank1", "/bank/v1", "GET /accounts GET /" },
                { "rest", "", "GET /{a} GET /{a}/{b} GET /banks/x" },
                { NULL, NULL, NULL },
        };
        static const struct find_case table[] = {
                { API_GET, "/bank/v1/accounts", "bank1", "/accounts", "", 0, "GET HEAD" },
                { API_GET, "/bank/v1/", "bank1", "/", "", 0, "GET HEAD" },
                { API_GET, "/bank/v1/x", "bank1", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/bank/v1", "bank", "/v1", "", 0, "GET HEAD" },
                { API_GET, "/bank/v2/accounts", "bank", "/{v}/accounts", "[v2]", 0, "GET HEAD" },
                { API_GET, "/bank/x", "bank", "/x", "", 0, "GET HEAD" },
                { API_GET, "/bank/", "bank", "/", "", 0, "GET HEAD" },
                { API_GET, "/bank/z", "bank", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/bank", "rest", "/{a}", "[bank]", 0, "GET HEAD" },
                { API_GET, "/banks/x", "rest", "/banks/x", "", 0, "GET HEAD" },
                { API_GET, "/Bank/x", "rest", "/{a}/{b}", "[Bank][x]", 0, "GET HEAD" },
                { API_GET, "/", "rest", NULL, "", REFUSED_PATH, "" },
        };

        find_all(specs, table, ARRAY_LEN(table));
}

static void a_path_below_no_base_is_no_apis(void **state)
{
        static const struct api_spec specs[] = {
                { "bank", "/bank", "GET /x" },
                { NULL, NULL, NULL },
        };
        static const struct api_spec none[] = { { NULL, NULL, NULL } };
        static const struct find_case table[] = {
                { API_GET, "/bank/x", "bank", "/x", "", 0, "GET HEAD" },
                { API_GET, "/bank/y", "bank", NULL, "", REFUSED_PATH, "" },
                { API_GET, "/bank", NULL, NULL, "", REFUSED_PATH, "" },
                { API_GET, "/x", NULL, NULL, "", REFUSED_PATH, "" },
                { API_GET, "/", NULL, NULL, "", REFUSED_PATH, "" },
        };

        find_all(specs, table, ARRAY_LEN(table));
        find_all(none, &table[2], 3);
}

/* ---- which generations ---- */

static void some_generations_are_refused(void **state)
{
        static const struct {
                struct api_spec specs[APIS_MAX];
                const char *why; /* NULL: it is none of them */
        } table[] = {
                { { { "a", "/x", "GET /a" }, { "b", "/x", "GET /b" } },
                  "a and b have the same base \"/x\"" },
                { { { "a", "", "GET /a" }, { "b", "", "GET /b" } },
                  "a and b have the same base \"\"" },
                { { { "a", "/x", "GET /y/a" }, { "b", "/x/y", "GET /b" } },
                  "a: no request reaches /y/a: b has the base \"/x/y\"" },
                { { { "a", "", "GET /x/y/{z}" }, { "b", "/x/y", "GET /b" } },
                  "a: no request reaches /x/y/{z}: b has the base \"/x/y\"" },
                { { { "a", "", "GET /x/" }, { "b", "/x", "GET /b" } },
                  "a: no request reaches /x/: b has the base \"/x\"" },
                { { { "a", "", "GET /x GET /{y}/b GET /xx/b" }, { "b", "/x", "GET /b" } }, NULL },
                { { { "a", "/x", "GET /y GET /{y}/b" }, { "b", "/x/y", "GET /b" } }, NULL },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct router *r = NULL;
                struct generation g;
                struct err err = { 0 };
                int rc;

                make_apis(table[i].specs, &g);
                rc = router_new(&g, &r, &err);
                assert_int_equal(rc, table[i].why ? -EEXIST : 0);
                assert_string_equal(err.text, table[i].why ? table[i].why : "");
                router_free(r);
                free_apis(&g);
        }
}

/* ---- by chance, against the words of the rule ---- */

static void put_path(struct chance *c, struct buf *out, bool of_document)
{
        static const char *const words[] = { "a", "b", "B", "c", "{x}", "{y}" };
        uint32_t n = 1 + chance_below(c, 5);

        buf_clear(out);
        for (uint32_t i = 0; i < n; i++) {
                buf_put_byte(out, '/');
                buf_put_str(out, words[chance_below(c, of_document ? 6 : 4)]);
        }
        if (chance_below(c, 6) == 0)
                buf_put_byte(out, '/');
}

static void any_paths_follow_the_rule(void **state)
{
        enum { ROUNDS = 300, REQUESTS = 100 };
        CLEANUP(buf_done) struct buf path = BUF_INIT(1 << 10);
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 26);
        struct world_api *w = calloc(1, sizeof *w);
        struct generation g = { .n = 1, .package = { &w->package } };
        struct chance c = chance_of(7);

        assert_non_null(w);
        for (int round = 0; round < ROUNDS; round++) {
                struct router *r = NULL;
                struct refusal refusal;
                struct target t;

                *w = (struct world_api){ 0 };
                for (uint32_t n = 1 + chance_below(&c, 40); n > 0; n--) {
                        put_path(&c, &path, true);
                        (void)world_add(w, (enum api_method)chance_below(&c, API_METHODS),
                                        span_of(arena_copy(&arena, buf_span(&path)), path.n));
                }
                world_serve(w, "a", "");
                assert_int_equal(router_new(&g, &r, NULL), 0);
                for (int i = 0; i < REQUESTS; i++) {
                        put_path(&c, &path, false);
                        assert_int_equal(target_read(buf_span(&path), &arena, &t, &refusal), 0);
                        world_check(w, r, &t);
                }
                router_free(r);
        }
        free(w);
}

static void no_memory_is_told(void **state)
{
        static const struct api_spec specs[] = {
                { "bank", "/bank", "GET /x GET /{v}/accounts" },
                { "bank1", "/bank/v1", "GET /accounts" },
                { NULL, NULL, NULL },
        };
        struct generation g;
        struct router *r = NULL;
        struct err err = { 0 };
        size_t nth;
        int rc = -ENOMEM;

        make_apis(specs, &g);
        for (nth = 1; rc == -ENOMEM; nth++) {
                alloc_fail_nth = nth;
                rc = router_new(&g, &r, &err);
                alloc_fail_nth = 0;
        }
        assert_int_equal(rc, 0);
        assert_true(nth > 3);
        router_free(r);
        free_apis(&g);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(words_win_segment_by_segment),
                cmocka_unit_test(letters_of_another_case_are_refused),
                cmocka_unit_test(the_longest_base_has_all_below_it),
                cmocka_unit_test(a_path_below_no_base_is_no_apis),
                cmocka_unit_test(some_generations_are_refused),
                cmocka_unit_test(any_paths_follow_the_rule),
                cmocka_unit_test(no_memory_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
