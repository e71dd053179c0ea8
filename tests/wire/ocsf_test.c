/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of the export, and one event byte by byte.  Whether events are what the schema wants
 * is judged by tests/system/command/test_export.py with the schema itself. */
#include "base/text.h"
#include "wire/ocsf_priv.h"

#include "../alloc_fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TIME "2026-11-21T18:00:00.123456789Z"
#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const uint8_t leaf[TILE_HASH] = { 0xab, [31] = 0xcd };
#define LEAF "ab000000000000000000000000000000000000000000000000000000000000cd"

/* ---- the tables ---- */

static void every_kind_has_its_block(void **state)
{
        for (size_t i = 0; i < kind_count; i++) {
                const struct kind *k = &kind_table[i];

                if (!ocsf_class_find(k->ocsf))
                        fail_msg(
                                "%s names OCSF class %u, which src/wire/ocsf_class.c does not have: "
                                "see \"Exporting a kind\" in docs/developer.md",
                                k->name, k->ocsf);
                if (!ocsf_map_find(k->name))
                        fail_msg(
                                "%s has no block in src/wire/ocsf_kinds.c: see \"Exporting a kind\" "
                                "in docs/developer.md",
                                k->name);
        }
}

static void every_block_has_its_kind(void **state)
{
        for (size_t i = 0; i < ocsf_map_count; i++) {
                bool found = false;

                if (i > 0 && strcmp(ocsf_maps[i - 1].kind, ocsf_maps[i].kind) >= 0)
                        fail_msg("%s is not behind %s", ocsf_maps[i].kind, ocsf_maps[i - 1].kind);
                for (size_t n = 0; n < kind_count && !found; n++)
                        found = strcmp(kind_table[n].name, ocsf_maps[i].kind) == 0;
                if (!found)
                        fail_msg("there is no kind %s", ocsf_maps[i].kind);
        }
}

static bool has_caption(const struct ocsf_word *list, int id)
{
        for (; list->caption; list++)
                if (list->id == id)
                        return true;
        return false;
}

static void check_choice(const char *kind, const char *what, const struct kind *k,
                         const struct ocsf_choice *c, const struct ocsf_word *captions)
{
        const struct ocsf_word *w = c->words;
        bool b64;

        if (!w)
                return;
        if (c->field && !kind_field_find(k, SPAN_NONE, span_str(c->field), &b64))
                fail_msg("%s: %s is picked by %s, which it has not", kind, what, c->field);
        for (;; w++) {
                if (w->id != 99 && !has_caption(captions, w->id))
                        fail_msg("%s: the class has no %s %d", kind, what, w->id);
                if (!w->from)
                        break;
        }
}

static void choices_are_the_class(void **state)
{
        for (size_t i = 0; i < kind_count; i++) {
                const struct kind *k = &kind_table[i];
                const struct ocsf_map *m = ocsf_map_find(k->name);
                const struct ocsf_class *c = ocsf_class_find(k->ocsf);

                check_choice(k->name, "activity", k, &m->activity, c->activities);
                check_choice(k->name, "severity", k, &m->severity, ocsf_severities);
                check_choice(k->name, "status", k, &m->status, c->statuses);
        }
}

static void tables_of_the_state_are_in_order(void **state)
{
        const struct kind *k = kind_find(SPAN("state.change"), 1);

        for (size_t i = 0; i < ocsf_state_count; i++) {
                const struct ocsf_map *m = &ocsf_state_maps[i];
                const struct ocsf_class *c = ocsf_class_find(m->class_uid);

                if (i > 0 && strcmp(m[-1].kind, m->kind) >= 0)
                        fail_msg("%s is not behind %s", m[-1].kind, m->kind);
                if (!c)
                        fail_msg("%s: there is no class %u", m->kind, m->class_uid);
                check_choice(m->kind, "activity", k, &m->activity, c->activities);
                check_choice(m->kind, "severity", k, &m->severity, ocsf_severities);
        }
}

