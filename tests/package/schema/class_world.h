/* SPDX-License-Identifier: Apache-2.0 */
/* class_world.h - a JSON Schema, with x-data-class, made ready to ask for classes, for tests. */
#ifndef TESTS_PACKAGE_CLASS_WORLD_H
#define TESTS_PACKAGE_CLASS_WORLD_H

#include <stdlib.h>

#include "package/schema/classes.h"
#include "schema_maker.h"

struct class_world {
        struct api api; /* schemas and classes */
        struct api_checker *checker;
        struct api_classes *classes;
};

static inline int class_world_by_text(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

/* The classes that are named, ascending, each once. */
static inline int class_world_gather(struct class_world *w, struct arena *arena)
{
        struct span *names = arena_alloc(arena, (w->api.schemas.n + 1) * sizeof *names);
        uint32_t n = 0, kept = 0;

        if (!names)
                return -ENOMEM;
        for (uint32_t i = 0; i < w->api.schemas.n; i++)
                if (w->api.schemas.at[i].data_class.n > 0)
                        names[n++] = w->api.schemas.at[i].data_class;
        qsort(names, n, sizeof *names, class_world_by_text);
        for (uint32_t i = 0; i < n; i++)
                if (i == 0 || !span_eq(names[i], names[i - 1]))
                        names[kept++] = names[i];
        w->api.classes = names;
        w->api.n_classes = kept;
        return kept > API_CLASSES_MAX ? -E2BIG : 0;
}

static inline void class_world_done(struct class_world *w)
{
        w->classes = api_classes_free(w->classes);
        w->checker = api_checker_free(w->checker);
}

/* All but what is freed by _done() lies in arena, which document must outlive. */
static inline int class_world_init(struct class_world *w, const struct tree *document,
                                   struct arena *arena, struct err *err)
{
        int rc;

        *w = (struct class_world){ 0 };
        rc = schema_make(document, arena, &w->api.schemas, err);
        if (rc == 0)
                rc = class_world_gather(w, arena);
        if (rc == 0)
                rc = api_checker_new(&w->api.schemas, &w->checker, err);
        if (rc == 0)
                rc = api_classes_new(&w->api, w->checker, &w->classes, err);
        if (rc < 0)
                class_world_done(w);
        return rc;
}

#endif
