/* SPDX-License-Identifier: Apache-2.0 */
/* assay_baseline.c - assay baseline: the group, and create: by the sensor while it runs, else here.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "bin/assay_baseline.h"
#include "bin/assay_commands.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/running/sensor_ask.h"
#include "integrity/trusted/baseline.h"
#include "integrity/trusted/check.h"
#include "integrity/trusted/content.h"
#include "integrity/trusted/state.h"
#include "integrity/trusted/trusted_entry.h"
#include "integrity/watching/config.h"
#include "integrity/who/who.h"
#include "loop/presence.h"
#include "sys/io.h"
#include "sys/sysclock.h"
#include "wire/json.h"

struct create_options {
        struct option_texts watch;
        const char *reason;
};

static const struct option_spec create_specs[] = {
        { "reason", 0, OPTION_TEXT, offsetof(struct create_options, reason), "TEXT",
          "why; goes into the ledger.  Required while the sensor runs" },
        { "watch", 'w', OPTION_TEXTS, offsetof(struct create_options, watch), "PATH",
          "of this directory; repeatable.  Without it, of what the last one was of" },
        { 0 },
};

enum { WORKERS_MAX = 8, ENTRY_BYTES = 60 * 1024 };

/* One taken here, while no sensor runs. */
struct taking {
        const struct invocation *in;
        int fd; /* of the sensor's directory */
        struct watchset watch;
        struct content *content;
        struct snapshot_head head;
        struct baseline_sums sums;
        struct scan_counts counts;
        struct progress progress;
        int64_t began_ns;
};

/* ---- may it be taken here? ---- */

static bool sensor_lives(const struct invocation *in)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP_FD int run_fd = open(in->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        bool lives = false;

        return run_fd >= 0 && presence_read(run_fd, "sensor", &text, &lives, NULL) == 0 && lives;
}

/* What is not in the ledger yet lies in the sensor's journal, which goes with the old state. */
static int check_nothing_waits(const char *dir, struct err *err)
{
        CLEANUP(table_freep) struct table *t = NULL;
        CLEANUP(buf_done) struct buf note = BUF_INIT(BASELINE_NOTE_MAX);
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
                        "%zu change%s not in the ledger yet; start the sensor until all are",
                        found.n_entries, found.n_entries == 1 ? " is" : "s are");
        if (status == 0)
                status = baseline_note(&io_kernel, s.dirfd, &note, err);
        if (status > 0)
                status = err_set(err, -EBUSY,
                                 "the last baseline is not in the ledger yet; start the sensor "
                                 "until it is");
        state_found_done(&found);
        state_close(&s);
        return status;
}

