/* SPDX-License-Identifier: Apache-2.0 */
#include "answer_world.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "../../alloc_fail.h"

/* Python's hmac and base64: of class b. */
#define HASH_OF_42 "2jlrlvr2v3xnfzem"
#define HASH_OF_4  "axyqrywmopwss6fx"

#define JSON "Content-Type: application/json"

struct row {
        uint16_t status;
        const char *headers; /* parted by | */
        struct span body;
        enum refusal_reason reason;
        const char *want;         /* the body, or why it is refused */
        const char *want_headers; /* NULL: "content-type: application/json" */
        bool head;
};

static void put_headers(const struct answer *a, struct buf *out)
{
        for (uint32_t i = 0; i < a->n_headers; i++) {
                buf_put_str(out, i ? "|" : "");
                buf_put(out, a->headers[i].name);
                buf_put_str(out, ": ");
                buf_put(out, a->headers[i].value);
        }
}

static void check_good(const struct row *r, size_t i, const struct answer *a)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 16);
        const char *headers = r->want_headers ? r->want_headers : "content-type: application/json";

        if (!span_eq_str(a->body, r->want))
                fail_msg("%zu: %.*s", i, (int)a->body.n, (const char *)a->body.p);
        put_headers(a, &text);
        if (strcmp(buf_cstr(&text), headers) != 0)
                fail_msg("%zu: %s", i, buf_cstr(&text));
        assert_int_equal(a->status, r->status);
}

static void check(struct answer_world *w, const struct row *r, size_t i)
{
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct http_header headers[ANSWER_WORLD_HEADERS];
        struct answer_raw raw = {
                .status = r->status, .headers = headers, .body = r->body, .head = r->head
        };
        struct refusal refusal = { 0 };
        struct answer a;
        int rc;

        raw.n_headers = answer_world_headers(r->headers, headers);
        rc = answer_world_check(w, &raw, &arena, &a, &refusal);
        if (refusal.reason != r->reason)
                fail_msg("%zu: %s", i, refusal.text);
        assert_int_equal(rc, r->reason ? -EACCES : 0);
        if (r->reason && strcmp(refusal.text, r->want) != 0)
                fail_msg("%zu: %s", i, refusal.text);
        if (!r->reason)
                check_good(r, i, &a);
}

static void check_all(const struct row *t, size_t n, enum mask_answer a, enum mask_answer b)
{
        struct answer_world w;

        answer_world_init(&w);
        for (size_t i = 0; i < n; i++) {
                w.says[0] = a;
                w.says[1] = b;
                check(&w, &t[i], i);
        }
        answer_world_done(&w);
}

/* The unsafe name is what is refused; the value never stands in a text. */
#define BODY(s)            .body = SPAN_INIT(s)
#define EMPTY              BODY("{\"accounts\":[]}")
#define OTHER              "content-type: application/problem+json"
#define REFUSED(why, text) .reason = REFUSED_RESPONSE_##why, .want = (text)

