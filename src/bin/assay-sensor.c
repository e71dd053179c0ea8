/* SPDX-License-Identifier: Apache-2.0 */
/* assay-sensor - sees every change to what this host watches.  Options only; the work is in
 * integrity/. */
#include "base/text.h"
#include "bin/daemon.h"
#include "command/places.h"
#include "command/verify/trust.h"
#include "crypto/sha256.h"
#include "integrity/sensor/run.h"
#include "integrity/trusted/snapshot.h"
#include "integrity/trusted/trusted_entry.h"
#include "integrity/who/session_keep.h"
#include "integrity/why/late_past.h"
#include "integrity/why/package_past.h"
#include "loop/log.h"
#include "sys/io.h"
#include "sys/sysclock.h"
#include "wire/entry.h"
#include "wire/json.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum {
        TOLD_MAX = 16 << 20, /* digests of approved changes and package transactions, or contents */
        PAST_MAX = 16 << 20, /* what happened to files that dpkg keeps */
        RECORDER_MS = 10000, /* to be there */
        LOOK_MS = 20,
        POLL_MIN = 5,
        POLL_MAX = 3600,
};

struct options {
        const char *config;
        const char *who;
        struct option_texts watch;
        struct option_u64 deep, poll, rate;
};

static const struct option_spec specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct options, config), "DIR",
          "may have watch.yaml (/etc/assay)" },
        { "deep", 0, OPTION_U64, offsetof(struct options, deep), "SECONDS",
          "read all content again within, where no profile says otherwise (86400)" },
        { "poll", 0, OPTION_U64, offsetof(struct options, poll), "SECONDS",
          "look at everything again after, where the kernel does not tell all (30)" },
        { "rate", 0, OPTION_U64, offsetof(struct options, rate), "BYTES",
          "read at most so many bytes a second while scanning (no limit)" },
        { "watch", 'w', OPTION_TEXTS, offsetof(struct options, watch), "PATH",
          "watch this instead of what is configured; \"!PATH\" leaves out; repeatable" },
        { "who", 0, OPTION_TEXT, offsetof(struct options, who), "SOURCE",
          "learn authors by ebpf, connector or proc at best (ebpf)" },
        { 0 },
};

/* Whoever starts both may start this one first, and the ledger cannot be asked before. */
static void wait_for_recorder(const struct sensor_run_options *o)
{
        static const struct timespec nap = { .tv_nsec = LOOK_MS * NS_PER_MS };
        struct invocation in = { .state = o->state, .run = o->run, .clock = o->clock };
        int64_t until_ns = clock_mono(o->clock) + RECORDER_MS * NS_PER_MS;

        while (!trust_has_recorder(&in) && clock_mono(o->clock) < until_ns)
                nanosleep(&nap, NULL);
}

