/* SPDX-License-Identifier: Apache-2.0 */
/* answer_world.h - a package with one operation and what its back-end may answer, for tests. */
#ifndef TESTS_GATEWAY_ANSWER_WORLD_H
#define TESTS_GATEWAY_ANSWER_WORLD_H

#include <stdio.h>
#include <stdlib.h>

#include "gateway/answer/answer.h"
#include "package/model/model_file.h"

/* GET /accounts: 200 is {"accounts":[{"balance","iban" of class a,"id","note","zip" of class b}],
 * "next"} or text/csv, with headers x-count, x-owner of class a and x-owners, a list of those; any
 * other 2XX any JSON, and it has x-count; 204; 302 with location; default a problem. */
#define ANSWER_MODEL                                                                               \
        "{\"api\":{\"classes\":[\"a\",\"b\"],\"operations\":[{\"id\":\"op\",\"method\":\"GET\","   \
        "\"path\":\"/accounts\",\"reads\":[0,1],\"responses\":["                                   \
        "{\"media\":[{\"json\":true,\"schema\":9,\"type\":\"application/problem+json\"}],"         \
        "\"status\":0},"                                                                           \
        "{\"headers\":[{\"in\":\"header\",\"name\":\"x-count\",\"required\":true,\"schema\":6}],"  \
        "\"media\":[{\"json\":true,\"type\":\"application/json\"}],\"status\":2},"                 \
        "{\"headers\":[{\"in\":\"header\",\"name\":\"content-length\",\"schema\":4},"              \
        "{\"in\":\"header\",\"name\":\"x-count\",\"schema\":6},"                                   \
        "{\"in\":\"header\",\"name\":\"x-owner\",\"schema\":7},"                                   \
        "{\"in\":\"header\",\"name\":\"x-owners\",\"schema\":8}],"                                 \
        "\"media\":[{\"json\":true,\"schema\":0,\"type\":\"application/json\"},"                   \
        "{\"type\":\"text/csv\"}],\"status\":200},"                                                \
        "{\"status\":204},"                                                                        \
        "{\"headers\":[{\"in\":\"header\",\"name\":\"location\",\"required\":true,"                \
        "\"schema\":4}],\"status\":302}],"                                                         \
        "\"segments\":[{\"text\":\"accounts\"}]}],\"schemas\":["                                   \
        "{\"properties\":[{\"name\":\"accounts\",\"required\":true,\"schema\":1},"                 \
        "{\"name\":\"next\",\"schema\":4}],\"types\":[\"object\"]},"                               \
        "{\"items\":2,\"types\":[\"array\"]},"                                                     \
        "{\"properties\":[{\"name\":\"balance\",\"schema\":5},{\"name\":\"iban\",\"schema\":3},"   \
        "{\"name\":\"id\",\"required\":true,\"schema\":4},{\"name\":\"note\",\"schema\":4},"       \
        "{\"name\":\"zip\",\"schema\":10}],\"types\":[\"object\"]},"                               \
        "{\"class\":\"a\",\"max_length\":34,\"types\":[\"string\"]},"                              \
        "{\"types\":[\"string\"]},{\"types\":[\"number\"]},{\"types\":[\"integer\"]},"             \
        "{\"class\":\"a\",\"types\":[\"string\"]},{\"items\":7,\"types\":[\"array\"]},"            \
        "{\"types\":[\"object\"]},{\"class\":\"b\"}]},"                                            \
        "\"config\":{\"backend\":{\"unix\":\"/run/a\"},\"classes\":["                              \
        "{\"digest\":true,\"mask\":\"last4\",\"name\":\"a\"},"                                     \
        "{\"mask\":\"hash\",\"name\":\"b\"}],\"depth\":8,\"name\":\"n\",\"request\":1000,"         \
        "\"response\":2000}}"

struct answer_world {
        struct api *api;
        struct api_checker *checker;
        struct api_classes *classes;
        struct package p;
        enum mask_answer says[2];
        uint32_t asked[2];
};

static const uint8_t answer_world_key[32] = { 7 };

static inline void answer_world_init(struct answer_world *w)
{
        struct err err = { 0 };

        *w = (struct answer_world){ 0 };
        if (model_get(SPAN(ANSWER_MODEL), &w->api, &w->p.config, &err) < 0 ||
            api_checker_new(&w->api->schemas, &w->checker, &err) < 0 ||
            api_classes_new(w->api, w->checker, &w->classes, &err) < 0) {
                (void)fprintf(stderr, "%s\n", err_text(&err));
                abort();
        }
        w->p.api = w->api;
        w->p.checker = w->checker;
        w->p.classes = w->classes;
}

static inline void answer_world_done(struct answer_world *w)
{
        api_classes_free(w->classes);
        api_checker_free(w->checker);
        api_free(w->api);
}

static inline enum mask_answer answer_world_ask(void *ctx, uint32_t class)
{
        struct answer_world *w = ctx;

        w->asked[class]++;
        return w->says[class];
}

enum { ANSWER_WORLD_HEADERS = 8 };

/* "name: value" of each line. */
static inline uint32_t answer_world_headers(const char *lines, struct http_header *ret)
{
        uint32_t n = 0;

        while (*lines) {
                size_t all = strcspn(lines, "|"), name = strcspn(lines, ":");

                assert(n < ANSWER_WORLD_HEADERS && name + 2 <= all);
                ret[n++] = (struct http_header){ span_of(lines, name),
                                                 span_of(lines + name + 2, all - name - 2) };
                lines += all + (lines[all] == '|');
        }
        return n;
}

static inline int answer_world_check(struct answer_world *w, const struct answer_raw *raw,
                                     struct arena *arena, struct answer *ret,
                                     struct refusal *refusal)
{
        const struct answer_asker asker = { answer_world_ask, w, answer_world_key };

        return answer_check(&w->p, &w->api->operations[0], raw, &asker, arena, ret, refusal);
}

#endif
