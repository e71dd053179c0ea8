/* SPDX-License-Identifier: Apache-2.0 */
/* record_asked.c - what policies could ask of a call, for assay api replay; record.h has the form.
 *
 * What there is no room for is left out by itself: what is recorded is never another value than the
 * policies saw. */
#include "gateway/record/record_priv.h"

#include "package/call/call.h"

enum { CLOSERS = 2 * ASKED_DEPTH_MAX + 2 }; /* brackets that are still to come, at most */

struct asking {
        const struct call *call;
        struct arena *arena;
        struct buf out; /* of RECORD_ASKED_MAX */
        uint32_t left_out;
        bool failed; /* no memory */
};

static bool open_asking(struct asking *a)
{
        a->out = BUF_OVER(arena_alloc(a->arena, RECORD_ASKED_MAX), RECORD_ASKED_MAX);
        return a->out.p;
}

static bool has_room(struct asking *a, size_t n)
{
        if (a->out.n + n + CLOSERS <= RECORD_ASKED_MAX)
                return true;
        a->left_out++;
        return false;
}

static void put_comma(struct buf *out)
{
        if (out->p[out->n - 1] != '[')
                buf_put_byte(out, ',');
}

/* [name], [name,value]; both are JSON. */
static void put_pair(struct asking *a, struct span name, struct span value)
{
        if (!has_room(a, name.n + value.n + sizeof ",[,]"))
                return;
        put_comma(&a->out);
        buf_put_byte(&a->out, '[');
        buf_put(&a->out, name);
        if (value.n) {
                buf_put_byte(&a->out, ',');
                buf_put(&a->out, value);
        }
        buf_put_byte(&a->out, ']');
}

/* v NULL: it is not there. */
static void put_value(struct asking *a, const struct asked_place *p, const struct tree *v)
{
        const struct span text = v ? record_value(v, a->arena) : SPAN_NONE;

        a->failed |= v && !text.p;
        if (!a->failed)
                put_pair(a, p->quoted, text);
}

/* ---- the request ---- */

static const struct tree *member_of(const struct tree *object, struct span name)
{
        uint32_t lo = 0, hi = object->n;

        while (lo < hi) {
                uint32_t mid = lo + (hi - lo) / 2;
                int order = span_cmp(object->members[mid].key, name);

                if (order == 0)
                        return &object->members[mid].value;
                if (order < 0)
                        lo = mid + 1;
                else
                        hi = mid;
        }
        return NULL;
}

static bool begin_parts(struct asking *a, const struct asked_place *p)
{
        if (!has_room(a, p->quoted.n + sizeof ",[,[]]"))
                return false;
        put_comma(&a->out);
        buf_put_byte(&a->out, '[');
        buf_put(&a->out, p->quoted);
        buf_put_str(&a->out, ",[");
        return true;
}

/* ASKED_DEPTH_MAX bounds the recursion. */
static void put_place(struct asking *a, const struct asked_place *p, const struct tree *v)
{
        if (!v || p->n == 0 || v->kind != TREE_OBJECT) {
                put_value(a, p, v);
                return;
        }
        if (!begin_parts(a, p))
                return;
        for (uint32_t i = 0; i < p->n; i++)
                put_place(a, &p->parts[i], member_of(v, p->parts[i].name));
        buf_put_str(&a->out, "]]");
}

static void put_parameters(struct asking *a, const struct asked_place *p)
{
        if (!begin_parts(a, p))
                return;
        for (uint32_t i = 0; i < p->n; i++) {
                const struct call_value *v;

                if (p->parts[i].parameter == API_NONE)
                        continue;
                v = &a->call->parameters[p->parts[i].parameter];
                put_value(a, &p->parts[i], v->present ? &v->value : NULL);
        }
        buf_put_str(&a->out, "]]");
}

