/* SPDX-License-Identifier: Apache-2.0 */
/* Packages made by hand, good ones and hostile ones.  Hashes are from sha256sum(1). */
#include "job/deb.h"

#include "../alloc_fail.h"
#include "archive_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

#define SHA_HELLO "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03" /* hello\n */
#define SHA_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define CONTROL "Package: hello\nVersion: 1:2.10-3~x+y\nArchitecture: amd64\nDescription: x\n y\n"
#define PACKAGE                                                                                    \
        "{\"architecture\":\"amd64\",\"fact\":\"package\",\"package\":\"hello\","                  \
        "\"version\":\"1:2.10-3~x+y\"}\n"

static const struct deb_limits small = {
        .file = 16u << 20, .unpacked = 100000, .control = 4096, .entries = 100, .names = 4096
};

static int collect(void *ctx, struct span json)
{
        struct buf *b = ctx;

        assert_int_equal(json_check(json, NULL), 0);
        buf_put(b, json);
        buf_put_byte(b, '\n');
        return 0;
}

static int file_of(const struct buf *b)
{
        int fd = memfd_create("deb", MFD_CLOEXEC);

        assert_int_equal(write(fd, b->p, b->n), b->n);
        return fd;
}

static int read_fd(int fd, struct buf *facts, struct err *err)
{
        struct job_out out;
        int r;

        job_out_init(&out, collect, facts);
        r = deb_read(&out, fd, &small, err);
        job_out_done(&out);
        return r;
}

static int read_bytes(const struct buf *deb, struct buf *facts, struct err *err)
{
        int fd = file_of(deb);
        int r = read_fd(fd, facts, err);

        close(fd);
        return r;
}

/* Facts but those of control.tar's files and the last, whose hash is the whole file's. */
static void drop_rest(struct buf *facts)
{
        struct span rest = buf_span(facts), line;
        struct buf kept = BUF_INIT(1 << 20);

        while (job_cut(&rest, '\n', &line)) {
                if (span_starts(line, SPAN("{\"fact\":\"control\"")) ||
                    span_starts(line, SPAN("{\"fact\":\"deb\"")))
                        continue;
                buf_put(&kept, line);
                buf_put_byte(&kept, '\n');
        }
        buf_clear(facts);
        buf_put(facts, buf_span(&kept));
        buf_done(&kept);
}

static void put_control(struct buf *tar, const char *control)
{
        struct tar_entry e = { .name = "./control", .type = '0', .mode = 0644 };

        e.content = span_str(control);
        tar_put(tar, &e);
}

static void put_deb(struct buf *deb, const struct buf *control, const struct buf *data)
{
        buf_put_str(deb, "!<arch>\n");
        ar_put(deb, "debian-binary", SPAN("2.0\n"));
        ar_put(deb, "control.tar", buf_span(control));
        ar_put(deb, "data.tar", buf_span(data));
}

/* ---- data.tar ---- */

enum { ENTRIES = 3 };

