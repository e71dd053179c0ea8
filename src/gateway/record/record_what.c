/* SPDX-License-Identifier: Apache-2.0 */
/* record_what.c - members of api.intent, api.denied, api.outcome and api.unshown, in the order of
 * their names. */
#include "gateway/record/record_priv.h"

#include "base/text.h"

enum { POLICIES_TOLD = 32, FAULTS_TOLD = 8, FAULT_TEXT_MAX = 256 };

/* Of a package that could be built none is too long for an entry: names of classes are plain,
 * others are of '"' at worst. */
enum {
        CLASS_ROOM = sizeof("[\"\",4294967295,\"withheld\"],"),
        NAME_ROOM = 2 * RECORD_NAME_MAX + sizeof("\"\","),
        NAMES = 9, /* api, detail, object_type, operation, scheme, tls, version; two to spare */
};
STATIC_ASSERT(API_CLASSES_TEXT_MAX + API_CLASSES_MAX * CLASS_ROOM +
                              (RECORD_GROUPS_TOLD + POLICIES_TOLD + NAMES) * NAME_ROOM +
                              FAULTS_TOLD * (NAME_ROOM + 2 * FAULT_TEXT_MAX + 4) + 1024 <=
                      RECORD_ROOM_MAX,
              "names of a package fit an entry");

static void put_left_out(struct json_writer *w, const char *key, uint32_t n, uint32_t told)
{
        if (n > told)
                json_member_u64(w, key, n - told);
}

static struct span name_of(const struct cedar_policy *p)
{
        struct span name;

        return cedar_policy_annotation(p, "id", &name) && name.n ? name : p->id;
}

static void put_fault(struct json_writer *w, const struct cedar_fault_at *f)
{
        struct cedar_fault_at at = *f;
        uint8_t room[FAULT_TEXT_MAX];
        struct buf text = BUF_OVER(room, sizeof room);

        at.policy = NULL;
        cedar_fault_print(&at, &text);
        json_begin_array(w);
        record_put_name(w, name_of(f->policy));
        json_put_string(w, buf_status(&text) < 0 ? SPAN("erred") : buf_span(&text));
        json_end_array(w);
}

static void put_faults(struct json_writer *w, const struct cedar_answer *a)
{
        uint32_t n = a ? MIN_OF(a->n_faults, (uint32_t)FAULTS_TOLD) : 0;

        if (n == 0)
                return;
        json_put_key(w, "faults");
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++)
                put_fault(w, &a->faults[i]);
        json_end_array(w);
        put_left_out(w, "faults_left_out", a->n_faults, n);
}

static void put_policies(struct json_writer *w, const struct cedar_answer *a)
{
        uint32_t n = a ? MIN_OF(a->n_reasons, (uint32_t)POLICIES_TOLD) : 0;

        if (n == 0)
                return;
        json_put_key(w, "policies");
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++)
                record_put_name(w, name_of(a->reasons[i]));
        json_end_array(w);
        put_left_out(w, "policies_left_out", a->n_reasons, n);
}

static void put_groups(struct json_writer *w, const struct credential *k)
{
        uint32_t n = k ? MIN_OF(k->proof.n_groups, (uint32_t)RECORD_GROUPS_TOLD) : 0;

        if (n == 0)
                return;
        json_put_key(w, "groups");
        json_begin_array(w);
        for (uint32_t i = 0; i < n; i++)
                record_put_name(w, k->proof.groups[i]);
        json_end_array(w);
        put_left_out(w, "groups_left_out", k->proof.n_groups, n);
}

static void put_api(struct json_writer *w, const struct record_call *c)
{
        if (c->package)
                record_member_name(w, "api", c->package->config.name);
}

static void put_version(struct json_writer *w, const struct record_call *c)
{
        if (c->package)
                record_member_name(w, "version", c->package->file.version);
}

static void put_package(struct json_writer *w, const struct record_call *c)
{
        char hex[2 * PACKAGE_HASH + 1];

        if (!c->package)
                return;
        text_hex(span_of(c->package->file.sha256, PACKAGE_HASH), hex);
        json_member_text(w, "sha256", hex);
}

static void put_method(struct json_writer *w, const struct record_call *c)
{
        enum api_method m = c->request ? c->request->method : api_method_of(c->raw->method);

        if (m < API_METHODS)
                json_member_text(w, "method", api_method_name(m));
}

/* The object's id is a sensitive field. */
static void put_operation(struct json_writer *w, const struct record_call *c)
{
        put_method(w, c);
        if (c->object_type.n)
                record_member_name(w, "object_type", c->object_type);
        if (c->operation)
                record_member_name(w, "operation", c->operation->id);
}

static void put_tls(struct json_writer *w, const struct record_call *c)
{
        if (c->raw->tls_version.n)
                record_member_name(w, "tls", c->raw->tls_version);
        if (c->credential)
                json_member_bool(w, "verified", c->credential->verified);
}

static void put_scheme(struct json_writer *w, const struct record_call *c)
{
        if (c->credential && c->credential->scheme.n)
                record_member_name(w, "scheme", c->credential->scheme);
}

const char *record_answer_name(enum mask_answer a)
{
        static const char *const names[] = {
                [MASK_CLEAR] = "clear", [MASK_MASKED] = "masked", [MASK_WITHHELD] = "withheld"
        };

        assert((size_t)a < ARRAY_LEN(names));
        return names[a];
}

