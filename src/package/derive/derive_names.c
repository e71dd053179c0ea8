/* SPDX-License-Identifier: Apache-2.0 */
/* derive_names.c - names for the types of a derived schema; see derive_names.h. */
#include "package/derive/derive_names.h"

#include <stdio.h>

#include "policy/value/uid.h"

static uint32_t *slot_of(const struct derive_names *names, struct span name)
{
        uint32_t mask = names->n_slots - 1, i = (uint32_t)cedar_uid(name, SPAN_NONE).hash & mask;

        while (names->slots[i] && !span_eq(names->list[names->slots[i] - 1].name, name))
                i = (i + 1) & mask;
        return &names->slots[i];
}

/* Room for one more, and at least as many empty slots. */
static int grow(struct derive_names *names)
{
        uint32_t cap = names->cap ? 2 * names->cap : 64;
        struct derive_name *list = arena_alloc(names->arena, cap * sizeof *list);
        uint32_t *slots = arena_alloc(names->arena, 2 * cap * sizeof *slots);

        if (!list || !slots)
                return -ENOMEM;
        if (names->n)
                memcpy(list, names->list, names->n * sizeof *list);
        names->list = list;
        names->slots = slots;
        names->cap = cap;
        names->n_slots = 2 * cap;
        for (uint32_t i = 0; i < names->n; i++)
                *slot_of(names, list[i].name) = i + 1;
        return 0;
}

const struct derive_name *derive_name_find(const struct derive_names *names, struct span name)
{
        uint32_t at = names->n ? *slot_of(names, name) : 0;

        return at ? &names->list[at - 1] : NULL;
}

static bool same_ids(const struct derive_name *a, const struct derive_name *b)
{
        if (a->what != NAMED_ENUM || b->what != NAMED_ENUM || a->n_values != b->n_values)
                return false;
        for (uint32_t i = 0; i < a->n_values; i++)
                if (!span_eq(a->values[i], b->values[i]))
                        return false;
        return true;
}

static int add(struct derive_names *names, const struct derive_name *wanted, struct span name,
               struct span *ret)
{
        char *copy = arena_copy(names->arena, name);

        if (!copy || (names->n == names->cap && grow(names) < 0))
                return -ENOMEM;
        assert(names->list);
        names->list[names->n] = *wanted;
        names->list[names->n].name = *ret = span_of(copy, name.n);
        *slot_of(names, *ret) = ++names->n;
        return 0;
}

int derive_name(struct derive_names *names, const struct derive_name *wanted, struct span *ret)
{
        char text[DERIVE_NAME_MAX + 16];
        struct span name = wanted->name, base;

        if (name.n == 0)
                name = SPAN("Unnamed");
        if (wanted->what != NAMED_OTHERWISE)
                name.n = MIN_OF(name.n, (size_t)DERIVE_NAME_MAX);
        base = name;
        for (unsigned i = 2; i < DERIVE_SAME_MAX; i++) {
                const struct derive_name *had = derive_name_find(names, name);

                if (!had)
                        return add(names, wanted, name, ret);
                if (wanted->what == NAMED_OTHERWISE || same_ids(had, wanted)) {
                        *ret = had->name;
                        return 0;
                }
                name = span_of(text, (size_t)snprintf(text, sizeof text, "%.*s_%u", (int)base.n,
                                                      (const char *)base.p, i));
        }
        return -E2BIG;
}

void derive_name_put(struct buf *out, struct span name)
{
        bool begins = true;

        for (size_t i = 0; i < name.n && out->n < DERIVE_NAME_MAX; i++) {
                uint8_t c = name.p[i];
                bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

                if (!letter && !(c >= '0' && c <= '9')) {
                        begins = true;
                        continue;
                }
                if (out->n == 0 && !letter)
                        buf_put_byte(out, '_');
                buf_put_byte(out, begins && c >= 'a' && c <= 'z' ? (uint8_t)(c - 32) : c);
                begins = false;
        }
}
