/* SPDX-License-Identifier: Apache-2.0 */
/* replay_request.c - a recorded call as another package's policies see it: the context.  Floor 2,
 * pure.  SECURITY: reads what was recorded; the types of the package bound all recursion. */
#include "package/replay/replay_priv.h"

#include "base/text.h"
#include "package/call/call.h"
#include "package/call/call_text.h"

#include <inttypes.h>
#include <stdio.h>

enum { STEPS_MAX = CEDAR_SCHEMA_DEPTH_MAX + 2, REFS_MAX = 64 };

/* A place in the context, as names and as call_value.h has it. */
struct step {
        const struct step *up;
        struct call_path path;
        unsigned depth; /* 1 at the top */
};

static void names_of(const struct step *at, struct span *names)
{
        for (; at; at = at->up)
                names[at->depth - 1] = at->path.name;
}

/* ---- what is not known ---- */

static bool is_identifier(struct span s)
{
        for (size_t i = 0; i < s.n; i++) {
                const uint8_t low = s.p[i] | 0x20;

                if (!(low >= 'a' && low <= 'z') && s.p[i] != '_' &&
                    !(i > 0 && s.p[i] >= '0' && s.p[i] <= '9'))
                        return false;
        }
        return s.n > 0;
}

void replay_spell(struct buf *out, struct span name)
{
        const bool plain = is_identifier(name);

        buf_put_str(out, plain ? "." : "[\"");
        if (plain)
                buf_put(out, name);
        else
                text_put_safe(out, name);
        buf_put_str(out, plain ? "" : "\"]");
}

static int spell(struct replay_request *r, const struct span *names, uint32_t n, struct span *ret)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
        const char *copy;

        buf_put_str(&text, "context");
        for (uint32_t i = 0; i < n; i++)
                replay_spell(&text, names[i]);
        if (buf_status(&text) < 0)
                return buf_status(&text);
        copy = arena_copy(r->arena, buf_span(&text));
        *ret = span_of(copy, text.n);
        return copy ? 0 : -ENOMEM;
}

static int add(struct replay_request *r, struct span place, enum replay_known known)
{
        if (!r->unknown)
                r->unknown = arena_alloc(r->arena, REPLAY_UNKNOWN_ALL * sizeof *r->unknown);
        if (!r->unknown)
                return -ENOMEM;
        assert(r->n_unknown < REPLAY_UNKNOWN_ALL);
        r->unknown[r->n_unknown++] = (struct replay_unknown){ place, known };
        return 0;
}

int replay_add_spelled(struct replay_request *r, struct span place, enum replay_known known)
{
        return add(r, place, known);
}

int replay_add_unknown(struct replay_request *r, const struct span *names, uint32_t n,
                       enum replay_known known)
{
        struct span *copy = arena_alloc(r->arena, n * sizeof *copy), place = SPAN_NONE;
        int rc;

        if (!r->places)
                r->places = arena_alloc(r->arena, REPLAY_UNKNOWN_MAX * sizeof *r->places);
        if (!copy || !r->places)
                return -ENOMEM;
        if (r->n_places == REPLAY_UNKNOWN_MAX)
                return -E2BIG;
        memcpy(copy, names, n * sizeof *copy);
        rc = spell(r, names, n, &place);
        if (rc < 0)
                return rc;
        r->places[r->n_places++] = (struct cedar_place_name){ copy, n };
        return add(r, place, known);
}

static int unknown_at(struct replay_request *r, const struct step *at, enum replay_known known)
{
        struct span names[STEPS_MAX];

        assert(at->depth <= STEPS_MAX);
        names_of(at, names);
        return replay_add_unknown(r, names, at->depth, known);
}

/* ---- what was recorded ---- */

/* [name], [name, value], [name, [...]] of this name; NULL: it was not recorded. */
static const struct tree *find_recorded(const struct tree *list, struct span name)
{
        for (uint32_t i = 0; list && list->kind == TREE_ARRAY && i < list->n; i++) {
                const struct tree *pair = &list->items[i];

                if (pair->kind == TREE_ARRAY && pair->n >= 1 && pair->n <= 2 &&
                    pair->items[0].kind == TREE_STRING && span_eq(pair->items[0].text, name))
                        return pair;
        }
        return NULL;
}

