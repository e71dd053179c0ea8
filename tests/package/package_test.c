/* SPDX-License-Identifier: Apache-2.0 */
#include "packed.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../alloc_fail.h"
#include "policy/entities/data.h"

static const struct span keys[] = { SPAN_INIT(PACKED_VKEY) };

/* ---- a good one ---- */

static enum cedar_effect decide(const struct package *p, const char *caller, const char *amount)
{
        CLEANUP(cedar_bench_freep) struct cedar_bench *bench = NULL;
        struct cedar_request r = {
                .principal = cedar_uid(SPAN("Caller"), span_str(caller)),
                .action = cedar_uid(SPAN("Action"), SPAN("pay")),
                .resource = cedar_uid(SPAN("Api"), SPAN("accounts")),
        };
        struct arena arena = ARENA_INIT(1 << 20);
        struct cedar_answer answer;
        struct err err = { 0 };
        char json[400];

        snprintf(json, sizeof json,
                 "{\"address\":\"192.0.2.1\",\"time\":\"2026-11-26T00:00:00Z\","
                 "\"tls\":{\"version\":\"TLSv1.3\"},\"body\":{\"amount\":%s}}",
                 amount);
        if (cedar_context_read(span_str(json), p->schema, &r.action, &arena, &r.context, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(cedar_bench_new(p->program, &bench), 0);
        cedar_decide(p->program, p->entities, &r, bench, &answer);
        arena_done(&arena);
        return answer.decision;
}

static void a_package_decides(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        CLEANUP(package_unrefp) struct package *p = NULL;
        CLEANUP(signer_freep) struct signer *signer = packed_signer();
        struct packed x = PACKED("accounts", "1.4.0");
        struct err err = { 0 };
        struct tree body = { .kind = TREE_OBJECT };

        (void)state;
        packed_put(&file, &x, signer, NULL);
        if (package_open_bytes(buf_span(&file), keys, 1, &p, &err) < 0)
                fail_msg("%s", err.text);
        assert_true(span_eq_str(p->file.version, "1.4.0"));
        assert_true(span_eq_str(p->config.name, "accounts"));
        assert_int_equal(p->api->n_operations, 2);
        assert_int_equal(api_schema_check(p->checker, 1, &body, "body", &err), -EINVAL);
        assert_int_equal(decide(p, "ann", "99"), CEDAR_PERMIT);
        assert_int_equal(decide(p, "ann", "100"), CEDAR_FORBID);
        assert_int_equal(decide(p, "bob", "99"), CEDAR_FORBID);
}

static void a_package_lasts_as_long_as_its_references(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        struct packed x = PACKED("accounts", "1");
        struct package *p = NULL;

        (void)state;
        packed_put(&file, &x, NULL, NULL);
        assert_int_equal(package_open_bytes(buf_span(&file), NULL, 0, &p, NULL), 0);
        assert_ptr_equal(package_ref(p), p);
        assert_null(package_unref(p));
        assert_int_equal(decide(p, "ann", "99"), CEDAR_PERMIT);
        assert_null(package_unref(p));
        assert_null(package_unref(NULL));
}

/* ---- refusals ---- */

static void signatures_are_asked_for(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20), signed_one = BUF_INIT(1 << 20);
        CLEANUP(signer_freep) struct signer *signer = packed_signer();
        static const struct span other[] = { SPAN_INIT(
                "second.example+16d56763+AXm1Vi6P5lT5QHixEuipi6eQH4U65pW+1+DjkQutBJZk") };
        struct packed x = PACKED("accounts", "1");
        struct package *p = NULL;
        struct err err = { 0 };

        (void)state;
        packed_put(&file, &x, NULL, NULL);
        packed_put(&signed_one, &x, signer, NULL);
        assert_int_equal(package_open_bytes(buf_span(&file), keys, 1, &p, &err), -ENOKEY);
        assert_int_equal(package_open_bytes(buf_span(&signed_one), other, 1, &p, &err), -ENOKEY);
        signed_one.p[signed_one.n - 10] ^= 4; /* of its signature */
        assert_int_equal(package_open_bytes(buf_span(&signed_one), keys, 1, &p, &err), -EBADMSG);
        signed_one.p[signed_one.n - 10] ^= 4;
        signed_one.p[file.n - 1] ^= 4; /* of its entities */
        assert_int_equal(package_open_bytes(buf_span(&signed_one), keys, 1, &p, &err), -EBADMSG);
        assert_string_equal(err.text, "section entities.json: its SHA-256 is another");
        assert_null(p);
}

#define TYPES "entity Caller in [Group] { level: Long };\n"

static void other_packages_are_refused(void **state)
{
        struct packed good = PACKED("accounts", "1");
        struct {
                struct packed x;
                const char *says; /* NULL: none of it */
        } rows[] = {
                { good, NULL },
                { good, "api: byte 0" },
                { good, "api: config.name: not the name of the package" },
                { good, "schema.cedarschema: line 1: not what is derived from the API" },
                { good, NULL },
                { good, "schema.cedarschema: " },
                { good, "policy.cedar: line 2, column 10: " },
                { good, "policy.cedar: line 1, column 70: " },
                { good, NULL },
                { good, "entities.json: " },
                { good, "entities.json: entity 0 (Person::\"a\")" },
                { good, "entities.json: " },
                { good, "entities.json: " },
        };

        (void)state;
        rows[1].x.schema = rows[2].x.schema = "";
        rows[1].x.model = "";
        rows[2].x.api = "cards";
        rows[3].x.schema = "entity A;\nentity B;\n";
        rows[4].x.types = TYPES;
        rows[4].x.entities = "[]";
        rows[5].x.types = "entity Caller {";
        rows[5].x.schema = "";
        rows[6].x.policy = "\n  forbid it";
        rows[7].x.policy = "permit (principal, action == Action::\"pay\", resource) when { context."
                           "none };";
        rows[8].x.policy = "permit (principal, action, resource) when { false };"; /* a warning */
        rows[9].x.entities = "{";
        rows[10].x.entities = "[{\"uid\":{\"type\":\"Person\",\"id\":\"a\"},\"attrs\":{},"
                              "\"parents\":[]}]";
        rows[11].x.entities = "[{\"uid\":{\"type\":\"Group\",\"id\":\"a\"},\"attrs\":{},"
                              "\"parents\":[{\"type\":\"Group\",\"id\":\"a\"}]}]";
        rows[12].x.entities = "[{\"uid\":{\"type\":\"Group\",\"id\":\"a\"},\"attrs\":{},"
                              "\"parents\":[]},{\"uid\":{\"type\":\"Group\",\"id\":\"a\"},"
                              "\"attrs\":{},\"parents\":[{\"type\":\"Group\",\"id\":\"b\"}]}]";
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
                CLEANUP(package_unrefp) struct package *p = NULL;
                struct err err = { 0 };
                int r;

                packed_put(&file, &rows[i].x, NULL, NULL);
                r = package_open_bytes(buf_span(&file), NULL, 0, &p, &err);
                if (rows[i].says ? r != -EINVAL || strncmp(err.text, rows[i].says,
                                                           strlen(rows[i].says)) != 0
                                 : r != 0)
                        fail_msg("row %zu: %d %s", i, r, err.text);
        }
}

