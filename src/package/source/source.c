/* SPDX-License-Identifier: Apache-2.0 */
/* source.c - looking into a source file that was read.  Floor 2, pure. */
#include "package/source/source.h"

const struct source_node *source_get(const struct source_node *map, const char *key)
{
        const struct source_node *m;

        if (map->kind != SOURCE_MAP)
                return NULL;
        for (m = map->child; m; m = m->next)
                if (span_eq_str(m->key, key))
                        return m;
        return NULL;
}

const char *source_kind_name(enum source_kind kind)
{
        static const char *const names[] = {
                [SOURCE_NULL] = "null",       [SOURCE_BOOL] = "true or false",
                [SOURCE_NUMBER] = "a number", [SOURCE_ODD_NUMBER] = "a number that JSON has not",
                [SOURCE_STRING] = "a string", [SOURCE_LIST] = "a list",
                [SOURCE_MAP] = "a map",
        };

        return names[kind];
}
