/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package_read.h"

#include "integrity/why/apt_chain.h"
#include "integrity/why/package.h"
#include "loop/jobrun.h"
#include "sys/io.h"
#include "wire/deb_fact.h"
#include "wire/fact.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
        FILES_OPEN = 256, /* before they are read; later ones are opened when it is their turn */
        LIST_BYTES_MAX = 4 << 20,
        LISTS_BYTES_MAX = 32 << 20,
        FACTS_MAX = 600000,
        JOB_S = 120,
};

static const char etc_dir[] = "/etc/apt", lists_dir[] = "/var/lib/apt/lists",
                  info_dir[] = "/var/lib/dpkg/info";

struct package_reader {
        struct loop *loop;
        const struct clock *clock;
        const char *job_program;
        struct packages *packages;
        package_read_end_fn *on_end;
        void *ctx;

        struct loop_source *begin;
        struct job_run *job;
        struct chain *chain;
        int *fd; /* of each package's file; -1: not open, or a negative errno */
        size_t n, max, n_open;
        size_t at; /* the package whose file is read */
        struct buf lists;
        size_t *list_of; /* package of each */
        size_t n_lists;
        int etc_fd, lists_fd;
        struct apt_trust trust;
        struct deb_fact fact;
        const char *refused; /* why a fact was */
};

unsigned package_merged(void)
{
        static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };
        unsigned merged = 0;

        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                char path[16], target[16], want[16];
                ssize_t n;

                snprintf(path, sizeof path, "/%s", names[i]);
                snprintf(want, sizeof want, "usr/%s", names[i]);
                n = readlink(path, target, sizeof target);
                if (n > 0 &&
                    (span_eq_str(span_of(target, (size_t)n), want) ||
                     (target[0] == '/' && span_eq_str(span_of(target + 1, (size_t)n - 1), want))))
                        merged |= deb_merged_bit(span_str(names[i]));
        }
        return merged;
}

int package_reader_new(struct loop *l, const struct clock *clock, const char *job_program,
                       struct packages *packages, struct package_reader **ret, struct err *err)
{
        struct package_reader *r = calloc(1, sizeof *r);

        if (!r)
                return err_set(err, -ENOMEM, "out of memory for packages");
        r->loop = l;
        r->clock = clock;
        r->job_program = job_program;
        r->packages = packages;
        r->lists = BUF_INIT(LISTS_BYTES_MAX);
        r->etc_fd = r->lists_fd = -1;
        *ret = r;
        return 0;
}

struct package_reader *package_reader_free(struct package_reader *r)
{
        if (!r)
                return NULL;
        loop_remove(r->begin);
        if (r->job)
                job_cancel(r->job);
        if (r->chain)
                chain_cancel(r->chain);
        for (size_t i = 0; i < r->n; i++)
                if (r->fd[i] >= 0)
                        fd_close(&r->fd[i]);
        fd_close(&r->etc_fd);
        fd_close(&r->lists_fd);
        buf_done(&r->lists);
        free(r->fd);
        free(r->list_of);
        free(r);
        return NULL;
}

void package_reader_trust(struct package_reader *r, const struct apt_trust *t)
{
        r->trust = *t;
        r->trust.etc = etc_dir;
}

/* ---- before dpkg goes on ---- */

/* A plain file, whoever it belongs to: its bytes are judged, not its place. */
static int open_file(const char *path)
{
        struct stat st;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                return fd;
        close(fd);
        return -EINVAL;
}

/* Policy 5.6.7, so that it names a file in that directory and nothing else. */
static bool is_plain_name(const char *s)
{
        return s[0] && s[0] != '.' &&
               strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == strlen(s);
}

/* An empty line inside would make two lists of it. */
static bool is_one_list(const uint8_t *p, size_t n)
{
        if (n == 0 || p[0] == '\n')
                return false;
        for (size_t i = 1; i < n; i++)
                if (p[i] == '\n' && p[i - 1] == '\n')
                        return false;
        return true;
}

static bool has_old_list(const struct package *x)
{
        return x->from[0] && x->action != PACKAGE_INSTALL && x->action != PACKAGE_CONFIGURE &&
               is_plain_name(x->name) && is_plain_name(x->arch);
}

