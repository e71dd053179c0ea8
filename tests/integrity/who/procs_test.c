/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/procs.h"

#include "../alloc_fail.h"
#include "base/clock.h"
#include "sys/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
/* cmocka wants the above first */
#include <cmocka.h>

/* The whole of it, at its limits, with what malloc adds to each piece. */
STATIC_ASSERT((size_t)PROCS_MAX *(sizeof(struct procs_proc) + 16) + PROCS_TEXT_MAX +
                              PROCS_MAX * sizeof(void *) <
                      20u << 20,
              "the cache stays below 20 MiB");

static struct procs *procs_made(void)
{
        struct procs *p = NULL;

        assert_int_equal(procs_new(&p, NULL), 0);
        return p;
}

/* ---- events as eBPF tells them ---- */

enum { FULL = PROCESS_HAS_START | PROCESS_HAS_PARENT | PROCESS_HAS_UID | PROCESS_HAS_AUID };

static void fork_as(struct procs *p, pid_t creator, pid_t parent, pid_t pid, uint64_t t,
                    uint32_t uid)
{
        procs_apply(p, &(struct process_event){ .what = PROCESS_FORKED,
                                                .has = FULL,
                                                .time_ns = t,
                                                .start_ns = t,
                                                .pid = pid,
                                                .ppid = parent,
                                                .creator = creator,
                                                .uid = uid,
                                                .euid = uid,
                                                .auid = PROCESS_UNSET,
                                                .session = PROCESS_UNSET });
}

static void forked(struct procs *p, pid_t creator, pid_t pid, uint64_t t)
{
        fork_as(p, creator, creator, pid, t, 0);
}

static void executed(struct procs *p, pid_t pid, uint64_t start, uint64_t t, const char *exe)
{
        procs_apply(p, &(struct process_event){ .what = PROCESS_EXECUTED,
                                                .has = FULL | PROCESS_HAS_EXE | PROCESS_HAS_ARGS,
                                                .time_ns = t,
                                                .start_ns = start,
                                                .pid = pid,
                                                .exe = span_str(exe),
                                                .args = span_str(exe),
                                                .auid = PROCESS_UNSET,
                                                .session = PROCESS_UNSET });
}

static void ended_as(struct procs *p, pid_t pid, uint64_t start, uint64_t t, uint32_t uid)
{
        procs_apply(p, &(struct process_event){ .what = PROCESS_ENDED,
                                                .has = FULL,
                                                .time_ns = t,
                                                .start_ns = start,
                                                .pid = pid,
                                                .uid = uid,
                                                .euid = uid,
                                                .auid = PROCESS_UNSET,
                                                .session = PROCESS_UNSET });
}

static void ended(struct procs *p, pid_t pid, uint64_t start, uint64_t t)
{
        ended_as(p, pid, start, t, 0);
}

static struct procs_answer ask(const struct procs *p, pid_t pid, bool gone, uint64_t from,
                               uint64_t until)
{
        struct procs_answer a;

        procs_at(p, pid, gone ? PROCS_AT_ENDED : PROCS_AT_LIVES, from, until, &a);
        return a;
}

static void check_exe(const struct procs_state *s, const char *want)
{
        assert_non_null(s);
        if (!span_eq_str(procs_exe(s), want))
                fail_msg("%.*s, not %s", (int)procs_exe(s).n, procs_exe(s).p, want);
}

#define MS ((uint64_t)NS_PER_MS)
#define S  ((uint64_t)NS_PER_S)

/* ---- one life ---- */

static void test_a_life(void **state)
{
        static const struct {
                bool gone;
                uint64_t from, until;
                const char *exe;
                bool earlier;
        } cases[] = {
                { false, 0, 100 * S, "/sh", false },         /* forked: what its creator was */
                { false, 0, 110 * S, "/sh", false },         /* still */
                { false, 0, 111 * S, "/a", false },          /* a copy that executed */
                { false, 115 * S, 119 * S, "/a", false },    /* */
                { false, 115 * S, 121 * S, "/b", true },     /* which of the two? */
                { true, 120 * S + 1, 200 * S, "/b", false }, /* it executed before that */
                { true, 0, 200 * S, "/b", true },            /* */
                { true, 130 * S + 10 * MS, 200 * S, "/b", false }, /* its files were closed late */
        };
        struct procs *p = procs_made();

        executed(p, 7, 1, 1, "/sh");
        forked(p, 7, 9, 100 * S);
        executed(p, 9, 100 * S, 111 * S, "/a");
        executed(p, 9, 100 * S, 120 * S, "/b");
        ended(p, 9, 100 * S, 130 * S);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct procs_answer a = ask(p, 9, cases[i].gone, cases[i].from, cases[i].until);

                print_message("%zu\n", i);
                check_exe(a.state, cases[i].exe);
                assert_int_equal(a.earlier, cases[i].earlier);
                assert_int_equal(a.others, 0);
                assert_false(a.unsure);
                assert_int_equal(a.proc->ppid, 7);
        }
        assert_null(ask(p, 9, false, 0, 99 * S).proc); /* it did not begin by then */
        assert_null(ask(p, 10, false, 0, 99 * S).proc);
        procs_free(p);
        (void)state;
}

