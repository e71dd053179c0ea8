/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_parameter.c - parameters of requests and headers of responses.  Floor 2, pure. */
#include "package/model/header_name.h"
#include "package/openapi/openapi_priv.h"

#include <ctype.h>

/* What is said of one; NULL: nothing. */
struct raw {
        const struct source_node *name, *in, *required, *style, *explode, *schema, *content;
};

static struct raw raw_of(const struct source_node *node)
{
        return (struct raw){
                source_get(node, "name"),     source_get(node, "in"),
                source_get(node, "required"), source_get(node, "style"),
                source_get(node, "explode"),  source_get(node, "schema"),
                source_get(node, "content"),
        };
}

static void empty_value(struct oa *r, const struct source_node *v, void *out)
{
        bool set = false;

        (void)out;
        if (oa_want_bool(r, v, &set) && set)
                oa_note(r, OA_NOTE_EMPTY, SPAN_NONE, &v->key_mark);
}

static void reserved(struct oa *r, const struct source_node *v, void *out)
{
        bool set = false;

        (void)out;
        if (oa_want_bool(r, v, &set) && set)
                oa_note(r, OA_NOTE_RESERVED, SPAN_NONE, &v->key_mark);
}

static const struct oa_field parameter_fields[] = {
        { "name", oa_later, NULL },
        { "in", oa_later, NULL },
        { "required", oa_later, NULL },
        { "style", oa_later, NULL },
        { "explode", oa_later, NULL },
        { "schema", oa_later, NULL },
        { "content", oa_later, NULL },
        { "allowEmptyValue", empty_value, NULL },
        { "allowReserved", reserved, NULL },
        { "description", NULL, NULL },
        { "deprecated", NULL, NULL },
        { "example", NULL, NULL },
        { "examples", NULL, NULL },
        { "type", NULL, "a type stands in the \"schema\" of a parameter: schema: {type: string}" },
};

static const struct oa_field header_fields[] = {
        { "required", oa_later, NULL },
        { "style", oa_later, NULL },
        { "explode", oa_later, NULL },
        { "schema", oa_later, NULL },
        { "content", oa_later, NULL },
        { "description", NULL, NULL },
        { "deprecated", NULL, NULL },
        { "example", NULL, NULL },
        { "examples", NULL, NULL },
        { "name", NULL, "the name of a header is its key, there is no \"name\"" },
        { "in", NULL, "a header of a response has no \"in\"" },
        { "type", NULL, "a type stands in the \"schema\" of a header: schema: {type: string}" },
};

/* ---- names ---- */

static struct span lower(struct oa *r, struct span name)
{
        uint8_t *p = oa_keep(r, name.n, 1);

        for (size_t i = 0; i < name.n && p; i++)
                p[i] = (uint8_t)tolower(name.p[i]);
        return p ? span_of(p, name.n) : SPAN_NONE;
}

/* What a caller may not send is said to be none; of what a back-end answers it is passed over. */
static void judge_header(struct oa *r, const struct source_mark *at, struct span name, bool request,
                         struct oa_parameter *p)
{
        enum header_rule rule = header_name_rule(p->p.name);

        if (!request) {
                p->ignored = rule == HEADER_CONNECTION || span_eq_str(p->p.name, "content-type");
        } else if (rule == HEADER_COOKIE) {
                lint_error(r->l, at, "a cookie is a parameter of its own: in: cookie");
        } else if (rule == HEADER_CONNECTION) {
                lint_error(r->l, at,
                           "\"%.*s\" is made by the gateway, it is no parameter: leave it out",
                           OA_NAME(name));
        } else if (rule == HEADER_CALLER) {
                lint_error(r->l, at,
                           "\"%.*s\" tells servers who calls or what is asked for, which is not "
                           "the caller's to say: leave it out",
                           OA_NAME(name));
        } else {
                p->ignored = rule != HEADER_FREE;
        }
        if (p->ignored)
                oa_note(r, rule == HEADER_OWN ? OA_NOTE_OWN_HEADER : OA_NOTE_HEADER, p->p.name, at);
}

