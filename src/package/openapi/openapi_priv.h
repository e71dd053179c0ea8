/* SPDX-License-Identifier: Apache-2.0 */
/* openapi_priv.h - what the readers of an OpenAPI document share.  Floor 2, pure.
 *
 * Each reads one sort of object and goes on after a fault, which it has told the lint; what it
 * returns then is of no use, since there will be no model.  When memory or the model's ceiling is
 * reached r->rc is set, everything later does nothing, and openapi_read() returns it.
 *
 *   openapi.c            the document, its components
 *   openapi_path.c       paths, as segments; the operations of each
 *   openapi_operation.c  one operation, openapi_object.c the object it is about
 *   openapi_gather.c     all operations, checked against each other
 *   openapi_parameter.c  parameters and headers
 *   openapi_content.c    media types, bodies, responses
 *   openapi_security.c   schemes and what is asked for
 *   openapi_schema.c     schemas, openapi_keyword.c their simple keywords, openapi_value.c enum,
 *                        openapi_properties.c properties and what is said of members
 *   openapi_reach.c      what can be reached from a schema: classes, itself, types of a parameter
 *   openapi_ref.c        references, openapi_field.c members and memory */
#ifndef PACKAGE_OPENAPI_PRIV_H
#define PACKAGE_OPENAPI_PRIV_H

#include "package/openapi/openapi.h"
#include "package/schema/schema_reach.h"
#include "package/source/nearest.h"

enum {
        OA_REFS_MAX = 32, /* references that lead to references */
        OA_CHUNK = 256,   /* schemas allocated at once */
        OA_CHUNKS = API_SCHEMAS_MAX / OA_CHUNK + 1,
        OA_NOTES_MAX = 128,
        OA_TOLD_MAX = 10,  /* of the same error; the rest is told together */
        OA_SHOWN_MAX = 80, /* bytes of a name in a message */
};

/* What a node was read as: each is read once, however often it is referred to. */
enum oa_kind {
        OA_SCHEMA,
        OA_PARAMETER,
        OA_HEADER,
        OA_BODY,
        OA_RESPONSE,
        OA_INDEX, /* of its members or items: see oa_member() */
};

/* Warnings of which only the first place is told, and how many more there are. */
enum oa_note_kind {
        OA_NOTE_READ_ONLY,
        OA_NOTE_DISCRIMINATOR,
        OA_NOTE_FORMAT,
        OA_NOTE_SCOPES,
        OA_NOTE_SERVERS,
        OA_NOTE_CALLBACKS,
        OA_NOTE_WEBHOOKS,
        OA_NOTE_EMPTY,
        OA_NOTE_RESERVED,
        OA_NOTE_HEADER,
        OA_NOTE_OWN_HEADER,
        OA_NOTE_ANYBODY,
        OA_NOTE_ANY_JSON,
        OA_NOTE_MEDIA_PARAMETER,
        OA_NOTES,
};

struct oa_note {
        enum oa_note_kind kind;
        struct span name;
        struct source_mark mark;
        uint32_t n;
};

/* An error that a document may have in a thousand places, so that it would hide all others. */
struct oa_refusal {
        const char *text;
        struct source_mark mark; /* of the first that was not told */
        uint32_t n;
};

struct oa_schema {
        struct api_schema s;
        const struct source_node *node;
        struct oa_schema *next; /* to be read */
};

struct oa_parameter {
        struct api_parameter p;
        struct source_mark mark;
        bool ignored; /* a header that is not the document's business */
        bool bad;
        struct oa_parameter *next; /* of all there are */
};

struct oa_media { /* of a response, not JSON: nothing in it can be masked */
        const struct source_node *node;
        uint32_t schema;
        struct oa_media *next;
};

struct oa_operation {
        struct api_operation o;
        const struct source_node *node, *object; /* object: NULL; may be that of the path */
        struct oa_operation *next;
};

struct oa_slot {
        const struct source_node *node;
        enum oa_kind kind;
        uintptr_t value;
};

struct oa {
        const struct source_node *root;
        struct lint *l;
        struct err *err;
        struct api *api;      /* what is kept lies in its arena, */
        struct arena scratch; /* all else here */
        int rc;               /* -ENOMEM, -E2BIG */

