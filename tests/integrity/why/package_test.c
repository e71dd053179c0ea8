/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/why/package.h"

#include "../sample.h"
#include "integrity/trusted/change.h"
#include "integrity/who/who.h"
#include "integrity/why/apt_chain.h"
#include "wire/deb_fact.h"

#include <stdio.h>

enum { ROOT = 100, HASH_OF_DEB = 7 };

#define INFO "/var/lib/dpkg/info/"
#define NEXT "/var/lib/dpkg/tmp.ci/"

/* ---- authors: pid, executable, then its parents ---- */

struct author {
        pid_t pid;
        const char *exe;
        struct {
                pid_t pid;
                const char *exe;
        } parents[3];
        const char *earlier;
        const char *script; /* the maintainer script it is; NULL: none */
};

static const struct author dpkg = {
        110, "/usr/bin/dpkg", { { ROOT, "/usr/bin/apt-get" }, { 1, "/sbin/init" } }, NULL, NULL
};
static const struct author script = { 120,
                                      "/usr/bin/dash",
                                      { { 110, "/usr/bin/dpkg" }, { ROOT, "/usr/bin/apt-get" } },
                                      NULL,
                                      INFO "old.postinst" };
/* What an option or the configuration of dpkg names. */
static const struct author hook_of_dpkg = {
        125, "/usr/bin/dash", { { 110, "/usr/bin/dpkg" }, { ROOT, "/usr/bin/apt-get" } }, NULL, NULL
};
static const struct author hook = {
        130, "/usr/bin/dash", { { ROOT, "/usr/bin/apt-get" } }, NULL, NULL
};
static const struct author apt = { ROOT, "/usr/bin/apt-get", { { 1, "/sbin/init" } }, NULL, NULL };
static const struct author other = { 140, "/usr/bin/vi", { { 99, "/usr/bin/bash" } }, NULL, NULL };
static const struct author other_dpkg = {
        150, "/usr/bin/dpkg", { { 99, "/usr/bin/bash" } }, NULL, NULL
};
static const struct author stranger = {
        155, "/usr/bin/vi", { { 98, "/usr/bin/bash" } }, NULL, NULL
};
static const struct author like_dpkg = {
        160, "/tmp/dpkg", { { ROOT, "/usr/bin/apt-get" } }, NULL, NULL
};
static const struct author became_dpkg = {
        170, "/usr/bin/dpkg", { { ROOT, "/usr/bin/apt-get" } }, "/usr/bin/dash", NULL
};

static struct who *make_who(const struct author *a)
{
        struct who *w;

        if (!a)
                return NULL;
        w = who_new(a->pid);
        assert_non_null(w);
        buf_put_str(&w->exe, a->exe);
        if (a->script)
                buf_put_str(&w->script, a->script);
        for (size_t i = 0; i < ARRAY_LEN(a->parents) && a->parents[i].pid; i++) {
                w->parents[w->n_parents++] =
                        (struct who_kin){ .pid = a->parents[i].pid,
                                          .has_exe = true,
                                          .at = (uint32_t)w->names.n,
                                          .n = (uint32_t)strlen(a->parents[i].exe) };
                buf_put_str(&w->names, a->parents[i].exe);
        }
        if (a->earlier) {
                w->earlier[w->n_earlier++] = (struct who_kin){ .pid = a->pid,
                                                               .has_exe = true,
                                                               .at = (uint32_t)w->names.n,
                                                               .n = (uint32_t)strlen(a->earlier) };
                buf_put_str(&w->names, a->earlier);
        }
        return w;
}

/* ---- a transaction ---- */

static void watch(struct watchset *w)
{
        assert_int_equal(watchset_add(w, SPAN("/usr"), false, NULL), 0);
        assert_int_equal(watchset_add(w, SPAN("/etc"), false, NULL), 0);
}

static void add(struct packages *p, enum package_action action, const char *name, const char *path)
{
        struct package_name n = { .action = action,
                                  .name = span_str(name),
                                  .arch = SPAN("amd64"),
                                  .from = action == PACKAGE_INSTALL ? SPAN_NONE : SPAN("1.0-1"),
                                  .to = action == PACKAGE_REMOVE ? SPAN_NONE : SPAN("2.0-1"),
                                  .path = span_str(path) };

        assert_int_equal(packages_add(p, &n, NULL), 0);
}

static struct deb_fact file_fact(enum deb_type type, const char *path, uint32_t mode, uint8_t fill)
{
        struct deb_fact f = { .kind = DEB_FACT_FILE, .type = type, .mode = mode };

        snprintf(f.path, sizeof f.path, "%s", path);
        memset(f.sha256, fill, sizeof f.sha256);
        if (type == DEB_SYMLINK)
                snprintf(f.target, sizeof f.target, "hello");
        return f;
}

static void tell(struct packages *p, size_t i, const struct deb_fact *f)
{
        assert_int_equal(packages_fact(p, i, f), 0);
}

static void tell_file(struct packages *p, size_t i, enum deb_type type, const char *path,
                      uint32_t mode, uint8_t fill)
{
        struct deb_fact f = file_fact(type, path, mode, fill);

        tell(p, i, &f);
}

static void tell_control(struct packages *p, size_t i, const char *name, uint8_t fill)
{
        struct deb_fact f = { .kind = DEB_FACT_CONTROL };

        snprintf(f.name, sizeof f.name, "%s", name);
        memset(f.sha256, fill, sizeof f.sha256);
        tell(p, i, &f);
}

