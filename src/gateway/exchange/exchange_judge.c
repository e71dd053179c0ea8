/* SPDX-License-Identifier: Apache-2.0 */
/* exchange_judge.c - what is asked of a request, one after the other.  Floor 3.
 *
 * SECURITY: all of it is hostile.  What costs little comes first, and nobody learns by a refusal
 * what a later question would have answered: docs/gateway.md has the order and why. */
#include "base/clock.h"
#include "base/text.h"
#include "gateway/exchange/exchange_priv.h"
#include "gateway/request/parameters.h"

typedef int check_fn(struct exchange *x);

/* ---- who asks for what ---- */

static int read_request(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        int rc = request_read(p->raw, &x->arena, &p->request, &p->refusal);

        if (rc == 0)
                p->record.request = &p->request;
        return rc;
}

/* The API is known also where the path or the method is not one of its. */
static void take_package(struct exchange *x, const struct package *package)
{
        x->package = package;
        x->body_max = package->config.request_max;
        x->answer_max = package->config.response_max;
        x->arena.max += (size_t)EXCHANGE_BYTES_PER_BYTE * package->config.request_max;
        x->priv->api = serving_api_of(x->serving, package);
        x->priv->record.package = package;
}

static int find_route(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        int rc;

        if (!x->serving)
                return refuse(&p->refusal, REFUSED_PACKAGE, "nothing is deployed");
        rc = router_find(x->serving->router, p->request.method, &p->request.target, &p->route,
                         &p->refusal);
        if (p->route.package)
                take_package(x, p->route.package);
        p->record.operation = rc == 0 ? p->route.operation : NULL;
        return rc;
}

static int check_credential(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        int rc = credential_check(x->package, p->route.operation, &p->request, &p->gateway->keys,
                                  &x->arena, &p->credential, &p->refusal);

        if (rc == 0)
                p->record.credential = &p->credential;
        return rc;
}

/* Policies may ask for the name in it, whoever it is that an operation wants to be shown. */
static int check_certificate(struct exchange *x)
{
        struct exchange_private *p = x->priv;

        if (text_is_utf8(p->raw->client_subject_cn, NULL))
                return 0;
        return refuse(&p->refusal, REFUSED_CREDENTIAL, "certificate: its subject is no UTF-8");
}

/* What says who it is about is for the entry's own field, not for its text: -E2BIG and -ELOOP name
 * the caller. */
static int make_caller(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        struct err err = { 0 };
        int rc =
                package_caller(x->package, &p->credential.proof, &x->arena, &p->asker.caller, &err);

        if (rc == 0 || rc == -ENOMEM)
                return rc;
        return refuse(&p->refusal,
                      p->credential.proof.identity ? REFUSED_CREDENTIAL : REFUSED_NO_CREDENTIAL,
                      "%s",
                      rc == -EINVAL ? err_text(&err)
                                    : "caller: in too many groups, or in a circle of them");
}

/* ---- what comes with it ---- */

static const struct api_media *find_media(const struct api_body *body, struct span type)
{
        for (uint32_t i = 0; i < body->n_media; i++)
                if (span_eq(body->media[i].type, type))
                        return &body->media[i];
        return NULL;
}

static int check_body_head(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        const struct request *q = &p->request;
        const struct api_body *body = p->route.operation->request;
        const struct api_media *media;

        if (!q->has_body)
                return 0;
        if (!body)
                return refuse(&p->refusal, REFUSED_BODY, "body: none may be sent");
        if (q->length_known && q->length > x->body_max)
                return refuse(&p->refusal, REFUSED_SIZE, "body: %llu bytes, more than %zu",
                              (unsigned long long)q->length, x->body_max);
        media = find_media(body, q->media);
        if (!media)
                return refuse(&p->refusal, REFUSED_MEDIA, "body: of none of the types it may have");
        if (!q->media_utf8)
                return refuse(&p->refusal, REFUSED_MEDIA, "body: in another charset than UTF-8");
        p->call.body_schema = media->schema;
        return 0;
}

static int take_parameters(struct exchange *x)
{
        struct exchange_private *p = x->priv;

        p->call.operation = p->route.operation;
        p->call.address = p->raw->address;
        p->call.time_ms = p->raw->now_ns / NS_PER_MS;
        p->call.tls_version = p->raw->tls_version;
        p->call.tls_client = p->raw->client_subject_cn;
        return parameters_read(x->package, p->route.operation, &p->route, &p->request, &x->arena,
                               &p->call.parameters, &p->refusal);
}

static void record_what_is_asked(struct exchange *x)
{
        if (x->package->asked)
                x->priv->record.call = &x->priv->call;
}

static int read_body(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        struct err err = { 0 };
        int rc;

        if (p->body_text.n == 0) {
                record_what_is_asked(x);
                return 0;
        }
        rc = tree_read_real(p->body_text, x->package->config.depth_max, &x->arena, &p->body, &err);
        if (rc == 0) {
                p->call.body = &p->body;
                record_what_is_asked(x);
        }
        if (rc == 0 || rc == -ENOMEM)
                return rc;
        return refuse(&p->refusal, REFUSED_JSON, "body: %s", err_text(&err));
}

