/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/procs_priv.h"

#include "sys/cgroup.h"
#include "sys/proc.h"

#include <stdlib.h>

enum {
        KEPT_FOR_EXES = PROCS_TEXT_MAX / 4, /* arguments do not get the last of the room */
};

/* ---- shared parts ---- */

static size_t image_bytes(const struct procs_image *i)
{
        return sizeof *i + i->exe_n + i->args_n;
}

static struct procs_image *image_unref(struct procs *p, struct procs_image *i)
{
        if (!i || --i->refs)
                return NULL;
        p->counts.text -= image_bytes(i);
        free(i);
        return NULL;
}

static size_t place_bytes(const struct procs_place *g)
{
        return sizeof *g + g->unit_n + g->container_n;
}

void procs_place_unref(struct procs *p, struct procs_place *g)
{
        if (!g || --g->refs)
                return;
        p->counts.text -= place_bytes(g);
        free(g);
}

static void release(struct procs *p, struct procs_state *s)
{
        image_unref(p, s->image);
        procs_place_unref(p, s->place);
}

static void drop_before(struct procs *p, struct procs_state *s)
{
        while (s->before) {
                struct procs_state *x = s->before;

                s->before = x->before;
                p->counts.text -= sizeof *x;
                release(p, x);
                free(x);
        }
}

void procs_state_done(struct procs *p, struct procs_state *s)
{
        drop_before(p, s);
        release(p, s);
}

struct procs_state procs_state_copy(const struct procs_state *from)
{
        struct procs_state s = *from;

        s.before = NULL;
        if (s.image)
                s.image->refs++;
        if (s.place)
                s.place->refs++;
        return s;
}

/* ---- what an event or /proc tells, made into a state ---- */

struct procs_told procs_told_by_event(const struct process_event *e)
{
        return (struct procs_told){ .has = e->has,
                                    .exe = e->exe,
                                    .args = e->args,
                                    .comm = e->comm,
                                    .cgroup_path = e->cgroup_path,
                                    .cgroup = e->cgroup,
                                    .exe_dev = e->exe_dev,
                                    .exe_ino = e->exe_ino,
                                    .uid = e->uid,
                                    .euid = e->euid,
                                    .auid = e->auid,
                                    .session = e->session,
                                    .mount_ns = e->mount_ns,
                                    .sid = e->sid,
                                    .tty = e->tty };
}

static void has_if(struct procs_told *t, enum proc_why why, unsigned has)
{
        if (why == PROC_KNOWN)
                t->has |= has;
}

static uint32_t number_or_unset(struct proc_number n)
{
        return n.why == PROC_KNOWN ? n.n : PROCESS_UNSET;
}

struct procs_told procs_told_by_proc(const struct proc_info *i)
{
        size_t comm_n = MIN_OF(i->comm_n, (size_t)PROCESS_COMM_MAX);
        struct procs_told t = { .exe = span_of(i->exe, i->exe_n),
                                .args = span_of(i->cmdline, i->cmdline_n),
                                .comm = span_of(i->comm, comm_n),
                                .cgroup_path = span_of(i->cgroup, i->cgroup_n),
                                .exe_dev = i->exe_dev,
                                .exe_ino = i->exe_ino,
                                .uid = i->ids.uid,
                                .euid = i->ids.euid,
                                .auid = number_or_unset(i->loginuid),
                                .session = number_or_unset(i->sessionid),
                                .mount_ns = i->mount_ns.n,
                                .sid = i->stat.session,
                                .tty = i->stat.tty };

