/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/record/record.h"

#include "gateway/record/record_priv.h"

/* ---- ids ---- */

void record_id(int64_t now_ns, const uint8_t random[10], char ret[RECORD_ID + 1])
{
        static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        enum { TIME = 10, GROUP = 8 }; /* characters; of five bytes */
        uint64_t ms = now_ns < 0 ? 0 : (uint64_t)(now_ns / 1000000);

        for (size_t i = TIME; i-- > 0; ms >>= 5)
                ret[i] = crockford[ms & 31];
        for (size_t half = 0; half < 2; half++) {
                uint64_t v = 0;

                for (size_t i = 0; i < 5; i++)
                        v = v << 8 | random[5 * half + i];
                for (size_t i = GROUP; i-- > 0; v >>= 5)
                        ret[TIME + GROUP * half + i] = crockford[v & 31];
        }
        ret[RECORD_ID] = 0;
}

/* ---- sensitive fields ---- */

static bool is_verified(const struct record_call *c)
{
        return c->credential && c->credential->verified;
}

static struct span address_subject(const struct record_call *c, bool served, struct arena *arena)
{
        char network[RECORD_NETWORK_MAX + 1];

        record_network(&c->raw->address, served && is_verified(c), network);
        return record_subject(SPAN("address"), span_str(network), arena);
}

struct span record_subject_of_caller(const struct record_call *c, struct arena *arena)
{
        return is_verified(c) ? record_subject(SPAN("caller"), c->credential->proof.id, arena)
                              : address_subject(c, false, arena);
}

static int add_user(struct record *r, const struct record_call *c, struct arena *arena)
{
        if (!c->credential || !c->credential->proof.id.n)
                return 0;
        return record_field(r, SPAN("who.user"), record_subject_of_caller(c, arena),
                            record_text(c->credential->proof.id, arena));
}

/* As whom the back-end takes the call, if the password is right. */
static int add_passed(struct record *r, const struct record_call *c, struct arena *arena)
{
        if (!c->credential || !c->credential->passed.n)
                return 0;
        return record_field(r, SPAN("who.passed"), record_subject_of_caller(c, arena),
                            record_text(c->credential->passed, arena));
}

static int add_object(struct record *r, const struct record_call *c, bool served,
                      struct arena *arena)
{
        if (!c->object_id.n)
                return 0;
        return record_field(r, SPAN("what.object"),
                            served ? record_subject_of(c, arena)
                                   : record_subject_of_caller(c, arena),
                            record_text(c->object_id, arena));
}

/* What policies could ask for: as the object and the caller are. */
static int add_asked(struct record *r, const struct record_call *c, bool served,
                     struct arena *arena, uint32_t *left_out)
{
        struct span what, who;
        int rc = record_asked(c, arena, &what, &who, left_out);

        if (rc == 0 && what.n)
                rc = record_field(r, SPAN("what.asked"),
                                  served ? record_subject_of(c, arena)
                                         : record_subject_of_caller(c, arena),
                                  what);
        if (rc == 0 && who.n)
                rc = record_field(r, SPAN("who.asked"), record_subject_of_caller(c, arena), who);
        return rc;
}

static int add_address(struct record *r, const struct record_call *c, bool served,
                       struct arena *arena)
{
        if (!c->raw->address_text.n)
                return 0;
        return record_field(r, SPAN("who.address"), address_subject(c, served, arena),
                            record_text(c->raw->address_text, arena));
}

/* ---- entries ---- */

/* Values and one more; the last is that. */
static int open_records(const struct record_call *c, const struct mask_found *found, bool response,
                        struct arena *arena, struct records *ret, struct record **ret_last,
                        struct err *err)
{
        struct record_parts parts = { 0 };
        int rc = 0;

        if (found && found->n_values)
                rc = record_parts(c, found, response, arena, &parts);
        if (rc == 0) {
                ret->n = parts.n + 1;
                ret->at = arena_alloc(arena, ret->n * sizeof *ret->at);
        }
        if (rc < 0 || !ret->at)
                return err_sys(err, -ENOMEM, "entries of a call");
        *ret_last = &ret->at[parts.n];
        return parts.n ? record_parts_make(&parts, arena, ret->at, err) : 0;
}

int record_intent(const struct record_call *c, struct arena *arena, struct records *ret,
                  struct err *err)
{
        struct record_told t = { .c = c };
        struct records made;
        struct record *r;
        int rc;

        assert(c->package && c->operation && c->request && c->credential && c->decision);
        rc = open_records(c, c->writes, false, arena, &made, &r, err);
        if (rc < 0)
                return rc;
        if (add_object(r, c, true, arena) < 0 || add_address(r, c, true, arena) < 0 ||
            add_user(r, c, arena) < 0 || add_passed(r, c, arena) < 0 ||
            add_asked(r, c, true, arena, &t.left_out) < 0)
                return err_sys(err, -ENOMEM, "api.intent");
        rc = record_make("api.intent", c->now_ns, record_put_intent, &t, arena, r, err);
        if (rc == 0)
                *ret = made;
        return rc;
}

int record_outcome(const struct record_call *c, const struct record_outcome *o, struct arena *arena,
                   struct records *ret, struct err *err)
{
        struct record_told t = { .c = c, .o = o };
        struct records made;
        struct record *r;
        int rc;

        assert(c->package && c->operation && c->request);
        assert(!o->answer != !o->refusal);
        rc = open_records(c, o->answer ? &o->answer->found : NULL, true, arena, &made, &r, err);
        if (rc < 0)
                return rc;
        if (add_object(r, c, true, arena) < 0 || add_user(r, c, arena) < 0)
                return err_sys(err, -ENOMEM, "api.outcome");
        rc = record_make("api.outcome", c->now_ns, record_put_outcome, &t, arena, r, err);
        if (rc == 0)
                *ret = made;
        return rc;
}

int record_unshown(const struct record_call *c, uint16_t status, struct arena *arena,
                   struct records *ret, struct err *err)
{
        struct record_told t = { .c = c, .status = status };
        struct records made;
        struct record *r;
        int rc;

        assert(c->package && c->operation && c->request);
        rc = open_records(c, NULL, false, arena, &made, &r, err);
        if (rc == 0)
                rc = record_make("api.unshown", c->now_ns, record_put_unshown, &t, arena, r, err);
        if (rc == 0)
                *ret = made;
        return rc;
}

int record_denied(const struct record_call *c, const struct refusal *refusal, uint64_t count,
                  struct arena *arena, struct records *ret, struct err *err)
{
        struct record_told t = { .c = c, .refusal = refusal, .count = count };
        struct records made;
        struct record *r;
        int rc;

        rc = open_records(c, NULL, false, arena, &made, &r, err);
        if (rc < 0)
                return rc;
        if (add_object(r, c, false, arena) < 0 || add_address(r, c, false, arena) < 0 ||
            add_user(r, c, arena) < 0 || add_passed(r, c, arena) < 0 ||
            add_asked(r, c, false, arena, &t.left_out) < 0)
                return err_sys(err, -ENOMEM, "api.denied");
        rc = record_make("api.denied", c->now_ns, record_put_denied, &t, arena, r, err);
        if (rc == 0)
                *ret = made;
        return rc;
}
