/* SPDX-License-Identifier: Apache-2.0 */
/* discreet.c - see discreet.h. */
#include "nginx/discreet.h"

#include "nginx/serve.h"

static const struct settings_server *server_of(ngx_http_request_t *r)
{
        return ngx_http_get_module_srv_conf(r, ngx_http_assay_module);
}

/* ---- the error log ---- */

static u_char *put(u_char *at, size_t *room, const char *format, const ngx_str_t *text)
{
        u_char *end = ngx_snprintf(at, *room, format, text);

        *room -= (size_t)(end - at);
        return end;
}

/* Instead of nginx's: who was asked, and never what. */
static u_char *say_where(ngx_http_request_t *r, ngx_http_request_t *sub, u_char *at, size_t room)
{
        const ngx_http_core_srv_conf_t *server =
                ngx_http_get_module_srv_conf(r, ngx_http_core_module);
        struct span id = serve_call_id(r);
        ngx_str_t call = { id.n, (u_char *)(uintptr_t)id.p };

        (void)sub;
        at = put(at, &room, ", server: %V", &server->server_name);
        return call.len ? put(at, &room, ", call: %V", &call) : at;
}

/* Until a Host is read the listener's first server has it, whichever one it is for. */
static bool may_be_for_us(ngx_http_request_t *r)
{
        const struct settings_server *s = server_of(r);

        return s->used || (s->beside && r->headers_in.server.len == 0);
}

/* In each phase that may be the first: a page about a malformed request is not read but made. */
static ngx_int_t on_phase(ngx_http_request_t *r)
{
        if (may_be_for_us(r))
                r->log_handler = say_where;
        return NGX_DECLINED;
}

/* ---- the access log ---- */

/* Its location is ours, or it came to none, or to another one by a way inside nginx: with
 * error_page what nginx refused in a location of ours is told by another location. */
static bool is_ours(ngx_http_request_t *r)
{
        const struct settings_location *l = ngx_http_get_module_loc_conf(r, ngx_http_assay_module);
        const ngx_http_core_srv_conf_t *server =
                ngx_http_get_module_srv_conf(r, ngx_http_core_module);
        const bool elsewhere = r->internal || r->loc_conf == server->ctx->loc_conf;

        return l->gateway == 1 || (elsewhere && may_be_for_us(r));
}

static void empty(ngx_str_t *s)
{
        ngx_str_set(s, ""); /* without data nginx would look for it in the buffer */
}

/* nginx cuts off what stands for an alias without a look: that is the location's own name. */
static void empty_path(ngx_http_request_t *r)
{
        const ngx_http_core_loc_conf_t *core =
                ngx_http_get_module_loc_conf(r, ngx_http_core_module);

        if (core->alias > 0 && core->alias <= r->uri.len && r->valid_location)
                r->uri.len = core->alias;
        else
                empty(&r->uri);
}

static void empty_headers(ngx_http_request_t *r)
{
        ngx_list_part_t *part = &r->headers_in.headers.part;
        ngx_table_elt_t *h;

        for (; part; part = part->next) {
                h = part->elts;
                for (ngx_uint_t i = 0; i < part->nelts; i++)
                        empty(&h[i].value);
        }
        empty(&r->headers_in.server);
        empty(&r->headers_in.user);
        empty(&r->headers_in.passwd);
}

/* A random number: of nobody's, and another one the next time. */
static bool is_kept(const ngx_http_variable_t *v)
{
        return span_eq_str(settings_span(v->name), "request_id");
}

/* A subrequest's are its parent's, who is not over. */
static void have_own_variables(ngx_http_request_t *r, ngx_uint_t n)
{
        ngx_http_variable_value_t *own = ngx_palloc(r->pool, n * sizeof(*own));

        if (!own)
                return; /* both lose them: better than one too many in a log */
        memcpy(own, r->variables, n * sizeof(*own));
        r->variables = own;
}

/* What another directive asked for already would be as it was then. */
static void forget_variables(ngx_http_request_t *r)
{
        const ngx_http_core_main_conf_t *core =
                ngx_http_get_module_main_conf(r, ngx_http_core_module);
        const ngx_http_variable_t *v = core->variables.elts;

        if (r != r->main)
                have_own_variables(r, core->variables.nelts);
        for (ngx_uint_t i = 0; i < core->variables.nelts; i++)
                if (!is_kept(&v[i]))
                        r->variables[i].valid = r->variables[i].not_found = 0;
}

/* The request is over: nothing but logs looks at it now. */
static ngx_int_t on_log(ngx_http_request_t *r)
{
        if (!is_ours(r))
                return NGX_OK;
        empty(&r->request_line);
        empty(&r->unparsed_uri);
        empty_path(r);
        empty(&r->args);
        if (r == r->main) {
                if (r->request_body)
                        r->request_body->bufs = NULL;
                empty_headers(r);
        } else { /* of what is its parent's, who is not over, it loses sight */
                r->request_body = NULL;
                ngx_memzero(&r->headers_in, sizeof(r->headers_in));
        }
        forget_variables(r);
        return NGX_OK;
}

/* ---- where nginx calls it ---- */

static bool add_handler(ngx_array_t *handlers, ngx_http_handler_pt handler, bool first)
{
        ngx_http_handler_pt *h = ngx_array_push(handlers);

        if (!h)
                return false;
        if (first) {
                h = handlers->elts;
                memmove(h + 1, h, sizeof(*h) * (handlers->nelts - 1));
        }
        *h = handler;
        return true;
}

bool discreet_add(ngx_conf_t *cf)
{
        ngx_http_core_main_conf_t *core =
                ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);

        return add_handler(&core->phases[NGX_HTTP_POST_READ_PHASE].handlers, on_phase, false) &&
               add_handler(&core->phases[NGX_HTTP_SERVER_REWRITE_PHASE].handlers, on_phase,
                           false) &&
               add_handler(&core->phases[NGX_HTTP_REWRITE_PHASE].handlers, on_phase, false) &&
               add_handler(&core->phases[NGX_HTTP_LOG_PHASE].handlers, on_log, true);
}

void discreet_check(ngx_conf_t *cf, const ngx_http_core_loc_conf_t *core)
{
        if (core->error_log && core->error_log->log_level >= NGX_LOG_INFO)
                ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                                   "an error_log at \"info\" or \"debug\" has what callers of "
                                   "assay_gateway send");
}