/* What a package file of this name holds, and its hash. */
static void tell_package(struct packages *p, size_t i, const char *name, uint8_t hash)
{
        struct deb_fact f = { .kind = DEB_FACT_PACKAGE };

        snprintf(f.package, sizeof f.package, "%s", name);
        snprintf(f.version, sizeof f.version, "2.0-1");
        snprintf(f.architecture, sizeof f.architecture, "amd64");
        tell(p, i, &f);
        tell_control(p, i, "control", 0x20);
        tell_control(p, i, "postinst", 0x21);
        tell_control(p, i, "md5sums", 0x22);
        tell_control(p, i, "with.dot", 0x23);
        f = (struct deb_fact){ .kind = DEB_FACT_CONFFILE };
        snprintf(f.path, sizeof f.path, "/etc/%s.conf", name);
        tell(p, i, &f);
        tell_file(p, i, DEB_DIR, "/usr/share/hello", 0755, 0);
        tell_file(p, i, DEB_FILE, "/usr/bin/hello", 0755, 1);
        tell_file(p, i, DEB_FILE, "/bin/merged", 0755, 2);
        tell_file(p, i, DEB_SYMLINK, "/usr/bin/link", 0777, 0);
        tell_file(p, i, DEB_FILE, "/etc/hello.conf", 0644, 3);
        tell_file(p, i, DEB_FILE, "/opt/elsewhere", 0644, 4);
        f = (struct deb_fact){ .kind = DEB_FACT_WHOLE, .files = 6 };
        memset(f.sha256, hash, sizeof f.sha256);
        tell(p, i, &f);
        packages_read(p, i, NULL);
}

static void chain(struct packages *p, uint8_t hash, enum chain_status status,
                  enum chain_reason reason)
{
        struct chain_result r = { .status = status, .reason = reason };

        memset(r.sha256, hash, sizeof r.sha256);
        snprintf(r.release, sizeof r.release, "example.org_InRelease");
        snprintf(r.suite, sizeof r.suite, "stable");
        snprintf(r.codename, sizeof r.codename, "sample");
        snprintf(r.fingerprint, sizeof r.fingerprint, "FFFF");
        packages_chained(p, &r);
}

/* hello, upgraded from a signed archive; old, removed. */
static struct packages *make_of(pid_t root, struct watchset *w, enum chain_status status,
                                enum chain_reason reason)
{
        struct packages *p = NULL;

        watch(w);
        assert_int_equal(packages_new(root, DEB_MERGED_BIN, w, &p, NULL), 0);
        add(p, PACKAGE_UPGRADE, "hello", "/c/hello.deb");
        add(p, PACKAGE_REMOVE, "old", "");
        tell_package(p, 0, "hello", HASH_OF_DEB);
        chain(p, HASH_OF_DEB, status, reason);
        packages_unchained(p, "nobody said");
        assert_int_equal(packages_listed(p, 0, "/usr/bin/hello-1"), 0);
        assert_int_equal(packages_listed(p, 1, "/usr/bin/old"), 0);
        assert_int_equal(packages_listed(p, 1, "/opt/old"), 0);
        return p;
}

static struct packages *make(struct watchset *w, enum chain_status status, enum chain_reason reason)
{
        return make_of(ROOT, w, status, reason);
}

/* ---- changes ---- */

enum shape { CREATED, REPLACED, MODE, LINKS, GONE, PASSED, AS_DIR, AS_LINK, CAPS, AS_CONF };

static struct record state_of(enum shape shape, uint8_t fill, uint32_t mode)
{
        struct record r = shape == AS_DIR ? sample_dir(9) : sample_file(9, fill);

        r.uid = r.gid = 0;
        r.mode = mode;
        if (shape == AS_LINK) {
                r.type = RECORD_LINK;
                r.hash = RECORD_HASH_SKIPPED;
                r.reason = RECORD_REASON_NOT_A_FILE;
                r.link = SPAN("hello");
        }
        return r;
}

struct judged {
        struct why why;
        bool explained;
};

static struct judged judge(const struct packages *p, const char *path, enum shape shape,
                           uint8_t fill, uint32_t mode, const struct author *by,
                           const struct author *also)
{
        CLEANUP(who_unrefp) struct who *w = make_who(by);
        CLEANUP(who_unrefp) struct who *w2 = make_who(also);
        CLEANUP(buf_done) struct buf attrs = BUF_INIT(256);
        struct who *more[] = { w2, NULL };
        struct record is = state_of(shape, fill, mode), was = is;
        struct change c = { .path = span_str(path), .seen = "live", .who = w, .also = more };
        struct judged j = { .why = { .state = WHY_PACKAGE } };

        if (shape != PASSED && shape != GONE)
                c.is = &is;
        if (shape == REPLACED || shape == MODE || shape == LINKS || shape == GONE ||
            shape == AS_CONF)
                c.was = &was;
        was.ino = shape == REPLACED ? 8 : was.ino;
        was.mode = shape == MODE ? 0600 : was.mode;
        was.nlink = shape == LINKS ? 2 : was.nlink;
        if (shape == AS_CONF)
                memset(was.sha256, 0x55, sizeof was.sha256);
        if (shape == CAPS) {
                record_put_value(&attrs, RECORD_CAPS, SPAN("caps"));
                is.attrs = buf_span(&attrs);
        }
        j.explained = packages_explain(p, &c, &j.why);
        return j;
}

