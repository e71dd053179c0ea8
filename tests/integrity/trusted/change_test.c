/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/trusted/change.h"

#include "../sample.h"
#include "integrity/watching/config.h"
#include "integrity/watching/dirty.h"
#include "integrity/who/session.h"
#include "integrity/who/who.h"
#include "integrity/why/why.h"
#include "wire/json.h"
#include "wire/kind.h"

#include <sys/socket.h>

static struct json_value member(struct span entry, const char *path)
{
        struct json_value v = { 0 };

        if (!json_get_path(json_value_of(entry), path, &v))
                fail_msg("no %s in %.*s", path, (int)entry.n, (const char *)entry.p);
        return v;
}

static void check_text(struct span entry, const char *path, const char *want)
{
        struct buf b = BUF_INIT(4096);

        assert_true(json_value_text(member(entry, path), &b));
        assert_string_equal(buf_cstr(&b), want);
        buf_done(&b);
}

/* The recorder's own checks accept it. */
static void check_entry(struct span entry)
{
        struct err err = { 0 };

        if (json_check(entry, &err) < 0 || kind_check(entry, "sensor", NULL, 0, &err) < 0)
                fail_msg("%s: %.*s", err.text, (int)entry.n, (const char *)entry.p);
}

static void set_nothing(struct record *r)
{
        (void)r;
}
static void set_mode(struct record *r)
{
        r->mode = 04755;
}
static void set_content(struct record *r)
{
        memset(r->sha256, 9, sizeof r->sha256);
}
static void set_inode(struct record *r)
{
        r->ino = 99;
}
static void set_all(struct record *r)
{
        r->uid = r->gid = UINT32_MAX;
        r->size = UINT64_MAX;
        r->mtime_ns = INT64_MIN;
        r->nlink = UINT32_MAX;
        r->flags = RECORD_FLAGS_ALL;
        r->fs = 0xef53;
        r->attrs = SPAN("\1\14\0\2\0\0\0\1\0\6\0\xff\xff\xff\xff\5\1a"
                        "dddddddddddddddddddddddddddddddd");
        r->known[RECORD_LABEL] = RECORD_UNREADABLE;
        r->hash = RECORD_HASH_UNREADABLE;
        r->reason = RECORD_REASON_DENIED;
        memset(r->sha256, 0, sizeof r->sha256);
}
static void set_link(struct record *r)
{
        *r = sample_dir(5);
        r->type = RECORD_LINK;
        r->link = SPAN("to\xff");
}
static void set_device(struct record *r)
{
        *r = sample_dir(5);
        r->type = RECORD_CHAR;
        r->rdev = 1ULL << 32 | 3;
}

static void test_changes(void **state)
{
        static const struct {
                void (*was)(struct record *r), (*is)(struct record *r); /* NULL: none */
                const char *from;
                bool over;
                const char *word;
        } cases[] = {
                { NULL, set_nothing, "", false, "created" },
                { set_nothing, NULL, "", false, "deleted" },
                { set_nothing, set_mode, "", false, "attributes" },
                { set_nothing, set_content, "", false, "modified" },
                { set_nothing, set_inode, "", false, "replaced" },
                { set_nothing, set_nothing, "/from\n", false, "renamed" },
                { set_nothing, set_inode, "/from", true, "replaced" },
                { set_nothing, set_all, "", false, "modified" },
                { set_all, set_nothing, "", false, "modified" },
                { NULL, set_link, "", false, "created" },
                { set_device, set_link, "", false, "replaced" },
                { NULL, set_device, "", false, "created" },
        };
        static const struct span paths[] = { SPAN_INIT("/etc/hosts"), SPAN_INIT("/\xff\n\""),
                                             SPAN_INIT("/\xc3\xbc") };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        for (size_t i = 0; i < ARRAY_LEN(cases) * ARRAY_LEN(paths); i++) {
                size_t k = i / ARRAY_LEN(paths);
                struct record was = sample_file(5, 1), is = sample_file(5, 1);
                struct change c = { .wall_ns = 1,
                                    .path = paths[i % ARRAY_LEN(paths)],
                                    .from = span_str(cases[k].from),
                                    .over = cases[k].over,
                                    .seen = "live",
                                    .unknown = "nobody" };

                if (cases[k].was)
                        cases[k].was(&was);
                if (cases[k].is)
                        cases[k].is(&is);
                c.was = cases[k].was ? &was : NULL;
                c.is = cases[k].is ? &is : NULL;
                buf_clear(&b);
                change_put(&c, &b);
                assert_int_equal(buf_status(&b), 0);
                check_entry(buf_span(&b));
                check_text(buf_span(&b), "what.change", cases[k].word);
                check_text(buf_span(&b), "who.unknown", "nobody");
        }
        buf_done(&b);
        (void)state;
}

