/* SPDX-License-Identifier: Apache-2.0 */
/* assay_watch.c - assay watch: judge a watch.yaml, show what it watches, print the one that ships.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "bin/assay_commands.h"
#include "command/places.h"
#include "integrity/trusted/record.h"
#include "integrity/watching/config.h"
#include "loop/presence.h"
#include "sys/io.h"
#include "wire/json.h"

enum { ALL_ATTRIBUTES = (1 << RECORD_F_COUNT) - 1 };

struct watch_options {
        const char *config;
};

static const struct option_spec watch_specs[] = {
        { "config", 0, OPTION_TEXT, offsetof(struct watch_options, config), "DIR",
          "has watch.yaml (" PLACES_CONFIG ")" },
        { 0 },
};

/* What is used where there is no file. */
static int load_shipped(const struct invocation *in, struct config *c, struct err *err)
{
        char program[PATH_MAX];
        int status = job_program(program, err);

        return status < 0 ? status : config_load(NULL, 0, program, in->clock, c, err);
}

/* The file that is named, or that the sensor would read. */
static int load(const struct invocation *in, const char *file, struct config *c, struct err *err)
{
        const struct watch_options *o = in->options;
        char program[PATH_MAX], path[PLACES_PATH_MAX];
        int status = job_program(program, err);

        if (status == 0 && !file)
                status = places_join(o->config ? o->config : PLACES_CONFIG, CONFIG_FILE, path, err);
        if (status < 0)
                return status;
        return config_load(file ? file : path, file ? CONFIG_ANYBODYS | CONFIG_NO_OTHER : 0,
                           program, in->clock, c, err);
}

/* ---- check ---- */

static void put_check_json(const struct config *c, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "faults");
        json_begin_array(&w);
        for (size_t i = 0; i < c->faults.n; i++) {
                json_begin_object(&w);
                json_member_u64(&w, "column", c->faults.at[i].column);
                json_member_u64(&w, "line", c->faults.at[i].line);
                json_member_text(&w, "text", c->faults.at[i].text);
                json_end_object(&w);
        }
        json_end_array(&w);
        command_put_json_text(&w, "file", c->from);
        json_member_bool(&w, "good", c->faults.n == 0);
        json_member_u64(&w, "patterns", c->set.n);
        json_member_u64(&w, "profiles", c->set.n_profiles);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* What of an owner's program on this host makes it one that never fits; NULL: nothing. */
static const char *owner_fault(struct span owner)
{
        CLEANUP(buf_done) struct buf path = BUF_INIT(PATH_MAX);
        CLEANUP_FD int fd = -1;
        char head[2] = { 0 };

        if (owner.n == 0 || owner.p[0] != '/')
                return NULL;
        buf_put(&path, owner);
        fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        if (fd < 0)
                return errno == ENOENT ? "is not there" : NULL;
        if (pread(fd, head, sizeof head, 0) == sizeof head && head[0] == '#' && head[1] == '!')
                return "is a script: the kernel names its interpreter as the executable, so it "
                       "never fits; name the unit that starts it";
        return NULL;
}

static void put_owner_notes(const struct watch_profile *p, struct buf *out)
{
        for (size_t i = 0; i < p->n_owners; i++) {
                const char *fault = owner_fault(p->owners[i]);

                if (!fault)
                        continue;
                buf_printf(out, "note  profile %.*s: owner ", (int)p->name.n,
                           (const char *)p->name.p);
                text_put_safe(out, p->owners[i]);
                buf_printf(out, " %s\n", fault);
        }
}

static void put_check_text(const struct screen *s, const struct config *c, struct buf *out)
{
        for (size_t i = 0; i < c->faults.n; i++) {
                config_put_fault(c, i, out);
                buf_put_byte(out, '\n');
        }
        if (c->faults.n)
                return;
        screen_put(s, out, STYLE_GOOD, "GOOD");
        buf_put_str(out, "  ");
        text_put_safe(out, span_str(c->from));
        buf_printf(out, ": %zu profile%s, %zu pattern%s\n", c->set.n_profiles,
                   c->set.n_profiles == 1 ? "" : "s", c->set.n, c->set.n == 1 ? "" : "s");
        for (size_t i = 0; i < c->set.n_profiles; i++)
                put_owner_notes(c->set.profiles[i], out);
}

static enum status run_check(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(config_done) struct config c = { 0 };
        struct err err = { 0 };
        int rc = load(in, in->n_operands ? in->operands[0] : NULL, &c, &err);

        if (rc < 0 && c.faults.n == 0)
                return complain_err(in, &err);
        if (in->json)
                put_check_json(&c, &out);
        else
                put_check_text(&in->out, &c, &out);
        return command_print(in, &out, c.faults.n ? STATUS_PROBLEM : STATUS_GOOD);
}

