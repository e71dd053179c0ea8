/* SPDX-License-Identifier: Apache-2.0 */
/* cmd_doctor.c - assay doctor: what this machine lacks, and the command that mends it.
 *
 * Each check is one function and one line in a table.  A check that cannot be made as this user
 * says UNKNOWN, never PASS. */
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <unistd.h>

#include "base/text.h"
#include "command/alert/sinks.h"
#include "command/commands.h"
#include "command/places.h"
#include "command/running/doctor.h"
#include "loop/presence.h"
#include "sys/bpf.h"
#include "sys/procconn.h"
#include "wire/json.h"

enum {
        LANDLOCK_ABI_WANTED = 3, /* truncate is covered from this one on */
        ROOM_WARN_MIB = 1024,
        ROOM_FAIL_MIB = 128,
};

/* What landlock_create_ruleset(NULL, 0, flags) answers with this flag; see landlock(7). */
enum { LANDLOCK_VERSION_FLAG = 1u << 0 };

struct check {
        const char *name;
        void (*look)(const struct invocation *in, struct finding *f);
};

void doctor_found(struct finding *f, enum verdict v, const char *fmt, ...)
{
        va_list ap;

        f->verdict = v;
        va_start(ap, fmt);
        vsnprintf(f->what, sizeof(f->what), fmt, ap);
        va_end(ap);
}

void doctor_mend(struct finding *f, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        vsnprintf(f->mend, sizeof(f->mend), fmt, ap);
        va_end(ap);
}

static void look_root(const struct invocation *in, struct finding *f)
{
        if (geteuid() == 0) {
                doctor_found(f, VERDICT_PASS, "running as root");
                return;
        }
        doctor_found(f, VERDICT_UNKNOWN, "running as uid %u: checks that need root say \"unknown\"",
                     (unsigned)geteuid());
        doctor_mend(f, "sudo %s", in->name);
}

static void look_fanotify(const struct invocation *in, struct finding *f)
{
        unsigned want = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_REPORT_DFID_NAME_TARGET;
        int fd = fanotify_init(want | FAN_REPORT_PIDFD, O_RDONLY);

        if (fd < 0 && errno == EINVAL)
                fd = fanotify_init(want, O_RDONLY);
        else if (fd >= 0)
                want |= FAN_REPORT_PIDFD;
        if (fd >= 0) {
                close(fd);
                doctor_found(f, VERDICT_PASS,
                             want & FAN_REPORT_PIDFD
                                     ? "file names, targets and process descriptors"
                                     : "file names and targets; no process descriptors");
        } else if (errno == EPERM) {
                doctor_found(f, VERDICT_UNKNOWN, "only root may ask");
        } else {
                doctor_found(f, VERDICT_FAIL,
                             "the kernel refuses it (%s): changes cannot be seen live",
                             strerror(errno));
                doctor_mend(f, "apt-get install linux-image-amd64   # 5.17 or newer, then reboot");
        }
}

static void look_landlock(const struct invocation *in, struct finding *f)
{
        long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_VERSION_FLAG);

        f->optional = true;
        if (abi >= LANDLOCK_ABI_WANTED) {
                doctor_found(f, VERDICT_PASS, "ABI %ld", abi);
        } else if (abi > 0) {
                doctor_found(f, VERDICT_FAIL,
                             "ABI %ld: truncating files cannot be confined before ABI %d", abi,
                             LANDLOCK_ABI_WANTED);
                doctor_mend(
                        f,
                        "apt-get install -t bookworm-backports linux-image-amd64   # then reboot");
        } else {
                doctor_found(f, VERDICT_FAIL, "%s: processes are not confined to their directories",
                             errno == EOPNOTSUPP ? "built in but switched off"
                                                 : "not in this kernel");
                doctor_mend(f,
                            "add lsm=landlock,... to the kernel command line in /etc/default/grub, "
                            "update-grub, reboot");
        }
}

