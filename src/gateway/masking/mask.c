/* SPDX-License-Identifier: Apache-2.0 */
/* mask.c - a value walked together with its schema.  Floor 3, pure.  SECURITY: hostile values.
 *
 * Recursion is bounded by the depth of a tree, TREE_DEPTH_MAX at most. */
#include "gateway/masking/mask.h"

#include <inttypes.h>
#include <stdio.h>

#include "crypto/sha256.h"

enum { VALUES_FIRST = 16, NUMBER_TEXT = 21 };

/* What became of a value. */
enum fate { SAME, CHANGED, GONE };

struct masker {
        const struct mask_spec *s;
        struct arena *arena;
        struct mask_found *found;
        struct classes_walk walk;
        struct hmac_key *hash; /* NULL: none was needed yet */
        uint32_t n_masked;
};

/* A value and where it is. */
struct one {
        const struct tree *v;
        const struct mask_place *place;
};

static int walk(struct masker *m, struct one o, struct classes_at *at, struct tree *out,
                enum fate *fate);

/* ---- what was met ---- */

static int keep_value(struct masker *m, uint32_t class, enum mask_answer answer,
                      const struct tree *v)
{
        struct mask_found *f = m->found;

        if (f->n_values == MASK_VALUES_MAX)
                return -E2BIG;
        if (f->n_values == f->max_values) {
                uint32_t max = f->max_values ? 2 * f->max_values : VALUES_FIRST;
                struct mask_value *more = arena_alloc(m->arena, max * sizeof *more);

                if (!more)
                        return -ENOMEM;
                if (f->n_values)
                        memcpy(more, f->values, f->n_values * sizeof *more);
                f->values = more;
                f->max_values = max;
        }
        f->values[f->n_values++] =
                (struct mask_value){ .class = class, .answer = answer, .value = v };
        return 0;
}

static int keep_values(struct masker *m, const struct class_set *set, enum mask_answer answer,
                       const struct tree *v)
{
        const struct config *config = &m->s->package->config;
        int rc = 0;

        for (uint32_t i = class_set_next(set, 0); rc == 0 && i < API_CLASSES_MAX;
             i = class_set_next(set, i + 1))
                if (config->classes[i].digest)
                        rc = keep_value(m, i, answer, v);
        return rc;
}

static int begin_found(const struct package *p, struct arena *arena, struct mask_found *f)
{
        uint32_t n = p->api->n_classes;

        assert(p->config.n_classes == n);
        if (f->counts)
                return 0;
        f->answers = arena_alloc(arena, n * sizeof *f->answers);
        f->counts = f->answers ? arena_alloc(arena, n * sizeof *f->counts) : NULL;
        return f->counts ? 0 : -ENOMEM;
}

/* ---- what is done with a value ---- */

struct decision {
        enum mask_answer answer;
        enum mask mask;
        uint32_t class; /* whose mask it is */
};

static enum mask_answer answer_of(struct masker *m, uint32_t class)
{
        struct mask_found *f = m->found;

        if (f->counts[class] == 0 && m->s->ask)
                f->answers[class] = m->s->ask(m->s->ctx, class);
        if (f->counts[class] < UINT32_MAX)
                f->counts[class]++;
        return f->answers[class];
}

static void join(struct decision *d, enum mask_answer answer, enum mask mask, uint32_t class)
{
        if (answer == MASK_CLEAR || d->answer == MASK_WITHHELD)
                return;
        if (answer == MASK_WITHHELD) {
                d->answer = MASK_WITHHELD;
                return;
        }
        if (d->answer == MASK_CLEAR)
                *d = (struct decision){ MASK_MASKED, mask, class };
        else if (mask == MASK_DROP || d->mask == MASK_DROP)
                d->mask = MASK_DROP;
        else if (mask == MASK_HASH || mask != d->mask)
                d->mask = MASK_REDACT; /* hashes of two classes are two */
}

static struct decision decide(struct masker *m, const struct class_set *set)
{
        const struct config *config = &m->s->package->config;
        struct decision d = { .answer = MASK_CLEAR };

        for (uint32_t i = class_set_next(set, 0); i < API_CLASSES_MAX;
             i = class_set_next(set, i + 1))
                join(&d, answer_of(m, i), config->classes[i].mask, i);
        return d;
}

/* As it was spelled.  number: room for the digits. */
static struct span text_of(const struct tree *v, char number[NUMBER_TEXT])
{
        if (v->kind == TREE_BOOL)
                return v->boolean ? SPAN("true") : SPAN("false");
        if (v->kind != TREE_NUMBER)
                return v->text;
        return span_of(number, (size_t)snprintf(number, NUMBER_TEXT, "%" PRId64, v->number));
}

static int put_masked(struct masker *m, const struct decision *d, const struct tree *v,
                      struct tree *out)
{
        bool whole = v->kind == TREE_OBJECT || v->kind == TREE_ARRAY ||
                     (v->kind == TREE_BOOL && d->mask != MASK_HASH);
        char number[NUMBER_TEXT];

        *out = (struct tree){ .kind = TREE_STRING, .text = SPAN("***") };
        if (whole)
                return 0;
        if (d->mask == MASK_HASH && !m->hash)
                m->hash = hmac_key_new(span_of(m->s->key, SHA256_LEN));
        if (d->mask == MASK_HASH && !m->hash)
                return -ENOMEM;
        return mask_text(d->mask, text_of(v, number), m->s->package->api->classes[d->class],
                         m->hash, m->arena, &out->text);
}

/* Of a value with classes of its own. */
static int judge(struct masker *m, const struct tree *v, const struct class_set *set,
                 struct tree *out, enum fate *fate)
{
        struct decision d = decide(m, set);
        int rc = keep_values(m, set, d.answer, v);

