/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/proc.h"
#include "sys/process.h"

#include "sys/bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <limits.h>
#include <linux/types.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "bpf/process.h"

enum { RECORD_MAX = 16384 };

/* ---- both sides see the same struct ---- */

#define MEMBER(name)                                                                               \
        {                                                                                          \
#name, offsetof(struct process_record, name),                                      \
                        sizeof(((struct process_record *)0)->name)                                 \
        }

static const struct {
        const char *name;
        size_t at, n;
} members[] = {
        MEMBER(time_ns), MEMBER(start_ns), MEMBER(cgroup),  MEMBER(exe_ino),  MEMBER(pid),
        MEMBER(ppid),    MEMBER(creator),  MEMBER(sid),     MEMBER(tty),      MEMBER(uid),
        MEMBER(euid),    MEMBER(auid),     MEMBER(session), MEMBER(mount_ns), MEMBER(flags),
        MEMBER(exe_dev), MEMBER(kind),     MEMBER(exe_n),   MEMBER(args_n),   MEMBER(cgroup_n),
        MEMBER(comm),
};

static void check_member(const struct btf *btf, const struct btf_type *t, size_t i)
{
        const struct btf_member *m = &btf_members(t)[i];

        assert_string_equal(btf__name_by_offset(btf, m->name_off), members[i].name);
        assert_int_equal(btf_member_bit_offset(t, (__u32)i), 8 * members[i].at);
        assert_int_equal(btf__resolve_size(btf, m->type), members[i].n);
}

static void test_layout(void **state)
{
        struct span object = bpf_bytes(BPF_PROCESS);
        struct bpf_object *o = bpf_object__open_mem(object.p, object.n, NULL);
        const struct btf_type *t;
        const struct btf *btf;

        assert_non_null(o);
        btf = bpf_object__btf(o);
        t = btf__type_by_id(btf,
                            (__u32)btf__find_by_name_kind(btf, "process_record", BTF_KIND_STRUCT));
        assert_non_null(t);
        assert_int_equal(t->size, sizeof(struct process_record));
        assert_int_equal(btf_vlen(t), ARRAY_LEN(members));
        for (size_t i = 0; i < ARRAY_LEN(members); i++)
                check_member(btf, t, i);
        /* all global data is the one struct, which begins with the count of losses */
        t = btf__type_by_id(btf, (__u32)btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC));
        assert_non_null(t);
        assert_int_equal(btf_vlen(t), 1);
        assert_int_equal(btf_var_secinfos(t)->offset, 0);
        assert_int_equal(btf_var_secinfos(t)->size, sizeof(struct process_shared));
        t = btf__type_by_id(btf,
                            (__u32)btf__find_by_name_kind(btf, "process_shared", BTF_KIND_STRUCT));
        assert_string_equal(btf__name_by_offset(btf, btf_members(t)[0].name_off), "lost");
        assert_int_equal(offsetof(struct process_shared, lost), 0);
        bpf_object__close(o);
        (void)state;
}

/* ---- what loading costs: the kernel follows a program by each way through it ---- */

static void check_cost(enum bpf_object_id id, unsigned most)
{
        struct span object = bpf_bytes(id);
        struct bpf_object *o = bpf_object__open_mem(object.p, object.n, NULL);
        struct bpf_program *p;

        assert_non_null(o);
        if (bpf_object__load(o) < 0) {
                bpf_object__close(o);
                skip();
        }
        bpf_object__for_each_program(p, o)
        {
                struct bpf_prog_info info = { 0 };
                __u32 n = sizeof info;

                assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(p), &info, &n), 0);
                assert_in_range(info.verified_insns, 1, most);
        }
        bpf_object__close(o);
}

/* A loop that is followed turn by turn took the sensor a second and a half at each start. */
static void test_costs_little_to_load(void **state)
{
        check_cost(BPF_PROCESS, 50000);
        check_cost(BPF_ATTEMPT, 200000);
        (void)state;
}

/* ---- records ---- */

struct bytes {
        size_t n;
        uint8_t at[RECORD_MAX];
};

static void put(struct bytes *b, const void *p, size_t n)
{
        assert_true(n <= sizeof b->at - b->n);
        if (n)
                memcpy(b->at + b->n, p, n);
        b->n += n;
}

