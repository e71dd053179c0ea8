/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_policy_format.c - assay policy format: policies in their one layout.
 *
 * A file is put in place of the old one only when its text reads back, and keeps owner and mode. */
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/policy/cedar_files.h"
#include "command/policy/policy_group.h"
#include "policy/ast/same.h"
#include "policy/parse/parse.h"
#include "policy/print/print.h"
#include "sys/io.h"
#include "wire/json.h"

enum { FILES_MAX = 1024, WIDTH_MIN = 20, WIDTH_MAX = 1000, INDENT_MAX = 16 };

struct format_options {
        bool check, in_place;
        struct option_u64 width, indent;
};

static const struct option_spec format_specs[] = {
        { "check", 'c', OPTION_FLAG, offsetof(struct format_options, check), NULL,
          "write nothing; name the files that are not formatted" },
        { "in-place", 'i', OPTION_FLAG, offsetof(struct format_options, in_place), NULL,
          "put the result in place of each file" },
        { "width", 'w', OPTION_U64, offsetof(struct format_options, width), "COLUMNS",
          "how long a line may get (80)" },
        { "indent", 'n', OPTION_U64, offsetof(struct format_options, indent), "BLANKS",
          "how far a level is indented (2)" },
        { 0 },
};

/* ---- one text ---- */

/* What was printed must say what was read: a text that does not is not handed out. */
static int read_back(const char *path, const struct cedar_policies *p,
                     struct cedar_print_style style, struct buf *text, struct err *err)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *again = NULL;
        CLEANUP(buf_done) struct buf twice = BUF_INIT(COMMAND_OUTPUT_MAX);
        int r = buf_status(text);

        if (r < 0)
                return err_sys(err, r, "%s", path);
        r = cedar_parse(buf_span(text), &again, err);
        if (r < 0)
                return err_wrap(err, "%s: its formatted text", path);
        if (!cedar_policies_same(p, again))
                return err_set(err, -EINVAL, "%s: its formatted text does not say the same", path);
        cedar_print(again, style, &twice);
        r = buf_status(&twice);
        if (r < 0)
                return err_sys(err, r, "%s", path);
        if (!span_eq(buf_span(text), buf_span(&twice)))
                return err_set(err, -EINVAL, "%s: its formatted text does not format to itself",
                               path);
        return 0;
}

static int format(const struct format_options *o, const char *path, struct span source,
                  struct buf *ret, struct err *err)
{
        CLEANUP(cedar_policies_freep) struct cedar_policies *p = NULL;
        struct cedar_print_style style = { .width = (uint32_t)o->width.value,
                                           .indent = (uint32_t)o->indent.value };
        int r = cedar_parse(source, &p, err);

        if (r < 0)
                return err_wrap(err, "%s", path);
        cedar_print(p, style, ret);
        return read_back(path, p, style, ret, err);
}

/* ---- in place ---- */

/* What the new file could not be: then the old one stays. */
static int check_replaceable(const char *path, const struct stat *st, struct err *err)
{
        if (!S_ISREG(st->st_mode))
                return err_set(err, -EINVAL, "%s: no file that could be replaced", path);
        if (st->st_nlink > 1)
                return err_set(err, -EMLINK,
                               "%s: it has another name (a hard link), which would keep the old "
                               "text; nothing was written",
                               path);
        if (geteuid() != 0 && st->st_uid != geteuid())
                return err_set(err, -EPERM, "%s: it belongs to another user; nothing was written",
                               path);
        return 0;
}

