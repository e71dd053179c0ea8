/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/mount_list.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define HOST                                                                                       \
        "1 0 8:1 / / rw,relatime shared:1 - ext4 /dev/a rw\n"                                      \
        "2 1 0:5 / /proc rw,nosuid,nodev,noexec - proc proc rw\n"                                  \
        "3 1 8:2 / /home rw,nosuid - ext4 /dev/b rw\n"                                             \
        "4 1 0:9 / /home/over rw - tmpfs x rw\n"

static const struct {
        const char *name, *line;
        bool shows;
} cases[] = {
        { "the same", "9 8 8:2 / /home rw,nosuid - ext4 /dev/b rw\n", true },
        { "a part of it, mounted at its own place",
          "9 8 8:2 /ann /home/ann rw,nosuid - ext4 x rw\n", true },
        { "more rights taken", "9 8 8:2 / /home ro,nosuid,nodev - ext4 /dev/b rw\n", true },
        { "a right given", "9 8 8:2 / /home rw - ext4 /dev/b rw\n", false },
        { "a right given, among others taken", "9 8 0:5 / /proc ro,nosuid,noexec - proc p rw\n",
          false },
        { "another filesystem", "9 8 8:3 / /home rw,nosuid - ext4 /dev/c rw\n", false },
        { "another part of it", "9 8 8:2 /bob /home/ann rw,nosuid - ext4 x rw\n", false },
        { "a part that begins like it", "9 8 8:2 /annex /home/ann rw,nosuid - ext4 x rw\n", false },
        { "a place that begins like another", "9 8 8:2 / /homes rw,nosuid - ext4 /dev/b rw\n",
          false },
        { "what the host has below another mount", "9 8 8:2 /over /home/over rw,nosuid - e x rw\n",
          false },
        { "a file of the root", "9 8 8:1 /etc/motd /etc/motd rw - ext4 /dev/a rw\n", true },
        { "another file over it", "9 8 8:1 /tmp/x /etc/motd rw - ext4 /dev/a rw\n", false },
        { "the root again, elsewhere", "9 8 8:1 / /mnt rw - ext4 /dev/a rw\n", false },
};

static void take(struct mount_list *l, const char *text)
{
        size_t n = strlen(text);
        uint8_t *copy = malloc(n + 1);

        assert_non_null(copy);
        memcpy(copy, text, n);
        mount_list_take(l, copy, n);
}

static void test_shows(void **state)
{
        static struct mount_list host, here;

        (void)state;
        take(&host, HOST);
        assert_int_equal(host.n, 4);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                take(&here, cases[i].line);
                assert_int_equal(here.n, 1);
                if (mount_list_shows(&host, &here.at[0]) != cases[i].shows)
                        fail_msg("%s", cases[i].name);
        }
        mount_list_done(&host);
        assert_false(mount_list_shows(&host, &here.at[0])); /* of a host that could not be read */
        mount_list_done(&here);
}

/* So many are kept, and that there were more is known. */
static void test_ceiling(void **state)
{
        static const struct {
                size_t lines, kept;
                bool cut;
        } of[] = { { 0, 0, false },
                   { MOUNT_LIST_MAX - 1, MOUNT_LIST_MAX - 1, false },
                   { MOUNT_LIST_MAX, MOUNT_LIST_MAX, false },
                   { MOUNT_LIST_MAX + 1, MOUNT_LIST_MAX, true },
                   { 3 * MOUNT_LIST_MAX, MOUNT_LIST_MAX, true } };
        static struct mount_list l;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(of); i++) {
                struct buf b = BUF_INIT(1 << 20);

                for (size_t k = 0; k < of[i].lines; k++)
                        buf_printf(&b, "no mount\n%zu 1 8:1 / /%zu rw - ext4 x rw\n", k, k);
                take(&l, buf_cstr(&b));
                buf_done(&b);
                assert_int_equal(l.n, of[i].kept);
                assert_int_equal(l.cut, of[i].cut);
        }
        mount_list_done(&l);
}

/* The second over the same point is told as that, whatever lies between. */
static void test_line(void **state)
{
        static const struct mount_owner of = { .inode = 5, .name = SPAN("c"), .nth = 2, .pid = 7 };
        static struct mount_list l;
        struct buf b = BUF_INIT(4096);

        (void)state;
        take(&l, "1 0 8:1 /r /a rw - ext4 s rw\n2 0 8:1 / /b ro - ext4 s rw\n"
                 "3 0 0:9 / /a rw,nodev - tmpfs a\\040b rw\n");
        mount_list_put(&l, 2, &of, &b);
        assert_string_equal(buf_cstr(&b),
                            "mount\t5\tc\t2\t2\t7\t/\t/a\trw,nodev\ttmpfs\ta\\\\040b\n");
        buf_done(&b);
        mount_list_done(&l);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_shows),
                cmocka_unit_test(test_ceiling),
                cmocka_unit_test(test_line),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