static void what_is_passed_on(void **state)
{
        static const struct row t[] = {
                { 200, JSON, EMPTY, .want = "{\"accounts\":[]}" },
                { 200, JSON, BODY(" {\"accounts\" : [ ] }\r\n"), .want = "{\"accounts\":[]}" },
                { 200, "content-TYPE: Application/JSON; Charset=\"UTF-8\"", EMPTY,
                  .want = "{\"accounts\":[]}" },
                { 200, JSON, BODY("{\"next\":\"\\u00e9\\/\",\"accounts\":[]}"),
                  .want = "{\"accounts\":[],\"next\":\"\xc3\xa9/\"}" },
                { 200, JSON "|Content-Encoding: Identity|Content-Length: 15", EMPTY,
                  .want = "{\"accounts\":[]}" },
                { 200, JSON "|Transfer-Encoding: Chunked", EMPTY, .want = "{\"accounts\":[]}" },
                /* of headers only those of the document */
                { 200, JSON "|Server: x/1|Set-Cookie: a=b|X-Count: 3", EMPTY,
                  .want = "{\"accounts\":[]}",
                  .want_headers = "content-type: application/json|x-count: 3" },
                { 200, JSON "|Server: \xe9\ta|Location: http://evil/", EMPTY,
                  .want = "{\"accounts\":[]}" },
                /* another media type, which is passed on as it is */
                { 200, "Content-Type: text/csv; charset=iso-8859-1", BODY("a;\xe9\r\n\0b"),
                  .want = "a;\xe9\r\n",
                  .want_headers = "content-type: text/csv; charset=iso-8859-1" },
                { 404, "Content-Type: application/problem+json", BODY("{\"status\":404}"),
                  .want = "{\"status\":404}", .want_headers = OTHER },
                { 201, JSON "|X-Count: -1", BODY("[1e400,-0]"), .want = "[1e400,0]",
                  .want_headers = "content-type: application/json|x-count: -1" },
                { 204, "", BODY(""), .want = "", .want_headers = "" },
                { 204, JSON, BODY(""), .want = "", .want_headers = "" },
                { 302, "Location: /elsewhere", BODY(""), .want = "",
                  .want_headers = "location: /elsewhere" },
                { 200, JSON "|Content-Length: 4711", BODY(""), .want = "", .head = true },
                { 200, "", BODY(""), .want = "", .want_headers = "", .head = true },
        };
        struct row csv = t[8];

        csv.body.n = sizeof "a;\xe9\r\n" - 1;
        check_all(t, 8, MASK_CLEAR, MASK_CLEAR);
        check_all(&csv, 1, MASK_CLEAR, MASK_CLEAR);
        check_all(t + 9, ARRAY_LEN(t) - 9, MASK_CLEAR, MASK_CLEAR);
}

static void statuses(void **state)
{
        static const struct row t[] = {
                { 0, JSON, EMPTY, REFUSED(STATUS, "status 0 is not in the document") },
                { 2, JSON, EMPTY, REFUSED(STATUS, "status 2 is not in the document") },
                { 99, JSON, EMPTY, REFUSED(STATUS, "status 99 is not in the document") },
                { 100, JSON, EMPTY, REFUSED(STATUS, "status 100 is not in the document") },
                { 101, JSON, EMPTY, REFUSED(STATUS, "status 101 is not in the document") },
                { 103, "", BODY(""), REFUSED(STATUS, "status 103 is not in the document") },
                { 206, JSON "|X-Count: 1", EMPTY,
                  REFUSED(STATUS, "status 206 is not in the document") },
                { 301, "Location: http://evil/", BODY(""),
                  REFUSED(STATUS, "status 301 is not in the document") },
                { 304, "", BODY(""), REFUSED(STATUS, "status 304 is not in the document") },
                { 308, "Content-Type: application/problem+json", BODY("{}"),
                  REFUSED(STATUS, "status 308 is not in the document") },
                { 600, "Content-Type: application/problem+json", BODY("{}"),
                  REFUSED(STATUS, "status 600 is not in the document") },
                { 999, "Content-Type: application/problem+json", BODY("{}"),
                  REFUSED(STATUS, "status 999 is not in the document") },
                { 65535, "", BODY(""), REFUSED(STATUS, "status 65535 is not in the document") },
        };

        check_all(t, ARRAY_LEN(t), MASK_CLEAR, MASK_CLEAR);
}

