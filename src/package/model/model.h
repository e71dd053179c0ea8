/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - an API as the gateway serves it.  Floor 2, pure.
 *
 * Made by openapi.h of an OpenAPI 3.1 document, written into and read from a package by
 * model_file.h; never written afterwards.  All of it lies in one arena. */
#ifndef PACKAGE_MODEL_H
#define PACKAGE_MODEL_H

#include "package/schema/schema.h"

enum {
        API_OPERATIONS_MAX = 10000,
        API_PARAMETERS_MAX = 256, /* of one operation */
        API_PATH_MAX = 2048,      /* bytes */
        API_SEGMENTS_MAX = 64,    /* of one path */
        API_NAME_MAX = 128,       /* bytes: of parameters, tags, classes, schemas, ... */
        API_TITLE_MAX = 256,      /* bytes: title, version */
        API_CLASSES_MAX = 256,
        API_CLASSES_TEXT_MAX =
                24 * 1024,      /* bytes of their names in all: an entry has all of them */
        API_TAGS_MAX = 64,      /* of one operation */
        API_MEDIA_MAX = 64,     /* of one body */
        API_RESPONSES_MAX = 64, /* of one operation */
        API_HEADERS_MAX = 64,   /* of one response */
        API_IDENTITIES_MAX = 64,
        API_SECURITY_MAX = 64, /* alternatives of an operation; schemes of one of them */
};

enum api_method {
        API_GET,
        API_HEAD,
        API_POST,
        API_PUT,
        API_PATCH,
        API_DELETE,
        API_OPTIONS,
        API_METHODS,
};
const char *api_method_name(enum api_method m);  /* "GET" */
enum api_method api_method_of(struct span name); /* API_METHODS when there is none */

/* Of a path: words, or one parameter that is the whole segment; what stands between slashes and
 * behind the last one, so the last one may be an empty word: "/" is that alone, "/a/" is not "/a".
 * A parameter is never empty.
 *
 * Of all paths that fit a request the one is meant that has a word where the others have a
 * parameter, in the first segment in which they differ: of /a/{x}, /a/b/{y} and /a/{x}/c a request
 * /a/b/c has the second, /a/z/c the third.  No two paths differ in names of parameters only, so
 * there is always one.  It is found before the method is looked at. */
struct api_segment {
        struct span text; /* percent-decoded words; the parameter's name */
        bool parameter;
};

/* The order of paths by the requests that fit: segment by segment, words by their bytes before
 * parameters, whose names do not count; of two with the same first segments the shorter one first.
 * 0: the same requests fit. */
int api_segments_compare(const struct api_segment *a, uint32_t n_a, const struct api_segment *b,
                         uint32_t n_b);

enum api_place { API_IN_PATH, API_IN_QUERY, API_IN_HEADER, API_IN_COOKIE };
const char *api_place_name(enum api_place p); /* "path" */

/* style: simple in paths and headers, form in query and cookies; the others are refused. */
struct api_parameter {
        struct span name; /* a header's in lower case */
        enum api_place in;
        bool required;
        bool explode;    /* a=1&a=2; else a=1,2.  Query and cookies only */
        uint32_t schema; /* of a string, number, boolean, or an array of one of those: one of these
                            only, null not counted */
};

struct api_media {
        struct span type; /* "application/json", "application/problem+json"; lower case, without
                             parameters.  In a response also "text/plain", ... */
        bool json;
        uint32_t schema; /* API_NONE: any.  Of what is no JSON: always */
};

struct api_body {
        bool required;
        const struct api_media *media; /* ascending by type; JSON, all of them */
        uint32_t n_media;
};

struct api_response {
        uint16_t status;               /* 200; 2: for 2XX; 0: default.  None of 1XX */
        const struct api_media *media; /* ascending by type; none: an answer without a body */
        uint32_t n_media;
        const struct api_parameter *headers; /* ascending by name, in: API_IN_HEADER; others are
                                                not passed on */
        uint32_t n_headers;
};

/* The object a request is about: `x-object: {type: Account, id: path.accountId}`. */
struct api_object {
        struct span type;   /* a Cedar entity type; empty: the API itself, Api::"<name>" */
        uint32_t parameter; /* its id is the value of this one, in parameters; API_NONE for the
                               API itself.  A path parameter, or a required one */
};

/* What must be shown together, by place in api.identities, ascending.  n 0: nothing, anybody. */
struct api_security {
        const uint32_t *schemes;
        uint32_t n;
};

struct api_operation {
        struct span id; /* operationId, [A-Za-z0-9_.-]; also its Cedar action */
        enum api_method method;
        struct span path; /* as written: "/accounts/{accountId}" */
        const struct api_segment *segments;
        uint32_t n_segments;
        const struct span *tags; /* ascending: Cedar actions that this one is in */
        uint32_t n_tags;
        const struct api_parameter *parameters; /* ascending by place, name */
        uint32_t n_parameters;
        const struct api_body *request;       /* NULL: none may be sent */
        const struct api_response *responses; /* ascending by status: default, 2XX, 200 */
        uint32_t n_responses;
        struct api_object object;
        const struct api_security *security; /* one of these; none of them: anybody */
        uint32_t n_security;
        const uint32_t *reads, *writes; /* data classes that responses, requests can hold: places in
                                           api.classes, ascending */
        uint32_t n_reads, n_writes;
};

enum api_identity_kind {
        API_IDENTITY_BEARER, /* http bearer: a JWT or an opaque token, as gateway.yaml says */
        API_IDENTITY_BASIC,  /* http basic: passed through to the back-end */
        API_IDENTITY_MUTUAL, /* mutualTLS */
};

/* A security scheme of the document. */
struct api_identity {
        struct span name;
        enum api_identity_kind kind;
};

struct api {
        struct arena arena;
        struct span title, version;             /* of the document's info */
        const struct api_operation *operations; /* ascending by id */
        uint32_t n_operations;
        const struct api_identity *identities; /* ascending by name */
        uint32_t n_identities;
        const struct span *classes; /* data classes, ascending: "pii.ssn" */
        uint32_t n_classes;
        struct api_schemas schemas;
};

/* Of one that was allocated by malloc().  NULL is fine; returns NULL. */
struct api *api_free(struct api *a);
DEFINE_CLEANUP(struct api, api_free)

/* NULL when there is none. */
const struct api_operation *api_operation(const struct api *a, struct span id);
/* The place of a data class in ->classes; API_NONE when there is none of this name. */
uint32_t api_class(const struct api *a, struct span name);

#endif
