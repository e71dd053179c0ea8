/* SPDX-License-Identifier: Apache-2.0 */
/* A writer's end against a recorder played by the test, message by message. */
#include "ledger/feed/feed_priv.h"

#include "../../freed.h"
#include "ledger/writer/ledger.h"
#include "sys/sock.h"
#include "wire/msg.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Both ends in one thread: feed_connect() waits for the welcome, so that is sent by a child. */
struct played {
        char dir[32], path[64];
        int listen_fd, fd;
        struct feed *feed;
        uint64_t acked[16], index[16], refused[16];
        size_t n_acked, n_refused;
        uint8_t packet[MSG_MAX];
};

static void on_ack(void *ctx, uint64_t seq, uint64_t index)
{
        struct played *p = ctx;

        assert_true(p->n_acked < ARRAY_LEN(p->acked));
        p->acked[p->n_acked] = seq;
        p->index[p->n_acked++] = index;
}

static void on_nak(void *ctx, uint64_t seq, int code, struct span text)
{
        struct played *p = ctx;

        assert_int_equal(code, -EINVAL);
        assert_true(span_eq_str(text, "no"));
        p->refused[p->n_refused++] = seq;
}

static int set_up(void **state)
{
        struct played *p = calloc(1, sizeof *p);
        struct feed_options o = { .proc = "sensor", .on_ack = on_ack, .on_nak = on_nak, .ctx = p };

        assert_non_null(p);
        p->fd = -1;
        snprintf(p->dir, sizeof p->dir, "/tmp/assay-feed-XXXXXX");
        assert_non_null(mkdtemp(p->dir));
        snprintf(p->path, sizeof p->path, "%s/sock", p->dir);
        assert_int_equal(sock_listen(p->path, 0600, &p->listen_fd, NULL), 0);
        o.socket = p->path;
        o.max_bytes = 1000;
        assert_int_equal(feed_new(&o, &p->feed, NULL), 0);
        *state = p;
        return 0;
}

static int tear_down(void **state)
{
        struct played *p = *state;

        feed_free(p->feed);
        fd_close(&p->fd);
        fd_close(&p->listen_fd);
        unlink(p->path);
        rmdir(p->dir);
        free(p);
        return 0;
}

static void say(struct played *p, struct buf *b, size_t at)
{
        msg_end(b, at);
        assert_int_equal(buf_status(b), 0);
        assert_int_equal(send(p->fd, b->p, b->n, 0), (ssize_t)b->n);
        buf_done(b);
}

static void say_ack(struct played *p, uint64_t seq, uint64_t index, uint32_t n)
{
        struct buf b = BUF_INIT(1024);
        size_t at = msg_begin(&b, MSG_ACK);

        msg_put_u16(&b, 1);
        msg_put_u64(&b, seq);
        msg_put_u64(&b, index);
        msg_put_u32(&b, n);
        say(p, &b, at);
}

static void say_nak(struct played *p, uint64_t seq)
{
        struct buf b = BUF_INIT(1024);
        size_t at = msg_begin(&b, MSG_NAK);

        msg_put_u64(&b, seq);
        msg_put_u32(&b, EINVAL);
        msg_put_bytes16(&b, SPAN("no"));
        say(p, &b, at);
}

static void say_stopped(struct played *p, uint32_t code)
{
        struct buf b = BUF_INIT(1024);
        size_t at = msg_begin(&b, MSG_STOPPED);

        msg_put_u32(&b, code);
        msg_put_bytes16(&b, SPAN(""));
        say(p, &b, at);
}

static void say_welcome(struct played *p, uint64_t run, uint64_t last)
{
        struct buf b = BUF_INIT(1024);
        size_t at = msg_begin(&b, MSG_WELCOME);

        msg_put_u64(&b, run);
        msg_put_u64(&b, last);
        msg_put_u32(&b, LEDGER_WINDOW);
        msg_put_bytes8(&b, SPAN("h"));
        say(p, &b, at);
}

/* The recorder's half of a connection runs in a child; its end of the socket comes back to us. */
static void pass_fd(int over, int fd)
{
        char space[CMSG_SPACE(sizeof fd)] = { 0 }, byte = 0;
        struct iovec v = { &byte, 1 };
        struct msghdr m = {
                .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
        };
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);

        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
        if (sendmsg(over, &m, 0) != 1)
                _exit(1);
}