static struct process_record plain_record(void)
{
        return (struct process_record){ .time_ns = 11,
                                        .start_ns = 5,
                                        .cgroup = 77,
                                        .exe_ino = 1234,
                                        .exe_dev = 0x800001,
                                        .pid = 42,
                                        .ppid = 41,
                                        .creator = 40,
                                        .sid = 39,
                                        .tty = 0x8803,
                                        .uid = 1000,
                                        .euid = 1001,
                                        .auid = UINT32_MAX,
                                        .session = 3,
                                        .mount_ns = 9,
                                        .kind = PROCESS_RECORD_EXEC,
                                        .comm = "name" };
}

static struct span record_of(struct process_record *r, struct span exe, struct span args,
                             struct span cgroup, struct bytes *out)
{
        out->n = 0;
        r->exe_n = (uint16_t)exe.n;
        r->args_n = (uint16_t)args.n;
        r->cgroup_n = (uint16_t)cgroup.n;
        put(out, r, sizeof *r);
        put(out, exe.p, exe.n);
        put(out, args.p, args.n);
        put(out, cgroup.p, cgroup.n);
        return span_of(out->at, out->n);
}

static void test_paths(void **state)
{
        static const struct {
                struct span parts;
                const char *want;
        } cases[] = {
                { SPAN_INIT("vi\0bin\0usr\0"), "/usr/bin/vi" },
                { SPAN_INIT("memfd:x\0"), "/memfd:x" },
                { SPAN_INIT("a b\nc\xff\0..\0"), "/../a b\nc\xff" },
                { SPAN_INIT(""), "" },
        };
        static struct process_scratch scratch;
        static struct bytes b;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct process_record r = plain_record();
                struct process_event e;
                struct span s = record_of(&r, cases[i].parts, SPAN("v\0i\0"), cases[i].parts, &b);

                assert_int_equal(process_decode(s, &scratch, &e, NULL), 0);
                assert_true(span_eq_str(e.exe, cases[i].want));
                assert_true(span_eq_str(e.cgroup_path, cases[i].want));
                assert_true(span_eq(e.args, SPAN("v\0i\0")));
                assert_true(span_eq_str(e.comm, "name"));
                assert_int_equal(e.time_ns, 11);
                assert_int_equal(e.start_ns, 5);
                assert_int_equal(e.cgroup, 77);
                assert_int_equal(e.exe_ino, 1234);
                assert_true(e.exe_dev == (UINT64_C(8) << 32 | 1));
                assert_int_equal(e.pid, 42);
                assert_int_equal(e.ppid, 41);
                assert_int_equal(e.creator, 40);
                assert_int_equal(e.sid, 39);
                assert_int_equal(e.tty, 0x8803);
                assert_int_equal(e.uid, 1000);
                assert_int_equal(e.euid, 1001);
                assert_int_equal(e.auid, PROCESS_UNSET);
                assert_int_equal(e.session, 3);
                assert_int_equal(e.mount_ns, 9);
        }
        (void)state;
}

static void test_kinds_and_flags(void **state)
{
        const unsigned always = PROCESS_HAS_START | PROCESS_HAS_PARENT | PROCESS_HAS_UID |
                                PROCESS_HAS_SID | PROCESS_HAS_COMM | PROCESS_HAS_MOUNT_NS;
        static const struct {
                unsigned kind, flags;
                enum process_what what;
                unsigned has; /* besides */
        } cases[] = {
                { PROCESS_RECORD_FORK, 0, PROCESS_FORKED, 0 },
                { PROCESS_RECORD_EXIT, PROCESS_FLAG_KERNEL, PROCESS_ENDED, PROCESS_IS_KERNEL },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_EXE, PROCESS_EXECUTED, PROCESS_HAS_EXE },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_EXE_CUT, PROCESS_EXECUTED, PROCESS_EXE_CUT },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_EXE_NAMELESS, PROCESS_EXECUTED,
                  PROCESS_EXE_NAMELESS },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_ARGS, PROCESS_EXECUTED, PROCESS_HAS_ARGS },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_ARGS_CUT, PROCESS_EXECUTED, PROCESS_ARGS_CUT },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_CGROUP, PROCESS_EXECUTED, PROCESS_HAS_PLACE },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_CGROUP_CUT, PROCESS_EXECUTED,
                  PROCESS_PLACE_CUT },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_AUDIT, PROCESS_EXECUTED, PROCESS_HAS_AUID },
                { PROCESS_RECORD_EXEC, PROCESS_FLAG_EXE_LED, PROCESS_EXECUTED, PROCESS_EXE_LED },
        };
        static struct process_scratch scratch;
        static struct bytes b;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct process_record r = plain_record();
                struct process_event e;

                r.kind = (uint16_t)cases[i].kind;
                r.flags = cases[i].flags;
                assert_int_equal(process_decode(record_of(&r, SPAN_NONE, SPAN_NONE, SPAN_NONE, &b),
                                                &scratch, &e, NULL),
                                 0);
                assert_int_equal(e.what, cases[i].what);
                assert_int_equal(e.has, always | cases[i].has);
        }
        (void)state;
}