static const struct command watch_check = {
        .name = "check",
        .operands = "[FILE]",
        .about = "judge a watch.yaml and name every mistake with its line and column",
        .help = "Without FILE, the one that the sensor would read.  Exit status 1 when there are\n"
                "mistakes: the sensor would refuse the file as a whole and go on with what it has.",
        .options = watch_specs,
        .options_size = sizeof(struct watch_options),
        .max_operands = 1,
        .run = run_check,
};

/* ---- show: one path ---- */

static void put_place(const struct config *c, const struct watch_rule *r, struct buf *out)
{
        const char *slash = strrchr(c->from, '/');

        text_put_safe(out, r->text);
        if (r->line == 0)
                return;
        buf_put_str(out, " (");
        text_put_safe(out, span_str(slash ? slash + 1 : c->from));
        buf_printf(out, ":%u:%u)", (unsigned)r->line, (unsigned)r->column);
}

static void put_attributes(uint32_t set, struct buf *out)
{
        const char *comma = "";

        if (set == ALL_ATTRIBUTES) {
                buf_put_str(out, "all");
                return;
        }
        for (unsigned i = 0; i < RECORD_F_COUNT; i++)
                if (set >> i & 1) {
                        buf_printf(out, "%s%s", comma, record_field_name[i]);
                        comma = ", ";
                }
}

static void put_content(const struct watch_profile *p, struct buf *out)
{
        buf_put_str(out, p->keep ? "kept" : "not kept");
        if (p->keep && p->max_size) {
                buf_put_str(out, ", up to ");
                screen_put_bytes(out, p->max_size);
        }
}

static void put_row(const struct screen *s, const char *name, struct buf *text, struct buf *out)
{
        buf_printf(out, "%-12s", name);
        screen_put_wrapped(s, out, buf_cstr(text), 12, 12);
        buf_put_byte(out, '\n');
        buf_clear(text);
}

static void put_profile(const struct screen *s, const struct watch_profile *p, struct buf *out)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(16 * WATCH_PATH_MAX);

        buf_put_str(&b, watch_mode_name(p->mode));
        buf_put_str(&b, p->is_volatile ? ", changes are expected" : "");
        put_row(s, "mode", &b, out);
        put_attributes(p->attributes, &b);
        put_row(s, "attributes", &b, out);
        put_content(p, &b);
        put_row(s, "content", &b, out);
        if (p->deep_s) {
                buf_put_str(&b, "all content within ");
                screen_put_duration(&b, (int64_t)p->deep_s * NS_PER_S);
                put_row(s, "read again", &b, out);
        }
        if (p->execute != WATCH_EXECUTE_ANY) {
                buf_put_str(&b, watch_execute_name(p->execute));
                put_row(s, "execute", &b, out);
        }
        for (size_t i = 0; i < p->n_owners; i++) {
                text_put_safe(&b, p->owners[i]);
                put_row(s, i ? "" : "owners", &b, out);
        }
}

/* The exclusion of this profile, or of all, that covers the path. */
static const struct watch_rule *exclusion(const struct watchset *set, size_t profile,
                                          struct span path)
{
        for (size_t i = 0; i < set->n; i++) {
                const struct watch_rule *r = &set->rules[i];
                struct pattern p;
                size_t at;

                if (r->exclude && (r->profile == profile || r->profile == WATCH_PROFILES_MAX) &&
                    pattern_parse(r->text, &p, &at, NULL) == 0 && pattern_covers(&p, path))
                        return r;
        }
        return NULL;
}

/* What else has a pattern for the path, and why it does not have it. */
static void put_others(const struct screen *s, const struct config *c, const struct watch_at *at,
                       const struct watch_rule *best, struct span path, struct buf *out)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(16 * WATCH_PATH_MAX);

        for (size_t p = 0; p < c->set.n_profiles; p++) {
                const struct watch_rule *r = &c->set.rules[at->best[p]], *x;

                if (!(at->has >> p & 1) || r == best)
                        continue;
                text_put_safe(&b, c->set.profiles[p]->name);
                buf_put_str(&b, ": ");
                put_place(c, r, &b);
                x = at->left_out >> p & 1 ? exclusion(&c->set, p, path) : NULL;
                if (x) {
                        buf_put_str(&b, ", but leaves out ");
                        put_place(c, x, &b);
                } else {
                        buf_put_str(&b, ", which says less");
                }
                put_row(s, "also", &b, out);
        }
}

