/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/exchange/refusal.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>

static const struct refusal_about table[REFUSED_REASONS] = {
        [REFUSED_TARGET] = { "target", 400, "Malformed request" },
        [REFUSED_HEADER] = { "header", 400, "Malformed request" },
        [REFUSED_FRAMING] = { "framing", 400, "Malformed request" },
        [REFUSED_PARAMETER] = { "parameter", 400, "Malformed request" },
        [REFUSED_JSON] = { "json", 400, "Malformed request" },
        [REFUSED_BODY] = { "body", 400, "Malformed request" },
        [REFUSED_NO_CREDENTIAL] = { "no_credential", 401, "Not authenticated" },
        [REFUSED_CREDENTIAL] = { "credential", 401, "Not authenticated" },
        [REFUSED_POLICY] = { "policy", 403, "Not allowed" },
        [REFUSED_PATH] = { "path", 404, "Not found" },
        [REFUSED_METHOD] = { "method", 405, "Method not allowed" },
        [REFUSED_SIZE] = { "size", 413, "Content too large" },
        [REFUSED_MEDIA] = { "media", 415, "Unsupported media type" },
        [REFUSED_ENCODING] = { "encoding", 415, "Unsupported media type" },
        [REFUSED_RATE] = { "rate", 429, "Too many requests" },
        [REFUSED_QUOTA] = { "quota", 429, "Too many requests" },
        [REFUSED_OBJECTS] = { "objects", 429, "Too many requests" },
        [REFUSED_BACKEND] = { "backend", 502, "Bad gateway" },
        [REFUSED_BACKEND_TIME] = { "backend_time", 504, "Gateway timeout" },
        [REFUSED_RESPONSE_STATUS] = { "response_status", 502, "Bad gateway" },
        [REFUSED_RESPONSE_HEADER] = { "response_header", 502, "Bad gateway" },
        [REFUSED_RESPONSE_MEDIA] = { "response_media", 502, "Bad gateway" },
        [REFUSED_RESPONSE_JSON] = { "response_json", 502, "Bad gateway" },
        [REFUSED_RESPONSE_SCHEMA] = { "response_schema", 502, "Bad gateway" },
        [REFUSED_RESPONSE_SIZE] = { "response_size", 502, "Bad gateway" },
        [REFUSED_RESPONSE_ENCODING] = { "response_encoding", 502, "Bad gateway" },
        [REFUSED_RECORDER] = { "recorder", 503, "Service unavailable" },
        [REFUSED_PACKAGE] = { "package", 503, "Service unavailable" },
        [REFUSED_KEYS] = { "keys", 503, "Service unavailable" },
        [REFUSED_BUSY] = { "busy", 503, "Service unavailable" },
};

const struct refusal_about *refusal_about(enum refusal_reason r)
{
        assert(r > REFUSED_NOT && r < REFUSED_REASONS);
        return &table[r];
}

int(refuse)(struct refusal *r, enum refusal_reason reason, const char *fmt, ...)
{
        va_list args;

        assert(reason > REFUSED_NOT && reason < REFUSED_REASONS);
        r->reason = reason;
        va_start(args, fmt);
        vsnprintf(r->text, sizeof r->text, fmt, args);
        va_end(args);
        text_keep_utf8(r->text);
        return -EACCES;
}
