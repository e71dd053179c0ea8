/* SPDX-License-Identifier: Apache-2.0 */
/* SECURITY: what jobs say is hostile.  They can lie about the one repository whose files they were
 * given, and only about packages that are wanted. */
#include "integrity/why/apt_chain.h"

#include "base/text.h"
#include "loop/jobrun.h"
#include "sys/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { FACTS_MAX = 2 * CHAIN_WANTED_MAX, RELEASE_TEXT_MAX = 32 * 1024 * 1024 };

/* The Release at hand: of which source, and what its signatures are worth. */
struct vouched {
        const struct apt_source *source;
        char release[APT_NAME_MAX + 1]; /* "": none at hand yet */
        int text;                       /* as it was signed; -1: none */
        enum chain_reason reason;
        enum signature_status verdict;
        struct signature by;            /* the first good one */
        bool other_key;                 /* a good one of a key the source does not name */
        char doubted[APT_PATH_MAX + 1]; /* a keyring that was left out; "" */
        char why[CHAIN_WHY_MAX + 1];
};

enum chain_state { SOURCES, INDEX, SIGNATURE, RELEASE };

struct chain {
        struct loop *loop;
        struct loop_source *begin;
        struct chain_spec spec;
        uint8_t (*wanted)[CHAIN_HASH];
        chain_result_fn *on_result;
        chain_end_fn *on_end;
        void *ctx;

        enum chain_state state;
        struct job_run *job;
        char **files; /* of sources */
        size_t file_at;
        bool doubted; /* the one at hand is */
        struct apt_sources sources;
        struct apt_lists lists;
        size_t index_at; /* the one after the one at hand */
        struct vouched vouched;
        struct release_fact release; /* of the index at hand */
        bool index_listed, index_told;
        struct chain_result *found;   /* one per wanted: in the index at hand, if package is set */
        struct chain_result *results; /* one per wanted */
        char failed[CHAIN_WHY_MAX + 1]; /* the first thing that could not be read */
};

const char *chain_status_name(enum chain_status s)
{
        static const char *const names[] = {
                [CHAIN_SIGNED] = "signed",
                [CHAIN_UNSIGNED] = "unsigned",
                [CHAIN_UNKNOWN] = "unknown",
        };

        return names[s];
}

const char *chain_reason_name(enum chain_reason r)
{
        static const char *const names[CHAIN_REASONS] = {
                [CHAIN_HOLDS] = "holds",
                [CHAIN_NO_RELEASE] = "no_release",
                [CHAIN_NO_SIGNATURE] = "no_signature",
                [CHAIN_BAD_SIGNATURE] = "bad_signature",
                [CHAIN_OTHER_KEY] = "other_key",
                [CHAIN_INDEX_CHANGED] = "index_changed",
                [CHAIN_NO_KEY] = "no_key",
                [CHAIN_NO_SOURCE] = "no_source",
                [CHAIN_NOT_LISTED] = "not_listed",
                [CHAIN_FAILED] = "failed",
        };

        return names[r];
}

static enum chain_status status_of(enum chain_reason r)
{
        return r == CHAIN_HOLDS           ? CHAIN_SIGNED
               : r <= CHAIN_INDEX_CHANGED ? CHAIN_UNSIGNED
                                          : CHAIN_UNKNOWN;
}

static void note_failure(struct chain *c, const struct err *err)
{
        if (!c->failed[0])
                snprintf(c->failed, sizeof c->failed, "%.*s", CHAIN_WHY_MAX, err_text(err));
}

static struct chain *chain_free(struct chain *c)
{
        if (!c)
                return NULL;
        job_cancel(c->job);
        loop_remove(c->begin);
        fd_close(&c->vouched.text);
        apt_sources_done(&c->sources);
        apt_lists_done(&c->lists);
        free(c->files);
        free(c->wanted);
        free(c->found);
        free(c->results);
        free(c);
        return NULL;
}

static void advance(struct chain *c);

/* ---- jobs ---- */