static void test_number_given_again(void **state)
{
        struct procs *p = procs_made();
        struct procs_answer a;

        for (uint64_t i = 0; i < 3; i++) {
                forked(p, 1, 9, (10 + i) * S);
                executed(p, 9, (10 + i) * S, (10 + i) * S + MS,
                         i == 0   ? "/a"
                         : i == 1 ? "/b"
                                  : "/c");
                if (i < 2)
                        ended(p, 9, (10 + i) * S, (10 + i) * S + 2 * MS);
        }
        check_exe(ask(p, 9, false, 0, 100 * S).state, "/c");
        a = ask(p, 9, true, 0, 100 * S);
        check_exe(a.state, "/b"); /* not the one that lives */
        assert_int_equal(a.others, 1);
        a = ask(p, 9, true, 11 * S, 100 * S);
        check_exe(a.state, "/b");
        assert_int_equal(a.others, 0); /* the first was gone by then */
        a = ask(p, 9, true, 0, 10 * S + 500 * MS);
        check_exe(a.state, "/a"); /* the second was not yet */
        assert_int_equal(a.others, 0);
        assert_null(a.had[0]);
        /* Where nothing says whether it lives, it may have been each that was there. */
        procs_at(p, 9, PROCS_AT_EITHER, 0, 100 * S, &a);
        check_exe(a.state, "/c");
        assert_int_equal(a.others, 2);
        check_exe(&a.had[0]->state, "/b");
        check_exe(&a.had[1]->state, "/a");
        procs_at(p, 9, PROCS_AT_EITHER, 11 * S + MS, 100 * S, &a);
        check_exe(a.state, "/c");
        assert_int_equal(a.others, 1);
        check_exe(&a.had[0]->state, "/b");
        procs_at(p, 9, PROCS_AT_EITHER, 12 * S, 100 * S, &a);
        check_exe(a.state, "/c");
        assert_int_equal(a.others, 0);
        assert_null(a.had[0]);
        procs_at(p, 9, PROCS_AT_EITHER, 0, 10 * S + 500 * MS, &a);
        check_exe(a.state, "/a");
        assert_int_equal(a.others, 0);
        procs_free(p);
        (void)state;
}

static void test_parents(void **state)
{
        struct procs *p = procs_made();
        const struct procs_proc *x;

        executed(p, 1, 1, 1, "/init");
        forked(p, 1, 50, 2 * S);
        executed(p, 50, 2 * S, 2 * S + 1, "/daemon");
        forked(p, 50, 60, 3 * S); /* double fork: 60 ends, 70 is adopted and does not forget */
        forked(p, 60, 70, 4 * S);
        ended(p, 60, 3 * S, 5 * S);
        forked(p, 1, 60, 6 * S); /* the number again */
        executed(p, 60, 6 * S, 6 * S + 1, "/other");
        x = procs_newest(p, 70);
        check_exe(&x->state, "/daemon");
        x = procs_parent(p, x);
        assert_non_null(x);
        assert_int_equal(x->pid, 60);
        assert_int_equal(x->start_ns, 3 * S);
        check_exe(&x->state, "/daemon");
        x = procs_parent(p, x);
        assert_int_equal(x->pid, 50);
        x = procs_parent(p, x);
        assert_int_equal(x->pid, 1);
        assert_null(procs_parent(p, x));
        fork_as(p, 50, 1, 80, 7 * S, 0); /* CLONE_PARENT: a sibling of its creator, and its copy */
        x = procs_newest(p, 80);
        assert_int_equal(x->ppid, 1);
        check_exe(&x->state, "/daemon");
        procs_free(p);
        (void)state;
}

static void test_user_known_at_the_end(void **state)
{
        struct procs *p = procs_made();
        struct procs_answer a;

        forked(p, 1, 9, 10 * S);
        executed(p, 9, 10 * S, 11 * S, "/a");
        ended_as(p, 9, 10 * S, 20 * S, 1000);
        a = ask(p, 9, true, 12 * S, 19 * S); /* read before its end was: it may have been either */
        assert_int_equal(a.state->uid, 1000);
        assert_true(a.earlier);
        assert_int_equal(a.state->before->uid, 0);
        check_exe(a.state, "/a");
        a = ask(p, 9, false, 10 * S, 10 * S + 1); /* before it executed, it cannot have been */
        assert_int_equal(a.state->uid, 0);
        procs_free(p);
        (void)state;
}

static void test_terminal_is_not_lost_at_the_end(void **state)
{
        struct process_event e = { .what = PROCESS_EXECUTED,
                                   .has = FULL | PROCESS_HAS_SID,
                                   .time_ns = 5,
                                   .start_ns = 5,
                                   .pid = 9,
                                   .sid = 8,
                                   .tty = 0x8801 };
        struct procs *p = procs_made();

        procs_apply(p, &e);
        e.what = PROCESS_ENDED; /* hung up first */
        e.sid = e.tty = 0;
        procs_apply(p, &e);
        assert_int_equal(procs_newest(p, 9)->state.tty, 0x8801);
        assert_int_equal(procs_newest(p, 9)->state.sid, 8);
        procs_free(p);
        (void)state;
}

