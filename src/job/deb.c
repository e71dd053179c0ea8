/* SPDX-License-Identifier: Apache-2.0 */
/* The job "deb": the file as a whole.  SECURITY: every byte is hostile. */
#include "job/deb.h"

#include "base/text.h"

#include <stdlib.h>

enum {
        AR_NAME = 16,
        AR_SIZE_AT = 48,
        AR_SIZE_LEN = 10,
        AR_END_AT = 58,
        AR_HEADER = 60,
        VERSION_MAX = 64, /* bytes of debian-binary */
};

static const char ar_magic[] = "!<arch>\n";

const struct deb_limits deb_limits = {
        .file = 8ull << 30,
        .unpacked = 8ull << 30,
        .control = 256u << 20,
        .entries = 500000,
        .names = 128u << 20,
};

struct member {
        struct span name;
        uint64_t size;
        uint8_t header[AR_HEADER];
};

/* ---- ar ---- */

static struct span trim_end(struct span s, uint8_t c)
{
        while (s.n > 0 && s.p[s.n - 1] == c)
                s.n--;
        return s;
}

/* dpkg's names end with blanks, those of some other tools with a slash and blanks. */
static int next_member(struct deb *d, struct member *m, struct err *err)
{
        int r = file_in_read(&d->in, m->header, AR_HEADER, err);

        if (r < 0)
                return err_wrap(err, "header of a member");
        if (memcmp(m->header + AR_END_AT, "`\n", 2) != 0)
                return err_set(err, -EBADMSG, "header of a member has no end");
        m->name = trim_end(span_of(m->header, AR_NAME), ' ');
        if (m->name.n > 0 && m->name.p[m->name.n - 1] == '/')
                m->name.n--;
        if (text_to_u64(trim_end(span_of(m->header + AR_SIZE_AT, AR_SIZE_LEN), ' '), &m->size) < 0)
                return err_set(err, -EBADMSG, "size of a member is no number");
        return 0;
}

/* The rest of a member, and what makes it even. */
static int end_member(struct deb *d, const struct member *m, uint64_t left, struct err *err)
{
        int r = file_in_skip(&d->in, left, err);
        uint8_t even;

        if (r == 0 && m->size % 2)
                r = file_in_read(&d->in, &even, 1, err);
        return r;
}

/* The next member that is meant for dpkg. */
static int next_own_member(struct deb *d, struct member *m, struct err *err)
{
        int r;

        for (;;) {
                r = next_member(d, m, err);
                if (r < 0 || m->name.n == 0 || m->name.p[0] != '_')
                        return r;
                r = end_member(d, m, m->size, err);
                if (r < 0)
                        return r;
        }
}

static int read_version(struct deb *d, struct err *err)
{
        uint8_t text[VERSION_MAX];
        struct member m;
        int r = next_member(d, &m, err);

        if (r < 0)
                return r;
        if (!span_eq_str(m.name, "debian-binary") || m.size < 4 || m.size > sizeof text)
                return err_set(err, -EBADMSG, "first member is no debian-binary");
        r = file_in_read(&d->in, text, (size_t)m.size, err);
        if (r < 0)
                return r;
        if (memcmp(text, "2.", 2) != 0 || !memchr(text, '\n', (size_t)m.size))
                return err_set(err, -EBADMSG, "format is not 2.x");
        return end_member(d, &m, 0, err);
}

/* ---- the two archives ---- */

static int read_archive(struct deb *d, const char *name, uint64_t out_max,
                        int (*read)(struct deb *d, struct unpack *u, struct err *err), bool last,
                        struct err *err)
{
        struct unpack u = { 0 };
        struct member m;
        int r = next_own_member(d, &m, err);

        if (r < 0)
                return err_wrap(err, "%s", name);
        if (!span_starts(m.name, span_str(name)))
                return err_set(err, -EBADMSG, "next member is no %s", name);
        r = unpack_open(&u, &d->in, m.size, span_from(m.name, strlen(name)), UNPACK_TAR, out_max,
                        err);
        d->entries = 0;
        if (r == 0)
                r = read(d, &u, err);
        unpack_done(&u);
        if (r < 0)
                return err_wrap(err, "%s", name);
        /* dpkg wants nothing behind the last one, not even what would make it even */
        return last ? file_in_skip(&d->in, u.left, err) : end_member(d, &m, u.left, err);
}

