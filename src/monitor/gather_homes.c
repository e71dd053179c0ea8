/* SPDX-License-Identifier: Apache-2.0 */
/* One file of every home directory: those that passwd(5) names, which may be anywhere, and those
 * below /home, whose accounts a directory server may keep.  Of passwd only the homes are taken;
 * what else it means is left to those without rights. */
#include "monitor/gather_priv.h"

#include "base/text.h"
#include "state/reading/account_line.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { HOMES_MAX = 20000, PASSWD_MAX = 16 * 1024 * 1024 };

struct homes {
        struct buf text; /* each ended by a NUL, the root empty */
        size_t *at;
        size_t n;
};

static void add_home(struct homes *h, struct span home)
{
        home = account_home(home);
        if (home.n >= PATH_MAX - 1)
                return;
        if (home.n)
                buf_put_byte(&h->text, '/');
        buf_put(&h->text, home);
        buf_put_byte(&h->text, 0);
        h->n++;
}

static void add_passwd(struct homes *h, struct span text)
{
        struct account_user u;

        while (text.n) {
                const uint8_t *end = memchr(text.p, '\n', text.n);
                size_t n = end ? (size_t)(end - text.p) : text.n;

                if (!account_user(span_of(text.p, n), &u))
                        add_home(h, u.home);
                text = span_from(text, n + 1);
        }
}

static int read_passwd(struct gathering *x, struct homes *h)
{
        struct state_part p = { 0 };
        int rc = gather_content(x, "/etc/passwd", PASSWD_MAX, &p);

        if (rc == 0 && p.status == 0)
                add_passwd(h, p.bytes);
        return rc;
}

static int add_below_home(struct gathering *x, struct homes *h)
{
        char pattern[PATH_MAX];
        glob_t g = { 0 };
        int rc;

        if ((size_t)snprintf(pattern, sizeof pattern, "%s/home/*", x->g->root) >= sizeof pattern)
                return err_set(x->err, -ENAMETOOLONG, "%s/home", x->g->root);
        rc = glob(pattern, GLOB_NOSORT | GLOB_NOESCAPE, NULL, &g) == GLOB_NOSPACE ? -ENOMEM : 0;
        for (size_t i = 0; i < g.gl_pathc && rc == 0; i++)
                add_home(h, span_str(g.gl_pathv[i] + strlen(x->g->root)));
        globfree(&g);
        return rc < 0 ? err_sys(x->err, rc, "%s", pattern) : 0;
}

static int by_name(const void *a, const void *b, void *text)
{
        return strcmp((const char *)text + *(const size_t *)a,
                      (const char *)text + *(const size_t *)b);
}

static int sort_homes(struct gathering *x, struct homes *h)
{
        size_t at = 0;

        if (buf_status(&h->text) < 0)
                return err_sys(x->err, buf_status(&h->text), "home directories");
        if (h->n > HOMES_MAX)
                return err_set(x->err, -E2BIG, "more than %d home directories", HOMES_MAX);
        h->at = calloc(h->n ? h->n : 1, sizeof(*h->at));
        if (!h->at)
                return err_set(x->err, -ENOMEM, "home directories");
        for (size_t i = 0; i < h->n; i++) {
                h->at[i] = at;
                at += strlen((const char *)h->text.p + at) + 1;
        }
        if (h->n)
                qsort_r(h->at, h->n, sizeof(*h->at), by_name, h->text.p);
        return 0;
}

static int put_homes(struct gathering *x, const struct state_source *s, const struct homes *h)
{
        const char *before = NULL;
        char path[PATH_MAX];
        int rc = 0;

        for (size_t i = 0; i < h->n && rc == 0; i++) {
                const char *home = (const char *)h->text.p + h->at[i];

                if (*x->g->stop)
                        return err_set(x->err, -ECANCELED, "stopped");
                bool again = before && strcmp(home, before) == 0;

                if (!again && s->type == STATE_HOME_TREES)
                        rc = gather_home_tree(x, s, home);
                else if (!again && (size_t)snprintf(path, sizeof path, "%s/%s", home, s->where) <
                                           sizeof path) {
                        if (x->places)
                                gather_place(x, path);
                        else
                                rc = gather_if_there(x, s, path);
                }
                before = home;
        }
        return rc;
}

int gather_homes(struct gathering *x, const struct state_source *s)
{
        struct homes h = { .text = BUF_INIT(PASSWD_MAX) };
        int rc = read_passwd(x, &h);

        if (rc == 0)
                rc = add_below_home(x, &h);
        if (rc == 0)
                rc = sort_homes(x, &h);
        if (rc == 0)
                rc = put_homes(x, s, &h);
        free(h.at);
        buf_done(&h.text);
        return rc;
}
