/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_succeed.c - assay ledger succeed: close a ledger and go on in a new one.
 *
 * In steps that can each be done again after a crash; asked again, it goes on where it was:
 *   1. make NAME.next with its key, owned by the ledger's user
 *   2. ledger.succeeded becomes the last entry, and the ledger is closed for good: by the recorder,
 *      which then ends, or here where no recorder has the ledger
 *   3. the next one is told what the old one knew of its writers, and cites it: left for its
 *      recorder, or its first entry made here
 *   4. exchange the directories; whoever supervises the recorder starts it again */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/log/reader.h"
#include "command/log/view.h"
#include "command/places.h"
#include "command/running/admin.h"
#include "command/running/up_places.h"
#include "ledger/upkeep/upkeep.h"
#include "sys/io.h"

struct succeed_options {
        const char *origin;
        const char *reason;
};

static const struct option_spec succeed_specs[] = {
        { "origin", 'o', OPTION_TEXT, offsetof(struct succeed_options, origin), "NAME",
          "name of the next ledger; may be left out where a name ends in a past year" },
        { "reason", 'r', OPTION_TEXT, offsetof(struct succeed_options, reason), "TEXT",
          "why, kept in the ledger; required" },
        { 0 },
};

enum { WAIT_TRIES = 150, WAIT_US = 100 * 1000 };

struct succession {
        const struct invocation *in;
        bool of_host; /* a recorder has it */
        bool closed;  /* already */
        char now[PLACES_PATH_MAX], now_private[PLACES_PATH_MAX];
        char next[PLACES_PATH_MAX], next_private[PLACES_PATH_MAX];
        char origin[NOTE_NAME_MAX + 1];
        struct buf old_vkey, next_vkey;
        int parent_fd;
        const char *name; /* of the ledger in it */
        unsigned number;  /* the old ledger's */
};

/* ---- where everything lies ---- */

/* By its true name, so that what is beside it is found also through a link, or from inside. */
static int find_places(struct succession *s, struct err *err)
{
        char parent[PLACES_PATH_MAX], *slash;
        size_t n;
        int status = places_ledger_or(s->in, 0, s->now, err);

        s->of_host = s->in->n_operands == 0;
        if (status == 0)
                status = places_private(s->now, s->now_private, err);
        if (status < 0)
                return status;
        n = strlen(s->now_private) - strlen(".private");
        memcpy(s->now, s->now_private, n);
        s->now[n] = '\0';
        memcpy(parent, s->now, n + 1);
        slash = strrchr(parent, '/');
        s->name = slash ? s->now + (slash + 1 - parent) : s->now;
        *(slash ? slash + (slash == parent) : parent) = '\0';
        if (snprintf(s->next, sizeof(s->next), "%s.next", s->now) >= (int)sizeof(s->next))
                return err_sys(err, -ENAMETOOLONG, "%s", s->now);
        status = places_private(s->next, s->next_private, err);
        return status == 0 ? places_open_dir(*parent ? parent : ".", &s->parent_fd, err) : status;
}

/* Part of the old one is away already, so all that was to be said of it is said. */
static bool is_half_installed(const struct succession *s)
{
        return (access(s->now, F_OK) < 0 || access(s->now_private, F_OK) < 0) &&
               access(s->next_private, F_OK) == 0;
}

static int read_closed(struct succession *s, struct err *err)
{
        CLEANUP_FD int fd = -1;
        uint8_t *text;
        size_t n;
        int status = places_open_dir(s->now_private, &fd, err);

        if (status == 0)
                status = io_read_file(&io_kernel, fd, "succeeded", NOTE_NAME_MAX, &text, &n, NULL);
        if (status == -ENOENT)
                return 0;
        if (status < 0)
                return err_sys(err, status, "%s/succeeded", s->now_private);
        memcpy(s->origin, text, n);
        s->origin[n] = '\0';
        s->closed = true;
        free(text);
        return 0;
}

