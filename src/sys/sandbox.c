/* SPDX-License-Identifier: Apache-2.0 */
/* Users, capabilities, limits and seccomp; Landlock is landlock.c. */
#include "sys/sandbox.h"

#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHADOW_MEMORY 1
#endif
#endif
#ifndef SHADOW_MEMORY
#define SHADOW_MEMORY 0 /* 1: an instrumented build, which maps terabytes it never touches */
#endif

static void note(struct sandbox_state *st, enum sandbox_step step, enum sandbox_result result,
                 const char *fmt, ...) PRINTF_LIKE(4, 5);

static void note(struct sandbox_state *st, enum sandbox_step step, enum sandbox_result result,
                 const char *fmt, ...)
{
        va_list ap;

        st->step[step].result = result;
        va_start(ap, fmt);
        if (vsnprintf(st->step[step].note, sizeof st->step[step].note, fmt, ap) < 0)
                st->step[step].note[0] = '\0';
        va_end(ap);
}

void sandbox_not_asked(struct sandbox_state *st, enum sandbox_step s, const char *why)
{
        note(st, s, SANDBOX_NOT_ASKED, "%s", why);
}

const char *sandbox_step_name(enum sandbox_step s)
{
        static const char *const names[] = {
                [SANDBOX_USER] = "user",         [SANDBOX_CAPS] = "capabilities",
                [SANDBOX_NO_PRIVS] = "no-privs", [SANDBOX_NETWORK] = "network",
                [SANDBOX_LIMITS] = "limits",     [SANDBOX_LANDLOCK] = "landlock",
                [SANDBOX_SECCOMP] = "seccomp",
        };

        return names[s];
}

const char *sandbox_result_name(enum sandbox_result r)
{
        static const char *const names[] = {
                [SANDBOX_NOT_ASKED] = "not asked",
                [SANDBOX_APPLIED] = "applied",
                [SANDBOX_PARTLY] = "partly",
                [SANDBOX_ABSENT] = "absent",
        };

        return names[r];
}

/* ---- user and capabilities ---- */

static int get_caps(struct __user_cap_data_struct data[2])
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };

        return syscall(SYS_capget, &head, data) < 0 ? -errno : 0;
}

static int set_caps(uint64_t caps)
{
        struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[2] = {
                { .effective = (uint32_t)caps, .permitted = (uint32_t)caps },
                { .effective = (uint32_t)(caps >> 32), .permitted = (uint32_t)(caps >> 32) },
        };

        return syscall(SYS_capset, &head, data) < 0 ? -errno : 0;
}

int sandbox_caps(uint64_t *ret)
{
        struct __user_cap_data_struct data[2];
        int r = get_caps(data);

        if (r < 0)
                return r;
        *ret = data[0].permitted | (uint64_t)data[1].permitted << 32;
        return 0;
}

/* False when the right to (CAP_SETPCAP) is missing: an exec of a set-uid program could then gain
 * what the bounding set still has, but for no-new-privileges. */
static bool drop_bounding(uint64_t keep)
{
        bool all = true;

        for (unsigned long c = 0;; c++) {
                int has = prctl(PR_CAPBSET_READ, c, 0, 0, 0);

                if (has < 0)
                        return all;
                if (has && !(keep & SANDBOX_CAP(c)) && prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
                        all = false;
        }
}

static int change_user(struct sandbox_state *st, uid_t uid, gid_t gid, struct err *err)
{
        uid_t r, e, s;

        if (setgroups(0, NULL) < 0)
                return err_sys(err, -errno, "drop supplementary groups");
        if (setresgid(gid, gid, gid) < 0)
                return err_sys(err, -errno, "become group %u", gid);
        if (setresuid(uid, uid, uid) < 0)
                return err_sys(err, -errno, "become user %u", uid);
        if (getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid)
                return err_set(err, -EPERM, "become user %u: the kernel says otherwise", uid);
        note(st, SANDBOX_USER, SANDBOX_APPLIED, "uid %u, gid %u", uid, gid);
        return 0;
}

/* The kernel forgets the signal for the parent's end when a process becomes another user, and
 * whoever was started to end with it would be left behind. */
static int end_with_parent(int signo, pid_t parent, struct err *err)
{
        if (signo == 0)
                return 0;
        if (prctl(PR_SET_PDEATHSIG, signo) < 0)
                return err_sys(err, -errno, "end with the parent");
        if (getppid() != parent) /* it has ended meanwhile */
                raise(signo);
        return 0;
}

static int drop(struct sandbox_state *st, uid_t uid, gid_t gid, uint64_t caps, struct err *err)
{
        bool bounded = drop_bounding(caps);
        uint64_t now;
        int r;

        if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
                return err_sys(err, -errno, "clear ambient capabilities");
        if (uid == (uid_t)-1) {
                note(st, SANDBOX_USER, SANDBOX_NOT_ASKED, "uid %u kept", geteuid());
        } else {
                if (caps && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
                        return err_sys(err, -errno, "keep capabilities");
                r = change_user(st, uid, gid, err);
                if (r < 0)
                        return r;
        }
        r = set_caps(caps);
        if (r < 0)
                return err_sys(err, r, "keep capabilities %#llx only", (unsigned long long)caps);
        r = sandbox_caps(&now);
        if (r < 0 || now != caps)
                return err_set(err, -EPERM, "capabilities are not what was set");
        note(st, SANDBOX_CAPS, bounded ? SANDBOX_APPLIED : SANDBOX_PARTLY, "%#llx%s",
             (unsigned long long)caps, bounded ? "" : ", bounding set kept");
        return 0;
}

int sandbox_drop(struct sandbox_state *st, uid_t uid, gid_t gid, uint64_t caps, struct err *err)
{
        pid_t parent = getppid();
        int signo = 0, r;

        if (prctl(PR_GET_PDEATHSIG, &signo) < 0)
                return err_sys(err, -errno, "ask what comes with the parent's end");
        r = drop(st, uid, gid, caps, err);
        return r < 0 ? r : end_with_parent(signo, parent, err);
}

int sandbox_no_privs(struct sandbox_state *st, struct err *err)
{
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return err_sys(err, -errno, "no new privileges");
        if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return err_sys(err, -errno, "not dumpable");
        if (setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 }) < 0)
                return err_sys(err, -errno, "no core file");
        note(st, SANDBOX_NO_PRIVS, SANDBOX_APPLIED, "%s", "");
        return 0;
}