static void test_signed(void **state)
{
        static const struct {
                const char *path;
                enum shape shape;
                uint8_t fill;
                uint32_t mode;
                const struct author *by, *also;
                const char *want; /* NULL: explained by content; else what the detail begins with */
                bool weaker;      /* explained, with that detail */
        } cases[] = {
                /* content, whoever of the transaction it was, or nobody was seen */
                { "/usr/bin/hello", CREATED, 1, 0755, &dpkg, NULL, NULL, false },
                { "/usr/bin/hello", REPLACED, 1, 0755, &dpkg, NULL, NULL, false },
                { "/usr/bin/hello", REPLACED, 1, 0755, &script, &dpkg, NULL, false },
                { "/usr/bin/hello", REPLACED, 1, 0755, NULL, NULL, NULL, false },
                { "/usr/bin/hello.dpkg-new", CREATED, 1, 0755, NULL, NULL, NULL, false },
                { "/usr/bin/merged", CREATED, 2, 0755, &dpkg, NULL, NULL, false },
                { "/usr/bin/link", AS_LINK, 0, 0777, &dpkg, NULL, NULL, false },
                { "/usr/share/hello", AS_DIR, 0, 0755, NULL, NULL, NULL, false },
                { "/etc/hello.conf", CREATED, 3, 0644, &dpkg, NULL, NULL, false },
                { "/etc/hello.conf.dpkg-dist", CREATED, 3, 0644, NULL, NULL, NULL, false },
                /* a conffile keeps its mode */
                { "/etc/hello.conf", AS_CONF, 3, 0600, &dpkg, NULL, NULL, false },
                { "/etc/hello.conf", AS_CONF, 3, 0600, NULL, NULL, NULL, false },
                /* something else is there */
                { "/usr/bin/hello", REPLACED, 9, 0755, &dpkg, NULL,
                  "hello 2.0-1 has the path with another content", false },
                { "/usr/bin/hello", CREATED, 1, 04755, &dpkg, NULL,
                  "hello 2.0-1 has the path with another mode", false },
                { "/usr/bin/hello", AS_LINK, 1, 0777, &dpkg, NULL,
                  "hello 2.0-1 has the path with another type", false },
                { "/usr/bin/hello", CAPS, 1, 0755, &dpkg, NULL,
                  "hello 2.0-1 has the path with another attributes", false },
                { "/usr/bin/merged", CREATED, 1, 0755, &dpkg, NULL,
                  "hello 2.0-1 has the path with another content", false },
                /* by others, alone or beside it */
                { "/usr/bin/hello", REPLACED, 1, 0755, &other, NULL,
                  "hello 2.0-1 has the path as it is, but others touched it as well", false },
                { "/usr/bin/hello", REPLACED, 1, 0755, &dpkg, &other,
                  "hello 2.0-1 has the path as it is, but others touched it as well", false },
                { "/usr/bin/hello", REPLACED, 1, 0755, &other_dpkg, NULL,
                  "hello 2.0-1 has the path as it is, but others touched it as well", false },
                /* what dpkg does on the way */
                { "/usr/bin/hello.dpkg-new", CREATED, 9, 0000, &dpkg, NULL, "a work file", true },
                { "/usr/bin/hello.dpkg-new", PASSED, 0, 0, &dpkg, NULL, "a work file", true },
                { "/usr/bin/hello.dpkg-tmp", CREATED, 9, 0755, &dpkg, NULL, "a work file", true },
                { "/usr/bin/hello.dpkg-tmp", GONE, 9, 0755, &dpkg, NULL, "a work file", true },
                { "/usr/share/hello.dpkg-new/x", PASSED, 0, 0, &dpkg, NULL,
                  "dpkg in the package transaction did it, but no package", false },
                { "/usr/bin/hello", LINKS, 9, 0755, &dpkg, NULL, "dpkg linked it aside", true },
                { "/usr/share/hello", AS_DIR, 0, 0000, &dpkg, NULL, "a directory that dpkg", true },
                { "/etc/hello.conf.dpkg-old", CREATED, 9, 0600, &dpkg, NULL, "dpkg left it", true },
                /* and what only looks like it */
                { "/usr/bin/hello.dpkg-new", CREATED, 9, 0755, &other, NULL,
                  "hello 2.0-1 has the path with another content", false },
                { "/usr/bin/hello.dpkg-new", CREATED, 9, 0755, &script, NULL,
                  "hello 2.0-1 has the path with another content", false },
                { "/usr/bin/hello.dpkg-new", CREATED, 9, 0755, &like_dpkg, NULL,
                  "hello 2.0-1 has the path with another content", false },
                { "/usr/bin/hello.dpkg-new", CREATED, 9, 0755, &became_dpkg, NULL,
                  "hello 2.0-1 has the path with another content", false },
                { "/usr/bin/evil.dpkg-new", CREATED, 9, 0755, &dpkg, NULL,
                  "dpkg in the package transaction did it, but no package", false },
                { "/usr/bin/hello", LINKS, 9, 0755, &other, NULL,
                  "hello 2.0-1 has the path with another content", false },
                { "/usr/bin/hello", MODE, 1, 0755, &other, NULL,
                  "hello 2.0-1 has the path as it is, but others touched it as well", false },
                /* deletions: what dpkg had listed before, by dpkg */
                { "/usr/bin/old", GONE, 9, 0755, &dpkg, NULL, "removed by dpkg, which", true },
                { "/usr/bin/hello-1", GONE, 9, 0755, &dpkg, NULL, "removed by dpkg, which", true },
                { "/usr/bin/old", GONE, 9, 0755, &script, NULL,
                  "old 1.0-1 had the path, but it was not dpkg", false },
                { "/usr/bin/old", GONE, 9, 0755, &other, NULL,
                  "old 1.0-1 had the path, but it was not dpkg", false },
                { "/usr/bin/old", GONE, 9, 0755, NULL, NULL,
                  "old 1.0-1 had the path, but it was not dpkg", false },
                { "/usr/bin/old", CREATED, 9, 0755, &dpkg, NULL, "dpkg in the package", false },
                { "/usr/bin/hello", GONE, 1, 0755, &dpkg, NULL,
                  "hello 2.0-1 had the path, but it was not dpkg", false },
                { "/usr/bin/other", GONE, 9, 0755, &dpkg, NULL,
                  "dpkg in the package transaction did it, but no package", false },
                /* elsewhere */
                { "/usr/bin/evil", CREATED, 9, 0755, &script, NULL,
                  "a script in the package transaction did it, but no package", false },
                { "/usr/bin/evil", CREATED, 9, 0755, &hook, NULL, "", false },
                { "/usr/bin/evil", CREATED, 9, 0755, &other, NULL, "", false },
        };
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);
        static const char proof[] =
                "package file sha256 "
                "0707070707070707070707070707070707070707070707070707070707070707; Release signed "
                "by FFFF: stable sample, example.org_InRelease";

        assert_int_equal(packages_at(p, 0)->files, 6);
        assert_int_equal(packages_at(p, 0)->watched, 5);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct judged j = judge(p, cases[i].path, cases[i].shape, cases[i].fill,
                                        cases[i].mode, cases[i].by, cases[i].also);
                bool want = !cases[i].want || cases[i].weaker;
                const char *detail = cases[i].want ? cases[i].want : proof;

                if (j.explained != want || strncmp(j.why.detail, detail, strlen(detail)) != 0 ||
                    (detail[0] == '\0' && j.why.detail[0]))
                        fail_msg("case %zu, %s: %d \"%s\"", i, cases[i].path, j.explained,
                                 j.why.detail);
                if (want &&
                    strncmp(j.why.package,
                            strcmp(cases[i].path, "/usr/bin/old") == 0 ? "old 1.0-1 amd64"
                                                                       : "hello 2.0-1 amd64",
                            15) != 0)
                        fail_msg("case %zu: package \"%s\"", i, j.why.package);
        }
        watchset_done(&w);
        (void)state;
}