static int take_fd(int over)
{
        char space[CMSG_SPACE(sizeof(int))] = { 0 }, byte;
        struct iovec v = { &byte, 1 };
        struct msghdr m = {
                .msg_iov = &v, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
        };
        int fd = -1;

        assert_int_equal(recvmsg(over, &m, 0), 1);
        assert_non_null(CMSG_FIRSTHDR(&m));
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
        return fd;
}

static void begin(struct played *p, uint64_t resume, uint64_t run, uint64_t last)
{
        struct err err = { 0 };
        int pair[2];
        pid_t child;

        fd_close(&p->fd);
        assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
        child = fork();
        assert_true(child >= 0);
        if (child == 0) {
                poll(&(struct pollfd){ .fd = p->listen_fd, .events = POLLIN }, 1, 10000);
                p->fd = accept(p->listen_fd, NULL, NULL);
                if (p->fd < 0 || recv(p->fd, p->packet, sizeof p->packet, 0) <= 0)
                        _exit(1);
                say_welcome(p, run, last);
                pass_fd(pair[1], p->fd);
                _exit(0);
        }
        assert_int_equal(feed_connect(p->feed, resume, 10000, &err), 0);
        p->fd = take_fd(pair[0]);
        close(pair[0]);
        close(pair[1]);
        assert_int_equal(waitpid(child, NULL, 0), child); /* its copy of the socket is gone */
        assert_int_equal(feed_run(p->feed), run);
        assert_int_equal(feed_held(p->feed), last);
        assert_true(span_eq_str(feed_host(p->feed), "h"));
}

static int put(struct played *p, const char *text, uint64_t *ret_seq)
{
        return feed_put(p->feed, span_str(text), NULL, 0, ret_seq, NULL);
}

static void put_three(struct played *p)
{
        static const char *const text[] = { "{\"a\":1}", "{\"a\":2}", "{\"a\":3}" };
        uint64_t seq;

        for (size_t i = 0; i < ARRAY_LEN(text); i++)
                assert_int_equal(put(p, text[i], &seq), 0);
}

/* The next message has these sequences, from `first` on. */
static void hears(struct played *p, uint64_t acked, uint64_t first, unsigned n)
{
        ssize_t len = recv(p->fd, p->packet, sizeof p->packet, MSG_DONTWAIT);
        enum msg_type type;
        struct msg_reader m;
        struct err err = { 0 };

        assert_true(len > 0);
        assert_int_equal(msg_open(span_of(p->packet, (size_t)len), &m, &type, &err), 0);
        assert_int_equal(type, MSG_APPEND);
        assert_int_equal(msg_get_u64(&m), acked);
        assert_int_equal(msg_get_u16(&m), n);
        for (unsigned i = 0; i < n; i++) {
                assert_int_equal(msg_get_u64(&m), first + i);
                msg_get_bytes32(&m);
                assert_int_equal(msg_get_u8(&m), 0);
        }
        assert_int_equal(msg_close(&m), 0);
}

static void hears_nothing(struct played *p)
{
        assert_int_equal(recv(p->fd, p->packet, sizeof p->packet, MSG_DONTWAIT), -1);
}

static int work(struct played *p)
{
        struct err err = { 0 };
        int rc = feed_work(p->feed, &err);

        assert_int_equal(rc, err.code);
        return rc;
}

static void test_answers(void **state)
{
        struct played *p = *state;

        begin(p, 0, 7, 0);
        put_three(p);
        assert_int_equal(work(p), 0);
        hears(p, 0, 1, 3);
        say_ack(p, 1, 100, 1);
        say_nak(p, 2);
        say_ack(p, 3, 103, 1);
        assert_int_equal(work(p), 0);
        assert_int_equal(feed_pending(p->feed), 0);
        assert_int_equal(p->n_acked, 2);
        assert_int_equal(p->acked[1], 3);
        assert_int_equal(p->index[1], 103);
        assert_int_equal(p->n_refused, 1);
        assert_int_equal(p->refused[0], 2);
        put_three(p);
        assert_int_equal(work(p), 0);
        hears(p, 3, 4, 3);
}

static void test_queue_is_bounded(void **state)
{
        struct played *p = *state;
        char large[2000];
        uint64_t seq;
        int n = 0;

        memset(large, 'x', sizeof large - 1);
        large[sizeof large - 1] = '\0';
        assert_int_equal(put(p, large, &seq), 0); /* alone it may be larger than all together */
        assert_int_equal(put(p, "{}", &seq), -EAGAIN);
        assert_int_equal(feed_pending(p->feed), 1);
        begin(p, 0, 7, 0);
        assert_int_equal(work(p), 0);
        hears(p, 0, 1, 1);
        say_ack(p, 1, 1, 1);
        assert_int_equal(work(p), 0);
        while (put(p, "", &seq) == 0)
                n++;
        assert_in_range(n, 1000 / 16, LEDGER_WINDOW);
        assert_int_equal(feed_pending(p->feed), n);
}

