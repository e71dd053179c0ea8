/* SPDX-License-Identifier: Apache-2.0 */
/* question.c - see question.h.  Floor 2, pure. */
#include "package/question.h"

static bool put_action(struct arena *arena, struct span id, const char *suffix,
                       struct cedar_uid *ret)
{
        const size_t n = strlen(suffix);
        char *text = arena_alloc(arena, id.n + n + 1);

        if (!text)
                return false;
        memcpy(text, id.p, id.n);
        memcpy(text + id.n, suffix, n);
        *ret = cedar_uid(SPAN("Action"), span_of(text, id.n + n));
        return true;
}

int api_questions(const struct api *api, struct arena *arena, struct api_questions *ret)
{
        struct api_questions q = {
                .actions = arena_alloc(arena, api->n_operations * sizeof *q.actions),
                .reads = arena_alloc(arena, api->n_operations * sizeof *q.reads),
                .masked = arena_alloc(arena, api->n_operations * sizeof *q.masked),
                .classes = arena_alloc(arena, api->n_classes * sizeof *q.classes),
        };

        if (!q.actions || !q.reads || !q.masked || !q.classes)
                return -ENOMEM;
        for (uint32_t i = 0; i < api->n_operations; i++) {
                const struct api_operation *o = &api->operations[i];

                q.actions[i] = cedar_uid(SPAN("Action"), o->id);
                if (o->n_reads && (!put_action(arena, o->id, ".read", &q.reads[i]) ||
                                   !put_action(arena, o->id, ".readMasked", &q.masked[i])))
                        return -ENOMEM;
        }
        for (uint32_t i = 0; i < api->n_classes; i++)
                q.classes[i] = cedar_uid(SPAN("DataClass"), api->classes[i]);
        *ret = q;
        return 0;
}