/* dpkg keeps the mode of a program where it was told so, but no set-uid bit of whoever told it. */
static void test_told_to_keep(void **state)
{
        static const struct {
                enum shape shape;
                uint32_t mode;
                const struct author *by;
                bool want;
        } cases[] = {
                { AS_CONF, 0700, &dpkg, true },   { CREATED, 0700, &dpkg, false },
                { MODE, 0700, &dpkg, false },     { AS_CONF, 0700, &script, false },
                { AS_CONF, 0700, NULL, false },   { AS_CONF, 04755, &dpkg, false },
                { AS_CONF, 02755, &dpkg, false },
        };
        static const char nearest[] = "hello 2.0-1 has the path with another mode";
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct judged j = judge(p, "/usr/bin/hello", cases[i].shape, 1, cases[i].mode,
                                        cases[i].by, NULL);

                if (j.explained != cases[i].want ||
                    (!j.explained && strcmp(j.why.detail, nearest) != 0))
                        fail_msg("case %zu: %d \"%s\"", i, j.explained, j.why.detail);
        }
        watchset_done(&w);
        (void)state;
}

/* dpkg's own directory: what control.tar holds, what dpkg writes, and what neither did. */
static void test_info(void **state)
{
        static const char proof[] = "package file sha256 0707";
        static const char no_package[] = "dpkg in the package transaction did it, but no package";
        static const struct {
                const char *path;
                enum shape shape;
                uint8_t fill;
                uint32_t mode;
                const struct author *by, *also;
                bool want;
                const char *detail;
        } cases[] = {
                { "hello.postinst", CREATED, 0x21, 0755, &dpkg, NULL, true, proof },
                { "hello.postinst", REPLACED, 0x21, 0755, &dpkg, NULL, true, proof },
                { "hello:amd64.postinst", CREATED, 0x21, 0755, &dpkg, NULL, true, proof },
                { "hello.postinst", CREATED, 0x21, 0644, NULL, NULL, true, proof },
                { "hello.md5sums", CREATED, 0x22, 0644, &dpkg, NULL, true, proof },
                { "hello:i386.postinst", CREATED, 0x21, 0755, &dpkg, NULL, false, no_package },
                { "hello.postinst", REPLACED, 9, 0755, &dpkg, NULL, false,
                  "hello 2.0-1 has it with another content" },
                { "hello.postinst", AS_LINK, 0x21, 0777, &dpkg, NULL, false,
                  "hello 2.0-1 has it with another type" },
                { "hello.postinst", CREATED, 0x21, 0775, &dpkg, NULL, false,
                  "hello 2.0-1 has it with another mode" },
                { "hello.postinst", CREATED, 0x21, 04755, &dpkg, NULL, false,
                  "hello 2.0-1 has it with another mode" },
                { "hello.postinst", CAPS, 0x21, 0755, &dpkg, NULL, false,
                  "hello 2.0-1 has it with another attributes" },
                { "hello.postinst", REPLACED, 0x21, 0755, &other, NULL, false,
                  "hello 2.0-1 has it as it is, but others" },
                { "hello.postinst", REPLACED, 0x21, 0755, &dpkg, &other, false,
                  "hello 2.0-1 has it as it is, but others" },
                { "hello.postinst", REPLACED, 9, 0755, &other, NULL, false,
                  "hello 2.0-1 has it with another content" },
                { "hello.control", CREATED, 0x20, 0644, &dpkg, NULL, false,
                  "hello 2.0-1 has no such file" },
                { "hello.prerm", CREATED, 9, 0755, &dpkg, NULL, false,
                  "hello 2.0-1 has no such file" },
                /* dpkg's own */
                { "hello.list", REPLACED, 9, 0644, &dpkg, NULL, true, "what dpkg itself keeps" },
                { "hello.list-new", PASSED, 0, 0, &dpkg, NULL, true, "what dpkg itself keeps" },
                { "hello.list", REPLACED, 9, 0666, &dpkg, NULL, false,
                  "hello 2.0-1 has no such file" },
                { "hello.list", REPLACED, 9, 0644, &script, NULL, false,
                  "hello 2.0-1 has no such file" },
                { "hello.list", REPLACED, 9, 0644, &dpkg, &other, false,
                  "hello 2.0-1 has no such file" },
                { "hello.list", REPLACED, 9, 0644, NULL, NULL, false,
                  "hello 2.0-1 has no such file" },
                { "hello.md5sums", CREATED, 9, 0644, &dpkg, NULL, false,
                  "hello 2.0-1 has it with another content" },
                { "old.list", REPLACED, 9, 0644, &dpkg, NULL, true, "what dpkg itself keeps" },
                /* taken away */
                { "hello.prerm", GONE, 9, 0755, &dpkg, NULL, true, "dpkg removed what it kept" },
                { "old.postinst", GONE, 9, 0755, &dpkg, NULL, true, "dpkg removed what it kept" },
                { "old.postinst", GONE, 9, 0755, &script, NULL, false,
                  "old 1.0-1 had it, but it was not dpkg" },
                { "old.postinst", GONE, 9, 0755, NULL, NULL, false,
                  "old 1.0-1 had it, but it was not dpkg" },
                { "hello.postinst", PASSED, 0, 0, &dpkg, NULL, false,
                  "hello 2.0-1 had it, but it was not dpkg" },
                { "format", CREATED, 9, 0644, &dpkg, NULL, true, "the form of dpkg's database" },
                { "format-new", PASSED, 0, 0, &dpkg, NULL, true, "the form of dpkg's database" },
                { "format", CREATED, 9, 0644, &script, NULL, false,
                  "a script in the package transaction" },
                /* of no package */
                { "evil.postinst", CREATED, 0x21, 0755, &dpkg, NULL, false, no_package },
                { "evil.list", CREATED, 9, 0644, &dpkg, NULL, false, no_package },
                { "old.postinst", GONE, 9, 0755, &other_dpkg, NULL, false,
                  "old 1.0-1 had it, but it was not dpkg" },
                { "hello.postinst/x", CREATED, 0x21, 0755, &dpkg, NULL, false, no_package },
                { ".postinst", CREATED, 0x21, 0755, &dpkg, NULL, false, no_package },
                { "hello.", CREATED, 0x21, 0755, &dpkg, NULL, false, no_package },
        };
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                char path[256];
                struct judged j;

                snprintf(path, sizeof path, INFO "%s", cases[i].path);
                j = judge(p, path, cases[i].shape, cases[i].fill, cases[i].mode, cases[i].by,
                          cases[i].also);
                if (j.explained != cases[i].want ||
                    strncmp(j.why.detail, cases[i].detail, strlen(cases[i].detail)) != 0 ||
                    j.why.content != (cases[i].detail == proof))
                        fail_msg("case %zu, %s: %d \"%s\"", i, path, j.explained, j.why.detail);
        }
        assert_true(packages_have(p, SPAN(INFO "hello.postinst")));
        assert_true(packages_have(p, SPAN(INFO "old.list")));
        assert_false(packages_have(p, SPAN(INFO "evil.list")));
        watchset_done(&w);
        (void)state;
}

