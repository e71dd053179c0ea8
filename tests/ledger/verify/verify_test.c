/* SPDX-License-Identifier: Apache-2.0 */
/* The logs judged here are made by testlog.h, which shares no code with what reads them. */
#include "ledger/verify/verify.h"

#include "../testlog.h"
#include "ledger/signing/signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

/* What was reported: kinds and the first text of each. */
struct seen {
        uint64_t count[VERIFY_ISSUES];
        char path[VERIFY_ISSUES][128];
        char text[VERIFY_ISSUES][512];
        uint64_t offset[VERIFY_ISSUES], index[VERIFY_ISSUES];
        bool names_path; /* some report is about `want_path` */
        uint64_t want_offset;
        bool covers; /* ... with an offset at or before want_offset */
        const char *want_path;
};

static void note_report(void *ctx, const struct verify_report *r)
{
        struct seen *s = ctx;

        assert_true(r->text[0] != '\0');
        if (!s->count[r->issue]++) {
                snprintf(s->path[r->issue], sizeof s->path[0], "%s", r->path);
                snprintf(s->text[r->issue], sizeof s->text[0], "%s", r->text);
                s->offset[r->issue] = r->offset;
                s->index[r->issue] = r->index;
        }
        if (s->want_path && strcmp(s->want_path, r->path) == 0) {
                s->names_path = true;
                s->covers |= r->offset != VERIFY_NOWHERE && r->offset <= s->want_offset;
        }
}

static void key_of(const char *vkey, struct note_vkey *ret)
{
        assert_int_equal(verifier_parse(span_str(vkey), ret, NULL), 0);
}

static struct verify_result judge(int fd, const struct note_vkey *keys, size_t n_keys,
                                  struct seen *seen, unsigned passes,
                                  const struct verify_earlier *earlier, size_t n_earlier)
{
        CLEANUP(source_freep) struct source *src = NULL;
        struct verify_result result;
        struct err err = { 0 };
        struct verify_options o = { .keys = keys,
                                    .n_keys = n_keys,
                                    .passes = passes,
                                    .earlier = earlier,
                                    .n_earlier = n_earlier,
                                    .max_reports = UINT64_MAX,
                                    .on_report = note_report,
                                    .ctx = seen };

        assert_int_equal(source_dir(fd, "test", &src, NULL), 0);
        o.source = src;
        if (verify_log(&o, &result, &err))
                fail_msg("%s", err.text);
        return result;
}

static struct verify_result judge_log(const struct testlog *l, struct seen *seen)
{
        struct note_vkey key;

        memset(seen->count, 0, sizeof seen->count);
        key_of(l->vkey, &key);
        return judge(l->fd, &key, 1, seen, 0, NULL, 0);
}

static void expect_clean(const struct seen *s)
{
        for (unsigned i = 0; i < VERIFY_ISSUES; i++)
                if (s->count[i])
                        fail_msg("%s: %s", verify_issue_name(i), s->text[i]);
}

/* Only this issue, once, and its text says so. */
static void expect_only(const struct seen *s, enum verify_issue issue, const char *says)
{
        for (unsigned i = 0; i < VERIFY_ISSUES; i++)
                if (i != issue && s->count[i])
                        fail_msg("also %s: %s", verify_issue_name(i), s->text[i]);
        assert_int_equal(s->count[issue], 1);
        if (!strstr(s->text[issue], says))
                fail_msg("%s, not: %s", s->text[issue], says);
}

/* ---- whole logs ---- */

static void good_logs(void **state)
{
        static const uint64_t size[] = { 0, 1, 255, 256, 257, 512, 65535, 65536, 65537, 70000 };
        struct testlog l;

        testlog_new(&l, "t.example/log");
        for (size_t i = 0; i < ARRAY_LEN(size); i++) {
                struct seen seen = { 0 };
                struct verify_result r;

                testlog_fill(&l, size[i] - l.size);
                testlog_publish(&l, size[i]); /* partial files of earlier sizes stay */
                r = judge_log(&l, &seen);
                expect_clean(&seen);
                assert_int_equal(r.verdict, VERDICT_PASS);
                assert_int_equal(r.size, size[i]);
                assert_int_equal(r.entries_meant, size[i]);
                assert_int_equal(r.entries, size[i]);
                assert_int_equal(r.signatures, 1);
                assert_int_equal(r.runs, size[i] > 0);
                assert_true(r.listed);
                assert_string_equal(r.vkey, l.vkey);
                assert_string_equal(r.origin, "t.example/log");
        }
        testlog_done(&l);
}

static void tessera_log(void **state)
{
        const char *data = getenv("ASSAY_DATA");
        struct seen seen = { 0 };
        struct verify_result r;
        struct note_vkey key;
        char path[4096];
        int fd;

        if (!data) {
                print_message("SKIPPED tessera_log: ASSAY_DATA is not set\n");
                skip();
        }
        snprintf(path, sizeof path, "%s/tlog/tessera", data);
        fd = open(path, O_RDONLY | O_DIRECTORY);
        assert_true(fd >= 0);
        key_of("example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx",
               &key);
        r = judge(fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        close(fd);
        /* That directory also holds a licence and checkpoint.0 to .15: 17 files that are no log's.
         */
        assert_int_equal(seen.count[VERIFY_FILE_UNEXPECTED], 17);
        seen.count[VERIFY_FILE_UNEXPECTED] = 0;
        expect_clean(&seen);
        assert_int_equal(r.size, 15);
        assert_int_equal(r.entries, 15);
        /* the superseded partial tiles and bundles too */
        assert_int_equal(r.bundles, 15);
        assert_int_equal(r.tiles, 15);
}

/* ---- every byte flipped ---- */

static struct testlog *flipped_log;
static struct seen flip_seen;
static size_t flips, flipped_files;

static int flip_file(const char *full, const struct stat *st, int type, struct FTW *ftw)
{
        const char *path = full + strlen(flipped_log->dir) + 1;
        uint8_t b, bad;
        int fd;

        if (type != FTW_F)
                return 0;
        fd = open(full, O_RDWR);
        assert_true(fd >= 0);
        for (off_t at = 0; at < st->st_size; at++, flips++) {
                struct verify_result r;

                assert_int_equal(pread(fd, &b, 1, at), 1);
                bad = b ^ (uint8_t)(1 << (at % 8));
                assert_int_equal(pwrite(fd, &bad, 1, at), 1);
                flip_seen.want_path = path;
                flip_seen.want_offset = (uint64_t)at;
                flip_seen.names_path = flip_seen.covers = false;
                r = judge_log(flipped_log, &flip_seen);
                if (r.verdict != VERDICT_FAIL || !flip_seen.names_path)
                        fail_msg("%s byte %lld: verdict %d, %s", path, (long long)at, r.verdict,
                                 flip_seen.names_path ? "named" : "not named");
                if (strncmp(path, "tile/", 5) == 0 && !flip_seen.covers)
                        fail_msg("%s byte %lld: no offset at or before it", path, (long long)at);
                assert_int_equal(pwrite(fd, &b, 1, at), 1);
        }
        flipped_files++;
        close(fd);
        return 0;
}

static void every_flipped_byte(void **state)
{
        struct testlog l;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 258);
        testlog_publish(&l, 258);
        testlog_fill(&l, 42);
        testlog_publish(&l, 300);
        flipped_log = &l;
        expect_clean(&flip_seen);
        assert_int_equal(judge_log(&l, &flip_seen).verdict, VERDICT_PASS);
        assert_int_equal(nftw(l.dir, flip_file, 16, FTW_PHYS), 0);
        assert_int_equal(judge_log(&l, &flip_seen).verdict, VERDICT_PASS);
        print_message("%zu bytes of %zu files flipped, each one noticed and named\n", flips,
                      flipped_files);
        testlog_done(&l);
}

