/* SPDX-License-Identifier: Apache-2.0 */
/* Does the host keep a record of what is done on it: the kernel's audit system, auditd, the
 * journal.
 *
 *   auditctl(8) -s, a name and a number a line; -l, a rule a line
 *   audit.rules(7): what auditctl gets at the start
 *   auditd.conf(5): name = value
 *   journald.conf(5): Name=value; drop-ins by their name, one in /etc instead of its namesakes */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/software/service.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "count", STATE_INT, STATE_LOOSE, "records lost, records that wait" },
        { "enabled", STATE_BOOL, 0, "auditd starts with the host" },
        { "file", STATE_TEXT, STATE_KEY, "where a rule is written; empty for others" },
        { "installed", STATE_BOOL, 0, "auditd is there" },
        { "kind", STATE_TEXT, STATE_KEY, "status, loaded, rule, auditd, journald or service" },
        { "name", STATE_TEXT, STATE_KEY, "what of it; a rule as it is written" },
        { "running", STATE_BOOL, 0, "auditd runs; absent: without systemd that is not known" },
        { "value", STATE_TEXT, 0, "what it is set to" },
};

static const struct unit auditd = { "auditd", "/sbin/auditd", "auditd.service" };

#define STATUS  "/sbin/auditctl -s"
#define LOADED  "/sbin/auditctl -l"
#define CONFIG  "/etc/audit/auditd.conf"
#define RULES   "/etc/audit/"
#define JOURNAL "journald.conf"
#define KEPT    "/var/log/journal"

static const struct state_source sources[] = {
        { STATE_PROGRAM, STATE_AS_ROOT, STATUS },
        { STATE_PROGRAM, STATE_AS_ROOT, LOADED },
        UNIT_HOST,
        UNIT_SOURCES("/sbin/auditd", "auditd.service"),
        { STATE_FILE, 0, CONFIG },
        { STATE_FILE, 0, RULES "audit.rules" },
        { STATE_FILES, STATE_FOLLOW, RULES "rules.d/*.rules" },
        { STATE_FILES, STATE_FOLLOW, "/etc/systemd/" JOURNAL },
        { STATE_FILES, STATE_FOLLOW, "/usr/lib/systemd/" JOURNAL ".d/*.conf" },
        { STATE_FILES, STATE_FOLLOW, "/run/systemd/" JOURNAL ".d/*.conf" },
        { STATE_FILES, STATE_FOLLOW, "/etc/systemd/" JOURNAL ".d/*.conf" },
        { STATE_FILES, STATE_NAMES, KEPT },
};

static void begin(struct state_out *out, const char *kind, struct span name, struct span file)
{
        state_begin(out);
        state_str(out, "kind", kind);
        state_text(out, "name", name);
        state_text(out, "file", file);
}

static int put_value(struct state_out *out, const char *kind, struct span name, struct span value)
{
        begin(out, kind, name, SPAN_NONE);
        state_text(out, "value", value);
        return state_end(out);
}

/* ---- the kernel's ---- */

static bool moves(struct span name)
{
        static const char *const names[] = { "lost", "backlog", "backlog_wait_time_actual" };

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(name, names[i]))
                        return true;
        return false;
}

static int put_status(struct state_out *out, const struct state_part *p, struct span line,
                      uint32_t number)
{
        struct span name, value;
        uint64_t n;

        if (!field_word(&line, &name))
                return 0;
        value = field_trim(line);
        if (value.n == 0)
                return state_fault(out, p, number, "not a name and a value");
        if (span_eq_str(name, "pid"))
                return put_value(out, "status", SPAN("has_daemon"),
                                 span_eq_str(value, "0") ? SPAN("no") : SPAN("yes"));
        if (!moves(name))
                return put_value(out, "status", name, value);
        if (!field_number(value, &n))
                return state_fault(out, p, number, "not a number");
        begin(out, "status", name, SPAN_NONE);
        state_u64(out, "count", n);
        return state_end(out);
}

static int put_rule(struct state_out *out, const struct state_part *p, struct span line,
                    uint32_t number)
{
        bool loaded = span_eq_str(p->name, LOADED);

        (void)number;
        line = field_trim(line);
        if (line.n == 0 || line.p[0] == '#' || (loaded && span_eq_str(line, "No rules")))
                return 0;
        begin(out, loaded ? "loaded" : "rule", line, loaded ? SPAN_NONE : p->name);
        return state_end(out);
}

static int put_auditd(struct state_out *out, const struct state_part *p, struct span line,
                      uint32_t number)
{
        struct span name;

        line = field_trim(line);
        if (line.n == 0 || line.p[0] == '#')
                return 0;
        if (!memchr(line.p, '=', line.n) || !field_cut(&line, '=', &name) || name.n == 0)
                return state_fault(out, p, number, "not a name and a value");
        return put_value(out, "auditd", field_trim(name), field_trim(line));
}