static void break_kind(struct process_record *r)
{
        r->kind = 0;
}
static void break_kind_above(struct process_record *r)
{
        r->kind = PROCESS_RECORD_KINDS;
}
static void break_flags(struct process_record *r)
{
        r->flags = PROCESS_FLAGS_ALL + 1;
}
static void break_pid(struct process_record *r)
{
        r->pid = 1U << 31;
}
static void break_length(struct process_record *r)
{
        r->args_n = 7;
}
static void break_nothing(struct process_record *r)
{
        (void)r;
}

static void test_no_records(void **state)
{
        static const struct {
                void (*how)(struct process_record *r);
                struct span exe;
        } cases[] = {
                { break_kind, SPAN_INIT("") },         { break_kind_above, SPAN_INIT("") },
                { break_flags, SPAN_INIT("") },        { break_pid, SPAN_INIT("") },
                { break_length, SPAN_INIT("") },       { break_nothing, SPAN_INIT("no NUL") },
                { break_nothing, SPAN_INIT("a\0\0") },
        };
        static struct process_scratch scratch;
        static struct bytes b;
        static uint8_t large[PROCESS_EXE_MAX + 1];
        struct process_event e = { .pid = -7 };
        struct process_record r;
        struct err err = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                r = plain_record();
                (void)record_of(&r, cases[i].exe, SPAN_NONE, SPAN_NONE, &b);
                cases[i].how(&r);
                memcpy(b.at, &r, sizeof r);
                assert_int_equal(process_decode(span_of(b.at, b.n), &scratch, &e, &err), -EBADMSG);
                assert_int_equal(err.code, -EBADMSG);
                assert_int_equal(e.pid, -7);
        }
        memset(large, 'x', sizeof large - 1);
        r = plain_record();
        assert_int_equal(process_decode(record_of(&r, span_of(large, sizeof large), SPAN_NONE,
                                                  SPAN_NONE, &b),
                                        &scratch, &e, &err),
                         -EBADMSG);
        assert_int_equal(process_decode(record_of(&r, SPAN_NONE, span_of(large, sizeof large),
                                                  SPAN_NONE, &b),
                                        &scratch, &e, &err),
                         -EBADMSG);
        assert_int_equal(process_decode(span_of(b.at, sizeof r - 1), &scratch, &e, &err), -EBADMSG);
        (void)state;
}

/* ---- the kernel's own ---- */

struct seen {
        pid_t pid;
        unsigned forked, executed, ended;
        uint64_t start_ns, exe_dev, exe_ino;
        unsigned has;
        char exe[256], args[256];
};

static void keep(char out[256], struct span s)
{
        assert_true(s.n < 256);
        memcpy(out, s.p, s.n);
        out[s.n] = '\0';
        for (size_t i = 0; i + 1 < s.n; i++)
                if (out[i] == '\0')
                        out[i] = '|';
}

