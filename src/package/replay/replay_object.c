/* SPDX-License-Identifier: Apache-2.0 */
/* replay_object.c - a recorded call as another package's policies see it: the object.  Floor 2,
 * pure.
 *
 * An entry has the object's type and id, not which parameter it was: another document may have the
 * object of another one, and then the id is not this one's.  Which one it was the package says that
 * judged the call.  What was recorded of the parameter itself is its own in any case. */
#include "package/replay/replay_priv.h"

/* Do all requests that fit the one path fit the other one? */
static bool are_alike(const struct api_operation *a, const struct api_operation *b)
{
        for (uint32_t i = 0; i < a->n_segments && i < b->n_segments; i++) {
                const struct api_segment *s = &a->segments[i], *t = &b->segments[i];

                if (s->parameter != t->parameter || (!s->parameter && !span_eq(s->text, t->text)))
                        return false;
        }
        return a->n_segments == b->n_segments;
}

static uint32_t segment_of(const struct api_operation *o, struct span name)
{
        uint32_t i = 0;

        while (i < o->n_segments &&
               !(o->segments[i].parameter && span_eq(o->segments[i].text, name)))
                i++;
        return i;
}

/* In a path that has kept its form the place counts, whatever it is called now. */
static bool is_same_parameter(const struct api_operation *a, uint32_t i,
                              const struct api_operation *b, uint32_t k)
{
        const struct api_parameter *p = &a->parameters[i], *q = &b->parameters[k];

        if (p->in != q->in)
                return false;
        return p->in == API_IN_PATH && are_alike(a, b)
                       ? segment_of(a, p->name) == segment_of(b, q->name)
                       : span_eq(p->name, q->name);
}

/* Is the id in the entry of this parameter?  REPLAY_KNOWN: it is. */
static enum replay_known whose_id(const struct replay_request *r, uint32_t parameter)
{
        const struct api_operation *o;

        if (r->c->same_package)
                return REPLAY_KNOWN;
        if (!r->c->judged)
                return REPLAY_UNJUDGED;
        o = api_operation(r->c->judged, r->c->operation);
        return o && o->object.type.n && o->object.parameter != API_NONE &&
                               is_same_parameter(o, o->object.parameter, r->o, parameter)
                       ? REPLAY_KNOWN
                       : REPLAY_ELSEWHERE;
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
        if (rc == 0 && why == REPLAY_KNOWN)
                why = whose_id(r, o->parameter);
        if (rc == 1 || why == REPLAY_KNOWN) {
                r->object = cedar_uid(o->type, rc == 1 ? id : c->object_id);
                return 0;
        }
        r->object = cedar_uid(o->type, SPAN_NONE);
        r->no_object = true;
        r->object_known = why;
        return replay_add_spelled(r, SPAN("resource"), why);
}
