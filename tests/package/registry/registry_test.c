/* SPDX-License-Identifier: Apache-2.0 */
/* Acts in a registry on a disk that fails, with a ledger that is away, and what is settled then:
 * what is in the ledger is in place, and what is not has not happened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../alloc_fail.h"
#include "../../ledger/faulty.h"
#include "registry_fixture.h"

/* ---- what counts ---- */

static void put_live(const struct registry *r, struct buf *out)
{
        struct registry_live *l = malloc(sizeof *l);
        struct err err = { 0 };

        assert_non_null(l);
        if (registry_live(r, l, &err) < 0)
                fail_msg("live: %s", err_text(&err));
        buf_printf(out, "%u:", (unsigned)l->generation);
        for (uint32_t i = 0; i < l->n; i++)
                buf_printf(out, " %.*s=%.*s", (int)l->api[i].name.n, (const char *)l->api[i].name.p,
                           (int)l->api[i].version.n, (const char *)l->api[i].version.p);
        registry_live_done(l);
        free(l);
}

static int put_version(void *ctx, const struct registry_record *r, struct err *err)
{
        (void)err;
        buf_printf(ctx, " %s", r->version);
        return 0;
}

/* "2: accounts=1.1; pushed 1.1; tip 3434; 1 approval; deployments 2" */
static void put_state(const struct registry *r, struct buf *out)
{
        struct registry_record *d = malloc(sizeof *d);
        struct registry_tip tips[REGISTRY_KNOWN_MAX];
        uint8_t hash[PACKAGE_HASH], *p = NULL;
        unsigned approvals = 0, deployments = 0;
        size_t n;

        assert_non_null(d);
        buf_clear(out);
        put_live(r, out);
        buf_put_str(out, "; pushed");
        assert_int_equal(registry_versions(r, put_version, out, NULL), 0);
        assert_int_equal(registry_tips(r, "services", tips, &n, NULL), 0);
        buf_printf(out, "; tip %.4s", n ? tips[0].tip : "");
        make_hash("1", hash);
        while (registry_approval(r, hash, approvals + 1, &p, &n, NULL) == 0) {
                free(p);
                approvals++;
        }
        while (registry_deployment(r, deployments + 1, d, NULL) == 0)
                deployments++;
        buf_printf(out, "; %u approvals; %u deployments", approvals, deployments);
        free(d);
        assert_int_equal(buf_status(out), 0);
}

static struct registry_record *an_approval(void)
{
        struct registry_record *r = a_push("1");

        r->kind = REGISTRY_APPROVED;
        snprintf(r->change, sizeof r->change, "CHG-1");
        snprintf(r->key, sizeof r->key, "00000002");
        snprintf(r->approver, sizeof r->approver, "anna");
        snprintf(r->note, sizeof r->note, "a note\n");
        r->until_ns = 7;
        return r;
}

/* ---- acts, one after the other ---- */

static struct registry_record *push_1(void)
{
        return a_push("1");
}
static struct registry_record *deploy_1(void)
{
        return a_deployment(1, "1");
}
static struct registry_record *push_2(void)
{
        struct registry_record *r = a_push("2");

        memset(r->tips[0].tip, '5', COMMIT_ID_MAX);
        return r;
}
static struct registry_record *deploy_2(void)
{
        return a_deployment(2, "2");
}
static struct registry_record *back_to_1(void)
{
        return a_rollback(3, "1", 1);
}
static struct registry_record *withdraw(void)
{
        return a_withdrawal(4);
}

static const struct {
        struct registry_record *(*make)(void);
        const char *after;
} days[] = {
        { push_1, "0:; pushed 1; tip 3434; 0 approvals; 0 deployments" },
        { an_approval, "0:; pushed 1; tip 3434; 1 approvals; 0 deployments" },
        { deploy_1, "1: accounts=1; pushed 1; tip 3434; 1 approvals; 1 deployments" },
        { push_2, "1: accounts=1; pushed 1 2; tip 5555; 1 approvals; 1 deployments" },
        { deploy_2, "2: accounts=2; pushed 1 2; tip 5555; 1 approvals; 2 deployments" },
        { back_to_1, "3: accounts=1; pushed 1 2; tip 5555; 1 approvals; 3 deployments" },
        { withdraw, "4:; pushed 1 2; tip 5555; 1 approvals; 4 deployments" },
};

#define BEFORE "0:; pushed; tip ; 0 approvals; 0 deployments"

