/* SPDX-License-Identifier: Apache-2.0 */
/* source_http.c - a published log behind a web server, one file a request over one kept connection.
 *
 * SECURITY: the server is a stranger.  Only http and https are spoken, also after a redirect; a
 * redirect has to stay on the host it came from; a file ends at the caller's ceiling, a slow one at
 * a time. */
#include "ledger/read/source.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum {
        URL_LEN = 2048,
        REDIRECTS = 4,
        CONNECT_SECONDS = 10,
        SILENT_SECONDS = 30, /* below SLOW_BYTES a second for so long */
        SLOW_BYTES = 100,
        FILE_SECONDS = 300,
        PAGE_MAX = 64 * 1024, /* of an error's words, which nobody reads */
};

struct http {
        struct source s;
        CURL *curl;
        char base[URL_LEN]; /* without a slash at the end */
        char host[256];
        char name[URL_LEN + 8];
        char words[CURL_ERROR_SIZE];
};

/* ---- one request ---- */

struct body {
        struct buf *out;
        size_t page; /* bytes of an error page */
        bool too_long;
        bool begun;
        const char *instead; /* of the file, if so */
        CURL *curl;
};

/* A server that has a page for every path. */
static bool is_web_page(CURL *curl, struct span begin)
{
        static const char *const page[] = { "<!doctype", "<html" };
        const char *type = NULL;

        curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
        if (!type || strncasecmp(type, "text/html", 9) != 0)
                return false;
        while (begin.n && memchr(" \t\r\n", begin.p[0], 4))
                begin = span_from(begin, 1);
        for (size_t i = 0; i < ARRAY_LEN(page); i++)
                if (begin.n >= strlen(page[i]) &&
                    strncasecmp((const char *)begin.p, page[i], strlen(page[i])) == 0)
                        return true;
        return false;
}

/* NULL, or what comes that is not the file's own bytes. */
static const char *instead(CURL *curl, struct span begin)
{
        struct curl_header *coding;

        if (curl_easy_header(curl, "Content-Encoding", 0, CURLH_HEADER, -1, &coding) == CURLHE_OK &&
            strcasecmp(coding->value, "identity") != 0)
                return "the server packed it, which was not asked for";
        return is_web_page(curl, begin) ? "the server sent a web page, not a file of a log" : NULL;
}

static size_t on_data(char *p, size_t size, size_t n, void *ctx)
{
        struct body *b = ctx;
        long status = 0;

        curl_easy_getinfo(b->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status != 200) {
                b->page += size * n;
                return b->page <= PAGE_MAX ? size * n : 0;
        }
        if (!b->begun)
                b->instead = instead(b->curl, span_of(p, size * n));
        b->begun = true;
        if (b->instead)
                return 0;
        buf_put(b->out, span_of(p, size * n));
        b->too_long = buf_status(b->out) == -E2BIG;
        return buf_status(b->out) ? 0 : size * n;
}

static bool host_of(const char *url, char out[256])
{
        CURLU *u = curl_url();
        char *host = NULL;
        bool ok;

        ok = u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
             curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK && strlen(host) < 256;
        if (ok)
                snprintf(out, 256, "%s", host);
        curl_free(host);
        curl_url_cleanup(u);
        return ok;
}

/* Fetch url; *ret_status is the answer's, *ret_next (URL_LEN) where it sends us, or "". */
static int get_once(struct http *h, const char *url, struct buf *out, long *ret_status,
                    char *ret_next, struct err *err)
{
        struct body body = { .out = out, .curl = h->curl };
        char *next = NULL;
        CURLcode c;

        h->words[0] = '\0';
        curl_easy_setopt(h->curl, CURLOPT_URL, url);
        curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, &body);
        c = curl_easy_perform(h->curl);
        if (body.page > PAGE_MAX)
                c = CURLE_OK; /* what it is the page of was answered */
        if (body.instead)
                return err_set(err, -EIO, "%s: %s", url, body.instead);
        if (body.too_long)
                return err_set(err, -EFBIG, "%s: longer than such a file can be", url);
        if (buf_status(out))
                return err_set(err, buf_status(out), "%s: no memory", url);
        if (c != CURLE_OK)
                return err_set(err, c == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO, "%s: %s",
                               url, h->words[0] ? h->words : curl_easy_strerror(c));
        curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, ret_status);
        curl_easy_getinfo(h->curl, CURLINFO_REDIRECT_URL, &next);
        ret_next[0] = '\0';
        if (next && strlen(next) < URL_LEN)
                snprintf(ret_next, URL_LEN, "%s", next);
        return 0;
}