static void media_and_encodings(void **state)
{
        static const struct row t[] = {
                { 200, "", EMPTY, REFUSED(MEDIA, "no content-type") },
                { 200, "Content-Type: text/html", EMPTY,
                  REFUSED(MEDIA, "text/html is not in the document") },
                { 200, "Content-Type: application/json+x", EMPTY,
                  REFUSED(MEDIA, "application/json+x is not in the document") },
                { 200, "Content-Type: application/problem+json", EMPTY,
                  REFUSED(MEDIA, "application/problem+json is not in the document") },
                { 200, "Content-Type: application/json, text/csv", EMPTY,
                  REFUSED(MEDIA, "content-type: no media type") },
                { 200, "Content-Type: application", EMPTY,
                  REFUSED(MEDIA, "content-type: no media type") },
                { 200, "Content-Type: ", EMPTY, REFUSED(MEDIA, "content-type: no media type") },
                { 200, "Content-Type: application/json; charset=utf-8; charset=utf-7", EMPTY,
                  REFUSED(MEDIA, "content-type: no media type") },
                { 200, "Content-Type: application/json; charset=utf-7", EMPTY,
                  REFUSED(MEDIA, "JSON that is not in UTF-8") },
                { 200, "Content-Type: application/json; charset=UTF-16", EMPTY,
                  REFUSED(MEDIA, "JSON that is not in UTF-8") },
                { 200, "Content-Type: application/json; charset=\"utf-8 \"", EMPTY,
                  REFUSED(MEDIA, "JSON that is not in UTF-8") },
                { 200, "Content-Type: application/json; charset=", EMPTY,
                  REFUSED(MEDIA, "content-type: no media type") },
                { 200, JSON "|Content-Encoding: gzip", BODY("\x1f\x8b\x08"),
                  REFUSED(ENCODING, "a content-encoding other than identity") },
                { 200, JSON "|Content-Encoding: identity, gzip", EMPTY,
                  REFUSED(ENCODING, "a content-encoding other than identity") },
                { 200, JSON "|Content-Encoding: ", EMPTY,
                  REFUSED(ENCODING, "a content-encoding other than identity") },
                { 200, JSON "|Transfer-Encoding: gzip, chunked", EMPTY,
                  REFUSED(ENCODING, "a transfer-encoding other than chunked") },
                { 204, "", BODY("x"), REFUSED(MEDIA, "a body where there is none") },
                { 302, "Location: /a", BODY("x"), REFUSED(MEDIA, "a body where there is none") },
                { 200, JSON, EMPTY, REFUSED(MEDIA, "a body where there is none"), .head = true },
                { 200, "Content-Type: text/html", BODY(""),
                  REFUSED(MEDIA, "text/html is not in the document"), .head = true },
        };

        check_all(t, ARRAY_LEN(t), MASK_CLEAR, MASK_CLEAR);
}

static void headers(void **state)
{
        static const struct row t[] = {
                { 200, JSON "|" JSON, EMPTY, REFUSED(HEADER, "content-type twice") },
                { 200, JSON "|Content-Encoding: identity|content-encoding: identity", EMPTY,
                  REFUSED(HEADER, "content-encoding twice") },
                { 200, JSON "|Content-Length: 15|content-length: 15", EMPTY,
                  REFUSED(HEADER, "content-length twice") },
                { 200, JSON "|Content-Length: 16", EMPTY,
                  REFUSED(HEADER, "content-length: the body has another length") },
                { 200, JSON "|Content-Length: 15, 15", EMPTY,
                  REFUSED(HEADER, "content-length: no number") },
                { 200, JSON "|Content-Length: +15", EMPTY,
                  REFUSED(HEADER, "content-length: no number") },
                { 200, JSON "|Content-Length: 18446744073709551631", EMPTY,
                  REFUSED(HEADER, "content-length: no number") },
                { 200, JSON "|Content-Length: 15|Transfer-Encoding: chunked", EMPTY,
                  REFUSED(HEADER, "content-length beside transfer-encoding") },
                { 200, JSON "|X-Other: a\r\nSet-Cookie: b", EMPTY,
                  REFUSED(HEADER, "a header that is none") },
                { 200, JSON "|X-Other: a\nb", EMPTY, REFUSED(HEADER, "a header that is none") },
                { 200, JSON "|X-Other: a\x7f", EMPTY, REFUSED(HEADER, "a header that is none") },
                { 200, JSON "|X Other: a", EMPTY, REFUSED(HEADER, "a header that is none") },
                { 200, JSON "|: a", EMPTY, REFUSED(HEADER, "a header that is none") },
                { 200, JSON "|X-\xc3\xa9: a", EMPTY, REFUSED(HEADER, "a header that is none") },
                { 200, JSON "|X-Count: 1|x-count: 1", EMPTY, REFUSED(HEADER, "x-count twice") },
                { 200, JSON "|X-Count: secret", EMPTY,
                  REFUSED(HEADER, "x-count: header.x-count: no integer") },
                { 200, JSON "|X-Count: 1.5", EMPTY,
                  REFUSED(HEADER, "x-count: header.x-count: no integer") },
                { 200, JSON "|X-Owner: \xff", EMPTY,
                  REFUSED(HEADER, "x-owner: header.x-owner: no UTF-8") },
                { 201, JSON, BODY("{}"), REFUSED(HEADER, "x-count is missing") },
                { 302, "", BODY(""), REFUSED(HEADER, "location is missing") },
        };

        check_all(t, ARRAY_LEN(t), MASK_CLEAR, MASK_CLEAR);
}

