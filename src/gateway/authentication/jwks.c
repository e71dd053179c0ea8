/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/jwks.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "wire/tree.h"

enum {
        DEPTH_MAX = 16, /* of what stands in a set, certificates and what else there is */
        TREE_BYTES_MAX = 32 << 20,
        FAULT_MAX = 79,           /* characters of what is wrong with a key */
        WHY_MAX = FAULT_MAX + 32, /* of that and of which it is */
        NUMBERS = 2,              /* of a key: n and e, x and y, x */
};

struct jwks_key {
        struct span kid; /* p NULL: it has none */
        struct span numbers[NUMBERS];
        struct jws_key *key;
};

struct jwks {
        struct arena arena;
        struct jwks_key keys[JWKS_KEYS_MAX]; /* ascending by kid, algorithm */
        uint32_t n, left_out;
        char why[WHY_MAX];
        uint8_t digest[JWKS_DIGEST];
};

/* What a key of an algorithm looks like. */
static const struct form {
        const char *kty, *crv;        /* crv NULL: it has none */
        const char *numbers[NUMBERS]; /* ascending; NULL: there is one only */
        size_t bytes_max;
} forms[JWS_ALGORITHMS] = {
        [JWS_RS256] = { "RSA", NULL, { "e", "n" }, JWS_RSA_BITS_MAX / 8 + 1 },
        [JWS_ES256] = { "EC", "P-256", { "x", "y" }, JWS_COORDINATE + 1 },
        [JWS_EDDSA] = { "OKP", "Ed25519", { "x", NULL }, JWS_ED25519 + 1 },
};

static int make(enum jws_algorithm a, const struct span numbers[NUMBERS], struct jws_key **ret,
                struct err *err)
{
        switch (a) {
        case JWS_RS256:
                return jws_key_rsa(numbers[1], numbers[0], ret, err);
        case JWS_ES256:
                return jws_key_p256(numbers[0], numbers[1], ret, err);
        default:
                return jws_key_ed25519(numbers[0], ret, err);
        }
}

/* ---- reading one key: -EINVAL leaves it out ---- */

static bool is_text(const struct tree *t, const char *text)
{
        return t && t->kind == TREE_STRING && span_eq_str(t->text, text);
}

static int find_algorithm(const struct tree *key, enum jws_algorithm *ret, struct err *err)
{
        const struct tree *crv = tree_get(key, "crv"), *alg = tree_get(key, "alg");

        for (int a = 0; a < JWS_ALGORITHMS; a++) {
                const struct form *f = &forms[a];

                if (!is_text(tree_get(key, "kty"), f->kty) || (f->crv && !is_text(crv, f->crv)))
                        continue;
                if (alg && (alg->kind != TREE_STRING ||
                            !jws_algorithm_is((enum jws_algorithm)a, alg->text)))
                        return err_set(err, -EINVAL, "its alg is not %s",
                                       jws_algorithm_name((enum jws_algorithm)a));
                *ret = (enum jws_algorithm)a;
                return 0;
        }
        return err_set(err, -EINVAL, "neither RSA nor EC on P-256 nor OKP on Ed25519");
}

static bool lists_verify(const struct tree *ops)
{
        bool found = false;

        for (uint32_t i = 0; ops->kind == TREE_ARRAY && i < ops->n; i++)
                found = found || is_text(&ops->items[i], "verify");
        return found;
}

static int check_use(const struct tree *key, struct err *err)
{
        const struct tree *use = tree_get(key, "use"), *ops = tree_get(key, "key_ops");

        if (use && !is_text(use, "sig"))
                return err_set(err, -EINVAL, "its use is not sig");
        if (ops && !lists_verify(ops))
                return err_set(err, -EINVAL, "verify is none of its key_ops");
        if (tree_get(key, "d") || tree_get(key, "k"))
                return err_set(err, -EINVAL, "its secret part is in it");
        return 0;
}

static int take_kid(const struct tree *key, struct arena *arena, struct span *ret, struct err *err)
{
        const struct tree *kid = tree_get(key, "kid");
        const char *copy;

        *ret = SPAN_NONE;
        if (!kid)
                return 0;
        if (kid->kind != TREE_STRING || kid->text.n == 0 || kid->text.n > JWKS_KID_MAX)
                return err_set(err, -EINVAL, "its kid is no text of 1 to %d bytes", JWKS_KID_MAX);
        copy = arena_copy(arena, kid->text);
        if (!copy)
                return err_set(err, -ENOMEM, "no memory");
        *ret = span_of(copy, kid->text.n);
        return 0;
}

