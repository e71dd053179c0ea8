/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/request/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../called.h"

enum { LINES_MAX = REQUEST_HEADERS_MAX + 2 };

struct sent {
        struct http_header headers[LINES_MAX];
        struct request_raw raw;
        struct request q;
        struct refusal r;
        struct arena arena;
};

static int send(struct sent *s, const char *method, unsigned version, struct span lines)
{
        *s = (struct sent){
                .raw = { .method = span_str(method), .target = SPAN("/a"), .version = version },
                .arena = ARENA_INIT(1 << 20)
        };
        memset(&s->q, 0xa5, sizeof s->q);
        s->raw.headers = s->headers;
        s->raw.n_headers = called_headers(lines, s->headers, LINES_MAX);
        return request_read(&s->raw, &s->arena, &s->q, &s->r);
}

/* ---- what is read ---- */

static void requests_are_read(void **state)
{
        static const struct {
                const char *method;
                unsigned version;
                const char *lines;
                bool has_body, length_known;
                uint64_t length;
                const char *media;
                bool other_charset;
        } table[] = {
                { "GET", 11, "Host: a", .media = "" },
                { "GET", 10, "", .media = "" },
                { "GET", 10, "Host: a", .media = "" },
                { "GET", 20, "Host: a\nTE: trailers", .media = "" },
                { "GET", 11, "Host: a\nTE: trailers, deflate", .media = "" },
                { "OPTIONS", 11, "Host: a.example:8443", .media = "" },
                { "HEAD", 11, "Host: 192.0.2.7:80", .media = "" },
                { "DELETE", 11, "Host: [2001:db8::7]", .media = "" },
                { "PATCH", 11, "HOST: [2001:db8::192.0.2.7]:443", .media = "" },
                { "POST", 11, "Host: a\nContent-Length: 0", .length_known = true, .media = "" },
                { "POST", 11, "Host: a\nContent-Length: 17\nContent-Type: Application/JSON", true,
                  true, 17, .media = "application/json" },
                { "POST", 11, "content-length: 18446744073709551615\nhost: a", true, true,
                  UINT64_MAX, .media = "" },
                { "POST", 11, "Host: a\nTransfer-Encoding: Chunked", true, .media = "" },
                { "PUT", 11, "Host: a\nContent-Type: application/merge-patch+json;charset=UTF-8",
                  .media = "application/merge-patch+json" },
                { "PUT", 11, "Host: a\nContent-Type: a/b ; charset=\"utf-8\"; version=1",
                  .media = "a/b" },
                { "PUT", 11, "Host: a\nContent-Type: a/b; CHARSET=latin1", .media = "a/b",
                  .other_charset = true },
                { "PUT", 11, "Host: a\nContent-Type: a/b; profile=\"charset=latin1; x\"",
                  .media = "a/b" },
                { "GET", 11, "Host: a\nExpect: 100-Continue\nContent-Encoding: identity",
                  .media = "" },
                { "GET", 11, "Host: a\nConnection: close, authorization\nKeep-Alive: 5",
                  .media = "" },
                { "GET", 11,
                  "Host: a\nRange: bytes=0-1\nTrailer: x\nX: \xc3\xa9\nY: ", .media = "" },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct sent s;

                if (send(&s, table[i].method, table[i].version, span_str(table[i].lines)) < 0)
                        fail_msg("%s: %s", table[i].lines, s.r.text);
                assert_string_equal(api_method_name(s.q.method), table[i].method);
                assert_int_equal(s.q.has_body, table[i].has_body);
                assert_int_equal(s.q.length_known, table[i].length_known);
                assert_true(s.q.length == table[i].length);
                assert_true(span_eq_str(s.q.media, table[i].media));
                assert_int_equal(s.q.media_utf8, !table[i].other_charset);
                assert_int_equal(s.q.target.n_segments, 1);
                arena_done(&s.arena);
        }
}

static void an_open_stream_has_a_body(void **state)
{
        struct sent s;

        for (unsigned open = 0; open < 2; open++) {
                assert_int_equal(send(&s, "POST", 20, SPAN("host: a")), 0);
                s.raw.open = open;
                assert_int_equal(request_read(&s.raw, &s.arena, &s.q, &s.r), 0);
                assert_int_equal(s.q.has_body, open);
                assert_false(s.q.length_known);
                arena_done(&s.arena);
        }
}

