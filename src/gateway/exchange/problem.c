/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange/problem.h"

#include "wire/json.h"

enum {
        BODY_MAX = 512,
        HEADERS_MAX = 4,
        ALLOW_MAX = 64,
        SECOND_NS = 1000000000,
};

struct problem {
        const struct refusal_about *about;
        const struct route *route;
        struct arena *arena;
        struct http_header *headers;
        uint32_t n_headers;
};

static const struct http_header no_memory_headers[] = {
        { SPAN_INIT("content-type"), SPAN_INIT("application/problem+json") },
        { SPAN_INIT("cache-control"), SPAN_INIT("no-store") },
        { SPAN_INIT("retry-after"), SPAN_INIT("1") },
};

const struct reply problem_no_memory = {
        .status = 503,
        .headers = no_memory_headers,
        .n_headers = ARRAY_LEN(no_memory_headers),
        .body = SPAN_INIT("{\"status\":503,\"title\":\"Service unavailable\","
                          "\"type\":\"about:blank\"}"),
        .close = true, /* whatever it was to be told instead */
};

/* ---- headers ---- */

static void add(struct problem *p, struct span name, struct span value)
{
        assert(p->n_headers < HEADERS_MAX);
        p->headers[p->n_headers++] = (struct http_header){ name, value };
}

/* All that exist where the path is not known. */
static int add_allow(struct problem *p)
{
        struct buf out = BUF_OVER(arena_alloc(p->arena, ALLOW_MAX), ALLOW_MAX);
        unsigned allowed = p->route ? p->route->allowed : 0;

        if (!out.p)
                return -ENOMEM;
        if (allowed == 0)
                allowed = (1u << API_METHODS) - 1;
        for (unsigned m = 0; m < API_METHODS; m++)
                if (allowed >> m & 1) {
                        buf_put_str(&out, out.n > 0 ? ", " : "");
                        buf_put_str(&out, api_method_name((enum api_method)m));
                }
        add(p, SPAN("allow"), buf_span(&out));
        return 0;
}

/* As bits of enum api_identity_kind. */
static unsigned kinds_of(const struct route *route)
{
        const struct api_operation *o = route ? route->operation : NULL;
        unsigned kinds = 0;

        for (uint32_t i = 0; o && i < o->n_security; i++)
                for (uint32_t k = 0; k < o->security[i].n; k++) {
                        uint32_t scheme = o->security[i].schemes[k];

                        kinds |= 1u << route->package->api->identities[scheme].kind;
                }
        return kinds;
}

static int add_challenge(struct problem *p, const char *scheme, const char *more)
{
        struct span realm = p->route->package->config.name;
        size_t n = strlen(scheme) + realm.n + strlen(more) + sizeof " realm=\"\"";
        struct buf out = BUF_OVER(arena_alloc(p->arena, n), n);

        if (!out.p)
                return -ENOMEM;
        buf_put_str(&out, scheme);
        buf_put_str(&out, " realm=\"");
        buf_put(&out, realm); /* letters, digits and hyphens */
        buf_put_str(&out, "\"");
        buf_put_str(&out, more);
        add(p, SPAN("www-authenticate"), buf_span(&out));
        return 0;
}

/* RFC 6750, 7617.  For a certificate there is no scheme. */
static int add_challenges(struct problem *p)
{
        unsigned kinds = kinds_of(p->route);
        int rc = 0;

        if (kinds >> API_IDENTITY_BEARER & 1)
                rc = add_challenge(p, "Bearer", "");
        if (rc == 0 && kinds >> API_IDENTITY_BASIC & 1)
                rc = add_challenge(p, "Basic", ", charset=\"UTF-8\"");
        return rc;
}

/* Whole seconds, one at least. */
static int add_again(struct problem *p, int64_t again_ns)
{
        struct buf out = BUF_OVER(arena_alloc(p->arena, BODY_MAX), BODY_MAX);
        int64_t s = again_ns / SECOND_NS + (again_ns % SECOND_NS > 0);

        if (!out.p)
                return -ENOMEM;
        buf_printf(&out, "%lld", (long long)MAX_OF(s, (int64_t)1));
        add(p, SPAN("retry-after"), buf_span(&out));
        return 0;
}

static int add_more(struct problem *p, int64_t again_ns)
{
        switch (p->about->status) {
        case 401:
                return add_challenges(p);
        case 405:
                return add_allow(p);
        case 429:
        case 503:
                return add_again(p, again_ns);
        default:
                return 0;
        }
}

/* ---- body ---- */

static int make_body(const struct problem *p, const char *id, struct span *ret)
{
        struct buf out = BUF_OVER(arena_alloc(p->arena, BODY_MAX), BODY_MAX);
        char instance[BODY_MAX / 2];
        struct buf urn = BUF_OVER(instance, sizeof instance);
        struct json_writer w;

        if (!out.p)
                return -ENOMEM;
        buf_put_str(&urn, "urn:assay:call:");
        buf_put_str(&urn, id);
        json_writer_init(&w, &out);
        json_begin_object(&w);
        json_member_string(&w, "instance", buf_span(&urn));
        json_member_int(&w, "status", p->about->status);
        json_member_text(&w, "title", p->about->title);
        json_member_text(&w, "type", "about:blank");
        json_end_object(&w);
        assert(buf_status(&urn) == 0 && buf_status(&out) == 0);
        *ret = buf_span(&out);
        return 0;
}

int problem_reply(const struct refusal *refusal, const char *id, const struct route *route,
                  int64_t again_ns, struct arena *arena, struct reply *ret)
{
        struct problem p = { .about = refusal_about(refusal->reason),
                             .route = route,
                             .arena = arena,
                             .headers = arena_alloc(arena, HEADERS_MAX * sizeof *p.headers) };
        struct span body = SPAN_NONE;
        int rc;

        if (!p.headers)
                return -ENOMEM;
        add(&p, SPAN("content-type"), SPAN("application/problem+json"));
        add(&p, SPAN("cache-control"), SPAN("no-store"));
        rc = add_more(&p, again_ns);
        if (rc == 0)
                rc = make_body(&p, id, &body);
        if (rc < 0)
                return rc;
        *ret = (struct reply){
                .status = p.about->status,
                .headers = p.headers,
                .n_headers = p.n_headers,
                .body = body,
                .close = refusal->reason == REFUSED_FRAMING || refusal->reason == REFUSED_HEADER,
        };
        return 0;
}
