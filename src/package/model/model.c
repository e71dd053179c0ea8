/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - names in an API, and finding an operation.  Floor 2, pure. */
#include "package/model/model.h"

#include <stdlib.h>

static const char *const methods[API_METHODS] = {
        [API_GET] = "GET",         [API_HEAD] = "HEAD",   [API_POST] = "POST",
        [API_PUT] = "PUT",         [API_PATCH] = "PATCH", [API_DELETE] = "DELETE",
        [API_OPTIONS] = "OPTIONS",
};

const char *api_method_name(enum api_method m)
{
        return methods[m];
}

enum api_method api_method_of(struct span name)
{
        for (unsigned m = 0; m < API_METHODS; m++)
                if (span_eq_str(name, methods[m]))
                        return (enum api_method)m;
        return API_METHODS;
}

int api_segments_compare(const struct api_segment *a, uint32_t n_a, const struct api_segment *b,
                         uint32_t n_b)
{
        for (uint32_t i = 0; i < n_a && i < n_b; i++) {
                int c = a[i].parameter - b[i].parameter;

                if (c == 0 && !a[i].parameter)
                        c = span_cmp(a[i].text, b[i].text);
                if (c)
                        return c;
        }
        return (n_a > n_b) - (n_a < n_b);
}

const char *api_place_name(enum api_place p)
{
        static const char *const names[] = {
                [API_IN_PATH] = "path",
                [API_IN_QUERY] = "query",
                [API_IN_HEADER] = "header",
                [API_IN_COOKIE] = "cookie",
        };

        return names[p];
}

static int by_id(const void *id, const void *operation)
{
        return span_cmp(*(const struct span *)id, ((const struct api_operation *)operation)->id);
}

const struct api_operation *api_operation(const struct api *a, struct span id)
{
        if (a->n_operations == 0)
                return NULL;
        return bsearch(&id, a->operations, a->n_operations, sizeof *a->operations, by_id);
}

static int by_name(const void *name, const void *class)
{
        return span_cmp(*(const struct span *)name, *(const struct span *)class);
}

uint32_t api_class(const struct api *a, struct span name)
{
        const struct span *found = NULL;

        if (a->n_classes)
                found = bsearch(&name, a->classes, a->n_classes, sizeof *a->classes, by_name);
        return found ? (uint32_t)(found - a->classes) : API_NONE;
}

struct api *api_free(struct api *a)
{
        if (a) {
                arena_done(&a->arena);
                free(a);
        }
        return NULL;
}