/* What call.h says of a call that does not fit begins with the place. */
static int refuse_call(struct exchange *x, int rc, const struct err *err)
{
        const bool body = span_starts(span_str(err_text(err)), SPAN("body"));

        if (rc == -ENOMEM)
                return rc;
        return refuse(&x->priv->refusal, body ? REFUSED_BODY : REFUSED_PARAMETER, "%s",
                      err_text(err));
}

static int check_call(struct exchange *x)
{
        struct err err = { 0 };
        int rc = call_check(x->package, &x->priv->call, &err);

        return rc < 0 ? refuse_call(x, rc, &err) : 0;
}

/* ---- what it writes ---- */

static int count_written(struct exchange *x, uint32_t schema, const struct tree *v)
{
        struct exchange_private *p = x->priv;
        int rc = 0;

        if (schema != API_NONE)
                rc = mask_request(x->package, schema, v, &x->arena, &p->writes, NULL);
        if (rc == -E2BIG)
                rc = refuse(&p->refusal, REFUSED_SIZE, "more than %d values to record",
                            MASK_VALUES_MAX);
        return rc;
}

/* Data classes of parameters and of the body. */
static int find_written(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        const struct api_operation *o = p->route.operation;
        int rc = 0;

        if (!o->n_writes)
                return 0;
        for (uint32_t i = 0; rc == 0 && i < o->n_parameters; i++)
                if (p->call.parameters[i].present)
                        rc = count_written(x, o->parameters[i].schema,
                                           &p->call.parameters[i].value);
        if (rc == 0 && p->call.body)
                rc = count_written(x, p->call.body_schema, p->call.body);
        if (rc == 0 && p->writes.counts)
                p->record.writes = &p->writes;
        return rc;
}

/* ---- whether it may ---- */

static int make_context(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        struct err err = { 0 };
        int rc = call_context(x->package, &p->call, &x->arena, &p->asker.context, &p->asker.object,
                              &err);

        if (rc < 0)
                return refuse_call(x, rc, &err);
        if (p->route.operation->object.type.n) {
                p->record.object_type = p->asker.object.type;
                p->record.object_id = p->asker.object.id;
        }
        return 0;
}

static bool has_erring_forbid(const struct cedar_answer *a)
{
        for (uint32_t i = 0; i < a->n_faults; i++)
                if (a->faults[i].policy->effect == CEDAR_FORBID)
                        return true;
        return false;
}

bool exchange_ask(const struct exchange *x, const struct cedar_uid *action,
                  const struct cedar_uid *resource, const struct cedar_value *context,
                  struct cedar_answer *ret)
{
        const struct exchange_asker *a = &x->priv->asker;
        const struct cedar_request q = { .principal = a->caller.uid,
                                         .action = *action,
                                         .resource = *resource,
                                         .context = *context,
                                         .extra = &a->caller,
                                         .n_extra = 1 };

        cedar_decide(x->package->program, x->package->entities, &q, x->priv->api->bench, ret);
        return ret->decision == CEDAR_PERMIT && !has_erring_forbid(ret);
}

static int decide(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        const size_t at = (size_t)(p->route.operation - x->package->api->operations);
        const char *why = "no policy permits it";

        p->permitted = exchange_ask(x, &p->api->ask.actions[at], &p->asker.object,
                                    &p->asker.context, &p->decision);
        p->record.decision = &p->decision;
        if (p->permitted)
                return 0;
        if (p->decision.decision == CEDAR_PERMIT)
                why = "a policy that may forbid it could not be evaluated";
        else if (p->decision.n_reasons)
                why = "a policy forbids it";
        return refuse(&p->refusal, REFUSED_POLICY, "%s", why);
}

static int build_outgoing(struct exchange *x)
{
        struct exchange_private *p = x->priv;
        int rc = outgoing_build(x->package, &p->request, &p->call, p->credential.pass, x->id,
                                &x->arena, &p->outgoing, &p->refusal);

        if (rc == 0)
                exchange_prepare_cache(x);
        return rc;
}

/* ---- in this order ---- */

static int run(struct exchange *x, check_fn *const *checks, size_t n)
{
        int rc = 0;

        for (size_t i = 0; rc == 0 && i < n; i++)
                rc = checks[i](x);
        return rc;
}

int exchange_judge_head(struct exchange *x)
{
        static check_fn *const checks[] = {
                read_request, find_route,          check_credential, check_certificate,
                make_caller,  exchange_take_limit, check_body_head,  take_parameters,
        };

        return run(x, checks, ARRAY_LEN(checks));
}

int exchange_judge_rest(struct exchange *x)
{
        static check_fn *const checks[] = {
                read_body, check_call, find_written, make_context, decide, build_outgoing,
        };

        return run(x, checks, ARRAY_LEN(checks));
}
