/* SPDX-License-Identifier: Apache-2.0 */
/* Sources: a directory with everything a stranger can put into one, archives made with libarchive's
 * own writer, and a web server of forty lines. */
#include "ledger/read/source.h"

#include "../testlog.h"

#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

struct listing {
        unsigned n;
        char all[2048]; /* every path and a blank, as they come */
};

static int list_one(void *ctx, const char *path)
{
        struct listing *l = ctx;
        size_t n = strlen(l->all);

        l->n++;
        snprintf(l->all + n, sizeof l->all - n, "%s ", path);
        return 0;
}

static int room_in(const char *dir)
{
        int fd = -1;

        assert_int_equal(source_tar_room("x.tar", dir, &fd, NULL), 0);
        return fd;
}

static int stop_at_two(void *ctx, const char *path)
{
        return ++*(unsigned *)ctx == 2 ? -ECANCELED : 0;
}

/* ---- directories ---- */

static void directories(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(100);
        struct listing l = { 0 };
        struct source *s = NULL;
        struct testlog t;
        struct err err = { 0 };
        unsigned two = 0;

        testlog_new(&t, "t.example");
        testlog_write(&t, "a/b/c", SPAN("hello"));
        testlog_write(&t, "empty", SPAN(""));
        assert_int_equal(symlinkat("a/b/c", t.fd, "link"), 0);
        assert_int_equal(symlinkat("/etc", t.fd, "out"), 0);
        assert_int_equal(symlinkat("b", t.fd, "a/way"), 0);
        assert_int_equal(mkfifoat(t.fd, "fifo", 0600), 0);
        assert_int_equal(source_dir(t.fd, "x", &s, NULL), 0);
        assert_int_equal(s->read(s, "a/b/c", &b, &err), 0);
        assert_true(span_eq_str(buf_span(&b), "hello"));
        assert_int_equal(s->read(s, "empty", &b, &err), 0); /* appends */
        assert_int_equal(b.n, 5);
        assert_int_equal(s->read(s, "a/b/none", &b, &err), -ENOENT);
        assert_int_equal(s->read(s, "empty/x", &b, &err), -ENOENT);
        assert_int_equal(s->read(s, "a", &b, &err), -EIO);
        assert_int_equal(s->read(s, "fifo", &b, &err), -EIO); /* and does not hang */
        assert_int_equal(s->read(s, "link", &b, &err), -ELOOP);
        assert_int_equal(s->read(s, "a/way/c", &b, &err), -ELOOP);
        assert_non_null(strstr(err.text, "way is a link"));
        assert_int_equal(s->read(s, "out/hostname", &b, &err), -ELOOP);
        assert_int_equal(b.n, 5);
        b.max = 9; /* 5 are in it */
        assert_int_equal(s->read(s, "a/b/c", &b, &err), -EFBIG);
        assert_non_null(strstr(err.text, "a/b/c"));
        assert_int_equal(s->list(s, list_one, &l, &err), 0);
        assert_int_equal(l.n, 6); /* links and the FIFO are named, not entered */
        assert_non_null(strstr(l.all, "a/b/c "));
        assert_non_null(strstr(l.all, "out "));
        assert_int_equal(s->list(s, stop_at_two, &two, &err), -ECANCELED);
        assert_int_equal(two, 2);
        source_free(s);
        testlog_done(&t);
}

/* What becomes of a file between its opening and the look whether the name still leads to it. */
static struct {
        int dirfd;
        const char *becomes; /* the name of what takes its place, once; NULL: nothing does */
} meanwhile;

int __real_fstatat64(int dirfd, const char *path, struct stat *st, int flags);
int __wrap_fstatat64(int dirfd, const char *path, struct stat *st, int flags);

int __wrap_fstatat64(int dirfd, const char *path, struct stat *st, int flags)
{
        if (meanwhile.becomes)
                assert_int_equal(renameat(meanwhile.dirfd, meanwhile.becomes, dirfd, path), 0);
        meanwhile.becomes = NULL;
        return __real_fstatat64(dirfd, path, st, flags);
}

/* A file that its owner is about to fill with something else says EAGAIN, and one that has lost its
 * name may have been filled already. */