static int see(void *ctx, struct span record)
{
        static struct process_scratch scratch;
        struct seen *s = ctx;
        struct process_event e;

        assert_int_equal(process_decode(record, &scratch, &e, NULL), 0);
        if (e.pid != s->pid)
                return 0;
        assert_int_equal(e.ppid, getpid());
        if (e.what == PROCESS_FORKED) {
                assert_int_equal(s->executed + s->ended, 0);
                assert_int_equal(e.creator, getpid());
                s->start_ns = e.start_ns;
                s->forked++;
        } else if (e.what == PROCESS_EXECUTED) {
                keep(s->exe, e.exe);
                keep(s->args, e.args);
                s->has = e.has;
                s->exe_dev = e.exe_dev;
                s->exe_ino = e.exe_ino;
                s->executed++;
        } else {
                s->ended++;
        }
        assert_true(e.has & PROCESS_HAS_START && e.start_ns == s->start_ns && s->start_ns);
        assert_true(e.time_ns >= e.start_ns);
        assert_int_equal(e.uid, getuid());
        return 0;
}

static void test_real(void **state)
{
        CLEANUP(bpf_freep) struct bpf *b = NULL;
        struct seen s = { 0 };
        struct pollfd p = { .events = POLLIN };
        struct err err = { 0 };
        char want[PATH_MAX];
        struct stat st;

        if (bpf_open(BPF_PROCESS, &b, &err) < 0) {
                print_message("%s\n", err.text);
                assert_true(err.code < 0 && err.text[0]);
                skip();
        }
        assert_non_null(realpath("/bin/true", want));
        s.pid = fork();
        if (s.pid == 0) {
                execl("/bin/true", "an", "argument ", NULL);
                _exit(1);
        }
        p.fd = bpf_fd(b);
        while (s.executed == 0) { /* an exec wakes */
                assert_int_equal(poll(&p, 1, 5000), 1);
                assert_int_equal(bpf_read(b, see, &s), 0);
        }
        assert_int_equal(waitpid(s.pid, NULL, 0), s.pid);
        assert_int_equal(bpf_read(b, see, &s), 0); /* what was before is read, waking or not */
        assert_int_equal(s.forked, 1);
        assert_int_equal(s.executed, 1);
        assert_int_equal(s.ended, 1);
        assert_string_equal(s.exe, want);
        assert_string_equal(s.args, "an|argument ");
        assert_int_equal(stat(want, &st), 0);
        assert_int_equal(s.exe_ino, st.st_ino);
        if (major(st.st_dev)) /* where the filesystem has a device of its own */
                assert_true(s.exe_dev == ((uint64_t)major(st.st_dev) << 32 | minor(st.st_dev)));
        (void)state;
}

/* Environments of 600 variables, and variables longer than what is read at once. */
enum { MANY = 600, LONG = 9000 };
static char long_text[LONG];

static unsigned executed_with(struct bpf *b, char *const *env)
{
        struct seen s = { 0 };

        s.pid = fork();
        if (s.pid == 0) {
                execle("/bin/true", "true", NULL, env);
                _exit(1);
        }
        assert_int_equal(waitpid(s.pid, NULL, 0), s.pid);
        assert_int_equal(bpf_read(b, see, &s), 0);
        assert_int_equal(s.executed, 1);
        return s.has;
}

/* As in /proc/<pid>/environ. */
static struct span as_text(char *const *env)
{
        static uint8_t text[2 * LONG];
        size_t n = 0;

        for (; *env; env++) {
                memcpy(text + n, *env, strlen(*env) + 1);
                n += strlen(*env) + 1;
        }
        return span_of(text, n);
}