static void header_name(struct oa *r, const struct source_mark *at, struct span name, bool request,
                        struct oa_parameter *p)
{
        p->p.name = lower(r, name);
        if (header_name_ok(name))
                judge_header(r, at, name, request, p);
        else
                lint_error(r->l, at, "\"%.*s\" is no name of a header", OA_NAME(name));
}

static void parameter_name(struct oa *r, const struct source_node *v, struct oa_parameter *p)
{
        struct span name = SPAN_NONE;

        if (!oa_want_text(r, v, API_NAME_MAX, &name))
                return;
        if (p->p.in == API_IN_HEADER) {
                header_name(r, &v->mark, name, true, p);
                return;
        }
        if (p->p.in == API_IN_COOKIE && !header_name_ok(name))
                lint_error(r->l, &v->mark, "\"%.*s\" is no name of a cookie", OA_NAME(name));
        p->p.name = oa_keep_text(r, name);
}

/* ---- where and how ---- */

static bool place(struct oa *r, const struct source_node *v, enum api_place *ret)
{
        static const enum api_place places[] = { API_IN_PATH, API_IN_QUERY, API_IN_HEADER,
                                                 API_IN_COOKIE };

        if (!oa_want(r, v, SOURCE_STRING))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(places); i++)
                if (span_eq_str(v->text, api_place_name(places[i])))
                        return *ret = places[i], true;
        lint_error(r->l, &v->mark,
                   span_eq_str(v->text, "body") || span_eq_str(v->text, "formData")
                           ? "\"%.*s\" is of Swagger 2.0: a body is the \"requestBody\" of its "
                             "operation"
                           : "\"%.*s\" is none of path, query, header and cookie",
                   OA_NAME(v->text));
        return false;
}

static void style(struct oa *r, const struct raw *raw, struct oa_parameter *p)
{
        bool form = p->p.in == API_IN_QUERY || p->p.in == API_IN_COOKIE;
        const char *wanted = form ? "form" : "simple";

        p->p.explode = form;
        if (raw->style && oa_want(r, raw->style, SOURCE_STRING) &&
            !span_eq_str(raw->style->text, wanted))
                lint_error(r->l, &raw->style->mark,
                           "style \"%.*s\" is not understood: in the %s it is \"%s\"%s",
                           OA_NAME(raw->style->text), api_place_name(p->p.in), wanted,
                           span_eq_str(raw->style->text, "deepObject")
                                   ? "; make a parameter of each member, named \"filter[from]\""
                                   : "");
        if (raw->explode && oa_want_bool(r, raw->explode, &p->p.explode))
                p->p.explode &= form;
}

static void schema(struct oa *r, const struct raw *raw, struct oa_parameter *p, const char *what)
{
        p->p.schema = API_NONE;
        if (raw->content)
                lint_error(r->l, &raw->content->key_mark,
                           "\"content\" of a %s is not understood: give it a \"schema\" of a "
                           "string, number or boolean, or send it in the body",
                           what);
        else if (!raw->schema)
                lint_error(r->l, &p->mark, "there is no \"schema\" for this %s", what);
        else
                p->p.schema = oa_schema(r, raw->schema);
        p->bad = p->p.schema == API_NONE;
}

static void required(struct oa *r, const struct raw *raw, struct oa_parameter *p)
{
        if (raw->required)
                p->bad |= !oa_want_bool(r, raw->required, &p->p.required);
        if (p->p.in == API_IN_PATH && !p->p.required && !p->bad)
                oa_refuse(r, raw->required ? &raw->required->mark : &p->mark,
                          "a parameter in the path says required: true");
}

/* ---- one ---- */

static struct oa_parameter *new_parameter(struct oa *r, const struct source_node *node)
{
        struct oa_parameter *p = oa_scratch(r, 1, sizeof *p);

        if (!p)
                return NULL;
        p->mark = node->mark;
        p->next = r->parameters;
        r->parameters = p;
        return p;
}