static void bodies(void **state)
{
        static const struct row t[] = {
                { 200, JSON, BODY(""), REFUSED(JSON, "line 1, column 1: no value begins here") },
                { 200, JSON, .body = { NULL, 0 },
                  REFUSED(JSON, "line 1, column 1: no value begins here") },
                { 200, JSON, BODY("\xef\xbb\xbf{\"accounts\":[]}"),
                  REFUSED(JSON, "line 1, column 1: no value begins here") },
                { 200, JSON, BODY("{\0\"\0a\0\"\0"),
                  REFUSED(JSON, "line 1, column 2: a key in quotes is wanted") },
                { 200, JSON, BODY("\xff\xfe{\0}\0"), REFUSED(JSON, "line 1, column 1: not UTF-8") },
                { 200, JSON, BODY("{\"accounts\":[]}{}"),
                  REFUSED(JSON, "line 1, column 16: something stands behind the value") },
                { 200, JSON, BODY("{\"accounts\":[]}\0"),
                  REFUSED(JSON, "line 1, column 16: something stands behind the value") },
                { 200, JSON, BODY("{\"accounts\":[],\"accounts\":[]}"),
                  REFUSED(JSON, "line 1, column 1: this object has a key twice") },
                { 200, JSON, BODY("{\"accounts\":[],\"\\u0061ccounts\":[]}"),
                  REFUSED(JSON, "line 1, column 1: this object has a key twice") },
                { 200, JSON, BODY("{\"accounts\":[],}"),
                  REFUSED(JSON, "line 1, column 16: a key in quotes is wanted") },
                { 200, JSON, BODY("{\"accounts\":[]"),
                  REFUSED(JSON, "line 1, column 15: `,` or `}` is wanted") },
                { 200, JSON, BODY("{\"accounts\":[],\"next\":\"\\ud800\"}"),
                  REFUSED(JSON, "line 1, column 24: half of a surrogate pair") },
                { 200, JSON, BODY("{\"accounts\":[],\"next\":\"\xed\xa0\x80\"}"),
                  REFUSED(JSON, "line 1, column 24: not UTF-8") },
                { 200, JSON, BODY("{\"accounts\":[],\"next\":\"a\nb\"}"),
                  REFUSED(JSON, "line 1, column 25: a control character in a string") },
                { 200, JSON, BODY("{\"accounts\":[[[[[[[[]]]]]]]]}"),
                  REFUSED(JSON, "line 1, column 20: nested too deep") },
                { 200, JSON, BODY("NaN"), REFUSED(JSON, "line 1, column 1: no value begins here") },
                { 200, JSON, BODY("{\"a\":01}"),
                  REFUSED(JSON, "line 1, column 6: a number begins with a zero too many") },
                { 200, JSON,
                  BODY("[1111111111111111111111111111111111111111111111111111111111111111e1]"),
                  REFUSED(JSON, "line 1, column 2: a number that is too long") },
                { 200, JSON, BODY("<html>secret</html>"),
                  REFUSED(JSON, "line 1, column 1: no value begins here") },
                { 200, JSON, BODY("// secret\n{}"),
                  REFUSED(JSON, "line 1, column 1: no value begins here") },
                { 200, JSON, BODY("[]"),
                  REFUSED(SCHEMA, "body: an object is wanted, not an array") },
                { 200, JSON, BODY("null"), REFUSED(SCHEMA, "body: an object is wanted, not null") },
                { 200, JSON, BODY("{}"), REFUSED(SCHEMA, "body.accounts: is missing") },
                { 200, JSON, BODY("{\"accounts\":[{\"id\":\"secret\",\"iban\":4711}]}"),
                  REFUSED(SCHEMA, "body.accounts[0].iban: a string is wanted, not a number") },
                { 404, "Content-Type: application/problem+json", BODY("[]"),
                  REFUSED(SCHEMA, "body: an object is wanted, not an array") },
        };

        check_all(t, ARRAY_LEN(t), MASK_CLEAR, MASK_CLEAR);
}

