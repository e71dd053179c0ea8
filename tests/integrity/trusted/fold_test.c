/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/fold.h"

#include "../sample.h"
#include "base/clock.h"
#include "base/text.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/why.h"
#include "wire/json.h"
#include "wire/kind.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>

static const struct watch_profile homes = { .name = SPAN_INIT("homes"),
                                            .mode = WATCH_ALERT,
                                            .attributes = UINT32_MAX };
static const struct watch_profile web = { .name = SPAN_INIT("web"), .mode = WATCH_LOG };
static const struct why unexplained = { .state = WHY_UNEXPLAINED };

static struct who *author(int64_t uid, int64_t euid, int64_t auid)
{
        struct who *w = who_new(4711);

        assert_non_null(w);
        w->has |= WHO_HAS_UID;
        w->uid = (uint32_t)uid;
        w->euid = (uint32_t)euid;
        w->auid = (uint32_t)auid;
        w->has |= auid >= 0 ? WHO_HAS_AUID : 0u;
        buf_put_str(&w->exe, "/usr/bin/touch");
        return w;
}

static int64_t at(double second)
{
        return (int64_t)((1000 + second) * (double)NS_PER_S);
}

/* A new file of somebody; NULL: it is told as ever. */
static struct fold *count(struct folds *f, struct change *c, struct who *w,
                          const struct watch_profile *p, double second)
{
        static struct record is;
        struct fold *full, *x;

        is = sample_file(1, 2);
        is.mode = 0644;
        *c = (struct change){ .wall_ns = at(second),
                              .path = SPAN("/home/al/x"),
                              .profile = p,
                              .is = &is,
                              .seen = "live",
                              .who = w,
                              .why = &unexplained };
        x = folds_count(f, c, at(second), &full);
        assert_null(full);
        return x;
}

static struct folds *new_folds(void)
{
        struct folds *f = NULL;

        assert_int_equal(folds_new(&f, NULL), 0);
        return f;
}

static void test_whose(void **state)
{
        static const struct {
                const char *name;
                int64_t uid, euid, also, auid, earlier; /* -1: none */
                enum why_state why;
                int64_t want, as; /* whose, with whose rights; -1: told as ever */
        } table[] = {
                { "a user", 1000, 1000, -1, -1, -1, WHY_UNEXPLAINED, 1000, 1000 },
                { "what is expected", 1000, 1000, -1, -1, -1, WHY_VOLATILE, 1000, 1000 },
                { "a service's", 1000, 1000, -1, -1, -1, WHY_SERVICE, 1000, 1000 },
                { "with the same one", 1000, 1000, 1000, -1, -1, WHY_UNEXPLAINED, 1000, 1000 },
                { "a set-uid program", 1000, 0, -1, -1, -1, WHY_UNEXPLAINED, -1, -1 },
                { "just become root", 0, 0, -1, -1, 1000, WHY_UNEXPLAINED, -1, -1 },
                { "just left root", 1000, 1000, -1, -1, 0, WHY_UNEXPLAINED, -1, -1 },
                { "just another", 1000, 1000, -1, -1, 1000, WHY_UNEXPLAINED, 1000, 1000 },
                { "of a namespace", 100005, 100005, -1, 1000, -1, WHY_UNEXPLAINED, 1000, 1000 },
                { "two of one", 100005, 100005, 100006, 1000, -1, WHY_UNEXPLAINED, 1000, 1000 },
                { "without a login", 100005, 100005, -1, -1, -1, WHY_UNEXPLAINED, 100005, 100005 },
                { "another's login", 1001, 1001, -1, 1000, -1, WHY_UNEXPLAINED, 1001, 1001 },
                { "a program of another's", 1000, 1001, -1, -1, -1, WHY_UNEXPLAINED, 1000, 1001 },
                { "root", 0, 0, -1, -1, -1, WHY_UNEXPLAINED, -1, -1 },
                { "root by sudo", 0, 0, -1, 1000, -1, WHY_UNEXPLAINED, -1, -1 },
                { "root as somebody", 0, 1000, -1, -1, -1, WHY_UNEXPLAINED, -1, -1 },
                { "and root", 1000, 1000, 0, -1, -1, WHY_UNEXPLAINED, -1, -1 },
                { "and another", 1000, 1000, 1001, -1, -1, WHY_UNEXPLAINED, -1, -1 },
                { "nobody seen", -1, -1, -1, -1, -1, WHY_UNEXPLAINED, -1, -1 },
                { "an approved change", 1000, 1000, -1, -1, -1, WHY_CHANGE, -1, -1 },
                { "a package", 1000, 1000, -1, -1, -1, WHY_PACKAGE, -1, -1 },
                { "a commit", 1000, 1000, -1, -1, -1, WHY_SOURCE, -1, -1 },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct why why = { .state = table[i].why };
                struct who *w = NULL, *also[CHANGE_ALSO_MAX] = { NULL };
                struct record is = sample_file(1, 2);
                struct change c = { .profile = &homes, .is = &is, .also = also, .why = &why };
                struct fold_whose by = { .uid = 77 };

                if (table[i].uid >= 0)
                        w = author(table[i].uid, table[i].euid, table[i].auid);
                if (table[i].also >= 0)
                        also[0] = author(table[i].also, table[i].also, table[i].auid);
                if (table[i].earlier >= 0) {
                        w->n_earlier = 1;
                        w->earlier[0].has_uid = true;
                        w->earlier[0].uid = w->earlier[0].euid = (uint32_t)table[i].earlier;
                }
                c.who = w;
                if (fold_may(&c, &by) != (table[i].want >= 0))
                        fail_msg("%s", table[i].name);
                if (by.uid != (table[i].want >= 0 ? table[i].want : 77) ||
                    (table[i].want >= 0 && by.euid != table[i].as))
                        fail_msg("%s: %u", table[i].name, by.uid);
                who_unref(w);
                who_unref(also[0]);
        }
}

