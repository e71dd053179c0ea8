/* SPDX-License-Identifier: Apache-2.0 */
/* sink_mail.c - one mail for all that waits, through an SMTP server (RFC 5321) by libcurl.
 *
 * A mail counts as accepted when the server has answered 250 to all of it.  Whatever it refuses is
 * sent again later, also what it says is permanent: most often that is a relay somebody can mend,
 * and no alert is dropped for it.  A recipient whom it refuses while it takes the mail for others
 * is another matter, see recipients.h.
 *
 * SECURITY: the server's replies and certificates are read by libcurl and OpenSSL, in a process
 * that has one sink's messages and no rights. */
#include "base/text.h"
#include "fleet/format.h"
#include "fleet/recipients.h"
#include "fleet/sink.h"
#include "sys/io.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
        MAIL_BATCH = 500,
        MAIL_MAX = MAIL_BATCH * (MESSAGE_TEXT_MAX + 64) + 4096,
        PASSWORD_MAX = 1024,
        CA_MAX = 4 << 20,
        CONNECT_S = 15,
        URL_MAX = DELIVER_HOST_MAX + 128,
};

struct mail {
        struct sink s;
        CURL *curl;
        char password[PASSWORD_MAX + 1];
        uint8_t *ca; /* certificates, read while that is allowed; NULL: the system's */
        size_t ca_n;
        char words[CURL_ERROR_SIZE];
        struct recipients to;
        uint64_t first, n; /* the mail that these are of; 0 messages: none */
        char origin[NOTE_NAME_MAX + 1];
};

static struct sink *mail_free(struct sink *s)
{
        struct mail *l = CONTAINER_OF(s, struct mail, s);

        if (l->curl)
                curl_easy_cleanup(l->curl);
        curl_global_cleanup();
        explicit_bzero(l->password, sizeof l->password);
        free(l->ca);
        free(l);
        return NULL;
}

/* The first line of a file that only its owner may read. */
static int read_password(struct mail *l, const char *path, struct err *err)
{
        CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        struct stat st;
        ssize_t n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return err_sys(err, -errno, "%s", path);
        if (!S_ISREG(st.st_mode) || st.st_mode & (S_IRWXG | S_IRWXO))
                return err_set(err, -EPERM, "%s: others may read it; chmod 600", path);
        n = io_kernel.pread(NULL, fd, l->password, PASSWORD_MAX, 0);
        if (n < 0)
                return err_sys(err, (int)n, "%s", path);
        l->password[n] = '\0';
        l->password[strcspn(l->password, "\r\n")] = '\0';
        return *l->password ? 0 : err_set(err, -EINVAL, "%s: no password in it", path);
}

static int mail_open(const struct deliver_sink *c, int runner, struct sink **ret, struct err *err)
{
        struct mail *l = calloc(1, sizeof *l);
        int rc = 0;

        (void)runner;
        if (!l)
                return err_sys(err, -ENOMEM, "mail");
        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || !(l->curl = curl_easy_init()))
                rc = err_set(err, -ENOMEM, "cannot start libcurl");
        if (rc == 0 && *c->ca)
                rc = io_read_file(&io_kernel, AT_FDCWD, c->ca, CA_MAX, &l->ca, &l->ca_n, err);
        if (rc == 0 && *c->password_file)
                rc = read_password(l, c->password_file, err);
        if (rc < 0) {
                mail_free(&l->s);
                return rc;
        }
        *ret = &l->s;
        return 0;
}

/* ---- the mail ---- */

static void put_recipients(const struct deliver_sink *c, struct buf *out)
{
        for (size_t i = 0; i < c->n_to; i++)
                buf_printf(out, "%s%s", i ? ",\r\n " : "To: ", c->to[i]);
        buf_put_str(out, "\r\n");
}

/* The same messages get the same id, so that a mail that comes twice can be told. */
static void put_id(const struct mail *l, const struct message *first, const struct message *last,
                   struct buf *out)
{
        const struct deliver_sink *c = l->s.config;

