/* SPDX-License-Identifier: Apache-2.0 */
/* config.h - how an API is served: gateway.yaml and backend.yaml of a package.  Floor 2, pure.
 *
 * gateway.yaml; what stands behind a # is what holds where nothing is said:
 *
 *   name: accounts                  of the API: [a-z][a-z0-9-]{0,62}
 *   base: /bank/v1                  # "/": what requests' paths begin with
 *   identity:                       by name of the document's security schemes, each once
 *     token:                        http bearer
 *       jwt:
 *         issuer: https://id.example.org
 *         audience: accounts
 *         algorithms: [ES256, EdDSA]              of RS256, ES256 and EdDSA, which
 *                                                 may be called Ed25519 as well
 *         jwks: { url: https://id.example.org/keys, addresses: [192.0.2.7], refresh: 10m }
 *                                   # refresh 10m; or { file: /etc/assay/jwks/bank.json }
 *         caller: sub               # sub: claim that names the caller
 *         groups: groups            # none: claim with the caller's groups
 *         claims: [branch]          # none: further ones that policies may ask for, as strings
 *         leeway: 30s               # 30s: how far clocks may differ
 *     ticket: { opaque: true }      http bearer: tokens of the hub
 *     legacy: { pass: basic }       http basic, or bearer: the back-end's own credential, verified
 *                                   there
 *     machine:                      mutualTLS
 *       mutual: { ca: /etc/assay/ca/partners.pem, caller: subject-cn }
 *                                   # caller subject-cn; or san-uri
 *   classes:                        every class of the document, each once
 *     pii.ssn: { mask: last4, record: digest }    # record count; or digest
 *   limits:                         # none: by caller and operation
 *     listAccounts: { rate: 10/s, burst: 20, quota: 5000/d }     # burst: the rate's number
 *     "*": { rate: 100/s }                        for those that are not named
 *   cache:                          # none
 *     listBranches: { for: 60s, by: rights }      # by caller
 *   caps: { request: 64KiB, response: 1MiB, depth: 32 }          # these
 *   replay: digest                  # none: what policies ask for of a call is recorded, sealed
 *
 * backend.yaml:
 *
 *   url: https://accounts.internal:8443/api
 *   addresses: [10.1.2.3]           what the host's name may resolve to; required with a name
 *   tls: { ca: /etc/assay/ca/internal.pem, name: accounts.internal }
 *                                   # those of the system; the host of the url
 *   timeout: { connect: 2s, read: 10s }                          # these
 *   or   unix: /run/accounts.sock
 *
 * Times are a number and ms, s, m, h or d; sizes one and B, KiB or MiB; rates one and /s, /m, /h or
 * /d.
 *
 * SECURITY: read in the job "package"; what a package file holds of it is read by model_file.h. */
#ifndef PACKAGE_CONFIG_H
#define PACKAGE_CONFIG_H

#include "package/model/model.h"
#include "package/source/lint.h"

enum {
        CONFIG_NAME_MAX = 63,
        CONFIG_ADDRESSES_MAX = 16,
        CONFIG_CLAIMS_MAX = 16,
        CONFIG_TEXT_MAX = 255, /* of an issuer, a claim, a host */
        CONFIG_PATH_MAX = 1024,
        CONFIG_RATE_MAX = 1000000,
        CONFIG_QUOTA_MAX = 1000000000,
        CONFIG_BODY_MAX = 64 << 20,
        CONFIG_DEPTH_MAX = 128,
};

enum mask {
        MASK_LAST4, /* all but the last four characters become "*"; of short texts more do */
        MASK_FIRST1,
        MASK_REDACT, /* "***" whatever there was */
        MASK_HASH,   /* keyed, the same for the same value within a tenant */
        MASK_DATE_YEAR,
        MASK_DROP, /* the member goes */
        MASKS,
};
const char *mask_name(enum mask m); /* "date-year" */

enum jwt_algorithms { JWT_RS256 = 1u << 0, JWT_ES256 = 1u << 1, JWT_EDDSA = 1u << 2 };

enum config_identity_kind {
        CONFIG_JWT,
        CONFIG_OPAQUE,
        CONFIG_PASS_BASIC, /* credentials go to the back-end, which judges them */
        CONFIG_PASS_BEARER,
        CONFIG_MUTUAL,
};

struct config_identity {    /* empty spans: not said */
        struct span scheme; /* of the document */
        enum config_identity_kind kind;
        struct span issuer, audience;
        unsigned algorithms;
        struct span jwks_file, jwks_url;
        const struct span *jwks_addresses;
        uint32_t n_jwks_addresses;
        uint32_t refresh_s, leeway_s;
        struct span caller, groups; /* claims; with CONFIG_MUTUAL caller: subject-cn or san-uri */
        const struct span *claims;
        uint32_t n_claims;
        struct span ca_file;
};

/* Does it pass the credential on? */
static inline bool config_passes(const struct config_identity *i)
{
        return i->kind == CONFIG_PASS_BASIC || i->kind == CONFIG_PASS_BEARER;
}

struct config_class {
        struct span name;
        enum mask mask;
        bool digest; /* values are recorded as salted digests; else only how many */
};

struct config_limit {
        struct span operation; /* "*": those without one of their own */
        uint32_t rate, per_s;  /* 10 a second: 10, 1; rate 0: none */
        uint32_t burst;
        uint32_t quota, quota_s; /* 5000 a day: 5000, 86400; 0: none */
};

struct config_cache {
        struct span operation; /* a GET */
        uint32_t seconds;
        bool by_rights; /* only where the back-end takes a service credential; else by caller */
};

struct config_backend {
        bool tls;
        struct span unix_path; /* else: */
        struct span host;      /* a name or an address */
        uint16_t port;
        struct span base;             /* "/api", without a slash at its end; empty */
        const struct span *addresses; /* IPv4 and IPv6, as text */
        uint32_t n_addresses;
        struct span ca_file, tls_name;
        uint32_t connect_ms, read_ms;
};

struct config {
        struct span name, base;                   /* base: without a slash at its end */
        const struct config_identity *identities; /* ascending by scheme */
        uint32_t n_identities;
        const struct config_class *classes; /* ascending by name */
        uint32_t n_classes;
        const struct config_limit *limits; /* ascending by operation */
        uint32_t n_limits;
        const struct config_cache *caches; /* ascending by operation */
        uint32_t n_caches;
        uint32_t request_max, response_max; /* bytes of a body */
        uint32_t depth_max;
        bool replay; /* what policies ask for of a call is recorded (asked.h), sealed */
        struct config_backend backend;
};

/* Reads both against the model: every operation, scheme and class that is named must be there, and
 * every scheme and class of the document be named.  A NULL is not read: of a document or a file
 * that is not there, which is told elsewhere; of what is empty, SOURCE_NULL.  ret lies in arena;
 * faults are of the files they are in, l->file is what it was before.  -EINVAL: errors are in l,
 * and ret has what could be read, for whoever looks on for more; -ENOMEM. */
MUST_USE int config_read(const struct source_node *gateway, const struct source_node *backend,
                         const struct api *api, struct arena *arena, struct lint *l,
                         struct config *ret, struct err *err);

#endif
