/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_succeed.c - assay ledger succeed: close the host's ledger and go on in a new one.
 *
 * In steps that can each be done again after a crash:
 *   1. make ledger.next with its key, owned by the recorder's user
 *   2. the recorder records ledger.succeeded as the last entry, closes the ledger and ends
 *   3. leave for the next one what its first entry cites
 *   4. exchange the directories; whoever supervises the recorder starts it again */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/admin.h"
#include "command/ledger_group.h"
#include "command/places.h"
#include "command/reader.h"
#include "command/up_places.h"
#include "ledger/upkeep.h"
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
        char now[PLACES_PATH_MAX], now_private[PLACES_PATH_MAX];
        char next[PLACES_PATH_MAX], next_private[PLACES_PATH_MAX];
        char origin[NOTE_NAME_MAX + 1];
        struct buf old_vkey, next_vkey;
        int state_fd;
        unsigned number; /* the old ledger's */
};

static int find_places(struct succession *s, struct err *err)
{
        int status = places_ledger(s->in, s->now, err);

        if (status == 0)
                status = places_private(s->now, s->now_private, err);
        if (status == 0)
                status = places_join(s->in->state, "ledger.next", s->next, err);
        if (status == 0)
                status = places_private(s->next, s->next_private, err);
        if (status == 0)
                status = places_open_dir(s->in->state, &s->state_fd, err);
        if (status == 0)
                status = ledger_put_vkey(s->now, &s->old_vkey, err);
        return status;
}

static int choose_origin(struct succession *s, const char *wanted, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        int status = reader_open(s->now, &r, err);

        if (status < 0)
                return status;
        if (wanted && !note_name_ok(span_str(wanted)))
                return err_set(err, -EINVAL, "origin \"%s\" is no ledger's name", wanted);
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
        status = vault_create(private_fd, &io_kernel, err);
        if (status == 0 || status == -EEXIST)
                status = ledger_create(public_fd, private_fd, s->origin, &o, err);
        return status == -EEXIST ? 0 : status;
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

static int make_next(struct succession *s, struct err *err)
{
        int status = create(s, err);

        if (status == 0)
                status = ledger_put_vkey(s->next, &s->next_vkey, err);
        return status == 0 ? give(s, err) : status;
}

/* ---- 2 ---- */

static int close_now(struct succession *s, const char *reason, struct err *err)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(buf_done) struct buf reply = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        command_put_json_text(&w, "next_origin", s->origin);
        command_put_json_text(&w, "next_vkey", buf_cstr(&s->next_vkey));
        command_put_json_text(&w, "reason", reason);
        json_end_object(&w);
        return admin_command(s->in, "succeed", buf_span(&args), &reply, err);
}

/* ---- 3 ---- */

static int cite(struct succession *s, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        CLEANUP(buf_done) struct buf text = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP_FD int fd = -1;
        char root[2 * HASH_LEN + 1];
        struct json_writer w;
        struct stat owner;
        int status;

        status = reader_open(s->now, &r, err);
        if (status == 0)
                status = places_open_dir(s->next_private, &fd, err);
        if (status < 0)
                return status;
        text_hex(span_of(r.checkpoint.root.b, HASH_LEN), root);
        json_writer_init(&w, &text);
        json_begin_object(&w);
        command_put_json_text(&w, "previous_origin", r.checkpoint.origin);
        command_put_json_text(&w, "previous_root", root);
        json_member_u64(&w, "previous_size", r.checkpoint.size);
        command_put_json_text(&w, "previous_vkey", buf_cstr(&s->old_vkey));
        json_end_object(&w);
        status = succession_cite(fd, &io_kernel, buf_span(&text), err);
        if (status == 0 && (stat(s->now_private, &owner) < 0 ||
                            fchownat(fd, "previous", owner.st_uid, owner.st_gid, 0) < 0))
                status = err_sys(err, -errno, "%s/previous", s->next_private);
        return status;
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
        return succession_install(s->state_fd, &io_kernel, &s->number, err);
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

static enum status run(struct invocation *in)
{
        const struct succeed_options *o = in->options;
        struct succession s = { .in = in,
                                .old_vkey = BUF_INIT(NOTE_MAX),
                                .next_vkey = BUF_INIT(NOTE_MAX),
                                .state_fd = -1 };
        struct err err = { 0 };
        enum status result;
        int status;

        if (!o->reason)
                return complain(in, STATUS_USAGE, "--reason TEXT is missing");
        status = find_places(&s, &err);
        if (status == 0)
                status = choose_origin(&s, o->origin, &err);
        if (status == 0)
                status = make_next(&s, &err);
        if (status == 0)
                status = close_now(&s, o->reason, &err);
        if (status == 0)
                status = cite(&s, &err);
        if (status == 0)
                status = install(&s, &err);
        result = status < 0 ? complain_err(in, &err) : report(&s);
        buf_done(&s.old_vkey);
        buf_done(&s.next_vkey);
        fd_close(&s.state_fd);
        return result;
}

const struct command command_ledger_succeed = {
        .name = "succeed",
        .operands = "",
        .about = "close this host's ledger and go on in a new one, as every year",
        .help = "The last entry of the old ledger names the next one, and the first entry of that\n"
                "cites the old one's last checkpoint.  The old ledger stays as ledger.1, ledger.2\n"
                "and so on, and can be moved elsewhere whole.  Prints the new verifier key.\n"
                "Needs a running recorder, which is started again by what supervises it.",
        .options = succeed_specs,
        .options_size = sizeof(struct succeed_options),
        .run = run,
};
