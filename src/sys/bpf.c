/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* made by the build from bpf/ */
extern const uint8_t bpf_process_object[], bpf_attempt_object[];
extern const size_t bpf_process_object_n, bpf_attempt_object_n;

enum {
        COMPLAINT_MAX = 256,
        HELD_UP_MAX = 10000, /* tries, until what is held up is left for the next time */
};

static const ino_t HOST_PID_NAMESPACE = 0xeffffffc; /* PROC_PID_INIT_INO of linux/proc_ns.h */

struct bpf {
        struct bpf_object *object;
        struct bpf_link *link[8];
        size_t n_links;
        struct ring_buffer *ring;
        /* Shared with the kernel: */
        const uint64_t *lost;
        const uint64_t *consumed, *produced; /* positions in the ring, in bytes */
        int (*each)(void *ctx, struct span record);
        void *ctx;
};

struct span bpf_bytes(enum bpf_object_id id)
{
        return id == BPF_ATTEMPT ? span_of(bpf_attempt_object, bpf_attempt_object_n)
                                 : span_of(bpf_process_object, bpf_process_object_n);
}

/* ---- what libbpf says goes nowhere, but for its last complaint ---- */

static char complaint[COMPLAINT_MAX];

static int listen_to_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
        PRINTF_LIKE(2, 0);

static int listen_to_libbpf(enum libbpf_print_level level, const char *fmt, va_list ap)
{
        if (level == LIBBPF_WARN && complaint[0] == '\0') {
                vsnprintf(complaint, sizeof complaint, fmt, ap);
                complaint[strcspn(complaint, "\n")] = '\0';
        }
        return 0;
}

/* ---- opening ---- */

static int check_kernel(struct err *err)
{
        if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                return err_set(err, -ENOENT,
                               "this kernel has no type information (/sys/kernel/btf/vmlinux)");
        return 0;
}

static int refused(int rc, const char *step, struct err *err)
{
        return err_set(err, rc, "the kernel refused to %s eBPF: %s%s%s", step, strerror(-rc),
                       complaint[0] ? "; " : "", complaint);
}

static int attach_all(struct bpf *b, struct err *err)
{
        struct bpf_program *p = NULL;

        while ((p = bpf_object__next_program(b->object, p))) {
                struct bpf_link *l = bpf_program__attach(p);

                if (!l)
                        return refused(-errno, "attach", err);
                assert(b->n_links < ARRAY_LEN(b->link));
                b->link[b->n_links++] = l;
        }
        return 0;
}

static int take_record(void *ctx, void *data, size_t n)
{
        struct bpf *b = ctx;

        return b->each(b->ctx, span_of(data, n));
}

static const uint64_t *map_number(int fd, off_t at)
{
        void *p = mmap(NULL, sizeof(uint64_t), PROT_READ, MAP_SHARED, fd, at);

        return p == MAP_FAILED ? NULL : p;
}

static void unmap_number(const uint64_t *p)
{
        if (p)
                munmap((void *)p, sizeof *p);
}

/* Global variables are one map of one element; a ring's first two pages begin with the positions of
 * its reader and its writers. */
static int map_numbers(struct bpf *b, int ring_fd, struct err *err)
{
        struct bpf_map *map = NULL;

        while ((map = bpf_object__next_map(b->object, map))) {
                const char *dot = strchr(bpf_map__name(map), '.');

                if (dot && strcmp(dot, ".bss") == 0 && bpf_map__value_size(map) >= sizeof *b->lost)
                        b->lost = map_number(bpf_map__fd(map), 0);
        }
        b->consumed = map_number(ring_fd, 0);
        b->produced = map_number(ring_fd, sysconf(_SC_PAGESIZE));
        if (!b->lost || !b->consumed || !b->produced)
                return err_set(err, -EINVAL, "the eBPF program's counters cannot be read");
        return 0;
}

/* Our programs tell processes by the host's numbers.  In another namespace those are nobody's, or
 * somebody else's. */
static int check_namespace(struct err *err)
{
        struct stat st;

        if (stat("/proc/self/ns/pid", &st) == 0 && st.st_ino != HOST_PID_NAMESPACE)
                return err_set(err, -EOPNOTSUPP, "this is not the host's own process namespace");
        return 0;
}

int bpf_open(enum bpf_object_id id, struct bpf **ret, struct err *err)
{
        CLEANUP(bpf_freep) struct bpf *b = calloc(1, sizeof *b);
        const struct bpf_object_open_opts opts = { .sz = sizeof opts, .object_name = "assay" };
        int rc = check_kernel(err), ring_fd;

        if (rc == 0)
                rc = check_namespace(err);
        if (rc < 0)
                return rc;
        if (!b)
                return err_set(err, -ENOMEM, "out of memory for eBPF");
        complaint[0] = '\0';
        libbpf_set_print(listen_to_libbpf);
        b->object = bpf_object__open_mem(bpf_bytes(id).p, bpf_bytes(id).n, &opts);
        if (!b->object)
                return refused(-errno, "open", err);
        rc = bpf_object__load(b->object);
        if (rc < 0)
                return refused(rc, "load", err);
        ring_fd = bpf_object__find_map_fd_by_name(b->object, "ring");
        b->ring = ring_fd < 0 ? NULL : ring_buffer__new(ring_fd, take_record, b, NULL);
        if (!b->ring)
                return refused(-errno, "share a ring with", err);
        rc = map_numbers(b, ring_fd, err);
        if (rc == 0)
                rc = attach_all(b, err);
        if (rc < 0)
                return rc;
        *ret = b;
        b = NULL;
        return 0;
}

struct bpf *bpf_free(struct bpf *b)
{
        if (!b)
                return NULL;
        for (size_t i = 0; i < b->n_links; i++)
                bpf_link__destroy(b->link[i]);
        unmap_number(b->lost);
        unmap_number(b->consumed);
        unmap_number(b->produced);
        ring_buffer__free(b->ring);
        bpf_object__close(b->object);
        free(b);
        return NULL;
}

int bpf_set(struct bpf *b, const char *map, uint32_t key, struct span value)
{
        int fd = bpf_object__find_map_fd_by_name(b->object, map);

        if (fd < 0)
                return fd;
        return bpf_map_update_elem(fd, &key, value.p, BPF_ANY) < 0 ? -errno : 0;
}

/* ---- reading ---- */

int bpf_fd(const struct bpf *b)
{
        return ring_buffer__epoll_fd(b->ring);
}

/* A record that a CPU is just writing holds up those behind it, which others have written already.
 * It is a matter of microseconds, or of a turn of the scheduler where the kernel is a guest. */
int bpf_read(struct bpf *b, int (*each)(void *ctx, struct span record), void *ctx)
{
        const uint64_t until = __atomic_load_n(b->produced, __ATOMIC_ACQUIRE);
        int rc;

        b->each = each;
        b->ctx = ctx;
        rc = ring_buffer__consume(b->ring);
        for (int i = 0; i < HELD_UP_MAX && rc >= 0 && *b->consumed < until; i++) {
                sched_yield();
                rc = ring_buffer__consume(b->ring);
        }
        return rc < 0 ? rc : 0;
}

uint64_t bpf_lost(const struct bpf *b)
{
        return __atomic_load_n(b->lost, __ATOMIC_RELAXED);
}
