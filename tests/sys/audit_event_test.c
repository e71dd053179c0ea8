/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/audit_event.h"

#include "base/clock.h"
#include "sys/audit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

#include "tests/alloc_fail.h"

/* Written by Linux 6.18 on x86-64 for calls in and around the directory /srv/tmp/den, which is
 * immutable (inode 13181496), as are den/a (13181498) and "den/we ird" (13181499).  Of a call's own
 * record what nobody reads is left out here. */
#define STAMP "audit(1795695700.871:"
#define CALL(serial, nr, args, items)                                                              \
        "1300 " STAMP serial "): arch=c000003e syscall=" nr " success=no exit=-1 " args            \
        " items=" items " ppid=27461 pid=27527 auid=4294967295 uid=0 comm=\"python3\" "            \
        "exe=\"/usr/bin/python3.11\" key=\"assay-probe\"\n"
#define CWD(serial) "1307 " STAMP serial "): cwd=\"/srv/tmp\"\n"
#define ITEM(serial, at, name, rest)                                                               \
        "1302 " STAMP serial "): item=" at " name=" name " " rest                                  \
        " cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0 cap_frootid=0\n"
#define A(type)     "inode=13181498 dev=fe:00 mode=0100644 ouid=0 ogid=0 rdev=00:00 nametype=" type
#define DEN(type)   "inode=13181496 dev=fe:00 mode=040755 ouid=0 ogid=0 rdev=00:00 nametype=" type
#define END(serial) "1320 " STAMP serial "): \n"

#define OPENED                                                                                     \
        CALL("187114", "257", "a0=ffffff9c a1=7f3b40694830 a2=80001 a3=0", "1")                    \
        CWD("187114") ITEM("187114", "0", "\"den/a\"", A("NORMAL")) END("187114")
#define UNLINKED                                                                                   \
        CALL("187116", "87", "a0=7f3b40694830 a1=0 a2=0 a3=7f3b40c2be68", "2")                     \
        CWD("187116")                                                                              \
        ITEM("187116", "0", "\"den/\"", DEN("PARENT"))                                             \
        ITEM("187116", "1", "64656E2F776520697264",                                                \
             "inode=13181499 dev=fe:00 mode=0100644 nametype=DELETE")                              \
        END("187116")

struct heard {
        char text[4096];
        size_t n;
};

/* "call error pid path file/dir" */
static int hear(void *ctx, const struct attempt *a, struct span path)
{
        struct heard *h = ctx;

        h->n += (size_t)snprintf(h->text + h->n, sizeof h->text - h->n,
                                 "%s %d %d %.*s %lx:%lu/%lu%s%s\n", attempt_op_name(a->op),
                                 a->error, (int)a->pid, (int)path.n,
                                 path.n ? (const char *)path.p : "", (unsigned long)a->file.dev,
                                 (unsigned long)a->file.ino, (unsigned long)a->dir.ino,
                                 a->exact ? " exact" : "", a->incomplete ? " incomplete" : "");
        return 0;
}

static int feed(struct audit_events *e, const char *lines, int64_t now, struct heard *h)
{
        int rc = 0;

        while (*lines && rc == 0) {
                size_t n = strcspn(lines, "\n");

                rc = audit_events_take(e, (unsigned)strtoul(lines, NULL, 10),
                                       span_of(lines + 5, n - 5), now, hear, h);
                lines += n + 1;
        }
        return rc;
}

