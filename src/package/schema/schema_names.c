/* SPDX-License-Identifier: Apache-2.0 */
/* schema_names.c - which names of members a document has itself.  Floor 2, pure. */
#include "package/schema/schema_checker.h"

#include <stdlib.h>

static int compare_spans(const void *a, const void *b)
{
        return span_cmp(*(const struct span *)a, *(const struct span *)b);
}

static uint32_t names_of(const struct api_schema *s, struct span *to)
{
        uint32_t n = 0;

        for (uint32_t i = 0; i < s->n_properties; i++, n++)
                if (to)
                        to[n] = s->properties[i].name;
        for (uint32_t i = 0; i < s->n_dependents; i++) {
                const struct api_dependent *d = &s->dependents[i];

                for (uint32_t j = 0; j < d->n_required; j++, n++)
                        if (to)
                                to[n] = d->required[j];
                if (to)
                        to[n] = d->name;
                n++;
        }
        return n;
}

int checker_gather_names(struct api_checker *c)
{
        size_t n = 0, kept = 0;

        for (uint32_t i = 0; i < c->schemas.n; i++)
                n += names_of(&c->schemas.at[i], NULL);
        c->names = arena_alloc(&c->arena, n * sizeof *c->names);
        if (!c->names)
                return -ENOMEM;
        n = 0;
        for (uint32_t i = 0; i < c->schemas.n; i++)
                n += names_of(&c->schemas.at[i], c->names + n);
        qsort(c->names, n, sizeof *c->names, compare_spans);
        for (size_t i = 0; i < n; i++)
                if (kept == 0 || !span_eq(c->names[kept - 1], c->names[i]))
                        c->names[kept++] = c->names[i];
        c->n_names = kept;
        return 0;
}

bool api_checker_named(const struct api_checker *c, struct span name)
{
        return c->n_names > 0 &&
               bsearch(&name, c->names, c->n_names, sizeof *c->names, compare_spans);
}
