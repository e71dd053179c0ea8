/* SPDX-License-Identifier: Apache-2.0 */
/* build_source.c - which files make up a package.  Floor 2, pure. */
#include "package/build.h"

#include "package/source/nearest.h"

static const struct span names[] = {
        SPAN_INIT("openapi.yaml"),  SPAN_INIT("gateway.yaml"), SPAN_INIT("backend.yaml"),
        SPAN_INIT("policy.cedar"),  SPAN_INIT("README.md"),    SPAN_INIT("types.cedarschema"),
        SPAN_INIT("entities.yaml"),
};

static const struct span policies = SPAN_INIT("policies/"), cedar = SPAN_INIT(".cedar");

static bool ends(struct span s, struct span with)
{
        return s.n >= with.n && span_eq(span_from(s, s.n - with.n), with);
}

/* policies/<name>.cedar */
static bool is_policy(struct span path)
{
        struct span name = span_from(path, policies.n);

        return span_starts(path, policies) && name.n > cedar.n && ends(name, cedar) &&
               name.p[0] != '.' && !memchr(name.p, '/', name.n);
}

bool build_source_ok(struct span path)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq(path, names[i]))
                        return true;
        return is_policy(path) && package_path_ok(path) && path.n <= PACKAGE_PATH_MAX;
}

/* The last dot and what is behind it. */
static struct span extension(struct span path)
{
        size_t n = path.n;

        while (n > 0 && path.p[n - 1] != '.' && path.p[n - 1] != '/')
                n--;
        return n > 0 && path.p[n - 1] == '.' ? span_from(path, n - 1) : SPAN_NONE;
}

static struct span without_extension(struct span path)
{
        return span_of(path.p, path.n - extension(path).n);
}

/* Another spelling of one of ours: openapi.yml, openapi.json. */
static const struct span *same_stem(struct span path)
{
        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (ends(names[i], SPAN(".yaml")) &&
                    span_eq(without_extension(path), without_extension(names[i])))
                        return &names[i];
        return NULL;
}

/* ---- what is not seen ---- */

/* U+202A to U+202E, U+2066 to U+2069: three bytes in UTF-8. */
static bool turns(struct span s)
{
        return s.n >= 3 && s.p[0] == 0xe2 &&
               ((s.p[1] == 0x80 && s.p[2] >= 0xaa && s.p[2] <= 0xae) ||
                (s.p[1] == 0x81 && s.p[2] >= 0xa6 && s.p[2] <= 0xa9));
}

static bool is_lone_return(struct span s)
{
        return s.p[0] == '\r' && (s.n == 1 || s.p[1] != '\n');
}

void build_check_text(struct lint *l, const struct package_source *s)
{
        struct source_mark mark = { 1, 0 };
        struct span before = l->file;
        bool turned = false, returned = false;

        l->file = s->path;
        for (struct span rest = s->text; rest.n > 0; rest = span_from(rest, 1)) {
                mark.column += (rest.p[0] & 0xc0) != 0x80;
                if (is_lone_return(rest) && !returned) {
                        returned = true;
                        lint_error(l, &mark,
                                   "a carriage return without a line feed: it ends the line here, "
                                   "and not where people see it");
                } else if (turns(rest) && !turned) {
                        turned = true;
                        lint_error(l, &mark,
                                   "a character that turns text around (U+%02X%02X): what is read "
                                   "here is not what people see",
                                   0x20, (rest.p[1] & 1) << 6 | (rest.p[2] & 0x3f));
                } else if (rest.p[0] == '\n') {
                        mark = (struct source_mark){ mark.line + 1, 0 };
                }
        }
        l->file = before;
}

void build_refuse_source(struct lint *l, struct span path)
{
        struct span before = l->file;
        const struct span *stem = same_stem(path);
        size_t near = nearest_of(path, names, ARRAY_LEN(names));

        l->file = path;
        if (stem)
                lint_error(l, NULL, "rename it to %.*s%s", (int)stem->n, (const char *)stem->p,
                           span_eq_str(extension(path), ".json") ? ", which may be JSON" : "");
        else if (near < ARRAY_LEN(names) && !span_starts(path, policies))
                lint_error(l, NULL, "not a part of a package: did you mean %.*s?",
                           (int)names[near].n, (const char *)names[near].p);
        else if (ends(path, cedar))
                lint_error(l, NULL,
                           "not a part of a package: more policies are in policies/NAME.cedar");
        else
                lint_error(l, NULL, "not a part of a package: move it out of the directory");
        l->file = before;
}
