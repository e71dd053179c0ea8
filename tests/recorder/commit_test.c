/* SPDX-License-Identifier: Apache-2.0 */
/* A commit while the next one is staged: who is answered when, what is synced first, and that
 * nothing is acknowledged once a write or a sync has failed.  The disk waits until it is told. */
#include "admit_host.h"
#include "wire/msg.h"

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { SOME = 40, DISK_CALLS = 64 };

/* io_kernel, whose fdatasync() waits for a word where it is not this thread's. */
struct disk {
        struct io io;
        pthread_t owner;
        sem_t begun, go;
        int sync_says[4]; /* in turn; 0 behind */
        int write_says;
        bool counts;
        unsigned n_syncs;
        unsigned n_calls;
        struct {
                char what; /* w, s */
                bool slots, beside;
        } call[DISK_CALLS];
};

static struct admit_host host;
static struct disk disk;
static int ours;

static void note_call(struct disk *d, char what, int fd)
{
        struct stat file, slots;

        if (fstat(fd, &file) < 0 ||
            fstatat(host.f.private_fd, "keys/subjects", &slots, AT_SYMLINK_NOFOLLOW) < 0 ||
            d->n_calls == DISK_CALLS)
                abort();
        d->call[d->n_calls].what = what;
        d->call[d->n_calls].slots = file.st_ino == slots.st_ino;
        d->call[d->n_calls++].beside = !pthread_equal(pthread_self(), d->owner);
}

static ssize_t write_to(void *ctx, int fd, const void *p, size_t n, off_t at)
{
        struct disk *d = ctx;

        if (d->counts)
                note_call(d, 'w', fd);
        return d->write_says ? d->write_says : io_kernel.pwrite(NULL, fd, p, n, at);
}

static int sync_it(void *ctx, int fd)
{
        struct disk *d = ctx;
        unsigned n;

        if (!d->counts)
                return io_kernel.fdatasync(NULL, fd);
        note_call(d, 's', fd);
        if (!pthread_equal(pthread_self(), d->owner)) {
                sem_post(&d->begun);
                sem_wait(&d->go);
        }
        n = d->n_syncs++;
        return n < ARRAY_LEN(d->sync_says) && d->sync_says[n] ? d->sync_says[n]
                                                              : io_kernel.fdatasync(NULL, fd);
}

static int set_up(void **state)
{
        struct recorder *r = &host.r;
        int end[2];

        admit_host_new(&host);
        ledger_free(r->ledger);
        vault_free(r->vault);
        disk = (struct disk){ .io = io_kernel, .owner = pthread_self() };
        disk.io.ctx = &disk;
        disk.io.pwrite = write_to;
        disk.io.fdatasync = sync_it;
        sem_init(&disk.begun, 0, 0);
        sem_init(&disk.go, 0, 0);
        host.f.options.io = &disk.io;
        r->ledger = fixture_open(&host.f);
        if (vault_open(host.f.private_fd, &disk.io, true, &r->vault, NULL) < 0 ||
            pool_new(1, 1, &r->committer, NULL) < 0 ||
            loop_new(&host.f.clock, &r->loop, NULL) < 0 || sock_pair(end) < 0)
                abort();
        admit_host_meet(&host, ROLE_SENSOR);
        host.p.fd = end[0];
        ours = end[1];
        r->peers = &host.p;
        disk.counts = true;
        return 0;
}

static int tear_down(void **state)
{
        struct recorder *r = &host.r;

        disk.counts = false;
        r->committer = pool_free(r->committer);
        r->loop = loop_free(r->loop);
        fd_close(&host.p.fd);
        fd_close(&ours);
        sem_destroy(&disk.begun);
        sem_destroy(&disk.go);
        r->peers = NULL;
        host.f.options.io = &io_kernel;
        admit_host_done(&host);
        return 0;
}

#define CHANGE                                                                                     \
        "{\"k\":\"integrity.change\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,\"what\":{"  \
        "\"change\":\"modified\",\"path\":\"/etc/hosts\",\"seen\":\"live\"},"                      \
        "\"why\":{\"state\":\"unexplained\"}}"