/* The name without symbolic links: what is replaced is the file, not the link. */
static int real_name(const char *path, char ret[PATH_MAX], struct stat *ret_st, struct err *err)
{
        char temporary[PATH_MAX + 4];
        int r;

        if (!realpath(path, ret) || stat(ret, ret_st) < 0)
                return err_sys(err, -errno, "%s", path);
        r = check_replaceable(path, ret_st, err);
        if (r < 0)
                return r;
        snprintf(temporary, sizeof(temporary), "%s.tmp", ret);
        if (faccessat(AT_FDCWD, temporary, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
                return err_set(err, -EEXIST, "%s is in the way; nothing was written", temporary);
        return 0;
}

static int keep_owner(int dirfd, const char *name, const struct stat *old, struct err *err)
{
        struct stat st;

        if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return err_sys(err, -errno, "%s", name);
        if (st.st_uid == old->st_uid && st.st_gid == old->st_gid)
                return 0;
        if (fchownat(dirfd, name, old->st_uid, old->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
                return err_sys(err, -errno, "%s: rewritten, but its group is not what it was",
                               name);
        return 0;
}

static int replace(const char *path, struct span text, struct err *err)
{
        char real[PATH_MAX], dir[PATH_MAX], name[PATH_MAX], *base;
        CLEANUP_FD int dirfd = -1;
        struct stat st;
        int r = real_name(path, real, &st, err);

        if (r < 0)
                return r;
        memcpy(dir, real, sizeof(dir));
        memcpy(name, real, sizeof(name));
        dirfd = open(dirname(dir), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0)
                return err_sys(err, -errno, "%s: its directory", path);
        base = basename(name);
        r = io_replace_file(&io_kernel, dirfd, base, dirfd, st.st_mode & 07777, text, err);
        return r < 0 ? r : keep_owner(dirfd, base, &st, err);
}

/* ---- all of them ---- */

struct batch {
        struct invocation *in;
        const struct format_options *o;
        struct buf out, text;
        struct json_writer w;
        enum status status;
};

static void worsen(struct batch *b, enum status by)
{
        b->status = MAX_OF(b->status, by);
}

static void put_fate(struct batch *b, const char *file, const char *fate)
{
        if (b->in->json) {
                json_begin_object(&b->w);
                command_put_json_text(&b->w, "file", file);
                json_member_text(&b->w, "is", fate);
                if (!b->o->check && !b->o->in_place)
                        json_member_string(&b->w, "text", buf_span(&b->text));
                json_end_object(&b->w);
        } else if (b->o->check || b->o->in_place) {
                text_put_safe(&b->out, span_str(file));
                buf_printf(&b->out, ": %s\n", fate);
        } else {
                buf_put(&b->out, buf_span(&b->text));
        }
}

static int format_file(struct batch *b, const char *path, struct err *err)
{
        CLEANUP(cedar_text_done) struct cedar_text source = { 0 };
        const char *file = cedar_file_name(path);
        bool same;
        int r = cedar_text_read(path, CEDAR_FILE_MAX, &source, err);

        buf_clear(&b->text);
        if (r == 0)
                r = format(b->o, file, span_of(source.p, source.n), &b->text, err);
        if (r < 0)
                return r;
        same = span_eq(span_of(source.p, source.n), buf_span(&b->text));
        if (b->o->in_place && !same)
                r = replace(path, buf_span(&b->text), err);
        if (r < 0)
                return r;
        if (b->o->check && !same)
                worsen(b, STATUS_PROBLEM);
        if (!same || b->in->json || (!b->o->check && !b->o->in_place))
                put_fate(b, file,
                         same             ? "formatted"
                         : b->o->in_place ? "rewritten"
                                          : "not formatted");
        return 0;
}

static enum status check_options(struct invocation *in)
{
        const struct format_options *o = in->options;

        if (o->check && o->in_place)
                return complain(in, STATUS_USAGE, "--check and --in-place do not go together");
        if (o->width.given && (o->width.value < WIDTH_MIN || o->width.value > WIDTH_MAX))
                return complain(in, STATUS_USAGE, "--width: %d to %d columns", WIDTH_MIN,
                                WIDTH_MAX);
        if (o->indent.given && (o->indent.value < 1 || o->indent.value > INDENT_MAX))
                return complain(in, STATUS_USAGE, "--indent: 1 to %d blanks", INDENT_MAX);
        for (size_t i = 0; i < in->n_operands && o->in_place; i++)
                if (strcmp(in->operands[i], "-") == 0)
                        return complain(in, STATUS_USAGE,
                                        "standard input has no place to write to");
        return STATUS_GOOD;
}

static enum status run(struct invocation *in)
{
        struct batch b = { .in = in,
                           .o = in->options,
                           .out = BUF_INIT(COMMAND_OUTPUT_MAX),
                           .text = BUF_INIT(COMMAND_OUTPUT_MAX) };
        enum status status = check_options(in);

        if (status != STATUS_GOOD)
                return status;
        if (in->json) {
                json_writer_init(&b.w, &b.out);
                json_begin_array(&b.w);
        }
        for (size_t i = 0; i < in->n_operands; i++) {
                struct err err = { 0 };

                if (format_file(&b, in->operands[i], &err) < 0)
                        worsen(&b, complain_err(in, &err));
        }
        if (in->json) {
                json_end_array(&b.w);
                buf_put_byte(&b.out, '\n');
        }
        status = command_print(in, &b.out, b.status);
        buf_done(&b.out);
        buf_done(&b.text);
        return status;
}

const struct command command_policy_format = {
        .name = "format",
        .operands = "FILE...",
        .about = "policies in their one layout, comments kept",
        .help = "Without an option the formatted text goes to standard output.  What a policy means\n"
                "is never changed: the result is read back before it is handed out, and a file is\n"
                "replaced whole or not at all.  \"-\" is standard input.",
        .options = format_specs,
        .options_size = sizeof(struct format_options),
        .min_operands = 1,
        .max_operands = FILES_MAX,
        .run = run,
};
