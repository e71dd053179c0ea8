/* SPDX-License-Identifier: Apache-2.0 */
/* model_file_shape.h - how a record of the model is spelled: one table for writer and reader.
 * Floor 2, pure.
 *
 * A shape lists the members of a struct, ascending by key.  A member is written when it differs
 * from the shape's default, or always; a reader starts with the default and takes just what a
 * writer would have written.  So a member is said once, here, and no model has two spellings. */
#ifndef PACKAGE_MODEL_FILE_SHAPE_H
#define PACKAGE_MODEL_FILE_SHAPE_H

#include "package/model/model_file.h"

enum model_kind {
        MODEL_TEXT,   /* struct span */
        MODEL_BOOL,   /* bool */
        MODEL_NUMBER, /* unsigned, of 2, 4 or 8 bytes; above 2^53-1 a string */
        MODEL_ENUM,   /* of 4 bytes: its name */
        MODEL_FLAGS,  /* of 4 bytes: names of bits, from the lowest on */
        MODEL_PLACE,  /* uint32_t: a place in a list of the model; API_NONE is never written */
        MODEL_RECORD, /* a struct within */
        MODEL_OPTION, /* a pointer to one; NULL */
        MODEL_LIST,   /* a pointer to n of them, as all that follow */
        MODEL_TEXTS,
        MODEL_PLACES,
        MODEL_VALUES, /* struct tree: JSON in strings */
};

enum model_place {
        MODEL_OF_SCHEMAS,
        MODEL_OF_IDENTITIES,
        MODEL_OF_CLASSES,
        MODEL_OF_PARAMETERS, /* of the operation: judged with it */
        MODEL_PLACES_KINDS,
};

/* What a text must be. */
struct model_text {
        bool (*ok)(struct span text);
        const char *wanted; /* "no number" */
};

struct model_shape;

struct model_field {
        const char *key;
        enum model_kind kind;
        bool always;
        bool ascending;  /* of texts and places: strictly */
        size_t at, size; /* size: of what is no pointer */
        size_t count_at; /* uint32_t */
        uint64_t max;    /* of a number, of items; 0 of texts: any length */
        union {
                const struct model_shape *shape;
                const char *(*name)(unsigned value); /* NULL behind the last one */
                enum model_place place;
                const struct model_text *text; /* NULL: any */
        };
        int (*order)(const void *a, const void *b); /* of a list, strictly ascending; NULL: any */
};

struct model_get;
struct model_at;

struct model_shape {
        size_t size;
        const void *defaults; /* a record */
        const struct model_field *fields;
        size_t n;
        /* What tables cannot say; NULL: nothing. */
        int (*check)(const struct model_get *g, const struct model_at *at, const void *record);
};

/* Is a member of the record what it is in the other one? */
bool model_is_default(const struct model_field *f, const void *record, const void *defaults);

/* ---- tables ---- */

#define MODEL_AT(type, key_, kind_, member)                                                        \
        .key = (key_), .kind = (kind_), .at = offsetof(type, member)
#define MODEL_FIELD(type, key, kind, member)                                                       \
        MODEL_AT(type, key, kind, member), .size = sizeof(((type *)NULL)->member)
#define MODEL_COUNTED(type, key, kind, member, count, max_)                                        \
        MODEL_AT(type, key, kind, member), .count_at = offsetof(type, count), .max = (max_)
#define MODEL_SHAPE(type, name, check_)                                                            \
        const struct model_shape name##_shape = { sizeof(type), &name##_default, name##_fields,    \
                                                  ARRAY_LEN(name##_fields), check_ }

/* ---- reading ---- */

/* Where in the document, from the inside out. */
struct model_at {
        const struct model_at *up;
        const char *key; /* NULL: an item */
        uint32_t item;
};

struct model_get {
        struct arena *arena;
        struct err *err;
        const struct api *api; /* what was read of it so far: members in order of their keys */
        const struct config *config;
        uint32_t n[MODEL_PLACES_KINDS]; /* how many there are, also of those not read yet */
};

/* Sets "operations[3].path: <text>"; -EINVAL. */
int model_fail(const struct model_get *g, const struct model_at *at, const char *fmt, ...)
        PRINTF_LIKE(3, 4);
/* The same of a member of the record at this place. */
int model_fail_member(const struct model_get *g, const struct model_at *at, const char *key,
                      const char *text);

/* The value of a call is said here too, as err.h does it. */
#define model_fail(...)                                                                            \
        ({                                                                                         \
                (void)(model_fail)(__VA_ARGS__);                                                   \
                -EINVAL;                                                                           \
        })
#define model_fail_member(...)                                                                     \
        ({                                                                                         \
                (void)(model_fail_member)(__VA_ARGS__);                                            \
                -EINVAL;                                                                           \
        })

extern const struct model_shape model_api_shape, model_config_shape;

/* {"api": ..., "config": ...} */
struct model_root {
        struct api api;
        struct config config;
};

/* ---- what tables cannot say: model_file_check.c, model_file_check_config.c ---- */

int model_check_parameter(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_media(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_body(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_response(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_operation(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_schema(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_api(const struct model_get *g, const struct model_at *at, const void *record);

int model_check_identity(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_limit(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_cache(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_backend(const struct model_get *g, const struct model_at *at, const void *record);
int model_check_config(const struct model_get *g, const struct model_at *at, const void *record);

#endif