int deb_set_path(struct deb *d, const char *name, struct err *err)
{
        size_t n = 0, part;

        while (*name) {
                part = strcspn(name, "/");
                if (n + part + 1 > DEB_PATH_MAX)
                        return err_set(err, -EBADMSG, "entry %u has a name of more than %d bytes",
                                       d->entries, DEB_PATH_MAX);
                if ((part == 1 && *name == '.' && n > 0) ||
                    (part == 2 && memcmp(name, "..", 2) == 0))
                        return err_set(err, -EBADMSG, "entry %u has dots for a directory",
                                       d->entries);
                if (part > 0 && !(part == 1 && *name == '.')) {
                        d->path[n++] = '/';
                        memcpy(d->path + n, name, part);
                        n += part;
                }
                name += part + (name[part] == '/');
        }
        if (n == 0)
                d->path[n++] = '/';
        d->path[n] = '\0';
        return 0;
}

int deb_next(struct deb *d, struct unpack *u, struct err *err)
{
        const char *name;
        int r = unpack_next(u, err);

        if (r <= 0)
                return r;
        if (++d->entries > d->limits->entries)
                return err_set(err, -EFBIG, "more than %u entries", d->limits->entries);
        if (archive_format(u->a) == ARCHIVE_FORMAT_TAR_PAX_INTERCHANGE)
                return err_set(err, -EBADMSG, "entry %u has a header dpkg does not know",
                               d->entries);
        name = archive_entry_pathname(u->entry);
        if (!name || !*name)
                return err_set(err, -EBADMSG, "entry %u has no name", d->entries);
        r = deb_set_path(d, name, err);
        return r < 0 ? r : 1;
}

int deb_hash(struct deb *d, struct unpack *u, size_t keep, uint64_t *ret_size,
             char ret_hex[2 * SHA256_LEN + 1], struct err *err)
{
        uint8_t hash[SHA256_LEN];
        uint64_t size = 0;
        struct span s;
        int r;

        buf_clear(&d->text);
        sha256_begin(d->sha);
        do {
                r = unpack_data(u, &s, err);
                if (r < 0)
                        return r;
                sha256_add(d->sha, s);
                size += s.n;
                buf_put(&d->text, span_of(s.p, MIN_OF(s.n, keep - d->text.n)));
        } while (s.n > 0);
        r = buf_status(&d->text);
        if (r < 0)
                return err_sys(err, r, "entry %u", d->entries);
        sha256_end(d->sha, hash);
        text_hex(span_of(hash, sizeof hash), ret_hex);
        *ret_size = size;
        return 0;
}

static int put_whole(struct deb *d, struct err *err)
{
        char hex[2 * SHA256_LEN + 1];
        uint8_t hash[SHA256_LEN];
        struct json_writer *w;
        int r = file_in_skip(&d->in, UINT64_MAX, err);

        if (r < 0)
                return r;
        file_in_hash(&d->in, hash);
        text_hex(span_of(hash, sizeof hash), hex);
        w = job_out_begin(d->out);
        json_member_text(w, "fact", "deb");
        json_member_u64(w, "files", d->files);
        json_member_text(w, "sha256", hex);
        json_member_u64(w, "size", d->in.at);
        r = job_out_end(d->out);
        return r < 0 ? err_sys(err, r, "fact") : 0;
}

static int read_all(struct deb *d, struct err *err)
{
        char magic[sizeof ar_magic - 1];
        int r = file_in_read(&d->in, magic, sizeof magic, err);

        if (r == 0 && memcmp(magic, ar_magic, sizeof magic) != 0)
                r = err_set(err, -EBADMSG, "no ar archive");
        if (r == 0)
                r = read_version(d, err);
        if (r == 0)
                r = read_archive(d, "control.tar", d->limits->control, deb_read_control, false,
                                 err);
        if (r == 0)
                r = read_archive(d, "data.tar", d->limits->unpacked, deb_read_data, true, err);
        return r == 0 ? put_whole(d, err) : r;
}

int deb_read(struct job_out *out, int fd, const struct deb_limits *limits, struct err *err)
{
        struct deb *d = calloc(1, sizeof *d);
        int r;

        if (!d)
                return err_sys(err, -ENOMEM, "deb");
        d->out = out;
        d->limits = limits;
        d->text = BUF_INIT(DEB_TEXT_MAX);
        d->sha = sha256_new();
        r = d->sha ? file_in_init(&d->in, fd, limits->file, err) : err_sys(err, -ENOMEM, "deb");
        if (r == 0)
                r = read_all(d, err);
        file_in_done(&d->in);
        sha256_free(d->sha);
        buf_done(&d->text);
        free(d);
        return r;
}

int job_deb(struct job_out *out, const struct job_call *c, struct err *err)
{
        return deb_read(out, c->input, &deb_limits, err);
}
