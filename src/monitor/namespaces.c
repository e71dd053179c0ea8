/* SPDX-License-Identifier: Apache-2.0 */
#include "monitor/namespaces.h"

#include "base/text.h"
#include "monitor/builtin.h"
#include "sys/cgroup.h"
#include "sys/io.h"

#include <fcntl.h>
#include <sys/stat.h>

/* ---- which there are ---- */

static void note(struct namespaces *s, uint32_t inode, pid_t pid)
{
        struct space *x = s->at;

        while (x < s->at + s->n && x->inode != inode)
                x++;
        if (x == s->at + NAMESPACES_MAX) {
                s->many = true;
                return;
        }
        if (x == s->at + s->n)
                s->at[s->n++] = (struct space){ .inode = inode };
        if (x->n_pids < SPACE_PIDS)
                x->pid[x->n_pids++] = pid;
}

static void look_at(struct namespaces *s, pid_t pid, const char *link, uint32_t own)
{
        CLEANUP_FD int fd = proc_open(pid, -1);
        uint32_t inode;
        int rc = fd < 0 ? fd : proc_namespace(fd, link, &inode);

        if (rc == -EACCES || rc == -EPERM)
                s->hidden++;
        else if (rc == 0 && inode != own)
                note(s, inode, pid);
}

int namespaces_find(struct namespaces *s, const char *link, uint32_t own, const atomic_bool *stop)
{
        CLEANUP_FD int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dir_entry e;
        uint64_t pid;
        int rc = 0;

        if (proc < 0)
                return errno;
        dir_reader_init(&s->reader, proc);
        while (!*stop && (rc = dir_read(&s->reader, &e)) > 0)
                if (text_to_u64(span_of(e.name, e.name_n), &pid) == 0 && pid <= INT32_MAX)
                        look_at(s, (pid_t)pid, link, own);
        return *stop ? ECANCELED : -rc;
}

/* ---- whose they are ---- */

/* As root has named it; false: it is not among them. */
static bool put_given(struct namespaces *s, const struct space *x, const char *path)
{
        CLEANUP_FD int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dir_entry e;
        struct stat st;

        if (dir < 0)
                return false;
        dir_reader_init(&s->reader, dir);
        for (size_t i = 0; i < NAMESPACES_MAX && dir_read(&s->reader, &e) > 0; i++)
                if (fstatat(dir, e.name, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_ino == x->inode) {
                        buf_put(&s->names, span_of(e.name, e.name_n));
                        return true;
                }
        return false;
}

static void put_group(struct namespaces *s, const struct space *x)
{
        struct cgroup_names names = { 0 };
        struct proc_info *info = &s->info;

        for (size_t i = 0; i < x->n_pids && names.unit.n + names.container_n == 0; i++) {
                CLEANUP_FD int fd = proc_open(x->pid[i], -1);

                if (fd < 0)
                        continue;
                proc_read(fd, x->pid[i], info);
                if (info->cgroup_why == PROC_KNOWN)
                        cgroup_names(span_of(info->cgroup, info->cgroup_n), true, &names);
        }
        buf_put(&s->names, names.container_n ? cgroup_container(&names) : names.unit);
}

void space_set_name(struct namespaces *s, struct space *x, const char *dir)
{
        x->name = s->names.n;
        if (!dir || !put_given(s, x, dir))
                put_group(s, x);
        x->name_n = s->names.n - x->name;
}

/* ---- what was not seen ---- */

void namespaces_put_unseen(const struct namespaces *s, struct buf *out)
{
        if (s->many) {
                builtin_field(out, SPAN("many"));
                builtin_end(out);
        }
        if (s->hidden) {
                builtin_field(out, SPAN("hidden"));
                builtin_number(out, s->hidden);
                builtin_end(out);
        }
}
