/* SPDX-License-Identifier: Apache-2.0 */
/* What an entry says of a change is all that a later explanation looks at; and which alerts of
 * before are known again. */
#include "integrity/why/late_past.h"

#include "../alloc_fail.h"
#include "../sample.h"
#include "base/clock.h"
#include "integrity/trusted/change.h"
#include "integrity/watching/dirty.h"
#include "integrity/why/alert.h"
#include "integrity/why/late.h"
#include "integrity/why/why.h"
#include "wire/entry.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW_S = 1795374000 };

/* ---- what is told, and heard again ---- */

/* The entry that the ledger has of a skeleton. */
static void stored(struct buf *out, struct span skeleton, const char *proc, uint64_t run,
                   uint64_t seq)
{
        struct entry_stamp stamp = { .host = SPAN_INIT("h"),
                                     .proc = span_str(proc),
                                     .run = run,
                                     .seq = seq,
                                     .wall_ns = NOW_S * NS_PER_S };

        buf_clear(out);
        assert_int_equal(entry_compose(skeleton, &stamp, out, NULL), 0);
}

static void told_change(struct buf *out, const char *alert, struct change *c)
{
        struct why why = { .state = WHY_UNEXPLAINED };

        snprintf(why.alert, sizeof why.alert, "%s", alert);
        c->why = &why;
        c->seen = "live";
        c->unknown = "nobody was seen doing it";
        buf_clear(out);
        change_put(c, out);
        assert_int_equal(buf_status(out), 0);
        c->why = NULL;
}

static void told_alert(struct buf *out, const char *kind, const char *id)
{
        buf_clear(out);
        buf_printf(out,
                   "{\"k\":\"%s\",\"t\":\"2026-11-21T18:00:00.000000000Z\",\"v\":1,"
                   "\"what\":{\"id\":\"%s\"}}",
                   kind, id);
}

static struct buf skeleton = { .max = CHANGE_TEXT_MAX }, entry = { .max = ENTRY_MAX };

static void hear(struct late_past *p, uint64_t run, uint64_t seq, const char *proc)
{
        stored(&entry, buf_span(&skeleton), proc, run, seq);
        late_past_hear(p, buf_span(&entry));
}

static void hear_alert(struct late_past *p, uint64_t seq, const char *kind, const char *id)
{
        told_alert(&skeleton, kind, id);
        hear(p, 1, seq, "sensor");
}

static void hear_file(struct late_past *p, uint64_t seq, const char *alert, const char *path)
{
        struct record is = sample_file(7, 1);
        struct change c = { .path = span_str(path), .is = &is, .wall_ns = NOW_S * NS_PER_S };

        told_change(&skeleton, alert, &c);
        hear(p, 1, seq, "sensor");
}

/* ---- one change ---- */

static void nothing(struct record *r)
{
        (void)r;
}

static void other_content(struct record *r)
{
        memset(r->sha256, 9, sizeof r->sha256);
}

static void other_file(struct record *r)
{
        r->ino = 99;
}

static void other_mode(struct record *r)
{
        r->mode = 04711;
}

static void other_owner(struct record *r)
{
        r->uid = 17;
}

static void a_list(struct record *r)
{
        static const uint8_t acl[] = { RECORD_ACL, 4, 0, 2, 0, 0, 0 };

        r->attrs = span_of(acl, sizeof acl);
}

static void unknown_list(struct record *r)
{
        r->known[RECORD_ACL] = RECORD_UNREADABLE;
}

static void unread(struct record *r)
{
        r->hash = RECORD_HASH_UNREADABLE;
        r->reason = RECORD_REASON_DENIED;
        memset(r->sha256, 0, sizeof r->sha256);
}

static void a_link(struct record *r)
{
        r->type = RECORD_LINK;
        r->hash = RECORD_HASH_SKIPPED;
        r->reason = RECORD_REASON_NOT_A_FILE;
        memset(r->sha256, 0, sizeof r->sha256);
        r->link = SPAN("../a\xff");
        r->mode = 0777;
}

static void a_directory(struct record *r)
{
        *r = sample_dir(7);
}

struct one {
        void (*was)(struct record *);
        void (*is)(struct record *);
        const char *path, *from;
        bool over;
        unsigned passed, watched; /* watched 0: all */
        const char *words;        /* NULL: not known again */
};