/* [class, count], with an answer for each of a response. */
static void put_classes(struct json_writer *w, const char *key, const struct record_call *c,
                        const struct mask_found *found, const struct mask_answers *answers)
{
        bool any = false;

        if (!found || !found->counts)
                return;
        for (uint32_t i = 0; i < c->package->api->n_classes; i++) {
                if (found->counts[i] == 0)
                        continue;
                if (!any) {
                        json_put_key(w, key);
                        json_begin_array(w);
                }
                any = true;
                json_begin_array(w);
                record_put_name(w, c->package->api->classes[i]);
                json_put_u64(w, found->counts[i]);
                if (answers) {
                        assert(i < answers->n);
                        json_put_string(w, span_str(record_answer_name(answers->of[i])));
                }
                json_end_array(w);
        }
        if (any)
                json_end_array(w);
}

static void put_findings(struct json_writer *w, const struct answer *a)
{
        if (!a || a->n_findings == 0)
                return;
        json_put_key(w, "findings");
        json_begin_array(w);
        for (uint32_t i = 0; i < MIN_OF(a->n_findings, (uint32_t)ANSWER_FINDINGS_MAX); i++) {
                json_begin_array(w);
                json_put_string(w, span_str(find_kind_name(a->findings[i].kind)));
                record_put_name(w, a->findings[i].place);
                json_put_u64(w, a->findings[i].n);
                json_end_array(w);
        }
        json_end_array(w);
        if (a->findings_lost)
                json_member_bool(w, "findings_left_out", true);
}

static const char *decision_of(const struct cedar_answer *a)
{
        return a->decision == CEDAR_PERMIT ? "allow" : "deny";
}

void record_put_intent(struct json_writer *w, const void *ctx)
{
        const struct record_told *t = ctx;
        const struct record_call *c = t->c;

        put_api(w, c);
        put_left_out(w, "asked_left_out", t->left_out, 0);
        json_member_u64(w, "bytes", c->n_body);
        json_member_text(w, "call", c->id);
        json_member_text(w, "decision", decision_of(c->decision));
        put_faults(w, c->decision);
        json_member_u64(w, "generation", c->generation);
        put_groups(w, c->credential);
        put_operation(w, c);
        put_policies(w, c->decision);
        put_scheme(w, c);
        put_package(w, c);
        put_tls(w, c);
        put_version(w, c);
        put_classes(w, "writes", c, c->writes, NULL);
}

void record_put_denied(struct json_writer *w, const void *ctx)
{
        const struct record_told *t = ctx;
        const struct record_call *c = t->c;
        const struct refusal_about *about = refusal_about(t->refusal->reason);

        put_api(w, c);
        put_left_out(w, "asked_left_out", t->left_out, 0);
        if (c->request)
                json_member_u64(w, "bytes", c->n_body);
        json_member_text(w, "call", c->id);
        if (t->count > 1)
                json_member_u64(w, "count", t->count);
        if (c->decision)
                json_member_text(w, "decision", decision_of(c->decision));
        if (t->refusal->text[0])
                record_member_name(w, "detail", span_str(t->refusal->text));
        put_faults(w, c->decision);
        if (c->generation)
                json_member_u64(w, "generation", c->generation);
        put_groups(w, c->credential);
        put_operation(w, c);
        put_policies(w, c->decision);
        json_member_text(w, "reason", about->name);
        put_scheme(w, c);
        put_package(w, c);
        json_member_int(w, "status", about->status);
        put_tls(w, c);
        put_version(w, c);
        put_classes(w, "writes", c, c->writes, NULL);
}

void record_put_outcome(struct json_writer *w, const void *ctx)
{
        const struct record_told *t = ctx;
        const struct record_outcome *o = t->o;

        put_api(w, t->c);
        if (o->backend_ns >= 0)
                json_member_int(w, "backend_ns", MIN_OF(o->backend_ns, (int64_t)JSON_INT_MAX));
        if (o->backend_status)
                json_member_int(w, "backend_status", o->backend_status);
        json_member_u64(w, "bytes", o->n_body);
        json_member_text(w, "call", t->c->id);
        if (o->refusal && o->refusal->text[0])
                record_member_name(w, "detail", span_str(o->refusal->text));
        put_findings(w, o->answer);
        put_operation(w, t->c);
        if (o->answer)
                put_classes(w, "reads", t->c, &o->answer->found, &o->answer->answers);
        if (o->refusal)
                json_member_text(w, "reason", refusal_about(o->refusal->reason)->name);
        json_member_text(w, "result",
                         o->refusal          ? "refused"
                         : o->backend_ns < 0 ? "cached"
                                             : "answered");
        json_member_int(w, "status", o->status);
        put_version(w, t->c);
}

void record_put_unshown(struct json_writer *w, const void *ctx)
{
        const struct record_told *t = ctx;

        put_api(w, t->c);
        json_member_text(w, "call", t->c->id);
        put_method(w, t->c);
        record_member_name(w, "operation", t->c->operation->id);
        json_member_text(w, "reason", t->status ? "late" : "left");
        if (t->status)
                json_member_int(w, "status", t->status);
        put_version(w, t->c);
}
