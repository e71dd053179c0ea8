/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_content.c - bodies of requests, responses, and what they are made of.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <ctype.h>
#include <stdlib.h>

/* ---- media types ---- */

/* RFC 6838, section 4.2. */
static bool is_name(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!isalnum(s.p[i]) && (i == 0 || !memchr("!#$&-^_.+", s.p[i], 9)))
                        return false;
        return s.n > 0;
}

static bool is_json(struct span type)
{
        static const struct span suffix = SPAN_INIT("+json");

        return span_eq_str(type, "application/json") ||
               (type.n > suffix.n && span_eq(span_from(type, type.n - suffix.n), suffix));
}

/* "Application/JSON; charset=utf-8" as "application/json"; false, and told. */
static bool media_type(struct oa *r, const struct source_node *m, struct span *ret)
{
        const uint8_t *end = m->key.n ? memchr(m->key.p, ';', m->key.n) : NULL;
        struct span s = span_of(m->key.p, end ? (size_t)(end - m->key.p) : m->key.n);
        const uint8_t *slash;
        uint8_t *copy;

        while (s.n > 0 && s.p[s.n - 1] == ' ')
                s.n--;
        slash = s.n ? memchr(s.p, '/', s.n) : NULL;
        if (s.n && s.n <= API_NAME_MAX && slash && s.p[s.n - 1] == '*') {
                lint_error(r->l, &m->key_mark,
                           "\"%.*s\" is a range: name each media type, application/json for one",
                           OA_NAME(m->key));
                return false;
        }
        if (!slash || s.n > API_NAME_MAX || !is_name(span_of(s.p, (size_t)(slash - s.p))) ||
            !is_name(span_from(s, (size_t)(slash - s.p) + 1))) {
                lint_error(r->l, &m->key_mark, "\"%.*s\" is no media type", OA_NAME(m->key));
                return false;
        }
        if (end)
                oa_note(r, OA_NOTE_MEDIA_PARAMETER, SPAN_NONE, &m->key_mark);
        copy = oa_keep(r, s.n, 1);
        for (size_t i = 0; i < s.n && copy; i++)
                copy[i] = (uint8_t)tolower(s.p[i]);
        *ret = span_of(copy, s.n);
        return copy != NULL;
}

static const struct oa_field media_fields[] = {
        { "schema", oa_later, NULL },
        { "example", NULL, NULL },
        { "examples", NULL, NULL },
        { "encoding", NULL, NULL }, /* of forms, which are not taken */
};

/* Nothing in it can be masked: see oa_check_blind(). */
static void blind(struct oa *r, const struct source_node *m, uint32_t schema)
{
        struct oa_media *b = oa_scratch(r, 1, sizeof *b);

        if (!b)
                return;
        *b = (struct oa_media){ m, schema, r->blind };
        r->blind = b;
}

static bool read_media(struct oa *r, const struct source_node *m, bool request,
                       struct api_media *ret)
{
        const struct source_node *schema = source_get(m, "schema");
        uint32_t place = API_NONE;

        oa_fields(r, m, "a media type", media_fields, ARRAY_LEN(media_fields), NULL);
        if (m->kind != SOURCE_MAP || !media_type(r, m, &ret->type))
                return false;
        ret->json = is_json(ret->type);
        ret->schema = API_NONE;
        if (request && !ret->json) {
                lint_error(r->l, &m->key_mark,
                           "a request of \"%.*s\" is not passed on: policies see into JSON only, "
                           "take application/json or leave this out",
                           OA_NAME(m->key));
                return false;
        }
        if (schema)
                place = oa_schema(r, schema);
        else if (ret->json)
                oa_note(r, OA_NOTE_ANY_JSON, SPAN_NONE, &m->key_mark);
        if (ret->json)
                ret->schema = place;
        else if (place != API_NONE)
                blind(r, m, place);
        return true;
}

static int by_type(const void *a, const void *b)
{
        const struct api_media *x = a, *y = b;

        return span_cmp(x->type, y->type);
}

static void read_content(struct oa *r, const struct source_node *content, bool request,
                         const struct api_media **ret, uint32_t *ret_n)
{
        struct api_media *media;
        uint32_t n = 0;

        if (!oa_want_some(r, content, SOURCE_MAP, API_MEDIA_MAX, "media types"))
                return;
        media = oa_keep(r, content->n, sizeof *media);
        for (const struct source_node *m = content->child; m && media; m = m->next)
                n += read_media(r, m, request, &media[n]);
        if (n > 0)
                qsort(media, n, sizeof *media, by_type);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(media[i - 1].type, media[i].type))
                        lint_error(r->l, &content->key_mark,
                                   "\"%.*s\" is there twice: upper case and parameters make no "
                                   "difference",
                                   OA_NAME(media[i].type));
        *ret = media;
        *ret_n = n;
}