static const struct {
        const char *name;
        struct tar_entry entry[ENTRIES];
        const char *want; /* facts behind the package's, or... */
        const char *why;  /* ...the failure */
} cases[] = {
        { "nothing", { { 0 } }, "", NULL },
        { "file",
          { { "./usr/bin/hello", '0', NULL, SPAN_INIT("hello\n"), 0755, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":493,\"path\":\"/usr/bin/hello\","
          "\"sha256\":\"" SHA_HELLO
          "\",\"size\":6,\"type\":\"file\",\"uid\":0,\"user\":\"root\"}\n",
          NULL },
        { "set-uid, other owner, no dot in front",
          { { "usr/bin/at", '0', NULL, SPAN_INIT(""), 06755, 1, 60000, "daemon", "at" } },
          "{\"fact\":\"file\",\"gid\":60000,\"group\":\"at\",\"mode\":3565,\"path\":\"/usr/bin/at\","
          "\"sha256\":\"" SHA_EMPTY "\",\"size\":0,\"type\":\"file\",\"uid\":1,"
          "\"user\":\"daemon\"}\n",
          NULL },
        { "directories",
          { { "./", '5', NULL, SPAN_INIT(""), 0755, 0, 0, NULL, NULL },
            { "./var//mail/", '5', NULL, SPAN_INIT(""), 02775, 0, 8, NULL, "mail" } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":493,\"path\":\"/\","
          "\"type\":\"dir\",\"uid\":0,\"user\":\"root\"}\n"
          "{\"fact\":\"file\",\"gid\":8,\"group\":\"mail\",\"mode\":1533,\"path\":\"/var/mail\","
          "\"type\":\"dir\",\"uid\":0,\"user\":\"root\"}\n",
          NULL },
        { "symbolic link, its target as it is",
          { { "./bin", '2', "../..//x", SPAN_INIT(""), 0777, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":511,\"path\":\"/bin\","
          "\"target\":\"../..//x\",\"type\":\"symlink\",\"uid\":0,\"user\":\"root\"}\n",
          NULL },
        { "hard link has what it links to",
          { { "./a", '0', NULL, SPAN_INIT("hello\n"), 0711, 3, 4, "x", "y" },
            { "./b", '1', "./a", SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":4,\"group\":\"y\",\"mode\":457,\"path\":\"/a\",\"sha256\":"
          "\"" SHA_HELLO "\",\"size\":6,\"type\":\"file\",\"uid\":3,\"user\":\"x\"}\n"
          "{\"fact\":\"file\",\"gid\":4,\"group\":\"y\",\"link\":\"/a\",\"mode\":457,\"path\":\"/b\","
          "\"sha256\":\"" SHA_HELLO "\",\"size\":6,\"type\":\"file\",\"uid\":3,\"user\":\"x\"}\n",
          NULL },
        { "hard link to the latest of that name",
          { { "./a", '0', NULL, SPAN_INIT(""), 0600, 0, 0, NULL, NULL },
            { "./a", '0', NULL, SPAN_INIT("hello\n"), 0644, 0, 0, NULL, NULL },
            { "./b", '1', "a", SPAN_INIT(""), 0, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":384,\"path\":\"/a\",\"sha256\":"
          "\"" SHA_EMPTY "\",\"size\":0,\"type\":\"file\",\"uid\":0,\"user\":\"root\"}\n"
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":420,\"path\":\"/a\",\"sha256\":"
          "\"" SHA_HELLO "\",\"size\":6,\"type\":\"file\",\"uid\":0,\"user\":\"root\"}\n"
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"link\":\"/a\",\"mode\":420,\"path\":"
          "\"/b\",\"sha256\":\"" SHA_HELLO "\",\"size\":6,\"type\":\"file\",\"uid\":0,"
          "\"user\":\"root\"}\n",
          NULL },
        { "device and fifo",
          { { "./d", '3', NULL, SPAN_INIT(""), 0600, 0, 0, NULL, NULL },
            { "./f", '6', NULL, SPAN_INIT(""), 0600, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"major\":8,\"minor\":1,\"mode\":384,"
          "\"path\":\"/d\",\"type\":\"char\",\"uid\":0,\"user\":\"root\"}\n"
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":384,\"path\":\"/f\","
          "\"type\":\"fifo\",\"uid\":0,\"user\":\"root\"}\n",
          NULL },
        { "name that is no UTF-8, and one with a newline",
          { { "./\xff", '5', NULL, SPAN_INIT(""), 0755, 0, 0, NULL, NULL },
            { "./a\nb", '5', NULL, SPAN_INIT(""), 0755, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":493,\"path_b64\":\"L/8=\","
          "\"type\":\"dir\",\"uid\":0,\"user\":\"root\"}\n"
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":493,\"path\":\"/a\\nb\","
          "\"type\":\"dir\",\"uid\":0,\"user\":\"root\"}\n",
          NULL },
        { "absolute name is the same as one below the top, as for dpkg",
          { { "/etc/x", '5', NULL, SPAN_INIT(""), 0755, 0, 0, NULL, NULL } },
          "{\"fact\":\"file\",\"gid\":0,\"group\":\"root\",\"mode\":493,\"path\":\"/etc/x\","
          "\"type\":\"dir\",\"uid\":0,\"user\":\"root\"}\n",
          NULL },
        { "way out",
          { { "./usr/../../etc/shadow", '0', NULL, SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 1 has dots for a directory" },
        { "way out at the front",
          { { "../x", '0', NULL, SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 1 has dots for a directory" },
        { "dot inside",
          { { "./a/./b", '0', NULL, SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 1 has dots for a directory" },
        { "hard link out",
          { { "./a", '0', NULL, SPAN_INIT("hello\n"), 0644, 0, 0, NULL, NULL },
            { "./b", '1', "../../etc/shadow", SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 2 has dots for a directory" },
        { "hard link to nothing",
          { { "./b", '1', "./a", SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 1 is a link to none before it" },
        { "hard link to a directory",
          { { "./a", '5', NULL, SPAN_INIT(""), 0644, 0, 0, NULL, NULL },
            { "./b", '1', "./a", SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 2 is a link to none before it" },
        { "no name",
          { { "", '0', NULL, SPAN_INIT("x"), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 1 has no name" },
        { "symbolic link to nothing",
          { { "./b", '2', "", SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: entry 1 is a link to nothing" },
        { "pax header",
          { { "./PaxHeaders/x", 'x', NULL, SPAN_INIT("15 path=./\xc3\xa4\n\0"), 0644, 0, 0, NULL,
              NULL },
            { "./x", '0', NULL, SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "data.tar: " },
};

static void put_case(size_t i, struct buf *deb)
{
        struct buf control = BUF_INIT(1 << 20), data = BUF_INIT(1 << 20);

        put_control(&control, CONTROL);
        tar_end(&control);
        for (size_t k = 0; k < ENTRIES && cases[i].entry[k].name; k++)
                tar_put(&data, &cases[i].entry[k]);
        tar_end(&data);
        put_deb(deb, &control, &data);
        buf_done(&control);
        buf_done(&data);
}

static void test_data(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct buf deb = BUF_INIT(1 << 20), facts = BUF_INIT(1 << 20);
                struct err err = { 0 };
                char want[4096];
                int r;

                print_message("%s\n", cases[i].name);
                put_case(i, &deb);
                r = read_bytes(&deb, &facts, &err);
                if (cases[i].why) {
                        assert_int_equal(r, -EBADMSG);
                        assert_memory_equal(err.text, cases[i].why, strlen(cases[i].why));
                } else {
                        assert_string_equal(err.text, "");
                        assert_int_equal(r, 0);
                        snprintf(want, sizeof want, "%s%s", PACKAGE, cases[i].want);
                        drop_rest(&facts);
                        assert_string_equal(buf_cstr(&facts), want);
                }
                buf_done(&deb);
                buf_done(&facts);
        }
}

/* ---- control.tar ---- */

static const struct {
        const char *name;
        struct tar_entry entry[ENTRIES];
        const char *want;
        const char *why;
} controls[] = {
        { "all of it",
          { { "./postinst", '0', NULL, SPAN_INIT("hello\n"), 0755, 0, 0, NULL, NULL },
            { "./control", '0', NULL, SPAN_INIT(CONTROL), 0644, 0, 0, NULL, NULL },
            { "./conffiles", '0', NULL,
              SPAN_INIT("/etc/hello.conf\n\nremove-on-upgrade /etc/old\n"), 0644, 0, 0, NULL,
              NULL } },
          "{\"fact\":\"control\",\"name\":\"postinst\",\"sha256\":\"" SHA_HELLO "\",\"size\":6}\n"
          "{\"fact\":\"control\",\"name\":\"control\",\"sha256\":"
          "\"2228169111c64ca99cb62ed06df876216c0875b9c9446669e2560f7bef9782c0\",\"size\":75}\n" PACKAGE
          "{\"fact\":\"control\",\"name\":\"conffiles\",\"sha256\":"
          "\"9aae399c4d0a3f96b1912af10fb6a58beb95b67eaf17273b244eb2e8aeb781e9\",\"size\":44}\n"
          "{\"fact\":\"conffile\",\"path\":\"/etc/hello.conf\",\"remove\":false}\n"
          "{\"fact\":\"conffile\",\"path\":\"/etc/old\",\"remove\":true}\n",
          NULL },
        { "conffile that is no path",
          { { "./control", '0', NULL, SPAN_INIT(CONTROL), 0644, 0, 0, NULL, NULL },
            { "./conffiles", '0', NULL, SPAN_INIT("/etc/a\netc/b\n"), 0644, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: conffiles: line 2 is no absolute path" },
        { "no control",
          { { "./postinst", '0', NULL, SPAN_INIT("x"), 0755, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: no control" },
        { "two",
          { { "./control", '0', NULL, SPAN_INIT(CONTROL), 0644, 0, 0, NULL, NULL },
            { "control", '0', NULL, SPAN_INIT(CONTROL), 0644, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: control is there twice" },
        { "two paragraphs",
          { { "./control", '0', NULL, SPAN_INIT(CONTROL "\nSection: evil\n"), 0644, 0, 0, NULL,
              NULL } },
          NULL,
          "control.tar: control: more than one paragraph" },
        { "two names",
          { { "./control", '0', NULL, SPAN_INIT(CONTROL "package: evil\n"), 0644, 0, 0, NULL,
              NULL } },
          NULL,
          "control.tar: control: line 6 is no Package" },
        { "no version",
          { { "./control", '0', NULL, SPAN_INIT("Package: a\nArchitecture: all\n"), 0644, 0, 0,
              NULL, NULL } },
          NULL,
          "control.tar: control: no Version" },
        { "odd name",
          { { "./control", '0', NULL, SPAN_INIT("Package: a/../b\n"), 0644, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: control: line 1 is no Package" },
        { "empty",
          { { "./control", '0', NULL, SPAN_INIT("\n\n"), 0644, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: control is empty" },
        { "in a directory",
          { { "./a/control", '0', NULL, SPAN_INIT(CONTROL), 0644, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: entry 1 is no file at the top" },
        { "link",
          { { "./control", '2', "/etc/passwd", SPAN_INIT(""), 0644, 0, 0, NULL, NULL } },
          NULL,
          "control.tar: entry 1 is no plain file" },
};

static void test_control(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
                struct buf deb = BUF_INIT(1 << 20), facts = BUF_INIT(1 << 20);
                struct buf control = BUF_INIT(1 << 20), data = BUF_INIT(1 << 20);
                struct err err = { 0 };
                const char *last;
                int r;

                print_message("%s\n", controls[i].name);
                for (size_t k = 0; k < ENTRIES && controls[i].entry[k].name; k++)
                        tar_put(&control, &controls[i].entry[k]);
                tar_end(&control);
                tar_end(&data);
                put_deb(&deb, &control, &data);
                r = read_bytes(&deb, &facts, &err);
                if (controls[i].why) {
                        assert_int_equal(r, -EBADMSG);
                        assert_string_equal(err.text, controls[i].why);
                } else {
                        assert_string_equal(err.text, "");
                        last = strstr(buf_cstr(&facts), "{\"fact\":\"deb\"");
                        assert_non_null(last);
                        facts.n = (size_t)(last - (char *)facts.p);
                        assert_string_equal(buf_cstr(&facts), controls[i].want);
                }
                buf_done(&deb);
                buf_done(&facts);
                buf_done(&control);
                buf_done(&data);
        }
}

/* ---- ar ---- */

#define MEMBER_VERSION "debian-binary   0           0     0     100644  4         `\n2.0\n"
#define MEMBER_OTHER   "_gpgorigin      0           0     0     100644  3         `\nabc\n"

static const struct {
        const char *name;
        const char *head; /* before the two archives */
        const char *names[2];
        const char *why; /* NULL: good */
} ars[] = {
        { "plain", "!<arch>\n" MEMBER_VERSION, { "control.tar", "data.tar" }, NULL },
        { "names with slashes", "!<arch>\n" MEMBER_VERSION, { "control.tar/", "data.tar/" }, NULL },
        { "members of others",
          "!<arch>\n" MEMBER_VERSION MEMBER_OTHER,
          { "control.tar", "data.tar" },
          NULL },
        { "later version",
          "!<arch>\n"
          "debian-binary   0           0     0     100644  9         `\n2.1\nmore\n\n",
          { "control.tar", "data.tar" },
          NULL },
        { "empty", "", { NULL, NULL }, "input ends in the middle" },
        { "no ar", "#!/bin/sh\n", { NULL, NULL }, "no ar archive" },
        { "nothing in it", "!<arch>\n", { NULL, NULL }, "header of a member: input ends" },
        { "member of others first",
          "!<arch>\n" MEMBER_OTHER MEMBER_VERSION,
          { "control.tar", "data.tar" },
          "first member is no debian-binary" },
        { "old format",
          "!<arch>\n"
          "debian-binary   0           0     0     100644  4         `\n0.9\n",
          { "control.tar", "data.tar" },
          "format is not 2.x" },
        { "version without end",
          "!<arch>\n"
          "debian-binary   0           0     0     100644  4         `\n2.0x",
          { "control.tar", "data.tar" },
          "format is not 2.x" },
        { "size with a sign",
          "!<arch>\n"
          "debian-binary   0           0     0     100644  -4        `\n2.0\n",
          { "control.tar", "data.tar" },
          "size of a member is no number" },
        { "no end of a header",
          "!<arch>\n"
          "debian-binary   0           0     0     100644  4         xx2.0\n",
          { "control.tar", "data.tar" },
          "header of a member has no end" },
        { "long name of BSD",
          "!<arch>\n"
          "#1/13           0           0     0     100644  17        `\ndebian-binary2.0\n\n",
          { "control.tar", "data.tar" },
          "first member is no debian-binary" },
        { "wrong order",
          "!<arch>\n" MEMBER_VERSION,
          { "data.tar", "control.tar" },
          "next member is no control.tar" },
        { "stranger between",
          "!<arch>\n" MEMBER_VERSION,
          { "control.tar", "evil.tar" },
          "next member is no data.tar" },
        { "compression nobody knows",
          "!<arch>\n" MEMBER_VERSION,
          { "control.tar.Z", "data.tar" },
          "a compression that is not known" },
        { "name goes on",
          "!<arch>\n" MEMBER_VERSION,
          { "control.tarball", "data.tar" },
          "a compression that is not known" },
        { "compression that is not there",
          "!<arch>\n" MEMBER_VERSION,
          { "control.tar.xz", "data.tar" },
          "control.tar: unpacking: not compressed as its name says" },
        { "no data",
          "!<arch>\n" MEMBER_VERSION,
          { "control.tar", NULL },
          "data.tar: header of a member: input ends" },
};

static void put_ar(size_t i, struct buf *deb)
{
        struct buf control = BUF_INIT(1 << 20), data = BUF_INIT(1 << 20);

        put_control(&control, CONTROL);
        tar_end(&control);
        tar_end(&data);
        buf_put_str(deb, ars[i].head);
        for (int k = 0; k < 2 && ars[i].names[k]; k++)
                ar_put(deb, ars[i].names[k],
                       buf_span(strncmp(ars[i].names[k], "data", 4) == 0 ? &data : &control));
        buf_done(&control);
        buf_done(&data);
}

static void test_ar(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(ars); i++) {
                struct buf deb = BUF_INIT(1 << 20), facts = BUF_INIT(1 << 20);
                struct err err = { 0 };
                int r;

                print_message("%s\n", ars[i].name);
                put_ar(i, &deb);
                r = read_bytes(&deb, &facts, &err);
                if (ars[i].why) {
                        assert_in_range(-r, 1, 200);
                        assert_non_null(strstr(err.text, ars[i].why));
                } else {
                        assert_string_equal(err.text, "");
                        assert_int_equal(r, 0);
                        drop_rest(&facts);
                        assert_string_equal(buf_cstr(&facts), PACKAGE);
                }
                buf_done(&deb);
                buf_done(&facts);
        }
}

/* Cut anywhere a package is no package: but for what dpkg does not look at, the end of a tar. */
static void test_cut(void **state)
{
        struct buf deb = BUF_INIT(1 << 20), facts = BUF_INIT(1 << 20);
        size_t whole;

        put_case(1, &deb);
        whole = deb.n;
        for (size_t n = 0; n < whole - 2 * TAR_BLOCK; n += n < 200 ? 1 : 97) {
                struct err err = { 0 };

                deb.n = n;
                buf_clear(&facts);
                assert_int_equal(read_bytes(&deb, &facts, &err), -EBADMSG);
                assert_true(err.text[0] != '\0');
                assert_null(strstr(buf_cstr(&facts), "{\"fact\":\"deb\""));
        }
        buf_done(&deb);
        buf_done(&facts);
}

/* ---- ceilings ---- */

static void big_case(const char *name, size_t entries, size_t name_n, size_t size, const char *why)
{
        struct buf deb = BUF_INIT(4 << 20), facts = BUF_INIT(4 << 20);
        struct buf control = BUF_INIT(1 << 20), data = BUF_INIT(4 << 20);
        struct err err = { 0 };
        static uint8_t zeros[200000];
        char path[101] = "";

        print_message("%s\n", name);
        put_control(&control, CONTROL);
        tar_end(&control);
        for (size_t i = 0; i < entries; i++) {
                struct tar_entry e = { .name = path, .type = '0', .content = { zeros, size } };

                snprintf(path, sizeof path, "./%0*zu", (int)name_n, i);
                tar_put(&data, &e);
        }
        tar_end(&data);
        put_deb(&deb, &control, &data);
        if (why) {
                assert_true(read_bytes(&deb, &facts, &err) < 0);
                assert_non_null(strstr(err.text, why));
        } else {
                assert_int_equal(read_bytes(&deb, &facts, &err), 0);
        }
        buf_done(&deb);
        buf_done(&facts);
        buf_done(&control);
        buf_done(&data);
}

static void test_ceilings(void **state)
{
        big_case("as many entries as may be", 100, 3, 1000, NULL);
        big_case("one more", 101, 3, 0, "more than 100 entries");
        big_case("more bytes than may come out", 1, 3, 100001, "more bytes come out than may");
        big_case("more bytes of names than are kept", 60, 90, 0, "entry");
}

static void test_large_file(void **state)
{
        int fd = memfd_create("deb", MFD_CLOEXEC);
        struct buf facts = BUF_INIT(1 << 20);
        struct err err = { 0 };

        assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
        assert_int_equal(read_fd(fd, &facts, &err), -EFBIG);
        close(fd);
}

static void test_no_file(void **state)
{
        struct buf facts = BUF_INIT(1 << 20);
        struct err err = { 0 };
        int pair[2];

        assert_int_equal(pipe(pair), 0);
        assert_int_equal(read_fd(pair[0], &facts, &err), -EINVAL);
        close(pair[0]);
        close(pair[1]);
}

/* A reader that had enough stops the job. */
static int refuse(void *ctx, struct span json)
{
        return -EPIPE;
}

static void test_refused(void **state)
{
        struct buf deb = BUF_INIT(1 << 20);
        struct job_out out;
        struct err err = { 0 };
        int fd;

        put_case(1, &deb);
        fd = file_of(&deb);
        job_out_init(&out, refuse, NULL);
        assert_int_equal(deb_read(&out, fd, &small, &err), -EPIPE);
        job_out_done(&out);
        close(fd);
        buf_done(&deb);
}

static void test_memory(void **state)
{
        static uint8_t room[1 << 16];
        struct buf deb = BUF_INIT(1 << 20);
        unsigned failures = 0;
        int fd, r;

        put_case(5, &deb);
        fd = file_of(&deb);
        for (size_t nth = 1;; nth++) {
                /* the test's own buffer must not count */
                struct buf facts = { .p = room, .cap = sizeof room, .max = sizeof room };
                struct err err = { 0 };

                alloc_fail_nth = nth;
                r = read_fd(fd, &facts, &err);
                alloc_fail_nth = 0;
                if (r == 0)
                        break;
                assert_int_equal(r, -ENOMEM);
                assert_true(err.text[0] != '\0');
                failures++;
        }
        assert_true(failures >= 6);
        close(fd);
        buf_done(&deb);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_data),     cmocka_unit_test(test_control),
                cmocka_unit_test(test_ar),       cmocka_unit_test(test_cut),
                cmocka_unit_test(test_ceilings), cmocka_unit_test(test_large_file),
                cmocka_unit_test(test_no_file),  cmocka_unit_test(test_refused),
                cmocka_unit_test(test_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