static bool is_changed(void *ctx, struct span path)
{
        return span_eq_str(path, ctx);
}

/* Which scripts are a package's, and which lists. */
static void test_changed(void **state)
{
        static const struct {
                const char *changed, *script;
                bool want;
        } cases[] = {
                { "", INFO "old.postinst", true },
                { INFO "hello.postinst", INFO "old.postinst", true },
                { INFO "old.postinst", INFO "old.postinst", false },
                { "", NEXT "postinst", true },
                { "", NEXT "preinst", false }, /* no package here has one */
        };
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct author by = script;
                CLEANUP(who_unrefp) struct who *who = NULL;

                by.script = cases[i].script;
                who = make_who(&by);
                packages_set_changed(p, is_changed, (void *)cases[i].changed);
                if ((packages_began(p, who) == ACTOR_FITS) != cases[i].want)
                        fail_msg("case %zu", i);
                assert_true(span_eq_str(package_script_of(p, who), cases[i].script));
                assert_int_equal(packages_actor(p, who), PACKAGE_BY_SCRIPT);
        }
        assert_true(judge(p, "/usr/bin/old", GONE, 9, 0755, &dpkg, NULL).explained);
        packages_set_changed(p, is_changed, (void *)INFO "old.list");
        assert_false(judge(p, "/usr/bin/old", GONE, 9, 0755, &dpkg, NULL).explained);
        packages_set_changed(p, is_changed, (void *)INFO "old:amd64.list");
        assert_false(judge(p, "/usr/bin/old", GONE, 9, 0755, &dpkg, NULL).explained);
        watchset_done(&w);
        (void)state;
}

