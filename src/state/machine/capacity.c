/* SPDX-License-Identifier: Apache-2.0 */
/* What is used of processors, memory and disks, every quarter hour.
 *
 *   /proc/stat, "cpu ": proc(5): user nice system idle iowait irq softirq steal ..., in 1/100 s
 *   /proc/loadavg: proc(5)          /proc/meminfo: proc(5), in KiB
 *   /proc/pressure/{cpu,io,memory}: Documentation/accounting/psi.rst of the kernel
 *   filesystems: monitor/filesystems.c
 *
 * The time of processors is told as the kernel counts it, since the host came up: two samples give
 * the use between them, whichever two, and a sample that is missing takes nothing with it. */
#include "state/reading/fields.h"
#include "state/rows/row.h"
#include "state/tables.h"

enum { EVERY_S = 15 * 60, TICK_MS = 10 };

static const struct state_column columns[] = {
        { "available", STATE_INT, 0, "bytes that can still be had" },
        { "busy_ms", STATE_INT, 0, "time of processors spent working, since the host came up" },
        { "full_avg300", STATE_INT, 0, "1/100 % of 5 minutes when all that could work waited" },
        { "idle_ms", STATE_INT, 0, "time of processors spent idle" },
        { "inodes", STATE_INT, 0, "number of inodes" },
        { "inodes_free", STATE_INT, 0, "inodes that are free" },
        { "iowait_ms", STATE_INT, 0, "time of processors idle while a disk was waited for" },
        { "kind", STATE_TEXT, STATE_KEY, "processor, load, memory, swap, pressure, filesystem" },
        { "load1", STATE_INT, 0, "processes that run or wait, 1 minute, in 1/100" },
        { "load15", STATE_INT, 0, "the same, 15 minutes" },
        { "load5", STATE_INT, 0, "the same, 5 minutes" },
        { "name", STATE_TEXT, STATE_KEY, "which of them" },
        { "processors", STATE_INT, 0, "how many are at work" },
        { "read_only", STATE_BOOL, 0, "nothing can be written" },
        { "size", STATE_INT, 0, "bytes" },
        { "some_avg300", STATE_INT, 0, "1/100 % of 5 minutes when something waited" },
        { "steal_ms", STATE_INT, 0, "time of processors taken by other virtual machines" },
        { "type", STATE_TEXT, 0, "of a filesystem" },
        { "used", STATE_INT, 0, "bytes" },
};

#define STAT     "/proc/stat"
#define LOAD     "/proc/loadavg"
#define MEMORY   "/proc/meminfo"
#define PRESSURE "/proc/pressure/"
#define BUILTIN  "filesystems"

static const struct state_source sources[] = {
        { STATE_KERNEL, 0, STAT },     { STATE_KERNEL, 0, LOAD },
        { STATE_KERNEL, 0, MEMORY },   { STATE_KERNELS, 0, PRESSURE "*" },
        { STATE_BUILTIN, 0, BUILTIN },
};

static void begin(struct state_out *out, const char *kind, struct span name)
{
        state_begin(out);
        state_str(out, "kind", kind);
        state_text(out, "name", name);
}

/* ---- processors ---- */

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TICKS };

static bool ticks_of(struct span rest, uint64_t t[TICKS])
{
        struct span word;

        for (int i = 0; i < TICKS; i++)
                if (!field_word(&rest, &word) || !field_number(word, &t[i]) ||
                    t[i] > JSON_INT_MAX / (TICKS * TICK_MS))
                        return false;
        return true;
}

static int read_stat(struct state_out *out, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        uint64_t t[TICKS], processors = 0;
        struct span line, word;
        bool all = false;

        while (field_line(&l, &line)) {
                if (!field_word(&line, &word) || !span_starts(word, SPAN("cpu")))
                        continue;
                if (span_eq_str(word, "cpu"))
                        all = ticks_of(line, t);
                else
                        processors++;
        }
        if (!all)
                return state_fault(out, p, 0, "no times of all processors");
        begin(out, "processor", SPAN("all"));
        state_u64(out, "processors", processors);
        state_u64(out, "busy_ms", (t[USER] + t[NICE] + t[SYSTEM] + t[IRQ] + t[SOFTIRQ]) * TICK_MS);
        state_u64(out, "idle_ms", t[IDLE] * TICK_MS);
        state_u64(out, "iowait_ms", t[IOWAIT] * TICK_MS);
        state_u64(out, "steal_ms", t[STEAL] * TICK_MS);
        return state_end(out);
}

/* "12.34": 1234. */
static bool hundredths(struct span s, uint64_t *ret)
{
        struct span whole, part;
        uint64_t a, b;

        if (!field_cut(&s, '.', &whole) || !field_cut(&s, '.', &part) || s.n || part.n != 2 ||
            !field_number(whole, &a) || !field_number(part, &b) || a > UINT32_MAX)
                return false;
        *ret = a * 100 + b;
        return true;
}

