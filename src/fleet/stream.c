/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: TLS and its certificates come from the network; OpenSSL reads them, in a process that
 * has one sink's messages and no rights. */
#include "fleet/stream.h"

#include "sys/io.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
        CONNECT_MS = 10000,
        PATIENCE_S = 30, /* for each write and read */
        CLOSE_S = 10,    /* for the other end to have read all and to close */
        TAKEN_STEP_MS = 20,
        NAME_MAX_BYTES = 256,
};

/* ---- TLS ---- */

struct stream_tls {
        SSL_CTX *ctx;
        char name[NAME_MAX_BYTES];
};

static int tls_err(struct err *err, int code, const char *what)
{
        const char *words = ERR_reason_error_string(ERR_get_error());

        ERR_clear_error();
        return err_set(err, code, "%s: %s", what, words ? words : "TLS failed");
}

struct stream_tls *stream_tls_free(struct stream_tls *t)
{
        if (t)
                SSL_CTX_free(t->ctx);
        free(t);
        return NULL;
}

/* A key that wants a word is one we cannot use: nobody sits here to be asked. */
static int no_word(char *room, int size, int writing, void *ctx)
{
        (void)room;
        (void)size;
        (void)writing;
        (void)ctx;
        return 0;
}

static int load(struct stream_tls *t, const char *ca, const char *cert, const char *key,
                struct err *err)
{
        if (*ca ? SSL_CTX_load_verify_locations(t->ctx, ca, NULL) != 1
                : SSL_CTX_set_default_verify_paths(t->ctx) != 1)
                return tls_err(err, -EINVAL, *ca ? ca : "the system's certificates");
        if (*cert && SSL_CTX_use_certificate_chain_file(t->ctx, cert) != 1)
                return tls_err(err, -EINVAL, cert);
        if (*key && (SSL_CTX_use_PrivateKey_file(t->ctx, key, SSL_FILETYPE_PEM) != 1 ||
                     SSL_CTX_check_private_key(t->ctx) != 1))
                return tls_err(err, -EINVAL, key);
        return 0;
}

int stream_tls_new(const char *ca, const char *cert, const char *key, const char *name,
                   struct stream_tls **ret, struct err *err)
{
        CLEANUP(stream_tls_freep) struct stream_tls *t = calloc(1, sizeof *t);
        int rc;

        if (t)
                t->ctx = SSL_CTX_new(TLS_client_method());
        if (!t || !t->ctx)
                return err_sys(err, -ENOMEM, "TLS");
        snprintf(t->name, sizeof t->name, "%s", name);
        SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_default_passwd_cb(t->ctx, no_word);
        if (SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1)
                return tls_err(err, -EINVAL, "TLS 1.2");
        rc = load(t, ca, cert, key, err);
        if (rc < 0)
                return rc;
        *ret = t;
        t = NULL;
        return 0;
}

static bool is_address(const char *name)
{
        uint8_t room[sizeof(struct in6_addr)];

        return inet_pton(AF_INET, name, room) == 1 || inet_pton(AF_INET6, name, room) == 1;
}

static bool set_name(SSL *ssl, const char *name)
{
        if (is_address(name))
                return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
        return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

/* ---- connecting ---- */

static int wait_for(int fd, short events, int ms)
{
        struct pollfd p = { .fd = fd, .events = events };
        int n;

        do {
                n = poll(&p, 1, ms);
        } while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int connect_one(const struct addrinfo *a, int type, int *ret_fd)
{
        CLEANUP_FD int fd =
                socket(a->ai_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, a->ai_protocol);
        socklen_t n = sizeof(int);
        int rc = 0, failed = 0;

        if (fd < 0)
                return -errno;
        if (connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
                if (errno != EINPROGRESS)
                        return -errno;
                rc = wait_for(fd, POLLOUT, CONNECT_MS);
                if (rc == 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) < 0)
                        rc = -errno;
                if (rc < 0 || failed)
                        return rc < 0 ? rc : -failed;
        }
        *ret_fd = fd;
        fd = -1;
        return 0;
}

int stream_connect(const char *host, uint16_t port, int type, int *ret_fd, struct err *err)
{
        struct addrinfo hints = { .ai_socktype = type, .ai_flags = AI_NUMERICSERV };
        struct addrinfo *list = NULL;
        char service[8];
        int rc;

        snprintf(service, sizeof service, "%u", port);
        rc = getaddrinfo(host, service, &hints, &list);
        if (rc != 0)
                return err_set(err, -EHOSTUNREACH, "%s: %s", host, gai_strerror(rc));
        rc = -EHOSTUNREACH;
        for (const struct addrinfo *a = list; a && rc < 0; a = a->ai_next)
                rc = connect_one(a, type, ret_fd);
        freeaddrinfo(list);
        return rc < 0 ? err_sys(err, rc, "%s port %u", host, port) : 0;
}

static int set_patience(int fd, int seconds, struct err *err)
{
        struct timeval t = { .tv_sec = seconds };

        if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) < 0)
                return err_sys(err, -errno, "connection");
        return 0;
}

/* From here on calls wait, but not for ever. */
static int make_patient(int fd, struct err *err)
{
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
                return err_sys(err, -errno, "connection");
        return set_patience(fd, PATIENCE_S, err);
}

static int not_closed(struct err *err)
{
        return err_set(err, -ETIMEDOUT,
                       "the other end did not close within %d s: it may not have read everything",
                       CLOSE_S);
}

/* ---- one batch ---- */

static int send_plain(int fd, struct span s, struct err *err)
{
        while (s.n) {
                ssize_t n = send(fd, s.p, s.n, MSG_NOSIGNAL);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return err_sys(err, errno == EAGAIN ? -ETIMEDOUT : -errno, "send");
                s = span_from(s, (size_t)n);
        }
        return 0;
}

