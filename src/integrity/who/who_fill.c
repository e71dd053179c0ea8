/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/who_priv.h"
#include "integrity/who/who_script.h"
#include "sys/cgroup.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/sysmacros.h>

enum { TICK_NS = 10000000 };

void who_say_unknown(struct who *w, const char *fmt, ...)
{
        va_list ap;

        if (w->unknown[0])
                return;
        va_start(ap, fmt);
        vsnprintf(w->unknown, sizeof w->unknown, fmt, ap);
        va_end(ap);
}

static void say_why(struct who *w, const char *what, enum proc_why why)
{
        if (why != PROC_KNOWN && why != PROC_UNSET)
                who_say_unknown(w, "%s: %s", what, proc_why_text(why));
}

/* Arguments end with a NUL each: a blank between two of them. */
static void put_cmdline(struct who *w, struct span args)
{
        while (args.n && args.p[args.n - 1] == 0)
                args.n--;
        for (size_t i = 0; i < args.n; i++)
                buf_put_byte(&w->cmdline, args.p[i] ? args.p[i] : ' ');
}

static void put_tty(struct who *w, int32_t tty)
{
        unsigned maj = major((dev_t)tty), min = minor((dev_t)tty);

        if (maj >= 136 && maj <= 143)
                buf_printf(&w->tty, "pts/%u", (maj - 136) * 256 + min);
        else if (maj == 4 && min < 64)
                buf_printf(&w->tty, "tty%u", min);
        else if (maj == 4)
                buf_printf(&w->tty, "ttyS%u", min - 64);
        else if (tty)
                buf_printf(&w->tty, "%u:%u", maj, min);
}

/* ---- from /proc ---- */

static void fill_ids(struct who *w, const struct proc_info *i)
{
        if (i->ids.why == PROC_KNOWN) {
                w->has |= WHO_HAS_UID | WHO_HAS_PPID;
                w->uid = i->ids.uid;
                w->euid = i->ids.euid;
                w->ppid = i->ids.ppid;
        }
        if (i->loginuid.why == PROC_KNOWN) {
                w->has |= WHO_HAS_AUID;
                w->auid = i->loginuid.n;
        }
        if (i->sessionid.why == PROC_KNOWN) {
                w->has |= WHO_HAS_SESSION;
                w->session = i->sessionid.n;
        }
        if (i->stat.why == PROC_KNOWN) {
                w->start = i->stat.start;
                put_tty(w, i->stat.tty);
        }
}

static void set_kernel(struct who *w)
{
        w->has |= WHO_IS_KERNEL;
        who_say_unknown(w, "for whom: it is a thread of the kernel, which acts for others");
}

static void say_missing(struct who *w, const struct proc_info *i)
{
        /* A process that has ended but was not waited for keeps its name and loses the rest. */
        if (i->exe_why == PROC_UNSET && i->cmdline_why == PROC_UNSET && !proc_is_kernel(i))
                who_say_unknown(w, "the process was ending: executable and command line were gone");
        say_why(w, "user", i->ids.why);
        say_why(w, "process name", i->comm_why);
        say_why(w, "executable", i->exe_why);
        say_why(w, "command line", i->cmdline_why);
        say_why(w, "unit and container", i->cgroup_why);
}

static void put_script(struct buf *out, struct span exe, struct span args)
{
        struct span script;

        if (who_maintainer_script(exe, args, &script) && script.n <= WHO_SCRIPT_MAX)
                buf_put(out, script);
}

static void fill_place(struct who *w, const struct proc_info *i)
{
        struct cgroup_names names;

        if (i->cgroup_why != PROC_KNOWN)
                return;
        cgroup_names(span_of(i->cgroup, i->cgroup_n), true, &names);
        buf_put(&w->unit, names.unit);
        buf_put(&w->container, cgroup_container(&names));
        if (names.nested)
                w->has |= WHO_UNIT_NESTED;
}

