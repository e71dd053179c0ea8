/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_replay.c - assay api replay: what a package would have decided about recorded calls. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_package.h"
#include "command/api/replay.h"
#include "command/log/walk.h"

struct replay_options {
        struct walk_options walk;
        const char *ledger, *api, *key;
        bool all;
};

static const struct option_spec replay_specs[] = {
        { "ledger", 0, OPTION_TEXT, offsetof(struct replay_options, ledger), "DIR",
          "the ledger with the calls: a directory, an archive or a URL; without it, this host's" },
        { "since", 's', OPTION_TEXT, offsetof(struct replay_options, walk.since), "TIME",
          "only calls from then on: 2h, today, \"2026-11-25 18:00\", RFC 3339" },
        { "until", 'u', OPTION_TEXT, offsetof(struct replay_options, walk.until), "TIME",
          "only calls before then" },
        { "api", 0, OPTION_TEXT, offsetof(struct replay_options, api), "NAME",
          "calls of the API of this name, where the package has another" },
        { "all", 0, OPTION_FLAG, offsetof(struct replay_options, all), NULL,
          "show every call, also those that would be decided as they were" },
        { "key", 'k', OPTION_TEXT, offsetof(struct replay_options, key), "VKEY",
          "the ledger's verifier key: its checkpoint must be signed with it" },
        { 0 },
};

struct replaying {
        const struct replay_options *o;
        const char *path; /* of the package */
        struct walk walk;
        struct package *package;
        struct cedar_bench *bench;
        struct span api; /* whose calls */
        bool has_until;
        int64_t until_ns;
        struct replayed *waiting[REPLAY_WAITING_MAX]; /* for their outcomes, the oldest first */
        size_t n_waiting;
        struct replay_sum sum;
};

/* ---- the package ---- */

static int build(const struct invocation *in, const char *path, struct api_built *built,
                 struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        int r = api_build_dir(path, in->clock, built, err);

        if (r < 0 || built->whole)
                return r;
        if (!in->json)
                api_put_faults(in, built, path, &out);
        (void)command_print(in, &out, STATUS_GOOD);
        return err_set(err, -ENOENT, "%s: it has errors, so it is no package yet", path);
}

struct given {
        struct api_built built; /* of a directory */
        struct api_package file;
};

static int open_package(struct replaying *x, struct given *s, struct err *err)
{
        const struct invocation *in = x->walk.in;
        const char *path = x->path;
        struct span bytes;
        struct stat st;
        int r;

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                r = build(in, path, &s->built, err);
                bytes = buf_span(&s->built.body);
        } else {
                r = api_package_read(path, &s->file, err);
                bytes = s->file.file.body;
        }
        if (r < 0)
                return r;
        r = package_open_bytes(bytes, NULL, 0, &x->package, err);
        if (r < 0)
                return err_wrap(err, "%s", path);
        r = cedar_bench_new(x->package->program, &x->bench);
        return r < 0 ? err_sys(err, r, "%s", path) : 0;
}

/* ---- calls ---- */

static struct replayed *replayed_free(struct replayed *r)
{
        if (r)
                arena_done(&r->arena);
        free(r);
        return NULL;
}
DEFINE_CLEANUP(struct replayed, replayed_free)

/* It is known all that will be. */
static void tell(struct replaying *x, struct replayed *r)
{
        struct walk *w = &x->walk;
        const bool shown = x->o->all || r->change < REPLAY_CANNOT_TELL;

        replay_add(&x->sum, r);
        if (shown && w->in->json)
                replay_put_json(r, &w->out);
        else if (shown)
                replay_put_text(&w->in->out, r, &w->out);
        replayed_free(r);
}

static void tell_waiting(struct replaying *x, size_t i)
{
        tell(x, x->waiting[i]);
        x->n_waiting--;
        memmove(&x->waiting[i], &x->waiting[i + 1], (x->n_waiting - i) * sizeof(struct replayed *));
}

/* The oldest; its outcome was not met. */
static void tell_late(struct replaying *x, const char *why)
{
        x->waiting[0]->late = why;
        replay_judge(x->waiting[0]);
        tell_waiting(x, 0);
}

static void say_broken(struct replaying *x, const struct err *err)
{
        x->sum.broken++;
        complain(x->walk.in, STATUS_UNSURE, "%s", err_text(err));
}