static void taken_away_while_opened(void **state)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(100);
        struct source *s = NULL;
        struct testlog t;
        struct err err = { 0 };
        int fd;

        testlog_new(&t, "t.example");
        testlog_write(&t, "a/name", SPAN("what became of it"));
        testlog_write(&t, "next", SPAN("what it names"));
        assert_int_equal(source_dir(t.fd, "x", &s, NULL), 0);
        meanwhile.dirfd = t.fd;
        meanwhile.becomes = "next";
        assert_int_equal(s->read(s, "a/name", &b, &err), 0);
        assert_null(meanwhile.becomes);
        assert_true(span_eq_str(buf_span(&b), "what it names"));

        fd = openat(t.fd, "a/name", O_RDWR | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_SETSIG, SIGURG), 0);
        assert_int_equal(fcntl(fd, F_SETLEASE, F_WRLCK), 0);
        assert_int_equal(s->read(s, "a/name", &b, &err), -EAGAIN);
        assert_non_null(strstr(err_text(&err), "a/name"));
        close(fd);
        assert_int_equal(s->read(s, "a/name", &b, &err), 0);
        source_free(s);
        testlog_done(&t);
}

/* ---- archives ---- */

struct member {
        const char *path, *content, *link;
        mode_t type;
};

/* An archive in a temporary file, its descriptor at the start. */
static int make_archive(const struct member *m, size_t n, int filter)
{
        struct archive *a = archive_write_new();
        struct archive_entry *e;
        FILE *f = tmpfile();
        int fd = dup(fileno(f));

        assert_int_equal(archive_write_set_format_pax_restricted(a), ARCHIVE_OK);
        assert_int_equal(archive_write_add_filter(a, filter), ARCHIVE_OK);
        assert_int_equal(archive_write_open_fd(a, fd), ARCHIVE_OK);
        for (size_t i = 0; i < n; i++) {
                e = archive_entry_new();
                archive_entry_set_pathname(e, m[i].path);
                archive_entry_set_filetype(e, m[i].type ? m[i].type : AE_IFREG);
                archive_entry_set_perm(e, 0644);
                archive_entry_set_size(e, m[i].content ? (la_int64_t)strlen(m[i].content) : 0);
                if (m[i].type == AE_IFLNK)
                        archive_entry_set_symlink(e, m[i].link);
                else if (m[i].link)
                        archive_entry_set_hardlink(e, m[i].link);
                assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
                if (m[i].content)
                        assert_int_equal(archive_write_data(a, m[i].content, strlen(m[i].content)),
                                         strlen(m[i].content));
                archive_entry_free(e);
        }
        assert_int_equal(archive_write_close(a), ARCHIVE_OK);
        archive_write_free(a);
        fclose(f);
        assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
        return fd;
}

static void good_archives(void **state)
{
        static const int filters[] = { ARCHIVE_FILTER_NONE, ARCHIVE_FILTER_GZIP,
                                       ARCHIVE_FILTER_BZIP2, ARCHIVE_FILTER_XZ,
                                       ARCHIVE_FILTER_ZSTD };
        static const struct member m[] = {
                { .path = "./ledger/", .type = AE_IFDIR },
                { .path = "./ledger/stamp/checkpoint", .content = "deeper" },
                { .path = "./ledger/checkpoint", .content = "note" },
                { .path = "./ledger//tile/0/000", .content = "hashes" },
                { .path = "README", .content = "beside" },
        };

        for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(100);
                struct listing l = { 0 };
                struct source *s = NULL;
                struct testlog t;
                struct err err = { 0 };
                int fd = make_archive(m, ARRAY_LEN(m), filters[i]);

                testlog_new(&t, "t.example"); /* a directory of ours for what is unpacked */
                if (source_tar(fd, "x.tar", room_in(t.dir), 0, &s, &err))
                        fail_msg("filter %d: %s", filters[i], err.text);
                close(fd);
                assert_int_equal(s->read(s, "checkpoint", &b, NULL), 0);
                assert_true(span_eq_str(buf_span(&b), "note"));
                buf_clear(&b);
                assert_int_equal(s->read(s, "tile/0/000", &b, NULL), 0);
                assert_true(span_eq_str(buf_span(&b), "hashes"));
                assert_int_equal(s->read(s, "README", &b, NULL), -ENOENT);
                assert_int_equal(s->list(s, list_one, &l, NULL), 0);
                assert_int_equal(l.n, 3);
                /* Nothing would be left if we were killed now. */
                assert_int_equal(unlinkat(AT_FDCWD, t.dir, AT_REMOVEDIR), 0);
                source_free(s);
                testlog_done(&t);
        }
}