/* ---- one damage of each kind ---- */

static void read_at(struct testlog *l, const char *path, uint8_t *out, size_t max, size_t *n)
{
        int fd = openat(l->fd, path, O_RDONLY);
        ssize_t got = read(fd, out, max);

        assert_true(got >= 0);
        *n = (size_t)got;
        close(fd);
}

enum act { FLIP, CUT, EXTEND, REMOVE, ADD };

static void each_kind_of_damage(void **state)
{
        static const struct {
                enum act act;
                const char *path;
                size_t at; /* byte to flip, or bytes to cut */
                enum verify_issue issue;
                const char *says;
        } rows[] = {
                { FLIP, "tile/entries/000", 20, VERIFY_ENTRY_HASH,
                  "entry 0 (index 0), bytes 0 to" },
                { FLIP, "tile/entries/001.p/44", 20, VERIFY_ENTRY_HASH,
                  "bundle 1, entry 0 (index 256)" },
                { FLIP, "tile/0/000", 33, VERIFY_TILE_SLOT, "level 0, tile 0, slot 1, byte 33" },
                { FLIP, "tile/0/001.p/44", 100, VERIFY_TILE_SLOT, "tile 1, slot 3, byte 100" },
                { FLIP, "tile/1/000.p/1", 7, VERIFY_TILE_SLOT, "level 1, tile 0, slot 0, byte 7" },
                { CUT, "tile/entries/000", 1, VERIFY_BUNDLE_TRUNCATED,
                  "bundle 0: truncated at entry 255 of 256" },
                { EXTEND, "tile/entries/000", 0, VERIFY_BUNDLE_TRAILING,
                  "1 bytes behind the last entry" },
                { CUT, "tile/0/000", 1, VERIFY_FILE_LENGTH, "8191 bytes, not 8192: too short" },
                { EXTEND, "tile/0/000", 0, VERIFY_FILE_LENGTH, "8193 bytes, not 8192: too long" },
                { CUT, "tile/1/000.p/1", 32, VERIFY_FILE_LENGTH, "0 bytes, not 32" },
                { REMOVE, "tile/entries/000", 0, VERIFY_FILE_MISSING, "entries 0 to 255" },
                { REMOVE, "tile/0/001.p/44", 0, VERIFY_FILE_MISSING, "tile/0/001.p/44: missing" },
                { REMOVE, "tile/1/000.p/1", 0, VERIFY_FILE_MISSING, "tile/1/000.p/1: missing" },
                { REMOVE, "checkpoint", 0, VERIFY_FILE_MISSING, "checkpoint: missing" },
                { ADD, "notes.txt", 0, VERIFY_FILE_UNEXPECTED, "notes.txt: unexpected" },
                { ADD, "tile/0/0000", 0, VERIFY_FILE_UNEXPECTED, "tile/0/0000: unexpected" },
                { ADD, "tile/0/000.p/256", 0, VERIFY_FILE_UNEXPECTED, "unexpected" },
                { ADD, "rotation/01", 0, VERIFY_FILE_UNEXPECTED, "rotation/01: unexpected" },
                { ADD, "stamp/1.txt", 0, VERIFY_FILE_UNEXPECTED, "stamp/1.txt: unexpected" },
                { ADD, "checkpoint.tmp.tmp", 0, VERIFY_FILE_UNEXPECTED, "unexpected" },
                { ADD, "checkpoint.tmp", 0, VERIFY_FILE_TEMPORARY, "being written" },
                { ADD, "rotation/3.tmp", 0, VERIFY_FILE_TEMPORARY, "being written" },
                { ADD, "rotation/pruned.tmp", 0, VERIFY_FILE_TEMPORARY, "being written" },
                { ADD, "rotation/0.tmp", 0, VERIFY_FILE_UNEXPECTED, "unexpected" },
                { ADD, "stamp/9.note.tmp", 0, VERIFY_FILE_TEMPORARY, "being written" },
                { ADD, "stamp/9.tsr.tmp", 0, VERIFY_FILE_TEMPORARY, "being written" },
                { ADD, "stamp/9.tmp", 0, VERIFY_FILE_UNEXPECTED, "unexpected" },
                { ADD, "tile/0/001.p/45.tmp", 0, VERIFY_FILE_TEMPORARY, "being written" },
                { ADD, "tile/0/001.p/45", 0, VERIFY_FILE_BEYOND, "past the checkpoint's size" },
                { ADD, "tile/0/000.p/3", 0, VERIFY_FILE_LENGTH, "1 bytes, not 96" },
                { ADD, "tile/entries/000.p/3", 0, VERIFY_BUNDLE_TRUNCATED, "entry 0 of 3" },
                { CUT, "checkpoint", 1, VERIFY_CHECKPOINT_MALFORMED, "newline" },
                { FLIP, "checkpoint", 0, VERIFY_ORIGIN, "" },
                { ADD, "pruned", 0, VERIFY_PRUNED_MALFORMED, "multiple of 256" },
        };
        struct seen seen = { 0 };
        static uint8_t content[1 << 20];
        struct note_vkey key;
        size_t n;

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct verify_result r;
                struct testlog l;

                testlog_new(&l, "t.example/log");
                testlog_fill(&l, 300);
                testlog_publish(&l, 300);
                if (rows[i].act == ADD) {
                        testlog_write(&l, rows[i].path, SPAN("x"));
                } else if (rows[i].act == REMOVE) {
                        assert_int_equal(unlinkat(l.fd, rows[i].path, 0), 0);
                } else {
                        read_at(&l, rows[i].path, content, sizeof content - 1, &n);
                        if (rows[i].act == FLIP)
                                content[rows[i].at] ^= 0x01;
                        n += rows[i].act == EXTEND;
                        n -= rows[i].act == CUT ? rows[i].at : 0;
                        testlog_write(&l, rows[i].path, span_of(content, n));
                }
                key_of(l.vkey, &key);
                memset(seen.count, 0, sizeof seen.count);
                r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
                if (!seen.count[rows[i].issue] || !strstr(seen.text[rows[i].issue], rows[i].says)) {
                        for (unsigned k = 0; k < VERIFY_ISSUES; k++)
                                if (seen.count[k])
                                        print_message("%s: %s\n", verify_issue_name(k),
                                                      seen.text[k]);
                        fail_msg("row %zu: %s", i, rows[i].path);
                }
                assert_int_equal(r.verdict, verify_severity(rows[i].issue) == VERIFY_DAMAGE
                                                    ? VERDICT_FAIL
                                                    : VERDICT_PASS);
                if (strncmp(rows[i].path, "checkpoint", 10) != 0 && rows[i].act != CUT)
                        expect_only(&seen, rows[i].issue, rows[i].says);
                testlog_done(&l);
        }
}