static int handshake(SSL *ssl, int fd, const struct stream_tls *tls, struct err *err)
{
        long verdict;
        int rc = 0;

        if (!ssl || SSL_set_fd(ssl, fd) != 1 || !set_name(ssl, tls->name))
                return tls_err(err, -ENOMEM, "TLS");
        if (SSL_connect(ssl) == 1)
                return 0;
        verdict = SSL_get_verify_result(ssl);
        rc = verdict == X509_V_OK ? tls_err(err, -EPROTO, "TLS handshake")
                                  : err_set(err, -EPERM, "the server's certificate: %s",
                                            X509_verify_cert_error_string(verdict));
        ERR_clear_error();
        return rc;
}

/* Until it says that it closes, or does.  With TLS 1.3 a server judges our certificate only when
 * for us the handshake is over: what it thinks of it comes here, as an alert. */
static int hear_tls(SSL *ssl, struct err *err)
{
        char dropped[4096];
        size_t n;
        int why;

        do {
                ERR_clear_error();
                errno = 0;
        } while (SSL_read_ex(ssl, dropped, sizeof dropped, &n) == 1);
        why = SSL_get_error(ssl, 0);
        if (why == SSL_ERROR_ZERO_RETURN)
                return 0;
        if (why == SSL_ERROR_SSL &&
            ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
                ERR_clear_error();
                return 0; /* it closes without a word: the connection says the rest */
        }
        if (why == SSL_ERROR_SSL)
                return tls_err(err, -EPROTO, "TLS");
        return errno == EAGAIN || errno == 0 ? not_closed(err)
                                             : err_sys(err, -errno, "closed out of order");
}

/* It does not take what we send; perhaps it has said why. */
static int refused_tls(SSL *ssl, struct err *err)
{
        int rc = hear_tls(ssl, err);

        return rc < 0 ? rc : err_set(err, -EPIPE, "closed before it had read everything");
}

static int send_tls(int fd, const struct stream_tls *tls, struct span s, struct err *err)
{
        SSL *ssl = SSL_new(tls->ctx);
        int rc = handshake(ssl, fd, tls, err);
        size_t n;

        while (rc == 0 && s.n) {
                if (SSL_write_ex(ssl, s.p, s.n, &n) != 1)
                        rc = refused_tls(ssl, err);
                else
                        s = span_from(s, n);
        }
        if (rc == 0 && SSL_shutdown(ssl) < 0)
                rc = refused_tls(ssl, err);
        if (rc == 0)
                rc = set_patience(fd, CLOSE_S, err);
        if (rc == 0)
                rc = hear_tls(ssl, err);
        SSL_free(ssl);
        return rc;
}

/* Until the other end closes; whatever it says meanwhile is dropped. */
static int hear_end(int fd, struct err *err)
{
        char dropped[4096];
        ssize_t n;

        do {
                n = recv(fd, dropped, sizeof dropped, 0);
        } while (n > 0 || (n < 0 && errno == EINTR));
        if (n == 0)
                return 0;
        return errno == EAGAIN ? not_closed(err) : err_sys(err, -errno, "closed out of order");
}

/* Has it closed although it cannot know that we do?  That tells nothing of what it has read. */
static bool closed_first(int fd)
{
        struct tcp_info i;
        socklen_t n = sizeof i;

        return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &i, &n) == 0 &&
               (i.tcpi_state == TCP_CLOSE_WAIT || i.tcpi_state == TCP_CLOSE);
}

/* An end that has closed answers what comes then with a reset, which recv(2) does not tell behind
 * the end of what was to be read: all of ours must have been acknowledged. */
static int check_taken(int fd, struct err *err)
{
        int64_t until = CLOSE_S * 1000 / TAKEN_STEP_MS;
        struct pollfd none = { .fd = -1 };
        socklen_t n = sizeof(int);
        int failed = 0, left = 0;

        for (int64_t i = 0; i < until; i++) {
                if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) < 0)
                        return err_sys(err, -errno, "close");
                if (failed)
                        return err_sys(err, -failed, "closed before it had read everything");
                if (ioctl(fd, SIOCOUTQ, &left) < 0)
                        return err_sys(err, -errno, "close");
                if (left == 0)
                        return 0;
                (void)poll(&none, 1, TAKEN_STEP_MS);
        }
        return err_set(err, -ETIMEDOUT, "closed, and %d bytes were not taken", left);
}

/* Close in our direction, and wait until the other end has read what came before and closes. */
static int end_well(int fd, bool tls, struct err *err)
{
        int rc;

        if (!tls && closed_first(fd)) /* within TLS we have said it before */
                return err_set(err, -EPIPE, "closed before it could have read everything");
        if (shutdown(fd, SHUT_WR) < 0)
                return err_sys(err, -errno, "close");
        rc = set_patience(fd, CLOSE_S, err);
        if (rc == 0)
                rc = hear_end(fd, err);
        return rc == 0 ? check_taken(fd, err) : rc;
}

int stream_send(const char *host, uint16_t port, const struct stream_tls *tls, struct span bytes,
                struct err *err)
{
        CLEANUP_FD int fd = -1;
        int rc = stream_connect(host, port, SOCK_STREAM, &fd, err);

        if (rc < 0)
                return rc;
        rc = make_patient(fd, err);
        if (rc == 0)
                rc = tls ? send_tls(fd, tls, bytes, err) : send_plain(fd, bytes, err);
        if (rc == 0)
                rc = end_well(fd, tls != NULL, err);
        return rc < 0 ? err_wrap(err, "%s port %u", host, port) : 0;
}