static void test_changes_told_by_the_connector(void **state)
{
        struct process_event e = { .what = PROCESS_FORKED,
                                   .has = PROCESS_HAS_PARENT,
                                   .time_ns = 10 * S,
                                   .start_ns = 10 * S,
                                   .pid = 9,
                                   .ppid = 7,
                                   .creator = 7 };
        struct procs *p = procs_made();
        struct procs_answer a;

        executed(p, 7, 1, 1, "/sh");
        procs_apply(p, &e);
        e = (struct process_event){ .what = PROCESS_CHANGED,
                                    .has = PROCESS_HAS_UID,
                                    .time_ns = 11 * S,
                                    .pid = 9,
                                    .uid = 5,
                                    .euid = 6 };
        procs_apply(p, &e);
        a = ask(p, 9, false, 0, 12 * S);
        check_exe(a.state, "/sh");
        assert_int_equal(a.state->uid, 5);
        assert_int_equal(a.state->euid, 6);
        assert_true(a.earlier); /* as a copy it had another user */
        e = (struct process_event){ .what = PROCESS_EXECUTED, .time_ns = 13 * S, .pid = 9 };
        procs_apply(p, &e);
        a = ask(p, 9, false, 12 * S, 14 * S);
        assert_null(a.state->image); /* nobody said which */
        assert_int_equal(a.state->comm_n, 0);
        assert_int_equal(a.state->uid, 5);
        assert_false(a.earlier);
        e = (struct process_event){ .what = PROCESS_ENDED, .time_ns = 15 * S, .pid = 9 };
        procs_apply(p, &e);
        assert_int_equal(procs_newest(p, 9)->end_ns, 15 * S);
        procs_free(p);
        (void)state;
}

/* ---- /proc ---- */

static const struct proc_info *info_of(pid_t pid, uint64_t ticks, const char *exe, uint32_t uid)
{
        static struct proc_info i;

        memset(&i, 0, sizeof i);
        i.pid = pid;
        i.ids = (struct proc_ids){ .uid = uid, .euid = uid, .ppid = 3 };
        i.stat.start = ticks;
        i.loginuid.why = i.sessionid.why = PROC_UNSET;
        i.comm_why = i.cgroup_why = PROC_UNREAD;
        i.mount_ns.why = PROC_UNREAD;
        i.exe_why = i.cmdline_why = exe ? PROC_KNOWN : PROC_UNREAD;
        if (exe) {
                i.exe_n = i.cmdline_n = strlen(exe);
                memcpy(i.exe, exe, i.exe_n);
                memcpy(i.cmdline, exe, i.exe_n);
        }
        return &i;
}

static void test_seeds(void **state)
{
        struct procs *p = procs_made();
        const struct procs_proc *x;

        /* read before its fork was: the same process */
        x = procs_seed(p, info_of(9, 1000, "/a", 0), 11 * S);
        assert_non_null(x);
        assert_int_equal(x->start_ns, 10 * S);
        forked(p, 5, 9, 10 * S + 7 * MS);
        assert_int_equal(procs_counts(p).living, 1);
        check_exe(&procs_newest(p, 9)->state, "/a");
        assert_int_equal(procs_newest(p, 9)->ppid, 5);
        /* its exec as well: no state of its own is lost */
        executed(p, 9, 10 * S + 7 * MS, 10 * S + 8 * MS, "/a");
        check_exe(&procs_newest(p, 9)->state, "/a");
        /* its ids alone, for it lives: when it became that user is not known */
        (void)!procs_seed(p, info_of(9, 1000, NULL, 77), 12 * S);
        x = procs_newest(p, 9);
        check_exe(&x->state, "/a");
        assert_int_equal(x->state.uid, 77);
        assert_true(ask(p, 9, false, 11 * S, 12 * S - MS).earlier);
        assert_int_equal(ask(p, 9, false, 11 * S, 12 * S - MS).state->uid, 77);
        assert_int_equal(ask(p, 9, false, 11 * S, 12 * S - MS).state->before->uid, 0);
        assert_false(ask(p, 9, false, 12 * S, 13 * S).earlier);
        /* told of afterwards, as an event that was on its way: known already */
        procs_apply(p, &(struct process_event){ .what = PROCESS_CHANGED,
                                                .has = PROCESS_HAS_UID,
                                                .time_ns = 12 * S - 2 * MS,
                                                .pid = 9,
                                                .uid = 77,
                                                .euid = 77 });
        assert_int_equal(procs_newest(p, 9)->state.from_ns, 12 * S);
        /* another executable: an exec that nobody told of */
        (void)!procs_seed(p, info_of(9, 1000, "/b", 77), 14 * S);
        check_exe(&procs_newest(p, 9)->state, "/b");
        check_exe(procs_newest(p, 9)->state.before, "/a");
        /* another start: another process; the first has ended */
        (void)!procs_seed(p, info_of(9, 2000, "/c", 0), 21 * S);
        check_exe(&procs_newest(p, 9)->state, "/c");
        assert_int_equal(procs_counts(p).living, 1);
        assert_int_equal(procs_counts(p).ended, 1);
        /* dead and not waited for: reading it does not make it live */
        ended(p, 9, 20 * S, 22 * S);
        (void)!procs_seed(p, info_of(9, 2000, NULL, 0), 23 * S);
        assert_int_equal(procs_counts(p).living, 0);
        procs_free(p);
        (void)state;
}

