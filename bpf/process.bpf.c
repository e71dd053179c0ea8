// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* process.bpf.c - tells each fork, exec and exit of a process, with who it is.
 *
 * Three raw tracepoints with types (tp_btf), one ring.  A record is put together in a scratch of
 * its tracepoint and CPU, which nothing else writes: a tracepoint's program does not run within
 * itself, and is not moved while it runs.  A record that finds no room in the ring is counted.
 *
 * Waking costs more than telling: 17 us on a virtual machine, where all of an exec's record
 * takes 4. Only an exec wakes the reader, for a login is one, and not for a while after the last
 * time: the reader looks again by itself.  Forks and exits are read along with execs, or when there
 * are many. */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "process.h"
#include "walk.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
        CGROUP_PARTS = 16,
        HIERARCHIES = 16,
        WAKE_BYTES = PROCESS_RING_BYTES / 8,
        ENV_AT = 0x3000, /* in data: behind all of a record */
};

/* at, the bytes of data that are used, lives here and not in a register: what the verifier has to
 * know of it is then the same in every turn of a loop, and it looks at one turn instead of all. */
struct scratch {
        struct process_record r;
        __u8 data[WALK_DATA];
        __u32 at;
};

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, PROCESS_RING_BYTES);
} ring SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, PROCESS_RECORD_KINDS);
        __type(key, __u32);
        __type(value, struct scratch);
} scratches SEC(".maps");

struct process_shared shared;

_Static_assert((int)PROCESS_RECORD_EXE == (int)WALK_BYTES, "as its reader has it");
_Static_assert((int)PROCESS_RECORD_PART == (int)WALK_PART, "as its reader has it");

static __always_inline struct scratch *scratch_of(__u32 kind)
{
        return bpf_map_lookup_elem(&scratches, &kind);
}

static __always_inline void put_exe(struct scratch *s, struct file *exe)
{
        struct vfsmount *mnt = BPF_CORE_READ(exe, f_path.mnt);
        struct dentry *d = BPF_CORE_READ(exe, f_path.dentry);
        const __u32 begin = s->at;

        s->r.flags |= PROCESS_FLAG_EXE;
        s->r.exe_ino = BPF_CORE_READ(d, d_inode, i_ino);
        s->r.exe_dev = BPF_CORE_READ(d, d_inode, i_sb, s_dev);
        if (BPF_CORE_READ(d, d_inode, i_nlink) == 0)
                s->r.flags |= PROCESS_FLAG_EXE_NAMELESS;
        if (!walk_path(s->data, &s->at, mnt, d))
                s->r.flags |= PROCESS_FLAG_EXE_CUT;
        s->r.exe_n = s->at - begin;
}

static __always_inline void put_args(struct scratch *s, struct mm_struct *mm)
{
        unsigned long from = BPF_CORE_READ(mm, arg_start);
        unsigned long n = BPF_CORE_READ(mm, arg_end) - from;

        if (n > PROCESS_RECORD_ARGS) {
                n = PROCESS_RECORD_ARGS;
                s->r.flags |= PROCESS_FLAG_ARGS_CUT;
        }
        if (bpf_probe_read_user(&s->data[s->at & WALK_MASK], n, (void *)from) < 0)
                return;
        s->r.flags |= PROCESS_FLAG_ARGS;
        s->r.args_n = n;
        s->at += n;
}

static __always_inline __u64 eight(const void *bytes)
{
        __u64 n;

        __builtin_memcpy(&n, bytes, sizeof n);
        return n;
}

/* The first n of eight bytes. */
static __always_inline __u64 part(__u64 bytes, int n)
{
        __u64 mask = 0;

        __builtin_memset(&mask, 0xff, n);
        return bytes & mask;
}

/* ld.so(8); iconv_open(3) and OpenSSL, which load from there what they are asked for; and what
 * shells, Perl and Python run before, or instead of, their script.  In numbers: a longer comparison
 * of bytes would be a call, and there is no library here. */
static __always_inline bool leads(const __u8 *variable)
{
        const __u64 head = eight(variable), tail = eight(variable + 8);

        return (head == eight("LD_PRELO") && part(tail, 3) == eight("AD=\0\0\0\0")) ||
               (head == eight("LD_AUDIT") && part(tail, 1) == eight("=\0\0\0\0\0\0")) ||
               (head == eight("LD_LIBRA") && tail == eight("RY_PATH=")) ||
               (head == eight("GCONV_PA") && part(tail, 3) == eight("TH=\0\0\0\0")) ||
               (head == eight("OPENSSL_") &&
                (part(tail, 5) == eight("CONF=\0\0") || tail == eight("ENGINES=") ||
                 tail == eight("MODULES="))) ||
               (head == eight("BASH_ENV") && part(tail, 1) == eight("=\0\0\0\0\0\0")) ||
               (head == eight("BASH_FUN") && part(tail, 2) == eight("C_\0\0\0\0\0")) ||
               (head == eight("PERL5OPT") && part(tail, 1) == eight("=\0\0\0\0\0\0")) ||
               (head == eight("PERL5LIB") && part(tail, 1) == eight("=\0\0\0\0\0\0")) ||
               head == eight("PERLLIB=") ||
               (head == eight("PYTHONPA") && part(tail, 3) == eight("TH=\0\0\0\0")) ||
               (head == eight("PYTHONHO") && part(tail, 3) == eight("ME=\0\0\0\0"));
}