static int choose_origin(struct succession *s, const char *wanted, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int status = read_closed(s, err);

        if (status == 0)
                status = reader_open(s->now, &r, err);
        if (status < 0)
                return status;
        if (s->closed && wanted && strcmp(wanted, s->origin) != 0)
                return err_set(err, -EINVAL, "%s was succeeded by %s already", s->now, s->origin);
        if (s->closed)
                return 0;
        if (wanted && !note_origin_ok(span_str(wanted)))
                return err_set(err, -EINVAL,
                               "origin \"%s\" is no ledger's name, which is a URL "
                               "without its scheme, like example.com/host1",
                               wanted);
        if (wanted && strcmp(wanted, r.checkpoint.origin) == 0)
                return err_set(err, -EINVAL, "the next ledger needs another name than %s", wanted);
        if (wanted)
                snprintf(s->origin, sizeof(s->origin), "%s", wanted);
        else if (!succession_due(r.checkpoint.origin, clock_wall(s->in->clock), s->origin))
                return err_set(err, -EINVAL,
                               "%s does not end in a past year: give the next name with --origin",
                               r.checkpoint.origin);
        return 0;
}

/* ---- 1 ---- */

static int make_dir(const char *path, mode_t mode, struct err *err)
{
        if (mkdir(path, mode) < 0 && errno != EEXIST)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

static bool has_vault(const struct succession *s)
{
        char path[PLACES_PATH_MAX];

        return s->of_host || (places_join(s->now_private, "keys/subjects", path, NULL) == 0 &&
                              access(path, F_OK) == 0);
}

static int create(struct succession *s, struct err *err)
{
        struct ledger_options o = { .io = &io_kernel, .clock = s->in->clock };
        CLEANUP_FD int public_fd = -1;
        CLEANUP_FD int private_fd = -1;
        int status;

        status = make_dir(s->next, 0755, err);
        if (status == 0)
                status = make_dir(s->next_private, 0700, err);
        if (status == 0)
                status = places_open_dir(s->next, &public_fd, err);
        if (status == 0)
                status = places_open_dir(s->next_private, &private_fd, err);
        if (status < 0)
                return status;
        /* -EEXIST: made before a crash.  The vault first: a ledger that is there has one. */
        status = has_vault(s) ? vault_create(private_fd, &io_kernel, err) : 0;
        if (status == 0 || status == -EEXIST)
                status = ledger_create(public_fd, private_fd, s->origin, &o, err);
        if (status < 0 && status != -EEXIST)
                return status;
        /* The old ledger is going to name this one's key: it must not be lost. */
        status = io_kernel.fsync(NULL, s->parent_fd);
        return status < 0 ? err_sys(err, status, "%s: sync of its directory", s->next) : 0;
}

static int give(struct succession *s, struct err *err)
{
        struct up_user user = { 0 };
        struct stat st;
        int status;

        if (stat(s->now_private, &st) < 0)
                return err_sys(err, -errno, "%s", s->now_private);
        user.uid = st.st_uid;
        user.gid = st.st_gid;
        status = up_give_tree(s->next, 0755, &user, err);
        return status == 0 ? up_give_tree(s->next_private, 0700, &user, err) : status;
}

/* By its key's name: a crash may have come before its first checkpoint.  One with another name is
 * of a succession that did not happen. */
static int check_next(struct succession *s, struct err *err)
{
        size_t n = strlen(s->origin);
        struct span key;
        int status = ledger_put_vkey(s->next, &s->next_vkey, err);

        if (status < 0)
                return status;
        key = buf_span(&s->next_vkey);
        if (!span_starts(key, span_of(s->origin, n)) || key.p[n] != '+')
                return err_set(
                        err, -EEXIST,
                        "%s is there and has another name than %s: remove it and its private "
                        "half, or give that name with --origin",
                        s->next, s->origin);
        return 0;
}

/* One that gets its first entry here is given away with that. */
static int make_next(struct succession *s, struct err *err)
{
        int status = create(s, err);

        if (status == 0)
                status = check_next(s, err);
        return status == 0 && s->of_host && geteuid() == 0 ? give(s, err) : status;
}

/* ---- 2 ---- */

static void put_members(struct succession *s, const char *reason, struct json_writer *w)
{
        command_put_json_text(w, "next_origin", s->origin);
        command_put_json_text(w, "next_vkey", buf_cstr(&s->next_vkey));
        command_put_json_text(w, "reason", reason);
}

static int close_by_recorder(struct succession *s, const char *reason, struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(buf_done) struct buf reply = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        put_members(s, reason, &w);
        json_end_object(&w);
        return admin_command(s->in, "succeed", buf_span(&args), &reply, err);
}

/* Is the last entry the one that names the next ledger?  A crash came before it was closed then. */
static int is_said(struct succession *s, bool *ret, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(view_done) struct view v;
        CLEANUP(buf_done) struct buf key = BUF_INIT(NOTE_MAX);
        struct span bytes;
        int status;

        view_init(&v);
        *ret = false;
        status = reader_open(s->now, &r, err);
        if (status < 0 || reader_size(&r) == 0)
                return status;
        status = reader_entry(&r, reader_size(&r) - 1, &bytes, err);
        if (status == 0)
                status = view_open(&v, reader_size(&r) - 1, bytes, err);
        if (status < 0)
                return status;
        *ret = span_eq_str(v.entry.kind, "ledger.succeeded") &&
               view_text(&v, "what.next_vkey", &key) == FIELD_CLEAR &&
               span_eq(buf_span(&key), buf_span(&s->next_vkey));
        return 0;
}

static int close_here(struct succession *s, const char *reason, struct err *err)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        struct own_entry e;
        bool said;
        int status = writing_open(s->now, s->in->clock, &w, err);

        if (status == 0)
                status = writing_publish(&w, err);
        if (status == 0)
                status = is_said(s, &said, err);
        if (status == 0 && !said) {
                own_entry_begin(&e, "ledger.succeeded", s->in->clock);
                put_members(s, reason, &e.w);
                status = own_entry_end(&e, &w, err);
                if (status == 0)
                        status = writing_publish(&w, err);
        }
        if (status == 0)
                status = ledger_leave_runs(w.ledger, err);
        return status == 0 ? succession_close(w.private_fd, &io_kernel, s->origin, err) : status;
}