static void test_terminal_is_not_lost_by_reading_late(void **state)
{
        static const struct {
                const char *name;
                int32_t sid, tty, want_sid, want_tty;
        } cases[] = {
                { "still there", 8, 0x8801, 8, 0x8801 },
                { "ending: the same session, and no terminal any more", 8, 0, 8, 0x8801 },
                { "another terminal", 8, 0x8802, 8, 0x8802 },
                { "a session of its own has none", 9, 0, 9, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct procs *p = procs_made();
                struct proc_info info = *info_of(9, 1000, "/a", 0);

                print_message("%s\n", cases[i].name);
                info.stat.session = 8;
                info.stat.tty = 0x8801;
                (void)!procs_seed(p, &info, 11 * S);
                info.exe_why = info.cmdline_why = PROC_UNREAD;
                info.stat.session = cases[i].sid;
                info.stat.tty = cases[i].tty;
                (void)!procs_seed(p, &info, 12 * S);
                assert_int_equal(procs_newest(p, 9)->state.sid, cases[i].want_sid);
                assert_int_equal(procs_newest(p, 9)->state.tty, cases[i].want_tty);
                procs_free(p);
        }
        (void)state;
}

static bool is_even(void *ctx, const struct procs_proc *x)
{
        (void)ctx;
        return x->pid % 2 == 0;
}

static void test_sweep(void **state)
{
        struct procs *p = procs_made();

        for (pid_t pid = 100; pid < 110; pid++)
                forked(p, 1, pid, (uint64_t)pid * S);
        procs_sweep(p, 105 * S, is_even, NULL);
        assert_int_equal(procs_counts(p).living, 8); /* 101 and 103 are gone, 105 is too young */
        assert_int_equal(procs_newest(p, 101)->end_ns, 105 * S);
        assert_int_equal(procs_newest(p, 105)->end_ns, 0);
        procs_free(p);
        (void)state;
}

/* ---- losses and limits ---- */

static void test_losses(void **state)
{
        struct procs *p = procs_made();

        forked(p, 1, 8, 9 * S);
        executed(p, 8, 9 * S, 9 * S, "/before");
        ended(p, 8, 9 * S, 10 * S);
        forked(p, 1, 9, 10 * S);
        executed(p, 9, 10 * S, 11 * S, "/a");
        forked(p, 1, 10, 11 * S);
        procs_lost(p, 3, 12 * S, 13 * S);
        assert_int_equal(procs_counts(p).lost, 3);
        assert_true(ask(p, 9, false, 0, 20 * S).unsure);
        assert_false(ask(p, 8, true, 0, 20 * S).unsure); /* it was over */
        executed(p, 10, 11 * S, 14 * S, "/b");
        assert_false(ask(p, 10, false, 0, 20 * S).unsure); /* heard of since */
        (void)!procs_seed(p, info_of(9, 1000, "/a", 0), 15 * S);
        assert_false(ask(p, 9, false, 0, 20 * S).unsure); /* looked at since */
        assert_true(ask(p, 9, true, 0, 20 * S).unsure);   /* gone, and its end was not told */
        /* an end that is told, of somebody whose beginning was not */
        ended_as(p, 30, 12 * S, 16 * S, 44);
        assert_int_equal(ask(p, 30, true, 0, 20 * S).state->uid, 44);
        assert_null(ask(p, 30, true, 0, 20 * S).state->image);
        procs_free(p);
        (void)state;
}

static void test_expiry(void **state)
{
        struct procs *p = procs_made();

        forked(p, 1, 8, 9 * S);
        ended(p, 8, 9 * S, 10 * S);
        forked(p, 1, 9, 9 * S);
        ended(p, 9, 9 * S, 11 * S);
        procs_expire(p, (10 + PROCS_KEEP_S) * S);
        assert_int_equal(procs_counts(p).ended, 2);
        procs_expire(p, (10 + PROCS_KEEP_S) * S + 1);
        assert_null(procs_newest(p, 8));
        assert_non_null(procs_newest(p, 9));
        procs_free(p);
        (void)state;
}

static void test_too_many(void **state)
{
        enum { MORE = 1000 };
        struct procs *p = procs_made();

        for (int i = 0; i < PROCS_MAX + MORE; i++) { /* each ends when the next begins */
                uint64_t t = (uint64_t)(i + 1) * MS;

                forked(p, 1, 1000 + i, t);
                ended(p, 1000 + i, t, t + 1);
        }
        assert_int_equal(procs_counts(p).ended, PROCS_MAX);
        assert_int_equal(procs_counts(p).lost, 0);
        assert_null(procs_newest(p, 1000 + MORE - 1)); /* the first of them went */
        assert_non_null(procs_newest(p, 1000 + MORE));
        for (int i = 0; i < PROCS_MAX + MORE; i++)
                forked(p, 1, 1000000 + i, (uint64_t)i + PROCS_MAX * S);
        assert_int_equal(procs_counts(p).living, PROCS_MAX); /* those who live are not put out */
        assert_int_equal(procs_counts(p).ended, 0);
        assert_true(procs_counts(p).lost >= MORE);
        procs_free(p);
        (void)state;
}

static void test_too_much_text(void **state)
{
        static char exe[3000];
        struct procs *p = procs_made();
        const int n = 3 * PROCS_TEXT_MAX / (int)sizeof exe;
        int whole = 0, cut = 0;

        memset(exe, 'x', sizeof exe - 1);
        for (int i = 0; i < n; i++) { /* dead ones make room */
                forked(p, 1, 1000 + i, (uint64_t)(i + 1) * MS);
                executed(p, 1000 + i, (uint64_t)(i + 1) * MS, (uint64_t)(i + 1) * MS, exe);
                ended(p, 1000 + i, (uint64_t)(i + 1) * MS, (uint64_t)(i + 1) * MS);
                assert_true(procs_counts(p).text <= PROCS_TEXT_MAX);
                assert_int_equal(procs_newest(p, 1000 + i)->state.image->args_n, sizeof exe - 1);
        }
        assert_null(procs_newest(p, 1000));
        for (int i = 0; i < n; i++) { /* the living do not: first without arguments, then without */
                const struct procs_image *image;

                forked(p, 1, 1000 + i, (uint64_t)(i + 1) * S);
                executed(p, 1000 + i, (uint64_t)(i + 1) * S, (uint64_t)(i + 1) * S, exe);
                assert_true(procs_counts(p).text <= PROCS_TEXT_MAX);
                image = procs_newest(p, 1000 + i)->state.image;
                if (image && !image->args_cut) {
                        assert_int_equal(cut, 0);
                        whole++;
                } else if (image) {
                        assert_int_equal(image->args_n, 0);
                        assert_int_equal(image->exe_n, sizeof exe - 1);
                        cut++;
                }
        }
        assert_true(whole > 700 && cut > 400 && whole + cut < n);
        assert_int_equal(procs_counts(p).lost, n - whole - cut);
        procs_free(p);
        (void)state;
}

static void test_states_are_few(void **state)
{
        struct procs *p = procs_made();
        const struct procs_state *s;
        unsigned n = 0;
        size_t text;

        forked(p, 1, 9, 1);
        for (uint64_t i = 0; i < 100; i++)
                executed(p, 9, 1, 2 + i, "/a");
        text = procs_counts(p).text;
        executed(p, 9, 1, 200, "/a");
        assert_int_equal(procs_counts(p).text, text);
        for (s = &procs_newest(p, 9)->state; s; s = s->before)
                n++;
        assert_int_equal(n, PROCS_STATES_MAX);
        ended(p, 9, 1, 201);
        procs_expire(p, UINT64_MAX);
        assert_int_equal(procs_counts(p).text, 0);
        procs_free(p);
        (void)state;
}

static void test_places(void **state)
{
        struct process_event e = { .what = PROCESS_EXECUTED,
                                   .has = FULL | PROCESS_HAS_PLACE,
                                   .time_ns = 5,
                                   .start_ns = 5,
                                   .pid = 9,
                                   .cgroup = 42,
                                   .cgroup_path = SPAN("/system.slice/cron.service") };
        struct procs *p = procs_made();

        procs_apply(p, &e);
        forked(p, 9, 10, 6); /* nothing said: its creator's */
        assert_true(span_eq_str(procs_unit(&procs_newest(p, 10)->state), "cron.service"));
        assert_ptr_equal(procs_newest(p, 10)->state.place, procs_newest(p, 9)->state.place);
        e.pid = 11;
        procs_apply(p, &e);
        assert_ptr_equal(procs_newest(p, 11)->state.place, procs_newest(p, 9)->state.place);
        e.cgroup_path = SPAN("/other.service"); /* the id again, in another hierarchy */
        e.pid = 12;
        procs_apply(p, &e);
        assert_true(span_eq_str(procs_unit(&procs_newest(p, 12)->state), "other.service"));
        procs_free(p);
        (void)state;
}

/* A group so deep that only the end of its path is told: its makers are where they were. */
static void test_astray(void **state)
{
        static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        struct process_event e = { .what = PROCESS_EXECUTED,
                                   .has = FULL | PROCESS_HAS_PLACE,
                                   .time_ns = 5,
                                   .start_ns = 5,
                                   .pid = 9,
                                   .cgroup = 42 };
        const struct procs_state *s;
        struct procs *p = procs_made();
        char path[128];

        snprintf(path, sizeof path, "/system.slice/docker-%s.scope", id);
        e.cgroup_path = span_str(path);
        procs_apply(p, &e);
        e.cgroup = 43;
        e.time_ns = 6;
        e.has |= PROCESS_PLACE_CUT;
        e.cgroup_path = SPAN("/d/d/ssh.service/d");
        procs_apply(p, &e);
        forked(p, 9, 10, 7);
        s = &procs_newest(p, 10)->state;
        assert_true(span_eq_str(procs_container(s), id));
        assert_true(span_eq_str(procs_unit(s), "ssh.service") && procs_unit_nested(s));
        assert_false(s->place->astray);
        e.cgroup_path = SPAN("/d/d/d");
        e.time_ns = 8;
        procs_apply(p, &e);
        assert_true(span_eq_str(procs_container(&procs_newest(p, 9)->state), id));
        assert_true(span_eq_str(procs_unit(&procs_newest(p, 9)->state), "ssh.service"));
        /* of this one nothing is known from before */
        e.pid = 11;
        procs_apply(p, &e);
        s = &procs_newest(p, 11)->state;
        assert_int_equal(procs_container(s).n, 0);
        assert_true(s->place->astray);
        procs_free(p);
        (void)state;
}

/* ---- who listens ---- */

static void hear(void *ctx, enum process_what what, const struct procs_proc *x)
{
        char *out = ctx;
        size_t n = strlen(out);

        snprintf(out + n, 64 - n, "%c%d%s", "FXCE"[what], x -> pid, x -> end_ns ? "." : "");
}

static void test_listening(void **state)
{
        char heard[64] = "";
        struct procs *p = procs_made();

        procs_listen(p, hear, heard);
        forked(p, 1, 9, 5);
        executed(p, 9, 5, 6, "/a");
        ended(p, 9, 5, 7);
        procs_listen(p, NULL, NULL);
        forked(p, 1, 10, 8);
        assert_string_equal(heard, "F9X9E9.");
        procs_free(p);
        (void)state;
}

/* ---- against a history that forgets nothing ---- */

enum { M_PIDS = 6, M_LIVES = 4000, M_STATES = 6 };

struct m_life {
        pid_t pid;
        uint64_t start, end; /* 0: lives */
        unsigned n;
        struct {
                uint64_t from;
                int exe; /* -1: its creator's copy of nothing */
                bool copy;
        } state[M_STATES];
};

static struct m_life lives[M_LIVES];
static size_t n_lives;
static uint64_t seed = 88172645463325252ULL;

static unsigned chance(unsigned below)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed % below);
}

