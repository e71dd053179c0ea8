/* SPDX-License-Identifier: Apache-2.0 */
/* module.c - ngx_http_assay_module: directives, and where nginx calls it.  Floor 4, in nginx.
 *
 * Built for Debian's nginx of one ABI (nginx-abi-1.22.1-7): its lists of headers are arrays until
 * 1.23, and nothing here allows for both. */
#include "nginx/discreet.h"
#include "nginx/metrics.h"
#include "nginx/serve.h"
#include "nginx/settings.h"
#include "nginx/worker.h"
#include "nginx/zone.h"

#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <sys/stat.h>

#include <ngx_http_ssl_module.h>

#include "base/text.h"
#include "sys/io.h"
#include "sys/sandbox.h"
#include "wire/note.h"

STATIC_ASSERT(nginx_version == 1022001, "nginx-dev is of another version");

#define DEFAULT_RECORDER "/run/assay/recorder.sock"

enum { ZONE_DEFAULT = 32 << 20, ZONE_MIN = 2 << 20 };

static void *create_settings(ngx_conf_t *cf)
{
        struct settings *s = ngx_pcalloc(cf->pool, sizeof(*s));

        if (s) {
                s->zone_size = NGX_CONF_UNSET_SIZE;
                s->sandbox = NGX_CONF_UNSET;
        }
        return s;
}

static char *init_settings(ngx_conf_t *cf, void *conf)
{
        struct settings *s = conf;

        ngx_conf_init_size_value(s->zone_size, ZONE_DEFAULT);
        ngx_conf_init_value(s->sandbox, 1);
        if (!s->recorder.data) {
                ngx_str_set(&s->recorder, DEFAULT_RECORDER);
        }
        return NGX_CONF_OK;
}

static void *create_server(ngx_conf_t *cf)
{
        return ngx_pcalloc(cf->pool, sizeof(struct settings_server));
}

static void *create_location(ngx_conf_t *cf)
{
        struct settings_location *l = ngx_pcalloc(cf->pool, sizeof(*l));

        if (l)
                l->gateway = NGX_CONF_UNSET;
        return l;
}

/* ---- directives ---- */

/* nginx says where; this says what. */
static char *complain(ngx_conf_t *cf, const char *directive, const char *what)
{
        ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "\"%s\" %s", directive, what);
        return NGX_CONF_ERROR;
}

static const char *name_of(const ngx_command_t *cmd)
{
        return (const char *)cmd->name.data;
}

static char *set_path(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        ngx_str_t *path = (ngx_str_t *)((char *)conf + cmd->offset);
        const ngx_str_t *args = cf->args->elts;

        if (path->data)
                return complain(cf, name_of(cmd), "is said twice");
        if (args[1].data[0] != '/' || args[1].len >= PATH_MAX)
                return complain(cf, name_of(cmd), "wants an absolute path");
        *path = args[1];
        return NGX_CONF_OK;
}

static char *set_vkeys(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        struct settings *s = conf;
        const ngx_str_t *args = cf->args->elts;
        struct note_vkey vkey;
        struct err err = { 0 };
        struct span *key;

        if (!s->vkeys)
                s->vkeys = ngx_array_create(cf->pool, 2, sizeof(struct span));
        for (ngx_uint_t i = 1; s->vkeys && i < cf->args->nelts; i++) {
                if (note_vkey_parse(settings_span(args[i]), &vkey, &err) < 0)
                        return complain(cf, name_of(cmd), err_text(&err));
                key = ngx_array_push(s->vkeys);
                if (!key)
                        return NGX_CONF_ERROR;
                *key = settings_span(args[i]);
        }
        return s->vkeys ? NGX_CONF_OK : NGX_CONF_ERROR;
}

static char *set_zone_size(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        const struct settings *s = conf;
        char *said = ngx_conf_set_size_slot(cf, cmd, conf);

        if (said == NGX_CONF_OK && s->zone_size < ZONE_MIN)
                return complain(cf, name_of(cmd), "wants 2m at least");
        return said;
}

