/* SPDX-License-Identifier: Apache-2.0 */
/* What a peer sends: which kinds it owns, what is refused and with which words, what ends it. */
#include "admit_host.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct admit_host host;

static int set_up(void **state)
{
        admit_host_new(&host);
        return 0;
}

static int tear_down(void **state)
{
        admit_host_done(&host);
        return 0;
}

struct field {
        const char *subject, *name, *value;
};

static void put_entry(struct buf *b, uint64_t seq, const char *skeleton, const struct field *f,
                      size_t n)
{
        msg_put_u64(b, seq);
        msg_put_bytes32(b, span_str(skeleton));
        msg_put_u8(b, (uint8_t)n);
        for (size_t i = 0; i < n; i++) {
                msg_put_bytes16(b, span_str(f[i].subject));
                msg_put_bytes8(b, span_str(f[i].name));
                msg_put_bytes32(b, span_str(f[i].value));
        }
}

static void put_head(struct buf *b, uint64_t acked, unsigned count)
{
        buf_clear(b);
        msg_put_u64(b, acked);
        msg_put_u16(b, (uint16_t)count);
}

static void hear_one(uint64_t seq, const char *skeleton, const struct field *f, size_t n)
{
        struct buf b = BUF_INIT(MSG_MAX);

        put_head(&b, 0, 1);
        put_entry(&b, seq, skeleton, f, n);
        admit_host_hear(&host, buf_span(&b));
        admit_host_check(&host);
        buf_done(&b);
}

static const struct answer *last_answer(void)
{
        assert_true(host.p.n_answers > 0);
        return &host.p.answer[host.p.n_answers - 1];
}

/* ---- every kind, every role ---- */

static void kinds_and_owners(void **state)
{
        char skeleton[256];

        for (size_t i = 0; i < kind_count; i++) {
                const struct kind *k = &kind_table[i];

                /* Without its required fields: the owner hears of those, all others that it is not
                 * theirs. */
                snprintf(skeleton, sizeof skeleton,
                         "{\"k\":\"%s\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":%d,"
                         "\"zzz\":1}",
                         k->name, k->v);
                for (enum role_id role = 0; role < ROLE_ADMIN; role++) {
                        bool owns = strcmp(role_of(role)->name, k->owner) == 0;

                        admit_host_meet(&host, role);
                        hear_one(1, skeleton, NULL, 0);
                        assert_int_equal(host.r.total.refused, 1);
                        if (last_answer()->code != (owns ? -EINVAL : -EACCES))
                                fail_msg("%s by %s: %s", k->name, role_of(role)->name,
                                         last_answer()->text);
                }
        }
}

/* ---- one entry of the sensor ---- */

#define WHY "\"why\":{\"state\":\"unexplained\"}"
#define CHANGE(what)                                                                               \
        "{\"k\":\"integrity.change\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,\"what\":{"  \
        "\"change\":\"modified\",\"path\":\"/etc/hosts\",\"seen\":\"live\"" what "}," WHY "}"

