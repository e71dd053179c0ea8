/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel that runs, the newest that is installed, and what protects it.
 *
 *   /proc/sys/kernel, /proc/cmdline: proc(5), Documentation/admin-guide/sysctl/kernel.rst
 *   /sys/devices/system/cpu/vulnerabilities: Documentation/admin-guide/hw-vuln
 *   /sys/kernel/security/{lsm,lockdown}: kernel_lockdown(7); the one in brackets is in force
 *   efivars: UEFI 2.10, 3.3: SecureBoot, four bytes of attributes and a byte that is 1 or 0
 *   /run/reboot-required: Debian's and Ubuntu's packages put it there */
#include "state/reading/fields.h"
#include "state/reading/mask.h"
#include "state/rows/row.h"
#include "state/tables.h"

static const struct state_column columns[] = {
        { "kind", STATE_TEXT, STATE_KEY, "release, reboot, protection or vulnerability" },
        { "name", STATE_TEXT, STATE_KEY, "what of it" },
        { "value", STATE_TEXT, 0, "as the kernel says it" },
};

#define SYSCTL       "/proc/sys/kernel/"
#define RUNNING      SYSCTL "osrelease"
#define CMDLINE      "/proc/cmdline"
#define HOLES        "/sys/devices/system/cpu/vulnerabilities/"
#define SECURITY     "/sys/kernel/security/"
#define EFIVARS      "/sys/firmware/efi/efivars/"
#define EFI_GLOBAL   "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define IMAGES       "/boot/vmlinuz-"
#define REBOOT       "/run/reboot-required"
#define REBOOT_NAMES "/run/reboot-required.pkgs"

static const struct state_source sources[] = {
        { STATE_KERNEL, 0, RUNNING },
        { STATE_KERNEL, 0, CMDLINE },
        { STATE_KERNEL, 0, SYSCTL "kexec_load_disabled" },
        { STATE_KERNEL, 0, SYSCTL "modules_disabled" },
        { STATE_KERNEL, 0, SYSCTL "randomize_va_space" },
        { STATE_KERNEL, 0, SYSCTL "tainted" },
        { STATE_KERNELS, 0, HOLES "*" },
        { STATE_KERNEL, 0, SECURITY "lockdown" },
        { STATE_KERNEL, 0, SECURITY "lsm" },
        { STATE_KERNELS, 0, EFIVARS "Se[ct]u*" EFI_GLOBAL },
        { STATE_FILES, STATE_NAMES, IMAGES "*" },
        { STATE_FILES, STATE_NAMES, REBOOT },
        { STATE_FILE, 0, REBOOT_NAMES },
};

static int put(struct state_out *out, const char *kind, struct span name, struct span value)
{
        state_begin(out);
        state_str(out, "kind", kind);
        state_text(out, "name", name);
        mask_text(out, "value", value);
        return state_end(out);
}

/* ---- releases ---- */

static bool is_digit(uint8_t c)
{
        return c >= '0' && c <= '9';
}

static struct span take_digits(struct span *s)
{
        struct span d = *s;
        size_t n = 0;

        while (n < s->n && is_digit(s->p[n]))
                n++;
        d.n = n;
        *s = span_from(*s, n);
        while (d.n && d.p[0] == '0')
                d = span_from(d, 1);
        return d;
}

/* By numbers where both have one: 6.1.0-9 is before 6.1.0-10. */
static int cmp_release(struct span a, struct span b)
{
        while (a.n && b.n) {
                if (is_digit(a.p[0]) && is_digit(b.p[0])) {
                        struct span x = take_digits(&a), y = take_digits(&b);
                        int c = x.n != y.n ? (x.n < y.n ? -1 : 1) : span_cmp(x, y);

                        if (c)
                                return c;
                } else if (a.p[0] != b.p[0]) {
                        return a.p[0] < b.p[0] ? -1 : 1;
                } else {
                        a = span_from(a, 1);
                        b = span_from(b, 1);
                }
        }
        return (a.n > 0) - (b.n > 0);
}

static struct span trimmed(struct span s)
{
        while (s.n && (s.p[s.n - 1] == '\n' || s.p[s.n - 1] == ' '))
                s.n--;
        return s;
}

