/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_prune.c - assay ledger prune: drop what the written policy no longer wants kept. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/text.h"
#include "command/admin.h"
#include "command/ledger_group.h"
#include "command/places.h"
#include "command/policy.h"
#include "command/progress.h"
#include "command/reader.h"
#include "command/view.h"
#include "crypto/sha256.h"
#include "ledger/upkeep.h"
#include "sys/io.h"
#include "wire/tile.h"

struct prune_options {
        const char *policy;
        bool dry_run;
};

static const struct option_spec prune_specs[] = {
        { "policy", 'p', OPTION_TEXT, offsetof(struct prune_options, policy), "FILE",
          "the retention policy, with a line \"keep: 400d\"; required" },
        { "dry-run", 0, OPTION_FLAG, offsetof(struct prune_options, dry_run), NULL,
          "only say what would go" },
        { 0 },
};

enum { POLICY_MAX = 1024 * 1024 };

struct plan {
        const char *policy; /* without directories */
        char policy_sha256[2 * SHA256_LEN + 1];
        int64_t before_ns;
        uint64_t old_min, min_index;
        int64_t until_ns; /* the newest entry that goes */
};

static int read_policy(const struct invocation *in, struct plan *p, struct err *err)
{
        const struct prune_options *o = in->options;
        const char *slash = strrchr(o->policy, '/');
        uint8_t digest[SHA256_LEN], *file;
        int64_t keep_ns;
        size_t n;
        int status;

        status = io_read_file(&io_kernel, AT_FDCWD, o->policy, POLICY_MAX, &file, &n, err);
        if (status < 0)
                return status;
        status = policy_keep(span_of(file, n), &keep_ns, err);
        sha256(span_of(file, n), digest);
        free(file);
        if (status < 0)
                return err_wrap(err, "%s", o->policy);
        text_hex(span_of(digest, sizeof(digest)), p->policy_sha256);
        p->policy = slash ? slash + 1 : o->policy;
        p->before_ns = clock_wall(in->clock) - keep_ns;
        return 0;
}

/* Whole bundles from the start whose every entry is older.  One without a time stops it. */
static int find_end(const struct invocation *in, struct reader *r, struct plan *p, struct err *err)
{
        CLEANUP(view_done) struct view v;
        struct progress progress;
        int64_t newest = INT64_MIN;
        int status = 0;

        view_init(&v);
        progress_start(&progress, in->clock, "looking for old entries");
        p->min_index = p->old_min;
        for (uint64_t i = p->old_min; i < reader_size(r) && status == 0; i++) {
                struct span bytes;

                progress_set(&progress, i, reader_size(r));
                status = reader_entry(r, i, &bytes, err);
                if (status == 0)
                        status = view_open(&v, i, bytes, err);
                if (status < 0 || !v.has_time || v.wall_ns >= p->before_ns)
                        break;
                newest = MAX_OF(newest, v.wall_ns);
                if ((i + 1) % TILE_WIDTH == 0) {
                        p->min_index = i + 1;
                        p->until_ns = newest;
                }
        }
        progress_stop(&progress);
        return status;
}

static int make_plan(const struct invocation *in, struct plan *p, struct err *err)
{
        CLEANUP(reader_done) struct reader r = { 0 };
        char dir[PLACES_PATH_MAX];
        int status;

        status = read_policy(in, p, err);
        if (status == 0)
                status = places_ledger_or(in, 0, dir, err);
        if (status == 0)
                status = reader_open(dir, &r, err);
        if (status == 0)
                status = prune_read(r.fd, &io_kernel, &p->old_min, err);
        return status < 0 ? status : find_end(in, &r, p, err);
}

static void put_members(const struct plan *p, struct json_writer *w)
{
        json_member_u64(w, "min_index", p->min_index);
        command_put_json_text(w, "policy", p->policy);
        command_put_json_text(w, "policy_sha256", p->policy_sha256);
        json_member_time(w, "until", p->until_ns);
}

static enum status report(const struct invocation *in, const struct plan *p, const char *what)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_u64(&w, "dropped", p->min_index - p->old_min);
                json_member_u64(&w, "min_index", p->min_index);
                json_end_object(&w);
        } else {
                buf_put_str(&out, what);
                screen_put_count(&out, p->min_index - p->old_min);
                buf_printf(&out, " entries, up to index %" PRIu64, p->min_index);
        }
        buf_put_byte(&out, '\n');
        return command_print(in, &out, STATUS_GOOD);
}

static enum status prune_host(const struct invocation *in, const struct plan *p)
{
        CLEANUP(buf_done) struct buf args = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        json_writer_init(&w, &args);
        json_begin_object(&w);
        put_members(p, &w);
        json_end_object(&w);
        return admin_run(in, "prune", buf_span(&args), "dropped entries below");
}

static enum status prune_dir(const struct invocation *in, const struct plan *p)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        struct own_entry e;
        struct err err = { 0 };
        int status;

        status = writing_open(in->operands[0], in->clock, &w, &err);
        if (status < 0)
                return complain_err(in, &err);
        own_entry_begin(&e, "ledger.pruned", in->clock);
        put_members(p, &e.w);
        status = own_entry_end(&e, &w, &err);
        if (status == 0)
                status = writing_publish(&w, &err);
        if (status == 0)
                status = prune_below(w.public_fd, w.private_fd, &io_kernel, p->min_index, &err);
        return status < 0 ? complain_err(in, &err) : report(in, p, "dropped ");
}

static enum status run(struct invocation *in)
{
        const struct prune_options *o = in->options;
        struct plan p = { 0 };
        struct err err = { 0 };

        if (!o->policy)
                return complain(in, STATUS_USAGE, "--policy FILE is missing");
        if (make_plan(in, &p, &err) < 0)
                return complain_err(in, &err);
        if (o->dry_run || p.min_index == p.old_min)
                return report(in, &p, o->dry_run ? "would drop " : "dropped ");
        return in->n_operands ? prune_dir(in, &p) : prune_host(in, &p);
}

const struct command command_ledger_prune = {
        .name = "prune",
        .operands = "[DIR]",
        .about = "drop entries that a written retention policy no longer wants kept",
        .help = "The policy is a file with a line \"keep: 400d\" (or hours h, weeks w); its name and\n"
                "digest are recorded.  Whole bundles of 256 entries go from the beginning, when all\n"
                "of their entries are older.  Hashes stay, so that roots and proofs of what is kept\n"
                "go on to hold.  Without DIR, this host's ledger.",
        .options = prune_specs,
        .options_size = sizeof(struct prune_options),
        .max_operands = 1,
        .run = run,
};
