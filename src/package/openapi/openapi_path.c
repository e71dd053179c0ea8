/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_path.c - paths of a document and what is under each.  Floor 2, pure. */
#include "package/openapi/openapi_priv.h"

#include <stdlib.h>

#include "base/text.h"

/* ---- templates ---- */

/* Why a word can be none of a path that a gateway lets through; NULL: it can. */
static const char *word_fault(struct span word)
{
        if (span_eq_str(word, ".") || span_eq_str(word, ".."))
                return "is resolved before a request is looked at";
        for (size_t i = 0; i < word.n; i++) {
                if (word.p[i] < ' ' || word.p[i] == 0x7f)
                        return "has a control character in it";
                if (memchr("/\\;%?#", word.p[i], 6))
                        return "has one of / \\ ; % ? # in it, which no request may have there";
        }
        return text_is_utf8(word, NULL) ? NULL : "is not UTF-8";
}

/* Percent-decoded; false, and told. */
static bool word(struct oa *r, const struct source_node *path, struct span part,
                 struct api_segment *ret)
{
        uint8_t *out = oa_keep(r, part.n + 1, 1);
        const char *why;
        size_t n = 0;

        if (!out)
                return false;
        why = oa_unescape(part, out, &n) ? word_fault(span_of(out, n))
                                         : "has a \"%\" without two hexadecimal digits";
        if (why)
                lint_error(r->l, &path->key_mark, "\"%.*s\" in this path %s", OA_NAME(part), why);
        *ret = (struct api_segment){ .text = span_of(out, n) };
        return !why;
}

static bool has_brace(struct span s)
{
        return s.n && (memchr(s.p, '{', s.n) || memchr(s.p, '}', s.n));
}

static bool parameter(struct oa *r, const struct source_node *path, struct span part,
                      struct oa_path *to, struct api_segment *ret)
{
        struct span name = span_of(part.p + 1, part.n > 2 ? part.n - 2 : 0);

        if (part.p[0] != '{' || part.p[part.n - 1] != '}' || has_brace(name)) {
                lint_error(r->l, &path->key_mark,
                           "\"%.*s\": a parameter in a path is all that stands between two slashes",
                           OA_NAME(part));
                return false;
        }
        if (name.n == 0 || name.n > API_NAME_MAX) {
                lint_error(r->l, &path->key_mark, "a parameter's name has 1 to %d bytes",
                           API_NAME_MAX);
                return false;
        }
        for (uint32_t i = 0; i < to->n_segments; i++)
                if (to->segments[i].parameter && span_eq(to->segments[i].text, name)) {
                        lint_error(r->l, &path->key_mark, "\"%.*s\" is there twice", OA_NAME(part));
                        return false;
                }
        *ret = (struct api_segment){ oa_keep_text(r, name), true };
        return true;
}

static uint32_t count_segments(struct span text)
{
        uint32_t n = 0;

        for (size_t i = 0; i < text.n; i++)
                n += text.p[i] == '/';
        return n;
}

static bool template_fits(struct oa *r, const struct source_node *path)
{
        if (path->key.n == 0 || path->key.p[0] != '/')
                lint_error(r->l, &path->key_mark, "a path begins with \"/\"");
        else if (path->key.n > API_PATH_MAX)
                lint_error(r->l, &path->key_mark, "a path of %zu bytes, at most %d are taken",
                           path->key.n, API_PATH_MAX);
        else if (count_segments(path->key) > API_SEGMENTS_MAX)
                lint_error(r->l, &path->key_mark, "a path of more than %d segments",
                           API_SEGMENTS_MAX);
        else
                return true;
        return false;
}

/* False, and told. */
static bool read_template(struct oa *r, const struct source_node *path, struct oa_path *to)
{
        struct span rest = path->key;
        struct api_segment *segments;

        if (!template_fits(r, path))
                return false;
        segments = oa_keep(r, count_segments(rest), sizeof *segments);
        if (!segments)
                return false;
        to->segments = segments;
        while (rest.n > 0) {
                const uint8_t *end = rest.n > 1 ? memchr(rest.p + 1, '/', rest.n - 1) : NULL;
                size_t n = end ? (size_t)(end - rest.p) : rest.n;
                struct span part = span_of(rest.p + 1, n - 1);
                struct api_segment *s = &segments[to->n_segments];

                rest = span_from(rest, n);
                if (part.n == 0 && rest.n > 0) {
                        lint_error(r->l, &path->key_mark, "two slashes follow each other");
                        return false;
                }
                if (!(has_brace(part) ? parameter(r, path, part, to, s) : word(r, path, part, s)))
                        return false;
                to->n_segments++;
        }
        to->text = oa_keep_text(r, path->key);
        return true;
}

/* ---- one path ---- */

static void no_servers(struct oa *r, const struct source_node *v, void *out)
{
        (void)out;
        lint_error(r->l, &v->key_mark,
                   "servers of its own: a package has one back-end (backend.yaml); make an API of "
                   "what is served elsewhere");
}

#define METHOD(word)                                                                               \
        {                                                                                          \
                word, oa_later, NULL                                                               \
        }
static const struct oa_field item_fields[] = {
        METHOD("get"),
        METHOD("head"),
        METHOD("post"),
        METHOD("put"),
        METHOD("patch"),
        METHOD("delete"),
        METHOD("options"),
        { "trace", NULL, "TRACE is not served: it answers with the caller's own credentials" },
        { "parameters", oa_later, NULL },
        { "x-object", oa_later, NULL },
        { "servers", no_servers, NULL },
        { "summary", NULL, NULL },
        { "description", NULL, NULL },
};
/* In the order of enum api_method. */
STATIC_ASSERT(API_METHODS == 7, "the first fields are the methods");

