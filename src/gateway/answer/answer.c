/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - what a back-end says, checked.  Floor 3.  SECURITY: hostile bytes. */
#include "gateway/answer/answer.h"

#include "base/text.h"
#include "gateway/answer/answer_priv.h"

enum { SHOWN = 80 };

int answer_no_memory(struct answering *a)
{
        if (!a->arena->full)
                return -ENOMEM;
        return refuse(a->refusal, REFUSED_RESPONSE_SIZE, "takes more memory than a call may");
}

/* ---- status ---- */

static const struct api_response *response_of(const struct api_operation *o, uint16_t status)
{
        for (uint32_t i = 0; i < o->n_responses; i++)
                if (o->responses[i].status == status)
                        return &o->responses[i];
        return NULL;
}

/* What only an answer to another question says. */
static bool is_unasked(uint16_t status)
{
        return status == 206 || status / 100 == 3;
}

static int check_status(struct answering *a, const struct api_operation *o)
{
        uint16_t status = a->raw->status;
        const struct api_response *r = NULL;

        if (status >= 200 && status <= 599) {
                r = response_of(o, status);
                if (!r && status != 206)
                        r = response_of(o, status / 100);
                if (!r && !is_unasked(status))
                        r = response_of(o, 0);
        }
        if (!r)
                return refuse(a->refusal, REFUSED_RESPONSE_STATUS,
                              "status %u is not in the document", status);
        a->response = r;
        a->ret->status = status;
        return 0;
}

/* ---- media ---- */

static bool has_no_body(const struct answer_raw *raw)
{
        return raw->head || raw->status == 204 || raw->status == 205 || raw->status == 304;
}

static int refuse_media(struct answering *a, struct span media)
{
        CLEANUP(buf_done) struct buf shown = BUF_INIT(REFUSAL_TEXT_MAX);

        text_put_safe(&shown, span_of(media.p, MIN_OF(media.n, (size_t)SHOWN)));
        return refuse(a->refusal, REFUSED_RESPONSE_MEDIA, "%s is not in the document",
                      buf_cstr(&shown));
}

/* NULL where there is nothing that is of any. */
static int check_media(struct answering *a, const struct answer_head *head,
                       const struct api_media **ret)
{
        const struct api_response *r = a->response;
        bool bodiless = has_no_body(a->raw);

        if (a->raw->body.n > 0 && (bodiless || r->n_media == 0))
                return refuse(a->refusal, REFUSED_RESPONSE_MEDIA, "a body where there is none");
        *ret = NULL;
        if (r->n_media == 0 || (bodiless && !(a->raw->head && head->content_type.p)))
                return 0;
        if (!head->content_type.p)
                return refuse(a->refusal, REFUSED_RESPONSE_MEDIA, "no content-type");
        for (uint32_t i = 0; i < r->n_media; i++)
                if (span_eq(r->media[i].type, head->media))
                        *ret = &r->media[i];
        if (!*ret)
                return refuse_media(a, head->media);
        if ((*ret)->json && !head->media_utf8)
                return refuse(a->refusal, REFUSED_RESPONSE_MEDIA, "JSON that is not in UTF-8");
        return 0;
}

/* ---- masks ---- */

static enum mask_answer ask(void *ctx, uint32_t class)
{
        struct answering *a = ctx;

        return a->asker->ask(a->asker->ctx, class);
}

static int look(void *ctx, const struct mask_place *at, const struct tree *v)
{
        struct answering *a = ctx;

        return findings_look(&a->findings, at, v);
}

int answer_mask(struct answering *a, uint32_t schema, const struct tree *v, struct tree *ret,
                uint32_t *ret_n)
{
        const struct mask_spec s = { .package = a->package,
                                     .schema = schema,
                                     .ask = ask,
                                     .plain = look,
                                     .ctx = a,
                                     .key = a->asker->hash_key };
        struct err err = { 0 };
        int rc = mask_response(&s, v, a->arena, ret, ret_n, &a->ret->found, &err);

        if (rc == -ENOMEM)
                return answer_no_memory(a);
        if (rc == -E2BIG)
                return refuse(a->refusal, REFUSED_RESPONSE_SIZE, "%s", err_text(&err));
        return rc;
}

/* ---- the whole ---- */

static int put_body(struct answering *a, const struct api_media *media)
{
        if (a->raw->head || !media)
                return 0;
        if (media->json)
                return answer_put_json(a, media->schema);
        a->ret->body = a->raw->body;
        return 0;
}

static int check_all(struct answering *a, const struct api_operation *o)
{
        const struct api_media *media = NULL;
        struct span type = SPAN_NONE;
        struct answer_head head;
        int rc = check_status(a, o);

        if (rc == 0)
                rc = answer_head_read(a, &head);
        if (rc == 0)
                rc = check_media(a, &head, &media);
        if (rc == 0 && a->raw->body.n > a->package->config.response_max)
                rc = refuse(a->refusal, REFUSED_RESPONSE_SIZE, "more than %u bytes",
                            a->package->config.response_max);
        if (rc == 0)
                rc = put_body(a, media);
        if (rc < 0)
                return rc;
        if (media)
                type = media->json ? media->type : head.content_type;
        return answer_put_headers(a, type);
}

int answer_check(const struct package *p, const struct api_operation *operation,
                 const struct answer_raw *raw, const struct answer_asker *asker,
                 struct arena *arena, struct answer *ret, struct refusal *refusal)
{
        struct answering a = { .package = p,
                               .raw = raw,
                               .asker = asker,
                               .arena = arena,
                               .ret = ret,
                               .refusal = refusal,
                               .findings = { .package = p, .arena = arena } };
        int rc;

        *ret = (struct answer){ .status = 0 };
        rc = check_all(&a, operation);
        if (rc == 0 && findings_end(&a.findings, ret) < 0)
                rc = answer_no_memory(&a);
        if (rc == 0 && ret->found.answers)
                ret->answers = (struct mask_answers){ ret->found.answers, p->api->n_classes };
        return rc;
}
