/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls, capabilities and paths of each role.  A call is allowed because a line here
 * names it; several names stand for one function on different architectures. */
#include "loop/profile.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/sockios.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

/* What the C library itself needs to compute, wait and end. */
static const char *const calls_base[] = {
        "brk",         "clock_getres",    "clock_gettime",  "clock_nanosleep", "close",
        "exit",        "exit_group",      "fstat",          "futex",           "getegid",
        "geteuid",     "getgid",          "getpid",         "getppid",         "getrandom",
        "getrusage",   "gettid",          "gettimeofday",   "getuid",          "lseek",
        "madvise",     "membarrier",      "mremap",         "munmap",          "nanosleep",
        "newfstatat",  "pread64",         "read",           "readv",           "restart_syscall",
        "rseq",        "rt_sigaction",    "rt_sigprocmask", "rt_sigreturn",    "sched_getaffinity",
        "sched_yield", "set_robust_list", "sigaltstack",    "statx",           "sysinfo",
        "time",        "uname",           "write",          "writev",          NULL,
};

static const char *const calls_loop[] = {
        "dup",       "dup3",           "epoll_create1",   "epoll_ctl", "epoll_pwait", "epoll_wait",
        "eventfd2",  "epoll_pwait2",   "fcntl",           "pipe2",     "poll",        "ppoll",
        "signalfd4", "timerfd_create", "timerfd_settime", NULL,
};

static const char *const calls_sockets[] = {
        "accept4", "bind",       "connect",  "getpeername", "getsockname", "getsockopt",
        "listen",  "recvfrom",   "recvmmsg", "recvmsg",     "sendmmsg",    "sendmsg",
        "sendto",  "setsockopt", "shutdown", "socketpair",  NULL,
};

static const char *const calls_read_files[] = {
        "access",   "faccessat",  "faccessat2", "fadvise64", "fstatfs",
        "getcwd",   "getdents64", "lstat",      "openat",    "openat2",
        "readlink", "stat",       "readlinkat", "statfs",    NULL,
};

static const char *const calls_write_files[] = {
        "chmod",     "fallocate", "fchmod",    "fchmodat", "fdatasync",       "flock",    "fsync",
        "ftruncate", "link",      "linkat",    "mkdir",    "mkdirat",         "pwrite64", "pwritev",
        "rename",    "renameat",  "renameat2", "rmdir",    "sync_file_range", "syncfs",   "umask",
        "unlink",    "unlinkat",  "utimensat", NULL,
};

static const char *const calls_watch[] = {
        "fanotify_init",     "fanotify_mark",     "fgetxattr",  "flistxattr", "getxattr",
        "lgetxattr",         "listxattr",         "llistxattr", "pidfd_open", "name_to_handle_at",
        "open_by_handle_at", "pidfd_send_signal", "preadv2",    NULL,
};

/* To put files back with all they had. */
static const char *const calls_restore[] = {
        "fchownat",    "fremovexattr", "fsetxattr", "mknod",     "mknodat",
        "removexattr", "setxattr",     "symlink",   "symlinkat", NULL,
};

/* To start a job: what posix_spawn and then the new program call until it seals itself; the filter
 * of the parent goes on in it. */
static const char *const calls_start_job[] = {
        "access",
        "arch_prctl",
        "capget",
        "capset",
        "chdir",
        "clone",
        "close_range",
        "dup2",
        "execve",
        "getresuid",
        "landlock_add_rule",
        "landlock_create_ruleset",
        "landlock_restrict_self",
        "memfd_create",
        "mmap",
        "mprotect",
        "pidfd_open",
        "pidfd_send_signal",
        "prctl",
        "prlimit64",
        "seccomp",
        "set_tid_address",
        "setgroups",
        "setresgid",
        "setresuid",
        "setrlimit",
        "unshare",
        "vfork",
        "wait4",
        "waitid",
        NULL,
};

#define NEVER_EXECUTABLE(call)                                                                     \
        {                                                                                          \
                call, 2, PROT_EXEC, 0                                                              \
        }
#define READ_LIMITS                                                                                \
        {                                                                                          \
                "prlimit64", 2, 0, 0                                                               \
        }
