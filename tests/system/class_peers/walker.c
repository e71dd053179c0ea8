/* SPDX-License-Identifier: Apache-2.0 */
/* walker - which data classes has each value within a value?  Asked by the program beside it.
 *
 * Each line of the input is {"schema": ..., "value": ...}; of the output {"<JSON Pointer>":
 * ["<class>", ...], ...} with every value within, or "refused: why". */
#include <stdio.h>
#include <stdlib.h>

#include "../../package/schema/class_world.h"
#include "wire/json.h"

struct walker {
        const struct class_world *world;
        struct classes_walk walk;
        struct buf pointer, out;
};

static int walk(struct walker *w, const struct tree *v, struct classes_at *at);

static void put_place(struct walker *w, const struct classes_at *at)
{
        const char *comma = "";

        buf_put_str(&w->out, w->out.n > 1 ? "," : "");
        json_put_quoted(&w->out, buf_span(&w->pointer));
        buf_put_str(&w->out, ":[");
        for (uint32_t i = class_set_next(&at->set, 0); i < API_CLASSES_MAX;
             i = class_set_next(&at->set, i + 1)) {
                buf_put_str(&w->out, comma);
                json_put_quoted(&w->out, w->world->api.classes[i]);
                comma = ",";
        }
        buf_put_byte(&w->out, ']');
}

static int walk_part(struct walker *w, const struct tree *v, struct classes_at *at, uint32_t i)
{
        bool object = v->kind == TREE_OBJECT;
        struct classes_at inner = { .set = at->set };
        size_t n = w->pointer.n;
        int rc = 0;

        if (object)
                buf_printf(&w->pointer, "/%.*s", (int)v->members[i].key.n,
                           (const char *)v->members[i].key.p);
        else
                buf_printf(&w->pointer, "/%u", i);
        if (at->below)
                rc = object ? classes_member(&w->walk, at, v->members[i].key, &inner)
                            : classes_item(&w->walk, at, i, &inner);
        if (rc == 0)
                rc = walk(w, object ? &v->members[i].value : &v->items[i], &inner);
        w->pointer.n = n;
        return rc;
}

static int walk(struct walker *w, const struct tree *v, struct classes_at *at)
{
        bool container = v->kind == TREE_OBJECT || v->kind == TREE_ARRAY;
        int rc = 0;

        put_place(w, at);
        if (container && at->below)
                rc = classes_enter(&w->walk, at, v);
        for (uint32_t i = 0; container && rc == 0 && i < v->n; i++)
                rc = walk_part(w, v, at, i);
        return rc;
}

static int answer(const struct class_world *world, const struct tree *value, struct err *err)
{
        struct walker w = { .world = world,
                            .pointer = BUF_INIT(1 << 16),
                            .out = BUF_INIT((size_t)1 << 24) };
        struct classes_at at;
        int rc = classes_begin(world->classes, 0, &w.walk, &at);

        buf_put_byte(&w.out, '{');
        if (rc == 0)
                rc = walk(&w, value, &at);
        buf_put_byte(&w.out, '}');
        if (rc == 0)
                printf("%s\n", buf_cstr(&w.out));
        buf_done(&w.pointer);
        buf_done(&w.out);
        return rc < 0 ? err_set(err, rc, "walk: %d", rc) : 0;
}

static int ask(struct span line, struct arena *arena, struct err *err)
{
        const struct tree *schema, *value;
        struct class_world world;
        struct tree t;
        int rc = tree_read_real(line, TREE_DEPTH_MAX, arena, &t, err);

        if (rc < 0)
                return rc;
        schema = tree_get(&t, "schema");
        value = tree_get(&t, "value");
        if (!schema || !value)
                return err_set(err, -EINVAL, "not what is asked here");
        rc = class_world_init(&world, schema, arena, err);
        if (rc == 0) {
                rc = answer(&world, value, err);
                class_world_done(&world);
        }
        return rc;
}

int main(void)
{
        struct arena arena = ARENA_INIT((size_t)1 << 30);
        char *line = NULL;
        size_t cap = 0;
        ssize_t n;

        while ((n = getline(&line, &cap, stdin)) > 0) {
                struct err err = { 0 };

                if (ask(span_of(line, (size_t)n), &arena, &err) < 0)
                        printf("refused: %s\n", err_text(&err));
                arena_reset(&arena);
        }
        free(line);
        arena_done(&arena);
        return 0;
}