/* ---- bodies of requests ---- */

static const struct oa_field body_fields[] = {
        { "content", oa_later, NULL },
        { "required", oa_later, NULL },
        { "description", NULL, NULL },
        { "schema", NULL,
          "a schema stands in the media type: content: {application/json: {schema: "
          "...}}" },
};

static void read_body(struct oa *r, const struct source_node *node, struct api_body *b)
{
        const struct source_node *content = source_get(node, "content");
        const struct source_node *required = source_get(node, "required");

        oa_fields(r, node, "a request body", body_fields, ARRAY_LEN(body_fields), NULL);
        if (node->kind != SOURCE_MAP)
                return;
        if (required)
                (void)oa_want_bool(r, required, &b->required);
        if (!content || content->n == 0)
                lint_error(r->l, content ? &content->mark : &node->mark,
                           "a request body has some \"content\"");
        else
                read_content(r, content, true, &b->media, &b->n_media);
}

const struct api_body *oa_body(struct oa *r, const struct source_node *node)
{
        const struct source_node *at = oa_follow(r, node, "requestBodies");
        uintptr_t *memo = at ? oa_memo(r, OA_BODY, at) : NULL;
        struct api_body *b;

        if (!memo || *memo)
                return memo ? (const struct api_body *)*memo : NULL;
        b = oa_keep(r, 1, sizeof *b);
        if (!b)
                return NULL;
        *memo = (uintptr_t)b;
        read_body(r, at, b);
        return b;
}

/* ---- responses ---- */

static const struct oa_field response_fields[] = {
        { "description", NULL, NULL },
        { "summary", NULL, NULL },
        { "headers", oa_later, NULL },
        { "content", oa_later, NULL },
        { "links", NULL, NULL },
        { "schema", NULL,
          "a schema stands in the media type: content: {application/json: {schema: "
          "...}}" },
};

static int by_name(const void *a, const void *b)
{
        const struct api_parameter *x = a, *y = b;

        return span_cmp(x->name, y->name);
}

static void read_headers(struct oa *r, const struct source_node *map, struct api_response *ret)
{
        struct api_parameter *headers;
        uint32_t n = 0;

        if (!oa_want_some(r, map, SOURCE_MAP, API_HEADERS_MAX, "headers"))
                return;
        headers = oa_keep(r, map->n, sizeof *headers);
        for (const struct source_node *m = map->child; m && headers; m = m->next) {
                const struct oa_parameter *p = oa_header(r, m);

                if (p && !p->ignored)
                        headers[n++] = p->p;
        }
        if (n > 0)
                qsort(headers, n, sizeof *headers, by_name);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(headers[i - 1].name, headers[i].name))
                        lint_error(r->l, &map->key_mark,
                                   "header \"%.*s\" is there twice: upper case makes no difference",
                                   OA_NAME(headers[i].name));
        ret->headers = headers;
        ret->n_headers = n;
}

static void read_response(struct oa *r, const struct source_node *node, struct api_response *ret)
{
        const struct source_node *headers = source_get(node, "headers");
        const struct source_node *content = source_get(node, "content");

        oa_fields(r, node, "a response", response_fields, ARRAY_LEN(response_fields), NULL);
        if (headers)
                read_headers(r, headers, ret);
        if (content)
                read_content(r, content, false, &ret->media, &ret->n_media);
}

const struct api_response *oa_response(struct oa *r, const struct source_node *node)
{
        const struct source_node *at = oa_follow(r, node, "responses");
        uintptr_t *memo = at ? oa_memo(r, OA_RESPONSE, at) : NULL;
        struct api_response *a;

        if (!memo || *memo)
                return memo ? (const struct api_response *)*memo : NULL;
        a = oa_scratch(r, 1, sizeof *a);
        if (!a)
                return NULL;
        *memo = (uintptr_t)a;
        read_response(r, at, a);
        return a;
}

void oa_check_blind(struct oa *r, const struct schema_reach *reach)
{
        for (const struct oa_media *b = r->blind; b; b = b->next) {
                const uint64_t *words = reach->classes[b->schema];

                for (unsigned i = 0; i < REACH_WORDS; i++) {
                        if (!words[i])
                                continue;
                        lint_error(
                                r->l, &b->node->key_mark,
                                "\"%.*s\" has %.*s in it, which can be masked in JSON only",
                                OA_NAME(b->node->key),
                                OA_NAME(r->classes[i * 64 + (unsigned)__builtin_ctzll(words[i])]));
                        break;
                }
        }
}