static struct m_life *living(pid_t pid)
{
        for (size_t i = n_lives; i--;)
                if (lives[i].pid == pid)
                        return lives[i].end ? NULL : &lives[i];
        return NULL;
}

static void m_step(struct procs *p, uint64_t t)
{
        pid_t pid = 100 + (pid_t)chance(M_PIDS), creator = 100 + (pid_t)chance(M_PIDS);
        struct m_life *l = living(pid), *c = living(creator);
        char exe[16];

        if (!l && n_lives < M_LIVES) {
                l = &lives[n_lives++];
                *l = (struct m_life){ .pid = pid, .start = t, .n = 1 };
                l->state[0].from = t;
                l->state[0].exe = c && c != l ? c->state[c->n - 1].exe : -1;
                l->state[0].copy = true;
                forked(p, c && c != l ? creator : 1, pid, t);
        } else if (l && l->n < M_STATES && chance(2)) {
                l->state[l->n].from = t;
                l->state[l->n].exe = (int)chance(1000);
                l->state[l->n++].copy = false;
                snprintf(exe, sizeof exe, "/%d", l->state[l->n - 1].exe);
                executed(p, pid, l->start, t, exe);
        } else if (l) {
                l->end = t;
                ended(p, pid, l->start, t);
        }
}

static void m_check(struct procs *p, uint64_t now)
{
        pid_t pid = 100 + (pid_t)chance(M_PIDS);
        uint64_t until = now - chance(20) * S, from = until - chance(30) * S;
        bool gone = chance(2);
        struct procs_answer a = ask(p, pid, gone, from, until);
        const struct m_life *best = NULL;
        unsigned others = 0, at = 0;
        bool earlier = false;
        char exe[16] = "";

        for (size_t i = n_lives; i--;) {
                const struct m_life *l = &lives[i];

                if (l->pid != pid || l->start > until || (gone && !l->end))
                        continue;
                if (!best)
                        best = l;
                else if (gone && l->end + 50 * MS >= from)
                        others++;
        }
        if (!best)
                return; /* a living one that is said to be gone is test_losses()'s */
        while (at + 1 < best->n && best->state[at + 1].from <= until)
                at++;
        for (unsigned i = at; i > 0 && best->state[i].from > from; i--)
                earlier = earlier || !best->state[i - 1].copy;
        if (best->state[at].exe >= 0)
                snprintf(exe, sizeof exe, "/%d", best->state[at].exe);
        assert_non_null(a.proc);
        assert_int_equal(a.proc->start_ns, best->start);
        check_exe(a.state, exe);
        assert_int_equal(a.others, others);
        assert_int_equal(a.earlier, earlier);
}

