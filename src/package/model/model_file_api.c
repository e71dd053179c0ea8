/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_api.c - how an API is spelled in a package, member by member.  Floor 2, pure. */
#include "package/model/model_file_shape.h"

#include "policy/schema/decl.h"

enum { STATUS_MAX = 599 };

/* ---- texts ---- */

static bool name_ok(struct span s)
{
        return s.n > 0 && s.n <= API_NAME_MAX;
}

static bool id_ok(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
                    !(s.p[i] >= '0' && s.p[i] <= '9') && !memchr("_.-", s.p[i], 3))
                        return false;
        return name_ok(s);
}

/* [a-z][a-z0-9-]* between dots. */
static bool class_ok(struct span s)
{
        bool first = true;

        for (size_t i = 0; i < s.n; i++) {
                bool letter = s.p[i] >= 'a' && s.p[i] <= 'z';
                bool other = (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '-';

                if (first ? !letter : !letter && !other && s.p[i] != '.')
                        return false;
                first = s.p[i] == '.';
        }
        return !first && name_ok(s);
}

static bool path_ok(struct span s)
{
        return s.n > 0 && s.n <= API_PATH_MAX && s.p[0] == '/';
}

static bool media_ok(struct span s)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] <= ' ' || s.p[i] > '~' || (s.p[i] >= 'A' && s.p[i] <= 'Z'))
                        return false;
        return name_ok(s) && memchr(s.p, '/', s.n);
}

/* Of Cedar, and not one with a meaning of its own. */
static bool entity_ok(struct span s)
{
        static const char *const taken[] = { "Api", "DataClass", "Action" };

        for (size_t i = 0; i < ARRAY_LEN(taken); i++)
                if (span_eq_str(s, taken[i]))
                        return false;
        return s.n <= API_NAME_MAX && decl_is_path(s) && !decl_is_reserved(s);
}

/* As RFC 8259 spells one. */
static bool number_ok(struct span s)
{
        struct arena arena = ARENA_INIT(0); /* no number takes any */
        struct tree t;
        bool ok = s.n > 0 && (s.p[0] == '-' || (s.p[0] >= '0' && s.p[0] <= '9')) &&
                  s.p[s.n - 1] >= '0' && s.p[s.n - 1] <= '9' &&
                  tree_read_real(s, 1, &arena, &t, NULL) == 0;

        arena_done(&arena);
        return ok;
}

static bool above_zero(struct span s)
{
        if (!number_ok(s) || s.p[0] == '-')
                return false;
        for (size_t i = 0; i < s.n && (s.p[i] | 0x20) != 'e'; i++)
                if (s.p[i] >= '1' && s.p[i] <= '9')
                        return true;
        return false;
}

static const struct model_text name_text = { name_ok, "no name of 1 to 128 bytes" },
                               id_text = { id_ok,
                                           "no operationId: 1 to 128 letters, digits and _.-" },
                               class_text = { class_ok, "no data class" },
                               path_text = { path_ok, "no path" },
                               media_text = { media_ok, "no media type" },
                               entity_text = { entity_ok, "no entity type" },
                               number_text = { number_ok, "no number" },
                               positive_text = { above_zero, "no number above 0" };

/* ---- names of values ---- */

static const char *method_name(unsigned v)
{
        return v < API_METHODS ? api_method_name((enum api_method)v) : NULL;
}

static const char *place_name(unsigned v)
{
        return v <= API_IN_COOKIE ? api_place_name((enum api_place)v) : NULL;
}

static const char *format_name(unsigned v)
{
        if (v == API_FORMAT_NONE)
                return "none"; /* what it is without being said */
        return v < API_FORMATS ? api_format_name((enum api_format)v) : NULL;
}

static const char *type_name(unsigned bit)
{
        static const char *const names[] = { "null",   "boolean", "integer", "number",
                                             "string", "array",   "object" };

        STATIC_ASSERT((1u << ARRAY_LEN(names)) - 1 == API_ANY, "");
        return bit < ARRAY_LEN(names) ? names[bit] : NULL;
}

static const char *identity_name(unsigned v)
{
        static const char *const names[] = {
                [API_IDENTITY_BEARER] = "bearer",
                [API_IDENTITY_BASIC] = "basic",
                [API_IDENTITY_MUTUAL] = "mutual",
        };

        return v < ARRAY_LEN(names) ? names[v] : NULL;
}

/* ---- orders ---- */