#define THREADS_ONLY                                                                               \
        {                                                                                          \
                "clone", 0, CLONE_THREAD, CLONE_THREAD                                             \
        }
#define NAME_THREAD                                                                                \
        {                                                                                          \
                "prctl", 0, 0, PR_SET_NAME                                                         \
        }

/* ---- recorder: its own files, its socket, workers; nothing executable ever again ---- */

static const struct sandbox_arg recorder_args[] = {
        NEVER_EXECUTABLE("mmap"),
        NEVER_EXECUTABLE("mprotect"),
        READ_LIMITS,
        THREADS_ONLY,
        NAME_THREAD,
        { "socket", 0, 0, AF_UNIX },
        { NULL, 0, 0, 0 },
};

static const char *const *const recorder_calls[] = {
        calls_base, calls_loop, calls_sockets, calls_read_files, calls_write_files, NULL,
};

const struct role_profile profile_recorder = {
        .calls = { .allow = recorder_calls, .args = recorder_args },
        .landlock_flags = SANDBOX_NO_TCP | SANDBOX_SCOPED,
        .paths = { { PLACE_STATE, SANDBOX_READ | SANDBOX_WRITE },
                   { PLACE_RUNTIME, SANDBOX_READ | SANDBOX_WRITE },
                   { PLACE_CONFIG, SANDBOX_READ } },
};

/* ---- sensor: reads everything, puts back what a profile says, starts jobs ---- */

static const struct sandbox_arg sensor_args[] = {
        { "ioctl", 1, 0, FS_IOC_GETFLAGS },
        { "ioctl", 1, 0, FS_IOC_SETFLAGS },
        { "ioctl", 1, 0, FS_IOC_GETVERSION },
        { "socket", 0, 0, AF_UNIX },
        { "socket", 0, 0, AF_NETLINK },
        { "setns", 1, 0, CLONE_NEWNET }, /* the sockets of a login in another network */
        { NULL, 0, 0, 0 },
};

static const char *const *const sensor_calls[] = {
        calls_base,       calls_loop,        calls_sockets,
        calls_read_files, calls_write_files, calls_watch,
        calls_restore,    calls_start_job,   NULL,
};

const struct role_profile profile_sensor = {
        .caps = SANDBOX_CAP(CAP_SYS_ADMIN) |       /* filesystem marks of fanotify */
                SANDBOX_CAP(CAP_DAC_READ_SEARCH) | /* every file, and open by handle */
                SANDBOX_CAP(CAP_SYS_PTRACE) |      /* /proc/<pid>/exe of everybody */
                SANDBOX_CAP(CAP_KILL) |            /* an overdue job, which is nobody's */
                SANDBOX_CAP(CAP_LINUX_IMMUTABLE) | /* mode deny, */
                SANDBOX_CAP(CAP_FOWNER) |          /* also of files that are not root's */
                SANDBOX_CAP(CAP_SETUID) | SANDBOX_CAP(CAP_SETGID) | /* jobs become nobody */
                SANDBOX_CAP(CAP_SETPCAP), /* and leave their bounding set */
        /* To put back in every directory, with every attribute, what a profile says. */
        .caps_wanted = SANDBOX_CAP(CAP_DAC_OVERRIDE) | SANDBOX_CAP(CAP_CHOWN) |
                       SANDBOX_CAP(CAP_FSETID) | SANDBOX_CAP(CAP_SETFCAP) | SANDBOX_CAP(CAP_MKNOD) |
                       SANDBOX_CAP(CAP_LEASE) |
                       SANDBOX_CAP(CAP_AUDIT_CONTROL), /* our audit rules, where there is no eBPF */
        .calls = { .allow = sensor_calls, .args = sensor_args },
        .no_landlock = "it would hide /proc/<pid>/exe, which names the author of a change",
};

/* ---- job: compute on what it was given, answer, end ---- */

static const struct sandbox_arg job_args[] = {
        NEVER_EXECUTABLE("mmap"),
        NEVER_EXECUTABLE("mprotect"),
        { NULL, 0, 0, 0 },
};

static const char *const calls_job[] = {
        "poll",
        "ppoll",
        "sendmsg",
        NULL,
};

static const char *const *const job_calls[] = { calls_base, calls_job, NULL };