static void test_against_a_history(void **state)
{
        struct procs *p = procs_made();

        for (uint64_t i = 1; i < 6000; i++) {
                m_step(p, (100 + i) * S);
                m_check(p, (100 + i) * S);
        }
        assert_true(n_lives > 1000);
        procs_free(p);
        (void)state;
}

/* ---- without memory ---- */

static void test_no_memory(void **state)
{
        struct procs *p = procs_made();
        bool failed = true;

        for (size_t nth = 1; failed; nth++) {
                pid_t pid = 1000 + (pid_t)nth;
                uint64_t lost = procs_counts(p).lost;

                alloc_fail_nth = nth;
                forked(p, 1, pid, nth * S);
                executed(p, pid, nth * S, nth * S + 1, "/a");
                executed(p, pid, nth * S, nth * S + 2, "/b");
                ended_as(p, pid, nth * S, nth * S + 3, 5);
                failed = alloc_fail_nth == 0;
                alloc_fail_nth = 0;
                assert_true(!failed || procs_counts(p).lost > lost);
        }
        procs_expire(p, UINT64_MAX);
        assert_int_equal(procs_counts(p).text, 0);
        procs_free(p);
        (void)state;
}

/* ---- what was executed in a time ---- */

struct ran {
        char text[256];
};

static void on_ran(void *ctx, const struct procs_proc *x, const struct procs_state *st)
{
        struct ran *r = ctx;
        size_t n = strlen(r->text);

        snprintf(r->text + n, sizeof r->text - n, "%d%.*s ", (int)x->pid, (int)procs_exe(st).n,
                 (const char *)procs_exe(st).p);
}

