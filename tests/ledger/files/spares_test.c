/* SPDX-License-Identifier: Apache-2.0 */
/* Files put aside become new ones, the oldest first; never one that somebody else still sees. */
#include "ledger/files/spares.h"

#include "../faulty.h"
#include "../fixture.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct fixture f;
static struct spares s;

static int set_up(void **state)
{
        fixture_init(&f, false);
        spares_open(&s, &io_kernel, f.private_fd, "spare", 0644);
        return 0;
}

static int tear_down(void **state)
{
        spares_close(&s);
        fixture_done(&f);
        return 0;
}

static void make(const char *name)
{
        fixture_write(f.public_fd, name, SPAN("what it was"));
        assert_int_equal(fchmodat(f.public_fd, name, 0644, 0), 0);
}

static void take(const char *name)
{
        int fd = spares_take(&s, f.public_fd, name);
        struct stat st;

        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_int_equal(st.st_size, 0);
        assert_int_equal(st.st_ino, fixture_inode(f.public_fd, name));
        assert_int_equal(pwrite(fd, "new", 3, 0), 3);
        close(fd);
}

static void oldest_first(void **state)
{
        ino_t a, b;

        assert_int_equal(spares_take(&s, f.public_fd, "x"), -ENOENT);
        make("a");
        make("b");
        a = fixture_inode(f.public_fd, "a");
        b = fixture_inode(f.public_fd, "b");
        assert_true(spares_give(&s, f.public_fd, "a"));
        assert_true(spares_give(&s, f.public_fd, "b"));
        assert_false(spares_give(&s, f.public_fd, "b"));
        take("x");
        make("y"); /* is replaced */
        take("y");
        assert_int_equal(fixture_inode(f.public_fd, "x"), a);
        assert_int_equal(fixture_inode(f.public_fd, "y"), b);
        assert_int_equal(spares_take(&s, f.public_fd, "z"), -ENOENT);
}

static void as_many_as_said(void **state)
{
        char name[16];

        for (int turn = 0; turn < 3; turn++) {
                for (int i = 0; i < SPARES_MAX; i++) {
                        snprintf(name, sizeof name, "n%d", i);
                        make(name);
                        assert_true(spares_give(&s, f.public_fd, name));
                }
                make("more");
                assert_false(spares_give(&s, f.public_fd, "more"));
                assert_int_equal(faccessat(f.public_fd, "more", F_OK, 0), 0);
                for (int i = 0; i < SPARES_MAX; i++)
                        take("x");
                assert_int_equal(spares_take(&s, f.public_fd, "x"), -ENOENT);
        }
}

/* ---- what nobody may see change ---- */

static int held = -1;
static void *mapped;

static void opened(void)
{
        held = openat(f.public_fd, "a", O_RDONLY | O_CLOEXEC);
}

static void mapped_and_closed(void)
{
        int fd = openat(f.public_fd, "a", O_RDONLY | O_CLOEXEC);

        mapped = mmap(NULL, 11, PROT_READ, MAP_SHARED, fd, 0);
        close(fd);
}

static void linked(void)
{
        assert_int_equal(linkat(f.public_fd, "a", f.public_fd, "kept", 0), 0);
}

static void other_mode(void)
{
        assert_int_equal(fchmodat(f.public_fd, "a", 0600, 0), 0);
}

static void a_symlink(void)
{
        make("victim");
        assert_int_equal(unlinkat(f.public_fd, "a", 0), 0);
        assert_int_equal(symlinkat("../log/victim", f.public_fd, "a"), 0);
}

static void a_pipe(void)
{
        assert_int_equal(unlinkat(f.public_fd, "a", 0), 0);
        assert_int_equal(mkfifoat(f.public_fd, "a", 0644), 0);
}

static void left_alone(void **state)
{
        static void (*const ways[])(void) = { opened,     mapped_and_closed, linked,
                                              other_mode, a_symlink,         a_pipe };

        for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
                char bytes[12] = "";

                make("a");
                ways[i]();
                assert_true(spares_give(&s, f.public_fd, "a"));
                assert_int_equal(spares_take(&s, f.public_fd, "x"), -ENOENT);
                if (held >= 0) {
                        assert_int_equal(pread(held, bytes, 11, 0), 11);
                        assert_string_equal(bytes, "what it was");
                        fd_close(&held);
                }
                if (mapped) {
                        assert_memory_equal(mapped, "what it was", 11);
                        assert_int_equal(munmap(mapped, 11), 0);
                        mapped = NULL;
                }
        }
}

/* Who has looked a name up and is held up there: what is written meanwhile he cannot open, and what
 * he has open then stays. */
