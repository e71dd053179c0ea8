/* SPDX-License-Identifier: Apache-2.0 */
/* rights.c - see rights.h. */
#include "nginx/rights.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "loop/role.h"
#include "sys/io.h"

enum { LOGS_MAX = ROLE_MORE_MAX - SETTINGS_PATHS_MAX };

/* What is open to it besides; of logs, the names are here. */
struct more {
        struct sandbox_path path[ROLE_MORE_MAX];
        size_t n, n_logs;
        bool writes;
        char log[LOGS_MAX][PATH_MAX];
};

/* The directory of a file, in room; NULL for none. */
static const char *directory_of(const ngx_str_t *file, char room[PATH_MAX])
{
        char *slash;

        if (!file->data)
                return NULL;
        (void)ngx_cpystrn((u_char *)room, file->data, PATH_MAX);
        slash = strrchr(room, '/');
        slash[slash == room] = '\0';
        return room;
}

/* What cannot be reached could not be opened anyway: by its modes, or because it is not there. */
static bool is_reachable(const char *path)
{
        CLEANUP_FD int fd = open(path, O_PATH | O_CLOEXEC);

        return fd >= 0;
}

static void add_asked_for(struct more *m, const ngx_array_t *paths)
{
        const struct sandbox_path *p = paths ? paths->elts : NULL;

        for (ngx_uint_t i = 0; p && i < paths->nelts; i++) {
                if (is_reachable(p[i].path)) {
                        m->path[m->n++] = p[i];
                        m->writes = m->writes || p[i].rights & SANDBOX_WRITE;
                } else {
                        ngx_log_error(NGX_LOG_ERR, ngx_cycle->log, errno,
                                      "assay: workers do not reach %s of assay_sandbox_read or "
                                      "assay_sandbox_write",
                                      p[i].path);
                }
        }
}

static bool has_log(const struct more *m, const char *directory)
{
        for (size_t i = 0; i < m->n_logs; i++)
                if (strcmp(m->log[i], directory) == 0)
                        return true;
        return false;
}

static void add_log(struct more *m, const ngx_str_t *file)
{
        const char *directory;

        if (file->len == 0 || file->data[0] != '/')
                return; /* standard error */
        if (m->n_logs == LOGS_MAX) {
                ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                              "assay: logs are in too many directories: \"%V\" stays as it is when "
                              "logs are opened anew",
                              file);
                return;
        }
        directory = directory_of(file, m->log[m->n_logs]);
        if (has_log(m, directory) || !is_reachable(directory))
                return;
        m->n_logs++;
        m->path[m->n++] = (struct sandbox_path){ directory, SANDBOX_WRITE, true };
}

static void add_logs(struct more *m)
{
        ngx_list_part_t *part = &((ngx_cycle_t *)(uintptr_t)ngx_cycle)->open_files.part;
        const ngx_open_file_t *file;

        for (; part; part = part->next) {
                file = part->elts;
                for (ngx_uint_t i = 0; i < part->nelts; i++)
                        add_log(m, &file[i].name);
        }
}

static void say(const struct sandbox_state *st)
{
        for (int i = 0; i < SANDBOX_STEPS; i++)
                if (st->step[i].result == SANDBOX_ABSENT || st->step[i].result == SANDBOX_PARTLY)
                        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0, "assay: %s is %s: %s",
                                      sandbox_step_name((enum sandbox_step)i),
                                      sandbox_result_name(st->step[i].result), st->step[i].note);
}

static int become_gateway(const struct settings *s, struct sandbox_state *ret, struct err *err)
{
        static struct more more; /* large, and needed once */
        char tokens[PATH_MAX];
        struct role_paths paths = { .config = (const char *)s->registry.data,
                                    .runtime = (const char *)s->run.data,
                                    .state = (const char *)s->keys.data,
                                    .ledger = directory_of(&s->tokens, tokens),
                                    .more = more.path };

        add_asked_for(&more, s->paths);
        add_logs(&more);
        paths.n_more = more.n;
        return role_enter(more.writes ? ROLE_GATEWAY_FILES : ROLE_GATEWAY, &paths, ROLE_KEEP_USER,
                          ret, err);
}

void rights_allow_locks(void)
{
        const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

        (void)setrlimit(RLIMIT_MEMLOCK, &all); /* or the workers say so */
}

/* Under a limit memory that is wanted later would not be had at all. */
bool rights_lock_memory(void)
{
        struct rlimit limit;

        if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY &&
            mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0)
                return true;
        ngx_log_error(NGX_LOG_NOTICE, ngx_cycle->log, 0,
                      "assay: memory of workers may be written to swap: locked memory is limited");
        return false;
}

int rights_give_up(const struct settings *s, struct sandbox_state *ret, struct err *err)
{
        int rc;

        if (s->sandbox) {
                rc = become_gateway(s, ret, err);
        } else {
                sandbox_not_asked(ret, SANDBOX_LANDLOCK, "assay_sandbox is off");
                sandbox_not_asked(ret, SANDBOX_SECCOMP, "assay_sandbox is off");
                rc = sandbox_no_privs(ret, err);
        }
        if (rc == 0)
                say(ret);
        return rc;
}
