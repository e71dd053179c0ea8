/* SPDX-License-Identifier: Apache-2.0 */
/* trust_contents.c - what the ledger says of the sensor's own files: which changes were approved,
 * which contents came by an explained change, and what it kept of logins.  See trust.h. */
#include "command/verify/trust.h"

#include <limits.h>
#include <stdlib.h>

#include "base/text.h"
#include "wire/brought.h"
#include "wire/entry.h"
#include "wire/json.h"

enum { HEX = 2 * HASH_LEN, OVER_MAX = 1 << 20 };

struct looking {
        const uint8_t (*sha256)[HASH_LEN];
        bool *told;
        size_t n, left;
};

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, HASH_LEN);
}

static bool is_one_of(struct json_value entry, const char *path, const char *const *words, size_t n)
{
        struct json_value v;
        struct span text;

        if (!json_get_path(entry, path, &v) || !json_value_plain(v, &text))
                return false;
        for (size_t i = 0; i < n; i++)
                if (span_eq_str(text, words[i]))
                        return true;
        return false;
}

/* Did the sensor say that something explained this content? */
static bool is_explained(struct span bytes, const uint8_t sha256[HASH_LEN])
{
        static const char *const sensor[] = { "sensor" };
        uint8_t brought[HASH_LEN];
        struct entry parsed;

        STATIC_ASSERT((int)BROUGHT_SHA256 == (int)HASH_LEN, "both are SHA-256");
        return brought_content(bytes, brought) && memcmp(brought, sha256, HASH_LEN) == 0 &&
               entry_parse(bytes, &parsed, NULL) == 0 &&
               is_one_of(parsed.object, "src.proc", sensor, 1);
}

static void take_entry(struct looking *l, struct span bytes)
{
        static const char member[] = "\"new_sha256\":\"";
        const size_t n = sizeof member - 1;
        const uint8_t *at = memmem(bytes.p, bytes.n, member, n), *found;
        uint8_t digest[HASH_LEN];
        size_t i;

        if (!at || (size_t)(bytes.p + bytes.n - at) < n + HEX ||
            text_from_hex(span_of(at + n, HEX), digest, sizeof digest) < 0)
                return;
        found = bsearch(digest, l->sha256, l->n, HASH_LEN, compare);
        if (!found)
                return;
        i = (size_t)(found - l->sha256[0]) / HASH_LEN;
        if (!l->told[i] && is_explained(bytes, digest)) {
                l->told[i] = true;
                l->left--;
        }
}

static bool take_content(void *ctx, struct span bytes)
{
        struct looking *l = ctx;

        take_entry(l, bytes);
        return l->left > 0;
}

int trust_contents(const struct invocation *in, const uint8_t (*sha256)[HASH_LEN], bool *told,
                   size_t n, struct err *err)
{
        struct looking l = { .sha256 = sha256, .told = told, .n = n, .left = n };

        return trust_walk_back(in, UINT_MAX, take_content, &l, err);
}

/* ---- digests of what was approved ---- */

struct digests {
        const char *kind;
        struct buf *ret;
        struct buf over; /* ids of approved changes whose end was told, each ended by a NUL */
};

static bool plain(struct json_value entry, const char *path, struct span *ret)
{
        struct json_value v;

        return json_get_path(entry, path, &v) && json_value_plain(v, ret);
}

static bool is_over(const struct digests *d, struct span id)
{
        struct span rest = buf_span(&d->over);

        while (rest.n) {
                struct span one = span_of(rest.p, strnlen((const char *)rest.p, rest.n));

                if (span_eq(one, id))
                        return true;
                rest = span_from(rest, one.n + 1);
        }
        return false;
}

/* Written back into the sensor's file, one that was closed would be open again: the later entry of
 * an id, which comes first here, says how it stands. */
static bool holds(struct digests *d, struct json_value e)
{
        static const char *const ends[] = { "closed", "expired" };
        struct span id;

        if (!span_eq_str(span_str(d->kind), "integrity.approval") || !plain(e, "what.id", &id))
                return true;
        if (!is_one_of(e, "what.event", ends, ARRAY_LEN(ends)))
                return !is_over(d, id);
        if (!is_over(d, id)) {
                buf_put(&d->over, id);
                buf_put_byte(&d->over, 0);
        }
        return true;
}

static bool take_digest(void *ctx, struct span bytes)
{
        static const char *const sensor[] = { "sensor" };
        struct json_value e = json_value_of(bytes);
        struct digests *d = ctx;
        struct entry parsed;
        struct span text;

        if (memmem(bytes.p, bytes.n, d->kind, strlen(d->kind)) && /* most are told here */
            json_check(bytes, NULL) == 0 && entry_parse(bytes, &parsed, NULL) == 0 &&
            span_eq_str(parsed.kind, d->kind) && is_one_of(e, "src.proc", sensor, 1) &&
            holds(d, e) && plain(e, "what.digest", &text) && text.n == HEX)
                buf_put(d->ret, text);
        return buf_status(d->ret) == 0 && buf_status(&d->over) == 0;
}

int trust_digests(const struct invocation *in, const char *kind, struct buf *ret, struct err *err)
{
        struct digests d = { .kind = kind, .ret = ret, .over = BUF_INIT(OVER_MAX) };
        int rc = trust_walk_back(in, 1, take_digest, &d, err);

        if (rc == 0 && buf_status(&d.over) < 0)
                rc = err_sys(err, buf_status(&d.over), "approved changes that are over");
        buf_done(&d.over);
        return rc < 0 ? rc : buf_status(ret);
}

/* ---- the digest of a file ---- */

enum { DIGESTS = 2 }; /* the last, and the one before */

struct kept {
        const char *hex;
        unsigned seen;
        bool is;
};

static bool is_kept(struct span bytes, struct span *ret)
{
        static const char *const sensor[] = { "sensor" };
        struct json_value e = json_value_of(bytes);
        struct entry parsed;

        return memmem(bytes.p, bytes.n, "\"integrity.sensor\"", 18) &&
               json_check(bytes, NULL) == 0 && entry_parse(bytes, &parsed, NULL) == 0 &&
               span_eq_str(parsed.kind, "integrity.sensor") &&
               is_one_of(e, "src.proc", sensor, 1) && plain(e, "what.sessions", ret);
}

static bool take_kept(void *ctx, struct span bytes)
{
        struct kept *k = ctx;
        struct span text;

        if (is_kept(bytes, &text)) {
                k->seen++;
                k->is |= span_eq_str(text, k->hex);
        }
        return !k->is && k->seen < DIGESTS;
}

int trust_sessions(const struct invocation *in, const char *hex, bool *ret, struct err *err)
{
        struct kept k = { .hex = hex };
        int rc = trust_walk_back(in, 1, take_kept, &k, err); /* right after a succession */

        if (rc == 0)
                *ret = k.is;
        return rc;
}