static int put_releases(struct state_out *out, const struct state_in *in)
{
        struct state_in it = { in->all, in->all };
        struct span newest = SPAN_NONE, running = SPAN_NONE;
        bool asked = false;
        struct state_part p;
        int rc = 0;

        while (state_next(&it, &p)) {
                if (p.status)
                        continue;
                if (span_eq_str(p.name, RUNNING))
                        running = trimmed(p.bytes);
                asked |= span_eq_str(p.name, REBOOT);
                if (span_starts(p.name, SPAN(IMAGES))) {
                        struct span release = span_from(p.name, sizeof IMAGES - 1);

                        if (newest.n == 0 || cmp_release(newest, release) < 0)
                                newest = release;
                }
        }
        if (running.n)
                rc = put(out, "release", SPAN("running"), running);
        if (rc == 0 && newest.n)
                rc = put(out, "release", SPAN("newest_installed"), newest);
        asked |= newest.n && running.n && cmp_release(running, newest) < 0;
        return rc < 0 ? rc : put(out, "reboot", SPAN("required"), asked ? SPAN("yes") : SPAN("no"));
}

/* ---- protection ---- */

/* "none [integrity] confidentiality" */
static struct span in_brackets(struct span s)
{
        const uint8_t *open = s.n ? memchr(s.p, '[', s.n) : NULL, *close;

        if (!open)
                return s;
        close = memchr(open, ']', (size_t)(s.p + s.n - open));
        return close ? span_of(open + 1, (size_t)(close - open) - 1) : s;
}

static int put_efi(struct state_out *out, const struct state_part *p)
{
        enum { ATTRIBUTES = 4 };
        struct span name = field_base(p->name), word = name;

        field_cut(&name, '-', &word);
        if (p->bytes.n != ATTRIBUTES + 1)
                return state_fault(out, p, 0, "not a byte and its attributes");
        return put(out, "protection", word, p->bytes.p[ATTRIBUTES] == 1 ? SPAN("on") : SPAN("off"));
}

/* One word a line, those of packages that want a new start. */
static int put_names(struct state_out *out, const struct state_part *p)
{
        struct buf names = BUF_INIT(STATE_ROW_MAX / 2);
        struct field_lines l = { .rest = p->bytes };
        struct span line;
        int rc;

        while (field_line(&l, &line) && names.n + line.n < STATE_ROW_MAX / 4)
                if (line.n) {
                        if (names.n)
                                buf_put_byte(&names, ' ');
                        buf_put(&names, line);
                }
        rc = put(out, "reboot", SPAN("packages"), buf_span(&names));
        buf_done(&names);
        return rc;
}

static int put_part(struct state_out *out, const struct state_part *p)
{
        struct span value = trimmed(p->bytes), base = field_base(p->name);

        if (span_starts(p->name, SPAN(IMAGES)) || span_eq_str(p->name, REBOOT) ||
            span_eq_str(p->name, RUNNING) || !state_readable(out, p, STATE_MAY_BE_ABSENT))
                return 0;
        if (span_eq_str(p->name, REBOOT_NAMES))
                return put_names(out, p);
        if (span_starts(p->name, SPAN(EFIVARS)))
                return put_efi(out, p);
        if (span_starts(p->name, SPAN(HOLES)))
                return put(out, "vulnerability", base, value);
        if (span_eq_str(p->name, SECURITY "lockdown"))
                value = in_brackets(value);
        return put(out, "protection", span_eq_str(p->name, CMDLINE) ? SPAN("command_line") : base,
                   value);
}

static int read_kernel(struct state_in *in, struct state_out *out, struct err *err)
{
        int rc = put_releases(out, in);
        struct state_part p;

        (void)err;
        while (rc == 0 && state_next(in, &p))
                rc = put_part(out, &p);
        return rc < 0 ? rc : out->failed;
}

const struct state_table state_kernel = {
        .name = "kernel",
        .about = "the kernel that runs, the newest installed, and what protects it",
        STATE_COLUMNS(columns),
        STATE_SOURCES(sources),
        .every_s = 300,
        .read = read_kernel,
};