/* What dpkg lists of it now.  Without it deletions are not explained. */
static int keep_list(struct package_reader *r, struct package *x, size_t i)
{
        char path[sizeof info_dir + 2 * PACKAGE_FIELD_MAX + 16];
        uint8_t *text = NULL;
        size_t n = 0;
        int rc;

        snprintf(path, sizeof path, "%s/%s:%s.list", info_dir, x->name, x->arch);
        rc = io_read_file(&io_kernel, AT_FDCWD, path, LIST_BYTES_MAX, &text, &n, NULL);
        if (rc == -ENOENT) {
                snprintf(path, sizeof path, "%s/%s.list", info_dir, x->name);
                rc = io_read_file(&io_kernel, AT_FDCWD, path, LIST_BYTES_MAX, &text, &n, NULL);
        }
        if (rc == 0 && is_one_list(text, n) && r->lists.n + n + 2 <= LISTS_BYTES_MAX) {
                buf_put(&r->lists, span_of(text, n));
                buf_put_str(&r->lists, text[n - 1] == '\n' ? "\n" : "\n\n");
                r->list_of[r->n_lists++] = i;
                x->listed = true;
        }
        free(text);
        return buf_status(&r->lists);
}

int package_reader_add(struct package_reader *r)
{
        size_t i = packages_count(r->packages) - 1;
        struct package *x = packages_at(r->packages, i);

        assert(i == r->n);
        if (r->n == r->max) {
                size_t more = MAX_OF(2 * r->max, (size_t)64);
                int *fd = realloc(r->fd, more * sizeof *fd);
                size_t *list_of;

                if (!fd)
                        return -ENOMEM;
                r->fd = fd;
                list_of = realloc(r->list_of, more * sizeof *list_of);
                if (!list_of)
                        return -ENOMEM;
                r->list_of = list_of;
                r->max = more;
        }
        r->fd[r->n++] = -1;
        if (x->has_file && r->n_open < FILES_OPEN) {
                r->fd[i] = open_file(x->path);
                r->n_open += r->fd[i] >= 0;
        }
        return has_old_list(x) ? keep_list(r, x, i) : 0;
}

/* ---- the chain ---- */

static void on_result(void *ctx, const struct chain_result *result)
{
        struct package_reader *r = ctx;

        packages_chained(r->packages, result);
}

static void on_chain(void *ctx)
{
        struct package_reader *r = ctx;

        r->chain = NULL;
        packages_unchained(r->packages, "nobody could say whether it is signed");
        r->on_end(r->ctx);
}

static int open_dir(const char *path, struct err *err)
{
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? err_sys(err, -errno, "%s", path) : fd;
}

static int start_chain(struct package_reader *r, struct err *err)
{
        uint8_t(*wanted)[CHAIN_HASH] = calloc(MAX_OF(r->n, (size_t)1), CHAIN_HASH);
        struct chain_spec spec = { .job_program = r->job_program,
                                   .clock = r->clock,
                                   .timeout_ns = JOB_S * NS_PER_S,
                                   .trust = r->trust };
        int rc = wanted ? 0 : err_set(err, -ENOMEM, "out of memory for packages");

        for (size_t i = 0; i < r->n && rc == 0; i++) {
                const struct package *x = packages_at(r->packages, i);

                if (x->has_hash && x->trust == PACKAGE_UNREAD)
                        memcpy(wanted[spec.n_wanted++], x->sha256, CHAIN_HASH);
        }
        if (rc == 0)
                rc = r->etc_fd = open_dir(etc_dir, err);
        if (rc >= 0)
                rc = r->lists_fd = open_dir(lists_dir, err);
        spec.etc_fd = r->etc_fd;
        spec.lists_fd = r->lists_fd;
        spec.wanted = (const uint8_t(*)[CHAIN_HASH])wanted;
        if (rc >= 0 && spec.n_wanted)
                rc = chain_start(r->loop, &spec, on_result, on_chain, r, &r->chain, err);
        free(wanted);
        return MIN_OF(rc, 0);
}

static void ask_chain(struct package_reader *r)
{
        struct err err = { 0 };

        if (start_chain(r, &err) < 0)
                packages_unchained(r->packages, err_text(&err));
        if (!r->chain)
                r->on_end(r->ctx); /* there was nothing to ask for */
}

/* ---- package files ---- */