static int take_number(const struct tree *key, const char *name, size_t max, struct arena *arena,
                       struct span *ret, struct err *err)
{
        const struct tree *t = tree_get(key, name);
        uint8_t *bytes;
        size_t n;
        int rc;

        if (!t || t->kind != TREE_STRING)
                return err_set(err, -EINVAL, "its %s is no text", name);
        bytes = arena_alloc(arena, max);
        if (!bytes)
                return err_set(err, -ENOMEM, "no memory");
        rc = text_from_base64url(t->text, bytes, max, &n);
        if (rc < 0)
                return err_set(err, -EINVAL, "its %s is %s", name,
                               rc == -E2BIG ? "too long" : "no base64url");
        *ret = span_of(bytes, n);
        return 0;
}

static int take_key(const struct tree *key, struct arena *arena, struct jwks_key *ret,
                    struct err *err)
{
        enum jws_algorithm a = JWS_ALGORITHMS;
        struct jwks_key k = { 0 };
        int rc;

        if (key->kind != TREE_OBJECT)
                return err_set(err, -EINVAL, "%s, and no object", tree_kind_name(key->kind));
        rc = find_algorithm(key, &a, err);
        if (rc == 0)
                rc = check_use(key, err);
        if (rc == 0)
                rc = take_kid(key, arena, &k.kid, err);
        for (int i = 0; rc == 0 && i < NUMBERS && forms[a].numbers[i]; i++)
                rc = take_number(key, forms[a].numbers[i], forms[a].bytes_max, arena, &k.numbers[i],
                                 err);
        if (rc == 0)
                rc = make(a, k.numbers, &k.key, err);
        if (rc == 0)
                *ret = k;
        return rc;
}

/* ---- reading a set ---- */

static int by_kid(const void *a, const void *b)
{
        const struct jwks_key *x = a, *y = b;
        int c = span_cmp(x->kid, y->kid);

        return c ? c : (int)jws_key_algorithm(x->key) - (int)jws_key_algorithm(y->key);
}

static int take_keys(const struct tree *list, struct jwks *k, struct err *err)
{
        for (uint32_t i = 0; i < list->n; i++) {
                struct err why = { 0 };
                int rc = take_key(&list->items[i], &k->arena, &k->keys[k->n], &why);

                if (rc == -ENOMEM)
                        return err_set(err, rc, "key set: no memory");
                if (rc < 0 && k->left_out++ == 0)
                        snprintf(k->why, sizeof k->why, "key %u: %.*s", i + 1, FAULT_MAX, why.text);
                k->n += rc == 0;
        }
        if (k->n == 0)
                return err_set(err, -EINVAL, "key set: no key that is any good%s%s",
                               k->left_out ? ": " : "", k->why);
        qsort(k->keys, k->n, sizeof *k->keys, by_kid);
        for (uint32_t i = 1; i < k->n; i++)
                if (by_kid(&k->keys[i - 1], &k->keys[i]) == 0)
                        return err_set(err, -EINVAL, "key set: two keys for %s %s",
                                       jws_algorithm_name(jws_key_algorithm(k->keys[i].key)),
                                       k->keys[i].kid.p ? "have one kid" : "have no kid");
        return 0;
}

static int take_set(struct span json, struct arena *arena, struct jwks *k, struct err *err)
{
        const struct tree *list;
        struct tree set;
        int rc = tree_read_real(json, DEPTH_MAX, arena, &set, err);

        if (rc < 0) {
                (void)!arena_explain(arena, rc, "it", err);
                return err_wrap(err, "key set");
        }
        list = tree_get(&set, "keys");
        if (!list || list->kind != TREE_ARRAY)
                return err_set(err, -EINVAL, "key set: it has no list \"keys\"");
        if (list->n > JWKS_KEYS_MAX)
                return err_set(err, -E2BIG, "key set: %u keys, more than %d", list->n,
                               JWKS_KEYS_MAX);
        return take_keys(list, k, err);
}

static int digest(struct jwks *k, struct err *err)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(JWKS_MAX);

        jwks_put(k, &b);
        if (buf_status(&b) < 0)
                return err_set(err, buf_status(&b), "key set: no memory");
        sha256(buf_span(&b), k->digest);
        return 0;
}

