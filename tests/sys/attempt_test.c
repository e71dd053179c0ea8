/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/attempt.h"

#include "sys/bpf.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <linux/types.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bpf/attempt.h"

/* ---- both sides mean the same bytes ---- */

#define MEMBER(type, name)                                                                         \
        {                                                                                          \
#type, #name, offsetof(struct type, name), sizeof(((struct type *)0)->name)        \
        }

static const struct {
        const char *type, *name;
        size_t at, n;
} members[] = {
        MEMBER(attempt_record, time_ns), MEMBER(attempt_record, pid),
        MEMBER(attempt_record, error),   MEMBER(attempt_record, op),
        MEMBER(attempt_record, flags),   MEMBER(attempt_record, base_n),
        MEMBER(attempt_record, path_n),  MEMBER(attempt_call, op),
        MEMBER(attempt_call, path),      MEMBER(attempt_call, dirfd),
        MEMBER(attempt_call, path2),     MEMBER(attempt_call, dirfd2),
        MEMBER(attempt_call, mask_arg),  MEMBER(attempt_call, how),
        MEMBER(attempt_call, mask),      MEMBER(attempt_shared, lost),
};

static void check_member(const struct btf *btf, size_t i)
{
        __u32 id = (__u32)btf__find_by_name_kind(btf, members[i].type, BTF_KIND_STRUCT);
        const struct btf_type *t = btf__type_by_id(btf, id);

        assert_non_null(t);
        for (__u32 k = 0; k < btf_vlen(t); k++) {
                const struct btf_member *m = &btf_members(t)[k];

                if (strcmp(btf__name_by_offset(btf, m->name_off), members[i].name) != 0)
                        continue;
                assert_int_equal(btf_member_bit_offset(t, k), 8 * members[i].at);
                assert_int_equal(btf__resolve_size(btf, m->type), members[i].n);
                return;
        }
        fail_msg("%s.%s", members[i].type, members[i].name);
}

static void test_layout(void **state)
{
        struct span object = bpf_bytes(BPF_ATTEMPT);
        struct bpf_object *o = bpf_object__open_mem(object.p, object.n, NULL);

        assert_non_null(o);
        for (size_t i = 0; i < ARRAY_LEN(members); i++)
                check_member(bpf_object__btf(o), i);
        bpf_object__close(o);
        (void)state;
}

/* ---- records ---- */

static size_t record(uint8_t *out, struct attempt_record r, struct span base, struct span path)
{
        r.base_n = (__u16)base.n;
        r.path_n = (__u16)path.n;
        memcpy(out, &r, sizeof r);
        if (base.n)
                memcpy(out + sizeof r, base.p, base.n);
        if (path.n)
                memcpy(out + sizeof r + base.n, path.p, path.n);
        return sizeof r + base.n + path.n;
}

/* What succeeded has no error, and says that it did. */
static void test_done(void **state)
{
        static const struct {
                int error;
                unsigned flags;
                int rc;
        } cases[] = {
                { 0, ATTEMPT_DONE, 0 },         { 0, 0, -EBADMSG },
                { -1, ATTEMPT_DONE, -EBADMSG }, { 1, 0, -EBADMSG },
                { 1, ATTEMPT_DONE, -EBADMSG },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct attempt_record r = { .pid = 42,
                                            .error = cases[i].error,
                                            .op = ATTEMPT_FLAGS,
                                            .flags = (__u16)cases[i].flags };
                struct buf path = BUF_INIT(ATTEMPT_PATH_MAX);
                uint8_t bytes[256];
                struct attempt a = { 0 };
                size_t n = record(bytes, r, SPAN("ssh\0etc\0"), SPAN_NONE);

                if (attempt_decode(span_of(bytes, n), &a, &path, NULL) != cases[i].rc)
                        fail_msg("case %zu", i);
                if (cases[i].rc == 0) {
                        assert_string_equal(buf_cstr(&path), "/etc/ssh");
                        assert_int_equal(a.op, ATTEMPT_FLAGS);
                        assert_int_equal(a.error, 0);
                        assert_true(a.exact);
                }
                buf_done(&path);
        }
        (void)state;
}

