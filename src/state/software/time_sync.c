/* SPDX-License-Identifier: Apache-2.0 */
/* Is the clock right, who keeps it so, and by which servers.
 *
 *   clock: monitor/clock.c, what adjtimex(2) tells
 *   chrony.conf(5), ntp.conf(5): "server", "pool" or "peer", a name, options
 *   ntpd.conf(5) of OpenBSD: "server" or "servers", a name, options
 *   timesyncd.conf(5): NTP= and FallbackNTP=, names with blanks between */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/software/service.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "enabled", STATE_BOOL, 0, "it starts with the host" },
        { "file", STATE_TEXT, STATE_KEY, "where a server is set; empty for others" },
        { "installed", STATE_BOOL, 0, "it is there" },
        { "kind", STATE_TEXT, STATE_KEY, "clock, service or server" },
        { "last_sync", STATE_TIME, STATE_LOOSE, "when systemd-timesyncd set the clock last" },
        { "max_error_us", STATE_INT, STATE_LOOSE, "how wrong the clock may be" },
        { "name", STATE_TEXT, STATE_KEY, "which of them" },
        { "offset_us", STATE_INT, STATE_LOOSE, "what is still to be made up" },
        { "options", STATE_TEXT, 0, "of a server" },
        { "running", STATE_BOOL, 0, "it runs; absent: without systemd that is not known" },
        { "synchronised", STATE_BOOL, 0, "the kernel takes the clock for right" },
};

#define SERVICES(X)                                                                                \
        X("chrony", "/usr/sbin/chronyd", "chrony.service")                                         \
        X("ntpsec", "/usr/sbin/ntpd", "ntpsec.service")                                            \
        X("openntpd", "/usr/sbin/openntpd", "openntpd.service")                                    \
        X("systemd-timesyncd", "/lib/systemd/systemd-timesyncd", "systemd-timesyncd.service")

#define AS_UNIT(name, program, service)    { name, program, service },
#define AS_SOURCES(name, program, service) UNIT_SOURCES(program, service),

static const struct unit services[] = { SERVICES(AS_UNIT) };

#define CLOCK     "clock"
#define LAST_SYNC "/run/systemd/timesync/synchronized"
#define TIMESYNCD "/etc/systemd/timesyncd.conf"

static const struct state_source sources[] = {
        { STATE_BUILTIN, 0, CLOCK },
        { STATE_FILES, STATE_NAMES, LAST_SYNC },
        UNIT_HOST,
        SERVICES(AS_SOURCES){ STATE_FILES, STATE_FOLLOW, "/etc/chrony/chrony.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/chrony/conf.d/*.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/chrony/sources.d/*.sources" },
        { STATE_FILES, STATE_FOLLOW, "/etc/chrony.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/ntp.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/ntpsec/ntp.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/openntpd/ntpd.conf" },
        { STATE_FILES, STATE_FOLLOW, TIMESYNCD },
        { STATE_FILES, STATE_FOLLOW, TIMESYNCD ".d/*.conf" },
};

static void begin(struct state_out *out, const char *kind, struct span name, struct span file)
{
        state_begin(out);
        state_str(out, "kind", kind);
        state_text(out, "name", name);
        state_text(out, "file", file);
}

/* ---- the clock ---- */

/* synchronised, greatest error and offset in us, the last with a sign of its own. */
static int put_clock(struct state_out *out, const struct state_part *p, int64_t last_sync_ns)
{
        enum { SYNCHRONISED, ERROR, SIGN, OFFSET, FIELDS };
        struct field_lines l = { .rest = p->bytes };
        struct span line, f[FIELDS];
        uint64_t error, offset;

        if (!field_line(&l, &line) || !field_split(line, '\t', f, FIELDS) ||
            !field_number(f[ERROR], &error) || !field_number(f[OFFSET], &offset) ||
            offset > INT32_MAX)
                return state_fault(out, p, 1, "not a clock");
        begin(out, "clock", SPAN("kernel"), SPAN_NONE);
        state_bool(out, "synchronised", span_eq_str(f[SYNCHRONISED], "1"));
        state_u64(out, "max_error_us", error);
        state_int(out, "offset_us", span_eq_str(f[SIGN], "-") ? -(int64_t)offset : (int64_t)offset);
        if (last_sync_ns > 0)
                state_time(out, "last_sync", last_sync_ns);
        return state_end(out);
}

static int put_services(struct state_out *out, struct state_in in)
{
        struct unit_state s;
        int rc = 0;

        for (size_t i = 0; i < ARRAY_LEN(services) && rc == 0; i++) {
                unit_state_of(in, &services[i], &s);
                if (!s.installed && !s.enabled)
                        continue;
                begin(out, "service", span_str(services[i].name), SPAN_NONE);
                unit_put(out, &s);
                rc = state_end(out);
        }
        return rc;
}

/* ---- servers ---- */

static int put_server(struct state_out *out, const struct state_part *p, struct span name,
                      struct span options)
{
        begin(out, "server", name, p->name);
        if (options.n)
                state_text(out, "options", options);
        return state_end(out);
}

static int put_line(struct state_out *out, const struct state_part *p, struct span line)
{
        static const char *const words[] = { "server", "servers", "pool", "peer" };
        struct span word, name;

        if (!field_word(&line, &word))
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(words); i++)
                if (span_eq_str(word, words[i]) && field_word(&line, &name))
                        return put_server(out, p, name, field_trim(line));
        return 0;
}

static int put_setting(struct state_out *out, const struct state_part *p, struct span line)
{
        struct span key, name;
        bool fallback;
        int rc = 0;

        if (!field_cut(&line, '=', &key))
                return 0;
        key = field_trim(key);
        fallback = span_eq_str(key, "FallbackNTP");
        if (!fallback && !span_eq_str(key, "NTP"))
                return 0;
        while (rc == 0 && field_word(&line, &name))
                rc = put_server(out, p, name, fallback ? SPAN("fallback") : SPAN_NONE);
        return rc;
}

static int put_servers(struct state_out *out, const struct state_part *p)
{
        bool systemd = span_starts(p->name, SPAN(TIMESYNCD));
        struct field_lines l = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line)) {
                line = field_trim(line);
                if (line.n && line.p[0] != '#' && line.p[0] != ';' && line.p[0] != '!')
                        rc = systemd ? put_setting(out, p, line) : put_line(out, p, line);
        }
        return rc;
}

static bool is_configuration(struct span name)
{
        return span_starts(name, SPAN("/etc/")) && !span_starts(name, SPAN("/etc/systemd/system/"));
}

static int read_time(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p, last = { .status = ENOENT };
        int rc = put_services(out, *in);

        (void)err;
        (void)state_part_named(in, SPAN(LAST_SYNC), &last);
        while (rc == 0 && state_next(in, &p)) {
                if (span_eq_str(p.name, CLOCK)) {
                        if (state_readable(out, &p, STATE_MUST_BE))
                                rc = put_clock(out, &p, last.status ? 0 : last.mtime_ns);
                } else if (is_configuration(p.name) &&
                           state_readable(out, &p, STATE_MAY_BE_ABSENT)) {
                        rc = put_servers(out, &p);
                }
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_time_sync = {
        .name = "time_sync",
        .about = "is the clock right, and who keeps it so",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 300,
        .read = read_time,
};