struct owned {
        uint32_t mode, uid, gid; /* mode 0: there is none */
        uint32_t nlink;          /* 0: one */
};

static const struct record *record_of(const struct owned *o, struct record *room)
{
        *room = sample_file(1, 2);
        room->mode = o->mode;
        room->uid = o->uid;
        room->gid = o->gid;
        room->nlink = o->nlink ? o->nlink : 1;
        return o->mode ? room : NULL;
}

/* User 1000, by owner and mode: what he may not do was done with more rights than his. */
static void test_reach(void **state)
{
        static const struct {
                const char *name;
                struct owned dir, was, is, from;
                bool other, want; /* other: another file than it was */
        } table[] = {
                { "his own",
                  { 0755, 0, 0, 0 },
                  { 0644, 1000, 0, 0 },
                  { 0644, 1000, 0, 0 },
                  { 0 },
                  false,
                  true },
                { "root's",
                  { 0777, 0, 0, 0 },
                  { 0600, 0, 0, 0 },
                  { 0600, 0, 0, 0 },
                  { 0 },
                  false,
                  false },
                { "everybody's",
                  { 0755, 0, 0, 0 },
                  { 0646, 0, 0, 0 },
                  { 0646, 0, 0, 0 },
                  { 0 },
                  false,
                  true },
                { "a group's",
                  { 0755, 0, 0, 0 },
                  { 0664, 0, 50, 0 },
                  { 0664, 0, 50, 0 },
                  { 0 },
                  false,
                  true },
                { "root's group's",
                  { 0755, 0, 0, 0 },
                  { 0664, 0, 0, 0 },
                  { 0664, 0, 0, 0 },
                  { 0 },
                  false,
                  false },
                { "everybody's, its mode",
                  { 0777, 0, 0, 0 },
                  { 0646, 0, 0, 0 },
                  { 0666, 0, 0, 0 },
                  { 0 },
                  false,
                  false },
                { "given away",
                  { 0777, 0, 0, 0 },
                  { 0644, 1000, 0, 0 },
                  { 0644, 7, 0, 0 },
                  { 0 },
                  false,
                  false },
                { "replaced",
                  { 0777, 0, 0, 0 },
                  { 0600, 0, 0, 0 },
                  { 0600, 1000, 0, 0 },
                  { 0 },
                  true,
                  true },
                { "replaced in a sticky one",
                  { 01777, 0, 0, 0 },
                  { 0600, 0, 0, 0 },
                  { 0600, 1000, 0, 0 },
                  { 0 },
                  true,
                  false },
                { "replaced by root's",
                  { 0777, 0, 0, 0 },
                  { 0600, 1000, 0, 0 },
                  { 0600, 0, 0, 0 },
                  { 0 },
                  true,
                  false },
                { "new", { 0777, 0, 0, 0 }, { 0 }, { 0644, 1000, 0, 0 }, { 0 }, false, true },
                { "new, root's", { 0777, 0, 0, 0 }, { 0 }, { 0644, 0, 0, 0 }, { 0 }, false, false },
                { "new where he may not",
                  { 0755, 0, 0, 0 },
                  { 0 },
                  { 0644, 1000, 0, 0 },
                  { 0 },
                  false,
                  false },
                { "another name", { 0777, 0, 0, 0 }, { 0 }, { 0666, 0, 0, 2 }, { 0 }, false, true },
                { "gone", { 0777, 0, 0, 0 }, { 0600, 0, 0, 0 }, { 0 }, { 0 }, false, true },
                { "gone from a sticky one",
                  { 01777, 0, 0, 0 },
                  { 0600, 0, 0, 0 },
                  { 0 },
                  { 0 },
                  false,
                  false },
                { "gone from where he may not",
                  { 0755, 0, 0, 0 },
                  { 0666, 1000, 0, 0 },
                  { 0 },
                  { 0 },
                  false,
                  false },
                { "gone with all above", { 0 }, { 0600, 0, 0, 0 }, { 0 }, { 0 }, false, false },
                { "his, gone with all above",
                  { 0 },
                  { 0600, 1000, 0, 0 },
                  { 0 },
                  { 0 },
                  false,
                  true },
                { "never read", { 0777, 0, 0, 0 }, { 0 }, { 0 }, { 0 }, false, true },
                { "never read, where he may not",
                  { 0755, 0, 0, 0 },
                  { 0 },
                  { 0 },
                  { 0 },
                  false,
                  false },
                { "of a namespace",
                  { 0755, 100000, 0, 0 },
                  { 0600, 100005, 0, 0 },
                  { 0600, 100006, 0, 0 },
                  { 0 },
                  false,
                  true },
                { "renamed",
                  { 0777, 0, 0, 0 },
                  { 0 },
                  { 0600, 0, 0, 0 },
                  { 0777, 0, 0, 0 },
                  false,
                  true },
                { "out of where he may not",
                  { 0777, 0, 0, 0 },
                  { 0 },
                  { 0600, 0, 0, 0 },
                  { 0755, 0, 0, 0 },
                  false,
                  false },
                { "to where he may not",
                  { 0755, 0, 0, 0 },
                  { 0 },
                  { 0600, 1000, 0, 0 },
                  { 0777, 0, 0, 0 },
                  false,
                  false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct record dir, was, is, from;
                struct who *w = author(1000, 1000, -1);
                struct change c = { .who = w,
                                    .path = SPAN("/a/b"),
                                    .from = table[i].from.mode ? SPAN("/c/b") : SPAN_NONE,
                                    .was = record_of(&table[i].was, &was),
                                    .is = record_of(&table[i].is, &is) };

                is.ino += table[i].other;
                if (fold_in_reach(&c, record_of(&table[i].dir, &dir),
                                  record_of(&table[i].from, &from)) != table[i].want)
                        fail_msg("%s", table[i].name);
                who_unref(w);
        }
}

/* Only what is above the rate, only of this user, in this profile, of this sort; and only while it
 * lasts. */
static void test_rate(void **state)
{
        CLEANUP(folds_freep) struct folds *f = new_folds();
        struct who *w = author(1000, 1000, -1), *other = author(1001, 1001, -1);
        struct record was = sample_file(1, 3);
        struct fold *x, *full;
        struct change c;

        (void)state;
        for (int i = 0; i < FOLD_BURST; i++)
                assert_null(count(f, &c, w, &homes, i * 0.01));
        x = count(f, &c, w, &homes, 3);
        assert_non_null(x);
        assert_true(fold_is_news(x, &c));
        assert_false(fold_is_news(x, &c));
        assert_int_equal(fold_put(x, &c, SPAN_NONE, at(3)), 0);
        assert_null(count(f, &c, other, &homes, 3));
        assert_null(count(f, &c, w, &web, 3));
        c.was = &was; /* it was there */
        c.profile = &homes;
        assert_null(folds_count(f, &c, at(3), &full));
        assert_null(folds_due(f, at(12.9), false));
        assert_ptr_equal(folds_due(f, at(13), false), x);
        fold_told(x);
        assert_null(folds_due(f, at(13), true));
        assert_int_equal(folds_folding(f), 1);
        /* As many as may be, in the window after it: all of them are folded, and then it is over.
         */
        for (int i = 0; i < FOLD_BURST; i++)
                assert_ptr_equal(count(f, &c, w, &homes, 13.5), x);
        assert_null(count(f, &c, w, &homes, 23.5));
        assert_int_equal(folds_folding(f), 0);
        assert_int_equal(folds_count_all(f), 1 + FOLD_BURST);
        /* Quiet for a whole window ends it as well. */
        for (int i = 0; i < FOLD_BURST; i++)
                (void)count(f, &c, w, &homes, 24);
        assert_ptr_equal(count(f, &c, w, &homes, 24), x);
        assert_null(count(f, &c, w, &homes, 60));
        who_unref(w);
        who_unref(other);
}

/* Just below the rate for an hour. */
static void test_long(void **state)
{
        CLEANUP(folds_freep) struct folds *f = new_folds();
        struct who *w = author(1000, 1000, -1);
        unsigned told = 0;
        struct change c;

        (void)state;
        for (int i = 0; i < FOLD_LONG_S; i++)
                for (int k = 0; k < 10; k++)
                        told += !count(f, &c, w, &homes, i + k * 0.01);
        assert_int_equal(told, FOLD_LONG);
        assert_null(count(f, &c, w, &homes, FOLD_LONG_S + 20));
        who_unref(w);
}

static void test_sorts(void **state)
{
        struct record plain = sample_file(1, 2), setuid = plain, dir = sample_dir(3);
        const struct {
                const char *name;
                const struct record *was, *is;
                enum fold_sort want;
        } table[] = {
                { "created", NULL, &plain, FOLD_NEW },
                { "a directory", NULL, &dir, FOLD_NEW },
                { "gone before it was read", NULL, NULL, FOLD_NEW },
                { "modified", &plain, &plain, FOLD_CHANGED },
                { "deleted", &plain, NULL, FOLD_GONE },
                { "created with rights", NULL, &setuid, FOLD_RIGHTS },
                { "rights gained", &plain, &setuid, FOLD_RIGHTS },
                { "rights it had", &setuid, &setuid, FOLD_CHANGED },
                { "rights lost", &setuid, &plain, FOLD_CHANGED },
        };

        (void)state;
        setuid.mode = 04755;
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct change c = { .was = table[i].was, .is = table[i].is };

                if (fold_sort_of(&c) != table[i].want)
                        fail_msg("%s", table[i].name);
        }
}