/* Names come in the order of the directory. */
static const char *in_order(struct buf *state)
{
        char *two = strstr((char *)state->p, "pushed 2 1");

        if (two)
                memcpy(two, "pushed 1 2", strlen("pushed 1 2"));
        return buf_cstr(state);
}

static void check(const struct registry *r, const char *want)
{
        CLEANUP(buf_done) struct buf state = BUF_INIT(1 << 16);

        put_state(r, &state);
        assert_string_equal(in_order(&state), want);
}

/* All days before this one. */
static void live_until(struct place *p, size_t day)
{
        place_new(p);
        for (size_t i = 0; i < day; i++)
                act(p, days[i].make());
}

static const char *before(size_t day)
{
        return day ? days[day - 1].after : BEFORE;
}

static void days_go_by(void **state)
{
        struct place p;

        (void)state;
        place_new(&p);
        check(&p.r, BEFORE);
        for (size_t i = 0; i < ARRAY_LEN(days); i++) {
                act(&p, days[i].make());
                check(&p.r, days[i].after);
                assert_int_equal(p.log.n, i + 1);
                assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), -1);
        }
        place_done(&p);
}

/* ---- a disk that fails ---- */

/* Settles with a good disk: the day has happened if the ledger has it, and else has not. */
static void settle_and_check(struct place *p, size_t day, const char *what)
{
        enum registry_settled settled;
        struct err err = { 0 };
        bool happened = p->log.n > day;

        registry_close(&p->r);
        place_open(p, &io_kernel);
        if (registry_settle(&p->r, &p->ledger, &settled, NULL, &err) < 0)
                fail_msg("%s: %s", what, err_text(&err));
        assert_int_equal(faccessat(p->r.fd, "pending", F_OK, 0), -1);
        check(&p->r, happened ? days[day].after : before(day));
        if (happened)
                return;
        act(p, days[day].make()); /* and it can be done again */
        check(&p->r, days[day].after);
}

/* One failing call; false: there is no such call. */
static bool fail_once(size_t day, enum faulty_kind kind, unsigned at, bool dead)
{
        struct registry_record *record;
        struct err err = { 0 };
        struct faulty disk;
        char what[64];
        struct place p;
        int rc;

        live_until(&p, day);
        faulty_init(&disk);
        registry_close(&p.r);
        place_open(&p, &disk.io);
        disk.kind = kind;
        disk.at = disk.count[kind] + at;
        disk.error = -ENOSPC;
        disk.half = disk.dead = dead;
        record = days[day].make();
        rc = registry_act(&p.r, &p.ledger, record, &err);
        free(record);
        p.r.io = &io_kernel;
        snprintf(what, sizeof what, "day %zu, %s %u", day, faulty_name(kind), at);
        if (disk.struck && rc == 0) /* what it can do without */
                assert_true(p.log.n == day + 1);
        if (rc < 0 && err.text[0] == '\0')
                fail_msg("%s: no word of it", what);
        if (rc == 0)
                check(&p.r, days[day].after);
        settle_and_check(&p, day, what);
        place_done(&p);
        return disk.struck;
}

static void a_failing_disk(void **state)
{
        unsigned struck = 0;

        (void)state;
        for (size_t day = 0; day < ARRAY_LEN(days); day++)
                for (enum faulty_kind k = FAULTY_OPEN; k < FAULTY_KINDS; k++)
                        for (unsigned dead = 0; dead < 2; dead++)
                                for (unsigned at = 1; fail_once(day, k, at, dead); at++)
                                        struck++;
        assert_true(struck > 150);
}

/* The settling itself is interrupted, and done again. */
static void settling_is_interrupted(void **state)
{
        (void)state;
        for (size_t day = 0; day < ARRAY_LEN(days); day++) {
                for (unsigned at = 1;; at++) {
                        enum registry_settled settled;
                        struct registry_record *record = days[day].make();
                        struct err err = { 0 };
                        struct faulty disk;
                        struct place p;

                        live_until(&p, day);
                        p.log.unheard = p.log.forgetful = true;
                        assert_true(registry_act(&p.r, &p.ledger, record, &err) < 0);
                        free(record);
                        assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), 0);
                        p.log.unheard = p.log.forgetful = false;
                        faulty_init(&disk);
                        registry_close(&p.r);
                        place_open(&p, &disk.io);
                        disk.kind = FAULTY_FSYNC;
                        disk.at = disk.count[FAULTY_FSYNC] + at;
                        disk.error = -EIO;
                        disk.dead = true;
                        if (registry_settle(&p.r, &p.ledger, &settled, NULL, &err) == 0)
                                assert_false(disk.struck);
                        settle_and_check(&p, day, "settling");
                        assert_int_equal(p.log.n, day + 1);
                        place_done(&p);
                        if (!disk.struck)
                                break;
                }
        }
}

