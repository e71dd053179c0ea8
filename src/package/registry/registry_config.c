/* SPDX-License-Identifier: Apache-2.0 */
#include "package/registry/registry_config.h"

enum { MEMORY_MAX = 64 << 20 };

void registry_config_init(struct registry_config *c)
{
        *c = (struct registry_config){ .arena = ARENA_INIT(MEMORY_MAX) };
}

void registry_config_done(struct registry_config *c)
{
        arena_done(&c->arena);
        registry_config_init(c);
}

int registry_config_add(struct registry_config *c, const struct registry_fact *f)
{
        struct registry_item *i;

        if (c->n == REGISTRY_FACTS_MAX)
                return -EBADMSG;
        i = arena_alloc(&c->arena, sizeof *i);
        if (!i)
                return -ENOMEM;
        *i = (struct registry_item){ .kind = f->kind,
                                     .name = arena_copy(&c->arena, span_str(f->name)),
                                     .of = arena_copy(&c->arena, span_str(f->of)),
                                     .value = arena_copy(&c->arena, span_str(f->value)) };
        if (!i->name || !i->of || !i->value)
                return -ENOMEM;
        if (c->last)
                c->last->next = i;
        else
                c->first = i;
        c->last = i;
        c->n++;
        return 0;
}

const struct registry_item *registry_config_next(const struct registry_config *c,
                                                 const struct registry_item *after,
                                                 enum registry_fact_kind kind, const char *name)
{
        const struct registry_item *i = after ? after->next : c->first;

        while (i && (i->kind != kind || (name && strcmp(i->name, name) != 0)))
                i = i->next;
        return i;
}

const char *registry_config_value(const struct registry_config *c, enum registry_fact_kind kind,
                                  const char *name)
{
        const struct registry_item *i = registry_config_next(c, NULL, kind, name);

        return i ? i->value : NULL;
}

const char *registry_config_directory(const struct registry_config *c, const char *repository,
                                      struct span api)
{
        const struct registry_item *i = NULL;

        while ((i = registry_config_next(c, i, REGISTRY_API, repository)))
                if (span_eq_str(api, i->of))
                        return i->value;
        return NULL;
}

const char *registry_config_author(const struct registry_config *c, const char *signer)
{
        const struct registry_item *i = NULL;

        while ((i = registry_config_next(c, i, REGISTRY_AUTHOR, NULL)))
                if (strcmp(i->value, signer) == 0)
                        return i->name;
        return NULL;
}

void registry_config_keys(const struct registry_config *c, enum registry_fact_kind kind,
                          struct span ret[REGISTRY_KEYS_MAX], size_t *ret_n)
{
        const struct registry_item *i = NULL;
        size_t n = 0;

        while (n < REGISTRY_KEYS_MAX && (i = registry_config_next(c, i, kind, NULL)))
                ret[n++] = span_str(i->value);
        *ret_n = n;
}

const struct registry_item *registry_config_key(const struct registry_config *c,
                                                enum registry_fact_kind kind, size_t n)
{
        const struct registry_item *i = registry_config_next(c, NULL, kind, NULL);

        while (i && n-- > 0)
                i = registry_config_next(c, i, kind, NULL);
        return i;
}
