/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_replay.c - assay api replay: what a package would have decided about recorded calls. */
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_package.h"
#include "command/api/api_registry.h"
#include "command/api/replay_calls.h"
#include "command/lesser.h"
#include "ledger/signing/signer.h"

struct replay_options {
        struct walk_options walk;
        struct option_texts keys;
        const char *api, *registry;
        bool all;
};

static const struct option_spec replay_specs[] = {
        { "since", 's', OPTION_TEXT, offsetof(struct replay_options, walk.since), "TIME",
          "only calls from then on: 2h, today, \"2026-11-25 18:00\", RFC 3339" },
        { "until", 'u', OPTION_TEXT, offsetof(struct replay_options, walk.until), "TIME",
          "only calls before then" },
        { "api", 0, OPTION_TEXT, offsetof(struct replay_options, api), "NAME",
          "calls of the API of this name, where the package has another" },
        API_REGISTRY_OPTION(struct replay_options),
        { "all", 0, OPTION_FLAG, offsetof(struct replay_options, all), NULL,
          "show every call, also those that would be decided as they were" },
        { "key", 'k', OPTION_TEXTS, offsetof(struct replay_options, keys), "VKEY",
          "checkpoints must be signed with this verifier key; given again, with one of them" },
        { 0 },
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
        const struct invocation *in = x->in;
        const char *path = in->operands[0];
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

/* All of them are, where a key is given. */
static bool is_signed(const struct replaying *x)
{
        const struct replay_options *o = x->in->options;

        return o->keys.n > 0;
}

static void put_checked(const struct replaying *x, struct buf *out)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(TABLE_CELL_MAX);

        if (x->ledgers.n == 1) {
                buf_put_str(&text, "every entry is in the tree of the checkpoint at ");
                screen_put_count(&text, x->size);
                buf_put_str(&text, ", whose signature ");
        } else {
                buf_put_str(&text, "every entry is in the tree of its ledger's checkpoint, whose "
                                   "signature ");
        }
        buf_put_str(&text, is_signed(x) ? "is good" : "was not judged (--key)");
        screen_put_wrapped(&x->in->out, out, buf_cstr(&text), 0, 8);
        buf_put_byte(out, '\n');
}

static void put_sum(struct replaying *x, struct buf *out)
{
        struct json_writer j;

        if (!x->in->json) {
                buf_put_byte(out, '\n');
                if (x->ledgers.n > 1) {
                        replay_ledgers_put(&x->ledgers, &x->in->out, out);
                        buf_put_byte(out, '\n');
                }
                replay_put_sum(&x->in->out, &x->sum, out);
                put_checked(x, out);
                return;
        }
        json_writer_init(&j, out);
        json_begin_object(&j);
        json_put_key(&j, "sum");
        json_begin_object(&j);
        json_member_u64(&j, "broken", x->sum.broken + x->damaged);
        replay_put_sum_json(&j, &x->sum, &x->ledgers);
        json_member_bool(&j, "signed", is_signed(x));
        json_member_u64(&j, "size", x->size);
        json_end_object(&j);
        json_end_object(&j);
        buf_put_byte(out, '\n');
}

static enum status status_of(const struct replaying *x)
{
        const uint64_t *n = x->sum.by_change;

        if (n[REPLAY_NOW_DENIED] || n[REPLAY_NOW_ALLOWED] || n[REPLAY_OTHER_READS] ||
            n[REPLAY_OTHER_POLICIES])
                return STATUS_PROBLEM;
        return n[REPLAY_CANNOT_TELL] || x->sum.policies_open || x->sum.reads_open ||
                               x->sum.broken || x->sum.folded || x->damaged || x->lost
                       ? STATUS_UNSURE
                       : STATUS_GOOD;
}

/* The walk through the ledger at hand. */
static enum status begin(struct replaying *x)
{
        static const char *const kinds[] = { "api.intent", "api.denied", "api.outcome",
                                             "api.unknown" };
        const struct replay_options *o = x->in->options;
        struct replay_ledger *l = x->ledgers.at[x->at];
        struct invocation in = *x->in;
        char *name[] = { l->name };
        struct walk *w = &x->walk;
        enum status status;

        in.operands = name;
        in.n_operands = 1;
        status = walk_init(w, &in, &o->walk);
        w->in = x->in;
        if (status != STATUS_GOOD)
                return status;
        for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
                w->filter.kinds.at[w->filter.kinds.n++] = kinds[i];
        /* Outcomes come later than their calls. */
        x->has_until = w->filter.has_until;
        x->until_ns = w->filter.until_ns;
        w->filter.has_until = false;
        w->show = replay_take;
        w->ctx = x;
        w->bind = w->quiet = true;
        return STATUS_GOOD;
}

/* Where what was asked for began before the ledger did. */
static void say_missing(const struct replaying *x)
{
        const struct replay_ledger *l = x->ledgers.at[x->at];
        const struct filter *f = &x->walk.filter;

        if (l->cites && !l->before && !(f->has_since && l->has_time && f->since_ns >= l->opened_ns))
                complain(x->in, STATUS_GOOD,
                         "%s goes on from %s, which is not here: calls before were not judged",
                         l->name, l->cited.origin);
}

