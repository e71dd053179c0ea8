/* SPDX-License-Identifier: Apache-2.0 */
/* The job "deb": control.tar, what the package says of itself and which programs dpkg runs for it.
 */
#include "job/deb.h"
#include "job/deb822.h"

#include "base/text.h"

enum { NAME_MAX_ = 255, VALUE_MAX = 256 };

/* ---- control: deb-control(5) ---- */

enum value { ARCHITECTURE, PACKAGE, VERSION, VALUES };

static const struct {
        const char *field;
        const char *key;
        const char *also; /* bytes that may stand in it besides letters and digits */
} values[VALUES] = {
        [ARCHITECTURE] = { "Architecture", "architecture", "-" },
        [PACKAGE] = { "Package", "package", "+-." },
        [VERSION] = { "Version", "version", ".+-:~" },
};

struct control {
        struct deb *d;
        char value[VALUES][VALUE_MAX + 1];
        bool told;
};

static bool is_plain(struct span s, const char *also)
{
        for (size_t i = 0; i < s.n; i++)
                if (!(s.p[i] >= 'a' && s.p[i] <= 'z') && !(s.p[i] >= 'A' && s.p[i] <= 'Z') &&
                    !(s.p[i] >= '0' && s.p[i] <= '9') && (!s.p[i] || !strchr(also, s.p[i])))
                        return false;
        return s.n > 0 && s.n <= VALUE_MAX;
}

static int take_value(struct control *c, enum value v, const struct deb822_line *l, struct err *err)
{
        if (l->more || c->value[v][0] || !is_plain(l->text, values[v].also))
                return err_set(err, -EBADMSG, "control: line %llu is no %s",
                               (unsigned long long)l->number, values[v].field);
        memcpy(c->value[v], l->text.p, l->text.n);
        return 0;
}

static int on_line(void *ctx, const struct deb822_line *l, struct err *err)
{
        for (int v = 0; v < VALUES; v++)
                if (deb822_is(l->field, values[v].field))
                        return take_value(ctx, (enum value)v, l, err);
        return 0;
}

static int on_end(void *ctx, struct err *err)
{
        struct control *c = ctx;
        struct json_writer *w;
        int r;

        if (c->told)
                return err_set(err, -EBADMSG, "control: more than one paragraph");
        c->told = true;
        for (int v = 0; v < VALUES; v++)
                if (!c->value[v][0])
                        return err_set(err, -EBADMSG, "control: no %s", values[v].field);
        w = job_out_begin(c->d->out);
        json_member_text(w, "architecture", c->value[ARCHITECTURE]);
        json_member_text(w, "fact", "package");
        json_member_text(w, "package", c->value[PACKAGE]);
        json_member_text(w, "version", c->value[VERSION]);
        r = job_out_end(c->d->out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

static int read_package(struct deb *d, struct err *err)
{
        struct control c = { .d = d };
        struct deb822 text;
        int r;

        deb822_init(&text, on_line, on_end, &c);
        text.comments = true; /* as dpkg reads it */
        r = deb822_feed(&text, buf_span(&d->text), err);
        if (r == 0)
                r = deb822_finish(&text, err);
        if (r == 0 && !c.told)
                r = err_set(err, -EBADMSG, "control is empty");
        deb822_done(&text);
        return r;
}

/* ---- conffiles: deb-conffiles(5) ---- */

static int put_conffile(struct deb *d, struct span path, bool remove, struct err *err)
{
        struct json_writer *w = job_out_begin(d->out);
        int r;

        json_member_text(w, "fact", "conffile");
        json_put_bytes(w, "path", path);
        json_member_bool(w, "remove", remove);
        r = job_out_end(d->out);
        return r < 0 ? err_sys(err, r, "conffile") : 0;
}

static int read_conffiles(struct deb *d, struct err *err)
{
        static const struct span flag = SPAN_INIT("remove-on-upgrade ");
        struct span rest = buf_span(&d->text), line;
        int r = 0;

        for (unsigned n = 1; r == 0 && job_cut(&rest, '\n', &line); n++) {
                bool remove = span_starts(line, flag);
                struct span path = deb822_trim(span_from(line, remove ? flag.n : 0));

                if (path.n == 0)
                        continue;
                if (path.p[0] != '/' || path.n > DEB_PATH_MAX || memchr(path.p, '\0', path.n))
                        return err_set(err, -EBADMSG, "conffiles: line %u is no absolute path", n);
                r = put_conffile(d, path, remove, err);
        }
        return r;
}

/* ---- the archive ---- */

struct member {
        char name[NAME_MAX_ + 1];
        char hex[2 * SHA256_LEN + 1];
        uint64_t size;
};

static int put_member(struct deb *d, const struct member *m, struct err *err)
{
        struct json_writer *w = job_out_begin(d->out);
        int r;

        json_member_text(w, "fact", "control");
        json_put_bytes(w, "name", span_str(m->name));
        json_member_text(w, "sha256", m->hex);
        json_member_u64(w, "size", m->size);
        r = job_out_end(d->out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

/* dpkg looks for its files at the top. */
static int take_name(struct deb *d, struct member *m, struct err *err)
{
        const char *name = d->path + 1;
        size_t n = strlen(name);

        if (n == 0 || n > NAME_MAX_ || strchr(name, '/'))
                return err_set(err, -EBADMSG, "entry %u is no file at the top", d->entries);
        memcpy(m->name, name, n + 1);
        return 0;
}

static int read_member(struct deb *d, struct unpack *u, bool *package, struct err *err)
{
        struct member m;
        size_t keep;
        int r;

        if (archive_entry_filetype(u->entry) == AE_IFDIR)
                return 0;
        if (archive_entry_filetype(u->entry) != AE_IFREG || archive_entry_hardlink(u->entry))
                return err_set(err, -EBADMSG, "entry %u is no plain file", d->entries);
        r = take_name(d, &m, err);
        if (r < 0)
                return r;
        keep = strcmp(m.name, "control") == 0 || strcmp(m.name, "conffiles") == 0 ? DEB_TEXT_MAX
                                                                                  : 0;
        r = deb_hash(d, u, keep, &m.size, m.hex, err);
        if (r < 0)
                return r;
        if (keep && m.size > keep)
                return err_set(err, -EFBIG, "%s of more than %zu bytes", m.name, keep);
        r = put_member(d, &m, err);
        if (r == 0 && strcmp(m.name, "conffiles") == 0)
                return read_conffiles(d, err);
        if (r < 0 || strcmp(m.name, "control") != 0)
                return r;
        if (*package)
                return err_set(err, -EBADMSG, "control is there twice");
        *package = true;
        return read_package(d, err);
}

int deb_read_control(struct deb *d, struct unpack *u, struct err *err)
{
        bool package = false;
        int r;

        while ((r = deb_next(d, u, err)) > 0) {
                r = read_member(d, u, &package, err);
                if (r < 0)
                        return r;
        }
        if (r == 0 && !package)
                return err_set(err, -EBADMSG, "no control");
        return r;
}