/* The first is as long as it may be. */
static void a_body_above_the_cap(void **state)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 16);
        struct answer_world w;
        struct row r = { 200, JSON, .want = "more than 2000 bytes" };

        answer_world_init(&w);
        buf_put_str(&body, "{\"accounts\":[]}");
        while (body.n < w.p.config.response_max)
                buf_put_byte(&body, ' ');
        r.body = buf_span(&body);
        r.want = "{\"accounts\":[]}";
        check(&w, &r, 0);
        buf_put_byte(&body, ' ');
        r = (struct row){ 200, JSON, .body = buf_span(&body),
                          REFUSED(SIZE, "more than 2000 bytes") };
        check(&w, &r, 1);
        answer_world_done(&w);
}

static void too_many_headers(void **state)
{
        static struct http_header many[ANSWER_HEADERS_MAX + 1];
        static uint8_t long_value[ANSWER_HEADERS_BYTES_MAX];
        CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
        struct answer_raw raw = { .status = 204, .headers = many };
        struct refusal refusal = { 0 };
        struct answer_world w;
        struct answer a;

        answer_world_init(&w);
        for (size_t i = 0; i < ARRAY_LEN(many); i++)
                many[i] = (struct http_header){ SPAN("x"), SPAN("y") };
        raw.n_headers = ANSWER_HEADERS_MAX;
        assert_int_equal(answer_world_check(&w, &raw, &arena, &a, &refusal), 0);
        raw.n_headers++;
        assert_int_equal(answer_world_check(&w, &raw, &arena, &a, &refusal), -EACCES);
        assert_string_equal(refusal.text, "more than 200 headers");
        memset(long_value, 'a', sizeof long_value);
        many[0].value = span_of(long_value, sizeof long_value);
        raw.n_headers = 1;
        assert_int_equal(answer_world_check(&w, &raw, &arena, &a, &refusal), -EACCES);
        assert_string_equal(refusal.text, "more than 65536 bytes of headers");
        many[0].value.n--;
        assert_int_equal(answer_world_check(&w, &raw, &arena, &a, &refusal), 0);
        answer_world_done(&w);
}

/* ---- masks ---- */

#define ANN "{\"accounts\":[{\"iban\":\"DE89370400440532013000\",\"id\":\"1\",\"zip\":42}]}"