        has_if(&t, i->ids.why, PROCESS_HAS_UID);
        has_if(&t, i->stat.why, PROCESS_HAS_SID);
        has_if(&t, i->comm_why, PROCESS_HAS_COMM);
        has_if(&t, i->exe_why, PROCESS_HAS_EXE);
        has_if(&t, i->cmdline_why, PROCESS_HAS_ARGS);
        has_if(&t, i->cgroup_why, PROCESS_HAS_PLACE);
        has_if(&t, i->mount_ns.why, PROCESS_HAS_MOUNT_NS);
        if ((i->loginuid.why == PROC_KNOWN || i->loginuid.why == PROC_UNSET) &&
            (i->sessionid.why == PROC_KNOWN || i->sessionid.why == PROC_UNSET))
                t.has |= PROCESS_HAS_AUID;
        if (proc_is_kernel(i))
                t.has |= PROCESS_IS_KERNEL;
        if (i->exe_deleted)
                t.has |= PROCESS_EXE_NAMELESS;
        if (i->exe_led)
                t.has |= PROCESS_EXE_LED;
        if (i->exe_strays)
                t.has |= PROCESS_EXE_STRAYS;
        if (i->cmdline_cut)
                t.has |= PROCESS_ARGS_CUT;
        return t;
}

static struct procs_image *image_of(struct procs *p, const struct procs_told *t)
{
        size_t exe_n = MIN_OF(t->exe.n, (size_t)PROCESS_EXE_MAX);
        size_t args_n = MIN_OF(t->args.n, (size_t)PROCESS_ARGS_MAX);
        bool cut = t->has & PROCESS_ARGS_CUT || args_n < t->args.n;
        struct procs_image *i;

        procs_make_text_room(p, sizeof *i + exe_n + args_n + KEPT_FOR_EXES);
        if (p->counts.text + sizeof *i + exe_n + args_n > PROCS_TEXT_MAX - KEPT_FOR_EXES) {
                cut = cut || args_n;
                args_n = 0;
        }
        if (p->counts.text + sizeof *i + exe_n > PROCS_TEXT_MAX) {
                p->counts.lost++; /* while it lives /proc knows */
                return NULL;
        }
        i = malloc(sizeof *i + exe_n + args_n);
        if (!i) {
                p->counts.lost++;
                return NULL;
        }
        *i = (struct procs_image){ .refs = 1,
                                   .led = t->has & PROCESS_EXE_LED,
                                   .strays = t->has & PROCESS_EXE_STRAYS,
                                   .dev = t->exe_dev,
                                   .ino = t->exe_ino,
                                   .nameless = t->has & PROCESS_EXE_NAMELESS,
                                   .exe_cut = t->has & PROCESS_EXE_CUT,
                                   .args_known = t->has & PROCESS_HAS_ARGS,
                                   .args_cut = cut,
                                   .exe_n = (uint16_t)exe_n,
                                   .args_n = (uint16_t)args_n };
        if (exe_n)
                memcpy(i->text, t->exe.p, exe_n);
        if (args_n)
                memcpy(i->text + exe_n, t->args.p, args_n);
        if (p->file && i->ino && !i->exe_cut)
                i->file = p->file(p->file_ctx, t->exe, i->dev, i->ino);
        p->counts.text += image_bytes(i);
        return i;
}

bool procs_image_is(const struct procs_image *i, const struct procs_told *t)
{
        return i && span_eq(span_of(i->text, i->exe_n), t->exe);
}

static struct procs_place *new_place(struct procs *p, uint64_t cgroup,
                                     const struct cgroup_names *names)
{
        const struct span container = cgroup_container(names);
        const size_t n = sizeof(struct procs_place) + names->unit.n + container.n;
        struct procs_place *g;

        procs_make_text_room(p, n);
        g = p->counts.text + n > PROCS_TEXT_MAX ? NULL : malloc(n);
        if (!g)
                return NULL;
        *g = (struct procs_place){ .refs = 1,
                                   .cgroup = cgroup,
                                   .nested = names->nested,
                                   .unit_n = (uint16_t)names->unit.n,
                                   .container_n = (uint16_t)container.n };
        if (names->unit.n)
                memcpy(g->text, names->unit.p, names->unit.n);
        if (container.n)
                memcpy(g->text + g->unit_n, container.p, container.n);
        p->counts.text += place_bytes(g);
        return g;
}