static void late_to_open(void **state)
{
        char bytes[12] = "";
        int looked_up, fd;

        make("a");
        looked_up = openat(f.public_fd, "a", O_PATH | O_CLOEXEC);
        assert_true(looked_up >= 0);
        assert_true(spares_give(&s, f.public_fd, "a"));
        fd = spares_take(&s, f.public_fd, "x");
        assert_true(fd >= 0);
        assert_int_equal(open(fd_path(looked_up).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC), -1);
        assert_int_equal(errno, EAGAIN);
        assert_int_equal(pwrite(fd, "new", 3, 0), 3);
        close(fd);
        fd = open(fd_path(looked_up).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_true(spares_give(&s, f.public_fd, "x"));
        assert_int_equal(spares_take(&s, f.public_fd, "y"), -ENOENT);
        assert_int_equal(pread(fd, bytes, sizeof bytes, 0), 3);
        assert_string_equal(bytes, "new");
        close(fd);
        close(looked_up);
}

/* ---- failures ---- */

static void a_life_before(void **state)
{
        make("a");
        assert_true(spares_give(&s, f.public_fd, "a"));
        spares_close(&s);
        assert_int_equal(faccessat(f.private_fd, "spare/0", F_OK, 0), 0);
        spares_open(&s, &io_kernel, f.private_fd, "spare", 0644);
        assert_int_equal(faccessat(f.private_fd, "spare/0", F_OK, 0), -1);
        assert_int_equal(spares_take(&s, f.public_fd, "x"), -ENOENT);
        make("b");
        assert_true(spares_give(&s, f.public_fd, "b"));
        take("x");
}

static void last_dropped(void **state)
{
        ino_t a;

        make("a");
        a = fixture_inode(f.public_fd, "a");
        assert_true(spares_give(&s, f.public_fd, "a"));
        make("b");
        make("c");
        assert_true(spares_give(&s, f.public_fd, "b"));
        assert_true(spares_give(&s, f.public_fd, "c"));
        spares_drop_last(&s, 2);
        take("x");
        assert_int_equal(fixture_inode(f.public_fd, "x"), a);
        assert_int_equal(spares_take(&s, f.public_fd, "y"), -ENOENT);
}

static void cannot(void **state)
{
        struct io io = io_kernel;

        spares_close(&s);
        io.move = NULL;
        spares_open(&s, &io, f.private_fd, "spare", 0644);
        make("a");
        assert_false(spares_give(&s, f.public_fd, "a"));
        assert_int_equal(spares_take(&s, f.public_fd, "x"), -ENOENT);
        fixture_write(f.private_fd, "file", SPAN(""));
        spares_open(&s, &io_kernel, f.private_fd, "file", 0644);
        assert_false(spares_give(&s, f.public_fd, "a"));
}

/* Each call fails in turn: given is gone from its place or is where it was, and a taken one is
 * empty or none. */
static void faults(void **state)
{
        static const enum faulty_kind kinds[] = { FAULTY_OPEN, FAULTY_RENAME, FAULTY_FTRUNCATE,
                                                  FAULTY_UNLINK };

        for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
                for (uint64_t at = 1; at < 9; at++) {
                        struct faulty io;
                        struct stat st;
                        bool given;
                        int fd;

                        spares_close(&s);
                        faulty_init(&io);
                        io.kind = kinds[k];
                        io.at = at;
                        io.error = -EIO;
                        spares_open(&s, &io.io, f.private_fd, "spare", 0644);
                        make("a");
                        given = spares_give(&s, f.public_fd, "a");
                        assert_int_equal(faccessat(f.public_fd, "a", F_OK, 0), given ? -1 : 0);
                        fd = spares_take(&s, f.public_fd, "x");
                        assert_true(fd >= 0 || fd == -ENOENT);
                        if (fd >= 0) {
                                assert_int_equal(fstat(fd, &st), 0);
                                assert_int_equal(st.st_size, 0);
                                close(fd);
                        }
                }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(oldest_first, set_up, tear_down),
                cmocka_unit_test_setup_teardown(as_many_as_said, set_up, tear_down),
                cmocka_unit_test_setup_teardown(left_alone, set_up, tear_down),
                cmocka_unit_test_setup_teardown(late_to_open, set_up, tear_down),
                cmocka_unit_test_setup_teardown(a_life_before, set_up, tear_down),
                cmocka_unit_test_setup_teardown(last_dropped, set_up, tear_down),
                cmocka_unit_test_setup_teardown(cannot, set_up, tear_down),
                cmocka_unit_test_setup_teardown(faults, set_up, tear_down),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