void who_fill_proc(struct who *w, const struct proc_info *i, uint32_t own_mount_ns)
{
        fill_ids(w, i);
        if (i->exe_why == PROC_KNOWN)
                buf_put(&w->exe, span_of(i->exe, i->exe_n));
        if (i->exe_deleted)
                w->has |= WHO_EXE_NAMELESS;
        w->file = (struct who_exe){
                .dev = i->exe_dev,
                .ino = i->exe_ino,
                .led = i->exe_led,
                .strays = i->exe_strays,
                .nameless = i->exe_deleted,
        };
        if (i->mount_ns.why == PROC_KNOWN && own_mount_ns && i->mount_ns.n != own_mount_ns) {
                w->has |= WHO_HAS_MOUNT_NS;
                w->mount_ns = i->mount_ns.n;
                w->file.elsewhere = true;
        }
        if (i->comm_why == PROC_KNOWN)
                buf_put(&w->comm, span_of(i->comm, i->comm_n));
        if (i->cmdline_why == PROC_KNOWN)
                put_cmdline(w, span_of(i->cmdline, i->cmdline_n));
        if (i->exe_why == PROC_KNOWN && i->cmdline_why == PROC_KNOWN && !i->cmdline_cut)
                put_script(&w->script, buf_span(&w->exe), span_of(i->cmdline, i->cmdline_n));
        fill_place(w, i);
        say_missing(w, i);
        if (proc_is_kernel(i))
                set_kernel(w);
}

/* ---- from the cache ---- */

static bool is_elsewhere(const struct procs_state *s, uint32_t own_mount_ns)
{
        return s->has & PROCESS_HAS_MOUNT_NS && own_mount_ns && s->mount_ns != own_mount_ns;
}

static struct who_exe file_of(const struct procs_state *s, uint32_t own_mount_ns)
{
        const struct procs_image *i = s->image;

        if (!i)
                return (struct who_exe){ 0 };
        return (struct who_exe){ .dev = i->dev,
                                 .ino = i->ino,
                                 .file = i->file,
                                 .led = i->led,
                                 .strays = i->strays,
                                 .nameless = i->nameless,
                                 .elsewhere = is_elsewhere(s, own_mount_ns),
                                 .cut = i->exe_cut };
}

static void fill_numbers(struct who *w, const struct procs_proc *p, const struct procs_state *s,
                         uint32_t own_mount_ns)
{
        if (p->ppid > 0) {
                w->has |= WHO_HAS_PPID;
                w->ppid = p->ppid;
        }
        if (s->has & PROCESS_HAS_UID) {
                w->has |= WHO_HAS_UID;
                w->uid = s->uid;
                w->euid = s->euid;
        }
        if (s->has & PROCESS_HAS_AUID && s->auid != PROCESS_UNSET) {
                w->has |= WHO_HAS_AUID;
                w->auid = s->auid;
        }
        if (s->has & PROCESS_HAS_AUID && s->session != PROCESS_UNSET) {
                w->has |= WHO_HAS_SESSION;
                w->session = s->session;
        }
        if (is_elsewhere(s, own_mount_ns)) {
                w->has |= WHO_HAS_MOUNT_NS;
                w->mount_ns = s->mount_ns;
        }
        w->start = p->start_ns / TICK_NS;
}

static void say_missing_of_state(struct who *w, const struct procs_state *s)
{
        if (!(s->has & PROCESS_HAS_UID))
                who_say_unknown(w, "user: the process ended before /proc could be read");
        if (s->has & PROCESS_IS_KERNEL)
                return;
        if (!s->image)
                who_say_unknown(w, "executable: the process ended before /proc could be read");
        else if (s->image->exe_n == 0)
                who_say_unknown(w, "executable: its path could not be followed");
        else if (s->image->exe_cut)
                who_say_unknown(w, "executable: only the end of its path is known");
        else if (!s->image->args_known)
                who_say_unknown(w, "command line: not readable when it began");
        if (s->place && s->place->astray)
                who_say_unknown(w, "container: only the end of its control group's path is known");
}