static void test_both_hashes(void **state)
{
        struct record was = sample_file(5, 0xaa), is = sample_file(5, 0xbb);
        struct change c = { .path = SPAN("/p"), .was = &was, .is = &is, .seen = "live" };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        change_put(&c, &b);
        check_text(buf_span(&b), "what.old_sha256",
                   "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
        check_text(buf_span(&b), "what.new_sha256",
                   "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        buf_done(&b);
        (void)state;
}

/* What a mount has hidden names it, and nothing else does. */
static void test_mount(void **state)
{
        struct record was = sample_file(5, 0xaa);
        struct change c = { .path = SPAN("/p"), .was = &was, .seen = "rescan" };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        change_put(&c, &b);
        assert_null(memmem(b.p, b.n, "mount", 5));
        c.mount = "19abc-1";
        c.mount_how = "tmpfs none, was mounted at /";
        buf_clear(&b);
        change_put(&c, &b);
        check_entry(buf_span(&b));
        check_text(buf_span(&b), "what.mount", "19abc-1");
        buf_done(&b);
        (void)state;
}

static void test_author(void **state)
{
        static const struct span allowed[] = { SPAN_INIT("who.cmdline"), SPAN_INIT("who.tty"),
                                               SPAN_INIT("who.user") };
        struct record is = sample_file(5, 1);
        struct who *w = who_new(42);
        struct change c = { .path = SPAN("/p"), .is = &is, .seen = "live", .who = w };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX), scratch = BUF_INIT(65536);
        struct feed_field fields[CHANGE_FIELDS_MAX];
        struct err err = { 0 };
        size_t n;

        w->has = WHO_HAS_UID | WHO_HAS_AUID | WHO_HAS_PPID | WHO_HAS_SESSION;
        w->auid = 1000;
        buf_put_str(&w->comm, "a\xff");
        buf_put_str(&w->exe, "/bin/vi");
        buf_put_str(&w->cmdline, "vi /etc/\"hosts\"");
        buf_put_str(&w->tty, "pts/1");
        buf_put_str(&w->user, "alice");
        change_put(&c, &b);
        check_entry(buf_span(&b));
        assert_null(memmem(b.p, b.n, "alice", 5));
        assert_null(memmem(b.p, b.n, "hosts", 5));
        assert_null(memmem(b.p, b.n, "pts", 3));
        n = change_fields(w, &scratch, fields);
        assert_int_equal(n, 3);
        for (size_t i = 0; i < n; i++) {
                assert_true(span_eq_str(fields[i].subject, "uid:1000"));
                assert_int_equal(json_check_value(fields[i].value, &err), 0);
        }
        assert_true(span_eq_str(fields[0].value, "\"vi /etc/\\\"hosts\\\"\""));
        assert_true(span_eq_str(fields[2].value, "\"alice\""));
        assert_int_equal(kind_check(buf_span(&b), "sensor", allowed, 3, &err), 0);
        who_unref(w);
        buf_done(&b);
        buf_done(&scratch);
        (void)state;
}

/* Where the session came from: sealed, and how it is known beside it; or why there is none. */
static void test_login(void **state)
{
        static const struct span allowed[] = { SPAN_INIT("who.address"),
                                               SPAN_INIT("who.outer_address") };
        struct session outer = {
                .refs = 9,
                .how = SESSION_SSH,
                .peer = { .family = AF_INET, .bytes = { 198, 51, 100, 7 }, .port = 5022 }
        };
        struct session x = { .refs = 9,
                             .how = SESSION_SSH,
                             .root = 77,
                             .witness = SESSION_BY_SOCKET,
                             .outer = &outer,
                             .name = "sshd",
                             .peer = { .family = AF_INET6, .bytes = { [15] = 1 }, .port = 40000 } };
        struct record is = sample_file(5, 1);
        struct who *w = who_new(42);
        struct change c = { .path = SPAN("/p"), .is = &is, .seen = "live", .who = w };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX), scratch = BUF_INIT(65536);
        struct feed_field fields[CHANGE_FIELDS_MAX];
        struct err err = { 0 };

        w->has = WHO_HAS_UID;
        w->login = &x;
        change_put(&c, &b);
        check_entry(buf_span(&b));
        check_text(buf_span(&b), "who.login", "ssh");
        check_text(buf_span(&b), "who.daemon", "sshd");
        check_text(buf_span(&b), "who.address_from", "socket");
        assert_null(memmem(b.p, b.n, "::1", 3));
        assert_null(memmem(b.p, b.n, "198.51", 6));
        assert_null(memmem(b.p, b.n, "no_address", 10));
        assert_int_equal(change_fields(w, &scratch, fields), 2);
        assert_true(span_eq_str(fields[0].name, "who.address"));
        assert_true(span_eq_str(fields[0].value, "\"[::1]:40000\""));
        assert_true(span_eq_str(fields[1].name, "who.outer_address"));
        assert_true(span_eq_str(fields[1].value, "\"198.51.100.7:5022\""));
        assert_int_equal(kind_check(buf_span(&b), "sensor", allowed, 2, &err), 0);

        x = (struct session){ .refs = 9, .how = SESSION_CRON, .name = "cron", .why = "because" };
        buf_clear(&b);
        buf_clear(&scratch);
        change_put(&c, &b);
        check_entry(buf_span(&b));
        check_text(buf_span(&b), "who.login", "cron");
        check_text(buf_span(&b), "who.no_address", "because");
        assert_null(memmem(b.p, b.n, "address_from", 12));
        assert_int_equal(change_fields(w, &scratch, fields), 0);
        who_unref(w);
        buf_done(&b);
        buf_done(&scratch);
        (void)state;
}

