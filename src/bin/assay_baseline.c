/* SPDX-License-Identifier: Apache-2.0 */
/* assay_baseline.c - assay baseline: show the trusted state, or take it anew while the sensor
 * rests. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "command/places.h"
#include "integrity/check.h"
#include "integrity/config.h"
#include "integrity/state.h"
#include "loop/presence.h"
#include "sys/io.h"
#include "sys/sysclock.h"
#include "wire/json.h"

/* ---- show ---- */

static void put_head_json(const struct snapshot_head *h, const struct watchset *w, struct buf *out)
{
        char root[2 * HASH_LEN + 1];
        CLEANUP(buf_done) struct buf safe = BUF_INIT(32768);
        struct json_writer j;

        text_hex(span_of(h->root.b, HASH_LEN), root);
        json_writer_init(&j, out);
        json_begin_object(&j);
        json_member_u64(&j, "files", h->count);
        json_member_text(&j, "root", root);
        json_put_key(&j, "rules");
        json_begin_array(&j);
        for (size_t i = 0; i < w->n; i++) {
                if (w->rules[i].profile == WATCH_PROFILES_MAX)
                        continue; /* Assay's own */
                buf_clear(&safe);
                buf_put_str(&safe, w->rules[i].exclude ? "!" : "");
                text_put_safe(&safe, w->rules[i].text);
                json_put_string(&j, buf_span(&safe));
        }
        json_end_array(&j);
        json_member_time(&j, "taken", h->taken_ns);
        json_end_object(&j);
        buf_put_byte(out, '\n');
}

static void put_head_text(const struct screen *s, const struct snapshot_head *h,
                          const struct watchset *w, struct buf *out)
{
        char root[2 * HASH_LEN + 1];

        text_hex(span_of(h->root.b, HASH_LEN), root);
        buf_put_str(out, "taken    ");
        screen_put_time(s, out, h->taken_ns);
        buf_put_str(out, "\nfiles    ");
        screen_put_count(out, h->count);
        buf_printf(out, "\nroot     %s\n", root);
        for (size_t i = 0; i < w->n; i++) {
                if (w->rules[i].profile == WATCH_PROFILES_MAX)
                        continue; /* Assay's own */
                buf_put_str(out, i == 0 ? "watches  " : "         ");
                buf_put_str(out, w->rules[i].exclude ? "not " : "");
                text_put_safe(out, w->rules[i].text);
                buf_put_byte(out, '\n');
        }
}

static int open_sensor_dir(const struct invocation *in, char dir[PLACES_PATH_MAX], int *ret_fd,
                           struct err *err)
{
        int status = places_join(in->state, "sensor", dir, err);

        return status == 0 ? places_open_dir(dir, ret_fd, err) : status;
}

static enum status show_head(const struct invocation *in, const struct snapshot_head *h,
                             const struct watchset *w)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);

        if (in->json)
                put_head_json(h, w, &out);
        else
                put_head_text(&in->out, h, w, &out);
        return command_print(in, &out, STATUS_GOOD);
}

static enum status run_show(struct invocation *in)
{
        char dir[PLACES_PATH_MAX];
        CLEANUP(watchset_done) struct watchset w = { 0 };
        CLEANUP_FD int fd = -1;
        struct snapshot_head h;
        struct err err = { 0 };
        int status;

        status = open_sensor_dir(in, dir, &fd, &err);
        if (status == 0) {
                status = snapshot_read_head(&io_kernel, fd, "baseline", &w, &h, &err);
                if (status < 0)
                        err_wrap(&err, "%s", dir);
        }
        return status < 0 ? complain_err(in, &err) : show_head(in, &h, &w);
}

static const struct command baseline_show = {
        .name = "show",
        .operands = "",
        .about = "say when the baseline was taken, of what, and its root",
        .help = "The root is the one that stands in the ledger's entry integrity.baseline.",
        .run = run_show,
};

/* ---- create ---- */

struct create_options {
        struct option_texts watch;
};

static const struct option_spec create_specs[] = {
        { "watch", 'w', OPTION_TEXTS, offsetof(struct create_options, watch), "PATH",
          "of this directory; repeatable.  Without it, of what the last one was of" },
        { 0 },
};

static int check_sensor_rests(const struct invocation *in, struct err *err)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP_FD int run_fd = open(in->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool lives = false;
        int status;

        if (run_fd < 0)
                return errno == ENOENT ? 0 : err_sys(err, -errno, "%s", in->run);
        status = presence_read(run_fd, "sensor", &text, &lives, err);
        if (status == -ENOENT)
                return 0;
        if (status == 0 && lives)
                return err_set(err, -EBUSY,
                               "the sensor runs and holds the trusted state; stop it first");
        return status;
}