static int by_property(const void *x, const void *y)
{
        const struct api_property *a = x, *b = y;

        return span_cmp(a->name, b->name);
}

static int by_dependent(const void *x, const void *y)
{
        const struct api_dependent *a = x, *b = y;

        return span_cmp(a->name, b->name);
}

static int by_identity(const void *x, const void *y)
{
        const struct api_identity *a = x, *b = y;

        return span_cmp(a->name, b->name);
}

static int by_parameter(const void *x, const void *y)
{
        const struct api_parameter *a = x, *b = y;

        return a->in != b->in ? (a->in > b->in) - (a->in < b->in) : span_cmp(a->name, b->name);
}

static int by_media(const void *x, const void *y)
{
        const struct api_media *a = x, *b = y;

        return span_cmp(a->type, b->type);
}

static int by_status(const void *x, const void *y)
{
        const struct api_response *a = x, *b = y;

        return (a->status > b->status) - (a->status < b->status);
}

static int by_id(const void *x, const void *y)
{
        const struct api_operation *a = x, *b = y;

        return span_cmp(a->id, b->id);
}

/* ---- schemas ---- */

#define T struct api_property
static const T property_default = { .schema = API_NONE };
static const struct model_field property_fields[] = {
        { MODEL_FIELD(T, "name", MODEL_TEXT, name), .always = true },
        { MODEL_FIELD(T, "required", MODEL_BOOL, required) },
        { MODEL_FIELD(T, "schema", MODEL_PLACE, schema), .place = MODEL_OF_SCHEMAS },
};
static MODEL_SHAPE(T, property, NULL);
#undef T

#define T struct api_pattern_property
static const T pattern_default = { .schema = API_NONE };
static const struct model_field pattern_fields[] = {
        { MODEL_FIELD(T, "pattern", MODEL_TEXT, pattern), .always = true },
        { MODEL_FIELD(T, "schema", MODEL_PLACE, schema), .place = MODEL_OF_SCHEMAS,
          .always = true },
};
static MODEL_SHAPE(T, pattern, NULL);
#undef T

#define T struct api_dependent
static const T dependent_default = { .schema = API_NONE };
static const struct model_field dependent_fields[] = {
        { MODEL_FIELD(T, "name", MODEL_TEXT, name), .always = true },
        { MODEL_COUNTED(T, "required", MODEL_TEXTS, required, n_required, API_PROPERTIES_MAX) },
        { MODEL_FIELD(T, "schema", MODEL_PLACE, schema), .place = MODEL_OF_SCHEMAS },
};
static MODEL_SHAPE(T, dependent, NULL);
#undef T

#define T struct api_schema
#define SCHEMA(key, member)                                                                        \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_PLACE, member), .place = MODEL_OF_SCHEMAS                \
        }
#define SCHEMAS(key, member)                                                                       \
        {                                                                                          \
                MODEL_COUNTED(T, key, MODEL_PLACES, member.at, member.n, API_SCHEMAS_MAX),         \
                        .place = MODEL_OF_SCHEMAS                                                  \
        }
#define LENGTH(key, member)                                                                        \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_NUMBER, member), .max = UINT64_MAX                       \
        }
#define LIMIT(key, member, text_)                                                                  \
        {                                                                                          \
                MODEL_FIELD(T, key, MODEL_TEXT, member), .max = TREE_REAL_MAX, .text = &(text_)    \
        }
