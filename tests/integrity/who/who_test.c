/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/who.h"

#include "integrity/who/procsource.h"
#include "sys/sysclock.h"
#include "wire/json.h"

#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

static void put_kin(struct who *w, struct who_kin *k, pid_t pid, const char *name, int uid)
{
        *k = (struct who_kin){ .pid = pid,
                               .uid = (uint32_t)uid,
                               .has_uid = uid >= 0,
                               .at = (uint32_t)w->names.n,
                               .n = (uint32_t)strlen(name) };
        buf_put_str(&w->names, name);
}

static void check_text(const struct who *w, struct who *const *also, size_t max,
                       const char *unknown, const char *want)
{
        struct buf b = BUF_INIT(65536);
        struct json_writer j;
        struct err err = { 0 };

        json_writer_init(&j, &b);
        who_put(&j, w, also, max, unknown);
        assert_string_equal(buf_cstr(&b), want);
        assert_int_equal(json_check(buf_span(&b), &err), 0);
        buf_done(&b);
}

static void test_text(void **state)
{
        struct who *w = who_new(42), *other = who_new(43);
        struct who *also[] = { other, NULL };

        check_text(NULL, NULL, 0, "nobody looked", "{\"unknown\":\"nobody looked\"}");
        check_text(w, NULL, 0, "not said", "{\"pid\":42}");
        w->has = WHO_HAS_UID | WHO_HAS_AUID | WHO_HAS_PPID | WHO_HAS_SESSION | WHO_HAS_MOUNT_NS |
                 WHO_EXE_NAMELESS;
        w->uid = 1000;
        w->euid = 0;
        w->auid = 1000;
        w->session = 3;
        w->ppid = 41;
        w->mount_ns = 9;
        buf_put_str(&w->comm, "vi");
        buf_put_str(&w->exe, "/usr/bin/vi");
        buf_put_str(&w->cmdline, "vi secret");
        buf_put_str(&w->unit, "cron.service");
        buf_put_str(&w->container, "no\xff"); /* no name */
        put_kin(w, &w->parents[0], 41, "/bin/a\nb", 1000);
        put_kin(w, &w->parents[1], 1, "", -1);
        w->n_parents = 2;
        put_kin(w, &w->earlier[0], 42, "/bin/sh", 0);
        w->n_earlier = 1;
        buf_put_str(&other->comm, "other");
        check_text(w, also, 1, NULL,
                   "{\"also\":[[43,\"other\"]],\"auid\":1000,\"comm\":\"vi\","
                   "\"earlier\":[[\"/bin/sh\",0]],\"euid\":0,\"exe\":\"/usr/bin/vi\","
                   "\"exe_nameless\":true,\"mount_ns\":9,"
                   "\"parents\":[[41,\"/bin/a\\\\x0ab\",1000],[1,null,null]],"
                   "\"pid\":42,\"ppid\":41,\"session\":3,\"uid\":1000,\"unit\":\"cron.service\"}");
        who_unref(w);
        who_unref(other);
        (void)state;
}

/* ---- real processes ---- */

static struct procsource *source;
static struct who_cache *cache;

static int open_cache(enum procsource_kind best)
{
        struct err err = { 0 };

        assert_int_equal(procsource_open(best, &sysclock, &source, &err), 0);
        procsource_seed(source);
        assert_int_equal(who_cache_new(source, &cache, &err), 0);
        assert_int_equal(who_set_users(cache, SPAN("0 first\n0 second\nbad\n"), &err), 0);
        return 0;
}

static void close_cache(void)
{
        cache = who_cache_free(cache);
        source = procsource_free(source);
}

static void check_self(struct who *w, const char *exe)
{
        assert_non_null(w);
        assert_true(w->has & WHO_HAS_UID && w->has & WHO_HAS_PPID);
        assert_int_equal(w->uid, getuid());
        assert_int_equal(w->ppid, getpid());
        if (!span_eq_str(buf_span(&w->exe), exe))
                fail_msg("%s: %s", buf_cstr(&w->exe), w->unknown);
        assert_true(w->n_parents > 0);
        assert_int_equal(w->parents[0].pid, getpid());
        assert_true(w->start > 0);
        if (w->uid == 0)
                assert_true(span_eq_str(buf_span(&w->user), "first"));
}

