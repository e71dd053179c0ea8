/* SPDX-License-Identifier: Apache-2.0 */
/* schema_json.h - what the files that read the JSON form of schemas share.  Floor 2, pure. */
#ifndef POLICY_SCHEMA_JSON_H
#define POLICY_SCHEMA_JSON_H

#include "policy/schema/decl.h"
#include "wire/tree.h"

struct json_schema {
        struct decl_schema *d;
        struct span ns; /* the one that is being read */
        struct err *err;
};

/* Sets the error; returns -ENOMEM. */
int js_no_memory(struct json_schema *r);

/* A step further down; NULL: no memory. */
const struct decl_at *js_step(struct json_schema *r, const struct decl_at *up, struct span key);
const struct decl_at *js_step_index(struct json_schema *r, const struct decl_at *up, uint32_t i);

/* -EINVAL unless t is of this kind. */
MUST_USE int js_expect(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                       enum tree_kind kind);

/* What a field of an object is read by. */
typedef int js_read(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                    void *out);

struct js_field {
        const char *name;
        js_read *read;
        bool required;
        bool nullable; /* null is the same as not to be there */
};

/* An object with these fields and no others. */
MUST_USE int js_fields(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                       const struct js_field *fields, size_t n, void *out);

/* `A::B`; a list of those. */
MUST_USE int js_path(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                     struct span *ret);
MUST_USE int js_paths(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                      struct decl_name **ret);

/* A js_read for "annotations", which must be well spelled and say nothing; out is not used. */
js_read js_annotations;

/* A type; of a common one `annotations` may be said. */
MUST_USE int js_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                     struct decl_type **ret);
MUST_USE int js_common_type(struct json_schema *r, const struct decl_at *at, const struct tree *t,
                            struct decl_type **ret);

#endif
