/* SPDX-License-Identifier: Apache-2.0 */
/* file.c - the bytes of a package, written and read.  Floor 2.  SECURITY: reads hostile bytes. */
#include "package/file.h"

#include "base/le.h"
#include "base/text.h"
#include "crypto/sha256.h"
#include "wire/commit_fact.h"
#include "wire/json.h"

enum {
        FORMAT = 1,
        HEAD = 16 + 4,
        BODY_MAX = PACKAGE_FILE_MAX - NOTE_MAX,
        API_MAX = 63,
        SHOWN = 64, /* bytes of a name that an error repeats */
};

static const char magic[] = "assay package 1\n";
STATIC_ASSERT(sizeof magic - 1 + 4 == HEAD, "");
STATIC_ASSERT((int)PACKAGE_HASH == (int)SHA256_LEN, "");

/* ---- names ---- */

const char *package_section_name(enum package_section s)
{
        static const char *const names[] = {
                [PACKAGE_API] = "api",
                [PACKAGE_SCHEMA] = "schema.cedarschema",
                [PACKAGE_POLICY] = "policy.cedar",
                [PACKAGE_ENTITIES] = "entities.json",
        };

        assert(s < PACKAGE_SECTIONS);
        return names[s];
}

static bool is_lower(uint8_t c)
{
        return c >= 'a' && c <= 'z';
}

static bool is_alnum(uint8_t c)
{
        return is_lower(c) || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool package_version_ok(struct span version)
{
        if (version.n == 0 || version.n > PACKAGE_VERSION_MAX || !is_alnum(version.p[0]))
                return false;
        for (size_t i = 1; i < version.n; i++)
                if (!is_alnum(version.p[i]) && !memchr(".+_-", version.p[i], 4))
                        return false;
        return true;
}

bool package_api_ok(struct span name)
{
        if (name.n == 0 || name.n > API_MAX || !is_lower(name.p[0]))
                return false;
        for (size_t i = 1; i < name.n; i++)
                if (!is_lower(name.p[i]) && !(name.p[i] >= '0' && name.p[i] <= '9') &&
                    name.p[i] != '-')
                        return false;
        return true;
}

bool package_path_ok(struct span path)
{
        if (path.n > PACKAGE_PATH_MAX || !text_is_utf8(path, NULL))
                return false;
        for (size_t i = 0; i < path.n; i++)
                if (path.p[i] < ' ' || path.p[i] == 0x7f || memchr("\"\\", path.p[i], 2))
                        return false;
        return commit_path_ok(path);
}

/* ---- writing ---- */

static int check_sources(const struct package_file *f, struct err *err)
{
        if (f->n_sources > PACKAGE_SOURCES_MAX)
                return err_set(err, -E2BIG, "%u sources, at most %d are packed", f->n_sources,
                               PACKAGE_SOURCES_MAX);
        for (uint32_t i = 0; i < f->n_sources; i++) {
                struct span path = f->sources[i].path;

                if (!package_path_ok(path))
                        return err_set(err, -EINVAL, "source %u: its path is none", i + 1);
                if (i > 0 && span_cmp(f->sources[i - 1].path, path) >= 0)
                        return err_set(err, -EINVAL, "source %.*s: not in order of paths",
                                       (int)path.n, (const char *)path.p);
        }
        return 0;
}

static int check_all(const struct package_file *f, struct err *err)
{
        size_t total = HEAD + PACKAGE_MANIFEST_MAX;
        bool fits = true;
        int r = check_sources(f, err);

        if (r < 0)
                return r;
        if (!package_api_ok(f->api))
                return err_set(err, -EINVAL, "api: a name is [a-z][a-z0-9-]{0,62}");
        if (!package_version_ok(f->version))
                return err_set(err, -EINVAL,
                               "version: 1 to %d of letters, digits and .+_-, not these in front",
                               PACKAGE_VERSION_MAX);
        for (uint32_t i = 0; i < PACKAGE_SECTIONS; i++)
                fits = fits && size_add(total, f->section[i].n, &total);
        for (uint32_t i = 0; i < f->n_sources; i++)
                fits = fits && size_add(total, f->sources[i].text.n, &total);
        if (!fits || total > BODY_MAX)
                return err_set(err, -E2BIG, "a package has %d MiB at most", PACKAGE_FILE_MAX >> 20);
        return 0;
}

static void put_piece(struct json_writer *w, struct span name, struct span body)
{
        char hex[2 * PACKAGE_HASH + 1];
        uint8_t hash[PACKAGE_HASH];

        sha256(body, hash);
        text_hex(span_of(hash, sizeof hash), hex);
        json_begin_array(w);
        json_put_string(w, name);
        json_put_u64(w, body.n);
        json_put_string(w, span_str(hex));
        json_end_array(w);
}

static void put_manifest(struct buf *out, const struct package_file *f)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_member_string(&w, "api", f->api);
        json_member_int(&w, "format", FORMAT);
        json_put_key(&w, "sections");
        json_begin_array(&w);
        for (unsigned i = 0; i < PACKAGE_SECTIONS; i++)
                put_piece(&w, span_str(package_section_name(i)), f->section[i]);
        json_end_array(&w);
        json_put_key(&w, "sources");
        json_begin_array(&w);
        for (uint32_t i = 0; i < f->n_sources; i++)
                put_piece(&w, f->sources[i].path, f->sources[i].text);
        json_end_array(&w);
        json_member_string(&w, "version", f->version);
        json_end_object(&w);
}

