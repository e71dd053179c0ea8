/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_diff.c - assay api diff: what another version of a package changes for callers. */
#include <sys/stat.h>

#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_package.h"
#include "package/compare/compare.h"
#include "package/model/model_file.h"

enum { SHORT = 80 };

/* One of the two, of a file or a directory. */
struct side {
        struct api_built built; /* of a directory */
        struct api_package package;
        const struct package_file *file;
        struct api *api;
        struct config config;
};

struct diff {
        const struct invocation *in;
        struct side side[2]; /* old, new */
        struct compare found;
};

/* ---- reading ---- */

static int read_directory(struct diff *d, struct side *s, const char *path, struct err *err)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        int r = api_build_dir(path, d->in->clock, &s->built, err);

        if (r < 0)
                return r;
        s->file = &s->built.file;
        if (s->built.whole)
                return 0;
        if (!d->in->json)
                api_put_faults(d->in, &s->built, path, &out);
        (void)command_print(d->in, &out, STATUS_GOOD);
        return err_set(err, -ENOENT, "%s: it has errors, so it is no package yet", path);
}

static int read_side(struct diff *d, struct side *s, const char *path, struct err *err)
{
        struct stat st;
        int r;

        if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
                r = read_directory(d, s, path, err);
        } else {
                r = api_package_read(path, &s->package, err);
                s->file = &s->package.file;
        }
        if (r < 0)
                return r;
        r = model_get(s->file->section[PACKAGE_API], &s->api, &s->config, err);
        return r < 0 ? err_wrap(err, "%s: section api", path) : 0;
}

static void side_done(struct side *s)
{
        s->api = api_free(s->api);
        api_built_done(&s->built);
        api_package_done(&s->package);
}

static struct span types_of(const struct package_file *f)
{
        for (uint32_t i = 0; i < f->n_sources; i++)
                if (span_eq_str(f->sources[i].path, "types.cedarschema"))
                        return f->sources[i].text;
        return SPAN_NONE;
}

static struct compare_side compare_side_of(const struct side *s)
{
        return (struct compare_side){ .api = s->api,
                                      .config = &s->config,
                                      .version = s->file->version,
                                      .policy = s->file->section[PACKAGE_POLICY],
                                      .entities = s->file->section[PACKAGE_ENTITIES],
                                      .types = types_of(s->file) };
}

/* ---- for people ---- */

static void put_heading(const struct diff *d, enum compare_part part, struct buf *out)
{
        static const char *const headings[] = {
                [COMPARE_API] = "The API",        [COMPARE_OPERATION] = "Operations",
                [COMPARE_SCHEMA] = "Schemas",     [COMPARE_IDENTITY] = "Who is let in",
                [COMPARE_CLASS] = "Data classes", [COMPARE_POLICY] = "Policies",
                [COMPARE_ENTITY] = "Entities",    [COMPARE_LIMIT] = "Limits",
                [COMPARE_CACHE] = "Cache",        [COMPARE_CAPS] = "Caps",
                [COMPARE_BACKEND] = "Back-end",
        };

        buf_put_byte(out, '\n');
        screen_put(&d->in->out, out, STYLE_BOLD, headings[part]);
        buf_put_byte(out, '\n');
}

static void put_marks(const struct diff *d, const struct compare_item *i, struct buf *out)
{
        if (i->breaks) {
                buf_put_str(out, "  ");
                screen_put(&d->in->out, out, STYLE_BAD, "[breaks callers]");
        }
        if (i->widens) {
                buf_put_str(out, "  ");
                screen_put(&d->in->out, out, STYLE_WARN, "[widens access]");
        }
}

/* What is and what was: beside each other where that is short, else below each other. */
static void put_values(const struct diff *d, const struct compare_item *i, struct buf *out)
{
        struct span is = i->change == COMPARE_REMOVED ? i->was : i->text;
        struct span was = i->change == COMPARE_REMOVED ? SPAN_NONE : i->was;
        bool is_short = is.n + was.n < SHORT;

        if (i->name.n && is.n)
                buf_put_str(out, ": ");
        text_put_safe(out, is);
        if (was.n && is_short) {
                buf_put_str(out, "; was ");
                text_put_safe(out, was);
        }
        put_marks(d, i, out);
        if (was.n && !is_short) {
                buf_put_str(out, "\n      was ");
                text_put_safe(out, was);
        }
}

static void put_item(const struct diff *d, const struct compare_item *i, struct buf *out)
{
        static const struct {
                const char *sign;
                enum style style;
        } signs[] = {
                [COMPARE_ADDED] = { "+", STYLE_GOOD },
                [COMPARE_REMOVED] = { "-", STYLE_BAD },
                [COMPARE_CHANGED] = { "~", STYLE_WARN },
        };

        buf_put_str(out, "  ");
        screen_put(&d->in->out, out, signs[i->change].style, signs[i->change].sign);
        buf_put_byte(out, ' ');
        text_put_safe(out, i->name);
        put_values(d, i, out);
        buf_put_byte(out, '\n');
}

static void put_title(const struct diff *d, struct buf *out)
{
        CLEANUP(buf_done) struct buf title = BUF_INIT(TABLE_CELL_MAX);

        api_package_put_title(d->side[0].file, &title);
        buf_put_str(&title, " -> ");
        api_package_put_title(d->side[1].file, &title);
        screen_put(&d->in->out, out, STYLE_BOLD, buf_cstr(&title));
        buf_put_byte(out, '\n');
}

