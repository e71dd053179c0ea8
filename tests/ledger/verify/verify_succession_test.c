/* SPDX-License-Identifier: Apache-2.0 */
/* From a ledger that was closed to the one that goes on: what each has to say of the other. */
#include "ledger/verify/verify.h"

#include "../testlog.h"
#include "base/text.h"
#include "ledger/signing/signer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define OLD "t.example/2026"
#define NEW "t.example/2027"

struct said {
        uint64_t count[VERIFY_ISSUES];
        char text[VERIFY_ISSUES][512];
};

static void note_report(void *ctx, const struct verify_report *r)
{
        struct said *s = ctx;

        if (!s->count[r->issue]++)
                snprintf(s->text[r->issue], sizeof s->text[0], "%s", r->text);
}

static struct verify_result judge(const struct testlog *l, const struct verify_result *before,
                                  struct said *said)
{
        CLEANUP(source_freep) struct source *src = NULL;
        struct verify_result result;
        struct note_vkey key;
        struct verify_options o = { .keys = &key,
                                    .n_keys = 1,
                                    .predecessor = before,
                                    .on_report = note_report,
                                    .ctx = said };

        memset(said, 0, sizeof *said);
        assert_int_equal(verifier_parse(span_str(l->vkey), &key, NULL), 0);
        assert_int_equal(source_dir(l->fd, "test", &src, NULL), 0);
        o.source = src;
        assert_int_equal(verify_log(&o, &result, NULL), 0);
        return result;
}

static void add(struct testlog *l, const char *fmt, ...) PRINTF_LIKE(2, 3);

static void add(struct testlog *l, const char *fmt, ...)
{
        char text[4096];
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(text, sizeof text, fmt, ap);
        va_end(ap);
        testlog_add(l, span_str(text));
}

static void succeeded(struct testlog *l, const char *origin, const char *vkey)
{
        add(l,
            "{\"k\":\"ledger.succeeded\",\"t\":\"2027-01-01T00:00:00.000000000Z\",\"v\":1,"
            "\"what\":{\"next_origin\":\"%s\",\"next_vkey\":\"%s\",\"reason\":\"r\"}}",
            origin, vkey);
}

static void opened(struct testlog *l, const char *origin, const struct hash *root, uint64_t size,
                   const char *vkey)
{
        char hex[2 * HASH_LEN + 1];

        text_hex(span_of(root->b, HASH_LEN), hex);
        add(l,
            "{\"k\":\"ledger.opened\",\"t\":\"2027-01-01T00:00:00.000000000Z\",\"v\":1,\"what\":{"
            "\"origin\":\"" NEW "\",\"previous_origin\":\"%s\",\"previous_root\":\"%s\","
            "\"previous_size\":%llu,\"previous_vkey\":\"%s\",\"size\":0,\"vkey\":\"%s\"}}",
            origin, hex, (unsigned long long)size, vkey, l->vkey);
}

/* What is wrong with one of the two; the rest fits. */
enum fault {
        NOTHING,
        OLD_SAYS_NOTHING,
        OLD_GOES_ON,
        OLD_NAMES_ANOTHER,
        OLD_NAMES_ANOTHER_KEY,
        NEW_CITES_NOTHING,
        NEW_CITES_ANOTHER,
        NEW_CITES_A_SIZE,
        NEW_CITES_A_ROOT,
        NEW_CITES_A_KEY,
        NEW_CITES_LATER,
};

static void make_old(struct testlog *l, const char *new_vkey, enum fault f)
{
        testlog_fill(l, 299);
        if (f != OLD_SAYS_NOTHING)
                succeeded(l, f == OLD_NAMES_ANOTHER ? "t.example/x" : NEW,
                          f == OLD_NAMES_ANOTHER_KEY ? l->vkey : new_vkey);
        if (f == OLD_GOES_ON)
                testlog_add(l, SPAN("{}"));
        testlog_publish(l, l->size);
}

static void make_new(struct testlog *l, const struct testlog *old, enum fault f)
{
        struct hash root = testlog_root(old, old->size);

        root.b[31] ^= f == NEW_CITES_A_ROOT;
        if (f == NEW_CITES_LATER)
                testlog_add(l, SPAN("{}"));
        if (f != NEW_CITES_NOTHING)
                opened(l, f == NEW_CITES_ANOTHER ? "t.example/x" : OLD, &root,
                       old->size + (f == NEW_CITES_A_SIZE),
                       f == NEW_CITES_A_KEY ? l->vkey : old->vkey);
        testlog_fill(l, 300);
        testlog_publish(l, l->size);
}

