/* SPDX-License-Identifier: Apache-2.0 */
/* registry_fact.h - what the job "registry" tells of a registry.yaml(5).  Floor 1, pure.
 *
 *   {"fact":"repository","name":"services","value":"/srv/git/services.git"}   where it lies
 *   {"fact":"protected","name":"services","value":"refs/heads/main"}          of that repository
 *   {"fact":"signers","name":"services","value":"/etc/assay/api.signers"}     likewise
 *   {"fact":"keyring","name":"services","value":"/etc/assay/api.gpg"}         likewise
 *   {"fact":"api","name":"services","of":"accounts","value":"services/accounts"}
 *                                                    directory of an API in that repository
 *   {"fact":"builder","name":"ci","value":"<vkey>"}  whose packages are taken
 *   {"fact":"approver","name":"anna","value":"<vkey>"}
 *   {"fact":"author","name":"bert","value":"bert@example.org"}
 *                                                    who signs as that principal or fingerprint
 *
 * In the order of the file; who has read it may take any for granted only when all are there.
 *
 * SECURITY: facts come from a process that has read somebody's YAML. */
#ifndef WIRE_REGISTRY_FACT_H
#define WIRE_REGISTRY_FACT_H

#include "base/base.h"
#include "base/err.h"
#include "wire/json.h"

enum {
        REGISTRY_NAME_MAX = 64, /* of a repository, a person, an API */
        REGISTRY_VALUE_MAX = 4095,
        REGISTRY_REPOSITORIES_MAX = 64,
        REGISTRY_PROTECTED_MAX = 8, /* of one repository, as COMMIT_REFS_MAX */
        REGISTRY_KEYRINGS_MAX = 16, /* likewise */
        REGISTRY_APIS_MAX = 256,    /* of all */
        REGISTRY_KEYS_MAX = 64,     /* of builders; of approvers as well */
        REGISTRY_AUTHORS_MAX = 1024,
        REGISTRY_FACTS_MAX = 4096,
};

enum registry_fact_kind {
        REGISTRY_REPOSITORY,
        REGISTRY_PROTECTED,
        REGISTRY_SIGNERS,
        REGISTRY_KEYRING,
        REGISTRY_API,
        REGISTRY_BUILDER,
        REGISTRY_APPROVER,
        REGISTRY_AUTHOR,
};

struct registry_fact {
        enum registry_fact_kind kind;
        char name[REGISTRY_NAME_MAX + 1];
        char of[REGISTRY_NAME_MAX + 1]; /* API: its name */
        char value[REGISTRY_VALUE_MAX + 1];
};

/* The object's members; what is in f has to be as above. */
void registry_fact_put(struct json_writer *w, const struct registry_fact *f);
/* -EBADMSG and the member.  *ret is untouched then. */
MUST_USE int registry_fact_parse(struct span fact, struct registry_fact *ret, struct err *err);

/* Of a repository: [a-z0-9][a-z0-9._-]*.  Of a person or a machine: UTF-8 without control
 * characters and blanks at its ends.  Both 1 to REGISTRY_NAME_MAX bytes. */
bool registry_repository_ok(struct span name);
bool registry_person_ok(struct span name);

#endif
