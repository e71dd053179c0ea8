// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/* attempt.bpf.c - tells each system call that wanted to change a file and was refused, and each
 * that changed inode flags.
 *
 * One raw tracepoint with types at the end of every system call.  What did neither succeed nor fail
 * with EPERM or EACCES costs a comparison, what succeeded another one, of its number; of the rest,
 * calls that the reader did not ask for cost a look into an array.  More than ATTEMPT_RATE records
 * in a second are counted instead of told; root's are counted apart, so that no user's hide them.
 *
 * A 32-bit program's calls have other numbers and are not looked at. */
#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "attempt.h"
#include "walk.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

enum {
        REFUSED_EPERM = -1,
        REFUSED_EACCES = -13,
        COMPAT = 2, /* thread_info.status on x86 */
        CWD = -100,
        NS_PER_S = 1000000000,
        IOCTL_X86 = 16,
        IOCTL_ARM64 = 29,
        FILE_SETATTR = 469,      /* since Linux 6.17, everywhere */
        SETFLAGS = 0x40086602,   /* FS_IOC_SETFLAGS, with 64-bit longs */
        FSSETXATTR = 0x401c5820, /* FS_IOC_FSSETXATTR */
};

struct scratch {
        struct attempt_record r;
        __u8 data[WALK_DATA];
        __u32 at;
};

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, ATTEMPT_RING_BYTES);
} ring SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, struct scratch);
} scratches SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_ARRAY);
        __uint(max_entries, ATTEMPT_CALLS);
        __type(key, __u32);
        __type(value, struct attempt_call);
} calls SEC(".maps");

struct attempt_shared shared;

_Static_assert((int)ATTEMPT_RECORD_BASE == (int)WALK_BYTES, "as its reader has it");
_Static_assert((int)ATTEMPT_RECORD_PART == (int)WALK_PART, "as its reader has it");

/* ---- registers ---- */

static __always_inline __u32 number_of(struct pt_regs *regs)
{
        struct pt_regs___x86 *x86 = (void *)regs;
        struct pt_regs___arm64 *arm64 = (void *)regs;

        if (bpf_core_field_exists(x86->orig_ax))
                return BPF_CORE_READ(x86, orig_ax);
        if (bpf_core_field_exists(arm64->syscallno))
                return BPF_CORE_READ(arm64, syscallno);
        return ATTEMPT_CALLS;
}

static __always_inline __u64 argument(struct pt_regs *regs, __u32 i)
{
        struct pt_regs___x86 *x86 = (void *)regs;
        struct pt_regs___arm64 *arm64 = (void *)regs;

        if (bpf_core_field_exists(x86->orig_ax)) {
                switch (i) {
                case 0:
                        return BPF_CORE_READ(x86, di);
                case 1:
                        return BPF_CORE_READ(x86, si);
                case 2:
                        return BPF_CORE_READ(x86, dx);
                case 3:
                        return BPF_CORE_READ(x86, r10);
                }
                return 0;
        }
        if (bpf_core_field_exists(arm64->syscallno)) {
                switch (i) {
                case 0:
                        return BPF_CORE_READ(arm64, orig_x0);
                case 1:
                        return BPF_CORE_READ(arm64, regs[1]);
                case 2:
                        return BPF_CORE_READ(arm64, regs[2]);
                case 3:
                        return BPF_CORE_READ(arm64, regs[3]);
                }
        }
        return 0;
}

static __always_inline bool is_compat(struct task_struct *p)
{
        struct task_struct___x86 *x86 = (void *)p;

        return bpf_core_field_exists(x86->thread_info.status) &&
               BPF_CORE_READ(x86, thread_info.status) & COMPAT;
}

/* ---- paths ---- */

static __always_inline void put_base(struct scratch *s, struct vfsmount *mnt, struct dentry *d)
{
        if (!walk_path(s->data, &s->at, mnt, d))
                s->r.flags |= ATTEMPT_BASE_CUT;
        s->r.base_n = s->at;
}

static __always_inline void put_dir(struct scratch *s, struct task_struct *p, int fd)
{
        struct file **all;
        struct file *f = 0;

        if (fd == CWD) {
                put_base(s, BPF_CORE_READ(p, fs, pwd.mnt), BPF_CORE_READ(p, fs, pwd.dentry));
                return;
        }
        all = BPF_CORE_READ(p, files, fdt, fd);
        if (fd >= 0 && (__u32)fd < BPF_CORE_READ(p, files, fdt, max_fds))
                bpf_probe_read_kernel(&f, sizeof f, &all[fd]);
        if (f)
                put_base(s, BPF_CORE_READ(f, f_path.mnt), BPF_CORE_READ(f, f_path.dentry));
        else
                s->r.flags |= ATTEMPT_BASE_CUT;
}