/* Executions, of the ended too; no forks, no other users, none of before or after. */
static void test_executed(void **state)
{
        struct procs *p = procs_made();
        struct ran r = { "" };

        forked(p, 1, 10, 1000);
        executed(p, 10, 1000, 1500, "/before");
        executed(p, 10, 1000, 2000, "/first");
        forked(p, 10, 11, 2100);
        procs_apply(p, &(struct process_event){ .what = PROCESS_CHANGED,
                                                .has = PROCESS_HAS_UID,
                                                .time_ns = 2200,
                                                .pid = 10,
                                                .uid = 7,
                                                .euid = 7,
                                                .auid = PROCESS_UNSET,
                                                .session = PROCESS_UNSET });
        executed(p, 11, 2100, 2999, "/second");
        ended(p, 11, 2100, 3100);
        executed(p, 10, 1000, 3000, "/after");
        procs_executed(p, 2000, 3000, on_ran, &r);
        assert_string_equal(r.text, "10/first 11/second ");
        procs_free(p);
        (void)state;
}

/* ---- how a process came into its unit ---- */

static void placed(struct procs *p, enum process_what what, pid_t creator, pid_t parent, pid_t pid,
                   uint64_t t, const char *unit)
{
        char path[128];

        snprintf(path, sizeof path, "/system.slice/%s", unit);
        procs_apply(p, &(struct process_event){ .what = what,
                                                .has = FULL | PROCESS_HAS_PLACE | PROCESS_HAS_EXE,
                                                .time_ns = t,
                                                .start_ns = (uint64_t)pid * S,
                                                .pid = pid,
                                                .ppid = parent,
                                                .creator = creator,
                                                .exe = SPAN("/x"),
                                                .cgroup_path = span_str(path),
                                                .cgroup = 1000 + strlen(unit),
                                                .auid = PROCESS_UNSET,
                                                .session = PROCESS_UNSET });
}

struct move {
        enum process_what what;
        pid_t creator, parent, pid;
        const char *unit;
};