int package_file_put(struct buf *out, const struct package_file *f, struct err *err)
{
        CLEANUP(buf_done) struct buf manifest = BUF_INIT(PACKAGE_MANIFEST_MAX);
        int r = check_all(f, err);

        if (r < 0)
                return r;
        put_manifest(&manifest, f);
        r = buf_status(&manifest);
        if (r < 0)
                return err_sys(err, r, "manifest");
        buf_put_str(out, magic);
        le_append(out, manifest.n, 4);
        buf_put(out, buf_span(&manifest));
        for (unsigned i = 0; i < PACKAGE_SECTIONS; i++)
                buf_put(out, f->section[i]);
        for (uint32_t i = 0; i < f->n_sources; i++)
                buf_put(out, f->sources[i].text);
        r = buf_status(out);
        return r < 0 ? err_sys(err, r, "package") : 0;
}

/* ---- reading ---- */

struct reader {
        struct span bytes;
        size_t at; /* behind what was read */
        struct arena *arena;
        struct err *err;
};

static int bad(const struct reader *r, const char *what, struct span name, const char *why)
{
        return err_set(r->err, -EBADMSG, "%s %.*s: %s", what, (int)MIN_OF(name.n, (size_t)SHOWN),
                       (const char *)name.p, why);
}

static int bad_manifest(const struct reader *r, const char *why)
{
        return err_set(r->err, -EBADMSG, "manifest: %s", why);
}

enum { M_API, M_FORMAT, M_SECTIONS, M_SOURCES, M_VERSION, M_MEMBERS };

/* Canonical, and these members only: one spelling for each package. */
static int manifest_members(const struct reader *r, struct span text,
                            struct json_value ret[M_MEMBERS])
{
        static const char *const keys[M_MEMBERS] = { "api", "format", "sections", "sources",
                                                     "version" };
        struct err err = { 0 };
        struct json_iter it;
        struct json_value v;
        struct span key;
        unsigned n = 0;

        if (json_check(text, &err) < 0)
                return bad_manifest(r, err.text);
        it = json_iter_of(json_value_of(text));
        for (; json_next(&it, &key, &v); n++) {
                if (n == M_MEMBERS || !span_eq_str(key, keys[n]))
                        return bad(r, "manifest: member", key, "not this one here");
                ret[n] = v;
        }
        return n == M_MEMBERS ? 0 : bad_manifest(r, "a member is missing");
}

/* Other versions begin alike. */
static int not_ours(const struct reader *r)
{
        static const char any[] = "assay package ";

        if (r->bytes.n == 0)
                return err_set(r->err, -EBADMSG, "it is empty, and no package");
        if (span_starts(r->bytes, span_str(any)) && r->bytes.n >= sizeof magic - 1)
                return err_set(r->err, -EBADMSG,
                               "a package of another format than %d, of another version of Assay",
                               FORMAT);
        return err_set(r->err, -EBADMSG, "no package that assay api build has made");
}

static int read_head(struct reader *r, struct json_value ret[M_MEMBERS])
{
        size_t n;
        int rc;

        if (r->bytes.n > PACKAGE_FILE_MAX)
                return err_set(r->err, -EBADMSG, "more than %d MiB", PACKAGE_FILE_MAX >> 20);
        if (!span_starts(r->bytes, span_str(magic)))
                return not_ours(r);
        if (r->bytes.n < HEAD)
                return err_set(r->err, -EBADMSG, "ends within its head");
        n = le_get32(r->bytes.p + HEAD - 4);
        if (n > PACKAGE_MANIFEST_MAX || n > r->bytes.n - HEAD)
                return bad_manifest(r, "longer than it may be, or than the file");
        rc = manifest_members(r, span_of(r->bytes.p + HEAD, n), ret);
        r->at = HEAD + n;
        return rc;
}

static int read_names(const struct reader *r, const struct json_value m[M_MEMBERS],
                      struct package_file *ret)
{
        int64_t format;

        if (!json_value_int(m[M_FORMAT], &format) || format != FORMAT)
                return bad_manifest(r, "format: not 1");
        if (!json_value_plain(m[M_API], &ret->api) || !package_api_ok(ret->api))
                return bad_manifest(r, "api: no name of an API");
        if (!json_value_plain(m[M_VERSION], &ret->version) || !package_version_ok(ret->version))
                return bad_manifest(r, "version: none");
        return 0;
}