/* Gone before it was read: what the kernel told, and everybody who had a part. */
static void test_transient(void **state)
{
        static const struct {
                unsigned passed;
                const char *want; /* in the entry */
        } cases[] = {
                { DIRTY_CREATED | DIRTY_DELETED, "\"events\":[\"created\",\"deleted\"]" },
                { DIRTY_CAME | DIRTY_WRITTEN | DIRTY_CONTENT | DIRTY_LEFT,
                  "\"events\":[\"moved in\",\"written\",\"moved out\"]" },
                { DIRTY_CREATED | DIRTY_DIRECTORY, "\"type\":\"dir\"" },
        };
        struct who *also[] = { who_new(7), who_new(8), NULL };
        struct change c = { .path = SPAN("/p"), .seen = "live", .who = also[0], .also = also };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        buf_put_str(&also[0]->exe, "/bin/\xff");
        buf_put_str(&also[1]->comm, "cat");
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                c.passed = cases[i].passed;
                buf_clear(&b);
                change_put(&c, &b);
                check_entry(buf_span(&b));
                check_text(buf_span(&b), "what.change", "transient");
                assert_non_null(memmem(b.p, b.n, cases[i].want, strlen(cases[i].want)));
                assert_non_null(memmem(b.p, b.n, "[[7,\"/bin/\\\\xff\"],[8,\"cat\"]]", 27));
        }
        who_unref(also[0]);
        who_unref(also[1]);
        buf_done(&b);
        (void)state;
}