enum { MIB = 1024 * 1024 };

static const struct sandbox_limits job_limits = {
        .memory = 512u * MIB,
        .cpu_s = 60,
        .files = 16,
};

const struct role_profile profile_job = {
        .calls = { .allow = job_calls, .args = job_args, .kill = true },
        .limits = &job_limits,
        .no_network = true,
        .landlock_flags = SANDBOX_NO_TCP | SANDBOX_SCOPED,
};

/* ---- job that computes on much: the same, with more of it ---- */

static const struct sandbox_limits job_large_limits = {
        .memory = 2560u * MIB,
        .cpu_s = 300,
        .files = 16,
};

const struct role_profile profile_job_large = {
        .calls = { .allow = job_calls, .args = job_args, .kill = true },
        .limits = &job_large_limits,
        .no_network = true,
        .landlock_flags = SANDBOX_NO_TCP | SANDBOX_SCOPED,
};

/* ---- job that reads a directory: the same, and opens what lies below the one it is given ---- */

static const char *const *const job_dir_calls[] = { calls_base, calls_job, calls_read_files, NULL };

static const struct sandbox_limits job_dir_limits = {
        .memory = 2048u * MIB, /* files are mapped whole */
        .cpu_s = 120,
        .files = 128,
};

const struct role_profile profile_job_dir = {
        .calls = { .allow = job_dir_calls, .args = job_args },
        .limits = &job_dir_limits,
        .no_network = true,
        .landlock_flags = SANDBOX_NO_TCP | SANDBOX_SCOPED,
        .paths = { { PLACE_CONFIG, SANDBOX_READ } },
};

/* ---- job with a program of others: what gpgv and ssh-keygen call, their loader included; they get
 * descriptors, and write to nothing else ---- */

static const char *const calls_program[] = {
        "arch_prctl",   "clone",      "close_range",
        "dup",          "dup2",       "dup3",
        "execve",       "fcntl",      "ftruncate",
        "ioctl",        "mmap",       "mprotect",
        "memfd_create", "pidfd_open", "pidfd_send_signal",
        "pipe2",        "prlimit64",  "set_tid_address",
        "vfork",        "wait4",      "waitid",
        "pwrite64",     NULL,
};

static const char *const *const job_program_calls[] = {
        calls_base, calls_job, calls_read_files, calls_program, NULL,
};

static const struct sandbox_limits job_program_limits = {
        .memory = 512u * MIB,
        .cpu_s = 30,
        .files = 128,
        .file_size = 32u * MIB, /* what a verified text may have */
        .tasks = 512,
};

static const struct sandbox_path job_program_paths[] = {
        { "/usr/bin/gpgv", SANDBOX_READ | SANDBOX_EXEC, true },
        { "/usr/bin/ssh-keygen", SANDBOX_READ | SANDBOX_EXEC, true },
        { "/usr/lib", SANDBOX_READ | SANDBOX_EXEC, true }, /* libraries, and the loader itself */
        { "/lib", SANDBOX_READ | SANDBOX_EXEC, true },
        { "/lib64", SANDBOX_READ | SANDBOX_EXEC, true },
        { "/etc/ld.so.cache", SANDBOX_READ, true },
        { "/etc/nsswitch.conf", SANDBOX_READ, true }, /* ssh-keygen wants its user to have a name */
        { "/etc/passwd", SANDBOX_READ, true },
        { "/proc/sys/crypto", SANDBOX_READ, true },
        { "/dev/null", SANDBOX_READ | SANDBOX_WRITE, false },
};

const struct role_profile profile_job_program = {
        .calls = { .allow = job_program_calls },
        .limits = &job_program_limits,
        .no_network = true,
        .landlock_flags = SANDBOX_NO_TCP | SANDBOX_SCOPED,
        .fixed = job_program_paths,
        .n_fixed = ARRAY_LEN(job_program_paths),
};

/* ---- guard: answers the kernel, and kills the one that does not ---- */

static const char *const calls_guard[] = {
        "fanotify_mark", "pidfd_send_signal", "poll",    "ppoll", "readlink",
        "readlinkat",    "recvmsg",           "sendmsg", NULL,
};

static const char *const *const guard_calls[] = { calls_base, calls_guard, NULL };