static void test_calls(void **state)
{
        static const struct {
                const char *name, *lines, *want;
                uint64_t lost;
        } cases[] = {
                { "to write", OPENED, "open -1 27527 /srv/tmp/den/a fe00000000:13181498/0\n", 0 },
                { "to read",
                  CALL("1", "257", "a0=ffffff9c a1=7f3b40694830 a2=80000 a3=0", "1") CWD("1")
                          ITEM("1", "0", "\"den/a\"", A("NORMAL")) END("1"),
                  "", 0 },
                { "to make: the name is not told",
                  CALL("187115", "257", "a0=ffffff9c a1=7f3b40952e10 a2=80041 a3=1ff", "1")
                          CWD("187115") ITEM("187115", "0", "\"/srv/tmp/den/\"", DEN("PARENT"))
                                  END("187115"),
                  "open -1 27527 /srv/tmp/den 0:0/13181496 incomplete\n", 0 },
                { "a name in digits", UNLINKED,
                  "unlink -1 27527 /srv/tmp/den/we ird fe00000000:13181499/13181496\n", 0 },
                { "at a descriptor: the working directory is not where it begins",
                  CALL("187117", "263", "a0=4 a1=7f3b41351b20 a2=0 a3=7f3b40c36f80", "2")
                          CWD("187117") ITEM("187117", "0", "\"/srv/tmp\"", DEN("PARENT"))
                                  ITEM("187117", "1", "\"a\"", A("DELETE")) END("187117"),
                  "unlink -1 27527  fe00000000:13181498/13181496\n", 0 },
                { "rename",
                  CALL("187119", "82", "a0=7f3b40694830 a1=7f3b40695610 a2=0 a3=0",
                       "3") CWD("187119") ITEM("187119", "0", "\"den/\"", DEN("PARENT"))
                          ITEM("187119", "1", "\"den/\"", DEN("PARENT"))
                                  ITEM("187119", "2", "\"den/a\"", A("DELETE")) END("187119"),
                  "rename -1 27527 /srv/tmp/den/a fe00000000:13181498/13181496\n", 0 },
                { "link: both names",
                  CALL("187120", "86", "a0=7f3b40695610 a1=7f3b40694830 a2=0 a3=0", "3")
                          CWD("187120") ITEM("187120", "0", "\"den/sub/\"",
                                             "inode=13181497 dev=fe:00 mode=040755 nametype=PARENT")
                                  ITEM("187120", "1", "\"den/a\"", A("NORMAL"))
                                          ITEM("187120", "2", "\"den/sub/l\"", "nametype=CREATE")
                                                  END("187120"),
                  "link -1 27527 /srv/tmp/den/a fe00000000:13181498/13181497\n"
                  "link -1 27527 /srv/tmp/den/sub/l 0:0/13181497\n",
                  0 },
                { "what a link points to is no path of the call",
                  CALL("187121", "88", "a0=7f3b40694830 a1=7f3b40695610 a2=0 a3=0",
                       "3") CWD("187121") ITEM("187121", "0", "\"den/\"", DEN("PARENT"))
                          ITEM("187121", "1", "\"target\"", "nametype=UNKNOWN")
                                  ITEM("187121", "2", "\"den/s\"", "nametype=CREATE") END("187121"),
                  "make -1 27527 /srv/tmp/den/s 0:0/13181496\n", 0 },
                { "an open file",
                  CALL("187124", "93", "a0=5 a1=1 a2=1 a3=7f3b40c2ef28", "1") CWD("187124")
                          ITEM("187124", "0", "(null)", A("NORMAL")) END("187124"),
                  "chown -1 27527  fe00000000:13181498/0 exact\n", 0 },
                { "openat2 to write",
                  CALL("187129", "437", "a0=ffffffffffffff9c a1=7f3b40697e60 a2=7f3b40952e10 a3=18",
                       "1") "1337 " STAMP "187129): oflag=01 mode=00 resolve=0x0\n" CWD("187129")
                          ITEM("187129", "0", "\"den/a\"", A("NORMAL")) END("187129"),
                  "open -1 27527 /srv/tmp/den/a fe00000000:13181498/0\n", 0 },
                { "openat2 to read",
                  CALL("187129", "437", "a0=ffffffffffffff9c a1=7f3b40697e60 a2=7f3b40952e10 a3=18",
                       "1") "1337 " STAMP "187129): oflag=0 mode=00 resolve=0x0\n" CWD("187129")
                          ITEM("187129", "0", "\"den/a\"", A("NORMAL")) END("187129"),
                  "", 0 },
                { "what succeeded",
                  "1300 audit(1795695700.931:187131): arch=c000003e syscall=321 success=yes exit=9 "
                  "a0=5 a1=7ffd2460b790 a2=80 a3=6 items=0 ppid=27358 pid=27473 key=(null)\n"
                  "1320 audit(1795695700.931:187131): \n",
                  "", 0 },
                { "two calls, one between the other's",
                  CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1")
                          CALL("2", "76", "a0=1 a1=0 a2=0 a3=0", "1") CWD("2") CWD("1")
                                  ITEM("1", "0", "\"den/a\"", A("NORMAL"))
                                          ITEM("2", "0", "\"b\"", DEN("NORMAL")) END("2") END("1"),
                  "truncate -1 27527 /srv/tmp/b fe00000000:13181496/0\n"
                  "chmod -1 27527 /srv/tmp/den/a fe00000000:13181498/0\n",
                  0 },
                { "in another order",
                  ITEM("1", "0", "\"den/../a\"", A("NORMAL")) CWD("1")
                          CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1") END("1"),
                  "chmod -1 27527 /srv/tmp/a fe00000000:13181498/0\n", 0 },
                { "without the working directory: by what it is",
                  CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1")
                          ITEM("1", "0", "\"den/a\"", A("NORMAL")) END("1"),
                  "chmod -1 27527  fe00000000:13181498/0\n", 0 },
                { "a name is missing",
                  CALL("1", "86", "a0=1 a1=1 a2=0 a3=0", "3") CWD("1")
                          ITEM("1", "1", "\"den/a\"", A("NORMAL")) END("1"),
                  "link -1 27527 /srv/tmp/den/a fe00000000:13181498/0 incomplete\n", 0 },
                { "all names are missing", CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1") END("1"), "",
                  1 },
                { "the call is missing", ITEM("1", "0", "\"a\"", A("NORMAL")) END("1"), "", 1 },
                { "an item too many",
                  CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "9") CWD("1")
                          ITEM("1", "8", "\"den/a\"", A("NORMAL")) END("1"),
                  "", 1 },
                { "digits that are none",
                  CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1") CWD("1")
                          ITEM("1", "0", "6G", A("NORMAL")) END("1"),
                  "", 2 },
                { "a NUL in a name",
                  CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1") CWD("1")
                          ITEM("1", "0", "2F610062", A("NORMAL")) END("1"),
                  "", 2 },
                { "no record", "1300 audit(17956957:1): arch=c000003e\n1302 x\n1320 audit(1.2:\n",
                  "", 3 },
                { "other sorts", "1305 audit(1.001:2): op=add_rule\n1327 audit(1.001:2): x\n", "",
                  0 },
        };

        if (AUDIT_NATIVE_ARCH != AUDIT_ARCH_X86_64)
                skip(); /* numbers of calls are of that architecture */
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(audit_events_freep) struct audit_events *e = NULL;
                struct heard h = { 0 };

                assert_int_equal(audit_events_new(&e, NULL), 0);
                assert_int_equal(feed(e, cases[i].lines, 0, &h), 0);
                if (strcmp(h.text, cases[i].want) != 0 || audit_events_lost(e) != cases[i].lost)
                        fail_msg("%s: got %s, lost %lu", cases[i].name, h.text,
                                 (unsigned long)audit_events_lost(e));
        }
        (void)state;
}

