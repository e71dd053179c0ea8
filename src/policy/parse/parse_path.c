/* SPDX-License-Identifier: Apache-2.0 */
/* parse_path.c - names with namespaces, and entities.  Floor 2, pure. */
#include "policy/parse/parse.h"
#include "policy/parse/parser.h"

enum { SHOWN_MAX = 40 };

/* The identifiers from mark on, joined.  A path without blanks in it is borrowed as it stands. */
static bool join(struct parser *p, size_t mark, struct span *ret)
{
        struct span *parts;
        uint8_t *out, *at;
        size_t total = 0;
        uint32_t n;

        if (!parser_take(p, mark, sizeof *parts, CEDAR_ITEMS_MAX, &parts, &n))
                return false;
        for (uint32_t i = 0; i < n; i++)
                total += parts[i].n + (i ? 2 : 0);
        if (parts[0].p + total == parts[n - 1].p + parts[n - 1].n) {
                *ret = span_of(parts[0].p, total);
                return true;
        }
        at = out = parser_alloc(p, total);
        if (!out)
                return false;
        for (uint32_t i = 0; i < n; i++) {
                if (i) {
                        *at++ = ':';
                        *at++ = ':';
                }
                memcpy(at, parts[i].p, parts[i].n);
                at += parts[i].n;
        }
        *ret = span_of(out, total);
        return true;
}

bool parser_path(struct parser *p, const char *wanted, struct span *ret_path,
                 struct cedar_uid *ret_uid, bool *ret_is_uid)
{
        size_t mark = parser_mark(p);
        struct span part, id;

        for (;;) {
                if (!parser_ident(p, wanted, &part) || !parser_push(p, &part, sizeof part))
                        return false;
                if (!parser_at(p, TOKEN_COLONS))
                        break;
                if (!parser_advance(p))
                        return false;
                if (ret_uid && parser_at(p, TOKEN_STRING)) {
                        if (!join(p, mark, ret_path) || !parser_string(p, wanted, &id))
                                return false;
                        *ret_uid = cedar_uid(*ret_path, id);
                        *ret_is_uid = true;
                        return true;
                }
                wanted = ret_uid ? "a name or the string of an entity" : "a name";
        }
        if (ret_is_uid)
                *ret_is_uid = false;
        return join(p, mark, ret_path);
}

bool parser_uid(struct parser *p, const char *wanted, struct cedar_uid *ret)
{
        struct cedar_pos pos = p->token.pos;
        struct span path;
        bool is_uid;
        int n;

        if (!parser_path(p, wanted, &path, ret, &is_uid))
                return false;
        n = (int)MIN_OF(path.n, (size_t)SHOWN_MAX);
        if (!is_uid)
                return parser_fail(p, pos,
                                   "`%.*s` is no entity (one is written `%.*s::\"id\"`), wanted %s",
                                   n, (const char *)path.p, n, (const char *)path.p, wanted);
        return true;
}

int cedar_parse_uid(struct span text, struct arena *arena, struct cedar_uid *ret, struct err *err)
{
        char *copy = arena_copy(arena, text);
        struct cedar_uid uid;
        struct parser p;

        if (!copy)
                return err_set(err, -ENOMEM, "no memory for an entity's name");
        if (parser_init(&p, span_of(copy, text.n), arena, err) &&
            parser_uid(&p, "an entity", &uid) && !parser_at(&p, TOKEN_END))
                (void)parser_unexpected(&p, "nothing behind the entity");
        parser_done(&p);
        if (p.rc < 0)
                return p.rc;
        *ret = uid;
        return 0;
}
