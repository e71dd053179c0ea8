/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_mask.h - a value masked by a schema, and looked at again. */
#ifndef FUZZ_FUZZ_MASK_H
#define FUZZ_FUZZ_MASK_H

#include "../tests/package/schema/class_world.h"
#include "fuzz.h"
#include "gateway/masking/mask.h"

struct fuzz_masks {
        struct class_world w;
        struct config_class classes[API_CLASSES_MAX];
        struct package p;
        struct span says; /* a byte for each class: its mask, and what is answered */
};

static inline uint8_t fuzz_masks_byte(const struct fuzz_masks *m, uint32_t class)
{
        return m->says.n ? m->says.p[class % m->says.n] : 0;
}

static inline enum mask_answer fuzz_masks_ask(void *ctx, uint32_t class)
{
        return (enum mask_answer)(fuzz_masks_byte(ctx, class) % 3);
}

static inline int fuzz_masks_plain(void *ctx, const struct mask_place *at, const struct tree *v)
{
        return 0;
}

/* "schema \0 value \0 says" */
static inline bool fuzz_masks_read(struct fuzz_masks *m, struct span rest, struct arena *arena,
                                   struct tree *document, struct tree *value)
{
        struct tree *parts[] = { document, value };

        for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
                const uint8_t *end = rest.n ? memchr(rest.p, 0, rest.n) : NULL;
                size_t n = end ? (size_t)(end - rest.p) : rest.n;

                if (tree_read_real(span_of(rest.p, n), TREE_DEPTH_MAX, arena, parts[i], NULL) < 0)
                        return false;
                rest = span_from(rest, n + 1);
        }
        m->says = rest;
        if (class_world_init(&m->w, document, arena, NULL) < 0)
                return false;
        for (uint32_t i = 0; i < m->w.api.n_classes; i++)
                m->classes[i] = (struct config_class){
                        m->w.api.classes[i], (enum mask)(fuzz_masks_byte(m, i) / 3 % MASKS), true
                };
        m->p = (struct package){ .api = &m->w.api,
                                 .checker = m->w.checker,
                                 .classes = m->w.classes,
                                 .config = { .classes = m->classes,
                                             .n_classes = m->w.api.n_classes } };
        return true;
}

/* What is not in clear any more is a string, and null or nothing where it is withheld. */
static inline void fuzz_masks_check(const struct fuzz_masks *m, const struct mask_found *again)
{
        for (uint32_t i = 0; i < again->n_values; i++) {
                const struct mask_value *v = &again->values[i];
                enum mask_answer a = (enum mask_answer)(fuzz_masks_byte(m, v->class) % 3);
                bool null = v->value->kind == TREE_NULL, text = v->value->kind == TREE_STRING;

                assert(a == MASK_CLEAR || null || (text && a == MASK_MASKED));
        }
}

static inline void fuzz_masks_twice(struct fuzz_masks *m, const struct tree *v, struct arena *arena)
{
        static const uint8_t key[32] = { 1 };
        const struct mask_spec s = { .package = &m->p,
                                     .ask = fuzz_masks_ask,
                                     .plain = fuzz_masks_plain,
                                     .ctx = m,
                                     .key = key };
        CLEANUP(buf_done) struct buf before = BUF_INIT((size_t)1 << 28);
        CLEANUP(buf_done) struct buf after = BUF_INIT((size_t)1 << 28);
        struct mask_found found = { 0 }, again = { 0 };
        struct tree masked;
        uint32_t n;
        int rc = mask_response(&s, v, arena, &masked, &n, &found, NULL);

        assert(rc == 0 || rc == -E2BIG || arena->full);
        if (rc < 0)
                return;
        tree_print(v, &before);
        tree_print(&masked, &after);
        assert(buf_status(&before) == 0 && buf_status(&after) == 0);
        assert(n > 0 || span_eq(buf_span(&before), buf_span(&after)));
        if (mask_request(&m->p, 0, &masked, arena, &again, NULL) == 0)
                fuzz_masks_check(m, &again);
}

#endif