static void masked_for_who_asks(void **state)
{
        static const struct row clear[] = {
                { 200, JSON, BODY(ANN), .want = ANN },
                { 200, JSON "|X-Owner: Ann Lee|X-Owners: Ann, Bob", EMPTY,
                  .want = "{\"accounts\":[]}",
                  .want_headers = "content-type: application/json|x-owner: Ann Lee|x-owners: Ann, "
                                  "Bob" },
        };
        static const struct row masked[] = {
                { 200, JSON, BODY(ANN),
                  .want = "{\"accounts\":[{\"iban\":\"******************3000\",\"id\":\"1\","
                          "\"zip\":\"" HASH_OF_42 "\"}]}" },
                { 200, JSON "|X-Owner: Ann Lee|X-Owners: Ann Lee, Bob", EMPTY,
                  .want = "{\"accounts\":[]}",
                  .want_headers = "content-type: application/json|x-owner: *****ee|x-owners: "
                                  "*****ee, ***" },
        };
        static const struct row withheld[] = {
                { 200, JSON, BODY(ANN), .want = "{\"accounts\":[{\"id\":\"1\"}]}" },
                { 200, JSON "|X-Owner: Ann Lee|X-Owners: Ann, Bob", EMPTY,
                  .want = "{\"accounts\":[]}",
                  .want_headers = "content-type: application/json|x-owners: " },
        };

        check_all(clear, ARRAY_LEN(clear), MASK_CLEAR, MASK_CLEAR);
        check_all(masked, ARRAY_LEN(masked), MASK_MASKED, MASK_MASKED);
        check_all(withheld, ARRAY_LEN(withheld), MASK_WITHHELD, MASK_WITHHELD);
}

/* Hashes in place of digits are what grows most. */
static void masks_that_make_it_longer(void **state)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 16), want = BUF_INIT(1 << 16);
        struct answer_world w;
        struct row r = { 200, JSON, .body = SPAN_INIT("") };

        answer_world_init(&w);
        buf_put_str(&body, "{\"accounts\":[");
        buf_put_str(&want, "{\"accounts\":[");
        for (unsigned i = 0; i < 100; i++) {
                buf_printf(&body, "%s{\"id\":\"\",\"zip\":4}", i ? "," : "");
                buf_printf(&want, "%s{\"id\":\"\",\"zip\":\"%s\"}", i ? "," : "", HASH_OF_4);
        }
        buf_put_str(&body, "]}");
        buf_put_str(&want, "]}");
        r.body = buf_span(&body);
        r.want = buf_cstr(&want);
        w.says[1] = MASK_MASKED;
        check(&w, &r, 0);
        assert_int_equal(w.asked[1], 1);
        assert_int_equal(w.asked[0], 0);
        answer_world_done(&w);
}

/* ---- what is told of it ---- */

struct told {
        struct answer_world w;
        struct arena arena;
        struct http_header headers[ANSWER_WORLD_HEADERS];
        struct answer a;
};

static void tell(struct told *t, const char *lines, struct span body)
{
        struct answer_raw raw = { .status = 200, .headers = t->headers, .body = body };
        struct refusal refusal = { 0 };

        answer_world_init(&t->w);
        t->arena = ARENA_INIT(1 << 20);
        raw.n_headers = answer_world_headers(lines, t->headers);
        if (answer_world_check(&t->w, &raw, &t->arena, &t->a, &refusal) < 0)
                fail_msg("%s", refusal.text);
}

static void told_done(struct told *t)
{
        arena_done(&t->arena);
        answer_world_done(&t->w);
}

static void classes_are_counted_and_answered(void **state)
{
        struct told t;

        tell(&t, JSON "|X-Owner: Ann", SPAN(ANN));
        assert_int_equal(t.a.answers.n, 2);
        assert_int_equal(t.a.answers.of[0], MASK_CLEAR);
        assert_int_equal(t.a.found.counts[0], 2);
        assert_int_equal(t.a.found.counts[1], 1);
        assert_int_equal(t.w.asked[0], 1);
        assert_int_equal(t.a.found.n_values, 2);
        assert_int_equal(t.a.found.values[0].class, 0);
        assert_true(span_eq_str(t.a.found.values[0].value->text, "DE89370400440532013000"));
        told_done(&t);
}