static void headers_are_found_by_name(void **state)
{
        static const struct {
                const char *name, *values; /* as "[a][b]" */
        } table[] = {
                { "x", "[1][3][2]" }, { "host", "[a]" }, { "a", "[0]" },       { "y", "[]" },
                { "x-", "[4]" },      { "X", "" },       { "connection", "" }, { "", "" },
        };
        struct sent s;

        assert_int_equal(send(&s, "GET", 11, SPAN("X: 1\nHost: a\nx-: 4\nx: 3\nA: 0\nY: \nx: 2")),
                         0);
        assert_int_equal(s.q.n_headers, 7);
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                char shown[64] = "";
                size_t used = 0;
                uint32_t n = 77;
                const struct http_header *h = request_headers(&s.q, table[i].name, &n);

                assert_int_equal(h == NULL, n == 0);
                for (uint32_t k = 0; h && k < n; k++)
                        used += (size_t)snprintf(shown + used, sizeof shown - used, "[%.*s]",
                                                 (int)h[k].value.n, (const char *)h[k].value.p);
                assert_string_equal(shown, table[i].values);
        }
        arena_done(&s.arena);
}

/* ---- what is refused ---- */

static const struct refused_case {
        const char *method;
        unsigned version;
        struct span lines;
        enum refusal_reason reason;
        const char *why;
} refused[] = {
        { "GET", 9, SPAN_INIT(""), REFUSED_FRAMING, "version" },
        { "GET", 30, SPAN_INIT("Host: a"), REFUSED_FRAMING, "version" },
        { "TRACE", 11, SPAN_INIT("Host: a"), REFUSED_METHOD, "method" },
        { "CONNECT", 11, SPAN_INIT("Host: a"), REFUSED_METHOD, "method" },
        { "get", 11, SPAN_INIT("Host: a"), REFUSED_METHOD, "method" },
        { "GET ", 11, SPAN_INIT("Host: a"), REFUSED_METHOD, "method" },
        { "", 11, SPAN_INIT("Host: a"), REFUSED_METHOD, "method" },
        /* names and values */
        { "GET", 11, SPAN_INIT("Host: a\n: b"), REFUSED_HEADER, "without a name" },
        { "GET", 11, SPAN_INIT("Host: a\nX : b"), REFUSED_HEADER, "name is none" },
        { "GET", 11, SPAN_INIT("Host: a\n X: b"), REFUSED_HEADER, "name is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX\0: b"), REFUSED_HEADER, "name is none" },
        { "GET", 11, SPAN_INIT("Host: a\n\xc3\xa9: b"), REFUSED_HEADER, "name is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX(y): b"), REFUSED_HEADER, "name is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX: b\r"), REFUSED_HEADER, "a header whose value is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX: b\0"), REFUSED_HEADER, "a header whose value is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX: b\tc"), REFUSED_HEADER,
          "a header whose value is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX: b\x7f"), REFUSED_HEADER,
          "a header whose value is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX:  b"), REFUSED_HEADER, "a header whose value is none" },
        { "GET", 11, SPAN_INIT("Host: a\nX: b "), REFUSED_HEADER, "a header whose value is none" },
        /* host */
        { "GET", 11, SPAN_INIT(""), REFUSED_HEADER, "host: missing" },
        { "GET", 20, SPAN_INIT("x: y"), REFUSED_HEADER, "host: missing" },
        { "GET", 11, SPAN_INIT("Host: a\nhost: a"), REFUSED_HEADER, "host: given more" },
        { "GET", 11, SPAN_INIT("Host:  "), REFUSED_HEADER, "a header whose value is none" },
        { "GET", 11, SPAN_INIT("Host: "), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: a b"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: a/b"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: u@a"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: a,b"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: a:"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: a:8x"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: a:123456"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: [::1"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: []"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: [a.example]"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: [::1]x"), REFUSED_HEADER, "host: no name" },
        { "GET", 11, SPAN_INIT("Host: ::1"), REFUSED_HEADER, "host: no name" },
        { "GET", 10, SPAN_INIT("Host: a\nHost: b"), REFUSED_HEADER, "host: given more" },
        /* how long it is */
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: 1\nContent-Length: 1"), REFUSED_HEADER,
          "content-length: given more" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: 1, 1"), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: +1"), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: -1"), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: 01"), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: 0x1"), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: "), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: 18446744073709551616"), REFUSED_FRAMING,
          "content-length: no number" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Length: 1\nTransfer-Encoding: chunked"),
          REFUSED_FRAMING, "transfer-encoding and content-length" },
        { "POST", 11, SPAN_INIT("Transfer-Encoding: chunked\nHost: a\nContent-Length: 0"),
          REFUSED_FRAMING, "transfer-encoding and content-length" },
        { "POST", 10, SPAN_INIT("Transfer-Encoding: chunked"), REFUSED_FRAMING,
          "not of this version" },
        { "POST", 20, SPAN_INIT("host: a\ntransfer-encoding: chunked"), REFUSED_FRAMING,
          "not of this version" },
        { "POST", 11, SPAN_INIT("Host: a\nTransfer-Encoding: gzip, chunked"), REFUSED_FRAMING,
          "not chunked" },
        { "POST", 11, SPAN_INIT("Host: a\nTransfer-Encoding: identity"), REFUSED_FRAMING,
          "not chunked" },
        { "POST", 11, SPAN_INIT("Host: a\nTransfer-Encoding: xchunked"), REFUSED_FRAMING,
          "not chunked" },
        { "POST", 11, SPAN_INIT("Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked"),
          REFUSED_HEADER, "transfer-encoding: given more" },
        /* others */
        { "GET", 11, SPAN_INIT("Host: a\nAuthorization: Basic x\nauthorization: Basic y"),
          REFUSED_HEADER, "authorization: given more" },
        { "GET", 11, SPAN_INIT("Host: a\nCookie: a=b\nCookie: c=d"), REFUSED_HEADER,
          "cookie: given more" },
        { "GET", 11, SPAN_INIT("Host: a\nUpgrade: h2c"), REFUSED_HEADER, "upgrade" },
        { "GET", 11, SPAN_INIT("Host: a\nExpect: 100-continue, x"), REFUSED_HEADER, "expect" },
        { "GET", 20, SPAN_INIT("host: a\nconnection: close"), REFUSED_HEADER,
          "connection: not of this version" },
        { "GET", 20, SPAN_INIT("host: a\nkeep-alive: 5"), REFUSED_HEADER,
          "keep-alive: not of this version" },
        { "GET", 20, SPAN_INIT("host: a\nproxy-connection: close"), REFUSED_HEADER,
          "proxy-connection: not of this version" },
        { "GET", 20, SPAN_INIT("host: a\nte: deflate"), REFUSED_HEADER, "te: not of" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Encoding: gzip"), REFUSED_ENCODING,
          "content-encoding" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: json"), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: "), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/"), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b, c/d"), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b;"), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b; charset"), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b; x=\"y"), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b; x=\"\\\"\""), REFUSED_HEADER,
          "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b; charset=a; charset=utf-8"),
          REFUSED_HEADER, "content-type: no media" },
        { "POST", 11, SPAN_INIT("Host: a\nContent-Type: a/b\nContent-Type: a/b"), REFUSED_HEADER,
          "content-type: given more" },
};