static int replay_ledger(struct replaying *x)
{
        struct replay_ledger *l = x->ledgers.at[x->at];
        struct walk *w = &x->walk;
        int rc;

        w->reader = l->reader; /* and back, since its size is still asked for */
        (void)!secrets_open(w->dir, &w->secrets, NULL);
        rc = walk_past(w, false);
        l->reader = w->reader;
        w->reader = (struct reader){ 0 };
        x->size += reader_size(&l->reader);
        x->damaged += w->damaged;
        x->lost += w->lost;
        x->pruned |= w->pruned;
        if (rc == 0 && !l->goes_on)
                replay_tell_rest(x);
        say_missing(x);
        walk_say_lost(w);
        return rc;
}

static enum status replay_all(struct replaying *x)
{
        struct walk *w = &x->walk;
        enum status status = STATUS_GOOD;

        for (x->at = 0; x->at < x->ledgers.n && status == STATUS_GOOD; x->at++) {
                int rc;

                walk_done(w);
                status = begin(x);
                if (status != STATUS_GOOD)
                        break;
                if (x->at == 0 && !x->in->json)
                        put_heading(x, &w->out);
                rc = replay_ledger(x);
                if (rc == 0)
                        rc = screen_flush(&x->in->out, &w->out);
                if (rc < 0)
                        return rc == -ENOMEM ? complain(x->in, STATUS_UNSURE, "no memory")
                                             : walk_complain(w, rc);
        }
        if (status != STATUS_GOOD)
                return status;
        put_sum(x, &w->out);
        if (x->pruned)
                complain(x->in, STATUS_GOOD, "older entries are not here any more (pruned)");
        return command_print(x->in, &w->out, status_of(x));
}

static int open_ledgers(struct replaying *x, const struct note_vkey *keys, struct err *err)
{
        const struct replay_options *o = x->in->options;
        char host[PLACES_PATH_MAX];
        const char *const ours = host, *const *names = &ours;
        size_t n = 1;

        if (x->in->n_operands > 1) {
                names = (const char *const *)&x->in->operands[1];
                n = x->in->n_operands - 1;
        } else {
                int rc = places_ledger(x->in, host, err);

                if (rc < 0)
                        return rc;
        }
        return replay_ledgers_open(names, n, keys, o->keys.n, &x->ledgers, err);
}

static enum status open_all(struct replaying *x, struct given *s)
{
        static struct note_vkey keys[OPTION_TEXTS_MAX]; /* too large for a stack */
        const struct replay_options *o = x->in->options;
        const struct option_texts *texts = &o->keys;
        struct err err = { 0 };
        int rc;

        for (size_t i = 0; i < texts->n; i++)
                if (verifier_parse(span_str(texts->at[i]), &keys[i], &err) < 0)
                        return complain(x->in, STATUS_USAGE, "--key: %s", err_text(&err));
        if (open_package(x, s, &err) < 0)
                return complain(x->in, STATUS_UNSURE, "%s", err_text(&err));
        x->api = o->api ? span_str(o->api) : x->package->config.name;
        rc = replay_judged_open(x->in, o->registry, &x->judged, &err);
        if (rc == 0 && lesser_become(true, &err) < 0) /* ledgers may be strangers' */
                rc = err_wrap(&err, "giving root's rights away");
        if (rc == 0)
                rc = open_ledgers(x, keys, &err);
        if (rc < 0)
                return complain(x->in, rc == -EEXIST || rc == -E2BIG ? STATUS_USAGE : STATUS_UNSURE,
                                "%s", err_text(&err));
        return replay_all(x);
}

static enum status run(struct invocation *in)
{
        static struct replaying x; /* too large for a stack, as the next */
        static struct given given;
        const struct replay_options *o = in->options;
        enum status status;

        x = (struct replaying){ .in = in, .all = o->all };
        given = (struct given){ 0 };
        view_init(&x.walk.view);
        status = open_all(&x, &given);
        replay_drop_rest(&x);
        walk_done(&x.walk);
        replay_ledgers_done(&x.ledgers);
        replay_judged_done(&x.judged);
        cedar_bench_free(x.bench);
        package_unref(x.package);
        api_built_done(&given.built);
        api_package_done(&given.file);
        return status;
}

const struct command command_api_replay = {
        .name = "replay",
        .operands = "NEW [LEDGER...]",
        .about = "what a package would have decided about recorded calls",
        .help = "Each call of the ledgers that policies, or what the document says of values, have decided\n"
                "about is decided again by NEW, a package or a directory of one: what is known of it, and\n"
                "where the rest does not matter.  Shown are calls that were allowed and would be denied\n"
                "(-), that were denied and would be allowed (+), that would be shown other data, or be\n"
                "decided by other policies (~).  What cannot be told is counted, with what is missing.\n"
                "Values that policies compare are in a ledger only where gateway.yaml had\n"
                "\"replay: digest\"; sensitive ones are read from the vault.\n"
                "\n"
                "A call is what its entry names: the operation by its id, the caller as he was known then,\n"
                "the object by its type; which parameter had its id is told by the package that judged the\n"
                "call, which is looked for in the registry.  Other paths, issuers and limits, and which\n"
                "places have which data class, are the matter of assay api diff.\n"
                "\n"
                "LEDGER is a directory, an archive or a URL, one of each host; without any, this host's.\n"
                "Those that it goes on from are read before it, where they lie beside it as LEDGER.1,\n"
                "LEDGER.2 and so on, or are named as well.\n"
                "\n"
                "Exit status 0: all would be decided as they were; 1: some would not; 3: none is known to\n"
                "be, and something could not be told.",
        .options = replay_specs,
        .options_size = sizeof(struct replay_options),
        .min_operands = 1,
        .max_operands = 1 + REPLAY_LEDGERS_MAX,
        .run = run,
};
