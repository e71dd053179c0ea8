/* SPDX-License-Identifier: Apache-2.0 */
/* mask_world.h - as much of a package as masks need, of a JSON Schema, for tests. */
#ifndef TESTS_GATEWAY_MASK_WORLD_H
#define TESTS_GATEWAY_MASK_WORLD_H

#include <stdio.h>

#include "../../package/schema/class_world.h"
#include "gateway/masking/mask.h"

struct mask_world {
        struct class_world w;
        struct arena arena;
        struct config_class classes[API_CLASSES_MAX];
        enum mask_answer says[API_CLASSES_MAX]; /* what policies say */
        uint32_t asked[API_CLASSES_MAX];
        struct package p;
};

static const uint8_t mask_world_key[32] = { 7 };

/* What stands before the end, which is cut off as well. */
static inline struct span mask_world_cut(struct span *rest, char end)
{
        const uint8_t *at = memchr(rest->p, end, rest->n);
        struct span s = span_of(rest->p, at ? (size_t)(at - rest->p) : rest->n);

        *rest = span_from(*rest, s.n + 1);
        return s;
}

static inline struct config_class *mask_world_class(struct mask_world *x, struct span name)
{
        uint32_t i = 0;

        while (i < x->p.api->n_classes && !span_eq(x->p.api->classes[i], name))
                i++;
        assert(i < x->p.api->n_classes);
        return &x->classes[i];
}

/* "pii=last4:masked ssn=hash:clear!": of each class its mask, what is answered, `!`: digests. */
static inline void mask_world_say(struct mask_world *x, const char *text)
{
        static const char *const answers[] = { "clear", "masked", "withheld" };
        struct span rest = span_str(text);

        while (rest.n > 0) {
                struct span answer = mask_world_cut(&rest, ' '),
                            class = mask_world_cut(&answer, '='),
                            mask = mask_world_cut(&answer, ':');
                struct config_class *c = mask_world_class(x, class);
                unsigned i = 0;

                c->mask = 0;
                while (!span_eq_str(mask, mask_name(c->mask)))
                        c->mask++;
                c->digest = answer.p[answer.n - 1] == '!';
                answer.n -= c->digest;
                while (!span_eq_str(answer, answers[i]))
                        assert(++i < ARRAY_LEN(answers));
                x->says[c - x->classes] = (enum mask_answer)i;
        }
}

static inline void mask_world_done(struct mask_world *x)
{
        class_world_done(&x->w);
        arena_done(&x->arena);
}

/* schema and what is said must be right. */
static inline void mask_world_init(struct mask_world *x, struct span schema, const char *says)
{
        struct err err = { 0 };
        struct tree *document;

        *x = (struct mask_world){ .arena = ARENA_INIT((size_t)1 << 28) };
        document = arena_alloc(&x->arena, sizeof *document);
        if (tree_read_real(schema, TREE_DEPTH_MAX, &x->arena, document, &err) < 0 ||
            class_world_init(&x->w, document, &x->arena, &err) < 0) {
                (void)fprintf(stderr, "%s\n", err_text(&err));
                abort();
        }
        x->p = (struct package){ .api = &x->w.api,
                                 .checker = x->w.checker,
                                 .classes = x->w.classes };
        for (uint32_t i = 0; i < x->w.api.n_classes; i++)
                x->classes[i].name = x->w.api.classes[i];
        x->p.config.classes = x->classes;
        x->p.config.n_classes = x->w.api.n_classes;
        mask_world_say(x, says);
}

/* A mask_ask_fn: ctx is the world, or begins with one. */
static inline enum mask_answer mask_world_ask(void *ctx, uint32_t class)
{
        struct mask_world *x = ctx;

        x->asked[class]++;
        return x->says[class];
}

#endif
