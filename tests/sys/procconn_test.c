/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/procconn.h"

#include "base/text.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
/* cmocka wants the above first */
#include <cmocka.h>

enum { DATAGRAM = 76 };

/* Received from Linux 6.18 on a little-endian machine: process 20189 forks 20197, which begins a
 * session, names itself, sets its users to 1000, 1001 and 1001, executes and ends. */
static const char fork_event[] = "4c0000000300000020c6020000000000010000000100000020c6020000000000"
                                 "2800000001000000000000000561db68400e0000dd4e0000dd4e0000e54e0000"
                                 "e54e00000000000000000000";
static const char sid_event[] = "4c00000003000000cf200200000000000100000001000000cf20020000000000"
                                "2800000080000000010000001e97de68400e0000e54e0000e54e000000000000"
                                "000000000000000000000000";
static const char comm_event[] = "4c00000003000000dd200200000000000100000001000000dd20020000000000"
                                 "280000000002000001000000d0ed7a69400e0000e54e0000e54e000072656e61"
                                 "6d65640a7800000000000000";
static const char uid_event[] = "4c00000003000000de200200000000000100000001000000de20020000000000"
                                "280000000400000001000000a1397b69400e0000e54e0000e54e0000e8030000"
                                "e90300000000000000000000";
static const char exec_event[] = "4c00000003000000df200200000000000100000001000000df20020000000000"
                                 "280000000200000001000000ed0e7f69400e0000e54e0000e54e000000000000"
                                 "000000000000000000000000";
static const char exit_event[] = "4c00000003000000e0200200000000000100000001000000e020020000000000"
                                 "2800000000000080010000001b478869400e0000e54e0000e54e000000000000"
                                 "11000000dd4e0000dd4e0000";
static const char answer[] = "4c000000030000001ec602000000000001000000010000001ec6020001000000"
                             "2800000000000000000000003924dd65400e0000000000000000000000000000"
                             "000000000000000000000000";

static struct span bytes_of(const char *hex, uint8_t out[DATAGRAM])
{
        assert_int_equal(text_from_hex(span_str(hex), out, DATAGRAM), 0);
        return span_of(out, DATAGRAM);
}

static void skip_big_endian(void)
{
        const uint16_t one = 1;

        if (*(const uint8_t *)&one != 1)
                skip(); /* the vectors are the other way round */
}

static void test_events(void **state)
{
        static const struct {
                const char *name, *hex;
                struct process_event want;
                const char *comm;
        } cases[] = {
                { "fork",
                  fork_event,
                  { .what = PROCESS_FORKED,
                    .has = PROCESS_HAS_PARENT,
                    .time_ns = 0xe4068db6105 + 7,
                    .start_ns = 0xe4068db6105 + 7,
                    .pid = 20197,
                    .ppid = 20189,
                    .creator = 20189 },
                  "" },
                { "session",
                  sid_event,
                  { .what = PROCESS_CHANGED,
                    .has = PROCESS_HAS_SID,
                    .time_ns = 0xe4068de971e + 7,
                    .pid = 20197,
                    .sid = 20197 },
                  "" },
                { "name",
                  comm_event,
                  { .what = PROCESS_CHANGED,
                    .has = PROCESS_HAS_COMM,
                    .time_ns = 0xe40697aedd0 + 7,
                    .pid = 20197 },
                  "renamed\nx" },
                { "users",
                  uid_event,
                  { .what = PROCESS_CHANGED,
                    .has = PROCESS_HAS_UID,
                    .time_ns = 0xe40697b39a1 + 7,
                    .pid = 20197,
                    .uid = 1000,
                    .euid = 1001 },
                  "" },
                { "exec",
                  exec_event,
                  { .what = PROCESS_EXECUTED, .time_ns = 0xe40697f0eed + 7, .pid = 20197 },
                  "" },
                { "exit",
                  exit_event,
                  { .what = PROCESS_ENDED, .time_ns = 0xe406988471b + 7, .pid = 20197 },
                  "" },
        };

        skip_big_endian();
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                const struct process_event *w = &cases[i].want;
                uint8_t room[DATAGRAM];
                struct process_event e;

                print_message("%s\n", cases[i].name);
                assert_int_equal(procconn_decode(bytes_of(cases[i].hex, room), 7, &e, NULL), 1);
                assert_int_equal(e.what, w->what);
                assert_int_equal(e.has, w->has);
                assert_int_equal(e.time_ns, w->time_ns);
                assert_int_equal(e.start_ns, w->start_ns);
                assert_int_equal(e.pid, w->pid);
                assert_int_equal(e.ppid, w->ppid);
                assert_int_equal(e.creator, w->creator);
                assert_int_equal(e.sid, w->sid);
                assert_int_equal(e.uid, w->uid);
                assert_int_equal(e.euid, w->euid);
                assert_true(span_eq_str(e.comm, cases[i].comm));
        }
        (void)state;
}