/* A log that grew behind a checkpoint kept from before has many files past it: one line. */
static void files_beyond_are_one_report(void **state)
{
        struct seen seen = { 0 };
        struct verify_result r;
        struct testlog l;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        testlog_publish(&l, 300);
        testlog_write(&l, "tile/entries/004.p/9", SPAN("x"));
        testlog_write(&l, "tile/entries/001.p/45", SPAN("x"));
        testlog_write(&l, "tile/entries/x001/000", SPAN("x"));
        r = judge_log(&l, &seen);
        expect_only(&seen, VERIFY_FILE_BEYOND,
                    "3 files reach past the checkpoint's size, no signature covers them; the first "
                    "is tile/entries/001.p/45");
        assert_int_equal(r.count[VERIFY_FILE_BEYOND], 3);
        assert_int_equal(r.verdict, VERDICT_PASS);
        testlog_done(&l);
}

static void no_log_at_all(void **state)
{
        static const struct {
                const char *file;
                bool is_log;
                struct verify_earlier earlier;
                enum verify_issue issue;
                enum verdict verdict;
        } rows[] = {
                { NULL, false, { 0 }, VERIFY_NOT_A_LOG, VERDICT_UNKNOWN },
                { "passwd", false, { 0 }, VERIFY_NOT_A_LOG, VERDICT_UNKNOWN },
                { "tile/0/0000", false, { 0 }, VERIFY_NOT_A_LOG, VERDICT_UNKNOWN },
                { "tile/0/000.p/9", false, { 0 }, VERIFY_FILE_MISSING, VERDICT_FAIL },
                { "tile/entries/000", false, { 0 }, VERIFY_FILE_MISSING, VERDICT_FAIL },
                { NULL, true, { 0 }, VERIFY_FILE_MISSING, VERDICT_FAIL },
                { NULL, false, { .name = "kept" }, VERIFY_FILE_MISSING, VERDICT_FAIL },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(source_freep) struct source *source = NULL;
                struct seen seen = { 0 };
                struct verify_result r;
                struct note_vkey key;
                struct testlog l;

                testlog_new(&l, "t.example/log");
                if (rows[i].file)
                        testlog_write(&l, rows[i].file, SPAN("x"));
                key_of(l.vkey, &key);
                assert_int_equal(source_dir(l.fd, "there", &source, NULL), 0);
                assert_int_equal(
                        verify_log(
                                &(struct verify_options){ .source = source,
                                                          .keys = &key,
                                                          .n_keys = 1,
                                                          .earlier = &rows[i].earlier,
                                                          .n_earlier = rows[i].earlier.name != NULL,
                                                          .is_log = rows[i].is_log,
                                                          .on_report = note_report,
                                                          .ctx = &seen },
                                &r, NULL),
                        0);
                expect_only(&seen, rows[i].issue, "there");
                assert_int_equal(r.verdict, rows[i].verdict);
                testlog_done(&l);
        }
}

/* A whole tree made anew around a changed entry: everything fits, but not the signed root. */
static void rewritten_history(void **state)
{
        struct testlog l, other;
        struct seen seen = { 0 };
        struct buf note = BUF_INIT(4096);
        struct verify_result r;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        testlog_note(&l, 300, &note);
        testlog_new(&other, "t.example/log");
        testlog_fill(&other, 200);
        testlog_add(&other, SPAN("{}"));
        testlog_fill(&other, 99);
        testlog_publish(&other, 300);
        testlog_write(&other, "checkpoint", buf_span(&note));
        r = judge_log(&other, &seen);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        assert_int_equal(seen.count[VERIFY_ROOT], 1);
        assert_non_null(strstr(seen.text[VERIFY_ROOT], "not the one signed"));
        buf_done(&note);
        testlog_done(&l);
        testlog_done(&other);
}

static void strangers_and_cosigners(void **state)
{
        static const uint8_t seed[32] = { 9 };
        struct testlog l;
        struct seen seen = { 0 };
        struct note_vkey keys[2];
        struct verify_result r;
        char vkey[256];

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 3);
        testlog_publish(&l, 3);
        /* another key of the same name */
        testlog_vkey("t.example/log", 0x01, seed, vkey);
        key_of(vkey, &keys[0]);
        r = judge(l.fd, keys, 1, &seen, 0, NULL, 0);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        assert_int_equal(seen.count[VERIFY_SIGNATURE_MISSING], 1);
        assert_int_equal(seen.count[VERIFY_SIGNATURE_UNKNOWN], 1);
        /* another log's key */
        memset(&seen, 0, sizeof seen);
        testlog_vkey("u.example/log", 0x01, l.seed, vkey);
        key_of(vkey, &keys[0]);
        r = judge(l.fd, keys, 1, &seen, 0, NULL, 0);
        assert_int_equal(seen.count[VERIFY_ORIGIN], 1);
        /* a cosigner that has not signed */
        memset(&seen, 0, sizeof seen);
        key_of(l.vkey, &keys[0]);
        testlog_vkey("w.example", 0x04, seed, vkey);
        key_of(vkey, &keys[1]);
        r = judge(l.fd, keys, 2, &seen, 0, NULL, 0);
        expect_only(&seen, VERIFY_SIGNATURE_MISSING, "no signature of w.example");
        assert_int_equal(r.verdict, VERDICT_FAIL);
        testlog_done(&l);
}

