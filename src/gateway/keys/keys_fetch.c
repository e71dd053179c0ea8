/* SPDX-License-Identifier: Apache-2.0 */
#include "gateway/keys/keys_fetch.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>

enum {
        PINS_MAX = CONFIG_TEXT_MAX + 16 + CONFIG_ADDRESSES_MAX * (KEYS_ADDRESS_MAX + 3),
        SAID_MAX = 200, /* of what libcurl has to say */
};

struct keys_fetch {
        struct keys_fetcher *of;
        CURL *curl;
        CURLSH *names; /* a cache of names of its own: what another fetch pins is not for this */
        struct curl_slist *pins, *headers;
        struct buf body;
        char words[CURL_ERROR_SIZE];
        keys_fetched_fn *done;
        void *ctx;
};

/* A socket of libcurl's in the loop. */
struct watched {
        struct keys_fetcher *of;
        struct loop_source *source;
        curl_socket_t fd;
};

struct keys_fetcher {
        CURLM *multi;
        struct span ca;
        size_t max;
        struct loop *loop;
        const struct clock *clock;
        struct loop_source *timer;
        struct keys_fetch *running[KEYS_AT_ONCE];
};

/* ---- ends ---- */

static void fetch_free(struct keys_fetch *x)
{
        for (size_t i = 0; i < KEYS_AT_ONCE; i++)
                if (x->of->running[i] == x)
                        x->of->running[i] = NULL;
        if (x->curl) {
                curl_multi_remove_handle(x->of->multi, x->curl);
                curl_easy_cleanup(x->curl);
        }
        if (x->names)
                curl_share_cleanup(x->names);
        curl_slist_free_all(x->pins);
        curl_slist_free_all(x->headers);
        buf_done(&x->body);
        free(x);
}

struct keys_fetch *keys_fetch_cancel(struct keys_fetch *x)
{
        if (x)
                fetch_free(x);
        return NULL;
}

static int say_failure(const struct keys_fetch *x, CURLcode code, struct err *err)
{
        CLEANUP(buf_done) struct buf safe = BUF_INIT(8 * CURL_ERROR_SIZE);
        const char *words = *x->words ? x->words : curl_easy_strerror(code);
        int r = code == CURLE_OPERATION_TIMEDOUT ? -ETIMEDOUT : -EIO;

        if (buf_status(&x->body) == -E2BIG || code == CURLE_FILESIZE_EXCEEDED)
                return err_set(err, -E2BIG, "the answer has more than %zu KiB", x->of->max / 1024);
        if (code == CURLE_OUT_OF_MEMORY || buf_status(&x->body) < 0)
                return err_sys(err, -ENOMEM, "fetch");
        text_put_safe(&safe, span_of(words, MIN_OF(strcspn(words, "\r\n"), (size_t)SAID_MAX)));
        return err_set(err, r, "%s", buf_cstr(&safe));
}

static int judge(const struct keys_fetch *x, CURLcode code, struct err *err)
{
        long status = 0;

        if (code != CURLE_OK)
                return say_failure(x, code, err);
        curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 300 && status < 400)
                return err_set(err, -EIO, "status %ld: no redirect is followed", status);
        return status == 200 ? 0 : err_set(err, -EIO, "status %ld", status);
}

static void end(struct keys_fetch *x, CURLcode code)
{
        struct err err = { 0 };
        int r = judge(x, code, &err);

        x->done(x->ctx, r, r == 0 ? buf_span(&x->body) : SPAN_NONE, &err);
        fetch_free(x);
}

static void collect(struct keys_fetcher *f)
{
        CURLMsg *m;
        int left;

        while ((m = curl_multi_info_read(f->multi, &left))) {
                char *x = NULL;
                CURLcode code = m->data.result;

                if (m->msg == CURLMSG_DONE &&
                    curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &x) == CURLE_OK && x)
                        end((struct keys_fetch *)(void *)x, code);
        }
}

/* ---- libcurl's sockets and its timer in the loop ---- */

