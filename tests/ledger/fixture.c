/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include "ledger/signing/keys.h"
#include "wire/tile.h"

#include <dirent.h>

#define REQUIRE TESTLOG_REQUIRE

/* ---- directories ---- */

static int64_t read_clock(void *ctx)
{
        return ((struct fixture *)ctx)->now_ns;
}

void fixture_init(struct fixture *f, bool on_disk)
{
        bool memory = !on_disk && access("/dev/shm", W_OK) == 0;

        memset(f, 0, sizeof *f);
        testlog_new(&f->model, FIXTURE_ORIGIN);
        snprintf(f->dir, sizeof f->dir, "%s/assay-test-XXXXXX", memory ? "/dev/shm" : "/var/tmp");
        REQUIRE(mkdtemp(f->dir));
        f->root_fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(f->root_fd >= 0);
        REQUIRE(mkdirat(f->root_fd, "log", 0755) == 0);
        REQUIRE(mkdirat(f->root_fd, "log.private", 0700) == 0);
        f->public_fd = f->private_fd = -1;
        fixture_reopen_dirs(f);
        f->now_ns = 1000 * NS_PER_S;
        f->clock = (struct clock){ .wall_ns = read_clock, .mono_ns = read_clock, .ctx = f };
        f->options = (struct ledger_options){ .io = &io_kernel,
                                              .clock = &f->clock,
                                              .segment_bytes = LEDGER_SEGMENT_MIN };
}