/* What the profile does not name is no difference, and what it says stands in the entry. */
static void test_profile(void **state)
{
        static const struct {
                uint32_t attributes;
                void (*is)(struct record *r);
                unsigned differs;
                const char *word;
        } cases[] = {
                { RECORD_F_MODE, set_mode, RECORD_F_MODE, "attributes" },
                { RECORD_F_UID, set_mode, 0, "attributes" },
                { RECORD_F_MODE | RECORD_F_UID, set_content, 0, "attributes" },
                { RECORD_F_SHA256, set_content, RECORD_F_SHA256, "modified" },
                { RECORD_F_UID | RECORD_F_FS, set_all, RECORD_F_UID | RECORD_F_FS, "attributes" },
                { RECORD_F_MTIME, set_inode, 0, "attributes" },
                { UINT32_MAX, set_inode, RECORD_F_INODE, "replaced" },
        };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watch_profile p = { .name = SPAN("some-name"),
                                           .mode = i % 2 ? WATCH_DENY : WATCH_LOG,
                                           .is_volatile = i % 2 == 0,
                                           .attributes = cases[i].attributes };
                struct record was = sample_file(5, 1), is = sample_file(5, 1);
                struct change c = { .wall_ns = 1,
                                    .path = SPAN("/etc/hosts"),
                                    .profile = &p,
                                    .was = &was,
                                    .is = &is,
                                    .seen = "live",
                                    .unknown = "nobody" };

                cases[i].is(&is);
                assert_int_equal(change_differs(&c), cases[i].differs);
                assert_string_equal(change_word(&c), cases[i].word);
                buf_clear(&b);
                change_put(&c, &b);
                check_entry(buf_span(&b));
                check_text(buf_span(&b), "what.profile", "some-name");
                check_text(buf_span(&b), "what.mode", i % 2 ? "deny" : "log");
        }
        buf_done(&b);
        (void)state;
}

static void set_later(struct record *r)
{
        r->ctime_ns++;
}
static void set_mode_later(struct record *r)
{
        r->ctime_ns++;
        r->mode = 0600;
}
static void set_content_later(struct record *r)
{
        r->ctime_ns++;
        set_content(r);
}

/* Written to, and as it was: only the time that nobody sets back says so. */
static void test_reverted(void **state)
{
        static const struct {
                unsigned seen;
                uint32_t attributes;
                void (*is)(struct record *r);
                bool reverted;
                const char *word;
        } cases[] = {
                { DIRTY_WRITTEN | DIRTY_CONTENT, UINT32_MAX, set_later, true, "reverted" },
                { DIRTY_CAME, UINT32_MAX, set_later, true, "reverted" },
                { DIRTY_LEFT, UINT32_MAX, set_later, true, "reverted" },
                { DIRTY_DELETED, RECORD_F_SHA256, set_later, true, "reverted" },
                { DIRTY_WRITTEN, RECORD_F_MODE, set_later, false, "attributes" },
                { DIRTY_WRITTEN, UINT32_MAX, set_nothing, false, "attributes" },
                { DIRTY_CHANGED | DIRTY_STATE, UINT32_MAX, set_later, false, "attributes" },
                { DIRTY_CONTENT | DIRTY_ENDED, UINT32_MAX, set_later, false, "attributes" },
                { DIRTY_WRITTEN, UINT32_MAX, set_mode_later, true, "attributes" },
                { DIRTY_WRITTEN, UINT32_MAX, set_content_later, false, "modified" },
        };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watch_profile p = { .name = SPAN("p"), .attributes = cases[i].attributes };
                struct record was = sample_file(5, 1), is = sample_file(5, 1);
                struct change c = { .path = SPAN("/p"),
                                    .profile = &p,
                                    .was = &was,
                                    .is = &is,
                                    .seen = "live",
                                    .unknown = "nobody" };

                cases[i].is(&is);
                assert_int_equal(change_reverted(&c, cases[i].seen), cases[i].reverted);
                c.passed = cases[i].reverted ? cases[i].seen : 0;
                assert_string_equal(change_word(&c), cases[i].word);
                buf_clear(&b);
                change_put(&c, &b);
                check_entry(buf_span(&b));
                assert_int_equal(memmem(b.p, b.n, "\"events\"", 8) != NULL, cases[i].reverted);
        }
        buf_done(&b);
        (void)state;
}

