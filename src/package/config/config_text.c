/* SPDX-License-Identifier: Apache-2.0 */
/* config_text.c - see config_text.h. */
#include "package/config/config_text.h"

struct unit {
        const char *name;
        uint64_t times;
};

/* With the largest unit that divides it; units ascend and begin with 1. */
static void put_scaled(uint64_t v, const struct unit *units, size_t n, struct buf *out)
{
        size_t best = 0;

        for (size_t i = 1; i < n; i++)
                if (v > 0 && v % units[i].times == 0)
                        best = i;
        buf_printf(out, "%llu%s", (unsigned long long)(v / units[best].times), units[best].name);
}

static void put_ms(uint64_t ms, struct buf *out)
{
        static const struct unit units[] = {
                { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
        };

        if (ms == 0)
                buf_put_str(out, "0s");
        else
                put_scaled(ms, units, ARRAY_LEN(units), out);
}

static void put_seconds(uint64_t s, struct buf *out)
{
        put_ms(s * 1000, out);
}

static void put_bytes(uint64_t n, struct buf *out)
{
        static const struct unit units[] = { { "B", 1 }, { "KiB", 1024 }, { "MiB", 1 << 20 } };

        put_scaled(n, units, ARRAY_LEN(units), out);
}

static void put_rate(uint32_t n, uint32_t per_s, struct buf *out)
{
        static const struct unit per[] = { { "s", 1 }, { "m", 60 }, { "h", 3600 }, { "d", 86400 } };

        for (size_t i = 0; i < ARRAY_LEN(per); i++)
                if (per[i].times == per_s)
                        buf_printf(out, "%u/%s", (unsigned)n, per[i].name);
}

/* Texts behind a word, with commas between them; nothing when there are none. */
static void put_list(const char *before, const struct span *list, uint32_t n, const char *between,
                     struct buf *out)
{
        for (uint32_t i = 0; i < n; i++) {
                buf_put_str(out, i == 0 ? before : between);
                buf_put(out, list[i]);
        }
}

static void put_text(const char *before, struct span text, struct buf *out)
{
        put_list(before, &text, text.n ? 1 : 0, "", out);
}

/* ---- backend ---- */

static void put_url(const struct config_backend *b, struct buf *out)
{
        bool six = b->host.n && memchr(b->host.p, ':', b->host.n);

        buf_put_str(out, b->tls ? "https://" : "http://");
        buf_put_str(out, six ? "[" : "");
        buf_put(out, b->host);
        buf_put_str(out, six ? "]" : "");
        if (b->port != (b->tls ? 443 : 80))
                buf_printf(out, ":%u", (unsigned)b->port);
        buf_put(out, b->base);
        put_list(" at ", b->addresses, b->n_addresses, ", ", out);
}

void config_put_backend(const struct config_backend *b, struct buf *out)
{
        if (b->unix_path.n) {
                buf_put_str(out, "unix:");
                buf_put(out, b->unix_path);
        } else {
                put_url(b, out);
        }
        put_text(", ca ", b->ca_file, out);
        if (!span_eq(b->tls_name, b->host))
                put_text(", certificate of ", b->tls_name, out);
        buf_put_str(out, ", connect ");
        put_ms(b->connect_ms, out);
        buf_put_str(out, ", read ");
        put_ms(b->read_ms, out);
}

/* ---- identity ---- */

static void put_jwt(const struct config_identity *id, struct buf *out)
{
        struct span algorithms[3];
        uint32_t n = 0;

        if (id->algorithms & JWT_RS256)
                algorithms[n++] = SPAN("RS256");
        if (id->algorithms & JWT_ES256)
                algorithms[n++] = SPAN("ES256");
        if (id->algorithms & JWT_EDDSA)
                algorithms[n++] = SPAN("EdDSA");
        put_text("jwt of ", id->issuer, out);
        put_text(" for ", id->audience, out);
        put_list(", ", algorithms, n, " or ", out);
        put_text(", keys in ", id->jwks_file, out);
        put_text(", keys from ", id->jwks_url, out);
        put_list(" at ", id->jwks_addresses, id->n_jwks_addresses, ", ", out);
        if (id->jwks_url.n) {
                buf_put_str(out, " every ");
                put_seconds(id->refresh_s, out);
        }
        put_text(", caller ", id->caller, out);
        put_text(", groups ", id->groups, out);
        put_list(", claims ", id->claims, id->n_claims, ", ", out);
        buf_put_str(out, ", leeway ");
        put_seconds(id->leeway_s, out);
}

void config_put_identity(const struct config_identity *id, struct buf *out)
{
        switch (id->kind) {
        case CONFIG_JWT:
                put_jwt(id, out);
                break;
        case CONFIG_OPAQUE:
                buf_put_str(out, "tokens of the hub");
                break;
        case CONFIG_PASS_BASIC:
                buf_put_str(out, "basic, passed to the back-end");
                break;
        case CONFIG_PASS_BEARER:
                buf_put_str(out, "bearer, passed to the back-end");
                break;
        case CONFIG_MUTUAL:
                put_text("certificate of ", id->ca_file, out);
                put_text(", caller ", id->caller, out);
                break;
        }
}

/* ---- the rest ---- */

void config_put_class(const struct config_class *c, struct buf *out)
{
        buf_printf(out, "%s, recorded as %s", mask_name(c->mask), c->digest ? "digest" : "count");
}

void config_put_limit(const struct config_limit *l, struct buf *out)
{
        if (l->rate) {
                put_rate(l->rate, l->per_s, out);
                buf_printf(out, ", burst %u", (unsigned)l->burst);
        }
        if (l->quota) {
                buf_put_str(out, l->rate ? ", quota " : "quota ");
                put_rate(l->quota, l->quota_s, out);
        }
}

void config_put_cache(const struct config_cache *c, struct buf *out)
{
        buf_put_str(out, "for ");
        put_seconds(c->seconds, out);
        buf_put_str(out, c->by_rights ? " by rights" : " by caller");
}

void config_put_caps(const struct config *c, struct buf *out)
{
        buf_put_str(out, "request ");
        put_bytes(c->request_max, out);
        buf_put_str(out, ", response ");
        put_bytes(c->response_max, out);
        buf_printf(out, ", depth %u", (unsigned)c->depth_max);
}