/* To another place on the same host, or nowhere. */
static int follow(const struct http *h, char url[URL_LEN], const char *next, struct err *err)
{
        char host[256];

        if (!host_of(next, host) || strcasecmp(host, h->host) != 0)
                return err_set(err, -EACCES, "%s: sends us to %s; another host is not followed",
                               url, *next ? next : "nowhere");
        snprintf(url, URL_LEN, "%s", next);
        return 0;
}

static int http_read(struct source *s, const char *path, struct buf *out, struct err *err)
{
        struct http *h = CONTAINER_OF(s, struct http, s);
        char url[URL_LEN], next[URL_LEN];
        size_t before = out->n;
        long status = 0;
        int n, r;

        n = snprintf(url, sizeof url, "%s/%s", h->base, path);
        if (n < 0 || (size_t)n >= sizeof url)
                return err_set(err, -ENAMETOOLONG, "%s/%s: too long", h->base, path);
        for (int tries = 0; tries <= REDIRECTS; tries++) {
                out->n = before;
                r = get_once(h, url, out, &status, next, err);
                if (r)
                        return r;
                if (status == 200)
                        return 0;
                if (status == 404 || status == 410)
                        return err_set(err, -ENOENT, "%s: HTTP status %ld", url, status);
                if (status < 300 || status > 399)
                        return err_set(err, -EIO, "%s: HTTP status %ld", url, status);
                r = follow(h, url, next, err);
                if (r)
                        return r;
        }
        return err_set(err, -ELOOP, "%s: sends us on more than %d times", h->base, REDIRECTS);
}

static int http_list(struct source *s, int (*fn)(void *ctx, const char *path), void *ctx,
                     struct err *err)
{
        return err_set(err, -EOPNOTSUPP, "%s: a web server does not list files", s->name);
}

/* ---- the source ---- */

static struct source *http_free(struct source *s)
{
        struct http *h = CONTAINER_OF(s, struct http, s);

        curl_easy_cleanup(h->curl);
        curl_global_cleanup();
        free(h);
        return NULL;
}

static bool set_options(struct http *h)
{
        CURL *c = h->curl;

        return curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_SECONDS) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)FILE_SECONDS) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)SILENT_SECONDS) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_ERRORBUFFER, h->words) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_USERAGENT, "assay/" ASSAY_VERSION) == CURLE_OK &&
               curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_data) == CURLE_OK;
}

int source_http(const char *url, struct source **ret, struct err *err)
{
        size_t n = strlen(url);
        struct http *h;

        if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
                return err_set(err, -EINVAL, "%s: not an http or https URL", url);
        while (n && url[n - 1] == '/')
                n--;
        if (n >= URL_LEN - 128)
                return err_set(err, -ENAMETOOLONG, "URL of %zu bytes", n);
        h = calloc(1, sizeof *h);
        if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
                free(h);
                return err_set(err, -ENOMEM, "%s: cannot start libcurl", url);
        }
        snprintf(h->base, sizeof h->base, "%.*s", (int)n, url);
        snprintf(h->name, sizeof h->name, "%s", h->base);
        h->s = (struct source){
                .read = http_read, .list = http_list, .free = http_free, .name = h->name
        };
        h->curl = curl_easy_init();
        if (!h->curl || !set_options(h)) {
                http_free(&h->s);
                return err_set(err, -ENOMEM, "%s: cannot set up libcurl", url);
        }
        if (!host_of(h->base, h->host)) {
                http_free(&h->s);
                return err_set(err, -EINVAL, "%s: not a URL with a host", url);
        }
        *ret = &h->s;
        return 0;
}
