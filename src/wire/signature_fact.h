/* SPDX-License-Identifier: Apache-2.0 */
/* signature_fact.h - what the job "signature" tells, for those who start it.  Floor 1, pure.
 *
 * The job has gpgv or ssh-keygen check a signature.  It is started with
 *   "openpgp" "clear"     on a clear-signed text; further descriptors: an empty memory file that
 *                         gets the text as it was signed, if it is good; then the keyrings
 *   "openpgp" "detached"  on the signed bytes; the signature, then the keyrings
 *   "ssh" NAMESPACE SECONDS  on the signed bytes; the signature, an allowed-signers file; the time
 *                         at which the signer must have been allowed
 * and answers with one fact for each signature and then one for all of them:
 *   {"fact":"signature","fingerprint":"<of the primary key>","key":"<of the key>","signer":"...",
 *    "status":"good","time":1700000000}           what is not known is left out
 *   {"fact":"verdict","status":"good"}
 *
 * SECURITY: facts come from a process that has read hostile bytes. */
#ifndef WIRE_SIGNATURE_FACT_H
#define WIRE_SIGNATURE_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum signature_status {
        SIGNATURE_NONE, /* nothing there that is signed */
        SIGNATURE_GOOD,
        SIGNATURE_BAD,
        SIGNATURE_NO_KEY, /* none of the keys that were given, or of the signers at that time */
        SIGNATURE_EXPIRED,
        SIGNATURE_KEY_EXPIRED,
        SIGNATURE_KEY_REVOKED,
        SIGNATURE_WEAK, /* a hash or sort of key that nobody should trust any more, or not yet */
        SIGNATURE_STATUSES,
};

const char *signature_status_name(enum signature_status s);

enum { SIGNATURE_KEY_MAX = 64, SIGNATURE_SIGNER_MAX = 255 };

struct signature {
        enum signature_status status;
        char fingerprint[SIGNATURE_KEY_MAX + 1]; /* "": not known */
        char key[SIGNATURE_KEY_MAX + 1];
        char signer[SIGNATURE_SIGNER_MAX + 1];
        int64_t time; /* seconds; 0: not known */
};

/* The job's side: one fact each. */
void signature_put(struct json_writer *w, const struct signature *s); /* into an open object */
void signature_put_verdict(struct json_writer *w, enum signature_status s);

/* The parent's side: *ret_verdict says which of the two it was.  For the verdict only ret->status
 * counts.  -EBADMSG. */
MUST_USE int signature_parse(struct span fact, bool *ret_verdict, struct signature *ret,
                             struct err *err);

#endif
