/* SPDX-License-Identifier: Apache-2.0 */
/* What a list explains and what it does not; whose lists are believed; which of two stays. */
#include "integrity/why/sources.h"

#include "../alloc_fail.h"
#include "../sample.h"
#include "base/clock.h"
#include "integrity/trusted/change.h"
#include "integrity/watching/dirty.h"
#include "integrity/why/late.h"
#include "ledger/signing/pathlist_seal.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW_S = 1795374000, HOUR_S = 3600 };

/* SHA-256 of "a", and 32 bytes of 1: the content sample_file(.., 1) has. */
#define A    "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
#define ONES "0101010101010101010101010101010101010101010101010101010101010101"

static const char entries[] = "{\"mode\":420,\"path\":\"/srv/www/.h\",\"sha256\":\"" ONES "\"}\n"
                              "{\"mode\":420,\"path\":\"/srv/www/a\",\"sha256\":\"" ONES "\"}\n"
                              "{\"mode\":420,\"path\":\"/srv/www/d/e/f\",\"sha256\":\"" A "\"}\n"
                              "{\"path\":\"/srv/www/l\",\"target\":\"a\"}\n"
                              "{\"mode\":493,\"path\":\"/srv/www/x\",\"sha256\":\"" ONES "\"}\n";

static struct signer *signer_of(uint8_t seed_byte, struct source_keys *keys)
{
        uint8_t seed[ED25519_SEED] = { seed_byte };
        struct signer *s = NULL;

        assert_int_equal(signer_new(SPAN("deploy.example.org"), NOTE_ED25519, seed, &s, NULL), 0);
        if (keys)
                signer_vkey(s, &keys->key[keys->n++]);
        return s;
}

static const struct pathlist_header *header_of(const char *origin, int64_t issued_s)
{
        static struct pathlist_header h;

        h = (struct pathlist_header){ .commit = "fc667df9abc950aea50c4f9420e4832eb8de5b85",
                                      .issued_ns = issued_s * NS_PER_S,
                                      .expires_ns = (issued_s + HOUR_S) * NS_PER_S,
                                      .n_maps = 1,
                                      .map = { { "www", "/srv/www" } },
                                      .n_on = 1,
                                      .on = { "refs/heads/main" },
                                      .signing = SIGNATURE_GOOD,
                                      .signer = "a@example.org" };
        snprintf(h.origin, sizeof h.origin, "%s", origin);
        return &h;
}

/* The bytes of a list, in memory that source_open() takes. */
static uint8_t *sealed(const struct pathlist_header *h, const struct signer *signer, size_t *ret_n)
{
        struct buf out = BUF_INIT(1 << 16);
        uint8_t *p;

        assert_int_equal(pathlist_seal(h, SPAN(entries), 5, signer, &out, NULL), 0);
        p = malloc(out.n);
        assert_non_null(p);
        memcpy(p, out.p, out.n);
        *ret_n = out.n;
        buf_done(&out);
        return p;
}

static int open_list(const struct pathlist_header *h, const struct signer *signer,
                     const struct source_keys *keys, struct source **ret, struct err *err)
{
        size_t n;
        uint8_t *p = sealed(h, signer, &n);

        return source_open(p, n, keys, SPAN("web1"), NOW_S * NS_PER_S, ret, err);
}

static struct sources believed(void)
{
        static struct source_keys keys;
        struct signer *signer;
        struct source *x = NULL, *old = NULL;
        struct sources all = { 0 };