/* What an item of the manifest says. */
struct piece {
        struct span name;
        int64_t size;
        uint8_t hash[PACKAGE_HASH];
};

static bool read_piece(struct json_value v, struct piece *ret)
{
        struct json_value item[3];
        struct span hex;

        return json_value_items(v, item, ARRAY_LEN(item)) &&
               json_value_plain(item[0], &ret->name) && json_value_int(item[1], &ret->size) &&
               ret->size >= 0 && json_value_plain(item[2], &hex) &&
               text_from_hex(hex, ret->hash, PACKAGE_HASH) == 0;
}

/* The bytes of the next piece. */
static int take(struct reader *r, const char *what, const struct piece *p, struct span *ret)
{
        uint8_t hash[PACKAGE_HASH];

        if ((uint64_t)p->size > r->bytes.n - r->at)
                return bad(r, what, p->name, "the file ends within it");
        *ret = span_of(r->bytes.p + r->at, (size_t)p->size);
        sha256(*ret, hash);
        if (memcmp(hash, p->hash, PACKAGE_HASH) != 0)
                return bad(r, what, p->name, "its SHA-256 is another");
        r->at += ret->n;
        return 0;
}

static int read_sections(struct reader *r, struct json_value list, struct package_file *ret)
{
        struct json_iter it;
        struct json_value v;
        struct piece p;
        unsigned n = 0;
        int rc = 0;

        if (list.type != JSON_ARRAY)
                return bad_manifest(r, "sections: no list");
        for (it = json_iter_of(list); rc == 0 && json_next(&it, NULL, &v); n++) {
                if (!read_piece(v, &p))
                        return bad_manifest(r, "sections: not [name, size, SHA-256]");
                if (n == PACKAGE_SECTIONS || !span_eq_str(p.name, package_section_name(n)))
                        return bad(r, "section", p.name, "not this one here");
                rc = take(r, "section", &p, &ret->section[n]);
        }
        if (rc == 0 && n < PACKAGE_SECTIONS)
                return err_set(r->err, -EBADMSG, "section %s: missing", package_section_name(n));
        return rc;
}

static int read_source(struct reader *r, struct json_value v, struct package_source *list,
                       uint32_t n)
{
        struct piece p;
        int rc;

        if (!read_piece(v, &p))
                return bad_manifest(r, "sources: not [path, size, SHA-256]");
        if (!package_path_ok(p.name))
                return bad(r, "source", p.name, "its path is none");
        if (n > 0 && span_cmp(list[n - 1].path, p.name) >= 0)
                return bad(r, "source", p.name, "not in order of paths");
        rc = take(r, "source", &p, &list[n].text);
        list[n].path = p.name;
        return rc;
}

static int read_sources(struct reader *r, struct json_value v, struct package_file *ret)
{
        struct package_source *list;
        struct json_iter it;
        struct json_value item;
        uint32_t n = 0;
        int rc = 0;

        if (v.type != JSON_ARRAY)
                return bad_manifest(r, "sources: no list");
        for (it = json_iter_of(v); n <= PACKAGE_SOURCES_MAX && json_next(&it, NULL, &item);)
                n++;
        if (n > PACKAGE_SOURCES_MAX)
                return bad_manifest(r, "sources: too many");
        list = arena_alloc(r->arena, n * sizeof *list);
        if (!list)
                return err_set(r->err, -ENOMEM, "no memory for a list of sources");
        n = 0;
        for (it = json_iter_of(v); rc == 0 && json_next(&it, NULL, &item); n++)
                rc = read_source(r, item, list, n);
        ret->sources = list;
        ret->n_sources = n;
        return rc;
}

/* Whatever is behind the sources. */
static int read_note(const struct reader *r, struct package_file *ret)
{
        struct err err = { 0 };
        struct note note;

        ret->note = span_from(r->bytes, r->at);
        if (ret->note.n > 0 && note_parse(ret->note, &note, &err) < 0)
                return err_set(r->err, -EBADMSG, "signatures: %s", err.text);
        return 0;
}

int package_file_read(struct span bytes, struct arena *arena, struct package_file *ret,
                      struct err *err)
{
        struct reader r = { .bytes = bytes, .arena = arena, .err = err };
        struct json_value m[M_MEMBERS];
        struct package_file f = { 0 };
        int rc = read_head(&r, m);

        if (rc == 0)
                rc = read_names(&r, m, &f);
        if (rc == 0)
                rc = read_sections(&r, m[M_SECTIONS], &f);
        if (rc == 0)
                rc = read_sources(&r, m[M_SOURCES], &f);
        if (rc == 0)
                rc = read_note(&r, &f);
        if (rc < 0)
                return rc;
        f.body = span_of(bytes.p, r.at);
        sha256(f.body, f.sha256);
        *ret = f;
        return 0;
}
