/* SPDX-License-Identifier: Apache-2.0 */
/* source_fact.h - what the jobs "aptlist" and "aptsources" tell, for those who start them.  Floor
 * 1, pure.
 *
 * "aptlist" reads a file of the one-line form of sources.list(5), "aptsources" one of paragraphs;
 * both answer with one fact for each pair of URI and suite with binary packages that is not
 * switched off:
 *   {"fact":"source","key":"-----BEGIN ...","signed_by":["/usr/share/keyrings/x.gpg"],
 *    "suite":"stable","trusted":true,"uri":"http://example.org/debian"}
 * key: public keys in the file itself, and then no signed_by; a signed_by is an absolute path of a
 * keyring or the fingerprint of a key, an empty list means all that apt trusts.
 *
 * SECURITY: facts come from a process that has read a foreign format. */
#ifndef WIRE_SOURCE_FACT_H
#define WIRE_SOURCE_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        SOURCE_URI_MAX = 1023,
        SOURCE_SUITE_MAX = 255,
        SOURCE_SIGNERS_MAX = 8,
        SOURCE_SIGNER_MAX = 1023,
        SOURCE_KEY_MAX = 20 * 1024,
};

struct source_fact {
        char uri[SOURCE_URI_MAX + 1];
        char suite[SOURCE_SUITE_MAX + 1];
        bool trusted; /* whether signed or not */
        size_t n_signers;
        char signer[SOURCE_SIGNERS_MAX][SOURCE_SIGNER_MAX + 1];
        char key[SOURCE_KEY_MAX + 1]; /* "": none */
};

/* One without anything, at the price of a few bytes: a file may have very many. */
void source_fact_clear(struct source_fact *f);

/* The job's side: into an open object.  Texts must be UTF-8. */
void source_fact_put(struct json_writer *w, const struct source_fact *f);

/* -EBADMSG and the member. */
MUST_USE int source_fact_parse(struct span fact, struct source_fact *ret, struct err *err);

#endif
