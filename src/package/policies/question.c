/* SPDX-License-Identifier: Apache-2.0 */
/* question.c - see question.h.  Floor 2, pure. */
#include "package/policies/question.h"

struct span api_question_suffix(enum api_question which)
{
        static const struct span suffixes[API_ASKS] = { [API_ASK_CALL] = SPAN_INIT(""),
                                                        [API_ASK_READ] = SPAN_INIT(".read"),
                                                        [API_ASK_MASKED] =
                                                                SPAN_INIT(".readMasked") };

        return suffixes[which];
}

bool api_question(struct arena *arena, struct span operation, enum api_question which,
                  struct cedar_uid *ret)
{
        const struct span suffix = api_question_suffix(which);
        char *text = arena_alloc(arena, operation.n + suffix.n + 1);

        if (!text)
                return false;
        memcpy(text, operation.p, operation.n);
        memcpy(text + operation.n, suffix.p, suffix.n);
        *ret = cedar_uid(SPAN("Action"), span_of(text, operation.n + suffix.n));
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
                if (o->n_reads && (!api_question(arena, o->id, API_ASK_READ, &q.reads[i]) ||
                                   !api_question(arena, o->id, API_ASK_MASKED, &q.masked[i])))
                        return -ENOMEM;
        }
        for (uint32_t i = 0; i < api->n_classes; i++)
                q.classes[i] = cedar_uid(SPAN("DataClass"), api->classes[i]);
        *ret = q;
        return 0;
}