static void look_seccomp(const struct invocation *in, struct finding *f)
{
        unsigned action = SECCOMP_RET_KILL_PROCESS;

        f->optional = true;
        if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0) {
                doctor_found(f, VERDICT_PASS, "filters, kill-process");
                return;
        }
        doctor_found(f, VERDICT_FAIL, "not in this kernel (%s): system calls are not filtered",
                     strerror(errno));
        doctor_mend(f, "apt-get install linux-image-amd64   # then reboot");
}

/* The best of the sensor's sources of process events, tried as it tries them; nothing stays. */
static void look_processes(const struct invocation *in, struct finding *f)
{
        CLEANUP(procconn_freep) struct procconn *connector = NULL;
        CLEANUP(bpf_freep) struct bpf *bpf = NULL;
        struct err by_bpf = { 0 }, by_connector = { 0 };

        f->optional = true;
        if (bpf_open(BPF_PROCESS, &bpf, &by_bpf) == 0) {
                doctor_found(f, VERDICT_PASS,
                             "eBPF: every author is known, however short it lives");
                return;
        }
        if (geteuid() != 0) {
                doctor_found(f, VERDICT_UNKNOWN, "eBPF takes root");
                return;
        }
        if (procconn_open(&connector, &by_connector) == 0)
                doctor_found(
                        f, VERDICT_FAIL,
                        "process connector only: of programs that end at once the user is known, not "
                        "the executable (%s)",
                        by_bpf.text);
        else
                doctor_found(f, VERDICT_FAIL,
                             "/proc only: authors that end at once are not known (%s; %s)",
                             by_bpf.text, by_connector.text);
        doctor_mend(f,
                    "apt-get install linux-image-amd64   # Debian's kernels have it; then reboot");
}

static void look_audit(const struct invocation *in, struct finding *f)
{
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);

        f->optional = true;
        if (fd < 0) {
                doctor_found(f, VERDICT_FAIL, "not in this kernel: login users are not known");
                doctor_mend(f, "apt-get install linux-image-amd64   # then reboot");
                return;
        }
        close(fd);
        if (access("/proc/self/loginuid", R_OK) == 0) {
                doctor_found(f, VERDICT_PASS, "in the kernel, login uids kept");
        } else {
                doctor_found(f, VERDICT_FAIL,
                             "no login uids (CONFIG_AUDITSYSCALL): who logged in is not known");
                doctor_mend(f, "apt-get install linux-image-amd64   # then reboot");
        }
}

static void look_users(const struct invocation *in, struct finding *f)
{
        bool recorder = getpwnam("assay"), uplink = getpwnam("assay-net");

        f->optional = true;
        if (recorder && uplink) {
                doctor_found(f, VERDICT_PASS, "assay and assay-net exist");
                return;
        }
        doctor_found(f, VERDICT_FAIL,
                     "no user %s: \"assay up\" uses numeric ids of its own instead",
                     recorder ? "assay-net"
                     : uplink ? "assay"
                              : "assay, none assay-net");
        doctor_mend(f, "assay up --create-users");
}

static void look_clock(const struct invocation *in, struct finding *f)
{
        struct timex t = { 0 };
        int state = adjtimex(&t);

        f->optional = true;
        if (state < 0) {
                doctor_found(f, VERDICT_UNKNOWN, "the kernel does not say (%s)", strerror(errno));
        } else if (state == TIME_ERROR || t.status & STA_UNSYNC) {
                doctor_found(f, VERDICT_FAIL,
                             "not synchronised: times in the ledger are this machine's word");
                doctor_mend(f, "apt-get install chrony");
        } else {
                doctor_found(f, VERDICT_PASS, "synchronised, within %ld ms", t.maxerror / 1000);
        }
}

/* The state directory, or the nearest ancestor that exists. */
static void existing_ancestor(const char *path, char out[PLACES_PATH_MAX])
{
        struct stat st;
        char *slash;

        snprintf(out, PLACES_PATH_MAX, "%s", path);
        while (stat(out, &st) < 0 && (slash = strrchr(out, '/')) && slash != out)
                *slash = 0;
        if (stat(out, &st) < 0)
                snprintf(out, PLACES_PATH_MAX, "/");
}