const struct role_profile profile_guard = {
        .caps = SANDBOX_CAP(CAP_DAC_READ_SEARCH) | /* to mark directories that are others' */
                SANDBOX_CAP(CAP_SYS_ADMIN),        /* and filesystems; no call above mounts any */
        .calls = { .allow = guard_calls },
        .no_landlock = "it would refuse the very files that the kernel hands over to be judged",
};

/* ---- monitor: gathers bytes, starts programs of others and jobs ---- */

const struct role_profile profile_monitor = {
        .caps = SANDBOX_CAP(CAP_DAC_READ_SEARCH) | /* every file that holds state */
                SANDBOX_CAP(CAP_KILL) |            /* an overdue job or program */
                SANDBOX_CAP(CAP_SETUID) | SANDBOX_CAP(CAP_SETGID) | /* both become nobody */
                SANDBOX_CAP(CAP_SETPCAP),
        .caps_wanted = SANDBOX_CAP(CAP_SYS_PTRACE) |   /* who holds a listening socket */
                       SANDBOX_CAP(CAP_NET_ADMIN) |    /* to read the firewall's rules */
                       SANDBOX_CAP(CAP_NET_RAW) |      /* the older one is asked by a raw socket */
                       SANDBOX_CAP(CAP_AUDIT_CONTROL), /* and the audit system's */
        .no_landlock = "it would hide which process holds a socket, and bind programs of others",
        .no_seccomp = "programs of others that it starts would be bound by it",
};

/* ---- uplink: tells the recorder what its couriers say, and how they fare ---- */

static const char *const calls_children[] = { "wait4", "waitid", NULL };

static const char *const *const uplink_calls[] = {
        calls_base,        calls_loop,     calls_sockets, calls_read_files,
        calls_write_files, calls_children, NULL,
};

const struct role_profile profile_uplink = {
        .calls = { .allow = uplink_calls, .args = recorder_args },
        .landlock_flags = SANDBOX_NO_TCP,
        .paths = { { PLACE_STATE, SANDBOX_READ | SANDBOX_WRITE },
                   { PLACE_RUNTIME, SANDBOX_READ | SANDBOX_WRITE } },
};

/* ---- courier: reads the ledger and speaks to one place, over the network too ---- */

static const struct sandbox_arg courier_args[] = {
        NEVER_EXECUTABLE("mmap"),
        NEVER_EXECUTABLE("mprotect"),
        READ_LIMITS,
        THREADS_ONLY, /* libcurl looks names up in one */
        NAME_THREAD,
        { "prctl", 0, 0, PR_SET_PDEATHSIG },
        { "socket", 0, 0, AF_UNIX },
        { "socket", 0, 0, AF_INET },
        { "socket", 0, 0, AF_INET6 },
        { "socket", 0, 0, AF_NETLINK }, /* getaddrinfo(3) asks which families there are */
        { "ioctl", 1, 0, FIONREAD },    /* the C library's resolver */
        { "ioctl", 1, 0, SIOCOUTQ },    /* what the other end has not taken */
        { NULL, 0, 0, 0 },
};

static const char *const calls_courier[] = {
        "inotify_add_watch",
        "inotify_init1",
        "memfd_create",
        NULL,
};

static const char *const *const courier_calls[] = {
        calls_base,        calls_loop,    calls_sockets, calls_read_files,
        calls_write_files, calls_courier, NULL,
};

/* What the C library's resolver and TLS read. */
static const struct sandbox_path courier_paths[] = {
        { "/etc", SANDBOX_READ, true },
        { "/usr/share/ca-certificates", SANDBOX_READ, true },
        { "/usr/local/share/ca-certificates", SANDBOX_READ, true },
        { "/run/systemd/resolve", SANDBOX_READ, true },
        { "/run/resolvconf", SANDBOX_READ, true },
        { "/run/NetworkManager", SANDBOX_READ, true },
};

const struct role_profile profile_courier = {
        .calls = { .allow = courier_calls, .args = courier_args },
        .landlock_flags = SANDBOX_SCOPED,
        .paths = { { PLACE_STATE, SANDBOX_READ | SANDBOX_WRITE }, { PLACE_LEDGER, SANDBOX_READ } },
        .fixed = courier_paths,
        .n_fixed = ARRAY_LEN(courier_paths),
};