/* cmd->offset: enum sandbox_right. */
static char *set_sandbox_paths(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        struct settings *s = conf;
        const ngx_str_t *args = cf->args->elts;
        struct sandbox_path *p;

        if (!s->paths)
                s->paths = ngx_array_create(cf->pool, 4, sizeof(struct sandbox_path));
        for (ngx_uint_t i = 1; s->paths && i < cf->args->nelts; i++) {
                if (args[i].data[0] != '/' || args[i].len >= PATH_MAX)
                        return complain(cf, name_of(cmd), "wants absolute paths");
                if (s->paths->nelts == SETTINGS_PATHS_MAX)
                        return complain(cf, name_of(cmd), "has more paths than 32");
                p = ngx_array_push(s->paths);
                if (!p)
                        return NGX_CONF_ERROR;
                *p = (struct sandbox_path){ .path = (const char *)args[i].data,
                                            .rights = (unsigned)cmd->offset,
                                            .optional = true };
        }
        return s->paths ? NGX_CONF_OK : NGX_CONF_ERROR;
}

/* Whoever reads it can tell which values a hash stands for, and whoever writes it can choose it. */
static const char *judge_owner(int fd)
{
        struct stat st;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return "is no file";
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return "belongs to another user";
        if (st.st_mode & 027)
                return "may be written by its group, or read by everybody";
        return NULL;
}

static char *set_hash_key(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        struct settings *s = conf;
        char *said = set_path(cf, cmd, conf);
        uint8_t text[2 * SETTINGS_HASH_KEY + 2];
        CLEANUP_FD int fd = -1;
        const char *wrong;
        ssize_t n;

        if (said != NGX_CONF_OK)
                return said;
        fd = open((const char *)s->hash_key_file.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) {
                ngx_conf_log_error(NGX_LOG_EMERG, cf, errno, "assay_hash_key: \"%V\"",
                                   &s->hash_key_file);
                return NGX_CONF_ERROR;
        }
        wrong = judge_owner(fd);
        n = wrong ? 0 : io_kernel.pread(NULL, fd, text, sizeof(text), 0);
        if (!wrong &&
            (n != (ssize_t)sizeof(text) - 1 || text[n - 1] != '\n' ||
             text_from_hex(span_of(text, (size_t)n - 1), s->hash_key, SETTINGS_HASH_KEY) < 0))
                wrong = "wants 64 hexadecimal digits in lower case and a newline";
        ngx_explicit_memzero(text, sizeof(text));
        if (wrong)
                ngx_conf_log_error(NGX_LOG_EMERG, cf, 0, "assay_hash_key: \"%V\" %s",
                                   &s->hash_key_file, wrong);
        return wrong ? NGX_CONF_ERROR : NGX_CONF_OK;
}

static ngx_http_core_loc_conf_t *core_of(ngx_conf_t *cf)
{
        return ngx_http_conf_get_module_loc_conf(cf, ngx_http_core_module);
}

static const char served_twice[] =
        "another directive serves this location as well, proxy_pass for one";

static char *set_metrics(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        struct settings_location *l = conf;

        if (core_of(cf)->handler)
                return complain(cf, name_of(cmd), served_twice);
        core_of(cf)->handler = metrics_handler;
        l->metrics = true;
        return NGX_CONF_OK;
}

static char *set_health(ngx_conf_t *cf, ngx_command_t *cmd, void *conf)
{
        struct settings_location *l = conf;
        const ngx_str_t *args = cf->args->elts;

        if (core_of(cf)->handler)
                return complain(cf, name_of(cmd), served_twice);
        if (cf->args->nelts > 1 && !span_eq_str(settings_span(args[1]), "live"))
                return complain(cf, name_of(cmd), "takes nothing, or \"live\"");
        core_of(cf)->handler = metrics_health_handler;
        l->health = cf->args->nelts > 1 ? HEALTH_LIVE : HEALTH_READY;
        return NGX_CONF_OK;
}