static void look_room(const struct invocation *in, struct finding *f)
{
        char dir[PLACES_PATH_MAX];
        struct buf room = BUF_INIT(64);
        struct statvfs v;
        uint64_t bytes;

        existing_ancestor(in->state, dir);
        if (statvfs(dir, &v) < 0) {
                doctor_found(f, VERDICT_UNKNOWN, "%s: %s", dir, strerror(errno));
                return;
        }
        if (v.f_flag & ST_RDONLY) {
                doctor_found(f, VERDICT_FAIL, "the filesystem of %s is read-only", dir);
                doctor_mend(f, "dmesg says why; then mount -o remount,rw it");
                return;
        }
        bytes = (uint64_t)v.f_bavail * v.f_frsize;
        screen_put_bytes(&room, bytes);
        doctor_found(f, bytes >> 20 < ROOM_WARN_MIB ? VERDICT_FAIL : VERDICT_PASS, "%s free at %s",
                     buf_cstr(&room), dir);
        f->optional = bytes >> 20 >= ROOM_FAIL_MIB;
        if (f->verdict == VERDICT_FAIL)
                doctor_mend(
                        f,
                        "make room on the filesystem of %s, or move the ledger: assay up --state DIR",
                        dir);
        buf_done(&room);
}

static void look_helpers(const struct invocation *in, struct finding *f)
{
        static const char *const names[] = { "assay-recorder", "assay-sensor", "assay-monitor",
                                             "assay-job",      "assay-guard",  "assay-uplink",
                                             "assay-keys" };
        char self[PLACES_PATH_MAX], path[PLACES_PATH_MAX + 32];
        ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *slash;

        if (n < 0) {
                doctor_found(f, VERDICT_UNKNOWN, "/proc/self/exe: %s", strerror(errno));
                return;
        }
        self[n] = 0;
        slash = strrchr(self, '/');
        *slash = 0;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                snprintf(path, sizeof(path), "%s/%s", self, names[i]);
                if (access(path, X_OK) == 0)
                        continue;
                doctor_found(f, VERDICT_FAIL, "%s: %s", path, strerror(errno));
                doctor_mend(f, "make install   # or apt-get install --reinstall assay");
                return;
        }
        doctor_found(f, VERDICT_PASS, "all of Assay's in %s", self);
}

/* The uplink's word; nothing is wrong where nobody asked for delivery. */
static void look_delivery(const struct invocation *in, struct finding *f)
{
        CLEANUP(buf_done) struct buf text = BUF_INIT(2 * PRESENCE_MAX);
        CLEANUP(buf_done) struct buf why = BUF_INIT(FINDING_TEXT_MAX);
        struct json_value state, sink;
        struct json_iter it;
        struct err err = { 0 };
        bool lives = false;
        size_t n = 0;
        int rc = sinks_read(in, &text, &lives, &err);

        f->optional = true;
        state = json_value_of(rc == 0 ? buf_span(&text) : SPAN("{}"));
        if (rc == -ENOENT || (rc == 0 && !lives)) {
                doctor_found(f, VERDICT_PASS, "not running: no alert leaves this host");
                return;
        }
        if (rc < 0) {
                doctor_found(f, VERDICT_UNKNOWN, "%s", err_text(&err));
                return;
        }
        for (it = sinks_iter(state); json_next(&it, NULL, &sink);)
                n++;
        if (sinks_put_refused(state, &why)) {
                doctor_found(f, VERDICT_FAIL, "nothing is delivered: %s", buf_cstr(&why));
                doctor_mend(
                        f,
                        "assay alert check   # then mend the file: systemctl restart assay-uplink");
        } else if (sinks_have_trouble(state)) {
                doctor_found(f, VERDICT_FAIL, "a sink is down; what waits for it is not lost");
                doctor_mend(f, "assay alert sinks   # says which and why");
        } else {
                doctor_found(f, VERDICT_PASS,
                             n ? "%zu sinks, none is down" : "%zu sinks: no alert leaves this host",
                             n);
        }
}