static void senseless_options(void **state)
{
        struct testlog l;
        struct note_vkey keys[2];
        struct verify_result r;
        struct err err = { 0 };
        CLEANUP(source_freep) struct source *src = NULL;
        struct verify_options o = { .keys = keys };

        testlog_new(&l, "t.example/log");
        assert_int_equal(source_dir(l.fd, "x", &src, NULL), 0);
        o.source = src;
        key_of(l.vkey, &keys[0]);
        keys[1] = keys[0];
        assert_int_equal(verify_log(&o, &r, &err), -EINVAL);
        o.n_keys = 2;
        assert_int_equal(verify_log(&o, &r, &err), -EINVAL);
        assert_non_null(strstr(err.text, "two log keys"));
        testlog_done(&l);
}

/* ---- checkpoints the auditor kept ---- */

static void kept_checkpoints(void **state)
{
        struct testlog l, other;
        struct seen seen = { 0 };
        struct note_vkey key;
        struct verify_result r;
        struct buf good = BUF_INIT(4096), fork = BUF_INIT(4096), later = BUF_INIT(4096);
        struct verify_earlier e = { .name = "kept" };

        testlog_new(&l, "t.example/log");
        testlog_new(&other, "t.example/log");
        testlog_add(&other, SPAN("{}"));
        testlog_fill(&other, 299);
        testlog_fill(&l, 300);
        testlog_publish(&l, 300);
        testlog_note(&l, 100, &good);
        testlog_note(&other, 100, &fork);
        testlog_fill(&l, 1);
        testlog_note(&l, 301, &later);
        key_of(l.vkey, &key);
        e.bytes = buf_span(&good);
        r = judge(l.fd, &key, 1, &seen, 0, &e, 1);
        expect_clean(&seen);
        assert_int_equal(r.earlier, 1);
        e.bytes = buf_span(&fork);
        r = judge(l.fd, &key, 1, &seen, 0, &e, 1);
        expect_only(&seen, VERIFY_FORK, "kept: signed another root for 100 entries");
        assert_int_equal(r.earlier, 0);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        memset(&seen, 0, sizeof seen);
        e.bytes = buf_span(&later);
        r = judge(l.fd, &key, 1, &seen, 0, &e, 1);
        expect_only(&seen, VERIFY_ROLLBACK, "kept: was signed for 301 entries, the log has 300");
        assert_int_equal(r.earlier, 0);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        buf_done(&good);
        buf_done(&fork);
        buf_done(&later);
        testlog_done(&l);
        testlog_done(&other);
}

/* ---- key rotation ---- */

static void put_rotation(struct testlog *l, const uint8_t next[32])
{
        struct buf b = BUF_INIT(4096);
        char vkey[256], entry[1024], path[64];
        size_t text_n;
        int n;

        testlog_vkey(l->name, 0x01, next, vkey);
        n = snprintf(
                entry, sizeof entry,
                "{\"k\":\"ledger.key_rotated\",\"t\":\"2026-11-21T18:00:00.000000000Z\",\"v\":1,"
                "\"what\":{\"vkey\":\"%s\"}}",
                vkey);
        testlog_add(l, span_of(entry, (size_t)n));
        text_n = testlog_note(l, l->size, &b);
        testlog_sign(&b, text_n, l->name, next);
        snprintf(path, sizeof path, "rotation/%llu", (unsigned long long)l->size);
        testlog_write(l, path, buf_span(&b));
        memcpy(l->seed, next, 32);
        testlog_vkey(l->name, 0x01, next, l->vkey);
        buf_done(&b);
}

static void make_rotated(struct testlog *l, char first_vkey[256], char second_vkey[256])
{
        static const uint8_t k2[32] = { 2 }, k3[32] = { 3 };

        testlog_new(l, "t.example/log");
        snprintf(first_vkey, 256, "%s", l->vkey);
        testlog_fill(l, 100);
        put_rotation(l, k2);
        snprintf(second_vkey, 256, "%s", l->vkey);
        testlog_fill(l, 199);
        put_rotation(l, k3);
        testlog_publish(l, l->size);
}

/* testlog_fill numbers sequences by index: the rotation's entry, without one, leaves a gap there.
 */
static void expect_clean_but_gaps(struct seen *s)
{
        assert_true(s->count[VERIFY_SEQUENCE] <= 1);
        s->count[VERIFY_SEQUENCE] = 0;
        expect_clean(s);
}

static void rotated_keys(void **state)
{
        struct testlog l;
        struct seen seen = { 0 };
        struct verify_result r;
        struct note_vkey key;
        char first[256], second[256];
        const char *pinned[3];

        make_rotated(&l, first, second);
        pinned[0] = first;
        pinned[1] = second;
        pinned[2] = l.vkey;
        for (size_t i = 0; i < ARRAY_LEN(pinned); i++) {
                memset(&seen, 0, sizeof seen);
                key_of(pinned[i], &key);
                r = judge(l.fd, &key, 1, &seen, 0, NULL, 0);
                /* keys before the pinned one cannot be known: their signatures are not judged */
                assert_int_equal(seen.count[VERIFY_SIGNATURE_UNKNOWN], i ? 1 : 0);
                seen.count[VERIFY_SIGNATURE_UNKNOWN] = 0;
                expect_clean_but_gaps(&seen);
                assert_int_equal(r.rotations, 2);
                assert_string_equal(r.vkey, l.vkey);
        }
        testlog_done(&l);
}

