/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/showing.h"

#include <strings.h>

#include "base/text.h"
#include "crypto/seal.h"
#include "gateway/authentication/caller_id.h"

/* ---- the header ---- */

static bool is_token68(struct span s)
{
        static const uint8_t of_it[256] = {
                ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['0' ... '9'] = 1, ['-'] = 1, ['.'] = 1,
                ['_'] = 1,         ['~'] = 1,         ['+'] = 1,         ['/'] = 1,
        };
        uint8_t all = 1;
        size_t n = s.n;

        while (n > 0 && s.p[n - 1] == '=')
                n--;
        for (size_t i = 0; i < n; i++)
                all &= of_it[s.p[i]];
        return all && n > 0;
}

static bool begins(struct span s, const char *scheme)
{
        size_t n = strlen(scheme);

        return s.n >= n && strncasecmp((const char *)s.p, scheme, n) == 0 &&
               (s.n == n || s.p[n] == ' ');
}

void showing_begin(struct shown_by *by)
{
        static const char *const schemes[] = { [AUTH_BEARER] = "bearer", [AUTH_BASIC] = "basic" };
        uint32_t n = 0;
        const struct http_header *h = request_headers(by->q, "authorization", &n);
        struct span rest;

        if (n == 0)
                return;
        by->authorization = n > 1 ? AUTH_TWICE : AUTH_OTHER;
        for (int i = AUTH_BEARER; n == 1 && i <= AUTH_BASIC; i++) {
                if (!begins(h->value, schemes[i]))
                        continue;
                by->authorization = (enum authorization)i;
                rest = span_from(h->value, strlen(schemes[i]) + 1);
                if (is_token68(rest))
                        by->text = rest;
        }
}

/* ---- one scheme ---- */

/* Both are the end of judging it: 0. */
static int bad(struct showing *s, const char *fault, bool form_only)
{
        s->shown = SHOWN_BAD;
        s->fault = fault;
        s->form_only = form_only;
        return 0;
}

static int good(struct showing *s, const struct config_identity *i, struct span id)
{
        s->shown = SHOWN_GOOD;
        s->proof.identity = i;
        s->proof.id = id;
        return 0;
}

/* Whether there is a credential of this HTTP scheme; false: *s says why there is none. */
static bool is_there(const struct shown_by *by, enum authorization wanted, struct showing *s)
{
        if (by->authorization == AUTH_TWICE)
                bad(s, "two Authorization headers", false);
        else if (by->authorization == wanted && !by->text.p)
                bad(s, "malformed", true);
        else
                return by->authorization == wanted;
        return false;
}

/* JWT_GOOD: *ret is the caller. */
static enum jwt_fault verify(const struct shown_by *by, const struct config_identity *i,
                             const struct jwks *set, struct jwt_caller *ret)
{
        struct jwt_memory *memory = by->keys->memory;
        uint8_t digest[JWT_MEMORY_DIGEST];
        enum jwt_fault f;
        int found;

        if (!memory)
                return jwt_verify(by->text, set, i, by->now_s, by->arena, ret);
        jwt_memory_digest(memory, by->text, i, set, digest);
        found = jwt_memory_find(memory, digest, by->now_s, by->arena, ret);
        if (found)
                return found < 0 ? JWT_NO_MEMORY : JWT_GOOD;
        f = jwt_memory_refused(memory, digest, by->now_s);
        if (f != JWT_GOOD)
                return f;
        f = jwt_verify(by->text, set, i, by->now_s, by->arena, ret);
        if (f == JWT_GOOD)
                jwt_memory_keep(memory, digest, ret);
        else
                jwt_memory_refuse(memory, digest, f, by->now_s);
        return f;
}

static int judge_jwt(const struct shown_by *by, const struct config_identity *i, struct showing *s)
{
        const struct jwks *set;
        struct jwt_caller *caller;
        enum jwt_fault f;

        if (!is_there(by, AUTH_BEARER, s))
                return 0;
        if (!memchr(by->text.p, '.', by->text.n) || by->text.n > JWT_MAX)
                return bad(s, jwt_fault_name(JWT_MALFORMED), true);
        set = by->keys->jwks(by->keys->ctx, i);
        if (!set) {
                s->shown = SHOWN_UNJUDGED;
                s->wants_keys = true;
                return 0;
        }
        caller = arena_alloc(by->arena, sizeof *caller);
        if (!caller)
                return -ENOMEM;
        f = verify(by, i, set, caller);
        s->wants_keys = f == JWT_KEY;
        if (f == JWT_NO_MEMORY)
                return -ENOMEM;
        if (f != JWT_GOOD)
                return bad(s, jwt_fault_name(f), f == JWT_MALFORMED);
        s->verified = true;
        s->proof.groups = caller->groups;
        s->proof.n_groups = caller->n_groups;
        s->proof.claims = caller->claims;
        return good(s, i, caller->caller);
}

static int copy(struct arena *arena, struct span text, struct span *ret)
{
        const char *p = arena_copy(arena, text);

        *ret = span_of(p, text.n);
        return p ? 0 : -ENOMEM;
}

