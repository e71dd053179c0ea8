/* SPDX-License-Identifier: Apache-2.0 */
#include "integrity/who/who_script.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define INFO "/var/lib/dpkg/info/"

static const struct {
        const char *exe;
        struct span args;
        const char *want; /* NULL: it is none */
} cases[] = {
        { "/usr/bin/dash", SPAN_INIT("/bin/sh\0" INFO "hello.postinst\0configure\0\0"),
          INFO "hello.postinst" },
        { "/usr/bin/dash", SPAN_INIT("/bin/sh\0-e\0" INFO "libc6:amd64.postinst\0configure\0"),
          INFO "libc6:amd64.postinst" },
        { "/usr/bin/perl", SPAN_INIT("/usr/bin/perl\0-w\0" INFO "x.config\0configure\0"),
          INFO "x.config" },
        { "/usr/bin/bash", SPAN_INIT("/bin/bash\0/var/lib/dpkg/tmp.ci/preinst\0install\0"),
          "/var/lib/dpkg/tmp.ci/preinst" },
        { INFO "base-files.preinst", SPAN_INIT(INFO "base-files.preinst\0install\0"),
          INFO "base-files.preinst" },
        { "/usr/bin/perl",
          SPAN_INIT("/usr/bin/perl\0-w\0/usr/share/debconf/frontend\0" INFO
                    "x.postinst\0configure\0"),
          INFO "x.postinst" },
        { "/usr/bin/dash", SPAN_INIT("sh\0/tmp/evil.sh\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0/tmp/evil.sh\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0-c\0echo evil\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("/bin/sh\0-eu\0" INFO "hello.postinst\0configure\0"),
          INFO "hello.postinst" },
        { "/usr/bin/perl5.36.0", SPAN_INIT("/usr/bin/perl\0" INFO "hello.postinst\0"),
          INFO "hello.postinst" },
        { "/usr/bin/python3.11", SPAN_INIT("/usr/bin/python3\0" INFO "hello.postinst\0"),
          INFO "hello.postinst" },
        /* commands from its input, or from elsewhere, or another program */
        { "/usr/bin/dash", SPAN_INIT("sh\0-s\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0-es\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/bash", SPAN_INIT("bash\0-i\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/perl", SPAN_INIT("perl\0-x\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/perl", SPAN_INIT("perl\0-d\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0-\0" INFO "hello.postinst\0"), NULL },
        { "/tmp/evil", SPAN_INIT("sh\0" INFO "hello.postinst\0"), NULL },
        { "/tmp/usr/bin/dash", SPAN_INIT("sh\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/dashed", SPAN_INIT("sh\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/tee", SPAN_INIT("tee\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/perl", SPAN_INIT("perl\0-esystem\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/bash", SPAN_INIT("bash\0--rcfile\0" INFO "hello.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0" INFO "hello.list\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0" INFO "postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0" INFO "hellopostinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0" INFO "../x.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0/var/lib/dpkg/tmp.ci/x.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0var/lib/dpkg/info/x.postinst\0"), NULL },
        { "/usr/bin/dash", SPAN_INIT("sh\0" INFO "hello.postinst"), NULL }, /* cut */
        { "/usr/bin/dash", SPAN_INIT("sh\0"), NULL },
        { "", SPAN_INIT(""), NULL },
};

static void test_scripts(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
                struct span got = SPAN("untouched");
                bool is = who_maintainer_script(span_str(cases[i].exe), cases[i].args, &got);

                if (is != (cases[i].want != NULL) ||
                    !span_eq_str(got, is ? cases[i].want : "untouched"))
                        fail_msg("case %zu", i);
        }
}

static const struct {
        const char *exe;
        struct span args;
        bool want;
} prompts[] = {
        { "/usr/bin/bash", SPAN_INIT("-bash\0"), true },
        { "/usr/bin/dash", SPAN_INIT("sh\0-i\0"), true },
        { "/usr/bin/bash", SPAN_INIT("bash\0--login\0"), true },
        { "/usr/bin/bash", SPAN_INIT("bash\0-c\0ls\0"), false },
        { "/usr/bin/bash", SPAN_INIT("bash\0-lc\0ls\0"), false },
        { "/usr/bin/bash", SPAN_INIT("bash\0install.sh\0"), false },
        { "/usr/bin/python3", SPAN_INIT("python3\0"), false },
        { "/usr/bin/bash", SPAN_INIT(""), false },
};

static void test_prompts(void **state)
{
        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(prompts); i++)
                if (who_is_prompt(span_str(prompts[i].exe), prompts[i].args) != prompts[i].want)
                        fail_msg("case %zu", i);
}

static void test_passing_on(void **state)
{
        static const struct {
                const char *exe;
                bool want;
        } programs[] = {
                { "/usr/sbin/sshd", true },
                { "/usr/bin/sudo", true },
                { "tmux", true },
                { "/usr/bin/sudoku", false },
                { "/usr/bin/bash", false },
                { "/sudo/x", false },
                { "", false },
        };

        (void)state;
        for (size_t i = 0; i < ARRAY_LEN(programs); i++)
                if (who_passes_on(span_str(programs[i].exe)) != programs[i].want)
                        fail_msg("%s", programs[i].exe);
}

int main(void)
{
        const struct CMUnitTest tests[] = { cmocka_unit_test(test_scripts),
                                            cmocka_unit_test(test_prompts),
                                            cmocka_unit_test(test_passing_on) };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