/* n entries from sequence `from` on, of `subject` unless that is NULL. */
static void hear(uint64_t from, unsigned n, const char *entry, const char *subject)
{
        struct buf b = BUF_INIT(MSG_MAX);

        msg_put_u64(&b, 0);
        msg_put_u16(&b, (uint16_t)n);
        for (unsigned i = 0; i < n; i++) {
                msg_put_u64(&b, from + i);
                msg_put_bytes32(&b, span_str(entry));
                msg_put_u8(&b, subject != NULL);
                if (subject) {
                        msg_put_bytes16(&b, span_str(subject));
                        msg_put_bytes8(&b, SPAN("who.user"));
                        msg_put_bytes32(&b, SPAN("\"root\""));
                }
        }
        admit_host_hear(&host, buf_span(&b));
        buf_done(&b);
}

/* What came over the socket, as "1+40 41!": acknowledged from 1 on 40, refused 41. */
static const char *heard(void)
{
        static uint8_t packet[MSG_MAX];
        static char out[1024];
        size_t n, at = 0;

        out[0] = '\0';
        while (sock_recv(ours, packet, sizeof packet, &n) == 0) {
                struct err err = { 0 };
                enum msg_type type;
                struct msg_reader m;
                unsigned count = 1;

                assert_int_equal(msg_open(span_of(packet, n), &m, &type, &err), 0);
                assert_true(type == MSG_ACK || type == MSG_NAK);
                if (type == MSG_ACK)
                        count = msg_get_u16(&m);
                for (; count > 0; count--) {
                        uint64_t seq = msg_get_u64(&m);

                        at += (size_t)snprintf(out + at, sizeof out - at, at ? " %llu" : "%llu",
                                               (unsigned long long)seq);
                        if (type == MSG_ACK) {
                                assert_int_equal(msg_get_u64(&m), host.begun + seq - 1);
                                at += (size_t)snprintf(out + at, sizeof out - at, "+%u",
                                                       msg_get_u32(&m));
                        } else {
                                at += (size_t)snprintf(out + at, sizeof out - at, "!");
                        }
                }
        }
        return out;
}

/* The thread has come to its next sync. */
static void await_sync(void)
{
        sem_wait(&disk.begun);
}

static void let_go(void)
{
        sem_post(&disk.go);
        assert_true(commit_await(&host.r) == host.r.stop_code);
}

static void few_are_committed_here(void **state)
{
        hear(1, 3, CHANGE, NULL);
        assert_int_equal(commit_start(&host.r), 0);
        assert_string_equal(heard(), "1+3");
        assert_int_equal(disk.n_calls, 3); /* the segment's header, the batch; synced */
        for (unsigned i = 0; i < disk.n_calls; i++)
                assert_true(disk.call[i].what == (i == 2 ? 's' : 'w') && !disk.call[i].beside);
        assert_int_equal(host.p.durable, 3);
}

static void next_ones_wait_for_theirs(void **state)
{
        struct recorder *r = &host.r;
        struct ledger_position at;

        hear(1, SOME, CHANGE, NULL);
        assert_int_equal(commit_start(r), 0);
        await_sync();
        /* Staged meanwhile: new ones, a refused one, and one of the first again. */
        hear(SOME + 1, 5, CHANGE, NULL);
        hear(SOME + 6, 1, "{}", NULL);
        hear(7, 1, CHANGE, NULL);
        assert_int_equal(commit_start(r), 0); /* one is under way: nothing begins */
        assert_string_equal(heard(), "");
        assert_int_equal(host.p.durable, 0);
        assert_int_equal(ledger_size(r->ledger), host.begun);
        assert_int_equal(ledger_staged(r->ledger), host.begun + SOME + 6);
        ledger_position(r->ledger, &at);
        assert_int_equal(at.size, host.begun);
        let_go();
        assert_string_equal(heard(), "1+40");
        assert_int_equal(host.p.durable, SOME);
        assert_int_equal(ledger_size(r->ledger), host.begun + SOME);
        ledger_position(r->ledger, &at);
        assert_int_equal(at.size, host.begun + SOME);
        assert_int_equal(recorder_commit(r), 0); /* six are few */
        assert_string_equal(heard(), "41+5 46! 7+1");
        assert_int_equal(host.p.durable, SOME + 6);
        assert_int_equal(host.p.n_answers, 0);
}