static int replay_call(struct replaying *x, struct err *err)
{
        CLEANUP(replayed_freep) struct replayed *r = calloc(1, sizeof *r);
        int rc;

        if (!r)
                return err_sys(err, -ENOMEM, "replaying a call");
        r->arena = ARENA_INIT(REPLAY_CALL_BYTES_MAX);
        rc = replay_read_call(r, &x->walk.view, x->package->file.sha256, err);
        if (rc == 0)
                rc = replay_decide(x->package, x->bench, &r->call, &r->arena, &r->result, err);
        if (rc < 0)
                return rc;
        replay_judge(r);
        if (!r->allowed || r->result.decision != REPLAY_ALLOWED) {
                tell(x, r);
                r = NULL;
                return 0;
        }
        if (x->n_waiting == REPLAY_WAITING_MAX)
                tell_late(x, "the outcome came behind too many other calls");
        x->waiting[x->n_waiting++] = r;
        r = NULL;
        return 0;
}

static bool find_waiting(struct replaying *x, size_t *ret)
{
        struct arena arena = ARENA_INIT(4096);
        struct span id = replay_text(&x->walk.view, "what.call", &arena);
        size_t i = x->n_waiting;

        while (i > 0 && !span_eq_str(id, x->waiting[i - 1]->id))
                i--;
        arena_done(&arena);
        *ret = i - 1;
        return i > 0;
}

static int end_call(struct replaying *x, bool has_reads, struct err *err)
{
        size_t at;
        int rc = 0;

        if (!find_waiting(x, &at))
                return 0;
        if (has_reads)
                rc = replay_read_outcome(x->waiting[at], &x->walk.view, x->package->api, err);
        replay_judge(x->waiting[at]);
        tell_waiting(x, at);
        return rc;
}

static bool is_of_api(const struct replaying *x)
{
        struct json_value v;
        struct span name;

        return view_field(&x->walk.view, "what.api", &v) == FIELD_CLEAR &&
               json_value_plain(v, &name) && span_eq(name, x->api);
}

static int replay_denied(struct replaying *x, struct err *err)
{
        struct replay_sum *sum = &x->sum;
        struct arena arena = ARENA_INIT(1 << 20);
        struct span reason;
        uint64_t n, more = 0;
        int rc = 0;

        switch (replay_telling_of(&x->walk.view, x->api, &arena, &n, &reason)) {
        case REPLAY_TELLS_NOTHING:
                break;
        case REPLAY_TELLS_ONE:
                rc = replay_call(x, err);
                break;
        case REPLAY_TELLS_ANY:
                sum->folded_any += n;
                sum->folded += n;
                break;
        case REPLAY_TELLS_COUNTED:
                sum->folded += n;
                break;
        default:
                sum->not_judged += n;
                replay_count(sum->reasons, &sum->n_reasons, &more, reason, n);
        }
        arena_done(&arena);
        return rc;
}

static int show(struct walk *w)
{
        struct replaying *x = w->ctx;
        const struct span kind = w->view.entry.kind;
        const bool late = x->has_until && w->view.wall_ns >= x->until_ns;
        struct err err = { 0 };
        int rc = 0;

        if (span_eq(kind, SPAN("api.unknown")))
                rc = end_call(x, false, &err);
        else if (!span_eq(w->view.entry.proc, SPAN("gateway")))
                return 0; /* anybody may append entries of any kind */
        else if (span_eq(kind, SPAN("api.outcome")))
                rc = end_call(x, true, &err);
        else if (!late && is_of_api(x) && span_eq(kind, SPAN("api.intent")))
                rc = replay_call(x, &err);
        else if (!late && span_eq(kind, SPAN("api.denied")))
                rc = replay_denied(x, &err);
        if (rc == -ENOMEM)
                return rc;
        if (rc < 0)
                say_broken(x, &err);
        return 0;
}

/* ---- the whole ---- */

static void put_heading(const struct replaying *x, struct buf *out)
{
        CLEANUP(buf_done) struct buf title = BUF_INIT(TABLE_CELL_MAX);

        api_package_put_title(&x->package->file, &title);
        buf_put_str(&title, " on the calls of ");
        buf_put(&title, x->api);
        screen_put(&x->walk.in->out, out, STYLE_BOLD, buf_cstr(&title));
        buf_put_byte(out, '\n');
}

static void put_checked(const struct replaying *x, struct buf *out)
{
        buf_put_str(out, "every entry is in the tree of the checkpoint at ");
        screen_put_count(out, reader_size(&x->walk.reader));
        buf_put_str(out, x->o->key ? ", whose signature is good\n"
                                   : ", whose signature was not judged (--key)\n");
}

static void put_sum(struct replaying *x)
{
        struct walk *w = &x->walk;
        struct json_writer j;

        if (!w->in->json) {
                buf_put_byte(&w->out, '\n');
                replay_put_sum(&w->in->out, &x->sum, &w->out);
                put_checked(x, &w->out);
                return;
        }
        json_writer_init(&j, &w->out);
        json_begin_object(&j);
        json_put_key(&j, "sum");
        json_begin_object(&j);
        json_member_u64(&j, "broken", x->sum.broken + w->damaged);
        replay_put_sum_json(&j, &x->sum);
        json_member_bool(&j, "signed", x->o->key != NULL);
        json_member_u64(&j, "size", reader_size(&w->reader));
        json_end_object(&j);
        json_end_object(&j);
        buf_put_byte(&w->out, '\n');
}