static void read_parameter(struct oa *r, const struct source_node *node, struct oa_parameter *p)
{
        struct raw raw = raw_of(node);

        oa_fields(r, node, "a parameter", parameter_fields, ARRAY_LEN(parameter_fields), NULL);
        p->bad = true;
        if (node->kind != SOURCE_MAP)
                return;
        if (!raw.name)
                lint_error(r->l, &node->mark, "there is no \"name\" for this parameter");
        if (!raw.in)
                lint_error(r->l, &node->mark, "there is no \"in\" for this parameter");
        if (!raw.in || !raw.name || !place(r, raw.in, &p->p.in))
                return;
        p->mark = raw.name->mark;
        parameter_name(r, raw.name, p);
        style(r, &raw, p);
        if (!p->ignored)
                schema(r, &raw, p, "parameter");
        required(r, &raw, p);
}

const struct oa_parameter *oa_parameter(struct oa *r, const struct source_node *node)
{
        const struct source_node *at = oa_follow(r, node, "parameters");
        uintptr_t *memo = at ? oa_memo(r, OA_PARAMETER, at) : NULL;
        struct oa_parameter *p = memo ? (struct oa_parameter *)*memo : NULL;

        if (memo && !p) {
                p = new_parameter(r, at);
                if (!p)
                        return NULL;
                *memo = (uintptr_t)p;
                read_parameter(r, at, p);
        }
        return p && p->p.name.n ? p : NULL;
}

static void read_header(struct oa *r, const struct source_node *node, struct oa_parameter *p)
{
        struct raw raw = raw_of(node);

        p->p.in = API_IN_HEADER;
        oa_fields(r, node, "a header", header_fields, ARRAY_LEN(header_fields), NULL);
        style(r, &raw, p);
        schema(r, &raw, p, "header");
        required(r, &raw, p);
}

/* Its name is its key where it is used: what is remembered has none. */
const struct oa_parameter *oa_header(struct oa *r, const struct source_node *node)
{
        const struct source_node *at = oa_follow(r, node, "headers");
        uintptr_t *memo = at ? oa_memo(r, OA_HEADER, at) : NULL;
        struct oa_parameter *p = memo ? (struct oa_parameter *)*memo : NULL, *named;

        if (memo && !p) {
                p = new_parameter(r, at);
                if (!p)
                        return NULL;
                *memo = (uintptr_t)p;
                read_header(r, at, p);
        }
        named = p ? oa_scratch(r, 1, sizeof *named) : NULL;
        if (!named)
                return NULL;
        *named = *p;
        if (node->key.n > API_NAME_MAX)
                lint_error(r->l, &node->key_mark, "a name of more than %d bytes", API_NAME_MAX);
        else
                header_name(r, &node->key_mark, node->key, false, named);
        return named->p.name.n ? named : NULL;
}

/* ---- types, when all schemas were read ---- */

/* What a text can be: one of these, and not two. */
static bool is_scalar(uint32_t types)
{
        types &= ~(uint32_t)API_NULL;
        return types == API_STRING || types == API_BOOL || types == API_INTEGER ||
               types == API_NUMBER || types == (API_INTEGER | API_NUMBER);
}

static void check_types(struct oa *r, const struct oa_parameter *p)
{
        uint32_t types = oa_types(r, p->p.schema) & ~(uint32_t)API_NULL;

        if (is_scalar(types))
                return;
        if (types == API_ARRAY && !is_scalar(oa_item_types(r, p->p.schema)))
                oa_refuse(r, &p->mark,
                          "items of this array are to be of one type: string, integer, number or "
                          "boolean");
        else if (types == API_ARRAY && p->p.in == API_IN_COOKIE && p->p.explode)
                lint_error(r->l, &p->mark, "an array in a cookie says explode: false");
        else if (types == API_OBJECT)
                oa_refuse(r, &p->mark,
                          "this is an object: make a parameter of each of its members, or send it "
                          "in the body");
        else if (types == 0)
                lint_error(r->l, &p->mark, "no value fits the schema of this");
        else if (types != API_ARRAY)
                oa_refuse(r, &p->mark,
                          "the schema of this is to say one type: string, integer, number, "
                          "boolean, or an array of one of these; what is sent is only text");
}

void oa_check_parameters(struct oa *r)
{
        for (const struct oa_parameter *p = r->parameters; p; p = p->next)
                if (!p->bad && !p->ignored && r->rc == 0)
                        check_types(r, p);
}