int jwks_read(struct span json, struct jwks **ret, struct err *err)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(TREE_BYTES_MAX);
        CLEANUP(jwks_freep) struct jwks *k = NULL;
        struct err own = { 0 };
        int rc;

        if (!err)
                err = &own;
        if (json.n > JWKS_MAX)
                return err_set(err, -E2BIG, "key set: more than %d bytes", JWKS_MAX);
        k = calloc(1, sizeof *k);
        if (!k)
                return err_set(err, -ENOMEM, "key set: no memory");
        k->arena = ARENA_INIT(2 * JWKS_MAX);
        rc = take_set(json, &arena, k, err);
        if (rc == 0)
                rc = digest(k, err);
        if (rc < 0)
                return rc;
        *ret = k;
        k = NULL;
        return 0;
}

struct jwks *jwks_free(struct jwks *k)
{
        if (k) {
                for (uint32_t i = 0; i < k->n; i++)
                        jws_key_free(k->keys[i].key);
                arena_done(&k->arena);
        }
        free(k);
        return NULL;
}

/* ---- writing ---- */

static void put_member(struct buf *out, const char *name, struct span text)
{
        struct tree t = { .kind = TREE_STRING, .text = text };

        buf_printf(out, "\"%s\":", name);
        tree_print(&t, out);
}

static void put_number(struct buf *out, const char *name, struct span bytes)
{
        buf_printf(out, "\"%s\":\"", name);
        text_put_base64url(out, bytes);
        buf_put_byte(out, '"');
}

/* Members ascend: alg, crv, e, kid, kty, n, x, y. */
static void put_key(const struct jwks_key *k, struct buf *out)
{
        const enum jws_algorithm a = jws_key_algorithm(k->key);
        const struct form *f = &forms[a];
        const int first = a == JWS_RS256; /* numbers that stand before kid */

        buf_put_byte(out, '{');
        put_member(out, "alg", span_str(jws_algorithm_name(a)));
        if (f->crv) {
                buf_put_byte(out, ',');
                put_member(out, "crv", span_str(f->crv));
        }
        if (first) {
                buf_put_byte(out, ',');
                put_number(out, f->numbers[0], k->numbers[0]);
        }
        if (k->kid.p) {
                buf_put_byte(out, ',');
                put_member(out, "kid", k->kid);
        }
        buf_put_byte(out, ',');
        put_member(out, "kty", span_str(f->kty));
        for (int i = first; i < NUMBERS && f->numbers[i]; i++) {
                buf_put_byte(out, ',');
                put_number(out, f->numbers[i], k->numbers[i]);
        }
        buf_put_byte(out, '}');
}

void jwks_put(const struct jwks *k, struct buf *out)
{
        buf_put_str(out, "{\"keys\":[");
        for (uint32_t i = 0; i < k->n; i++) {
                if (i)
                        buf_put_byte(out, ',');
                put_key(&k->keys[i], out);
        }
        buf_put_str(out, "]}\n");
}

void jwks_digest(const struct jwks *k, uint8_t ret[JWKS_DIGEST])
{
        memcpy(ret, k->digest, JWKS_DIGEST);
}

uint32_t jwks_count(const struct jwks *k, uint32_t *ret_left_out, const char **ret_why)
{
        if (ret_left_out)
                *ret_left_out = k->left_out;
        if (ret_why)
                *ret_why = k->why;
        return k->n;
}

/* ---- finding ---- */

enum jwks_found jwks_find(const struct jwks *k, struct span kid, enum jws_algorithm algorithm,
                          const struct jws_key **ret)
{
        const struct jws_key *found = NULL;
        bool other = false;

        for (uint32_t i = 0; i < k->n; i++) {
                const struct jwks_key *at = &k->keys[i];

                if (kid.p && (!at->kid.p || !span_eq(at->kid, kid)))
                        continue;
                if (jws_key_algorithm(at->key) != algorithm) {
                        other = true;
                        continue;
                }
                if (found)
                        return JWKS_UNKNOWN; /* which of the two is not said */
                found = at->key;
        }
        if (!found)
                return other ? JWKS_OTHER : JWKS_UNKNOWN;
        *ret = found;
        return JWKS_FOUND;
}