/* ---- what is said together ---- */

/* Its server, for when all listeners are known. */
static char *note_metrics(ngx_conf_t *cf, struct settings *s, const struct settings_location *l)
{
        void **server;

        s->health = s->health || l->health != HEALTH_NOT;
        if ((l->metrics && core_of(cf)->handler != metrics_handler) ||
            (l->health != HEALTH_NOT && core_of(cf)->handler != metrics_health_handler))
                return complain(cf, l->metrics ? "assay_metrics" : "assay_health", served_twice);
        if (!l->metrics)
                return NGX_CONF_OK;
        if (!s->metrics_servers)
                s->metrics_servers = ngx_array_create(cf->pool, 1, sizeof(void *));
        server = s->metrics_servers ? ngx_array_push(s->metrics_servers) : NULL;
        if (!server)
                return NGX_CONF_ERROR;
        *server = ngx_http_conf_get_module_srv_conf(cf, ngx_http_core_module);
        return NGX_CONF_OK;
}

/* Two handlers of one location, and the last one that was read would win. */
static char *merge_location(ngx_conf_t *cf, void *parent, void *child)
{
        const struct settings_location *above = parent;
        struct settings_location *l = child;
        struct settings *s = ngx_http_conf_get_module_main_conf(cf, ngx_http_assay_module);
        struct settings_server *server =
                ngx_http_conf_get_module_srv_conf(cf, ngx_http_assay_module);
        ngx_http_core_loc_conf_t *core = core_of(cf);

        ngx_conf_merge_value(l->gateway, above->gateway, 0);
        if (!l->gateway)
                return note_metrics(cf, s, l);
        if (core->handler && core->handler != serve_handler)
                return complain(cf, "assay_gateway",
                                "another directive serves this location as well, proxy_pass for "
                                "one; say \"assay_gateway off\" in a location for that");
        if (core->alias > 0)
                return complain(cf, "assay_gateway",
                                "does not go together with alias: what is asked for is no file");
        core->handler = serve_handler;
        s->used = server->used = true;
        discreet_check(cf, core);
        return NGX_CONF_OK;
}

/* "/run/assay" of "/run/assay/recorder.sock". */
static bool split_run(ngx_conf_t *cf, struct settings *s)
{
        const u_char *slash = s->recorder.data + s->recorder.len;

        while (*--slash != '/')
                ;
        s->run.len = (size_t)MAX_OF(slash - s->recorder.data, (ptrdiff_t)1);
        s->run.data = ngx_pnalloc(cf->pool, s->run.len + 1);
        if (s->run.data)
                (void)ngx_cpystrn(s->run.data, s->recorder.data, s->run.len + 1);
        return s->run.data;
}

/* Who may connect from elsewhere could read what is called how often. */
static bool is_local(const struct sockaddr *address)
{
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;

        switch (address->sa_family) {
        case AF_UNIX:
                return true;
        case AF_INET:
                return ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
        case AF_INET6:
                return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
        default:
                return false;
        }
}

static bool has_metrics(const struct settings *s, const ngx_http_conf_addr_t *a)
{
        void **with = s->metrics_servers->elts, **servers = a->servers.elts;

        for (ngx_uint_t i = 0; i < a->servers.nelts; i++)
                for (ngx_uint_t k = 0; k < s->metrics_servers->nelts; k++)
                        if (servers[i] == with[k])
                                return true;
        return false;
}

static bool check_metrics(ngx_conf_t *cf, const struct settings *s)
{
        const ngx_http_core_main_conf_t *core =
                ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
        const ngx_http_conf_port_t *ports = core->ports ? core->ports->elts : NULL;

        for (ngx_uint_t p = 0; ports && p < core->ports->nelts; p++) {
                const ngx_http_conf_addr_t *a = ports[p].addrs.elts;

                for (ngx_uint_t i = 0; i < ports[p].addrs.nelts; i++) {
                        if (!has_metrics(s, &a[i]) || is_local(a[i].opt.sockaddr))
                                continue;
                        ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                                      "assay_metrics: its server listens on \"%V\", where others "
                                      "than this host may connect",
                                      &a[i].opt.addr_text);
                        return false;
                }
        }
        return true;
}