/* Whoever needs everything durable waits for both. */
static void all_of_it(void **state)
{
        struct recorder *r = &host.r;

        hear(1, SOME, CHANGE, NULL);
        assert_int_equal(commit_start(r), 0);
        hear(SOME + 1, 2, CHANGE, NULL);
        sem_post(&disk.go);
        assert_int_equal(recorder_commit(r), 0);
        assert_string_equal(heard(), "1+40 41+2");
        assert_int_equal(ledger_size(r->ledger), ledger_staged(r->ledger));
}

static void slots_come_first(void **state)
{
        struct recorder *r = &host.r;

        hear(1, SOME, CHANGE, "uid:1");
        disk.n_calls = 0; /* the slot was written */
        assert_int_equal(commit_start(r), 0);
        await_sync();
        assert_int_equal(disk.n_calls, 1);
        assert_true(disk.call[0].what == 's' && disk.call[0].slots && disk.call[0].beside);
        hear(SOME + 1, SOME, CHANGE, "uid:2"); /* another one's: for the next */
        sem_post(&disk.go);
        let_go();
        assert_string_equal(heard(), "1+40");
        disk.n_calls = 0;
        assert_int_equal(commit_start(r), 0);
        sem_post(&disk.go);
        let_go();
        assert_string_equal(heard(), "41+40");
        assert_int_equal(disk.n_calls, 3); /* slots synced, written, synced */
        assert_true(disk.call[0].slots && disk.call[0].what == 's');
        assert_true(disk.call[1].what == 'w' && disk.call[2].what == 's' && !disk.call[2].slots);
        assert_false(vault_sync_begin(r->vault)); /* nothing is left to sync */
}

/* ---- failures ---- */

/* Open again, as the next start would. */
static uint64_t size_on_disk(void)
{
        struct recorder *r = &host.r;

        disk.counts = false;
        disk.write_says = 0;
        r->ledger = ledger_free(r->ledger);
        r->ledger = fixture_open(&host.f);
        return ledger_size(r->ledger);
}

static void failures(void **state)
{
        static const struct {
                const char *name, *subject;
                int sync_says[2], write_says, code;
                uint64_t least, most; /* entries on the disk afterwards */
        } t[] = {
                { "sync", NULL, { -EIO }, 0, -EIO, 0, SOME },
                { "sync, no room", NULL, { -ENOSPC }, 0, -EIO, 0, SOME },
                { "slots", "uid:1", { -EIO }, 0, -EIO, 0, 0 },
                { "sync behind slots", "uid:1", { 0, -EIO }, 0, -EIO, 0, SOME },
                { "write", NULL, { 0 }, -EIO, -EIO, 0, 0 },
                { "write, no room", NULL, { 0 }, -ENOSPC, -ENOSPC, 0, 0 },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct recorder *r = &host.r;
                uint64_t size;

                set_up(NULL);
                print_message("%s\n", t[i].name);
                hear(1, SOME, CHANGE, t[i].subject);
                memcpy(disk.sync_says, t[i].sync_says, sizeof t[i].sync_says);
                sem_post(&disk.go);
                sem_post(&disk.go);
                disk.write_says = t[i].write_says;
                assert_int_equal(commit_start(r), 0);
                host.p.discarding = false;
                hear(SOME + 1, 5, CHANGE, NULL); /* behind one that fails */
                assert_true(commit_await(r) < 0);
                assert_int_equal(r->stop_code, t[i].code);
                assert_string_equal(heard(), "");
                assert_int_equal(host.p.durable, 0);
                assert_int_equal(ledger_size(r->ledger), host.begun);
                assert_int_equal(ledger_staged(r->ledger), host.begun);
                assert_true(recorder_commit(r) < 0 && commit_start(r) < 0);
                assert_string_equal(heard(), "");
                size = size_on_disk();
                assert_in_range(size, host.begun + t[i].least, host.begun + t[i].most);
                r->stop_code = 0;
                tear_down(NULL);
        }
}

