/* SPDX-License-Identifier: Apache-2.0 */
/* judge - does a value fit a schema?  Asked by the programs beside it.
 *
 * Each line of the input is {"schema": ..., "values": [...]}; of the output either a letter for
 * each value - 1 it fits, 0 it does not, E too much - or "refused: why".  With -v a line for each
 * value that does not fit stands before it. */
#include <stdio.h>
#include <stdlib.h>

#include "../../package/schema/schema_maker.h"

static bool told;

static void judge_values(const struct api_checker *c, const struct tree *values)
{
        for (uint32_t i = 0; i < values->n; i++) {
                struct err err = { 0 };
                int rc = api_schema_check(c, 0, &values->items[i], "value", &err);

                if (rc < 0 && told)
                        printf("# %s\n", err.text);
        }
        for (uint32_t i = 0; i < values->n; i++) {
                int rc = api_schema_check(c, 0, &values->items[i], "value", NULL);

                putchar(rc == 0 ? '1' : rc == -EINVAL ? '0' : 'E');
        }
        putchar('\n');
}

static int judge(struct span line, struct arena *arena, struct err *err)
{
        CLEANUP(api_checker_freep) struct api_checker *c = NULL;
        const struct tree *schema, *values;
        struct api_schemas s;
        struct tree t;
        int rc = tree_read_real(line, TREE_DEPTH_MAX, arena, &t, err);

        if (rc < 0)
                return rc;
        schema = tree_get(&t, "schema");
        values = tree_get(&t, "values");
        if (!schema || !values || values->kind != TREE_ARRAY)
                return err_set(err, -EINVAL, "not what is asked here");
        rc = schema_make(schema, arena, &s, err);
        if (rc == 0)
                rc = api_checker_new(&s, &c, err);
        if (rc == 0)
                judge_values(c, values);
        return rc;
}

int main(int argc, char **argv)
{
        struct arena arena = ARENA_INIT((size_t)1 << 30);
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        told = argc > 1 && strcmp(argv[1], "-v") == 0;
        while ((n = getline(&line, &cap, stdin)) > 0) {
                struct err err = { 0 };

                if (judge(span_of(line, (size_t)n), &arena, &err) < 0)
                        printf("refused: %s\n", err.text);
                arena_reset(&arena);
        }
        free(line);
        arena_done(&arena);
        return 0;
}
