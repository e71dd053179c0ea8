/* SPDX-License-Identifier: Apache-2.0 */
/* replay_object.c - a recorded call as another package's policies see it: the object.  Floor 2,
 * pure.
 *
 * An entry has the object's type and id, not which parameter it was: another document may have the
 * object of another one, and then the id is not this one's.  What was recorded of the parameter
 * itself is. */
#include "package/replay_priv.h"

#include "package/call.h"

/* What x-object may name: a path parameter, or a required one. */
static bool may_name(const struct api_parameter *p)
{
        return p->in == API_IN_PATH || p->required;
}

/* Could the parameter have had this text?  Where nobody can tell, it could. */
static bool reads(struct replay_request *r, const struct api_parameter *p, struct span text)
{
        struct err err = { 0 };
        struct tree v;
        int rc = call_parameter(r->p, p, &text, 1, r->arena, &v, &err);

        if (rc == 0 && p->schema != API_NONE)
                rc = api_schema_check(r->p->checker, p->schema, &v, "", &err);
        return rc != -EINVAL;
}

/* Could the id be of another parameter of the operation than this one?  The one that has judged
 * the call had it of a parameter that it was in. */
static bool may_be_elsewhere(struct replay_request *r, uint32_t parameter)
{
        const struct api_operation *o = r->o;

        if (r->c->same_package)
                return false;
        if (o->parameters[parameter].in != API_IN_PATH)
                return true;
        for (uint32_t i = 0; i < o->n_parameters; i++)
                if (i != parameter && may_name(&o->parameters[i]) &&
                    reads(r, &o->parameters[i], r->c->object_id))
                        return true;
        return false;
}

int replay_make_object(struct replay_request *r)
{
        const struct api_object *o = &r->o->object;
        const struct replay_call *c = r->c;
        enum replay_known why = c->known.object;
        struct span id = SPAN_NONE;
        int rc;

        if (o->type.n == 0 || o->parameter == API_NONE) {
                r->object = cedar_uid(SPAN("Api"), r->p->config.name);
                return 0;
        }
        rc = replay_recorded_text(r, &r->o->parameters[o->parameter], &id);
        if (rc < 0)
                return rc;
        if (rc == 0 && why == REPLAY_KNOWN && !span_eq(o->type, c->object_type))
                why = REPLAY_ANOTHER;
        if (rc == 0 && why == REPLAY_KNOWN && may_be_elsewhere(r, o->parameter))
                why = REPLAY_ELSEWHERE;
        if (rc == 1 || why == REPLAY_KNOWN) {
                r->object = cedar_uid(o->type, rc == 1 ? id : c->object_id);
                return 0;
        }
        r->object = cedar_uid(o->type, SPAN_NONE);
        r->no_object = true;
        r->object_known = why;
        return replay_add_spelled(r, SPAN("resource"), why);
}
