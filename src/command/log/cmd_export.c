/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_export.c - assay export ocsf: a ledger's entries as events that others read, one a line.
 *
 * What an entry becomes is wire/ocsf.h's; here is where it comes from.  Each entry is checked
 * against its leaf hash, each bundle of 256 against the checkpoint's root, and the checkpoint
 * against a key where one is given: the place an event names is where its entry is. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/commands.h"
#include "command/log/line.h"
#include "command/log/walk.h"
#include "crypto/sha256.h"
#include "ledger/signing/signer.h"
#include "wire/ocsf.h"

STATIC_ASSERT((int)OCSF_DISCLOSED_MAX >= (int)VAULT_FIELDS_MAX, "all that one entry can disclose");

struct export_options {
        struct walk_options walk;
        struct option_u64 from;
        const char *after, *key;
        bool disclose, raw;
};

static const struct option_spec export_specs[] = {
        WALK_OPTION_SPECS(struct export_options, walk),
        { "from", 0, OPTION_U64, offsetof(struct export_options, from), "INDEX",
          "only from this index on: one more than the last metadata.sequence that is there already" },
        { "after", 0, OPTION_TEXT, offsetof(struct export_options, after), "UID",
          "only what comes behind this metadata.uid, through the ledgers that succeeded its own" },
        { "limit", 'n', OPTION_U64, offsetof(struct export_options, walk.limit), "N",
          "only the newest N that match" },
        { "follow", 'f', OPTION_FLAG, offsetof(struct export_options, walk.follow), NULL,
          "then go on with new entries as they come, until interrupted" },
        { "disclose", 0, OPTION_FLAG, offsetof(struct export_options, disclose), NULL,
          "with the sensitive values that the vault still has" },
        { "raw", 0, OPTION_FLAG, offsetof(struct export_options, raw), NULL,
          "with the entry's bytes as raw_data, as its proof needs them" },
        { "key", 0, OPTION_TEXT, offsetof(struct export_options, key), "VKEY",
          "the ledger's verifier key: its checkpoint must be signed with it" },
        { 0 },
};

enum { MESSAGE_MAX = 8192, OLDER_MAX = 1024 };

/* The place of an event, as metadata.uid has it. */
struct after {
        char origin[NOTE_NAME_MAX + 1];
        uint64_t index;
};

struct exporting {
        const struct after *after; /* of an archive or a server: it must be that ledger itself */
        struct ocsf *ocsf;
        struct buf message;
        struct disclosure disclosed[VAULT_FIELDS_MAX];
        uint8_t leaf[SHA256_LEN], sha256[SHA256_LEN];
};

/* What a person reads of it, without the time: the rest of the event says that. */
static struct span message_of(struct walk *w, struct exporting *x)
{
        static const struct screen in_pipe = { 0 };

        buf_clear(&x->message);
        line_put_text(&in_pipe, &w->view, &x->message);
        return buf_status(&x->message) == 0 ? buf_span(&x->message) : SPAN_NONE;
}

static int show(struct walk *w)
{
        const struct export_options *o = w->in->options;
        struct exporting *x = w->ctx;
        struct view *v = &w->view;
        struct ocsf_input in = {
                .origin = w->reader.checkpoint.origin,
                .index = v->index,
                .leaf = span_of(x->leaf, sizeof(x->leaf)),
                .bytes = v->bytes,
                .entry = &v->entry,
                .kind = v->kind,
                .disclosed = x->disclosed,
        };
        int status;

        if (!o->disclose) { /* only the filter had to know */
                v->n_disclosed = 0;
                v->asked_vault = false;
        }
        for (size_t i = 0; i < v->n_disclosed; i++)
                x->disclosed[in.n_disclosed++] = v->disclosed[i].parsed;
        sha256_leaf(v->bytes, x->leaf);
        if (o->raw) {
                sha256(v->bytes, x->sha256);
                in.sha256 = span_of(x->sha256, sizeof(x->sha256));
        }
        in.message = message_of(w, x);
        status = ocsf_put(x->ocsf, &in, &w->out, NULL);
        buf_put_byte(&w->out, '\n');
        return status;
}

static enum status open_ledger(struct walk *w, const struct note_vkey *key)
{
        const struct export_options *o = w->in->options;
        const struct exporting *x = w->ctx;
        struct err err = { 0 };
        enum status status = walk_open(w, key);

        if (status != STATUS_GOOD)
                return status;
        if (x->after && strcmp(w->reader.checkpoint.origin, x->after->origin) != 0)
                return complain(w->in, STATUS_PROBLEM, "--after: %s is not %s", w->dir,
                                x->after->origin);
        if (w->from > reader_size(&w->reader))
                return complain(w->in, STATUS_PROBLEM,
                                "--from %" PRIu64 ": %s has only %" PRIu64
                                " entries; is it the same ledger?",
                                w->from, w->dir, reader_size(&w->reader));
        if (secrets_open(w->dir, &w->secrets, &err) < 0 && o->disclose)
                return complain(w->in, STATUS_UNSURE, "--disclose: %s", err_text(&err));
        return STATUS_GOOD;
}

/* ---- going on behind an event ---- */

/* "<origin>#<index>" */
static bool parse_uid(const char *text, struct after *ret)
{
        const char *mark = strrchr(text, '#');
        size_t n = mark ? (size_t)(mark - text) : 0;

        if (!mark || n > NOTE_NAME_MAX || !note_name_ok(span_of((const uint8_t *)text, n)) ||
            text_to_u64(span_str(mark + 1), &ret->index) < 0 || ret->index == UINT64_MAX)
                return false;
        snprintf(ret->origin, sizeof(ret->origin), "%.*s", (int)n, text);
        return true;
}