void fixture_reopen_dirs(struct fixture *f)
{
        fd_close(&f->public_fd);
        fd_close(&f->private_fd);
        f->public_fd = openat(f->root_fd, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        f->private_fd = openat(f->root_fd, "log.private", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        REQUIRE(f->public_fd >= 0 && f->private_fd >= 0);
}

void fixture_new(struct fixture *f)
{
        fixture_init(f, false);
        REQUIRE(ledger_create(f->public_fd, f->private_fd, FIXTURE_ORIGIN, &f->options, NULL) == 0);
        REQUIRE(vault_create(f->private_fd, &io_kernel, NULL) == 0);
}

void fixture_done(struct fixture *f)
{
        fd_close(&f->public_fd);
        fd_close(&f->private_fd);
        fixture_remove(f->root_fd, ".");
        fd_close(&f->root_fd);
        rmdir(f->dir);
        testlog_done(&f->model);
}

static DIR *open_dir(int at, const char *path)
{
        int fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = fd >= 0 ? fdopendir(fd) : NULL;

        REQUIRE(d);
        return d;
}

static bool dots(const char *name)
{
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

ino_t fixture_inode(int base, const char *path)
{
        struct stat st;

        REQUIRE(fstatat(base, path, &st, AT_SYMLINK_NOFOLLOW) == 0);
        return st.st_ino;
}

void fixture_remove(int at, const char *path)
{
        DIR *d = open_dir(at, path);
        struct dirent *e;

        while ((e = readdir(d)))
                if (!dots(e->d_name) && unlinkat(dirfd(d), e->d_name, 0) < 0)
                        fixture_remove(dirfd(d), e->d_name);
        closedir(d);
        if (strcmp(path, ".") != 0)
                REQUIRE(unlinkat(at, path, AT_REMOVEDIR) == 0);
}

void fixture_copy(int at, const char *from, const char *to)
{
        DIR *d = open_dir(at, from);
        struct dirent *e;
        struct stat st;

        REQUIRE(fstat(dirfd(d), &st) == 0 && mkdirat(at, to, st.st_mode & 0777) == 0);
        while ((e = readdir(d))) {
                char a[512], b[512];

                if (dots(e->d_name))
                        continue;
                snprintf(a, sizeof a, "%s/%s", from, e->d_name);
                snprintf(b, sizeof b, "%s/%s", to, e->d_name);
                REQUIRE(fstatat(at, a, &st, 0) == 0);
                if (S_ISDIR(st.st_mode)) {
                        fixture_copy(at, a, b);
                } else {
                        size_t n;
                        uint8_t *bytes = fixture_read(at, a, &n);

                        fixture_write(at, b, span_of(bytes, n));
                        free(bytes);
                }
        }
        closedir(d);
}

uint8_t *fixture_read(int base, const char *path, size_t *ret_n)
{
        uint8_t *bytes = NULL;

        REQUIRE(io_read_file(&io_kernel, base, path, 256 << 20, &bytes, ret_n, NULL) == 0);
        return bytes;
}

void fixture_write(int base, const char *path, struct span s)
{
        int fd = openat(base, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        REQUIRE(fd >= 0 && (s.n == 0 || write(fd, s.p, s.n) == (ssize_t)s.n));
        close(fd);
}

static size_t search_dir(int base, const char *path, struct span what)
{
        DIR *d = open_dir(base, path);
        struct dirent *e;
        struct stat st;
        size_t n, found = 0;

        while ((e = readdir(d))) {
                uint8_t *bytes, *at;

                if (dots(e->d_name))
                        continue;
                REQUIRE(fstatat(dirfd(d), e->d_name, &st, 0) == 0);
                if (S_ISDIR(st.st_mode)) {
                        found += search_dir(dirfd(d), e->d_name, what);
                        continue;
                }
                bytes = at = fixture_read(dirfd(d), e->d_name, &n);
                while ((at = memmem(at, n - (size_t)(at - bytes), what.p, what.n))) {
                        found++;
                        at++;
                }
                free(bytes);
        }
        closedir(d);
        return found;
}

size_t fixture_search(struct fixture *f, struct span what)
{
        return search_dir(f->root_fd, ".", what);
}

/* ---- entries ---- */

void fixture_entry(struct buf *b, uint64_t i, size_t n)
{
        size_t begun = b->n;

        buf_printf(b, "{\"n\":\"%llu\",\"pad\":\"", (unsigned long long)i);
        while (b->n - begun + 2 < n && buf_status(b) == 0)
                buf_put_byte(b, (uint8_t)('a' + (i + b->n) % 26));
        buf_put_str(b, "\"}");
        REQUIRE(buf_status(b) == 0);
}

int fixture_stage(struct fixture *f, struct ledger *l, size_t n, struct ledger_writer_id id,
                  struct err *err)
{
        struct buf b = BUF_INIT(2 * ENTRY_MAX);
        uint64_t index = UINT64_MAX;
        int r;

        fixture_entry(&b, f->model.size, n);
        r = ledger_stage(l, buf_span(&b), SPAN_NONE, id, &index, err);
        if (r == 0) {
                REQUIRE(index == f->model.size);
                testlog_add(&f->model, buf_span(&b));
        } else {
                REQUIRE(index == UINT64_MAX);
        }
        buf_done(&b);
        return r;
}

void fixture_append(struct fixture *f, struct ledger *l, uint64_t n, size_t bytes, uint64_t batch)
{
        struct err err = { 0 };

        for (uint64_t i = 0; i < n; i++) {
                int r = fixture_stage(f, l, bytes, (struct ledger_writer_id){ 0 }, &err);

                if (r == -ENOBUFS) {
                        REQUIRE(ledger_commit(l, &err) == 0);
                        r = fixture_stage(f, l, bytes, (struct ledger_writer_id){ 0 }, &err);
                }
                if (r < 0)
                        fprintf(stderr, "stage: %s\n", err_text(&err));
                REQUIRE(r == 0);
                if ((i + 1) % batch == 0)
                        REQUIRE(ledger_commit(l, &err) == 0);
        }
        REQUIRE(ledger_commit(l, &err) == 0);
}

void fixture_truncate_model(struct fixture *f, uint64_t size)
{
        REQUIRE(size <= f->model.size);
        f->model.size = size;
}

void fixture_check(struct fixture *f, const struct ledger *l)
{
        struct hash want = testlog_root(&f->model, f->model.size), got;

        ledger_root(l, &got);
        REQUIRE(ledger_size(l) == f->model.size);
        REQUIRE(hash_eq(&want, &got));
}

/* ---- the published tree ---- */

static void check_file(struct fixture *f, const char *path, struct span want)
{
        size_t n;
        uint8_t *got = fixture_read(f->public_fd, path, &n);

        if (!span_eq(span_of(got, n), want))
                fprintf(stderr, "%s is not what it must be\n", path);
        REQUIRE(span_eq(span_of(got, n), want));
        free(got);
}

static void check_node_tile(struct fixture *f, int level, uint64_t n, unsigned width)
{
        uint64_t per = UINT64_C(1) << (8 * level);
        struct hash slot[256];
        char path[64], name[8];

        for (unsigned i = 0; i < width; i++)
                slot[i] = testlog_mth(f->model.leaf + (n * 256 + i) * per, per);
        snprintf(name, sizeof name, "%d", level);
        testlog_path(path, name, n, width);
        check_file(f, path, span_of(slot, width * sizeof *slot));
}

static void check_bundle(struct fixture *f, uint64_t n, unsigned width)
{
        const struct testlog *m = &f->model;
        char path[64];

        testlog_path(path, "entries", n, width);
        check_file(f, path,
                   span_of(m->entries + m->at[n * 256], m->at[n * 256 + width] - m->at[n * 256]));
}

/* Whatever lies below tile/ must be right too: stale partial tiles, and nothing foreign. */
static void check_present(struct fixture *f, const char *dir, bool temporaries)
{
        DIR *d = open_dir(f->public_fd, dir);
        struct dirent *e;
        struct stat st;

        while ((e = readdir(d))) {
                char path[512];
                struct tile t;

                if (dots(e->d_name))
                        continue;
                snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
                REQUIRE(fstatat(f->public_fd, path, &st, 0) == 0);
                if (S_ISDIR(st.st_mode)) {
                        check_present(f, path, temporaries);
                        continue;
                }
                if (temporaries && strlen(path) > 4 && strcmp(path + strlen(path) - 4, ".tmp") == 0)
                        continue;
                if (tile_parse(span_str(path), &t) < 0)
                        fprintf(stderr, "%s has no business there\n", path);
                REQUIRE(tile_parse(span_str(path), &t) == 0);
                if (t.level < 0)
                        check_bundle(f, t.n, t.width);
                else
                        check_node_tile(f, t.level, t.n, t.width);
        }
        closedir(d);
}

static void check_tree(struct fixture *f, uint64_t size, bool temporaries)
{
        REQUIRE(size <= f->model.size);
        for (uint64_t lo = 0; lo < size; lo += 256)
                check_bundle(f, lo / 256, (unsigned)MIN_OF(size - lo, (uint64_t)256));
        for (int level = 0; size >> (8 * level); level++)
                for (uint64_t lo = 0, n = size >> (8 * level); lo < n; lo += 256)
                        check_node_tile(f, level, lo / 256,
                                        (unsigned)MIN_OF(n - lo, (uint64_t)256));
        check_present(f, "tile", temporaries);
}

void fixture_check_tree(struct fixture *f, uint64_t size)
{
        check_tree(f, size, false);
}

void fixture_check_tree_after_crash(struct fixture *f, uint64_t size)
{
        check_tree(f, size, true);
}

uint64_t fixture_checkpoint_size(struct fixture *f)
{
        struct signer *key = NULL;
        struct note_vkey vkey;
        struct checkpoint c;
        struct hash root;
        uint8_t *bytes;
        size_t n;

        REQUIRE(keys_load(f->private_fd, &io_kernel, "log", &key, NULL) == 0);
        signer_vkey(key, &vkey);
        signer_free(key);
        bytes = fixture_read(f->public_fd, "checkpoint", &n);
        REQUIRE(verifier_open_checkpoint(&vkey, span_of(bytes, n), &c, NULL) == 0);
        free(bytes);
        REQUIRE(c.size <= f->model.size);
        root = testlog_root(&f->model, c.size);
        REQUIRE(hash_eq(&root, &c.root));
        return c.size;
}

/* ---- opening ---- */

struct ledger *fixture_open(struct fixture *f)
{
        struct ledger *l = NULL;
        struct err err = { 0 };

        if (ledger_open(f->public_fd, f->private_fd, &f->options, &l, &err) < 0)
                fprintf(stderr, "open: %s\n", err_text(&err));
        REQUIRE(l);
        return l;
}

struct publisher *fixture_publisher(struct fixture *f, struct vault *v, bool rebuild)
{
        struct publisher_options o = { .io = f->options.io, .vault = v, .rebuild = rebuild };
        struct publisher *p = NULL;
        struct err err = { 0 };

        if (publisher_open(f->public_fd, f->private_fd, &o, &p, &err) < 0)
                fprintf(stderr, "publisher: %s\n", err_text(&err));
        REQUIRE(p);
        return p;
}

void fixture_publish(struct publisher *p, struct ledger *l)
{
        struct ledger_position at;
        struct err err = { 0 };
        int r;

        ledger_position(l, &at);
        r = publisher_run(p, &at, &err);
        if (r < 0)
                fprintf(stderr, "publish: %s\n", err_text(&err));
        REQUIRE(r == 0);
        ledger_published(l, publisher_covered(p), publisher_segment(p));
}
