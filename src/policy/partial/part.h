/* SPDX-License-Identifier: Apache-2.0 */
/* part.h - what an expression may come to when part of a request is not known.  Floor 2, pure; of
 * partial.c.
 *
 * A part stands for a set of results, of which the real one is surely a member: values, and that it
 * errs.  Larger sets are sound, smaller ones say more. */
#ifndef POLICY_PART_H
#define POLICY_PART_H

#include "policy/evaluate/code.h"
#include "policy/partial/partial.h"

/* A place that is not known: `context`.body.amount, or one membership, `principal` in uid. */
struct part_path {
        const struct part_path *up; /* NULL: a variable */
        enum cedar_var var;         /* of a variable */
        struct span key;            /* of the others, but where in is */
        const struct cedar_uid *in; /* NULL: none */
};

enum part_sort {
        PART_VALUE,  /* this value */
        PART_RECORD, /* a record, some fields of which are not known */
        PART_ENTITY, /* the principal or the resource, of which only the type is known */
        PART_ANY,    /* any of its kinds, or of its type */
};

enum {
        PART_ALL = (1u << CEDAR_KINDS) - 1,
};
#define PART_KIND(k) ((uint16_t)(1u << (k)))

struct part {
        enum part_sort sort;
        bool errs;      /* it may err */
        bool yes, no;   /* which of the two Bools it may be */
        uint16_t kinds; /* what it may be where it does not err, of PART_KIND(); 0: it errs */
        struct cedar_value value;        /* PART_VALUE */
        const struct part_field *fields; /* PART_RECORD: n, ascending by key */
        uint32_t n;                      /* ... */
        struct span entity;              /* PART_ENTITY: its type */
        const struct cedar_type *type;   /* PART_ANY: NULL where none is known */
        const struct part_path *path;    /* PART_ENTITY, PART_ANY: NULL where it has no name */
};

struct part_field {
        struct span key;
        bool maybe;       /* it may not be there */
        struct part part; /* that does not err */
};

/* One decision being made. */
struct part_walk {
        struct cedar_machine machine;    /* for what is known */
        const struct cedar_entity *base; /* of the principal that brings something; NULL: none */
        const struct cedar_unknown *unknown;
        struct part context;
        struct arena *arena;
        /* What the expression at hand was seen to hang on: a stack, cut back where a result turned
         * out not to. */
        const struct part_path **on;
        uint32_t n_on, room_on;
        int rc; /* -ENOMEM: sticks */
};

struct part part_value(struct cedar_value v);
struct part part_error(void);
struct part part_any(uint16_t kinds, bool errs);
struct part part_of_type(const struct cedar_type *t, const struct part_path *path);
/* Of the results that remain: both false, it errs. */
struct part part_bool(bool yes, bool no, bool errs);

/* Either of both. */
struct part part_merge(const struct part *a, const struct part *b);

/* Is there but one result? */
static inline bool part_settled(const struct part *p)
{
        return p->kinds == 0 || (p->sort == PART_VALUE && !p->errs);
}

/* May the principal, which is not known, be this one? */
bool part_may_be_principal(const struct part_walk *w, const struct cedar_uid *uid);

/* May both be the same value? */
bool part_may_equal(const struct part_walk *w, const struct part *a, const struct part *b);

/* The type of an entity, where it is known. */
bool part_entity_type(const struct part *p, struct span *ret);

/* Memory that is gone is told by w->rc; then NULL. */
void *part_alloc(struct part_walk *w, size_t n);
const struct part_path *part_path(struct part_walk *w, const struct part_path *up, struct span key);
void part_touch(struct part_walk *w, const struct part_path *path);
/* All that is unknown within. */
void part_touch_inside(struct part_walk *w, const struct part *p);
/* As Cedar spells it. */
void part_path_print(const struct part_path *p, struct buf *out);

/* The context of a request, of this type (NULL: any).  -ENOMEM, -E2BIG. */
MUST_USE int part_context(struct part_walk *w, const struct cedar_value *known,
                          const struct cedar_type *type);

/* What an attribute of a part may be. */
struct part_found {
        bool there, absent; /* which of both may be */
        bool fault;         /* it may be of a kind that has none */
        struct part part;   /* where it is there */
};
struct part_found part_attribute(struct part_walk *w, const struct part *of, struct span key);

/* A variable of the request. */
struct part part_variable(struct part_walk *w, enum cedar_var which);

/* ---- part_bring.c: what the real request may bring ---- */

/* The variable that is not known, or not wholly, and that this one may be; NULL. */
const struct part_path *part_may_be(const struct part_walk *w, const struct cedar_uid *uid);
/* Likewise one that this one may descend from, so that its groups may be more. */
const struct part_path *part_may_grow(const struct part_walk *w, const struct cedar_uid *uid);
/* Is p the principal, of which the request says no more than w->unknown->brings? */
bool part_brings(const struct part_walk *w, const struct part *p);
/* Might it say this attribute? */
bool part_brings_attribute(const struct part_walk *w, struct span key);
/* May an entity of this type, whichever it is, be in that one? */
bool part_type_may_be_in(const struct part_walk *w, struct span type, struct span above);

/* hasTag (has) or getTag: of an entity that is known; of any of a type, which may be empty. */
struct part part_tag(struct part_walk *w, const struct cedar_uid *uid, struct span key, bool has);
struct part part_any_tag(const struct part_walk *w, struct span type, bool has);

/* Names the principal and the resource, where not known, as what the entity p may be or (groups)
 * descend from. */
void part_touch_bringers(struct part_walk *w, const struct part *p, bool groups);

/* `a == b`, `a in b`, `a is type`; of b nothing was touched that does not count. */
struct part part_equal(const struct part_walk *w, const struct part *a, const struct part *b);
struct part part_in(struct part_walk *w, const struct part *a, const struct part *b);
struct part part_is(const struct part *a, struct span type);

/* What an expression, or the scope and the conditions of a policy, come to. */
struct part part_expr(struct part_walk *w, const struct cedar_expr *e);
struct part part_policy(struct part_walk *w, const struct cedar_policy *p);

#endif
