/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that runs out at each place in turn between a writer's message and the signed tree: an
 * answer says what the ledger has, or there is none and the writer comes again, or the recorder
 * stops and says why. */
#include "../alloc_fail.h"

#include "admit_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

char *__wrap_strdup(const char *s)
{
        return alloc_fails() ? NULL : __real_strdup(s);
}

enum { SENT_MAX = 8, NOTHING = 1 };

static struct admit_host host;
static int ours;

static void start(enum role_id role)
{
        int end[2];

        admit_host_new(&host);
        assert_int_equal(loop_new(&host.f.clock, &host.r.loop, NULL), 0);
        assert_int_equal(sock_pair(end), 0);
        admit_host_meet(&host, role);
        host.p.fd = end[0];
        ours = end[1];
        host.r.peers = &host.p;
}

static void stop(void)
{
        host.r.loop = loop_free(host.r.loop);
        host.r.publisher = publisher_free(host.r.publisher);
        fd_close(&host.p.fd);
        fd_close(&ours);
        host.r.peers = NULL;
        admit_host_done(&host);
}

/* ---- what is sent ---- */

struct sent {
        const char *skeleton;
        const char *subject;
        size_t padding; /* of what.path, which is what.path where the skeleton has %s */
        int code;       /* of a refusal */
};

#define CHANGE(path)                                                                               \
        "{\"k\":\"integrity.change\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,\"what\":{"  \
        "\"change\":\"modified\",\"path\":\"/etc/" path "\",\"seen\":\"live\"},"                   \
        "\"why\":{\"state\":\"unexplained\"}}"
#define INTENT(call)                                                                               \
        "{\"k\":\"api.intent\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,\"what\":{"        \
        "\"api\":\"a\",\"bytes\":0,\"call\":\"" call "\",\"decision\":\"allow\",\"generation\":1," \
        "\"method\":\"GET\",\"operation\":\"o\",\"sha256\":\"" SHA "\",\"verified\":true,"         \
        "\"version\":\"1\"}}"
#define SHA "1111111111111111111111111111111111111111111111111111111111111111"
#define OUTCOME(call)                                                                              \
        "{\"k\":\"api.outcome\",\"t\":\"2026-11-21T18:00:00.123456789Z\",\"v\":1,\"what\":{"       \
        "\"api\":\"a\",\"bytes\":0,\"call\":\"" call "\",\"method\":\"GET\",\"operation\":\"o\","  \
        "\"result\":\"answered\",\"status\":200,\"version\":\"1\"}}"

static const struct sent from_sensor[] = {
        { CHANGE("hosts"), NULL, 0, 0 },
        { CHANGE("passwd"), "uid:1", 0, 0 },
        { CHANGE("shadow"), "uid:2", 0, -EBUSY }, /* of one subject more than there may be */
        { "{}", NULL, 0, -EINVAL },
        { CHANGE("%s"), NULL, 40000, 0 }, /* long enough for a look at its length */
};
static const struct sent from_gateway[] = {
        { INTENT("one"), NULL, 0, 0 },
        { OUTCOME("none"), NULL, 0, -EINVAL },
        { INTENT("two"), NULL, 0, 0 },
        { OUTCOME("one"), NULL, 0, 0 },
};

static const struct {
        enum role_id role;
        const struct sent *sent;
        size_t n;
} writers[] = {
        { ROLE_SENSOR, from_sensor, ARRAY_LEN(from_sensor) },
        { ROLE_GATEWAY, from_gateway, ARRAY_LEN(from_gateway) },
};

static void put_skeleton(struct buf *b, const struct sent *s)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(ENTRY_MAX);
        const char *at = strstr(s->skeleton, "%s");

        buf_put(&text, span_of(s->skeleton, at ? (size_t)(at - s->skeleton) : strlen(s->skeleton)));
        for (size_t i = 0; at && i < s->padding; i++)
                buf_put_byte(&text, 'x');
        if (at)
                buf_put_str(&text, at + 2);
        msg_put_bytes32(b, buf_span(&text));
}

/* All of them in one message, of which allocation nth fails; 0: none.  true: one did. */
static bool hear(const struct sent *s, size_t n, size_t nth)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(MSG_MAX);
        int rc;

        msg_put_u64(&b, 0);
        msg_put_u16(&b, (uint16_t)n);
        for (size_t i = 0; i < n; i++) {
                msg_put_u64(&b, i + 1);
                put_skeleton(&b, &s[i]);
                msg_put_u8(&b, s[i].subject != NULL);
                if (s[i].subject) {
                        msg_put_bytes16(&b, span_str(s[i].subject));
                        msg_put_bytes8(&b, SPAN("who.user"));
                        msg_put_bytes32(&b, SPAN("\"root\""));
                }
        }
        assert_int_equal(buf_status(&b), 0);
        alloc_fail_nth = nth;
        admit_host_hear(&host, buf_span(&b));
        rc = recorder_commit(&host.r);
        assert_true(rc == host.r.stop_code);
        rc = nth > 0 && alloc_fail_nth == 0;
        alloc_fail_nth = 0;
        return rc;
}