static void test_units(void **state)
{
        /* 50 is what is asked about; 1 is init, 9 a shell in a session that is known to have been
         * begun elsewhere */
        static const struct {
                const char *name;
                struct move moves[6];
                bool want;
        } cases[] = {
                { "begun by init, moved by it, executed there",
                  { { PROCESS_FORKED, 1, 1, 50, "init.scope" },
                    { PROCESS_EXECUTED, 0, 1, 50, "a.service" } },
                  true },
                { "a child of the service",
                  { { PROCESS_FORKED, 1, 1, 40, "init.scope" },
                    { PROCESS_EXECUTED, 0, 1, 40, "a.service" },
                    { PROCESS_FORKED, 40, 40, 50, "a.service" },
                    { PROCESS_EXECUTED, 0, 40, 50, "a.service" } },
                  true },
                { "a shell moved itself, and has begun another",
                  { { PROCESS_FORKED, 9, 9, 50, "a.service" },
                    { PROCESS_EXECUTED, 0, 9, 50, "a.service" } },
                  false },
                { "moved before it executed",
                  { { PROCESS_FORKED, 9, 9, 50, "session-1.scope" },
                    { PROCESS_EXECUTED, 0, 9, 50, "a.service" } },
                  false },
                { "a daemon that has lost its parent: as whoever made it",
                  { { PROCESS_FORKED, 9, 9, 40, "session-1.scope" },
                    { PROCESS_FORKED, 40, 40, 50, "session-1.scope" },
                    { PROCESS_ENDED, 0, 9, 40, "session-1.scope" },
                    { PROCESS_EXECUTED, 0, 1, 50, "a.service" } },
                  false },
                { "CLONE_PARENT below init: made by another all the same",
                  { { PROCESS_FORKED, 9, 1, 50, "a.service" },
                    { PROCESS_EXECUTED, 0, 1, 50, "a.service" } },
                  false },
                { "a service that moves itself into another's unit",
                  { { PROCESS_FORKED, 1, 1, 40, "init.scope" },
                    { PROCESS_EXECUTED, 0, 1, 40, "b.service" },
                    { PROCESS_FORKED, 40, 40, 50, "a.service" },
                    { PROCESS_EXECUTED, 0, 40, 50, "a.service" } },
                  false },
                { "and executes once more",
                  { { PROCESS_FORKED, 1, 1, 50, "init.scope" },
                    { PROCESS_EXECUTED, 0, 1, 50, "b.service" },
                    { PROCESS_EXECUTED, 0, 1, 50, "a.service" } },
                  false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct procs *p = procs_made();

                placed(p, PROCESS_FORKED, 1, 1, 8, 8 * S, "init.scope");
                placed(p, PROCESS_EXECUTED, 0, 1, 8, 8 * S, "ssh.service");
                placed(p, PROCESS_FORKED, 8, 8, 9, 9 * S, "session-1.scope");
                placed(p, PROCESS_EXECUTED, 0, 8, 9, 9 * S, "session-1.scope");
                for (size_t k = 0; k < 6 && cases[i].moves[k].unit; k++) {
                        const struct move *m = &cases[i].moves[k];

                        placed(p, m->what, m->creator, m->parent, m->pid, (60 + k) * S, m->unit);
                }
                if (procs_is_of_unit(p, procs_newest(p, 50)) != cases[i].want)
                        fail_msg("%s", cases[i].name);
                procs_free(p);
        }
        (void)state;
}

/* What began before anything was told: as /proc has it. */
static void test_units_before(void **state)
{
        static const struct {
                uint32_t auid;
                const char *above, *own;
                bool want;
        } cases[] = {
                { PROCESS_UNSET, "a.service", "a.service", true },
                { 1000, "a.service", "a.service", false },
                { PROCESS_UNSET, "b.service", "a.service", false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct procs *p = procs_made();
                struct process_event e = { .what = PROCESS_EXECUTED,
                                           .has = FULL | PROCESS_HAS_PLACE | PROCESS_HAS_EXE,
                                           .start_ns = 40 * S,
                                           .time_ns = 40 * S,
                                           .pid = 40,
                                           .ppid = 1,
                                           .exe = SPAN("/x"),
                                           .cgroup = 1,
                                           .auid = cases[i].auid,
                                           .session = PROCESS_UNSET };

                e.cgroup_path = span_str(cases[i].above);
                procs_apply(p, &e);
                e.start_ns = e.time_ns = 50 * S;
                e.pid = 50;
                e.ppid = 40;
                e.cgroup = 2;
                e.cgroup_path = span_str(cases[i].own);
                procs_apply(p, &e);
                if (procs_is_of_unit(p, procs_newest(p, 50)) != cases[i].want)
                        fail_msg("case %zu", i);
                /* and nothing is known of who made this one */
                e.pid = 60;
                e.ppid = 59;
                procs_apply(p, &e);
                assert_false(procs_is_of_unit(p, procs_newest(p, 60)));
                procs_free(p);
        }
        (void)state;
}

static enum procs_file judge_file(void *ctx, struct span exe, uint64_t dev, uint64_t ino)
{
        (*(unsigned *)ctx)++;
        assert_true(span_eq_str(exe, "/a"));
        assert_int_equal(dev, 3);
        return ino == 5 ? PROCS_FILE_TRUSTED : PROCS_FILE_OTHER;
}

/* The executed file is asked about once, when it is executed; copies run the same. */
static void test_files(void **state)
{
        struct process_event e = { .what = PROCESS_EXECUTED,
                                   .has = FULL | PROCESS_HAS_EXE | PROCESS_EXE_LED,
                                   .start_ns = 40 * S,
                                   .time_ns = 40 * S,
                                   .pid = 40,
                                   .ppid = 1,
                                   .exe = SPAN("/a"),
                                   .exe_dev = 3,
                                   .exe_ino = 5 };
        struct procs *p = procs_made();
        const struct procs_image *i;
        unsigned asked = 0;

        procs_ask_file(p, judge_file, &asked);
        procs_apply(p, &e);
        forked(p, 40, 41, 41 * S);
        i = procs_newest(p, 41)->state.image;
        assert_true(i->file == PROCS_FILE_TRUSTED && i->led && i->dev == 3 && i->ino == 5);
        e.exe_ino = 6;
        e.has &= ~(unsigned)PROCESS_EXE_LED;
        procs_apply(p, &e);
        i = procs_newest(p, 40)->state.image;
        assert_true(i->file == PROCS_FILE_OTHER && !i->led && i->ino == 6);
        assert_int_equal(asked, 2);
        e.has |= PROCESS_EXE_CUT; /* its path is another's */
        procs_apply(p, &e);
        e.exe_ino = 0;
        e.has &= ~(unsigned)PROCESS_EXE_CUT;
        procs_apply(p, &e);
        assert_int_equal(procs_newest(p, 40)->state.image->file, PROCS_FILE_UNKNOWN);
        assert_int_equal(asked, 2);
        procs_free(p);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_executed),
                cmocka_unit_test(test_a_life),
                cmocka_unit_test(test_number_given_again),
                cmocka_unit_test(test_parents),
                cmocka_unit_test(test_user_known_at_the_end),
                cmocka_unit_test(test_terminal_is_not_lost_at_the_end),
                cmocka_unit_test(test_changes_told_by_the_connector),
                cmocka_unit_test(test_seeds),
                cmocka_unit_test(test_terminal_is_not_lost_by_reading_late),
                cmocka_unit_test(test_sweep),
                cmocka_unit_test(test_losses),
                cmocka_unit_test(test_expiry),
                cmocka_unit_test(test_too_many),
                cmocka_unit_test(test_too_much_text),
                cmocka_unit_test(test_states_are_few),
                cmocka_unit_test(test_places),
                cmocka_unit_test(test_astray),
                cmocka_unit_test(test_listening),
                cmocka_unit_test(test_against_a_history),
                cmocka_unit_test(test_no_memory),
                cmocka_unit_test(test_units),
                cmocka_unit_test(test_units_before),
                cmocka_unit_test(test_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
