/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_api_build.c - assay api build: a directory made into one file, and signed.
 *
 * SECURITY: keys are read once the job that has read the sources is gone. */
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "command/api/api_build.h"
#include "command/api/api_group.h"
#include "command/api/api_package.h"
#include "ledger/signing/keys.h"
#include "sys/io.h"

struct build_options {
        const char *output;
        struct option_texts keys;
};

static const struct option_spec build_specs[] = {
        { "output", 'o', OPTION_TEXT, offsetof(struct build_options, output), "FILE",
          "where the package is written; required" },
        { "key", 'k', OPTION_TEXTS, offsetof(struct build_options, keys), "FILE",
          "sign with this key, which assay change key has made; repeatable" },
        { 0 },
};

struct made {
        struct api_built built;
        struct buf note;
        struct api_signature signatures[NOTE_SIGS_MAX];
        size_t n_signatures;
        size_t size; /* of the file */
};

static int sign_with(struct made *m, const char *path, struct err *err)
{
        CLEANUP(signer_freep) struct signer *s = NULL;
        CLEANUP(buf_done) struct buf note = BUF_INIT(NOTE_MAX);
        int r = keys_load_file(AT_FDCWD, &io_kernel, path, &s, err);

        if (r < 0)
                return r;
        m->built.file.note = buf_span(&m->note);
        r = package_file_sign(&m->built.file, s, &note, err);
        if (r < 0)
                return err_wrap(err, "%s", path);
        buf_clear(&m->note);
        buf_put(&m->note, buf_span(&note));
        m->built.file.note = buf_span(&m->note);
        r = buf_status(&m->note);
        return r < 0 ? err_sys(err, r, "signatures") : 0;
}

static int sign(struct made *m, const struct option_texts *keys, struct err *err)
{
        static const struct option_texts none = { 0 };
        int r = 0;

        for (size_t i = 0; i < keys->n && r == 0; i++)
                r = sign_with(m, keys->at[i], err);
        if (r == 0)
                r = api_package_signatures(&m->built.file, &none, m->signatures, &m->n_signatures,
                                           err);
        return r;
}

/* ---- the file ---- */

static int open_place(const char *path, struct err *err)
{
        char *copy = strdup(path);
        int fd = copy ? open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -ENOMEM;
        struct stat st;

        if (copy && fd < 0)
                fd = -errno;
        free(copy);
        if (fd < 0)
                return err_sys(err, fd, "%s", path);
        if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode)) { /* the link would go, or the device */
                close(fd);
                return err_set(err, -EEXIST, "%s: %s", path,
                               S_ISDIR(st.st_mode)   ? "is a directory"
                               : S_ISLNK(st.st_mode) ? "is a symbolic link: name the file itself"
                                                     : "is no regular file");
        }
        return fd;
}

/* It would be in the way of the next build. */
static bool lies_within(int place, const char *dir)
{
        struct stat a, b;

        return fstat(place, &a) == 0 && stat(dir, &b) == 0 && a.st_dev == b.st_dev &&
               a.st_ino == b.st_ino;
}

/* Beside it, then in its place. */
static int write_file(struct made *m, int dir, const char *path, struct err *err)
{
        CLEANUP(buf_done) struct buf whole = BUF_INIT(PACKAGE_FILE_MAX);
        int r;

        buf_put(&whole, buf_span(&m->built.body));
        buf_put(&whole, buf_span(&m->note));
        r = buf_status(&whole);
        if (r < 0)
                return err_sys(err, r, "%s", path);
        m->size = whole.n;
        return io_replace_file(&io_kernel, AT_FDCWD, path, dir, 0644, buf_span(&whole), err);
}

/* ---- what is said ---- */

static void put_hex(const uint8_t *p, size_t n, struct buf *out)
{
        char hex[2 * PACKAGE_HASH + 1];

        text_hex(span_of(p, n), hex);
        buf_put_str(out, hex);
}

static void put_signers(const struct made *m, struct table *t)
{
        CLEANUP(buf_done) struct buf name = BUF_INIT(NOTE_MAX);

        if (m->n_signatures == 0) {
                table_put(t, STYLE_DIM, "signed");
                table_put(t, STYLE_WARN, "by nobody: no --key was given");
        }
        for (size_t i = 0; i < m->n_signatures; i++) {
                buf_clear(&name);
                text_put_safe(&name, m->signatures[i].name);
                buf_put_byte(&name, '+');
                put_hex(m->signatures[i].keyid, NOTE_KEYID, &name);
                table_put(t, STYLE_DIM, i == 0 ? "signed by" : "");
                table_put_safe(t, STYLE_NONE, buf_cstr(&name));
        }
}