/* The owner may read tokens anew, and free these, before the call is over. */
static int take_token(const struct shown_by *by, const struct token *token, struct showing *s)
{
        struct span *groups = arena_alloc(by->arena, token->n_groups * sizeof *groups);
        int rc = groups ? copy(by->arena, token->caller, &s->proof.id) : -ENOMEM;

        for (uint32_t i = 0; rc == 0 && i < token->n_groups; i++)
                rc = copy(by->arena, token->groups[i], &groups[i]);
        s->proof.groups = groups;
        s->proof.n_groups = token->n_groups;
        return rc;
}

static int judge_opaque(const struct shown_by *by, const struct config_identity *i,
                        struct showing *s)
{
        const struct token *token = NULL;
        enum token_fault f = TOKEN_UNKNOWN;
        int rc;

        if (!is_there(by, AUTH_BEARER, s))
                return 0;
        if (by->keys->tokens)
                f = tokens_find(by->keys->tokens, by->text, by->now_s, &token);
        if (f != TOKEN_GOOD)
                return bad(s, token_fault_name(f), f == TOKEN_MALFORMED);
        rc = take_token(by, token, s);
        if (rc < 0)
                return rc;
        s->verified = true;
        return good(s, i, s->proof.id);
}

/* "san-uri" or "subject-cn". */
static int judge_mutual(const struct shown_by *by, const struct config_identity *i,
                        struct showing *s)
{
        const struct request_raw *raw = by->q->raw;
        struct span name =
                span_eq_str(i->caller, "san-uri") ? raw->client_san_uri : raw->client_subject_cn;

        if (raw->client_ca.n == 0 || !span_eq(raw->client_ca, i->ca_file))
                return 0;
        if (!caller_id_fits(name))
                return bad(s, "the certificate names no caller", false);
        s->verified = true;
        return good(s, i, name);
}

/* ---- what only the back-end can judge ---- */

static int join(struct arena *arena, struct span a, struct span b, struct span *ret)
{
        uint8_t *p = arena_alloc(arena, a.n + b.n);

        if (!p)
                return -ENOMEM;
        memcpy(p, a.p, a.n);
        if (b.n)
                memcpy(p + a.n, b.p, b.n);
        *ret = span_of(p, a.n + b.n);
        return 0;
}

static int pass_on(const struct shown_by *by, const struct config_identity *i, struct span user,
                   struct showing *s)
{
        static const struct span group = SPAN_INIT(CALLER_UNVERIFIED_GROUP);
        const struct span scheme = i->kind == CONFIG_PASS_BASIC ? SPAN("Basic ") : SPAN("Bearer ");
        struct span id = SPAN_NONE;

        if (join(by->arena, SPAN(CALLER_UNVERIFIED), user, &id) < 0 ||
            join(by->arena, scheme, by->text, &s->pass) < 0)
                return -ENOMEM;
        s->proof.groups = &group;
        s->proof.n_groups = 1;
        s->user = span_from(id, strlen(CALLER_UNVERIFIED)); /* what was decoded is wiped */
        return good(s, i, id);
}

/* RFC 7617: user, colon, password, no control characters.  The password is another's affair. */
static bool find_user(struct span text, struct span *ret)
{
        const uint8_t *colon = text.n ? memchr(text.p, ':', text.n) : NULL;

        for (size_t i = 0; i < text.n; i++)
                if (text.p[i] < 0x20 || text.p[i] == 0x7f)
                        return false;
        if (!colon)
                return false;
        *ret = span_of(text.p, (size_t)(colon - text.p));
        return caller_text_fits(*ret) && ret->n + strlen(CALLER_UNVERIFIED) <= CALLER_TEXT_MAX;
}

static int judge_basic(const struct shown_by *by, const struct config_identity *i,
                       struct showing *s)
{
        size_t max = by->text.n / 4 * 3 + 3, n = 0;
        struct span user;
        uint8_t *text;
        int rc = 0;

        if (!is_there(by, AUTH_BASIC, s))
                return 0;
        text = arena_alloc(by->arena, max);
        if (!text)
                return -ENOMEM;
        if (text_from_base64(by->text, text, max, &n) < 0 || !find_user(span_of(text, n), &user))
                bad(s, "malformed", true);
        else
                rc = pass_on(by, i, user, s);
        wipe(text, max);
        return rc;
}

static int judge_bearer(const struct shown_by *by, const struct config_identity *i,
                        struct showing *s)
{
        return is_there(by, AUTH_BEARER, s) ? pass_on(by, i, SPAN_NONE, s) : 0;
}

/* ---- the whole ---- */

int showing_judge(const struct shown_by *by, const struct config_identity *i, struct showing *ret)
{
        static int (*const judges[])(const struct shown_by *, const struct config_identity *,
                                     struct showing *) = {
                [CONFIG_JWT] = judge_jwt,          [CONFIG_OPAQUE] = judge_opaque,
                [CONFIG_PASS_BASIC] = judge_basic, [CONFIG_PASS_BEARER] = judge_bearer,
                [CONFIG_MUTUAL] = judge_mutual,
        };

        assert(i->kind < ARRAY_LEN(judges));
        return judges[i->kind](by, i, ret);
}
