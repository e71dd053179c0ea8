/* SPDX-License-Identifier: Apache-2.0 */
/* tokens.h - opaque tokens: "as1_<id>_<secret>", known by id, compared in constant time.  Floor 3,
 * pure.
 *
 * The file (tokens.json, made by `assay token`) is canonical JSON and a newline:
 *
 *   {"tokens":[{"caller":"payroll","groups":["partners"],"id":"<16 base32>",
 *               "sha256":"<64 hex>","until":<seconds since 1970>},...]}
 *
 * without blanks, members ascending; ascending by id, groups ascending, each once.  The id is
 * base32 (RFC 4648) in lower case without padding, 10 bytes; the secret base64url, 32 bytes; sha256
 * in lower case of these 32 bytes, not of their spelling.  A secret has 256 random bits, so a plain
 * digest of it is as good as a slow one.  A token is good before "until".
 *
 * SECURITY: tokens_find() gets hostile bytes. */
#ifndef GATEWAY_TOKENS_H
#define GATEWAY_TOKENS_H

#include "base/arena.h"
#include "base/err.h"

enum {
        TOKENS_MAX = 100000,
        TOKENS_FILE_MAX = 32 << 20,
        TOKEN_ID = 16,
        TOKEN_SECRET = 32,                  /* bytes */
        TOKEN_TEXT = 4 + TOKEN_ID + 1 + 43, /* characters of a token */
};

struct token {
        struct span id, caller;
        const struct span *groups;
        uint32_t n_groups;
        uint8_t sha256[32];
        int64_t until_s;
};
struct tokens;
/* -EBADMSG and where: "tokens: token 3: ..."; -E2BIG, -ENOMEM. */
MUST_USE int tokens_read(struct span text, struct tokens **ret, struct err *err);
struct tokens *tokens_free(struct tokens *t);
DEFINE_CLEANUP(struct tokens, tokens_free)
uint32_t tokens_count(const struct tokens *t);
/* In the order of ids; i is less than their number (asserted). */
const struct token *tokens_at(const struct tokens *t, uint32_t i);

/* One of the list, as the file has it. */
struct json_writer;
void token_put(struct json_writer *w, const struct token *t);

enum token_fault {
        TOKEN_GOOD,
        TOKEN_MALFORMED,
        TOKEN_UNKNOWN,
        TOKEN_SECRET_WRONG,
        TOKEN_EXPIRED, /* the secret is right */
        TOKEN_FAULTS,
};
const char *token_fault_name(enum token_fault f); /* "unknown" */

/* An unknown id takes the time of a known one.  *ret lies in t. */
enum token_fault tokens_find(const struct tokens *t, struct span text, int64_t now_s,
                             const struct token **ret);

#endif