/* A field that is written wrong in a row would never be told. */
static void rows_of_a_kind_are_of_its_fields(void **state)
{
        for (size_t i = 0; i < kind_count; i++) {
                const struct ocsf_map *m = ocsf_map_find(kind_table[i].name);

                for (size_t n = 0; n < m->rows.n; n++) {
                        const struct ocsf_row *row = &m->rows.at[n];
                        bool b64;

                        if (row->field && strchr(row->field, '.') &&
                            !kind_field_find(&kind_table[i], SPAN_NONE, span_str(row->field), &b64))
                                fail_msg("%s: %s is filled from %s, which it has not",
                                         kind_table[i].name, row->path, row->field);
                }
        }
}

/* ---- events ---- */

struct made {
        struct buf out;
        struct ocsf *ocsf;
};

static int make(struct made *m, const char *bytes, const struct disclosure *disclosed, size_t n)
{
        struct entry entry;
        struct ocsf_input in = { "example.com/log", 7,      span_of(leaf, sizeof leaf),
                                 span_str(bytes),   &entry, NULL,
                                 disclosed,         n,      SPAN("a message"),
                                 SPAN_NONE };
        bool fits;

        assert_int_equal(entry_read(in.bytes, &entry, &fits, NULL), 0);
        in.kind = kind_find(entry.kind, entry.v);
        return ocsf_put(m->ocsf, &in, &m->out, NULL);
}

#define DEVICE                                                                                     \
        "\"device\":{\"hostname\":\"web1\",\"os\":{\"name\":\"Linux\",\"type\":\"Linux\","         \
        "\"type_id\":200},\"type\":\"Unknown\",\"type_id\":0},"
#define PLACE                                                                                       \
        "{\"data\":{\"index\":7,\"leaf_sha256\":\"" LEAF "\",\"origin\":\"example.com/log\"},"      \
        "\"name\":\"metadata.uid\",\"provider\":\"Assay ledger\",\"type\":\"place in the ledger\"," \
        "\"value\":\"example.com/log#7\"}"
#define METADATA(code, profiles)                                                                   \
        "\"message\":\"a message\",\"metadata\":{\"event_code\":\"" code "\",\"log_format\":"      \
        "\"JSON\",\"log_name\":\"example.com/log\",\"log_provider\":\"sensor\",\"log_version\":"   \
        "\"1\",\"logged_time\":1732246626612,\"original_event_uid\":"                              \
        "\"01JD8Z3R9M-web1-4-8812\",\"product\":{\"feature\":{\"name\":\"sensor\"},\"name\":"      \
        "\"Assay\",\"vendor_name\":\"Assay\"},\"profiles\":[" profiles "],\"sequence\":7,"         \
        "\"uid\":\"example.com/log#7\",\"version\":\"1.9.0-dev\"},"
#define ENTRY(k, rest)                                                                             \
        "{\"_sd\":[\"d1\"],\"_subj\":[\"s1\"],\"id\":\"01JD8Z3R9M-web1-4-8812\",\"k\":\"" k        \
        "\",\"src\":{\"host\":\"web1\",\"proc\":\"sensor\",\"run\":4,\"seq\":8812},\"t\":\"" TIME  \
        "\",\"v\":1," rest "}"