static void refused_archives(void **state)
{
        static const struct {
                struct member m[3];
                uint64_t max_bytes;
                int want;
                const char *says;
        } rows[] = {
                { { { .path = "a", .content = "x" } }, 0, -ENOENT, "no file named checkpoint" },
                { { { .path = "/checkpoint", .content = "x" } }, 0, -EBADMSG, "refused path" },
                { { { .path = "a/../../checkpoint", .content = "x" } },
                  0,
                  -EBADMSG,
                  "refused path" },
                { { { .path = "a/checkpoint", .content = "x" },
                    { .path = "b/checkpoint", .content = "x" } },
                  0,
                  -EBADMSG,
                  "more than one log" },
                { { { .path = "checkpoint", .content = "x" },
                    { .path = "./checkpoint", .content = "y" } },
                  0,
                  -EBADMSG,
                  "twice" },
                { { { .path = "d", .type = AE_IFLNK, .link = "/tmp" }, { .path = "d/checkpoint" } },
                  0,
                  -EBADMSG,
                  "d is a link" },
                { { { .path = "checkpoint", .content = "x" },
                    { .path = "hard", .link = "checkpoint" } },
                  0,
                  -EBADMSG,
                  "hard is a link" },
                { { { .path = "fifo", .type = AE_IFIFO } },
                  0,
                  -EBADMSG,
                  "fifo is a link or a device" },
                { { { .path = "checkpoint", .content = "12345678" } }, 7, -EFBIG, "more bytes" },
        };

        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                struct source *s = NULL;
                struct testlog t;
                struct err err = { 0 };
                size_t n = 0;
                int fd, r;

                while (n < 3 && rows[i].m[n].path)
                        n++;
                fd = make_archive(rows[i].m, n, ARCHIVE_FILTER_NONE);
                testlog_new(&t, "t.example");
                r = source_tar(fd, "x.tar", room_in(t.dir), rows[i].max_bytes, &s, &err);
                close(fd);
                if (r != rows[i].want || !strstr(err.text, rows[i].says))
                        fail_msg("row %zu: %d %s", i, r, err.text);
                assert_null(s);
                assert_int_equal(unlinkat(AT_FDCWD, t.dir, AT_REMOVEDIR), 0);
                testlog_done(&t);
        }
}

static void not_an_archive(void **state)
{
        FILE *f = tmpfile();
        struct source *s = NULL;
        struct err err = { 0 };

        fputs("surely this is no archive of any kind\n", f);
        rewind(f);
        assert_int_equal(source_tar(fileno(f), "x.tar", room_in(NULL), 0, &s, &err), -ENOENT);
        assert_string_equal(err.text, "archive x.tar is not a ledger: not a tar archive");
        fclose(f);
}

/* ---- a web server ---- */

struct server {
        int fd;
        unsigned port;
        pthread_t thread;
};