static int each_line(struct state_out *out, const struct state_part *p, state_line_fn *fn)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line))
                rc = fn(out, p, line, l.number);
        return rc;
}

static int put_service(struct state_out *out, struct state_in in)
{
        struct unit_state s;

        unit_state_of(in, &auditd, &s);
        begin(out, "service", span_str(auditd.name), SPAN_NONE);
        unit_put(out, &s);
        return state_end(out);
}

/* ---- the journal's ---- */

static const char *const journal_names[] = {
        "Audit",           "Compress",       "ForwardToSyslog",      "MaxFileSec",
        "MaxRetentionSec", "RateLimitBurst", "RateLimitIntervalSec", "Seal",
        "Storage",         "SystemKeepFree", "SystemMaxUse",
};

enum { STORAGE = 8 };

static bool is_journal(struct span name)
{
        return memmem(name.p, name.n, "systemd/" JOURNAL, sizeof "systemd/" JOURNAL - 1) != NULL;
}

static bool is_drop_in(struct span name)
{
        return !span_eq_str(name, "/etc/systemd/" JOURNAL);
}

/* One of the same name that comes later stands in a directory that counts more. */
static bool is_replaced(const struct state_part *p, struct state_in rest)
{
        struct state_part q;

        while (state_next(&rest, &q))
                if (is_journal(q.name) && span_eq(field_base(q.name), field_base(p->name)))
                        return true;
        return false;
}

/* The last line of this name; false: there is none. */
static bool last_value(struct span text, const char *name, struct span *ret)
{
        struct field_lines l = { .rest = text };
        struct span line, key;
        bool found = false;

        while (field_line(&l, &line)) {
                line = field_trim(line);
                if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';' ||
                    !field_cut(&line, '=', &key) || !span_eq_str(field_trim(key), name))
                        continue;
                *ret = field_trim(line);
                found = true;
        }
        return found;
}

/* Drop-ins count more than the file, and by their name: the greatest last. */
static struct span journal_value(struct state_in in, const char *name)
{
        struct span best = SPAN_NONE, value = SPAN_NONE, v, base;
        struct state_part p;

        state_again(&in);
        while (state_next(&in, &p)) {
                if (p.status || !is_journal(p.name) || !last_value(p.bytes, name, &v))
                        continue;
                base = is_drop_in(p.name) ? field_base(p.name) : SPAN_NONE;
                if (span_cmp(base, best) < 0 || (base.n && is_replaced(&p, in)))
                        continue;
                best = base;
                value = v;
        }
        return value;
}

static bool is_persistent(struct state_in in, struct span storage)
{
        struct state_part p = { .status = ENOENT };

        if (storage.n && !span_eq_str(storage, "auto"))
                return span_eq_str(storage, "persistent");
        return state_part_named(&in, SPAN(KEPT), &p) && p.status == 0;
}

static int put_journal(struct state_out *out, struct state_in in)
{
        bool there = false;
        struct state_part p;
        struct span v;
        int rc = 0;

        state_again(&in);
        while (state_next(&in, &p))
                there |= p.status == 0 && is_journal(p.name);
        if (!there) /* a host without systemd */
                return 0;
        for (size_t i = 0; i < ARRAY_LEN(journal_names) && rc == 0; i++) {
                v = journal_value(in, journal_names[i]);
                if (v.n)
                        rc = put_value(out, "journald", span_str(journal_names[i]), v);
        }
        v = journal_value(in, journal_names[STORAGE]);
        return rc < 0 ? rc
                      : put_value(out, "journald", SPAN("persistent"),
                                  is_persistent(in, v) ? SPAN("yes") : SPAN("no"));
}

/* ---- all ---- */

static state_line_fn *reader_of(struct span name)
{
        if (span_eq_str(name, STATUS))
                return put_status;
        if (span_eq_str(name, CONFIG))
                return put_auditd;
        if (span_eq_str(name, LOADED) || span_starts(name, SPAN(RULES)))
                return put_rule;
        return NULL;
}

static int read_audit(struct state_in *in, struct state_out *out, struct err *err)
{
        int rc = put_service(out, *in);
        struct state_part p;

        (void)err;
        if (rc == 0)
                rc = put_journal(out, *in);
        while (rc == 0 && state_next(in, &p)) {
                state_line_fn *fn = reader_of(p.name);

                if (p.status >= BUNDLE_PROGRAM_FAILED) { /* a container may not ask */
                        if (fn == put_status)
                                rc = put_value(out, "status", SPAN("readable"), SPAN("no"));
                        continue;
                }
                if (fn && state_readable(out, &p, STATE_MAY_BE_ABSENT))
                        rc = each_line(out, &p, fn);
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_audit = {
        .name = "audit",
        .about = "does the host keep a record of what is done on it",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 300,
        .read = read_audit,
};