static int close_now(struct succession *s, const char *reason, struct err *err)
{
        if (s->closed)
                return 0;
        return s->of_host ? close_by_recorder(s, reason, err) : close_here(s, reason, err);
}

/* ---- 3 ---- */

static void put_previous(struct succession *s, const struct checkpoint *last, struct json_writer *w)
{
        char root[2 * HASH_LEN + 1];

        text_hex(span_of(last->root.b, HASH_LEN), root);
        command_put_json_text(w, "previous_origin", last->origin);
        json_member_text(w, "previous_root", root);
        json_member_u64(w, "previous_size", last->size);
        command_put_json_text(w, "previous_vkey", buf_cstr(&s->old_vkey));
}

/* To whoever has the ledger; what is not there needs no owner. */
static int give_file(struct succession *s, int fd, const char *name, struct err *err)
{
        struct stat owner;

        if (stat(s->now_private, &owner) < 0 ||
            (fchownat(fd, name, owner.st_uid, owner.st_gid, AT_SYMLINK_NOFOLLOW) < 0 &&
             errno != ENOENT))
                return err_sys(err, -errno, "%s/%s", s->next_private, name);
        return 0;
}

static int leave_citation(struct succession *s, const struct checkpoint *last, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP_FD int fd = -1;
        struct json_writer w;
        int status = places_open_dir(s->next_private, &fd, err);

        if (status < 0)
                return status;
        json_writer_init(&w, &text);
        json_begin_object(&w);
        put_previous(s, last, &w);
        json_end_object(&w);
        status = succession_cite(fd, &io_kernel, buf_span(&text), err);
        return status == 0 ? give_file(s, fd, "previous", err) : status;
}

static int leave_runs(struct succession *s, struct err *err)
{
        CLEANUP_FD int now = -1;
        CLEANUP_FD int next = -1;
        int status = places_open_dir(s->now_private, &now, err);

        if (status == 0)
                status = places_open_dir(s->next_private, &next, err);
        if (status == 0)
                status = succession_inherit(now, next, &io_kernel, err);
        if (status == 0)
                status = give_file(s, next, "previous_runs", err);
        return status == 0 ? give_file(s, next, "calls", err) : status;
}

static int write_first_entry(struct succession *s, const struct checkpoint *last, struct err *err)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        struct own_entry e;
        int status = writing_open(s->next, s->in->clock, &w, err);

        if (status < 0)
                return status;
        if (ledger_size(w.ledger) == 0) {
                own_entry_begin(&e, "ledger.opened", s->in->clock);
                json_member_text(&e.w, "origin", s->origin);
                put_previous(s, last, &e.w);
                json_member_u64(&e.w, "size", 0);
                json_member_text(&e.w, "vkey", buf_cstr(&s->next_vkey));
                status = own_entry_end(&e, &w, err);
        }
        if (status == 0)
                status = writing_publish(&w, err);
        writing_done(&w);
        w = (struct writing){ 0 };
        return status == 0 && geteuid() == 0 ? give(s, err) : status;
}

