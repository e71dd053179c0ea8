/* SPDX-License-Identifier: Apache-2.0 */
/* What the job says of a watch.yaml: lines, or faults as "line:column text". */
#include "job/job.h"
#include "job/watch.h"

#include "integrity/trusted/record.h"
#include "integrity/watching/watchset.h"
#include "wire/attribute.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "../alloc_fail.h"
#include "yaml_told.h"

static const struct told_job job = { job_watch, NULL };

#define HEAD    "version: 1\nprofiles:\n"           /* the profiles begin in line 3 */
#define P(keys) HEAD "  p:\n    mode: alert\n" keys /* and what is in p in line 5 */
#define GOOD    P("    paths: [/etc]\n")
#define PROFILES                                                                                   \
        "profiles:\n"                                                                              \
        "  p: { mode: log, paths: [/etc] }\n"
#define TWO(a, b)                                                                                  \
        HEAD "  a:\n    mode: log\n    paths: " a "\n  b:\n    mode: log\n    paths: " b "\n"

static const struct told_fault faults[] = {
        /* YAML itself */
        { SPAN_INIT(""), "1:1 the keys version and profiles" },
        { SPAN_INIT("# nothing\n"), "1:1 the keys version and profiles" },
        { SPAN_INIT("- a\n"), "1:1 the keys version and profiles" },
        { SPAN_INIT("a: b: c\n"), "1:5 invalid nested block mapping" },
        { SPAN_INIT("version: 1\nprofiles: {p: {paths: [/a, /b\n"),
          "3:1 flow sequence without a closing bracket (in what begins at 2:23)" },
        { SPAN_INIT("version: 1\n\tprofiles:\n"), "1:10 invalid multiline plain key" },
        { SPAN_INIT("version: 1\nprofiles:\n\tp:\n"), "3:1 tab character may not be" },
        { SPAN_INIT("version: 1\nx: \0\n"), "2:4 a byte 0" },
        { SPAN_INIT("version: 1\n\xc3\xa9\xc3\xa9 \xff\n"), "2:4 not UTF-8" },
        { SPAN_INIT("version: &a 1\n"), "1:10 anchors" },
        { SPAN_INIT("version: 1\nprofiles: &p {}\n"), "2:11 anchors" },
        { SPAN_INIT("version: *a\n"), "1:10 aliases" },
        { SPAN_INIT("version: !!int 1\n"), "1:10 tags" },
        { SPAN_INIT("a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n"), "1:4 anchors" },
        { SPAN_INIT("version: 1\n---\nversion: 1\n"), "2:1 a second document" },
        { SPAN_INIT("[[[[[[[[[[[[1]]]]]]]]]]]]\n"), "1:9 nested deeper than 8" },
        { SPAN_INIT("{[a]: 1}\n"), "1:2 a key is a text" },
        /* Keys */
        { SPAN_INIT("version: 2\nprofiles: {p: {mode: log, paths: /a}}\n"),
          "1:10 this is version 1, not \"2\"" },
        { SPAN_INIT("version: \"1\"\nprofiles: {p: {mode: log, paths: /a}}\n"),
          "1:11 this is version 1" },
        { SPAN_INIT("profiles: {p: {mode: log, paths: /a}}\n"), "1:1 the file has no version" },
        { SPAN_INIT("version: 1\n"), "1:1 the file has no profiles" },
        { SPAN_INIT("version: 1\nprofiles:\n"), "2:1 the profiles by their names" },
        { SPAN_INIT("version: 1\nprofiles: []\n"), "2:11 the profiles by their names" },
        { SPAN_INIT("version: 1\nversion: 1\nprofiles: {p: {mode: log, paths: /a}}\n"),
          "2:1 key \"version\" is there twice, first in line 1" },
        { SPAN_INIT(GOOD "watch: x\n"),
          "6:1 unknown key \"watch\": there are version, scan, profiles" },
        { SPAN_INIT(GOOD "    pathes: [/usr]\n"), "6:5 unknown key \"pathes\": there are descri" },
        { SPAN_INIT(GOOD "    paths: [/usr]\n"),
          "6:5 key \"paths\" is there twice, first in line 5" },
        { SPAN_INIT(GOOD "  p:\n    mode: log\n    paths: /usr\n"),
          "6:3 profile p is there twice, first in line 3" },
        { SPAN_INIT(HEAD "  P x: {mode: log, paths: /a}\n"), "3:3 \"P x\": the name of a profile" },
        { SPAN_INIT(HEAD "  p: log\n"), "3:6 the keys of profile p" },
        { SPAN_INIT(HEAD "  p: {paths: /a}\n"), "3:3 profile p has no mode" },
        { SPAN_INIT(HEAD "  p: {mode: log}\n"), "3:3 profile p has no paths" },
        { SPAN_INIT(HEAD "  p: {}\n"), "3:3 profile p has no mode\n3:3 profile p has no paths" },
        /* Values */
        { SPAN_INIT(HEAD "  p: {mode: watch, paths: /a}\n"), "3:13 unknown mode \"watch\"" },
        { SPAN_INIT(HEAD "  p: {mode: [log], paths: /a}\n"),
          "3:13 a mode should stand here, not a" },
        { SPAN_INIT(HEAD "  p:\n    mode:\n    paths: /a\n"),
          "4:5 a mode should stand here, not no" },
        { SPAN_INIT(P("    paths: {a: b}\n")), "5:12 a path should stand here, not keys" },
        { SPAN_INIT(P("    paths: []\n")), "5:12 an empty list" },
        { SPAN_INIT(P("    paths:\n      - /a\n      - [/b]\n")), "7:9 a path should stand here" },
        { SPAN_INIT(P("    paths:\n      - /a\n      - etc\n")),
          "7:9 \"etc\": a path begins with" },
        { SPAN_INIT(P("    paths:\n      - /a//b\n")), "6:12 \"/a//b\": a path has no empty" },
        { SPAN_INIT(P("    paths: ['/\xc3\xa9/..']\n")), "5:14 \"/\xc3\xa9/..\": \".\" and" },
        { SPAN_INIT(P("    paths: /\xc3\xa9/x/../a\n")), "5:17 \"/\xc3\xa9/x/../a\": \".\" and" },
        { SPAN_INIT(P("    paths: /a/[b\n")), "5:15 \"/a/[b\": \"[\" without its" },
        { SPAN_INIT(GOOD "    keep: yes\n"), "6:11 true or false should stand here, not \"yes\"" },
        { SPAN_INIT(GOOD "    keep: \"true\"\n"), "6:12 true or false should stand here" },
        { SPAN_INIT(GOOD "    keep: [true]\n"),
          "6:11 true or false should stand here, not a list" },
        { SPAN_INIT(GOOD "    keep: true\n    max_size: 5MB\n"), "7:15 a size, as 512KiB" },
        { SPAN_INIT(GOOD "    keep: true\n    max_size: -1\n"), "7:15 a size, as 512KiB" },
        { SPAN_INIT(GOOD "    keep: true\n    max_size: 16777216GiB\n"), "7:15 a size, as" },
        { SPAN_INIT(GOOD "    keep: true\n    max_size: 0\n"), "7:15 nothing is smaller" },
        { SPAN_INIT(GOOD "    deep: weekly\n"), "6:11 a time, as 12h or 7d" },
        { SPAN_INIT(GOOD "    deep: 30m\n"), "6:11 between 1h and 366d" },
        { SPAN_INIT(GOOD "    deep: 60w\n"), "6:11 between 1h and 366d" },
        { SPAN_INIT(GOOD "    execute: always\n"), "6:14 unknown \"always\"" },
        { SPAN_INIT(GOOD "    execute: [known]\n"), "6:14 which programs may run should" },
        { SPAN_INIT(GOOD "    execute: any\n"), "" },
        { SPAN_INIT(GOOD "    attributes: [mode, colour]\n"), "6:24 unknown attribute \"colour\"" },
        { SPAN_INIT(GOOD "    attributes: [-all]\n"), "6:17 no attribute is left" },
        { SPAN_INIT(GOOD "    attributes: []\n"), "6:17 no attribute is left" },
        { SPAN_INIT(GOOD "    attributes: [mode, -permissions]\n"), "6:17 no attribute is left" },
        { SPAN_INIT(GOOD "    owners: cron.service\n"), "6:13 a list of units" },
        { SPAN_INIT(GOOD "    owners: [cron]\n"), "6:14 \"cron\" is neither" },
        { SPAN_INIT(GOOD "    owners: [/usr/bin/*]\n"), "6:14 \"/usr/bin/*\" is neither" },
        { SPAN_INIT(GOOD "    owners: [/usr/bin/python3.11]\n"),
          "6:14 \"/usr/bin/python3.11\" runs whatever" },
        { SPAN_INIT(GOOD "    owners: [/usr/bin/puppet, /bin/sh]\n"),
          "6:31 \"/bin/sh\" runs whatever" },
        { SPAN_INIT(GOOD "    owners: [/usr/bin/stracer, /lib64/ld-linux-x86-64.so.2]\n"),
          "6:32 \"/lib64/ld-linux-x86-64.so.2\" runs whatever" },
        { SPAN_INIT(GOOD "    owners: [/usr/bin/run-parts]\n"),
          "6:14 \"/usr/bin/run-parts\" runs whatever" },
        { SPAN_INIT(GOOD "    owners: [\"packages:\", \"packages:dpkg\", package]\n"),
          "6:15 \"packages:\" is neither\n6:28 \"packages:dpkg\" is neither\n"
          "6:44 \"package\" is neither" },
        { SPAN_INIT(GOOD "    owners: [.service, a/b.service]\n"),
          "6:14 \".service\" is neither\n6:24 \"a/b.service\" is neither" },
        { SPAN_INIT(GOOD "    description: [x]\n"), "6:18 a text should stand here" },
        /* Together */
        { SPAN_INIT(HEAD "  p: {mode: restore, keep: false, paths: /a}\n"), "3:28 mode restore" },
        { SPAN_INIT("version: 1\nscan: {}\n" PROFILES), "2:7 rate or files should" },
        { SPAN_INIT("version: 1\nscan: fast\n" PROFILES), "2:7 rate or files should" },
        { SPAN_INIT("version: 1\nscan: { rate: 1KiB }\n" PROFILES), "2:15 at least 64KiB" },
        { SPAN_INIT("version: 1\nscan: { rate: 20MB }\n" PROFILES), "2:15 bytes a second, as" },
        { SPAN_INIT("version: 1\nscan: { files: 9 }\n" PROFILES), "2:16 at least 10" },
        { SPAN_INIT("version: 1\nscan: { files: 1KiB }\n" PROFILES), "2:16 a number of files" },
        { SPAN_INIT("version: 1\nscan: { speed: 1 }\n" PROFILES), "2:9 " },
        { SPAN_INIT(GOOD "    max_size: 1MiB\n"), "6:15 max_size is of content" },
        { SPAN_INIT(HEAD "  p: {mode: deny, volatile: true, paths: /a}\n"), "3:29 what is vol" },
        { SPAN_INIT(P("    paths: [/etc, /usr, /etc]\n")), "5:25 is there twice, first in line 5" },
        { SPAN_INIT(P("    paths: [/etc]\n    exclude: [/etc]\n")),
          "6:15 both watched and left out: see line 5" },
        { SPAN_INIT(P("    paths: [/etc, /etc/ssl/private]\n    exclude: [/etc/ssl]\n")),
          "5:19 is left out as a whole by \"/etc/ssl\", line 6" },
        { SPAN_INIT(P("    paths: [/etc/x/*.conf, /usr]\n    exclude: [/etc/*]\n")),
          "5:13 is left out as a whole by \"/etc/*\", line 6" },
        { SPAN_INIT(P("    paths: [/etc]\n    exclude: [/var/log, /etc/*.bak]\n")),
          "6:15 leaves nothing out" },
        { SPAN_INIT(TWO("/etc", "/etc")), "8:12 profile a watches it too, in line 5" },
        { SPAN_INIT(TWO("/etc/*.d", "/etc/?ron*")), /* two bytes, three bytes */ "" },
        { SPAN_INIT(TWO("/etc/*.d", "/etc/cr*")),
          "8:12 says no more than \"/etc/*.d\" of profile a (line 5)" },
        { SPAN_INIT(TWO("/home/*/x", "/*/bob/x")),
          "8:12 says no more than \"/home/*/x\" of profile a (line 5)" },
        { SPAN_INIT(TWO("/home/*/x", "/home/*/y")), "" },
        { SPAN_INIT(TWO("[/home/*/x, /a]", "[/home/bob, /b]")), "" },
        /* In order of their places, each told once. */
        { SPAN_INIT("profiles:\n  p:\n    paths: x\n    mode: y\n  q: 1\nz: 1\n"),
          "1:1 the file has no version\n3:12 \"x\": a path\n4:11 unknown mode\n5:6 the keys of "
          "profile q\n6:1 unknown key \"z\"" },
};