        keys.n = 0;
        signer = signer_of(1, &keys);
        assert_int_equal(open_list(header_of("infra", NOW_S - 1), signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        assert_null(old);
        signer_free(signer);
        return all;
}

/* What differs from a plain file of uid 1 that has the content of all ones. */
struct spoil {
        uint32_t mode;    /* 0: 0644 */
        uint8_t fill;     /* of the hash; 0: 1 */
        const char *link; /* it is a link */
        bool dir, caps, unread, other_owner;
};

static struct record made(const struct spoil *p, struct buf *attrs)
{
        struct record r = p->dir ? sample_dir(7) : sample_file(7, p->fill ? p->fill : 1);

        if (p->mode)
                r.mode = p->mode;
        if (p->link) {
                r.type = RECORD_LINK;
                r.hash = RECORD_HASH_SKIPPED;
                r.reason = RECORD_REASON_NOT_A_FILE;
                memset(r.sha256, 0, sizeof r.sha256);
                r.link = span_str(p->link);
                r.mode = 0777;
        }
        if (p->unread) {
                r.hash = RECORD_HASH_UNREADABLE;
                r.reason = RECORD_REASON_DENIED;
                memset(r.sha256, 0, sizeof r.sha256);
        }
        if (p->other_owner)
                r.uid = 5;
        buf_clear(attrs);
        if (p->caps)
                record_put_value(attrs, RECORD_CAPS, SPAN("\1\0\0\2xxxxxxxxxxxxxxxx"));
        r.attrs = buf_span(attrs);
        return r;
}

enum before {
        NOTHING,
        SAME,
        SAME_FILE,
        OTHER_CONTENT,
        OTHER_MODE,
        OLD_TIME,
        OTHER_FILE,
        LINK_TIME,
        DELETED
};

static const struct {
        const char *path, *from;
        enum before before;
        struct spoil is;
        bool gone;
        enum source_fit want;
        const char *why; /* a part of it */
} cases[] = {
        { "/srv/www/a",
          NULL,
          NOTHING,
          { 0 },
          false,
          SOURCE_FITS,
          "commit fc667df9abc950aea50c4f9420e4832eb8de5b85 of infra on refs/heads/main, its "
          "signature: good; list " },
        { "/srv/www/a", NULL, OTHER_CONTENT, { 0 }, false, SOURCE_FITS, "deploy.example.org+" },
        { "/srv/www/a", NULL, OTHER_FILE, { 0 }, false, SOURCE_FITS, "" },
        { "/srv/www/a", NULL, OTHER_MODE, { 0 }, false, SOURCE_FITS, "" },
        { "/srv/www/x", NULL, NOTHING, { .mode = 0755 }, false, SOURCE_FITS, "" },
        { "/srv/www/l", NULL, NOTHING, { .link = "a" }, false, SOURCE_FITS, "" },
        { "/srv/www/d", NULL, NOTHING, { .dir = true }, false, SOURCE_FITS, "" },
        { "/srv/www/d/e", NULL, NOTHING, { .dir = true }, false, SOURCE_FITS, "" },
        { "/srv", NULL, NOTHING, { .dir = true }, false, SOURCE_FITS, "" },
        { "/srv/www/a", "/srv/www/.a.tmp", NOTHING, { 0 }, false, SOURCE_FITS, "" },

        /* on its way */
        { "/srv/www/.a.x8Yz01", NULL, NOTHING, { .mode = 0600 }, false, SOURCE_FITS, "" },
        { "/srv/www/.x.1",
          NULL,
          SAME,
          { .mode = 0600, .other_owner = true },
          false,
          SOURCE_FITS,
          "" },
        { "/srv/www/.l.4424", NULL, NOTHING, { .link = "a" }, false, SOURCE_FITS, "" },
        { "/srv/www/.h.x8Yz01", NULL, NOTHING, { .fill = 1 }, false, SOURCE_FITS, "" },
        { "/srv/www/.l.4424", NULL, NOTHING, { .link = "b" }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/.a.x8Yz01", NULL, NOTHING, { .fill = 2 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/.a.x8Yz01", NULL, NOTHING, { .mode = 0755 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/.a.x8Yz01", NULL, NOTHING, { .caps = true }, false, SOURCE_UNLISTED, "" },
        /* renamed before it was read, or not */
        { "/srv/www/.a.x8Yz01", NULL, NOTHING, { 0 }, true, SOURCE_FITS, "" },
        { "/srv/www/.a.x8Yz01", NULL, DELETED, { 0 }, true, SOURCE_GONE, "" },
        { "/srv/www/.a.x8Yz01", NULL, SAME_FILE, { 0 }, true, SOURCE_FITS, "" },
        { "/srv/www/.a.x8Yz01", NULL, OTHER_CONTENT, { 0 }, true, SOURCE_GONE, "" },
        { "/srv/www/l", NULL, LINK_TIME, { .link = "a" }, false, SOURCE_FITS, "" },
        { "/srv/www/.a.", NULL, NOTHING, { 0 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/.a", NULL, NOTHING, { 0 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/a.b", NULL, NOTHING, { 0 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/..b", NULL, NOTHING, { 0 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/.a.x-8", NULL, NOTHING, { 0 }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/.a.12345678901234567", NULL, NOTHING, { 0 }, false, SOURCE_UNLISTED, "" },

        { "/etc/passwd", NULL, OTHER_CONTENT, { 0 }, false, SOURCE_ELSEWHERE, "" },
        { "/srv/www2/a", NULL, NOTHING, { 0 }, false, SOURCE_ELSEWHERE, "" },
        { "/srv/www/b",
          NULL,
          NOTHING,
          { 0 },
          false,
          SOURCE_UNLISTED,
          "commit fc667df9abc9 of infra is about the place and does not have the path" },
        { "/srv/www/a",
          NULL,
          OTHER_CONTENT,
          { .fill = 2 },
          false,
          SOURCE_OTHER,
          "lists the path with other content" },
        { "/srv/www/a", NULL, OTHER_CONTENT, { .unread = true }, false, SOURCE_OTHER, "not known" },
        { "/srv/www/a", NULL, SAME, { .mode = 04644 }, false, SOURCE_OTHER, "another mode" },
        { "/srv/www/a", NULL, NOTHING, { .mode = 04644 }, false, SOURCE_OTHER, "another mode" },
        { "/srv/www/a", NULL, NOTHING, { .mode = 0666 }, false, SOURCE_OTHER, "another mode" },
        /* as a umask makes it, or somebody afterwards */
        { "/srv/www/a", NULL, NOTHING, { .mode = 0600 }, false, SOURCE_FITS, "" },
        { "/srv/www/a", NULL, SAME, { .mode = 0600 }, false, SOURCE_OTHER, "another mode" },
        { "/srv/www/a", NULL, NOTHING, { .mode = 0444 }, false, SOURCE_OTHER, "another mode" },
        { "/srv/www/a", NULL, NOTHING, { .caps = true }, false, SOURCE_MORE, "no capabilities" },
        { "/srv/www/a", NULL, SAME, { .caps = true }, false, SOURCE_MORE, "no capabilities" },
        { "/srv/www/a", NULL, SAME, { .other_owner = true }, false, SOURCE_MORE, "another owner" },
        { "/srv/www/a",
          NULL,
          OTHER_FILE,
          { .other_owner = true },
          false,
          SOURCE_MORE,
          "another owner" },
        { "/srv/www/a", NULL, OLD_TIME, { 0 }, false, SOURCE_MORE, "which was there before" },
        { "/srv/www/a", NULL, NOTHING, { .link = "a" }, false, SOURCE_OTHER, "has a file there" },
        { "/srv/www/a", NULL, NOTHING, { .dir = true }, false, SOURCE_OTHER, "has a file there" },
        { "/srv/www/l",
          NULL,
          NOTHING,
          { .link = "/etc/passwd" },
          false,
          SOURCE_OTHER,
          "another link" },
        { "/srv/www/l", NULL, NOTHING, { 0 }, false, SOURCE_OTHER, "another link" },
        { "/srv/www/d",
          NULL,
          NOTHING,
          { .dir = true, .mode = 0777 },
          false,
          SOURCE_MORE,
          "may write there" },
        { "/srv/www/d", NULL, OTHER_MODE, { .dir = true }, false, SOURCE_FITS, "" },
        { "/srv/www/d",
          NULL,
          OTHER_MODE,
          { .dir = true, .mode = 0750 },
          false,
          SOURCE_MORE,
          "says nothing of the directory itself" },
        { "/srv/www/g", NULL, NOTHING, { .dir = true }, false, SOURCE_UNLISTED, "" },
        { "/srv/www/a",
          NULL,
          SAME_FILE,
          { 0 },
          true,
          SOURCE_GONE,
          "does not say what is not there" },
        { "/etc/passwd", NULL, SAME_FILE, { 0 }, true, SOURCE_ELSEWHERE, "" },
        { "/srv/www/a", "/etc/shadow", NOTHING, { 0 }, false, SOURCE_MORE, "it is not about" },
        { "/srv/www/a", "/srv/www/x", NOTHING, { 0 }, false, SOURCE_MORE, "which is gone" },
};

static struct record before_of(enum before b, const struct record *is)
{
        struct record r = is->type == RECORD_DIR ? sample_dir(7) : sample_file(7, 1);

        if (b == OTHER_CONTENT || b == OTHER_FILE)
                memset(r.sha256, 9, sizeof r.sha256);
        if (b == OTHER_FILE)
                r.ino = 8;
        if (b == OTHER_MODE)
                r.mode = 0600;
        if (b == OLD_TIME)
                r.mtime_ns++;
        if (b == LINK_TIME) {
                r = *is;
                r.mtime_ns++;
        }
        return r;
}

static void test_judge(void **state)
{
        struct sources all = believed();
        struct buf attrs = BUF_INIT(4096);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct record is = made(&cases[i].is, &attrs), was;
                struct change c = { .wall_ns = NOW_S * NS_PER_S,
                                    .path = span_str(cases[i].path),
                                    .seen = "live" };
                struct source_change x;
                const struct source *of;
                char why[SOURCE_WHY_MAX];
                enum source_fit got;

                was = before_of(cases[i].before, &is);
                if (cases[i].from)
                        c.from = span_str(cases[i].from);
                c.passed = DIRTY_CREATED | (cases[i].before == DELETED ? DIRTY_DELETED : 0);
                if (cases[i].before != NOTHING && cases[i].before != DELETED)
                        c.was = &was;
                if (!cases[i].gone)
                        c.is = &is;
                source_change_of(&c, &x);
                got = sources_judge(&all, &x, &of, why);
                if (got != cases[i].want || !strstr(why, cases[i].why) ||
                    (got == SOURCE_ELSEWHERE) != !why[0])
                        fail_msg("case %zu, %s: %d, \"%s\"", i, cases[i].path, (int)got, why);
        }
        buf_done(&attrs);
        sources_done(&all);
        (void)state;
}

/* Over is over, to the moment. */
static void test_expires(void **state)
{
        struct sources all = believed();
        struct record is = sample_file(7, 1);
        struct source_change c = { .path = SPAN("/srv/www/a"), .is = &is, .fresh = true };
        const struct source *of;
        char why[SOURCE_WHY_MAX];
        int64_t end = (NOW_S - 1 + HOUR_S) * NS_PER_S;

        c.wall_ns = end - 1;
        assert_int_equal(sources_judge(&all, &c, &of, why), SOURCE_FITS);
        c.wall_ns = end;
        assert_int_equal(sources_judge(&all, &c, &of, why), SOURCE_ELSEWHERE);
        /* what it expects to be there, so that who takes it away is about to bring another */
        assert_true(sources_expect(&all, SPAN("/srv/www/a"), end - 1));
        assert_true(sources_expect(&all, SPAN("/srv/www/l"), end - 1));
        assert_false(sources_expect(&all, SPAN("/srv/www/a"), end));
        assert_false(sources_expect(&all, SPAN("/srv/www/d"), end - 1)); /* a directory */
        assert_false(sources_expect(&all, SPAN("/srv/www/b"), end - 1));
        assert_false(sources_expect(&all, SPAN("/etc/passwd"), end - 1));
        sources_done(&all);
        (void)state;
}

/* Names of the trusted key, cut where no character is. */
static void test_long_names(void **state)
{
        struct source_keys keys = { 0 };
        struct signer *signer = signer_of(1, &keys);
        struct sources all = { 0 };
        struct source *x = NULL, *old;
        struct record is = sample_file(7, 1);
        struct source_change c = {
                .path = SPAN("/srv/www/a"), .is = &is, .fresh = true, .wall_ns = NOW_S * NS_PER_S
        };
        const struct source *of;
        char origin[PATHLIST_ORIGIN_MAX + 1] = "x", why[SOURCE_WHY_MAX];

        for (size_t i = 1; i + 3 < sizeof origin; i += 3)
                memcpy(origin + i, "\u2014", 4);
        assert_int_equal(open_list(header_of(origin, NOW_S), signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        assert_int_equal(sources_judge(&all, &c, &of, why), SOURCE_FITS);
        assert_true(strstr(why, "\u2014 on refs/heads/main") != NULL);
        signer_free(signer);
        sources_done(&all);
        (void)state;
}

static void test_open(void **state)
{
        struct source_keys keys = { 0 }, others = { 0 };
        struct signer *signer = signer_of(1, &keys), *other = signer_of(2, &others);
        struct pathlist_header h = *header_of("infra", NOW_S);
        struct source *x = NULL;
        struct err err = { 0 };
        uint8_t *p;
        size_t n;

        assert_int_equal(open_list(&h, other, &keys, &x, &err), -ENOKEY);
        assert_true(strstr(err.text, "signed by deploy.example.org+") != NULL);
        assert_int_equal(open_list(&h, signer, &(struct source_keys){ 0 }, &x, &err), -ENOKEY);
        for (size_t i = 0;; i += 7) { /* a bit anywhere */
                p = sealed(&h, signer, &n);
                if (i >= n) {
                        free(p);
                        break;
                }
                p[i] ^= 1;
                assert_true(source_open(p, n, &keys, SPAN("web1"), NOW_S * NS_PER_S, &x, &err) < 0);
        }
        h.n_hosts = 2;
        memcpy(h.host[0], "web2", 5);
        memcpy(h.host[1], "web3", 5);
        assert_int_equal(open_list(&h, signer, &keys, &x, &err), -EXDEV);
        assert_string_equal(err.text, "for other hosts than web1: web2 and more");
        memcpy(h.host[1], "web1", 5);
        assert_int_equal(open_list(&h, signer, &keys, &x, &err), 0);
        x = source_free(x);
        h.expires_ns = NOW_S * NS_PER_S;
        assert_int_equal(open_list(&h, signer, &keys, &x, &err), -ESTALE);
        assert_null(x);
        signer_free(signer);
        signer_free(other);
        (void)state;
}

static void test_add(void **state)
{
        struct source_keys keys = { 0 };
        struct signer *signer = signer_of(1, &keys), *other = signer_of(2, &keys);
        struct sources all = { 0 };
        struct source *x = NULL, *old = NULL;
        struct pathlist_header h;
        struct err err = { 0 };
        char origin[16];

        /* a later one takes an earlier one's place, and not the other way */
        assert_int_equal(open_list(header_of("infra", NOW_S - 2), signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        assert_int_equal(open_list(header_of("infra", NOW_S - 1), signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        assert_non_null(old);
        assert_true(old->list.header.issued_ns == (NOW_S - 2) * NS_PER_S);
        assert_int_equal(sources_add(&all, old, &x, &err), -ESTALE);
        old = source_free(old);
        /* this very one */
        assert_int_equal(open_list(header_of("infra", NOW_S - 1), signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, &err), -EEXIST);
        x = source_free(x);
        /* another key, other places: beside it */
        assert_int_equal(open_list(header_of("infra", NOW_S), other, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        assert_null(old);
        h = *header_of("infra", NOW_S);
        memcpy(h.map[0].sub, "ww2", 4);
        assert_int_equal(open_list(&h, signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        assert_true(!old && all.n == 3);
        for (int i = 3; i < SOURCES_MAX; i++) {
                snprintf(origin, sizeof origin, "o%d", i);
                assert_int_equal(open_list(header_of(origin, NOW_S), signer, &keys, &x, NULL), 0);
                assert_int_equal(sources_add(&all, x, &old, NULL), 0);
        }
        assert_int_equal(open_list(header_of("more", NOW_S), signer, &keys, &x, NULL), 0);
        assert_int_equal(sources_add(&all, x, &old, &err), -ENOSPC);
        assert_string_equal(err.text, "64 lists are there already");
        source_free(sources_take(&all, 0));
        all.bytes += SOURCES_BYTES_MAX; /* as if they were that large */
        assert_int_equal(sources_add(&all, x, &old, &err), -ENOSPC);
        all.bytes -= SOURCES_BYTES_MAX;
        assert_int_equal(sources_add(&all, x, &old, &err), 0);
        signer_free(signer);
        signer_free(other);
        sources_done(&all);
        assert_int_equal(all.bytes, 0);
        (void)state;
}

static void test_keys(void **state)
{
        struct source_keys keys = { 0 }, got = { 0 };
        struct signer *signer = signer_of(1, &keys);
        struct buf text = BUF_INIT(1 << 16), vkey = BUF_INIT(4096);
        struct err err = { 0 };

        note_vkey_put(&vkey, &keys.key[0]);
        buf_printf(&text, "# who deploys\n\n  %s \r\n%s", buf_cstr(&vkey), buf_cstr(&vkey));
        assert_int_equal(source_keys_parse("k", buf_span(&text), &got, &err), 0);
        assert_int_equal(got.n, 1);
        assert_true(source_keys_have(&got, &keys.key[0]));
        buf_printf(&text, "\nnonsense\n");
        assert_int_equal(source_keys_parse("k", buf_span(&text), &got, &err), -EBADMSG);
        assert_true(strncmp(err.text, "k:5: ", 5) == 0 && got.n == 1);
        buf_clear(&text);
        assert_int_equal(source_keys_parse("k", buf_span(&text), &got, &err), 0);
        assert_int_equal(got.n, 0);
        for (int i = 0; i <= SOURCE_KEYS_MAX; i++) {
                keys.n = 0;
                signer_free(signer_of((uint8_t)(i + 3), &keys));
                note_vkey_put(&text, &keys.key[0]);
                buf_put_byte(&text, '\n');
        }
        assert_int_equal(source_keys_parse("k", buf_span(&text), &got, &err), -EBADMSG);
        assert_string_equal(err.text, "k:33: more than 32 keys");
        signer_free(signer);
        buf_done(&text);
        buf_done(&vkey);
        (void)state;
}

static void test_memory(void **state)
{
        struct source_keys keys = { 0 };
        struct signer *signer = signer_of(1, &keys);
        const struct pathlist_header *h = header_of("infra", NOW_S);
        int rc = -ENOMEM;

        for (size_t nth = 1; rc == -ENOMEM; nth++) {
                struct source *x = NULL;
                size_t n;
                uint8_t *p = sealed(h, signer, &n);

                alloc_fail_nth = nth;
                rc = source_open(p, n, &keys, SPAN("web1"), NOW_S * NS_PER_S, &x, NULL);
                alloc_fail_nth = 0;
                source_free(x);
                assert_true(nth < 100);
        }
        assert_int_equal(rc, 0);
        signer_free(signer);
        (void)state;
}

/* ---- late.h ---- */

static bool fits(void *ctx, const struct source_change *c)
{
        const struct source *of;
        char why[SOURCE_WHY_MAX];

        return sources_judge(ctx, c, &of, why) == SOURCE_FITS;
}

static void seen(struct late *l, const char *alert, const char *path, const struct record *was,
                 const struct record *is)
{
        struct change c = {
                .path = span_str(path), .was = was, .is = is, .wall_ns = NOW_S * NS_PER_S
        };

        late_add(l, alert, &c);
}

static void test_late(void **state)
{
        struct sources all = believed();
        struct late *l = NULL;
        struct record good = sample_file(7, 1), bad = sample_file(7, 3);
        char id[64];
        size_t at = 0;

        assert_int_equal(late_new(&l, NULL), 0);
        seen(l, "one", "/srv/www/a", NULL, &good);
        seen(l, "one", "/srv/www/a", &bad, &good);
        seen(l, "mixed", "/srv/www/a", NULL, &bad); /* was put right, and stays unexplained */
        seen(l, "mixed", "/srv/www/a", &bad, &good);
        seen(l, "gone", "/srv/www/a", &good, NULL);
        seen(l, "two", "/srv/www/a", NULL, &good);
        seen(l, "dropped", "/srv/www/a", NULL, &good);
        late_drop(l, "dropped");
        late_drop(l, "unknown");
        assert_int_equal(late_count(l), 4);
        assert_true(late_next(l, fits, &all, &at, id));
        assert_string_equal(id, "one");
        assert_true(late_next(l, fits, &all, &at, id));
        assert_string_equal(id, "two");
        assert_false(late_next(l, fits, &all, &at, id));
        assert_int_equal(late_count(l), 2);
        late_free(l);
        sources_done(&all);
        (void)state;
}

static void test_late_bounds(void **state)
{
        struct sources all = believed();
        struct late *l = NULL;
        struct record good = sample_file(7, 1);
        char id[64], name[64], *deep = malloc(PATHLIST_PATH_MAX + 1);
        size_t at = 0;

        assert_non_null(deep);
        memset(deep, 'd', PATHLIST_PATH_MAX);
        deep[0] = '/';
        deep[PATHLIST_PATH_MAX] = '\0';
        assert_int_equal(late_new(&l, NULL), 0);
        for (int i = 0; i <= LATE_CHANGES_MAX; i++) /* one too many */
                seen(l, "many", "/srv/www/a", NULL, &good);
        assert_false(late_next(l, fits, &all, &at, id));
        for (int i = 0; i < LATE_BYTES_MAX / PATHLIST_PATH_MAX + 1; i++)
                seen(l, "large", deep, NULL, &good);
        seen(l, "after", "/srv/www/a", NULL, &good);
        at = 0;
        assert_true(late_next(l, fits, &all, &at, id));
        assert_string_equal(id, "after");
        for (int i = 0; i < LATE_ALERTS_MAX + 1; i++) {
                snprintf(name, sizeof name, "n%d", i);
                seen(l, name, "/srv/www/a", NULL, &good);
        }
        assert_int_equal(late_count(l), LATE_ALERTS_MAX);
        at = 0;
        assert_true(late_next(l, fits, &all, &at, id));
        assert_string_equal(id, "n1"); /* the oldest went */
        late_free(l);
        free(deep);
        sources_done(&all);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_judge),       cmocka_unit_test(test_expires),
                cmocka_unit_test(test_long_names),  cmocka_unit_test(test_open),
                cmocka_unit_test(test_add),         cmocka_unit_test(test_keys),
                cmocka_unit_test(test_memory),      cmocka_unit_test(test_late),
                cmocka_unit_test(test_late_bounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
