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

static ngx_int_t on_head(ngx_http_request_t *r)
{
        if (server_of(r)->used)
                r->log_handler = say_where;
        return NGX_DECLINED;
}

/* ---- the access log ---- */

/* Its location is ours, or it came to none. */
static bool is_ours(ngx_http_request_t *r)
{
        const struct settings_location *l = ngx_http_get_module_loc_conf(r, ngx_http_assay_module);
        const ngx_http_core_srv_conf_t *server =
                ngx_http_get_module_srv_conf(r, ngx_http_core_module);

        return l->gateway == 1 || (server_of(r)->used && r->loc_conf == server->ctx->loc_conf);
}

static void empty(ngx_str_t *s)
{
        ngx_str_set(s, ""); /* without data nginx would look for it in the buffer */
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

/* What another directive asked for already would be as it was then. */
static void forget_variables(ngx_http_request_t *r)
{
        const ngx_http_core_main_conf_t *core =
                ngx_http_get_module_main_conf(r, ngx_http_core_module);

        for (ngx_uint_t i = 0; i < core->variables.nelts; i++)
                r->variables[i].valid = r->variables[i].not_found = 0;
}

/* The request is over: nothing but logs looks at it now. */
static ngx_int_t on_log(ngx_http_request_t *r)
{
        if (!is_ours(r))
                return NGX_OK;
        empty(&r->request_line);
        empty(&r->unparsed_uri);
        empty(&r->uri);
        empty(&r->args);
        if (r->request_body)
                r->request_body->bufs = NULL;
        if (r == r->main) /* a subrequest's headers are its parent's, who is not over */
                empty_headers(r);
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

        return add_handler(&core->phases[NGX_HTTP_POST_READ_PHASE].handlers, on_head, false) &&
               add_handler(&core->phases[NGX_HTTP_LOG_PHASE].handlers, on_log, true);
}

void discreet_check(ngx_conf_t *cf, const ngx_http_core_loc_conf_t *core)
{
        if (core->error_log && core->error_log->log_level >= NGX_LOG_INFO)
                ngx_conf_log_error(NGX_LOG_WARN, cf, 0,
                                   "an error_log at \"info\" or \"debug\" has what callers of "
                                   "assay_gateway send");
}
