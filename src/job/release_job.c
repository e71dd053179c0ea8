/* SPDX-License-Identifier: Apache-2.0 */
/* The job "release": wire/release_fact.h says what it is given and tells.  The index is read once:
 * the same bytes are hashed, unpacked, hashed again and looked through. */
#include "job/release.h"

#include "base/text.h"
#include "job/unpack.h"

#include <stdlib.h>

enum { HEX_LINE = 2 * SHA256_LEN + 1 };

#define RELEASE_MAX  (32ull << 20)
#define INDEX_MAX    (2ull << 30)
#define UNPACKED_MAX (4ull << 30)

/* ---- what is wanted ---- */

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, SHA256_LEN);
}

static int parse_wanted(struct span s, release_hash *list, size_t n, struct err *err)
{
        for (size_t i = 0; i < n; i++) {
                const uint8_t *p = s.p + i * HEX_LINE;

                if (text_from_hex(span_of(p, HEX_LINE - 1), list[i], SHA256_LEN) < 0 ||
                    p[HEX_LINE - 1] != '\n')
                        return err_set(err, -EINVAL, "wanted: line %zu is no SHA-256", i + 1);
        }
        qsort(list, n, sizeof *list, compare);
        return 0;
}

static int read_wanted(struct file_in *f, int fd, release_hash **ret, size_t *ret_n,
                       struct err *err)
{
        CLEANUP(buf_done) struct buf all = BUF_INIT((size_t)RELEASE_WANTED_MAX * HEX_LINE);
        release_hash *list;
        struct span s;
        int r = file_in_init(f, fd, all.max, err);

        while (r == 0 && (r = file_in_take(f, UNPACK_BLOCK, &s, err)) == 0 && s.n > 0)
                buf_put(&all, s);
        file_in_done(f);
        if (r == 0 && buf_status(&all) < 0)
                r = err_sys(err, buf_status(&all), "wanted");
        if (r == 0 && all.n % HEX_LINE)
                r = err_set(err, -EINVAL, "wanted: last line is cut");
        if (r < 0)
                return r;
        list = calloc(all.n / HEX_LINE + 1, sizeof *list);
        if (!list)
                return err_sys(err, -ENOMEM, "wanted");
        r = parse_wanted(buf_span(&all), list, all.n / HEX_LINE, err);
        if (r < 0) {
                free(list);
                return r;
        }
        *ret = list;
        *ret_n = all.n / HEX_LINE;
        return 0;
}

/* ---- the two files ---- */

static int read_release(struct file_in *f, int fd, struct release *rel, struct job_out *out,
                        struct err *err)
{
        struct span s;
        int r = file_in_init(f, fd, RELEASE_MAX, err);

        while (r == 0 && (r = file_in_take(f, UNPACK_BLOCK, &s, err)) == 0 && s.n > 0)
                r = release_feed(rel, s, err);
        file_in_done(f);
        if (r == 0)
                r = release_finish(rel, err);
        if (r < 0)
                return r;
        release_fact_put(job_out_begin(out), &rel->fact);
        r = job_out_end(out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

/* Everything that comes out goes to the index's reader and into the hash. */
static int read_unpacked(struct unpack *u, struct sha256_ctx *sha, struct packages *p,
                         struct err *err)
{
        struct span s;
        int r;

        while ((r = unpack_next(u, err)) > 0)
                do {
                        r = unpack_data(u, &s, err);
                        if (r == 0 && s.n > 0) {
                                sha256_add(sha, s);
                                r = packages_feed(p, s, err);
                        }
                        if (r < 0)
                                return r;
                } while (s.n > 0);
        return r < 0 ? r : packages_finish(p, err);
}

struct hashes {
        uint8_t plain[SHA256_LEN], packed[SHA256_LEN];
};

static int read_index(struct file_in *f, int fd, const char *suffix, struct packages *p,
                      struct hashes *ret, struct err *err)
{
        CLEANUP(sha256_freep) struct sha256_ctx *sha = sha256_new();
        struct unpack u = { 0 };
        int r = sha ? file_in_init(f, fd, INDEX_MAX, err) : err_sys(err, -ENOMEM, "index");

        if (r < 0)
                return r;
        sha256_begin(sha);
        r = unpack_open(&u, f, UINT64_MAX, span_str(suffix), UNPACK_PLAIN, UNPACKED_MAX, err);
        if (r == 0)
                r = read_unpacked(&u, sha, p, err);
        unpack_done(&u);
        if (r == 0)
                r = file_in_skip(f, UINT64_MAX, err);
        if (r == 0) {
                sha256_end(sha, ret->plain);
                file_in_hash(f, ret->packed);
        }
        file_in_done(f);
        return r < 0 ? err_wrap(err, "index") : 0;
}

static int put_index(struct job_out *out, const struct release *rel, const struct hashes *h,
                     struct err *err)
{
        struct release_fact f = { .kind = RELEASE_FACT_INDEX,
                                  .listed = release_lists(rel, h->plain, h->packed) };
        int r;

        memcpy(f.sha256, h->plain, sizeof f.sha256);
        release_fact_put(job_out_begin(out), &f);
        r = job_out_end(out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

static int run(struct job_out *out, const struct job_call *c, struct file_in *f,
               struct release *rel, struct err *err)
{
        release_hash *wanted = NULL;
        struct packages p;
        struct hashes h;
        size_t n;
        int r = read_wanted(f, c->more + 1, &wanted, &n, err);

        if (r < 0)
                return r;
        packages_init(&p, wanted, n, out);
        r = read_release(f, c->input, rel, out, err);
        if (r == 0)
                r = read_index(f, c->more, c->args[1], &p, &h, err);
        if (r == 0)
                r = put_index(out, rel, &h, err);
        packages_done(&p);
        free(wanted);
        return r;
}

int job_release(struct job_out *out, const struct job_call *c, struct err *err)
{
        struct release rel;
        struct file_in *f;
        int r;

        if (c->n_args != 2 || c->n_more != 2 || strlen(c->args[0]) > RELEASE_PATH_MAX)
                return err_set(err, -EINVAL, "an index, its suffix and two descriptors are wanted");
        f = calloc(1, sizeof *f);
        if (!f)
                return err_sys(err, -ENOMEM, "release");
        release_init(&rel, c->args[0], c->args[1]);
        r = run(out, c, f, &rel, err);
        release_done(&rel);
        free(f);
        return r;
}