static void an_event_byte_by_byte(void **state)
{
        static const char entry[] =
                ENTRY("integrity.denied", "\"what\":{\"call\":\"chmod\",\"error\":\"EPERM\","
                                          "\"path\":\"/etc/a b\"},\"who\":{\"auid\":1000,"
                                          "\"exe\":\"/usr/bin/chmod\",\"pid\":17,\"uid\":0}");
        static const char want[] =
                "{\"action\":\"Denied\",\"action_id\":2,\"activity_id\":7,\"activity_name\":"
                "\"Set Security\",\"actor\":{\"process\":{\"file\":{\"name\":\"chmod\",\"path\":"
                "\"/usr/bin/chmod\",\"type\":\"Executable File\",\"type_id\":8},\"pid\":17,"
                "\"user\":{\"name\":\"root\",\"uid\":\"0\"}},\"user\":{\"uid\":\"1000\"}},"
                "\"category_name\":\"System Activity\",\"category_uid\":1,\"class_name\":"
                "\"File System Activity\",\"class_uid\":1001," DEVICE "\"disposition\":\"Blocked\","
                "\"disposition_id\":2,\"enrichments\":[" PLACE "],\"file\":{\"name\":\"a b\","
                "\"path\":\"/etc/a b\",\"type\":\"Unknown\",\"type_id\":0},\"is_alert\":true," //
                METADATA("integrity.denied", "\"datetime\",\"host\",\"security_control\"")     //
                "\"observables\":[{\"name\":\"actor.process.file.name\",\"type\":\"File Name\","
                "\"type_id\":7,\"value\":\"chmod\"},{\"name\":\"actor.process.file.path\",\"type\":"
                "\"File Path\",\"type_id\":45,\"value\":\"/usr/bin/chmod\"},"
                "{\"name\":\"actor.process.user.name\",\"type\":\"User Name\",\"type_id\":4,"
                "\"value\":\"root\"},{\"name\":\"file.name\",\"type\":\"File Name\",\"type_id\":7,"
                "\"value\":\"a b\"},{\"name\":\"file.path\",\"type\":\"File Path\",\"type_id\":45,"
                "\"value\":\"/etc/a b\"}],\"severity\":\"High\",\"severity_id\":4,\"status\":"
                "\"Failure\",\"status_code\":\"EPERM\",\"status_id\":2,\"time\":1795284000123,"
                "\"time_dt\":\"" TIME "\",\"type_name\":\"File System Activity: Set Security\","
                "\"type_uid\":100107,\"unmapped\":{\"_sd\":[\"d1\"],\"_subj\":[\"s1\"],\"src\":"
                "{\"run\":4,\"seq\":8812},\"what\":{\"call\":\"chmod\"},\"who\":{\"tty\":7}}}";
        static const struct disclosure disclosed[] = {
                /* One of another type than its field has is not lost either. */
                { SPAN_INIT("s"), SPAN_INIT("who.tty"), { JSON_INT, SPAN_INIT("7") } },
                { SPAN_INIT("s"), SPAN_INIT("who.user"), { JSON_STRING, SPAN_INIT("\"root\"") } },
        };
        struct made m = { .out = BUF_INIT(1 << 20) };

        assert_int_equal(ocsf_new(&m.ocsf, NULL), 0);
        buf_put_str(&m.out, "before");
        assert_int_equal(make(&m, entry, disclosed, ARRAY_LEN(disclosed)), 0);
        assert_string_equal(buf_cstr(&m.out) + 6, want);
        assert_int_equal(json_check(span_from(buf_span(&m.out), 6), NULL), 0);
        ocsf_free(m.ocsf);
        buf_done(&m.out);
}