static bool is_place(const struct procs_place *g, const struct procs_told *t,
                     const struct cgroup_names *names, bool astray)
{
        return t->cgroup && g->cgroup == t->cgroup && g->nested == names->nested &&
               g->astray == astray && span_eq(span_of(g->text, g->unit_n), names->unit) &&
               span_eq(span_of(g->text + g->unit_n, g->container_n), cgroup_container(names));
}

/* With a reference; found by id where there is one: most processes share a few.  Nobody leaves a
 * container by going deeper: where only the end of the path is told, it lies in that which the
 * process, or who made it, was in before. */
static struct procs_place *place_of(struct procs *p, const struct procs_told *t,
                                    const struct procs_state *before)
{
        struct procs_place **slot = &p->place[t->cgroup & (PROCS_PLACES - 1)], *g = *slot;
        bool cut = t->has & PROCESS_PLACE_CUT, astray;
        struct cgroup_names names;

        cgroup_names(t->cgroup_path, !cut, &names);
        if (cut)
                cgroup_within(&names, procs_container(before));
        if (cut && names.unit.n == 0)
                names.unit = procs_unit(before);
        astray = cut && names.container_n == 0 && (!before->place || before->place->astray);
        if (g && is_place(g, t, &names, astray)) {
                g->refs++;
                return g;
        }
        g = new_place(p, t->cgroup, &names);
        if (g)
                g->astray = astray;
        if (g && t->cgroup) {
                procs_place_unref(p, *slot);
                *slot = g;
                g->refs++;
        }
        return g;
}

void procs_state_ids(struct procs_state *s, const struct procs_told *t)
{
        if (t->has & PROCESS_HAS_UID) {
                s->uid = t->uid;
                s->euid = t->euid;
        }
        if (t->has & PROCESS_HAS_AUID) {
                s->auid = t->auid;
                s->session = t->session;
        }
        if (t->has & PROCESS_HAS_SID) {
                s->sid = t->sid;
                s->tty = t->tty;
        }
        if (t->has & PROCESS_HAS_COMM) {
                s->comm_n = (uint8_t)MIN_OF(t->comm.n, sizeof s->comm);
                if (s->comm_n)
                        memcpy(s->comm, t->comm.p, s->comm_n);
        }
        if (t->has & PROCESS_HAS_MOUNT_NS)
                s->mount_ns = t->mount_ns;
        s->has |= t->has & (PROCESS_HAS_UID | PROCESS_HAS_AUID | PROCESS_HAS_SID |
                            PROCESS_HAS_COMM | PROCESS_HAS_MOUNT_NS | PROCESS_IS_KERNEL);
}

void procs_state_place(struct procs *p, struct procs_state *s, const struct procs_told *t)
{
        struct procs_place *g;

        if (!(t->has & PROCESS_HAS_PLACE))
                return;
        g = place_of(p, t, s);
        procs_place_unref(p, s->place);
        s->place = g;
        if (s->place)
                s->has |= PROCESS_HAS_PLACE;
}

void procs_state_image(struct procs *p, struct procs_state *s, const struct procs_told *t)
{
        s->image = image_unref(p, s->image);
        s->has &= ~(unsigned)(PROCESS_HAS_EXE | PROCESS_IS_KERNEL);
        if (t->has & PROCESS_HAS_EXE && (s->image = image_of(p, t)))
                s->has |= PROCESS_HAS_EXE;
}

bool procs_state_push(struct procs *p, struct procs_proc *x, uint64_t from_ns)
{
        struct procs_state *was, *last;
        unsigned n = 1;

        procs_make_text_room(p, sizeof *was);
        if (p->counts.text + sizeof *was > PROCS_TEXT_MAX) {
                x->state.from_ns = from_ns; /* what it was is forgotten at once */
                return true;
        }
        was = malloc(sizeof *was);
        if (!was) {
                p->counts.lost++;
                return false;
        }
        p->counts.text += sizeof *was;
        *was = x->state;
        x->state = procs_state_copy(was);
        x->state.before = was;
        x->state.from_ns = from_ns;
        x->state.late = false;
        for (last = was; ++n < PROCS_STATES_MAX && last->before;)
                last = last->before;
        drop_before(p, last);
        return true;
}