static enum status status_of(const struct replaying *x)
{
        const uint64_t *n = x->sum.by_change;

        if (n[REPLAY_NOW_DENIED] || n[REPLAY_NOW_ALLOWED] || n[REPLAY_OTHER_READS] ||
            n[REPLAY_OTHER_POLICIES])
                return STATUS_PROBLEM;
        return n[REPLAY_CANNOT_TELL] || x->sum.policies_open || x->sum.reads_open ||
                               x->sum.broken || x->sum.folded || x->walk.damaged || x->walk.lost
                       ? STATUS_UNSURE
                       : STATUS_GOOD;
}

static enum status replay_all(struct replaying *x)
{
        struct walk *w = &x->walk;
        int rc;

        if (!w->in->json)
                put_heading(x, &w->out);
        rc = walk_past(w, false);
        while (rc == 0 && x->n_waiting)
                tell_late(x, "the outcome is not in the ledger, or not yet");
        if (rc < 0)
                return rc == -ENOMEM ? complain(w->in, STATUS_UNSURE, "no memory")
                                     : walk_complain(w, rc);
        put_sum(x);
        if (w->pruned)
                complain(w->in, STATUS_GOOD, "older entries are not here any more (pruned)");
        walk_say_lost(w);
        return command_print(w->in, &w->out, status_of(x));
}

static enum status open_all(struct replaying *x, struct given *s, const struct invocation *in)
{
        static const char *const kinds[] = { "api.intent", "api.denied", "api.outcome",
                                             "api.unknown" };
        struct note_vkey key;
        struct err err = { 0 };
        struct walk *w = &x->walk;
        enum status status = walk_init(w, in, &x->o->walk);

        if (status != STATUS_GOOD)
                return status;
        if (x->o->key && verifier_parse(span_str(x->o->key), &key, &err) < 0)
                return complain(in, STATUS_USAGE, "--key: %s", err_text(&err));
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                w->filter.kinds.at[w->filter.kinds.n++] = kinds[i];
        /* Outcomes come later than their calls. */
        x->has_until = w->filter.has_until;
        x->until_ns = w->filter.until_ns;
        w->filter.has_until = false;
        w->show = show;
        w->ctx = x;
        w->bind = w->quiet = true;
        if (open_package(x, s, &err) < 0)
                return complain(in, STATUS_UNSURE, "%s", err_text(&err));
        x->api = x->o->api ? span_str(x->o->api) : x->package->config.name;
        status = walk_open(w, x->o->key ? &key : NULL);
        if (status != STATUS_GOOD)
                return STATUS_UNSURE;
        (void)!secrets_open(w->dir, &w->secrets, NULL);
        return replay_all(x);
}

static enum status run(struct invocation *in)
{
        static struct replaying x; /* too large for a stack, as the next */
        static struct given given;
        char *ledger[2] = { NULL };
        struct invocation with = *in;
        enum status status;

        x = (struct replaying){ .o = in->options, .path = in->operands[0] };
        given = (struct given){ 0 };
        ledger[0] = (char *)x.o->ledger;
        with.operands = ledger;
        with.n_operands = x.o->ledger ? 1 : 0;
        status = open_all(&x, &given, &with);
        for (size_t i = 0; i < x.n_waiting; i++)
                replayed_free(x.waiting[i]);
        walk_done(&x.walk);
        cedar_bench_free(x.bench);
        package_unref(x.package);
        api_built_done(&given.built);
        api_package_done(&given.file);
        return status;
}

const struct command command_api_replay = {
        .name = "replay",
        .operands = "NEW",
        .about = "what a package would have decided about recorded calls",
        .help = "Each call of the ledger that policies, or what the document says of values, have decided\n"
                "about is decided again by NEW, a package or a directory of one: what is known of it, and\n"
                "where the rest does not matter.  Shown are calls that were allowed and would be denied\n"
                "(-), that were denied and would be allowed (+), that would be shown other data, or be\n"
                "decided by other policies (~).  What cannot be told is counted, with what is missing.\n"
                "Values that policies compare are in the ledger only where gateway.yaml had\n"
                "\"replay: digest\"; sensitive ones are read from the vault.\n"
                "\n"
                "A call is what its entry names: the operation by its id, the caller as he was known then,\n"
                "the object by its type.  Other paths, issuers and limits, and which places have which data\n"
                "class, are the matter of assay api diff.\n"
                "\n"
                "Exit status 0: all would be decided as they were; 1: some would not; 3: none is known to\n"
                "be, and something could not be told.",
        .options = replay_specs,
        .options_size = sizeof(struct replay_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