static struct settings_server *server_in(const ngx_http_conf_addr_t *a, ngx_uint_t i)
{
        const ngx_http_core_srv_conf_t *const *servers = a->servers.elts;

        return servers[i]->ctx->srv_conf[ngx_http_assay_module.ctx_index];
}

/* Whoever saw the first bytes of a connection can send them again, and a call would be made twice
 * in the name of its caller (RFC 8446, 8). */
static bool takes_early_data(const ngx_http_conf_addr_t *a, ngx_uint_t i)
{
        const ngx_http_core_srv_conf_t *const *servers = a->servers.elts;
        const ngx_http_ssl_srv_conf_t *tls =
                servers[i]->ctx->srv_conf[ngx_http_ssl_module.ctx_index];

        return tls->early_data == 1;
}

/* Which of them a request is for is known once its Host is.  False: it is told why not. */
static bool mark_beside(ngx_conf_t *cf, const ngx_http_conf_addr_t *a)
{
        bool used = false;

        for (ngx_uint_t i = 0; i < a->servers.nelts; i++)
                used = used || server_in(a, i)->used;
        for (ngx_uint_t i = 0; used && i < a->servers.nelts; i++) {
                server_in(a, i)->beside = true;
                if (!takes_early_data(a, i))
                        continue;
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "assay_gateway does not go together with ssl_early_data, as a server "
                              "of \"%V\" has it: what comes early may be sent again by others",
                              &a->opt.addr_text);
                return false;
        }
        return true;
}

static bool mark_servers(ngx_conf_t *cf)
{
        const ngx_http_core_main_conf_t *core =
                ngx_http_conf_get_module_main_conf(cf, ngx_http_core_module);
        const ngx_http_conf_port_t *ports = core->ports ? core->ports->elts : NULL;

        for (ngx_uint_t p = 0; ports && p < core->ports->nelts; p++) {
                const ngx_http_conf_addr_t *a = ports[p].addrs.elts;

                for (ngx_uint_t i = 0; i < ports[p].addrs.nelts; i++)
                        if (!mark_beside(cf, &a[i]))
                                return false;
        }
        return true;
}

extern ngx_module_t ngx_thread_pool_module; /* no header of nginx has it */

/* Threads would be there before a worker can give rights away.  What the module of pools has is a
 * list of them and nothing else. */
static bool has_threads(const ngx_conf_t *cf)
{
        const ngx_array_t *pools =
                (ngx_array_t *)ngx_get_conf(cf->cycle->conf_ctx, ngx_thread_pool_module);

        return pools && pools->nelts > 0;
}

static ngx_int_t check_settings(ngx_conf_t *cf)
{
        struct settings *s = ngx_http_conf_get_module_main_conf(cf, ngx_http_assay_module);
        const char *missing = !s->registry.data        ? "assay_registry"
                              : !s->vkeys              ? "assay_key"
                              : !s->hash_key_file.data ? "assay_hash_key"
                                                       : NULL;

        if (!s->used && (s->metrics_servers || s->health)) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "assay_metrics and assay_health tell of calls, and no location has "
                              "assay_gateway on");
                return NGX_ERROR;
        }
        if (!s->used)
                return NGX_OK;
        if (s->metrics_servers && !check_metrics(cf, s))
                return NGX_ERROR;
        if (missing) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "assay_gateway is on, and http{} says no %s", missing);
                return NGX_ERROR;
        }
        if (s->sandbox && has_threads(cf)) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "assay_gateway does not go together with thread_pool and \"aio "
                              "threads\" unless \"assay_sandbox off\" is said");
                return NGX_ERROR;
        }
        if (s->recorder.len >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
                ngx_log_error(NGX_LOG_EMERG, cf->log, 0,
                              "assay_recorder: \"%V\" is too long for a socket's path",
                              &s->recorder);
                return NGX_ERROR;
        }
        return mark_servers(cf) && split_run(cf, s) && zone_add(cf, s) && discreet_add(cf)
                       ? NGX_OK
                       : NGX_ERROR;
}