static int put_request(struct asking *a, const struct asked *asked, struct span *ret)
{
        if (asked->n == 0)
                return 0;
        if (!open_asking(a))
                return -ENOMEM;
        buf_put_byte(&a->out, '[');
        for (uint32_t i = 0; i < asked->n; i++)
                if (span_eq(asked->places[i].name, SPAN("body")))
                        put_place(a, &asked->places[i], a->call->body);
                else
                        put_parameters(a, &asked->places[i]);
        buf_put_byte(&a->out, ']');
        assert(buf_status(&a->out) == 0);
        *ret = buf_span(&a->out);
        return a->failed ? -ENOMEM : 0;
}

/* ---- the caller ---- */

static void begin_member(struct asking *a, const char *key)
{
        buf_put_byte(&a->out, a->out.n ? ',' : '{');
        buf_put_str(&a->out, key);
}

static void put_claims(struct asking *a, const struct caller_proof *proof)
{
        begin_member(a, "\"claims\":[");
        for (uint32_t i = 0; i < proof->identity->n_claims && !a->failed; i++) {
                const struct span claim = proof->claims[i];
                struct span name = record_text(proof->identity->claims[i], a->arena),
                            text = claim.p ? record_text(claim, a->arena) : SPAN_NONE;

                a->failed = !name.p || (claim.p && !text.p);
                if (!a->failed)
                        put_pair(a, name, text);
        }
        buf_put_byte(&a->out, ']');
}

/* Either what.groups has all of them as they are, or this has: some of them would be none. */
static bool are_told(const struct caller_proof *proof)
{
        if (proof->n_groups > RECORD_GROUPS_TOLD)
                return false;
        for (uint32_t i = 0; i < proof->n_groups; i++)
                if (!record_name_is_exact(proof->groups[i]))
                        return false;
        return true;
}

static void put_groups(struct asking *a, const struct caller_proof *proof)
{
        const size_t from = a->out.n;

        begin_member(a, "\"groups\":[");
        for (uint32_t i = 0; i < proof->n_groups && !a->failed; i++) {
                struct span text = record_text(proof->groups[i], a->arena);

                a->failed = !text.p;
                if (!has_room(a, text.n + 1)) {
                        a->out.n = from;
                        return;
                }
                put_comma(&a->out);
                buf_put(&a->out, text);
        }
        buf_put_byte(&a->out, ']');
}

static void put_certificate(struct asking *a)
{
        struct span text = record_text(a->call->tls_client, a->arena);

        a->failed |= !text.p;
        if (a->failed || !has_room(a, text.n + sizeof ",\"tls_client\":"))
                return;
        begin_member(a, "\"tls_client\":");
        buf_put(&a->out, text);
}

static int put_caller(struct asking *a, const struct asked *asked, const struct caller_proof *proof,
                      struct span *ret)
{
        const bool claims = proof && proof->identity && proof->identity->n_claims && proof->claims,
                   groups = proof && !are_told(proof);

        if (!claims && !groups && !asked->tls_client)
                return 0;
        if (!open_asking(a))
                return -ENOMEM;
        if (claims)
                put_claims(a, proof);
        if (groups)
                put_groups(a, proof);
        if (asked->tls_client)
                put_certificate(a);
        if (a->failed)
                return -ENOMEM;
        if (a->out.n == 0)
                return 0;
        buf_put_byte(&a->out, '}');
        assert(buf_status(&a->out) == 0);
        *ret = buf_span(&a->out);
        return 0;
}

int record_asked(const struct record_call *c, struct arena *arena, struct span *ret_what,
                 struct span *ret_who, uint32_t *left_out)
{
        struct asking what = { .call = c->call, .arena = arena }, who = what;
        const struct asked *asked;
        int rc;

        *ret_what = *ret_who = SPAN_NONE;
        if (!c->call)
                return 0;
        asked = &c->package->asked->of[c->operation - c->package->api->operations];
        rc = put_request(&what, asked, ret_what);
        if (rc == 0)
                rc = put_caller(&who, asked, c->credential ? &c->credential->proof : NULL, ret_who);
        *left_out += what.left_out + who.left_out;
        return rc;
}
