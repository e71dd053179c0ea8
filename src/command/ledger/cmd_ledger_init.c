/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_init.c - assay ledger init: an empty ledger with its key and its first checkpoint. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command/ledger/ledger_group.h"
#include "command/places.h"
#include "wire/json.h"
#include "wire/note.h"

struct init_options {
        const char *origin;
};

static const struct option_spec init_specs[] = {
        { "origin", 'o', OPTION_TEXT, offsetof(struct init_options, origin), "NAME",
          "the ledger's name, like \"example.com/host1\"; required" },
        { 0 },
};

/* Both directories, and which of them are ours to take back. */
struct making {
        const char *public;
        char private[PLACES_PATH_MAX];
        bool made_public, made_private;
};

static int make_dir(const char *path, mode_t mode, bool *made, struct err *err)
{
        if (mkdir(path, mode) == 0)
                *made = true;
        else if (errno != EEXIST)
                return err_sys(err, -errno, "%s", path);
        /* An existing directory keeps its owner but not a wider mode than a ledger's. */
        if (*made && chmod(path, mode) < 0)
                return err_sys(err, -errno, "%s", path);
        return 0;
}

/* What an attempt leaves that failed or was killed before its first checkpoint; ledger_create()
 * goes on with it. */
static bool is_remains(const char *name)
{
        static const char *const remains[] = { "tile", "keys", "wal", "lock", "signed.tmp" };

        for (size_t i = 0; i < ARRAY_LEN(remains); i++)
                if (strcmp(name, remains[i]) == 0)
                        return true;
        return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int check_empty(const char *path, struct err *err)
{
        DIR *d = opendir(path);
        struct dirent *e;
        int status = 0;

        if (!d)
                return err_sys(err, -errno, "%s", path);
        while (status == 0 && (e = readdir(d)))
                if (!is_remains(e->d_name))
                        status = err_set(err, -EEXIST, "%s is not empty: it holds %s", path,
                                         e->d_name);
        closedir(d);
        return status;
}

static void take_back(const struct making *m)
{
        /* Only what is still empty goes. */
        if (m->made_private)
                rmdir(m->private);
        if (m->made_public)
                rmdir(m->public);
}

static int make(struct making *m, const char *origin, const struct clock *clock, struct err *err)
{
        struct ledger_options o = { .io = &io_kernel, .clock = clock };
        CLEANUP_FD int public_fd = -1;
        CLEANUP_FD int private_fd = -1;
        int status;

        status = make_dir(m->public, 0755, &m->made_public, err);
        if (status == 0)
                status = check_empty(m->public, err);
        if (status == 0)
                status = make_dir(m->private, 0700, &m->made_private, err);
        if (status == 0)
                status = check_empty(m->private, err);
        if (status == 0)
                status = places_open_dir(m->public, &public_fd, err);
        if (status == 0)
                status = places_open_dir(m->private, &private_fd, err);
        if (status == 0)
                status = ledger_create(public_fd, private_fd, origin, &o, err);
        return status;
}

static enum status report(const struct invocation *in, const struct making *m, const char *origin,
                          const char *vkey)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                command_put_json_text(&w, "dir", m->public);
                command_put_json_text(&w, "origin", origin);
                command_put_json_text(&w, "private", m->private);
                command_put_json_text(&w, "vkey", vkey);
                json_end_object(&w);
                buf_put_byte(&out, '\n');
        } else {
                buf_printf(&out, "%s\n", vkey);
        }
        return command_print(in, &out, STATUS_GOOD);
}

static enum status run(struct invocation *in)
{
        const struct init_options *o = in->options;
        struct making m = { .public = in->operands[0] };
        CLEANUP(buf_done) struct buf vkey = BUF_INIT(NOTE_MAX);
        struct err err = { 0 };
        int status;

        if (!o->origin)
                return complain(in, STATUS_USAGE, "--origin NAME is missing");
        if (!note_origin_ok(span_str(o->origin)))
                return complain(in, STATUS_USAGE,
                                "origin \"%s\": a URL without its scheme, blanks, plus signs, "
                                "invisible characters or empty and dot segments, at most %d bytes, "
                                "like example.com/host1",
                                o->origin, NOTE_NAME_MAX);
        status = places_private(m.public, m.private, &err);
        if (status == 0)
                status = make(&m, o->origin, in->clock, &err);
        if (status == 0)
                status = ledger_put_vkey(m.public, &vkey, &err);
        if (status < 0) {
                take_back(&m);
                return complain(in, STATUS_PROBLEM, "%s", err_text(&err));
        }
        return report(in, &m, o->origin, buf_cstr(&vkey));
}

const struct command command_ledger_init = {
        .name = "init",
        .operands = "DIR",
        .about = "make an empty ledger and print its verifier key",
        .help = "Makes DIR (to be served) and DIR.private (to be kept), which must not exist or be\n"
                "empty, but for what an attempt left that failed: the same command goes on with it.\n"
                "The verifier key is what others need to check the ledger; give it to them by a way\n"
                "that this host does not control.",
        .options = init_specs,
        .options_size = sizeof(struct init_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
