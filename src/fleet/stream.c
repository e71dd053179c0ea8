/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: TLS and its certificates come from the network; OpenSSL reads them, in a process that
 * has one sink's messages and no rights. */
#include "fleet/stream.h"

#include "sys/io.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
        CONNECT_MS = 10000,
        PATIENCE_S = 30, /* for each write and read */
        CLOSE_S = 10,    /* for the other end to have read all and to close */
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

/* From here on calls wait, but not for ever. */
static int make_patient(int fd, struct err *err)
{
        struct timeval t = { .tv_sec = PATIENCE_S };
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t) < 0 ||
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) < 0)
                return err_sys(err, -errno, "connection");
        return 0;
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

static int send_tls(int fd, const struct stream_tls *tls, struct span s, struct err *err)
{
        SSL *ssl = SSL_new(tls->ctx);
        size_t n;
        int rc = 0;

        if (!ssl || SSL_set_fd(ssl, fd) != 1 || !set_name(ssl, tls->name))
                rc = tls_err(err, -ENOMEM, "TLS");
        if (rc == 0 && SSL_connect(ssl) != 1) {
                long verdict = SSL_get_verify_result(ssl);

                rc = verdict == X509_V_OK ? tls_err(err, -EPROTO, "TLS handshake")
                                          : err_set(err, -EPERM, "the server's certificate: %s",
                                                    X509_verify_cert_error_string(verdict));
                ERR_clear_error();
        }
        while (rc == 0 && s.n) {
                if (SSL_write_ex(ssl, s.p, s.n, &n) != 1)
                        rc = tls_err(err, -EIO, "TLS");
                else
                        s = span_from(s, n);
        }
        if (rc == 0 && SSL_shutdown(ssl) < 0)
                rc = tls_err(err, -EIO, "TLS close");
        SSL_free(ssl);
        return rc;
}

/* Until the other end closes; whatever it says meanwhile is dropped. */
static int wait_for_close(int fd, struct err *err)
{
        struct timeval t = { .tv_sec = CLOSE_S };
        char dropped[4096];
        ssize_t n;

        if (shutdown(fd, SHUT_WR) < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) < 0)
                return err_sys(err, -errno, "close");
        do {
                n = recv(fd, dropped, sizeof dropped, 0);
        } while (n > 0 || (n < 0 && errno == EINTR));
        if (n == 0)
                return 0;
        return errno == EAGAIN ? err_set(err, -ETIMEDOUT,
                                         "the other end did not close within %d s: it may not have "
                                         "read everything",
                                         CLOSE_S)
                               : err_sys(err, -errno, "closed out of order");
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
                rc = wait_for_close(fd, err);
        return rc < 0 ? err_wrap(err, "%s port %u", host, port) : 0;
}