/* A batch that is full while another is under way, and a segment that is. */
static void full_batches(void **state)
{
        struct recorder *r = &host.r;
        struct buf entry = BUF_INIT(ENTRY_MAX);
        uint64_t index, run = recorder_wal_run(ADMIT_RUN, ROLE_SENSOR);
        struct err err = { 0 };

        disk.counts = false; /* this disk does not wait */
        while (entry.n < 60000)
                buf_put_byte(&entry, 'x');
        for (uint64_t seq = 1; seq <= 200; seq++) {
                if (seq % LEDGER_WINDOW / 2 == 0)
                        ledger_acked(r->ledger, run, seq - 10);
                assert_int_equal(
                        recorder_stage(r, buf_span(&entry), SPAN_NONE, run, seq, &index, &err), 0);
                assert_int_equal(index, host.begun + seq - 1);
                if (seq % 3 == 0)
                        assert_int_equal(commit_start(r), 0);
                if (seq % 10 == 0)
                        ledger_tend(r->ledger);
        }
        assert_int_equal(recorder_commit(r), 0);
        assert_int_equal(ledger_size(r->ledger), host.begun + 200);
        assert_int_equal(size_on_disk(), host.begun + 200);
        buf_done(&entry);
}

/* ---- rounds of publishing ---- */

/* n entries that follow, in batches of SOME. */
static void stage_more(uint64_t n)
{
        struct recorder *r = &host.r;
        uint64_t index;
        struct err err = { 0 };

        for (uint64_t i = 1; i <= n; i++) {
                assert_int_equal(recorder_stage(r, SPAN("{\"a\":1}"), SPAN_NONE,
                                                recorder_wal_run(r->run, ROLE_RECORDER), r->seq + 1,
                                                &index, &err),
                                 0);
                r->seq++;
                if (i % SOME == 0 || i == n)
                        assert_int_equal(recorder_commit(r), 0);
        }
}

static uint64_t published(void)
{
        struct recorder *r = &host.r;

        pool_drain(r->pool);
        assert_int_equal(r->stop_code, 0);
        return r->published;
}

/* Where many entries come, a round waits for the end of a bundle, but not for long; where few do,
 * it does not wait. */
static void rounds(void **state)
{
        static const struct {
                const char *name;
                uint64_t first; /* entries in ms before it is asked */
                int64_t ms;
                uint64_t then; /* entries and ms after that */
                int64_t then_ms;
                bool at_once, whole;
        } t[] = {
                { "few", 100, 60, 0, 0, true, false },
                { "many, in a long time", 700, 60, 0, 0, true, false },
                { "many", 2000, 60, 300, 8, false, true },
                { "many, and then none", 2000, 60, 3, 20, false, false },
                { "many, and then few", 2000, 60, 3, 5, false, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(t); i++) {
                struct recorder *r = &host.r;
                uint64_t before;

                set_up(NULL);
                disk.counts = false;
                assert_int_equal(pool_new(1, 2, &r->pool, NULL), 0);
                assert_true(recorder_begin_run(r, recorder_wal_run(r->run, ROLE_RECORDER)));
                stage_more(10);
                publishing_start(r);
                before = published();
                assert_int_equal(before, ledger_size(r->ledger));
                print_message("%s\n", t[i].name);
                host.f.now_ns += t[i].ms * NS_PER_MS;
                stage_more(t[i].first);
                publishing_start(r);
                assert_int_equal(r->publishing, t[i].at_once);
                if (!t[i].at_once) {
                        assert_true(publishing_next_ns(r) > host.f.now_ns);
                        stage_more(t[i].then);
                        host.f.now_ns += t[i].then_ms * NS_PER_MS;
                        publishing_start(r);
                        if (!t[i].whole && t[i].then_ms < 15) {
                                assert_false(r->publishing);
                                host.f.now_ns = publishing_next_ns(r);
                                publishing_start(r);
                        }
                }
                assert_true(published() > before);
                if (t[i].whole)
                        assert_int_equal(r->published, 2048); /* 8 of 256 */
                else
                        assert_int_equal(r->published, ledger_size(r->ledger));
                assert_int_equal(publishing_now(r, NULL), 0);
                assert_int_equal(r->published, ledger_size(r->ledger));
                r->publisher = publisher_free(r->publisher);
                r->pool = pool_free(r->pool);
                tear_down(NULL);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(few_are_committed_here, set_up, tear_down),
                cmocka_unit_test_setup_teardown(next_ones_wait_for_theirs, set_up, tear_down),
                cmocka_unit_test_setup_teardown(all_of_it, set_up, tear_down),
                cmocka_unit_test_setup_teardown(slots_come_first, set_up, tear_down),
                cmocka_unit_test_setup_teardown(full_batches, set_up, tear_down),
                cmocka_unit_test(failures),
                cmocka_unit_test(rounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