/* ---- gateway: a worker of nginx, which the module closes in before the first request ---- */

static const struct sandbox_arg gateway_args[] = {
        NEVER_EXECUTABLE("mmap"),
        NEVER_EXECUTABLE("mprotect"),
        READ_LIMITS,
        { "socket", 0, 0, AF_UNIX },
        { "socket", 0, 0, AF_INET },
        { "socket", 0, 0, AF_INET6 },
        { "ioctl", 1, 0, FIONBIO }, /* how nginx makes a socket non-blocking */
        { "ioctl", 1, 0, FIONREAD },
        { NULL, 0, 0, 0 },
};

/* Of nginx's own, whatever else its configuration says: old spellings, files that it sends; and to
 * write to the status file, which is open already. */
static const char *const calls_nginx[] = {
        "accept", "dup2", "ftruncate", "open", "pwrite64", "sendfile", "setitimer", NULL,
};

static const char *const *const gateway_calls[] = {
        calls_base, calls_loop, calls_sockets, calls_read_files, calls_nginx, NULL,
};

static const char *const *const gateway_files_calls[] = {
        calls_base,  calls_loop,        calls_sockets, calls_read_files,
        calls_nginx, calls_write_files, NULL,
};

/* Nothing can be written but logs: a body that nginx would put into a file is refused instead. */
static const struct sandbox_path gateway_paths[] = {
        { "/etc", SANDBOX_READ, true },
        { "/usr", SANDBOX_READ, true },
        { "/var/www", SANDBOX_READ, true },
        { "/var/log/nginx", SANDBOX_READ | SANDBOX_WRITE, true },
        { "/dev/null", SANDBOX_READ | SANDBOX_WRITE, true },
        { "/dev/urandom", SANDBOX_READ, true },
};

/* state: key sets of identity providers; ledger: where tokens are; config: the registry. */
#define OF_GATEWAY(list)                                                                           \
        {                                                                                          \
                .calls = { .allow = (list), .args = gateway_args },                                \
                .landlock_flags = SANDBOX_SCOPED,                                                  \
                .paths = { { PLACE_CONFIG, SANDBOX_READ },                                         \
                           { PLACE_RUNTIME, SANDBOX_READ },                                        \
                           { PLACE_STATE, SANDBOX_READ },                                          \
                           { PLACE_LEDGER, SANDBOX_READ } },                                       \
                .fixed = gateway_paths, .n_fixed = ARRAY_LEN(gateway_paths),                       \
        }

const struct role_profile profile_gateway = OF_GATEWAY(gateway_calls);
const struct role_profile profile_gateway_files = OF_GATEWAY(gateway_files_calls);

/* ---- keys: looks at what is deployed, and asks servers at addresses that it is given ---- */

static const struct sandbox_arg keys_args[] = {
        NEVER_EXECUTABLE("mmap"),
        NEVER_EXECUTABLE("mprotect"),
        READ_LIMITS,
        { "socket", 0, 0, AF_UNIX },
        { "socket", 0, 0, AF_INET },
        { "socket", 0, 0, AF_INET6 },
        { "ioctl", 1, 0, FIONREAD },
        { NULL, 0, 0, 0 },
};

static const char *const *const keys_calls[] = {
        calls_base, calls_loop, calls_sockets, calls_read_files, calls_write_files, NULL,
};

/* What TLS reads. */
static const struct sandbox_path keys_paths[] = {
        { "/etc/ssl", SANDBOX_READ, true },
        { "/usr/share/ca-certificates", SANDBOX_READ, true },
        { "/usr/local/share/ca-certificates", SANDBOX_READ, true },
};

const struct role_profile profile_keys = {
        .calls = { .allow = keys_calls, .args = keys_args },
        .landlock_flags = SANDBOX_SCOPED,
        .paths = { { PLACE_STATE, SANDBOX_READ | SANDBOX_WRITE },
                   { PLACE_RUNTIME, SANDBOX_READ },
                   { PLACE_CONFIG, SANDBOX_READ } },
        .fixed = keys_paths,
        .n_fixed = ARRAY_LEN(keys_paths),
};
