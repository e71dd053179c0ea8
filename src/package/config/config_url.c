/* SPDX-License-Identifier: Apache-2.0 */
/* config_url.c - addresses and URLs of gateway.yaml and backend.yaml.  Floor 2, pure. */
#include "package/config/config_priv.h"

#include "base/text.h"

#include <arpa/inet.h>

/* ---- addresses ---- */

bool config_is_address(struct span text)
{
        char s[INET6_ADDRSTRLEN + 1];
        struct in6_addr six;
        struct in_addr four;

        if (text.n == 0 || text.n >= sizeof s || memchr(text.p, '\0', text.n))
                return false;
        memcpy(s, text.p, text.n);
        s[text.n] = '\0';
        return inet_pton(AF_INET, s, &four) == 1 || inet_pton(AF_INET6, s, &six) == 1;
}

void config_take_addresses(struct config_reader *r, const struct source_node *n,
                           const struct span **ret, uint32_t *ret_n)
{
        static const char wanted[] = "a list of addresses, as [10.1.2.3, \"2001:db8::7\"],";
        const struct source_node *i;

        if (!config_get_texts(r, n, wanted, CONFIG_ADDRESSES_MAX, ret, ret_n))
                return;
        for (i = n->child; i; i = i->next)
                if (i->kind == SOURCE_STRING && !config_is_address(i->text))
                        lint_error(r->l, &i->mark, "\"%.*s\" is no IPv4 or IPv6 address",
                                   SHOWN(i->text));
}

/* ---- URLs ---- */

static bool is_word(uint8_t c, const char *more)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               (c && strchr(more, c));
}

bool config_path_ok(struct span path)
{
        while (path.n > 0) {
                const uint8_t *next;
                struct span word;

                if (path.p[0] != '/')
                        return false;
                path = span_from(path, 1);
                next = path.n ? memchr(path.p, '/', path.n) : NULL;
                word = span_of(path.p, next ? (size_t)(next - path.p) : path.n);
                if (word.n == 0 || span_eq_str(word, ".") || span_eq_str(word, ".."))
                        return false;
                for (size_t i = 0; i < word.n; i++)
                        if (!is_word(word.p[i], "-._~"))
                                return false;
                path = span_from(path, word.n);
        }
        return true;
}

/* Labels between dots: letters, digits and hyphens within. */
static bool is_host_name(struct span s)
{
        bool edge = true; /* at the beginning of a label */

        if (s.n == 0 || s.n > 253)
                return false;
        for (size_t i = 0; i < s.n; i++) {
                bool last = i + 1 == s.n || s.p[i + 1] == '.';

                if (s.p[i] == '.' ? edge : !is_word(s.p[i], "-_"))
                        return false;
                if (s.p[i] == '-' && (edge || last))
                        return false;
                edge = s.p[i] == '.';
        }
        return !edge;
}

/* host:port, [host]:port, either without the port. */
static bool cut_host(struct span s, struct config_url *u)
{
        const uint8_t *colon, *end;
        struct span port = SPAN_NONE;
        uint64_t v;

        if (s.n && s.p[0] == '[') {
                end = memchr(s.p, ']', s.n);
                if (!end)
                        return false;
                u->host = span_of(s.p + 1, (size_t)(end - s.p - 1));
                port = span_from(s, u->host.n + 2);
                if (!memchr(u->host.p, ':', u->host.n))
                        return false;
        } else {
                colon = s.n ? memchr(s.p, ':', s.n) : NULL;
                u->host = span_of(s.p, colon ? (size_t)(colon - s.p) : s.n);
                port = span_from(s, u->host.n);
        }
        u->is_address = config_is_address(u->host);
        if (!u->is_address && !is_host_name(u->host))
                return false;
        u->port = u->tls ? 443 : 80;
        if (port.n == 0)
                return true;
        if (port.p[0] != ':' || text_to_u64(span_from(port, 1), &v) < 0 || v == 0 || v > 65535)
                return false;
        u->port = (uint16_t)v;
        return true;
}

static bool cut_url(struct span s, struct config_url *u)
{
        const uint8_t *slash;
        struct span host;

        u->tls = span_starts(s, SPAN("https://"));
        if (!u->tls && !span_starts(s, SPAN("http://")))
                return false;
        s = span_from(s, u->tls ? 8 : 7);
        slash = s.n ? memchr(s.p, '/', s.n) : NULL;
        host = span_of(s.p, slash ? (size_t)(slash - s.p) : s.n);
        u->path = span_from(s, host.n);
        if (u->path.n && u->path.p[u->path.n - 1] == '/')
                u->path.n--;
        return cut_host(host, u) && config_path_ok(u->path);
}

bool config_get_url(struct config_reader *r, const struct source_node *n, const char *wanted,
                    struct config_url *ret)
{
        struct span text;

        if (!config_get_text(r, n, wanted, CONFIG_PATH_MAX, &text))
                return false;
        *ret = (struct config_url){ 0 };
        if (cut_url(text, ret))
                return true;
        *ret = (struct config_url){ 0 };
        lint_error(r->l, &n->mark, "%s should stand here, not \"%.*s\"", wanted, SHOWN(text));
        return false;
}
