/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/deb_fact.h"

#include "wire/fact.h"

enum { MODE_MAX = 07777, FILES_MAX = 100 * 1000 * 1000 };

static const char *const kinds[] = {
        [DEB_FACT_PACKAGE] = "package",   [DEB_FACT_CONTROL] = "control",
        [DEB_FACT_CONFFILE] = "conffile", [DEB_FACT_FILE] = "file",
        [DEB_FACT_WHOLE] = "deb",
};

static const char *const types[DEB_TYPES] = {
        [DEB_FILE] = "file", [DEB_DIR] = "dir",   [DEB_SYMLINK] = "symlink",
        [DEB_FIFO] = "fifo", [DEB_CHAR] = "char", [DEB_BLOCK] = "block",
};

/* Nothing but names between single slashes. */
static bool is_plain(const char *path)
{
        if (strcmp(path, "/") == 0)
                return true;
        while (*path == '/') {
                size_t n = strcspn(++path, "/");

                if (n == 0 || (n == 1 && *path == '.') || (n == 2 && memcmp(path, "..", 2) == 0))
                        return false;
                path += n;
                if (!*path)
                        return true;
        }
        return false;
}

static void get_path(struct fact *f, const char *key, const char *key_b64, char *out)
{
        fact_bytes(f, key, key_b64, out, DEB_FACT_PATH_MAX);
        if (!f->missing && !is_plain(out))
                f->missing = key;
}

static bool is_script(const char *name)
{
        static const char *const names[] = { "preinst", "postinst", "prerm", "postrm", "config" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (strcmp(name, names[i]) == 0)
                        return true;
        return false;
}

static void get_content(struct fact *f, struct deb_fact *d)
{
        fact_hex(f, "sha256", d->sha256, sizeof d->sha256);
        d->size = fact_number(f, "size", JSON_INT_MAX);
}

static void get_file(struct fact *f, struct deb_fact *d)
{
        d->type = (enum deb_type)fact_enum(f, "type", types, DEB_TYPES);
        get_path(f, "path", "path_b64", d->path);
        d->mode = (uint32_t)fact_number(f, "mode", MODE_MAX);
        d->uid = (uint32_t)fact_number(f, "uid", UINT32_MAX - 1);
        d->gid = (uint32_t)fact_number(f, "gid", UINT32_MAX - 1);
        fact_bytes(f, "user", "user_b64", d->user, DEB_FACT_NAME_MAX);
        fact_bytes(f, "group", "group_b64", d->group, DEB_FACT_NAME_MAX);
        if (d->type == DEB_FILE) {
                get_content(f, d);
                if (fact_has(f, "link") || fact_has(f, "link_b64"))
                        get_path(f, "link", "link_b64", d->link);
        }
        if (d->type == DEB_SYMLINK)
                fact_bytes(f, "target", "target_b64", d->target, DEB_FACT_PATH_MAX);
        if (d->type == DEB_CHAR || d->type == DEB_BLOCK) {
                d->major = (uint32_t)fact_number(f, "major", UINT32_MAX);
                d->minor = (uint32_t)fact_number(f, "minor", UINT32_MAX);
        }
}

static void get(struct fact *f, struct deb_fact *d)
{
        switch (d->kind) {
        case DEB_FACT_PACKAGE:
                fact_text(f, "package", d->package, DEB_FACT_NAME_MAX);
                fact_text(f, "version", d->version, DEB_FACT_NAME_MAX);
                fact_text(f, "architecture", d->architecture, DEB_FACT_NAME_MAX);
                break;
        case DEB_FACT_CONTROL:
                fact_bytes(f, "name", "name_b64", d->name, DEB_FACT_NAME_MAX);
                d->script = is_script(d->name);
                get_content(f, d);
                break;
        case DEB_FACT_CONFFILE:
                get_path(f, "path", "path_b64", d->path);
                d->remove = fact_bool(f, "remove");
                break;
        case DEB_FACT_FILE:
                get_file(f, d);
                break;
        case DEB_FACT_WHOLE:
                get_content(f, d);
                d->files = (uint32_t)fact_number(f, "files", FILES_MAX);
                break;
        }
}

int deb_fact_parse(struct span fact, struct deb_fact *ret, struct err *err)
{
        struct fact f = fact_of(fact);
        struct deb_fact d = { .kind = (enum deb_fact_kind)fact_enum(&f, "fact", kinds,
                                                                    ARRAY_LEN(kinds)) };
        int r;

        if (!f.missing)
                get(&f, &d);
        r = fact_status(&f, err);
        if (r == 0)
                *ret = d;
        return r;
}

unsigned deb_merged_bit(struct span name)
{
        static const char *const names[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32" };

        for (unsigned i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(name, names[i]))
                        return 1u << i;
        return 0;
}

int deb_merged_path(const char *path, unsigned merged, char out[DEB_FACT_PATH_MAX + 1])
{
        static const char usr[] = "/usr";
        size_t n = strlen(path), first = *path ? strcspn(path + 1, "/") : 0;
        size_t at = path[first + (*path != 0)] == '/' &&
                                    (deb_merged_bit(span_of(path + 1, first)) & merged)
                            ? sizeof usr - 1
                            : 0;

        if (at + n > DEB_FACT_PATH_MAX)
                return -ENAMETOOLONG;
        memcpy(out, usr, at);
        memcpy(out + at, path, n + 1);
        return 0;
}