static void test_faults(void **state)
{
        told_check_faults(&job, faults, ARRAY_LEN(faults));
}

#define ALL                                                                                        \
        "\"type\",\"mode\",\"uid\",\"gid\",\"size\",\"mtime\",\"inode\",\"links\",\"target\","     \
        "\"rdev\",\"sha256\",\"xattrs\",\"flags\",\"acl\",\"acl_default\",\"caps\",\"label\","     \
        "\"fstype\""

static const char whole[] =
        "# a comment\n"
        "version: 1\n"
        "profiles:\n"
        "  config:\n"
        "    description: >\n"
        "      What programs\n"
        "      read.\n"
        "    mode: restore\n"
        "    paths:\n"
        "      - /etc\n"
        "      - \"/opt/*/etc\"\n"
        "    exclude: [ /etc/mtab, '/etc/**/*.bak' ]\n"
        "    attributes: [content, permissions, -xattrs, ownership]\n"
        "    max_size: 16MiB\n"
        "    owners: [certbot.service, /usr/bin/puppet, packages, \"packages:/usr/bin/x\"]\n"
        "    deep: 7d\n"
        "  state:\n"
        "    mode: log\n"
        "    volatile: true\n"
        "    attributes: -mtime\n"
        "    paths: /etc/adjtime\n"
        "  web: { mode: deny, paths: [/srv/\xc3\xa9], keep: true, execute: strict }\n";

