/* SPDX-License-Identifier: Apache-2.0 */
/* compare_operation.c - operations of two packages, their parameters, bodies and answers.
 * Floor 2, pure. */
#include "package/compare/compare_priv.h"

#include <stdarg.h>
#include <stdio.h>

enum { NAME_BYTES = 192, LIST_BYTES = 256 };

/* One operation that both have. */
struct both {
        struct comparer *c;
        const struct api_operation *a, *b;
};

static void tell(const struct both *o, unsigned effect, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void tell(const struct both *o, unsigned effect, const char *fmt, ...)
{
        char text[COMPARE_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        compare_add(o->c, COMPARE_OPERATION, COMPARE_CHANGED, effect, o->a->id, "%s", text);
}

static void schemas(const struct both *o, const char *where, unsigned use, uint32_t a, uint32_t b)
{
        const struct compare_where w = { COMPARE_OPERATION, o->a->id, where, use };

        compare_schemas(o->c, &w, a, b);
}

/* ---- parameters ---- */

static void call_parameter(const struct api_parameter *p, char out[NAME_BYTES])
{
        snprintf(out, NAME_BYTES, "%s.%.*s", api_place_name(p->in), SHOWN(p->name));
}

/* As they are in order: by place, then by name. */
static int order_of(const struct api_parameter *a, const struct api_parameter *b)
{
        return a->in != b->in ? (a->in > b->in) - (a->in < b->in) : span_cmp(a->name, b->name);
}

static void compare_parameter(const struct both *o, const struct api_parameter *a,
                              const struct api_parameter *b)
{
        char name[NAME_BYTES];

        call_parameter(a, name);
        if (a->required != b->required)
                tell(o, b->required ? COMPARE_BREAKS : COMPARE_NOTHING, "parameter %s is %s", name,
                     b->required ? "required now" : "not required any more");
        if (a->explode != b->explode)
                tell(o, COMPARE_BREAKS, "parameter %s is written in another way: explode %s", name,
                     b->explode ? "true" : "false");
        schemas(o, name, COMPARE_REQUEST, a->schema, b->schema);
}

static void compare_parameters(const struct both *o)
{
        uint32_t i = 0, k = 0;
        char name[NAME_BYTES];

        while (i < o->a->n_parameters || k < o->b->n_parameters) {
                const struct api_parameter *a = &o->a->parameters[i], *b = &o->b->parameters[k];
                int order = i == o->a->n_parameters   ? 1
                            : k == o->b->n_parameters ? -1
                                                      : order_of(a, b);

                if (order == 0)
                        compare_parameter(o, a, b);
                if (order < 0) {
                        call_parameter(a, name);
                        tell(o, COMPARE_BREAKS, "no parameter %s any more", name);
                }
                if (order > 0) {
                        call_parameter(b, name);
                        tell(o, b->required ? COMPARE_BREAKS : COMPARE_NOTHING,
                             "new %sparameter %s", b->required ? "required " : "", name);
                }
                i += order <= 0;
                k += order >= 0;
        }
}

/* ---- bodies ---- */

static struct span media_name(const void *list, size_t i)
{
        return ((const struct api_media *)list)[i].type;
}

/* where: "body" or "200 body". */
static void compare_media(const struct both *o, const char *where, unsigned use,
                          const struct api_media *a, uint32_t n_a, const struct api_media *b,
                          uint32_t n_b)
{
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a, n_a, b, n_b, media_name, &at, &p)) {
                if (p.a == SIZE_MAX)
                        tell(o, COMPARE_NOTHING, "%s may be %.*s as well", where,
                             SHOWN(b[p.b].type));
                else if (p.b == SIZE_MAX)
                        tell(o, COMPARE_BREAKS, "%s is no %.*s any more", where,
                             SHOWN(a[p.a].type));
                else
                        schemas(o, where, use, a[p.a].schema, b[p.b].schema);
        }
}

static void compare_request(const struct both *o)
{
        const struct api_body *a = o->a->request, *b = o->b->request;

        if (!a && !b)
                return;
        if (!a) {
                tell(o, b->required ? COMPARE_BREAKS : COMPARE_NOTHING, "a body is %s now",
                     b->required ? "required" : "taken");
                return;
        }
        if (!b) {
                tell(o, COMPARE_BREAKS, "no body is taken any more");
                return;
        }
        if (a->required != b->required)
                tell(o, b->required ? COMPARE_BREAKS : COMPARE_NOTHING, "a body is %s",
                     b->required ? "required now" : "not required any more");
        compare_media(o, "body", COMPARE_REQUEST, a->media, a->n_media, b->media, b->n_media);
}