/* Another version of Assay may put the same schema in other words. */
static void the_text_of_the_schema_may_be_another(void **state)
{
        CLEANUP(buf_done)
        struct buf file = BUF_INIT(1 << 20), other = BUF_INIT(1 << 20), text = BUF_INIT(1 << 20);
        CLEANUP(package_unrefp) struct package *p = NULL, *q = NULL;
        struct packed x = PACKED("accounts", "1");
        struct err err = { 0 };

        (void)state;
        packed_put(&file, &x, NULL, NULL);
        assert_int_equal(package_open_bytes(buf_span(&file), NULL, 0, &p, NULL), 0);
        buf_put_str(&text, "// derived\n");
        buf_put(&text, p->file.section[PACKAGE_SCHEMA]);
        x.schema = buf_cstr(&text);
        packed_put(&other, &x, NULL, NULL);
        assert_int_equal(package_open_bytes(buf_span(&other), NULL, 0, &q, &err), 0);
        buf_clear(&other);
        buf_put_str(&text, "entity More;\n");
        x.schema = buf_cstr(&text);
        packed_put(&other, &x, NULL, NULL);
        q = package_unref(q);
        assert_int_equal(package_open_bytes(buf_span(&other), NULL, 0, &q, &err), -EINVAL);
        assert_non_null(strstr(err.text, "not what is derived from the API"));
}

