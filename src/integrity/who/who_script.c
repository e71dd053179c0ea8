/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/who_script.h"

/* debconf-devel(7): a script that uses debconf is begun again by it, with itself as argument. */
static const char frontend[] = "/usr/share/debconf/frontend";

static bool next_arg(struct span *args, struct span *ret)
{
        const uint8_t *nul = args->n ? memchr(args->p, 0, args->n) : NULL;

        if (!nul) /* cut: what it would have been is not known */
                return false;
        *ret = span_of(args->p, (size_t)(nul - args->p));
        *args = span_from(*args, ret->n + 1);
        return true;
}

static bool ends_with(struct span s, const char *end)
{
        size_t n = strlen(end);

        return s.n > n && span_eq_str(span_from(s, s.n - n), end);
}

static bool has_only(struct span s, const char *bytes)
{
        for (size_t i = 0; i < s.n; i++)
                if (s.p[i] == 0 || !strchr(bytes, s.p[i]))
                        return false;
        return true;
}

static bool is_script(struct span path)
{
        static const char *const names[] = { "preinst", "postinst", "prerm", "postrm", "config" };
        static const struct span info = SPAN_INIT("/var/lib/dpkg/info/");
        static const struct span temporary = SPAN_INIT("/var/lib/dpkg/tmp.ci/");
        bool is_info = span_starts(path, info);
        struct span name = span_from(path, is_info ? info.n : temporary.n);

        if ((!is_info && !span_starts(path, temporary)) || name.n == 0 ||
            memchr(name.p, '/', name.n))
                return false;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
                if (!is_info && span_eq_str(name, names[i]))
                        return true;
                if (is_info && ends_with(name, names[i]) &&
                    name.p[name.n - strlen(names[i]) - 1] == '.')
                        return true;
        }
        return false;
}

struct interpreter {
        struct span exe;
        const char *versions; /* may follow the path */
        const char *options;  /* that bring no program along, nor look for one elsewhere */
};

static const struct interpreter *interpreter_of(struct span exe)
{
        static const struct interpreter known[] = {
                { SPAN_INIT("/usr/bin/dash"), "", "efnuvx" },
                { SPAN_INIT("/bin/dash"), "", "efnuvx" },
                { SPAN_INIT("/usr/bin/bash"), "", "efnuvx" },
                { SPAN_INIT("/bin/bash"), "", "efnuvx" },
                { SPAN_INIT("/usr/bin/perl"), "0123456789.", "Ttw" },
                { SPAN_INIT("/usr/bin/python3"), "0123456789.", "BEIOsu" },
        };

        for (size_t i = 0; i < ARRAY_LEN(known); i++) {
                struct span more = span_from(exe, MIN_OF(known[i].exe.n, exe.n));

                if (span_starts(exe, known[i].exe) && has_only(more, known[i].versions))
                        return &known[i];
        }
        return NULL;
}

/* The script of an interpreter: its first argument, behind options that cannot bring a program of
 * their own along. */
static bool script_of(const struct interpreter *in, struct span *args, struct span *ret)
{
        while (next_arg(args, ret))
                if (ret->n < 2 || ret->p[0] != '-' || !has_only(span_from(*ret, 1), in->options))
                        return ret->n > 0 && ret->p[0] == '/';
        return false;
}

bool who_maintainer_script(struct span exe, struct span args, struct span *ret)
{
        const struct interpreter *in = interpreter_of(exe);
        struct span arg = exe;

        if (!is_script(exe)) {
                if (!in || !next_arg(&args, &arg) || !script_of(in, &args, &arg))
                        return false;
                if (span_eq_str(arg, frontend) && !next_arg(&args, &arg))
                        return false;
                if (!is_script(arg))
                        return false;
        }
        *ret = arg;
        return true;
}

static struct span base_name(struct span exe)
{
        const uint8_t *slash = exe.n ? memrchr(exe.p, '/', exe.n) : NULL;

        return slash ? span_from(exe, (size_t)(slash + 1 - exe.p)) : exe;
}

bool who_passes_on(struct span exe)
{
        static const char *const names[] = { "agetty", "cron",   "doas",    "getty",  "init",
                                             "login",  "pkexec", "runuser", "screen", "sshd",
                                             "su",     "sudo",   "systemd", "tmux" };
        struct span name = base_name(exe);

        for (size_t i = 0; i < ARRAY_LEN(names); i++)
                if (span_eq_str(name, names[i]))
                        return true;
        return false;
}

bool who_is_prompt(struct span exe, struct span args)
{
        static const char *const shells[] = { "ash", "bash", "csh",  "dash", "fish",
                                              "ksh", "sh",   "tcsh", "zsh" };
        struct span name = base_name(exe), arg;
        bool is_shell = false;

        for (size_t i = 0; i < ARRAY_LEN(shells); i++)
                is_shell |= span_eq_str(name, shells[i]);
        if (!is_shell || !next_arg(&args, &arg))
                return false;
        while (next_arg(&args, &arg)) {
                bool is_long = arg.n > 1 && arg.p[1] == '-';

                if (arg.n == 0 || arg.p[0] != '-' || (!is_long && memchr(arg.p, 'c', arg.n)))
                        return false;
        }
        return true;
}