/* The value as the request had it.  false: it was too long, or is nothing that is recorded so. */
static bool take_value(struct replay_request *r, const struct tree *v, struct tree *ret)
{
        const struct tree *number = tree_get(v, "number"), *json = tree_get(v, "json"),
                          *text = number ? number : json;

        if (v->kind != TREE_OBJECT) {
                *ret = *v;
                return v->kind != TREE_ARRAY;
        }
        return text && text->kind == TREE_STRING &&
               tree_read_real(text->text, TREE_DEPTH_MAX, r->arena, ret, NULL) == 0;
}

/* ---- held against the document ---- */

/* The schema of a member, where it is said in so many words; API_NONE. */
static uint32_t member_schema(const struct api *api, uint32_t schema, struct span name)
{
        for (unsigned i = 0; i < REFS_MAX && schema != API_NONE; i++) {
                const struct api_schema *s = &api->schemas.at[schema];

                for (uint32_t k = 0; k < s->n_properties; k++)
                        if (span_eq(s->properties[k].name, name))
                                return s->properties[k].schema;
                schema = s->ref;
        }
        return API_NONE;
}

static int check(struct replay_request *r, uint32_t schema, const struct tree *v,
                 const struct step *at)
{
        CLEANUP(buf_done) struct buf what = BUF_INIT(4096);
        struct span names[STEPS_MAX];
        int rc;

        if (schema == API_NONE || api_schema_check(r->p->checker, schema, v, "", NULL) == 0)
                return 0;
        names_of(at, names);
        for (uint32_t i = 0; i < at->depth; i++) {
                buf_put_str(&what, i ? "." : "");
                text_put_safe(&what, names[i]);
        }
        rc = api_schema_check(r->p->checker, schema, v, buf_cstr(&what), &r->err);
        return rc == -E2BIG ? 0 : rc; /* nobody can tell */
}

/* ---- values ---- */

/* What comes of a place. */
enum made { MADE_THERE, MADE_ABSENT, MADE_UNKNOWN };

/* What a place should be, and what is known of it. */
struct place {
        const struct step *at;
        const struct cedar_type *type;
        bool required;
        uint32_t schema;         /* API_NONE: none that is known */
        const struct tree *pair; /* that was recorded; NULL: nothing was, and why */
        enum replay_known why;
};

static int is_absent(struct replay_request *r, const struct place *p, enum made *made)
{
        *made = MADE_ABSENT;
        return p->required ? call_refuse(&r->err, &p->at->path, "missing") : 0;
}

static int make_value(struct replay_request *r, const struct place *p, enum made *made,
                      struct cedar_value *ret)
{
        const struct call_maker m = { r->p->schema, r->arena, &r->err };
        struct tree v;
        int rc;

        if (!take_value(r, &p->pair->items[1], &v)) {
                *made = MADE_UNKNOWN;
                return unknown_at(r, p->at, REPLAY_LEFT_OUT);
        }
        rc = check(r, p->schema, &v, p->at);
        if (rc < 0)
                return rc;
        if (v.kind == TREE_NULL)
                return is_absent(r, p, made);
        *made = MADE_THERE;
        return call_value_make(&m, &v, p->type, &p->at->path, ret);
}

/* p: of a member, but for its schema; of: the schema of the whole. */
typedef int make_fn(struct replay_request *r, struct place *p, uint32_t of, enum made *made,
                    struct cedar_value *ret);

/* Each attribute of a record type, of what a list has of it; whole->at NULL: the context. */
static int make_record(struct replay_request *r, const struct cedar_type *type,
                       const struct place *whole, const struct tree *list, make_fn *make,
                       struct cedar_value *ret)
{
        const struct step *up = whole->at;
        struct cedar_field *fields = arena_alloc(r->arena, type->n * sizeof *fields);
        uint32_t n = 0;

        if (!fields)
                return -ENOMEM;
        for (uint32_t i = 0; i < type->n; i++) {
                const struct cedar_attr *attr = &type->attrs[i];
                const struct step at = { up,
                                         { up ? &up->path : NULL, attr->name, 0 },
                                         up ? up->depth + 1 : 1 };
                struct place p = { &at,
                                   attr->type,
                                   attr->required,
                                   API_NONE,
                                   find_recorded(list, attr->name),
                                   whole->why };
                enum made made = MADE_THERE;
                int rc = make(r, &p, whole->schema, &made, &fields[n].value);

                if (rc < 0)
                        return rc;
                if (made == MADE_THERE)
                        fields[n++].key = attr->name;
        }
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return 0;
}