        buf_printf(out, "Message-ID: <%" PRIu64 "-%" PRIu64 ".%s.", first->index, last->index,
                   c->name);
        for (const char *o = last->origin; *o; o++)
                buf_put_byte(out, *o == '.' || *o == '-' || (*o >= '0' && *o <= '9') ||
                                                  (*o >= 'a' && *o <= 'z')
                                          ? (uint8_t)*o
                                          : '_');
        buf_printf(out, "%s>\r\n", strchr(c->from, '@'));
}

static void put_mail(const struct mail *l, struct message *const *m, size_t n, struct buf *out)
{
        CLEANUP(buf_done) struct buf body = BUF_INIT(MAIL_MAX);
        const struct deliver_sink *c = l->s.config;

        buf_printf(out, "From: %s\r\n", c->from);
        put_recipients(c, out);
        buf_put_str(out, "Subject: ");
        format_mail_subject(m, n, l->s.host, out);
        buf_put_str(out, "\r\nDate: ");
        format_put_date(clock_wall(l->s.clock), out);
        buf_put_str(out, "\r\n");
        put_id(l, m[0], m[n - 1], out);
        buf_printf(out, "X-Assay-Index: %" PRIu64 "-%" PRIu64 "\r\n", m[0]->index, m[n - 1]->index);
        buf_put_str(out, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                         "Content-Type: text/plain; charset=utf-8\r\n"
                         "Content-Transfer-Encoding: quoted-printable\r\n\r\n");
        for (size_t i = 0; i < n; i++)
                format_mail_item(m[i], &body);
        buf_printf(&body, "\r\n#N is the entry's number in the ledger %s; on the host,\r\n",
                   m[n - 1]->origin);
        buf_put_str(&body,
                    "assay alert show N shows all of it, with the values that are sealed.\r\n"
                    "What comes twice has the same number.\r\n");
        format_put_quoted(buf_span(&body), out);
}

/* ---- SMTP ---- */

struct upload {
        struct span rest;
};

static size_t on_read(char *p, size_t size, size_t n, void *ctx)
{
        struct upload *u = ctx;
        size_t take = MIN_OF(size * n, u->rest.n);

        memcpy(p, u->rest.p, take);
        u->rest = span_from(u->rest, take);
        return take;
}

static bool set_ca(struct mail *l)
{
        struct curl_blob ca = { .data = l->ca, .len = l->ca_n, .flags = CURL_BLOB_NOCOPY };

        return !l->ca || curl_easy_setopt(l->curl, CURLOPT_CAINFO_BLOB, &ca) == CURLE_OK;
}

static bool set_server(struct mail *l)
{
        const struct deliver_sink *c = l->s.config;
        bool v6 = strchr(c->host, ':');
        char url[URL_MAX];
        CURL *h = l->curl;

        /* The path is the name for EHLO. */
        snprintf(url, sizeof url, "%s://%s%s%s:%u/%.64s",
                 c->tls == DELIVER_SMTPS ? "smtps" : "smtp", v6 ? "[" : "", c->host, v6 ? "]" : "",
                 c->port, l->s.host);
        return curl_easy_setopt(h, CURLOPT_URL, url) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "smtp,smtps") == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PROXY, "") ==
                       CURLE_OK && /* whatever the environment says */
               curl_easy_setopt(h, CURLOPT_USE_SSL,
                                c->tls == DELIVER_PLAIN ? (long)CURLUSESSL_NONE
                                                        : (long)CURLUSESSL_ALL) == CURLE_OK &&
               set_ca(l) &&
               (!*c->user || (curl_easy_setopt(h, CURLOPT_USERNAME, c->user) == CURLE_OK &&
                              curl_easy_setopt(h, CURLOPT_PASSWORD, l->password) == CURLE_OK)) &&
               curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)c->timeout_s) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_ERRORBUFFER, l->words) == CURLE_OK;
}

/* Of the dialogue, for who of the recipients has it.  Nothing of it is kept here: it has passwords.
 */
static int on_dialogue(CURL *h, curl_infotype type, char *p, size_t n, void *ctx)
{
        struct mail *l = ctx;

        (void)h;
        if (type == CURLINFO_HEADER_OUT)
                recipients_sent(&l->to, span_of((const uint8_t *)p, n));
        else if (type == CURLINFO_HEADER_IN)
                recipients_heard(&l->to, span_of((const uint8_t *)p, n));
        return 0;
}