/* Comments and such: files that are others though they say the same. */
static void put_files(const struct diff *d, struct buf *out)
{
        const struct package_file *a = d->side[0].file, *b = d->side[1].file;
        uint32_t i = 0, k = 0, n = 0;

        while (i < a->n_sources || k < b->n_sources) {
                int order = i == a->n_sources   ? 1
                            : k == b->n_sources ? -1
                                                : span_cmp(a->sources[i].path, b->sources[k].path);

                if (order != 0 || !span_eq(a->sources[i].text, b->sources[k].text)) {
                        buf_put_str(out, n++ ? ", " : "Only the text of files is another: ");
                        text_put_safe(out, order <= 0 ? a->sources[i].path : b->sources[k].path);
                }
                i += order <= 0;
                k += order >= 0;
        }
        if (n)
                buf_put_byte(out, '\n');
}

static void put_sum(const struct diff *d, struct buf *out)
{
        const struct compare *f = &d->found;
        uint32_t n = f->n + f->more;

        if (n == 0) {
                screen_put(&d->in->out, out, STYLE_GOOD, "no difference");
                buf_put_str(out, " for callers\n");
                put_files(d, out);
                return;
        }
        buf_put_byte(out, '\n');
        if (f->more) {
                screen_put_count(out, f->more);
                buf_put_str(out, " more are not shown\n");
        }
        screen_put_count(out, n);
        buf_put_str(out, n == 1 ? " change; " : " changes; ");
        screen_put_count(out, f->breaking);
        buf_put_str(out, f->breaking == 1 ? " breaks callers, " : " break callers, ");
        screen_put_count(out, f->widening);
        buf_put_str(out, f->widening == 1 ? " widens access\n" : " widen access\n");
}

static void put_text(const struct diff *d, struct buf *out)
{
        put_title(d, out);
        for (uint32_t i = 0; i < d->found.n; i++) {
                if (i == 0 || d->found.items[i].part != d->found.items[i - 1].part)
                        put_heading(d, d->found.items[i].part, out);
                put_item(d, &d->found.items[i], out);
        }
        put_sum(d, out);
}

/* ---- for programs ---- */

static void json_side(struct json_writer *w, const struct package_file *f)
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(f->sha256, PACKAGE_HASH), hex);
        json_begin_object(w);
        json_member_string(w, "api", f->api);
        json_member_text(w, "sha256", hex);
        json_member_string(w, "version", f->version);
        json_end_object(w);
}

static void put_json(const struct diff *d, struct buf *out)
{
        const struct compare *f = &d->found;
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_u64(&w, "breaking", f->breaking);
        json_put_key(&w, "changes");
        json_begin_array(&w);
        for (uint32_t i = 0; i < f->n; i++) {
                const struct compare_item *x = &f->items[i];

                json_begin_object(&w);
                json_member_bool(&w, "breaks", x->breaks);
                json_member_text(&w, "change", compare_change_name(x->change));
                json_member_string(&w, "name", x->name);
                json_member_text(&w, "part", compare_part_name(x->part));
                json_member_string(&w, "text", x->text);
                json_member_string(&w, "was", x->was);
                json_member_bool(&w, "widens", x->widens);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_member_u64(&w, "more", f->more);
        json_put_key(&w, "new");
        json_side(&w, d->side[1].file);
        json_put_key(&w, "old");
        json_side(&w, d->side[0].file);
        json_member_u64(&w, "widening", f->widening);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status compare(struct diff *d)
{
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct compare_side before, after;
        struct err err = { 0 };
        enum status status;

        for (size_t i = 0; i < 2;
             i++) /* nothing was compared: never 1, which would be a difference */
                if (read_side(d, &d->side[i], d->in->operands[i], &err) < 0)
                        return complain(d->in, STATUS_UNSURE, "%s", err_text(&err));
        before = compare_side_of(&d->side[0]);
        after = compare_side_of(&d->side[1]);
        if (compare_packages(&before, &after, &d->found, &err) < 0)
                return complain(d->in, STATUS_UNSURE, "%s", err_text(&err));
        if (d->in->json)
                put_json(d, &out);
        else
                put_text(d, &out);
        status = d->found.n ? STATUS_PROBLEM : STATUS_GOOD;
        compare_done(&d->found);
        return command_print(d->in, &out, status);
}

static enum status run(struct invocation *in)
{
        static struct diff d; /* too large for a stack */
        enum status status;

        d = (struct diff){ .in = in };
        status = compare(&d);
        for (size_t i = 0; i < 2; i++)
                side_done(&d.side[i]);
        return status;
}

const struct command command_api_diff = {
        .name = "diff",
        .operands = "OLD NEW",
        .about = "what a package changes for callers of another",
        .help = "OLD and NEW are packages or directories of ones.  Marked is what breaks callers (a\n"
                "request that was taken is refused, an answer lacks what it had or holds what it could\n"
                "not) and what widens access (a permit, an operation, a data class in an answer, a mask\n"
                "that shows more).  Where it cannot be told, as of another pattern, it is marked.\n"
                "Exit status 0: no difference; 1: differences; 3: nothing was compared.",
        .min_operands = 2,
        .max_operands = 2,
        .run = run,
};