static const struct {
        const char *path, *answer;
} pages[] = {
        { "/log/checkpoint", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnote" },
        { "/log/big", "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\nabcdefghijklmnopqrstuvwxyz" },
        { "/log/moved",
          "HTTP/1.1 302 Found\r\nLocation: /log/checkpoint\r\nContent-Length: 3\r\n\r\nbad" },
        { "/log/away",
          "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/x\r\nContent-Length: 0\r\n\r\n" },
        { "/log/file",
          "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n" },
        { "/log/loop", "HTTP/1.1 302 Found\r\nLocation: /log/loop\r\nContent-Length: 0\r\n\r\n" },
        { "/log/sick", "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy" },
        { "/log/gone", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n" },
        { "/log/page", "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n"
                       "Content-Length: 55\r\n\r\n"
                       "\n<!DOCTYPE html><title>hello</title><p>123456789012345" },
        { "/log/like-a-page",
          "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<!doc" },
        { "/log/packed",
          "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnote" },
        { "/log/unpacked",
          "HTTP/1.1 200 OK\r\nContent-Encoding: identity\r\nContent-Length: 4\r\n\r\nnote" },
        { "/log/cut", "HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\nnote" },
};

static const char *answer_for(const char *request)
{
        for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
                size_t n = strlen(pages[i].path);

                if (strncmp(request + 4, pages[i].path, n) == 0 && request[4 + n] == ' ')
                        return pages[i].answer;
        }
        return "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
}

/* One request a connection, closed afterwards. */
static void *serve(void *ctx)
{
        struct server *s = ctx;
        char request[4096];
        int c;

        while ((c = accept(s->fd, NULL, NULL)) >= 0) {
                ssize_t n = read(c, request, sizeof request - 1);

                if (n > 4) {
                        const char *answer, *rest;

                        request[n] = '\0';
                        answer = answer_for(request);
                        rest = strchr(answer, '\n') + 1;
                        if (dprintf(c, "%.*sConnection: close\r\n%s", (int)(rest - answer), answer,
                                    rest) < 0)
                                perror("write");
                }
                shutdown(c, SHUT_RDWR);
                close(c);
        }
        return NULL;
}

static void start(struct server *s)
{
        struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t n = sizeof a;

        s->fd = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(bind(s->fd, (struct sockaddr *)&a, sizeof a), 0);
        assert_int_equal(listen(s->fd, 8), 0);
        assert_int_equal(getsockname(s->fd, (struct sockaddr *)&a, &n), 0);
        s->port = ntohs(a.sin_port);
        assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
        shutdown(s->fd, SHUT_RDWR);
        pthread_join(s->thread, NULL);
        close(s->fd);
}

static void web_server(void **state)
{
        static const struct {
                const char *path;
                int want;
                const char *says;
        } rows[] = {
                { "checkpoint", 0, "note" },      { "moved", 0, "note" },
                { "none", -ENOENT, "404" },       { "gone", -ENOENT, "410" },
                { "sick", -EIO, "503" },          { "big", -EFBIG, "longer" },
                { "away", -EACCES, "192.0.2.1" }, { "file", -EACCES, "another host" },
                { "loop", -ELOOP, "more than" },  { "cut", -EIO, "/log/cut" },
                { "page", -EIO, "a web page" },   { "like-a-page", 0, "<!doc" },
                { "packed", -EIO, "packed it" },  { "unpacked", 0, "note" },
        };
        struct listing l = { 0 };
        struct source *s = NULL;
        struct server server;
        char url[64];

        start(&server);
        snprintf(url, sizeof url, "http://127.0.0.1:%u/log//", server.port);
        assert_int_equal(source_http(url, &s, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(20);
                struct err err = { 0 };
                int r = s->read(s, rows[i].path, &b, &err);

                if (r != rows[i].want)
                        fail_msg("%s: %d %s", rows[i].path, r, err.text);
                if (r == 0)
                        assert_true(span_eq_str(buf_span(&b), rows[i].says));
                else if (!strstr(err.text, rows[i].says))
                        fail_msg("%s: %s", rows[i].path, err.text);
        }
        assert_int_equal(s->list(s, list_one, &l, NULL), -EOPNOTSUPP);
        source_free(s);
        stop(&server);
}

static void refused_urls(void **state)
{
        static const char *const url[] = { "ftp://127.0.0.1/", "file:///etc", "/tmp", "http://" };
        struct source *s = NULL;
        CLEANUP(buf_done) struct buf b = BUF_INIT(20);

        for (size_t i = 0; i < ARRAY_LEN(url); i++)
                if (source_http(url[i], &s, NULL) != -EINVAL)
                        fail_msg("accepted: %s", url[i]);
        assert_null(s);
        /* nobody listens */
        assert_int_equal(source_http("http://127.0.0.1:1/log", &s, NULL), 0);
        assert_int_equal(s->read(s, "checkpoint", &b, NULL), -EIO);
        source_free(s);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(directories),    cmocka_unit_test(taken_away_while_opened),
                cmocka_unit_test(good_archives),  cmocka_unit_test(refused_archives),
                cmocka_unit_test(not_an_archive), cmocka_unit_test(web_server),
                cmocka_unit_test(refused_urls),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