void sandbox_no_network(struct sandbox_state *st)
{
        if (unshare(CLONE_NEWNET) == 0)
                note(st, SANDBOX_NETWORK, SANDBOX_APPLIED, "%s", "");
        else
                note(st, SANDBOX_NETWORK, SANDBOX_ABSENT, "own network namespace: %s",
                     strerror(errno));
}

static int limit(int what, size_t n, const char *name, struct err *err)
{
        struct rlimit l = { n, n };

        return setrlimit(what, &l) < 0 ? err_sys(err, -errno, "limit %s to %zu", name, n) : 0;
}

int sandbox_limit(struct sandbox_state *st, const struct sandbox_limits *l, struct err *err)
{
        int r;

        r = limit(RLIMIT_CPU, l->cpu_s, "processor seconds", err);
        if (r == 0)
                r = limit(RLIMIT_NOFILE, l->files, "descriptors", err);
        if (r == 0)
                r = limit(RLIMIT_FSIZE, l->file_size, "file size", err);
        if (r == 0 && l->tasks)
                r = limit(RLIMIT_NPROC, l->tasks, "processes", err);
        if (r == 0 && !SHADOW_MEMORY)
                r = limit(RLIMIT_AS, l->memory, "address space", err);
        if (r < 0)
                return r;
        note(st, SANDBOX_LIMITS, SHADOW_MEMORY ? SANDBOX_PARTLY : SANDBOX_APPLIED, "%s",
             SHADOW_MEMORY ? "address space: not in an instrumented build" : "");
        return 0;
}

/* ---- seccomp ---- */

struct unknown {
        unsigned n;
        const char *first;
};

/* 0 also for a name of another architecture or a newer kernel; *u counts those unknown. */
static int add(scmp_filter_ctx ctx, uint32_t action, const char *name, unsigned n,
               const struct scmp_arg_cmp *cmp, struct unknown *u)
{
        int nr = seccomp_syscall_resolve_name(name);
        int r;

        if (nr == __NR_SCMP_ERROR) {
                if (u->n++ == 0)
                        u->first = name;
                return 0;
        }
        r = seccomp_rule_add_array(ctx, action, nr, n, cmp);
        return r == -EDOM ? 0 : r;
}

static int add_all(scmp_filter_ctx ctx, const struct sandbox_calls *calls, struct unknown *u,
                   struct err *err)
{
        struct scmp_arg_cmp cmp;
        int r;

        for (const char *const *const *list = calls->allow; *list; list++)
                for (const char *const *name = *list; *name; name++) {
                        r = add(ctx, SCMP_ACT_ALLOW, *name, 0, NULL, u);
                        if (r < 0)
                                return err_sys(err, r, "seccomp: %s", *name);
                }
        for (const struct sandbox_arg *a = calls->args; a && a->name; a++) {
                cmp = (struct scmp_arg_cmp){
                        .arg = a->arg,
                        .op = a->mask ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
                        .datum_a = a->mask ? a->mask : a->value,
                        .datum_b = a->value,
                };
                r = add(ctx, SCMP_ACT_ALLOW, a->name, 1, &cmp, u);
                if (r < 0)
                        return err_sys(err, r, "seccomp: %s by argument", a->name);
        }
        cmp = (struct scmp_arg_cmp){ .arg = 0, .op = SCMP_CMP_EQ, .datum_a = (uint64_t)getpid() };
        r = add(ctx, SCMP_ACT_ALLOW, "tgkill", 1, &cmp, u); /* abort(3) */
        if (r == 0)
                r = add(ctx, SCMP_ACT_ERRNO(ENOSYS), "clone3", 0, NULL, u);
        return r < 0 ? err_sys(err, r, "seccomp: tgkill, clone3") : 0;
}

int sandbox_seccomp(struct sandbox_state *st, const struct sandbox_calls *calls, struct err *err)
{
        uint32_t other = calls->kill ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EPERM);
        scmp_filter_ctx ctx = seccomp_init(other);
        struct unknown u = { 0 };
        int r;

        if (!ctx)
                return err_sys(err, -ENOMEM, "seccomp");
        r = add_all(ctx, calls, &u, err);
        if (r == 0) {
                r = seccomp_load(ctx);
                if (r == -EINVAL || r == -ENOSYS) { /* a kernel without filters */
                        note(st, SANDBOX_SECCOMP, SANDBOX_ABSENT, "%s", strerror(-r));
                        r = 0;
                } else if (r < 0) {
                        err_sys(err, r, "seccomp: load");
                } else if (u.n > 0) {
                        note(st, SANDBOX_SECCOMP, SANDBOX_PARTLY,
                             "%u call names unknown to this libseccomp, %s the first", u.n,
                             u.first);
                } else {
                        note(st, SANDBOX_SECCOMP, SANDBOX_APPLIED, "%s", "");
                }
        }
        seccomp_release(ctx);
        return r;
}
