/* SPDX-License-Identifier: Apache-2.0 */
/* trust_contents.c - what the ledger says of the sensor's own files: which contents came by an
 * explained change, and what it kept of logins.  See trust.h. */
#include "command/verify/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "command/log/reader.h"
#include "command/places.h"
#include "wire/brought.h"
#include "wire/entry.h"
#include "wire/json.h"

enum { LEDGERS_MAX = 1000, HEX = 2 * HASH_LEN };

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

/* The newest first: that is where most are. */
static int look_in(struct looking *l, const char *dir, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        struct span bytes;
        int rc = reader_open(dir, &r, err);

        for (uint64_t n = rc == 0 ? reader_size(&r) : 0; n > 0 && rc == 0 && l->left; n--) {
                rc = reader_entry(&r, n - 1, &bytes, err);
                if (rc == 0)
                        take_entry(l, bytes);
        }
        return rc == -ENODATA ? 0 : rc; /* what was pruned proves nothing any more */
}

int trust_contents(const struct invocation *in, const uint8_t (*sha256)[HASH_LEN], bool *told,
                   size_t n, struct err *err)
{
        struct looking l = { .sha256 = sha256, .told = told, .n = n, .left = n };
        char dir[PLACES_PATH_MAX], old[PLACES_PATH_MAX + 16];
        unsigned older = 0;
        int rc = places_ledger(in, dir, err);

        if (rc == 0)
                rc = look_in(&l, dir, err);
        if (rc < 0)
                return rc;
        do
                snprintf(old, sizeof old, "%s.%u", dir, ++older);
        while (access(old, F_OK) == 0 && older < LEDGERS_MAX);
        while (rc == 0 && l.left && --older > 0) {
                snprintf(old, sizeof old, "%s.%u", dir, older);
                rc = look_in(&l, old, err);
        }
        return rc;
}

/* ---- the digest of a file ---- */

enum { DIGESTS = 2 }; /* the last, and the one before */

static bool is_kept(struct span bytes, struct span *ret)
{
        static const char *const sensor[] = { "sensor" };
        struct json_value e = json_value_of(bytes), v;
        struct entry parsed;

        return memmem(bytes.p, bytes.n, "\"integrity.sensor\"", 18) &&
               json_check(bytes, NULL) == 0 && entry_parse(bytes, &parsed, NULL) == 0 &&
               span_eq_str(parsed.kind, "integrity.sensor") &&
               is_one_of(e, "src.proc", sensor, 1) && json_get_path(e, "what.sessions", &v) &&
               json_value_plain(v, ret);
}

static int find_kept(const char *dir, const char *hex, unsigned *seen, bool *ret_is,
                     struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        struct span bytes, text;
        int rc = reader_open(dir, &r, err);

        for (uint64_t n = rc == 0 ? reader_size(&r) : 0; n > 0 && rc == 0 && *seen < DIGESTS; n--) {
                rc = reader_entry(&r, n - 1, &bytes, err);
                if (rc < 0 || !is_kept(bytes, &text))
                        continue;
                (*seen)++;
                *ret_is |= span_eq_str(text, hex);
        }
        return rc == -ENODATA ? 0 : rc;
}

int trust_sessions(const struct invocation *in, const char *hex, bool *ret, struct err *err)
{
        char dir[PLACES_PATH_MAX], old[PLACES_PATH_MAX + 16];
        unsigned older = 0, seen = 0;
        bool is = false;
        int rc = places_ledger(in, dir, err);

        if (rc == 0)
                rc = find_kept(dir, hex, &seen, &is, err);
        if (rc < 0)
                return rc;
        do
                snprintf(old, sizeof old, "%s.%u", dir, ++older);
        while (access(old, F_OK) == 0 && older < LEDGERS_MAX);
        if (--older > 0 && rc == 0 && !is) { /* right after a succession */
                snprintf(old, sizeof old, "%s.%u", dir, older);
                rc = find_kept(old, hex, &seen, &is, err);
        }
        if (rc == 0)
                *ret = is;
        return rc;
}
