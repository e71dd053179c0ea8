/* SPDX-License-Identifier: Apache-2.0 */
/* The job "signature": wire/signature_fact.h says what it is given and tells.
 *
 * Signatures are checked by gpgv and ssh-keygen, which this process starts after it has given its
 * rights away, and which inherit that.  Each descriptor is copied into a memory file first: the
 * programs want names, /proc/self/fd/<n> of a memory file is one they can open anywhere, and what
 * they read cannot change under them. */
#include "base/clock.h"
#include "base/text.h"
#include "job/armor.h"
#include "job/gpgv.h"
#include "job/job.h"
#include "sys/io.h"
#include "sys/spawn.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
        MIB = 1024 * 1024,
        READ_STEP = 64 * 1024,
        DATA_MAX = 32 * MIB,
        SIGNATURE_MAX = 1 * MIB,
        KEYS_MAX = 8 * MIB, /* all keyrings together; also of allowed signers */
        SAID_MAX = 256 * 1024,
        PROGRAM_MS = 20000,
        PRINCIPALS_MAX = 8,
};

/* ---- memory files ---- */

static int new_file(struct err *err)
{
        int fd = memfd_create("signature", MFD_CLOEXEC);

        return fd < 0 ? err_sys(err, -errno, "memory file") : fd;
}

static int read_all(int fd, size_t max, struct buf *out, struct err *err)
{
        uint8_t *p;
        ssize_t n;

        for (off_t at = 0;; at += n) {
                p = buf_extend(out, READ_STEP);
                if (!p)
                        return err_sys(err, buf_status(out), "input");
                n = io_kernel.pread(NULL, fd, p, READ_STEP, at);
                out->n -= READ_STEP - (size_t)MAX_OF(n, 0);
                if (n < 0)
                        return err_sys(err, (int)n, "input");
                if (out->n > max)
                        return err_set(err, -EFBIG, "input of more than %zu bytes", max);
                if (n == 0)
                        return 0;
        }
}

static int file_with(struct span s, int *ret, struct err *err)
{
        CLEANUP_FD int fd = new_file(err);
        ssize_t n;

        if (fd < 0)
                return fd;
        n = s.n ? io_kernel.pwrite(NULL, fd, s.p, s.n, 0) : 0;
        if (n < 0)
                return err_sys(err, (int)n, "memory file");
        *ret = fd;
        fd = -1;
        return 0;
}

static int copy_file(int from, size_t max, int *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(max + READ_STEP);
        int r = read_all(from, max, &b, err);

        return r < 0 ? r : file_with(buf_span(&b), ret, err);
}

/* All keyrings in one: gpgv searches it for any key. */
static int copy_keys(const struct job_call *c, unsigned first, int *ret, struct err *err)
{
        CLEANUP(buf_done) struct buf all = BUF_INIT(KEYS_MAX);
        CLEANUP(buf_done) struct buf one = BUF_INIT(KEYS_MAX + READ_STEP);
        int r;

        for (unsigned i = first; i < c->n_more; i++) {
                buf_clear(&one);
                r = read_all(c->more + (int)i, KEYS_MAX, &one, err);
                if (r == 0)
                        r = armor_put_keys(buf_span(&one), &all, err);
                if (r < 0)
                        return err_wrap(err, "keyring %u", i - first + 1);
        }
        return file_with(buf_span(&all), ret, err);
}

/* ---- programs ---- */

struct program {
        const char *path;
        const char *const *argv;
        int in, out;
        int more[3]; /* its descriptors 3, 4, 5 */
        size_t n_more;
};

/* Its exit status; killed by a signal is an error. */
static int run_program(const struct program *p, int *ret_status, struct err *err)
{
        struct spawn s = { .path = p->path,
                           .argv = p->argv,
                           .in = p->in,
                           .out = p->out,
                           .err = -1,
                           .more = p->more,
                           .n_more = p->n_more };
        int status, r;

        r = spawn_run(&s, PROGRAM_MS, &status, err);
        if (r < 0)
                return r;
        if (status > UINT8_MAX)
                return err_set(err, -EIO, "%s: ended by signal %d", p->path, status - 256);
        *ret_status = status;
        return 0;
}

