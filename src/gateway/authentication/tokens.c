/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/tokens.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"
#include "crypto/seal.h"
#include "crypto/sha256.h"
#include "gateway/authentication/caller_id.h"
#include "package/call/caller.h"
#include "wire/tree.h"

enum {
        TREE_BYTES_MAX = 256 << 20,
        OWN_BYTES_MAX = 256 << 20,
};

#define UNTIL_MAX INT64_C(253402300799) /* the last second of the year 9999 */

static const char prefix[] = "as1_";

struct tokens {
        struct arena arena;
        struct token *list; /* ascending by id */
        uint32_t n;
};

/* ---- reading the file ---- */

struct reading {
        struct tokens *into;
        struct err *err;
};

static int no_memory(const struct reading *r)
{
        return err_set(r->err, -ENOMEM, "no memory");
}

static int bad(const struct reading *r, const char *what)
{
        return err_set(r->err, -EBADMSG, "%s", what);
}

static bool is_id(struct span id)
{
        for (size_t i = 0; i < id.n; i++)
                if (!(id.p[i] >= 'a' && id.p[i] <= 'z') && !(id.p[i] >= '2' && id.p[i] <= '7'))
                        return false;
        return id.n == TOKEN_ID;
}

/* The text of a member, borrowed; SPAN_NONE when it is no string. */
static struct span text_of(const struct tree *token, const char *name)
{
        const struct tree *t = tree_get(token, name);

        return t && t->kind == TREE_STRING ? t->text : SPAN_NONE;
}

static int keep(const struct reading *r, struct span text, struct span *ret)
{
        const char *copy = arena_copy(&r->into->arena, text);

        if (!copy)
                return no_memory(r);
        *ret = span_of(copy, text.n);
        return 0;
}

static int take_groups(const struct reading *r, const struct tree *list, struct token *ret)
{
        struct span *groups;
        int rc = 0;

        if (!list || list->kind != TREE_ARRAY)
                return bad(r, "\"groups\" is no list");
        if (list->n > CALLER_GROUPS_MAX)
                return err_set(r->err, -EBADMSG, "more than %d groups", CALLER_GROUPS_MAX);
        groups = arena_alloc(&r->into->arena, list->n * sizeof *groups);
        if (!groups)
                return no_memory(r);
        for (uint32_t i = 0; rc == 0 && i < list->n; i++) {
                const struct tree *t = &list->items[i];

                if (t->kind != TREE_STRING || !caller_group_fits(t->text))
                        return err_set(r->err, -EBADMSG, "group %u is none", i + 1);
                if (i && span_cmp(groups[i - 1], t->text) >= 0)
                        return err_set(r->err, -EBADMSG, "group %u is not in order", i + 1);
                rc = keep(r, t->text, &groups[i]);
        }
        ret->groups = groups;
        ret->n_groups = list->n;
        return rc;
}

static int take_token(const struct reading *r, const struct tree *t, struct token *ret)
{
        enum { MEMBERS = 5 };
        const struct span id = text_of(t, "id"), caller = text_of(t, "caller");
        const struct tree *until = tree_get(t, "until");
        int rc;

        if (t->kind != TREE_OBJECT || t->n != MEMBERS)
                return bad(r, "it has not five members");
        if (!is_id(id))
                return bad(r, "\"id\" is not 16 characters of base32 in lower case");
        if (!caller_id_fits(caller))
                return bad(r, "\"caller\" is nothing that a caller may be called");
        if (text_from_hex(text_of(t, "sha256"), ret->sha256, sizeof ret->sha256) < 0)
                return bad(r, "\"sha256\" is not 64 hexadecimal digits in lower case");
        if (!until || until->kind != TREE_NUMBER || until->number < 0 || until->number > UNTIL_MAX)
                return bad(r, "\"until\" is no time before the year 10000");
        ret->until_s = until->number;
        rc = take_groups(r, tree_get(t, "groups"), ret);
        if (rc == 0)
                rc = keep(r, id, &ret->id);
        return rc < 0 ? rc : keep(r, caller, &ret->caller);
}

static int take_list(const struct reading *r, const struct tree *file)
{
        const struct tree *list = tree_get(file, "tokens");
        struct tokens *into = r->into;

        if (!list || list->kind != TREE_ARRAY || file->n != 1)
                return bad(r, "there is not just a list \"tokens\"");
        if (list->n > TOKENS_MAX)
                return err_set(r->err, -E2BIG, "more than %d", TOKENS_MAX);
        into->list = arena_alloc(&into->arena, list->n * sizeof *into->list);
        if (!into->list)
                return no_memory(r);
        for (; into->n < list->n; into->n++) {
                struct token *t = &into->list[into->n];

                if (take_token(r, &list->items[into->n], t) < 0)
                        return err_wrap(r->err, "token %u", into->n + 1);
                if (into->n && span_cmp(t[-1].id, t->id) >= 0)
                        return err_set(r->err, -EBADMSG, "token %u: not in the order of ids",
                                       into->n + 1);
        }
        return 0;
}