static const struct one ones[] = {
        { NULL, nothing, "/p", "", false, 0, 0, "is 0644 fresh" },
        { NULL, nothing, "/\xff\n\"", "", false, 0, 0, "is 0644 fresh" },
        { NULL, unread, "/p", "", false, 0, 0, "is 0644 fresh" },
        { NULL, a_list, "/p", "", false, 0, 0, "is 0644 rights fresh" },
        { NULL, unknown_list, "/p", "", false, 0, 0, "is 0644 rights fresh" },
        { NULL, a_link, "/p", "", false, 0, 0, "is 0777 fresh" },
        { NULL, a_directory, "/p", "", false, 0, 0, "is 0755 fresh" },
        { nothing, other_content, "/p", "", false, 0, 0, "is 0644 sha256" },
        { nothing, other_file, "/p", "", false, 0, 0, "is 0644 fresh inode" },
        { nothing, other_mode, "/p", "", false, 0, 0, "is 4711 mode" },
        { nothing, other_owner, "/p", "", false, 0, 0, "is 0644 uid" },
        { nothing, other_owner, "/p", "", false, 0, RECORD_F_SHA256, "is 0644 uid" },
        { nothing, a_list, "/p", "", false, 0, RECORD_F_SHA256, "is 0644 rights acl" },
        { nothing, nothing, "/p", "", false, DIRTY_WRITTEN, 0, "is 0644" },
        { nothing, nothing, "/p", "/from", false, 0, 0, "is 0644 fresh" },
        { nothing, nothing, "/p", "/\xff", false, 0, 0, "is 0644 fresh" },
        { other_mode, other_file, "/p", "/from", true, 0, 0, "is 0644 fresh mode inode" },
        { nothing, NULL, "/p", "", false, 0, 0, "was 0644 fresh" },
        { a_link, NULL, "/p", "", false, 0, 0, "was 0777 fresh" },
        { NULL, NULL, "/p", "", false, DIRTY_CREATED | DIRTY_DELETED, 0, "gone fresh" },
        { NULL, NULL, "/p", "", false, DIRTY_CREATED, 0, "gone fresh moved_on" },
        { a_link, a_link, "/p", "", false, DIRTY_CAME, 0, NULL }, /* its target is not told */
};

static bool same_record(const struct record *a, const struct record *b)
{
        if (!a || !b)
                return a == b;
        return a->type == b->type && a->mode == b->mode &&
               (a->hash == RECORD_HASH_KNOWN) == (b->hash == RECORD_HASH_KNOWN) &&
               memcmp(a->sha256, b->sha256, sizeof a->sha256) == 0 && span_eq(a->link, b->link) &&
               record_has_more_rights(a) == record_has_more_rights(b);
}

static bool is_same(void *ctx, const struct source_change *got)
{
        const struct source_change *want = ctx;

        assert_true(span_eq(got->path, want->path));
        assert_true(span_eq(got->from, want->from));
        assert_int_equal(got->wall_ns, want->wall_ns);
        assert_int_equal(got->differs, want->differs);
        assert_int_equal(got->fresh, want->fresh);
        assert_int_equal(got->moved_on, want->moved_on);
        assert_true(same_record(got->is, want->is));
        assert_true(same_record(got->was, want->was));
        return true;
}

static void check_one(const struct one *x, bool waiting)
{
        struct watch_profile profile = { .name = SPAN("p"), .attributes = x->watched };
        struct record was = sample_file(7, 1), is = sample_file(7, 1);
        struct change c = { .wall_ns = NOW_S * NS_PER_S + 5,
                            .path = span_str(x->path),
                            .from = span_str(x->from),
                            .profile = x->watched ? &profile : NULL,
                            .over = x->over,
                            .passed = x->passed };
        struct late_past p = LATE_PAST_INIT;
        struct source_change want;
        struct late *l = NULL;
        char id[ALERT_ID_MAX + 1];
        size_t at = 0;

        if (x->was)
                x->was(&was);
        if (x->is)
                x->is(&is);
        c.was = x->was ? &was : NULL;
        c.is = x->is ? &is : NULL;
        source_change_of(&c, &want);
        told_change(&skeleton, "a-1", &c);
        if (x->words) {
                char member[128];

                snprintf(member, sizeof member, "\"late\":\"%s\"", x->words);
                if (!memmem(skeleton.p, skeleton.n, member, strlen(member)))
                        fail_msg("%s is not in %s", member, buf_cstr(&skeleton));
        }
        if (waiting)
                late_past_hear_waiting(&p, 1, 7, buf_span(&skeleton));
        else
                hear(&p, 1, 7, "sensor");
        hear_alert(&p, 8, "alert.raised", "a-1");
        assert_int_equal(late_new(&l, NULL), 0);
        assert_int_equal(late_past_apply(&p, l, NULL), 0);
        assert_int_equal(late_count(l), x->words ? 1 : 0);
        assert_int_equal(late_next(l, is_same, &want, &at, id), x->words != NULL);
        if (x->words)
                assert_string_equal(id, "a-1");
        late_free(l);
        late_past_done(&p);
}