static struct fold *fill(struct folds *f, struct who *w, struct change *c)
{
        struct fold *x = NULL;

        for (int i = 0; i <= FOLD_BURST; i++)
                x = count(f, c, w, &homes, 1);
        assert_non_null(x);
        return x;
}

/* What an auditor needs: whose, how many, of what, and the digest of paths that he can make anew.
 */
static void test_entry(void **state)
{
        static const char *const paths[] = { "/home/al/b", "/home/al/a", "/home/al/b", "/home/al" };
        static const char sorted[] = "/home/al\0/home/al/a\0/home/al/b\0/home/al/old\0";
        static const struct {
                const char *key, *want;
        } table[] = {
                { "k", "integrity.folded" },
                { "what.count", "5" },
                { "what.paths", "4" },
                { "what.uid", "1000" },
                { "what.profile", "homes" },
                { "what.mode", "alert" },
                { "what.sort", "new" },
                { "what.kept", "true" },
                { "what.changes", "[[\"created\",4],[\"renamed\",1]]" },
                { "what.differs", "[[\"size\",1]]" },
                { "what.states", "[[\"unexplained\",5]]" },
                { "what.programs", "[\"/usr/bin/touch\"]" },
                { "what.named", "[\"/home/al\",\"/home/al/a\",\"/home/al/b\",\"/home/al/old\"]" },
                { "what.first", "1970-01-01T00:16:41.000000000Z" },
                { "what.last", "1970-01-01T00:16:45.000000000Z" },
                { "who.uid", "1000" },
        };
        CLEANUP(folds_freep) struct folds *f = new_folds();
        CLEANUP(buf_done) struct buf out = BUF_INIT(CHANGE_TEXT_MAX);
        struct who *w = author(1000, 1000, -1);
        struct record larger = sample_file(1, 2);
        struct fold_facts facts;
        struct change c;
        struct fold *x = fill(f, w, &c);
        uint8_t sha[32];
        char hex[65];
        struct err err = { 0 };
        struct json_value v;

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
                c.path = span_str(paths[i]);
                c.wall_ns = at(1 + (double)i);
                assert_int_equal(fold_put(x, &c, SPAN_NONE, at(1)), 0);
        }
        larger.size++;
        c.was = c.is;
        c.is = &larger;
        c.path = SPAN("/home/al/a");
        c.from = SPAN("/home/al/old");
        c.wall_ns = at(5);
        assert_int_equal(fold_put(x, &c, SPAN("operations"), at(1)), 0);
        who_unref(w);
        assert_int_equal(fold_close(x, &facts), 0);
        assert_true(span_eq(facts.list, span_of(sorted, sizeof sorted - 1)));
        assert_true(span_eq_str(facts.moves, "operations"));
        SHA256((const uint8_t *)sorted, sizeof sorted - 1, sha);
        assert_memory_equal(facts.digest, sha, 32);
        fold_write(x, &facts, at(20), true, false, &out);
        if (json_check(buf_span(&out), &err) < 0 ||
            kind_check(buf_span(&out), "sensor", NULL, 0, &err) < 0)
                fail_msg("%s: %s", err.text, buf_cstr(&out));
        for (size_t i = 0; i < ARRAY_LEN(table); i++) {
                struct span got;

                if (!json_get_path(json_value_of(buf_span(&out)), table[i].key, &v))
                        fail_msg("%s is missing", table[i].key);
                if (!json_value_plain(v, &got))
                        got = v.raw;
                if (!span_eq_str(got, table[i].want))
                        fail_msg("%s: %.*s", table[i].key, (int)got.n, (const char *)got.p);
        }
        text_hex(span_of(sha, 32), hex);
        assert_true(json_get_path(json_value_of(buf_span(&out)), "what.digest", &v));
        assert_memory_equal(v.raw.p + 1, hex, 64);
        buf_clear(&out);
        fold_write(x, &facts, at(20), false, true, &out);
        if (json_check(buf_span(&out), &err) < 0 ||
            kind_check(buf_span(&out), "sensor", NULL, 0, &err) < 0)
                fail_msg("%s: %s", err.text, buf_cstr(&out));
        assert_false(json_get_path(json_value_of(buf_span(&out)), "what.named", &v));
        fold_told(x);
        assert_false(folds_any(f));
}