static void put_made(const struct invocation *in, const struct made *m, const char *path,
                     struct buf *out)
{
        CLEANUP(table_done) struct table t;
        CLEANUP(buf_done) struct buf cell = BUF_INIT(TABLE_CELL_MAX);

        table_init(&t, 2);
        api_package_put_title(&m->built.file, &cell);
        screen_put(&in->out, out, STYLE_BOLD, buf_cstr(&cell));
        buf_put_str(out, " is in ");
        text_put_safe(out, span_str(path));
        buf_put_byte(out, '\n');
        buf_clear(&cell);
        put_hex(m->built.file.sha256, PACKAGE_HASH, &cell);
        table_put(&t, STYLE_DIM, "sha256");
        table_put_safe(&t, STYLE_NONE, buf_cstr(&cell));
        buf_clear(&cell);
        screen_put_bytes(&cell, m->size);
        table_put(&t, STYLE_DIM, "size");
        table_put_safe(&t, STYLE_NONE, buf_cstr(&cell));
        put_signers(m, &t);
        table_print(&t, &in->out, 2, out);
}

static void put_json(const struct made *m, const char *path, struct buf *out)
{
        const struct api_built *b = &m->built;
        CLEANUP(buf_done) struct buf hex = BUF_INIT(2 * PACKAGE_HASH + 1);
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        if (b->whole)
                json_member_string(&w, "api", b->file.api);
        api_put_faults_json(b, &w);
        if (b->whole) {
                command_put_json_text(&w, "output", path);
                put_hex(b->file.sha256, PACKAGE_HASH, &hex);
                json_member_text(&w, "sha256", buf_cstr(&hex));
                json_put_key(&w, "signed_by");
                json_begin_array(&w);
                for (size_t i = 0; i < m->n_signatures; i++)
                        json_put_string(&w, m->signatures[i].name);
                json_end_array(&w);
                json_member_u64(&w, "size", m->size);
                json_member_string(&w, "version", b->file.version);
        }
        json_member_u64(&w, "warnings", b->lint.warnings);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

static enum status finish(struct invocation *in, struct made *m, int place)
{
        const struct build_options *o = in->options;
        CLEANUP(buf_done) struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        struct err err = { 0 };

        if (!in->json)
                api_put_faults(in, &m->built, in->operands[0], &out);
        if (m->built.whole) {
                if (sign(m, &o->keys, &err) < 0 || write_file(m, place, o->output, &err) < 0) {
                        (void)command_print(in, &out, STATUS_GOOD); /* warnings there were */
                        return complain_err(in, &err);
                }
                if (!in->json)
                        put_made(in, m, o->output, &out);
        }
        if (in->json)
                put_json(m, o->output, &out);
        if (m->built.whole || in->json)
                return command_print(in, &out, m->built.whole ? STATUS_GOOD : STATUS_PROBLEM);
        if (command_print(in, &out, STATUS_GOOD) != STATUS_GOOD)
                return STATUS_UNSURE;
        return complain(in, STATUS_PROBLEM, "%s: not built, there are errors", in->operands[0]);
}

static enum status run(struct invocation *in)
{
        const struct build_options *o = in->options;
        static struct made m; /* too large for a stack */
        CLEANUP_FD int place = -1;
        struct err err = { 0 };
        enum status status;

        if (!o->output)
                return complain(in, STATUS_USAGE, "--output FILE is missing");
        place = open_place(o->output, &err);
        if (place < 0)
                return complain_err(in, &err);
        if (lies_within(place, in->operands[0]))
                return complain(
                        in, STATUS_USAGE,
                        "--output %s: it would be a file of the package itself; name a place "
                        "outside %s",
                        o->output, in->operands[0]);
        m = (struct made){ .note = BUF_INIT(NOTE_MAX) };
        if (api_build_dir(in->operands[0], in->clock, &m.built, &err) < 0)
                return complain_err(in, &err);
        status = finish(in, &m, place);
        buf_done(&m.note);
        api_built_done(&m.built);
        return status;
}

const struct command command_api_build = {
        .name = "build",
        .operands = "DIR",
        .about = "make one file of a package's directory, and sign it",
        .help = "The same files and the same version of Assay make the same bytes, wherever and\n"
                "whenever.  With errors, which assay api lint shows as well, nothing is written; FILE\n"
                "is replaced whole or stays as it was.  The version is info.version of openapi.yaml.",
        .options = build_specs,
        .options_size = sizeof(struct build_options),
        .min_operands = 1,
        .max_operands = 1,
        .run = run,
};