void who_fill_state(struct who *w, const struct procs_answer *a, const struct proc_info *i,
                    uint32_t own_mount_ns)
{
        const struct procs_state *s = a->state;

        fill_numbers(w, a->proc, s, own_mount_ns);
        if (s->has & PROCESS_HAS_SID)
                put_tty(w, s->tty);
        if (s->has & PROCESS_HAS_COMM)
                buf_put(&w->comm, procs_comm(s));
        buf_put(&w->exe, procs_exe(s));
        put_cmdline(w, procs_args(s));
        put_script(&w->script, procs_exe(s), procs_args(s));
        buf_put(&w->unit, procs_unit(s));
        buf_put(&w->container, procs_container(s));
        if (procs_unit_nested(s))
                w->has |= WHO_UNIT_NESTED;
        if (s->image && s->image->nameless)
                w->has |= WHO_EXE_NAMELESS;
        w->file = file_of(s, own_mount_ns);
        if (i && !s->image && !(s->has & PROCESS_IS_KERNEL))
                say_missing(w, i);
        say_missing_of_state(w, s);
        if (a->unsure)
                who_say_unknown(w, "process events were lost: it may have been another program or "
                                   "user by then");
        if (s->has & PROCESS_IS_KERNEL)
                set_kernel(w);
}

static struct span name_of(const struct procs_state *s)
{
        return s->image && s->image->exe_n ? procs_exe(s) : procs_comm(s);
}

static void add_kin(struct who *w, struct who_kin *k, pid_t pid, const struct procs_state *s,
                    uint32_t own_mount_ns)
{
        struct span name = name_of(s);

        if (name.n > WHO_KIN_NAME)
                name = span_from(name, name.n - WHO_KIN_NAME);
        *k = (struct who_kin){ .pid = pid,
                               .uid = s->uid,
                               .euid = s->euid,
                               .has_uid = s->has & PROCESS_HAS_UID,
                               .has_exe = s->image && s->image->exe_n,
                               .file = file_of(s, own_mount_ns),
                               .at = (uint32_t)w->names.n,
                               .n = (uint32_t)name.n };
        k->file.cut |= name.n == WHO_KIN_NAME;
        buf_put(&w->names, name);
        k->script_at = (uint32_t)w->names.n;
        put_script(&w->names, procs_exe(s), procs_args(s));
        k->script_n = (uint32_t)w->names.n - k->script_at;
}

void who_add_parent(struct who *w, const struct procs_proc *p, uint32_t own_mount_ns)
{
        assert(w->n_parents < WHO_PARENTS);
        add_kin(w, &w->parents[w->n_parents++], p->pid, &p->state, own_mount_ns);
}

void who_seek_command(struct who *w, const struct procs_proc *p, struct who_command *c)
{
        const struct procs_state *s = &p->state;

        if (c->found)
                return;
        if (who_is_prompt(procs_exe(s), procs_args(s))) {
                w->command = c->below;
                c->found = true;
        } else if (p->pid > 1 && !who_passes_on(name_of(s))) {
                w->command = p->pid;
        }
        c->below = p->pid;
}

void who_fill_earlier(struct who *w, const struct procs_answer *a, uint64_t from_ns,
                      uint32_t own_mount_ns)
{
        const struct procs_state *s = a->state;

        for (; a->earlier && s->before && s->from_ns > from_ns && w->n_earlier < WHO_EARLIER;
             s = s->before) {
                if (s->before->inherited && s->image != s->before->image)
                        continue;
                add_kin(w, &w->earlier[w->n_earlier++], w->pid, s->before, own_mount_ns);
        }
}

void who_fill_candidates(struct who *w, const struct procs_answer *a, uint32_t own_mount_ns)
{
        STATIC_ASSERT((int)WHO_EARLIER == (int)PROCS_HAD_MAX + 1, "all that are known are named");
        add_kin(w, &w->earlier[w->n_earlier++], w->pid, a->state, own_mount_ns);
        for (unsigned i = 0; i < a->others && i < PROCS_HAD_MAX; i++)
                add_kin(w, &w->earlier[w->n_earlier++], w->pid, &a->had[i]->state, own_mount_ns);
        who_say_unknown(w,
                        "which process: %u had its number in the moment of the change; the last of "
                        "them are under earlier",
                        a->others + 1);
}