/* A pattern that is none. */
static void schemas_are_compiled(void **state)
{
        static const char model[] =
                "{\"api\":{\"schemas\":[{\"pattern\":\"(\"}]},\"config\":{\"backend\":{"
                "\"unix\":\"/run/a\"},\"depth\":32,\"name\":\"accounts\",\"request\":1000,"
                "\"response\":1000}}";
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        struct packed x = PACKED("accounts", "1");
        struct package *p = NULL;
        struct err err = { 0 };

        (void)state;
        x.model = model;
        x.schema = "";
        packed_put(&file, &x, NULL, NULL);
        assert_int_equal(package_open_bytes(buf_span(&file), NULL, 0, &p, &err), -EINVAL);
        assert_int_equal(strncmp(err.text, "api: ", 5), 0);
}

/* ---- files ---- */

static int memory_file(struct span s)
{
        int fd = memfd_create("package", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, s.p, s.n, 0), s.n);
        return fd;
}

/* Who opened it has its own copy: a writer cannot change it, nor make it end early. */
static void what_was_opened_stays(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        CLEANUP(package_unrefp) struct package *p = NULL;
        struct packed x = PACKED("accounts", "1");
        struct err err = { 0 };
        int fd;

        (void)state;
        packed_put(&file, &x, NULL, NULL);
        fd = memory_file(buf_span(&file));
        assert_int_equal(lseek(fd, 7, SEEK_SET), 7);
        assert_int_equal(package_open(fd, NULL, 0, &p, &err), 0);
        assert_int_equal(pwrite(fd, "rubbish", 7, 100), 7);
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_true(span_eq(p->file.body, buf_span(&file)));
        assert_int_equal(decide(p, "ann", "99"), CEDAR_PERMIT);
        close(fd);
}

static void other_files_are_refused(void **state)
{
        struct package *p = NULL;
        struct err err = { 0 };
        int pipes[2], fd;

        (void)state;
        assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
        assert_int_equal(package_open(pipes[0], NULL, 0, &p, &err), -EINVAL);
        close(pipes[0]);
        assert_int_equal(package_open(pipes[0], NULL, 0, &p, &err), -EBADF);
        close(pipes[1]);
        fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_int_equal(package_open(fd, NULL, 0, &p, &err), -EINVAL);
        close(fd);
        fd = memory_file(SPAN(""));
        assert_int_equal(package_open(fd, NULL, 0, &p, &err), -EBADMSG);
        assert_int_equal(ftruncate(fd, PACKAGE_FILE_MAX + 1), 0);
        assert_int_equal(package_open(fd, NULL, 0, &p, &err), -EBADMSG);
        assert_int_equal(ftruncate(fd, PACKAGE_FILE_MAX), 0);
        assert_int_equal(package_open(fd, NULL, 0, &p, &err), -EBADMSG);
        assert_string_equal(err.text, "no package that assay api build has made");
        close(fd);
        fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
        assert_int_equal(package_open(fd, NULL, 0, &p, &err), -EINVAL);
        close(fd);
        assert_null(p);
}

static void memory_may_fail(void **state)
{
        CLEANUP(buf_done) struct buf file = BUF_INIT(1 << 20);
        CLEANUP(signer_freep) struct signer *signer = packed_signer();
        struct packed x = PACKED("accounts", "1");
        size_t nth = 1;
        int fd;

        (void)state;
        x.types = TYPES;
        x.entities = "[]";
        packed_put(&file, &x, signer, NULL);
        fd = memory_file(buf_span(&file));
        for (size_t done = 0; !done; nth++) {
                CLEANUP(package_unrefp) struct package *p = NULL;
                struct err err = { 0 };
                int r;

                alloc_fail_nth = nth;
                r = package_open(fd, keys, 1, &p, &err);
                done = alloc_fail_nth > 0;
                alloc_fail_nth = 0;
                if (r != (done ? 0 : -ENOMEM))
                        fail_msg("allocation %zu: %d %s", nth, r, err.text);
        }
        assert_true(nth > 30);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_package_decides),
                cmocka_unit_test(a_package_lasts_as_long_as_its_references),
                cmocka_unit_test(signatures_are_asked_for),
                cmocka_unit_test(other_packages_are_refused),
                cmocka_unit_test(the_text_of_the_schema_may_be_another),
                cmocka_unit_test(schemas_are_compiled),
                cmocka_unit_test(what_was_opened_stays),
                cmocka_unit_test(other_files_are_refused),
                cmocka_unit_test(memory_may_fail),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