static void read_item(struct oa *r, const struct source_node *item, struct oa_path *path)
{
        struct oa_parameters shared = { .n = 0 };
        const struct source_node *list = source_get(item, "parameters");
        const struct oa_parameter **copy;

        oa_fields(r, item, "a path", item_fields, ARRAY_LEN(item_fields), NULL);
        if (item->kind != SOURCE_MAP)
                return;
        if (list)
                oa_add_parameters(r, list, path, &shared);
        copy = oa_scratch(r, shared.n, sizeof(const struct oa_parameter *));
        if (!copy)
                return;
        if (shared.n)
                memcpy(copy, shared.at, shared.n * sizeof(const struct oa_parameter *));
        path->parameters = copy;
        path->n_parameters = shared.n;
        path->object = source_get(item, "x-object");
        for (const struct source_node *m = item->child; m; m = m->next)
                for (unsigned i = 0; i < API_METHODS; i++)
                        if (span_eq_str(m->key, item_fields[i].name))
                                oa_operation(r, path, (enum api_method)i, m);
}

/* ---- all of them ---- */

/* A path with the names of its parameters left out. */
struct shape {
        struct span text;
        const struct source_node *path;
        unsigned methods; /* a bit for each */
};

static unsigned methods_of(const struct source_node *item)
{
        unsigned out = 0;

        for (unsigned i = 0; i < API_METHODS; i++)
                out |= source_get(item, item_fields[i].name) ? 1u << i : 0;
        return out;
}

static struct span shape_of(struct oa *r, const struct oa_path *path)
{
        uint8_t *out = oa_scratch(r, path->text.n + 1, 1);
        size_t n = 0;

        for (uint32_t i = 0; i < path->n_segments && out; i++) {
                const struct api_segment *s = &path->segments[i];

                out[n++] = '/';
                if (s->parameter) {
                        out[n++] = '{'; /* no word has one */
                } else {
                        memcpy(out + n, s->text.p, s->text.n);
                        n += s->text.n;
                }
        }
        return span_of(out, out ? n : 0);
}

/* Up to its next segment, which is returned. */
static struct span next_segment(struct span *rest)
{
        const uint8_t *end = rest->n > 1 ? memchr(rest->p + 1, '/', rest->n - 1) : NULL;
        struct span segment = span_of(rest->p, end ? (size_t)(end - rest->p) : rest->n);

        *rest = span_from(*rest, segment.n);
        return segment;
}

/* Does a request fit both, of which each is the narrower one somewhere?  /a/{x}/b and /a/c/{y}. */
static bool crosses(struct span a, struct span b)
{
        static const struct span any = SPAN_INIT("/{");
        bool wider_a = false, wider_b = false;

        while (a.n > 0 && b.n > 0) {
                struct span x = next_segment(&a), y = next_segment(&b);

                if (span_eq(x, y))
                        continue;
                if (!span_eq(x, any) && !span_eq(y, any))
                        return false;
                wider_a = wider_a || span_eq(x, any);
                wider_b = wider_b || span_eq(y, any);
        }
        return a.n == 0 && b.n == 0 && wider_a && wider_b;
}

/* Which of the two a back-end takes is not said anywhere.  One line for each path. */
static void check_crossing(struct oa *r, const struct shape *shapes, uint32_t n)
{
        enum { PATHS_MAX = 2000 }; /* each is held against each */

        for (uint32_t i = 1; i < MIN_OF(n, (uint32_t)PATHS_MAX); i++) {
                uint32_t k = 0;

                while (k < i && !((shapes[k].methods & shapes[i].methods) &&
                                  crosses(shapes[k].text, shapes[i].text)))
                        k++;
                if (k < i)
                        lint_warning(r->l, &shapes[i].path->key_mark,
                                     "a request can fit this path and \"%.*s\" in line %u, and "
                                     "the back-end may take it for the other one: policies of both "
                                     "should say the same",
                                     OA_NAME(shapes[k].path->key),
                                     (unsigned)shapes[k].path->key_mark.line);
        }
}

static int by_shape(const void *a, const void *b)
{
        const struct shape *x = a, *y = b;
        int c = span_cmp(x->text, y->text);

        return c ? c : oa_order(&x->path->key_mark, &y->path->key_mark);
}

static void check_shapes(struct oa *r, struct shape *shapes, uint32_t n)
{
        if (n > 0)
                qsort(shapes, n, sizeof *shapes, by_shape);
        for (uint32_t i = 1; i < n; i++)
                if (span_eq(shapes[i - 1].text, shapes[i].text))
                        lint_error(r->l, &shapes[i].path->key_mark,
                                   "this path and \"%.*s\" in line %u fit the same requests: put "
                                   "their operations under one",
                                   OA_NAME(shapes[i - 1].path->key),
                                   (unsigned)shapes[i - 1].path->key_mark.line);
}

void oa_paths(struct oa *r, const struct source_node *paths)
{
        struct shape *shapes;
        uint32_t n = 0;

        if (!oa_want_some(r, paths, SOURCE_MAP, API_OPERATIONS_MAX, "paths"))
                return;
        shapes = oa_scratch(r, paths->n, sizeof *shapes);
        for (const struct source_node *m = paths->child; m && shapes && r->rc == 0; m = m->next) {
                struct oa_path path = { 0 };
                const struct source_node *item;

                if (oa_is_extension(m->key))
                        continue;
                path.bad = !read_template(r, m, &path);
                item = oa_follow(r, m, "pathItems");
                if (!path.bad)
                        shapes[n++] = (struct shape){ shape_of(r, &path), m,
                                                      item ? methods_of(item) : 0 };
                if (item)
                        read_item(r, item, &path);
        }
        if (shapes && r->rc == 0) {
                check_crossing(r, shapes, n);
                check_shapes(r, shapes, n);
        }
}