static bool is_directory(const char *path)
{
        struct stat st;

        return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_of(const char *dir, const char *origin)
{
        CLEANUP(reader_done) struct reader r = { 0 };

        return reader_open_apart(dir, NULL, &r, NULL) == 0 &&
               strcmp(r.checkpoint.origin, origin) == 0;
}

/* The ledgers of before have a number behind their name: which one has this origin; 0: none. */
static unsigned find_older(const char *dir, const char *origin)
{
        char older[PLACES_PATH_MAX + 16];

        for (unsigned n = 1; n <= OLDER_MAX; n++) {
                snprintf(older, sizeof(older), "%s.%u", dir, n);
                if (is_directory(older) && is_of(older, origin))
                        return n;
        }
        return 0;
}

static enum status show_past(struct walk *w, const struct note_vkey *key)
{
        enum status result = open_ledger(w, key);
        int status;

        if (result != STATUS_GOOD)
                return result;
        status = walk_past(w, false);
        return status < 0 ? walk_complain(w, status) : STATUS_GOOD;
}

/* Those of before that come behind it, each to its end; then the walk stands before the last. */
static enum status export_older(struct walk *w, const struct after *a)
{
        struct exporting *x = w->ctx;
        char dir[PLACES_PATH_MAX];
        enum status result = STATUS_GOOD;
        unsigned first;

        w->from = a->index + 1;
        if (!is_directory(w->dir)) { /* nothing lies beside it, and it is opened only once */
                x->after = a;
                return STATUS_GOOD;
        }
        if (is_of(w->dir, a->origin))
                return STATUS_GOOD;
        memcpy(dir, w->dir, sizeof(dir));
        first = find_older(dir, a->origin);
        if (!first)
                return complain(w->in, STATUS_PROBLEM,
                                "--after: neither %s nor one that it succeeded is %s", dir,
                                a->origin);
        for (unsigned n = first; n <= OLDER_MAX && result == STATUS_GOOD; n++) {
                if ((size_t)snprintf(w->dir, sizeof(w->dir), "%s.%u", dir, n) >= sizeof(w->dir) ||
                    !is_directory(w->dir))
                        continue;
                result = show_past(w, NULL);
                reader_done(&w->reader);
                secrets_done(&w->secrets);
                w->reader = (struct reader){ 0 };
                w->secrets = (struct secrets){ 0 };
                w->from = 0;
        }
        memcpy(w->dir, dir, sizeof(dir));
        return result;
}

static enum status export_all(struct walk *w, const struct note_vkey *key)
{
        enum status result = open_ledger(w, key);
        int status;

        if (result != STATUS_GOOD)
                return result;
        status = walk_past(w, false);
        if (status < 0)
                return walk_complain(w, status);
        if (w->pruned)
                complain(w->in, STATUS_GOOD, "older entries are not here any more (pruned)");
        if (w->o->follow)
                return walk_follow(w);
        walk_say_lost(w);
        return walk_status(w);
}

static enum status run(struct invocation *in)
{
        const struct export_options *o = in->options;
        CLEANUP(ocsf_freep) struct ocsf *ocsf = NULL;
        struct exporting x = { .message = BUF_INIT(MESSAGE_MAX) };
        CLEANUP(walk_done) struct walk w;
        struct after after = { 0 };
        struct note_vkey key;
        struct err err = { 0 };
        enum status status;

        status = walk_init(&w, in, &o->walk);
        if (status != STATUS_GOOD)
                return status;
        if (o->key && verifier_parse(span_str(o->key), &key, &err) < 0)
                return complain(in, STATUS_USAGE, "--key: %s", err_text(&err));
        if (o->after && (o->from.given || o->walk.limit.given))
                return complain(in, STATUS_USAGE, "--after goes without --from and --limit");
        if (o->after && !parse_uid(o->after, &after))
                return complain(in, STATUS_USAGE,
                                "--after: a metadata.uid, as example.com/web1#4711");
        if (ocsf_new(&ocsf, &err) < 0)
                return complain_err(in, &err);
        x.ocsf = ocsf;
        w.show = show;
        w.ctx = &x;
        w.from = o->from.value;
        w.limit = o->walk.limit.value;
        w.bind = true;
        w.seal = !o->disclose;
        w.quiet = true;
        status = o->after ? export_older(&w, &after) : STATUS_GOOD;
        if (status == STATUS_GOOD)
                status = export_all(&w, o->key ? &key : NULL);
        buf_done(&x.message);
        return status;
}

static const struct command export_ocsf = {
        .name = "ocsf",
        .operands = "[DIR | ARCHIVE | URL]",
        .about = "write entries as OCSF events, one JSON object a line",
        .help = "Every entry becomes one event of the Open Cybersecurity Schema Framework, " OCSF_VERSION
                ",\n"
                "in the order of the ledger.  What the schema has no place for is in unmapped;\n"
                "metadata.uid is the ledger's origin and the entry's index, so that the entry can\n"
                "be found again: assay prove INDEX.  The same ledger gives the same bytes.\n"
                "\n"
                "Sensitive values are left out (their digests are in unmapped._sd); --disclose puts\n"
                "in what the vault has.\n"
                "\n"
                "Each entry is checked against its hash and the signed root's tree.  What is damaged\n"
                "is said and left out, and the exit status is 1.\n"
                "\n"
                "Without an operand, this host's own ledger.\n"
                "Options that are given twice mean either; different options mean both.",
        .options = export_specs,
        .options_size = sizeof(struct export_options),
        .max_operands = 1,
        .run = run,
};

static const struct command *const exports[] = { &export_ocsf, NULL };

const struct command command_export = {
        .name = "export",
        .operands = "[OPTION]... [DIR | ARCHIVE | URL]",
        .about = "write entries in a form that others read",
        .sub = exports,
};