static void bytes_are_shared_where_they_can_be(void **state)
{
        static const struct {
                struct span body;
                bool shared;
        } t[] = {
                { SPAN_INIT(ANN), true },
                { SPAN_INIT(
                          "{\"accounts\":[{\"balance\":-1.50e3,\"id\":\"\",\"note\":\"\xc3\xa9\"},"
                          "{\"id\":\"x\",\"zip\":[true,false,null,-12,{}]}]}"),
                  true },
                { SPAN_INIT("{\"accounts\":[ ]}"), false },
                { SPAN_INIT("{\"accounts\":[]} "), false },
                { SPAN_INIT("{\"accounts\":[],\"next\":\"\\/\"}"), false },
                { SPAN_INIT("{\"accounts\":[],\"next\":\"\\u0000\"}"), false },
                { SPAN_INIT("{\"accounts\":[{\"id\":\"\",\"zip\":-0}]}"), false },
                { SPAN_INIT("{\"next\":\"\",\"accounts\":[]}"), false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct told x;
                struct tree a, b;
                CLEANUP(buf_done) struct buf want = BUF_INIT(1 << 12);

                tell(&x, JSON, t[i].body);
                if ((x.a.body.p == t[i].body.p) != t[i].shared)
                        fail_msg("%zu: %.*s", i, (int)x.a.body.n, (const char *)x.a.body.p);
                assert_int_equal(tree_read_real(t[i].body, 64, &x.arena, &a, NULL), 0);
                tree_print(&a, &want);
                assert_true(span_eq(buf_span(&want), x.a.body));
                assert_int_equal(tree_read_real(x.a.body, 64, &x.arena, &b, NULL), 0);
                told_done(&x);
        }
}

struct want_finding {
        enum find_kind kind;
        const char *place;
        uint32_t n;
};

static void check_findings(const char *headers, struct span body, const struct want_finding *want,
                           size_t n)
{
        struct told t;

        tell(&t, headers, body);
        assert_false(t.a.findings_lost);
        for (size_t i = 0; i < t.a.n_findings; i++)
                if (i >= n || t.a.findings[i].kind != want[i].kind ||
                    !span_eq_str(t.a.findings[i].place, want[i].place) ||
                    t.a.findings[i].n != want[i].n)
                        fail_msg("%zu: %s at %.*s, %u times", i,
                                 find_kind_name(t.a.findings[i].kind), (int)t.a.findings[i].place.n,
                                 (const char *)t.a.findings[i].place.p, t.a.findings[i].n);
        assert_int_equal(t.a.n_findings, n);
        told_done(&t);
}

static void values_that_look_personal(void **state)
{
        static const struct want_finding body[] = {
                { FIND_CARD, "/accounts/*/note", 2 },
                { FIND_EMAIL, "/next", 1 },
        };
        static const struct want_finding other[] = {
                { FIND_EMAIL, "/*", 1 },
                { FIND_SSN, "/*/*", 1 },
                { FIND_CARD, "/*/id", 1 },
        };
        static const struct want_finding weak[] = { { FIND_NATIONAL_ID, "/accounts/*/note", 3 } };

        /* an IBAN in a place of class a is no finding */
        check_findings(JSON,
                       SPAN("{\"accounts\":[{\"iban\":\"DE89370400440532013000\",\"id\":\"\","
                            "\"note\":\"4111 1111 1111 1111\"},{\"id\":\"\","
                            "\"note\":\"5555555555554444\"}],\"next\":\"ann@example.org\"}"),
                       body, ARRAY_LEN(body));
        /* names that the document does not have may be values */
        check_findings(JSON,
                       SPAN("{\"accounts\":[],\"x\":{\"id\":4111111111111111},"
                            "\"ann@example.org\":{\"y\":\"123-45-6789\"}}"),
                       other, ARRAY_LEN(other));
        /* weak ones: three of three, three of four, two of two */
        check_findings(JSON,
                       SPAN("{\"accounts\":[{\"id\":\"\",\"note\":\"111222333\"},"
                            "{\"id\":\"\",\"note\":\"123456782\"},"
                            "{\"id\":\"\",\"note\":\"111222333\"}]}"),
                       weak, 1);
        check_findings(
                JSON,
                SPAN("{\"accounts\":[{\"id\":\"\",\"note\":\"111222333\"},"
                     "{\"id\":\"\",\"note\":\"123456782\"},{\"id\":\"\",\"note\":\"123456783\"},"
                     "{\"id\":\"\",\"note\":\"111222333\"}]}"),
                NULL, 0);
        check_findings(JSON,
                       SPAN("{\"accounts\":[{\"id\":\"\",\"note\":\"111222333\"},"
                            "{\"id\":\"\",\"note\":\"123456782\"}]}"),
                       NULL, 0);
}

/* Each level of a list is a place of its own, and each known name. */
static void too_many_places(void **state)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 16);
        struct told t;

        buf_put_str(&body, "{\"accounts\":[],\"x\":");
        for (unsigned i = 0; i < 6; i++)
                buf_put_str(&body, "[{\"balance\":\"a@b.cd\",\"iban\":\"a@b.cd\","
                                   "\"id\":\"a@b.cd\",\"next\":\"a@b.cd\","
                                   "\"note\":\"a@b.cd\",\"zip\":\"a@b.cd\"},");
        buf_put_str(&body, "0]]]]]]}");
        tell(&t, JSON, buf_span(&body));
        assert_int_equal(t.a.n_findings, ANSWER_FINDINGS_MAX);
        assert_true(t.a.findings_lost);
        told_done(&t);
}