static int start_job(struct package_reader *r, const char *job, int input, job_fact_fn *on_fact,
                     job_end_fn *on_end, struct err *err)
{
        struct job_spec spec = { .program = r->job_program,
                                 .job = job,
                                 .input = input,
                                 .timeout_ns = JOB_S * NS_PER_S,
                                 .facts_max = FACTS_MAX,
                                 .clock = r->clock };

        if (!r->job_program)
                return err_set(err, -ENOENT, "assay-job is not there to read it");
        return job_start(r->loop, &spec, on_fact, on_end, r, &r->job, err);
}

static int on_file_fact(void *ctx, struct span fact)
{
        struct package_reader *r = ctx;
        int rc = deb_fact_parse(fact, &r->fact, NULL);

        if (rc < 0)
                return rc;
        rc = packages_fact(r->packages, r->at, &r->fact);
        if (rc == -EBADMSG)
                r->refused = "the file is of another package than apt said";
        else if (rc == -E2BIG)
                r->refused = "there is no room for all of its paths";
        return rc;
}

static void next_file(struct package_reader *r);

static void on_file(void *ctx, int result, const struct err *err)
{
        struct package_reader *r = ctx;

        r->job = NULL;
        packages_read(r->packages, r->at,
                      result == 0  ? NULL
                      : r->refused ? r->refused
                                   : err_text(err));
        fd_close(&r->fd[r->at++]);
        next_file(r);
}

static int start_file(struct package_reader *r, struct err *err)
{
        const struct package *x = packages_at(r->packages, r->at);
        int *fd = &r->fd[r->at];

        r->refused = NULL;
        if (*fd == -1)
                *fd = open_file(x->path);
        if (*fd < 0)
                return err_set(err, *fd, "the file cannot be opened: %s", strerror(-*fd));
        return start_job(r, "deb", *fd, on_file_fact, on_file, err);
}

static void next_file(struct package_reader *r)
{
        for (; r->at < r->n; r->at++) {
                struct err err = { 0 };

                if (!packages_at(r->packages, r->at)->has_file)
                        continue;
                if (start_file(r, &err) == 0)
                        return;
                packages_read(r->packages, r->at, err_text(&err));
                if (r->fd[r->at] >= 0)
                        fd_close(&r->fd[r->at]);
        }
        ask_chain(r);
}

/* ---- lists ---- */

static int on_path(void *ctx, struct span fact)
{
        struct package_reader *r = ctx;
        struct fact f = fact_of(fact);
        char path[DEB_FACT_PATH_MAX + 1];
        uint64_t list;
        int rc;

        if (fact_has(&f, "bad_line"))
                return 0;
        list = fact_number(&f, "list", r->n_lists - 1);
        fact_bytes(&f, "path", "path_b64", path, DEB_FACT_PATH_MAX);
        rc = fact_status(&f, NULL);
        return rc < 0 ? rc : packages_listed(r->packages, r->list_of[list], path);
}

static void on_lists(void *ctx, int result, const struct err *err)
{
        struct package_reader *r = ctx;

        (void)err;
        r->job = NULL;
        for (size_t i = 0; result < 0 && i < r->n_lists; i++)
                packages_at(r->packages, r->list_of[i])->listed = false;
        next_file(r);
}

static int start_lists(struct package_reader *r, struct err *err)
{
        CLEANUP_FD int input = job_input(buf_span(&r->lists), err);

        buf_done(&r->lists);
        return input < 0 ? input : start_job(r, "dpkglist", input, on_path, on_lists, err);
}

static void on_begin(void *ctx)
{
        struct package_reader *r = ctx;
        struct err err = { 0 };

        if (r->n_lists && start_lists(r, &err) == 0)
                return;
        for (size_t i = 0; i < r->n_lists; i++)
                packages_at(r->packages, r->list_of[i])->listed = false;
        next_file(r);
}

int package_reader_start(struct package_reader *r, package_read_end_fn *on_end, void *ctx,
                         struct err *err)
{
        int rc = loop_add_timer(r->loop, on_begin, r, &r->begin, err);

        if (rc < 0)
                return rc;
        r->on_end = on_end;
        r->ctx = ctx;
        loop_timer_set(r->begin, clock_mono(r->clock));
        return 0;
}
