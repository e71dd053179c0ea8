/* SPDX-License-Identifier: Apache-2.0 */
/* change_latency - from a change of a file to the recorder's word that its entry is durable.
 *
 *   change_latency RECORDER-SOCKET OWN-SOCKET DIR CHANGES
 *
 * Stands between the sensor and the recorder: it listens at OWN-SOCKET, where the sensor connects,
 * passes every message on, and so sees the entry go by and the acknowledgement come back.  Its own
 * two hops are part of what it measures.  Prints "ready", then once the sensor is live (a line on
 * standard input says so) p50 and p99 of that, and of the time until the entry went by. */
#include "base/text.h"
#include "crypto/sha256.h"
#include "samples.h"
#include "sys/sock.h"
#include "wire/msg.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { CHANGES_MAX = 10000, CONTENT = 512, MESSAGES_ROOM = 4 };
#define PATIENCE_NS (10 * NS_PER_S)

enum state { RESTING, CHANGED, SENT }; /* a change; its entry went by; back with the answer */

struct between {
        int sensor, recorder;
        enum state state;
        char digest[2 * SHA256_LEN + 1]; /* of the last change's content */
        uint64_t seq;                    /* of its entry */
        int64_t sent_ns;                 /* when that went by */
};

static void die(const char *what, int code)
{
        fprintf(stderr, "change_latency: %s: %s\n", what, strerror(-code));
        exit(1);
}

/* The entry of our change, among those of one message. */
static void look_at_append(struct between *b, struct msg_reader *r)
{
        unsigned n;

        msg_get_u64(r);
        n = msg_get_u16(r);
        for (unsigned i = 0; i < n && !r->failed; i++) {
                uint64_t seq = msg_get_u64(r);
                struct span skeleton = msg_get_bytes32(r);
                unsigned fields = msg_get_u8(r);

                if (memmem(skeleton.p, skeleton.n, b->digest, 2 * SHA256_LEN)) {
                        b->seq = seq;
                        b->sent_ns = bench_now();
                        b->state = SENT;
                }
                for (; fields > 0 && !r->failed; fields--) {
                        msg_get_bytes16(r);
                        msg_get_bytes8(r);
                        msg_get_bytes32(r);
                }
        }
}

static void look_at_ack(struct between *b, struct msg_reader *r)
{
        unsigned n = msg_get_u16(r);

        for (unsigned i = 0; i < n && !r->failed; i++) {
                uint64_t seq = msg_get_u64(r), index = msg_get_u64(r);
                uint32_t count = msg_get_u32(r);

                (void)index;
                if (b->seq >= seq && b->seq - seq < count)
                        b->state = RESTING;
        }
}

static void look_at_nak(struct msg_reader *r)
{
        struct span text;

        msg_get_u64(r);
        msg_get_u32(r);
        text = msg_get_bytes16(r);
        fprintf(stderr, "change_latency: the recorder refused an entry: %.*s\n", (int)text.n,
                (const char *)text.p);
        exit(1);
}

static void look(struct between *b, struct span packet)
{
        struct msg_reader r;
        enum msg_type type;
        struct err err;

        if (msg_open(packet, &r, &type, &err) < 0)
                die(err_text(&err), -EBADMSG);
        if (type == MSG_APPEND && b->state == CHANGED)
                look_at_append(b, &r);
        else if (type == MSG_ACK && b->state == SENT)
                look_at_ack(b, &r);
        else if (type == MSG_NAK)
                look_at_nak(&r);
}

/* All that waits on one side goes to the other. */
static void pass(struct between *b, int from, int to)
{
        static uint8_t packet[MSG_MAX];
        struct pollfd room = { .fd = to, .events = POLLOUT };
        size_t n;
        int r;

        while ((r = sock_recv(from, packet, sizeof packet, &n)) == 0) {
                if (n == 0)
                        die(from == b->sensor ? "the sensor" : "the recorder", -EPIPE);
                while ((r = sock_send(to, span_of(packet, n))) == -EAGAIN)
                        poll(&room, 1, -1);
                if (r < 0)
                        die("passing on", r);
                look(b, span_of(packet, n));
        }
        if (r != -EAGAIN)
                die("receiving", r);
}

/* false: nothing came for so long. */
static bool work(struct between *b, int timeout_ms)
{
        struct pollfd p[] = { { .fd = b->sensor, .events = POLLIN },
                              { .fd = b->recorder, .events = POLLIN } };

        if (poll(p, 2, timeout_ms) <= 0)
                return false;
        if (p[0].revents)
                pass(b, b->sensor, b->recorder);
        if (p[1].revents)
                pass(b, b->recorder, b->sensor);
        return true;
}