/* ---- memory ---- */

static void memory_that_runs_out(void **state)
{
        struct http_header headers[ANSWER_WORLD_HEADERS];
        struct answer_raw raw = { .status = 200, .headers = headers, .body = SPAN_INIT(ANN) };
        struct answer_world w;
        size_t nth;

        answer_world_init(&w);
        w.says[0] = w.says[1] = MASK_MASKED;
        raw.n_headers = answer_world_headers(JSON "|X-Owners: Ann Lee, Bob", headers);
        for (nth = 1;; nth++) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(1 << 20);
                struct refusal refusal = { 0 };
                struct answer a;
                int rc;

                alloc_fail_nth = nth;
                rc = answer_world_check(&w, &raw, &arena, &a, &refusal);
                alloc_fail_nth = 0;
                if (rc == 0)
                        break;
                assert_int_equal(rc, -ENOMEM);
                assert_int_equal(refusal.reason, REFUSED_NOT);
        }
        assert_true(nth > 3);
        answer_world_done(&w);
}

/* A body that takes more than a call may is too large; nothing of it is shown. */
static void an_arena_that_is_full(void **state)
{
        struct http_header headers[ANSWER_WORLD_HEADERS];
        struct answer_raw raw = { .status = 200, .headers = headers, .body = SPAN_INIT(ANN) };
        struct answer_world w;
        size_t max;

        answer_world_init(&w);
        w.says[0] = w.says[1] = MASK_MASKED;
        raw.n_headers =
                answer_world_headers("Content-Type: Application/JSON|X-Owners: Ann, Bob", headers);
        for (max = 0;; max += 16) {
                CLEANUP(arena_done) struct arena arena = ARENA_INIT(max);
                struct refusal refusal = { 0 };
                struct answer a;
                int rc = answer_world_check(&w, &raw, &arena, &a, &refusal);

                if (rc == 0)
                        break;
                assert_int_equal(rc, -EACCES);
                assert_int_equal(refusal.reason, REFUSED_RESPONSE_SIZE);
                assert_string_equal(refusal.text, "takes more memory than a call may");
        }
        assert_true(max > 500);
        answer_world_done(&w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_passed_on),
                cmocka_unit_test(statuses),
                cmocka_unit_test(media_and_encodings),
                cmocka_unit_test(headers),
                cmocka_unit_test(bodies),
                cmocka_unit_test(a_body_above_the_cap),
                cmocka_unit_test(too_many_headers),
                cmocka_unit_test(masked_for_who_asks),
                cmocka_unit_test(masks_that_make_it_longer),
                cmocka_unit_test(classes_are_counted_and_answered),
                cmocka_unit_test(bytes_are_shared_where_they_can_be),
                cmocka_unit_test(values_that_look_personal),
                cmocka_unit_test(too_many_places),
                cmocka_unit_test(memory_that_runs_out),
                cmocka_unit_test(an_arena_that_is_full),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