/* A list that is full is told before more is put there; a path of any length finds room. */
static void test_room(void **state)
{
        CLEANUP(folds_freep) struct folds *f = new_folds();
        struct who *w = author(1000, 1000, -1);
        char *path = malloc(FOLD_LIST_MAX + 1);
        struct fold_facts facts;
        struct change c;
        struct fold *x = fill(f, w, &c);
        size_t n = 0;

        (void)state;
        assert_non_null(path);
        memset(path, 'x', FOLD_LIST_MAX);
        path[0] = '/';
        path[FOLD_LIST_MAX] = '\0';
        c.path = span_of(path, FOLD_LIST_MAX);
        assert_true(fold_has_room(x, &c, SPAN_NONE));
        assert_int_equal(fold_put(x, &c, SPAN_NONE, at(1)), 0);
        c.path = SPAN("/more");
        assert_false(fold_has_room(x, &c, SPAN_NONE));
        assert_int_equal(fold_close(x, &facts), 0);
        assert_int_equal(facts.list.n, FOLD_LIST_MAX + 1);
        fold_told(x);
        for (; fold_has_room(x, &c, SPAN_NONE); n++)
                assert_int_equal(fold_put(x, &c, SPAN_NONE, at(1)), 0);
        assert_int_equal(n, FOLD_LIST_MAX / 6);
        assert_int_equal(fold_close(x, &facts), 0);
        assert_int_equal(facts.paths, 1);
        free(path);
        who_unref(w);
}