static void act(struct keys_fetcher *f, curl_socket_t fd, int what)
{
        int running;

        curl_multi_socket_action(f->multi, fd, what, &running);
        collect(f);
}

static void on_socket(void *ctx, unsigned events)
{
        const struct watched *w = ctx;

        act(w->of, w->fd,
            (events & LOOP_READ ? CURL_CSELECT_IN : 0) |
                    (events & LOOP_WRITE ? CURL_CSELECT_OUT : 0) |
                    (events & LOOP_HANGUP ? CURL_CSELECT_ERR : 0));
}

static void on_timer(void *ctx)
{
        act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static int set_timer(CURLM *multi, long ms, void *ctx)
{
        struct keys_fetcher *f = ctx;

        (void)multi;
        if (f->timer)
                loop_timer_set(f->timer, ms < 0 ? -1 : clock_mono(f->clock) + ms * NS_PER_MS);
        return 0;
}

static void unwatch(struct keys_fetcher *f, curl_socket_t fd, struct watched *w)
{
        if (!w)
                return;
        curl_multi_assign(f->multi, fd, NULL);
        loop_remove(w->source);
        free(w);
}

static int set_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
        unsigned want =
                (what & CURL_POLL_IN ? LOOP_READ : 0u) | (what & CURL_POLL_OUT ? LOOP_WRITE : 0u);
        struct keys_fetcher *f = ctx;
        struct watched *w = of_socket;

        (void)easy;
        if (what == CURL_POLL_REMOVE) {
                unwatch(f, fd, w);
                return 0;
        }
        if (w)
                return loop_set_events(w->source, want) < 0 ? -1 : 0;
        w = calloc(1, sizeof *w);
        if (!w)
                return -1;
        *w = (struct watched){ .of = f, .fd = fd };
        if (loop_add_fd(f->loop, fd, want, on_socket, w, &w->source, NULL) < 0) {
                free(w);
                return -1;
        }
        curl_multi_assign(f->multi, fd, w);
        return 0;
}

/* ---- one fetch ---- */

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
        struct keys_fetch *x = ctx;

        buf_put(&x->body, span_of(p, size * n));
        return buf_status(&x->body) == 0 ? size * n : 0;
}

/* "192.0.2.7", "[2001:db8::7]" */
static bool is_address(const char *host)
{
        char six[INET6_ADDRSTRLEN + 1];
        size_t n = strlen(host);
        struct in6_addr to;

        if (inet_pton(AF_INET, host, &to) == 1)
                return true;
        if (n < 3 || n - 2 >= sizeof six || host[0] != '[' || host[n - 1] != ']')
                return false;
        memcpy(six, host + 1, n - 2);
        six[n - 2] = '\0';
        return inet_pton(AF_INET6, six, &to) == 1;
}

/* "host:port:address,address": nothing else is looked up. */
static int pin(struct keys_fetch *x, const struct keys_wanted *w, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(PINS_MAX);
        char *host = NULL, *port = NULL;
        CURLU *u = curl_url();
        bool ok = u && curl_url_set(u, CURLUPART_URL, w->url, 0) == CURLUE_OK &&
                  curl_url_get(u, CURLUPART_HOST, &host, 0) == CURLUE_OK &&
                  curl_url_get(u, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK;

        ok = ok && (w->n_addresses > 0 || is_address(host));
        if (ok) {
                buf_printf(&text, "%s:%s:", host, port);
                for (uint32_t i = 0; i < w->n_addresses; i++)
                        buf_printf(&text, "%s%s", i ? "," : "", w->addresses[i]);
        }
        curl_free(host);
        curl_free(port);
        curl_url_cleanup(u);
        if (!ok || buf_status(&text) < 0)
                return err_set(err, -EINVAL, "no url that can be fetched");
        if (w->n_addresses == 0)
                return 0; /* it has an address in it */
        x->pins = curl_slist_append(NULL, buf_cstr(&text));
        return x->pins ? 0 : err_sys(err, -ENOMEM, "fetch");
}

static bool set_where(struct keys_fetch *x, const struct keys_wanted *w)
{
        struct curl_blob ca = { .data = (void *)(uintptr_t)x->of->ca.p,
                                .len = x->of->ca.n,
                                .flags = CURL_BLOB_NOCOPY };
        CURL *h = x->curl;

        return curl_easy_setopt(h, CURLOPT_URL, w->url) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PROXY, "") == CURLE_OK && /* not the environment's */
               curl_share_setopt(x->names, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS) == CURLSHE_OK &&
               curl_easy_setopt(h, CURLOPT_SHARE, x->names) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_RESOLVE, x->pins) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
               (x->of->ca.n == 0 || curl_easy_setopt(h, CURLOPT_CAINFO_BLOB, &ca) == CURLE_OK);
}