static const char whole_told[] =
        "{\"about\":\"What programs read.\\n\",\"attributes\":[\"type\",\"mode\",\"uid\",\"gid\","
        "\"size\",\"target\",\"rdev\",\"sha256\",\"flags\",\"acl\",\"acl_default\",\"caps\","
        "\"label\"],\"deep\":604800,\"keep\":true,\"max_size\":16777216,\"mode\":\"restore\","
        "\"owners\":[\"certbot.service\",\"/usr/bin/puppet\",\"packages\",\"packages:/usr/bin/x\"],\"profile\":\"config\","
        "\"volatile\":false}\n"
        "{\"column\":9,\"exclude\":false,\"line\":10,\"pattern\":\"/etc\",\"profile\":\"config\"}\n"
        "{\"column\":10,\"exclude\":false,\"line\":11,\"pattern\":\"/opt/*/etc\",\"profile\":"
        "\"config\"}\n"
        "{\"column\":16,\"exclude\":true,\"line\":12,\"pattern\":\"/etc/mtab\",\"profile\":"
        "\"config\"}\n"
        "{\"column\":28,\"exclude\":true,\"line\":12,\"pattern\":\"/etc/**/*.bak\",\"profile\":"
        "\"config\"}\n"
        "{\"about\":\"\",\"attributes\":[\"type\",\"mode\",\"uid\",\"gid\",\"size\",\"inode\","
        "\"links\",\"target\",\"rdev\",\"sha256\",\"xattrs\",\"flags\",\"acl\",\"acl_default\","
        "\"caps\",\"label\",\"fstype\"],\"deep\":0,\"keep\":false,\"max_size\":0,\"mode\":\"log\","
        "\"owners\":[],\"profile\":\"state\",\"volatile\":true}\n"
        "{\"column\":12,\"exclude\":false,\"line\":21,\"pattern\":\"/etc/adjtime\",\"profile\":"
        "\"state\"}\n"
        "{\"about\":\"\",\"attributes\":[" ALL "],\"deep\":0,\"execute\":\"strict\",\"keep\":true,"
        "\"max_size\":0,\"mode\":\"deny\",\"owners\":[],\"profile\":\"web\",\"volatile\":false}\n"
        "{\"column\":30,\"exclude\":false,\"line\":22,\"pattern\":\"/srv/\xc3\xa9\",\"profile\":"
        "\"web\"}\n";