static struct msg_reader hears_type(struct played *p, enum msg_type want)
{
        ssize_t len = recv(p->fd, p->packet, sizeof p->packet, MSG_DONTWAIT);
        static struct err err;
        enum msg_type type;
        struct msg_reader m;

        assert_true(len > 0);
        assert_int_equal(msg_open(span_of(p->packet, (size_t)len), &m, &type, &err), 0);
        assert_int_equal(type, want);
        return m;
}

/* One at once over each connection, the next in good time and not before. */
static void test_signs_of_life(void **state)
{
        struct played *p = *state;
        struct msg_reader m;

        feed_beat(p->feed); /* nobody is there to hear it */
        feed_bye(p->feed, false, 1, 2);
        for (int i = 0; i < 2; i++) {
                begin(p, 0, 7, 0);
                feed_beat(p->feed);
                feed_beat(p->feed);
                m = hears_type(p, MSG_BEAT);
                assert_int_equal(msg_close(&m), 0);
                hears_nothing(p);
        }
        feed_bye(p->feed, false, 4711, 1000);
        m = hears_type(p, MSG_BYE);
        assert_int_equal(msg_get_u8(&m), MSG_BYE_STOP);
        assert_int_equal(msg_get_u32(&m), 4711);
        assert_int_equal(msg_get_u32(&m), 1000);
        assert_int_equal(msg_close(&m), 0);
        feed_bye(p->feed, true, 0, 0);
        m = hears_type(p, MSG_BYE);
        assert_int_equal(msg_get_u8(&m), MSG_BYE_AGAIN);
}

static void test_too_large(void **state)
{
        struct played *p = *state;
        static char huge[MSG_MAX + 1];
        uint64_t seq = 99;

        memset(huge, 'x', MSG_MAX);
        assert_int_equal(put(p, huge, &seq), -E2BIG);
        assert_int_equal(seq, 99);
        assert_int_equal(feed_pending(p->feed), 0);
}

static void test_reconnect_sends_again(void **state)
{
        struct played *p = *state;

        begin(p, 0, 7, 0);
        put_three(p);
        assert_int_equal(work(p), 0);
        hears(p, 0, 1, 3);
        say_ack(p, 1, 100, 1);
        assert_int_equal(work(p), 0);
        fd_close(&p->fd);
        assert_int_equal(work(p), -EPIPE);
        assert_false(feed_connected(p->feed));
        begin(p, 7, 7, 2); /* it has the second, whose acknowledgement was lost */
        assert_int_equal(work(p), 0);
        hears(p, 1, 2, 2);
        say_ack(p, 2, 101, 2);
        assert_int_equal(work(p), 0);
        assert_int_equal(p->n_acked, 3);
        assert_int_equal(feed_pending(p->feed), 0);
}

static void test_forgotten_run(void **state)
{
        struct played *p = *state;

        begin(p, 0, 7, 0);
        put_three(p);
        assert_int_equal(work(p), 0);
        hears(p, 0, 1, 3);
        say_ack(p, 1, 100, 1);
        assert_int_equal(work(p), 0);
        fd_close(&p->fd);
        assert_int_equal(work(p), -EPIPE);
        begin(p, 7, 9, 0);
        assert_int_equal(work(p), 0);
        hears(p, 0, 1, 2);
}

/* Regression: they went out as sequences 1 to 3 of a run that had had those. */
static void test_put_before_resuming(void **state)
{
        struct played *p = *state;

        put_three(p);
        begin(p, 7, 7, 40);
        assert_int_equal(work(p), 0);
        hears(p, 40, 41, 3);
}