static int check_spelling(const struct reading *r, const struct tree *file, struct span text)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(TOKENS_FILE_MAX);

        tree_print(file, &b);
        buf_put_byte(&b, '\n');
        if (buf_status(&b) == -ENOMEM)
                return no_memory(r);
        if (buf_status(&b) < 0 || !span_eq(buf_span(&b), text))
                return bad(r, "not in canonical form");
        return 0;
}

static int take_file(const struct reading *r, struct span text)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(TREE_BYTES_MAX);
        struct tree file;
        int rc;

        if (text.n > TOKENS_FILE_MAX)
                return err_set(r->err, -E2BIG, "more than %d MiB", TOKENS_FILE_MAX >> 20);
        rc = tree_read(text, &arena, &file, r->err);
        if (rc == -EINVAL)
                return r->err->code = -EBADMSG;
        if (rc == 0)
                rc = check_spelling(r, &file, text);
        if (rc == 0)
                rc = take_list(r, &file);
        rc = arena_explain(&arena, rc, "it", r->err);
        return arena_explain(&r->into->arena, rc, "it", r->err);
}

int tokens_read(struct span text, struct tokens **ret, struct err *err)
{
        CLEANUP(tokens_freep) struct tokens *t = calloc(1, sizeof *t);
        struct err own = { 0 };
        struct reading r = { .into = t, .err = err ? err : &own };

        if (!t)
                return err_set(r.err, -ENOMEM, "tokens: no memory");
        t->arena = ARENA_INIT(OWN_BYTES_MAX);
        if (take_file(&r, text) < 0)
                return err_wrap(r.err, "tokens");
        *ret = t;
        t = NULL;
        return 0;
}

struct tokens *tokens_free(struct tokens *t)
{
        if (t)
                arena_done(&t->arena);
        free(t);
        return NULL;
}

uint32_t tokens_count(const struct tokens *t)
{
        return t->n;
}

const struct token *tokens_at(const struct tokens *t, uint32_t i)
{
        assert(i < t->n);
        return &t->list[i];
}

/* ---- finding ---- */

const char *token_fault_name(enum token_fault f)
{
        static const char *const names[TOKEN_FAULTS] = {
                [TOKEN_GOOD] = "good",       [TOKEN_MALFORMED] = "malformed",
                [TOKEN_UNKNOWN] = "unknown", [TOKEN_SECRET_WRONG] = "secret",
                [TOKEN_EXPIRED] = "expired",
        };

        assert(f < TOKEN_FAULTS);
        return names[f];
}

static bool split(struct span text, struct span *ret_id, uint8_t ret_secret[TOKEN_SECRET])
{
        const size_t id_at = sizeof prefix - 1, secret_at = id_at + TOKEN_ID + 1;
        size_t n;

        if (text.n != TOKEN_TEXT || !span_starts(text, SPAN(prefix)) ||
            text.p[secret_at - 1] != '_')
                return false;
        *ret_id = span_of(text.p + id_at, TOKEN_ID);
        return is_id(*ret_id) &&
               text_from_base64url(span_from(text, secret_at), ret_secret, TOKEN_SECRET, &n) == 0 &&
               n == TOKEN_SECRET;
}

/* The one of this id or the last before it, NULL before the first; as many steps for each. */
static const struct token *look_up(const struct tokens *t, struct span id)
{
        uint32_t from = 0;

        for (uint32_t n = t->n; n > 1;) {
                uint32_t half = n / 2;

                if (memcmp(t->list[from + half].id.p, id.p, TOKEN_ID) <= 0)
                        from += half;
                n -= half;
        }
        return t->n ? &t->list[from] : NULL;
}

enum token_fault tokens_find(const struct tokens *t, struct span text, int64_t now_s,
                             const struct token **ret)
{
        static const struct token none = { 0 };
        uint8_t secret[TOKEN_SECRET], digest[SHA256_LEN];
        const struct token *found;
        struct span id;
        bool known, same;

        if (!split(text, &id, secret))
                return TOKEN_MALFORMED;
        found = look_up(t, id);
        known = found && span_eq(found->id, id);
        if (!known)
                found = &none;
        sha256(span_of(secret, sizeof secret), digest);
        wipe(secret, sizeof secret);
        same = secret_eq(digest, found->sha256, sizeof digest);
        if (!known)
                return TOKEN_UNKNOWN;
        if (!same)
                return TOKEN_SECRET_WRONG;
        if (now_s >= found->until_s)
                return TOKEN_EXPIRED;
        *ret = found;
        return TOKEN_GOOD;
}
