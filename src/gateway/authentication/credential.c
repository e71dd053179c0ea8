/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/authentication/credential.h"

#include "base/clock.h"
#include "gateway/authentication/showing.h"

struct checking {
        const struct config *config;
        struct shown_by by;
        struct showing
                *showings[API_IDENTITIES_MAX]; /* judged once, however often it is asked for */
        /* Of all alternatives, none of which was good so far: */
        const struct config_identity *missing, *bad_of;
        const struct showing *bad;
        bool unjudged;
};

/* ---- alternatives ---- */

/* The schemes of a package are those of its identities, in the same order. */
static int judge(struct checking *c, uint32_t scheme, const struct showing **ret)
{
        int rc = 0;

        assert(scheme < c->config->n_identities && scheme < API_IDENTITIES_MAX);
        if (!c->showings[scheme]) {
                c->showings[scheme] = arena_alloc(c->by.arena, sizeof *c->showings[scheme]);
                if (!c->showings[scheme])
                        return -ENOMEM;
                rc = showing_judge(&c->by, &c->config->identities[scheme], c->showings[scheme]);
        }
        *ret = c->showings[scheme];
        return rc;
}

/* What is to be told if no alternative is good: a fault of more than form before one of form. */
static void note(struct checking *c, const struct config_identity *i, const struct showing *s)
{
        c->unjudged = c->unjudged || s->shown == SHOWN_UNJUDGED;
        if (s->shown == SHOWN_NOT && !c->missing)
                c->missing = i;
        if (s->shown == SHOWN_BAD && (!c->bad || (c->bad->form_only && !s->form_only))) {
                c->bad = s;
                c->bad_of = i;
        }
}

static void take(const struct showing *s, struct credential *out)
{
        if (s->pass.n) {
                out->pass = s->pass;
                out->passed = s->user;
        }
        if (!caller_named_by(s->proof.identity, out->proof.identity))
                return;
        out->proof = s->proof;
        out->scheme = s->proof.identity->scheme;
        out->verified = s->verified;
}

/* Whether all of it was shown, by one caller. */
static int try_alternative(struct checking *c, const struct api_security *a, struct credential *out,
                           bool *ret_good)
{
        static const struct showing other = { .shown = SHOWN_BAD, .fault = "another caller" };
        const struct showing *s = NULL;

        *ret_good = true;
        *out = (struct credential){ 0 };
        for (uint32_t i = 0; i < a->n; i++) {
                int rc = judge(c, a->schemes[i], &s);

                if (rc < 0)
                        return rc;
                note(c, &c->config->identities[a->schemes[i]], s);
                if (s->shown == SHOWN_GOOD)
                        take(s, out);
                else
                        *ret_good = false;
        }
        for (uint32_t i = 0; *ret_good && i < a->n; i++) {
                s = c->showings[a->schemes[i]];
                if (s->verified && !span_eq(s->proof.id, out->proof.id)) {
                        note(c, s->proof.identity, &other);
                        *ret_good = false;
                }
        }
        if (!out->verified)
                out->passed = SPAN_NONE; /* he is the caller */
        return 0;
}

/* ---- the whole ---- */

static void ask_for_keys(const struct checking *c)
{
        for (uint32_t i = 0; c->by.keys->refetch && i < ARRAY_LEN(c->showings); i++)
                if (c->showings[i] && c->showings[i]->wants_keys)
                        c->by.keys->refetch(c->by.keys->ctx, &c->config->identities[i]);
}

/* A scheme of the document, as far as it goes into a text. */
#define NAME(i) (int)MIN_OF((i)->scheme.n, (size_t)64), (const char *)(i)->scheme.p

static int refuse_all(const struct checking *c, struct refusal *refusal)
{
        ask_for_keys(c);
        if (c->unjudged)
                return refuse(refusal, REFUSED_KEYS, "no keys of the issuer were read yet");
        if (c->bad)
                return refuse(refusal, REFUSED_CREDENTIAL, "%.*s: %s", NAME(c->bad_of),
                              c->bad->fault);
        return refuse(refusal, REFUSED_NO_CREDENTIAL, "%.*s: not shown", NAME(c->missing));
}

int credential_check(const struct package *p, const struct api_operation *operation,
                     const struct request *q, const struct credential_keys *keys,
                     struct arena *arena, struct credential *ret, struct refusal *refusal)
{
        struct checking c = {
                .config = &p->config,
                .by = { .q = q, .keys = keys, .arena = arena, .now_s = q->raw->now_ns / NS_PER_S }
        };
        bool anybody = operation->n_security == 0;
        struct credential out;

        showing_begin(&c.by);
        for (uint32_t i = 0; i < operation->n_security; i++) {
                const struct api_security *a = &operation->security[i];
                bool is_good = false;
                int rc;

                anybody = anybody || a->n == 0;
                rc = a->n ? try_alternative(&c, a, &out, &is_good) : 0;
                if (rc < 0)
                        return rc;
                if (is_good) {
                        *ret = out;
                        return 0;
                }
        }
        if (!anybody || c.bad || c.unjudged)
                return refuse_all(&c, refusal);
        *ret = (struct credential){ 0 };
        return 0;
}