/* One byte of a good datagram is another. */
static void test_others(void **state)
{
        static const struct {
                const char *name, *hex;
                size_t at;
                uint8_t byte;
                size_t n;
                int want;
        } cases[] = {
                { "the answer to a subscription", answer, 0, 0x4c, DATAGRAM, 0 },
                { "a thread begins", fork_event, 60, 0xe6, DATAGRAM, 0 },
                { "a thread ends", exit_event, 52, 0xe6, DATAGRAM, 0 },
                { "a thread's user", uid_event, 52, 0xe6, DATAGRAM, 0 },
                { "an exec by a thread", exec_event, 52, 0xe6, DATAGRAM, 1 },
                { "a trace", exec_event, 37, 1, DATAGRAM, 0 },
                { "an event of the future", exec_event, 38, 1, DATAGRAM, 0 },
                { "another length", fork_event, 0, 0x4b, DATAGRAM, -EBADMSG },
                { "another connector", fork_event, 16, 2, DATAGRAM, -EBADMSG },
                { "another value", fork_event, 20, 2, DATAGRAM, -EBADMSG },
                { "no process", exit_event, 59, 0xff, DATAGRAM, 0 },
                { "a child below zero", fork_event, 67, 0xff, DATAGRAM, 0 },
                { "cut in its header", fork_event, 0, 40, 40, -EBADMSG },
                { "cut in its event", fork_event, 0, 52, 52, -EBADMSG },
                { "cut in its child", fork_event, 0, 67, 67, -EBADMSG },
                { "just long enough", fork_event, 0, 68, 68, 1 },
                { "an old exit", exit_event, 0, 60, 60, 1 },
                { "nothing", fork_event, 0, 0, 0, -EBADMSG },
        };

        skip_big_endian();
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                uint8_t room[DATAGRAM];
                struct process_event e = { .pid = -7 };
                struct err err = { 0 };
                int rc;

                print_message("%s\n", cases[i].name);
                (void)bytes_of(cases[i].hex, room);
                room[cases[i].at] = cases[i].byte;
                rc = procconn_decode(span_of(room, cases[i].n), 0, &e, &err);
                assert_int_equal(rc, cases[i].want);
                if (rc < 0)
                        assert_int_equal(err.code, rc);
                if (rc != 1)
                        assert_int_equal(e.pid, -7);
        }
        (void)state;
}

/* ---- the kernel's own ---- */

struct seen {
        pid_t pid;
        unsigned forked, executed, ended, changed;
        bool in_order;
};

static int see(void *ctx, const struct process_event *e)
{
        struct seen *s = ctx;

        if (e->pid != s->pid)
                return 0;
        s->in_order = s->in_order && s->ended == 0 && (e->what == PROCESS_FORKED) == !s->forked;
        s->forked += e->what == PROCESS_FORKED && e->ppid == getpid();
        s->executed += e->what == PROCESS_EXECUTED;
        s->changed += e->what == PROCESS_CHANGED && e->has & PROCESS_HAS_SID;
        s->ended += e->what == PROCESS_ENDED;
        return 0;
}

static void test_real(void **state)
{
        CLEANUP(procconn_freep) struct procconn *c = NULL;
        struct seen s = { .in_order = true };
        struct pollfd p = { .events = POLLIN };
        struct err err = { 0 };

        if (procconn_open(&c, &err) < 0) {
                print_message("%s\n", err.text);
                assert_true(err.code < 0 && err.text[0]);
                skip();
        }
        s.pid = fork();
        if (s.pid == 0) {
                setsid();
                execl("/bin/true", "true", NULL);
                _exit(1);
        }
        assert_int_equal(waitpid(s.pid, NULL, 0), s.pid);
        p.fd = procconn_fd(c);
        while (s.ended == 0 && poll(&p, 1, 1000) > 0)
                assert_int_equal(procconn_read(c, see, &s), 0);
        if (!s.forked && !s.ended)
                skip(); /* this user may listen, and is told nothing */
        assert_int_equal(s.forked, 1);
        assert_int_equal(s.executed, 1);
        assert_int_equal(s.changed, 1);
        assert_int_equal(s.ended, 1);
        assert_true(s.in_order);
        assert_int_equal(procconn_lost(c), 0);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_others),
                cmocka_unit_test(test_real),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