/* What no signed Release has explains nothing, not even what dpkg does for it. */
static void test_unsigned(void **state)
{
        static const struct {
                enum chain_status status;
                enum chain_reason reason;
                const char *want;
        } cases[] = {
                { CHAIN_UNKNOWN, CHAIN_NOT_LISTED,
                  "hello 2.0-1 has the path, but no signed Release has the package: not_listed" },
                { CHAIN_UNSIGNED, CHAIN_NO_SIGNATURE,
                  "hello 2.0-1 has the path, but no signed Release has the package: no_signature" },
                { CHAIN_UNSIGNED, CHAIN_INDEX_CHANGED,
                  "hello 2.0-1 has the path, but no signed Release has the package: index_changed" },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset w = { 0 };
                CLEANUP(packages_freep)
                struct packages *p = make(&w, cases[i].status, cases[i].reason);
                struct judged j = judge(p, "/usr/bin/hello", CREATED, 1, 0755, &dpkg, NULL);

                assert_false(j.explained);
                assert_string_equal(j.why.detail, cases[i].want);
                j = judge(p, "/usr/bin/hello.dpkg-new", CREATED, 9, 0, &dpkg, NULL);
                assert_false(j.explained);
                j = judge(p, "/usr/bin/hello-1", GONE, 9, 0755, &dpkg, NULL);
                assert_false(j.explained);
                assert_false(packages_have(p, SPAN("/usr/bin/hello")));
                assert_false(packages_all_signed(p));
                watchset_done(&w);
        }
        (void)state;
}

/* Not read, badly read, or the chain has another hash. */
static void test_unread(void **state)
{
        struct watchset w = { 0 };
        CLEANUP(packages_freep) struct packages *p = NULL;
        struct judged j;

        watch(&w);
        assert_int_equal(packages_new(ROOT, 0, &w, &p, NULL), 0);
        add(p, PACKAGE_INSTALL, "hello", "/c/hello.deb");
        tell_package(p, 0, "hello", HASH_OF_DEB);
        j = judge(p, "/usr/bin/hello", CREATED, 1, 0755, &dpkg, NULL);
        assert_false(j.explained);
        assert_string_equal(j.why.detail, "hello 2.0-1 has the path, but was not read yet");
        chain(p, HASH_OF_DEB + 1, CHAIN_SIGNED, CHAIN_HOLDS);
        assert_int_equal(packages_at(p, 0)->trust, PACKAGE_UNREAD);
        packages_read(p, 0, "job deb: crashed");
        chain(p, HASH_OF_DEB, CHAIN_SIGNED, CHAIN_HOLDS);
        assert_int_equal(packages_at(p, 0)->trust, PACKAGE_UNPROVED);
        j = judge(p, "/usr/bin/hello", CREATED, 1, 0755, &dpkg, NULL);
        assert_false(j.explained);
        assert_string_equal(j.why.detail, "hello 2.0-1 has the path, but no signed Release has the "
                                          "package: job deb: crashed");
        watchset_done(&w);
        (void)state;
}

/* A file of another package than apt said. */
static void test_other_package(void **state)
{
        struct watchset w = { 0 };
        CLEANUP(packages_freep) struct packages *p = NULL;
        struct deb_fact f = { .kind = DEB_FACT_PACKAGE,
                              .package = "hello",
                              .version = "2.0-1",
                              .architecture = "all" };

        watch(&w);
        assert_int_equal(packages_new(ROOT, 0, &w, &p, NULL), 0);
        add(p, PACKAGE_INSTALL, "hello", "/c/hello.deb");
        assert_int_equal(packages_fact(p, 0, &f), 0);
        snprintf(f.version, sizeof f.version, "1.9-1");
        assert_int_equal(packages_fact(p, 0, &f), -EBADMSG);
        snprintf(f.version, sizeof f.version, "2.0-1");
        snprintf(f.architecture, sizeof f.architecture, "arm64");
        assert_int_equal(packages_fact(p, 0, &f), -EBADMSG);
        snprintf(f.architecture, sizeof f.architecture, "amd64");
        snprintf(f.package, sizeof f.package, "evil");
        assert_int_equal(packages_fact(p, 0, &f), -EBADMSG);
        watchset_done(&w);
        (void)state;
}

static void test_actor(void **state)
{
        static const struct {
                const struct author *by;
                enum package_actor want;
        } cases[] = {
                { NULL, PACKAGE_BY_UNKNOWN },      { &dpkg, PACKAGE_BY_DPKG },
                { &script, PACKAGE_BY_SCRIPT },    { &hook, PACKAGE_BY_APT },
                { &hook_of_dpkg, PACKAGE_BY_APT }, { &apt, PACKAGE_BY_APT },
                { &other, PACKAGE_BY_OTHER },      { &other_dpkg, PACKAGE_BY_OTHER },
                { &like_dpkg, PACKAGE_BY_APT },    { &became_dpkg, PACKAGE_BY_APT },
        };
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);
        CLEANUP(packages_freep) struct packages *nobody = NULL;

        assert_int_equal(packages_new(0, 0, &w, &nobody, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(who_unrefp) struct who *who = make_who(cases[i].by);

                if (packages_actor(p, who) != cases[i].want)
                        fail_msg("case %zu", i);
                assert_int_equal(packages_actor(nobody, who),
                                 who ? PACKAGE_BY_OTHER : PACKAGE_BY_UNKNOWN);
                assert_int_equal(packages_began(p, who) == ACTOR_FITS,
                                 cases[i].want == PACKAGE_BY_SCRIPT);
                assert_int_equal(packages_began(NULL, who), ACTOR_OTHER);
        }
        watchset_done(&w);
        (void)state;
}