static __always_inline void put_path(struct scratch *s, const void *arg)
{
        long n = bpf_probe_read_user_str(&s->data[s->at & WALK_MASK], ATTEMPT_RECORD_PATH, arg);

        if (n <= 0) {
                s->r.flags |= ATTEMPT_UNREAD;
                return;
        }
        if (s->data[s->at & WALK_MASK] == '/')
                s->r.flags |= ATTEMPT_ABSOLUTE;
        s->r.path_n = n - 1;
}

/* The path first, because an absolute one needs no base; it is moved by being written behind. */
static __always_inline int tell(struct pt_regs *regs, struct task_struct *p, long error, __u32 op,
                                __u32 path, __u32 dirfd, __u32 flags)
{
        __u32 zero = 0;
        struct scratch *s = bpf_map_lookup_elem(&scratches, &zero);
        const void *arg = path == ATTEMPT_NO_ARG ? 0 : (void *)argument(regs, path);
        char first = 0;

        if (!s)
                return 0;
        __builtin_memset(&s->r, 0, sizeof s->r);
        s->at = 0;
        s->r.time_ns = bpf_ktime_get_boot_ns();
        s->r.pid = BPF_CORE_READ(p, tgid);
        s->r.error = error;
        s->r.op = op;
        s->r.flags = flags;
        if (arg)
                bpf_probe_read_user(&first, 1, arg);
        if (first != '/')
                put_dir(s, p, dirfd == ATTEMPT_NO_ARG ? CWD : (int)argument(regs, dirfd));
        if (arg)
                put_path(s, arg);
        if (bpf_ringbuf_output(&ring, s, sizeof s->r + ((s->at + s->r.path_n) & (WALK_DATA - 1)),
                               0) < 0)
                __sync_fetch_and_add(&shared.lost, 1);
        return 0;
}

/* ---- which ---- */

static __always_inline bool counts(struct pt_regs *regs, const struct attempt_call *c)
{
        __u64 v;

        if (c->mask_arg == ATTEMPT_NO_ARG)
                return true;
        v = argument(regs, c->mask_arg);
        if (c->how == ATTEMPT_POINTED && bpf_probe_read_user(&v, sizeof v, (void *)v) < 0)
                return false;
        return c->how == ATTEMPT_EQUAL ? (__u32)v == (__u32)c->mask : (v & c->mask) != 0;
}

/* Of a call that has succeeded; so many do that the registers are read without a helper. */
static __always_inline bool sets_flags(struct pt_regs *regs, __u32 *ret_path)
{
        struct pt_regs___x86 *x86 = (void *)regs;
        struct pt_regs___arm64 *arm64 = (void *)regs;
        __u64 nr = 0, command = 0, ioctl = 0;

        if (bpf_core_field_exists(x86->orig_ax)) {
                ioctl = IOCTL_X86;
                nr = x86->orig_ax;
        } else if (bpf_core_field_exists(arm64->syscallno)) {
                ioctl = IOCTL_ARM64;
                nr = arm64->syscallno;
        }
        *ret_path = ATTEMPT_NO_ARG;
        if (nr == FILE_SETATTR) {
                *ret_path = 1;
                return true;
        }
        if (nr != ioctl || ioctl == 0)
                return false;
        command = (__u32)argument(regs, 1);
        return command == SETFLAGS || command == FSSETXATTR;
}

/* Two CPUs that begin a second at once tell a few more. */
static __always_inline bool too_many(void)
{
        __u64 now = bpf_ktime_get_boot_ns();
        __u32 root = (__u32)bpf_get_current_uid_gid() == 0;

        if (now - shared.window_ns > NS_PER_S) {
                shared.window_ns = now;
                shared.in_window[0] = shared.in_window[1] = 0;
        }
        if (__sync_fetch_and_add(root ? &shared.in_window[1] : &shared.in_window[0], 1) <
            ATTEMPT_RATE)
                return false;
        __sync_fetch_and_add(&shared.lost, 1);
        return true;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(attempt_exit, struct pt_regs *regs, long ret)
{
        struct task_struct *p;
        struct attempt_call *c;
        __u32 nr, path;

        if (ret == 0) {
                p = (void *)bpf_get_current_task();
                if (sets_flags(regs, &path) && !is_compat(p) && !too_many())
                        tell(regs, p, 0, ATTEMPT_OP_FLAGS, path, 0, ATTEMPT_DONE);
                return 0;
        }
        if (ret != REFUSED_EPERM && ret != REFUSED_EACCES)
                return 0;
        nr = number_of(regs);
        c = bpf_map_lookup_elem(&calls, &nr);
        p = (void *)bpf_get_current_task();
        if (!c || !c->op || is_compat(p) || !counts(regs, c) || too_many())
                return 0;
        tell(regs, p, ret, c->op, c->path, c->dirfd, 0);
        if (c->path2 != ATTEMPT_NO_ARG)
                tell(regs, p, ret, c->op, c->path2, c->dirfd2, ATTEMPT_SECOND);
        return 0;
}