static void test_changes(void **state)
{
        for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
                check_one(&ones[i], false);
                check_one(&ones[i], true);
        }
        (void)state;
}

/* ---- which alerts ---- */

static bool any(void *ctx, const struct source_change *c)
{
        (void)c;
        ++*(size_t *)ctx;
        return true;
}

/* The ids that are known again, each with how many changes, in their order. */
static void check_known(struct late_past *p, const char *want)
{
        CLEANUP(buf_done) struct buf got = BUF_INIT(256);
        struct late *l = NULL;
        char id[ALERT_ID_MAX + 1];
        size_t at = 0, n = 0;

        assert_int_equal(late_new(&l, NULL), 0);
        assert_int_equal(late_past_apply(p, l, NULL), 0);
        for (; late_next(l, any, &n, &at, id); n = 0)
                buf_printf(&got, "%s:%zu ", id, n);
        assert_int_equal(late_count(l), 0);
        assert_string_equal(buf_cstr(&got), want);
        late_free(l);
        late_past_done(p);
}

static void test_whole_alerts(void **state)
{
        struct late_past p = LATE_PAST_INIT;

        hear_file(&p, 20, "b", "/b2"); /* the latest first */
        hear_alert(&p, 19, "alert.explained", "c");
        hear_alert(&p, 18, "alert.raised", "e");
        hear_file(&p, 17, "e", "/e1");
        hear_file(&p, 16, "d", "/d2"); /* of one that was raised before what was heard */
        hear_alert(&p, 15, "alert.raised", "c");
        hear_file(&p, 14, "c", "/c1");
        hear_alert(&p, 13, "alert.raised", "b");
        hear_file(&p, 12, "b", "/b1");
        hear_file(&p, 11, "a", "/a2");
        hear_alert(&p, 10, "alert.raised", "a"); /* whose first change was not heard */
        check_known(&p, "b:2 e:1 ");
        (void)state;
}

static void test_waiting(void **state)
{
        struct record is = sample_file(7, 1);
        struct change c = { .path = SPAN("/w"), .is = &is, .wall_ns = NOW_S * NS_PER_S };
        struct late_past p = LATE_PAST_INIT;

        hear_alert(&p, 6, "alert.raised", "b");
        hear_file(&p, 5, "b", "/b1");
        hear_alert(&p, 4, "alert.raised", "a");
        hear_file(&p, 3, "a", "/a1");
        told_change(&skeleton, "a", &c);
        late_past_hear_waiting(&p, 1, 7, buf_span(&skeleton));
        told_change(&skeleton, "b", &c); /* the ledger has it already */
        late_past_hear_waiting(&p, 1, 5, buf_span(&skeleton));
        told_alert(&skeleton, "alert.explained", "b");
        late_past_hear_waiting(&p, 1, 8, buf_span(&skeleton));
        check_known(&p, "a:2 ");
        (void)state;
}