/* The two that apt and sudo, login and the shells of root set: with another one a script may find
 * other programs. */
static __always_inline bool strays(const __u8 *variable)
{
        const __u8 *v = variable;
        bool is_usual, is_local;

        if (part(eight(v), 5) != eight("PATH=\0\0"))
                return false;
        is_usual = eight(v) == eight("PATH=/us") && eight(v + 8) == eight("r/sbin:/") &&
                   eight(v + 16) == eight("usr/bin:") && eight(v + 24) == eight("/sbin:/b") &&
                   part(eight(v + 32), 3) == eight("in\0\0\0\0\0");
        is_local = eight(v) == eight("PATH=/us") && eight(v + 8) == eight("r/local/") &&
                   eight(v + 16) == eight("sbin:/us") && eight(v + 24) == eight("r/local/") &&
                   eight(v + 32) == eight("bin:/usr") && eight(v + 40) == eight("/sbin:/u") &&
                   eight(v + 48) == eight("sr/bin:/") && eight(v + 56) == eight("sbin:/bi") &&
                   part(eight(v + 64), 2) == eight("n\0\0\0\0\0\0");
        return !is_usual && !is_local;
}

struct variables {
        struct scratch *s;
        unsigned long at, end;
        __u32 flags;
        bool begins; /* what is next is a variable, no later part of one */
        bool harmless;
};

/* One variable, or a part of one.  1: no more are looked at. */
static long next_variable(__u32 i, struct variables *v)
{
        __u8 *variable = &v->s->data[ENV_AT];
        long n;

        if (v->at >= v->end) {
                v->harmless = true;
                return 1;
        }
        n = bpf_probe_read_user_str(variable, PROCESS_ENVIRONMENT_PART, (void *)v->at);
        if (n <= 0 || (v->begins && leads(variable)))
                return 1;
        if (v->begins && strays(variable))
                v->flags |= PROCESS_FLAG_EXE_STRAYS;
        v->begins = n < PROCESS_ENVIRONMENT_PART;
        v->at += v->begins ? n : n - 1; /* a cut part has a NUL that is not its own */
        return 0;
}

/* At this moment the environment is what the caller gave it: the program has not run yet.  Flags.
 * The kernel's own loop (Linux 5.17) is verified once, not for each of its turns: those took a
 * second and a half at every start of a sensor. */
static __always_inline __u32 environment(struct scratch *s, struct task_struct *p,
                                         struct mm_struct *mm)
{
        struct variables v = {
                .s = s,
                .at = BPF_CORE_READ(mm, env_start),
                .end = BPF_CORE_READ(mm, env_end),
                .begins = true,
        };

        if (BPF_CORE_READ(p, ptrace))
                return PROCESS_FLAG_EXE_LED;
        bpf_loop(PROCESS_ENVIRONMENT, next_variable, &v, 0);
        return v.harmless ? v.flags : v.flags | PROCESS_FLAG_EXE_LED;
}

static __always_inline struct kernfs_node *above(struct kernfs_node *kn)
{
        struct kernfs_node___6_15 *newer = (void *)kn;

        if (bpf_core_field_exists(newer->__parent))
                return BPF_CORE_READ(newer, __parent);
        return BPF_CORE_READ(kn, parent);
}

/* systemd's own hierarchy, where it does not use the unified one. */
static __always_inline struct kernfs_node *systemd_node(struct css_set *set)
{
        struct list_head *l = BPF_CORE_READ(set, cgrp_links.next);
        char name[8] = { 0 };

        for (int i = 0; i < HIERARCHIES && l; i++) {
                struct cgrp_cset_link *link =
                        (void *)l - bpf_core_field_offset(struct cgrp_cset_link, cgrp_link);
                struct cgroup *c = BPF_CORE_READ(link, cgrp);
                struct cgroup_root *root = BPF_CORE_READ(c, root);

                bpf_core_read(name, sizeof name, &root->name);
                if (__builtin_memcmp(name, "systemd", sizeof name) == 0)
                        return BPF_CORE_READ(c, kn);
                l = BPF_CORE_READ(l, next);
        }
        return 0;
}