static void broken_rotations(void **state)
{
        static const uint8_t evil[32] = { 66 };
        struct testlog l;
        struct seen seen = { 0 };
        struct note_vkey key;
        struct buf b = BUF_INIT(4096);
        struct verify_result r;
        char first[256], second[256];
        size_t text_n;

        /* a thief's key: the checkpoint is signed by a key no rotation leads to */
        make_rotated(&l, first, second);
        memcpy(l.seed, evil, 32);
        testlog_publish(&l, l.size);
        key_of(first, &key);
        judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_int_equal(seen.count[VERIFY_SIGNATURE_MISSING], 1);
        testlog_done(&l);
        /* a rotation that the old key did not sign */
        memset(&seen, 0, sizeof seen);
        make_rotated(&l, first, second);
        memcpy(l.seed, evil, 32);
        text_n = testlog_note(&l, 101, &b);
        testlog_sign(&b, text_n, l.name, (const uint8_t[32]){ 2 });
        testlog_write(&l, "rotation/101", buf_span(&b));
        key_of(first, &key);
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_int_equal(seen.count[VERIFY_SIGNATURE_MISSING], 1);
        assert_string_equal(seen.path[VERIFY_SIGNATURE_MISSING], "rotation/101");
        assert_int_equal(r.rotations, 1);
        /* a rotation file where no entry rotates */
        memset(&seen, 0, sizeof seen);
        testlog_write(&l, "rotation/50", buf_span(&b));
        judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_true(seen.count[VERIFY_ROTATION] >= 1);
        assert_string_equal(seen.path[VERIFY_ROTATION], "rotation/50");
        testlog_done(&l);
        /* a rotation file gone */
        memset(&seen, 0, sizeof seen);
        make_rotated(&l, first, second);
        assert_int_equal(unlinkat(l.fd, "rotation/101", 0), 0);
        key_of(l.vkey, &key);
        judge(l.fd, &key, 1, &seen, 0, NULL, 0);
        assert_int_equal(seen.count[VERIFY_FILE_MISSING], 1);
        assert_non_null(strstr(seen.text[VERIFY_FILE_MISSING], "rotation/101: missing, entry 100"));
        testlog_done(&l);
        buf_done(&b);
}

/* ---- stamps ---- */

static void stamps_without_authority(void **state)
{
        struct testlog l;
        struct seen seen = { 0 };
        struct buf b = BUF_INIT(4096);
        struct verify_result r;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 300);
        testlog_publish(&l, 300);
        testlog_note(&l, 150, &b);
        testlog_write(&l, "stamp/150.note", buf_span(&b));
        testlog_write(&l, "stamp/150.tsr", SPAN("reply"));
        r = judge_log(&l, &seen);
        expect_only(&seen, VERIFY_STAMP_NOT_JUDGED, "stamp/150.tsr: not judged");
        assert_int_equal(r.verdict, VERDICT_PASS);
        assert_int_equal(r.stamps, 1);
        assert_int_equal(r.stamps_judged, 0);
        testlog_write(&l, "stamp/151.note", buf_span(&b));
        judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_STAMP], 1); /* wrong size in it */
        /* its reply: the note is stored first, a crash may leave it alone */
        assert_int_equal(seen.count[VERIFY_STAMP_NOT_JUDGED], 2);
        assert_int_equal(seen.count[VERIFY_FILE_MISSING], 0);
        assert_int_equal(unlinkat(l.fd, "stamp/151.note", 0), 0);
        assert_int_equal(unlinkat(l.fd, "stamp/150.note", 0), 0);
        judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_FILE_MISSING], 1);
        buf_done(&b);
        testlog_done(&l);
}

static void recorded_stamps(void **state)
{
        /* printf reply | sha256sum */
        static const char digest[] =
                "5782b18687e6cf8a482fc32d2db5b196d8821c458a0c069c6acf3953446e7bb5";
        struct testlog l;
        struct seen seen = { 0 };
        struct buf b = BUF_INIT(4096);
        char entry[256];
        int n;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 10);
        testlog_note(&l, 10, &b);
        n = snprintf(entry, sizeof entry,
                     "{\"k\":\"ledger.stamped\",\"v\":1,\"what\":{\"digest\":\"%s\",\"size\":10}}",
                     digest);
        testlog_add(&l, span_of(entry, (size_t)n));
        testlog_publish(&l, 11);
        judge_log(&l, &seen);
        expect_only(&seen, VERIFY_FILE_MISSING, "stamp/10.tsr: missing, entry 10 records it");
        testlog_write(&l, "stamp/10.note", buf_span(&b));
        testlog_write(&l, "stamp/10.tsr", SPAN("reply"));
        judge_log(&l, &seen);
        expect_only(&seen, VERIFY_STAMP_NOT_JUDGED, "stamp/10.tsr: not judged");
        testlog_write(&l, "stamp/10.tsr", SPAN("repla"));
        judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_STAMP], 1);
        assert_non_null(strstr(seen.text[VERIFY_STAMP], "not the reply that entry 10 records"));
        buf_done(&b);
        testlog_done(&l);
}

/* ---- pruned logs ---- */

static void pruned_logs(void **state)
{
        struct testlog l;
        struct seen seen = { 0 };
        struct verify_result r;
        char path[64];

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, 2999);
        testlog_add(&l, SPAN("{\"k\":\"ledger.pruned\",\"v\":1,\"what\":{\"min_index\":1024}}"));
        testlog_publish(&l, 3000);
        for (unsigned n = 0; n < 4; n++) {
                snprintf(path, sizeof path, "tile/entries/%03u", n);
                assert_int_equal(unlinkat(l.fd, path, 0), 0);
        }
        r = judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_FILE_MISSING], 4);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        testlog_write(&l, "pruned", SPAN("1024\n"));
        r = judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_SEQUENCE_START], 1);
        seen.count[VERIFY_SEQUENCE_START] = 0;
        expect_only(&seen, VERIFY_PRUNED, "1024 entries below 1024 are gone");
        assert_int_equal(r.verdict, VERDICT_PASS);
        assert_int_equal(r.entries_pruned, 1024);
        assert_int_equal(r.entries, 3000 - 1024);
        /* less may be gone than is */
        testlog_write(&l, "pruned", SPAN("768\n"));
        r = judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_FILE_MISSING], 1);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        testlog_write(&l, "pruned", SPAN("1025\n"));
        judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_PRUNED_MALFORMED], 1);
        /* nor more than the ledger itself says */
        testlog_write(&l, "pruned", SPAN("1280\n"));
        judge_log(&l, &seen);
        assert_non_null(
                strstr(seen.text[VERIFY_PRUNED_MALFORMED], "entries ledger.pruned say 1024"));
        /* hashes stay: without one nobody could tell what the log was at an earlier size */
        testlog_write(&l, "pruned", SPAN("1024\n"));
        assert_int_equal(unlinkat(l.fd, "tile/0/002", 0), 0);
        r = judge_log(&l, &seen);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        assert_non_null(strstr(seen.text[VERIFY_FILE_MISSING], "tile/0/002: missing"));
        testlog_done(&l);
}

static void drop_bundle(struct testlog *l)
{
        assert_int_equal(unlinkat(l->fd, "tile/entries/000", 0), 0);
        testlog_write(l, "pruned", SPAN("256\n"));
}