static const struct check checks[] = {
        { "root", look_root },           { "programs", look_helpers },
        { "tools", doctor_look_tools },  { "fanotify", look_fanotify },
        { "landlock", look_landlock },   { "seccomp", look_seccomp },
        { "processes", look_processes }, { "audit", look_audit },
        { "service user", look_users },  { "clock", look_clock },
        { "disk room", look_room },      { "permissions", doctor_look_permissions },
        { "vault", doctor_look_vault },  { "delivery", look_delivery },
        { "locks", doctor_look_locked },
};

static const char *verdict_word(const struct finding *f)
{
        switch (f->verdict) {
        case VERDICT_PASS:
                return "good";
        case VERDICT_UNKNOWN:
                return "unknown";
        default:
                return f->optional ? "lacks" : "broken";
        }
}

static enum style verdict_style(const struct finding *f)
{
        if (f->verdict == VERDICT_PASS)
                return STYLE_GOOD;
        return f->verdict == VERDICT_FAIL && !f->optional ? STYLE_BAD : STYLE_WARN;
}

static void put_text(const struct screen *s, const struct finding *findings, struct buf *out)
{
        struct table *t = malloc(sizeof(*t));

        if (!t)
                return;
        table_init(t, 3);
        for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
                const struct finding *f = &findings[i];

                table_put(t, verdict_style(f), verdict_word(f));
                table_put(t, STYLE_BOLD, checks[i].name);
                table_put(t, STYLE_NONE, f->what);
                if (!*f->mend)
                        continue;
                table_put(t, STYLE_NONE, "");
                table_put(t, STYLE_NONE, "");
                table_putf(t, STYLE_NAME, "mend: %s", f->mend);
        }
        table_print(t, s, 0, out);
        table_done(t);
        free(t);
}

static void put_json(const struct finding *findings, struct buf *out)
{
        struct json_writer w;

        json_writer_init(&w, out);
        json_begin_object(&w);
        json_put_key(&w, "checks");
        json_begin_array(&w);
        for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
                json_begin_object(&w);
                command_put_json_text(&w, "mend", findings[i].mend);
                command_put_json_text(&w, "name", checks[i].name);
                command_put_json_text(&w, "verdict", verdict_word(&findings[i]));
                command_put_json_text(&w, "what", findings[i].what);
                json_end_object(&w);
        }
        json_end_array(&w);
        json_end_object(&w);
        buf_put_byte(out, '\n');
}

/* What Assay does without does not count as a problem; what could not be looked at is not good. */
static enum status judge(const struct finding *findings)
{
        enum status status = STATUS_GOOD;

        for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
                if (findings[i].verdict == VERDICT_FAIL && !findings[i].optional)
                        return STATUS_PROBLEM;
                if (findings[i].verdict == VERDICT_UNKNOWN)
                        status = STATUS_UNSURE;
        }
        return status;
}

static enum status run(struct invocation *in)
{
        struct finding findings[ARRAY_LEN(checks)] = { 0 };
        struct buf out = BUF_INIT(COMMAND_OUTPUT_MAX);
        enum status status;

        for (size_t i = 0; i < ARRAY_LEN(checks); i++)
                checks[i].look(in, &findings[i]);
        status = judge(findings);
        if (in->json)
                put_json(findings, &out);
        else
                put_text(&in->out, findings, &out);
        status = command_print(in, &out, status);
        buf_done(&out);
        return status;
}

const struct command command_doctor = {
        .name = "doctor",
        .operands = "",
        .about = "say what this machine lacks, and the command that mends it",
        .help = "Looks at the kernel, the programs, the clock, the disk and the permissions that\n"
                "Assay needs.  \"lacks\" is something Assay works without, less well; \"broken\" is\n"
                "something it does not work without.  Nothing is changed.",
        .run = run,
};