static int load_config(struct watchset *w, struct err *err)
{
        struct config c = { 0 };
        char program[PATH_MAX];
        int status = job_program(program, err);

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

/* ---- taking ---- */

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

static struct who *myself(void)
{
        struct who *w = who_new(getpid());
        char exe[4096];
        ssize_t n;

        if (!w)
                return NULL;
        w->has |= WHO_HAS_UID;
        w->uid = getuid();
        w->euid = geteuid();
        n = readlink("/proc/self/exe", exe, sizeof(exe));
        if (n > 0)
                buf_put(&w->exe, span_of(exe, (size_t)n));
        buf_put_str(&w->comm, "assay");
        return w;
}

/* It takes the place of the one before; the sensor tells of it when it starts. */
static int put_in_place(struct taking *t, struct err *err)
{
        const struct create_options *o = t->in->options;
        CLEANUP(buf_done) struct buf note = BUF_INIT(ENTRY_BYTES);
        CLEANUP(buf_done) struct buf reason = BUF_INIT(4096);
        CLEANUP(who_unrefp) struct who *who = myself();
        struct content_counts c = content_counts(t->content);
        struct snapshot_head was;
        bool had = snapshot_read_head(&io_kernel, t->fd, "baseline", NULL, &was, NULL) == 0;
        struct baseline_facts f = { .wall_ns = clock_wall(t->in->clock),
                                    .took_ns = clock_mono(t->in->clock) - t->began_ns,
                                    .sums = t->sums,
                                    .root = &t->head.root,
                                    .previous = had ? &was.root : NULL,
                                    .watch = &t->watch,
                                    .reason = had ? "replaced" : "first",
                                    .kept = c.kept + c.had,
                                    .not_kept = c.too_large + c.no_room + c.failed,
                                    .who = who };
        int status;

        if (o->reason)
                text_put_safe(&reason, span_str(o->reason));
        f.comment = buf_span(&reason);
        baseline_put(&f, &note);
        if (buf_status(&reason) < 0 || buf_status(&note) < 0)
                return err_set(err, -E2BIG, "--reason is too long");
        status = drop_state(t->fd, err);
        return status < 0 ? status
                          : baseline_place(&io_kernel, t->fd, &t->head.root, buf_span(&note), err);
}

static void on_progress(void *ctx, uint64_t files, uint64_t total_files, uint64_t bytes,
                        uint64_t total_bytes)
{
        struct taking *t = ctx;

        progress_set_files(&t->progress, files, total_files, bytes, total_bytes);
}

static void on_unreadable(void *ctx, struct span path, int error)
{
        struct taking *t = ctx;
        CLEANUP(buf_done) struct buf text = BUF_INIT(64 * 1024);

        progress_stop(&t->progress);
        buf_put(&text, path);
        complain(t->in, STATUS_UNSURE, "%s: %s", buf_cstr(&text), strerror(-error));
}

static int take(struct taking *t, struct err *err)
{
        CLEANUP(table_freep) struct table *table = NULL;
        const struct content_limits limits = { 0 };
        long processors = sysconf(_SC_NPROCESSORS_ONLN);
        long workers = MIN_OF(processors, (long)WORKERS_MAX);
        struct check_options o = { .workers = processors < 2 ? 0 : (unsigned)workers,
                                   .clock = t->in->clock,
                                   .progress = on_progress,
                                   .unreadable = on_unreadable,
                                   .ctx = t };
        uint64_t swept;
        int status = table_new(&table, err);

        if (status == 0) {
                table_without_inodes(table);
                status = content_open(&io_kernel, t->fd, &limits, &t->content, err);
        }
        progress_start(&t->progress, t->in->clock, "reading files");
        if (status == 0)
                status = check_collect(&t->watch, &o, t->content, table, &t->counts, err);
        progress_stop(&t->progress);
        if (status == 0)
                status = content_sync(t->content, err);
        t->head = (struct snapshot_head){ .taken_ns = clock_wall(t->in->clock) };
        if (status == 0)
                status = baseline_write(&io_kernel, t->fd, &t->watch, table, &t->head, &t->sums,
                                        err);
        if (status == 0)
                status = put_in_place(t, err);
        if (status == 0)
                status = baseline_sweep(&io_kernel, t->fd, t->content, SPAN_NONE, &swept, err);
        return status;
}

static void put_taken(const struct taking *t, struct buf *out)
{
        char root[2 * HASH_LEN + 1];
        struct json_writer w;

        text_hex(span_of(t->head.root.b, HASH_LEN), root);
        if (!t->in->json) {
                buf_put_str(out, "taken    ");
                screen_put_time(&t->in->out, out, t->head.taken_ns);
                buf_put_str(out, "\nfiles    ");
                screen_put_count(out, t->head.count);
                buf_put_str(out, ", ");
                screen_put_bytes(out, t->sums.bytes);
                buf_printf(out, "\nroot     %s\n", root);
                buf_put_str(out, "ledger   the sensor tells it when it starts\n");
                return;
        }
        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "bytes", t->sums.bytes);
        json_member_u64(&w, "files", t->head.count);
        json_member_text(&w, "root", root);
        json_member_time(&w, "taken", t->head.taken_ns);
        json_member_u64(&w, "unreadable", t->sums.unreadable + t->counts.unreadable);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status create_here(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct taking t = { .in = in, .fd = -1, .began_ns = clock_mono(in->clock) };
        char dir[PLACES_PATH_MAX];
        struct err err = { 0 };
        enum status result;
        int status;

        status = make_sensor_dir(in, dir, &err);
        if (status == 0)
                status = places_open_dir(dir, &t.fd, &err);
        if (status == 0)
                status = check_nothing_waits(dir, &err);
        if (status == 0)
                status = choose_watchset(in->options, t.fd, &t.watch, &err);
        if (status == 0)
                status = take(&t, &err);
        if (status < 0) {
                result = complain_err(in, &err);
        } else {
                put_taken(&t, &out);
                result = command_print(in, &out,
                                       t.sums.unreadable + t.counts.unreadable ? STATUS_UNSURE
                                                                               : STATUS_GOOD);
        }
        content_free(t.content);
        watchset_done(&t.watch);
        fd_close(&t.fd);
        return result;
}

static enum status run_create(struct invocation *in)
{
        const struct create_options *o = in->options;

        if (!sensor_lives(in))
                return create_here(in);
        if (o->watch.n)
                return complain(in, STATUS_USAGE,
                                "--watch: the sensor runs, and watches what it is configured to");
        if (!o->reason)
                return complain(in, STATUS_USAGE,
                                "--reason is missing: what differs now is trusted from then on");
        return baseline_ask(in, "baseline.create", o->reason, "taken");
}

const struct command baseline_create = {
        .name = "create",
        .operands = "",
        .about = "take the present state as the trusted one",
        .help = "Reads everything that is watched and keeps it as the state to compare with.  What\n"
                "has changed since the last baseline is thereby accepted; assay check shows it\n"
                "first.  While the sensor runs it does so, and the new root is in the ledger at\n"
                "once; else it is done here, and the sensor tells of it when it starts.  A first\n"
                "baseline needs no command: the sensor takes it by itself.",
        .options = create_specs,
        .options_size = sizeof(struct create_options),
        .run = run_create,
};

static const struct command *const baseline_commands[] = { &baseline_show, &baseline_create,
                                                           &baseline_accept, NULL };

const struct command command_baseline = {
        .name = "baseline",
        .operands = "[OPTION]...",
        .about = "show the trusted state, take it anew, or accept what differs",
        .sub = baseline_commands,
        .usual = &baseline_show,
};