/* ---- what is heard, and what is so ---- */

struct heard {
        int code[SENT_MAX]; /* by sequence - 1: 0 taken, NOTHING not answered, else of a refusal */
        uint64_t index[SENT_MAX];
};

static void read_ack(struct msg_reader *m, struct heard *h)
{
        for (unsigned ranges = msg_get_u16(m); ranges > 0; ranges--) {
                uint64_t seq = msg_get_u64(m), index = msg_get_u64(m);

                for (uint32_t n = msg_get_u32(m); n > 0; n--, seq++, index++) {
                        assert_in_range(seq, 1, SENT_MAX);
                        h->code[seq - 1] = 0;
                        h->index[seq - 1] = index;
                }
        }
}

static void read_nak(struct msg_reader *m, struct heard *h)
{
        uint64_t seq = msg_get_u64(m);

        assert_in_range(seq, 1, SENT_MAX);
        h->code[seq - 1] = -(int)msg_get_u32(m);
        assert_true(msg_get_bytes16(m).n > 0); /* with words */
}

static struct heard answers(void)
{
        static uint8_t packet[MSG_MAX];
        struct heard h;
        size_t n;

        for (size_t i = 0; i < SENT_MAX; i++)
                h.code[i] = NOTHING;
        while (sock_recv(ours, packet, sizeof packet, &n) == 0) {
                struct err err = { 0 };
                enum msg_type type;
                struct msg_reader m;

                assert_int_equal(msg_open(span_of(packet, n), &m, &type, &err), 0);
                assert_true(type == MSG_ACK || type == MSG_NAK);
                if (type == MSG_ACK)
                        read_ack(&m, &h);
                else
                        read_nak(&m, &h);
                assert_int_equal(msg_close(&m), 0);
        }
        return h;
}

/* As the next start finds it: whatever was answered is in it, where the answer said. */
static void check_disk(enum role_id role, const struct heard *h)
{
        struct recorder *r = &host.r;

        r->ledger = ledger_free(r->ledger);
        r->ledger = fixture_open(&host.f);
        for (size_t i = 0; i < SENT_MAX; i++) {
                struct ledger_writer_id id = { recorder_wal_run(ADMIT_RUN, role), i + 1 };
                uint64_t index;

                if (h->code[i] == NOTHING)
                        continue;
                assert_int_equal(ledger_find(r->ledger, id, &index), 0);
                if (h->code[i] == 0)
                        assert_int_equal(index, h->index[i]);
        }
}

/* A refusal is as it should be, or for want of memory, which a gateway's may be; an acknowledgement
 * is of what is no refusal. */
static void check_answers(const struct sent *s, size_t n, const struct heard *h)
{
        bool gave_up = host.r.stop_code || host.p.state == PEER_CLOSING;

        if (host.r.stop_code)
                assert_int_equal(host.r.stop_code, -ENOMEM);
        if (host.p.state == PEER_CLOSING)
                assert_non_null(strstr(host.p.why, "emory"));
        for (size_t i = 0; i < n; i++)
                if (h->code[i] == NOTHING)
                        assert_true(gave_up);
                else if (h->code[i] != s[i].code)
                        assert_true(host.p.role == ROLE_GATEWAY && h->code[i] < 0);
}

static void messages(void **state)
{
        for (size_t w = 0; w < ARRAY_LEN(writers); w++) {
                bool failed = true;
                size_t nth = 0;

                while (failed) {
                        struct heard h;

                        start(writers[w].role);
                        host.options.subjects = 1;
                        failed = hear(writers[w].sent, writers[w].n, ++nth);
                        h = answers();
                        check_answers(writers[w].sent, writers[w].n, &h);
                        check_disk(writers[w].role, &h);
                        if (!failed)
                                assert_true(host.r.stop_code == 0 && host.p.state == PEER_OPEN);
                        stop();
                }
                assert_true(nth > 6);
        }
}

/* The same again, whose answers were lost: there is another, or none. */
static void resent(void **state)
{
        for (size_t w = 0; w < ARRAY_LEN(writers); w++) {
                bool failed = true;

                for (size_t nth = 1; failed; nth++) {
                        struct heard first, h;

                        start(writers[w].role);
                        host.options.subjects = 1;
                        assert_false(hear(writers[w].sent, writers[w].n, 0));
                        first = answers();
                        buf_done(&host.r.entry); /* a new recorder's is empty */
                        buf_done(&host.r.out);
                        failed = hear(writers[w].sent, writers[w].n, nth);
                        h = answers();
                        assert_int_equal(host.r.stop_code, 0);
                        for (size_t i = 0; i < writers[w].n; i++) {
                                if (h.code[i] == NOTHING)
                                        assert_true(host.p.state == PEER_CLOSING);
                                else
                                        assert_int_equal(h.code[i], first.code[i]);
                                if (h.code[i] == 0)
                                        assert_int_equal(h.index[i], first.index[i]);
                        }
                        stop();
                }
        }
}

/* ---- open calls, as the next recorder finds them ---- */

enum { CALLS_THERE = 3 };