static void requests_are_refused(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
                struct sent s;
                int rc = send(&s, refused[i].method, refused[i].version, refused[i].lines);

                if (rc != -EACCES || s.r.reason != refused[i].reason ||
                    !strstr(s.r.text, refused[i].why))
                        fail_msg("%.*s: %d, %d \"%s\", not %d \"%s\"", (int)refused[i].lines.n,
                                 (const char *)refused[i].lines.p, rc, (int)s.r.reason, s.r.text,
                                 (int)refused[i].reason, refused[i].why);
                arena_done(&s.arena);
        }
}

/* It may be anybody's own text, and entries show it to everybody. */
/* Wherever it stands: bytes are looked at eight at a time. */
static void each_byte_of_a_value_is_judged(void **state)
{
        enum { VALUE = 19 };
        uint8_t value[VALUE];
        const struct http_header headers[] = { { SPAN("Host"), SPAN("a") },
                                               { SPAN("X"), span_of(value, VALUE) } };

        for (size_t at = 1; at + 1 < VALUE; at++)
                for (unsigned byte = 0; byte < 256; byte++) {
                        struct request_raw raw = { .method = SPAN("GET"),
                                                   .target = SPAN("/a"),
                                                   .version = 11,
                                                   .headers = headers,
                                                   .n_headers = ARRAY_LEN(headers) };
                        struct arena arena = ARENA_INIT(1 << 20);
                        struct refusal r;
                        struct request q;
                        bool control = byte < 0x20 || byte == 0x7f;

                        memset(value, at % 2 ? 0x80 : 'b', VALUE);
                        value[at] = (uint8_t)byte;
                        assert_int_equal(request_read(&raw, &arena, &q, &r), control ? -EACCES : 0);
                        arena_done(&arena);
                }
}

static void addresses_are_spelled(void **state)
{
        static const struct {
                struct cedar_ip address;
                const char *text;
        } table[] = {
                { { .address = { 0, 0, 0, 0 } }, "0.0.0.0" },
                { { .address = { 10, 1, 2, 3 } }, "10.1.2.3" },
                { { .address = { 255, 255, 255, 255 } }, "255.255.255.255" },
                { { .address = { 192, 0, 2, 100 } }, "192.0.2.100" },
                { { .address = { 0x20, 0x01, 0x0d, 0xb8, [15] = 7 }, .v6 = true }, "2001:db8::7" },
                { { .address = { [15] = 1 }, .v6 = true }, "::1" },
        };
        char text[REQUEST_ADDRESS_MAX + 1];

        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                request_address_text(&table[i].address, text);
                assert_string_equal(text, table[i].text);
        }
}

