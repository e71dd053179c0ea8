/* SPDX-License-Identifier: Apache-2.0 */
/* validate_find.c - what was found, and how it is said. */
#include <stdarg.h>
#include <stdio.h>

#include "base/text.h"
#include "policy/print/print.h"
#include "policy/validate/validate_check.h"

enum { TEXT_MAX = 1024, PART_MAX = 120 };

void check_fail(struct check *c, int code)
{
        if (c->failed == 0)
                c->failed = code;
}

bool check_may_find(const struct check *c)
{
        return c->n_found <= CEDAR_FINDINGS_MAX && c->failed == 0;
}

/* The same thing at the same place, in another kind of request. */
static bool said_before(const struct check *c, struct cedar_pos pos, struct span text)
{
        for (uint32_t i = c->n_before; i < c->n_found; i++) {
                const struct check_found *f = &c->found[i];

                if (f->f.pos.at == pos.at && span_eq(span_of(f->f.text, f->said), text))
                        return true;
        }
        return false;
}

static void put_env(struct check *c, struct buf *out)
{
        const struct check_env *env = c->env;

        buf_put_str(out, " (principal ");
        buf_put(out, env->principal.entity);
        buf_put_str(out, ", action ");
        cedar_print_uid(&env->action->uid, out);
        buf_put_str(out, ", resource ");
        buf_put(out, env->resource.entity);
        buf_put_byte(out, ')');
}

static void find(struct check *c, bool warning, struct cedar_pos pos, struct buf *text)
{
        size_t said = text->n;
        char *copy;

        if (buf_status(text) == 0 && said_before(c, pos, buf_span(text)))
                return;
        if (c->n_found == CEDAR_FINDINGS_MAX) {
                warning = false; /* who stopped looking cannot say that all is well */
                buf_clear(text);
                buf_put_str(text, "and more; this is as many as are told");
                said = text->n;
        } else if (c->env) {
                put_env(c, text);
        }
        copy = buf_status(text) == 0 ? arena_copy(c->arena, buf_span(text)) : NULL;
        if (!copy) {
                check_fail(c, -ENOMEM);
                return;
        }
        c->found[c->n_found++] = (struct check_found){
                .f = { .policy = c->policy, .pos = pos, .warning = warning, .text = copy },
                .said = said,
        };
}

PRINTF_LIKE(4, 0)
static void find_v(struct check *c, bool warning, struct cedar_pos pos, const char *fmt, va_list ap)
{
        char text[TEXT_MAX];
        struct buf b = BUF_INIT(64 * TEXT_MAX);

        if (!check_may_find(c))
                return;
        vsnprintf(text, sizeof(text), fmt, ap);
        buf_put_str(&b, text);
        find(c, warning, pos, &b);
        buf_done(&b);
}

void check_find(struct check *c, struct cedar_pos pos, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        find_v(c, false, pos, fmt, ap);
        va_end(ap);
}

void check_warn(struct check *c, struct cedar_pos pos, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        find_v(c, true, pos, fmt, ap);
        va_end(ap);
}

/* ---- parts of a text ---- */

/* Cut where it is long, between code points.  Having written all of it was work all the same. */
static const char *kept(struct check *c, struct buf *b)
{
        struct span s = buf_span(b);
        const char *copy;

        (void)check_steps(c, s.n);
        if (s.n > PART_MAX) {
                size_t n = 0;
                unsigned len;

                while ((len = text_utf8_first(span_from(s, n), NULL)) != 0 && n + len <= PART_MAX)
                        n += len;
                b->n = n;
                buf_put_str(b, "...");
                s = buf_span(b);
        }
        copy = buf_status(b) == 0 ? arena_copy(&c->scratch, s) : NULL;
        buf_done(b);
        if (!copy)
                check_fail(c, -ENOMEM);
        return copy ? copy : "";
}

static void put_name(struct buf *out, struct span name)
{
        bool plain = name.n > 0 && !(name.p[0] >= '0' && name.p[0] <= '9');

        for (size_t i = 0; i < name.n; i++) {
                uint8_t b = name.p[i];

                plain = plain && (b == '_' || (b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') ||
                                  (b >= 'A' && b <= 'Z'));
        }
        if (plain)
                buf_put(out, name);
        else
                cedar_print_string(name, out);
}

/* In few words: a type can be longer than anybody reads. */
static void put_type(struct buf *out, const struct cedar_type *t, unsigned depth)
{
        enum { DEPTH = 3, ATTRS = 8 };

        switch (t->kind) {
        case CEDAR_ENTITY:
                buf_put(out, t->entity);
                return;
        case CEDAR_SET:
                buf_put_str(out, "Set<");
                if (depth < DEPTH)
                        put_type(out, t->item, depth + 1);
                else
                        buf_put_str(out, "...");
                buf_put_byte(out, '>');
                return;
        case CEDAR_RECORD:
                buf_put_byte(out, '{');
                for (uint32_t i = 0; i < t->n && i < ATTRS && depth < DEPTH; i++) {
                        buf_put_str(out, i ? ", " : "");
                        put_name(out, t->attrs[i].name);
                        buf_put_str(out, t->attrs[i].required ? ": " : "?: ");
                        put_type(out, t->attrs[i].type, depth + 1);
                }
                buf_put_str(out, depth >= DEPTH ? "...}" : t->n > ATTRS ? ", ...}" : "}");
                return;
        default:
                buf_put_str(out, cedar_kind_name(t->kind));
        }
}

const char *check_type_text(struct check *c, const struct cedar_type *t)
{
        struct buf b = BUF_INIT(1 << 20);

        put_type(&b, t, 0);
        return kept(c, &b);
}

const char *check_uid_text(struct check *c, const struct cedar_uid *uid)
{
        struct buf b = BUF_INIT(CEDAR_SOURCE_MAX * 8ul);

        cedar_print_uid(uid, &b);
        return kept(c, &b);
}

const char *check_expr_text(struct check *c, const struct cedar_expr *e)
{
        struct buf b = BUF_INIT(CEDAR_SOURCE_MAX * 8ul);

        cedar_print_expr(e, PART_MAX + 1, &b);
        return kept(c, &b);
}

const char *check_text(struct check *c, struct span s)
{
        struct buf b = BUF_INIT(CEDAR_SOURCE_MAX * 8ul);

        cedar_print_string(s, &b);
        return kept(c, &b);
}