static make_fn make_member;

static int make_place(struct replay_request *r, const struct place *p, enum made *made,
                      struct cedar_value *ret)
{
        *made = MADE_UNKNOWN;
        if (!p->pair)
                return unknown_at(r, p->at, p->why);
        if (p->pair->n == 1)
                return is_absent(r, p, made);
        if (p->pair->items[1].kind != TREE_ARRAY)
                return make_value(r, p, made, ret);
        if (p->type->kind != CEDAR_RECORD)
                return unknown_at(r, p->at, REPLAY_ANOTHER);
        *made = MADE_THERE;
        return make_record(r, p->type, p, &p->pair->items[1], make_member, ret);
}

static int make_member(struct replay_request *r, struct place *p, uint32_t of, enum made *made,
                       struct cedar_value *ret)
{
        p->schema = member_schema(r->p->api, of, p->at->path.name);
        return make_place(r, p, made, ret);
}

/* ---- parameters ---- */

static const struct api_parameter *parameter_of(const struct replay_request *r, struct span place,
                                                struct span name)
{
        for (uint32_t i = 0; i < r->o->n_parameters; i++)
                if (span_eq_str(place, api_place_name(r->o->parameters[i].in)) &&
                    span_eq(r->o->parameters[i].name, name))
                        return &r->o->parameters[i];
        return NULL;
}

/* The object's id is the text of this parameter. */
static bool is_of_object(const struct replay_request *r, const struct api_parameter *p)
{
        const struct api_object *o = &r->o->object;

        return p && !r->no_object && o->type.n && o->parameter != API_NONE &&
               p == &r->o->parameters[o->parameter];
}

/* As it stood in the request, of one that is no list: another document may read it as another type.
 */
static bool text_of(struct replay_request *r, const struct tree *v, struct span *ret)
{
        char text[TEXT_U64_MAX + 2];
        const char *copy;
        int n;

        if (v->kind == TREE_STRING || v->kind == TREE_REAL) {
                *ret = v->text;
                return true;
        }
        n = v->kind == TREE_BOOL ? snprintf(text, sizeof text, v->boolean ? "true" : "false")
                                 : snprintf(text, sizeof text, "%" PRId64, v->number);
        copy = arena_copy(r->arena, span_of(text, (size_t)n));
        *ret = span_of(copy, (size_t)n);
        return copy;
}

int replay_recorded_text(struct replay_request *r, const struct api_parameter *p, struct span *ret)
{
        const bool known = r->c->known.asked == REPLAY_KNOWN;
        const struct tree *place =
                known ? find_recorded(r->c->asked, span_str(api_place_name(p->in))) : NULL;
        const struct tree *pair =
                place && place->n == 2 ? find_recorded(&place->items[1], p->name) : NULL;
        struct tree v;

        if (!pair || pair->n != 2 || !take_value(r, &pair->items[1], &v) || v.kind == TREE_NULL ||
            v.kind == TREE_ARRAY || v.kind == TREE_OBJECT)
                return 0;
        return text_of(r, &v, ret) ? 1 : -ENOMEM;
}

/* As it stood in the request. */
static int read_parameter(struct replay_request *r, const struct api_parameter *parameter,
                          struct span text, const struct place *p, struct cedar_value *ret)
{
        const struct call_maker m = { r->p->schema, r->arena, &r->err };
        struct tree v;
        int rc = call_parameter(r->p, parameter, &text, 1, r->arena, &v, &r->err);

        if (rc == 0)
                rc = check(r, parameter->schema, &v, p->at);
        return rc < 0 ? rc : call_value_make(&m, &v, p->type, &p->at->path, ret);
}

/* What was read of it then. */
static int make_recorded(struct replay_request *r, const struct api_parameter *parameter,
                         const struct place *p, enum made *made, struct cedar_value *ret)
{
        const struct call_maker m = { r->p->schema, r->arena, &r->err };
        struct span text;
        struct tree v;

        *made = MADE_UNKNOWN;
        if (!take_value(r, &p->pair->items[1], &v))
                return unknown_at(r, p->at, REPLAY_LEFT_OUT);
        if (v.kind == TREE_NULL || v.kind == TREE_OBJECT ||
            (v.kind == TREE_ARRAY &&
             api_schema_check(r->p->checker, parameter->schema, &v, "", NULL) < 0))
                return unknown_at(r, p->at, REPLAY_ANOTHER);
        *made = MADE_THERE;
        if (v.kind == TREE_ARRAY)
                return call_value_make(&m, &v, p->type, &p->at->path, ret);
        return text_of(r, &v, &text) ? read_parameter(r, parameter, text, p, ret) : -ENOMEM;
}

