/* SPDX-License-Identifier: Apache-2.0 */
#include "package/model/header_name.h"

#include <ctype.h>

static const struct {
        const char *name; /* with a "*" at its end: what begins so */
        enum header_rule rule;
} rules[] = {
        { "content-type", HEADER_NO_PARAMETER },
        { "accept", HEADER_NO_PARAMETER },
        { "authorization", HEADER_NO_PARAMETER },

        { "accept-encoding", HEADER_OWN },
        { "x-request-id", HEADER_OWN },
        { "range", HEADER_OWN },
        { "if-range", HEADER_OWN },

        { "connection", HEADER_CONNECTION },
        { "content-encoding", HEADER_CONNECTION },
        { "content-length", HEADER_CONNECTION },
        { "expect", HEADER_CONNECTION },
        { "host", HEADER_CONNECTION },
        { "http2-settings", HEADER_CONNECTION },
        { "keep-alive", HEADER_CONNECTION },
        { "proxy", HEADER_CONNECTION }, /* HTTP_PROXY, to programs that are run by a server */
        { "proxy-*", HEADER_CONNECTION },
        { "te", HEADER_CONNECTION },
        { "trailer", HEADER_CONNECTION },
        { "transfer-encoding", HEADER_CONNECTION },
        { "upgrade", HEADER_CONNECTION },
        { "via", HEADER_CONNECTION },

        { "cf-access-*", HEADER_CALLER }, /* whom a proxy or a load balancer has let in */
        { "cf-connecting-ip", HEADER_CALLER },
        { "client-cert*", HEADER_CALLER },
        { "client-ip", HEADER_CALLER },
        { "forwarded*", HEADER_CALLER },
        { "impersonate-*", HEADER_CALLER },
        { "remote-*", HEADER_CALLER },
        { "ssl-client*", HEADER_CALLER },
        { "tailscale-user-*", HEADER_CALLER },
        { "true-client-ip", HEADER_CALLER },
        { "x-amzn-oidc-*", HEADER_CALLER },
        { "x-anonymous-consumer", HEADER_CALLER },
        { "x-auth-request-*", HEADER_CALLER },
        { "x-authenticated-*", HEADER_CALLER },
        { "x-client-cert*", HEADER_CALLER },
        { "x-client-ip", HEADER_CALLER },
        { "x-cluster-client-ip", HEADER_CALLER },
        { "x-consumer-*", HEADER_CALLER },
        { "x-forwarded*", HEADER_CALLER },
        { "x-goog-authenticated-user-*", HEADER_CALLER },
        { "x-http-method*", HEADER_CALLER },
        { "x-impersonate-*", HEADER_CALLER },
        { "x-method-override", HEADER_CALLER },
        { "x-ms-client-principal*", HEADER_CALLER },
        { "x-original-*", HEADER_CALLER },
        { "x-real-ip", HEADER_CALLER },
        { "x-remote-*", HEADER_CALLER },
        { "x-rewrite-url", HEADER_CALLER },
        { "x-ssl-client*", HEADER_CALLER },
        { "x-webauth-*", HEADER_CALLER },

        { "cookie", HEADER_COOKIE },
        { "cookie2", HEADER_COOKIE },
};

bool header_name_ok(struct span name)
{
        for (size_t i = 0; i < name.n; i++)
                if (name.p[i] >= 0x80 ||
                    (!isalnum(name.p[i]) && !memchr("!#$%&'*+-.^_`|~", name.p[i], 15)))
                        return false;
        return name.n > 0;
}

static bool is_meant(struct span name, const char *rule)
{
        for (size_t i = 0;; i++) {
                if (rule[i] == '*')
                        return true;
                if (i == name.n)
                        return rule[i] == '\0';
                if ((name.p[i] == '_' ? '-' : name.p[i]) != (uint8_t)rule[i])
                        return false;
        }
}

enum header_rule header_name_rule(struct span name)
{
        for (size_t i = 0; i < ARRAY_LEN(rules); i++)
                if (is_meant(name, rules[i].name))
                        return rules[i].rule;
        return HEADER_FREE;
}