static bool set_how(struct keys_fetch *x)
{
        CURL *h = x->curl;

        x->headers = curl_slist_append(NULL, "Accept: application/jwk-set+json, application/json");
        return x->headers && curl_easy_setopt(h, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_USERAGENT, "assay-keys/" ASSAY_VERSION) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_MAXFILESIZE, (long)x->of->max) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)KEYS_CONNECT_S) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)KEYS_TOTAL_S) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_ERRORBUFFER, x->words) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_WRITEDATA, x) == CURLE_OK &&
               curl_easy_setopt(h, CURLOPT_PRIVATE, x) == CURLE_OK;
}

static int begin(struct keys_fetch *x, const struct keys_wanted *w, struct err *err)
{
        int r = pin(x, w, err);

        if (r < 0)
                return r;
        x->curl = curl_easy_init();
        x->names = curl_share_init();
        if (!x->curl || !x->names || !set_where(x, w) || !set_how(x) ||
            curl_multi_add_handle(x->of->multi, x->curl) != CURLM_OK)
                return err_sys(err, -ENOMEM, "fetch");
        return 0;
}

int keys_fetch_start(struct keys_fetcher *f, const struct keys_wanted *w, keys_fetched_fn *done,
                     void *ctx, struct keys_fetch **ret, struct err *err)
{
        struct keys_fetch *x;
        size_t at = 0;
        int r;

        while (at < KEYS_AT_ONCE && f->running[at])
                at++;
        if (at == KEYS_AT_ONCE)
                return err_sys(err, -EBUSY, "fetch");
        x = calloc(1, sizeof *x);
        if (!x)
                return err_sys(err, -ENOMEM, "fetch");
        *x = (struct keys_fetch){ .of = f, .body = BUF_INIT(f->max), .done = done, .ctx = ctx };
        r = begin(x, w, err);
        if (r < 0) {
                fetch_free(x);
                return r;
        }
        f->running[at] = *ret = x;
        return 0;
}

/* ---- all of them ---- */

int keys_fetcher_new(struct span ca, size_t max, struct keys_fetcher **ret, struct err *err)
{
        struct keys_fetcher *f;

        if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
                return err_set(err, -ENOMEM, "cannot start libcurl");
        f = calloc(1, sizeof *f);
        if (!f || !(f->multi = curl_multi_init())) {
                free(f);
                curl_global_cleanup();
                return err_set(err, -ENOMEM, "cannot start libcurl");
        }
        f->ca = ca;
        f->max = max;
        *ret = f;
        return 0;
}

int keys_fetcher_attach(struct keys_fetcher *f, struct loop *l, const struct clock *clock,
                        struct err *err)
{
        f->loop = l;
        f->clock = clock;
        if (curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, set_socket) != CURLM_OK ||
            curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f) != CURLM_OK ||
            curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer) != CURLM_OK ||
            curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f) != CURLM_OK)
                return err_set(err, -ENOMEM, "cannot start libcurl");
        return loop_add_timer(l, on_timer, f, &f->timer, err);
}

struct keys_fetcher *keys_fetcher_free(struct keys_fetcher *f)
{
        if (!f)
                return NULL;
        for (size_t i = 0; i < KEYS_AT_ONCE; i++)
                keys_fetch_cancel(f->running[i]);
        curl_multi_cleanup(f->multi);
        loop_remove(f->timer);
        curl_global_cleanup();
        free(f);
        return NULL;
}
