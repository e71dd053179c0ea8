/* SPDX-License-Identifier: Apache-2.0 */
/* registry_record.h - an act in a registry as it goes into the ledger and into files.  Floor 2,
 * pure.  The form is in registry.h; members of "what" are those of the kind's table.
 *
 * SECURITY: registry_record_read() reads bytes as if they were hostile. */
#ifndef PACKAGE_REGISTRY_RECORD_H
#define PACKAGE_REGISTRY_RECORD_H

#include "package/registry/approval.h"
#include "wire/commit_fact.h"
#include "wire/json.h"
#include "wire/registry_fact.h"
#include "wire/signature_fact.h"

enum {
        REGISTRY_RECORD_MAX = 64 * 1024,
        REGISTRY_REASON_MAX = 1024,
        REGISTRY_DETAIL_MAX = 127,
        REGISTRY_KEY_MAX = SIGNATURE_KEY_MAX,       /* a key id, 8 hex digits; or a fingerprint */
        REGISTRY_TIPS_MAX = REGISTRY_PROTECTED_MAX, /* of one push */
};

enum registry_act_kind {
        REGISTRY_APPROVED,
        REGISTRY_DEPLOYED,
        REGISTRY_PUSHED,
        REGISTRY_REFUSED,
        REGISTRY_ROLLED_BACK,
        REGISTRY_WITHDRAWN,
        REGISTRY_ACTS,
};
const char *registry_act_entry(enum registry_act_kind k); /* "api.pushed" */

struct registry_tip {
        char ref[COMMIT_REF_MAX + 1];
        char tip[COMMIT_ID_MAX + 1];
        bool on; /* of a push: it has the commit */
};

/* Texts that are empty, hashes of zeros and numbers 0 are not known, or not of this kind.  It is
 * large: keep it off small stacks. */
struct registry_record {
        enum registry_act_kind kind;
        /* of the record */
        uint32_t by;
        uint64_t from;
        char origin[NOTE_NAME_MAX + 1];
        int64_t time_ns;
        char note[APPROVAL_MAX + 1];
        /* of what */
        char act[16]; /* of what was refused: push, approve, deploy, rollback, withdraw */
        char api[APPROVAL_API_MAX + 1];
        uint8_t approval[PACKAGE_HASH];
        uint64_t approved_in;
        char approver[REGISTRY_NAME_MAX + 1]; /* sensitive */
        char approver_key[REGISTRY_KEY_MAX + 1];
        char author[REGISTRY_NAME_MAX + 1]; /* sensitive */
        char branch[COMMIT_REF_MAX + 1];
        char builder_key[REGISTRY_KEY_MAX + 1];
        char change[APPROVAL_CHANGE_MAX + 1];
        char commit[COMMIT_ID_MAX + 1];
        char detail[REGISTRY_DETAIL_MAX + 1];
        char directory[REGISTRY_VALUE_MAX + 1];
        uint8_t file[PACKAGE_HASH];
        uint64_t generation;
        char key[REGISTRY_KEY_MAX + 1];
        char path[COMMIT_PATH_MAX + 1];
        char previous[PACKAGE_VERSION_MAX + 1];
        uint8_t previous_sha256[PACKAGE_HASH];
        char reason[REGISTRY_REASON_MAX + 1];
        char repository[REGISTRY_NAME_MAX + 1];
        uint8_t sha256[PACKAGE_HASH];
        char signed_[16];
        char signer[SIGNATURE_SIGNER_MAX + 1]; /* sensitive */
        uint64_t sources;
        char tip[COMMIT_ID_MAX + 1];
        struct registry_tip tips[REGISTRY_TIPS_MAX];
        size_t n_tips;
        int64_t until_ns;
        char version[PACKAGE_VERSION_MAX + 1];
};

/* The members of the entry: an object; a list of [subject, field, text].  Append. */
void registry_record_put_what(const struct registry_record *r, struct buf *out);
void registry_record_put_sensitive(const struct registry_record *r, struct buf *out);
/* All of it, with its newline. */
void registry_record_put(const struct registry_record *r, struct buf *out);

/* -EBADMSG and the member; *ret is untouched then. */
MUST_USE int registry_record_read(struct span text, struct registry_record *ret, struct err *err);

/* The id of a "name+id+key", as 8 hex digits: names of keys are mostly names of people. */
void registry_key_id(const char *vkey, char out[REGISTRY_KEY_MAX + 1]);

#endif