static const struct model_field schema_fields[] = {
        LIMIT("above", above, number_text),
        SCHEMA("additional", additional),
        SCHEMAS("all_of", all_of),
        SCHEMAS("any_of", any_of),
        LIMIT("below", below, number_text),
        { MODEL_FIELD(T, "class", MODEL_TEXT, data_class), .text = &class_text },
        SCHEMA("contains", contains),
        { MODEL_COUNTED(T, "dependents", MODEL_LIST, dependents, n_dependents, API_PROPERTIES_MAX),
          .shape = &dependent_shape, .order = by_dependent },
        SCHEMA("else", else_of),
        { MODEL_FIELD(T, "format", MODEL_ENUM, format), .name = format_name },
        SCHEMA("if", if_of),
        SCHEMA("items", items),
        LENGTH("max_contains", max_contains),
        LENGTH("max_items", max_items),
        LENGTH("max_length", max_length),
        LENGTH("max_properties", max_properties),
        LIMIT("maximum", maximum, number_text),
        LENGTH("min_contains", min_contains),
        LENGTH("min_items", min_items),
        LENGTH("min_length", min_length),
        LENGTH("min_properties", min_properties),
        LIMIT("minimum", minimum, number_text),
        LIMIT("multiple_of", multiple_of, positive_text),
        { MODEL_FIELD(T, "name", MODEL_TEXT, name), .max = API_NAME_MAX },
        SCHEMA("names", names),
        { MODEL_FIELD(T, "never", MODEL_BOOL, never) },
        SCHEMA("not", not_of),
        SCHEMAS("one_of", one_of),
        { MODEL_FIELD(T, "pattern", MODEL_TEXT, pattern) },
        { MODEL_COUNTED(T, "patterns", MODEL_LIST, patterns, n_patterns, API_PROPERTIES_MAX),
          .shape = &pattern_shape },
        SCHEMAS("prefix", prefix_items),
        { MODEL_COUNTED(T, "properties", MODEL_LIST, properties, n_properties, API_PROPERTIES_MAX),
          .shape = &property_shape, .order = by_property },
        SCHEMA("ref", ref),
        SCHEMA("then", then_of),
        { MODEL_FIELD(T, "types", MODEL_FLAGS, types), .name = type_name },
        SCHEMA("unevaluated_items", unevaluated_items),
        SCHEMA("unevaluated_properties", unevaluated_properties),
        { MODEL_FIELD(T, "unique", MODEL_BOOL, unique) },
        { MODEL_COUNTED(T, "values", MODEL_VALUES, values, n_values, API_VALUES_MAX) },
};
static const struct model_shape schema_shape = { sizeof(T), &api_schema_any, schema_fields,
                                                 ARRAY_LEN(schema_fields), model_check_schema };
#undef T

/* ---- requests and responses ---- */

#define T struct api_segment
static const T segment_default = { .parameter = false };
static const struct model_field segment_fields[] = {
        { MODEL_FIELD(T, "parameter", MODEL_BOOL, parameter) },
        { MODEL_FIELD(T, "text", MODEL_TEXT, text), .always = true },
};
static MODEL_SHAPE(T, segment, NULL);
#undef T

#define T struct api_parameter
static const T parameter_default = { .schema = API_NONE };
static const struct model_field parameter_fields[] = {
        { MODEL_FIELD(T, "explode", MODEL_BOOL, explode) },
        { MODEL_FIELD(T, "in", MODEL_ENUM, in), .name = place_name, .always = true },
        { MODEL_FIELD(T, "name", MODEL_TEXT, name), .text = &name_text, .always = true },
        { MODEL_FIELD(T, "required", MODEL_BOOL, required) },
        { MODEL_FIELD(T, "schema", MODEL_PLACE, schema), .place = MODEL_OF_SCHEMAS,
          .always = true },
};
static MODEL_SHAPE(T, parameter, model_check_parameter);
#undef T

#define T struct api_media
static const T media_default = { .schema = API_NONE };
static const struct model_field media_fields[] = {
        { MODEL_FIELD(T, "json", MODEL_BOOL, json) },
        { MODEL_FIELD(T, "schema", MODEL_PLACE, schema), .place = MODEL_OF_SCHEMAS },
        { MODEL_FIELD(T, "type", MODEL_TEXT, type), .text = &media_text, .always = true },
};
static MODEL_SHAPE(T, media, model_check_media);
#undef T

#define T struct api_body
static const T body_default = { .required = false };
static const struct model_field body_fields[] = {
        { MODEL_COUNTED(T, "media", MODEL_LIST, media, n_media, API_MEDIA_MAX),
          .shape = &media_shape, .order = by_media },
        { MODEL_FIELD(T, "required", MODEL_BOOL, required) },
};
static MODEL_SHAPE(T, body, model_check_body);
#undef T

#define T struct api_response
static const T response_default = { .status = 0 };
static const struct model_field response_fields[] = {
        { MODEL_COUNTED(T, "headers", MODEL_LIST, headers, n_headers, API_HEADERS_MAX),
          .shape = &parameter_shape, .order = by_parameter },
        { MODEL_COUNTED(T, "media", MODEL_LIST, media, n_media, API_MEDIA_MAX),
          .shape = &media_shape, .order = by_media },
        { MODEL_FIELD(T, "status", MODEL_NUMBER, status), .max = STATUS_MAX, .always = true },
};
static MODEL_SHAPE(T, response, model_check_response);
#undef T

