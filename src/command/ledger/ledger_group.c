/* SPDX-License-Identifier: Apache-2.0 */
/* ledger_group.c - assay ledger: lower-level commands on a ledger's directory. */
#include "command/ledger/ledger_group.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/commands.h"
#include "command/places.h"
#include "ledger/signing/keys.h"
#include "wire/entry.h"

static const struct command *const ledger_commands[] = {
        &command_ledger_init,  &command_ledger_append,  &command_ledger_checkpoint,
        &command_ledger_vkey,  &command_ledger_proof,   &command_ledger_rotate,
        &command_ledger_stamp, &command_ledger_prune,   &command_ledger_succeed,
        &command_ledger_hold,  &command_ledger_rebuild, NULL,
};

const struct command command_ledger = {
        .name = "ledger",
        .operands = "[OPTION]... [OPERAND]...",
        .about = "make, fill, publish and keep ledgers; for scripts and administrators",
        .help = "A ledger is two directories: DIR, a plain tlog-tiles tree that any web server can\n"
                "serve, and DIR.private beside it, with the log as it was written, the keys and the\n"
                "vault, which nobody else may read.",
        .sub = ledger_commands,
};

void writing_done(struct writing *w)
{
        w->publisher = publisher_free(w->publisher);
        w->vault = vault_free(w->vault);
        w->ledger = ledger_free(w->ledger);
        if (w->public_fd > 0)
                fd_close(&w->public_fd);
        if (w->private_fd > 0)
                fd_close(&w->private_fd);
        if (w->lock_fd > 0)
                fd_close(&w->lock_fd);
}

static int open_dirs(const char *dir, struct writing *w, struct err *err)
{
        char private[PLACES_PATH_MAX];
        int status;

        status = places_open_dir(dir, &w->public_fd, err);
        if (status == 0)
                status = places_private(dir, private, err);
        if (status == 0)
                status = places_open_dir(private, &w->private_fd, err);
        if (status == -ENOENT && faccessat(w->public_fd, "checkpoint", F_OK, 0) == 0)
                err_set(err, status, "%s: its private half, %s, is not there", dir, private);
        else if (status == -ENOENT)
                err_set(err, status, "%s: there is no ledger here", dir);
        return status;
}

static int open_vault(struct writing *w, struct err *err)
{
        int status = vault_open(w->private_fd, &io_kernel, true, &w->vault, err);

        return status == -ENOENT ? 0 : status;
}

static int open_publisher(struct writing *w, bool rebuild, struct err *err)
{
        struct publisher_options o = { .io = &io_kernel, .vault = w->vault, .rebuild = rebuild };

        return publisher_open(w->public_fd, w->private_fd, &o, &w->publisher, err);
}

static int cannot(const char *dir, int status, struct err *err)
{
        if (status == -EWOULDBLOCK)
                return err_set(err, status, "%s: a recorder or another command is writing to it",
                               dir);
        return err_wrap(err, "%s", dir);
}

int writing_open(const char *dir, const struct clock *clock, struct writing *ret, struct err *err)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        struct ledger_options o = { .io = &io_kernel, .clock = clock };
        int status;

        status = open_dirs(dir, &w, err);
        if (status < 0)
                return status;
        status = ledger_open(w.public_fd, w.private_fd, &o, &w.ledger, err);
        if (status == 0)
                status = open_vault(&w, err);
        if (status == 0)
                status = open_publisher(&w, false, err);
        if (status < 0)
                return cannot(dir, status, err);
        *ret = w;
        w = (struct writing){ 0 };
        return 0;
}

/* What root makes here its recorder could neither replace nor remove. */
static int become_owner(int private_fd, struct err *err)
{
        struct stat st;

        if (fstat(private_fd, &st) < 0 || setegid(st.st_gid) < 0 || seteuid(st.st_uid) < 0)
                return err_sys(err, -errno, "the ledger's owner");
        return 0;
}

static int become_root(struct err *err)
{
        return seteuid(0) < 0 || setegid(0) < 0 ? err_sys(err, -errno, "root again") : 0;
}

static int rebuild(struct writing *w, struct err *err)
{
        int status = ledger_lock(w->private_fd, &w->lock_fd, err);

        if (status == 0)
                status = open_vault(w, err);
        return status == 0 ? open_publisher(w, true, err) : status;
}

int writing_rebuild(const char *dir, struct writing *ret, struct err *err)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        bool root = geteuid() == 0;
        int status;

        status = open_dirs(dir, &w, err);
        if (status < 0)
                return status;
        if (faccessat(w.private_fd, "signed", F_OK, 0) < 0)
                return err_set(err, -ENOENT, "%s: there is no ledger here", dir);
        if (root)
                status = become_owner(w.private_fd, err);
        if (status == 0)
                status = rebuild(&w, err);
        if (root) {
                int back = become_root(status == 0 ? err : NULL);

                status = status < 0 ? status : back;
        }
        if (status < 0)
                return cannot(dir, status, err);
        *ret = w;
        w = (struct writing){ 0 };
        return 0;
}

int writing_publish(struct writing *w, struct err *err)
{
        struct ledger_position end;
        int status;

        ledger_position(w->ledger, &end);
        status = publisher_run(w->publisher, &end, err);
        if (status == 0)
                ledger_published(w->ledger, publisher_covered(w->publisher),
                                 publisher_segment(w->publisher));
        return status;
}

/* ---- entries of the ledger's own ---- */

void own_entry_begin(struct own_entry *e, const char *kind, const struct clock *clock)
{
        e->text = BUF_INIT(ENTRY_MAX);
        json_writer_init(&e->w, &e->text);
        json_begin_object(&e->w);
        json_member_text(&e->w, "k", kind);
        json_member_time(&e->w, "t", clock_wall(clock));
        json_member_int(&e->w, "v", 1);
        json_put_key(&e->w, "what");
        json_begin_object(&e->w);
}

int own_entry_end(struct own_entry *e, struct writing *w, struct err *err)
{
        uint64_t index;
        int status;

        json_end_object(&e->w);
        json_end_object(&e->w);
        status = buf_status(&e->text);
        if (status < 0)
                err_sys(err, status, "the entry");
        else
                status = ledger_stage(w->ledger, buf_span(&e->text), SPAN_NONE,
                                      (struct ledger_writer_id){ 0 }, &index, err);
        if (status == 0)
                status = ledger_commit(w->ledger, err);
        buf_done(&e->text);
        return status;
}

int ledger_put_vkey(const char *dir, struct buf *out, struct err *err)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        CLEANUP(signer_freep) struct signer *signer = NULL;
        struct note_vkey vkey;
        int status;

        status = open_dirs(dir, &w, err);
        if (status == 0)
                status = keys_load(w.private_fd, &io_kernel, "log", &signer, err);
        if (status < 0)
                return status;
        signer_vkey(signer, &vkey);
        note_vkey_put(out, &vkey);
        return 0;
}
