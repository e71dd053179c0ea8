/* SPDX-License-Identifier: Apache-2.0 */
/* The packages of a Debian host: the status file of dpkg(1), paragraphs of deb-control(5) with a
 * field Status: what is wanted, whether it is well, what it is ("install ok installed").  What a
 * dpkg that runs has not yet merged into it is not there yet. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

#include <strings.h>

static const struct state_column columns[] = {
        { "architecture", STATE_TEXT, STATE_KEY, "what it is built for; all: for any" },
        { "hold", STATE_BOOL, 0, "kept as it is: no upgrade touches it" },
        { "name", STATE_TEXT, STATE_KEY, "name of the package" },
        { "source", STATE_TEXT, 0, "source package it is built from" },
        { "source_version", STATE_TEXT, 0, "version of that, which advisories name" },
        { "status", STATE_TEXT, 0, "installed, config-files, half-installed..." },
        { "version", STATE_TEXT, 0, "version of the package" },
};

static const struct state_source sources[] = { { STATE_FILE, 0, "/var/lib/dpkg/status" } };

enum { PACKAGE, ARCHITECTURE, SOURCE, STATUS, VERSION, FIELDS };
static const char *const field_names[FIELDS] = {
        [PACKAGE] = "Package", [ARCHITECTURE] = "Architecture", [SOURCE] = "Source",
        [STATUS] = "Status",   [VERSION] = "Version",
};

struct paragraph {
        struct span field[FIELDS];
        uint32_t line; /* its first one; 0: there is none */
        bool twice;
};

/* "name (1.2-3)", or without a version. */
static void put_source(struct state_out *out, const struct paragraph *g)
{
        struct span source = g->field[SOURCE], name = g->field[PACKAGE];
        struct span version = g->field[VERSION];

        if (source.n) {
                (void)!field_word(&source, &name);
                source = field_trim(source);
                if (source.n > 2 && source.p[0] == '(' && source.p[source.n - 1] == ')')
                        version = span_of(source.p + 1, source.n - 2);
        }
        state_text(out, "source", name);
        if (version.n)
                state_text(out, "source_version", version);
}

static int put(struct state_out *out, const struct state_part *p, const struct paragraph *g)
{
        struct span status = g->field[STATUS], want, well, what;

        if (g->twice)
                return state_fault(out, p, g->line, "a field twice in one package");
        if (g->field[PACKAGE].n == 0 || g->field[ARCHITECTURE].n == 0)
                return state_fault(out, p, g->line, "a package without name or architecture");
        if (!field_word(&status, &want) || !field_word(&status, &well) ||
            !field_word(&status, &what) || field_trim(status).n)
                return state_fault(out, p, g->line, "status is not three words");
        state_begin(out);
        state_text(out, "name", g->field[PACKAGE]);
        state_text(out, "architecture", g->field[ARCHITECTURE]);
        state_bool(out, "hold", span_eq_str(want, "hold"));
        state_text(out, "status", span_eq_str(well, "ok") ? what : well);
        if (g->field[VERSION].n)
                state_text(out, "version", g->field[VERSION]);
        put_source(out, g);
        return state_end(out);
}

static void note(struct paragraph *g, struct span line)
{
        struct span name;

        if (line.p[0] == ' ' || line.p[0] == '\t' || !memchr(line.p, ':', line.n))
                return; /* goes on with a field that no column has */
        (void)!field_cut(&line, ':', &name);
        for (size_t i = 0; i < FIELDS; i++)
                if (name.n == strlen(field_names[i]) &&
                    strncasecmp((const char *)name.p, field_names[i], name.n) == 0) {
                        g->twice |= g->field[i].n > 0;
                        g->field[i] = field_trim(line);
                }
}

static int read_part(struct state_out *out, const struct state_part *p)
{
        struct field_lines lines = { .rest = p->bytes };
        struct paragraph g = { 0 };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&lines, &line)) {
                if (field_trim(line).n) {
                        g.line = g.line ? g.line : lines.number;
                        note(&g, line);
                } else if (g.line) {
                        rc = put(out, p, &g);
                        g = (struct paragraph){ 0 };
                }
        }
        return rc == 0 && g.line ? put(out, p, &g) : rc;
}

/* A host without dpkg has no such file, and no packages. */
static int read_packages(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p))
                if (state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        rc = read_part(out, &p);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_packages = {
        .name = "packages",
        .about = "packages that dpkg knows",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 2,
        .read = read_packages,
};