/* What is told is what the sensor prints of the set it makes of it. */
static void test_whole(void **state)
{
        struct buf printed = BUF_INIT(1 << 20);
        struct watchset w = { 0 };
        struct err err = { 0 };

        told_check_whole(&job, SPAN(whole), whole_told);
        if (watchset_parse(&w, "told", SPAN(whole_told), &err) < 0)
                fail_msg("%s", err.text);
        watchset_print(&w, &printed);
        assert_string_equal(buf_cstr(&printed), whole_told);
        watchset_done(&w);
        buf_done(&printed);
        (void)state;
}

/* Limits of scans come before the profiles, where there are any. */
static void test_scan(void **state)
{
        static const struct {
                const char *keys, *want;
        } cases[] = {
                { "scan: { rate: 20MiB }\n", "{\"bytes_per_s\":20971520,\"files_per_s\":0}\n" },
                { "scan:\n  files: 1000\n", "{\"bytes_per_s\":0,\"files_per_s\":1000}\n" },
                { "scan: { files: 10, rate: 65536 }\n",
                  "{\"bytes_per_s\":65536,\"files_per_s\":10}\n" },
                { "", "{\"about\":" },
        };
        struct buf yaml = BUF_INIT(1 << 20), told = BUF_INIT(1 << 20);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                buf_clear(&yaml);
                buf_clear(&told);
                buf_printf(&yaml, "version: 1\n%s" PROFILES, cases[i].keys);
                assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
                assert_memory_equal(told.p, cases[i].want, strlen(cases[i].want));
        }
        buf_done(&yaml);
        buf_done(&told);
        (void)state;
}