static void test_paths(void **state)
{
        static const struct {
                struct span base, path;
                unsigned flags;
                int rc;
                const char *want;
                bool exact, incomplete;
        } cases[] = {
                { SPAN_INIT(""), SPAN_INIT("/etc/passwd"), ATTEMPT_ABSOLUTE, 0, "/etc/passwd",
                  false, false },
                { SPAN_INIT(""), SPAN_INIT("/etc//./x/../passwd/"), ATTEMPT_ABSOLUTE, 0,
                  "/etc/passwd", false, false },
                { SPAN_INIT(""), SPAN_INIT("/../.."), ATTEMPT_ABSOLUTE, 0, "/", false, false },
                { SPAN_INIT("ssh\0etc\0"), SPAN_INIT("keys/a"), 0, 0, "/etc/ssh/keys/a", false,
                  false },
                { SPAN_INIT("ssh\0etc\0"), SPAN_INIT("../shadow"), ATTEMPT_SECOND, 0, "/etc/shadow",
                  false, false },
                { SPAN_INIT("ssh\0etc\0"), SPAN_INIT(""), 0, 0, "/etc/ssh", true, false },
                { SPAN_INIT(""), SPAN_INIT(""), 0, 0, "/", true, false },
                { SPAN_INIT("d\0"), SPAN_INIT("n"), ATTEMPT_BASE_CUT, 0, "/d/n", false, true },
                { SPAN_INIT("d\0"), SPAN_INIT(""), ATTEMPT_UNREAD, 0, "/d", false, true },
                { SPAN_INIT("d\0"), SPAN_INIT("..."), 0, 0, "/d/...", false, false },
                { SPAN_INIT("d"), SPAN_INIT("n"), 0, -EBADMSG, NULL, false, false },
                { SPAN_INIT("\0"), SPAN_INIT("n"), 0, -EBADMSG, NULL, false, false },
                { SPAN_INIT("d\0\0"), SPAN_INIT("n"), 0, -EBADMSG, NULL, false, false },
                { SPAN_INIT("a/b\0"), SPAN_INIT("n"), 0, -EBADMSG, NULL, false, false },
                { SPAN_INIT("d\0"), SPAN_INIT("n\0m"), 0, -EBADMSG, NULL, false, false },
                { SPAN_INIT("d\0"), SPAN_INIT("n"), ATTEMPT_DONE, -EBADMSG, NULL, false, false },
                { SPAN_INIT("d\0"), SPAN_INIT("n"), 32, -EBADMSG, NULL, false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct attempt_record r = { .time_ns = 5,
                                            .pid = 42,
                                            .error = -13,
                                            .op = ATTEMPT_UNLINK,
                                            .flags = (__u16)cases[i].flags };
                struct buf path = BUF_INIT(ATTEMPT_PATH_MAX);
                uint8_t bytes[256];
                size_t n = record(bytes, r, cases[i].base, cases[i].path);
                struct attempt a = { 0 };

                if (attempt_decode(span_of(bytes, n), &a, &path, NULL) != cases[i].rc)
                        fail_msg("case %zu", i);
                if (cases[i].rc == 0) {
                        assert_string_equal(buf_cstr(&path), cases[i].want);
                        assert_int_equal(a.exact, cases[i].exact);
                        assert_int_equal(a.incomplete, cases[i].incomplete);
                        assert_int_equal(a.op, ATTEMPT_UNLINK);
                        assert_int_equal(a.pid, 42);
                        assert_int_equal(a.error, -EACCES);
                }
                buf_done(&path);
        }
        (void)state;
}

static void test_heads(void **state)
{
        static const struct attempt_record bad[] = {
                { .op = 0, .error = -1 },
                { .op = ATTEMPT_OPS, .error = -1 },
                { .op = 1, .error = 0 },
                { .op = 1, .error = -5000 },
                { .op = 1, .error = -1, .pid = 1u << 31 },
        };
        struct buf path = BUF_INIT(ATTEMPT_PATH_MAX);
        struct attempt a;
        uint8_t bytes[64];

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                size_t n = record(bytes, bad[i], SPAN(""), SPAN("/a"));

                assert_int_equal(attempt_decode(span_of(bytes, n), &a, &path, NULL), -EBADMSG);
        }
        for (size_t n = 0; n < sizeof(struct attempt_record) + 1;
             n++) { /* cut short, or too long */
                size_t whole = record(bytes, (struct attempt_record){ .op = 1, .error = -1 },
                                      SPAN(""), SPAN("/a"));

                assert_true(n < whole);
                assert_int_equal(attempt_decode(span_of(bytes, n), &a, &path, NULL), -EBADMSG);
        }
        buf_done(&path);
        (void)state;
}