/* What is not in the ledger yet lies in the sensor's journal, which goes with the old state. */
static int check_nothing_waits(const char *dir, struct err *err)
{
        CLEANUP(table_freep) struct table *t = NULL;
        struct state_found found = { 0 };
        struct state s;
        int status;

        status = table_new(&t, err);
        if (status == 0)
                status = state_open(&s, &io_kernel, dir, t, &found, err);
        if (status < 0)
                return status;
        if (found.n_entries > 0)
                status = err_set(
                        err, -EBUSY,
                        "%zu changes are not in the ledger yet; start the sensor until they are",
                        found.n_entries);
        state_found_done(&found);
        state_close(&s);
        return status;
}

static int load_config(struct watchset *w, struct err *err)
{
        struct config c = { 0 };
        char program[PATH_MAX];
        int status = config_job_program(program, err);

        if (status == 0)
                status = config_load(PLACES_CONFIG "/" CONFIG_FILE, 0, program, &sysclock, &c, err);
        if (status == 0) {
                *w = c.set;
                c.set = (struct watchset){ 0 };
        }
        config_done(&c);
        return status;
}

static int choose_watchset(const struct create_options *o, int fd, struct watchset *w,
                           struct err *err)
{
        struct snapshot_head h;
        int status = 0;

        for (size_t i = 0; i < o->watch.n && status == 0; i++) {
                const char *path = o->watch.at[i];

                status = watchset_add(w, span_str(path + (*path == '!')), *path == '!', err);
        }
        if (status < 0)
                return err_wrap(err, "--watch");
        if (w->n > 0)
                return 0;
        status = snapshot_read_head(&io_kernel, fd, "baseline", w, &h, err);
        return status == -ENOENT ? load_config(w, err) : status;
}

/* Without them the next start compares with the baseline, and tells its root to the ledger. */
static int drop_state(int fd, struct err *err)
{
        CLEANUP_FD int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        DIR *d = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *e;
        int status = 0;

        if (!d)
                return err_sys(err, -errno, "the sensor's directory");
        copy = -1;
        while (status == 0 && (e = readdir(d)))
                if ((strcmp(e->d_name, "state") == 0 || strncmp(e->d_name, "journal.", 8) == 0) &&
                    unlinkat(fd, e->d_name, 0) < 0)
                        status = err_sys(err, -errno, "%s", e->d_name);
        closedir(d);
        return status;
}

static int take(const struct invocation *in, int fd, const struct watchset *w,
                struct snapshot_head *h, struct scan_counts *counts, struct err *err)
{
        CLEANUP(table_freep) struct table *t = NULL;
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        int status = table_new(&t, err);

        if (status == 0)
                status = check_collect(w, processors < 2 ? 0 : (unsigned)MIN_OF(processors, 8L), t,
                                       counts, err);
        if (status < 0)
                return status;
        *h = (struct snapshot_head){ .taken_ns = clock_wall(in->clock) };
        status = drop_state(fd, err);
        return status == 0 ? snapshot_write(&io_kernel, fd, "baseline", w, t, h, err) : status;
}

static int make_sensor_dir(const struct invocation *in, char dir[PLACES_PATH_MAX], struct err *err)
{
        int status = places_join(in->state, "sensor", dir, err);

        if (status < 0)
                return status;
        if ((mkdir(in->state, 0755) < 0 && errno != EEXIST) ||
            (mkdir(dir, 0700) < 0 && errno != EEXIST))
                return err_sys(err, -errno, "%s", dir);
        return 0;
}

static enum status run_create(struct invocation *in)
{
        CLEANUP(watchset_done) struct watchset w = { 0 };
        char dir[PLACES_PATH_MAX];
        CLEANUP_FD int fd = -1;
        struct scan_counts counts;
        struct snapshot_head h;
        struct err err = { 0 };
        int status;

        status = check_sensor_rests(in, &err);
        if (status == 0)
                status = make_sensor_dir(in, dir, &err);
        if (status == 0)
                status = places_open_dir(dir, &fd, &err);
        if (status == 0)
                status = check_nothing_waits(dir, &err);
        if (status == 0)
                status = choose_watchset(in->options, fd, &w, &err);
        if (status == 0)
                status = take(in, fd, &w, &h, &counts, &err);
        if (status < 0)
                return complain_err(in, &err);
        if (counts.unreadable > 0)
                complain(in, STATUS_UNSURE, "%" PRIu64 " files could not be read",
                         counts.unreadable);
        status = show_head(in, &h, &w);
        return status == STATUS_GOOD && counts.unreadable ? STATUS_UNSURE : (enum status)status;
}

static const struct command baseline_create = {
        .name = "create",
        .operands = "",
        .about = "take the present state as the trusted one, while the sensor is stopped",
        .help = "Reads everything that is watched and keeps it as the state to compare with.  What\n"
                "has changed since the last baseline is thereby accepted; assay check shows it\n"
                "first.  The sensor records the new root in the ledger when it starts.  A first\n"
                "baseline needs no command: the sensor takes it by itself.",
        .options = create_specs,
        .options_size = sizeof(struct create_options),
        .run = run_create,
};

static const struct command *const baseline_commands[] = { &baseline_show, &baseline_create, NULL };

const struct command command_baseline = {
        .name = "baseline",
        .operands = "[OPTION]...",
        .about = "show the trusted state, or take it anew",
        .sub = baseline_commands,
};