static bool set_mail(struct mail *l, struct curl_slist *to, struct upload *u)
{
        return curl_easy_setopt(l->curl, CURLOPT_MAIL_FROM, l->s.config->from) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_MAIL_RCPT, to) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_MAIL_RCPT_ALLLOWFAILS, 1L) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_DEBUGFUNCTION, on_dialogue) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_DEBUGDATA, l) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
               curl_easy_setopt(l->curl, CURLOPT_READDATA, u) == CURLE_OK;
}

static int say_failure(struct mail *l, CURLcode code, struct err *err)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(8 * CURL_ERROR_SIZE);
        const char *words = *l->words ? l->words : curl_easy_strerror(code);
        long reply = 0;

        curl_easy_getinfo(l->curl, CURLINFO_RESPONSE_CODE, &reply);
        text_put_safe(&safe, span_of(words, strcspn(words, "\r\n")));
        if (reply >= 400)
                return err_set(err, -EIO, "%s: %s (reply %ld)", l->s.config->host, buf_cstr(&safe),
                               reply);
        return err_set(err, code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO, "%s: %s",
                       l->s.config->host, buf_cstr(&safe));
}

/* Those who do not have it. */
static struct curl_slist *list_waiting(const struct recipients *r)
{
        struct curl_slist *to = NULL;

        for (size_t i = 0; i < r->sink->n_to; i++) {
                struct curl_slist *more = to;

                if (r->state[i] == RECIPIENT_WAITS)
                        more = curl_slist_append(to, r->sink->to[i]);
                if (!more && to) {
                        curl_slist_free_all(to);
                        return NULL;
                }
                to = more;
        }
        return to;
}

static int send_mail(struct mail *l, struct message *const *m, size_t n, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(4 * MAIL_MAX);
        struct curl_slist *to = list_waiting(&l->to);
        struct upload u;
        CURLcode code;

        if (!to)
                return err_sys(err, -ENOMEM, "mail");
        put_mail(l, m, n, &text);
        u.rest = buf_span(&text);
        curl_easy_reset(l->curl);
        *l->words = '\0';
        recipients_try(&l->to);
        code = buf_status(&text) == 0 && set_server(l) && set_mail(l, to, &u)
                       ? curl_easy_perform(l->curl)
                       : CURLE_OUT_OF_MEMORY;
        curl_slist_free_all(to);
        return code == CURLE_OK ? 0 : say_failure(l, code, err);
}

/* The mail that some have and others wait for is not another one because more has come. */
static size_t begin(struct mail *l, struct message *const *m, size_t n)
{
        bool same = l->n && l->n <= n && m[0]->index == l->first &&
                    strcmp(m[0]->origin, l->origin) == 0 && recipients_count(&l->to, RECIPIENT_HAS);

        if (same)
                return l->n;
        recipients_begin(&l->to, l->s.config, clock_mono(l->s.clock));
        l->first = m[0]->index;
        l->n = n;
        memcpy(l->origin, m[0]->origin, sizeof l->origin);
        return n;
}

static int mail_deliver(struct sink *s, struct message *const *m, size_t n, size_t *ret_done,
                        struct err *err)
{
        struct mail *l = CONTAINER_OF(s, struct mail, s);
        CLEANUP(buf_done) struct buf names = BUF_INIT(DELIVER_TO_MAX * 512);
        int rc = 0;

        n = begin(l, m, n);
        if (recipients_count(&l->to, RECIPIENT_WAITS)) {
                rc = send_mail(l, m, n, err);
                recipients_settle(&l->to, rc == 0, clock_mono(s->clock));
        }
        if (rc < 0 && !recipients_count(&l->to, RECIPIENT_HAS))
                return rc;
        if (recipients_count(&l->to, RECIPIENT_WAITS)) {
                recipients_put(&l->to, RECIPIENT_WAITS, &names);
                return err_set(err, -EAGAIN, "%s: the others have it", buf_cstr(&names));
        }
        recipients_put(&l->to, RECIPIENT_REFUSED, &names);
        if (names.n)
                snprintf(s->note, sizeof s->note, "not taken for %s", buf_cstr(&names));
        *ret_done = n;
        return 0;
}

const struct sink_ops sink_mail = { MAIL_BATCH, mail_open, mail_deliver, mail_free };