/* What stands in such a file of the sensor's and not in the ledger is nobody's. */
static void ask_digests(const struct invocation *in, const char *dir, const char *file,
                        const char *kind, struct buf *told)
{
        char path[PLACES_PATH_MAX];
        struct err err = { 0 };
        struct stat st;

        if (places_join(dir, file, path, NULL) < 0 || stat(path, &st) < 0 || st.st_size == 0)
                return;
        if (trust_digests(in, kind, told, &err) < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.past", log_str("file", file), log_err(&err));
}

/* What is heard of the entries since the last baseline. */
struct heard {
        struct buf *past;
        bool told;                           /* that the ledger does not know this baseline */
        bool any;                            /* the same of any baseline */
        bool started;                        /* a sensor */
        char words[BASELINE_UNRECORDED_MAX]; /* in which that would be; "": there is none */
};

static bool says(struct json_value entry, const char *path, const char *text)
{
        struct json_value v;
        struct span plain;

        return json_get_path(entry, path, &v) && json_value_plain(v, &plain) &&
               span_eq_str(plain, text);
}

/* An alert about the file of a baseline that the ledger did not know. */
static bool is_unrecorded(struct span entry, const char *words)
{
        return memmem(entry.p, entry.n, words, strlen(words)) && json_check(entry, NULL) == 0 &&
               says(json_value_of(entry), "k", "integrity.change") &&
               says(json_value_of(entry), "src.proc", "sensor");
}

static void hear(void *ctx, uint64_t index, struct span entry)
{
        struct heard *h = ctx;

        package_past_hear(h->past, index, entry, false);
        if (memmem(entry.p, entry.n, "\"integrity.sensor\"", 18) && json_check(entry, NULL) == 0)
                h->started |= says(json_value_of(entry), "k", "integrity.sensor") &&
                              says(json_value_of(entry), "src.proc", "sensor") &&
                              says(json_value_of(entry), "what.event", "started");
        if (h->words[0] && is_unrecorded(entry, h->words))
                h->told |= says(json_value_of(entry), "who.unknown", h->words);
        h->any = h->any || is_unrecorded(entry, BASELINE_UNRECORDED);
}

static int compare(const void *a, const void *b)
{
        return memcmp(a, b, HASH_LEN);
}

/* The same of a content that may be executed; *told gets those that the ledger has, ascending. */
static void ask_contents(const struct invocation *in, const char *dir, struct buf *told)
{
        char path[PLACES_PATH_MAX];
        struct err err = { 0 };
        uint8_t *all = NULL;
        bool *has = NULL;
        size_t n = 0;

        if (places_join(dir, "executable", path, NULL) < 0 ||
            io_read_file(&io_kernel, AT_FDCWD, path, TOLD_MAX, &all, &n, NULL) < 0)
                return; /* the sensor says why */
        n /= HASH_LEN;
        has = calloc(MAX_OF(n, (size_t)1), sizeof(*has));
        if (has && n) {
                qsort(all, n, HASH_LEN, compare);
                if (trust_contents(in, (const uint8_t(*)[HASH_LEN])all, has, n, &err) < 0)
                        log_event(LOG_LEVEL_ERROR, "sensor.executable", log_err(&err));
                for (size_t i = 0; i < n; i++)
                        if (has[i])
                                buf_put(told, span_of(all + i * HASH_LEN, HASH_LEN));
        }
        free(has);
        free(all);
}

static enum sensor_file ask_sessions(const struct invocation *in, const char *dir)
{
        char path[PLACES_PATH_MAX], hex[2 * HASH_LEN + 1];
        uint8_t *bytes = NULL, digest[HASH_LEN];
        struct err err = { 0 };
        bool is = false;
        size_t n = 0;
        int rc;

        if (places_join(dir, SESSION_KEEP_FILE, path, NULL) < 0 ||
            io_read_file(&io_kernel, AT_FDCWD, path, SESSION_KEEP_MAX, &bytes, &n, NULL) < 0)
                return SENSOR_FILE_UNKNOWN;
        sha256(span_of(bytes, n), digest);
        free(bytes);
        text_hex(span_of(digest, sizeof(digest)), hex);
        rc = trust_sessions(in, hex, &is, &err);
        if (rc < 0)
                log_event(LOG_LEVEL_ERROR, "sensor.sessions", log_err(&err));
        if (is)
                return SENSOR_FILE_TOLD;
        return rc < 0 || !trust_has_recorder(in) ? SENSOR_FILE_UNKNOWN : SENSOR_FILE_OTHER;
}

static bool hear_late(void *ctx, struct span entry)
{
        return late_past_hear(ctx, entry);
}

/* Alerts that nobody has explained.  Where not all of that may be there, none is recalled. */
static void ask_late(const struct invocation *in, const struct trust *t, struct late_past *past)
{
        struct err err = { 0 };
        int rc;

        past->unsure = t->verdict == VERDICT_FAIL || !trust_has_recorder(in);
        if (past->unsure)
                return;
        rc = trust_walk(in, LATE_PAST_ENTRIES, hear_late, past, &err);
        if (rc == -ENOENT)
                return; /* there is no ledger yet */
        if (rc < 0) {
                past->unsure = true;
                log_event(LOG_LEVEL_ERROR, "sensor.late", log_err(&err));
        }
}

/* The file of a baseline was there before anybody had told the ledger.  A first start that was cut
 * off looks like this, and so does what somebody wrote. */
static enum sensor_past past_of_noted(const struct heard *h)
{
        return h->started && !h->any ? PAST_UNKNOWN : PAST_NOTED;
}

static enum sensor_past past_of(const struct trust *t, const struct heard *h, bool has)
{
        if (t->verdict == VERDICT_PASS) /* root reads the key: without it nothing is proven */
                return t->is_signed ? PAST_AGREES : PAST_UNKNOWN;
        if (!has)
                return t->found ? PAST_LOST : PAST_UNKNOWN;
        if (t->verdict == VERDICT_FAIL)
                return PAST_REPLACED;
        if (t->noted)
                return past_of_noted(h);
        return t->found ? PAST_NOTED : t->none ? PAST_UNRECORDED : PAST_UNKNOWN;
}

static bool read_root(const char *dir, struct hash *ret)
{
        CLEANUP_FD int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct snapshot_head head;

        if (fd < 0 || snapshot_read_head(&io_kernel, fd, "baseline", NULL, &head, NULL) < 0)
                return false;
        *ret = head.root;
        return true;
}

/* What the sensor is told of the ledger, kept while it starts. */
struct asked {
        struct buf told, past, contents, entry;
        struct late_past late;
};

/* The sensor's own files prove nothing to it: the signed ledger says which baseline was told last.
 */
static void ask_ledger(struct sensor_run_options *o, struct asked *a)
{
        struct invocation in = { .state = o->state, .run = o->run, .clock = o->clock };
        struct heard heard = { .past = &a->past };
        const struct trust_hearing h = { .fn = hear, .ctx = &heard, .entry = &a->entry };
        char dir[PLACES_PATH_MAX];
        struct trust t;
        bool has = places_join(o->state, "sensor", dir, NULL) == 0 && read_root(dir, &o->past_root);

        if (has)
                baseline_unrecorded(&o->past_root, heard.words);
        trust_check_hearing(&in, has ? &o->past_root : NULL, &h, &t);
        o->past = past_of(&t, &heard, has);
        o->past_told = heard.told;
        o->past_before = t.before_this;
        ask_digests(&in, dir, "approvals", "integrity.approval", &a->told);
        ask_digests(&in, dir, "packages", "integrity.package", &a->told);
        ask_contents(&in, dir, &a->contents);
        o->sessions = ask_sessions(&in, dir);
        ask_late(&in, &t, &a->late);
        o->ledger_whole = trust_has_recorder(&in);
        o->late_past = &a->late;
        o->told = buf_span(&a->told);
        o->info_past = buf_span(&a->past);
        o->info_unsure = buf_status(&a->past) < 0;
        o->contents_told = buf_span(&a->contents);
        o->past_entry = buf_span(&a->entry);
        log_event(t.verdict == VERDICT_PASS || !(t.found || t.none) ? LOG_LEVEL_INFO
                                                                    : LOG_LEVEL_ERROR,
                  "sensor.past", log_str("ledger", t.found ? t.root : "has no baseline"),
                  log_str("why", t.why));
}

int main(int argc, char **argv)
{
        struct options own = { .config = "/etc/assay", .who = "ebpf" };
        struct sensor_run_options o = { .clock = &sysclock };
        struct asked a = { .told = BUF_INIT(TOLD_MAX),
                           .past = BUF_INIT(PAST_MAX),
                           .contents = BUF_INIT(TOLD_MAX),
                           .entry = BUF_INIT(ENTRY_MAX),
                           .late = LATE_PAST_INIT };
        struct daemon_options d;
        int status;

        if (!daemon_options("assay-sensor", argc, argv, (struct option_set){ specs, &own }, &d,
                            &status))
                return status;
        o.state = d.state;
        o.run = d.run;
        o.keep_user = d.keep_user;
        o.config = own.config;
        o.watch = own.watch.n ? own.watch.at : NULL;
        o.deep_s = own.deep.value;
        o.poll_s = own.poll.value;
        o.pace.bytes_per_s = own.rate.value;
        log_init(LOG_LEVEL_INFO);
        if (procsource_by_name(own.who, &o.who) < 0) {
                fprintf(stderr, "assay-sensor: --who %s: not ebpf, connector or proc\n", own.who);
                return 2;
        }
        if (own.poll.given && (own.poll.value < POLL_MIN || own.poll.value > POLL_MAX)) {
                fprintf(stderr, "assay-sensor: --poll: %d to %d seconds\n", POLL_MIN, POLL_MAX);
                return 2;
        }
        wait_for_recorder(&o);
        ask_ledger(&o, &a);
        status = sensor_run(&o) == 0 ? 0 : 1;
        buf_done(&a.told);
        buf_done(&a.past);
        buf_done(&a.contents);
        buf_done(&a.entry);
        late_past_done(&a.late);
        return status;
}