        struct oa_slot *slots; /* a hash table, half empty at least */
        size_t n_slots, slots_cap;

        struct oa_schema *schemas[OA_CHUNKS];
        uint32_t n_schemas;
        struct oa_schema *unread, **unread_tail;
        uint32_t any, never; /* places of `true` and `false`; API_NONE until there is one */
        unsigned depth;      /* of schemas in schemas */
        unsigned steps;      /* of oa_types() */
        unsigned classless;  /* > 0: within `not`, `if` or `propertyNames` */
        struct span classes[API_CLASSES_MAX];
        size_t classes_text; /* bytes of their names */

        struct oa_parameter *parameters;
        struct oa_media *blind;
        const struct source_node *schemes; /* of security; NULL */
        bool secured;                      /* the document says "security": */
        const struct api_security *security;
        uint32_t n_security;
        struct oa_operation *operations, **operations_tail;
        uint32_t n_operations;

        struct oa_note notes[OA_NOTES_MAX];
        struct oa_refusal refusals[OA_NOTES_MAX];
        uint32_t n_notes, n_refusals;
};

/* ---- openapi_field.c ---- */

/* By line and column. */
int oa_order(const struct source_mark *a, const struct source_mark *b);
/* For "%.*s" in messages: names are cut. */
int oa_shown(struct span name);
#define OA_NAME(span) oa_shown(span), (const char *)(span).p

/* n * size zeroed bytes that stay, or that go with the reader; NULL: r->rc is set. */
void *oa_keep(struct oa *r, size_t n, size_t size);
void *oa_scratch(struct oa *r, size_t n, size_t size);
struct span oa_keep_text(struct oa *r, struct span text);

/* 0 until it is set; NULL: r->rc is set.  Valid until the next call. */
uintptr_t *oa_memo(struct oa *r, enum oa_kind kind, const struct source_node *node);

/* Like source_get(), and quick where a map is large. */
const struct source_node *oa_member(struct oa *r, const struct source_node *map, struct span key);
/* Of a list, from 0; NULL when it has fewer. */
const struct source_node *oa_item(struct oa *r, const struct source_node *list, uint64_t i);

void oa_note(struct oa *r, enum oa_note_kind kind, struct span name, const struct source_mark *at);
/* text: one that stays, for each sort of error the same. */
void oa_refuse(struct oa *r, const struct source_mark *at, const char *text);
void oa_tell_notes(struct oa *r);

/* False, and told: it is something else. */
bool oa_want(struct oa *r, const struct source_node *v, enum source_kind kind);
/* A string of 1 to max bytes without control characters. */
bool oa_want_text(struct oa *r, const struct source_node *v, size_t max, struct span *ret);
bool oa_want_bool(struct oa *r, const struct source_node *v, bool *ret);
/* Of at most max members or items; what: "tags". */
bool oa_want_some(struct oa *r, const struct source_node *v, enum source_kind kind, uint32_t max,
                  const char *what);

typedef void oa_read(struct oa *r, const struct source_node *v, void *out);
struct oa_field {
        const char *name;
        oa_read *read;       /* NULL: documentation, passed over */
        const char *refused; /* why it is not taken; NULL */
};

/* Each member of a map by its field; what: "a parameter".  Members that begin with "x-" are passed
 * over unless there is a field; those that are ours and stand elsewhere, or that look like ours,
 * are faults. */
void oa_fields(struct oa *r, const struct source_node *map, const char *what,
               const struct oa_field *fields, size_t n, void *out);
oa_read oa_later; /* does nothing: it is looked at when all members were */
const struct oa_field *oa_field(const struct oa_field *fields, size_t n, struct span name);
bool oa_is_extension(struct span key);

/* ---- openapi_ref.c ---- */

/* "%41" as "A", into out, which has room for all of s.  False: a "%" without two digits. */
bool oa_unescape(struct span s, uint8_t *out, size_t *ret_n);
/* What the value of a "$ref" leads to; NULL, and told. */
const struct source_node *oa_resolve(struct oa *r, const struct source_node *ref);
/* The object itself, or what it refers to, however often.  NULL, and told: it leads nowhere, in a
 * circle, or to another section of the components than this. */
const struct source_node *oa_follow(struct oa *r, const struct source_node *node,
                                    const char *section);