static void prune_first(struct testlog *l)
{
        testlog_add(l, SPAN("{\"k\":\"ledger.pruned\",\"v\":1,\"what\":{\"min_index\":256}}"));
        testlog_publish(l, l->size);
        drop_bundle(l);
}

/* A checkpoint kept from below what was pruned is judged by the hashes that stay. */
static void pruned_history(void **state)
{
        struct testlog l, other;
        struct seen seen = { 0 };
        struct note_vkey key;
        struct verify_result r;
        struct buf good = BUF_INIT(4096), fork = BUF_INIT(4096);
        struct verify_earlier e = { .name = "kept" };
        uint8_t tile[8192];
        size_t n;

        testlog_new(&l, "t.example/log");
        testlog_new(&other, "t.example/log");
        testlog_add(&other, SPAN("{}"));
        testlog_fill(&other, 299);
        testlog_fill(&l, 600);
        testlog_note(&l, 100, &good);
        testlog_note(&other, 100, &fork);
        prune_first(&l);
        key_of(l.vkey, &key);
        e.bytes = buf_span(&good);
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, &e, 1);
        expect_only(&seen, VERIFY_PRUNED, "256 entries below 256 are gone");
        assert_int_equal(r.verdict, VERDICT_PASS);
        assert_int_equal(r.earlier, 1);
        e.bytes = buf_span(&fork);
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, &e, 1);
        assert_int_equal(seen.count[VERIFY_FORK], 1);
        assert_int_equal(r.verdict, VERDICT_FAIL);
        assert_int_equal(r.earlier, 0);
        /* a damaged hash there: which of two tiles cannot be told, both are named */
        memset(&seen, 0, sizeof seen);
        read_at(&l, "tile/0/000", tile, sizeof tile, &n);
        tile[40] ^= 1;
        testlog_write(&l, "tile/0/000", span_of(tile, n));
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_string_equal(seen.path[VERIFY_TILE_SLOT], "tile/0/000");
        assert_int_equal(r.verdict, VERDICT_FAIL);
        /* without the hashes it is not known, and never good */
        memset(&seen, 0, sizeof seen);
        assert_int_equal(unlinkat(l.fd, "tile/0/000", 0), 0);
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, &e, 1);
        assert_int_equal(seen.count[VERIFY_FILE_MISSING], 1);
        assert_int_equal(seen.count[VERIFY_EARLIER_NOT_JUDGED], 1);
        assert_non_null(strstr(seen.text[VERIFY_EARLIER_NOT_JUDGED], "the first 100 entries"));
        assert_int_equal(verify_severity(VERIFY_EARLIER_NOT_JUDGED), VERIFY_UNKNOWN);
        assert_int_equal(r.earlier, 0);
        buf_done(&good);
        buf_done(&fork);
        testlog_done(&l);
        testlog_done(&other);
}

/* The entry of a rotation that went with its bundle is kept in rotation/pruned, under its hash. */
static void pruned_rotation(void **state)
{
        static const char line[] =
                "101 {\"k\":\"ledger.key_rotated\",\"t\":\"2026-11-21T18:00:00.000000000Z\","
                "\"v\":1,\"what\":{\"vkey\":\"%s\"}}\n";
        struct testlog l;
        struct seen seen = { 0 };
        struct verify_result r;
        struct note_vkey key;
        char first[256], second[256], evil[256], text[1024];
        const char *pinned[3] = { first, second, l.vkey };

        make_rotated(&l, first, second);
        testlog_fill(&l, 300);
        prune_first(&l);
        testlog_vkey(l.name, 0x01, (const uint8_t[32]){ 66 }, evil);
        key_of(first, &key);
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_non_null(strstr(seen.text[VERIFY_ROTATION_PRUNED], "entry 100, which names the"));
        assert_int_equal(r.verdict, VERDICT_UNKNOWN);
        snprintf(text, sizeof text, line, second);
        testlog_write(&l, "rotation/pruned", span_str(text));
        for (size_t i = 0; i < ARRAY_LEN(pinned); i++) {
                memset(&seen, 0, sizeof seen);
                key_of(pinned[i], &key);
                r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
                seen.count[VERIFY_SIGNATURE_UNKNOWN] = 0; /* of the key before the pinned one */
                expect_only(&seen, VERIFY_PRUNED, "256 entries below 256 are gone");
                assert_int_equal(r.verdict, VERDICT_PASS);
                assert_int_equal(r.rotations, 2);
                assert_string_equal(r.vkey, l.vkey);
        }
        /* a thief's key in its place has not that hash */
        snprintf(text, sizeof text, line, evil);
        testlog_write(&l, "rotation/pruned", span_str(text));
        key_of(first, &key);
        r = judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_non_null(strstr(seen.text[VERIFY_ROTATION], "is not entry 100"));
        assert_int_equal(r.verdict, VERDICT_FAIL);
        memset(&seen, 0, sizeof seen);
        testlog_write(&l, "rotation/pruned", SPAN("101\n"));
        judge(l.fd, &key, 1, &seen, VERIFY_HASH, NULL, 0);
        assert_non_null(strstr(seen.text[VERIFY_ROTATION], "byte 0: not the size and entry"));
        testlog_done(&l);
}

/* ---- meaning ---- */

#define SRC(run, seq)                                                                              \
        "\"src\":{\"host\":\"web1\",\"proc\":\"sensor\",\"run\":" #run ",\"seq\":" #seq "},"
#define AT(hms) "\"t\":\"2026-11-21T" hms ".000000000Z\",\"v\":1}"