static void one_entry(void **state)
{
        static const struct {
                const char *skeleton;
                struct field field[2];
                size_t n;
                int code;         /* 0: taken */
                const char *says; /* of a refusal */
        } t[] = {
                { CHANGE(""), { { 0 } }, 0, 0, NULL },
                { CHANGE(""), { { "uid:1", "who.user", "\"root\"" } }, 1, 0, NULL },
                { "", { { 0 } }, 0, -EINVAL, "byte 0" },
                { "[]", { { 0 } }, 0, -EINVAL, "byte 0" },
                { "{}", { { 0 } }, 0, -EINVAL, "k is missing" },
                { "{\"a\":1.5}", { { 0 } }, 0, -EINVAL, "byte 6" },
                { "{\"a\":1,\"a\":2}", { { 0 } }, 0, -EINVAL, "byte " },
                { "{\"b\":1,\"a\":2}", { { 0 } }, 0, -EINVAL, "byte " },
                { "{\"a\":\"\xff\"}", { { 0 } }, 0, -EINVAL, "byte 6" },
                { CHANGE(",\"zzz\":1"), { { 0 } }, 0, -EINVAL, "what.zzz" },
                { CHANGE("") "x", { { 0 } }, 0, -EINVAL, "byte " },
                { "{\"k\":\"no.such\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1}",
                  { { 0 } },
                  0,
                  -EINVAL,
                  "no.such" },
                /* sensitive fields: of this kind, sealed, well formed, of somebody */
                { CHANGE(""), { { "uid:1", "what.path", "\"x\"" } }, 1, -EINVAL, "what.path" },
                { CHANGE(""), { { "uid:1", "who.zzz", "\"x\"" } }, 1, -EINVAL, "who.zzz" },
                { CHANGE(""), { { "uid:1", "who.user", "root" } }, 1, -EINVAL, "who.user: byte 0" },
                { CHANGE(""), { { "uid:1", "who.user", "" } }, 1, -EINVAL, "who.user: byte 0" },
                { CHANGE(""), { { "", "who.user", "\"x\"" } }, 1, -EINVAL, "a subject of 0 bytes" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                admit_host_meet(&host, ROLE_SENSOR);
                hear_one(1, t[i].skeleton, t[i].field, t[i].n);
                assert_int_equal(host.p.state, PEER_OPEN);
                if (t[i].code != last_answer()->code)
                        fail_msg("%s: %s", t[i].skeleton,
                                 last_answer()->text ? last_answer()->text : "taken");
                if (t[i].code && !strstr(last_answer()->text, t[i].says))
                        fail_msg("%s: %s", t[i].skeleton, last_answer()->text);
                assert_int_equal(host.r.total.appended, t[i].code == 0);
        }
}

/* A value in clear where it has to be sealed is refused, and its bytes are not repeated. */
static void in_clear(void **state)
{
        struct buf log = BUF_INIT(1 << 20);

        admit_host_meet(&host, ROLE_SENSOR);
        hear_one(
                1,
                "{\"k\":\"integrity.change\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,"
                "\"what\":{\"change\":\"modified\",\"path\":\"/x\",\"seen\":\"live\"},\"who\":{\"user\":\"ULTRAVIOLET\"}," WHY
                "}",
                NULL, 0);
        assert_int_equal(last_answer()->code, -EINVAL);
        assert_non_null(strstr(last_answer()->text, "who.user"));
        assert_null(strstr(last_answer()->text, "ULTRAVIOLET"));
        buf_put(&log, buf_span(&host.r.entry));
        assert_non_null(strstr(buf_cstr(&log), "ledger.refused"));
        assert_null(strstr(buf_cstr(&log), "ULTRAVIOLET"));
        buf_done(&log);
}

static void too_much(void **state)
{
        struct buf value = BUF_INIT(1 << 20);
        struct field f[2];

        admit_host_meet(&host, ROLE_SENSOR);
        buf_put_byte(&value, '"');
        for (int i = 0; i < 16 * 1024; i++)
                buf_put_byte(&value, 'x');
        buf_put_byte(&value, '"');
        f[0] = (struct field){ "uid:1", "who.user", buf_cstr(&value) };
        f[1] = (struct field){ "uid:1", "who.cmdline", buf_cstr(&value) };
        hear_one(1, CHANGE(""), f, 1);
        assert_int_equal(last_answer()->code, 0);
        hear_one(2, CHANGE(""), f, 2);
        assert_int_equal(last_answer()->code, -E2BIG);
        assert_non_null(strstr(last_answer()->text, "at most 32768 in all"));
        buf_done(&value);
}

/* ---- sequences ---- */

static void sequences(void **state)
{
        static const struct {
                uint64_t seq[4];
                size_t n;
                const char *ends; /* NULL: it stays */
                uint64_t last, resent;
        } t[] = {
                { { 1, 2, 3 }, 3, NULL, 3, 0 },
                { { 1, 2, 1, 2 }, 4, NULL, 2, 2 },
                { { 2 }, 1, "sequence 2 where 1 is due", 0, 0 },
                { { 1, 3 }, 2, "sequence 3 where 2 is due", 1, 0 },
                { { 0 }, 1, "sequence 0 again", 0, 0 },
                { { UINT64_MAX }, 1, "where 1 is due", 0, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct buf b = BUF_INIT(MSG_MAX);

                admit_host_meet(&host, ROLE_SENSOR);
                put_head(&b, 0, (unsigned)t[i].n);
                for (size_t k = 0; k < t[i].n; k++)
                        put_entry(&b, t[i].seq[k], CHANGE(""), NULL, 0);
                admit_host_hear(&host, buf_span(&b));
                admit_host_check(&host);
                assert_int_equal(host.p.last, t[i].last);
                assert_int_equal(host.r.total.resent, t[i].resent);
                assert_int_equal(host.p.state, t[i].ends ? PEER_CLOSING : PEER_OPEN);
                if (t[i].ends && !strstr(host.p.why, t[i].ends))
                        fail_msg("%s, not: %s", host.p.why, t[i].ends);
                buf_done(&b);
        }
}

/* The same words for the same bytes. */
static void again_refused(void **state)
{
        char *first;

        admit_host_meet(&host, ROLE_SENSOR);
        hear_one(1, "{}", NULL, 0);
        first = strdup(last_answer()->text);
        hear_one(1, "{}", NULL, 0);
        assert_int_equal(host.r.total.resent, 1);
        assert_string_equal(last_answer()->text, first);
        assert_int_equal(host.p.last, 1);
        free(first);
}

static void malformed(void **state)
{
        static const struct {
                struct span payload;
                const char *says;
        } t[] = {
                { SPAN_INIT(""), "malformed message" },
                { SPAN_INIT("\0\0\0\0\0\0\0\0\1\0"), "malformed message" },
                { SPAN_INIT("\0\0\0\0\0\0\0\0\0\0x"), "1 bytes behind" },
                { SPAN_INIT("\0\0\0\0\0\0\0\0\1\0\1\0\0\0\0\0\0\0\377\377\377\377"), "malformed" },
                { SPAN_INIT("\0\0\0\0\0\0\0\0\1\0\1\0\0\0\0\0\0\0\2\0\0\0{}\21"),
                  "17 sensitive fields, at most 16" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                admit_host_meet(&host, ROLE_SENSOR);
                admit_host_hear(&host, t[i].payload);
                admit_host_check(&host);
                assert_int_equal(host.p.state, PEER_CLOSING);
                assert_true(host.p.violation);
                if (!strstr(host.p.why, t[i].says))
                        fail_msg("%zu: %s", i, host.p.why);
                assert_int_equal(host.p.last, 0);
        }
}

/* One that takes no acknowledgements is ended, behind a window of them. */
static void window(void **state)
{
        struct buf b = BUF_INIT(MSG_MAX);

        admit_host_meet(&host, ROLE_SENSOR);
        put_head(&b, 0, LEDGER_WINDOW + 1);
        for (uint64_t i = 1; i <= LEDGER_WINDOW + 1; i++)
                put_entry(&b, i, CHANGE(""), NULL, 0);
        admit_host_hear(&host, buf_span(&b));
        admit_host_check(&host);
        assert_int_equal(host.p.last, LEDGER_WINDOW);
        assert_int_equal(host.p.state, PEER_CLOSING);
        assert_non_null(strstr(host.p.why, "without taking their acknowledgements"));
        buf_done(&b);
}

/* ---- calls of a gateway ---- */

#define CALL(kind, more)                                                                           \
        "{\"k\":\"api." kind "\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,"                \
        "\"what\":{\"api\":\"a\",\"bytes\":0,\"call\":\"c\"," more "\"method\":\"GET\","           \
        "\"operation\":\"o\","
#define INTENT                                                                                     \
        CALL("intent", "\"decision\":\"allow\",\"generation\":1,")                                 \
        "\"sha256\":\"aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffff0000000011111111\","         \
        "\"verified\":true,\"version\":\"1\"}}"
#define OUTCOME CALL("outcome", "") "\"result\":\"answered\",\"status\":200,\"version\":\"1\"}}"

/* What is said of an entry depends on the calls that are open, and is the same when it is sent
 * again. */
static void calls(void **state)
{
        static const struct {
                const char *skeleton;
                int code; /* 0: taken */
                unsigned open;
        } t[] = {
                { OUTCOME, -EINVAL, 0 }, { INTENT, 0, 1 },        { INTENT, -EINVAL, 1 },
                { OUTCOME, 0, 0 },       { OUTCOME, -EINVAL, 0 }, { INTENT, 0, 1 },
        };

        admit_host_meet(&host, ROLE_GATEWAY);
        for (uint64_t i = 0; i < ARRAY_LEN(t); i++) {
                hear_one(i + 1, t[i].skeleton, NULL, 0);
                assert_int_equal(last_answer()->code, t[i].code);
                assert_int_equal(host.r.calls.n, t[i].open);
        }
        for (uint64_t i = 0; i < ARRAY_LEN(t); i++) {
                hear_one(i + 1, t[i].skeleton, NULL, 0);
                assert_int_equal(last_answer()->code, t[i].code);
                assert_int_equal(host.r.calls.n, 1);
        }
        assert_int_equal(host.r.total.resent, ARRAY_LEN(t));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(kinds_and_owners),
                cmocka_unit_test(one_entry),
                cmocka_unit_test(in_clear),
                cmocka_unit_test(too_much),
                cmocka_unit_test(sequences),
                cmocka_unit_test(again_refused),
                cmocka_unit_test(malformed),
                cmocka_unit_test(window),
                cmocka_unit_test(calls),
        };

        return cmocka_run_group_tests(tests, set_up, tear_down);
}