static int read_load(struct state_out *out, const struct state_part *p)
{
        static const char *const names[] = { "load1", "load5", "load15" };
        struct span rest = p->bytes, word;
        uint64_t v;

        begin(out, "load", SPAN("all"));
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                if (!field_word(&rest, &word) || !hundredths(word, &v))
                        return state_fault(out, p, 1, "not three loads");
                state_u64(out, names[i], v);
        }
        return state_end(out);
}

/* ---- memory ---- */

static bool bytes_of(struct span text, const char *name, uint64_t *ret)
{
        struct field_lines l = { .rest = text };
        struct span line, word, number;

        while (field_line(&l, &line))
                if (field_word(&line, &word) && span_eq_str(word, name)) {
                        if (!field_word(&line, &number) || !field_number(number, ret) ||
                            *ret > JSON_INT_MAX / 1024)
                                return false;
                        *ret *= 1024;
                        return true;
                }
        return false;
}

static int put_memory(struct state_out *out, const struct state_part *p, const char *kind,
                      const char *total, const char *available)
{
        uint64_t size, left;

        if (!bytes_of(p->bytes, total, &size) || !bytes_of(p->bytes, available, &left) ||
            left > size)
                return state_fault(out, p, 0, "no size of %s", kind);
        begin(out, kind, SPAN("all"));
        state_u64(out, "size", size);
        state_u64(out, "available", left);
        state_u64(out, "used", size - left);
        return state_end(out);
}

static int read_memory(struct state_out *out, const struct state_part *p)
{
        int rc = put_memory(out, p, "memory", "MemTotal:", "MemAvailable:");

        return rc < 0 ? rc : put_memory(out, p, "swap", "SwapTotal:", "SwapFree:");
}

/* ---- pressure ---- */

static bool average(struct span line, uint64_t *ret)
{
        static const char name[] = "avg300=";
        struct span word;

        while (field_word(&line, &word))
                if (span_starts(word, span_str(name)))
                        return hundredths(span_from(word, sizeof name - 1), ret);
        return false;
}

static int read_pressure(struct state_out *out, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line, word;
        uint64_t v;

        begin(out, "pressure", field_base(p->name));
        while (field_line(&l, &line)) {
                bool some;

                if (!field_word(&line, &word))
                        continue;
                some = span_eq_str(word, "some");
                if (!some && !span_eq_str(word, "full"))
                        continue;
                if (!average(line, &v))
                        return state_fault(out, p, l.number, "no average of 300 s");
                state_u64(out, some ? "some_avg300" : "full_avg300", v);
        }
        if (!state_has(out, "some_avg300") && !state_has(out, "full_avg300"))
                return state_fault(out, p, 0, "neither some nor full");
        return state_end(out);
}

/* ---- filesystems ---- */

enum { PLACE, TYPE, SOURCE, SIZE, USED, AVAILABLE, INODES, INODES_FREE, MODE, FIELDS };

static int put_filesystem(struct state_out *out, const struct state_part *p, struct span line,
                          uint32_t number)
{
        uint64_t v[FIELDS] = { 0 };
        struct span f[FIELDS];
        bool good = field_split(line, '\t', f, FIELDS);

        for (int i = SIZE; i < MODE && good; i++)
                good = field_number(f[i], &v[i]);
        if (!good)
                return state_fault(out, p, number, "not a filesystem");
        begin(out, "filesystem", f[PLACE]);
        state_text(out, "type", f[TYPE]);
        state_u64(out, "size", v[SIZE]);
        state_u64(out, "used", v[USED]);
        state_u64(out, "available", v[AVAILABLE]);
        if (v[INODES]) {
                state_u64(out, "inodes", v[INODES]);
                state_u64(out, "inodes_free", v[INODES_FREE]);
        }
        state_bool(out, "read_only", span_eq_str(f[MODE], "ro"));
        return state_end(out);
}

static int read_filesystems(struct state_out *out, const struct state_part *p)
{
        struct field_lines l = { .rest = p->bytes };
        struct span line;
        int rc = 0;

        while (rc == 0 && field_line(&l, &line))
                rc = put_filesystem(out, p, line, l.number);
        return rc;
}

static int read_capacity(struct state_in *in, struct state_out *out, struct err *err)
{
        struct state_part p;
        int rc = 0;

        (void)err;
        while (rc == 0 && state_next(in, &p)) {
                if (p.status == EOPNOTSUPP && span_starts(p.name, SPAN(PRESSURE)))
                        continue; /* it is switched off: psi=0 */
                if (!state_readable(out, &p, STATE_MUST_BE))
                        continue;
                if (span_eq_str(p.name, STAT))
                        rc = read_stat(out, &p);
                else if (span_eq_str(p.name, LOAD))
                        rc = read_load(out, &p);
                else if (span_eq_str(p.name, MEMORY))
                        rc = read_memory(out, &p);
                else if (span_eq_str(p.name, BUILTIN))
                        rc = read_filesystems(out, &p);
                else
                        rc = read_pressure(out, &p);
        }
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_capacity = {
        .name = "capacity",
        .about = "use of processors, memory and disks, every quarter hour",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = EVERY_S,
        .flags = STATE_SAMPLES,
        .read = read_capacity,
};