static void test_the_other_kinds(void **state)
{
        static const struct sensor_place marks[] = { { SPAN_INIT("/"), "filesystem", NULL },
                                                     { SPAN_INIT("/b\xff"), "filesystem", NULL } };
        static const struct sensor_place fallbacks[] = { { SPAN_INIT("/f"), "polling", "why" } };
        struct config config = { .from = "/etc/assay/watch.yaml", .has_digest = true };
        struct watchset *w = &config.set;
        struct gap_facts gf = { .until_ns = 5, .reason = "overflow" };
        struct sensor_facts sf = { .event = "started",
                                   .config = &config,
                                   .who = "connector",
                                   .who_refused = "ebpf: not here",
                                   .marks = marks,
                                   .n_marks = 2,
                                   .fallbacks = fallbacks,
                                   .n_fallbacks = 1,
                                   .n_more = 7,
                                   .detail = "d",
                                   .reason = "r" };
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        assert_int_equal(watchset_add(w, SPAN("/a\xff\n"), false, NULL), 0);
        assert_int_equal(watchset_add(w, SPAN("/a/x"), true, NULL), 0);
        gap_put(&gf, &b);
        check_entry(buf_span(&b));
        buf_clear(&b);
        sensor_put(&sf, &b);
        check_entry(buf_span(&b));
        assert_non_null(memmem(b.p, b.n, "[[\"/f\",\"polling\",\"why\"]]", 24));
        assert_non_null(memmem(b.p, b.n, "\"more\":7", 8));
        assert_non_null(memmem(b.p, b.n, "\"config_from\":\"/etc/assay/watch.yaml\"", 37));
        assert_non_null(memmem(b.p, b.n, "\"!/a/x\"", 7));
        buf_done(&b);
        config_done(&config);
        (void)state;
}

/* Who reads the entry later has to know whether the proof is of the content. */
static void test_proof_of_content(void **state)
{
        static const struct {
                const char *name;
                enum why_state by;
                bool content, deleted, said;
        } cases[] = {
                { "what a package holds", WHY_PACKAGE, true, false, true },
                { "what the owner did", WHY_SERVICE, false, false, false },
                { "a content that nothing explains", WHY_UNEXPLAINED, true, false, false },
                { "a content that is gone", WHY_CHANGE, true, true, false },
        };
        struct record was = sample_file(1, 1), is = sample_file(1, 2);
        struct buf b = BUF_INIT(CHANGE_TEXT_MAX);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct why why = { .state = cases[i].by, .content = cases[i].content };
                struct change c = { .path = SPAN("/f"),
                                    .was = &was,
                                    .is = cases[i].deleted ? NULL : &is,
                                    .seen = "live",
                                    .why = &why };
                struct json_value v = { 0 };

                print_message("%s\n", cases[i].name);
                buf_clear(&b);
                change_put(&c, &b);
                check_entry(buf_span(&b));
                assert_int_equal(json_get_path(json_value_of(buf_span(&b)), "why.content", &v),
                                 cases[i].said);
                if (cases[i].said)
                        assert_int_equal(v.type, JSON_TRUE);
        }
        buf_done(&b);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes),         cmocka_unit_test(test_both_hashes),
                cmocka_unit_test(test_mount),           cmocka_unit_test(test_author),
                cmocka_unit_test(test_login),           cmocka_unit_test(test_transient),
                cmocka_unit_test(test_profile),         cmocka_unit_test(test_reverted),
                cmocka_unit_test(test_the_other_kinds), cmocka_unit_test(test_proof_of_content),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