static __always_inline void put_cgroup(struct scratch *s, struct task_struct *p)
{
        struct css_set *set = BPF_CORE_READ(p, cgroups);
        struct kernfs_node *kn = BPF_CORE_READ(set, dfl_cgrp, kn), *up = above(kn);
        const __u32 begin = s->at;
        int i;

        if (!up) {
                struct kernfs_node *other = systemd_node(set);

                if (other) {
                        kn = other;
                        up = above(kn);
                }
        }
        s->r.cgroup = BPF_CORE_READ(kn, id);
        s->r.flags |= PROCESS_FLAG_CGROUP;
        for (i = 0; i < CGROUP_PARTS && s->at - begin < PROCESS_RECORD_CGROUP - PROCESS_RECORD_PART;
             i++) {
                if (!up)
                        goto whole;
                if (!walk_put(s->data, &s->at, BPF_CORE_READ(kn, name)))
                        break;
                kn = up;
                up = above(kn);
        }
        if (up)
                s->r.flags |= PROCESS_FLAG_CGROUP_CUT;
whole:
        s->r.cgroup_n = s->at - begin;
}

static __always_inline __u32 tty_of(struct signal_struct *sig)
{
        struct tty_struct *tty = BPF_CORE_READ(sig, tty);
        __u32 major, minor;

        if (!tty)
                return 0;
        major = BPF_CORE_READ(tty, driver, major);
        minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
        return (minor & 0xff) | major << 8 | (minor & ~0xffU) << 12;
}

static __always_inline void put_who(struct process_record *r, struct task_struct *p)
{
        struct signal_struct *sig = BPF_CORE_READ(p, signal);
        struct task_struct___audit *audit = (void *)p;

        r->time_ns = bpf_ktime_get_boot_ns();
        r->pid = BPF_CORE_READ(p, tgid);
        r->start_ns = BPF_CORE_READ(p, group_leader, start_boottime);
        r->ppid = BPF_CORE_READ(p, real_parent, tgid);
        r->uid = BPF_CORE_READ(p, real_cred, uid.val);
        r->euid = BPF_CORE_READ(p, real_cred, euid.val);
        if (bpf_core_field_exists(audit->sessionid)) {
                r->auid = BPF_CORE_READ(audit, loginuid.val);
                r->session = BPF_CORE_READ(audit, sessionid);
                r->flags |= PROCESS_FLAG_AUDIT;
        }
        if (BPF_CORE_READ(p, flags) & PF_KTHREAD)
                r->flags |= PROCESS_FLAG_KERNEL;
        r->mount_ns = BPF_CORE_READ(p, nsproxy, mnt_ns, ns.inum);
        r->sid = BPF_CORE_READ(sig, pids[PIDTYPE_SID], numbers[0].nr);
        r->tty = tty_of(sig);
        bpf_core_read(r->comm, sizeof r->comm, &p->comm);
}

static __always_inline struct scratch *begin(__u32 kind, struct task_struct *p)
{
        struct scratch *s = scratch_of(kind);

        if (!s)
                return 0;
        __builtin_memset(&s->r, 0, sizeof s->r);
        s->r.kind = kind;
        s->at = 0;
        put_who(&s->r, p);
        return s;
}

static __always_inline bool may_wake(__u64 now_ns)
{
        if (now_ns - shared.woken_ns < PROCESS_QUIET_MS * 1000000ULL)
                return false;
        shared.woken_ns = now_ns; /* two CPUs at once wake it twice */
        return true;
}

static __always_inline int send(struct scratch *s, bool wake)
{
        __u64 how = BPF_RB_NO_WAKEUP;

        if ((wake && may_wake(s->r.time_ns)) ||
            bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA) > WAKE_BYTES)
                how = BPF_RB_FORCE_WAKEUP;
        if (bpf_ringbuf_output(&ring, s, sizeof s->r + (s->at & (WALK_DATA - 1)), how) < 0)
                __sync_fetch_and_add(&shared.lost, 1);
        return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(process_fork, struct task_struct *creator, struct task_struct *child)
{
        struct scratch *s;

        if (BPF_CORE_READ(child, tgid) != BPF_CORE_READ(child, pid))
                return 0; /* a thread */
        s = begin(PROCESS_RECORD_FORK, child);
        if (!s)
                return 0;
        s->r.creator = BPF_CORE_READ(creator, tgid);
        put_cgroup(s, child);
        return send(s, false);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(process_exec, struct task_struct *p)
{
        struct scratch *s = begin(PROCESS_RECORD_EXEC, p);
        struct mm_struct *mm = BPF_CORE_READ(p, mm);
        struct file *exe = BPF_CORE_READ(mm, exe_file);

        if (!s)
                return 0;
        if (exe)
                put_exe(s, exe);
        put_args(s, mm);
        put_cgroup(s, p);
        s->r.flags |= environment(s, p, mm);
        return send(s, true);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(process_exit, struct task_struct *p)
{
        struct scratch *s;

        if (BPF_CORE_READ(p, signal, live.counter) != 0)
                return 0; /* other threads go on */
        s = begin(PROCESS_RECORD_EXIT, p);
        return s ? send(s, false) : 0;
}