static void test_led(void **state)
{
        static char *many[MANY + 1];
        static const struct {
                const char *env[5];
                bool want, strays;
        } cases[] = {
                { { "PATH=/bin", "HOME=/" }, false, true },
                { { NULL }, false, false },
                { { "A=1", "PATH=/usr/sbin:/usr/bin:/sbin:/bin" }, false, false },
                { { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" },
                  false,
                  false },
                { { "PATH=/usr/sbin:/usr/bin:/sbin:/bin:" }, false, true },
                { { "PATH=/usr/sbin:/usr/bin:/sbin:/bi" }, false, true },
                { { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/tmp" },
                  false,
                  true },
                { { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/tmp/bin:/sbin:/bin" },
                  false,
                  true },
                { { "PATH=" }, false, true },
                { { "PATHS=/bin", "XPATH=/bin" }, false, false },
                { { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "PATH=/tmp" }, false, true },
                { { "PATH=/tmp", "LD_AUDIT=/tmp/x.so" }, true, true },
                { { "OPENSSL_CONF=/tmp/x" }, true, false },
                { { "OPENSSL_ENGINES=/tmp/x" }, true, false },
                { { "OPENSSL_MODULES=/tmp/x" }, true, false },
                { { "BASH_ENV=/tmp/x" }, true, false },
                { { "BASH_FUNC_ls%%=() { :; }" }, true, false },
                { { "PERL5OPT=-Mx" }, true, false },
                { { "PERL5LIB=/tmp" }, true, false },
                { { "PERLLIB=/tmp" }, true, false },
                { { "PYTHONPATH=/tmp" }, true, false },
                { { "PYTHONHOME=/tmp" }, true, false },
                { { "OPENSSL_CONFIG=1", "BASH_ENVS=1", "PERL5OPTS=1", "PYTHONPATHS=1" },
                  false,
                  false },
                { { "LD_PRELOAD=/tmp/x.so" }, true, false },
                { { "A=1", "LD_AUDIT=/tmp/x.so" }, true, false },
                { { "LD_LIBRARY_PATH=/tmp", "A=1" }, true, false },
                { { "GCONV_PATH=/tmp" }, true, false },
                { { "XLD_PRELOAD=/tmp/x.so", "LD_PRELOAD_=1", "LD_BIND_NOW=1" }, false, false },
                { { long_text, "LD_PRELOAD=/tmp/x.so" }, true, false },
                { { long_text, "A=1" }, false, false },
        };
        CLEANUP(bpf_freep) struct bpf *b = NULL;

        if (bpf_open(BPF_PROCESS, &b, NULL) < 0)
                skip();
        memset(long_text, 'x', sizeof long_text - 1);
        /* where the second part of it begins: that is not a variable's beginning */
        memcpy(long_text + PROCESS_ENVIRONMENT_PART - 1, "LD_PRELOAD=", 11);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                unsigned has = executed_with(b, (char *const *)cases[i].env);
                bool led = has & PROCESS_EXE_LED, strays = has & PROCESS_EXE_STRAYS;

                struct span text = as_text((char *const *)cases[i].env);

                if (led != cases[i].want || strays != cases[i].strays ||
                    proc_environ_leads(text) != led || proc_environ_strays(text) != strays)
                        fail_msg("case %zu", i);
        }
        for (size_t i = 0; i < MANY; i++)
                many[i] = (char *)"A=1";
        assert_true(executed_with(b, many) & PROCESS_EXE_LED); /* not read to its end */
        (void)state;
}

static void begin_and_end_one(void)
{
        pid_t pid = vfork();

        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* What nobody reads is lost, and counted. */
static void test_loss(void **state)
{
        CLEANUP(bpf_freep) struct bpf *b = NULL;
        struct seen s = { .pid = -1 };
        int rounds = 0;

        if (bpf_open(BPF_PROCESS, &b, NULL) < 0)
                skip();
        while (bpf_lost(b) == 0 && rounds++ < 40000)
                begin_and_end_one();
        assert_true(bpf_lost(b) > 0);
        assert_true(rounds > 1000); /* it holds that many */
        assert_int_equal(bpf_read(b, see, &s), 0);
        (void)state;
}

/* Its records would tell numbers of processes that are others' here. */
static void open_elsewhere(void)
{
        struct bpf *b = NULL;
        struct err err = { 0 };
        int status;
        pid_t pid;

        if (unshare(CLONE_NEWPID) < 0)
                _exit(2);
        pid = fork();
        if (pid == 0)
                _exit(bpf_open(BPF_ATTEMPT, &b, &err) == -EOPNOTSUPP && !b &&
                                      strstr(err.text, "namespace")
                              ? 0
                              : 1);
        _exit(waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

static void test_another_namespace(void **state)
{
        int status;
        pid_t pid;

        if (geteuid() != 0 || access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                skip();
        pid = fork();
        if (pid == 0)
                open_elsewhere();
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        if (WEXITSTATUS(status) == 2)
                skip(); /* none may be made here */
        assert_int_equal(WEXITSTATUS(status), 0);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layout),
                cmocka_unit_test(test_costs_little_to_load),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_kinds_and_flags),
                cmocka_unit_test(test_no_records),
                cmocka_unit_test(test_real),
                cmocka_unit_test(test_led),
                cmocka_unit_test(test_loss),
                cmocka_unit_test(test_another_namespace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
