/* SPDX-License-Identifier: Apache-2.0 */
#include "called.h"

#include <stdio.h>
#include <stdlib.h>

#include "job/yaml_source.h"
#include "package/build.h"

/* The bytes of a package outlive it. */
struct built {
        struct buf body;
        struct package *p;
        struct built *next;
};
static struct built *all;

static void fail(const struct lint *l, const struct err *err)
{
        for (uint32_t i = 0; i < l->n; i++)
                fprintf(stderr, "%.*s:%u: %.*s\n", (int)l->at[i].file.n,
                        (const char *)l->at[i].file.p, l->at[i].mark.line, (int)l->at[i].text.n,
                        (const char *)l->at[i].text.p);
        fprintf(stderr, "called: %s\n", err_text(err));
        abort();
}

struct package *called_package(const char *openapi, const char *gateway, const char *backend)
{
        static const char policy[] = "permit (principal, action, resource);\n";
        const struct package_source sources[] = {
                { SPAN("backend.yaml"), span_str(backend) },
                { SPAN("gateway.yaml"), span_str(gateway) },
                { SPAN("openapi.yaml"), span_str(openapi) },
                { SPAN("policy.cedar"), span_str(policy) },
        };
        struct build_spec spec = { .sources = sources,
                                   .n_sources = ARRAY_LEN(sources),
                                   .yaml = yaml_source };
        struct built *b = calloc(1, sizeof *b);
        struct err err = { 0 };
        struct lint l;

        assert(b);
        b->body = BUF_INIT(PACKAGE_FILE_MAX);
        lint_init(&l);
        if (build_package(&spec, &l, &b->body, &err) < 0 ||
            package_open_bytes(buf_span(&b->body), NULL, 0, &b->p, &err) < 0)
                fail(&l, &err);
        lint_done(&l);
        b->next = all;
        all = b;
        return b->p;
}

void called_package_free(struct package *p)
{
        for (struct built **at = &all; *at; at = &(*at)->next)
                if ((*at)->p == p) {
                        struct built *b = *at;

                        *at = b->next;
                        package_unref(p);
                        buf_done(&b->body);
                        free(b);
                        return;
                }
}

uint32_t called_headers(struct span lines, struct http_header *room, uint32_t max)
{
        uint32_t n = 0;

        while (lines.n > 0) {
                const uint8_t *end = memchr(lines.p, '\n', lines.n);
                struct span line = span_of(lines.p, end ? (size_t)(end - lines.p) : lines.n);
                const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;

                assert(colon && n < max);
                room[n++] = (struct http_header){ span_of(line.p, (size_t)(colon - line.p)),
                                                  span_from(line, (size_t)(colon - line.p) + 2) };
                lines = span_from(lines, line.n + 1);
        }
        return n;
}

void called_make(struct package *p, const char *method, const char *target, const char *lines,
                 struct called *ret)
{
        struct generation g = { .n = 1, .package = { p } };
        CLEANUP(router_freep) struct router *r = NULL;

        *ret = (struct called){ .arena = ARENA_INIT(1 << 22) };
        ret->raw = (struct request_raw){ .method = span_str(method),
                                         .target = span_str(target),
                                         .version = 11,
                                         .headers = ret->headers };
        ret->headers[0] = (struct http_header){ SPAN("Host"), SPAN("a") };
        ret->raw.n_headers =
                1 + called_headers(span_str(lines), ret->headers + 1, CALLED_HEADERS_MAX - 1);
        assert(router_new(&g, &r, NULL) == 0);
        ret->rc = request_read(&ret->raw, &ret->arena, &ret->q, &ret->refusal);
        if (ret->rc == 0)
                ret->rc = router_find(r, ret->q.method, &ret->q.target, &ret->route, &ret->refusal);
        if (ret->rc == 0)
                ret->rc = parameters_read(p, ret->route.operation, &ret->route, &ret->q,
                                          &ret->arena, &ret->values, &ret->refusal);
}

void called_done(struct called *c)
{
        arena_done(&c->arena);
}
