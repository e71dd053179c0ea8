/* SPDX-License-Identifier: Apache-2.0 */
/* call_check.c - parameters and body of a request held against their schemas; see call.h.  Floor 2,
 * pure. */
#include "base/text.h"
#include "package/call/call.h"
#include "package/call/call_value.h"

/* Names are made safe to show only when there is something to say. */
static int tell(const struct package *p, const struct api_parameter *parameter,
                const struct call_value *v, struct err *err)
{
        struct buf what = BUF_INIT(4 * API_NAME_MAX + 16);
        int rc;

        buf_printf(&what, "%s.", api_place_name(parameter->in));
        text_put_safe(&what, parameter->name);
        rc = api_schema_check(p->checker, parameter->schema, &v->value, buf_cstr(&what), err);
        buf_done(&what);
        return rc;
}

static int check_parameter(const struct package *p, const struct api_parameter *parameter,
                           const struct call_value *v, struct err *err)
{
        struct call_path up = { .name = span_str(api_place_name(parameter->in)) };
        struct call_path path = { .up = &up, .name = parameter->name };

        if (!v->present)
                return parameter->required ? call_refuse(err, &path, "missing") : 0;
        if (parameter->schema == API_NONE ||
            api_schema_check(p->checker, parameter->schema, &v->value, "", NULL) == 0)
                return 0;
        return tell(p, parameter, v, err);
}

static int check_body(const struct package *p, const struct call *c, struct err *err)
{
        const struct api_body *body = c->operation->request;

        if (!body)
                return c->body ? err_set(err, -EINVAL, "body: none may be sent") : 0;
        if (!c->body)
                return body->required ? err_set(err, -EINVAL, "body: missing") : 0;
        if (c->body_schema == API_NONE)
                return 0;
        return api_schema_check(p->checker, c->body_schema, c->body, "body", err);
}

int call_check(const struct package *p, const struct call *c, struct err *err)
{
        for (uint32_t i = 0; i < c->operation->n_parameters; i++) {
                int rc = check_parameter(p, &c->operation->parameters[i], &c->parameters[i], err);

                if (rc < 0)
                        return rc;
        }
        return check_body(p, c, err);
}
