/* SPDX-License-Identifier: Apache-2.0 */
/* apt_chain.h - does a package file come from a repository that apt trusts?  Floor 3, process
 * assay-sensor.
 *
 *   package's SHA-256 -> stands in an index -> whose hash stands in a Release -> which is signed
 *   by a key that apt's sources name for that repository
 *
 *   SOURCES --files read--> INDEX --next one--> SIGNATURE --judged--> RELEASE --.
 *                             |  ^----------------------------------------------'
 *                             `--no more, or all signed--> on_result() each, on_end()
 *
 * Everything is read by jobs: this opens files, hands descriptors on and compares hashes.  The text
 * that is read is the very text that was verified: gpgv's own output, or a sealed copy. */
#ifndef INTEGRITY_APT_CHAIN_H
#define INTEGRITY_APT_CHAIN_H

#include "base/base.h"
#include "base/clock.h"
#include "base/err.h"
#include "integrity/why/apt_sources.h"
#include "loop/loop.h"
#include "wire/release_fact.h"
#include "wire/signature_fact.h"

enum chain_status {
        CHAIN_SIGNED,   /* every link holds */
        CHAIN_UNSIGNED, /* listed, but a link is missing or broken; reason says which */
        CHAIN_UNKNOWN,  /* could not be told */
};

enum chain_reason {
        CHAIN_HOLDS,
        CHAIN_NO_RELEASE,    /* unsigned: nothing vouches for the index */
        CHAIN_NO_SIGNATURE,  /* unsigned: a Release that nobody signed */
        CHAIN_BAD_SIGNATURE, /* unsigned: changed, expired, revoked, weak: result.signature */
        CHAIN_OTHER_KEY,     /* unsigned: by a key the source does not name */
        CHAIN_INDEX_CHANGED, /* unsigned: the Release has another hash for the index */
        CHAIN_NO_KEY,        /* unknown: signed by a key that no keyring has, or one in doubt */
        CHAIN_NO_SOURCE,     /* unknown: apt has the files, but no source names them */
        CHAIN_NOT_LISTED,    /* unknown: in no index */
        CHAIN_FAILED,        /* unknown: something could not be read: result.why */
        CHAIN_REASONS,
};

const char *chain_status_name(enum chain_status s);
const char *chain_reason_name(enum chain_reason r);

enum { CHAIN_HASH = 32, CHAIN_WANTED_MAX = 4096, CHAIN_WHY_MAX = 255 };

struct chain_result {
        uint8_t sha256[CHAIN_HASH]; /* of the package file */
        enum chain_status status;
        enum chain_reason reason;
        enum signature_status signature; /* of the Release */
        bool trusted;                    /* the source has trusted=yes: apt did not care */
        bool expired;                    /* the Release says it is good until a time that is over */
        /* of the package, the Release and the signature, as far as it came to that */
        char package[RELEASE_NAME_MAX + 1];
        char version[RELEASE_NAME_MAX + 1];
        char architecture[RELEASE_NAME_MAX + 1];
        char release[APT_NAME_MAX + 1]; /* its file's name below lists/ */
        char suite[RELEASE_NAME_MAX + 1];
        char codename[RELEASE_NAME_MAX + 1];
        int64_t date, valid_until;               /* seconds; 0: none */
        char fingerprint[SIGNATURE_KEY_MAX + 1]; /* of the primary key */
        char key[SIGNATURE_KEY_MAX + 1];         /* that signed */
        char why[CHAIN_WHY_MAX + 1];             /* may have words of a job: escape them */
};

/* One for each wanted package, in the order asked; valid during the call. */
typedef void chain_result_fn(void *ctx, const struct chain_result *result);
/* Once, after the results; then the chain is gone. */
typedef void chain_end_fn(void *ctx);

struct chain_spec {
        const char *job_program; /* absolute path of assay-job; borrowed until the end */
        const struct clock *clock;
        int etc_fd;         /* /etc/apt; borrowed until the end */
        int lists_fd;       /* /var/lib/apt/lists; likewise */
        int64_t timeout_ns; /* of each job */
        struct apt_trust trust;
        const uint8_t (*wanted)[CHAIN_HASH];
        size_t n_wanted; /* at most CHAIN_WANTED_MAX */
};

struct chain;

/* -ENOMEM; -E2BIG: too many are wanted.  What goes wrong later is a result. */
MUST_USE int chain_start(struct loop *l, const struct chain_spec *spec, chain_result_fn *on_result,
                         chain_end_fn *on_end, void *ctx, struct chain **ret, struct err *err);
/* Forget it; neither is called.  Not from on_result() or on_end(). */
struct chain *chain_cancel(struct chain *c);

#endif