/* ---- answers ---- */

static void call_status(uint16_t status, char out[16])
{
        if (status == 0)
                snprintf(out, 16, "default");
        else if (status < 10)
                snprintf(out, 16, "%uXX", (unsigned)status);
        else
                snprintf(out, 16, "%u", (unsigned)status);
}

static struct span header_name(const void *list, size_t i)
{
        return ((const struct api_parameter *)list)[i].name;
}

static void compare_headers(const struct both *o, const char *status, const struct api_response *a,
                            const struct api_response *b)
{
        struct compare_pair at = { 0, 0 }, p;
        char where[NAME_BYTES];

        while (compare_next(a->headers, a->n_headers, b->headers, b->n_headers, header_name, &at,
                            &p)) {
                if (p.a == SIZE_MAX) {
                        tell(o, COMPARE_NOTHING, "%s has a header %.*s as well", status,
                             SHOWN(b->headers[p.b].name));
                        continue;
                }
                if (p.b == SIZE_MAX) {
                        tell(o, COMPARE_BREAKS, "%s has no header %.*s any more", status,
                             SHOWN(a->headers[p.a].name));
                        continue;
                }
                snprintf(where, sizeof where, "%s %.*s", status, SHOWN(a->headers[p.a].name));
                schemas(o, where, COMPARE_ANSWER, a->headers[p.a].schema, b->headers[p.b].schema);
        }
}

static void compare_response(const struct both *o, const struct api_response *a,
                             const struct api_response *b)
{
        char status[16], where[NAME_BYTES];

        call_status(a->status, status);
        snprintf(where, sizeof where, "%s body", status);
        compare_media(o, where, COMPARE_ANSWER, a->media, a->n_media, b->media, b->n_media);
        compare_headers(o, status, a, b);
}

static void compare_responses(const struct both *o)
{
        uint32_t i = 0, k = 0;
        char status[16];

        while (i < o->a->n_responses || k < o->b->n_responses) {
                const struct api_response *a = &o->a->responses[i], *b = &o->b->responses[k];
                bool old =
                        k == o->b->n_responses || (i < o->a->n_responses && a->status < b->status);
                bool new =
                        i == o->a->n_responses || (k < o->b->n_responses && b->status < a->status);

                if (old || new) {
                        call_status(old ? a->status : b->status, status);
                        tell(o, old ? COMPARE_BREAKS : COMPARE_NOTHING,
                             old ? "no answer %s any more" : "may answer %s", status);
                } else {
                        compare_response(o, a, b);
                }
                i += !new;
                k += !old;
        }
}

/* ---- lists of names ---- */

struct names {
        const struct api *api;
        const uint32_t *at;
};

static struct span class_name(const void *list, size_t i)
{
        const struct names *n = list;

        return n->api->classes[n->at[i]];
}

static void compare_reads(const struct both *o)
{
        const struct names a = { o->c->a->api, o->a->reads }, b = { o->c->b->api, o->b->reads };
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(&a, o->a->n_reads, &b, o->b->n_reads, class_name, &at, &p)) {
                if (p.a == SIZE_MAX)
                        tell(o, COMPARE_WIDENS, "may answer with %.*s now",
                             SHOWN(class_name(&b, p.b)));
                if (p.b == SIZE_MAX)
                        tell(o, COMPARE_NOTHING, "does not answer with %.*s any more",
                             SHOWN(class_name(&a, p.a)));
        }
}

static struct span tag_name(const void *list, size_t i)
{
        return ((const struct span *)list)[i];
}

/* What policies say of a tag counts, or counts no longer. */
static void compare_tags(const struct both *o)
{
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(o->a->tags, o->a->n_tags, o->b->tags, o->b->n_tags, tag_name, &at,
                            &p)) {
                if (p.a == SIZE_MAX)
                        tell(o, COMPARE_EITHER, "tag %.*s added, and what policies say of it",
                             SHOWN(o->b->tags[p.b]));
                if (p.b == SIZE_MAX)
                        tell(o, COMPARE_EITHER, "tag %.*s removed, and what policies say of it",
                             SHOWN(o->a->tags[p.a]));
        }
}

/* ---- who is let in, and about what ---- */

/* "token and partner"; nobody has to show anything where it is empty. */
static void call_security(const struct api *api, const struct api_security *s, char out[LIST_BYTES])
{
        size_t n = 0;

        snprintf(out, LIST_BYTES, "nothing");
        for (uint32_t i = 0; i < s->n && n < LIST_BYTES - 1; i++)
                n += (size_t)snprintf(out + n, LIST_BYTES - n, "%s%.*s", i ? " and " : "",
                                      SHOWN(api->identities[s->schemes[i]].name));
}