static int start_job(struct chain *c, struct job_spec *spec, job_fact_fn *on_fact,
                     job_end_fn *on_end, struct err *err)
{
        spec->program = c->spec.job_program;
        spec->clock = c->spec.clock;
        spec->timeout_ns = c->spec.timeout_ns;
        spec->facts_max = FACTS_MAX;
        return job_start(c->loop, spec, on_fact, on_end, c, &c->job, err);
}

static int open_list(struct chain *c, const char *name, struct err *err)
{
        int fd = openat(c->spec.lists_fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

        return fd < 0 ? err_sys(err, -errno, "%s", name) : fd;
}

/* ---- sources ---- */

static int on_source(void *ctx, struct span fact)
{
        struct chain *c = ctx;
        size_t n = c->sources.n;
        int r = apt_sources_add(&c->sources, fact);

        if (c->sources.n > n)
                c->sources.at[n]->doubted = c->doubted;
        return r;
}

static void on_sources(void *ctx, int result, const struct err *err)
{
        struct chain *c = ctx;

        c->job = NULL;
        if (result < 0)
                note_failure(c, err);
        advance(c);
}

static int start_sources(struct chain *c, const char *file, struct err *err)
{
        CLEANUP_FD int fd = openat(c->spec.etc_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        struct job_spec spec = { .job = apt_sources_job(file), .input = fd };

        if (fd < 0)
                return err_sys(err, -errno, "%s", file);
        c->doubted = apt_standing_of(&c->spec.trust, file, fd) == APT_DOUBTED;
        return start_job(c, &spec, on_source, on_sources, err);
}

/* ---- signature ---- */

static int on_signature(void *ctx, struct span fact)
{
        struct chain *c = ctx;
        struct vouched *v = &c->vouched;
        struct signature s;
        bool verdict;
        int r = signature_parse(fact, &verdict, &s, NULL);

        if (r < 0)
                return r;
        if (verdict) {
                v->verdict = s.status;
        } else if (s.status == SIGNATURE_GOOD) {
                if (!apt_source_admits(v->source, s.key, s.fingerprint))
                        v->other_key = true;
                else if (v->by.status != SIGNATURE_GOOD)
                        v->by = s;
        } else if (v->by.status != SIGNATURE_GOOD && !v->by.key[0]) {
                v->by = s;
        }
        return 0;
}

static enum chain_reason judge(const struct vouched *v)
{
        if (v->verdict == SIGNATURE_GOOD && v->by.status == SIGNATURE_GOOD)
                return CHAIN_HOLDS;
        if (v->verdict == SIGNATURE_GOOD)
                return v->other_key ? CHAIN_OTHER_KEY : CHAIN_BAD_SIGNATURE;
        return v->verdict == SIGNATURE_NO_KEY ? CHAIN_NO_KEY
               : v->verdict == SIGNATURE_NONE ? CHAIN_NO_SIGNATURE
                                              : CHAIN_BAD_SIGNATURE;
}

static void fail_vouched(struct chain *c, const struct err *err)
{
        c->vouched.reason = CHAIN_FAILED;
        snprintf(c->vouched.why, sizeof c->vouched.why, "%.*s", CHAIN_WHY_MAX, err_text(err));
        note_failure(c, err);
}

static void on_signatures(void *ctx, int result, const struct err *err)
{
        struct chain *c = ctx;
        struct vouched *v = &c->vouched;
        struct err seal_err = { 0 };

        c->job = NULL;
        if (result < 0)
                fail_vouched(c, err);
        else if (fcntl(v->text, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) < 0 &&
                 errno != EPERM) { /* EPERM: sealed already, by job_input() */
                err_sys(&seal_err, -errno, "seal the text of %s", v->release);
                fail_vouched(c, &seal_err);
        } else {
                v->reason = judge(v);
                if (v->reason == CHAIN_NO_KEY && v->doubted[0])
                        snprintf(v->why, sizeof v->why,
                                 "%.*s was changed, and nothing explains that", CHAIN_WHY_MAX - 64,
                                 v->doubted);
        }
        c->state = RELEASE;
        advance(c);
}

/* A Release whose signature lies elsewhere: the same sealed bytes for both jobs. */
static int copy_release(struct chain *c, const char *name, struct err *err)
{
        uint8_t *bytes = NULL;
        size_t n;
        int fd, r = io_read_file(&io_kernel, c->spec.lists_fd, name, RELEASE_TEXT_MAX, &bytes, &n,
                                 err);

        if (r < 0)
                return r;
        fd = job_input(span_of(bytes, n), err);
        free(bytes);
        return fd;
}

static int open_text(struct chain *c, const struct apt_index *i, struct err *err)
{
        int fd;

        if (i->signing == APT_DETACHED)
                return copy_release(c, i->release, err);
        fd = memfd_create("release", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return fd < 0 ? err_sys(err, -errno, "text of %s", i->release) : fd;
}

static int start_signature(struct chain *c, const struct apt_index *i, struct err *err)
{
        static const char *const clear[] = { "openpgp", "clear", NULL };
        static const char *const detached[] = { "openpgp", "detached", NULL };
        bool is_clear = i->signing == APT_INLINE;
        int more[1 + APT_KEYRINGS_MAX];
        CLEANUP_FD int input = -1;
        CLEANUP_FD int signature = -1;
        struct job_spec spec = { .job = "signature",
                                 .args = is_clear ? clear : detached,
                                 .more = more };
        struct apt_keyrings keyrings;
        int r;

        c->vouched.text = open_text(c, i, err);
        if (c->vouched.text < 0)
                return c->vouched.text;
        if (is_clear)
                r = input = open_list(c, i->release, err);
        else
                r = signature = open_list(c, i->signature, err);
        if (r >= 0)
                r = apt_source_keyrings(c->vouched.source, c->spec.etc_fd, &c->spec.trust,
                                        &keyrings, err);
        if (r < 0)
                return r;
        memcpy(c->vouched.doubted, keyrings.doubted, sizeof keyrings.doubted);
        spec.input = is_clear ? input : c->vouched.text;
        more[0] = is_clear ? c->vouched.text : signature;
        memcpy(more + 1, keyrings.fd, keyrings.n * sizeof(int));
        spec.n_more = 1 + keyrings.n;
        r = start_job(c, &spec, on_signature, on_signatures, err);
        while (keyrings.n > 0)
                fd_close(&keyrings.fd[--keyrings.n]);
        return r;
}

/* What vouches for the index at hand: the same as for the one before, or begin with it. */
static int begin_vouched(struct chain *c, const struct apt_index *i, struct err *err)
{
        struct vouched *v = &c->vouched;

        if (i->release[0] && strcmp(v->release, i->release) == 0)
                return 0;
        fd_close(&v->text);
        *v = (struct vouched){ .text = -1, .source = apt_sources_find(&c->sources, i) };
        memcpy(v->release, i->release, sizeof v->release);
        if (!v->source)
                v->reason = CHAIN_NO_SOURCE;
        else if (i->signing == APT_NO_RELEASE)
                v->reason = CHAIN_NO_RELEASE;
        else if (i->signing == APT_UNSIGNED)
                v->reason = CHAIN_NO_SIGNATURE;
        else
                return start_signature(c, i, err);
        return 0;
}

/* ---- release and index ---- */

static size_t find_wanted(const struct chain *c, const uint8_t hash[CHAIN_HASH])
{
        size_t i = 0;

        while (i < c->spec.n_wanted && memcmp(c->wanted[i], hash, CHAIN_HASH) != 0)
                i++;
        return i;
}

static int on_release_fact(void *ctx, struct span fact)
{
        struct chain *c = ctx;
        struct release_fact f;
        size_t at;
        int r = release_fact_parse(fact, &f, NULL);

        if (r < 0)
                return r;
        switch (f.kind) {
        case RELEASE_FACT_RELEASE:
                c->release = f;
                break;
        case RELEASE_FACT_LISTED:
                at = find_wanted(c, f.sha256);
                if (at == c->spec.n_wanted || !f.package[0])
                        return -EBADMSG;
                memcpy(c->found[at].package, f.package, sizeof f.package);
                memcpy(c->found[at].version, f.version, sizeof f.version);
                memcpy(c->found[at].architecture, f.architecture, sizeof f.architecture);
                break;
        case RELEASE_FACT_INDEX:
                c->index_listed = f.listed;
                c->index_told = true;
                break;
        }
        return 0;
}

/* A package of the index at hand, with all that is known. */
static void fill(const struct chain *c, struct chain_result *r)
{
        const struct vouched *v = &c->vouched;

        r->reason = v->reason == CHAIN_HOLDS && !c->index_listed ? CHAIN_INDEX_CHANGED : v->reason;
        r->status = status_of(r->reason);
        r->signature = v->verdict;
        r->trusted = v->source && v->source->fact.trusted;
        memcpy(r->release, v->release, sizeof r->release);
        memcpy(r->suite, c->release.suite, sizeof r->suite);
        memcpy(r->codename, c->release.codename, sizeof r->codename);
        r->date = c->release.date;
        r->valid_until = c->release.valid_until;
        r->expired = r->valid_until && clock_wall(c->spec.clock) / NS_PER_S > r->valid_until;
        memcpy(r->fingerprint, v->by.fingerprint, sizeof r->fingerprint);
        memcpy(r->key, v->by.key, sizeof r->key);
        memcpy(r->why, v->why, sizeof r->why);
}

static void keep_found(struct chain *c)
{
        for (size_t i = 0; i < c->spec.n_wanted; i++) {
                struct chain_result *found = &c->found[i], *best = &c->results[i];

                if (!found->package[0])
                        continue;
                fill(c, found);
                /* a repository that vouches for it counts more than one that only lists it */
                if (!best->package[0] || found->status < best->status)
                        *best = *found;
        }
}

static void on_release(void *ctx, int result, const struct err *err)
{
        struct chain *c = ctx;

        c->job = NULL;
        if (result < 0)
                note_failure(c, err);
        else if (c->index_told)
                keep_found(c);
        c->state = INDEX;
        advance(c);
}

/* The hashes that nobody vouches for yet, for the job; -1 and no error: there are none. */
static int open_wanted(struct chain *c, struct err *err)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT((2 * CHAIN_HASH + 1) * CHAIN_WANTED_MAX);
        char hex[2 * CHAIN_HASH + 1];

        for (size_t i = 0; i < c->spec.n_wanted; i++) {
                if (c->results[i].status == CHAIN_SIGNED)
                        continue;
                text_hex(span_of(c->wanted[i], CHAIN_HASH), hex);
                buf_put_str(&b, hex);
                buf_put_byte(&b, '\n');
        }
        if (buf_status(&b) < 0)
                return err_sys(err, buf_status(&b), "wanted packages");
        return job_input(buf_span(&b), err);
}

static int start_release(struct chain *c, const struct apt_index *i, struct err *err)
{
        /* unverified bytes of a Release say nothing: the index is looked through all the same */
        bool vouched = c->vouched.reason == CHAIN_HOLDS;
        CLEANUP_FD int none = vouched ? -1 : job_input(SPAN_NONE, err);
        CLEANUP_FD int index = open_list(c, i->name, err);
        CLEANUP_FD int wanted = index < 0 ? -1 : open_wanted(c, err);
        const char *const args[] = { i->listed, i->suffix, NULL };
        const int more[] = { index, wanted };
        struct job_spec spec = { .job = "release",
                                 .args = args,
                                 .input = vouched ? c->vouched.text : none,
                                 .more = more,
                                 .n_more = ARRAY_LEN(more) };

        if (spec.input < 0 || index < 0 || wanted < 0)
                return err->code;
        c->release = (struct release_fact){ 0 };
        c->index_listed = c->index_told = false;
        memset(c->found, 0, c->spec.n_wanted * sizeof *c->found);
        for (size_t k = 0; k < c->spec.n_wanted; k++)
                memcpy(c->found[k].sha256, c->wanted[k], CHAIN_HASH);
        return start_job(c, &spec, on_release_fact, on_release, err);
}

/* ---- one after the other ---- */

static bool all_signed(const struct chain *c)
{
        for (size_t i = 0; i < c->spec.n_wanted; i++)
                if (c->results[i].status != CHAIN_SIGNED)
                        return false;
        return true;
}

static void finish(struct chain *c)
{
        for (size_t i = 0; i < c->spec.n_wanted; i++) {
                struct chain_result *r = &c->results[i];

                if (!r->package[0] && c->failed[0]) { /* it may stand where nobody could look */
                        r->reason = CHAIN_FAILED;
                        memcpy(r->why, c->failed, sizeof r->why);
                }
                c->on_result(c->ctx, r);
        }
        c->on_end(c->ctx);
        chain_free(c);
}

/* False: there are no more, and *c is gone. */
static bool next_index(struct chain *c)
{
        const struct apt_index *i;
        struct err err = { 0 };

        if (c->index_at == c->lists.n || all_signed(c)) {
                finish(c);
                return false;
        }
        i = &c->lists.index[c->index_at++];
        c->state = RELEASE;
        if (begin_vouched(c, i, &err) < 0)
                fail_vouched(c, &err);
        else if (c->job)
                c->state = SIGNATURE;
        return true;
}

static void next_file(struct chain *c)
{
        struct err err = { 0 };

        if (c->files && c->files[c->file_at]) {
                if (start_sources(c, c->files[c->file_at++], &err) < 0)
                        note_failure(c, &err);
                return;
        }
        c->state = INDEX;
        if (apt_lists_read(c->spec.lists_fd, &c->lists, &err) < 0)
                note_failure(c, &err);
}

/* Goes on until a job runs or all is told. */
static void advance(struct chain *c)
{
        struct err err = { 0 };

        while (!c->job)
                switch (c->state) {
                case SOURCES:
                        next_file(c);
                        break;
                case INDEX:
                        if (!next_index(c))
                                return;
                        break;
                case SIGNATURE:
                case RELEASE:
                        if (start_release(c, &c->lists.index[c->index_at - 1], &err) < 0) {
                                note_failure(c, &err);
                                c->state = INDEX;
                        }
                        break;
                }
}

static void on_begin(void *ctx)
{
        struct chain *c = ctx;
        struct err err = { 0 };

        if (apt_sources_files(c->spec.etc_fd, &c->files, &err) < 0)
                note_failure(c, &err);
        advance(c);
}

/* ---- life ---- */

static int alloc_results(struct chain *c, const struct chain_spec *spec)
{
        size_t n = MAX_OF(spec->n_wanted, (size_t)1);

        c->wanted = calloc(n, CHAIN_HASH);
        c->found = calloc(n, sizeof *c->found);
        c->results = calloc(n, sizeof *c->results);
        if (!c->wanted || !c->found || !c->results)
                return -ENOMEM;
        for (size_t i = 0; i < spec->n_wanted; i++) {
                memcpy(c->wanted[i], spec->wanted[i], CHAIN_HASH);
                memcpy(c->results[i].sha256, spec->wanted[i], CHAIN_HASH);
                c->results[i].status = CHAIN_UNKNOWN;
                c->results[i].reason = CHAIN_NOT_LISTED;
        }
        return 0;
}

int chain_start(struct loop *l, const struct chain_spec *spec, chain_result_fn *on_result,
                chain_end_fn *on_end, void *ctx, struct chain **ret, struct err *err)
{
        struct chain *c;
        int r;

        if (spec->n_wanted > CHAIN_WANTED_MAX)
                return err_set(err, -E2BIG, "chain of more than %d packages", CHAIN_WANTED_MAX);
        c = calloc(1, sizeof *c);
        if (!c)
                return err_sys(err, -ENOMEM, "chain");
        c->loop = l;
        c->spec = *spec;
        c->spec.wanted = NULL; /* was borrowed */
        c->on_result = on_result;
        c->on_end = on_end;
        c->ctx = ctx;
        c->vouched.text = -1;
        r = alloc_results(c, spec);
        if (r < 0)
                err_sys(err, r, "chain");
        else
                r = loop_add_timer(l, on_begin, c, &c->begin, err);
        if (r < 0) {
                chain_free(c);
                return r;
        }
        loop_timer_set(c->begin, clock_mono(spec->clock));
        *ret = c;
        return 0;
}

struct chain *chain_cancel(struct chain *c)
{
        return chain_free(c);
}