static int put_signature(struct job_out *out, const struct signature *s, struct err *err)
{
        int r;

        signature_put(job_out_begin(out), s);
        r = job_out_end(out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

static int put_verdict(struct job_out *out, enum signature_status s, struct err *err)
{
        int r;

        signature_put_verdict(job_out_begin(out), s);
        r = job_out_end(out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

/* ---- OpenPGP ---- */

#define KEYS_AT      "/proc/self/fd/4"
#define SIGNATURE_AT "/proc/self/fd/5"

struct gpgv {
        bool clear;
        int status, keys, data, sig, text; /* memory files */
        int code;                          /* it ended with */
};

/* One text is what is signed; with more of them nobody knows which.  And where all is good, gpgv
 * has nothing to complain about, a text it could not write for one. */
static enum signature_status judge_openpgp(const struct gpgv *g, const struct gpgv_status *s)
{
        enum signature_status verdict = gpgv_judge(s);
        size_t good = 0;

        if (verdict != SIGNATURE_GOOD)
                return verdict;
        for (size_t i = 0; i < s->n; i++)
                good += s->sig[i].status == SIGNATURE_GOOD;
        if ((g->clear && s->texts != 1) || (good == s->n && g->code != 0))
                return SIGNATURE_BAD;
        return SIGNATURE_GOOD;
}

static int pass_text(const struct gpgv *g, int to, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(DATA_MAX + READ_STEP);
        ssize_t n;
        int r = read_all(g->text, DATA_MAX, &text, err);

        if (r < 0)
                return r;
        n = text.n ? io_kernel.pwrite(NULL, to, text.p, text.n, 0) : 0;
        return n < 0 ? err_sys(err, (int)n, "text") : 0;
}

static int tell_openpgp(struct job_out *out, const struct gpgv *g, int text_to, struct err *err)
{
        CLEANUP(buf_done) struct buf said = BUF_INIT(SAID_MAX + READ_STEP);
        enum signature_status verdict;
        struct gpgv_status s;
        int r = read_all(g->status, SAID_MAX, &said, err);

        if (r == 0)
                r = gpgv_parse(buf_span(&said), &s, err);
        for (size_t i = 0; r == 0 && i < s.n; i++)
                r = put_signature(out, &s.sig[i], err);
        if (r < 0)
                return r;
        verdict = judge_openpgp(g, &s);
        if (g->clear && verdict == SIGNATURE_GOOD)
                r = pass_text(g, text_to, err);
        return r < 0 ? r : put_verdict(out, verdict, err);
}

static int run_gpgv(struct gpgv *g, struct err *err)
{
        static const char *const clear_argv[] = { "gpgv",      "--status-fd", "3",
                                                  "--keyring", KEYS_AT,       "--output",
                                                  "-",         "-",           NULL };
        static const char *const detached_argv[] = { "gpgv",  "--status-fd", "3", "--keyring",
                                                     KEYS_AT, SIGNATURE_AT,  "-", NULL };
        struct program p = { .path = "/usr/bin/gpgv",
                             .argv = g->clear ? clear_argv : detached_argv,
                             .in = g->data,
                             .out = g->text,
                             .more = { g->status, g->keys, g->sig },
                             .n_more = g->clear ? 2 : 3 };

        return run_program(&p, &g->code, err);
}

static int open_gpgv(struct gpgv *g, const struct job_call *c, struct err *err)
{
        int r = file_with(SPAN_NONE, &g->status, err);

        if (r == 0)
                r = copy_keys(c, 1, &g->keys, err);
        if (r == 0)
                r = copy_file(c->input, DATA_MAX, &g->data, err);
        if (r == 0 && g->clear)
                return file_with(SPAN_NONE, &g->text, err);
        return r < 0 ? r : copy_file(c->more, SIGNATURE_MAX, &g->sig, err);
}

static int check_openpgp(struct job_out *out, const struct job_call *c, bool clear, struct err *err)
{
        struct gpgv g = {
                .clear = clear, .status = -1, .keys = -1, .data = -1, .sig = -1, .text = -1
        };
        int r = open_gpgv(&g, c, err);

        if (r == 0)
                r = run_gpgv(&g, err);
        if (r == 0)
                r = tell_openpgp(out, &g, c->more, err);
        fd_close(&g.status);
        fd_close(&g.keys);
        fd_close(&g.data);
        fd_close(&g.sig);
        fd_close(&g.text);
        return r;
}

/* ---- SSH ---- */

#define SSH_SIGNATURE_AT "/proc/self/fd/3"
#define SSH_SIGNERS_AT   "/proc/self/fd/4"

struct ssh {
        const char *namespace;
        char time[64];          /* "verify-time=20260102030405Z" */
        int data, sig, signers; /* memory files */
        struct buf said;
};

static int run_ssh(struct ssh *s, const char *const *argv, int *ret_code, struct err *err)
{
        CLEANUP_FD int out = new_file(err);
        struct program p = { .path = "/usr/bin/ssh-keygen",
                             .argv = argv,
                             .in = s->data,
                             .out = out,
                             .more = { s->sig, s->signers },
                             .n_more = 2 };
        int r;

        if (out < 0)
                return out;
        if (lseek(s->data, 0, SEEK_SET) < 0)
                return err_sys(err, -errno, "signed bytes");
        r = run_program(&p, ret_code, err);
        buf_clear(&s->said);
        return r < 0 ? r : read_all(out, SAID_MAX, &s->said, err);
}

/* 'Good "git" signature for a@b with ED25519 key SHA256:...': the last word of its first line. */
static bool take_fingerprint(struct span said, struct signature *ret)
{
        struct span line, word, last = SPAN_NONE;

        if (!job_cut(&said, '\n', &line) || !span_starts(line, SPAN("Good ")))
                return false;
        while (job_cut(&line, ' ', &word))
                last = word;
        if (!span_starts(last, SPAN("SHA256:")) || last.n > SIGNATURE_KEY_MAX)
                return false;
        memcpy(ret->fingerprint, last.p, last.n);
        memcpy(ret->key, last.p, last.n);
        return true;
}

static bool take_signer(struct span name, struct signature *ret)
{
        if (name.n == 0 || name.n > SIGNATURE_SIGNER_MAX || name.p[0] == '-' ||
            memchr(name.p, '\0', name.n))
                return false;
        memcpy(ret->signer, name.p, name.n);
        ret->signer[name.n] = '\0';
        return true;
}

/* Good without asking whose it is?  Then nobody is allowed to whom the key belongs. */
static int check_unknown(struct ssh *s, struct signature *ret, struct err *err)
{
        const char *const argv[] = { "ssh-keygen", "-Y", "check-novalidate", "-n",
                                     s->namespace, "-s", SSH_SIGNATURE_AT,   NULL };
        int code, r = run_ssh(s, argv, &code, err);

        if (r < 0)
                return r;
        ret->status = code == 0 && take_fingerprint(buf_span(&s->said), ret) ? SIGNATURE_NO_KEY
                                                                             : SIGNATURE_BAD;
        return 0;
}

static int check_signer(struct ssh *s, struct signature *ret, bool *ret_good, struct err *err)
{
        const char *const argv[] = { "ssh-keygen",     "-Y", "verify",    "-O", s->time,      "-f",
                                     SSH_SIGNERS_AT,   "-I", ret->signer, "-n", s->namespace, "-s",
                                     SSH_SIGNATURE_AT, NULL };
        int code, r = run_ssh(s, argv, &code, err);

        if (r == 0)
                *ret_good = code == 0 && take_fingerprint(buf_span(&s->said), ret);
        return r;
}

static int judge_ssh(struct ssh *s, struct signature *ret, struct err *err)
{
        const char *const argv[] = { "ssh-keygen",   "-Y", "find-principals", "-O", s->time, "-f",
                                     SSH_SIGNERS_AT, "-s", SSH_SIGNATURE_AT,  NULL };
        CLEANUP(buf_done) struct buf names = BUF_INIT(SAID_MAX);
        struct span rest, name;
        bool good = false;
        int code, r = run_ssh(s, argv, &code, err);

        if (r < 0)
                return r;
        if (code != 0)
                return check_unknown(s, ret, err);
        buf_put(&names, buf_span(&s->said));
        rest = buf_span(&names);
        for (int i = 0; i < PRINCIPALS_MAX && job_cut(&rest, '\n', &name); i++) {
                if (!take_signer(name, ret))
                        continue;
                r = check_signer(s, ret, &good, err);
                if (r < 0)
                        return r;
                if (good) {
                        ret->status = SIGNATURE_GOOD;
                        return 0;
                }
        }
        return check_unknown(s, ret, err);
}

/* ssh-keygen wants a date where we have seconds. */
static int set_time(struct ssh *s, const char *seconds, struct err *err)
{
        char t[TEXT_TIME_LEN + 1];
        uint64_t n;

        if (text_to_u64(span_str(seconds), &n) < 0 || n > INT64_MAX / NS_PER_S)
                return err_set(err, -EINVAL, "%.20s: no time", seconds);
        text_time((int64_t)n * NS_PER_S, t); /* 2026-01-02T03:04:05.000000000Z */
        snprintf(s->time, sizeof s->time, "verify-time=%.4s%.2s%.2s%.2s%.2s%.2sZ", t, t + 5, t + 8,
                 t + 11, t + 14, t + 17);
        return 0;
}

static int check_ssh(struct job_out *out, const struct job_call *c, struct err *err)
{
        struct ssh s = { .namespace = c->args[1],
                         .data = -1,
                         .sig = -1,
                         .signers = -1,
                         .said = BUF_INIT(SAID_MAX + READ_STEP) };
        struct signature found = { 0 };
        int r = set_time(&s, c->args[2], err);

        if (r == 0)
                r = copy_file(c->input, DATA_MAX, &s.data, err);
        if (r == 0)
                r = copy_file(c->more, SIGNATURE_MAX, &s.sig, err);
        if (r == 0)
                r = copy_file(c->more + 1, KEYS_MAX, &s.signers, err);
        if (r == 0)
                r = judge_ssh(&s, &found, err);
        fd_close(&s.data);
        fd_close(&s.sig);
        fd_close(&s.signers);
        buf_done(&s.said);
        if (r == 0)
                r = put_signature(out, &found, err);
        return r < 0 ? r : put_verdict(out, found.status, err);
}

int job_signature(struct job_out *out, const struct job_call *c, struct err *err)
{
        const char *kind = c->n_args > 0 ? c->args[0] : "";
        const char *how = c->n_args > 1 ? c->args[1] : "";

        if (strcmp(kind, "openpgp") == 0 && c->n_args == 2 && c->n_more > 0 &&
            (strcmp(how, "clear") == 0 || strcmp(how, "detached") == 0))
                return check_openpgp(out, c, strcmp(how, "clear") == 0, err);
        if (strcmp(kind, "ssh") == 0 && c->n_args == 3 && c->n_more == 2)
                return check_ssh(out, c, err);
        return err_set(err, -EINVAL, "no such signature");
}
