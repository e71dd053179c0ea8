/* SPDX-License-Identifier: Apache-2.0 */
/* The key changes while each call for files fails in turn, and while the process is killed, or the
 * power fails, at each.  Whatever happened: the log opens, the next publication finishes the change
 * or leaves the old key in force, and who has either key can verify the log. */
#include "../faulty.h"
#include "../fixture.h"
#include "../power.h"
#include "ledger/signing/keys.h"
#include "ledger/signing/signer.h"
#include "ledger/verify/verify.h"
#include "wire/json.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct life {
        struct fixture f;
        const struct io *io;
        struct ledger *l;
        struct publisher *p;
        struct note_vkey first; /* the key before the change */
        bool rotated;           /* rotate() said so */
        unsigned failures;
};

static void say(const struct err *err)
{
        print_message("%s\n", err_text(err));
}

#define MUST(call)                                                                                 \
        do {                                                                                       \
                struct err err = { 0 };                                                            \
                if ((call) < 0) {                                                                  \
                        say(&err);                                                                 \
                        fail_msg("%s", #call);                                                     \
                }                                                                                  \
        } while (0)

/* ---- a ledger's owner ---- */

static int start(struct life *x, struct err *err)
{
        struct publisher_options o = { .io = x->io, .ballast_bytes = 4096 };
        int r = ledger_open(x->f.public_fd, x->f.private_fd, &x->f.options, &x->l, err);

        return r < 0 ? r : publisher_open(x->f.public_fd, x->f.private_fd, &o, &x->p, err);
}

static void stop(struct life *x)
{
        x->p = publisher_free(x->p);
        x->l = ledger_free(x->l);
}

static int commit(struct life *x, struct span entry, struct err *err)
{
        uint64_t index;
        int r = ledger_stage(x->l, entry, SPAN_NONE, (struct ledger_writer_id){ 0 }, &index, err);

        return r < 0 ? r : ledger_commit(x->l, err);
}

static int append(struct life *x, const char *entry, struct err *err)
{
        return commit(x, span_str(entry), err);
}

static int publish(struct life *x, struct err *err)
{
        struct ledger_position at;

        ledger_position(x->l, &at);
        return publisher_run(x->p, &at, err);
}

static int vkey_of(struct life *x, const char *file, struct note_vkey *ret, struct err *err)
{
        CLEANUP(signer_freep) struct signer *key = NULL;
        int r = keys_load(x->f.private_fd, &io_kernel, file, &key, err);

        if (r == 0)
                signer_vkey(key, ret);
        return r;
}

static void put_entry(struct buf *b, const struct note_vkey *vkey)
{
        struct buf text = BUF_INIT(NOTE_MAX);
        struct json_writer w;

        note_vkey_put(&text, vkey);
        json_writer_init(&w, b);
        json_begin_object(&w);
        json_member_text(&w, "k", "ledger.key_rotated");
        json_put_key(&w, "what");
        json_begin_object(&w);
        json_member_string(&w, "vkey", buf_span(&text));
        json_end_object(&w);
        json_end_object(&w);
        buf_done(&text);
}

/* What the recorder and "assay ledger rotate" do, in their order. */
static int rotate(struct life *x, struct err *err)
{
        CLEANUP(buf_done) struct buf entry = BUF_INIT(ENTRY_MAX);
        struct note_vkey next;
        int r = keys_generate(x->f.private_fd, x->io, "log.next", SPAN(FIXTURE_ORIGIN), err);

        if (r == 0 || r == -EEXIST)
                r = publisher_await_rotation(x->p, err);
        if (r == 0)
                r = vkey_of(x, "log.next", &next, err);
        if (r == 0) {
                put_entry(&entry, &next);
                r = commit(x, buf_span(&entry), err);
        }
        if (r == 0)
                r = publish(x, err);
        x->rotated = r == 0;
        return r;
}

static void begin(struct life *x)
{
        memset(x, 0, sizeof *x);
        x->io = &io_kernel;
        fixture_new(&x->f);
        MUST(vkey_of(x, "log", &x->first, &err));
        MUST(start(x, &err));
        MUST(append(x, "{\"n\":1}", &err));
        MUST(append(x, "{\"n\":2}", &err));
        MUST(publish(x, &err));
}

static void end(struct life *x)
{
        stop(x);
        fixture_done(&x->f);
}

/* ---- judging ---- */

static void tell(void *ctx, const struct verify_report *r)
{
        if (verify_severity(r->issue) == VERIFY_DAMAGE)
                print_message("%s\n", r->text);
}

static struct verify_result verify(struct life *x, const struct note_vkey *key)
{
        CLEANUP(source_freep) struct source *src = NULL;
        struct verify_result result;
        struct verify_options o = { .keys = key, .n_keys = 1, .is_log = true, .on_report = tell };

        MUST(source_dir(x->f.public_fd, "log", &src, &err));
        o.source = src;
        MUST(verify_log(&o, &result, &err));
        return result;
}

static struct verify_result judge(struct life *x, const struct note_vkey *key)
{
        struct verify_result result = verify(x, key);

        assert_int_equal(result.verdict, VERDICT_PASS);
        return result;
}

/* As a crash left it: what waits to be finished may leave doubts, but it is no damage. */
static void judge_cut_off(struct life *x)
{
        struct verify_result result = verify(x, &x->first);

        assert_int_not_equal(result.verdict, VERDICT_FAIL);
        if (result.verdict == VERDICT_UNKNOWN)
                assert_int_equal(result.count[VERIFY_ROTATION_AHEAD], 1);
}

static bool is_there(int at, const char *path)
{
        return faccessat(at, path, F_OK, 0) == 0;
}

static bool has_entry(struct life *x)
{
        return fixture_search(&x->f, SPAN("ledger.key_rotated")) > 0;
}

/* Everything is published; the key in place is the one that a change, if there was one, named. */
static void check(struct life *x)
{
        struct note_vkey now;
        bool changed;

        MUST(vkey_of(x, "log", &now, &err));
        changed = memcmp(now.key, x->first.key, now.key_n) != 0;
        assert_int_equal(judge(x, &x->first).rotations, changed);
        assert_int_equal(judge(x, &now).rotations, changed);
        assert_int_equal(changed, has_entry(x));
        assert_int_equal(is_there(x->f.public_fd, "rotation/3"), changed);
        if (changed)
                assert_false(is_there(x->f.private_fd, "keys/log.next"));
        if (x->rotated)
                assert_true(changed);
}

/* The life after: more is appended, published and judged, and the key changes once more. */
static void go_on(struct life *x)
{
        stop(x);
        x->io = x->f.options.io = &io_kernel;
        MUST(start(x, &err));
        MUST(append(x, "{\"n\":3}", &err));
        MUST(append(x, "{\"n\":4}", &err));
        MUST(publish(x, &err));
        check(x);
        x->rotated = false;
        MUST(rotate(x, &err));
        MUST(append(x, "{\"n\":5}", &err));
        MUST(publish(x, &err));
        judge(x, &x->first);
}

/* ---- calls that fail ---- */

/* The owner lives on, as the recorder does: a ledger that stopped is opened again, a publisher that
 * failed is replaced, and what comes meanwhile is appended. */
static void mend(struct life *x)
{
        struct publisher_options o = { .io = x->io, .ballast_bytes = 4096 };
        struct err why = { 0 };

        x->p = publisher_free(x->p);
        if (append(x, "{\"meanwhile\":1}", &why) < 0) {
                stop(x);
                MUST(start(x, &err));
                MUST(append(x, "{\"meanwhile\":2}", &err));
        } else {
                MUST(publisher_open(x->f.public_fd, x->f.private_fd, &o, &x->p, &err));
        }
        MUST(publish(x, &err));
}

/* The number of calls of that kind a change makes. */
static unsigned every_call_of(enum faulty_kind kind, int error)
{
        struct faulty io;
        struct life x;
        unsigned k = 0;

        do {
                struct err why = { 0 };

                begin(&x);
                stop(&x);
                faulty_init(&io);
                x.io = x.f.options.io = &io.io;
                MUST(start(&x, &err));
                memset(io.count, 0, sizeof io.count);
                io.kind = kind;
                io.error = error;
                io.at = ++k;
                io.half = error == -EIO;
                if (rotate(&x, &why) < 0) {
                        assert_true(io.struck);
                        mend(&x);
                }
                check(&x);
                go_on(&x);
                end(&x);
        } while (io.struck);
        return k - 1;
}

static void writes(void **state)
{
        assert_true(every_call_of(FAULTY_PWRITE, -EIO) > 5);
        assert_true(every_call_of(FAULTY_PWRITE, -ENOSPC) > 5);
}

static void syncs(void **state)
{
        assert_true(every_call_of(FAULTY_FSYNC, -EIO) > 8);
        assert_true(every_call_of(FAULTY_FDATASYNC, -EIO) > 0);
}

static void renames(void **state)
{
        assert_true(every_call_of(FAULTY_RENAME, -ENOSPC) > 5);
}

static void new_directories(void **state)
{
        assert_true(every_call_of(FAULTY_MKDIR, -ENOSPC) > 0);
}

/* ---- ends ---- */

static void crash(struct life *x, struct power *power, enum power_luck luck, uint64_t *random)
{
        stop(x);
        fd_close(&x->f.public_fd);
        fd_close(&x->f.private_fd);
        power_fail(power, luck, random);
        fixture_reopen_dirs(&x->f);
}

/* Killed at call `at`, and the power fails at call `again` of the next life: true once it does not
 * come so far. */
static bool one_end(uint64_t at, uint64_t again, enum power_luck luck, bool *ret_through)
{
        uint64_t random = at * 1000 + again;
        struct err why = { 0 };
        struct power *power;
        struct life x;
        bool over;

        begin(&x);
        stop(&x);
        power = power_new(x.f.root_fd);
        x.io = x.f.options.io = power_io(power);
        MUST(start(&x, &err));
        power_off_in(power, at);
        if (rotate(&x, &why) < 0)
                assert_true(power_is_off(power));
        *ret_through = !power_is_off(power);
        judge_cut_off(&x);
        if (again < UINT64_MAX) { /* a kill alone: nothing is synced by it, nor lost */
                stop(&x);
                power_off_in(power, again);
                if (start(&x, &why) == 0 && append(&x, "{\"meanwhile\":1}", &why) == 0 &&
                    publish(&x, &why) == 0)
                        assert_false(power_is_off(power));
        }
        over = !power_is_off(power);
        crash(&x, power, luck, &random);
        judge_cut_off(&x);
        go_on(&x);
        end(&x);
        power_free(power);
        return over;
}

static void killed(void **state)
{
        bool through = false;

        for (uint64_t at = 0; !through; at++)
                one_end(at, UINT64_MAX, POWER_ALL, &through);
}

static void power_failed(void **state)
{
        bool through = false;

        for (uint64_t at = 0; !through; at++) {
                one_end(at, UINT64_MAX, POWER_NOTHING, &through);
                one_end(at, UINT64_MAX, POWER_DICE, &through);
        }
}

/* What the killed one renamed and never synced must not be built upon. */
static void killed_then_power_failed(void **state)
{
        bool through = false;

        for (uint64_t at = 0; !through; at++) {
                uint64_t again = 0;

                while (!one_end(at, again, POWER_NOTHING, &through))
                        again += 11;
        }
}

/* ---- the way it should go ---- */

static void rotated(void **state)
{
        struct life x;

        begin(&x);
        MUST(rotate(&x, &err));
        check(&x);
        go_on(&x);
        end(&x);
}

/* Much is published at once when the change comes to it: the round ends there, and the next goes
 * on. */
static void in_the_middle_of_much(void **state)
{
        struct buf entry = BUF_INIT(ENTRY_MAX);
        struct note_vkey next;
        struct life x;

        begin(&x);
        MUST(keys_generate(x.f.private_fd, x.io, "log.next", SPAN(FIXTURE_ORIGIN), &err));
        MUST(vkey_of(&x, "log.next", &next, &err));
        put_entry(&entry, &next);
        MUST(commit(&x, buf_span(&entry), &err));
        for (int i = 0; i < 600; i++)
                MUST(append(&x, "{\"n\":3}", &err));
        stop(&x);
        MUST(start(&x, &err));
        MUST(publish(&x, &err));
        check(&x);
        go_on(&x);
        end(&x);
        buf_done(&entry);
}

/* A next key of another name would make a checkpoint nobody can open. */
static void of_a_foreign_name(void **state)
{
        struct err why = { 0 };
        struct life x;

        begin(&x);
        MUST(keys_generate(x.f.private_fd, x.io, "log.next", SPAN("other.example"), &err));
        assert_int_equal(publisher_await_rotation(x.p, &why), -EINVAL);
        assert_non_null(strstr(why.text, "other.example"));
        end(&x);
}

static void without_a_key(void **state)
{
        struct err why = { 0 };
        struct life x;

        begin(&x);
        assert_int_equal(publisher_await_rotation(x.p, &why), -ENOENT);
        end(&x);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rotated),
                cmocka_unit_test(in_the_middle_of_much),
                cmocka_unit_test(of_a_foreign_name),
                cmocka_unit_test(without_a_key),
                cmocka_unit_test(writes),
                cmocka_unit_test(syncs),
                cmocka_unit_test(renames),
                cmocka_unit_test(new_directories),
                cmocka_unit_test(killed),
                cmocka_unit_test(power_failed),
                cmocka_unit_test(killed_then_power_failed),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
