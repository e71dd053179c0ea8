/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_outgoing.h - requests of an API with every sort of parameter, and those made of them. */
#ifndef FUZZ_FUZZ_OUTGOING_H
#define FUZZ_FUZZ_OUTGOING_H

#include "fuzz_request.h"
#include "gateway/request/outgoing.h"
#include "gateway/request/parameters.h"
#include "package/model/model_file.h"

/* What tests/gateway/called_yaml.h becomes, with no base before it and none behind. */
static const char fuzz_outgoing_model[] =
        "{\"api\":{\"identities\":[{\"kind\":\"basic\",\"name\":\"legacy\"},{\"kind\":\"mutua"
        "l\",\"name\":\"machine\"},{\"kind\":\"bearer\",\"name\":\"token\"}],\"operations\":["
        "{\"id\":\"getList\",\"method\":\"GET\",\"parameters\":[{\"in\":\"path\",\"name\":\"i"
        "ds\",\"required\":true,\"schema\":20},{\"in\":\"path\",\"name\":\"last\",\"required"
        "\":true,\"schema\":22}],\"path\":\"/lists/{ids}/of:it%20all/{last}\",\"responses\":["
        "{\"status\":204}],\"security\":[{\"schemes\":[1]}],\"segments\":[{\"text\":\"lists\""
        "},{\"parameter\":true,\"text\":\"ids\"},{\"text\":\"of:it all\"},{\"parameter\":true"
        ",\"text\":\"last\"}]},{\"id\":\"getPart\",\"method\":\"GET\",\"parameters\":[{\"in\""
        ":\"path\",\"name\":\"id\",\"required\":true,\"schema\":0},{\"explode\":true,\"in\":"
        "\"query\",\"name\":\"f[x]\",\"schema\":5},{\"in\":\"query\",\"name\":\"ids\",\"schem"
        "a\":8},{\"explode\":true,\"in\":\"query\",\"name\":\"n\",\"schema\":2},{\"explode\":"
        "true,\"in\":\"query\",\"name\":\"ok\",\"schema\":4},{\"explode\":true,\"in\":\"query"
        "\",\"name\":\"q\",\"schema\":1},{\"explode\":true,\"in\":\"query\",\"name\":\"r\",\""
        "schema\":3},{\"explode\":true,\"in\":\"query\",\"name\":\"tag\",\"schema\":6},{\"in"
        "\":\"header\",\"name\":\"x-list\",\"schema\":11},{\"in\":\"header\",\"name\":\"x-tex"
        "t\",\"schema\":10},{\"in\":\"cookie\",\"name\":\"seen\",\"schema\":14},{\"explode\":"
        "true,\"in\":\"cookie\",\"name\":\"sid\",\"schema\":13}],\"path\":\"/parts/{id}\",\"r"
        "esponses\":[{\"media\":[{\"json\":true,\"schema\":18,\"type\":\"application/problem+"
        "json\"}],\"status\":0},{\"media\":[{\"json\":true,\"schema\":16,\"type\":\"applicati"
        "on/json\"},{\"type\":\"text/csv\"}],\"status\":200}],\"security\":[{\"schemes\":[2]}"
        "],\"segments\":[{\"text\":\"parts\"},{\"parameter\":true,\"text\":\"id\"}]},{\"id\":"
        "\"getRoot\",\"method\":\"GET\",\"path\":\"/\",\"responses\":[{\"status\":204}],\"sec"
        "urity\":[{\"schemes\":[2]}],\"segments\":[{\"text\":\"\"}]},{\"id\":\"putPart\",\"me"
        "thod\":\"PUT\",\"parameters\":[{\"in\":\"path\",\"name\":\"id\",\"required\":true,\""
        "schema\":0}],\"path\":\"/parts/{id}\",\"request\":{\"media\":[{\"json\":true,\"schem"
        "a\":19,\"type\":\"application/json\"},{\"json\":true,\"schema\":19,\"type\":\"applic"
        "ation/merge-patch+json\"}]},\"responses\":[{\"status\":204}],\"security\":[{\"scheme"
        "s\":[0]},{\"schemes\":[1,2]}],\"segments\":[{\"text\":\"parts\"},{\"parameter\":true"
        ",\"text\":\"id\"}]}],\"schemas\":[{\"types\":[\"string\"]},{\"types\":[\"string\"]},"
        "{\"types\":[\"integer\"]},{\"types\":[\"number\"]},{\"types\":[\"boolean\"]},{\"type"
        "s\":[\"string\"]},{\"items\":7,\"types\":[\"array\"]},{\"types\":[\"string\"]},{\"it"
        "ems\":9,\"types\":[\"array\"]},{\"types\":[\"integer\"]},{\"types\":[\"string\"]},{"
        "\"items\":12,\"types\":[\"array\"]},{\"types\":[\"string\"]},{\"types\":[\"string\"]"
        "},{\"items\":15,\"types\":[\"array\"]},{\"types\":[\"integer\"]},{\"types\":[\"objec"
        "t\"]},{\"types\":[\"string\"]},{\"types\":[\"object\"]},{},{\"items\":21,\"types\":["
        "\"array\"]},{\"types\":[\"string\"]},{\"types\":[\"number\"]}],\"title\":\"Parts\","
        "\"version\":\"1.0.0\"},\"config\":{\"backend\":{\"connect_ms\":2000,\"read_ms\":1000"
        "0,\"unix\":\"/run/p\"},\"depth\":32,\"identities\":[{\"kind\":\"basic\",\"scheme\":"
        "\"legacy\"},{\"ca\":\"/etc/ca.pem\",\"caller\":\"subject-cn\",\"kind\":\"mutual\",\""
        "scheme\":\"machine\"},{\"kind\":\"opaque\",\"scheme\":\"token\"}],\"name\":\"parts\""
        ",\"request\":65536,\"response\":1048576}}";