static void hear_calls(void)
{
        static const struct sent calls[] = { { INTENT("a"), NULL, 0, 0 },
                                             { INTENT("b"), NULL, 0, 0 },
                                             { OUTCOME("x"), NULL, 0, -EINVAL },
                                             { INTENT("c"), NULL, 0, 0 } };

        hear(calls, ARRAY_LEN(calls), 0);
        assert_int_equal(host.r.calls.n, CALLS_THERE);
}

/* As a recorder that knows of these entries leaves it. */
static void write_note(void)
{
        char note[512];

        snprintf(note, sizeof note,
                 "{\"at\":%llu,\"open\":[[\"a\",\"A\",0,4],[\"b\",\"B\",1,4],[\"c\",\"C\",3,4]],"
                 "\"origin\":\"" FIXTURE_ORIGIN "\",\"refused\":[[4,3,-22]]}\n",
                 (unsigned long long)ledger_size(host.r.ledger));
        fixture_write(host.f.private_fd, "calls", span_str(note));
}

/* All that are open are known then, or it is said that they are not. */
static void restore(void)
{
        struct recorder *r = &host.r;
        bool failed = true;
        size_t nth;

        for (nth = 1; failed; nth++) {
                calls_done(&r->calls);
                r->calls_known = false;
                r->calls_why[0] = '\0';
                r->kept = 0;
                alloc_fail_nth = nth;
                calls_restore(r);
                failed = alloc_fail_nth == 0;
                alloc_fail_nth = 0;
                assert_true(r->calls_known == (r->calls_why[0] == '\0'));
                if (r->calls_known)
                        assert_int_equal(r->calls.n, CALLS_THERE);
                else
                        assert_non_null(strstr(r->calls_why, "emory"));
        }
        assert_true(nth > 4);
}

static void calls_known_again(void **state)
{
        struct recorder *r = &host.r;

        start(ROLE_GATEWAY);
        host.options.state = host.f.dir;
        assert_int_equal(symlinkat("log", host.f.root_fd, "ledger"), 0);
        hear_calls();
        r->publisher = fixture_publisher(&host.f, r->vault, false);
        fixture_publish(r->publisher, r->ledger);
        r->published = ledger_size(r->ledger);
        restore();
        write_note();
        restore();
        stop();
}

/* ---- publishing ---- */

enum { ENTRIES = 600, MORE = 300 };

/* Without memory nothing is final: another publisher goes on, and the tree is what it must be. */
static void publishing(void **state)
{
        struct recorder *r = &host.r;
        bool failed = true;
        size_t nth = 0;

        while (failed) {
                struct publisher_options o = { .io = &io_kernel };
                struct err err = { 0 };
                int rc;

                start(ROLE_SENSOR);
                o.vault = r->vault;
                fixture_append(&host.f, r->ledger, ENTRIES, 200, 100);
                r->publisher = fixture_publisher(&host.f, r->vault, false);
                assert_int_equal(publishing_here(r, &err), 0);
                r->publisher = publisher_free(r->publisher);
                fixture_append(&host.f, r->ledger, MORE, 200, 100);
                alloc_fail_nth = ++nth;
                rc = publisher_open(host.f.public_fd, host.f.private_fd, &o, &r->publisher, &err);
                if (rc == 0)
                        rc = publishing_here(r, &err);
                failed = alloc_fail_nth == 0;
                alloc_fail_nth = 0;
                if (rc != (failed ? -ENOMEM : 0))
                        fail_msg("%zu: %d %s", nth, rc, err_text(&err));
                assert_int_equal(r->stop_code, 0);
                if (failed) {
                        assert_int_equal(err.code, -ENOMEM);
                        r->publisher = fixture_publisher(&host.f, r->vault, false);
                        assert_int_equal(publishing_here(r, &err), 0);
                }
                fixture_check_tree_after_crash(&host.f, ENTRIES + MORE);
                assert_int_equal(fixture_checkpoint_size(&host.f), ENTRIES + MORE);
                stop();
        }
        assert_true(nth > 8);
}

/* ---- opening ---- */

static void opening(void **state)
{
        struct recorder *r = &host.r;
        bool failed = true;
        size_t nth = 0;

        start(ROLE_SENSOR);
        fixture_append(&host.f, r->ledger, ENTRIES, 200, 100);
        while (failed) {
                struct err err = { 0 };
                int rc;

                r->ledger = ledger_free(r->ledger);
                alloc_fail_nth = ++nth;
                rc = ledger_open(host.f.public_fd, host.f.private_fd, &host.f.options, &r->ledger,
                                 &err);
                failed = alloc_fail_nth == 0;
                alloc_fail_nth = 0;
                if (rc != (failed ? -ENOMEM : 0))
                        fail_msg("%zu: %d %s", nth, rc, err_text(&err));
                if (failed)
                        assert_int_equal(err.code, -ENOMEM);
        }
        assert_true(nth > 5);
        fixture_check(&host.f, r->ledger);
        stop();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(messages),          cmocka_unit_test(resent),
                cmocka_unit_test(calls_known_again), cmocka_unit_test(publishing),
                cmocka_unit_test(opening),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