/* An entry in, a part of its event out. */
static void parts_of_events(void **state)
{
        static const struct {
                const char *entry, *part;
        } t[] = {
                { "{\"a\":{\"b\":[1]}}", "\"class_uid\":0," },
                { "{\"a\":{\"b\":[1]}}", "\"unmapped\":{\"a\":{\"b\":[1]}}}" },
                { "{\"a\":1}", "\"time\":0," },
                { "{\"a\":1}", "\"hostname\":\"unknown\"" },
                { "{\"t\":\"1969-12-31T23:59:59.000000000Z\"}", "\"time\":0,\"time_dt\":\"1969-" },
                { "{\"what\":{\"x\":1},\"x\":2}", "\"unmapped\":{\"what\":{\"x\":1},\"x\":2}}" },
                { ENTRY("integrity.change", "\"what\":{\"path_b64\":\"L/8=\"}"),
                  "\"path\":\"/\\\\xff\"" },
                { ENTRY("integrity.change", "\"what\":{\"path_b64\":\"L/8=\"}"),
                  "\"what\":{\"path_b64\":\"L/8=\"}" },
                { ENTRY("integrity.change",
                        "\"what\":{\"change\":\"created\",\"new_sha256\":\"" HASH "\"}"),
                  "\"file\":{\"hashes\":[{\"algorithm\":\"SHA-256\",\"algorithm_id\":3,\"value\":"
                  "\"" HASH "\"}],\"name\":\"unknown\"" },
                { ENTRY("integrity.change", "\"what\":{\"change\":\"renamed\",\"from\":\"/a\","
                                            "\"path\":\"/b\"}"),
                  "\"file\":{\"name\":\"a\",\"path\":\"/a\",\"type\":\"Unknown\",\"type_id\":0},"
                  "\"file_result\":{\"name\":\"b\",\"path\":\"/b\"," },
                { ENTRY("integrity.change", "\"what\":{\"change\":\"attributes\",\"differs\":"
                                            "[\"acl\",\"ctime\"]}"),
                  "\"activity_id\":7," },
                { ENTRY("integrity.change", "\"what\":{\"change\":\"attributes\",\"differs\":"
                                            "[\"acl\",\"mtime\"]}"),
                  "\"activity_id\":6," },
                { ENTRY("integrity.change", "\"what\":{\"old_size\":\"18446744073709551615\"}"),
                  "\"what\":{\"old_size\":\"18446744073709551615\"}" },
                { ENTRY("integrity.change", "\"who\":{\"auid\":4294967295,\"pid\":1,"
                                            "\"session\":4294967295,\"uid\":33}"),
                  "\"user\":{\"uid\":\"33\"}},\"category" },
                { ENTRY("integrity.change", "\"who\":{\"unknown\":\"gone\"}"),
                  "\"actor\":{\"app_name\":\"unknown\"}" },
                { ENTRY("integrity.command", "\"what\":{\"verb\":\"scan\"}"),
                  "\"activity_id\":99,\"activity_name\":\"scan\"," },
                { ENTRY("integrity.command", "\"what\":{\"verb\":\"Other\"}"),
                  "\"activity_id\":99,\"activity_name\":\"Unspecified\"," },
                { ENTRY("integrity.package", "\"what\":{\"event\":\"begun\"}"),
                  "\"activity_id\":99,\"activity_name\":\"begun\"," },
                { ENTRY("integrity.gap", "\"what\":{}"),
                  "\"actor\":{\"app_name\":\"assay-sensor\"}" },
                { ENTRY("integrity.change",
                        "\"who\":{\"parents\":[[9,\"/bin/sh\",0],7,[8,null,null]],"
                        "\"pid\":1}"),
                  "\"ancestry\":[{\"path\":\"/bin/sh\",\"pid\":9},{\"pid\":8}],\"parent_process\":"
                  "{\"file\":{\"name\":\"sh\",\"path\":\"/bin/sh\",\"type\":\"Executable File\","
                  "\"type_id\":8},\"pid\":9,\"user\":{\"uid\":\"0\"}},\"pid\":1}" },
                { ENTRY("integrity.change", "\"why\":{\"change\":\"c\",\"state\":\"change\"}"),
                  "{\"data\":{\"change\":\"c\",\"state\":\"change\"},\"name\":\"activity_name\"" },
        };
        struct made m = { .out = BUF_INIT(1 << 20) };

        assert_int_equal(ocsf_new(&m.ocsf, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                buf_clear(&m.out);
                assert_int_equal(make(&m, t[i].entry, NULL, 0), 0);
                if (!strstr(buf_cstr(&m.out), t[i].part))
                        fail_msg("%s\nhas no\n%s", buf_cstr(&m.out), t[i].part);
                assert_int_equal(json_check(buf_span(&m.out), NULL), 0);
        }
        ocsf_free(m.ocsf);
        buf_done(&m.out);
}

/* A row that names a person is sealed; told only when it is disclosed. */
static void sealed_rows(void **state)
{
        static const struct disclosure row = {
                SPAN_INIT("s"),
                SPAN_INIT("what.row"),
                { JSON_OBJECT,
                  SPAN_INIT("{\"key\":\"eve\",\"new\":[[\"name\",\"eve\"],[\"uid\",0]]}") }
        };
        static const char entry[] =
                ENTRY("state.change", "\"what\":{\"change\":\"added\",\"table\":\"users\"}");
        struct made m = { .out = BUF_INIT(1 << 20) };

        assert_int_equal(ocsf_new(&m.ocsf, NULL), 0);
        assert_int_equal(make(&m, entry, NULL, 0), 0);
        assert_non_null(strstr(buf_cstr(&m.out), "\"user\":{\"name\":\"unknown\"}}"));
        buf_clear(&m.out);
        assert_int_equal(make(&m, entry, &row, 1), 0);
        assert_non_null(strstr(buf_cstr(&m.out), "\"user\":{\"name\":\"eve\",\"uid\":\"0\"}}"));
        assert_non_null(strstr(buf_cstr(&m.out), "\"row\":{\"key\":\"eve\","));
        assert_int_equal(json_check(buf_span(&m.out), NULL), 0);
        ocsf_free(m.ocsf);
        buf_done(&m.out);
}

static void addresses(void **state)
{
        static const struct {
                const char *address, *says;
        } t[] = {
                { "\"192.0.2.1:50000\"", "{\"ip\":\"192.0.2.1\",\"port\":50000}" },
                { "\"192.0.2.1\"", "{\"ip\":\"192.0.2.1\",\"port\":null}" },
                { "\"[2001:db8::1]:22\"", "{\"ip\":\"2001:db8::1\",\"port\":22}" },
                { "\"2001:db8::1\"", "{\"ip\":\"2001:db8::1\",\"port\":null}" },
                { "\"[fe80::1%2]:70000\"", "{\"ip\":\"fe80::1%2\",\"port\":null}" },
                { "\"host:22\"", "{\"ip\":null,\"port\":22}" },
                { "\"[oops\"", "{\"ip\":null,\"port\":null}" },
        };
        struct made m = { .out = BUF_INIT(1 << 20) };

        assert_int_equal(ocsf_new(&m.ocsf, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct disclosure d = { SPAN("s"),
                                        SPAN("who.address"),
                                        { JSON_STRING, span_str(t[i].address) } };

                buf_clear(&m.out);
                assert_int_equal(make(&m, ENTRY("integrity.change", "\"what\":{}"), &d, 1), 0);
                if (!strstr(buf_cstr(&m.out), t[i].says))
                        fail_msg("%s: %s", t[i].address, buf_cstr(&m.out));
        }
        ocsf_free(m.ocsf);
        buf_done(&m.out);
}

static void out_of_room(void **state)
{
        struct made m = { .out = BUF_INIT(100) };

        assert_int_equal(ocsf_new(&m.ocsf, NULL), 0);
        buf_put_str(&m.out, "before");
        assert_int_equal(make(&m, ENTRY("ledger.full", "\"what\":{}"), NULL, 0), -E2BIG);
        assert_string_equal(buf_cstr(&m.out), "before");
        ocsf_free(m.ocsf);
        buf_done(&m.out);
}

/* No attribute may be missing just because there was no memory for it. */
static void out_of_memory(void **state)
{
        static const char entry[] =
                ENTRY("integrity.change", "\"what\":{\"path_b64\":\"L/8=\"},"
                                          "\"who\":{\"exe\":\"/a/b\",\"pid\":1}");

        for (size_t nth = 1;; nth++) {
                struct made m = { .out = BUF_INIT(1 << 20) };
                int r;

                alloc_fail_nth = nth;
                r = ocsf_new(&m.ocsf, NULL);
                if (r == 0)
                        r = make(&m, entry, NULL, 0);
                if (alloc_fail_nth > 0) {
                        alloc_fail_nth = 0;
                        assert_int_equal(r, 0);
                        assert_true(nth > 4);
                        ocsf_free(m.ocsf);
                        buf_done(&m.out);
                        break;
                }
                assert_int_equal(r, -ENOMEM);
                assert_int_equal(m.out.n, 0);
                ocsf_free(m.ocsf);
                buf_done(&m.out);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_kind_has_its_block),
                cmocka_unit_test(every_block_has_its_kind),
                cmocka_unit_test(choices_are_the_class),
                cmocka_unit_test(tables_of_the_state_are_in_order),
                cmocka_unit_test(rows_of_a_kind_are_of_its_fields),
                cmocka_unit_test(an_event_byte_by_byte),
                cmocka_unit_test(parts_of_events),
                cmocka_unit_test(sealed_rows),
                cmocka_unit_test(addresses),
                cmocka_unit_test(out_of_room),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