#define T struct api_object
static const T object_default = { .parameter = API_NONE };
static const struct model_field object_fields[] = {
        { MODEL_FIELD(T, "parameter", MODEL_PLACE, parameter), .place = MODEL_OF_PARAMETERS },
        { MODEL_FIELD(T, "type", MODEL_TEXT, type), .text = &entity_text },
};
static MODEL_SHAPE(T, object, NULL);
#undef T

#define T struct api_security
static const T security_default = { .n = 0 };
static const struct model_field security_fields[] = {
        { MODEL_COUNTED(T, "schemes", MODEL_PLACES, schemes, n, API_SECURITY_MAX),
          .place = MODEL_OF_IDENTITIES, .ascending = true },
};
static MODEL_SHAPE(T, security, NULL);
#undef T

#define T struct api_operation
static const T operation_default = { .object = { .parameter = API_NONE } };
static const struct model_field operation_fields[] = {
        { MODEL_FIELD(T, "id", MODEL_TEXT, id), .text = &id_text, .always = true },
        { MODEL_FIELD(T, "method", MODEL_ENUM, method), .name = method_name, .always = true },
        { MODEL_FIELD(T, "object", MODEL_RECORD, object), .shape = &object_shape },
        { MODEL_COUNTED(T, "parameters", MODEL_LIST, parameters, n_parameters, API_PARAMETERS_MAX),
          .shape = &parameter_shape, .order = by_parameter },
        { MODEL_FIELD(T, "path", MODEL_TEXT, path), .text = &path_text, .always = true },
        { MODEL_COUNTED(T, "reads", MODEL_PLACES, reads, n_reads, API_CLASSES_MAX),
          .place = MODEL_OF_CLASSES, .ascending = true },
        { MODEL_AT(T, "request", MODEL_OPTION, request), .shape = &body_shape },
        { MODEL_COUNTED(T, "responses", MODEL_LIST, responses, n_responses, API_RESPONSES_MAX),
          .shape = &response_shape, .order = by_status },
        { MODEL_COUNTED(T, "security", MODEL_LIST, security, n_security, API_SECURITY_MAX),
          .shape = &security_shape },
        { MODEL_COUNTED(T, "segments", MODEL_LIST, segments, n_segments, API_SEGMENTS_MAX),
          .shape = &segment_shape },
        { MODEL_COUNTED(T, "tags", MODEL_TEXTS, tags, n_tags, API_TAGS_MAX), .text = &name_text,
          .ascending = true },
        { MODEL_COUNTED(T, "writes", MODEL_PLACES, writes, n_writes, API_CLASSES_MAX),
          .place = MODEL_OF_CLASSES, .ascending = true },
};
static MODEL_SHAPE(T, operation, model_check_operation);
#undef T

/* ---- the API ---- */

#define T struct api_identity
static const T identity_default = { .kind = API_IDENTITY_BEARER };
static const struct model_field identity_fields[] = {
        { MODEL_FIELD(T, "kind", MODEL_ENUM, kind), .name = identity_name, .always = true },
        { MODEL_FIELD(T, "name", MODEL_TEXT, name), .text = &name_text, .always = true },
};
static MODEL_SHAPE(T, identity, NULL);
#undef T

#define T struct api
static const T model_api_default = { .n_classes = 0 };
static const struct model_field model_api_fields[] = {
        { MODEL_COUNTED(T, "classes", MODEL_TEXTS, classes, n_classes, API_CLASSES_MAX),
          .text = &class_text, .ascending = true },
        { MODEL_COUNTED(T, "identities", MODEL_LIST, identities, n_identities, API_IDENTITIES_MAX),
          .shape = &identity_shape, .order = by_identity },
        { MODEL_COUNTED(T, "operations", MODEL_LIST, operations, n_operations, API_OPERATIONS_MAX),
          .shape = &operation_shape, .order = by_id },
        { MODEL_COUNTED(T, "schemas", MODEL_LIST, schemas.at, schemas.n, API_SCHEMAS_MAX),
          .shape = &schema_shape },
        { MODEL_FIELD(T, "title", MODEL_TEXT, title), .max = API_TITLE_MAX },
        { MODEL_FIELD(T, "version", MODEL_TEXT, version), .max = API_TITLE_MAX },
};
MODEL_SHAPE(T, model_api, model_check_api);
#undef T
