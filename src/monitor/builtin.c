/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/builtin.h"

#include "base/text.h"

/* clang-format off */
static const struct builtin builtins[] = {
        { "clock", builtin_clock },
        { "day", builtin_day },
        { "filesystems", builtin_filesystems },
        { "luks", builtin_luks },
        { "namespace_mounts", builtin_namespace_mounts },
        { "namespace_ports", builtin_namespace_ports },
        { "ports", builtin_ports },
        { "processors", builtin_processors },
        { "suid", builtin_suid },
        { NULL, NULL },
};
/* clang-format on */

const struct builtin *builtin_by_name(const char *name)
{
        for (const struct builtin *b = builtins; b->name; b++)
                if (strcmp(b->name, name) == 0)
                        return b;
        return NULL;
}

bool builtin_is_cheap(const struct builtin *b)
{
        return b->ask == builtin_day;
}

bool builtin_is_walk(const struct builtin *b)
{
        return b->ask == builtin_suid;
}

static void put_tab(struct buf *out)
{
        if (out->n && out->p[out->n - 1] != '\n')
                buf_put_byte(out, '\t');
}

/* A dash stands for nothing, so that a field is never empty. */
void builtin_field(struct buf *out, struct span s)
{
        put_tab(out);
        if (s.n == 0)
                buf_put_byte(out, '-');
        else
                text_put_safe(out, s);
}

void builtin_number(struct buf *out, uint64_t v)
{
        put_tab(out);
        buf_printf(out, "%llu", (unsigned long long)v);
}

void builtin_end(struct buf *out)
{
        buf_put_byte(out, '\n');
}