/* ---- the writer, a process of its own: the sensor leaves out what its recorder does, and takes us
 * for that ---- */

struct writer {
        int ask, answer; /* the number of a change; when it began */
};

static void content_of(size_t i, uint8_t content[CONTENT])
{
        memset(content, 'x', CONTENT);
        memcpy(content, &i, sizeof i);
}

static void write_changes(const char *dir, const struct writer *w)
{
        uint8_t content[CONTENT];
        char path[4096];
        int64_t begun;
        size_t i;
        int fd;

        while (read(w->ask, &i, sizeof i) == sizeof i) {
                content_of(i, content);
                snprintf(path, sizeof path, "%s/latency-%zu", dir, i);
                begun = bench_now();
                fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
                if (fd < 0 || write(fd, content, sizeof content) != sizeof content)
                        die(path, -errno);
                close(fd);
                if (write(w->answer, &begun, sizeof begun) != sizeof begun)
                        die("answer", -errno);
        }
}

static struct writer start_writer(const char *dir)
{
        int ask[2], answer[2];
        pid_t pid = -1;

        if (pipe(ask) < 0 || pipe(answer) < 0 || (pid = fork()) < 0)
                die("writer", -errno);
        if (pid == 0) {
                close(ask[1]);
                write_changes(dir, &(struct writer){ ask[0], answer[1] });
                _exit(0);
        }
        close(ask[0]);
        return (struct writer){ ask[1], answer[0] };
}

static int64_t change(struct between *b, const struct writer *w, size_t i)
{
        uint8_t content[CONTENT], digest[SHA256_LEN];
        int64_t begun = 0;

        content_of(i, content);
        sha256(span_of(content, sizeof content), digest);
        text_hex(span_of(digest, sizeof digest), b->digest);
        b->state = CHANGED;
        if (write(w->ask, &i, sizeof i) != sizeof i ||
            read(w->answer, &begun, sizeof begun) != sizeof begun)
                die("writer", -errno);
        return begun;
}

static void measure(struct between *b, const struct writer *w, size_t n)
{
        static int64_t ns[CHANGES_MAX], sent[CHANGES_MAX];

        for (size_t i = 0; i < n; i++) {
                int64_t begun, rest = bench_now() + (2 + (int64_t)i % 4) * NS_PER_MS;

                while (bench_now() < rest)
                        work(b, 1);
                begun = change(b, w, i);
                while (b->state != RESTING) {
                        work(b, 100);
                        if (bench_now() - begun > PATIENCE_NS)
                                die(b->state == SENT ? "no acknowledgement" : "no entry",
                                    -ETIMEDOUT);
                }
                ns[i] = bench_now() - begun;
                sent[i] = b->sent_ns - begun;
        }
        printf("{\"n\":%zu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"sent_p50_us\":%.1f,"
               "\"sent_p99_us\":%.1f}\n",
               n, samples_point(ns, n, 50), samples_point(ns, n, 99), samples_point(sent, n, 50),
               samples_point(sent, n, 99));
}

/* Pass messages on until the line comes: the sensor takes its baseline meanwhile. */
static void await_line(struct between *b)
{
        struct pollfd line = { .fd = STDIN_FILENO, .events = POLLIN };

        while (poll(&line, 1, 0) == 0)
                work(b, 10);
}

int main(int argc, char **argv)
{
        size_t n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
        struct between b = { .state = RESTING };
        struct pollfd waiting = { .events = POLLIN };
        struct sock_cred cred;
        struct writer writer;
        struct err err;
        int r;

        if (n == 0 || n > CHANGES_MAX) {
                fprintf(stderr,
                        "usage: change_latency RECORDER-SOCKET OWN-SOCKET DIR CHANGES (at "
                        "most %d)\n",
                        CHANGES_MAX);
                return 2;
        }
        writer = start_writer(argv[3]);
        if (sock_listen(argv[2], 0600, &waiting.fd, &err) < 0)
                die(err_text(&err), err.code);
        puts("ready");
        fflush(stdout);
        poll(&waiting, 1, -1);
        r = sock_accept(waiting.fd, &b.sensor, &cred);
        /* Not before: the recorder waits a few seconds for who connects to say who it is. */
        if (r == 0 && sock_connect(argv[1], &b.recorder, &err) < 0)
                die(err_text(&err), err.code);
        if (r == 0)
                r = sock_set_room(b.sensor, MSG_MAX * MESSAGES_ROOM);
        if (r == 0)
                r = sock_set_room(b.recorder, MSG_MAX * MESSAGES_ROOM);
        if (r < 0)
                die("socket", r);
        await_line(&b);
        measure(&b, &writer, n);
        return 0;
}