/* Neither dpkg nor its script may have been led, or be elsewhere, whoever the author is; and the
 * script finds the programs that it names. */
static void test_plain(void **state)
{
        static const struct {
                int at; /* of the parents; -1: the author */
                struct who_exe file;
                enum actor_fit want;
        } cases[] = {
                { -1, { .dev = 1 }, ACTOR_FITS },
                { -1, { .led = true }, ACTOR_LED },
                { -1, { .strays = true }, ACTOR_STRAYS },
                { 0, { .led = true }, ACTOR_LED },
                { 0, { .elsewhere = true }, ACTOR_ELSEWHERE },
                { 0, { .nameless = true }, ACTOR_NAMELESS },
                { 0, { .strays = true }, ACTOR_FITS },
        };
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);

        assert_true(strcmp(script.parents[0].exe, dpkg.exe) == 0);
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                CLEANUP(who_unrefp) struct who *who = make_who(&script);

                *(cases[i].at < 0 ? &who->file : &who->parents[cases[i].at].file) = cases[i].file;
                if (packages_began(p, who) != cases[i].want)
                        fail_msg("case %zu", i);
                assert_int_equal(packages_actor(p, who),
                                 cases[i].want == ACTOR_FITS ? PACKAGE_BY_SCRIPT : PACKAGE_BY_APT);
        }
        watchset_done(&w);
        (void)state;
}

/* In another mount namespace any file may lie where dpkg or its script does. */
static void test_elsewhere(void **state)
{
        static const struct author *const by[] = { &dpkg, &script };
        struct watchset w = { 0 };
        CLEANUP(packages_freep)
        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);

        for (size_t i = 0; i < ARRAY_LEN(by); i++) {
                CLEANUP(who_unrefp) struct who *who = make_who(by[i]);

                who->has |= WHO_HAS_MOUNT_NS;
                assert_int_equal(packages_actor(p, who), PACKAGE_BY_APT);
                assert_int_not_equal(packages_began(p, who), ACTOR_FITS);
        }
        watchset_done(&w);
        (void)state;
}

/* dpkg left another content: another file was unpacked, and its scripts count for nothing. */
static void test_doubt(void **state)
{
        static const struct {
                const struct author *by;
                const char *path;
                uint8_t fill;
                uint32_t mode;
                bool want;
        } cases[] = {
                { &other, "/usr/bin/hello", 9, 0755, false },
                { &script, "/usr/bin/hello", 9, 0755, false },
                { &dpkg, "/usr/bin/hello", 1, 0755, false },
                { &dpkg, "/usr/bin/hello", 1, 0750, false }, /* dpkg-statoverride */
                { &dpkg, "/usr/bin/evil", 9, 0755, false },
                { &dpkg, "/usr/bin/hello", 9, 0755, true },
                { &dpkg, INFO "hello.postinst", 9, 0755, true },
                { &dpkg, INFO "hello.postinst", 0x21, 0700, false },
        };

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct watchset w = { 0 };
                CLEANUP(packages_freep)
                struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);
                CLEANUP(who_unrefp) struct who *who = make_who(cases[i].by);
                CLEANUP(who_unrefp) struct who *one = make_who(&script);
                struct record is = state_of(CREATED, cases[i].fill, cases[i].mode);
                struct change c = {
                        .path = span_str(cases[i].path), .seen = "live", .who = who, .is = &is
                };

                assert_int_equal(packages_began(p, one), ACTOR_FITS);
                packages_doubt(p, &c);
                if (packages_at(p, 0)->doubted != cases[i].want)
                        fail_msg("case %zu", i);
                assert_int_equal(packages_began(p, one),
                                 cases[i].want ? ACTOR_UNSIGNED : ACTOR_FITS);
                watchset_done(&w);
        }
        (void)state;
}

/* Where the newer transaction explains nothing, the older one is asked. */
static void test_older(void **state)
{
        struct watchset w = { 0 }, w2 = { 0 };
        CLEANUP(packages_freep)
        struct packages *older = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);
        CLEANUP(packages_freep)
        struct packages *p = make(&w2, CHAIN_UNKNOWN, CHAIN_NOT_LISTED);

        assert_false(judge(p, "/usr/bin/hello", CREATED, 1, 0755, &dpkg, NULL).explained);
        packages_set_older(p, older);
        assert_true(judge(p, "/usr/bin/hello", CREATED, 1, 0755, &dpkg, NULL).explained);
        assert_true(packages_have(p, SPAN("/usr/bin/hello")));
        assert_true(packages_have(p, SPAN("/usr/bin/hello.dpkg-new")));
        assert_true(packages_have(p, SPAN("/usr/bin/old")));
        assert_false(packages_have(p, SPAN("/usr/bin/evil")));
        assert_false(packages_have(NULL, SPAN("/usr/bin/hello")));
        watchset_done(&w);
        watchset_done(&w2);
        (void)state;
}