static int cite(struct succession *s, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int status = reader_open(s->now, &r, err);

        if (status == 0)
                status = leave_runs(s, err);
        if (status < 0)
                return status;
        return s->of_host ? leave_citation(s, &r.checkpoint, err)
                          : write_first_entry(s, &r.checkpoint, err);
}

/* ---- 4 ---- */

/* The recorder has answered and is about to end: wait for its lock. */
static int install(struct succession *s, struct err *err)
{
        char path[PLACES_PATH_MAX];
        CLEANUP_FD int lock = -1;
        int status = places_join(s->now_private, "lock", path, err);

        if (status < 0)
                return status;
        lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
        if (lock < 0)
                return err_sys(err, -errno, "%s", path);
        for (int i = 0; flock(lock, LOCK_EX | LOCK_NB) < 0; i++) {
                if (i == WAIT_TRIES)
                        return err_set(err, -ETIMEDOUT, "the recorder does not let go of %s",
                                       s->now_private);
                usleep(WAIT_US);
        }
        return succession_install(s->parent_fd, s->name, &io_kernel, &s->number, err);
}

static enum status report(struct succession *s)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (s->in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_u64(&w, "archived", s->number);
                command_put_json_text(&w, "origin", s->origin);
                command_put_json_text(&w, "vkey", buf_cstr(&s->next_vkey));
                json_end_object(&w);
                buf_put_byte(&out, '\n');
        } else {
                buf_printf(&out, "%s\n", buf_cstr(&s->next_vkey));
        }
        return command_print(s->in, &out, STATUS_GOOD);
}

static int all_steps(struct succession *s, const struct succeed_options *o, struct err *err)
{
        int status = ledger_put_vkey(s->now, &s->old_vkey, err);

        if (status == 0)
                status = choose_origin(s, o->origin, err);
        if (status == 0)
                status = make_next(s, err);
        if (status == 0)
                status = close_now(s, o->reason, err);
        if (status == 0)
                status = cite(s, err);
        return status == 0 ? install(s, err) : status;
}

/* The new one has its place, which is all that a crash had left to do. */
static int last_step(struct succession *s, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int status = succession_install(s->parent_fd, s->name, &io_kernel, &s->number, err);

        if (status == 0)
                status = ledger_put_vkey(s->now, &s->next_vkey, err);
        if (status == 0)
                status = reader_open(s->now, &r, err);
        if (status == 0)
                snprintf(s->origin, sizeof(s->origin), "%s", r.checkpoint.origin);
        return status;
}

static enum status run(struct invocation *in)
{
        const struct succeed_options *o = in->options;
        struct succession s = { .in = in,
                                .old_vkey = BUF_INIT(NOTE_MAX),
                                .next_vkey = BUF_INIT(NOTE_MAX),
                                .parent_fd = -1 };
        struct err err = { 0 };
        enum status result;
        int status;

        if (!o->reason)
                return complain(in, STATUS_USAGE, "--reason TEXT is missing");
        status = find_places(&s, &err);
        if (status == 0)
                status = is_half_installed(&s) ? last_step(&s, &err) : all_steps(&s, o, &err);
        result = status < 0 ? complain_err(in, &err) : report(&s);
        buf_done(&s.old_vkey);
        buf_done(&s.next_vkey);
        fd_close(&s.parent_fd);
        return result;
}

const struct command command_ledger_succeed = {
        .name = "succeed",
        .operands = "[DIR]",
        .about = "close a ledger and go on in a new one, as every year",
        .help = "The last entry of the old ledger names the next one, and the first entry of that\n"
                "cites the old one's last checkpoint.  The old ledger stays as DIR.1, DIR.2 and so\n"
                "on, and can be moved elsewhere whole.  Prints the new verifier key.  What a crash\n"
                "cuts off is gone on with by the same command.  Without DIR, this host's ledger,\n"
                "whose running recorder closes it and is started again by what supervises it.",
        .options = succeed_specs,
        .options_size = sizeof(struct succeed_options),
        .max_operands = 1,
        .run = run,
};
