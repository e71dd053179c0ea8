/* SPDX-License-Identifier: Apache-2.0 */
/* decl.c - a schema as it was written: lists, the rules of names, where an error lies.  Floor 2. */
#include "policy/schema/decl.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/parse/token.h"

void decl_add_namespace(struct decl_schema *d, struct decl_name *n)
{
        d->n_namespaces++;
        n->next = d->namespaces;
        d->namespaces = n;
}

void decl_add_entity(struct decl_schema *d, struct decl_entity *e)
{
        e->order = d->n_entities++;
        e->next = d->entities;
        d->entities = e;
}

void decl_add_common(struct decl_schema *d, struct decl_common *c)
{
        c->order = d->n_commons++;
        c->next = d->commons;
        d->commons = c;
}

void decl_add_action(struct decl_schema *d, struct decl_action *a)
{
        a->order = d->n_actions++;
        a->next = d->actions;
        d->actions = a;
}

/* `entityTypes.User.shape` */
static void put_path(const struct decl_at *at, unsigned depth, struct buf *out)
{
        if (at->up && depth)
                put_path(at->up, depth - 1, out);
        if (at->key.n == 0)
                return;
        if (out->n)
                buf_put_byte(out, '.');
        text_put_safe(out, at->key);
}

int(decl_fail)(struct err *err, const struct decl_at *at, const char *fmt, ...)
{
        enum { STEPS_SHOWN = 40 };
        char text[ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        if (at->line)
                return err_set(err, -EINVAL, "line %u, column %u: %s", at->line, at->column, text);

        struct buf path = BUF_INIT(ERR_TEXT_MAX / 2);

        put_path(at, STEPS_SHOWN, &path);
        err_set(err, -EINVAL, "%.*s%s%s", (int)path.n, path.n ? (const char *)path.p : "",
                path.n ? ": " : "", text);
        buf_done(&path);
        return -EINVAL;
}

static bool is_in(struct span s, const char *const *words, size_t n)
{
        for (size_t i = 0; i < n; i++)
                if (span_eq_str(s, words[i]))
                        return true;
        return false;
}

bool decl_is_path(struct span s)
{
        for (;;) {
                const uint8_t *colon = s.n ? memchr(s.p, ':', s.n) : NULL;
                struct span part = colon ? span_of(s.p, (size_t)(colon - s.p)) : s;

                if (!cedar_is_ident(part) && !span_eq_str(part, "__cedar"))
                        return false;
                if (!colon)
                        return true;
                s = span_from(s, part.n);
                if (!span_starts(s, SPAN("::")))
                        return false;
                s = span_from(s, 2);
        }
}

bool decl_is_reserved(struct span path)
{
        const struct span word = SPAN("__cedar");

        for (size_t from = 0, i = 0; i <= path.n; i++) {
                if (i < path.n && path.p[i] != ':')
                        continue;
                if (span_eq(span_of(path.p + from, i - from), word))
                        return true;
                from = i + 1;
        }
        return false;
}

bool decl_is_type_word(struct span id)
{
        static const char *const words[] = { "Bool", "Boolean", "Entity", "Extension",
                                             "Long", "Record",  "Set",    "String" };

        return is_in(id, words, ARRAY_LEN(words));
}

bool decl_builtin(struct span id, enum cedar_kind *ret)
{
        static const enum cedar_kind kinds[] = { CEDAR_BOOL,    CEDAR_LONG, CEDAR_STRING,
                                                 CEDAR_DECIMAL, CEDAR_IP,   CEDAR_DATETIME,
                                                 CEDAR_DURATION };

        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                if (span_eq_str(id, cedar_kind_name(kinds[i]))) {
                        *ret = kinds[i];
                        return true;
                }
        return false;
}