static void each_fault(void **state)
{
        static const struct {
                enum fault fault;
                const char *says;
        } t[] = {
                { NOTHING, NULL },
                { OLD_SAYS_NOTHING, OLD " does not end with an entry ledger.succeeded" },
                { OLD_GOES_ON, OLD " does not end with an entry ledger.succeeded" },
                { OLD_NAMES_ANOTHER, "that names t.example/x, not " NEW },
                { OLD_NAMES_ANOTHER_KEY, "that names the key " OLD "+" },
                { NEW_CITES_NOTHING, NEW ": its first entry cites no ledger before it" },
                { NEW_CITES_ANOTHER, "it cites t.example/x, not " OLD },
                { NEW_CITES_A_SIZE, "it cites the size 301, not 300" },
                { NEW_CITES_A_ROOT, "it cites the root " },
                { NEW_CITES_A_KEY, "it cites the key " NEW "+" },
                { NEW_CITES_LATER, "its first entry cites no ledger before it" },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct verify_result first, second;
                struct testlog old, new;
                struct said said;

                testlog_new(&old, OLD);
                testlog_new(&new, NEW);
                make_old(&old, new.vkey, t[i].fault);
                make_new(&new, &old, t[i].fault);
                first = judge(&old, NULL, &said);
                assert_int_equal(first.verdict, VERDICT_PASS);
                second = judge(&new, &first, &said);
                assert_int_equal(said.count[VERIFY_SUCCESSION], t[i].says != NULL);
                assert_int_equal(second.verdict, t[i].says ? VERDICT_FAIL : VERDICT_PASS);
                assert_int_equal(second.succeeds, !t[i].says);
                if (t[i].says && !strstr(said.text[VERIFY_SUCCESSION], t[i].says))
                        fail_msg("%s, not: %s", said.text[VERIFY_SUCCESSION], t[i].says);
                testlog_done(&old);
                testlog_done(&new);
        }
}

/* The entry that cites is the first to be pruned; what the old one signed is left. */
static void a_pruned_one(void **state)
{
        struct verify_result first, second;
        struct testlog old, new;
        struct said said;

        testlog_new(&old, OLD);
        testlog_new(&new, NEW);
        make_old(&old, new.vkey, NOTHING);
        make_new(&new, &old, NOTHING);
        testlog_write(&new, "pruned", SPAN("256\n"));
        assert_int_equal(unlinkat(new.fd, "tile/entries/000", 0), 0);
        first = judge(&old, NULL, &said);
        second = judge(&new, &first, &said);
        assert_int_equal(said.count[VERIFY_SUCCESSION], 0);
        assert_int_equal(said.count[VERIFY_SUCCESSION_PRUNED], 1);
        assert_true(second.succeeds);
        first.next.origin[0] = 'x';
        second = judge(&new, &first, &said);
        assert_int_equal(said.count[VERIFY_SUCCESSION], 1);
        assert_false(second.succeeds);
        testlog_done(&old);
        testlog_done(&new);
}

/* Made and not begun: nothing is known yet. */
static void an_empty_one(void **state)
{
        struct verify_result first, second;
        struct testlog old, new;
        struct said said;

        testlog_new(&old, OLD);
        testlog_new(&new, NEW);
        make_old(&old, new.vkey, NOTHING);
        testlog_publish(&new, 0);
        first = judge(&old, NULL, &said);
        second = judge(&new, &first, &said);
        assert_int_equal(second.verdict, VERDICT_UNKNOWN);
        assert_non_null(strstr(said.text[VERIFY_SUCCESSION_EMPTY], NEW " has no entry yet"));
        assert_false(second.succeeds);
        testlog_done(&old);
        testlog_done(&new);
}

/* A writer whose run goes on begins where the ledger before left it: the recorder says where. */
static void a_run_that_goes_on(void **state)
{
        static const struct {
                const char *by, *resumed;
                unsigned last, seq;
                bool cites;
                enum verify_issue issue;
                unsigned count;
        } t[] = {
                { "recorder", "true", 6, 7, true, VERIFY_SEQUENCE_START, 0 },
                { "recorder", "true", 6, 8, true, VERIFY_SEQUENCE, 1 },
                { "recorder", "true", 6, 6, true, VERIFY_SEQUENCE, 1 },
                { "recorder", "true", 0, 7, true, VERIFY_SEQUENCE_START, 1 },
                { "recorder", "false", 6, 7, true, VERIFY_SEQUENCE_START, 1 },
                { "sensor", "true", 6, 7, true, VERIFY_SEQUENCE_START, 1 },
                { "recorder", "true", 6, 7, false, VERIFY_SEQUENCE_START, 1 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct testlog old, new;
                struct said said;

                testlog_new(&old, OLD);
                testlog_new(&new, NEW);
                make_old(&old, new.vkey, NOTHING);
                if (t[i].cites)
                        opened(&new, OLD, &(struct hash){ 0 }, old.size, old.vkey);
                add(&new,
                    "{\"id\":\"a\",\"k\":\"ledger.peer\",\"src\":{\"host\":\"h\",\"proc\":\"%s\","
                    "\"run\":9,\"seq\":1},\"t\":\"2027-01-01T00:00:00.000000000Z\",\"v\":1,\"what\":"
                    "{\"event\":\"connected\",\"last_seq\":%u,\"proc\":\"sensor\",\"resumed\":%s,"
                    "\"run\":5}}",
                    t[i].by, t[i].last, t[i].resumed);
                add(&new,
                    "{\"id\":\"b\",\"k\":\"a.b\",\"src\":{\"host\":\"h\",\"proc\":\"sensor\","
                    "\"run\":5,\"seq\":%u},\"t\":\"2027-01-01T00:00:00.000000000Z\",\"v\":1,"
                    "\"what\":{}}",
                    t[i].seq);
                testlog_publish(&new, new.size);
                judge(&new, NULL, &said);
                assert_int_equal(said.count[t[i].issue], t[i].count);
                assert_int_equal(said.count[VERIFY_SEQUENCE] + said.count[VERIFY_SEQUENCE_START],
                                 t[i].count);
                testlog_done(&old);
                testlog_done(&new);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_fault),
                cmocka_unit_test(a_pruned_one),
                cmocka_unit_test(an_empty_one),
                cmocka_unit_test(a_run_that_goes_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
