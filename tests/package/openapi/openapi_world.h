/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_world.h - a document in YAML, its faults and its model.  For test programs that link the
 * jobs, whose reader of YAML says where things stand. */
#ifndef TESTS_PACKAGE_OPENAPI_WORLD_H
#define TESTS_PACKAGE_OPENAPI_WORLD_H

#include "job/yaml_source.h"
#include "package/openapi/openapi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct world {
        struct arena arena;
        struct lint lint;
        struct err err;
        const struct source_node *root;
        struct api *api; /* NULL: there were errors */
        int rc;
};

/* w is static memory of the test's: it is large. */
static inline void world_open(struct world *w, const char *text)
{
        memset(w, 0, sizeof *w);
        w->arena = ARENA_INIT(256 << 20);
        lint_init(&w->lint);
        w->lint.file = SPAN("openapi.yaml");
        if (yaml_source(NULL, span_str(text), &w->arena, &w->lint, &w->root, &w->err) < 0 ||
            !w->root)
                fail_msg("no YAML: %s\n%s", w->err.text, text);
        w->rc = openapi_read(w->root, &w->lint, &w->api, &w->err);
        lint_sort(&w->lint);
}

static inline void world_close(struct world *w)
{
        api_free(w->api);
        lint_done(&w->lint);
        arena_done(&w->arena);
}

static inline void world_fault(const struct world *w, uint32_t i, char *out, size_t size)
{
        const struct lint_fault *f = &w->lint.at[i];

        snprintf(out, size, "%u:%u %s: %.*s", (unsigned)f->mark.line, (unsigned)f->mark.column,
                 f->level == LINT_ERROR ? "error" : "warning", (int)f->text.n,
                 (const char *)f->text.p);
}

/* wanted: a line for each fault, how it begins; "": none.  False, and shown: it has others. */
static inline bool world_has_faults(const struct world *w, const char *text, const char *wanted)
{
        char all[8192] = "", line[LINT_TEXT_MAX + 64];
        const char *at = wanted;
        bool same = true;
        size_t n = 0;

        for (uint32_t i = 0; i < w->lint.n; i++) {
                size_t want = strcspn(at, "\n");

                world_fault(w, i, line, sizeof line);
                same &= want > 0 && strncmp(line, at, want) == 0;
                at += want + (at[want] == '\n');
                if (n < sizeof all)
                        n += (size_t)snprintf(all + n, sizeof all - n, "%s\n", line);
        }
        if (!same || *at)
                print_error("%s\nhas:\n%s\nwanted:\n%s\n\n", text, all, wanted);
        assert_int_equal(w->rc, w->lint.errors ? -EINVAL : 0);
        assert_true((w->api != NULL) == (w->rc == 0));
        return same && !*at;
}

struct fault_case {
        const char *text, *wanted;
};

static inline void world_check_table(const struct fault_case *table, size_t n)
{
        static struct world w;
        size_t wrong = 0;

        for (size_t i = 0; i < n; i++) {
                world_open(&w, table[i].text);
                wrong += !world_has_faults(&w, table[i].text, table[i].wanted);
                world_close(&w);
        }
        assert_int_equal(wrong, 0);
}

/* Each "%u" of the text is the number. */
static inline void world_put_numbered(struct buf *b, const char *text, unsigned number)
{
        for (const char *at; (at = strstr(text, "%u")); text = at + 2) {
                buf_put(b, span_of(text, (size_t)(at - text)));
                buf_printf(b, "%u", number);
        }
        buf_put_str(b, text);
}

/* Lines 1 to 3 of a document, and one operation in line 4. */
#define HEAD                                                                                       \
        "openapi: 3.1.1\n"                                                                         \
        "info: {title: T, version: '1'}\n"                                                         \
        "security: []\n"
#define PATHS "paths: {/a: {get: {operationId: a, responses: {default: {}}}}}\n"
/* A schema, from 8:7 on. */
#define SCHEMA(text)                                                                               \
        HEAD PATHS "components:\n"                                                                 \
                   "  schemas:\n"                                                                  \
                   "    A:\n"                                                                      \
                   "      " text "\n"
/* Members of an operation, from 9:7 on. */
#define OPERATION(method, path, text)                                                              \
        HEAD "paths:\n"                                                                            \
             "  " path ":\n"                                                                       \
             "    " method ":\n"                                                                   \
             "      operationId: a\n"                                                              \
             "      responses: {default: {}}\n"                                                    \
             "      " text "\n"
#define GET(text)  OPERATION("get", "/a", text)
#define POST(text) OPERATION("post", "/a", text)
/* A parameter of an operation, from 10:11 on. */
#define PARAMETER(text)                                                                            \
        GET("parameters:\n"                                                                        \
            "        - " text)

#endif
