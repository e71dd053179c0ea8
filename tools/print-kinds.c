/* SPDX-License-Identifier: Apache-2.0 */
/* print-kinds.c - docs/kinds.md from the table in src/wire/kind.c; the gate compares them. */
#include <stdio.h>

#include "wire/kind.h"

static const char *const type_names[] = {
        [KIND_TEXT] = "text",  [KIND_INT] = "integer",   [KIND_BOOL] = "true or false",
        [KIND_TIME] = "time",  [KIND_DIGEST] = "hash",   [KIND_U64] = "decimal string",
        [KIND_LIST] = "array", [KIND_OBJECT] = "object",
};

static const char intro[] =
        "# Kinds of entries\n"
        "\n"
        "What a ledger may hold: each kind with its version, the process that owns it, and its\n"
        "fields. The recorder refuses an entry whose kind is unknown, is not its sender's, or has\n"
        "other fields than these. Beside them every entry has `k` (kind), `v` (version), `t` (time)\n"
        "and, added by the recorder, `id` and `src`. A published kind stays readable for ever.\n"
        "\n"
        "*Sensitive* fields are never in the ledger: it holds their salted digests (`_sd`), and\n"
        "the values lie sealed in the vault until they are erased. A *bytes* field that is not UTF-8\n"
        "is named with `_b64` behind it and holds base64. A hash is 64 hex digits, a time is RFC 3339\n"
        "in UTC with nine decimals, a decimal string holds a number that may not fit 53 bits.\n"
        "\n"
        "This page is printed by `tools/print-kinds` from `src/wire/kind.c`; do not edit it.\n";

static void print_field(const struct kind_field *f)
{
        printf("| `%s` | %s%s%s%s | %s |\n", f->path, type_names[f->type],
               f->flags & KIND_REQUIRED ? ", required" : "",
               f->flags & KIND_SENSITIVE ? ", *sensitive*" : "",
               f->flags & KIND_BYTES ? ", *bytes*" : "", f->about);
}

static void print_kind(const struct kind *k)
{
        const struct kind_field *f = k->fields;

        printf("\n## %s, version %d\n\n%s. Owner: `%s`.", k->name, k->v, k->about, k->owner);
        if (k->ocsf)
                printf(" OCSF class %u.", k->ocsf);
        puts("");
        if (!f || !f->path)
                return;
        puts("\n| field | type | |\n|---|---|---|");
        for (; f->path; f++)
                print_field(f);
}

int main(void)
{
        fputs(intro, stdout);
        for (size_t i = 0; i < kind_count; i++)
                print_kind(&kind_table[i]);
        return fflush(stdout) == 0 ? 0 : 1;
}
