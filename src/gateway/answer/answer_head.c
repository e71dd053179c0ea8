/* SPDX-License-Identifier: Apache-2.0 */
/* answer_head.c - what the headers of an answer say of it.  Floor 3.  SECURITY: hostile bytes.
 *
 * Source: RFC 9110, 5.5 and 8; RFC 9112, 6. */
#include "gateway/answer/answer_priv.h"

#include "base/text.h"
#include "gateway/request/media.h"
#include "gateway/request/request_priv.h"

/* What counts here, and must be there once at most. */
enum which { CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, TRANSFER_ENCODING, WHICH };

static const char *const names[WHICH] = {
        [CONTENT_ENCODING] = "content-encoding",
        [CONTENT_LENGTH] = "content-length",
        [CONTENT_TYPE] = "content-type",
        [TRANSFER_ENCODING] = "transfer-encoding",
};

/* Visible, blanks and tabs within, and what was Latin-1 once: not what would end a line. */
static bool is_value(struct span s)
{
        bool good = true;

        for (size_t i = 0; i < s.n; i++)
                good &= (s.p[i] >= ' ' && s.p[i] != 0x7f) || s.p[i] == '\t';
        return good;
}

static bool is_name(struct span s)
{
        bool good = s.n > 0;

        for (size_t i = 0; i < s.n; i++)
                good &= request_token[s.p[i]] != 0;
        return good;
}

static int gather(struct answering *a, struct span *found)
{
        const struct answer_raw *raw = a->raw;
        size_t bytes = 0;

        if (raw->n_headers > ANSWER_HEADERS_MAX)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "more than %d headers",
                              ANSWER_HEADERS_MAX);
        for (uint32_t i = 0; i < raw->n_headers; i++) {
                const struct http_header *h = &raw->headers[i];

                bytes += h->name.n + h->value.n;
                if (bytes > ANSWER_HEADERS_BYTES_MAX)
                        return refuse(a->refusal, REFUSED_RESPONSE_HEADER,
                                      "more than %d bytes of headers", ANSWER_HEADERS_BYTES_MAX);
                if (!is_name(h->name) || !is_value(h->value))
                        return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "a header that is none");
                for (unsigned j = 0; j < WHICH; j++) {
                        if (!http_is_word(h->name, names[j]))
                                continue;
                        if (found[j].p)
                                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "%s twice",
                                              names[j]);
                        found[j] = h->value.p ? h->value : SPAN("");
                }
        }
        return 0;
}

static int check_length(struct answering *a, struct span length)
{
        uint64_t n = 0;

        if (text_to_u64(length, &n) < 0)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER, "content-length: no number");
        /* of HEAD and 304 it is what another answer's would be */
        if (!a->raw->head && a->raw->status != 304 && n != a->raw->body.n)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER,
                              "content-length: the body has another length");
        return 0;
}

static int check_encoding(struct answering *a, const struct span *found)
{
        struct span transfer = found[TRANSFER_ENCODING], content = found[CONTENT_ENCODING];

        if (transfer.p && !http_is_word(transfer, "chunked"))
                return refuse(a->refusal, REFUSED_RESPONSE_ENCODING,
                              "a transfer-encoding other than chunked");
        if (transfer.p && found[CONTENT_LENGTH].p)
                return refuse(a->refusal, REFUSED_RESPONSE_HEADER,
                              "content-length beside transfer-encoding");
        if (content.p && !http_is_word(content, "identity"))
                return refuse(a->refusal, REFUSED_RESPONSE_ENCODING,
                              "a content-encoding other than identity");
        return 0;
}

static int read_type(struct answering *a, struct span type, struct answer_head *ret)
{
        struct media_type m;
        int rc = media_type_read(type, a->arena, &m);

        if (rc == -ENOMEM)
                return answer_no_memory(a);
        if (rc < 0)
                return refuse(a->refusal, REFUSED_RESPONSE_MEDIA, "content-type: no media type");
        *ret = (struct answer_head){ type, m.type, m.utf8 };
        return 0;
}

int answer_head_read(struct answering *a, struct answer_head *ret)
{
        struct span found[WHICH] = { 0 };
        int rc = gather(a, found);

        *ret = (struct answer_head){ .media_utf8 = true };
        if (rc == 0)
                rc = check_encoding(a, found);
        if (rc == 0 && found[CONTENT_LENGTH].p)
                rc = check_length(a, found[CONTENT_LENGTH]);
        if (rc < 0 || !found[CONTENT_TYPE].p)
                return rc;
        return read_type(a, found[CONTENT_TYPE], ret);
}