static void meaning(void **state)
{
        static const struct {
                const char *entry[6];
                enum verify_issue issue;
                const char *says;
        } rows[] = {
                { { "{\"a\":1}", "{}" }, VERIFY_ISSUES, NULL },
                { { "{\"a\":1.5}" }, VERIFY_ENTRY_MALFORMED, "entry 0, byte 0" },
                { { "{\"a\":1}", "not json" }, VERIFY_ENTRY_MALFORMED, "entry 1, byte 9" },
                { { "[1]" }, VERIFY_ENTRY_MALFORMED, "entry 0" },
                { { "{\"k\":7}", "{\"id\":5}", "{\"src\":\"10.0.0.1\"}",
                    "{\"k\":\"a\",\"t\":\"2026-11-26T01:00:00Z\"}", "{\"k\":\"a\",\"t\":5}",
                    "{\"k\":\"ledger.key_rotated\"}" },
                  VERIFY_ISSUES,
                  NULL },
                { { "{\"k\":\"ledger.key_rotated\",\"what\":{\"vkey\":\"x\"}}",
                    "{\"k\":\"ledger.stamped\",\"what\":{\"digest\":\"x\",\"size\":1}}",
                    "{\"what\":\"x\"}", "{\"_sd\":1,\"_subj\":3}" },
                  VERIFY_ISSUES,
                  NULL },
                { { "{\"k\":\"a.b\"," SRC(1, 1) "\"v\":1,\"who\":\"alice\"}",
                    "{\"k\":\"a.b\"," SRC(1, 2) AT("10:00:00") },
                  VERIFY_ENTRY_ENVELOPE,
                  "entry 0, byte 0: who must be an object" },
                { { "{\"k\":\"a.b\"," SRC(1, 1) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(1, 2) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(2, 1) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(1, 3) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(2, 2) AT("10:00:00") },
                  VERIFY_ISSUES,
                  NULL },
                { { "{\"k\":\"a.b\"," SRC(1, 1) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(1, 3) AT("10:00:00") },
                  VERIFY_SEQUENCE,
                  "sensor on web1, run 1: sequence 3 leaves a gap after 1" },
                { { "{\"k\":\"a.b\"," SRC(1, 1) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(1, 1) AT("10:00:00") },
                  VERIFY_SEQUENCE,
                  "sequence 1 repeats, the last was 1" },
                { { "{\"k\":\"a.b\"," SRC(1, 7) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(1, 8) AT("10:00:00") },
                  VERIFY_SEQUENCE_START,
                  "sequence 7 is its first here, not 1" },
                { { "{\"k\":\"host.heartbeat\"," SRC(1, 1) AT("10:00:00"),
                    "{\"k\":\"a.b\"," SRC(1, 2) AT("09:45:00"),
                    "{\"k\":\"a.b\"," SRC(1, 3) AT("09:44:59") },
                  VERIFY_TIME,
                  "entry 2, byte" },
                { { "{\"k\":\"a.b\"," SRC(1, 1) "\"t\":\"yesterday\",\"v\":1}" },
                  VERIFY_ENTRY_ENVELOPE,
                  "t is not a time" },
        };
        struct seen seen = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct testlog l;

                testlog_new(&l, "t.example/log");
                for (size_t k = 0; k < ARRAY_LEN(rows[0].entry) && rows[i].entry[k]; k++)
                        testlog_add(&l, span_str(rows[i].entry[k]));
                testlog_publish(&l, l.size);
                judge_log(&l, &seen);
                if (rows[i].issue == VERIFY_ISSUES)
                        expect_clean(&seen);
                else
                        expect_only(&seen, rows[i].issue, rows[i].says);
                testlog_done(&l);
        }
}

#define DAY(hms) "\"t\":\"2026-11-21T" hms ".000000000Z\",\"v\":1"
#define REC(run, seq)                                                                              \
        "\"src\":{\"host\":\"web1\",\"proc\":\"recorder\",\"run\":" #run ",\"seq\":" #seq "},"
#define BEAT(run, seq, hms, what)                                                                  \
        "{\"k\":\"host.heartbeat\"," REC(run, seq) DAY(hms) ",\"what\":{" what "}}"
#define EVERY(s) "\"interval_ns\":" #s "000000000"
#define STARTS   "\"interval_ns\":0"
#define CLOCK(seq, before, after)                                                                  \
        "{\"k\":\"host.clock\"," REC(1, seq)                                                       \
                DAY(after) ",\"what\":{\"after\":\"2026-11-21T" after                              \
                           ".000000000Z\",\"before\":\"2026-11-21T" before ".000000000Z\"}}"
#define OTHER(seq, hms) "{\"k\":\"a.b\"," SRC(1, seq) AT(hms)

