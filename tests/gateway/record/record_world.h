/* SPDX-License-Identifier: Apache-2.0 */
/* record_world.h - calls to be recorded, and whether what comes of them is what the recorder takes:
 * for record_test.c, record_fold_test.c and fuzz/gateway_record_fuzz.c. */
#ifndef TESTS_GATEWAY_RECORD_WORLD_H
#define TESTS_GATEWAY_RECORD_WORLD_H

#include "gateway/record/record.h"
#include "ledger/vault/vault.h"
#include "wire/entry.h"
#include "wire/kind.h"
#include "wire/msg.h"

enum { WORLD_CLASSES = 3, WORLD_POLICIES = 2, WORLD_NOW_S = 1795284000 };

/* An API with a handful of classes, and one call of it. */
struct record_world {
        struct arena arena;
        struct api api;
        struct package package;
        struct api_operation operation;
        struct span classes[WORLD_CLASSES];
        uint32_t counts[WORLD_CLASSES];
        enum mask_answer answers[WORLD_CLASSES];
        struct mask_found found;
        struct cedar_annotation annotation;
        struct cedar_policy policy[WORLD_POLICIES];
        const struct cedar_policy *reasons[WORLD_POLICIES];
        struct cedar_expr erring;
        struct cedar_fault_at fault;
        struct cedar_answer decision;
        struct config_identity identity;
        struct span group;
        struct credential credential;
        struct request_raw raw;
        struct request request;
        struct answer answer;
        struct record_call call;
        struct record_outcome outcome;
};

/* GET getAccount of accounts by "payroll", allowed by one policy; the response has two names in
 * clear and an account number masked. */
static inline void record_world_init(struct record_world *w)
{
        *w = (struct record_world){ .arena = ARENA_INIT((size_t)64 << 20) };
        w->classes[0] = SPAN("pan");
        w->classes[1] = SPAN("pii.name");
        w->classes[2] = SPAN("pii.ssn");
        w->api.classes = w->classes;
        w->api.n_classes = WORLD_CLASSES;
        w->package.api = &w->api;
        w->package.config.name = SPAN("accounts");
        w->package.file.version = SPAN("1.4.0");
        memset(w->package.file.sha256, 0xab, sizeof w->package.file.sha256);
        w->operation.id = SPAN("getAccount");
        w->annotation = (struct cedar_annotation){ .key = SPAN("id"),
                                                   .value = SPAN("tellers-read"),
                                                   .has_value = true };
        w->policy[0] = (struct cedar_policy){ .id = SPAN("policy0"),
                                              .annotations = &w->annotation,
                                              .n_annotations = 1 };
        w->policy[1] = (struct cedar_policy){ .id = SPAN("policy1") };
        w->reasons[0] = &w->policy[0];
        w->reasons[1] = &w->policy[1];
        w->erring.pos = (struct cedar_pos){ .line = 7, .column = 12 };
        w->fault = (struct cedar_fault_at){ &w->policy[1], FAULT_NOT_BOOL, &w->erring };
        w->decision = (struct cedar_answer){ .decision = CEDAR_PERMIT,
                                             .reasons = w->reasons,
                                             .n_reasons = 1 };
        w->group = SPAN("tellers");
        w->credential = (struct credential){ .proof = { .identity = &w->identity,
                                                        .id = SPAN("payroll"),
                                                        .groups = &w->group,
                                                        .n_groups = 1 },
                                             .scheme = SPAN("token"),
                                             .verified = true };
        w->raw = (struct request_raw){ .method = SPAN("GET"),
                                       .target = SPAN("/accounts/A1"),
                                       .version = 11,
                                       .address = { .address = { 192, 0, 2, 7 }, .prefix = 32 },
                                       .address_text = SPAN("192.0.2.7"),
                                       .tls_version = SPAN("TLSv1.3"),
                                       .now_ns = WORLD_NOW_S * 1000000000LL };
        w->request = (struct request){ .raw = &w->raw, .method = API_GET };
        w->counts[0] = 1;
        w->counts[1] = 2;
        w->answers[0] = MASK_MASKED;
        w->answers[2] = MASK_WITHHELD;
        w->answer = (struct answer){ .status = 200,
                                     .found = { .counts = w->counts },
                                     .answers = { .of = w->answers, .n = WORLD_CLASSES } };
        w->call = (struct record_call){ .id = "01ARYZ6S41TSV4RRFFQ69G5FAV",
                                        .now_ns = w->raw.now_ns,
                                        .generation = 9,
                                        .package = &w->package,
                                        .operation = &w->operation,
                                        .raw = &w->raw,
                                        .request = &w->request,
                                        .credential = &w->credential,
                                        .object_type = SPAN("Account"),
                                        .object_id = SPAN("A1"),
                                        .decision = &w->decision };
        w->outcome = (struct record_outcome){ .answer = &w->answer,
                                              .status = 200,
                                              .backend_status = 200,
                                              .backend_ns = 3000000,
                                              .n_body = 120 };
}

static inline void record_world_done(struct record_world *w)
{
        arena_done(&w->arena);
}

/* No field of the entry: wire/msg.h. */
static inline bool record_world_is_for_whom(const struct feed_field *f)
{
        return span_eq_str(f->name, MSG_FOR_WHOM) && f->value.n == 0;
}

/* What the recorder would say of an entry: recorder/admit.c.  The text is the first objection,
 * NULL: none. */
static inline const char *record_world_refused(const struct record *r, struct err *err)
{
        static char any[ENTRY_DIGEST_LEN];
        struct span names[RECORD_FIELDS_MAX], digests[RECORD_FIELDS_MAX];
        struct span subjects[RECORD_FIELDS_MAX];
        struct buf entry = BUF_INIT(2 * ENTRY_MAX);
        struct entry_stamp stamp = { .host = SPAN("h"),
                                     .proc = SPAN("gateway"),
                                     .run = JSON_INT_MAX,
                                     .seq = JSON_INT_MAX,
                                     .digests = digests,
                                     .subjects = subjects };
        size_t values = 0, n = 0;
        int rc;

        memset(any, 'A', sizeof any);
        for (uint32_t i = 0; i < r->n_fields; i++) {
                if (r->fields[i].subject.n < 1 || r->fields[i].subject.n > VAULT_LABEL_MAX)
                        return "a subject's length";
                if (record_world_is_for_whom(&r->fields[i]))
                        continue;
                names[n] = r->fields[i].name;
                values += r->fields[i].value.n;
                digests[n] = span_of(any, ENTRY_DIGEST_LEN);
                subjects[n++] = span_of(any, ENTRY_SUBJECT_LEN);
                if (json_check_value(r->fields[i].value, err) < 0)
                        return err_text(err);
        }
        if (values > 32 * 1024)
                return "more values than fit";
        if (json_check(r->skeleton, err) < 0 ||
            kind_check(r->skeleton, "gateway", names, n, err) < 0)
                return err_text(err);
        stamp.n_digests = stamp.n_subjects = n;
        rc = entry_compose(r->skeleton, &stamp, &entry, err);
        buf_done(&entry);
        return rc < 0 ? err_text(err) : NULL;
}

#endif
