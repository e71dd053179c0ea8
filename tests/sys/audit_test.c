/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/audit.h"

#include "base/clock.h"
#include "sys/audit_event.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static struct audit_rule_data head_of(const struct buf *b)
{
        struct audit_rule_data r;

        assert_true(b->n >= sizeof r);
        memcpy(&r, b->p, sizeof r);
        return r;
}

static void test_rules(void **state)
{
        static const struct {
                unsigned which;
                long call;
                bool in;
        } bits[] = {
                { 0, SYS_openat, true },    { 1, SYS_openat, false },  { 2, SYS_openat, true },
                { 0, SYS_unlinkat, true },  { 1, SYS_unlinkat, true }, { 2, SYS_unlinkat, false },
                { 0, SYS_write, false },    { 0, SYS_ioctl, false },   { 0, SYS_read, false },
                { 0, SYS_utimensat, true }, { 1, SYS_fchown, true },
        };
        CLEANUP(buf_done) struct buf b = BUF_INIT(AUDIT_RULE_MAX);

        for (size_t i = 0; i < ARRAY_LEN(bits); i++) {
                struct audit_rule_data r;

                buf_clear(&b);
                audit_put_rule(&b, bits[i].which, SPAN("/etc"), true, 7);
                assert_int_equal(buf_status(&b), 0);
                r = head_of(&b);
                assert_int_equal(!!(r.mask[AUDIT_WORD(bits[i].call)] & AUDIT_BIT(bits[i].call)),
                                 bits[i].in);
                assert_int_equal(b.n, sizeof r + r.buflen);
                assert_memory_equal(b.p + sizeof r, "/etc" AUDIT_OUR_KEY, r.buflen);
                assert_true(audit_is_ours(buf_span(&b)));
                for (size_t cut = 0; cut < b.n; cut++)
                        assert_false(audit_is_ours(span_of(b.p, cut)));
        }
        (void)state;
}

struct heard {
        struct audit_events *events;
        pid_t pid;
        char text[2048];
        size_t n;
};

static int hear_attempt(void *ctx, const struct attempt *a, struct span path)
{
        struct heard *h = ctx;

        if (a->pid == h->pid)
                h->n += (size_t)snprintf(h->text + h->n, sizeof h->text - h->n, "%s %d %.*s\n",
                                         attempt_op_name(a->op), a->error, (int)path.n,
                                         (const char *)path.p);
        return 0;
}

static int hear(void *ctx, unsigned type, struct span text)
{
        struct heard *h = ctx;

        return audit_events_take(h->events, type, text, 0, hear_attempt, h);
}

/* A user without rights, in the place and beside it. */
static void try_all(const char *dir)
{
        if (chdir(dir) < 0 || setuid(65534) < 0)
                _exit(1);
        (void)!open("f", O_RDWR);
        (void)!chmod("f", 0777);
        (void)!chmod("/usr", 0777);
        (void)!unlink("f");
        (void)!open("f", O_RDONLY);
        _exit(0);
}

static void test_real(void **state)
{
        CLEANUP(audit_freep) struct audit *a = NULL;
        CLEANUP(audit_events_freep) struct audit_events *events = NULL;
        char dir[] = "/tmp/assay-audit-XXXXXX", file[64], want[512];
        struct heard h = { 0 };
        struct err err = { 0 };
        struct audit_places places = { .n = 1 };
        int status, fd,
                lock = open("/tmp/assay-audit-test.lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);

        /* the kernel has one audit, and other tests would take its rules away */
        assert_true(lock >= 0 && flock(lock, LOCK_EX) == 0);
        assert_non_null(mkdtemp(dir));
        assert_int_equal(chmod(dir, 0755), 0);
        snprintf(file, sizeof file, "%s/f", dir);
        fd = open(file, O_CREAT | O_WRONLY, 0644);
        assert_true(fd >= 0);
        close(fd);
        places.at[0] = span_str(dir);
        assert_int_equal(audit_events_new(&events, NULL), 0);
        h.events = events;
        if (audit_open(&places, &a, &err) < 0) {
                print_message("%s\n", err.text);
                assert_true(err.text[0] != '\0');
                unlink(file);
                rmdir(dir);
                skip();
        }
        h.pid = fork();
        if (h.pid == 0)
                try_all(dir);
        assert_int_equal(waitpid(h.pid, &status, 0), h.pid);
        assert_int_equal(status, 0);
        snprintf(want, sizeof want, "open -13 %s\nchmod -1 %s\nunlink -13 %s\n", file, file, file);
        for (int i = 0; i < 250 && h.n < strlen(want); i++) {
                struct pollfd p = { .fd = audit_fd(a), .events = POLLIN };

                (void)!poll(&p, 1, 20);
                assert_int_equal(audit_read(a, hear, &h), 0);
        }
        assert_string_equal(h.text, want);
        assert_int_equal(audit_keep(a, &err), 0);
        a = audit_free(a);
        close(lock);
        unlink(file);
        rmdir(dir);
        (void)state;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_rules),
                cmocka_unit_test(test_real),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
