/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_ledger_prune.c - assay ledger prune: drop what the written policy no longer wants kept. */
#include <inttypes.h>

#include "base/text.h"
#include "command/ledger/ledger_group.h"
#include "command/ledger/policy.h"
#include "command/log/reader.h"
#include "command/log/view.h"
#include "command/places.h"
#include "command/progress.h"
#include "command/running/admin.h"
#include "crypto/sha256.h"
#include "ledger/upkeep/upkeep.h"
#include "sys/io.h"
#include "wire/tile.h"

struct prune_options {
        const char *policy;
        bool dry_run;
};

static const struct option_spec prune_specs[] = {
        { "policy", 'p', OPTION_TEXT, offsetof(struct prune_options, policy), "FILE",
          "the retention policy, see retention.yaml(5); required" },
        { "dry-run", 0, OPTION_FLAG, offsetof(struct prune_options, dry_run), NULL,
          "only say what would go" },
        { 0 },
};

struct plan {
        struct policy policy;
        int64_t now_ns;
        uint64_t old_min, min_index;
        int64_t until_ns;    /* the newest entry that goes */
        uint64_t stays;      /* the first entry that has to stay */
        struct buf stays_of; /* why; empty: none has to */
};

static void plan_done(struct plan *p)
{
        policy_done(&p->policy);
        buf_done(&p->stays_of);
}

/* Has the entry to stay?  Then why is said. */
static bool has_to_stay(struct plan *p, const struct view *v)
{
        const struct retention_fact *why;

        if (!v->has_time) {
                buf_put_str(&p->stays_of, v->entry.time.n
                                                  ? "its time is not one like 2026-01-02T03:04:05Z"
                                                  : "it has no time");
                return true;
        }
        if (!policy_keeps(&p->policy, v->entry.kind, v->kind ? v->kind->ocsf : 0, v->wall_ns,
                          p->now_ns, &why))
                return false;
        policy_put_why(why, &p->stays_of);
        return true;
}

/* Whole bundles from the start, up to the first entry that has to stay. */
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
                p->stays = i;
                if (status < 0 || has_to_stay(p, &v))
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

/* Every fault of the policy is shown; err has the rest. */
static int make_plan(const struct invocation *in, struct plan *p, struct err *err)
{
        const struct prune_options *o = in->options;
        CLEANUP(reader_done) struct reader r = { 0 };
        char dir[PLACES_PATH_MAX];
        int status;

        p->now_ns = clock_wall(in->clock);
        status = policy_load(o->policy, in->clock, &p->policy, err);
        if (status == 0)
                status = places_ledger_or(in, 0, dir, err);
        if (status == 0)
                status = reader_open(dir, &r, err);
        if (status == 0)
                status = prune_read(r.fd, &io_kernel, &p->old_min, err);
        return status < 0 ? status : find_end(in, &r, p, err);
}

static enum status complain_plan(const struct invocation *in, struct plan *p, const struct err *err)
{
        const struct prune_options *o = in->options;
        const struct conffile_faults *f = &p->policy.faults;

        if (f->n == 0)
                return complain_err(in, err);
        for (size_t i = 0; i < f->n; i++) {
                CLEANUP(buf_done) struct buf line = BUF_INIT(8 * ERR_TEXT_MAX);

                conffile_put_fault(o->policy, &f->at[i], &line);
                complain(in, STATUS_PROBLEM, "%s", buf_cstr(&line));
        }
        return STATUS_PROBLEM;
}

static void put_members(const struct plan *p, struct json_writer *w)
{
        char digest[2 * SHA256_LEN + 1];

        text_hex(span_of(p->policy.digest, SHA256_LEN), digest);
        json_member_u64(w, "min_index", p->min_index);
        command_put_json_text(w, "policy", p->policy.name);
        json_member_text(w, "policy_sha256", digest);
        json_member_time(w, "until", p->until_ns);
}

static void put_stays(struct plan *p, struct json_writer *w)
{
        json_put_key(w, "stays");
        json_begin_object(w);
        json_member_u64(w, "index", p->stays);
        command_put_json_text(w, "why", buf_cstr(&p->stays_of));
        json_end_object(w);
}

static enum status report(const struct invocation *in, struct plan *p, const char *what)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct json_writer w;

        if (in->json) {
                json_writer_init(&w, &out);
                json_begin_object(&w);
                json_member_u64(&w, "dropped", p->min_index - p->old_min);
                json_member_u64(&w, "min_index", p->min_index);
                if (p->stays_of.n)
                        put_stays(p, &w);
                json_end_object(&w);
        } else {
                buf_put_str(&out, what);
                screen_put_count(&out, p->min_index - p->old_min);
                buf_printf(&out, " entries, up to index %" PRIu64, p->min_index);
                if (p->stays_of.n)
                        buf_printf(&out, "; entry %" PRIu64 " has to stay (%s)", p->stays,
                                   buf_cstr(&p->stays_of));
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

/* As the recorder judges it. */
static int nothing_held(struct writing *w, const struct plan *p, struct err *err)
{
        bool held = false;
        int status = w->vault ? vault_held_below(w->vault, p->min_index, &held, err) : 0;

        if (status == 0 && held)
                status = err_set(err, -EBUSY,
                                 "values of a subject under a legal hold would go with them");
        return status;
}

static enum status prune_dir(const struct invocation *in, struct plan *p)
{
        CLEANUP(writing_done) struct writing w = { 0 };
        struct own_entry e;
        struct err err = { 0 };
        int status;

        status = writing_open(in->operands[0], in->clock, &w, &err);
        if (status == 0)
                status = nothing_held(&w, p, &err);
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
        struct plan p = { .stays_of = BUF_INIT(4 * RETENTION_REASON_MAX + 256) };
        struct err err = { 0 };
        enum status result;

        if (!o->policy)
                return complain(in, STATUS_USAGE, "--policy FILE is missing");
        policy_init(&p.policy);
        if (make_plan(in, &p, &err) < 0)
                result = complain_plan(in, &p, &err);
        else if (o->dry_run || p.min_index == p.old_min)
                result = report(in, &p, o->dry_run ? "would drop " : "dropped ");
        else
                result = in->n_operands ? prune_dir(in, &p) : prune_host(in, &p);
        plan_done(&p);
        return result;
}

const struct command command_ledger_prune = {
        .name = "prune",
        .operands = "[DIR]",
        .about = "drop entries that a written retention policy no longer wants kept",
        .help = "The policy says how long entries of which kinds are kept, what an audit looks back\n"
                "at, and what is held; see retention.yaml(5).  Its name and digest are recorded.\n"
                "Whole bundles of 256 entries go from the beginning, up to the first entry that has\n"
                "to stay.  Hashes stay, so that roots and proofs of what is kept go on to hold.\n"
                "Without DIR, this host's ledger.",
        .options = prune_specs,
        .options_size = sizeof(struct prune_options),
        .max_operands = 1,
        .run = run,
};