/* ---- the kernel's ---- */

struct seen {
        pid_t pid;
        char text[4096];
        size_t n;
};

static int see(void *ctx, struct span bytes)
{
        struct buf path = BUF_INIT(ATTEMPT_PATH_MAX);
        struct seen *s = ctx;
        struct attempt a;

        assert_int_equal(attempt_decode(bytes, &a, &path, NULL), 0);
        if (a.pid == s->pid)
                s->n += (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%s %s\n",
                                         attempt_op_name(a.op), buf_cstr(&path));
        buf_done(&path);
        return 0;
}

/* What a process without rights is refused, in its order; what it may, and what it reads, is not
 * told. */
static void try_all(void)
{
        int fd;

        if (chdir("/usr/lib") < 0 || setuid(65534) < 0)
                _exit(1);
        (void)!open("/usr/attempt", O_RDONLY); /* is not there */
        (void)!open("../attempt", O_CREAT | O_WRONLY, 0600);
        (void)!unlink("/usr/lib/./../bin");
        (void)!rename("../bin", "/usr/attempt");
        (void)!chmod("/usr", 0777);
        fd = open("/usr", O_RDONLY | O_DIRECTORY);
        (void)!fchown(fd, 1, 1);
        (void)!mkdirat(fd, "attempt", 0700);
        _exit(0);
}

static void test_real(void **state)
{
        CLEANUP(bpf_freep) struct bpf *b = NULL;
        struct seen s = { 0 };
        struct pollfd p = { .events = POLLIN };
        struct err err = { 0 };
        int status;

        if (geteuid() != 0 || attempt_open(&b, &err) < 0) {
                print_message("%s\n", err.text);
                skip();
        }
        s.pid = fork();
        if (s.pid == 0)
                try_all();
        assert_int_equal(waitpid(s.pid, &status, 0), s.pid);
        assert_int_equal(status, 0);
        p.fd = bpf_fd(b);
        assert_int_equal(poll(&p, 1, 5000), 1);
        assert_int_equal(bpf_read(b, see, &s), 0);
        assert_string_equal(s.text,
                            "open /usr/attempt\nunlink /usr/bin\nrename /usr/bin\n"
                            "rename /usr/attempt\nchmod /usr\nchown /usr\nmake /usr/attempt\n");
        (void)state;
}

/* More than may be told in a second are counted; a user's stand in nobody else's way. */
static void test_loss(void **state)
{
        CLEANUP(bpf_freep) struct bpf *b = NULL;
        struct seen s = { .pid = getpid() };
        int status;
        pid_t pid;

        if (geteuid() != 0 || attempt_open(&b, NULL) < 0)
                skip();
        pid = fork();
        if (pid == 0) {
                if (setuid(65534) < 0)
                        _exit(1);
                for (int i = 0; i < 3 * ATTEMPT_RATE; i++)
                        (void)!chmod("/usr", 0777);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_true(bpf_lost(b) > 0);
        assert_int_equal(chmod("/proc/self/stat", 0777), -1); /* root may not, either */
        assert_int_equal(bpf_read(b, see, &s), 0);
        assert_string_equal(s.text, "chmod /proc/self/stat\n");
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layout), cmocka_unit_test(test_done),
                cmocka_unit_test(test_paths),  cmocka_unit_test(test_heads),
                cmocka_unit_test(test_real),   cmocka_unit_test(test_loss),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