static int make_parameter(struct replay_request *r, struct place *p, uint32_t of, enum made *made,
                          struct cedar_value *ret)
{
        const struct api_parameter *parameter =
                parameter_of(r, p->at->up->path.name, p->at->path.name);

        if (parameter && p->pair && p->pair->n == 2)
                return make_recorded(r, parameter, p, made, ret);
        if (parameter)
                p->schema = parameter->schema;
        if (p->pair || !is_of_object(r, parameter))
                return make_place(r, p, made, ret);
        *made = MADE_THERE;
        return read_parameter(r, parameter, r->object.id, p, ret);
}

/* ---- the others ---- */

static int make_body(struct replay_request *r, struct place *p, enum made *made,
                     struct cedar_value *ret)
{
        const struct api_body *body = r->o->request;

        if (body && body->n_media == 1) /* which of several types it was nobody has written down */
                p->schema = body->media[0].schema;
        return make_place(r, p, made, ret);
}

static int make_address(struct replay_request *r, const struct step *at, enum made *made,
                        struct cedar_value *ret)
{
        struct cedar_ip *ip = arena_alloc(r->arena, sizeof *ip);

        if (!ip)
                return -ENOMEM;
        *made = MADE_UNKNOWN;
        if (r->c->known.address != REPLAY_KNOWN)
                return unknown_at(r, at, r->c->known.address);
        if (!call_address(r->c->address, ip))
                return unknown_at(r, at, REPLAY_ANOTHER);
        *made = MADE_THERE;
        *ret = (struct cedar_value){ .kind = CEDAR_IP, .ip = ip };
        return 0;
}

static int make_tls(struct replay_request *r, const struct step *up, struct cedar_value *ret)
{
        struct cedar_field *fields = arena_alloc(r->arena, 2 * sizeof *fields);
        const struct span client = SPAN("client");
        const struct step at = { up, { &up->path, client, 0 }, up->depth + 1 };
        uint32_t n = 0;
        int rc = 0;

        if (!fields)
                return -ENOMEM;
        if (!r->c->has_client)
                rc = unknown_at(r, &at,
                                r->c->known.claims == REPLAY_KNOWN ? REPLAY_UNRECORDED
                                                                   : r->c->known.claims);
        else if (r->c->tls_client.n)
                fields[n++] = (struct cedar_field){ client, cedar_string(r->c->tls_client) };
        fields[n++] = (struct cedar_field){ SPAN("version"), cedar_string(r->c->tls_version) };
        *ret = (struct cedar_value){ .kind = CEDAR_RECORD, .n = n, .fields = fields };
        return rc;
}

/* One attribute of the context; those that derive.h names. */
static int make_attr(struct replay_request *r, struct place *p, uint32_t of, enum made *made,
                     struct cedar_value *ret)
{
        const struct span name = p->at->path.name;

        /* The record is always there; which of its members are is another question. */
        for (enum api_place in = API_IN_PATH; in <= API_IN_COOKIE; in++)
                if (span_eq_str(name, api_place_name(in)))
                        return make_record(r, p->type, p,
                                           p->pair && p->pair->n == 2 ? &p->pair->items[1] : NULL,
                                           make_parameter, ret);
        if (span_eq(name, SPAN("address")))
                return make_address(r, p->at, made, ret);
        if (span_eq(name, SPAN("tls")))
                return make_tls(r, p->at, ret);
        if (!span_eq(name, SPAN("time")))
                return make_body(r, p, made, ret);
        *ret = cedar_number(CEDAR_DATETIME, r->c->time_ms);
        return 0;
}

int replay_make_context(struct replay_request *r)
{
        const struct cedar_uid uid = cedar_uid(SPAN("Action"), r->o->id);
        const struct cedar_action *action = cedar_schema_action(r->p->schema, &uid);
        const bool known = r->c->known.asked == REPLAY_KNOWN;
        const struct place whole = { .schema = API_NONE,
                                     .why = known ? REPLAY_UNRECORDED : r->c->known.asked };

        assert(action); /* the schema was derived from the same model */
        return make_record(r, action->context, &whole, known ? r->c->asked : NULL, make_attr,
                           &r->context);
}
