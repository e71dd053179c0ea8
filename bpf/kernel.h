/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/* kernel.h - as much of the kernel's own structures as is read here.
 *
 * Nothing is said of where a member lies: preserve_access_index makes the loader look it up in the
 * running kernel's type information (CO-RE), by the names of structure and member.  So members are
 * listed in any order and most are missing; none of this depends on the kernel of the machine that
 * builds.  A name behind "___" is not part of the structure's name: it sets apart two shapes that
 * the same structure had in different kernels. */
#ifndef BPF_KERNEL_H
#define BPF_KERNEL_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
enum { false, true };
typedef _Bool bool;

/* of the kernel's interface to programs: <linux/bpf.h>, <linux/pid.h>, <linux/sched.h> */
enum {
        BPF_MAP_TYPE_ARRAY = 2,
        BPF_MAP_TYPE_PERCPU_ARRAY = 6,
        BPF_MAP_TYPE_RINGBUF = 27,
        BPF_RB_NO_WAKEUP = 1,
        BPF_RB_FORCE_WAKEUP = 2,
        BPF_RB_AVAIL_DATA = 0,
        PIDTYPE_SID = 3,
        PF_KTHREAD = 0x00200000,
};

struct pt_regs;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct list_head {
        struct list_head *next;
};

struct qstr {
        const unsigned char *name;
};

struct super_block {
        __u32 s_dev;
};

struct inode {
        unsigned int i_nlink;
        unsigned long i_ino;
        struct super_block *i_sb;
};

struct dentry {
        struct dentry *d_parent;
        struct qstr d_name;
        struct inode *d_inode;
};

struct vfsmount {
        struct dentry *mnt_root;
};

struct mount {
        struct mount *mnt_parent;
        struct dentry *mnt_mountpoint;
        struct vfsmount mnt;
};

struct path {
        struct vfsmount *mnt;
        struct dentry *dentry;
};

struct file {
        struct path f_path;
};

struct mm_struct {
        struct file *exe_file;
        unsigned long arg_start;
        unsigned long arg_end;
        unsigned long env_start;
        unsigned long env_end;
};

struct cred {
        struct {
                unsigned int val;
        } uid, euid;
};

struct ns_common {
        unsigned int inum;
};

struct mnt_namespace {
        struct ns_common ns;
};

struct nsproxy {
        struct mnt_namespace *mnt_ns;
};

struct upid {
        int nr;
};

struct pid {
        struct upid numbers[1];
};

struct tty_driver {
        int major;
        int minor_start;
};

struct tty_struct {
        struct tty_driver *driver;
        int index;
};

typedef struct {
        int counter;
} atomic_t;

struct signal_struct {
        atomic_t live;
        struct pid *pids[4];
        struct tty_struct *tty;
};

struct kernfs_node {
        struct kernfs_node *parent;
        const char *name;
        __u64 id;
};

/* since Linux 6.15 */
struct kernfs_node___6_15 {
        struct kernfs_node *__parent;
};

struct cgroup_root {
        char name[64];
};

struct cgroup {
        struct kernfs_node *kn;
        struct cgroup_root *root;
};

struct cgrp_cset_link {
        struct cgroup *cgrp;
        struct list_head cgrp_link;
};

struct css_set {
        struct cgroup *dfl_cgrp;
        struct list_head cgrp_links;
};

struct fs_struct {
        struct path pwd;
};

struct fdtable {
        unsigned int max_fds;
        struct file **fd;
};

struct files_struct {
        struct fdtable *fdt;
};

struct pt_regs___x86 {
        unsigned long di, si, dx, r10, orig_ax;
};

struct pt_regs___arm64 {
        __u64 regs[31];
        __u64 orig_x0;
        __s32 syscallno;
};

struct task_struct {
        unsigned int flags;
        unsigned int ptrace;
        int tgid;
        int pid;
        struct task_struct *real_parent;
        struct task_struct *group_leader;
        __u64 start_boottime;
        const struct cred *real_cred;
        char comm[16];
        struct mm_struct *mm;
        struct nsproxy *nsproxy;
        struct signal_struct *signal;
        struct css_set *cgroups;
        struct fs_struct *fs;
        struct files_struct *files;
};

struct task_struct___x86 {
        struct {
                __u32 status;
        } thread_info;
};

/* with CONFIG_AUDIT */
struct task_struct___audit {
        struct {
                unsigned int val;
        } loginuid;
        unsigned int sessionid;
};

#pragma clang attribute pop

#endif