/* More users than are counted: the quietest is told and makes room; who is not counted is told. */
static void test_many_users(void **state)
{
        CLEANUP(folds_freep) struct folds *f = new_folds();
        struct fold *full, *x = NULL, *first = NULL;
        struct who *w;
        struct change c;

        (void)state;
        for (uint32_t uid = 1; uid <= FOLDS_MAX; uid++) {
                w = author(uid, uid, -1);
                for (int i = 0; i <= FOLD_BURST; i++)
                        x = count(f, &c, w, &homes, uid);
                assert_non_null(x);
                first = first ? first : x;
                assert_int_equal(fold_put(x, &c, SPAN_NONE, at(uid)), 0);
                who_unref(w);
        }
        w = author(9999, 9999, -1);
        c.who = w;
        assert_null(folds_count(f, &c, at(70), &full));
        assert_ptr_equal(full, first);
        fold_told(full);
        assert_null(folds_count(f, &c, at(70), &full));
        assert_null(full);
        assert_int_equal(folds_folding(f), FOLDS_MAX - 1);
        who_unref(w);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_whose),      cmocka_unit_test(test_rate),
                cmocka_unit_test(test_long),       cmocka_unit_test(test_sorts),
                cmocka_unit_test(test_entry),      cmocka_unit_test(test_room),
                cmocka_unit_test(test_many_users), cmocka_unit_test(test_reach),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