static void test_stop(void **state)
{
        struct played *p = *state;
        uint64_t seq;

        begin(p, 0, 7, 0);
        put_three(p);
        assert_int_equal(work(p), 0);
        hears(p, 0, 1, 3);
        say_stopped(p, ENOSPC);
        say_ack(p, 1, 100, 1); /* taken before the disk was full */
        assert_int_equal(work(p), 0);
        assert_int_equal(feed_stopped(p->feed), -ENOSPC);
        assert_int_equal(put(p, "{}", &seq), 0);
        assert_int_equal(work(p), 0);
        hears_nothing(p);
        say_stopped(p, 0);
        assert_int_equal(work(p), 0);
        assert_int_equal(feed_stopped(p->feed), 0);
        hears(p, 1, 2, 3); /* regression: only the new one was sent */
        say_ack(p, 2, 101, 2);
        say_ack(p, 2, 101, 3); /* it had taken two of them at the first time, too */
        assert_int_equal(work(p), 0);
        assert_int_equal(feed_pending(p->feed), 0);
        assert_int_equal(p->n_acked, 4);
}

static void test_out_of_turn(void **state)
{
        static const struct {
                uint64_t seq;
                uint32_t n;
        } bad[] = { { 2, 1 }, { 0, 1 }, { 1, 4 }, { 4, 1 }, { UINT64_MAX, 2 } };
        struct played *p = *state;

        put_three(p);
        for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
                begin(p, 0, 7 + i, 0);
                if (feed_pending(p->feed) == 0)
                        put_three(p);
                assert_int_equal(work(p), 0);
                say_ack(p, bad[i].seq, 50, bad[i].n);
                assert_int_equal(work(p), -EPROTO);
                assert_false(feed_connected(p->feed));
                p->n_acked = 0;
        }
        begin(p, 0, 70, 0);
        say_nak(p, 9);
        assert_int_equal(work(p), -EPROTO);
        begin(p, 0, 71, 0);
        say_ack(p, 1, 50, 1); /* before anything was sent */
        assert_int_equal(work(p), -EPROTO);
        begin(p, 0, 72, 0);
        say_welcome(p, 73, 0); /* a second one */
        assert_int_equal(work(p), -EPROTO);
        begin(p, 0, 74, 0);
        assert_int_equal(send(p->fd, "rubbish", 7, 0), 7);
        assert_int_equal(work(p), -EBADMSG);
}

static void test_nobody_there(void **state)
{
        struct played *p = *state;
        struct err err = { 0 };

        assert_int_equal(work(p), -EPIPE);
        fd_close(&p->listen_fd);
        assert_int_equal(feed_connect(p->feed, 0, 100, &err), -ECONNREFUSED);
        assert_non_null(strstr(err_text(&err), p->path));
}

static void test_silence(void **state)
{
        struct played *p = *state;
        struct err err = { 0 };

        assert_int_equal(feed_connect(p->feed, 0, 50, &err), -ETIMEDOUT);
        assert_false(feed_connected(p->feed));
}

/* Hello, and then everything when its time comes: no call waits. */
static void test_greet(void **state)
{
        struct played *p = *state;
        struct err err = { 0 };
        uint64_t seq;

        for (int again = 0; again < 2; again++) {
                fd_close(&p->fd);
                assert_int_equal(feed_greet(p->feed, again ? 7 : 0, &err), 0);
                assert_true(feed_fd(p->feed) >= 0);
                assert_false(feed_connected(p->feed));
                assert_int_equal(work(p), 0); /* nothing there yet */
                p->fd = accept(p->listen_fd, NULL, NULL);
                assert_true(recv(p->fd, p->packet, sizeof p->packet, MSG_DONTWAIT) > 0);
                assert_int_equal(put(p, "{\"a\":1}", &seq), 0);
                feed_beat(p->feed);
                feed_bye(p->feed, true, 0, 0);
                assert_int_equal(work(p), 0);
                hears_nothing(p); /* none of it before the welcome */
                assert_false(feed_connected(p->feed));
                say_welcome(p, 7, again ? 1 : 0);
                assert_int_equal(work(p), 0);
                assert_true(feed_connected(p->feed));
                hears(p, again ? 1 : 0, again ? 2 : 1, 1);
                say_ack(p, again ? 2 : 1, 100, 1);
                assert_int_equal(work(p), 0);
                assert_int_equal(feed_pending(p->feed), 0);
        }
        fd_close(&p->fd);
        assert_int_equal(feed_greet(p->feed, 7, &err), 0);
        p->fd = accept(p->listen_fd, NULL, NULL);
        say_ack(p, 3, 100, 1); /* instead of a welcome */
        assert_int_equal(work(p), -EPROTO);
        assert_int_equal(feed_fd(p->feed), -1);
        assert_int_equal(feed_greet(p->feed, 7, &err), 0);
        fd_close(&p->listen_fd); /* before it was accepted */
        assert_int_equal(work(p), -EPIPE);
        assert_int_equal(feed_greet(p->feed, 7, &err), -ECONNREFUSED);
}