struct fuzz_outgoing {
        struct request q;
        struct route route;
        const struct call_value *values;
        struct outgoing out;
};

/* Made once, kept. */
static inline struct router *fuzz_outgoing_router(struct package *p)
{
        static struct router *r;
        struct generation g = { .n = 1, .package = { p } };
        struct api *api = NULL;

        if (!r) {
                assert(model_get(SPAN(fuzz_outgoing_model), &api, &p->config, NULL) == 0);
                p->api = api;
                assert(router_new(&g, &r, NULL) == 0);
        }
        return r;
}

/* As far as it goes. */
static inline int fuzz_outgoing_make(const struct request_raw *raw, struct arena *arena,
                                     struct fuzz_outgoing *ret)
{
        static struct package p;
        struct router *r = fuzz_outgoing_router(&p);
        struct refusal refusal;
        struct call call;
        int rc = request_read(raw, arena, &ret->q, &refusal);

        if (rc == 0)
                rc = router_find(r, ret->q.method, &ret->q.target, &ret->route, &refusal);
        if (rc == 0)
                rc = parameters_read(&p, ret->route.operation, &ret->route, &ret->q, arena,
                                     &ret->values, &refusal);
        if (rc < 0)
                return rc;
        call = (struct call){ .operation = ret->route.operation, .parameters = ret->values };
        return outgoing_build(&p, &ret->q, &call, SPAN_NONE, "id", arena, &ret->out, &refusal);
}

static inline void fuzz_outgoing_same(const struct fuzz_outgoing *a, const struct fuzz_outgoing *b)
{
        CLEANUP(buf_done) struct buf x = BUF_INIT(1 << 20), y = BUF_INIT(1 << 20);

        assert(a->route.operation == b->route.operation && a->q.method == b->q.method);
        assert(span_eq(a->out.target, b->out.target) && a->out.n_headers == b->out.n_headers);
        for (uint32_t i = 0; i < a->route.operation->n_parameters; i++) {
                assert(a->values[i].present == b->values[i].present);
                if (!a->values[i].present)
                        continue;
                buf_clear(&x);
                buf_clear(&y);
                tree_print(&a->values[i].value, &x);
                tree_print(&b->values[i].value, &y);
                assert(span_eq(buf_span(&x), buf_span(&y)));
        }
}

/* Whoever reads what is sent, as strictly, has the same call. */
static inline void fuzz_outgoing_again(const struct fuzz_outgoing *first, struct arena *arena)
{
        struct http_header room[FUZZ_HEADERS_MAX];
        struct request_raw raw = { .method = span_str(api_method_name(first->out.method)),
                                   .target = first->out.target,
                                   .version = 11,
                                   .headers = room,
                                   .n_headers = first->out.n_headers + 1 };
        struct fuzz_outgoing second;

        assert(raw.n_headers <= FUZZ_HEADERS_MAX);
        memcpy(room, first->out.headers, first->out.n_headers * sizeof *room);
        room[first->out.n_headers] = (struct http_header){ SPAN("host"), first->out.host };
        assert(fuzz_outgoing_make(&raw, arena, &second) == 0);
        fuzz_outgoing_same(first, &second);
}

#endif