/* ---- a ledger that is away ---- */

static void without_a_ledger_nothing_happens(void **state)
{
        (void)state;
        for (size_t day = 0; day < ARRAY_LEN(days); day++) {
                struct registry_record *record = days[day].make();
                struct err err = { 0 };
                struct place p;

                live_until(&p, day);
                p.log.away = true;
                assert_int_equal(registry_act(&p.r, &p.ledger, record, &err), -ECONNREFUSED);
                check(&p.r, before(day));
                assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), -1);
                p.log.away = false;
                p.log.deaf = true;
                assert_int_equal(registry_act(&p.r, &p.ledger, record, &err), -ENOSPC);
                check(&p.r, before(day));
                assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), -1);
                p.log.deaf = false;
                p.log.unheard = true; /* the answer is lost, and then it is found in the ledger */
                assert_int_equal(registry_act(&p.r, &p.ledger, record, &err), 0);
                check(&p.r, days[day].after);
                free(record);
                place_done(&p);
        }
}

static void what_cannot_be_told_stays(void **state)
{
        struct registry_record *record = a_push("1"), *pending = malloc(sizeof *pending);
        enum registry_settled settled;
        struct err err = { 0 };
        struct place p;

        (void)state;
        place_new(&p);
        p.log.deaf = p.log.forgetful = true;
        assert_int_equal(registry_act(&p.r, &p.ledger, record, &err), -ENOSPC);
        assert_non_null(strstr(err_text(&err), "cannot be told now"));
        assert_int_equal(registry_pending(&p.r, pending, &err), 0);
        assert_string_equal(pending->version, "1");
        assert_int_equal(registry_settle(&p.r, &p.ledger, &settled, NULL, &err), -ECONNREFUSED);
        assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), 0);
        p.log.forgetful = false;
        assert_int_equal(registry_settle(&p.r, &p.ledger, &settled, pending, &err), 0);
        assert_int_equal(settled, REGISTRY_FORGOTTEN);
        assert_string_equal(pending->version, "1");
        check(&p.r, BEFORE);
        assert_int_equal(registry_settle(&p.r, &p.ledger, &settled, pending, &err), 0);
        assert_int_equal(settled, REGISTRY_NOTHING);
        free(pending);
        free(record);
        place_done(&p);
}

/* An older entry that says the same is not this one's. */
static void an_old_entry_is_another(void **state)
{
        struct registry_record *record;
        enum registry_settled settled;
        struct err err = { 0 };
        struct place p;

        (void)state;
        place_new(&p);
        act(&p, an_approval());
        fixture_remove(p.r.fd, "approvals");
        record = an_approval();
        p.log.deaf = p.log.forgetful = true;
        assert_true(registry_act(&p.r, &p.ledger, record, &err) < 0);
        p.log.forgetful = false;
        assert_int_equal(registry_settle(&p.r, &p.ledger, &settled, NULL, &err), 0);
        assert_int_equal(settled, REGISTRY_FORGOTTEN);
        check(&p.r, BEFORE);
        free(record);
        place_done(&p);
}

/* ---- what is there is looked at ---- */

