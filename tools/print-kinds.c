/* SPDX-License-Identifier: Apache-2.0 */
/* print-kinds [FILE] - docs/kinds.md from the table of kinds; with FILE, compare instead. */
#include "base/buf.h"
#include "wire/kind.h"

#include <stdio.h>

enum { TEXT_MAX = 1024 * 1024 };

static const char *type_name(enum kind_type type)
{
        static const char *const names[] = {
                [KIND_TEXT] = "text",  [KIND_INT] = "integer",    [KIND_BOOL] = "true or false",
                [KIND_TIME] = "time",  [KIND_DIGEST] = "SHA-256", [KIND_U64] = "unsigned",
                [KIND_LIST] = "array", [KIND_OBJECT] = "object",
        };

        return names[type];
}

static void put_field(struct buf *b, const struct kind_field *f)
{
        buf_printf(b, "| `%s` | %s | %s%s%s | %s |\n", f->path, type_name(f->type),
                   f->flags & KIND_REQUIRED ? "required" : "",
                   (f->flags & KIND_REQUIRED) && (f->flags & KIND_SENSITIVE) ? ", " : "",
                   f->flags & KIND_SENSITIVE ? "sensitive" : "", f->about);
        if (f->flags & KIND_BYTES)
                buf_printf(b, "| `%s_b64` | base64 | | the same where it is not UTF-8 |\n",
                           f->path);
}

static void put_kind(struct buf *b, const struct kind *k)
{
        buf_printf(b, "\n## %s, version %d\n\n%s Owner: `%s`.", k->name, k->v, k->about, k->owner);
        if (k->ocsf)
                buf_printf(b, " OCSF class %u.", k->ocsf);
        buf_put_str(b, "\n\n| field | type | | meaning |\n|---|---|---|---|\n");
        for (const struct kind_field *f = k->fields; f->path; f++)
                put_field(b, f);
}

static void put_all(struct buf *b)
{
        buf_put_str(
                b,
                "<!-- Printed by tools/print-kinds.c from src/wire/kind_table.c; do not edit. -->\n"
                "# Kinds of entries\n\n"
                "What may be recorded, by which process, with which fields. Every entry has `k` (the\n"
                "kind), `t` (time, RFC 3339 in UTC with nine decimals) and `v` (the kind's version);\n"
                "the recorder adds `id`, `src`, `_sd` and `_subj`. A published kind stays readable for\n"
                "ever; new fields get a new version. A *sensitive* field never stands in an entry: its\n"
                "salted digest does, and the value lies sealed in the vault until its subject is\n"
                "erased. *unsigned* is an integer, above 2^53-1 a decimal string.\n");
        for (size_t i = 0; i < kind_count; i++)
                put_kind(b, &kind_table[i]);
}

static int compare(const char *path, struct span want)
{
        static char have[TEXT_MAX];
        FILE *f = fopen(path, "rb");
        size_t n = f ? fread(have, 1, sizeof have, f) : 0;

        if (f)
                fclose(f);
        if (span_eq(span_of(have, n), want))
                return 0;
        fprintf(stderr, "%s is not what the table says; print it again: print-kinds > %s\n", path,
                path);
        return 1;
}

int main(int argc, char **argv)
{
        struct buf b = BUF_INIT(TEXT_MAX);
        int r;

        put_all(&b);
        if (buf_status(&b) < 0)
                return 1;
        if (argc > 1)
                r = compare(argv[1], buf_span(&b));
        else
                r = fwrite(b.p, 1, b.n, stdout) == b.n ? 0 : 1;
        buf_done(&b);
        return r;
}
