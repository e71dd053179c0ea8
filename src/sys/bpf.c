/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/bpf.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* made by the build from bpf/ */
extern const uint8_t bpf_process_object[];
extern const size_t bpf_process_object_n;

struct bpf {
        struct bpf_object *object;
        struct bpf_link *link[8];
        size_t n_links;
        struct ring_buffer *ring;
        const uint64_t *lost; /* shared with the kernel */
        int (*each)(void *ctx, struct span record);
        void *ctx;
};

struct span bpf_bytes(enum bpf_object_id id)
{
        assert(id == BPF_PROCESS);
        return span_of(bpf_process_object, bpf_process_object_n);
}

/* ---- what libbpf says goes nowhere, but for its last complaint ---- */

enum { COMPLAINT_MAX = 256 };

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
        struct bpf_program *p;

        bpf_object__for_each_program(p, b->object)
        {
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

/* Global variables are one map of one element. */
static int map_lost(struct bpf *b, struct err *err)
{
        struct bpf_map *map;
        void *p = MAP_FAILED;

        bpf_object__for_each_map(map, b->object)
        {
                const char *dot = strchr(bpf_map__name(map), '.');

                if (dot && strcmp(dot, ".bss") == 0 && bpf_map__value_size(map) >= sizeof *b->lost)
                        p = mmap(NULL, sizeof *b->lost, PROT_READ, MAP_SHARED, bpf_map__fd(map), 0);
        }
        if (p == MAP_FAILED)
                return err_set(err, -EINVAL, "the eBPF program's count of losses cannot be read");
        b->lost = p;
        return 0;
}

int bpf_open(enum bpf_object_id id, struct bpf **ret, struct err *err)
{
        CLEANUP(bpf_freep) struct bpf *b = calloc(1, sizeof *b);
        LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "assay");
        int rc = check_kernel(err);

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
        rc = map_lost(b, err);
        if (rc < 0)
                return rc;
        rc = bpf_object__find_map_fd_by_name(b->object, "ring");
        b->ring = rc < 0 ? NULL : ring_buffer__new(rc, take_record, b, NULL);
        if (!b->ring)
                return refused(-errno, "share a ring with", err);
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
        if (b->lost)
                munmap((void *)b->lost, sizeof *b->lost);
        ring_buffer__free(b->ring);
        bpf_object__close(b->object);
        free(b);
        return NULL;
}

/* ---- reading ---- */

int bpf_fd(const struct bpf *b)
{
        return ring_buffer__epoll_fd(b->ring);
}

int bpf_read(struct bpf *b, int (*each)(void *ctx, struct span record), void *ctx)
{
        int rc;

        b->each = each;
        b->ctx = ctx;
        rc = ring_buffer__consume(b->ring);
        return rc < 0 ? rc : 0;
}

uint64_t bpf_lost(const struct bpf *b)
{
        return __atomic_load_n(b->lost, __ATOMIC_RELAXED);
}
