/* SPDX-License-Identifier: Apache-2.0 */
/* token_maker.h - tokens signed with the private keys of the RFCs (../jose_rfc.h), by OpenSSL. */
#ifndef TESTS_GATEWAY_TOKEN_MAKER_H
#define TESTS_GATEWAY_TOKEN_MAKER_H

#include "../../jose_rfc.h"
#include "base/buf.h"
#include "crypto/jws.h"

#define MAKER_RSA "\"kty\":\"RSA\",\"n\":\"" RFC_RSA_N "\",\"e\":\"" RFC_RSA_E "\""
#define MAKER_EC  "\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_EC_X "\",\"y\":\"" RFC_EC_Y "\""
#define MAKER_ED  "\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC_ED_X "\""
/* The three with kids "r", "e" and "d". */
#define MAKER_SET                                                                                  \
        "{\"keys\":[{" MAKER_RSA ",\"kid\":\"r\"},{" MAKER_EC ",\"kid\":\"e\"},{" MAKER_ED         \
        ",\"kid\":\"d\"}]}"

struct token_maker;
struct token_maker *token_maker_new(void);
struct token_maker *token_maker_free(struct token_maker *s);

/* Appends header.claims.signature. */
void token_maker_put(const struct token_maker *s, enum jws_algorithm a, const char *header,
                     const char *claims, struct buf *out);

#endif