static void times_between_heartbeats(void **state)
{
        static const struct {
                const char *name, *entry[6];
                const char *says; /* NULL: nothing */
                uint64_t count;
        } rows[] = {
                { "in time",
                  { BEAT(1, 1, "10:00:00", STARTS), OTHER(1, "10:05:00"),
                    BEAT(1, 2, "10:15:00", EVERY(900)) },
                  NULL,
                  0 },
                { "from before the last, at the edge",
                  { BEAT(1, 1, "10:00:00", ""), OTHER(1, "09:45:00"), OTHER(2, "09:44:59") },
                  "entry 2, byte 243: 901 s before the last heartbeat",
                  1 },
                { "from behind the next, at the edge",
                  { BEAT(1, 1, "10:00:00", ""), OTHER(1, "10:30:00"),
                    BEAT(1, 2, "10:15:00", EVERY(900)) },
                  NULL,
                  0 },
                { "from behind the next",
                  { BEAT(1, 1, "10:00:00", ""), OTHER(1, "10:05:00"), OTHER(2, "10:30:01"),
                    OTHER(3, "10:15:00"), BEAT(1, 2, "10:15:00", EVERY(900)) },
                  "entry 2, byte 243: 901 s behind the heartbeat that follows it, entry 4",
                  1 },
                { "the latest of each quarter hour is told",
                  { OTHER(1, "12:00:00"), OTHER(2, "13:00:00"), BEAT(1, 1, "10:00:00", ""),
                    OTHER(3, "12:00:00"), BEAT(1, 2, "10:15:00", EVERY(900)) },
                  "entry 1, byte",
                  2 },
                { "behind the last there is none to follow",
                  { BEAT(1, 1, "10:00:00", ""), OTHER(1, "23:00:00") },
                  NULL,
                  0 },
                { "the clock was set back, and it is told",
                  { BEAT(1, 1, "10:00:00", STARTS), OTHER(1, "10:10:00"),
                    CLOCK(2, "10:11:00", "09:11:00"), OTHER(2, "09:12:00"),
                    BEAT(1, 3, "09:15:00", EVERY(900)) },
                  NULL,
                  0 },
                { "the clock was set back, and it is not told",
                  { BEAT(1, 1, "10:00:00", STARTS), OTHER(1, "10:10:00"),
                    BEAT(1, 2, "09:15:00", EVERY(900)) },
                  "entry 2, byte 258: 2700 s before the last heartbeat",
                  3 },
                { "the clock was set on, and one is late",
                  { BEAT(1, 1, "10:00:00", STARTS), CLOCK(2, "10:05:00", "14:05:00"),
                    OTHER(1, "10:04:00"), BEAT(1, 3, "14:15:00", EVERY(900)) },
                  NULL,
                  0 },
                { "the clock was set on, and it is not told",
                  { BEAT(1, 1, "10:00:00", STARTS), BEAT(1, 2, "14:15:00", EVERY(900)) },
                  "entry 1, byte 148: 15300 s behind the last heartbeat, and it says 900 s",
                  1 },
                { "set there and back",
                  { BEAT(1, 1, "10:00:00", STARTS), CLOCK(2, "10:05:00", "14:05:00"),
                    CLOCK(3, "14:06:00", "10:06:00"), BEAT(1, 4, "10:15:00", EVERY(900)) },
                  NULL,
                  0 },
                { "a suspend",
                  { BEAT(1, 1, "10:00:00", STARTS), BEAT(1, 2, "18:15:00", EVERY(29700)) },
                  NULL,
                  0 },
                { "it says more than has passed",
                  { BEAT(1, 1, "10:00:00", STARTS), BEAT(1, 2, "10:15:00", EVERY(3600)) },
                  "900 s behind the last heartbeat, and it says 3600 s",
                  1 },
                { "another run counts anew",
                  { BEAT(1, 1, "10:00:00", STARTS), BEAT(2, 1, "18:00:00", STARTS) },
                  NULL,
                  0 },
                { "intervals that are none, or only long",
                  { BEAT(1, 1, "10:00:00", ""), BEAT(1, 2, "18:00:00", ""),
                    BEAT(1, 3, "18:15:00", "\"interval_ns\":9007199254740991"),
                    BEAT(1, 4, "20:00:00", "\"interval_ns\":-1"),
                    BEAT(1, 5, "22:00:00", "\"interval_ns\":\"7200\"") },
                  NULL,
                  0 },
                { "as far apart as can be",
                  { "{\"k\":\"host.heartbeat\"," REC(1, 1) "\"t\":\"1678-01-01T00:00:00.000000000Z"
                                                           "\",\"v\":1,\"what\":{}}",
                    "{\"k\":\"host.clock\"," REC(
                            1, 2) "\"t\":\"1678-01-01T00:00:00.000000000Z\",\"v\":1,\"what\":{"
                                  "\"after\":\"1678-01-01T00:00:00.000000000Z\",\"before\":\""
                                  "2262-01-01T00:00:00.000000000Z\"}}",
                    "{\"k\":\"host.heartbeat\"," REC(1, 3) "\"t\":\"2262-01-01T00:00:00.000000000Z"
                                                           "\",\"v\":1,\"what\":{" STARTS "}}" },
                  "entry 2",
                  1 },
                { "clocks that say nothing",
                  { BEAT(1, 1, "10:00:00", STARTS),
                    "{\"k\":\"host.clock\"," REC(1, 2) AT("10:01:00"),
                    "{\"k\":\"host.clock\"," REC(1, 3) DAY("10:01:00") ",\"what\":{}}",
                    "{\"k\":\"host.clock\"," REC(1, 4)
                            DAY("10:01:00") ",\"what\":{\"after\":7,\"before\":\"x\"}}",
                    BEAT(1, 5, "10:15:00", EVERY(900)) },
                  NULL,
                  0 },
        };
        struct seen seen = { 0 };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct testlog l;

                print_message("%s\n", rows[i].name);
                testlog_new(&l, "t.example/log");
                for (size_t k = 0; k < ARRAY_LEN(rows[0].entry) && rows[i].entry[k]; k++)
                        testlog_add(&l, span_str(rows[i].entry[k]));
                testlog_publish(&l, l.size);
                judge_log(&l, &seen);
                assert_int_equal(seen.count[VERIFY_TIME], rows[i].count);
                if (rows[i].count == 1)
                        expect_only(&seen, VERIFY_TIME, rows[i].says);
                else if (rows[i].says)
                        assert_non_null(strstr(seen.text[VERIFY_TIME], rows[i].says));
                else
                        expect_clean(&seen);
                testlog_done(&l);
        }
}

static void many_runs(void **state)
{
        struct testlog l;
        struct seen seen = { 0 };
        struct verify_result r;
        char text[256];

        testlog_new(&l, "t.example/log");
        for (unsigned i = 0; i < 65536 + 2; i++) {
                int n = snprintf(text, sizeof text,
                                 "{\"k\":\"a.b\",\"src\":{\"host\":\"h\",\"proc\":\"p\",\"run\":%u,"
                                 "\"seq\":1},\"v\":1}",
                                 i + 1);

                testlog_add(&l, span_of(text, (size_t)n));
        }
        testlog_publish(&l, l.size);
        r = judge_log(&l, &seen);
        assert_int_equal(seen.count[VERIFY_RUNS_FULL], 2);
        assert_int_equal(r.runs, 65536);
        assert_int_equal(r.verdict, VERDICT_UNKNOWN);
        testlog_done(&l);
}

/* Processor time, files in the page cache; printed, with a floor that holds under a sanitizer. */
static void rates(void **state)
{
        enum { SIZE = 200000 };
        static const struct {
                enum verify_pass pass;
                const char *name;
        } rows[] = { { VERIFY_HASH, "hash" }, { VERIFY_MEANING, "meaning" } };
        struct seen seen = { 0 };
        struct note_vkey key;
        struct testlog l;

        testlog_new(&l, "t.example/log");
        testlog_fill(&l, SIZE);
        testlog_publish(&l, SIZE);
        key_of(l.vkey, &key);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct timespec a, b;
                double rate;

                clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
                judge(l.fd, &key, 1, &seen, rows[i].pass, NULL, 0);
                clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
                rate = SIZE /
                       ((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9);
                print_message("%s pass: %.2f M entries/s of one core\n", rows[i].name, rate / 1e6);
                assert_true(rate > 20000);
        }
        expect_clean(&seen);
        testlog_done(&l);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(good_logs),
                cmocka_unit_test(tessera_log),
                cmocka_unit_test(each_kind_of_damage),
                cmocka_unit_test(files_beyond_are_one_report),
                cmocka_unit_test(no_log_at_all),
                cmocka_unit_test(rewritten_history),
                cmocka_unit_test(strangers_and_cosigners),
                cmocka_unit_test(senseless_options),
                cmocka_unit_test(kept_checkpoints),
                cmocka_unit_test(rotated_keys),
                cmocka_unit_test(broken_rotations),
                cmocka_unit_test(stamps_without_authority),
                cmocka_unit_test(recorded_stamps),
                cmocka_unit_test(pruned_logs),
                cmocka_unit_test(pruned_history),
                cmocka_unit_test(pruned_rotation),
                cmocka_unit_test(meaning),
                cmocka_unit_test(times_between_heartbeats),
                cmocka_unit_test(many_runs),
                cmocka_unit_test(rates),
                cmocka_unit_test(every_flipped_byte),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