static void write_file(struct place *p, const char *dir, const char *path, const char *text)
{
        int fd;

        assert_int_equal(io_make_dirs(&io_kernel, p->r.fd, dir, 0755, NULL), 0);
        fd = openat(p->r.fd, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        close(fd);
}

static void damage_is_said(void **state)
{
        struct registry_record *d = malloc(sizeof *d);
        CLEANUP(buf_done) struct buf names = BUF_INIT(99);
        struct registry_tip tips[REGISTRY_KNOWN_MAX];
        enum registry_settled settled;
        struct err err = { 0 };
        struct place p;
        size_t n;

        (void)state;
        live_until(&p, 3);
        write_file(&p, "names/accounts", "names/accounts/9", "{}\n");
        assert_int_equal(registry_version(&p.r, "accounts", "9", d, &err), -EBADMSG);
        assert_non_null(strstr(err_text(&err), "names/accounts/9"));
        assert_int_equal(registry_versions(&p.r, put_version, &names, &err), -EBADMSG);
        assert_int_equal(registry_version(&p.r, "accounts", "../../pending", d, &err), -ENOENT);
        assert_int_equal(registry_version(&p.r, "../x", "1", d, &err), -ENOENT);
        assert_int_equal(registry_version(&p.r, "accounts", "8", d, &err), -ENOENT);
        /* another's record */
        assert_int_equal(linkat(p.r.fd, "names/accounts/1", p.r.fd, "names/accounts/7", 0), 0);
        assert_int_equal(registry_version(&p.r, "accounts", "7", d, &err), -EBADMSG);
        assert_int_equal(linkat(p.r.fd, "deployments/1", p.r.fd, "deployments/2", 0), 0);
        assert_int_equal(registry_deployment(&p.r, 2, d, &err), -EBADMSG);
        for (size_t i = 0; i < 5; i++) {
                static const char *const bad[] = { "", "{}\n", "{\"tips\":[[\"a\"]]}\n",
                                                   "{\"tips\":[[\"a\",\"b\"]]}\n",
                                                   "{\"tips\":1}\n" };

                write_file(&p, "refs", "refs/services", bad[i]);
                assert_int_equal(registry_tips(&p.r, "services", tips, &n, &err), -EBADMSG);
        }
        assert_int_equal(registry_tips(&p.r, "../x", tips, &n, &err), -EINVAL);
        write_file(&p, ".", "pending", "{\"half\":");
        assert_int_equal(registry_settle(&p.r, &p.ledger, &settled, NULL, &err), -EBADMSG);
        assert_non_null(strstr(err_text(&err), "pending"));
        free(d);
        place_done(&p);
}

static void others_may_not_write(void **state)
{
        struct registry r = REGISTRY_INIT;
        struct err err = { 0 };
        struct place p;

        (void)state;
        place_new(&p);
        assert_int_equal(chmod(p.path, 0775), 0);
        assert_int_equal(registry_open(p.path, &io_kernel, &r, &err), -EACCES);
        assert_int_equal(chmod(p.path, 0757), 0);
        assert_int_equal(registry_open(p.path, &io_kernel, &r, &err), -EACCES);
        assert_int_equal(chmod(p.path, 0755), 0);
        assert_int_equal(registry_open(p.path, &io_kernel, &r, &err), 0);
        assert_int_equal(registry_lock(&r, &err), -EBUSY); /* place_new() has it */
        assert_non_null(strstr(err_text(&err), "somebody else"));
        registry_close(&p.r);
        assert_int_equal(registry_lock(&r, &err), 0);
        registry_close(&r);
        assert_int_equal(registry_open("/dev/shm/registry-none", &io_kernel, &r, &err), -ENOENT);
        place_done(&p);
}

/* A branch that is gone, or not protected now, is remembered. */
static void tips_are_kept(void **state)
{
        struct registry_tip tips[REGISTRY_KNOWN_MAX];
        struct registry_record *r = a_push("1");
        struct place p;
        size_t n;

        (void)state;
        place_new(&p);
        r->n_tips = 2;
        r->tips[1] = (struct registry_tip){ "refs/heads/old",
                                            "5656565656565656565656565656565656565656", false };
        act(&p, r);
        r = a_push("2");
        r->n_tips = 2;
        r->tips[0].tip[0] = '7';
        r->tips[1] = (struct registry_tip){ .ref = "refs/heads/old" }; /* gone */
        act(&p, r);
        assert_int_equal(registry_tips(&p.r, "services", tips, &n, NULL), 0);
        assert_int_equal(n, 2);
        assert_string_equal(tips[0].ref, "refs/heads/main");
        assert_int_equal(tips[0].tip[0], '7');
        assert_string_equal(tips[1].ref, "refs/heads/old");
        assert_int_equal(tips[1].tip[0], '5');
        for (unsigned i = 0; i < 100; i++) {
                r = a_push("3");
                snprintf(r->tips[0].ref, sizeof r->tips[0].ref, "refs/heads/%u", i);
                act(&p, r);
        }
        assert_int_equal(registry_tips(&p.r, "services", tips, &n, NULL), 0);
        assert_int_equal(n, REGISTRY_KNOWN_MAX);
        assert_string_equal(tips[0].ref, "refs/heads/99");
        place_done(&p);
}

/* What could never be put in place has no entry. */
static void what_has_no_room_is_not_begun(void **state)
{
        struct registry_record *r = an_approval();
        struct err err = { 0 };
        struct place p;
        int rc = 0;

        (void)state;
        place_new(&p);
        for (unsigned i = 0; rc == 0 && i < 1000; i++) {
                snprintf(r->note, sizeof r->note, "note %u\n", i);
                rc = registry_act(&p.r, &p.ledger, r, &err);
                assert_int_equal(p.log.n, rc == 0 ? i + 1 : i);
        }
        assert_int_equal(rc, -E2BIG);
        assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), -1);
        snprintf(r->note, sizeof r->note, "note 0\n"); /* it is there */
        assert_int_equal(registry_act(&p.r, &p.ledger, r, &err), 0);
        free(r);
        place_forget(&p);
        for (unsigned i = 1; i <= LIVE_APIS_MAX; i++) {
                r = a_deployment(i, "1");
                snprintf(r->api, sizeof r->api, "api-%u", i);
                act(&p, r);
                place_forget(&p);
        }
        r = a_deployment(LIVE_APIS_MAX + 1, "1");
        assert_int_equal(registry_act(&p.r, &p.ledger, r, &err), -E2BIG);
        r->generation = 7; /* it has been */
        assert_int_equal(registry_act(&p.r, &p.ledger, r, &err), -EBADMSG);
        assert_int_equal(p.log.n, 0);
        assert_int_equal(faccessat(p.r.fd, "pending", F_OK, 0), -1);
        free(r);
        place_done(&p);
}