        *fate = SAME;
        if (rc < 0 || d.answer == MASK_CLEAR)
                return rc;
        if (d.answer == MASK_WITHHELD || d.mask == MASK_DROP) {
                *fate = GONE;
                m->n_masked++;
                return 0;
        }
        if (v->kind == TREE_NULL)
                return 0;
        *fate = CHANGED;
        m->n_masked++;
        return put_masked(m, &d, v, out);
}

/* ---- objects and arrays ---- */

/* The copy of what a container has, made when the first of it changes. */
static void *copy_of(struct masker *m, void *copy, const void *from, size_t n, size_t size)
{
        if (copy)
                return copy;
        copy = arena_alloc(m->arena, n * size);
        return copy ? memcpy(copy, from, n * size) : NULL;
}

static int walk_members(struct masker *m, struct one o, struct classes_at *at, struct tree *out,
                        enum fate *fate)
{
        struct tree_member *copy = NULL;
        uint32_t n = 0;
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < o.v->n; i++) {
                const struct tree_member *v = &o.v->members[i];
                struct mask_place here = { .above = o.place, .name = v->key };
                struct classes_at inner = { .set = at->set };
                struct tree masked;
                enum fate became = SAME;

                if (at->below)
                        rc = classes_member(&m->walk, at, v->key, &inner);
                if (rc == 0)
                        rc = walk(m, (struct one){ &v->value, &here }, &inner, &masked, &became);
                if (rc < 0)
                        return rc;
                if (became != SAME) {
                        copy = copy_of(m, copy, o.v->members, o.v->n, sizeof *copy);
                        if (!copy)
                                return -ENOMEM;
                }
                if (copy && became != GONE)
                        copy[n] =
                                (struct tree_member){ v->key, became == SAME ? v->value : masked };
                n += became != GONE;
        }
        *fate = copy ? CHANGED : SAME;
        if (copy)
                *out = (struct tree){ .kind = TREE_OBJECT, .n = n, .members = copy };
        return rc;
}

static int walk_items(struct masker *m, struct one o, struct classes_at *at, struct tree *out,
                      enum fate *fate)
{
        struct tree *copy = NULL;
        int rc = 0;

        for (uint32_t i = 0; rc == 0 && i < o.v->n; i++) {
                struct mask_place here = { .above = o.place, .item = i };
                struct classes_at inner = { .set = at->set };
                struct tree masked = { .kind = TREE_NULL }; /* what is gone */
                enum fate became = SAME;

                if (at->below)
                        rc = classes_item(&m->walk, at, i, &inner);
                if (rc == 0)
                        rc = walk(m, (struct one){ &o.v->items[i], &here }, &inner, &masked,
                                  &became);
                if (rc < 0 || became == SAME)
                        continue;
                copy = copy_of(m, copy, o.v->items, o.v->n, sizeof *copy);
                if (!copy)
                        return -ENOMEM;
                copy[i] = masked;
        }
        *fate = copy ? CHANGED : SAME;
        if (copy)
                *out = (struct tree){ .kind = TREE_ARRAY, .n = o.v->n, .items = copy };
        return rc;
}

/* *out is set where the value changed. */
static int walk(struct masker *m, struct one o, struct classes_at *at, struct tree *out,
                enum fate *fate)
{
        bool container = o.v->kind == TREE_OBJECT || o.v->kind == TREE_ARRAY;
        bool plain = m->s->plain && class_set_empty(&at->set);
        int rc = 0;

        *fate = SAME;
        if (at->own)
                rc = judge(m, o.v, &at->set, out, fate);
        else if (plain)
                rc = m->s->plain(m->s->ctx, o.place, o.v);
        if (rc < 0 || *fate != SAME || !container || o.v->n == 0)
                return rc;
        if (at->below)
                rc = classes_enter(&m->walk, at, o.v);
        if (rc < 0 || !(at->below || plain))
                return rc;
        return o.v->kind == TREE_OBJECT ? walk_members(m, o, at, out, fate)
                                        : walk_items(m, o, at, out, fate);
}

/* ---- the whole ---- */

static int explain(struct masker *m, int rc, struct err *err)
{
        if (rc == -E2BIG)
                return err_set(err, rc, "%s",
                               m->found->n_values == MASK_VALUES_MAX
                                       ? "too many values to record"
                                       : "data classes take too long to find");
        return rc == -ENOMEM ? err_set(err, rc, "no memory for data classes") : rc;
}

int mask_response(const struct mask_spec *s, const struct tree *v, struct arena *arena,
                  struct tree *ret, uint32_t *ret_n, struct mask_found *found, struct err *err)
{
        const struct mask_place whole = { .above = NULL };
        struct masker m = { .s = s, .arena = arena, .found = found };
        struct classes_at at;
        enum fate fate = SAME;
        struct tree masked = { .kind = TREE_NULL }; /* what is gone */
        int rc = begin_found(s->package, arena, found);

        if (rc == 0)
                rc = classes_begin(s->package->classes, s->schema, &m.walk, &at);
        if (rc == 0)
                rc = walk(&m, (struct one){ v, &whole }, &at, &masked, &fate);
        hmac_key_free(m.hash);
        if (rc < 0)
                return explain(&m, rc, err);
        *ret = fate == SAME ? *v : masked;
        *ret_n = m.n_masked;
        return 0;
}

int mask_request(const struct package *p, uint32_t schema, const struct tree *v,
                 struct arena *arena, struct mask_found *found, struct err *err)
{
        const struct mask_spec s = { .package = p, .schema = schema };
        struct tree same;
        uint32_t n;

        return mask_response(&s, v, arena, &same, &n, found, err);
}