static void test_many_faults(void **state)
{
        struct buf yaml = BUF_INIT(1 << 20), told = BUF_INIT(1 << 20);
        const char *last;

        buf_put_str(&yaml, HEAD "  p:\n    mode: log\n    paths: [/a]\n");
        for (int i = 0; i < 50; i++)
                buf_printf(&yaml, "    k%d: 1\n", i);
        buf_put_str(&yaml, "version: 1\n");
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        last = strstr(buf_cstr(&told), "25:5 unknown key \"k19\"");
        assert_non_null(last);
        assert_string_equal(strchr(last, '\n'), "\n0:0 and 31 more\n");
        buf_done(&yaml);
        buf_done(&told);
        (void)state;
}

static void test_ceilings(void **state)
{
        struct buf yaml = BUF_INIT(8 << 20), told = BUF_INIT(1 << 20);

        buf_put_str(&yaml, P("    paths:\n"));
        for (int i = 0; i < WATCH_FILE_PATTERNS + 1; i++)
                buf_printf(&yaml, "      - /p%d\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "1030:9 more than 1024 patterns"));
        buf_clear(&yaml);
        buf_put_str(&yaml, HEAD);
        for (int i = 0; i < WATCH_FILE_PROFILES + 1; i++)
                buf_printf(&yaml, "  p%d: {mode: log, paths: /p%d}\n", i, i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "66:3 more than 63 profiles"));
        buf_clear(&yaml);
        buf_put_str(&yaml, P("    paths:\n"));
        for (int i = 0; i < 300; i++)
                buf_printf(&yaml, "      - /x/*%d/a/b/c\n", i);
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_true(told_begins(buf_cstr(&told), "262:9 more than 1024 parts behind wildcards"));
        buf_clear(&yaml);
        buf_put_str(&yaml, P("    paths: ["));
        for (int i = 0; i < YAML_NODES_MAX; i++)
                buf_put_str(&yaml, "/a, ");
        assert_int_equal(told_run(&job, buf_span(&yaml), &told), 0);
        assert_non_null(strstr(buf_cstr(&told), "more than 32768 texts"));
        buf_done(&yaml);
        buf_done(&told);
        (void)state;
}

/* Constants that two directories must agree on without seeing each other. */
static void test_agreement(void **state)
{
        assert_int_equal(WATCH_FILE_PROFILES, WATCH_PROFILES_MAX);
        assert_int_equal(WATCH_FILE_PATTERNS, WATCH_RULES_MAX);
        assert_int_equal(WATCH_FILE_WILD, WATCH_WILD_MAX);
        assert_int_equal(WATCH_FILE_NAME, WATCH_NAME_MAX);
        assert_int_equal(WATCH_FILE_ABOUT, WATCH_ABOUT_MAX);
        assert_int_equal(WATCH_FILE_OWNERS, WATCH_OWNERS_MAX);
        assert_int_equal(FILE_MODES, WATCH_MODE_END);
        for (int i = 0; i < FILE_MODES; i++)
                assert_string_equal(watch_file_mode_name[i], watch_mode_name((enum watch_mode)i));
        assert_int_equal(ATTRIBUTE_COUNT, RECORD_F_COUNT);
        for (int i = 0; i < ATTRIBUTE_COUNT; i++)
                assert_string_equal(attribute_name[i], record_field_name[i]);
        (void)state;
}

static void test_out_of_memory(void **state)
{
        told_check_memory(&job, SPAN(whole), whole_told);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_faults),        cmocka_unit_test(test_whole),
                cmocka_unit_test(test_scan),          cmocka_unit_test(test_many_faults),
                cmocka_unit_test(test_ceilings),      cmocka_unit_test(test_agreement),
                cmocka_unit_test(test_out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