/* Only the sensor says what is its own, and only what it wrote in full counts. */
static void test_others(void **state)
{
        struct record is = sample_file(7, 1);
        struct change c = { .path = SPAN("/x"), .is = &is, .wall_ns = NOW_S * NS_PER_S };
        struct late_past p = LATE_PAST_INIT;

        hear_alert(&p, 8, "alert.raised", "cut");
        hear_file(&p, 7, "cut", "/1");
        c.cut = true;
        told_change(&skeleton, "cut", &c);
        hear(&p, 1, 9, "sensor");
        c.cut = false;
        told_change(&skeleton, "other", &c);
        hear(&p, 1, 3, "monitor");
        told_alert(&skeleton, "alert.raised", "other");
        hear(&p, 1, 4, "monitor");
        hear_alert(&p, 2, "alert.raised", "good");
        hear_file(&p, 1, "good", "/2");
        told_alert(&skeleton, "alert.explained", "good");
        hear(&p, 1, 9, "monitor");
        late_past_hear(&p, SPAN("{\"alert\":\"x"));
        late_past_hear(&p, SPAN("{\"k\":\"alert.raised\"}"));
        late_past_hear(&p, SPAN_NONE);
        check_known(&p, "good:1 ");
        (void)state;
}

static void test_words(void **state)
{
        static const char *const bad[] = { "",
                                           "is",
                                           "is 644",
                                           "is 0648",
                                           "is 06440",
                                           "was",
                                           "gone 0644",
                                           "is 0644 sparkling",
                                           "is 0644  uid",
                                           "Is 0644" };
        char text[512];

        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                struct late_past p = LATE_PAST_INIT;

                snprintf(text, sizeof text,
                         "{\"k\":\"integrity.change\",\"t\":\"2026-11-21T18:00:00.000000000Z\","
                         "\"v\":1,\"what\":{\"path\":\"/p\",\"type\":\"fifo\"},"
                         "\"why\":{\"alert\":\"a\",\"late\":\"%s\",\"state\":\"unexplained\"}}",
                         bad[i]);
                late_past_hear_waiting(&p, 1, 1, span_str(text));
                hear_alert(&p, 2, "alert.raised", "a");
                check_known(&p, "");
        }
        (void)state;
}

/* ---- bounds ---- */

static void test_room(void **state)
{
        struct late_past p = LATE_PAST_INIT;

        hear_alert(&p, 8, "alert.raised", "b");
        hear_file(&p, 7, "b", "/b");
        p.kept.max = p.kept.n + 30; /* room for no change more */
        hear_alert(&p, 6, "alert.raised", "a");
        hear_file(&p, 5, "a", "/a");
        assert_true(p.full);
        check_known(&p, "b:1 ");

        p = LATE_PAST_INIT;
        hear_alert(&p, 8, "alert.raised", "b");
        hear_file(&p, 7, "b", "/b");
        p.kept.max = p.kept.n;
        hear_file(&p, 9, "b", "/b2"); /* a later one: no alert can be trusted to be whole */
        assert_true(p.unsure);
        check_known(&p, "");
        (void)state;
}

static void test_memory(void **state)
{
        int rc = -ENOMEM;
        size_t known = 0;

        for (size_t nth = 1; rc != 0 || known != 1; nth++) {
                struct late_past p = LATE_PAST_INIT;
                struct late *l = NULL;

                assert_true(nth < 200);
                assert_int_equal(late_new(&l, NULL), 0);
                told_alert(&skeleton, "alert.raised", "a");
                late_past_hear_waiting(&p, 1, 3, buf_span(&skeleton));
                for (uint64_t seq = 2; seq <= 4; seq += 2) {
                        struct record is = sample_file(7, 1);
                        struct change c = { .path = SPAN("/w"), .from = SPAN("/f"), .is = &is };

                        told_change(&skeleton, "a", &c);
                        alloc_fail_nth = seq == 4 ? nth : 0;
                        late_past_hear_waiting(&p, 1, seq, buf_span(&skeleton));
                }
                rc = late_past_apply(&p, l, NULL);
                alloc_fail_nth = 0;
                known = late_count(l);
                if (rc == 0 && known) { /* never with a change less */
                        char id[ALERT_ID_MAX + 1];
                        size_t at = 0, n = 0;

                        assert_true(late_next(l, any, &n, &at, id));
                        assert_int_equal(n, 2);
                }
                late_free(l);
                late_past_done(&p);
        }
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes), cmocka_unit_test(test_whole_alerts),
                cmocka_unit_test(test_waiting), cmocka_unit_test(test_others),
                cmocka_unit_test(test_words),   cmocka_unit_test(test_room),
                cmocka_unit_test(test_memory),
        };
        int failed = cmocka_run_group_tests(tests, NULL, NULL);

        buf_done(&skeleton);
        buf_done(&entry);
        return failed;
}
