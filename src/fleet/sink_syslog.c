/* SPDX-License-Identifier: Apache-2.0 */
/* sink_syslog.c - RFC 5424 messages over UDP (RFC 5426), TCP with octet counting (RFC 6587, 3.4.1)
 * or TLS (RFC 5425); to a local socket the form that syslog(3) sends, for daemons expect it there.
 *
 * UDP and the local socket confirm nothing: what was sent counts as accepted, and only a port or a
 * socket where nobody listens is noticed.  For TCP and TLS see stream.h. */
#include "fleet/datagram.h"
#include "fleet/format.h"
#include "fleet/sink.h"
#include "fleet/stream.h"
#include "sys/io.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum {
        SYSLOG_BATCH = 64,
        ICMP_MS = 50, /* for "nobody listens" to come back */
};

struct syslog {
        struct sink s;
        struct stream_tls *tls;
        int fd; /* of a local socket, while it works */
};

static struct sink *syslog_free(struct sink *s)
{
        struct syslog *l = CONTAINER_OF(s, struct syslog, s);

        stream_tls_free(l->tls);
        fd_close(&l->fd);
        free(l);
        return NULL;
}

static int syslog_open(const struct deliver_sink *c, int runner, struct sink **ret, struct err *err)
{
        struct syslog *l = calloc(1, sizeof *l);
        int rc = 0;

        (void)runner;
        if (!l)
                return err_sys(err, -ENOMEM, "syslog");
        l->fd = -1;
        tzset(); /* while the zone's file may be read */
        if (c->way == DELIVER_TLS)
                rc = stream_tls_new(c->ca, c->cert, c->key, c->tls_name, &l->tls, err);
        if (rc < 0) {
                syslog_free(&l->s);
                return rc;
        }
        *ret = &l->s;
        return 0;
}

static const struct tm *local_time(const struct syslog *l, const struct message *m, struct tm *ret)
{
        time_t t = (m->wall_ns ? m->wall_ns : clock_wall(l->s.clock)) / NS_PER_S;

        *ret = (struct tm){ 0 };
        (void)localtime_r(&t, ret);
        return ret;
}

static int deliver_local(struct syslog *l, struct message *const *m, size_t n, size_t *ret_done,
                         struct err *err)
{
        const struct deliver_sink *c = l->s.config;
        struct tm local;
        int rc = 0;

        if (l->fd < 0)
                rc = datagram_connect(c->path, &l->fd, err);
        for (size_t i = 0; i < n && rc == 0; i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(FORMAT_SYSLOG_MAX);

                format_syslog_local(m[i], c->facility, local_time(l, m[i], &local), &out);
                rc = buf_status(&out);
                if (rc == 0)
                        rc = datagram_send(l->fd, buf_span(&out), c->path, err);
                *ret_done += rc == 0;
        }
        if (rc < 0)
                fd_close(&l->fd);
        return rc;
}

/* An error that came back for what was sent. */
static int refused(int fd)
{
        struct pollfd p = { .fd = fd, .events = 0 };
        socklen_t n = sizeof(int);
        int failed = 0;

        if (poll(&p, 1, ICMP_MS) > 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0)
                return -failed;
        return 0;
}

static int deliver_udp(struct syslog *l, struct message *const *m, size_t n, size_t *ret_done,
                       struct err *err)
{
        const struct deliver_sink *c = l->s.config;
        CLEANUP_FD int fd = -1;
        int rc = stream_connect(c->host, c->port, SOCK_DGRAM, &fd, err);

        for (size_t i = 0; i < n && rc == 0; i++) {
                CLEANUP(buf_done) struct buf out = BUF_INIT(FORMAT_SYSLOG_MAX);

                format_syslog(m[i], c->facility, &out);
                rc = buf_status(&out);
                if (rc == 0 && send(fd, out.p, out.n, MSG_NOSIGNAL) < 0)
                        rc = -errno;
                if (rc < 0)
                        err_sys(err, rc, "%s port %u", c->host, c->port);
        }
        if (rc < 0)
                return rc;
        rc = refused(fd);
        if (rc < 0)
                return err_sys(err, rc, "%s port %u", c->host, c->port);
        *ret_done = n;
        return 0;
}

static int deliver_stream(struct syslog *l, struct message *const *m, size_t n, size_t *ret_done,
                          struct err *err)
{
        const struct deliver_sink *c = l->s.config;
        CLEANUP(buf_done) struct buf all = BUF_INIT(SYSLOG_BATCH * (FORMAT_SYSLOG_MAX + 16));
        CLEANUP(buf_done) struct buf one = BUF_INIT(FORMAT_SYSLOG_MAX);
        int rc;

        for (size_t i = 0; i < n; i++) {
                buf_clear(&one);
                format_syslog(m[i], c->facility, &one);
                if (buf_status(&one) < 0)
                        return err_sys(err, buf_status(&one), "syslog");
                buf_printf(&all, "%zu ", one.n);
                buf_put(&all, buf_span(&one));
        }
        rc = buf_status(&all);
        if (rc < 0)
                return err_sys(err, rc, "syslog");
        rc = stream_send(c->host, c->port, l->tls, buf_span(&all), err);
        if (rc == 0)
                *ret_done = n;
        return rc;
}

static int syslog_deliver(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                          struct err *err)
{
        static int (*const way[DELIVER_WAYS])(struct syslog *, struct message *const *, size_t,
                                              size_t *, struct err *) = {
                [DELIVER_UNIX] = deliver_local,
                [DELIVER_UDP] = deliver_udp,
                [DELIVER_TCP] = deliver_stream,
                [DELIVER_TLS] = deliver_stream,
        };

        return way[s->config->way](CONTAINER_OF(s, struct syslog, s), m, n, ret_done, err);
}

const struct sink_ops sink_syslog = { SYSLOG_BATCH, syslog_open, syslog_deliver, syslog_free };
