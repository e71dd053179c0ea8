/* SPDX-License-Identifier: Apache-2.0 */
/* config_backend.c - where an API is served from: backend.yaml.  Floor 2, pure. */
#include "package/config/config_priv.h"

#include <sys/un.h>

enum {
        CONNECT_MS = 2000,
        READ_MS = 10000,
        TIMEOUT_MIN_MS = 10,
        CONNECT_MAX_MS = 60 * 1000,
        READ_MAX_MS = 600 * 1000,
        /* of a path in struct sockaddr_un, its NUL counted */
        UNIX_MAX = sizeof(((struct sockaddr_un *)0)->sun_path),
};

struct backend {
        struct config_backend *out;
        struct config_url url;
        const struct source_node *url_node, *unix_node, *addresses_node, *tls_node;
};

static void take_url(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;

        b->url_node = n;
        if (!config_get_url(r, n, "a URL, as https://accounts.internal:8443/api,", &b->url))
                return;
        b->out->tls = b->url.tls;
        b->out->host = b->url.host;
        b->out->port = b->url.port;
        b->out->base = b->url.path;
}

static void take_unix(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;

        b->unix_node = n;
        if (config_get_path(r, n, "the path of a socket, as /run/accounts.sock,",
                            &b->out->unix_path) &&
            b->out->unix_path.n >= UNIX_MAX)
                lint_error(r->l, &n->mark, "the path of a socket is at most %d bytes long",
                           (int)UNIX_MAX - 1);
}

static void take_addresses(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;

        b->addresses_node = n;
        config_take_addresses(r, n, &b->out->addresses, &b->out->n_addresses);
}

static void take_ca(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;

        (void)!config_get_path(r, n, "the path of a file, as /etc/assay/ca/internal.pem,",
                               &b->out->ca_file);
}

static void take_name(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;

        (void)!config_get_text(r, n, "the name in the certificate, as accounts.internal,",
                               CONFIG_TEXT_MAX, &b->out->tls_name);
}

static void take_tls(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "ca", take_ca, false },
                { "name", take_name, false },
        };
        struct backend *b = into;

        b->tls_node = n;
        if (config_is_map(r, n, "whose certificates are believed, \"ca\" or \"name\","))
                config_take_keys(r, n, keys, ARRAY_LEN(keys), b, "tls");
}

static void take_connect(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;
        uint64_t ms;

        if (config_get_ms(r, n, "a time, as 2s or 500ms,", TIMEOUT_MIN_MS, CONNECT_MAX_MS, &ms))
                b->out->connect_ms = (uint32_t)ms;
}

static void take_read(struct config_reader *r, const struct source_node *n, void *into)
{
        struct backend *b = into;
        uint64_t ms;

        if (config_get_ms(r, n, "a time, as 10s,", TIMEOUT_MIN_MS, READ_MAX_MS, &ms))
                b->out->read_ms = (uint32_t)ms;
}

static void take_timeout(struct config_reader *r, const struct source_node *n, void *into)
{
        static const struct config_key keys[] = {
                { "connect", take_connect, false },
                { "read", take_read, false },
        };

        if (config_is_map(r, n, "times, \"connect\" or \"read\","))
                config_take_keys(r, n, keys, ARRAY_LEN(keys), into, "timeout");
}

/* ---- one with the other ---- */

static bool is_loopback(const struct backend *b)
{
        struct span host = b->url.host;

        return b->url.is_address && (span_starts(host, SPAN("127.")) || span_eq_str(host, "::1"));
}

static void check_addresses(struct config_reader *r, const struct backend *b)
{
        if (b->url.host.n == 0)
                return;
        if (!b->url.is_address && !b->addresses_node)
                lint_error(r->l, &b->url_node->mark,
                           "\"addresses\" are missing: the addresses that %.*s may have",
                           SHOWN(b->url.host));
        if (b->url.is_address && b->addresses_node)
                lint_error(r->l, &b->addresses_node->key_mark, "the url has an address already");
}

static void check_tls(struct config_reader *r, const struct backend *b)
{
        if (b->url.host.n == 0)
                return;
        if (!b->url.tls && b->tls_node)
                lint_error(r->l, &b->tls_node->key_mark, "\"tls\" goes with an https:// url");
        if (!b->url.tls && !is_loopback(b))
                lint_warning(r->l, &b->url_node->mark,
                             "requests and answers go to the back-end in clear: https:// keeps "
                             "them from who listens on the way");
        if (b->url.tls && b->out->tls_name.n == 0)
                b->out->tls_name = b->out->host;
}

static void check(struct config_reader *r, const struct source_node *root, const struct backend *b)
{
        if (!b->url_node && !b->unix_node)
                lint_error(r->l, &root->mark, "a back-end needs \"url\" or \"unix\"");
        if (b->url_node && b->unix_node)
                lint_error(r->l, &b->unix_node->key_mark,
                           "a back-end is either at a \"url\" or at a \"unix\" socket");
        if (!b->url_node && b->addresses_node)
                lint_error(r->l, &b->addresses_node->key_mark, "\"addresses\" go with a \"url\"");
        if (!b->url_node && b->tls_node)
                lint_error(r->l, &b->tls_node->key_mark, "\"tls\" goes with an https:// url");
        check_addresses(r, b);
        check_tls(r, b);
}

void config_take_backend(struct config_reader *r, const struct source_node *root)
{
        static const struct config_key keys[] = {
                { "url", take_url, false },
                { "unix", take_unix, false },
                { "addresses", take_addresses, false },
                { "tls", take_tls, false },
                { "timeout", take_timeout, false },
        };
        struct backend b = { .out = &r->out->backend };

        b.out->connect_ms = CONNECT_MS;
        b.out->read_ms = READ_MS;
        if (!config_is_map(r, root, "where the back-end is, \"url\" or \"unix\","))
                return;
        config_take_keys(r, root, keys, ARRAY_LEN(keys), &b, "a back-end");
        check(r, root, &b);
}