static void packages_are_kept(void **state)
{
        struct package_file f = { .api = SPAN("accounts"), .version = SPAN("1"), .n_sources = 0 };
        CLEANUP(buf_done) struct buf body = BUF_INIT(1 << 16);
        struct arena arena = ARENA_INIT(1 << 20);
        struct package_file read, again;
        struct err err = { 0 };
        uint8_t *p1 = NULL;
        struct place p;
        char path[128];

        (void)state;
        for (int i = 0; i < PACKAGE_SECTIONS; i++)
                f.section[i] = SPAN("x");
        assert_int_equal(package_file_put(&body, &f, NULL), 0);
        assert_int_equal(package_file_read(buf_span(&body), &arena, &read, NULL), 0);
        place_new(&p);
        assert_int_equal(registry_package(&p.r, read.sha256, &p1, &arena, &again, &err), -ENOENT);
        for (int i = 0; i < 2; i++)
                assert_int_equal(registry_put_package(&p.r, &read, buf_span(&body), &err), 0);
        assert_int_equal(registry_package(&p.r, read.sha256, &p1, &arena, &again, &err), 0);
        assert_true(span_eq(again.body, read.body));
        free(p1);
        /* one that was damaged is not believed, and can be put there again */
        snprintf(path, sizeof path, "packages/%02x", read.sha256[0]);
        {
                char hex[2 * PACKAGE_HASH + 1];

                for (int i = 0; i < PACKAGE_HASH; i++)
                        snprintf(hex + 2 * i, 3, "%02x", read.sha256[i]);
                snprintf(path, sizeof path, "packages/%s.assay", hex);
        }
        assert_int_equal(unlinkat(p.r.fd, path, 0), 0);
        write_file(&p, "packages", path, "assay package 1\nxxxx");
        assert_int_equal(registry_package(&p.r, read.sha256, &p1, &arena, &again, &err), -EBADMSG);
        assert_int_equal(registry_put_package(&p.r, &read, buf_span(&body), &err), 0);
        assert_int_equal(registry_package(&p.r, read.sha256, &p1, &arena, &again, &err), 0);
        free(p1);
        arena_done(&arena);
        place_done(&p);
}

static void out_of_memory(void **state)
{
        for (size_t day = 0; day < ARRAY_LEN(days); day++) {
                int rc = -ENOMEM;

                (void)state;
                for (size_t nth = 1; rc; nth++) {
                        struct registry_record *record = days[day].make();
                        struct err err = { 0 };
                        struct place p;

                        live_until(&p, day);
                        alloc_fail_nth = nth;
                        rc = registry_act(&p.r, &p.ledger, record, &err);
                        alloc_fail_nth = 0;
                        assert_true(rc == 0 || rc == -ENOMEM);
                        settle_and_check(&p, day, "memory");
                        free(record);
                        place_done(&p);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(days_go_by),
                cmocka_unit_test(a_failing_disk),
                cmocka_unit_test(settling_is_interrupted),
                cmocka_unit_test(without_a_ledger_nothing_happens),
                cmocka_unit_test(what_cannot_be_told_stays),
                cmocka_unit_test(an_old_entry_is_another),
                cmocka_unit_test(damage_is_said),
                cmocka_unit_test(others_may_not_write),
                cmocka_unit_test(tips_are_kept),
                cmocka_unit_test(what_has_no_room_is_not_begun),
                cmocka_unit_test(packages_are_kept),
                cmocka_unit_test(out_of_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
