/* SPDX-License-Identifier: Apache-2.0 */
/* parse.c - Cedar text to policies: effects, annotations, conditions.  Floor 2, pure.
 * SECURITY: reads hostile bytes. */
#include "policy/parse/parse.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/ast/ids.h"
#include "policy/parse/parser.h"

struct annotation_item {
        struct parser_key key;
        struct cedar_annotation annotation;
};

struct cedar_policies *cedar_policies_free(struct cedar_policies *p)
{
        if (p)
                arena_done(&p->arena);
        free(p);
        return NULL;
}

/* The token is the at-sign. */
static bool parse_annotation(struct parser *p)
{
        struct annotation_item i = { .key.pos = p->token.pos };
        struct cedar_annotation *a = &i.annotation;

        a->pos = p->token.pos;
        if (!parser_advance(p))
                return false;
        if (!parser_at(p, TOKEN_IDENT)) /* reserved words are fine here */
                return parser_unexpected(p, "the name of an annotation");
        i.key.key = a->key = p->token.text;
        if (!parser_advance(p))
                return false;
        if (parser_at(p, TOKEN_LPAREN)) {
                a->has_value = true;
                if (!parser_advance(p) || !parser_string(p, "a string", &a->value) ||
                    !parser_expect(p, TOKEN_RPAREN, "`)`"))
                        return false;
        }
        return parser_push(p, &i, sizeof i);
}

static bool parse_annotations(struct parser *p, struct cedar_policy *policy)
{
        size_t mark = parser_mark(p), n;
        struct cedar_annotation *list;

        while (parser_at(p, TOKEN_AT))
                if (!parse_annotation(p))
                        return false;
        n = (p->stack.n - mark) / sizeof(struct annotation_item);
        if (n == 0)
                return true;
        if (n > CEDAR_ITEMS_MAX)
                return parser_too_much(p, policy->pos, "%zu annotations, at most %u are read", n,
                                       CEDAR_ITEMS_MAX);
        list = parser_alloc(p, n * sizeof *list);
        if (!list)
                return false;
        for (size_t i = 0; i < n; i++) {
                struct annotation_item item;

                memcpy(&item, p->stack.p + mark + i * sizeof item, sizeof item);
                list[i] = item.annotation;
        }
        policy->annotations = list;
        policy->n_annotations = (uint32_t)n;
        if (!parser_unique(p, mark, sizeof(struct annotation_item), "annotation"))
                return false;
        p->stack.n = mark;
        return true;
}

static bool parse_effect(struct parser *p, struct cedar_policy *policy)
{
        policy->effect = parser_at_word(p, WORD_PERMIT) ? CEDAR_PERMIT : CEDAR_FORBID;
        if (policy->effect == CEDAR_FORBID && !parser_at_word(p, WORD_FORBID))
                return parser_unexpected(p, "`permit` or `forbid`");
        return parser_advance(p);
}

static bool parse_condition(struct parser *p)
{
        struct cedar_condition c = {
                .unless = parser_at_word(p, WORD_UNLESS),
                .pos = p->token.pos,
        };

        if (!parser_advance(p) || !parser_expect(p, TOKEN_LBRACE, "`{`"))
                return false;
        c.expr = parser_expr(p);
        return c.expr && parser_expect(p, TOKEN_RBRACE, "an operator or `}`") &&
               parser_push(p, &c, sizeof c);
}

static bool parse_conditions(struct parser *p, struct cedar_policy *policy)
{
        size_t mark = parser_mark(p);

        while (parser_at_word(p, WORD_WHEN) || parser_at_word(p, WORD_UNLESS))
                if (!parse_condition(p))
                        return false;
        return parser_take(p, mark, sizeof(struct cedar_condition), CEDAR_ITEMS_MAX,
                           &policy->conditions, &policy->n_conditions);
}

static bool number_policy(struct parser *p, uint32_t i, struct span *ret)
{
        enum { ID_MAX = 24 };
        char *id = parser_alloc(p, ID_MAX);

        if (!id)
                return false;
        *ret = span_of(id, (size_t)snprintf(id, ID_MAX, "policy%u", i));
        return true;
}

bool parser_policy(struct parser *p, uint32_t i)
{
        struct cedar_policy policy = { .pos = p->token.pos };

        if (i == CEDAR_POLICIES_MAX)
                return parser_too_much(p, p->token.pos, "more than %u policies",
                                       CEDAR_POLICIES_MAX);
        if (!number_policy(p, i, &policy.id) || !parse_annotations(p, &policy) ||
            !parse_effect(p, &policy) || !parser_scope(p, &policy) ||
            !parse_conditions(p, &policy) ||
            !parser_expect(p, TOKEN_SEMICOLON, "`when`, `unless` or `;`"))
                return false;
        policy.end = p->behind;
        return parser_push(p, &policy, sizeof policy);
}

/* What was pushed and what stood beside it, into the arena. */
static bool keep_all(struct parser *p, struct cedar_policies *out)
{
        struct cedar_comment *comments = NULL;

        if (!parser_take(p, 0, sizeof *out->policies, CEDAR_POLICIES_MAX, &out->policies, &out->n))
                return false;
        out->cap = out->n;
        if (p->comments.n > 0) {
                comments = parser_alloc(p, p->comments.n);
                if (!comments)
                        return false;
                memcpy(comments, p->comments.p, p->comments.n);
        }
        out->comments = comments;
        out->n_comments = (uint32_t)(p->comments.n / sizeof *comments);
        return true;
}

static bool index_ids(struct cedar_policies *p)
{
        for (uint32_t i = 0; i < p->n; i++) {
                if (!cedar_ids_reserve(p))
                        return false;
                cedar_ids_add(p, i);
        }
        return true;
}

static int parse_all(struct cedar_policies *out, struct err *err)
{
        struct parser p;
        bool ok = parser_init(&p, out->source, &out->arena, err);

        for (uint32_t i = 0; ok && !parser_at(&p, TOKEN_END); i++)
                ok = parser_policy(&p, i);
        if (ok)
                (void)keep_all(&p, out);
        parser_done(&p);
        return p.rc;
}

int cedar_parse(struct span source, struct cedar_policies **ret, struct err *err)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = calloc(1, sizeof *p);
        const char *copy;
        int rc;

        if (source.n > CEDAR_SOURCE_MAX)
                return err_set(err, -E2BIG, "a text of %zu bytes, at most %u are read", source.n,
                               CEDAR_SOURCE_MAX);
        if (!p)
                return err_set(err, -ENOMEM, "no memory for the policies");
        p->arena = ARENA_INIT(PARSER_ARENA_MAX);
        copy = arena_copy(&p->arena, source);
        if (!copy)
                return err_set(err, -ENOMEM, "no memory for the policies");
        p->source = span_of(copy, source.n);
        rc = parse_all(p, err);
        if (rc < 0)
                return rc;
        if (!index_ids(p))
                return err_set(err, -ENOMEM, "no memory for the policies");
        *ret = p;
        p = NULL;
        return 0;
}