static bool same_security(const struct api *x, const struct api_security *a, const struct api *y,
                          const struct api_security *b)
{
        if (a->n != b->n)
                return false;
        for (uint32_t i = 0; i < a->n; i++)
                if (!span_eq(x->identities[a->schemes[i]].name, y->identities[b->schemes[i]].name))
                        return false;
        return true;
}

/* Ways of one that the other has not. */
static void tell_security(const struct both *o, const struct api *x, const struct api_operation *a,
                          const struct api *y, const struct api_operation *b, unsigned effect,
                          const char *what)
{
        char text[LIST_BYTES];

        for (uint32_t i = 0; i < a->n_security; i++) {
                uint32_t k = 0;

                while (k < b->n_security && !same_security(x, &a->security[i], y, &b->security[k]))
                        k++;
                if (k < b->n_security)
                        continue;
                call_security(x, &a->security[i], text);
                tell(o, effect, "%s %s", what, text);
        }
}

static void compare_security(const struct both *o)
{
        const struct api *x = o->c->a->api, *y = o->c->b->api;

        if (o->a->n_security && !o->b->n_security)
                tell(o, COMPARE_WIDENS, "anybody is let in now");
        if (!o->a->n_security && o->b->n_security)
                tell(o, COMPARE_BREAKS, "not anybody is let in any more");
        tell_security(o, y, o->b, x, o->a, COMPARE_WIDENS, "lets in who shows");
        tell_security(o, x, o->a, y, o->b, COMPARE_BREAKS, "does not let in any more who shows");
}

static void call_object(const struct api_operation *o, char out[NAME_BYTES])
{
        char name[NAME_BYTES] = "";

        if (o->object.parameter < o->n_parameters)
                call_parameter(&o->parameters[o->object.parameter], name);
        if (o->object.type.n == 0)
                snprintf(out, NAME_BYTES, "the API");
        else
                snprintf(out, NAME_BYTES, "%.*s by %.100s", SHOWN(o->object.type), name);
}

static void compare_object(const struct both *o)
{
        char a[NAME_BYTES], b[NAME_BYTES];

        call_object(o->a, a);
        call_object(o->b, b);
        if (strcmp(a, b) != 0)
                tell(o, COMPARE_EITHER, "is about %s, was about %s", b, a);
}

static bool same_path(const struct api_operation *a, const struct api_operation *b)
{
        if (a->n_segments != b->n_segments)
                return false;
        for (uint32_t i = 0; i < a->n_segments; i++)
                if (a->segments[i].parameter != b->segments[i].parameter ||
                    (!a->segments[i].parameter &&
                     !span_eq(a->segments[i].text, b->segments[i].text)))
                        return false;
        return true;
}

static void compare_both(const struct both *o)
{
        if (o->a->method != o->b->method || !same_path(o->a, o->b))
                tell(o, COMPARE_BREAKS, "is %s %.*s, was %s %.*s", api_method_name(o->b->method),
                     SHOWN(o->b->path), api_method_name(o->a->method), SHOWN(o->a->path));
        compare_object(o);
        compare_tags(o);
        compare_security(o);
        compare_parameters(o);
        compare_request(o);
        compare_responses(o);
        compare_reads(o);
}

static struct span operation_name(const void *list, size_t i)
{
        return ((const struct api_operation *)list)[i].id;
}

static void remove_operation(struct comparer *c, const struct api_operation *o)
{
        char was[NAME_BYTES];

        snprintf(was, sizeof was, "%s %.*s", api_method_name(o->method), SHOWN(o->path));
        compare_add_was(c, COMPARE_OPERATION, COMPARE_REMOVED, COMPARE_BREAKS, o->id, SPAN_NONE,
                        span_str(was));
}

void compare_operations(struct comparer *c)
{
        const struct api *a = c->a->api, *b = c->b->api;
        struct compare_pair at = { 0, 0 }, p;

        while (compare_next(a->operations, a->n_operations, b->operations, b->n_operations,
                            operation_name, &at, &p)) {
                const struct api_operation *x = p.a == SIZE_MAX ? NULL : &a->operations[p.a];
                const struct api_operation *y = p.b == SIZE_MAX ? NULL : &b->operations[p.b];

                assert(x || y);
                if (!x)
                        compare_add(c, COMPARE_OPERATION, COMPARE_ADDED, COMPARE_WIDENS, y->id,
                                    "%s %.*s", api_method_name(y->method), SHOWN(y->path));
                else if (!y)
                        remove_operation(c, x);
                else
                        compare_both(&(struct both){ c, x, y });
        }
}