static void put_path_text(const struct screen *s, const struct config *c, struct span path,
                          struct buf *out)
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(16 * WATCH_PATH_MAX);
        const struct watch_rule *r;
        struct watch_at at;

        watch_at_path(&c->set, path, &at);
        r = watch_at_rule(&c->set, &at);
        text_put_safe(&b, path);
        screen_put(s, out, STYLE_BOLD, buf_cstr(&b));
        buf_clear(&b);
        buf_put_str(out, r ? "\n" : " is not watched\n");
        if (r) {
                const struct watch_profile *p = c->set.profiles[r->profile];

                text_put_safe(&b, p->name);
                if (p->about.n) {
                        buf_put_str(&b, ": ");
                        text_put_safe(&b, p->about);
                }
                put_row(s, "profile", &b, out);
                put_place(c, r, &b);
                put_row(s, "because of", &b, out);
                put_profile(s, p, out);
        }
        put_others(s, c, &at, r, path, out);
        if (!r && watch_at_leads(&c->set, &at)) {
                buf_put_str(&b, "something in it may be watched");
                put_row(s, "leads", &b, out);
        }
}

static void put_path_json(const struct config *c, struct span path, struct buf *out)
{
        const struct watch_rule *r;
        struct watch_at at;
        struct json_writer w;

        watch_at_path(&c->set, path, &at);
        r = watch_at_rule(&c->set, &at);
        json_writer_init(&w, out);
        json_begin_object(&w);
        command_put_json_text(&w, "config_from", c->from);
        json_member_bool(&w, "leads", watch_at_leads(&c->set, &at));
        if (r) {
                json_member_u64(&w, "line", r->line);
                json_member_text(&w, "mode", watch_mode_name(c->set.profiles[r->profile]->mode));
        }
        json_put_bytes(&w, "path", path);
        if (r) {
                json_put_bytes(&w, "pattern", r->text);
                json_member_string(&w, "profile", c->set.profiles[r->profile]->name);
        }
        json_member_bool(&w, "watched", r != NULL);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* Absolute, without dots and doubled slashes; links stay, for it is names that are watched. */
static int clean_path(const char *path, struct buf *out, struct err *err)
{
        CLEANUP(buf_done) struct buf whole = BUF_INIT(4 * WATCH_PATH_MAX);
        char cwd[PATH_MAX];
        struct span rest;

        if (*path != '/') {
                if (!getcwd(cwd, sizeof cwd))
                        return err_sys(err, -errno, "this directory");
                buf_put_str(&whole, cwd);
                buf_put_byte(&whole, '/');
        }
        buf_put_str(&whole, path);
        for (rest = buf_span(&whole); rest.n;) {
                const uint8_t *slash = memchr(rest.p, '/', rest.n);
                struct span part = span_of(rest.p, slash ? (size_t)(slash - rest.p) : rest.n);

                rest = span_from(rest, part.n + 1);
                if (part.n == 0 || span_eq_str(part, "."))
                        continue;
                if (span_eq_str(part, "..")) {
                        while (out->n > 0 && out->p[--out->n] != '/')
                                ;
                        continue;
                }
                buf_put_byte(out, '/');
                buf_put(out, part);
        }
        if (out->n == 0)
                buf_put_byte(out, '/');
        return buf_status(out) < 0 ? err_sys(err, buf_status(out), "the path") : 0;
}

/* ---- show: all ---- */

static void put_rules(const struct config *c, size_t profile, struct buf *out)
{
        for (size_t i = 0; i < c->set.n; i++) {
                if (c->set.rules[i].profile != profile)
                        continue;
                buf_put_str(out, c->set.rules[i].exclude ? "    not " : "    ");
                text_put_safe(out, c->set.rules[i].text);
                buf_put_byte(out, '\n');
        }
}

static void put_all_text(const struct screen *s, const struct config *c, struct buf *out)
{
        buf_put_str(out, "from ");
        text_put_safe(out, span_str(c->from));
        buf_put_byte(out, '\n');
        for (size_t i = 0; i < c->set.n_profiles; i++) {
                const struct watch_profile *p = c->set.profiles[i];
                CLEANUP(buf_done) struct buf b = BUF_INIT(16 * WATCH_PATH_MAX);

                text_put_safe(&b, p->name);
                buf_put_byte(out, '\n');
                screen_put(s, out, STYLE_BOLD, buf_cstr(&b));
                buf_clear(&b);
                buf_printf(&b, " (%s%s", watch_mode_name(p->mode),
                           p->is_volatile ? ", volatile" : "");
                if (p->attributes != ALL_ATTRIBUTES) {
                        buf_put_str(&b, "; ");
                        put_attributes(p->attributes, &b);
                }
                buf_put_str(&b, p->keep ? "; content kept)" : ")");
                if (p->about.n) {
                        buf_put_str(&b, "  ");
                        text_put_safe(&b, p->about);
                }
                screen_put_wrapped(s, out, buf_cstr(&b), p->name.n, 2);
                buf_put_byte(out, '\n');
                put_rules(c, i, out);
        }
}

static void put_texts(struct json_writer *w, const char *key, const struct watchset *set,
                      size_t profile, bool exclude)
{
        json_put_key(w, key);
        json_begin_array(w);
        for (size_t i = 0; i < set->n; i++) {
                CLEANUP(buf_done) struct buf b = BUF_INIT(4 * WATCH_PATH_MAX);

                if (set->rules[i].profile != profile || set->rules[i].exclude != exclude)
                        continue;
                text_put_safe(&b, set->rules[i].text);
                json_put_string(w, buf_span(&b));
        }
        json_end_array(w);
}

static void put_all_json(const struct config *c, struct buf *out)
{
        char hex[2 * CONFIG_DIGEST + 1];
        struct json_writer w;

        text_hex(span_of(c->digest, CONFIG_DIGEST), hex);
        json_writer_init(&w, out);
        json_begin_object(&w);
        command_put_json_text(&w, "config_from", c->from);
        json_put_key(&w, "profiles");
        json_begin_array(&w);
        for (size_t i = 0; i < c->set.n_profiles; i++) {
                const struct watch_profile *p = c->set.profiles[i];

                json_begin_object(&w);
                json_put_key(&w, "attributes");
                json_begin_array(&w);
                for (unsigned k = 0; k < RECORD_F_COUNT; k++)
                        if (p->attributes >> k & 1)
                                json_put_string(&w, span_str(record_field_name[k]));
                json_end_array(&w);
                json_member_string(&w, "description", p->about);
                put_texts(&w, "exclude", &c->set, i, true);
                json_member_bool(&w, "keep", p->keep);
                json_member_text(&w, "mode", watch_mode_name(p->mode));
                json_member_string(&w, "name", p->name);
                put_texts(&w, "paths", &c->set, i, false);
                json_member_bool(&w, "volatile", p->is_volatile);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_member_text(&w, "sha256", hex);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* A sensor that runs with something else makes the answer one for later. */
static void compare_running(const struct invocation *in, const struct config *c)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP_FD int run_fd = open(in->run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        char hex[2 * CONFIG_DIGEST + 1];
        struct json_value v;
        bool lives = false;
        struct span is;

        if (run_fd < 0 || presence_read(run_fd, "sensor", &text, &lives, NULL) < 0 || !lives)
                return;
        text_hex(span_of(c->digest, CONFIG_DIGEST), hex);
        if (json_get_path(json_value_of(buf_span(&text)), "more.config.sha256", &v) &&
            json_value_plain(v, &is) && span_eq_str(is, hex))
                return;
        if (json_get_path(json_value_of(buf_span(&text)), "more.config", &v))
                complain(in, STATUS_GOOD, "the sensor runs with another configuration; reload it");
}

static enum status run_show(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX), path = BUF_INIT(65536);
        CLEANUP(config_done) struct config c = { 0 };
        struct err err = { 0 };
        int rc = load(in, NULL, &c, &err);

        if (rc == 0 && in->n_operands)
                rc = clean_path(in->operands[0], &path, &err);
        if (rc < 0)
                return complain_err(in, &err);
        if (in->n_operands == 0 && in->json)
                put_all_json(&c, &out);
        else if (in->n_operands == 0)
                put_all_text(&in->out, &c, &out);
        else if (in->json)
                put_path_json(&c, buf_span(&path), &out);
        else
                put_path_text(&in->out, &c, buf_span(&path), &out);
        compare_running(in, &c);
        return command_print(in, &out,
                             in->n_operands && !watchset_covers(&c.set, buf_span(&path))
                                     ? STATUS_PROBLEM
                                     : STATUS_GOOD);
}

static const struct command watch_show = {
        .name = "show",
        .operands = "[PATH]",
        .about = "say which profile watches a path, how and why; without PATH, all of them",
        .help = "Reads the watch.yaml that the sensor would read, and says so when a running sensor\n"
                "uses another one.  Exit status 1 when PATH is not watched.",
        .options = watch_specs,
        .options_size = sizeof(struct watch_options),
        .max_operands = 1,
        .run = run_show,
};

/* ---- default ---- */

static enum status run_default(struct invocation *in)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        CLEANUP(config_done) struct config c = { 0 };
        struct err err = { 0 };

        if (in->json && load_shipped(in, &c, &err) < 0)
                return complain_err(in, &err);
        if (in->json)
                put_all_json(&c, &out);
        else
                buf_put(&out, config_shipped());
        return command_print(in, &out, STATUS_GOOD);
}

static const struct command watch_default = {
        .name = "default",
        .operands = "",
        .about = "print the watch.yaml that is used where there is none, to begin one's own with",
        .help = "With --json, what is in it, as assay watch show --json says it.\n",
        .run = run_default,
};

static const struct command *const watch_commands[] = { &watch_check, &watch_show, &watch_default,
                                                        NULL };

const struct command command_watch = {
        .name = "watch",
        .operands = "[OPTION]...",
        .about = "judge and show what is watched",
        .sub = watch_commands,
};