static void names_of_headers_are_not_told(void **state)
{
        struct sent s;

        assert_int_equal(send(&s, "GET", 11, SPAN("Host: a\nAda-Abel: b\tc")), -EACCES);
        assert_string_equal(s.r.text, "a header whose value is none");
        arena_done(&s.arena);
}

static void words_of_lists_are_found(void **state)
{
        static const struct {
                const char *list;
                bool close;
        } table[] = {
                { "close", true },    { "CLOSE", true },       { "keep-alive, Close", true },
                { " close ", true },  { ",\tclose\t,", true }, { "close=5, x", true },
                { "closed", false },  { "x-close", false },    { "close-x", false },
                { "a close", false }, { "a=close", false },    { "clos", false },
                { ",, ,", false },    { "", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(table); i++)
                if (http_has_word(span_str(table[i].list), "close") != table[i].close)
                        fail_msg("\"%s\"", table[i].list);
}

static void targets_are_looked_at(void **state)
{
        struct sent s;

        assert_int_equal(send(&s, "GET", 11, SPAN("Host: a")), 0);
        s.raw.target = SPAN("/a/../b");
        assert_int_equal(request_read(&s.raw, &s.arena, &s.q, &s.r), -EACCES);
        assert_int_equal(s.r.reason, REFUSED_TARGET);
        arena_done(&s.arena);
}

static void there_are_ceilings(void **state)
{
        static const struct {
                uint32_t n;
                size_t bytes; /* of all of their values */
                bool fits;
        } table[] = {
                { REQUEST_HEADERS_MAX, 0, true },
                { REQUEST_HEADERS_MAX + 1, 0, false },
                { 1, REQUEST_HEADERS_BYTES_MAX - 6, true }, /* "host", "a", "x" */
                { 1, REQUEST_HEADERS_BYTES_MAX - 5, false },
        };
        char *value = calloc(1, REQUEST_HEADERS_BYTES_MAX);

        assert_non_null(value);
        memset(value, 'v', REQUEST_HEADERS_BYTES_MAX);
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct sent s;

                assert_int_equal(send(&s, "GET", 11, SPAN("Host: a")), 0);
                for (uint32_t k = s.raw.n_headers; k < MAX_OF(table[i].n, 2u); k++)
                        s.headers[s.raw.n_headers++] =
                                (struct http_header){ SPAN("x"),
                                                      span_of(value, k == 1 ? table[i].bytes : 0) };
                assert_int_equal(request_read(&s.raw, &s.arena, &s.q, &s.r),
                                 table[i].fits ? 0 : -EACCES);
                assert_int_equal(s.r.reason, table[i].fits ? REFUSED_NOT : REFUSED_HEADER);
                arena_done(&s.arena);
        }
        free(value);
}

static void no_memory_is_told(void **state)
{
        struct sent s;
        size_t nth;
        int rc = -ENOMEM;

        for (nth = 1; rc == -ENOMEM; nth++) {
                alloc_fail_nth = nth;
                rc = send(&s, "GET", 11, SPAN("Host: a\nContent-Type: A/b"));
                alloc_fail_nth = 0;
                arena_done(&s.arena);
        }
        assert_int_equal(rc, 0);
        assert_true(nth > 2);
        for (size_t max = 0; rc == 0 && max < 4096; max += 16) {
                int got;

                assert_int_equal(send(&s, "GET", 11, SPAN("Host: a\nContent-Type: A/b")), 0);
                arena_done(&s.arena);
                s.arena = ARENA_INIT(max);
                got = request_read(&s.raw, &s.arena, &s.q, &s.r);
                assert_true(got == 0 || got == -ENOMEM);
                assert_int_equal(got == -ENOMEM, s.arena.full);
                arena_done(&s.arena);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(requests_are_read),
                cmocka_unit_test(an_open_stream_has_a_body),
                cmocka_unit_test(headers_are_found_by_name),
                cmocka_unit_test(requests_are_refused),
                cmocka_unit_test(each_byte_of_a_value_is_judged),
                cmocka_unit_test(addresses_are_spelled),
                cmocka_unit_test(names_of_headers_are_not_told),
                cmocka_unit_test(words_of_lists_are_found),
                cmocka_unit_test(targets_are_looked_at),
                cmocka_unit_test(there_are_ceilings),
                cmocka_unit_test(no_memory_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