static bool is_room(const struct played *p)
{
        return poll(&(struct pollfd){ .fd = feed_fd(p->feed), .events = POLLOUT }, 1, 0) == 1;
}

/* The recorder reads nothing for a while: what there is no room for is asked for, stays whole and
 * goes out in its order, and signs of life do not take its place. */
static void test_full_socket(void **state)
{
        struct played *p = *state;
        int least = 1; /* as little as the system gives */
        struct msg_reader m;
        unsigned n = 0;
        uint64_t seq;

        begin(p, 0, 7, 0);
        assert_int_equal(setsockopt(feed_fd(p->feed), SOL_SOCKET, SO_SNDBUF, &least, sizeof least),
                         0);
        do {
                assert_int_equal(put(p, "{}", &seq), 0);
                assert_int_equal(work(p), 0);
        } while (!feed_wants_write(p->feed) && ++n < 12);
        assert_in_range(n, 2, 11);
        assert_int_equal(seq, n + 1);
        assert_false(is_room(p));
        feed_beat(p->feed);
        feed_bye(p->feed, true, 0, 0);
        say_ack(p, 1, 100, 1);
        for (int i = 0; i < 2; i++) { /* each asks again */
                assert_int_equal(put(p, "{}", &seq), 0);
                assert_int_equal(work(p), 0);
                assert_true(feed_wants_write(p->feed));
        }
        assert_int_equal(feed_send(p->feed, NULL), 0);
        assert_true(feed_wants_write(p->feed));
        for (unsigned i = 1; i <= n; i++)
                hears(p, 0, i, 1);
        hears_nothing(p);
        assert_true(is_room(p));
        assert_int_equal(feed_send(p->feed, NULL), 0);
        assert_false(feed_wants_write(p->feed));
        hears(p, 1, n + 1, 3);
        hears_nothing(p);
        feed_beat(p->feed); /* it was not said */
        m = hears_type(p, MSG_BEAT);
        assert_int_equal(msg_close(&m), 0);
        say_ack(p, 2, 101, n + 2);
        assert_int_equal(work(p), 0);
        assert_int_equal(feed_pending(p->feed), 0);
        assert_int_equal(p->n_acked, n + 3);
}

#define FEED_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Values are clear until the recorder seals them: nothing of them is left, sent or not. */
static void no_value_is_left_in_memory(void **state)
{
        static const char word[] = "a value that nobody else is to find";
        const struct feed_field field = { SPAN("person:a"), SPAN("who.user"), SPAN(word) };
        struct played *p = *state;
        uint64_t seq;

        freed_word = word;
        freed_with_it = 0;
        begin(p, 0, 7, 0);
        assert_int_equal(feed_put(p->feed, SPAN("{}"), &field, 1, &seq, NULL), 0);
        assert_int_equal(feed_work(p->feed, NULL), 0);
        assert_true(recv(p->fd, p->packet, sizeof p->packet, 0) > 0);
        assert_non_null(memmem(p->packet, sizeof p->packet, word, sizeof word - 1));
        assert_null(memmem(p->feed->out.p, p->feed->out.cap, word, sizeof word - 1));
        say_ack(p, 1, 0, 1);
        assert_int_equal(feed_work(p->feed, NULL), 0);
        assert_int_equal(feed_pending(p->feed), 0);
        fd_close(&p->fd);
        while (feed_put(p->feed, SPAN("{}"), &field, 1, &seq, NULL) == 0)
                ; /* until there is no room */
        assert_true(feed_pending(p->feed) > 1);
        assert_true(feed_work(p->feed, NULL) < 0);
        p->feed = feed_free(p->feed);
        assert_int_equal(freed_with_it, 0);
        freed_word = NULL;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                FEED_TEST(test_answers),       FEED_TEST(test_queue_is_bounded),
                FEED_TEST(test_too_large),     FEED_TEST(test_reconnect_sends_again),
                FEED_TEST(test_forgotten_run), FEED_TEST(test_put_before_resuming),
                FEED_TEST(test_stop),          FEED_TEST(test_out_of_turn),
                FEED_TEST(test_nobody_there),  FEED_TEST(test_silence),
                FEED_TEST(test_signs_of_life), FEED_TEST(test_greet),
                FEED_TEST(test_full_socket),   FEED_TEST(no_value_is_left_in_memory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