/* ---- schemas ---- */

/* Its place; API_NONE, and told. */
uint32_t oa_schema(struct oa *r, const struct source_node *node);
/* Those that were only referred to so far. */
void oa_read_schemas(struct oa *r);
struct oa_schema *oa_schema_at(struct oa *r, uint32_t place);

/* openapi_keyword.c: fields of a schema whose `out` is the api_schema. */
bool oa_is_class(struct span name);
oa_read oa_kw_type, oa_kw_format, oa_kw_class, oa_kw_pattern, oa_kw_unique, oa_kw_read_only,
        oa_kw_discriminator, oa_kw_dialect, oa_kw_minimum, oa_kw_maximum, oa_kw_above, oa_kw_below,
        oa_kw_multiple_of, oa_kw_min_length, oa_kw_max_length, oa_kw_min_items, oa_kw_max_items,
        oa_kw_min_contains, oa_kw_max_contains, oa_kw_min_properties, oa_kw_max_properties;
/* False, and told at the node. */
bool oa_check_pattern(struct oa *r, const struct source_mark *at, struct span pattern);
/* A schema within another. */
uint32_t oa_inner(struct oa *r, const struct source_node *v);
/* openapi_properties.c: when the other keywords are known. */
void oa_properties(struct oa *r, const struct source_node *node, struct api_schema *s);
void oa_dependents(struct oa *r, const struct source_node *node, struct api_schema *s);
/* openapi_value.c: when the types of the schema are known. */
void oa_enum(struct oa *r, const struct source_node *list, struct api_schema *s);
void oa_const(struct oa *r, const struct source_node *v, struct api_schema *s);

/* ---- openapi_reach.c ---- */

/* Types that a value of the schema may have, as far as they can be told; those of its items. */
uint32_t oa_types(struct oa *r, uint32_t place);
uint32_t oa_item_types(struct oa *r, uint32_t place);
/* Schemas that lead back to themselves without a member or an item between. */
void oa_check_circles(struct oa *r);
/* The classes that can be met from each schema.  false: r->rc is set. */
bool oa_reach(struct oa *r, struct schema_reach *ret);
/* openapi_properties.c: maps whose values have classes, and their keys are any. */
void oa_check_names(struct oa *r, const struct schema_reach *reach);

/* ---- the rest of the document ---- */

/* Read once each; NULL, and told. */
const struct oa_parameter *oa_parameter(struct oa *r, const struct source_node *node);
const struct oa_parameter *oa_header(struct oa *r, const struct source_node *node);
const struct api_body *oa_body(struct oa *r, const struct source_node *node);
const struct api_response *oa_response(struct oa *r, const struct source_node *node);
/* Types of all parameters, and whether a text can be one. */
void oa_check_parameters(struct oa *r);
/* Responses that are no JSON hold nothing that has a class. */
void oa_check_blind(struct oa *r, const struct schema_reach *reach);

void oa_identities(struct oa *r);
/* A list under "security". */
void oa_security(struct oa *r, const struct source_node *list, const struct api_security **ret,
                 uint32_t *ret_n);

void oa_paths(struct oa *r, const struct source_node *paths);

/* What operations of one path share. */
struct oa_path {
        struct span text;
        bool bad; /* the template is none; told */
        const struct api_segment *segments;
        uint32_t n_segments;
        const struct oa_parameter *const *parameters;
        uint32_t n_parameters;
        const struct source_node *object; /* x-object; NULL */
};
/* Parameters of a list, each once, put in front of those that are there: what is there already is
 * replaced.  path: they are its own. */
struct oa_parameters {
        const struct oa_parameter *at[API_PARAMETERS_MAX];
        uint32_t n;
};
void oa_add_parameters(struct oa *r, const struct source_node *list, const struct oa_path *path,
                       struct oa_parameters *all);
void oa_operation(struct oa *r, const struct oa_path *path, enum api_method method,
                  const struct source_node *node);
/* openapi_object.c: when its parameters are known. */
void oa_object(struct oa *r, const struct oa_path *path, struct oa_operation *op);
void oa_check_object(struct oa *r, const struct oa_operation *op);
/* openapi_gather.c: checks them against each other and puts them into the model. */
void oa_keep_operations(struct oa *r, const struct schema_reach *reach);

#endif
