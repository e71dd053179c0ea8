/* SPDX-License-Identifier: Apache-2.0 */
/* derive_text.h - what the files share that write a derived schema.  Floor 2, pure. */
#ifndef PACKAGE_DERIVE_TEXT_H
#define PACKAGE_DERIVE_TEXT_H

#include "package/derive/derive.h"
#include "package/derive/derive_names.h"
#include "package/derive/derive_shape.h"
#include "policy/schema/decl.h"

enum {
        DERIVE_MEMORY_MAX = 1 << 30,
        DERIVE_TEXT_MAX = 16 << 20, /* CEDAR_SOURCE_MAX */
};

struct deriver {
        const struct api *api;
        const struct config *config;
        struct span types;                  /* text of types.cedarschema */
        struct lint *l;                     /* may be NULL */
        const struct source_node *document; /* for places; may be NULL */
        struct err *err;
        struct arena arena;
        struct decl_schema declared; /* by types.cedarschema */
        struct shapes shapes;
        struct shape_record **records; /* of components, as they are named */
        uint32_t n_records;
        const struct shape **bodies; /* by operation; NULL: it takes none */
        struct derive_names names;
        struct span *objects; /* entity types of x-object, ascending */
        uint32_t n_objects;
        /* what is being written */
        struct buf *out;
        struct buf name;                    /* what an enum at this place is called */
        struct buf place;                   /* where it is, for people: "operation pay: body.to" */
        struct span component, operation;   /* one of them: where it is, for openapi_place.h */
        struct span step[SHAPE_HEIGHT_MAX]; /* and from there on */
        uint32_t n_steps;
        bool told;  /* this place was told of already */
        int status; /* 0, -ENOMEM, -E2BIG: sticks */
};

/* A fault of the document (of d->operation, where one is set), or of types.cedarschema; err's when
 * there is no lint. */
int derive_error(struct deriver *d, const struct decl_at *at, const char *fmt, ...)
        PRINTF_LIKE(3, 4);

/* ---- derive_records.c ---- */

/* Shapes of all that requests hold; records of components get their names.  -E2BIG, -ENOMEM. */
MUST_USE int derive_shapes(struct deriver *d);

/* ---- derive_print.c ---- */

/* `name: Type,` and comments of those that have none, a line each; indent: levels of two blanks. */
void derive_put_record(struct deriver *d, const struct shape_record *r, unsigned indent);

/* An attribute, or the comment that there is none. */
void derive_put_attr(struct deriver *d, const struct shape_attr *a, unsigned indent);

/* `type AccountRecord = {...};` of each component. */
void derive_put_types(struct deriver *d);

/* `entity AccountStatus enum [...];` of each that was named so far. */
void derive_put_enums(struct deriver *d);

void derive_put_name(struct buf *out, struct span attr);

/* One step down, to be taken back by cutting n_steps. */
void derive_step(struct deriver *d, struct span name);

/* name or place, empty again; that it failed before is kept. */
void derive_begin(struct deriver *d, struct buf *b);

/* ---- derive_action.c ---- */

/* Tags, operations, reads.  Names that two of them have are errors. */
MUST_USE int derive_check_actions(struct deriver *d);
void derive_put_actions(struct deriver *d);

/* As path.accountId would be given by call_parameter(). */
const struct shape *derive_parameter_shape(struct deriver *d, const struct api_parameter *p);

/* ---- derive_types.c ---- */

/* Reads types.cedarschema and lists the types of objects.  -EINVAL: errors were told. */
MUST_USE int derive_read_types(struct deriver *d);
/* When all is named: does it declare anything of that? */
MUST_USE int derive_check_types(struct deriver *d);
void derive_put_entities(struct deriver *d);
/* The whole text, of which types.cedarschema begins at line `from` + 1: does it parse, and has it
 * what is asked of Caller and of objects? */
MUST_USE int derive_check_whole(struct deriver *d, struct span text, uint32_t from);

#endif