/* An end that never comes does not hold a call for ever, nor do many such. */
static void test_no_end(void **state)
{
        CLEANUP(audit_events_freep) struct audit_events *e = NULL;
        const int64_t wait = AUDIT_EVENT_WAIT_MS * NS_PER_MS;
        struct heard h = { 0 };
        char line[512];

        if (AUDIT_NATIVE_ARCH != AUDIT_ARCH_X86_64)
                skip();
        assert_int_equal(audit_events_new(&e, NULL), 0);
        assert_int_equal(feed(e,
                              CALL("1", "90", "a0=1 a1=1 a2=0 a3=0", "1")
                                      ITEM("1", "0", "\"/x\"", A("NORMAL")),
                              5, &h),
                         0);
        assert_int_equal(audit_events_expire(e, 5 + wait - 1, hear, &h), 0);
        assert_string_equal(h.text, "");
        assert_int_equal(audit_events_expire(e, 5 + wait, hear, &h), 0);
        assert_string_equal(h.text, "chmod -1 27527 /x fe00000000:13181498/0\n");
        h = (struct heard){ 0 };
        for (unsigned i = 0; i <= AUDIT_EVENTS_OPEN; i++) {
                snprintf(line, sizeof line,
                         "1302 audit(1.000:%u): item=0 name=\"/%u\" nametype=NORMAL\n", 10 + i, i);
                assert_int_equal(feed(e, line, 10 + i, &h), 0);
        }
        assert_int_equal(audit_events_lost(e), 1); /* the oldest, whose call never came */
        (void)state;
}

/* Names of one call have a ceiling; what is beyond is counted. */
static void test_long(void **state)
{
        CLEANUP(audit_events_freep) struct audit_events *e = NULL;
        CLEANUP(buf_done) struct buf line = BUF_INIT(65536);
        struct heard h = { 0 };

        assert_int_equal(audit_events_new(&e, NULL), 0);
        for (int i = 0; i < 12; i++) {
                buf_clear(&line);
                buf_put_str(&line, "1302 audit(1.000:7): item=1 name=\"/");
                for (int k = 0; k < 4000; k++)
                        buf_put_byte(&line, 'x');
                buf_put_str(&line, "\" nametype=NORMAL\n");
                assert_int_equal(feed(e, buf_cstr(&line), 1, &h), 0);
        }
        assert_true(audit_events_lost(e) > 0);
        assert_int_equal(feed(e, CALL("7", "90", "a0=1 a1=1 a2=0 a3=0", "1"), 1, &h), 0);
        assert_int_equal(audit_events_expire(e, INT64_MAX, hear, &h), 0);
        (void)state;
}

static void test_no_memory(void **state)
{
        size_t nth = 1;
        int rc;

        do {
                CLEANUP(audit_events_freep) struct audit_events *e = NULL;
                struct heard h = { 0 };

                alloc_fail_nth = nth;
                rc = audit_events_new(&e, NULL);
                if (rc == 0)
                        rc = feed(e, OPENED UNLINKED, 0, &h);
                alloc_fail_nth = 0;
                assert_true(rc == 0 || rc == -ENOMEM);
        } while (rc < 0 && ++nth < 100);
        assert_int_equal(rc, 0);
        assert_true(nth > 3);
        (void)state;
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_calls),
                cmocka_unit_test(test_no_end),
                cmocka_unit_test(test_long),
                cmocka_unit_test(test_no_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
