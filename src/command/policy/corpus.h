/* SPDX-License-Identifier: Apache-2.0 */
/* corpus.h - one test in the format of the Cedar integration tests.  Floor 3.
 *
 * A test is a JSON object: the files of policies, schema and entities (below one directory),
 * whether the policies validate, and requests with the answer to each:
 *
 *   "policies", "entities", "schema"  names of files
 *   "shouldValidate"                  true or false
 *   "requests"                        an array of
 *     "description"
 *     "principal", "action", "resource"  {"type": , "id": }
 *     "context"                       an object
 *     "validateRequest"               whether the schema must allow it; absent: true
 *     "decision"                      "allow" or "deny"
 *     "reason", "errors"              ids of policies, in any order
 *
 * Each request is decided once more with the principal, the resource, the context hidden
 * (corpus_hidden.h).
 *
 * Two members that Cedar's own tests do not have, for tests with something wrong in them:
 *
 *   "refuses"  which of "policies", "schema" and "entities" cannot be read; the rest of such a test
 *              is not looked at
 *   "valid"    of a request: whether the schema allows it, whatever validateRequest says; where it
 *              stands, a request without a decision is not decided
 */
#ifndef COMMAND_POLICY_CORPUS_H
#define COMMAND_POLICY_CORPUS_H

#include "base/buf.h"
#include "base/err.h"

/* A difference: request is its number from 0, or -1 where it is about the whole test; what is
 * "decision", "reason", "errors", "validation", "request", "schema", ...; got and want are texts.
 */
struct corpus_difference {
        int64_t request;
        const char *what, *got, *want;
};

struct corpus_take {
        void (*difference)(void *ctx, const struct corpus_difference *d);
        void *ctx;
};

/* Runs the test in file (a path of its own); what it names lies below dir.  0: it ran, whether it
 * differed or not; else why it could not: no such file, no such test. */
MUST_USE int corpus_run(const char *dir, const char *file, const struct corpus_take *take,
                        uint64_t *ret_requests, struct err *err);

#endif
