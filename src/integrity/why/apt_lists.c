/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/apt_lists.h"

#include "base/buf.h"
#include "sys/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *const suffixes[] = { "", ".lz4", ".xz", ".gz", ".zst", ".bz2", ".lzma" };

/* Is "xyz_Packages.lz4" one of suffix ".lz4"? */
static bool ends_with(const char *name, const char *what, const char *suffix)
{
        size_t n = strlen(name), w = strlen(what), s = strlen(suffix);

        return n >= w + s && memcmp(name + n - s, suffix, s) == 0 &&
               memcmp(name + n - s - w, what, w) == 0;
}

/* ---- pairs ---- */

static int hex_digit(char c)
{
        return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "main_binary-amd64_Packages" as the Release has it; false where it has no such name. */
static bool set_listed(struct apt_index *i, const char *rest, size_t n)
{
        size_t out = 0;
        int c;

        if (n == 0 || n > APT_LISTED_MAX)
                return false;
        for (size_t k = 0; k < n; k++) {
                c = rest[k] == '_' ? '/' : (unsigned char)rest[k];
                if (c == '%') {
                        int high = k + 2 < n ? hex_digit(rest[k + 1]) : -1;
                        int low = k + 2 < n ? hex_digit(rest[k + 2]) : -1;

                        if (high < 0 || low < 0 || (high == 0 && low == 0))
                                return false;
                        c = high << 4 | low;
                        k += 2;
                }
                i->listed[out++] = (char)c;
        }
        i->listed[out] = '\0';
        return true;
}

/* Length of the stem of a Release's name, 0 for other files. */
static size_t stem_of(const char *name, enum apt_signing *ret)
{
        static const struct {
                const char *end;
                enum apt_signing signing;
        } ends[] = { { "_InRelease", APT_INLINE }, { "_Release", APT_UNSIGNED } };

        for (size_t i = 0; i < ARRAY_LEN(ends); i++)
                if (ends_with(name, ends[i].end, "")) {
                        *ret = ends[i].signing;
                        return strlen(name) - strlen(ends[i].end) + 1; /* with the '_' */
                }
        return 0;
}

static bool has_name(const char *const *names, size_t n, const char *name)
{
        for (size_t i = 0; i < n; i++)
                if (strcmp(names[i], name) == 0)
                        return true;
        return false;
}

/* The Release with the longest stem that begins the index's name; an InRelease before a Release. */
static void find_release(struct apt_index *index, const char *const *names, size_t n)
{
        enum apt_signing signing = APT_NO_RELEASE;
        size_t best = 0, stem;
        char gpg[APT_NAME_MAX + sizeof ".gpg"];

        for (size_t i = 0; i < n; i++) {
                stem = stem_of(names[i], &signing);
                if (stem == 0 || strlen(names[i]) > APT_NAME_MAX ||
                    strncmp(index->name, names[i], stem) != 0 || stem < best ||
                    (stem == best && signing != APT_INLINE))
                        continue;
                best = stem;
                index->signing = signing;
                snprintf(index->release, sizeof index->release, "%s", names[i]);
        }
        if (best == 0)
                return;
        if (!set_listed(index, index->name + best,
                        strlen(index->name) - best - strlen(index->suffix))) {
                index->signing = APT_NO_RELEASE;
                index->release[0] = index->listed[0] = '\0';
                return;
        }
        snprintf(gpg, sizeof gpg, "%s.gpg", index->release);
        if (index->signing == APT_UNSIGNED && strlen(gpg) <= APT_NAME_MAX &&
            has_name(names, n, gpg)) {
                index->signing = APT_DETACHED;
                snprintf(index->signature, sizeof index->signature, "%.*s", APT_NAME_MAX, gpg);
        }
}

static bool is_index(const char *name, const char **ret_suffix)
{
        for (size_t i = 0; i < ARRAY_LEN(suffixes); i++)
                if (ends_with(name, "_Packages", suffixes[i])) {
                        *ret_suffix = suffixes[i];
                        return true;
                }
        return false;
}

static int compare(const void *a, const void *b)
{
        const struct apt_index *x = a, *y = b;
        int c = strcmp(x->release, y->release);

        return c ? c : strcmp(x->name, y->name);
}

int apt_lists_pair(const char *const *names, size_t n, struct apt_lists *ret, struct err *err)
{
        struct apt_lists l = { .index = calloc(n + 1, sizeof *l.index) };

        if (!l.index)
                return err_sys(err, -ENOMEM, "apt's lists");
        for (size_t i = 0; i < n; i++) {
                struct apt_index *index = &l.index[l.n];

                if (strlen(names[i]) > APT_NAME_MAX || !is_index(names[i], &index->suffix))
                        continue;
                snprintf(index->name, sizeof index->name, "%s", names[i]);
                find_release(index, names, n);
                l.n++;
        }
        qsort(l.index, l.n, sizeof *l.index, compare);
        *ret = l;
        return 0;
}

void apt_lists_done(struct apt_lists *l)
{
        free(l->index);
        *l = (struct apt_lists){ 0 };
}

/* ---- the directory ---- */

struct names {
        char **at;
        size_t n;
};

static int add_name(void *ctx, int dirfd, const char *name)
{
        struct names *l = ctx;

        if (name[0] == '.')
                return 0;
        if (l->n == APT_FILES_MAX)
                return -E2BIG;
        l->at[l->n] = strdup(name);
        if (!l->at[l->n])
                return -ENOMEM;
        l->n++;
        return 0;
}

int apt_lists_read(int dirfd, struct apt_lists *ret, struct err *err)
{
        struct names l = { .at = calloc(APT_FILES_MAX, sizeof *l.at) };
        int r = l.at ? names_each(dirfd, ".", add_name, &l) : -ENOMEM;

        if (r == -E2BIG)
                err_set(err, r, "apt's lists: more than %d files", APT_FILES_MAX);
        else if (r < 0)
                err_sys(err, r, "apt's lists");
        else
                r = apt_lists_pair((const char *const *)l.at, l.n, ret, err);
        for (size_t i = 0; i < l.n; i++)
                free(l.at[i]);
        free(l.at);
        return r;
}

/* ---- sources ---- */

/* apt's QuoteString() with the bytes of its URItoFileName(). */
static void put_quoted(struct buf *b, const char *s)
{
        static const char odd[] = "\\|{}[]<>\"^~_=!@#$%^&*";

        for (; *s; s++)
                if ((unsigned char)*s <= ' ' || (unsigned char)*s >= 0x7f || strchr(odd, *s))
                        buf_printf(b, "%%%02x", (unsigned char)*s);
                else
                        buf_put_byte(b, *s == '/' ? '_' : (uint8_t)*s);
}

/* What follows scheme and password: "example.org/debian", or "/srv/repo" of a file's. */
static const char *without_scheme(const char *uri)
{
        const char *s = strchr(uri, ':'), *end, *at;

        if (!s)
                return NULL;
        if (strncmp(++s, "//", 2) != 0)
                return s;
        s += 2;
        end = s + strcspn(s, "/");
        at = memrchr(s, '@', (size_t)(end - s));
        return at ? at + 1 : s;
}

int apt_source_stem(const char *uri, const char *suite, char ret[APT_NAME_MAX + 1])
{
        CLEANUP(buf_done) struct buf b = BUF_INIT(APT_NAME_MAX);
        const char *base = without_scheme(uri);
        size_t n = strlen(suite);
        bool flat = n > 0 && suite[n - 1] == '/';

        if (!base || !*base || n == 0)
                return -EINVAL;
        put_quoted(&b, base);
        if (base[strlen(base) - 1] != '/')
                buf_put_byte(&b, '_');
        if (!flat)
                buf_put_str(&b, "dists_");
        if (strcmp(suite, "/") != 0)
                put_quoted(&b, suite);
        if (!flat)
                buf_put_byte(&b, '_');
        if (buf_status(&b) < 0)
                return buf_status(&b) == -E2BIG ? -ENAMETOOLONG : buf_status(&b);
        memcpy(ret, b.p, b.n);
        ret[b.n] = '\0';
        return 0;
}

bool apt_index_of(const struct apt_index *i, const char *stem)
{
        size_t n = strlen(stem);

        if (!i->release[0]) /* nothing says where its stem ends */
                return strncmp(i->name, stem, n) == 0;
        return strncmp(i->release, stem, n) == 0 &&
               (strcmp(i->release + n, "InRelease") == 0 || strcmp(i->release + n, "Release") == 0);
}