static void end_child(pid_t pid)
{
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static pid_t begin_child(void)
{
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0) {
                pause();
                _exit(0);
        }
        return pid;
}

static void test_without_events(void **state)
{
        char exe[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", exe, sizeof exe - 1);
        pid_t pid = begin_child();
        struct who *w;
        int pidfd;

        assert_true(n > 0);
        exe[n] = '\0';
        open_cache(PROCSOURCE_PROC);
        assert_int_equal(procsource_fd(source), -1);
        pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        w = who_of(cache, pid, pidfd, false);
        check_self(w, exe);
        assert_non_null(strstr(w->unknown, "user: it was read after the change"));
        assert_true(who_is_doubted(w));
        assert_ptr_equal(who_of(cache, pid, pidfd, false), w); /* once in a read */
        who_batch_end(cache);
        end_child(pid);
        w = who_of(cache, pid, -1, true);
        check_self(w, exe);
        assert_non_null(strstr(w->unknown, "had ended"));
        who_batch_end(cache);
        w = who_of(cache, 0, -1, false);
        assert_string_equal(w->unknown, "the kernel named no process of ours");
        close(pidfd);
        close_cache();
        (void)state;
}

/* A child that was begun, has executed, written and ended between two reads. */
static void test_between_two_reads(void **state)
{
        enum procsource_kind best = *(enum procsource_kind *)*state;
        char exe[PATH_MAX];
        uint64_t quiet = 0;
        struct who *w;
        pid_t pid;

        open_cache(best);
        if (procsource_kind(source) != best) {
                print_message("%s\n", procsource_refused(source));
                assert_non_null(strstr(procsource_refused(source), procsource_name(best)));
                close_cache();
                skip();
        }
        assert_true(procsource_fd(source) >= 0);
        assert_string_equal(procsource_refused(source), "");
        who_reading(cache);
        who_read(cache, &quiet, false);
        assert_true(quiet > 0);
        pid = fork();
        if (pid == 0) {
                execl("/bin/true", "true", "said", NULL);
                _exit(1);
        }
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        who_reading(cache);
        who_read(cache, &quiet, true);
        assert_int_equal(who_knows_ends(cache), best == PROCSOURCE_EBPF);
        w = who_of(cache, pid, -1, !who_knows_ends(cache)); /* where ends are told, nobody else
                                                             * needs to say so */
        assert_non_null(w);
        assert_int_equal(w->ppid, getpid());
        assert_int_equal(w->uid, getuid());
        assert_int_equal(w->parents[0].pid, getpid());
        assert_int_equal(w->n_earlier, 0);
        if (best == PROCSOURCE_EBPF) {
                assert_non_null(realpath("/bin/true", exe));
                check_self(w, exe);
                assert_string_equal(buf_cstr(&w->cmdline), "true said");
                assert_string_equal(w->unknown, "");
        } else {
                assert_int_equal(w->exe.n, 0);
                assert_non_null(strstr(w->unknown, "executable"));
        }
        close_cache();
}

/* From whatever it is known, a thread of the kernel's is one, and nobody else is. */
static void test_kernel_thread(void **state)
{
        pid_t pid = begin_child();
        struct who *w;

        open_cache(*(enum procsource_kind *)*state);
        assert_false(who_is_kernel(who_of(cache, pid, -1, false)));
        end_child(pid);
        w = who_of(cache, 2, -1, false);
        if (span_eq_str(buf_span(&w->comm), "kthreadd")) { /* else a pid namespace of our own */
                assert_int_equal(who_is_kernel(w), geteuid() == 0);
                assert_true(!who_is_kernel(w) || strstr(w->unknown, "a thread of the kernel"));
        }
        close_cache();
}

int main(void)
{
        static enum procsource_kind kinds[] = { PROCSOURCE_EBPF, PROCSOURCE_CONNECTOR,
                                                PROCSOURCE_PROC };
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_text),
                cmocka_unit_test(test_without_events),
                cmocka_unit_test_prestate(test_between_two_reads, &kinds[0]),
                cmocka_unit_test_prestate(test_between_two_reads, &kinds[1]),
                cmocka_unit_test_prestate(test_kernel_thread, &kinds[0]),
                cmocka_unit_test_prestate(test_kernel_thread, &kinds[1]),
                cmocka_unit_test_prestate(test_kernel_thread, &kinds[2]),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