struct settings *settings_of(const ngx_cycle_t *cycle)
{
        return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_assay_module);
}

/* ---- tables ---- */

#define IN_HTTP(name, args, set, offset)                                                           \
        {                                                                                          \
                ngx_string(name), NGX_HTTP_MAIN_CONF | (args), set, NGX_HTTP_MAIN_CONF_OFFSET,     \
                        offset, NULL                                                               \
        }

static ngx_command_t commands[] = {
        IN_HTTP("assay_registry", NGX_CONF_TAKE1, set_path, offsetof(struct settings, registry)),
        IN_HTTP("assay_key", NGX_CONF_1MORE, set_vkeys, 0),
        IN_HTTP("assay_hash_key", NGX_CONF_TAKE1, set_hash_key,
                offsetof(struct settings, hash_key_file)),
        IN_HTTP("assay_recorder", NGX_CONF_TAKE1, set_path, offsetof(struct settings, recorder)),
        IN_HTTP("assay_tokens", NGX_CONF_TAKE1, set_path, offsetof(struct settings, tokens)),
        IN_HTTP("assay_keys", NGX_CONF_TAKE1, set_path, offsetof(struct settings, keys)),
        IN_HTTP("assay_zone", NGX_CONF_TAKE1, set_zone_size, offsetof(struct settings, zone_size)),
        IN_HTTP("assay_sandbox_read", NGX_CONF_1MORE, set_sandbox_paths, SANDBOX_READ),
        IN_HTTP("assay_sandbox_write", NGX_CONF_1MORE, set_sandbox_paths,
                SANDBOX_READ | SANDBOX_WRITE),
        IN_HTTP("assay_sandbox", NGX_CONF_FLAG, ngx_conf_set_flag_slot,
                offsetof(struct settings, sandbox)),
        { ngx_string("assay_gateway"), NGX_HTTP_LOC_CONF | NGX_CONF_FLAG, ngx_conf_set_flag_slot,
          NGX_HTTP_LOC_CONF_OFFSET, offsetof(struct settings_location, gateway), NULL },
        { ngx_string("assay_metrics"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS, set_metrics,
          NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
        { ngx_string("assay_health"), NGX_HTTP_LOC_CONF | NGX_CONF_NOARGS | NGX_CONF_TAKE1,
          set_health, NGX_HTTP_LOC_CONF_OFFSET, 0, NULL },
        ngx_null_command,
};

static ngx_http_module_t context = {
        .postconfiguration = check_settings,
        .create_main_conf = create_settings,
        .init_main_conf = init_settings,
        .create_srv_conf = create_server,
        .create_loc_conf = create_location,
        .merge_loc_conf = merge_location,
};

ngx_module_t ngx_http_assay_module = {
        NGX_MODULE_V1,
        &context,
        commands,
        NGX_HTTP_MODULE,
        NULL,           /* init master: nginx never calls it */
        worker_prepare, /* init module */
        worker_start,   /* init process */
        NULL,
        NULL,        /* threads */
        worker_stop, /* exit process */
        zone_stop,   /* exit master */
        NGX_MODULE_V1_PADDING,
};

/* What nginx looks for in a file that it is told to load. */
#define SEEN __attribute__((visibility("default")))
extern SEEN ngx_module_t *ngx_modules[];
extern SEEN char *ngx_module_names[];
extern SEEN char *ngx_module_order[];

static char name[] = "ngx_http_assay_module";

ngx_module_t *ngx_modules[] = { &ngx_http_assay_module, NULL };
char *ngx_module_names[] = { name, NULL };
char *ngx_module_order[] = { NULL };
