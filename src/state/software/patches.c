/* SPDX-License-Identifier: Apache-2.0 */
/* Packages for which the host's sources have a newer version, and how old the indexes are that say
 * so.
 *
 *   apt-get(8) -s dist-upgrade, one line for each that would be unpacked:
 *     Inst libc6 [2.36-9] (2.36-10 Debian:12.15/oldstable, Debian-Security:12/x [amd64]) [...]
 *   Release, InRelease: wiki.debian.org/DebianRepository/Format
 *
 * Nothing is fetched: what an index does not have yet is not pending yet.  Held packages count, for
 * a hold is no reason not to know. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/rows/since.h"
#include "state/tables.h"

enum { EVERY_S = 6 * 3600 };

static const struct state_column columns[] = {
        { "candidate", STATE_TEXT, 0, "version that would be installed" },
        { "checked", STATE_TIME, STATE_LOOSE, "when the index was asked for last" },
        { "installed", STATE_TEXT, 0, "version that is; absent: it would come new" },
        { "kind", STATE_TEXT, STATE_KEY, "update, or index" },
        { "name", STATE_TEXT, STATE_KEY, "package, or file of the index" },
        { "origin", STATE_LIST, 0, "where the candidate comes from: Debian:12.15/oldstable" },
        { "published", STATE_TIME, STATE_LOOSE, "date of the index" },
        { "security", STATE_BOOL, 0, "it is a security update" },
        { "since", STATE_TIME, STATE_LOOSE, "when it was first seen to be pending" },
};

#define APT                                                                                        \
        "/usr/bin/apt-get -s -qq --ignore-hold -o Debug::NoLocking=1 -o "                          \
        "APT::Get::Show-User-Simulation-Note=0 dist-upgrade"
#define LISTS "/var/lib/apt/lists"

static const struct state_source sources[] = {
        { STATE_FILES, STATE_NAMES, LISTS },
        { STATE_FILES, STATE_NAMES, LISTS "/partial" },
        { STATE_FILES, STATE_NAMES, "/var/lib/apt/periodic/update*-stamp" },
        { STATE_FILES, 0, LISTS "/*Release" },
        { STATE_PROGRAM, 0, APT },
        { STATE_FILE, STATE_WAKES, "/var/lib/dpkg/status" },
        { STATE_FILE, STATE_WAKES, "/etc/apt/sources.list" },
        { STATE_FILES, STATE_WAKES, "/etc/apt/sources.list.d/*" },
        { STATE_FILES, STATE_WAKES, "/etc/apt/preferences.d/*" },
};

/* ---- pending ---- */

static bool ends_with(struct span s, const char *end)
{
        size_t n = strlen(end);

        return s.n >= n && memcmp(s.p + s.n - n, end, n) == 0;
}

/* Debian-Security:12/oldstable-security, Ubuntu:24.04/noble-security. */
static bool is_security(struct span origin)
{
        return ends_with(origin, "-security") || span_starts(origin, SPAN("Debian-Security:"));
}

/* Between open and close at the front of *rest. */
static bool bracketed(struct span *rest, char open, char close, struct span *ret)
{
        struct span s = field_trim(*rest);
        const uint8_t *end = s.n && s.p[0] == (uint8_t)open ? memchr(s.p, close, s.n) : NULL;

        if (!end)
                return false;
        *ret = span_of(s.p + 1, (size_t)(end - s.p) - 1);
        *rest = span_from(s, ret->n + 2);
        return true;
}

/* "Debian:12.15/oldstable, Other:1/x [amd64]" */
static bool put_origins(struct state_out *out, struct span origins)
{
        const uint8_t *arch = origins.n ? memchr(origins.p, '[', origins.n) : NULL;
        bool security = false;
        struct span one;

        if (arch)
                origins.n = (size_t)(arch - origins.p);
        state_no_items(out, "origin");
        while (field_cut(&origins, ',', &one)) {
                one = field_trim(one);
                if (one.n == 0)
                        continue;
                state_item(out, "origin", one);
                security |= is_security(one);
        }
        return security;
}

static int put_update(struct state_out *out, const struct state_part *p, struct span line,
                      uint32_t number)
{
        struct span name, installed = SPAN_NONE, what, candidate;

        if (!field_word(&line, &name))
                return state_fault(out, p, number, "no package");
        (void)bracketed(&line, '[', ']', &installed);
        if (!bracketed(&line, '(', ')', &what) || !field_word(&what, &candidate))
                return state_fault(out, p, number, "no version");
        state_begin(out);
        state_str(out, "kind", "update");
        state_text(out, "name", name);
        state_text(out, "candidate", candidate);
        if (installed.n)
                state_text(out, "installed", installed);
        state_bool(out, "security", put_origins(out, what));
        state_since(out, "since");
        return state_end(out);
}

static int read_apt(struct state_out *out, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line, word;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line))
                if (field_word(&line, &word) && span_eq_str(word, "Inst"))
                        rc = put_update(out, p, line, l.number);
        return rc;
}

/* ---- indexes ---- */

struct index {
        struct span label, suite, date;
};

/* The members that count stand before the long lists of hashes. */
static void index_of(struct span text, struct index *x)
{
        static const char *const names[] = { "Label", "Suite", "Date" };
        struct span *const to[] = { &x->label, &x->suite, &x->date };
        struct field_lines l = { .rest = text };
        struct span line, name;

        *x = (struct index){ 0 };
        while (field_line(&l, &line) && !span_starts(line, SPAN(" "))) {
                if (!field_cut(&line, ':', &name))
                        continue;
                for (size_t i = 0; i < ARRAY_LEN(names); i++)
                        if (span_eq_str(name, names[i]))
                                *to[i] = field_trim(line);
        }
}

static int put_index(struct state_out *out, const struct state_part *p, int64_t checked_ns)
{
        struct buf origin = BUF_INIT(STATE_ROW_MAX);
        struct index x;
        int64_t ns;

        index_of(p->bytes, &x);
        if (!field_date(x.date, &ns))
                return state_fault(out, p, 0, "no date of the index");
        buf_put(&origin, x.label);
        buf_put_byte(&origin, ':');
        buf_put(&origin, x.suite);
        state_begin(out);
        state_str(out, "kind", "index");
        state_text(out, "name", field_base(p->name));
        if (buf_status(&origin) == 0)
                state_item(out, "origin", buf_span(&origin));
        state_time(out, "published", ns);
        if (checked_ns)
                state_time(out, "checked", checked_ns);
        buf_done(&origin);
        return state_end(out);
}

static int read_patches(struct state_in *in, struct state_out *out, struct err *err)
{
        int64_t checked_ns = 0;
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                if (span_eq_str(p.name, APT)) {
                        if (state_readable(out, &p, STATE_MAY_BE_ABSENT))
                                rc = read_apt(out, &p);
                } else if (ends_with(p.name, "Release")) {
                        if (state_readable(out, &p, STATE_MUST_BE))
                                rc = put_index(out, &p, checked_ns);
                } else {
                        checked_ns = MAX_OF(checked_ns, p.mtime_ns);
                }
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_patches = {
        .name = "patches",
        .about = "updates that wait to be installed",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = EVERY_S,
        .read = read_patches,
};