/* Before it was looked at what one dpkg did, another one of the next transaction did it, too. */
static void test_two(void **state)
{
        static const struct {
                enum chain_status status; /* of the other transaction's packages */
                const struct author *by, *also;
                bool want;
        } cases[] = {
                { CHAIN_SIGNED, &dpkg, &other_dpkg, true },
                { CHAIN_SIGNED, &other_dpkg, &dpkg, true },
                { CHAIN_SIGNED, &dpkg, &stranger, false },
                { CHAIN_SIGNED, &other_dpkg, &stranger, false },
                { CHAIN_UNKNOWN, &dpkg, &other_dpkg, false },
        };

        for (unsigned turn = 0; turn < 2; turn++)
                for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                        struct watchset w = { 0 }, w2 = { 0 };
                        struct packages *p = make(&w, CHAIN_SIGNED, CHAIN_HOLDS);
                        struct packages *two = make_of(
                                99, &w2, cases[i].status,
                                cases[i].status == CHAIN_SIGNED ? CHAIN_HOLDS : CHAIN_NOT_LISTED);
                        struct packages *newer = turn ? p : two, *older = turn ? two : p;

                        packages_set_older(newer, older);
                        if (judge(newer, "/usr/bin/hello", CREATED, 1, 0755, cases[i].by,
                                  cases[i].also)
                                    .explained != cases[i].want)
                                fail_msg("case %zu, turn %u", i, turn);
                        packages_free(newer);
                        packages_free(older);
                        watchset_done(&w);
                        watchset_done(&w2);
                }
        (void)state;
}

static void test_work_names(void **state)
{
        static const struct {
                const char *path;
                enum package_work want;
                const char *name;
        } cases[] = {
                { "/usr/bin/x", PACKAGE_WORK_NONE, "/usr/bin/x" },
                { "/usr/bin/x.dpkg-new", PACKAGE_WORK_NEW, "/usr/bin/x" },
                { "/usr/bin/x.dpkg-tmp", PACKAGE_WORK_TMP, "/usr/bin/x" },
                { "/etc/x.dpkg-old", PACKAGE_WORK_OLD, "/etc/x" },
                { "/etc/x.dpkg-dist", PACKAGE_WORK_DIST, "/etc/x" },
                { "/usr/d.dpkg-new/x", PACKAGE_WORK_NEW, "/usr/d/x" },
                { "/usr/d.dpkg-new/x.dpkg-tmp", PACKAGE_WORK_TMP, "/usr/d/x" },
                { "/usr/bin/.dpkg-new", PACKAGE_WORK_NONE, "/usr/bin/.dpkg-new" },
                { "/usr/bin/x.dpkg-new2", PACKAGE_WORK_NONE, "/usr/bin/x.dpkg-new2" },
                { "x.dpkg-new", PACKAGE_WORK_NEW, "x" },
                { "", PACKAGE_WORK_NONE, "" },
        };
        char out[PACKAGE_PATH_MAX + 1];
        struct span name;

        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                enum package_work w = package_work_name(span_str(cases[i].path), out, &name);

                if (w != cases[i].want || !span_eq_str(name, cases[i].name))
                        fail_msg("%s: %d, %s", cases[i].path, w, out);
        }
        (void)state;
}

static void test_refused(void **state)
{
        static const struct package_name names[] = {
                { .name = SPAN_INIT("") },
                { .name = SPAN_INIT("a b") },
                { .name = SPAN_INIT("a\xff") },
                { .name = SPAN_INIT("a"), .to = SPAN_INIT("1\n2") },
                { .name = SPAN_INIT("a"), .path = SPAN_INIT("a.deb") },
                { .name = SPAN_INIT("a"), .path = SPAN_INIT("/a\0b") },
        };
        struct watchset w = { 0 };
        CLEANUP(packages_freep) struct packages *p = NULL;
        struct package_name good = { .name = SPAN("a") };

        watch(&w);
        assert_int_equal(packages_new(ROOT, 0, &w, &p, NULL), 0);
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                assert_int_equal(packages_add(p, &names[i], NULL), -EINVAL);
        assert_false(packages_all_signed(p));
        for (size_t i = 0; i < PACKAGES_MAX; i++)
                assert_int_equal(packages_add(p, &good, NULL), 0);
        assert_int_equal(packages_add(p, &good, NULL), -E2BIG);
        watchset_done(&w);
        (void)state;
}

/* Many paths: all are found; more than there may be are refused, and then nothing counts. */
static void test_many(void **state)
{
        struct watchset w = { 0 };
        CLEANUP(packages_freep) struct packages *p = NULL;
        char path[64];
        int rc = 0;
        size_t n;

        watch(&w);
        assert_int_equal(packages_new(ROOT, 0, &w, &p, NULL), 0);
        add(p, PACKAGE_REMOVE, "old", "");
        for (n = 0; n <= PACKAGES_PATHS_MAX && rc == 0; n++) {
                snprintf(path, sizeof path, "/usr/share/%zu", n);
                rc = packages_listed(p, 0, path);
        }
        assert_int_equal(rc, -E2BIG);
        assert_int_equal(n, PACKAGES_PATHS_MAX + 1);
        for (size_t i = 0; i < PACKAGES_PATHS_MAX; i += 997) {
                snprintf(path, sizeof path, "/usr/share/%zu", i);
                assert_true(packages_have(p, span_str(path)));
        }
        watchset_done(&w);
        (void)state;
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_told_to_keep),  cmocka_unit_test(test_signed),
                cmocka_unit_test(test_info),          cmocka_unit_test(test_changed),
                cmocka_unit_test(test_unsigned),      cmocka_unit_test(test_unread),
                cmocka_unit_test(test_other_package), cmocka_unit_test(test_actor),
                cmocka_unit_test(test_elsewhere),     cmocka_unit_test(test_plain),
                cmocka_unit_test(test_doubt),         cmocka_unit_test(test_older),
                cmocka_unit_test(test_two),           cmocka_unit_test(test_work_names),
                cmocka_unit_test(test_refused),       cmocka_unit_test(test_many),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
